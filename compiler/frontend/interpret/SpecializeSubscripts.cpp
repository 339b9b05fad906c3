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

/// An item of known ones at a position that is run-time data.
static Value itemAtRunTime(Specializer &s, const Value &container, const ValueList &items,
                           const Value &key, const char *outside) {
  bool isTuple = container.as<TupleValue>();
  if (items.empty())
    return s.raiseHere("IndexError", outside);
  if (isLongSequence(s, container)) {
    Value list = isTuple ? s.newList(items) : container;
    if (s.object<ListState>(list) && countAlike(s, list.get<ObjectRef>()->id))
      return runTimeListSubscript(s, isTuple ? asTuple(s, list) : list, key);
  }
  IntExpr index = s.intExpr(*key.get<Scalar>());
  IntExpr size(int64_t(items.size()));
  mlir::Value i = s.index(index), n = s.index(size);
  mlir::Value low =
      s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, s.index(IntExpr(0) - size));
  mlir::Value high = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, n);
  s.check(s.create<arith::AndIOp>(low, high), "IndexError", outside);
  if (!index.isNonNegative()) {
    mlir::Value negative =
        s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, s.index(IntExpr(0)));
    index = symbolExpr(s.create<arith::SelectOp>(negative, s.create<arith::AddIOp>(i, n), i), true);
  }
  size_t mark = s.heap.size();
  Value item = runTimeItem(s, items, index, 0);
  if (s.object<ListState>(container))
    viewKnownList(s, item, container.get<ObjectRef>()->id, index, s.intExpr(*key.get<Scalar>()),
                  mark);
  return item;
}

/// Of a list of known length or a tuple.
Value Specializer::sequenceSubscript(const Value &container, const ValueList &items,
                                     const Value &key) {
  bool isTuple = container.as<TupleValue>();
  if (auto *slice = key.as<SliceValue>()) {
    ValueList part = slicedItems(*this, items, *slice);
    return isTuple ? newTuple(std::move(part)) : newList(std::move(part));
  }
  const char *outside = isTuple ? "tuple index out of range" : "list index out of range";
  if (auto position = sequencePosition(key, items.size(), outside))
    return *position < 0 ? Value(NoneValue{}) : items[*position];
  return itemAtRunTime(*this, container, items, key, outside);
}

Value Specializer::listSubscript(const Value &container, const Value &key) {
  auto *list = object<ListState>(container);
  // Bounds that are run-time data give a list whose length is.
  auto *slice = key.as<SliceValue>();
  auto isRunTime = [&](const Value &bound) { return bound.get<Scalar>() && !knownInt(bound); };
  if (slice && !list->items.empty() && (isRunTime(slice->start) || isRunTime(slice->stop))) {
    Value counted = ObjectRef{heap.add(*list)};
    makeRunTimeList(*this, counted.get<ObjectRef>()->id);
    return runTimeListSubscript(*this, counted, key);
  }
  return sequenceSubscript(container, ValueList(list->items), key);
}

