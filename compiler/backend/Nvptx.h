// NVIDIA's GPUs as a target: a gpu.module -> PTX, the text of kernels -> machine code for a chip.
#ifndef MPY_BACKEND_NVPTX_H
#define MPY_BACKEND_NVPTX_H

#include "backend/Toolkit.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/IR/Module.h"
#include <string>
#include <vector>

namespace mpy {

/// Kernels in one form: machine code for a chip (90 is sm_90), or text (0).
struct KernelImage {
  int64_t chip;
  std::string bytes;
};

/// The number of a chip (`sm_90` is 90) that kernels can be made for.
std::optional<int64_t> chipFromName(llvm::StringRef name);
/// The names of all of them.
std::string chipNames();

/// Whether the kernels call elementary functions, which the toolkit has.
bool needsLibdevice(mlir::gpu::GPUModuleOp kernels);
/// The kernels as PTX for this chip and later ones; empty with a sentence in `reason` on failure.
std::string kernelText(mlir::gpu::GPUModuleOp kernels, int64_t chip, llvm::StringRef libdevice,
                       std::string &reason);
/// Machine code for a chip, by the toolkit's assembler; empty with its words in `reason`.
std::string assembleKernels(llvm::StringRef text, int64_t chip, llvm::StringRef ptxas,
                            std::string &reason);
/// Defines what the program's descriptions of kernels refer to.
void addKernelImages(llvm::Module &module, size_t kernelCount,
                     const std::vector<KernelImage> &images);

} // namespace mpy

#endif // MPY_BACKEND_NVPTX_H
