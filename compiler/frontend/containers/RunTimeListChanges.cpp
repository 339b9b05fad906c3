// Changes of objects that lists of run-time length hold: the list gets what the object is now, and
// whatever else may be the same object is read again when it is needed, or is not known any more.
#include "frontend/containers/RunTimeLists.h"

using namespace mlir;

namespace mpy {

static bool isBelow(const std::vector<std::string> &path, const std::vector<std::string> &above) {
  return path.size() > above.size() && std::equal(above.begin(), above.end(), path.begin());
}

//===----------------------------------------------------------------------===//
// What is no longer known
//===----------------------------------------------------------------------===//

std::shared_ptr<const Diagnostic> staleError(Specializer &s, const ObjectState &state) {
  bool isArray = std::get_if<ArrayState>(&state);
  return std::make_shared<const Diagnostic>(
      s.diagnostic(ErrorId::StaleAlias, {},
                   {.found = isArray ? "an array that may share memory with one that was changed "
                                       "since"
                                     : "an object that may be one that was changed since",
                    .help = isArray ? "copy it when it is bound: x = y.copy()"
                                    : "read what you need of it before the other is changed"}));
}

/// It may be what has changed; with a view, it is read again when it is needed.
static void outdate(Specializer &s, ObjectId id, SharedPlace place) {
  const ObjectState &state = s.heap.at(id);
  auto *broken = std::get_if<BrokenState>(&state);
  if (broken && !broken->place)
    return;
  auto *list = std::get_if<RunTimeListState>(&state);
  unsigned generation = broken ? broken->generation : list ? list->generation : 0;
  s.heap.set(
      id, BrokenState{broken ? broken->error : staleError(s, state), std::move(place), generation});
}

SharedPlace withoutView(const SharedPlace &place) { return frozenPlace(place->lists); }

/// What was an item of one of these lists, and only a copy of it is known here, may have changed.
static void outdateFrozen(Specializer &s, llvm::ArrayRef<ObjectId> lists,
                          const std::vector<ItemPart> &but) {
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    SharedPlace place = placeOf(s.heap, id);
    auto isHere = [&](ObjectId list) { return llvm::is_contained(lists, list); };
    if (!place || place->isReleased || (place->view && isCurrent(s, *place->view)) ||
        llvm::none_of(place->lists, isHere) ||
        llvm::any_of(but, [&](const ItemPart &part) { return part.id == id; }))
      continue;
    outdate(s, id, withoutView(place));
  }
}

/// After an object of this view was stored in its list. `moves`: parts of it are other objects now,
/// or lie elsewhere.
static void outdateOthers(Specializer &s, const ItemView &view,
                          const std::vector<std::string> &path, bool moves,
                          const std::set<ObjectId> &detached) {
  // The objects that are read from each list.
  std::multimap<ObjectId, ObjectId> read;
  for (ObjectId id = 0; id < s.heap.size(); ++id)
    if (SharedPlace place = placeOf(s.heap, id); place && place->view)
      read.insert({place->view->list, id});
  std::function<void(ObjectId, bool)> itemsOf = [&](ObjectId list, bool isLost) {
    for (auto [it, end] = read.equal_range(list); it != end; ++it) {
      SharedPlace place = placeOf(s.heap, it->second);
      if (!place || !place->view || place->view->list != list)
        continue;
      outdate(s, it->second, isLost ? withoutView(place) : place);
      itemsOf(it->second, isLost);
    }
  };
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    SharedPlace place = placeOf(s.heap, id);
    if (!place || place->isReleased || !llvm::is_contained(place->lists, view.list) ||
        detached.count(id))
      continue;
    bool isHere = place->view && place->view->list == view.list;
    bool isOwn = isHere && place->view->number == view.number;
    bool isReadable = place->view && isCurrent(s, *place->view);
    if (isReadable && !isHere)
      continue; // As its own list is.
    if (isOwn) {
      if (isReadable)
        outdate(s, id, place);
      continue;
    }
    bool isLost = !isReadable || (moves && isBelow(place->path, path));
    bool isMoved = moves && place->path == path;
    outdate(s, id, isLost ? withoutView(place) : place);
    itemsOf(id, isLost || isMoved);
  }
}

//===----------------------------------------------------------------------===//
// Storing
//===----------------------------------------------------------------------===//

