// Which objects of two paths are one: every name and slot is followed on both paths at once, from
// all frames and modules.
//
//   path 1: u -> o1, v -> o2      path 2: u -> o2, v -> o1      =>   pairs (o1, o2), (o2, o1): the
//   names changed places
//
// An object that only one path reaches is paired with nothing.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/paths/Joiner.h"

using namespace mlir;

namespace mpy {

/// Whether all that an object refers to is there: else nobody can reach it.
static bool isWhole(const Heap &heap, ObjectId id) {
  bool found = true;
  LeafMapper visit;
  visit.object = [&](ObjectId one) {
    found &= one < heap.size() && heap.pointer(one);
    return one;
  };
  visit.map(heap.at(id));
  return found;
}

void Joiner::findPairs() {
  auto find = [](const Locals &locals, const std::string &name) {
    auto it = locals.find(name);
    return it == locals.end() ? Value() : it->second;
  };
  for (auto &[name, value] : first.locals)
    pairValues(value, find(second.locals, name));
  for (auto &[name, value] : second.locals)
    if (!first.locals.count(name))
      pairValues(Value(), value);
  for (Frame *frame : s.frames) {
    if (frame != s.frames.back())
      for (auto &local : frame->locals)
        pairValues(local.second, local.second);
    for (auto &cell : frame->cells)
      if (cell.second < mark)
        pairObjects({cell.second, cell.second});
    pairObjects({frame->globals, frame->globals});
  }
  for (auto &module : s.modules)
    if (module.second < mark)
      pairObjects({module.second, module.second});
  // What only C++ holds at this moment (an operand evaluated before a call) keeps its identity.
  for (ObjectId id = 0; id < mark; ++id)
    if (first.heap.pointer(id) != second.heap.pointer(id) && first.heap.pointer(id) &&
        second.heap.pointer(id) && !partnersOfFirst.count(id) && !partnersOfSecond.count(id) &&
        isWhole(first.heap, id) && isWhole(second.heap, id))
      pairObjects({id, id});
}

void Joiner::pairValues(const Value &a, const Value &b) {
  auto *x = a.get<ObjectRef>(), *y = b.get<ObjectRef>();
  if (x && y)
    return pairObjects({x->id, y->id});
  auto isAbsent = [](const Value &value) { return value.isUnbound() || value.isNone(); };
  if (x && isAbsent(b))
    return pairObjects({x->id, std::nullopt});
  if (y && isAbsent(a))
    return pairObjects({std::nullopt, y->id});
  auto *optionalA = a.as<OptionalValue>(), *optionalB = b.as<OptionalValue>();
  if (optionalA || optionalB)
    return pairValues(optionalA     ? optionalA->value
                      : isAbsent(a) ? Value()
                                    : a,
                      optionalB     ? optionalB->value
                      : isAbsent(b) ? Value()
                                    : b);
  auto pairLists = [&](const ValueList &list, const ValueList &other) {
    if (list.size() == other.size())
      for (size_t i = 0; i < list.size(); ++i)
        pairValues(list[i], other[i]);
  };
  static const ValueList none;
  if (auto *tuple = a.as<TupleValue>()) {
    if (auto *other = b.as<TupleValue>())
      return pairLists(tuple->items, other->items);
    if (isAbsent(b))
      for (auto &item : tuple->items)
        pairValues(item, Value());
    return;
  }
  if (auto *tuple = b.as<TupleValue>(); tuple && isAbsent(a))
    for (auto &item : tuple->items)
      pairValues(Value(), item);
  auto *closureA = a.as<ClosureValue>(), *closureB = b.as<ClosureValue>();
  if (closureA && closureB && closureA->node == closureB->node) {
    for (auto &[name, cell] : closureA->cells)
      if (auto it = closureB->cells.find(name); it != closureB->cells.end())
        pairObjects({cell, it->second});
    for (auto &[name, value] : closureA->defaults)
      if (auto it = closureB->defaults.find(name); it != closureB->defaults.end())
        pairValues(value, it->second);
  }
  auto *methodA = a.as<BoundMethodValue>(), *methodB = b.as<BoundMethodValue>();
  if (methodA && methodB) {
    pairValues(methodA->self, methodB->self);
    pairValues(methodA->function, methodB->function);
  }
  auto *transformA = a.as<TransformValue>(), *transformB = b.as<TransformValue>();
  if (transformA && transformB)
    pairValues(transformA->function, transformB->function);
  auto *iterableA = a.as<IterableValue>(), *iterableB = b.as<IterableValue>();
  if (iterableA && iterableB)
    pairLists(iterableA->parts, iterableB->parts);
  // What one path alone holds flows out of it with all that it is made of; what was there before is
  // what it was.
  for (bool isFirst : {true, false}) {
    const Value &held = isFirst ? a : b;
    if (!isAbsent(isFirst ? b : a) || (!held.as<IterableValue>() && !held.as<ClosureValue>()))
      continue;
    LeafMapper mapper;
    mapper.object = [&](ObjectId id) {
      if (id < mark)
        pairObjects({id, id});
      else
        pairObjects(isFirst ? Pair{id, std::nullopt} : Pair{std::nullopt, id});
      return id;
    };
    mapper.map(held);
  }
  // Functions of which one is chosen keep the objects that they refer to; those of one definition
  // become one.
  if (isFunction(a) && isFunction(b) && !isOneDefinition(a, b))
    for (const Value &value : {a, b}) {
      LeafMapper mapper;
      mapper.object = [&](ObjectId id) {
        if (id < mark)
          pairObjects({id, id});
        return id;
      };
      mapper.map(value);
    }
  auto *exceptionA = a.as<ExceptionValue>(), *exceptionB = b.as<ExceptionValue>();
  if (exceptionA && exceptionB)
    pairLists(exceptionA->arguments, exceptionB->arguments);
}

void Joiner::pairObjects(Pair pair) {
  if (ids.count(pair))
    return;
  ids[pair] = 0; // Chosen later.
  pairs.push_back(pair);
  if (pair.first)
    partnersOfFirst[*pair.first].insert(pair.second);
  if (pair.second)
    partnersOfSecond[*pair.second].insert(pair.first);
  auto absent = [&](const ObjectState &state, bool isFirst) {
    auto one = [&](const Value &value) {
      isFirst ? pairValues(value, Value()) : pairValues(Value(), value);
    };
    if (auto *list = std::get_if<ListState>(&state))
      llvm::for_each(list->items, one);
    else if (auto *dict = std::get_if<DictState>(&state))
      for (auto &entry : dict->entries)
        one(entry.second);
    else if (auto *instance = std::get_if<InstanceState>(&state))
      for (auto &entry : instance->attributes)
        one(entry.second);
    else if (auto *array = std::get_if<ArrayState>(&state); array && array->base)
      isFirst ? pairObjects({array->base, std::nullopt}) : pairObjects({std::nullopt, array->base});
    else if (auto *cell = std::get_if<CellState>(&state))
      one(cell->value);
  };
  // The lists that items are read from.
  auto viewOf = [](const Heap &heap, std::optional<ObjectId> id) -> const ItemView * {
    SharedPlace place = id ? placeOf(heap, *id) : nullptr;
    return place ? place->view.get() : nullptr;
  };
  auto *x = viewOf(first.heap, pair.first), *y = viewOf(second.heap, pair.second);
  if (auto lists = x || y ? pairOfLists(x, y) : std::nullopt;
      lists && (!lists->first || first.heap.pointer(*lists->first)) &&
      (!lists->second || second.heap.pointer(*lists->second)))
    pairObjects(*lists);
  if (!pair.second)
    return absent(first.heap.at(*pair.first), true);
  if (!pair.first)
    return absent(second.heap.at(*pair.second), false);
  const ObjectState &a = first.heap.at(*pair.first), &b = second.heap.at(*pair.second);
  if (a.index() != b.index())
    return;
  auto attributes = [&](auto &x, auto &y) {
    for (auto &[name, value] : x)
      for (auto &[otherName, other] : y)
        if (name == otherName)
          pairValues(value, other);
  };
  if (auto *x = std::get_if<ArrayState>(&a)) {
    auto *y = std::get_if<ArrayState>(&b);
    if (x->base && y->base)
      pairObjects({x->base, y->base});
  } else if (auto *x = std::get_if<ListState>(&a)) {
    auto *y = std::get_if<ListState>(&b);
    if (x->items.size() == y->items.size())
      for (size_t i = 0; i < x->items.size(); ++i)
        pairValues(x->items[i], y->items[i]);
  } else if (auto *x = std::get_if<DictState>(&a)) {
    auto *y = std::get_if<DictState>(&b);
    for (auto &entry : x->entries) {
      Value partner;
      for (auto &other : y->entries)
        if (s.sameObject(entry.first, other.first).value_or(false))
          partner = other.second;
      pairValues(entry.second, partner);
    }
    if (x->entries.size() <= y->entries.size())
      for (auto &other : llvm::drop_begin(y->entries, x->entries.size()))
        pairValues(Value(), other.second);
  } else if (auto *x = std::get_if<InstanceState>(&a)) {
    auto *y = std::get_if<InstanceState>(&b);
    attributes(x->attributes, y->attributes);
    for (auto &[name, value] : x->attributes)
      if (llvm::none_of(y->attributes, [&](auto &other) { return other.first == name; }))
        pairValues(value, Value());
    for (auto &[name, value] : y->attributes)
      if (llvm::none_of(x->attributes, [&](auto &other) { return other.first == name; }))
        pairValues(Value(), value);
  } else if (auto *x = std::get_if<ClassState>(&a)) {
    attributes(x->attributes, std::get_if<ClassState>(&b)->attributes);
  } else if (auto *x = std::get_if<CellState>(&a)) {
    pairValues(x->value, std::get_if<CellState>(&b)->value);
  } else if (auto *x = std::get_if<NamespaceState>(&a)) {
    auto *y = std::get_if<NamespaceState>(&b);
    for (auto &[name, cell] : x->cells)
      if (auto it = y->cells.find(name); it != y->cells.end())
        pairObjects({cell, it->second});
      else
        pairObjects({cell, std::nullopt});
    for (auto &[name, cell] : y->cells)
      if (!x->cells.count(name))
        pairObjects({std::nullopt, cell});
  }
}

bool Joiner::isAmbiguous(const Pair &pair) const {
  if (pair.first == pair.second)
    return false;
  auto several = [](auto &partners, std::optional<ObjectId> id) {
    if (!id)
      return false;
    auto it = partners.find(*id);
    return it != partners.end() && it->second.size() > 1;
  };
  return several(partnersOfFirst, pair.first) || several(partnersOfSecond, pair.second);
}

void Joiner::chooseIds() {
  for (auto &pair : pairs) {
    if (pair.first == pair.second) {
      ids[pair] = *pair.first;
      continue;
    }
    // A new object: of one path alone it keeps its number if no other path knows that number.
    ids[pair] = merged.heap.size();
    merged.heap.resize(merged.heap.size() + 1);
    merged.heap.setPointer(ids[pair], pair.first ? first.heap.pointer(*pair.first)
                                                 : second.heap.pointer(*pair.second));
  }
}

} // namespace mpy
