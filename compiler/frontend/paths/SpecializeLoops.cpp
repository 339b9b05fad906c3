// Loops. One over a run-time range stays a loop, whose carried values are exactly what the body
// changes:
//
//   for v in x:      ->      %s = scf.for %k = 0 to %n iter_args(%s = 0.0) {
//     s += v                   yield %s + x[%k]
//                            }
//
// The carried values are found by running the body: what differs at its end from its head is joined
// (Joiner), the body is emitted again for the wider head, until nothing is new. A loop with `break`
// or `return` inside is an scf.while that carries its condition.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/paths/Joiner.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/UnrollBudget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// The rounds in which a loop may promise something of the integers that it carries.
static constexpr unsigned maximumPromises = 4;
/// The rounds after which a loop whose head still changes is an error.
static constexpr unsigned maximumRounds = 12;

/// The parts of a value that could not be joined.
static size_t countConflicts(const Value &value) {
  if (auto *optional = value.as<OptionalValue>())
    return countConflicts(optional->value);
  size_t count = value.get<ConflictValue>() != nullptr;
  if (auto *tuple = value.as<TupleValue>())
    for (const Value &item : tuple->items)
      count += countConflicts(item);
  return count;
}

bool Unusable::isWithin(const Unusable &other) const {
  return conflicts <= other.conflicts && broken <= other.broken && arrays <= other.arrays &&
         unchangeable <= other.unchangeable && holders <= other.holders &&
         readOnly <= other.readOnly;
}

Unusable countUnusable(const State &state) {
  Unusable count;
  for (auto &local : state.locals)
    count.conflicts += countConflicts(local.second);
  for (ObjectId id = 0; id < state.heap.size(); ++id) {
    if (!state.heap.pointer(id))
      continue;
    count.broken += state.heap.get<BrokenState>(id) != nullptr;
    if (auto *cell = state.heap.get<CellState>(id))
      count.conflicts += countConflicts(cell->value);
    if (auto *instance = state.heap.get<InstanceState>(id))
      for (auto &attribute : instance->attributes)
        count.conflicts += countConflicts(attribute.second);
    if (auto *list = state.heap.get<ListState>(id))
      for (const Value &item : list->items)
        count.conflicts += countConflicts(item);
    if (auto *dict = state.heap.get<DictState>(id))
      for (auto &entry : dict->entries)
        count.conflicts += countConflicts(entry.second);
    if (auto *array = state.heap.get<ArrayState>(id))
      count.arrays += array->stale + array->maybeAliases.size();
    // What lists hold, and whether it may be changed there, is part of what must settle.
    if (auto *list = state.heap.get<RunTimeListState>(id)) {
      count.unchangeable += !list->generation;
      count.holders += list->itemsOf.size() + list->innerItemsOf.size();
    }
    if (SharedPlace place = placeOf(state.heap.at(id))) {
      count.holders += place->lists.size();
      count.readOnly += !place->view;
    }
    count.readOnly += isReadOnly(state.heap.at(id));
  }
  return count;
}

/// After at least one iteration a slot is what the end of the body says: never absent, of one kind.
static Value refine(Specializer &s, const Value &joined, const Value &end) {
  auto *optional = joined.as<OptionalValue>();
  if (optional && !end.as<OptionalValue>() && !end.isNone() && !end.isUnbound())
    return refine(s, optional->value, end);
  auto *mixed = joined.get<Scalar>(), *definite = end.get<Scalar>();
  if (mixed && definite && mixed->isMixed() && kindsOf(*mixed) != kindsOf(*definite))
    return narrowed(s, *mixed, kindsOf(*definite));
  return joined;
}

