// Iterators: values with a position. `next` takes one item, at the moment when the program asks for
// it and in Python's order of effects:
//
//   z = zip(up(2), [5, 6])      next(z)   =>   item 0 of up(2), then item 0 of the list
//
// The position is a cell of the heap, which joins, loops and functions of their own treat as any
// other variable. What nobody else can take from needs no position: it is walked as a whole
// (SpecializeWalks.cpp), and only what is shared, has begun, or has effects between its items is
// taken from item by item.
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "frontend/values/Generators.h"
#include "llvm/ADT/ScopeExit.h"

namespace mpy {

using Kind = IterableValue::Kind;
using Taken = Specializer::Taken;

/// The position of an iterator behind its last item.
static constexpr int64_t behindAll = int64_t(1) << 48;

/// The cell with the position of an iterator; nothing for what has none.
static std::optional<ObjectId> positionCell(Specializer &s, const IterableValue &made) {
  auto *last = made.parts.empty() ? nullptr : made.parts.back().get<ObjectRef>();
  if (!last || !s.heap.get<CellState>(last->id))
    return std::nullopt;
  return last->id;
}

/// The positions of an iterator and of those that it takes from.
static void forEachPosition(Specializer &s, const Value &iterator,
                            llvm::function_ref<void(ObjectId)> visit) {
  auto *made = iterator.as<IterableValue>();
  if (!made)
    return;
  if (auto cell = positionCell(s, *made))
    visit(*cell);
  for (const Value &part : made->parts)
    forEachPosition(s, part, visit);
}

/// How many of the parts come before those that are walked: functions.
static size_t functionsOf(const IterableValue &made) {
  return made.kind == Kind::Map || made.kind == Kind::Filter ? 1 : 0;
}

static bool hasMethod(Specializer &s, const Value &value, llvm::StringRef name) {
  return s.isOfClass(value) && !s.classAttribute(*s.classOf(value), name).isUnbound();
}

bool Specializer::isIterator(const Value &value) {
  if (auto *made = value.as<IterableValue>())
    return positionCell(*this, *made).has_value();
  return hasMethod(*this, value, "__next__");
}

/// Whether walking it twice, or in another order, is seen by nobody.
static bool hasEffects(Specializer &s, const Value &value) {
  auto *made = value.as<IterableValue>();
  if (!made)
    return s.isIterator(value);
  return made->kind == Kind::Generator || made->kind == Kind::Map || made->kind == Kind::Filter ||
         made->kind == Kind::Calls ||
         llvm::any_of(made->parts, [&](const Value &part) { return hasEffects(s, part); });
}

std::optional<Value> Specializer::unshared(const Value &value, bool isNew) {
  if (!value.as<IterableValue>())
    return isIterator(value) ? std::nullopt : std::optional(value);
  std::vector<ObjectId> cells;
  bool isAtStart = true;
  auto isZero = [&](ObjectId cell) { return knownInt(heap.get<CellState>(cell)->value) == 0; };
  std::function<Value(const Value &)> strip = [&](const Value &part) -> Value {
    auto *made = part.as<IterableValue>();
    if (!made) {
      isAtStart &= !isIterator(part);
      return part;
    }
    auto cell = positionCell(*this, *made);
    if (made->kind == Kind::Generator) {
      for (const Value &state : llvm::drop_begin(made->parts)) {
        cells.push_back(state.get<ObjectRef>()->id);
        auto *scalar = heap.get<CellState>(cells.back())->value.get<Scalar>();
        isAtStart &= scalar && (scalar->knownBool == false || isZero(cells.back()));
      }
      return part;
    }
    IterableValue plain = *made;
    if (cell) {
      cells.push_back(*cell);
      isAtStart &= isZero(*cell);
      plain.parts.pop_back();
    }
    isAtStart &= made->kind != Kind::Calls;
    for (Value &inner : llvm::drop_begin(plain.parts, functionsOf(*made)))
      inner = strip(inner);
    if (made->kind == Kind::Elements) {
      isAtStart &= !isOfClass(plain.parts[0]);
      return plain.parts[0];
    }
    return std::make_shared<const IterableValue>(std::move(plain));
  };
  Value plain = strip(value);
  if (cells.empty())
    return plain;
  if (!isAtStart || std::set<ObjectId>(cells.begin(), cells.end()).size() != cells.size())
    return std::nullopt;
  if (isNew && cells.size() == 1)
    return plain;
  std::vector<bool> isReachable = reachableObjects();
  if (llvm::any_of(cells, [&](ObjectId cell) { return isReachable[cell]; }))
    return std::nullopt;
  return plain;
}

Value Specializer::newIterator(Kind kind, ValueList parts, IntExpr start) {
  IterableValue made{kind, std::move(parts), std::move(start)};
  // One that is given twice, zip(*[iter(xs)] * 2), is shared.
  std::map<ObjectId, unsigned> uses;
  for (const Value &part : made.parts)
    forEachPosition(*this, part, [&](ObjectId id) { ++uses[id]; });
  auto isGivenTwice = [&](const Value &part) {
    bool found = false;
    forEachPosition(*this, part, [&](ObjectId id) { found |= uses[id] > 1; });
    return found;
  };
  for (Value &part : llvm::drop_begin(made.parts, functionsOf(made))) {
    if (kind == Kind::Calls || kind == Kind::Reversed || kind == Kind::Elements)
      break;
    bool isShared = isGivenTwice(part);
    part = iterated(part);
    if (auto plain = isIterator(part) && !isShared ? unshared(part) : std::nullopt;
        plain && !hasEffects(*this, *plain))
      part = *plain;
  }
  made.parts.push_back(ObjectRef{heap.add(CellState{makeInt(IntExpr(0))})});
  return std::make_shared<const IterableValue>(std::move(made));
}

Value Specializer::iteratorOf(const Value &given) {
  // Dicts of run-time keys say when they changed their size meanwhile.
  if (llvm::StringRef kind = runTimeDictKind(*this, given); !kind.empty() && kind != "set")
    return *callMethod(given, "__iter__", {});
  Value iterable = iterated(given);
  if (dead || isIterator(iterable))
    return iterable;
  // One that was to be walked as a whole, without its position.
  if (auto *made = iterable.as<IterableValue>();
      made && llvm::is_contained({Kind::Enumerate, Kind::Zip, Kind::Map, Kind::Filter}, made->kind))
    return newIterator(made->kind, made->parts, made->start);
  auto *text = iterable.get<Text>();
  bool isWalked = iterable.as<TupleValue>() || iterable.as<RangeValue>() || text ||
                  iterable.as<IterableValue>() || object<ListState>(iterable) ||
                  object<DictState>(iterable) || runTimeListOf(*this, iterable) ||
                  isArray(iterable);
  if (!isWalked)
    return raiseHere("TypeError", "'" + typeName(given) + "' object is not iterable");
  auto *dict = object<DictState>(iterable);
  return newIterator(Kind::Elements, {iterable}, IntExpr(dict ? int64_t(dict->entries.size()) : 0));
}

Value Specializer::listed(const Value &iterable) {
  return iterable.as<IterableValue>() || isIterator(iterable)
             ? call(findBuiltin("list"), CallArguments{{iterable}, {}, span})
             : iterable;
}

//===----------------------------------------------------------------------===//
// One item
//===----------------------------------------------------------------------===//

/// What a name holds on the paths that have set it.
static Value whereSet(const Value &value) {
  auto *optional = value.as<OptionalValue>();
  return optional && !optional->orNone ? optional->value : value;
}

/// What was noted under a name: whether there is an item, and the item. The names end with it.
static Specializer::Taken takeNoted(Specializer &s, const std::string &name) {
  Locals &locals = s.frame().locals;
  Specializer::Taken result{s.truth(locals[name + "?"]), NoneValue{}};
  if (auto it = locals.find(name); it != locals.end())
    result.item = whereSet(it->second);
  locals.erase(name);
  locals.erase(name + "?");
  return result;
}

/// Takes under a condition: there is an item where it holds and `then` has one.
Taken Specializer::takeWhere(const Scalar &has, llvm::function_ref<Taken()> then) {
  if (dead || has.knownBool == false)
    return {makeBool(false), NoneValue{}};
  if (has.knownBool == true)
    return then();
  std::string name = "%taken" + std::to_string(nextNumber());
  frame().locals[name + "?"] = makeBool(false);
  branch(
      ssa(has),
      [&] {
        Taken taken = then();
        if (dead || taken.has.knownBool == false)
          return;
        frame().locals[name + "?"] = taken.has;
        frame().locals[name] = taken.item;
      },
      [] {});
  if (dead)
    return {makeBool(false), NoneValue{}};
  return takeNoted(*this, name);
}

/// An item of what is no iterator, if it has one at the position.
Taken Specializer::takeAt(const Value &container, const IntExpr &position) {
  if (isOfClass(container))
    return takeCalled([&] { return *callMethod(container, "__getitem__", {makeInt(position)}); },
                      {"IndexError", "StopIteration"});
  auto *list = object<ListState>(container);
  auto *tuple = container.as<TupleValue>();
  const ValueList *held = list ? &list->items : tuple ? &tuple->items : nullptr;
  auto walk = held ? std::nullopt : runTimeWalk(container);
  std::optional<ValueList> items;
  if (!held && !walk) {
    items = knownItems(container);
    if (!items)
      failToIterate(*this, container);
    held = &*items;
  }
  IntExpr length = walk ? walk->length : IntExpr(int64_t(held->size()));
  auto at = position.known(), size = length.known();
  Scalar has = at && size
                   ? makeBool(*at < *size)
                   : scalarCompare(ast::CompareOperator::Lt, makeInt(position), makeInt(length));
  if (at && has.knownBool == true && held)
    return {has, (*held)[*at]};
  return takeWhere(has, [&] {
    Value sequence = items ? newList(*items) : container;
    Value item = walk ? walk->item(position) : subscript(sequence, makeInt(position));
    return Taken{makeBool(true), item};
  });
}

Taken Specializer::takePart(const Value &part, const IntExpr &position) {
  return isIterator(part) ? takeNext(part) : takeAt(part, position);
}

/// One item of each part, in their order, up to one that has none.
Taken Specializer::takeRow(llvm::ArrayRef<Value> parts, const IntExpr &position, ValueList row) {
  if (row.size() == parts.size())
    return {makeBool(true), newTuple(std::move(row))};
  Taken taken = takePart(parts[row.size()], position);
  return takeWhere(taken.has, [&] {
    ValueList longer = row;
    longer.push_back(taken.item);
    return takeRow(parts, position, std::move(longer));
  });
}

/// The next item that a filter keeps.
Taken Specializer::takeKept(const IterableValue &filter, ObjectId state) {
  std::string name = "%filtered" + std::to_string(nextNumber());
  frame().locals[name + "?"] = makeBool(false);
  Value function = filter.parts[0], source = filter.parts[1];
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  auto test = [&] {
    IntExpr position = positionIn(state);
    heap.set(state, CellState{makeInt(position + IntExpr(1))});
    Taken taken = takePart(source, position);
    if (!dead && taken.has.knownBool != false)
      frame().locals[name + "="] = taken.item;
    return taken.has;
  };
  auto body = [&] {
    Value item = whereSet(frame().locals[name + "="]);
    Scalar holds =
        truth(function.isNone() ? item : call(function, CallArguments{{item}, {}, span}));
    auto keep = [&] {
      frame().locals[name + "?"] = frame().locals["%break"] = makeBool(true);
      frame().locals[name] = item;
    };
    if (dead || holds.knownBool == false)
      return;
    if (holds.knownBool)
      keep();
    else
      branch(ssa(holds), keep, [] {});
  };
  takeEach(test, body);
  outer.restore(frame().locals);
  if (dead)
    return {makeBool(false), NoneValue{}};
  Taken result{truth(frame().locals[name + "?"]), NoneValue{}};
  if (auto it = frame().locals.find(name); it != frame().locals.end())
    result.item = whereSet(it->second);
  for (const char *part : {"", "?", "="})
    frame().locals.erase(name + part);
  return result;
}

/// What a call gives; exceptions of some kinds say that there is nothing more.
Taken Specializer::takeCalled(llvm::function_ref<Value()> make,
                              llvm::ArrayRef<llvm::StringRef> ends) {
  std::string name = "%called" + std::to_string(nextNumber());
  frame().locals[name + "?"] = makeBool(false);
  std::set<int64_t> kinds;
  std::shared_ptr<State> unraised = runGuarded(
      [&] {
        Value item = make();
        if (!dead)
          frame().locals[name] = item;
      },
      kinds);
  if (dead)
    return {makeBool(false), NoneValue{}};
  auto passed = [&] {
    takeRaisedNames(frame().locals);
    frame().locals[name + "?"] = makeBool(true);
  };
  auto stopped = [&] {
    Raised raised = takeRaised(frame().locals);
    forRaised(raised, kinds, [&](int64_t kind) {
      std::string text = exceptionKinds[kind];
      auto cls = exceptionClass(text);
      bool isEnd = cls && llvm::any_of(ends, [&](llvm::StringRef end) {
                     return llvm::is_contained(heap.get<ClassState>(*cls)->resolution,
                                               builtinClasses.at(end.str()));
                   });
      if (!isEnd)
        raise(text, *raised.message.get<Text>(), exceptionOf(raised, kind), raised.place);
    });
  };
  Scalar raised = raisedFlag();
  if (raised.knownBool == false)
    passed();
  else if (raised.knownBool == true)
    stopped();
  else
    branch(ssa(raised), stopped, passed);
  if (dead)
    return {makeBool(false), NoneValue{}};
  return takeNoted(*this, name);
}

IntExpr Specializer::positionIn(ObjectId state) {
  // Where it may be missing, so may be the iterator, and then nobody asks.
  Value position = whereSet(heap.get<CellState>(state)->value);
  auto *scalar = position.get<Scalar>();
  if (!scalar)
    fail(ErrorId::Unsupported, {"an iterator that is one of several"},
         {.help = "choose between what they are given, not between iterators"});
  return intExpr(*scalar);
}

Taken Specializer::takeNext(const Value &given) {
  if (dead)
    return {makeBool(false), NoneValue{}};
  // What it is made of stays, and loops in it see its position.
  Value iterator = given;
  std::string root = "%next" + std::to_string(nextNumber());
  Frame &holder = frame();
  holder.locals[root] = iterator;
  llvm::scope_exit leave([&] { holder.locals.erase(root); });
  if (hasMethod(*this, iterator, "__next__"))
    return takeCalled([&] { return *callMethod(iterator, "__next__", {}); }, {"StopIteration"});
  auto *made = iterator.as<IterableValue>();
  if (!made || !isIterator(iterator)) {
    raiseHere("TypeError", "'" + typeName(iterator) + "' object is not an iterator");
    return {makeBool(false), NoneValue{}};
  }
  if (made->kind == Kind::Generator)
    return takeGenerated(iterator);
  ObjectId state = *positionCell(*this, *made);
  if (made->kind == Kind::Filter)
    return takeKept(*made, state);
  IntExpr position = positionIn(state);
  auto isOpen = [&](const IntExpr &at) {
    return at.known()
               ? makeBool(*at.known() < behindAll)
               : scalarCompare(ast::CompareOperator::Lt, makeInt(at), makeInt(IntExpr(behindAll)));
  };
  heap.set(state, CellState{makeInt(position + IntExpr(1))});
  auto sources = llvm::ArrayRef(made->parts).drop_back().drop_front(functionsOf(*made));
  Taken taken;
  switch (made->kind) {
  case Kind::Elements:
    if (auto *dict = object<DictState>(sources[0]);
        dict && !made->start.isKnown(int64_t(dict->entries.size())) &&
        !position.isKnown(behindAll)) {
      raiseHere("RuntimeError", dict->isSet ? "Set changed size during iteration"
                                            : "dictionary changed size during iteration");
      return {makeBool(false), NoneValue{}};
    }
    // Behind its end an object is not asked again.
    taken = !isOfClass(sources[0])
                ? takeAt(sources[0], position)
                : takeWhere(isOpen(position), [&] { return takeAt(sources[0], position); });
    break;
  case Kind::Reversed: {
    IntExpr index = made->start - IntExpr(1) - position;
    Scalar isLeft = index.known() ? makeBool(*index.known() >= 0)
                                  : scalarCompare(ast::CompareOperator::GtE, makeInt(index),
                                                  makeInt(IntExpr(0)));
    taken = takeWhere(isLeft, [&] { return takeAt(sources[0], index); });
    break;
  }
  case Kind::Enumerate: {
    Taken item = takePart(sources[0], position);
    taken = takeWhere(item.has, [&] {
      Scalar number =
          scalarBinary(ast::BinaryOperator::Add, makeInt(made->start), makeInt(position));
      return Taken{makeBool(true), newTuple({number, item.item})};
    });
    break;
  }
  case Kind::Map: {
    Taken row = takeRow(sources, position, {});
    taken = takeWhere(row.has, [&] {
      CallArguments arguments{row.item.as<TupleValue>()->items, {}, span};
      return Taken{makeBool(true), call(made->parts[0], std::move(arguments))};
    });
    break;
  }
  case Kind::Calls: {
    taken = takeWhere(isOpen(position), [&] {
      Value item = call(sources[0], CallArguments{{}, {}, span});
      return Taken{negate(truth(compare(ast::CompareOperator::Eq, item, sources[1]))), item};
    });
    break;
  }
  default:
    taken = sources.empty() ? Taken{makeBool(false), NoneValue{}} : takeRow(sources, position, {});
  }
  auto end = [&] { heap.set(state, CellState{makeInt(IntExpr(behindAll))}); };
  if (dead || taken.has.knownBool == true)
    return taken;
  if (taken.has.knownBool == false)
    end();
  else
    branch(ssa(taken.has), [] {}, end);
  return taken;
}

//===----------------------------------------------------------------------===//
// All items, one after the other
//===----------------------------------------------------------------------===//

void Specializer::takeEach(llvm::function_ref<Scalar()> test, llvm::function_ref<void()> body,
                           llvm::function_ref<void()> first) {
  auto atRunTime = [&] {
    RunTimeLoop shape;
    shape.firstTest = test();
    if (dead || shape.firstTest.knownBool == false)
      return;
    shape.test = test;
    shape.body = body;
    shape.jumps = true;
    runTimeLoop(nullptr, shape);
  };
  static constexpr unsigned mostKnown = 64;
  auto all = [&] {
    for (unsigned round = 0;; ++round) {
      std::vector<Diagnostic> errors;
      if (round == mostKnown && attempt(atRunTime, errors))
        return;
      if (++unrolled > maximumUnrolled)
        fail(ErrorId::UnrollsTooFar, {"this iterator"},
             {.found = "more than " + std::to_string(round) + " items that differ in structure"});
      Scalar goes = test();
      if (dead || goes.knownBool == false)
        return;
      bool goesOn = false;
      auto once = [&] {
        runIteration(body, [&](bool isCertain) {
          goesOn = isCertain && goes.knownBool;
          if (!goesOn)
            atRunTime();
        });
      };
      if (!goes.knownBool)
        return branch(ssa(goes), once, [] {});
      once();
      if (!goesOn)
        return;
    }
  };
  if (first)
    runIteration(first, [&](bool) { all(); });
  else
    all();
}

void endIterator(Specializer &s, const Value &iterator) {
  auto *made = iterator.as<IterableValue>();
  if (!made)
    return;
  Value end = made->kind == Kind::Generator ? Value(s.makeBool(true))
                                            : Value(s.makeInt(IntExpr(behindAll)));
  s.heap.set(*positionCell(s, *made), CellState{end});
}

void Specializer::executeTaking(const ast::For &loop, const Value &iterator) {
  std::string name = "%walk" + std::to_string(nextNumber());
  frame().locals[name] = iterator;
  Span place = span;
  auto test = [&] {
    span = place;
    Value walked = frame().locals[name];
    Taken taken = takeNext(walked);
    if (!dead && taken.has.knownBool != false)
      frame().locals[name + "="] = taken.item;
    return taken.has;
  };
  auto body = [&] {
    assign(*loop.target, whereSet(frame().locals[name + "="]));
    execute(loop.body);
  };
  whileLoop(loop, test, body);
  if (!dead && !canJump(loop.body, frame().mayStop))
    endIterator(*this, frame().locals[name]);
  frame().locals.erase(name);
  frame().locals.erase(name + "=");
}

//===----------------------------------------------------------------------===//
// Builtins
//===----------------------------------------------------------------------===//

Value builtins::iterOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "object?, sentinel?", "iter");
  if (!given[1].isUnbound())
    return s.newIterator(Kind::Calls, {given[0], given[1]});
  return s.iteratorOf(given[0]);
}

