// Branches on run-time conditions: both paths run on a copy of the state, inside the regions of one
// scf.if, and what differs between their final states becomes its results.
#include "frontend/paths/Joiner.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

State Specializer::snapshot() {
  keptObjects += heap.size();
  return State{heap, frame().locals, dead};
}

void Specializer::restore(const State &state) {
  heap = state.heap;
  frame().locals = state.locals;
  dead = state.dead;
}

bool Specializer::isAvailable(mlir::Value value) {
  Region *region = value.getParentRegion();
  // What is emitted into a block of its own is thrown away.
  if (!builder.getInsertionBlock()->getParent())
    return true;
  // Placeholders of a join in progress belong to no region.
  if (!region)
    return false;
  if (region->isAncestor(builder.getInsertionBlock()->getParent()))
    return true;
  // Values of the callers become parameters of the function being made.
  return llvm::any_of(outliningBlocks,
                      [&](Block *caller) { return region->isAncestor(caller->getParent()); });
}

bool Specializer::isAvailable(const IntExpr &expr) {
  bool available = true;
  expr.forEachSymbol([&](mlir::Value symbol) { available &= isAvailable(symbol); });
  return available;
}

void Specializer::branch(mlir::Value condition, llvm::function_ref<void()> thenBranch,
                         llvm::function_ref<void()> elseBranch, bool isLoop) {
  size_t mark = heap.size();
  State entry = snapshot();
  auto op = create<scf::IfOp>(mlir::TypeRange(), condition, /*withElseRegion=*/true);
  std::vector<std::shared_ptr<State>> unraised;
  auto runPath = [&](Block *block, llvm::function_ref<void()> path) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(block->getTerminator());
    if (auto state = runRegion(path))
      unraised.push_back(state);
    return snapshot();
  };
  State thenState = runPath(op.thenBlock(), thenBranch);
  restore(entry);
  // The second path numbers its objects behind those of the first.
  heap.resize(thenState.heap.size());
  State elseState = runPath(op.elseBlock(), elseBranch);
  joinPaths(op, thenState, elseState, entry, mark, isLoop);
  if (isInTry())
    continueUnraised(unraised);
}

/// Replaces a branch whose blocks are filled by one that yields what the states after it need.
void Specializer::joinPaths(scf::IfOp op, State &thenState, State &elseState, const State &entry,
                            size_t mark, bool isLoop) {
  Joiner joiner(*this, thenState, elseState, mark, op.thenBlock(), op.elseBlock(), isLoop);
  restore(entry);
  std::vector<JoinedLeaf> leaves = joiner.collect();
  if (leaves.empty()) {
    restore(joiner.build({}));
    return;
  }
  llvm::SmallVector<mlir::Type> types;
  for (auto &leaf : leaves)
    types.push_back(leaf.type);
  builder.setInsertionPoint(op);
  auto joined =
      scf::IfOp::create(builder, op.getLoc(), types, op.getCondition(), /*addThenBlock=*/false,
                        /*addElseBlock=*/false);
  joined.getThenRegion().takeBody(op.getThenRegion());
  joined.getElseRegion().takeBody(op.getElseRegion());
  auto yield = [&](Block *block, bool isFirst) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(block->getTerminator());
    llvm::SmallVector<mlir::Value> values;
    for (auto &leaf : leaves)
      values.push_back(isFirst ? leaf.first : leaf.second);
    Operation *old = block->getTerminator();
    scf::YieldOp::create(builder, op.getLoc(), values);
    old->erase();
  };
  yield(joined.thenBlock(), true);
  yield(joined.elseBlock(), false);
  op.erase();
  builder.setInsertionPointAfter(joined);
  restore(joiner.build(joined.getResults()));
}

Value Specializer::branchValue(mlir::Value condition, llvm::function_ref<Value()> thenValue,
                               llvm::function_ref<Value()> elseValue) {
  std::string name = "%branch" + std::to_string(frame().locals.size());
  branch(
      condition, [&] { frame().locals[name] = thenValue(); },
      [&] { frame().locals[name] = elseValue(); });
  Value result = frame().locals[name];
  frame().locals.erase(name);
  return result;
}

Value Specializer::eitherWay(const Value &given, llvm::function_ref<Value(const Value &)> of) {
  auto *optional = given.as<OptionalValue>();
  if (!optional || !optional->orNone)
    return of(given);
  Value value = optional->value;
  return branchValue(optional->present, [&] { return of(value); }, [&] { return of(NoneValue{}); });
}

Value Specializer::present(const Value &value, llvm::StringRef name, const WhenNone &whenNone) {
  if (auto *conflict = value.get<ConflictValue>()) {
    Diagnostic error = *conflict->error;
    error.span = span;
    diagnostics.report(error);
    throw Abort();
  }
  auto *optional = value.as<OptionalValue>();
  if (!optional)
    return value;
  Value inside = optional->value;
  bool isRefused = optional->orNone && whenNone.kind.empty();
  if (isRefused && isInTry())
    fail(ErrorId::Unsupported, {"inside 'try', " + name.str() + " that may be None"},
         {.help = "ask before: if x is not None"});
  if (isRefused)
    require(optional->present, "TypeError", (name + " may be None, and is None here").str());
  else if (optional->orNone)
    check(optional->present, whenNone.kind, whenNone.message);
  else
    check(optional->present, frame().closure ? "UnboundLocalError" : "NameError",
          frame().closure ? ("cannot access local variable '" + name +
                             "' where it is not associated with a value")
                                .str()
                          : ("name '" + name + "' is not defined").str());
  return present(inside, name, whenNone);
}

Value Specializer::bound(const Value &value, llvm::StringRef name) {
  auto *optional = value.as<OptionalValue>();
  return optional && optional->orNone ? value : present(value, name);
}

} // namespace mpy
