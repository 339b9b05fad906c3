// Lines of the program for debuggers and profilers.
#ifndef MPY_BACKEND_DEBUGLINES_H
#define MPY_BACKEND_DEBUGLINES_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include <string>

namespace mpy {

/// Describes functions and places of a module in the LLVM dialect as debug information, which the
/// translation keeps; `program` is the file of the program.
void addDebugLines(mlir::ModuleOp module, llvm::StringRef program);

/// Gives functions around those of the program, such as the C `main`, the line of what they call.
void addLinesOfEntries(llvm::Module &module);

} // namespace mpy

#endif // MPY_BACKEND_DEBUGLINES_H
