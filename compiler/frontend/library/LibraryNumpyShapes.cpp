// Changes of shape and joins by NumPy's names; the views and joins themselves are in
// ArrayShapes.cpp.
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/library/Library.h"

namespace mpy::library {

static const ArrayState &stateOf(Specializer &specializer, const Value &value) {
  return *specializer.heap.get<ArrayState>(*specializer.arrayObject(value));
}

/// The array itself, or a new one for lists and numbers.
static Value arrayIn(Specializer &specializer, const Value &value) {
  return ObjectRef{objectOf(specializer, value)};
}

static void refuseOrder(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> order = specializer.knownText(arguments["order"]);
  if (order && *order != "C")
    failArgument(specializer, "order", arguments.name, "'" + *order + "'",
                 "transpose before and after");
}

/// `a.reshape(2, 3)` and `a.reshape((2, 3))` are the same.
static Value unpacked(const Value &value) {
  const TupleValue *tuple = value.as<TupleValue>();
  if (tuple && tuple->items.size() == 1 && !tuple->items.front().get<Scalar>())
    return tuple->items.front();
  return value;
}

Value reshape(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  Value shape = arguments.has("shape") ? arguments["shape"] : arguments["newshape"];
  return reshapeArray(specializer, arguments["a"], toExtents(specializer, unpacked(shape)));
}

Value ravel(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  Value array = arrayIn(specializer, arguments["a"]);
  return reshapeArray(specializer, array, {product(stateOf(specializer, array).shape)});
}

Value flatten(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  ArrayValue x = toArray(specializer, arguments["a"]);
  return specializer.newArray(reshaped(specializer, x, {product(x.shape)}));
}

Value transpose(Specializer &specializer, const Arguments &arguments) {
  Value axes = unpacked(arguments["axes"]);
  if (const TupleValue *tuple = axes.as<TupleValue>();
      axes.isNone() || (tuple && tuple->items.empty()))
    return reverseAxes(specializer, arguments["a"]);
  Value array = arrayIn(specializer, arguments["a"]);
  int64_t rank = stateOf(specializer, array).shape.size();
  llvm::SmallVector<int64_t> permutation;
  std::set<int64_t> seen;
  std::optional<ValueList> items = specializer.knownItems(axes);
  if (!items)
    items = ValueList{axes};
  if (int64_t(items->size()) != rank)
    failCertain(specializer, "ValueError", "axes don't match array");
  for (const Value &item : *items) {
    permutation.push_back(normalizeAxis(specializer, item, rank));
    if (!seen.insert(permutation.back()).second)
      failCertain(specializer, "ValueError", "repeated axis in transpose");
  }
  return transposeArray(specializer, array, permutation);
}

Value swapaxes(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  int64_t rank = stateOf(specializer, array).shape.size();
  return swapAxes(specializer, array, normalizeAxis(specializer, arguments["axis1"], rank),
                  normalizeAxis(specializer, arguments["axis2"], rank));
}

static std::vector<int64_t> axesOf(Specializer &specializer, const Value &value, int64_t rank) {
  std::vector<int64_t> axes;
  if (value.get<Scalar>())
    return {normalizeAxis(specializer, value, rank)};
  for (int64_t axis : toKnownInts(specializer, value, "an axis"))
    axes.push_back(normalizeAxis(specializer, specializer.makeInt(IntExpr(axis)), rank));
  return axes;
}

Value moveaxis(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  int64_t rank = stateOf(specializer, array).shape.size();
  std::vector<int64_t> from = axesOf(specializer, arguments["source"], rank),
                       to = axesOf(specializer, arguments["destination"], rank);
  if (from.size() != to.size())
    failCertain(specializer, "ValueError",
                "`source` and `destination` arguments must have the same number of elements");
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
  return transposeArray(specializer, array, order);
}

Value expandDims(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  const Shape old = stateOf(specializer, array).shape;
  int64_t added =
      arguments["axis"].get<Scalar>() ? 1 : toExtents(specializer, arguments["axis"]).size();
  int64_t rank = old.size() + added;
  std::vector<int64_t> axes = axesOf(specializer, arguments["axis"], rank);
  Shape shape;
  for (int64_t axis = 0, next = 0; axis < rank; ++axis)
    shape.push_back(llvm::is_contained(axes, axis) ? IntExpr(1) : old[next++]);
  return reshapeView(specializer, *specializer.arrayObject(array), shape);
}

Value squeeze(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  const Shape old = stateOf(specializer, array).shape;
  std::vector<int64_t> axes;
  if (arguments.has("axis")) {
    axes = axesOf(specializer, arguments["axis"], old.size());
    for (int64_t axis : axes)
      checkEqual(
          specializer, old[axis], 1, "ValueError",
          CheckText{"cannot select an axis to squeeze out which has size not equal to one", {}});
  } else {
    for (auto [axis, extent] : llvm::enumerate(old)) {
      if (!extent.known())
        specializer.fail(
            ErrorId::NotKnownHere, {"which extents of the array that 'squeeze' takes are 1"},
            {.found = specializer.describe(array), .help = "name the axis: squeeze(axis=..)"});
      if (extent.isKnown(1))
        axes.push_back(axis);
    }
  }
  Shape shape;
  for (auto [axis, extent] : llvm::enumerate(old))
    if (!llvm::is_contained(axes, int64_t(axis)))
      shape.push_back(extent);
  return reshapeView(specializer, *specializer.arrayObject(array), shape);
}

Value broadcastTo(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["array"]);
  Shape shape = toExtents(specializer, arguments["shape"]);
  CheckText text;
  text << "operands could not be broadcast together with remapped shapes [original->remapped]: "
       << x.shape << "  and requested shape " << shape;
  if (x.rank() > shape.size())
    failCertain(specializer, "ValueError",
                "input operand has more dimensions than allowed by the axis remapping");
  size_t lead = shape.size() - x.rank();
  for (auto [axis, extent] : llvm::enumerate(x.shape)) {
    const IntExpr &wanted = shape[lead + axis];
    if (extent == wanted || extent.isKnown(1))
      continue;
    mlir::Value fits = compareInts(specializer, mlir::arith::CmpIPredicate::eq, extent, wanted);
    if (!extent.known())
      fits = specializer.create<mlir::arith::OrIOp>(
          fits, compareInts(specializer, mlir::arith::CmpIPredicate::eq, extent, 1));
    check(specializer, fits, "ValueError", text);
  }
  checkSize(specializer, shape);
  ViewStep step{ViewStep::Kind::Broadcast, /*isReadOnly=*/true};
  return specializer.newView(objectOf(specializer, arguments["array"]), step, shape,
                             /*contiguous=*/false);
}

