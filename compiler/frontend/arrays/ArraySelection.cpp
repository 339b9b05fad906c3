// Index arrays and masks. The items of a subscript become: a slice for what is basic, a transpose
// that brings the indexed axes to the front, one mpy.gather or mpy.scatter, and a transpose that
// puts the new axes where NumPy wants them.
//
//   x[:, idx]    -> transpose by 1 0, gather [idx], transpose by 1 0
//   x[mask] = 0  -> mpy.select mask, 0, x
#include "frontend/arrays/ArrayIndexing.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mpy {

namespace {
/// How one subscript reads its array, step by step; the write goes back the same way.
struct Selection {
  Shape merged;   ///< The array's shape, the axes of each mask merged into one.
  ViewStep slice; ///< On `merged`; integers dropped.
  Shape sliced;   ///< After it.
  bool slices = false;
  llvm::SmallVector<int64_t> toFront; ///< Brings indexed axes of `sliced` to the front.
  Shape fronted;
  llvm::SmallVector<mlir::Value> positions; ///< One for each indexed axis, of one shape.
  Shape gathered;                           ///< The shape of positions, then the other axes.
  llvm::SmallVector<int64_t> placing;       ///< Permutes `gathered` into NumPy's order.
  Shape placed;
  Shape result; ///< With new axes.
};
} // namespace

ArrayValue positionsOf(Specializer &specializer, const ArrayValue &mask) {
  Shape flat = {product(mask.shape)};
  mlir::Value line = reshapeTo(specializer, mask.tensor, DType::Bool, flat);
  auto type = mlir::RankedTensorType::get({mlir::ShapedType::kDynamic},
                                          typeOf(DType::Int64, specializer.context()));
  mlir::Value positions = specializer.create<NonzeroOp>(type, line).getResult();
  mlir::Value count = specializer.create<mlir::tensor::DimOp>(positions, int64_t(0)).getResult();
  return {DType::Int64, {extentOf(count)}, positions};
}

ArrayValue gatherRows(Specializer &specializer, const ArrayValue &x, const ArrayValue &positions) {
  Shape shape = positions.shape;
  shape.insert(shape.end(), x.shape.begin() + 1, x.shape.end());
  mlir::Value rows = specializer
                         .create<GatherOp>(specializer.tensorType(x.dtype, shape), x.tensor,
                                           mlir::ValueRange{positions.tensor})
                         .getResult();
  return {x.dtype, shape, rows};
}

/// The shape of a mask must be that of the axes it stands for.
static void checkMask(Specializer &specializer, const Shape &mask, llvm::ArrayRef<IntExpr> axes,
                      int64_t firstAxis) {
  for (auto [offset, extent] : llvm::enumerate(mask)) {
    CheckText text;
    text << "boolean index did not match indexed array along axis "
         << IntExpr(firstAxis + int64_t(offset)) << "; size of axis is " << axes[offset]
         << " but size of corresponding boolean axis is " << extent;
    checkEqual(specializer, axes[offset], extent, "IndexError", text);
  }
}

