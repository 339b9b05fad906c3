// Turns reads and replacements of parts of tensors into slices, and into loops where positions are
// data.
#include "lowering/Extents.h"
#include "lowering/ToLinalg.h"

using namespace mlir;

namespace mpy {
/// Offsets, constants as attributes. A negative one stands in code that never runs; the verifier
/// takes it as a value only.
static SmallVector<OpFoldResult> foldOffsets(ValueRange offsets) {
  SmallVector<OpFoldResult> folded = getAsOpFoldResult(offsets);
  for (auto [offset, value] : llvm::zip(folded, offsets))
    if (auto known = getConstantIntValue(offset); known && *known < 0)
      offset = value;
  return folded;
}

namespace {
// What SliceOp and UpdateSliceOp say in common.
struct Box {
  Location loc;
  Value x;
  ValueRange offsets, sizes, strides;
  ArrayRef<int64_t> dropped;

  template <typename Op>
  explicit Box(Op op)
      : loc(op.getLoc()), x(op.getX()), offsets(op.getOffsets()), sizes(op.getSizes()),
        strides(op.getStrides()), dropped(op.getDropped()) {}

  int64_t rank() const { return offsets.size(); }
  bool isDropped(int64_t dimension) const { return llvm::is_contained(dropped, dimension); }

  // Whether every stride is a constant above `bound`.
  bool stridesAbove(int64_t bound) const {
    return llvm::all_of(strides, [&](Value stride) {
      auto constant = getConstantIntValue(stride);
      return constant && *constant > bound;
    });
  }

  bool isEverything(OpBuilder &builder) const {
    if (!dropped.empty())
      return false;
    for (int64_t dimension = 0; dimension < rank(); ++dimension) {
      if (getConstantIntValue(offsets[dimension]) != 0 ||
          getConstantIntValue(strides[dimension]) != 1)
        return false;
      Value source = x;
      int64_t index = dimension;
      OpFoldResult extent = traceExtent(source, index);
      if (extent ? !sameExtent(extent, sizes[dimension]) : !isDim(sizes[dimension], source, index))
        return false;
    }
    return true;
  }
  static bool isDim(Value size, Value source, int64_t index) {
    auto dim = size.getDefiningOp<tensor::DimOp>();
    return dim && dim.getSource() == source && dim.getConstantIndex() == index;
  }

  // The sizes as a slice of the given type states them: constants exactly where the type has them.
  SmallVector<OpFoldResult> sizesFor(OpBuilder &builder, RankedTensorType type) const {
    SmallVector<OpFoldResult> result;
    int64_t kept = 0;
    for (int64_t dimension = 0; dimension < rank(); ++dimension) {
      if (isDropped(dimension)) {
        result.push_back(builder.getIndexAttr(1));
        continue;
      }
      if (type.isDynamicDim(kept))
        result.push_back(sizes[dimension]);
      else
        result.push_back(builder.getIndexAttr(type.getDimSize(kept)));
      ++kept;
    }
    return result;
  }

  SmallVector<OpFoldResult> keptSizes() const {
    SmallVector<OpFoldResult> result;
    for (int64_t dimension = 0; dimension < rank(); ++dimension)
      if (!isDropped(dimension))
        result.push_back(sizes[dimension]);
    return result;
  }

  // The type of the slice: constants where sizes are.
  RankedTensorType keptType() const {
    SmallVector<int64_t> shape;
    for (OpFoldResult size : keptSizes())
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    return RankedTensorType::get(shape, getElementTypeOrSelf(x.getType()));
  }

