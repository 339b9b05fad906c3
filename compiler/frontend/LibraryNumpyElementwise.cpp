// Elementwise functions of NumPy that are more than one operation, and the common way of all of them: operands, out, where.
#include "frontend/ArrayReductions.h"
#include "frontend/ArrayShapes.h"
#include "frontend/Library.h"
#include <numbers>

namespace mpy::library {

static llvm::StringRef shortName(const Arguments &arguments) { return llvm::StringRef(arguments.name).rsplit('.').second; }

Value unary(Specializer &s, const Arguments &arguments, UnaryRule rule, UnaryEmitter emitter) {
  refuse(s, arguments, "where");
  Value result =
      applyUnary(s, shortName(arguments), rule, emitter, arguments["x"], toDType(s, arguments["dtype"]));
  return finish(s, arguments, result);
}

Value binary(Specializer &s, const Arguments &arguments, BinaryFunction function) {
  refuse(s, arguments, "where");
  Value result = applyBinary(s, function, arguments["x1"], arguments["x2"], toDType(s, arguments["dtype"]));
  return finish(s, arguments, result);
}

Value comparison(Specializer &s, const Arguments &arguments, ComparePredicate predicate) {
  refuse(s, arguments, "where");
  return finish(s, arguments, applyComparison(s, predicate, arguments["x1"], arguments["x2"]));
}

static mlir::Value compare(Specializer &s, ComparePredicate predicate, mlir::Value x, mlir::Value y) {
  return s.create<CompareOp>(predicate, x, y).getResult();
}

mlir::Value emitAbsolute(Specializer &s, mlir::Value x, DType dtype) {
  return dtype == DType::Bool ? x : s.create<AbsOp>(x).getResult();
}

mlir::Value emitPositive(Specializer &, mlir::Value x, DType) { return x; }

mlir::Value emitIsNan(Specializer &s, mlir::Value x, DType) { return compare(s, ComparePredicate::ne, x, x); }

/// An element type in which infinity exists.
static mlir::Value magnitude(Specializer &s, mlir::Value x, DType &dtype) {
  if (!isFloat(dtype)) {
    x = castTo(s, x, dtype, DType::Float64);
    dtype = DType::Float64;
  }
  return s.create<AbsOp>(x).getResult();
}

mlir::Value emitIsInf(Specializer &s, mlir::Value x, DType dtype) {
  mlir::Value size = magnitude(s, x, dtype);
  return compare(s, ComparePredicate::eq, size, s.constant(dtype, std::numeric_limits<double>::infinity()));
}

mlir::Value emitIsFinite(Specializer &s, mlir::Value x, DType dtype) {
  mlir::Value size = magnitude(s, x, dtype);
  return compare(s, ComparePredicate::lt, size, s.constant(dtype, std::numeric_limits<double>::infinity()));
}

mlir::Value emitSignBit(Specializer &s, mlir::Value x, DType dtype) {
  if (!isFloat(dtype))
    return compare(s, ComparePredicate::lt, castTo(s, x, dtype, DType::Int64), s.constant(DType::Int64, 0));
  // The sign of zero shows in its reciprocal.
  mlir::Value isZero = compare(s, ComparePredicate::eq, x, s.constant(dtype, 0));
  mlir::Value probe = s.create<SelectOp>(isZero, s.create<ReciprocalOp>(x).getResult(), x).getResult();
  return compare(s, ComparePredicate::lt, probe, s.constant(dtype, 0));
}

mlir::Value emitLogicalNot(Specializer &s, mlir::Value x, DType dtype) {
  return s.create<NotOp>(castTo(s, x, dtype, DType::Bool)).getResult();
}

mlir::Value emitRadians(Specializer &s, mlir::Value x, DType dtype) {
  return s.create<MulOp>(x, s.constant(dtype, std::numbers::pi / 180)).getResult();
}

mlir::Value emitDegrees(Specializer &s, mlir::Value x, DType dtype) {
  return s.create<MulOp>(x, s.constant(dtype, 180 / std::numbers::pi)).getResult();
}

mlir::Value emitReciprocal(Specializer &s, mlir::Value x, DType dtype) {
  if (isFloat(dtype))
    return s.create<ReciprocalOp>(x).getResult();
  s.fail(ErrorId::UnsupportedArgument, {"x", "numpy.reciprocal", "an array of integers"}, {.help = "write 1.0 / x"});
}

/// sin(pi x) / (pi x), 1 at 0 (as NumPy: with 1e-20 in place of 0).
mlir::Value emitSinc(Specializer &s, mlir::Value x, DType dtype) {
  mlir::Value isZero = compare(s, ComparePredicate::eq, x, s.constant(dtype, 0));
  mlir::Value argument = s.create<SelectOp>(isZero, s.constant(dtype, 1e-20), x).getResult();
  argument = s.create<MulOp>(argument, s.constant(dtype, std::numbers::pi)).getResult();
  return s.create<DivOp>(s.create<SinOp>(argument).getResult(), argument).getResult();
}

Value where(Specializer &s, const Arguments &arguments) {
  if (!arguments.has("x") && !arguments.has("y")) {
    CallArguments call;
    call.positional = {arguments["condition"]};
    return findLibraryFunction("numpy.nonzero")->call(s, call);
  }
  Operand operands[] = {makeOperand(s, arguments["condition"]), makeOperand(s, arguments["x"]),
                        makeOperand(s, arguments["y"])};
  DType dtype = commonType(s, llvm::ArrayRef(operands).drop_front());
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, {DType::Bool, dtype, dtype}, values);
  mlir::Value result = s.create<SelectOp>(values[0], values[1], values[2]).getResult();
  // Unlike ufuncs, np.where of numbers is an array of rank 0.
  return s.newArray(arrayOf(s, dtype, shape, result));
}

