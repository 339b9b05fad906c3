// sum, mean, max and their relatives: axis, dtype, keepdims, initial and out around the reductions
// of ArrayReductions.
#include "frontend/arrays/ArrayProducts.h"
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/library/Library.h"

namespace mpy::library {

static bool keeps(Specializer &specializer, const Arguments &arguments) {
  return flag(specializer, arguments, "keepdims");
}

/// Sums and products of bool and narrow integers are computed in 64 bits.
static ArrayValue accumulated(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  return castArray(specializer, x,
                   toDType(specializer, arguments["dtype"]).value_or(accumulatorOf(x.dtype)));
}

/// Combines a result with `initial`.
static ArrayValue withInitial(Specializer &specializer, const Arguments &arguments,
                              ArrayValue result,
                              llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine) {
  if (!arguments.has("initial"))
    return result;
  ElementOperand initial = makeOperand(specializer, arguments["initial"]);
  if (!initial.isScalar)
    failArgument(specializer, "initial", arguments.name, "an array");
  mlir::Value combined =
      combine(element(specializer, result), convert(specializer, initial, result.dtype));
  return arrayOf(specializer, result.dtype, result.shape, combined);
}

Value sum(Specializer &specializer, const Arguments &arguments) {
  refuse(specializer, arguments, "where");
  ArrayValue x = accumulated(specializer, arguments);
  ArrayValue result =
      reduce(specializer, Reduction::Sum, x, toAxes(specializer, arguments["axis"], x.rank()),
             keeps(specializer, arguments));
  result = withInitial(specializer, arguments, result, [&](mlir::Value a, mlir::Value b) {
    return specializer.create<AddOp>(a, b).getResult();
  });
  return finish(specializer, arguments, wrap(specializer, result));
}

Value prod(Specializer &specializer, const Arguments &arguments) {
  refuse(specializer, arguments, "where");
  ArrayValue x = accumulated(specializer, arguments);
  ArrayValue result =
      reduce(specializer, Reduction::Prod, x, toAxes(specializer, arguments["axis"], x.rank()),
             keeps(specializer, arguments));
  result = withInitial(specializer, arguments, result, [&](mlir::Value a, mlir::Value b) {
    return specializer.create<MulOp>(a, b).getResult();
  });
  return finish(specializer, arguments, wrap(specializer, result));
}

static ArrayValue floatInput(Specializer &specializer, const Arguments &arguments) {
  refuse(specializer, arguments, "where");
  ArrayValue x = toArray(specializer, arguments["a"]);
  if (std::optional<DType> dtype = toDType(specializer, arguments["dtype"]))
    x = castArray(specializer, x, *dtype);
  return x;
}

Value mean(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = floatInput(specializer, arguments);
  return finish(
      specializer, arguments,
      wrap(specializer, meanOver(specializer, x, toAxes(specializer, arguments["axis"], x.rank()),
                                 keeps(specializer, arguments))));
}

static double ddofOf(Specializer &specializer, const Arguments &arguments) {
  const Scalar *scalar = arguments["ddof"].get<Scalar>();
  if (scalar && scalar->knownFloat)
    return *scalar->knownFloat;
  if (std::optional<int64_t> whole = specializer.knownInt(arguments["ddof"]))
    return double(*whole);
  specializer.fail(ErrorId::NotKnownHere,
                   {"argument 'ddof' of '" + std::string(arguments.name) + "'"});
}

static ArrayValue variance(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = floatInput(specializer, arguments);
  return varianceOver(specializer, x, toAxes(specializer, arguments["axis"], x.rank()),
                      ddofOf(specializer, arguments), keeps(specializer, arguments));
}

Value var(Specializer &specializer, const Arguments &arguments) {
  return finish(specializer, arguments, wrap(specializer, variance(specializer, arguments)));
}

Value standardDeviation(Specializer &specializer, const Arguments &arguments) {
  ArrayValue result = variance(specializer, arguments);
  mlir::Value root = rootOfSum(specializer, element(specializer, result), result.dtype);
  return finish(specializer, arguments,
                wrap(specializer, arrayOf(specializer, result.dtype, result.shape, root)));
}

Value average(Specializer &specializer, const Arguments &arguments) {
  if (flag(specializer, arguments, "returned"))
    failArgument(specializer, "returned", arguments.name, "True");
  ArrayValue x = toArray(specializer, arguments["a"]);
  std::vector<int64_t> axes = toAxes(specializer, arguments["axis"], x.rank());
  if (!arguments.has("weights"))
    return wrap(specializer, meanOver(specializer, x, axes, keeps(specializer, arguments)));
  ArrayValue weights = toArray(specializer, arguments["weights"]);
  DType dtype = promote(x.dtype, weights.dtype);
  if (!isFloat(dtype))
    dtype = DType::Float64;
  x = castArray(specializer, x, dtype);
  weights = castArray(specializer, weights, dtype);
  if (weights.rank() != x.rank()) {
    if (axes.size() != 1 || weights.rank() != 1)
      failCertain(specializer, "TypeError",
                  "Axis must be specified when shapes of a and weights differ.");
    Shape shape(x.rank(), IntExpr(1));
    shape[axes.front()] = weights.shape.front();
    weights = reshaped(specializer, weights, shape);
  }
  weights = spread(specializer, weights, broadcastShapes(specializer, {x.shape, weights.shape}));
  mlir::Value products = specializer.create<MulOp>(x.tensor, weights.tensor).getResult();
  ArrayValue total = reduce(specializer, Reduction::Sum, {dtype, x.shape, products}, axes,
                            keeps(specializer, arguments));
  ArrayValue scale =
      reduce(specializer, Reduction::Sum, weights, axes, keeps(specializer, arguments));
  mlir::Value result =
      specializer.create<DivOp>(element(specializer, total), element(specializer, scale))
          .getResult();
  return wrap(specializer, arrayOf(specializer, dtype, total.shape, result));
}

static Value extreme(Specializer &specializer, const Arguments &arguments, Reduction reduction) {
  refuse(specializer, arguments, "where");
  ArrayValue x = toArray(specializer, arguments["a"]);
  // All elements as one row.
  if (arguments.has("initial") && !arguments.has("axis") && !keeps(specializer, arguments))
    x = reshaped(specializer, x, {product(x.shape)});
  std::vector<int64_t> axes = toAxes(specializer, arguments["axis"], x.rank());
  if (arguments.has("initial")) {
    // One more element: the extreme of nothing is `initial`.
    Shape extra = x.shape;
    for (int64_t axis : axes)
      extra[axis] = 1;
    if (!axes.empty()) {
      ElementOperand initial = makeOperand(specializer, arguments["initial"]);
      ArrayValue first = {
          x.dtype, extra,
          fill(specializer, convert(specializer, initial, x.dtype), x.dtype, extra)};
      if (axes.size() > 1)
        failArgument(specializer, "initial", arguments.name, "given with several axes");
      x = concatenate(specializer, {first, x}, axes.front());
    }
  }
  return finish(
      specializer, arguments,
      wrap(specializer, reduce(specializer, reduction, x, axes, keeps(specializer, arguments))));
}

Value maximumOf(Specializer &specializer, const Arguments &arguments) {
  return extreme(specializer, arguments, Reduction::Max);
}
Value minimumOf(Specializer &specializer, const Arguments &arguments) {
  return extreme(specializer, arguments, Reduction::Min);
}

Value peakToPeak(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  std::vector<int64_t> axes = toAxes(specializer, arguments["axis"], x.rank());
  Value high = wrap(specializer,
                    reduce(specializer, Reduction::Max, x, axes, keeps(specializer, arguments)));
  Value low = wrap(specializer,
                   reduce(specializer, Reduction::Min, x, axes, keeps(specializer, arguments)));
  return finish(specializer, arguments,
                applyBinary(specializer, BinaryFunction::Subtract, high, low));
}

template <typename OpType>
static Value positionOf(Specializer &specializer, const Arguments &arguments,
                        llvm::StringRef name) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  x = x.dtype == DType::Bool ? castArray(specializer, x, DType::Int32) : inOrder(specializer, x);
  Shape kept = x.shape;
  int64_t axis = 0;
  if (arguments.has("axis")) {
    axis = normalizeAxis(specializer, arguments["axis"], std::max<int64_t>(x.rank(), 1));
    if (x.rank())
      kept[axis] = 1;
  } else {
    kept.assign(x.rank(), IntExpr(1));
    x = reshaped(specializer, x, {product(x.shape)});
  }
  if (x.rank() == 0)
    x = reshaped(specializer, x, {IntExpr(1)});
  CheckText text;
  text << "attempt to get " << name << " of an empty sequence";
  const IntExpr extent = x.shape[axis];
  if (!extent.known() || *extent.known() == 0)
    check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::ne, extent, 0),
          "ValueError", text);
  Shape shape = x.shape;
  shape.erase(shape.begin() + axis);
  ArrayValue result = arrayOf(specializer, DType::Int64, shape,
                              specializer.create<OpType>(x.tensor, axis).getResult());
  if (keeps(specializer, arguments))
    result = reshaped(specializer, result, kept);
  return finish(specializer, arguments, wrap(specializer, result));
}

