// Functions of other programs that a program declares, from its module; where they are missing.
#ifndef MPY_DRIVER_EXTERNS_H
#define MPY_DRIVER_EXTERNS_H

#include "mlir/IR/BuiltinOps.h"
#include "support/Externs.h"

namespace mpy {

/// One declaration, and where it stands.
struct ExternDeclaration {
  std::string name, signature;
  mlir::Location location;
};

/// Takes the list of declarations from a module.
std::vector<ExternDeclaration> takeExterns(mlir::ModuleOp module);
/// Reports those that a linker's words call undefined; whether there are any.
bool reportMissingExterns(llvm::ArrayRef<ExternDeclaration> externs, llvm::StringRef linkerSays);

} // namespace mpy

#endif // MPY_DRIVER_EXTERNS_H
