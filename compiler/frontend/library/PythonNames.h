// Names that Python and its libraries know, whether this compiler does or not: messages say of them
// that they are not supported, not that they do not exist.
#ifndef MPY_FRONTEND_PYTHONNAMES_H
#define MPY_FRONTEND_PYTHONNAMES_H

#include "llvm/ADT/StringRef.h"

namespace mpy {

/// A name that is there without an import: `open`, `KeyboardInterrupt`.
bool isPythonBuiltin(llvm::StringRef name);
/// A module of Python's standard library, by the first part of its name.
bool isStandardModule(llvm::StringRef top);
/// A public name of a library module, such as "numpy.linalg".
bool isLibraryName(llvm::StringRef module, llvm::StringRef name);
/// Whether all public names of a module are known.
bool isListedModule(llvm::StringRef module);
/// A public attribute of objects of a type, by the name of the type: "list", "numpy.ndarray".
bool isTypeAttribute(llvm::StringRef type, llvm::StringRef name);
/// Whether the public attributes of a type are known.
bool isKnownType(llvm::StringRef type);

} // namespace mpy

#endif // MPY_FRONTEND_PYTHONNAMES_H
