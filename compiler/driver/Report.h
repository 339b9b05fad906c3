// What a compilation tells while it runs: pass errors as user errors, times, progress.
#ifndef MPY_DRIVER_REPORT_H
#define MPY_DRIVER_REPORT_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "support/Diagnostics.h"
#include <chrono>
#include <string>
#include <vector>

namespace mpy {

/// Makes errors of passes that begin with an id (`E0502: ..`) errors in the user's program; keeps
/// the others as internal ones.
class PassErrors {
public:
  PassErrors(mlir::MLIRContext &context, Diagnostics &diagnostics);
  ~PassErrors();
  PassErrors(const PassErrors &) = delete;
  PassErrors &operator=(const PassErrors &) = delete;

  /// The errors without an id, one a line.
  std::string internal;
  /// Where remarks go, such as the listing of allocations; null drops them.
  std::string *remarks = nullptr;
  /// Whether remarks with an id are errors: `-Werror`.
  bool notesAreErrors = false;

private:
  void handle(mlir::Diagnostic &diagnostic);

  mlir::MLIRContext &context;
  Diagnostics &diagnostics;
  mlir::DiagnosticEngine::HandlerID handler;
};

/// The times of phases and passes, and the line that says what is being done when that takes long.
class Stopwatch {
public:
  Stopwatch(bool printPasses, bool printPhases);
  ~Stopwatch();

  /// Begins a phase: its time ends where the next begins.
  void enter(const char *phase);
  /// Adds the time of a pass (of one function) to its line.
  void addPass(llvm::StringRef name, double seconds);
  /// Prints the passes so far, each once.
  void printPassTimes();
  /// Says how many things of a kind there are, in both reports.
  void addCount(const char *things, size_t count) { counts.push_back({things, count}); }
  /// Ends the last phase and prints the report if it is wanted.
  void finish();
  /// Measures the passes of a manager.
  void attach(mlir::PassManager &manager);

private:
  using Clock = std::chrono::steady_clock;
  struct Line {
    std::string name;
    double seconds;
  };
  void showProgress(const char *phase);

  bool printPasses;
  bool printPhases;
  bool terminal;
  bool progressShown = false;
  Clock::time_point start;
  Clock::time_point phaseStart;
  std::vector<Line> passTimes;
  std::vector<Line> phaseTimes;
  std::vector<std::pair<const char *, size_t>> counts;
};

} // namespace mpy

#endif // MPY_DRIVER_REPORT_H
