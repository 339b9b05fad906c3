// The C functions of a library.
#ifndef MPY_BACKEND_EXPORTENTRYPOINTS_H
#define MPY_BACKEND_EXPORTENTRYPOINTS_H

#include "support/Exports.h"
#include "llvm/IR/Module.h"

namespace mpy {

/// Adds the C functions of what is exported; on exit they are the only functions that other objects
/// can see. False with a sentence in `reason` if the module lacks one of their bodies.
bool addExports(llvm::Module &module, const Exports &exports, std::string &reason);

} // namespace mpy

#endif // MPY_BACKEND_EXPORTENTRYPOINTS_H
