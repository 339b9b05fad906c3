// The statements `for` and `while`: which form of loop each becomes. Tried in turn, each undone
// where it fails:
//
//   a loop at run time      its carried values are what the body changes (SpecializeLoops)
//   a walk by position      over a list that the body changes
//   iterations unrolled     where they differ in structure (`d = grad(d)`) and are of known number
//   a first one peeled off  where only that one differs (`best = None`, a dict that is made once)
//
// A list that is filled makes a short loop one of known iterations and a longer one a loop with a
// list of run-time length.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/UnrollBudget.h"
#include "frontend/syntax/AstWalk.h"
#include "frontend/values/Generators.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// Loops of more iterations are never unrolled.
static constexpr int64_t maximumIterations = 4096;
/// Loops of at most so many iterations rather are unrolled than make lists of run-time length; and
/// such loops in others that were too much to be unrolled.
static constexpr int64_t shortLoop = 64, shortInnerLoop = 8;
/// So many known items are walked while compiling, where that is not too much.
static constexpr size_t fewItems = 16;

static bool isShortLoop(const UnrollBudget &budget, const ast::Node &loop, int64_t count) {
  return count <= (budget.keptDepth ? shortInnerLoop : shortLoop) && !budget.keptLoops.count(&loop);
}

bool canJump(const ast::Body &body, bool mayStop, bool insideInner) {
  for (auto *stmt : body) {
    if (isa<ast::Return>(stmt) || (!insideInner && isa<ast::Break>(stmt)))
      return true;
    if (auto *expression = dyn_cast<ast::ExprStmt>(stmt);
        mayStop && expression && isa<ast::Yield, ast::YieldFrom>(expression->value))
      return true;
    bool found =
        llvm::TypeSwitch<const ast::Stmt *, bool>(stmt)
            .Case<ast::If>([&](auto *node) {
              return canJump(node->body, mayStop, insideInner) ||
                     canJump(node->orelse, mayStop, insideInner);
            })
            .Case<ast::For, ast::While>([&](auto *node) {
              return canJump(node->body, mayStop, true) ||
                     canJump(node->orelse, mayStop, insideInner);
            })
            .Case<ast::With>([&](auto *node) { return canJump(node->body, mayStop, insideInner); })
            .Case<ast::Match>([&](auto *node) {
              return llvm::any_of(node->cases, [&](const ast::MatchCase &part) {
                return canJump(part.body, mayStop, insideInner);
              });
            })
            .Case<ast::Try>([&](auto *node) {
              return canJump(node->body, mayStop, insideInner) ||
                     canJump(node->orelse, mayStop, insideInner) ||
                     canJump(node->finalbody, mayStop, insideInner) ||
                     llvm::any_of(node->handlers, [&](const ast::ExceptHandler &handler) {
                       return canJump(handler.body, mayStop, insideInner);
                     });
            })
            .Default([](auto *) { return false; });
    if (found)
      return true;
  }
  return false;
}

/// One iteration by itself, then `others` on the path that it did not leave the loop on; they are
/// told whether that is the only one.
void Specializer::runIteration(llvm::function_ref<void()> iteration,
                               llvm::function_ref<void(bool isCertain)> others) {
  frame().locals["%continue"] = makeBool(false);
  iteration();
  frame().locals["%continue"] = makeBool(false);
  if (dead)
    return;
  Scalar leaves = leftFlag();
  if (leaves.knownBool == false)
    return others(true);
  if (!leaves.knownBool)
    branch(
        ssa(negate(leaves)),
        [&] {
          clearFlags();
          others(false);
        },
        [] {});
}

static void forgetUnrolled(std::set<const ast::Node *> &unrolledLoops, const ast::Node *inside) {
  unrolledLoops.erase(inside);
  forEachChild(inside, [&](ast::Node *child) { forgetUnrolled(unrolledLoops, child); });
}

/// Runs the iterations of a loop while compiling, if they and the nest that they are in are not too
/// much; `attempt` undoes all of it after an error.
static bool unrollInBudget(UnrollBudget &budget, const ast::Node &loop,
                           std::set<const ast::Node *> &unrolledLoops,
                           llvm::function_ref<bool()> attempt) {
  if (budget.isUnrolling())
    return attempt();
  bool done = false;
  budget.begin();
  try {
    done = attempt();
  } catch (const Abort &) {
    budget.isExceeded = false;
    budget.keptLoops.insert(budget.activeLoops.begin(), budget.activeLoops.end());
    // Loops inside are tried anew.
    forgetUnrolled(unrolledLoops, &loop);
  }
  budget.end();
  return done;
}

