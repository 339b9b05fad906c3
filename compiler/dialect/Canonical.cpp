// Brings operations to their canonical form, as MLIR does, but for five patterns.
//
//   %d = tensor.cast %s : tensor<0xf64> to tensor<?xf64>
//   scf.for iter_args(%w = %d) -> tensor<?xf64>      stays: later iterations have other extents
//
// What a branch does that is never taken can contradict what is known there:
//
//   if %n == 3 { extract_slice %x[0] [3] }, %x : tensor<2xf64>   ->   %c0 = constant 0
//                                                                     extract_slice %x[%c0] [3]
#include "dialect/Canonical.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

/// The array that a part is of, by its type.
static ArrayRef<int64_t> wholeShape(Operation *part) {
  if (auto write = dyn_cast<tensor::InsertSliceOp>(part))
    return write.getDestType().getShape();
  return cast<ShapedType>(part->getOperand(0).getType()).getShape();
}

/// Casts between extents that differ, which folding made of two that could be right.
static void hideImpossibleCasts(Operation *root) {
  SmallVector<Operation *> impossible;
  root->walk([&](Operation *op) {
    if (auto cast = dyn_cast<CastOpInterface>(op); cast && isa<tensor::CastOp, memref::CastOp>(op))
      if (!cast.areCastCompatible(op->getOperandTypes(), op->getResultTypes()))
        impossible.push_back(op);
  });
  for (Operation *op : impossible) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    Value source = op->getOperand(0), hidden;
    Type type = op->getResult(0).getType();
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      SmallVector<Value> sizes;
      for (int64_t dim = 0; dim < tensor.getRank(); ++dim)
        if (tensor.isDynamicDim(dim))
          sizes.push_back(tensor::DimOp::create(builder, loc, source, dim));
      hidden = tensor::EmptyOp::create(builder, loc, tensor, sizes);
    } else {
      hidden = UnrealizedConversionCastOp::create(builder, loc, type, source).getResult(0);
    }
    op->getResult(0).replaceAllUsesWith(hidden);
    op->erase();
  }
}

void mpy::hideImpossibleBounds(Operation *root) {
  hideImpossibleCasts(root);
  SmallVector<Operation *> impossible;
  root->walk([&](Operation *op) {
    if (!isa<tensor::ExtractSliceOp, tensor::InsertSliceOp, memref::SubViewOp>(op))
      return;
    auto part = cast<OffsetSizeAndStrideOpInterface>(op);
    if (!verifyInBoundsSlice(wholeShape(op), part.getMixedOffsets(), part.getMixedSizes(),
                             part.getMixedStrides())
             .isValid)
      impossible.push_back(op);
  });
  for (Operation *op : impossible) {
    OpBuilder builder(op);
    Location loc = op->getLoc();
    auto part = cast<OffsetSizeAndStrideOpInterface>(op);
    SmallVector<OpFoldResult> offsets, sizes = part.getMixedSizes(),
                                       strides = part.getMixedStrides();
    for (OpFoldResult offset : part.getMixedOffsets())
      offsets.push_back(getValueOrCreateConstantIndexOp(builder, loc, offset));
    Value hidden;
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      hidden = tensor::ExtractSliceOp::create(builder, loc, slice.getType(), slice.getSource(),
                                              offsets, sizes, strides);
    } else if (auto write = dyn_cast<tensor::InsertSliceOp>(op)) {
      auto created = tensor::InsertSliceOp::create(builder, loc, write.getSource(), write.getDest(),
                                                   offsets, sizes, strides);
      created->setDiscardableAttrs(write->getDiscardableAttrDictionary());
      hidden = created;
    } else {
      auto view = cast<memref::SubViewOp>(op);
      auto type = memref::SubViewOp::inferRankReducedResultType(
          view.getType().getShape(), view.getSourceType(), offsets, sizes, strides);
      hidden = memref::SubViewOp::create(builder, loc, cast<MemRefType>(type), view.getSource(),
                                         offsets, sizes, strides);
      hidden = memref::CastOp::create(builder, loc, view.getType(), hidden);
    }
    op->replaceAllUsesWith(ValueRange(hidden));
    op->erase();
  }
}

namespace {
struct CanonicalForm : PassWrapper<CanonicalForm, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CanonicalForm)

  StringRef getArgument() const override { return "canonical-form"; }
  StringRef getDescription() const override {
    return "The canonicalizer without the patterns that do not hold for this compiler's loops.";
  }

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet all(context);
    for (Dialect *dialect : context->getLoadedDialects())
      dialect->getCanonicalizationPatterns(all);
    for (RegisteredOperationName op : context->getRegisteredOperations())
      op.getCanonicalizationPatterns(all, context);
    patterns = FrozenRewritePatternSet(std::move(all), leftOut());
    return success();
  }

  void runOnOperation() override {
    // That the rounds run out is no failure.
    (void)applyPatternsGreedily(getOperation(), patterns);
    mpy::hideImpossibleBounds(getOperation());
  }

  static SmallVector<std::string> leftOut() {
    return {
        // It gives a carried array the extents that the initial one has, and casts what the body
        // yields: right where extents never change, which a program with np.concatenate in a loop
        // does not keep.
        "(anonymous namespace)::ForOpTensorCastFolder",
        // It takes the extent at a dimension's place among the unknown extents alone: another one,
        // or what lies behind them, where a dimension before it is known.
        "(anonymous namespace)::ConvertToStaticExpandShape",
        // It drops an operation on buffers without elements, and with it what a reduction of none
        // is.
        "(anonymous namespace)::EraseDeadLinalgOp",
        // It lets the producer of an array make the extents that a cast promises after a check:
        // before the check, with elements that are not there.
        "(anonymous namespace)::FoldTensorCastConsumerOp",
        // It takes 0 times an unknown extent for 0 in a type, which the verifier takes for unknown.
        "CollapseShapeOpMemRefCastFolder",
    };
  }

  FrozenRewritePatternSet patterns;
};
} // namespace

std::unique_ptr<Pass> mpy::createCanonicalForm() { return std::make_unique<CanonicalForm>(); }
