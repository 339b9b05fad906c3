// One run of a recursion's body in a function of its own, and what it says of the function: what the
// result is, what passes in and out, and whether that was assumed.
//
//   def total(x):                  ->   func @total(%n, %x) -> (%sum) { .. }, kept, or
//     ..                                undone, and known: lists and arrays that the body changes,
//                                       objects from outside that it changes, the result's structure
#include "frontend/functions/Recursion.h"
#include "frontend/paths/UnrollBudget.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace mpy {

/// One run of a body in a function of its own. What it does to the state is undone when it ends;
/// the function is kept if its result was as assumed.
class SpecializationRun {
public:
  SpecializationRun(Specializer &s, Specialization &spec, const ClosureValue &closure,
                    const Locals &parameters, ArgumentWalk &walk)
      : s(s), spec(spec), closure(closure), parameters(parameters), walk(walk),
        before(s.snapshot()), caller(s.builder.saveInsertionPoint()), place(s.span),
        depth(s.frames.size()), leading(walk.operands), policy(s.keepsLists, false),
        own(unrollBudget(s)), outerTries(s.tryDepth), outerChecks(s.openChecks.size()) {
    spec.stateKey = stateOperands(s, spec, leading);
    s.outliningBlocks.push_back(s.builder.getInsertionBlock());
    spec.outliningDepth = s.outliningBlocks.size();
    function = spec.function = s.newFunction(closure.name);
  }
  ~SpecializationRun();
  /// False if it must run again.
  bool run();

private:
  void openFunction();
  void buildArguments();
  void runBody();
  void callBody();
  bool takeState();
  bool widenLists();
  std::optional<IntExpr> outward(const IntExpr &expr);
  bool settleResult(ResultWalk &results);
  std::set<unsigned> changedArrays() const;
  void finish(mlir::ValueRange results);

  Specializer &s;
  Specialization &spec;
  const ClosureValue &closure;
  const Locals &parameters;
  ArgumentWalk &walk;
  State before;
  OpBuilder::InsertPoint caller;
  Span place;
  size_t depth;
  llvm::SmallVector<mlir::Value> leading;
  // What a short loop around the call asks of its lists is no matter here.
  llvm::SaveAndRestore<bool> policy;
  UnlimitedUnrolling own;
  unsigned outerTries;
  size_t outerChecks;

  func::FuncOp function;
  Block *block = nullptr;
  Locals inner;
  Value result;
  bool returns = true, sameKinds = true, keep = false;
  /// Lists among the arguments that the body changed, by number.
  std::set<unsigned> changedLists;
};

SpecializationRun::~SpecializationRun() {
  s.outliningBlocks.resize(spec.outliningDepth - 1);
  s.builder.restoreInsertionPoint(caller);
  s.span = place;
  s.frames.resize(depth);
  s.restore(before);
  s.tryDepth = outerTries;
  s.possibleKinds.resize(outerTries);
  s.openChecks.erase(s.openChecks.begin() + outerChecks, s.openChecks.end());
  if (!keep)
    s.emitted.undo(function);
}

void SpecializationRun::openFunction() {
  block = function.addEntryBlock();
  for (auto operand : leading)
    block->addArgument(operand.getType(), operand.getLoc());
  s.builder.setInsertionPointToStart(block);
  if (!spec.isCatching)
    s.create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_check_stack", mlir::ValueRange(), true);
}

/// The arguments as the body sees them, and what of the state passes in.
void SpecializationRun::buildArguments() {
  auto given = block->getArguments();
  walk.builtArrays.clear(), walk.builtContainers.clear(), walk.builtLists.clear();
  walk.restart();
  walk.disowned = spec.disownedLists;
  for (auto &[name, value] : parameters)
    inner[name] = walk.build(value, given.take_front(walk.operands.size()));
  spec.disownedLists = walk.disowned;
  setState(s, spec, given.drop_front(walk.operands.size()), false);
  spec.entry = s.heap;
  spec.argumentObjects.clear();
  for (auto *objects : {&walk.builtArrays, &walk.builtContainers})
    for (ObjectId id : *objects)
      spec.argumentObjects.insert({id, spec.argumentObjects.size()});
  spec.newState.clear();
}

