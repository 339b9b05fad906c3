// Python's format(value, specification):
// [[fill]align][sign][z][#][0][width][grouping][.precision][type]. The specification is parsed once
// into a record; a value becomes sign, prefix, whole digits and a rest, and one function lays these
// out with grouping and padding, as CPython does.
#include "TextBuilder.h"

#include <climits>
#include <cmath>

namespace mpy {

namespace {

struct Specification {
  View fill = View(" ", 1);
  char align;
  char sign = 0;
  bool noNegativeZero = false;
  bool alternate = false;
  int64_t width = -1;
  char grouping = 0;
  int64_t precision = -1;
  uint32_t type;
};

/// What a number consists of, in the order of its text.
struct Parts {
  char sign = 0;
  View prefix = View("", 0);
  View whole = View("", 0);
  View rest = View("", 0);
};

} // namespace

static bool isAlign(char c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

static int64_t parseNumber(Place place, View text, int64_t &at) {
  if (at >= text.size || text[at] < '0' || text[at] > '9')
    return -1;
  int64_t value = 0;
  for (; at < text.size && text[at] >= '0' && text[at] <= '9'; ++at)
    if (__builtin_mul_overflow(value, int64_t(10), &value) ||
        __builtin_add_overflow(value, int64_t(text[at] - '0'), &value))
      raise(place, "ValueError", "Too many decimal digits in format string");
  return value;
}

[[noreturn]] static void failGrouping(Place place, char grouping, uint32_t type) {
  if (type > 32 && type < 128)
    raise(place, "ValueError", "Cannot specify '%c' with '%c'.", grouping, static_cast<char>(type));
  raise(place, "ValueError", "Cannot specify '%c' with '\\x%x'.", grouping, type);
}

static Specification parseSpecification(Place place, View text, uint32_t defaultType,
                                        char defaultAlign, const char *typeName) {
  Specification result;
  result.align = defaultAlign;
  result.type = defaultType;
  int64_t at = 0;
  bool fillGiven = false, alignGiven = false;
  int64_t first = text.size > 0 ? sequenceLength(text[0]) : 0;
  if (text.size > first && first > 0 && isAlign(text[first])) {
    result.fill = View(text.data, first);
    result.align = text[first];
    fillGiven = alignGiven = true;
    at = first + 1;
  } else if (text.size > 0 && isAlign(text[0])) {
    result.align = text[0];
    alignGiven = true;
    at = 1;
  }
  auto take = [&](char c) {
    bool found = at < text.size && text[at] == c;
    at += found;
    return found;
  };
  if (at < text.size && (text[at] == ' ' || text[at] == '+' || text[at] == '-'))
    result.sign = text[at++];
  result.noNegativeZero = take('z');
  result.alternate = take('#');
  if (!fillGiven && take('0')) {
    result.fill = View("0", 1);
    if (!alignGiven && defaultAlign == '>')
      result.align = '=';
  }
  result.width = parseNumber(place, text, at);
  if (take(','))
    result.grouping = ',';
  if (at < text.size && text[at] == '_') {
    if (result.grouping)
      raise(place, "ValueError", "Cannot specify both ',' and '_'.");
    result.grouping = '_';
    ++at;
  }
  if (at < text.size && text[at] == ',' && result.grouping == '_')
    raise(place, "ValueError", "Cannot specify both ',' and '_'.");
  if (take('.')) {
    result.precision = parseNumber(place, text, at);
    if (result.precision < 0)
      raise(place, "ValueError", "Format specifier missing precision");
  }
  if (at < text.size) {
    int64_t end = at;
    uint32_t type = readPoint(text, end);
    if (end < text.size)
      raise(place, "ValueError", "Invalid format specifier '%.*s' for object of type '%s'",
            static_cast<int>(text.size), text.data, typeName);
    result.type = type;
  }
  if (result.grouping) {
    uint32_t type = result.type;
    bool plain = type == 0 || (type < 128 && strchr("defgEG%F", static_cast<int>(type)));
    bool based = type > 0 && type < 128 && strchr("boxX", static_cast<int>(type));
    if (!plain && !(based && result.grouping == '_'))
      failGrouping(place, result.grouping, type);
  }
  if (result.width > INT_MAX || result.precision > INT_MAX)
    raise(place, "ValueError", "Too many decimal digits in format string");
  return result;
}

[[noreturn]] static void failType(Place place, uint32_t type, const char *typeName) {
  if (type > 32 && type < 128)
    raise(place, "ValueError", "Unknown format code '%c' for object of type '%s'",
          static_cast<char>(type), typeName);
  raise(place, "ValueError", "Unknown format code '\\x%x' for object of type '%s'", type, typeName);
}

// The whole digits with separators, padded with zeros to at least `least` characters.
static void appendGrouped(TextBuilder &builder, View digits, char separator, int64_t group,
                          int64_t least) {
  TextBuilder reversed;
  int64_t remaining = digits.size;
  bool follow = false;
  while (true) {
    int64_t wanted = remaining > least ? remaining : least;
    int64_t length = wanted < 1 ? 1 : wanted;
    if (separator && length > group)
      length = group;
    if (follow)
      reversed.append(separator);
    for (int64_t i = 0; i < length; ++i)
      reversed.append(i < remaining ? digits[remaining - 1 - i] : '0');
    follow = true;
    remaining -= length;
    least -= length;
    if (remaining <= 0 && least <= 0)
      break;
    least -= 1;
  }
  for (int64_t i = reversed.size() - 1; i >= 0; --i)
    builder.append(reversed.data()[i]);
}

static mpy_text *layOut(const Specification &spec, const Parts &parts) {
  bool hex = spec.type < 128 && spec.type > 0 && strchr("boxX", static_cast<int>(spec.type));
  char sign = parts.sign ? parts.sign : spec.sign == '+' || spec.sign == ' ' ? spec.sign : char(0);
  int64_t around = (sign != 0) + parts.prefix.size + countPoints(parts.rest);
  TextBuilder whole;
  if (parts.whole.size > 0) {
    bool zeros = spec.align == '=' && spec.fill == View("0", 1);
    appendGrouped(whole, parts.whole, spec.grouping, hex ? 4 : 3, zeros ? spec.width - around : 0);
  }
  int64_t padding = spec.width - around - whole.size();
  if (padding < 0)
    padding = 0;
  int64_t left = spec.align == '>' ? padding : spec.align == '^' ? padding / 2 : 0;
  int64_t inside = spec.align == '=' ? padding : 0;
  TextBuilder builder;
  builder.append(spec.fill, left);
  if (sign)
    builder.append(sign);
  builder.append(parts.prefix);
  builder.append(spec.fill, inside);
  builder.append(whole.view());
  builder.append(parts.rest);
  builder.append(spec.fill, padding - left - inside);
  return builder.finish();
}

// 'g' as str(x) uses it under a precision: an exponent already where no digit would follow the
// point.
static void appendGeneralWithPoint(TextBuilder &builder, double value, int precision,
                                   bool alternate) {
  if (precision == 0)
    precision = 1;
  TextBuilder digits;
  digits.appendFormat("%.*e", precision - 1, value);
  const char *all = digits.cString();
  int point = atoi(strchr(all, 'e') + 1) + 1;
  if (point <= -4 || point > precision - 1) {
    const char *mark = strchr(all, 'e');
    int64_t end = mark - all;
    if (!alternate && memchr(all, '.', end))
      while (all[end - 1] == '0' || all[end - 1] == '.') {
        bool dot = all[end - 1] == '.';
        --end;
        if (dot)
          break;
      }
    builder.append(View(all, end));
    if (alternate && end == 1)
      builder.append('.');
    builder.append(mark);
    return;
  }
  digits.clear();
  appendConversion(digits, value, 'g', precision, alternate);
  builder.append(digits.view());
  if (!memchr(digits.data(), '.', digits.size()))
    builder.append(".0");
}

static mpy_text *formatDouble(Place place, double value, const Specification &spec,
                              const char *typeName) {
  uint32_t type = spec.type == 'n' ? uint32_t('g') : spec.type;
  if (type != 0 && (type > 127 || !strchr("eEfFgG%", static_cast<int>(type))))
    failType(place, type, typeName);
  if (type == '%')
    value *= 100;
  Parts parts;
  TextBuilder text;
  bool negative = std::signbit(value) && value == value;
  double magnitude = std::fabs(value);
  int64_t precision = spec.precision < 0 ? 6 : spec.precision;
  bool upper = type == 'E' || type == 'F' || type == 'G';
  if (value != value || std::isinf(value)) {
    text.append(value != value ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf");
  } else if (type == 0 && spec.precision < 0) {
    appendFloat(text, magnitude, false);
    if (spec.alternate && !memchr(text.data(), '.', text.size())) {
      const char *mark = static_cast<const char *>(memchr(text.data(), 'e', text.size()));
      TextBuilder dotted;
      dotted.append(View(text.data(), mark - text.data()));
      dotted.append('.');
      dotted.append(View(mark, text.data() + text.size() - mark));
      text.clear();
      text.append(dotted.view());
    }
  } else if (type == 0) {
    appendGeneralWithPoint(text, magnitude, static_cast<int>(spec.precision), spec.alternate);
  } else {
    appendConversion(text, magnitude, type == '%' ? 'f' : static_cast<char>(type),
                     static_cast<int>(precision), spec.alternate);
  }
  if (type == '%')
    text.append('%');
  if (negative && spec.noNegativeZero) {
    bool zero = true;
    for (int64_t i = 0; i < text.size() && text.data()[i] != 'e'; ++i)
      zero &= text.data()[i] < '1' || text.data()[i] > '9';
    negative = !(zero && !std::isinf(value));
  }
  parts.sign = negative ? '-' : char(0);
  int64_t digits = 0;
  while (digits < text.size() && text.data()[digits] >= '0' && text.data()[digits] <= '9')
    ++digits;
  parts.whole = View(text.data(), digits);
  parts.rest = View(text.data() + digits, text.size() - digits);
  return layOut(spec, parts);
}

static mpy_text *formatInteger(Place place, int64_t value, View text, const char *typeName) {
  Specification spec = parseSpecification(place, text, 'd', '>', typeName);
  uint32_t type = spec.type;
  if (type < 128 && type > 0 && strchr("eEfFgG%", static_cast<int>(type)))
    return formatDouble(place, static_cast<double>(value), spec, typeName);
  if (type == 0 || type > 127 || !strchr("bcdoxXn", static_cast<int>(type)))
    failType(place, type, typeName);
  if (spec.precision >= 0)
    raise(place, "ValueError", "Precision not allowed in integer format specifier");
  if (spec.noNegativeZero)
    raise(place, "ValueError",
          "Negative zero coercion (z) not allowed in integer format specifier");
  Parts parts;
  TextBuilder digits;
  if (type == 'c') {
    if (spec.sign)
      raise(place, "ValueError", "Sign not allowed with integer format specifier 'c'");
    if (spec.alternate)
      raise(place, "ValueError",
            "Alternate form (#) not allowed with integer format specifier 'c'");
    if (value < 0 || value > 0x10FFFF)
      raise(place, "OverflowError", "%%c arg not in range(0x110000)");
    appendPoint(digits, static_cast<uint32_t>(value));
    parts.rest = digits.view();
    return layOut(spec, parts);
  }
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  unsigned base = type == 'b' ? 2 : type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
  char reversed[64];
  int count = 0;
  const char *symbols = type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  do {
    reversed[count++] = symbols[magnitude % base];
    magnitude /= base;
  } while (magnitude);
  while (count > 0)
    digits.append(reversed[--count]);
  char prefix[2] = {'0', static_cast<char>(type)};
  if (spec.alternate && base != 10)
    parts.prefix = View(prefix, 2);
  parts.sign = value < 0 ? '-' : char(0);
  parts.whole = digits.view();
  return layOut(spec, parts);
}

} // namespace mpy

using namespace mpy;

mpy_text *mpy_format_int(const char *file, int64_t line, int64_t value, const mpy_text *spec) {
  return formatInteger({file, line}, value, spec, "int");
}

mpy_text *mpy_format_float(const char *file, int64_t line, double value, const mpy_text *spec) {
  Place place = {file, line};
  return formatDouble(place, value, parseSpecification(place, spec, 0, '>', "float"), "float");
}

mpy_text *mpy_format_float32(const char *file, int64_t line, float value, const mpy_text *spec) {
  // NumPy hands the value to Python's float, whose digits are those of the double.
  return mpy_format_float(file, line, static_cast<double>(value), spec);
}

mpy_text *mpy_format_bool(const char *file, int64_t line, int8_t value, const mpy_text *spec) {
  if (spec->length == 0)
    return mpy_str_bool(value);
  return formatInteger({file, line}, value != 0, spec, "bool");
}

mpy_text *mpy_format_string(const char *file, int64_t line, const mpy_text *value,
                            const mpy_text *text) {
  Place place = {file, line};
  Specification spec = parseSpecification(place, text, 's', '<', "str");
  if (spec.type != 's')
    failType(place, spec.type, "str");
  if (spec.sign)
    raise(place, "ValueError",
          spec.sign == ' ' ? "Space not allowed in string format specifier"
                           : "Sign not allowed in string format specifier");
  if (spec.noNegativeZero)
    raise(place, "ValueError", "Negative zero coercion (z) not allowed in string format specifier");
  if (spec.alternate)
    raise(place, "ValueError", "Alternate form (#) not allowed in string format specifier");
  if (spec.align == '=')
    raise(place, "ValueError", "'=' alignment not allowed in string format specifier");
  int64_t end = 0;
  for (int64_t points = 0; end < value->length && points != spec.precision; ++points)
    end += sequenceLength(value->bytes[end]);
  Parts parts;
  parts.rest = View(value->bytes, end);
  return layOut(spec, parts);
}
