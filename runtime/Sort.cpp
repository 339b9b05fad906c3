// Rows of numbers into order: in place by value, or as the indices that would sort them. NaN comes
// last, ties stay in the order they had. Long rows are dealt out by their digits (least significant
// first), short ones are compared.
#include "Context.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

namespace mpy {

template <typename T> static bool isNan(T value) { return value != value; }

//===----------------------------------------------------------------------===//
// Digits
//===----------------------------------------------------------------------===//

static constexpr int digitBits = 11, digitValues = 1 << digitBits;
/// Shorter rows are sorted before the counters of the digits are.
static constexpr int64_t manyElements = 2000;

template <typename T>
using Key = std::conditional_t<sizeof(T) == 8, uint64_t,
                               std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;

/// An unsigned number that has the order of the value.
template <typename T> static Key<T> keyOf(T value) {
  constexpr Key<T> sign = Key<T>(1) << (8 * sizeof(Key<T>) - 1);
  Key<T> bits;
  if constexpr (sizeof(T) < sizeof(Key<T>))
    bits = Key<T>(value);
  else
    memcpy(&bits, &value, sizeof bits);
  if constexpr (std::is_floating_point_v<T>)
    return bits & sign ? ~bits : bits ^ sign;
  else
    return bits ^ sign;
}

template <typename T> static T valueOf(Key<T> key) {
  constexpr Key<T> sign = Key<T>(1) << (8 * sizeof(Key<T>) - 1);
  if constexpr (std::is_floating_point_v<T>)
    key = key & sign ? key ^ sign : ~key;
  else
    key ^= sign;
  if constexpr (sizeof(T) < sizeof(Key<T>))
    return T(key);
  T value;
  memcpy(&value, &key, sizeof value);
  return value;
}

/// Sorts items by their keys, in order of equal ones, into one of the two arrays; returns which.
template <typename Item, typename KeyOfItem>
static Item *dealByDigits(Item *items, Item *spare, int64_t count, KeyOfItem keyOfItem) {
  using KeyType = decltype(keyOfItem(*items));
  constexpr int digits = (8 * sizeof(KeyType) + digitBits - 1) / digitBits;
  constexpr KeyType mask = KeyType(digitValues - 1);
  auto *counts = static_cast<int64_t *>(allocateRaw(digits * digitValues * sizeof(int64_t)));
  memset(counts, 0, digits * digitValues * sizeof(int64_t));
  for (int64_t i = 0; i < count; ++i) {
    KeyType key = keyOfItem(items[i]);
    for (int digit = 0; digit < digits; ++digit)
      ++counts[digit * digitValues + ((key >> (digit * digitBits)) & mask)];
  }
  for (int digit = 0; digit < digits; ++digit) {
    int64_t *places = counts + digit * digitValues, place = 0;
    // Nothing moves where all have the same digit.
    if (places[(keyOfItem(items[0]) >> (digit * digitBits)) & mask] == count)
      continue;
    for (int64_t value = 0; value < digitValues; ++value)
      place += std::exchange(places[value], place);
    for (int64_t i = 0; i < count; ++i)
      spare[places[(keyOfItem(items[i]) >> (digit * digitBits)) & mask]++] = items[i];
    std::swap(items, spare);
  }
  freeRaw(counts);
  return items;
}

template <typename T> static void sortLongRow(T *row, int64_t length) {
  auto *keys = static_cast<Key<T> *>(allocateRaw(2 * length * sizeof(Key<T>)));
  for (int64_t i = 0; i < length; ++i)
    keys[i] = keyOf(row[i]);
  Key<T> *sorted = dealByDigits(keys, keys + length, length, [](Key<T> key) { return key; });
  for (int64_t i = 0; i < length; ++i)
    row[i] = valueOf<T>(sorted[i]);
  freeRaw(keys);
}

template <typename T> static void argsortLongRow(const T *row, int64_t length, int64_t *indices) {
  struct Item {
    Key<T> key;
    int64_t index;
  };
  auto *items = static_cast<Item *>(allocateRaw(2 * length * sizeof(Item)));
  for (int64_t i = 0; i < length; ++i) {
    // Zeros of both signs are equal, NaNs of all kinds are, and come last.
    Key<T> key = isNan(row[i]) ? ~Key<T>(0) : keyOf(T(row[i] == 0 ? T(0) : row[i]));
    items[i] = {key, i};
  }
  Item *sorted =
      dealByDigits(items, items + length, length, [](const Item &item) { return item.key; });
  for (int64_t i = 0; i < length; ++i)
    indices[i] = sorted[i].index;
  freeRaw(items);
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

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
  if (end - row >= manyElements)
    return sortLongRow(row, end - row);
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
    if (length >= manyElements)
      argsortLongRow(static_cast<const T *>(data) + i * length, length, indices + i * length);
    else
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