static Selection planSelection(Specializer &specializer, const Shape &extents,
                               const std::vector<IndexItem> &items) {
  Selection plan;
  plan.slice.kind = ViewStep::Kind::Slice;
  std::vector<ArrayValue> arrays;
  llvm::SmallVector<int64_t> indexedAxes, otherAxes;
  // Where the first indexed item stands among the axes of the result, and whether all of them are
  // neighbours.
  size_t axis = 0, othersBefore = 0, newAxesBefore = 0;
  std::optional<size_t> firstIndexed, lastIndexed;
  bool adjacent = true;
  for (auto [position, item] : llvm::enumerate(items)) {
    using Kind = IndexItem::Kind;
    bool isIndexed =
        item.kind == Kind::Integer || item.kind == Kind::Array || item.kind == Kind::Mask;
    if (isIndexed) {
      if (!firstIndexed) {
        firstIndexed = position;
        othersBefore = otherAxes.size();
      } else if (*lastIndexed + 1 != position) {
        adjacent = false;
      }
      lastIndexed = position;
    }
    if (item.kind == Kind::NewAxis) {
      newAxesBefore += !firstIndexed;
      continue;
    }
    SliceBounds bounds = {0, 0, 1};
    if (item.kind == Kind::Mask) {
      size_t rank = item.array->rank();
      checkMask(specializer, item.array->shape, llvm::ArrayRef(extents).slice(axis, rank), axis);
      bounds.size = product(llvm::ArrayRef(extents).slice(axis, rank));
      arrays.push_back(positionsOf(specializer, *item.array));
      axis += rank;
    } else {
      const IntExpr &extent = extents[axis];
      bounds.size = extent;
      if (item.kind == Kind::Array)
        arrays.push_back({DType::Int64, item.array->shape,
                          resolvePositions(specializer, *item.array, extent, axis)});
      else if (item.kind == Kind::Integer)
        bounds = {resolveInteger(specializer, item.number, extent, axis), 1, 1};
      else
        bounds = resolveSlice(specializer, item.slice, extent);
      plan.slices |=
          item.kind == Kind::Integer || !(bounds.size == extent) || !bounds.stride.isKnown(1);
      ++axis;
    }
    int64_t mergedAxis = plan.merged.size();
    plan.merged.push_back(item.kind == Kind::Mask ? bounds.size : extents[axis - 1]);
    plan.slice.offsets.push_back(bounds.offset);
    plan.slice.sizes.push_back(bounds.size);
    plan.slice.strides.push_back(bounds.stride);
    if (item.kind == Kind::Integer) {
      plan.slice.dropped.push_back(mergedAxis);
      continue;
    }
    (isIndexed ? indexedAxes : otherAxes).push_back(plan.sliced.size());
    plan.sliced.push_back(bounds.size);
  }
  plan.toFront = indexedAxes;
  plan.toFront.append(otherAxes);
  for (int64_t source : plan.toFront)
    plan.fronted.push_back(plan.sliced[source]);

  std::vector<Shape> shapes;
  for (const ArrayValue &array : arrays)
    shapes.push_back(array.shape);
  Shape common = broadcastShapes(
      specializer, shapes, "IndexError",
      "shape mismatch: indexing arrays could not be broadcast together with shapes ");
  for (const ArrayValue &array : arrays)
    plan.positions.push_back(expand(specializer, array.tensor, DType::Int64, array.shape, common));
  plan.gathered = common;
  plan.gathered.insert(plan.gathered.end(), plan.fronted.begin() + indexedAxes.size(),
                       plan.fronted.end());

  // NumPy puts the axes of the index arrays where they were indexed if the items are neighbours, in
  // front otherwise.
  size_t before = adjacent ? othersBefore : 0;
  size_t newBefore = adjacent ? newAxesBefore : 0;
  for (size_t other = 0; other < before; ++other)
    plan.placing.push_back(common.size() + other);
  for (size_t position = 0; position < common.size(); ++position)
    plan.placing.push_back(position);
  for (size_t other = before; other < otherAxes.size(); ++other)
    plan.placing.push_back(common.size() + other);
  for (int64_t source : plan.placing)
    plan.placed.push_back(plan.gathered[source]);

  // New axes, in the order of the items around the block of index axes.
  size_t seen = 0, next = 0;
  auto placeBlock = [&] {
    plan.result.insert(plan.result.end(), common.begin(), common.end());
    next += common.size();
  };
  bool placedBlock = false;
  if (before + newBefore == 0) {
    placeBlock();
    placedBlock = true;
  }
  for (const IndexItem &item : items) {
    if (item.kind == IndexItem::Kind::NewAxis)
      plan.result.push_back(1);
    else if (item.kind == IndexItem::Kind::Slice)
      plan.result.push_back(plan.placed[next++]);
    else
      continue;
    if (!placedBlock && ++seen == before + newBefore) {
      placeBlock();
      placedBlock = true;
    }
  }
  return plan;
}

/// What the plan indexes: merged, sliced, indexed axes in front.
static mlir::Value frontOf(Specializer &specializer, const Selection &plan,
                           const ArrayValue &array) {
  mlir::Value tensor = plan.merged == array.shape
                           ? array.tensor
                           : reshapeTo(specializer, array.tensor, array.dtype, plan.merged);
  if (plan.slices)
    tensor = applyView(specializer, {array.dtype, plan.merged, tensor}, plan.slice, plan.sliced);
  return transposeTo(specializer, tensor, plan.toFront);
}

