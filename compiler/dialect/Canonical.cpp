// Brings operations to their canonical form, as MLIR does, but for four patterns.
//
//   %d = tensor.cast %s : tensor<0xf64> to tensor<?xf64>
//   scf.for iter_args(%w = %d) -> tensor<?xf64>      stays: later iterations have other extents
#include "dialect/Canonical.h"

#include "mlir/Transforms/Passes.h"

std::unique_ptr<mlir::Pass> mpy::createCanonicalForm() {
  // It gives a carried array the extents that the initial one has, and casts what the body yields:
  // right where extents never change, which a program with np.concatenate in a loop does not keep.
  static const std::string pinsExtents = "(anonymous namespace)::ForOpTensorCastFolder";
  // It takes the extent at a dimension's place among the unknown extents alone: another one, or
  // what lies behind them, where a dimension before it is known.
  static const std::string mixesExtents = "(anonymous namespace)::ConvertToStaticExpandShape";
  // It drops an operation on buffers without elements, and with it what a reduction of none is.
  static const std::string dropsEmpty = "(anonymous namespace)::EraseDeadLinalgOp";
  // It lets the producer of an array make the extents that a cast promises after a check: before
  // the check, with elements that are not there.
  static const std::string foreseesExtents = "(anonymous namespace)::FoldTensorCastConsumerOp";
  return mlir::createCanonicalizerPass({},
                                       {pinsExtents, mixesExtents, dropsEmpty, foreseesExtents});
}
