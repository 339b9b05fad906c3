// Numbers whose kind depends on the path that was taken: an int or a float, Python's or NumPy's.
// They are exact, print and promote as what they are.
#ifndef MPY_FRONTEND_MIXEDNUMBERS_H
#define MPY_FRONTEND_MIXEDNUMBERS_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// Sets of kinds, a bit for each.
inline uint16_t bitOf(ScalarKind kind) { return uint16_t(1 << static_cast<int>(kind)); }
inline bool isMixed(uint16_t kinds) { return (kinds & (kinds - 1)) != 0; }
uint16_t kindsOf(const Scalar &scalar);
/// Ints and truth values.
inline constexpr uint16_t wholeKinds =
    uint16_t((2 << static_cast<int>(lastScalarKind)) - 1) &
    ~(1 << static_cast<int>(ScalarKind::PyFloat) | 1 << static_cast<int>(ScalarKind::Float32) |
      1 << static_cast<int>(ScalarKind::Float64));
std::vector<ScalarKind> kindsIn(uint16_t kinds);
/// Whether ints and floats are among them: such a number has an int beside its float.
bool mixesIntsAndFloats(uint16_t kinds);
/// The kind of the value that stands for a number of these kinds.
ScalarKind representationOf(uint16_t kinds);
/// How many run-time values a number of these kinds is, and their types: value, int, tag.
unsigned countLeaves(uint16_t kinds);
void appendTypes(uint16_t kinds, mlir::MLIRContext *, llvm::SmallVectorImpl<mlir::Type> &types);
/// The leaves of a number, and a number of its leaves, which are taken from the front.
void appendLeaves(Specializer &, const Scalar &, llvm::SmallVectorImpl<mlir::Value> &leaves);
Scalar numberOf(Specializer &, uint16_t kinds, llvm::function_ref<mlir::Value()> nextLeaf);

/// The same number as one of these kinds, which cover its own.
Scalar widened(Specializer &, const Scalar &, uint16_t kinds);
/// The number as the kind that it has.
Scalar asKind(Specializer &, const Scalar &, ScalarKind kind);
/// The number as one of fewer kinds, of which it certainly is.
Scalar narrowed(Specializer &, const Scalar &, uint16_t kinds);
/// i1: whether the number is of one of these kinds now.
mlir::Value hasKind(Specializer &, const Scalar &, uint16_t kinds);
/// What `of` gives for the number as the kind that it has; asked on a path for each kind.
Value eachKind(Specializer &, const Scalar &, llvm::function_ref<Value(const Scalar &)> of);
/// Whether the number is a float in any case; an int may be one that is an int or a float.
bool isAlwaysFloat(const Scalar &scalar);

} // namespace mpy

#endif // MPY_FRONTEND_MIXEDNUMBERS_H
