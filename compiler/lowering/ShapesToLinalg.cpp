// Turns operations that move elements without computing into copies by linalg.generic, which fusion
// absorbs, and into the tensor operations that only rename shapes.
#include "lowering/Extents.h"
#include "lowering/ToLinalg.h"

using namespace mlir;

namespace mpy {

// The elements of `x` at the positions that `map` gives for each position of a squeezed result.
static Value buildCopy(OpBuilder &builder, Location loc, Value x, AffineMap map,
                       RankedTensorType type, ArrayRef<OpFoldResult> extents) {
  int64_t rank = type.getRank();
  Mapped output{emptyTensor(builder, loc, type, extents), builder.getMultiDimIdentityMap(rank)};
  return buildGeneric(builder, loc, rank, Mapped{x, map}, output,
                      [](OpBuilder &, Location, ValueRange elements) -> SmallVector<Value> {
                        return {elements[0]};
                      })
      .getResult(0);
}

static void lowerBroadcast(IRRewriter &rewriter, BroadcastOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  SmallVector<OpFoldResult> extents = mixedSizes(type, op.getSizes());
  auto xType = dyn_cast<RankedTensorType>(op.getX().getType());
  RankedTensorType squeezed = squeezedType(type);
  SmallVector<int64_t> iterated = iteratedDimensions(type);
  SmallVector<OpFoldResult> iteratedExtents;
  for (int64_t dimension : iterated)
    iteratedExtents.push_back(extents[dimension]);
  if (!xType) {
    Value filled = buildFilled(rewriter, loc, squeezed, iteratedExtents, op.getX());
    return rewriter.replaceOp(op, unsqueeze(rewriter, loc, filled, type));
  }
  // An extent that is 1 in the result is 1 in x; one that is 1 in x alone is repeated.
  int64_t added = type.getRank() - xType.getRank();
  SmallVector<int64_t> shape(xType.getShape());
  SmallVector<AffineExpr> read;
  for (auto [index, extent] : llvm::enumerate(shape)) {
    if (type.getDimSize(added + index) == 1)
      extent = 1;
    if (extent != 1)
      read.push_back(rewriter.getAffineDimExpr(llvm::find(iterated, added + int64_t(index)) -
                                               iterated.begin()));
  }
  Value x = squeeze(rewriter, loc, castTo(rewriter, loc, op.getX(), xType.clone(shape)));
  if (read.size() != iterated.size())
    x = buildCopy(rewriter, loc, x, AffineMap::get(iterated.size(), 0, read, rewriter.getContext()),
                  squeezed, iteratedExtents);
  rewriter.replaceOp(op, unsqueeze(rewriter, loc, x, type));
}

static void lowerTranspose(IRRewriter &rewriter, TransposeOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  ArrayRef<int64_t> permutation = op.getPermutation();
  auto xType = cast<RankedTensorType>(op.getX().getType());
  // What one of the two types knows, both know.
  SmallVector<int64_t> shape(type.getShape()), xShape(xType.getShape());
  for (auto [index, from] : llvm::enumerate(permutation)) {
    if (ShapedType::isDynamic(shape[index]))
      shape[index] = xShape[from];
    xShape[from] = shape[index];
  }
  RankedTensorType known = type.clone(shape);
  Value x = squeeze(rewriter, loc, castTo(rewriter, loc, op.getX(), xType.clone(xShape)));
  SmallVector<int64_t> iterated = iteratedDimensions(known);
  SmallVector<AffineExpr> read;
  SmallVector<OpFoldResult> extents(iterated.size());
  for (int64_t dimension : iteratedDimensions(xType.clone(xShape))) {
    int64_t loop =
        llvm::find_if(iterated, [&](int64_t index) { return permutation[index] == dimension; }) -
        iterated.begin();
    extents[loop] = extentOf(rewriter, loc, x, read.size());
    read.push_back(rewriter.getAffineDimExpr(loop));
  }
  auto map = AffineMap::get(iterated.size(), 0, read, rewriter.getContext());
  if (!map.isIdentity())
    x = buildCopy(rewriter, loc, x, map, squeezedType(known), extents);
  rewriter.replaceOp(op, castTo(rewriter, loc, unsqueeze(rewriter, loc, x, known), type));
}

// All elements as one row.
static Value flatten(OpBuilder &builder, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t rank = type.getRank();
  if (rank == 1)
    return tensor;
  int64_t count = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  auto flat = RankedTensorType::get(count, type.getElementType());
  if (rank == 0)
    return tensor::ExpandShapeOp::create(builder, loc, flat, tensor,
                                         ArrayRef<ReassociationIndices>{});
  auto all = llvm::to_vector<2>(llvm::seq<int64_t>(rank));
  return tensor::CollapseShapeOp::create(builder, loc, flat, tensor,
                                         ArrayRef<ReassociationIndices>{all});
}

// The inverse of `flatten`.
static Value unflatten(OpBuilder &builder, Location loc, Value flat, RankedTensorType type,
                       ArrayRef<OpFoldResult> extents) {
  int64_t rank = type.getRank();
  int64_t count = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  flat = castTo(builder, loc, flat, RankedTensorType::get(count, type.getElementType()));
  if (rank == 1)
    return flat;
  if (rank == 0)
    return tensor::CollapseShapeOp::create(builder, loc, type, flat,
                                           ArrayRef<ReassociationIndices>{});
  auto all = llvm::to_vector<2>(llvm::seq<int64_t>(rank));
  return tensor::ExpandShapeOp::create(builder, loc, type, flat,
                                       ArrayRef<ReassociationIndices>{all}, extents);
}

// Whether only extents of 1 differ: all other extents but at most one are certainly the same.
static bool changesOnlyUnits(OpBuilder &builder, Value x, RankedTensorType type,
                             ArrayRef<OpFoldResult> extents) {
  auto xType = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> from = iteratedDimensions(xType), to = iteratedDimensions(type);
  if (from.size() != to.size())
    return false;
  int64_t unknown = 0;
  for (auto [left, right] : llvm::zip(from, to)) {
    Value source = x;
    int64_t dimension = left;
    OpFoldResult extent = traceExtent(source, dimension);
    bool same = false;
    if (extent) {
      same = sameExtent(extent, extents[right]);
    } else if (auto value = dyn_cast<Value>(extents[right])) {
      auto dim = value.getDefiningOp<tensor::DimOp>();
      same = dim && dim.getSource() == source && dim.getConstantIndex() == dimension;
    }
    unknown += !same;
  }
  return unknown <= 1;
}

static void lowerReshape(IRRewriter &rewriter, ReshapeOp op) {
  Location loc = op.getLoc();
  Value x = op.getX();
  auto type = dyn_cast<RankedTensorType>(op.getResult().getType());
  auto xType = dyn_cast<RankedTensorType>(x.getType());
  if (!type && !xType)
    return rewriter.replaceOp(op, x);
  if (!type) {
    SmallVector<Value> first(xType.getRank(), arith::ConstantIndexOp::create(rewriter, loc, 0));
    return rewriter.replaceOp(op, tensor::ExtractOp::create(rewriter, loc, x, first).getResult());
  }
  if (!xType) {
    SmallVector<int64_t> ones(type.getRank(), 1);
    Value single = tensor::FromElementsOp::create(rewriter, loc, type.clone(ones), x);
    return rewriter.replaceOp(op, castTo(rewriter, loc, single, type));
  }
  SmallVector<OpFoldResult> extents = mixedSizes(type, op.getSizes());
  if (changesOnlyUnits(rewriter, x, type, extents))
    return rewriter.replaceOp(op, unsqueeze(rewriter, loc, squeeze(rewriter, loc, x), type));
  rewriter.replaceOp(op, unflatten(rewriter, loc, flatten(rewriter, loc, x), type, extents));
}

// Whether all extents agree at run time; nullptr if they certainly do.
static Value buildSameShape(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> left,
                            ArrayRef<OpFoldResult> right) {
  Value all;
  for (auto [leftExtent, rightExtent] : llvm::zip(left, right)) {
    if (sameExtent(leftExtent, rightExtent))
      continue;
    Value same = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                       getValueOrCreateConstantIndexOp(builder, loc, leftExtent),
                                       getValueOrCreateConstantIndexOp(builder, loc, rightExtent));
    all = all ? arith::AndIOp::create(builder, loc, all, same).getResult() : same;
  }
  return all;
}

