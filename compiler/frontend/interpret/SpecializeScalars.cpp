// Arithmetic of single numbers, Python's and NumPy's:
//
//   int + int        exact, OverflowError beyond 64 bits        np.int64 + np.int64   wraps
//   1.0 / 0.0        ZeroDivisionError                          np.float64(1) / 0     inf
//
// Python's numbers are weak beside NumPy's. What is done with a number whose kind depends on the
// path ("mixed") is done for each kind that it may have.
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;

namespace mpy {

using Op = ast::BinaryOperator;

/// Whether an expression may stand for a value that was checked: small enough to be written again,
/// and so far from 64 bits in what it multiplies by that no sum of two wraps around.
static bool isHandy(const IntExpr &expr) {
  constexpr int64_t limit = int64_t(1) << 40;
  auto isSmall = [](int64_t number) { return number > -limit && number < limit; };
  return expr.terms.size() <= 4 && !expr.isLarge() && isSmall(expr.constant) &&
         llvm::all_of(expr.terms, [&](auto &term) { return isSmall(term.second); });
}

/// Whether a float holds each value of the number exactly.
static bool isExactFloat(const Scalar &scalar) {
  return dtypeOf(scalar.kind) != DType::Int64 || (scalar.expr && scalar.expr->magnitude() < 0x1p53);
}

/// The kind of `a op b` where both kinds are certain.
static ScalarKind resultKind(Op op, ScalarKind a, ScalarKind b) {
  bool bits = op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor;
  if (isPython(a) && isPython(b)) {
    if (bits && a == ScalarKind::PyBool && b == ScalarKind::PyBool)
      return ScalarKind::PyBool;
    if (op == Op::Div || a == ScalarKind::PyFloat || b == ScalarKind::PyFloat)
      return ScalarKind::PyFloat;
    return ScalarKind::PyInt;
  }
  DType dtype;
  if (isPython(a) || isPython(b)) {
    // The Python number is weak: it lifts a NumPy number only to its class (bool < int < float).
    DType strong = dtypeOf(isPython(a) ? b : a);
    ScalarKind weak = isPython(a) ? a : b;
    if (weak == ScalarKind::PyFloat)
      dtype = strong == DType::Float32 ? DType::Float32 : DType::Float64;
    else if (weak == ScalarKind::PyInt && strong == DType::Bool)
      dtype = DType::Int64;
    else
      dtype = strong;
  } else {
    dtype = promote(dtypeOf(a), dtypeOf(b));
  }
  if (op == Op::Div && !isFloat(dtype))
    dtype = DType::Float64;
  return scalarKindOf(dtype);
}

namespace {

/// Emits one operator on two numbers of known kinds.
class ScalarArithmetic {
public:
  ScalarArithmetic(Specializer &s, Op op, const Scalar &lhs, const Scalar &rhs)
      : s(s), op(op), lhs(lhs), rhs(rhs) {}

  Scalar run() {
    kind = resultKind(op, lhs.kind, rhs.kind);
    if (kind == ScalarKind::PyInt)
      return pythonInt();
    if (kind == ScalarKind::PyFloat)
      return pythonFloat();
    return numpy();
  }

private:
  Scalar fromInt(mlir::Value value) { return s.makeInt(value); }

  /// A value from 0 to a limit.
  Scalar bounded(mlir::Value value, int64_t limit) {
    Scalar result = fromInt(value);
    result.expr = symbolExpr(value, /*nonNegative=*/true,
                             limit <= IntExpr::largestExtent ? IntSize::Extent : IntSize::Any);
    return result;
  }

  /// The result of % or // by a divisor that may be known.
  Scalar remainder(mlir::Value value, std::optional<int64_t> divisor) {
    return op == Op::Mod && divisor && *divisor > 0 ? bounded(value, *divisor) : fromInt(value);
  }

  /// -2**63 // -1 is the one quotient that does not fit.
  void checkQuotient(mlir::Value left, mlir::Value right) {
    auto differs = [&](mlir::Value value, int64_t from) -> mlir::Value {
      return s.create<arith::CmpIOp>(
          arith::CmpIPredicate::ne, value,
          s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(from)));
    };
    s.check(s.create<arith::OrIOp>(differs(left, INT64_MIN), differs(right, -1)), "OverflowError",
            integerOverflow);
  }

