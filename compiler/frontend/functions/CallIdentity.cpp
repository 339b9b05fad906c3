// Two calls of one definition -> whether the second is a call of the same function. What runs in
// the body follows from the functions that it gets, so that with others it is another function,
// however many calls of the definition are active:
//
//   def fold(f, xs, start): ..
//   fold(lambda a, p: fold(lambda b, q: a + b + q, p, a), rows, 0)     no recursion
//   def total(f, n): return 0 if n == 0 else f(n) + total(f, n - 1)    a recursion
// A variable that holds a function stands for that function, so that functions made again on the
// way (`lambda v: x(x)(v)` of a fixed-point combinator) are the same one.
#include "frontend/functions/CallIdentity.h"

namespace mpy {

/// Arguments of a function that was made on a path that was given up name objects that are no more.
static bool exists(const Heap &heap, ObjectId id) { return id < heap.size() && heap.pointer(id); }

/// The function that a variable from outside holds, if it stands for it.
static const ClosureValue *heldFunction(const Heap &heap, const ClosureValue &reader,
                                        const std::string &name, ObjectId variable) {
  auto *cell = exists(heap, variable) ? heap.get<CellState>(variable) : nullptr;
  auto *held = cell ? cell->value.as<ClosureValue>() : nullptr;
  return held && !reader.scope().setOutside.contains(name) ? held : nullptr;
}

namespace {

class Comparison {
public:
  explicit Comparison(const Heap &heap) : heap(heap) {}

  bool isSame(const ClosureValue &a, const ClosureValue &b) {
    return a.node == b.node && areSameVariables(a, b) && areSame(a.defaults, b.defaults);
  }

  template <typename Named> bool areSame(const Named &a, const Named &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](auto &x, auto &y) {
      return x.first == y.first && isSame(x.second, y.second);
    });
  }

