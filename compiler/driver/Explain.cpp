// Prints the entry of one error from docs/errors.md, and the source of one name of the library:
// both are part of mpyc.
//
//   ## E0104 ..   ->   the lines from this heading to the next
#include "driver/Options.h"
#include "frontend/LibraryText.h"

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
