// Changes of shape and joins by NumPy's names; the views and joins themselves are in ArrayShapes.cpp.
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"

namespace mpy::library {

static const ArrayState &stateOf(Specializer &s, const Value &value) {
  return *s.heap.get<ArrayState>(*s.arrayObject(value));
}

/// The array itself, or a new one for lists and numbers.
static Value arrayIn(Specializer &s, const Value &value) { return ObjectRef{objectOf(s, value)}; }

static void refuseOrder(Specializer &s, const Arguments &arguments) {
  std::optional<std::string> order = s.knownText(arguments["order"]);
  if (order && *order != "C")
    failArgument(s, "order", arguments.name, "'" + *order + "'", "transpose before and after");
}

/// `a.reshape(2, 3)` and `a.reshape((2, 3))` are the same.
static Value unpacked(const Value &value) {
  const TupleValue *tuple = value.as<TupleValue>();
  if (tuple && tuple->items.size() == 1 && !tuple->items.front().get<Scalar>())
    return tuple->items.front();
  return value;
}

Value reshape(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  Value shape = arguments.has("shape") ? arguments["shape"] : arguments["newshape"];
  return reshapeArray(s, arguments["a"], toExtents(s, unpacked(shape)));
}

Value ravel(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  Value array = arrayIn(s, arguments["a"]);
  return reshapeArray(s, array, {product(stateOf(s, array).shape)});
}

Value flatten(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  ArrayValue x = toArray(s, arguments["a"]);
  return s.newArray(reshaped(s, x, {product(x.shape)}));
}

Value transpose(Specializer &s, const Arguments &arguments) {
  Value axes = unpacked(arguments["axes"]);
  if (const TupleValue *tuple = axes.as<TupleValue>(); axes.isNone() || (tuple && tuple->items.empty()))
    return reverseAxes(s, arguments["a"]);
  Value array = arrayIn(s, arguments["a"]);
  int64_t rank = stateOf(s, array).shape.size();
  llvm::SmallVector<int64_t> permutation;
  std::set<int64_t> seen;
  std::optional<ValueList> items = s.knownItems(axes);
  if (!items)
    items = ValueList{axes};
  if (int64_t(items->size()) != rank)
    failCertain(s, "ValueError", "axes don't match array");
  for (const Value &item : *items) {
    permutation.push_back(normalizeAxis(s, item, rank));
    if (!seen.insert(permutation.back()).second)
      failCertain(s, "ValueError", "repeated axis in transpose");
  }
  return transposeArray(s, array, permutation);
}

Value swapaxes(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  int64_t rank = stateOf(s, array).shape.size();
  return swapAxes(s, array, normalizeAxis(s, arguments["axis1"], rank), normalizeAxis(s, arguments["axis2"], rank));
}

static std::vector<int64_t> axesOf(Specializer &s, const Value &value, int64_t rank) {
  std::vector<int64_t> axes;
  if (value.get<Scalar>())
    return {normalizeAxis(s, value, rank)};
  for (int64_t axis : toKnownInts(s, value, "an axis"))
    axes.push_back(normalizeAxis(s, s.makeInt(IntExpr(axis)), rank));
  return axes;
}

Value moveaxis(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  int64_t rank = stateOf(s, array).shape.size();
  std::vector<int64_t> from = axesOf(s, arguments["source"], rank), to = axesOf(s, arguments["destination"], rank);
  if (from.size() != to.size())
    failCertain(s, "ValueError", "`source` and `destination` arguments must have the same number of elements");
  llvm::SmallVector<int64_t> order;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(from, axis))
      order.push_back(axis);
  std::vector<std::pair<int64_t, int64_t>> moves;
  for (auto [source, destination] : llvm::zip(from, to))
    moves.push_back({destination, source});
  llvm::sort(moves);
  for (auto [destination, source] : moves)
    order.insert(order.begin() + destination, source);
  return transposeArray(s, array, order);
}

Value expandDims(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  const Shape old = stateOf(s, array).shape;
  int64_t added = arguments["axis"].get<Scalar>() ? 1 : toExtents(s, arguments["axis"]).size();
  int64_t rank = old.size() + added;
  std::vector<int64_t> axes = axesOf(s, arguments["axis"], rank);
  Shape shape;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    shape.push_back(llvm::is_contained(axes, axis) ? IntExpr(1) : old[next++]);
  return reshapeView(s, *s.arrayObject(array), shape);
}

