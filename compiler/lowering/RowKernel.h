// A group of operations on rows as one kernel.
#ifndef MPY_LOWERING_ROWKERNEL_H
#define MPY_LOWERING_ROWKERNEL_H
#include "dialect/Device.h"
#include "lowering/KernelBuilder.h"
#include "lowering/RowGroup.h"

namespace mpy {

/// Emits the kernel of a group, and before the group the operation that runs it.
KernelOp emitRowKernel(const RowGroup &group, mlir::OpBuilder &host, mlir::gpu::GPUModuleOp kernels,
                       llvm::StringRef name);

} // namespace mpy
#endif
