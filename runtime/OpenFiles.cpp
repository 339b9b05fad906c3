// Files that a program opens, reads line by line and writes: text in UTF-8, by number. 0 is
// standard input. What was not closed is written at the end of the program, as C does.
#include "TextFiles.h"

#include <cerrno>
#include <climits>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpy {

namespace {
constexpr int mostFiles = 1024;

/// A path or a name with the zero that C wants behind it.
class CText {
public:
  CText(Place place, const mpy_text *text) {
    if (memchr(text->bytes, 0, text->length))
      raise(place, "ValueError", "embedded null byte");
    bytes.append(View(text));
    bytes.append('\0');
  }
  operator const char *() { return bytes.data(); }

private:
  TextBuilder bytes;
};
} // namespace

static FILE *fileOf(int64_t number) { return number == 0 ? stdin : context().files[number]; }

void closeFiles(Context &context) {
  for (int number = 1; context.files && number < mostFiles; ++number)
    if (context.files[number])
      fclose(context.files[number]);
  free(context.files);
  context.files = nullptr;
}

static mpy_text *textOf(const TextBuilder &bytes) {
  return mpy_string_from(bytes.view().data, bytes.size());
}

/// How many bytes the character at a position has, or 0 if it is none.
static int64_t lengthOfCharacter(View text, int64_t at) {
  unsigned char first = static_cast<unsigned char>(text[at]);
  int64_t length = first < 0x80   ? 1
                   : first < 0xC2 ? 0
                   : first < 0xE0 ? 2
                   : first < 0xF0 ? 3
                   : first < 0xF5 ? 4
                                  : 0;
  if (length > text.size - at)
    return 0;
  for (int64_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80)
      return 0;
  unsigned char second = length > 1 ? static_cast<unsigned char>(text[at + 1]) : 0;
  bool isTooLong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  bool isNone = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
  return isTooLong || isNone ? 0 : length;
}

static void checkText(Place place, View text) {
  for (int64_t at = 0; at < text.size;) {
    int64_t length = lengthOfCharacter(text, at);
    unsigned byte = static_cast<unsigned char>(text[at]);
    if (length == 0)
      raise(place, "UnicodeDecodeError",
            "'utf-8' codec can't decode byte 0x%02x in position %lld: %s", byte,
            static_cast<long long>(at),
            byte < 0xC2 || byte > 0xF4 ? "invalid start byte" : "invalid continuation byte");
    at += length;
  }
}

/// The next byte; `\r\n` and `\r` are `\n` where they are translated.
static int nextByte(FILE *file, bool translates) {
  int byte = getc_unlocked(file);
  if (byte != '\r' || !translates)
    return byte;
  int next = getc_unlocked(file);
  if (next != '\n' && next != EOF)
    ungetc(next, file);
  return '\n';
}

static bool isDirectory(FILE *file) {
  struct stat status;
  return fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode);
}

static void check(Place place, int result, const char *path) {
  if (result != 0)
    raiseFileError(place, errno, path);
}

} // namespace mpy

using namespace mpy;

int64_t mpy_file_open(const char *file, int64_t line, const mpy_text *path, const mpy_text *mode) {
  Place place = {file, line};
  CText name(place, path), how(place, mode);
  FILE *opened = fopen(name, how);
  if (opened && isDirectory(opened)) {
    fclose(opened);
    opened = nullptr;
    errno = EISDIR;
  }
  if (!opened && errno == EEXIST)
    raise(place, "FileExistsError", "[Errno %d] %s: '%s'", EEXIST, strerror(EEXIST),
          static_cast<const char *>(name));
  if (!opened)
    raiseFileError(place, errno, name);
  // They outlive an exception, so they are no memory of a call.
  if (!context().files)
    context().files = static_cast<FILE **>(calloc(mostFiles, sizeof(FILE *)));
  for (int number = 1; context().files && number < mostFiles; ++number)
    if (!context().files[number]) {
      context().files[number] = opened;
      return number;
    }
  fclose(opened);
  raiseFileError(place, EMFILE, name);
}

void mpy_file_close(int64_t number) {
  if (number == 0)
    return;
  fclose(fileOf(number));
  context().files[number] = nullptr;
}

void mpy_file_flush(int64_t number) { fflush(fileOf(number)); }

