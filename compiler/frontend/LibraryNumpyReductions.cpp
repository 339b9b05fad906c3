// sum, mean, max and their relatives: axis, dtype, keepdims, initial and out around the reductions of ArrayReductions.
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"
#include "frontend/ArrayProducts.h"
#include "frontend/Library.h"

namespace mpy::library {

static bool keeps(Specializer &s, const Arguments &arguments) { return flag(s, arguments, "keepdims"); }

/// Sums and products of bool and int32 are computed in int64.
static ArrayValue accumulated(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  DType dtype = x.dtype == DType::Bool || x.dtype == DType::Int32 ? DType::Int64 : x.dtype;
  return castArray(s, x, toDType(s, arguments["dtype"]).value_or(dtype));
}

/// Combines a result with `initial`.
static ArrayValue withInitial(Specializer &s, const Arguments &arguments, ArrayValue result,
                              llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine) {
  if (!arguments.has("initial"))
    return result;
  Operand initial = makeOperand(s, arguments["initial"]);
  if (!initial.isScalar)
    failArgument(s, "initial", arguments.name, "an array");
  mlir::Value combined = combine(element(s, result), convert(s, initial, result.dtype));
  return arrayOf(s, result.dtype, result.shape, combined);
}

Value sum(Specializer &s, const Arguments &arguments) {
  refuse(s, arguments, "where");
  ArrayValue x = accumulated(s, arguments);
  ArrayValue result = reduce(s, Reduction::Sum, x, toAxes(s, arguments["axis"], x.rank()), keeps(s, arguments));
  result = withInitial(s, arguments, result,
                       [&](mlir::Value a, mlir::Value b) { return s.create<AddOp>(a, b).getResult(); });
  return finish(s, arguments, wrap(s, result));
}

Value prod(Specializer &s, const Arguments &arguments) {
  refuse(s, arguments, "where");
  ArrayValue x = accumulated(s, arguments);
  ArrayValue result = reduce(s, Reduction::Prod, x, toAxes(s, arguments["axis"], x.rank()), keeps(s, arguments));
  result = withInitial(s, arguments, result,
                       [&](mlir::Value a, mlir::Value b) { return s.create<MulOp>(a, b).getResult(); });
  return finish(s, arguments, wrap(s, result));
}

static ArrayValue floatInput(Specializer &s, const Arguments &arguments) {
  refuse(s, arguments, "where");
  ArrayValue x = toArray(s, arguments["a"]);
  if (std::optional<DType> dtype = toDType(s, arguments["dtype"]))
    x = castArray(s, x, *dtype);
  return x;
}

Value mean(Specializer &s, const Arguments &arguments) {
  ArrayValue x = floatInput(s, arguments);
  return finish(s, arguments, wrap(s, meanOver(s, x, toAxes(s, arguments["axis"], x.rank()), keeps(s, arguments))));
}

static double ddofOf(Specializer &s, const Arguments &arguments) {
  const Scalar *scalar = arguments["ddof"].get<Scalar>();
  if (scalar && scalar->knownFloat)
    return *scalar->knownFloat;
  if (std::optional<int64_t> whole = s.knownInt(arguments["ddof"]))
    return double(*whole);
  s.fail(ErrorId::NotKnownHere, {"argument 'ddof' of '" + std::string(arguments.name) + "'"});
}

static ArrayValue variance(Specializer &s, const Arguments &arguments) {
  ArrayValue x = floatInput(s, arguments);
  return varianceOver(s, x, toAxes(s, arguments["axis"], x.rank()), ddofOf(s, arguments), keeps(s, arguments));
}

Value var(Specializer &s, const Arguments &arguments) { return finish(s, arguments, wrap(s, variance(s, arguments))); }

Value standardDeviation(Specializer &s, const Arguments &arguments) {
  ArrayValue result = variance(s, arguments);
  mlir::Value root = rootOfSum(s, element(s, result), result.dtype);
  return finish(s, arguments, wrap(s, arrayOf(s, result.dtype, result.shape, root)));
}

Value average(Specializer &s, const Arguments &arguments) {
  if (flag(s, arguments, "returned"))
    failArgument(s, "returned", arguments.name, "True");
  ArrayValue x = toArray(s, arguments["a"]);
  std::vector<int64_t> axes = toAxes(s, arguments["axis"], x.rank());
  if (!arguments.has("weights"))
    return wrap(s, meanOver(s, x, axes, keeps(s, arguments)));
  ArrayValue weights = toArray(s, arguments["weights"]);
  DType dtype = promote(x.dtype, weights.dtype);
  if (!isFloat(dtype))
    dtype = DType::Float64;
  x = castArray(s, x, dtype);
  weights = castArray(s, weights, dtype);
  if (weights.rank() != x.rank()) {
    if (axes.size() != 1 || weights.rank() != 1)
      failCertain(s, "TypeError", "Axis must be specified when shapes of a and weights differ.");
    Shape shape(x.rank(), IntExpr(1));
    shape[axes.front()] = weights.shape.front();
    weights = reshaped(s, weights, shape);
  }
  weights = spread(s, weights, broadcastShapes(s, {x.shape, weights.shape}));
  mlir::Value products = s.create<MulOp>(x.tensor, weights.tensor).getResult();
  ArrayValue total = reduce(s, Reduction::Sum, {dtype, x.shape, products}, axes, keeps(s, arguments));
  ArrayValue scale = reduce(s, Reduction::Sum, weights, axes, keeps(s, arguments));
  mlir::Value result = s.create<DivOp>(element(s, total), element(s, scale)).getResult();
  return wrap(s, arrayOf(s, dtype, total.shape, result));
}

static Value extreme(Specializer &s, const Arguments &arguments, Reduction reduction) {
  refuse(s, arguments, "where");
  ArrayValue x = toArray(s, arguments["a"]);
  std::vector<int64_t> axes = toAxes(s, arguments["axis"], x.rank());
  if (arguments.has("initial")) {
    // One more element: the extreme of nothing is `initial`.
    Shape extra = x.shape;
    for (int64_t axis : axes)
      extra[axis] = 1;
    if (!axes.empty()) {
      Operand initial = makeOperand(s, arguments["initial"]);
      ArrayValue first = {x.dtype, extra, fill(s, convert(s, initial, x.dtype), x.dtype, extra)};
      if (axes.size() > 1)
        failArgument(s, "initial", arguments.name, "given with several axes");
      x = concatenate(s, {first, x}, axes.front());
    }
  }
  return finish(s, arguments, wrap(s, reduce(s, reduction, x, axes, keeps(s, arguments))));
}

Value maximumOf(Specializer &s, const Arguments &arguments) { return extreme(s, arguments, Reduction::Max); }
Value minimumOf(Specializer &s, const Arguments &arguments) { return extreme(s, arguments, Reduction::Min); }

Value peakToPeak(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  std::vector<int64_t> axes = toAxes(s, arguments["axis"], x.rank());
  Value high = wrap(s, reduce(s, Reduction::Max, x, axes, keeps(s, arguments)));
  Value low = wrap(s, reduce(s, Reduction::Min, x, axes, keeps(s, arguments)));
  return finish(s, arguments, applyBinary(s, BinaryFunction::Subtract, high, low));
}

template <typename OpType>
static Value positionOf(Specializer &s, const Arguments &arguments, llvm::StringRef name) {
  ArrayValue x = toArray(s, arguments["a"]);
  if (x.dtype == DType::Bool)
    x = castArray(s, x, DType::Int32);
  Shape kept = x.shape;
  int64_t axis = 0;
  if (arguments.has("axis")) {
    axis = normalizeAxis(s, arguments["axis"], std::max<int64_t>(x.rank(), 1));
    if (x.rank())
      kept[axis] = 1;
  } else {
    kept.assign(x.rank(), IntExpr(1));
    x = reshaped(s, x, {product(x.shape)});
  }
  if (x.rank() == 0)
    x = reshaped(s, x, {IntExpr(1)});
  CheckText text;
  text << "attempt to get " << name << " of an empty sequence";
  const IntExpr extent = x.shape[axis];
  if (!extent.known() || *extent.known() == 0)
    check(s, compareInts(s, mlir::arith::CmpIPredicate::ne, extent, 0), "ValueError", text);
  Shape shape = x.shape;
  shape.erase(shape.begin() + axis);
  ArrayValue result = arrayOf(s, DType::Int64, shape, s.create<OpType>(x.tensor, axis).getResult());
  if (keeps(s, arguments))
    result = reshaped(s, result, kept);
  return finish(s, arguments, wrap(s, result));
}

Value argmax(Specializer &s, const Arguments &arguments) { return positionOf<ArgMaxOp>(s, arguments, "argmax"); }
Value argmin(Specializer &s, const Arguments &arguments) { return positionOf<ArgMinOp>(s, arguments, "argmin"); }

static Value logical(Specializer &s, const Arguments &arguments, Reduction reduction) {
  refuse(s, arguments, "where");
  ArrayValue x = castArray(s, toArray(s, arguments["a"]), DType::Bool);
  return finish(s, arguments,
                wrap(s, reduce(s, reduction, x, toAxes(s, arguments["axis"], x.rank()), keeps(s, arguments))));
}

Value any(Specializer &s, const Arguments &arguments) { return logical(s, arguments, Reduction::Any); }
Value all(Specializer &s, const Arguments &arguments) { return logical(s, arguments, Reduction::All); }

Value countNonzero(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  x = castArray(s, castArray(s, x, DType::Bool), DType::Int64);
  ArrayValue result = reduce(s, Reduction::Sum, x, toAxes(s, arguments["axis"], x.rank()), keeps(s, arguments));
  // Without an axis NumPy gives Python's int.
  if (!arguments.has("axis") && result.shape.empty())
    return s.makeInt(element(s, result));
  return wrap(s, result);
}

Value cumsum(Specializer &s, const Arguments &arguments) {
  ArrayValue x = accumulated(s, arguments);
  int64_t axis = 0;
  if (arguments.has("axis") && x.rank())
    axis = normalizeAxis(s, arguments["axis"], x.rank());
  else
    x = reshaped(s, x, {product(x.shape)});
  mlir::Value result = s.create<CumsumOp>(x.tensor.getType(), x.tensor, axis, /*reverse=*/false).getResult();
  return finish(s, arguments, s.newArray({x.dtype, x.shape, result}));
}

Value diff(Specializer &s, const Arguments &arguments) {
  std::optional<int64_t> order = s.knownInt(arguments["n"]);
  if (!order || *order < 0)
    s.fail(ErrorId::NotKnownHere, {"argument 'n' of 'numpy.diff'"});
  ObjectId object = objectOf(s, arguments["a"]);
  Value result = ObjectRef{object};
  int64_t rank = s.heap.get<ArrayState>(object)->shape.size();
  if (rank == 0)
    failCertain(s, "ValueError", "diff requires input that is at least one dimensional");
  int64_t axis = normalizeAxis(s, arguments["axis"], rank);
  for (int64_t time = 0; time < *order; ++time) {
    auto part = [&](Value start, Value stop) {
      ValueList index(axis, std::make_shared<const SliceValue>());
      for (Value &item : index)
        item = std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, NoneValue{}});
      index.push_back(std::make_shared<const SliceValue>(SliceValue{start, stop, NoneValue{}}));
      return arraySubscript(s, *s.arrayObject(result), s.newTuple(index));
    };
    Value upper = part(s.makeInt(IntExpr(1)), NoneValue{}), lower = part(NoneValue{}, s.makeInt(IntExpr(-1)));
    bool isBool = s.heap.get<ArrayState>(*s.arrayObject(result))->dtype == DType::Bool;
    result = applyBinary(s, isBool ? BinaryFunction::BitXor : BinaryFunction::Subtract, upper, lower);
  }
  return result;
}

