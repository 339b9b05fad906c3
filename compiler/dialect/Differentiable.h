// What an operation's derivative rule talks to. Rules know nothing of sweeps, tapes or control
// flow.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mpy {

/// What reverse and forward rules have in common.
class RuleContext {
public:
  virtual ~RuleContext() = default;
  /// Where the rule emits operations.
  virtual mlir::OpBuilder &builder() = 0;
  /// The location of the operation being differentiated.
  virtual mlir::Location loc() = 0;
  /// A value of the differentiated program, where the rule runs. Reading it is what keeps it.
  virtual mlir::Value primal(mlir::Value value) = 0;
  /// An extent of a tensor of the differentiated program, without keeping the tensor.
  virtual mlir::Value extent(mlir::Value tensor, unsigned dimension) = 0;
  /// Reports why there is no derivative.
  virtual llvm::LogicalResult refuse(llvm::StringRef reason) = 0;
};

/// The reverse sweep as seen by one rule.
class AdjointContext : public RuleContext {
public:
  /// Adjoint of a result; null is a zero that nobody computed.
  virtual mlir::Value bar(unsigned result) = 0;
  /// The same with zeros written out.
  virtual mlir::Value barOrZeros(unsigned result) = 0;
  /// Whether the operand's adjoint is wanted.
  virtual bool isActive(mlir::Value operand) = 0;
  /// Adds to the operand's adjoint.
  virtual void add(mlir::Value operand, mlir::Value contribution) = 0;
  /// Rewrites the operand's adjoint, zeros written out before: accumulation into a part costs that
  /// part only.
  virtual void update(mlir::Value operand,
                      llvm::function_ref<mlir::Value(mlir::Value current)> rewrite) = 0;
};

/// The forward sweep as seen by one rule.
class TangentContext : public RuleContext {
public:
  /// Tangent of an operand; null is a zero.
  virtual mlir::Value tangent(mlir::Value operand) = 0;
  /// Tangent of an operand, zeros written out.
  virtual mlir::Value tangentOrZeros(mlir::Value operand) = 0;
  /// Sets the tangent of a result; results not set have none.
  virtual void set(mlir::Value result, mlir::Value tangent) = 0;
};

} // namespace mpy

#include "dialect/Differentiable.h.inc"
