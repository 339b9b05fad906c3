// scf.if, scf.for, scf.while -> the control flow that undoes them.
//
//   if c { a } else { b }            ->  if c { reverse of a } else { reverse of b }
//   for i = l to u step s { a }      ->  for k = 0 to n { i = l + (n - 1 - k) s; reverse of a }
//   while c { a }, run n times       ->  for k = 0 to n { reverse of a }
//
// Adjoints of what a loop carries are carried; so are those of values from outside that it reads. A
// branch starts from the adjoints so far and yields the ones it changed.
#include "adjoint/GenerateAdjoint.h"

#include "dialect/Formula.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mpy;

namespace mpy {
/// A loop as the reverse sweep sees it: slots that are carried from one run of the body to the
/// next.
struct LoopShape {
  Block *body = nullptr;
  ValueRange inits, heads, yields;
  /// What the body's arguments and the loop's results are: a slot, or (null otherwise) a value.
  SmallVector<Value> arguments, results, sources;
  /// How often the body ran, and the index of the run, if the body reads it.
  Value count, index;
  std::function<Value(OpBuilder &, Location, Value k)> indexOf;
};
} // namespace mpy

LogicalResult ReverseSweep::sweepControlFlow(Operation *op) {
  bool isReached =
      llvm::any_of(op->getResults(), [&](Value result) { return scope->bars.lookup(result); });
  if (!isReached && !undo.isTracked(op))
    return success();
  if (isa<scf::IfOp>(op))
    return sweepBranches(op);
  if (auto kept = snapshotLoops.find(op); kept != snapshotLoops.end())
    return sweepSnapshots(cast<scf::ForOp>(op), kept->second);
  LoopShape shape;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    shape.body = loop.getBody();
    shape.inits = loop.getInitArgs();
    shape.heads = loop.getRegionIterArgs();
    shape.yields = loop.getYieldedValues();
    llvm::append_range(shape.arguments, loop.getRegionIterArgs());
    llvm::append_range(shape.sources, loop.getRegionIterArgs());
    llvm::append_range(shape.results, loop.getResults());
    shape.index = loop.getInductionVar();
    return sweepLoop(op, shape);
  }
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    for (Operation &inside : loop.getBeforeBody()->without_terminator())
      if (activity.isActive(&inside))
        return inside.emitError("E0504: ") << "no derivative of this control flow: a condition "
                                              "that computes what is differentiated";
    shape.body = loop.getAfterBody();
    shape.inits = loop.getInits();
    shape.heads = loop.getBeforeArguments();
    shape.yields = loop.getYieldOp().getOperands();
    llvm::append_range(shape.arguments, loop.getAfterArguments());
    llvm::append_range(shape.sources, loop.getConditionOp().getArgs());
    llvm::append_range(shape.results, loop.getResults());
    shape.count = loop.getResults().back();
    return sweepLoop(op, shape);
  }
  return op->emitError("E0504: ") << "no derivative of this control flow: " << op->getName();
}

SmallVector<Value> ReverseSweep::activeCaptures(Operation *op) {
  llvm::SetVector<Value> captures;
  auto visit = [&](Operation *user) {
    bool matters = activity.isActive(user) || user->hasTrait<OpTrait::IsTerminator>();
    for (Value operand : user->getOperands())
      if (matters && isActive(operand) && !op->isAncestor(operand.getParentBlock()->getParentOp()))
        captures.insert(operand);
  };
  for (Region &region : op->getRegions())
    region.walk(visit);
  return captures.takeVector();
}

