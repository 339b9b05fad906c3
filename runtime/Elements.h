// What the element types are: names, sizes, NumPy's descriptors, and how their numbers are read.
#pragma once

#include "mpyrt.h"

#include <cstdint>

namespace mpy {

struct ElementType {
  const char *name;
  const char *descriptor; // in NumPy's files
  int64_t bytes;
};

/// By `mpy_element`.
constexpr ElementType elementTypes[] = {
    {"bool", "|b1", 1},    {"int32", "<i4", 4},  {"int64", "<i8", 8}, {"float32", "<f4", 4},
    {"float64", "<f8", 8}, {"int8", "|i1", 1},   {"int16", "<i2", 2}, {"uint8", "|u1", 1},
    {"uint16", "<u2", 2},  {"uint32", "<u4", 4}, {"uint64", "<u8", 8}};
constexpr int64_t elementTypeCount = sizeof elementTypes / sizeof elementTypes[0];

inline bool isFloatElement(int64_t dtype) { return dtype == MPY_FLOAT32 || dtype == MPY_FLOAT64; }

/// An element of an array of integers or truth values; those of uint64 as their bits.
inline int64_t integerAt(const void *data, int64_t dtype, int64_t index) {
  switch (dtype) {
  case MPY_BOOL:
    return static_cast<const int8_t *>(data)[index] != 0;
  case MPY_INT8:
    return static_cast<const int8_t *>(data)[index];
  case MPY_UINT8:
    return static_cast<const uint8_t *>(data)[index];
  case MPY_INT16:
    return static_cast<const int16_t *>(data)[index];
  case MPY_UINT16:
    return static_cast<const uint16_t *>(data)[index];
  case MPY_INT32:
    return static_cast<const int32_t *>(data)[index];
  case MPY_UINT32:
    return static_cast<const uint32_t *>(data)[index];
  default:
    return static_cast<const int64_t *>(data)[index];
  }
}

/// An element of an array of floats.
inline double floatAt(const void *data, int64_t dtype, int64_t index) {
  return dtype == MPY_FLOAT32 ? static_cast<double>(static_cast<const float *>(data)[index])
                              : static_cast<const double *>(data)[index];
}

} // namespace mpy
