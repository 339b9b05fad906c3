// Operations on devices, and the buffers behind their operands.
#include "dialect/Device.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

#define GET_OP_CLASSES
#include "dialect/Device.cpp.inc"

Value mpy::rootOf(Value view) {
  while (Operation *op = view.getDefiningOp()) {
    if (!isa<memref::SubViewOp, memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
             memref::ReinterpretCastOp, memref::TransposeOp, UnrealizedConversionCastOp>(op) ||
        !isa<MemRefType>(op->getOperand(0).getType()))
      break;
    view = op->getOperand(0);
  }
  return view;
}
