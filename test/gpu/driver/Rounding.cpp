// Arithmetic rounded towards zero, down and up. The processor's rounding mode is set around it, and
// this file is compiled with `-frounding-math`.
#include "Float.h"
#include "Lanes.h"
#include <cfenv>
#include <cmath>

using namespace standin;

namespace {

class Rounding {
public:
  explicit Rounding(Direction direction) {
    static constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    fesetround(modes[int(direction)]);
  }
  ~Rounding() { fesetround(FE_TONEAREST); }
};

enum class Op { Add, Subtract, Multiply, Divide, Fused, Root, Reciprocal };

template <class T, Op O> T apply(T x, T y, T z) {
  // The compiler must not move the operation out of the mode.
  volatile T a = x, b = y, c = z, r;
  switch (O) {
  case Op::Add:
    r = a + b;
    break;
  case Op::Subtract:
    r = a - b;
    break;
  case Op::Multiply:
    r = a * b;
    break;
  case Op::Divide:
    r = a / b;
    break;
  case Op::Fused:
    r = std::fma(T(a), T(b), T(c));
    break;
  case Op::Root:
    r = std::sqrt(T(a));
    break;
  case Op::Reciprocal:
    r = T(1) / a;
    break;
  }
  return r;
}

template <class T, Op O, Direction D, bool Flushes, bool Saturates>
void directed(const Instruction &i, Warp &w, uint32_t mask) {
  T *d = at<T>(w, i.d), *a = at<T>(w, i.a), *b = at<T>(w, i.b), *c = at<T>(w, i.c);
  Rounding rounding(D);
  storeActive(d, mask, [&](unsigned l) {
    auto take = [](T value) { return Flushes ? T(flush(value)) : value; };
    T value = take(apply<T, O>(take(a[l]), take(b[l]), take(c[l])));
    return Saturates ? (value > 0 ? (value < 1 ? value : T(1)) : T(0)) : value;
  });
}

template <class T, Op O, Direction D> Handler form(bool flushes, bool saturates) {
  if constexpr (sizeof(T) == 8)
    return flushes || saturates ? nullptr : directed<T, O, D, false, false>;
  else if (flushes)
    return saturates ? directed<T, O, D, true, true> : directed<T, O, D, true, false>;
  else
    return saturates ? directed<T, O, D, false, true> : directed<T, O, D, false, false>;
}

template <Op O> Handler of(unsigned bits, Direction direction, bool flushes, bool saturates) {
  if (bits == 64)
    return direction == Direction::Zero   ? form<double, O, Direction::Zero>(flushes, saturates)
           : direction == Direction::Down ? form<double, O, Direction::Down>(flushes, saturates)
                                          : form<double, O, Direction::Up>(flushes, saturates);
  return direction == Direction::Zero   ? form<float, O, Direction::Zero>(flushes, saturates)
         : direction == Direction::Down ? form<float, O, Direction::Down>(flushes, saturates)
                                        : form<float, O, Direction::Up>(flushes, saturates);
}

} // namespace

Handler standin::directedHandler(std::string_view name, unsigned bits, Direction direction,
                                 bool flushes, bool saturates) {
  if (name == "add")
    return of<Op::Add>(bits, direction, flushes, saturates);
  if (name == "sub")
    return of<Op::Subtract>(bits, direction, flushes, saturates);
  if (name == "mul")
    return of<Op::Multiply>(bits, direction, flushes, saturates);
  if (name == "div")
    return of<Op::Divide>(bits, direction, flushes, saturates);
  if (name == "fma" || name == "mad")
    return of<Op::Fused>(bits, direction, flushes, saturates);
  if (name == "sqrt")
    return of<Op::Root>(bits, direction, flushes, saturates);
  if (name == "rcp")
    return of<Op::Reciprocal>(bits, direction, flushes, saturates);
  return nullptr;
}

double standin::fromInteger(int64_t value, Direction direction, bool toFloat) {
  Rounding rounding(direction);
  volatile int64_t v = value;
  if (toFloat) {
    volatile float r = float(v);
    return r;
  }
  volatile double r = double(v);
  return r;
}

double standin::fromUnsigned(uint64_t value, Direction direction, bool toFloat) {
  Rounding rounding(direction);
  volatile uint64_t v = value;
  // Half the value keeps what is rounded away in its last bit, so it is rounded once.
  if (v > uint64_t(INT64_MAX)) {
    volatile int64_t half = int64_t((v >> 1) | (v & 1));
    if (toFloat) {
      volatile float r = float(half);
      return r * 2.0;
    }
    volatile double r = double(half);
    return r * 2.0;
  }
  volatile int64_t small = int64_t(v);
  if (toFloat) {
    volatile float r = float(small);
    return r;
  }
  volatile double r = double(small);
  return r;
}

float standin::narrow(double value, Direction direction) {
  Rounding rounding(direction);
  volatile double v = value;
  volatile float r = float(v);
  return r;
}
