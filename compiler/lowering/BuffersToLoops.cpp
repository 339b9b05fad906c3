// buffers-to-loops: linalg on buffers becomes loops in the order of memory.
//
//   linalg.fill, memref.copy of strided buffers, linalg.generic   ->   scf.for, memref.load,
//   memref.store
//
// Entry: generic and fill on buffers. Exit: no linalg is left; memref.copy only between contiguous
// buffers.
#include "dialect/Dialect.h"
#include "lowering/Assignments.h"
#include "lowering/LoopNest.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_BUFFERSTOLOOPS
#include "lowering/Passes.h.inc"

/// Products of at most 8 x 8 x 8 of known size are faster in line than a call; those of integers
/// have no call.
static bool isInline(GemmOp op) {
  auto out = cast<MemRefType>(op.getOut().getType()), x = cast<MemRefType>(op.getX().getType());
  if (!isa<FloatType>(out.getElementType()))
    return true;
  auto isSmall = [](MemRefType type) {
    return llvm::all_of(type.getShape().take_back(2), [](int64_t extent) {
      return !ShapedType::isDynamic(extent) && extent <= 8;
    });
  };
  return isSmall(out) && isSmall(x);
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
      auto product = dyn_cast<GemmOp>(op);
      if (isStrided || isa<linalg::FillOp>(op) || (product && isInline(product)))
        assignments.push_back(op);
    });
    for (Operation *op : assignments) {
      builder.setInsertionPoint(op);
      if (auto fill = dyn_cast<linalg::FillOp>(op))
        assignAll(builder, op->getLoc(), fill.getInputs()[0], fill.getOutputs()[0]);
      else if (auto product = dyn_cast<GemmOp>(op))
        expandProduct(builder, product);
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