Value clip(Specializer &s, const Arguments &arguments) {
  Value low = arguments.has("a_min") ? arguments["a_min"] : arguments["min"];
  Value high = arguments.has("a_max") ? arguments["a_max"] : arguments["max"];
  std::vector<Operand> operands = {makeOperand(s, arguments["a"])};
  if (!low.isNone())
    operands.push_back(makeOperand(s, low));
  if (!high.isNone())
    operands.push_back(makeOperand(s, high));
  DType dtype = commonType(s, operands);
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, llvm::SmallVector<DType>(operands.size(), dtype), values);
  // At a bound the bound is chosen, so that the derivative is 0 there; NaN stays.
  mlir::Value result = values[0];
  size_t next = 1;
  if (!low.isNone()) {
    mlir::Value isLow = compare(s, ComparePredicate::le, result, values[next]);
    result = s.create<SelectOp>(isLow, values[next], result).getResult();
    ++next;
  }
  if (!high.isNone()) {
    mlir::Value isHigh = compare(s, ComparePredicate::ge, result, values[next]);
    result = s.create<SelectOp>(isHigh, values[next], result).getResult();
  }
  return finish(s, arguments, wrap(s, dtype, shape, result));
}

Value roundTo(Specializer &s, const Arguments &arguments) {
  std::optional<int64_t> decimals = s.knownInt(arguments["decimals"]);
  if (!decimals)
    s.fail(ErrorId::NotKnownHere, {"argument 'decimals' of 'numpy.round'"});
  Operand x = makeOperand(s, arguments["a"]);
  if (!isFloat(x.dtype)) {
    if (*decimals < 0)
      failArgument(s, "decimals", arguments.name, "negative for integers");
    return finish(s, arguments, wrap(s, x.dtype, x.shape, convert(s, x, x.dtype)));
  }
  mlir::Value value = convert(s, x, x.dtype);
  // NumPy multiplies, rounds to even, divides.
  if (*decimals != 0) {
    mlir::Value scale = s.constant(x.dtype, std::pow(10.0, double(std::abs(*decimals))));
    bool up = *decimals > 0;
    value = up ? s.create<MulOp>(value, scale).getResult() : s.create<DivOp>(value, scale).getResult();
    value = s.create<RintOp>(value).getResult();
    value = up ? s.create<DivOp>(value, scale).getResult() : s.create<MulOp>(value, scale).getResult();
  } else {
    value = s.create<RintOp>(value).getResult();
  }
  return finish(s, arguments, wrap(s, x.dtype, x.shape, value));
}

