// Logic, shifts and bit fields: and, or, xor, not, shl, shr, shf, prmt, bfe, bfi, popc, clz, brev,
// lop3.
#include "Lanes.h"
#include "Parser.h"
#include <type_traits>

using namespace standin;

namespace {

struct And {
  template <class T> static T apply(T a, T b) { return a & b; }
};
struct Or {
  template <class T> static T apply(T a, T b) { return a | b; }
};
struct Xor {
  template <class T> static T apply(T a, T b) { return a ^ b; }
};

template <class T, class Op> void logic(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  store(d, mask, [&](unsigned l) { return Op::apply(a[l], b[l]); });
}
template <class Op> void logicOfPredicates(const Instruction &i, Warp &w, uint32_t mask) {
  uint32_t value = Op::apply(predicate(w, i.a), predicate(w, i.b));
  predicate(w, i.d) = (predicate(w, i.d) & ~mask) | (value & mask);
}
template <class T> void inverted(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  store(d, mask, [&](unsigned l) { return T(~a[l]); });
}
void invertedPredicate(const Instruction &i, Warp &w, uint32_t mask) {
  predicate(w, i.d) = (predicate(w, i.d) & ~mask) | (~predicate(w, i.a) & mask);
}
template <class T> void logicalNot(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  store(d, mask, [&](unsigned l) { return T(a[l] == 0); });
}
/// Shifts by more than the width give zero, or the sign.
template <class T> void shiftLeft(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  alignas(64) uint32_t by[lanes];
  memcpy(by, at<uint32_t>(w, i.b), sizeof by);
  store(d, mask, [&](unsigned l) {
    return by[l] < sizeof(T) * 8 ? T(a[l] << (by[l] & (sizeof(T) * 8 - 1))) : T(0);
  });
}
template <class T> void shiftRight(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  alignas(64) uint32_t by[lanes];
  memcpy(by, at<uint32_t>(w, i.b), sizeof by);
  store(d, mask, [&](unsigned l) {
    unsigned most = sizeof(T) * 8 - 1;
    if constexpr (std::is_signed_v<T>)
      return T(a[l] >> (by[l] < most ? by[l] : most));
    else
      return by[l] <= most ? T(a[l] >> (by[l] & most)) : T(0);
  });
}
template <bool Left, bool Wraps> void funnel(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d), *low = at<uint32_t>(w, i.a), *high = at<uint32_t>(w, i.b),
       *by = at<uint32_t>(w, i.c);
  storeActive(d, mask, [&](unsigned l) {
    uint32_t n = Wraps ? by[l] & 31 : by[l] < 32 ? by[l] : 32;
    uint64_t both = uint64_t(high[l]) << 32 | low[l];
    return Left ? uint32_t((both << n) >> 32) : uint32_t(both >> n);
  });
}
void permuteBytes(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d), *a = at<uint32_t>(w, i.a), *b = at<uint32_t>(w, i.b),
       *c = at<uint32_t>(w, i.c);
  storeActive(d, mask, [&](unsigned l) {
    uint64_t both = uint64_t(b[l]) << 32 | a[l];
    uint32_t made = 0;
    for (unsigned k = 0; k < 4; ++k) {
      unsigned choice = c[l] >> (4 * k) & 15;
      uint8_t byte = uint8_t(both >> (8 * (choice & 7)));
      if (choice & 8)
        byte = byte & 0x80 ? 0xff : 0;
      made |= uint32_t(byte) << (8 * k);
    }
    return made;
  });
}
template <class T> void extractField(const Instruction &i, Warp &w, uint32_t mask) {
  using U = std::make_unsigned_t<T>;
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  auto *from = at<uint32_t>(w, i.b), *length = at<uint32_t>(w, i.c);
  storeActive(d, mask, [&](unsigned l) {
    unsigned width = sizeof(T) * 8, position = from[l] & 0xff, count = length[l] & 0xff;
    bool isNegative =
        std::is_signed_v<T> && count &&
        (U(a[l]) >> (position + count - 1 < width - 1 ? position + count - 1 : width - 1) & 1);
    U made = position < width ? U(U(a[l]) >> position) : 0;
    if (position + count > width)
      count = position < width ? width - position : 0;
    if (count < width)
      made &= (U(1) << count) - 1;
    if (isNegative && count < width)
      made |= ~((U(1) << count) - 1);
    return T(made);
  });
}
template <class T> void insertField(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  auto *from = at<uint32_t>(w, i.c), *length = at<uint32_t>(w, i.vector[0]);
  storeActive(d, mask, [&](unsigned l) {
    unsigned width = sizeof(T) * 8, position = from[l] & 0xff, count = length[l] & 0xff;
    if (position >= width || !count)
      return b[l];
    T field = count >= width ? T(~T(0)) : T((T(1) << count) - 1);
    return T((b[l] & ~(field << position)) | ((a[l] & field) << position));
  });
}
template <class T> void countOnes(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d);
  T *a = at<T>(w, i.a);
  storeActive(d, mask, [&](unsigned l) { return uint32_t(__builtin_popcountll(a[l])); });
}
template <class T> void countZeros(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d);
  T *a = at<T>(w, i.a);
  storeActive(d, mask, [&](unsigned l) {
    return a[l] ? uint32_t(__builtin_clzll(a[l]) - (64 - sizeof(T) * 8)) : uint32_t(sizeof(T) * 8);
  });
}
/// The place of the highest bit that differs from the sign, or -1.
template <class T, bool Amount> void findLeading(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d);
  T *a = at<T>(w, i.a);
  storeActive(d, mask, [&](unsigned l) {
    uint64_t value = uint64_t(a[l] < 0 ? T(~a[l]) : a[l]);
    if (!value)
      return ~0u;
    uint32_t top = 63 - __builtin_clzll(value);
    return Amount ? uint32_t(sizeof(T) * 8 - 1 - top) : top;
  });
}
template <class T> void reversed(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  storeActive(d, mask, [&](unsigned l) {
    return sizeof(T) == 8 ? T(__builtin_bitreverse64(a[l]))
                          : T(__builtin_bitreverse32(uint32_t(a[l])));
  });
}
void lookUp(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<uint32_t>(w, i.d), *a = at<uint32_t>(w, i.a), *b = at<uint32_t>(w, i.b),
       *c = at<uint32_t>(w, i.c);
  storeActive(d, mask, [&](unsigned l) {
    uint32_t made = 0;
    for (unsigned k = 0; k < 8; ++k)
      if (i.immediate >> k & 1)
        made |= (k & 4 ? a[l] : ~a[l]) & (k & 2 ? b[l] : ~b[l]) & (k & 1 ? c[l] : ~c[l]);
    return made;
  });
}

