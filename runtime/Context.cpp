// The process around a compiled program: start and end, arguments, clocks, and standard output with
// its buffer. Output reaches the system when the buffer is full, at a newline on a terminal, before
// anything goes to standard error, and at the end; a failed write ends the program.
#include "Entry.h"

#include "TextBuilder.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

namespace mpy {

/// Apart from the rest, because it is large and starts as zeros.
static constinit OutputState programOutput = {};
/// Of a program: mpy_begin makes it the current one. A library has no use for it, and is linked
/// without it.
static constinit Context programContext(&programOutput);
constinit thread_local Context *currentContext = nullptr;

static void failWrite(int error) {
  if (context().library)
    raise({nullptr, 0}, error == EPIPE ? "BrokenPipeError" : "OSError", "[Errno %d] %s", error,
          strerror(error));
  char message[256];
  int length = snprintf(message, sizeof message, "%s: %s: [Errno %d] %s\n", context().module,
                        error == EPIPE ? "BrokenPipeError" : "OSError", error, strerror(error));
  [[maybe_unused]] ssize_t written = write(2, message, length);
  _exit(1);
}

static void writeAll(int descriptor, const char *bytes, int64_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      if (descriptor == 2)
        return;
      failWrite(errno);
    }
    bytes += written;
    count -= written;
  }
}

/// Standard output; in a library, where its context says.
static void writeOut(const char *bytes, int64_t count) {
  LibraryState *library = context().library;
  if (library)
    library->write(library->writeData, bytes, static_cast<size_t>(count));
  else
    writeAll(1, bytes, count);
}

// A fault where the stack ends is a recursion without end; every other one stays what it is.
static void handleFault(int number, siginfo_t *info, void *) {
  char *address = static_cast<char *>(info->si_addr);
  constexpr int64_t below = 32 << 20, above = 1 << 20;
  if (address > programContext.stackEnd - below && address < programContext.stackEnd + above)
    raise({nullptr, 0}, "RecursionError", "maximum recursion depth exceeded");
  signal(number, SIG_DFL);
}

static void watchStack() {
  rlimit limit;
  int64_t size = int64_t(1) << 30;
  if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    size = static_cast<int64_t>(limit.rlim_cur);
  // A margin for the frames of the runtime, of libm and of one large function.
  int64_t margin = size / 8 < (512 << 10) ? size / 8 : (512 << 10);
  context().stackEnd = static_cast<char *>(__builtin_frame_address(0)) - size;
  context().stackLimit = context().stackEnd + margin;
  static char faultStack[64 << 10];
  stack_t stack = {};
  stack.ss_sp = faultStack;
  stack.ss_size = sizeof faultStack;
  struct sigaction action = {};
  action.sa_sigaction = handleFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  if (sigaltstack(&stack, nullptr) == 0)
    sigaction(SIGSEGV, &action, nullptr);
}

// Ctrl-C, as Python ends: what was printed reaches the reader, and the process dies of the signal,
// so that a shell sees 130 and stops its script. A second signal waits until the first is done. It
// may come in a thread of OpenBLAS, which has no context.
static void handleInterrupt(int number) {
  int64_t size = programOutput.size;
  programOutput.size = 0;
  [[maybe_unused]] ssize_t written = size > 0 ? write(1, programOutput.buffer, size) : 0;
  static const char words[] = "KeyboardInterrupt\n";
  written = write(2, words, sizeof words - 1);
  signal(number, SIG_DFL);
  kill(getpid(), number);
}

static void watchInterrupts() {
  struct sigaction action;
  // Ignored where a shell started the program in the background.
  if (sigaction(SIGINT, nullptr, &action) != 0 || action.sa_handler == SIG_IGN)
    return;
  action = {};
  action.sa_handler = handleInterrupt;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGINT, &action, nullptr);
}

} // namespace mpy

using namespace mpy;

int64_t mpy_abi_version(void) { return MPY_ABI_VERSION; }

void mpy_begin(int argc, char **argv, const char *module) {
  currentContext = &programContext;
  context().argc = argc;
  context().argv = argv;
  if (module)
    context().module = module;
  context().output->terminal = isatty(1);
  const char *report = getenv("MPY_MEMORY_REPORT");
  context().memory.report = report && strcmp(report, "0") != 0 && *report;
  // A closed pipe is an error of write, as in Python.
  signal(SIGPIPE, SIG_IGN);
  watchStack();
  watchInterrupts();
}

