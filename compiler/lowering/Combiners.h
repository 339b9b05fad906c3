// How the results of a group of operations gather many elements into one.
#ifndef MPY_LOWERING_COMBINERS_H
#define MPY_LOWERING_COMBINERS_H
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace mpy {

/// Accumulators of a linalg.generic that may be computed in parts, in any order: sums, products,
/// extremes, logical ones, and the extreme with its position.
class Combiners {
public:
  /// Finds how each of these outputs gathers elements; false if one does so in an order of its own.
  bool find(mlir::linalg::GenericOp op, llvm::ArrayRef<unsigned> outputs);

  /// What changes nothing; `inits` are the values in the outputs before.
  llvm::SmallVector<mlir::Value> neutral(mlir::OpBuilder &builder, mlir::Location loc,
                                         mlir::ValueRange inits) const;
  /// Two partial results as one.
  llvm::SmallVector<mlir::Value> combine(mlir::OpBuilder &builder, mlir::Location loc,
                                         mlir::ValueRange x, mlir::ValueRange y) const;

private:
  bool findOne(mlir::linalg::GenericOp op, llvm::ArrayRef<unsigned> outputs, unsigned number);
  mlir::Value isBetter(mlir::OpBuilder &builder, mlir::Value x, mlir::Value best) const;

  /// For each output the operation that adds an element, or null for what the pair decides.
  llvm::SmallVector<mlir::Operation *> operations;
  /// The best element and its position among the outputs, and the selects that choose them.
  std::optional<std::pair<unsigned, unsigned>> pair;
  mlir::Operation *choice = nullptr;
  mlir::Value element, best;
};

} // namespace mpy
#endif
