// The matrices of an array, and LAPACK, for code that takes them apart.
#ifndef MPY_RUNTIME_MATRICES_H
#define MPY_RUNTIME_MATRICES_H

#include "Context.h"
#include "GemmKernels.h"

#include <cstring>

namespace mpy {

/// LAPACK's and CBLAS's functions by their names; null where there is no library.
template <typename Function> Function *lapack(const char *name) {
  return reinterpret_cast<Function *>(blasSymbol(name));
}

constexpr int64_t failed = 1;
/// Up to here elimination is faster than a call of LAPACK with its copies.
constexpr int64_t ownMost = 32;

/// Memory of the runtime for the length of a call.
template <typename T> class Room {
public:
  explicit Room(int64_t count) : data(static_cast<T *>(allocateRaw((count + 1) * sizeof(T)))) {}
  ~Room() { freeRaw(data); }
  Room(const Room &) = delete;
  Room &operator=(const Room &) = delete;
  operator T *() { return data; }

private:
  T *data;
};

/// The matrices of an array, one behind the other in memory.
class Stack {
public:
  explicit Stack(const mpy_view *array) : view(*array) {
    int64_t sizes[64];
    mpy_array_copy(array, &copy, sizes);
    rows = view.sizes[view.rank - 2];
    columns = view.sizes[view.rank - 1];
    for (int32_t i = 0; i < view.rank - 2; ++i)
      count *= view.sizes[i];
  }
  ~Stack() { mpy_release(copy); }
  Stack(const Stack &) = delete;
  Stack &operator=(const Stack &) = delete;
  double *matrix(int64_t k) { return static_cast<double *>(copy) + k * rows * columns; }
  /// Gives the copy away, as an array of this shape.
  void give(void **data, int64_t *sizes) {
    *data = copy;
    copy = nullptr;
    memcpy(sizes, view.sizes, view.rank * sizeof(int64_t));
  }
  /// A new array with the same leading extents, and these behind.
  template <typename T>
  T *make(void **data, int64_t *sizes, int64_t first, int64_t second = -1) const {
    int64_t elements = count;
    int32_t rank = view.rank - 2;
    memcpy(sizes, view.sizes, rank * sizeof(int64_t));
    elements *= sizes[rank] = first;
    if (second >= 0)
      elements *= sizes[rank + 1] = second;
    *data = mpy_alloc(elements * static_cast<int64_t>(sizeof(T)));
    if (elements > 0)
      memset(*data, 0, elements * sizeof(T));
    return static_cast<T *>(*data);
  }

  int64_t count = 1, rows, columns;

private:
  const mpy_view &view;
  void *copy;
};

} // namespace mpy

#endif
