// np.savetxt: a vector or a matrix becomes lines of numbers, each printed by a conversion of the %
// operator; the format holds one conversion for all columns, or one for each.
#include "Elements.h"
#include "TextFiles.h"

namespace mpy {

// A format is literal text and conversions in turn; this finds the next conversion after `at`.
static bool nextConversion(View format, int64_t &at, View &literal, View &conversion) {
  int64_t start = at;
  while (at < format.size && format[at] != '%')
    ++at;
  literal = View(format.data + start, at - start);
  if (at == format.size)
    return false;
  start = ++at;
  while (at < format.size && !strchr("diuoxXeEfFgGcrsa%", format[at]))
    ++at;
  at += at < format.size;
  conversion = View(format.data + start, at - start);
  return true;
}

static void appendElement(Place place, TextBuilder &out, const mpy_view &array, int64_t offset,
                          View conversion) {
  mpy_text *spec = mpy_string_from(conversion.data, conversion.size);
  mpy_text *word;
  if (isFloatElement(array.dtype))
    word =
        mpy_percent_float(place.file, place.line, floatAt(array.data, array.dtype, offset), spec);
  else
    word =
        mpy_percent_int(place.file, place.line, integerAt(array.data, array.dtype, offset), spec);
  out.append(View(word));
  mpy_release(word);
  mpy_release(spec);
}

static void appendComment(TextBuilder &out, const mpy_text *text, const mpy_text *comments,
                          const mpy_text *newline) {
  if (!text || text->length == 0)
    return;
  out.append(View(comments));
  for (int64_t i = 0; i < text->length; ++i) {
    out.append(text->bytes[i]);
    if (text->bytes[i] == '\n')
      out.append(View(comments));
  }
  out.append(View(newline));
}

} // namespace mpy

using namespace mpy;

void mpy_savetxt(const char *file, int64_t line, const mpy_text *path, const mpy_view *array,
                 const mpy_text *format, const mpy_text *delimiter, const mpy_text *newline,
                 const mpy_text *header, const mpy_text *footer, const mpy_text *comments) {
  Place place = {file, line};
  if (array->rank == 0 || array->rank > 2)
    raise(place, "ValueError", "Expected 1D or 2D array, got %dD array instead", array->rank);
  int64_t rows = array->sizes[0], columns = array->rank == 2 ? array->sizes[1] : 1;
  int64_t rowStride = array->strides ? array->strides[0] : columns;
  int64_t columnStride = array->rank == 2 ? (array->strides ? array->strides[1] : 1) : 0;
  int64_t conversions = 0;
  for (int64_t i = 0; i < format->length; ++i)
    conversions += format->bytes[i] == '%';
  if (conversions != 1 && conversions != columns)
    raise(place, "ValueError", "fmt has wrong number of %% formats:  %.*s",
          static_cast<int>(format->length), format->bytes);
  TextBuilder out;
  appendComment(out, header, comments, newline);
  for (int64_t i = 0; i < rows; ++i) {
    int64_t at = 0;
    View literal("", 0), conversion("", 0);
    for (int64_t j = 0; j < columns; ++j) {
      if (conversions == 1) {
        at = 0;
        if (j > 0)
          out.append(View(delimiter));
      }
      if (nextConversion(format, at, literal, conversion)) {
        out.append(literal);
        appendElement(place, out, *array, i * rowStride + j * columnStride, conversion);
      }
      // What follows the only conversion belongs to every column.
      if (conversions == 1 || j + 1 == columns) {
        int64_t rest = at;
        nextConversion(format, rest, literal, conversion);
        out.append(literal);
      }
    }
    out.append(View(newline));
  }
  appendComment(out, footer, comments, newline);
  TextBuilder name;
  name.append(View(path));
  writeWholeFile(place, name.cString(), out.view());
}
