// Turns adjacent string literals into one Constant or JoinedStr: prefixes, escapes, and the parts
// of f-strings, whose expressions are parsed by the same parser at their own place in the file.
//
//   'a' rf'{x!r:>{w}}\d'   ->   JoinedStr['a', FormattedValue(x, 'r', JoinedStr['>', w]), '\d']
#include "frontend/syntax/ParseBuilder.h"
#include "llvm/Support/ConvertUTF.h"

namespace mpy {

using namespace ast;

/// Joins literals into `values`, with the text since the last expression pending.
class AstBuilder::StringPieces {
public:
  StringPieces(AstBuilder &builder, Span span) : builder(builder), span(span) {}

  void addToken(Span token);
  Expr *finish();

private:
  /// One literal: its body in the file, and how it is read.
  struct Body {
    uint32_t begin;
    uint32_t end;
    bool isRaw;
    bool isBytes;
  };

  using Values = ExprList;

  void decode(Body body, std::string &out);
  uint32_t decodeEscape(Body body, uint32_t at, std::string &out);
  void addNumbered(Body body, uint32_t escape, unsigned digits, std::string &out, uint32_t &at);
  static void addCodePoint(uint32_t point, std::string &out);

  uint32_t readFString(Body body, unsigned nesting, Values &values);
  uint32_t readExpression(Body body, uint32_t open, unsigned nesting, Values &values);
  uint32_t findExpressionEnd(Body body, uint32_t begin);
  Expr *parseExpression(Span part);
  void flush(Values &values);
  uint32_t failFString(uint32_t begin, uint32_t end, llvm::StringRef reason, uint32_t stop) {
    builder.fail(ErrorId::InvalidFString, {span.file, begin, std::max(begin + 1, end)},
                 {reason.str()});
    return stop;
  }
  char at(uint32_t offset) const { return source[offset]; }