// The position in the smaller shape that a position of the larger one stands for.
static SmallVector<Value> buildRepeated(OpBuilder &builder, Location loc, ValueRange position,
                                        ArrayRef<OpFoldResult> small) {
  SmallVector<Value> result;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  for (auto [index, extent] : llvm::zip(position, small)) {
    Value size = getValueOrCreateConstantIndexOp(builder, loc, extent);
    Value repeated = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, size, one);
    result.push_back(arith::SelectOp::create(builder, loc, repeated, zero, index));
  }
  return result;
}

// Shapes mostly agree: then nothing is moved. Else elements are repeated (stretch) or their
// adjoints summed (unstretch).
static void lowerStretch(IRRewriter &rewriter, Operation *op, Value x, ValueRange sizes,
                         bool sums) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> from = extentsOf(rewriter, loc, x), to = mixedSizes(type, sizes);
  Value same = buildSameShape(rewriter, loc, from, to);
  if (!same)
    return rewriter.replaceOp(op, castTo(rewriter, loc, x, type));
  auto branch =
      scf::IfOp::create(rewriter, loc, type, same, /*addThenBlock=*/true, /*addElseBlock=*/true);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  // A constant that the types disagree on makes the branch dead; the cast then has no valid form.
  bool never = !tensor::CastOp::areCastCompatible(TypeRange(x.getType()), TypeRange(type));
  Value kept = never ? emptyTensor(rewriter, loc, type, to) : castTo(rewriter, loc, x, type);
  scf::YieldOp::create(rewriter, loc, kept);
  rewriter.setInsertionPointToStart(branch.elseBlock());
  Value result;
  if (sums) {
    Value zero = buildConstant(rewriter, loc, type.getElementType(), 0);
    Value start = buildFilled(rewriter, loc, type, to, zero);
    result = buildLoops(
        rewriter, loc, from, start,
        [&](OpBuilder &inner, Location innerLoc, ValueRange position, Value carried) -> Value {
          SmallVector<Value> target = buildRepeated(inner, innerLoc, position, to);
          Value element = tensor::ExtractOp::create(inner, innerLoc, x, position);
          Value total = tensor::ExtractOp::create(inner, innerLoc, carried, target);
          total = buildSum(inner, innerLoc, total, element);
          return tensor::InsertOp::create(inner, innerLoc, total, carried, target);
        });
  } else {
    result =
        buildFromPosition(rewriter, loc, type, to,
                          [&](OpBuilder &inner, Location innerLoc, ValueRange position) -> Value {
                            return tensor::ExtractOp::create(
                                inner, innerLoc, x, buildRepeated(inner, innerLoc, position, from));
                          });
  }
  scf::YieldOp::create(rewriter, loc, result);
  rewriter.replaceOp(op, branch.getResult(0));
}

