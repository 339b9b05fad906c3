// Products of matrices and of stacks of them: verifier, derivative, and transposes absorbed into
// flags.
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

bool mpy::swapsMatrices(ArrayRef<int64_t> permutation) {
  return permutation == ArrayRef<int64_t>{1, 0} || permutation == ArrayRef<int64_t>{0, 2, 1};
}

//===------------------------------------------------------------------------------------------===//
// matmul
//===------------------------------------------------------------------------------------------===//
void MatmulOp::build(OpBuilder &builder, OperationState &state, Value x, Value y, bool transposeX,
                     bool transposeY, bool summed) {
  auto left = cast<RankedTensorType>(x.getType()), right = cast<RankedTensorType>(y.getType());
  int64_t rows = left.getDimSize(left.getRank() - (transposeX ? 1 : 2)),
          columns = right.getDimSize(right.getRank() - (transposeY ? 2 : 1));
  SmallVector<int64_t> shape;
  if (!summed)
    for (RankedTensorType type : {left, right})
      if (type.getRank() == 3) {
        if (shape.empty())
          shape.push_back(type.getDimSize(0));
        else if (ShapedType::isDynamic(shape[0]))
          shape[0] = type.getDimSize(0);
      }
  shape.append({rows, columns});
  build(builder, state, RankedTensorType::get(shape, left.getElementType()), x, y, transposeX,
        transposeY, summed);
}

LogicalResult MatmulOp::verify() {
  RankedTensorType left = getX().getType(), right = getY().getType(),
                   result = getResult().getType();
  auto isMatrixOrStack = [](RankedTensorType type) {
    return type.getRank() == 2 || type.getRank() == 3;
  };
  if (!isMatrixOrStack(left) || !isMatrixOrStack(right))
    return emitOpError("takes matrices and stacks of matrices");
  if (getSummed() && (left.getRank() != 3 || right.getRank() != 3))
    return emitOpError("sums over two stacks of matrices");
  if (result.getRank() != (stack() && !getSummed() ? 3 : 2))
    return emitOpError("has a result of another rank");
  if (left.getElementType() != right.getElementType() ||
      left.getElementType() != result.getElementType())
    return emitOpError("takes matrices of one element type");
  auto agree = [](int64_t x, int64_t y) {
    return ShapedType::isDynamic(x) || ShapedType::isDynamic(y) || x == y;
  };
  bool fit = agree(left.getDimSize(innerAxisOfX()), right.getDimSize(innerAxisOfY())) &&
             (left.getRank() == 2 || right.getRank() == 2 ||
              agree(left.getDimSize(0), right.getDimSize(0)));
  for (int64_t dimension = 0; dimension < result.getRank(); ++dimension) {
    auto [source, axis] = extentSource(dimension);
    fit &= agree(cast<RankedTensorType>(source.getType()).getDimSize(axis),
                 result.getDimSize(dimension));
  }
  return fit ? success() : emitOpError("extents do not agree");
}

LogicalResult MatmulOp::buildAdjoint(AdjointContext &context) {
  Value g = context.bar(0);
  if (!g)
    return success();
  OpBuilder &builder = context.builder();
  bool flipX = getTransposeX(), flipY = getTransposeY();
  // A matrix that took part in each product of a stack gets the sum of what each gives it.
  bool summedX = stack() && getX().getType().getRank() == 2,
       summedY = stack() && getY().getType().getRank() == 2;
  if (context.isActive(getX())) {
    Value y = context.primal(getY());
    context.add(getX(),
                flipX ? MatmulOp::create(builder, context.loc(), y, g, flipY, true, summedX)
                      : MatmulOp::create(builder, context.loc(), g, y, false, !flipY, summedX));
  }
  if (context.isActive(getY())) {
    Value x = context.primal(getX());
    context.add(getY(),
                flipY ? MatmulOp::create(builder, context.loc(), g, x, true, flipX, summedY)
                      : MatmulOp::create(builder, context.loc(), x, g, !flipX, false, summedY));
  }
  return success();
}

LogicalResult MatmulOp::buildTangent(TangentContext &context) {
  OpBuilder &builder = context.builder();
  auto product = [&](Value x, Value y) {
    return Formula(context, MatmulOp::create(builder, context.loc(), x, y, getTransposeX(),
                                             getTransposeY(), getSummed()));
  };
  Formula sum = 0.0;
  if (Value dx = context.tangent(getX()))
    sum = sum + product(dx, context.primal(getY()));
  if (Value dy = context.tangent(getY()))
    sum = sum + product(context.primal(getX()), dy);
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
      return transpose && swapsMatrices(transpose.getPermutation());
    };
    if (!swaps(left) && !swaps(right))
      return failure();
    bool flipX = op.getTransposeX() != swaps(left), flipY = op.getTransposeY() != swaps(right);
    rewriter.replaceOpWithNewOp<MatmulOp>(op, op.getType(), swaps(left) ? left.getX() : op.getX(),
                                          swaps(right) ? right.getX() : op.getY(), flipX, flipY,
                                          op.getSummed());
    return success();
  }
};
} // namespace

void MatmulOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<AbsorbTranspose>(context);
}

//===------------------------------------------------------------------------------------------===//
// fourier
//===------------------------------------------------------------------------------------------===//
LogicalResult FourierOp::verify() {
  RankedTensorType type = getX().getType();
  if (type.getRank() < static_cast<int64_t>(getBehind()) + 2)
    return emitOpError("takes pairs of floats along its last axis");
  bool isComplex = type.getShape().back() == 2;
  return isComplex && isa<FloatType>(type.getElementType())
             ? success()
             : emitOpError("takes pairs of floats along its last axis");
}

// Over pairs of real numbers the transform is linear, and its transpose is the one of the other
// sign: [[cos, sin], [-sin, cos]] turned around.
LogicalResult FourierOp::buildAdjoint(AdjointContext &context) {
  Value g = context.bar(0);
  if (g && context.isActive(getX()))
    context.add(getX(),
                FourierOp::create(context.builder(), context.loc(), g, !getInverse(), getBehind()));
  return success();
}

LogicalResult FourierOp::buildTangent(TangentContext &context) {
  if (Value dx = context.tangent(getX()))
    context.set(getResult(),
                FourierOp::create(context.builder(), context.loc(), dx, getInverse(), getBehind()));
  return success();
}
