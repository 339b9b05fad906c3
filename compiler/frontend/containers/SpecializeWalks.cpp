// How values are walked: the items that are known while compiling, or a number of items and the
// item at a position for a loop at run time.
#include "frontend/containers/Ranges.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "frontend/paths/UnrollBudget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace mpy {

/// So many items are walked while compiling; and so many if no more is done for all of them, of
/// which the second is for sequences that are there: no code is needed to have their items.
static constexpr size_t fewItems = 16, manyItems = 64, manyOfSequence = 4096;
static constexpr uint64_t littleWork = 1000;

/// zip(*rows): as many tuples as the shortest row has items; each has one item of every row.
static RunTimeWalk columns(Specializer &s, const Value &rows) {
  Value sizes = s.call(findBuiltin("map"), CallArguments{{findBuiltin("len"), rows}, {}, s.span});
  Value shortest = s.call(findBuiltin("min"),
                          CallArguments{{sizes}, {{"default", s.makeInt(IntExpr(0))}}, s.span});
  IntExpr length = symbolExpr(s.index(s.intExpr(*shortest.get<Scalar>())), true);
  return RunTimeWalk{length, [&s, rows](const IntExpr &k) {
                       std::string name = "%column" + std::to_string(s.frame().locals.size());
                       s.frame().locals[name] = s.newList({});
                       s.forEachItem(rows, [&](const Value &row) {
                         Value item = s.subscript(row, s.makeInt(k));
                         Value list = s.frame().locals[name];
                         s.appendTo(list, item);
                       });
                       Value column = s.frame().locals[name];
                       s.frame().locals.erase(name);
                       return asTuple(s, column);
                     }};
}

/// The arguments of the program as a list of texts.
static Value argumentList(Specializer &s) {
  CallArguments none;
  Value count = findLibraryFunction("sys.argv.__len__")->call(s, none);
  RangeValue positions{IntExpr(0), s.intExpr(*count.get<Scalar>()), IntExpr(1)};
  std::string name = "%arguments" + std::to_string(s.frame().locals.size());
  s.frame().locals[name] = s.newList({});
  s.forEachItem(std::make_shared<const RangeValue>(positions), [&](const Value &position) {
    CallArguments one;
    one.positional = {position};
    Value text = findLibraryFunction("sys.argv.__getitem__")->call(s, one);
    Value list = s.frame().locals[name];
    s.appendTo(list, text);
  });
  Value list = s.frame().locals[name];
  s.frame().locals.erase(name);
  return list;
}

Value Specializer::inItsOrder(const Value &value, bool isAnyOrder) {
  if (auto *set = object<DictState>(value); set && set->isSet && set->entries.size() > 1)
    return newList(itemsOfSet(*this, value, isAnyOrder));
  if (!runTimeDictKind(*this, value).empty())
    return listedByPrelude(*this, value, isAnyOrder);
  // A container that the library makes of a list says which.
  if (auto cls = classOf(value)) {
    Value method = classAttribute(*cls, "_listed");
    if (auto *closure = method.as<ClosureValue>(); closure && closure->library)
      return *callMethod(value, "_listed", {});
  }
  return value;
}

Value Specializer::iterated(const Value &value, bool isAnyOrder) {
  Value iterable = present(value, "the iterable", typeError("'NoneType' object is not iterable"));
  iterable = inItsOrder(iterable, isAnyOrder);
  if (auto *module = iterable.as<ModuleValue>(); module && module->name == "sys.argv")
    return argumentList(*this);
  auto *text = iterable.get<Text>();
  if (text && text->value)
    return charactersOf(*this, *text);
  if (!isOfClass(iterable) || !runTimeDictKind(*this, iterable).empty())
    return iterable;
  if (auto made = callMethod(iterable, "__iter__", {})) {
    if (dead || isIterator(*made))
      return *made;
    return raiseHere("TypeError", "iter() returned non-iterator of type '" + typeName(*made) + "'");
  }
  return classAttribute(*classOf(iterable), "__getitem__").isUnbound()
             ? iterable
             : newIterator(IterableValue::Kind::Elements, {iterable});
}

/// Whether some of it is walked item by item only.
static bool walksInOrder(Specializer &s, const Value &value) {
  auto *made = value.as<IterableValue>();
  return s.isIterator(value) ||
         (made && (made->kind == IterableValue::Kind::Filter ||
                   llvm::any_of(made->parts, [&](auto &part) { return walksInOrder(s, part); })));
}

