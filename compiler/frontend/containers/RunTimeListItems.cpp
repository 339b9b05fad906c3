// Objects that lists of run-time length hold. Such a list holds what is in an object, not the
// object itself, so an object that is read from it is a view of its columns:
//
//   p = ps[k]; p.x += 1   =>   %x = extract %xs[%k]; %xs1 = insert %x + 1 into %xs[%k]
//
// A list whose items nobody else holds, each of them once, lets them be changed (`generation`). A
// change of an object is written to the list, and whatever else may be the same object is read
// again from there, or may not be read where that is not possible. Everything else that a list
// holds may only be read.
#include "frontend/containers/RunTimeLists.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

bool holdsObjects(const ResultPattern &item) {
  switch (item.kind) {
  case Kind::Array:
  case Kind::List:
  case Kind::RunTimeList:
  case Kind::Dict:
  case Kind::Instance:
    return true;
  default:
    return llvm::any_of(item.parts, holdsObjects);
  }
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

SharedPlace placeOf(const ObjectState &state) {
  return std::visit(
      [](const auto &object) -> SharedPlace {
        if constexpr (requires { object.place; })
          return object.place;
        else
          return nullptr;
      },
      state);
}

bool isReadOnly(const ObjectState &state) {
  return std::visit(
      [](const auto &object) {
        if constexpr (requires { object.isItem; })
          return object.isItem;
        else
          return false;
      },
      state);
}

SharedPlace placeOf(const Heap &heap, ObjectId id) {
  return heap.pointer(id) ? placeOf(heap.at(id)) : nullptr;
}

bool isUnchanged(const std::shared_ptr<const ObjectState> &before,
                 const std::shared_ptr<const ObjectState> &now) {
  auto *list = before && now ? std::get_if<RunTimeListState>(&*before) : nullptr;
  auto *other = list ? std::get_if<RunTimeListState>(&*now) : nullptr;
  if (!other)
    return before == now;
  return list->length == other->length && *list->item == *other->item &&
         list->isItem == other->isItem &&
         llvm::equal(list->columns, other->columns, [](const ItemColumn &a, const ItemColumn &b) {
           return a.values == b.values && a.ends == b.ends;
         });
}

void setPlace(ObjectState &state, SharedPlace place) {
  std::visit(
      [&](auto &object) {
        if constexpr (requires { object.place; })
          object.place = std::move(place);
      },
      state);
}

/// A state that may only be read, or may be changed as well.
void setReadOnly(ObjectState &state, ObjectId id, bool isReadOnly) {
  std::visit(
      [&](auto &object) {
        if constexpr (requires { object.isItem; }) {
          object.isItem = isReadOnly;
        } else if constexpr (requires { object.maybeAliases; }) {
          if (isReadOnly && !llvm::is_contained(object.maybeAliases, id))
            object.maybeAliases.push_back(id);
          else if (!isReadOnly)
            llvm::erase(object.maybeAliases, id);
        }
      },
      state);
}

SharedPlace frozenPlace(std::vector<ObjectId> lists) {
  llvm::sort(lists);
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
  return std::make_shared<const ItemPlace>(ItemPlace{std::move(lists), nullptr, {}});
}

void readPending(Specializer &s, ObjectId list) {
  std::vector<bool> isReachable;
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    SharedPlace place = s.heap.get<BrokenState>(id) ? placeOf(s.heap, id) : nullptr;
    if (!place || !place->view || place->view->list != list || !isCurrent(s, *place->view))
      continue;
    if (isReachable.empty())
      isReachable = s.reachableObjects();
    if (id < isReachable.size() && (isReachable[id] || s.isHeld(id)))
      readAgain(s, id);
  }
}

