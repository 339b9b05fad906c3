// Chains of derivatives of elements, in a bundle of directions:
//
//   %1 = mpy.scaled %x_dot, %a                                %f = mpy.scaled %a, %b
//   %2 = mpy.scaled %1, %b          %x_dot in all         =>  %g = mpy.add %a, %f
//   %3 = mpy.add %1, %2             directions                %3 = mpy.scaled %x_dot, %g
//
// The factors are shared by all directions, so that they are multiplied and added once, and what is
// left for each direction is one product. A factor 0 wins in each order of the products.
#include "adjoint/Batch.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mpy;

static bool isTensor(Value value) { return isa<RankedTensorType>(value.getType()); }

/// The one operand that differs from example to example, where the other is shared; the result has
/// its shape.
static std::optional<unsigned> variedOperand(Batch &batch, Operation *op) {
  for (unsigned index : {0, 1})
    if (Value x = op->getOperand(index);
        batch.isVaried(x) && !batch.isVaried(op->getOperand(1 - index)) &&
        isTensor(x) == isTensor(op->getResult(0)) && isa<FloatType>(getElementTypeOrSelf(x)))
      return index;
  return std::nullopt;
}

static bool isFiniteConstant(Value value) {
  APFloat number(0.0);
  return !isTensor(value) && matchPattern(value, m_ConstantFloat(&number)) && number.isFinite() &&
         number.isNonZero();
}

static Value makeOne(Batch &batch, Value like) {
  Type element = getElementTypeOrSelf(like);
  return arith::ConstantOp::create(batch.builder, batch.loc(),
                                   cast<TypedAttr>(batch.builder.getFloatAttr(element, 1.0)));
}

/// The matrix whose transpose a bundle of vectors is, without anything moved in between.
static Value turnedMatrix(Value base) {
  auto type = cast<RankedTensorType>(base.getType());
  while (auto reshape = base.getDefiningOp<ReshapeOp>())
    base = reshape.getX();
  auto transpose = base.getDefiningOp<TransposeOp>();
  bool isSame = transpose && type.getRank() == 2 && !type.isDynamicDim(0) &&
                transpose.getResult().getType() == type &&
                transpose.getPermutation() == ArrayRef<int64_t>{1, 0};
  return isSame ? transpose.getX() : Value();
}

/// Sets a value to a multiple and writes it down.
static bool finish(Batch &batch, Value original, Multiple multiple) {
  Value factor = multiple.factor;
  batch.setMultiple(original, multiple);
  // Rows of a matrix are multiplied where they are; a product takes the result transposed.
  if (Value matrix = turnedMatrix(multiple.base); matrix && isTensor(factor)) {
    OpFoldResult length = batch.extentsOf(original)[0];
    Value column = batch.reshape(factor, {length, batch.builder.getIndexAttr(1)});
    Value product = ScaledOp::create(batch.builder, batch.loc(), matrix,
                                     batch.broadcast(column, {length, batch.number()}));
    batch.set(original, batch.transpose(product, {1, 0}));
    return true;
  }
  if (isTensor(factor)) {
    Extents extents = batch.stackedExtents(original);
    factor = batch.broadcast(factor, extents);
  }
  batch.set(original, ScaledOp::create(batch.builder, batch.loc(), multiple.base, factor));
  return true;
}

/// The factor times another one, or that one alone.
template <typename OpT> static Value combine(Batch &batch, Value factor, Value next) {
  return factor ? OpT::create(batch.builder, batch.loc(), factor, next).getResult() : next;
}

static bool applyFactor(Batch &batch, Operation *op) {
  std::optional<unsigned> index = variedOperand(batch, op);
  if (!index || (isa<RatioOp, DivOp>(op) && *index != 0))
    return false;
  Value next = batch.shared(op->getOperand(1 - *index)), original = op->getResult(0);
  Multiple known = batch.multipleOf(op->getOperand(*index));
  if (isa<ScaledOp>(op))
    return finish(batch, original,
                  {known.base, combine<ScaledOp>(batch, known.factor, next), true});
  if (isa<RatioOp>(op)) {
    Value factor = known.factor ? known.factor : makeOne(batch, original);
    factor = RatioOp::create(batch.builder, batch.loc(), factor, next);
    return finish(batch, original, {known.base, factor, true});
  }
  // A number of the program: rounded as the program does, unless a derivative multiplied before.
  if (!isFiniteConstant(op->getOperand(1 - *index)))
    return false;
  Value factor = known.factor ? known.factor : makeOne(batch, original);
  factor = isa<DivOp>(op) ? DivOp::create(batch.builder, batch.loc(), factor, next).getResult()
                          : MulOp::create(batch.builder, batch.loc(), factor, next).getResult();
  if (known.isDerivative)
    return finish(batch, original, {known.base, factor, true});
  batch.setMultiple(original, {known.base, factor, false});
  return false;
}

static bool applySum(Batch &batch, Operation *op) {
  Value left = op->getOperand(0), right = op->getOperand(1), original = op->getResult(0);
  if (!batch.isVaried(left) || !batch.isVaried(right) || left.getType() != right.getType() ||
      !isa<FloatType>(getElementTypeOrSelf(left)))
    return false;
  Multiple x = batch.multipleOf(left), y = batch.multipleOf(right);
  if (x.base != y.base || (!x.isDerivative && !y.isDerivative))
    return false;
  Value one = makeOne(batch, original);
  Value a = x.factor ? x.factor : one, b = y.factor ? y.factor : one;
  Value factor = isa<AddOp>(op) ? AddOp::create(batch.builder, batch.loc(), a, b).getResult()
                                : SubOp::create(batch.builder, batch.loc(), a, b).getResult();
  return finish(batch, original, {x.base, factor, true});
}

bool mpy::applyMultiple(Batch &batch, Operation *op) {
  if (isa<ScaledOp, RatioOp, MulOp, DivOp>(op))
    return applyFactor(batch, op);
  if (isa<AddOp, SubOp>(op))
    return applySum(batch, op);
  if (!isa<NegOp>(op) || !isa<FloatType>(getElementTypeOrSelf(op->getOperand(0))))
    return false;
  Multiple known = batch.multipleOf(op->getOperand(0));
  Value factor = known.factor ? known.factor : makeOne(batch, op->getResult(0));
  factor = NegOp::create(batch.builder, batch.loc(), factor);
  if (known.isDerivative)
    return finish(batch, op->getResult(0), {known.base, factor, true});
  batch.setMultiple(op->getResult(0), {known.base, factor, false});
  return false;
}
