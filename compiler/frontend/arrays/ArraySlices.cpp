// Bounds of slices and integer subscripts as integer expressions. Python clamps bounds to the axis;
// the expressions are kept in a form in which `x[1:-1]`, `x[:-2]` and `x[2:]` have one and the same
// extent, max(n - 2, 0).
#include "frontend/arrays/ArrayIndexing.h"
#include "frontend/arrays/ArrayShapes.h"
#include "frontend/interpret/MixedNumbers.h"

namespace mpy {

/// A bound that counts from the end where it is negative: `bound`, or `bound + extent`. Unlike a
/// select, equal bounds give equal expressions: bound // 2**62 is -1 for negative integers and 0
/// for others.
static IntExpr fromEnd(const IntExpr &bound, const IntExpr &extent) {
  if (bound.isNonNegative())
    return bound;
  if (std::optional<int64_t> known = bound.known())
    return *known < 0 ? extent + bound : bound;
  return bound - extent * floorDivide(bound, IntExpr(int64_t(1) << 62));
}

static IntExpr notNegative(const IntExpr &expr) {
  return expr.isNonNegative() ? expr : maximum(expr, 0);
}

/// `extent - k` or a number, not clamped from above; what lies behind the end is cut off by the
/// size.
static IntExpr resolveStart(const IntExpr &bound, const IntExpr &extent) {
  return notNegative(fromEnd(bound, extent));
}

static SliceBounds resolveForward(const std::optional<IntExpr> &start,
                                  const std::optional<IntExpr> &stop, const IntExpr &extent,
                                  const IntExpr &step) {
  IntExpr first = start ? resolveStart(*start, extent) : IntExpr(0);
  IntExpr last = extent;
  if (stop) {
    IntExpr raw = fromEnd(*stop, extent);
    // n - k needs no upper clamp; below 0 the size is 0 anyway, because first >= 0.
    bool isFromEnd = stop->known() && *stop->known() < 0;
    last = isFromEnd ? raw : minimum(raw, extent);
  }
  // Behind the end there is nothing, wherever it begins.
  if (std::optional<int64_t> behind = (first - extent).known(); behind && *behind >= 0)
    return {0, 0, step};
  IntExpr span = notNegative(last - first);
  IntExpr size = step.isKnown(1) ? span : floorDivide(span + step - IntExpr(1), step);
  return {first, size, step};
}

static SliceBounds resolveBackward(const std::optional<IntExpr> &start,
                                   const std::optional<IntExpr> &stop, const IntExpr &extent,
                                   const IntExpr &step) {
  IntExpr last = extent - IntExpr(1);
  IntExpr first = start ? minimum(fromEnd(*start, extent), last) : last;
  IntExpr end = stop ? maximum(fromEnd(*stop, extent), IntExpr(-1)) : IntExpr(-1);
  IntExpr span = notNegative(first - end);
  if (span.isKnown(0))
    return {0, 0, step};
  IntExpr stride = IntExpr(0) - step;
  IntExpr size = stride.isKnown(1) ? span : floorDivide(span + stride - IntExpr(1), stride);
  return {first, size, step};
}

/// A step whose sign is known at run time only: both rules, and a choice.
static SliceBounds resolveEitherWay(Specializer &specializer, const std::optional<IntExpr> &start,
                                    const std::optional<IntExpr> &stop, const IntExpr &extent,
                                    const IntExpr &step) {
  mlir::Value forward = compareInts(specializer, mlir::arith::CmpIPredicate::sgt, step, IntExpr(0));
  auto choose = [&](const IntExpr &a, const IntExpr &b, bool nonNegative) {
    mlir::Value chosen = specializer.create<mlir::arith::SelectOp>(forward, specializer.index(a),
                                                                   specializer.index(b));
    return symbolExpr(chosen, nonNegative);
  };
  IntExpr last = extent - IntExpr(1);
  auto clamped = [&](const IntExpr &bound) {
    IntExpr position = fromEnd(bound, extent);
    return choose(minimum(maximum(position, 0), extent),
                  minimum(maximum(position, IntExpr(-1)), last), false);
  };
  IntExpr first = start ? clamped(*start) : choose(0, last, false);
  IntExpr end = stop ? clamped(*stop) : choose(extent, IntExpr(-1), false);
  IntExpr span = maximum(choose(end - first, first - end, false), 0);
  IntExpr width = choose(step, IntExpr(0) - step, true);
  return {first, floorDivide(span + width - IntExpr(1), width), step};
}

static std::optional<IntExpr> boundOf(Specializer &specializer, const Value &value) {
  if (value.isNone() || value.isUnbound())
    return std::nullopt;
  std::optional<Scalar> number;
  if (const Scalar *scalar = value.get<Scalar>())
    number = *scalar;
  else if (specializer.isArray(value)) {
    ArrayValue array = toArray(specializer, value);
    if (array.rank() == 0)
      number = elementOf(specializer, array);
  }
  if (!number || isAlwaysFloat(*number))
    failCertain(specializer, "TypeError",
                "slice indices must be integers or None or have an __index__ method");
  return specializer.intExpr(*number);
}

SliceBounds resolveSlice(Specializer &specializer, const std::optional<SliceValue> &slice,
                         const IntExpr &extent) {
  if (!slice)
    return {0, extent, 1};
  std::optional<IntExpr> start = boundOf(specializer, slice->start),
                         stop = boundOf(specializer, slice->stop);
  IntExpr step = boundOf(specializer, slice->step).value_or(IntExpr(1));
  if (step.isKnown(0))
    failCertain(specializer, "ValueError", "slice step cannot be zero");
  if (!step.known()) {
    check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::ne, step, 0),
          "ValueError", CheckText{"slice step cannot be zero", {}});
  }
  if (!step.known() && !step.isNonNegative())
    return resolveEitherWay(specializer, start, stop, extent, step);
  SliceBounds bounds = step.known() && *step.known() < 0
                           ? resolveBackward(start, stop, extent, step)
                           : resolveForward(start, stop, extent, step);
  return {specializer.compact(bounds.offset), specializer.compact(bounds.size), bounds.stride};
}

