// Which function a call is of: a recursion calls what is active already, with the same variables
// from outside and the same functions to call.
#ifndef MPY_FRONTEND_CALLIDENTITY_H
#define MPY_FRONTEND_CALLIDENTITY_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Whether two functions are one definition with the same variables from outside, or with others
/// that hold the same functions.
bool isSameFunction(const Heap &, const ClosureValue &a, const ClosureValue &b);
/// Equal texts for such functions.
std::string keyOf(const Heap &, const ClosureValue &function);
/// Whether two calls of one function get the same functions and the same objects of classes, as
/// arguments or inside of them. Numbers, arrays and texts may differ.
bool getSameFunctions(const Heap &, const Locals &a, const Locals &b);

} // namespace mpy

#endif // MPY_FRONTEND_CALLIDENTITY_H
