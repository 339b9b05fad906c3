// Text of Python expressions that knows where it needs parentheses.
#ifndef MPY_SOURCE_EXPRESSION_H
#define MPY_SOURCE_EXPRESSION_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <string>

namespace mpy {

/// How strongly Python's operators bind.
enum class Precedence {
  Choice,
  Or,
  And,
  Not,
  Compare,
  BitOr,
  BitXor,
  BitAnd,
  Shift,
  Sum,
  Product,
  Sign,
  Power,
  Atom
};

struct Expression {
  std::string text;
  Precedence precedence = Precedence::Atom;
  /// It reads arrays: it means something else when one of them was changed in between.
  bool reads = false;

  /// The text as an operand of what binds as strongly as this.
  std::string in(Precedence around) const { return precedence < around ? "(" + text + ")" : text; }
};

/// The expression of a value that is an operand.
using OperandText = llvm::function_ref<Expression(mlir::Value)>;

/// What an operation without regions and effects is in Python, if there is an expression for it.
/// `features` gets the names of what the file must define or import for it.
std::optional<Expression> expressionOf(mlir::Operation *op, OperandText operand,
                                       llvm::SmallVectorImpl<std::string> &features);
/// The subscript of what an update replaces: `2:5, j`.
std::string subscriptOf(mlir::Operation *op, OperandText operand);

} // namespace mpy

#endif // MPY_SOURCE_EXPRESSION_H
