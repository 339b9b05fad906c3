// Generators. A `for` over one runs the generator's body in its place, and the loop's body at each
// `yield`:
//
//   def pairs(x):                       for v in x:
//     for v in x:                  =>     item = v * 2
//       yield v * 2                       total += item
//   for item in pairs(x):
//     total += item
//
// While the generator runs, the names of the loop's function are kept among its own, under a
// prefix: so a branch or loop of the generator joins and carries what both of them change. `break`
// and `return` in the loop end the generator at its `yield`.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/CallIdentity.h"
#include "frontend/paths/UnrollBudget.h"
#include "frontend/values/Generators.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace mpy {

/// Marks names of whoever consumes a generator.
static constexpr llvm::StringLiteral consumerPrefix = "%<";

/// What is known of a value while compiling, as text.
static void describeKnown(Specializer &s, const Value &value, llvm::raw_ostream &out) {
  out << value.data.index();
  auto all = [&](const ValueList &items) {
    for (const Value &item : items)
      describeKnown(s, item, out << ",");
    out << ";";
  };
  if (auto *scalar = value.get<Scalar>()) {
    out << "k" << static_cast<int>(scalar->kind);
    if (auto known = s.knownInt(value))
      out << "=" << *known;
    else if (scalar->knownFloat)
      out << "=" << *scalar->knownFloat;
  } else if (auto *text = value.get<Text>()) {
    out << (text->value ? "?" : text->known);
  } else if (auto *tuple = value.as<TupleValue>()) {
    all(tuple->items);
  } else if (auto *optional = value.as<OptionalValue>()) {
    describeKnown(s, optional->value, out);
  } else if (auto *list = s.object<ListState>(value)) {
    all(list->items);
  } else if (runTimeListOf(s, value)) {
    out << "L";
  } else if (auto id = s.arrayObject(value)) {
    for (const IntExpr &extent : s.heap.get<ArrayState>(*id)->shape)
      out << "x" << extent.known().value_or(-1);
  } else if (auto *row = value.as<RowValue>()) {
    out << "w" << row->row.known().value_or(-1);
  } else if (auto *ref = value.get<ObjectRef>()) {
    out << "o" << ref->id;
  } else if (auto *closure = value.as<ClosureValue>()) {
    out << closure->node;
  }
}

static std::string known(Specializer &s, const Value &value) {
  std::string text;
  llvm::raw_string_ostream out(text);
  describeKnown(s, value, out);
  return text;
}

/// Whether a generator function that runs calls itself under run-time control, with the same
/// functions and nothing else known: it would go on for ever.
static bool repeats(Specializer &s, const ClosureValue &closure, const Locals &parameters) {
  if (!isa<ast::FunctionDef>(closure.node))
    return false;
  auto isSame = [&](const Frame *frame) {
    if (!frame->closure || frame->closure->node != closure.node ||
        frame->entryBlock == s.builder.getInsertionBlock() ||
        llvm::is_contained(unrollBudget(s).waiting, frame))
      return false;
    Locals given;
    for (auto &[name, value] : parameters) {
      auto it = frame->parameters.find(name);
      if (it == frame->parameters.end() || known(s, it->second) != known(s, value))
        return false;
      given.insert(*it);
    }
    bool readsSame = llvm::all_of(closure.cells, [&](auto &cell) {
      auto it = frame->closure->cells.find(cell.first);
      return it != frame->closure->cells.end() && it->second == cell.second;
    });
    return readsSame && getSameFunctions(s.heap, given, parameters);
  };
  return llvm::any_of(s.frames, isSame);
}

Value Specializer::makeGenerator(const ClosureValue &closure, const Locals &parameters) {
  if (repeats(*this, closure, parameters))
    fail(ErrorId::RecursesTooDeeply, {closure.name},
         {.found = "a generator that calls itself until run-time values end it",
          .help = "return a list instead"});
  ClosureValue own = closure;
  for (const auto &names : {closure.scope().locals, closure.scope().captured})
    for (auto &name : names)
      own.cells[std::string(name)] = heap.add(CellState{Unbound{}});
  for (auto &[name, value] : parameters)
    own.cells[name] = heap.add(CellState{value});
  const GeneratorPlan &plan = planOf(*closure.node);
  for (auto &walk : plan.walks)
    own.cells[walk.second] = heap.add(CellState{Unbound{}});
  if (plan.hasResult)
    own.cells[generatorResult] = heap.add(CellState{NoneValue{}});
  if (plan.takesValues)
    own.cells[sentValue] = heap.add(CellState{NoneValue{}});
  ObjectRef position{heap.add(CellState{makeInt(IntExpr(0))})};
  ObjectRef hasEnded{heap.add(CellState{makeBool(false)})};
  ValueList parts = {std::make_shared<const ClosureValue>(std::move(own)), position, hasEnded};
  return std::make_shared<const IterableValue>(
      IterableValue{IterableValue::Kind::Generator, std::move(parts), 0});
}

