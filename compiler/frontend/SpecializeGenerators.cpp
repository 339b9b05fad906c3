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
#include "frontend/Specializer.h"

namespace mpy {

/// Marks names of whoever consumes a generator.
static constexpr llvm::StringLiteral consumerPrefix = "%<";

static bool isGenerator(const Value &value) {
  auto *iterable = value.as<IterableValue>();
  return iterable && iterable->kind == IterableValue::Kind::Generator;
}

Value Specializer::makeGenerator(const ClosureValue &closure, const Locals &parameters) {
  ValueList parts = {std::make_shared<const ClosureValue>(closure),
                     ObjectRef{heap.add(CellState{makeBool(false)})}};
  for (auto &[name, value] : parameters) {
    parts.push_back(makeText(name));
    parts.push_back(value);
  }
  return std::make_shared<const IterableValue>(
      IterableValue{IterableValue::Kind::Generator, std::move(parts), 0});
}

/// Begins the generator's activation, which happens once.
void Specializer::startGenerator(const Value &generator, Frame &callee) {
  const ValueList &parts = generator.as<IterableValue>()->parts;
  ObjectId begun = parts[1].get<ObjectRef>()->id;
  if (truth(heap.get<CellState>(begun)->value).knownBool != false)
    fail(ErrorId::Unsupported, {"a generator that may have been used before"},
         {.help = "call the generator function again, or keep its items: items = list(..)"});
  heap.set(begun, CellState{makeBool(true)});
  auto *closure = parts[0].as<ClosureValue>();
  if (!closure)
    fail(ErrorId::Unsupported, {"a generator that is one of several"});
  Locals parameters;
  for (size_t i = 2; i + 1 < parts.size(); i += 2)
    parameters[parts[i].get<Text>()->known] = parts[i + 1];
  enter(callee, *closure, parameters);
  callee.locals["%return"] = makeBool(false);
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
                                   llvm::function_ref<void(const Value &)> take) {
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
  callee.onYield = [&](const Value &item) {
    Frame &producer = frame();
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
    if (tryDepth > outerTries && !possibleKinds.back().empty())
      fail(ErrorId::Unsupported, {"a 'yield' inside 'try' for a loop whose body may raise"},
           {.help = "keep the items before: items = list(..)"});
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
  execute(llvm::cast<ast::FunctionDef>(callee.closure->node)->body);
  closeRegion(paths);
  Locals raised = takeRaisedNames(callee.locals);
  frames.pop_back();
  span = place;
  takeLocals(callee.locals, consumer.locals);
  consumer.locals.erase("%continue");
  setNames(consumer.locals, raised);
  if (isInTry())
    continueUnraised({});
}

bool Specializer::walkGenerator(const ast::Stmt *loop, const Value &iterable,
                                llvm::function_ref<void(const Value &)> take) {
  using Kind = IterableValue::Kind;
  if (isGenerator(iterable)) {
    consumeGenerator(loop, iterable, take);
    return true;
  }
  auto keep = iterable.get<Shared<IterableValue>>();
  if (!keep || ((*keep)->kind != Kind::Enumerate && (*keep)->kind != Kind::Map))
    return false;
  Shared<IterableValue> made = *keep;
  if (made->kind == Kind::Map)
    return made->parts.size() == 2 && walkGenerator(loop, made->parts[1], [&](const Value &item) {
             take(call(made->parts[0], CallArguments{{item}, {}, span}));
           });
  std::string name = "%number" + std::to_string(frame().locals.size());
  frame().locals[name] = makeInt(made->start);
  bool isWalked = walkGenerator(loop, made->parts[0], [&](const Value &item) {
    Value number = frame().locals[name];
    frame().locals[name] = makeInt(intExpr(*number.get<Scalar>()) + IntExpr(1));
    take(newTuple({number, item}));
  });
  frame().locals.erase(name);
  return isWalked;
}

std::optional<ValueList> Specializer::generatedItems(const Value &generator) {
  Frame callee;
  startGenerator(generator, callee);
  Value keep = generator.as<IterableValue>()->parts[0];
  callee.closure = keep.as<ClosureValue>();
  ValueList items;
  mlir::Block *start = builder.getInsertionBlock();
  callee.onYield = [&](const Value &item) {
    if (builder.getInsertionBlock() != start)
      fail(ErrorId::UnknownLength, {"a generator whose items depend on run-time values"},
           {.help = "loop over it with 'for'"});
    items.push_back(item);
  };
  Span place = span;
  enter(callee);
  execute(llvm::cast<ast::FunctionDef>(callee.closure->node)->body);
  frames.pop_back();
  span = place;
  return items;
}

void Specializer::executeYield(const ast::Expr &node) {
  if (!frame().onYield)
    fail(ErrorId::Unsupported, {"'yield' here"});
  if (auto *from = llvm::dyn_cast<ast::YieldFrom>(&node)) {
    Value source = evaluate(from->value);
    if (isGenerator(source))
      return consumeGenerator(nullptr, source, [&](const Value &item) { frame().onYield(item); });
    if (auto items = knownItems(source))
      return yieldFrom(*items, 0);
    fail(ErrorId::Unsupported, {"'yield from' here"}, {.help = "write for item in ..: yield item"});
  }
  auto &yield = llvm::cast<ast::Yield>(node);
  Value item = yield.value ? evaluate(yield.value) : Value(NoneValue{});
  if (!dead)
    frame().onYield(item);
}

void Specializer::yieldFrom(const ValueList &items, size_t from) {
  for (size_t i = from; i < items.size() && !dead; ++i) {
    frame().onYield(items[i]);
    if (dead)
      return;
    Scalar left = leftFlag();
    if (left.knownBool == true)
      return;
    if (!left.knownBool) {
      branch(
          ssa(negate(left)),
          [&] {
            clearFlags();
            yieldFrom(items, i + 1);
          },
          [] {});
      return;
    }
  }
}

} // namespace mpy
