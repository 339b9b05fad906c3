// Python's scoping rules, applied to a whole module once.
#ifndef MPY_FRONTEND_SCOPES_H
#define MPY_FRONTEND_SCOPES_H

#include "frontend/syntax/Ast.h"
#include "support/Diagnostics.h"

namespace mpy {

/// Fills the Scope of the module and of every function, lambda, class and comprehension in it, and
/// reports declarations that contradict each other.
void resolveScopes(ast::Module &module, Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_FRONTEND_SCOPES_H