  // The position in x of a position in the slice.
  SmallVector<Value> positionIn(OpBuilder &builder, ValueRange position) const {
    SmallVector<Value> result;
    for (int64_t dimension = 0; dimension < rank(); ++dimension) {
      if (isDropped(dimension)) {
        result.push_back(offsets[dimension]);
        continue;
      }
      Value step = arith::MulIOp::create(builder, loc, position.front(), strides[dimension]);
      result.push_back(arith::AddIOp::create(builder, loc, offsets[dimension], step));
      position = position.drop_front();
    }
    return result;
  }
};
} // namespace

static void lowerSlice(IRRewriter &rewriter, SliceOp op) {
  Box box(op);
  auto type = cast<RankedTensorType>(op.getResult().getType());
  if (box.isEverything(rewriter))
    return rewriter.replaceOp(op, castTo(rewriter, box.loc, box.x, type));
  // A slice of an array without elements would begin behind its end.
  if (box.stridesAbove(0) && !llvm::is_contained(type.getShape(), 0)) {
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(op, type, box.x, foldOffsets(box.offsets),
                                                        box.sizesFor(rewriter, type),
                                                        getAsOpFoldResult(box.strides));
    return;
  }
  rewriter.replaceOp(
      op, buildFromPosition(rewriter, box.loc, type, box.keptSizes(),
                            [&](OpBuilder &inner, Location loc, ValueRange position) -> Value {
                              return tensor::ExtractOp::create(inner, loc, box.x,
                                                               box.positionIn(inner, position));
                            }));
}

// The value to store, with the dimensions of negative stride in the order of memory.
static Value inMemoryOrder(OpBuilder &builder, const Box &box, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return buildFromPosition(
      builder, box.loc, type, extentsOf(builder, box.loc, value),
      [&](OpBuilder &inner, Location loc, ValueRange position) -> Value {
        SmallVector<Value> reversed;
        Value one = arith::ConstantIndexOp::create(inner, loc, 1);
        for (int64_t dimension = 0, kept = 0; dimension < box.rank(); ++dimension) {
          if (box.isDropped(dimension))
            continue;
          Value index = position[kept++];
          if (*getConstantIntValue(box.strides[dimension]) < 0) {
            Value last = arith::SubIOp::create(inner, loc, box.sizes[dimension], one);
            index = arith::SubIOp::create(inner, loc, last, index);
          }
          reversed.push_back(index);
        }
        return tensor::ExtractOp::create(inner, loc, value, reversed);
      });
}

static void lowerUpdateSlice(IRRewriter &rewriter, UpdateSliceOp op) {
  Box box(op);
  Location loc = op.getLoc();
  Type type = op.getResult().getType();
  Value value = op.getValue();
  if (!isa<RankedTensorType>(value.getType()))
    value = buildFilled(rewriter, loc, box.keptType(), box.keptSizes(), value);
  if (box.isEverything(rewriter))
    return rewriter.replaceOp(op, castTo(rewriter, loc, value, type));
  bool constant = llvm::all_of(
      box.strides, [](Value stride) { return getConstantIntValue(stride).has_value(); });
  if (!constant) {
    Value result = buildLoops(
        rewriter, loc, box.keptSizes(), box.x,
        [&](OpBuilder &inner, Location innerLoc, ValueRange position, Value carried) -> Value {
          Value element = tensor::ExtractOp::create(inner, innerLoc, value, position);
          return tensor::InsertOp::create(inner, innerLoc, element, carried,
                                          box.positionIn(inner, position));
        });
    return rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
  }
  SmallVector<OpFoldResult> offsets = foldOffsets(box.offsets),
                            strides = getAsOpFoldResult(box.strides);
  if (!box.stridesAbove(0)) {
    value = inMemoryOrder(rewriter, box, value);
    for (int64_t dimension = 0; dimension < box.rank(); ++dimension) {
      int64_t stride = *getConstantIntValue(box.strides[dimension]);
      if (stride > 0)
        continue;
      // From the last element upwards.
      Value one = arith::ConstantIndexOp::create(rewriter, loc, 1);
      Value steps = arith::SubIOp::create(rewriter, loc, box.sizes[dimension], one);
      Value way = arith::MulIOp::create(rewriter, loc, steps, box.strides[dimension]);
      offsets[dimension] =
          arith::AddIOp::create(rewriter, loc, box.offsets[dimension], way).getResult();
      strides[dimension] = rewriter.getIndexAttr(-stride);
    }
  }
  auto valueType = cast<RankedTensorType>(value.getType());
  Value result = tensor::InsertSliceOp::create(rewriter, loc, value, box.x, offsets,
                                               box.sizesFor(rewriter, valueType), strides);
  rewriter.replaceOp(op, castTo(rewriter, loc, result, type));
}

static void lowerGather(IRRewriter &rewriter, GatherOp op) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  int64_t count = op.getIndices().size();
  int64_t leading = cast<RankedTensorType>(op.getIndices().front().getType()).getRank();
  RankedTensorType squeezed = squeezedType(type);
  SmallVector<int64_t> iterated = iteratedDimensions(type);
  SmallVector<AffineExpr> read;
  for (auto [loop, dimension] : llvm::enumerate(iterated))
    if (dimension < leading)
      read.push_back(rewriter.getAffineDimExpr(loop));
  auto readMap = AffineMap::get(iterated.size(), 0, read, rewriter.getContext());
  SmallVector<Mapped> inputs;
  for (Value index : op.getIndices())
    inputs.push_back(
        {squeezeAs(rewriter, loc, index, type.getShape().take_front(leading)), readMap});
  SmallVector<OpFoldResult> extents;
  for (auto [loop, dimension] : llvm::enumerate(iterated))
    extents.push_back(dimension < leading
                          ? extentOf(rewriter, loc, inputs.front().tensor, loop)
                          : extentOf(rewriter, loc, op.getX(), dimension - leading + count));
  Mapped output{emptyTensor(rewriter, loc, squeezed, extents),
                rewriter.getMultiDimIdentityMap(iterated.size())};
  auto generic = buildGeneric(
      rewriter, loc, iterated.size(), inputs, output,
      [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
        SmallVector<Value> position;
        for (Value element : elements.take_front(count))
          position.push_back(toIndex(inner, innerLoc, element));
        for (int64_t dimension = leading; dimension < type.getRank(); ++dimension) {
          auto *found = llvm::find(iterated, dimension);
          if (found == iterated.end())
            position.push_back(arith::ConstantIndexOp::create(inner, innerLoc, 0));
          else
            position.push_back(linalg::IndexOp::create(inner, innerLoc, found - iterated.begin()));
        }
        return {tensor::ExtractOp::create(inner, innerLoc, op.getX(), position)};
      });
  rewriter.replaceOp(op, unsqueeze(rewriter, loc, generic.getResult(0), type));
}

