// Pointers, descriptors, symbols and constant data for HandlesToRuntime.
#include "lowering/RuntimeEmitter.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mpyrt.h"
#include "support/Places.h"

using namespace mlir;

namespace mpy {

RuntimeEmitter::RuntimeEmitter(ModuleOp module)
    : module(module), builder(module.getContext()), loc(module.getLoc()),
      types(module.getContext()), pointer(LLVM::LLVMPointerType::get(module.getContext())),
      symbols(module) {}

std::optional<int32_t> elementKind(Type type) {
  if (type.isInteger(1))
    return MPY_BOOL;
  if (type.isInteger(8))
    return MPY_INT8;
  if (type.isInteger(16))
    return MPY_INT16;
  if (type.isInteger(32))
    return MPY_INT32;
  if (type.isInteger(64) || type.isIndex())
    return MPY_INT64;
  if (type.isF32())
    return MPY_FLOAT32;
  if (type.isF64())
    return MPY_FLOAT64;
  return std::nullopt;
}

Value RuntimeEmitter::constant(int64_t value, unsigned bits) {
  return LLVM::ConstantOp::create(builder, loc,
                                  builder.getIntegerAttr(builder.getIntegerType(bits), value));
}

Value RuntimeEmitter::offset(Value base, int64_t bytes) {
  if (!bytes)
    return base;
  return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value RuntimeEmitter::load(Type type, Value from) {
  return LLVM::LoadOp::create(builder, loc, type, from);
}
void RuntimeEmitter::store(Value value, Value to) {
  LLVM::StoreOp::create(builder, loc, value, to);
}

Value RuntimeEmitter::reserve(Type type) {
  Operation *function = builder.getInsertionBlock()->getParentOp();
  if (!isa<func::FuncOp>(function))
    function = function->getParentOfType<func::FuncOp>();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&function->getRegion(0).front());
  return LLVM::AllocaOp::create(builder, loc, pointer, type, constant(1));
}

Value RuntimeEmitter::toInteger(Value value) {
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
  return value;
}

Value RuntimeEmitter::toIndex(Value value) {
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), value);
}

Value RuntimeEmitter::descriptor(Value buffer) {
  return UnrealizedConversionCastOp::create(builder, loc, types.convertType(buffer.getType()),
                                            buffer)
      .getResult(0);
}

Value RuntimeEmitter::dataOf(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  if (!type)
    return buffer;
  MemRefDescriptor parts(descriptor(buffer));
  Value data = parts.alignedPtr(builder, loc);
  if (type.getLayout().isIdentity())
    return data;
  return LLVM::GEPOp::create(builder, loc, pointer, types.convertType(type.getElementType()), data,
                             ArrayRef<LLVM::GEPArg>{parts.offset(builder, loc)});
}

Value RuntimeEmitter::ownerOf(Value buffer) {
  if (!isa<MemRefType>(buffer.getType()))
    return buffer;
  return MemRefDescriptor(descriptor(buffer)).allocatedPtr(builder, loc);
}

