// Choosing, sorting and finding elements by NumPy's names.
#include "frontend/ArrayIndexing.h"
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mpy::library {

Value take(Specializer &s, const Arguments &arguments) {
  if (std::optional<std::string> mode = s.knownText(arguments["mode"]); mode && *mode != "raise")
    failArgument(s, "mode", arguments.name, "'" + *mode + "'");
  Value array = ObjectRef{objectOf(s, arguments["a"])};
  const Shape shape = s.heap.get<ArrayState>(*s.arrayObject(array))->shape;
  const Value &indices = arguments["indices"];
  // Unlike a subscript, a list here is always one index array.
  Value index = indices.get<Scalar>() ? indices : s.newArray(toArray(s, indices));
  if (!arguments.has("axis")) {
    array = reshapeArray(s, array, {product(shape)});
    return finish(s, arguments, arraySubscript(s, *s.arrayObject(array), index));
  }
  int64_t axis = normalizeAxis(s, arguments["axis"], shape.size());
  ValueList items(axis, Value(std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, NoneValue{}})));
  items.push_back(index);
  Value result = arraySubscript(s, *s.arrayObject(array), s.newTuple(items));
  // take gives a copy, also for a single position.
  if (indices.get<Scalar>() && s.isArray(result))
    result = copyOf(s, result);
  return finish(s, arguments, result);
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

static ArrayValue restored(Specializer &s, const ArrayValue &x, llvm::ArrayRef<int64_t> order) {
  llvm::SmallVector<int64_t> inverse(order.size());
  for (auto [position, source] : llvm::enumerate(order))
    inverse[source] = position;
  return permuted(s, x, inverse);
}

/// The array to sort, the axis last, and the order that did it.
static std::pair<ArrayValue, llvm::SmallVector<int64_t>> sortable(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  if (!arguments.has("axis"))
    x = reshaped(s, x, {product(x.shape)});
  if (x.rank() == 0)
    failCertain(s, "numpy.exceptions.AxisError", "axis -1 is out of bounds for array of dimension 0");
  int64_t axis = arguments.has("axis") ? normalizeAxis(s, arguments["axis"], x.rank()) : 0;
  llvm::SmallVector<int64_t> order = axisLast(axis, x.rank());
  return {permuted(s, x, order), order};
}

/// Positions that sort the last axis.
static ArrayValue sortingPositions(Specializer &s, const ArrayValue &x) {
  ArrayValue source = x.dtype == DType::Bool ? castArray(s, x, DType::Int32) : x;
  mlir::Value positions = s.create<ArgsortOp>(s.tensorType(DType::Int64, x.shape), source.tensor).getResult();
  return {DType::Int64, x.shape, positions};
}

/// result[.., j] = x[.., positions[.., j]] along the last axis.
static ArrayValue gatherLast(Specializer &s, const ArrayValue &x, const ArrayValue &positions) {
  if (x.rank() == 1)
    return gatherRows(s, x, positions);
  IntExpr length = x.shape.back(), width = positions.shape.back();
  Shape lead(x.shape.begin(), x.shape.end() - 1);
  IntExpr rows = product(lead);
  ArrayValue table = reshaped(s, x, {rows, length});
  ArrayValue columns = reshaped(s, positions, {rows, width});
  ArrayValue row = spread(s, reshaped(s, iota(s, rows), {rows, IntExpr(1)}), columns.shape);
  mlir::Value part = s.create<GatherOp>(s.tensorType(x.dtype, columns.shape), table.tensor,
                                        mlir::ValueRange{row.tensor, columns.tensor})
                         .getResult();
  return reshaped(s, {x.dtype, columns.shape, part}, positions.shape);
}

Value argsort(Specializer &s, const Arguments &arguments) {
  auto [x, order] = sortable(s, arguments);
  return s.newArray(restored(s, sortingPositions(s, x), order));
}

static ArrayValue sorted(Specializer &s, const Arguments &arguments) {
  auto [x, order] = sortable(s, arguments);
  return restored(s, gatherLast(s, x, sortingPositions(s, x)), order);
}

Value sort(Specializer &s, const Arguments &arguments) { return s.newArray(sorted(s, arguments)); }

Value sortInPlace(Specializer &s, const Arguments &arguments) {
  s.write(*s.arrayObject(arguments["a"]), sorted(s, arguments).tensor);
  return NoneValue{};
}

