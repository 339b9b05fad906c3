// Runs mpy programs by the plainest means: every value a list of doubles, those of float32 rounded to
// it; every operation a few loops.
#pragma once

#include "dialect/Dialect.h"

#include <functional>

namespace mpy::check {

struct Tape;

/// A scalar, an array, or one version of a tape.
struct Data {
  std::vector<int64_t> shape;
  std::vector<double> elements;
  std::shared_ptr<Tape> tape;
  int64_t version = 0;

  Data() = default;
  Data(double scalar) : elements{scalar} {}
  Data(std::vector<int64_t> shape, double fill = 0) : shape(std::move(shape)) {
    elements.assign(count(), fill);
  }
  int64_t count() const;
  double scalar() const { return elements.at(0); }
  int64_t integer() const { return int64_t(elements.at(0)); }
  /// Position of an element in row-major order.
  int64_t offset(llvm::ArrayRef<int64_t> index) const;
};

/// The stack behind all versions of a tape; using an old version is an error.
struct Tape {
  std::vector<std::vector<Data>> elements;
  int64_t version = 0;
};

/// Steps an index over a shape in row-major order; false after the last.
bool step(std::vector<int64_t> &index, const std::vector<int64_t> &shape);

class Interpreter {
public:
  Interpreter(mlir::ModuleOp module) : module(module) {}
  /// Runs a function.
  std::vector<Data> call(llvm::StringRef function, llvm::ArrayRef<Data> arguments);
  /// Runs a block with its arguments bound; returns what the terminator passes on.
  std::vector<Data> run(mlir::Block &block, llvm::ArrayRef<Data> arguments);

  const Data &get(mlir::Value value) const { return values.at(value.getAsOpaquePointer()); }
  /// Keeps a value, rounded to its type.
  void set(mlir::Value value, Data data);

private:
  void execute(mlir::Operation *op);
  void executeElementwise(mlir::Operation *op);
  bool executeTape(mlir::Operation *op);

  mlir::ModuleOp module;
  std::map<const void *, Data> values;
  /// Meaning on scalars of elementwise operations, built once each.
  std::map<mlir::Operation *, std::unique_ptr<mlir::Block>> meanings;
};

/// One operation of arith or math on scalars; nothing for others.
std::optional<double> evaluateScalar(mlir::Operation *op, llvm::ArrayRef<double> operands);
/// One operation on arrays; false for others.
bool evaluateArrays(mlir::Operation *op, Interpreter &interpreter);
/// The extents of a result whose type leaves some open, listed in order.
std::vector<int64_t> resultShape(mlir::Type type, llvm::ArrayRef<int64_t> open);

} // namespace mpy::check