/// Whether it walks one list backwards: as long as that has as many items, each is where it was.
static bool isBackwards(const Value &iterable) {
  auto *made = iterable.as<IterableValue>();
  if (made && made->kind == IterableValue::Kind::Enumerate)
    return isBackwards(made->parts[0]);
  return made && made->kind == IterableValue::Kind::Reversed && canWalkAgain(made->parts[0]);
}

/// One iteration after the other, at compile time.
void Specializer::unrollFor(const ast::For &loop, const Value &iterable, ValueList items,
                            size_t from, llvm::function_ref<void(Value)> take) {
  UnrollBudget &budget = unrollBudget(*this);
  uint64_t begun = budget.now();
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
  std::optional<RunTimeWalk> walk;
  for (size_t i = from; !dead; ++i) {
    // Lists are walked as they are now, whatever the body did to them.
    if (!lists.empty() && i > 0 && (i == from || states != statesOf())) {
      llvm::for_each(lists, [&](ObjectId id) { checkUsable(id); });
      states = statesOf();
      bool canFollow = canWalkAgain(iterable);
      auto now = canFollow || isBackwards(iterable) ? knownItems(iterable) : std::nullopt;
      if (now && !canFollow && now->size() != items.size())
        now = std::nullopt;
      // One may have become a list of run-time length, whose length is known.
      walk = now || !canFollow ? std::nullopt : runTimeWalk(iterable);
      if (!now && !(walk && walk->length.known()))
        failToFollow(*this);
      items = now ? *now : ValueList(*walk->length.known());
    }
    if (i > from && keys != keysOf()) {
      raiseHere("RuntimeError", object<DictState>(iterable) && object<DictState>(iterable)->isSet
                                    ? "Set changed size during iteration"
                                    : "dictionary changed size during iteration");
      return;
    }
    if (i >= items.size())
      return;
    budget.check(begun, i - from, items.size() - from);
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"'for " + sources.text(loop.target->span).str() + "'"},
           {.found = std::to_string(items.size()) + " iterations that differ in structure",
            .help = "keep the same types and structure in every iteration, then it stays a loop"});
    bool goesOn = false;
    runIteration(
        [&] {
          take(walk ? walk->item(IntExpr(int64_t(i))) : items[i]);
          execute(loop.body);
        },
        [&](bool isCertain) {
          goesOn = isCertain;
          if (!isCertain)
            unrollFor(loop, iterable, items, i + 1, take);
        });
    if (!goesOn)
      return;
  }
}

