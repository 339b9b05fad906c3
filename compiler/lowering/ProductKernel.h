// Products of matrices as kernels.
#ifndef MPY_LOWERING_PRODUCTKERNEL_H
#define MPY_LOWERING_PRODUCTKERNEL_H
#include "dialect/Device.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mpy {

/// Whether there is a kernel for the product.
bool hasProductKernel(GemmOp op);
/// Emits the kernel, and before the product the operation that runs it.
KernelOp emitProductKernel(GemmOp op, mlir::gpu::GPUModuleOp kernels, llvm::StringRef name);

} // namespace mpy
#endif
