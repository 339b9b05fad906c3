// Arrays from nothing, from numbers and from other arrays.
//
//   np.zeros((n, 3))     -> mpy.broadcast of 0.0
//   np.arange(a, b, h)   -> mpy.iota * h + a, of length ceil((b - a) / h)
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace mpy::library {

static void refuseOrder(Specializer &s, const Arguments &arguments) {
  std::optional<std::string> order = s.knownText(arguments["order"]);
  if (order && *order != "C" && *order != "K" && *order != "A")
    failArgument(s, "order", arguments.name, "'" + *order + "'");
}

static Shape toShape(Specializer &s, const Value &value) {
  Shape shape = toExtents(s, value);
  if (shape.size() > 8)
    s.fail(ErrorId::TooManyDimensions, {"8"});
  for (IntExpr &extent : shape) {
    if (extent.isNonNegative())
      continue;
    check(s, compareInts(s, mlir::arith::CmpIPredicate::sge, extent, 0), "ValueError",
          CheckText{"negative dimensions are not allowed", {}});
    // Checked: from here on the extent counts as an extent.
    if (!extent.known())
      extent = extentOf(s.index(extent));
  }
  return shape;
}

static Value filled(Specializer &s, const Arguments &arguments, double value) {
  refuseOrder(s, arguments);
  DType dtype = toDType(s, arguments["dtype"]).value_or(DType::Float64);
  Shape shape = toShape(s, arguments["shape"]);
  return s.newArray({dtype, shape, fill(s, s.constant(dtype, value), dtype, shape)});
}

Value zeros(Specializer &s, const Arguments &arguments) { return filled(s, arguments, 0); }
Value ones(Specializer &s, const Arguments &arguments) { return filled(s, arguments, 1); }

static Value filledWith(Specializer &s, const Value &value, std::optional<DType> dtype, const Shape &shape) {
  Operand operand = makeOperand(s, value);
  DType type = dtype ? *dtype : commonType(s, {operand});
  mlir::Value content = convert(s, operand, type);
  if (operand.isScalar)
    return s.newArray({type, shape, fill(s, content, type, shape)});
  return s.newArray({type, shape, expandInto(s, {type, operand.shape, content}, shape)});
}

Value full(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  return filledWith(s, arguments["fill_value"], toDType(s, arguments["dtype"]), toShape(s, arguments["shape"]));
}

/// The type and shape of a `_like` function.
static std::pair<DType, Shape> likeness(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  DType dtype;
  Shape shape;
  if (std::optional<ObjectId> object = s.arrayObject(arguments["a"])) {
    const ArrayState *state = s.heap.get<ArrayState>(*object);
    dtype = state->dtype;
    shape = state->shape;
  } else {
    ArrayValue array = toArray(s, arguments["a"]);
    dtype = array.dtype;
    shape = array.shape;
  }
  dtype = toDType(s, arguments["dtype"]).value_or(dtype);
  if (arguments.has("shape"))
    shape = toShape(s, arguments["shape"]);
  return {dtype, shape};
}

Value zerosLike(Specializer &s, const Arguments &arguments) {
  auto [dtype, shape] = likeness(s, arguments);
  return s.newArray({dtype, shape, fill(s, s.constant(dtype, 0), dtype, shape)});
}

Value onesLike(Specializer &s, const Arguments &arguments) {
  auto [dtype, shape] = likeness(s, arguments);
  return s.newArray({dtype, shape, fill(s, s.constant(dtype, 1), dtype, shape)});
}

Value fullLike(Specializer &s, const Arguments &arguments) {
  auto [dtype, shape] = likeness(s, arguments);
  return filledWith(s, arguments["fill_value"], dtype, shape);
}

//===--- From other values ---===//

Value array(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  const Value &object = arguments["object"];
  std::optional<DType> dtype = toDType(s, arguments["dtype"]);
  int64_t leastRank = s.knownInt(arguments["ndmin"]).value_or(0);
  if (!flag(s, arguments, "copy", true) && s.isArray(object)) {
    DType own = s.heap.get<ArrayState>(*s.arrayObject(object))->dtype;
    if (!dtype || *dtype == own)
      return object;
  }
  ArrayValue result;
  std::optional<ValueList> items;
  if (!s.isArray(object) && !object.get<Scalar>() && !object.as<RangeValue>())
    items = s.knownItems(object);
  if (items)
    result = arrayOfNested(s, *items, dtype);
  else
    result = toArray(s, object);
  if (dtype)
    result = castArray(s, result, *dtype);
  if (int64_t(result.rank()) < leastRank) {
    Shape shape(leastRank - result.rank(), IntExpr(1));
    shape.insert(shape.end(), result.shape.begin(), result.shape.end());
    result = reshaped(s, result, shape);
  }
  return s.newArray(result);
}

Value asarray(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  const Value &object = arguments["a"];
  std::optional<DType> dtype = toDType(s, arguments["dtype"]);
  if (std::optional<ObjectId> known = s.arrayObject(object))
    if (!dtype || s.heap.get<ArrayState>(*known)->dtype == *dtype)
      return object;
  ArrayValue result = toArray(s, object);
  return s.newArray(dtype ? castArray(s, result, *dtype) : result);
}

Value ascontiguousarray(Specializer &s, const Arguments &arguments) {
  if (std::optional<ObjectId> known = s.arrayObject(arguments["a"]))
    if (!s.heap.get<ArrayState>(*known)->contiguous)
      s.fail(ErrorId::UnsupportedArgument, {"a", arguments.name, "an array that is not contiguous"},
             {.help = "write .copy()"});
  return asarray(s, arguments);
}

Value copyArray(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  if (const Scalar *scalar = arguments["a"].get<Scalar>(); scalar && llvm::StringRef(arguments.name).starts_with("ndarray"))
    return *scalar;
  return copyOf(s, arguments["a"]);
}

Value astype(Specializer &s, const Arguments &arguments) {
  refuseOrder(s, arguments);
  DType dtype = *toDType(s, arguments["dtype"]);
  const Value &value = arguments["a"];
  if (const Scalar *scalar = value.get<Scalar>())
    return s.makeScalar(scalarKindOf(dtype), s.ssaAs(*scalar, dtype));
  std::optional<ObjectId> object = s.arrayObject(value);
  if (object && !flag(s, arguments, "copy", true) && s.heap.get<ArrayState>(*object)->dtype == dtype)
    return value;
  return s.newArray(castArray(s, toArray(s, value), dtype));
}

Value fillArray(Specializer &s, const Arguments &arguments) {
  ObjectId object = *s.arrayObject(arguments["a"]);
  ArrayState state = *s.heap.get<ArrayState>(object);
  Operand operand = makeOperand(s, arguments["value"]);
  if (!operand.isScalar)
    failCertain(s, "ValueError", "setting an array element with a sequence.");
  s.write(object, fill(s, convert(s, operand, state.dtype), state.dtype, state.shape));
  return NoneValue{};
}

/// A NumPy scalar as Python's number.
static Scalar toPython(Specializer &s, const Scalar &scalar) {
  switch (dtypeOf(scalar.kind)) {
  case DType::Bool:
    return s.makeScalar(ScalarKind::PyBool, s.ssaAs(scalar, DType::Bool));
  case DType::Int32:
  case DType::Int64:
    return s.makeInt(s.ssaAs(scalar, DType::Int64));
  default:
    return s.makeScalar(ScalarKind::PyFloat, s.ssaAs(scalar, DType::Float64));
  }
}

Value item(Specializer &s, const Arguments &arguments) {
  const Value &self = arguments["a"];
  if (const Scalar *scalar = self.get<Scalar>())
    return toPython(s, *scalar);
  ValueList index = arguments["args"].as<TupleValue>()->items;
  if (index.size() == 1 && index.front().as<TupleValue>())
    index = ValueList(index.front().as<TupleValue>()->items);
  ObjectId object = *s.arrayObject(self);
  ArrayValue array = s.read(object);
  if (index.empty()) {
    checkEqual(s, product(array.shape), 1, "ValueError",
               CheckText{"can only convert an array of size 1 to a Python scalar", {}});
    return toPython(s, elementOf(s, reshaped(s, array, {})));
  }
  if (index.size() == 1 && array.rank() > 1) {
    array = reshaped(s, array, {product(array.shape)});
    object = objectOf(s, s.newArray(array));
  }
  if (index.size() != array.rank())
    failCertain(s, "ValueError", "incorrect number of indices for array");
  Value element = arraySubscript(s, object, s.newTuple(index));
  return toPython(s, *element.get<Scalar>());
}

static Value listOf(Specializer &s, ObjectId object) {
  const Shape shape = s.heap.get<ArrayState>(object)->shape;
  if (!shape.front().known())
    s.fail(ErrorId::NotKnownHere, {"the length of a list from 'tolist'"}, {.help = "use the array itself"});
  ValueList items;
  for (int64_t position = 0; position < *shape.front().known(); ++position) {
    Value item = arraySubscript(s, object, s.makeInt(IntExpr(position)));
    items.push_back(shape.size() > 1 ? listOf(s, *s.arrayObject(item)) : Value(toPython(s, *item.get<Scalar>())));
  }
  return s.newList(items);
}

Value toList(Specializer &s, const Arguments &arguments) {
  if (const Scalar *scalar = arguments["a"].get<Scalar>())
    return toPython(s, *scalar);
  ObjectId object = *s.arrayObject(arguments["a"]);
  if (s.heap.get<ArrayState>(object)->shape.empty())
    return toPython(s, elementOf(s, s.read(object)));
  return listOf(s, object);
}

//===--- Ranges ---===//

/// ceil((stop - start) / step) of floats, at least 0, as an extent.
static IntExpr floatLength(Specializer &s, mlir::Value start, mlir::Value stop, mlir::Value step) {
  mlir::Value span = s.create<mlir::arith::SubFOp>(stop, start).getResult();
  mlir::Value steps = s.create<mlir::arith::DivFOp>(span, step).getResult();
  mlir::Value count = s.create<mlir::math::CeilOp>(steps).getResult();
  mlir::Value zero = s.constant(DType::Float64, 0), limit = s.constant(DType::Float64, 4e18);
  mlir::Value fits = s.create<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::OLT, count, limit).getResult();
  check(s, fits, "ValueError", CheckText{"Maximum allowed size exceeded", {}});
  count = s.create<mlir::arith::MaximumFOp>(count, zero).getResult();
  mlir::Value whole = s.create<mlir::arith::FPToSIOp>(typeOf(DType::Int64, s.context()), count).getResult();
  return extentOf(whole);
}

