// The reverse sweep over one function.
#pragma once

#include "adjoint/Activity.h"
#include "adjoint/Rerun.h"
#include "adjoint/Tape.h"
#include "dialect/Differentiable.h"

namespace mpy {

/// Which adjoints pass a call that is reversed: of which results they come in, of which arguments
/// they go out, and which of these come in as the sum so far. Numbers of results and arguments.
struct CallAdjoints {
  llvm::SmallVector<int64_t> results, arguments, begun;
};

/// The two functions that a reversed call becomes (ReverseCalls.cpp).
struct Twins {
  mlir::func::FuncOp forward, reverse;
};

/// The functions that a sweep calls in the place of others; who expands the requests makes them.
struct Partners {
  std::function<llvm::FailureOr<Twins>(mlir::func::CallOp call, const CallAdjoints &adjoints)>
      twins;
  /// A function again without effects, then its reverse sweep: takes its arguments, adjoints of
  /// results, and sums so far; returns adjoints of arguments. `fenced`: apart from the first run.
  std::function<llvm::FailureOr<mlir::func::FuncOp>(llvm::StringRef callee,
                                                    const CallAdjoints &adjoints, bool fenced)>
      rerun;
  /// A function without its effects.
  FindQuiet quiet;
  /// Whether a fence of nothing stands between the two sweeps of each function, for reports.
  bool marksSweeps = false;
  /// Puts a function into the module, under a name of its own.
  std::function<void(mlir::func::FuncOp function)> declare;
};

/// A loop of which some states are kept (Snapshots.cpp): its body is one call of a function, and
/// behind the `slots` of its state it carries its run, the run whose state is kept next, and how
/// many are.
struct SnapshotLoop {
  CheckpointOp step;
  unsigned slots = 0;
  /// How often the body runs, and how many states may be kept.
  mlir::Value count, limit;
  /// In the body: whether the state that it begins with is kept.
  mlir::Value keep;
  Streams streams;
};
using SnapshotLoops = llvm::DenseMap<mlir::Operation *, SnapshotLoop>;

/// Walks blocks backwards and asks each operation for its rule. Knows no operation by name.
class ReverseSweep : public AdjointContext {
public:
  ReverseSweep(mlir::OpBuilder &builder, const Activity &activity, mlir::Location outside,
               const Partners &partners, const SnapshotLoops &snapshotLoops)
      : opBuilder(builder), activity(activity), outside(outside), partners(partners),
        snapshotLoops(snapshotLoops) {}

  /// Reverses the outermost scope: gives each output its seed, then sweeps.
  llvm::LogicalResult run(Scope &outermost, llvm::ArrayRef<mlir::Value> outputs,
                          llvm::function_ref<mlir::Value(mlir::Value)> seed);
  /// The adjoint of an input after the sweep.
  mlir::Value finish(Scope &outermost, mlir::Value input);
  /// Reverses the operations of a scope's forward block, emitting at the builder.
  llvm::LogicalResult sweep(Scope &scope);
  /// Reverses one operation that has regions (ReverseControlFlow.cpp).
  llvm::LogicalResult sweepControlFlow(mlir::Operation *op);
  /// Reverses a call of a function that calls itself (ReverseCalls.cpp).
  llvm::LogicalResult sweepCall(mlir::func::CallOp call);
  /// Reverses a call whose steps are not kept (Checkpoints.cpp).
  llvm::LogicalResult sweepCheckpoint(CheckpointOp op);

  // What rules see.
  mlir::OpBuilder &builder() override { return opBuilder; }
  mlir::Location loc() override;
  mlir::Value primal(mlir::Value value) override { return scope->fetch(value); }
  mlir::Value extent(mlir::Value tensor, unsigned dimension) override;
  mlir::Value bar(unsigned result) override {
    return scope->bars.lookup(current->getResult(result));
  }
  mlir::Value barOrZeros(unsigned result) override {
    return barOrZeros(current->getResult(result));
  }
  bool isActive(mlir::Value operand) override { return activity.isActive(operand); }
  void add(mlir::Value operand, mlir::Value contribution) override;
  void update(mlir::Value operand, llvm::function_ref<mlir::Value(mlir::Value)> rewrite) override;
  llvm::LogicalResult refuse(llvm::StringRef reason) override;