void SpecializationRun::callBody() {
  if (spec.isCatching) {
    mlir::Value isLow = s.create<RuntimeEffectOp>(mlir::TypeRange(s.builder.getI1Type()),
                                                  "mpy_stack_is_low", mlir::ValueRange(), false)
                            .getResult(0);
    s.checkInTry(s.ssa(s.negate(s.makeScalar(ScalarKind::PyBool, isLow))), "RecursionError",
                 [&] { return s.makeText("maximum recursion depth exceeded"); });
  }
  // What the arguments are is known wherever the body joins them with other objects.
  ValueList pinned;
  for (ObjectId id : walk.builtContainers)
    pinned.push_back(ObjectRef{id});
  s.frame().locals["%arguments"] = s.newTuple(std::move(pinned));
  result = s.callInline(closure, inner);
  returns = !s.dead;
  if (spec.isCatching)
    s.frame().locals[returnedName] = result;
}

void SpecializationRun::runBody() {
  if (spec.isCatching) {
    ++s.tryDepth;
    s.possibleKinds.push_back({});
    s.frame().locals[returnedName] = NoneValue{};
  }
  Specializer::TryRegion paths = s.openRegion();
  try {
    callBody();
  } catch (const PathEnds &) {
    s.frames.resize(depth);
    returns = false;
    s.heap = spec.entry;
  }
  if (!spec.isCatching)
    return;
  s.dead = !returns;
  std::shared_ptr<State> unraised = s.closeRegion(paths);
  returns = !s.dead;
  sameKinds = spec.kinds == s.possibleKinds.back();
  spec.kinds = s.possibleKinds.back();
  if (returns)
    result = s.packResult(spec, unraised.get());
}

/// Takes what the body changed outside into the state of the function; false if the body must run
/// again for it.
bool SpecializationRun::takeState() {
  for (ObjectId id : changedOutside(s, spec))
    spec.newState.insert(id);
  if (spec.wantsLoose != spec.isLoose || spec.wantedPlan != spec.plan)
    return false;
  bool isOutgrown = std::exchange(spec.isOutgrown, false);
  std::set<ObjectId> mutated = std::exchange(spec.newState, {});
  mutated.insert(spec.state.begin(), spec.state.end());
  for (ObjectId id : mutated)
    isOutgrown |= passState(s, spec, id);
  if (isOutgrown) {
    spec.result = {};
    return false;
  }
  if (!returns && !spec.neverReturns) {
    // Once more, now with calls that end their paths.
    if (spec.result || !spec.state.empty())
      throw CannotCross{"a function that calls itself on every path"};
    spec.neverReturns = true;
    return false;
  }
  return true;
}

/// Lists among the arguments that the body changed are of run-time length; false if one was not
/// before.
bool SpecializationRun::widenLists() {
  changedLists = spec.changedLists;
  for (ObjectId id : walk.builtContainers) {
    if (isUnchanged(spec.entry.pointer(id), s.heap.pointer(id)))
      continue;
    auto number = llvm::find(walk.builtLists, id);
    if (number == walk.builtLists.end())
      throw CannotCross{"a change of a dict, or of a list in another one, that is an argument"};
    changedLists.insert(number - walk.builtLists.begin());
  }
  for (unsigned number : std::set<unsigned>(changedLists)) {
    ObjectId id = walk.builtLists[number];
    ListArgument is = describeList(s, id);
    Heap now = std::exchange(s.heap, spec.entry);
    ListArgument was = describeList(s, id);
    s.heap = std::move(now);
    auto planned = spec.plan.find(number);
    if (planned != spec.plan.end())
      was.item = planned->second;
    if (!is.refused.empty() || !was.refused.empty())
      throw CannotCross{"a change of a list that is an argument: " +
                        (is.refused.empty() ? was.refused : is.refused)};
    if (!is.item && !was.item) {
      changedLists.erase(number); // Empty as it was.
      continue;
    }
    spec.wantedPlan.insert_or_assign(number, is.item && was.item ? widen(s, *was.item, *is.item)
                                             : is.item           ? *is.item
                                                                 : *was.item);
  }
  return spec.wantedPlan == spec.plan;
}

