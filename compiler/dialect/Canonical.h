// The canonical form between passes.
#ifndef MPY_DIALECT_CANONICAL_H
#define MPY_DIALECT_CANONICAL_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mpy {

/// The canonicalizer without the patterns that do not hold for this compiler's loops.
std::unique_ptr<mlir::Pass> createCanonicalForm();

} // namespace mpy

#endif // MPY_DIALECT_CANONICAL_H
