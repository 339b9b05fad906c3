// Methods of texts that are known while compiling, with arguments that are known too, as known
// results: so that what a library function does can depend on them.
//
//   'abc'.find('b') => 1            ' 12'.strip().zfill(4) => '0012'
//
// Only for ASCII, whose characters are bytes and whose case has no special rules; anything else is
// left to the runtime.
#include "frontend/containers/Builtins.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace mpy {

namespace {
struct KnownArguments {
  llvm::SmallVector<llvm::StringRef> texts; // the text itself first
  std::optional<int64_t> number;
};
} // namespace

static bool isAscii(llvm::StringRef text) {
  return llvm::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Texts, and one number at most.
static std::optional<KnownArguments> knownArguments(Specializer &s, const CallArguments &given) {
  if (!given.keywords.empty())
    return std::nullopt;
  KnownArguments known;
  for (const Value &value : given.positional) {
    if (auto *text = value.get<Text>(); text && !text->value && isAscii(text->known))
      known.texts.push_back(text->known);
    else if (auto number = s.knownInt(value); number && !known.number && known.texts.size() == 1)
      known.number = number;
    else
      return std::nullopt;
  }
  return known;
}

static std::string titled(llvm::StringRef text) {
  std::string result;
  bool isInWord = false;
  for (char c : text) {
    result += isInWord ? llvm::toLower(c) : llvm::toUpper(c);
    isInWord = llvm::isAlpha(c);
  }
  return result;
}

static std::string replaced(llvm::StringRef text, llvm::StringRef old, llvm::StringRef with) {
  std::string result;
  while (true) {
    auto [before, after] = text.split(old);
    result += before;
    if (before.size() == text.size())
      return result;
    result += with;
    text = after;
  }
}

static std::string padded(llvm::StringRef text, size_t left, size_t right, char filling) {
  return std::string(left, filling) + text.str() + std::string(right, filling);
}

/// The methods that take no argument.
static std::optional<Value> ofText(Specializer &s, llvm::StringRef method, llvm::StringRef text) {
  auto all = [&](auto is) { return s.makeBool(!text.empty() && llvm::all_of(text, is)); };
  constexpr llvm::StringLiteral blanks = " \t\n\r\v\f";
  if (method == "upper" || method == "lower")
    return s.makeText(method == "upper" ? text.upper() : text.lower());
  if (method == "capitalize")
    return s.makeText(text.take_front().upper() + text.drop_front(!text.empty()).lower());
  if (method == "title")
    return s.makeText(titled(text));
  if (method == "isdigit")
    return all([](char c) { return llvm::isDigit(c); });
  if (method == "isalpha")
    return all([](char c) { return llvm::isAlpha(c); });
  if (method == "strip")
    return s.makeText(text.trim(blanks).str());
  if (method == "lstrip")
    return s.makeText(text.ltrim(blanks).str());
  if (method == "rstrip")
    return s.makeText(text.rtrim(blanks).str());
  return std::nullopt;
}

static std::optional<Value> ofParts(Specializer &s, llvm::StringRef method, llvm::StringRef text,
                                    llvm::StringRef part) {
  auto place = [&](size_t found) {
    return s.makeInt(IntExpr(found == llvm::StringRef::npos ? -1 : int64_t(found)));
  };
  if (method == "startswith")
    return s.makeBool(text.starts_with(part));
  if (method == "endswith")
    return s.makeBool(text.ends_with(part));
  if (method == "find" || (method == "index" && text.contains(part)))
    return place(text.find(part));
  if (method == "rfind" || (method == "rindex" && text.contains(part)))
    return place(text.rfind(part));
  if (method == "count")
    return s.makeInt(IntExpr(int64_t(part.empty() ? text.size() + 1 : text.count(part))));
  if (method == "strip")
    return s.makeText(text.trim(part).str());
  if (method == "lstrip")
    return s.makeText(text.ltrim(part).str());
  if (method == "rstrip")
    return s.makeText(text.rtrim(part).str());
  return std::nullopt;
}

static std::optional<Value> ofWidth(Specializer &s, llvm::StringRef method, llvm::StringRef text,
                                    int64_t width, llvm::StringRef filling) {
  if (width > 4096 || filling.size() != 1)
    return std::nullopt;
  size_t missing = width > int64_t(text.size()) ? width - text.size() : 0;
  if (method == "ljust")
    return s.makeText(padded(text, 0, missing, filling[0]));
  if (method == "rjust")
    return s.makeText(padded(text, missing, 0, filling[0]));
  return std::nullopt;
}

std::optional<Value> foldTextMethod(Specializer &s, llvm::StringRef function,
                                    const CallArguments &arguments) {
  if (!function.consume_front("str."))
    return std::nullopt;
  std::optional<KnownArguments> known = knownArguments(s, arguments);
  if (!known || known->texts.empty())
    return std::nullopt;
  llvm::StringRef text = known->texts[0];
  size_t count = known->texts.size();
  if (known->number)
    return count > 2 ? std::nullopt
                     : ofWidth(s, function, text, *known->number,
                               count == 2 ? known->texts[1] : llvm::StringRef(" "));
  if (count == 1)
    return ofText(s, function, text);
  if (count == 2)
    return ofParts(s, function, text, known->texts[1]);
  if (count == 3 && function == "replace" && !known->texts[1].empty())
    return s.makeText(replaced(text, known->texts[1], known->texts[2]));
  return std::nullopt;
}

std::optional<int64_t> knownIntOfText(const Text &text) {
  llvm::StringRef digits = llvm::StringRef(text.known).trim(" \t\n\r\v\f");
  if (text.value || !isAscii(digits))
    return std::nullopt;
  bool isNegative = digits.consume_front("-");
  if (!isNegative)
    digits.consume_front("+");
  int64_t number;
  if (digits.empty() || digits.size() > 18 || !llvm::all_of(digits, llvm::isDigit) ||
      digits.getAsInteger(10, number))
    return std::nullopt;
  return isNegative ? -number : number;
}

} // namespace mpy
