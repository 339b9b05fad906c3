// JSON that is known while compiling, as values:
//
//   json.loads('{"a": [1, 2.5]}')    =>    the dict {'a': [1, 2.5]}
//
// What is no JSON is a text that says why and where, in the words of Python's json.
#include "frontend/library/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/MemoryBuffer.h"

namespace mpy::library {

namespace {
class Reader {
public:
  Reader(Specializer &specializer, llvm::StringRef text) : s(specializer), text(text) {}

  /// The value of the whole text; unbound where `error` says what is wrong.
  Value read() {
    Value value = next();
    skip();
    if (error.empty() && at < text.size())
      fail("Extra data", at);
    return error.empty() ? value : Value();
  }
  std::string error;

private:
  void skip() {
    while (at < text.size() && llvm::StringRef(" \t\n\r").contains(text[at]))
      ++at;
  }
  bool take(char character) {
    skip();
    bool isThere = at < text.size() && text[at] == character;
    at += isThere;
    return isThere;
  }
  Value fail(llvm::StringRef what, size_t place) {
    if (!error.empty())
      return {};
    llvm::StringRef before = text.take_front(place);
    size_t line = before.count('\n') + 1, column = place - (before.rfind('\n') + 1) + 1;
    error = (what + ": line " + llvm::Twine(line) + " column " + llvm::Twine(column) + " (char " +
             llvm::Twine(place) + ")")
                .str();
    return {};
  }
  Value next();
  Value list();
  Value dict();
  Value number();
  std::optional<std::string> string();
  bool escape(std::string &result, size_t begin);

  Specializer &s;
  llvm::StringRef text;
  size_t at = 0;
};
} // namespace

Value Reader::next() {
  skip();
  llvm::StringRef rest = text.substr(at);
  if (take('{'))
    return dict();
  if (take('['))
    return list();
  if (rest.starts_with("\"")) {
    std::optional<std::string> found = string();
    return found ? Value(s.makeText(*found)) : Value();
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::pair<llvm::StringRef, Value> words[] = {{"true", s.makeBool(true)},
                                               {"false", s.makeBool(false)},
                                               {"null", NoneValue{}},
                                               {"NaN", s.makeFloat(std::nan(""))},
                                               {"Infinity", s.makeFloat(infinity)},
                                               {"-Infinity", s.makeFloat(-infinity)}};
  for (auto &[word, value] : words)
    if (rest.starts_with(word)) {
      at += word.size();
      return value;
    }
  return number();
}

Value Reader::number() {
  size_t end = at;
  auto digits = [&] {
    size_t begin = end;
    while (end < text.size() && llvm::isDigit(text[end]))
      ++end;
    return end > begin;
  };
  auto has = [&](llvm::StringRef characters) {
    return end < text.size() && characters.contains(text[end]);
  };
  end += has("-");
  bool isZero = has("0");
  if (isZero ? (++end, false) : !digits())
    return fail("Expecting value", at);
  size_t whole = end;
  if (has(".") && (++end, !digits()))
    end = whole;
  size_t fraction = end;
  if (has("eE")) {
    ++end;
    end += has("+-");
    if (!digits())
      end = fraction;
  }
  llvm::StringRef shown = text.slice(at, end);
  at = end;
  if (end == whole) {
    int64_t known;
    if (shown.getAsInteger(10, known))
      s.fail(ErrorId::IntegerTooLarge, {}, {.help = "write it as a float: 1e20"});
    return s.makeInt(IntExpr(known));
  }
  return s.makeFloat(std::strtod(shown.str().c_str(), nullptr));
}

/// The characters of `\n`, `\u00e4` .. behind the backslash.
bool Reader::escape(std::string &result, size_t begin) {
  if (at >= text.size())
    return fail("Unterminated string starting at", begin), false;
  char kind = text[at++];
  size_t found = llvm::StringRef("\"\\/bfnrt").find(kind);
  if (found != llvm::StringRef::npos) {
    result += "\"\\/\b\f\n\r\t"[found];
    return true;
  }
  if (kind != 'u')
    return fail("Invalid \\escape", at - 2), false;
  auto unit = [&](unsigned &code) {
    if (text.substr(at, 4).size() < 4 || text.substr(at, 4).getAsInteger(16, code))
      return false;
    at += 4;
    return true;
  };
  unsigned code, low;
  size_t place = at;
  if (!unit(code))
    return fail("Invalid \\uXXXX escape", place - 1), false;
  size_t behind = at;
  if (code >= 0xD800 && code < 0xDC00 && text.substr(at).consume_front("\\u")) {
    at += 2;
    if (unit(low) && low >= 0xDC00 && low < 0xE000)
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    else
      at = behind;
  }
  char bytes[4], *end = bytes;
  if (!llvm::ConvertCodePointToUTF8(code, end))
    s.fail(ErrorId::Unsupported, {"half of a pair of surrogates in a text"});
  result.append(bytes, end);
  return true;
}

std::optional<std::string> Reader::string() {
  size_t begin = at++;
  std::string result;
  while (at < text.size() && text[at] != '"') {
    unsigned char character = text[at++];
    if (character < 0x20)
      return fail("Invalid control character at", at - 1), std::nullopt;
    if (character != '\\')
      result += char(character);
    else if (!escape(result, begin))
      return std::nullopt;
  }
  if (at >= text.size())
    return fail("Unterminated string starting at", begin), std::nullopt;
  ++at;
  return result;
}

Value Reader::list() {
  ValueList items;
  if (take(']'))
    return s.newList(items);
  do {
    items.push_back(next());
    if (!error.empty())
      return {};
  } while (take(','));
  return take(']') ? s.newList(items) : fail("Expecting ',' delimiter", at);
}

Value Reader::dict() {
  DictState made;
  made.origin = s.span;
  if (!take('}')) {
    do {
      skip();
      if (at >= text.size() || text[at] != '"')
        return fail("Expecting property name enclosed in double quotes", at);
      std::optional<std::string> key = string();
      if (!key)
        return {};
      if (!take(':'))
        return fail("Expecting ':' delimiter", at);
      Value value = next();
      if (!error.empty())
        return {};
      s.setEntry(made, s.makeText(*key), value);
    } while (take(','));
    if (!take('}'))
      return fail("Expecting ',' delimiter", at);
  }
  return ObjectRef{s.heap.add(std::move(made))};
}

/// `(value, None)`, or `(None, what is wrong)`; None where the text is run-time data.
Value primitiveJson(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> text = specializer.knownText(arguments["text"]);
  if (!text)
    return NoneValue{};
  Reader reader(specializer, *text);
  Value value = reader.read();
  Value none = NoneValue{};
  return reader.error.empty() ? specializer.newTuple({value, none})
                              : specializer.newTuple({none, specializer.makeText(reader.error)});
}

/// The content of a file whose name is known, as it is while compiling; None where there is none.
Value primitiveSeenText(Specializer &specializer, const Arguments &arguments) {
  std::optional<std::string> path = specializer.knownText(arguments["path"]);
  if (!path)
    return NoneValue{};
  auto buffer = llvm::MemoryBuffer::getFile(*path);
  if (!buffer)
    return NoneValue{};
  return specializer.makeText((*buffer)->getBuffer().str());
}

} // namespace mpy::library
