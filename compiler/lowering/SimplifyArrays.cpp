// Rewrites mpy operations before they are lowered: products absorb transposes, and a part that is
// padded with zeros to be added to an array, as the adjoint of every subscript is, is added in
// place. That makes a step of a loop cost what it touches.
#include "lowering/ToLinalg.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mpy {

// A product reads its operands in either order, so a transpose before it costs nothing.
static void absorbTransposes(IRRewriter &rewriter, MatmulOp product) {
  auto absorb = [&](Value operand, bool transposed) -> std::pair<Value, bool> {
    while (auto transpose = operand.getDefiningOp<TransposeOp>()) {
      if (transpose.getPermutation()[0] == 1)
        transposed = !transposed;
      operand = transpose.getX();
    }
    return {operand, transposed};
  };
  auto [x, transposeX] = absorb(product.getX(), product.getTransposeX());
  auto [y, transposeY] = absorb(product.getY(), product.getTransposeY());
  rewriter.modifyOpInPlace(product, [&] {
    product->setOperands({x, y});
    product.setTransposeX(transposeX);
    product.setTransposeY(transposeY);
  });
}

static bool isZero(Value value) {
  if (auto broadcast = value.getDefiningOp<BroadcastOp>())
    return isZero(broadcast.getX());
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}

// The part of `x` that `update` replaces, plus what it is replaced by, put back into `x`.
static Value addPart(IRRewriter &rewriter, UpdateSliceOp update, Value x) {
  Location loc = update.getLoc();
  Type type = update.getValue().getType();
  if (!isa<RankedTensorType>(type))
    return {};
  Value part = SliceOp::create(rewriter, loc, type, x, update.getOffsets(), update.getSizes(),
                               update.getStrides(), update.getDroppedAttr());
  Value total = AddOp::create(rewriter, loc, type, part, update.getValue());
  return UpdateSliceOp::create(rewriter, loc, x.getType(), x, total, update.getOffsets(),
                               update.getSizes(), update.getStrides(), update.getDroppedAttr());
}

// `x + padded` where all of `padded` but one part is zero; null for other operands.
static Value addPadded(IRRewriter &rewriter, Value x, Value padded) {
  Operation *op = padded.getDefiningOp();
  if (!op || !padded.hasOneUse() || x.getType() != padded.getType())
    return {};
  Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](UpdateSliceOp update) {
        return isZero(update.getX()) ? addPart(rewriter, update, x) : Value();
      })
      .Case([&](InsertOp insert) -> Value {
        if (!isZero(insert.getX()))
          return {};
        Value old =
            ExtractOp::create(rewriter, loc, insert.getValue().getType(), x, insert.getIndices());
        Value total = AddOp::create(rewriter, loc, old.getType(), old, insert.getValue());
        return InsertOp::create(rewriter, loc, x.getType(), x, total, insert.getIndices());
      })
      .Case([&](ScatterOp scatter) -> Value {
        if (!isZero(scatter.getX()) || !scatter.getAccumulate())
          return {};
        return ScatterOp::create(rewriter, loc, x.getType(), x, scatter.getValue(),
                                 scatter.getIndices(),
                                 /*accumulate=*/true);
      })
      .Default(Value());
}

void simplifyArrays(IRRewriter &rewriter, func::FuncOp function) {
  function.walk([&](Operation *op) {
    if (auto product = dyn_cast<MatmulOp>(op))
      return absorbTransposes(rewriter, product);
    auto sum = dyn_cast<AddOp>(op);
    if (!sum || !isa<RankedTensorType>(sum.getResult().getType()))
      return;
    rewriter.setInsertionPoint(sum);
    Value result = addPadded(rewriter, sum.getX(), sum.getY());
    if (!result)
      result = addPadded(rewriter, sum.getY(), sum.getX());
    if (result && result.getType() == sum.getResult().getType())
      rewriter.replaceOp(sum, result);
  });
}
} // namespace mpy
