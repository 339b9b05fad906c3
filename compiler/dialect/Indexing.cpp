// Reading and replacing parts of tensors: derivatives. What reads a part accumulates into that part
// of the adjoint, at its cost.
#include "dialect/Formula.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mpy;

static SmallVector<Value> primals(RuleContext &context, ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return context.primal(value); });
}

/// Checks the bounds of a slice of x, and that `part` (if it is a tensor) has its rank and element
/// type.
template <typename OpT> static LogicalResult verifyBounds(OpT op, Value part) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  size_t rank = type.getRank();
  if (op.getOffsets().size() != rank || op.getSizes().size() != rank ||
      op.getStrides().size() != rank)
    return op.emitOpError("takes an offset, a size and a stride for each dimension");
  int64_t previous = -1;
  for (int64_t dimension : op.getDropped()) {
    if (dimension <= previous || dimension >= type.getRank())
      return op.emitOpError("dropped dimensions must be sorted, distinct and below the rank");
    previous = dimension;
  }
  if (getElementTypeOrSelf(part) != type.getElementType())
    return op.emitOpError("does not change the element type");
  if (auto shape = dyn_cast<RankedTensorType>(part.getType()))
    if (failed(verifyCompatibleShape(shape, slicedType(op.getX(), op.getSizes(), op.getDropped()))))
      return op.emitOpError("part of type ") << shape << " does not have the shape of the slice";
  return success();
}

/// Checks that there is one index for each dimension and that the element has the tensor's element
/// type.
template <typename OpT> static LogicalResult verifyElement(OpT op, Value element) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  if (op.getIndices().size() != size_t(type.getRank()))
    return op.emitOpError("takes an index for each dimension");
  if (element.getType() != type.getElementType())
    return op.emitOpError("does not change the element type");
  return success();
}

/// Checks the indices of a gather from x, and that `part` has its shape.
template <typename OpT> static LogicalResult verifyGather(OpT op, Value part) {
  auto type = cast<RankedTensorType>(op.getX().getType()),
       shape = cast<RankedTensorType>(part.getType());
  if (op.getIndices().empty() || op.getIndices().size() > size_t(type.getRank()))
    return op.emitOpError("takes an index tensor for each of the leading dimensions, at least one");
  auto index = cast<RankedTensorType>(op.getIndices().front().getType());
  for (Value other : op.getIndices())
    if (!getElementTypeOrSelf(other).isInteger(64) ||
        failed(verifyCompatibleShape(index, other.getType())))
      return op.emitOpError("takes int64 indices of one shape");
  SmallVector<int64_t> wanted(index.getShape());
  llvm::append_range(wanted, type.getShape().drop_front(op.getIndices().size()));
  if (shape.getElementType() != type.getElementType() ||
      failed(verifyCompatibleShape(wanted, shape.getShape())))
    return op.emitOpError("part of type ") << shape << " does not have the shape of the gather";
  return success();
}

namespace {
/// The bounds of a slice where a rule runs.
struct Bounds {
  SmallVector<Value> offsets, sizes, strides;
  ArrayRef<int64_t> dropped;
  template <typename OpT>
  Bounds(RuleContext &context, OpT op)
      : offsets(primals(context, op.getOffsets())), sizes(primals(context, op.getSizes())),
        strides(primals(context, op.getStrides())), dropped(op.getDropped()) {}

  Value read(RuleContext &context, Value x) const {
    return SliceOp::create(context.builder(), context.loc(), slicedType(x, sizes, dropped), x,
                           offsets, sizes, strides, dropped);
  }
  Value write(RuleContext &context, Value value, Value x) const {
    return UpdateSliceOp::create(context.builder(), context.loc(), x.getType(), x, value, offsets,
                                 sizes, strides, dropped);
  }
};
} // namespace

/// Whether two lists hold the same indices.
static bool sameIndices(ValueRange x, ValueRange y) {
  return llvm::equal(x, y, [](Value left, Value right) {
    std::optional<int64_t> number = getConstantIntValue(left);
    return left == right || (number && number == getConstantIntValue(right));
  });
}

/// Whether a value is the number 0, or zeros spread.
static bool isZero(Value value) {
  if (auto spread = value.getDefiningOp<BroadcastOp>())
    value = spread.getX();
  return matchPattern(value, m_AnyZeroFloat());
}

