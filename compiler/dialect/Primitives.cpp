// Comparison, choice and conversion, and the upstream operations that behave like primitives: their
// derivatives.
#include "dialect/Formula.h"
#include "dialect/ScalarMeaning.h"
#include "dialect/UpstreamDerivatives.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// compare
//===------------------------------------------------------------------------------------------===//
LogicalResult CompareOp::buildAdjoint(AdjointContext &) { return success(); }
LogicalResult CompareOp::buildTangent(TangentContext &) { return success(); }

Value CompareOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return compareScalar(builder, loc, getPredicate(), arguments[0], arguments[1]);
}

SmallVector<std::pair<double, double>> CompareOp::domain() { return {}; }

//===------------------------------------------------------------------------------------------===//
// select
//===------------------------------------------------------------------------------------------===//
/// Adjoint of a choice: each branch gets its elements of g and zeros, so that nothing infinite is
/// multiplied.
static LogicalResult chooseAdjoint(AdjointContext &context, Value condition, Value x, Value y) {
  Value bar = context.bar(0);
  if (!bar)
    return success();
  auto contribute = [&](Value operand, bool wanted) {
    if (!context.isActive(operand))
      return;
    Value test = context.primal(condition);
    Value zero = makeNumber(context, getElementTypeOrSelf(bar), 0);
    Value yes = wanted ? bar : zero, no = wanted ? zero : bar;
    addElementwise(context, operand,
                   SelectOp::create(context.builder(), context.loc(), test, yes, no));
  };
  contribute(x, true);
  contribute(y, false);
  return success();
}

static LogicalResult chooseTangent(TangentContext &context, Value condition, Value x, Value y,
                                   Value result) {
  Value dx = context.tangent(x), dy = context.tangent(y);
  if (!dx && !dy)
    return success();
  Value zero = makeNumber(context, getElementTypeOrSelf(result), 0);
  Value chosen = SelectOp::create(context.builder(), context.loc(), context.primal(condition),
                                  dx ? dx : zero, dy ? dy : zero);
  context.set(result,
              isa<RankedTensorType>(result.getType()) ? spread(context, chosen, result) : chosen);
  return success();
}

LogicalResult SelectOp::buildAdjoint(AdjointContext &context) {
  return chooseAdjoint(context, getCondition(), getX(), getY());
}

LogicalResult SelectOp::buildTangent(TangentContext &context) {
  return chooseTangent(context, getCondition(), getX(), getY(), getResult());
}

Value SelectOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return arith::SelectOp::create(builder, loc, arguments[0], arguments[1], arguments[2]);
}

SmallVector<std::pair<double, double>> SelectOp::domain() { return {{0, 1}, {-3, 3}, {-3, 3}}; }

//===------------------------------------------------------------------------------------------===//
// sinc: a quotient whose derivatives as a quotient lose all digits beside 0
//===------------------------------------------------------------------------------------------===//
static auto sincRule(RuleContext &context, SincOp op) {
  return [&context, op](Sensitivity g, Operand, Operand) mutable -> Formula {
    Value x = context.primal(op.getX());
    Value slope = SincOp::create(context.builder(), context.loc(), x, op.getOrder() + 1);
    return g * Formula(context, slope);
  };
}

LogicalResult SincOp::buildAdjoint(AdjointContext &context) {
  return unaryAdjoint(context, *this, sincRule(context, *this));
}

LogicalResult SincOp::buildTangent(TangentContext &context) {
  return unaryTangent(context, *this, sincRule(context, *this));
}

Value SincOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return sincScalar(builder, loc, arguments[0], getOrder());
}

SmallVector<std::pair<double, double>> SincOp::domain() { return {{-3, 3}}; }

//===------------------------------------------------------------------------------------------===//
// special: families of functions that hold their own derivatives
//===------------------------------------------------------------------------------------------===//
static auto specialRule(RuleContext &context, SpecialOp op) {
  return [&context, op](Sensitivity g, Operand x, Operand) mutable -> Formula {
    auto member = [&](int64_t order) {
      return Formula(context, SpecialOp::create(context.builder(), context.loc(),
                                                context.primal(op.getX()), op.getFamily(), order));
    };
    int64_t n = op.getOrder();
    if (op.getFamily() == "polygamma")
      return g * member(n + 1);
    // Of orders below 0 there is the same function, but for a sign: no division, so 0 is no
    // special point.
    if (op.getFamily() == "bessel_j" || op.getFamily() == "bessel_y")
      return n == 0 ? -(g * member(1)) : g * ((member(n - 1) - member(n + 1)) * 0.5);
    Formula slope = n == 0 ? member(1) : (member(n - 1) + member(n + 1)) * 0.5;
    if (op.getFamily() == "bessel_ie")
      slope = slope - sign(x) * member(n);
    return g * slope;
  };
}

