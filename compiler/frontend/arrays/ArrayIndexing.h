// Subscripts of arrays after parsing: which item stands for which dimension, and bounds as integer
// expressions.
#ifndef MPY_FRONTEND_ARRAYINDEXING_H
#define MPY_FRONTEND_ARRAYINDEXING_H

#include "frontend/arrays/ArrayOperands.h"

namespace mpy {

/// Where a slice begins, how many elements it has, and how far apart they are.
struct SliceBounds {
  IntExpr offset, size, stride;
};

/// One item of a subscript, in the order written; an ellipsis has become slices.
struct IndexItem {
  enum class Kind { Integer, Slice, NewAxis, Array, Mask };
  Kind kind;
  Scalar number;                   // Integer
  std::optional<SliceValue> slice; // Slice; nothing is all of the axis
  std::optional<ArrayValue> array; // Array, Mask
};

/// The items of a subscript for an array of this rank, filled up with whole slices.
std::vector<IndexItem> parseIndex(Specializer &specializer, const Value &index, int64_t rank);
/// Python's rule for `start:stop:step` on an axis.
SliceBounds resolveSlice(Specializer &specializer, const std::optional<SliceValue> &slice,
                         const IntExpr &extent);
/// A position on an axis, not negative and checked; IndexError with NumPy's words.
IntExpr resolveInteger(Specializer &specializer, const Scalar &number, const IntExpr &extent,
                       int64_t axis);
/// Positions of an index array, not negative and checked, as int64.
mlir::Value resolvePositions(Specializer &specializer, const ArrayValue &positions,
                             const IntExpr &extent, int64_t axis);

/// Reads and writes with index arrays or masks among the items.
Value gatherItems(Specializer &specializer, const ArrayValue &array,
                  const std::vector<IndexItem> &items);
/// The array with the selected elements replaced.
mlir::Value scatterItems(Specializer &specializer, const ArrayValue &array,
                         const std::vector<IndexItem> &items, const Value &value);
/// Row-major positions where a mask of any rank holds, and how many there are.
ArrayValue positionsOf(Specializer &specializer, const ArrayValue &mask);
/// gather along the leading axis: x[positions], positions checked before.
ArrayValue gatherRows(Specializer &specializer, const ArrayValue &x, const ArrayValue &positions);

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYINDEXING_H