static void refineState(Specializer &s, const State &end, size_t mark) {
  for (auto &local : s.frame().locals)
    if (auto it = end.locals.find(local.first); it != end.locals.end())
      local.second = refine(s, local.second, it->second);
  for (ObjectId id = 0; id < mark; ++id) {
    if (s.heap.pointer(id) == end.heap.pointer(id))
      continue;
    if (auto *cell = s.heap.get<CellState>(id)) {
      if (auto *other = end.heap.get<CellState>(id))
        s.heap.set(id, CellState{refine(s, cell->value, other->value)});
    } else if (auto *instance = s.heap.get<InstanceState>(id)) {
      auto *other = end.heap.get<InstanceState>(id);
      InstanceState result = *instance;
      for (auto &attribute : result.attributes)
        if (other)
          for (auto &candidate : other->attributes)
            if (candidate.first == attribute.first)
              attribute.second = refine(s, attribute.second, candidate.second);
      s.heap.set(id, std::move(result));
    }
  }
}

const Liveness *Specializer::livenessOf(const Frame &frame) {
  const ast::Node *owner = frame.moduleNode;
  if (frame.closure)
    owner = frame.closure->node;
  if (!owner || (!isa<ast::FunctionDef>(owner) && !isa<ast::Module>(owner)))
    return nullptr;
  auto &entry = liveness[owner];
  if (!entry)
    entry = isa<ast::Module>(owner)
                ? std::make_unique<Liveness>(*cast<ast::Module>(owner), frame.name != "__main__")
                : std::make_unique<Liveness>(*cast<ast::FunctionDef>(owner));
  return entry.get();
}

void Specializer::dropDeadNames(const ast::Node &loop) {
  if (const Liveness *live = livenessOf(frame()))
    dropNamesBut(live->liveAtHead(cast<ast::Stmt>(&loop)));
}

void Specializer::dropNamesAfter(const ast::Stmt &statement) {
  if (const Liveness *live = livenessOf(frame()))
    dropNamesBut(live->liveAfter(&statement));
}

void Specializer::dropNamesBut(const LiveNames &names) {
  for (auto it = frame().locals.begin(); it != frame().locals.end();)
    if (it->first[0] != '%' && !names.contains(it->first))
      it = frame().locals.erase(it);
    else
      ++it;
  if (frame().scope->kind != ast::ScopeKind::Module)
    return;
  // Names of the module are cells; those that no function reads may be dead too.
  for (auto &cell : heap.get<NamespaceState>(frame().globals)->cells)
    if (frame().scope->locals.contains(cell.first) && !names.contains(cell.first))
      heap.set(cell.second, CellState{Unbound{}});
}

/// Whether nothing has left the statements around a loop where it begins.
static bool beginsUnleft(Specializer &s, const State &entry) {
  return llvm::all_of(std::array{"%return", "%break"}, [&](const char *name) {
    auto flag = entry.locals.find(name);
    return flag == entry.locals.end() || s.truth(flag->second).knownBool == false;
  });
}

/// A loop at run time while its head is found: in each round the body is emitted for a head, and
/// what differs at its end makes the head of the next round.
class LoopRounds {
public:
  LoopRounds(Specializer &s, const ast::Node *node, RunTimeLoop &shape)
      : s(s), node(node), shape(shape), entry(s.snapshot()), head(entry), mark(s.heap.size()),
        location(s.loc()), before(s.builder.getInsertionBlock()),
        insertionPoint(s.builder.getInsertionPoint()) {
    lastBefore = insertionPoint == before->begin() ? nullptr : &*std::prev(insertionPoint);
    isWhile = shape.jumps || shape.test || s.isInTry();
  }
  /// Emits the loop, and goes on behind it.
  void run();

private:
  /// Emits the body for the current head; whether that was the last round.
  bool round();
  llvm::SmallVector<mlir::Value> initialValues(llvm::ArrayRef<JoinedLeaf> carried);
  void makeLoop(mlir::ValueRange initial);
  void runBody();
  Scalar goesOn();
  Scalar next();
  Scalar closeTry(Specializer::TryRegion &region, Scalar goOn);
  bool joinEnd(const State &start, const State &end);
  bool takeYielded(llvm::ArrayRef<JoinedLeaf> leaves);
  void finish(const State &end);

