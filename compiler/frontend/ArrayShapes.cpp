// Reshape, transpose and joins. NumPy gives a view where the memory allows it: a reshape of contiguous memory, any permutation, any
// axis of extent 1 added or removed. A reshape of other arrays is a copy or not, depending on strides and extents at run time: it
// becomes a copy that says which array it may share memory with, so that neither is changed unseen.
#include "frontend/ArrayShapes.h"

namespace mpy {

ObjectId objectOf(Specializer &s, const Value &value) {
  if (std::optional<ObjectId> object = s.arrayObject(value))
    return *object;
  return *s.arrayObject(s.newArray(toArray(s, value)));
}

Value copyOf(Specializer &s, const Value &value) { return s.newArray(toArray(s, value)); }

ArrayValue reshaped(Specializer &s, const ArrayValue &array, Shape shape) {
  if (shape == array.shape)
    return array;
  mlir::Value tensor = reshapeTo(s, array.tensor, array.dtype, shape);
  return {array.dtype, std::move(shape), tensor};
}

ArrayValue permuted(Specializer &s, const ArrayValue &array, llvm::ArrayRef<int64_t> permutation) {
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(array.shape[axis]);
  return {array.dtype, shape, transposeTo(s, array.tensor, permutation)};
}

ArrayValue spread(Specializer &s, const ArrayValue &array, const Shape &shape) {
  return {array.dtype, shape, expand(s, array.tensor, array.dtype, array.shape, shape)};
}

ArrayValue iota(Specializer &s, const IntExpr &count) {
  Shape shape = {count};
  return {DType::Int64, shape, s.create<IotaOp>(s.tensorType(DType::Int64, shape), s.dynamicSizes(shape)).getResult()};
}

Shape resolveReshape(Specializer &s, const Shape &old, const Shape &wanted) {
  using Predicate = mlir::arith::CmpIPredicate;
  Shape result = wanted;
  std::optional<size_t> open;
  CheckText text;
  text << "cannot reshape array of size " << product(old) << " into shape (";
  for (auto [axis, extent] : llvm::enumerate(wanted)) {
    if (axis)
      text << ",";
    if (extent.isKnown(-1)) {
      if (open)
        failCertain(s, "ValueError", "can only specify one unknown dimension");
      open = axis;
      text << "newaxis";
    } else {
      text << extent;
    }
  }
  text << (wanted.size() == 1 ? ",)" : ")");
  if (!open) {
    checkEqual(s, product(old), product(wanted), "ValueError", text);
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
    check(s, compareInts(s, Predicate::ne, extent, 0), "ValueError", text);
    remaining.erase(equal);
  }
  IntExpr size = product(remaining);
  if (others.isKnown(1)) {
    result[*open] = size;
    return result;
  }
  check(s, compareInts(s, Predicate::ne, others, 0), "ValueError", text);
  IntExpr rest = modulo(size, others);
  checkEqual(s, rest, 0, "ValueError", text);
  result[*open] = floorDivide(size, others);
  return result;
}

Value reshapeView(Specializer &s, ObjectId array, Shape shape) {
  ViewStep step;
  step.kind = ViewStep::Kind::Reshape;
  bool contiguous = s.heap.get<ArrayState>(array)->contiguous;
  return s.newView(array, step, std::move(shape), contiguous);
}

Value reshapeArray(Specializer &s, const Value &value, const Shape &extents) {
  ObjectId object = objectOf(s, value);
  const ArrayState *state = s.heap.get<ArrayState>(object);
  bool contiguous = state->contiguous;
  Shape shape = resolveReshape(s, state->shape, extents);
  if (contiguous)
    return reshapeView(s, object, shape);
  ArrayValue array = s.read(object);
  Value copy = s.newArray(reshaped(s, array, shape));
  ObjectId owner = object;
  while (std::optional<ObjectId> base = s.heap.get<ArrayState>(owner)->base)
    owner = *base;
  ObjectId copyObject = *s.arrayObject(copy);
  ArrayState changed = *s.heap.get<ArrayState>(copyObject);
  changed.maybeAliases.push_back(owner);
  s.heap.set(copyObject, changed);
  return copy;
}

Value transposeArray(Specializer &s, const Value &value, llvm::ArrayRef<int64_t> permutation) {
  ObjectId object = objectOf(s, value);
  ViewStep step;
  step.kind = ViewStep::Kind::Transpose;
  step.permutation.assign(permutation.begin(), permutation.end());
  // A transpose of a transpose looks at the array below.
  const ArrayState *state = s.heap.get<ArrayState>(object);
  if (state->base && state->step->kind == ViewStep::Kind::Transpose) {
    for (int64_t &axis : step.permutation)
      axis = state->step->permutation[axis];
    object = *state->base;
    state = s.heap.get<ArrayState>(object);
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
  return s.newView(object, step, shape, contiguous);
}

Value reverseAxes(Specializer &s, const Value &value) {
  Value array = ObjectRef{objectOf(s, value)};
  int64_t rank = s.heap.get<ArrayState>(*s.arrayObject(array))->shape.size();
  llvm::SmallVector<int64_t> permutation = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  return transposeArray(s, array, permutation);
}

Value swapAxes(Specializer &s, const Value &value, int64_t first, int64_t second) {
  Value array = ObjectRef{objectOf(s, value)};
  int64_t rank = s.heap.get<ArrayState>(*s.arrayObject(array))->shape.size();
  llvm::SmallVector<int64_t> permutation(llvm::seq<int64_t>(0, rank));
  std::swap(permutation[first], permutation[second]);
  return transposeArray(s, array, permutation);
}

std::vector<ArrayValue> arraysOf(Specializer &s, const Value &sequence) {
  std::vector<ArrayValue> arrays;
  if (std::optional<ObjectId> object = s.arrayObject(sequence)) {
    const Shape shape = s.heap.get<ArrayState>(*object)->shape;
    if (shape.empty() || !shape.front().known())
      s.fail(ErrorId::NotKnownHere, {"the number of arrays to join"},
             {.found = s.describe(sequence), .help = "join a list of arrays, or use reshape"});
    for (int64_t row = 0; row < *shape.front().known(); ++row)
      arrays.push_back(toArray(s, arraySubscript(s, *object, s.makeInt(IntExpr(row)))));
    return arrays;
  }
  std::optional<ValueList> items = s.knownItems(sequence);
  if (!items)
    s.fail(ErrorId::NotNumeric, {s.describe(sequence)}, {.expected = "a list or tuple of arrays"});
  for (const Value &item : *items)
    arrays.push_back(toArray(s, item));
  return arrays;
}

ArrayValue concatenate(Specializer &s, llvm::ArrayRef<ArrayValue> parts, int64_t axis) {
  if (parts.empty())
    failCertain(s, "ValueError", "need at least one array to concatenate");
  const ArrayValue &first = parts.front();
  DType dtype = first.dtype;
  IntExpr total = 0;
  for (auto [position, part] : llvm::enumerate(parts)) {
    dtype = promote(dtype, part.dtype);
    if (part.rank() != first.rank())
      failCertain(s, "ValueError",
                  "all the input arrays must have same number of dimensions, but the array at index 0 has " +
                      llvm::Twine(first.rank()) + " dimension(s) and the array at index " + llvm::Twine(position) +
                      " has " + llvm::Twine(part.rank()) + " dimension(s)");
    total = total + part.shape[axis];
    for (size_t other = 0; other < first.rank(); ++other) {
      if (int64_t(other) == axis)
        continue;
      CheckText text;
      text << "all the input array dimensions except for the concatenation axis must match exactly, but along dimension "
           << IntExpr(int64_t(other)) << ", the array at index 0 has size " << first.shape[other]
           << " and the array at index " << IntExpr(int64_t(position)) << " has size " << part.shape[other];
      checkEqual(s, first.shape[other], part.shape[other], "ValueError", text);
    }
  }
  llvm::SmallVector<mlir::Value> tensors;
  for (const ArrayValue &part : parts) {
    Shape shape = first.shape;
    shape[axis] = part.shape[axis];
    tensors.push_back(reshaped(s, castArray(s, part, dtype), shape).tensor);
  }
  Shape shape = first.shape;
  shape[axis] = total;
  if (tensors.size() == 1)
    return {dtype, shape, tensors.front()};
  return {dtype, shape, s.create<ConcatOp>(s.tensorType(dtype, shape), tensors, axis).getResult()};
}

} // namespace mpy
