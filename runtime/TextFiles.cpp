// np.loadtxt and np.genfromtxt: lines of separated numbers become a float64 matrix. Both walk the
// same lines; loadtxt wants every field to be a number and every row as long as the first,
// genfromtxt reads what is no number as nan and reports all rows of another length together.
#include "TextFiles.h"
#include "Elements.h"

#include <cerrno>
#include <cmath>

namespace mpy {

namespace {

/// A growing list of numbers, in memory that becomes the result.
struct Numbers {
  double *values = nullptr;
  int64_t count = 0;
  int64_t capacity = 0;

  void append(double value) {
    if (count == capacity) {
      capacity = capacity ? capacity * 2 : 1024;
      double *moved = static_cast<double *>(mpy_alloc(capacity * 8));
      if (values)
        memcpy(moved, values, count * 8);
      mpy_release(values);
      values = moved;
    }
    values[count++] = value;
  }
};

/// The fields of one line.
struct Fields {
  View *fields = nullptr;
  int64_t count = 0;
  int64_t capacity = 0;

  Fields() = default;
  ~Fields() { freeRaw(fields); }
  Fields(const Fields &) = delete;
  Fields &operator=(const Fields &) = delete;
  void append(View field) {
    if (count == capacity) {
      capacity = capacity ? capacity * 2 : 64;
      fields = static_cast<View *>(reallocateRaw(fields, capacity * sizeof(View)));
    }
    fields[count++] = field;
  }
};

/// The lines of a text, one after the other.
struct Lines {
  View text;
  int64_t at = 0;

  bool next(View &line) {
    if (at >= text.size)
      return false;
    int64_t start = at;
    while (at < text.size && text[at] != '\n' && text[at] != '\r')
      ++at;
    line = View(text.data + start, at - start);
    if (at + 1 < text.size && text[at] == '\r' && text[at + 1] == '\n')
      ++at;
    ++at;
    return true;
  }
};

/// Which columns to take: all, or these.
struct Columns {
  const mpy_view *array;

  int64_t count() const { return array->rank == 0 ? 1 : array->sizes[0]; }
  int64_t operator[](int64_t index) const {
    int64_t stride = array->rank > 0 && array->strides ? array->strides[0] : 1;
    return integerAt(array->data, array->dtype, index * stride);
  }
};

} // namespace

static bool isBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static View beforeComment(View line, const mpy_text *comments) {
  if (!comments || comments->length == 0)
    return line;
  const void *found = memmem(line.data, line.size, comments->bytes, comments->length);
  return found ? View(line.data, static_cast<const char *>(found) - line.data) : line;
}

static void split(View line, const mpy_text *delimiter, Fields &fields) {
  fields.count = 0;
  int64_t at = 0;
  if (!delimiter || delimiter->length == 0) {
    while (true) {
      while (at < line.size && isBlank(line[at]))
        ++at;
      if (at == line.size)
        return;
      int64_t start = at;
      while (at < line.size && !isBlank(line[at]))
        ++at;
      fields.append(View(line.data + start, at - start));
    }
  }
  while (true) {
    const void *found = memmem(line.data + at, line.size - at, delimiter->bytes, delimiter->length);
    int64_t end = found ? static_cast<const char *>(found) - line.data : line.size;
    fields.append(View(line.data + at, end - at));
    if (!found)
      return;
    at = end + delimiter->length;
  }
}

static View stripOf(View text, const char *characters) {
  while (text.size > 0 && strchr(characters, text[0]) && text[0])
    text = View(text.data + 1, text.size - 1);
  while (text.size > 0 && strchr(characters, text[text.size - 1]) && text[text.size - 1])
    text = View(text.data, text.size - 1);
  return text;
}

static void readLines(Place place, const mpy_text *path, FileBytes &content) {
  TextBuilder name;
  name.append(View(path));
  bool compressed = name.size() > 3 && memcmp(name.data() + name.size() - 3, ".gz", 3) == 0;
  if (!content.read(place, name.cString())) {
    int error = errno;
    // NumPy looks for a compressed file beside it.
    TextBuilder beside;
    beside.append(name.view());
    beside.append(".gz");
    if (error != ENOENT)
      raiseFileError(place, error, name.cString());
    if (!content.read(place, beside.cString()))
      raise(place, "FileNotFoundError", "%s not found.", name.cString());
    compressed = true;
  }
  if (compressed)
    content.decompress(place, name.cString());
}

// Gives the numbers to the caller; returns the rank after NumPy's squeeze.
static int64_t finish(Numbers &numbers, int64_t rows, int64_t emptyColumns, void **data,
                      int64_t *sizes) {
  if (!numbers.values)
    numbers.values = static_cast<double *>(mpy_alloc(0));
  int64_t columns = rows > 0 ? numbers.count / rows : emptyColumns;
  *data = numbers.values;
  sizes[0] = rows;
  sizes[1] = columns;
  if (rows == 0)
    return columns > 1 ? 2 : 1;
  return (rows != 1) + (columns != 1);
}

static double readStrict(Place place, View field, int64_t row, int64_t column) {
  double value;
  if (parseDecimal(field, false, value))
    return value;
  mpy_text *text = mpy_string_from(field.data, field.size);
  mpy_text *quoted = mpy_repr_string(text);
  raise(place, "ValueError", "could not convert string %.*s to float64 at row %lld, column %lld.",
        static_cast<int>(quoted->length), quoted->bytes, static_cast<long long>(row),
        static_cast<long long>(column + 1));
}

// A row of genfromtxt in another length than the first.
struct BadRow {
  int64_t line;
  int64_t count;
};

[[noreturn]] static void raiseBadRows(Place place, const BadRow *rows, int64_t count,
                                      int64_t expected) {
  TextBuilder text;
  text.append("Some errors were detected !");
  for (int64_t i = 0; i < count; ++i)
    text.appendFormat("\n    Line #%lld (got %lld columns instead of %lld)",
                      static_cast<long long>(rows[i].line), static_cast<long long>(rows[i].count),
                      static_cast<long long>(expected));
  mpy_raise_message(place.file, place.line, "ValueError", text.cString());
}

} // namespace mpy

