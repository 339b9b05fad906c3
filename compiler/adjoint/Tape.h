// What the reverse sweep needs of the forward sweep: recomputed when cheap, else stored on one
// tape.
#pragma once

#include "adjoint/Undo.h"

#include <functional>
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
  /// Values of `forward` already brought into `reverse`; in a branch also the version of an array
  /// that the branch begins with.
  llvm::DenseMap<mlir::Value, mlir::Value> available;
  /// Values of `reverse` that are not there at its beginning: what rests on one stands where it is
  /// asked for.
  llvm::DenseSet<mlir::Value> late;
  /// Where the sweep emits, and what it knows of arrays that are changed part by part.
  mlir::OpBuilder *builder = nullptr;
  Undo *undo = nullptr;
  /// Values pushed at the end of `forward`, and what stands for them in `reverse` until they are
  /// popped.
  llvm::SmallVector<mlir::Value> stored, placeholders;

  /// Control flow inside, in the order of the reverse sweep.
  struct Child {
    mlir::Operation *forward = nullptr, *reverse = nullptr;
    llvm::SmallVector<std::unique_ptr<Scope>> bodies;
    /// For a call: what is called in its place, with a tape. `reverse` is a call then, too.
    mlir::FlatSymbolRefAttr twin = {};
    /// For a loop that says itself what it pushes and pops: the tape that a body begins with -> the
    /// one that it ends with.
    std::function<mlir::Value(mlir::Value tape)> pushes = {}, pops = {};

    /// Whether it or what is inside stores something.
    bool usesTape() const;
  };
  llvm::SmallVector<Child> children;

  /// Where `forward` or what is inside stores something.
  bool usesTape() const;
  /// Begins a reverse block.
  void open(mlir::OpBuilder &builder, mlir::Location loc);
  /// Says that the sweep has a value of the forward sweep from here on.
  void provide(mlir::Value value, mlir::Value reversed) {
    available[value] = reversed;
    late.insert(reversed);
  }
  /// Keeps a value of `forward`.
  mlir::Value store(mlir::Value value);
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
  Scope *ownerOf(mlir::Value value);
  /// Where the sweep is now in the block of a scope around this one, or this one.
  mlir::OpBuilder now(Scope *owner);
};

/// Replaces placeholders by pops, and threads one tape through both sweeps; `end` is where the
/// reverse sweep is over.
void threadTape(Scope &outermost, mlir::Operation *end);

/// The same for the bodies of two functions, which take the tape as their last argument and return
/// it as their last result.
void threadTape(Scope &outermost, mlir::Value forwardTape, mlir::Value reverseTape);

} // namespace mpy