//===------------------------------------------------------------------------------------------===//
// Branches
//===------------------------------------------------------------------------------------------===//
LogicalResult ReverseSweep::sweepBranches(Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  Value condition = primal(branch.getCondition());
  SmallVector<Value> captures = activeCaptures(op);
  Scope::Child child{op, nullptr, {}};
  auto draft = scf::IfOp::create(opBuilder, loc(), TypeRange(), condition, /*withElseRegion=*/true);

  OpBuilder::InsertionGuard guard(opBuilder);
  for (auto [from, to] : llvm::zip(op->getRegions(), draft->getRegions())) {
    auto inner = std::make_unique<Scope>();
    inner->parent = scope;
    inner->forward = &from.front();
    inner->reverse = &to.front();
    opBuilder.setInsertionPoint(inner->reverse->getTerminator());
    inner->open(opBuilder, loc());
    for (Value capture : captures)
      if (Value before = scope->bars.lookup(capture))
        inner->bars[capture] = before;
    Operation *end = inner->forward->getTerminator();
    for (auto [yielded, result] : llvm::zip(end->getOperands(), op->getResults()))
      if (undo.isTracked(result))
        inner->available[yielded] = scope->available.lookup(result);
    Scope *outer = std::exchange(scope, inner.get());
    for (auto [yielded, result] :
         llvm::zip(inner->forward->getTerminator()->getOperands(), op->getResults()))
      if (Value bar = outer->bars.lookup(result); bar && isActive(yielded))
        add(yielded, bar);
    scope = outer;
    if (failed(sweep(*inner)))
      return failure();
    child.bodies.push_back(std::move(inner));
  }

  // Adjoints that a branch changed leave it; the other branch passes them on, or zeros.
  SmallVector<Value> changed;
  for (Value capture : captures)
    if (llvm::any_of(child.bodies, [&](auto &body) {
          return body->bars.lookup(capture) != scope->bars.lookup(capture);
        }))
      changed.push_back(capture);
  SmallVector<Value> bases;
  for (Value result : op->getResults())
    if (SmallVector<Value> inner; undo.isTracked(result))
      bases.push_back(previousVersion(result, inner));
  for (auto &body : child.bodies) {
    Operation *end = body->reverse->getTerminator();
    opBuilder.setInsertionPoint(end);
    Scope *outer = std::exchange(scope, body.get());
    SmallVector<Value> yields =
        llvm::map_to_vector(changed, [&](Value value) { return barOrZeros(value); });
    scope = outer;
    for (Value base : bases)
      yields.push_back(body->available.lookup(base));
    end->setOperands(yields);
  }
  opBuilder.setInsertionPoint(draft);
  SmallVector<Type> types(ValueRange(changed).getTypes());
  llvm::append_range(types, ValueRange(bases).getTypes());
  auto reverse = scf::IfOp::create(opBuilder, loc(), types, condition, /*withElseRegion=*/true);
  reverse.getThenRegion().takeBody(draft.getThenRegion());
  reverse.getElseRegion().takeBody(draft.getElseRegion());
  draft.erase();
  for (auto [value, bar] : llvm::zip(changed, reverse.getResults()))
    scope->bars[value] = bar;
  for (auto [base, value] : llvm::zip(bases, reverse.getResults().drop_front(changed.size())))
    scope->provide(base, value);
  child.reverse = reverse;
  scope->children.push_back(std::move(child));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Loops
//===------------------------------------------------------------------------------------------===//
/// (u - l + s - 1) / s; a negative number of iterations runs none.
Value ReverseSweep::countIterations(scf::ForOp loop) {
  Value lower = primal(loop.getLowerBound()), upper = primal(loop.getUpperBound()),
        step = primal(loop.getStep());
  Value length = upper;
  if (getConstantIntValue(lower) != 0)
    length = arith::SubIOp::create(opBuilder, loc(), upper, lower);
  if (getConstantIntValue(step) == 1)
    return length;
  Value one = makeNumber(*this, step.getType(), 1);
  Value padded = arith::AddIOp::create(opBuilder, loc(), length,
                                       arith::SubIOp::create(opBuilder, loc(), step, one));
  return arith::DivSIOp::create(opBuilder, loc(), padded, step);
}

LogicalResult ReverseSweep::sweepLoop(Operation *op, const LoopShape &shape) {
  undo.add(op);
  auto bars = scope->bars, available = scope->available;
  auto late = scope->late;
  size_t children = scope->children.size();
  while (true) {
    if (failed(runLoop(op, shape)))
      return failure();
    if (!undo.trackWanted(op))
      return success();
    // Once more, now with the arrays that would have been copied.
    scope->bars = bars;
    scope->available = available;
    scope->late = late;
    forgetFrom(scope->children.back().reverse);
    scope->children.resize(children);
  }
}

void ReverseSweep::forgetFrom(Operation *first) {
  SmallVector<Operation *> made;
  for (auto it = first->getIterator(); it != opBuilder.getInsertionPoint(); ++it)
    made.push_back(&*it);
  auto isMade = [&](Value value) {
    Operation *op = value ? value.getDefiningOp() : nullptr;
    if (value && !op)
      op = value.getParentBlock()->getParentOp();
    return op && llvm::any_of(made, [&](Operation *one) { return one->isAncestor(op); });
  };
  for (auto &[of, extent] : llvm::to_vector(extents))
    if (isMade(of.first) || isMade(extent))
      extents.erase(of);
  for (Operation *op : llvm::reverse(made))
    op->erase();
}

LogicalResult ReverseSweep::runLoop(Operation *op, const LoopShape &shape) {
  // Slots whose adjoints are carried, then values from outside.
  SmallVector<unsigned> slots;
  for (auto [index, head] : llvm::enumerate(shape.heads))
    if (isActive(head))
      slots.push_back(index);
  SmallVector<Value> captures = activeCaptures(op);
  auto slotOf = [&](Value source) -> std::optional<unsigned> {
    for (auto [position, index] : llvm::enumerate(slots))
      if (shape.heads[index] == source)
        return position;
    return std::nullopt;
  };

  // The adjoints of the results are those of the slots after the last run.
  SmallVector<Value> carried(slots.size());
  for (auto [source, result] : llvm::zip(shape.sources, shape.results)) {
    Value bar = scope->bars.lookup(result);
    if (!bar || !isActive(source))
      continue;
    if (std::optional<unsigned> slot = slotOf(source)) {
      Value &sum = carried[*slot];
      sum = sum ? AddOp::create(opBuilder, loc(), sum, bar).getResult() : bar;
    } else {
      add(source, bar);
    }
  }
  for (auto [position, index] : llvm::enumerate(slots)) {
    Value &bar = carried[position];
    // A loop's result has the extents of what flows there; its zeros take them from the result that
    // shows it.
    if (!bar) {
      auto shown = llvm::find(shape.sources, Value(shape.heads[index]));
      bar = makeZeros(*this, shown == shape.sources.end()
                                 ? Value(shape.inits[index])
                                 : shape.results[shown - shape.sources.begin()]);
    }
    bar = conform(bar, shape.heads[index].getType());
  }
  for (Value capture : captures)
    carried.push_back(barOrZeros(capture));
  SmallVector<LoopSlot> undone;
  for (const LoopSlot &slot : slotsOf(op))
    if (undo.isTracked(slot.result)) {
      undone.push_back(slot);
      carried.push_back(conform(primal(slot.result), slot.end.getType()));
    }

  auto counted = dyn_cast<scf::ForOp>(op);
  Value count = counted ? countIterations(counted) : primal(shape.count);
  Value zero = makeNumber(*this, count.getType(), 0), one = makeNumber(*this, count.getType(), 1);
  auto reverse = scf::ForOp::create(opBuilder, loc(), zero, count, one, carried);

  auto inner = std::make_unique<Scope>();
  inner->parent = scope;
  inner->forward = shape.body;
  inner->reverse = reverse.getBody();
  {
    OpBuilder::InsertionGuard guard(opBuilder);
    opBuilder.setInsertionPointToStart(reverse.getBody());
    if (counted) {
      Value last = arith::SubIOp::create(opBuilder, loc(), count, one);
      Value run = arith::SubIOp::create(opBuilder, loc(), last, reverse.getInductionVar());
      Value lower = primal(counted.getLowerBound()), step = primal(counted.getStep());
      if (getConstantIntValue(step) != 1)
        run = arith::MulIOp::create(opBuilder, loc(), run, step);
      if (getConstantIntValue(lower) != 0)
        run = arith::AddIOp::create(opBuilder, loc(), run, lower);
      inner->available[shape.index] = run;
    }
    inner->open(opBuilder, loc());
    auto state = reverse.getRegionIterArgs();
    for (auto [position, index] : llvm::enumerate(slots))
      state[position].setLoc(barLocation(shape.heads[index]));
    for (auto [position, capture] : llvm::enumerate(captures)) {
      inner->bars[capture] = state[slots.size() + position];
      state[slots.size() + position].setLoc(barLocation(capture));
    }
    for (auto [slot, value] : llvm::zip(undone, state.take_back(undone.size())))
      inner->available[slot.end] = value;
    Scope *outer = std::exchange(scope, inner.get());
    for (auto [position, index] : llvm::enumerate(slots))
      if (isActive(shape.yields[index]))
        add(shape.yields[index], state[position]);
    scope = outer;
    if (failed(sweep(*inner)))
      return failure();
    scope = inner.get();
    SmallVector<Value> next(slots.size());
    for (auto [source, argument] : llvm::zip(shape.sources, shape.arguments)) {
      Value bar = scope->bars.lookup(argument);
      if (!bar || !isActive(source))
        continue;
      if (std::optional<unsigned> slot = slotOf(source))
        next[*slot] =
            next[*slot] ? AddOp::create(opBuilder, loc(), next[*slot], bar).getResult() : bar;
      else
        add(source, bar);
    }
    for (auto [position, index] : llvm::enumerate(slots)) {
      if (!next[position])
        next[position] =
            makeZeros(*this, shape.arguments[llvm::find(shape.sources, Value(shape.heads[index])) -
                                             shape.sources.begin()]);
      next[position] = conform(next[position], shape.heads[index].getType());
    }
    for (Value capture : captures)
      next.push_back(scope->bars.lookup(capture));
    for (const LoopSlot &slot : undone)
      next.push_back(conform(scope->available.lookup(slot.inside), slot.end.getType()));
    scope = outer;
    scf::YieldOp::create(opBuilder, loc(), next);
  }

  for (auto [slot, value] : llvm::zip(undone, reverse.getResults().take_back(undone.size())))
    if (undo.isTracked(slot.init))
      scope->provide(slot.init, conform(value, slot.init.getType()));
  // Values from outside went through the loop; what the slots add to their initial values comes on
  // top.
  for (auto [position, capture] : llvm::enumerate(captures))
    scope->bars[capture] = reverse.getResult(slots.size() + position);
  for (auto [position, index] : llvm::enumerate(slots))
    if (isActive(shape.inits[index]))
      add(shape.inits[index], reverse.getResult(position));
  scope->children.push_back({op, reverse, {}});
  scope->children.back().bodies.push_back(std::move(inner));
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Counting
//===------------------------------------------------------------------------------------------===//
static void countIterationsOf(scf::WhileOp loop) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> inits(loop.getInits());
  inits.push_back(arith::ConstantIndexOp::create(builder, loc, 0));
  SmallVector<Type> types(loop.getResultTypes());
  types.push_back(builder.getIndexType());
  auto counting = scf::WhileOp::create(builder, loc, types, inits);
  counting.getBefore().takeBody(loop.getBefore());
  counting.getAfter().takeBody(loop.getAfter());
  Value head = counting.getBeforeBody()->addArgument(builder.getIndexType(), loc);
  Value inside = counting.getAfterBody()->addArgument(builder.getIndexType(), loc);
  Operation *condition = counting.getConditionOp(), *yield = counting.getYieldOp();
  condition->insertOperands(condition->getNumOperands(), head);
  builder.setInsertionPoint(yield);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  yield->insertOperands(yield->getNumOperands(),
                        arith::AddIOp::create(builder, loc, inside, one).getResult());
  loop->replaceAllUsesWith(counting.getResults().drop_back());
  loop.erase();
}

void mpy::countWhileLoops(func::FuncOp function) {
  SmallVector<scf::WhileOp> loops;
  function.walk([&](scf::WhileOp loop) { loops.push_back(loop); });
  for (scf::WhileOp loop : loops)
    countIterationsOf(loop);
}
