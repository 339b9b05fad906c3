// Float arithmetic as PTX states it: rounded once, sub-normal numbers kept unless `.ftz` asks
// otherwise,
// `.approx` computed with more digits and rounded, which is within each stated error.
//
// Other roundings than to nearest are in Rounding.cpp.
#include "Float.h"
#include "Lanes.h"
#include "Parser.h"
#include <cmath>

using namespace standin;

namespace {

struct Add {
  template <class T> static T apply(T a, T b) { return a + b; }
};
struct Subtract {
  template <class T> static T apply(T a, T b) { return a - b; }
};
struct Multiply {
  template <class T> static T apply(T a, T b) { return a * b; }
};
struct Divide {
  template <class T> static T apply(T a, T b) { return a / b; }
};
/// The other operand where one is no number; -0 is less than +0.
struct Minimum {
  template <class T> static T apply(T a, T b) {
    T less = a < b ? a : b < a ? b : __builtin_signbit(a) ? a : b;
    return a != a ? b : b != b ? a : less;
  }
};
struct Maximum {
  template <class T> static T apply(T a, T b) {
    T more = a > b ? a : b > a ? b : __builtin_signbit(a) ? b : a;
    return a != a ? b : b != b ? a : more;
  }
};
struct MinimumOrNan {
  template <class T> static T apply(T a, T b) {
    return a != a || b != b ? T(__builtin_nan("")) : Minimum::apply(a, b);
  }
};
struct MaximumOrNan {
  template <class T> static T apply(T a, T b) {
    return a != a || b != b ? T(__builtin_nan("")) : Maximum::apply(a, b);
  }
};
/// `copysign d, a, b`: the sign of a, the rest of b.
struct CopySign {
  static float apply(float a, float b) { return __builtin_copysignf(b, a); }
  static double apply(double a, double b) { return __builtin_copysign(b, a); }
};
struct Negate {
  template <class T> static T apply(T a) { return -a; }
};
struct Absolute {
  static float apply(float a) { return __builtin_fabsf(a); }
  static double apply(double a) { return __builtin_fabs(a); }
};
struct SquareRoot {
  static float apply(float a) { return __builtin_sqrtf(a); }
  static double apply(double a) { return __builtin_sqrt(a); }
};
float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
struct Reciprocal {
  template <class T> static T apply(T a) { return T(1) / a; }
};

template <class T, bool Flushes> T taken(T value) {
  if constexpr (Flushes)
    return flush(value);
  return value;
}

template <class T, class Op, bool Flushes, bool Saturates>
void binary(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b);
  store(d, mask, [&](unsigned l) {
    T value = taken<T, Flushes>(Op::apply(taken<T, Flushes>(a[l]), taken<T, Flushes>(b[l])));
    if (Saturates)
      value = value > 0 ? (value < 1 ? value : T(1)) : T(0);
    return value;
  });
}
template <class T, class Op, bool Flushes, bool = false>
void unary(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a);
  store(d, mask, [&](unsigned l) { return taken<T, Flushes>(Op::apply(taken<T, Flushes>(a[l]))); });
}
template <class T, class, bool Flushes, bool Saturates>
void fused(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b), *c = at<T>(w, i.c);
  store(d, mask, [&](unsigned l) {
    T x = taken<T, Flushes>(a[l]), y = taken<T, Flushes>(b[l]), z = taken<T, Flushes>(c[l]);
    T value = taken<T, Flushes>(fma(x, y, z));
    if (Saturates)
      value = value > 0 ? (value < 1 ? value : T(1)) : T(0);
    return value;
  });
}

/// Functions that the hardware approximates, from a value with more digits.
template <double (*F)(double), bool Flushes>
void approximated(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<float>(w, i.d), *a = at<float>(w, i.a);
  storeActive(d, mask, [&](unsigned l) {
    float x = Flushes ? flush(a[l]) : a[l];
    float value = float(F(x));
    return Flushes ? flush(value) : value;
  });
}
double reciprocal(double x) { return 1 / x; }
double reciprocalRoot(double x) { return 1 / std::sqrt(x); }
double sine(double x) { return std::sin(x); }
double cosine(double x) { return std::cos(x); }
double binaryLogarithm(double x) { return std::log2(x); }
double binaryPower(double x) { return std::exp2(x); }
double root(double x) { return std::sqrt(x); }
double hyperbolicTangent(double x) { return std::tanh(x); }

/// `rcp.approx.ftz.f64`: about 20 bits, the lower half of the result is zero; sub-normal numbers
/// are flushed.
double upperHalf(double value) {
  return bitsOf<double>(bitsOf<uint64_t>(value) & 0xffffffff00000000);
}
double flushWide(double value) {
  return std::fabs(value) < 0x1p-1022 ? std::copysign(0.0, value) : value;
}
template <bool Root> void grossReciprocal(const Instruction &i, Warp &w, uint32_t mask) {
  auto *d = at<double>(w, i.d), *a = at<double>(w, i.a);
  storeActive(d, mask, [&](unsigned l) {
    double x = a[l] != a[l] ? a[l] : flushWide(upperHalf(a[l]));
    double value = 1 / (Root ? std::sqrt(x) : x);
    return value != value ? value : flushWide(upperHalf(value));
  });
}

} // namespace

