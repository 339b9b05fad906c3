// What a function of its own reads and changes outside of its arguments: a closure's names and what
// these reach, and the objects whose content passes in and out of it:
//
//   def walk(k): moves.append(k); walk(k - 1)
//   =>  func @walk(%k, %length, %column) -> (%length, %column)
#include "frontend/functions/LeafMapper.h"
#include "frontend/functions/Recursion.h"
#include "frontend/syntax/AstWalk.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace mpy {

//===----------------------------------------------------------------------===//
// What a function can read from outside
//===----------------------------------------------------------------------===//

/// The names below a node that may be the module's: not those that the function binds itself,
/// unless a function inside it says `global`.
static void collectNames(const ast::Node *node, const ast::NameSet &locals,
                         std::set<std::string> &names) {
  if (auto *name = dyn_cast<ast::Name>(node); name && !locals.contains(name->id))
    names.insert(name->id);
  else if (auto *global = dyn_cast<ast::Global>(node))
    names.insert(global->names.begin(), global->names.end());
  forEachChild(node, [&](ast::Node *child) { collectNames(child, locals, names); });
}

/// The cells of the module's names that a function may read.
static void forEachGlobal(Specializer &s, const ClosureValue &closure,
                          llvm::function_ref<void(ObjectId)> visit) {
  std::set<std::string> names;
  collectNames(closure.node, closure.scope().locals, names);
  auto *globals = s.heap.get<NamespaceState>(closure.globals);
  for (auto &cell : globals->cells)
    if (names.count(cell.first))
      visit(cell.second);
}

