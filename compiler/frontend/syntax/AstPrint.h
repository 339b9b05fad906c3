// The AST as text, for `--emit=ast`.
#ifndef MPY_FRONTEND_ASTPRINT_H
#define MPY_FRONTEND_ASTPRINT_H

#include "frontend/syntax/Ast.h"
#include "llvm/Support/raw_ostream.h"

namespace mpy {

/// Writes one line a node: its field in the parent, its kind, names and constants, and its span.
void printAst(const ast::Module &module, const SourceManager &sources, llvm::raw_ostream &out);

} // namespace mpy

#endif // MPY_FRONTEND_ASTPRINT_H
