// Texts in lists whose length is run-time data: their bytes lie one after the other in one int32
// array, and an int64 array holds where each text ends.
#include "Context.h"

#include <algorithm>
#include <cstring>

using namespace mpy;

static int64_t stepOf(const mpy_view &array) { return array.strides ? array.strides[0] : 1; }

static int64_t sizeOf(const mpy_view &array) { return array.rank ? array.sizes[0] : 1; }

void mpy_string_codes(const mpy_text *text, void **data, int64_t *sizes) {
  int32_t *codes = static_cast<int32_t *>(mpy_alloc(text->length * 4));
  for (int64_t i = 0; i < text->length; ++i)
    codes[i] = static_cast<unsigned char>(text->bytes[i]);
  *data = codes;
  sizes[0] = text->length;
}

void mpy_string_ends(const mpy_text *text, void **data, int64_t *sizes) {
  int64_t *ends = static_cast<int64_t *>(mpy_alloc(text->length * 8));
  int64_t count = 0;
  // A character ends before the next byte that continues none.
  for (int64_t i = 1; i <= text->length; ++i)
    if (i == text->length || (static_cast<unsigned char>(text->bytes[i]) & 0xC0) != 0x80)
      ends[count++] = i;
  *data = ends;
  sizes[0] = count;
}

static mpy_text *newText(int64_t length) {
  mpy_text *text =
      static_cast<mpy_text *>(mpy_alloc(length + static_cast<int64_t>(sizeof(mpy_text))));
  text->length = length;
  return text;
}

mpy_text *mpy_string_from_codes(const mpy_view *codes) {
  const int32_t *from = static_cast<const int32_t *>(codes->data);
  int64_t step = stepOf(*codes);
  mpy_text *text = newText(sizeOf(*codes));
  for (int64_t i = 0; i < text->length; ++i)
    text->bytes[i] = static_cast<char>(from[i * step]);
  return text;
}

mpy_text *mpy_string_join_list(const mpy_text *separator, const mpy_view *codes,
                               const mpy_view *ends) {
  const int32_t *from = static_cast<const int32_t *>(codes->data);
  const int64_t *end = static_cast<const int64_t *>(ends->data);
  int64_t step = stepOf(*codes), endStep = stepOf(*ends), count = sizeOf(*ends);
  int64_t total = count ? end[(count - 1) * endStep] + (count - 1) * separator->length : 0;
  mpy_text *text = newText(total);
  char *to = text->bytes;
  for (int64_t item = 0, i = 0; item < count; ++item) {
    if (item) {
      memcpy(to, separator->bytes, separator->length);
      to += separator->length;
    }
    for (; i < end[item * endStep]; ++i)
      *to++ = static_cast<char>(from[i * step]);
  }
  return text;
}

void mpy_string_ranks(const mpy_view *codes, const mpy_view *ends, void **data, int64_t *sizes) {
  const int32_t *bytes = static_cast<const int32_t *>(codes->data);
  const int64_t *end = static_cast<const int64_t *>(ends->data);
  int64_t step = stepOf(*codes), endStep = stepOf(*ends), count = sizeOf(*ends);
  auto begin = [&](int64_t item) { return item ? end[(item - 1) * endStep] : 0; };
  // < 0, 0, > 0 as the texts compare: bytes of UTF-8 are in the order of the characters.
  auto compare = [&](int64_t a, int64_t b) {
    int64_t i = begin(a), j = begin(b), iEnd = end[a * endStep], jEnd = end[b * endStep];
    for (; i < iEnd && j < jEnd; ++i, ++j)
      if (int32_t difference = bytes[i * step] - bytes[j * step])
        return difference;
    return (i < iEnd) - (j < jEnd);
  };
  int64_t *ranks = static_cast<int64_t *>(mpy_alloc(count * 8));
  int64_t *order = static_cast<int64_t *>(mpy_alloc(count * 8));
  for (int64_t i = 0; i < count; ++i)
    order[i] = i;
  std::sort(order, order + count, [&](int64_t a, int64_t b) { return compare(a, b) < 0; });
  for (int64_t i = 0; i < count; ++i)
    ranks[order[i]] = i && compare(order[i - 1], order[i]) == 0 ? ranks[order[i - 1]] : i;
  mpy_release(order);
  *data = ranks;
  sizes[0] = count;
}

/// The parts of a text, one after the other; `next` gives the next part from a position on, or says
/// that there is none.
template <typename Next>
static void splitInto(const mpy_text *text, Next next, void **codes, int64_t *size, void **ends,
                      int64_t *count) {
  int32_t *bytes = static_cast<int32_t *>(mpy_alloc(text->length * 4));
  // There are at most as many parts as bytes, and one.
  int64_t *last = static_cast<int64_t *>(mpy_alloc((text->length + 1) * 8));
  int64_t used = 0, parts = 0, from, to, at = 0;
  while (next(at, from, to)) {
    for (int64_t i = from; i < to; ++i)
      bytes[used++] = static_cast<unsigned char>(text->bytes[i]);
    last[parts++] = used;
  }
  *codes = bytes;
  *ends = last;
  size[0] = used;
  count[0] = parts;
}

static bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 28 && c <= 31); }

void mpy_string_words(const char *, int64_t, const mpy_text *text, void **codes, int64_t *size,
                      void **ends, int64_t *count) {
  splitInto(
      text,
      [&](int64_t &at, int64_t &from, int64_t &to) {
        while (at < text->length && isSpace(text->bytes[at]))
          ++at;
        from = at;
        while (at < text->length && !isSpace(text->bytes[at]))
          ++at;
        to = at;
        return from < to;
      },
      codes, size, ends, count);
}

void mpy_string_split(const char *file, int64_t line, const mpy_text *text,
                      const mpy_text *separator, void **codes, int64_t *size, void **ends,
                      int64_t *count) {
  if (separator->length == 0)
    mpy_raise_message(file, line, "ValueError", "empty separator");
  bool isDone = false;
  splitInto(
      text,
      [&](int64_t &at, int64_t &from, int64_t &to) {
        if (isDone)
          return false;
        from = at;
        const void *found =
            memmem(text->bytes + at, text->length - at, separator->bytes, separator->length);
        isDone = !found;
        to = found ? static_cast<const char *>(found) - text->bytes : text->length;
        at = to + separator->length;
        return true;
      },
      codes, size, ends, count);
}
