// Matrices made by position: eye, tri, tril, triu, diag, meshgrid. Each compares row and column
// numbers.
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/library/Library.h"

namespace mpy::library {

/// Whether column - row stands in a relation to k, as bools of shape (rows, columns).
static ArrayValue byDiagonal(Specializer &specializer, ComparePredicate predicate,
                             const IntExpr &rows, const IntExpr &columns, const Value &k) {
  Shape shape = {rows, columns}, down = {rows, IntExpr(1)}, across = {IntExpr(1), columns};
  mlir::Value row =
      spread(specializer, reshaped(specializer, iota(specializer, rows), down), shape).tensor;
  mlir::Value column =
      spread(specializer, reshaped(specializer, iota(specializer, columns), across), shape).tensor;
  mlir::Value offset =
      specializer.ssaAs(specializer.makeInt(toExtents(specializer, k).front()), DType::Int64);
  mlir::Value shifted = specializer.create<AddOp>(row, offset).getResult();
  return {DType::Bool, shape,
          specializer.create<CompareOp>(predicate, column, shifted).getResult()};
}

Value eye(Specializer &specializer, const Arguments &arguments) {
  IntExpr rows = toExtents(specializer, arguments["N"]).front();
  IntExpr columns = arguments.has("M") ? toExtents(specializer, arguments["M"]).front() : rows;
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  return specializer.newArray(castArray(
      specializer, byDiagonal(specializer, ComparePredicate::eq, rows, columns, arguments["k"]),
      dtype));
}

Value identity(Specializer &specializer, const Arguments &arguments) {
  IntExpr rows = toExtents(specializer, arguments["n"]).front();
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  return specializer.newArray(castArray(
      specializer,
      byDiagonal(specializer, ComparePredicate::eq, rows, rows, specializer.makeInt(IntExpr(0))),
      dtype));
}

Value tri(Specializer &specializer, const Arguments &arguments) {
  IntExpr rows = toExtents(specializer, arguments["N"]).front();
  IntExpr columns = arguments.has("M") ? toExtents(specializer, arguments["M"]).front() : rows;
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  return specializer.newArray(castArray(
      specializer, byDiagonal(specializer, ComparePredicate::le, rows, columns, arguments["k"]),
      dtype));
}

static Value triangle(Specializer &specializer, const Arguments &arguments,
                      ComparePredicate predicate) {
  ArrayValue x = toArray(specializer, arguments["m"]);
  if (x.rank() < 2)
    failArgument(specializer, "m", arguments.name, "an array of rank " + llvm::Twine(x.rank()));
  ArrayValue mask = byDiagonal(specializer, predicate, x.shape[x.rank() - 2], x.shape[x.rank() - 1],
                               arguments["k"]);
  mlir::Value spreadMask = spread(specializer, mask, x.shape).tensor;
  mlir::Value result =
      specializer.create<SelectOp>(spreadMask, x.tensor, specializer.constant(x.dtype, 0))
          .getResult();
  return specializer.newArray({x.dtype, x.shape, result});
}

Value tril(Specializer &specializer, const Arguments &arguments) {
  return triangle(specializer, arguments, ComparePredicate::le);
}
Value triu(Specializer &specializer, const Arguments &arguments) {
  return triangle(specializer, arguments, ComparePredicate::ge);
}

Value diag(Specializer &specializer, const Arguments &arguments) {
  ArrayValue v = toArray(specializer, arguments["v"]);
  if (v.rank() == 2) {
    CallArguments call;
    call.positional = {arguments["v"], arguments["k"]};
    return findLibraryFunction("numpy.diagonal")->call(specializer, call);
  }
  if (v.rank() != 1)
    failCertain(specializer, "ValueError", "Input must be 1- or 2-d.");
  std::optional<int64_t> k = specializer.knownInt(arguments["k"]);
  if (!k)
    specializer.fail(ErrorId::NotKnownHere, {"argument 'k' of 'numpy.diag'"});
  IntExpr size = v.shape.front() + IntExpr(std::abs(*k));
  ArrayValue mask = byDiagonal(specializer, ComparePredicate::eq, size, size, arguments["k"]);
  // Row i of the result holds v[i], or v[i + k] below the diagonal; padded with zeros to `size`.
  ArrayValue line = v;
  if (*k != 0) {
    Shape pad = {IntExpr(std::abs(*k))};
    ArrayValue zeros = {v.dtype, pad,
                        fill(specializer, specializer.constant(v.dtype, 0), v.dtype, pad)};
    line = concatenate(
        specializer,
        *k > 0 ? llvm::ArrayRef<ArrayValue>{v, zeros} : llvm::ArrayRef<ArrayValue>{zeros, v}, 0);
  }
  ArrayValue rows =
      spread(specializer, reshaped(specializer, line, {size, IntExpr(1)}), mask.shape);
  mlir::Value result =
      specializer.create<SelectOp>(mask.tensor, rows.tensor, specializer.constant(v.dtype, 0))
          .getResult();
  return specializer.newArray({v.dtype, mask.shape, result});
}

Value meshgrid(Specializer &specializer, const Arguments &arguments) {
  bool crossed = specializer.knownText(arguments["indexing"]).value_or("xy") == "xy";
  if (flag(specializer, arguments, "sparse"))
    failArgument(specializer, "sparse", arguments.name, "True");
  std::vector<ArrayValue> lines;
  for (const Value &value : arguments["xi"].as<TupleValue>()->items) {
    ArrayValue line = toArray(specializer, value);
    lines.push_back(reshaped(specializer, line, {product(line.shape)}));
  }
  // 'xy': the first two axes change places.
  auto axisOf = [&](size_t position) {
    return crossed && lines.size() > 1 && position < 2 ? 1 - position : position;
  };
  Shape shape(lines.size());
  for (size_t position = 0; position < lines.size(); ++position)
    shape[axisOf(position)] = lines[position].shape.front();
  ValueList grids;
  for (size_t position = 0; position < lines.size(); ++position) {
    Shape own(lines.size(), IntExpr(1));
    own[axisOf(position)] = lines[position].shape.front();
    grids.push_back(specializer.newArray(
        spread(specializer, reshaped(specializer, lines[position], own), shape)));
  }
  return specializer.newTuple(grids);
}

} // namespace mpy::library
