// Discrete Fourier transforms of any length.
//
// A length is taken apart into factors 8, 4, 2, 3, 5 and other primes, each of them one pass. Eight
// transforms are computed side by side (FourierKernel.inc): of neighbours in memory, of rows, or,
// for one row alone, of the columns of a matrix that the row is cut into. A length with a large
// prime factor is a convolution of a length without one (Bluestein). Angles are reduced to an eighth
// of a turn before their sine and cosine are taken, so the roots of unity are right to the last
// digit. What a length needs is made once and kept.
#include "Context.h"
#include "FourierKernels.h"
#include "VectorLevel.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <pthread.h>

namespace mpy {

namespace {

constexpr int64_t lanes = 8;
/// Rows from here on are cut into a matrix.
constexpr int64_t leastMatrix = 64;
/// Neighbours are transformed side by side up to here; longer ones, one by one, stay in the cache.
constexpr int64_t mostSideBySide = 4096;
/// Up to here a matrix has a table of all its turns.
constexpr int64_t mostTurns = 1 << 15;
constexpr int64_t largestPrime = 50;

FourierKernels kernels;

void chooseKernels() {
  int level = vectorLevel();
#ifdef __x86_64__
  kernels = level == 512 ? fourierKernelsAvx512()
            : level == 2 ? fourierKernelsAvx2()
                         : fourierKernelsBaseline();
#else
  kernels = fourierKernelsBaseline();
#endif
}

inline Complex operator*(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

/// exp(-2 pi i k / n), for 0 <= k < n.
Complex rootOfUnity(int64_t k, int64_t n) {
  constexpr double turn = 6.283185307179586476925;
  int64_t eighths = 8 * k;
  auto angle = [&](int64_t part) {
    return turn * static_cast<double>(part) / static_cast<double>(n);
  };
  double c, s;
  if (eighths <= n) {
    c = std::cos(angle(k)), s = -std::sin(angle(k));
  } else if (eighths < 3 * n) { // Around a quarter of a turn: k - n/4, in quarters of steps.
    double rest = turn * static_cast<double>(4 * k - n) / static_cast<double>(4 * n);
    c = -std::sin(rest), s = -std::cos(rest);
  } else if (eighths <= 5 * n) {
    double rest = turn * static_cast<double>(2 * k - n) / static_cast<double>(2 * n);
    c = -std::cos(rest), s = std::sin(rest);
  } else if (eighths < 7 * n) {
    double rest = turn * static_cast<double>(4 * k - 3 * n) / static_cast<double>(4 * n);
    c = std::sin(rest), s = std::cos(rest);
  } else {
    c = std::cos(angle(n - k)), s = std::sin(angle(n - k));
  }
  return {c, s};
}

/// Numbers that outlive a call, at an address that vectors may have.
template <typename T> T *allocated(int64_t count) {
  size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
  void *memory = aligned_alloc(64, bytes ? bytes : 64);
  if (!memory)
    raiseNoMemory(static_cast<int64_t>(bytes));
  return static_cast<T *>(memory);
}

void makePasses(FourierPasses &passes, int64_t n) {
  passes = {n, {}, 0, nullptr};
  int64_t rest = n;
  int twos = 0;
  for (; rest % 2 == 0; rest /= 2)
    ++twos;
  while (twos > 0) {
    int power = twos == 1 ? 1 : twos == 2 || twos == 4 ? 2 : 3;
    passes.factors[passes.count++] = int64_t(1) << power;
    twos -= power;
  }
  for (int64_t factor = 3; rest > 1;) {
    if (factor * factor > rest)
      factor = rest;
    if (rest % factor == 0) {
      passes.factors[passes.count++] = factor;
      rest /= factor;
    } else {
      factor += 2;
    }
  }
  Complex *roots = allocated<Complex>(n);
  for (int64_t k = 0; k < n; ++k)
    roots[k] = rootOfUnity(k, n);
  passes.roots = roots;
}

int64_t largestFactor(int64_t n) {
  int64_t largest = 1;
  for (int64_t factor = 2; factor * factor <= n; ++factor)
    while (n % factor == 0) {
      largest = factor;
      n /= factor;
    }
  return n > largest ? n : largest;
}

/// The least multiple of 64 with factors 2, 3 and 5 that is at least as long.
int64_t smoothLength(int64_t least) {
  int64_t best = 64;
  while (best < least)
    best *= 2;
  for (int64_t fives = 64; fives < best; fives *= 5)
    for (int64_t threes = fives; threes < best; threes *= 3) {
      int64_t length = threes;
      while (length < least)
        length *= 2;
      best = length < best ? length : best;
    }
  return best;
}

/// How many rows the matrix of a row has: the divisor that fills vectors best, next to the root.
int64_t bestRows(int64_t n) {
  int64_t best = 1, cost = n * lanes;
  auto filled = [](int64_t count) { return (count + lanes - 1) / lanes * lanes; };
  for (int64_t rows = 2; rows * rows <= n; ++rows)
    if (n % rows == 0) {
      int64_t other = n / rows, work = (filled(rows) * other + filled(other) * rows) / 2;
      if (work <= cost) {
        best = rows;
        cost = work;
      }
    }
  return best;
}

/// What transforms of a length need.
struct Plan {
  int64_t n;
  /// Numbers that the plan keeps, in bytes.
  int64_t size;
  /// A length without large prime factors.
  FourierPasses passes;
  /// The matrix of a row, where it is one.
  FourierRow row;
  bool isMatrix;
  /// A length with one: the convolution with a chirp, exp(-pi i k^2 / n), of this length.
  Plan *convolution;
  Complex *chirp, *kernel;
  double *room, *numbers;
};

void freePlan(Plan *plan) {
  if (!plan)
    return;
  for (const void *memory :
       {static_cast<const void *>(plan->passes.roots),
        static_cast<const void *>(plan->row.down.roots),
        static_cast<const void *>(plan->row.across.roots),
        static_cast<const void *>(plan->row.turns), static_cast<const void *>(plan->row.coarse),
        static_cast<const void *>(plan->row.fine), static_cast<const void *>(plan->chirp),
        static_cast<const void *>(plan->kernel), static_cast<const void *>(plan->room),
        static_cast<const void *>(plan->numbers)})
    free(const_cast<void *>(memory));
  freePlan(plan->convolution);
  free(plan);
}

void makeRow(FourierRow &row, int64_t n, int64_t rows) {
  row.n = n;
  row.rows = rows;
  row.columns = n / rows;
  makePasses(row.down, rows);
  makePasses(row.across, row.columns);
  int64_t blocks = (row.columns + lanes - 1) / lanes;
  row.turnBlocks = n <= mostTurns ? blocks : 1;
  double *turns = allocated<double>(row.turnBlocks * rows * 2 * lanes);
  for (int64_t block = 0; block < row.turnBlocks; ++block)
    for (int64_t k = 0; k < rows; ++k)
      for (int64_t i = 0; i < lanes; ++i) {
        Complex w = rootOfUnity(k * (block * lanes + i) % n, n);
        double *turn = turns + (block * rows + k) * 2 * lanes;
        turn[i] = w.re;
        turn[lanes + i] = w.im;
      }
  row.turns = turns;
  row.shift = 0;
  while ((int64_t(1) << 2 * row.shift) < n)
    ++row.shift;
  int64_t step = int64_t(1) << row.shift, count = (n + step - 1) / step;
  Complex *coarse = allocated<Complex>(count), *fine = allocated<Complex>(step);
  for (int64_t k = 0; k < count; ++k)
    coarse[k] = rootOfUnity(k * step, n);
  for (int64_t k = 0; k < step; ++k)
    fine[k] = rootOfUnity(k % n, n);
  row.coarse = coarse;
  row.fine = fine;
}

void runRow(const Plan &plan, const double *from, double *into, bool isInverse);

Plan *makePlan(int64_t n) {
  Plan *plan = allocated<Plan>(1);
  memset(static_cast<void *>(plan), 0, sizeof(Plan));
  plan->n = n;
  if (largestFactor(n) > largestPrime) {
    int64_t length = smoothLength(2 * n - 1);
    plan->convolution = makePlan(length);
    plan->chirp = allocated<Complex>(n);
    plan->kernel = allocated<Complex>(length);
    plan->numbers = allocated<double>(2 * (length + n));
    for (int64_t i = 0; i < length; ++i)
      plan->kernel[i] = {0, 0};
    int64_t square = 0; // k^2 modulo 2n
    for (int64_t k = 0; k < n; ++k) {
      Complex w = rootOfUnity(square, 2 * n);
      plan->chirp[k] = w;
      Complex turnedBack = {w.re / static_cast<double>(length),
                            -w.im / static_cast<double>(length)};
      plan->kernel[k] = turnedBack;
      if (k > 0)
        plan->kernel[length - k] = turnedBack;
      square = (square + 2 * k + 1) % (2 * n);
    }
    double *kernel = reinterpret_cast<double *>(plan->kernel);
    runRow(*plan->convolution, kernel, kernel, false);
    plan->size = plan->convolution->size + 2 * 16 * (length + n);
    return plan;
  }
  int64_t rows = n >= leastMatrix ? bestRows(n) : 1, space = 0;
  plan->isMatrix = rows > 1 && n / rows > 1;
  if (plan->isMatrix) {
    makeRow(plan->row, n, rows);
    int64_t longest = n / rows, blocks = (longest + lanes - 1) / lanes;
    space = 2 * longest + (rows + lanes - 1) / lanes * lanes * blocks;
  }
  if (!plan->isMatrix || n <= mostSideBySide) {
    makePasses(plan->passes, n);
    space = space < 2 * n ? 2 * n : space;
  }
  plan->room = allocated<double>(2 * lanes * space);
  plan->numbers = allocated<double>(2 * lanes * n);
  plan->size = 16 * lanes * (space + n);
  return plan;
}

/// Plans that no thread uses now; the last one is the newest.
constexpr int keptPlans = 16;
constexpr int64_t largestKept = int64_t(1) << 28;
Plan *plans[keptPlans];
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

Plan *takePlan(int64_t n) {
  pthread_mutex_lock(&lock);
  Plan *found = nullptr;
  for (int i = keptPlans - 1; i >= 0 && !found; --i)
    if (plans[i] && plans[i]->n == n) {
      found = plans[i];
      plans[i] = nullptr;
    }
  pthread_mutex_unlock(&lock);
  return found ? found : makePlan(n);
}

void givePlan(Plan *plan) {
  if (plan->size > largestKept)
    return freePlan(plan);
  pthread_mutex_lock(&lock);
  int place = keptPlans - 1;
  while (place > 0 && plans[place])
    --place;
  Plan *oldest = plans[place];
  for (int i = place; i + 1 < keptPlans; ++i)
    plans[i] = plans[i + 1];
  plans[keptPlans - 1] = plan;
  pthread_mutex_unlock(&lock);
  freePlan(oldest);
}

/// A convolution with the chirp; the inverse is the transform of the conjugate, conjugated.
void runChirp(const Plan &plan, const double *from, double *into, bool isInverse) {
  Complex *work = reinterpret_cast<Complex *>(plan.numbers);
  int64_t n = plan.n, length = plan.convolution->n;
  double sign = isInverse ? -1 : 1;
  for (int64_t k = 0; k < n; ++k)
    work[k] = Complex{from[2 * k], sign * from[2 * k + 1]} * plan.chirp[k];
  for (int64_t k = n; k < length; ++k)
    work[k] = {0, 0};
  runRow(*plan.convolution, plan.numbers, plan.numbers, false);
  for (int64_t k = 0; k < length; ++k)
    work[k] = work[k] * plan.kernel[k];
  runRow(*plan.convolution, plan.numbers, plan.numbers, true);
  for (int64_t k = 0; k < n; ++k) {
    Complex y = work[k] * plan.chirp[k];
    into[2 * k] = y.re;
    into[2 * k + 1] = sign * y.im;
  }
}

/// Of one row, which may be transformed in place.
void runRow(const Plan &plan, const double *from, double *into, bool isInverse) {
  if (plan.convolution)
    runChirp(plan, from, into, isInverse);
  else if (plan.isMatrix)
    kernels.row(plan.row, from, into, isInverse, plan.room);
  else
    kernels.columns(plan.passes, from, into, 1, 1, isInverse, plan.room);
}

/// `rows` short rows: element k of eight of them side by side.
void runShortRows(const Plan &plan, const double *from, double *into, int64_t rows,
                  bool isInverse) {
  Complex *tile = reinterpret_cast<Complex *>(plan.numbers);
  int64_t n = plan.n;
  for (int64_t first = 0; first < rows; first += lanes) {
    int64_t count = rows - first < lanes ? rows - first : lanes;
    const Complex *x = reinterpret_cast<const Complex *>(from) + first * n;
    Complex *y = reinterpret_cast<Complex *>(into) + first * n;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < n; ++k)
        tile[k * lanes + i] = x[i * n + k];
    kernels.columns(plan.passes, plan.numbers, plan.numbers, lanes, count, isInverse, plan.room);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < n; ++k)
        y[i * n + k] = tile[k * lanes + i];
  }
}

/// Of the columns of a matrix (n, width), one by one.
void runLongColumns(const Plan &plan, const double *from, double *into, int64_t width,
                    bool isInverse) {
  Complex *column = allocated<Complex>(plan.n);
  const Complex *x = reinterpret_cast<const Complex *>(from);
  Complex *y = reinterpret_cast<Complex *>(into);
  for (int64_t i = 0; i < width; ++i) {
    for (int64_t k = 0; k < plan.n; ++k)
      column[k] = x[k * width + i];
    runRow(plan, reinterpret_cast<double *>(column), reinterpret_cast<double *>(column), isInverse);
    for (int64_t k = 0; k < plan.n; ++k)
      y[k * width + i] = column[k];
  }
  free(column);
}

void transform(const double *data, double *out, int64_t rows, int64_t n, int64_t width,
               bool isInverse) {
  if (rows == 0 || n == 0 || width == 0)
    return;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, chooseKernels);
  Plan *plan = takePlan(n);
  bool hasPasses = plan->passes.roots;
  int64_t size = 2 * n * width;
  if (width == 1 && hasPasses && !plan->isMatrix && rows > 1)
    runShortRows(*plan, data, out, rows, isInverse);
  else
    for (int64_t i = 0; i < rows; ++i, data += size, out += size) {
      if (width == 1)
        runRow(*plan, data, out, isInverse);
      else if (!hasPasses)
        runLongColumns(*plan, data, out, width, isInverse);
      else
        for (int64_t k = 0; k < width; k += lanes)
          kernels.columns(plan->passes, data + 2 * k, out + 2 * k, width, width - k, isInverse,
                          plan->room);
    }
  givePlan(plan);
}

} // namespace

} // namespace mpy

using namespace mpy;

void mpy_fourier_f64(const double *data, double *out, int64_t rows, int64_t length, int64_t width,
                     int64_t isInverse) {
  transform(data, out, rows, length, width, isInverse);
}

/// By way of doubles, as NumPy's of float32 to the last digit or better.
void mpy_fourier_f32(const float *data, float *out, int64_t rows, int64_t length, int64_t width,
                     int64_t isInverse) {
  int64_t count = 2 * rows * length * width;
  double *numbers = allocated<double>(count);
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = static_cast<double>(data[i]);
  transform(numbers, numbers, rows, length, width, isInverse);
  for (int64_t i = 0; i < count; ++i)
    out[i] = static_cast<float>(numbers[i]);
  free(numbers);
}
