// np.random and RandomState: draws from the legacy stream by calls of the runtime, in the order of
// the program.
//
//   np.random.randn(2, 3)   ->   runtime_effect "mpy_random_gauss_array"(state, 6)
//                                mpy.reshape to (2, 3)
#include "frontend/arrays/ArrayIndexing.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/library/Library.h"

namespace mpy::library {

static mlir::Value callRuntime(Specializer &specializer, llvm::StringRef callee, mlir::Type result,
                               mlir::ValueRange inputs, bool raises) {
  if (raises)
    return specializer.callRaising(result, callee, inputs)[0];
  return specializer.create<RuntimeEffectOp>(mlir::TypeRange{result}, callee, inputs, false)
      .getResult(0);
}

/// The state behind np.random, or the one behind Python's random.
static mlir::Value globalState(Specializer &specializer, bool ofNumpy) {
  return callRuntime(specializer, "mpy_random_global", HandleType::get(specializer.context()),
                     specializer.constant(DType::Bool, ofNumpy), /*raises=*/false);
}

/// The state of a RandomState, or the one behind np.random.
static mlir::Value stateOf(Specializer &specializer, const Arguments &arguments,
                           llvm::StringRef parameter = "self") {
  if (const ObjectRef *self = arguments[parameter].get<ObjectRef>())
    if (const RandomState *state = specializer.heap.get<RandomState>(self->id))
      return state->handle;
  return globalState(specializer, /*ofNumpy=*/true);
}

/// A draw of one number, or of an array: `name` for one, `name_array` for many.
static Value draw(Specializer &specializer, const Arguments &arguments, llvm::StringRef name,
                  const Value &size, llvm::ArrayRef<mlir::Value> parameters, ScalarKind kind,
                  bool oneRaises) {
  DType dtype = dtypeOf(kind);
  llvm::SmallVector<mlir::Value> inputs = {stateOf(specializer, arguments)};
  inputs.append(parameters.begin(), parameters.end());
  if (size.isNone())
    return specializer.makeScalar(
        kind,
        callRuntime(specializer, name, typeOf(dtype, specializer.context()), inputs, oneRaises));
  Shape shape = toExtents(specializer, size);
  for (IntExpr &extent : shape)
    if (!extent.isNonNegative()) {
      check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::sge, extent, 0),
            "ValueError", CheckText{"negative dimensions are not allowed", {}});
      // The same expression wherever the same number gives a shape.
      extent = maximum(extent, 0);
    }
  checkSize(specializer, shape);
  Shape line = {product(shape)};
  inputs.push_back(specializer.ssaAs(specializer.makeInt(line.front()), DType::Int64));
  mlir::Value numbers = callRuntime(specializer, (name + "_array").str(),
                                    specializer.tensorType(dtype, line), inputs, /*raises=*/true);
  return specializer.newArray(reshaped(specializer, {dtype, line, numbers}, shape));
}

/// Seeds by one integer, or by several.
static void seedState(Specializer &specializer, mlir::Value state, const Value &seed) {
  if (seed.get<Scalar>()) {
    IntExpr one = toExtents(specializer, seed).front();
    specializer.callRaising({}, "mpy_random_seed",
                            {state, specializer.ssaAs(specializer.makeInt(one), DType::Int64)});
    return;
  }
  ArrayValue words = toArray(specializer, seed);
  if (words.rank() != 1 || words.dtype != DType::Int64)
    failArgument(specializer, "seed", "numpy.random.seed", specializer.describe(seed));
  specializer.callRaising({}, "mpy_random_seed_words", {state, words.tensor});
}

Value seedByWords(Specializer &specializer, const Arguments &arguments) {
  seedState(specializer, stateOf(specializer, arguments, "state"), arguments["words"]);
  return NoneValue{};
}

Value numpyStream(Specializer &specializer, const Arguments &) {
  return ObjectRef{specializer.heap.add(RandomState{globalState(specializer, /*ofNumpy=*/true)})};
}

Value pythonStream(Specializer &specializer, const Arguments &) {
  return ObjectRef{specializer.heap.add(RandomState{globalState(specializer, /*ofNumpy=*/false)})};
}

/// Python's random.gauss(0, 1).
Value pythonGauss(Specializer &specializer, const Arguments &arguments) {
  return specializer.makeScalar(
      ScalarKind::PyFloat,
      callRuntime(specializer, "mpy_random_pair", typeOf(DType::Float64, specializer.context()),
                  stateOf(specializer, arguments, "state"), /*raises=*/false));
}

Value randomSeed(Specializer &specializer, const Arguments &arguments) {
  mlir::Value state = stateOf(specializer, arguments);
  if (!arguments.has("seed")) {
    specializer.create<RuntimeEffectOp>(mlir::TypeRange{}, "mpy_random_seed_entropy",
                                        mlir::ValueRange{state}, false);
    return NoneValue{};
  }
  seedState(specializer, state, arguments["seed"]);
  return NoneValue{};
}

