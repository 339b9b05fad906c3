// The text of a signature -> its parts, and the C function that it stands for.
//
//   smooth, f64[n], f64 -> f64[n]   ->   int smooth(const mpy_array *x0, double x1, mpy_array *r0);
//
// Parts are separated by commas outside of brackets; extents by commas or blanks. A name is one
// extent wherever it stands, so those of results are known before the call.
#include "support/Externs.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mpy;

namespace {
constexpr llvm::StringLiteral calleePrefix = "extern:";

/// By the number of the element type in the runtime.
constexpr const char *cTypes[] = {"bool",    "int32_t", "int64_t",  "float",    "double",  "int8_t",
                                  "int16_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"};
} // namespace

static int32_t elementNamed(llvm::StringRef name) {
  return llvm::StringSwitch<int32_t>(name)
      .Case("i32", 1)
      .Cases({"i64", "int"}, 2)
      .Case("f32", 3)
      .Cases({"f64", "float"}, 4)
      .Case("i8", 5)
      .Case("i16", 6)
      .Case("u8", 7)
      .Case("u16", 8)
      .Case("u32", 9)
      .Case("u64", 10)
      .Default(-1);
}

/// Splits at commas that are in no brackets.
static llvm::SmallVector<llvm::StringRef> partsOf(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      parts.push_back(text.slice(begin, i).trim());
      begin = i + 1;
    } else {
      depth += (text[i] == '[') - (text[i] == ']');
    }
  }
  return parts;
}

static bool isName(llvm::StringRef text) {
  return !text.empty() && !llvm::isDigit(text.front()) &&
         llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

static std::optional<ExternPart> parsePart(llvm::StringRef text, std::string &reason) {
  auto [element, rest] = text.split('[');
  ExternPart part;
  part.element = elementNamed(element.trim());
  part.isNumber = !text.contains('[');
  if (part.element < 0) {
    reason = "'" + text.str() + "' is no type; types are f64 f32 i64 i32, and arrays f64[n], " +
             "f32[n 3], of i16 i8 u64 u32 u16 u8 too";
    return std::nullopt;
  }
  if (part.isNumber && (part.element < 1 || part.element > 4)) {
    reason = "numbers are f64, f32, i64 or i32, not '" + text.str() + "'";
    return std::nullopt;
  }
  if (part.isNumber)
    return part;
  if (!rest.consume_back("]") || rest.contains('[') || rest.contains(']')) {
    reason = "'" + text.str() + "' has brackets that do not match";
    return std::nullopt;
  }
  std::string spaced = rest.str();
  std::replace(spaced.begin(), spaced.end(), ',', ' ');
  llvm::SmallVector<llvm::StringRef> words;
  llvm::StringRef(spaced).split(words, ' ', -1, /*KeepEmpty=*/false);
  int64_t number;
  for (llvm::StringRef word : words) {
    bool isNumber = !word.getAsInteger(10, number) && number >= 0;
    if (!isNumber && !isName(word)) {
      reason = "'" + word.str() + "' is no extent: a name or a number";
      return std::nullopt;
    }
    part.extents.push_back(word.str());
  }
  if (part.extents.empty() || part.extents.size() > 8) {
    reason = "'" + text.str() + "' has " + std::to_string(part.extents.size()) +
             " extents; arrays have 1 to 8";
    return std::nullopt;
  }
  return part;
}

std::optional<ExtentPlace> mpy::placeOfExtent(const ExternSignature &signature,
                                              llvm::StringRef name) {
  for (auto [number, part] : llvm::enumerate(signature.parameters))
    for (auto [dim, extent] : llvm::enumerate(part.extents))
      if (name == extent)
        return ExtentPlace{number, dim};
  return std::nullopt;
}

std::optional<ExternSignature> mpy::parseExtern(llvm::StringRef text, std::string &reason) {
  auto [before, after] = text.split("->");
  if (!text.contains("->") || after.trim().empty()) {
    reason = "it has no result: 'f64[n] -> f64'";
    return std::nullopt;
  }
  ExternSignature signature;
  auto read = [&](llvm::StringRef side, std::vector<ExternPart> &into) {
    if (side.trim().empty())
      return true;
    for (llvm::StringRef part : partsOf(side)) {
      std::optional<ExternPart> parsed = parsePart(part, reason);
      if (!parsed)
        return false;
      into.push_back(std::move(*parsed));
    }
    return true;
  };
  if (!read(before, signature.parameters) || !read(after, signature.results))
    return std::nullopt;
  for (const ExternPart &part : signature.results)
    for (const std::string &extent : part.extents)
      if (!llvm::isDigit(extent.front()) && !placeOfExtent(signature, extent)) {
        reason = "no parameter has the extent '" + extent + "' of the result";
        return std::nullopt;
      }
  return signature;
}

std::string mpy::externPrototype(llvm::StringRef name, llvm::StringRef text) {
  std::string reason;
  std::optional<ExternSignature> signature = parseExtern(text, reason);
  std::vector<std::string> parameters;
  for (auto [number, part] : llvm::enumerate(signature->parameters))
    parameters.push_back(
        (part.isNumber ? std::string(cTypes[part.element]) + " x" : "const mpy_array *x") +
        std::to_string(number));
  for (auto [number, part] : llvm::enumerate(signature->results))
    parameters.push_back(
        (part.isNumber ? std::string(cTypes[part.element]) + " *r" : "mpy_array *r") +
        std::to_string(number));
  return ("int " + name + "(").str() + llvm::join(parameters, ", ") + ");";
}

std::string mpy::externCallee(llvm::StringRef name, llvm::StringRef signature) {
  return (calleePrefix + name + ":" + signature).str();
}

std::optional<std::pair<llvm::StringRef, llvm::StringRef>> mpy::externOf(llvm::StringRef callee) {
  if (!callee.consume_front(calleePrefix))
    return std::nullopt;
  return callee.split(':');
}