/// What is said of a list in an item is said of the list that holds the item.
static void tellHolder(Specializer &s, ObjectId id) {
  SharedPlace place = placeOf(s.heap, id);
  if (!place || !place->view || !isCurrent(s, *place->view))
    return;
  s.checkUsable(place->view->list);
  RunTimeListState holder = *s.heap.get<RunTimeListState>(place->view->list);
  addHolders(holder.innerItemsOf, innerHolders(s, Value(ObjectRef{id})));
  s.heap.set(place->view->list, std::move(holder));
  tellHolder(s, place->view->list);
}

static void holdNow(Specializer &s, ObjectId id, const Value &item,
                    const std::optional<IntExpr> &given, const std::optional<IntExpr> &walked) {
  s.checkUsable(id); // It may be an item itself.
  if (!holdsObjects(*s.heap.get<RunTimeListState>(id)->item))
    return;
  makeUsable(s, item);
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  std::vector<ItemPart> parts = partsOf(s, item);
  bool areNew = llvm::none_of(parts, [&](const ItemPart &part) {
    SharedPlace place = placeOf(s.heap, part.id);
    return place && !isReleased(s.heap.at(part.id));
  });
  bool isOwn = list.generation && areOwnable(s, item, nullptr, walked);
  addHolders(list.innerItemsOf, innerHolders(s, item));
  if (!isOwn || !areNew) {
    addHolders(list.itemsOf, otherHolders(s, item));
    if (!isOwn)
      list.generation = 0;
    s.heap.set(id, list);
    return freeze(s, item, id);
  }
  s.heap.set(id, list);
  std::vector<ObjectId> former = otherHolders(s, item);
  if (!former.empty())
    outdateFrozen(s, former, parts);
  given ? placeItem(s, id, item, *given) : freeze(s, item, id);
}

void holdItem(Specializer &s, ObjectId id, const Value &item, const std::optional<IntExpr> &given,
              const std::optional<IntExpr> &walked) {
  holdNow(s, id, item, given, walked);
  tellHolder(s, id);
}

void placeItem(Specializer &s, ObjectId id, const Value &item, const IntExpr &given) {
  const RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  IntExpr position = given.known() ? given : symbolExpr(s.index(given), true);
  setView(s, partsOf(s, item),
          {s.nextNumber(), id, list.generation, position, given, list.length, {}, {}}, list);
}

/// The new state of an object is of the same place.
static void keepPlace(const ObjectState &before, ObjectState &state) {
  setPlace(state, placeOf(before));
  std::visit(
      [&](const auto &object) {
        if constexpr (requires { object.isItem; })
          std::visit(
              [&](auto &now) {
                if constexpr (requires { now.isItem; }) {
                  now.isItem = object.isItem;
                  now.sharesWith = object.sharesWith;
                }
              },
              state);
      },
      before);
}

void setList(Specializer &s, ObjectId id, RunTimeListState list, bool moves) {
  if (moves)
    readPending(s, id);
  auto *before = s.heap.get<RunTimeListState>(id);
  unsigned generation = before ? before->generation : 0;
  list.moved = nullptr;
  if (list.generation)
    list.generation = moves && generation ? s.nextNumber() : generation;
  ObjectState state = std::move(list);
  keepPlace(s.heap.at(id), state);
  s.heap.set(id, std::move(state));
  storeItem(s, id, moves);
}

void outdateItems(Specializer &s, ObjectId list) {
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    SharedPlace place = placeOf(s.heap, id);
    if (id == list || !place || place->isReleased || !llvm::is_contained(place->lists, list))
      continue;
    bool isReadable = place->view && place->view->list == list && isCurrent(s, *place->view);
    outdate(s, id, isReadable ? place : withoutView(place));
    // Where the items of a list inside lie now is not known.
    if (auto *broken = s.heap.get<BrokenState>(id); broken && broken->generation)
      s.heap.set(id, BrokenState{broken->error, broken->place});
  }
}

void replaceList(Specializer &s, ObjectId id, RunTimeListState list, bool moves) {
  list.moved = nullptr;
  list.changes = s.nextNumber();
  if (list.generation && moves)
    list.generation = s.nextNumber();
  ObjectState state = std::move(list);
  keepPlace(s.heap.at(id), state);
  s.heap.set(id, std::move(state));
  outdateItems(s, id);
  storeItem(s, id, moves);
}