Value RuntimeEmitter::sizeOf(Value buffer, unsigned dim) {
  auto type = cast<MemRefType>(buffer.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  return MemRefDescriptor(descriptor(buffer)).size(builder, loc, dim);
}

Value RuntimeEmitter::strideOf(Value buffer, unsigned dim) {
  return MemRefDescriptor(descriptor(buffer)).stride(builder, loc, dim);
}

Value RuntimeEmitter::bufferAt(MemRefType type, Value data, ArrayRef<Value> dynamic, Value owner) {
  MemRefDescriptor parts = MemRefDescriptor::poison(builder, loc, types.convertType(type));
  parts.setAllocatedPtr(builder, loc, owner ? owner : data);
  parts.setAlignedPtr(builder, loc, data);
  parts.setConstantOffset(builder, loc, 0);
  SmallVector<Value> sizes;
  for (int64_t size : type.getShape()) {
    if (ShapedType::isDynamic(size)) {
      sizes.push_back(dynamic.front());
      dynamic = dynamic.drop_front();
    } else {
      sizes.push_back(constant(size));
    }
  }
  Value stride;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    parts.setSize(builder, loc, dim, sizes[dim]);
    if (!stride)
      stride = constant(1);
    parts.setStride(builder, loc, dim, stride);
    if (dim)
      stride =
          LLVM::MulOp::create(builder, loc, stride, sizes[dim], LLVM::IntegerOverflowFlags::nsw);
  }
  return UnrealizedConversionCastOp::create(builder, loc, type, Value(parts)).getResult(0);
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// Attributes of the runtime's functions that the optimiser profits from.
static SmallVector<StringRef> attributesOf(StringRef callee) {
  if (callee.starts_with("mpy_raise"))
    return {"noreturn", "cold", "nounwind"};
  if (callee == "mpy_free" || callee == "mpy_tape_push_bytes" || callee == "mpy_tape_pop_bytes" ||
      callee == "mpy_device_fetch" || callee == "mpy_device_change")
    return {"cold", "nounwind"};
  return {"nounwind"};
}

Value RuntimeEmitter::call(StringRef callee, Type result, ValueRange operands) {
  Type resultType = result ? result : LLVM::LLVMVoidType::get(builder.getContext());
  auto type = LLVM::LLVMFunctionType::get(resultType, SmallVector<Type>(operands.getTypes()));
  auto function = symbols.lookup<LLVM::LLVMFuncOp>(callee);
  if (!function) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    function = LLVM::LLVMFuncOp::create(builder, module.getLoc(), callee, type);
    SmallVector<Attribute> attributes;
    for (StringRef attribute : attributesOf(callee))
      attributes.push_back(builder.getStringAttr(attribute));
    function.setPassthroughAttr(builder.getArrayAttr(attributes));
    // Functions of numbers: their calls move and merge.
    if (callee.starts_with("mpy_special_")) {
      auto none = LLVM::ModRefInfo::NoModRef;
      function.setMemoryEffectsAttr(
          LLVM::MemoryEffectsAttr::get(builder.getContext(), none, none, none, none, none, none));
    }
    if (callee == "mpy_alloc_for")
      function.setResultAttr(0, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
    symbols.insert(function);
  } else if (function.getFunctionType() != type) {
    emitError(loc) << "internal: '" << callee << "' is called with different types";
    failedCall = true;
  }
  auto created = LLVM::CallOp::create(builder, loc, function, operands);
  return result ? created.getResult() : Value();
}

/// The address of zero-terminated constant text.
Value RuntimeEmitter::text(StringRef bytes) {
  auto [known, isNew] = constants.try_emplace(("text:" + bytes).str());
  if (isNew) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    std::string terminated = bytes.str() + '\0';
    auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), terminated.size());
    auto global =
        LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/true,
                               LLVM::Linkage::Internal, "text", builder.getStringAttr(terminated));
    known->second = symbols.insert(global).str();
  }
  return LLVM::AddressOfOp::create(builder, loc, pointer, known->second);
}

SmallVector<Value> RuntimeEmitter::place(Location where) {
  FileLineColLoc found = placeOf(where);
  return {text(found ? found.getFilename().getValue() : StringRef("<program>")),
          constant(found ? found.getLine() : 0)};
}

Value RuntimeEmitter::site(MemRefType type, Location where) {
  SmallVector<int64_t> sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(ShapedType::isDynamic(size) ? -1 : size);
  int64_t kind = elementKind(type.getElementType()).value_or(-1);
  FileLineColLoc found = placeOf(where);
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << "site:" << (found ? found.getFilename().getValue() : StringRef()) << ":"
         << (found ? found.getLine() : 0) << ":" << kind;
  for (int64_t size : sizes)
    stream << ":" << size;
  // A reference, not an iterator: the texts of the place are constants too.
  auto [known, isNew] = constants.try_emplace(key);
  std::string &symbol = known->second;
  if (isNew) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    Type integer = builder.getI64Type();
    auto array = LLVM::LLVMArrayType::get(integer, sizes.size());
    auto layout = LLVM::LLVMStructType::getLiteral(builder.getContext(),
                                                   {pointer, integer, integer, integer, array});
    auto global = LLVM::GlobalOp::create(builder, module.getLoc(), layout, /*isConstant=*/true,
                                         LLVM::Linkage::Internal, "site", Attribute());
    symbol = symbols.insert(global).str();
    builder.createBlock(&global.getInitializerRegion());
    SmallVector<Value> fields = place(where);
    fields.push_back(constant(kind));
    fields.push_back(constant(type.getRank()));
    if (!sizes.empty())
      fields.push_back(
          LLVM::ConstantOp::create(builder, loc, array, builder.getI64TensorAttr(sizes)));
    Value value = LLVM::UndefOp::create(builder, loc, layout);
    for (auto [position, field] : llvm::enumerate(fields))
      value = LLVM::InsertValueOp::create(builder, loc, value, field,
                                          ArrayRef<int64_t>{static_cast<int64_t>(position)});
    LLVM::ReturnOp::create(builder, loc, value);
  }
  return LLVM::AddressOfOp::create(builder, loc, pointer, symbol);
}

