// Choosing, sorting and finding elements by NumPy's names.
#include "frontend/arrays/ArrayIndexing.h"
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/library/Library.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mpy::library {

Value take(Specializer &specializer, const Arguments &arguments) {
  if (std::optional<std::string> mode = specializer.knownText(arguments["mode"]);
      mode && *mode != "raise")
    failArgument(specializer, "mode", arguments.name, "'" + *mode + "'");
  Value array = ObjectRef{objectOf(specializer, arguments["a"])};
  const Shape shape = specializer.heap.get<ArrayState>(*specializer.arrayObject(array))->shape;
  const Value &indices = arguments["indices"];
  // Unlike a subscript, a list here is always one index array.
  Value index =
      indices.get<Scalar>() ? indices : specializer.newArray(toArray(specializer, indices));
  if (!arguments.has("axis")) {
    array = reshapeArray(specializer, array, {product(shape)});
    return finish(specializer, arguments,
                  arraySubscript(specializer, *specializer.arrayObject(array), index));
  }
  int64_t axis = normalizeAxis(specializer, arguments["axis"], shape.size());
  ValueList items(axis, Value(std::make_shared<const SliceValue>(
                            SliceValue{NoneValue{}, NoneValue{}, NoneValue{}})));
  items.push_back(index);
  Value result =
      arraySubscript(specializer, *specializer.arrayObject(array), specializer.newTuple(items));
  // take gives a copy, also for a single position.
  if (indices.get<Scalar>() && specializer.isArray(result))
    result = copyOf(specializer, result);
  return finish(specializer, arguments, result);
}

/// Brings an axis to the end.
static llvm::SmallVector<int64_t> axisLast(int64_t axis, int64_t rank) {
  llvm::SmallVector<int64_t> order;
  for (int64_t other = 0; other < rank; ++other)
    if (other != axis)
      order.push_back(other);
  order.push_back(axis);
  return order;
}

static ArrayValue restored(Specializer &specializer, const ArrayValue &x,
                           llvm::ArrayRef<int64_t> order) {
  llvm::SmallVector<int64_t> inverse(order.size());
  for (auto [position, source] : llvm::enumerate(order))
    inverse[source] = position;
  return permuted(specializer, x, inverse);
}

/// The array to sort, the axis last, and the order that did it.
static std::pair<ArrayValue, llvm::SmallVector<int64_t>> sortable(Specializer &specializer,
                                                                  const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  if (!arguments.has("axis"))
    x = reshaped(specializer, x, {product(x.shape)});
  if (x.rank() == 0)
    failCertain(specializer, "numpy.exceptions.AxisError",
                "axis -1 is out of bounds for array of dimension 0");
  int64_t axis =
      arguments.has("axis") ? normalizeAxis(specializer, arguments["axis"], x.rank()) : 0;
  llvm::SmallVector<int64_t> order = axisLast(axis, x.rank());
  return {permuted(specializer, x, order), order};
}

/// Positions that sort the last axis.
static ArrayValue sortingPositions(Specializer &specializer, const ArrayValue &x) {
  ArrayValue source =
      x.dtype == DType::Bool ? castArray(specializer, x, DType::Int32) : inOrder(specializer, x);
  mlir::Value positions =
      specializer.create<ArgsortOp>(specializer.tensorType(DType::Int64, x.shape), source.tensor)
          .getResult();
  return {DType::Int64, x.shape, positions};
}

/// result[.., j] = x[.., positions[.., j]] along the last axis.
static ArrayValue gatherLast(Specializer &specializer, const ArrayValue &x,
                             const ArrayValue &positions) {
  if (x.rank() == 1)
    return gatherRows(specializer, x, positions);
  IntExpr length = x.shape.back(), width = positions.shape.back();
  Shape lead(x.shape.begin(), x.shape.end() - 1);
  IntExpr rows = product(lead);
  ArrayValue table = reshaped(specializer, x, {rows, length});
  ArrayValue columns = reshaped(specializer, positions, {rows, width});
  ArrayValue row =
      spread(specializer, reshaped(specializer, iota(specializer, rows), {rows, IntExpr(1)}),
             columns.shape);
  mlir::Value part =
      specializer
          .create<GatherOp>(specializer.tensorType(x.dtype, columns.shape), table.tensor,
                            mlir::ValueRange{row.tensor, columns.tensor})
          .getResult();
  return reshaped(specializer, {x.dtype, columns.shape, part}, positions.shape);
}

Value argsort(Specializer &specializer, const Arguments &arguments) {
  auto [x, order] = sortable(specializer, arguments);
  return specializer.newArray(restored(specializer, sortingPositions(specializer, x), order));
}

static ArrayValue sorted(Specializer &specializer, const Arguments &arguments) {
  auto [x, order] = sortable(specializer, arguments);
  return restored(specializer, gatherLast(specializer, x, sortingPositions(specializer, x)), order);
}

Value sort(Specializer &specializer, const Arguments &arguments) {
  return specializer.newArray(sorted(specializer, arguments));
}

Value sortInPlace(Specializer &specializer, const Arguments &arguments) {
  specializer.write(*specializer.arrayObject(arguments["a"]), sorted(specializer, arguments).tensor,
                    "sort array is read-only");
  return NoneValue{};
}

Value takeAlongAxis(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["arr"]),
             positions = toArray(specializer, arguments["indices"]);
  if (x.rank() != positions.rank())
    failCertain(specializer, "ValueError",
                "`indices` and `arr` must have the same number of dimensions");
  int64_t axis = normalizeAxis(specializer, arguments["axis"], x.rank());
  for (size_t other = 0; other < x.rank(); ++other)
    if (int64_t(other) != axis)
      checkEqual(specializer, x.shape[other], positions.shape[other], "IndexError",
                 CheckText{"shape mismatch: indexing arrays could not be broadcast together", {}});
  positions.tensor = resolvePositions(specializer, positions, x.shape[axis], axis);
  positions.dtype = DType::Int64;
  llvm::SmallVector<int64_t> order = axisLast(axis, x.rank());
  ArrayValue result = gatherLast(specializer, permuted(specializer, x, order),
                                 permuted(specializer, positions, order));
  return specializer.newArray(restored(specializer, result, order));
}

