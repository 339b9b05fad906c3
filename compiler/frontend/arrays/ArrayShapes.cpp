// Reshape, transpose and joins. NumPy gives a view where the memory allows it: a reshape of
// contiguous memory, any permutation, any axis of extent 1 added or removed. A reshape of other
// arrays is a copy or not, depending on strides and extents at run time: it becomes a copy that
// says which array it may share memory with, so that neither is changed unseen.
#include "frontend/arrays/ArrayShapes.h"

namespace mpy {

ObjectId objectOf(Specializer &specializer, const Value &value) {
  if (std::optional<ObjectId> object = specializer.arrayObject(value))
    return *object;
  return *specializer.arrayObject(specializer.newArray(toArray(specializer, value)));
}

Value copyOf(Specializer &specializer, const Value &value) {
  return specializer.newArray(toArray(specializer, value));
}

ArrayValue reshaped(Specializer &specializer, const ArrayValue &array, Shape shape) {
  if (shape == array.shape)
    return array;
  mlir::Value tensor = reshapeTo(specializer, array.tensor, array.dtype, shape);
  return {array.dtype, std::move(shape), tensor};
}

ArrayValue permuted(Specializer &specializer, const ArrayValue &array,
                    llvm::ArrayRef<int64_t> permutation) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(array.shape[axis]);
  return {array.dtype, shape, transposeTo(specializer, array.tensor, permutation)};
}

ArrayValue spread(Specializer &specializer, const ArrayValue &array, const Shape &shape) {
  return {array.dtype, shape, expand(specializer, array.tensor, array.dtype, array.shape, shape)};
}

ArrayValue iota(Specializer &specializer, const IntExpr &count) {
  Shape shape = {count};
  return {DType::Int64, shape,
          specializer
              .create<IotaOp>(specializer.tensorType(DType::Int64, shape),
                              specializer.dynamicSizes(shape))
              .getResult()};
}

Shape resolveReshape(Specializer &specializer, const Shape &old, const Shape &wanted) {
  using Predicate = mlir::arith::CmpIPredicate;
  Shape result = wanted;
  std::optional<size_t> open;
  CheckText text;
  text << "cannot reshape array of size " << product(old) << " into shape (";
  for (auto [axis, extent] : llvm::enumerate(wanted)) {
    bool isOpen = extent.isKnown(-1);
    // NumPy leaves an open extent in front out of the message.
    if (axis > (open == 0 ? 1 : 0))
      text << ",";
    if (isOpen) {
      if (open)
        failCertain(specializer, "ValueError", "can only specify one unknown dimension");
      open = axis;
      if (axis)
        text << "newaxis";
    } else {
      text << extent;
    }
  }
  text << (wanted.size() == 1 ? ",)" : ")");
  if (!open) {
    checkEqual(specializer, product(old), product(wanted), "ValueError", text);
    return result;
  }
  // The open extent: what remains after equal extents cancel.
  Shape remaining = old;
  IntExpr others = 1;
  for (auto [axis, extent] : llvm::enumerate(wanted)) {
    if (axis == *open)
      continue;
    auto equal = llvm::find(remaining, extent);
    if (equal == remaining.end()) {
      others = others * extent;
      continue;
    }
    check(specializer, compareInts(specializer, Predicate::ne, extent, 0), "ValueError", text);
    remaining.erase(equal);
  }
  IntExpr size = product(remaining);
  if (others.isKnown(1)) {
    result[*open] = size;
    return result;
  }
  check(specializer, compareInts(specializer, Predicate::ne, others, 0), "ValueError", text);
  IntExpr rest = modulo(size, others);
  checkEqual(specializer, rest, 0, "ValueError", text);
  result[*open] = floorDivide(size, others);
  return result;
}

Value reshapeView(Specializer &specializer, ObjectId array, Shape shape) {
  ViewStep step;
  step.kind = ViewStep::Kind::Reshape;
  bool contiguous = specializer.heap.get<ArrayState>(array)->contiguous;
  return specializer.newView(array, step, std::move(shape), contiguous);
}

