// From source text to the AST.
#ifndef MPY_FRONTEND_PARSE_H
#define MPY_FRONTEND_PARSE_H

#include "frontend/syntax/Ast.h"
#include "support/Diagnostics.h"
#include "support/Source.h"
#include <memory>

namespace mpy {

/// The AST of a file with its scopes resolved; null after errors, which are reported. `asWritten`:
/// private names of classes stay as they are written.
std::unique_ptr<ast::Module> parseModule(SourceManager &sources, FileId file,
                                         Diagnostics &diagnostics, bool asWritten = false);

/// The expression that a text is, such as an annotation in quotes; null after errors, which are
/// reported. Its nodes belong to `owner`, whose file is `file` from then on.
ast::Expr *parseExpression(SourceManager &sources, FileId file, ast::Module &owner,
                           Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_FRONTEND_PARSE_H
