// Changes of shape, as views where NumPy gives views; joins of arrays.
#ifndef MPY_FRONTEND_ARRAYSHAPES_H
#define MPY_FRONTEND_ARRAYSHAPES_H

#include "frontend/arrays/ArrayOperands.h"

namespace mpy {

/// The array object behind a value; a new one for lists and numbers.
ObjectId objectOf(Specializer &specializer, const Value &value);
/// A new array with the same elements.
Value copyOf(Specializer &specializer, const Value &value);
/// `reshape`: one extent may be -1; a view of contiguous arrays, else a copy that may share memory.
Value reshapeArray(Specializer &specializer, const Value &array, const Shape &extents);
/// The extents of a reshape with -1 resolved, checked against the old shape.
Shape resolveReshape(Specializer &specializer, const Shape &old, const Shape &wanted);
/// Another shape with only extents of 1 added or removed: a view of any array.
Value reshapeView(Specializer &specializer, ObjectId array, Shape shape);
/// A diagonal of the last two axes as a view, last in its shape.
Value diagonalView(Specializer &specializer, const Value &array, int64_t offset,
                   bool isReadOnly = false);
/// Permutes the axes: a view.
Value transposeArray(Specializer &specializer, const Value &array,
                     llvm::ArrayRef<int64_t> permutation);
/// All axes reversed: a view.
Value reverseAxes(Specializer &specializer, const Value &array);
Value swapAxes(Specializer &specializer, const Value &array, int64_t first, int64_t second);
/// Joins arrays of one rank along an axis: common type, a new array.
ArrayValue concatenate(Specializer &specializer, llvm::ArrayRef<ArrayValue> parts, int64_t axis);
/// The arrays of a list or tuple; the rows of an array whose first extent is known.
std::vector<ArrayValue> arraysOf(Specializer &specializer, const Value &sequence);
/// A tensor with another shape of the same number of elements.
ArrayValue reshaped(Specializer &specializer, const ArrayValue &array, Shape shape);
ArrayValue permuted(Specializer &specializer, const ArrayValue &array,
                    llvm::ArrayRef<int64_t> permutation);
ArrayValue spread(Specializer &specializer, const ArrayValue &array, const Shape &shape);
/// 0, 1, 2 .. as int64 of this length.
ArrayValue iota(Specializer &specializer, const IntExpr &count);

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYSHAPES_H
