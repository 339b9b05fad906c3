// Fuses linalg.generic operations on tensors: linalg form -> linalg form with as few passes over
// memory as the dependences allow. A gradient uses nearly every intermediate array more than once;
// so producers become further results of one operation instead of being computed again.
#include "dialect/Canonical.h"
#include "lowering/Extents.h"
#include "lowering/Fusion.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_FUSE
#include "lowering/Passes.h.inc"

std::optional<SmallVector<unsigned>> tensorDimensions(AffineMap map) {
  if (!map.isPermutation())
    return std::nullopt;
  SmallVector<unsigned> dimensions(map.getNumDims());
  for (auto [index, result] : llvm::enumerate(map.getResults()))
    dimensions[cast<AffineDimExpr>(result).getPosition()] = index;
  return dimensions;
}

linalg::GenericOp dropUnused(IRRewriter &rewriter, linalg::GenericOp generic) {
  if (generic->use_empty()) {
    rewriter.eraseOp(generic);
    return {};
  }
  Block *body = generic.getBody();
  SmallVector<Operation *> operations(llvm::make_pointer_range(body->without_terminator()));
  for (Operation *op : llvm::reverse(operations))
    if (isOpTriviallyDead(op))
      rewriter.eraseOp(op);
  SmallVector<unsigned> unused;
  for (OpOperand *input : generic.getDpsInputOperands())
    if (generic.getMatchingBlockArgument(input).use_empty())
      unused.push_back(input->getOperandNumber());
  if (unused.empty())
    return generic;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : generic->getOpOperands()) {
    if (llvm::is_contained(unused, operand.getOperandNumber()))
      continue;
    maps.push_back(generic.getMatchingIndexingMap(&operand));
    if (generic.isDpsInput(&operand))
      inputs.push_back(operand.get());
  }
  // Loop bounds come from operands: the outputs may not show all of them.
  if (!inversePermutation(concatAffineMaps(maps, rewriter.getContext())))
    return generic;
  rewriter.setInsertionPoint(generic);
  auto slim =
      linalg::GenericOp::create(rewriter, generic.getLoc(), generic.getResultTypes(), inputs,
                                generic.getDpsInits(), maps, generic.getIteratorTypesArray());
  for (unsigned index : llvm::reverse(unused))
    body->eraseArgument(index);
  slim.getRegion().takeBody(generic.getRegion());
  rewriter.replaceOp(generic, slim.getResults());
  return slim;
}

// A constant that came together with its use may make both unnecessary, as the 1 that seeds a
// gradient does.
static void foldBodies(IRRewriter &rewriter, func::FuncOp function) {
  function.walk([&](linalg::GenericOp generic) {
    for (Operation &op : llvm::make_early_inc_range(generic.getBody()->without_terminator())) {
      SmallVector<Value> folded;
      rewriter.setInsertionPoint(&op);
      if (succeeded(rewriter.tryFold(&op, folded)) && folded.size() == op.getNumResults())
        rewriter.replaceOp(&op, folded);
    }
  });
}

// Two reductions that start from one filled array would both have to copy it: each gets its own.
static void separateStarts(IRRewriter &rewriter, func::FuncOp function) {
  function.walk([&](linalg::GenericOp generic) {
    for (OpOperand &start : generic.getDpsInitsMutable()) {
      auto fill = start.get().getDefiningOp<linalg::FillOp>();
      if (!fill || fill->hasOneUse())
        continue;
      rewriter.setInsertionPoint(generic);
      Operation *own = rewriter.clone(*fill);
      rewriter.modifyOpInPlace(generic, [&] { start.set(own->getResult(0)); });
    }
  });
}

// What is decided alike in every round of a loop, such as whether all positions are within bounds,
// is decided once, in front of it.
static void hoistDecisions(func::FuncOp function) {
  auto isDecision = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor ? tensor.getRank() == 0 && tensor.getElementType().isInteger(1)
                  : type.isInteger(1);
  };
  function.walk([&](scf::ForOp loop) {
    moveLoopInvariantCode(
        loop.getLoopRegions(),
        [&](Value value, Region *) { return loop.isDefinedOutsideOfLoop(value); },
        [&](Operation *op, Region *) {
          // An element at a position is read where it is: its check may lie in the loop.
          auto extract = dyn_cast<tensor::ExtractOp>(op);
          return (isa<linalg::GenericOp, linalg::FillOp, tensor::EmptyOp>(op) ||
                  (extract && extract.getIndices().empty())) &&
                 llvm::all_of(op->getResultTypes(), isDecision) && isMemoryEffectFree(op) &&
                 isSpeculatable(op);
        },
        [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
  });
}

namespace {
struct Fuse : impl::FuseBase<Fuse> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
    forwardExtents(rewriter, getOperation());
    inlineCheapProducers(rewriter, getOperation());
    mergeGenerics(rewriter, getOperation());
    orderLoops(rewriter, getOperation());
    foldBodies(rewriter, getOperation());
    // Bodies that came together share what they both compute.
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
    separateStarts(rewriter, getOperation());
    hoistDecisions(getOperation());
    hideImpossibleBounds(getOperation());
  }
};
} // namespace
} // namespace mpy