/// Leading axes of extent 1 up to a rank; the array itself if it has them.
static Value atLeast(Specializer &specializer, const Value &value, size_t rank) {
  Value array = arrayIn(specializer, value);
  Shape shape = stateOf(specializer, array).shape;
  if (shape.size() >= rank)
    return array;
  shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
  return reshapeView(specializer, *specializer.arrayObject(array), shape);
}

Value atLeast1d(Specializer &specializer, const Arguments &arguments) {
  return atLeast(specializer, arguments["a"], 1);
}
Value atLeast2d(Specializer &specializer, const Arguments &arguments) {
  return atLeast(specializer, arguments["a"], 2);
}

//===--- Joins ---===//

static Value joined(Specializer &specializer, const Arguments &arguments,
                    std::vector<ArrayValue> parts, int64_t axis) {
  ArrayValue result = concatenate(specializer, parts, axis);
  if (std::optional<DType> dtype = toDType(specializer, arguments["dtype"]))
    result = castArray(specializer, result, *dtype);
  return finish(specializer, arguments, specializer.newArray(result));
}

/// A join of the items of a list whose length is run-time data; nothing for other sequences.
static std::optional<Value> joinedItems(Specializer &specializer, const Arguments &arguments,
                                        const Value &sequence, ItemJoin join, int64_t axis = 0) {
  if (!runTimeListOf(specializer, sequence))
    return std::nullopt;
  ArrayValue result = joinItems(specializer, sequence, join, axis);
  if (std::optional<DType> dtype = toDType(specializer, arguments["dtype"]))
    result = castArray(specializer, result, *dtype);
  return finish(specializer, arguments, specializer.newArray(result));
}

