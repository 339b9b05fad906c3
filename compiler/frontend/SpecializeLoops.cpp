// Loops. One over a run-time range stays a loop, whose carried values are exactly what the body
// changes:
//
//   for v in x: s += v     =>     %s = scf.for %k = 0 to %n iter_args(%s = 0.0) { yield %s + x[%k]
//   }
//
// The carried values are found by running the body: what differs at its end from its head is joined
// (Joiner), the body is emitted again for the wider head, until nothing is new. A loop with `break`
// or `return` inside is an scf.while that carries its condition. A loop whose iterations differ in
// structure (`d = grad(d)`), or over a list of known length, is unrolled. A list that is filled
// makes a short loop one of known iterations and a longer one a loop with a list of run-time
// length.
#include "frontend/Joiner.h"
#include "frontend/Loops.h"
#include "frontend/RunTimeLists.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// Whether a loop body can leave its loop before the end.
static bool canJump(const ast::Body &body, bool insideInner = false) {
  for (auto *stmt : body) {
    if (isa<ast::Return>(stmt) || (!insideInner && isa<ast::Break>(stmt)))
      return true;
    // Who takes the item may want no more.
    if (auto *expression = dyn_cast<ast::ExprStmt>(stmt);
        expression && isa<ast::Yield, ast::YieldFrom>(expression->value))
      return true;
    bool found =
        llvm::TypeSwitch<const ast::Stmt *, bool>(stmt)
            .Case<ast::If>([&](auto *node) {
              return canJump(node->body, insideInner) || canJump(node->orelse, insideInner);
            })
            .Case<ast::For, ast::While>([&](auto *node) {
              return canJump(node->body, true) || canJump(node->orelse, insideInner);
            })
            .Case<ast::With>([&](auto *node) { return canJump(node->body, insideInner); })
            .Case<ast::Match>([&](auto *node) {
              return llvm::any_of(node->cases, [&](const ast::MatchCase &part) {
                return canJump(part.body, insideInner);
              });
            })
            .Case<ast::Try>([&](auto *node) {
              return canJump(node->body, insideInner) || canJump(node->orelse, insideInner) ||
                     canJump(node->finalbody, insideInner) ||
                     llvm::any_of(node->handlers, [&](const ast::ExceptHandler &handler) {
                       return canJump(handler.body, insideInner);
                     });
            })
            .Default([](auto *) { return false; });
    if (found)
      return true;
  }
  return false;
}

/// How many slots of a state cannot be used; a head has settled when the end of the body adds none.
static size_t countUnusable(const State &state) {
  size_t count = 0;
  for (auto &local : state.locals)
    count += local.second.get<ConflictValue>() != nullptr;
  for (ObjectId id = 0; id < state.heap.size(); ++id) {
    if (!state.heap.pointer(id))
      continue;
    count += state.heap.get<BrokenState>(id) != nullptr;
    if (auto *cell = state.heap.get<CellState>(id))
      count += cell->value.get<ConflictValue>() != nullptr;
    if (auto *instance = state.heap.get<InstanceState>(id))
      for (auto &attribute : instance->attributes)
        count += attribute.second.get<ConflictValue>() != nullptr;
    if (auto *array = state.heap.get<ArrayState>(id))
      count += array->stale + array->maybeAliases.size();
  }
  return count;
}

