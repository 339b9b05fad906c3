// The passes from the mpy dialect to loops over owned buffers, in the order in which they run.
#ifndef MPY_LOWERING_PASSES
#define MPY_LOWERING_PASSES
include "mlir/Pass/PassBase.td"

def PrimitivesToLinalg : Pass<"mpy-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "Array operations become linalg.generic, tensor operations and scf loops; what calls the runtime stays.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mpy::MpyDialect"];
}
def Fuse : Pass<"fuse", "::mlir::func::FuncOp"> {
  let summary = "Operations over one iteration space become one linalg.generic with several results.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}
def VerifyLowered : Pass<"verify-lowered", "::mlir::func::FuncOp"> {
  let summary = "Fails where an array operation is left that the loop emission does not know.";
}
def OwnBuffers : Pass<"own-buffers", "::mlir::ModuleOp"> {
  let summary = "Tensors become reference counted buffers, written in place where nobody else reads them.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::ub::UBDialect", "::mpy::MpyDialect"];
}
def PromoteBuffers : Pass<"promote-buffers", "::mlir::func::FuncOp"> {
  let summary = "Buffers that live within an iteration leave the loop; small ones that nobody else sees go to the stack.";
  let options = [Option<"keepForKernels", "keep-for-kernels", "bool", "false", "Those that kernels may use stay on the heap.">];
}
def MapToGpu : Pass<"map-to-gpu", "::mlir::ModuleOp"> {
  let summary = "Operations on buffers get a second body, a kernel.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect", "::mpy::MpyDialect"];
}
def MarkHostUses : Pass<"mark-host-uses", "::mlir::ModuleOp"> {
  let summary = "Before the host looks at a buffer or changes it, it says so.";
  let dependentDialects = ["::mpy::MpyDialect"];
}
def BuffersToLoops : Pass<"buffers-to-loops", "::mlir::func::FuncOp"> {
  let summary = "linalg on buffers becomes loops in the order of memory, library sums in blocks.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect"];
}
def HandlesToRuntime : Pass<"handles-to-runtime", "::mlir::ModuleOp"> {
  let summary = "What is left of the mpy dialect becomes calls of the runtime library.";
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}
def VerifyAllocations : Pass<"verify-allocations", "::mlir::func::FuncOp"> {
  let summary = "Lists the allocations and array copies left inside loops.";
}
#endif
