// Generators that are asked for one item after the other: by next(), zip(), a loop that others
// share them with. All names of such a generator are cells of the heap, and so is the `yield`
// behind which it waits; it goes on from there by running what is left of each statement around it:
//
//   def up(n):                position 0: k = 0, then the loop
//     k = 0                   position 1: k += 1, then the loop
//     while k < n:
//       yield k               yield: position = 1, return k
//       k += 1
//
// Where paths that wait at several places meet, the position is run-time data, and the next item is
// chosen by it.
#include "frontend/containers/Builtins.h"
#include "frontend/paths/Loops.h"
#include "frontend/syntax/AstWalk.h"
#include "frontend/values/Generators.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

const ast::Expr *yieldOf(const ast::Node &node) {
  auto *statement = dyn_cast<ast::ExprStmt>(&node);
  auto *assignment = dyn_cast<ast::Assign>(&node);
  const ast::Expr *value = statement ? statement->value : assignment ? assignment->value : nullptr;
  return value && isa<ast::Yield, ast::YieldFrom>(value) ? value : nullptr;
}

static bool isPlace(const ast::Node *node) { return yieldOf(*node); }

/// What a name holds on the paths that have set it.
static Value whereSet(const Value &value) {
  auto *optional = value.as<OptionalValue>();
  return optional && !optional->orNone ? optional->value : value;
}

static bool contains(const ast::Node *node, llvm::function_ref<bool(const ast::Node *)> test) {
  if (test(node))
    return true;
  if (isa<ast::FunctionDef, ast::Lambda, ast::ClassDef>(node))
    return false;
  bool found = false;
  forEachChild(node, [&](ast::Node *child) { found = found || contains(child, test); });
  return found;
}

bool hasPlaces(const ast::Stmt &statement) { return contains(&statement, isPlace); }

bool endsGenerator(Specializer &s) {
  for (Frame *frame : llvm::reverse(s.frames)) {
    bool isInside = !frame->closure && frame->scope->kind == ast::ScopeKind::Comprehension;
    if (isInside)
      continue;
    const ast::Node *node = frame->closure ? frame->closure->node : nullptr;
    auto isTry = [](const ast::Node *part) { return isa<ast::Try>(part); };
    auto *function = node ? dyn_cast<ast::FunctionDef>(node) : nullptr;
    return (node && isa<ast::GeneratorExp>(node)) ||
           (function && function->scope.hasYield &&
            !llvm::any_of(function->body,
                          [&](const ast::Stmt *one) { return contains(one, isTry); }));
  }
  return false;
}

/// for x in xs: if c: yield e
static ast::Body statementsOf(const ast::GeneratorExp &expr, GeneratorPlan &plan) {
  auto make = [&]<typename T>(T *node, Span span) {
    node->span = span;
    plan.made.emplace_back(node);
    return node;
  };
  auto *yield = make(new ast::Yield, expr.elt->span);
  yield->value = expr.elt;
  auto *statement = make(new ast::ExprStmt, expr.elt->span);
  statement->value = yield;
  ast::Body body = {statement};
  for (size_t i = expr.generators.size(); i-- > 0;) {
    auto &clause = expr.generators[i];
    for (ast::Expr *condition : llvm::reverse(clause.ifs)) {
      auto *test = make(new ast::If, condition->span);
      test->test = condition;
      test->body = body;
      body = {test};
    }
    auto *loop = make(new ast::For, clause.span);
    loop->target = clause.target;
    loop->iter = clause.iter;
    loop->body = body;
    if (i == 0) {
      auto *name = make(new ast::Name, clause.iter->span);
      name->id = firstIterable;
      loop->iter = name;
    }
    body = {loop};
  }
  return body;
}

const GeneratorPlan &Specializer::planOf(const ast::Node &node) {
  auto &entry = plans[&node];
  if (entry)
    return *entry;
  auto plan = std::make_shared<GeneratorPlan>();
  auto *expr = dyn_cast<ast::GeneratorExp>(&node);
  plan->body = expr ? statementsOf(*expr, *plan) : cast<ast::FunctionDef>(node).body;
  std::function<void(const ast::Node *)> find = [&](const ast::Node *at) {
    auto *statement = dyn_cast<ast::Stmt>(at);
    const ast::Expr *yield = yieldOf(*at);
    bool isFrom = yield && isa<ast::YieldFrom>(yield);
    if (yield)
      plan->places.push_back(statement);
    plan->takesValues |= yield && !isFrom && isa<ast::Assign>(at);
    if (auto *result = dyn_cast<ast::Return>(at))
      plan->hasResult |= result->value != nullptr;
    if (isFrom || (isa<ast::For>(at) && contains(at, isPlace)))
      plan->walks[statement] = "%walk" + std::to_string(plan->walks.size());
    if (isPlace(at) || isa<ast::FunctionDef, ast::Lambda, ast::ClassDef>(at))
      return;
    forEachChild(at, [&](ast::Node *child) { find(child); });
  };
  for (const ast::Stmt *statement : plan->body)
    find(statement);
  entry = plan;
  return *entry;
}