/// After at least one iteration a slot is what the end of the body says: never absent, of one kind.
static Value refine(Specializer &s, const Value &joined, const Value &end) {
  auto *optional = joined.as<OptionalValue>();
  if (optional && !end.as<OptionalValue>() && !end.isNone() && !end.isUnbound())
    return refine(s, optional->value, end);
  auto *mixed = joined.get<Scalar>(), *definite = end.get<Scalar>();
  if (mixed && definite && mixed->isMixed() && !definite->isMixed()) {
    mlir::Value value = mixed->value;
    if (value.getType() != typeOf(definite->kind, s.context()))
      value = s.create<CastOp>(value, typeOf(definite->kind, s.context()));
    return s.makeScalar(definite->kind, value);
  }
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
  const Liveness *live = livenessOf(frame());
  if (!live)
    return;
  const LiveNames &names = live->liveAtHead(cast<ast::Stmt>(&loop));
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

void Specializer::runTimeLoop(const ast::Node *node, const RunTimeLoop &shape) {
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
  std::vector<std::unique_ptr<Block>> thrownAway;

  for (unsigned round = 0; round < 12; ++round) {
    restore(entry);
    builder.setInsertionPoint(before, insertionPoint);
    thrownAway.push_back(std::make_unique<Block>());
    states.push_back(std::make_unique<State>(head));
    auto headJoin = std::make_unique<Joiner>(*this, entry, *states.back(), mark, before,
                                             thrownAway.back().get(), true);
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
    if (!end.dead) {
      thrownAway.push_back(std::make_unique<Block>());
      auto startCopy = std::make_unique<State>(start);
      auto endCopy = std::make_unique<State>(end);
      auto endJoin =
          std::make_unique<Joiner>(*this, *startCopy, *endCopy, start.heap.size(),
                                   thrownAway.back().get(), builder.getInsertionBlock(), true);
      // Seen from outside the loop: whatever its body made must flow.
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPoint(before, insertionPoint);
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
          continue;
        }
        used[position] = true;
        yielded[position] = leaf.second;
      }
      placeholders = endJoin->placeholders();
      restore(endJoin->build(placeholders));
      forgetUnreachable(mark);
      joined = snapshot();
      settled &= countUnusable(joined) == countUnusable(start);
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
    eraseSince(before, lastBefore, insertionPoint);
  }
  restore(entry);
  fail(ErrorId::LoopNeverSettles, {},
       {.help = "give the variables of the loop their final types before it"});
}

/// Blocks that joins threw away may still refer to what the operation holds.
void eraseUsed(Operation *op) {
  op->walk([](Operation *inside) {
    for (Region &region : inside->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.dropAllUses();
    inside->dropAllUses();
  });
  op->erase();
}

void Specializer::eraseSince(mlir::Block *block, mlir::Operation *last, mlir::Block::iterator end) {
  auto begin = last ? std::next(Block::iterator(last)) : block->begin();
  llvm::SmallVector<Operation *> made;
  for (auto it = begin; it != end; ++it)
    made.push_back(&*it);
  for (Operation *op : llvm::reverse(made))
    eraseUsed(op);
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
    eraseSince(block, last, point);
    errors = capture.errors;
    return false;
  }
}

/// One iteration after the other, at compile time.
void Specializer::unrollFor(const ast::For &loop, const Value &iterable, ValueList items,
                            size_t from) {
  std::vector<ObjectId> lists = walkedLists(*this, iterable);
  auto statesOf = [&] {
    // Kept alive, or another state could get the address of an old one.
    std::vector<std::shared_ptr<const ObjectState>> states;
    for (ObjectId id : lists)
      states.push_back(heap.pointer(id));
    return states;
  };
  auto keysOf = [&]() -> std::optional<size_t> {
    auto *view = iterable.as<IterableValue>();
    auto *dict = object<DictState>(view && view->parts.size() == 1 ? view->parts[0] : iterable);
    return dict ? std::optional(dict->entries.size()) : std::nullopt;
  };
  auto keys = keysOf();
  auto states = statesOf();
  for (size_t i = from; !dead; ++i) {
    // Lists are walked as they are now, whatever the body did to them.
    if (i > 0 && (i == from || states != statesOf())) {
      states = statesOf();
      bool isKnown = llvm::all_of(lists, [&](ObjectId id) { return heap.get<ListState>(id); });
      if (!lists.empty() && (!isKnown || !canWalkAgain(iterable)))
        failToFollow(*this);
      if (!lists.empty())
        items = *knownItems(iterable);
    }
    if (i > from && keys != keysOf()) {
      raiseHere("RuntimeError", object<DictState>(iterable) && object<DictState>(iterable)->isSet
                                    ? "Set changed size during iteration"
                                    : "dictionary changed size during iteration");
      return;
    }
    if (i >= items.size())
      return;
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"this loop"},
           {.found = std::to_string(items.size()) + " iterations that differ in structure",
            .help = "keep the same types and structure in every iteration, then it stays a loop"});
    frame().locals["%continue"] = makeBool(false);
    assign(*loop.target, items[i]);
    execute(loop.body);
    frame().locals["%continue"] = makeBool(false);
    Scalar leaves = leftFlag();
    if (leaves.knownBool == true)
      return;
    if (!leaves.knownBool) {
      branch(
          ssa(negate(leaves)),
          [&] {
            clearFlags();
            unrollFor(loop, iterable, items, i + 1);
          },
          [] {});
      return;
    }
  }
}

