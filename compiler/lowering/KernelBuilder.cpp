// What every kernel has: parameters, positions of threads, addresses, and the operations of the
// program on elements.
//
//   kernel(ptr x, ptr out, i64 n)     ->   gpu.func @each_1(%x: !llvm.ptr<1>, ..) kernel
//   an element of x at (i, j)         ->   llvm.load of x + i * stride0 + j * stride1
//
// Points are counted in 32 bits, which the run time guarantees; addresses are 64 bits. Elementary
// functions of float32 are computed in float64 and rounded once, as the C library's are. A float
// that does not fit into an integer becomes the smallest one, as on x86.
#include "lowering/KernelBuilder.h"
#include "dialect/Device.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mpy {

//===----------------------------------------------------------------------===//
// What kernels can do
//===----------------------------------------------------------------------===//

bool isKernelElement(Type type) {
  return type.isF32() || type.isF64() || type.isIndex() || type.isSignlessInteger(1) ||
         type.isSignlessInteger(8) || type.isSignlessInteger(16) || type.isSignlessInteger(32) ||
         type.isSignlessInteger(64);
}

int64_t bytesOfElement(Type type) {
  return type.isIndex() ? 8 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// Functions of the device's library, which is for float64.
static bool isElementary(Operation &op) {
  return isa<math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log2Op, math::Log10Op,
             math::Log1pOp, math::SinOp, math::CosOp, math::TanOp, math::SinhOp, math::CoshOp,
             math::TanhOp, math::AsinOp, math::AcosOp, math::AtanOp, math::AsinhOp, math::AcoshOp,
             math::AtanhOp, math::Atan2Op, math::PowFOp, math::CbrtOp, math::ErfOp, math::ErfcOp>(
      op);
}

static bool isPlainMath(Operation &op) {
  return isa<math::FloorOp, math::CeilOp, math::TruncOp, math::RoundOp, math::RoundEvenOp,
             math::SqrtOp, math::AbsFOp, math::CopySignOp, math::FmaOp>(op);
}

bool hasOwnKernelForm(Operation &op) {
  auto isScalar = [](Type type) {
    return isKernelElement(type) ||
           (type.isSignlessInteger() && type.getIntOrFloatBitWidth() <= 64);
  };
  if (!llvm::all_of(op.getResultTypes(), isScalar))
    return false;
  bool isKnown = isElementary(op) || isPlainMath(op) || isa<arith::ArithDialect>(op.getDialect()) ||
                 isa<scf::IfOp, scf::ForOp, scf::WhileOp, scf::YieldOp, scf::ConditionOp,
                     memref::LoadOp, linalg::IndexOp, linalg::YieldOp, ub::PoisonOp>(op);
  // What does not fit is the processor's own matter.
  if (!isKnown || isa<arith::FPToUIOp>(op))
    return false;
  if (auto load = dyn_cast<memref::LoadOp>(op); load && !isKernelElement(load.getType()))
    return false;
  return true;
}

bool hasKernelForm(Operation &op) {
  if (!hasOwnKernelForm(op))
    return false;
  for (Region &region : op.getRegions())
    for (Block &block : region)
      for (Operation &inner : block)
        if (!hasKernelForm(inner))
          return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

unsigned KernelArguments::buffer(Value view, int64_t how) {
  const auto *found = llvm::find(buffers, view);
  unsigned number = found - buffers.begin();
  if (found != buffers.end()) {
    access[number] |= how;
    return number;
  }
  buffers.push_back(view);
  access.push_back(how);
  auto type = cast<MemRefType>(view.getType());
  SmallVector<int64_t> known;
  int64_t offset;
  [[maybe_unused]] LogicalResult strided = type.getStridesAndOffset(known, offset);
  SmallVector<OpFoldResult> &mine = strides.emplace_back();
  memref::ExtractStridedMetadataOp metadata;
  for (auto [dim, stride] : llvm::enumerate(known)) {
    if (!ShapedType::isDynamic(stride)) {
      mine.push_back(host.getI64IntegerAttr(stride));
      continue;
    }
    if (!metadata)
      metadata = memref::ExtractStridedMetadataOp::create(host, view.getLoc(), view);
    mine.push_back(extent(metadata.getStrides()[dim]));
  }
  return number;
}

unsigned KernelArguments::word(Value value) {
  const auto *found = llvm::find(words, value);
  if (found == words.end()) {
    words.push_back(value);
    return words.size() - 1;
  }
  return found - words.begin();
}

OpFoldResult KernelArguments::extent(Value index) {
  if (std::optional<int64_t> known = getConstantIntValue(index))
    return host.getI64IntegerAttr(*known);
  word(index);
  return index;
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static Type parameterType(Type type) {
  Builder builder(type.getContext());
  if (type.isIndex())
    return builder.getI64Type();
  if (type.isInteger(1))
    return builder.getI8Type();
  return type;
}

KernelBuilder::KernelBuilder(gpu::GPUModuleOp kernels, StringRef name, Location loc,
                             const KernelArguments &arguments, ArrayRef<Type> extras,
                             ArrayRef<Type> shared)
    : builder(kernels.getContext()), loc(loc), arguments(arguments) {
  SmallVector<Type> types(arguments.buffers.size(),
                          LLVM::LLVMPointerType::get(builder.getContext(), 1));
  for (Value word : arguments.words)
    types.push_back(parameterType(word.getType()));
  extraStart = types.size();
  llvm::append_range(types, extras);
  builder.setInsertionPointToEnd(kernels.getBody());
  function = gpu::GPUFuncOp::create(builder, loc, name, builder.getFunctionType(types, {}), shared);
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  builder.setInsertionPointToStart(&function.getBody().front());
  for (auto [number, word] : llvm::enumerate(arguments.words)) {
    Value parameter = function.getArgument(arguments.buffers.size() + number);
    if (word.getType().isIndex())
      parameter = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), parameter);
    else if (word.getType().isInteger(1))
      parameter =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, parameter, constant(0, 8));
    known[word] = parameter;
  }
}

