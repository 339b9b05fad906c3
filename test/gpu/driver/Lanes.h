// How handlers read and write the 32 lanes of a register.
#pragma once

#include "Execute.h"
#include <cstring>

namespace standin {

template <class T> inline T *at(const Warp &warp, uint32_t offset) {
  return reinterpret_cast<T *>(__builtin_assume_aligned(warp.frame + offset, 64));
}
inline uint32_t &predicate(const Warp &warp, uint32_t offset) {
  return *at<uint32_t>(warp, offset);
}

/// Writes `value(lane)` where the mask says; `value` must be harmless for other lanes too.
template <class T, class F> inline void store(T *to, uint32_t mask, F value) {
  if (mask == allLanes) {
#pragma clang loop vectorize(assume_safety)
    for (unsigned l = 0; l < lanes; ++l)
      to[l] = value(l);
    return;
  }
  alignas(64) T values[lanes];
#pragma clang loop vectorize(assume_safety)
  for (unsigned l = 0; l < lanes; ++l)
    values[l] = value(l);
#pragma clang loop vectorize(assume_safety)
  for (unsigned l = 0; l < lanes; ++l)
    to[l] = (mask >> l) & 1 ? values[l] : to[l];
}

/// The same for values that only lanes of the mask may compute.
template <class T, class F> inline void storeActive(T *to, uint32_t mask, F value) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    unsigned l = __builtin_ctz(rest);
    to[l] = value(l);
  }
}

/// Sets the mask's lanes of a predicate.
template <class F> inline void storePredicate(uint32_t &to, uint32_t mask, F value) {
  uint32_t found = 0;
  for (unsigned l = 0; l < lanes; ++l)
    found |= uint32_t(bool(value(l))) << l;
  to = (to & ~mask) | (found & mask);
}

template <class To, class From> inline To bitsOf(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To made;
  memcpy(&made, &value, sizeof made);
  return made;
}

/// Sub-normal numbers as zeros of their sign, as `.ftz` asks.
inline float flush(float value) {
  return __builtin_fabsf(value) < 0x1p-126f ? __builtin_copysignf(0.0f, value) : value;
}

} // namespace standin
