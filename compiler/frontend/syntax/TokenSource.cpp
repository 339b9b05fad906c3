// Turns source text into the tokens that the grammar speaks of: the lexer generated from Mpy.g4
// finds single tokens; this file adds lines and blocks, as Python's own tokenizer does.
//
//   if x:          IF NAME COLON NEWLINE
//     f(1,         INDENT NAME LPAR NUMBER COMMA
//       2)         NUMBER RPAR NEWLINE
//   y              DEDENT NAME NEWLINE EOF
//
// On exit brackets match, no bracket nesting is deeper than 200, and every token is valid by
// itself; strings are closed, but their escapes are not yet decoded.
#include "frontend/syntax/TokenSource.h"
#include "MpyLexer.h"
#include "MpyParser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FormatVariadic.h"

namespace mpy {

using syntax::MpyLexer;
using syntax::MpyParser;

namespace {

bool isOpening(size_t type) {
  return type == MpyLexer::LPAR || type == MpyLexer::LSQB || type == MpyLexer::LBRACE;
}

bool isClosing(size_t type) {
  return type == MpyLexer::RPAR || type == MpyLexer::RSQB || type == MpyLexer::RBRACE;
}

size_t closingOf(size_t type) {
  if (type == MpyLexer::LPAR)
    return MpyLexer::RPAR;
  return type == MpyLexer::LSQB ? MpyLexer::RSQB : MpyLexer::RBRACE;
}

/// Keywords that may follow a number without a space (`1if x else 2`).
bool mayFollowNumber(size_t type) {
  switch (type) {
  case MpyLexer::AND:
  case MpyLexer::ELSE:
  case MpyLexer::FOR:
  case MpyLexer::IF:
  case MpyLexer::IN:
  case MpyLexer::IS:
  case MpyLexer::NOT:
  case MpyLexer::OR:
    return true;
  default:
    return false;
  }
}

bool isWordCharacter(char c) { return llvm::isAlnum(c) || c == '_' || (c & 0x80); }

class Tokenizer {
public:
  Tokenizer(const SourceManager &sources, Span span, TokenRange range, Diagnostics &diagnostics)
      : text(sources.text(span.file)), span(span), range(range), diagnostics(diagnostics) {}

  std::optional<std::vector<SourceToken>> run();

private:
  struct Column {
    unsigned wide = 0;   // a tab goes to the next multiple of 8
    unsigned narrow = 0; // a tab is one column
  };

  void measureOffsets(llvm::StringRef part);
  uint32_t byteOffset(size_t codePoint) const {
    return span.begin + (offsets.empty() ? codePoint : offsets[codePoint]);
  }
  bool add(size_t type, uint32_t begin, uint32_t end);
  bool addNewline(uint32_t begin, uint32_t end);
  bool indent(uint32_t begin);
  Column measureIndentation(uint32_t begin) const;
  bool checkBracket(SourceToken token);
  bool checkNumber(SourceToken token);
  bool checkName(SourceToken token);
  bool finish();
  void markMatchStatements();
  size_t lineEnd(size_t index) const;

  bool fail(ErrorId id, uint32_t begin, uint32_t end, std::vector<std::string> arguments = {},
            Details details = {}) {
    diagnostics.report(id, {span.file, begin, end}, std::move(arguments), std::move(details));
    return false;
  }
  std::string spelling(SourceToken token) const { return text.slice(token.begin, token.end).str(); }

