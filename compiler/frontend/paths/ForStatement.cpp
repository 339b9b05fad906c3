// The statement `for`: which form of loop it becomes. Tried in turn, each undone where it fails:
//
//   for v in x:     ->  a loop at run time (SpecializeLoops)
//   for v in xs:    ->  a walk by position, where the body changes the list xs
//   for k in 0, 1:  ->  iterations unrolled, where they differ in structure (`d = grad(d)`)
//   best = None ..  ->  a first iteration peeled off, where only that one differs
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/UnrollBudget.h"
#include "frontend/values/Generators.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::SaveAndRestore;

namespace mpy {

/// Loops of more iterations are never unrolled.
static constexpr int64_t maximumIterations = 4096;
/// So many known items are walked while compiling, where that is not too much.
static constexpr size_t fewItems = 16;

/// A `for` while it is decided what it becomes.
class ForStatement {
public:
  /// `whole`: what is walked; `iterable`: the same, or what nobody else takes from in its place.
  ForStatement(Specializer &s, const ast::For &loop, Value whole, Value iterable, bool isAlone)
      : s(s), loop(loop), budget(unrollBudget(s)), whole(std::move(whole)),
        iterable(std::move(iterable)), isAlone(isAlone) {
    auto *made = this->whole.as<IterableValue>();
    isGenerator = made && made->kind == IterableValue::Kind::Generator;
    separateFunctions();
  }
  /// Runs it in the first form that will do. `check` runs before each item is taken.
  void execute(llvm::function_ref<void()> check);

private:
  using Errors = std::vector<Diagnostic>;
  friend class PositionalWalk;
  void separateFunctions();
  void take(Value item);
  bool unrollInBudget(const ValueList &items, const Value &over, Errors &errors);
  bool runAsList(const Value &over, bool makesLists);
  // Each says no, with the errors, if no form will do.
  bool runKnown(const Value &over, Errors &errors);
  bool run(const Value &over, Errors &errors);
  bool consume(const Value &over);

  Specializer &s;
  const ast::For &loop;
  UnrollBudget &budget;
  const Value whole;
  Value iterable;
  bool isAlone, isGenerator;
  /// Of map(): called where an item is taken, the first one first.
  ValueList functions;
  llvm::function_ref<void()> checkItems;
};

/// A walk whose number of items and item at a position are known: the forms that it may take.
class PositionalWalk {
public:
  PositionalWalk(ForStatement &statement, const Value &iterable, RunTimeWalk &walk)
      : statement(statement), s(statement.s), loop(statement.loop), budget(statement.budget),
        iterable(iterable), walk(walk), place(s.span), lists(walkedLists(s, iterable)) {
    auto *range = iterable.as<RangeValue>();
    if (range)
      snapshotBytes = range->snapshotBytes;
    known = !snapshotBytes && walk.length.known() && *walk.length.known() <= maximumIterations;
    // A short loop that fills a list keeps it one of known length, whose items can be changed.
    isShort = known && isShortLoop(budget, loop, *walk.length.known());
  }
  bool run(ForStatement::Errors &errors);

private:
  std::vector<IntExpr> lengthsOfLists();
  void begin(const IntExpr &position);
  void body();
  void runFrom(int64_t from);
  void peel(int64_t from);
  void peelFrom(int64_t from);
  bool tryAtRunTime(bool makesLists, ForStatement::Errors &errors);
  bool tryPeeled();
  void runByPosition();
  Scalar hasItem(const std::string &position);
  void unroll();
  std::optional<bool> tryShort(bool &canUnroll, ForStatement::Errors &errors);
  bool unrollAnyway(ForStatement::Errors &errors);

