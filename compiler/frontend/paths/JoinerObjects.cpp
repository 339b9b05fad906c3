// Where paths meet: one object of both, by what it is.
//
//   xs = [1.0, a]  |  xs = [2.0, b]   ->   xs = [phi(1.0, 2.0), phi(a, b)]
//   d['k'] only on one path           ->   an entry that may be missing
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/paths/Joiner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;

namespace mpy {

/// An array that others reach, too: what one path left in it, as an array of its own.
ObjectState Joiner::snapshotOfArray(const Pair &pair, bool isFirst, ArrayState result) {
  ObjectId id = isFirst ? *pair.first : *pair.second;
  const Heap &heap = isFirst ? first.heap : second.heap;
  mlir::Value tensor = onPath(isFirst, [&] {
    Heap saved = std::exchange(s.heap, heap);
    mlir::Value value = s.read(id).tensor;
    s.heap = std::move(saved);
    return value;
  });
  ObjectId root = rootOf(heap, id);
  for (auto &other : pairs) {
    auto same = isFirst ? other.first : other.second;
    if (other != pair && (same == root || same == id))
      result.maybeAliases.push_back(ids.at(other));
  }
  for (auto &extent : result.shape)
    extent = oneSidedExpr(extent, isFirst);
  result.base = {};
  result.step = {};
  mlir::Type type = s.tensorType(result.dtype, result.shape);
  mlir::Value cast = onPath(isFirst, [&] { return s.castTensor(tensor, type); });
  mlir::Value nothing =
      onPath(!isFirst, [&]() -> mlir::Value { return s.create<ub::PoisonOp>(type); });
  result.tensor = phi(isFirst ? cast : nothing, isFirst ? nothing : cast, type);
  return result;
}

/// An object of one path alone.
ObjectState Joiner::joinOneSided(const Pair &pair) {
  bool isFirst = pair.first.has_value();
  ObjectId id = isFirst ? *pair.first : *pair.second;
  const Heap &heap = isFirst ? first.heap : second.heap;
  if (auto *array = heap.get<ArrayState>(id)) {
    ArrayState result = *array;
    result.maybeAliases.clear();
    for (ObjectId alias : array->maybeAliases)
      llvm::append_range(result.maybeAliases, joinedAliases(alias, isFirst));
    bool isAlone = !isAmbiguous(pair) && !array->base;
    return isAlone ? oneSidedState(result, isFirst, false)
                   : snapshotOfArray(pair, isFirst, std::move(result));
  }
  if (auto *cell = heap.get<CellState>(id))
    return CellState{isFirst ? joinValue(cell->value, Value(), "a global")
                             : joinValue(Value(), cell->value, "a global")};
  return oneSidedState(heap.at(id), isFirst, false);
}

ObjectState Joiner::joinArrays(const Pair &pair, const ArrayState &x, const ArrayState &y) {
  if (x.dtype == y.dtype && x.shape.size() == y.shape.size())
    return joinArray(pair);
  Value found = conflict(ObjectRef{*pair.first}, ObjectRef{*pair.second}, "");
  Diagnostic error = *found.get<ConflictValue>()->error;
  error.message = "an array changes its " + std::string(x.dtype == y.dtype ? "rank" : "dtype") +
                  (isLoop ? " in a loop" : " on one of two paths");
  error.id = isLoop ? ErrorId::LoopChangesArray : ErrorId::BranchesDiffer;
  return BrokenState{std::make_shared<const Diagnostic>(std::move(error))};
}

ObjectState Joiner::joinStates(const ListState &x, const ListState &y) {
  ListState result;
  result.isItem = x.isItem || y.isItem;
  for (size_t i = 0; i < x.items.size(); ++i)
    result.items.push_back(
        joinValue(x.items[i], y.items[i], "item " + std::to_string(i) + " of a list"));
  return result;
}

ObjectState Joiner::joinStates(const DictState &x, const DictState &y) {
  DictState result;
  result.isSet = x.isSet;
  result.origin = x.origin == y.origin ? x.origin : Span();
  result.isItem = x.isItem || y.isItem;
  // Keys of one path alone come last and may be missing.
  size_t common = std::min(x.entries.size(), y.entries.size());
  for (size_t i = 0; i < common; ++i)
    if (!s.sameObject(x.entries[i].first, y.entries[i].first).value_or(false))
      return broken("dict");
  for (size_t i = 0; i < std::max(x.entries.size(), y.entries.size()); ++i) {
    const Value &key = i < x.entries.size() ? x.entries[i].first : y.entries[i].first;
    std::string shown = s.knownText(key) ? "['" + *s.knownText(key) + "']" : "an item of a dict";
    result.entries.push_back(
        {key, joinValue(i < x.entries.size() ? x.entries[i].second : Value(),
                        i < y.entries.size() ? y.entries[i].second : Value(), shown)});
  }
  return result;
}

ObjectState Joiner::joinStates(const InstanceState &x, const InstanceState &y) {
  if (x.cls != y.cls)
    return broken("object of different classes");
  InstanceState result{x.cls, {}, x.isItem || y.isItem};
  auto find = [](const InstanceState &instance, const std::string &name) {
    for (auto &entry : instance.attributes)
      if (entry.first == name)
        return entry.second;
    return Value();
  };
  for (auto &entry : x.attributes)
    result.attributes.push_back(
        {entry.first, joinValue(entry.second, find(y, entry.first), entry.first)});
  for (auto &entry : y.attributes)
    if (find(x, entry.first).isUnbound())
      result.attributes.push_back({entry.first, joinValue(Value(), entry.second, entry.first)});
  return result;
}

ObjectState Joiner::joinStates(const ClassState &x, const ClassState &y) {
  if (x.attributes.size() != y.attributes.size())
    return broken("class");
  ClassState result = x;
  for (size_t i = 0; i < x.attributes.size(); ++i)
    result.attributes[i].second =
        joinValue(x.attributes[i].second, y.attributes[i].second, x.attributes[i].first);
  return result;
}

/// The name whose value a cell is, for messages.
static std::string nameOfCell(Specializer &s, ObjectId id) {
  std::string name;
  for (Frame *frame : llvm::reverse(s.frames)) {
    for (auto &cell : frame->cells)
      if (cell.second == id)
        name = cell.first;
    for (auto &cell : s.heap.get<NamespaceState>(frame->globals)->cells)
      if (cell.second == id)
        name = cell.first;
  }
  return name;
}

ObjectState Joiner::joinStates(const NamespaceState &x, const NamespaceState &y) {
  NamespaceState result = x;
  for (auto &[name, cell] : result.cells)
    if (!y.cells.count(name))
      cell = ids.at({cell, std::nullopt});
  for (auto &[name, cell] : y.cells)
    if (!x.cells.count(name))
      result.cells[name] = ids.at({std::nullopt, cell});
  return result;
}

ObjectState Joiner::joinObject(const Pair &pair) {
  if (!pair.first || !pair.second)
    return joinOneSided(pair);
  const ObjectState &a = first.heap.at(*pair.first), &b = second.heap.at(*pair.second);
  if (std::get_if<BrokenState>(&a) || std::get_if<BrokenState>(&b))
    return std::get_if<BrokenState>(&a) ? a : b;
  if (needsRunTimeList(a, b))
    return joinLists(pair);
  if (a.index() != b.index())
    return broken("object");
  if (auto *x = std::get_if<ArrayState>(&a))
    return joinArrays(pair, *x, std::get<ArrayState>(b));
  auto *list = std::get_if<ListState>(&a);
  auto *dict = std::get_if<DictState>(&a);
  auto *instance = std::get_if<InstanceState>(&a);
  if (isAmbiguous(pair) && !list && !dict && !instance)
    return broken("mutable object that may be one of several");
  if (list)
    return joinStates(*list, std::get<ListState>(b));
  if (dict)
    return joinStates(*dict, std::get<DictState>(b));
  if (instance)
    return joinStates(*instance, std::get<InstanceState>(b));
  if (auto *x = std::get_if<ClassState>(&a))
    return joinStates(*x, std::get<ClassState>(b));
  if (auto *x = std::get_if<CellState>(&a)) {
    variable = nameOfCell(s, *pair.first);
    std::string name = variable;
    return CellState{joinValue(x->value, std::get<CellState>(b).value, name)};
  }
  if (auto *x = std::get_if<NamespaceState>(&a))
    return joinStates(*x, std::get<NamespaceState>(b));
  auto *x = std::get_if<RandomState>(&a), *y = std::get_if<RandomState>(&b);
  if (x->handle == y->handle && s.isAvailable(x->handle))
    return a;
  return RandomState{phi(x->handle, y->handle, x->handle.getType())};
}

} // namespace mpy