Value concatenateArrays(Specializer &specializer, const Arguments &arguments) {
  int64_t given = specializer.knownInt(arguments["axis"]).value_or(0);
  if (auto result = joinedItems(specializer, arguments, arguments["arrays"],
                                arguments.has("axis") ? ItemJoin::Rows : ItemJoin::Flat, given))
    return *result;
  std::vector<ArrayValue> parts = arraysOf(specializer, arguments["arrays"]);
  if (!arguments.has("axis")) {
    for (ArrayValue &part : parts)
      part = reshaped(specializer, part, {product(part.shape)});
    return joined(specializer, arguments, parts, 0);
  }
  if (!parts.empty() && parts.front().rank() == 0)
    failCertain(specializer, "ValueError", "zero-dimensional arrays cannot be concatenated");
  return joined(
      specializer, arguments, parts,
      parts.empty() ? 0 : normalizeAxis(specializer, arguments["axis"], parts.front().rank()));
}

Value stack(Specializer &specializer, const Arguments &arguments) {
  if (auto result = joinedItems(specializer, arguments, arguments["arrays"], ItemJoin::Stack,
                                specializer.knownInt(arguments["axis"]).value_or(0)))
    return *result;
  std::vector<ArrayValue> parts = arraysOf(specializer, arguments["arrays"]);
  if (parts.empty())
    failCertain(specializer, "ValueError", "need at least one array to stack");
  int64_t axis = normalizeAxis(specializer, arguments["axis"], parts.front().rank() + 1);
  const Shape first = parts.front().shape;
  for (ArrayValue &part : parts) {
    CheckText text;
    text << "all input arrays must have the same shape";
    if (part.rank() != first.size())
      failCertain(specializer, "ValueError", text.text);
    for (auto [one, other] : llvm::zip(part.shape, first))
      checkEqual(specializer, one, other, "ValueError", text);
    Shape shape = first;
    shape.insert(shape.begin() + axis, IntExpr(1));
    part = reshaped(specializer, part, shape);
  }
  return joined(specializer, arguments, parts, axis);
}

/// Parts with axes of extent 1 added in front up to a rank.
static std::vector<ArrayValue> raised(Specializer &specializer, const Value &sequence,
                                      size_t rank) {
  std::vector<ArrayValue> parts = arraysOf(specializer, sequence);
  for (ArrayValue &part : parts) {
    Shape shape = part.shape;
    if (shape.size() < rank)
      shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
    part = reshaped(specializer, part, shape);
  }
  return parts;
}

Value vstack(Specializer &specializer, const Arguments &arguments) {
  if (auto result = joinedItems(specializer, arguments, arguments["tup"], ItemJoin::Vertical))
    return *result;
  return joined(specializer, arguments, raised(specializer, arguments["tup"], 2), 0);
}

Value hstack(Specializer &specializer, const Arguments &arguments) {
  if (auto result = joinedItems(specializer, arguments, arguments["tup"], ItemJoin::Horizontal))
    return *result;
  std::vector<ArrayValue> parts = raised(specializer, arguments["tup"], 1);
  return joined(specializer, arguments, parts, !parts.empty() && parts.front().rank() > 1 ? 1 : 0);
}

Value dstack(Specializer &specializer, const Arguments &arguments) {
  std::vector<ArrayValue> parts = raised(specializer, arguments["tup"], 2);
  for (ArrayValue &part : parts)
    if (part.rank() == 2) {
      Shape shape = part.shape;
      shape.push_back(1);
      part = reshaped(specializer, part, shape);
    }
  return joined(specializer, arguments, parts, 2);
}

