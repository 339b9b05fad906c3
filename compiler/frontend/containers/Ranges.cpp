// Ranges as values, with bounds and steps that may be run-time data.
//
//   len(range(0, n, 2))     =>   max(0, (%n + 1) // 2)
//   k in range(a, b, c)     =>   q = (%k - %a) // %c;  q * %c == %k - %a and 0 <= q < length
#include "frontend/containers/Ranges.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

using Compare = ast::CompareOperator;
using Binary = ast::BinaryOperator;

/// to - from, which is as long as a loop can be where it passes 64 bits.
static IntExpr distanceOf(Specializer &s, const IntExpr &from, const IntExpr &to) {
  int64_t known;
  if (from.known() && to.known())
    return __builtin_sub_overflow(*to.known(), *from.known(), &known)
               ? IntExpr(*to.known() > *from.known() ? INT64_MAX : 0)
               : IntExpr(known);
  bool isSafe = (from.isNonNegative() && to.isNonNegative()) ||
                (from.isInRange() && to.isInRange()) || from.isKnown(0);
  if (!isSafe)
    s.scalarBinary(ast::BinaryOperator::Sub, s.makeInt(to), s.makeInt(from));
  return to - from;
}

IntExpr rangeLength(Specializer &s, const RangeValue &range) {
  auto step = range.step.known();
  if (!step) {
    // ceil((stop - start) / step), whatever the sign of the step.
    mlir::Value count = arith::CeilDivSIOp::create(
        s.builder, s.loc(), s.index(distanceOf(s, range.start, range.stop)), s.index(range.step));
    mlir::Value zero = s.create<arith::ConstantIndexOp>(0);
    return symbolExpr(s.create<arith::MaxSIOp>(count, zero), true);
  }
  IntExpr distance =
      *step > 0 ? distanceOf(s, range.start, range.stop) : distanceOf(s, range.stop, range.start);
  int64_t size = std::abs(*step);
  if (size > 1 && distance.isInRange() && size < IntExpr::largestExtent)
    distance = floorDivide(distance + IntExpr(size - 1), IntExpr(size));
  else if (size > 1) // The same, where that sum may pass 64 bits.
    distance = floorDivide(maximum(IntExpr(0), distance) - IntExpr(1), IntExpr(size)) + IntExpr(1);
  return maximum(IntExpr(0), distance);
}

static Scalar both(Specializer &s, const Scalar &x, const Scalar &y) {
  if (x.knownBool == false || y.knownBool == true)
    return x;
  return x.knownBool == true || y.knownBool == false ? y : s.scalarBinary(Binary::BitAnd, x, y);
}
static Scalar compareNumbers(Specializer &s, Compare op, const IntExpr &x, const IntExpr &y) {
  return s.scalarCompare(op, s.makeInt(x), s.makeInt(y));
}

/// Which item of the range an int is, if it is one.
static std::pair<Scalar, IntExpr> positionOf(Specializer &s, const RangeValue &range,
                                             const IntExpr &number) {
  Scalar difference = s.scalarBinary(Binary::Sub, s.makeInt(number), s.makeInt(range.start));
  IntExpr distance = s.compact(s.intExpr(difference)), position = distance;
  Scalar isThere = s.makeBool(true);
  if (range.step.isKnown(-1)) {
    position = IntExpr(0) - distance;
  } else if (!range.step.isKnown(1)) {
    Value quotient = s.binary(Binary::FloorDiv, s.makeInt(distance), s.makeInt(range.step));
    position = s.intExpr(*quotient.get<Scalar>());
    Value back = s.binary(Binary::Mult, quotient, s.makeInt(range.step));
    isThere = s.scalarCompare(Compare::Eq, *back.get<Scalar>(), s.makeInt(distance));
  }
  isThere = both(s, isThere, compareNumbers(s, Compare::GtE, position, IntExpr(0)));
  isThere = both(s, isThere, compareNumbers(s, Compare::Lt, position, rangeLength(s, range)));
  return {isThere, position};
}

/// Whether a float is an int, and which.
static std::pair<Scalar, IntExpr> wholePart(Specializer &s, const Scalar &number) {
  mlir::Value value = s.ssaAs(number, DType::Float64);
  mlir::Value isWhole =
      s.create<CompareOp>(ComparePredicate::eq, value, s.create<FloorOp>(value).getResult());
  mlir::Value isSmall = s.create<CompareOp>(ComparePredicate::lt, s.create<AbsOp>(value),
                                            s.constant(DType::Float64, 0x1p62));
  mlir::Value isInt = s.create<arith::AndIOp>(isWhole, isSmall);
  mlir::Value safe = s.create<arith::SelectOp>(isInt, value, s.constant(DType::Float64, 0));
  mlir::Value whole = s.create<CastOp>(safe, s.builder.getI64Type());
  return {s.makeScalar(ScalarKind::PyBool, isInt), symbolExpr(whole)};
}

Scalar rangeContains(Specializer &s, const RangeValue &range, const Value &value) {
  auto *scalar = value.get<Scalar>();
  if (scalar && scalar->integer)
    return *eachKind(s, *scalar, [&](const Scalar &one) {
              return Value(rangeContains(s, range, one));
            }).get<Scalar>();
  if (scalar && isFloat(scalar->kind)) {
    auto [isInt, whole] = wholePart(s, *scalar);
    return both(s, isInt, positionOf(s, range, whole).first);
  }
  if (scalar)
    return positionOf(s, range, s.intExpr(*scalar)).first;
  if (s.classOf(value) || s.isArray(value))
    s.fail(ErrorId::Unsupported, {s.describe(value) + " in a range"}, {.help = "ask for a number"});
  return s.makeBool(false);
}

