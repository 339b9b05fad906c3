// Products of vectors, matrices and stacks of them.
#ifndef MPY_FRONTEND_ARRAYPRODUCTS_H
#define MPY_FRONTEND_ARRAYPRODUCTS_H

#include "frontend/arrays/ArrayOperands.h"

namespace mpy {

/// `x @ y`: vectors, matrices, stacks of matrices with broadcasting; int and float types.
Value matmul(Specializer &specializer, const Value &x, const Value &y);
/// np.dot: numbers multiply; else the last axis of x with the last but one of y.
Value dot(Specializer &specializer, const Value &x, const Value &y);
/// Sums over pairs of axes of x and y: free axes of x, then of y. The extents of each pair were
/// checked to be equal.
ArrayValue contract(Specializer &specializer, ArrayValue x, ArrayValue y,
                    llvm::ArrayRef<int64_t> axesOfX, llvm::ArrayRef<int64_t> axesOfY);
/// np.einsum with a known pattern.
Value einsum(Specializer &specializer, llvm::StringRef pattern, llvm::ArrayRef<Value> operands);
/// The sum of an array over some axes, which disappear.
ArrayValue sumOver(Specializer &specializer, const ArrayValue &x, llvm::ArrayRef<int64_t> axes);

} // namespace mpy

#endif // MPY_FRONTEND_ARRAYPRODUCTS_H
