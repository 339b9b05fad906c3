// Operations that move elements: verifiers and derivatives, each of which moves them back.
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

static bool agree(int64_t x, int64_t y) {
  return ShapedType::isDynamic(x) || ShapedType::isDynamic(y) || x == y;
}

/// g in the shape of a value of the differentiated program; the elements are as many.
static Value reshapeLike(RuleContext &context, Value g, Value like) {
  // Equal types can have other extents: (n, m) and (m, n).
  return context.builder().createOrFold<ReshapeOp>(context.loc(), like.getType(), g,
                                                   openExtents(context, like));
}

//===------------------------------------------------------------------------------------------===//
// broadcast
//===------------------------------------------------------------------------------------------===//
LogicalResult BroadcastOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (getSizes().size() != size_t(result.getNumDynamicDims()))
    return emitOpError("takes one size for each open extent of the result");
  auto type = dyn_cast<RankedTensorType>(getX().getType());
  if (getElementTypeOrSelf(getX()) != result.getElementType())
    return emitOpError("does not change the element type");
  if (!type)
    return success();
  if (type.getRank() > result.getRank())
    return emitOpError("does not lower the rank");
  int64_t lead = result.getRank() - type.getRank();
  for (auto [dimension, extent] : llvm::enumerate(type.getShape()))
    if (extent != 1 && !agree(extent, result.getDimSize(lead + dimension)))
      return emitOpError("extents do not agree");
  return success();
}

/// The dimensions of the result along which elements of x are repeated.
static SmallVector<int64_t> repeatedAxes(BroadcastOp op) {
  auto result = cast<RankedTensorType>(op.getResult().getType());
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  int64_t lead = result.getRank() - (type ? type.getRank() : 0);
  SmallVector<int64_t> axes;
  for (int64_t dimension = 0; dimension < result.getRank(); ++dimension)
    if (dimension < lead ||
        (type.getDimSize(dimension - lead) == 1 && result.getDimSize(dimension) != 1))
      axes.push_back(dimension);
  return axes;
}

LogicalResult BroadcastOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(getX()))
    return success();
  SmallVector<int64_t> axes = repeatedAxes(*this);
  if (!axes.empty())
    bar = SumOp::create(context.builder(), context.loc(), bar, axes);
  // What is left of equal type has the extents of x.
  context.add(getX(), bar.getType() == getX().getType() ? bar : reshapeLike(context, bar, getX()));
  return success();
}

LogicalResult BroadcastOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// stretch, unstretch
//===------------------------------------------------------------------------------------------===//
/// Same rank and element type, and one size for each open extent.
static LogicalResult verifyStretch(Operation *op, Value x, Value result, ValueRange sizes) {
  auto from = cast<RankedTensorType>(x.getType()), to = cast<RankedTensorType>(result.getType());
  if (from.getRank() != to.getRank() || from.getElementType() != to.getElementType())
    return op->emitOpError("changes neither the rank nor the element type");
  if (sizes.size() != size_t(to.getNumDynamicDims()))
    return op->emitOpError("takes one size for each open extent of the result");
  return success();
}

LogicalResult StretchOp::verify() { return verifyStretch(*this, getX(), getResult(), getSizes()); }
LogicalResult UnstretchOp::verify() {
  return verifyStretch(*this, getX(), getResult(), getSizes());
}

LogicalResult StretchOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), UnstretchOp::create(context.builder(), context.loc(), getX().getType(), bar,
                                            openExtents(context, getX())));
  return success();
}

LogicalResult StretchOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

LogicalResult UnstretchOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), StretchOp::create(context.builder(), context.loc(), getX().getType(), bar,
                                          openExtents(context, getX())));
  return success();
}

LogicalResult UnstretchOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// reshape
//===------------------------------------------------------------------------------------------===//
LogicalResult ReshapeOp::verify() {
  auto from = dyn_cast<RankedTensorType>(getX().getType()),
       to = dyn_cast<RankedTensorType>(getType());
  if (getElementTypeOrSelf(getX()) != getElementTypeOrSelf(getType()))
    return emitOpError("does not change the element type");
  if (getSizes().size() != size_t(to ? to.getNumDynamicDims() : 0))
    return emitOpError("takes one size for each open extent of the result");
  int64_t before =
      from ? (from.hasStaticShape() ? from.getNumElements() : ShapedType::kDynamic) : 1;
  int64_t after = to ? (to.hasStaticShape() ? to.getNumElements() : ShapedType::kDynamic) : 1;
  if (!agree(before, after))
    return emitOpError("does not change the number of elements");
  return success();
}

LogicalResult ReshapeOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), reshapeLike(context, bar, getX()));
  return success();
}

LogicalResult ReshapeOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// transpose
//===------------------------------------------------------------------------------------------===//
void TransposeOp::build(OpBuilder &builder, OperationState &state, Value x,
                        ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> shape;
  for (int64_t dimension : permutation)
    shape.push_back(type.getDimSize(dimension));
  build(builder, state, RankedTensorType::get(shape, type.getElementType()), x, permutation);
}

LogicalResult TransposeOp::verify() {
  auto type = cast<RankedTensorType>(getX().getType()),
       result = cast<RankedTensorType>(getResult().getType());
  SmallVector<int64_t> sorted(getPermutation());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())) ||
      result.getRank() != type.getRank())
    return emitOpError("takes a permutation of the dimensions");
  for (auto [extent, dimension] : llvm::zip(result.getShape(), getPermutation()))
    if (!agree(extent, type.getDimSize(dimension)))
      return emitOpError("extents do not agree");
  return success();
}

