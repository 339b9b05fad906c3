// Tokens of a source text, with Python's lines and blocks made visible.
#ifndef MPY_FRONTEND_TOKENSOURCE_H
#define MPY_FRONTEND_TOKENSOURCE_H

#include "support/Diagnostics.h"
#include "support/Source.h"
#include <optional>
#include <vector>

namespace mpy {

/// One token: its type in Mpy.g4 and the bytes it covers.
struct SourceToken {
  size_t type = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// What part of a file is read.
enum class TokenRange {
  /// A whole file: statements in lines and blocks.
  File,
  /// The inside of brackets, such as one expression of an f-string: line ends mean nothing.
  Bracketed
};

/// Brackets may be nested this deep, as in CPython.
constexpr size_t maximumBracketDepth = 200;
/// Blocks may be nested this deep, as in CPython.
constexpr size_t maximumIndentation = 100;

/// The tokens of a span, the end of file last; nothing after an error, which is reported.
std::optional<std::vector<SourceToken>> readTokens(const SourceManager &sources, Span span,
                                                   TokenRange range, Diagnostics &diagnostics);

/// Checks that a file is text that can be read: UTF-8, no zero bytes, no MicroPython bytecode.
bool checkSourceText(const SourceManager &sources, FileId file, Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_FRONTEND_TOKENSOURCE_H
