// The command line of mpyc.
#ifndef MPY_DRIVER_OPTIONS_H
#define MPY_DRIVER_OPTIONS_H

#include "driver/ExitCode.h"
#include "driver/Phases.h"
#include "support/Diagnostics.h"
#include "support/Exports.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace mpy {

/// Everything that the command line decides.
struct Options {
  enum class Command { Build, Run, Check, GradCheck } command = Command::Build;
  std::string input;
  /// Empty: a name made from the input, or standard output for text.
  std::string output;
  Phase phase = Phase::Executable;
  /// What `--export`, `--grad` and their like name.
  std::vector<ExportRequest> exports;
  unsigned optimizationLevel = 3;
  std::string architecture = "native";
  /// Whether operations on arrays also become kernels for NVIDIA's GPUs.
  bool hasKernels = false;
  /// The chips (90 is sm_90) that the program brings machine code for, beside the text of the
  /// kernels.
  std::vector<int64_t> chips;
  /// Where the toolkit is; empty: where it usually is.
  std::string cudaPath;
  std::vector<std::string> importPaths;
  /// Objects, archives and shared libraries that define the program's extern functions.
  std::vector<std::string> linked;
  /// Of `mpyc grad` and `mpyc gradcheck`: the function whose derivatives are wanted; empty: all.
  std::string function;
  /// Of `mpyc grad`: what is written of that function in place of what the program asks for.
  std::vector<std::string> wrt;
  bool isForward = false;
  unsigned order = 1;
  /// Whether the command line says one of these.
  bool choosesDerivative = false;
  /// Of `mpyc gradcheck`: at random numbers in place of the program's.
  bool drawsInputs = false;
  /// Whether it is said where derivatives are 0, and whether that is an error.
  bool saysNotes = false;
  bool notesAreErrors = false;
  /// Of `mpyc check`: what reverse sweeps keep; of `mpyc grad`: what each line becomes.
  bool reportsMemory = false, explainsLines = false;
  /// Numbers for the names in their sizes.
  std::vector<std::pair<std::string, int64_t>> sizes;
  bool verbose = false;
  bool timeReport = false;
  /// Lines of the program for debuggers.
  bool debugLines = false;
  /// Keeps what lies between the program and the result.
  bool saveTemps = false;
  /// Prints commands in place of running them.
  bool onlyCommands = false;
  /// What `mpyc run` and `mpyc gradcheck` hand to the program.
  std::vector<std::string> programArguments;
};

/// Reads the command line into `options`; an exit code if mpyc is done (help, version, an error,
/// which is reported).
std::optional<ExitCode> parseOptions(llvm::ArrayRef<llvm::StringRef> arguments, Options &options,
                                     Diagnostics &diagnostics);

/// Prints the entry of an error id from docs/errors.md.
ExitCode explainError(llvm::StringRef code, Diagnostics &diagnostics);
/// Prints the processors to compile for.
ExitCode printTargets();
/// The libmpyrt.a that belongs to this compiler; reports that there is none.
std::optional<std::string> runtimeOfThisCompiler(Diagnostics &diagnostics);
/// Prints where it is.
ExitCode printRuntimePath(Diagnostics &diagnostics);
/// Prints the source of a name of the library that is written in the language.
ExitCode printLibrary(llvm::StringRef name, Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_DRIVER_OPTIONS_H