template <class Op> Handler logicHandler(unsigned bits) {
  return bits == 1    ? logicOfPredicates<Op>
         : bits == 16 ? logic<uint16_t, Op>
         : bits == 32 ? logic<uint32_t, Op>
                      : logic<uint64_t, Op>;
}

constexpr Type word = {Kind::Bits, 32};

} // namespace

static bool decodeLogic(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  bool isNot = name == "not" || name == "cnot";
  if (!(name == "and" || name == "or" || name == "xor" || isNot) || s.words.size() != 2)
    return false;
  Type type = s.type();
  s.expect(isNot ? 2 : 3);
  i.a = s.builder.source(s, s.operands[1], type);
  if (!isNot)
    i.b = s.builder.source(s, s.operands[2], type);
  i.d = s.builder.destination(s, s.operands[0], type);
  unsigned bits = type.bits;
  if (name == "not")
    i.run = bits == 1    ? invertedPredicate
            : bits == 16 ? inverted<uint16_t>
            : bits == 32 ? inverted<uint32_t>
                         : inverted<uint64_t>;
  else if (name == "cnot")
    i.run = bits == 16   ? logicalNot<uint16_t>
            : bits == 32 ? logicalNot<uint32_t>
                         : logicalNot<uint64_t>;
  else
    i.run = name == "and"  ? logicHandler<And>(bits)
            : name == "or" ? logicHandler<Or>(bits)
                           : logicHandler<Xor>(bits);
  return true;
}