Specializer::Taken Specializer::takeGenerated(const Value &generator) {
  const ValueList parts = generator.as<IterableValue>()->parts;
  auto *closure = parts[0].as<ClosureValue>();
  if (!closure)
    fail(ErrorId::Unsupported, {"a generator that is one of several"},
         {.help = "choose between what they are given, not between generators"});
  SuspendedGenerator suspended{&planOf(*closure->node), parts[1].get<ObjectRef>()->id,
                               parts[2].get<ObjectRef>()->id};
  const Value state = whereSet(heap.get<CellState>(suspended.hasEnded)->value);
  if (state.get<ConflictValue>()) {
    wantsItems = true;
    present(state, closure->name);
  }
  return takeWhere(negate(truth(state)), [&] {
    heap.set(suspended.hasEnded, CellState{makeBool(true)});
    Value position = whereSet(heap.get<CellState>(suspended.position)->value);
    Frame callee;
    callee.scope = &closure->scope();
    callee.closure = closure;
    callee.globals = closure->globals;
    callee.library = closure->library;
    callee.name = closure->name;
    callee.callSpan = span;
    callee.entryBlock = builder.getInsertionBlock();
    callee.cells = closure->cells;
    for (auto &[name, cell] : closure->cells)
      if (closure->scope().locals.contains(name))
        callee.parameters[name] = heap.get<CellState>(cell)->value;
    callee.locals["%return"] = makeBool(false);
    callee.locals["%value"] = NoneValue{};
    callee.suspended = &suspended;
    Span place = span;
    if (frames.size() > maximumDepth)
      failRecursion(*closure);
    enter(callee);
    resume(*suspended.plan, position, 0);
    frames.pop_back();
    span = place;
    if (dead)
      return Taken{makeBool(false), NoneValue{}};
    keepResult(callee);
    Taken taken{negate(truth(heap.get<CellState>(suspended.hasEnded)->value)), NoneValue{}};
    if (auto it = callee.locals.find("%item"); it != callee.locals.end())
      taken.item = whereSet(it->second);
    return taken;
  });
}

/// Goes on at the place that the position says, if it is not one before `from`.
void Specializer::resume(const GeneratorPlan &plan, const Value &position, size_t from) {
  auto known = knownInt(position);
  auto run = [&](size_t at) {
    if (at == 0)
      execute(plan.body);
    else
      resumeIn(plan.body, *plan.places[at - 1]);
  };
  if (known || from == plan.places.size())
    return run(known.value_or(from));
  auto *scalar = position.get<Scalar>();
  if (!scalar)
    fail(ErrorId::Unsupported, {"a generator that is one of several"},
         {.help = "choose between what they are given, not between generators"});
  mlir::Value isHere = create<arith::CmpIOp>(arith::CmpIPredicate::eq, index(intExpr(*scalar)),
                                             create<arith::ConstantIndexOp>(from).getResult());
  branch(isHere, [&] { run(from); }, [&] { resume(plan, position, from + 1); });
}

/// What is left of the statements of a body, of which one has the place in it.
void Specializer::resumeIn(const ast::Body &body, const ast::Stmt &place) {
  auto isHere = [&](const ast::Node *node) { return node == &place; };
  auto at = llvm::find_if(body, [&](const ast::Stmt *one) { return contains(one, isHere); });
  resumeAt(**at, place);
  size_t next = at - body.begin() + 1;
  if (dead || next == body.size())
    return;
  Scalar left = leftFlag();
  if (left.knownBool == false)
    return execute(body, next);
  if (!left.knownBool)
    branch(
        ssa(negate(left)),
        [&] {
          clearFlags();
          execute(body, next);
        },
        [] {});
}

