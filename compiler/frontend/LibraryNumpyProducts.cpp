// Products and norms by NumPy's names; the products themselves are in ArrayProducts.cpp.
#include "frontend/ArrayProducts.h"
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"

namespace mpy::library {

Value dotProduct(Specializer &s, const Arguments &arguments) {
  return finish(s, arguments, dot(s, arguments["a"], arguments["b"]));
}

Value matrixProduct(Specializer &s, const Arguments &arguments) {
  return finish(s, arguments, matmul(s, arguments["x1"], arguments["x2"]));
}

/// Both as arrays of their common type.
static std::pair<ArrayValue, ArrayValue> common(Specializer &s, const Value &x, const Value &y) {
  ArrayValue a = toArray(s, x), b = toArray(s, y);
  DType dtype = promote(a.dtype, b.dtype);
  return {castArray(s, a, dtype), castArray(s, b, dtype)};
}

Value inner(Specializer &s, const Arguments &arguments) {
  auto [x, y] = common(s, arguments["a"], arguments["b"]);
  if (x.rank() == 0 || y.rank() == 0)
    return applyBinary(s, BinaryFunction::Multiply, arguments["a"], arguments["b"]);
  int64_t axisOfX = x.rank() - 1, axisOfY = y.rank() - 1;
  CheckText text;
  text << "shapes " << x.shape << " and " << y.shape << " not aligned: " << x.shape[axisOfX] << " (dim "
       << IntExpr(axisOfX) << ") != " << y.shape[axisOfY] << " (dim " << IntExpr(axisOfY) << ")";
  checkEqual(s, x.shape[axisOfX], y.shape[axisOfY], "ValueError", text);
  return wrap(s, contract(s, x, y, {axisOfX}, {axisOfY}));
}

/// f(x[i], y[j]) for every pair of elements: shape of x, then shape of y.
static Value outerOf(Specializer &s, BinaryFunction function, ArrayValue x, const ArrayValue &y) {
  Shape shape = x.shape;
  shape.resize(shape.size() + y.rank(), IntExpr(1));
  return applyBinary(s, function, s.newArray(reshaped(s, x, shape)), s.newArray(y));
}

static ArrayValue flat(Specializer &s, const Value &value) {
  ArrayValue x = toArray(s, value);
  return reshaped(s, x, {product(x.shape)});
}

Value outer(Specializer &s, const Arguments &arguments) {
  return finish(s, arguments,
                outerOf(s, BinaryFunction::Multiply, flat(s, arguments["a"]), flat(s, arguments["b"])));
}

Value addOuter(Specializer &s, const Arguments &arguments) {
  return outerOf(s, BinaryFunction::Add, toArray(s, arguments["A"]), toArray(s, arguments["B"]));
}
Value subtractOuter(Specializer &s, const Arguments &arguments) {
  return outerOf(s, BinaryFunction::Subtract, toArray(s, arguments["A"]), toArray(s, arguments["B"]));
}
Value multiplyOuter(Specializer &s, const Arguments &arguments) {
  return outerOf(s, BinaryFunction::Multiply, toArray(s, arguments["A"]), toArray(s, arguments["B"]));
}

Value vdot(Specializer &s, const Arguments &arguments) {
  return dot(s, s.newArray(flat(s, arguments["a"])), s.newArray(flat(s, arguments["b"])));
}

Value tensordot(Specializer &s, const Arguments &arguments) {
  auto [x, y] = common(s, arguments["a"], arguments["b"]);
  llvm::SmallVector<int64_t> axesOfX, axesOfY;
  const Value &axes = arguments["axes"];
  if (std::optional<int64_t> count = s.knownInt(axes)) {
    if (*count < 0 || *count > int64_t(x.rank()) || *count > int64_t(y.rank()))
      failCertain(s, "IndexError", "tuple index out of range");
    for (int64_t position = 0; position < *count; ++position) {
      axesOfX.push_back(x.rank() - *count + position);
      axesOfY.push_back(position);
    }
  } else {
    std::optional<ValueList> pair = s.knownItems(axes);
    if (!pair || pair->size() != 2)
      failArgument(s, "axes", arguments.name, s.describe(axes));
    auto fill = [&](const Value &value, const ArrayValue &array, llvm::SmallVectorImpl<int64_t> &result) {
      for (int64_t axis : toKnownInts(s, value, "an axis"))
        result.push_back(normalizeAxis(s, s.makeInt(IntExpr(axis)), array.rank()));
    };
    fill((*pair)[0], x, axesOfX);
    fill((*pair)[1], y, axesOfY);
  }
  CheckText text{"shape-mismatch for sum", {}};
  if (axesOfX.size() != axesOfY.size())
    failCertain(s, "ValueError", text.text);
  for (auto [one, other] : llvm::zip(axesOfX, axesOfY))
    checkEqual(s, x.shape[one], y.shape[other], "ValueError", text);
  if (axesOfX.empty())
    return outerOf(s, BinaryFunction::Multiply, x, y);
  ArrayValue result = contract(s, x, y, axesOfX, axesOfY);
  // np.tensordot gives an array, of rank 0 too.
  return s.newArray(result);
}

Value einsumOf(Specializer &s, const Arguments &arguments) {
  std::optional<std::string> pattern = s.knownText(arguments["subscripts"]);
  if (!pattern)
    s.fail(ErrorId::NotKnownHere, {"the pattern of 'numpy.einsum'"});
  return finish(s, arguments, einsum(s, *pattern, arguments["operands"].as<TupleValue>()->items));
}

Value kron(Specializer &s, const Arguments &arguments) {
  auto [x, y] = common(s, arguments["a"], arguments["b"]);
  size_t rank = std::max(x.rank(), y.rank());
  auto raise = [&](ArrayValue array) {
    Shape shape = array.shape;
    shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
    return reshaped(s, array, shape);
  };
  x = raise(x);
  y = raise(y);
  Shape shapeOfX, shapeOfY, result;
  for (size_t axis = 0; axis < rank; ++axis) {
    shapeOfX.insert(shapeOfX.end(), {x.shape[axis], IntExpr(1)});
    shapeOfY.insert(shapeOfY.end(), {IntExpr(1), y.shape[axis]});
    result.push_back(x.shape[axis] * y.shape[axis]);
  }
  Value products = applyBinary(s, BinaryFunction::Multiply, s.newArray(reshaped(s, x, shapeOfX)),
                               s.newArray(reshaped(s, y, shapeOfY)));
  return s.newArray(reshaped(s, toArray(s, products), result));
}

//===--- Norms ---===//

static ArrayValue absolute(Specializer &s, const ArrayValue &x) {
  return arrayOf(s, x.dtype, x.shape, s.create<AbsOp>(element(s, x)).getResult());
}

/// sqrt(sum(x * x)), with derivative 0 where the sum is 0.
static ArrayValue euclidean(Specializer &s, const ArrayValue &x, llvm::ArrayRef<int64_t> axes, bool keep) {
  mlir::Value squares = s.create<SquareOp>(element(s, x)).getResult();
  ArrayValue sum = reduce(s, Reduction::Sum, arrayOf(s, x.dtype, x.shape, squares), axes, keep);
  return arrayOf(s, x.dtype, sum.shape, rootOfSum(s, element(s, sum), x.dtype));
}

static ArrayValue vectorNorm(Specializer &s, const Arguments &arguments, const ArrayValue &x, double order,
                             llvm::ArrayRef<int64_t> axes, bool keep) {
  if (order == 2)
    return euclidean(s, x, axes, keep);
  ArrayValue size = absolute(s, x);
  if (order == 1)
    return reduce(s, Reduction::Sum, size, axes, keep);
  if (std::isinf(order))
    return reduce(s, order > 0 ? Reduction::Max : Reduction::Min, size, axes, keep);
  if (order == 0) {
    mlir::Value isThere =
        s.create<CompareOp>(ComparePredicate::ne, element(s, x), s.constant(x.dtype, 0)).getResult();
    ArrayValue ones = castArray(s, arrayOf(s, DType::Bool, x.shape, isThere), x.dtype);
    return reduce(s, Reduction::Sum, ones, axes, keep);
  }
  mlir::Value powers = s.create<PowOp>(element(s, size), s.constant(x.dtype, order)).getResult();
  ArrayValue sum = reduce(s, Reduction::Sum, arrayOf(s, x.dtype, x.shape, powers), axes, keep);
  mlir::Value total = element(s, sum), zero = s.constant(x.dtype, 0);
  mlir::Value isZero = s.create<CompareOp>(ComparePredicate::eq, total, zero).getResult();
  mlir::Value safe = s.create<SelectOp>(isZero, s.constant(x.dtype, 1), total).getResult();
  mlir::Value root = s.create<PowOp>(safe, s.constant(x.dtype, 1 / order)).getResult();
  if (order > 0)
    root = s.create<SelectOp>(isZero, zero, root).getResult();
  else
    root = s.create<SelectOp>(isZero, s.constant(x.dtype, std::numeric_limits<double>::infinity()), root).getResult();
  return arrayOf(s, x.dtype, sum.shape, root);
}

Value norm(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["x"]);
  if (!isFloat(x.dtype))
    x = castArray(s, x, DType::Float64);
  bool keep = flag(s, arguments, "keepdims");
  const Value &ord = arguments["ord"];
  std::vector<int64_t> axes = toAxes(s, arguments["axis"], x.rank());
  if (ord.isNone() && (arguments["axis"].isNone() || axes.size() <= 2))
    return wrap(s, euclidean(s, x, axes, keep));
  if (axes.size() > 2)
    failCertain(s, "ValueError", "Improper number of dimensions to norm.");
  if (std::optional<std::string> name = s.knownText(ord)) {
    if (*name == "fro" && axes.size() == 2)
      return wrap(s, euclidean(s, x, axes, keep));
    failArgument(s, "ord", arguments.name, "'" + *name + "'");
  }
  const Scalar *number = ord.get<Scalar>();
  std::optional<double> order = number ? number->knownFloat : std::nullopt;
  if (std::optional<int64_t> whole = s.knownInt(ord))
    order = double(*whole);
  if (!order)
    s.fail(ErrorId::NotKnownHere, {"argument 'ord' of 'numpy.linalg.norm'"});
  if (axes.size() == 1)
    return wrap(s, vectorNorm(s, arguments, x, *order, axes, keep));
  // Of matrices: the largest or smallest sum along columns (1) or rows (inf).
  if (std::abs(*order) == 2 || (!std::isinf(*order) && std::abs(*order) != 1))
    failArgument(s, "ord", arguments.name, "this for a matrix", "use None, 'fro', 1, -1, inf or -inf");
  int64_t summed = std::isinf(*order) ? axes[1] : axes[0], kept = std::isinf(*order) ? axes[0] : axes[1];
  ArrayValue sums = reduce(s, Reduction::Sum, absolute(s, x), {summed}, true);
  ArrayValue result = reduce(s, *order > 0 ? Reduction::Max : Reduction::Min, sums, {kept}, true);
  if (keep)
    return wrap(s, result);
  Shape shape;
  for (auto [axis, extent] : llvm::enumerate(x.shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      shape.push_back(extent);
  return wrap(s, reshaped(s, result, shape));
}

} // namespace mpy::library
