// What array operations share: operands with NumPy's promotion and broadcasting, run-time checks,
// and results as values.
#ifndef MPY_FRONTEND_ARRAYOPERANDS_H
#define MPY_FRONTEND_ARRAYOPERANDS_H

#include "frontend/interpret/Specializer.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mpy {

using Shape = std::vector<IntExpr>;

/// One operand of an elementwise function: an array of any rank but 0, or a number that stands for
/// every element.
struct ElementOperand {
  DType dtype = DType::Float64;
  bool isScalar = false;
  Scalar scalar;
  Shape shape;
  mlir::Value tensor;
  /// The array object that the value was, if it was one.
  std::optional<ObjectId> object;

  /// Python's own number: takes part in promotion by its kind only.
  bool isWeak() const { return isScalar && isPython(scalar.kind); }
};

//===--- Failures and checks ---===//

/// Reports a failure that is certain where the program gets here, in Python's words.
[[noreturn]] void failCertain(Specializer &specializer, llvm::StringRef kind,
                              const llvm::Twine &message);
/// Reports an argument value that the compiler does not take.
[[noreturn]] void failArgument(Specializer &specializer, llvm::StringRef parameter,
                               llvm::StringRef function, const llvm::Twine &what,
                               llvm::StringRef help = "");

/// The text of a check: integers known at compile time as digits, others filled in at run time.
struct CheckText {
  std::string text;
  std::vector<IntExpr> values;

  CheckText &operator<<(llvm::StringRef part);
  CheckText &operator<<(const IntExpr &number);
  /// `(3, 4)` as NumPy writes shapes in these messages: `(3,4)`, `(3,)`, `()`.
  CheckText &operator<<(const Shape &shape);
};
/// Emits a run-time check; a condition that is known decides at once.
void check(Specializer &specializer, mlir::Value condition, llvm::StringRef kind,
           const CheckText &text);
/// Compares two integers: an i1.
mlir::Value compareInts(Specializer &specializer, mlir::arith::CmpIPredicate predicate,
                        const IntExpr &a, const IntExpr &b);
/// Whether two integers are equal: known, or by a check that raises with this text.
void checkEqual(Specializer &specializer, const IntExpr &a, const IntExpr &b, llvm::StringRef kind,
                const CheckText &text);
/// ValueError in NumPy's words where no array has room for so many elements.
void checkSize(Specializer &specializer, llvm::ArrayRef<IntExpr> shape);
/// The known condition of an i1, if it is a constant.
std::optional<bool> knownCondition(mlir::Value condition);

//===--- Operands ---===//

/// The operand behind a value; lists and tuples become arrays, arrays of rank 0 numbers.
ElementOperand makeOperand(Specializer &specializer, const Value &value);
ElementOperand makeOperand(const ArrayValue &array);
/// As an array of any rank, rank 0 included; the array itself, nested lists and tuples, or a
/// number.
ArrayValue toArray(Specializer &specializer, const Value &value);
/// Nested lists and tuples of numbers and arrays as one array, `dtype` or NumPy's choice.
ArrayValue arrayOfNested(Specializer &specializer, const ValueList &items,
                         std::optional<DType> dtype);
/// An array of rank 0 from a number; the inverse takes its element.
ArrayValue rankZero(Specializer &specializer, const Scalar &scalar, DType dtype);
Scalar elementOf(Specializer &specializer, const ArrayValue &array);

/// NumPy's common type of two strong types.
DType promote(DType a, DType b);
/// The common type of operands, Python's numbers weak.
DType commonType(Specializer &specializer, llvm::ArrayRef<ElementOperand> operands);
/// The operand's tensor or number converted to an element type.
mlir::Value convert(Specializer &specializer, const ElementOperand &operand, DType dtype);
/// Casts a tensor or number between element types; the value itself if there is nothing to do.
mlir::Value castTo(Specializer &specializer, mlir::Value value, DType from, DType to);
ArrayValue castArray(Specializer &specializer, ArrayValue array, DType dtype);

//===--- Broadcasting ---===//

/// The common shape; extents not known to agree are checked at run time, with NumPy's words.
Shape broadcastShapes(
    Specializer &specializer, llvm::ArrayRef<Shape> shapes, llvm::StringRef kind = "ValueError",
    llvm::StringRef words = "operands could not be broadcast together with shapes ");
/// Spreads a tensor to a shape that `broadcastShapes` gave.
mlir::Value expand(Specializer &specializer, mlir::Value tensor, DType dtype, const Shape &from,
                   const Shape &to);
/// Checks that `from` broadcasts into `to` alone (assignment) and spreads; message as NumPy's for
/// assignment.
mlir::Value expandInto(Specializer &specializer, const ArrayValue &value, const Shape &to);
/// The common shape of the operands, whose tensors are converted to `dtype` and spread; numbers
/// stay numbers.
Shape prepare(Specializer &specializer, llvm::MutableArrayRef<ElementOperand> operands,
              llvm::ArrayRef<DType> dtypes, llvm::SmallVectorImpl<mlir::Value> &values);

//===--- Results ---===//

/// A result as a value: a new array, or a NumPy scalar where the shape is empty.
Value wrap(Specializer &specializer, DType dtype, Shape shape, mlir::Value value);
Value wrap(Specializer &specializer, ArrayValue array);
/// A new array, of rank 0 too; between operations the content of rank 0 may be a number instead of
/// a tensor.
Value newArrayOf(Specializer &specializer, ArrayValue array);
/// first, first + 1, .. below last: the axes of an array, for example.
llvm::SmallVector<int64_t> consecutive(int64_t first, int64_t last);
/// The number of elements.
IntExpr product(llvm::ArrayRef<IntExpr> extents);
/// Reshapes a tensor (or a number) to another shape of the same size; a number if the shape is
/// empty and `asScalar`.
mlir::Value reshapeTo(Specializer &specializer, mlir::Value tensor, DType dtype,
                      const Shape &shape);
/// Permutes dimensions; the tensor itself where the order is kept.
mlir::Value transposeTo(Specializer &specializer, mlir::Value tensor,
                        llvm::ArrayRef<int64_t> permutation);
/// Spreads a number over a shape.
mlir::Value fill(Specializer &specializer, mlir::Value number, DType dtype, const Shape &shape);
/// The IntExpr of an `index` or i64 that is not negative.
IntExpr extentOf(mlir::Value value);
/// The index operands of extents, all of them.
llvm::SmallVector<mlir::Value> indexValues(Specializer &specializer,
                                           llvm::ArrayRef<IntExpr> extents);

/// An element type from a value (`np.float32`, 'float32', float, int, bool), nothing for None.
std::optional<DType> toDType(Specializer &specializer, const Value &value);
/// The same of a value that may be anything else.
std::optional<DType> dtypeNamedBy(Specializer &specializer, const Value &value);
/// A known axis within [-rank, rank), made non-negative; AxisError otherwise.
int64_t normalizeAxis(Specializer &specializer, const Value &value, int64_t rank);
/// One or more integers: an int, a tuple or list of ints; expressions where they are not known.
std::vector<IntExpr> toExtents(Specializer &specializer, const Value &value);
/// Known integers of an int, tuple or list.
std::vector<int64_t> toKnownInts(Specializer &specializer, const Value &value,
                                 llvm::StringRef what);

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYOPERANDS_H