Value takeAlongAxis(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["arr"]), positions = toArray(s, arguments["indices"]);
  if (x.rank() != positions.rank())
    failCertain(s, "ValueError", "`indices` and `arr` must have the same number of dimensions");
  int64_t axis = normalizeAxis(s, arguments["axis"], x.rank());
  for (size_t other = 0; other < x.rank(); ++other)
    if (int64_t(other) != axis)
      checkEqual(s, x.shape[other], positions.shape[other], "IndexError",
                 CheckText{"shape mismatch: indexing arrays could not be broadcast together", {}});
  positions.tensor = resolvePositions(s, positions, x.shape[axis], axis);
  positions.dtype = DType::Int64;
  llvm::SmallVector<int64_t> order = axisLast(axis, x.rank());
  ArrayValue result = gatherLast(s, permuted(s, x, order), permuted(s, positions, order));
  return s.newArray(restored(s, result, order));
}

//===--- Where something holds ---===//

/// One index array for each axis, row-major.
static std::vector<ArrayValue> nonzeroPositions(Specializer &s, ArrayValue x) {
  if (x.rank() == 0)
    failCertain(s, "ValueError", "Calling nonzero on 0d arrays is not allowed. Use np.atleast_1d(scalar).nonzero() instead.");
  x = castArray(s, x, DType::Bool);
  ArrayValue flat = positionsOf(s, x);
  std::vector<ArrayValue> result(x.rank(), flat);
  if (x.rank() == 1)
    return result;
  mlir::Value rest = flat.tensor;
  for (size_t axis = x.rank(); axis-- > 1;) {
    mlir::Value extent = s.ssaAs(s.makeInt(x.shape[axis]), DType::Int64);
    result[axis].tensor = s.create<ModOp>(rest, extent).getResult();
    rest = s.create<FloorDivOp>(rest, extent).getResult();
  }
  result[0].tensor = rest;
  return result;
}

Value nonzero(Specializer &s, const Arguments &arguments) {
  ValueList arrays;
  for (const ArrayValue &positions : nonzeroPositions(s, toArray(s, arguments["a"])))
    arrays.push_back(s.newArray(positions));
  return s.newTuple(arrays);
}

Value flatNonzero(Specializer &s, const Arguments &arguments) {
  return s.newArray(positionsOf(s, castArray(s, toArray(s, arguments["a"]), DType::Bool)));
}

Value argwhere(Specializer &s, const Arguments &arguments) {
  std::vector<ArrayValue> columns = nonzeroPositions(s, toArray(s, arguments["a"]));
  for (ArrayValue &column : columns)
    column = reshaped(s, column, {column.shape.front(), IntExpr(1)});
  return s.newArray(concatenate(s, columns, 1));
}

Value diagonal(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  if (x.rank() < 2)
    failCertain(s, "ValueError", "diag requires an array of at least two dimensions");
  int64_t first = normalizeAxis(s, arguments["axis1"], x.rank()), second = normalizeAxis(s, arguments["axis2"], x.rank());
  if (first == second)
    failCertain(s, "ValueError", "axis1 and axis2 cannot be the same");
  std::optional<int64_t> offset = s.knownInt(arguments["offset"]);
  if (!offset)
    s.fail(ErrorId::NotKnownHere, {"argument 'offset' of 'numpy.diagonal'"});
  llvm::SmallVector<int64_t> order = {first, second};
  for (int64_t axis = 0; axis < int64_t(x.rank()); ++axis)
    if (axis != first && axis != second)
      order.push_back(axis);
  x = permuted(s, x, order);
  IntExpr down = *offset < 0 ? IntExpr(-*offset) : IntExpr(0), across = *offset > 0 ? IntExpr(*offset) : IntExpr(0);
  IntExpr rows = x.shape[0] - down, columns = x.shape[1] - across;
  IntExpr count = minimum(rows, columns);
  if (!count.isNonNegative())
    count = maximum(count, 0);
  ArrayValue numbers = iota(s, count);
  auto shifted = [&](const IntExpr &by) {
    if (by.isKnown(0))
      return numbers.tensor;
    return s.create<AddOp>(numbers.tensor, s.ssaAs(s.makeInt(by), DType::Int64)).getResult();
  };
  Shape shape = {count};
  shape.insert(shape.end(), x.shape.begin() + 2, x.shape.end());
  mlir::Value line = s.create<GatherOp>(s.tensorType(x.dtype, shape), x.tensor,
                                        mlir::ValueRange{shifted(down), shifted(across)})
                         .getResult();
  // The diagonal is the last axis of the result.
  llvm::SmallVector<int64_t> last;
  for (int64_t axis = 1; axis < int64_t(shape.size()); ++axis)
    last.push_back(axis);
  last.push_back(0);
  return s.newArray(permuted(s, {x.dtype, shape, line}, last));
}

