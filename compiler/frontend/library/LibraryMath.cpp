// Python's math: the value is an mpy operation, which has a derivative; before it stands the check
// that makes Python raise.
//
//   math.log(x) -> mpy.check x > 0 (ValueError: math domain error), mpy.log x
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/containers/Builtins.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/library/Library.h"
#include <numbers>

namespace mpy::library {

static Scalar pyFloat(Specializer &specializer, mlir::Value value) {
  return specializer.makeScalar(ScalarKind::PyFloat, value);
}
static Scalar pyBool(Specializer &specializer, mlir::Value value) {
  return specializer.makeScalar(ScalarKind::PyBool, value);
}
static mlir::Value number(Specializer &specializer, double value) {
  return specializer.constant(DType::Float64, value);
}
static constexpr double infinity = std::numeric_limits<double>::infinity();

static mlir::Value compare(Specializer &specializer, ComparePredicate predicate, mlir::Value x,
                           mlir::Value y) {
  return specializer.create<CompareOp>(predicate, x, y).getResult();
}

static mlir::Value isFiniteNumber(Specializer &specializer, mlir::Value x) {
  return compare(specializer, ComparePredicate::lt, specializer.create<AbsOp>(x).getResult(),
                 number(specializer, infinity));
}

/// ValueError unless a condition that does not hold for bad input is false: NaN passes, as in
/// Python.
static void refuseDomain(Specializer &specializer, mlir::Value bad) {
  check(specializer, specializer.create<NotOp>(bad).getResult(), "ValueError",
        CheckText{"math domain error", {}});
}

/// OverflowError where a finite argument gave an infinite result.
static Value withRange(Specializer &specializer, mlir::Value x, mlir::Value result) {
  mlir::Value isInfinite =
      compare(specializer, ComparePredicate::eq, specializer.create<AbsOp>(result).getResult(),
              number(specializer, infinity));
  mlir::Value overflow =
      specializer.create<AndOp>(isInfinite, isFiniteNumber(specializer, x)).getResult();
  check(specializer, specializer.create<NotOp>(overflow).getResult(), "OverflowError",
        CheckText{"math range error", {}});
  return pyFloat(specializer, result);
}

static mlir::Value argument(Specializer &specializer, const Arguments &arguments) {
  return toDouble(specializer, arguments["x"]);
}

/// Functions that are defined everywhere.
template <typename OpType>
static Value plain(Specializer &specializer, const Arguments &arguments) {
  return pyFloat(specializer,
                 specializer.create<OpType>(argument(specializer, arguments)).getResult());
}

/// Functions whose result may be too large.
template <typename OpType>
static Value ranged(Specializer &specializer, const Arguments &arguments) {
  mlir::Value x = argument(specializer, arguments);
  return withRange(specializer, x, specializer.create<OpType>(x).getResult());
}

/// Functions that refuse x where `predicate(x, bound)` holds.
template <typename OpType>
static Value bounded(Specializer &specializer, const Arguments &arguments,
                     ComparePredicate predicate, double bound, bool ofMagnitude = false) {
  mlir::Value x = argument(specializer, arguments);
  mlir::Value tested = ofMagnitude ? specializer.create<AbsOp>(x).getResult() : x;
  refuseDomain(specializer, compare(specializer, predicate, tested, number(specializer, bound)));
  return pyFloat(specializer, specializer.create<OpType>(x).getResult());
}

Value mathExp(Specializer &specializer, const Arguments &arguments) {
  return ranged<ExpOp>(specializer, arguments);
}
Value mathExpm1(Specializer &specializer, const Arguments &arguments) {
  return ranged<Expm1Op>(specializer, arguments);
}
Value mathSinh(Specializer &specializer, const Arguments &arguments) {
  return ranged<SinhOp>(specializer, arguments);
}
Value mathCosh(Specializer &specializer, const Arguments &arguments) {
  return ranged<CoshOp>(specializer, arguments);
}
Value mathTanh(Specializer &specializer, const Arguments &arguments) {
  return plain<TanhOp>(specializer, arguments);
}
Value mathAtan(Specializer &specializer, const Arguments &arguments) {
  return plain<ArctanOp>(specializer, arguments);
}
Value mathAsinh(Specializer &specializer, const Arguments &arguments) {
  return plain<ArcsinhOp>(specializer, arguments);
}
Value mathFabs(Specializer &specializer, const Arguments &arguments) {
  return plain<AbsOp>(specializer, arguments);
}
Value mathErf(Specializer &specializer, const Arguments &arguments) {
  return plain<ErfOp>(specializer, arguments);
}
Value mathCbrt(Specializer &specializer, const Arguments &arguments) {
  return plain<CbrtOp>(specializer, arguments);
}

Value mathErfc(Specializer &specializer, const Arguments &) {
  // 1 - erf(x) loses all digits for large x.
  specializer.fail(ErrorId::UnsupportedName, {"math.erfc"});
}

Value mathSqrt(Specializer &specializer, const Arguments &arguments) {
  return bounded<SqrtOp>(specializer, arguments, ComparePredicate::lt, 0);
}
Value mathLog2(Specializer &specializer, const Arguments &arguments) {
  return bounded<Log2Op>(specializer, arguments, ComparePredicate::le, 0);
}
Value mathLog10(Specializer &specializer, const Arguments &arguments) {
  return bounded<Log10Op>(specializer, arguments, ComparePredicate::le, 0);
}
Value mathLog1p(Specializer &specializer, const Arguments &arguments) {
  return bounded<Log1pOp>(specializer, arguments, ComparePredicate::le, -1);
}
Value mathAsin(Specializer &specializer, const Arguments &arguments) {
  return bounded<ArcsinOp>(specializer, arguments, ComparePredicate::gt, 1, true);
}
Value mathAcos(Specializer &specializer, const Arguments &arguments) {
  return bounded<ArccosOp>(specializer, arguments, ComparePredicate::gt, 1, true);
}
Value mathAtanh(Specializer &specializer, const Arguments &arguments) {
  return bounded<ArctanhOp>(specializer, arguments, ComparePredicate::ge, 1, true);
}
Value mathAcosh(Specializer &specializer, const Arguments &arguments) {
  return bounded<ArccoshOp>(specializer, arguments, ComparePredicate::lt, 1);
}
Value mathSin(Specializer &specializer, const Arguments &arguments) {
  return bounded<SinOp>(specializer, arguments, ComparePredicate::eq, infinity, true);
}
Value mathCos(Specializer &specializer, const Arguments &arguments) {
  return bounded<CosOp>(specializer, arguments, ComparePredicate::eq, infinity, true);
}
Value mathTan(Specializer &specializer, const Arguments &arguments) {
  return bounded<TanOp>(specializer, arguments, ComparePredicate::eq, infinity, true);
}

Value mathLog(Specializer &specializer, const Arguments &arguments) {
  Value result = bounded<LogOp>(specializer, arguments, ComparePredicate::le, 0);
  if (!arguments.has("base"))
    return result;
  mlir::Value base = toDouble(specializer, arguments["base"]);
  refuseDomain(specializer,
               compare(specializer, ComparePredicate::le, base, number(specializer, 0)));
  mlir::Value divisor = specializer.create<LogOp>(base).getResult();
  mlir::Value isZero = compare(specializer, ComparePredicate::eq, divisor, number(specializer, 0));
  check(specializer, specializer.create<NotOp>(isZero).getResult(), "ZeroDivisionError",
        CheckText{"float division by zero", {}});
  return pyFloat(specializer,
                 specializer.create<DivOp>(result.get<Scalar>()->value, divisor).getResult());
}

Value mathPow(Specializer &specializer, const Arguments &arguments) {
  mlir::Value x = toDouble(specializer, arguments["x"]), y = toDouble(specializer, arguments["y"]);
  mlir::Value zero = number(specializer, 0);
  // Negative to a fraction, or 0 to a negative power.
  mlir::Value fraction =
      compare(specializer, ComparePredicate::ne, specializer.create<FloorOp>(y).getResult(), y);
  mlir::Value negative = specializer
                             .create<AndOp>(compare(specializer, ComparePredicate::lt, x, zero),
                                            isFiniteNumber(specializer, x))
                             .getResult();
  fraction = specializer.create<AndOp>(fraction, isFiniteNumber(specializer, y)).getResult();
  mlir::Value bad = specializer.create<AndOp>(negative, fraction).getResult();
  mlir::Value inverse = specializer
                            .create<AndOp>(compare(specializer, ComparePredicate::eq, x, zero),
                                           compare(specializer, ComparePredicate::lt, y, zero))
                            .getResult();
  inverse = specializer.create<AndOp>(inverse, isFiniteNumber(specializer, y)).getResult();
  refuseDomain(specializer, specializer.create<OrOp>(bad, inverse).getResult());
  mlir::Value result = specializer.create<PowOp>(x, y).getResult();
  mlir::Value isInfinite =
      compare(specializer, ComparePredicate::eq, specializer.create<AbsOp>(result).getResult(),
              number(specializer, infinity));
  mlir::Value finite =
      specializer.create<AndOp>(isFiniteNumber(specializer, x), isFiniteNumber(specializer, y))
          .getResult();
  mlir::Value overflow = specializer.create<AndOp>(isInfinite, finite).getResult();
  check(specializer, specializer.create<NotOp>(overflow).getResult(), "OverflowError",
        CheckText{"math range error", {}});
  return pyFloat(specializer, result);
}

Value mathAtan2(Specializer &specializer, const Arguments &arguments) {
  return pyFloat(specializer, specializer
                                  .create<Atan2Op>(toDouble(specializer, arguments["y"]),
                                                   toDouble(specializer, arguments["x"]))
                                  .getResult());
}

Value mathHypot(Specializer &specializer, const Arguments &arguments) {
  llvm::SmallVector<mlir::Value> coordinates;
  for (const Value &coordinate : arguments["coordinates"].as<TupleValue>()->items)
    coordinates.push_back(toDouble(specializer, coordinate));
  if (coordinates.empty())
    return specializer.makeFloat(0);
  // In one step: the length of two that are 0 has no second derivative for a third.
  return pyFloat(specializer, lengthOf(specializer, coordinates, DType::Float64));
}

/// x - y * trunc(x / y) by the runtime, which is exact; it has no derivative there.
static Value callRuntime(Specializer &specializer, llvm::StringRef callee, mlir::Type type,
                         mlir::ValueRange inputs) {
  mlir::Value result = specializer.callRaising(type, callee, inputs)[0];
  return llvm::isa<mlir::FloatType>(type) ? Value(pyFloat(specializer, result))
                                          : Value(specializer.makeInt(result));
}

Value mathFmod(Specializer &specializer, const Arguments &arguments) {
  mlir::Value inputs[] = {toDouble(specializer, arguments["x"]),
                          toDouble(specializer, arguments["y"])};
  return callRuntime(specializer, "mpy_math_fmod", typeOf(DType::Float64, specializer.context()),
                     inputs);
}
Value mathGamma(Specializer &specializer, const Arguments &arguments) {
  return callRuntime(specializer, "mpy_math_gamma", typeOf(DType::Float64, specializer.context()),
                     {argument(specializer, arguments)});
}
Value mathLgamma(Specializer &specializer, const Arguments &arguments) {
  return callRuntime(specializer, "mpy_math_lgamma", typeOf(DType::Float64, specializer.context()),
                     {argument(specializer, arguments)});
}
/// Functions of ints, by a function of the runtime that raises.
static Value ofInts(Specializer &specializer, llvm::StringRef callee,
                    llvm::ArrayRef<Value> values) {
  llvm::SmallVector<mlir::Value> inputs;
  for (const Value &value : values)
    inputs.push_back(specializer.ssaAs(indexIn(specializer, value), DType::Int64));
  return callRuntime(specializer, callee, typeOf(DType::Int64, specializer.context()), inputs);
}
Value mathFactorial(Specializer &specializer, const Arguments &arguments) {
  return ofInts(specializer, "mpy_math_factorial", {arguments["x"]});
}
Value mathIsqrt(Specializer &specializer, const Arguments &arguments) {
  return ofInts(specializer, "mpy_math_isqrt", {arguments["n"]});
}
Value mathComb(Specializer &specializer, const Arguments &arguments) {
  return ofInts(specializer, "mpy_math_comb", {arguments["n"], arguments["k"]});
}
Value mathPerm(Specializer &specializer, const Arguments &arguments) {
  if (!arguments.has("k"))
    return ofInts(specializer, "mpy_math_factorial", {arguments["n"]});
  return ofInts(specializer, "mpy_math_perm", {arguments["n"], arguments["k"]});
}
Value mathLcm(Specializer &specializer, const Arguments &arguments) {
  Value result = specializer.makeInt(IntExpr(1));
  for (const Value &value : arguments["integers"].as<TupleValue>()->items)
    result = ofInts(specializer, "mpy_math_lcm", {result, value});
  return result;
}

/// floor, ceil and trunc: ints stay, floats become ints or raise.
static Value toWhole(Specializer &specializer, const Value &x, llvm::StringRef callee,
                     llvm::StringRef method) {
  const Scalar *scalar = x.get<Scalar>();
  if (scalar && scalar->integer)
    return eachKind(specializer, *scalar,
                    [&](const Scalar &one) { return toWhole(specializer, one, callee, method); });
  if (scalar && !isFloat(scalar->kind))
    return specializer.makeInt(specializer.intExpr(*scalar));
  if (std::optional<Value> result = specializer.callMethod(x, method, {}))
    return *result;
  return callRuntime(specializer, callee, typeOf(DType::Int64, specializer.context()),
                     {toDouble(specializer, x)});
}

Value mathFloor(Specializer &specializer, const Arguments &arguments) {
  return toWhole(specializer, arguments["x"], "mpy_floor_to_int", "__floor__");
}
Value mathCeil(Specializer &specializer, const Arguments &arguments) {
  return toWhole(specializer, arguments["x"], "mpy_ceil_to_int", "__ceil__");
}
Value mathTrunc(Specializer &specializer, const Arguments &arguments) {
  return toWhole(specializer, arguments["x"], "mpy_int_from_float", "__trunc__");
}

Value mathRadians(Specializer &specializer, const Arguments &arguments) {
  return pyFloat(specializer, specializer
                                  .create<MulOp>(argument(specializer, arguments),
                                                 number(specializer, std::numbers::pi / 180))
                                  .getResult());
}
Value mathDegrees(Specializer &specializer, const Arguments &arguments) {
  return pyFloat(specializer, specializer
                                  .create<MulOp>(argument(specializer, arguments),
                                                 number(specializer, 180 / std::numbers::pi))
                                  .getResult());
}

Value mathIsNan(Specializer &specializer, const Arguments &arguments) {
  mlir::Value x = argument(specializer, arguments);
  return pyBool(specializer, compare(specializer, ComparePredicate::ne, x, x));
}
Value mathIsInf(Specializer &specializer, const Arguments &arguments) {
  mlir::Value size = specializer.create<AbsOp>(argument(specializer, arguments)).getResult();
  return pyBool(specializer,
                compare(specializer, ComparePredicate::eq, size, number(specializer, infinity)));
}
Value mathIsFinite(Specializer &specializer, const Arguments &arguments) {
  return pyBool(specializer, isFiniteNumber(specializer, argument(specializer, arguments)));
}

Value mathCopysign(Specializer &specializer, const Arguments &arguments) {
  mlir::Value size = specializer.create<AbsOp>(toDouble(specializer, arguments["x"])).getResult();
  mlir::Value negative =
      emitSignBit(specializer, toDouble(specializer, arguments["y"]), DType::Float64);
  return pyFloat(
      specializer,
      specializer.create<SelectOp>(negative, specializer.create<NegOp>(size).getResult(), size)
          .getResult());
}

Value mathGcd(Specializer &specializer, const Arguments &arguments) {
  mlir::Value result = specializer.constant(DType::Int64, 0);
  mlir::Type type = typeOf(DType::Int64, specializer.context());
  for (const Value &value : arguments["integers"].as<TupleValue>()->items) {
    mlir::Value inputs[] = {result, specializer.ssaAs(indexIn(specializer, value), DType::Int64)};
    result = specializer
                 .create<RuntimeCallOp>(mlir::TypeRange{type}, "mpy_math_gcd",
                                        mlir::ValueRange(inputs), false)
                 .getResult(0);
  }
  return specializer.makeInt(result);
}

Value mathProd(Specializer &specializer, const Arguments &arguments) {
  return builtins::productOf(specializer, arguments["iterable"], arguments["start"]);
}

Value mathIsClose(Specializer &specializer, const Arguments &arguments) {
  mlir::Value a = toDouble(specializer, arguments["a"]), b = toDouble(specializer, arguments["b"]);
  mlir::Value larger = specializer
                           .create<MaximumOp>(specializer.create<AbsOp>(a).getResult(),
                                              specializer.create<AbsOp>(b).getResult())
                           .getResult();
  mlir::Value limit =
      specializer.create<MulOp>(larger, toDouble(specializer, arguments["rel_tol"])).getResult();
  limit =
      specializer.create<MaximumOp>(limit, toDouble(specializer, arguments["abs_tol"])).getResult();
  mlir::Value distance =
      specializer.create<AbsOp>(specializer.create<SubOp>(a, b).getResult()).getResult();
  mlir::Value near = compare(specializer, ComparePredicate::le, distance, limit);
  near = specializer.create<AndOp>(near, isFiniteNumber(specializer, larger)).getResult();
  return pyBool(
      specializer,
      specializer.create<OrOp>(near, compare(specializer, ComparePredicate::eq, a, b)).getResult());
}

} // namespace mpy::library
