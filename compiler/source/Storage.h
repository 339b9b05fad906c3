// Which operations may change an array in place, where SSA form makes a new one.
#ifndef MPY_SOURCE_STORAGE_H
#define MPY_SOURCE_STORAGE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace mpy {

/// Whether an operation is one array with a part of it replaced.
bool isUpdate(mlir::Operation *op);
/// Whether a result is another look at the memory of its operand in NumPy.
bool isView(mlir::Operation *op);
/// Whether the use runs, or may run again, after the operation.
bool runsAfter(mlir::Operation *use, mlir::Operation *op);

/// Who owns the arrays of one function.
class Storage {
public:
  explicit Storage(mlir::func::FuncOp function);

  /// Whether the update may change its array instead of a copy of it.
  bool isInPlace(mlir::Operation *update) const { return inPlace.contains(update); }
  /// Whether the array that a loop begins with must be copied for the loop.
  bool copiesInitial(mlir::Operation *loop, unsigned index) const {
    return copied.contains({loop, index});
  }
  /// Whether some name of the memory behind the value is changed in place.
  bool isChanged(mlir::Value value) const;
  /// Whether the values may be names of one memory.
  bool shareMemory(mlir::Value a, mlir::Value b) const {
    return memory.isEquivalent(a.getAsOpaquePointer(), b.getAsOpaquePointer());
  }

private:
  bool isOwned(mlir::Value array);
  bool decideOwned(mlir::Value array);
  void noteClasses(mlir::func::FuncOp function);

  llvm::DenseMap<mlir::Value, bool> owned;
  llvm::DenseSet<mlir::Operation *> inPlace;
  llvm::DenseSet<std::pair<mlir::Operation *, unsigned>> copied;
  llvm::EquivalenceClasses<void *> memory;
  llvm::DenseSet<void *> changed;
};

} // namespace mpy

#endif // MPY_SOURCE_STORAGE_H
