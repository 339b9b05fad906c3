// The abstract heap: what every mutable object of the program holds at the current point of
// specialisation. Names and containers refer to objects by number; a branch works on a copy of the
// heap and the copies are joined where paths meet.
#ifndef MPY_FRONTEND_HEAP_H
#define MPY_FRONTEND_HEAP_H

#include "frontend/values/Value.h"

namespace mpy {

/// How a view looks at its base; bounds are those of the moment when it was made.
struct ViewStep {
  /// Broadcast: the base repeated to the shape of the view; always read-only.
  enum class Kind { Slice, Transpose, Reshape, Broadcast };
  Kind kind;
  /// NumPy refuses writes through this view, and through views of it.
  bool isReadOnly = false;
  /// Slice: one of each per dimension of the base (strides may be negative); `dropped`: integer
  /// subscripts.
  std::vector<IntExpr> offsets = {}, sizes = {}, strides = {};
  std::vector<int64_t> dropped = {};
  std::vector<int64_t> permutation = {}; // Transpose
};

/// The objects that the items of a list of known length are made of, and which part of which item
/// each is: where any of them is another one, what was read from the list is no item of it.
struct KnownItems {
  size_t count = 0;
  std::vector<std::pair<ObjectId, std::vector<std::string>>> parts;
  bool operator==(const KnownItems &) const = default;
};
/// An item of a list of run-time length as the program last read or stored it.
struct ItemView {
  unsigned number; // Objects of one reading share it.
  ObjectId list;
  unsigned generation; // of the list; 0 while the list is one of known length
  IntExpr position;
  /// The subscript that was read, which may be negative: of a list of this length.
  IntExpr key, length;
  /// The run-time values that the list holds there.
  std::vector<mlir::Value> leaves;
  /// What the list held, if its length is known and it may be any item.
  std::shared_ptr<const KnownItems> known;
  /// There may be none, and then no item there.
  bool mayBeAbsent = false;
};
/// Says of an object that lists of run-time length may hold it: as an item, or as a part of one.
struct ItemPlace {
  std::vector<ObjectId> lists;
  /// Where it lies, if that is certain: then it may be changed, and its state is that of the list.
  std::shared_ptr<const ItemView> view;
  /// Which part of the item it is.
  std::vector<std::string> path;
  /// It was taken out of a list that nobody else shared it with: it may be changed.
  bool isReleased = false;
};
using SharedPlace = std::shared_ptr<const ItemPlace>;

/// An array: owner of a tensor, or a view of another array object. Its type never changes while it
/// lives.
struct ArrayState {
  DType dtype;
  std::vector<IntExpr> shape;
  mlir::Value tensor;           // owner only
  std::optional<ObjectId> base; // view only
  std::shared_ptr<const ViewStep> step;
  /// Whether NumPy's array would be C-contiguous (decides whether reshape is a view).
  bool contiguous = true;
  /// Non-empty: may share memory with one of these by run-time data; may be read, not mutated.
  std::vector<ObjectId> maybeAliases;
  /// One of those was mutated since: may not even be read.
  bool stale = false;
  SharedPlace place = {};
};
// `isItem`: a list whose length is run-time data holds the object too, or it is one of several by
// run-time data; it may be read, and changed only where `place` says where it lies. `sharesWith`:
// what it may be; where one of these changes, it may not even be read.
struct ListState {
  ValueList items;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
  SharedPlace place = {};
};
struct DictState {
  std::vector<std::pair<Value, Value>> entries; // insertion order
  bool isSet = false;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
  SharedPlace place = {};
  Span origin = {}; // the expression that made it, if one did
};
struct InstanceState {
  ObjectId cls;
  std::vector<std::pair<std::string, Value>> attributes;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
  SharedPlace place = {};
};
/// One run-time value of every item: rows of a tensor; where rows differ in extent, all elements in
/// one tensor, and where each row is (RunTimeListColumns.cpp).
struct ItemColumn {
  mlir::Value values, ends;
};
struct ResultPattern;
/// Items that were put in other places of their list, one after the other: by then some are there
/// twice. Where all have changed places, each is there once again.
struct MovedItems {
  unsigned generation; // before the first move
  std::vector<IntExpr> from, to;
};
/// A list, or a tuple, whose length is run-time data: items of one structure, whose run-time values
/// are columns.
struct RunTimeListState {
  IntExpr length;
  std::shared_ptr<const ResultPattern> item;
  std::vector<ItemColumn> columns;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
  SharedPlace place = {};
  bool isTuple = false; // never changed
  /// Other than 0: each item is there once, and nothing but lists holds it; where no other list
  /// does, it may be changed. Another number after each change that moves items.
  unsigned generation = 0;
  /// Another number after each change of an object that is an item.
  unsigned changes = 0;
  /// The lists that its items are, or were, in: this one, and those it got them from.
  std::vector<ObjectId> itemsOf = {};
  /// If its items have lists in them, and others may hold what is in those: these others.
  std::vector<ObjectId> innerItemsOf = {};
  std::shared_ptr<const MovedItems> moved = {};
};
struct ClassState {
  std::string name;
  const ast::ClassDef *node = nullptr; // null for built-in exception classes and object
  std::vector<ObjectId> resolution;    // method resolution order, itself first
  std::vector<std::pair<std::string, Value>> attributes;
};
/// A captured variable, or a module's globals name by name.
struct CellState {
  Value value;
};
struct NamespaceState {
  std::map<std::string, ObjectId> cells;
};
struct RandomState {
  mlir::Value handle;
};

/// An object whose structure differs between the paths that met, or whose content another name may
/// have changed; an error for who uses it, unless its place says where to read it again.
struct BrokenState {
  std::shared_ptr<const Diagnostic> error;
  SharedPlace place = {};
  unsigned generation = 0; // of a list: where its items are
};

using ObjectState = std::variant<ArrayState, ListState, RunTimeListState, DictState, InstanceState,
                                 ClassState, CellState, NamespaceState, RandomState, BrokenState>;

class Heap {
public:
  /// A new object: no list holds it.
  ObjectId add(ObjectState state) {
    std::visit(
        [](auto &object) {
          if constexpr (requires { object.place; })
            object.place = nullptr;
        },
        state);
    if (auto *list = std::get_if<RunTimeListState>(&state))
      list->itemsOf.push_back(objects.size());
    objects.push_back(std::make_shared<const ObjectState>(std::move(state)));
    return objects.size() - 1;
  }
  const ObjectState &at(ObjectId id) const { return *objects[id]; }
  const std::shared_ptr<const ObjectState> &pointer(ObjectId id) const { return objects[id]; }
  template <typename T> const T *get(ObjectId id) const {
    return objects[id] ? std::get_if<T>(objects[id].get()) : nullptr;
  }
  void set(ObjectId id, ObjectState state) {
    objects[id] = std::make_shared<const ObjectState>(std::move(state));
  }
  void setPointer(ObjectId id, std::shared_ptr<const ObjectState> state) {
    objects[id] = std::move(state);
  }
  size_t size() const { return objects.size(); }
  void resize(size_t size) { objects.resize(size); }

private:
  std::vector<std::shared_ptr<const ObjectState>> objects;
};

} // namespace mpy

#endif // MPY_FRONTEND_HEAP_H
