// Elementwise operations -> arith and math on one scalar.
#include "dialect/ScalarMeaning.h"

using namespace mlir;
using namespace mpy;

static Value constant(OpBuilder &builder, Location loc, Type type, double number) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, number));
  return arith::ConstantOp::create(builder, loc,
                                   cast<TypedAttr>(builder.getIntegerAttr(type, int64_t(number))));
}

static Value select(OpBuilder &builder, Location loc, Value condition, Value yes, Value no) {
  return arith::SelectOp::create(builder, loc, condition, yes, no);
}

static Value compareFloats(OpBuilder &builder, Location loc, arith::CmpFPredicate predicate,
                           Value x, Value y) {
  return arith::CmpFOp::create(builder, loc, predicate, x, y);
}

static Value compareInts(OpBuilder &builder, Location loc, arith::CmpIPredicate predicate, Value x,
                         Value y) {
  return arith::CmpIOp::create(builder, loc, predicate, x, y);
}

/// base ** exponent by repeated squaring, with wrap; the exponent is not negative.
static Value integerPower(OpBuilder &builder, Location loc, Value base, Value exponent) {
  Type type = base.getType();
  Value one = constant(builder, loc, type, 1), zero = constant(builder, loc, type, 0);
  auto loop = scf::WhileOp::create(
      builder, loc, TypeRange{type, type, type}, ValueRange{one, base, exponent},
      [&](OpBuilder &inner, Location where, ValueRange state) {
        Value more = compareInts(inner, where, arith::CmpIPredicate::sgt, state[2], zero);
        scf::ConditionOp::create(inner, where, more, state);
      },
      [&](OpBuilder &inner, Location where, ValueRange state) {
        Value odd = compareInts(inner, where, arith::CmpIPredicate::ne,
                                arith::AndIOp::create(inner, where, state[2], one), zero);
        Value product = arith::MulIOp::create(inner, where, state[0], state[1]);
        Value square = arith::MulIOp::create(inner, where, state[1], state[1]);
        Value half = arith::ShRSIOp::create(inner, where, state[2], one);
        scf::YieldOp::create(
            inner, where, ValueRange{select(inner, where, odd, product, state[0]), square, half});
      });
  return loop.getResult(0);
}

Value mpy::powerScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  if (!isa<FloatType>(arguments[0].getType()))
    return integerPower(builder, loc, arguments[0], arguments[1]);
  FloatAttr exponent;
  if (matchPattern(arguments[1], m_Constant(&exponent)) && exponent.getValueAsDouble() == 2)
    return squareScalar(builder, loc, arguments.take_front());
  return math::PowFOp::create(builder, loc, arguments[0], arguments[1]);
}

/// The result, or 0 where it is NaN and a condition holds: the sign of a zero stays.
static Value zeroWhere(OpBuilder &builder, Location loc, Value isZero, Value result) {
  Value isNan = compareFloats(builder, loc, arith::CmpFPredicate::UNO, result, result);
  Value wins = arith::AndIOp::create(builder, loc, isNan, isZero);
  return select(builder, loc, wins, constant(builder, loc, result.getType(), 0), result);
}

Value mpy::scaledScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  using Predicate = arith::CmpFPredicate;
  Value x = arguments[0], y = arguments[1], zero = constant(builder, loc, x.getType(), 0);
  Value isZero =
      arith::OrIOp::create(builder, loc, compareFloats(builder, loc, Predicate::OEQ, x, zero),
                           compareFloats(builder, loc, Predicate::OEQ, y, zero));
  return zeroWhere(builder, loc, isZero, arith::MulFOp::create(builder, loc, x, y));
}

Value mpy::ratioScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0], zero = constant(builder, loc, x.getType(), 0);
  Value isZero = compareFloats(builder, loc, arith::CmpFPredicate::OEQ, x, zero);
  return zeroWhere(builder, loc, isZero, arith::DivFOp::create(builder, loc, x, arguments[1]));
}

