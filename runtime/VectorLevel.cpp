// Which vectors the processor and the system have.
#include "VectorLevel.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <stdint.h>

namespace mpy {

static uint64_t enabledStates() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

int vectorLevel() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA) || !(c & bit_AVX))
    return 0;
  uint64_t enabled = enabledStates();
  if ((enabled & 6) != 6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2))
    return 0;
  bool wide = (b & bit_AVX512F) && (b & bit_AVX512VL) && (b & bit_AVX512DQ) && (b & bit_AVX512BW);
  return wide && (enabled & 0xE6) == 0xE6 ? 512 : 2;
}

} // namespace mpy
#else
int mpy::vectorLevel() { return 0; }
#endif