std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>>
reachable(Specializer &s, const ClosureValue &start, const Locals &parameters) {
  std::vector<std::pair<ObjectId, std::shared_ptr<const ObjectState>>> found;
  std::set<ObjectId> seen;
  std::set<const ast::Node *> closures;
  std::vector<ObjectId> pending;
  auto add = [&](ObjectId id) {
    if (s.heap.pointer(id) && seen.insert(id).second)
      pending.push_back(id);
    return id;
  };
  LeafMapper mapper;
  mapper.object = add;
  std::function<void(const Value &)> visit;
  auto visitClosure = [&](const ClosureValue &closure) {
    for (auto &cell : closure.cells)
      add(cell.second);
    for (auto &entry : closure.defaults)
      visit(entry.second);
    if (!closures.insert(closure.node).second)
      return;
    forEachGlobal(s, closure, add);
  };
  visit = [&](const Value &value) {
    mapper.map(value);
    if (auto *closure = value.as<ClosureValue>())
      visitClosure(*closure);
    else if (auto *method = value.as<BoundMethodValue>())
      visit(method->self), visit(method->function);
    else if (auto *property = value.as<PropertyValue>())
      visit(property->getter), visit(property->setter);
    else if (auto *transform = value.as<TransformValue>())
      visit(transform->function);
    else if (auto *tuple = value.as<TupleValue>())
      llvm::for_each(tuple->items, visit);
    else if (auto *module = value.as<ModuleValue>(); module && module->globals)
      add(*module->globals);
  };
  visitClosure(start);
  // The content of other arguments is passed.
  std::set<ObjectId> containers;
  std::function<void(const Value &)> visitArgument = [&](const Value &value) {
    auto *tuple = value.as<TupleValue>();
    auto *optional = value.as<OptionalValue>();
    auto *ref = value.get<ObjectRef>();
    auto *list = ref ? s.heap.get<ListState>(ref->id) : nullptr;
    auto *dict = ref ? s.heap.get<DictState>(ref->id) : nullptr;
    if ((list || dict) && !containers.insert(ref->id).second)
      return;
    if (tuple)
      llvm::for_each(tuple->items, visitArgument);
    else if (optional)
      visitArgument(optional->value);
    else if (list)
      llvm::for_each(list->items, visitArgument);
    else if (dict)
      for (auto &entry : dict->entries)
        visitArgument(entry.second);
    else if (ref && s.heap.get<RunTimeListState>(ref->id))
      mapper.map(s.heap.at(ref->id)); // The classes of rows, which have the tables.
    else if (!ref || (s.heap.pointer(ref->id) && !s.heap.get<ArrayState>(ref->id) &&
                      !s.heap.get<RunTimeListState>(ref->id)))
      visit(value);
  };
  for (auto &entry : parameters)
    visitArgument(entry.second);
  while (!pending.empty()) {
    ObjectId id = pending.back();
    pending.pop_back();
    found.push_back({id, s.heap.pointer(id)});
    const ObjectState &state = *s.heap.pointer(id);
    if (auto *array = std::get_if<ArrayState>(&state)) {
      if (array->base)
        add(*array->base);
      llvm::for_each(array->maybeAliases, add);
    } else if (auto *list = std::get_if<ListState>(&state)) {
      llvm::for_each(list->items, visit);
    } else if (std::get_if<RunTimeListState>(&state)) {
      mapper.map(state);
    } else if (auto *dict = std::get_if<DictState>(&state)) {
      for (auto &entry : dict->entries)
        visit(entry.second);
    } else if (auto *instance = std::get_if<InstanceState>(&state)) {
      add(instance->cls);
      for (auto &entry : instance->attributes)
        visit(entry.second);
    } else if (auto *cls = std::get_if<ClassState>(&state)) {
      llvm::for_each(cls->resolution, add);
      for (auto &entry : cls->attributes)
        visit(entry.second);
    } else if (auto *cell = std::get_if<CellState>(&state)) {
      visit(cell->value);
    } else if (auto *names = std::get_if<NamespaceState>(&state)) {
      for (auto &entry : names->cells)
        add(entry.second);
    }
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Objects from outside that the function mutates
//===----------------------------------------------------------------------===//

/// The values in an object from outside that is no array, one after the other; each may be
/// replaced.
static void forEachPart(ObjectState &state, llvm::function_ref<void(Value &)> visit) {
  if (auto *cell = std::get_if<CellState>(&state))
    visit(cell->value);
  else if (auto *instance = std::get_if<InstanceState>(&state))
    for (auto &entry : instance->attributes)
      visit(entry.second);
  else if (auto *list = std::get_if<ListState>(&state))
    llvm::for_each(list->items, visit);
  else if (auto *dict = std::get_if<DictState>(&state))
    for (auto &entry : dict->entries)
      visit(entry.second);
}

/// Extents that say nothing of the function they are known in.
static std::optional<IntExpr> knownExtent(const IntExpr &extent) {
  return extent.known() ? std::optional<IntExpr>(extent) : std::nullopt;
}

using StateValues = std::map<std::pair<ObjectId, unsigned>, ResultPattern>;

/// The parts that pass in and out, one after the other: numbers and texts, and (with their
/// structure) what may be another value afterwards. What else the object refers to stays the same.
static void forEachPassed(ObjectState &state, ObjectId id, const StateValues &values,
                          llvm::function_ref<void(Value &, const ResultPattern *)> visit) {
  unsigned number = 0;
  forEachPart(state, [&](Value &value) {
    if (auto structure = values.find({id, number++}); structure != values.end())
      return visit(value, &structure->second);
    if (auto *scalar = value.get<Scalar>(); scalar && scalar->isMixed())
      throw CannotCross{"a change of a number of several kinds from outside"};
    if (value.get<Scalar>() || value.get<Text>())
      visit(value, nullptr);
  });
}

/// Whether an object may differ from what it was in its parts only.
static bool hasSameParts(const ObjectState &before, const ObjectState &after) {
  auto isPlain = [](const ObjectState &state) {
    auto *array = std::get_if<ArrayState>(&state);
    return array && !array->base && array->maybeAliases.empty() && !array->stale;
  };
  if (std::get_if<ArrayState>(&after))
    return isPlain(before) && isPlain(after);
  bool isKnown = std::get_if<CellState>(&after) || std::get_if<InstanceState>(&after) ||
                 std::get_if<ListState>(&after) || std::get_if<DictState>(&after);
  if (!isKnown || before.index() != after.index())
    return false;
  auto namesOf = [](const ObjectState &state) {
    std::vector<std::string> names;
    if (auto *instance = std::get_if<InstanceState>(&state))
      for (auto &entry : instance->attributes)
        names.push_back(entry.first);
    return names;
  };
  auto isSameKey = [](const Value &a, const Value &b) {
    auto *x = a.get<Text>(), *y = b.get<Text>();
    return x && y ? !x->value && !y->value && x->known == y->known : isIdentical(a, b);
  };
  auto *dict = std::get_if<DictState>(&before), *dictAfter = std::get_if<DictState>(&after);
  if (dict && (dict->entries.size() != dictAfter->entries.size() ||
               !llvm::equal(dict->entries, dictAfter->entries,
                            [&](auto &a, auto &b) { return isSameKey(a.first, b.first); })))
    return false;
  auto *list = std::get_if<ListState>(&before);
  return namesOf(before) == namesOf(after) &&
         (!list || list->items.size() == std::get<ListState>(after).items.size());
}

/// What an outside name is set to may be an argument, or hold one: two names for it would be two
/// values in the caller, so that the argument may only be read from then on. Returns whether that
/// is new. Throws for something else from outside.
static bool noteReferences(Specializer &s, Specialization &spec, const Value &start) {
  std::set<ObjectId> seen;
  size_t before = spec.sharedArguments.size();
  auto note = [&](ObjectId one) {
    if (one < spec.mark)
      throw CannotCross{"a name that it sets to what another name from outside refers to"};
    if (auto argument = spec.argumentObjects.find(one); argument != spec.argumentObjects.end())
      spec.sharedArguments.insert(argument->second);
  };
  LeafMapper visit;
  visit.object = [&](ObjectId id) {
    if (!seen.insert(id).second || !s.heap.pointer(id))
      return id;
    note(id);
    if (auto *array = s.heap.get<ArrayState>(id)) {
      note(memoryOwner(s.heap, id));
      for (ObjectId other : array->maybeAliases)
        note(memoryOwner(s.heap, other));
      return id;
    }
    std::visit(
        [&](const auto &object) {
          if constexpr (requires { object.sharesWith; })
            llvm::for_each(object.sharesWith, note);
        },
        s.heap.at(id));
    if (s.heap.get<ListState>(id) || s.heap.get<DictState>(id) || s.heap.get<InstanceState>(id))
      visit.map(s.heap.at(id));
    return id;
  };
  visit.map(start);
  return spec.sharedArguments.size() != before;
}

/// Finds the parts of an object that may be other values afterwards, not only other numbers of the
/// same kind or other texts. Returns whether their structure is another than known.
static bool widenStateValues(Specializer &s, Specialization &spec, ObjectId id,
                             const ObjectState &before) {
  ObjectState from = before, to = s.heap.at(id);
  ValueList was, is;
  forEachPart(from, [&](Value &value) { was.push_back(value); });
  forEachPart(to, [&](Value &value) { is.push_back(value); });
  bool isWider = false;
  for (unsigned i = 0; i < was.size(); ++i) {
    auto *x = was[i].get<Scalar>(), *y = is[i].get<Scalar>();
    bool isLeaf = (was[i].get<Text>() && is[i].get<Text>()) ||
                  (x && y && x->kind == y->kind && !x->isMixed() && !y->isMixed());
    auto known = spec.stateValues.find({id, i});
    if (known == spec.stateValues.end() && (isLeaf || isIdentical(was[i], is[i])))
      continue;
    if (was[i].isUnbound() || is[i].isUnbound())
      throw CannotCross{"a name from outside that it sets or deletes"};
    if (!isIdentical(was[i], is[i]))
      isWider |= noteReferences(s, spec, is[i]);
    ResultPattern structure = describeItem(s, is[i], knownExtent);
    if (known != spec.stateValues.end()) {
      structure = widen(s, known->second, structure);
    } else {
      Heap now = std::exchange(s.heap, spec.entry);
      llvm::scope_exit back([&] { s.heap = std::move(now); });
      structure = widen(s, describeItem(s, was[i], knownExtent), structure);
    }
    if (known != spec.stateValues.end() && known->second == structure)
      continue;
    spec.stateValues.insert_or_assign({id, i}, structure);
    isWider = true;
  }
  return isWider;
}

/// A value as a list of one item, and back: so it crosses as what lists of run-time length hold.
static RunTimeListState listOfOne(Specializer &s, const Value &value, const ResultPattern &item) {
  markItems(s, value);
  return runTimeList(s, ListState{{value}}, item);
}

/// Whether an object is an item of a list of run-time length from outside: that passes in and out,
/// and the object is read from it, or is not known any more.
static bool isItemOfOutside(Specializer &s, const Specialization &spec, ObjectId id) {
  SharedPlace place = placeOf(s.heap, id);
  return place && llvm::any_of(place->lists, [&](ObjectId list) {
           return list < spec.mark && list != id && !s.heap.get<ListState>(list);
         });
}

std::vector<ObjectId> changedOutside(Specializer &s, const Specialization &spec) {
  std::vector<ObjectId> changed;
  for (ObjectId id = 0; id < spec.mark; ++id)
    // What nobody refers to any more is forgotten, not changed.
    if (s.heap.pointer(id) && !isUnchanged(spec.entry.pointer(id), s.heap.pointer(id)) &&
        !llvm::is_contained(spec.state, id) && !isItemOfOutside(s, spec, id))
      changed.push_back(id);
  return changed;
}

bool ownsLists(Specializer &s, Specialization &spec, llvm::ArrayRef<ObjectId> arguments,
               bool note) {
  bool owns = true;
  for (ObjectId id : spec.state)
    if (spec.stateLists.count(id) && !spec.disowned.count(id) && !ownsItems(s, id)) {
      owns = false;
      if (note)
        spec.disowned.insert(id);
    }
  for (auto [number, id] : llvm::enumerate(arguments))
    if (spec.plan.count(number) && !spec.disownedLists.count(number) && !ownsItems(s, id)) {
      owns = false;
      if (note)
        spec.disownedLists.insert(number);
    }
  return owns;
}

bool noteOutcome(Specializer &s, Specialization &spec, ObjectId list, ListOutcome &known) {
  auto *before = spec.entry.get<RunTimeListState>(list), *now = s.heap.get<RunTimeListState>(list);
  if (before && now && !holdsObjects(*before->item) && !holdsObjects(*now->item))
    return true;
  auto areAmong = [](llvm::ArrayRef<ObjectId> lists, llvm::ArrayRef<ObjectId> others) {
    return llvm::all_of(lists, [&](ObjectId one) { return llvm::is_contained(others, one); });
  };
  bool isOwn = before && now && before->generation && now->generation &&
               areAmong(now->itemsOf, before->itemsOf) &&
               areAmong(now->innerItemsOf, before->innerItemsOf);
  ListOutcome outcome{known.moves || !isOwn || before->generation != now->generation,
                      known.writes || !before || !now || before->changes != now->changes};
  bool shares = spec.sharesItems || !isOwn;
  bool isKnown =
      outcome.moves == known.moves && outcome.writes == known.writes && shares == spec.sharesItems;
  known = outcome;
  spec.sharesItems = shares;
  return isKnown;
}

void setOutcome(Specializer &s, ObjectId id, RunTimeListState list, const ListOutcome &outcome) {
  if (outcome.writes)
    replaceList(s, id, std::move(list), outcome.moves);
  else
    setList(s, id, std::move(list), outcome.moves);
}

static std::string outsideName(Specializer &s, ObjectId id) {
  for (Frame *frame : llvm::reverse(s.frames)) {
    for (auto &cell : frame->cells)
      if (cell.second == id)
        return "'" + cell.first + "'";
    for (auto &cell : s.heap.get<NamespaceState>(frame->globals)->cells)
      if (cell.second == id ||
          (s.heap.get<CellState>(cell.second) &&
           isIdentical(s.heap.get<CellState>(cell.second)->value, ObjectRef{id})))
        return "'" + cell.first + "'";
  }
  return s.describe(ObjectRef{id});
}

/// Whether a list from outside changes its length, or is indexed by run-time data; then it is one
/// of run-time length in the function. Returns whether its items have another structure than known.
static bool widenStateList(Specializer &s, Specialization &spec, ObjectId id,
                           const ObjectState &before) {
  auto item = describeItems(s, s.heap.at(id), knownExtent);
  if (auto was = describeItems(s, before, knownExtent))
    item = item ? widen(s, *was, *item) : was;
  if (!item)
    return false; // Empty before and after.
  auto known = spec.stateLists.find(id);
  if (known != spec.stateLists.end())
    item = widen(s, known->second, *item);
  if (known != spec.stateLists.end() && known->second == *item)
    return false;
  spec.stateLists[id] = *item;
  return true;
}

bool passState(Specializer &s, Specialization &spec, ObjectId id) {
  // The list passes, and the object with it; or nobody refers to it any more.
  if (!s.heap.pointer(id) || isItemOfOutside(s, spec, id)) {
    bool wasPassed = llvm::is_contained(spec.state, id);
    llvm::erase(spec.state, id);
    spec.stateLists.erase(id);
    std::erase_if(spec.stateValues, [&](auto &value) { return value.first.first == id; });
    return wasPassed;
  }
  const ObjectState before = spec.entry.at(id);
  auto *was = std::get_if<ListState>(&before), *is = s.heap.get<ListState>(id);
  bool wasCounted = std::get_if<RunTimeListState>(&before),
       isCounted = s.heap.get<RunTimeListState>(id);
  bool isNew = !llvm::is_contained(spec.state, id);
  if (isNew)
    spec.state.push_back(id);
  bool changesLength = (was && is && was->items.size() != is->items.size()) ||
                       (isCounted && (was || wasCounted)) || (wasCounted && is);
  if (changesLength || spec.stateLists.count(id))
    return widenStateList(s, spec, id, before) || isNew;
  if (!hasSameParts(before, s.heap.at(id)))
    throw CannotCross{"a change of " + outsideName(s, id) + " from outside"};
  if (std::get_if<ArrayState>(&before))
    return isNew;
  try {
    return widenStateValues(s, spec, id, before) || isNew;
  } catch (const CannotCross &reason) {
    throw CannotCross{"a change of " + outsideName(s, id) + " from outside (" + reason.what + ")"};
  }
}

std::string stateOperands(Specializer &s, const Specialization &spec,
                          llvm::SmallVectorImpl<mlir::Value> &operands) {
  std::string key;
  for (ObjectId id : spec.state) {
    if (!s.heap.pointer(id))
      throw CannotCross{"an object from outside that is not referred to any more"};
    if (auto item = spec.stateLists.find(id); item != spec.stateLists.end()) {
      listOperands(s, runTimeList(s, s.heap.at(id), item->second), operands);
      key += "l;";
      continue;
    }
    ObjectState copy = s.heap.at(id);
    if (auto *array = std::get_if<ArrayState>(&copy))
      operands.push_back(array->tensor);
    forEachPassed(copy, id, spec.stateValues, [&](Value &value, const ResultPattern *structure) {
      if (structure) {
        listOperands(s, listOfOne(s, value, *structure), operands);
        key += "v";
      } else if (auto *scalar = value.get<Scalar>()) {
        key += std::to_string(static_cast<int>(scalar->kind));
        operands.push_back(s.ssa(*scalar));
      } else {
        key += "t";
        operands.push_back(s.ssa(*value.get<Text>()));
      }
    });
    key += ";";
  }
  return key;
}

void setState(Specializer &s, const Specialization &spec, mlir::ValueRange values, bool notify) {
  size_t next = 0;
  for (ObjectId id : spec.state) {
    if (auto *array = s.heap.get<ArrayState>(id)) {
      ArrayState changed = *array;
      changed.tensor = values[next++];
      if (notify)
        s.write(id, changed.tensor);
      else
        s.heap.set(id, std::move(changed));
      continue;
    }
    if (notify)
      beginChange(s, id);
    if (auto item = spec.stateLists.find(id); item != spec.stateLists.end()) {
      makeRunTimeListOf(s, id, item->second);
      RunTimeListState list = withOperands(s, *s.heap.get<RunTimeListState>(id), values, next);
      if (spec.disowned.count(id))
        list.generation = 0;
      if (notify) {
        auto outcome = spec.stateOutcomes.find(id);
        setOutcome(s, id, std::move(list),
                   outcome == spec.stateOutcomes.end() ? ListOutcome() : outcome->second);
      } else {
        s.heap.set(id, std::move(list));
        outdateItems(s, id);
      }
      continue;
    }
    ObjectState changed = s.heap.at(id);
    forEachPassed(changed, id, spec.stateValues, [&](Value &value, const ResultPattern *structure) {
      if (structure) {
        RunTimeListState list = runTimeList(s, ListState(), *structure);
        value = itemAt(s, s.heap.add(withOperands(s, list, values, next)), IntExpr(0), IntExpr(0));
      } else if (auto *scalar = value.get<Scalar>())
        value = Value(s.makeScalar(scalar->kind, values[next++]));
      else
        value = Value(Text{"", values[next++]});
    });
    if (notify)
      s.change(id, std::move(changed));
    else
      s.heap.set(id, std::move(changed));
  }
}

//===----------------------------------------------------------------------===//
// Lists whose length changes
//===----------------------------------------------------------------------===//

ListArgument describeList(Specializer &s, ObjectId id) {
  const ObjectState &state = s.heap.at(id);
  ListArgument list;
  try {
    list.item = describeItems(s, state, knownExtent);
  } catch (const CannotCross &reason) {
    list.refused = reason.what;
  }
  if (auto *known = std::get_if<ListState>(&state))
    list.length = known->items.size();
  return list;
}

std::optional<ResultPattern> commonItem(Specializer &s, const ListArgument &a,
                                        const ListArgument &b) {
  bool isUnknown = !a.item && !b.item && a.refused.empty() && b.refused.empty();
  if ((a.length && a.length == b.length) || isUnknown)
    return std::nullopt;
  for (const ListArgument *list : {&a, &b})
    if (!list->refused.empty())
      throw CannotCross{list->refused};
  return a.item && b.item ? widen(s, *a.item, *b.item) : a.item ? a.item : b.item;
}

bool fitsState(Specializer &s, const Specialization &spec) {
  auto covers = [&](const ResultPattern &structure, const Value &value) {
    try {
      return widen(s, structure, describeItem(s, value, knownExtent)) == structure;
    } catch (const CannotCross &) {
      return false;
    }
  };
  bool fits = llvm::all_of(spec.stateLists,
                           [&](auto &list) { return hasItems(s, list.first, list.second); });
  for (auto &[slot, structure] : spec.stateValues) {
    ObjectState state = s.heap.at(slot.first);
    unsigned number = 0;
    forEachPart(state,
                [&](Value &value) { fits &= number++ != slot.second || covers(structure, value); });
  }
  return fits;
}

bool hasItems(Specializer &s, ObjectId id, const ResultPattern &item) {
  ListArgument own = describeList(s, id);
  if (!own.refused.empty())
    return false;
  try {
    return !own.item || widen(s, item, *own.item) == item;
  } catch (const CannotCross &) {
    return false;
  }
}

void makeRunTimeListOf(Specializer &s, ObjectId id, const ResultPattern &item) {
  auto *counted = s.heap.get<RunTimeListState>(id);
  if (!counted) {
    countItems(s, id, &item);
  } else if (!(*counted->item == item)) {
    s.heap.set(id, runTimeList(s, ObjectState(*counted), item));
    outdateItems(s, id);
  }
}

void listOperands(Specializer &s, const RunTimeListState &list,
                  llvm::SmallVectorImpl<mlir::Value> &operands) {
  operands.push_back(s.index(list.length));
  for (const ItemColumn &column : list.columns) {
    operands.push_back(column.values);
    if (column.ends)
      operands.push_back(column.ends);
  }
}

RunTimeListState withOperands(Specializer &s, RunTimeListState list, mlir::ValueRange values,
                              size_t &next) {
  list.length = symbolExpr(values[next++], true);
  for (ItemColumn &column : list.columns) {
    column.values = values[next++];
    if (column.ends)
      column.ends = values[next++];
  }
  return list;
}

} // namespace mpy
