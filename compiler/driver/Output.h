// Where a result is written: checked before work begins, complete or absent afterwards.
#ifndef MPY_DRIVER_OUTPUT_H
#define MPY_DRIVER_OUTPUT_H

#include "support/Diagnostics.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mpy {

/// Whether a file can be made or replaced at `path` ("-" is standard output); reports why not.
bool checkOutput(llvm::StringRef path, Diagnostics &diagnostics);

/// Writes `bytes` to `path` by way of a temporary file beside it; reports failures.
bool writeOutput(llvm::StringRef path, llvm::StringRef bytes, Diagnostics &diagnostics);

/// Calls `write` with a temporary name beside `path` and renames the result; reports failures of
/// renaming only.
bool replaceOutput(llvm::StringRef path, llvm::function_ref<bool(llvm::StringRef)> write,
                   Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_DRIVER_OUTPUT_H