void KernelBuilder::finish() { gpu::ReturnOp::create(builder, loc); }

Value KernelBuilder::valueOf(Value hostValue) {
  Value &value = known[hostValue];
  if (!value) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&function.getBody().front());
    value = builder.clone(*hostValue.getDefiningOp())->getResult(0);
  }
  return value;
}

Value KernelBuilder::extra(unsigned number) { return function.getArgument(extraStart + number); }

Value KernelBuilder::sharedMemory(unsigned number) {
  return function.getWorkgroupAttributions()[number];
}

Value KernelBuilder::dynamicMemory() {
  constexpr unsigned sharedSpace = 3;
  auto kernels = function->getParentOfType<gpu::GPUModuleOp>();
  StringRef name = "dynamic";
  if (!kernels.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(kernels.getBody());
    LLVM::GlobalOp::create(builder, loc, LLVM::LLVMArrayType::get(builder.getI8Type(), 0),
                           /*isConstant=*/false, LLVM::Linkage::External, name, Attribute(),
                           /*alignment=*/16, sharedSpace);
  }
  return LLVM::AddressOfOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext(), sharedSpace), name);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value KernelBuilder::constant(int64_t value, unsigned bits) {
  return arith::ConstantIntOp::create(builder, loc, value, bits);
}

static Value toInteger(KernelBuilder &kernel, OpFoldResult extent, unsigned bits) {
  if (std::optional<int64_t> constant = getConstantIntValue(extent))
    return kernel.constant(*constant, bits);
  Value value = kernel.valueOf(cast<Value>(extent));
  Type type = kernel.builder.getIntegerType(bits);
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(kernel.builder, kernel.loc, type, value);
  if (value.getType() == type)
    return value;
  return arith::TruncIOp::create(kernel.builder, kernel.loc, type, value);
}

