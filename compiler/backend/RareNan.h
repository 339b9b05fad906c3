// Choices that only a NaN makes, as branches that are hardly ever taken.
#ifndef MPY_BACKEND_RARENAN_H
#define MPY_BACKEND_RARENAN_H

#include "llvm/IR/Module.h"

namespace mpy {

/// Makes branches of the selects of single numbers in loops whose condition holds for a NaN alone.
void branchOnRareNan(llvm::Module &module);

} // namespace mpy

#endif // MPY_BACKEND_RARENAN_H
