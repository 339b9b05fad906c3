// sum, min, max, any, all, sorted: one value from all items, at compile time where they are known,
// else in a loop of the program.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mpy {

/// start, step(start, item 0), step(that, item 1), .. Of positions in a list at run time, known
/// ones are walked by a loop where they are many.
static Value fold(Specializer &s, const Value &iterable, const Value &start,
                  llvm::function_ref<Value(const Value &, const Value &)> step,
                  bool ofPositions = false) {
  static constexpr size_t manyPositions = 8;
  auto items = s.knownItems(iterable);
  if (items && !(ofPositions && items->size() > manyPositions)) {
    Value total = start;
    for (auto &item : *items)
      total = step(total, item);
    return total;
  }
  std::string name = "%fold" + std::to_string(s.nextNumber());
  s.frame().locals[name] = start;
  s.forEachItem(iterable, [&](const Value &item) {
    Value before = s.frame().locals[name], next = step(before, item);
    if (!s.dead)
      s.frame().locals[name] = next;
  });
  if (s.dead)
    return NoneValue{};
  Value total = s.frame().locals[name];
  s.frame().locals.erase(name);
  return total;
}

Scalar anyItem(Specializer &s, const Value &iterable,
               llvm::function_ref<Scalar(const Value &)> test) {
  std::string name = "%any" + std::to_string(s.nextNumber());
  s.frame().locals[name] = s.makeBool(false);
  auto body = [&](const Value &item) {
    Scalar holds = test(item);
    if (s.dead || holds.knownBool == false)
      return;
    s.frame().locals[name] = holds;
    s.frame().locals["%break"] = holds;
  };
  s.forEachItem(iterable, body, /*mayStop=*/true);
  if (s.dead)
    return s.makeBool(false);
  Scalar found = s.truth(s.frame().locals[name]);
  s.frame().locals.erase(name);
  return found;
}

/// The sum of a list of complex numbers is one, where there are any; without it is the int 0.
static void startComplex(Specializer &s, Value &iterable, Value &start) {
  if (s.knownInt(start) != 0 || !usesComplex(s) || s.knownItems(iterable))
    return;
  iterable = s.listed(iterable);
  if (s.dead || !runTimeListOf(s, iterable) || !isAboutComplex(s, iterable))
    return;
  Value length = s.makeInt(runTimeListOf(s, iterable)->length);
  Value hasAny = s.compare(ast::CompareOperator::Gt, length, s.makeInt(IntExpr(0)));
  s.require(s.ssa(*hasAny.get<Scalar>()), "TypeError",
            "the sum of no complex numbers is an int; give it a start: sum(zs, 0j)");
  start = complexOf(s, s.makeFloat(0), s.makeFloat(0));
}

Value builtins::sumOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "iterable, start=0", "sum");
  if (complexKindOf(s, given[0]) == ComplexKind::Array)
    return s.binary(
        ast::BinaryOperator::Add, given[1],
        s.call(s.attribute(given[0], "sum"), CallArguments{{s.makeInt(IntExpr(0))}, {}, s.span}));
  startComplex(s, given[0], given[1]);
  if (s.dead)
    return NoneValue{};
  if (auto id = s.arrayObject(given[0]); id && s.heap.get<ArrayState>(*id)->shape.size() == 1)
    return s.binary(
        ast::BinaryOperator::Add, given[1],
        s.call(findLibraryFunction("numpy.sum"), CallArguments{{given[0]}, {}, s.span}));
  return fold(s, given[0], given[1], [&](const Value &total, const Value &item) {
    return s.binary(ast::BinaryOperator::Add, total, item);
  });
}

Value builtins::productOf(Specializer &s, const Value &iterable, const Value &start) {
  return fold(s, iterable, start, [&](const Value &total, const Value &item) {
    return s.binary(ast::BinaryOperator::Mult, total, item);
  });
}

static Value extreme(Specializer &s, CallArguments &arguments, bool isMin);

/// The key of each item is asked for before the next item is taken: the extreme of pairs by their
/// first part.
static Value extremeByKey(Specializer &s, CallArguments &arguments, bool isMin) {
  CallArguments all = arguments;
  for (auto &[keyword, value] : all.keywords) {
    if (keyword != "key")
      continue;
    std::string name = "%keyed" + std::to_string(s.nextNumber());
    s.frame().locals[name] = s.newList({});
    Value key = value;
    s.forEachItem(all.positional[0], [&](const Value &item) {
      Value of = s.call(key, CallArguments{{item}, {}, s.span});
      if (!s.dead)
        s.appendTo(s.frame().locals[name], s.newTuple({of, item}));
    });
    if (s.dead)
      return NoneValue{};
    all.positional[0] = s.frame().locals[name];
    s.frame().locals.erase(name);
    value = findBuiltin("primitives.first");
  }
  for (auto &[keyword, value] : all.keywords)
    if (keyword == "default")
      value = s.newTuple({NoneValue{}, value});
  Value pair = extreme(s, all, isMin);
  if (s.dead)
    return NoneValue{};
  return s.subscript(pair, s.makeInt(IntExpr(1)));
}

