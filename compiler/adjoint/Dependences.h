// What each element of a value may depend on, in the place of its tangent.
#pragma once

#include "dialect/Dialect.h"
#include "dialect/Differentiable.h"

namespace mpy {

/// Sets the numbers of the sets of an operation's results from those of its operands
/// (runtime/Sets.cpp). Fails, after `context.refuse`, where the operation is not known.
llvm::LogicalResult buildDependences(TangentContext &context, mlir::Operation *op);

} // namespace mpy