Value nanToNum(Specializer &s, const Arguments &arguments) {
  if (!flag(s, arguments, "copy", true))
    failArgument(s, "copy", arguments.name, "False");
  Operand x = makeOperand(s, arguments["x"]);
  mlir::Value value = convert(s, x, x.dtype);
  if (isFloat(x.dtype)) {
    double largest = x.dtype == DType::Float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
    auto replacement = [&](llvm::StringRef parameter, double otherwise) {
      if (!arguments.has(parameter))
        return s.constant(x.dtype, otherwise);
      return s.ssaAs(makeOperand(s, arguments[parameter]).scalar, x.dtype);
    };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    mlir::Value isNan = compare(s, ComparePredicate::ne, value, value);
    mlir::Value isHigh = compare(s, ComparePredicate::eq, value, s.constant(x.dtype, infinity));
    mlir::Value isLow = compare(s, ComparePredicate::eq, value, s.constant(x.dtype, -infinity));
    value = s.create<SelectOp>(isNan, replacement("nan", 0), value).getResult();
    value = s.create<SelectOp>(isHigh, replacement("posinf", largest), value).getResult();
    value = s.create<SelectOp>(isLow, replacement("neginf", -largest), value).getResult();
  }
  return wrap(s, x.dtype, x.shape, value);
}

Value isClose(Specializer &s, const Arguments &arguments) {
  Operand operands[] = {makeOperand(s, arguments["a"]), makeOperand(s, arguments["b"])};
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, {DType::Float64, DType::Float64}, values);
  mlir::Value x = values[0], y = values[1];
  mlir::Value relative = s.create<MulOp>(s.create<AbsOp>(y).getResult(), toDouble(s, arguments["rtol"])).getResult();
  mlir::Value limit = s.create<AddOp>(relative, toDouble(s, arguments["atol"])).getResult();
  mlir::Value distance = s.create<AbsOp>(s.create<SubOp>(x, y).getResult()).getResult();
  mlir::Value near = compare(s, ComparePredicate::le, distance, limit);
  // An infinite y would allow any x.
  near = s.create<AndOp>(near, emitIsFinite(s, y, DType::Float64)).getResult();
  mlir::Value result = s.create<OrOp>(near, compare(s, ComparePredicate::eq, x, y)).getResult();
  if (flag(s, arguments, "equal_nan")) {
    mlir::Value bothNan = s.create<AndOp>(compare(s, ComparePredicate::ne, x, x), compare(s, ComparePredicate::ne, y, y)).getResult();
    result = s.create<OrOp>(result, bothNan).getResult();
  }
  return wrap(s, DType::Bool, shape, result);
}

/// Whether all elements hold, as a Python bool.
static Value allOf(Specializer &s, const Value &value) {
  ArrayValue mask = toArray(s, value);
  llvm::SmallVector<int64_t> axes(llvm::seq<int64_t>(0, mask.rank()));
  ArrayValue all = reduce(s, Reduction::All, mask, axes, false);
  return s.makeScalar(ScalarKind::PyBool, element(s, all));
}

Value allClose(Specializer &s, const Arguments &arguments) { return allOf(s, isClose(s, arguments)); }

Value arrayEqual(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["a1"]), y = toArray(s, arguments["a2"]);
  if (flag(s, arguments, "equal_nan"))
    failArgument(s, "equal_nan", arguments.name, "True");
  if (x.rank() != y.rank())
    return s.makeBool(false);
  mlir::Value same;
  for (auto [one, other] : llvm::zip(x.shape, y.shape)) {
    if (one == other)
      continue;
    if ((one - other).known())
      return s.makeBool(false);
    mlir::Value equal = compareInts(s, mlir::arith::CmpIPredicate::eq, one, other);
    same = same ? s.create<mlir::arith::AndIOp>(same, equal).getResult() : equal;
  }
  if (same)
    return s.branchValue(
        same,
        [&] { return allOf(s, applyComparison(s, ComparePredicate::eq, s.newArray(x), s.newArray(reshaped(s, y, x.shape)))); },
        [&] { return Value(s.makeBool(false)); });
  return allOf(s, applyComparison(s, ComparePredicate::eq, s.newArray(x), s.newArray(y)));
}

} // namespace mpy::library
