// The Python module of a library.
#ifndef MPY_DRIVER_EXPORTPYTHON_H
#define MPY_DRIVER_EXPORTPYTHON_H

#include "support/Exports.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace mpy {

/// The text of a Python module that calls the shared library `library`, a file beside it.
std::string exportPython(const Exports &exports, llvm::StringRef library);

} // namespace mpy

#endif // MPY_DRIVER_EXPORTPYTHON_H
