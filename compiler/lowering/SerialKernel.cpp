// Loops of the host as the work of one thread of a device.
//
//   scf.for %i { %v = load %x[load %rows[%i]]; store %v + 1, %x[..] }   ->   if thread 0 { scf.for
//   .. }
//
// What a program adds at positions that are data (the adjoint of a subscript) is a loop in its own
// order. The host is faster at it, but not where its buffers lie on the device alone: a short loop
// there costs less than the way home and back. The run time decides.
#include "lowering/SerialKernel.h"
#include "lowering/GroupKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace mpy {

/// The rounds of a loop, where they are known before it begins.
static Value roundsOf(OpBuilder &builder, scf::ForOp loop) {
  Location loc = loop.getLoc();
  Value length =
      builder.createOrFold<arith::SubIOp>(loc, loop.getUpperBound(), loop.getLowerBound());
  return builder.createOrFold<arith::CeilDivSIOp>(loc, length, loop.getStep());
}

bool hasSerialKernel(scf::ForOp loop) {
  if (loop.getNumResults() || !loop.getInductionVar().getType().isIndex())
    return false;
  bool changes = false, isPlain = true;
  loop.getBody()->walk([&](Operation *op) {
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      changes = true;
      isPlain &= isOfKernels(store.getMemref());
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      isPlain &= isOfKernels(load.getMemref());
    } else {
      // Loops inside have rounds that nobody counts.
      isPlain &= !isa<LoopLikeOpInterface>(op) && hasOwnKernelForm(*op);
    }
  });
  if (!changes || !isPlain)
    return false;
  bool allKnown = true;
  visitUsedValuesDefinedAbove(loop.getRegion(), [&](OpOperand *use) {
    Value value = use->get();
    allKnown &= isa<MemRefType>(value.getType())
                    ? !loop->isAncestor(rootOf(value).getParentBlock()->getParentOp())
                    : isKernelElement(value.getType()) || matchPattern(value, m_Constant());
  });
  return allKnown;
}

KernelOp emitSerialKernel(scf::ForOp loop, gpu::GPUModuleOp kernels, StringRef name) {
  OpBuilder host(loop);
  Location loc = loop.getLoc();
  KernelArguments arguments(host);
  arguments.words.push_back(roundsOf(host, loop));
  auto addWord = [&](Value value) {
    if (!matchPattern(value, m_Constant()))
      arguments.word(value);
  };
  for (Value bound : {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})
    addWord(bound);
  loop.getBody()->walk([&](Operation *op) {
    if (auto store = dyn_cast<memref::StoreOp>(op))
      arguments.buffer(store.getMemref(), kernelReads | kernelWrites);
    else if (auto load = dyn_cast<memref::LoadOp>(op))
      arguments.buffer(load.getMemref(), kernelReads);
  });
  visitUsedValuesDefinedAbove(loop.getRegion(), [&](OpOperand *use) {
    if (!isa<MemRefType>(use->get().getType()))
      addWord(use->get());
  });
  KernelBuilder kernel(kernels, name, loc, arguments, {});
  Value isFirst = arith::CmpIOp::create(kernel.builder, loc, arith::CmpIPredicate::eq,
                                        kernel.thread(), kernel.constant(0));
  auto branch = scf::IfOp::create(kernel.builder, loc, isFirst, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(kernel.builder);
    kernel.builder.setInsertionPointToStart(branch.thenBlock());
    IRMapping map;
    kernel.clone(*loop, map, {});
  }
  kernel.finish();
  return KernelOp::create(host, loc, host.getI1Type(), host.getStringAttr(name), arguments.buffers,
                          arguments.words,
                          host.getI64IntegerAttr(static_cast<int64_t>(KernelForm::Serial)),
                          host.getDenseI64ArrayAttr(arguments.access),
                          host.getDenseI64ArrayAttr({}), host.getBoolAttr(false));
}

} // namespace mpy
