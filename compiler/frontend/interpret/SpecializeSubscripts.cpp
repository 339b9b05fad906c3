// Subscripts: items and slices of containers, read and assigned. Arrays have their own
// (ArrayIndexing).
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/paths/Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

static ValueList slicedItems(Specializer &s, const ValueList &items, const SliceValue &slice) {
  auto bound = [&](const Value &value) -> std::optional<int64_t> {
    if (value.isNone())
      return std::nullopt;
    auto known = s.knownInt(value);
    if (!known)
      s.fail(ErrorId::RunTimeIndex, {"a slice of a list or tuple"},
             {.help = "make it an array: np.array(..)"});
    return known;
  };
  int64_t size = items.size(), step = bound(slice.step).value_or(1);
  if (step == 0) {
    s.raiseHere("ValueError", "slice step cannot be zero");
    return {};
  }
  auto clamp = [&](std::optional<int64_t> given, int64_t otherwise, int64_t low, int64_t high) {
    if (!given)
      return otherwise;
    int64_t value = *given < 0 ? *given + size : *given;
    return std::max(low, std::min(value, high));
  };
  int64_t start = step > 0 ? clamp(bound(slice.start), 0, 0, size)
                           : clamp(bound(slice.start), size - 1, -1, size - 1);
  int64_t stop = step > 0 ? clamp(bound(slice.stop), size, 0, size)
                          : clamp(bound(slice.stop), -1, -1, size - 1);
  ValueList result;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
    result.push_back(items[i]);
  return result;
}

std::vector<int64_t> slicePositions(Specializer &s, size_t size, const SliceValue &slice) {
  ValueList all;
  for (size_t i = 0; i < size; ++i)
    all.push_back(s.makeInt(IntExpr(int64_t(i))));
  std::vector<int64_t> positions;
  for (const Value &position : slicedItems(s, all, slice))
    positions.push_back(*s.knownInt(position));
  return positions;
}

std::optional<int64_t> Specializer::sequencePosition(const Value &key, size_t size,
                                                     const char *message) {
  auto known = knownInt(key);
  if (!known) {
    if (!key.get<Scalar>())
      fail(ErrorId::IndexType, {describe(key)});
    return std::nullopt;
  }
  int64_t position = *known < 0 ? *known + int64_t(size) : *known;
  if (position < 0 || position >= int64_t(size)) {
    raiseHere("IndexError", message);
    return -1;
  }
  return position;
}

/// items[k] with k known at run time: a chain of branches over like items.
static Value runTimeItem(Specializer &s, const ValueList &items, const IntExpr &position,
                         size_t from) {
  if (from + 1 == items.size())
    return items[from];
  mlir::Value here = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, s.index(position),
                                             s.index(IntExpr(int64_t(from))));
  return s.branchValue(
      here, [&] { return items[from]; }, [&] { return runTimeItem(s, items, position, from + 1); });
}

/// The key with another slice in it for each bound that may be None.
std::optional<Value> Specializer::eitherKey(const Value &key,
                                            llvm::function_ref<Value(const Value &)> of) {
  auto mayBeNone = [](const Value &value) {
    return value.as<OptionalValue>() && value.as<OptionalValue>()->orNone;
  };
  if (auto *slice = key.as<SliceValue>()) {
    for (Value SliceValue::*bound : {&SliceValue::start, &SliceValue::stop, &SliceValue::step}) {
      if (!mayBeNone(slice->*bound))
        continue;
      SliceValue parts = *slice;
      return eitherWay(slice->*bound, [&](const Value &value) {
        parts.*bound = value;
        return of(std::make_shared<const SliceValue>(parts));
      });
    }
  } else if (auto *tuple = key.as<TupleValue>()) {
    for (const auto &[position, item] : llvm::enumerate(tuple->items)) {
      ValueList items = tuple->items;
      if (auto result = eitherKey(item, [&](const Value &value) {
            items[position] = value;
            return of(newTuple(items));
          }))
        return result;
    }
  }
  return std::nullopt;
}

Value Specializer::presentKey(const Value &container, const Value &key) {
  bool isList = object<ListState>(container) ||
                (runTimeListOf(*this, container) && !isRunTimeTuple(*this, container));
  if (!isList && !container.get<Text>() && !container.as<TupleValue>() &&
      !isRunTimeTuple(*this, container) && !container.as<RangeValue>())
    return present(key, "the key");
  std::string subject = isList                       ? "list"
                        : container.get<Text>()      ? "string"
                        : container.as<RangeValue>() ? "range"
                                                     : "tuple";
  auto refusal = [&](const std::string &type) {
    return subject + (subject == "string" ? " indices must be integers, not '" + type + "'"
                                          : " indices must be integers or slices, not " + type);
  };
  Value position = present(key, "the position", typeError(refusal("NoneType")));
  if (position.as<SliceValue>())
    return position;
  auto *scalar = position.get<Scalar>();
  auto cls = classOf(position);
  if (isArray(position) || (cls && !classAttribute(*cls, "__index__").isUnbound()))
    return indexIn(*this, position);
  if (scalar && !scalar->isMixed() && !isFloat(scalar->kind) && scalar->kind != ScalarKind::Bool)
    return position;
  if (scalar && scalar->isMixed() && !isAlwaysFloat(*scalar)) {
    if (scalar->integer)
      check(hasKind(*this, *scalar, wholeKinds), "TypeError", refusal("float"));
    return makeInt(ssaAs(*scalar, DType::Int64));
  }
  if (isCertain() && !scalar)
    fail(ErrorId::IndexType, {describe(position)});
  failCertain(*this, "TypeError", refusal(typeName(position)));
}

