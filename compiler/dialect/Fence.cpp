// The fence: its check, and its derivative, which is that of the identity.
#include "dialect/Fence.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mpy;

#define GET_OP_CLASSES
#include "dialect/Fence.cpp.inc"

LogicalResult FenceOp::verify() {
  if (getValues().getTypes() != getResultTypes())
    return emitOpError("has results that are not its values");
  return success();
}

LogicalResult FenceOp::buildAdjoint(AdjointContext &context) {
  for (auto [index, value] : llvm::enumerate(getValues()))
    if (Value bar = context.isActive(value) ? context.bar(index) : Value())
      context.add(value, bar);
  return success();
}

LogicalResult FenceOp::buildTangent(TangentContext &context) {
  for (auto [value, result] : llvm::zip(getValues(), getResults()))
    if (Value tangent = context.tangent(value))
      context.set(result, tangent);
  return success();
}
