// What loops of the program and of the library have in common.
#ifndef MPY_FRONTEND_LOOPS_H
#define MPY_FRONTEND_LOOPS_H

#include "frontend/Specializer.h"

namespace mpy {

/// How a value is walked at run time: the number of items, and the item at a position.
struct RunTimeWalk {
  IntExpr length;
  std::function<Value(const IntExpr &)> item;
};

/// What makes a loop that runs at run time.
struct LoopShape {
  std::optional<IntExpr> trip;                // for: the number of iterations
  std::function<void(const IntExpr &)> begin; // for: binds the target for an iteration
  llvm::function_ref<void()> body;
  std::function<Scalar()> test; // while: asked before each iteration but the first
  Scalar firstTest;             // while: asked before the loop
  bool jumps = false;           // break or return inside
};

/// Fails for a value that cannot be walked.
[[noreturn]] void failToIterate(Specializer &s, const Value &value);

} // namespace mpy

#endif // MPY_FRONTEND_LOOPS_H
