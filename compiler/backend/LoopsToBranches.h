// Structured control flow -> branches between blocks.
#ifndef MPY_BACKEND_LOOPSTOBRANCHES_H
#define MPY_BACKEND_LOOPSTOBRANCHES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mpy {

std::unique_ptr<mlir::Pass> createLoopsToBranches();

} // namespace mpy

#endif // MPY_BACKEND_LOOPSTOBRANCHES_H