  bool isSame(const Value &a, const Value &b) {
    if (isIdentical(a, b))
      return true;
    if (auto *optional = a.as<OptionalValue>())
      return isSame(optional->value, b);
    if (auto *optional = b.as<OptionalValue>())
      return isSame(a, optional->value);
    if (auto *x = a.get<ObjectRef>(), *y = b.get<ObjectRef>(); x && y)
      return areSameObjects(x->id, y->id);
    if (auto *x = a.as<TupleValue>(), *y = b.as<TupleValue>(); x && y)
      return (!hasFunctions(x->items) && !hasFunctions(y->items)) ||
             areSameItems(x->items, y->items);
    if (!decidesWhatRuns(a) && !decidesWhatRuns(b))
      return true;
    if (a.data.index() != b.data.index())
      return false;
    if (auto *closure = a.as<ClosureValue>())
      return isSame(*closure, *b.as<ClosureValue>());
    if (auto *method = a.as<BoundMethodValue>())
      return isSame(method->self, b.as<BoundMethodValue>()->self) &&
             isSame(method->function, b.as<BoundMethodValue>()->function);
    if (auto *transform = a.as<TransformValue>())
      return transform->kind == b.as<TransformValue>()->kind &&
             transform->argnums == b.as<TransformValue>()->argnums &&
             isSame(transform->function, b.as<TransformValue>()->function);
    if (auto *choice = a.as<ChoiceValue>())
      return areSameItems(choice->options, b.as<ChoiceValue>()->options);
    return false;
  }

private:
  bool areSameVariables(const ClosureValue &a, const ClosureValue &b) {
    // Functions that call each other in a chain mostly differ in a variable that is no function:
    // that is seen before anything is followed.
    llvm::SmallVector<std::pair<const ClosureValue *, const ClosureValue *>> functions;
    bool areAlike = std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
                               [&](auto &x, auto &y) {
                                 if (x.first != y.first)
                                   return false;
                                 // What is being compared already differs elsewhere, or nowhere.
                                 if (x.second == y.second || pairs.contains({x.second, y.second}))
                                   return true;
                                 auto *held = heldFunction(heap, a, x.first, x.second);
                                 auto *other = heldFunction(heap, b, y.first, y.second);
                                 if (!held || !other || held->node != other->node)
                                   return false;
                                 functions.push_back({held, other});
                                 pairs.insert({x.second, y.second});
                                 return true;
                               });
    return areAlike &&
           llvm::all_of(functions, [&](auto &two) { return isSame(*two.first, *two.second); });
  }

  bool areSameItems(const ValueList &a, const ValueList &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const Value &x, const Value &y) { return isSame(x, y); });
  }

  bool areSameObjects(ObjectId a, ObjectId b) {
    // What is being compared already differs elsewhere, or nowhere.
    if (a == b || !pairs.insert({a, b}).second)
      return true;
    if (!exists(heap, a) || !exists(heap, b))
      return false;
    if (auto *x = heap.get<ListState>(a), *y = heap.get<ListState>(b); x && y)
      return (!hasFunctions(x->items) && !hasFunctions(y->items)) ||
             areSameItems(x->items, y->items);
    if (auto *x = heap.get<DictState>(a), *y = heap.get<DictState>(b); x && y)
      return areSameEntries(*x, *y);
    return !isOneOfAKind(a) && !isOneOfAKind(b);
  }

  bool areSameEntries(const DictState &a, const DictState &b) {
    ValueList x, y;
    for (auto &entry : a.entries)
      x.push_back(entry.second);
    for (auto &entry : b.entries)
      y.push_back(entry.second);
    return (!hasFunctions(x) && !hasFunctions(y)) || areSameItems(x, y);
  }

  /// Functions cross into a function of its own only as themselves; what else a container holds
  /// may become rows of a list of run-time length.
  bool hasFunctions(const ValueList &items) {
    return llvm::any_of(items, [&](const Value &item) { return holdsFunction(item); });
  }

  bool holdsFunction(const Value &value) {
    if (auto *tuple = value.as<TupleValue>())
      return hasFunctions(tuple->items);
    if (auto *optional = value.as<OptionalValue>())
      return holdsFunction(optional->value);
    auto *ref = value.get<ObjectRef>();
    if (!ref || !exists(heap, ref->id))
      return decidesWhatRuns(value);
    auto *list = heap.get<ListState>(ref->id);
    return list && visited.insert(ref->id).second && hasFunctions(list->items);
  }

  /// Objects that cross into a function of its own as themselves.
  bool isOneOfAKind(ObjectId id) {
    return heap.get<InstanceState>(id) || heap.get<ClassState>(id) ||
           heap.get<NamespaceState>(id) || heap.get<RandomState>(id);
  }

  bool decidesWhatRuns(const Value &value) {
    if (auto *ref = value.get<ObjectRef>())
      return exists(heap, ref->id) && isOneOfAKind(ref->id);
    return value.as<ClosureValue>() || value.as<BoundMethodValue>() || value.as<TransformValue>() ||
           value.as<ChoiceValue>() || value.as<IterableValue>() || value.as<PropertyValue>() ||
           value.as<SuperValue>() || value.as<ModuleValue>() || value.get<const LibraryValue *>();
  }

  const Heap &heap;
  std::set<std::pair<ObjectId, ObjectId>> pairs;
  std::set<ObjectId> visited;
};

} // namespace

bool isSameFunction(const Heap &heap, const ClosureValue &a, const ClosureValue &b) {
  return Comparison(heap).isSame(a, b);
}

static void appendKey(const Heap &heap, const ClosureValue &function, std::set<ObjectId> &inside,
                      std::string &key) {
  key += "f" + std::to_string(reinterpret_cast<uintptr_t>(function.node));
  for (auto &[name, variable] : function.cells) {
    auto *held = heldFunction(heap, function, name, variable);
    if (!held || !inside.insert(variable).second) {
      key += "." + std::to_string(variable);
      continue;
    }
    key += "{";
    appendKey(heap, *held, inside, key);
    key += "}";
    inside.erase(variable);
  }
  if (!function.defaults.empty())
    key += "!" + std::to_string(reinterpret_cast<uintptr_t>(&function));
}

std::string keyOf(const Heap &heap, const ClosureValue &function) {
  std::string key;
  std::set<ObjectId> inside;
  appendKey(heap, function, inside, key);
  return key;
}

bool getSameFunctions(const Heap &heap, const Locals &a, const Locals &b) {
  return Comparison(heap).areSame(a, b);
}

} // namespace mpy