/// What is left of a statement with the place in it.
void Specializer::resumeAt(const ast::Stmt &statement, const ast::Stmt &place) {
  auto isHere = [&](const ast::Node *node) { return node == &place; };
  auto isIn = [&](const ast::Body &body) {
    return llvm::any_of(body, [&](const ast::Stmt *one) { return contains(one, isHere); });
  };
  span = statement.span;
  if (&statement == &place)
    return isa<ast::YieldFrom>(yieldOf(place)) ? yieldNext(place) : finishYield(place, takeSent());
  if (auto *node = dyn_cast<ast::If>(&statement))
    return resumeIn(isIn(node->body) ? node->body : node->orelse, place);
  if (auto *node = dyn_cast<ast::Match>(&statement)) {
    for (const ast::MatchCase &part : node->cases)
      if (isIn(part.body))
        return resumeIn(part.body, place);
  }
  if (auto *node = dyn_cast<ast::Try>(&statement))
    return resumeInTry(*node, place);
  if (isa<ast::For, ast::While>(statement))
    return executeSuspended(statement, &place);
  refuseToWait();
}

/// What is left of a `try`. Its handlers end with the `yield` behind which it waits.
void Specializer::resumeInTry(const ast::Try &node, const ast::Stmt &place) {
  auto isHere = [&](const ast::Node *part) { return part == &place; };
  auto isIn = [&](const ast::Body &body) {
    return llvm::any_of(body, [&](const ast::Stmt *one) { return contains(one, isHere); });
  };
  auto rest = [&] { resumeIn(node.body, place); };
  if (isIn(node.body))
    return executeTry(node, rest);
  if (isIn(node.orelse))
    return resumeIn(node.orelse, place);
  for (const ast::ExceptHandler &handler : node.handlers)
    if (isIn(handler.body))
      return resumeIn(handler.body, place);
}

/// Refuses a `try` or `with` that would do something when nobody takes from the generator any more:
/// Python does it when the generator is gone.
void Specializer::checkWaitsIn(const ast::Stmt &statement) {
  auto *node = dyn_cast<ast::Try>(&statement);
  auto waits = [](const ast::Body &body) {
    return llvm::any_of(body, [](const ast::Stmt *one) { return hasPlaces(*one); });
  };
  if (!node || !node->finalbody.empty() || node->isStar)
    refuseToWait();
  for (const ast::ExceptHandler &handler : node->handlers)
    if (!handler.type || catches(evaluate(handler.type), "KeyboardInterrupt") ||
        (!handler.name.empty() && waits(handler.body)))
      refuseToWait();
}

void Specializer::refuseToWait() {
  fail(ErrorId::Unsupported,
       {"a 'yield' inside 'with', 'try' with 'finally', or a handler of all exceptions or with a "
        "name, of a generator that is asked for one item after the other"},
       {.help = "put the 'yield' behind it, or keep the items before: items = list(..)"});
}

/// A loop with a `yield` in it, from its beginning, or what is left of it behind a place.
void Specializer::executeSuspended(const ast::Stmt &statement, const ast::Stmt *place) {
  auto *loop = dyn_cast<ast::For>(&statement);
  const ast::Body &body = loop ? loop->body : cast<ast::While>(statement).body;
  const ast::Body &otherwise = loop ? loop->orelse : cast<ast::While>(statement).orelse;
  auto isHere = [&](const ast::Node *node) { return node == place; };
  if (place && !llvm::any_of(body, [&](const ast::Stmt *one) { return contains(one, isHere); }))
    return resumeIn(otherwise, *place);
  ObjectId walk = 0;
  if (loop) {
    walk = frame().cells.at(frame().suspended->plan->walks.at(loop));
    if (!place)
      heap.set(walk, CellState{iteratorOf(evaluate(loop->iter))});
  }
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  std::string name = "%item" + std::to_string(nextNumber());
  Span at = statement.span;
  auto test = [&]() -> Scalar {
    span = at;
    if (!loop)
      return evaluateTruth(*cast<ast::While>(statement).test);
    Value iterator = heap.get<CellState>(walk)->value;
    Taken taken = takeNext(whereSet(iterator));
    if (!dead && taken.has.knownBool != false)
      frame().locals[name] = taken.item;
    return taken.has;
  };
  auto iteration = [&] {
    if (loop) {
      assign(*loop->target, whereSet(frame().locals[name]));
    }
    execute(body);
  };
  auto rest = [&] { resumeIn(body, *place); };
  takeEach(test, iteration, place ? llvm::function_ref<void()>(rest) : nullptr);
  frame().locals.erase(name);
  finishLoop(*this, otherwise, outer);
}

