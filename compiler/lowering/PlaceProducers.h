// Prepares linalg form for OwnBuffers.
#ifndef MPY_LOWERING_PLACEPRODUCERS_H
#define MPY_LOWERING_PLACEPRODUCERS_H
#include "mlir/IR/BuiltinOps.h"

namespace mpy {

/// Moves what computes a slice right before the slice is inserted, and rewrites the few forms that
/// OwnBuffers does not read.
void prepareForBuffers(mlir::ModuleOp module);

} // namespace mpy
#endif