Value columnStack(Specializer &specializer, const Arguments &arguments) {
  std::vector<ArrayValue> parts = raised(specializer, arguments["tup"], 1);
  for (ArrayValue &part : parts)
    if (part.rank() == 1)
      part = reshaped(specializer, part, {part.shape.front(), IntExpr(1)});
  return joined(specializer, arguments, parts, 1);
}

Value append(Specializer &specializer, const Arguments &arguments) {
  std::vector<ArrayValue> parts = {toArray(specializer, arguments["arr"]),
                                   toArray(specializer, arguments["values"])};
  if (arguments.has("axis"))
    return joined(specializer, arguments, parts,
                  normalizeAxis(specializer, arguments["axis"], parts.front().rank()));
  for (ArrayValue &part : parts)
    part = reshaped(specializer, part, {product(part.shape)});
  return joined(specializer, arguments, parts, 0);
}

//===--- Parts ---===//

/// The views of an array between bounds along an axis.
static Value partsBetween(Specializer &specializer, const Value &array, int64_t axis,
                          const std::vector<Value> &bounds) {
  ValueList parts;
  auto whole =
      std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, NoneValue{}});
  for (size_t position = 0; position + 1 < bounds.size(); ++position) {
    ValueList index(axis, Value(whole));
    index.push_back(std::make_shared<const SliceValue>(
        SliceValue{bounds[position], bounds[position + 1], NoneValue{}}));
    parts.push_back(
        arraySubscript(specializer, *specializer.arrayObject(array), specializer.newTuple(index)));
  }
  return specializer.newList(parts);
}

static Value splitArray(Specializer &specializer, const Arguments &arguments, bool mustDivide) {
  Value array = arrayIn(specializer, arguments["ary"]);
  const Shape shape = stateOf(specializer, array).shape;
  int64_t axis = normalizeAxis(specializer, arguments["axis"], shape.size());
  const Value &how = arguments["indices_or_sections"];
  std::vector<Value> bounds = {specializer.makeInt(IntExpr(0))};
  if (!how.get<Scalar>()) {
    for (const IntExpr &bound : toExtents(specializer, how))
      bounds.push_back(specializer.makeInt(bound));
    bounds.push_back(NoneValue{});
    return partsBetween(specializer, array, axis, bounds);
  }
  std::optional<int64_t> sections = specializer.knownInt(how);
  if (!sections)
    specializer.fail(ErrorId::NotKnownHere, {"the number of parts of a split"});
  if (*sections <= 0)
    failCertain(specializer, "ValueError", "number sections must be larger than 0.");
  IntExpr rest = modulo(shape[axis], *sections), width = floorDivide(shape[axis], *sections);
  if (mustDivide)
    checkEqual(specializer, rest, 0, "ValueError",
               CheckText{"array split does not result in an equal division", {}});
  // The first `rest` parts have one element more.
  for (int64_t part = 1; part <= *sections; ++part) {
    IntExpr bound = width * IntExpr(part);
    if (!mustDivide)
      bound = bound + minimum(rest, part);
    bounds.push_back(specializer.makeInt(bound));
  }
  return partsBetween(specializer, array, axis, bounds);
}

Value split(Specializer &specializer, const Arguments &arguments) {
  return splitArray(specializer, arguments, true);
}
Value arraySplit(Specializer &specializer, const Arguments &arguments) {
  return splitArray(specializer, arguments, false);
}

Value repeat(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  if (!arguments["repeats"].get<Scalar>())
    return specializer.call(
        specializer.methodInLibrary(specializer.newArray(x), "ndarray", "_repeat"),
        CallArguments{{arguments["repeats"], arguments["axis"]}, {}, specializer.span});
  IntExpr count = toExtents(specializer, arguments["repeats"]).front();
  if (!count.isNonNegative())
    check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::sge, count, 0),
          "ValueError", CheckText{"repeats may not contain negative values.", {}});
  int64_t axis = 0;
  if (arguments.has("axis"))
    axis = normalizeAxis(specializer, arguments["axis"], x.rank());
  else
    x = reshaped(specializer, x, {product(x.shape)});
  Shape single = x.shape, spreadShape = x.shape, result = x.shape;
  single.insert(single.begin() + axis + 1, IntExpr(1));
  spreadShape.insert(spreadShape.begin() + axis + 1, count);
  checkSize(specializer, spreadShape);
  result[axis] = result[axis] * count;
  return specializer.newArray(reshaped(
      specializer, spread(specializer, reshaped(specializer, x, single), spreadShape), result));
}

