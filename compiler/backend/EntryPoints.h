// The C `main` of an executable.
#ifndef MPY_BACKEND_ENTRYPOINTS_H
#define MPY_BACKEND_ENTRYPOINTS_H

#include "llvm/IR/Module.h"
#include <string>

namespace mpy {

/// Makes the program's `main` internal under the name `mpy_main` and adds the C `main` that starts
/// the runtime, calls it and ends the runtime; false with a sentence in `reason` if the module has
/// no such function.
bool addProgramEntry(llvm::Module &module, llvm::StringRef programFile, std::string &reason);

} // namespace mpy

#endif // MPY_BACKEND_ENTRYPOINTS_H