Value mpy::maximumScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Type type = arguments[0].getType();
  if (isa<FloatType>(type))
    return arith::MaximumFOp::create(builder, loc, arguments[0], arguments[1]);
  if (type.isInteger(1))
    return arith::OrIOp::create(builder, loc, arguments[0], arguments[1]);
  return arith::MaxSIOp::create(builder, loc, arguments[0], arguments[1]);
}

Value mpy::minimumScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Type type = arguments[0].getType();
  if (isa<FloatType>(type))
    return arith::MinimumFOp::create(builder, loc, arguments[0], arguments[1]);
  if (type.isInteger(1))
    return arith::AndIOp::create(builder, loc, arguments[0], arguments[1]);
  return arith::MinSIOp::create(builder, loc, arguments[0], arguments[1]);
}

/// Quotient and remainder of floats as NumPy's npy_divmod: exact remainder first, so that they
/// agree with each other.
static std::pair<Value, Value> divideFloats(OpBuilder &builder, Location loc, Value x, Value y) {
  using Predicate = arith::CmpFPredicate;
  Type type = x.getType();
  Value zero = constant(builder, loc, type, 0), one = constant(builder, loc, type, 1);
  Value remainder = arith::RemFOp::create(builder, loc, x, y);
  Value nonzero = compareFloats(builder, loc, Predicate::UNE, remainder, zero);
  Value signsDiffer =
      arith::XOrIOp::create(builder, loc, compareFloats(builder, loc, Predicate::OLT, y, zero),
                            compareFloats(builder, loc, Predicate::OLT, remainder, zero));
  Value adjust = arith::AndIOp::create(builder, loc, nonzero, signsDiffer);
  Value quotient =
      arith::DivFOp::create(builder, loc, arith::SubFOp::create(builder, loc, x, remainder), y);
  quotient =
      select(builder, loc, adjust, arith::SubFOp::create(builder, loc, quotient, one), quotient);
  Value adjusted = arith::AddFOp::create(builder, loc, remainder, y);
  remainder = select(
      builder, loc, adjust, adjusted,
      select(builder, loc, nonzero, remainder, math::CopySignOp::create(builder, loc, zero, y)));
  // The division above can be off by one rounding; the quotient is an integer.
  Value down = math::FloorOp::create(builder, loc, quotient);
  Value above = compareFloats(builder, loc, Predicate::OGT,
                              arith::SubFOp::create(builder, loc, quotient, down),
                              constant(builder, loc, type, 0.5));
  Value rounded = select(builder, loc, above, arith::AddFOp::create(builder, loc, down, one), down);
  Value ratio = arith::DivFOp::create(builder, loc, x, y);
  Value isZero = compareFloats(builder, loc, Predicate::OEQ, quotient, zero);
  rounded =
      select(builder, loc, isZero, math::CopySignOp::create(builder, loc, zero, ratio), rounded);
  Value byZero = compareFloats(builder, loc, Predicate::OEQ, y, zero);
  return {select(builder, loc, byZero, ratio, rounded),
          select(builder, loc, byZero, arith::RemFOp::create(builder, loc, x, y), remainder)};
}

