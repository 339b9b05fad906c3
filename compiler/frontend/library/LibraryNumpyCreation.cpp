// Arrays from nothing, from numbers and from other arrays.
//
//   np.zeros((n, 3))     -> mpy.broadcast of 0.0
//   np.arange(a, b, h)   -> mpy.iota * h + a, of length ceil((b - a) / h)
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/library/Library.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mpy::library {

static void refuseOrder(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> order = specializer.knownText(arguments["order"]);
  if (order && *order != "C" && *order != "K" && *order != "A")
    failArgument(specializer, "order", arguments.name, "'" + *order + "'");
}

static Shape toShape(Specializer &specializer, const Value &value) {
  Shape shape = toExtents(specializer, value);
  if (shape.size() > 8)
    specializer.fail(ErrorId::TooManyDimensions, {"8"});
  unsigned unchecked = 0;
  for (IntExpr &extent : shape) {
    if (extent.isNonNegative())
      continue;
    ++unchecked;
    check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::sge, extent, 0),
          "ValueError", CheckText{"negative dimensions are not allowed", {}});
    // The same expression wherever the same number gives a shape.
    extent = maximum(extent, 0);
  }
  // Extents of arrays that exist are small enough.
  if (unchecked > 1 || llvm::all_of(shape, [](const IntExpr &extent) { return extent.known(); }))
    checkSize(specializer, shape);
  return shape;
}

static Value filled(Specializer &specializer, const Arguments &arguments, double value) {
  refuseOrder(specializer, arguments);
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  Shape shape = toShape(specializer, arguments["shape"]);
  return specializer.newArray(
      {dtype, shape, fill(specializer, specializer.constant(dtype, value), dtype, shape)});
}

Value zeros(Specializer &specializer, const Arguments &arguments) {
  return filled(specializer, arguments, 0);
}
Value ones(Specializer &specializer, const Arguments &arguments) {
  return filled(specializer, arguments, 1);
}

Value dtypeObject(Specializer &specializer, const Arguments &arguments) {
  return DTypeObject{toDType(specializer, arguments["dtype"]).value_or(DType::Float64)};
}

static Value filledWith(Specializer &specializer, const Value &value, std::optional<DType> dtype,
                        const Shape &shape) {
  ElementOperand operand = makeOperand(specializer, value);
  DType type = dtype ? *dtype : commonType(specializer, {operand});
  mlir::Value content = convert(specializer, operand, type);
  if (operand.isScalar)
    return specializer.newArray({type, shape, fill(specializer, content, type, shape)});
  return specializer.newArray(
      {type, shape, expandInto(specializer, {type, operand.shape, content}, shape)});
}

Value full(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  return filledWith(specializer, arguments["fill_value"], toDType(specializer, arguments["dtype"]),
                    toShape(specializer, arguments["shape"]));
}

/// The type and shape of a `_like` function.
static std::pair<DType, Shape> likeness(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  DType dtype;
  Shape shape;
  if (std::optional<ObjectId> object = specializer.arrayObject(arguments["a"])) {
    const ArrayState *state = specializer.heap.get<ArrayState>(*object);
    dtype = state->dtype;
    shape = state->shape;
  } else {
    ArrayValue array = toArray(specializer, arguments["a"]);
    dtype = array.dtype;
    shape = array.shape;
  }
  dtype = toDType(specializer, arguments["dtype"]).value_or(dtype);
  if (arguments.has("shape"))
    shape = toShape(specializer, arguments["shape"]);
  return {dtype, shape};
}

Value zerosLike(Specializer &specializer, const Arguments &arguments) {
  auto [dtype, shape] = likeness(specializer, arguments);
  return specializer.newArray(
      {dtype, shape, fill(specializer, specializer.constant(dtype, 0), dtype, shape)});
}

Value onesLike(Specializer &specializer, const Arguments &arguments) {
  auto [dtype, shape] = likeness(specializer, arguments);
  return specializer.newArray(
      {dtype, shape, fill(specializer, specializer.constant(dtype, 1), dtype, shape)});
}

