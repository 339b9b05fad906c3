// What a Python expression is at compile time: a number with its run-time value, text, a reference
// into the abstract heap, or a piece of structure (tuple, function, class, module) that exists only
// while compiling.
#ifndef MPY_FRONTEND_VALUE_H
#define MPY_FRONTEND_VALUE_H

#include "frontend/syntax/Ast.h"
#include "frontend/values/IntExpr.h"
#include "support/Diagnostics.h"
#include <variant>

namespace mpy {

class Specializer;
struct Value;

/// Element types of arrays; numbers agree with `mpy_element` of the runtime. As a value of the
/// program it is the class of such scalars: `np.float64`. Unsigned integers exist in the front end
/// alone: below it they are the bits of signed ones (IntegerTypes.h).
enum class DType : uint8_t {
  Bool,
  Int32,
  Int64,
  Float32,
  Float64,
  Int8,
  Int16,
  UInt8,
  UInt16,
  UInt32,
  UInt64
};

inline constexpr DType lastDType = DType::UInt64;

/// The object that describes an element type: `a.dtype`, `np.dtype('float64')`; equal to its class,
/// but not the same.
struct DTypeObject {
  DType type;
};

/// Python's own numbers, then NumPy's scalars (`np.float64(1.0)` is not `1.0`: division, overflow,
/// repr differ).
enum class ScalarKind : uint8_t {
  PyBool,
  PyInt,
  PyFloat,
  Bool,
  Int32,
  Int64,
  Float32,
  Float64,
  Int8,
  Int16,
  UInt8,
  UInt16,
  UInt32,
  UInt64
};
inline constexpr ScalarKind lastScalarKind = ScalarKind::UInt64;

bool isPython(ScalarKind kind);
bool isFloat(ScalarKind kind);
bool isFloat(DType dtype);
/// The element type an array would get from this scalar (PyInt: Int64, PyFloat: Float64).
DType dtypeOf(ScalarKind kind);
/// NumPy's scalar of a dtype.
ScalarKind scalarKindOf(DType dtype);
mlir::Type typeOf(DType dtype, mlir::MLIRContext *context);
/// i1 for truth values, i64 for PyInt, f64 for PyFloat, the element type for NumPy scalars.
mlir::Type typeOf(ScalarKind kind, mlir::MLIRContext *context);
/// As NumPy prints it: `float64`.
llvm::StringRef nameOf(DType dtype);
/// As messages say it: `int`, `float64 scalar`.
llvm::StringRef nameOf(ScalarKind kind);

/// A number. `value` is its run-time value; a known constant rides along and is consulted only
/// where structure needs it.
struct Scalar {
  ScalarKind kind = ScalarKind::PyInt;
  /// SSA value of `typeOf(kind)`; null for a known int or bool that was not needed at run time yet
  /// (see Specializer::ssa).
  mlir::Value value;
  /// PyInt: the expression (constant or symbolic), if there is one. Also for NumPy integers that
  /// are extents.
  std::optional<IntExpr> expr;
  /// Constants of the other kinds.
  std::optional<bool> knownBool;
  std::optional<double> knownFloat;
  /// A number whose kind depends on the path taken (MixedNumbers.h): `tag` is an i64 holding the
  /// ScalarKind, `kinds` the set of possible ones (bit per ScalarKind). `kind`, of `value`, is the
  /// widest: Bool, Int64 or Float64. Where ints and floats meet, `integer` (i64) is what an int is
  /// exactly, `value` the nearest float.
  mlir::Value tag, integer;
  uint16_t kinds = 0;

  bool isMixed() const { return static_cast<bool>(tag); }
  std::optional<int64_t> knownInt() const { return expr ? expr->known() : std::nullopt; }
};

/// Text: known, or a `!mpy.str`.
struct Text {
  std::string known;
  mlir::Value value; // null when known
};

using ObjectId = uint32_t;
/// A reference to an object of the heap: array, list, dict, set, instance, class, cell, random
/// state.
struct ObjectRef {
  ObjectId id;
  bool operator==(const ObjectRef &other) const = default;
};

struct Unbound {}; ///< A name or slot without a value.
struct NoneValue {};
struct EllipsisValue {};
struct NotImplementedValue {};
/// A slot whose values could not be joined where paths met; an error for who reads it.
struct ConflictValue {
  std::shared_ptr<const Diagnostic> error;
};

struct TupleValue;
struct LibraryFile;
struct SliceValue;
struct RangeValue;
struct ClosureValue;
struct BoundMethodValue;
struct LibraryValue;
struct ModuleValue;
struct TransformValue;
struct IterableValue;
struct PropertyValue;
struct SuperValue;
struct ExceptionValue;
struct OptionalValue;
struct ChoiceValue;
struct RowValue;

template <typename T> using Shared = std::shared_ptr<const T>;

struct Value {
  std::variant<Unbound, NoneValue, EllipsisValue, NotImplementedValue, ConflictValue, Scalar, Text,
               DType, DTypeObject, ObjectRef, Shared<TupleValue>, Shared<SliceValue>,
               Shared<RangeValue>, Shared<ClosureValue>, Shared<BoundMethodValue>,
               const LibraryValue *, Shared<ModuleValue>, Shared<TransformValue>,
               Shared<IterableValue>, Shared<PropertyValue>, Shared<SuperValue>,
               Shared<ExceptionValue>, Shared<OptionalValue>, Shared<ChoiceValue>, Shared<RowValue>>
      data;

