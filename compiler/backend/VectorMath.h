// Vector forms of the C library's elementary functions.
#ifndef MPY_BACKEND_VECTORMATH_H
#define MPY_BACKEND_VECTORMATH_H

#include "llvm/IR/Module.h"

namespace mpy {

/// Tells LLVM which functions of libmvec compute several elements at once; `features` is the
/// target's feature string.
void addVectorMath(llvm::Module &module, bool avx2, bool avx512);

} // namespace mpy

#endif // MPY_BACKEND_VECTORMATH_H
