// Where paths meet, an object that a list holds on both of them: one item of the list, whose
// position flows. It is read from the list when it is needed.
//
//   path 1: p is ps[%i]      path 2: p is ps[%j]      =>   p is ps[%k], %k from %i or %j
//
// On one path it may be nothing: then there is an item only where the position is one of the list.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Joiner.h"

using namespace mlir;

namespace mpy {

/// The lists of a place that go on, by their new numbers: of those that only one path made and
/// nobody reaches, nothing is left that could change.
void Joiner::addJoinedLists(const ItemPlace &place, bool isFirst, std::set<ObjectId> &lists) {
  const Heap &heap = isFirst ? first.heap : second.heap;
  for (ObjectId list : place.lists) {
    std::vector<ObjectId> joined = joinedAliases(list, isFirst);
    lists.insert(joined.begin(), joined.end());
    if (joined.empty() && list < mark && heap.pointer(list))
      lists.insert(list); // An unfinished expression holds it.
  }
}

/// Whether both paths know an object as the same item of the same list.
bool Joiner::isSameView(const Pair &pair) const {
  if (!pair.first || pair.first != pair.second)
    return false;
  SharedPlace x = placeOf(first.heap.at(*pair.first)), y = placeOf(second.heap.at(*pair.second));
  if (!x || !y || !x->view || !y->view || x->view->number != y->view->number ||
      x->view->generation != y->view->generation || x->path != y->path ||
      x->view->position != y->view->position || !s.isAvailable(x->view->position))
    return false;
  auto list = ids.find({x->view->list, x->view->list});
  return list == ids.end() ? x->view->list < mark : list->second == x->view->list;
}

/// Whether items of two lists are items of one: of the same, or of the same part of items of one.
bool Joiner::isOneList(ObjectId a, ObjectId b) const {
  if (a == b)
    return a < mark && first.heap.pointer(a) && second.heap.pointer(b);
  SharedPlace x = placeOf(first.heap, a), y = placeOf(second.heap, b);
  return x && y && x->view && y->view && x->path == y->path &&
         isOneList(x->view->list, y->view->list);
}

/// The pair that the lists are which two views, or one and nothing, are read from.
std::optional<Joiner::Pair> Joiner::pairOfLists(const ItemView *x, const ItemView *y) const {
  if (x && y)
    return isOneList(x->list, y->list) ? std::optional(Pair{x->list, y->list}) : std::nullopt;
  ObjectId list = x ? x->list : y->list;
  if (isOneList(list, list))
    return Pair{list, list};
  return x ? Pair{list, std::nullopt} : Pair{std::nullopt, list};
}

/// Objects in lists of a length that is known on both paths are items of these, each of one.
void Joiner::findKnownItems() {
  std::set<ObjectId> several[2];
  for (const Pair &pair : pairs) {
    if (pair.first != pair.second ||
        first.heap.pointer(*pair.first) != second.heap.pointer(*pair.first))
      continue;
    ObjectId id = *pair.first;
    auto *list = first.heap.get<ListState>(id);
    bool areObjects = list && list->items.size() > 1 && list->items.size() <= maximumKnownItems &&
                      llvm::all_of(ValueList(list->items), [](const Value &item) {
                        return item.get<ObjectRef>() != nullptr;
                      });
    if (!areObjects)
      continue;
    const ValueList items = list->items;
    IntExpr length(int64_t(items.size()));
    std::vector<unsigned> numbers;
    for (size_t i = 0; i < items.size(); ++i)
      numbers.push_back(s.nextNumber());
    for (bool isFirst : {true, false}) {
      Heap saved = std::exchange(s.heap, isFirst ? first.heap : second.heap);
      auto held = std::make_shared<const KnownItems>(knownItemsOf(s, id, items.size()));
      for (const auto &[position, item] : llvm::enumerate(items)) {
        IntExpr at{int64_t(position)};
        auto view = std::make_shared<const ItemView>(
            ItemView{numbers[position], id, 0, at, at, length, {}, held});
        for (const ItemPart &part : partsOf(s, item)) {
          auto place = std::make_shared<const ItemPlace>(ItemPlace{{id}, view, part.path});
          if (!knownItems.try_emplace({part.id, isFirst}, place).second)
            several[isFirst].insert(part.id);
        }
      }
      s.heap = std::move(saved);
    }
  }
  for (bool isFirst : {true, false})
    for (ObjectId id : several[isFirst])
      knownItems.erase({id, isFirst});
}

/// Where an object is on one path: as its state says, or, if it is one of several, in a list of
/// known length.
SharedPlace Joiner::placeOn(const Pair &pair, bool isFirst) {
  std::optional<ObjectId> id = isFirst ? pair.first : pair.second;
  if (!id)
    return nullptr;
  SharedPlace place = placeOf((isFirst ? first : second).heap.at(*id));
  if ((place && place->view) || !isAmbiguous(pair))
    return place;
  if (!std::exchange(hasKnownItems, true))
    findKnownItems();
  auto found = knownItems.find({*id, isFirst});
  return found == knownItems.end() ? place : found->second;
}

std::shared_ptr<const ItemView> Joiner::joinViews(const ItemView *x, const ItemView *y) {
  auto [entry, isNew] =
      views.try_emplace({x ? x->number : 0, y ? y->number : 0}, std::shared_ptr<const ItemView>());
  if (!isNew)
    return entry->second;
  std::optional<Pair> lists = pairOfLists(x, y);
  auto isCurrentOn = [&](const ItemView *view, bool isFirst) {
    OpBuilder::InsertionGuard guard(s.builder);
    s.builder.setInsertionPointToEnd(isFirst ? firstEnd : secondEnd);
    if (!view)
      return true;
    Heap saved = std::exchange(s.heap, isFirst ? first.heap : second.heap);
    bool isCurrent = isUnmoved(s, *view) && s.isAvailable(view->position);
    s.heap = std::move(saved);
    return isCurrent;
  };
  if (!lists || !ids.count(*lists) || !isCurrentOn(x, true) || !isCurrentOn(y, false))
    return nullptr;
  ItemView view = x ? *x : *y;
  view.list = ids.at(*lists);
  bool isKnown = (!x || x->known) && (!y || y->known);
  if (isKnown) {
    // Its length stays known.
    if (lists->first != lists->second ||
        first.heap.pointer(view.list) != second.heap.pointer(view.list))
      return nullptr;
  } else {
    view.known = nullptr;
    view.generation = joinedGeneration(*lists);
    if (!view.generation)
      return nullptr;
  }
  view.position = x && y ? joinExpr(x->position, y->position)
                         : oneSidedExpr(view.position, /*isFirst=*/x != nullptr);
  view.mayBeAbsent |= !x || !y || y->mayBeAbsent;
  if (!x || !y || x->number != y->number)
    view.number = s.nextNumber();
  view.key = view.position;
  view.leaves.clear();
  return entry->second = std::make_shared<const ItemView>(std::move(view));
}

/// Where an object is that was an item of a list on both paths, or on one and nothing on the other.
/// Null also where nothing new is to be said: both know it as it is.
SharedPlace Joiner::joinedPlace(const Pair &pair) {
  SharedPlace x = placeOn(pair, true), y = placeOn(pair, false);
  bool isItem = (!pair.first || (x && x->view)) && (!pair.second || (y && y->view)) &&
                (!x || !y || x->path == y->path);
  if (!isItem)
    return nullptr;
  if (isSameView(pair) && x->view == y->view && !first.heap.get<BrokenState>(*pair.first) &&
      !second.heap.get<BrokenState>(*pair.second) &&
      llvm::all_of(x->view->leaves, [&](mlir::Value leaf) { return s.isAvailable(leaf); }))
    return nullptr;
  auto view = joinViews(x ? x->view.get() : nullptr, y ? y->view.get() : nullptr);
  if (!view)
    return nullptr;
  std::set<ObjectId> lists;
  if (x)
    addJoinedLists(*x, true, lists);
  if (y)
    addJoinedLists(*y, false, lists);
  return std::make_shared<const ItemPlace>(
      ItemPlace{{lists.begin(), lists.end()}, std::move(view), x ? x->path : y->path});
}

/// What lists of known length hold is another thing where paths have met; so say those that are
/// read from them.
void Joiner::renewKnownItems(llvm::ArrayRef<ObjectId> objects) {
  Heap saved = std::exchange(s.heap, std::move(merged.heap));
  std::map<unsigned, std::shared_ptr<const ItemView>> renewed;
  for (ObjectId id : objects) {
    ObjectState state = s.heap.at(id);
    ItemPlace place = *placeOf(state);
    auto &view = renewed[place.view->number];
    if (!view) {
      ItemView changed = *place.view;
      auto *list = s.heap.get<ListState>(changed.list);
      if (list)
        changed.known =
            std::make_shared<const KnownItems>(knownItemsOf(s, changed.list, list->items.size()));
      view = std::make_shared<const ItemView>(std::move(changed));
    }
    place.view = view;
    setPlace(state, std::make_shared<const ItemPlace>(std::move(place)));
    s.heap.set(id, std::move(state));
  }
  merged.heap = std::exchange(s.heap, std::move(saved));
}

ObjectState Joiner::toReadAgain(const Pair &pair, SharedPlace place) {
  const ObjectState &state = pair.first ? first.heap.at(*pair.first) : second.heap.at(*pair.second);
  auto *broken = std::get_if<BrokenState>(&state);
  auto *other = pair.second ? second.heap.get<BrokenState>(*pair.second) : nullptr;
  auto error = broken ? broken->error : other ? other->error : staleError(s, state);
  return BrokenState{std::move(error), std::move(place), joinedGeneration(pair)};
}

/// What both paths know of the lists that may hold an object.
void Joiner::joinPlaces(const Pair &pair, ObjectState &state) {
  if (pair.first && pair.second && isSameView(pair)) {
    setPlace(state, placeOf(first.heap.at(*pair.first)));
    return;
  }
  // A list goes on under its new number.
  if (auto *list = std::get_if<RunTimeListState>(&state);
      list && pair.first.has_value() != pair.second.has_value() && !isAmbiguous(pair)) {
    llvm::erase(list->itemsOf, pair.first ? *pair.first : *pair.second);
    addHolders(list->itemsOf, ids.at(pair));
  }
  std::set<ObjectId> lists;
  bool isReadOnly = false;
  auto add = [&](const Heap &heap, std::optional<ObjectId> id, bool isFirst) {
    if (!id)
      return;
    for (ObjectId one : {*id, memoryOwner(heap, *id)}) {
      // A view of an array is read through the array.
      if (one != *id && pair.first == pair.second)
        continue;
      SharedPlace place = heap.pointer(one) ? placeOf(heap.at(one)) : nullptr;
      if (!place)
        continue;
      isReadOnly |= !isReleased(heap.at(one));
      addJoinedLists(*place, isFirst, lists);
    }
  };
  add(first.heap, pair.first, true);
  add(second.heap, pair.second, false);
  if (lists.empty() && !isReadOnly)
    return setPlace(state, nullptr);
  // What is out of its list on both paths is out of it.
  setPlace(state, std::make_shared<const ItemPlace>(
                      ItemPlace{{lists.begin(), lists.end()}, nullptr, {}, !isReadOnly}));
  if (isReadOnly)
    setReadOnly(state, ids.at(pair), true);
}

} // namespace mpy
