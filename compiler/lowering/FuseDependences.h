// Which operations of one block must stay before which, while operations are merged into groups.
#ifndef MPY_LOWERING_FUSE_DEPENDENCES_H
#define MPY_LOWERING_FUSE_DEPENDENCES_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace mpy {

/// The dependences of a run of operations in one block. Operations are known by their place in it,
/// a group by its first member.
class BlockDependences {
public:
  explicit BlockDependences(llvm::ArrayRef<mlir::Operation *> operations);

  unsigned size() const { return operations.size(); }
  mlir::Operation *operation(unsigned place) const { return operations[place]; }
  /// The place of one of these operations, nothing for others.
  std::optional<unsigned> placeOf(mlir::Operation *op) const;
  /// The first member of the group that an operation belongs to.
  unsigned groupOf(unsigned place) const { return groups[place]; }
  /// The members of a group, in the order of the block.
  llvm::ArrayRef<unsigned> membersOf(unsigned group) const { return members[group]; }

  /// Whether two groups can become one: no third operation has to come between them.
  bool canMerge(unsigned left, unsigned right) const;
  /// Makes two groups one, known by the earlier first member.
  void merge(unsigned left, unsigned right);
  /// Says that an operation is about to be erased.
  void forget(mlir::Operation *op) { places.erase(op); }
  /// The groups in an order that satisfies all dependences and stays close to that of the block.
  llvm::SmallVector<unsigned> order() const;

private:
  bool blocks(unsigned from, unsigned to) const;

  llvm::SmallVector<mlir::Operation *> operations;
  llvm::DenseMap<mlir::Operation *, unsigned> places;
  /// Direct predecessors of each operation.
  llvm::SmallVector<llvm::SmallVector<unsigned>> predecessors;
  llvm::SmallVector<unsigned> groups;
  llvm::SmallVector<llvm::SmallVector<unsigned>> members;
  /// For each group, the operations it depends on, directly or not, without its own members.
  llvm::SmallVector<llvm::BitVector> reached;
};
} // namespace mpy
#endif
