// A function, inputs, outputs -> the values on the paths between them. Both directions are fixed
// points over the same links: from operands to results of an operation, and through the arguments
// and terminators of its regions.
#include "adjoint/Activity.h"

using namespace mlir;
using namespace mpy;

bool mpy::isDifferentiable(Type type) {
  return isa<TapeType>(type) || isa<FloatType>(getElementTypeOrSelf(type));
}

namespace {
/// One step of data flow. Links between tapes bind both ends: a tape of adjoints exists for all of
/// a tape's life or not at all.
struct Link {
  Value from, to;
};
} // namespace

static void linkLoop(scf::ForOp loop, SmallVectorImpl<Link> &links) {
  for (auto [initial, argument, yielded, result] :
       llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(), loop.getYieldedValues(),
                 loop.getResults())) {
    links.append({{initial, argument}, {yielded, argument}, {argument, result}});
  }
}

static void linkLoop(scf::WhileOp loop, SmallVectorImpl<Link> &links) {
  for (auto [initial, argument, yielded] :
       llvm::zip(loop.getInits(), loop.getBeforeArguments(), loop.getYieldOp().getOperands()))
    links.append({{initial, argument}, {yielded, argument}});
  for (auto [passed, argument, result] :
       llvm::zip(loop.getConditionOp().getArgs(), loop.getAfterArguments(), loop.getResults()))
    links.append({{passed, argument}, {passed, result}});
}

static void linkBranches(scf::IfOp branch, SmallVectorImpl<Link> &links) {
  for (auto [index, result] : llvm::enumerate(branch.getResults()))
    links.append({{branch.thenYield().getOperand(index), result},
                  {branch.elseYield().getOperand(index), result}});
}

static SmallVector<Link> collectLinks(func::FuncOp function);
static void spread(ArrayRef<Link> links, bool forwards, llvm::DenseSet<Value> &reached);

/// From the arguments of a function to those of its results that depend on them.
static void linkCallee(CheckpointOp call, SmallVectorImpl<Link> &links) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
  SmallVector<Link> inside = collectLinks(callee);
  Block &body = callee.getBody().front();
  for (auto [argument, operand] : llvm::zip(body.getArguments(), call.getInputs())) {
    if (!isDifferentiable(argument.getType()))
      continue;
    llvm::DenseSet<Value> reached{argument};
    spread(inside, true, reached);
    for (auto [value, result] : llvm::zip(body.getTerminator()->getOperands(), call.getOutputs()))
      if (reached.contains(value))
        links.push_back({operand, result});
  }
}

static SmallVector<Link> collectLinks(func::FuncOp function) {
  SmallVector<Link> links;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return linkLoop(loop, links);
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return linkLoop(loop, links);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return linkBranches(branch, links);
    if (auto call = dyn_cast<CheckpointOp>(op))
      return linkCallee(call, links);
    auto rule = dyn_cast<DifferentiableOpInterface>(op);
    for (OpOperand &operand : op->getOpOperands())
      if (!rule || rule.passes(operand.getOperandNumber()))
        for (Value result : op->getResults())
          links.push_back({operand.get(), result});
  });
  llvm::erase_if(links, [](Link link) {
    return !isDifferentiable(link.from.getType()) || !isDifferentiable(link.to.getType());
  });
  return links;
}

/// Everything reached along the links, or against them.
static void spread(ArrayRef<Link> links, bool forwards, llvm::DenseSet<Value> &reached) {
  for (bool changed = true; changed;) {
    changed = false;
    // Links stand in the order of the program: following them the right way round needs few rounds.
    for (size_t index = 0; index < links.size(); ++index) {
      Link link = links[forwards ? index : links.size() - 1 - index];
      bool isTape = isa<TapeType>(link.from.getType()) && isa<TapeType>(link.to.getType());
      if (reached.contains(forwards ? link.from : link.to))
        changed |= reached.insert(forwards ? link.to : link.from).second;
      else if (isTape && reached.contains(forwards ? link.to : link.from))
        changed |= reached.insert(forwards ? link.from : link.to).second;
    }
  }
}

Activity::Activity(func::FuncOp function, ArrayRef<Value> inputs, ArrayRef<Value> outputs) {
  SmallVector<Link> links = collectLinks(function);
  varied.insert(inputs.begin(), inputs.end());
  useful.insert(outputs.begin(), outputs.end());
  spread(links, true, varied);
  spread(links, false, useful);
}

bool mpy::dependsAround(func::FuncOp function, ArrayRef<Value> inputs, RuledOp op) {
  SmallVector<Link> links = collectLinks(function);
  auto isInput = [&](Value value) { return llvm::is_contained(op.getInputs(), value); };
  llvm::erase_if(links, [&](Link link) { return isInput(link.from); });
  llvm::DenseSet<Value> varied;
  for (Value input : inputs)
    if (!isInput(input))
      varied.insert(input);
  spread(links, true, varied);
  return llvm::any_of(op.getValues(),
                      [&](Value value) { return !isInput(value) && varied.contains(value); });
}

bool Activity::isActive(Operation *op) const {
  if (op->getNumResults() == 0 && op->getNumRegions() == 0)
    return llvm::any_of(op->getOperands(),
                        [&](Value v) { return isa<TapeType>(v.getType()) && isActive(v); });
  return llvm::any_of(op->getResults(), [&](Value result) { return isActive(result); });
}