  mlir::Value runtime(const char *name, mlir::Type type, mlir::ValueRange operands) {
    return s.callRaising(type, name, operands)[0];
  }

  void checkNotZero(mlir::Value divisor, const char *message) {
    mlir::Value zero = s.create<arith::ConstantOp>(s.builder.getZeroAttr(divisor.getType()));
    mlir::Value nonZero =
        isa<FloatType>(divisor.getType())
            ? s.create<arith::CmpFOp>(arith::CmpFPredicate::UNE, divisor, zero).getResult()
            : s.create<arith::CmpIOp>(arith::CmpIPredicate::ne, divisor, zero).getResult();
    s.check(nonZero, "ZeroDivisionError", message);
  }

  Scalar overflow() {
    s.fail(ErrorId::IntegerTooLarge, {},
           {.help = "use floats: the integers of compiled programs have 64 bits"});
  }

  Scalar pythonInt() {
    IntExpr a = s.intExpr(lhs), b = s.intExpr(rhs);
    auto x = a.known(), y = b.known();
    if (x && y)
      return knownInt(*x, *y);
    bool linear = op == Op::Add || op == Op::Sub || (op == Op::Mult && (x || y));
    std::optional<IntExpr> sum;
    if (linear && isHandy(a) && isHandy(b)) {
      sum = op == Op::Add ? a + b : op == Op::Sub ? a - b : a * b;
      if (!isHandy(*sum))
        sum = std::nullopt;
      else if (a.isInRange() && b.isInRange() && sum->isInRange())
        return s.makeInt(*sum);
    }
    if ((op == Op::FloorDiv || op == Op::Mod) && y && *y > 0 && a.isInRange())
      return s.makeInt(op == Op::Mod ? modulo(a, b) : floorDivide(a, b));
    mlir::Type i64 = s.builder.getI64Type();
    mlir::Value left = s.ssaAs(lhs, DType::Int64), right = s.ssaAs(rhs, DType::Int64);
    switch (op) {
    case Op::Add:
    case Op::Sub:
    case Op::Mult: {
      IntegerKind checked = op == Op::Add   ? IntegerKind::add
                            : op == Op::Sub ? IntegerKind::sub
                                            : IntegerKind::mul;
      Scalar result = fromInt(s.create<CheckedIntOp>(checked, left, right));
      if (sum)
        result.expr = sum;
      return result;
    }
    case Op::FloorDiv:
    case Op::Mod:
      if (!y || *y == 0)
        checkNotZero(right, op == Op::Mod ? "integer modulo by zero"
                                          : "integer division or modulo by zero");
      if (op == Op::FloorDiv && y && *y == -1)
        return fromInt(s.create<CheckedIntOp>(IntegerKind::mul, left, right));
      if (op == Op::FloorDiv && !y && !a.isNonNegative() && !b.isNonNegative())
        checkQuotient(left, right);
      return remainder(op == Op::Mod ? s.create<ModOp>(left, right).getResult()
                                     : s.create<FloorDivOp>(left, right).getResult(),
                       y);
    case Op::Pow:
      if (!b.isNonNegative()) {
        auto asFloat = [&] {
          return pythonFloatPower(s.ssaAs(lhs, DType::Float64), s.ssaAs(rhs, DType::Float64));
        };
        if (y)
          return asFloat();
        mlir::Value isInt = s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, right,
                                                    s.create<arith::ConstantIntOp>(0, 64));
        auto asInt = [&] { return fromInt(s.create<CheckedIntOp>(IntegerKind::pow, left, right)); };
        return *s.branchValue(
                     isInt, [&]() -> Value { return asInt(); },
                     [&]() -> Value { return asFloat(); })
                    .get<Scalar>();
      }
      if (y && *y == 2)
        return fromInt(s.create<CheckedIntOp>(IntegerKind::mul, left, left));
      return fromInt(s.create<CheckedIntOp>(IntegerKind::pow, left, right));
    case Op::BitAnd: {
      // No more bits than a mask that is known.
      auto mask = x ? x : y;
      mlir::Value bits = s.create<AndOp>(left, right);
      return mask && *mask >= 0 ? bounded(bits, *mask) : fromInt(bits);
    }
    case Op::BitOr:
      return fromInt(s.create<OrOp>(left, right));
    case Op::BitXor:
      return fromInt(s.create<XorOp>(left, right));
    case Op::LShift:
      return fromInt(runtime("mpy_int_shl", i64, {left, right}));
    case Op::RShift:
      return fromInt(runtime("mpy_int_shr", i64, {left, right}));
    default:
      s.fail(ErrorId::OperandTypes,
             {ast::operatorText(op).str(), s.describe(lhs), s.describe(rhs)});
    }
  }