/// The strides of an array whose extents, and those of all it looks at, are known.
static std::optional<std::vector<int64_t>> knownStrides(Specializer &specializer, ObjectId object) {
  const ArrayState *state = specializer.heap.get<ArrayState>(object);
  for (const IntExpr &extent : state->shape)
    if (!extent.known())
      return std::nullopt;
  if (state->contiguous) {
    std::vector<int64_t> strides(state->shape.size());
    int64_t stride = 1;
    for (size_t axis = strides.size(); axis-- > 0;) {
      strides[axis] = stride;
      stride *= *state->shape[axis].known();
    }
    return strides;
  }
  std::optional<std::vector<int64_t>> below = knownStrides(specializer, *state->base);
  if (!below || state->step->kind == ViewStep::Kind::Reshape)
    return std::nullopt;
  std::vector<int64_t> strides;
  if (state->step->kind == ViewStep::Kind::Transpose) {
    for (int64_t axis : state->step->permutation)
      strides.push_back((*below)[axis]);
    return strides;
  }
  if (state->step->kind == ViewStep::Kind::Broadcast) {
    // What is repeated has no distance.
    const Shape &from = specializer.heap.get<ArrayState>(*state->base)->shape;
    size_t lead = state->shape.size() - from.size();
    strides.assign(lead, 0);
    for (size_t axis = 0; axis < from.size(); ++axis)
      strides.push_back(from[axis] == state->shape[lead + axis] ? (*below)[axis] : 0);
    return strides;
  }
  for (size_t axis = 0; axis < below->size(); ++axis) {
    if (llvm::is_contained(state->step->dropped, int64_t(axis)))
      continue;
    std::optional<int64_t> step = state->step->strides[axis].known();
    if (!step)
      return std::nullopt;
    strides.push_back((*below)[axis] * *step);
  }
  return strides;
}

/// Whether NumPy surely copies: groups of axes with equal products must lie without gaps for a
/// view.
static bool surelyCopies(Specializer &specializer, ObjectId object, const Shape &shape) {
  std::optional<std::vector<int64_t>> strides = knownStrides(specializer, object);
  if (!strides)
    return false;
  std::vector<int64_t> oldExtents, oldStrides, newExtents;
  for (auto [extent, stride] :
       llvm::zip(specializer.heap.get<ArrayState>(object)->shape, *strides)) {
    if (extent.isKnown(0))
      return false;
    if (extent.isKnown(1))
      continue;
    oldExtents.push_back(*extent.known());
    oldStrides.push_back(stride);
  }
  for (const IntExpr &extent : shape) {
    if (!extent.known())
      return false;
    newExtents.push_back(*extent.known());
  }
  size_t oldFrom = 0, oldTo = 1, newFrom = 0, newTo = 1;
  while (newFrom < newExtents.size() && oldFrom < oldExtents.size()) {
    int64_t newProduct = newExtents[newFrom], oldProduct = oldExtents[oldFrom];
    while (newProduct != oldProduct)
      if (newProduct < oldProduct)
        newProduct *= newExtents[newTo++];
      else
        oldProduct *= oldExtents[oldTo++];
    for (size_t axis = oldFrom; axis + 1 < oldTo; ++axis)
      if (oldStrides[axis] != oldExtents[axis + 1] * oldStrides[axis + 1])
        return true;
    newFrom = newTo++;
    oldFrom = oldTo++;
  }
  return false;
}

Value reshapeArray(Specializer &specializer, const Value &value, const Shape &extents) {
  ObjectId object = objectOf(specializer, value);
  const ArrayState *state = specializer.heap.get<ArrayState>(object);
  bool contiguous = state->contiguous;
  Shape shape = resolveReshape(specializer, state->shape, extents);
  if (contiguous)
    return reshapeView(specializer, object, shape);
  ArrayValue array = specializer.read(object);
  Value copy = specializer.newArray(reshaped(specializer, array, shape));
  if (surelyCopies(specializer, object, shape))
    return copy;
  ObjectId owner = object;
  while (std::optional<ObjectId> base = specializer.heap.get<ArrayState>(owner)->base)
    owner = *base;
  ObjectId copyObject = *specializer.arrayObject(copy);
  ArrayState changed = *specializer.heap.get<ArrayState>(copyObject);
  changed.maybeAliases.push_back(owner);
  specializer.heap.set(copyObject, changed);
  return copy;
}

Value transposeArray(Specializer &specializer, const Value &value,
                     llvm::ArrayRef<int64_t> permutation) {
  ObjectId object = objectOf(specializer, value);
  ViewStep step;
  step.kind = ViewStep::Kind::Transpose;
  step.permutation.assign(permutation.begin(), permutation.end());
  // A transpose of a transpose looks at the array below.
  const ArrayState *state = specializer.heap.get<ArrayState>(object);
  if (state->base && state->step->kind == ViewStep::Kind::Transpose) {
    for (int64_t &axis : step.permutation)
      axis = state->step->permutation[axis];
    object = *state->base;
    state = specializer.heap.get<ArrayState>(object);
  }
  Shape shape;
  bool contiguous = state->contiguous;
  int64_t last = -1;
  for (int64_t axis : step.permutation) {
    shape.push_back(state->shape[axis]);
    if (shape.back().isKnown(1))
      continue;
    contiguous &= axis > last;
    last = axis;
  }
  return specializer.newView(object, step, shape, contiguous);
}