Value randomState(Specializer &specializer, const Arguments &arguments) {
  mlir::Type type = HandleType::get(specializer.context());
  mlir::Value handle;
  if (!arguments.has("seed")) {
    handle = callRuntime(specializer, "mpy_random_new_entropy", type, {}, false);
  } else {
    const Value &seed = arguments["seed"];
    IntExpr first = seed.get<Scalar>() ? toExtents(specializer, seed).front() : IntExpr(0);
    handle = callRuntime(specializer, "mpy_random_new", type,
                         specializer.ssaAs(specializer.makeInt(first), DType::Int64), true);
    if (!seed.get<Scalar>())
      seedState(specializer, handle, seed);
  }
  return ObjectRef{specializer.heap.add(RandomState{handle})};
}

Value randomGenerator(Specializer &specializer, const Arguments &arguments) {
  mlir::Type type = HandleType::get(specializer.context());
  if (!arguments.has("seeds"))
    return ObjectRef{specializer.heap.add(RandomState{
        callRuntime(specializer, "mpy_random_new_generator_entropy", type, {}, false)})};
  ArrayValue seeds = toArray(specializer, arguments["seeds"]);
  if (seeds.dtype != DType::Int64 || seeds.rank() != 1)
    failArgument(specializer, "seed", "numpy.random.default_rng",
                 specializer.describe(arguments["seeds"]));
  return ObjectRef{specializer.heap.add(RandomState{
      callRuntime(specializer, "mpy_random_new_generator", type, {seeds.tensor}, true)})};
}

/// The extents of `rand(2, 3)` as a size; None for `rand()`.
static Value sizeOfExtents(const Value &shape) {
  const TupleValue *tuple = shape.as<TupleValue>();
  return tuple && tuple->items.empty() ? Value(NoneValue{}) : shape;
}

Value randomRand(Specializer &specializer, const Arguments &arguments) {
  return draw(specializer, arguments, "mpy_random_double", sizeOfExtents(arguments["shape"]), {},
              ScalarKind::PyFloat, false);
}

Value randomRandn(Specializer &specializer, const Arguments &arguments) {
  return draw(specializer, arguments, "mpy_random_gauss", sizeOfExtents(arguments["shape"]), {},
              ScalarKind::PyFloat, false);
}

Value randomSample(Specializer &specializer, const Arguments &arguments) {
  return draw(specializer, arguments, "mpy_random_double", arguments["size"], {},
              ScalarKind::PyFloat, false);
}

Value randomStandardNormal(Specializer &specializer, const Arguments &arguments) {
  return draw(specializer, arguments, "mpy_random_gauss", arguments["size"], {},
              ScalarKind::PyFloat, false);
}

/// What the library does with arguments that are no numbers, by `method`.
static Value drawInLibrary(Specializer &specializer, const Arguments &arguments, const char *method,
                           llvm::ArrayRef<llvm::StringRef> parameters) {
  Value stream = arguments["self"];
  if (stream.isNone())
    stream = numpyStream(specializer, arguments);
  ValueList given;
  for (llvm::StringRef parameter : parameters)
    given.push_back(arguments[parameter]);
  return specializer.call(specializer.methodInLibrary(stream, "RandomState", method),
                          CallArguments{given, {}, specializer.span});
}

/// A distribution with float parameters.
static Value drawScaled(Specializer &specializer, const Arguments &arguments, llvm::StringRef name,
                        const char *method, llvm::ArrayRef<llvm::StringRef> parameters) {
  llvm::SmallVector<mlir::Value> numbers;
  for (llvm::StringRef parameter : parameters) {
    ElementOperand operand = makeOperand(specializer, arguments[parameter]);
    if (!operand.isScalar) {
      llvm::SmallVector<llvm::StringRef> all(parameters);
      all.push_back("size");
      return drawInLibrary(specializer, arguments, method, all);
    }
    numbers.push_back(specializer.ssaAs(operand.scalar, DType::Float64));
  }
  return draw(specializer, arguments, name, arguments["size"], numbers, ScalarKind::PyFloat, true);
}

Value randomUniform(Specializer &specializer, const Arguments &arguments) {
  return drawScaled(specializer, arguments, "mpy_random_uniform", "_uniform", {"low", "high"});
}
Value randomNormal(Specializer &specializer, const Arguments &arguments) {
  return drawScaled(specializer, arguments, "mpy_random_normal", "_normal", {"loc", "scale"});
}
Value randomExponential(Specializer &specializer, const Arguments &arguments) {
  return drawScaled(specializer, arguments, "mpy_random_exponential", "_exponential", {"scale"});
}