template <typename OpT> static bool sameBounds(OpT x, const Bounds &y) {
  return x.getDropped() == y.dropped && sameIndices(x.getOffsets(), y.offsets) &&
         sameIndices(x.getSizes(), y.sizes) && sameIndices(x.getStrides(), y.strides);
}

/// Whether two operations speak of the same part.
template <typename OpT> static bool samePart(UpdateSliceOp x, OpT y) {
  return x.getDropped() == y.getDropped() && sameIndices(x.getOffsets(), y.getOffsets()) &&
         sameIndices(x.getSizes(), y.getSizes()) && sameIndices(x.getStrides(), y.getStrides());
}

/// Whether an update writes to where a slice was read.
static bool putsBack(UpdateSliceOp op, SliceOp slice) {
  return slice && slice.getX() == op.getX() && op.getResult().getType() == op.getX().getType() &&
         samePart(op, slice);
}

namespace {
/// A part that is replaced twice is replaced once; not where others need the first version, too:
/// both would be there at once.
struct OverwriteSlice : OpRewritePattern<UpdateSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UpdateSliceOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<UpdateSliceOp>();
    if (!inner || !inner->hasOneUse() || inner.getX().getType() != op.getX().getType() ||
        !samePart(op, inner))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};

/// An element of a part that is put back is an element of the whole:
///   update_slice (insert v into (slice x)[k]) into x   =>   insert v into x[offset + k * stride]
struct InsertIntoWhole : OpRewritePattern<UpdateSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UpdateSliceOp op, PatternRewriter &rewriter) const override {
    auto insert = op.getValue().getDefiningOp<InsertOp>();
    auto slice = insert ? insert.getX().getDefiningOp<SliceOp>() : SliceOp();
    if (!putsBack(op, slice))
      return failure();
    SmallVector<Value> indices(op.getOffsets());
    auto inside = insert.getIndices().begin();
    for (auto [dim, index] : llvm::enumerate(indices)) {
      if (llvm::is_contained(op.getDropped(), int64_t(dim)))
        continue;
      Value step = *inside++;
      if (!isConstantIntValue(op.getStrides()[dim], 1))
        step = arith::MulIOp::create(rewriter, op.getLoc(), step, op.getStrides()[dim]);
      if (!isConstantIntValue(index, 0))
        step = arith::AddIOp::create(rewriter, op.getLoc(), index, step);
      index = step;
    }
    rewriter.replaceOpWithNewOp<InsertOp>(op, op.getX(), insert.getValue(), indices);
    return success();
  }
};

/// A part of a part that is put back is a part of the whole:
///   update_slice (update_slice v into (slice x)[o, s]) into x   =>   update_slice v into x[..]
struct UpdateWhole : OpRewritePattern<UpdateSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UpdateSliceOp op, PatternRewriter &rewriter) const override {
    auto update = op.getValue().getDefiningOp<UpdateSliceOp>();
    auto slice = update ? update.getX().getDefiningOp<SliceOp>() : SliceOp();
    if (!putsBack(op, slice))
      return failure();
    Location loc = op.getLoc();
    SmallVector<Value> offsets(op.getOffsets()), sizes(op.getSizes()), strides(op.getStrides());
    SmallVector<int64_t> dropped(op.getDropped());
    size_t inside = 0;
    for (size_t dim = 0; dim < offsets.size(); ++dim) {
      if (llvm::is_contained(op.getDropped(), int64_t(dim)))
        continue;
      Value from = arith::MulIOp::create(rewriter, loc, update.getOffsets()[inside], strides[dim]);
      offsets[dim] = arith::AddIOp::create(rewriter, loc, offsets[dim], from);
      strides[dim] =
          arith::MulIOp::create(rewriter, loc, strides[dim], update.getStrides()[inside]);
      sizes[dim] = update.getSizes()[inside];
      if (llvm::is_contained(update.getDropped(), int64_t(inside)))
        dropped.push_back(dim);
      ++inside;
    }
    llvm::sort(dropped);
    rewriter.replaceOpWithNewOp<UpdateSliceOp>(op, op.getResult().getType(), op.getX(),
                                               update.getValue(), offsets, sizes, strides, dropped);
    return success();
  }
};

/// A part that is put back as it was read changes nothing.
struct PutBackUnchanged : OpRewritePattern<UpdateSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(UpdateSliceOp op, PatternRewriter &rewriter) const override {
    if (op.getX().getType() != op.getResult().getType() ||
        !putsBack(op, op.getValue().getDefiningOp<SliceOp>()))
      return failure();
    rewriter.replaceOp(op, op.getX());
    return success();
  }
};