Value gatherItems(Specializer &specializer, const ArrayValue &array,
                  const std::vector<IndexItem> &items) {
  Selection plan = planSelection(specializer, array.shape, items);
  mlir::Value front = frontOf(specializer, plan, array);
  mlir::Value part = specializer
                         .create<GatherOp>(specializer.tensorType(array.dtype, plan.gathered),
                                           front, plan.positions)
                         .getResult();
  part = transposeTo(specializer, part, plan.placing);
  if (plan.result.size() != plan.placed.size())
    part = reshapeTo(specializer, part, array.dtype, plan.result);
  return specializer.newArray({array.dtype, plan.result, part});
}

/// `x[mask] = number`, the mask over the leading axes: a choice for each element.
static std::optional<mlir::Value> selectByMask(Specializer &specializer, const ArrayValue &array,
                                               const std::vector<IndexItem> &items,
                                               const ElementOperand &value) {
  if (!value.isScalar || items.front().kind != IndexItem::Kind::Mask)
    return std::nullopt;
  for (const IndexItem &item : llvm::drop_begin(items))
    if (item.kind != IndexItem::Kind::Slice || item.slice)
      return std::nullopt;
  const ArrayValue &mask = *items.front().array;
  checkMask(specializer, mask.shape, array.shape, 0);
  // Checked to be equal: the mask takes the extents of the array.
  Shape shape(array.shape.begin(), array.shape.begin() + mask.rank());
  mlir::Value spread =
      mask.shape == shape ? mask.tensor : reshapeTo(specializer, mask.tensor, DType::Bool, shape);
  if (mask.rank() < array.rank()) {
    shape.resize(array.rank(), IntExpr(1));
    spread = expand(specializer, reshapeTo(specializer, spread, DType::Bool, shape), DType::Bool,
                    shape, array.shape);
  }
  return specializer
      .create<SelectOp>(spread, convert(specializer, value, array.dtype), array.tensor)
      .getResult();
}

mlir::Value scatterItems(Specializer &specializer, const ArrayValue &array,
                         const std::vector<IndexItem> &items, const Value &value) {
  ElementOperand operand = makeOperand(specializer, value);
  if (std::optional<mlir::Value> selected = selectByMask(specializer, array, items, operand))
    return *selected;
  Selection plan = planSelection(specializer, array.shape, items);
  mlir::Value part = convert(specializer, operand, array.dtype);
  if (operand.isScalar) {
    part = fill(specializer, part, array.dtype, plan.gathered);
  } else {
    bool isMaskOfAll = items.size() == 1 && items.front().kind == IndexItem::Kind::Mask &&
                       operand.shape.size() == 1;
    if (isMaskOfAll && !operand.shape.front().isKnown(1)) {
      CheckText text;
      text << "NumPy boolean array indexing assignment cannot assign " << operand.shape.front()
           << " input values to the " << plan.result.front()
           << " output values where the mask is true";
      checkEqual(specializer, operand.shape.front(), plan.result.front(), "ValueError", text);
      part = operand.shape == plan.result ? part
                                          : reshapeTo(specializer, part, array.dtype, plan.result);
    } else {
      part = expandInto(specializer, {array.dtype, operand.shape, part}, plan.result);
    }
    if (plan.result.size() != plan.placed.size())
      part = reshapeTo(specializer, part, array.dtype, plan.placed);
    llvm::SmallVector<int64_t> back(plan.placing.size());
    for (auto [position, source] : llvm::enumerate(plan.placing))
      back[source] = position;
    part = transposeTo(specializer, part, back);
  }
  mlir::Value front = frontOf(specializer, plan, array);
  mlir::Value changed =
      specializer
          .create<ScatterOp>(front.getType(), front, part, plan.positions, /*accumulate=*/false)
          .getResult();
  llvm::SmallVector<int64_t> back(plan.toFront.size());
  for (auto [position, source] : llvm::enumerate(plan.toFront))
    back[source] = position;
  changed = transposeTo(specializer, changed, back);
  if (plan.slices) {
    mlir::Value merged = plan.merged == array.shape
                             ? array.tensor
                             : reshapeTo(specializer, array.tensor, array.dtype, plan.merged);
    changed = updateView(specializer, merged, changed, plan.slice);
  }
  return plan.merged == array.shape ? changed
                                    : reshapeTo(specializer, changed, array.dtype, array.shape);
}

} // namespace mpy
