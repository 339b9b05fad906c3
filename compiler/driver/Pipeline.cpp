// Every pass in order, each with its reason, and what no longer occurs from there on.
//
//   mpy with requests -> mpy -> fused linalg on tensors -> loops over owned buffers -> LLVM dialect
//
// The list does not depend on -O: what is accepted, and what it means, is the same at every level.
#include "driver/Pipeline.h"
#include "driver/Inline.h"

#include "adjoint/Passes.h"
#include "backend/LoopsToBranches.h"
#include "backend/ToLLVM.h"
#include "dialect/Canonical.h"
#include "dialect/Dialect.h"
#include "lowering/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/LLVMIR/Transforms/InlinerInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mpy;

static void addCleanup(mlir::OpPassManager &passes) {
  passes.addPass(createCanonicalForm());
  passes.addPass(mlir::createCSEPass());
}

/// Array operations with requests for gradients -> array operations alone.
static void addAdjointStage(mlir::OpPassManager &passes) {
  // Before anything is moved, shared or dropped.
  passes.addPass(createOrderClocks());
  // A gradient of a function that is inlined needs no tape between caller and callee.
  passes.addPass(createInlinePass());
  addCleanup(passes);
  passes.addPass(mlir::createSymbolDCEPass());
  // Requests nest; the pass runs until none is left.
  passes.addPass(createExpandGrad());
  passes.addPass(createVerifyNoGrad());
  // From here on, no mpy.grad occurs.
  // The generated functions are mostly used once.
  passes.addPass(createInlinePass());
  addCleanup(passes);
  passes.addPass(mlir::createSymbolDCEPass());
}

void mpy::addGradientPasses(mlir::OpPassManager &passes, bool marksSweeps) {
  passes.addPass(createInlinePass());
  addCleanup(passes);
  passes.addPass(mlir::createSymbolDCEPass());
  passes.addPass(createExpandGrad({marksSweeps}));
  passes.addPass(createVerifyNoGrad());
}

/// Array operations -> fused linalg operations on tensors.
static void addTensorStage(mlir::OpPassManager &passes) {
  mlir::OpPassManager &functions = passes.nest<mlir::func::FuncOp>();
  functions.addPass(createPrimitivesToLinalg());
  addCleanup(functions);
  // One pass over memory for everything that has the same iteration space.
  functions.addPass(createFuse());
  addCleanup(functions);
  functions.addPass(createVerifyLowered());
  // From here on, no array operation of the mpy dialect occurs, only calls of the runtime.
}

/// Operations on buffers -> loops.
static void addLoops(mlir::OpPassManager &functions) {
  functions.addPass(createBuffersToLoops());
  // From here on, no linalg operation occurs.
  addCleanup(functions);
  functions.addPass(mlir::createLoopInvariantCodeMotionPass());
}

/// Tensors -> loops over buffers that have owners.
static void addBufferStage(mlir::OpPassManager &passes) {
  passes.addPass(createOwnBuffers());
  // From here on, no tensor occurs.
  mlir::OpPassManager &functions = passes.nest<mlir::func::FuncOp>();
  functions.addPass(createCanonicalForm());
  // An allocation in a loop costs as much as the loop over a small array.
  functions.addPass(createPromoteBuffers());
  addLoops(functions);
}

/// Tensors -> operations on buffers, of which those that kernels use are on the heap.
static void addDeviceBufferStage(mlir::OpPassManager &passes) {
  passes.addPass(createOwnBuffers());
  mlir::OpPassManager &functions = passes.nest<mlir::func::FuncOp>();
  functions.addPass(createCanonicalForm());
  functions.addPass(createPromoteBuffers({/*keepForKernels=*/true}));
}

/// Operations on buffers -> kernels, and loops where these do not run.
static void addKernelStage(mlir::OpPassManager &passes) {
  passes.addPass(createMapToGpu());
  // While accesses are those of whole operations: a loop of the host has one mark.
  passes.addPass(createMarkHostUses());
  addLoops(passes.nest<mlir::func::FuncOp>());
  // From here on, kernels go their own way (backend/Nvptx.cpp).
}

/// The rest of the mpy dialect -> calls of the runtime.
static void addRuntimeStage(mlir::OpPassManager &passes) {
  passes.addPass(createHandlesToRuntime());
  // From here on, no mpy operation or type occurs.
  addCleanup(passes);
}

static void addLlvmStage(mlir::OpPassManager &passes) { buildToLLVMPipeline(passes); }

llvm::ArrayRef<Stage> mpy::stages(bool hasKernels) {
  static constexpr Stage ofCpu[] = {
      {Phase::Adjoint, addAdjointStage},    {Phase::Tensor, addTensorStage},
      {Phase::Allocations, addBufferStage}, {Phase::Buffers, addRuntimeStage},
      {Phase::LlvmIr, addLlvmStage},
  };
  static constexpr Stage ofCpuAndGpu[] = {
      {Phase::Adjoint, addAdjointStage},          {Phase::Tensor, addTensorStage},
      {Phase::Allocations, addDeviceBufferStage}, {Phase::Gpu, addKernelStage},
      {Phase::Buffers, addRuntimeStage},          {Phase::LlvmIr, addLlvmStage},
  };
  return hasKernels ? llvm::ArrayRef<Stage>(ofCpuAndGpu) : llvm::ArrayRef<Stage>(ofCpu);
}

void mpy::addAllocationListing(mlir::OpPassManager &passes) {
  passes.addNestedPass<mlir::func::FuncOp>(createVerifyAllocations());
}

void mpy::registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<mlir::gpu::GPUDialect, mlir::NVVM::NVVMDialect>();
  registry.insert<MpyDialect, mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                  mlir::func::FuncDialect, mlir::linalg::LinalgDialect, mlir::LLVM::LLVMDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::tensor::TensorDialect, mlir::ub::UBDialect, mlir::vector::VectorDialect>();
  mlir::func::registerInlinerExtension(registry);
  mlir::LLVM::registerInlinerInterface(registry);
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerGPUDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::arith::registerConvertArithToLLVMInterface(registry);
  mlir::registerConvertMathToLLVMInterface(registry);
  mlir::registerConvertMemRefToLLVMInterface(registry);
  mlir::cf::registerConvertControlFlowToLLVMInterface(registry);
  mlir::ub::registerConvertUBToLLVMInterface(registry);
  mlir::NVVM::registerConvertGpuToNVVMInterface(registry);
}

void mpy::registerPasses() {
  registerAdjointPasses();
  registerLoweringPasses();
  mlir::registerPass(createInlinePass);
  mlir::registerPass(createLoopsToBranches);
  static mlir::PassPipelineRegistration<> toLlvm(
      "to-llvm", "Loops over buffers to the LLVM dialect.", buildToLLVMPipeline);
}
