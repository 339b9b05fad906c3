// Whole arrays in, whole arrays out: contiguous copies of strided views, sorted copies, and the
// positions where a mask holds.
#include "Context.h"
#include "Elements.h"

#include <cstring>

namespace mpy {

static int64_t countOf(const mpy_view &array) {
  int64_t count = 1;
  for (int32_t i = 0; i < array.rank; ++i)
    count *= array.sizes[i];
  return count;
}

// Copies from the axis on; returns where the next element goes.
static char *copyAxis(const mpy_view &array, const int64_t *strides, int32_t axis, const char *from,
                      char *into) {
  int64_t bytes = elementTypes[array.dtype].bytes;
  if (axis == array.rank) {
    memcpy(into, from, bytes);
    return into + bytes;
  }
  if (axis == array.rank - 1 && strides[axis] == 1) {
    memcpy(into, from, array.sizes[axis] * bytes);
    return into + array.sizes[axis] * bytes;
  }
  for (int64_t i = 0; i < array.sizes[axis]; ++i)
    into = copyAxis(array, strides, axis + 1, from + i * strides[axis] * bytes, into);
  return into;
}

static void *copyOf(const mpy_view &array) {
  int64_t strides[64], dense = 1;
  for (int32_t i = array.rank - 1; i >= 0; --i) {
    strides[i] = array.strides ? array.strides[i] : dense;
    dense *= array.sizes[i];
  }
  char *copy = static_cast<char *>(mpy_alloc(dense * elementTypes[array.dtype].bytes));
  if (dense > 0)
    copyAxis(array, strides, 0, static_cast<const char *>(array.data), copy);
  return copy;
}

static void giveSizes(const mpy_view &array, int64_t *sizes) {
  for (int32_t i = 0; i < array.rank; ++i)
    sizes[i] = array.sizes[i];
}

// The number of rows along the last axis, and their length.
static int64_t rowsOf(const mpy_view &array, int64_t &length) {
  length = array.rank > 0 ? array.sizes[array.rank - 1] : 1;
  return length > 0 ? countOf(array) / length : 0;
}

static bool isTrue(int32_t dtype, const char *element) {
  return isFloatElement(dtype) ? floatAt(element, dtype, 0) != 0
                               : integerAt(element, dtype, 0) != 0;
}

} // namespace mpy

using namespace mpy;

void mpy_array_copy(const mpy_view *array, void **data, int64_t *sizes) {
  *data = copyOf(*array);
  giveSizes(*array, sizes);
}

void mpy_sort(const mpy_view *array, void **data, int64_t *sizes) {
  mpy_array_copy(array, data, sizes);
  int64_t length, rows = rowsOf(*array, length);
  mpy_sort_rows(array->dtype, *data, rows, length);
}

void mpy_argsort(const mpy_view *array, void **data, int64_t *sizes) {
  void *copy = copyOf(*array);
  int64_t length, rows = rowsOf(*array, length);
  *data = mpy_alloc(countOf(*array) * 8);
  giveSizes(*array, sizes);
  mpy_argsort_rows(array->dtype, copy, rows, length, static_cast<int64_t *>(*data));
  mpy_release(copy);
}

void mpy_nonzero(const mpy_view *mask, void **data, int64_t *sizes) {
  int64_t bytes = elementTypes[mask->dtype].bytes, size = countOf(*mask), count = 0;
  bool flat = mask->rank == 1 || !mask->strides;
  void *copy = flat ? nullptr : copyOf(*mask);
  const char *elements = static_cast<const char *>(copy ? copy : mask->data);
  int64_t step = flat && mask->strides ? mask->strides[0] * bytes : bytes;
  for (int64_t i = 0; i < size; ++i)
    count += isTrue(mask->dtype, elements + i * step);
  int64_t *positions = static_cast<int64_t *>(mpy_alloc(count * 8));
  // Without a branch, which no processor could predict: a place is written until it is taken.
  for (int64_t i = 0, next = 0; next < count; ++i) {
    positions[next] = i;
    next += isTrue(mask->dtype, elements + i * step);
  }
  mpy_release(copy);
  *data = positions;
  sizes[0] = count;
}
