// Arrays of the caller: any strides -> row-major memory that compiled code reads. What is in that
// order already is read where it lies, under an owner whose count never says that it may be
// written; all else is copied.
#include "Elements.h"
#include "Entry.h"

#include <cstdio>
#include <cstring>

namespace mpy {

static constexpr mpy_dtype dtypes[] = {
    {MPY_CODE_BOOL, 8, 1},   {MPY_CODE_INT, 32, 1},  {MPY_CODE_INT, 64, 1}, {MPY_CODE_FLOAT, 32, 1},
    {MPY_CODE_FLOAT, 64, 1}, {MPY_CODE_INT, 8, 1},   {MPY_CODE_INT, 16, 1}, {MPY_CODE_UINT, 8, 1},
    {MPY_CODE_UINT, 16, 1},  {MPY_CODE_UINT, 32, 1}, {MPY_CODE_UINT, 64, 1}};

int64_t elementBytesOf(int32_t dtype) { return elementTypes[dtype].bytes; }
mpy_dtype dtypeOf(int32_t dtype) { return dtypes[dtype]; }

namespace {
/// A type in a message: float64[n, 3].
class TypeText {
public:
  TypeText(const mpy_export *function, const mpy_leaf &leaf) {
    append("%s[", elementTypes[leaf.dtype].name);
    for (int dim = 0; dim < leaf.rank; ++dim) {
      const char *separator = dim ? ", " : "";
      if (leaf.extents[dim] >= 0)
        append("%s%lld", separator, static_cast<long long>(leaf.extents[dim]));
      else if (leaf.extents[dim] == INT64_MIN)
        append("%s?", separator);
      else
        append("%s%s", separator, function->extents[-1 - leaf.extents[dim]]);
    }
    append("%s", "]");
  }
  const char *text() const { return bytes; }

private:
  template <typename... Parts> void append(const char *format, Parts... parts) {
    length +=
        snprintf(bytes + length, sizeof bytes - static_cast<size_t>(length), format, parts...);
    length = length < static_cast<int>(sizeof bytes) ? length : static_cast<int>(sizeof bytes) - 1;
  }
  char bytes[256];
  int length = 0;
};
} // namespace

/// The type and the form of an array, for parameters and for what takes a result.
static void checkForm(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array) {
  if (!array)
    refuse(function, "TypeError", "%s is null, where its type is %s", leaf.name,
           TypeText(function, leaf).text());
  if (array->device.type != MPY_DEVICE_CPU)
    refuse(function, "TypeError", "%s is on device type %d; only the CPU's memory (1) can be used",
           leaf.name, array->device.type);
  if (array->ndim != leaf.rank)
    refuse(function, "TypeError", "%s has rank %d, where its type is %s", leaf.name, array->ndim,
           TypeText(function, leaf).text());
  mpy_dtype wanted = dtypes[leaf.dtype], dtype = array->dtype;
  if (dtype.lanes != 1)
    refuse(function, "TypeError", "%s has elements of %d lanes, where its type is %s (1 lane)",
           leaf.name, dtype.lanes, TypeText(function, leaf).text());
  if (dtype.code != wanted.code || dtype.bits != wanted.bits)
    refuse(function, "TypeError",
           "%s has elements of code %d with %d bits, where its type is %s (code %d, %d bits)",
           leaf.name, dtype.code, dtype.bits, TypeText(function, leaf).text(), wanted.code,
           wanted.bits);
  if (leaf.rank > 0 && !array->shape)
    refuse(function, "ValueError", "%s has no shape (a null pointer)", leaf.name);
  for (int dim = 0; dim < leaf.rank; ++dim)
    if (array->shape[dim] < 0)
      refuse(function, "ValueError", "%s has the negative extent %lld at axis %d", leaf.name,
             static_cast<long long>(array->shape[dim]), dim);
}

static int64_t strideOf(const mpy_array *array, int dim) {
  if (array->strides)
    return array->strides[dim];
  int64_t stride = 1;
  for (int inner = array->ndim - 1; inner > dim; --inner)
    stride *= array->shape[inner];
  return stride;
}

static bool isEmpty(const mpy_array *array) {
  for (int dim = 0; dim < array->ndim; ++dim)
    if (array->shape[dim] == 0)
      return true;
  return false;
}

static bool isRowMajor(const mpy_array *array) {
  if (!array->strides)
    return true;
  int64_t stride = 1;
  for (int dim = array->ndim - 1; dim >= 0; --dim) {
    if (array->shape[dim] != 1 && array->strides[dim] != stride)
      return false;
    stride *= array->shape[dim];
  }
  return true;
}

static char *firstElement(const mpy_array *array) {
  return static_cast<char *>(array->data) + array->byte_offset;
}

/// Calls `visit(inner, count, innerStride)` for each row of the last axis, in row-major order.
template <typename Visit>
static void forEachRow(const mpy_array *array, int64_t elementBytes, Visit visit) {
  if (isEmpty(array))
    return;
  int outer = array->ndim - 1;
  int64_t at[MPY_MAX_RANK] = {};
  char *row = firstElement(array);
  if (outer < 0) {
    visit(row, 1, 0);
    return;
  }
  int64_t count = array->shape[outer], stride = strideOf(array, outer) * elementBytes;
  while (true) {
    visit(row, count, stride);
    int dim = outer - 1;
    for (; dim >= 0; --dim) {
      int64_t step = strideOf(array, dim) * elementBytes;
      row += step;
      if (++at[dim] < array->shape[dim])
        break;
      row -= step * array->shape[dim];
      at[dim] = 0;
    }
    if (dim < 0)
      return;
  }
}

static void copyElements(char *to, int64_t toStride, const char *from, int64_t fromStride,
                         int64_t count, int64_t bytes) {
  if (toStride == bytes && fromStride == bytes) {
    memcpy(to, from, static_cast<size_t>(count * bytes));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    if (bytes == 8)
      memcpy(to + i * toStride, from + i * fromStride, 8);
    else if (bytes == 4)
      memcpy(to + i * toStride, from + i * fromStride, 4);
    else if (bytes == 2)
      memcpy(to + i * toStride, from + i * fromStride, 2);
    else
      to[i * toStride] = from[i * fromStride];
}

static void copyIn(const mpy_leaf &leaf, const mpy_array *array, char *to) {
  int64_t bytes = elementTypes[leaf.dtype].bytes;
  forEachRow(array, bytes, [&](const char *row, int64_t count, int64_t stride) {
    if (leaf.dtype == MPY_BOOL)
      for (int64_t i = 0; i < count; ++i)
        to[i] = row[i * stride] != 0;
    else
      copyElements(to, bytes, row, stride, count, bytes);
    to += count * bytes;
  });
}

void measureArray(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array,
                  mpy_slot &slot) {
  checkForm(function, leaf, array);
  for (int dim = 0; dim < leaf.rank; ++dim)
    slot.array.sizes[dim] = array->shape[dim];
}

void borrowArray(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array,
                 mpy_slot &slot) {
  measureArray(function, leaf, array, slot);
  bool empty = isEmpty(array);
  if (!array->data && !empty)
    refuse(function, "ValueError", "%s has elements, but no data (a null pointer)", leaf.name);
  int64_t bytes = elementTypes[leaf.dtype].bytes;
  bool isAligned = reinterpret_cast<uintptr_t>(firstElement(array)) % bytes == 0;
  // A truth value of compiled code is 0 or 1.
  if (!empty && isAligned && leaf.dtype != MPY_BOOL && isRowMajor(array)) {
    slot.array.owner = context().library->borrowed + 1;
    slot.array.data = firstElement(array);
    return;
  }
  slot.array.owner = slot.array.data = mpy_alloc_array(function->module->file, function->line,
                                                       leaf.dtype, leaf.rank, slot.array.sizes);
  copyIn(leaf, array, static_cast<char *>(slot.array.data));
}

void checkOutput(const mpy_export *function, const mpy_leaf &leaf, const mpy_array *array) {
  checkForm(function, leaf, array);
  // Sorted by stride, each axis must step over all of those inside it.
  int64_t extents[MPY_MAX_RANK], strides[MPY_MAX_RANK];
  int count = 0;
  for (int dim = 0; dim < leaf.rank; ++dim) {
    int64_t stride = strideOf(array, dim), extent = array->shape[dim];
    if (extent == 0)
      return;
    if (extent == 1)
      continue;
    stride = stride < 0 ? -stride : stride;
    int at = count++;
    for (; at > 0 && strides[at - 1] > stride; --at) {
      strides[at] = strides[at - 1];
      extents[at] = extents[at - 1];
    }
    strides[at] = stride;
    extents[at] = extent;
  }
  int64_t reach = 0;
  for (int i = 0; i < count; ++i) {
    if (strides[i] <= reach)
      refuse(function, "ValueError",
             "elements of %s share memory: a result cannot be written there", leaf.name);
    reach += strides[i] * (extents[i] - 1);
  }
}

/// The bytes between the first and behind the last that the array reaches.
static void bounds(const mpy_array *array, uintptr_t &low, uintptr_t &high) {
  int64_t bytes = array->dtype.bits / 8;
  low = reinterpret_cast<uintptr_t>(firstElement(array));
  high = low + static_cast<uintptr_t>(bytes);
  for (int dim = 0; dim < array->ndim; ++dim) {
    int64_t reach = (array->shape[dim] - 1) * strideOf(array, dim) * bytes;
    (reach < 0 ? low : high) += static_cast<uintptr_t>(reach);
  }
}

bool overlap(const mpy_array *a, const mpy_array *b) {
  if (isEmpty(a) || isEmpty(b))
    return false;
  uintptr_t lowA, highA, lowB, highB;
  bounds(a, lowA, highA);
  bounds(b, lowB, highB);
  return lowA < highB && lowB < highA;
}

void copyOut(const mpy_leaf &leaf, const mpy_slot &slot, const mpy_array *array) {
  int64_t bytes = elementTypes[leaf.dtype].bytes;
  const char *from = static_cast<const char *>(slot.array.data);
  forEachRow(array, bytes, [&](char *row, int64_t count, int64_t stride) {
    copyElements(row, stride, from, bytes, count, bytes);
    from += count * bytes;
  });
}

} // namespace mpy