  Specializer &s;
  const ast::Node *node;
  RunTimeLoop &shape;
  State entry, head;
  const size_t mark;
  const Location location;
  Block *const before;
  const Block::iterator insertionPoint;
  Operation *lastBefore;
  bool isWhile;
  // Heads of earlier rounds refer to placeholders of the joins that made them.
  std::vector<std::unique_ptr<Joiner>> history;
  std::vector<std::unique_ptr<State>> states;
  std::set<std::string> moving; // names for the message: their types never settle

  // Of the current round. The first `own` of the values that the loop carries say how it goes on.
  std::unique_ptr<Joiner> headJoin;
  size_t own = 0;
  Operation *loop = nullptr;
  Block *body = nullptr;
  mlir::ValueRange arguments;
  IntExpr counter;
  mlir::Value goOnValue, snapshotBytes;
  llvm::SmallVector<mlir::Value> yielded;
  State joined;
};

llvm::SmallVector<mlir::Value> LoopRounds::initialValues(llvm::ArrayRef<JoinedLeaf> carried) {
  llvm::SmallVector<mlir::Value> initial;
  if (isWhile) {
    initial.push_back(shape.test
                          ? s.ssa(shape.firstTest)
                          : s.create<arith::CmpIOp>(arith::CmpIPredicate::sgt, s.index(*shape.trip),
                                                    s.create<arith::ConstantIndexOp>(0))
                                .getResult());
    if (shape.trip)
      initial.push_back(s.create<arith::ConstantIndexOp>(0));
  }
  own = initial.size();
  for (auto &leaf : carried)
    initial.push_back(leaf.first);
  return initial;
}

void LoopRounds::makeLoop(mlir::ValueRange initial) {
  if (shape.snapshotBytes)
    snapshotBytes = s.ssa(s.makeInt(*shape.snapshotBytes));
  if (!isWhile) {
    mlir::Value zero = s.create<arith::ConstantIndexOp>(0);
    mlir::Value one = s.create<arith::ConstantIndexOp>(1);
    auto op = scf::ForOp::create(s.builder, location, zero, s.index(*shape.trip), one, initial);
    loop = op;
    body = op.getBody();
    if (!body->empty() && body->mightHaveTerminator())
      body->getTerminator()->erase();
    arguments = op.getRegionIterArgs();
    counter = symbolExpr(op.getInductionVar(), true);
    return;
  }
  llvm::SmallVector<mlir::Type> types(initial.getTypes());
  auto op = scf::WhileOp::create(s.builder, location, types, initial);
  loop = op;
  llvm::SmallVector<Location> locations(types.size(), location);
  Block *condition = s.builder.createBlock(&op.getBefore(), {}, types, locations);
  scf::ConditionOp::create(s.builder, location, condition->getArgument(0),
                           condition->getArguments());
  body = s.builder.createBlock(&op.getAfter(), {}, types, locations);
  arguments = body->getArguments().drop_front(own);
  if (shape.trip)
    counter = symbolExpr(body->getArgument(1), true);
}

void LoopRounds::runBody() {
  size_t depth = s.frames.size();
  try {
    if (snapshotBytes)
      CheckpointLoopOp::create(s.builder, location, snapshotBytes);
    if (shape.begin)
      shape.begin(counter);
    shape.body();
  } catch (const PathEnds &) {
    s.frames.resize(depth);
    s.builder.setInsertionPointToEnd(body);
    s.dead = true;
  }
}

/// Whether there is an iteration behind the current one, unless that left the loop.
Scalar LoopRounds::next() {
  if (shape.test)
    return s.truth(shape.test());
  mlir::Value isBelow = s.create<arith::CmpIOp>(
      arith::CmpIPredicate::slt, s.index(counter + IntExpr(1)), s.index(*shape.trip));
  return s.makeScalar(ScalarKind::PyBool, isBelow);
}

Scalar LoopRounds::goesOn() {
  if (!isWhile || s.dead)
    return s.makeBool(true);
  auto flag = [&](const char *name) {
    auto it = s.frame().locals.find(name);
    return s.truth(it == s.frame().locals.end() ? Value(s.makeBool(false)) : it->second);
  };
  Scalar goOn =
      s.negate(s.scalarBinary(ast::BinaryOperator::BitOr, flag("%break"), flag("%return")));
  if (goOn.knownBool == true)
    return next();
  if (!goOn.knownBool)
    return s.truth(s.branchValue(
        s.ssa(goOn), [&] { return Value(next()); }, [&] { return Value(s.makeBool(false)); }));
  return goOn;
}

