// Source buffers, places in them, and their conversion to MLIR locations.
#ifndef MPY_SUPPORT_SOURCE_H
#define MPY_SUPPORT_SOURCE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpy {

/// Numbers the files of one compilation, in the order they were loaded.
using FileId = uint32_t;

/// A half-open range of byte offsets in one file.
struct Span {
  FileId file = 0;
  uint32_t begin = 0;
  uint32_t end = 0;

  bool operator==(const Span &other) const = default;
  /// The smallest span that covers both (same file).
  Span to(Span other) const {
    return {file, begin < other.begin ? begin : other.begin, end > other.end ? end : other.end};
  }
  /// The empty span at the start of this one.
  Span start() const { return {file, begin, begin}; }
};

/// A line and a column, both from 1; columns count code points.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};

/// Owns the text of every file of one compilation.
class SourceManager {
public:
  /// Reads a file; on failure returns nothing and says why in `reason`.
  std::optional<FileId> load(llvm::StringRef path, std::string *reason = nullptr);
  /// Adds text that is already in memory under a display name.
  FileId add(llvm::StringRef name, std::string text);

  /// The text of a file, as read (a byte order mark included).
  llvm::StringRef text(FileId file) const;
  /// The name of a file as messages show it.
  llvm::StringRef name(FileId file) const;
  /// The bytes that a span covers.
  llvm::StringRef text(Span span) const;
  /// The number of files.
  size_t size() const { return files.size(); }

  /// Where an offset lies.
  LineColumn lineColumn(FileId file, uint32_t offset) const;
  /// The text of a line (from 1) without its line end.
  llvm::StringRef line(FileId file, uint32_t line) const;
  /// The offset at which a line (from 1) begins.
  uint32_t lineStart(FileId file, uint32_t line) const;

  /// A `FileLineColLoc` at the start of the span.
  mlir::Location location(Span span, mlir::MLIRContext *context) const;
  /// The same place, labelled with a source name.
  mlir::Location location(Span span, llvm::StringRef label, mlir::MLIRContext *context) const;

private:
  struct File {
    std::string name;
    std::string text;
    std::vector<uint32_t> lineStarts;
  };
  std::vector<std::unique_ptr<File>> files;
};

} // namespace mpy

#endif // MPY_SUPPORT_SOURCE_H
