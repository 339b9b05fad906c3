// Elementwise functions of NumPy that are more than one operation, and the common way of all of
// them: operands, out, where.
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/library/Library.h"
#include <numbers>

namespace mpy::library {

static llvm::StringRef shortName(const Arguments &arguments) {
  return llvm::StringRef(arguments.name).rsplit('.').second;
}

Value unary(Specializer &specializer, const Arguments &arguments, UnaryRule rule,
            UnaryEmitter emitter) {
  refuse(specializer, arguments, "where");
  Value result = applyUnary(specializer, shortName(arguments), rule, emitter, arguments["x"],
                            toDType(specializer, arguments["dtype"]));
  return finish(specializer, arguments, result);
}

Value binary(Specializer &specializer, const Arguments &arguments, BinaryFunction function) {
  refuse(specializer, arguments, "where");
  Value result = applyBinary(specializer, function, arguments["x1"], arguments["x2"],
                             toDType(specializer, arguments["dtype"]));
  return finish(specializer, arguments, result);
}

Value comparison(Specializer &specializer, const Arguments &arguments, ComparePredicate predicate) {
  refuse(specializer, arguments, "where");
  return finish(specializer, arguments,
                applyComparison(specializer, predicate, arguments["x1"], arguments["x2"]));
}

static mlir::Value compare(Specializer &specializer, ComparePredicate predicate, mlir::Value x,
                           mlir::Value y) {
  return specializer.create<CompareOp>(predicate, x, y).getResult();
}

mlir::Value emitAbsolute(Specializer &specializer, mlir::Value x, DType dtype) {
  return dtype == DType::Bool ? x : specializer.create<AbsOp>(x).getResult();
}

mlir::Value emitPositive(Specializer &, mlir::Value x, DType) { return x; }

mlir::Value emitIsNan(Specializer &specializer, mlir::Value x, DType) {
  return compare(specializer, ComparePredicate::ne, x, x);
}

/// An element type in which infinity exists.
static mlir::Value magnitude(Specializer &specializer, mlir::Value x, DType &dtype) {
  if (!isFloat(dtype)) {
    x = castTo(specializer, x, dtype, DType::Float64);
    dtype = DType::Float64;
  }
  return specializer.create<AbsOp>(x).getResult();
}

mlir::Value emitIsInf(Specializer &specializer, mlir::Value x, DType dtype) {
  mlir::Value size = magnitude(specializer, x, dtype);
  return compare(specializer, ComparePredicate::eq, size,
                 specializer.constant(dtype, std::numeric_limits<double>::infinity()));
}

mlir::Value emitIsFinite(Specializer &specializer, mlir::Value x, DType dtype) {
  mlir::Value size = magnitude(specializer, x, dtype);
  return compare(specializer, ComparePredicate::lt, size,
                 specializer.constant(dtype, std::numeric_limits<double>::infinity()));
}

mlir::Value emitSignBit(Specializer &specializer, mlir::Value x, DType dtype) {
  if (!isFloat(dtype))
    return compare(specializer, ComparePredicate::lt, castTo(specializer, x, dtype, DType::Int64),
                   specializer.constant(DType::Int64, 0));
  // The sign of zero shows in its reciprocal.
  mlir::Value isZero =
      compare(specializer, ComparePredicate::eq, x, specializer.constant(dtype, 0));
  mlir::Value probe =
      specializer.create<SelectOp>(isZero, specializer.create<ReciprocalOp>(x).getResult(), x)
          .getResult();
  return compare(specializer, ComparePredicate::lt, probe, specializer.constant(dtype, 0));
}

mlir::Value emitLogicalNot(Specializer &specializer, mlir::Value x, DType dtype) {
  return specializer.create<NotOp>(castTo(specializer, x, dtype, DType::Bool)).getResult();
}

mlir::Value emitRadians(Specializer &specializer, mlir::Value x, DType dtype) {
  return specializer.create<MulOp>(x, specializer.constant(dtype, std::numbers::pi / 180))
      .getResult();
}

mlir::Value emitDegrees(Specializer &specializer, mlir::Value x, DType dtype) {
  return specializer.create<MulOp>(x, specializer.constant(dtype, 180 / std::numbers::pi))
      .getResult();
}

mlir::Value emitReciprocal(Specializer &specializer, mlir::Value x, DType dtype) {
  if (isFloat(dtype))
    return specializer.create<ReciprocalOp>(x).getResult();
  specializer.fail(ErrorId::UnsupportedArgument, {"x", "numpy.reciprocal", "an array of integers"},
                   {.help = "write 1.0 / x"});
}

/// sin(pi x) / (pi x), 1 at 0.
mlir::Value emitSinc(Specializer &specializer, mlir::Value x, DType dtype) {
  mlir::Value argument =
      specializer.create<MulOp>(x, specializer.constant(dtype, std::numbers::pi)).getResult();
  return specializer.create<SincOp>(argument).getResult();
}

Value where(Specializer &specializer, const Arguments &arguments) {
  if (!arguments.has("x") && !arguments.has("y")) {
    CallArguments call;
    call.positional = {arguments["condition"]};
    return findLibraryFunction("numpy.nonzero")->call(specializer, call);
  }
  ElementOperand operands[] = {makeOperand(specializer, arguments["condition"]),
                               makeOperand(specializer, arguments["x"]),
                               makeOperand(specializer, arguments["y"])};
  DType dtype = commonType(specializer, llvm::ArrayRef(operands).drop_front());
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(specializer, operands, {DType::Bool, dtype, dtype}, values);
  mlir::Value result = specializer.create<SelectOp>(values[0], values[1], values[2]).getResult();
  // Unlike ufuncs, np.where of numbers is an array of rank 0.
  return newArrayOf(specializer, arrayOf(specializer, dtype, shape, result));
}

static mlir::Value compareIn(Specializer &specializer, DType dtype, ComparePredicate predicate,
                             mlir::Value x, mlir::Value y) {
  return compare(specializer, predicate, inOrder(specializer, x, dtype),
                 inOrder(specializer, y, dtype));
}

Value clip(Specializer &specializer, const Arguments &arguments) {
  Value low = arguments.has("a_min") ? arguments["a_min"] : arguments["min"];
  Value high = arguments.has("a_max") ? arguments["a_max"] : arguments["max"];
  std::vector<ElementOperand> operands = {makeOperand(specializer, arguments["a"])};
  if (!low.isNone())
    operands.push_back(makeOperand(specializer, low));
  if (!high.isNone())
    operands.push_back(makeOperand(specializer, high));
  DType dtype = commonType(specializer, operands);
  llvm::SmallVector<mlir::Value> values;
  Shape shape =
      prepare(specializer, operands, llvm::SmallVector<DType>(operands.size(), dtype), values);
  // At a bound the bound is chosen, so that the derivative is 0 there; NaN stays.
  mlir::Value result = values[0];
  size_t next = 1;
  if (!low.isNone()) {
    mlir::Value isLow = compareIn(specializer, dtype, ComparePredicate::le, result, values[next]);
    result = specializer.create<SelectOp>(isLow, values[next], result).getResult();
    ++next;
  }
  if (!high.isNone()) {
    mlir::Value isHigh = compareIn(specializer, dtype, ComparePredicate::ge, result, values[next]);
    result = specializer.create<SelectOp>(isHigh, values[next], result).getResult();
  }
  return finish(specializer, arguments, wrap(specializer, dtype, shape, result));
}

Value roundTo(Specializer &specializer, const Arguments &arguments) {
  std::optional<int64_t> decimals = specializer.knownInt(arguments["decimals"]);
  if (!decimals)
    specializer.fail(ErrorId::NotKnownHere, {"argument 'decimals' of 'numpy.round'"});
  ElementOperand x = makeOperand(specializer, arguments["a"]);
  if (!isFloat(x.dtype)) {
    if (*decimals < 0)
      failArgument(specializer, "decimals", arguments.name, "negative for integers");
    return finish(specializer, arguments,
                  wrap(specializer, x.dtype, x.shape, convert(specializer, x, x.dtype)));
  }
  mlir::Value value = convert(specializer, x, x.dtype);
  // NumPy multiplies, rounds to even, divides.
  if (*decimals != 0) {
    mlir::Value scale = specializer.constant(x.dtype, std::pow(10.0, double(std::abs(*decimals))));
    bool up = *decimals > 0;
    value = up ? specializer.create<MulOp>(value, scale).getResult()
               : specializer.create<DivOp>(value, scale).getResult();
    value = specializer.create<RintOp>(value).getResult();
    value = up ? specializer.create<DivOp>(value, scale).getResult()
               : specializer.create<MulOp>(value, scale).getResult();
  } else {
    value = specializer.create<RintOp>(value).getResult();
  }
  return finish(specializer, arguments, wrap(specializer, x.dtype, x.shape, value));
}

Value nanToNum(Specializer &specializer, const Arguments &arguments) {
  if (!flag(specializer, arguments, "copy", true))
    failArgument(specializer, "copy", arguments.name, "False");
  ElementOperand x = makeOperand(specializer, arguments["x"]);
  mlir::Value value = convert(specializer, x, x.dtype);
  if (isFloat(x.dtype)) {
    double largest = x.dtype == DType::Float32 ? std::numeric_limits<float>::max()
                                               : std::numeric_limits<double>::max();
    auto replacement = [&](llvm::StringRef parameter, double otherwise) {
      if (!arguments.has(parameter))
        return specializer.constant(x.dtype, otherwise);
      return specializer.ssaAs(makeOperand(specializer, arguments[parameter]).scalar, x.dtype);
    };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    mlir::Value isNan = compare(specializer, ComparePredicate::ne, value, value);
    mlir::Value isHigh =
        compare(specializer, ComparePredicate::eq, value, specializer.constant(x.dtype, infinity));
    mlir::Value isLow =
        compare(specializer, ComparePredicate::eq, value, specializer.constant(x.dtype, -infinity));
    value = specializer.create<SelectOp>(isNan, replacement("nan", 0), value).getResult();
    value = specializer.create<SelectOp>(isHigh, replacement("posinf", largest), value).getResult();
    value = specializer.create<SelectOp>(isLow, replacement("neginf", -largest), value).getResult();
  }
  return wrap(specializer, x.dtype, x.shape, value);
}

Value isClose(Specializer &specializer, const Arguments &arguments) {
  ElementOperand operands[] = {makeOperand(specializer, arguments["a"]),
                               makeOperand(specializer, arguments["b"])};
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(specializer, operands, {DType::Float64, DType::Float64}, values);
  mlir::Value x = values[0], y = values[1];
  mlir::Value relative = specializer
                             .create<MulOp>(specializer.create<AbsOp>(y).getResult(),
                                            toDouble(specializer, arguments["rtol"]))
                             .getResult();
  mlir::Value limit =
      specializer.create<AddOp>(relative, toDouble(specializer, arguments["atol"])).getResult();
  mlir::Value distance =
      specializer.create<AbsOp>(specializer.create<SubOp>(x, y).getResult()).getResult();
  mlir::Value near = compare(specializer, ComparePredicate::le, distance, limit);
  // An infinite y would allow any x.
  near = specializer.create<AndOp>(near, emitIsFinite(specializer, y, DType::Float64)).getResult();
  mlir::Value result =
      specializer.create<OrOp>(near, compare(specializer, ComparePredicate::eq, x, y)).getResult();
  if (flag(specializer, arguments, "equal_nan")) {
    mlir::Value bothNan = specializer
                              .create<AndOp>(compare(specializer, ComparePredicate::ne, x, x),
                                             compare(specializer, ComparePredicate::ne, y, y))
                              .getResult();
    result = specializer.create<OrOp>(result, bothNan).getResult();
  }
  return wrap(specializer, DType::Bool, shape, result);
}

/// Whether all elements hold, as a Python bool.
static Value allOf(Specializer &specializer, const Value &value) {
  ArrayValue mask = toArray(specializer, value);
  llvm::SmallVector<int64_t> axes = consecutive(0, mask.rank());
  ArrayValue all = reduce(specializer, Reduction::All, mask, axes, false);
  return specializer.makeScalar(ScalarKind::PyBool, element(specializer, all));
}

Value allClose(Specializer &specializer, const Arguments &arguments) {
  return allOf(specializer, isClose(specializer, arguments));
}

Value arrayEqual(Specializer &specializer, const Arguments &arguments) {
  ArrayValue x = toArray(specializer, arguments["a1"]), y = toArray(specializer, arguments["a2"]);
  if (flag(specializer, arguments, "equal_nan"))
    failArgument(specializer, "equal_nan", arguments.name, "True");
  if (x.rank() != y.rank())
    return specializer.makeBool(false);
  mlir::Value same;
  for (auto [one, other] : llvm::zip(x.shape, y.shape)) {
    if (one == other)
      continue;
    if ((one - other).known())
      return specializer.makeBool(false);
    mlir::Value equal = compareInts(specializer, mlir::arith::CmpIPredicate::eq, one, other);
    same = same ? specializer.create<mlir::arith::AndIOp>(same, equal).getResult() : equal;
  }
  if (same)
    return specializer.branchValue(
        same,
        [&] {
          return allOf(specializer,
                       applyComparison(specializer, ComparePredicate::eq, specializer.newArray(x),
                                       specializer.newArray(reshaped(specializer, y, x.shape))));
        },
        [&] { return Value(specializer.makeBool(false)); });
  return allOf(specializer, applyComparison(specializer, ComparePredicate::eq,
                                            specializer.newArray(x), specializer.newArray(y)));
}

} // namespace mpy::library