  llvm::StringRef text;
  Span span;
  TokenRange range;
  Diagnostics &diagnostics;
  std::vector<uint32_t> offsets; // of each code point; empty when the text is ASCII
  std::vector<SourceToken> tokens;
  std::vector<SourceToken> brackets;
  std::vector<Column> indents{Column{}};
  uint32_t lineBegin = 0;
  bool atLineBegin = true;
};

void Tokenizer::measureOffsets(llvm::StringRef part) {
  if (llvm::all_of(part, [](char c) { return !(c & 0x80); }))
    return;
  for (size_t i = 0; i < part.size(); ++i)
    if ((part[i] & 0xC0) != 0x80)
      offsets.push_back(static_cast<uint32_t>(i));
  offsets.push_back(static_cast<uint32_t>(part.size()));
}

std::optional<std::vector<SourceToken>> Tokenizer::run() {
  if (range == TokenRange::File && text.starts_with("\xEF\xBB\xBF"))
    span.begin = 3;
  llvm::StringRef part = text.slice(span.begin, span.end);
  measureOffsets(part);
  antlr4::ANTLRInputStream stream(part.str());
  MpyLexer lexer(&stream);
  lexer.removeErrorListeners();
  lineBegin = span.begin;
  while (true) {
    std::unique_ptr<antlr4::Token> token = lexer.nextToken();
    if (token->getType() == antlr4::Token::EOF)
      break;
    uint32_t begin = byteOffset(token->getStartIndex());
    uint32_t end = byteOffset(token->getStopIndex() + 1);
    if (!add(token->getType(), begin, end))
      return std::nullopt;
  }
  if (!finish())
    return std::nullopt;
  return std::move(tokens);
}

bool Tokenizer::add(size_t type, uint32_t begin, uint32_t end) {
  if (type == MpyLexer::NEWLINE)
    return addNewline(begin, end);
  if (range == TokenRange::File && atLineBegin && brackets.empty() && !indent(begin))
    return false;
  atLineBegin = false;
  SourceToken token{type, begin, end};
  if (type == MpyLexer::UNCLOSED_STRING) {
    bool isLong =
        text.slice(begin, end).contains("\"\"\"") || text.slice(begin, end).contains("'''");
    return fail(ErrorId::UnclosedString, begin, isLong ? begin + 3 : end, {},
                {.help = isLong ? "close it with three quotes"
                                : "close it on the same line, or open it with three quotes"});
  }
  if (type == MpyLexer::UNEXPECTED) {
    if (text[begin] == '\\')
      return fail(ErrorId::StrayBackslash, begin, end);
    return fail(ErrorId::UnexpectedCharacter, begin, end,
                {static_cast<unsigned char>(text[begin]) < ' ' || text[begin] == 0x7F
                     ? llvm::formatv("0x{0:X-2}", static_cast<unsigned char>(text[begin])).str()
                     : "'" + spelling(token) + "'"});
  }
  if ((isOpening(type) || isClosing(type)) && !checkBracket(token))
    return false;
  if (!checkNumber(token) || (type == MpyLexer::NAME && !checkName(token)))
    return false;
  // `is not` and `not in` become one token, so that a comparison has one operator token.
  if (!tokens.empty()) {
    SourceToken &last = tokens.back();
    if (last.type == MpyLexer::IS && type == MpyLexer::NOT) {
      last = {MpyParser::IS_NOT, last.begin, end};
      return true;
    }
    if (last.type == MpyLexer::NOT && type == MpyLexer::IN) {
      last = {MpyParser::NOT_IN, last.begin, end};
      return true;
    }
  }
  tokens.push_back(token);
  return true;
}

bool Tokenizer::addNewline(uint32_t begin, uint32_t end) {
  if (range == TokenRange::Bracketed || !brackets.empty())
    return true;
  if (!atLineBegin)
    tokens.push_back({MpyLexer::NEWLINE, begin, end});
  atLineBegin = true;
  lineBegin = end;
  return true;
}

Tokenizer::Column Tokenizer::measureIndentation(uint32_t begin) const {
  Column column;
  for (uint32_t i = lineBegin; i < begin; ++i) {
    switch (text[i]) {
    case ' ':
      ++column.wide;
      ++column.narrow;
      break;
    case '\t':
      column.wide = (column.wide / 8 + 1) * 8;
      ++column.narrow;
      break;
    case '\f':
      column = {};
      break;
    default: // a backslash that joins this line to the next ends the indentation
      return column;
    }
  }
  return column;
}

bool Tokenizer::indent(uint32_t begin) {
  Column column = measureIndentation(begin);
  auto failMixed = [&] {
    return fail(ErrorId::MixedTabs, begin, begin + 1, {},
                {.help = "indent with spaces only, four for each block"});
  };
  if (column.wide > indents.back().wide) {
    if (column.narrow <= indents.back().narrow)
      return failMixed();
    if (indents.size() >= maximumIndentation)
      return fail(ErrorId::NestedTooDeeply, begin, begin + 1,
                  {"blocks", std::to_string(maximumIndentation)},
                  {.help = "move the inner blocks to a function"});
    indents.push_back(column);
    tokens.push_back({MpyParser::INDENT, begin, begin});
    return true;
  }
  while (column.wide < indents.back().wide) {
    indents.pop_back();
    tokens.push_back({MpyParser::DEDENT, begin, begin});
  }
  if (column.wide != indents.back().wide)
    return fail(ErrorId::InconsistentDedent, begin, begin + 1, {},
                {.help = "align this line with an earlier line of the block it belongs to"});
  return column.narrow == indents.back().narrow || failMixed();
}

bool Tokenizer::checkBracket(SourceToken token) {
  if (isOpening(token.type)) {
    if (brackets.size() >= maximumBracketDepth)
      return fail(ErrorId::NestedTooDeeply, token.begin, token.end,
                  {"brackets", std::to_string(maximumBracketDepth)},
                  {.help = "give inner parts names of their own"});
    brackets.push_back(token);
    return true;
  }
  if (brackets.empty())
    return fail(ErrorId::UnmatchedBracket, token.begin, token.end, {spelling(token)});
  SourceToken opening = brackets.back();
  if (closingOf(opening.type) != token.type)
    return fail(
        ErrorId::MismatchedBracket, token.begin, token.end, {spelling(token), spelling(opening)},
        {.notes = {{{span.file, opening.begin, opening.end}, "the bracket that is open here"}}});
  brackets.pop_back();
  return true;
}

/// Refuses a number that runs into a word or another number: `012`, `1_`, `0b12`, `3px`.
bool Tokenizer::checkNumber(SourceToken token) {
  if (tokens.empty() || tokens.back().type != MpyLexer::NUMBER || tokens.back().end != token.begin)
    return true;
  if (mayFollowNumber(token.type) || !isWordCharacter(text[token.begin]))
    return true;
  SourceToken number = tokens.back();
  uint32_t end = token.end;
  while (end < span.end && isWordCharacter(text[end]))
    ++end;
  llvm::StringRef whole = text.slice(number.begin, end);
  llvm::StringRef digits = whole.ltrim("0_");
  if (whole.starts_with("0") && digits.find_first_not_of("0123456789_") == llvm::StringRef::npos)
    return fail(ErrorId::LeadingZeros, number.begin, end, {},
                {.help = ("write " + digits + ", or 0o" + digits + " for an octal number").str()});
  return fail(ErrorId::InvalidNumber, number.begin, end, {whole.str()});
}

/// Refuses a name that Python would read as another one: its names are normalised first.
bool Tokenizer::checkName(SourceToken token) {
  static constexpr std::pair<uint32_t, uint32_t> replaced[] = {
#define MPY_RANGE(first, last) {first, last},
#include "frontend/syntax/NameCharacters.def"
  };
  for (uint32_t i = token.begin; i < token.end;) {
    if (!(text[i] & 0x80)) {
      ++i;
      continue;
    }
    unsigned length = llvm::getNumBytesForUTF8(static_cast<llvm::UTF8>(text[i]));
    auto *first = reinterpret_cast<const llvm::UTF8 *>(text.data() + i);
    llvm::UTF32 point = 0;
    llvm::convertUTF8Sequence(&first, first + length, &point, llvm::strictConversion);
    for (auto [low, high] : replaced)
      if (point >= low && point <= high)
        return fail(ErrorId::NameCharacter, i, i + length,
                    {llvm::formatv("U+{0:X-4}", static_cast<uint32_t>(point)).str()},
                    {.help = "write the plain letter; Python reads this one as another character"});
    i += length;
  }
  return true;
}

bool Tokenizer::finish() {
  if (!brackets.empty()) {
    SourceToken opening = brackets.back();
    return fail(ErrorId::UnclosedBracket, opening.begin, opening.end, {spelling(opening)});
  }
  uint32_t end = span.end;
  if (range == TokenRange::File) {
    if (!atLineBegin)
      tokens.push_back({MpyLexer::NEWLINE, end, end});
    for (; indents.size() > 1; indents.pop_back())
      tokens.push_back({MpyParser::DEDENT, end, end});
    markMatchStatements();
  }
  tokens.push_back({antlr4::Token::EOF, end, end});
  return true;
}

size_t Tokenizer::lineEnd(size_t index) const {
  while (index < tokens.size() && tokens[index].type != MpyLexer::NEWLINE)
    ++index;
  return index;
}

/// `match` and `case` are names except in a match statement. A line that begins with `match`, ends
/// with a colon and opens a block whose first line begins with `case` can be nothing else.
void Tokenizer::markMatchStatements() {
  std::vector<bool> isMatchBlock;
  bool opensMatchBlock = false;
  bool lineBegins = true;
  auto isWord = [&](size_t index, llvm::StringRef word) {
    return index < tokens.size() && tokens[index].type == MpyLexer::NAME &&
           text.slice(tokens[index].begin, tokens[index].end) == word;
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    size_t type = tokens[i].type;
    if (type == MpyParser::INDENT) {
      isMatchBlock.push_back(opensMatchBlock);
      opensMatchBlock = false;
      continue;
    }
    if (type == MpyParser::DEDENT) {
      if (!isMatchBlock.empty())
        isMatchBlock.pop_back();
      continue;
    }
    if (lineBegins && isWord(i, "match") && tokens[i + 1].type != MpyLexer::COLON) {
      size_t end = lineEnd(i);
      if (end + 1 < tokens.size() && tokens[end - 1].type == MpyLexer::COLON &&
          tokens[end + 1].type == MpyParser::INDENT && isWord(end + 2, "case")) {
        tokens[i].type = MpyParser::MATCH;
        opensMatchBlock = true;
      }
    } else if (lineBegins && isWord(i, "case") && !isMatchBlock.empty() && isMatchBlock.back()) {
      tokens[i].type = MpyParser::CASE;
    }
    lineBegins = type == MpyLexer::NEWLINE;
  }
}

} // namespace

std::optional<std::vector<SourceToken>> readTokens(const SourceManager &sources, Span span,
                                                   TokenRange range, Diagnostics &diagnostics) {
  return Tokenizer(sources, span, range, diagnostics).run();
}

bool checkSourceText(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  llvm::StringRef text = sources.text(file);
  // MicroPython's compiled files have the same suffix: 'M', a version up to 6, then feature bits.
  constexpr unsigned char newestBytecode = 6;
  if (text.size() >= 2 && text[0] == 'M' && static_cast<unsigned char>(text[1]) <= newestBytecode) {
    diagnostics.report(ErrorId::BinaryMpyFile, {file, 0, 0}, {},
                       {.help = "compile the .py file it was made from; mpyc reads source text"});
    return false;
  }
  for (size_t i = 0; i < text.size();) {
    auto byte = static_cast<unsigned char>(text[i]);
    auto place = static_cast<uint32_t>(i);
    if (byte == 0) {
      diagnostics.report(ErrorId::NulByte, {file, place, place + 1});
      return false;
    }
    size_t length = llvm::getNumBytesForUTF8(byte);
    auto *first = reinterpret_cast<const llvm::UTF8 *>(text.data() + i);
    if (byte >= 0x80 &&
        !llvm::isLegalUTF8Sequence(first, reinterpret_cast<const llvm::UTF8 *>(text.end()))) {
      diagnostics.report(ErrorId::InvalidUtf8, {file, place, place + 1},
                         {llvm::formatv("0x{0:X-2}", byte).str()},
                         {.help = "save the file as UTF-8"});
      return false;
    }
    i += byte < 0x80 ? 1 : length;
  }
  return true;
}

} // namespace mpy
