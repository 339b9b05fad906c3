// cvt: between integers of any width and floats, with every rounding, saturation and `.ftz`.
#include "Float.h"
#include "Lanes.h"
#include "Parser.h"
#include <algorithm>
#include <cmath>

using namespace standin;

namespace {

uint64_t cut(uint64_t value, Type type) {
  if (type.bits == 64)
    return value;
  value &= (1ull << type.bits) - 1;
  if (type.kind == Kind::Signed && value >> (type.bits - 1))
    value |= ~0ull << type.bits;
  return value;
}

uint64_t readLane(const Warp &w, uint32_t offset, unsigned bits, unsigned lane) {
  return bits == 64   ? at<uint64_t>(w, offset)[lane]
         : bits == 32 ? at<uint32_t>(w, offset)[lane]
                      : at<uint16_t>(w, offset)[lane];
}

void writeLane(const Warp &w, uint32_t offset, unsigned bits, unsigned lane, uint64_t value) {
  if (bits == 64)
    at<uint64_t>(w, offset)[lane] = value;
  else if (bits == 32)
    at<uint32_t>(w, offset)[lane] = uint32_t(value);
  else
    at<uint16_t>(w, offset)[lane] = uint16_t(value);
}

/// The low bits; the high ones as the type extends it, where the register is wider.
void integerToInteger(const Instruction &i, Warp &w, uint32_t mask) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint64_t value = cut(readLane(w, i.a, i.sourceBits, l), i.sourceType);
    if (i.immediate) {
      bool fromSigned = i.sourceType.kind == Kind::Signed,
           isNegative = fromSigned && int64_t(value) < 0;
      if (i.type.kind == Kind::Signed) {
        int64_t most = int64_t(~0ull >> (65 - i.type.bits)), least = -most - 1;
        if (!isNegative && value > uint64_t(most))
          value = uint64_t(most);
        else if (isNegative && int64_t(value) < least)
          value = uint64_t(least);
      } else if (isNegative)
        value = 0;
      else if (i.type.bits < 64 && value >> i.type.bits)
        value = ~0ull >> (64 - i.type.bits);
    }
    writeLane(w, i.d, i.registerBits, l, cut(value, i.type));
  }
}

template <class To, class From> void convert(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<To>(w, i.d);
  alignas(64) From a[lanes];
  memcpy(a, at<From>(w, i.a), sizeof a);
  store(d, mask, [&](unsigned l) { return To(a[l]); });
}

double floatOf(const Instruction &i, const Warp &w, unsigned lane) {
  return i.sourceType.bits == 64 ? at<double>(w, i.a)[lane] : at<float>(w, i.a)[lane];
}

double rounded(double value, Direction direction) {
  switch (direction) {
  case Direction::Nearest:
    return std::nearbyint(value);
  case Direction::Zero:
    return std::trunc(value);
  case Direction::Down:
    return std::floor(value);
  case Direction::Up:
    return std::ceil(value);
  }
}

/// Out of range is the nearest in range. No number is 0, or the top bit alone where either side has
/// 64 bits.
void floatToInteger(const Instruction &i, Warp &w, uint32_t mask) {
  auto direction = Direction(i.count);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    double value = floatOf(i, w, l);
    if (i.immediate)
      value = flush(float(value));
    uint64_t made;
    bool isSigned = i.type.kind == Kind::Signed;
    if (value != value)
      made = i.sourceType.bits == 64 || i.type.bits == 64 ? 1ull << (i.type.bits - 1) : 0;
    else {
      value = rounded(value, direction);
      double top = std::ldexp(1.0, i.type.bits - isSigned);
      if (value >= top)
        made = ~0ull >> (64 - i.type.bits + isSigned);
      else if (value < (isSigned ? -top : 0.0))
        made = isSigned ? uint64_t(-1ll << (i.type.bits - 1)) : 0;
      else
        made = isSigned ? uint64_t(int64_t(value)) : uint64_t(value);
    }
    writeLane(w, i.d, i.registerBits, l, cut(made, i.type));
  }
}

void integerToFloat(const Instruction &i, Warp &w, uint32_t mask) {
  auto direction = Direction(i.count);
  bool toFloat = i.type.bits == 32;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    uint64_t bits = cut(readLane(w, i.a, i.sourceBits, l), i.sourceType);
    double value = i.sourceType.kind == Kind::Signed
                       ? fromInteger(int64_t(bits), direction, toFloat)
                       : fromUnsigned(bits, direction, toFloat);
    if (toFloat)
      at<float>(w, i.d)[l] = float(value);
    else
      at<double>(w, i.d)[l] = value;
  }
}

