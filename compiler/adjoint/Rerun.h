// What it takes to run a function again: its effects are left out, and the random streams that it
// draws from begin where they began.
#pragma once

#include "dialect/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>

namespace mpy {

/// The random streams that a function draws from: arguments, and those of numpy.random and random.
struct Streams {
  llvm::SmallVector<unsigned> arguments;
  bool ofNumpy = false, ofPython = false;
  bool isEmpty() const { return arguments.empty() && !ofNumpy && !ofPython; }
};

/// Finds the streams of a function; fails, with an error, where they cannot be told.
llvm::FailureOr<Streams> findStreams(mlir::func::FuncOp function);
/// The streams as handles, where the function is called with these arguments.
llvm::SmallVector<mlir::Value> streamHandles(mlir::OpBuilder &builder, mlir::Location loc,
                                             const Streams &streams, mlir::ValueRange arguments);
/// Copies of the states of streams.
llvm::SmallVector<mlir::Value> saveStreams(mlir::OpBuilder &builder, mlir::Location loc,
                                           mlir::ValueRange handles);
/// Puts streams into the states that copies have.
void restoreStreams(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange handles,
                    mlir::ValueRange saved);

/// A function in the place of a callee, by name, without its effects.
using FindQuiet = std::function<llvm::FailureOr<mlir::func::FuncOp>(llvm::StringRef callee)>;
/// Leaves out the effects of a function, those of its callees too; fails, with an error, where a
/// value rests on what cannot be asked for again.
llvm::LogicalResult removeEffects(mlir::func::FuncOp function, const FindQuiet &findQuiet);

} // namespace mpy
