// Python's builtin functions and the methods of its containers, as library values.
#ifndef MPY_FRONTEND_BUILTINS_H
#define MPY_FRONTEND_BUILTINS_H

#include "frontend/Specializer.h"

namespace mpy {

/// A method of list, dict, set, tuple or str by its full name ("list.append"), or null.
const LibraryValue *findContainerMethod(llvm::StringRef name);

/// sum, min, max, any, all, sorted: what goes through all items (BuiltinFolds.cpp).
namespace builtins {
Value sumOf(Specializer &, CallArguments &);
Value minimumOf(Specializer &, CallArguments &);
Value maximumOf(Specializer &, CallArguments &);
Value anyOf(Specializer &, CallArguments &);
Value allOf(Specializer &, CallArguments &);
Value sortedOf(Specializer &, CallArguments &);
} // namespace builtins

} // namespace mpy

#endif // MPY_FRONTEND_BUILTINS_H