static void lowerConcat(IRRewriter &rewriter, ConcatOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  int64_t axis = op.getAxis(), rank = type.getRank();
  SmallVector<OpFoldResult> extents = extentsOf(rewriter, loc, op.getParts().front());
  auto plus = [&](OpFoldResult left, OpFoldResult right) -> OpFoldResult {
    auto leftConstant = getConstantIntValue(left), rightConstant = getConstantIntValue(right);
    if (leftConstant && rightConstant)
      return rewriter.getIndexAttr(*leftConstant + *rightConstant);
    return arith::AddIOp::create(rewriter, loc,
                                 getValueOrCreateConstantIndexOp(rewriter, loc, left),
                                 getValueOrCreateConstantIndexOp(rewriter, loc, right))
        .getResult();
  };
  SmallVector<OpFoldResult> starts{rewriter.getIndexAttr(0)};
  for (Value part : op.getParts())
    starts.push_back(plus(starts.back(), extentOf(rewriter, loc, part, axis)));
  extents[axis] = starts.back();
  Value result = emptyTensor(rewriter, loc, type, extents);
  SmallVector<OpFoldResult> offsets(rank, rewriter.getIndexAttr(0)),
      strides(rank, rewriter.getIndexAttr(1));
  bool isFirst = true;
  for (auto [part, start] : llvm::zip(op.getParts(), starts)) {
    // A slice of no extent would lie behind the end of what it is put into.
    if (llvm::is_contained(cast<RankedTensorType>(part.getType()).getShape(), 0))
      continue;
    offsets[axis] = start;
    SmallVector<OpFoldResult> sizes = extentsOf(rewriter, loc, part);
    for (auto [index, size] : llvm::enumerate(sizes))
      if (cast<RankedTensorType>(part.getType()).isDynamicDim(index))
        size = getValueOrCreateConstantIndexOp(rewriter, loc, size);
    auto insert =
        tensor::InsertSliceOp::create(rewriter, loc, part, result, offsets, sizes, strides);
    if (std::exchange(isFirst, false) && axis == 0)
      insert->setAttr(rowsAttribute, rewriter.getUnitAttr());
    result = insert;
  }
  rewriter.replaceOp(op, result);
}

