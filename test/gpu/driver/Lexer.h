// PTX text as tokens.
#pragma once

#include <cstdint>
#include <string_view>

namespace standin {

enum class TokenKind : uint8_t { End, Name, Directive, Number, Text, Mark };

struct Token {
  TokenKind kind = TokenKind::End;
  std::string_view text;
  unsigned line = 1;
  bool is(char c) const { return kind == TokenKind::Mark && text[0] == c; }
  bool is(std::string_view s) const { return kind != TokenKind::Text && text == s; }
};

class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) { advance(); }
  const Token &peek() const { return token; }
  Token take() {
    Token taken = token;
    advance();
    return taken;
  }
  /// The characters up to the next `;`, for messages.
  std::string_view restOfStatement() const;

private:
  void advance();
  std::string_view text;
  size_t place = 0;
  unsigned line = 1;
  Token token;
};

} // namespace standin
