// The abstract heap: what every mutable object of the program holds at the current point of
// specialisation. Names and containers refer to objects by number; a branch works on a copy of the
// heap and the copies are joined where paths meet.
#ifndef MPY_FRONTEND_HEAP_H
#define MPY_FRONTEND_HEAP_H

#include "frontend/Value.h"

namespace mpy {

/// How a view looks at its base; bounds are those of the moment when it was made.
struct ViewStep {
  enum class Kind { Slice, Transpose, Reshape };
  Kind kind;
  /// Slice: one of each per dimension of the base (strides may be negative); `dropped`: integer
  /// subscripts.
  std::vector<IntExpr> offsets, sizes, strides;
  std::vector<int64_t> dropped;
  std::vector<int64_t> permutation; // Transpose
};

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
};
// `isItem`: a list whose length is run-time data holds the object too, or it is one of several by
// run-time data; it may be read, not changed. `sharesWith`: what it may be; where one of these
// changes, it may not even be read.
struct ListState {
  ValueList items;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
};
struct DictState {
  std::vector<std::pair<Value, Value>> entries; // insertion order
  bool isSet = false;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
};
struct InstanceState {
  ObjectId cls;
  std::vector<std::pair<std::string, Value>> attributes;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
};
/// One run-time value of every item: rows of a tensor; where rows differ in extent, all elements
/// one after the other, and where each row ends.
struct ItemColumn {
  mlir::Value values, ends;
};
struct ResultPattern;
/// A list, or a tuple, whose length is run-time data: items of one structure, whose run-time values
/// are columns.
struct RunTimeListState {
  IntExpr length;
  std::shared_ptr<const ResultPattern> item;
  std::vector<ItemColumn> columns;
  bool isItem = false;
  std::vector<ObjectId> sharesWith = {};
  bool isTuple = false; // never changed
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

/// An object whose structure differs between the paths that met; an error for who uses it.
struct BrokenState {
  std::shared_ptr<const Diagnostic> error;
};

using ObjectState = std::variant<ArrayState, ListState, RunTimeListState, DictState, InstanceState,
                                 ClassState, CellState, NamespaceState, RandomState, BrokenState>;

class Heap {
public:
  ObjectId add(ObjectState state) {
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
