// Turns a module of the LLVM dialect into optimised LLVM IR and object code for one processor.
//
//   llvm.func @main() { llvm.return }   ->   main: retq
//
// On entry `describe` has put triple and data layout on the module (without them nothing is
// vectorised). Every function gets the processor's name and its feature map: the name alone is
// wrong on virtual machines that mask features. Floating point is strict: no contraction into fused
// multiply-adds that the program did not write.
#include "backend/Cpu.h"
#include "backend/RareNan.h"
#include "backend/ScalarMath.h"
#include "backend/VectorMath.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include <mutex>

using namespace mpy;

/// Sets one of LLVM's own options, which have no other interface.
static void setLlvmOption(llvm::StringRef name, llvm::StringRef value) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto found = options.find(name);
  if (found != options.end())
    found->second->addOccurrence(0, name, value);
}

static void initializeOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    // Half of the code generation time of a large gradient for no gain in its speed.
    setLlvmOption("disable-lsr", "true");
    setLlvmOption("unroll-runtime", "false");
    // What eight lanes leave of a row of 100 or 50 is done by four: a call of the scalar function
    // costs as much as one for eight elements.
    setLlvmOption("epilogue-vectorization-minimum-VF", "8");
  });
}

static std::string hostFeatures() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

std::unique_ptr<CpuTarget> CpuTarget::create(const CpuOptions &options, std::string &reason) {
  initializeOnce();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  if (!target)
    return nullptr;
  bool native = options.architecture == "native";
  std::string processor = native ? llvm::sys::getHostCPUName().str() : options.architecture;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(target->createMCSubtargetInfo(triple, "", ""));
  if (!subtarget || !subtarget->isCPUStringValid(processor)) {
    reason = "processor '" + processor + "' is not known";
    return nullptr;
  }

  llvm::TargetOptions targetOptions;
  targetOptions.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  targetOptions.FunctionSections = true;
  targetOptions.DataSections = true;
  static constexpr llvm::CodeGenOptLevel levels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less, llvm::CodeGenOptLevel::Default,
      llvm::CodeGenOptLevel::Aggressive};
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, processor, native ? hostFeatures() : std::string(), targetOptions, llvm::Reloc::PIC_,
      std::nullopt, levels[options.optimizationLevel]));
  if (!machine) {
    reason = "LLVM has no code generator for " + triple.str();
    return nullptr;
  }
  return std::unique_ptr<CpuTarget>(new CpuTarget(std::move(machine), options.optimizationLevel));
}

std::vector<std::string> CpuTarget::processors() {
  initializeOnce();
  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string reason;
  std::vector<std::string> names{"native"};
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, reason);
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target ? target->createMCSubtargetInfo(triple, "", "") : nullptr);
  if (subtarget)
    for (const llvm::SubtargetSubTypeKV &one : subtarget->getAllProcessorDescriptions()) {
      std::unique_ptr<llvm::MCSubtargetInfo> made(
          target->createMCSubtargetInfo(triple, one.Key, ""));
      // Not those of 32 bits.
      if (!triple.isX86() || made->checkFeatures("+64bit"))
        names.push_back(one.Key);
    }
  return names;
}

void CpuTarget::describe(mlir::ModuleOp module) const {
  mlir::Builder builder(module.getContext());
  module->setAttr(mlir::LLVM::LLVMDialect::getTargetTripleAttrName(),
                  builder.getStringAttr(machine->getTargetTriple().str()));
  module->setAttr(mlir::LLVM::LLVMDialect::getDataLayoutAttrName(),
                  builder.getStringAttr(machine->createDataLayout().getStringRepresentation()));
}

std::unique_ptr<llvm::Module>
CpuTarget::translate(mlir::ModuleOp module, llvm::LLVMContext &context, std::string &reason) const {
  std::unique_ptr<llvm::Module> translated =
      mlir::translateModuleToLLVMIR(module, context, "mpy", /*disableVerification=*/true);
  if (!translated) {
    reason = "the module cannot be translated to LLVM IR";
    return nullptr;
  }
  translated->setTargetTriple(machine->getTargetTriple());
  translated->setDataLayout(machine->createDataLayout());
  translated->setPICLevel(llvm::PICLevel::BigPIC);
  translated->setPIELevel(llvm::PIELevel::Large);
  llvm::raw_string_ostream out(reason);
  if (llvm::verifyModule(*translated, &out))
    return nullptr;
  return translated;
}

void CpuTarget::setAttributes(llvm::Module &module) const {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine->getTargetCPU());
    if (!machine->getTargetFeatureString().empty())
      function.addFnAttr("target-features", machine->getTargetFeatureString());
    function.addFnAttr("frame-pointer", "none");
    // Errors end the process, nothing unwinds through compiled code.
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // A recursion that became a loop would never come to the end of the stack.
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (auto *callee = call->getCalledFunction();
            callee &&
            (callee->getName() == "mpy_stack_is_low" || callee->getName() == "mpy_check_stack"))
          function.addFnAttr("disable-tail-calls", "true");
    if (machine->getMCSubtargetInfo()->checkFeatures("+avx512f"))
      function.addFnAttr("prefer-vector-width", "512");
  }
}

/// Loops that call vector math keep one vector in flight: more only spill around the calls.
static void keepVectorCallsNarrow(llvm::Function &function) {
  llvm::SmallVector<llvm::BasicBlock *> blocks;
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &instruction : block)
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (call->hasFnAttr("vector-function-abi-variant")) {
          blocks.push_back(&block);
          break;
        }
  if (blocks.empty())
    return;
  llvm::DominatorTree dominators(function);
  llvm::LoopInfo loops(dominators);
  for (llvm::BasicBlock *block : blocks)
    if (llvm::Loop *loop = loops.getLoopFor(block))
      llvm::addStringMetadataToLoop(loop, "llvm.loop.interleave.count", 1);
}

void CpuTarget::optimize(llvm::Module &module) const {
  setAttributes(module);
  const llvm::MCSubtargetInfo *processor = machine->getMCSubtargetInfo();
  addVectorMath(module, processor->checkFeatures("+avx2"), processor->checkFeatures("+avx512f"));
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      keepVectorCallsNarrow(function);

  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = level >= 2;
  tuning.SLPVectorization = level >= 2;
  llvm::LoopAnalysisManager loopAnalyses;
  llvm::FunctionAnalysisManager functionAnalyses;
  llvm::CGSCCAnalysisManager callGraphAnalyses;
  llvm::ModuleAnalysisManager moduleAnalyses;
  llvm::PassBuilder builder(machine.get(), tuning);
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(callGraphAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, callGraphAnalyses, moduleAnalyses);
  static const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2,
      llvm::OptimizationLevel::O3};
  llvm::ModulePassManager passes = level == 0
                                       ? builder.buildO0DefaultPipeline(levels[0])
                                       : builder.buildPerModuleDefaultPipeline(levels[level]);
  passes.run(module, moduleAnalyses);
  inlineScalarMath(module, processor->checkFeatures("+fma"));
  branchOnRareNan(module);
}

bool CpuTarget::emit(llvm::Module &module, llvm::raw_pwrite_stream &out,
                     llvm::CodeGenFileType type) const {
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr, type))
    return false;
  passes.run(module);
  return true;
}
