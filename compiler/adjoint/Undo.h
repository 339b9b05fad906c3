// Arrays that a loop changes part by part: their versions. The reverse sweep can carry such an
// array backwards, from version to version, where only the parts that were replaced are kept.
#pragma once

#include "dialect/Dialect.h"

namespace mpy {

/// One value that a loop carries: what enters, what the body begins and ends with, what comes out.
struct LoopSlot {
  mlir::Value init, inside, end, result;
};
llvm::SmallVector<LoopSlot> slotsOf(mlir::Operation *loop);

/// The version before one, outside of the operation that made it; null where that cannot be undone.
/// `inner` takes the versions that control flow has inside.
mlir::Value previousVersion(mlir::Value version, llvm::SmallVectorImpl<mlir::Value> &inner);

/// Which arrays the reverse sweep carries backwards.
class Undo {
public:
  /// Finds the versions of the arrays that a loop changes part by part.
  void add(mlir::Operation *loop);
  /// The whole of a version is needed, and it would be kept.
  void want(mlir::Value version);
  /// Tracks what was wanted of the arrays that begin with this loop. Whether that is anything new.
  bool trackWanted(mlir::Operation *loop);
  bool isTracked(mlir::Value version) const { return tracked.contains(version); }
  bool isTracked(mlir::Operation *op) const {
    return llvm::any_of(op->getResults(), [&](mlir::Value result) { return isTracked(result); });
  }

private:
  struct Array {
    mlir::Operation *loop = nullptr;
    llvm::SmallVector<mlir::Value> versions;
    bool isWanted = false, isTracked = false;
  };
  llvm::SmallVector<Array> arrays;
  llvm::DenseMap<mlir::Value, unsigned> numbers;
  llvm::DenseSet<mlir::Value> tracked;
};

} // namespace mpy