static Value extreme(Specializer &s, CallArguments &arguments, bool isMin) {
  const char *name = isMin ? "min()" : "max()";
  Value key;
  Value otherwise;
  for (auto &[keyword, value] : arguments.keywords) {
    if (keyword == "key")
      key = value;
    else if (keyword == "default")
      otherwise = value;
    else
      s.fail(ErrorId::CallArguments,
             {name, "got an unexpected keyword argument '" + keyword + "'"});
  }
  if (arguments.positional.empty())
    s.fail(ErrorId::CallArguments, {name, "expected at least 1 argument, got 0"});
  if (auto *optional = key.as<OptionalValue>(); optional && optional->orNone)
    return s.eitherWay(key, [&](const Value &chosen) {
      CallArguments all = arguments;
      for (auto &[keyword, value] : all.keywords)
        if (keyword == "key")
          value = chosen;
      return extreme(s, all, isMin);
    });
  if (arguments.positional.size() == 1 && !key.isUnbound() && !key.isNone() &&
      otherwise.isUnbound() && isSetOfAnyOrder(s, arguments.positional[0]))
    return ofSet(s, "extreme_by_key", {arguments.positional[0], key, s.makeBool(isMin)});
  if (arguments.positional.size() == 1)
    arguments.positional[0] = s.iterated(arguments.positional[0], key.isUnbound() || key.isNone());
  // Items that come one after the other.
  if (arguments.positional.size() == 1 && s.isIterator(arguments.positional[0]) &&
      !s.knownItems(arguments.positional[0])) {
    if (key.isUnbound() || key.isNone())
      arguments.positional[0] = s.listed(arguments.positional[0]);
    else
      return extremeByKey(s, arguments, isMin);
  }
  if (s.dead)
    return NoneValue{};
  if (arguments.positional.size() == 1 && key.isUnbound())
    if (auto id = s.arrayObject(arguments.positional[0]);
        id && s.heap.get<ArrayState>(*id)->shape.size() == 1)
      return s.call(findLibraryFunction(isMin ? "numpy.min" : "numpy.max"),
                    CallArguments{arguments.positional, {}, s.span});
  auto keyOf = [&](const Value &item) {
    return key.isUnbound() || key.isNone() ? item : s.call(key, CallArguments{{item}, {}, s.span});
  };
  auto better = [&](const Value &pair, const Value &item) {
    const ValueList best = pair.as<TupleValue>()->items;
    Value itemKey = keyOf(item);
    Scalar wins = s.truth(
        s.compare(isMin ? ast::CompareOperator::Lt : ast::CompareOperator::Gt, itemKey, best[1]));
    if (wins.knownBool)
      return *wins.knownBool ? s.newTuple({item, itemKey}) : pair;
    Value both = s.branchValue(
        s.ssa(wins), [&] { return s.newTuple({item, itemKey}); }, [&] { return pair; });
    if (!both.as<TupleValue>())
      s.present(both, name);
    return both;
  };
  auto known = arguments.positional.size() == 1 ? s.knownItems(arguments.positional[0])
                                                : std::optional(arguments.positional);
  if (!known) {
    auto walk = s.runTimeWalk(arguments.positional[0]);
    if (!walk)
      failToIterate(s, arguments.positional[0]);
    mlir::Value isFilled = s.create<mlir::arith::CmpIOp>(
        mlir::arith::CmpIPredicate::sgt, s.index(walk->length), s.index(IntExpr(0)));
    auto fromItems = [&] {
      Value first = walk->item(IntExpr(0));
      Value best = s.newTuple({first, keyOf(first)});
      RangeValue others{IntExpr(1), walk->length, IntExpr(1)};
      Value pair = fold(
          s, std::make_shared<const RangeValue>(others), best,
          [&](const Value &pair, const Value &position) {
            return better(pair, walk->item(s.intExpr(*position.get<Scalar>())));
          },
          /*ofPositions=*/true);
      if (!pair.as<TupleValue>())
        s.present(pair, name);
      return pair.as<TupleValue>()->items[0];
    };
    if (!otherwise.isUnbound())
      return s.branchValue(isFilled, fromItems, [&] { return otherwise; });
    s.check(isFilled, "ValueError",
            std::string(isMin ? "min()" : "max()") + " arg is an empty sequence");
    return fromItems();
  }
  ValueList items = *known;
  if (items.empty())
    return otherwise.isUnbound()
               ? s.raiseHere("ValueError",
                             std::string(isMin ? "min()" : "max()") + " arg is an empty sequence")
               : otherwise;
  Value best = s.newTuple({items[0], keyOf(items[0])});
  for (size_t i = 1; i < items.size(); ++i)
    best = better(best, items[i]);
  return best.as<TupleValue>()->items[0];
}

Value builtins::minimumOf(Specializer &s, CallArguments &arguments) {
  return extreme(s, arguments, true);
}
Value builtins::maximumOf(Specializer &s, CallArguments &arguments) {
  return extreme(s, arguments, false);
}