/// Ends a loop: the flags are those outside again, and `else` runs unless the loop was left.
static void finishLoop(Specializer &s, const ast::Body &otherwise, const OuterFlags &outer) {
  Scalar broken = s.truth(s.frame().locals["%break"]);
  outer.restore(s.frame().locals);
  if (otherwise.empty() || s.dead || broken.knownBool == true)
    return;
  Scalar left =
      s.scalarBinary(ast::BinaryOperator::BitOr, broken, s.truth(s.frame().locals["%return"]));
  if (left.knownBool == false)
    s.execute(otherwise);
  else if (!left.knownBool)
    s.branch(s.ssa(s.negate(left)), [&] { s.execute(otherwise); }, [] {});
}

void Specializer::executeFor(const ast::For &loop) {
  if (loop.isAsync)
    fail(ErrorId::Unsupported, {"'async for'"});
  Value iterable = present(evaluate(loop.iter), "the iterable");
  if (dead)
    return;
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  if (object<InstanceState>(iterable))
    if (Value method = findAttribute(iterable, "__iter__"); !method.isUnbound())
      iterable = call(method, CallArguments{{}, {}, span});
  if (auto *generator = iterable.as<IterableValue>();
      generator && generator->kind == IterableValue::Kind::Generator) {
    consumeGenerator(&loop, iterable, [&](const Value &item) {
      assign(*loop.target, item);
      execute(loop.body);
    });
    return finishLoop(*this, loop.orelse, outer);
  }
  Span place = span;
  auto walk = runTimeWalk(iterable);
  auto items = [&] { return knownItems(iterable); };
  if (!walk) {
    auto list = items();
    if (!list)
      failToIterate(*this, iterable);
    unrollFor(loop, iterable, *list, 0);
    return finishLoop(*this, loop.orelse, outer);
  }
  if (walk->length.isKnown(0))
    return finishLoop(*this, loop.orelse, outer);
  std::vector<Diagnostic> errors;
  bool known = walk->length.known() && *walk->length.known() <= 4096;
  // A short loop that fills a list keeps it one of known length, whose items can be changed.
  bool isShort = known && *walk->length.known() <= 64;
  bool done = false, changesList = false;
  std::vector<ObjectId> lists = walkedLists(*this, iterable);
  auto lengthsOf = [&] {
    std::vector<IntExpr> lengths;
    for (ObjectId id : lists)
      lengths.push_back(listLength(*this, id));
    return lengths;
  };
  auto atRunTime = [&](bool makesLists) {
    SaveAndRestore<bool> policy(keepsLists, keepsLists || !makesLists);
    return attempt(
        [&] {
          RunTimeLoop shape;
          std::vector<IntExpr> lengths;
          shape.trip = walk->length;
          shape.begin = [&](const IntExpr &k) {
            span = place;
            lengths = lengthsOf();
            assign(*loop.target, walk->item(k));
          };
          auto body = [&] {
            execute(loop.body);
            if (!dead && lengthsOf() != lengths) {
              changesList = true;
              failToFollow(*this);
            }
          };
          shape.body = body;
          shape.jumps = canJump(loop.body);
          runTimeLoop(&loop, shape);
        },
        errors);
  };
  // A list that the body changes is walked by position, as long as there is an item there.
  auto byPosition = [&] {
    std::string name = "%position" + std::to_string(frame().locals.size());
    frame().locals[name] = makeInt(IntExpr(0));
    RunTimeLoop shape;
    auto hasItem = [&] {
      auto now = runTimeWalk(iterable);
      // A list that was emptied is one of known length until paths meet.
      auto known = now ? std::nullopt : knownItems(iterable);
      if (!now && !(known && known->empty()))
        failToFollow(*this);
      return scalarCompare(ast::CompareOperator::Lt, *frame().locals[name].get<Scalar>(),
                           makeInt(now ? now->length : IntExpr(0)));
    };
    shape.test = hasItem;
    shape.firstTest = hasItem();
    auto body = [&] {
      span = place;
      auto now = runTimeWalk(iterable);
      if (!now || !canWalkAgain(iterable))
        failToFollow(*this);
      IntExpr at = intExpr(*frame().locals[name].get<Scalar>());
      assign(*loop.target, now->item(at));
      execute(loop.body);
      frame().locals[name] = makeInt(at + IntExpr(1));
    };
    shape.body = body;
    shape.jumps = true;
    runTimeLoop(&loop, shape);
    frame().locals.erase(name);
  };
  if (!known || !unrolledLoops.count(&loop))
    done = atRunTime(!isShort);
  if (!done && changesList)
    done = attempt(byPosition, errors);
  if (!done && known) {
    unrolledLoops.insert(&loop);
    std::vector<Diagnostic> unrollErrors;
    auto list = items();
    auto unroll = [&] {
      SaveAndRestore<bool> policy(keepsLists, false);
      return attempt([&] { unrollFor(loop, iterable, *list, 0); }, unrollErrors);
    };
    if (list && unroll())
      return finishLoop(*this, loop.orelse, outer);
    if (isShort || errors.empty())
      errors = unrollErrors;
    std::vector<Diagnostic> kept = errors;
    done = isShort && atRunTime(true);
    if (!done)
      errors = kept;
  }
  if (!done) {
    for (auto &error : errors)
      diagnostics.report(error);
    throw Abort();
  }
  finishLoop(*this, loop.orelse, outer);
}

