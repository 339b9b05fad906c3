// The host processor as a target: LLVM-dialect module -> LLVM IR -> optimised IR -> assembly or
// object.
#ifndef MPY_BACKEND_CPU_H
#define MPY_BACKEND_CPU_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>
#include <vector>

namespace mpy {

/// What `-march=` and `-O` say.
struct CpuOptions {
  std::string architecture = "native";
  unsigned optimizationLevel = 3;
};

/// A processor to generate code for, with every choice that depends on it.
class CpuTarget {
public:
  /// The target for these options; null with a sentence in `reason` if the processor is unknown.
  static std::unique_ptr<CpuTarget> create(const CpuOptions &options, std::string &reason);

  /// The names of processors that `-march=` takes: `native` and LLVM's.
  static std::vector<std::string> processors();

  /// Writes triple and data layout on the module; must happen before anything is lowered to LLVM.
  void describe(mlir::ModuleOp module) const;
  /// Translates a module of the LLVM dialect; null with a sentence in `reason` if it is not valid.
  std::unique_ptr<llvm::Module> translate(mlir::ModuleOp module, llvm::LLVMContext &context,
                                          std::string &reason) const;
  /// Runs LLVM's optimiser at the level of the options.
  void optimize(llvm::Module &module) const;
  /// Writes assembly or an object; false if the target cannot.
  bool emit(llvm::Module &module, llvm::raw_pwrite_stream &out, llvm::CodeGenFileType type) const;

  /// The processor's name in LLVM's words.
  llvm::StringRef processor() const { return machine->getTargetCPU(); }

private:
  CpuTarget(std::unique_ptr<llvm::TargetMachine> machine, unsigned level)
      : machine(std::move(machine)), level(level) {}

  void setAttributes(llvm::Module &module) const;

  std::unique_ptr<llvm::TargetMachine> machine;
  unsigned level;
};

} // namespace mpy

#endif // MPY_BACKEND_CPU_H