  ForStatement &statement;
  Specializer &s;
  const ast::For &loop;
  UnrollBudget &budget;
  const Value &iterable;
  RunTimeWalk &walk;
  const Span place;
  const std::vector<ObjectId> lists;
  std::vector<IntExpr> lengths;
  /// Of a loop that keeps some of its states for the reverse sweep: it stays a loop.
  std::optional<IntExpr> snapshotBytes;
  bool known, isShort, changesList = false, widened = false;
};

/// A function of each item is called where the item is taken.
void ForStatement::separateFunctions() {
  auto *mapped = iterable.as<IterableValue>();
  while (mapped && mapped->kind == IterableValue::Kind::Map && mapped->parts.size() == 2) {
    functions.insert(functions.begin(), mapped->parts[0]);
    iterable = Value(mapped->parts[1]);
    mapped = iterable.as<IterableValue>();
  }
}

void ForStatement::take(Value item) {
  checkItems();
  for (const Value &function : functions)
    item = s.call(function, CallArguments{{item}, {}, s.span});
  if (!s.dead)
    s.assign(*loop.target, item);
}

bool ForStatement::unrollInBudget(const ValueList &items, const Value &over, Errors &errors) {
  SaveAndRestore<bool> policy(s.keepsLists, false);
  auto unroll = [&] { s.unrollFor(loop, over, items, 0, [&](Value item) { take(item); }); };
  return mpy::unrollInBudget(budget, loop, s.unrolledLoops,
                             [&] { return s.attempt(unroll, errors); });
}

/// Known items as a list of run-time length.
bool ForStatement::runAsList(const Value &over, bool makesLists) {
  SaveAndRestore<bool> policy(s.keepsLists, s.keepsLists || !makesLists);
  SaveAndRestore<size_t> lists(budget.listsBefore,
                               makesLists && s.keepsLists ? budget.listsBefore : s.heap.size());
  Errors inner;
  auto walkCounted = [&] {
    auto counted = countedWalk(s, over);
    if (!counted || !run(*counted, inner))
      throw Abort();
  };
  return s.attempt(walkCounted, inner);
}

/// What has no known items: a generator, or what is asked for one item after the other.
bool ForStatement::consume(const Value &over) {
  if (!s.isIterator(whole))
    failToIterate(s, over);
  auto body = [&](const Value &item) {
    take(item);
    s.execute(loop.body);
  };
  if (!s.tryConsuming(&loop, over, body, canJump(loop.body, s.frame().mayStop), isAlone))
    s.executeTaking(loop, s.iteratorOf(whole));
  return true;
}

bool ForStatement::runKnown(const Value &over, Errors &errors) {
  auto items = isGenerator ? std::nullopt : s.knownItems(over);
  if (!items)
    return consume(over);
  if (isShortLoop(budget, loop, items->size())) {
    if (items->size() > fewItems && !s.unrolledLoops.count(&loop)) {
      if (runAsList(over, false))
        return true;
      s.unrolledLoops.insert(&loop);
    }
    if (unrollInBudget(*items, over, errors))
      return true;
    if (!budget.keptLoops.count(&loop))
      return false;
  }
  if (!s.unrolledLoops.count(&loop) && runAsList(over, true))
    return true;
  if (s.keepsLists && budget.keptLoops.count(&loop))
    return false;
  s.unrolledLoops.insert(&loop);
  s.unrollFor(loop, over, *items, 0, [&](Value item) { take(item); });
  return true;
}

bool ForStatement::run(const Value &over, Errors &errors) {
  auto walk = isGenerator ? std::nullopt : s.runTimeWalk(over);
  if (!walk)
    return runKnown(over, errors);
  if (walk->length.isKnown(0))
    return true;
  return PositionalWalk(*this, over, *walk).run(errors);
}

void ForStatement::execute(llvm::function_ref<void()> check) {
  checkItems = check;
  budget.activeLoops.push_back(&loop);
  llvm::scope_exit leave(
      [&, depth = budget.activeLoops.size() - 1] { budget.activeLoops.resize(depth); });
  Errors errors;
  if (run(iterable, errors))
    return;
  for (auto &error : errors)
    s.diagnostics.report(error);
  throw Abort();
}

std::vector<IntExpr> PositionalWalk::lengthsOfLists() {
  std::vector<IntExpr> lengths;
  for (ObjectId id : lists)
    lengths.push_back(listLength(s, id));
  return lengths;
}

void PositionalWalk::begin(const IntExpr &position) {
  s.span = place;
  lengths = lengthsOfLists();
  statement.take(walk.item(position));
}

void PositionalWalk::body() {
  s.execute(loop.body);
  bool haveChanged =
      !llvm::equal(lengthsOfLists(), lengths,
                   [](const IntExpr &now, const IntExpr &then) { return (now - then).isKnown(0); });
  if (!s.dead && haveChanged) {
    changesList = true;
    failToFollow(s);
  }
}

void PositionalWalk::runFrom(int64_t from) {
  RunTimeLoop shape;
  shape.trip = walk.length - IntExpr(from);
  if (from > 0 && !shape.trip->known())
    shape.trip = symbolExpr(s.index(*shape.trip), true);
  shape.snapshotBytes = snapshotBytes;
  shape.begin = [&](const IntExpr &k) { begin(k + IntExpr(from)); };
  auto run = [&] { body(); };
  shape.body = run;
  shape.jumps = canJump(loop.body, s.frame().mayStop);
  llvm::scope_exit note([&] { widened = shape.rounds > 1; });
  s.runTimeLoop(&loop, shape);
}

bool PositionalWalk::tryAtRunTime(bool makesLists, ForStatement::Errors &errors) {
  SaveAndRestore<bool> policy(s.keepsLists, s.keepsLists || !makesLists);
  SaveAndRestore<size_t> lists(budget.listsBefore,
                               makesLists && s.keepsLists ? budget.listsBefore : s.heap.size());
  SaveAndRestore<unsigned> depth(budget.keptDepth,
                                 budget.keptDepth + budget.keptLoops.count(&loop));
  return s.attempt([&] { runFrom(0); }, errors);
}

/// One iteration by itself, then the others.
void PositionalWalk::peel(int64_t from) {
  auto iteration = [&] {
    begin(IntExpr(from));
    body();
  };
  s.runIteration(iteration, [&](bool) { peelFrom(from + 1); });
}

void PositionalWalk::peelFrom(int64_t from) {
  ForStatement::Errors later;
  if (from > 0 && s.attempt([&] { runFrom(from); }, later))
    return;
  if (from > 0 && (from == Specializer::maximumPeeled || !widened))
    throw Abort();
  ++s.unrolled;
  if (walk.length.known())
    return peel(from);
  Scalar isOver =
      s.scalarCompare(ast::CompareOperator::LtE, s.makeInt(walk.length), s.makeInt(IntExpr(from)));
  s.branch(s.ssa(isOver), [] {}, [&] { peel(from); }, /*isLoop=*/true);
}

bool PositionalWalk::tryPeeled() {
  ForStatement::Errors later;
  Unusable unusable = countUnusable(s.snapshot());
  auto peeled = [&] {
    peelFrom(0);
    // A loop that can be unrolled keeps more.
    if (known && !countUnusable(s.snapshot()).isWithin(unusable))
      throw Abort();
  };
  return !changesList && !(known && *walk.length.known() <= Specializer::maximumPeeled) &&
         s.attempt(peeled, later);
}

Scalar PositionalWalk::hasItem(const std::string &position) {
  auto now = s.runTimeWalk(iterable);
  // A list that was emptied is one of known length until paths meet.
  auto items = now ? std::nullopt : s.knownItems(iterable);
  if (!now && !(items && items->empty()))
    failToFollow(s);
  return s.scalarCompare(ast::CompareOperator::Lt, *s.frame().locals[position].get<Scalar>(),
                         s.makeInt(now ? now->length : IntExpr(0)));
}

/// A list that the body changes is walked by position, as long as there is an item there.
void PositionalWalk::runByPosition() {
  std::string name = "%position" + std::to_string(s.frame().locals.size());
  s.frame().locals[name] = s.makeInt(IntExpr(0));
  RunTimeLoop shape;
  shape.test = [&] { return hasItem(name); };
  shape.firstTest = hasItem(name);
  auto iteration = [&] {
    s.span = place;
    auto now = s.runTimeWalk(iterable);
    if (!now || !canWalkAgain(iterable))
      failToFollow(s);
    IntExpr at = s.intExpr(*s.frame().locals[name].get<Scalar>());
    statement.take(now->item(at));
    s.execute(loop.body);
    s.frame().locals[name] = s.makeInt(at + IntExpr(1));
  };
  shape.body = iteration;
  shape.jumps = true;
  s.runTimeLoop(&loop, shape);
  s.frame().locals.erase(name);
}

/// A short loop that was no loop at run time: unrolled, or with lists of run-time length. Nothing
/// where it is for others to decide; `canUnroll` says whether they may unroll it.
std::optional<bool> PositionalWalk::tryShort(bool &canUnroll, ForStatement::Errors &errors) {
  ForStatement::Errors unrollErrors;
  bool wasTooMuch = budget.keptLoops.count(&loop);
  if (!wasTooMuch)
    s.unrolledLoops.insert(&loop);
  if (canUnroll && !wasTooMuch &&
      statement.unrollInBudget(*s.knownItems(iterable), iterable, unrollErrors))
    return true;
  bool isTooMuch = budget.keptLoops.count(&loop);
  if (canUnroll && !isTooMuch)
    errors = unrollErrors;
  canUnroll &= isTooMuch;
  ForStatement::Errors kept = errors;
  if (tryAtRunTime(true, errors))
    return true;
  if (!isTooMuch && !kept.empty())
    errors = kept;
  return std::nullopt;
}

/// Unrolled whatever it costs.
bool PositionalWalk::unrollAnyway(ForStatement::Errors &errors) {
  s.unrolledLoops.insert(&loop);
  SaveAndRestore<bool> policy(s.keepsLists, false);
  ForStatement::Errors unrollErrors;
  auto unroll = [&] {
    s.unrollFor(loop, iterable, *s.knownItems(iterable), 0,
                [&](Value item) { statement.take(item); });
  };
  bool done = s.attempt(unroll, unrollErrors);
  if (errors.empty())
    errors = unrollErrors;
  return done;
}

bool PositionalWalk::run(ForStatement::Errors &errors) {
  if ((!known || !s.unrolledLoops.count(&loop)) && tryAtRunTime(!isShort, errors))
    return true;
  if (changesList && s.attempt([&] { runByPosition(); }, errors))
    return true;
  bool canUnroll = known && s.knownItems(iterable);
  if (isShort)
    if (auto done = tryShort(canUnroll, errors))
      return *done;
  // A loop around it makes lists of run-time length before this one is unrolled all the same.
  if (s.keepsLists && budget.keptLoops.count(&loop))
    return false;
  if ((!isShort || canUnroll) && tryPeeled())
    return true;
  return canUnroll && unrollAnyway(errors);
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
  walkedValues.push_back(whole);
  llvm::scope_exit leave([&] { walkedValues.pop_back(); });
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  if (!plain && !isGenerator) {
    executeTaking(loop, iteratorOf(whole));
    return finishLoop(*this, loop.orelse, outer);
  }
  ForStatement(*this, loop, whole, isGenerator ? whole : *plain, isAlone).execute(checkSet);
  Scalar left = dead || !walkedSet ? makeBool(true) : leftFlag();
  if (left.knownBool == false)
    checkSet();
  else if (!left.knownBool)
    branch(ssa(negate(left)), checkSet, [] {});
  finishLoop(*this, loop.orelse, outer);
}

} // namespace mpy
