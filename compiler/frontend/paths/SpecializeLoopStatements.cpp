// The statement `while`, and what it has in common with `for`: iterations run while compiling.
//
//   while x > 1.0: x = f(x)   ->  a loop at run time: its carried values are what the body changes
//   while k < 3: d = grad(d)  ->  iterations unrolled, where they differ in structure
//
// A list that is filled makes a short loop one of known iterations and a longer one a loop with a
// list of run-time length.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/UnrollBudget.h"
#include "frontend/syntax/AstWalk.h"
#include "frontend/values/Generators.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// Loops of at most so many iterations rather are unrolled than make lists of run-time length; and
/// such loops in others that were too much to be unrolled.
static constexpr int64_t shortLoop = 64, shortInnerLoop = 8;

bool isShortLoop(const UnrollBudget &budget, const ast::Node &loop, int64_t count) {
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

bool unrollInBudget(UnrollBudget &budget, const ast::Node &loop,
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
  whileLoop(loop, test, [&] {
    narrow(*loop.test, true);
    execute(loop.body);
  });
  finishLoop(*this, loop.orelse, outer);
}

/// A loop by a condition while it is decided what it becomes.
class ConditionalLoop {
public:
  ConditionalLoop(Specializer &s, const ast::Stmt &loop, llvm::function_ref<Scalar()> test,
                  llvm::function_ref<void()> body, const Scalar &first)
      : s(s), loop(loop), test(test), body(body), first(first), budget(unrollBudget(s)) {}
  /// Runs it in the first form that will do.
  void execute();

private:
  using Errors = std::vector<Diagnostic>;
  void runFrom(const Scalar &go);
  void peelFrom(const Scalar &go, unsigned from);
  void runInPlace(unsigned most);
  bool tryAtRunTime(bool makesLists);
  bool tryInPlace(unsigned most);
  bool tryShort();
  bool tryPeeled();

  Specializer &s;
  const ast::Stmt &loop;
  llvm::function_ref<Scalar()> test;
  llvm::function_ref<void()> body;
  const Scalar first; // what the condition is before the loop
  UnrollBudget &budget;
  Errors errors, unrollErrors;
  bool widened = false;
};

void ConditionalLoop::runFrom(const Scalar &go) {
  RunTimeLoop shape;
  shape.test = test;
  shape.firstTest = go;
  shape.body = body;
  shape.jumps = true;
  llvm::scope_exit note([&] { widened = shape.rounds > 1; });
  s.runTimeLoop(&loop, shape);
}

void ConditionalLoop::peelFrom(const Scalar &go, unsigned from) {
  Errors later;
  if (go.knownBool == false || (from > 0 && s.attempt([&] { runFrom(go); }, later)))
    return;
  if (from > 0 && (from == Specializer::maximumPeeled || !widened))
    throw Abort();
  ++s.unrolled;
  auto peel = [&] { s.runIteration(body, [&](bool) { peelFrom(test(), from + 1); }); };
  if (go.knownBool)
    peel();
  else
    s.branch(s.ssa(s.negate(go)), [] {}, peel, /*isLoop=*/true);
}

bool ConditionalLoop::tryPeeled() {
  Errors later;
  Unusable unusable = countUnusable(s.snapshot());
  auto peel = [&] {
    peelFrom(first, 0);
    if (first.knownBool && !countUnusable(s.snapshot()).isWithin(unusable))
      throw Abort();
  };
  return s.attempt(peel, later);
}

/// A condition that is known in each iteration lets the loop run at compile time.
void ConditionalLoop::runInPlace(unsigned most) {
  Scalar go = first;
  uint64_t begun = budget.now();
  for (unsigned round = 0; go.knownBool == true && !s.dead; ++round) {
    budget.check(begun, 1, 1);
    if (++s.unrolled > Specializer::maximumUnrolled || round > most)
      s.fail(
          ErrorId::UnrollsTooFar, {"this 'while'"},
          {.found = "more than " + std::to_string(round) + " iterations that differ in structure",
           .help = "keep the same types and structure in every iteration, then it stays a loop"});
    s.frame().locals["%continue"] = s.makeBool(false);
    body();
    s.frame().locals["%continue"] = s.makeBool(false);
    Scalar left = s.leftFlag();
    if (left.knownBool == true)
      return;
    go = left.knownBool ? test() : left;
  }
  if (!go.knownBool)
    s.fail(ErrorId::LoopNeverSettles);
}

bool ConditionalLoop::tryAtRunTime(bool makesLists) {
  SaveAndRestore<bool> policy(s.keepsLists, s.keepsLists || !makesLists);
  SaveAndRestore<size_t> lists(budget.listsBefore,
                               makesLists && s.keepsLists ? budget.listsBefore : s.heap.size());
  SaveAndRestore<unsigned> depth(budget.keptDepth,
                                 budget.keptDepth + budget.keptLoops.count(&loop));
  return s.attempt([&] { runFrom(first); }, errors);
}

bool ConditionalLoop::tryInPlace(unsigned most) {
  SaveAndRestore<bool> policy(s.keepsLists, false);
  bool works = s.attempt([&] { runInPlace(most); }, unrollErrors);
  if (works)
    s.unrolledLoops.insert(&loop);
  return works;
}

bool ConditionalLoop::tryShort() {
  return !budget.keptLoops.count(&loop) &&
         unrollInBudget(budget, loop, s.unrolledLoops, [&] { return tryInPlace(shortLoop); });
}

void ConditionalLoop::execute() {
  budget.activeLoops.push_back(&loop);
  llvm::scope_exit leave(
      [&, depth = budget.activeLoops.size() - 1] { budget.activeLoops.resize(depth); });
  constexpr unsigned most = Specializer::maximumUnrolled;
  // What had to be unrolled before is unrolled first. A short loop that fills a list keeps it one
  // of known length, whose items can be changed.
  bool wasUnrolled = s.unrolledLoops.count(&loop);
  if ((wasUnrolled && tryInPlace(most)) || tryAtRunTime(false) || tryShort() ||
      tryAtRunTime(true) || tryPeeled() || (first.knownBool && tryInPlace(most)))
    return;
  for (auto &error : errors.empty() ? unrollErrors : errors)
    s.diagnostics.report(error);
  throw Abort();
}

void Specializer::whileLoop(const ast::Stmt &loop, llvm::function_ref<Scalar()> test,
                            llvm::function_ref<void()> body) {
  Scalar first = test();
  if (!dead && first.knownBool != false)
    ConditionalLoop(*this, loop, test, body, first).execute();
}

} // namespace mpy