IntExpr resolveInteger(Specializer &specializer, const Scalar &number, const IntExpr &extent,
                       int64_t axis) {
  using Predicate = mlir::arith::CmpIPredicate;
  IntExpr position = specializer.intExpr(number);
  CheckText text;
  text << "index " << position << " is out of bounds for axis " << IntExpr(axis) << " with size "
       << extent;
  if (std::optional<int64_t> known = position.known()) {
    mlir::Value fits = *known >= 0 ? compareInts(specializer, Predicate::slt, position, extent)
                                   : compareInts(specializer, Predicate::sge, extent + position, 0);
    check(specializer, fits, "IndexError", text);
    return *known >= 0 ? position : extent + position;
  }
  // n - 1 and its like need no look at the sign.
  if (std::optional<int64_t> below = (position - extent).known();
      below && *below < 0 && *below >= -1) {
    check(specializer, compareInts(specializer, Predicate::sge, position, 0), "IndexError", text);
    return position;
  }
  if (specializer.isInTry()) {
    mlir::Value isNegative = compareInts(specializer, Predicate::slt, position, 0);
    mlir::Value resolved = specializer.create<mlir::arith::SelectOp>(
        isNegative, specializer.index(extent + position), specializer.index(position));
    // Not known to be positive before the check.
    mlir::Value isLow = compareInts(specializer, Predicate::sge, symbolExpr(resolved), 0);
    mlir::Value isHigh = compareInts(specializer, Predicate::slt, symbolExpr(resolved), extent);
    check(specializer, specializer.create<mlir::arith::AndIOp>(isLow, isHigh), "IndexError", text);
    return symbolExpr(resolved, true);
  }
  mlir::Value value = specializer.index(position);
  mlir::Value checked =
      specializer.create<NormalizeIndexOp>(value.getType(), value, specializer.index(extent), axis)
          .getResult();
  return extentOf(checked);
}

mlir::Value resolvePositions(Specializer &specializer, const ArrayValue &positions,
                             const IntExpr &extent, int64_t axis) {
  ArrayValue wide = castArray(specializer, positions, DType::Int64);
  if (specializer.isInTry()) {
    mlir::Value flat = reshaped(specializer, wide, {product(wide.shape)}).tensor;
    auto number = [&](const IntExpr &value) {
      return specializer.ssaAs(specializer.makeInt(value), DType::Int64);
    };
    mlir::Value isLow =
        specializer.create<CompareOp>(ComparePredicate::lt, flat, number(IntExpr(0) - extent));
    mlir::Value isHigh = specializer.create<CompareOp>(ComparePredicate::ge, flat, number(extent));
    mlir::Value isBad = specializer.create<OrOp>(isLow, isHigh);
    mlir::Value fits = specializer.create<NotOp>(
        specializer.create<AnyOp>(isBad, llvm::ArrayRef<int64_t>{0}).getResult());
    specializer.checkInTry(fits, "IndexError", [&] {
      ArrayValue bad = {DType::Bool, {product(wide.shape)}, isBad};
      mlir::Value first =
          specializer.create<ArgMaxOp>(castArray(specializer, bad, DType::Int64).tensor, 0);
      mlir::Value position = specializer.index(symbolExpr(first));
      mlir::Value found = specializer.create<ExtractOp>(flat, mlir::ValueRange(position));
      auto text = [&](const IntExpr &value) { return specializer.str(specializer.makeInt(value)); };
      return specializer.concat({specializer.makeText("index "), text(symbolExpr(found)),
                                 specializer.makeText(" is out of bounds for axis " +
                                                      std::to_string(axis) + " with size "),
                                 text(extent)});
    });
  }
  return specializer
      .create<NormalizeIndexOp>(wide.tensor.getType(), wide.tensor, specializer.index(extent), axis)
      .getResult();
}

} // namespace mpy