/// Floor quotient and remainder of integers; both 0 for y == 0, and the smallest integer divided by
/// -1 wraps.
static std::pair<Value, Value> divideInts(OpBuilder &builder, Location loc, Value x, Value y) {
  using Predicate = arith::CmpIPredicate;
  Type type = x.getType();
  Value zero = constant(builder, loc, type, 0), one = constant(builder, loc, type, 1);
  Value minusOne = constant(builder, loc, type, -1);
  Value byZero = compareInts(builder, loc, Predicate::eq, y, zero);
  Value byMinusOne = compareInts(builder, loc, Predicate::eq, y, minusOne);
  Value unsafe = arith::OrIOp::create(builder, loc, byZero, byMinusOne);
  Value divisor = select(builder, loc, unsafe, one, y);
  Value quotient = arith::DivSIOp::create(builder, loc, x, divisor);
  Value remainder = arith::SubIOp::create(builder, loc, x,
                                          arith::MulIOp::create(builder, loc, quotient, divisor));
  Value nonzero = compareInts(builder, loc, Predicate::ne, remainder, zero);
  Value signsDiffer = compareInts(builder, loc, Predicate::slt,
                                  arith::XOrIOp::create(builder, loc, remainder, divisor), zero);
  Value adjust = arith::AndIOp::create(builder, loc, nonzero, signsDiffer);
  quotient =
      select(builder, loc, adjust, arith::SubIOp::create(builder, loc, quotient, one), quotient);
  remainder = select(builder, loc, adjust, arith::AddIOp::create(builder, loc, remainder, divisor),
                     remainder);
  Value negated = arith::SubIOp::create(builder, loc, zero, x);
  quotient =
      select(builder, loc, byZero, zero, select(builder, loc, byMinusOne, negated, quotient));
  return {quotient, select(builder, loc, unsafe, zero, remainder)};
}

Value mpy::remainderScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  auto divide = isa<FloatType>(arguments[0].getType()) ? divideFloats : divideInts;
  return divide(builder, loc, arguments[0], arguments[1]).second;
}

Value mpy::floorDivideScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  auto divide = isa<FloatType>(arguments[0].getType()) ? divideFloats : divideInts;
  return divide(builder, loc, arguments[0], arguments[1]).first;
}

Value mpy::negateScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  if (isa<FloatType>(x.getType()))
    return arith::NegFOp::create(builder, loc, x);
  return arith::SubIOp::create(builder, loc, constant(builder, loc, x.getType(), 0), x);
}

Value mpy::absoluteScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  if (isa<FloatType>(x.getType()))
    return math::AbsFOp::create(builder, loc, x);
  if (x.getType().isInteger(1))
    return x;
  Value negative = compareInts(builder, loc, arith::CmpIPredicate::slt, x,
                               constant(builder, loc, x.getType(), 0));
  return select(builder, loc, negative, negateScalar(builder, loc, x), x);
}

Value mpy::squareScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  return arithmeticScalar<arith::MulFOp, arith::MulIOp>(builder, loc, ValueRange{x, x});
}

Value mpy::reciprocalScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  Value one = constant(builder, loc, x.getType(), 1);
  if (isa<FloatType>(x.getType()))
    return arith::DivFOp::create(builder, loc, one, x);
  // The only integers whose reciprocal is not 0 are 1 and -1.
  Value zero = constant(builder, loc, x.getType(), 0);
  Value unit = arith::OrIOp::create(builder, loc,
                                    compareInts(builder, loc, arith::CmpIPredicate::eq, x, one),
                                    compareInts(builder, loc, arith::CmpIPredicate::eq, x,
                                                constant(builder, loc, x.getType(), -1)));
  return select(builder, loc, unit, x, zero);
}

Value mpy::signScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  Type type = x.getType();
  Value zero = constant(builder, loc, type, 0), one = constant(builder, loc, type, 1);
  Value minusOne = constant(builder, loc, type, -1);
  if (!isa<FloatType>(type)) {
    Value negative = compareInts(builder, loc, arith::CmpIPredicate::slt, x, zero);
    Value positive = compareInts(builder, loc, arith::CmpIPredicate::sgt, x, zero);
    return select(builder, loc, positive, one, select(builder, loc, negative, minusOne, zero));
  }
  Value positive = compareFloats(builder, loc, arith::CmpFPredicate::OGT, x, zero);
  Value negative = compareFloats(builder, loc, arith::CmpFPredicate::OLT, x, zero);
  Value isZero = compareFloats(builder, loc, arith::CmpFPredicate::OEQ, x, zero);
  Value rest = select(builder, loc, isZero, zero, x);
  return select(builder, loc, positive, one, select(builder, loc, negative, minusOne, rest));
}