  Scalar knownInt(int64_t x, int64_t y) {
    int64_t r = 0;
    switch (op) {
    case Op::Add:
      return __builtin_add_overflow(x, y, &r) ? overflow() : s.makeInt(IntExpr(r));
    case Op::Sub:
      return __builtin_sub_overflow(x, y, &r) ? overflow() : s.makeInt(IntExpr(r));
    case Op::Mult:
      return __builtin_mul_overflow(x, y, &r) ? overflow() : s.makeInt(IntExpr(r));
    case Op::FloorDiv:
    case Op::Mod:
      if (y == 0) {
        s.raiseHere("ZeroDivisionError", op == Op::Mod ? "integer modulo by zero"
                                                       : "integer division or modulo by zero");
        return s.makeInt(IntExpr(0));
      }
      if (y == -1)
        return op == Op::Mod                               ? s.makeInt(IntExpr(0))
               : __builtin_sub_overflow(int64_t(0), x, &r) ? overflow()
                                                           : s.makeInt(IntExpr(r));
      return s.makeInt(op == Op::Mod ? modulo(IntExpr(x), IntExpr(y))
                                     : floorDivide(IntExpr(x), IntExpr(y)));
    case Op::Pow: {
      if (y < 0)
        return pythonFloatPower(s.ssaAs(lhs, DType::Float64), s.ssaAs(rhs, DType::Float64));
      r = 1;
      for (int64_t i = 0; i < y && (x > 1 || x < -1); ++i)
        if (__builtin_mul_overflow(r, x, &r))
          return overflow();
      if (x == 0)
        r = y == 0;
      else if (x == -1)
        r = y % 2 ? -1 : 1;
      return s.makeInt(IntExpr(r));
    }
    case Op::BitAnd:
      return s.makeInt(IntExpr(x & y));
    case Op::BitOr:
      return s.makeInt(IntExpr(x | y));
    case Op::BitXor:
      return s.makeInt(IntExpr(x ^ y));
    case Op::LShift:
      if (y < 0) {
        s.raiseHere("ValueError", "negative shift count");
        return s.makeInt(IntExpr(0));
      }
      if (x != 0 && (y > 63 || (int64_t(uint64_t(x) << y) >> y) != x))
        return overflow();
      return s.makeInt(IntExpr(x == 0 ? 0 : int64_t(uint64_t(x) << y)));
    case Op::RShift:
      if (y < 0) {
        s.raiseHere("ValueError", "negative shift count");
        return s.makeInt(IntExpr(0));
      }
      return s.makeInt(IntExpr(y > 63 ? (x < 0 ? -1 : 0) : x >> y));
    default:
      s.fail(ErrorId::OperandTypes, {ast::operatorText(op).str(), "int", "int"});
    }
  }

