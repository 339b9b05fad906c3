// Functions that call themselves. A recursion that run-time values end becomes a function of its own; until then its calls are
// executed in place, which ends where the structure does.
#include "frontend/Specializer.h"

using namespace mlir;

namespace mpy {

std::optional<Value> Specializer::callRecursive(const ClosureValue &closure, Locals &parameters) { return std::nullopt; }

void Specializer::dropDeadNames(const ast::Node &loop) {}

} // namespace mpy
