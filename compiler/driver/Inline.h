// Which calls are worth inlining.
#ifndef MPY_DRIVER_INLINE_H
#define MPY_DRIVER_INLINE_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mpy {

/// The pass `inline-small`: MLIR's inliner for functions that are small or called once.
std::unique_ptr<mlir::Pass> createInlinePass();

} // namespace mpy

#endif // MPY_DRIVER_INLINE_H
