// Kernels for NVIDIA's GPUs.
//
//   gpu.module @kernels { gpu.func @group_0(..) kernel }   ->   .visible .entry group_0(..)
//
// MLIR's own passes lead to the NVVM dialect, LLVM's code generator to text. The text is for the
// oldest chip that was asked for, at most sm_90, so that every later chip and driver takes it;
// machine code for each chip comes from the same text. Floating point is strict: no contraction,
// divisions and roots rounded, no flush of small numbers.
#include "backend/Nvptx.h"

#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "mpyrt.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace mpy;

static constexpr int64_t chips[] = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};
/// The newest chip that text is written for: each later one takes it.
static constexpr int64_t newestOfText = 90;

std::optional<int64_t> mpy::chipFromName(llvm::StringRef name) {
  int64_t number = 0;
  if (!name.consume_front("sm_") || name.getAsInteger(10, number) ||
      !llvm::is_contained(chips, number))
    return std::nullopt;
  return number;
}

std::string mpy::chipNames() {
  std::vector<std::string> names;
  for (int64_t chip : chips)
    names.push_back("sm_" + std::to_string(chip));
  return llvm::join(names, ", ");
}

bool mpy::needsLibdevice(mlir::gpu::GPUModuleOp kernels) {
  return kernels
      .walk([](mlir::Operation *op) {
        bool calls = llvm::isa<mlir::math::MathDialect>(op->getDialect()) ||
                     op->getName().getStringRef() == "arith.remf";
        return calls ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
      })
      .wasInterrupted();
}

static std::unique_ptr<llvm::TargetMachine> machineFor(int64_t chip, std::string &reason) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, "sm_" + std::to_string(chip), "+ptx80", options,
                                  std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// Adds the bodies of elementary functions that kernels call, to be inlined there.
static bool linkLibdevice(llvm::Module &module, llvm::StringRef path, std::string &reason) {
  llvm::SMDiagnostic error;
  std::unique_ptr<llvm::Module> library = llvm::parseIRFile(path, error, module.getContext());
  if (!library) {
    reason = error.getMessage().str();
    return false;
  }
  library->setTargetTriple(module.getTargetTriple());
  library->setDataLayout(module.getDataLayout());
  bool failed = llvm::Linker::linkModules(
      module, std::move(library), llvm::Linker::Flags::LinkOnlyNeeded,
      [](llvm::Module &linked, const llvm::StringSet<> &names) {
        llvm::internalizeModule(linked, [&](const llvm::GlobalValue &value) {
          return !value.hasName() || !names.count(value.getName());
        });
      });
  if (failed)
    reason = "libdevice cannot be linked";
  return !failed;
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  llvm::LoopAnalysisManager loopAnalyses;
  llvm::FunctionAnalysisManager functionAnalyses;
  llvm::CGSCCAnalysisManager callGraphAnalyses;
  llvm::ModuleAnalysisManager moduleAnalyses;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(callGraphAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, callGraphAnalyses, moduleAnalyses);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, moduleAnalyses);
}

static bool lowerToNvvm(mlir::gpu::GPUModuleOp kernels) {
  mlir::PassManager passes(kernels.getContext(), kernels.getOperationName());
  passes.addPass(mlir::arith::createArithExpandOpsPass());
  passes.addPass(mlir::createCanonicalizerPass());
  passes.addPass(mlir::createCSEPass());
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertGpuOpsToNVVMOps());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  return mlir::succeeded(passes.run(kernels));
}

std::string mpy::kernelText(mlir::gpu::GPUModuleOp kernels, int64_t chip, llvm::StringRef libdevice,
                            std::string &reason) {
  std::unique_ptr<llvm::TargetMachine> machine = machineFor(std::min(chip, newestOfText), reason);
  if (!machine)
    return {};
  if (!lowerToNvvm(kernels)) {
    reason = "the kernels have no form in the NVVM dialect";
    return {};
  }
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = mlir::translateModuleToLLVMIR(kernels, context, "kernels");
  if (!module) {
    reason = "the kernels cannot be translated to LLVM IR";
    return {};
  }
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  module->addModuleFlag(llvm::Module::Override, "nvvm-reflect-ftz", 0u);
  if (!libdevice.empty() && !linkLibdevice(*module, libdevice, reason))
    return {};
  optimize(*module, *machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream out(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::AssemblyFile)) {
    reason = "LLVM's code generator writes no PTX";
    return {};
  }
  passes.run(*module);
  return std::string(text);
}

std::string mpy::assembleKernels(llvm::StringRef text, int64_t chip, llvm::StringRef ptxas,
                                 std::string &reason) {
  llvm::SmallString<128> from, to, messages;
  for (auto [suffix, path] :
       {std::pair("ptx", &from), std::pair("cubin", &to), std::pair("txt", &messages)})
    if (llvm::sys::fs::createTemporaryFile("mpyc", suffix, *path)) {
      reason = "no temporary file can be made";
      return {};
    }
  llvm::FileRemover removeFrom(from), removeTo(to), removeMessages(messages);
  {
    std::error_code error;
    llvm::raw_fd_ostream out(from, error);
    out << text;
  }
  std::string architecture = "-arch=sm_" + std::to_string(chip);
  llvm::StringRef words[] = {ptxas, architecture, "-O3", from, "-o", to};
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), messages.str(), messages.str()};
  int code = llvm::sys::ExecuteAndWait(ptxas, words, std::nullopt, redirects, 0, 0, &reason);
  if (code != 0) {
    if (auto said = llvm::MemoryBuffer::getFile(messages))
      reason += (*said)->getBuffer().str();
    return {};
  }
  auto bytes = llvm::MemoryBuffer::getFile(to);
  if (!bytes) {
    reason = "the assembler wrote nothing";
    return {};
  }
  return (*bytes)->getBuffer().str();
}

void mpy::addKernelImages(llvm::Module &module, size_t kernelCount,
                          const std::vector<KernelImage> &images) {
  llvm::GlobalVariable *declared = module.getGlobalVariable(MPY_KERNELS_SYMBOL);
  if (!declared)
    return;
  llvm::LLVMContext &context = module.getContext();
  llvm::Type *integer = llvm::Type::getInt64Ty(context),
             *pointer = llvm::PointerType::get(context, 0);
  auto number = [&](int64_t value) { return llvm::ConstantInt::get(integer, value); };
  auto define = [&](llvm::Constant *value, const llvm::Twine &name) {
    return new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                    llvm::GlobalValue::InternalLinkage, value, name);
  };
  llvm::StructType *imageType = llvm::StructType::get(integer, pointer);
  std::vector<llvm::Constant *> described;
  for (const KernelImage &image : images) {
    // Text ends with a zero byte.
    llvm::GlobalVariable *bytes =
        define(llvm::ConstantDataArray::getString(context, image.bytes, image.chip == 0), "image");
    bytes->setAlignment(llvm::Align(16));
    described.push_back(llvm::ConstantStruct::get(imageType, number(image.chip), bytes));
  }
  llvm::Constant *list =
      define(llvm::ConstantArray::get(llvm::ArrayType::get(imageType, described.size()), described),
             "images");
  llvm::Constant *whole = llvm::ConstantStruct::get(
      llvm::StructType::get(integer, integer, pointer), number(static_cast<int64_t>(kernelCount)),
      number(static_cast<int64_t>(images.size())), list);
  llvm::GlobalVariable *defined = define(whole, "kernels");
  declared->replaceAllUsesWith(defined);
  declared->eraseFromParent();
}
