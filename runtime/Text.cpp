// Texts: UTF-8 bytes in, UTF-8 bytes out; positions and lengths count code points, as in Python.
// A text whose bytes are all below 0x80 takes the fast way, where both are the same.
#include "TextBuilder.h"

#include <climits>

namespace mpy {

void TextBuilder::grow(int64_t more) {
  int64_t wanted = length + more;
  int64_t next = capacity * 2 > wanted ? capacity * 2 : wanted;
  if (bytes == first) {
    bytes = static_cast<char *>(allocateRaw(next));
    memcpy(bytes, first, length);
  } else {
    bytes = static_cast<char *>(reallocateRaw(bytes, next));
  }
  capacity = next;
}

int64_t countPoints(View text) {
  int64_t count = 0;
  for (int64_t i = 0; i < text.size; ++i)
    count += (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
  return count;
}

uint32_t readPoint(View text, int64_t &offset) {
  unsigned char lead = static_cast<unsigned char>(text[offset]);
  int64_t length = sequenceLength(text[offset]);
  if (length == 1 || offset + length > text.size) {
    ++offset;
    return lead;
  }
  uint32_t point = lead & (0xFF >> (length + 1));
  for (int64_t i = 1; i < length; ++i)
    point = point << 6 | (static_cast<unsigned char>(text[offset + i]) & 0x3F);
  offset += length;
  return point;
}

void appendPoint(TextBuilder &builder, uint32_t point) {
  if (point < 0x80) {
    builder.append(static_cast<char>(point));
    return;
  }
  if (point < 0x800) {
    builder.append(static_cast<char>(0xC0 | point >> 6));
  } else {
    if (point < 0x10000) {
      builder.append(static_cast<char>(0xE0 | point >> 12));
    } else {
      builder.append(static_cast<char>(0xF0 | point >> 18));
      builder.append(static_cast<char>(0x80 | (point >> 12 & 0x3F)));
    }
    builder.append(static_cast<char>(0x80 | (point >> 6 & 0x3F)));
  }
  builder.append(static_cast<char>(0x80 | (point & 0x3F)));
}

bool isSpacePoint(uint32_t point) {
  return (point >= 9 && point <= 13) || (point >= 0x1C && point <= 0x20) || point == 0x85 ||
         point == 0xA0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200A) ||
         point == 0x2028 || point == 0x2029 || point == 0x202F || point == 0x205F ||
         point == 0x3000;
}

// The byte offset of a code point; negative indices are not known here.
static int64_t offsetOf(View text, int64_t point) {
  int64_t offset = 0;
  for (; point > 0 && offset < text.size; --point)
    offset += sequenceLength(text[offset]);
  return offset;
}

static int64_t findBytes(View text, View part, int64_t from) {
  if (part.size == 0)
    return from <= text.size ? from : -1;
  if (from >= text.size)
    return -1;
  const void *found = memmem(text.data + from, text.size - from, part.data, part.size);
  return found ? static_cast<const char *>(found) - text.data : -1;
}

} // namespace mpy

using namespace mpy;

static mpy_text *newText(int64_t length) {
  mpy_text *text =
      static_cast<mpy_text *>(mpy_alloc(length + static_cast<int64_t>(sizeof(mpy_text))));
  text->length = length;
  return text;
}

mpy_text *mpy_string_from(const char *bytes, int64_t length) {
  mpy_text *text = newText(length);
  memcpy(text->bytes, bytes, length);
  return text;
}

mpy_text *mpy_string_concat(const mpy_text *a, const mpy_text *b) {
  mpy_text *text = newText(a->length + b->length);
  memcpy(text->bytes, a->bytes, a->length);
  memcpy(text->bytes + a->length, b->bytes, b->length);
  return text;
}

mpy_text *mpy_string_concat_all(const mpy_text *const *texts, int64_t count) {
  TextBuilder builder;
  for (int64_t i = 0; i < count; ++i)
    builder.append(View(texts[i]));
  return builder.finish();
}

mpy_text *mpy_string_join(const mpy_text *separator, const mpy_text *const *texts, int64_t count) {
  TextBuilder builder;
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0)
      builder.append(View(separator));
    builder.append(View(texts[i]));
  }
  return builder.finish();
}

mpy_text *mpy_string_repeat(const char *file, int64_t line, const mpy_text *text, int64_t count) {
  if (count < 0)
    count = 0;
  int64_t total;
  if (__builtin_mul_overflow(text->length, count, &total) || total > int64_t(1) << 50)
    raise({file, line}, "MemoryError", "%s", "");
  mpy_text *result = newText(total);
  for (int64_t i = 0; i < count && text->length > 0; ++i)
    memcpy(result->bytes + i * text->length, text->bytes, text->length);
  return result;
}

int8_t mpy_string_eq(const mpy_text *a, const mpy_text *b) { return View(a) == View(b); }

