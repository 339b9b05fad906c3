// How values are walked: the items that are known while compiling, or a number of items and the
// item at a position for a loop at run time.
#include "frontend/Loops.h"
#include "frontend/Prelude.h"
#include "frontend/Ranges.h"
#include "frontend/RunTimeLists.h"
#include "frontend/UnrollBudget.h"
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
  return text && text->value ? charactersOf(*this, *text) : iterable;
}

static bool walksGenerator(const Value &value) {
  auto *made = value.as<IterableValue>();
  return made && (made->kind == IterableValue::Kind::Generator ||
                  llvm::any_of(made->parts, walksGenerator));
}

/// What is known, beside something whose length is run-time data.
static std::optional<RunTimeWalk> walkKnown(Specializer &s, const Value &value) {
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
  if (llvm::any_of(walked, walksGenerator))
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
  if (walksGenerator(value))
    s.fail(ErrorId::UnknownLength, {s.describe(value) + " over a generator"},
           {.help = "make the items a list first: list(..)"});
  bool hasMethods =
      s.classOf(value) && (!s.classAttribute(*s.classOf(value), "__iter__").isUnbound() ||
                           !s.classAttribute(*s.classOf(value), "__getitem__").isUnbound());
  s.fail(ErrorId::NotIterable, {s.describe(value)},
         {.help = hasMethods ? "give the class a method that returns a list, or loop with 'while' "
                               "and call __next__'s work as a method"
                             : ""});
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

void Specializer::forEachItem(const Value &given, llvm::function_ref<void(const Value &)> body) {
  if (dead)
    return;
  Value iterable = iterated(given);
  if (auto *made = iterable.as<IterableValue>();
      made && made->kind == IterableValue::Kind::Filter) {
    Value test = made->parts[0];
    return forEachItem(made->parts[1], [&](const Value &item) {
      Scalar holds = truth(test.isNone() ? item : call(test, {{item}, {}, span}));
      if (!holds.knownBool)
        branch(ssa(holds), [&] { body(item); }, [] {});
      else if (*holds.knownBool)
        body(item);
    });
  }
  UnrollBudget &budget = unrollBudget(*this);
  uint64_t begun = budget.now();
  auto asLoop = [&](const Value &iterable) {
    frame().walked = std::nullopt;
    auto walk = runTimeWalk(iterable);
    if (!walk)
      failToIterate(*this, iterable);
    RunTimeLoop shape;
    shape.trip = walk->length;
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
    auto once = [&] { body(item); };
    shape.body = once;
    OuterFlags outer(frame().locals);
    frame().locals["%break"] = makeBool(false);
    runTimeLoop(nullptr, shape);
    outer.restore(frame().locals);
  };
  // Many are walked by a loop, unless little is done with each and something is known of it.
  if (auto count = countOfWalk(*this, iterable); count && *count > fewItems) {
    auto *made = iterable.as<IterableValue>();
    bool isMap = made && made->kind == IterableValue::Kind::Map;
    size_t most = made || isArray(iterable) ? manyItems : manyOfSequence;
    auto walkKnown = [&] {
      frame().walked = std::nullopt;
      const ValueList items = *knownItems(iterable);
      for (const auto &[position, item] : llvm::enumerate(items)) {
        if (position && (budget.now() - begun) * items.size() / position > littleWork)
          throw Abort();
        body(item);
      }
    };
    std::vector<Diagnostic> errors;
    if (*count <= most && !isMap && attempt(walkKnown, errors))
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
  if (!items) {
    if (!walkGenerator(nullptr, iterable, body))
      asLoop(iterable);
    return;
  }
  begun = budget.now();
  for (const auto &[position, item] : llvm::enumerate(*items)) {
    budget.check(begun, position, items->size());
    if (++unrolled > maximumUnrolled)
      fail(ErrorId::UnrollsTooFar, {"a loop over " + std::to_string(items->size()) + " items"},
           {.help = "use an array"});
    body(item);
  }
}

} // namespace mpy
