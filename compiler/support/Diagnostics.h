// The only place that reports to the user: an id from Errors.def, the place, and what to do.
#ifndef MPY_SUPPORT_DIAGNOSTICS_H
#define MPY_SUPPORT_DIAGNOSTICS_H

#include "support/Source.h"
#include "llvm/Support/raw_ostream.h"
#include <set>
#include <string>
#include <vector>

namespace mpy {

/// One enumerator per line of Errors.def, by its short name.
enum class ErrorId {
#define MPY_ERROR(id, name, text) name,
#include "support/Errors.def"
};

/// The printed id, such as `E0101`.
llvm::StringRef errorCode(ErrorId id);
/// The short name, such as `UnclosedBracket`.
llvm::StringRef errorName(ErrorId id);
/// The message text with its `{0}` places.
llvm::StringRef errorText(ErrorId id);
/// The id whose printed code is `code`, if there is one.
std::optional<ErrorId> errorFromCode(llvm::StringRef code);

/// A second place that explains an error: a call on the way to it, a first definition, an opener.
struct Note {
  Span span;
  std::string text;
};

/// What stands below the message: what is there, what was wanted, the cure, other places.
struct Details {
  std::string found = {};
  std::string expected = {};
  std::string help = {};
  std::vector<Note> notes = {};
  /// What would not be an error, were what is made there of another kind: a dict whose keys may be
  /// run-time data.
  std::optional<Span> origin = {};
  /// Whether it is a note that `-W` asks for, and no error.
  bool isNote = false;
};

/// One complete error, message text filled in.
struct Diagnostic {
  ErrorId id;
  std::optional<Span> span;
  std::string message;
  Details details;
};

/// How errors are written: for people, one JSON object a line, or one SARIF document of all.
enum class DiagnosticFormat { Text, Json, Sarif };

/// Collects and prints errors; keeps count, drops repetitions, stops printing at the cap.
class Diagnostics {
public:
  explicit Diagnostics(const SourceManager &sources, llvm::raw_ostream &out = llvm::errs())
      : sources(sources), out(out) {}

  /// Reports an error at a place; `arguments` fill `{0}`, `{1}` .. of the text in Errors.def.
  /// Use: `report(ErrorId::RankChanges, span, {name}, {.found = a, .expected = b, .help = c})`.
  void report(ErrorId id, Span span, std::vector<std::string> arguments = {}, Details details = {});
  /// Reports an error that has no place in a source file (usage, output files).
  void reportGlobal(ErrorId id, std::vector<std::string> arguments = {}, Details details = {});
  /// Reports a complete error, such as one that a `Capture` took.
  void report(Diagnostic diagnostic);

  /// From here on, errors are written in this form.
  void setFormat(DiagnosticFormat wanted) { format = wanted; }
  /// Writes what is written once, at the end.
  void finish();

  /// Whether an error was reported and not captured.
  bool hasErrors() const { return errorCount != 0; }
  /// How many different errors were reported and not captured.
  unsigned count() const { return errorCount; }
  /// The files that spans refer to.
  const SourceManager &sourceManager() const { return sources; }

  /// While it lives, errors are kept here and neither printed nor counted; for trial runs.
  class Capture {
  public:
    explicit Capture(Diagnostics &diagnostics)
        : diagnostics(diagnostics), outer(diagnostics.capture) {
      diagnostics.capture = this;
    }
    ~Capture() { diagnostics.capture = outer; }
    Capture(const Capture &) = delete;
    Capture &operator=(const Capture &) = delete;

    bool hasErrors() const { return !errors.empty(); }
    std::vector<Diagnostic> errors;

  private:
    Diagnostics &diagnostics;
    Capture *outer;
  };

  /// At most this many errors are printed; the rest are counted.
  static constexpr unsigned maximumPrinted = 20;

private:
  void print(const Diagnostic &diagnostic);
  void printText(llvm::raw_ostream &out, const Diagnostic &diagnostic);
  void printPlace(llvm::raw_ostream &out, Span span);
  void printExcerpt(llvm::raw_ostream &out, Span span);

  const SourceManager &sources;
  llvm::raw_ostream &out;
  DiagnosticFormat format = DiagnosticFormat::Text;
  /// Of SARIF: what is to be written.
  std::vector<Diagnostic> kept;
  Capture *capture = nullptr;
  unsigned errorCount = 0;
  std::set<std::tuple<int, uint32_t, uint32_t, std::string>> seen;
};

} // namespace mpy

#endif // MPY_SUPPORT_DIAGNOSTICS_H
