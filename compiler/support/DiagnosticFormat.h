// Errors for other programs to read.
#ifndef MPY_SUPPORT_DIAGNOSTICFORMAT_H
#define MPY_SUPPORT_DIAGNOSTICFORMAT_H

#include "support/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"

namespace mpy {

/// One error as an object, with the text that people read under `rendered`.
llvm::json::Value diagnosticAsJson(const Diagnostic &diagnostic, const SourceManager &sources,
                                   llvm::StringRef rendered);

/// All errors of a compilation as a document of SARIF 2.1.0.
llvm::json::Value diagnosticsAsSarif(llvm::ArrayRef<Diagnostic> diagnostics,
                                     const SourceManager &sources);

} // namespace mpy

#endif // MPY_SUPPORT_DIAGNOSTICFORMAT_H
