// What happens when the compiler itself fails: one sentence with the phase, exit code 70.
#ifndef MPY_DRIVER_CRASH_H
#define MPY_DRIVER_CRASH_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

namespace mpy {

/// Turns crashes, LLVM's fatal errors and Ctrl-C into their exit codes, for the whole process.
void installCrashHandlers();
/// Runs `work` with a stack large enough for deep programs; a stack overflow in it is reported like
/// any crash.
int runWithLargeStack(llvm::function_ref<int()> work);

/// Names the phase that internal errors blame; the text must live on.
void enterPhase(const char *name);
/// The phase that was entered last.
const char *currentPhase();
/// Prints what failed and that this is a bug, then ends the process with code 70.
[[noreturn]] void internalError(llvm::StringRef what);

/// A process group that an interrupted compiler waits for before it removes temporary files; 0 for
/// none, -1 for one that is being started.
void awaitOnInterrupt(int group);

/// A file or empty folder that is removed should the process end early.
class RemovedOnExit {
public:
  explicit RemovedOnExit(llvm::StringRef path);
  ~RemovedOnExit();
  RemovedOnExit(const RemovedOnExit &) = delete;
  RemovedOnExit &operator=(const RemovedOnExit &) = delete;
  /// The file has its final name now: nothing is removed.
  void keep();

private:
  int slot;
};

} // namespace mpy

#endif // MPY_DRIVER_CRASH_H