Value fullLike(Specializer &specializer, const Arguments &arguments) {
  auto [dtype, shape] = likeness(specializer, arguments);
  return filledWith(specializer, arguments["fill_value"], dtype, shape);
}

//===--- From other values ---===//

Value array(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  const Value &object = arguments["object"];
  std::optional<DType> dtype = toDType(specializer, arguments["dtype"]);
  int64_t leastRank = specializer.knownInt(arguments["ndmin"]).value_or(0);
  if (!flag(specializer, arguments, "copy", true) && specializer.isArray(object)) {
    DType own = specializer.heap.get<ArrayState>(*specializer.arrayObject(object))->dtype;
    if (!dtype || *dtype == own)
      return object;
  }
  ArrayValue result;
  std::optional<ValueList> items;
  if (!specializer.isArray(object) && !object.get<Scalar>() && !object.as<RangeValue>())
    items = specializer.knownItems(object);
  if (items)
    result = arrayOfNested(specializer, *items, dtype);
  else if (runTimeListOf(specializer, object))
    result = arrayOfRunTimeList(specializer, object, dtype);
  else
    result = toArray(specializer, object);
  if (dtype)
    result = castArray(specializer, result, *dtype);
  if (int64_t(result.rank()) < leastRank) {
    Shape shape(leastRank - result.rank(), IntExpr(1));
    shape.insert(shape.end(), result.shape.begin(), result.shape.end());
    result = reshaped(specializer, result, shape);
  }
  return specializer.newArray(result);
}

Value asarray(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  const Value &object = arguments["a"];
  std::optional<DType> dtype = toDType(specializer, arguments["dtype"]);
  if (std::optional<ObjectId> known = specializer.arrayObject(object))
    if (!dtype || specializer.heap.get<ArrayState>(*known)->dtype == *dtype)
      return object;
  ArrayValue result = toArray(specializer, object);
  return specializer.newArray(dtype ? castArray(specializer, result, *dtype) : result);
}

/// Of arrays and numbers that are not complex: themselves.
Value realPart(Specializer &specializer, const Arguments &arguments) {
  const Value &value = arguments["val"];
  return value.get<Scalar>() ? value : Value(ObjectRef{objectOf(specializer, value)});
}

Value ascontiguousarray(Specializer &specializer, const Arguments &arguments) {
  if (std::optional<ObjectId> known = specializer.arrayObject(arguments["a"]))
    if (!specializer.heap.get<ArrayState>(*known)->contiguous)
      specializer.fail(ErrorId::UnsupportedArgument,
                       {"a", arguments.name, "an array that is not contiguous"},
                       {.help = "write .copy()"});
  return asarray(specializer, arguments);
}

Value copyArray(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  if (const Scalar *scalar = arguments["a"].get<Scalar>();
      scalar && llvm::StringRef(arguments.name).starts_with("ndarray"))
    return *scalar;
  return copyOf(specializer, arguments["a"]);
}

Value astype(Specializer &specializer, const Arguments &arguments) {
  refuseOrder(specializer, arguments);
  DType dtype = *toDType(specializer, arguments["dtype"]);
  const Value &value = arguments["a"];
  if (const Scalar *scalar = value.get<Scalar>())
    return specializer.makeScalar(scalarKindOf(dtype), specializer.ssaAs(*scalar, dtype));
  std::optional<ObjectId> object = specializer.arrayObject(value);
  if (object && !flag(specializer, arguments, "copy", true) &&
      specializer.heap.get<ArrayState>(*object)->dtype == dtype)
    return value;
  return specializer.newArray(castArray(specializer, toArray(specializer, value), dtype));
}

Value fillArray(Specializer &specializer, const Arguments &arguments) {
  ObjectId object = *specializer.arrayObject(arguments["a"]);
  ArrayState state = *specializer.heap.get<ArrayState>(object);
  ElementOperand operand = makeOperand(specializer, arguments["value"]);
  if (!operand.isScalar)
    failCertain(specializer, "ValueError", "setting an array element with a sequence.");
  specializer.write(object, fill(specializer, convert(specializer, operand, state.dtype),
                                 state.dtype, state.shape));
  return NoneValue{};
}