void revoke(Specializer &s, ObjectId id, bool reads) {
  auto *list = id < s.heap.size() ? s.heap.get<RunTimeListState>(id) : nullptr;
  // One whose columns are out of reach is read by nobody, and no path may find it changed.
  bool isAlive = list && list->generation && s.isAvailable(list->length) &&
                 llvm::all_of(list->columns, [&](const ItemColumn &column) {
                   return s.isAvailable(column.values);
                 });
  if (!isAlive)
    return;
  if (reads)
    readPending(s, id);
  RunTimeListState changed = *s.heap.get<RunTimeListState>(id);
  changed.generation = 0;
  s.heap.set(id, std::move(changed));
}

void revokeAll(Specializer &s) {
  std::vector<bool> isReachable = s.reachableObjects();
  for (ObjectId id = 0; id < s.heap.size(); ++id)
    if (isReachable[id] || s.isHeld(id))
      revoke(s, id);
}

/// Everything that a value refers to may only be read. `list`: the one that holds it now; what lies
/// in another list stays a part of that.
void freeze(Specializer &s, const Value &value, std::optional<ObjectId> list) {
  std::set<ObjectId> seen;
  LeafMapper visit;
  visit.object = [&](ObjectId id) {
    if (!seen.insert(id).second || !s.heap.pointer(id))
      return id;
    ObjectState state = s.heap.at(id);
    SharedPlace place = placeOf(state);
    bool isArray = std::get_if<ArrayState>(&state);
    bool isContainer = std::get_if<ListState>(&state) || std::get_if<RunTimeListState>(&state) ||
                       std::get_if<DictState>(&state) || std::get_if<InstanceState>(&state);
    bool staysPart = list && place && place->view && !place->view->known;
    if (!staysPart && (isArray || isContainer)) {
      std::vector<ObjectId> lists = place ? place->lists : std::vector<ObjectId>();
      if (list)
        lists.push_back(*list);
      ObjectState changed = state;
      setReadOnly(changed, id, true);
      setPlace(changed, frozenPlace(lists));
      s.heap.set(id, std::move(changed));
    }
    if (place && !list)
      for (ObjectId other : place->lists)
        revoke(s, other);
    if (isContainer)
      visit.map(state);
    else if (ObjectId owner = memoryOwner(s.heap, id); isArray && owner != id)
      visit.object(owner);
    // What it may be is in the list then.
    if (!list)
      return id;
    std::visit(
        [&](const auto &object) {
          if constexpr (requires { object.sharesWith; })
            llvm::for_each(object.sharesWith, visit.object);
          else if constexpr (requires { object.maybeAliases; })
            llvm::for_each(object.maybeAliases, visit.object);
        },
        state);
    return id;
  };
  visit.map(value);
}

void markItems(Specializer &s, const Value &value) { freeze(s, value, std::nullopt); }

bool isItemArray(const Heap &heap, ObjectId id) {
  auto isOwn = [&](ObjectId one) {
    auto *array = heap.get<ArrayState>(one);
    return !array || array->place || llvm::is_contained(array->maybeAliases, one);
  };
  return isOwn(id) || isOwn(memoryOwner(heap, id));
}

KnownItems knownItemsOf(Specializer &s, ObjectId list, size_t count) {
  KnownItems items{count, {}};
  const ValueList held = s.heap.get<ListState>(list)->items;
  for (size_t i = 0; i < count; ++i)
    for (ItemPart &part : partsOf(s, held[i], {std::to_string(i)}))
      items.parts.push_back({part.id, std::move(part.path)});
  return items;
}

bool isUnmoved(Specializer &s, const ItemView &view) {
  const Heap &heap = s.heap;
  if (view.list >= heap.size())
    return false;
  if (view.known) {
    auto *known = heap.get<ListState>(view.list);
    return known && view.known->count <= known->items.size() &&
           knownItemsOf(s, view.list, view.known->count) == *view.known;
  }
  // It may be an item itself that is to be read again.
  auto *list = heap.get<RunTimeListState>(view.list);
  auto *broken = heap.get<BrokenState>(view.list);
  unsigned generation = list                                             ? list->generation
                        : broken && broken->place && broken->place->view ? broken->generation
                                                                         : 0;
  return view.generation && generation == view.generation;
}

