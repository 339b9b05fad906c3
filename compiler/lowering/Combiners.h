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

  /// Whether every output gathers the largest or the smallest number, NaN before all.
  bool areExtremes() const;
  /// Whether the outputs are one best element and its position, nothing else.
  bool isBestWithPosition() const { return pair && operations.size() == 2; }
  unsigned bestOutput() const { return pair->first; }
  /// What an output that is an extreme, or the best, is compared with, inside of the group's body.
  mlir::Value candidate(unsigned number) const { return added[number] ? added[number] : element; }
  /// Whether that output is the largest; nothing if that cannot be seen.
  std::optional<bool> isLargest(unsigned number) const;
  /// What every element of that output replaces; of the position, what is behind all others.
  mlir::Value worst(mlir::OpBuilder &builder, mlir::Location loc, unsigned number) const;
  /// Whether `x` takes the place of what was the best before.
  mlir::Value isBetter(mlir::OpBuilder &builder, mlir::Value x, mlir::Value best) const;

private:
  bool findOne(mlir::linalg::GenericOp op, llvm::ArrayRef<unsigned> outputs, unsigned number);

  /// For each output the operation that adds an element, or null for what the pair decides.
  llvm::SmallVector<mlir::Operation *> operations;
  /// For each output with an operation, its element.
  llvm::SmallVector<mlir::Value> added;
  /// The best element and its position among the outputs, and the selects that choose them.
  std::optional<std::pair<unsigned, unsigned>> pair;
  mlir::Operation *choice = nullptr;
  mlir::Value element, best;
};

} // namespace mpy
#endif
