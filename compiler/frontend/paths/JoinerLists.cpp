// Lists that differ in length where paths meet become one list of run-time length:
//
//   before the loop [a], at the end of its body [a, b]   =>   columns with as many rows as items
//
// What the items refer to can be reached through the list from then on, and is read only.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Joiner.h"
#include "frontend/paths/UnrollBudget.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace mpy {

static bool isList(const ObjectState &state) {
  return std::get_if<ListState>(&state) || std::get_if<RunTimeListState>(&state);
}

bool Joiner::needsRunTimeList(const ObjectState &a, const ObjectState &b) {
  if (!isList(a) || !isList(b))
    return false;
  auto *x = std::get_if<ListState>(&a), *y = std::get_if<ListState>(&b);
  return !x || !y || x->items.size() != y->items.size();
}

/// Other than 0 where items of a joined list may be changed: no path has another name for them.
unsigned Joiner::joinedGeneration(const Pair &pair) {
  auto [entry, isNew] = generations.try_emplace(pair, 0);
  if (!isNew)
    return entry->second;
  auto generationOn = [&](bool isFirst) -> unsigned {
    const State &path = isFirst ? first : second;
    const ObjectState &list = path.heap.at(isFirst ? *pair.first : *pair.second);
    if (auto *broken = std::get_if<BrokenState>(&list))
      return broken->generation;
    if (auto *counted = std::get_if<RunTimeListState>(&list))
      return counted->generation;
    auto *known = std::get_if<ListState>(&list);
    if (!known)
      return 0;
    auto made = path.locals.find("%made");
    bool isMade = made != path.locals.end() &&
                  isIdentical(made->second, ObjectRef{isFirst ? *pair.first : *pair.second});
    Heap saved = std::exchange(s.heap, path.heap);
    bool areOwn =
        areOwnable(s, known->items, placeOf(list), isMade ? s.frame().walked : std::nullopt);
    s.heap = std::move(saved);
    return areOwn ? s.nextNumber() : 0;
  };
  unsigned a = pair.first ? generationOn(true) : 0, b = pair.second ? generationOn(false) : 0;
  if (!pair.first || !pair.second)
    return entry->second = pair.first ? a : b;
  SharedPlace x = placeOf(first.heap, *pair.first), y = placeOf(second.heap, *pair.second);
  bool areItems = x && y && x->view && y->view;
  if (a && b && (areItems || !isAmbiguous(pair)))
    entry->second = pair.first == pair.second && a == b ? a : s.nextNumber();
  return entry->second;
}

/// Whether the numbers in items of lists have the same kinds; their columns may be of one type.
static bool hasSameKinds(const ResultPattern &a, const ResultPattern &b) {
  return a.kinds == b.kinds && a.parts.size() == b.parts.size() &&
         llvm::all_of(llvm::zip(a.parts, b.parts), [](const auto &parts) {
           return hasSameKinds(std::get<0>(parts), std::get<1>(parts));
         });
}