bool isCurrent(Specializer &s, const ItemView &view) {
  return !view.known && isUnmoved(s, view) && s.isAvailable(view.position);
}

/// The objects of an item, each behind the one that it is in.
static void collectParts(Specializer &s, const Value &value, const std::vector<std::string> &path,
                         std::vector<ItemPart> &parts) {
  auto below = [&](const Value &part, std::string name) {
    std::vector<std::string> inner = path;
    inner.push_back(std::move(name));
    collectParts(s, part, inner, parts);
  };
  if (auto *tuple = value.as<TupleValue>())
    for (const auto &[position, item] : llvm::enumerate(tuple->items))
      below(item, std::to_string(position));
  if (auto *optional = value.as<OptionalValue>())
    collectParts(s, optional->value, path, parts);
  auto *ref = value.get<ObjectRef>();
  if (!ref || !s.heap.pointer(ref->id))
    return;
  bool isNew = llvm::none_of(parts, [&](const ItemPart &part) { return part.id == ref->id; });
  parts.push_back({ref->id, path});
  if (!isNew)
    return;
  if (auto *list = s.heap.get<ListState>(ref->id))
    for (const auto &[position, item] : llvm::enumerate(list->items))
      below(item, std::to_string(position));
  if (auto *dict = s.heap.get<DictState>(ref->id))
    for (auto &entry : dict->entries)
      below(entry.second, s.repr(entry.first).known);
  if (auto *instance = s.heap.get<InstanceState>(ref->id))
    for (auto &attribute : instance->attributes)
      below(attribute.second, attribute.first);
}

std::vector<ItemPart> partsOf(Specializer &s, const Value &value,
                              const std::vector<std::string> &path) {
  std::vector<ItemPart> parts;
  collectParts(s, value, path, parts);
  return parts;
}

/// Was an item of a list that nobody else held, and is out of it.
bool isReleased(const ObjectState &state) {
  SharedPlace place = placeOf(state);
  return place && place->isReleased;
}

/// Whether a list that the program can still read, other than `but`, has items of these lists.
bool isHeldElsewhere(Specializer &s, llvm::ArrayRef<ObjectId> lists, llvm::ArrayRef<ObjectId> but) {
  std::vector<bool> isReachable;
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    auto *other = s.heap.get<RunTimeListState>(id);
    auto isOne = [&](ObjectId list) { return llvm::is_contained(lists, list); };
    if (!other || llvm::is_contained(but, id) ||
        (llvm::none_of(other->itemsOf, isOne) && llvm::none_of(other->innerItemsOf, isOne)))
      continue;
    if (isReachable.empty())
      isReachable = s.reachableObjects();
    if (isReachable[id] || s.isHeld(id))
      return true;
  }
  return false;
}

/// Whether an object can be read that may be one of these by run-time data.
bool mayBeOneOf(const ObjectState &state, llvm::function_ref<bool(ObjectId)> isOne) {
  return std::visit(
      [&](const auto &object) {
        if constexpr (requires { object.sharesWith; })
          return llvm::any_of(object.sharesWith, isOne);
        else if constexpr (requires { object.maybeAliases; })
          return !object.stale && llvm::any_of(object.maybeAliases, isOne);
        else
          return false;
      },
      state);
}

/// Which part of what a list takes lies in another list, where it stays.
using StaysPart = llvm::function_ref<bool(const ItemView &)>;