bool moveItem(Specializer &s, ObjectId id, const RunTimeListState &before, const Value &item,
              const IntExpr &to) {
  auto *ref = item.get<ObjectRef>();
  SharedPlace place = ref ? placeOf(s.heap, ref->id) : nullptr;
  auto *now = s.heap.get<RunTimeListState>(id);
  unsigned generation = before.moved ? before.moved->generation : before.generation;
  if (!now || !generation || !place || !place->view || !place->path.empty() ||
      place->view->list != id || place->view->generation != generation ||
      !isSameKey(*place->view, before.length))
    return false;
  MovedItems moved = before.moved ? *before.moved : MovedItems{generation, {}, {}};
  moved.from.push_back(place->view->key);
  moved.to.push_back(to);
  RunTimeListState list = *now;
  // Each place that was taken from was filled, once. Two may be one place; of more that is not so.
  bool isWhole = llvm::all_of(moved.from, [&](const IntExpr &one) {
    bool isDistinct = moved.from.size() == 2 || (one.known() && *one.known() >= 0);
    auto isOne = [&](const IntExpr &other) { return isSamePosition(one, other); };
    return isDistinct && llvm::count_if(moved.from, isOne) == 1 &&
           llvm::count_if(moved.to, isOne) == 1;
  });
  list.generation = isWhole ? s.nextNumber() : 0;
  list.moved = isWhole ? nullptr : std::make_shared<const MovedItems>(std::move(moved));
  s.heap.set(id, std::move(list));
  return true;
}

void Specializer::change(ObjectId id, ObjectState state) {
  keepPlace(heap.at(id), state);
  heap.set(id, std::move(state));
  storeItem(*this, id, false);
}

/// What a changed object refers to now belongs to its item, what it no longer refers to does not.
/// Whether anything is another object than before.
static bool reattach(Specializer &s, ObjectId id, const ItemPlace &place,
                     std::set<ObjectId> &detached) {
  std::vector<ItemPart> parts = partsOf(s, ObjectRef{id}, place.path);
  bool isOther = false;
  std::set<ObjectId> here;
  for (const ItemPart &part : parts) {
    if (!here.insert(part.id).second) {
      revoke(s, place.view->list);
      return true;
    }
    SharedPlace own = placeOf(s.heap, part.id);
    if (own && own->view && own->view->number == place.view->number && own->path == part.path)
      continue;
    isOther = true;
    std::vector<ItemPart> added = partsOf(s, ObjectRef{part.id}, part.path);
    if (!areOwnable(s, Value(ObjectRef{part.id}), nullptr, std::nullopt)) {
      // Another list, or a name for one of several, holds it too.
      RunTimeListState list = *s.heap.get<RunTimeListState>(place.view->list);
      addHolders(list.itemsOf, otherHolders(s, Value(ObjectRef{part.id})));
      list.generation = 0;
      s.heap.set(place.view->list, std::move(list));
      freeze(s, ObjectRef{part.id}, place.view->list);
      continue;
    }
    setView(s, added, *place.view, *s.heap.get<RunTimeListState>(place.view->list));
  }
  for (ObjectId other = 0; other < s.heap.size(); ++other) {
    SharedPlace own = placeOf(s.heap, other);
    if (!own || !own->view || own->view->number != place.view->number || here.count(other) ||
        !isBelow(own->path, place.path))
      continue;
    isOther = true;
    detached.insert(other);
    ObjectState state = s.heap.at(other);
    setReadOnly(state, other, true);
    setPlace(state, withoutView(own));
    s.heap.set(other, std::move(state));
  }
  return isOther;
}

/// A list in an item that got what others hold too becomes one of run-time length: then the item
/// itself stays one that can be changed.
static void countShared(Specializer &s, ObjectId id, const ItemPlace &place) {
  auto *known = s.heap.get<ListState>(id);
  auto isOther = [&](const Value &item) {
    return llvm::any_of(partsOf(s, item), [&](const ItemPart &part) {
      SharedPlace own = placeOf(s.heap, part.id);
      return own && !(own->view && own->view->number == place.view->number) &&
             !isReleased(s.heap.at(part.id));
    });
  };
  if (known && llvm::any_of(known->items, isOther))
    makeRunTimeList(s, id);
}

