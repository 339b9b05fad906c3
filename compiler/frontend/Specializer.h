// The abstract interpreter: executes a program's structure and emits mpy operations for its arithmetic. One class, one file
// per language concern (Specialize*.cpp), library functions in Library*.cpp.
#ifndef MPY_FRONTEND_SPECIALIZER_H
#define MPY_FRONTEND_SPECIALIZER_H

#include "dialect/Dialect.h"
#include "frontend/Heap.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include <set>

namespace mpy {

/// Thrown after an error was reported; caught where another way can be tried, and at the top.
struct Abort {};

/// An array as operations see it: its current tensor and what is known of its type. Rank 0 is `tensor<f64>`.
struct ArrayValue {
  DType dtype;
  std::vector<IntExpr> shape;
  mlir::Value tensor;
  size_t rank() const { return shape.size(); }
};

/// One activation of a function, class body or module.
struct Frame {
  const ast::Scope *scope = nullptr;
  const ClosureValue *closure = nullptr;   // null for modules and class bodies
  std::map<std::string, Value> locals;     // names that no inner scope captures
  std::map<std::string, ObjectId> cells;   // names captured here or from outside
  ObjectId globals = 0;                    // NamespaceState of the module
  std::string name;
  Span callSpan;
};

class Specializer {
public:
  Specializer(mlir::MLIRContext &context, SourceManager &sources, Diagnostics &diagnostics);

  //===--- Emission (SpecializeEmit.cpp) ---===//
  mlir::OpBuilder builder;
  Heap heap;
  /// The location of what is being evaluated.
  mlir::Location loc();
  Span span; // current
  mlir::MLIRContext *context() { return builder.getContext(); }
  /// Creates an operation at the current location.
  template <typename OpType, typename... Args> OpType create(Args &&...args) {
    return OpType::create(builder, loc(), std::forward<Args>(args)...);
  }
  /// Reports an error at the current place with the chain of calls as notes, and gives up this path.
  [[noreturn]] void fail(ErrorId id, std::vector<std::string> arguments = {}, Details details = {});
  /// Emits the run-time exception of a failure that is certain here: the rest of the path is dead. Returns for convenience.
  Value raiseHere(llvm::StringRef kind, llvm::StringRef message);

  //===--- Numbers (SpecializeNumbers.cpp) ---===//
  /// The run-time value of a scalar (constants are materialised), of type `typeOf(kind)`.
  mlir::Value ssa(const Scalar &scalar);
  /// The run-time value converted to an element type (i1, i32, i64, f32, f64), as NumPy converts.
  mlir::Value ssaAs(const Scalar &scalar, DType dtype);
  /// As an index expression; PyInt or NumPy integer scalars (bool counts as 0 or 1).
  IntExpr intExpr(const Scalar &scalar);
  mlir::Value index(const IntExpr &expr) { return expr.emit(builder, loc()); }
  Scalar makeInt(const IntExpr &expr);                 // PyInt
  Scalar makeInt(mlir::Value i64);                     // PyInt, unknown
  Scalar makeFloat(double value);                      // PyFloat constant
  Scalar makeBool(bool value);                         // PyBool constant
  Scalar makeScalar(ScalarKind kind, mlir::Value value);
  /// A constant of an element type as SSA.
  mlir::Value constant(DType dtype, double value);
  Value binary(ast::BinaryOperator op, const Value &lhs, const Value &rhs);
  Value unary(ast::UnaryOperator op, const Value &operand);
  Value compare(ast::CompareOperator op, const Value &lhs, const Value &rhs);
  /// Python's truth: known, or an i1 in `value`.
  Scalar truth(const Value &value);

