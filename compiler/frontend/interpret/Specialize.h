// From a program's AST to a module of mpy operations.
#ifndef MPY_FRONTEND_SPECIALIZE_H
#define MPY_FRONTEND_SPECIALIZE_H

#include "frontend/functions/FunctionWatch.h"
#include "frontend/syntax/Ast.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "support/Diagnostics.h"
#include "support/Exports.h"

namespace mpy {

/// Whether a function of the module has the decorator `export`.
bool marksExports(const ast::Module &program);

struct SpecializeOptions {
  /// Folders searched for imported .mpy files after the program's own.
  std::vector<std::string> importPaths;
  /// Of a library: what is to be exported; what is becomes known. Null for an executable.
  Exports *exports = nullptr;
  /// What is asked about functions of the program; what was found becomes known. Null: nothing.
  FunctionWatch *watch = nullptr;
};

/// The module whose function @main is the program; null after errors, which are reported. That of a
/// library gives what its exported functions read of it.
mlir::OwningOpRef<mlir::ModuleOp> specialize(mlir::MLIRContext &context, const ast::Module &program,
                                             SourceManager &sources, Diagnostics &diagnostics,
                                             const SpecializeOptions &options);

} // namespace mpy

#endif // MPY_FRONTEND_SPECIALIZE_H
