// View steps as operations on tensors: reading what a view shows of its base, and the base with
// that part replaced.
#include "frontend/arrays/ArrayOperands.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mpy {

mlir::Value applyView(Specializer &specializer, const ArrayValue &base, const ViewStep &step,
                      const Shape &shape) {
  switch (step.kind) {
  case ViewStep::Kind::Slice:
    return specializer
        .create<SliceOp>(specializer.tensorType(base.dtype, shape), base.tensor,
                         indexValues(specializer, step.offsets),
                         indexValues(specializer, step.sizes),
                         indexValues(specializer, step.strides), step.dropped)
        .getResult();
  case ViewStep::Kind::Transpose:
    return specializer.create<TransposeOp>(base.tensor, step.permutation).getResult();
  case ViewStep::Kind::Reshape:
    return specializer
        .create<ReshapeOp>(specializer.tensorType(base.dtype, shape), base.tensor,
                           specializer.dynamicSizes(shape))
        .getResult();
  case ViewStep::Kind::Broadcast:
    if (base.shape.empty() && !shape.empty())
      return fill(specializer, elementOf(specializer, base).value, base.dtype, shape);
    return expand(specializer, base.tensor, base.dtype, base.shape, shape);
  }
  llvm_unreachable("every step is above");
}

mlir::Value updateView(Specializer &specializer, mlir::Value base, mlir::Value part,
                       const ViewStep &step) {
  switch (step.kind) {
  case ViewStep::Kind::Slice:
    return specializer
        .create<UpdateSliceOp>(base.getType(), base, part, indexValues(specializer, step.offsets),
                               indexValues(specializer, step.sizes),
                               indexValues(specializer, step.strides), step.dropped)
        .getResult();
  case ViewStep::Kind::Transpose: {
    llvm::SmallVector<int64_t> inverse(step.permutation.size());
    for (auto [position, source] : llvm::enumerate(step.permutation))
      inverse[source] = position;
    return specializer.create<TransposeOp>(part, inverse).getResult();
  }
  case ViewStep::Kind::Reshape: {
    auto type = llvm::cast<mlir::RankedTensorType>(base.getType());
    llvm::SmallVector<mlir::Value> sizes;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        sizes.push_back(specializer.create<mlir::tensor::DimOp>(base, axis).getResult());
    return specializer.create<ReshapeOp>(type, part, sizes).getResult();
  }
  case ViewStep::Kind::Broadcast:
    llvm_unreachable("is read-only");
  }
  llvm_unreachable("every step is above");
}

} // namespace mpy