void mpy_end(void) {
  mpy_flush(1);
  if (const DeviceHooks *hooks = context().deviceHooks)
    hooks->close(context());
  if (!context().memory.report)
    return;
  mpy_release(context().random);
  mpy_release(context().pythonRandom);
  context().random = context().pythonRandom = nullptr;
  char message[256];
  int length = snprintf(message, sizeof message,
                        "mpy: %lld allocations, %lld frees, %lld bytes peak, %lld live\n",
                        static_cast<long long>(context().memory.allocations),
                        static_cast<long long>(context().memory.frees),
                        static_cast<long long>(context().memory.peakBytes),
                        static_cast<long long>(mpy_live_buffers()));
  writeAll(2, message, length);
}

void mpy_exit(int64_t code) {
  if (context().library)
    raise({nullptr, 0}, "SystemExit", "%lld", static_cast<long long>(code));
  mpy_end();
  exit(static_cast<int>(code));
}

int64_t mpy_argc(void) { return context().argc; }

mpy_text *mpy_argv(const char *file, int64_t line, int64_t index) {
  int64_t position = index < 0 ? index + context().argc : index;
  if (position < 0 || position >= context().argc)
    raise({file, line}, "IndexError", "list index out of range");
  const char *argument = context().argv[position];
  return mpy_string_from(argument, static_cast<int64_t>(strlen(argument)));
}

int8_t mpy_isatty(int64_t fd) { return isatty(static_cast<int>(fd)) != 0; }

void mpy_write(int64_t fd, const mpy_text *text) { mpy_write_bytes(fd, text->bytes, text->length); }

void mpy_write_bytes(int64_t fd, const char *bytes, int64_t count) {
  if (fd != 1) {
    mpy_flush(1);
    writeAll(static_cast<int>(fd), bytes, count);
    return;
  }
  if (context().output->size + count > outputCapacity) {
    mpy_flush(1);
    if (count > outputCapacity) {
      writeOut(bytes, count);
      return;
    }
  }
  memcpy(context().output->buffer + context().output->size, bytes, count);
  context().output->size += count;
  if (context().output->terminal && memchr(bytes, '\n', count))
    mpy_flush(1);
}

void mpy_flush(int64_t fd) {
  if (fd != 1 || context().output->size == 0)
    return;
  int64_t size = context().output->size;
  context().output->size = 0;
  writeOut(context().output->buffer, size);
}

static int64_t readNanoseconds(clockid_t clock) {
  if (context().device)
    context().deviceHooks->synchronize();
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

static double readClock(clockid_t clock) {
  return static_cast<double>(readNanoseconds(clock)) / 1e9;
}

double mpy_perf_counter(void) { return readClock(CLOCK_MONOTONIC); }

double mpy_process_time(void) { return readClock(CLOCK_PROCESS_CPUTIME_ID); }

double mpy_time(void) { return readClock(CLOCK_REALTIME); }

int64_t mpy_perf_counter_ns(void) { return readNanoseconds(CLOCK_MONOTONIC); }

int64_t mpy_process_time_ns(void) { return readNanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

int64_t mpy_time_ns(void) { return readNanoseconds(CLOCK_REALTIME); }

void mpy_sleep(const char *file, int64_t line, double seconds) {
  if (seconds != seconds)
    raise({file, line}, "ValueError", "Invalid value NaN (not a number)");
  if (seconds < 0)
    raise({file, line}, "ValueError", "sleep length must be non-negative");
  mpy_flush(1);
  if (seconds > 1e9)
    seconds = 1e9;
  timespec rest;
  rest.tv_sec = static_cast<time_t>(seconds);
  rest.tv_nsec = static_cast<long>((seconds - static_cast<double>(rest.tv_sec)) * 1e9);
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
    ;
}

void mpy_choose_device(int64_t device) { context().chosenDevice = device; }

int64_t mpy_chosen_device(void) { return context().chosenDevice; }

int8_t mpy_first_time(int64_t which) {
  uint64_t bit = uint64_t(1) << which;
  bool isFirst = (context().happened & bit) == 0;
  context().happened |= bit;
  return isFirst;
}

int8_t mpy_stack_is_low(void) {
  return static_cast<char *>(__builtin_frame_address(0)) < context().stackLimit;
}

void mpy_check_stack(const char *file, int64_t line) {
  if (mpy_stack_is_low())
    raise({file, line}, "RecursionError", "maximum recursion depth exceeded");
}
