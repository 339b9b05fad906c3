// An array becomes the text that NumPy 2.4 prints, str or repr, with its printing options.
//
// As in NumPy, a first look at all elements that will be shown decides one format for the whole
// array (exponents or not, digits left and right of the point); then rows are laid out, wrapped at
// the line width, and summarised with `...` above the threshold.
//
//   array([1.e+00, 2.e+08])      array([[ True, False],
//                                       [False, False]])
#include "Elements.h"
#include "TextBuilder.h"

#include <cmath>

namespace mpy {

namespace {

/// One format for all elements of an array.
struct ElementFormat {
  int32_t dtype;
  bool scalar;
  bool exponents = false;
  int64_t precision = 8;
  int64_t left = 0;
  int64_t right = 0;
  int64_t exponentDigits = 0;
  int64_t integerWidth = 0;
};

/// What decides the format, gathered over the elements that are shown.
struct Survey {
  double largest = 0;
  double smallest = INFINITY;
  int64_t highest = 0;
  int64_t lowest = 0;
  int largeWidth = 1; // of elements that are no int64
  bool finite = false;
  bool special = false;
  bool negativeInfinity = false;
};

/// A decimal without sign: the digits before the point, behind it, and the exponent's digits.
struct Decimal {
  TextBuilder whole;
  TextBuilder fraction;
  TextBuilder exponent;
};

class ArrayPrinter {
public:
  /// With the printer of the imaginary parts, `array` has the real parts of complex numbers; both
  /// are dense.
  ArrayPrinter(const mpy_view &array, const PrintOptions &options, bool repr,
               ArrayPrinter *imaginary = nullptr);
  mpy_text *print();

private:
  bool single() const { return array.dtype == MPY_FLOAT32; }
  bool floating() const { return isFloatElement(array.dtype); }
  double floatAt(int64_t offset) const { return mpy::floatAt(array.data, array.dtype, offset); }
  int64_t integerAt(int64_t offset) const {
    return mpy::integerAt(array.data, array.dtype, offset);
  }

  /// Calls `visit` with the offset of every element that is shown.
  template <typename Visit> void forEachShown(int32_t axis, int64_t offset, Visit visit) const;
  void chooseFormat();
  void chooseFloatFormat(const Survey &survey);
  void makeDecimal(double value, bool first, Decimal &decimal) const;
  void appendElement(TextBuilder &word, int64_t offset) const;
  void appendFloatElement(TextBuilder &word, double value) const;
  void appendImaginary(TextBuilder &word, int64_t offset) const;
  void appendRow(TextBuilder &text, int64_t offset, int64_t indent, int64_t width) const;
  void appendAxis(TextBuilder &text, int32_t axis, int64_t offset, int64_t indent,
                  int64_t width) const;
  void appendExtras(TextBuilder &text) const;