/// An element that is replaced twice is replaced once.
struct OverwriteElement : OpRewritePattern<InsertOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(InsertOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<InsertOp>();
    if (!inner || !inner->hasOneUse() || !sameIndices(inner.getIndices(), op.getIndices()))
      return failure();
    rewriter.modifyOpInPlace(op, [&] { op.getXMutable().assign(inner.getX()); });
    return success();
  }
};
} // namespace

void UpdateSliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<OverwriteSlice, InsertIntoWhole, UpdateWhole, PutBackUnchanged>(context);
}

void InsertOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<OverwriteElement>(context);
}

//===------------------------------------------------------------------------------------------===//
// slice
//===------------------------------------------------------------------------------------------===//
LogicalResult SliceOp::verify() { return verifyBounds(*this, getResult()); }

LogicalResult SliceOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(getX()))
    return success();
  Bounds bounds(context, *this);
  context.update(getX(), [&](Value current) {
    // Where the adjoint is still zero there is nothing to add to.
    auto cleared = current.getDefiningOp<UpdateSliceOp>();
    if (isZero(current) || (cleared && isZero(cleared.getValue()) && sameBounds(cleared, bounds)))
      return bounds.write(context, bar, current);
    Value sum = AddOp::create(context.builder(), context.loc(), bounds.read(context, current), bar);
    return bounds.write(context, sum, current);
  });
  return success();
}

LogicalResult SliceOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// update_slice
//===------------------------------------------------------------------------------------------===//
LogicalResult UpdateSliceOp::verify() { return verifyBounds(*this, getValue()); }

LogicalResult UpdateSliceOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  Bounds bounds(context, *this);
  if (context.isActive(getValue()))
    addElementwise(context, getValue(), bounds.read(context, bar));
  if (context.isActive(getX()))
    context.add(getX(),
                bounds.write(context, makeNumber(context, getElementTypeOrSelf(bar), 0), bar));
  return success();
}

LogicalResult UpdateSliceOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0, 1});
}

Value UpdateSliceOp::changedArray() { return getDropped().empty() ? Value() : Value(getX()); }

Value UpdateSliceOp::buildReplaced(OpBuilder &builder) {
  SmallVector<Value> sizes(getSizes());
  return SliceOp::create(builder, getLoc(), slicedType(getX(), sizes, getDropped()), getX(),
                         getOffsets(), sizes, getStrides(), getDropped());
}

Value UpdateSliceOp::buildUndone(RuleContext &context, Value result, Value replaced) {
  Value array = Bounds(context, *this).write(context, replaced, result);
  return array.getType() == getX().getType()
             ? array
             : tensor::CastOp::create(context.builder(), context.loc(), getX().getType(), array);
}

//===------------------------------------------------------------------------------------------===//
// extract
//===------------------------------------------------------------------------------------------===//
LogicalResult ExtractOp::verify() { return verifyElement(*this, getResult()); }

LogicalResult ExtractOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(getX()))
    return success();
  SmallVector<Value> indices = primals(context, getIndices());
  context.update(getX(), [&](Value current) -> Value {
    auto cleared = current.getDefiningOp<InsertOp>();
    if (isZero(current) ||
        (cleared && isZero(cleared.getValue()) && sameIndices(cleared.getIndices(), indices)))
      return InsertOp::create(context.builder(), context.loc(), current, bar, indices);
    Value old = ExtractOp::create(context.builder(), context.loc(), current, indices);
    Value sum = AddOp::create(context.builder(), context.loc(), old, bar);
    return InsertOp::create(context.builder(), context.loc(), current, sum, indices);
  });
  return success();
}

LogicalResult ExtractOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// insert
//===------------------------------------------------------------------------------------------===//
LogicalResult InsertOp::verify() { return verifyElement(*this, getValue()); }

Value InsertOp::changedArray() { return getX(); }

Value InsertOp::buildReplaced(OpBuilder &builder) {
  return ExtractOp::create(builder, getLoc(), getX(), getIndices());
}

Value InsertOp::buildUndone(RuleContext &context, Value result, Value replaced) {
  return InsertOp::create(context.builder(), context.loc(), result, replaced,
                          primals(context, getIndices()));
}

