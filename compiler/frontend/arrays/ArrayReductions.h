// Reductions along axes with NumPy's types, empty arrays and keepdims.
#ifndef MPY_FRONTEND_ARRAYREDUCTIONS_H
#define MPY_FRONTEND_ARRAYREDUCTIONS_H

#include "frontend/arrays/ArrayOperands.h"

namespace mpy {

enum class Reduction { Sum, Prod, Max, Min, Any, All };

/// The axes of an `axis` argument, sorted; all axes for None.
std::vector<int64_t> toAxes(Specializer &specializer, const Value &axis, int64_t rank);
/// Reduces over axes; kept as extents of 1 with `keepDimensions`. Full reductions have rank 0.
ArrayValue reduce(Specializer &specializer, Reduction reduction, ArrayValue x,
                  llvm::ArrayRef<int64_t> axes, bool keepDimensions);
/// Sum divided by count: floats keep their type, others give float64.
ArrayValue meanOver(Specializer &specializer, ArrayValue x, llvm::ArrayRef<int64_t> axes,
                    bool keepDimensions);
/// Mean squared distance from the mean, divided by count - ddof.
ArrayValue varianceOver(Specializer &specializer, ArrayValue x, llvm::ArrayRef<int64_t> axes,
                        double ddof, bool keepDimensions);
/// sqrt with derivative 0 at 0.
mlir::Value rootOfSum(Specializer &specializer, mlir::Value x, DType dtype);
/// sqrt(x * x + y * y + ..) without overflow; 0 with derivative 0 where all are 0, infinite where
/// one is, whatever the others are.
mlir::Value lengthOf(Specializer &specializer, llvm::ArrayRef<mlir::Value> coordinates,
                     DType dtype);
/// The number of elements along axes.
IntExpr countOver(const ArrayValue &x, llvm::ArrayRef<int64_t> axes);
/// The tensor of an array of rank > 0, the number of one of rank 0; and back.
mlir::Value element(Specializer &specializer, const ArrayValue &x);
ArrayValue arrayOf(Specializer &specializer, DType dtype, Shape shape, mlir::Value value);

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYREDUCTIONS_H