using namespace mpy;

int64_t mpy_loadtxt(const char *file, int64_t line, const mpy_text *path, const mpy_text *delimiter,
                    const mpy_text *comments, int64_t skipRows, int64_t maxRows,
                    const mpy_view *columns, void **data, int64_t *sizes) {
  if (columns && Columns{columns}.count() == 0)
    columns = nullptr;
  Place place = {file, line};
  FileBytes content;
  readLines(place, path, content);
  Lines lines = {content.view()};
  View current("", 0);
  for (int64_t i = 0; i < skipRows && lines.next(current); ++i)
    ;
  Numbers numbers;
  Fields fields;
  int64_t rows = 0, width = -1;
  while ((maxRows < 0 || rows < maxRows) && lines.next(current)) {
    split(beforeComment(current, comments), delimiter, fields);
    // A line without anything is no row.
    if (fields.count == 0 || (fields.count == 1 && fields.fields[0].size == 0))
      continue;
    if (width < 0)
      width = fields.count;
    if (!columns && fields.count != width)
      raise(place, "ValueError",
            "the number of columns changed from %lld to %lld at row %lld; use `usecols` to select "
            "a subset and avoid this error",
            static_cast<long long>(width), static_cast<long long>(fields.count),
            static_cast<long long>(rows + 1));
    for (int64_t i = 0, count = columns ? Columns{columns}.count() : width; i < count; ++i) {
      int64_t wanted = columns ? Columns{columns}[i] : i;
      int64_t column = wanted < 0 ? wanted + fields.count : wanted;
      if (column < 0 || column >= fields.count)
        raise(place, "ValueError", "invalid column index %lld at row %lld with %lld columns",
              static_cast<long long>(wanted), static_cast<long long>(rows + 1),
              static_cast<long long>(fields.count));
      numbers.append(readStrict(place, fields.fields[column], rows, column));
    }
    ++rows;
  }
  return finish(numbers, rows, columns ? Columns{columns}.count() : 0, data, sizes);
}

int64_t mpy_genfromtxt(const char *file, int64_t line, const mpy_text *path,
                       const mpy_text *delimiter, const mpy_text *comments, int64_t skipHeader,
                       int64_t skipFooter, const mpy_view *columns, void **data, int64_t *sizes) {
  if (columns && Columns{columns}.count() == 0)
    columns = nullptr;
  Place place = {file, line};
  FileBytes content;
  readLines(place, path, content);
  Lines lines = {content.view()};
  View current("", 0);
  for (int64_t i = 0; i < skipHeader && lines.next(current); ++i)
    ;
  Numbers numbers;
  Fields fields;
  BadRow *bad = nullptr;
  int64_t badCount = 0, rows = 0, width = -1, firstCount = 0, number = skipHeader;
  while (lines.next(current)) {
    View kept = stripOf(beforeComment(current, comments), " \r\n");
    if (width >= 0)
      ++number;
    if (kept.size == 0)
      continue;
    split(kept, delimiter, fields);
    if (fields.count == 0)
      continue;
    if (width < 0) {
      width = columns ? Columns{columns}.count() : fields.count;
      firstCount = fields.count;
      ++number;
    }
    bool good = columns || fields.count == width;
    for (int64_t i = 0; columns && i < width; ++i) {
      // NumPy resolves negative columns by the first row.
      int64_t column = Columns{columns}[i];
      column += column < 0 ? firstCount : 0;
      good &= column < fields.count && column >= 0;
    }
    if (!good) {
      bad = static_cast<BadRow *>(reallocateRaw(bad, (badCount + 1) * sizeof(BadRow)));
      bad[badCount++] = {number, fields.count};
      continue;
    }
    for (int64_t i = 0; i < width; ++i) {
      int64_t column = columns ? Columns{columns}[i] : i;
      double value;
      if (!parseDecimal(fields.fields[column < 0 ? column + firstCount : column], true, value))
        value = NAN;
      numbers.append(value);
    }
    ++rows;
  }
  int64_t total = rows + badCount - skipFooter;
  // Bad rows of the footer do not count.
  while (skipFooter > 0 && badCount > 0 && bad[badCount - 1].line > total + skipHeader)
    --badCount;
  if (badCount > 0)
    raiseBadRows(place, bad, badCount, width);
  freeRaw(bad);
  if (skipFooter > 0) {
    int64_t left = rows > skipFooter ? rows - skipFooter : 0;
    numbers.count = rows > 0 ? numbers.count / rows * left : 0;
    rows = left;
  }
  return finish(numbers, rows, 0, data, sizes);
}