Value trace(Specializer &s, const Arguments &arguments) {
  CallArguments call;
  call.positional = {arguments["a"], arguments["offset"], arguments["axis1"], arguments["axis2"]};
  ArrayValue line = toArray(s, findLibraryFunction("numpy.diagonal")->call(s, call));
  if (line.dtype == DType::Bool || line.dtype == DType::Int32)
    line = castArray(s, line, DType::Int64);
  line = castArray(s, line, toDType(s, arguments["dtype"]).value_or(line.dtype));
  return finish(s, arguments, wrap(s, sumOver(s, line, {int64_t(line.rank()) - 1})));
}

Value median(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a"]);
  if (!isFloat(x.dtype))
    x = castArray(s, x, DType::Float64);
  if (keeps(s, arguments))
    failArgument(s, "keepdims", arguments.name, "True");
  int64_t axis = 0;
  if (arguments.has("axis"))
    axis = normalizeAxis(s, arguments["axis"], x.rank());
  else
    x = reshaped(s, x, {product(x.shape)});
  llvm::SmallVector<int64_t> order;
  for (int64_t other = 0; other < int64_t(x.rank()); ++other)
    if (other != axis)
      order.push_back(other);
  order.push_back(axis);
  CallArguments call;
  call.positional = {s.newArray(permuted(s, x, order))};
  Value sorted = findLibraryFunction("numpy.sort")->call(s, call);
  ObjectId object = *s.arrayObject(sorted);
  IntExpr count = x.shape[axis];
  if (!count.known() || *count.known() == 0)
    check(s, compareInts(s, mlir::arith::CmpIPredicate::ne, count, 0), "IndexError",
          CheckText{"cannot do a non-empty take from an empty axes.", {}});
  auto at = [&](const IntExpr &position) {
    return arraySubscript(s, object, s.newTuple({EllipsisValue{}, s.makeInt(position)}));
  };
  Value low = at(floorDivide(count - IntExpr(1), 2)), high = at(floorDivide(count, 2)), last = at(count - IntExpr(1));
  Value half = applyBinary(s, BinaryFunction::Divide, applyBinary(s, BinaryFunction::Add, low, high), s.makeFloat(2));
  // NaN is last in order and makes the median NaN.
  Operand operands[] = {makeOperand(s, applyComparison(s, ComparePredicate::ne, last, last)), makeOperand(s, last),
                        makeOperand(s, half)};
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, {DType::Bool, x.dtype, x.dtype}, values);
  return finish(s, arguments, wrap(s, x.dtype, shape, s.create<SelectOp>(values[0], values[1], values[2]).getResult()));
}

} // namespace mpy::library