Value Specializer::dictSubscript(const Value &container, const Value &key) {
  auto *dict = object<DictState>(container);
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

/// What has no items in Python either raises; anything else is not supported.
static Value refuseSubscript(Specializer &s, const Value &container) {
  auto *scalar = container.get<Scalar>();
  auto *dict = s.object<DictState>(container);
  bool isRefused = (scalar && !scalar->isMixed() && isPython(scalar->kind)) ||
                   container.as<ClosureValue>() || (dict && dict->isSet) ||
                   (s.classOf(container) && runTimeDictKind(s, container).empty());
  if (isRefused && !s.isCertain())
    return s.raiseHere("TypeError", "'" + s.typeName(container) + "' object is not subscriptable");
  s.fail(ErrorId::NotSubscriptable, {s.describe(container)});
}

Value Specializer::subscript(const Value &container, const Value &given) {
  if (dead)
    return NoneValue{};
  Value key = presentKey(container, given);
  if (auto result = eitherKey(key, [&](const Value &one) { return subscript(container, one); }))
    return *result;
  if (auto id = arrayObject(container))
    return arraySubscript(*this, *id, key);
  if (runTimeListOf(*this, container))
    return runTimeListSubscript(*this, container, key);
  if (object<ListState>(container))
    return listSubscript(container, key);
  if (auto *tuple = container.as<TupleValue>())
    return sequenceSubscript(container, tuple->items, key);
  if (auto *dict = object<DictState>(container); dict && !dict->isSet)
    return dictSubscript(container, key);
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
  return refuseSubscript(*this, container);
}

/// `xs[a:b] = values` of a list of known length.
static void assignSlice(Specializer &s, const Value &container, const SliceValue &slice,
                        const Value &key, const Value &value) {
  ObjectId id = container.get<ObjectRef>()->id;
  ListState changed = *s.object<ListState>(container);
  auto items = s.knownItems(value);
  bool hasStep = !slice.step.isNone() && s.knownInt(slice.step) != 1;
  auto isKnown = [&](const Value &bound) { return bound.isNone() || s.knownInt(bound); };
  bool isCounted = !items || !isKnown(slice.start) || !isKnown(slice.stop);
  if (isCounted && !changed.items.empty()) {
    makeRunTimeList(s, id);
    return assignRunTimeList(s, container, key, value);
  }
  if (hasStep && items) {
    std::vector<int64_t> positions = slicePositions(s, changed.items.size(), slice);
    if (positions.size() != items->size()) {
      s.raiseHere("ValueError", "attempt to assign sequence of size " +
                                    std::to_string(items->size()) + " to extended slice of size " +
                                    std::to_string(positions.size()));
      return;
    }
    for (auto [position, item] : llvm::zip(positions, *items))
      changed.items[position] = item;
    s.change(id, std::move(changed));
    return;
  }
  int64_t size = changed.items.size();
  auto start = slice.start.isNone() ? std::optional<int64_t>(0) : s.knownInt(slice.start);
  auto stop = slice.stop.isNone() ? std::optional<int64_t>(size) : s.knownInt(slice.stop);
  if (!items || !start || !stop || hasStep)
    s.fail(ErrorId::RunTimeIndex, {"assignment to this slice of a list"});
  int64_t from = std::max<int64_t>(0, std::min(size, *start < 0 ? *start + size : *start));
  int64_t to = std::max(from, std::min(size, *stop < 0 ? *stop + size : *stop));
  changed.items.erase(changed.items.begin() + from, changed.items.begin() + to);
  changed.items.insert(changed.items.begin() + from, items->begin(), items->end());
  s.change(id, std::move(changed));
}

/// An item of known ones at a position that is run-time data: each is replaced where the position
/// is its own.
static void assignAtRunTime(Specializer &s, ObjectId id, ListState changed, const Value &key,
                            const Value &value) {
  IntExpr index = s.intExpr(*key.get<Scalar>());
  int64_t size = changed.items.size();
  mlir::Value i = s.index(index);
  mlir::Value low = s.create<arith::CmpIOp>(arith::CmpIPredicate::sge, i, s.index(IntExpr(-size)));
  mlir::Value high = s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, i, s.index(IntExpr(size)));
  s.check(s.create<arith::AndIOp>(low, high), "IndexError", "list assignment index out of range");
  for (int64_t k = 0; k < size; ++k) {
    mlir::Value plain = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, s.index(IntExpr(k)));
    mlir::Value negative =
        s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, i, s.index(IntExpr(k - size)));
    Value &item = changed.items[k];
    Value before = item;
    item = s.branchValue(
        s.create<arith::OrIOp>(plain, negative), [&] { return value; }, [&] { return before; });
  }
  s.change(id, std::move(changed));
}

void Specializer::assignToList(const Value &container, const Value &key, const Value &value) {
  if (auto *slice = key.as<SliceValue>())
    return assignSlice(*this, container, *slice, key, value);
  ObjectId id = container.get<ObjectRef>()->id;
  ListState changed = *object<ListState>(container);
  auto position = sequencePosition(key, changed.items.size(), "list assignment index out of range");
  if (position && *position >= 0) {
    changed.items[*position] = value;
    change(id, std::move(changed));
  }
  if (position)
    return;
  // Objects stay those that they are in a list of run-time length.
  if (countForItem(*this, id, value) || (isLongSequence(*this, container) && countAlike(*this, id)))
    return assignRunTimeList(*this, container, key, value);
  assignAtRunTime(*this, id, std::move(changed), key, value);
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
  if (object<ListState>(container))
    return assignToList(container, key, value);
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
