// How the results of a group of operations gather many elements into one.
//
//   %t = addf %acc, %x {reassoc}; yield %t     ->   sum: starts with 0, parts are added
//   %b = select %better, %x, %acc              ->   pair: of two parts the better one, of equals
//   %p = select %better, %i, %position              the one with the smaller position
//
// A sum without `reassoc`, and whatever else reads its accumulator, has the order of the program.
#include "lowering/Combiners.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include <limits>

using namespace mlir;

namespace mpy {

/// Whether parts of what this operation gathers may be gathered by themselves.
static bool gathersInAnyOrder(Operation *op) {
  if (auto sum = dyn_cast<arith::AddFOp>(op))
    return bitEnumContainsAll(sum.getFastmath(), arith::FastMathFlags::reassoc);
  if (auto product = dyn_cast<arith::MulFOp>(op))
    return bitEnumContainsAll(product.getFastmath(), arith::FastMathFlags::reassoc);
  return isa<arith::AddIOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxSIOp,
             arith::MinSIOp, arith::AndIOp, arith::OrIOp>(op);
}

bool Combiners::findOne(linalg::GenericOp op, ArrayRef<unsigned> outputs, unsigned number) {
  Block &body = op.getRegion().front();
  BlockArgument accumulator = body.getArgument(op.getNumDpsInputs() + outputs[number]);
  Operation *last = body.getTerminator()->getOperand(outputs[number]).getDefiningOp();
  if (!last || last->getBlock() != &body)
    return false;
  if (gathersInAnyOrder(last) && accumulator.hasOneUse() && *accumulator.user_begin() == last &&
      last->hasOneUse()) {
    operations[number] = last;
    added[number] = last->getOperand(last->getOperand(0) == accumulator ? 1 : 0);
    return true;
  }
  // The best element; its position is found with it.
  auto select = dyn_cast<arith::SelectOp>(last);
  if (!select || select.getFalseValue() != accumulator)
    return false;
  for (auto [other, output] : llvm::enumerate(outputs)) {
    auto position = body.getTerminator()->getOperand(output).getDefiningOp<arith::SelectOp>();
    BlockArgument before = body.getArgument(op.getNumDpsInputs() + output);
    if (other == number || !position || position.getCondition() != select.getCondition() ||
        position.getFalseValue() != before || !before.hasOneUse() ||
        !before.getType().isInteger(64))
      continue;
    choice = select.getCondition().getDefiningOp();
    element = select.getTrueValue();
    best = accumulator;
    pair = {number, other};
    return choice && choice->getBlock() == &body;
  }
  return false;
}

/// Whether a value follows from two others and constants alone.
static bool followsFrom(Value value, Value x, Value y, Block *body) {
  if (value == x || value == y)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (op->getBlock() != body)
    return op->hasTrait<OpTrait::ConstantLike>();
  return op->getNumRegions() == 0 && isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::all_of(op->getOperands(),
                      [&](Value operand) { return followsFrom(operand, x, y, body); });
}

bool Combiners::find(linalg::GenericOp op, ArrayRef<unsigned> outputs) {
  pair.reset();
  operations.assign(outputs.size(), nullptr);
  added.assign(outputs.size(), nullptr);
  for (unsigned number = 0; number < outputs.size(); ++number)
    if (!(pair && pair->second == number) && !findOne(op, outputs, number)) {
      // The position may come before what it is the position of.
      bool mayBePosition = !pair && op.getRegion()
                                        .front()
                                        .getArgument(op.getNumDpsInputs() + outputs[number])
                                        .getType()
                                        .isInteger(64);
      if (!mayBePosition)
        return false;
    }
  for (unsigned number = 0; number < outputs.size(); ++number)
    if (!operations[number] && !(pair && (pair->first == number || pair->second == number)))
      return false;
  return !pair || followsFrom(choice->getResult(0), element, best, choice->getBlock());
}

bool Combiners::areExtremes() const {
  return !operations.empty() && llvm::all_of(operations, [](Operation *op) {
    return op && isa<arith::MaximumFOp, arith::MinimumFOp>(op);
  });
}

std::optional<bool> Combiners::isLargest(unsigned number) const {
  if (Operation *op = operations[number])
    return isa<arith::MaximumFOp>(op);
  std::optional<bool> largest;
  choice->getBlock()->walk([&](Operation *op) {
    if (op->getNumOperands() != 2 || op->getOperand(0) != element || op->getOperand(1) != best)
      return;
    if (auto reals = dyn_cast<arith::CmpFOp>(op)) {
      if (reals.getPredicate() == arith::CmpFPredicate::OGT)
        largest = true;
      else if (reals.getPredicate() == arith::CmpFPredicate::OLT)
        largest = false;
    } else if (auto integers = dyn_cast<arith::CmpIOp>(op)) {
      if (integers.getPredicate() == arith::CmpIPredicate::sgt)
        largest = true;
      else if (integers.getPredicate() == arith::CmpIPredicate::slt)
        largest = false;
    }
  });
  return largest;
}

/// What every number replaces.
static TypedAttr worstOf(bool largest, Type type) {
  Builder builder(type.getContext());
  if (auto real = dyn_cast<FloatType>(type))
    return builder.getFloatAttr(
        type, llvm::APFloat::getInf(real.getFloatSemantics(), /*Negative=*/largest));
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  return builder.getIntegerAttr(type, largest ? llvm::APInt::getSignedMinValue(width)
                                              : llvm::APInt::getSignedMaxValue(width));
}

/// The element that changes nothing.
static TypedAttr neutralOf(Operation *op, Type type) {
  Builder builder(type.getContext());
  if (isa<arith::MaximumFOp, arith::MaxSIOp>(op))
    return worstOf(/*largest=*/true, type);
  if (isa<arith::MinimumFOp, arith::MinSIOp>(op))
    return worstOf(/*largest=*/false, type);
  if (isa<FloatType>(type))
    return builder.getFloatAttr(type, isa<arith::MulFOp>(op) ? 1 : 0);
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  llvm::APInt value(width, isa<arith::MulIOp>(op) ? 1 : 0);
  if (isa<arith::AndIOp>(op))
    value = llvm::APInt::getAllOnes(width);
  return builder.getIntegerAttr(type, value);
}

Value Combiners::worst(OpBuilder &builder, Location loc, unsigned number) const {
  if (pair && pair->second == number)
    return arith::ConstantOp::create(
        builder, loc, builder.getI64IntegerAttr(std::numeric_limits<int64_t>::max()));
  return arith::ConstantOp::create(builder, loc,
                                   worstOf(*isLargest(number), candidate(number).getType()));
}

SmallVector<Value> Combiners::neutral(OpBuilder &builder, Location loc, ValueRange inits) const {
  SmallVector<Value> values(inits);
  for (auto [number, init] : llvm::enumerate(inits)) {
    if (Operation *op = operations[number])
      values[number] = arith::ConstantOp::create(builder, loc, neutralOf(op, init.getType()));
    // The best so far starts as the program says: the worst there is.
    else if (number == pair->second)
      values[number] = worst(builder, loc, number);
  }
  return values;
}

Value Combiners::isBetter(OpBuilder &builder, Value x, Value before) const {
  IRMapping map;
  map.map(element, x);
  map.map(best, before);
  std::function<Value(Value)> rebuild = [&](Value value) -> Value {
    if (Value known = map.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      rebuild(operand);
    return builder.clone(*op, map)->getResult(cast<OpResult>(value).getResultNumber());
  };
  return rebuild(choice->getResult(0));
}

SmallVector<Value> Combiners::combine(OpBuilder &builder, Location loc, ValueRange x,
                                      ValueRange y) const {
  SmallVector<Value> values(x.size());
  for (auto [number, op] : llvm::enumerate(operations)) {
    if (!op)
      continue;
    OperationState state(loc, op->getName(), {x[number], y[number]}, op->getResultTypes(), {});
    values[number] = builder.create(state)->getResult(0);
  }
  if (!pair)
    return values;
  auto [value, position] = *pair;
  Value later = isBetter(builder, y[value], x[value]);
  Value earlier = isBetter(builder, x[value], y[value]);
  Value before =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, y[position], x[position]);
  Value isTie = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, earlier, later);
  Value takes = arith::SelectOp::create(builder, loc, isTie, before, later);
  for (unsigned number : {value, position})
    values[number] = arith::SelectOp::create(builder, loc, takes, y[number], x[number]);
  return values;
}

} // namespace mpy
