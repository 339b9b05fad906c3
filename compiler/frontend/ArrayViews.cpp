// View steps as operations on tensors: reading what a view shows of its base, and the base with that part replaced.
#include "frontend/ArrayOperands.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mpy {

mlir::Value applyView(Specializer &s, mlir::Value base, const ViewStep &step, DType dtype,
                      llvm::ArrayRef<IntExpr> shape) {
  switch (step.kind) {
  case ViewStep::Kind::Slice:
    return s
        .create<SliceOp>(s.tensorType(dtype, shape), base, indexValues(s, step.offsets), indexValues(s, step.sizes),
                         indexValues(s, step.strides), step.dropped)
        .getResult();
  case ViewStep::Kind::Transpose:
    return s.create<TransposeOp>(base, step.permutation).getResult();
  case ViewStep::Kind::Reshape:
    return s.create<ReshapeOp>(s.tensorType(dtype, shape), base, s.dynamicSizes(shape)).getResult();
  }
  llvm_unreachable("every step is above");
}

mlir::Value updateView(Specializer &s, mlir::Value base, mlir::Value part, const ViewStep &step) {
  switch (step.kind) {
  case ViewStep::Kind::Slice:
    return s
        .create<UpdateSliceOp>(base.getType(), base, part, indexValues(s, step.offsets), indexValues(s, step.sizes),
                               indexValues(s, step.strides), step.dropped)
        .getResult();
  case ViewStep::Kind::Transpose: {
    llvm::SmallVector<int64_t> inverse(step.permutation.size());
    for (auto [position, source] : llvm::enumerate(step.permutation))
      inverse[source] = position;
    return s.create<TransposeOp>(part, inverse).getResult();
  }
  case ViewStep::Kind::Reshape: {
    auto type = llvm::cast<mlir::RankedTensorType>(base.getType());
    llvm::SmallVector<mlir::Value> sizes;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        sizes.push_back(s.create<mlir::tensor::DimOp>(base, axis).getResult());
    return s.create<ReshapeOp>(type, part, sizes).getResult();
  }
  }
  llvm_unreachable("every step is above");
}

} // namespace mpy
