// Rewrites that hold for every program: operations that undo each other, and zeros.
#include "dialect/Dialect.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mpy;

/// Whether a value is the number, everywhere.
static bool isNumber(Value value, double number) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return isNumber(broadcast.getX(), number);
  Attribute attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return false;
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  auto constant = dyn_cast<FloatAttr>(attribute);
  return constant && constant.getValueAsDouble() == number && !constant.getValue().isNegZero();
}

/// A value that can stand for another result: same type, or nothing.
static OpFoldResult ifType(Value value, Type type) {
  return value.getType() == type ? OpFoldResult(value) : OpFoldResult();
}

//===------------------------------------------------------------------------------------------===//
// Arithmetic. x + 0 is not folded for programs (it turns -0 into 0); the reverse sweep never emits
// it.
//===------------------------------------------------------------------------------------------===//
OpFoldResult MulOp::fold(FoldAdaptor) {
  if (isNumber(getY(), 1))
    return ifType(getX(), getType());
  if (isNumber(getX(), 1))
    return ifType(getY(), getType());
  return {};
}

OpFoldResult ScaledOp::fold(FoldAdaptor) {
  if (isNumber(getY(), 1))
    return ifType(getX(), getType());
  if (isNumber(getX(), 1))
    return ifType(getY(), getType());
  return {};
}

OpFoldResult NegOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<NegOp>();
  return inner ? OpFoldResult(inner.getX()) : OpFoldResult();
}

OpFoldResult CastOp::fold(FoldAdaptor) { return ifType(getX(), getType()); }

//===------------------------------------------------------------------------------------------===//
// Shapes
//===------------------------------------------------------------------------------------------===//
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  ArrayRef<int64_t> outer = getPermutation();
  if (llvm::all_of(llvm::enumerate(outer),
                   [](auto pair) { return int64_t(pair.index()) == pair.value(); }))
    return ifType(getX(), getType());
  auto inner = getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return {};
  for (auto [position, dimension] : llvm::enumerate(outer))
    if (inner.getPermutation()[dimension] != int64_t(position))
      return {};
  return ifType(inner.getX(), getType());
}

/// Whether arrays of the type that have equally many elements have equal extents. Of no elements,
/// an unknown extent can be any; two unknown ones can be the other way round.
static bool elementsSayExtents(RankedTensorType type) {
  return type.hasStaticShape() ||
         (type.getNumDynamicDims() == 1 && !llvm::is_contained(type.getShape(), 0));
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type)
    return ifType(getX(), getType());
  if (!elementsSayExtents(type))
    return {};
  if (OpFoldResult same = ifType(getX(), getType()))
    return same;
  auto inner = getX().getDefiningOp<ReshapeOp>();
  return inner ? ifType(inner.getX(), getType()) : OpFoldResult();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  return type.hasStaticShape() ? ifType(getX(), getType()) : OpFoldResult();
}

OpFoldResult ExtractOp::fold(FoldAdaptor) {
  if (auto broadcast = getX().getDefiningOp<BroadcastOp>())
    return ifType(broadcast.getX(), getType());
  auto insert = getX().getDefiningOp<InsertOp>();
  if (insert && llvm::equal(insert.getIndices(), getIndices()))
    return insert.getValue();
  return {};
}

/// Whether the value is a number that is neither 0 nor infinite nor NaN, everywhere.
static bool isPlainNumber(Value value) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return isPlainNumber(broadcast.getX());
  DenseFPElementsAttr elements;
  FloatAttr number;
  auto isPlain = [](const APFloat &each) { return each.isFiniteNonZero(); };
  if (matchPattern(value, m_Constant(&elements)))
    return llvm::all_of(elements.getValues<APFloat>(), isPlain);
  return matchPattern(value, m_Constant(&number)) && isPlain(number.getValue());
}

namespace {
/// What meets no zero and no infinity is a product as any other.
struct MultiplyByNumber : OpRewritePattern<ScaledOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScaledOp op, PatternRewriter &rewriter) const override {
    if (!isPlainNumber(op.getX()) && !isPlainNumber(op.getY()))
      return failure();
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), op.getX(), op.getY());
    return success();
  }
};

/// reshape(reshape(x)) reads x.
struct MergeReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner ||
        isa<RankedTensorType>(op.getType()) != isa<RankedTensorType>(inner.getX().getType()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};

/// broadcast(broadcast(scalar)) reads the scalar.
struct MergeBroadcasts : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner || isa<RankedTensorType>(inner.getX().getType()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};

/// reshape of a spread scalar is the scalar spread over the other shape.
struct ReshapeSpread : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner || isa<RankedTensorType>(inner.getX().getType()))
      return failure();
    if (isa<RankedTensorType>(op.getType()))
      rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getX(), op.getSizes());
    else
      rewriter.replaceOp(op, inner.getX());
    return success();
  }
};

/// An elementwise operation takes a scalar for a tensor, so long as another operand has the shape.
struct ScalarForSpread : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ElementwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!result || op->getNumOperands() < 2)
      return failure();
    auto hasShape = [&](OpOperand &operand) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      return type && type.getShape() == result.getShape();
    };
    for (OpOperand &operand : op->getOpOperands()) {
      auto spread = operand.get().getDefiningOp<BroadcastOp>();
      if (!spread || isa<RankedTensorType>(spread.getX().getType()))
        continue;
      if (llvm::none_of(op->getOpOperands(), [&](OpOperand &other) {
            return other.getOperandNumber() != operand.getOperandNumber() && hasShape(other) &&
                   other.get() != operand.get();
          }))
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(spread.getX()); });
      return success();
    }
    return failure();
  }
};

/// An elementwise operation on spread scalars alone computes one scalar.
struct ComputeBeforeSpread : OpInterfaceRewritePattern<ElementwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(ElementwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    BroadcastOp shape;
    SmallVector<Value> scalars;
    for (Value operand : op->getOperands()) {
      auto spread = operand.getDefiningOp<BroadcastOp>();
      bool isScalar = !isa<RankedTensorType>(operand.getType());
      if (!isScalar && (!spread || isa<RankedTensorType>(spread.getX().getType())))
        return failure();
      if (!isScalar && cast<RankedTensorType>(operand.getType()).getShape() == result.getShape())
        shape = spread;
      scalars.push_back(isScalar ? operand : spread.getX());
    }
    if (!result || !shape)
      return failure();
    Operation *scalar = rewriter.clone(*op);
    rewriter.modifyOpInPlace(scalar, [&] {
      scalar->setOperands(scalars);
      scalar->getResult(0).setType(result.getElementType());
    });
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, result, scalar->getResult(0), shape.getSizes());
    return success();
  }
};

/// tensor.dim of an operation that is given its extents reads them.
struct ResolveExtent : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op, PatternRewriter &rewriter) const override {
    std::optional<int64_t> dimension = op.getConstantIndex();
    if (!dimension)
      return failure();
    Value extent = findExtent(op.getSource(), *dimension);
    if (!extent)
      return failure();
    rewriter.replaceOp(op, extent);
    return success();
  }
};
} // namespace

void ScaledOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MultiplyByNumber>(context);
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeReshapes, ReshapeSpread>(context);
}

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeBroadcasts>(context);
}

void MpyDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add<ResolveExtent, ScalarForSpread, ComputeBeforeSpread>(getContext());
}
