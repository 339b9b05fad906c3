// The whole way from mpy operations to the LLVM dialect, on one page.
#ifndef MPY_DRIVER_PIPELINE_H
#define MPY_DRIVER_PIPELINE_H

#include "driver/Phases.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"

namespace mpy {

/// The passes that lead from one phase's form to that of the next.
struct Stage {
  Phase phase;
  void (*addPasses)(mlir::OpPassManager &passes);
};

/// Every stage between the specialiser and the translation to LLVM IR, in order.
llvm::ArrayRef<Stage> stages(bool hasKernels);

/// The passes that expand requests for derivatives and leave each in a function of its own.
void addGradientPasses(mlir::OpPassManager &passes, bool marksSweeps = false);

/// The pass that lists the allocations and copies in loops after the stage of that name.
void addAllocationListing(mlir::OpPassManager &passes);

/// Everything that the passes and the translation need to know of: dialects, interfaces,
/// translations.
void registerDialects(mlir::DialectRegistry &registry);
/// Every pass of this project by its name, for mpy-opt.
void registerPasses();

} // namespace mpy

#endif // MPY_DRIVER_PIPELINE_H
