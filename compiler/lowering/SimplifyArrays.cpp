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
    auto transpose = operand.getDefiningOp<TransposeOp>();
    while (transpose && swapsMatrices(transpose.getPermutation())) {
      transposed = !transposed;
      operand = transpose.getX();
      transpose = operand.getDefiningOp<TransposeOp>();
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
  Value part = SliceOp::create(rewriter, loc, type, x, update.getOffsets(), update.getSizes(),
                               update.getStrides(), update.getDroppedAttr());
  Value total = AddOp::create(rewriter, loc, type, part, update.getValue());
  return UpdateSliceOp::create(rewriter, loc, x.getType(), x, total, update.getOffsets(),
                               update.getSizes(), update.getStrides(), update.getDroppedAttr());
}

// Whether all of a value but some parts is zero, and nobody else needs it.
static bool isPadded(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse())
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([](UpdateSliceOp update) {
        return isa<RankedTensorType>(update.getValue().getType()) && isZero(update.getX());
      })
      .Case([](InsertOp insert) { return isZero(insert.getX()); })
      .Case([](ScatterOp scatter) { return scatter.getAccumulate() && isZero(scatter.getX()); })
      .Case([](AddOp sum) { return isPadded(sum.getX()) && isPadded(sum.getY()); })
      .Default(false);
}

// `x + padded`, part by part.
static Value addPadded(IRRewriter &rewriter, Value x, Value padded) {
  Operation *op = padded.getDefiningOp();
  Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](AddOp sum) {
        return addPadded(rewriter, addPadded(rewriter, x, sum.getX()), sum.getY());
      })
      .Case([&](UpdateSliceOp update) { return addPart(rewriter, update, x); })
      .Case([&](InsertOp insert) -> Value {
        Type type = insert.getValue().getType();
        Value old = ExtractOp::create(rewriter, loc, type, x, insert.getIndices());
        Value total = AddOp::create(rewriter, loc, type, old, insert.getValue());
        return InsertOp::create(rewriter, loc, x.getType(), x, total, insert.getIndices());
      })
      .Case([&](ScatterOp scatter) -> Value {
        return ScatterOp::create(rewriter, loc, x.getType(), x, scatter.getValue(),
                                 scatter.getIndices(), /*accumulate=*/true);
      });
}

void simplifyArrays(IRRewriter &rewriter, func::FuncOp function) {
  SmallVector<AddOp> sums;
  function.walk([&](Operation *op) {
    if (auto product = dyn_cast<MatmulOp>(op))
      absorbTransposes(rewriter, product);
    else if (auto sum = dyn_cast<AddOp>(op); sum && isa<RankedTensorType>(sum.getType()))
      sums.push_back(sum);
  });
  // The last sum first: parts that were summed among themselves are added one by one to the rest.
  for (AddOp sum : llvm::reverse(sums)) {
    if (sum->use_empty() || sum.getX().getType() != sum.getY().getType())
      continue;
    rewriter.setInsertionPoint(sum);
    Value result;
    if (isPadded(sum.getY()))
      result = addPadded(rewriter, sum.getX(), sum.getY());
    else if (isPadded(sum.getX()))
      result = addPadded(rewriter, sum.getY(), sum.getX());
    if (result && result.getType() == sum.getType())
      rewriter.replaceOp(sum, result);
  }
}
} // namespace mpy