/// Whether functions of the program run for each item.
static bool walksCalls(const Value &value) {
  auto *made = value.as<IterableValue>();
  return made && (made->kind == IterableValue::Kind::Map || llvm::any_of(made->parts, walksCalls));
}

/// What is known, beside something whose length is run-time data.
static std::optional<RunTimeWalk> walkKnown(Specializer &s, Value value) {
  auto *made = value.as<IterableValue>();
  if (made && made->kind == IterableValue::Kind::Reversed) {
    auto forwards = walkKnown(s, made->parts[0]);
    if (!forwards)
      return std::nullopt;
    return RunTimeWalk{forwards->length, [walk = *forwards](const IntExpr &k) {
                         return walk.item(walk.length - IntExpr(1) - k);
                       }};
  }
  if (s.object<DictState>(value)) // Its keys; they cannot change meanwhile.
    if (auto keys = s.knownItems(value))
      value = s.newList(*keys);
  auto *text = value.get<Text>();
  bool isSequence = s.object<ListState>(value) || value.as<TupleValue>() || (text && !text->value);
  auto items = isSequence ? s.knownItems(value) : std::nullopt;
  if (!items || items->empty())
    return std::nullopt;
  return RunTimeWalk{IntExpr(int64_t(items->size())), [&s, value](const IntExpr &k) {
                       return s.subscript(value, Value(s.makeInt(k)));
                     }};
}

std::optional<RunTimeWalk> Specializer::runTimeWalk(const Value &value) {
  Specializer &s = *this;
  if (auto *range = value.as<RangeValue>()) {
    RangeValue r = *range;
    IntExpr length = rangeLength(s, r);
    return RunTimeWalk{
        length, [&s, r](const IntExpr &k) { return Value(s.makeInt(r.start + k * r.step)); }};
  }
  if (auto id = s.arrayObject(value)) {
    auto *array = s.heap.get<ArrayState>(*id);
    if (array->shape.empty())
      s.fail(ErrorId::NotIterable, {"an array of rank 0"});
    ObjectId object = *id;
    return RunTimeWalk{array->shape[0], [&s, object](const IntExpr &k) {
                         return arraySubscript(s, object, Value(s.makeInt(k)));
                       }};
  }
  if (auto *list = runTimeListOf(s, value)) {
    Value object = value;
    return RunTimeWalk{list->length, [&s, object](const IntExpr &k) {
                         return itemAt(s, object.get<ObjectRef>()->id, k, k);
                       }};
  }
  auto *iterable = value.as<IterableValue>();
  if (!iterable)
    return std::nullopt;
  using Kind = IterableValue::Kind;
  if (iterable->kind == Kind::Columns)
    return columns(s, iterable->parts[0]);
  if (iterable->kind != Kind::Enumerate && iterable->kind != Kind::Zip &&
      iterable->kind != Kind::Reversed && iterable->kind != Kind::Map)
    return std::nullopt;
  bool isMap = iterable->kind == Kind::Map;
  std::vector<RunTimeWalk> parts;
  auto walked = llvm::drop_begin(iterable->parts, isMap ? 1 : 0);
  if (llvm::any_of(walked, [&](const Value &part) { return walksInOrder(s, part); }))
    return std::nullopt;
  bool isKnown = llvm::all_of(walked, [&](const Value &part) { return !!s.knownItems(part); });
  for (auto &part : walked) {
    auto walk = runTimeWalk(part);
    if (!walk && !isKnown)
      walk = walkKnown(s, part);
    if (!walk)
      return std::nullopt;
    parts.push_back(*walk);
  }
  if (parts.empty())
    return std::nullopt;
  IntExpr length = parts[0].length;
  bool isEven = llvm::all_of(parts, [&](const RunTimeWalk &part) { return part.length == length; });
  // Behind the last row Python still asks those before the shortest.
  if (!isEven && llvm::any_of(walked, walksCalls))
    return std::nullopt;
  for (auto &part : parts)
    length = minimum(length, part.length);
  if (iterable->kind == Kind::Reversed)
    return RunTimeWalk{length, [parts, length](const IntExpr &k) {
                         return parts[0].item(length - IntExpr(1) - k);
                       }};
  if (iterable->kind == Kind::Enumerate) {
    IntExpr start = iterable->start;
    return RunTimeWalk{length, [&s, parts, start](const IntExpr &k) {
                         Scalar number = s.scalarBinary(ast::BinaryOperator::Add, s.makeInt(start),
                                                        s.makeInt(k));
                         return s.newTuple({number, parts[0].item(k)});
                       }};
  }
  if (isMap) {
    Value function = iterable->parts[0];
    return RunTimeWalk{length, [&s, parts, function](const IntExpr &k) {
                         CallArguments arguments{{}, {}, s.span};
                         for (auto &part : parts)
                           arguments.positional.push_back(part.item(k));
                         return s.call(function, std::move(arguments));
                       }};
  }
  return RunTimeWalk{length, [&s, parts](const IntExpr &k) {
                       ValueList row;
                       for (auto &part : parts)
                         row.push_back(part.item(k));
                       return s.newTuple(std::move(row));
                     }};
}