/// A NumPy scalar as Python's number.
static Scalar toPython(Specializer &specializer, const Scalar &scalar) {
  switch (dtypeOf(scalar.kind)) {
  case DType::Bool:
    return specializer.makeScalar(ScalarKind::PyBool, specializer.ssaAs(scalar, DType::Bool));
  case DType::Float32:
  case DType::Float64:
    return specializer.makeScalar(ScalarKind::PyFloat, specializer.ssaAs(scalar, DType::Float64));
  default:
    checkFitsInt64(specializer, scalar);
    return specializer.makeInt(specializer.ssaAs(scalar, DType::Int64));
  }
}

Value item(Specializer &specializer, const Arguments &arguments) {
  const Value &self = arguments["a"];
  if (const Scalar *scalar = self.get<Scalar>())
    return toPython(specializer, *scalar);
  ValueList index = arguments["args"].as<TupleValue>()->items;
  if (index.size() == 1 && index.front().as<TupleValue>())
    index = ValueList(index.front().as<TupleValue>()->items);
  ObjectId object = *specializer.arrayObject(self);
  ArrayValue array = specializer.read(object);
  if (index.empty()) {
    checkEqual(specializer, product(array.shape), 1, "ValueError",
               CheckText{"can only convert an array of size 1 to a Python scalar", {}});
    return toPython(specializer, elementOf(specializer, reshaped(specializer, array, {})));
  }
  if (index.size() == 1 && array.rank() > 1) {
    array = reshaped(specializer, array, {product(array.shape)});
    object = objectOf(specializer, specializer.newArray(array));
  }
  if (index.size() != array.rank())
    failCertain(specializer, "ValueError", "incorrect number of indices for array");
  Value element = arraySubscript(specializer, object, specializer.newTuple(index));
  return toPython(specializer, *element.get<Scalar>());
}

/// The elements as lists; all extents are known.
static Value listOf(Specializer &specializer, ObjectId object) {
  const Shape shape = specializer.heap.get<ArrayState>(object)->shape;
  ValueList items;
  for (int64_t position = 0; position < *shape.front().known(); ++position) {
    Value item = arraySubscript(specializer, object, specializer.makeInt(IntExpr(position)));
    items.push_back(shape.size() > 1 ? listOf(specializer, *specializer.arrayObject(item))
                                     : Value(toPython(specializer, *item.get<Scalar>())));
  }
  return specializer.newList(items);
}

Value toList(Specializer &specializer, const Arguments &arguments) {
  if (const Scalar *scalar = arguments["a"].get<Scalar>())
    return toPython(specializer, *scalar);
  ObjectId object = *specializer.arrayObject(arguments["a"]);
  const Shape shape = specializer.heap.get<ArrayState>(object)->shape;
  if (shape.empty())
    return toPython(specializer, elementOf(specializer, specializer.read(object)));
  if (llvm::all_of(shape, [](const IntExpr &extent) { return extent.known(); }))
    return listOf(specializer, object);
  Value method = specializer.methodInLibrary(arguments["a"], "ndarray", "_tolist");
  return specializer.call(method, CallArguments{{}, {}, specializer.span});
}

//===--- Ranges ---===//

/// ceil((stop - start) / step) of floats, at least 0, as an extent.
static IntExpr floatLength(Specializer &specializer, mlir::Value start, mlir::Value stop,
                           mlir::Value step) {
  mlir::Value span = specializer.create<mlir::arith::SubFOp>(stop, start).getResult();
  mlir::Value steps = specializer.create<mlir::arith::DivFOp>(span, step).getResult();
  mlir::Value count = specializer.create<mlir::math::CeilOp>(steps).getResult();
  mlir::Value zero = specializer.constant(DType::Float64, 0),
              limit = specializer.constant(DType::Float64, 4e18);
  mlir::Value fits =
      specializer.create<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::OLT, count, limit)
          .getResult();
  check(specializer, fits, "ValueError", CheckText{"Maximum allowed size exceeded", {}});
  count = specializer.create<mlir::arith::MaximumFOp>(count, zero).getResult();
  mlir::Value whole =
      specializer.create<mlir::arith::FPToSIOp>(typeOf(DType::Int64, specializer.context()), count)
          .getResult();
  return extentOf(whole);
}