Value argmax(Specializer &specializer, const Arguments &arguments) {
  return positionOf<ArgMaxOp>(specializer, arguments, "argmax");
}
Value argmin(Specializer &specializer, const Arguments &arguments) {
  return positionOf<ArgMinOp>(specializer, arguments, "argmin");
}

static Value logical(Specializer &specializer, const Arguments &arguments, Reduction reduction) {
  refuse(specializer, arguments, "where");
  ArrayValue x = castArray(specializer, toArray(specializer, arguments["a"]), DType::Bool);
  return finish(specializer, arguments,
                wrap(specializer, reduce(specializer, reduction, x,
                                         toAxes(specializer, arguments["axis"], x.rank()),
                                         keeps(specializer, arguments))));
}

Value any(Specializer &specializer, const Arguments &arguments) {
  return logical(specializer, arguments, Reduction::Any);
}
Value all(Specializer &specializer, const Arguments &arguments) {
  return logical(specializer, arguments, Reduction::All);
}

Value countNonzero(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a"]);
  x = castArray(specializer, castArray(specializer, x, DType::Bool), DType::Int64);
  ArrayValue result =
      reduce(specializer, Reduction::Sum, x, toAxes(specializer, arguments["axis"], x.rank()),
             keeps(specializer, arguments));
  return wrap(specializer, result);
}