Value unique(Specializer &s, const Arguments &arguments) {
  for (llvm::StringRef parameter : {"return_index", "return_inverse", "return_counts"})
    if (flag(s, arguments, parameter))
      failArgument(s, parameter, arguments.name, "True");
  if (arguments.has("axis"))
    failArgument(s, "axis", arguments.name, "given");
  ArrayValue x = toArray(s, arguments["ar"]);
  x = reshaped(s, x, {product(x.shape)});
  x = gatherLast(s, x, sortingPositions(s, x));
  // Keeps each element that differs from the one before it; the first always.
  IntExpr count = x.shape.front();
  mlir::Value numbers = iota(s, count).tensor;
  mlir::Value one = s.constant(DType::Int64, 1), zero = s.constant(DType::Int64, 0);
  mlir::Value before = s.create<MaximumOp>(s.create<SubOp>(numbers, one).getResult(), zero).getResult();
  ArrayValue previous = gatherRows(s, x, {DType::Int64, x.shape, before});
  mlir::Value differs = s.create<CompareOp>(ComparePredicate::ne, x.tensor, previous.tensor).getResult();
  if (isFloat(x.dtype)) {
    // All NaN count as one.
    mlir::Value oneNan = s.create<CompareOp>(ComparePredicate::ne, x.tensor, x.tensor).getResult();
    mlir::Value otherNan = s.create<CompareOp>(ComparePredicate::ne, previous.tensor, previous.tensor).getResult();
    mlir::Value bothNan = s.create<AndOp>(oneNan, otherNan).getResult();
    differs = s.create<AndOp>(differs, s.create<NotOp>(bothNan).getResult()).getResult();
  }
  mlir::Value isFirst = s.create<CompareOp>(ComparePredicate::eq, numbers, zero).getResult();
  mlir::Value kept = s.create<OrOp>(differs, isFirst).getResult();
  return s.newArray(gatherRows(s, x, positionsOf(s, {DType::Bool, x.shape, kept})));
}

Value addAt(Specializer &s, const Arguments &arguments) {
  std::optional<ObjectId> object = s.arrayObject(arguments["a"]);
  if (!object)
    failCertain(s, "TypeError", "first operand must be array");
  ArrayValue x = s.read(*object);
  ArrayValue positions = toArray(s, arguments["indices"]);
  if (positions.dtype == DType::Bool || isFloat(positions.dtype) || arguments["indices"].as<TupleValue>())
    failArgument(s, "indices", arguments.name, s.describe(arguments["indices"]), "give one array of integers");
  if (positions.rank() == 0)
    positions = reshaped(s, positions, {IntExpr(1)});
  positions.tensor = resolvePositions(s, positions, x.shape.front(), 0);
  Shape shape = positions.shape;
  shape.insert(shape.end(), x.shape.begin() + 1, x.shape.end());
  ArrayValue value = castArray(s, toArray(s, arguments["b"]), x.dtype);
  mlir::Value added = s.create<ScatterOp>(x.tensor.getType(), x.tensor, expandInto(s, value, shape),
                                          mlir::ValueRange{positions.tensor}, /*accumulate=*/true)
                          .getResult();
  s.write(*object, added);
  return NoneValue{};
}

Value bincount(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["x"]);
  if (x.rank() != 1 || isFloat(x.dtype))
    failArgument(s, "x", arguments.name, s.describe(arguments["x"]));
  x = castArray(s, x, DType::Int64);
  // The length is the largest number + 1, at least minlength.
  Shape one = {IntExpr(1)};
  mlir::Value start = fill(s, s.constant(DType::Int64, -1), DType::Int64, one);
  ArrayValue some = concatenate(s, {x, {DType::Int64, one, start}}, 0);
  mlir::Value largest = element(s, reduce(s, Reduction::Max, some, {0}, false));
  mlir::Value negative = s.create<CompareOp>(ComparePredicate::lt, x.tensor, s.constant(DType::Int64, 0)).getResult();
  negative = s.create<AnyOp>(negative, llvm::ArrayRef<int64_t>{0}).getResult();
  mlir::Value fits = s.create<NotOp>(negative).getResult();
  check(s, fits, "ValueError", CheckText{"'list' argument must have no negative elements", {}});
  IntExpr count = maximum(symbolExpr(largest) + IntExpr(1), toExtents(s, arguments["minlength"]).front());
  Shape shape = {extentOf(s.index(count))};
  ArrayValue weights = {DType::Int64, x.shape, fill(s, s.constant(DType::Int64, 1), DType::Int64, x.shape)};
  if (arguments.has("weights")) {
    weights = castArray(s, toArray(s, arguments["weights"]), DType::Float64);
    checkEqual(s, weights.shape.front(), x.shape.front(), "ValueError",
               CheckText{"The weights and list don't have the same length.", {}});
  }
  mlir::Value zeros = fill(s, s.constant(weights.dtype, 0), weights.dtype, shape);
  mlir::Value result = s.create<ScatterOp>(zeros.getType(), zeros, weights.tensor, mlir::ValueRange{x.tensor},
                                           /*accumulate=*/true)
                           .getResult();
  return s.newArray({weights.dtype, shape, result});
}

} // namespace mpy::library