  Scalar pythonFloatPower(mlir::Value x, mlir::Value y) {
    mlir::Value zero = s.constant(DType::Float64, 0);
    auto exponent = rhs.knownFloat   ? rhs.knownFloat
                    : rhs.knownInt() ? std::optional<double>(*rhs.knownInt())
                                     : std::nullopt;
    if (!exponent || *exponent < 0) {
      mlir::Value base = s.create<arith::CmpFOp>(arith::CmpFPredicate::UNE, x, zero);
      mlir::Value negative = s.create<arith::CmpFOp>(arith::CmpFPredicate::UGE, y, zero);
      s.check(s.create<arith::OrIOp>(base, negative), "ZeroDivisionError",
              "0.0 cannot be raised to a negative power");
    }
    if (!exponent || *exponent != std::floor(*exponent)) {
      // Python would go on with a complex number.
      mlir::Value natural = s.create<arith::CmpFOp>(arith::CmpFPredicate::UGE, x, zero);
      if (!exponent) {
        mlir::Value whole =
            s.create<arith::CmpFOp>(arith::CmpFPredicate::UEQ, y, s.create<FloorOp>(y));
        natural = s.create<arith::OrIOp>(natural, whole);
      }
      s.check(natural, "ValueError",
              "a negative float to a fractional power is complex, which is not supported");
    }
    mlir::Value result = exponent && *exponent == 2 ? s.create<SquareOp>(x).getResult()
                                                    : s.create<PowOp>(x, y).getResult();
    mlir::Value limit = s.constant(DType::Float64, HUGE_VAL);
    mlir::Value finite =
        s.create<arith::CmpFOp>(arith::CmpFPredicate::UNE, s.create<AbsOp>(result), limit);
    mlir::Value given =
        s.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, s.create<AbsOp>(x), limit);
    mlir::Value fine = s.create<arith::OrIOp>(finite, given);
    if (!exponent)
      fine = s.create<arith::OrIOp>(
          fine, s.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, s.create<AbsOp>(y), limit));
    s.check(fine, "OverflowError", "(34, 'Numerical result out of range')");
    return s.makeScalar(ScalarKind::PyFloat, result);
  }

  std::optional<double> known(const Scalar &scalar) {
    if (scalar.isMixed())
      return std::nullopt;
    if (scalar.knownFloat)
      return scalar.knownFloat;
    if (auto value = scalar.knownInt())
      return static_cast<double>(*value);
    return std::nullopt;
  }

  Scalar pythonFloat() {
    auto y = known(rhs), x = known(lhs);
    bool divides = op == Op::Div || op == Op::FloorDiv || op == Op::Mod;
    if (divides && y && *y == 0) {
      s.raiseHere("ZeroDivisionError", op == Op::Div   ? (lhs.kind == ScalarKind::PyFloat ||
                                                                  rhs.kind == ScalarKind::PyFloat
                                                              ? "float division by zero"
                                                              : "division by zero")
                                       : op == Op::Mod ? "float modulo"
                                                       : "float floor division by zero");
      return s.makeFloat(0);
    }
    mlir::Value left = s.ssaAs(lhs, DType::Float64), right = s.ssaAs(rhs, DType::Float64);
    Scalar result;
    if (op == Op::Pow) {
      result = pythonFloatPower(left, right);
    } else {
      if (divides && !y)
        checkNotZero(right, op == Op::Div   ? (lhs.kind == ScalarKind::PyFloat ||
                                                       rhs.kind == ScalarKind::PyFloat
                                                   ? "float division by zero"
                                                   : "division by zero")
                            : op == Op::Mod ? "float modulo"
                                            : "float floor division by zero");
      if (op == Op::Div && lhs.kind != ScalarKind::PyFloat && rhs.kind != ScalarKind::PyFloat &&
          !(isExactFloat(lhs) && isExactFloat(rhs)))
        result = s.makeScalar(ScalarKind::PyFloat,
                              runtime("mpy_int_truediv", s.builder.getF64Type(),
                                      {s.ssaAs(lhs, DType::Int64), s.ssaAs(rhs, DType::Int64)}));
      else
        result = s.makeScalar(ScalarKind::PyFloat, emit(left, right));
    }
    if (x && y && (op != Op::Div || (isExactFloat(lhs) && isExactFloat(rhs))))
      result.knownFloat = fold(*x, *y);
    return result;
  }

  std::optional<double> fold(double x, double y) {
    switch (op) {
    case Op::Add:
      return x + y;
    case Op::Sub:
      return x - y;
    case Op::Mult:
      return x * y;
    case Op::Div:
      return x / y;
    case Op::Pow:
      return std::pow(x, y);
    default:
      return std::nullopt;
    }
  }

  mlir::Value emit(mlir::Value left, mlir::Value right) {
    switch (op) {
    case Op::Add:
      return s.create<AddOp>(left, right);
    case Op::Sub:
      return s.create<SubOp>(left, right);
    case Op::Mult:
      return s.create<MulOp>(left, right);
    case Op::Div:
      return s.create<DivOp>(left, right);
    case Op::FloorDiv:
      return s.create<FloorDivOp>(left, right);
    case Op::Mod:
      return s.create<ModOp>(left, right);
    case Op::Pow:
      return s.create<PowOp>(left, right);
    case Op::BitAnd:
      return s.create<AndOp>(left, right);
    case Op::BitOr:
      return s.create<OrOp>(left, right);
    case Op::BitXor:
      return s.create<XorOp>(left, right);
    case Op::LShift:
      return s.create<ShiftLeftOp>(left, right);
    case Op::RShift:
      return s.create<ShiftRightOp>(left, right);
    case Op::MatMult:
      break;
    }
    s.fail(ErrorId::OperandTypes, {ast::operatorText(op).str(), s.describe(lhs), s.describe(rhs)});
  }

  Scalar numpy() {
    DType dtype = dtypeOf(kind);
    bool bits = op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor || op == Op::LShift ||
                op == Op::RShift;
    if (dtype == DType::Bool && !bits) {
      if (op == Op::Add) // Truth values add as `or` and multiply as `and`.
        return s.makeScalar(kind, s.create<OrOp>(s.ssaAs(lhs, dtype), s.ssaAs(rhs, dtype)));
      if (op == Op::Mult)
        return s.makeScalar(kind, s.create<AndOp>(s.ssaAs(lhs, dtype), s.ssaAs(rhs, dtype)));
      s.fail(ErrorId::OperandTypes, {ast::operatorText(op).str(), s.describe(lhs), s.describe(rhs)},
             {.help = "convert the truth values: int(x) or float(x)"});
    }
    if ((bits && isFloat(dtype)) || op == Op::MatMult)
      s.fail(ErrorId::OperandTypes,
             {ast::operatorText(op).str(), s.describe(lhs), s.describe(rhs)});
    if (op == Op::Pow && !isFloat(dtype) && !isUnsigned(dtype)) {
      mlir::Value exponent = s.ssaAs(rhs, dtype);
      if (auto y = rhs.knownInt(); !y || *y < 0)
        s.check(s.create<CompareOp>(ComparePredicate::ge, exponent, s.constant(dtype, 0)),
                "ValueError", "Integers to negative integer powers are not allowed.");
    }
    for (const Scalar *operand : {&lhs, &rhs})
      checkFits(s, *operand, dtype);
    mlir::Value left = s.ssaAs(lhs, dtype), right = s.ssaAs(rhs, dtype);
    if (op == Op::Pow && isFloat(dtype) && known(rhs) == 2.0)
      return s.makeScalar(kind, s.create<SquareOp>(left));
    mlir::Value result =
        isUnsigned(dtype) ? emitUnsigned(s, functionOf(op), left, right, dtype) : mlir::Value();
    return s.makeScalar(kind, result ? result : emit(left, right));
  }

  Specializer &s;
  Op op;
  const Scalar &lhs, &rhs;
  ScalarKind kind = ScalarKind::PyInt;
};

} // namespace