Value Specializer::subscript(const Value &container, const Value &given) {
  if (dead)
    return NoneValue{};
  Value key = presentKey(container, given);
  if (auto result = eitherKey(key, [&](const Value &one) { return subscript(container, one); }))
    return *result;
  if (auto id = arrayObject(container))
    return arraySubscript(*this, *id, key);
  auto sequence = [&](const ValueList &items, bool isTuple) -> Value {
    if (auto *slice = key.as<SliceValue>()) {
      ValueList part = slicedItems(*this, items, *slice);
      return isTuple ? newTuple(std::move(part)) : newList(std::move(part));
    }
    auto position = sequencePosition(
        key, items.size(), isTuple ? "tuple index out of range" : "list index out of range");
    if (position)
      return *position < 0 ? Value(NoneValue{}) : items[*position];
    // The position is known at run time only.
    if (items.empty())
      return raiseHere("IndexError",
                       isTuple ? "tuple index out of range" : "list index out of range");
    if (isLongSequence(*this, container)) {
      Value list = isTuple ? newList(items) : container;
      if (object<ListState>(list) && countAlike(*this, list.get<ObjectRef>()->id))
        return runTimeListSubscript(*this, isTuple ? asTuple(*this, list) : list, key);
    }
    IntExpr index = intExpr(*key.get<Scalar>());
    IntExpr size(int64_t(items.size()));
    mlir::Value i = this->index(index), n = this->index(size);
    mlir::Value low =
        create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, this->index(IntExpr(0) - size));
    mlir::Value high = create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, n);
    check(create<arith::AndIOp>(low, high), "IndexError",
          isTuple ? "tuple index out of range" : "list index out of range");
    if (!index.isNonNegative()) {
      mlir::Value negative =
          create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, this->index(IntExpr(0)));
      index = symbolExpr(create<arith::SelectOp>(negative, create<arith::AddIOp>(i, n), i), true);
    }
    size_t mark = heap.size();
    Value item = runTimeItem(*this, items, index, 0);
    if (object<ListState>(container))
      viewKnownList(*this, item, container.get<ObjectRef>()->id, index, intExpr(*key.get<Scalar>()),
                    mark);
    return item;
  };
  if (runTimeListOf(*this, container))
    return runTimeListSubscript(*this, container, key);
  if (auto *list = object<ListState>(container)) {
    // Bounds that are run-time data give a list whose length is.
    auto *slice = key.as<SliceValue>();
    auto isRunTime = [&](const Value &bound) { return bound.get<Scalar>() && !knownInt(bound); };
    if (slice && !list->items.empty() && (isRunTime(slice->start) || isRunTime(slice->stop))) {
      Value counted = ObjectRef{heap.add(*list)};
      makeRunTimeList(*this, counted.get<ObjectRef>()->id);
      return runTimeListSubscript(*this, counted, key);
    }
    return sequence(ValueList(list->items), false);
  }
  if (auto *tuple = container.as<TupleValue>())
    return sequence(tuple->items, true);
  if (auto *dict = object<DictState>(container); dict && !dict->isSet) {
    if (std::string type = unhashableType(*this, key); !type.empty())
      return raiseHere("TypeError", "unhashable type: '" + type + "'");
    for (auto &entry : dict->entries)
      if (sameKey(entry.first, key, dict)) {
        if (auto *optional = entry.second.as<OptionalValue>(); optional && !optional->orNone) {
          check(optional->present, "KeyError", repr(key).known);
          return optional->value;
        }
        return entry.second;
      }
    if (isRunTimeKey(*this, key))
      needRunTimeKeys(*this, dict, key);
    return raiseMissing(*this, key);
  }
  if (auto *text = container.get<Text>())
    return textSubscript(*text, key);
  if (auto *range = container.as<RangeValue>())
    return rangeSubscript(*this, *range, key);
  // `np.float64(1)[()]`, as library code takes what may be an array of no axes.
  if (auto *scalar = container.get<Scalar>(); scalar && !isPython(scalar->kind))
    if (auto *tuple = key.as<TupleValue>(); tuple && tuple->items.empty())
      return container;
  if (auto *module = container.as<ModuleValue>(); module && module->name == "sys.argv") {
    if (key.as<SliceValue>())
      return subscript(iterated(container), key);
    CallArguments one;
    one.positional = {key};
    return findLibraryFunction("sys.argv.__getitem__")->call(*this, one);
  }
  if (auto result = askClass(container, "_found", {key}))
    return *result;
  if (auto result = callMethod(container, "__getitem__", {key}))
    return *result;
  auto *scalar = container.get<Scalar>();
  auto *dict = object<DictState>(container);
  bool isRefused = (scalar && !scalar->isMixed() && isPython(scalar->kind)) ||
                   container.as<ClosureValue>() || (dict && dict->isSet) ||
                   (classOf(container) && runTimeDictKind(*this, container).empty());
  if (isRefused && !isCertain())
    return raiseHere("TypeError", "'" + typeName(container) + "' object is not subscriptable");
  fail(ErrorId::NotSubscriptable, {describe(container)});
}

