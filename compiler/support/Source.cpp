// Turns paths into text buffers, and byte offsets into lines and columns.
// Offsets stay valid for the life of the SourceManager; columns count code points, so that a
// message points at the same character that an editor shows.
#include "support/Source.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>

namespace mpy {

std::optional<FileId> SourceManager::load(llvm::StringRef path, std::string *reason) {
  // Offsets have 32 bits; no program comes near this.
  constexpr uint64_t maximumBytes = uint64_t(64) << 20;
  std::string why;
  uint64_t bytes = 0;
  if (llvm::sys::fs::is_directory(path)) {
    why = "is a directory";
  } else if (!llvm::sys::fs::file_size(path, bytes) && bytes > maximumBytes) {
    why = "is larger than " + std::to_string(maximumBytes) + " bytes";
  } else {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (buffer)
      return add(path, (*buffer)->getBuffer().str());
    why = buffer.getError().message();
  }
  if (reason)
    *reason = why;
  return std::nullopt;
}

FileId SourceManager::add(llvm::StringRef name, std::string text) {
  auto file = std::make_unique<File>();
  file->name = name.str();
  file->text = std::move(text);
  file->lineStarts.push_back(0);
  const std::string &content = file->text;
  for (size_t i = 0; i < content.size(); ++i) {
    bool endsLine = content[i] == '\n' ||
                    (content[i] == '\r' && (i + 1 == content.size() || content[i + 1] != '\n'));
    if (endsLine)
      file->lineStarts.push_back(static_cast<uint32_t>(i + 1));
  }
  files.push_back(std::move(file));
  return static_cast<FileId>(files.size() - 1);
}

llvm::StringRef SourceManager::text(FileId file) const { return files[file]->text; }

llvm::StringRef SourceManager::name(FileId file) const { return files[file]->name; }

llvm::StringRef SourceManager::text(Span span) const {
  return text(span.file).slice(span.begin, span.end);
}

LineColumn SourceManager::lineColumn(FileId file, uint32_t offset) const {
  const File &source = *files[file];
  offset = std::min<uint32_t>(offset, source.text.size());
  auto after = std::upper_bound(source.lineStarts.begin(), source.lineStarts.end(), offset);
  uint32_t line = static_cast<uint32_t>(after - source.lineStarts.begin());
  uint32_t column = 1;
  uint32_t begin = source.lineStarts[line - 1];
  if (begin == 0 && llvm::StringRef(source.text).starts_with("\xEF\xBB\xBF"))
    begin = 3;
  for (uint32_t i = begin; i < offset; ++i)
    column += (source.text[i] & 0xC0) != 0x80;
  return {line, column};
}

llvm::StringRef SourceManager::line(FileId file, uint32_t line) const {
  const File &source = *files[file];
  if (line == 0 || line > source.lineStarts.size())
    return {};
  llvm::StringRef rest = llvm::StringRef(source.text).drop_front(source.lineStarts[line - 1]);
  rest = rest.substr(0, rest.find_first_of("\r\n"));
  rest.consume_front("\xEF\xBB\xBF");
  return rest;
}

uint32_t SourceManager::lineStart(FileId file, uint32_t line) const {
  return files[file]->lineStarts[line - 1];
}

mlir::Location SourceManager::location(Span span, mlir::MLIRContext *context) const {
  LineColumn place = lineColumn(span.file, span.begin);
  return mlir::FileLineColLoc::get(context, name(span.file), place.line, place.column);
}

mlir::Location SourceManager::location(Span span, llvm::StringRef label,
                                       mlir::MLIRContext *context) const {
  return mlir::NameLoc::get(mlir::StringAttr::get(context, label), location(span, context));
}

} // namespace mpy