/// The kinds that `a op b` may have, where at least one of them is mixed.
static uint16_t resultKinds(Op op, const Scalar &lhs, const Scalar &rhs) {
  uint16_t kinds = 0;
  for (ScalarKind a : kindsIn(kindsOf(lhs)))
    for (ScalarKind b : kindsIn(kindsOf(rhs)))
      kinds |= bitOf(resultKind(op, a, b));
  return kinds;
}

/// Sums and products that are one kind of float, or of NumPy's wrapping ints, whatever the operands
/// are: `total += 0.5` where total began as 0. They need no branch.
static std::optional<Scalar> sameArithmetic(Specializer &s, Op op, const Scalar &lhs,
                                            const Scalar &rhs) {
  uint16_t kinds = resultKinds(op, lhs, rhs);
  if (isMixed(kinds) || (op != Op::Add && op != Op::Sub && op != Op::Mult))
    return std::nullopt;
  ScalarKind kind = kindsIn(kinds).front();
  if (!isFloat(kind) && kind != ScalarKind::Int64)
    return std::nullopt;
  mlir::Value left = s.ssaAs(lhs, dtypeOf(kind)), right = s.ssaAs(rhs, dtypeOf(kind));
  if (op == Op::Add)
    return s.makeScalar(kind, s.create<AddOp>(left, right));
  if (op == Op::Sub)
    return s.makeScalar(kind, s.create<SubOp>(left, right));
  return s.makeScalar(kind, s.create<MulOp>(left, right));
}

