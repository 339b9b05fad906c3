// What few examples have: directions along single parameters, as they are for the examples that have
// them, zeros for the others never computed.
//
//   %a = mpy.extract %x_dot[1]       %x_dot of example k            only example 1 has one:
//   %b = mpy.scaled %a, %t           is 1 at k, 0 elsewhere     =>  %b = mpy.scaled %cst, %t
#include "adjoint/Batch.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mpy;

/// So many examples are written one by one.
static constexpr int64_t mostExamples = 16;

bool mpy::isUnitVector(Batch &batch, Value vector) {
  while (auto reshape = vector.getDefiningOp<ReshapeOp>())
    vector = reshape.getX();
  auto cast = vector.getDefiningOp<CastOp>();
  auto compare = cast ? cast.getX().getDefiningOp<CompareOp>() : CompareOp();
  if (!compare || compare.getPredicate() != ComparePredicate::eq ||
      !isa<RankedTensorType>(compare.getX().getType()) || !batch.isNumber(compare.getY()))
    return false;
  Value places = compare.getX();
  while (auto reshape = places.getDefiningOp<ReshapeOp>())
    places = reshape.getX();
  auto type = dyn_cast<RankedTensorType>(places.getType());
  std::optional<int64_t> examples = getConstantIntValue(batch.number());
  return places.getDefiningOp<IotaOp>() && type.hasStaticShape() && examples &&
         *examples <= type.getNumElements();
}

/// A value as those of the single examples that have one; null where none is known as such.
static const SmallVector<Value> *singlesOf(Batch &batch, Value original) {
  auto known = batch.singles.find(original);
  return known == batch.singles.end() ? nullptr : &known->second;
}

static bool finish(Batch &batch, Value original, SmallVector<Value> singles) {
  auto all = batch.stackedType(original.getType());
  Extents extents = batch.extentsOf(original), one = extents;
  one.insert(one.begin(), batch.builder.getIndexAttr(1));
  OpBuilder &builder = batch.builder;
  Value zero = arith::ConstantOp::create(
      builder, batch.loc(), cast<TypedAttr>(builder.getZeroAttr(all.getElementType())));
  SmallVector<Value> parts;
  for (Value value : singles)
    parts.push_back(value ? batch.reshape(value, one) : batch.broadcast(zero, one));
  Value stacked = parts.size() == 1
                      ? parts.front()
                      : ConcatOp::create(builder, batch.loc(), all, parts, 0).getResult();
  batch.set(original, stacked);
  batch.singles[original] = std::move(singles);
  return true;
}

/// Whether the operation is linear in one operand, or in both, which its number says.
static bool isLinear(Batch &batch, Operation *op) {
  if (!isa<FloatType>(getElementTypeOrSelf(op->getResult(0))))
    return false;
  if (isa<NegOp, BroadcastOp, ReshapeOp, SumOp, TransposeOp>(op))
    return true;
  if (auto cast = dyn_cast<CastOp>(op))
    return isa<FloatType>(getElementTypeOrSelf(cast.getX()));
  if (!isa<AddOp, SubOp, ScaledOp, RatioOp, MulOp, DivOp>(op))
    return false;
  bool variesX = batch.isVaried(op->getOperand(0)), variesY = batch.isVaried(op->getOperand(1));
  if (isa<AddOp, SubOp>(op))
    return variesX && variesY;
  if (variesX == variesY || (isa<RatioOp, DivOp>(op) && variesY))
    return false;
  // A product of the program may meet 0 with infinity.
  APFloat number(0.0);
  Value other = op->getOperand(variesX ? 1 : 0);
  return isa<ScaledOp, RatioOp>(op) ||
         (matchPattern(other, m_ConstantFloat(&number)) && number.isFinite() && number.isNonZero());
}

static bool applyExtract(Batch &batch, ExtractOp op) {
  if (op.getIndices().size() != 1 || !isUnitVector(batch, op.getX()))
    return false;
  std::optional<int64_t> place = getConstantIntValue(op.getIndices()[0]);
  int64_t examples = *getConstantIntValue(batch.number());
  if (!place || examples > mostExamples)
    return false;
  SmallVector<Value> singles(examples);
  if (*place < examples)
    singles[*place] = arith::ConstantOp::create(
        batch.builder, batch.loc(), cast<TypedAttr>(batch.builder.getFloatAttr(op.getType(), 1.0)));
  return finish(batch, op.getResult(), std::move(singles));
}

bool mpy::applySingles(Batch &batch, Operation *op) {
  if (auto extract = dyn_cast<ExtractOp>(op))
    return applyExtract(batch, extract);
  if (op->getNumResults() != 1 || batch.singles.empty())
    return false;
  for (Value operand : op->getOperands())
    if (batch.isVaried(operand) && !singlesOf(batch, operand))
      return false;
  if (!isLinear(batch, op))
    return false;
  Type type = op->getResult(0).getType();
  int64_t examples = *getConstantIntValue(batch.number());
  SmallVector<Value> singles(examples);
  for (int64_t example = 0; example < examples; ++example) {
    SmallVector<Value> operands;
    bool isZero = true;
    for (Value operand : op->getOperands()) {
      const auto *known = singlesOf(batch, operand);
      operands.push_back(known ? (*known)[example] : batch.shared(operand));
      isZero &= !known || !operands.back();
    }
    if (isZero)
      continue;
    if (llvm::all_of(operands, [](Value value) { return bool(value); }))
      singles[example] = batch.again(op, operands, type);
    else if (isa<AddOp>(op) || operands[0]) // one of two terms
      singles[example] = operands[0] ? operands[0] : operands[1];
    else
      singles[example] = NegOp::create(batch.builder, batch.loc(), operands[1]);
  }
  // A sum of a number and an array is an array.
  for (Value single : singles)
    if (single && single.getType() != type)
      return false;
  return finish(batch, op->getResult(0), std::move(singles));
}
