// A text in the making: bytes that grow, on the stack while they are few.
#ifndef MPY_RUNTIME_TEXT_BUILDER_H
#define MPY_RUNTIME_TEXT_BUILDER_H

#include "Context.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mpy {

/// Bytes that belong to somebody else.
struct View {
  const char *data;
  int64_t size;

  View(const char *data, int64_t size) : data(data), size(size) {}
  View(const mpy_text *text) : data(text->bytes), size(text->length) {}
  View(const char *string) : data(string), size(static_cast<int64_t>(strlen(string))) {}
  char operator[](int64_t index) const { return data[index]; }
  bool operator==(View other) const {
    return size == other.size && memcmp(data, other.data, size) == 0;
  }
};

/// Appends bytes; `finish` makes them a text.
class TextBuilder {
public:
  TextBuilder() : bytes(first), length(0), capacity(sizeof first) {}
  ~TextBuilder() {
    if (bytes != first)
      freeRaw(bytes);
  }
  TextBuilder(const TextBuilder &) = delete;
  TextBuilder &operator=(const TextBuilder &) = delete;

  int64_t size() const { return length; }
  char *data() { return bytes; }
  View view() const { return View(bytes, length); }
  void clear() { length = 0; }
  void resize(int64_t size) { length = size; }

  void append(char byte) {
    reserve(1);
    bytes[length++] = byte;
  }
  void append(View text) {
    reserve(text.size);
    memcpy(bytes + length, text.data, text.size);
    length += text.size;
  }
  void append(const char *text) { append(View(text)); }
  void append(View text, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      append(text);
  }
  void appendSpaces(int64_t count) {
    if (count <= 0)
      return;
    reserve(count);
    memset(bytes + length, ' ', count);
    length += count;
  }
  void appendInt(int64_t value) { appendFormat("%lld", static_cast<long long>(value)); }
  __attribute__((format(printf, 2, 3))) void appendFormat(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    appendList(format, arguments);
    va_end(arguments);
  }
  void appendList(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int needed = vsnprintf(bytes + length, capacity - length, format, arguments);
    if (length + needed >= capacity) {
      reserve(needed + 1);
      vsnprintf(bytes + length, capacity - length, format, again);
    }
    va_end(again);
    length += needed;
  }
  /// The bytes with a zero behind them.
  const char *cString() {
    reserve(1);
    bytes[length] = 0;
    return bytes;
  }
  mpy_text *finish() const { return mpy_string_from(bytes, length); }
  void reserve(int64_t more) {
    if (length + more > capacity)
      grow(more);
  }

private:
  void grow(int64_t more);

  char *bytes;
  int64_t length;
  int64_t capacity;
  char first[256];
};

/// The length of the UTF-8 sequence that starts with this byte.
inline int64_t sequenceLength(char byte) {
  unsigned char lead = static_cast<unsigned char>(byte);
  return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// The number of code points.
int64_t countPoints(View text);
/// The code point at a byte offset, which moves behind it.
uint32_t readPoint(View text, int64_t &offset);
/// Appends a code point in UTF-8.
void appendPoint(TextBuilder &builder, uint32_t point);
/// Whether Python's str.isspace holds.
bool isSpacePoint(uint32_t point);

/// The shortest decimal digits that read back as the value, which is finite and not negative, as
/// digits without trailing zeros and the position of the point: 0.d1d2.. * 10^point.
struct Digits {
  char digits[32];
  int count;
  int point;
};
Digits shortestDigits(double value, bool single);
/// repr() of a Python float; with `single` the digits are those of float32.
void appendFloat(TextBuilder &builder, double value, bool single);

/// C's conversion %.{precision}{letter} of a finite value, with a point always if `alternate`.
void appendConversion(TextBuilder &builder, double value, char letter, int precision,
                      bool alternate);
/// Reads a decimal number with white space around it as Python's float() does; false if it is none.
bool parseDecimal(View text, bool underscores, double &value);

} // namespace mpy

#endif
