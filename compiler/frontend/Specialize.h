// From a program's AST to a module of mpy operations.
#ifndef MPY_FRONTEND_SPECIALIZE_H
#define MPY_FRONTEND_SPECIALIZE_H

#include "frontend/Ast.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "support/Diagnostics.h"

namespace mpy {

struct SpecializeOptions {
  /// Folders searched for imported .mpy files after the program's own.
  std::vector<std::string> importPaths;
};

/// The module whose function @main is the program; null after errors, which are reported.
mlir::OwningOpRef<mlir::ModuleOp> specialize(mlir::MLIRContext &context, const ast::Module &program,
                                             SourceManager &sources, Diagnostics &diagnostics,
                                             const SpecializeOptions &options);

} // namespace mpy

#endif // MPY_FRONTEND_SPECIALIZE_H
