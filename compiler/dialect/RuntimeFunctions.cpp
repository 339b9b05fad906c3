// The name of a function of the runtime -> its row.
#include "dialect/RuntimeFunctions.h"

#include "llvm/ADT/StringMap.h"

std::optional<mpy::RuntimeState> mpy::stateOf(llvm::StringRef callee) {
  static const llvm::StringMap<RuntimeState> table = {
#define MPY_RUNTIME_FUNCTION(name, state) {#name, RuntimeState::state},
#include "dialect/RuntimeFunctions.def"
  };
  // A function of another program may do anything.
  if (callee.starts_with("extern:"))
    return RuntimeState::Process;
  auto row = table.find(callee);
  return row == table.end() ? std::nullopt : std::optional(row->second);
}
