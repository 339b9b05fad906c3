// What the reverse sweep of each derivative keeps of the forward one, and what it computes: for
// `mpyc check --memory` and `mpyc grad --explain`.
#ifndef MPY_SOURCE_STORAGEREPORT_H
#define MPY_SOURCE_STORAGEREPORT_H

#include "source/Sizes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mpy {

struct StorageReportOptions {
  /// The function of the program whose derivatives are reported; empty: all that are asked for.
  std::string function;
  /// Functions of the module that alone are differentiated for who asks, and what they are called.
  llvm::StringMap<std::string> shownNames;
  /// Numbers for names in sizes.
  llvm::StringMap<int64_t> sizes;
  /// The text of a line of the program.
  llvm::function_ref<llvm::StringRef(unsigned line)> lineOf;
  /// What is kept, recomputed and computed for each line, rather than what is kept alone.
  bool explainsLines = false;
};

/// The report of a module whose requests for derivatives are expanded with a fence where each
/// reverse sweep begins; empty if there is none.
std::string reportStorage(mlir::ModuleOp module, const StorageReportOptions &options);

} // namespace mpy

#endif // MPY_SOURCE_STORAGEREPORT_H