static std::optional<double> knownDouble(Specializer &specializer, const Value &value) {
  const Scalar *scalar = value.get<Scalar>();
  if (!scalar || scalar->isMixed())
    return std::nullopt;
  if (scalar->knownFloat)
    return scalar->knownFloat;
  if (std::optional<int64_t> whole = scalar->knownInt())
    return double(*whole);
  return std::nullopt;
}

static Value integerRange(Specializer &specializer, const IntExpr &start, const IntExpr &stop,
                          const IntExpr &step, DType dtype) {
  if (step.isKnown(0))
    failCertain(specializer, "ZeroDivisionError", "division by zero");
  IntExpr count;
  if (step.isKnown(1)) {
    count = stop - start;
  } else if (step.known() && *step.known() < 0) {
    IntExpr back = IntExpr(0) - step;
    count = floorDivide(start - stop + back - IntExpr(1), back);
  } else if (step.known() || step.isNonNegative()) {
    if (!step.known())
      check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::ne, step, 0),
            "ZeroDivisionError", CheckText{"division by zero", {}});
    count = floorDivide(stop - start + step - IntExpr(1), step);
  } else {
    specializer.fail(ErrorId::NotKnownHere, {"the sign of the step of 'numpy.arange'"});
  }
  if (!count.isNonNegative())
    count = maximum(count, 0);
  ArrayValue numbers = iota(specializer, count);
  mlir::Value result = numbers.tensor;
  if (!step.isKnown(1))
    result = specializer
                 .create<MulOp>(result, specializer.ssaAs(specializer.makeInt(step), DType::Int64))
                 .getResult();
  if (!start.isKnown(0))
    result = specializer
                 .create<AddOp>(result, specializer.ssaAs(specializer.makeInt(start), DType::Int64))
                 .getResult();
  return specializer.newArray(castArray(specializer, {DType::Int64, numbers.shape, result}, dtype));
}

Value arange(Specializer &specializer, const Arguments &arguments) {
  Value start = arguments["start"], stop = arguments["stop"], step = arguments["step"];
  if (stop.isNone()) {
    stop = start;
    start = specializer.makeInt(IntExpr(0));
  }
  if (step.isNone())
    step = specializer.makeInt(IntExpr(1));
  std::optional<DType> wanted = toDType(specializer, arguments["dtype"]);
  std::vector<ElementOperand> operands = {makeOperand(specializer, start),
                                          makeOperand(specializer, stop),
                                          makeOperand(specializer, step)};
  for (const ElementOperand &operand : operands)
    if (!operand.isScalar)
      failCertain(specializer, "TypeError",
                  "only 0-dimensional arrays can be converted to Python scalars");
  DType dtype = commonType(specializer, operands);
  if (dtype == DType::Bool)
    dtype = DType::Int64;
  if (!isFloat(dtype))
    return integerRange(specializer, specializer.intExpr(operands[0].scalar),
                        specializer.intExpr(operands[1].scalar),
                        specializer.intExpr(operands[2].scalar), wanted.value_or(dtype));
  std::optional<double> low = knownDouble(specializer, start),
                        high = knownDouble(specializer, stop),
                        width = knownDouble(specializer, step);
  mlir::Value first = specializer.ssaAs(operands[0].scalar, DType::Float64);
  mlir::Value distance = specializer.ssaAs(operands[2].scalar, DType::Float64);
  IntExpr count;
  if (low && high && width && *width != 0)
    count = IntExpr(int64_t(std::max(0.0, std::ceil((*high - *low) / *width))));
  else
    count = floatLength(specializer, first, specializer.ssaAs(operands[1].scalar, DType::Float64),
                        distance);
  ArrayValue numbers = castArray(specializer, iota(specializer, count), DType::Float64);
  // NumPy fills with start + i * ((start + step) - start).
  mlir::Value delta =
      specializer.create<SubOp>(specializer.create<AddOp>(first, distance).getResult(), first)
          .getResult();
  mlir::Value result = specializer.create<MulOp>(numbers.tensor, delta).getResult();
  result = specializer.create<AddOp>(result, first).getResult();
  return specializer.newArray(
      castArray(specializer, {DType::Float64, numbers.shape, result}, wanted.value_or(dtype)));
}

