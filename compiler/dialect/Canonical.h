// The canonical form between passes.
#ifndef MPY_DIALECT_CANONICAL_H
#define MPY_DIALECT_CANONICAL_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mpy {

/// The canonicalizer without the patterns that do not hold for this compiler's loops.
std::unique_ptr<mlir::Pass> createCanonicalForm();

/// Parts of arrays whose known bounds are outside of what the array is by now known to be, and
/// casts to extents that it does not have: they stand behind a check that fails, or where an array
/// turned out to have no elements. Offsets become operands, which no verifier compares.
void hideImpossibleBounds(mlir::Operation *root);

} // namespace mpy

#endif // MPY_DIALECT_CANONICAL_H
