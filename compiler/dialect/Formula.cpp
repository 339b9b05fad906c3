// Derivative formulas -> mpy operations.
#include "dialect/Formula.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace mpy;

Value mpy::makeNumber(RuleContext &context, Type type, double number) {
  OpBuilder &builder = context.builder();
  Attribute attribute;
  if (isa<FloatType>(type))
    attribute = builder.getFloatAttr(type, number);
  else
    attribute = builder.getIntegerAttr(type, static_cast<int64_t>(number));
  return arith::ConstantOp::create(builder, context.loc(), cast<TypedAttr>(attribute));
}

Value Formula::emit(RuleContext &where, Type element) const {
  return value ? value : makeNumber(where, element, number);
}

/// The number a scalar or splat always is, also through casts and broadcasts.
static std::optional<double> constantOf(Value value) {
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute))) {
    if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
      attribute = splat.getSplatValue<Attribute>();
    if (auto number = dyn_cast<FloatAttr>(attribute))
      return number.getValueAsDouble();
    return std::nullopt;
  }
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return constantOf(broadcast.getX());
  return std::nullopt;
}

std::optional<double> Operand::constant() const { return constantOf(value); }

Operand::operator Formula() const {
  if (std::optional<double> number = constant())
    return *number;
  return Formula(*context, context->primal(value));
}

//===------------------------------------------------------------------------------------------===//
// Operators
//===------------------------------------------------------------------------------------------===//
template <typename OpT> static Formula emitUnary(Formula x) {
  RuleContext &context = *x.where();
  return Formula(context, OpT::create(context.builder(), context.loc(), x.get()).getResult());
}

template <typename OpT> static Formula emitBinary(Formula x, Formula y) {
  RuleContext &context = *(x.where() ? x.where() : y.where());
  Type element = getElementTypeOrSelf(x.get() ? x.get() : y.get());
  Value left = x.emit(context, element), right = y.emit(context, element);
  return Formula(context, OpT::create(context.builder(), context.loc(), left, right).getResult());
}

Formula mpy::operator+(Formula x, Formula y) {
  if (x.isNumber() && y.isNumber())
    return x.asNumber() + y.asNumber();
  if (x.isZero() || y.isZero())
    return x.isZero() ? y : x;
  return emitBinary<AddOp>(x, y);
}

Formula mpy::operator-(Formula x, Formula y) {
  if (x.isNumber() && y.isNumber())
    return x.asNumber() - y.asNumber();
  if (x.isZero() || y.isZero())
    return x.isZero() ? -y : x;
  return emitBinary<SubOp>(x, y);
}

Formula mpy::operator*(Formula x, Formula y) {
  if (x.isNumber() && y.isNumber())
    return x.asNumber() * y.asNumber();
  if (x.isZero() || y.isZero())
    return 0.0;
  if (x.isNumber(1) || y.isNumber(1))
    return x.isNumber(1) ? y : x;
  return emitBinary<MulOp>(x, y);
}

Formula mpy::operator/(Formula x, Formula y) {
  if (x.isNumber() && y.isNumber())
    return x.asNumber() / y.asNumber();
  if (x.isZero() || y.isNumber(1))
    return x;
  return emitBinary<DivOp>(x, y);
}

Sensitivity mpy::operator*(Sensitivity g, Formula slope) {
  if (g.isZero() || slope.isNumber(1))
    return g;
  if (slope.isZero())
    return Sensitivity(0.0);
  // A number that is finite turns 0 into nothing but 0.
  bool isPlain = slope.isNumber() && std::isfinite(slope.asNumber());
  Formula product = isPlain ? emitBinary<MulOp>(g, slope) : emitBinary<ScaledOp>(g, slope);
  return Sensitivity(*product.where(), product.get());
}

Sensitivity mpy::operator/(Sensitivity g, Formula divisor) {
  if (g.isZero() || divisor.isNumber(1))
    return g;
  bool isPlain = divisor.isNumber() && std::isnormal(divisor.asNumber());
  Formula quotient = isPlain ? emitBinary<DivOp>(g, divisor) : emitBinary<RatioOp>(g, divisor);
  return Sensitivity(*quotient.where(), quotient.get());
}

Formula mpy::operator-(Formula x) {
  if (x.isNumber())
    return -x.asNumber();
  return emitUnary<NegOp>(x);
}

#define FUNCTION(name, Op)                                                                         \
  Formula mpy::name(Formula x) {                                                                   \
    return x.isNumber() ? Formula(std::name(x.asNumber())) : emitUnary<Op>(x);                     \
  }
FUNCTION(exp, ExpOp)
FUNCTION(log, LogOp)
FUNCTION(sin, SinOp)
FUNCTION(cos, CosOp)
FUNCTION(sinh, SinhOp)
FUNCTION(cosh, CoshOp)
FUNCTION(sqrt, SqrtOp)
FUNCTION(floor, FloorOp)
#undef FUNCTION

