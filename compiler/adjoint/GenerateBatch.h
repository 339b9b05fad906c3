// A function of one example for many.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mpy {

/// Fills `batched`, whose arguments are those of `function` but for the first: the number of
/// examples in the place of the number of one. All at once where that gives what one after the
/// other does, else a loop that calls the function.
void generateBatch(mlir::func::FuncOp function, mlir::func::FuncOp batched);

} // namespace mpy
