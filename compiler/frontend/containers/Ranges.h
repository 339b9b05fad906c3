// Ranges as values: length, membership, items, slices and equality, with bounds and steps that may
// be run-time data.
#ifndef MPY_FRONTEND_RANGES_H
#define MPY_FRONTEND_RANGES_H

#include "frontend/interpret/Specializer.h"

namespace mpy {

/// How many numbers a range has.
IntExpr rangeLength(Specializer &, const RangeValue &range);
/// `value in range`.
Scalar rangeContains(Specializer &, const RangeValue &range, const Value &value);
/// `range[key]`: a number, or a range for a slice.
Value rangeSubscript(Specializer &, const RangeValue &range, const Value &key);
/// Whether two ranges are the same numbers.
Scalar sameRanges(Specializer &, const RangeValue &x, const RangeValue &y);
/// start, stop, step, and methods; unbound if there is none of that name.
Value rangeAttribute(Specializer &, const Value &range, llvm::StringRef name);
/// The methods: `range.index`, `range.count`; `slice.indices`.
Value rangeIndex(Specializer &, CallArguments &);
Value rangeCount(Specializer &, CallArguments &);
Value sliceIndices(Specializer &, CallArguments &);
/// start, stop and step of a slice of so many items, as Python clamps them.
std::vector<IntExpr> clampedSlice(Specializer &, const SliceValue &slice, const IntExpr &length);

} // namespace mpy

#endif // MPY_FRONTEND_RANGES_H
