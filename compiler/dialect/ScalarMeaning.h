// What elementwise operations do to one scalar, with NumPy's special cases.
#pragma once

#include "dialect/Dialect.h"

namespace mpy {

/// One float operation.
template <typename FloatOp>
mlir::Value floatScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments) {
  return FloatOp::create(builder, loc, arguments[0].getType(), arguments).getResult();
}

/// One integer operation.
template <typename IntOp>
mlir::Value floatlessScalar(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::ValueRange arguments) {
  return IntOp::create(builder, loc, arguments[0].getType(), arguments).getResult();
}

/// One operation for floats, another for integers, which wrap.
template <typename FloatOp, typename IntOp>
mlir::Value arithmeticScalar(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::ValueRange arguments) {
  if (mlir::isa<mlir::FloatType>(arguments[0].getType()))
    return floatScalar<FloatOp>(builder, loc, arguments);
  return floatlessScalar<IntOp>(builder, loc, arguments);
}

/// A function of the runtime of doubles.
mlir::Value runtimeScalar(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef callee,
                          mlir::ValueRange arguments);
/// The function of a family and an order.
mlir::Value specialScalar(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef family,
                          int64_t order, mlir::Value x);
/// NumPy's power; integers wrap, and their exponent is not negative.
mlir::Value powerScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// x * y; 0 wins over infinity and NaN.
mlir::Value scaledScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// x / y; 0 where x is 0.
mlir::Value ratioScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// The larger; NaN wins.
mlir::Value maximumScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// The smaller; NaN wins.
mlir::Value minimumScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// Remainder with the divisor's sign; 0 for integers modulo 0.
mlir::Value remainderScalar(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::ValueRange arguments);
/// Quotient rounded down; 0 for integers divided by 0.
mlir::Value floorDivideScalar(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::ValueRange arguments);
/// -x
mlir::Value negateScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// |x|
mlir::Value absoluteScalar(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::ValueRange arguments);
/// x * x
mlir::Value squareScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// 1 / x; integers divide with truncation, and 1 / 0 is 0.
mlir::Value reciprocalScalar(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::ValueRange arguments);
/// -1, 0, 1, or NaN.
mlir::Value signScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// Every bit inverted.
mlir::Value invertScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange arguments);
/// The bits moved up or down; 0, or the sign, where the distance is negative or not below the
/// width.
mlir::Value shiftLeftScalar(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::ValueRange arguments);
mlir::Value shiftRightScalar(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::ValueRange arguments);
/// The derivative of sin(x) / x of an order.
mlir::Value sincScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, int64_t order);
/// A comparison; NaN only differs.
mlir::Value compareScalar(mlir::OpBuilder &builder, mlir::Location loc, ComparePredicate predicate,
                          mlir::Value x, mlir::Value y);
/// astype of one scalar. A float that fits no integer becomes the smallest one.
mlir::Value castScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x,
                       mlir::Type type);

} // namespace mpy