int64_t mpy_string_compare(const mpy_text *a, const mpy_text *b) {
  // The order of UTF-8 bytes is the order of code points.
  int64_t shared = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->bytes, b->bytes, shared);
  if (order != 0)
    return order < 0 ? -1 : 1;
  return a->length == b->length ? 0 : a->length < b->length ? -1 : 1;
}

int8_t mpy_string_lt(const mpy_text *a, const mpy_text *b) { return mpy_string_compare(a, b) < 0; }

int64_t mpy_string_length(const mpy_text *text) { return countPoints(text); }

int64_t mpy_float_hash(double value) {
  if (value >= -0x1p62 && value <= 0x1p62 &&
      value == static_cast<double>(static_cast<int64_t>(value)))
    return static_cast<int64_t>(value);
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

mpy_text *mpy_string_index(const char *file, int64_t line, const mpy_text *text, int64_t index) {
  int64_t count = countPoints(text);
  if (index < 0)
    index += count;
  if (index < 0 || index >= count)
    raise({file, line}, "IndexError", "string index out of range");
  int64_t start = offsetOf(text, index);
  return mpy_string_from(text->bytes + start, sequenceLength(text->bytes[start]));
}

mpy_text *mpy_string_slice(const char *file, int64_t line, const mpy_text *text, int64_t start,
                           int64_t stop, int64_t step) {
  if (step == 0)
    raise({file, line}, "ValueError", "slice step cannot be zero");
  if (step == INT64_MIN)
    step = 1;
  int64_t count = countPoints(text);
  int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? count - 1 : count;
  auto clamp = [&](int64_t bound) {
    if (bound < 0)
      bound += count;
    return bound < lowest ? lowest : bound > highest ? highest : bound;
  };
  start = start == INT64_MIN ? (step < 0 ? highest : lowest) : clamp(start);
  stop = stop == INT64_MIN ? (step < 0 ? lowest : highest) : clamp(stop);
  if (step == 1) {
    int64_t first = offsetOf(text, start), last = stop > start ? offsetOf(text, stop) : first;
    return mpy_string_from(text->bytes + first, last - first);
  }
  TextBuilder builder;
  bool plain = count == text->length;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    int64_t offset = plain ? i : offsetOf(text, i);
    builder.append(View(text->bytes + offset, sequenceLength(text->bytes[offset])));
    if (step > 0 ? i > INT64_MAX - step : i < INT64_MIN - step)
      break;
  }
  return builder.finish();
}

int64_t mpy_string_hash(const mpy_text *text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < text->length; ++i)
    hash = (hash ^ static_cast<unsigned char>(text->bytes[i])) * 0x100000001b3u;
  return static_cast<int64_t>(hash ^ hash >> 32);
}

mpy_text *mpy_string_chr(const char *file, int64_t line, int64_t code) {
  if (code < 0 || code > 0x10FFFF)
    raise({file, line}, "ValueError", "chr() arg not in range(0x110000)");
  TextBuilder builder;
  appendPoint(builder, static_cast<uint32_t>(code));
  return builder.finish();
}

int64_t mpy_string_ord(const char *file, int64_t line, const mpy_text *text) {
  int64_t count = countPoints(text), offset = 0;
  if (count != 1)
    raise({file, line}, "TypeError", "ord() expected a character, but string of length %lld found",
          static_cast<long long>(count));
  return readPoint(text, offset);
}

int8_t mpy_string_contains(const mpy_text *text, const mpy_text *part) {
  return findBytes(text, part, 0) >= 0;
}

int64_t mpy_string_find(const mpy_text *text, const mpy_text *part) {
  int64_t found = findBytes(text, part, 0);
  return found < 0 ? -1 : countPoints(View(text->bytes, found));
}

int64_t mpy_string_rfind(const mpy_text *text, const mpy_text *part) {
  for (int64_t at = text->length - part->length; at >= 0; --at)
    if (memcmp(text->bytes + at, part->bytes, part->length) == 0)
      return countPoints(View(text->bytes, at));
  return -1;
}

int64_t mpy_string_count(const mpy_text *text, const mpy_text *part) {
  if (part->length == 0)
    return countPoints(text) + 1;
  int64_t count = 0;
  for (int64_t at = 0; (at = findBytes(text, part, at)) >= 0; at += part->length)
    ++count;
  return count;
}

int8_t mpy_string_startswith(const mpy_text *text, const mpy_text *prefix) {
  return prefix->length <= text->length && memcmp(text->bytes, prefix->bytes, prefix->length) == 0;
}

int8_t mpy_string_endswith(const mpy_text *text, const mpy_text *suffix) {
  return suffix->length <= text->length &&
         memcmp(text->bytes + text->length - suffix->length, suffix->bytes, suffix->length) == 0;
}