Value builtins::nextOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "iterator, default?", "next");
  Taken taken = s.takeNext(given[0]);
  if (s.dead || taken.has.knownBool == true)
    return taken.item;
  bool isEnd = taken.has.knownBool == false;
  if (!given[1].isUnbound())
    return isEnd ? given[1]
                 : s.branchValue(
                       s.ssa(taken.has), [&] { return taken.item; }, [&] { return given[1]; });
  bool isConverted = endsGenerator(s);
  Value result = isConverted ? Value(NoneValue{}) : s.resultOf(given[0]);
  if (!result.isNone()) {
    auto stop = [&] {
      s.raise(
          "StopIteration", s.str(result),
          std::make_shared<const ExceptionValue>(ExceptionValue{"StopIteration", {result}, false}));
    };
    isEnd ? stop() : s.branch(s.ssa(taken.has), [] {}, stop);
    return taken.item;
  }
  const char *kind = isConverted ? "RuntimeError" : "StopIteration";
  const char *message = isConverted ? "generator raised StopIteration" : "";
  if (isEnd)
    return s.raiseHere(kind, message);
  s.check(s.ssa(taken.has), kind, message);
  return taken.item;
}

Value builtins::firstOf(Specializer &s, CallArguments &arguments) {
  return s.subscript(arguments.positional[0], s.makeInt(IntExpr(0)));
}

} // namespace mpy