LogicalResult InsertOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  SmallVector<Value> indices = primals(context, getIndices());
  if (context.isActive(getValue()))
    context.add(getValue(), ExtractOp::create(context.builder(), context.loc(), bar, indices));
  if (context.isActive(getX())) {
    Value zero = makeNumber(context, getValue().getType(), 0);
    context.add(getX(), InsertOp::create(context.builder(), context.loc(), bar, zero, indices));
  }
  return success();
}

LogicalResult InsertOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0, 1});
}

//===------------------------------------------------------------------------------------------===//
// gather
//===------------------------------------------------------------------------------------------===//
LogicalResult GatherOp::verify() { return verifyGather(*this, getResult()); }

LogicalResult GatherOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar || !context.isActive(getX()))
    return success();
  SmallVector<Value> indices = primals(context, getIndices());
  context.update(getX(), [&](Value current) {
    return ScatterOp::create(context.builder(), context.loc(), current.getType(), current, bar,
                             indices, true);
  });
  return success();
}

LogicalResult GatherOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0});
}

//===------------------------------------------------------------------------------------------===//
// scatter
//===------------------------------------------------------------------------------------------===//
/// Which elements of the value are the last ones written to their place, over the value's shape:
/// each place remembers the number of its last writer.
static Value findLastWriters(RuleContext &context, ScatterOp op, ArrayRef<Value> indices) {
  OpBuilder &builder = context.builder();
  Location loc = context.loc();
  Type integer = builder.getI64Type();
  auto index = cast<RankedTensorType>(op.getIndices().front().getType());
  auto target = cast<RankedTensorType>(op.getX().getType());
  Value count = arith::ConstantIndexOp::create(builder, loc, 1);
  for (int64_t dimension = 0; dimension < index.getRank(); ++dimension)
    count = builder.createOrFold<arith::MulIOp>(loc, count,
                                                context.extent(op.getIndices().front(), dimension));
  Value numbers =
      IotaOp::create(builder, loc, RankedTensorType::get({ShapedType::kDynamic}, integer), count);
  numbers = ReshapeOp::create(builder, loc, index.clone(integer), numbers,
                              openExtents(context, op.getIndices().front()));
  SmallVector<Value> sizes;
  for (unsigned dimension = 0; dimension < indices.size(); ++dimension)
    if (target.isDynamicDim(dimension))
      sizes.push_back(context.extent(op.getX(), dimension));
  auto places = RankedTensorType::get(target.getShape().take_front(indices.size()), integer);
  Value nobody = BroadcastOp::create(builder, loc, places, makeNumber(context, integer, -1), sizes);
  Value writers = ScatterOp::create(builder, loc, places, nobody, numbers, indices, false);
  Value last = GatherOp::create(builder, loc, index.clone(integer), writers, indices);
  Value wins = CompareOp::create(builder, loc, ComparePredicate::eq, last, numbers);
  // One truth value for each row that was written: repeated over the row.
  auto value = cast<RankedTensorType>(op.getValue().getType());
  if (value.getRank() == index.getRank())
    return wins;
  SmallVector<int64_t> shape(index.getShape());
  shape.resize(value.getRank(), 1);
  wins = ReshapeOp::create(builder, loc, RankedTensorType::get(shape, builder.getI1Type()), wins,
                           openExtents(context, op.getIndices().front()));
  return spread(context, wins, op.getValue());
}

LogicalResult ScatterOp::verify() { return verifyGather(*this, getValue()); }

LogicalResult ScatterOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  OpBuilder &builder = context.builder();
  Location loc = context.loc();
  SmallVector<Value> indices = primals(context, getIndices());
  if (context.isActive(getValue())) {
    Value part = GatherOp::create(builder, loc, getValue().getType(), bar, indices);
    if (!getAccumulate())
      part = SelectOp::create(builder, loc, findLastWriters(context, *this, indices), part,
                              makeNumber(context, getElementTypeOrSelf(bar), 0));
    context.add(getValue(), part);
  }
  if (!context.isActive(getX()))
    return success();
  if (!getAccumulate()) {
    Value zeros = makeZeros(context, getValue());
    bar = ScatterOp::create(builder, loc, bar.getType(), bar, zeros, indices, false);
  }
  context.add(getX(), bar);
  return success();
}

LogicalResult ScatterOp::buildTangent(TangentContext &context) {
  return linearTangent(context, *this, {0, 1});
}
