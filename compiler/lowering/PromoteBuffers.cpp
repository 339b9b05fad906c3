// promote-buffers: buffers that live within one iteration leave the loop, and small ones that
// nobody else sees go to the stack.
//
//   scf.for { %t = memref.alloc(%n) .. memref.dealloc %t }   ->   %t = memref.alloc(%n); scf.for {
//   .. }; memref.dealloc %t %p = memref.alloc() : memref<4xf64> ..                   ->
//   memref.alloca at the start of the function
//
// Entry: loops over owned buffers. A buffer whose only uses are reads, writes and its own dealloc
// was never shared.
#include "dialect/Dialect.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_PROMOTEBUFFERS
#include "lowering/Passes.h.inc"

/// Stack buffers: anywhere up to this many bytes, outside loops up to the other.
static constexpr int64_t stackBytes = 256, stackBytesOutsideLoops = 4096;
/// What the buffers of one function may take of the stack together: recursion must stay cheap.
static constexpr int64_t stackBytesOfFunction = 8192;

/// Collects the deallocs of a buffer; fails where it is handed on.
static bool staysLocal(Value buffer, SmallVectorImpl<memref::DeallocOp> &deallocs) {
  for (Operation *user : buffer.getUsers()) {
    if (auto dealloc = dyn_cast<memref::DeallocOp>(user)) {
      deallocs.push_back(dealloc);
      continue;
    }
    if (isa<memref::LoadOp, memref::DimOp, memref::CopyOp, linalg::LinalgOp, GemmOp, ArgsortRowsOp,
            FourierRowsOp, BufferCallOp>(user))
      continue;
    if (auto store = dyn_cast<memref::StoreOp>(user))
      continue;
    if (isa<memref::SubViewOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
            memref::ReinterpretCastOp>(user)) {
      if (!staysLocal(user->getResult(0), deallocs))
        return false;
      continue;
    }
    return false;
  }
  return true;
}

/// Whether operations on whole arrays use the buffer, which may run on a device.
static bool isUsedByGroups(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    return isa<memref::CopyOp, linalg::LinalgOp, GemmOp>(user) ||
           user->getParentOfType<linalg::LinalgOp>() ||
           (isa<ViewLikeOpInterface>(user) && isUsedByGroups(user->getResult(0)));
  });
}

struct PromoteBuffersPass : impl::PromoteBuffersBase<PromoteBuffersPass> {
  using PromoteBuffersBase::PromoteBuffersBase;

  void runOnOperation() override {
    SmallVector<memref::AllocOp> allocs;
    getOperation().walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs)
      hoist(alloc);
    int64_t used = 0;
    for (memref::AllocOp alloc : allocs)
      promote(alloc, used);
  }

  /// Moves an allocation out of every loop in which its size is the same and it is freed in the
  /// iteration that makes it.
  static void hoist(memref::AllocOp alloc) {
    SmallVector<memref::DeallocOp> deallocs;
    if (!staysLocal(alloc, deallocs) || deallocs.size() != 1 ||
        deallocs[0]->getBlock() != alloc->getBlock())
      return;
    while (auto loop = dyn_cast<LoopLikeOpInterface>(alloc->getParentOp())) {
      if (!isa<scf::ForOp, scf::WhileOp>(loop.getOperation()) ||
          !llvm::all_of(alloc->getOperands(),
                        [&](Value operand) { return loop.isDefinedOutsideOfLoop(operand); }))
        return;
      alloc->moveBefore(loop);
      deallocs[0]->moveAfter(loop);
      // What is freed may be a view that the loop makes of it.
      deallocs[0].getMemrefMutable().assign(alloc);
    }
  }

  void promote(memref::AllocOp alloc, int64_t &used) {
    MemRefType type = alloc.getType();
    if (!type.hasStaticShape() || !type.getElementType().isIntOrIndexOrFloat())
      return;
    int64_t width =
        type.getElementType().isIndex() ? 8 : llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    int64_t bytes = type.getNumElements() * width;
    bool inLoop = alloc->getParentOfType<LoopLikeOpInterface>() != nullptr;
    SmallVector<memref::DeallocOp> deallocs;
    if (keepForKernels && isUsedByGroups(alloc))
      return;
    if (bytes > (inLoop ? stackBytes : stackBytesOutsideLoops) ||
        used + bytes > stackBytesOfFunction || !staysLocal(alloc, deallocs) || deallocs.empty())
      return;
    used += bytes;
    OpBuilder builder(&getOperation().getBody().front(), getOperation().getBody().front().begin());
    Value stack =
        memref::AllocaOp::create(builder, alloc.getLoc(), type, builder.getI64IntegerAttr(64));
    for (memref::DeallocOp dealloc : deallocs)
      dealloc.erase();
    alloc.replaceAllUsesWith(stack);
    alloc.erase();
  }
};

} // namespace mpy