Value randomInteger(Specializer &specializer, const Arguments &arguments) {
  IntExpr low = toExtents(specializer, arguments["low"]).front(), high = low;
  if (arguments.has("high"))
    high = toExtents(specializer, arguments["high"]).front();
  else
    low = 0;
  std::optional<DType> dtype = toDType(specializer, arguments["dtype"]);
  if (dtype && *dtype != DType::Int64)
    failArgument(specializer, "dtype", arguments.name, nameOf(*dtype),
                 "draw int64 and convert with astype");
  mlir::Value bounds[] = {specializer.ssaAs(specializer.makeInt(low), DType::Int64),
                          specializer.ssaAs(specializer.makeInt(high), DType::Int64)};
  return draw(specializer, arguments, "mpy_random_int", arguments["size"], bounds,
              ScalarKind::PyInt, true);
}

/// The order in which a permutation puts `count` things.
static ArrayValue permutationOf(Specializer &specializer, const Arguments &arguments,
                                const IntExpr &count) {
  Shape shape = {count};
  mlir::Value inputs[] = {stateOf(specializer, arguments),
                          specializer.ssaAs(specializer.makeInt(count), DType::Int64)};
  return {DType::Int64, shape,
          callRuntime(specializer, "mpy_random_permutation",
                      specializer.tensorType(DType::Int64, shape), inputs, true)};
}

Value randomPermutation(Specializer &specializer, const Arguments &arguments) {
  const Value &x = arguments["x"];
  if (x.get<Scalar>()) {
    IntExpr count = toExtents(specializer, x).front();
    return specializer.newArray(
        permutationOf(specializer, arguments, count.isNonNegative() ? count : maximum(count, 0)));
  }
  ArrayValue array = toArray(specializer, x);
  if (array.rank() == 0)
    return specializer.newArray(
        permutationOf(specializer, arguments, toExtents(specializer, x).front()));
  return specializer.newArray(
      gatherRows(specializer, array, permutationOf(specializer, arguments, array.shape.front())));
}

Value randomShuffle(Specializer &specializer, const Arguments &arguments) {
  std::optional<ObjectId> object = specializer.arrayObject(arguments["x"]);
  if (!object && specializer.isInstance(arguments["x"], findBuiltin("list")))
    return drawInLibrary(specializer, arguments, "_shuffle", {"x"});
  if (!object)
    failArgument(specializer, "x", arguments.name, specializer.describe(arguments["x"]),
                 "shuffle an array, or index with a permutation");
  ArrayValue array = specializer.read(*object);
  specializer.write(
      *object,
      gatherRows(specializer, array, permutationOf(specializer, arguments, array.shape.front()))
          .tensor,
      "array is read-only");
  return NoneValue{};
}

Value randomChoice(Specializer &specializer, const Arguments &arguments) {
  const Value &population = arguments["a"];
  std::optional<ArrayValue> array;
  IntExpr count;
  if (population.get<Scalar>()) {
    count = toExtents(specializer, population).front();
  } else {
    std::optional<ValueList> items = specializer.knownItems(population);
    if (items && !items->empty() && items->front().get<Text>())
      return drawInLibrary(specializer, arguments, "_choice", {"a", "size", "replace", "p"});
    array = toArray(specializer, population);
    if (array->rank() != 1)
      failCertain(specializer, "ValueError", "a must be 1-dimensional");
    count = array->shape.front();
  }
  const Value &size = arguments["size"];
  Shape shape = size.isNone() ? Shape{} : toExtents(specializer, size);
  checkSize(specializer, shape);
  Shape line = {product(shape)};
  llvm::SmallVector<mlir::Value> inputs = {
      stateOf(specializer, arguments), specializer.ssaAs(specializer.makeInt(count), DType::Int64),
      specializer.ssaAs(specializer.makeInt(line.front()), DType::Int64),
      specializer.constant(DType::Bool, flag(specializer, arguments, "replace", true))};
  llvm::StringRef callee = "mpy_random_choice";
  if (arguments.has("p")) {
    ArrayValue weights =
        castArray(specializer, toArray(specializer, arguments["p"]), DType::Float64);
    if (weights.rank() != 1)
      failCertain(specializer, "ValueError", "p must be 1-dimensional");
    checkEqual(specializer, weights.shape.front(), count, "ValueError",
               CheckText{"a and p must have same size", {}});
    inputs.push_back(weights.tensor);
    callee = "mpy_random_choice_weighted";
  }
  mlir::Value drawn =
      callRuntime(specializer, callee, specializer.tensorType(DType::Int64, line), inputs, true);
  ArrayValue positions = {DType::Int64, line, drawn};
  if (array)
    positions = gatherRows(specializer, *array, positions);
  positions = reshaped(specializer, positions, shape);
  if (!size.isNone())
    return specializer.newArray(positions);
  Scalar one = elementOf(specializer, positions);
  return array ? one : specializer.makeInt(one.value);
}

} // namespace mpy::library