mpy_text *mpy_string_replace(const mpy_text *text, const mpy_text *from, const mpy_text *to) {
  TextBuilder builder;
  if (from->length == 0) {
    // An empty pattern is found between all code points.
    for (int64_t at = 0; at < text->length;) {
      int64_t length = sequenceLength(text->bytes[at]);
      builder.append(View(to));
      builder.append(View(text->bytes + at, length));
      at += length;
    }
    builder.append(View(to));
    return builder.finish();
  }
  int64_t at = 0;
  for (int64_t found; (found = findBytes(text, from, at)) >= 0; at = found + from->length) {
    builder.append(View(text->bytes + at, found - at));
    builder.append(View(to));
  }
  builder.append(View(text->bytes + at, text->length - at));
  return builder.finish();
}

static bool stripsPoint(const mpy_text *characters, View point) {
  if (characters)
    return findBytes(characters, point, 0) >= 0;
  int64_t offset = 0;
  return isSpacePoint(readPoint(point, offset));
}

static mpy_text *strip(const mpy_text *text, const mpy_text *characters, bool left, bool right) {
  int64_t start = 0, end = text->length;
  while (left && start < end) {
    int64_t length = sequenceLength(text->bytes[start]);
    if (!stripsPoint(characters, View(text->bytes + start, length)))
      break;
    start += length;
  }
  while (right && start < end) {
    int64_t last = end - 1;
    while (last > start && (static_cast<unsigned char>(text->bytes[last]) & 0xC0) == 0x80)
      --last;
    if (!stripsPoint(characters, View(text->bytes + last, end - last)))
      break;
    end = last;
  }
  return mpy_string_from(text->bytes + start, end - start);
}

mpy_text *mpy_string_strip(const mpy_text *text, const mpy_text *characters) {
  return strip(text, characters, true, true);
}
mpy_text *mpy_string_lstrip(const mpy_text *text, const mpy_text *characters) {
  return strip(text, characters, true, false);
}
mpy_text *mpy_string_rstrip(const mpy_text *text, const mpy_text *characters) {
  return strip(text, characters, false, true);
}

static mpy_text *pad(const mpy_text *text, int64_t left, int64_t right, const mpy_text *fill) {
  View unit = fill ? View(fill) : View(" ", 1);
  TextBuilder builder;
  builder.append(unit, left);
  builder.append(View(text));
  builder.append(unit, right);
  return builder.finish();
}

static int64_t missing(const mpy_text *text, int64_t width) {
  int64_t count = countPoints(text);
  return width > count ? width - count : 0;
}

mpy_text *mpy_string_ljust(const mpy_text *text, int64_t width, const mpy_text *fill) {
  return pad(text, 0, missing(text, width), fill);
}
mpy_text *mpy_string_rjust(const mpy_text *text, int64_t width, const mpy_text *fill) {
  return pad(text, missing(text, width), 0, fill);
}
mpy_text *mpy_string_center(const mpy_text *text, int64_t width, const mpy_text *fill) {
  int64_t padding = missing(text, width);
  // CPython puts the odd space on the left when the width is odd.
  int64_t left = padding / 2 + (padding & width & 1);
  return pad(text, left, padding - left, fill);
}

mpy_text *mpy_string_zfill(const mpy_text *text, int64_t width) {
  bool sign = text->length > 0 && (text->bytes[0] == '-' || text->bytes[0] == '+');
  TextBuilder builder;
  if (sign)
    builder.append(text->bytes[0]);
  builder.append(View("0", 1), missing(text, width));
  builder.append(View(text->bytes + sign, text->length - sign));
  return builder.finish();
}

// The bounds of the next piece of split() from `at` on; `at` moves behind it, -1 after the last.
static bool nextPiece(const mpy_text *text, const mpy_text *separator, int64_t &at, View &piece) {
  if (at < 0)
    return false;
  if (separator) {
    int64_t found = findBytes(text, separator, at);
    int64_t end = found < 0 ? text->length : found;
    piece = View(text->bytes + at, end - at);
    at = found < 0 ? -1 : found + separator->length;
    return true;
  }
  int64_t start = at;
  for (int64_t next = at; start < text->length; start = next)
    if (!isSpacePoint(readPoint(text, next)))
      break;
  if (start >= text->length)
    return false;
  int64_t end = start;
  for (int64_t next = start; end < text->length; end = next)
    if (isSpacePoint(readPoint(text, next)))
      break;
  piece = View(text->bytes + start, end - start);
  at = end;
  return true;
}

int64_t mpy_string_split_count(const char *file, int64_t line, const mpy_text *text,
                               const mpy_text *separator) {
  if (separator && separator->length == 0)
    raise({file, line}, "ValueError", "empty separator");
  int64_t count = 0, at = 0;
  for (View piece("", 0); nextPiece(text, separator, at, piece);)
    ++count;
  return count;
}

mpy_text *mpy_string_split_piece(const mpy_text *text, const mpy_text *separator, int64_t index) {
  int64_t at = 0;
  View piece("", 0);
  for (int64_t i = 0; i <= index; ++i)
    nextPiece(text, separator, at, piece);
  return mpy_string_from(piece.data, piece.size);
}