Value squeeze(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  const Shape old = stateOf(s, array).shape;
  std::vector<int64_t> axes;
  if (arguments.has("axis")) {
    axes = axesOf(s, arguments["axis"], old.size());
    for (int64_t axis : axes)
      checkEqual(s, old[axis], 1, "ValueError",
                 CheckText{"cannot select an axis to squeeze out which has size not equal to one", {}});
  } else {
    for (auto [axis, extent] : llvm::enumerate(old)) {
      if (!extent.known())
        s.fail(ErrorId::NotKnownHere, {"which extents of the array that 'squeeze' takes are 1"},
               {.found = s.describe(array), .help = "name the axis: squeeze(axis=..)"});
      if (extent.isKnown(1))
        axes.push_back(axis);
    }
  }
  Shape shape;
  for (auto [axis, extent] : llvm::enumerate(old))
    if (!llvm::is_contained(axes, int64_t(axis)))
      shape.push_back(extent);
  return reshapeView(s, *s.arrayObject(array), shape);
}

Value broadcastTo(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["array"]);
  Shape shape = toExtents(s, arguments["shape"]);
  CheckText text;
  text << "operands could not be broadcast together with remapped shapes [original->remapped]: " << x.shape
       << "  and requested shape " << shape;
  if (x.rank() > shape.size())
    failCertain(s, "ValueError", "input operand has more dimensions than allowed by the axis remapping");
  size_t lead = shape.size() - x.rank();
  for (auto [axis, extent] : llvm::enumerate(x.shape))
    if (!extent.isKnown(1))
      checkEqual(s, extent, shape[lead + axis], "ValueError", text);
  return s.newArray({x.dtype, shape, expandInto(s, x, shape)});
}

/// Leading axes of extent 1 up to a rank; the array itself if it has them.
static Value atLeast(Specializer &s, const Value &value, size_t rank) {
  Value array = arrayIn(s, value);
  Shape shape = stateOf(s, array).shape;
  if (shape.size() >= rank)
    return array;
  shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
  return reshapeView(s, *s.arrayObject(array), shape);
}

Value atLeast1d(Specializer &s, const Arguments &arguments) { return atLeast(s, arguments["a"], 1); }
Value atLeast2d(Specializer &s, const Arguments &arguments) { return atLeast(s, arguments["a"], 2); }

//===--- Joins ---===//

static Value joined(Specializer &s, const Arguments &arguments, std::vector<ArrayValue> parts, int64_t axis) {
  ArrayValue result = concatenate(s, parts, axis);
  if (std::optional<DType> dtype = toDType(s, arguments["dtype"]))
    result = castArray(s, result, *dtype);
  return finish(s, arguments, s.newArray(result));
}

Value concatenateArrays(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = arraysOf(s, arguments["arrays"]);
  if (!arguments.has("axis")) {
    for (ArrayValue &part : parts)
      part = reshaped(s, part, {product(part.shape)});
    return joined(s, arguments, parts, 0);
  }
  if (!parts.empty() && parts.front().rank() == 0)
    failCertain(s, "ValueError", "zero-dimensional arrays cannot be concatenated");
  return joined(s, arguments, parts,
                parts.empty() ? 0 : normalizeAxis(s, arguments["axis"], parts.front().rank()));
}

Value stack(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = arraysOf(s, arguments["arrays"]);
  if (parts.empty())
    failCertain(s, "ValueError", "need at least one array to stack");
  int64_t axis = normalizeAxis(s, arguments["axis"], parts.front().rank() + 1);
  const Shape first = parts.front().shape;
  for (ArrayValue &part : parts) {
    CheckText text;
    text << "all input arrays must have the same shape";
    if (part.rank() != first.size())
      failCertain(s, "ValueError", text.text);
    for (auto [one, other] : llvm::zip(part.shape, first))
      checkEqual(s, one, other, "ValueError", text);
    Shape shape = first;
    shape.insert(shape.begin() + axis, IntExpr(1));
    part = reshaped(s, part, shape);
  }
  return joined(s, arguments, parts, axis);
}

/// Parts with axes of extent 1 added in front up to a rank.
static std::vector<ArrayValue> raised(Specializer &s, const Value &sequence, size_t rank) {
  std::vector<ArrayValue> parts = arraysOf(s, sequence);
  for (ArrayValue &part : parts) {
    Shape shape = part.shape;
    if (shape.size() < rank)
      shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
    part = reshaped(s, part, shape);
  }
  return parts;
}

