// One compilation: from a program's file to the phase that the options ask for.
#ifndef MPY_DRIVER_COMPILE_H
#define MPY_DRIVER_COMPILE_H

#include "driver/Options.h"

namespace mpy {

struct FunctionWatch;

/// Compiles as the options say; errors are reported. `watch`: what is asked about functions while
/// the program is compiled.
ExitCode compile(const Options &options, SourceManager &sources, Diagnostics &diagnostics,
                 FunctionWatch *watch = nullptr);

/// Compiles to a temporary executable and runs it; the code is the program's own. `onLine` gets
/// each line of its standard output in place of who runs mpyc.
int compileAndRun(const Options &options, SourceManager &sources, Diagnostics &diagnostics,
                  FunctionWatch *watch = nullptr,
                  llvm::function_ref<void(llvm::StringRef)> onLine = nullptr);

/// `mpyc gradcheck`: compares the gradients of the program with differences and prints tables.
int checkGradients(const Options &options, SourceManager &sources, Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_DRIVER_COMPILE_H