//===--- Where something holds ---===//

/// One index array for each axis, row-major.
static std::vector<ArrayValue> nonzeroPositions(Specializer &specializer, ArrayValue x) {
  if (x.rank() == 0)
    failCertain(specializer, "ValueError",
                "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() "
                "instead.");
  x = castArray(specializer, x, DType::Bool);
  ArrayValue flat = positionsOf(specializer, x);
  std::vector<ArrayValue> result(x.rank(), flat);
  if (x.rank() == 1)
    return result;
  mlir::Value rest = flat.tensor;
  for (size_t axis = x.rank(); axis-- > 1;) {
    mlir::Value extent = specializer.ssaAs(specializer.makeInt(x.shape[axis]), DType::Int64);
    result[axis].tensor = specializer.create<ModOp>(rest, extent).getResult();
    rest = specializer.create<FloorDivOp>(rest, extent).getResult();
  }
  result[0].tensor = rest;
  return result;
}

Value nonzero(Specializer &specializer, const Arguments &arguments) {
  ValueList arrays;
  for (const ArrayValue &positions :
       nonzeroPositions(specializer, toArray(specializer, arguments["a"])))
    arrays.push_back(specializer.newArray(positions));
  return specializer.newTuple(arrays);
}

Value flatNonzero(Specializer &specializer, const Arguments &arguments) {
  return specializer.newArray(positionsOf(
      specializer, castArray(specializer, toArray(specializer, arguments["a"]), DType::Bool)));
}

Value argwhere(Specializer &specializer, const Arguments &arguments) {
  std::vector<ArrayValue> columns =
      nonzeroPositions(specializer, toArray(specializer, arguments["a"]));
  for (ArrayValue &column : columns)
    column = reshaped(specializer, column, {column.shape.front(), IntExpr(1)});
  return specializer.newArray(concatenate(specializer, columns, 1));
}

Value diagonal(Specializer &specializer, const Arguments &arguments) {
  Value array = ObjectRef{objectOf(specializer, arguments["a"])};
  int64_t rank = specializer.heap.get<ArrayState>(*specializer.arrayObject(array))->shape.size();
  if (rank < 2)
    failCertain(specializer, "ValueError", "diag requires an array of at least two dimensions");
  int64_t first = normalizeAxis(specializer, arguments["axis1"], rank),
          second = normalizeAxis(specializer, arguments["axis2"], rank);
  if (first == second)
    failCertain(specializer, "ValueError", "axis1 and axis2 cannot be the same");
  std::optional<int64_t> offset = specializer.knownInt(arguments["offset"]);
  if (!offset)
    specializer.fail(ErrorId::NotKnownHere, {"argument 'offset' of 'numpy.diagonal'"});
  llvm::SmallVector<int64_t> order;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (axis != first && axis != second)
      order.push_back(axis);
  order.append({first, second});
  if (!llvm::is_sorted(order))
    array = transposeArray(specializer, array, order);
  return diagonalView(specializer, array, *offset, /*isReadOnly=*/true);
}