void failToIterate(Specializer &s, const Value &value) {
  s.fail(ErrorId::NotIterable, {s.describe(value)});
}

std::vector<ObjectId> walkedLists(Specializer &s, const Value &iterable) {
  if (s.object<ListState>(iterable) || runTimeListOf(s, iterable))
    return {iterable.get<ObjectRef>()->id};
  std::vector<ObjectId> lists;
  if (auto *made = iterable.as<IterableValue>())
    for (const Value &part : made->parts)
      llvm::append_range(lists, walkedLists(s, part));
  return lists;
}

bool canWalkAgain(const Value &iterable) {
  auto *made = iterable.as<IterableValue>();
  if (!made)
    return true;
  return (made->kind == IterableValue::Kind::Enumerate || made->kind == IterableValue::Kind::Zip) &&
         llvm::all_of(made->parts, canWalkAgain);
}

void failToFollow(Specializer &s) {
  s.fail(ErrorId::UnknownLength, {"a list that changes while it is walked"},
         {.help = "walk a copy of it: for x in list(items)"});
}

void Specializer::forEachKnown(const ValueList &items, size_t from,
                               llvm::function_ref<void(const Value &)> body, bool mayStop,
                               llvm::function_ref<void(size_t)> check) {
  for (size_t i = from; i < items.size() && !dead; ++i) {
    if (check)
      check(i);
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"a loop over " + std::to_string(items.size()) + " items"},
           {.help = "use an array"});
    body(items[i]);
    Scalar left = mayStop && !dead ? leftFlag() : makeBool(false);
    if (left.knownBool == false)
      continue;
    if (!left.knownBool)
      branch(
          ssa(negate(left)),
          [&] {
            clearFlags();
            forEachKnown(items, i + 1, body, mayStop, check);
          },
          [] {});
    return;
  }
}

/// Item by item, where that is the only way.
static void forEachTaken(
    Specializer &s, const Value &iterable, llvm::function_ref<void(const Value &)> body,
    llvm::function_ref<void(llvm::function_ref<Scalar()>, llvm::function_ref<void()>)> takeEach,
    bool mayStop) {
  std::string name = "%walk" + std::to_string(s.nextNumber());
  s.frame().locals[name] = s.iteratorOf(iterable);
  auto test = [&] {
    Value walked = s.frame().locals[name];
    Specializer::Taken taken = s.takeNext(walked);
    if (!s.dead && taken.has.knownBool != false)
      s.frame().locals[name + "="] = taken.item;
    return taken.has;
  };
  auto once = [&] {
    Value item = s.frame().locals[name + "="];
    auto *optional = item.as<OptionalValue>();
    body(optional && !optional->orNone ? optional->value : item);
  };
  takeEach(test, once);
  s.frame().locals.erase(name);
  s.frame().locals.erase(name + "=");
}

