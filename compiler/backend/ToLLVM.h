// Loops over buffers -> the LLVM dialect.
#ifndef MPY_BACKEND_TOLLVM_H
#define MPY_BACKEND_TOLLVM_H

#include "mlir/Pass/PassManager.h"

namespace mpy {

/// Adds the passes from scf, memref, math and arith to the LLVM dialect.
void buildToLLVMPipeline(mlir::OpPassManager &passes);

} // namespace mpy

#endif // MPY_BACKEND_TOLLVM_H
