// Names that belong to their class.
#ifndef MPY_FRONTEND_PRIVATENAMES_H
#define MPY_FRONTEND_PRIVATENAMES_H

#include "frontend/syntax/Ast.h"

namespace mpy {

/// Names in classes that begin with two underscores and do not end with two get the name of their
/// class, by Python's rule.
void renamePrivateNames(ast::Module &module);

} // namespace mpy

#endif // MPY_FRONTEND_PRIVATENAMES_H