/// A diagonal of the last two axes, as one line of the elements one behind the other:
///
///   x of (.., n, m)   =>   x.reshape(.., n * m)[.., start : : m + 1]
Value diagonalView(Specializer &specializer, const Value &value, int64_t offset, bool isReadOnly) {
  ObjectId array = objectOf(specializer, value);
  Shape shape = specializer.heap.get<ArrayState>(array)->shape;
  IntExpr down(offset < 0 ? -offset : 0), across(offset > 0 ? offset : 0);
  IntExpr columns = shape.back(), rows = shape[shape.size() - 2];
  IntExpr count = minimum(rows - down, columns - across);
  if (!count.isNonNegative())
    count = maximum(count, 0);
  shape.pop_back();
  shape.back() = rows * columns;
  ViewStep lines{ViewStep::Kind::Reshape};
  Value flat = specializer.newView(array, lines, shape, /*contiguous=*/false);
  ViewStep step{ViewStep::Kind::Slice, isReadOnly};
  step.offsets.assign(shape.size(), IntExpr(0));
  step.strides.assign(shape.size(), IntExpr(1));
  step.offsets.back() = minimum(down * columns + across, rows * columns);
  step.strides.back() = columns + 1;
  shape.back() = count;
  step.sizes = shape;
  return specializer.newView(*specializer.arrayObject(flat), step, shape, /*contiguous=*/false);
}

Value reverseAxes(Specializer &specializer, const Value &value) {
  Value array = ObjectRef{objectOf(specializer, value)};
  int64_t rank = specializer.heap.get<ArrayState>(*specializer.arrayObject(array))->shape.size();
  llvm::SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  return transposeArray(specializer, array, permutation);
}

Value swapAxes(Specializer &specializer, const Value &value, int64_t first, int64_t second) {
  Value array = ObjectRef{objectOf(specializer, value)};
  int64_t rank = specializer.heap.get<ArrayState>(*specializer.arrayObject(array))->shape.size();
  llvm::SmallVector<int64_t> permutation = consecutive(0, rank);
  std::swap(permutation[first], permutation[second]);
  return transposeArray(specializer, array, permutation);
}

std::vector<ArrayValue> arraysOf(Specializer &specializer, const Value &sequence) {
  std::vector<ArrayValue> arrays;
  if (std::optional<ObjectId> object = specializer.arrayObject(sequence)) {
    const Shape shape = specializer.heap.get<ArrayState>(*object)->shape;
    if (shape.empty() || !shape.front().known())
      specializer.fail(ErrorId::NotKnownHere, {"the number of arrays to join"},
                       {.found = specializer.describe(sequence),
                        .help = "join a list of arrays, or use reshape"});
    for (int64_t row = 0; row < *shape.front().known(); ++row)
      arrays.push_back(toArray(
          specializer, arraySubscript(specializer, *object, specializer.makeInt(IntExpr(row)))));
    return arrays;
  }
  std::optional<ValueList> items = specializer.knownItems(sequence);
  if (!items)
    specializer.fail(ErrorId::NotNumeric, {specializer.describe(sequence)},
                     {.expected = "a list or tuple of arrays"});
  for (const Value &item : *items)
    arrays.push_back(toArray(specializer, item));
  return arrays;
}

ArrayValue concatenate(Specializer &specializer, llvm::ArrayRef<ArrayValue> parts, int64_t axis) {
  if (parts.empty())
    failCertain(specializer, "ValueError", "need at least one array to concatenate");
  const ArrayValue &first = parts.front();
  DType dtype = first.dtype;
  IntExpr total = 0;
  for (auto [position, part] : llvm::enumerate(parts)) {
    dtype = promote(dtype, part.dtype);
    if (part.rank() != first.rank())
      failCertain(specializer, "ValueError",
                  "all the input arrays must have same number of dimensions, but the array at "
                  "index 0 has " +
                      llvm::Twine(first.rank()) +
                      " dimension(specializer) and the array at index " + llvm::Twine(position) +
                      " has " + llvm::Twine(part.rank()) + " dimension(specializer)");
    total = total + part.shape[axis];
    for (size_t other = 0; other < first.rank(); ++other) {
      if (int64_t(other) == axis)
        continue;
      CheckText text;
      text << "all the input array dimensions except for the concatenation axis must match "
              "exactly, but along dimension "
           << IntExpr(int64_t(other)) << ", the array at index 0 has size " << first.shape[other]
           << " and the array at index " << IntExpr(int64_t(position)) << " has size "
           << part.shape[other];
      checkEqual(specializer, first.shape[other], part.shape[other], "ValueError", text);
    }
  }
  llvm::SmallVector<mlir::Value> tensors;
  for (const ArrayValue &part : parts) {
    Shape shape = first.shape;
    shape[axis] = part.shape[axis];
    tensors.push_back(reshaped(specializer, castArray(specializer, part, dtype), shape).tensor);
  }
  Shape shape = first.shape;
  shape[axis] = total;
  if (tensors.size() == 1)
    return {dtype, shape, tensors.front()};
  return {dtype, shape,
          specializer.create<ConcatOp>(specializer.tensorType(dtype, shape), tensors, axis)
              .getResult()};
}

} // namespace mpy
