// The list of extern functions of a module -> declarations, and errors at those that a linker misses.
//
//   ld.lld: error: undefined symbol: smooth   ->   E0611 where the program declares 'smooth'
#include "driver/Externs.h"

#include "llvm/ADT/StringExtras.h"

using namespace mpy;

std::vector<ExternDeclaration> mpy::takeExterns(mlir::ModuleOp module) {
  std::vector<ExternDeclaration> externs;
  if (auto rows = module->getAttrOfType<mlir::ArrayAttr>(externsAttribute))
    for (size_t i = 0; i < rows.size(); i += 2) {
      auto [name, signature] = *externOf(llvm::cast<mlir::StringAttr>(rows[i]).getValue());
      externs.push_back({name.str(), signature.str(), llvm::cast<mlir::LocationAttr>(rows[i + 1])});
    }
  module->removeAttr(externsAttribute);
  return externs;
}

/// Whether the linker says that a symbol is undefined: `undefined symbol: f`, `undefined reference
/// to `f'`.
static bool isMissing(llvm::StringRef name, llvm::StringRef linkerSays) {
  for (llvm::StringRef line : llvm::split(linkerSays, '\n')) {
    if (!line.contains("undefined"))
      continue;
    size_t at = line.rfind(name);
    if (at == llvm::StringRef::npos || at == 0)
      continue;
    llvm::StringRef after = line.substr(at + name.size());
    auto isWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
    if (!isWord(line[at - 1]) && (after.empty() || !isWord(after.front())))
      return true;
  }
  return false;
}

bool mpy::reportMissingExterns(llvm::ArrayRef<ExternDeclaration> externs,
                               llvm::StringRef linkerSays) {
  bool isAny = false;
  for (const ExternDeclaration &one : externs) {
    if (!isMissing(one.name, linkerSays))
      continue;
    isAny = true;
    mlir::InFlightDiagnostic error = mlir::emitError(one.location, "E0611: ");
    error << "the extern function '" << one.name << "' is not in what is linked";
    error.attachNote(one.location)
        << "help: give mpyc the object, archive or library that defines it: mpyc prog.mpy "
        << one.name << ".o; it is to be " << externPrototype(one.name, one.signature);
  }
  return isAny;
}
