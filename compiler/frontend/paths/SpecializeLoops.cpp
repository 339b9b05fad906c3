// Loops. One over a run-time range stays a loop, whose carried values are exactly what the body
// changes:
//
//   for v in x: s += v     =>     %s = scf.for %k = 0 to %n iter_args(%s = 0.0) { yield %s + x[%k]
//   }
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

void Specializer::runTimeLoop(const ast::Node *node, RunTimeLoop &shape) {
  if (node)
    dropDeadNames(*node);
  if (isInTry())
    setUnraised();
  State entry = snapshot();
  size_t mark = heap.size();
  Location location = loc();
  Block *before = builder.getInsertionBlock();
  auto lastBefore = builder.getInsertionPoint() == before->begin()
                        ? nullptr
                        : &*std::prev(builder.getInsertionPoint());
  auto insertionPoint = builder.getInsertionPoint();
  bool isWhile = shape.jumps || shape.test || isInTry();
  State head = entry;
  // Heads of earlier rounds refer to placeholders of the joins that made them.
  std::vector<std::unique_ptr<Joiner>> history;
  std::vector<std::unique_ptr<State>> states;
  std::set<std::string> moving;

  while (shape.rounds < 12) {
    ++shape.rounds;
    restore(entry);
    builder.setInsertionPoint(before, insertionPoint);
    states.push_back(std::make_unique<State>(head));
    auto headJoin = std::make_unique<Joiner>(*this, entry, *states.back(), mark, before,
                                             emitted.newBlockBeside(), true);
    headJoin->promisesNothing = shape.rounds > maximumPromises;
    std::vector<JoinedLeaf> carried = headJoin->collect();
    llvm::SmallVector<mlir::Value> initial;
    llvm::SmallVector<mlir::Type> types;
    if (isWhile) {
      initial.push_back(shape.test
                            ? ssa(shape.firstTest)
                            : create<arith::CmpIOp>(arith::CmpIPredicate::sgt, index(*shape.trip),
                                                    create<arith::ConstantIndexOp>(0))
                                  .getResult());
      if (shape.trip)
        initial.push_back(create<arith::ConstantIndexOp>(0));
    }
    size_t own = initial.size();
    for (auto &leaf : carried)
      initial.push_back(leaf.first);
    for (auto value : initial)
      types.push_back(value.getType());

    Operation *loop;
    Block *body;
    mlir::ValueRange arguments;
    IntExpr counter;
    if (isWhile) {
      auto op = scf::WhileOp::create(builder, location, types, initial);
      loop = op;
      llvm::SmallVector<Location> locations(types.size(), location);
      Block *condition = builder.createBlock(&op.getBefore(), {}, types, locations);
      scf::ConditionOp::create(builder, location, condition->getArgument(0),
                               condition->getArguments());
      body = builder.createBlock(&op.getAfter(), {}, types, locations);
      arguments = body->getArguments().drop_front(own);
      if (shape.trip)
        counter = symbolExpr(body->getArgument(1), true);
    } else {
      mlir::Value zero = create<arith::ConstantIndexOp>(0), one = create<arith::ConstantIndexOp>(1);
      auto op = scf::ForOp::create(builder, location, zero, index(*shape.trip), one, initial);
      loop = op;
      body = op.getBody();
      if (!body->empty() && body->mightHaveTerminator())
        body->getTerminator()->erase();
      arguments = op.getRegionIterArgs();
      counter = symbolExpr(op.getInductionVar(), true);
    }

    builder.setInsertionPointToEnd(body);
    State start = headJoin->build(arguments);
    restore(start);
    // What earlier rounds made and nothing reaches refers to loops that are gone.
    forgetUnreachable(mark);
    start = snapshot();
    frame().locals["%continue"] = makeBool(false);
    // Nobody asks for another iteration of a loop that was left.
    if (shape.jumps && beginsUnleft(*this, entry))
      clearFlags();
    size_t depth = frames.size();
    TryRegion region = openRegion();
    try {
      if (shape.begin)
        shape.begin(counter);
      shape.body();
    } catch (const PathEnds &) {
      frames.resize(depth);
      builder.setInsertionPointToEnd(body);
      dead = true;
    }
    Scalar goOn = makeBool(true);
    if (isWhile && !dead) {
      auto flag = [&](const char *name) {
        return truth(frame().locals.count(name) ? frame().locals[name] : Value(makeBool(false)));
      };
      Scalar left = scalarBinary(ast::BinaryOperator::BitOr, flag("%break"), flag("%return"));
      goOn = negate(left);
      auto next = [&]() -> Value {
        if (shape.test)
          return shape.test();
        return makeScalar(ScalarKind::PyBool,
                          create<arith::CmpIOp>(arith::CmpIPredicate::slt,
                                                index(counter + IntExpr(1)), index(*shape.trip)));
      };
      if (goOn.knownBool == true)
        goOn = truth(next());
      else if (!goOn.knownBool)
        goOn = truth(branchValue(
            ssa(goOn), [&] { return Value(truth(next())); },
            [&] { return Value(makeBool(false)); }));
    }
    // Without end, a loop is an effect: what nobody reads from it must not remove it. Nothing is
    // ever kept for standard error.
    if (isWhile && !dead && goOn.knownBool == true)
      create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_flush",
                              mlir::ValueRange{create<arith::ConstantIntOp>(2, 64)}, false);
    frame().locals.erase("%continue");
    std::shared_ptr<State> unraised;
    if (isInTry()) {
      frame().locals["%goOn"] = goOn;
      unraised = closeRegion(region);
      if (!dead)
        goOn = truth(frame().locals["%goOn"]);
      frame().locals.erase("%goOn");
    }
    mlir::Value goOnValue = isWhile ? ssa(goOn) : mlir::Value();
    if (node)
      dropDeadNames(*node);
    forgetUnreachable(start.heap.size());
    State end = snapshot();

    // Settled when every difference is one of the carried values, of the same type.
    llvm::SmallVector<mlir::Value> yielded(arguments.begin(), arguments.end());
    bool settled = true;
    State joined;
    moving.clear();
    if (!end.dead) {
      auto startCopy = std::make_unique<State>(start);
      auto endCopy = std::make_unique<State>(end);
      auto endJoin =
          std::make_unique<Joiner>(*this, *startCopy, *endCopy, start.heap.size(),
                                   emitted.newBlockBeside(), builder.getInsertionBlock(), true);
      // Seen from outside the loop: whatever its body made must flow.
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(before, insertionPoint);
      endJoin->promisesNothing = shape.rounds >= maximumPromises;
      std::vector<JoinedLeaf> leaves = endJoin->collect();
      std::vector<bool> used(arguments.size());
      llvm::SmallVector<mlir::Value> placeholders;
      for (auto &leaf : leaves) {
        auto argument = dyn_cast<BlockArgument>(leaf.first);
        bool isCarried = argument && argument.getOwner() == body &&
                         argument.getType() == leaf.type &&
                         argument.getArgNumber() >= body->getNumArguments() - arguments.size();
        size_t position =
            isCarried ? argument.getArgNumber() - (body->getNumArguments() - arguments.size()) : 0;
        if (!isCarried || used[position]) {
          settled = false;
          if (!leaf.name.empty() && leaf.name[0] != '%')
            moving.insert("'" + leaf.name + "'");
          continue;
        }
        used[position] = true;
        yielded[position] = leaf.second;
      }
      placeholders = endJoin->placeholders();
      restore(endJoin->build(placeholders));
      forgetUnreachable(mark);
      forgetHolders(*this, start.heap);
      joined = snapshot();
      // What was of no use at its head and is gone at its end does not matter.
      settled &= countUnusable(joined).isWithin(countUnusable(start)) && !endJoin->weakens();
      history.push_back(std::move(endJoin));
      states.push_back(std::move(startCopy));
      states.push_back(std::move(endCopy));
    }
    if (settled) {
      llvm::SmallVector<mlir::Value> results;
      if (isWhile) {
        results.push_back(goOnValue);
        if (shape.trip)
          results.push_back(index(counter + IntExpr(1)));
      }
      results.append(yielded.begin(), yielded.end());
      scf::YieldOp::create(builder, location, results);
      builder.setInsertionPointAfter(loop);
      restore(headJoin->build(loop->getResults().drop_front(own)));
      dead = false;
      forgetUnreachable(mark);
      auto trip = shape.trip ? shape.trip->known() : std::nullopt;
      bool runs = shape.test ? shape.firstTest.knownBool == true : trip && *trip > 0;
      if (runs && !end.dead)
        refineState(*this, end, mark);
      else if (runs)
        dead = true; // The first iteration ends in an exception.
      if (isInTry())
        continueUnraised({});
      return;
    }
    head = std::move(joined);
    history.push_back(std::move(headJoin));
    undoSince(before, lastBefore, insertionPoint);
  }
  restore(entry);
  fail(ErrorId::LoopNeverSettles, {},
       {.found = moving.empty() ? ""
                                : llvm::join(moving, ", ") + " with another type after each of " +
                                      std::to_string(shape.rounds) + " rounds",
        .help = "give the variables of the loop their final types before it"});
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
