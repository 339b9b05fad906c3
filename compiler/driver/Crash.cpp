// Turns every way in which the compiler can fail by itself into exit code 70 and one sentence:
//
//   mpyc: internal error in phase 'adjoint'; please report it with the program
//
// Signals are caught on their own stack, so that a stack overflow is reported too; the handlers
// only write, unlink and exit. Ctrl-C ends with 130. Temporary files are removed on each way out.
#include "driver/Crash.h"
#include "driver/ExitCode.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

using namespace mpy;

static const char *volatile phase = "command line";

static constexpr int maximumFiles = 8;
static char files[maximumFiles][4096];

static void removeFiles() {
  // Backwards: files before the folders that hold them.
  for (int i = maximumFiles - 1; i >= 0; --i)
    if (files[i][0] && unlink(files[i]) != 0)
      rmdir(files[i]);
}

void mpy::enterPhase(const char *name) { phase = name; }
const char *mpy::currentPhase() { return phase; }

RemovedOnExit::RemovedOnExit(llvm::StringRef path) : slot(-1) {
  for (int i = 0; i < maximumFiles && slot < 0; ++i)
    if (!files[i][0])
      slot = i;
  if (slot < 0 || path.size() >= sizeof(files[0]))
    internalError("too many temporary files");
  std::memcpy(files[slot], path.data(), path.size());
  files[slot][path.size()] = 0;
}

void RemovedOnExit::keep() { files[slot][0] = 0; }

RemovedOnExit::~RemovedOnExit() {
  if (files[slot][0] && unlink(files[slot]) != 0)
    rmdir(files[slot]);
  files[slot][0] = 0;
}

static void writeText(const char *text) {
  [[maybe_unused]] ssize_t written = write(2, text, std::strlen(text));
}

/// Safe inside a signal handler.
[[noreturn]] static void endWithInternalError(const char *what) {
  writeText("mpyc: internal error in phase '");
  writeText(phase);
  writeText("'; please report it with the program\n");
  if (*what) {
    writeText("  ");
    writeText(what);
    writeText("\n");
  }
  removeFiles();
  _exit(ExitCode::InternalError);
}

void mpy::internalError(llvm::StringRef what) {
  llvm::outs().flush();
  endWithInternalError(what.str().c_str());
}

static void handleCrash(int signal) {
  switch (signal) {
  case SIGSEGV:
  case SIGBUS:
    endWithInternalError("invalid memory access or stack overflow");
  case SIGABRT:
    endWithInternalError("aborted");
  default:
    endWithInternalError("invalid instruction or arithmetic");
  }
}

static volatile int startedGroup = 0;
static volatile int pendingSignal = 0;

/// A linker that went on would write its output after everything was removed. It leaves nothing of
/// its own when it comes to its end, which is soon.
static void awaitStartedGroup() {
  timespec moment = {0, 10'000'000};
  for (int i = 0; i < 300; ++i) {
    if (waitpid(startedGroup, nullptr, WNOHANG) != 0)
      return;
    nanosleep(&moment, nullptr);
  }
  kill(-startedGroup, SIGKILL);
}

static void handleInterrupt(int signal) {
  pendingSignal = signal;
  // Between its start and its number, the linker cannot be waited for: awaitOnInterrupt goes on.
  if (startedGroup < 0)
    return;
  if (startedGroup > 0)
    awaitStartedGroup();
  removeFiles();
  _exit(128 + signal);
}

void mpy::awaitOnInterrupt(int group) {
  startedGroup = group;
  if (pendingSignal)
    handleInterrupt(pendingSignal);
}

static void installSignalStack() {
  static constexpr size_t size = 256 * 1024;
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return;
  stack_t stack = {};
  stack.ss_sp = memory;
  stack.ss_size = size;
  sigaltstack(&stack, nullptr);
}

void mpy::installCrashHandlers() {
  llvm::install_fatal_error_handler(
      [](void *, const char *reason, bool) { endWithInternalError(reason); }, nullptr);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { endWithInternalError("out of memory"); }, nullptr);
  struct sigaction action = {};
  action.sa_handler = handleInterrupt;
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  return; // The sanitizer's report says more.
#endif
#endif
  installSignalStack();
  action.sa_handler = handleCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    sigaction(signal, &action, nullptr);
}

int mpy::runWithLargeStack(llvm::function_ref<int()> work) {
  struct Call {
    llvm::function_ref<int()> work;
    int result;
  } call{work, ExitCode::InternalError};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, size_t(256) << 20);
  pthread_t thread;
  auto run = [](void *argument) -> void * {
    installSignalStack();
    auto *call = static_cast<Call *>(argument);
    call->result = call->work();
    return nullptr;
  };
  // Where so much address space is not to be had, the usual stack serves most programs.
  if (pthread_create(&thread, &attributes, run, &call) != 0)
    return work();
  // Ctrl-C goes to the thread that works, so that nothing is made while files are removed.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  pthread_join(thread, nullptr);
  return call.result;
}