/// Whether a list that takes a value is the only one to hold what it refers to, but for what stays
/// a part of others. Names may refer to it: they see what the list holds.
static bool isOwnable(Specializer &s, const std::vector<ItemPart> &parts, StaysPart staysPart) {
  std::set<ObjectId> ids;
  for (const ItemPart &part : parts) {
    if (!ids.insert(part.id).second)
      return false;
    const ObjectState &state = s.heap.at(part.id);
    SharedPlace place = placeOf(state);
    bool isPart = place && place->view && staysPart(*place->view);
    bool isFree = place && isReleased(state) && !isHeldElsewhere(s, place->lists, place->lists);
    if (place && !isPart && !isFree)
      return false;
    bool isOwn = std::visit(
        [&](const auto &object) {
          if constexpr (requires { object.isItem; })
            return (isPart || !object.isItem) && object.sharesWith.empty();
          else if constexpr (requires { object.maybeAliases; })
            return !object.base && object.maybeAliases.empty() && !object.stale;
          else
            return false;
        },
        state);
    if (!isOwn)
      return false;
  }
  auto isPart = [&](ObjectId id) { return ids.count(id) != 0; };
  for (ObjectId other = 0; other < s.heap.size(); ++other)
    if (s.heap.pointer(other) && mayBeOneOf(s.heap.at(other), isPart))
      return false;
  return true;
}

bool areOwnable(Specializer &s, llvm::ArrayRef<Value> items, const SharedPlace &holder,
                const std::optional<IntExpr> &walked) {
  std::vector<ItemPart> parts;
  for (const Value &item : items)
    collectParts(s, item, {}, parts);
  return isOwnable(s, parts, [&](const ItemView &view) {
    return (holder && holder->view && holder->view->number == view.number) ||
           // A list that was reordered meanwhile may show an item twice.
           (walked && view.position == *walked && isUnmoved(s, view));
  });
}

/// Stands for whoever holds items too, where it is no list.
static constexpr ObjectId somebody = ~ObjectId(0);

void addHolders(std::vector<ObjectId> &lists, llvm::ArrayRef<ObjectId> more) {
  llvm::append_range(lists, more);
  llvm::sort(lists);
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
}

/// The lists that the items of an object are, or were, in.
static std::vector<ObjectId> mentionedBy(const ObjectState &state) {
  std::vector<ObjectId> lists;
  if (auto *list = std::get_if<RunTimeListState>(&state)) {
    addHolders(lists, list->itemsOf);
    addHolders(lists, list->innerItemsOf);
  }
  if (SharedPlace place = placeOf(state))
    addHolders(lists, place->lists);
  return lists;
}

void forgetHolders(Specializer &s, const Heap &before) {
  std::map<ObjectId, std::vector<ObjectId>> mentions;
  std::vector<std::vector<ObjectId>> mentioned(s.heap.size());
  std::set<ObjectId> viewed;
  for (ObjectId id = 0; id < s.heap.size(); ++id) {
    if (!s.heap.pointer(id))
      continue;
    mentioned[id] = mentionedBy(s.heap.at(id));
    for (ObjectId list : mentioned[id])
      mentions[list].push_back(id);
    if (SharedPlace place = placeOf(s.heap, id); place && place->view)
      viewed.insert(place->view->list);
  }
  for (const auto &[list, objects] : mentions) {
    if (list >= s.heap.size() || s.heap.pointer(list) || viewed.count(list))
      continue;
    // Whoever got items from it is known to share them by another list, too.
    auto isMentionedByAll = [&](ObjectId other) {
      return other != list && llvm::all_of(objects, [&](ObjectId id) {
               return llvm::is_contained(mentioned[id], other);
             });
    };
    if (objects.size() > 1 && llvm::none_of(mentioned[objects[0]], isMentionedByAll))
      continue;
    for (ObjectId id : objects) {
      if (id < before.size() && s.heap.pointer(id) == before.pointer(id))
        continue;
      ObjectState state = s.heap.at(id);
      if (auto *counted = std::get_if<RunTimeListState>(&state)) {
        llvm::erase(counted->itemsOf, list);
        llvm::erase(counted->innerItemsOf, list);
      }
      if (SharedPlace place = placeOf(state)) {
        ItemPlace changed = *place;
        llvm::erase(changed.lists, list);
        setPlace(state, std::make_shared<const ItemPlace>(std::move(changed)));
      }
      s.heap.set(id, std::move(state));
      llvm::erase(mentioned[id], list);
    }
  }
}

