// NumPy's legacy RandomState, bit for bit: the Mersenne Twister MT19937 (Matsumoto and Nishimura,
// 1998) and the distributions of numpy.random as they were frozen. The order of draws is part of
// the contract; nothing here may be rearranged, and no multiplication may fuse with an addition.
// A state can be that of a Generator instead (Pcg64.h): then the numbers come from there.
#include "Entry.h"
#include "Pcg64.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>
#include <time.h>

struct mpy_random {
  uint32_t key[624];
  int32_t position;
  int32_t hasGauss;
  double gauss;
  bool isGenerator;
  mpy::Pcg64 generator;
};

namespace mpy {

static mpy_random *newRandom() {
  auto *random = static_cast<mpy_random *>(mpy_alloc(static_cast<int64_t>(sizeof(mpy_random))));
  random->isGenerator = false;
  return random;
}

static void seedWith(mpy_random *random, uint32_t seed) {
  for (uint32_t i = 0; i < 624; ++i) {
    random->key[i] = seed;
    seed = 1812433253u * (seed ^ seed >> 30) + i + 1;
  }
  random->position = 624;
  random->hasGauss = 0;
  random->gauss = 0;
}

static void seedFromSystem(mpy_random *random) {
  seedWith(random, static_cast<uint32_t>(time(nullptr)));
  [[maybe_unused]] ssize_t count = getrandom(random->key, 256, GRND_NONBLOCK);
  // A state of zeros would stay there.
  random->key[0] = 0x80000000u;
}

static void refill(mpy_random *random) {
  uint32_t *key = random->key;
  auto mix = [&](int i, int next, int far) {
    uint32_t bits = (key[i] & 0x80000000u) | (key[next] & 0x7fffffffu);
    key[i] = key[far] ^ bits >> 1 ^ ((0u - (bits & 1)) & 0x9908b0dfu);
  };
  for (int i = 0; i < 227; ++i)
    mix(i, i + 1, i + 397);
  for (int i = 227; i < 623; ++i)
    mix(i, i + 1, i - 227);
  mix(623, 0, 396);
  random->position = 0;
}

static uint32_t next32(mpy_random *random) {
  if (random->isGenerator)
    return random->generator.next32();
  if (random->position == 624)
    refill(random);
  uint32_t bits = random->key[random->position++];
  bits ^= bits >> 11;
  bits ^= bits << 7 & 0x9d2c5680u;
  bits ^= bits << 15 & 0xefc60000u;
  return bits ^ bits >> 18;
}

static uint64_t next64(mpy_random *random) {
  if (random->isGenerator)
    return random->generator.next64();
  uint64_t high = next32(random);
  return high << 32 | next32(random);
}

static double nextDouble(mpy_random *random) {
  if (random->isGenerator)
    return random->generator.nextDouble();
  int32_t high = static_cast<int32_t>(next32(random) >> 5);
  int32_t low = static_cast<int32_t>(next32(random) >> 6);
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

// Marsaglia's polar method; the second value of a pair waits for the next call.
static double nextGauss(mpy_random *random) {
  if (random->isGenerator)
    return random->generator.nextNormal();
  if (random->hasGauss) {
    double kept = random->gauss;
    random->hasGauss = 0;
    random->gauss = 0;
    return kept;
  }
  double x1, x2, r2;
  do {
    x1 = 2.0 * nextDouble(random) - 1.0;
    x2 = 2.0 * nextDouble(random) - 1.0;
    r2 = x1 * x1 + x2 * x2;
  } while (r2 >= 1.0 || r2 == 0.0);
  double f = std::sqrt(-2.0 * std::log(r2) / r2);
  random->gauss = f * x1;
  random->hasGauss = 1;
  return f * x2;
}

static double nextExponential(mpy_random *random) {
  if (random->isGenerator)
    return random->generator.nextExponential();
  return -std::log(1.0 - nextDouble(random));
}

// A number in [0, highest] by masked rejection.
static uint64_t nextMasked(mpy_random *random, uint64_t highest) {
  if (highest == 0)
    return 0;
  uint64_t mask = ~uint64_t(0) >> __builtin_clzll(highest);
  if (highest == 0xFFFFFFFFu)
    return next32(random);
  uint64_t value;
  if (highest < 0xFFFFFFFFu) {
    while ((value = next32(random) & mask) > highest)
      ;
    return value;
  }
  if (highest == ~uint64_t(0))
    return next64(random);
  while ((value = next64(random) & mask) > highest)
    ;
  return value;
}

static uint64_t nextBounded(mpy_random *random, uint64_t highest) {
  return random->isGenerator ? random->generator.nextBounded(highest) : nextMasked(random, highest);
}

static void *newArray(Place place, mpy_element dtype, int64_t count, void **data, int64_t *sizes) {
  *data = mpy_alloc_array(place.file, place.line, dtype, 1, &count);
  sizes[0] = count;
  return *data;
}

static int64_t *newIntegers(Place place, int64_t count, void **data, int64_t *sizes) {
  return static_cast<int64_t *>(newArray(place, MPY_INT64, count, data, sizes));
}

template <typename Draw>
static void fill(Place place, int64_t count, void **data, int64_t *sizes, Draw draw) {
  double *values = static_cast<double *>(newArray(place, MPY_FLOAT64, count, data, sizes));
  for (int64_t i = 0; i < count; ++i)
    values[i] = draw();
}

static double checkRange(Place place, double low, double high) {
  double range = high - low;
  if (!std::isfinite(range))
    raise(place, "OverflowError", "Range exceeds valid bounds");
  return range;
}

static void checkScale(Place place, double scale) {
  if (std::signbit(scale) && scale == scale)
    raise(place, "ValueError", "scale < 0");
}

static uint64_t checkBounds(Place place, int64_t low, int64_t high) {
  if (low >= high)
    raise(place, "ValueError", low == 0 ? "high <= 0" : "low >= high");
  return static_cast<uint64_t>(high) - 1 - static_cast<uint64_t>(low);
}

static void permute(mpy_random *random, int64_t n, int64_t *order) {
  for (int64_t i = 0; i < n; ++i)
    order[i] = i;
  for (int64_t i = n - 1; i > 0; --i) {
    int64_t j = static_cast<int64_t>(nextMasked(random, static_cast<uint64_t>(i)));
    int64_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

// searchsorted(cdf, x, side='right')
static int64_t findInterval(const double *cdf, int64_t n, double x) {
  int64_t low = 0, high = n;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (x < cdf[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void accumulate(const double *p, int64_t n, double *cdf) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    cdf[i] = sum = i == 0 ? p[0] : sum + p[i];
  double total = n > 0 ? cdf[n - 1] : 1;
  for (int64_t i = 0; i < n; ++i)
    cdf[i] /= total;
}

static double compensatedSum(const double *values, int64_t count) {
  double sum = values[0], correction = 0;
  for (int64_t i = 1; i < count; ++i) {
    double y = values[i] - correction;
    double t = sum + y;
    correction = (t - sum) - y;
    sum = t;
  }
  return sum;
}

static void checkProbabilities(Place place, const double *p, int64_t n) {
  if (std::isnan(compensatedSum(p, n)))
    raise(place, "ValueError", "probabilities contain NaN");
  for (int64_t i = 0; i < n; ++i)
    if (p[i] < 0)
      raise(place, "ValueError", "probabilities are not non-negative");
  if (std::fabs(compensatedSum(p, n) - 1) > 1.4901161193847656e-08)
    raise(place, "ValueError", "probabilities do not sum to 1");
}

// Without replacement: draws again for what was drawn twice, with the found ones at probability 0.
static void chooseDistinct(Place place, mpy_random *random, double *p, double *cdf, int64_t n,
                           int64_t count, int64_t *found) {
  int64_t positive = 0;
  for (int64_t i = 0; i < n; ++i)
    positive += p[i] > 0;
  if (positive < count)
    raise(place, "ValueError", "Fewer non-zero entries in p than size");
  char *seen = static_cast<char *>(allocateRaw(n + 1));
  memset(seen, 0, n + 1);
  double *draws = static_cast<double *>(allocateRaw(count * sizeof(double)));
  for (int64_t have = 0; have < count;) {
    int64_t wanted = count - have;
    for (int64_t i = 0; i < wanted; ++i)
      draws[i] = nextDouble(random);
    for (int64_t i = 0; i < have; ++i)
      p[found[i]] = 0;
    accumulate(p, n, cdf);
    for (int64_t i = 0; i < wanted; ++i) {
      int64_t index = findInterval(cdf, n, draws[i]);
      if (seen[index])
        continue;
      seen[index] = 1;
      found[have++] = index;
    }
  }
  freeRaw(draws);
  freeRaw(seen);
}

// Generator.choice without replacement: the end of a shuffle of a large part of many, else Floyd's
// method, then a shuffle of what was found.
static void chooseByGenerator(Pcg64 &generator, int64_t n, int64_t count, int64_t *found) {
  auto shuffle = [&](int64_t *values, int64_t size, int64_t first) {
    for (int64_t i = size - 1; i >= first; --i) {
      int64_t j = static_cast<int64_t>(generator.nextBounded(static_cast<uint64_t>(i)));
      int64_t kept = values[j];
      values[j] = values[i];
      values[i] = kept;
    }
  };
  if (n > 10000 && count > n / 50) {
    int64_t *all = static_cast<int64_t *>(allocateRaw(n * sizeof(int64_t)));
    for (int64_t i = 0; i < n; ++i)
      all[i] = i;
    shuffle(all, n, n - count > 1 ? n - count : 1);
    memcpy(found, all + n - count, count * sizeof(int64_t));
    freeRaw(all);
    return;
  }
  uint64_t mask = static_cast<uint64_t>(1.2 * static_cast<double>(count));
  for (unsigned shift = 1; shift < 64; shift *= 2)
    mask |= mask >> shift;
  int64_t *seen = static_cast<int64_t *>(allocateRaw((mask + 1) * sizeof(int64_t)));
  for (uint64_t i = 0; i <= mask; ++i)
    seen[i] = -1;
  auto slotOf = [&](int64_t value) {
    uint64_t slot = static_cast<uint64_t>(value) & mask;
    while (seen[slot] != -1 && seen[slot] != value)
      slot = (slot + 1) & mask;
    return slot;
  };
  for (int64_t j = n - count; j < n; ++j) {
    int64_t value = static_cast<int64_t>(generator.nextBounded(static_cast<uint64_t>(j)));
    if (seen[slotOf(value)] != -1)
      value = j;
    seen[slotOf(value)] = value;
    found[j - n + count] = value;
  }
  freeRaw(seen);
  shuffle(found, count, 1);
}

static void checkPopulation(Place place, int64_t n, int64_t count, bool replace) {
  if (n <= 0 && count != 0)
    raise(place, "ValueError", "a must be greater than 0 unless no samples are taken");
  if (!replace && count > n)
    raise(place, "ValueError", "Cannot take a larger sample than population when 'replace=False'");
}

} // namespace mpy

using namespace mpy;

mpy_random *mpy_random_new(const char *file, int64_t line, int64_t seed) {
  mpy_random *random = newRandom();
  mpy_random_seed(file, line, random, seed);
  return random;
}

mpy_random *mpy_random_new_generator(const char *file, int64_t line, const mpy_view *seeds) {
  int64_t count = seeds->sizes[0], stride = seeds->strides ? seeds->strides[0] : 1;
  uint32_t *words = static_cast<uint32_t *>(allocateRaw((2 * count + 1) * sizeof(uint32_t)));
  int64_t used = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t seed = static_cast<const int64_t *>(seeds->data)[i * stride];
    if (seed < 0)
      raise({file, line}, "ValueError", "expected non-negative integer");
    words[used++] = static_cast<uint32_t>(seed);
    if (seed >> 32)
      words[used++] = static_cast<uint32_t>(seed >> 32);
  }
  mpy_random *random = newRandom();
  random->isGenerator = true;
  random->generator.seed(words, used);
  freeRaw(words);
  return random;
}

mpy_random *mpy_random_new_generator_entropy(void) {
  uint32_t words[4] = {static_cast<uint32_t>(time(nullptr)), 0, 0, 0};
  [[maybe_unused]] ssize_t count = getrandom(words, sizeof(words), GRND_NONBLOCK);
  mpy_random *random = newRandom();
  random->isGenerator = true;
  random->generator.seed(words, 4);
  return random;
}

mpy_random *mpy_random_new_entropy(void) {
  mpy_random *random = newRandom();
  seedFromSystem(random);
  return random;
}

mpy_random *mpy_random_global(int8_t ofNumpy) {
  mpy_random *&random = ofNumpy ? context().random : context().pythonRandom;
  if (!random) {
    random = mpy_random_new_entropy();
    // It stays when the call that has made it fails.
    if (context().library)
      keepBuffer(random);
  }
  mpy_retain(random);
  return random;
}

void mpy_random_seed(const char *file, int64_t line, mpy_random *random, int64_t seed) {
  if (seed < 0 || seed > 0xFFFFFFFFll)
    raise({file, line}, "ValueError", "Seed must be between 0 and 2**32 - 1");
  seedWith(random, static_cast<uint32_t>(seed));
}

// init_by_array of the reference implementation.
void mpy_random_seed_words(const char *file, int64_t line, mpy_random *random,
                           const mpy_view *words) {
  int64_t count = words->sizes[0], stride = words->strides ? words->strides[0] : 1;
  auto word = [&](int64_t i) {
    int64_t value = static_cast<const int64_t *>(words->data)[i * stride];
    if (value < 0 || value > 0xFFFFFFFFll)
      raise({file, line}, "ValueError", "Seed must be between 0 and 2**32 - 1");
    return static_cast<uint32_t>(value);
  };
  if (count == 0)
    raise({file, line}, "ValueError", "Seed must be non-empty");
  seedWith(random, 19650218u);
  uint32_t *key = random->key;
  int64_t i = 1, j = 0;
  auto advance = [&] {
    if (++i == 624) {
      key[0] = key[623];
      i = 1;
    }
  };
  for (int64_t step = count > 624 ? count : 624; step; --step) {
    key[i] =
        (key[i] ^ (key[i - 1] ^ key[i - 1] >> 30) * 1664525u) + word(j) + static_cast<uint32_t>(j);
    advance();
    j = j + 1 == count ? 0 : j + 1;
  }
  for (int step = 623; step; --step) {
    key[i] = (key[i] ^ (key[i - 1] ^ key[i - 1] >> 30) * 1566083941u) - static_cast<uint32_t>(i);
    advance();
  }
  key[0] = 0x80000000u;
}

void mpy_random_seed_entropy(mpy_random *random) { seedFromSystem(random); }

mpy_random *mpy_random_save(const mpy_random *random) {
  mpy_random *saved = newRandom();
  *saved = *random;
  return saved;
}

void mpy_random_restore(mpy_random *random, const mpy_random *saved) { *random = *saved; }

double mpy_random_double(mpy_random *random) { return nextDouble(random); }

double mpy_random_gauss(mpy_random *random) { return nextGauss(random); }

double mpy_random_pair(mpy_random *random) {
  if (random->hasGauss) {
    random->hasGauss = 0;
    return random->gauss;
  }
  double turn = nextDouble(random) * 6.283185307179586;
  double radius = std::sqrt(-2.0 * std::log(1.0 - nextDouble(random)));
  random->gauss = std::sin(turn) * radius;
  random->hasGauss = 1;
  return std::cos(turn) * radius;
}

double mpy_random_uniform(const char *file, int64_t line, mpy_random *random, double low,
                          double high) {
  double range = checkRange({file, line}, low, high);
  return low + range * nextDouble(random);
}

double mpy_random_normal(const char *file, int64_t line, mpy_random *random, double loc,
                         double scale) {
  checkScale({file, line}, scale);
  return loc + scale * nextGauss(random);
}

double mpy_random_exponential(const char *file, int64_t line, mpy_random *random, double scale) {
  checkScale({file, line}, scale);
  return scale * nextExponential(random);
}

int64_t mpy_random_int(const char *file, int64_t line, mpy_random *random, int64_t low,
                       int64_t high) {
  uint64_t range = checkBounds({file, line}, low, high);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + nextBounded(random, range));
}

void mpy_random_double_array(const char *file, int64_t line, mpy_random *random, int64_t count,
                             void **data, int64_t *sizes) {
  fill({file, line}, count, data, sizes, [&] { return nextDouble(random); });
}

void mpy_random_gauss_array(const char *file, int64_t line, mpy_random *random, int64_t count,
                            void **data, int64_t *sizes) {
  fill({file, line}, count, data, sizes, [&] { return nextGauss(random); });
}

void mpy_random_uniform_array(const char *file, int64_t line, mpy_random *random, double low,
                              double high, int64_t count, void **data, int64_t *sizes) {
  double range = checkRange({file, line}, low, high);
  fill({file, line}, count, data, sizes, [&] { return low + range * nextDouble(random); });
}

void mpy_random_normal_array(const char *file, int64_t line, mpy_random *random, double loc,
                             double scale, int64_t count, void **data, int64_t *sizes) {
  checkScale({file, line}, scale);
  fill({file, line}, count, data, sizes, [&] { return loc + scale * nextGauss(random); });
}

void mpy_random_exponential_array(const char *file, int64_t line, mpy_random *random, double scale,
                                  int64_t count, void **data, int64_t *sizes) {
  checkScale({file, line}, scale);
  fill({file, line}, count, data, sizes, [&] { return scale * nextExponential(random); });
}

void mpy_random_int_array(const char *file, int64_t line, mpy_random *random, int64_t low,
                          int64_t high, int64_t count, void **data, int64_t *sizes) {
  // NumPy checks the bounds of an empty draw too.
  uint64_t range = checkBounds({file, line}, low, high);
  int64_t *values = newIntegers({file, line}, count, data, sizes);
  for (int64_t i = 0; i < count; ++i)
    values[i] = static_cast<int64_t>(static_cast<uint64_t>(low) + nextBounded(random, range));
}

void mpy_random_permutation(const char *file, int64_t line, mpy_random *random, int64_t n,
                            void **data, int64_t *sizes) {
  permute(random, n, newIntegers({file, line}, n < 0 ? 0 : n, data, sizes));
}

void mpy_random_choice(const char *file, int64_t line, mpy_random *random, int64_t n, int64_t count,
                       int8_t replace, void **data, int64_t *sizes) {
  Place place = {file, line};
  checkPopulation(place, n, count, replace);
  int64_t *result = newIntegers(place, count, data, sizes);
  if (replace) {
    for (int64_t i = 0; i < count; ++i)
      result[i] = static_cast<int64_t>(nextBounded(random, static_cast<uint64_t>(n - 1)));
    return;
  }
  if (random->isGenerator) {
    chooseByGenerator(random->generator, n, count, result);
    return;
  }
  int64_t *order = static_cast<int64_t *>(allocateRaw(n * sizeof(int64_t)));
  permute(random, n, order);
  memcpy(result, order, count * sizeof(int64_t));
  freeRaw(order);
}

void mpy_random_choice_weighted(const char *file, int64_t line, mpy_random *random, int64_t n,
                                int64_t count, int8_t replace, const mpy_view *p, void **data,
                                int64_t *sizes) {
  Place place = {file, line};
  if (p->rank != 1)
    raise(place, "ValueError", "'p' must be 1-dimensional");
  if (n <= 0 && count != 0)
    checkPopulation(place, n, count, true);
  if (p->sizes[0] != n)
    raise(place, "ValueError", "'a' and 'p' must have same size");
  double *weights = static_cast<double *>(allocateRaw(2 * n * sizeof(double)));
  double *cdf = weights + n;
  int64_t stride = p->strides ? p->strides[0] : 1;
  for (int64_t i = 0; i < n; ++i)
    weights[i] = static_cast<const double *>(p->data)[i * stride];
  if (n > 0)
    checkProbabilities(place, weights, n);
  checkPopulation(place, n, count, replace);
  int64_t *result = newIntegers(place, count, data, sizes);
  if (replace) {
    accumulate(weights, n, cdf);
    for (int64_t i = 0; i < count; ++i)
      result[i] = findInterval(cdf, n, nextDouble(random));
  } else {
    chooseDistinct(place, random, weights, cdf, n, count, result);
  }
  freeRaw(weights);
}