std::vector<IntExpr> clampedSlice(Specializer &s, const SliceValue &slice, const IntExpr &length) {
  IntExpr step = slice.step.isNone() ? IntExpr(1) : s.intExpr(indexIn(s, slice.step));
  if (step.isKnown(0)) {
    s.raiseHere("ValueError", "slice step cannot be zero");
    throw PathEnds();
  }
  if (!step.known())
    s.fail(ErrorId::RunTimeIndex, {"a slice with a step that is known at run time only"},
           {.help = "loop over positions"});
  bool isForward = *step.known() > 0;
  IntExpr low = isForward ? IntExpr(0) : IntExpr(-1),
          high = isForward ? length : length - IntExpr(1);
  auto clamp = [&](const Value &given, const IntExpr &otherwise) {
    if (given.isNone())
      return otherwise;
    IntExpr bound = s.intExpr(indexIn(s, given));
    auto known = bound.known();
    if (known && *known < 0)
      bound = length + bound;
    else if (!known && !bound.isNonNegative()) {
      mlir::Value i = s.index(bound), zero = s.index(IntExpr(0));
      mlir::Value isNegative = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, zero);
      mlir::Value fromEnd = s.create<arith::AddIOp>(i, s.index(length));
      bound = symbolExpr(s.create<arith::SelectOp>(isNegative, fromEnd, i));
    }
    return maximum(low, minimum(bound, high));
  };
  IntExpr start = clamp(slice.start, isForward ? low : high);
  return {start, clamp(slice.stop, isForward ? high : low), step};
}

Value rangeSubscript(Specializer &s, const RangeValue &range, const Value &key) {
  IntExpr length = rangeLength(s, range);
  if (auto *slice = key.as<SliceValue>()) {
    auto bounds = clampedSlice(s, *slice, length);
    auto at = [&](const IntExpr &position) {
      return s.compact(range.start + position * range.step);
    };
    return std::make_shared<const RangeValue>(
        RangeValue{at(bounds[0]), at(bounds[1]), s.compact(bounds[2] * range.step)});
  }
  auto known = s.knownInt(key), size = length.known();
  if (known && size && (*known < -*size || *known >= *size))
    return s.raiseHere("IndexError", "range object index out of range");
  IntExpr position = known && size
                         ? IntExpr(*known < 0 ? *known + *size : *known)
                         : checkedPosition(s, key, length, "range object index out of range");
  return s.makeInt(range.start + position * range.step);
}

Scalar sameRanges(Specializer &s, const RangeValue &x, const RangeValue &y) {
  IntExpr length = rangeLength(s, x);
  auto either = [&](const Scalar &a, const Scalar &b) {
    return s.negate(both(s, s.negate(a), s.negate(b)));
  };
  Scalar sameStart = compareNumbers(s, Compare::Eq, x.start, y.start);
  Scalar sameStep = either(compareNumbers(s, Compare::Eq, length, IntExpr(1)),
                           compareNumbers(s, Compare::Eq, x.step, y.step));
  Scalar sameItems =
      either(compareNumbers(s, Compare::Eq, length, IntExpr(0)), both(s, sameStart, sameStep));
  return both(s, compareNumbers(s, Compare::Eq, length, rangeLength(s, y)), sameItems);
}

Value rangeAttribute(Specializer &s, const Value &value, llvm::StringRef name) {
  auto *range = value.as<RangeValue>();
  if (name == "start" || name == "stop" || name == "step")
    return s.makeInt(name == "start" ? range->start : name == "stop" ? range->stop : range->step);
  if (name == "index" || name == "count")
    return std::make_shared<const BoundMethodValue>(
        BoundMethodValue{value, findBuiltin(("range." + name).str())});
  return {};
}

Value rangeIndex(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value", "index");
  const RangeValue range = *given[0].as<RangeValue>();
  auto *scalar = given[1].get<Scalar>();
  if (scalar && isFloat(scalar->kind))
    s.fail(ErrorId::Unsupported, {"range.index() of a float"}, {.help = "convert it: int(x)"});
  if (!scalar)
    return s.raiseHere("ValueError", "sequence.index(x): x not in sequence");
  auto [isThere, position] = positionOf(s, range, s.intExpr(*scalar));
  Text shown = s.repr(given[1]);
  if (isThere.knownBool == false && !shown.value)
    return s.raiseHere("ValueError", shown.known + " is not in range");
  if (isThere.knownBool != true)
    checkWithText(s, s.ssa(isThere), "ValueError",
                  [&] { return s.concat({shown, s.makeText(" is not in range")}); });
  return s.makeInt(position);
}

Value rangeCount(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value", "count");
  Scalar isThere = rangeContains(s, *given[0].as<RangeValue>(), given[1]);
  return s.makeInt(s.intExpr(isThere));
}

Value sliceIndices(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, len", "indices");
  ValueList parts;
  for (const IntExpr &part :
       clampedSlice(s, *given[0].as<SliceValue>(), s.intExpr(indexIn(s, given[1]))))
    parts.push_back(s.makeInt(part));
  return s.newTuple(std::move(parts));
}

} // namespace mpy