static std::optional<double> knownDouble(Specializer &s, const Value &value) {
  const Scalar *scalar = value.get<Scalar>();
  if (!scalar || scalar->isMixed())
    return std::nullopt;
  if (scalar->knownFloat)
    return scalar->knownFloat;
  if (std::optional<int64_t> whole = scalar->knownInt())
    return double(*whole);
  return std::nullopt;
}

static Value integerRange(Specializer &s, const IntExpr &start, const IntExpr &stop, const IntExpr &step, DType dtype) {
  if (step.isKnown(0))
    failCertain(s, "ZeroDivisionError", "division by zero");
  IntExpr count;
  if (step.isKnown(1)) {
    count = stop - start;
  } else if (step.known() && *step.known() < 0) {
    IntExpr back = IntExpr(0) - step;
    count = floorDivide(start - stop + back - IntExpr(1), back);
  } else if (step.known() || step.isNonNegative()) {
    if (!step.known())
      check(s, compareInts(s, mlir::arith::CmpIPredicate::ne, step, 0), "ZeroDivisionError",
            CheckText{"division by zero", {}});
    count = floorDivide(stop - start + step - IntExpr(1), step);
  } else {
    s.fail(ErrorId::NotKnownHere, {"the sign of the step of 'numpy.arange'"});
  }
  if (!count.isNonNegative())
    count = maximum(count, 0);
  ArrayValue numbers = iota(s, count);
  mlir::Value result = numbers.tensor;
  if (!step.isKnown(1))
    result = s.create<MulOp>(result, s.ssaAs(s.makeInt(step), DType::Int64)).getResult();
  if (!start.isKnown(0))
    result = s.create<AddOp>(result, s.ssaAs(s.makeInt(start), DType::Int64)).getResult();
  return s.newArray(castArray(s, {DType::Int64, numbers.shape, result}, dtype));
}

