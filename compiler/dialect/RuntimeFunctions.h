// What functions of the runtime read and change, from the rows of RuntimeFunctions.def.
#ifndef MPY_DIALECT_RUNTIMEFUNCTIONS_H
#define MPY_DIALECT_RUNTIMEFUNCTIONS_H

#include "llvm/ADT/StringRef.h"
#include <optional>

namespace mpy {

enum class RuntimeState { Nothing, Options, Random, Files, Output, Process, Clock };

/// The row of a function; nothing for one that has none.
std::optional<RuntimeState> stateOf(llvm::StringRef callee);

} // namespace mpy

#endif // MPY_DIALECT_RUNTIMEFUNCTIONS_H
