// Python's math: the value is an mpy operation, which has a derivative; before it stands the check that makes Python raise.
//
//   math.log(x) -> mpy.check x > 0 (ValueError: math domain error), mpy.log x
#include "frontend/Library.h"
#include <numbers>

namespace mpy::library {

static Scalar pyFloat(Specializer &s, mlir::Value value) { return s.makeScalar(ScalarKind::PyFloat, value); }
static Scalar pyBool(Specializer &s, mlir::Value value) { return s.makeScalar(ScalarKind::PyBool, value); }
static mlir::Value number(Specializer &s, double value) { return s.constant(DType::Float64, value); }
static constexpr double infinity = std::numeric_limits<double>::infinity();

static mlir::Value compare(Specializer &s, ComparePredicate predicate, mlir::Value x, mlir::Value y) {
  return s.create<CompareOp>(predicate, x, y).getResult();
}

static mlir::Value isFiniteNumber(Specializer &s, mlir::Value x) {
  return compare(s, ComparePredicate::lt, s.create<AbsOp>(x).getResult(), number(s, infinity));
}

/// ValueError unless a condition that does not hold for bad input is false: NaN passes, as in Python.
static void refuseDomain(Specializer &s, mlir::Value bad) {
  check(s, s.create<NotOp>(bad).getResult(), "ValueError", CheckText{"math domain error", {}});
}

/// OverflowError where a finite argument gave an infinite result.
static Value withRange(Specializer &s, mlir::Value x, mlir::Value result) {
  mlir::Value isInfinite = compare(s, ComparePredicate::eq, s.create<AbsOp>(result).getResult(), number(s, infinity));
  mlir::Value overflow = s.create<AndOp>(isInfinite, isFiniteNumber(s, x)).getResult();
  check(s, s.create<NotOp>(overflow).getResult(), "OverflowError", CheckText{"math range error", {}});
  return pyFloat(s, result);
}

static mlir::Value argument(Specializer &s, const Arguments &arguments) { return toDouble(s, arguments["x"]); }

/// Functions that are defined everywhere.
template <typename OpType> static Value plain(Specializer &s, const Arguments &arguments) {
  return pyFloat(s, s.create<OpType>(argument(s, arguments)).getResult());
}

/// Functions whose result may be too large.
template <typename OpType> static Value ranged(Specializer &s, const Arguments &arguments) {
  mlir::Value x = argument(s, arguments);
  return withRange(s, x, s.create<OpType>(x).getResult());
}

/// Functions that refuse x where `predicate(x, bound)` holds.
template <typename OpType>
static Value bounded(Specializer &s, const Arguments &arguments, ComparePredicate predicate, double bound,
                     bool ofMagnitude = false) {
  mlir::Value x = argument(s, arguments);
  mlir::Value tested = ofMagnitude ? s.create<AbsOp>(x).getResult() : x;
  refuseDomain(s, compare(s, predicate, tested, number(s, bound)));
  return pyFloat(s, s.create<OpType>(x).getResult());
}

Value mathExp(Specializer &s, const Arguments &arguments) { return ranged<ExpOp>(s, arguments); }
Value mathExpm1(Specializer &s, const Arguments &arguments) { return ranged<Expm1Op>(s, arguments); }
Value mathSinh(Specializer &s, const Arguments &arguments) { return ranged<SinhOp>(s, arguments); }
Value mathCosh(Specializer &s, const Arguments &arguments) { return ranged<CoshOp>(s, arguments); }
Value mathTanh(Specializer &s, const Arguments &arguments) { return plain<TanhOp>(s, arguments); }
Value mathAtan(Specializer &s, const Arguments &arguments) { return plain<ArctanOp>(s, arguments); }
Value mathAsinh(Specializer &s, const Arguments &arguments) { return plain<ArcsinhOp>(s, arguments); }
Value mathFabs(Specializer &s, const Arguments &arguments) { return plain<AbsOp>(s, arguments); }
Value mathErf(Specializer &s, const Arguments &arguments) { return plain<ErfOp>(s, arguments); }
Value mathCbrt(Specializer &s, const Arguments &arguments) { return plain<CbrtOp>(s, arguments); }

Value mathErfc(Specializer &s, const Arguments &) {
  // 1 - erf(x) loses all digits for large x.
  s.fail(ErrorId::UnsupportedName, {"math.erfc"});
}

Value mathSqrt(Specializer &s, const Arguments &arguments) {
  return bounded<SqrtOp>(s, arguments, ComparePredicate::lt, 0);
}
Value mathLog2(Specializer &s, const Arguments &arguments) {
  return bounded<Log2Op>(s, arguments, ComparePredicate::le, 0);
}
Value mathLog10(Specializer &s, const Arguments &arguments) {
  return bounded<Log10Op>(s, arguments, ComparePredicate::le, 0);
}
Value mathLog1p(Specializer &s, const Arguments &arguments) {
  return bounded<Log1pOp>(s, arguments, ComparePredicate::le, -1);
}
Value mathAsin(Specializer &s, const Arguments &arguments) {
  return bounded<ArcsinOp>(s, arguments, ComparePredicate::gt, 1, true);
}
Value mathAcos(Specializer &s, const Arguments &arguments) {
  return bounded<ArccosOp>(s, arguments, ComparePredicate::gt, 1, true);
}
Value mathAtanh(Specializer &s, const Arguments &arguments) {
  return bounded<ArctanhOp>(s, arguments, ComparePredicate::ge, 1, true);
}
Value mathAcosh(Specializer &s, const Arguments &arguments) {
  return bounded<ArccoshOp>(s, arguments, ComparePredicate::lt, 1);
}
Value mathSin(Specializer &s, const Arguments &arguments) {
  return bounded<SinOp>(s, arguments, ComparePredicate::eq, infinity, true);
}
Value mathCos(Specializer &s, const Arguments &arguments) {
  return bounded<CosOp>(s, arguments, ComparePredicate::eq, infinity, true);
}
Value mathTan(Specializer &s, const Arguments &arguments) {
  return bounded<TanOp>(s, arguments, ComparePredicate::eq, infinity, true);
}

Value mathLog(Specializer &s, const Arguments &arguments) {
  Value result = bounded<LogOp>(s, arguments, ComparePredicate::le, 0);
  if (!arguments.has("base"))
    return result;
  mlir::Value base = toDouble(s, arguments["base"]);
  refuseDomain(s, compare(s, ComparePredicate::le, base, number(s, 0)));
  mlir::Value divisor = s.create<LogOp>(base).getResult();
  mlir::Value isZero = compare(s, ComparePredicate::eq, divisor, number(s, 0));
  check(s, s.create<NotOp>(isZero).getResult(), "ZeroDivisionError", CheckText{"float division by zero", {}});
  return pyFloat(s, s.create<DivOp>(result.get<Scalar>()->value, divisor).getResult());
}

Value mathPow(Specializer &s, const Arguments &arguments) {
  mlir::Value x = toDouble(s, arguments["x"]), y = toDouble(s, arguments["y"]);
  mlir::Value zero = number(s, 0);
  // Negative to a fraction, or 0 to a negative power.
  mlir::Value fraction = compare(s, ComparePredicate::ne, s.create<FloorOp>(y).getResult(), y);
  mlir::Value negative = s.create<AndOp>(compare(s, ComparePredicate::lt, x, zero), isFiniteNumber(s, x)).getResult();
  fraction = s.create<AndOp>(fraction, isFiniteNumber(s, y)).getResult();
  mlir::Value bad = s.create<AndOp>(negative, fraction).getResult();
  mlir::Value inverse = s.create<AndOp>(compare(s, ComparePredicate::eq, x, zero),
                                        compare(s, ComparePredicate::lt, y, zero))
                            .getResult();
  inverse = s.create<AndOp>(inverse, isFiniteNumber(s, y)).getResult();
  refuseDomain(s, s.create<OrOp>(bad, inverse).getResult());
  mlir::Value result = s.create<PowOp>(x, y).getResult();
  mlir::Value isInfinite = compare(s, ComparePredicate::eq, s.create<AbsOp>(result).getResult(), number(s, infinity));
  mlir::Value finite = s.create<AndOp>(isFiniteNumber(s, x), isFiniteNumber(s, y)).getResult();
  mlir::Value overflow = s.create<AndOp>(isInfinite, finite).getResult();
  check(s, s.create<NotOp>(overflow).getResult(), "OverflowError", CheckText{"math range error", {}});
  return pyFloat(s, result);
}

Value mathAtan2(Specializer &s, const Arguments &arguments) {
  return pyFloat(s, s.create<Atan2Op>(toDouble(s, arguments["y"]), toDouble(s, arguments["x"])).getResult());
}

Value mathHypot(Specializer &s, const Arguments &arguments) {
  Value result = s.makeFloat(0);
  for (const Value &coordinate : arguments["coordinates"].as<TupleValue>()->items) {
    Value length = applyBinary(s, BinaryFunction::Hypot, pyFloat(s, toDouble(s, result)), pyFloat(s, toDouble(s, coordinate)));
    result = pyFloat(s, length.get<Scalar>()->value);
  }
  return result;
}

/// x - y * trunc(x / y) by the runtime, which is exact; it has no derivative there.
static Value callRuntime(Specializer &s, llvm::StringRef callee, mlir::Type type, mlir::ValueRange inputs) {
  mlir::Value result = s.create<RuntimeEffectOp>(mlir::TypeRange{type}, callee, inputs, true).getResult(0);
  return llvm::isa<mlir::FloatType>(type) ? Value(pyFloat(s, result)) : Value(s.makeInt(result));
}

Value mathFmod(Specializer &s, const Arguments &arguments) {
  mlir::Value inputs[] = {toDouble(s, arguments["x"]), toDouble(s, arguments["y"])};
  return callRuntime(s, "mpy_math_fmod", typeOf(DType::Float64, s.context()), inputs);
}
Value mathGamma(Specializer &s, const Arguments &arguments) {
  return callRuntime(s, "mpy_math_gamma", typeOf(DType::Float64, s.context()), {argument(s, arguments)});
}
Value mathLgamma(Specializer &s, const Arguments &arguments) {
  return callRuntime(s, "mpy_math_lgamma", typeOf(DType::Float64, s.context()), {argument(s, arguments)});
}
Value mathFactorial(Specializer &s, const Arguments &arguments) {
  mlir::Value n = s.ssaAs(s.makeInt(toExtents(s, arguments["x"]).front()), DType::Int64);
  return callRuntime(s, "mpy_math_factorial", typeOf(DType::Int64, s.context()), {n});
}

/// floor, ceil and trunc: ints stay, floats become ints or raise.
static Value toWhole(Specializer &s, const Arguments &arguments, llvm::StringRef callee) {
  const Scalar *scalar = arguments["x"].get<Scalar>();
  if (scalar && !isFloat(scalar->kind) && !scalar->isMixed())
    return s.makeInt(s.intExpr(*scalar));
  return callRuntime(s, callee, typeOf(DType::Int64, s.context()), {argument(s, arguments)});
}

Value mathFloor(Specializer &s, const Arguments &arguments) { return toWhole(s, arguments, "mpy_floor_to_int"); }
Value mathCeil(Specializer &s, const Arguments &arguments) { return toWhole(s, arguments, "mpy_ceil_to_int"); }
Value mathTrunc(Specializer &s, const Arguments &arguments) { return toWhole(s, arguments, "mpy_int_from_float"); }

Value mathRadians(Specializer &s, const Arguments &arguments) {
  return pyFloat(s, s.create<MulOp>(argument(s, arguments), number(s, std::numbers::pi / 180)).getResult());
}
Value mathDegrees(Specializer &s, const Arguments &arguments) {
  return pyFloat(s, s.create<MulOp>(argument(s, arguments), number(s, 180 / std::numbers::pi)).getResult());
}

Value mathIsNan(Specializer &s, const Arguments &arguments) {
  mlir::Value x = argument(s, arguments);
  return pyBool(s, compare(s, ComparePredicate::ne, x, x));
}
Value mathIsInf(Specializer &s, const Arguments &arguments) {
  mlir::Value size = s.create<AbsOp>(argument(s, arguments)).getResult();
  return pyBool(s, compare(s, ComparePredicate::eq, size, number(s, infinity)));
}
Value mathIsFinite(Specializer &s, const Arguments &arguments) {
  return pyBool(s, isFiniteNumber(s, argument(s, arguments)));
}

Value mathCopysign(Specializer &s, const Arguments &arguments) {
  mlir::Value size = s.create<AbsOp>(toDouble(s, arguments["x"])).getResult();
  mlir::Value negative = emitSignBit(s, toDouble(s, arguments["y"]), DType::Float64);
  return pyFloat(s, s.create<SelectOp>(negative, s.create<NegOp>(size).getResult(), size).getResult());
}

Value mathGcd(Specializer &s, const Arguments &arguments) {
  mlir::Value result = s.constant(DType::Int64, 0);
  mlir::Type type = typeOf(DType::Int64, s.context());
  for (const Value &value : arguments["integers"].as<TupleValue>()->items) {
    mlir::Value inputs[] = {result, s.ssaAs(s.makeInt(toExtents(s, value).front()), DType::Int64)};
    result = s.create<RuntimeCallOp>(mlir::TypeRange{type}, "mpy_math_gcd", mlir::ValueRange(inputs), false).getResult(0);
  }
  return s.makeInt(result);
}

Value mathIsClose(Specializer &s, const Arguments &arguments) {
  mlir::Value a = toDouble(s, arguments["a"]), b = toDouble(s, arguments["b"]);
  mlir::Value larger = s.create<MaximumOp>(s.create<AbsOp>(a).getResult(), s.create<AbsOp>(b).getResult()).getResult();
  mlir::Value limit = s.create<MulOp>(larger, toDouble(s, arguments["rel_tol"])).getResult();
  limit = s.create<MaximumOp>(limit, toDouble(s, arguments["abs_tol"])).getResult();
  mlir::Value distance = s.create<AbsOp>(s.create<SubOp>(a, b).getResult()).getResult();
  mlir::Value near = compare(s, ComparePredicate::le, distance, limit);
  near = s.create<AndOp>(near, isFiniteNumber(s, larger)).getResult();
  return pyBool(s, s.create<OrOp>(near, compare(s, ComparePredicate::eq, a, b)).getResult());
}

} // namespace mpy::library
