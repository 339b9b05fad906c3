// Integers of 8 to 64 bits -> operations on signed ones:
//
//   uint8 array -> int64      mpy.and (mpy.cast %x : i8 -> i64), 255
//   uint64 a < b              the signs of both turned, then a signed comparison
//   uint32 a // b             as int64, and back
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

bool isUnsigned(DType dtype) { return dtype >= DType::UInt8; }
bool isInteger(DType dtype) { return dtype != DType::Bool && !isFloat(dtype); }

unsigned bitsOf(DType dtype) {
  static constexpr unsigned bits[] = {1, 32, 64, 32, 64, 8, 16, 8, 16, 32, 64};
  return bits[static_cast<int>(dtype)];
}

DType accumulatorOf(DType dtype) {
  if (isFloat(dtype))
    return dtype;
  return isUnsigned(dtype) ? DType::UInt64 : DType::Int64;
}

std::string layoutOf(DType dtype) {
  char kind = dtype == DType::Bool ? 'b' : isFloat(dtype) ? 'f' : isUnsigned(dtype) ? 'u' : 'i';
  unsigned bytes = (bitsOf(dtype) + 7) / 8;
  return (bytes == 1 ? "|" : "<") + std::string(1, kind) + std::to_string(bytes);
}

TypedAttr integerAttribute(DType dtype, int64_t value, MLIRContext *context) {
  llvm::APInt bits(64, static_cast<uint64_t>(value));
  return IntegerAttr::get(typeOf(dtype, context), bits.trunc(bitsOf(dtype)));
}

template <typename OpType>
static mlir::Value emit(Specializer &specializer, mlir::Value x, mlir::Value y) {
  return specializer.create<OpType>(x, y).getResult();
}

static mlir::Value whole(Specializer &specializer, int64_t value) {
  return specializer.create<arith::ConstantOp>(specializer.builder.getI64IntegerAttr(value));
}

static mlir::Value isBelow(Specializer &specializer, mlir::Value x, mlir::Value y) {
  return specializer.create<CompareOp>(ComparePredicate::lt, x, y).getResult();
}

static mlir::Value choose(Specializer &specializer, mlir::Value condition, mlir::Value x,
                          mlir::Value y) {
  return specializer.create<SelectOp>(condition, x, y).getResult();
}

static mlir::Value plainCast(Specializer &specializer, mlir::Value x, DType to) {
  return specializer.create<CastOp>(x, typeOf(to, specializer.context())).getResult();
}

/// x / 2, rounded down, of the bits of a uint64: not negative.
static mlir::Value half(Specializer &specializer, mlir::Value x) {
  return emit<AndOp>(specializer, emit<ShiftRightOp>(specializer, x, whole(specializer, 1)),
                     whole(specializer, INT64_MAX));
}

/// A uint64 as a float, rounded once: large ones by half, with a last bit that keeps what is lost.
static mlir::Value floatOfUInt64(Specializer &specializer, mlir::Value x, DType to) {
  mlir::Value last = emit<AndOp>(specializer, x, whole(specializer, 1));
  mlir::Value sticky = emit<OrOp>(specializer, half(specializer, x), last);
  mlir::Value large =
      emit<MulOp>(specializer, plainCast(specializer, sticky, to), specializer.constant(to, 2));
  return choose(specializer, isBelow(specializer, x, whole(specializer, 0)), large,
                plainCast(specializer, x, to));
}

/// A float as an unsigned or narrow integer, as x86 does it: through a wider signed one.
static mlir::Value integerOfFloat(Specializer &specializer, mlir::Value x, DType from, DType to) {
  if (to != DType::UInt64) {
    DType through = bitsOf(to) < 32 ? DType::Int32 : DType::Int64;
    return plainCast(specializer, plainCast(specializer, x, through), to);
  }
  mlir::Value limit = specializer.constant(from, 0x1p63);
  mlir::Value rest = plainCast(specializer, emit<SubOp>(specializer, x, limit), DType::Int64);
  return choose(specializer, isBelow(specializer, x, limit),
                plainCast(specializer, x, DType::Int64),
                emit<XorOp>(specializer, rest, whole(specializer, INT64_MIN)));
}