ObjectState Joiner::joinLists(const Pair &pair) {
  const ObjectState &a = first.heap.at(*pair.first), &b = second.heap.at(*pair.second);
  auto lengthOf = [](const ObjectState &list) {
    if (auto *counted = std::get_if<RunTimeListState>(&list))
      return counted->length;
    return IntExpr(int64_t(std::get<ListState>(list).items.size()));
  };
  size_t before = unrollBudget(s).listsBefore;
  bool keepsList = s.keepsLists && (*pair.first < before || *pair.second < before) &&
                   (std::get_if<ListState>(&a) || std::get_if<ListState>(&b));
  if (keepsList && lengthOf(a) != lengthOf(b))
    return broken("list");
  auto isTuple = [](const ObjectState &state) {
    auto *counted = std::get_if<RunTimeListState>(&state);
    return counted && counted->isTuple;
  };
  if (isTuple(a) != isTuple(b))
    return broken("list or tuple");
  auto withHeap = [&](bool isFirst, auto action) {
    // A copy: what is made here, and what is read again, is for the list alone.
    Heap saved = std::exchange(s.heap, isFirst ? first.heap : second.heap);
    auto restore = llvm::scope_exit([&] { s.heap = std::move(saved); });
    return action();
  };
  if (auto refused = refusedLists.find(pair); building && refused != refusedLists.end())
    return broken("list (" + refused->second + ")");
  try {
    auto known = listItems.find(pair);
    if (known == listItems.end()) {
      // Known where the paths meet, not on the path.
      auto here = s.builder.saveInsertionPoint();
      auto outward = [&](const IntExpr &expr) {
        OpBuilder::InsertionGuard guard(s.builder);
        s.builder.restoreInsertionPoint(here);
        return s.isAvailable(expr) ? std::optional<IntExpr>(expr) : std::nullopt;
      };
      std::optional<ResultPattern> x, y;
      onPath(true, [&] {
        x = withHeap(true, [&] { return describeItems(s, a, outward); });
        return mlir::Value();
      });
      onPath(false, [&] {
        y = withHeap(false, [&] { return describeItems(s, b, outward); });
        return mlir::Value();
      });
      known = listItems.try_emplace(pair, x && y ? widen(s, *x, *y) : x ? *x : *y).first;
    }
    const ResultPattern &item = known->second;
    if (keepsList && holdsObjects(item))
      return broken("list");
    RunTimeListState result;
    auto columnsOf = [&](bool isFirst) {
      RunTimeListState list;
      onPath(isFirst, [&] {
        list = withHeap(isFirst, [&] { return runTimeList(s, isFirst ? a : b, item); });
        return mlir::Value();
      });
      return list;
    };
    auto *sameA = std::get_if<RunTimeListState>(&a), *sameB = std::get_if<RunTimeListState>(&b);
    RunTimeListState x = columnsOf(true), y = columnsOf(false);
    result.length = joinExpr(lengthOf(a), lengthOf(b));
    bool isUnchanged =
        pair.first == pair.second && sameA && sameB && sameA->changes == sameB->changes;
    result.changes = isUnchanged ? sameA->changes : s.nextNumber();
    result.itemsOf = {ids.at(pair)};
    if (holdsObjects(item)) {
      result.generation = joinedGeneration(pair);
      for (bool isFirst : {true, false}) {
        const ObjectState &list = isFirst ? a : b;
        auto *counted = std::get_if<RunTimeListState>(&list);
        auto add = [&](std::vector<ObjectId> &holders, const std::vector<ObjectId> &of) {
          for (ObjectId holder : of) {
            addHolders(holders, joinedAliases(holder, isFirst));
            // The list itself goes on under its new number.
            if (isAmbiguous(pair) || holder != (isFirst ? pair.first : pair.second))
              addHolders(holders, holder);
          }
        };
        withHeap(isFirst, [&] {
          auto *known = std::get_if<ListState>(&list);
          add(result.itemsOf, known ? otherHolders(s, known->items) : counted->itemsOf);
          add(result.innerItemsOf, known ? innerHolders(s, known->items) : counted->innerItemsOf);
        });
      }
    }
    result.isTuple = isTuple(a);
    result.item = std::make_shared<const ResultPattern>(item);
    result.isItem = isReadOnly(a) || isReadOnly(b);
    llvm::SmallVector<mlir::Type> types;
    columnTypes(s, item, types);
    std::vector<bool> withEnds = columnsWithEnds(s, item);
    size_t type = 0;
    bool isSame = sameA && sameB && *sameA->item == item && *sameB->item == item;
    isWeakened |= sameA && !hasSameKinds(*sameA->item, item);
    auto joined = [&](mlir::Value left, mlir::Value right, bool mayBeSame) {
      mlir::Type columnType = types[type++];
      if (mayBeSame && left == right && s.isAvailable(left))
        return left;
      return phi(left, right, columnType);
    };
    for (size_t i = 0; i < withEnds.size(); ++i) {
      // While the result is built nothing is emitted, and what is the same is known all the same.
      ItemColumn left = isSame ? sameA->columns[i] : building ? ItemColumn() : x.columns[i];
      ItemColumn right = isSame ? sameB->columns[i] : building ? ItemColumn() : y.columns[i];
      ItemColumn column{joined(left.values, right.values, isSame), {}};
      if (withEnds[i])
        column.ends = joined(left.ends, right.ends, isSame);
      result.columns.push_back(column);
    }
    return result;
  } catch (const CannotCross &refused) {
    refusedLists[pair] = refused.what;
    return broken("list (" + refused.what + ")");
  }
}

/// Arrays and containers that the items of joined lists refer to are marked, wherever else they are
/// reached from.
void Joiner::markListItems() {
  for (auto &[pair, item] : listItems) {
    for (bool isFirst : {true, false}) {
      const Heap &heap = isFirst ? first.heap : second.heap;
      auto *list = heap.get<ListState>(isFirst ? *pair.first : *pair.second);
      if (!list)
        continue;
      std::set<ObjectId> reached;
      LeafMapper visit;
      visit.object = [&](ObjectId id) {
        if (!heap.pointer(id) || !reached.insert(id).second)
          return id;
        if (auto *array = heap.get<ArrayState>(id); array && array->base)
          reached.insert(memoryOwner(heap, id));
        else if (heap.get<ListState>(id) || heap.get<DictState>(id) || heap.get<InstanceState>(id))
          visit.map(heap.at(id));
        return id;
      };
      for (const Value &value : list->items)
        visit.map(value);
      Heap saved = std::move(s.heap);
      s.heap = std::move(merged.heap);
      for (auto &other : pairs) {
        auto side = isFirst ? other.first : other.second;
        ObjectId object = ids.at(other), holder = ids.at(pair);
        if (!side || !reached.count(*side) || !s.heap.pointer(object))
          continue;
        // It may be in two of the lists that were joined.
        if (SharedPlace place = placeOf(s.heap.at(object)))
          for (auto &joined : listItems)
            if (ObjectId list = ids.at(joined.first);
                list != holder && llvm::is_contained(place->lists, list)) {
              revoke(s, holder, /*reads=*/false);
              revoke(s, list, /*reads=*/false);
            }
        freeze(s, ObjectRef{object}, holder);
      }
      merged.heap = std::move(s.heap);
      s.heap = std::move(saved);
    }
  }
}

} // namespace mpy
