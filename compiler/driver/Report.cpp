// Turns MLIR's diagnostics into the compiler's own messages, and keeps the times of a compilation.
//
//   error: loc("prog.mpy":3:5) "E0502: ..."   ->   prog.mpy:3:5: error[E0502]: ... with the line
//   and a caret
#include "driver/Report.h"
#include "driver/Crash.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include <unistd.h>

using namespace mpy;

PassErrors::PassErrors(mlir::MLIRContext &context, Diagnostics &diagnostics)
    : context(context), diagnostics(diagnostics),
      handler(context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
        handle(diagnostic);
        return mlir::success();
      })) {}

PassErrors::~PassErrors() { context.getDiagEngine().eraseHandler(handler); }

/// The bytes of `line` before the column (from 1, in code points).
static size_t bytesBeforeColumn(llvm::StringRef line, unsigned column) {
  size_t bytes = 0;
  for (unsigned i = 1; i < column && bytes < line.size(); ++i)
    do
      ++bytes;
    while (bytes < line.size() && (line[bytes] & 0xC0) == 0x80);
  return bytes;
}

/// The word or character at a place: locations keep only where something starts.
static size_t wordLength(llvm::StringRef text) {
  size_t length = 0;
  while (length < text.size() && (llvm::isAlnum(text[length]) || text[length] == '_' ||
                                  text[length] == '.' || (text[length] & 0x80)))
    ++length;
  return length ? length : !text.empty();
}

static std::optional<Span> spanOf(const SourceManager &sources, mlir::FileLineColLoc location) {
  for (FileId file = 0; file < sources.size(); ++file) {
    if (sources.name(file) != location.getFilename().getValue())
      continue;
    llvm::StringRef line = sources.line(file, location.getLine());
    size_t column = bytesBeforeColumn(line, location.getColumn());
    uint32_t begin = sources.lineStart(file, location.getLine()) + column;
    return Span{file, begin, begin + uint32_t(wordLength(line.substr(column)))};
  }
  return std::nullopt;
}

/// The innermost place of a location, and the calls that led there.
static std::optional<Span> resolve(const SourceManager &sources, mlir::Location location,
                                   std::vector<Note> &calls) {
  if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(location))
    return spanOf(sources, place);
  if (auto named = llvm::dyn_cast<mlir::NameLoc>(location))
    return resolve(sources, named.getChildLoc(), calls);
  if (auto call = llvm::dyn_cast<mlir::CallSiteLoc>(location)) {
    std::optional<Span> callee = resolve(sources, call.getCallee(), calls);
    std::optional<Span> caller = resolve(sources, call.getCaller(), calls);
    if (!callee)
      return caller;
    if (caller)
      calls.push_back({*caller, "called from here"});
    return callee;
  }
  if (auto fused = llvm::dyn_cast<mlir::FusedLoc>(location))
    for (mlir::Location part : fused.getLocations())
      if (auto span = resolve(sources, part, calls))
        return span;
  return std::nullopt;
}

void PassErrors::handle(mlir::Diagnostic &diagnostic) {
  std::string text = diagnostic.str();
  auto [code, message] = llvm::StringRef(text).split(": ");
  std::optional<ErrorId> id = errorFromCode(code);
  bool isRemark = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Remark;
  if (isRemark && !id) {
    if (remarks)
      *remarks += text + "\n";
    return;
  }
  if (!isRemark && diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
    return;
  if (!id) {
    llvm::raw_string_ostream(internal) << diagnostic.getLocation() << ": " << text << "\n";
    return;
  }
  Details details;
  details.isNote = isRemark && !notesAreErrors;
  std::optional<Span> span =
      resolve(diagnostics.sourceManager(), diagnostic.getLocation(), details.notes);
  for (mlir::Diagnostic &note : diagnostic.getNotes()) {
    std::string noteText = note.str();
    llvm::StringRef rest = noteText;
    std::vector<Note> outer;
    if (rest.consume_front("help: "))
      details.help = rest.str();
    else if (rest.consume_front("found: "))
      details.found = rest.str();
    else if (auto place = resolve(diagnostics.sourceManager(), note.getLocation(), outer))
      details.notes.push_back({*place, noteText});
  }
  diagnostics.report(Diagnostic{*id, span, message.str(), std::move(details)});
}

Stopwatch::Stopwatch(bool printPasses, bool printPhases)
    : printPasses(printPasses), printPhases(printPhases), terminal(isatty(2)), start(Clock::now()),
      phaseStart(start) {}

Stopwatch::~Stopwatch() {
  finish();
  if (progressShown)
    llvm::errs() << "\r\x1b[K";
}

static double secondsSince(std::chrono::steady_clock::time_point point) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - point).count();
}

void Stopwatch::enter(const char *phase) {
  enterPhase(phase);
  if (!phaseTimes.empty())
    phaseTimes.back().seconds = secondsSince(phaseStart);
  phaseStart = Clock::now();
  phaseTimes.push_back({phase, 0});
  showProgress(phase);
}

void Stopwatch::showProgress(const char *phase) {
  // Quick compilations, and those whose messages go to a file, say nothing.
  if (!terminal || printPasses || secondsSince(start) < 2)
    return;
  llvm::errs() << "\r\x1b[Kmpyc: " << phase;
  progressShown = true;
}

void Stopwatch::addPass(llvm::StringRef name, double seconds) {
  for (Line &line : passTimes)
    if (line.name == name) {
      line.seconds += seconds;
      return;
    }
  passTimes.push_back({name.str(), seconds});
}

static void printLine(llvm::StringRef name, double seconds) {
  llvm::errs() << llvm::format("%9.2f ms  ", seconds * 1e3) << name << "\n";
}

void Stopwatch::printPassTimes() {
  if (printPasses)
    for (const Line &line : passTimes)
      printLine(line.name, line.seconds);
  passTimes.clear();
}

void Stopwatch::finish() {
  if (phaseTimes.empty())
    return;
  if (printPasses || printPhases)
    for (auto [things, count] : counts)
      llvm::errs() << llvm::format("%9zu     ", count) << things << "\n";
  phaseTimes.back().seconds = secondsSince(phaseStart);
  if (printPhases) {
    for (const Line &line : phaseTimes)
      printLine(line.name, line.seconds);
    printLine("total", secondsSince(start));
  }
  phaseTimes.clear();
}

namespace {
/// Measures each pass; passes over several functions add up under one name.
struct PassTimer : mlir::PassInstrumentation {
  explicit PassTimer(Stopwatch &stopwatch) : stopwatch(stopwatch) {}

  void runBeforePass(mlir::Pass *pass, mlir::Operation *) override {
    starts.push_back(std::chrono::steady_clock::now());
  }
  void runAfterPass(mlir::Pass *pass, mlir::Operation *) override { end(pass); }
  void runAfterPassFailed(mlir::Pass *pass, mlir::Operation *) override { end(pass); }

  void end(mlir::Pass *pass) {
    double seconds = secondsSince(starts.back());
    starts.pop_back();
    // Adaptors that only walk the functions have no name on the command line.
    if (!pass->getArgument().empty())
      stopwatch.addPass(pass->getArgument(), seconds);
  }

  Stopwatch &stopwatch;
  std::vector<std::chrono::steady_clock::time_point> starts;
};
} // namespace

void Stopwatch::attach(mlir::PassManager &manager) {
  if (printPasses)
    manager.addInstrumentation(std::make_unique<PassTimer>(*this));
}
