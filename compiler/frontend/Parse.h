// From source text to the AST.
#ifndef MPY_FRONTEND_PARSE_H
#define MPY_FRONTEND_PARSE_H

#include "frontend/Ast.h"
#include "support/Diagnostics.h"
#include "support/Source.h"
#include <memory>

namespace mpy {

/// The AST of a file with its scopes resolved; null after errors, which are reported. `asWritten`:
/// private names of classes stay as they are written.
std::unique_ptr<ast::Module> parseModule(SourceManager &sources, FileId file,
                                         Diagnostics &diagnostics, bool asWritten = false);

} // namespace mpy

#endif // MPY_FRONTEND_PARSE_H
