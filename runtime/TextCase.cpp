// Upper and lower case, and the questions str.isdigit and its kin, for the alphabets whose letters
// pair by a fixed distance: ASCII, Latin-1, Greek and Cyrillic. Other code points stay as they are.
#include "TextBuilder.h"

using namespace mpy;

static uint32_t toUpper(uint32_t point) {
  if (point >= 'a' && point <= 'z')
    return point - 32;
  if ((point >= 0xE0 && point <= 0xFE && point != 0xF7) || (point >= 0x430 && point <= 0x44F) ||
      (point >= 0x3B1 && point <= 0x3C9 && point != 0x3C2))
    return point - 32;
  if (point == 0x3C2)
    return 0x3A3;
  if (point == 0xB5)
    return 0x39C;
  if (point == 0xFF)
    return 0x178;
  if (point >= 0x450 && point <= 0x45F)
    return point - 80;
  return point;
}

static uint32_t toLower(uint32_t point) {
  if (point >= 'A' && point <= 'Z')
    return point + 32;
  if ((point >= 0xC0 && point <= 0xDE && point != 0xD7) || (point >= 0x410 && point <= 0x42F) ||
      (point >= 0x391 && point <= 0x3A9 && point != 0x3A2))
    return point + 32;
  if (point == 0x178)
    return 0xFF;
  if (point >= 0x400 && point <= 0x40F)
    return point + 80;
  return point;
}

static bool isLetter(uint32_t point) {
  return toUpper(point) != point || toLower(point) != point || point == 0xDF || point == 0xAA ||
         point == 0xBA || (point >= 0x100 && point < 0x2C2) || (point >= 0x386 && point < 0x530) ||
         (point >= 0x5D0 && point < 0x5EB) || (point >= 0x4E00 && point < 0xA000);
}

static void appendUpper(TextBuilder &builder, uint32_t point) {
  // The one letter here whose upper case has two.
  if (point == 0xDF)
    builder.append("SS");
  else
    appendPoint(builder, toUpper(point));
}

mpy_text *mpy_string_upper(const mpy_text *text) {
  TextBuilder builder;
  for (int64_t at = 0; at < text->length;)
    appendUpper(builder, readPoint(text, at));
  return builder.finish();
}

mpy_text *mpy_string_lower(const mpy_text *text) {
  TextBuilder builder;
  for (int64_t at = 0; at < text->length;)
    appendPoint(builder, toLower(readPoint(text, at)));
  return builder.finish();
}

mpy_text *mpy_string_capitalize(const mpy_text *text) {
  TextBuilder builder;
  for (int64_t at = 0; at < text->length;) {
    bool first = at == 0;
    uint32_t point = readPoint(text, at);
    if (first && point == 0xDF)
      builder.append("Ss");
    else
      appendPoint(builder, first ? toUpper(point) : toLower(point));
  }
  return builder.finish();
}

mpy_text *mpy_string_title(const mpy_text *text) {
  TextBuilder builder;
  bool inside = false;
  for (int64_t at = 0; at < text->length;) {
    uint32_t point = readPoint(text, at);
    if (!inside && point == 0xDF)
      builder.append("Ss");
    else
      appendPoint(builder, inside ? toLower(point) : toUpper(point));
    inside = isLetter(point);
  }
  return builder.finish();
}

static int8_t allPoints(const mpy_text *text, bool (*holds)(uint32_t)) {
  for (int64_t at = 0; at < text->length;)
    if (!holds(readPoint(text, at)))
      return 0;
  return text->length > 0;
}

int8_t mpy_string_isdigit(const mpy_text *text) {
  return allPoints(text, [](uint32_t point) {
    return (point >= '0' && point <= '9') || point == 0xB2 || point == 0xB3 || point == 0xB9;
  });
}

int8_t mpy_string_isalpha(const mpy_text *text) { return allPoints(text, isLetter); }

int8_t mpy_string_isspace(const mpy_text *text) { return allPoints(text, isSpacePoint); }
