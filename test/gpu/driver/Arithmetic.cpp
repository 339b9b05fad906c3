// Integer arithmetic: add, sub, mul, mad, div, rem, abs, neg, min, max, and the carrying forms.
#include "Lanes.h"
#include "Parser.h"
#include <type_traits>

using namespace standin;

namespace {

template <class T> using Unsigned = std::make_unsigned_t<T>;
template <class T>
using Wide = std::conditional_t<
    sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
    std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                       std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

struct Add {
  template <class T> static T apply(T a, T b) { return T(Unsigned<T>(a) + Unsigned<T>(b)); }
};
struct Subtract {
  template <class T> static T apply(T a, T b) { return T(Unsigned<T>(a) - Unsigned<T>(b)); }
};
struct MultiplyLow {
  template <class T> static T apply(T a, T b) { return T(uint64_t(a) * uint64_t(b)); }
};
struct MultiplyHigh {
  template <class T> static T apply(T a, T b) {
    return T((Wide<T>(a) * Wide<T>(b)) >> (sizeof(T) * 8));
  }
};
struct Minimum {
  template <class T> static T apply(T a, T b) { return a < b ? a : b; }
};
struct Maximum {
  template <class T> static T apply(T a, T b) { return a > b ? a : b; }
};
struct Negate {
  template <class T> static T apply(T a) { return T(-Unsigned<T>(a)); }
};
struct Absolute {
  template <class T> static T apply(T a) { return a < 0 ? T(-Unsigned<T>(a)) : a; }
};
/// What the hardware gives for a divisor of zero: all bits, and the dividend as the remainder.
struct Divide {
  template <class T> static T apply(T a, T b) {
    if (!b)
      return T(~T(0));
    if constexpr (std::is_signed_v<T>)
      if (b == -1)
        return T(-Unsigned<T>(a));
    return T(a / b);
  }
};
struct Remainder {
  template <class T> static T apply(T a, T b) {
    if (!b)
      return a;
    if constexpr (std::is_signed_v<T>)
      if (b == -1)
        return 0;
    return T(a % b);
  }
};
struct AddSaturating {
  template <class T> static T apply(T a, T b) {
    T sum;
    return __builtin_add_overflow(a, b, &sum)
               ? T(a < 0 ? 1ll << (sizeof(T) * 8 - 1) : ~(1ull << (sizeof(T) * 8 - 1)))
               : sum;
  }
};
struct SubtractSaturating {
  template <class T> static T apply(T a, T b) {
    T sum;
    return __builtin_sub_overflow(a, b, &sum)
               ? T(a < 0 ? 1ll << (sizeof(T) * 8 - 1) : ~(1ull << (sizeof(T) * 8 - 1)))
               : sum;
  }
};

template <class T, class Op> void binary(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  store(d, mask, [&](unsigned l) { return Op::apply(a[l], b[l]); });
}
template <class T, class Op> void divided(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  storeActive(d, mask, [&](unsigned l) { return Op::apply(a[l], b[l]); });
}
template <class T, class Op> void unary(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  store(d, mask, [&](unsigned l) { return Op::apply(a[l]); });
}
template <class T, class Op> void multiplyAdd(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b), *c = at<T>(w, i.c);
  store(d, mask, [&](unsigned l) { return Add::apply(Op::apply(a[l], b[l]), c[l]); });
}
/// `mul.wide` and `mad.wide`: the result is twice as wide as the factors.
template <class T, bool Adds> void widened(const Instruction &i, Warp &w, uint32_t mask) {
  T *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  auto *d = at<Wide<T>>(w, i.d), *c = at<Wide<T>>(w, i.c);
  // Factors may lie where the result comes.
  alignas(64) T x[lanes], y[lanes];
  memcpy(x, a, sizeof x);
  memcpy(y, b, sizeof y);
  store(d, mask, [&](unsigned l) {
    Wide<T> product = Wide<T>(x[l]) * Wide<T>(y[l]);
    return Adds ? Add::apply(product, c[l]) : product;
  });
}

/// `add.cc`, `addc`, `madc.hi.cc` and so on. `High`: the upper half of the product; `Product`: none
/// for sums.
enum class Product { None, Low, High };
template <class T, Product P, bool Minus, bool Takes, bool Sets>
void carried(const Instruction &i, Warp &w, uint32_t mask) {
  using U = Unsigned<T>;
  auto *d = at<U>(w, i.d);
  T *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  auto *c = at<U>(w, i.c);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    U x, y;
    if constexpr (P == Product::None)
      x = a[l], y = b[l];
    else
      x = P == Product::Low ? MultiplyLow::apply(a[l], b[l]) : MultiplyHigh::apply(a[l], b[l]),
      y = c[l];
    unsigned carry = Takes ? (w.carry >> l) & 1 : 0;
    unsigned __int128 sum =
        Minus ? (unsigned __int128)x - y - carry : (unsigned __int128)x + y + carry;
    d[l] = U(sum);
    if (Sets) {
      uint32_t out = uint32_t(sum >> (sizeof(U) * 8)) & 1;
      w.carry = (w.carry & ~(1u << l)) | (out << l);
    }
  }
}

} // namespace

#define FOR_INTEGERS(form, op)                                                                     \
  switch (type.bits) {                                                                             \
  case 16:                                                                                         \
    return isSigned ? form<int16_t, op> : form<uint16_t, op>;                                      \
  case 32:                                                                                         \
    return isSigned ? form<int32_t, op> : form<uint32_t, op>;                                      \
  case 64:                                                                                         \
    return isSigned ? form<int64_t, op> : form<uint64_t, op>;                                      \
  }                                                                                                \
  return nullptr