Value unique(Specializer &specializer, const Arguments &arguments) {
  bool isPlain = !arguments.has("axis");
  for (llvm::StringRef parameter : {"return_index", "return_inverse", "return_counts"})
    isPlain &= !flag(specializer, arguments, parameter);
  if (!isPlain) {
    Value method = specializer.methodInLibrary(arguments["ar"], "ndarray", "_unique");
    ValueList rest(arguments.all().begin() + 1, arguments.all().end());
    for (Value &value : rest)
      value = value.isUnbound() ? Value(NoneValue{}) : value;
    return specializer.call(method, CallArguments{rest, {}, specializer.span});
  }
  ArrayValue x = toArray(specializer, arguments["ar"]);
  x = reshaped(specializer, x, {product(x.shape)});
  x = gatherLast(specializer, x, sortingPositions(specializer, x));
  // Keeps each element that differs from the one before it; the first always.
  IntExpr count = x.shape.front();
  mlir::Value numbers = iota(specializer, count).tensor;
  mlir::Value one = specializer.constant(DType::Int64, 1),
              zero = specializer.constant(DType::Int64, 0);
  mlir::Value before =
      specializer.create<MaximumOp>(specializer.create<SubOp>(numbers, one).getResult(), zero)
          .getResult();
  ArrayValue previous = gatherRows(specializer, x, {DType::Int64, x.shape, before});
  mlir::Value differs =
      specializer.create<CompareOp>(ComparePredicate::ne, x.tensor, previous.tensor).getResult();
  if (isFloat(x.dtype)) {
    // All NaN count as one.
    mlir::Value oneNan =
        specializer.create<CompareOp>(ComparePredicate::ne, x.tensor, x.tensor).getResult();
    mlir::Value otherNan =
        specializer.create<CompareOp>(ComparePredicate::ne, previous.tensor, previous.tensor)
            .getResult();
    mlir::Value bothNan = specializer.create<AndOp>(oneNan, otherNan).getResult();
    differs = specializer.create<AndOp>(differs, specializer.create<NotOp>(bothNan).getResult())
                  .getResult();
  }
  mlir::Value isFirst =
      specializer.create<CompareOp>(ComparePredicate::eq, numbers, zero).getResult();
  mlir::Value kept = specializer.create<OrOp>(differs, isFirst).getResult();
  return specializer.newArray(
      gatherRows(specializer, x, positionsOf(specializer, {DType::Bool, x.shape, kept})));
}

Value addAt(Specializer &specializer, const Arguments &arguments) {
  std::optional<ObjectId> object = specializer.arrayObject(arguments["a"]);
  if (!object)
    failCertain(specializer, "TypeError", "first operand must be array");
  if (arguments["indices"].as<TupleValue>())
    return specializer.call(
        specializer.methodInLibrary(arguments["a"], "ufunc", "_add_at"),
        CallArguments{{arguments["indices"], arguments["b"]}, {}, specializer.span});
  ArrayValue x = specializer.read(*object);
  ArrayValue positions = toArray(specializer, arguments["indices"]);
  if (positions.dtype == DType::Bool || isFloat(positions.dtype))
    failArgument(specializer, "indices", arguments.name, specializer.describe(arguments["indices"]),
                 "give one array of integers");
  if (positions.rank() == 0)
    positions = reshaped(specializer, positions, {IntExpr(1)});
  positions.tensor = resolvePositions(specializer, positions, x.shape.front(), 0);
  Shape shape = positions.shape;
  shape.insert(shape.end(), x.shape.begin() + 1, x.shape.end());
  ArrayValue value = castArray(specializer, toArray(specializer, arguments["b"]), x.dtype);
  mlir::Value added =
      specializer
          .create<ScatterOp>(x.tensor.getType(), x.tensor, expandInto(specializer, value, shape),
                             mlir::ValueRange{positions.tensor}, /*accumulate=*/true)
          .getResult();
  specializer.write(*object, added, "operand array with iterator write flag set is read-only");
  return NoneValue{};
}

Value bincount(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["x"]);
  if (x.rank() != 1 || isFloat(x.dtype))
    failArgument(specializer, "x", arguments.name, specializer.describe(arguments["x"]));
  x = castArray(specializer, x, DType::Int64);
  // The length is the largest number + 1, at least minlength.
  Shape one = {IntExpr(1)};
  mlir::Value start = fill(specializer, specializer.constant(DType::Int64, -1), DType::Int64, one);
  ArrayValue some = concatenate(specializer, {x, {DType::Int64, one, start}}, 0);
  mlir::Value largest = element(specializer, reduce(specializer, Reduction::Max, some, {0}, false));
  mlir::Value negative =
      specializer
          .create<CompareOp>(ComparePredicate::lt, x.tensor, specializer.constant(DType::Int64, 0))
          .getResult();
  negative = specializer.create<AnyOp>(negative, llvm::ArrayRef<int64_t>{0}).getResult();
  mlir::Value fits = specializer.create<NotOp>(negative).getResult();
  check(specializer, fits, "ValueError",
        CheckText{"'list' argument must have no negative elements", {}});
  IntExpr count = maximum(symbolExpr(largest) + IntExpr(1),
                          toExtents(specializer, arguments["minlength"]).front());
  Shape shape = {extentOf(specializer.index(count))};
  ArrayValue weights = {
      DType::Int64, x.shape,
      fill(specializer, specializer.constant(DType::Int64, 1), DType::Int64, x.shape)};
  if (arguments.has("weights")) {
    weights = castArray(specializer, toArray(specializer, arguments["weights"]), DType::Float64);
    checkEqual(specializer, weights.shape.front(), x.shape.front(), "ValueError",
               CheckText{"The weights and list don't have the same length.", {}});
  }
  mlir::Value zeros =
      fill(specializer, specializer.constant(weights.dtype, 0), weights.dtype, shape);
  mlir::Value result =
      specializer
          .create<ScatterOp>(zeros.getType(), zeros, weights.tensor, mlir::ValueRange{x.tensor},
                             /*accumulate=*/true)
          .getResult();
  return specializer.newArray({weights.dtype, shape, result});
}

} // namespace mpy::library
