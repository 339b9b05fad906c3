// The functions that ask for derivatives, by module: `minpy.core.grad`, `autograd.value_and_grad`.
#ifndef MPY_FRONTEND_TRANSFORMS_H
#define MPY_FRONTEND_TRANSFORMS_H

#include "frontend/Specializer.h"

namespace mpy {

/// The function `name` of a module of transforms, or null.
const LibraryValue *findTransform(llvm::StringRef module, llvm::StringRef name);

} // namespace mpy

#endif // MPY_FRONTEND_TRANSFORMS_H
