// The forward sweep over one function.
#pragma once

#include "adjoint/Activity.h"

namespace mpy {

/// Which tangents pass a call: of which arguments they come in, of which results they go out, in
/// how many directions. All tangents of the first direction come before those of the second.
struct CallTangents {
  llvm::SmallVector<int64_t> arguments, results;
  unsigned directions = 1;
  /// Whether what passes are numbers of sets (Dependences.h).
  bool dependences = false;
};

/// The function that is called in the place of another, with tangents.
using FindTangent = std::function<llvm::FailureOr<mlir::func::FuncOp>(
    llvm::StringRef callee, const CallTangents &tangents)>;

/// Gives a single-block function without requests the tangents of its arguments as further
/// arguments and those of its results as further results.
llvm::LogicalResult generateTangent(mlir::func::FuncOp function, const CallTangents &tangents,
                                    const FindTangent &findTangent);

/// The type of what `generateTangent` makes.
mlir::FunctionType tangentType(mlir::func::FuncOp function, const CallTangents &tangents);

} // namespace mpy
