// Loops of the host as the work of one thread of a device.
#ifndef MPY_LOWERING_SERIALKERNEL_H
#define MPY_LOWERING_SERIALKERNEL_H
#include "dialect/Device.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mpy {

/// Whether the loop does nothing but change elements of buffers, in an order of its own.
bool hasSerialKernel(mlir::scf::ForOp loop);
/// Emits the kernel, and before the loop the operation that runs it.
KernelOp emitSerialKernel(mlir::scf::ForOp loop, mlir::gpu::GPUModuleOp kernels,
                          llvm::StringRef name);

} // namespace mpy
#endif
