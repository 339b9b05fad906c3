// One compilation: from a program's file to the phase that the options ask for.
#ifndef MPY_DRIVER_COMPILE_H
#define MPY_DRIVER_COMPILE_H

#include "driver/Options.h"

namespace mpy {

/// Compiles as the options say; errors are reported.
ExitCode compile(const Options &options, SourceManager &sources, Diagnostics &diagnostics);

/// Compiles to a temporary executable and runs it; the code is the program's own.
int compileAndRun(const Options &options, SourceManager &sources, Diagnostics &diagnostics);

} // namespace mpy

#endif // MPY_DRIVER_COMPILE_H