  /// Adjoint of any value in the current scope, zeros written out.
  mlir::Value barOrZeros(mlir::Value value);
  /// The same value under the type of another, which may know other extents.
  mlir::Value conform(mlir::Value value, mlir::Type type);

private:
  llvm::LogicalResult sweepBranches(mlir::Operation *op);
  llvm::LogicalResult sweepLoop(mlir::Operation *op, const struct LoopShape &shape);
  /// Reverses a loop of which some states are kept (Snapshots.cpp).
  llvm::LogicalResult sweepSnapshots(mlir::scf::ForOp loop, const SnapshotLoop &kept);
  /// Which adjoints pass a call, and those that go in.
  CallAdjoints passAdjoints(mlir::Operation *call, llvm::SmallVectorImpl<mlir::Value> &operands);
  /// What comes out of a reversed call.
  void takeAdjoints(mlir::Operation *call, const CallAdjoints &adjoints, mlir::ValueRange bars);
  llvm::SmallVector<mlir::Value> activeCaptures(mlir::Operation *op);
  mlir::Value nameBar(mlir::Value bar, mlir::Value primal);
  mlir::Location barLocation(mlir::Value primal);
  void setBar(mlir::Value value, mlir::Value bar);
  mlir::Value countIterations(mlir::scf::ForOp loop);
  llvm::LogicalResult runLoop(mlir::Operation *op, const struct LoopShape &shape);
  /// Erases what the sweep emitted from an operation on.
  void forgetFrom(mlir::Operation *first);
  /// Carries a tracked array back over an operation that replaced a part of it.
  void undoUpdate(mlir::Operation *op);

  mlir::OpBuilder &opBuilder;
  const Activity &activity;
  mlir::Location outside;
  const Partners &partners;
  const SnapshotLoops &snapshotLoops;
  /// Random states as they are before a call that runs again.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> savedStreams;
  Scope *scope = nullptr;
  Undo undo;
  mlir::Operation *current = nullptr;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, mlir::Value> extents;
};

/// Gives a single-block function without requests the gradients of its results `of` by its
/// arguments `wrt` as further results; with `seeded`, their adjoints as further arguments, else
/// they are 1.
llvm::LogicalResult generateAdjoint(mlir::func::FuncOp function, llvm::ArrayRef<int64_t> of,
                                    llvm::ArrayRef<int64_t> wrt, bool seeded,
                                    const Partners &partners);

/// Makes a single-block function the forward one of twins and writes the body of the other, whose
/// type is set (ReverseCalls.cpp).
llvm::LogicalResult generateTwins(Twins twins, const CallAdjoints &adjoints,
                                  const Partners &partners);

/// Makes a single-block function without effects one that takes adjoints of its results as further
/// arguments, and sums so far, and returns adjoints of its arguments (Checkpoints.cpp).
llvm::LogicalResult generateRerun(mlir::func::FuncOp function, const CallAdjoints &adjoints,
                                  bool fenced, const Partners &partners);

/// Puts a fence of nothing where the reverse sweep of a function begins.
void markSweep(mlir::func::FuncOp function, const Partners &partners);

/// A call of a function whose steps the sweep over this one need not keep, either.
CheckpointOp callAgain(mlir::OpBuilder &builder, mlir::Location loc, mlir::func::FuncOp callee,
                       mlir::ValueRange operands);

/// Makes the bodies of checkpointed loops functions, of which some states are kept.
llvm::FailureOr<SnapshotLoops> outlineSteps(mlir::func::FuncOp function, const Partners &partners);

/// The type of the function that reverses calls of `callee`.
mlir::FunctionType reverseType(mlir::func::FuncOp callee, const CallAdjoints &adjoints);

/// Makes every scf.while count its iterations in its last result (ReverseControlFlow.cpp).
void countWhileLoops(mlir::func::FuncOp function);

/// Reports an operation on the path that has no rule.
void refuseUnknown(mlir::Operation *op);

/// The location of an operation without the name of a source variable.
mlir::Location unnamed(mlir::Location location);

} // namespace mpy
