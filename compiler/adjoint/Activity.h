// Which values can carry a derivative: they depend on what is differentiated by, and matter to what
// is differentiated.
#pragma once

#include "dialect/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace mpy {

/// Whether values of this type have adjoints: floats, tensors of them, and tapes, which hold them.
bool isDifferentiable(mlir::Type type);

class Activity {
public:
  Activity(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> inputs,
           llvm::ArrayRef<mlir::Value> outputs);

  /// Whether the value's adjoint is worth computing.
  bool isActive(mlir::Value value) const {
    return varied.contains(value) && useful.contains(value);
  }
  /// Whether a result is active, or a tape that ends here is.
  bool isActive(mlir::Operation *op) const;

private:
  llvm::DenseSet<mlir::Value> varied, useful;
};

/// Whether a value of the operation depends on the inputs of the function by other ways than
/// through the operation's own inputs.
bool dependsAround(mlir::func::FuncOp function, llvm::ArrayRef<mlir::Value> inputs, RuledOp op);

} // namespace mpy
