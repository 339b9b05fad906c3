// Turns PTX text into tokens. A word keeps its dots: `ld.global.b64`, `%tid.x` and `.reg` are one
// token.
#include "Lexer.h"
#include <cctype>

using namespace standin;

static bool isWordCharacter(char c) {
  return isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%';
}

std::string_view Lexer::restOfStatement() const {
  size_t begin = token.text.empty() ? place : size_t(token.text.data() - text.data());
  size_t end = text.find_first_of(";\n", begin);
  return text.substr(begin, end == text.npos ? text.npos : end - begin);
}

void Lexer::advance() {
  for (; place < text.size(); ++place) {
    if (text[place] == '\n')
      ++line;
    else if (text.substr(place, 2) == "//") {
      place = text.find('\n', place);
      if (place == text.npos)
        place = text.size();
      --place;
    } else if (text.substr(place, 2) == "/*") {
      for (; place < text.size() && text.substr(place, 2) != "*/"; ++place)
        line += text[place] == '\n';
      ++place;
    } else if (!isspace(static_cast<unsigned char>(text[place])))
      break;
  }
  token.line = line;
  if (place >= text.size() || text[place] == 0) {
    token.kind = TokenKind::End;
    token.text = {};
    return;
  }
  size_t begin = place;
  char first = text[place++];
  if (first == '"') {
    while (place < text.size() && text[place] != '"')
      ++place;
    token.kind = TokenKind::Text;
    token.text = text.substr(begin + 1, place - begin - 1);
    ++place;
    return;
  }
  bool isWord = isWordCharacter(first) || first == '.';
  if (isWord)
    for (; place < text.size(); ++place) {
      if (isWordCharacter(text[place]) || text[place] == '.')
        continue;
      // As in `.L1::evict_last`.
      if (text.substr(place, 2) == "::" && place + 2 < text.size() &&
          isWordCharacter(text[place + 2]))
        ++place;
      else
        break;
    }
  token.text = text.substr(begin, place - begin);
  token.kind = !isWord                                      ? TokenKind::Mark
               : first == '.'                               ? TokenKind::Directive
               : isdigit(static_cast<unsigned char>(first)) ? TokenKind::Number
                                                            : TokenKind::Name;
}