Value mpy::invertScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0];
  Value ones = arith::ConstantOp::create(builder, loc,
                                         cast<TypedAttr>(builder.getIntegerAttr(x.getType(), -1)));
  return arith::XOrIOp::create(builder, loc, x, ones);
}

Value mpy::shiftLeftScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value x = arguments[0], distance = arguments[1];
  Type type = x.getType();
  Value isInside = compareInts(builder, loc, arith::CmpIPredicate::ult, distance,
                               constant(builder, loc, type, double(type.getIntOrFloatBitWidth())));
  Value zero = constant(builder, loc, type, 0);
  Value shifted =
      arith::ShLIOp::create(builder, loc, x, select(builder, loc, isInside, distance, zero));
  return select(builder, loc, isInside, shifted, zero);
}

Value mpy::shiftRightScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  Value distance = arguments[1];
  Type type = distance.getType();
  Value most = constant(builder, loc, type, double(type.getIntOrFloatBitWidth() - 1));
  return arith::ShRSIOp::create(builder, loc, arguments[0],
                                arith::MinUIOp::create(builder, loc, distance, most));
}

/// The series of the derivative of order n of sin(x) / x, by Horner's rule in x * x:
///   sum of (-1)^k x^(2k - n) / ((2k - n)! (2k + 1)) over 2k >= n
static Value sincSeries(OpBuilder &builder, Location loc, Value x, int64_t order) {
  constexpr int64_t terms = 20;
  int64_t first = (order + 1) / 2;
  Type type = x.getType();
  Value square = arith::MulFOp::create(builder, loc, x, x), sum = constant(builder, loc, type, 0);
  for (int64_t k = first + terms; k-- > first;) {
    double number = (k % 2 ? -1 : 1) / (std::tgamma(2 * k - order + 1) * (2 * k + 1));
    sum = arith::AddFOp::create(builder, loc, arith::MulFOp::create(builder, loc, sum, square),
                                constant(builder, loc, type, number));
  }
  return order % 2 ? arith::MulFOp::create(builder, loc, sum, x) : sum;
}

Value mpy::sincScalar(OpBuilder &builder, Location loc, Value x, int64_t order) {
  // h(0) = sin(x) / x;  x h(n) + n h(n - 1) is the n-th derivative of sin. Beside 0 these cancel.
  Type type = x.getType();
  Value sine = math::SinOp::create(builder, loc, x);
  Value result = arith::DivFOp::create(builder, loc, sine, x);
  if (order == 0) {
    Value isZero =
        compareFloats(builder, loc, arith::CmpFPredicate::OEQ, x, constant(builder, loc, type, 0));
    return select(builder, loc, isZero, constant(builder, loc, type, 1), result);
  }
  Value cosine = math::CosOp::create(builder, loc, x);
  for (int64_t n = 1; n <= order; ++n) {
    Value turned = n % 2 ? cosine : sine;
    if (n % 4 >= 2)
      turned = arith::NegFOp::create(builder, loc, turned);
    Value lower = arith::MulFOp::create(builder, loc, result, constant(builder, loc, type, n));
    result =
        arith::DivFOp::create(builder, loc, arith::SubFOp::create(builder, loc, turned, lower), x);
  }
  Value size = math::AbsFOp::create(builder, loc, x);
  Value isSmall = compareFloats(builder, loc, arith::CmpFPredicate::OLT, size,
                                constant(builder, loc, type, double(order + 1)));
  return select(builder, loc, isSmall, sincSeries(builder, loc, x, order), result);
}

