// NumPy's Generator, bit for bit: PCG64 (O'Neill, 2014; XSL-RR, 128 bits of state) seeded by
// SeedSequence, with the distributions of numpy.random.Generator. The order of draws is part of the
// contract.
#ifndef MPY_PCG64_H
#define MPY_PCG64_H

#include <cmath>
#include <cstdint>

namespace mpy {

#include "Ziggurat.inc"

struct Pcg64 {
  uint64_t stateHigh, stateLow, incrementHigh, incrementLow;
  /// The upper half of a draw of which only the lower one was asked for.
  uint32_t half;
  bool hasHalf;

  using Wide = unsigned __int128;
  static Wide wide(uint64_t high, uint64_t low) { return Wide(high) << 64 | low; }

  uint64_t next64() {
    Wide state = wide(stateHigh, stateLow) * wide(0x2360ed051fc65da4u, 0x4385df649fccf645u) +
                 wide(incrementHigh, incrementLow);
    stateHigh = static_cast<uint64_t>(state >> 64);
    stateLow = static_cast<uint64_t>(state);
    unsigned turn = static_cast<unsigned>(stateHigh >> 58);
    uint64_t mixed = stateHigh ^ stateLow;
    return mixed >> turn | mixed << (-turn & 63);
  }

  uint32_t next32() {
    if (hasHalf) {
      hasHalf = false;
      return half;
    }
    uint64_t both = next64();
    hasHalf = true;
    half = static_cast<uint32_t>(both >> 32);
    return static_cast<uint32_t>(both);
  }

  double nextDouble() { return static_cast<double>(next64() >> 11) * (1.0 / 9007199254740992.0); }

  /// A number in [0, highest] by Lemire's multiplication.
  uint64_t nextBounded(uint64_t highest) {
    if (highest == 0)
      return 0;
    if (highest == 0xFFFFFFFFu)
      return next32();
    if (highest == ~uint64_t(0))
      return next64();
    if (highest < 0xFFFFFFFFu) {
      uint32_t count = static_cast<uint32_t>(highest) + 1;
      uint64_t product = uint64_t(next32()) * count;
      if (static_cast<uint32_t>(product) < count) {
        uint32_t least = (0xFFFFFFFFu - static_cast<uint32_t>(highest)) % count;
        while (static_cast<uint32_t>(product) < least)
          product = uint64_t(next32()) * count;
      }
      return product >> 32;
    }
    uint64_t count = highest + 1;
    Wide product = Wide(next64()) * count;
    if (static_cast<uint64_t>(product) < count) {
      uint64_t least = (~uint64_t(0) - highest) % count;
      while (static_cast<uint64_t>(product) < least)
        product = Wide(next64()) * count;
    }
    return static_cast<uint64_t>(product >> 64);
  }

  double nextNormal() {
    for (;;) {
      uint64_t bits = next64();
      unsigned layer = bits & 0xff;
      bool isNegative = bits >> 8 & 1;
      uint64_t size = bits >> 9 & 0x000fffffffffffffu;
      double x = static_cast<double>(size) * normalWidths[layer];
      if (isNegative)
        x = -x;
      if (size < normalLimits[layer])
        return x;
      if (layer == 0)
        return normalTail(size);
      if ((normalDensities[layer - 1] - normalDensities[layer]) * nextDouble() +
              normalDensities[layer] <
          std::exp(-0.5 * x * x))
        return x;
    }
  }

  double nextExponential() {
    for (;;) {
      uint64_t bits = next64() >> 3;
      unsigned layer = bits & 0xff;
      bits >>= 8;
      double x = static_cast<double>(bits) * exponentialWidths[layer];
      if (bits < exponentialLimits[layer])
        return x;
      if (layer == 0)
        return 7.69711747013104972 - std::log1p(-nextDouble());
      if ((exponentialDensities[layer - 1] - exponentialDensities[layer]) * nextDouble() +
              exponentialDensities[layer] <
          std::exp(-x))
        return x;
    }
  }

  /// Seeds it from the words of SeedSequence's entropy.
  void seed(const uint32_t *words, int64_t count) {
    uint32_t pool[4];
    uint32_t factor = 0x43b0d7e5u;
    auto hash = [&](uint32_t value) {
      value ^= factor;
      factor *= 0x931e8875u;
      value *= factor;
      return value ^ value >> 16;
    };
    auto mix = [](uint32_t x, uint32_t y) {
      uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
      return result ^ result >> 16;
    };
    for (int64_t i = 0; i < 4; ++i)
      pool[i] = hash(i < count ? words[i] : 0);
    for (int source = 0; source < 4; ++source)
      for (int target = 0; target < 4; ++target)
        if (source != target)
          pool[target] = mix(pool[target], hash(pool[source]));
    for (int64_t source = 4; source < count; ++source)
      for (int target = 0; target < 4; ++target)
        pool[target] = mix(pool[target], hash(words[source]));
    uint64_t seeds[4] = {};
    factor = 0x8b51f9ddu;
    for (int i = 0; i < 8; ++i) {
      uint32_t value = pool[i % 4] ^ factor;
      factor *= 0x58f38dedu;
      value *= factor;
      value ^= value >> 16;
      seeds[i / 2] |= uint64_t(value) << (i % 2 * 32);
    }
    Wide increment = wide(seeds[2], seeds[3]) << 1 | 1;
    incrementHigh = static_cast<uint64_t>(increment >> 64);
    incrementLow = static_cast<uint64_t>(increment);
    stateHigh = stateLow = 0;
    hasHalf = false;
    half = 0;
    next64();
    Wide state = wide(stateHigh, stateLow) + wide(seeds[0], seeds[1]);
    stateHigh = static_cast<uint64_t>(state >> 64);
    stateLow = static_cast<uint64_t>(state);
    next64();
  }

private:
  double normalTail(uint64_t size) {
    constexpr double edge = 3.6541528853610087963519472518,
                     inverse = 0.27366123732975827203338247596;
    for (;;) {
      double x = -inverse * std::log1p(-nextDouble());
      double y = -std::log1p(-nextDouble());
      if (y + y > x * x)
        return size >> 8 & 1 ? -(edge + x) : edge + x;
    }
  }
};

} // namespace mpy

#endif // MPY_PCG64_H