namespace {
/// The box of all of x, but `count` rows.
struct Rows {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  Rows(OpBuilder &builder, Location loc, Value x, RankedTensorType type, OpFoldResult count)
      : offsets(type.getRank(), builder.getIndexAttr(0)), sizes(extentsOf(builder, loc, x)),
        strides(type.getRank(), builder.getIndexAttr(1)) {
    sizes[0] = count;
    for (auto [index, size] : llvm::enumerate(sizes))
      if (type.isDynamicDim(index))
        size = getValueOrCreateConstantIndexOp(builder, loc, size);
      else
        size = builder.getIndexAttr(type.getDimSize(index));
  }
};
} // namespace

static void lowerFirstRows(IRRewriter &rewriter, FirstRowsOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  // A slice of an array without elements would begin behind its end.
  auto from = cast<RankedTensorType>(op.getX().getType());
  if (from.getDimSize(0) == 0 || type.getDimSize(0) == 0) {
    Value empty = emptyTensor(rewriter, op.getLoc(), type,
                              Rows(rewriter, op.getLoc(), op.getX(), type, op.getCount()).sizes);
    return rewriter.replaceOp(op, empty);
  }
  Rows rows(rewriter, op.getLoc(), op.getX(), type, op.getCount());
  auto slice = tensor::ExtractSliceOp::create(rewriter, op.getLoc(), type, op.getX(), rows.offsets,
                                              rows.sizes, rows.strides);
  slice->setAttr(rowsAttribute, rewriter.getUnitAttr());
  rewriter.replaceOp(op, slice.getResult());
}

static void lowerPadRows(IRRewriter &rewriter, PadRowsOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType()),
       from = cast<RankedTensorType>(op.getX().getType());
  Rows rows(rewriter, loc, op.getX(), type, op.getCount());
  Value zero = buildConstant(rewriter, loc, type.getElementType(), 0);
  Value result = buildFilled(rewriter, loc, type, rows.sizes, zero);
  if (from.getDimSize(0) != 0) {
    Rows part(rewriter, loc, op.getX(), from, extentOf(rewriter, loc, op.getX(), 0));
    // The same extents as those of the whole.
    for (int64_t index = 1; index < from.getRank(); ++index)
      if (from.isDynamicDim(index))
        part.sizes[index] = getValueOrCreateConstantIndexOp(rewriter, loc, rows.sizes[index]);
    auto insert = tensor::InsertSliceOp::create(rewriter, loc, op.getX(), result, part.offsets,
                                                part.sizes, part.strides);
    insert->setAttr(rowsAttribute, rewriter.getUnitAttr());
    result = insert;
  }
  rewriter.replaceOp(op, result);
}

bool lowerShape(IRRewriter &rewriter, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](BroadcastOp broadcast) { return lowerBroadcast(rewriter, broadcast), true; })
      .Case([&](TransposeOp transpose) { return lowerTranspose(rewriter, transpose), true; })
      .Case([&](ReshapeOp reshape) { return lowerReshape(rewriter, reshape), true; })
      .Case([&](StretchOp stretch) {
        return lowerStretch(rewriter, op, stretch.getX(), stretch.getSizes(), /*sums=*/false), true;
      })
      .Case([&](UnstretchOp unstretch) {
        return lowerStretch(rewriter, op, unstretch.getX(), unstretch.getSizes(), /*sums=*/true),
               true;
      })
      .Case([&](ConcatOp concat) { return lowerConcat(rewriter, concat), true; })
      .Case([&](FirstRowsOp rows) { return lowerFirstRows(rewriter, rows), true; })
      .Case([&](PadRowsOp rows) { return lowerPadRows(rewriter, rows), true; })
      .Case([&](FromElementsOp elements) {
        rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(
            elements, elements.getResult().getType(), elements.getElements());
        return true;
      })
      .Case([&](IotaOp iota) {
        auto type = cast<RankedTensorType>(iota.getResult().getType());
        Value result = buildFromPosition(
            rewriter, iota.getLoc(), type, mixedSizes(type, iota.getSizes()),
            [&](OpBuilder &inner, Location loc, ValueRange position) -> Value {
              return arith::IndexCastOp::create(inner, loc, type.getElementType(), position[0]);
            });
        return rewriter.replaceOp(op, result), true;
      })
      .Default(false);
}
} // namespace mpy