/// `immediate`: 1 flushes, 2 saturates to [0, 1], 4 rounds to an integer.
void floatToFloat(const Instruction &i, Warp &w, uint32_t mask) {
  auto direction = Direction(i.count);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    double value = floatOf(i, w, l);
    if (i.immediate & 1 && i.sourceType.bits == 32)
      value = flush(float(value));
    if (i.immediate & 4)
      value = rounded(value, direction);
    if (i.immediate & 2)
      value = value > 0 ? (value < 1 ? value : 1) : 0;
    if (i.type.bits == 64) {
      at<double>(w, i.d)[l] = value;
      continue;
    }
    float made =
        i.sourceType.bits == 64 && !(i.immediate & 4) ? narrow(value, direction) : float(value);
    at<float>(w, i.d)[l] = i.immediate & 1 ? flush(made) : made;
  }
}

/// The common conversions, done for all lanes at once.
Handler quick(const Instruction &i, bool isPlain) {
  Type to = i.type, from = i.sourceType;
  bool fits = i.registerBits == to.bits && i.sourceBits == from.bits && isPlain;
  if (!fits || from.bits < 32 || to.bits < 32)
    return nullptr;
  bool fromFloat = from.kind == Kind::Float, toFloat = to.kind == Kind::Float,
       isSigned = from.kind == Kind::Signed;
  if (fromFloat && toFloat)
    return to.bits == 64 ? (from.bits == 32 ? convert<double, float> : nullptr)
                         : (from.bits == 64 ? convert<float, double> : nullptr);
  if (fromFloat)
    return nullptr;
  if (toFloat && from.bits == 32)
    return to.bits == 64 ? (isSigned ? convert<double, int32_t> : convert<double, uint32_t>)
                         : (isSigned ? convert<float, int32_t> : convert<float, uint32_t>);
  if (toFloat)
    return to.bits == 64 ? (isSigned ? convert<double, int64_t> : convert<double, uint64_t>)
                         : (isSigned ? convert<float, int64_t> : convert<float, uint64_t>);
  if (from.bits == 32)
    return to.bits == 64 ? (isSigned ? convert<uint64_t, int32_t> : convert<uint64_t, uint32_t>)
                         : convert<uint32_t, uint32_t>;
  return to.bits == 64 ? convert<uint64_t, uint64_t> : convert<uint32_t, uint64_t>;
}

} // namespace

bool standin::decodeConversion(Statement &s, Instruction &i) {
  if (s.operation() != "cvt")
    return false;
  s.expect(2);
  i.type = s.type(1);
  i.sourceType = s.type();
  bool toFloat = i.type.kind == Kind::Float, fromFloat = i.sourceType.kind == Kind::Float;
  if ((toFloat && i.type.bits < 32) || (fromFloat && i.sourceType.bits < 32))
    s.unknown();
  i.a = s.builder.wideSource(s, s.operands[1], i.sourceType, i.sourceBits);
  i.d = s.builder.wideDestination(s, s.operands[0], i.registerBits);
  if (i.sourceBits < i.sourceType.bits || i.registerBits < i.type.bits ||
      (fromFloat && i.sourceBits != i.sourceType.bits) ||
      (toFloat && i.registerBits != i.type.bits))
    s.malformed("registers of " + std::string(s.opcode) + " are too narrow");
  bool toIntegral = s.has("rni") || s.has("rzi") || s.has("rmi") || s.has("rpi");
  Direction direction = s.has("rz") || s.has("rzi")   ? Direction::Zero
                        : s.has("rm") || s.has("rmi") ? Direction::Down
                        : s.has("rp") || s.has("rpi") ? Direction::Up
                                                      : Direction::Nearest;
  i.count = uint8_t(direction);
  bool flushes = s.has("ftz"), saturates = s.has("sat");
  for (size_t k = 1; k + 2 < s.words.size(); ++k) {
    static constexpr std::string_view modifiers[] = {"rn",  "rz",  "rm",  "rp",  "rni",
                                                     "rzi", "rmi", "rpi", "ftz", "sat"};
    if (std::find(std::begin(modifiers), std::end(modifiers), s.words[k]) == std::end(modifiers))
      s.unknown();
  }
  bool isPlain = direction == Direction::Nearest && !toIntegral && !flushes && !saturates;
  if ((i.run = quick(i, isPlain)))
    return true;
  if (fromFloat && toFloat) {
    i.immediate = flushes | saturates << 1 | toIntegral << 2;
    i.run = floatToFloat;
  } else if (fromFloat) {
    if (!toIntegral)
      s.malformed("a conversion to an integer that says no rounding");
    i.immediate = flushes;
    i.run = floatToInteger;
  } else if (toFloat)
    i.run = integerToFloat;
  else {
    i.immediate = saturates;
    i.run = integerToInteger;
  }
  return true;
}
