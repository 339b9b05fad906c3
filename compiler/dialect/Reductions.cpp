// Reductions and scans: their derivatives.
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

/// A reduced value with extents 1 back at the axes, spread over the shape of x.
static Value unreduce(RuleContext &context, Value reduced, Value x, ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(x.getType());
  if (isa<RankedTensorType>(reduced.getType())) {
    SmallVector<int64_t> shape;
    SmallVector<Value> sizes;
    for (auto [dimension, extent] : llvm::enumerate(type.getShape())) {
      bool isReduced = llvm::is_contained(axes, int64_t(dimension));
      shape.push_back(isReduced ? 1 : extent);
      if (!isReduced && ShapedType::isDynamic(extent))
        sizes.push_back(context.extent(x, dimension));
    }
    auto kept = RankedTensorType::get(shape, getElementTypeOrSelf(reduced));
    reduced = ReshapeOp::create(context.builder(), context.loc(), kept, reduced, sizes);
  }
  return spread(context, reduced, x);
}

//===------------------------------------------------------------------------------------------===//
// sum
//===------------------------------------------------------------------------------------------===//
LogicalResult SumOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), unreduce(context, bar, getX(), getAxes()));
  return success();
}

LogicalResult SumOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// max, min: the elements that equal the result share its adjoint equally.
//===------------------------------------------------------------------------------------------===//
/// Where x is extreme, and how many elements are, along the axes.
static std::pair<Value, Value> findExtremes(RuleContext &context, Value x, Value result,
                                            ArrayRef<int64_t> axes, Type element) {
  OpBuilder &builder = context.builder();
  Value largest = unreduce(context, context.primal(result), x, axes);
  Value isExtreme =
      CompareOp::create(builder, context.loc(), ComparePredicate::eq, context.primal(x), largest);
  Value ones = CastOp::create(builder, context.loc(), isExtreme, element);
  return {isExtreme, SumOp::create(builder, context.loc(), ones, axes)};
}

static LogicalResult extremeAdjoint(AdjointContext &context, Value x, Value result,
                                    ArrayRef<int64_t> axes) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(x))
    return success();
  OpBuilder &builder = context.builder();
  Type element = getElementTypeOrSelf(bar);
  auto [isExtreme, count] = findExtremes(context, x, result, axes, element);
  Value part = unreduce(context, DivOp::create(builder, context.loc(), bar, count), x, axes);
  context.add(x, SelectOp::create(builder, context.loc(), isExtreme, part,
                                  makeNumber(context, element, 0)));
  return success();
}

static LogicalResult extremeTangent(TangentContext &context, Value x, Value result,
                                    ArrayRef<int64_t> axes) {
  Value tangent = context.tangent(x);
  if (!tangent)
    return success();
  OpBuilder &builder = context.builder();
  Type element = getElementTypeOrSelf(result);
  auto [isExtreme, count] = findExtremes(context, x, result, axes, element);
  Value chosen =
      SelectOp::create(builder, context.loc(), isExtreme, tangent, makeNumber(context, element, 0));
  Value sum = SumOp::create(builder, context.loc(), chosen, axes);
  context.set(result, DivOp::create(builder, context.loc(), sum, count));
  return success();
}

LogicalResult MaxOp::buildAdjoint(AdjointContext &context) {
  return extremeAdjoint(context, getX(), getResult(), getAxes());
}
LogicalResult MaxOp::buildTangent(TangentContext &context) {
  return extremeTangent(context, getX(), getResult(), getAxes());
}
LogicalResult MinOp::buildAdjoint(AdjointContext &context) {
  return extremeAdjoint(context, getX(), getResult(), getAxes());
}
LogicalResult MinOp::buildTangent(TangentContext &context) {
  return extremeTangent(context, getX(), getResult(), getAxes());
}

//===------------------------------------------------------------------------------------------===//
// prod: r / x where no element is 0; else the products of all other elements, whose cost is
// quadratic.
//===------------------------------------------------------------------------------------------===//
namespace {
/// x seen as [rows, columns], one row for each product.
struct ProductRows {
  RankedTensorType type;
  Value rows, columns;
  SmallVector<int64_t> permutation, inverse;
  RankedTensorType permuted;
  SmallVector<Value> permutedSizes;
};
} // namespace

/// The product of some extents of x.
static Value countElements(RuleContext &context, Value x, ArrayRef<int64_t> dimensions) {
  OpBuilder &builder = context.builder();
  Value count = arith::ConstantIndexOp::create(builder, context.loc(), 1);
  for (int64_t dimension : dimensions)
    count = arith::MulIOp::create(builder, context.loc(), count, context.extent(x, dimension));
  return count;
}

static ProductRows describeRows(RuleContext &context, Value x, ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(x.getType());
  ProductRows result;
  for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
    if (!llvm::is_contained(axes, dimension))
      result.permutation.push_back(dimension);
  result.rows = countElements(context, x, result.permutation);
  result.columns = countElements(context, x, axes);
  llvm::append_range(result.permutation, axes);
  result.inverse.resize(type.getRank());
  SmallVector<int64_t> shape;
  for (auto [position, dimension] : llvm::enumerate(result.permutation)) {
    result.inverse[dimension] = position;
    shape.push_back(type.getDimSize(dimension));
    if (type.isDynamicDim(dimension))
      result.permutedSizes.push_back(context.extent(x, dimension));
  }
  result.permuted = RankedTensorType::get(shape, type.getElementType());
  result.type =
      RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, type.getElementType());
  return result;
}