/// A generator expression: the first iterable belongs to the scope outside and is evaluated at
/// once.
Value Specializer::makeGeneratorExpression(const ast::GeneratorExp &node) {
  Value first = evaluate(node.generators[0].iter);
  if (dead)
    return NoneValue{};
  ClosureValue closure;
  closure.node = &node;
  closure.name = "<genexpr>";
  closure.globals = frame().globals;
  closure.library = frame().library;
  for (auto &name : node.scope.freeNames)
    if (auto it = frame().cells.find(name); it != frame().cells.end())
      closure.cells[name] = it->second;
  return makeGenerator(closure, {{firstIterable, iterated(first)}});
}

/// Begins the generator's activation, which happens once.
void Specializer::startGenerator(const Value &generator, Frame &callee) {
  const ValueList &parts = generator.as<IterableValue>()->parts;
  auto *closure = parts[0].as<ClosureValue>();
  if (!closure)
    fail(ErrorId::Unsupported, {"a generator that is one of several"},
         {.help = "choose between what they are given, not between generators"});
  // Who asks it for an item meanwhile finds out.
  heap.set(parts[2].get<ObjectRef>()->id,
           CellState{ConflictValue{std::make_shared<const Diagnostic>(
               diagnostic(ErrorId::Unsupported, {"a generator that is asked for items while a loop "
                                                 "over it runs"}))}});
  Locals parameters;
  for (auto &[name, cell] : closure->cells)
    if (closure->scope().locals.contains(name) || name == firstIterable)
      if (Value value = heap.get<CellState>(cell)->value; !value.isUnbound())
        parameters[name] = value;
  // Then nobody else has what a generator expression walks.
  if (auto first = closure->cells.find(firstIterable); first != closure->cells.end())
    heap.set(first->second, CellState{Unbound{}});
  enter(callee, *closure, parameters);
  for (auto &name : closure->scope().locals)
    if (!closure->scope().captured.contains(name))
      callee.cells.erase(std::string(name));
  callee.cells.erase(firstIterable);
  callee.locals["%return"] = makeBool(false);
  callee.locals["%value"] = NoneValue{};
}

/// Runs the body of a generator in its frame.
void Specializer::runGenerator(const ast::Node &node) {
  auto *expr = dyn_cast<ast::GeneratorExp>(&node);
  if (!expr)
    return execute(cast<ast::FunctionDef>(node).body);
  Value first = frame().locals[firstIterable];
  frame().locals.erase(firstIterable);
  auto keep = [&] {
    Value item = evaluate(expr->elt);
    if (!dead)
      frame().onYield(item);
  };
  walkClauses(expr->generators, 0, first, keep, frame().mayStop);
}

/// Moves the locals of one frame into another, under the prefix.
static void keepLocals(Locals &from, Locals &in) {
  for (auto &[name, value] : from)
    in[(consumerPrefix + name).str()] = value;
  from.clear();
}

static void takeLocals(Locals &from, Locals &out) {
  for (auto it = from.begin(); it != from.end();) {
    llvm::StringRef name = it->first;
    if (!name.consume_front(consumerPrefix)) {
      ++it;
      continue;
    }
    out[name.str()] = it->second;
    it = from.erase(it);
  }
}

static void setNames(Locals &locals, const Locals &names) {
  for (auto &[name, value] : names)
    locals[name] = value;
}

void Specializer::consumeGenerator(const ast::Stmt *loop, const Value &generator,
                                   llvm::function_ref<void(const Value &)> take, bool mayStop) {
  Frame &consumer = frame();
  unsigned outerTries = tryDepth;
  Frame callee;
  startGenerator(generator, callee);
  Value keep = generator.as<IterableValue>()->parts[0];
  callee.closure = keep.as<ClosureValue>();
  Frame body = consumer;
  body.locals.clear();
  if (loop)
    dropDeadNames(*loop);
  keepLocals(consumer.locals, callee.locals);
  callee.mayStop = mayStop;
  callee.onYield = [&](const Value &item) {
    Frame &producer = frame();
    std::vector<const Frame *> &waiting = unrollBudget(*this).waiting;
    waiting.push_back(&producer);
    llvm::scope_exit goOn([&] { waiting.pop_back(); });
    Frame inner = body;
    takeLocals(producer.locals, inner.locals);
    enter(inner);
    // On this path nothing has left the loop yet.
    clearFlags();
    inner.locals["%continue"] = makeBool(false);
    // An exception of the consumer passes through the generator's frame, but not its handlers.
    std::set<int64_t> others;
    if (isInTry())
      std::swap(others, possibleKinds.back());
    TryRegion paths = openRegion();
    take(item);
    closeRegion(paths);
    if (tryDepth > outerTries && !possibleKinds.back().empty()) {
      wantsItems = true;
      fail(ErrorId::Unsupported, {"a 'yield' inside 'try' for a loop whose body may raise"},
           {.help = "keep the items before: items = list(..)"});
    }
    if (isInTry())
      possibleKinds.back().insert(others.begin(), others.end());
    Locals raised = takeRaisedNames(inner.locals);
    Scalar left = makeBool(false);
    if (!dead) {
      inner.locals["%continue"] = makeBool(false);
      left = leftFlag();
      if (loop && left.knownBool == false)
        dropDeadNames(*loop);
    }
    frames.pop_back();
    keepLocals(inner.locals, producer.locals);
    setNames(producer.locals, raised);
    if (isInTry())
      continueUnraised({});
    if (!dead && left.knownBool != false)
      producer.locals["%return"] =
          scalarBinary(ast::BinaryOperator::BitOr, truth(producer.locals["%return"]), left);
  };
  Span place = span;
  enter(callee);
  TryRegion paths = openRegion();
  runGenerator(*callee.closure->node);
  closeRegion(paths);
  Locals raised = takeRaisedNames(callee.locals);
  keepResult(callee);
  frames.pop_back();
  span = place;
  takeLocals(callee.locals, consumer.locals);
  consumer.locals.erase("%continue");
  setNames(consumer.locals, raised);
  if (isInTry())
    continueUnraised({});
}