/// An extent of the result in terms of the parameters; nothing where the body alone knows it.
std::optional<IntExpr> SpecializationRun::outward(const IntExpr &expr) {
  auto number = [&](mlir::Value symbol) -> std::optional<unsigned> {
    auto argument = dyn_cast<BlockArgument>(symbol);
    if (argument && argument.getOwner() == block && argument.getArgNumber() < walk.operands.size())
      return argument.getArgNumber();
    return std::nullopt;
  };
  Region &region = function.getBody();
  bool isOutward = true;
  expr.forEachSymbol([&](mlir::Value symbol) {
    isOutward &=
        number(symbol) || !symbol.getParentRegion() || !region.isAncestor(symbol.getParentRegion());
  });
  if (!isOutward)
    return std::nullopt;
  return expr.substitute([&](mlir::Value symbol) -> std::optional<IntExpr> {
    auto position = number(symbol);
    if (!position)
      return std::nullopt;
    mlir::Value stand = spec.symbols->getArgument(*position);
    return symbolExpr(stand, stand.getType().isIndex());
  });
}

std::set<unsigned> SpecializationRun::changedArrays() const {
  std::set<unsigned> changed = spec.changed;
  for (unsigned i = 0; i < walk.builtArrays.size(); ++i)
    if (s.heap.get<ArrayState>(walk.builtArrays[i])->tensor !=
        spec.entry.get<ArrayState>(walk.builtArrays[i])->tensor)
      changed.insert(i);
  return changed;
}

/// Widens what is known of the result by this run; whether nothing was new.
bool SpecializationRun::settleResult(ResultWalk &results) {
  ResultPattern pattern = results.describe(result);
  if (spec.result)
    pattern = widen(s, *spec.result, pattern);
  bool isSettled = true;
  for (ObjectId id : spec.state)
    if (spec.stateLists.count(id))
      isSettled &= noteOutcome(s, spec, id, spec.stateOutcomes[id]);
  for (unsigned number : changedLists)
    isSettled &= noteOutcome(s, spec, walk.builtLists[number], spec.listOutcomes[number]);
  std::set<unsigned> changed = changedArrays();
  isSettled &= spec.result && pattern == *spec.result && changed == spec.changed &&
               changedLists == spec.changedLists && sameKinds;
  spec.result = pattern;
  spec.changed = changed;
  spec.changedLists = changedLists;
  return isSettled;
}

void SpecializationRun::finish(mlir::ValueRange results) {
  func::ReturnOp::create(s.builder, s.loc(), results);
  spec.captured.clear();
  s.captureFromOutside(function, spec.captured);
  llvm::SmallVector<func::CallOp> calls;
  function.walk([&](func::CallOp call) {
    if (call.getCallee() == function.getSymName())
      calls.push_back(call);
  });
  for (auto call : calls)
    call->insertOperands(call.getNumOperands(),
                         mlir::ValueRange(block->getArguments()).drop_front(leading.size()));
  keep = true;
}

bool SpecializationRun::run() {
  openFunction();
  buildArguments();
  runBody();
  if (!takeState() || !widenLists())
    return false;
  if (spec.neverReturns) {
    s.builder.setInsertionPointToEnd(block);
    finish({});
    return true;
  }
  ResultContext context{walk.builtArrays, spec.mark, walk.builtContainers,
                        [&](const IntExpr &expr) { return outward(expr); }};
  ResultWalk resultWalk(s, context);
  if (!settleResult(resultWalk))
    return false;
  llvm::SmallVector<mlir::Value> results;
  resultWalk.flatten(*spec.result, result, results);
  for (unsigned number : spec.changed)
    results.push_back(s.castTensor(s.read(walk.builtArrays[number]).tensor,
                                   block->getArgument(walk.arrayOperands[number]).getType()));
  for (unsigned number : changedLists)
    listOperands(s, runTimeList(s, s.heap.at(walk.builtLists[number]), spec.plan.at(number)),
                 results);
  if (stateOperands(s, spec, results) != spec.stateKey)
    throw CannotCross{"a change of the kind of a number from outside"};
  finish(results);
  return true;
}

bool Specializer::runSpecialization(Specialization &spec, const ClosureValue &closure,
                                    const Locals &parameters, ArgumentWalk &walk) {
  return SpecializationRun(*this, spec, closure, parameters, walk).run();
}

} // namespace mpy
