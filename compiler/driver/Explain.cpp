// Prints what mpyc knows by itself: the entry of one error from docs/errors.md, the source of one
// name of the library, processors, and where the runtime is.
//
//   ## E0104 ..   ->   the lines from this heading to the next
#include "backend/Cpu.h"
#include "backend/Link.h"
#include "driver/Options.h"
#include "frontend/library/LibraryText.h"
#include "llvm/Support/FileSystem.h"

#include "driver/ErrorsPage.inc"

using namespace mpy;

ExitCode mpy::explainError(llvm::StringRef code, Diagnostics &diagnostics) {
  llvm::StringRef page(errorsPage);
  std::string heading = "\n## " + code.upper();
  size_t begin = errorFromCode(code.upper()) ? page.find(heading) : llvm::StringRef::npos;
  if (begin == llvm::StringRef::npos) {
    diagnostics.reportGlobal(ErrorId::UnknownErrorId, {code.str()},
                             {.help = "ids look like E0207; docs/errors.md lists them"});
    return ExitCode::UsageError;
  }
  size_t end = page.find("\n## ", begin + 1);
  llvm::outs() << page.slice(begin, end).trim() << "\n";
  return ExitCode::Success;
}

ExitCode mpy::printTargets() {
  for (const std::string &name : CpuTarget::processors())
    llvm::outs() << name << "\n";
  return ExitCode::Success;
}

std::optional<std::string> mpy::runtimeOfThisCompiler(Diagnostics &diagnostics) {
  std::string compiler =
      llvm::sys::fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&mpy::explainError));
  std::optional<std::string> runtime = findRuntimeLibrary(compiler);
  if (!runtime)
    diagnostics.reportGlobal(ErrorId::NoRuntimeLibrary, {},
                             {.help = "install mpyc with its 'lib' folder"});
  return runtime;
}

ExitCode mpy::printRuntimePath(Diagnostics &diagnostics) {
  std::optional<std::string> runtime = runtimeOfThisCompiler(diagnostics);
  if (!runtime)
    return ExitCode::ProgramError;
  llvm::outs() << *runtime << "\n";
  return ExitCode::Success;
}

ExitCode mpy::printLibrary(llvm::StringRef name, Diagnostics &diagnostics) {
  if (auto text = librarySource(name)) {
    llvm::outs() << *text;
    return ExitCode::Success;
  }
  auto [module, rest] = name.rsplit('.');
  diagnostics.reportGlobal(
      ErrorId::UnknownLibraryName, {module.str(), rest.str()},
      {.help = "names written in the language are known here, such as 'numpy.percentile'"});
  return ExitCode::UsageError;
}