/// The item that an object is part of, with the objects that the program knows.
static Value wholeItem(Specializer &s, const RunTimeListState &list, const ItemView &view) {
  for (ObjectId id = 0; id < s.heap.size(); ++id)
    if (SharedPlace place = placeOf(s.heap, id);
        place && place->view && place->view->number == view.number && place->path.empty())
      return ObjectRef{id};
  llvm::SmallVector<mlir::Value> leaves(view.leaves.begin(), view.leaves.end());
  // Only the objects that are not known any more are made of these values.
  Value fresh = leaves.empty() ? buildItem(s, list, view.position, leaves)
                               : itemOfLeaves(s, *list.item, leaves);
  std::vector<ItemPart> parts = partsOf(s, fresh);
  std::map<ObjectId, ObjectId> known = knownParts(s, parts, view.number);
  LeafMapper mapper = toKnown(known);
  for (const ItemPart &part : parts)
    if (!known.count(part.id))
      s.heap.set(part.id, mapper.map(s.heap.at(part.id)));
  return mapper.map(fresh);
}

void storeItem(Specializer &s, ObjectId id, bool moves) {
  SharedPlace place = placeOf(s.heap, id);
  if (!place || !place->view)
    return;
  const ItemView &view = *place->view;
  countShared(s, id, *place);
  std::set<ObjectId> detached;
  moves |= reattach(s, id, *place, detached);
  RunTimeListState list = *s.heap.get<RunTimeListState>(view.list);
  addHolders(list.innerItemsOf, innerHolders(s, Value(ObjectRef{id})));
  list = orItemsDiffer(s, [&] {
    return replaceItem(s, list, view.position, wholeItem(s, list, view), view.leaves);
  });
  list.changes = s.nextNumber();
  s.heap.set(view.list, std::move(list));
  outdateOthers(s, view, place->path, moves, detached);
  storeItem(s, view.list, false);
}

//===----------------------------------------------------------------------===//
// Changes
//===----------------------------------------------------------------------===//

void refuseChange(Specializer &s) {
  s.fail(
      ErrorId::ItemMutation, {},
      {.found = "an object that is one of several by run-time data, or that other lists hold too",
       .help = "change a copy of it, or replace the item: items[i] = .."});
}

/// The objects that a list of known length holds.
static std::set<ObjectId> objectsIn(Specializer &s, ObjectId list) {
  std::set<ObjectId> objects;
  for (const Value &item : ValueList(s.heap.get<ListState>(list)->items))
    for (const ItemPart &part : partsOf(s, item))
      objects.insert(part.id);
  return objects;
}

bool countItems(Specializer &s, ObjectId list, const ResultPattern *structure) {
  std::map<ObjectId, std::shared_ptr<const ObjectState>> items;
  // One that was put back into the list is none of its own.
  std::set<ObjectId> own = objectsIn(s, list);
  for (ObjectId id = 0; id < s.heap.size(); ++id)
    if (SharedPlace place = placeOf(s.heap, id); place && place->view && place->view->known &&
                                                 place->view->list == list && !own.count(id) &&
                                                 isUnmoved(s, *place->view)) {
      items[id] = s.heap.pointer(id);
      outdate(s, id, place);
    }
  convertList(s, list, structure);
  auto *counted = s.heap.get<RunTimeListState>(list);
  bool isOwn = counted->generation != 0;
  std::map<unsigned, std::shared_ptr<const ItemView>> views;
  for (auto &[id, state] : items) {
    if (!isOwn) {
      s.heap.setPointer(id, state);
      continue;
    }
    ItemPlace place = *placeOf(*state);
    auto &view = views[place.view->number];
    if (!view) {
      ItemView changed = *place.view;
      changed.generation = counted->generation;
      changed.known = nullptr;
      view = std::make_shared<const ItemView>(std::move(changed));
    }
    place.view = view;
    outdate(s, id, std::make_shared<const ItemPlace>(std::move(place)));
  }
  return isOwn;
}

