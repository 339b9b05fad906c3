// Kernels and marks of the host's accesses as calls of the runtime.
//
//   mpy.host_read %b        ->   if the word at owner - 40 is not 0 { mpy_device_fetch(owner) }
//   %r = mpy.kernel "k"..   ->   buffers and words on the stack; mpy_device_run(&k, buffers, words)
#include "lowering/RuntimeEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mpyrt.h"

using namespace mlir;

namespace mpy {

void RuntimeEmitter::emitHostUse(Value buffer, StringRef callee, ArrayRef<Value> more) {
  Value owner = ownerOf(buffer);
  Value copy = load(builder.getI64Type(), offset(owner, -40));
  Value isThere = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, copy, constant(0));
  auto branch = scf::IfOp::create(builder, loc, isThere, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> operands{owner};
  llvm::append_range(operands, more);
  call(callee, {}, operands);
}

std::pair<Value, Value> RuntimeEmitter::roomForKernels(func::FuncOp function) {
  std::pair<Value, Value> &room = kernelRooms[function];
  if (room.first)
    return room;
  size_t buffers = 1, words = 1;
  function.walk([&](KernelOp op) {
    buffers = std::max(buffers, op.getBuffers().size());
    words = std::max(words, op.getWords().size());
  });
  Type integer = builder.getI64Type();
  room = {reserve(LLVM::LLVMArrayType::get(integer, 3 * buffers)),
          reserve(LLVM::LLVMArrayType::get(integer, words))};
  return room;
}

Value RuntimeEmitter::kernelOf(KernelOp op) {
  auto [known, isNew] = constants.try_emplace(("kernel:" + op.getCallee()).str());
  // A reference, not an iterator: the texts of the description are constants too.
  std::string &symbol = known->second;
  if (isNew)
    symbol = describeKernel(op);
  return LLVM::AddressOfOp::create(builder, loc, pointer, symbol);
}

std::string RuntimeEmitter::describeKernel(KernelOp op) {
  StringRef name = op.getCallee();
  int64_t number = static_cast<int64_t>(kernelNumbers++);
  SmallVector<int64_t> details(op.getAccess());
  llvm::append_range(details, op.getPartials());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  Type integer = builder.getI64Type();
  if (!symbols.lookup(MPY_KERNELS_SYMBOL)) {
    // What the backend defines once the kernels are text.
    auto kernels = LLVM::GlobalOp::create(builder, module.getLoc(), integer, /*isConstant=*/true,
                                          LLVM::Linkage::External, MPY_KERNELS_SYMBOL, Attribute());
    symbols.insert(kernels);
  }
  SmallVector<Type> fields(3, pointer);
  fields.append(7, integer);
  fields.push_back(LLVM::LLVMArrayType::get(integer, details.size()));
  auto layout = LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  auto global = LLVM::GlobalOp::create(builder, module.getLoc(), layout, /*isConstant=*/true,
                                       LLVM::Linkage::Internal, "kernel", Attribute());
  std::string symbol = symbols.insert(global).str();
  builder.createBlock(&global.getInitializerRegion());
  SmallVector<Value> where = place(loc);
  SmallVector<Value> values{LLVM::AddressOfOp::create(builder, loc, pointer, MPY_KERNELS_SYMBOL),
                            text(name), where[0], where[1]};
  for (int64_t each :
       {number, static_cast<int64_t>(op.getForm()), static_cast<int64_t>(op.getBuffers().size()),
        static_cast<int64_t>(op.getWords().size()), static_cast<int64_t>(op.getPartials().size()),
        static_cast<int64_t>(op.getInner())})
    values.push_back(constant(each));
  if (!details.empty())
    values.push_back(
        LLVM::ConstantOp::create(builder, loc, fields.back(), builder.getI64TensorAttr(details)));
  Value value = LLVM::UndefOp::create(builder, loc, layout);
  for (auto [position, field] : llvm::enumerate(values))
    value = LLVM::InsertValueOp::create(builder, loc, value, field,
                                        ArrayRef<int64_t>{static_cast<int64_t>(position)});
  LLVM::ReturnOp::create(builder, loc, value);
  return symbol;
}

void RuntimeEmitter::emitKernel(KernelOp op) {
  auto [buffers, words] = roomForKernels(op->getParentOfType<func::FuncOp>());
  for (auto [number, buffer] : llvm::enumerate(op.getBuffers())) {
    Value root = rootOf(buffer);
    auto type = cast<MemRefType>(root.getType());
    SmallVector<Value> dynamic;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        dynamic.push_back(sizeOf(root, dim));
    int64_t at = 24 * static_cast<int64_t>(number);
    store(ownerOf(buffer), offset(buffers, at));
    store(dataOf(buffer), offset(buffers, at + 8));
    store(bytesOf(type, dynamic), offset(buffers, at + 16));
  }
  for (auto [number, word] : llvm::enumerate(op.getWords())) {
    Value value = toInteger(word);
    if (value.getType().isInteger(1))
      value = LLVM::ZExtOp::create(builder, loc, builder.getI64Type(), value);
    store(value, offset(words, 8 * static_cast<int64_t>(number)));
  }
  Value ran = call("mpy_device_run", builder.getI8Type(), {kernelOf(op), buffers, words});
  op.replaceAllUsesWith(
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, ran, constant(0, 8))
          .getResult());
}

} // namespace mpy