LogicalResult SpecialOp::buildAdjoint(AdjointContext &context) {
  return unaryAdjoint(context, *this, specialRule(context, *this));
}

LogicalResult SpecialOp::buildTangent(TangentContext &context) {
  return unaryTangent(context, *this, specialRule(context, *this));
}

Value SpecialOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return specialScalar(builder, loc, getFamily(), getOrder(), arguments[0]);
}

SmallVector<std::pair<double, double>> SpecialOp::domain() { return {{0.6, 3}}; }

//===------------------------------------------------------------------------------------------===//
// cast
//===------------------------------------------------------------------------------------------===//
LogicalResult CastOp::buildAdjoint(AdjointContext &context) {
  Value bar = context.bar(0);
  if (bar && context.isActive(getX()))
    addElementwise(
        context, getX(),
        CastOp::create(context.builder(), context.loc(), bar, getElementTypeOrSelf(getX())));
  return success();
}

LogicalResult CastOp::buildTangent(TangentContext &context) {
  Type element = getElementTypeOrSelf(getResult());
  Value tangent = context.tangent(getX());
  if (tangent && isa<FloatType>(element))
    context.set(getResult(), CastOp::create(context.builder(), context.loc(), tangent, element));
  return success();
}

Value CastOp::buildScalar(OpBuilder &builder, Location loc, ValueRange arguments) {
  return castScalar(builder, loc, arguments[0], getElementTypeOrSelf(getResult()));
}

SmallVector<std::pair<double, double>> CastOp::domain() { return {{-3, 3}}; }

//===------------------------------------------------------------------------------------------===//
// Upstream operations that canonicalisation introduces
//===------------------------------------------------------------------------------------------===//
namespace {
struct ShapeCast : DifferentiableOpInterface::ExternalModel<ShapeCast, tensor::CastOp> {
  LogicalResult buildAdjoint(Operation *op, AdjointContext &context) const {
    Value x = op->getOperand(0);
    if (Value bar = context.bar(0); bar && context.isActive(x))
      context.add(x, bar);
    return success();
  }
  LogicalResult buildTangent(Operation *op, TangentContext &context) const {
    return linearTangent(context, op, {0});
  }
};

/// A choice between two values as a whole. Arrays may differ in extent: the one that is not chosen
/// gets zeros of its own shape.
struct Choice : DifferentiableOpInterface::ExternalModel<Choice, arith::SelectOp> {
  static Value choose(RuleContext &context, Operation *op, Value yes, Value no) {
    return arith::SelectOp::create(context.builder(), context.loc(),
                                   context.primal(op->getOperand(0)), yes, no);
  }
  static bool mayDifferInShape(Operation *op) {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    return type && !type.hasStaticShape();
  }

  LogicalResult buildAdjoint(Operation *op, AdjointContext &context) const {
    if (isa<TapeType>(op->getResult(0).getType()))
      return context.refuse("a choice between two tapes");
    Value bar = context.bar(0), x = op->getOperand(1), y = op->getOperand(2);
    if (!mayDifferInShape(op))
      return chooseAdjoint(context, op->getOperand(0), x, y);
    if (bar && context.isActive(x))
      context.add(x, choose(context, op, bar, makeZeros(context, x)));
    if (bar && context.isActive(y))
      context.add(y, choose(context, op, makeZeros(context, y), bar));
    return success();
  }
  LogicalResult buildTangent(Operation *op, TangentContext &context) const {
    Value dx = context.tangent(op->getOperand(1)), dy = context.tangent(op->getOperand(2));
    if (mayDifferInShape(op)) {
      if (dx || dy)
        context.set(op->getResult(0),
                    choose(context, op, dx ? dx : makeZeros(context, op->getOperand(1)),
                           dy ? dy : makeZeros(context, op->getOperand(2))));
      return success();
    }
    return chooseTangent(context, op->getOperand(0), op->getOperand(1), op->getOperand(2),
                         op->getResult(0));
  }
};
} // namespace

void mpy::attachUpstreamDerivatives(MLIRContext &context) {
  tensor::CastOp::attachInterface<ShapeCast>(context);
  arith::SelectOp::attachInterface<Choice>(context);
}