bool countKnownList(Specializer &s, ObjectId id) {
  SharedPlace place = placeOf(s.heap, id);
  const ItemView &view = *place->view;
  if (!isUnmoved(s, view) || !s.isAvailable(view.position))
    return false;
  // What may be one of the items, and is not read from the list, is not known any more.
  std::set<ObjectId> items = objectsIn(s, view.list);
  if (items.count(id))
    return false;
  auto isPart = [&](ObjectId one) { return items.count(one) != 0; };
  for (ObjectId other = 0; other < s.heap.size(); ++other) {
    SharedPlace own = placeOf(s.heap, other);
    bool isRead = own && own->view && own->view->known && own->view->list == view.list &&
                  isUnmoved(s, *own->view);
    if (!isRead && s.heap.pointer(other) && !isPart(other) && mayBeOneOf(s.heap.at(other), isPart))
      outdate(s, other, nullptr);
  }
  return countItems(s, view.list) && readAgain(s, id);
}

bool mayChangeItems(Specializer &s, ObjectId id) {
  if (auto *known = s.heap.get<ListState>(id))
    return areOwnable(s, known->items, known->place, std::nullopt);
  auto *list = s.heap.get<RunTimeListState>(id);
  return list && (!holdsObjects(*list->item) ||
                  (list->generation && !isHeldElsewhere(s, list->itemsOf, id)));
}

bool ownsItems(Specializer &s, ObjectId id) {
  return !isReadOnly(s.heap.at(id)) && mayChangeItems(s, id);
}

/// Lists that comprehensions make of what they walk, each item when its turn is over: what is at
/// the position that is walked now is in none of them.
static std::vector<ObjectId> madeOfOthers(Specializer &s, const ItemView &view) {
  std::vector<ObjectId> lists;
  for (Frame *frame : s.frames) {
    auto made = frame->locals.find("%made");
    if (!frame->walked || made == frame->locals.end() || *frame->walked != view.position)
      continue;
    auto *ref = made->second.get<ObjectRef>();
    auto *list = ref ? s.heap.get<RunTimeListState>(ref->id) : nullptr;
    if (list && list->generation)
      lists.push_back(ref->id);
  }
  return lists;
}

/// Whether an object that is an item may be changed where it lies.
static bool mayChange(Specializer &s, ObjectId id) {
  SharedPlace place = placeOf(s.heap, id);
  if (!place || !place->view)
    return false;
  if (place->view->known)
    return countKnownList(s, id);
  if (!isCurrent(s, *place->view) ||
      (s.heap.get<BrokenState>(place->view->list) && !readAgain(s, place->view->list)))
    return false;
  // All of the item is as the list has it.
  for (ObjectId other = 0; other < s.heap.size(); ++other)
    if (SharedPlace own = placeOf(s.heap, other);
        own && own->view && own->view->number == place->view->number &&
        s.heap.get<BrokenState>(other) && !readAgain(s, other))
      return false;
  ObjectId list = place->view->list;
  auto *holder = s.heap.get<RunTimeListState>(list);
  std::vector<ObjectId> but = madeOfOthers(s, *place->view);
  but.push_back(list);
  if (isHeldElsewhere(s, holder->itemsOf, but))
    return false;
  return !holder->isItem || mayChange(s, list);
}

void beginChange(Specializer &s, ObjectId id) {
  s.checkUsable(id);
  ObjectState state = s.heap.at(id);
  bool isItem = std::visit(
      [&](const auto &object) {
        if constexpr (requires { object.isItem; })
          return object.isItem;
        else if constexpr (requires { object.maybeAliases; })
          return isItemArray(s.heap, id) && !isReleased(state);
        else
          return false;
      },
      state);
  if (isItem && !mayChange(s, id))
    refuseChange(s);
  if (isReleased(state)) {
    std::vector<ObjectId> lists = placeOf(state)->lists;
    if (isHeldElsewhere(s, lists, lists))
      refuseChange(s);
    outdateFrozen(s, lists, partsOf(s, ObjectRef{id}));
  }
  for (ObjectId other = 0; other < s.heap.size(); ++other) {
    if (s.heap.pointer(other) && !s.heap.get<ArrayState>(other) &&
        mayBeOneOf(s.heap.at(other), [&](ObjectId one) { return one == id; })) {
      SharedPlace place = placeOf(s.heap, other);
      bool isRead = place && place->view && place->view->known;
      outdate(s, other, isRead ? place : nullptr);
    }
  }
}

} // namespace mpy