void Specializer::forEachItem(const Value &given, llvm::function_ref<void(const Value &)> body,
                              bool mayStop) {
  if (dead)
    return;
  Value whole = iterated(given);
  if (dead)
    return;
  OuterFlags outer(frame().locals);
  frame().locals["%break"] = makeBool(false);
  frame().walked = std::nullopt;
  auto taking = [&] {
    forEachTaken(*this, whole, body, [&](auto test, auto once) { takeEach(test, once); }, mayStop);
    outer.restore(frame().locals);
  };
  auto plain = unshared(whole);
  auto *made = whole.as<IterableValue>();
  bool isGenerator = made && made->kind == IterableValue::Kind::Generator;
  if (isGenerator) {
    if (!tryConsuming(nullptr, whole, body, mayStop, plain.has_value()))
      return taking();
    return outer.restore(frame().locals);
  }
  if (!plain)
    return taking();
  Value iterable = *plain;
  auto *walked = iterable.as<IterableValue>();
  bool isMap = walked && walked->kind == IterableValue::Kind::Map;
  if (isMap || (walked && walked->kind == IterableValue::Kind::Filter)) {
    Value function = walked->parts[0];
    ValueList sources(walked->parts.begin() + 1, walked->parts.end());
    bool isRow = sources.size() > 1;
    Value source = isRow ? Value(std::make_shared<const IterableValue>(
                               IterableValue{IterableValue::Kind::Zip, sources, 0}))
                         : sources[0];
    // What it walks item by item has effects between those of this.
    if (isRow && llvm::any_of(sources, [&](auto &part) {
          return walksInOrder(*this, part) || walksCalls(part);
        }))
      return taking();
    auto mapped = [&](const Value &item) {
      Value result =
          call(function,
               CallArguments{isRow ? item.as<TupleValue>()->items : ValueList{item}, {}, span});
      if (!dead)
        body(result);
    };
    auto filtered = [&](const Value &item) {
      Scalar holds = truth(function.isNone() ? item : call(function, {{item}, {}, span}));
      if (!holds.knownBool)
        branch(ssa(holds), [&] { body(item); }, [] {});
      else if (*holds.knownBool)
        body(item);
    };
    forEachItem(source, [&](const Value &item) { isMap ? mapped(item) : filtered(item); }, mayStop);
    return outer.restore(frame().locals);
  }
  walkItems(whole, iterable, body, mayStop);
  outer.restore(frame().locals);
}

/// The items of what has no position, or of an iterator that is walked as a whole.
void Specializer::walkItems(const Value &whole, const Value &iterable,
                            llvm::function_ref<void(const Value &)> body, bool mayStop) {
  UnrollBudget &budget = unrollBudget(*this);
  uint64_t begun = budget.now();
  auto asLoop = [&](const Value &iterable) {
    frame().walked = std::nullopt;
    auto walk = runTimeWalk(iterable);
    if (!walk && isIterator(whole)) {
      if (!tryConsuming(nullptr, iterable, body, mayStop, /*isAlone=*/true))
        forEachTaken(
            *this, whole, body, [&](auto test, auto once) { takeEach(test, once); }, mayStop);
      return;
    }
    if (!walk)
      failToIterate(*this, iterable);
    RunTimeLoop shape;
    shape.trip = walk->length;
    shape.jumps = mayStop;
    Value item;
    Span place = span;
    walkedValues.push_back(iterable);
    llvm::scope_exit leave([&] { walkedValues.pop_back(); });
    shape.begin = [&](const IntExpr &k) {
      span = place;
      item = walk->item(k);
      frame().walked = frame().walksOnce && runTimeListOf(*this, iterable)
                           ? std::optional<IntExpr>(k)
                           : std::nullopt;
    };
    auto once = [&] {
      if (!dead)
        body(item);
    };
    shape.body = once;
    runTimeLoop(nullptr, shape);
  };
  // Many are walked by a loop, unless little is done with each and something is known of it.
  if (auto count = countOfWalk(*this, iterable); count && *count > fewItems) {
    size_t most = iterable.as<IterableValue>() || isArray(iterable) ? manyItems : manyOfSequence;
    auto walkKnown = [&] {
      frame().walked = std::nullopt;
      const ValueList items = *knownItems(iterable);
      forEachKnown(items, 0, body, mayStop, [&](size_t position) {
        if (position && (budget.now() - begun) * items.size() / position > littleWork)
          throw Abort();
      });
    };
    std::vector<Diagnostic> errors;
    if (*count <= most && attempt(walkKnown, errors))
      return;
    auto walkCounted = [&] {
      auto counted = countedWalk(*this, iterable);
      if (!counted)
        throw Abort();
      asLoop(*counted);
    };
    if (attempt(walkCounted, errors))
      return;
  }
  frame().walked = std::nullopt;
  auto items = knownItems(iterable);
  if (!items)
    return asLoop(iterable);
  begun = budget.now();
  forEachKnown(*items, 0, body, mayStop,
               [&](size_t position) { budget.check(begun, position, items->size()); });
}

} // namespace mpy