  //===--- Arrays and the heap (SpecializeHeap.cpp) ---===//
  Value newArray(ArrayValue array);
  /// A view object of an array object.
  Value newView(ObjectId base, ViewStep step, std::vector<IntExpr> shape, bool contiguous);
  /// The current content of an array object (views re-read their base).
  ArrayValue read(ObjectId array);
  /// Replaces the whole content in place: every name and view sees it. `tensor` has the object's dtype and shape.
  void write(ObjectId array, mlir::Value tensor);
  /// The array object behind a value, if it is one.
  std::optional<ObjectId> arrayObject(const Value &value);
  /// Anything array-like (array, scalar, nested lists and tuples of numbers) as an array, NumPy's dtype rules; fails otherwise.
  ArrayValue asArray(const Value &value);
  bool isArray(const Value &value) { return arrayObject(value).has_value(); }
  Value newList(ValueList items);
  Value newTuple(ValueList items);
  /// Items of a tuple, list or other iterable of known structure; nothing if it has none.
  std::optional<ValueList> knownItems(const Value &value);
  /// The tensor type of an array; extents known at compile time are static.
  mlir::RankedTensorType tensorType(DType dtype, llvm::ArrayRef<IntExpr> shape);
  /// One index operand for each extent that is not static, as the shape operations of the dialect want.
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<IntExpr> shape);

  //===--- What calls need (SpecializeCalls.cpp) ---===//
  Value call(const Value &callee, CallArguments arguments);
  /// Binds arguments to the parameter list of a library function ("a, axis=None"); the result has one value per parameter, Unbound where it was
  /// left out and has no default written there. Defaults may be None, True, False, ints, floats, 'text'. `*` starts keyword-only ones.
  ValueList bind(const CallArguments &arguments, const char *parameters, llvm::StringRef functionName);
  std::optional<int64_t> knownInt(const Value &value);
  std::optional<bool> knownBool(const Value &value);
  std::optional<std::string> knownText(const Value &value);
  /// For messages: `float64 array of shape (3, n)`, `list`, `int`.
  std::string describe(const Value &value);
  /// Emits scf.if on a run-time condition; each branch runs on its own copy of the state, then slots are joined.
  void branch(mlir::Value condition, llvm::function_ref<void()> thenBranch, llvm::function_ref<void()> elseBranch);
};

/// The library function with a qualified name such as "numpy.sum" or "ndarray.sum", or null.
const LibraryValue *findLibraryFunction(llvm::StringRef qualifiedName);

//===--- Array operations (Array*.cpp): pure, on values; used by operators, methods and library functions alike ---===//

/// `x op y` with NumPy's broadcasting and promotion (Python scalars are weak); arrays, NumPy scalars and sequences.
Value arrayBinary(Specializer &, ast::BinaryOperator op, const Value &lhs, const Value &rhs);
Value arrayCompare(Specializer &, ast::CompareOperator op, const Value &lhs, const Value &rhs);
Value arrayUnary(Specializer &, ast::UnaryOperator op, const Value &operand);
/// In-place `array op= value`: keeps dtype and object; UFuncTypeError as NumPy.
void arrayInPlace(Specializer &, ast::BinaryOperator op, ObjectId array, const Value &value);
/// `array[index]`: a view object, a copy (masks, index arrays), or a NumPy scalar.
Value arraySubscript(Specializer &, ObjectId array, const Value &index);
/// `array[index] = value`
void arrayAssign(Specializer &, ObjectId array, const Value &index, const Value &value);
/// `array.attribute`: shape, ndim, size, dtype, T, or a bound method; Unbound if there is none.
Value arrayAttribute(Specializer &, const Value &array, llvm::StringRef name);
/// The text of an attribute of a library module (`np.pi`, `np.float32`, functions, submodules); Unbound if there is none.
Value libraryAttribute(Specializer &, llvm::StringRef module, llvm::StringRef name);
/// Applies a view step to a tensor; the inverse puts `part` back where the step looks.
mlir::Value applyView(Specializer &, mlir::Value base, const ViewStep &step, DType dtype, llvm::ArrayRef<IntExpr> shape);
mlir::Value updateView(Specializer &, mlir::Value base, mlir::Value part, const ViewStep &step);

} // namespace mpy

#endif // MPY_FRONTEND_SPECIALIZER_H
