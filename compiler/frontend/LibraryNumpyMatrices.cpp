// Matrices made by position: eye, tri, tril, triu, diag, meshgrid. Each compares row and column numbers.
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"

namespace mpy::library {

/// Whether column - row stands in a relation to k, as bools of shape (rows, columns).
static ArrayValue byDiagonal(Specializer &s, ComparePredicate predicate, const IntExpr &rows, const IntExpr &columns,
                             const Value &k) {
  Shape shape = {rows, columns}, down = {rows, IntExpr(1)}, across = {IntExpr(1), columns};
  mlir::Value row = spread(s, reshaped(s, iota(s, rows), down), shape).tensor;
  mlir::Value column = spread(s, reshaped(s, iota(s, columns), across), shape).tensor;
  mlir::Value offset = s.ssaAs(s.makeInt(toExtents(s, k).front()), DType::Int64);
  mlir::Value shifted = s.create<AddOp>(row, offset).getResult();
  return {DType::Bool, shape, s.create<CompareOp>(predicate, column, shifted).getResult()};
}

Value eye(Specializer &s, const Arguments &arguments) {
  IntExpr rows = toExtents(s, arguments["N"]).front();
  IntExpr columns = arguments.has("M") ? toExtents(s, arguments["M"]).front() : rows;
  DType dtype = toDType(s, arguments["dtype"]).value_or(DType::Float64);
  return s.newArray(castArray(s, byDiagonal(s, ComparePredicate::eq, rows, columns, arguments["k"]), dtype));
}

Value identity(Specializer &s, const Arguments &arguments) {
  IntExpr rows = toExtents(s, arguments["n"]).front();
  DType dtype = toDType(s, arguments["dtype"]).value_or(DType::Float64);
  return s.newArray(
      castArray(s, byDiagonal(s, ComparePredicate::eq, rows, rows, s.makeInt(IntExpr(0))), dtype));
}

Value tri(Specializer &s, const Arguments &arguments) {
  IntExpr rows = toExtents(s, arguments["N"]).front();
  IntExpr columns = arguments.has("M") ? toExtents(s, arguments["M"]).front() : rows;
  DType dtype = toDType(s, arguments["dtype"]).value_or(DType::Float64);
  return s.newArray(castArray(s, byDiagonal(s, ComparePredicate::le, rows, columns, arguments["k"]), dtype));
}

static Value triangle(Specializer &s, const Arguments &arguments, ComparePredicate predicate) {
  ArrayValue x = toArray(s, arguments["m"]);
  if (x.rank() < 2)
    failArgument(s, "m", arguments.name, "an array of rank " + llvm::Twine(x.rank()));
  ArrayValue mask = byDiagonal(s, predicate, x.shape[x.rank() - 2], x.shape[x.rank() - 1], arguments["k"]);
  mlir::Value spreadMask = spread(s, mask, x.shape).tensor;
  mlir::Value result = s.create<SelectOp>(spreadMask, x.tensor, s.constant(x.dtype, 0)).getResult();
  return s.newArray({x.dtype, x.shape, result});
}

Value tril(Specializer &s, const Arguments &arguments) { return triangle(s, arguments, ComparePredicate::le); }
Value triu(Specializer &s, const Arguments &arguments) { return triangle(s, arguments, ComparePredicate::ge); }

Value diag(Specializer &s, const Arguments &arguments) {
  ArrayValue v = toArray(s, arguments["v"]);
  if (v.rank() == 2) {
    CallArguments call;
    call.positional = {arguments["v"], arguments["k"]};
    return findLibraryFunction("numpy.diagonal")->call(s, call);
  }
  if (v.rank() != 1)
    failCertain(s, "ValueError", "Input must be 1- or 2-d.");
  std::optional<int64_t> k = s.knownInt(arguments["k"]);
  if (!k)
    s.fail(ErrorId::NotKnownHere, {"argument 'k' of 'numpy.diag'"});
  IntExpr size = v.shape.front() + IntExpr(std::abs(*k));
  ArrayValue mask = byDiagonal(s, ComparePredicate::eq, size, size, arguments["k"]);
  // Row i of the result holds v[i], or v[i + k] below the diagonal; padded with zeros to `size`.
  ArrayValue line = v;
  if (*k != 0) {
    Shape pad = {IntExpr(std::abs(*k))};
    ArrayValue zeros = {v.dtype, pad, fill(s, s.constant(v.dtype, 0), v.dtype, pad)};
    line = concatenate(s, *k > 0 ? llvm::ArrayRef<ArrayValue>{v, zeros} : llvm::ArrayRef<ArrayValue>{zeros, v}, 0);
  }
  ArrayValue rows = spread(s, reshaped(s, line, {size, IntExpr(1)}), mask.shape);
  mlir::Value result = s.create<SelectOp>(mask.tensor, rows.tensor, s.constant(v.dtype, 0)).getResult();
  return s.newArray({v.dtype, mask.shape, result});
}

Value meshgrid(Specializer &s, const Arguments &arguments) {
  bool crossed = s.knownText(arguments["indexing"]).value_or("xy") == "xy";
  if (flag(s, arguments, "sparse"))
    failArgument(s, "sparse", arguments.name, "True");
  std::vector<ArrayValue> lines;
  for (const Value &value : arguments["xi"].as<TupleValue>()->items) {
    ArrayValue line = toArray(s, value);
    lines.push_back(reshaped(s, line, {product(line.shape)}));
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
    grids.push_back(s.newArray(spread(s, reshaped(s, lines[position], own), shape)));
  }
  return s.newTuple(grids);
}

} // namespace mpy::library