void Specializer::assignSubscript(const Value &container, const Value &given, const Value &value) {
  if (dead)
    return;
  Value key = presentKey(container, given);
  if (eitherKey(key, [&](const Value &one) -> Value {
        assignSubscript(container, one, value);
        return NoneValue{};
      }))
    return;
  if (auto id = arrayObject(container))
    return arrayAssign(*this, *id, key, value);
  // That may make it a list of run-time length.
  if (object<ListState>(container))
    beginChange(*this, container.get<ObjectRef>()->id);
  if (runTimeListOf(*this, container))
    return assignRunTimeList(*this, container, key, value);
  if (auto *list = object<ListState>(container)) {
    ListState changed = *list;
    ObjectId id = container.get<ObjectRef>()->id;
    if (auto *slice = key.as<SliceValue>()) {
      auto items = knownItems(value);
      bool hasStep = !slice->step.isNone() && knownInt(slice->step) != 1;
      auto isKnown = [&](const Value &bound) { return bound.isNone() || knownInt(bound); };
      bool isCounted = !items || !isKnown(slice->start) || !isKnown(slice->stop);
      if (isCounted && !changed.items.empty()) {
        makeRunTimeList(*this, id);
        return assignRunTimeList(*this, container, key, value);
      }
      if (hasStep && items) {
        std::vector<int64_t> positions = slicePositions(*this, changed.items.size(), *slice);
        if (positions.size() != items->size()) {
          raiseHere("ValueError",
                    "attempt to assign sequence of size " + std::to_string(items->size()) +
                        " to extended slice of size " + std::to_string(positions.size()));
          return;
        }
        for (auto [position, item] : llvm::zip(positions, *items))
          changed.items[position] = item;
        change(id, std::move(changed));
        return;
      }
      auto start = slice->start.isNone() ? std::optional<int64_t>(0) : knownInt(slice->start);
      auto stop = slice->stop.isNone() ? std::optional<int64_t>(changed.items.size())
                                       : knownInt(slice->stop);
      if (!items || !start || !stop || hasStep)
        fail(ErrorId::RunTimeIndex, {"assignment to this slice of a list"});
      int64_t size = changed.items.size();
      int64_t from = std::max<int64_t>(0, std::min(size, *start < 0 ? *start + size : *start));
      int64_t to = std::max(from, std::min(size, *stop < 0 ? *stop + size : *stop));
      changed.items.erase(changed.items.begin() + from, changed.items.begin() + to);
      changed.items.insert(changed.items.begin() + from, items->begin(), items->end());
      change(id, std::move(changed));
      return;
    }
    auto position =
        sequencePosition(key, changed.items.size(), "list assignment index out of range");
    if (position) {
      if (*position >= 0) {
        changed.items[*position] = value;
        change(id, std::move(changed));
      }
      return;
    }
    // Objects stay those that they are in a list of run-time length.
    if (countForItem(*this, id, value) ||
        (isLongSequence(*this, container) && countAlike(*this, id)))
      return assignRunTimeList(*this, container, key, value);
    // Each item is replaced where the position is its own.
    IntExpr index = intExpr(*key.get<Scalar>());
    int64_t size = changed.items.size();
    mlir::Value i = this->index(index);
    mlir::Value low =
        create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, this->index(IntExpr(-size)));
    mlir::Value high =
        create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, this->index(IntExpr(size)));
    check(create<arith::AndIOp>(low, high), "IndexError", "list assignment index out of range");
    for (int64_t k = 0; k < size; ++k) {
      mlir::Value plain =
          create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, this->index(IntExpr(k)));
      mlir::Value negative =
          create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, this->index(IntExpr(k - size)));
      Value &item = changed.items[k];
      Value before = item;
      item = branchValue(
          create<arith::OrIOp>(plain, negative), [&] { return value; }, [&] { return before; });
    }
    change(id, std::move(changed));
    return;
  }
  if (auto *dict = object<DictState>(container); dict && !dict->isSet) {
    beginChange(*this, container.get<ObjectRef>()->id);
    DictState changed = *object<DictState>(container);
    setEntry(changed, key, value);
    change(container.get<ObjectRef>()->id, std::move(changed));
    return;
  }
  if (callMethod(container, "__setitem__", {key, value}))
    return;
  if (container.as<TupleValue>() || container.get<Text>()) {
    raiseHere("TypeError", "'" + typeName(container) + "' object does not support item assignment");
    return;
  }
  fail(ErrorId::NotSubscriptable, {describe(container)});
}

} // namespace mpy