// One row of a scatter: the elements behind the indexed dimensions.
static Value scatterRow(OpBuilder &builder, Location loc, ScatterOp op, Value carried,
                        ValueRange position, ValueRange target) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  int64_t count = target.size(), rank = type.getRank();
  RankedTensorType rowType =
      RankedTensorType::get(type.getShape().drop_front(count), type.getElementType());
  SmallVector<OpFoldResult> rest;
  for (int64_t dimension = count; dimension < rank; ++dimension) {
    OpFoldResult extent = extentOf(builder, loc, op.getX(), dimension);
    if (type.isDynamicDim(dimension))
      extent = getValueOrCreateConstantIndexOp(builder, loc, extent);
    rest.push_back(extent);
  }
  auto boxAt = [&](ValueRange leading) {
    SmallVector<OpFoldResult> offsets = foldOffsets(leading),
                              sizes(leading.size(), builder.getIndexAttr(1));
    offsets.append(rest.size(), builder.getIndexAttr(0));
    sizes.append(rest);
    return std::pair(offsets, sizes);
  };
  auto [fromOffsets, fromSizes] = boxAt(position);
  auto [toOffsets, toSizes] = boxAt(target);
  SmallVector<OpFoldResult> fromStrides(fromOffsets.size(), builder.getIndexAttr(1)),
      toStrides(rank, builder.getIndexAttr(1));
  Value row = tensor::ExtractSliceOp::create(builder, loc, rowType, op.getValue(), fromOffsets,
                                             fromSizes, fromStrides);
  if (op.getAccumulate()) {
    Value old = tensor::ExtractSliceOp::create(builder, loc, rowType, carried, toOffsets, toSizes,
                                               toStrides);
    AffineMap identity = builder.getMultiDimIdentityMap(rowType.getRank());
    row = buildGeneric(
              builder, loc, rowType.getRank(), Mapped{row, identity}, Mapped{old, identity},
              [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
                return {buildSum(inner, innerLoc, elements[1], elements[0])};
              })
              .getResult(0);
  }
  return tensor::InsertSliceOp::create(builder, loc, row, carried, toOffsets, toSizes, toStrides);
}

static void lowerScatter(IRRewriter &rewriter, ScatterOp op) {
  Location loc = op.getLoc();
  Value x = op.getX();
  int64_t rank = cast<RankedTensorType>(x.getType()).getRank();
  SmallVector<OpFoldResult> extents = extentsOf(rewriter, loc, op.getIndices().front());
  Value result = buildLoops(
      rewriter, loc, extents, x,
      [&](OpBuilder &inner, Location innerLoc, ValueRange position, Value carried) -> Value {
        SmallVector<Value> target;
        for (Value index : op.getIndices())
          target.push_back(toIndex(inner, innerLoc,
                                   tensor::ExtractOp::create(inner, innerLoc, index, position)));
        if (static_cast<int64_t>(target.size()) < rank)
          return scatterRow(inner, innerLoc, op, carried, position, target);
        Value element = tensor::ExtractOp::create(inner, innerLoc, op.getValue(), position);
        if (op.getAccumulate()) {
          Value old = tensor::ExtractOp::create(inner, innerLoc, carried, target);
          element = buildSum(inner, innerLoc, old, element);
        }
        return tensor::InsertOp::create(inner, innerLoc, element, carried, target);
      });
  rewriter.replaceOp(op, castTo(rewriter, loc, result, op.getResult().getType()));
}