namespace {
/// What a comparison of objects did besides saying its result: it is asked again.
class Effects {
public:
  explicit Effects(Specializer &s)
      : s(s), heap(s.heap), block(s.builder.getInsertionBlock()),
        last(s.builder.getInsertionPoint() == block->begin()
                 ? nullptr
                 : &*std::prev(s.builder.getInsertionPoint())) {}
  bool any() const {
    for (ObjectId id = 0; id < heap.size(); ++id)
      if (heap.pointer(id) != s.heap.pointer(id))
        return true;
    auto first = last ? std::next(mlir::Block::iterator(last)) : block->begin();
    for (mlir::Operation &op : llvm::make_range(first, block->end()))
      if (op.walk([](RuntimeEffectOp) { return mlir::WalkResult::interrupt(); }).wasInterrupted())
        return true;
    return false;
  }

private:
  Specializer &s;
  Heap heap;
  mlir::Block *block;
  mlir::Operation *last;
};
} // namespace

Value builtins::sortedOf(Specializer &s, CallArguments &arguments) {
  if (arguments.positional.size() == 1 && isSetOfAnyOrder(s, arguments.positional[0])) {
    CallArguments rest = arguments; // binding the set would ask for its order
    rest.positional[0] = s.newList({});
    ValueList given = s.bind(rest, "iterable, *, key=None, reverse=False", "sorted");
    if (!given[1].isNone())
      return ofSet(s, "sorted_by_key", {arguments.positional[0], given[1], given[2]});
  }
  ValueList given = s.bind(arguments, "iterable, *, key=None, reverse=False", "sorted");
  given[0] = s.iterated(given[0], given[1].isNone()); // A key leaves ties in their order.
  auto atRunTime = [&](const Value &list) {
    CallArguments all{{list}, {{"key", given[1]}, {"reverse", given[2]}}, s.span};
    makeRunTimeList(s, list.get<ObjectRef>()->id);
    return *runTimeListMethod(s, "sorted", all);
  };
  auto known = s.knownItems(given[0]);
  if (!known) {
    Value list = s.call(findBuiltin("list"), CallArguments{{given[0]}, {}, s.span});
    if (s.dead)
      return NoneValue{};
    known = s.knownItems(list);
    if (!known)
      return atRunTime(list);
  }
  ValueList items = *known;
  bool reverse = s.knownBool(given[2]).value_or(false);
  ValueList keys;
  for (auto &item : items)
    keys.push_back(given[1].isNone() ? item : s.call(given[1], CallArguments{{item}, {}, s.span}));
  bool areObjects = llvm::any_of(keys, [&](const Value &key) { return s.isOfClass(key); });
  std::optional<Effects> effects;
  if (areObjects)
    effects.emplace(s);
  // Insertion keeps equal items in order.
  std::vector<size_t> order;
  for (size_t i = 0; i < items.size(); ++i) {
    size_t at = order.size();
    while (at > 0) {
      Scalar less = s.truth(s.compare(reverse ? ast::CompareOperator::Gt : ast::CompareOperator::Lt,
                                      keys[i], keys[order[at - 1]]));
      if (!less.knownBool) {
        // The order is run-time data.
        if (effects && effects->any())
          s.fail(ErrorId::Unsupported, {"sorting by a '__lt__' that does more than compare"},
                 {.help = "give a key: sorted(items, key=lambda item: item.size)"});
        auto counted = [&](const ValueList &known) {
          Value list = s.newList(known);
          makeRunTimeList(s, list.get<ObjectRef>()->id);
          return *runTimeListOf(s, list);
        };
        RunTimeListState list = counted(items);
        list = sortedByKeys(s, list, given[1].isNone() ? list : counted(keys), reverse);
        return ObjectRef{s.heap.add(std::move(list))};
      }
      if (!*less.knownBool)
        break;
      --at;
    }
    order.insert(order.begin() + at, i);
  }
  ValueList result;
  for (size_t i : order)
    result.push_back(items[i]);
  return s.newList(std::move(result));
}

static Value anyAll(Specializer &s, CallArguments &arguments, bool isAny) {
  Value value = s.bind(arguments, "iterable", isAny ? "any" : "all")[0];
  if (s.isArray(value))
    return s.truth(s.call(findLibraryFunction(isAny ? "numpy.any" : "numpy.all"),
                          CallArguments{{value}, {}, s.span}));
  // Nothing is taken behind the item that decides.
  if (!s.knownItems(value)) {
    Scalar found = anyItem(s, value, [&](const Value &item) {
      Scalar holds = s.truth(item);
      return isAny ? holds : s.negate(holds);
    });
    return isAny ? found : s.negate(found);
  }
  return fold(s, value, s.makeBool(!isAny), [&](const Value &result, const Value &item) -> Value {
    return s.scalarBinary(isAny ? ast::BinaryOperator::BitOr : ast::BinaryOperator::BitAnd,
                          s.truth(result), s.truth(item));
  });
}
Value builtins::anyOf(Specializer &s, CallArguments &arguments) {
  return anyAll(s, arguments, true);
}
Value builtins::allOf(Specializer &s, CallArguments &arguments) {
  return anyAll(s, arguments, false);
}

} // namespace mpy