Value vstack(Specializer &s, const Arguments &arguments) {
  return joined(s, arguments, raised(s, arguments["tup"], 2), 0);
}

Value hstack(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = raised(s, arguments["tup"], 1);
  return joined(s, arguments, parts, !parts.empty() && parts.front().rank() > 1 ? 1 : 0);
}

Value dstack(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = raised(s, arguments["tup"], 2);
  for (ArrayValue &part : parts)
    if (part.rank() == 2) {
      Shape shape = part.shape;
      shape.push_back(1);
      part = reshaped(s, part, shape);
    }
  return joined(s, arguments, parts, 2);
}

Value columnStack(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = raised(s, arguments["tup"], 1);
  for (ArrayValue &part : parts)
    if (part.rank() == 1)
      part = reshaped(s, part, {part.shape.front(), IntExpr(1)});
  return joined(s, arguments, parts, 1);
}

Value append(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> parts = {toArray(s, arguments["arr"]), toArray(s, arguments["values"])};
  if (arguments.has("axis"))
    return joined(s, arguments, parts, normalizeAxis(s, arguments["axis"], parts.front().rank()));
  for (ArrayValue &part : parts)
    part = reshaped(s, part, {product(part.shape)});
  return joined(s, arguments, parts, 0);
}

//===--- Parts ---===//

/// The views of an array between bounds along an axis.
static Value partsBetween(Specializer &s, const Value &array, int64_t axis, const std::vector<Value> &bounds) {
  ValueList parts;
  auto whole = std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, NoneValue{}});
  for (size_t position = 0; position + 1 < bounds.size(); ++position) {
    ValueList index(axis, Value(whole));
    index.push_back(
        std::make_shared<const SliceValue>(SliceValue{bounds[position], bounds[position + 1], NoneValue{}}));
    parts.push_back(arraySubscript(s, *s.arrayObject(array), s.newTuple(index)));
  }
  return s.newList(parts);
}

static Value splitArray(Specializer &s, const Arguments &arguments, bool mustDivide) {
  Value array = arrayIn(s, arguments["ary"]);
  const Shape shape = stateOf(s, array).shape;
  int64_t axis = normalizeAxis(s, arguments["axis"], shape.size());
  const Value &how = arguments["indices_or_sections"];
  std::vector<Value> bounds = {s.makeInt(IntExpr(0))};
  if (!how.get<Scalar>()) {
    for (const IntExpr &bound : toExtents(s, how))
      bounds.push_back(s.makeInt(bound));
    bounds.push_back(NoneValue{});
    return partsBetween(s, array, axis, bounds);
  }
  std::optional<int64_t> sections = s.knownInt(how);
  if (!sections)
    s.fail(ErrorId::NotKnownHere, {"the number of parts of a split"});
  if (*sections <= 0)
    failCertain(s, "ValueError", "number sections must be larger than 0.");
  IntExpr rest = modulo(shape[axis], *sections), width = floorDivide(shape[axis], *sections);
  if (mustDivide)
    checkEqual(s, rest, 0, "ValueError", CheckText{"array split does not result in an equal division", {}});
  // The first `rest` parts have one element more.
  for (int64_t part = 1; part <= *sections; ++part) {
    IntExpr bound = width * IntExpr(part);
    if (!mustDivide)
      bound = bound + minimum(rest, part);
    bounds.push_back(s.makeInt(bound));
  }
  return partsBetween(s, array, axis, bounds);
}

Value split(Specializer &s, const Arguments &arguments) { return splitArray(s, arguments, true); }
Value arraySplit(Specializer &s, const Arguments &arguments) { return splitArray(s, arguments, false); }

Value repeat(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  if (!arguments["repeats"].get<Scalar>())
    failArgument(s, "repeats", arguments.name, "an array");
  IntExpr count = toExtents(s, arguments["repeats"]).front();
  if (!count.isNonNegative())
    check(s, compareInts(s, mlir::arith::CmpIPredicate::sge, count, 0), "ValueError",
          CheckText{"repeats may not contain negative values.", {}});
  int64_t axis = 0;
  if (arguments.has("axis"))
    axis = normalizeAxis(s, arguments["axis"], x.rank());
  else
    x = reshaped(s, x, {product(x.shape)});
  Shape single = x.shape, spreadShape = x.shape, result = x.shape;
  single.insert(single.begin() + axis + 1, IntExpr(1));
  spreadShape.insert(spreadShape.begin() + axis + 1, count);
  result[axis] = result[axis] * count;
  return s.newArray(reshaped(s, spread(s, reshaped(s, x, single), spreadShape), result));
}

