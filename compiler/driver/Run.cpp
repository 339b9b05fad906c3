// `mpyc run`: compiles into a temporary folder, runs the program and ends as it does.
//
//   mpyc run prog.mpy a b   ->   /tmp/mpyc-run-1f/prog a b, exit code of prog
//
// A program that a signal ends gives 128 plus the signal, as shells count: Ctrl-C is 130.
#include "driver/Compile.h"
#include "driver/Crash.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mpy;

static volatile pid_t child = 0;

/// What another process tells the compiler, the running program is told; what comes from the
/// terminal, it hears itself.
static void forwardSignal(int signal, siginfo_t *info, void *) {
  if (child > 0 && info->si_code <= 0)
    kill(child, signal);
}

/// Hands on what can be read, line by line, until the other side is closed.
static void readLines(int from, llvm::function_ref<void(llvm::StringRef)> onLine) {
  std::string pending;
  char bytes[4096];
  for (ssize_t count; (count = read(from, bytes, sizeof bytes)) != 0;) {
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      break;
    pending.append(bytes, count);
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      onLine(llvm::StringRef(pending).slice(begin, end));
    pending.erase(0, begin);
  }
}

static int runProgram(const std::string &executable, const Options &options,
                      Diagnostics &diagnostics, llvm::function_ref<void(llvm::StringRef)> onLine) {
  std::vector<char *> arguments = {const_cast<char *>(options.input.c_str())};
  for (const std::string &argument : options.programArguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);

  int ends[2] = {-1, -1};
  if (onLine && pipe2(ends, O_CLOEXEC) != 0) {
    diagnostics.reportGlobal(ErrorId::CannotRun, {std::strerror(errno)});
    return ExitCode::ProgramError;
  }
  child = fork();
  if (child < 0) {
    diagnostics.reportGlobal(ErrorId::CannotRun, {std::strerror(errno)});
    return ExitCode::ProgramError;
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
      std::signal(signal, SIG_DFL);
    if (onLine)
      dup2(ends[1], STDOUT_FILENO);
    execv(executable.c_str(), arguments.data());
    _exit(126);
  }
  struct sigaction action = {};
  action.sa_sigaction = forwardSignal;
  action.sa_flags = SA_SIGINFO;
  for (int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &action, nullptr);
  if (onLine) {
    close(ends[1]);
    readLines(ends[0], onLine);
    close(ends[0]);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int mpy::compileAndRun(const Options &options, SourceManager &sources, Diagnostics &diagnostics,
                       FunctionWatch *watch, llvm::function_ref<void(llvm::StringRef)> onLine) {
  llvm::SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("mpyc-run", folder)) {
    diagnostics.reportGlobal(ErrorId::CannotRun, {error.message()});
    return ExitCode::ProgramError;
  }
  RemovedOnExit removedFolder(folder);
  llvm::SmallString<128> executable(folder);
  llvm::sys::path::append(executable, llvm::sys::path::stem(options.input));
  RemovedOnExit removedExecutable(executable);

  Options build = options;
  build.command = Options::Command::Build;
  build.output = std::string(executable);
  if (ExitCode code = compile(build, sources, diagnostics, watch))
    return code;
  return runProgram(std::string(executable), options, diagnostics, onLine);
}
