// Fills, copies and products of buffers as linalg.generic.
#ifndef MPY_LOWERING_ASSIGNMENTS_H
#define MPY_LOWERING_ASSIGNMENTS_H
#include "dialect/Dialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mpy {

/// out[i..] = input, a scalar or an element per position.
mlir::linalg::GenericOp assignAll(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value input,
                                  mlir::Value out);
/// A product as sums of products of elements, into a buffer of zeros.
void expandProduct(mlir::OpBuilder &builder, GemmOp op);

} // namespace mpy
#endif