Value cumsum(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = accumulated(specializer, arguments);
  int64_t axis = 0;
  if (arguments.has("axis") && x.rank())
    axis = normalizeAxis(specializer, arguments["axis"], x.rank());
  else
    x = reshaped(specializer, x, {product(x.shape)});
  mlir::Value result =
      specializer.create<CumsumOp>(x.tensor.getType(), x.tensor, axis, /*reverse=*/false)
          .getResult();
  return finish(specializer, arguments, specializer.newArray({x.dtype, x.shape, result}));
}

Value diff(Specializer &specializer, const Arguments &arguments) {
  std::optional<int64_t> order = specializer.knownInt(arguments["n"]);
  if (!order || *order < 0)
    specializer.fail(ErrorId::NotKnownHere, {"argument 'n' of 'numpy.diff'"});
  ObjectId object = objectOf(specializer, arguments["a"]);
  Value result = ObjectRef{object};
  int64_t rank = specializer.heap.get<ArrayState>(object)->shape.size();
  if (rank == 0)
    failCertain(specializer, "ValueError", "diff requires input that is at least one dimensional");
  int64_t axis = normalizeAxis(specializer, arguments["axis"], rank);
  for (int64_t time = 0; time < *order; ++time) {
    auto part = [&](Value start, Value stop) {
      ValueList index(axis, std::make_shared<const SliceValue>());
      for (Value &item : index)
        item =
            std::make_shared<const SliceValue>(SliceValue{NoneValue{}, NoneValue{}, NoneValue{}});
      index.push_back(std::make_shared<const SliceValue>(SliceValue{start, stop, NoneValue{}}));
      return arraySubscript(specializer, *specializer.arrayObject(result),
                            specializer.newTuple(index));
    };
    Value upper = part(specializer.makeInt(IntExpr(1)), NoneValue{}),
          lower = part(NoneValue{}, specializer.makeInt(IntExpr(-1)));
    bool isBool =
        specializer.heap.get<ArrayState>(*specializer.arrayObject(result))->dtype == DType::Bool;
    result = applyBinary(specializer, isBool ? BinaryFunction::BitXor : BinaryFunction::Subtract,
                         upper, lower);
  }
  return result;
}

Value trace(Specializer &specializer, const Arguments &arguments) {
  CallArguments call;
  call.positional = {arguments["a"], arguments["offset"], arguments["axis1"], arguments["axis2"]};
  ArrayValue line =
      toArray(specializer, findLibraryFunction("numpy.diagonal")->call(specializer, call));
  line = castArray(specializer, line,
                   toDType(specializer, arguments["dtype"]).value_or(accumulatorOf(line.dtype)));
  return finish(specializer, arguments,
                wrap(specializer, sumOver(specializer, line, {int64_t(line.rank()) - 1})));
}

} // namespace mpy::library
