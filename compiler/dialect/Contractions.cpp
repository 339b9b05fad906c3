// Products of matrices: verifier, derivative, and transposes absorbed into flags.
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// matmul
//===------------------------------------------------------------------------------------------===//
void MatmulOp::build(OpBuilder &builder, OperationState &state, Value x, Value y, bool transposeX,
                     bool transposeY) {
  auto left = cast<RankedTensorType>(x.getType()), right = cast<RankedTensorType>(y.getType());
  int64_t rows = left.getDimSize(transposeX ? 1 : 0),
          columns = right.getDimSize(transposeY ? 0 : 1);
  build(builder, state, RankedTensorType::get({rows, columns}, left.getElementType()), x, y,
        transposeX, transposeY);
}

LogicalResult MatmulOp::verify() {
  auto left = cast<RankedTensorType>(getX().getType()),
       right = cast<RankedTensorType>(getY().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (left.getRank() != 2 || right.getRank() != 2 || result.getRank() != 2)
    return emitOpError("takes matrices");
  if (left.getElementType() != right.getElementType() ||
      left.getElementType() != result.getElementType())
    return emitOpError("takes matrices of one element type");
  auto agree = [](int64_t x, int64_t y) {
    return ShapedType::isDynamic(x) || ShapedType::isDynamic(y) || x == y;
  };
  if (!agree(left.getDimSize(getTransposeX() ? 0 : 1), right.getDimSize(getTransposeY() ? 1 : 0)) ||
      !agree(left.getDimSize(getTransposeX() ? 1 : 0), result.getDimSize(0)) ||
      !agree(right.getDimSize(getTransposeY() ? 0 : 1), result.getDimSize(1)))
    return emitOpError("extents do not agree");
  return success();
}

LogicalResult MatmulOp::buildAdjoint(AdjointContext &context) {
  Value g = context.bar(0);
  if (!g)
    return success();
  OpBuilder &builder = context.builder();
  bool flipX = getTransposeX(), flipY = getTransposeY();
  if (context.isActive(getX())) {
    Value y = context.primal(getY());
    context.add(getX(), flipX ? MatmulOp::create(builder, context.loc(), y, g, flipY, true)
                              : MatmulOp::create(builder, context.loc(), g, y, false, !flipY));
  }
  if (context.isActive(getY())) {
    Value x = context.primal(getX());
    context.add(getY(), flipY ? MatmulOp::create(builder, context.loc(), g, x, true, flipX)
                              : MatmulOp::create(builder, context.loc(), x, g, !flipX, false));
  }
  return success();
}

LogicalResult MatmulOp::buildTangent(TangentContext &context) {
  OpBuilder &builder = context.builder();
  Formula sum = 0.0;
  if (Value dx = context.tangent(getX()))
    sum =
        sum + Formula(context, MatmulOp::create(builder, context.loc(), dx, context.primal(getY()),
                                                getTransposeX(), getTransposeY()));
  if (Value dy = context.tangent(getY()))
    sum = sum + Formula(context, MatmulOp::create(builder, context.loc(), context.primal(getX()),
                                                  dy, getTransposeX(), getTransposeY()));
  if (!sum.isZero())
    context.set(getResult(), sum.get());
  return success();
}

namespace {
/// matmul(transpose(x), y) reads x with the flag turned.
struct AbsorbTranspose : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto left = op.getX().getDefiningOp<TransposeOp>(),
         right = op.getY().getDefiningOp<TransposeOp>();
    auto swaps = [](TransposeOp transpose) {
      return transpose && transpose.getPermutation() == ArrayRef<int64_t>{1, 0};
    };
    if (!swaps(left) && !swaps(right))
      return failure();
    bool flipX = op.getTransposeX() != swaps(left), flipY = op.getTransposeY() != swaps(right);
    rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), swaps(left) ? left.getX() : op.getX(),
                                          swaps(right) ? right.getX() : op.getY(), flipX, flipY);
    return success();
  }
};
} // namespace

void MatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<AbsorbTranspose>(context);
}