/// start + i * step with the last element set to stop, as np.linspace computes.
static ArrayValue evenlySpaced(Specializer &specializer, const Arguments &arguments,
                               mlir::Value *stepOut) {
  ElementOperand operands[] = {makeOperand(specializer, arguments["start"]),
                               makeOperand(specializer, arguments["stop"])};
  if (!operands[0].isScalar || !operands[1].isScalar)
    failArgument(specializer, "start", arguments.name, "an array");
  mlir::Value start = specializer.ssaAs(operands[0].scalar, DType::Float64),
              stop = specializer.ssaAs(operands[1].scalar, DType::Float64);
  IntExpr count = toShape(specializer, arguments["num"]).front();
  bool endpoint = flag(specializer, arguments, "endpoint", true);
  IntExpr divisions = endpoint ? count - IntExpr(1) : count;
  ArrayValue numbers = castArray(specializer, iota(specializer, count), DType::Float64);
  mlir::Value span = specializer.create<SubOp>(stop, start).getResult();
  mlir::Value divisor =
      specializer.ssaAs(specializer.makeInt(maximum(divisions, 1)), DType::Float64);
  mlir::Value step = specializer.create<DivOp>(span, divisor).getResult();
  if (stepOut)
    *stepOut = step;
  mlir::Value result = specializer.create<MulOp>(numbers.tensor, step).getResult();
  result = specializer.create<AddOp>(result, start).getResult();
  if (endpoint) {
    if (count.known() && *count.known() < 2)
      return {DType::Float64, numbers.shape, result};
    // The last element is stop itself; with one element it stays start.
    mlir::Value last = specializer.ssaAs(specializer.makeInt(divisions), DType::Float64);
    mlir::Value isLast =
        specializer.create<CompareOp>(ComparePredicate::eq, numbers.tensor, last).getResult();
    if (!count.known()) {
      mlir::Value several = compareInts(specializer, mlir::arith::CmpIPredicate::sgt, count, 1);
      isLast = specializer.create<AndOp>(isLast, several).getResult();
    }
    result = specializer.create<SelectOp>(isLast, stop, result).getResult();
  }
  return {DType::Float64, numbers.shape, result};
}

Value linspace(Specializer &specializer, const Arguments &arguments) {
  mlir::Value step;
  ArrayValue result = evenlySpaced(specializer, arguments, &step);
  DType dtype = toDType(specializer, arguments["dtype"]).value_or(DType::Float64);
  if (!isFloat(dtype)) {
    result.tensor = specializer.create<FloorOp>(result.tensor).getResult();
  }
  Value array = specializer.newArray(castArray(specializer, result, dtype));
  if (!flag(specializer, arguments, "retstep"))
    return array;
  return specializer.newTuple({array, specializer.makeScalar(ScalarKind::Float64, step)});
}

Value logspace(Specializer &specializer, const Arguments &arguments) {
  ArrayValue exponents = evenlySpaced(specializer, arguments, nullptr);
  exponents.tensor =
      specializer.create<PowOp>(toDouble(specializer, arguments["base"]), exponents.tensor)
          .getResult();
  return specializer.newArray(castArray(
      specializer, exponents, toDType(specializer, arguments["dtype"]).value_or(DType::Float64)));
}

} // namespace mpy::library
