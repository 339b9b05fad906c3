// Products and norms by NumPy's names; the products themselves are in ArrayProducts.cpp.
#include "frontend/arrays/ArrayProducts.h"
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/library/Library.h"

namespace mpy::library {

Value dotProduct(Specializer &specializer, const Arguments &arguments) {
  return finish(specializer, arguments, dot(specializer, arguments["a"], arguments["b"]));
}

Value matrixProduct(Specializer &specializer, const Arguments &arguments) {
  return finish(specializer, arguments, matmul(specializer, arguments["x1"], arguments["x2"]));
}

/// Both as arrays of their common type.
static std::pair<ArrayValue, ArrayValue> common(Specializer &specializer, const Value &x,
                                                const Value &y) {
  ArrayValue a = toArray(specializer, x), b = toArray(specializer, y);
  DType dtype = promote(a.dtype, b.dtype);
  return {castArray(specializer, a, dtype), castArray(specializer, b, dtype)};
}

Value inner(Specializer &specializer, const Arguments &arguments) {
  auto [x, y] = common(specializer, arguments["a"], arguments["b"]);
  if (x.rank() == 0 || y.rank() == 0)
    return applyBinary(specializer, BinaryFunction::Multiply, arguments["a"], arguments["b"]);
  int64_t axisOfX = x.rank() - 1, axisOfY = y.rank() - 1;
  CheckText text;
  text << "shapes " << x.shape << " and " << y.shape << " not aligned: " << x.shape[axisOfX]
       << " (dim " << IntExpr(axisOfX) << ") != " << y.shape[axisOfY] << " (dim "
       << IntExpr(axisOfY) << ")";
  checkEqual(specializer, x.shape[axisOfX], y.shape[axisOfY], "ValueError", text);
  return wrap(specializer, contract(specializer, x, y, {axisOfX}, {axisOfY}));
}

/// f(x[i], y[j]) for every pair of elements: shape of x, then shape of y.
static Value outerOf(Specializer &specializer, BinaryFunction function, ArrayValue x,
                     const ArrayValue &y) {
  Shape shape = x.shape;
  shape.resize(shape.size() + y.rank(), IntExpr(1));
  return applyBinary(specializer, function, specializer.newArray(reshaped(specializer, x, shape)),
                     specializer.newArray(y));
}

static ArrayValue flat(Specializer &specializer, const Value &value) {
  ArrayValue x = toArray(specializer, value);
  return reshaped(specializer, x, {product(x.shape)});
}

Value outer(Specializer &specializer, const Arguments &arguments) {
  return finish(specializer, arguments,
                outerOf(specializer, BinaryFunction::Multiply, flat(specializer, arguments["a"]),
                        flat(specializer, arguments["b"])));
}

Value addOuter(Specializer &specializer, const Arguments &arguments) {
  return outerOf(specializer, BinaryFunction::Add, toArray(specializer, arguments["A"]),
                 toArray(specializer, arguments["B"]));
}
Value subtractOuter(Specializer &specializer, const Arguments &arguments) {
  return outerOf(specializer, BinaryFunction::Subtract, toArray(specializer, arguments["A"]),
                 toArray(specializer, arguments["B"]));
}
Value multiplyOuter(Specializer &specializer, const Arguments &arguments) {
  return outerOf(specializer, BinaryFunction::Multiply, toArray(specializer, arguments["A"]),
                 toArray(specializer, arguments["B"]));
}

Value vdot(Specializer &specializer, const Arguments &arguments) {
  return dot(specializer, specializer.newArray(flat(specializer, arguments["a"])),
             specializer.newArray(flat(specializer, arguments["b"])));
}

Value tensordot(Specializer &specializer, const Arguments &arguments) {
  auto [x, y] = common(specializer, arguments["a"], arguments["b"]);
  llvm::SmallVector<int64_t> axesOfX, axesOfY;
  const Value &axes = arguments["axes"];
  if (std::optional<int64_t> count = specializer.knownInt(axes)) {
    if (*count < 0 || *count > int64_t(x.rank()) || *count > int64_t(y.rank()))
      failCertain(specializer, "IndexError", "tuple index out of range");
    for (int64_t position = 0; position < *count; ++position) {
      axesOfX.push_back(x.rank() - *count + position);
      axesOfY.push_back(position);
    }
  } else {
    std::optional<ValueList> pair = specializer.knownItems(axes);
    if (!pair || pair->size() != 2)
      failArgument(specializer, "axes", arguments.name, specializer.describe(axes));
    auto fill = [&](const Value &value, const ArrayValue &array,
                    llvm::SmallVectorImpl<int64_t> &result) {
      for (int64_t axis : toKnownInts(specializer, value, "an axis"))
        result.push_back(
            normalizeAxis(specializer, specializer.makeInt(IntExpr(axis)), array.rank()));
    };
    fill((*pair)[0], x, axesOfX);
    fill((*pair)[1], y, axesOfY);
  }
  CheckText text{"shape-mismatch for sum", {}};
  if (axesOfX.size() != axesOfY.size())
    failCertain(specializer, "ValueError", text.text);
  for (auto [one, other] : llvm::zip(axesOfX, axesOfY))
    checkEqual(specializer, x.shape[one], y.shape[other], "ValueError", text);
  if (axesOfX.empty())
    return outerOf(specializer, BinaryFunction::Multiply, x, y);
  ArrayValue result = contract(specializer, x, y, axesOfX, axesOfY);
  // np.tensordot gives an array, of rank 0 too.
  return newArrayOf(specializer, result);
}

Value einsumOf(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> pattern = specializer.knownText(arguments["subscripts"]);
  if (!pattern)
    specializer.fail(ErrorId::NotKnownHere, {"the pattern of 'numpy.einsum'"});
  return finish(specializer, arguments,
                einsum(specializer, *pattern, arguments["operands"].as<TupleValue>()->items));
}

Value kron(Specializer &specializer, const Arguments &arguments) {
  auto [x, y] = common(specializer, arguments["a"], arguments["b"]);
  size_t rank = std::max(x.rank(), y.rank());
  auto raise = [&](ArrayValue array) {
    Shape shape = array.shape;
    shape.insert(shape.begin(), rank - shape.size(), IntExpr(1));
    return reshaped(specializer, array, shape);
  };
  x = raise(x);
  y = raise(y);
  Shape shapeOfX, shapeOfY, result;
  for (size_t axis = 0; axis < rank; ++axis) {
    shapeOfX.insert(shapeOfX.end(), {x.shape[axis], IntExpr(1)});
    shapeOfY.insert(shapeOfY.end(), {IntExpr(1), y.shape[axis]});
    result.push_back(x.shape[axis] * y.shape[axis]);
  }
  Value products = applyBinary(specializer, BinaryFunction::Multiply,
                               specializer.newArray(reshaped(specializer, x, shapeOfX)),
                               specializer.newArray(reshaped(specializer, y, shapeOfY)));
  return specializer.newArray(reshaped(specializer, toArray(specializer, products), result));
}

//===--- Norms ---===//

static ArrayValue absolute(Specializer &specializer, const ArrayValue &x) {
  return arrayOf(specializer, x.dtype, x.shape,
                 specializer.create<AbsOp>(element(specializer, x)).getResult());
}

/// sqrt(sum(x * x)), with derivative 0 where the sum is 0.
static ArrayValue euclidean(Specializer &specializer, const ArrayValue &x,
                            llvm::ArrayRef<int64_t> axes, bool keep) {
  mlir::Value squares = specializer.create<SquareOp>(element(specializer, x)).getResult();
  ArrayValue sum = reduce(specializer, Reduction::Sum,
                          arrayOf(specializer, x.dtype, x.shape, squares), axes, keep);
  return arrayOf(specializer, x.dtype, sum.shape,
                 rootOfSum(specializer, element(specializer, sum), x.dtype));
}

static ArrayValue vectorNorm(Specializer &specializer, const Arguments &arguments,
                             const ArrayValue &x, double order, llvm::ArrayRef<int64_t> axes,
                             bool keep) {
  if (order == 2)
    return euclidean(specializer, x, axes, keep);
  ArrayValue size = absolute(specializer, x);
  if (order == 1)
    return reduce(specializer, Reduction::Sum, size, axes, keep);
  if (std::isinf(order))
    return reduce(specializer, order > 0 ? Reduction::Max : Reduction::Min, size, axes, keep);
  if (order == 0) {
    mlir::Value isThere = specializer
                              .create<CompareOp>(ComparePredicate::ne, element(specializer, x),
                                                 specializer.constant(x.dtype, 0))
                              .getResult();
    ArrayValue ones =
        castArray(specializer, arrayOf(specializer, DType::Bool, x.shape, isThere), x.dtype);
    return reduce(specializer, Reduction::Sum, ones, axes, keep);
  }
  mlir::Value powers =
      specializer.create<PowOp>(element(specializer, size), specializer.constant(x.dtype, order))
          .getResult();
  ArrayValue sum = reduce(specializer, Reduction::Sum,
                          arrayOf(specializer, x.dtype, x.shape, powers), axes, keep);
  mlir::Value total = element(specializer, sum), zero = specializer.constant(x.dtype, 0);
  mlir::Value isZero = specializer.create<CompareOp>(ComparePredicate::eq, total, zero).getResult();
  mlir::Value safe =
      specializer.create<SelectOp>(isZero, specializer.constant(x.dtype, 1), total).getResult();
  mlir::Value root =
      specializer.create<PowOp>(safe, specializer.constant(x.dtype, 1 / order)).getResult();
  if (order > 0)
    root = specializer.create<SelectOp>(isZero, zero, root).getResult();
  else
    root = specializer
               .create<SelectOp>(
                   isZero, specializer.constant(x.dtype, std::numeric_limits<double>::infinity()),
                   root)
               .getResult();
  return arrayOf(specializer, x.dtype, sum.shape, root);
}

Value norm(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["x"]);
  if (!isFloat(x.dtype))
    x = castArray(specializer, x, DType::Float64);
  bool keep = flag(specializer, arguments, "keepdims");
  const Value &ord = arguments["ord"];
  std::vector<int64_t> axes = toAxes(specializer, arguments["axis"], x.rank());
  if (ord.isNone() && (arguments["axis"].isNone() || axes.size() <= 2))
    return wrap(specializer, euclidean(specializer, x, axes, keep));
  if (axes.size() > 2)
    failCertain(specializer, "ValueError", "Improper number of dimensions to norm.");
  if (std::optional<std::string> name = specializer.knownText(ord)) {
    if (*name == "fro" && axes.size() == 2)
      return wrap(specializer, euclidean(specializer, x, axes, keep));
    failArgument(specializer, "ord", arguments.name, "'" + *name + "'");
  }
  const Scalar *number = ord.get<Scalar>();
  std::optional<double> order = number ? number->knownFloat : std::nullopt;
  if (std::optional<int64_t> whole = specializer.knownInt(ord))
    order = double(*whole);
  if (!order)
    specializer.fail(ErrorId::NotKnownHere, {"argument 'ord' of 'numpy.linalg.norm'"});
  if (axes.size() == 1)
    return wrap(specializer, vectorNorm(specializer, arguments, x, *order, axes, keep));
  // Of matrices: the largest or smallest sum along columns (1) or rows (inf).
  if (std::abs(*order) == 2 || (!std::isinf(*order) && std::abs(*order) != 1))
    failArgument(specializer, "ord", arguments.name, "this for a matrix",
                 "use None, 'fro', 1, -1, inf or -inf");
  int64_t summed = std::isinf(*order) ? axes[1] : axes[0],
          kept = std::isinf(*order) ? axes[0] : axes[1];
  ArrayValue sums = reduce(specializer, Reduction::Sum, absolute(specializer, x), {summed}, true);
  ArrayValue result =
      reduce(specializer, *order > 0 ? Reduction::Max : Reduction::Min, sums, {kept}, true);
  if (keep)
    return wrap(specializer, result);
  Shape shape;
  for (auto [axis, extent] : llvm::enumerate(x.shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      shape.push_back(extent);
  return wrap(specializer, reshaped(specializer, result, shape));
}

} // namespace mpy::library
