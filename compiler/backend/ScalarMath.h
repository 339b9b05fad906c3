// exp and tanh of single numbers, as code in the loops that wait for each result.
#ifndef MPY_BACKEND_SCALARMATH_H
#define MPY_BACKEND_SCALARMATH_H

#include "llvm/IR/Module.h"

namespace mpy {

/// Replaces what the vectoriser left of calls of `exp` and `tanh` in loops; `fma`: the processor
/// has fused multiply-adds.
void inlineScalarMath(llvm::Module &module, bool fma);

} // namespace mpy

#endif // MPY_BACKEND_SCALARMATH_H