static bool decodeShift(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name == "shf") {
    s.expect(4);
    i.d = s.builder.destination(s, s.operands[0], word);
    i.a = s.builder.source(s, s.operands[1], word);
    i.b = s.builder.source(s, s.operands[2], word);
    i.c = s.builder.source(s, s.operands[3], word);
    bool wraps = s.has("wrap");
    i.run = s.has("l") ? (wraps ? funnel<true, true> : funnel<true, false>)
                       : (wraps ? funnel<false, true> : funnel<false, false>);
    return true;
  }
  if (name != "shl" && name != "shr")
    return false;
  Type type = s.type();
  s.expect(3);
  i.d = s.builder.destination(s, s.operands[0], type);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = s.builder.source(s, s.operands[2], word);
  if (name == "shl")
    i.run = type.bits == 16   ? shiftLeft<uint16_t>
            : type.bits == 32 ? shiftLeft<uint32_t>
                              : shiftLeft<uint64_t>;
  else if (type.kind == Kind::Signed)
    i.run = type.bits == 16   ? shiftRight<int16_t>
            : type.bits == 32 ? shiftRight<int32_t>
                              : shiftRight<int64_t>;
  else
    i.run = type.bits == 16   ? shiftRight<uint16_t>
            : type.bits == 32 ? shiftRight<uint32_t>
                              : shiftRight<uint64_t>;
  return true;
}

static bool decodeField(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name != "bfe" && name != "bfi" && name != "prmt" && name != "lop3")
    return false;
  Type type = s.type();
  bool isWide = type.bits == 64;
  s.expect(name == "bfi" || name == "lop3" ? 5 : 4);
  i.d = s.builder.destination(s, s.operands[0], type);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = s.builder.source(s, s.operands[2], name == "bfi" ? type : word);
  i.c = s.builder.source(s, s.operands[3], word);
  if (name == "lop3") {
    i.immediate = int64_t(s.operands[4].bits);
    i.run = lookUp;
  } else if (name == "prmt")
    i.run = s.words.size() == 2 ? permuteBytes : nullptr;
  else if (name == "bfi") {
    i.vector[0] = s.builder.source(s, s.operands[4], word);
    i.run = isWide ? insertField<uint64_t> : insertField<uint32_t>;
  } else if (type.kind == Kind::Signed)
    i.run = isWide ? extractField<int64_t> : extractField<int32_t>;
  else
    i.run = isWide ? extractField<uint64_t> : extractField<uint32_t>;
  if (!i.run)
    s.unknown();
  return true;
}

static bool decodeCount(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  if (name != "popc" && name != "clz" && name != "brev" && name != "bfind")
    return false;
  Type type = s.type();
  bool isWide = type.bits == 64;
  s.expect(2);
  i.a = s.builder.source(s, s.operands[1], type);
  i.d = s.builder.destination(s, s.operands[0], name == "brev" ? type : word);
  if (name == "popc")
    i.run = isWide ? countOnes<uint64_t> : countOnes<uint32_t>;
  else if (name == "clz")
    i.run = isWide ? countZeros<uint64_t> : countZeros<uint32_t>;
  else if (name == "brev")
    i.run = isWide ? reversed<uint64_t> : reversed<uint32_t>;
  else if (type.kind == Kind::Signed)
    i.run = s.has("shiftamt")
                ? (isWide ? findLeading<int64_t, true> : findLeading<int32_t, true>)
                : (isWide ? findLeading<int64_t, false> : findLeading<int32_t, false>);
  else
    i.run = s.has("shiftamt")
                ? (isWide ? findLeading<uint64_t, true> : findLeading<uint32_t, true>)
                : (isWide ? findLeading<uint64_t, false> : findLeading<uint32_t, false>);
  return true;
}

bool standin::decodeBits(Statement &s, Instruction &i) {
  return decodeLogic(s, i) || decodeShift(s, i) || decodeField(s, i) || decodeCount(s, i);
}