std::vector<ObjectId> otherHolders(Specializer &s, llvm::ArrayRef<Value> items) {
  std::vector<ObjectId> lists;
  for (const Value &item : items)
    for (const ItemPart &part : partsOf(s, item))
      if (SharedPlace place = placeOf(s.heap, part.id))
        addHolders(lists, place->lists);
  return lists;
}

std::vector<ObjectId> innerHolders(Specializer &s, llvm::ArrayRef<Value> items) {
  std::vector<ObjectId> lists;
  for (const Value &item : items)
    for (const ItemPart &part : partsOf(s, item)) {
      auto *list = s.heap.get<RunTimeListState>(part.id);
      if (!list || !holdsObjects(*list->item))
        continue;
      addHolders(lists, list->innerItemsOf);
      // Its own number is another each time that it is read.
      std::vector<ObjectId> others = list->itemsOf;
      llvm::erase(others, part.id);
      if (others.empty() && !list->generation)
        others = {somebody};
      addHolders(lists, others);
    }
  return lists;
}

/// Reads again what a value refers to.
void makeUsable(Specializer &s, const Value &value) {
  for (bool isWhole = false; !isWhole;) {
    isWhole = true;
    for (const ItemPart &part : partsOf(s, value))
      if (s.heap.get<BrokenState>(part.id)) {
        s.checkUsable(part.id);
        isWhole = false;
      }
  }
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

std::map<ObjectId, ObjectId> knownParts(Specializer &s, llvm::ArrayRef<ItemPart> parts,
                                        unsigned number) {
  std::map<ObjectId, ObjectId> known;
  for (const ItemPart &part : parts)
    for (ObjectId id = 0; id < s.heap.size(); ++id) {
      SharedPlace place = placeOf(s.heap, id);
      if (place && place->view && place->view->number == number && place->path == part.path &&
          id != part.id)
        known[part.id] = id;
    }
  return known;
}

LeafMapper toKnown(const std::map<ObjectId, ObjectId> &known) {
  LeafMapper mapper;
  mapper.object = [&known](ObjectId id) {
    auto it = known.find(id);
    return it == known.end() ? id : it->second;
  };
  return mapper;
}

/// Objects of an item as they were made now become those that the program knows already; returns
/// the objects in it.
static std::vector<ItemPart> graft(Specializer &s, const Value &fresh, unsigned number) {
  std::vector<ItemPart> parts = partsOf(s, fresh);
  std::map<ObjectId, ObjectId> known = knownParts(s, parts, number);
  LeafMapper mapper = toKnown(known);
  for (ItemPart &part : parts) {
    ObjectState state = mapper.map(s.heap.at(part.id));
    auto it = known.find(part.id);
    if (it == known.end()) {
      s.heap.set(part.id, std::move(state));
      continue;
    }
    // A list inside keeps its number: its items are where they were.
    if (auto *list = std::get_if<RunTimeListState>(&state)) {
      auto *before = s.heap.get<RunTimeListState>(it->second);
      auto *broken = s.heap.get<BrokenState>(it->second);
      list->generation = before ? before->generation : broken ? broken->generation : 0;
    }
    s.heap.setPointer(part.id, nullptr);
    part.id = it->second;
    setPlace(state, placeOf(s.heap, part.id));
    s.heap.set(part.id, std::move(state));
  }
  return parts;
}

/// A list in an item holds what the item says, or what others hold too.
static void setInnerHolders(Specializer &s, RunTimeListState &inner, ObjectId id,
                            const RunTimeListState &list, bool isOwn) {
  if (!holdsObjects(*inner.item))
    return;
  inner.itemsOf = {id};
  inner.innerItemsOf = list.innerItemsOf;
  if (!isOwn || !list.innerItemsOf.empty()) {
    inner.generation = 0;
    addHolders(inner.itemsOf, list.innerItemsOf);
  } else if (!inner.generation) {
    inner.generation = s.nextNumber();
  }
}

void setView(Specializer &s, const std::vector<ItemPart> &parts, ItemView view,
             const RunTimeListState &holder) {
  std::vector<ObjectId> lists = holders(holder, view.list);
  auto shared = std::make_shared<const ItemView>(std::move(view));
  for (const ItemPart &part : parts) {
    ObjectState state = s.heap.at(part.id);
    setReadOnly(state, part.id, false);
    std::visit(
        [&](auto &object) {
          if constexpr (requires { object.isItem; }) {
            object.isItem = true;
            object.sharesWith.clear();
          }
        },
        state);
    setPlace(state, std::make_shared<const ItemPlace>(ItemPlace{lists, shared, part.path}));
    if (auto *inner = std::get_if<RunTimeListState>(&state))
      setInnerHolders(s, *inner, part.id, holder, true);
    s.heap.set(part.id, std::move(state));
  }
}

/// Lists that may hold the items of a list.
std::vector<ObjectId> holders(const RunTimeListState &list, ObjectId id) {
  std::vector<ObjectId> lists{id};
  llvm::append_range(lists, list.itemsOf);
  llvm::append_range(lists, list.sharesWith);
  if (list.place)
    llvm::append_range(lists, list.place->lists);
  addHolders(lists, {});
  return lists;
}

Value itemAt(Specializer &s, ObjectId id, const IntExpr &given, const IntExpr &key) {
  s.checkUsable(id);
  RunTimeListState list = *s.heap.get<RunTimeListState>(id);
  llvm::SmallVector<mlir::Value> leaves;
  if (!holdsObjects(*list.item))
    return buildItem(s, list, given, leaves);
  IntExpr position = given.known() ? given : symbolExpr(s.index(given), true);
  Value item = buildItem(s, list, position, leaves);
  std::vector<ItemPart> parts = partsOf(s, item);
  if (list.generation) {
    setView(s, parts,
            {s.nextNumber(),
             id,
             list.generation,
             position,
             key,
             list.length,
             {leaves.begin(), leaves.end()},
             {}},
            list);
    return item;
  }
  for (const ItemPart &part : parts) {
    ObjectState state = s.heap.at(part.id);
    setReadOnly(state, part.id, true);
    setPlace(state, frozenPlace(holders(list, id)));
    if (auto *inner = std::get_if<RunTimeListState>(&state))
      setInnerHolders(s, *inner, part.id, list, false);
    s.heap.set(part.id, std::move(state));
  }
  return item;
}

/// The item at a position, if there is one; its values mean nothing where there is none.
static Value itemIfThere(Specializer &s, const RunTimeListState &list, const IntExpr &position,
                         llvm::SmallVectorImpl<mlir::Value> &leaves) {
  llvm::SmallVector<mlir::Type> types;
  leafTypes(s, *list.item, types);
  mlir::Value isThere =
      s.create<arith::CmpIOp>(arith::CmpIPredicate::slt, s.index(position), s.index(list.length));
  auto op = s.create<scf::IfOp>(types, isThere, /*addThenBlock=*/true, /*addElseBlock=*/true);
  auto yield = [&](Block *block, auto values) {
    OpBuilder::InsertionGuard guard(s.builder);
    s.builder.setInsertionPointToStart(block);
    s.create<scf::YieldOp>(values());
  };
  size_t objects = s.heap.size();
  yield(op.thenBlock(), [&] {
    llvm::SmallVector<mlir::Value> values;
    buildItem(s, list, position, values);
    return values;
  });
  s.heap.resize(objects);
  yield(op.elseBlock(), [&] {
    llvm::SmallVector<mlir::Value> values;
    absentLeaves(s, *list.item, values);
    return values;
  });
  leaves.append(op.getResults().begin(), op.getResults().end());
  return itemOfLeaves(s, *list.item, leaves);
}

bool readAgain(Specializer &s, ObjectId id) {
  SharedPlace place = placeOf(s.heap, id);
  if (!place || !place->view)
    return false;
  ItemView view = *place->view;
  if (view.known)
    return countKnownList(s, id);
  if (s.heap.get<BrokenState>(view.list) && !readAgain(s, view.list))
    return false;
  if (!isCurrent(s, view) || !s.heap.get<RunTimeListState>(view.list))
    return false;
  RunTimeListState list = *s.heap.get<RunTimeListState>(view.list);
  llvm::SmallVector<mlir::Value> leaves;
  Value fresh = view.mayBeAbsent ? itemIfThere(s, list, view.position, leaves)
                                 : buildItem(s, list, view.position, leaves);
  std::vector<ItemPart> parts = graft(s, fresh, view.number);
  view.leaves.assign(leaves.begin(), leaves.end());
  setView(s, parts, view, list);
  return !s.heap.get<BrokenState>(id);
}

Value released(Specializer &s, const Value &item) {
  for (const ItemPart &part : partsOf(s, item)) {
    ObjectState state = s.heap.at(part.id);
    SharedPlace place = placeOf(state);
    if (!place || !place->view)
      continue; // Others may hold it.
    setReadOnly(state, part.id, false);
    setPlace(state, std::make_shared<const ItemPlace>(ItemPlace{place->lists, nullptr, {}, true}));
    s.heap.set(part.id, std::move(state));
  }
  return item;
}

/// Whether two values are computed in one way from the same values, in few steps.
static bool isComputedAs(mlir::Value a, mlir::Value b, unsigned steps = 8) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  return steps && x && y && x->getName() == y->getName() && x->getAttrs() == y->getAttrs() &&
         x->getNumResults() == 1 && y->getNumResults() == 1 && x->getNumRegions() == 0 &&
         x->getNumOperands() == y->getNumOperands() && isPure(x) &&
         llvm::all_of(llvm::zip(x->getOperands(), y->getOperands()), [&](auto both) {
           return isComputedAs(std::get<0>(both), std::get<1>(both), steps - 1);
         });
}