  AstBuilder &builder;
  Span span;
  llvm::StringRef source = builder.sources.text(span.file);
  std::string pending;
  Values values;
  bool isFormatted = false;
  bool isBytes = false;
  bool isFirst = true;
};

Expr *AstBuilder::buildStrings(const std::vector<antlr4::tree::TerminalNode *> &tokens) {
  Span span = spanOf(tokens.front()->getSymbol()).to(spanOf(tokens.back()->getSymbol()));
  StringPieces pieces(*this, span);
  for (auto *token : tokens)
    pieces.addToken(spanOf(token->getSymbol()));
  return pieces.finish();
}

void AstBuilder::StringPieces::addToken(Span token) {
  uint32_t begin = token.begin;
  bool isRaw = false;
  bool isF = false;
  bool hasB = false;
  for (; llvm::isAlpha(at(begin)); ++begin) {
    char letter = llvm::toLower(at(begin));
    isRaw |= letter == 'r';
    isF |= letter == 'f';
    hasB |= letter == 'b';
  }
  if (!isFirst && hasB != isBytes)
    builder.fail(ErrorId::MixedBytes, token);
  isFirst = false;
  isBytes = hasB;
  bool isLong = token.end - begin >= 6 && at(begin + 1) == at(begin) && at(begin + 2) == at(begin);
  uint32_t quotes = isLong ? 3 : 1;
  Body body{begin + quotes, token.end - quotes, isRaw, hasB};
  if (!isF) {
    decode(body, pending);
    return;
  }
  isFormatted = true;
  uint32_t end = readFString(body, 0, values);
  if (end < body.end)
    failFString(end, end + 1, "a single '}' is not allowed; write '}}'", end);
}

void AstBuilder::StringPieces::flush(Values &list) {
  if (pending.empty())
    return;
  auto *constant = builder.module.create<Constant>(span);
  constant->type = ConstantKind::Str;
  constant->text = std::move(pending);
  pending.clear();
  list.push_back(constant);
}

Expr *AstBuilder::StringPieces::finish() {
  if (isFormatted) {
    flush(values);
    auto *joined = builder.module.create<JoinedStr>(span);
    joined->values = std::move(values);
    return joined;
  }
  auto *constant = builder.module.create<Constant>(span);
  constant->type = isBytes ? ConstantKind::Bytes : ConstantKind::Str;
  constant->text = std::move(pending);
  return constant;
}

//===----------------------------------------------------------------------===//
// Escapes
//===----------------------------------------------------------------------===//

void AstBuilder::StringPieces::decode(Body body, std::string &out) {
  for (uint32_t i = body.begin; i < body.end;) {
    char c = at(i);
    if (c == '\\' && !body.isRaw) {
      i = decodeEscape(body, i, out);
      continue;
    }
    if (body.isBytes && (c & 0x80)) {
      builder.fail(ErrorId::BytesNotAscii, {span.file, i, i + 1}, {},
                   {.help = "write the byte as an escape, such as \\xe9"});
      return;
    }
    // Every line end in a source file reads as one newline.
    if (c == '\r') {
      c = '\n';
      if (i + 1 < body.end && at(i + 1) == '\n')
        ++i;
    }
    out += c;
    ++i;
  }
}

/// Decodes the escape whose backslash is at `begin`; returns the offset after it.
uint32_t AstBuilder::StringPieces::decodeEscape(Body body, uint32_t begin, std::string &out) {
  uint32_t i = begin + 1;
  if (i >= body.end) {
    out += '\\';
    return i;
  }
  char c = at(i++);
  constexpr llvm::StringRef letters = "\\'\"abfnrtv";
  constexpr llvm::StringRef meanings = "\\'\"\a\b\f\n\r\t\v";
  if (size_t found = letters.find(c); found != llvm::StringRef::npos) {
    out += meanings[found];
    return i;
  }
  if (c == '\n')
    return i;
  if (c == '\r')
    return i < body.end && at(i) == '\n' ? i + 1 : i;
  if (c >= '0' && c <= '7') {
    uint32_t value = c - '0';
    for (int digits = 1; digits < 3 && i < body.end && at(i) >= '0' && at(i) <= '7'; ++digits)
      value = value * 8 + (at(i++) - '0');
    if (body.isBytes)
      out += static_cast<char>(value);
    else
      addCodePoint(value, out);
    return i;
  }
  if (c == 'x') {
    addNumbered(body, begin, 2, out, i);
    return i;
  }
  if (!body.isBytes && (c == 'u' || c == 'U')) {
    addNumbered(body, begin, c == 'u' ? 4 : 8, out, i);
    return i;
  }
  if (!body.isBytes && c == 'N') {
    uint32_t end = i;
    while (end < body.end && at(end) != '}')
      ++end;
    end = std::min(end + 1, body.end);
    builder.fail(ErrorId::NamedCharacter, {span.file, begin, end}, {},
                 {.help = "write its number, such as \\u03b1"});
    return end;
  }
  // Python keeps the backslash of an escape that it does not know.
  out += '\\';
  return i - 1;
}

void AstBuilder::StringPieces::addNumbered(Body body, uint32_t escape, unsigned digits,
                                           std::string &out, uint32_t &i) {
  uint32_t value = 0;
  uint32_t last = i + digits;
  for (; i < last; ++i) {
    if (i >= body.end || !llvm::isHexDigit(at(i))) {
      builder.fail(ErrorId::InvalidEscape, {span.file, escape, i}, {source.slice(escape, i).str()},
                   {.expected = std::to_string(digits) + " hexadecimal digits"});
      return;
    }
    value = value * 16 + llvm::hexDigitValue(at(i));
  }
  constexpr uint32_t lastCodePoint = 0x10FFFF;
  if (value > lastCodePoint) {
    builder.fail(ErrorId::InvalidEscape, {span.file, escape, i}, {source.slice(escape, i).str()},
                 {.expected = "a code point up to 0010ffff"});
    return;
  }
  if (body.isBytes)
    out += static_cast<char>(value);
  else
    addCodePoint(value, out);
}

/// Appends UTF-8; a lone surrogate, which Python strings may hold, takes three bytes.
void AstBuilder::StringPieces::addCodePoint(uint32_t point, std::string &out) {
  auto continuation = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((point >> shift) & 0x3F));
  };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    continuation(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

//===----------------------------------------------------------------------===//
// f-strings
//===----------------------------------------------------------------------===//

/// Reads text and `{}` parts up to the end of the body, or up to a `}` that ends a format
/// specification (or is stray); returns where it stopped.
uint32_t AstBuilder::StringPieces::readFString(Body body, unsigned nesting, Values &list) {
  uint32_t i = body.begin;
  uint32_t literal = i;
  auto takeLiteral = [&](uint32_t end) { decode({literal, end, body.isRaw, false}, pending); };
  while (i < body.end) {
    char c = at(i);
    if (c == '\\' && !body.isRaw && i + 1 < body.end) {
      if (at(i + 1) == 'N' && i + 2 < body.end && at(i + 2) == '{') {
        while (i < body.end && at(i) != '}')
          ++i;
        i = std::min(i + 1, body.end);
        continue;
      }
      // `\{` is a backslash before an expression.
      i += at(i + 1) == '{' || at(i + 1) == '}' ? 1 : 2;
      continue;
    }
    if (c != '{' && c != '}') {
      ++i;
      continue;
    }
    takeLiteral(i);
    if (nesting == 0 && i + 1 < body.end && at(i + 1) == c) {
      pending += c;
      i += 2;
    } else if (c == '}') {
      return i;
    } else {
      i = readExpression(body, i, nesting, list);
    }
    literal = i;
  }
  takeLiteral(body.end);
  return body.end;
}

/// Reads `{expression[=][!conversion][:specification]}` from its brace; returns the offset after.
uint32_t AstBuilder::StringPieces::readExpression(Body body, uint32_t open, unsigned nesting,
                                                  Values &list) {
  if (nesting >= 2)
    return failFString(open, open + 1, "expressions are nested too deeply", body.end);
  uint32_t begin = open + 1;
  uint32_t i = findExpressionEnd(body, begin);
  if (i == ~0u)
    return body.end;
  Expr *value = parseExpression({span.file, begin, i});
  if (!value)
    return body.end;
  bool isDebug = i < body.end && at(i) == '=';
  if (isDebug) {
    for (++i; i < body.end && llvm::isSpace(at(i));)
      ++i;
    decode({begin, i, /*isRaw=*/true, false}, pending);
  }
  flush(list);
  auto *node = builder.module.create<FormattedValue>({span.file, open, i});
  node->value = value;
  if (i < body.end && at(i) == '!') {
    ++i;
    node->conversion = i < body.end ? at(i) : 0;
    if (node->conversion != 's' && node->conversion != 'r' && node->conversion != 'a')
      return failFString(i, i + 1, "the conversion after '!' is 's', 'r' or 'a'", body.end);
    ++i;
  }
  if (i < body.end && at(i) == ':') {
    auto *specification = builder.module.create<JoinedStr>({span.file, i + 1, i + 1});
    Body rest = body;
    rest.begin = i + 1;
    i = readFString(rest, nesting + 1, specification->values);
    flush(specification->values);
    specification->span.end = i;
    node->formatSpec = specification;
  }
  if (i >= body.end || at(i) != '}')
    return failFString(open, open + 1, "this '{' is never closed", body.end);
  if (isDebug && !node->formatSpec && !node->conversion)
    node->conversion = 'r';
  node->span.end = i + 1;
  list.push_back(node);
  return i + 1;
}

/// Where the expression that begins at `begin` ends: at `!`, `:`, `=` or `}` outside all brackets
/// and strings; ~0 after an error.
uint32_t AstBuilder::StringPieces::findExpressionEnd(Body body, uint32_t begin) {
  auto failed = [&](uint32_t place, llvm::StringRef reason) {
    return failFString(place, place + 1, reason, ~0u);
  };
  std::string brackets;
  char quote = 0;
  unsigned quotes = 0;
  uint32_t i = begin;
  for (; i < body.end; ++i) {
    char c = at(i);
    if (c == '\\')
      return failed(i, "an expression cannot hold a backslash");
    bool isTriple = i + 2 < body.end && at(i + 1) == c && at(i + 2) == c;
    if (quote) {
      if (c != quote || (quotes == 3 && !isTriple))
        continue;
      i += quotes - 1;
      quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') {
      quote = c;
      quotes = isTriple ? 3 : 1;
      i += quotes - 1;
      continue;
    }
    if (c == '#')
      return failed(i, "an expression cannot hold '#'");
    if (c == '(' || c == '[' || c == '{') {
      brackets += c;
      continue;
    }
    if (brackets.empty() &&
        (c == '!' || c == ':' || c == '}' || c == '=' || c == '<' || c == '>')) {
      if (i + 1 < body.end && at(i + 1) == '=' && (c == '!' || c == '=' || c == '<' || c == '>')) {
        ++i;
        continue;
      }
      if (c == '<' || c == '>')
        continue;
      break;
    }
    if (c == ')' || c == ']' || c == '}') {
      char opening = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (brackets.empty() || brackets.back() != opening)
        return failed(i, "a closing bracket does not match");
      brackets.pop_back();
    }
  }
  if (quote)
    return failed(begin - 1, "a string in the expression is never closed");
  if (!brackets.empty() || i >= body.end)
    return failed(begin - 1, brackets.empty() ? "this '{' is never closed"
                                              : "a bracket in the expression is never closed");
  return i;
}

// fstring_input: annotated_rhs EOF
Expr *AstBuilder::StringPieces::parseExpression(Span part) {
  if (builder.sources.text(part).trim().empty()) {
    failFString(part.begin - 1, part.end + 1, "an empty expression is not allowed", 0);
    return nullptr;
  }
  SyntaxTree tree;
  auto *root = tree.parseFString(builder.sources, part, builder.diagnostics);
  return root ? builder.buildRightSide(root->annotated_rhs()) : nullptr;
}

} // namespace mpy