/// What `of` gives for two numbers of certain kinds.
static Scalar forEachPair(Specializer &s, const Scalar &lhs, const Scalar &rhs,
                          llvm::function_ref<Scalar(const Scalar &, const Scalar &)> of) {
  Value result = eachKind(s, lhs, [&](const Scalar &a) {
    return eachKind(s, rhs, [&](const Scalar &b) { return Value(of(a, b)); });
  });
  auto *scalar = result.get<Scalar>();
  return scalar ? *scalar : s.makeInt(IntExpr(0)); // Every kind raises.
}

static Scalar mixedBinary(Specializer &s, Op op, const Scalar &lhs, const Scalar &rhs) {
  if (auto result = sameArithmetic(s, op, lhs, rhs))
    return *result;
  bool ofBits = op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor || op == Op::LShift ||
                op == Op::RShift;
  return forEachPair(s, lhs, rhs, [&](const Scalar &a, const Scalar &b) {
    if (!ofBits || (!isFloat(a.kind) && !isFloat(b.kind)))
      return s.scalarBinary(op, a, b);
    s.raiseHere("TypeError", "unsupported operand type(s) for " + ast::operatorText(op).str() +
                                 ": '" + s.typeName(a) + "' and '" + s.typeName(b) + "'");
    return s.makeInt(IntExpr(0));
  });
}

Scalar Specializer::scalarBinary(ast::BinaryOperator op, const Scalar &lhs, const Scalar &rhs) {
  if (lhs.isMixed() || rhs.isMixed())
    return mixedBinary(*this, op, lhs, rhs);
  if (resultKind(op, lhs.kind, rhs.kind) == ScalarKind::PyBool) {
    auto x = lhs.knownBool, y = rhs.knownBool;
    if (x && y)
      return makeBool(op == Op::BitAnd ? (*x && *y) : op == Op::BitOr ? (*x || *y) : *x != *y);
    mlir::Value left = ssa(lhs), right = ssa(rhs);
    return makeScalar(ScalarKind::PyBool, op == Op::BitAnd ? create<AndOp>(left, right).getResult()
                                          : op == Op::BitOr
                                              ? create<OrOp>(left, right).getResult()
                                              : create<XorOp>(left, right).getResult());
  }
  return ScalarArithmetic(*this, op, lhs, rhs).run();
}

static constexpr ComparePredicate predicates[] = {ComparePredicate::eq, ComparePredicate::ne,
                                                  ComparePredicate::lt, ComparePredicate::le,
                                                  ComparePredicate::gt, ComparePredicate::ge};

static bool holds(ast::CompareOperator op, double x, double y) {
  using Compare = ast::CompareOperator;
  switch (op) {
  case Compare::Eq:
    return x == y;
  case Compare::NotEq:
    return x != y;
  case Compare::Lt:
    return x < y;
  case Compare::LtE:
    return x <= y;
  case Compare::Gt:
    return x > y;
  default:
    return x >= y;
  }
}

/// An int and a float compare as numbers: where the int rounds to the float, what was rounded away
/// decides.
static mlir::Value compareExactly(Specializer &s, ast::CompareOperator op, const Scalar &integer,
                                  const Scalar &number) {
  mlir::Value x = s.ssaAs(integer, DType::Int64), y = s.ssaAs(number, DType::Float64);
  mlir::Value order = s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getF64Type()),
                                              "mpy_int_order", mlir::ValueRange{x, y}, false)
                          .getResult(0);
  return s.create<CompareOp>(predicates[static_cast<int>(op)], order,
                             s.constant(DType::Float64, 0));
}

