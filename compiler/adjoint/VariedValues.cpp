// A function of one example -> which of its values differ from example to example, and whether all
// examples can be computed at once. A fixed point over operands, results, and what regions pass on.
#include "adjoint/Batch.h"

#include "dialect/Differentiable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mpy;

static bool isTape(Value value) { return isa<TapeType>(value.getType()); }

/// What a tape keeps for each example where it keeps anything for each; the rest is shared.
static bool isKeptForEach(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

VariedValues::VariedValues(func::FuncOp function) : number(function.getArgument(0)) {
  varied.insert(number);
  for (bool changed = true; changed;) {
    changed = false;
    function.walk<WalkOrder::PreOrder>([&](Operation *op) { changed |= visit(op); });
  }
}

bool VariedValues::link(ArrayRef<Value> from, Value to) {
  bool changed = false;
  for (Value value : from)
    changed |= link(value, to);
  return changed;
}

bool VariedValues::link(Value from, Value to) {
  bool changed = varied.contains(from) && varied.insert(to).second;
  if (isTape(from) && isTape(to))
    changed |= varied.contains(to) && varied.insert(from).second;
  return changed;
}

bool VariedValues::divide(Operation *op) {
  if (!divided.insert(op).second)
    return false;
  varied.insert(op->result_begin(), op->result_end());
  return true;
}

bool VariedValues::visitControlFlow(Operation *op) {
  bool changed = false;
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    if (varied.contains(branch.getCondition()))
      return divide(op);
    for (auto [index, result] : llvm::enumerate(branch.getResults()))
      for (auto yield : {branch.thenYield(), branch.elseYield()})
        changed |= link(yield.getOperand(index), result);
    return changed;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (Value bound : {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})
      if (varied.contains(bound))
        return divide(op);
    for (auto [initial, argument, yielded] :
         llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(), loop.getYieldedValues()))
      changed |= link({initial, yielded}, argument);
    for (auto [argument, result] : llvm::zip(loop.getRegionIterArgs(), loop.getResults()))
      changed |= link(argument, result);
    return changed;
  }
  auto loop = cast<scf::WhileOp>(op);
  if (varied.contains(loop.getConditionOp().getCondition()))
    return divide(op);
  for (auto [initial, argument, yielded] :
       llvm::zip(loop.getInits(), loop.getBeforeArguments(), loop.getYieldOp().getOperands()))
    changed |= link({initial, yielded}, argument);
  for (auto [given, argument, result] :
       llvm::zip(loop.getConditionOp().getArgs(), loop.getAfterArguments(), loop.getResults())) {
    changed |= link(given, argument);
    changed |= link(given, result);
  }
  return changed;
}

bool VariedValues::visitTape(Operation *op) {
  bool changed = false;
  if (auto push = dyn_cast<PushOp>(op)) {
    changed |= link(push.getTape(), push.getResult());
    for (Value value : push.getValues())
      changed |= link(value, push.getResult());
    return changed;
  }
  auto pop = cast<PopOp>(op);
  changed |= link(pop.getTape(), pop.getRest());
  for (Value value : pop.getValues())
    if (isKeptForEach(value))
      changed |= link(pop.getTape(), value);
  return changed;
}

bool VariedValues::visit(Operation *op) {
  if (isa<scf::IfOp, scf::ForOp, scf::WhileOp>(op))
    return visitControlFlow(op);
  if (isa<PushOp, PopOp>(op))
    return visitTape(op);
  // Arrays of all examples have one shape.
  if (isa<tensor::DimOp>(op))
    return false;
  bool changed = false;
  for (Value operand : op->getOperands())
    for (Value result : op->getResults())
      changed |= link(operand, result);
  return changed;
}

