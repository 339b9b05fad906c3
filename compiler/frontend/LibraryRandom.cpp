// np.random and RandomState: draws from the legacy stream by calls of the runtime, in the order of the program.
//
//   np.random.randn(2, 3) -> runtime_effect "mpy_random_gauss_array"(state, 6), mpy.reshape to (2, 3)
#include "frontend/ArrayIndexing.h"
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"

namespace mpy::library {

static mlir::Value callRuntime(Specializer &s, llvm::StringRef callee, mlir::Type result, mlir::ValueRange inputs,
                               bool raises) {
  return s.create<RuntimeEffectOp>(mlir::TypeRange{result}, callee, inputs, raises).getResult(0);
}

/// The state of a RandomState, or the one behind np.random.
static mlir::Value stateOf(Specializer &s, const Arguments &arguments) {
  if (const ObjectRef *self = arguments["self"].get<ObjectRef>())
    if (const RandomState *state = s.heap.get<RandomState>(self->id))
      return state->handle;
  return callRuntime(s, "mpy_random_global", HandleType::get(s.context()), {}, /*raises=*/false);
}

/// A draw of one number, or of an array: `name` for one, `name_array` for many.
static Value draw(Specializer &s, const Arguments &arguments, llvm::StringRef name, const Value &size,
                  llvm::ArrayRef<mlir::Value> parameters, ScalarKind kind, bool oneRaises) {
  DType dtype = dtypeOf(kind);
  llvm::SmallVector<mlir::Value> inputs = {stateOf(s, arguments)};
  inputs.append(parameters.begin(), parameters.end());
  if (size.isNone())
    return s.makeScalar(kind, callRuntime(s, name, typeOf(dtype, s.context()), inputs, oneRaises));
  Shape shape = toExtents(s, size);
  for (IntExpr &extent : shape)
    if (!extent.isNonNegative()) {
      check(s, compareInts(s, mlir::arith::CmpIPredicate::sge, extent, 0), "ValueError",
            CheckText{"negative dimensions are not allowed", {}});
      if (!extent.known())
        extent = extentOf(s.index(extent));
    }
  Shape line = {product(shape)};
  inputs.push_back(s.ssaAs(s.makeInt(line.front()), DType::Int64));
  mlir::Value numbers =
      callRuntime(s, (name + "_array").str(), s.tensorType(dtype, line), inputs, /*raises=*/true);
  return s.newArray(reshaped(s, {dtype, line, numbers}, shape));
}

Value randomSeed(Specializer &s, const Arguments &arguments) {
  mlir::Value state = stateOf(s, arguments);
  if (!arguments.has("seed")) {
    s.create<RuntimeEffectOp>(mlir::TypeRange{}, "mpy_random_seed_entropy", mlir::ValueRange{state}, false);
    return NoneValue{};
  }
  mlir::Value seed = s.ssaAs(s.makeInt(toExtents(s, arguments["seed"]).front()), DType::Int64);
  s.create<RuntimeEffectOp>(mlir::TypeRange{}, "mpy_random_seed", mlir::ValueRange{state, seed}, true);
  return NoneValue{};
}

Value randomState(Specializer &s, const Arguments &arguments) {
  mlir::Type type = HandleType::get(s.context());
  mlir::Value handle;
  if (!arguments.has("seed")) {
    handle = callRuntime(s, "mpy_random_new_entropy", type, {}, false);
  } else {
    mlir::Value seed = s.ssaAs(s.makeInt(toExtents(s, arguments["seed"]).front()), DType::Int64);
    handle = callRuntime(s, "mpy_random_new", type, {seed}, true);
  }
  return ObjectRef{s.heap.add(RandomState{handle})};
}

/// The extents of `rand(2, 3)` as a size; None for `rand()`.
static Value sizeOfExtents(const Value &shape) {
  const TupleValue *tuple = shape.as<TupleValue>();
  return tuple && tuple->items.empty() ? Value(NoneValue{}) : shape;
}

Value randomRand(Specializer &s, const Arguments &arguments) {
  return draw(s, arguments, "mpy_random_double", sizeOfExtents(arguments["shape"]), {}, ScalarKind::PyFloat, false);
}

Value randomRandn(Specializer &s, const Arguments &arguments) {
  return draw(s, arguments, "mpy_random_gauss", sizeOfExtents(arguments["shape"]), {}, ScalarKind::PyFloat, false);
}

Value randomSample(Specializer &s, const Arguments &arguments) {
  return draw(s, arguments, "mpy_random_double", arguments["size"], {}, ScalarKind::PyFloat, false);
}

Value randomStandardNormal(Specializer &s, const Arguments &arguments) {
  return draw(s, arguments, "mpy_random_gauss", arguments["size"], {}, ScalarKind::PyFloat, false);
}

/// A distribution with two float parameters; arrays of them are refused.
static Value drawScaled(Specializer &s, const Arguments &arguments, llvm::StringRef name,
                        llvm::ArrayRef<llvm::StringRef> parameters) {
  llvm::SmallVector<mlir::Value> numbers;
  for (llvm::StringRef parameter : parameters) {
    Operand operand = makeOperand(s, arguments[parameter]);
    if (!operand.isScalar)
      failArgument(s, parameter, arguments.name, "an array",
                   "draw with size= and scale the result: low + (high - low) * np.random.rand(..)");
    numbers.push_back(s.ssaAs(operand.scalar, DType::Float64));
  }
  return draw(s, arguments, name, arguments["size"], numbers, ScalarKind::PyFloat, true);
}

Value randomUniform(Specializer &s, const Arguments &arguments) {
  return drawScaled(s, arguments, "mpy_random_uniform", {"low", "high"});
}
Value randomNormal(Specializer &s, const Arguments &arguments) {
  return drawScaled(s, arguments, "mpy_random_normal", {"loc", "scale"});
}
Value randomExponential(Specializer &s, const Arguments &arguments) {
  return drawScaled(s, arguments, "mpy_random_exponential", {"scale"});
}

Value randomInteger(Specializer &s, const Arguments &arguments) {
  IntExpr low = toExtents(s, arguments["low"]).front(), high = low;
  if (arguments.has("high"))
    high = toExtents(s, arguments["high"]).front();
  else
    low = 0;
  std::optional<DType> dtype = toDType(s, arguments["dtype"]);
  if (dtype && *dtype != DType::Int64)
    failArgument(s, "dtype", arguments.name, nameOf(*dtype), "draw int64 and convert with astype");
  mlir::Value bounds[] = {s.ssaAs(s.makeInt(low), DType::Int64), s.ssaAs(s.makeInt(high), DType::Int64)};
  return draw(s, arguments, "mpy_random_int", arguments["size"], bounds, ScalarKind::PyInt, true);
}

/// The order in which a permutation puts `count` things.
static ArrayValue permutationOf(Specializer &s, const Arguments &arguments, const IntExpr &count) {
  Shape shape = {count};
  mlir::Value inputs[] = {stateOf(s, arguments), s.ssaAs(s.makeInt(count), DType::Int64)};
  return {DType::Int64, shape,
          callRuntime(s, "mpy_random_permutation", s.tensorType(DType::Int64, shape), inputs, true)};
}

Value randomPermutation(Specializer &s, const Arguments &arguments) {
  const Value &x = arguments["x"];
  if (x.get<Scalar>()) {
    IntExpr count = toExtents(s, x).front();
    return s.newArray(permutationOf(s, arguments, count.isNonNegative() ? count : maximum(count, 0)));
  }
  ArrayValue array = toArray(s, x);
  if (array.rank() == 0)
    return s.newArray(permutationOf(s, arguments, toExtents(s, x).front()));
  return s.newArray(gatherRows(s, array, permutationOf(s, arguments, array.shape.front())));
}

Value randomShuffle(Specializer &s, const Arguments &arguments) {
  std::optional<ObjectId> object = s.arrayObject(arguments["x"]);
  if (!object)
    failArgument(s, "x", arguments.name, s.describe(arguments["x"]), "shuffle an array, or index with a permutation");
  ArrayValue array = s.read(*object);
  s.write(*object, gatherRows(s, array, permutationOf(s, arguments, array.shape.front())).tensor);
  return NoneValue{};
}

Value randomChoice(Specializer &s, const Arguments &arguments) {
  const Value &population = arguments["a"];
  std::optional<ArrayValue> array;
  IntExpr count;
  if (population.get<Scalar>()) {
    count = toExtents(s, population).front();
  } else {
    array = toArray(s, population);
    if (array->rank() != 1)
      failCertain(s, "ValueError", "a must be 1-dimensional");
    count = array->shape.front();
  }
  const Value &size = arguments["size"];
  Shape shape = size.isNone() ? Shape{} : toExtents(s, size);
  Shape line = {product(shape)};
  llvm::SmallVector<mlir::Value> inputs = {stateOf(s, arguments), s.ssaAs(s.makeInt(count), DType::Int64),
                                           s.ssaAs(s.makeInt(line.front()), DType::Int64),
                                           s.constant(DType::Bool, flag(s, arguments, "replace", true))};
  llvm::StringRef callee = "mpy_random_choice";
  if (arguments.has("p")) {
    ArrayValue weights = castArray(s, toArray(s, arguments["p"]), DType::Float64);
    if (weights.rank() != 1)
      failCertain(s, "ValueError", "p must be 1-dimensional");
    checkEqual(s, weights.shape.front(), count, "ValueError", CheckText{"a and p must have same size", {}});
    inputs.push_back(weights.tensor);
    callee = "mpy_random_choice_weighted";
  }
  mlir::Value drawn = callRuntime(s, callee, s.tensorType(DType::Int64, line), inputs, true);
  ArrayValue positions = {DType::Int64, line, drawn};
  if (array)
    positions = gatherRows(s, *array, positions);
  positions = reshaped(s, positions, shape);
  if (!size.isNone())
    return s.newArray(positions);
  Scalar one = elementOf(s, positions);
  return array ? one : s.makeInt(one.value);
}

} // namespace mpy::library
