// Integers of 8 to 64 bits, signed and unsigned. Below the front end an unsigned number is the bits
// of a signed one; what depends on the sign is said here by signed operations.
#ifndef MPY_FRONTEND_INTEGERTYPES_H
#define MPY_FRONTEND_INTEGERTYPES_H

#include "frontend/arrays/ArrayElementwise.h"

namespace mpy {

bool isUnsigned(DType dtype);
bool isInteger(DType dtype);
/// Of one element; 1 for truth values.
unsigned bitsOf(DType dtype);
/// The type in which NumPy adds and multiplies elements of this one: 64 bits of the same sign.
DType accumulatorOf(DType dtype);
/// NumPy's code of a type in memory: `<f8`, `|u1`.
std::string layoutOf(DType dtype);
/// The constant with these low bits.
mlir::TypedAttr integerAttribute(DType dtype, int64_t value, mlir::MLIRContext *context);

/// Raises unless Python's int fits an integer type that it is combined with.
void checkFits(Specializer &specializer, const Scalar &scalar, DType dtype);
/// Raises where a uint64 is asked for as one of Python's ints, which have 63 bits and a sign.
void checkFitsInt64(Specializer &specializer, const Scalar &scalar);

/// Signed numbers in the same order: int64 for unsigned elements, the elements themselves else.
mlir::Value inOrder(Specializer &specializer, mlir::Value x, DType dtype);
ArrayValue inOrder(Specializer &specializer, ArrayValue x);
/// The elements that `inOrder` gave.
mlir::Value fromOrder(Specializer &specializer, mlir::Value x, DType dtype);

/// A function of unsigned numbers, null where the one of signed numbers has the same bits.
mlir::Value emitUnsigned(Specializer &specializer, BinaryFunction function, mlir::Value x,
                         mlir::Value y, DType dtype);
/// A comparison of a uint64 with an integer of another type, exactly.
mlir::Value compareIntegers(Specializer &specializer, ComparePredicate predicate, mlir::Value x,
                            DType xType, mlir::Value y, DType yType);

} // namespace mpy

#endif // MPY_FRONTEND_INTEGERTYPES_H
