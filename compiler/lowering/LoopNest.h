// One linalg operation on buffers as loops.
#ifndef MPY_LOWERING_LOOPNEST_H
#define MPY_LOWERING_LOOPNEST_H
#include "lowering/CollapseLoops.h"
#include "lowering/Combiners.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace mpy {

/// Emits the loops of a linalg.generic on buffers before it.
class LoopNest {
public:
  LoopNest(mlir::linalg::GenericOp op, mlir::OpBuilder &builder);
  void emit();

private:
  unsigned levelOf(mlir::AffineMap map) const;
  mlir::Value load(unsigned operand);
  void store(mlir::Value value, unsigned operand);
  llvm::SmallVector<mlir::Value> indices(unsigned operand);
  bool isBlockedSum(unsigned output);

  /// Emits loop `level` and what is inside; returns the accumulators' values after it.
  llvm::SmallVector<mlir::Value> emitLevel(unsigned level,
                                           llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitLoop(unsigned level, mlir::Value begin, mlir::Value end,
                                          llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitPart(unsigned level, mlir::Value begin, mlir::Value end,
                                          llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitBlocks(unsigned level,
                                            llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitExtremes(unsigned level,
                                              llvm::ArrayRef<mlir::Value> accumulators);
  bool findStored();
  llvm::SmallVector<mlir::Value> emitStoredBody(llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitPosition(unsigned level,
                                              llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> gatherExtremes(unsigned level, mlir::Value begin, mlir::Value end);
  llvm::SmallVector<mlir::Value> gatherElements(llvm::ArrayRef<mlir::Value> accumulators);
  llvm::SmallVector<mlir::Value> emitBody(llvm::ArrayRef<mlir::Value> accumulators);
  mlir::Value index(int64_t value);

  mlir::linalg::GenericOp op;
  mlir::OpBuilder &builder;
  mlir::Location loc;
  LoopSpace space;
  llvm::SmallVector<mlir::Value> &operands;
  llvm::SmallVector<mlir::AffineMap> &maps;
  llvm::SmallVector<bool> &reductions;
  llvm::SmallVector<mlir::Value> extents;
  llvm::SmallVector<mlir::Value> positions;
  /// For each output the level from which on it is accumulated in a register; the number of loops
  /// if it is not.
  llvm::SmallVector<unsigned> accumulatedFrom;
  /// Accumulators in the order in which they were opened: the outputs they belong to.
  llvm::SmallVector<unsigned> open;
  mlir::IRMapping map;
  /// Outputs, by their place in `open`, whose extremes the innermost loop gathers in any order,
  /// without what else the group does.
  llvm::SmallVector<unsigned> extremes;
  /// The outputs that keep the elements of the open ones, and whether they are read from there.
  llvm::SmallVector<unsigned> stored;
  bool readsStored = false;
  Combiners combiners;
  /// Marks the accesses of a loop whose iterations are independent.
  mlir::Attribute accessGroup;
};

} // namespace mpy
#endif
