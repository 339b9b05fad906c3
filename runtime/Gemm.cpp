// The matrix product: products with a vector and small ones run in kernels of this library, large
// ones in OpenBLAS, which is opened when the first of them comes; without it the own kernels take
// all. Zeros are never skipped, so NaN and infinity spread as in NumPy.
#include "GemmKernels.h"

#include "Context.h"
#include "VectorLevel.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>

namespace mpy {

namespace {

template <typename T>
using BlasGemm = void (*)(int, int, int, int, int, int, T, const T *, int, const T *, int, T, T *,
                          int);

/// The kernels of this processor and the function of OpenBLAS for one type; filled on first use.
template <typename T> struct GemmState {
  GemmKernels<T> kernels;
  BlasGemm<T> blas;
};

template <typename T> GemmState<T> state;
pthread_once_t blasOpened = PTHREAD_ONCE_INIT;
void *blasLibrary = nullptr;

} // namespace

template <typename T> static void chooseKernels() {
  GemmKernels<T> &kernels = state<T>.kernels;
  kernels = gemmKernelsBaseline<T>();
#ifdef __x86_64__
  int level = vectorLevel();
  if (level == 512)
    kernels = gemmKernelsAvx512<T>();
  else if (level == 2)
    kernels = gemmKernelsAvx2<T>();
#endif
}

template <typename T> static const GemmState<T> &stateOf() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, chooseKernels<T>);
  return state<T>;
}

static int wantedThreads() {
  const char *text = getenv("MPY_NUM_THREADS");
  if (!text || !*text)
    text = getenv("OMP_NUM_THREADS");
  int count = text ? atoi(text) : 1;
  return count < 1 ? 1 : count;
}

static void openBlas() {
  const char *choice = getenv("MPY_BLAS");
  if (choice && strcmp(choice, "none") == 0)
    return;
  int threads = wantedThreads();
  char text[16];
  snprintf(text, sizeof text, "%d", threads);
  // Read while the library loads: without it a thread per core would start. The environment of
  // another program stays as it is.
  if (!context().library)
    setenv("OPENBLAS_NUM_THREADS", text, 1);
  void *library = dlopen(choice && *choice ? choice : "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return;
  blasLibrary = library;
  auto setThreads = reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"));
  if (context().library && setThreads)
    setThreads(threads);
}

void *blasSymbol(const char *name) {
  pthread_once(&blasOpened, openBlas);
  return blasLibrary ? dlsym(blasLibrary, name) : nullptr;
}

/// OpenBLAS's product; null without OpenBLAS.
template <typename T> static BlasGemm<T> findBlas() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, [] {
    state<T>.blas =
        reinterpret_cast<BlasGemm<T>>(blasSymbol(sizeof(T) == 8 ? "cblas_dgemm" : "cblas_sgemm"));
  });
  return state<T>.blas;
}

template <typename T>
static void finishRow(int64_t count, const T *sums, T alpha, T beta, T *c, int64_t stride) {
  if (beta == T(0))
    for (int64_t i = 0; i < count; ++i)
      c[i * stride] = alpha * sums[i];
  else
    for (int64_t i = 0; i < count; ++i)
      c[i * stride] = alpha * sums[i] + beta * c[i * stride];
}

