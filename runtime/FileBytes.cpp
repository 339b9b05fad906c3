// Whole files in and out of memory, plain or gzip. zlib (package zlib1g, present on every Debian)
// is opened when the first compressed file comes, so that other programs do not carry it.
#include "TextFiles.h"

#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/stat.h>

namespace mpy {

namespace {

/// zlib's z_stream, whose layout is part of its ABI.
struct Stream {
  const unsigned char *nextIn;
  unsigned availableIn;
  unsigned long totalIn;
  unsigned char *nextOut;
  unsigned availableOut;
  unsigned long totalOut;
  const char *message;
  void *state;
  void *allocate;
  void *release;
  void *opaque;
  int dataType;
  unsigned long adler;
  unsigned long reserved;
};

} // namespace

static void *zlibFunction(Place place, const char *path, const char *name) {
  void *library = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
  void *function = library ? dlsym(library, name) : nullptr;
  if (!function)
    raise(place, "ImportError", "zlib (libz.so.1) is needed for '%s' and was not found", path);
  return function;
}

void raiseFileError(Place place, int error, const char *path) {
  const char *kind = error == ENOENT                     ? "FileNotFoundError"
                     : error == EACCES || error == EPERM ? "PermissionError"
                     : error == EISDIR                   ? "IsADirectoryError"
                     : error == ENOTDIR                  ? "NotADirectoryError"
                                                         : "OSError";
  raise(place, kind, "[Errno %d] %s: '%s'", error, strerror(error), path);
}

bool FileBytes::read(Place place, const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return false;
  struct stat status;
  if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
    fclose(file);
    errno = EISDIR;
    return false;
  }
  int64_t capacity = status.st_size > 0 ? status.st_size + 1 : 65536;
  bytes = static_cast<char *>(allocateRaw(capacity));
  while (true) {
    if (size == capacity)
      bytes = static_cast<char *>(reallocateRaw(bytes, capacity *= 2));
    size_t count = fread(bytes + size, 1, capacity - size, file);
    if (count == 0)
      break;
    size += static_cast<int64_t>(count);
  }
  bool failed = ferror(file);
  int error = errno;
  fclose(file);
  if (failed)
    raiseFileError(place, error, path);
  return true;
}

char *inflateBytes(Place place, const char *path, View compressed, int windowBits, int64_t expected,
                   int64_t &size) {
  auto initialise = reinterpret_cast<int (*)(Stream *, int, const char *, int)>(
      zlibFunction(place, path, "inflateInit2_"));
  auto step = reinterpret_cast<int (*)(Stream *, int)>(zlibFunction(place, path, "inflate"));
  auto end = reinterpret_cast<int (*)(Stream *)>(zlibFunction(place, path, "inflateEnd"));
  auto reset = reinterpret_cast<int (*)(Stream *)>(zlibFunction(place, path, "inflateReset"));
  constexpr int64_t piece = 1 << 30;
  Stream stream = {};
  if (initialise(&stream, windowBits, "1.2.11", sizeof stream) != 0)
    raise(place, "MemoryError", "zlib could not start");
  int64_t capacity = expected >= 0 ? expected + 1 : compressed.size * 4 + 65536;
  char *out = static_cast<char *>(allocateRaw(capacity));
  int64_t consumed = 0;
  size = 0;
  while (true) {
    if (size == capacity)
      out = static_cast<char *>(reallocateRaw(out, capacity *= 2));
    int64_t in = compressed.size - consumed, room = capacity - size;
    stream.nextIn = reinterpret_cast<const unsigned char *>(compressed.data) + consumed;
    stream.availableIn = static_cast<unsigned>(in < piece ? in : piece);
    stream.nextOut = reinterpret_cast<unsigned char *>(out) + size;
    stream.availableOut = static_cast<unsigned>(room < piece ? room : piece);
    unsigned hadIn = stream.availableIn, hadOut = stream.availableOut;
    int status = step(&stream, 0);
    consumed += hadIn - stream.availableIn;
    size += hadOut - stream.availableOut;
    if (status == 1) {
      // A gzip file may hold several members, one after the other.
      if (windowBits > 15 && compressed.size - consumed > 18) {
        reset(&stream);
        continue;
      }
      break;
    }
    if (status == 0 && (hadIn != stream.availableIn || hadOut != stream.availableOut))
      continue;
    if (consumed >= compressed.size)
      raise(place, "EOFError", "Compressed file ended before the end-of-stream marker was reached");
    raise(place, "BadGzipFile", "'%s' is damaged: %s", path,
          stream.message ? stream.message : "invalid data");
  }
  end(&stream);
  return out;
}

void FileBytes::decompress(Place place, const char *path) {
  // 31: a gzip header is required.
  int64_t expandedSize;
  char *expanded = inflateBytes(place, path, view(), 31, -1, expandedSize);
  freeRaw(bytes);
  bytes = expanded;
  size = expandedSize;
}

static void writeCompressed(Place place, const char *path, View bytes) {
  auto open =
      reinterpret_cast<void *(*)(const char *, const char *)>(zlibFunction(place, path, "gzopen"));
  auto write = reinterpret_cast<int (*)(void *, const void *, unsigned)>(
      zlibFunction(place, path, "gzwrite"));
  auto close = reinterpret_cast<int (*)(void *)>(zlibFunction(place, path, "gzclose"));
  void *file = open(path, "wb");
  if (!file)
    raiseFileError(place, errno, path);
  for (int64_t at = 0; at < bytes.size;) {
    int64_t rest = bytes.size - at, count = rest < (1 << 28) ? rest : 1 << 28;
    if (write(file, bytes.data + at, static_cast<unsigned>(count)) != count)
      raiseFileError(place, errno, path);
    at += count;
  }
  if (close(file) != 0)
    raiseFileError(place, errno, path);
}

void writeWholeFile(Place place, const char *path, View bytes) {
  size_t length = strlen(path);
  if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
    return writeCompressed(place, path, bytes);
  FILE *file = fopen(path, "wb");
  if (!file)
    raiseFileError(place, errno, path);
  size_t written = fwrite(bytes.data, 1, bytes.size, file);
  int error = errno;
  if (fclose(file) != 0 || written != static_cast<size_t>(bytes.size))
    raiseFileError(place, written != static_cast<size_t>(bytes.size) ? error : errno, path);
}

} // namespace mpy

using namespace mpy;

mpy_text *mpy_read_file(const char *file, int64_t line, const mpy_text *path) {
  TextBuilder name;
  name.append(View(path));
  FileBytes content;
  if (!content.read({file, line}, name.cString()))
    raiseFileError({file, line}, errno, name.cString());
  return mpy_string_from(content.bytes, content.size);
}

void mpy_write_file(const char *file, int64_t line, const mpy_text *path, const mpy_text *text) {
  TextBuilder name;
  name.append(View(path));
  writeWholeFile({file, line}, name.cString(), text);
}

int8_t mpy_path_exists(const mpy_text *path) {
  TextBuilder name;
  name.append(View(path));
  struct stat status;
  return stat(name.cString(), &status) == 0;
}