#define FLOAT_FORM(form, op)                                                                       \
  do {                                                                                             \
    if (bits == 64)                                                                                \
      return saturates ? nullptr : form<double, op, false, false>;                                 \
    if (saturates)                                                                                 \
      return flushes ? form<float, op, true, true> : form<float, op, false, true>;                 \
    return flushes ? form<float, op, true, false> : form<float, op, false, false>;                 \
  } while (false)

static Handler nearestHandler(std::string_view name, unsigned bits, bool flushes, bool saturates,
                              bool nan) {
  if (name == "add")
    FLOAT_FORM(binary, Add);
  if (name == "sub")
    FLOAT_FORM(binary, Subtract);
  if (name == "mul")
    FLOAT_FORM(binary, Multiply);
  if (name == "div")
    FLOAT_FORM(binary, Divide);
  if (name == "fma" || name == "mad")
    FLOAT_FORM(fused, void);
  if (saturates)
    return nullptr;
  if (name == "min" && nan)
    FLOAT_FORM(binary, MinimumOrNan);
  if (name == "max" && nan)
    FLOAT_FORM(binary, MaximumOrNan);
  if (name == "min")
    FLOAT_FORM(binary, Minimum);
  if (name == "max")
    FLOAT_FORM(binary, Maximum);
  if (name == "copysign")
    FLOAT_FORM(binary, CopySign);
  if (name == "neg")
    FLOAT_FORM(unary, Negate);
  if (name == "abs")
    FLOAT_FORM(unary, Absolute);
  if (name == "sqrt")
    FLOAT_FORM(unary, SquareRoot);
  if (name == "rcp")
    FLOAT_FORM(unary, Reciprocal);
  return nullptr;
}

#define APPROXIMATION(function)                                                                    \
  (flushes ? approximated<function, true> : approximated<function, false>)

static Handler approximateHandler(std::string_view name, unsigned bits, bool flushes) {
  if (bits == 64) {
    if (!flushes)
      return nullptr;
    return name == "rcp"     ? grossReciprocal<false>
           : name == "rsqrt" ? grossReciprocal<true>
                             : nullptr;
  }
  if (name == "rcp")
    return APPROXIMATION(reciprocal);
  if (name == "rsqrt")
    return APPROXIMATION(reciprocalRoot);
  if (name == "sqrt")
    return APPROXIMATION(root);
  if (name == "sin")
    return APPROXIMATION(sine);
  if (name == "cos")
    return APPROXIMATION(cosine);
  if (name == "lg2")
    return APPROXIMATION(binaryLogarithm);
  if (name == "ex2")
    return APPROXIMATION(binaryPower);
  if (name == "tanh")
    return APPROXIMATION(hyperbolicTangent);
  if (name == "div")
    return nearestHandler(name, bits, flushes, false, false);
  return nullptr;
}

bool standin::decodeFloat(Statement &s, Instruction &i) {
  static constexpr std::string_view names[] = {
      "add", "sub",  "mul", "div",   "fma", "mad", "min", "max", "copysign", "neg",
      "abs", "sqrt", "rcp", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh"};
  std::string_view name = s.operation();
  bool known = false;
  for (std::string_view candidate : names)
    known |= candidate == name;
  if (!known)
    return false;
  Type type = s.type();
  if (type.kind != Kind::Float || type.bits < 32)
    s.unknown();
  for (size_t k = 1; k + 1 < s.words.size(); ++k) {
    static constexpr std::string_view modifiers[] = {"rn",  "rz",     "rm",   "rp", "ftz",
                                                     "sat", "approx", "full", "NaN"};
    bool isModifier = false;
    for (std::string_view candidate : modifiers)
      isModifier |= candidate == s.words[k];
    if (!isModifier)
      s.unknown();
  }
  static constexpr std::string_view unaries[] = {"neg", "abs", "sqrt", "rcp", "rsqrt",
                                                 "sin", "cos", "lg2",  "ex2", "tanh"};
  bool isUnary = false;
  for (std::string_view candidate : unaries)
    isUnary |= candidate == name;
  bool isFused = name == "fma" || name == "mad";
  s.expect(isUnary ? 2 : isFused ? 4 : 3);
  i.a = s.builder.source(s, s.operands[1], type);
  i.b = isUnary ? i.a : s.builder.source(s, s.operands[2], type);
  i.c = isFused ? s.builder.source(s, s.operands[3], type) : i.a;
  i.d = s.builder.destination(s, s.operands[0], type);
  bool flushes = s.has("ftz");
  Direction direction = s.has("rz")   ? Direction::Zero
                        : s.has("rm") ? Direction::Down
                        : s.has("rp") ? Direction::Up
                                      : Direction::Nearest;
  if (s.has("approx") || s.has("full"))
    i.run = approximateHandler(name, type.bits, flushes);
  else if (direction != Direction::Nearest)
    i.run = directedHandler(name, type.bits, direction, flushes, s.has("sat"));
  else
    i.run = nearestHandler(name, type.bits, flushes, s.has("sat"), s.has("NaN"));
  if (!i.run)
    s.unknown();
  return true;
}