/// Constant data behind a header whose count never reaches zero; the address of the data.
Value RuntimeEmitter::immortal(StringRef key, ArrayRef<Attribute> fields,
                               ArrayRef<Type> fieldTypes) {
  auto [known, isNew] = constants.try_emplace(key);
  if (isNew) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    auto header = LLVM::LLVMArrayType::get(builder.getI64Type(), 8);
    SmallVector<Type> members{header};
    llvm::append_range(members, fieldTypes);
    auto type = LLVM::LLVMStructType::getLiteral(builder.getContext(), members);
    // Counts are written, so the data is not constant to the linker.
    auto global =
        LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false,
                               LLVM::Linkage::Internal, "constant", Attribute(), /*alignment=*/64);
    known->second = symbols.insert(global).str();
    Block *body = builder.createBlock(&global.getInitializerRegion());
    builder.setInsertionPointToStart(body);
    Value value = LLVM::ZeroOp::create(builder, loc, type);
    SmallVector<int64_t> counts(8, 0);
    counts[0] = MPY_IMMORTAL;
    auto headerAttribute = DenseElementsAttr::get(RankedTensorType::get({8}, builder.getI64Type()),
                                                  ArrayRef<int64_t>(counts));
    value = LLVM::InsertValueOp::create(
        builder, loc, value, LLVM::ConstantOp::create(builder, loc, header, headerAttribute),
        ArrayRef<int64_t>{0});
    for (auto [position, field] : llvm::enumerate(fields))
      if (field)
        value = LLVM::InsertValueOp::create(
            builder, loc, value,
            LLVM::ConstantOp::create(builder, loc, fieldTypes[position], field),
            ArrayRef<int64_t>{static_cast<int64_t>(position) + 1});
    LLVM::ReturnOp::create(builder, loc, value);
  }
  return offset(LLVM::AddressOfOp::create(builder, loc, pointer, known->second),
                sizeof(mpy_header));
}

void RuntimeEmitter::emitConstantBuffer(ConstantBufferOp op) {
  auto type = cast<MemRefType>(op.getType());
  auto elements = cast<DenseElementsAttr>(op.getValue());
  int64_t count = elements.getNumElements();
  Type element = types.convertType(type.getElementType());
  auto flat = elements.reshape(RankedTensorType::get({count}, type.getElementType()));
  if (type.getElementType().isIndex())
    flat = flat.bitcast(builder.getI64Type());
  std::string key;
  llvm::raw_string_ostream(key) << "data:" << flat.getAsOpaquePointer();
  auto array = LLVM::LLVMArrayType::get(element, count);
  Value data =
      immortal(key, count ? ArrayRef<Attribute>{flat} : ArrayRef<Attribute>{Attribute()}, {array});
  op.replaceAllUsesWith(bufferAt(type, data, {}));
}

void RuntimeEmitter::emitStringConstant(StringConstantOp op) {
  StringRef bytes = op.getValue();
  auto array = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes.size());
  Value data = immortal(("string:" + bytes).str(),
                        {builder.getI64IntegerAttr(bytes.size()),
                         bytes.empty() ? Attribute() : builder.getStringAttr(bytes)},
                        {builder.getI64Type(), array});
  op.replaceAllUsesWith(data);
}

Value RuntimeEmitter::absentData() {
  return immortal("absent", {Attribute()}, {LLVM::LLVMArrayType::get(builder.getI64Type(), 8)});
}

void RuntimeEmitter::emitAbsent(AbsentOp op) {
  Value data = absentData();
  auto type = dyn_cast<MemRefType>(op.getType());
  if (!type) {
    op.replaceAllUsesWith(data);
    return;
  }
  SmallVector<Value> sizes(type.getNumDynamicDims(), constant(0));
  op.replaceAllUsesWith(bufferAt(type, data, sizes));
}

} // namespace mpy
