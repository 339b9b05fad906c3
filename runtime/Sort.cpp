// Rows of numbers into order: in place by value, or as the indices that would sort them. NaN comes
// last, ties stay in the order they had.
#include "Context.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mpy {

template <typename T> static bool isNan(T value) { return value != value; }

template <typename T> static void sortRow(T *row, int64_t length) {
  T *end = row + length;
  // With the NaNs behind the numbers the plain order is a strict one.
  if constexpr (std::is_floating_point_v<T>) {
    T *write = row;
    for (T *read = row; read != end; ++read)
      if (!isNan(*read))
        std::swap(*write++, *read);
    end = write;
  }
  std::sort(row, end);
}

template <typename T> static bool comesBefore(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return a < b || (isNan(b) && !isNan(a));
  return a < b;
}

// Insertion sort on short runs, then merges between the two index arrays.
template <typename T>
static void argsortRow(const T *row, int64_t length, int64_t *indices, int64_t *spare) {
  constexpr int64_t run = 16;
  for (int64_t start = 0; start < length; start += run) {
    int64_t end = std::min(start + run, length);
    for (int64_t i = start; i < end; ++i) {
      int64_t at = i;
      for (; at > start && comesBefore(row[i], row[indices[at - 1]]); --at)
        indices[at] = indices[at - 1];
      indices[at] = i;
    }
  }
  int64_t *from = indices, *into = spare;
  for (int64_t width = run; width < length; width *= 2) {
    for (int64_t start = 0; start < length; start += 2 * width) {
      int64_t middle = std::min(start + width, length), end = std::min(start + 2 * width, length);
      int64_t left = start, right = middle;
      for (int64_t i = start; i < end; ++i) {
        bool takeRight =
            left == middle || (right < end && comesBefore(row[from[right]], row[from[left]]));
        into[i] = takeRight ? from[right++] : from[left++];
      }
    }
    std::swap(from, into);
  }
  if (from != indices)
    memcpy(indices, from, length * sizeof(int64_t));
}

template <typename T> static void sortRows(void *data, int64_t rows, int64_t length) {
  for (int64_t i = 0; i < rows; ++i)
    sortRow(static_cast<T *>(data) + i * length, length);
}

template <typename T>
static void argsortRows(const void *data, int64_t rows, int64_t length, int64_t *indices) {
  int64_t *spare = static_cast<int64_t *>(allocateRaw(length * sizeof(int64_t)));
  for (int64_t i = 0; i < rows; ++i)
    argsortRow(static_cast<const T *>(data) + i * length, length, indices + i * length, spare);
  freeRaw(spare);
}

} // namespace mpy

using namespace mpy;

void mpy_sort_rows(int64_t dtype, void *data, int64_t rows, int64_t length) {
  switch (dtype) {
  case MPY_BOOL:
    return sortRows<int8_t>(data, rows, length);
  case MPY_INT8:
    return sortRows<int8_t>(data, rows, length);
  case MPY_INT16:
    return sortRows<int16_t>(data, rows, length);
  case MPY_INT32:
    return sortRows<int32_t>(data, rows, length);
  case MPY_INT64:
    return sortRows<int64_t>(data, rows, length);
  case MPY_FLOAT32:
    return sortRows<float>(data, rows, length);
  default:
    return sortRows<double>(data, rows, length);
  }
}

void mpy_argsort_rows(int64_t dtype, const void *data, int64_t rows, int64_t length,
                      int64_t *indices) {
  switch (dtype) {
  case MPY_BOOL:
    return argsortRows<int8_t>(data, rows, length, indices);
  case MPY_INT8:
    return argsortRows<int8_t>(data, rows, length, indices);
  case MPY_INT16:
    return argsortRows<int16_t>(data, rows, length, indices);
  case MPY_INT32:
    return argsortRows<int32_t>(data, rows, length, indices);
  case MPY_INT64:
    return argsortRows<int64_t>(data, rows, length, indices);
  case MPY_FLOAT32:
    return argsortRows<float>(data, rows, length, indices);
  default:
    return argsortRows<double>(data, rows, length, indices);
  }
}
