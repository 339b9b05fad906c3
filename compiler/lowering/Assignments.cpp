// Fills, copies and products of buffers as linalg.generic, for the loops of the host and for
// kernels.
#include "lowering/Assignments.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mpy {

linalg::GenericOp assignAll(OpBuilder &builder, Location loc, Value input, Value out) {
  auto type = cast<MemRefType>(out.getType());
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  AffineMap inputMap = isa<MemRefType>(input.getType())
                           ? identity
                           : AffineMap::get(type.getRank(), 0, builder.getContext());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(builder, loc, TypeRange(), ValueRange(input), ValueRange(out),
                                   ArrayRef<AffineMap>{inputMap, identity}, iterators,
                                   [](OpBuilder &builder, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(builder, loc, arguments[0]);
                                   });
}

void expandProduct(OpBuilder &builder, GemmOp op) {
  Location loc = op.getLoc();
  Type element = cast<MemRefType>(op.getOut().getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
  assignAll(builder, loc, zero, op.getOut());
  // The number of the product in a stack comes first.
  auto isStack = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getRank() == 3; };
  bool isMany = isStack(op.getX()) || isStack(op.getY());
  AffineExpr number = builder.getAffineDimExpr(0), row = builder.getAffineDimExpr(isMany),
             column = builder.getAffineDimExpr(isMany + 1),
             inner = builder.getAffineDimExpr(isMany + 2);
  auto map = [&](Value buffer, AffineExpr first, AffineExpr second) {
    SmallVector<AffineExpr> position{first, second};
    if (isStack(buffer))
      position.insert(position.begin(), number);
    return AffineMap::get(isMany + 3, 0, position, builder.getContext());
  };
  SmallVector<AffineMap> maps{
      op.getTransposeX() ? map(op.getX(), inner, row) : map(op.getX(), row, inner),
      op.getTransposeY() ? map(op.getY(), column, inner) : map(op.getY(), inner, column),
      map(op.getOut(), row, column)};
  SmallVector<utils::IteratorType> iterators{
      utils::IteratorType::parallel, utils::IteratorType::parallel, utils::IteratorType::reduction};
  if (isMany)
    iterators.insert(iterators.begin(), op.getSummed() ? utils::IteratorType::reduction
                                                       : utils::IteratorType::parallel);
  linalg::GenericOp::create(
      builder, loc, TypeRange(), ValueRange{op.getX(), op.getY()}, ValueRange(op.getOut()), maps,
      iterators, [](OpBuilder &builder, Location loc, ValueRange arguments) {
        Value sum;
        if (isa<FloatType>(arguments[0].getType())) {
          Value product = arith::MulFOp::create(builder, loc, arguments[0], arguments[1]);
          sum = arith::AddFOp::create(builder, loc, arguments[2], product);
        } else {
          Value product = arith::MulIOp::create(builder, loc, arguments[0], arguments[1]);
          sum = arith::AddIOp::create(builder, loc, arguments[2], product);
        }
        linalg::YieldOp::create(builder, loc, sum);
      });
}

} // namespace mpy
