// Subscripts of integers, slices, None and `...`: views of the array, single elements, and
// assignment to either.
//
//   x[1:-1, 0] -> a view: mpy.slice with offsets 1, 0, the second dimension dropped
//   x[i, j]    -> mpy.extract;  x[i, j] = v -> mpy.insert, the array object gets the new tensor
#include "frontend/arrays/ArrayIndexing.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"

namespace mpy {

static IndexItem itemOf(Specializer &specializer, const Value &value) {
  IndexItem item;
  item.kind = IndexItem::Kind::Integer;
  if (value.isNone()) {
    item.kind = IndexItem::Kind::NewAxis;
    return item;
  }
  if (const SliceValue *slice = value.as<SliceValue>()) {
    item.kind = IndexItem::Kind::Slice;
    item.slice = *slice;
    return item;
  }
  if (const Scalar *scalar = value.get<Scalar>()) {
    if (isAlwaysFloat(*scalar))
      failCertain(specializer, "IndexError",
                  "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and "
                  "integer or boolean arrays are "
                  "valid indices");
    if (kindsOf(*scalar) & (bitOf(ScalarKind::PyBool) | bitOf(ScalarKind::Bool)))
      specializer.fail(ErrorId::UnsupportedIndex, {"a single truth value"},
                       {.help = "write 0 or 1, or int(..)"});
    item.number = *scalar;
    return item;
  }
  std::optional<ValueList> items =
      specializer.isArray(value) ? std::nullopt : specializer.knownItems(value);
  const RunTimeListState *list = runTimeListOf(specializer, value);
  if (!specializer.isArray(value) && !items && !value.as<RangeValue>() && !list)
    failCertain(specializer, "IndexError",
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer "
                "or boolean arrays are "
                "valid indices");
  // An empty list of positions selects nothing, whatever its type.
  bool isPositions = list && list->item->kind == ResultPattern::Kind::Number &&
                     dtypeOf(list->item->number) == DType::Int64;
  ArrayValue array = isPositions ? arrayOfRunTimeList(specializer, value, DType::Int64)
                                 : toArray(specializer, value);
  if (items && items->empty())
    array = castArray(specializer, array, DType::Int64);
  if (isFloat(array.dtype))
    failCertain(specializer, "IndexError",
                "arrays used as indices must be of integer (or boolean) type");
  if (array.rank() == 0) {
    if (array.dtype == DType::Bool)
      specializer.fail(ErrorId::UnsupportedIndex, {"a single truth value"});
    item.number = elementOf(specializer, array);
    return item;
  }
  item.kind = array.dtype == DType::Bool ? IndexItem::Kind::Mask : IndexItem::Kind::Array;
  item.array = array;
  return item;
}

std::vector<IndexItem> parseIndex(Specializer &specializer, const Value &index, int64_t rank) {
  ValueList parts;
  if (isRunTimeTuple(specializer, index))
    specializer.fail(ErrorId::UnsupportedIndex, {"a tuple whose length is known at run time only"},
                     {.help = "make it a list, if its items are positions along one dimension"});
  if (const TupleValue *tuple = index.as<TupleValue>())
    parts = tuple->items;
  else
    parts = {index};
  std::vector<IndexItem> items;
  std::optional<size_t> ellipsis;
  int64_t used = 0;
  for (const Value &part : parts) {
    if (part.get<EllipsisValue>()) {
      if (ellipsis)
        failCertain(specializer, "IndexError", "an index can only have a single ellipsis ('...')");
      ellipsis = items.size();
      continue;
    }
    // One that a loop has returned is there, or the program ends: None would be a new axis.
    items.push_back(itemOf(specializer, specializer.present(part, "the position")));
    if (items.back().kind == IndexItem::Kind::Mask)
      used += items.back().array->rank();
    else if (items.back().kind != IndexItem::Kind::NewAxis)
      ++used;
  }
  if (used > rank)
    failCertain(specializer, "IndexError",
                "too many indices for array: array is " + llvm::Twine(rank) + "-dimensional, but " +
                    llvm::Twine(used) + " were indexed");
  IndexItem whole;
  whole.kind = IndexItem::Kind::Slice;
  items.insert(items.begin() + ellipsis.value_or(items.size()), rank - used, whole);
  return items;
}

namespace {
/// A subscript without index arrays, resolved against the shape of its array.
struct BasicIndex {
  ViewStep step;
  Shape sliced; ///< After the slice, before new axes.
  Shape shape;  ///< With new axes.
  bool isWhole = true;
  bool isContiguous = true;
};
} // namespace

static BasicIndex resolveBasic(Specializer &specializer, const Shape &extents,
                               const std::vector<IndexItem> &items) {
  BasicIndex result;
  result.step.kind = ViewStep::Kind::Slice;
  // Row-major memory without gaps: whole axes, after at most one cut axis, after single rows.
  bool sawCut = false;
  size_t axis = 0;
  for (const IndexItem &item : items) {
    if (item.kind == IndexItem::Kind::NewAxis) {
      result.shape.push_back(1);
      continue;
    }
    const IntExpr &extent = extents[axis];
    SliceBounds bounds;
    if (item.kind == IndexItem::Kind::Integer) {
      bounds = {resolveInteger(specializer, item.number, extent, axis), 1, 1};
      result.step.dropped.push_back(axis);
    } else {
      bounds = resolveSlice(specializer, item.slice, extent);
      result.sliced.push_back(bounds.size);
      result.shape.push_back(bounds.size);
    }
    bool isWhole = bounds.offset.isKnown(0) && bounds.stride.isKnown(1) && bounds.size == extent;
    result.isWhole &= isWhole && item.kind == IndexItem::Kind::Slice;
    if (sawCut && !isWhole)
      result.isContiguous = false;
    if (!bounds.stride.isKnown(1) && !bounds.size.isKnown(1))
      result.isContiguous = false;
    if (!bounds.size.isKnown(1))
      sawCut = true;
    result.step.offsets.push_back(bounds.offset);
    result.step.sizes.push_back(bounds.size);
    result.step.strides.push_back(bounds.stride);
    ++axis;
  }
  return result;
}

static bool isAdvanced(const std::vector<IndexItem> &items) {
  return llvm::any_of(items, [](const IndexItem &item) {
    return item.kind == IndexItem::Kind::Array || item.kind == IndexItem::Kind::Mask;
  });
}

/// Whether an ellipsis was written: `x[..., 0]` of a vector is an array of rank 0, not a scalar.
static bool hasEllipsis(const Value &index) {
  if (const TupleValue *tuple = index.as<TupleValue>())
    return llvm::any_of(tuple->items, [](const Value &part) { return part.get<EllipsisValue>(); });
  return index.get<EllipsisValue>();
}

Value arraySubscript(Specializer &specializer, ObjectId object, const Value &index) {
  ArrayValue array = specializer.read(object);
  std::vector<IndexItem> items = parseIndex(specializer, index, array.rank());
  if (isAdvanced(items))
    return gatherItems(specializer, array, items);
  BasicIndex basic = resolveBasic(specializer, array.shape, items);
  if (basic.shape.empty() && !hasEllipsis(index)) {
    mlir::Value element =
        specializer.create<ExtractOp>(array.tensor, indexValues(specializer, basic.step.offsets))
            .getResult();
    return specializer.makeScalar(scalarKindOf(array.dtype), element);
  }
  const ArrayState *state = specializer.heap.get<ArrayState>(object);
  bool contiguous = state->contiguous && basic.isContiguous;
  bool hasNewAxis = basic.shape.size() != basic.sliced.size();
  ObjectId base = object;
  if (!basic.isWhole || !hasNewAxis) {
    Value view = specializer.newView(base, basic.step, basic.sliced, contiguous);
    if (!hasNewAxis)
      return view;
    base = *specializer.arrayObject(view);
  }
  ViewStep reshape;
  reshape.kind = ViewStep::Kind::Reshape;
  return specializer.newView(base, reshape, basic.shape, contiguous);
}

void arrayAssign(Specializer &specializer, ObjectId object, const Value &index,
                 const Value &value) {
  ArrayValue array = specializer.read(object);
  // NumPy looks at this before it looks at the index.
  if (isReadOnlyView(specializer.heap, object)) {
    specializer.raiseHere("ValueError", "assignment destination is read-only");
    return;
  }
  std::vector<IndexItem> items = parseIndex(specializer, index, array.rank());
  if (isAdvanced(items)) {
    specializer.write(object, scatterItems(specializer, array, items, value));
    return;
  }
  BasicIndex basic = resolveBasic(specializer, array.shape, items);
  ElementOperand operand = makeOperand(specializer, value);
  if (basic.shape.empty() && !operand.isScalar)
    failCertain(specializer, "ValueError", "setting an array element with a sequence.");
  if (basic.shape.empty() && !array.shape.empty()) {
    mlir::Value element = convert(specializer, operand, array.dtype);
    specializer.write(object, specializer
                                  .create<InsertOp>(array.tensor, element,
                                                    indexValues(specializer, basic.step.offsets))
                                  .getResult());
    return;
  }
  mlir::Value part = convert(specializer, operand, array.dtype);
  if (operand.isScalar) {
    if (basic.isWhole)
      specializer.write(object, fill(specializer, part, array.dtype, array.shape));
    else
      specializer.write(object, updateView(specializer, array.tensor, part, basic.step));
    return;
  }
  part = expandInto(specializer, {array.dtype, operand.shape, part}, basic.shape);
  if (basic.shape.size() != basic.sliced.size())
    part = reshapeTo(specializer, part, array.dtype, basic.sliced);
  specializer.write(object,
                    basic.isWhole ? part : updateView(specializer, array.tensor, part, basic.step));
}

} // namespace mpy