Value arange(Specializer &s, const Arguments &arguments) {
  Value start = arguments["start"], stop = arguments["stop"], step = arguments["step"];
  if (stop.isNone()) {
    stop = start;
    start = s.makeInt(IntExpr(0));
  }
  if (step.isNone())
    step = s.makeInt(IntExpr(1));
  std::optional<DType> wanted = toDType(s, arguments["dtype"]);
  std::vector<Operand> operands = {makeOperand(s, start), makeOperand(s, stop), makeOperand(s, step)};
  for (const Operand &operand : operands)
    if (!operand.isScalar)
      failCertain(s, "TypeError", "only 0-dimensional arrays can be converted to Python scalars");
  DType dtype = commonType(s, operands);
  if (dtype == DType::Bool)
    dtype = DType::Int64;
  if (!isFloat(dtype))
    return integerRange(s, s.intExpr(operands[0].scalar), s.intExpr(operands[1].scalar), s.intExpr(operands[2].scalar),
                        wanted.value_or(dtype));
  std::optional<double> low = knownDouble(s, start), high = knownDouble(s, stop), width = knownDouble(s, step);
  mlir::Value first = s.ssaAs(operands[0].scalar, DType::Float64);
  mlir::Value distance = s.ssaAs(operands[2].scalar, DType::Float64);
  IntExpr count;
  if (low && high && width && *width != 0)
    count = IntExpr(int64_t(std::max(0.0, std::ceil((*high - *low) / *width))));
  else
    count = floatLength(s, first, s.ssaAs(operands[1].scalar, DType::Float64), distance);
  ArrayValue numbers = castArray(s, iota(s, count), DType::Float64);
  // NumPy fills with start + i * ((start + step) - start).
  mlir::Value delta =
      s.create<SubOp>(s.create<AddOp>(first, distance).getResult(), first).getResult();
  mlir::Value result = s.create<MulOp>(numbers.tensor, delta).getResult();
  result = s.create<AddOp>(result, first).getResult();
  return s.newArray(castArray(s, {DType::Float64, numbers.shape, result}, wanted.value_or(dtype)));
}

