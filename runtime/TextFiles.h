// A file's bytes in memory, read plain or through gzip.
#ifndef MPY_RUNTIME_TEXT_FILES_H
#define MPY_RUNTIME_TEXT_FILES_H

#include "TextBuilder.h"

namespace mpy {

/// The whole content of a file; owns its bytes.
class FileBytes {
public:
  FileBytes() = default;
  ~FileBytes() { freeRaw(bytes); }
  FileBytes(const FileBytes &) = delete;
  FileBytes &operator=(const FileBytes &) = delete;

  /// Reads a file; false, with errno set, if it cannot be read.
  bool read(Place place, const char *path);
  /// Replaces gzip data by what it holds.
  void decompress(Place place, const char *path);
  View view() const { return View(bytes, size); }

  char *bytes = nullptr;
  int64_t size = 0;
};

/// Expands deflate data (windowBits as in zlib) into exactly `expected` bytes, or all where it is
/// negative; the result comes from malloc.
char *inflateBytes(Place place, const char *path, View compressed, int windowBits, int64_t expected,
                   int64_t &size);
/// Raises FileNotFoundError, PermissionError, ... as Python's open does for this errno.
[[noreturn]] void raiseFileError(Place place, int error, const char *path);
/// Writes a whole file, through gzip if its name ends in .gz.
void writeWholeFile(Place place, const char *path, View bytes);

} // namespace mpy

#endif