Value tile(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["A"]);
  std::vector<IntExpr> counts = toExtents(s, arguments["reps"]);
  Shape shape = x.shape;
  size_t rank = std::max(shape.size(), counts.size());
  shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
  counts.insert(counts.begin(), rank - counts.size(), IntExpr(1));
  Shape single, spreadShape, result;
  for (auto [extent, count] : llvm::zip(shape, counts)) {
    if (!count.isKnown(1)) {
      single.push_back(1);
      spreadShape.push_back(count);
    }
    single.push_back(extent);
    spreadShape.push_back(extent);
    result.push_back(extent * count);
  }
  return s.newArray(reshaped(s, spread(s, reshaped(s, x, single), spreadShape), result));
}

Value flip(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["m"]);
  int64_t rank = stateOf(s, array).shape.size();
  std::vector<int64_t> axes;
  if (arguments.has("axis"))
    axes = axesOf(s, arguments["axis"], rank);
  else
    axes.assign(llvm::seq<int64_t>(0, rank).begin(), llvm::seq<int64_t>(0, rank).end());
  ValueList index;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Value step = llvm::is_contained(axes, axis) ? Value(s.makeInt(IntExpr(-1))) : Value(NoneValue{});
    index.push_back(std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, step}));
  }
  return arraySubscript(s, *s.arrayObject(array), s.newTuple(index));
}

/// x[.., n - k:, ..] followed by x[.., :n - k, ..], k modulo n.
static ArrayValue rolled(Specializer &s, const ArrayValue &x, const IntExpr &shift, int64_t axis) {
  const IntExpr &extent = x.shape[axis];
  // Of nothing nothing is moved.
  IntExpr cut = extent - modulo(shift, maximum(extent, 1));
  if (extent.known())
    cut = *extent.known() == 0 ? IntExpr(0) : extent - modulo(shift, extent);
  auto part = [&](const IntExpr &offset, const IntExpr &size) {
    ViewStep step;
    step.kind = ViewStep::Kind::Slice;
    step.offsets.assign(x.rank(), IntExpr(0));
    step.strides.assign(x.rank(), IntExpr(1));
    step.sizes = x.shape;
    step.offsets[axis] = offset;
    step.sizes[axis] = size;
    return ArrayValue{x.dtype, step.sizes, applyView(s, x.tensor, step, x.dtype, step.sizes)};
  };
  ArrayValue result = concatenate(s, {part(cut, extent - cut), part(0, cut)}, axis);
  result.shape = x.shape;
  return result;
}

Value roll(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  std::vector<IntExpr> shifts = toExtents(s, arguments["shift"]);
  if (!arguments.has("axis")) {
    ArrayValue flat = reshaped(s, x, {product(x.shape)});
    return s.newArray(reshaped(s, rolled(s, flat, shifts.front(), 0), x.shape));
  }
  std::vector<int64_t> axes = axesOf(s, arguments["axis"], x.rank());
  for (auto [position, axis] : llvm::enumerate(axes))
    x = rolled(s, x, shifts[std::min(position, shifts.size() - 1)], axis);
  return s.newArray(x);
}

Value shapeOf(Specializer &s, const Arguments &arguments) {
  ValueList extents;
  Value array = arrayIn(s, arguments["a"]);
  for (const IntExpr &extent : Shape(stateOf(s, array).shape))
    extents.push_back(s.makeInt(extent));
  return s.newTuple(extents);
}

Value sizeOf(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  const Shape shape = stateOf(s, array).shape;
  if (arguments.has("axis"))
    return s.makeInt(shape[normalizeAxis(s, arguments["axis"], shape.size())]);
  return s.makeInt(product(shape));
}

Value rankOf(Specializer &s, const Arguments &arguments) {
  Value array = arrayIn(s, arguments["a"]);
  return s.makeInt(IntExpr(int64_t(stateOf(s, array).shape.size())));
}

} // namespace mpy::library