void Specializer::executeWhile(const ast::While &loop) {
  Span place = span;
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  auto test = [&] {
    span = place;
    return truth(evaluate(loop.test));
  };
  Scalar first = test();
  if (first.knownBool == false)
    return finishLoop(*this, loop.orelse, outer);
  auto atRunTime = [&] {
    RunTimeLoop shape;
    shape.test = test;
    shape.firstTest = first;
    auto body = [&] { execute(loop.body); };
    shape.body = body;
    shape.jumps = true;
    runTimeLoop(&loop, shape);
  };
  // A condition that is known in each iteration lets the loop run at compile time.
  auto inPlace = [&](unsigned most) {
    Scalar go = first;
    for (unsigned round = 0; go.knownBool == true && !dead; ++round) {
      if (++unrolled > maximumUnrolled || round > most)
        fail(ErrorId::UnrollsTooFar, {"this loop"});
      frame().locals["%continue"] = makeBool(false);
      execute(loop.body);
      frame().locals["%continue"] = makeBool(false);
      Scalar left = leftFlag();
      if (left.knownBool == true)
        return;
      go = left.knownBool ? test() : left;
    }
    if (!go.knownBool)
      fail(ErrorId::LoopNeverSettles);
  };
  std::vector<Diagnostic> errors, unrollErrors;
  auto tryAtRunTime = [&](bool makesLists, std::vector<Diagnostic> &found) {
    SaveAndRestore<bool> policy(keepsLists, keepsLists || !makesLists);
    return attempt(atRunTime, found);
  };
  auto tryInPlace = [&](unsigned most) {
    SaveAndRestore<bool> policy(keepsLists, false);
    bool works = attempt([&] { inPlace(most); }, unrollErrors);
    if (works)
      unrolledLoops.insert(&loop);
    return works;
  };
  // What had to be unrolled before is unrolled first. A short loop that fills a list keeps it one
  // of known length, whose items can be changed.
  bool wasUnrolled = unrolledLoops.count(&loop);
  if ((wasUnrolled && tryInPlace(maximumUnrolled)) || tryAtRunTime(false, errors) ||
      tryInPlace(64) || tryAtRunTime(true, errors) ||
      (first.knownBool && tryInPlace(maximumUnrolled)))
    return finishLoop(*this, loop.orelse, outer);
  for (auto &error : errors.empty() ? unrollErrors : errors)
    diagnostics.report(error);
  throw Abort();
}

} // namespace mpy