Value KernelBuilder::small(OpFoldResult extent) { return toInteger(*this, extent, 32); }
Value KernelBuilder::wide(OpFoldResult extent) { return toInteger(*this, extent, 64); }

static Value toSmall(KernelBuilder &kernel, Value index) {
  return arith::IndexCastOp::create(kernel.builder, kernel.loc, kernel.builder.getI32Type(), index);
}

Value KernelBuilder::thread() {
  return toSmall(*this, gpu::ThreadIdOp::create(builder, loc, gpu::Dimension::x));
}
Value KernelBuilder::block() {
  return toSmall(*this, gpu::BlockIdOp::create(builder, loc, gpu::Dimension::x));
}
Value KernelBuilder::threadsOfGrid() {
  Value threads = toSmall(*this, gpu::BlockDimOp::create(builder, loc, gpu::Dimension::x));
  return mul(threads, toSmall(*this, gpu::GridDimOp::create(builder, loc, gpu::Dimension::x)));
}
Value KernelBuilder::add(Value x, Value y) { return arith::AddIOp::create(builder, loc, x, y); }
Value KernelBuilder::sub(Value x, Value y) { return arith::SubIOp::create(builder, loc, x, y); }
Value KernelBuilder::mul(Value x, Value y) { return arith::MulIOp::create(builder, loc, x, y); }
Value KernelBuilder::divide(Value x, Value y) { return arith::DivUIOp::create(builder, loc, x, y); }
Value KernelBuilder::remainder(Value x, Value y) {
  return arith::RemUIOp::create(builder, loc, x, y);
}
Value KernelBuilder::less(Value x, Value y) {
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, x, y);
}
Value KernelBuilder::widen(Value x) {
  return arith::ExtUIOp::create(builder, loc, builder.getI64Type(), x);
}

SmallVector<Value> KernelBuilder::positionsOf(Value point, ArrayRef<OpFoldResult> extents) {
  SmallVector<Value> positions(extents.size());
  for (size_t dim = extents.size(); dim-- > 0;) {
    // What no other dimension is in front of needs no remainder.
    if (dim == 0) {
      positions[dim] = widen(point);
      break;
    }
    Value extent = small(extents[dim]);
    positions[dim] = widen(remainder(point, extent));
    point = divide(point, extent);
  }
  return positions;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value KernelBuilder::offsetOf(unsigned buffer, ValueRange positions) {
  Value offset;
  for (auto [position, stride] : llvm::zip_equal(positions, arguments.stridesOf(buffer))) {
    Value part = isConstantIntValue(stride, 1) ? position : mul(position, wide(stride));
    offset = offset ? add(offset, part) : part;
  }
  return offset ? offset : constant(0, 64);
}

Value KernelBuilder::loadAt(Type element, Value pointer, Value index) {
  Type stored = parameterType(element);
  Value at = LLVM::GEPOp::create(builder, loc, pointer.getType(), stored, pointer,
                                 ArrayRef<LLVM::GEPArg>{index});
  Value value = LLVM::LoadOp::create(builder, loc, stored, at);
  if (element.isInteger(1))
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value, constant(0, 8));
  if (element.isIndex())
    return arith::IndexCastOp::create(builder, loc, element, value);
  return value;
}

void KernelBuilder::storeAt(Value value, Value pointer, Value index) {
  Type stored = parameterType(value.getType());
  if (value.getType().isInteger(1))
    value = arith::ExtUIOp::create(builder, loc, stored, value);
  else if (value.getType().isIndex())
    value = arith::IndexCastOp::create(builder, loc, stored, value);
  Value at = LLVM::GEPOp::create(builder, loc, pointer.getType(), stored, pointer,
                                 ArrayRef<LLVM::GEPArg>{index});
  LLVM::StoreOp::create(builder, loc, value, at);
}

Value KernelBuilder::load(unsigned buffer, ValueRange positions) {
  Type element = cast<MemRefType>(arguments.buffers[buffer].getType()).getElementType();
  return loadAt(element, function.getArgument(buffer), offsetOf(buffer, positions));
}