  const mpy_view &array;
  PrintOptions options;
  bool repr;
  ArrayPrinter *imaginary;
  bool signs = false; // of positive numbers too
  int64_t size = 1;
  bool summarised;
  int64_t strides[64];
  ElementFormat format;
};

} // namespace

ArrayPrinter::ArrayPrinter(const mpy_view &array, const PrintOptions &options, bool repr,
                           ArrayPrinter *imaginary)
    : array(array), options(options), repr(repr), imaginary(imaginary) {
  if (imaginary)
    imaginary->signs = true;
  int64_t dense = 1;
  for (int32_t i = array.rank - 1; i >= 0; --i) {
    strides[i] = array.strides ? array.strides[i] : dense;
    dense *= array.sizes[i];
  }
  size = dense;
  summarised = size > options.threshold;
  format.dtype = array.dtype;
  format.scalar = array.rank == 0;
}

template <typename Visit>
void ArrayPrinter::forEachShown(int32_t axis, int64_t offset, Visit visit) const {
  if (axis == array.rank) {
    visit(offset);
    return;
  }
  int64_t length = array.sizes[axis];
  bool skips = summarised && 2 * options.edgeItems < length;
  for (int64_t i = 0; i < length; ++i) {
    if (skips && i == options.edgeItems)
      i = length - options.edgeItems;
    if (i < length)
      forEachShown(axis + 1, offset + i * strides[axis], visit);
  }
}

// Digits of a finite value as NumPy's dragon4 gives them: the shortest that are unique, or rounded
// exactly where there are more than `precision` behind the point. The first look trims zeros; the
// second, with exponents, prints exactly `precision` digits.
void ArrayPrinter::makeDecimal(double value, bool first, Decimal &decimal) const {
  value = std::fabs(value);
  int precision = static_cast<int>(format.precision);
  Digits digits = shortestDigits(value, single());
  View all(digits.digits, digits.count);
  decimal.whole.clear();
  decimal.fraction.clear();
  decimal.exponent.clear();
  int64_t places = format.exponents ? digits.count - 1 : digits.count - digits.point;
  bool exact = places > precision || (format.exponents && !first && places < precision);
  if (exact) {
    TextBuilder rounded;
    rounded.appendFormat(format.exponents ? "%.*e" : "%.*f", precision, value);
    const char *text = rounded.cString();
    const char *mark = strchr(text, 'e');
    const char *end = mark ? mark : text + rounded.size();
    const char *point = static_cast<const char *>(memchr(text, '.', end - text));
    decimal.whole.append(View(text, (point ? point : end) - text));
    if (point)
      decimal.fraction.append(View(point + 1, end - point - 1));
    if (mark)
      decimal.exponent.append(mark + 1);
  } else if (format.exponents) {
    decimal.whole.append(all[0]);
    decimal.fraction.append(View(all.data + 1, all.size - 1));
    int exponent = value == 0 ? 0 : digits.point - 1;
    decimal.exponent.appendFormat("%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
  } else if (digits.point <= 0) {
    decimal.whole.append('0');
    decimal.fraction.append(View("0", 1), -digits.point);
    decimal.fraction.append(all);
  } else {
    int64_t whole = digits.point < digits.count ? digits.point : digits.count;
    decimal.whole.append(View(all.data, whole));
    decimal.whole.append(View("0", 1), digits.point - whole);
    decimal.fraction.append(View(all.data + whole, all.size - whole));
  }
  if (first || !format.exponents)
    while (decimal.fraction.size() > 0 &&
           decimal.fraction.data()[decimal.fraction.size() - 1] == '0')
      decimal.fraction.resize(decimal.fraction.size() - 1);
}

void ArrayPrinter::chooseFormat() {
  if (imaginary)
    imaginary->chooseFormat();
  format.precision = options.precision;
  if (array.dtype == MPY_BOOL)
    return;
  Survey survey;
  forEachShown(0, 0, [&](int64_t offset) {
    if (!floating()) {
      int64_t value = integerAt(offset);
      if (array.dtype == MPY_UINT64 && value < 0) {
        int width = static_cast<unsigned long long>(value) < 10000000000000000000u ? 19 : 20;
        survey.largeWidth = width > survey.largeWidth ? width : survey.largeWidth;
        return;
      }
      survey.highest = value > survey.highest ? value : survey.highest;
      survey.lowest = value < survey.lowest ? value : survey.lowest;
      return;
    }
    double value = floatAt(offset);
    if (!std::isfinite(value)) {
      survey.special = true;
      survey.negativeInfinity |= value < 0;
      return;
    }
    survey.finite = true;
    double magnitude = std::fabs(value);
    if (magnitude != 0) {
      survey.largest = magnitude > survey.largest ? magnitude : survey.largest;
      survey.smallest = magnitude < survey.smallest ? magnitude : survey.smallest;
    }
  });
  if (floating()) {
    chooseFloatFormat(survey);
    return;
  }
  char text[32];
  int high = snprintf(text, sizeof text, "%lld", static_cast<long long>(survey.highest));
  int low = snprintf(text, sizeof text, "%lld", static_cast<long long>(survey.lowest));
  format.integerWidth = high > low ? high : low;
  if (survey.largeWidth > format.integerWidth)
    format.integerWidth = survey.largeWidth;
}

void ArrayPrinter::chooseFloatFormat(const Survey &survey) {
  if (survey.largest > 0) {
    // NumPy compares in the type of the array.
    bool wide =
        single()
            ? static_cast<float>(survey.largest) / static_cast<float>(survey.smallest) > 1000.0f
            : survey.largest / survey.smallest > 1000.0;
    bool tiny = survey.smallest < (single() ? static_cast<double>(0.0001f) : 0.0001);
    format.exponents =
        survey.largest >= (single() ? 1e6 : 1e8) || (!options.suppress && (tiny || wide));
  }
  if (survey.finite) {
    int64_t fraction = 0;
    forEachShown(0, 0, [&](int64_t offset) {
      double value = floatAt(offset);
      if (!std::isfinite(value))
        return;
      Decimal decimal;
      makeDecimal(value, true, decimal);
      int64_t whole = decimal.whole.size() + (signs || std::signbit(value));
      format.left = whole > format.left ? whole : format.left;
      fraction = decimal.fraction.size() > fraction ? decimal.fraction.size() : fraction;
      int64_t exponent = decimal.exponent.size() - 1;
      format.exponentDigits = exponent > format.exponentDigits ? exponent : format.exponentDigits;
    });
    format.right = format.exponents ? format.exponentDigits + 2 + fraction : fraction;
    if (format.exponents)
      format.precision = fraction;
  }
  if (survey.special) {
    int64_t offset = format.right + 1;
    int64_t needed = 3 + (signs || survey.negativeInfinity) - offset;
    format.left = needed > format.left ? needed : format.left;
  }
}

void ArrayPrinter::appendFloatElement(TextBuilder &word, double value) const {
  if (!std::isfinite(value)) {
    const char *name = value != value ? (signs ? "+nan" : "nan")
                       : value < 0    ? "-inf"
                                      : (signs ? "+inf" : "inf");
    word.appendSpaces(format.left + format.right + 1 - static_cast<int64_t>(strlen(name)));
    word.append(name);
    return;
  }
  Decimal decimal;
  makeDecimal(value, false, decimal);
  bool isNegative = std::signbit(value);
  word.appendSpaces(format.left - decimal.whole.size() - (signs || isNegative));
  if (signs || isNegative)
    word.append(isNegative ? '-' : '+');
  word.append(decimal.whole.view());
  word.append('.');
  word.append(decimal.fraction.view());
  if (!format.exponents) {
    word.appendSpaces(format.right - decimal.fraction.size());
    return;
  }
  View exponent = decimal.exponent.view();
  word.append('e');
  word.append(exponent[0]);
  word.append(View("0", 1), format.exponentDigits - (exponent.size - 1));
  word.append(View(exponent.data + 1, exponent.size - 1));
}

void ArrayPrinter::appendElement(TextBuilder &word, int64_t offset) const {
  if (array.dtype == MPY_BOOL)
    word.append(integerAt(offset) ? (format.scalar ? "True" : " True") : "False");
  else if (floating())
    appendFloatElement(word, floatAt(offset));
  else
    word.appendFormat(array.dtype == MPY_UINT64 ? "%*llu" : "%*lld",
                      static_cast<int>(format.integerWidth),
                      static_cast<long long>(integerAt(offset)));
  if (imaginary)
    appendImaginary(word, offset);
}

// `j` stands behind the digits, before the blanks that fill the column.
void ArrayPrinter::appendImaginary(TextBuilder &word, int64_t offset) const {
  int64_t end = word.size();
  imaginary->appendFloatElement(word, imaginary->floatAt(offset));
  int64_t blanks = 0;
  while (word.size() - blanks > end && word.data()[word.size() - blanks - 1] == ' ')
    ++blanks;
  word.resize(word.size() - blanks);
  word.append('j');
  word.appendSpaces(blanks);
}

// The last axis: words with separators, wrapped where the next one would not fit.
void ArrayPrinter::appendRow(TextBuilder &text, int64_t offset, int64_t indent,
                             int64_t width) const {
  const char *separator = repr ? ", " : " ";
  // The closing bracket, or the comma, needs one more column.
  int64_t lineWidth = width - 1;
  int64_t length = array.sizes[array.rank - 1], stride = strides[array.rank - 1];
  // The caller has written the indent and the bracket stands for its last column.
  int64_t column = indent;
  auto appendWord = [&](View word) {
    if (column + word.size > lineWidth && column > indent) {
      while (text.data()[text.size() - 1] == ' ')
        text.resize(text.size() - 1);
      text.append('\n');
      text.appendSpaces(indent);
      column = indent;
    }
    text.append(word);
    column += word.size;
  };
  bool skips = summarised && 2 * options.edgeItems < length;
  TextBuilder word;
  for (int64_t i = 0; i < length; ++i) {
    if (skips && i == options.edgeItems) {
      appendWord("...");
      text.append(separator);
      column += static_cast<int64_t>(strlen(separator));
      i = length - options.edgeItems;
    }
    if (i >= length)
      break;
    word.clear();
    appendElement(word, offset + i * stride);
    appendWord(word.view());
    if (i + 1 < length) {
      text.append(separator);
      column += static_cast<int64_t>(strlen(separator));
    }
  }
}

void ArrayPrinter::appendAxis(TextBuilder &text, int32_t axis, int64_t offset, int64_t indent,
                              int64_t width) const {
  if (axis == array.rank) {
    appendElement(text, offset);
    return;
  }
  text.append('[');
  if (axis == array.rank - 1) {
    appendRow(text, offset, indent, width);
    text.append(']');
    return;
  }
  int64_t length = array.sizes[axis];
  bool skips = summarised && 2 * options.edgeItems < length;
  auto endItem = [&] {
    if (repr)
      text.append(',');
    text.append(View("\n", 1), array.rank - axis - 1);
    text.appendSpaces(indent);
  };
  for (int64_t i = 0; i < length; ++i) {
    if (skips && i == options.edgeItems) {
      text.append("...");
      endItem();
      i = length - options.edgeItems;
    }
    if (i >= length)
      break;
    appendAxis(text, axis + 1, offset + i * strides[axis], indent + 1, width - 1);
    if (i + 1 < length)
      endItem();
  }
  text.append(']');
}

// Shape and type, where the numbers do not tell them; on a line of their own if they do not fit.
void ArrayPrinter::appendExtras(TextBuilder &text) const {
  const char *name = elementTypes[array.dtype].name;
  if (imaginary)
    name = single() ? "complex64" : "complex128";
  TextBuilder extras;
  bool flatEmpty = array.rank == 1 && array.sizes[0] == 0;
  if ((size == 0 && !flatEmpty) || size > options.threshold) {
    extras.append("shape=(");
    for (int32_t i = 0; i < array.rank; ++i) {
      if (i > 0)
        extras.append(", ");
      extras.appendInt(array.sizes[i]);
    }
    extras.append(array.rank == 1 ? ",)" : ")");
  }
  if (size == 0 ||
      (array.dtype != MPY_BOOL && array.dtype != MPY_INT64 && array.dtype != MPY_FLOAT64)) {
    if (extras.size() > 0)
      extras.append(", ");
    extras.append("dtype=");
    extras.append(name);
  }
  if (extras.size() == 0) {
    text.append(')');
    return;
  }
  extras.append(')');
  text.append(',');
  int64_t lastLine = 0;
  while (lastLine < text.size() && text.data()[text.size() - 1 - lastLine] != '\n')
    ++lastLine;
  if (lastLine + extras.size() + 1 > options.lineWidth)
    text.append("\n      ");
  else
    text.append(' ');
  text.append(extras.view());
}

mpy_text *ArrayPrinter::print() {
  TextBuilder text;
  int64_t indent = 1, width = options.lineWidth;
  if (repr) {
    text.append("array(");
    indent += 6;
    width -= 1;
  }
  if (size == 0) {
    text.append("[]");
  } else {
    chooseFormat();
    appendAxis(text, 0, 0, indent, width);
  }
  if (repr)
    appendExtras(text);
  return text.finish();
}

/// The elements of an array one behind the other, whatever its strides were.
class Dense {
public:
  explicit Dense(const mpy_view &array) : view(array) {
    int64_t size = 1, step = elementTypes[array.dtype].bytes;
    for (int32_t i = 0; i < array.rank; ++i)
      size *= array.sizes[i];
    elements = static_cast<char *>(allocateRaw(size * step + 1));
    char *to = elements;
    if (size > 0)
      copy(array, 0, 0, step, to);
    view.data = elements;
    view.strides = nullptr;
  }
  ~Dense() { freeRaw(elements); }
  Dense(const Dense &) = delete;
  Dense &operator=(const Dense &) = delete;
  mpy_view view;

private:
  static void copy(const mpy_view &array, int32_t axis, int64_t offset, int64_t step, char *&to) {
    if (axis == array.rank) {
      memcpy(to, static_cast<const char *>(array.data) + offset * step, step);
      to += step;
      return;
    }
    int64_t stride = 1;
    for (int32_t i = axis + 1; i < array.rank; ++i)
      stride *= array.sizes[i];
    stride = array.strides ? array.strides[axis] : stride;
    for (int64_t i = 0; i < array.sizes[axis]; ++i)
      copy(array, axis + 1, offset + i * stride, step, to);
  }
  char *elements;
};

static mpy_text *scalarText(const mpy_view &array) {
  switch (array.dtype) {
  case MPY_BOOL:
    return mpy_str_bool(*static_cast<const int8_t *>(array.data));
  case MPY_UINT64:
    return mpy_str_uint64(integerAt(array.data, array.dtype, 0));
  case MPY_FLOAT32:
    return mpy_str_float32(*static_cast<const float *>(array.data));
  case MPY_FLOAT64:
    return mpy_str_float64(*static_cast<const double *>(array.data));
  default:
    return mpy_str_int(integerAt(array.data, array.dtype, 0));
  }
}

} // namespace mpy

using namespace mpy;

mpy_text *mpy_array_str(const mpy_view *array) {
  if (array->rank == 0)
    return scalarText(*array);
  return ArrayPrinter(*array, context().print, false).print();
}

mpy_text *mpy_array_repr(const mpy_view *array) {
  return ArrayPrinter(*array, context().print, true).print();
}

static mpy_view withType(const mpy_view *array, int64_t dtype) {
  mpy_view view = *array;
  view.dtype = static_cast<int32_t>(dtype);
  return view;
}

mpy_text *mpy_unsigned_str(const mpy_view *array, int64_t dtype) {
  mpy_view view = withType(array, dtype);
  return mpy_array_str(&view);
}

mpy_text *mpy_unsigned_repr(const mpy_view *array, int64_t dtype) {
  mpy_view view = withType(array, dtype);
  return mpy_array_repr(&view);
}

mpy_text *mpy_array_string(const mpy_view *array, int64_t precision, int8_t suppress) {
  PrintOptions options = context().print;
  if (precision >= 0)
    options.precision = precision;
  options.suppress = suppress;
  return ArrayPrinter(*array, options, false).print();
}

mpy_text *mpy_complex_array_text(const mpy_view *real, const mpy_view *imaginary, int8_t repr) {
  Dense x(*real), y(*imaginary);
  ArrayPrinter second(y.view, context().print, false);
  return ArrayPrinter(x.view, context().print, repr, &second).print();
}

void mpy_push_print_options(void) {
  Context &here = context();
  if (here.savedCount < Context::mostSaved)
    here.saved[here.savedCount] = here.print;
  ++here.savedCount;
}

void mpy_pop_print_options(void) {
  Context &here = context();
  if (--here.savedCount < Context::mostSaved)
    here.print = here.saved[here.savedCount];
}

void mpy_set_print_options(int64_t precision, int64_t threshold, int64_t edgeItems,
                           int64_t lineWidth, int64_t suppress) {
  auto change = [](int64_t &option, int64_t wanted) {
    if (wanted >= 0)
      option = wanted;
  };
  PrintOptions &print = context().print;
  change(print.precision, precision);
  change(print.threshold, threshold);
  change(print.edgeItems, edgeItems);
  change(print.lineWidth, lineWidth);
  if (suppress >= 0)
    print.suppress = suppress != 0;
}
