// buffers-to-loops: linalg on buffers becomes loops in the order of memory.
//
//   linalg.fill, memref.copy of strided buffers, linalg.generic   ->   scf.for, memref.load,
//   memref.store
//
// Entry: generic and fill on buffers. Exit: no linalg is left; memref.copy only between contiguous
// buffers.
#include "lowering/LoopNest.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_BUFFERSTOLOOPS
#include "lowering/Passes.h.inc"

/// out[i..] = input, a scalar or an element per position.
static linalg::GenericOp assignAll(OpBuilder &builder, Location loc, Value input, Value out) {
  auto type = cast<MemRefType>(out.getType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap inputMap = isa<MemRefType>(input.getType())
                           ? identity
                           : AffineMap::get(type.getRank(), 0, builder.getContext());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(builder, loc, TypeRange(), ValueRange(input), ValueRange(out),
                                   ArrayRef<AffineMap>{inputMap, identity}, iterators,
                                   [](OpBuilder &builder, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(builder, loc, arguments[0]);
                                   });
}

struct BuffersToLoopsPass : impl::BuffersToLoopsBase<BuffersToLoopsPass> {
  using BuffersToLoopsBase::BuffersToLoopsBase;

  void runOnOperation() override {
    OpBuilder builder(&getContext());
    SmallVector<Operation *> assignments;
    getOperation().walk([&](Operation *op) {
      auto copy = dyn_cast<memref::CopyOp>(op);
      bool isStrided =
          copy && (!cast<MemRefType>(copy.getSource().getType()).getLayout().isIdentity() ||
                   !cast<MemRefType>(copy.getTarget().getType()).getLayout().isIdentity());
      if (isStrided || isa<linalg::FillOp>(op))
        assignments.push_back(op);
    });
    for (Operation *op : assignments) {
      builder.setInsertionPoint(op);
      if (auto fill = dyn_cast<linalg::FillOp>(op))
        assignAll(builder, op->getLoc(), fill.getInputs()[0], fill.getOutputs()[0]);
      else
        assignAll(builder, op->getLoc(), cast<memref::CopyOp>(op).getSource(),
                  cast<memref::CopyOp>(op).getTarget());
      op->erase();
    }
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics) {
      LoopNest(op, builder).emit();
      op.erase();
    }
  }
};

} // namespace mpy