/// An integer or truth value in 64 bits, and how they are meant.
static DType wholeType(const Scalar &scalar) {
  return scalar.kind == ScalarKind::UInt64 ? DType::UInt64 : DType::Int64;
}
static mlir::Value wholeBits(Specializer &s, const Scalar &scalar) {
  return s.ssaAs(scalar, wholeType(scalar));
}

Scalar Specializer::scalarCompare(ast::CompareOperator op, const Scalar &lhs, const Scalar &rhs) {
  using Compare = ast::CompareOperator;
  if (lhs.isMixed() || rhs.isMixed())
    return forEachPair(*this, lhs, rhs,
                       [&](const Scalar &a, const Scalar &b) { return scalarCompare(op, a, b); });
  bool python = isPython(lhs.kind) && isPython(rhs.kind);
  auto number = [](const Scalar &scalar) -> std::optional<double> {
    if (scalar.knownFloat)
      return scalar.knownFloat;
    if (scalar.knownBool)
      return *scalar.knownBool;
    if (auto known = scalar.knownInt(); known && std::abs(*known) < (int64_t(1) << 53))
      return static_cast<double>(*known);
    return std::nullopt;
  };
  if (python) {
    if (auto x = number(lhs), y = number(rhs); x && y)
      return makeBool(holds(op, *x, *y));
    // Extents decide structure: `n - 1 < n` is known although n is not.
    if (lhs.expr && rhs.expr) {
      IntExpr difference = *lhs.expr - *rhs.expr, opposite = *rhs.expr - *lhs.expr;
      if (auto known = difference.known())
        return makeBool(holds(op, static_cast<double>(*known), 0));
      if (difference.isNonNegative() && (op == Compare::GtE || op == Compare::Lt))
        return makeBool(op == Compare::GtE);
      if (opposite.isNonNegative() && (op == Compare::LtE || op == Compare::Gt))
        return makeBool(op == Compare::LtE);
      if ((difference - IntExpr(1)).isNonNegative())
        return makeBool(op == Compare::Gt || op == Compare::GtE || op == Compare::NotEq);
      if ((opposite - IntExpr(1)).isNonNegative())
        return makeBool(op == Compare::Lt || op == Compare::LtE || op == Compare::NotEq);
    }
  }
  if (python && lhs.kind == ScalarKind::PyFloat && !isExactFloat(rhs)) {
    static const Compare mirrored[] = {Compare::Eq,  Compare::NotEq, Compare::Gt,
                                       Compare::GtE, Compare::Lt,    Compare::LtE};
    return makeScalar(ScalarKind::PyBool,
                      compareExactly(*this, mirrored[static_cast<int>(op)], rhs, lhs));
  }
  if (python && rhs.kind == ScalarKind::PyFloat && !isExactFloat(lhs))
    return makeScalar(ScalarKind::PyBool, compareExactly(*this, op, lhs, rhs));
  bool floats = isFloat(lhs.kind) || isFloat(rhs.kind);
  if (lhs.kind == ScalarKind::UInt64 || rhs.kind == ScalarKind::UInt64)
    if (!floats)
      return makeScalar(ScalarKind::Bool, compareIntegers(*this, predicates[static_cast<int>(op)],
                                                          wholeBits(*this, lhs), wholeType(lhs),
                                                          wholeBits(*this, rhs), wholeType(rhs)));
  DType dtype = floats ? DType::Float64 : DType::Int64;
  // float32 beside a weak Python float compares in float32, as NumPy does.
  if ((lhs.kind == ScalarKind::Float32 && isPython(rhs.kind)) ||
      (rhs.kind == ScalarKind::Float32 && isPython(lhs.kind)))
    dtype = DType::Float32;
  mlir::Value result =
      create<CompareOp>(predicates[static_cast<int>(op)], ssaAs(lhs, dtype), ssaAs(rhs, dtype));
  bool numpy = !isPython(lhs.kind) || !isPython(rhs.kind);
  return makeScalar(numpy ? ScalarKind::Bool : ScalarKind::PyBool, result);
}

} // namespace mpy