void finishLoop(Specializer &s, const ast::Body &otherwise, const OuterFlags &outer) {
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

/// Whether a value has just been made by a builtin, so that nobody else has it.
static bool isNew(Specializer &s, const ast::Expr *expr) {
  auto *call = dyn_cast<ast::Call>(expr);
  auto *name = call ? dyn_cast<ast::Name>(call->func) : nullptr;
  bool makes = name && llvm::is_contained({"enumerate", "zip", "map", "filter", "reversed"},
                                          llvm::StringRef(name->id));
  return makes && s.lookup(name->id).get<const LibraryValue *>();
}

void Specializer::executeFor(const ast::For &loop) {
  if (loop.isAsync)
    fail(ErrorId::Unsupported, {"'async for'"});
  if (frame().suspended && frame().suspended->plan->walks.count(&loop))
    return executeSuspended(loop, nullptr);
  Value whole = evaluate(loop.iter);
  // A set says when it changed its size meanwhile, though its items are walked as a list.
  auto *set = object<DictState>(whole);
  std::optional<Value> walkedSet = set && set->isSet ? std::optional(whole) : std::nullopt;
  size_t sizeOfSet = walkedSet ? set->entries.size() : 0;
  auto checkSet = [&] {
    auto *now = walkedSet && !dead ? object<DictState>(*walkedSet) : nullptr;
    if (now && now->entries.size() != sizeOfSet)
      raiseHere("RuntimeError", "Set changed size during iteration");
  };
  // A dict says when it changed its size meanwhile; who has an order is asked for it.
  llvm::StringRef kind = runTimeDictKind(*this, whole);
  whole = kind.empty() || kind == "set" ? iterated(whole) : iteratorOf(whole);
  if (dead)
    return;
  auto *made = whole.as<IterableValue>();
  bool isGenerator = made && made->kind == IterableValue::Kind::Generator;
  auto plain = unshared(whole, isNew(*this, loop.iter));
  bool isAlone = plain.has_value();
  if (isGenerator)
    plain = whole;
  walkedValues.push_back(whole);
  llvm::scope_exit leave([&] { walkedValues.pop_back(); });
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  if (!plain) {
    executeTaking(loop, iteratorOf(whole));
    return finishLoop(*this, loop.orelse, outer);
  }
  Value iterable = *plain;
  // A function of each item is called where the item is taken.
  std::vector<Value> functions;
  auto *mapped = iterable.as<IterableValue>();
  while (mapped && mapped->kind == IterableValue::Kind::Map && mapped->parts.size() == 2) {
    functions.insert(functions.begin(), mapped->parts[0]);
    iterable = Value(mapped->parts[1]);
    mapped = iterable.as<IterableValue>();
  }
  auto take = [&](Value item) {
    checkSet();
    for (const Value &function : functions)
      item = call(function, CallArguments{{item}, {}, span});
    if (!dead)
      assign(*loop.target, item);
  };
  UnrollBudget &budget = unrollBudget(*this);
  budget.activeLoops.push_back(&loop);
  llvm::scope_exit leaveLoop(
      [&, depth = budget.activeLoops.size() - 1] { budget.activeLoops.resize(depth); });
  auto inBudget = [&](llvm::function_ref<void()> unroll, std::vector<Diagnostic> &errors) {
    SaveAndRestore<bool> policy(keepsLists, false);
    return unrollInBudget(budget, loop, unrolledLoops, [&] { return attempt(unroll, errors); });
  };
  using Form = std::function<bool(const Value &, std::vector<Diagnostic> &)>;
  // Says no, with the errors, if no form will do.
  Form run, runKnown = [&](const Value &iterable, std::vector<Diagnostic> &errors) {
    auto list = isGenerator ? std::nullopt : knownItems(iterable);
    if (!list) {
      if (!isIterator(whole))
        failToIterate(*this, iterable);
      auto body = [&](const Value &item) {
        take(item);
        execute(loop.body);
      };
      if (!tryConsuming(&loop, iterable, body, canJump(loop.body, frame().mayStop), isAlone))
        executeTaking(loop, iteratorOf(whole));
      return true;
    }
    size_t count = list->size();
    auto unroll = [&] { unrollFor(loop, iterable, *list, 0, take); };
    auto asLoop = [&](bool makesLists) {
      SaveAndRestore<bool> policy(keepsLists, keepsLists || !makesLists);
      SaveAndRestore<size_t> lists(budget.listsBefore,
                                   makesLists && keepsLists ? budget.listsBefore : heap.size());
      std::vector<Diagnostic> inner;
      auto walkCounted = [&] {
        auto counted = countedWalk(*this, iterable);
        if (!counted || !run(*counted, inner))
          throw Abort();
      };
      return attempt(walkCounted, inner);
    };
    if (isShortLoop(budget, loop, count)) {
      if (count > fewItems && !unrolledLoops.count(&loop)) {
        if (asLoop(false))
          return true;
        unrolledLoops.insert(&loop);
      }
      if (inBudget(unroll, errors))
        return true;
      if (!budget.keptLoops.count(&loop))
        return false;
    }
    if (!unrolledLoops.count(&loop) && asLoop(true))
      return true;
    if (keepsLists && budget.keptLoops.count(&loop))
      return false;
    unrolledLoops.insert(&loop);
    unroll();
    return true;
  };
  run = [&](const Value &iterable, std::vector<Diagnostic> &errors) {
    Span place = span;
    auto walk = isGenerator ? std::nullopt : runTimeWalk(iterable);
    auto items = [&] { return knownItems(iterable); };
    if (!walk)
      return runKnown(iterable, errors);
    if (walk->length.isKnown(0))
      return true;
    bool known = walk->length.known() && *walk->length.known() <= maximumIterations;
    // A short loop that fills a list keeps it one of known length, whose items can be changed.
    bool isShort = known && isShortLoop(budget, loop, *walk->length.known());
    bool done = false, changesList = false;
    std::vector<ObjectId> lists = walkedLists(*this, iterable);
    auto lengthsOf = [&] {
      std::vector<IntExpr> lengths;
      for (ObjectId id : lists)
        lengths.push_back(listLength(*this, id));
      return lengths;
    };
    std::vector<IntExpr> lengths;
    auto begin = [&](const IntExpr &position) {
      span = place;
      lengths = lengthsOf();
      take(walk->item(position));
    };
    auto body = [&] {
      execute(loop.body);
      bool haveChanged =
          !llvm::equal(lengthsOf(), lengths, [](const IntExpr &now, const IntExpr &then) {
            return (now - then).isKnown(0);
          });
      if (!dead && haveChanged) {
        changesList = true;
        failToFollow(*this);
      }
    };
    bool widened = false;
    auto runFrom = [&](int64_t from) {
      RunTimeLoop shape;
      shape.trip = walk->length - IntExpr(from);
      if (from > 0 && !shape.trip->known())
        shape.trip = symbolExpr(index(*shape.trip), true);
      shape.begin = [&](const IntExpr &k) { begin(k + IntExpr(from)); };
      shape.body = body;
      shape.jumps = canJump(loop.body, frame().mayStop);
      llvm::scope_exit note([&] { widened = shape.rounds > 1; });
      runTimeLoop(&loop, shape);
    };
    auto atRunTime = [&](bool makesLists) {
      SaveAndRestore<bool> policy(keepsLists, keepsLists || !makesLists);
      SaveAndRestore<size_t> lists(budget.listsBefore,
                                   makesLists && keepsLists ? budget.listsBefore : heap.size());
      SaveAndRestore<unsigned> depth(budget.keptDepth,
                                     budget.keptDepth + budget.keptLoops.count(&loop));
      return attempt([&] { runFrom(0); }, errors);
    };
    std::function<void(int64_t)> peelFrom = [&](int64_t from) {
      auto peel = [&] {
        runIteration(
            [&] {
              begin(IntExpr(from));
              body();
            },
            [&](bool) { peelFrom(from + 1); });
      };
      std::vector<Diagnostic> later;
      if (from > 0 && attempt([&] { runFrom(from); }, later))
        return;
      if (from > 0 && (from == maximumPeeled || !widened))
        throw Abort();
      ++unrolled;
      if (walk->length.known())
        peel();
      else
        branch(
            ssa(scalarCompare(ast::CompareOperator::LtE, makeInt(walk->length),
                              makeInt(IntExpr(from)))),
            [] {}, peel, /*isLoop=*/true);
    };
    auto tryPeeled = [&] {
      std::vector<Diagnostic> later;
      Unusable unusable = countUnusable(snapshot());
      auto peel = [&] {
        peelFrom(0);
        // A loop that can be unrolled keeps more.
        if (known && !countUnusable(snapshot()).isWithin(unusable))
          throw Abort();
      };
      return !changesList && !(known && *walk->length.known() <= maximumPeeled) &&
             attempt(peel, later);
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
      auto iteration = [&] {
        span = place;
        auto now = runTimeWalk(iterable);
        if (!now || !canWalkAgain(iterable))
          failToFollow(*this);
        IntExpr at = intExpr(*frame().locals[name].get<Scalar>());
        take(now->item(at));
        execute(loop.body);
        frame().locals[name] = makeInt(at + IntExpr(1));
      };
      shape.body = iteration;
      shape.jumps = true;
      runTimeLoop(&loop, shape);
      frame().locals.erase(name);
    };
    if (!known || !unrolledLoops.count(&loop))
      done = atRunTime(!isShort);
    if (!done && changesList)
      done = attempt(byPosition, errors);
    auto unroll = [&] { unrollFor(loop, iterable, *items(), 0, take); };
    bool canUnroll = !done && known && items();
    if (!done && isShort) {
      std::vector<Diagnostic> unrollErrors;
      bool wasTooMuch = budget.keptLoops.count(&loop);
      if (!wasTooMuch)
        unrolledLoops.insert(&loop);
      if (canUnroll && !wasTooMuch && inBudget(unroll, unrollErrors))
        return true;
      bool isTooMuch = budget.keptLoops.count(&loop);
      if (canUnroll && !isTooMuch)
        errors = unrollErrors;
      canUnroll &= isTooMuch;
      std::vector<Diagnostic> kept = errors;
      done = atRunTime(true);
      if (!done && !isTooMuch && !kept.empty())
        errors = kept;
    }
    // A loop around it makes lists of run-time length before this one is unrolled all the same.
    if (!done && keepsLists && budget.keptLoops.count(&loop))
      return false;
    if (!done && (!isShort || canUnroll))
      done = tryPeeled();
    if (!done && canUnroll) {
      unrolledLoops.insert(&loop);
      SaveAndRestore<bool> policy(keepsLists, false);
      std::vector<Diagnostic> unrollErrors;
      done = attempt(unroll, unrollErrors);
      if (errors.empty())
        errors = unrollErrors;
    }
    return done;
  };
  std::vector<Diagnostic> errors;
  if (!run(iterable, errors)) {
    for (auto &error : errors)
      diagnostics.report(error);
    throw Abort();
  }
  Scalar left = dead || !walkedSet ? makeBool(true) : leftFlag();
  if (left.knownBool == false)
    checkSet();
  else if (!left.knownBool)
    branch(ssa(negate(left)), checkSet, [] {});
  finishLoop(*this, loop.orelse, outer);
}

void Specializer::executeWhile(const ast::While &loop) {
  if (frame().suspended && hasPlaces(loop))
    return executeSuspended(loop, nullptr);
  Span place = span;
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  auto test = [&] {
    span = place;
    return evaluateTruth(*loop.test);
  };
  whileLoop(loop, test, [&] { execute(loop.body); });
  finishLoop(*this, loop.orelse, outer);
}

void Specializer::whileLoop(const ast::Stmt &loop, llvm::function_ref<Scalar()> test,
                            llvm::function_ref<void()> body) {
  Scalar first = test();
  if (dead || first.knownBool == false)
    return;
  bool widened = false;
  auto runFrom = [&](const Scalar &go) {
    RunTimeLoop shape;
    shape.test = test;
    shape.firstTest = go;
    shape.body = body;
    shape.jumps = true;
    llvm::scope_exit note([&] { widened = shape.rounds > 1; });
    runTimeLoop(&loop, shape);
  };
  std::function<void(const Scalar &, unsigned)> peelFrom = [&](const Scalar &go, unsigned from) {
    std::vector<Diagnostic> later;
    if (go.knownBool == false || (from > 0 && attempt([&] { runFrom(go); }, later)))
      return;
    if (from > 0 && (from == maximumPeeled || !widened))
      throw Abort();
    ++unrolled;
    auto peel = [&] { runIteration(body, [&](bool) { peelFrom(test(), from + 1); }); };
    if (go.knownBool)
      peel();
    else
      branch(ssa(negate(go)), [] {}, peel, /*isLoop=*/true);
  };
  auto tryPeeled = [&] {
    std::vector<Diagnostic> later;
    Unusable unusable = countUnusable(snapshot());
    auto peel = [&] {
      peelFrom(first, 0);
      if (first.knownBool && !countUnusable(snapshot()).isWithin(unusable))
        throw Abort();
    };
    return attempt(peel, later);
  };
  // A condition that is known in each iteration lets the loop run at compile time.
  UnrollBudget &budget = unrollBudget(*this);
  budget.activeLoops.push_back(&loop);
  llvm::scope_exit leaveLoop(
      [&, depth = budget.activeLoops.size() - 1] { budget.activeLoops.resize(depth); });
  auto inPlace = [&](unsigned most) {
    Scalar go = first;
    uint64_t begun = budget.now();
    for (unsigned round = 0; go.knownBool == true && !dead; ++round) {
      budget.check(begun, 1, 1);
      if (++unrolled > maximumUnrolled || round > most)
        fail(
            ErrorId::UnrollsTooFar, {"this 'while'"},
            {.found = "more than " + std::to_string(round) + " iterations that differ in structure",
             .help = "keep the same types and structure in every iteration, then it stays a loop"});
      frame().locals["%continue"] = makeBool(false);
      body();
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
    SaveAndRestore<size_t> lists(budget.listsBefore,
                                 makesLists && keepsLists ? budget.listsBefore : heap.size());
    SaveAndRestore<unsigned> depth(budget.keptDepth,
                                   budget.keptDepth + budget.keptLoops.count(&loop));
    return attempt([&] { runFrom(first); }, found);
  };
  auto tryInPlace = [&](unsigned most) {
    SaveAndRestore<bool> policy(keepsLists, false);
    bool works = attempt([&] { inPlace(most); }, unrollErrors);
    if (works)
      unrolledLoops.insert(&loop);
    return works;
  };
  auto tryShort = [&] {
    return !budget.keptLoops.count(&loop) &&
           unrollInBudget(budget, loop, unrolledLoops, [&] { return tryInPlace(shortLoop); });
  };
  // What had to be unrolled before is unrolled first. A short loop that fills a list keeps it one
  // of known length, whose items can be changed.
  bool wasUnrolled = unrolledLoops.count(&loop);
  if ((wasUnrolled && tryInPlace(maximumUnrolled)) || tryAtRunTime(false, errors) || tryShort() ||
      tryAtRunTime(true, errors) || tryPeeled() || (first.knownBool && tryInPlace(maximumUnrolled)))
    return;
  for (auto &error : errors.empty() ? unrollErrors : errors)
    diagnostics.report(error);
  throw Abort();
}

} // namespace mpy