static SmallVector<int64_t> invert(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [position, dimension] : llvm::enumerate(permutation))
    inverse[dimension] = position;
  return inverse;
}

LogicalResult TransposeOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), TransposeOp::create(context.builder(), context.loc(), bar,
                                            invert(getPermutation())));
  return success();
}

LogicalResult TransposeOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// concat
//===------------------------------------------------------------------------------------------===//
LogicalResult ConcatOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (getAxis() < 0 || int64_t(getAxis()) >= result.getRank())
    return emitOpError("axis must be below the rank");
  for (Value part : getParts()) {
    auto type = cast<RankedTensorType>(part.getType());
    if (type.getRank() != result.getRank() || type.getElementType() != result.getElementType())
      return emitOpError("parts have the rank and the element type of the result");
    for (int64_t dimension = 0; dimension < result.getRank(); ++dimension)
      if (dimension != int64_t(getAxis()) &&
          !agree(type.getDimSize(dimension), result.getDimSize(dimension)))
        return emitOpError("extents do not agree");
  }
  return success();
}

LogicalResult ConcatOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  OpBuilder &builder = context.builder();
  Location loc = context.loc();
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value start = zero;
  for (Value part : getParts()) {
    int64_t rank = cast<RankedTensorType>(part.getType()).getRank();
    Value length = context.extent(part, getAxis());
    if (context.isActive(part) && start == zero && getAxis() == 0) {
      context.add(part, FirstRowsOp::create(builder, loc, part.getType(), bar, length));
    } else if (context.isActive(part)) {
      SmallVector<Value> offsets(rank, zero), sizes, strides(rank, one);
      offsets[getAxis()] = start;
      for (int64_t dimension = 0; dimension < rank; ++dimension)
        sizes.push_back(context.extent(part, dimension));
      context.add(part, SliceOp::create(builder, loc, part.getType(), bar, offsets, sizes, strides,
                                        ArrayRef<int64_t>{}));
    }
    start = builder.createOrFold<arith::AddIOp>(loc, start, length);
  }
  return success();
}

LogicalResult ConcatOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, llvm::to_vector(llvm::seq<unsigned>(0, getParts().size())));
}

//===------------------------------------------------------------------------------------------===//
// first_rows, pad_rows
//===------------------------------------------------------------------------------------------===//
/// Same rank and element type, and every extent but the first.
static LogicalResult verifyRows(Operation *op, Value x, Value result) {
  auto from = cast<RankedTensorType>(x.getType()), to = cast<RankedTensorType>(result.getType());
  if (from.getRank() == 0 || from.getRank() != to.getRank() ||
      from.getElementType() != to.getElementType())
    return op->emitOpError("changes neither the rank nor the element type");
  for (auto [extent, other] : llvm::drop_begin(llvm::zip(from.getShape(), to.getShape())))
    if (!agree(extent, other))
      return op->emitOpError("changes only the first extent");
  return success();
}

LogicalResult FirstRowsOp::verify() { return verifyRows(*this, getX(), getResult()); }
LogicalResult PadRowsOp::verify() { return verifyRows(*this, getX(), getResult()); }

LogicalResult FirstRowsOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), PadRowsOp::create(context.builder(), context.loc(), getX().getType(), bar,
                                          context.extent(getX(), 0)));
  return success();
}

LogicalResult FirstRowsOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

LogicalResult PadRowsOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0); bar && context.isActive(getX()))
    context.add(getX(), FirstRowsOp::create(context.builder(), context.loc(), getX().getType(), bar,
                                            context.extent(getX(), 0)));
  return success();
}

LogicalResult PadRowsOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// from_elements
//===------------------------------------------------------------------------------------------===//
LogicalResult FromElementsOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (!result.hasStaticShape() || result.getNumElements() != int64_t(getElements().size()))
    return emitOpError("takes as many scalars as the result has elements");
  for (Value element : getElements())
    if (element.getType() != result.getElementType())
      return emitOpError("takes scalars of the result's element type");
  return success();
}

LogicalResult FromElementsOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(getResult().getType()).getShape();
  for (auto [position, element] : llvm::enumerate(getElements())) {
    if (!context.isActive(element))
      continue;
    SmallVector<Value> indices(shape.size());
    int64_t rest = position;
    for (int64_t dimension = shape.size() - 1; dimension >= 0; --dimension) {
      indices[dimension] =
          arith::ConstantIndexOp::create(context.builder(), context.loc(), rest % shape[dimension]);
      rest /= shape[dimension];
    }
    context.add(element, ExtractOp::create(context.builder(), context.loc(), bar, indices));
  }
  return success();
}

LogicalResult FromElementsOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this,
                       llvm::to_vector(llvm::seq<unsigned>(0, getElements().size())));
}

//===------------------------------------------------------------------------------------------===//
// iota
//===------------------------------------------------------------------------------------------===//
LogicalResult IotaOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (result.getRank() != 1 || !result.getElementType().isInteger(64))
    return emitOpError("makes int64 of rank 1");
  if (getSizes().size() != size_t(result.getNumDynamicDims()))
    return emitOpError("takes one size for each open extent of the result");
  return success();
}

LogicalResult IotaOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult IotaOp::buildTangent(TangentContext &) { return success(); }