Value mpy::runtimeScalar(OpBuilder &builder, Location loc, StringRef callee, ValueRange arguments) {
  Type type = arguments[0].getType(), wide = builder.getF64Type();
  SmallVector<Value> inputs;
  for (Value argument : arguments)
    inputs.push_back(argument.getType() == wide
                         ? argument
                         : arith::ExtFOp::create(builder, loc, wide, argument).getResult());
  Value result = ScalarCallOp::create(builder, loc, wide, callee, inputs);
  return type == wide ? result : arith::TruncFOp::create(builder, loc, type, result).getResult();
}

Value mpy::specialScalar(OpBuilder &builder, Location loc, StringRef family, int64_t order,
                         Value x) {
  Value number = constant(builder, loc, x.getType(), double(order));
  return runtimeScalar(builder, loc, ("mpy_special_" + family).str(), {number, x});
}

Value mpy::compareScalar(OpBuilder &builder, Location loc, ComparePredicate predicate, Value x,
                         Value y) {
  if (isa<FloatType>(x.getType())) {
    using Predicate = arith::CmpFPredicate;
    static constexpr Predicate floats[] = {Predicate::OEQ, Predicate::UNE, Predicate::OLT,
                                           Predicate::OLE, Predicate::OGT, Predicate::OGE};
    return compareFloats(builder, loc, floats[unsigned(predicate)], x, y);
  }
  using Predicate = arith::CmpIPredicate;
  static constexpr Predicate integers[] = {Predicate::eq,  Predicate::ne,  Predicate::slt,
                                           Predicate::sle, Predicate::sgt, Predicate::sge};
  static constexpr Predicate truths[] = {Predicate::eq,  Predicate::ne,  Predicate::ult,
                                         Predicate::ule, Predicate::ugt, Predicate::uge};
  return compareInts(builder, loc,
                     (x.getType().isInteger(1) ? truths : integers)[unsigned(predicate)], x, y);
}

/// A float as an integer, truncated; what does not fit, and NaN, becomes the smallest integer, as
/// on x86.
static Value truncateFloat(OpBuilder &builder, Location loc, Value x, Type type) {
  double limit = std::ldexp(1.0, type.getIntOrFloatBitWidth() - 1);
  Value high = constant(builder, loc, x.getType(), limit),
        low = constant(builder, loc, x.getType(), -limit);
  Value fits = arith::AndIOp::create(
      builder, loc, compareFloats(builder, loc, arith::CmpFPredicate::OGE, x, low),
      compareFloats(builder, loc, arith::CmpFPredicate::OLT, x, high));
  Value safe = select(builder, loc, fits, x, low);
  return arith::FPToSIOp::create(builder, loc, type, safe);
}

Value mpy::castScalar(OpBuilder &builder, Location loc, Value x, Type type) {
  if (x.getType() == type)
    return x;
  if (isa<IndexType>(x.getType()))
    return castScalar(builder, loc,
                      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), x), type);
  if (isa<IndexType>(type))
    return arith::IndexCastOp::create(builder, loc, type,
                                      castScalar(builder, loc, x, builder.getI64Type()));
  bool fromFloat = isa<FloatType>(x.getType()), toFloat = isa<FloatType>(type);
  unsigned from = x.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (!toFloat && to == 1)
    return compareScalar(builder, loc, ComparePredicate::ne, x,
                         constant(builder, loc, x.getType(), 0));
  if (fromFloat && toFloat)
    return to > from ? arith::ExtFOp::create(builder, loc, type, x).getResult()
                     : arith::TruncFOp::create(builder, loc, type, x).getResult();
  if (fromFloat)
    return truncateFloat(builder, loc, x, type);
  if (toFloat)
    return from == 1 ? arith::UIToFPOp::create(builder, loc, type, x).getResult()
                     : arith::SIToFPOp::create(builder, loc, type, x).getResult();
  if (to < from)
    return arith::TruncIOp::create(builder, loc, type, x);
  return from == 1 ? arith::ExtUIOp::create(builder, loc, type, x).getResult()
                   : arith::ExtSIOp::create(builder, loc, type, x).getResult();
}
