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
#include "frontend/Loops.h"
#include "frontend/Prelude.h"
#include "frontend/RunTimeLists.h"
#include "llvm/ADT/ScopeExit.h"
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
  std::optional<RunTimeWalk> walk;
  for (size_t i = from; !dead; ++i) {
    // Lists are walked as they are now, whatever the body did to them.
    if (!lists.empty() && i > 0 && (i == from || states != statesOf())) {
      llvm::for_each(lists, [&](ObjectId id) { checkUsable(id); });
      states = statesOf();
      auto now = canWalkAgain(iterable) ? knownItems(iterable) : std::nullopt;
      // One may have become a list of run-time length, whose length is known.
      walk = now || !canWalkAgain(iterable) ? std::nullopt : runTimeWalk(iterable);
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
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"'for " + sources.text(loop.target->span).str() + "'"},
           {.found = std::to_string(items.size()) + " iterations that differ in structure",
            .help = "keep the same types and structure in every iteration, then it stays a loop"});
    bool goesOn = false;
    runIteration(
        [&] {
          assign(*loop.target, walk ? walk->item(IntExpr(int64_t(i))) : items[i]);
          execute(loop.body);
        },
        [&](bool isCertain) {
          goesOn = isCertain;
          if (!isCertain)
            unrollFor(loop, iterable, items, i + 1);
        });
    if (!goesOn)
      return;
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
  Value iterable = evaluate(loop.iter);
  // A dict says when it changed its size meanwhile; who has an order is asked for it.
  llvm::StringRef kind = runTimeDictKind(*this, iterable);
  if (kind.empty() || kind == "set")
    iterable = iterated(iterable);
  if (dead)
    return;
  walkedValues.push_back(iterable);
  llvm::scope_exit leave([&] { walkedValues.pop_back(); });
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
    auto body = [&](const Value &item) {
      assign(*loop.target, item);
      execute(loop.body);
    };
    if (!list && walkGenerator(&loop, iterable, body))
      return finishLoop(*this, loop.orelse, outer);
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
  std::vector<IntExpr> lengths;
  auto begin = [&](const IntExpr &position) {
    span = place;
    lengths = lengthsOf();
    assign(*loop.target, walk->item(position));
  };
  auto body = [&] {
    execute(loop.body);
    if (!dead && lengthsOf() != lengths) {
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
    shape.jumps = canJump(loop.body);
    llvm::scope_exit note([&] { widened = shape.rounds > 1; });
    runTimeLoop(&loop, shape);
  };
  auto atRunTime = [&](bool makesLists) {
    SaveAndRestore<bool> policy(keepsLists, keepsLists || !makesLists);
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
    size_t unusable = countUnusable(snapshot());
    auto peel = [&] {
      peelFrom(0);
      // A loop that can be unrolled keeps more.
      if (known && countUnusable(snapshot()) > unusable)
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
      assign(*loop.target, now->item(at));
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
  if (!done && !isShort)
    done = tryPeeled();
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
    if (list && (isShort || errors.empty()))
      errors = unrollErrors;
    std::vector<Diagnostic> kept = errors;
    done = isShort && atRunTime(true);
    if (!done && !kept.empty())
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
    return evaluateTruth(*loop.test);
  };
  Scalar first = test();
  if (first.knownBool == false)
    return finishLoop(*this, loop.orelse, outer);
  auto body = [&] { execute(loop.body); };
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
    size_t unusable = countUnusable(snapshot());
    auto peel = [&] {
      peelFrom(first, 0);
      if (first.knownBool && countUnusable(snapshot()) > unusable)
        throw Abort();
    };
    return attempt(peel, later);
  };
  // A condition that is known in each iteration lets the loop run at compile time.
  auto inPlace = [&](unsigned most) {
    Scalar go = first;
    for (unsigned round = 0; go.knownBool == true && !dead; ++round) {
      if (++unrolled > maximumUnrolled || round > most)
        fail(
            ErrorId::UnrollsTooFar, {"this 'while'"},
            {.found = "more than " + std::to_string(round) + " iterations that differ in structure",
             .help = "keep the same types and structure in every iteration, then it stays a loop"});
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
    return attempt([&] { runFrom(first); }, found);
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
      tryInPlace(64) || tryAtRunTime(true, errors) || tryPeeled() ||
      (first.knownBool && tryInPlace(maximumUnrolled)))
    return finishLoop(*this, loop.orelse, outer);
  for (auto &error : errors.empty() ? unrollErrors : errors)
    diagnostics.report(error);
  throw Abort();
}

} // namespace mpy