// The index counted from the start, and whether it is inside.
static std::pair<Value, Value> buildNormalized(OpBuilder &builder, Location loc, Value index,
                                               Value extent) {
  Type type = index.getType();
  if (!type.isIndex())
    extent = arith::IndexCastOp::create(builder, loc, type, extent);
  Value zero = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, 0));
  Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, index, zero);
  Value fromEnd = arith::AddIOp::create(builder, loc, index, extent);
  Value normalized = arith::SelectOp::create(builder, loc, negative, fromEnd, index);
  Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, normalized, extent);
  return {normalized, inside};
}

static void checkIndex(OpBuilder &builder, Location loc, NormalizeIndexOp op, Value inside,
                       Value index) {
  std::string message =
      "index {} is out of bounds for axis " + std::to_string(op.getAxis()) + " with size {}";
  if (!index.getType().isIndex() && !index.getType().isInteger(64))
    index = arith::ExtSIOp::create(builder, loc, builder.getI64Type(), index);
  CheckOp::create(builder, loc, inside, "IndexError", message, ValueRange{index, op.getExtent()});
}

static void lowerNormalizeIndex(IRRewriter &rewriter, NormalizeIndexOp op) {
  Location loc = op.getLoc();
  Value index = op.getIndex(), extent = op.getExtent();
  auto type = dyn_cast<RankedTensorType>(index.getType());
  if (!type) {
    auto [normalized, inside] = buildNormalized(rewriter, loc, index, extent);
    checkIndex(rewriter, loc, op, inside, index);
    return rewriter.replaceOp(op, normalized);
  }
  // One pass says whether any index is outside; only then are they looked at one by one to report
  // the first.
  Value source = squeeze(rewriter, loc, index);
  auto squeezed = cast<RankedTensorType>(source.getType());
  int64_t rank = squeezed.getRank();
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  SmallVector<OpFoldResult> extents = extentsOf(rewriter, loc, source);
  Mapped output{emptyTensor(rewriter, loc, squeezed, extents), identity};
  Value result =
      buildGeneric(
          rewriter, loc, rank, Mapped{source, identity}, output,
          [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
            return {buildNormalized(inner, innerLoc, elements[0], extent).first};
          })
          .getResult(0);
  auto flagType = RankedTensorType::get({}, rewriter.getI1Type());
  Value truth = arith::ConstantOp::create(rewriter, loc, rewriter.getBoolAttr(true));
  Mapped flag{buildFilled(rewriter, loc, flagType, {}, truth),
              AffineMap::get(rank, 0, rewriter.getContext())};
  Value allInside =
      buildGeneric(
          rewriter, loc, rank, Mapped{source, identity}, flag,
          [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
            Value inside = buildNormalized(inner, innerLoc, elements[0], extent).second;
            return {arith::AndIOp::create(inner, innerLoc, elements[1], inside)};
          })
          .getResult(0);
  allInside = tensor::ExtractOp::create(rewriter, loc, allInside, ValueRange());
  Value outside = arith::XOrIOp::create(rewriter, loc, allInside, truth);
  auto branch = scf::IfOp::create(rewriter, loc, TypeRange(), outside, /*addThenBlock=*/true,
                                  /*addElseBlock=*/false);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  buildLoops(rewriter, loc, extents, truth,
             [&](OpBuilder &inner, Location innerLoc, ValueRange position, Value carried) -> Value {
               Value element = tensor::ExtractOp::create(inner, innerLoc, source, position);
               checkIndex(inner, innerLoc, op,
                          buildNormalized(inner, innerLoc, element, extent).second, element);
               return carried;
             });
  rewriter.setInsertionPointToEnd(branch.thenBlock());
  scf::YieldOp::create(rewriter, loc);
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(op, unsqueeze(rewriter, loc, result, type));
}

bool lowerIndexing(IRRewriter &rewriter, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](SliceOp slice) { return lowerSlice(rewriter, slice), true; })
      .Case([&](UpdateSliceOp update) { return lowerUpdateSlice(rewriter, update), true; })
      .Case([&](ExtractOp extract) {
        rewriter.replaceOpWithNewOp<tensor::ExtractOp>(op, extract.getX(), extract.getIndices());
        return true;
      })
      .Case([&](InsertOp insert) {
        rewriter.replaceOpWithNewOp<tensor::InsertOp>(op, insert.getValue(), insert.getX(),
                                                      insert.getIndices());
        return true;
      })
      .Case([&](GatherOp gather) { return lowerGather(rewriter, gather), true; })
      .Case([&](ScatterOp scatter) { return lowerScatter(rewriter, scatter), true; })
      .Case([&](NormalizeIndexOp normalize) {
        return lowerNormalizeIndex(rewriter, normalize), true;
      })
      .Default(false);
}
} // namespace mpy
