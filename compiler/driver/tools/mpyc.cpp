// The compiler's command line: everything behind it is in the driver library.
#include "driver/Compile.h"
#include "driver/Crash.h"
#include "driver/Options.h"

using namespace mpy;

int main(int count, char **words) {
  installCrashHandlers();
  return runWithLargeStack([&]() -> int {
    SourceManager sources;
    Diagnostics diagnostics(sources);
    Options options;
    std::vector<llvm::StringRef> arguments(words + 1, words + count);
    std::optional<ExitCode> code = parseOptions(arguments, options, diagnostics);
    if (!code && options.command == Options::Command::Run)
      return compileAndRun(options, sources, diagnostics);
    if (!code && options.command == Options::Command::GradCheck)
      return checkGradients(options, sources, diagnostics);
    if (!code)
      code = compile(options, sources, diagnostics);
    diagnostics.finish();
    return *code;
  });
}