mlir::Value castTo(Specializer &specializer, mlir::Value value, DType from, DType to) {
  if (from == to || typeOf(from, specializer.context()) == typeOf(to, specializer.context()))
    return value;
  if (isUnsigned(from) && to != DType::Bool && (isFloat(to) || bitsOf(to) > bitsOf(from))) {
    if (from == DType::UInt64)
      return floatOfUInt64(specializer, value, to);
    mlir::Value mask = whole(specializer, (int64_t(1) << bitsOf(from)) - 1);
    value = emit<AndOp>(specializer, plainCast(specializer, value, DType::Int64), mask);
    return castTo(specializer, value, DType::Int64, to);
  }
  if (isFloat(from) && isInteger(to) && (isUnsigned(to) || bitsOf(to) < 32))
    return integerOfFloat(specializer, value, from, to);
  return plainCast(specializer, value, to);
}

void checkFits(Specializer &specializer, const Scalar &scalar, DType dtype) {
  if (!isInteger(dtype) || dtype == DType::Int64 || !(kindsOf(scalar) & bitOf(ScalarKind::PyInt)))
    return;
  unsigned bits = bitsOf(dtype) - !isUnsigned(dtype);
  int64_t high = bits == 64 ? INT64_MAX : (int64_t(1) << bits) - 1;
  int64_t low = isUnsigned(dtype) ? 0 : -high - 1;
  if (std::optional<int64_t> number = scalar.knownInt()) {
    if (*number < low || *number > high)
      failCertain(
          specializer, "OverflowError",
          ("Python integer " + llvm::Twine(*number) + " out of bounds for " + nameOf(dtype)).str());
    return;
  }
  IntExpr number = specializer.intExpr(scalar);
  mlir::Value fits = specializer.create<arith::AndIOp>(
      compareInts(specializer, arith::CmpIPredicate::sge, number, low),
      compareInts(specializer, arith::CmpIPredicate::sle, number, high));
  CheckText text;
  text << "Python integer " << number << " out of bounds for " << nameOf(dtype);
  check(specializer, fits, "OverflowError", text);
}

void checkFitsInt64(Specializer &specializer, const Scalar &scalar) {
  if (scalar.isMixed() || scalar.kind != ScalarKind::UInt64)
    return;
  mlir::Value fits = specializer.create<CompareOp>(ComparePredicate::ge, specializer.ssa(scalar),
                                                   whole(specializer, 0));
  specializer.check(fits, "OverflowError", integerOverflow);
}

mlir::Value inOrder(Specializer &specializer, mlir::Value x, DType dtype) {
  if (!isUnsigned(dtype))
    return x;
  if (dtype == DType::UInt64)
    return emit<XorOp>(specializer, x, whole(specializer, INT64_MIN));
  return castTo(specializer, x, dtype, DType::Int64);
}

ArrayValue inOrder(Specializer &specializer, ArrayValue x) {
  if (!isUnsigned(x.dtype))
    return x;
  x.tensor = inOrder(specializer, x.tensor, x.dtype);
  x.dtype = DType::Int64;
  return x;
}

mlir::Value fromOrder(Specializer &specializer, mlir::Value x, DType dtype) {
  if (!isUnsigned(dtype))
    return x;
  if (dtype == DType::UInt64)
    return emit<XorOp>(specializer, x, whole(specializer, INT64_MIN));
  return castTo(specializer, x, DType::Int64, dtype);
}

/// x // y of uint64, 0 where y is 0: the half is divided as a signed number, then set right.
static mlir::Value divideUInt64(Specializer &specializer, mlir::Value x, mlir::Value y) {
  mlir::Value zero = whole(specializer, 0), one = whole(specializer, 1);
  auto isLess = [&](mlir::Value a, mlir::Value b) {
    return isBelow(specializer, inOrder(specializer, a, DType::UInt64),
                   inOrder(specializer, b, DType::UInt64));
  };
  mlir::Value quotient =
      emit<ShiftLeftOp>(specializer, emit<FloorDivOp>(specializer, half(specializer, x), y), one);
  mlir::Value rest = emit<SubOp>(specializer, x, emit<MulOp>(specializer, quotient, y));
  mlir::Value more = emit<AddOp>(specializer, quotient, one);
  mlir::Value ofSmall = choose(specializer, isLess(rest, y), quotient, more);
  mlir::Value ofLarge = choose(specializer, isLess(x, y), zero, one);
  mlir::Value result = choose(specializer, isBelow(specializer, y, zero), ofLarge, ofSmall);
  mlir::Value byZero = specializer.create<CompareOp>(ComparePredicate::eq, y, zero).getResult();
  return choose(specializer, byZero, zero, result);
}

