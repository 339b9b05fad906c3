// How mpyc ends.
#ifndef MPY_DRIVER_EXITCODE_H
#define MPY_DRIVER_EXITCODE_H

namespace mpy {

/// The exit codes of mpyc; `mpyc run` ends with the program's own code instead of Success.
enum ExitCode {
  Success = 0,
  ProgramError = 1,   ///< An error in the program or while it is built, or a known limitation.
  UsageError = 2,     ///< An unknown option or value, input or output that cannot be opened.
  InternalError = 70, ///< A bug in the compiler.
  Interrupted = 130,  ///< Ctrl-C.
};

} // namespace mpy

#endif // MPY_DRIVER_EXITCODE_H