// A stack buffer for the small, one of the runtime for the large.
template <typename T> class Scratch {
public:
  explicit Scratch(int64_t count)
      : heap(count > inlineCount ? mpy_alloc(count * static_cast<int64_t>(sizeof(T))) : nullptr) {}
  ~Scratch() { mpy_release(heap); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  T *data() { return heap ? static_cast<T *>(heap) : buffer; }

private:
  static constexpr int64_t inlineCount = 16384 / sizeof(T);
  void *heap;
  alignas(64) T buffer[inlineCount];
};

// y = x * matrix, where the matrix is k x n with these strides.
template <typename T>
static void multiplyVector(const GemmKernels<T> &kernels, int64_t k, int64_t n, const T *x,
                           int64_t strideX, const T *matrix, int64_t innerStride,
                           int64_t columnStride, T alpha, T beta, T *c, int64_t strideC) {
  Scratch<T> scratch(n + k);
  T *y = scratch.data();
  if (strideX != 1) {
    T *copy = y + n;
    for (int64_t p = 0; p < k; ++p)
      copy[p] = x[p * strideX];
    x = copy;
  }
  // A dot product where the matrix allows both.
  if (columnStride == 1 && !(n == 1 && innerStride == 1)) {
    memset(y, 0, n * sizeof(T));
    kernels.combineRows(k, n, x, matrix, innerStride, y);
  } else {
    kernels.dotRows(k, n, x, matrix, columnStride, y);
  }
  finishRow(n, y, alpha, beta, c, strideC);
}

template <typename T>
static void multiplyOwn(const GemmKernels<T> &kernels, const GemmProblem<T> &g) {
  if (g.n == 1)
    return multiplyVector(kernels, g.k, g.m, g.b, g.innerStrideB, g.a, g.innerStrideA, g.rowStrideA,
                          g.alpha, g.beta, g.c, g.ldc);
  if (g.m == 1)
    return multiplyVector(kernels, g.k, g.n, g.a, g.innerStrideA, g.b, g.innerStrideB,
                          g.columnStrideB, g.alpha, g.beta, g.c, int64_t(1));
  if (g.m * g.n * g.k <= 512 && g.columnStrideB == 1) {
    // Packing would cost more than the product.
    for (int64_t i = 0; i < g.m; ++i)
      multiplyVector(kernels, g.k, g.n, g.a + i * g.rowStrideA, g.innerStrideA, g.b, g.innerStrideB,
                     g.columnStrideB, g.alpha, g.beta, g.c + i * g.ldc, int64_t(1));
    return;
  }
  auto panel = [](int64_t extent, int64_t block, int64_t most) {
    int64_t rounded = (extent + block - 1) / block * block;
    return rounded < most * block ? rounded : most * block;
  };
  int64_t depth = g.k < gemmInnerStep ? g.k : gemmInnerStep;
  int64_t sizeA = panel(g.m, kernels.rows, gemmRowBlocks) * depth;
  int64_t sizeB = panel(g.n, kernels.columns, gemmColumnBlocks) * depth;
  sizeA = (sizeA + 15) & ~int64_t(15);
  Scratch<T> scratch(sizeA + sizeB);
  kernels.multiply(g, scratch.data(), scratch.data() + sizeA);
}

template <typename T> static void scale(const GemmProblem<T> &g) {
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j)
      g.c[i * g.ldc + j] = g.beta == T(0) ? T(0) : g.beta * g.c[i * g.ldc + j];
}

template <typename T>
static void multiply(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, T alpha,
                     const T *a, int64_t lda, const T *b, int64_t ldb, T beta, T *c, int64_t ldc) {
  if (m <= 0 || n <= 0)
    return;
  GemmProblem<T> g = {m,
                      n,
                      k,
                      alpha,
                      a,
                      transA ? 1 : lda,
                      transA ? lda : 1,
                      b,
                      transB ? 1 : ldb,
                      transB ? ldb : 1,
                      beta,
                      c,
                      ldc};
  if (k <= 0)
    return scale(g);
  constexpr double blasWork = 160.0 * 160.0 * 160.0;
  constexpr int64_t most = INT32_MAX;
  bool large = m > 1 && n > 1 &&
               static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) > blasWork;
  if (large && m < most && n < most && k < most && lda < most && ldb < most && ldc < most) {
    if (BlasGemm<T> blas = findBlas<T>()) {
      // CblasRowMajor, CblasNoTrans or CblasTrans
      blas(101, transA ? 112 : 111, transB ? 112 : 111, static_cast<int>(m), static_cast<int>(n),
           static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta, c,
           static_cast<int>(ldc));
      return;
    }
  }
  multiplyOwn(stateOf<T>().kernels, g);
}

} // namespace mpy

using namespace mpy;

void mpy_gemm_f64(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, double alpha,
                  const double *a, int64_t lda, const double *b, int64_t ldb, double beta,
                  double *c, int64_t ldc) {
  multiply(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void mpy_gemm_f32(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k, float alpha,
                  const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                  int64_t ldc) {
  multiply(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// Products of stacks: where C stays in its place, the products are added up.
template <typename T, typename Multiply>
static void multiplyStack(int64_t m, int64_t n, T beta, const T *a, const T *b, T *c, int64_t ldc,
                          int64_t count, int64_t stepA, int64_t stepB, int64_t stepC,
                          Multiply multiply) {
  for (int64_t i = 0; i < count; ++i)
    multiply(a + i * stepA, b + i * stepB, i > 0 && stepC == 0 ? T(1) : beta, c + i * stepC);
  if (count == 0 && stepC == 0)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j)
        c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
}

void mpy_gemm_stack_f64(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k,
                        double alpha, const double *a, int64_t lda, const double *b, int64_t ldb,
                        double beta, double *c, int64_t ldc, int64_t count, int64_t stepA,
                        int64_t stepB, int64_t stepC) {
  multiplyStack(m, n, beta, a, b, c, ldc, count, stepA, stepB, stepC,
                [&](const double *a, const double *b, double beta, double *c) {
                  mpy_gemm_f64(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
                });
}

void mpy_gemm_stack_f32(int64_t transA, int64_t transB, int64_t m, int64_t n, int64_t k,
                        float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                        float beta, float *c, int64_t ldc, int64_t count, int64_t stepA,
                        int64_t stepB, int64_t stepC) {
  multiplyStack(m, n, beta, a, b, c, ldc, count, stepA, stepB, stepC,
                [&](const float *a, const float *b, float beta, float *c) {
                  mpy_gemm_f32(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
                });
}
