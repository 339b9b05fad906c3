// What the reverse sweep needs of the forward sweep: recomputed when cheap, else stored on one
// tape.
#pragma once

#include "dialect/Dialect.h"

#include <memory>

namespace mpy {

/// A block of the forward sweep and the block of the reverse sweep that undoes it. The outermost
/// pair is one and the same block, or the bodies of two functions.
struct Scope {
  Scope *parent = nullptr;
  mlir::Block *forward = nullptr;
  mlir::Block *reverse = nullptr;
  /// Operation of `reverse` before which values of the forward sweep are brought in; null in the
  /// outermost scope.
  mlir::Operation *marker = nullptr;
  /// Adjoints so far.
  llvm::DenseMap<mlir::Value, mlir::Value> bars;
  /// Values of `forward` already brought into `reverse`.
  llvm::DenseMap<mlir::Value, mlir::Value> available;
  /// Values pushed at the end of `forward`, and what stands for them in `reverse` until they are
  /// popped.
  llvm::SmallVector<mlir::Value> stored, placeholders;

  /// Control flow inside, in the order of the reverse sweep.
  struct Child {
    mlir::Operation *forward = nullptr, *reverse = nullptr;
    llvm::SmallVector<std::unique_ptr<Scope>> bodies;
    /// For a call: what is called in its place, with a tape. `reverse` is a call then, too.
    mlir::FlatSymbolRefAttr twin = {};

    /// Whether it or what is inside stores something.
    bool usesTape() const;
  };
  llvm::SmallVector<Child> children;

  /// Where `forward` or what is inside stores something.
  bool usesTape() const;
  /// Begins a reverse block.
  void open(mlir::OpBuilder &builder, mlir::Location loc);
  /// A value of the forward sweep inside `reverse` of this scope.
  mlir::Value fetch(mlir::Value value);

private:
  /// Whether values of `forward` are visible in `reverse`.
  bool isOneBlock() const { return forward == reverse; }
  /// Whether the reverse sweep has the value itself.
  bool isKept(mlir::Value value);
  /// Whether the value can be had without storing anything more.
  bool isFree(mlir::Value value, unsigned &budget);
  /// Whether a value follows by cheap operations from what is free and at most one value to store.
  bool restsOnOne(mlir::Value value, mlir::Value &leaf, unsigned &budget);
  mlir::Value store(mlir::Value value);
  Scope *ownerOf(mlir::Value value);
};

/// Replaces placeholders by pops, and threads one tape through both sweeps; `end` is where the
/// reverse sweep is over.
void threadTape(Scope &outermost, mlir::Operation *end);

/// The same for the bodies of two functions, which take the tape as their last argument and return
/// it as their last result.
void threadTape(Scope &outermost, mlir::Value forwardTape, mlir::Value reverseTape);

} // namespace mpy