/// An exception of the body ends the loop, too.
Scalar LoopRounds::closeTry(Specializer::TryRegion &region, Scalar goOn) {
  if (!s.isInTry())
    return goOn;
  s.frame().locals["%goOn"] = goOn;
  s.closeRegion(region);
  if (!s.dead)
    goOn = s.truth(s.frame().locals["%goOn"]);
  s.frame().locals.erase("%goOn");
  return goOn;
}

/// Takes what flows to the loop's end out of the differences; false where one of them is none of
/// the carried values, of the same type.
bool LoopRounds::takeYielded(llvm::ArrayRef<JoinedLeaf> leaves) {
  bool settled = true;
  std::vector<bool> used(arguments.size());
  size_t first = body->getNumArguments() - arguments.size();
  for (auto &leaf : leaves) {
    auto argument = dyn_cast<BlockArgument>(leaf.first);
    bool isCarried = argument && argument.getOwner() == body && argument.getType() == leaf.type &&
                     argument.getArgNumber() >= first;
    size_t position = isCarried ? argument.getArgNumber() - first : 0;
    if (!isCarried || used[position]) {
      settled = false;
      if (!leaf.name.empty() && leaf.name[0] != '%')
        moving.insert("'" + leaf.name + "'");
      continue;
    }
    used[position] = true;
    yielded[position] = leaf.second;
  }
  return settled;
}

/// Joins the end of the body with its head, for the next round; whether nothing was new.
bool LoopRounds::joinEnd(const State &start, const State &end) {
  yielded.assign(arguments.begin(), arguments.end());
  joined = State();
  moving.clear();
  if (end.dead)
    return true;
  auto startCopy = std::make_unique<State>(start);
  auto endCopy = std::make_unique<State>(end);
  auto endJoin =
      std::make_unique<Joiner>(s, *startCopy, *endCopy, start.heap.size(),
                               s.emitted.newBlockBeside(), s.builder.getInsertionBlock(), true);
  // Seen from outside the loop: whatever its body made must flow.
  OpBuilder::InsertionGuard guard(s.builder);
  s.builder.setInsertionPoint(before, insertionPoint);
  endJoin->promisesNothing = shape.rounds >= maximumPromises;
  bool settled = takeYielded(endJoin->collect());
  llvm::SmallVector<mlir::Value> placeholders = endJoin->placeholders();
  s.restore(endJoin->build(placeholders));
  s.forgetUnreachable(mark);
  forgetHolders(s, start.heap);
  joined = s.snapshot();
  // What was of no use at its head and is gone at its end does not matter.
  settled &= countUnusable(joined).isWithin(countUnusable(start)) && !endJoin->weakens();
  history.push_back(std::move(endJoin));
  states.push_back(std::move(startCopy));
  states.push_back(std::move(endCopy));
  return settled;
}

/// Closes the settled loop and goes on behind it.
void LoopRounds::finish(const State &end) {
  llvm::SmallVector<mlir::Value> results;
  if (isWhile) {
    results.push_back(goOnValue);
    if (shape.trip)
      results.push_back(s.index(counter + IntExpr(1)));
  }
  results.append(yielded.begin(), yielded.end());
  scf::YieldOp::create(s.builder, location, results);
  s.builder.setInsertionPointAfter(loop);
  s.restore(headJoin->build(loop->getResults().drop_front(own)));
  s.dead = false;
  s.forgetUnreachable(mark);
  auto trip = shape.trip ? shape.trip->known() : std::nullopt;
  bool runs = shape.test ? shape.firstTest.knownBool == true : trip && *trip > 0;
  if (runs && !end.dead)
    refineState(s, end, mark);
  else if (runs)
    s.dead = true; // The first iteration ends in an exception.
  if (s.isInTry())
    s.continueUnraised({});
}