bool Specializer::tryConsuming(const ast::Stmt *loop, const Value &iterable,
                               llvm::function_ref<void(const Value &)> take, bool mayStop,
                               bool isAlone) {
  auto *made = iterable.as<IterableValue>();
  // A generator that others know runs at once where it certainly runs to its end.
  bool isNew = made->kind == IterableValue::Kind::Generator &&
               knownInt(heap.get<CellState>(made->parts[1].get<ObjectRef>()->id)->value) == 0;
  if (!isAlone && (!isNew || mayStop || isInTry()))
    return false;
  wantsItems = false;
  bool isWalked = true;
  auto run = [&] { isWalked = walkGenerator(loop, iterable, take, mayStop); };
  std::vector<Diagnostic> errors;
  if (attempt(run, errors))
    return isWalked;
  if (wantsItems)
    return false;
  for (auto &error : errors)
    diagnostics.report(error);
  throw Abort();
}

bool Specializer::walkGenerator(const ast::Stmt *loop, const Value &iterable,
                                llvm::function_ref<void(const Value &)> take, bool mayStop) {
  using Kind = IterableValue::Kind;
  auto keep = iterable.get<Shared<IterableValue>>();
  if (!keep)
    return false;
  Shared<IterableValue> made = *keep;
  if (made->kind == Kind::Generator) {
    ObjectId hasEnded = made->parts[2].get<ObjectRef>()->id;
    auto *ended = heap.get<CellState>(hasEnded)->value.get<Scalar>();
    if (!ended || ended->knownBool != false)
      return false;
    consumeGenerator(loop, iterable, take, mayStop);
    if (!dead)
      heap.set(hasEnded, CellState{makeBool(true)});
    return true;
  }
  if (made->kind == Kind::Map && made->parts.size() == 2)
    return walkGenerator(
        loop, made->parts[1],
        [&](const Value &item) {
          Value result = call(made->parts[0], CallArguments{{item}, {}, span});
          if (!dead)
            take(result);
        },
        mayStop);
  if (made->kind != Kind::Enumerate)
    return false;
  std::string name = "%number" + std::to_string(frame().locals.size());
  frame().locals[name] = makeInt(made->start);
  auto numbered = [&](const Value &item) {
    Value number = frame().locals[name];
    frame().locals[name] = makeInt(intExpr(*number.get<Scalar>()) + IntExpr(1));
    take(newTuple({number, item}));
  };
  bool isWalked = walkGenerator(loop, made->parts[0], numbered, mayStop);
  frame().locals.erase(name);
  return isWalked;
}

void Specializer::executeYield(const ast::Stmt &statement) {
  const ast::Expr &node = *yieldOf(statement);
  auto *from = dyn_cast<ast::YieldFrom>(&node);
  if (frame().suspended && from) {
    Value iterator = iteratorOf(evaluate(from->value));
    if (dead)
      return;
    heap.set(frame().cells.at(frame().suspended->plan->walks.at(&statement)), CellState{iterator});
    return yieldNext(statement);
  }
  if (!frame().onYield && !frame().suspended)
    fail(ErrorId::Unsupported, {"'yield' here"});
  if (from) {
    Value iterable = iterated(evaluate(from->value));
    forEachItem(iterable, [&](const Value &item) { frame().onYield(item); }, frame().mayStop);
    return finishYield(statement, dead ? Value(NoneValue{}) : resultOf(iterable));
  }
  auto &yield = cast<ast::Yield>(node);
  Value item = yield.value ? evaluate(yield.value) : Value(NoneValue{});
  if (dead)
    return;
  if (frame().suspended)
    return suspend(statement, item);
  frame().onYield(item);
  finishYield(statement, NoneValue{});
}

} // namespace mpy
