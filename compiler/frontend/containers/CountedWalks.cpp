// Lists, tuples and texts of known length as lists of run-time length, so that a loop of the
// program can walk them and a subscript that is run-time data needs no branch for each item:
//
//   for x, y in zip([1, 2, ..], [3, 4, ..])   =>   columns dense<[1, 2, ..]>, dense<[3, 4, ..]>
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Loops.h"

using namespace mlir;

namespace mpy {

using Kind = IterableValue::Kind;

/// How many numbers and the like a value is made of, as far as it matters.
static size_t weightOf(Specializer &s, const Value &value, size_t most) {
  const ValueList *parts = nullptr;
  if (auto *tuple = value.as<TupleValue>())
    parts = &tuple->items;
  else if (auto *list = s.object<ListState>(value))
    parts = &list->items;
  if (!parts)
    return 1;
  size_t weight = 0;
  for (const Value &part : ValueList(*parts)) {
    weight += weightOf(s, part, most);
    if (weight > most)
      break;
  }
  return weight;
}

bool isLongSequence(Specializer &s, const Value &sequence) {
  static constexpr size_t maximumChosen = 8;
  return weightOf(s, sequence, maximumChosen) > maximumChosen;
}

bool countAlike(Specializer &s, ObjectId list) {
  s.checkUsable(list);
  if (s.heap.get<RunTimeListState>(list))
    return true;
  Heap before = s.heap;
  try {
    auto item = describeItems(s, s.heap.at(list));
    if (item && (!holdsObjects(*item) || mayChangeItems(s, list))) {
      bool isOwn = countItems(s, list, &*item);
      if (isOwn || !holdsObjects(*item))
        return true;
    }
  } catch (const CannotCross &) {
  }
  s.heap = std::move(before);
  return false;
}

std::optional<size_t> countOfWalk(Specializer &s, const Value &value) {
  if (auto *range = value.as<RangeValue>()) {
    auto start = range->start.known(), stop = range->stop.known(), step = range->step.known();
    if (!start || !stop || !step || *step == 0)
      return std::nullopt;
    int64_t last = *step > 0 ? *step - 1 : *step + 1;
    return std::max<int64_t>(0, (*stop - *start + last) / *step);
  }
  if (auto *tuple = value.as<TupleValue>())
    return tuple->items.size();
  if (auto *text = value.get<Text>(); text && !text->value)
    return text->known.size();
  if (auto *list = s.object<ListState>(value))
    return list->items.size();
  if (auto id = s.arrayObject(value)) {
    auto &shape = s.heap.get<ArrayState>(*id)->shape;
    return shape.empty() ? std::nullopt : shape[0].known();
  }
  auto *walk = value.as<IterableValue>();
  if (!walk || (walk->kind != Kind::Enumerate && walk->kind != Kind::Zip &&
                walk->kind != Kind::Reversed && walk->kind != Kind::Map))
    return std::nullopt;
  std::optional<size_t> count;
  for (const Value &part : llvm::drop_begin(walk->parts, walk->kind == Kind::Map ? 1 : 0)) {
    auto one = countOfWalk(s, part);
    if (!one)
      return std::nullopt;
    count = count ? std::min(*count, *one) : *one;
  }
  return count;
}

std::optional<Value> countedWalk(Specializer &s, const Value &value) {
  if (value.as<RangeValue>() || s.arrayObject(value) || runTimeListOf(s, value))
    return value;
  if (auto *text = value.get<Text>())
    return charactersOf(s, *text);
  auto *tuple = value.as<TupleValue>();
  Value list = tuple ? s.newList(tuple->items) : value;
  if (s.object<ListState>(list))
    return countAlike(s, list.get<ObjectRef>()->id) ? std::optional(list) : std::nullopt;
  auto *walk = value.as<IterableValue>();
  if (!walk || !countOfWalk(s, value))
    return std::nullopt;
  IterableValue counted = *walk;
  for (Value &part : llvm::drop_begin(counted.parts, walk->kind == Kind::Map ? 1 : 0)) {
    auto one = countedWalk(s, part);
    if (!one)
      return std::nullopt;
    part = *one;
  }
  return std::make_shared<const IterableValue>(std::move(counted));
}

} // namespace mpy