bool isSamePosition(const IntExpr &a, const IntExpr &b) {
  auto symbolOf = [](const IntExpr &expr) {
    bool isSymbol = expr.constant == 0 && expr.terms.size() == 1 && expr.terms[0].second == 1;
    return isSymbol ? expr.terms[0].first->symbol : mlir::Value();
  };
  mlir::Value x = symbolOf(a), y = symbolOf(b);
  return a == b || (x && y && isComputedAs(x, y));
}

bool isItemAt(Specializer &s, const Value &value, ObjectId list, const IntExpr &key) {
  auto *ref = value.get<ObjectRef>();
  SharedPlace place = ref ? placeOf(s.heap, ref->id) : nullptr;
  if (!place || !place->view || !place->path.empty() || place->view->list != list ||
      !isCurrent(s, *place->view))
    return false;
  auto *state = s.heap.get<RunTimeListState>(list);
  return isSamePosition(place->view->position, key) ||
         (state && isSamePosition(place->view->key, key) && isSameKey(*place->view, state->length));
}

bool isSameKey(const ItemView &view, const IntExpr &length) {
  return view.key.isNonNegative() || view.length == length;
}

void viewKnownList(Specializer &s, const Value &item, ObjectId list, const IntExpr &given,
                   const IntExpr &key, size_t mark) {
  std::vector<ItemPart> parts = partsOf(s, item);
  if (parts.empty() || llvm::any_of(parts, [&](const ItemPart &part) { return part.id < mark; }))
    return;
  IntExpr position = given.known() ? given : symbolExpr(s.index(given), true);
  auto held = std::make_shared<const KnownItems>(
      knownItemsOf(s, list, s.heap.get<ListState>(list)->items.size()));
  auto view = std::make_shared<const ItemView>(
      ItemView{s.nextNumber(), list, 0, position, key, listLength(s, list), {}, std::move(held)});
  for (const ItemPart &part : parts) {
    ObjectState state = s.heap.at(part.id);
    setPlace(state, std::make_shared<const ItemPlace>(ItemPlace{{list}, view, part.path}));
    s.heap.set(part.id, std::move(state));
  }
}

} // namespace mpy
