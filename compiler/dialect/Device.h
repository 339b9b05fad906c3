// What a program with kernels does besides computing. Apart from Ops.h, as few passes know of it.
#ifndef MPY_DIALECT_DEVICE_H
#define MPY_DIALECT_DEVICE_H

#include "dialect/Dialect.h"

#define GET_OP_CLASSES
#include "dialect/Device.h.inc"

namespace mpy {

/// The buffer that a view shows part of.
mlir::Value rootOf(mlir::Value view);

} // namespace mpy

#endif // MPY_DIALECT_DEVICE_H
