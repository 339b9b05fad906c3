// All state of the runtime, which a program has once and each caller of a library makes for itself,
// and the error exits that every part uses.
#ifndef MPY_RUNTIME_CONTEXT_H
#define MPY_RUNTIME_CONTEXT_H

#include "mpyrt.h"

#include <cstdio>

namespace mpy {

constexpr int64_t sizeClassCount = 512;
constexpr int64_t outputCapacity = 64 * 1024;

/// Where an operation stands in the program; what an error names.
struct Place {
  const char *file;
  int64_t line;
};

/// Buffers that are kept for reuse, and the counts behind the memory report.
struct MemoryState {
  mpy_header *freeLists[sizeClassCount];
  char *slabCursor;
  char *slabEnd;
  int64_t keptBytes;
  int64_t keptLimit;
  int64_t liveBytes;
  int64_t peakBytes;
  int64_t allocations;
  int64_t frees;
  bool report;
  /// Slabs, linked through their first bytes.
  char *slabs;
};

/// Standard output, buffered.
struct OutputState {
  char buffer[outputCapacity];
  int64_t size;
  bool terminal;
};

/// How NumPy arrays are printed; the meaning of np.set_printoptions.
struct PrintOptions {
  int64_t precision = 8;
  int64_t threshold = 1000;
  int64_t edgeItems = 3;
  int64_t lineWidth = 75;
  bool suppress = false;
};

/// What calls of matplotlib.pyplot have said so far (Plots.cpp).
struct PlotRecords {
  double *values;
  int64_t size, capacity;
  int64_t newest; // where the record begins that is being written
};

/// A call under mpy_catch (Catch.cpp).
struct Catching;
/// A block of allocateRaw (Catch.cpp).
struct RawBlock;
/// What a context of a library has beside the rest (Entry.h).
struct LibraryState;
/// The device that kernels run on (Cuda.h).
struct DeviceState;
struct Context;

/// What the rest of the runtime asks of the part for a device, which programs without kernels are
/// not linked with.
struct DeviceHooks {
  void (*close)(Context &context);
  void (*synchronize)();
  /// Before the caller gets a buffer, and before one is recycled.
  void (*leave)(void *owner);
  void (*dropCopy)(void *owner);
};

/// All state of the runtime; that of a program is constant-initialised, so that no code runs before
/// main.
struct Context {
  constexpr explicit Context(OutputState *output) : output(output) {}

  int argc = 0;
  char **argv = nullptr;
  const char *module = "program";
  MemoryState memory = {};
  OutputState *output;
  PrintOptions print;
  /// What `with np.printoptions(..)` goes back to.
  static constexpr int mostSaved = 16;
  PrintOptions saved[mostSaved];
  int savedCount = 0;
  /// What minpy.context chooses: 2 * number + 1 for a GPU, 2 * number for the processor; at first
  /// nothing.
  int64_t chosenDevice = -1;
  /// What happens once in a process and has happened, as bits.
  uint64_t happened = 0;
  mpy_random *random = nullptr, *pythonRandom = nullptr;
  FILE **files = nullptr; // by number (OpenFiles.cpp)
  PlotRecords plots = {};
  char *stackEnd = nullptr;
  char *stackLimit = nullptr;
  void (*errorHook)(void *, const char *, int64_t, const char *, const char *) = nullptr;
  void *errorHookData = nullptr;
  /// The tape that has grown last, if it is not empty again, and what pushed to it (Tape.cpp).
  const mpy_tape *tape = nullptr;
  Place tapePlace = {};
  Catching *catching = nullptr;
  RawBlock *newestRaw = nullptr;
  LibraryState *library = nullptr;
  DeviceState *device = nullptr;
  const DeviceHooks *deviceHooks = nullptr; // set with `device`
};

/// The context of what this thread runs: the program's, or that of the library call it is in.
extern constinit thread_local Context *currentContext;
inline Context &context() { return *currentContext; }

/// Raises with a message in printf's form.
[[noreturn]] void raise(Place place, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// malloc for memory inside the runtime; MemoryError where there is none. What a caught exception
/// leaves behind is freed (Catch.cpp), so nothing of it may outlive a call of the runtime.
void *allocateRaw(size_t bytes);
void *reallocateRaw(void *data, size_t bytes);
void freeRaw(void *data);
[[noreturn]] void raiseNoMemory(int64_t bytes);

/// Goes back to the innermost mpy_catch if it wants this kind of exception.
void throwCaught(const char *kind, const char *message);
/// Buffers that a call under mpy_catch has made so far, which an exception frees.
void noteAllocated(mpy_header *header);
void noteFreed(mpy_header *header);
void freeRawSince(RawBlock *before);
/// Closes what a program has opened and not closed.
void closeFiles(Context &context);
/// The records of plots, the last one complete.
const PlotRecords &finishedPlots();

} // namespace mpy

#endif
