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
    if (std::optional<ExitCode> code = parseOptions(arguments, options, diagnostics))
      return *code;
    if (options.command == Options::Command::Run)
      return compileAndRun(options, sources, diagnostics);
    return compile(options, sources, diagnostics);
  });
}
