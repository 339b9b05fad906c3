// Loops over memory without gaps become one.
#ifndef MPY_LOWERING_COLLAPSELOOPS_H
#define MPY_LOWERING_COLLAPSELOOPS_H
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace mpy {

/// The loops of a linalg operation on buffers: its operands, where each is accessed, and which
/// loops reduce.
struct LoopSpace {
  explicit LoopSpace(mlir::linalg::GenericOp op);
  /// Merges adjacent loops that walk every operand as one loop would; not where the body asks for
  /// its position.
  void collapse(mlir::OpBuilder &builder, mlir::linalg::GenericOp op);
  /// The extent of a loop, as a constant where one of the operands knows it.
  mlir::Value extentOf(mlir::OpBuilder &builder, mlir::Location loc, unsigned dim) const;

  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<bool> reductions;

private:
  bool canCollapse(unsigned dim) const;
  void mergeWithNext(mlir::OpBuilder &builder, mlir::Location loc, unsigned dim);
};

} // namespace mpy
#endif