static Handler binaryHandler(std::string_view name, Type type, bool saturates, bool high) {
  bool isSigned = type.kind == Kind::Signed;
  if (saturates)
    return name == "add"   ? binary<int32_t, AddSaturating>
           : name == "sub" ? binary<int32_t, SubtractSaturating>
                           : nullptr;
  if (name == "add") {
    FOR_INTEGERS(binary, Add);
  }
  if (name == "sub") {
    FOR_INTEGERS(binary, Subtract);
  }
  if (name == "mul" && high) {
    FOR_INTEGERS(binary, MultiplyHigh);
  }
  if (name == "mul") {
    FOR_INTEGERS(binary, MultiplyLow);
  }
  if (name == "mad" && high) {
    FOR_INTEGERS(multiplyAdd, MultiplyHigh);
  }
  if (name == "mad") {
    FOR_INTEGERS(multiplyAdd, MultiplyLow);
  }
  if (name == "min") {
    FOR_INTEGERS(binary, Minimum);
  }
  if (name == "max") {
    FOR_INTEGERS(binary, Maximum);
  }
  if (name == "div") {
    FOR_INTEGERS(divided, Divide);
  }
  if (name == "rem") {
    FOR_INTEGERS(divided, Remainder);
  }
  if (name == "neg") {
    FOR_INTEGERS(unary, Negate);
  }
  if (name == "abs") {
    FOR_INTEGERS(unary, Absolute);
  }
  return nullptr;
}

template <class T, Product P, bool Minus> static Handler carriedForm(bool takes, bool sets) {
  return takes ? (sets ? carried<T, P, Minus, true, true> : carried<T, P, Minus, true, false>)
               : carried<T, P, Minus, false, true>;
}

template <class T>
static Handler carriedHandler(Product product, bool minus, bool takes, bool sets) {
  if (product == Product::None)
    return minus ? carriedForm<T, Product::None, true>(takes, sets)
                 : carriedForm<T, Product::None, false>(takes, sets);
  return product == Product::Low ? carriedForm<T, Product::Low, false>(takes, sets)
                                 : carriedForm<T, Product::High, false>(takes, sets);
}

static void decodeCarried(Statement &s, Instruction &i, Type type) {
  std::string_view name = s.operation();
  bool takes = name.back() == 'c', isProduct = name[0] == 'm';
  Product product = !isProduct ? Product::None : s.has("hi") ? Product::High : Product::Low;
  if (type.kind == Kind::Float || type.bits < 32)
    s.unknown();
  s.expect(isProduct ? 4 : 3);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = s.builder.source(s, s.operands[2], type);
  i.c = isProduct ? s.builder.source(s, s.operands[3], type) : i.a;
  i.d = s.builder.destination(s, s.operands[0], type);
  bool minus = name[0] == 's', sets = s.has("cc"), isSigned = type.kind == Kind::Signed;
  if (type.bits == 32)
    i.run = isSigned ? carriedHandler<int32_t>(product, minus, takes, sets)
                     : carriedHandler<uint32_t>(product, minus, takes, sets);
  else
    i.run = isSigned ? carriedHandler<int64_t>(product, minus, takes, sets)
                     : carriedHandler<uint64_t>(product, minus, takes, sets);
}

static Handler wideHandler(Type type, bool adds) {
  bool isSigned = type.kind == Kind::Signed;
  if (type.bits == 16)
    return isSigned ? (adds ? widened<int16_t, true> : widened<int16_t, false>)
                    : (adds ? widened<uint16_t, true> : widened<uint16_t, false>);
  if (type.bits == 32)
    return isSigned ? (adds ? widened<int32_t, true> : widened<int32_t, false>)
                    : (adds ? widened<uint32_t, true> : widened<uint32_t, false>);
  return nullptr;
}

bool standin::decodeArithmetic(Statement &s, Instruction &i) {
  std::string_view name = s.operation();
  static constexpr std::string_view names[] = {"add", "sub", "mul", "mad",  "div",  "rem", "neg",
                                               "abs", "min", "max", "addc", "subc", "madc"};
  bool known = false;
  for (std::string_view candidate : names)
    known |= candidate == name;
  if (!known)
    return false;
  Type type = s.type();
  if (type.kind == Kind::Float)
    return false;
  if (s.has("cc") || name == "addc" || name == "subc" || name == "madc") {
    decodeCarried(s, i, type);
    return true;
  }
  bool isUnary = name == "neg" || name == "abs";
  size_t count = isUnary ? 2 : name == "mad" ? 4 : 3;
  s.expect(count);
  i.a = s.builder.source(s, s.operands[1], type);
  if (!isUnary)
    i.b = s.builder.source(s, s.operands[2], type);
  if ((name == "mul" || name == "mad") && s.has("wide")) {
    Type wide = {type.kind, uint8_t(type.bits * 2)};
    if (name == "mad")
      i.c = s.builder.source(s, s.operands[3], wide);
    i.d = s.builder.destination(s, s.operands[0], wide);
    i.run = wideHandler(type, name == "mad");
  } else {
    if (name == "mad")
      i.c = s.builder.source(s, s.operands[3], type);
    i.d = s.builder.destination(s, s.operands[0], type);
    i.run = binaryHandler(name, type, s.has("sat"), s.has("hi"));
  }
  if (!i.run)
    s.unknown();
  return true;
}