Value tile(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["A"]);
  std::vector<IntExpr> counts = toExtents(specializer, arguments["reps"]);
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
  checkSize(specializer, spreadShape);
  return specializer.newArray(reshaped(
      specializer, spread(specializer, reshaped(specializer, x, single), spreadShape), result));
}

Value flip(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["m"]);
  int64_t rank = stateOf(specializer, array).shape.size();
  std::vector<int64_t> axes;
  if (arguments.has("axis"))
    axes = axesOf(specializer, arguments["axis"], rank);
  else
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  ValueList index;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Value step = llvm::is_contained(axes, axis) ? Value(specializer.makeInt(IntExpr(-1)))
                                                : Value(NoneValue{});
    index.push_back(std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, step}));
  }
  return arraySubscript(specializer, *specializer.arrayObject(array), specializer.newTuple(index));
}

/// x[.., n - k:, ..] followed by x[.., :n - k, ..], k modulo n.
static ArrayValue rolled(Specializer &specializer, const ArrayValue &x, const IntExpr &shift,
                         int64_t axis) {
  const IntExpr &extent = x.shape[axis];
  // Of nothing nothing is moved.
  IntExpr cut = extent - modulo(shift, maximum(extent, 1));
  if (extent.known())
    cut = *extent.known() == 0 ? IntExpr(0) : extent - modulo(shift, extent);
  if ((extent - cut).isKnown(0))
    return x;
  auto part = [&](const IntExpr &offset, const IntExpr &size) {
    ViewStep step;
    step.kind = ViewStep::Kind::Slice;
    step.offsets.assign(x.rank(), IntExpr(0));
    step.strides.assign(x.rank(), IntExpr(1));
    step.sizes = x.shape;
    step.offsets[axis] = offset;
    step.sizes[axis] = size;
    return ArrayValue{x.dtype, step.sizes, applyView(specializer, x, step, step.sizes)};
  };
  ArrayValue result = concatenate(specializer, {part(cut, extent - cut), part(0, cut)}, axis);
  result.shape = x.shape;
  return result;
}

Value roll(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  std::vector<IntExpr> shifts = toExtents(specializer, arguments["shift"]);
  if (!arguments.has("axis")) {
    ArrayValue flat = reshaped(specializer, x, {product(x.shape)});
    return specializer.newArray(
        reshaped(specializer, rolled(specializer, flat, shifts.front(), 0), x.shape));
  }
  std::vector<int64_t> axes = axesOf(specializer, arguments["axis"], x.rank());
  for (auto [position, axis] : llvm::enumerate(axes))
    x = rolled(specializer, x, shifts[std::min(position, shifts.size() - 1)], axis);
  return specializer.newArray(x);
}

Value shapeOf(Specializer &specializer, const Arguments &arguments) {
  ValueList extents;
  Value array = arrayIn(specializer, arguments["a"]);
  for (const IntExpr &extent : Shape(stateOf(specializer, array).shape))
    extents.push_back(specializer.makeInt(extent));
  return specializer.newTuple(extents);
}

Value sizeOf(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  const Shape shape = stateOf(specializer, array).shape;
  if (arguments.has("axis"))
    return specializer.makeInt(shape[normalizeAxis(specializer, arguments["axis"], shape.size())]);
  return specializer.makeInt(product(shape));
}

Value rankOf(Specializer &specializer, const Arguments &arguments) {
  Value array = arrayIn(specializer, arguments["a"]);
  return specializer.makeInt(IntExpr(int64_t(stateOf(specializer, array).shape.size())));
}

} // namespace mpy::library