bool VariedValues::reads(Operation *op) const {
  return op
      ->walk([&](Operation *inner) {
        bool found = llvm::any_of(inner->getOperands(), [&](Value v) { return contains(v); }) ||
                     llvm::any_of(inner->getResults(), [&](Value v) { return contains(v); });
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

bool VariedValues::isNumber(Value value) const {
  if (value == number)
    return true;
  Operation *op = value.getDefiningOp();
  if (isa_and_present<NormalizeIndexOp>(op))
    return isNumber(op->getOperand(0));
  bool isConverted = isa_and_present<arith::IndexCastOp>(op) ||
                     (isa_and_present<CastOp>(op) && isa<IntegerType>(value.getType()) &&
                      value.getType().getIntOrFloatBitWidth() == 64);
  return isConverted && isNumber(op->getOperand(0));
}

/// The operands that say how large a result is.
static SmallVector<Value> sizesOf(Operation *op) {
  return TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case<BroadcastOp, StretchOp, UnstretchOp, ReshapeOp, IotaOp, SliceOp, UpdateSliceOp>(
          [](auto shaped) { return SmallVector<Value>(shaped.getSizes()); })
      .Case<FirstRowsOp, PadRowsOp>([](auto rows) { return SmallVector<Value>{rows.getCount()}; })
      .Default([](Operation *) { return SmallVector<Value>(); });
}

/// Whether an operation can run in a loop over the examples: its results have extents that are known
/// before, and are numbers or arrays.
bool VariedValues::canRunEach(Operation *op) const {
  for (Value result : op->getResults()) {
    if (!isa<IntegerType, IndexType, FloatType>(getElementTypeOrSelf(result.getType())))
      return false;
    auto type = dyn_cast<RankedTensorType>(result.getType());
    for (int64_t dimension = 0; type && dimension < type.getRank(); ++dimension) {
      if (!type.isDynamicDim(dimension))
        continue;
      Value extent = findExtent(result, dimension);
      if (!extent || contains(extent) || op->isAncestor(extent.getParentBlock()->getParentOp()))
        return false;
    }
  }
  return !op->walk([&](Operation *inner) {
              bool usesTape = llvm::any_of(inner->getOperands(), isTape) ||
                              llvm::any_of(inner->getResults(), isTape);
              return usesTape ? WalkResult::interrupt() : WalkResult::advance();
            }).wasInterrupted();
}

bool VariedValues::canStack(Operation *op) const {
  if (isDivided(op))
    return isMemoryEffectFree(op) && canRunEach(op);
  if (isa<PushOp>(op))
    return llvm::all_of(cast<PushOp>(op).getValues(),
                        [&](Value v) { return !contains(v) || isKeptForEach(v); });
  // What a condition passes on and the like is seen to by the operation around.
  if (op->hasTrait<OpTrait::IsTerminator>() ||
      isa<scf::IfOp, scf::ForOp, scf::WhileOp, PopOp, TapeNewOp, TapeFreeOp>(op))
    return true;
  // The largest number stands for all.
  if (isa<NormalizeIndexOp>(op) && isNumber(op->getOperand(0)) && !contains(op->getOperand(1)))
    return true;
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return dim.getConstantIndex().has_value();
  if (!isMemoryEffectFree(op)) {
    // Checks of what is shared come out alike for the first example and for all.
    bool isCheck = isa<CheckOp, NormalizeIndexOp, CheckedIntOp>(op);
    return isCheck && !reads(op);
  }
  if (!reads(op))
    return true;
  if (isa<RuledOp, func::CallOp>(op) ||
      llvm::any_of(sizesOf(op), [&](Value size) { return contains(size); }))
    return false;
  return hasBatchRule(*this, op) || canRunEach(op);
}

bool VariedValues::canStack(Block &block) const {
  return llvm::all_of(block, [&](Operation &op) {
    if (!canStack(&op))
      return false;
    return isDivided(&op) || llvm::all_of(op.getRegions(), [&](Region &region) {
             return llvm::all_of(region, [&](Block &inner) { return canStack(inner); });
           });
  });
}