  Value() : data(Unbound{}) {}
  template <typename T>
    requires(!std::is_same_v<std::decay_t<T>, Value>)
  Value(T &&part) : data(std::forward<T>(part)) {}

  template <typename T> const T *get() const { return std::get_if<T>(&data); }
  /// For the shared kinds: `value.as<TupleValue>()`, null if it is something else.
  template <typename T> const T *as() const {
    auto *shared = std::get_if<Shared<T>>(&data);
    return shared ? shared->get() : nullptr;
  }
  bool isNone() const { return get<NoneValue>(); }
  bool isUnbound() const { return get<Unbound>(); }
};

using ValueList = std::vector<Value>;

/// Whether two values are certainly one: the same shared piece of structure or the same object.
inline bool isIdentical(const Value &a, const Value &b) {
  if (a.data.index() != b.data.index())
    return false;
  return std::visit(
      [&](const auto &x) {
        const auto &y = std::get<std::decay_t<decltype(x)>>(b.data);
        if constexpr (requires { x.get(); } || std::is_pointer_v<std::decay_t<decltype(x)>> ||
                      std::is_same_v<std::decay_t<decltype(x)>, ObjectRef>)
          return x == y;
        else
          return std::is_empty_v<std::decay_t<decltype(x)>>;
      },
      a.data);
}

struct TupleValue {
  ValueList items;
  /// Names of the fields of a namedtuple-like result, or empty.
  std::vector<std::string> fields;
};
struct SliceValue {
  Value start, stop, step; // None where left out
};
struct RangeValue {
  IntExpr start, stop, step;
  /// Of checkpointed(range(..)): how many bytes the reverse sweep of a loop over it may keep.
  std::optional<IntExpr> snapshotBytes = {};
};

/// A function of the program with the cells it captured.
struct ClosureValue {
  const ast::Node *node; // FunctionDef or Lambda
  std::string name;
  std::map<std::string, ObjectId> cells; // of free names
  std::map<std::string, Value> defaults; // by parameter name
  ObjectId globals;                      // the module object
  std::optional<ObjectId> ownerClass;    // for super()
  const LibraryFile *library = nullptr;  // whose code it is; null: the program's
  const ast::Node *wrapped = nullptr;    // the function whose name and docstring it took over
  const ast::Arguments &arguments() const;
  const ast::Scope &scope() const;
};
struct BoundMethodValue {
  Value self;
  Value function;
};

/// Arguments of a call after evaluation, stars expanded.
struct CallArguments {
  ValueList positional;
  std::vector<std::pair<std::string, Value>> keywords;
  Span span;
};

/// A function or type of a library or of Python itself; one per line of Library.def.
struct LibraryValue {
  const char *name; // "numpy.sum", "builtins.len", "ndarray.sum" (a method: self first)
  Value (*call)(Specializer &, CallArguments &);
  const char *parameters; // as in NumPy's signature: "a, axis=None, keepdims=False"
};
struct ModuleValue {
  std::string name;                // "numpy", "minpy.core"
  std::optional<ObjectId> globals; // of a module of the program
};
/// grad(f) and its relatives, waiting for arguments.
struct TransformValue {
  enum class Kind { Grad, GradAndValue, ValueAndGrad, ElementwiseGrad };
  Kind kind;
  Value function;
  std::vector<int64_t> argnums;
  bool single = true; // argnum was an int: bare result
  enum class Convention { MinPy, Autograd, Mpy } convention;
  /// Part of an operator that runs the function more than once: it may have no effects.
  bool isRepeated = false;
};
/// enumerate, zip, reversed, dict views, map ..: what a `for` walks.
struct IterableValue {
  /// What is an iterator in Python has a position: a cell, behind the other parts, that says how
  /// many items were taken. What nobody else takes from has none (Specializer::unshared).
  /// A generator's parts: the function with a cell for each of its names, and two cells: behind
  /// which `yield` it waits, and whether it has ended (SpecializeSuspended.cpp).
  /// Columns: zip(*rows) of so many rows as run-time data say; its part is the list of them. With
  /// `start` 1 the arguments `*rows`.
  /// Elements: iter(container); of a dict, `start` is its size. Calls: iter(function, sentinel).
  /// Reversed: `start` is the length when it was made.
  enum class Kind {
    Enumerate,
    Zip,
    Columns,
    Reversed,
    Keys,
    Values,
    Items,
    Map,
    Filter,
    Generator,
    Elements,
    Calls
  };
  Kind kind;
  ValueList parts;
  IntExpr start;
};
struct PropertyValue {
  enum class Kind { Property, Static, Class };
  Kind kind;
  Value getter, setter;
};
/// The attribute with what an exception was made with: what programs see as `args`.
inline constexpr const char *exceptionArguments = "%args";
struct SuperValue {
  Value self;
  ObjectId ownerClass;
};
/// An exception instance: `ValueError('text')`.
struct ExceptionValue {
  std::string kind;
  ValueList arguments;
  /// The one argument is the text as it prints: made by a check, not by the program.
  bool isRendered = false;
};

/// One of several functions, by run-time data; calling it calls the one.
struct ChoiceValue {
  mlir::Value which; // i64
  ValueList options;
};

/// An object that run-time data choose: a row of the table of its class (containers/Rows.h).
struct RowValue {
  ObjectId cls;
  IntExpr row;
};

/// A value on some paths only: on the others the name is unset, or None.
struct OptionalValue {
  mlir::Value present; // i1
  Value value;
  bool orNone = false; // else unset: reading it raises
};

} // namespace mpy

#endif // MPY_FRONTEND_VALUE_H