mpy_text *mpy_file_line(const char *file, int64_t line, int64_t number, int8_t translates) {
  FILE *from = fileOf(number);
  TextBuilder bytes;
  int byte;
  while ((byte = nextByte(from, translates)) != EOF) {
    bytes.append(static_cast<char>(byte));
    if (byte == '\n')
      break;
    if (byte == '\r') {
      int next = getc_unlocked(from);
      if (next == '\n')
        bytes.append('\n');
      else if (next != EOF)
        ungetc(next, from);
      break;
    }
  }
  checkText({file, line}, bytes.view());
  return textOf(bytes);
}

mpy_text *mpy_file_read(const char *file, int64_t line, int64_t number, int64_t count,
                        int8_t translates) {
  FILE *from = fileOf(number);
  TextBuilder bytes;
  int byte;
  for (int64_t i = 0; count < 0 || i < count;) {
    if ((byte = nextByte(from, translates)) == EOF)
      break;
    bytes.append(static_cast<char>(byte));
    // A character ends where the next byte continues none.
    int next = getc_unlocked(from);
    if (next != EOF)
      ungetc(next, from);
    i += next == EOF || (next & 0xC0) != 0x80;
  }
  checkText({file, line}, bytes.view());
  return textOf(bytes);
}

void mpy_file_write(const char *file, int64_t line, int64_t number, const mpy_text *text) {
  size_t length = static_cast<size_t>(text->length);
  if (fwrite(text->bytes, 1, length, fileOf(number)) != length)
    raise({file, line}, "OSError", "[Errno %d] %s", errno, strerror(errno));
}

int64_t mpy_file_tell(int64_t number) { return ftell(fileOf(number)); }

int64_t mpy_file_seek(int64_t number, int64_t offset, int64_t whence) {
  fseek(fileOf(number), offset, static_cast<int>(whence));
  return ftell(fileOf(number));
}

int64_t mpy_path_kind(const char *file, int64_t line, const mpy_text *path) {
  CText name({file, line}, path);
  struct stat status;
  if (stat(name, &status) != 0)
    return 0;
  return S_ISREG(status.st_mode) ? 1 : S_ISDIR(status.st_mode) ? 2 : 3;
}

int64_t mpy_path_size(const char *file, int64_t line, const mpy_text *path) {
  CText name({file, line}, path);
  struct stat status;
  check({file, line}, stat(name, &status), name);
  return status.st_size;
}

void mpy_path_make(const char *file, int64_t line, const mpy_text *path) {
  CText name({file, line}, path);
  int result = mkdir(name, 0777);
  if (result != 0 && errno == EEXIST)
    raise({file, line}, "FileExistsError", "[Errno %d] %s: '%s'", EEXIST, strerror(EEXIST),
          static_cast<const char *>(name));
  check({file, line}, result, name);
}

void mpy_path_remove(const char *file, int64_t line, const mpy_text *path, int8_t isFolder) {
  CText name({file, line}, path);
  check({file, line}, isFolder ? rmdir(name) : unlink(name), name);
}

void mpy_path_rename(const char *file, int64_t line, const mpy_text *from, const mpy_text *to) {
  CText old({file, line}, from), wanted({file, line}, to);
  if (rename(old, wanted) != 0)
    raise({file, line}, errno == ENOENT ? "FileNotFoundError" : "OSError",
          "[Errno %d] %s: '%s' -> '%s'", errno, strerror(errno), static_cast<const char *>(old),
          static_cast<const char *>(wanted));
}

mpy_text *mpy_path_list(const char *file, int64_t line, const mpy_text *path) {
  CText name({file, line}, path);
  DIR *folder = opendir(name);
  if (!folder)
    raiseFileError({file, line}, errno, name);
  TextBuilder names;
  while (dirent *entry = readdir(folder)) {
    if (View(entry->d_name) == View(".") || View(entry->d_name) == View(".."))
      continue;
    if (names.size())
      names.append('/');
    names.append(entry->d_name);
  }
  closedir(folder);
  return textOf(names);
}

mpy_text *mpy_path_here(void) {
  char path[PATH_MAX];
  return mpy_string_from(path, getcwd(path, sizeof path) ? static_cast<int64_t>(strlen(path)) : 0);
}

int8_t mpy_environment_has(const char *file, int64_t line, const mpy_text *name) {
  CText wanted({file, line}, name);
  return getenv(wanted) != nullptr;
}

mpy_text *mpy_environment(const char *file, int64_t line, const mpy_text *name) {
  CText wanted({file, line}, name);
  const char *value = getenv(wanted);
  return mpy_string_from(value ? value : "", value ? static_cast<int64_t>(strlen(value)) : 0);
}
