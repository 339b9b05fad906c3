// Registers types and operations, and says how the types of results follow from operands.
#include "dialect/Dialect.h"
#include "dialect/Device.h"
#include "dialect/Fence.h"
#include "dialect/Formula.h"
#include "dialect/ScalarMeaning.h"
#include "dialect/UpstreamDerivatives.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/InliningUtils.h"

using namespace mlir;
using namespace mpy;

#include "dialect/Dialect.cpp.inc"
#include "dialect/Differentiable.cpp.inc"
#include "dialect/Enums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/Types.cpp.inc"

#define GET_OP_CLASSES
#include "dialect/Ops.cpp.inc"

namespace {
/// Operations of this dialect may be moved into callers.
struct Inlining : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void MpyDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/Types.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/Ops.cpp.inc"
      >();
  addOperations<FenceOp, KernelOp, HostReadOp, HostWriteOp>();
  addInterfaces<Inlining>();
  attachUpstreamDerivatives(*getContext());
}

/// Constants that folding makes.
Operation *MpyDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                           Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

Type mpy::elementwiseType(ArrayRef<Value> operands, Type element) {
  if (!element)
    element = getElementTypeOrSelf(operands.front());
  std::optional<SmallVector<int64_t>> shape;
  for (Value operand : operands) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      continue;
    if (!shape) {
      shape = llvm::to_vector(type.getShape());
      continue;
    }
    for (auto [known, extent] : llvm::zip(*shape, type.getShape()))
      if (ShapedType::isDynamic(known))
        known = extent;
  }
  return shape ? Type(RankedTensorType::get(*shape, element)) : element;
}

Type mpy::reducedType(Value x, ArrayRef<int64_t> axes, Type element) {
  auto type = cast<RankedTensorType>(x.getType());
  if (!element)
    element = type.getElementType();
  SmallVector<int64_t> shape;
  for (auto [dimension, extent] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(axes, int64_t(dimension)))
      shape.push_back(extent);
  return shape.empty() ? element : Type(RankedTensorType::get(shape, element));
}

RankedTensorType mpy::slicedType(Value x, ValueRange sizes, ArrayRef<int64_t> dropped) {
  SmallVector<int64_t> shape;
  for (auto [dimension, size] : llvm::enumerate(sizes)) {
    if (llvm::is_contained(dropped, int64_t(dimension)))
      continue;
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  }
  return RankedTensorType::get(shape, getElementTypeOrSelf(x));
}

LogicalResult mpy::verifyElementwise(Operation *op) {
  auto result = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      continue;
    if (!result)
      return op->emitOpError("has a tensor operand but a scalar result");
    if (failed(verifyCompatibleShape(type, result)))
      return op->emitOpError("operand of type ")
             << type << " does not have the shape of the result, " << result;
  }
  if (result && llvm::none_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>))
    return op->emitOpError("has scalar operands but a tensor result");
  return success();
}

LogicalResult mpy::verifyReduction(Operation *op, Value x, ArrayRef<int64_t> axes, Value result) {
  int64_t previous = -1, rank = cast<RankedTensorType>(x.getType()).getRank();
  for (int64_t axis : axes) {
    if (axis <= previous || axis >= rank)
      return op->emitOpError("axes must be sorted, distinct and below the rank");
    previous = axis;
  }
  Type wanted = reducedType(x, axes, getElementTypeOrSelf(result));
  if (isa<RankedTensorType>(wanted) != isa<RankedTensorType>(result.getType()) ||
      failed(verifyCompatibleShape(wanted, result.getType())))
    return op->emitOpError("result should have the shape of ") << wanted;
  return success();
}
