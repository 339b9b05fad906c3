// Turns an error id with a place and details into the message that the user reads:
//
//   samples/bad.mpy:4:9: error[E0207]: loop variable 'w' changes its rank
//       w = w[None]
//           ^~~~~~~
//     found: float64 of rank 2; expected: rank 1
//     help: give 'w' its final rank before the loop
#include "support/DiagnosticFormat.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>

namespace mpy {

namespace {

struct ErrorEntry {
  const char *code;
  const char *name;
  const char *text;
};

constexpr ErrorEntry entries[] = {
#define MPY_ERROR(id, name, text) {#id, #name, text},
#include "support/Errors.def"
};

/// Puts the arguments into the `{0}`, `{1}` .. of a message text.
std::string fillArguments(llvm::StringRef text, const std::vector<std::string> &arguments) {
  std::string result;
  while (!text.empty()) {
    size_t number;
    size_t close = text.find('}');
    if (text.front() == '{' && close != llvm::StringRef::npos &&
        !text.slice(1, close).getAsInteger(10, number)) {
      if (number < arguments.size())
        result += arguments[number];
      text = text.drop_front(close + 1);
      continue;
    }
    result += text.front();
    text = text.drop_front();
  }
  return result;
}

size_t countCodePoints(llvm::StringRef text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

} // namespace

llvm::StringRef errorCode(ErrorId id) { return entries[static_cast<size_t>(id)].code; }
llvm::StringRef errorName(ErrorId id) { return entries[static_cast<size_t>(id)].name; }
llvm::StringRef errorText(ErrorId id) { return entries[static_cast<size_t>(id)].text; }

std::optional<ErrorId> errorFromCode(llvm::StringRef code) {
  for (size_t i = 0; i < std::size(entries); ++i)
    if (code.equals_insensitive(entries[i].code))
      return static_cast<ErrorId>(i);
  return std::nullopt;
}

void Diagnostics::report(ErrorId id, Span span, std::vector<std::string> arguments,
                         Details details) {
  report(Diagnostic{id, span, fillArguments(errorText(id), arguments), std::move(details)});
}

void Diagnostics::reportGlobal(ErrorId id, std::vector<std::string> arguments, Details details) {
  report(Diagnostic{id, std::nullopt, fillArguments(errorText(id), arguments), std::move(details)});
}

void Diagnostics::report(Diagnostic diagnostic) {
  if (capture) {
    capture->errors.push_back(std::move(diagnostic));
    return;
  }
  // A function that is specialised for several types fails at the same place each time.
  Span span = diagnostic.span.value_or(Span{~0u, 0, 0});
  if (!seen.insert({static_cast<int>(diagnostic.id), span.file, span.begin, diagnostic.message})
           .second)
    return;
  if (diagnostic.details.isNote)
    return print(diagnostic);
  ++errorCount;
  if (errorCount <= maximumPrinted)
    print(diagnostic);
  else if (errorCount == maximumPrinted + 1 && format == DiagnosticFormat::Text)
    out << "mpyc: more errors are not shown\n";
}

void Diagnostics::print(const Diagnostic &diagnostic) {
  if (format == DiagnosticFormat::Text)
    return printText(out, diagnostic);
  if (format == DiagnosticFormat::Sarif)
    return kept.push_back(diagnostic);
  std::string rendered;
  llvm::raw_string_ostream text(rendered);
  printText(text, diagnostic);
  out << diagnosticAsJson(diagnostic, sources, rendered) << '\n';
}

void Diagnostics::finish() {
  if (format != DiagnosticFormat::Sarif)
    return;
  out << llvm::formatv("{0:2}", diagnosticsAsSarif(kept, sources)) << '\n';
  format = DiagnosticFormat::Text;
}

void Diagnostics::printText(llvm::raw_ostream &out, const Diagnostic &diagnostic) {
  if (diagnostic.span)
    printPlace(out, *diagnostic.span);
  else
    out << "mpyc: ";
  out << (diagnostic.details.isNote ? "note[" : "error[") << errorCode(diagnostic.id)
      << "]: " << diagnostic.message << '\n';
  if (diagnostic.span)
    printExcerpt(out, *diagnostic.span);
  const Details &details = diagnostic.details;
  if (!details.found.empty() || !details.expected.empty()) {
    out << "  ";
    if (!details.found.empty())
      out << "found: " << details.found;
    if (!details.found.empty() && !details.expected.empty())
      out << "; ";
    if (!details.expected.empty())
      out << "expected: " << details.expected;
    out << '\n';
  }
  if (!details.help.empty())
    out << "  help: " << details.help << '\n';
  for (const Note &note : details.notes) {
    out << "  ";
    printPlace(out, note.span);
    out << "note: " << note.text << '\n';
  }
}

void Diagnostics::printPlace(llvm::raw_ostream &out, Span span) {
  LineColumn place = sources.lineColumn(span.file, span.begin);
  out << sources.name(span.file) << ':' << place.line << ':' << place.column << ": ";
}

void Diagnostics::printExcerpt(llvm::raw_ostream &out, Span span) {
  LineColumn place = sources.lineColumn(span.file, span.begin);
  llvm::StringRef line = sources.line(span.file, place.line);
  constexpr size_t longestLine = 200;
  if (line.empty() || line.size() > longestLine)
    return;
  auto isUnprintable = [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; };
  auto *first = reinterpret_cast<const llvm::UTF8 *>(line.begin());
  if (std::any_of(line.begin(), line.end(), isUnprintable) ||
      !llvm::isLegalUTF8String(&first, reinterpret_cast<const llvm::UTF8 *>(line.end())))
    return;
  // The line is shown from its first character on, four columns in, whatever its indentation is.
  llvm::StringRef shown = line.ltrim(" \t\f");
  size_t indentation = line.size() - shown.size();
  size_t column = place.column - 1;
  if (column < indentation) {
    shown = line;
    indentation = 0;
  }
  out << "    " << shown.rtrim() << "\n    ";
  for (size_t i = 0, skipped = 0; skipped < column - indentation && i < shown.size(); ++i)
    if ((shown[i] & 0xC0) != 0x80) {
      out << (shown[i] == '\t' ? '\t' : ' ');
      ++skipped;
    }
  out << '^';
  // A place may lie in the blanks after the text, which are not shown.
  LineColumn last = sources.lineColumn(span.file, span.end);
  size_t end = last.line == place.line ? last.column - 1 : countCodePoints(line.rtrim());
  size_t length = end > column ? end - column : 1;
  for (size_t i = 1; i < length; ++i)
    out << '~';
  out << '\n';
}

} // namespace mpy