void KernelBuilder::store(Value value, unsigned buffer, ValueRange positions) {
  storeAt(value, function.getArgument(buffer), offsetOf(buffer, positions));
}

//===----------------------------------------------------------------------===//
// Operations of the program
//===----------------------------------------------------------------------===//

/// A float as an integer, where what does not fit is the smallest one.
static Value toIntegerOfHost(KernelBuilder &kernel, Value value, IntegerType type) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  if (type.getWidth() < 32)
    return arith::TruncIOp::create(builder, loc, type,
                                   toIntegerOfHost(kernel, value, builder.getI32Type()));
  double limit = std::ldexp(1.0, static_cast<int>(type.getWidth()) - 1);
  auto real = [&](double number) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(value.getType(), number));
  };
  Value above = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGE, value, real(-limit));
  Value below = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, value, real(limit));
  Value fits = arith::AndIOp::create(builder, loc, above, below);
  Value converted = arith::FPToSIOp::create(
      builder, loc, type, arith::SelectOp::create(builder, loc, fits, value, real(0)));
  Value smallest = arith::ConstantOp::create(
      builder, loc, builder.getIntegerAttr(type, APInt::getSignedMinValue(type.getWidth())));
  return arith::SelectOp::create(builder, loc, fits, converted, smallest);
}

Value KernelBuilder::cloneMath(Operation &op, IRMapping &map) {
  Type wideType = builder.getF64Type();
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(arith::ExtFOp::create(builder, loc, wideType, map.lookup(operand)));
  OperationState state(loc, op.getName(), operands, wideType, {});
  return arith::TruncFOp::create(builder, loc, op.getResult(0).getType(),
                                 builder.create(state)->getResult(0));
}

void KernelBuilder::clone(Operation &op, IRMapping &map, ValueRange positions) {
  for (Value operand : op.getOperands())
    if (!map.contains(operand) && !isa<MemRefType>(operand.getType()))
      map.map(operand, valueOf(operand));
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    map.map(index.getResult(), arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                                          positions[index.getDim()])
                                   .getResult());
    return;
  }
  if (auto read = dyn_cast<memref::LoadOp>(op)) {
    SmallVector<Value> at;
    for (Value index : read.getIndices())
      at.push_back(
          arith::IndexCastOp::create(builder, loc, builder.getI64Type(), map.lookup(index)));
    unsigned buffer = llvm::find(arguments.buffers, read.getMemref()) - arguments.buffers.begin();
    map.map(read.getResult(), load(buffer, at));
    return;
  }
  if (auto write = dyn_cast<memref::StoreOp>(op)) {
    SmallVector<Value> at;
    for (Value index : write.getIndices())
      at.push_back(
          arith::IndexCastOp::create(builder, loc, builder.getI64Type(), map.lookup(index)));
    unsigned buffer = llvm::find(arguments.buffers, write.getMemref()) - arguments.buffers.begin();
    store(map.lookup(write.getValue()), buffer, at);
    return;
  }
  if (auto cast = dyn_cast<arith::FPToSIOp>(op)) {
    map.map(cast.getResult(), toIntegerOfHost(*this, map.lookup(cast.getIn()),
                                              llvm::cast<IntegerType>(cast.getType())));
    return;
  }
  if (isElementary(op) && op.getResult(0).getType().isF32()) {
    map.map(op.getResult(0), cloneMath(op, map));
    return;
  }
  Operation *created = builder.insert(op.cloneWithoutRegions(map));
  OpBuilder::InsertionGuard guard(builder);
  for (auto [region, copy] : llvm::zip(op.getRegions(), created->getRegions()))
    for (Block &block : region) {
      SmallVector<Location> places(block.getNumArguments(), loc);
      Block *into = builder.createBlock(&copy, copy.end(), block.getArgumentTypes(), places);
      map.map(block.getArguments(), into->getArguments());
      for (Operation &inner : block)
        clone(inner, map, positions);
    }
}

} // namespace mpy
