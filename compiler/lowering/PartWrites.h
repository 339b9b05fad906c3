// Writes that replace a part of an array, and who reads the array before and after.
#ifndef MPY_LOWERING_PART_WRITES_H
#define MPY_LOWERING_PART_WRITES_H

#include "mlir/IR/BuiltinOps.h"

namespace mpy {

/// The array that a view shows, or the value itself.
mlir::Value storageOf(mlir::Value value);
/// The array of which an operation replaces a part, if it does.
mlir::Value overwrittenBy(mlir::Operation *op);
/// Whether a value or a view of it is used behind an operation of its block, or in other blocks.
bool isUsedBehind(mlir::Value value, mlir::Operation *op);
/// Whether a part of the array that a value shows is replaced between two operations. A read that
/// moved there would need a copy of the whole.
bool isOverwrittenBetween(mlir::Value value, mlir::Operation *from, mlir::Operation *to);

/// Copies parts that are read again after their array was written to, where only such parts stand
/// in the way of a write in place: a loop that fills an array and keeps what it reads for the
/// reverse sweep copies that part, not the array.
void copyOvertakenParts(mlir::ModuleOp module);

} // namespace mpy
#endif