bool LoopRounds::round() {
  s.restore(entry);
  s.builder.setInsertionPoint(before, insertionPoint);
  states.push_back(std::make_unique<State>(head));
  headJoin = std::make_unique<Joiner>(s, entry, *states.back(), mark, before,
                                      s.emitted.newBlockBeside(), true);
  headJoin->promisesNothing = shape.rounds > maximumPromises;
  makeLoop(initialValues(headJoin->collect()));
  s.builder.setInsertionPointToEnd(body);
  s.restore(headJoin->build(arguments));
  // What earlier rounds made and nothing reaches refers to loops that are gone.
  s.forgetUnreachable(mark);
  State start = s.snapshot();
  s.frame().locals["%continue"] = s.makeBool(false);
  // Nobody asks for another iteration of a loop that was left.
  if (shape.jumps && beginsUnleft(s, entry))
    s.clearFlags();
  Specializer::TryRegion region = s.openRegion();
  runBody();
  Scalar goOn = goesOn();
  // Without end, a loop is an effect: what nobody reads from it must not remove it. Nothing is
  // ever kept for standard error.
  if (isWhile && !s.dead && goOn.knownBool == true)
    s.create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_flush",
                              mlir::ValueRange{s.create<arith::ConstantIntOp>(2, 64)}, false);
  s.frame().locals.erase("%continue");
  goOn = closeTry(region, goOn);
  goOnValue = isWhile ? s.ssa(goOn) : mlir::Value();
  if (node)
    s.dropDeadNames(*node);
  s.forgetUnreachable(start.heap.size());
  State end = s.snapshot();
  bool settled = joinEnd(start, end);
  if (settled)
    finish(end);
  return settled;
}

void LoopRounds::run() {
  while (shape.rounds < maximumRounds) {
    ++shape.rounds;
    if (round())
      return;
    head = std::move(joined);
    history.push_back(std::move(headJoin));
    s.undoSince(before, lastBefore, insertionPoint);
  }
  s.restore(entry);
  s.fail(ErrorId::LoopNeverSettles, {},
         {.found = moving.empty() ? ""
                                  : llvm::join(moving, ", ") + " with another type after each of " +
                                        std::to_string(shape.rounds) + " rounds",
          .help = "give the variables of the loop their final types before it"});
}

void Specializer::runTimeLoop(const ast::Node *node, RunTimeLoop &shape) {
  if (node)
    dropDeadNames(*node);
  if (isInTry())
    setUnraised();
  LoopRounds(*this, node, shape).run();
}

void Specializer::undoSince(mlir::Block *block, mlir::Operation *last, mlir::Block::iterator end) {
  auto begin = last ? std::next(Block::iterator(last)) : block->begin();
  llvm::SmallVector<Operation *> made;
  for (auto it = begin; it != end; ++it)
    made.push_back(&*it);
  for (Operation *op : llvm::reverse(made))
    emitted.undo(op);
}

bool Specializer::attempt(llvm::function_ref<void()> action, std::vector<Diagnostic> &errors) {
  State entry = snapshot();
  size_t depth = frames.size();
  Span place = span;
  TryRegion region{openChecks.size(), certainRaise, {}};
  unsigned outerTries = tryDepth;
  size_t handled = handling.size();
  Block *block = builder.getInsertionBlock();
  auto point = builder.getInsertionPoint();
  Operation *last = point == block->begin() ? nullptr : &*std::prev(point);
  Diagnostics::Capture capture(diagnostics);
  try {
    action();
    return true;
  } catch (const Abort &) {
    frames.resize(depth);
    span = place;
    openChecks.erase(openChecks.begin() + region.checks, openChecks.end());
    certainRaise = region.certain;
    tryDepth = outerTries;
    possibleKinds.resize(outerTries);
    handling.resize(handled);
    builder.setInsertionPoint(block, point);
    restore(entry);
    undoSince(block, last, point);
    errors = capture.errors;
    // Who began to unroll the nest goes on.
    if (unrollBudget(*this).isExceeded)
      throw;
    return false;
  }
}

} // namespace mpy
