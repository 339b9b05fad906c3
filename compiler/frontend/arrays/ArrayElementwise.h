// Elementwise functions of one and two operands, with NumPy's rules for element types.
#ifndef MPY_FRONTEND_ARRAYELEMENTWISE_H
#define MPY_FRONTEND_ARRAYELEMENTWISE_H

#include "frontend/arrays/ArrayOperands.h"

namespace mpy {

/// What element types a function of one operand takes and gives.
enum class UnaryRule {
  Float,    ///< Computes in floating point; integers become float64.
  Number,   ///< Keeps the type; bool is refused.
  Any,      ///< Keeps the type, bool included.
  Rounding, ///< Floats only; integers and bools are returned as they are.
  Test,     ///< Gives bool.
};
using UnaryEmitter = mlir::Value (*)(Specializer &, mlir::Value, DType);

enum class BinaryFunction {
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Remainder,
  Power,
  Arctan2,
  Maximum,
  Minimum,
  FMax,
  FMin,
  LogAddExp,
  Hypot,
  BitAnd,
  BitOr,
  BitXor,
  ShiftLeft,
  ShiftRight,
  LogicalAnd,
  LogicalOr,
  LogicalXor
};

/// The function of every element; a NumPy scalar for numbers.
Value applyUnary(Specializer &specializer, llvm::StringRef name, UnaryRule rule,
                 UnaryEmitter emitter, const Value &operand,
                 std::optional<DType> dtype = std::nullopt);
/// The function that an operator other than `@` stands for.
BinaryFunction functionOf(ast::BinaryOperator op);
/// `f(x, y)` with broadcasting and promotion.
Value applyBinary(Specializer &specializer, BinaryFunction function, const Value &x, const Value &y,
                  std::optional<DType> dtype = std::nullopt);
/// NumPy's name of a function, as its errors say it.
llvm::StringRef nameOf(BinaryFunction function);
/// `x < y` and its relatives as bools.
Value applyComparison(Specializer &specializer, ComparePredicate predicate, const Value &x,
                      const Value &y);
/// Replaces the content of `array` by a result of its shape; NumPy's error where the type does not
/// fit.
void storeResult(Specializer &specializer, ObjectId array, const Value &result,
                 llvm::StringRef function);
/// An operation of one operand as an emitter.
template <typename OpType> mlir::Value emitUnary(Specializer &specializer, mlir::Value x, DType) {
  return specializer.create<OpType>(x).getResult();
}

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYELEMENTWISE_H