Formula mpy::sign(Formula x) {
  if (x.isNumber())
    return double((x.asNumber() > 0) - (x.asNumber() < 0));
  return emitUnary<SignOp>(x);
}

Formula mpy::digamma(Formula x) {
  RuleContext &context = *x.where();
  return Formula(context, SpecialOp::create(context.builder(), context.loc(), x.get(), "polygamma",
                                            /*order=*/0));
}

//===------------------------------------------------------------------------------------------===//
// Choices
//===------------------------------------------------------------------------------------------===//
/// `yes` where x == y, `no` elsewhere; one of all four is a value.
static Formula whereEqual(Formula x, Formula y, Formula yes, Formula no) {
  if (x.isNumber() && y.isNumber())
    return x.asNumber() == y.asNumber() ? yes : no;
  RuleContext &context = *(x.where() ? x.where() : y.where());
  Type element = getElementTypeOrSelf(x.get() ? x.get() : y.get());
  Value equal = CompareOp::create(context.builder(), context.loc(), ComparePredicate::eq,
                                  x.emit(context, element), y.emit(context, element));
  return Formula(context, SelectOp::create(context.builder(), context.loc(), equal,
                                           yes.emit(context, element), no.emit(context, element))
                              .getResult());
}

Formula mpy::powerSlope(Operand x, Operand y) {
  if (std::optional<double> power = y.constant()) {
    double p = *power;
    if (p == 0 || p == 1)
      return p;
    if (p == 2)
      return Formula(x) * 2.0;
    if (p == 3)
      return Formula(x) * x * 3.0;
    if (p == 0.5)
      return 0.5 / sqrt(x);
    if (p == -1)
      return -1.0 / (Formula(x) * x);
    Formula base = x;
    return base.isNumber() ? Formula(p * std::pow(base.asNumber(), p - 1))
                           : emitBinary<PowOp>(base, p - 1) * p;
  }
  Formula exponent = y;
  return emitBinary<PowOp>(x, whereEqual(exponent, 0.0, 1.0, exponent - 1.0)) * exponent;
}

Formula mpy::logOrZero(Formula x) { return log(whereEqual(x, 0.0, 1.0, x)); }

Formula mpy::share(Formula x, Formula y, Formula r) {
  return whereEqual(x, y, 0.5, whereEqual(x, r, 1.0, 0.0));
}

//===------------------------------------------------------------------------------------------===//
// Parts of rules
//===------------------------------------------------------------------------------------------===//
SmallVector<Value> mpy::openExtents(RuleContext &context, Value like) {
  SmallVector<Value> sizes;
  if (auto type = dyn_cast<RankedTensorType>(like.getType()))
    for (auto [dimension, extent] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(extent))
        sizes.push_back(context.extent(like, dimension));
  return sizes;
}

Value mpy::spread(RuleContext &context, Value x, Value like) {
  SmallVector<Value> sizes = openExtents(context, like);
  auto shape = cast<RankedTensorType>(like.getType());
  Type type = shape.clone(getElementTypeOrSelf(x));
  if (x.getType() == type)
    return x;
  return BroadcastOp::create(context.builder(), context.loc(), type, x, sizes);
}

Value mpy::makeZeros(RuleContext &context, Value like) {
  if (isa<TapeType>(like.getType()))
    return TapeNewOp::create(context.builder(), context.loc(), like.getType());
  Value number = makeNumber(context, getElementTypeOrSelf(like), 0);
  return isa<RankedTensorType>(like.getType()) ? spread(context, number, like) : number;
}

void mpy::addElementwise(AdjointContext &context, Value operand, Value contribution) {
  auto shape = dyn_cast<RankedTensorType>(contribution.getType());
  if (shape && !isa<RankedTensorType>(operand.getType())) {
    auto axes = llvm::to_vector(llvm::seq<int64_t>(0, shape.getRank()));
    contribution =
        shape.getRank() == 0
            ? ReshapeOp::create(context.builder(), context.loc(), operand.getType(), contribution,
                                ValueRange{})
                  .getResult()
            : SumOp::create(context.builder(), context.loc(), contribution, axes).getResult();
  }
  context.add(operand, contribution);
}

LogicalResult mpy::linearTangent(TangentContext &context, Operation *op,
                                 ArrayRef<unsigned> operands) {
  if (llvm::none_of(operands,
                    [&](unsigned index) { return context.tangent(op->getOperand(index)); }))
    return success();
  IRMapping inputs;
  for (Value operand : op->getOperands())
    inputs.map(operand, context.primal(operand));
  auto tangents = llvm::map_to_vector(
      operands, [&](unsigned index) { return context.tangentOrZeros(op->getOperand(index)); });
  Operation *copy = context.builder().clone(*op, inputs);
  for (auto [index, tangent] : llvm::zip(operands, tangents))
    copy->setOperand(index, tangent);
  context.set(op->getResult(0), copy->getResult(0));
  return success();
}