/// start + i * step with the last element set to stop, as np.linspace computes.
static ArrayValue evenlySpaced(Specializer &s, const Arguments &arguments, mlir::Value *stepOut) {
  Operand operands[] = {makeOperand(s, arguments["start"]), makeOperand(s, arguments["stop"])};
  if (!operands[0].isScalar || !operands[1].isScalar)
    failArgument(s, "start", arguments.name, "an array");
  mlir::Value start = s.ssaAs(operands[0].scalar, DType::Float64), stop = s.ssaAs(operands[1].scalar, DType::Float64);
  IntExpr count = toShape(s, arguments["num"]).front();
  bool endpoint = flag(s, arguments, "endpoint", true);
  IntExpr divisions = endpoint ? count - IntExpr(1) : count;
  ArrayValue numbers = castArray(s, iota(s, count), DType::Float64);
  mlir::Value span = s.create<SubOp>(stop, start).getResult();
  mlir::Value divisor = s.ssaAs(s.makeInt(maximum(divisions, 1)), DType::Float64);
  mlir::Value step = s.create<DivOp>(span, divisor).getResult();
  if (stepOut)
    *stepOut = step;
  mlir::Value result = s.create<MulOp>(numbers.tensor, step).getResult();
  result = s.create<AddOp>(result, start).getResult();
  if (endpoint) {
    if (count.known() && *count.known() < 2)
      return {DType::Float64, numbers.shape, result};
    // The last element is stop itself; with one element it stays start.
    mlir::Value last = s.ssaAs(s.makeInt(divisions), DType::Float64);
    mlir::Value isLast = s.create<CompareOp>(ComparePredicate::eq, numbers.tensor, last).getResult();
    if (!count.known()) {
      mlir::Value several = compareInts(s, mlir::arith::CmpIPredicate::sgt, count, 1);
      isLast = s.create<AndOp>(isLast, several).getResult();
    }
    result = s.create<SelectOp>(isLast, stop, result).getResult();
  }
  return {DType::Float64, numbers.shape, result};
}

Value linspace(Specializer &s, const Arguments &arguments) {
  mlir::Value step;
  ArrayValue result = evenlySpaced(s, arguments, &step);
  DType dtype = toDType(s, arguments["dtype"]).value_or(DType::Float64);
  if (!isFloat(dtype)) {
    result.tensor = s.create<FloorOp>(result.tensor).getResult();
  }
  Value array = s.newArray(castArray(s, result, dtype));
  if (!flag(s, arguments, "retstep"))
    return array;
  return s.newTuple({array, s.makeScalar(ScalarKind::Float64, step)});
}

Value logspace(Specializer &s, const Arguments &arguments) {
  ArrayValue exponents = evenlySpaced(s, arguments, nullptr);
  exponents.tensor = s.create<PowOp>(toDouble(s, arguments["base"]), exponents.tensor).getResult();
  return s.newArray(castArray(s, exponents, toDType(s, arguments["dtype"]).value_or(DType::Float64)));
}

} // namespace mpy::library
