// What the rules for examples see (BatchRules.cpp) and what the walk over a function knows of its
// values (GenerateBatch.cpp).
#pragma once

#include "dialect/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace mpy {

/// Which values of a function differ from example to example: what follows from the first argument.
class VariedValues {
public:
  explicit VariedValues(mlir::func::FuncOp function);

  bool contains(mlir::Value value) const { return varied.contains(value); }
  /// Whether the examples take different ways through the regions of an operation.
  bool isDivided(mlir::Operation *op) const { return divided.contains(op); }
  /// Whether an operation, or one inside it, reads a varied value.
  bool reads(mlir::Operation *op) const;
  /// Whether this is the number of the example itself.
  bool isNumber(mlir::Value value) const;
  /// Whether all examples at once compute what one after the other do, in the same order of effects.
  bool canStack(mlir::Block &block) const;

private:
  bool visit(mlir::Operation *op);
  bool visitControlFlow(mlir::Operation *op);
  bool visitTape(mlir::Operation *op);
  bool link(mlir::Value from, mlir::Value to);
  bool link(llvm::ArrayRef<mlir::Value> from, mlir::Value to);
  bool divide(mlir::Operation *op);
  bool canStack(mlir::Operation *op) const;
  bool canRunEach(mlir::Operation *op) const;

  mlir::Value number;
  llvm::DenseSet<mlir::Value> varied;
  llvm::DenseSet<mlir::Operation *> divided;
};

/// A value of all examples as another one times a factor that they share: what a chain of derivatives
/// does to a bundle is computed once, and the bundle multiplied once.
struct Multiple {
  mlir::Value base, factor;
  /// Whether a derivative multiplied; what the program did alone keeps its roundings.
  bool isDerivative = false;
};

/// An extent, known or in a value.
using Extents = llvm::SmallVector<mlir::OpFoldResult>;

/// The function of all examples while it is written.
class Batch {
public:
  Batch(const VariedValues &varied, mlir::OpBuilder &builder, mlir::Value count)
      : varied(varied), builder(builder), count(count) {}

  bool isVaried(mlir::Value original) const { return varied.contains(original); }
  bool isNumber(mlir::Value original) const { return varied.isNumber(original); }
  mlir::Location loc() const { return location; }

  /// The value that all examples share.
  mlir::Value shared(mlir::Value original) const { return plain.lookupOrDefault(original); }
  /// The values of all examples, along the first dimension.
  mlir::Value stacked(mlir::Value original);
  /// An operand of an elementwise operation whose result is `like`.
  mlir::Value element(mlir::Value original, mlir::Value like);
  /// A scalar of each example, spread over arrays of these extents.
  mlir::Value spread(mlir::Value original, llvm::ArrayRef<mlir::OpFoldResult> extents);

  /// The type of the values of all examples; numbers of rows are int64 there.
  mlir::RankedTensorType stackedType(mlir::Type type) const;
  /// The extents of an array of one example, and of all, which begin with their number.
  Extents extentsOf(mlir::Value original);
  Extents stackedExtents(mlir::Value original);
  mlir::OpFoldResult number() const;

  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> extents);
  mlir::Value broadcast(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> extents);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes,
                    llvm::ArrayRef<mlir::OpFoldResult> strides, llvm::ArrayRef<int64_t> dropped);
  mlir::Value update(mlir::Value x, mlir::Value value, llvm::ArrayRef<mlir::OpFoldResult> offsets,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     llvm::ArrayRef<mlir::OpFoldResult> strides, llvm::ArrayRef<int64_t> dropped);
  /// 0, 1, .. for the examples, along the first of these extents.
  mlir::Value numbers(llvm::ArrayRef<mlir::OpFoldResult> extents);
  mlir::OpFoldResult product(mlir::OpFoldResult x, mlir::OpFoldResult y);
  mlir::Value fit(mlir::Value value, mlir::Type type);
  mlir::Value materialize(mlir::OpFoldResult extent);
  mlir::Value integer(mlir::Value index);

  /// The operation on other operands, with another type of its result.
  mlir::Value again(mlir::Operation *op, mlir::ValueRange operands, mlir::Type type);
  void set(mlir::Value original, mlir::Value stacked);
  /// The value as a multiple; of itself, without a factor, if nothing else is known.
  Multiple multipleOf(mlir::Value original);
  void setMultiple(mlir::Value original, Multiple multiple) { multiples[original] = multiple; }

  /// Writes the operations of a block.
  void write(mlir::Block &block);
  void writeEach(mlir::Operation *op);

  const VariedValues &varied;
  mlir::OpBuilder &builder;
  mlir::Value count;
  mlir::IRMapping plain;
  /// Of values that few examples have, what each has; null is zero.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> singles;

private:
  void write(mlir::Operation *op);
  void writeBranches(mlir::scf::IfOp branch);
  void writeLoop(mlir::scf::ForOp loop);
  void writeLoop(mlir::scf::WhileOp loop);
  void writeTape(mlir::Operation *op);
  mlir::Value passed(mlir::Value original, mlir::Value slot);
  mlir::Type passedType(mlir::Value slot);
  void receive(mlir::ValueRange slots, mlir::ValueRange values);
  mlir::Value ofExample(mlir::Value original, mlir::Value example);

  llvm::DenseMap<mlir::Value, mlir::Value> all;
  llvm::DenseMap<mlir::Value, Multiple> multiples;
  mlir::Location location = builder.getUnknownLoc();
};

/// Writes an operation for all examples by its rule; fails where it has none.
llvm::LogicalResult applyBatchRule(Batch &batch, mlir::Operation *op);

/// Whether a vector of each example is 1 at the example's own number and 0 elsewhere.
bool isUnitVector(Batch &batch, mlir::Value vector);

/// Writes an operation that is linear in what few examples have for these alone; false if it is none.
bool applySingles(Batch &batch, mlir::Operation *op);

/// Writes an operation that multiplies a bundle by what the examples share, or adds two multiples of
/// one; false if it does neither.
bool applyMultiple(Batch &batch, mlir::Operation *op);

/// Whether the operation has a rule for which its operands fit.
bool hasBatchRule(const VariedValues &varied, mlir::Operation *op);

/// Fills `batched` with a loop that calls the function for one example after the other.
void generateExampleLoop(mlir::func::FuncOp function, mlir::func::FuncOp batched,
                         mlir::OpBuilder &builder);

} // namespace mpy