static mlir::Value emitUInt64(Specializer &specializer, BinaryFunction function, mlir::Value x,
                              mlir::Value y) {
  using F = BinaryFunction;
  mlir::Value zero = whole(specializer, 0);
  switch (function) {
  case F::FloorDivide:
    return divideUInt64(specializer, x, y);
  case F::Remainder: {
    mlir::Value product = emit<MulOp>(specializer, divideUInt64(specializer, x, y), y);
    mlir::Value byZero = specializer.create<CompareOp>(ComparePredicate::eq, y, zero).getResult();
    return choose(specializer, byZero, zero, emit<SubOp>(specializer, x, product));
  }
  case F::Maximum:
  case F::FMax:
  case F::Minimum:
  case F::FMin: {
    mlir::Value xIsLess = isBelow(specializer, inOrder(specializer, x, DType::UInt64),
                                  inOrder(specializer, y, DType::UInt64));
    bool larger = function == F::Maximum || function == F::FMax;
    return choose(specializer, xIsLess, larger ? y : x, larger ? x : y);
  }
  case F::ShiftRight: {
    mlir::Value rest = emit<SubOp>(specializer, y, whole(specializer, 1));
    mlir::Value shifted = emit<ShiftRightOp>(specializer, half(specializer, x), rest);
    mlir::Value isNone = specializer.create<CompareOp>(ComparePredicate::eq, y, zero).getResult();
    return choose(specializer, isNone, x, shifted);
  }
  default:
    return {};
  }
}

mlir::Value emitUnsigned(Specializer &specializer, BinaryFunction function, mlir::Value x,
                         mlir::Value y, DType dtype) {
  if (dtype == DType::UInt64)
    return emitUInt64(specializer, function, x, y);
  using F = BinaryFunction;
  switch (function) {
  case F::FloorDivide:
  case F::Remainder:
  case F::Maximum:
  case F::FMax:
  case F::Minimum:
  case F::FMin:
  case F::ShiftLeft:
  case F::ShiftRight:
  case F::Power:
    break;
  default:
    return {};
  }
  x = castTo(specializer, x, dtype, DType::Int64);
  y = castTo(specializer, y, dtype, DType::Int64);
  mlir::Value result = function == F::FloorDivide  ? emit<FloorDivOp>(specializer, x, y)
                       : function == F::Remainder  ? emit<ModOp>(specializer, x, y)
                       : function == F::ShiftLeft  ? emit<ShiftLeftOp>(specializer, x, y)
                       : function == F::ShiftRight ? emit<ShiftRightOp>(specializer, x, y)
                       : function == F::Power      ? emit<PowOp>(specializer, x, y)
                       : function == F::Maximum || function == F::FMax
                           ? emit<MaximumOp>(specializer, x, y)
                           : emit<MinimumOp>(specializer, x, y);
  return castTo(specializer, result, DType::Int64, dtype);
}

mlir::Value compareIntegers(Specializer &specializer, ComparePredicate predicate, mlir::Value x,
                            DType xType, mlir::Value y, DType yType) {
  auto compare = [&](mlir::Value a, mlir::Value b) {
    return specializer.create<CompareOp>(predicate, a, b).getResult();
  };
  if (xType == yType && !isUnsigned(xType))
    return compare(x, y);
  if (xType != DType::UInt64 && yType != DType::UInt64)
    return compare(castTo(specializer, x, xType, DType::Int64),
                   castTo(specializer, y, yType, DType::Int64));
  auto bits = [&](mlir::Value value, DType dtype) {
    return castTo(specializer, value, dtype, dtype == DType::UInt64 ? DType::UInt64 : DType::Int64);
  };
  x = bits(x, xType);
  y = bits(y, yType);
  mlir::Value sign = whole(specializer, INT64_MIN), zero = whole(specializer, 0);
  mlir::Value result =
      compare(emit<XorOp>(specializer, x, sign), emit<XorOp>(specializer, y, sign));
  // A signed number below 0 is less than every unsigned one.
  if (yType != DType::UInt64)
    return choose(specializer, isBelow(specializer, y, zero), compare(zero, y), result);
  if (xType != DType::UInt64)
    return choose(specializer, isBelow(specializer, x, zero), compare(x, zero), result);
  return result;
}

} // namespace mpy
