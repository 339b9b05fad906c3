// Arithmetic that emits mpy operations, so that derivative rules read as mathematics.
#pragma once

#include "dialect/Dialect.h"

namespace mpy {

/// A value under construction: one SSA value, or a number not yet given a type. The number 0 is a
/// zero nobody computes.
class Formula {
public:
  Formula(double number) : number(number) {}
  Formula(RuleContext &context, mlir::Value value) : context(&context), value(value) {}

  /// Whether this is the number 0.
  bool isZero() const { return !value && number == 0; }
  bool isNumber(double wanted) const { return !value && number == wanted; }
  bool isNumber() const { return !value; }
  double asNumber() const { return number; }
  RuleContext *where() const { return context; }
  /// The SSA value; a number becomes a scalar constant of the element type.
  mlir::Value emit(RuleContext &context, mlir::Type element) const;
  mlir::Value get() const { return value; }

private:
  RuleContext *context = nullptr;
  mlir::Value value;
  double number = 0;
};

/// A value of the differentiated program that a rule may read; it is kept only if the rule does.
class Operand {
public:
  Operand(RuleContext &context, mlir::Value value) : context(&context), value(value) {}
  operator Formula() const;
  /// The number it always is, if that is known.
  std::optional<double> constant() const;

private:
  RuleContext *context;
  mlir::Value value;
};

/// What flows through a rule: an adjoint or a tangent. A factor 0 wins over what it meets, infinity
/// and NaN too: what a choice does not take contributes nothing, however steep it is.
class Sensitivity : public Formula {
public:
  using Formula::Formula;
  explicit Sensitivity(double number) : Formula(number) {}
};
Sensitivity operator*(Sensitivity g, Formula slope);
Sensitivity operator/(Sensitivity g, Formula divisor);

Formula operator+(Formula x, Formula y);
Formula operator-(Formula x, Formula y);
Formula operator*(Formula x, Formula y);
Formula operator/(Formula x, Formula y);
Formula operator-(Formula x);
Formula exp(Formula x);
Formula log(Formula x);
Formula sin(Formula x);
Formula cos(Formula x);
Formula sinh(Formula x);
Formula cosh(Formula x);
Formula sqrt(Formula x);
Formula sign(Formula x);
Formula digamma(Formula x);
Formula floor(Formula x);
/// d(x ** y) / dx; 0 where y is 0.
Formula powerSlope(Operand x, Operand y);
/// log x, and 0 where x is 0.
Formula logOrZero(Formula x);
/// How much of the adjoint of max or min r goes to x rather than y: all, nothing, or half at a tie.
Formula share(Formula x, Formula y, Formula r);
/// No contribution.
inline Formula zero(Formula) { return 0.0; }

/// A number as a scalar constant of a float or integer type.
mlir::Value makeNumber(RuleContext &context, mlir::Type type, double number);
/// Zeros of the type and extents of a value of the differentiated program; an empty tape for a
/// tape.
mlir::Value makeZeros(RuleContext &context, mlir::Value like);
/// The extents of a value of the differentiated program that its type leaves open.
llvm::SmallVector<mlir::Value> openExtents(RuleContext &context, mlir::Value like);
/// A scalar or tensor spread over the shape of a value of the differentiated program.
mlir::Value spread(RuleContext &context, mlir::Value x, mlir::Value like);
/// Adds a contribution of the result's shape to an operand that may be one scalar for all elements.
void addElementwise(AdjointContext &context, mlir::Value operand, mlir::Value contribution);
/// Tangent of an operation that is linear in the listed operands together: the operation applied to
/// their tangents.
llvm::LogicalResult linearTangent(TangentContext &context, mlir::Operation *op,
                                  llvm::ArrayRef<unsigned> operands);

template <typename OpT, typename Rule>
llvm::LogicalResult unaryAdjoint(AdjointContext &context, OpT op, Rule rule) {
  mlir::Value bar = context.bar(0);
  if (!bar || !context.isActive(op.getX()))
    return llvm::success();
  Formula slope = rule(Sensitivity(context, bar), Operand(context, op.getX()),
                       Operand(context, op.getResult()));
  if (!slope.isZero())
    addElementwise(context, op.getX(), slope.get());
  return llvm::success();
}

template <typename OpT, typename RuleX, typename RuleY>
llvm::LogicalResult binaryAdjoint(AdjointContext &context, OpT op, RuleX ruleX, RuleY ruleY) {
  mlir::Value bar = context.bar(0);
  if (!bar)
    return llvm::success();
  Sensitivity g(context, bar);
  Operand x(context, op.getX()), y(context, op.getY()), r(context, op.getResult());
  auto contribute = [&](mlir::Value operand, auto rule) {
    if (!context.isActive(operand))
      return;
    Formula slope = rule(g, x, y, r);
    if (!slope.isZero())
      addElementwise(context, operand, slope.get());
  };
  contribute(op.getX(), ruleX);
  contribute(op.getY(), ruleY);
  return llvm::success();
}

template <typename OpT, typename Rule>
llvm::LogicalResult unaryTangent(TangentContext &context, OpT op, Rule rule) {
  mlir::Value tangent = context.tangent(op.getX());
  if (!tangent)
    return llvm::success();
  Formula slope = rule(Sensitivity(context, tangent), Operand(context, op.getX()),
                       Operand(context, op.getResult()));
  if (!slope.isZero())
    context.set(op.getResult(), slope.get());
  return llvm::success();
}

template <typename OpT, typename RuleX, typename RuleY>
llvm::LogicalResult binaryTangent(TangentContext &context, OpT op, RuleX ruleX, RuleY ruleY) {
  Operand x(context, op.getX()), y(context, op.getY()), r(context, op.getResult());
  Formula sum = 0.0;
  auto contribute = [&](mlir::Value operand, auto rule) {
    mlir::Value tangent = context.tangent(operand);
    if (!tangent)
      return;
    if (tangent.getType() != op.getResult().getType() &&
        !mlir::isa<mlir::RankedTensorType>(tangent.getType()))
      tangent = spread(context, tangent, op.getResult());
    sum = sum + rule(Sensitivity(context, tangent), x, y, r);
  };
  contribute(op.getX(), ruleX);
  contribute(op.getY(), ruleY);
  if (!sum.isZero())
    context.set(op.getResult(), sum.get());
  return llvm::success();
}

} // namespace mpy