/// Waits behind a place.
void Specializer::suspend(const ast::Stmt &place, const Value &item) {
  const SuspendedGenerator &suspended = *frame().suspended;
  size_t position = llvm::find(suspended.plan->places, &place) - suspended.plan->places.begin() + 1;
  heap.set(suspended.position, CellState{makeInt(IntExpr(int64_t(position)))});
  heap.set(suspended.hasEnded, CellState{makeBool(false)});
  frame().locals["%item"] = item;
  frame().locals["%return"] = makeBool(true);
}

/// Gives the names of a `yield` its value, unless whoever takes the items has left.
void Specializer::finishYield(const ast::Stmt &statement, const Value &value) {
  auto *assignment = dyn_cast<ast::Assign>(&statement);
  if (!assignment || dead)
    return;
  auto give = [&] {
    for (auto *target : assignment->targets)
      assign(*target, value);
  };
  Scalar left = leftFlag();
  if (left.knownBool == false)
    give();
  else if (!left.knownBool)
    branch(ssa(negate(left)), give, [] {});
}

/// What was sent to the generator that runs.
Value Specializer::takeSent() {
  auto cell = frame().cells.find(sentValue);
  if (cell == frame().cells.end())
    return NoneValue{};
  Value sent = heap.get<CellState>(cell->second)->value;
  heap.set(cell->second, CellState{NoneValue{}});
  return sent;
}

/// Keeps what a generator has returned.
void Specializer::keepResult(const Frame &ended) {
  auto cell = ended.cells.find(generatorResult);
  auto value = ended.locals.find("%value");
  if (cell != ended.cells.end() && value != ended.locals.end() && !dead)
    heap.set(cell->second, CellState{whereSet(value->second)});
}

Value Specializer::resultOf(const Value &iterator) {
  auto *made = iterator.as<IterableValue>();
  bool isGenerator = made && made->kind == IterableValue::Kind::Generator;
  auto *closure = isGenerator ? made->parts[0].as<ClosureValue>() : nullptr;
  auto cell = closure ? closure->cells.find(generatorResult)
                      : std::map<std::string, ObjectId>::const_iterator();
  if (!closure || cell == closure->cells.end())
    return NoneValue{};
  return heap.get<CellState>(cell->second)->value;
}

/// The next item of a `yield from`, if there is one more.
void Specializer::yieldNext(const ast::Stmt &place) {
  ObjectId walk = frame().cells.at(frame().suspended->plan->walks.at(&place));
  Value iterator = heap.get<CellState>(walk)->value;
  Taken taken = takeNext(whereSet(iterator));
  auto finish = [&] {
    Value ended = heap.get<CellState>(walk)->value;
    finishYield(place, resultOf(whereSet(ended)));
  };
  if (dead)
    return;
  if (taken.has.knownBool == false)
    return finish();
  if (taken.has.knownBool)
    return suspend(place, taken.item);
  branch(ssa(taken.has), [&] { suspend(place, taken.item); }, finish);
}

//===----------------------------------------------------------------------===//
// Methods
//===----------------------------------------------------------------------===//

Value builtins::sendTo(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "self, value", "send");
  const IterableValue &made = *given[0].as<IterableValue>();
  auto *closure = made.parts[0].as<ClosureValue>();
  auto position = closure
                      ? s.knownInt(s.heap.get<CellState>(made.parts[1].get<ObjectRef>()->id)->value)
                      : std::nullopt;
  if (!given[1].isNone() && !position)
    s.fail(ErrorId::Unsupported, {"'send' to a generator that may not have begun"},
           {.help = "write a class with a method that takes the value"});
  if (!given[1].isNone() && position == 0)
    return s.raiseHere("TypeError", "can't send non-None value to a just-started generator");
  if (closure)
    if (auto cell = closure->cells.find(sentValue); cell != closure->cells.end())
      s.heap.set(cell->second, CellState{given[1]});
  return s.call(findBuiltin("next"), CallArguments{{given[0]}, {}, s.span});
}

Value builtins::closeGenerator(Specializer &s, CallArguments &arguments) {
  Value self = s.bind(arguments, "self", "close")[0];
  endIterator(s, self);
  return NoneValue{};
}

} // namespace mpy
