// All names of libraries that a program uses and that are not there, at once.
#ifndef MPY_FRONTEND_MISSINGNAMES_H
#define MPY_FRONTEND_MISSINGNAMES_H

#include "frontend/syntax/Ast.h"
#include "support/Diagnostics.h"

namespace mpy {

/// Where the specialiser has met a name of a library that is missing, adds the others that the
/// program says, reached or not: each once, where it stands first; all in the order of the program.
void addMissingNames(const ast::Module &program, Diagnostics &diagnostics,
                     std::vector<Diagnostic> &errors);

} // namespace mpy

#endif // MPY_FRONTEND_MISSINGNAMES_H