/// For each element of x the product of the others: row i, column j is the product over k of (k ==
/// j ? 1 : x[i, k]).
static Value otherProducts(RuleContext &context, Value x, const ProductRows &shape) {
  OpBuilder &builder = context.builder();
  Location loc = context.loc();
  Type element = shape.type.getElementType();
  constexpr int64_t open = ShapedType::kDynamic;
  Value matrix = TransposeOp::create(builder, loc, x, shape.permutation);
  matrix =
      ReshapeOp::create(builder, loc, shape.type, matrix, ValueRange{shape.rows, shape.columns});
  Value upright = ReshapeOp::create(builder, loc, RankedTensorType::get({open, 1, open}, element),
                                    matrix, ValueRange{shape.rows, shape.columns});
  SmallVector<Value> sizes{shape.rows, shape.columns, shape.columns};
  Value cube = BroadcastOp::create(builder, loc, RankedTensorType::get({open, open, open}, element),
                                   upright, sizes);
  Type integer = builder.getI64Type();
  Value number = IotaOp::create(builder, loc, RankedTensorType::get({open}, integer),
                                ValueRange{shape.columns});
  auto cubeOfInts = RankedTensorType::get({open, open, open}, integer);
  Value column = BroadcastOp::create(builder, loc, cubeOfInts, number, sizes);
  Value standing = ReshapeOp::create(builder, loc, RankedTensorType::get({open, 1}, integer),
                                     number, ValueRange{shape.columns});
  Value row = BroadcastOp::create(builder, loc, cubeOfInts, standing, sizes);
  Value isSelf = CompareOp::create(builder, loc, ComparePredicate::eq, row, column);
  Value others = SelectOp::create(builder, loc, isSelf, makeNumber(context, element, 1), cube);
  Value products = ProdOp::create(builder, loc, others, ArrayRef<int64_t>{2});
  Value permuted = ReshapeOp::create(builder, loc, shape.permuted, products, shape.permutedSizes);
  Value result = TransposeOp::create(builder, loc, permuted, shape.inverse);
  return result;
}

/// d(prod x) / dx
static Value productSlope(RuleContext &context, Value original, Value result,
                          ArrayRef<int64_t> axes) {
  OpBuilder &builder = context.builder();
  Location loc = context.loc();
  Value x = context.primal(original);
  Value product = unreduce(context, context.primal(result), original, axes);
  ProductRows shape = describeRows(context, original, axes);
  Type element = shape.type.getElementType();
  auto isZero =
      CompareOp::create(builder, loc, ComparePredicate::eq, x, makeNumber(context, element, 0));
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, cast<RankedTensorType>(x.getType()).getRank()));
  Value hasZero = AnyOp::create(builder, loc, isZero, all);
  auto slope = scf::IfOp::create(
      builder, loc, hasZero,
      [&](OpBuilder &, Location) {
        Value others = otherProducts(context, x, shape);
        if (others.getType() != x.getType())
          others = tensor::CastOp::create(builder, loc, x.getType(), others);
        scf::YieldOp::create(builder, loc, others);
      },
      [&](OpBuilder &, Location) {
        Value quotient = DivOp::create(builder, loc, product, x);
        if (quotient.getType() != x.getType())
          quotient = tensor::CastOp::create(builder, loc, x.getType(), quotient);
        scf::YieldOp::create(builder, loc, quotient);
      });
  return slope.getResult(0);
}

LogicalResult ProdOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(getX()))
    return success();
  Value slope = productSlope(context, getX(), getResult(), getAxes());
  Value g = unreduce(context, bar, getX(), getAxes());
  context.add(getX(), ScaledOp::create(context.builder(), context.loc(), g, slope));
  return success();
}

LogicalResult ProdOp::buildTangent(TangentContext &context) {
  Value tangent = context.tangent(getX());
  if (!tangent)
    return success();
  Value slope = productSlope(context, getX(), getResult(), getAxes());
  Value changes = ScaledOp::create(context.builder(), context.loc(), tangent, slope);
  context.set(getResult(), SumOp::create(context.builder(), context.loc(), changes, getAxes()));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// any, all, argmax, argmin: constant between jumps
//===------------------------------------------------------------------------------------------===//
LogicalResult AnyOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult AnyOp::buildTangent(TangentContext &) { return success(); }
LogicalResult AllOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult AllOp::buildTangent(TangentContext &) { return success(); }
LogicalResult ArgMaxOp::verify() {
  return verifyReduction(*this, getX(), {int64_t(getAxis())}, getResult());
}
LogicalResult ArgMinOp::verify() {
  return verifyReduction(*this, getX(), {int64_t(getAxis())}, getResult());
}
LogicalResult ArgMaxOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult ArgMaxOp::buildTangent(TangentContext &) { return success(); }
LogicalResult ArgMinOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult ArgMinOp::buildTangent(TangentContext &) { return success(); }

//===------------------------------------------------------------------------------------------===//
// cumsum
//===------------------------------------------------------------------------------------------===//
LogicalResult CumsumOp::verify() {
  if (getAxis() < 0 || int64_t(getAxis()) >= getX().getType().getRank() ||
      failed(verifyCompatibleShape(getX().getType(), getResult().getType())))
    return emitOpError("keeps the shape; the axis is below the rank");
  return success();
}

LogicalResult CumsumOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), CumsumOp::create(context.builder(), context.loc(), bar.getType(), bar,
                                         getAxis(), !getReverse()));
  return success();
}

LogicalResult CumsumOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}
