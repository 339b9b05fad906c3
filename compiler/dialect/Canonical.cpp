// Brings operations to their canonical form, as MLIR does, but for one pattern.
//
//   %d = tensor.cast %s : tensor<0xf64> to tensor<?xf64>
//   scf.for iter_args(%w = %d) -> tensor<?xf64>      stays: later iterations have other extents
#include "dialect/Canonical.h"

#include "mlir/Transforms/Passes.h"

std::unique_ptr<mlir::Pass> mpy::createCanonicalForm() {
  // It gives a carried array the extents that the initial one has, and casts what the body yields:
  // right where extents never change, which a program with np.concatenate in a loop does not keep.
  static const std::string pinsExtents = "(anonymous namespace)::ForOpTensorCastFolder";
  return mlir::createCanonicalizerPass({}, {pinsExtents});
}
