// Turns questions about extents into constants and index values that already exist. A `tensor.dim`
// of an intermediate array would keep that array alive and stand between two operations that fuse.
#include "lowering/Extents.h"
#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace mpy {

// The constant behind an index value, if there is one.
static OpFoldResult simplified(OpFoldResult extent) {
  if (auto constant = getConstantIntValue(extent))
    return IntegerAttr::get(IndexType::get(extent.getContext()), *constant);
  return extent;
}

// One step from a tensor to what its extent was taken from; the extent itself if it is known there.
static OpFoldResult stepToSource(Value &source, int64_t &dimension, bool &moved) {
  Operation *op = source.getDefiningOp();
  moved = true;
  if (auto destination = dyn_cast_or_null<DestinationStyleOpInterface>(op)) {
    source = destination.getTiedOpOperand(cast<OpResult>(source))->get();
    return {};
  }
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[dimension];
  if (auto cast = dyn_cast_or_null<tensor::CastOp>(op)) {
    source = cast.getSource();
    return {};
  }
  if (auto fence = dyn_cast_or_null<FenceOp>(op)) {
    source = fence.getValues()[cast<OpResult>(source).getResultNumber()];
    return {};
  }
  if (auto insert = dyn_cast_or_null<tensor::InsertOp>(op)) {
    source = insert.getDest();
    return {};
  }
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op)) {
    source = insert.getDest();
    return {};
  }
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t kept = -1;
    for (auto [index, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped[index] && ++kept == dimension)
        return size;
    moved = false;
    return {};
  }
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dimension];
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    // Only extents of 1 may have been dropped on the way.
    int64_t other = -1;
    ReassociationIndices joined = collapse.getReassociationIndices()[dimension];
    for (int64_t index : joined) {
      if (collapse.getSrcType().getDimSize(index) == 1)
        continue;
      if (other >= 0) {
        moved = false;
        return {};
      }
      other = index;
    }
    if (other >= 0) {
      source = collapse.getSrc();
      dimension = other;
      return {};
    }
  }
  if (auto product = dyn_cast_or_null<MatmulOp>(op)) {
    std::tie(source, dimension) = product.extentSource(dimension);
    return {};
  }
  if (auto result = dyn_cast<OpResult>(source))
    if (auto branch = dyn_cast_or_null<scf::IfOp>(op)) {
      // Both branches may say the same.
      auto extentIn = [&](scf::YieldOp yield) {
        Value value = yield.getOperand(result.getResultNumber());
        int64_t index = dimension;
        OpFoldResult found = traceExtent(value, index);
        return std::tuple(found, value, index);
      };
      auto [thenExtent, thenValue, thenIndex] = extentIn(branch.thenYield());
      auto [elseExtent, elseValue, elseIndex] = extentIn(branch.elseYield());
      auto outside = [&](Value value) {
        return !branch->isAncestor(value.getParentBlock()->getParentOp());
      };
      if (thenExtent && elseExtent && sameExtent(thenExtent, elseExtent)) {
        auto value = dyn_cast<Value>(thenExtent);
        if (!value || outside(value))
          return thenExtent;
      }
      if (!thenExtent && !elseExtent && thenValue == elseValue && thenIndex == elseIndex &&
          outside(thenValue)) {
        source = thenValue;
        dimension = thenIndex;
        return {};
      }
    }
  moved = false;
  return {};
}

OpFoldResult traceExtent(Value &source, int64_t &dimension) {
  for (bool moved = true; moved;) {
    auto type = cast<RankedTensorType>(source.getType());
    if (!type.isDynamicDim(dimension))
      return IntegerAttr::get(IndexType::get(type.getContext()), type.getDimSize(dimension));
    if (OpFoldResult extent = stepToSource(source, dimension, moved))
      return simplified(extent);
  }
  return {};
}

OpFoldResult extentOf(OpBuilder &builder, Location loc, Value tensor, int64_t dimension) {
  if (OpFoldResult extent = traceExtent(tensor, dimension))
    return extent;
  return tensor::DimOp::create(builder, loc, tensor, dimension).getResult();
}

Value extentValue(OpBuilder &builder, Location loc, Value tensor, int64_t dimension) {
  return getValueOrCreateConstantIndexOp(builder, loc, extentOf(builder, loc, tensor, dimension));
}

SmallVector<OpFoldResult> extentsOf(OpBuilder &builder, Location loc, Value tensor) {
  SmallVector<OpFoldResult> extents;
  for (int64_t index = 0, rank = cast<RankedTensorType>(tensor.getType()).getRank(); index < rank;
       ++index)
    extents.push_back(extentOf(builder, loc, tensor, index));
  return extents;
}

void forwardExtents(RewriterBase &rewriter, Operation *root) {
  SmallVector<tensor::DimOp> questions;
  root->walk<WalkOrder::PreOrder>([&](tensor::DimOp dim) { questions.push_back(dim); });
  for (tensor::DimOp dim : questions) {
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index)
      continue;
    rewriter.setInsertionPoint(dim);
    rewriter.replaceOp(dim, extentValue(rewriter, dim.getLoc(), dim.getSource(), *index));
  }
}

bool sameExtent(OpFoldResult left, OpFoldResult right) {
  auto leftConstant = getConstantIntValue(left), rightConstant = getConstantIntValue(right);
  if (leftConstant || rightConstant)
    return leftConstant == rightConstant;
  auto leftValue = cast<Value>(left), rightValue = cast<Value>(right);
  if (leftValue == rightValue)
    return true;
  auto leftDim = leftValue.getDefiningOp<tensor::DimOp>(),
       rightDim = rightValue.getDefiningOp<tensor::DimOp>();
  if (!leftDim || !rightDim || !leftDim.getConstantIndex() || !rightDim.getConstantIndex())
    return false;
  Value leftSource = leftDim.getSource(), rightSource = rightDim.getSource();
  int64_t leftIndex = *leftDim.getConstantIndex(), rightIndex = *rightDim.getConstantIndex();
  OpFoldResult leftExtent = traceExtent(leftSource, leftIndex),
               rightExtent = traceExtent(rightSource, rightIndex);
  if (leftExtent && rightExtent)
    return leftExtent == rightExtent;
  return !leftExtent && !rightExtent && leftSource == rightSource && leftIndex == rightIndex;
}

SmallVector<OpFoldResult> mixedSizes(RankedTensorType type, ValueRange sizes) {
  Builder builder(type.getContext());
  SmallVector<OpFoldResult> extents;
  for (int64_t extent : type.getShape()) {
    if (ShapedType::isStatic(extent)) {
      extents.push_back(builder.getIndexAttr(extent));
      continue;
    }
    extents.push_back(sizes.front());
    sizes = sizes.drop_front();
  }
  return extents;
}

Value emptyTensor(OpBuilder &builder, Location loc, RankedTensorType type,
                  ArrayRef<OpFoldResult> extents) {
  SmallVector<Value> sizes;
  for (auto [index, extent] : llvm::enumerate(extents))
    if (type.isDynamicDim(index))
      sizes.push_back(getValueOrCreateConstantIndexOp(builder, loc, extent));
  return tensor::EmptyOp::create(builder, loc, type, sizes);
}

Value castTo(OpBuilder &builder, Location loc, Value tensor, Type type) {
  if (tensor.getType() == type)
    return tensor;
  return tensor::CastOp::create(builder, loc, type, tensor);
}

SmallVector<int64_t> iteratedDimensions(RankedTensorType type) {
  SmallVector<int64_t> dimensions;
  for (auto [index, extent] : llvm::enumerate(type.getShape()))
    if (extent != 1)
      dimensions.push_back(index);
  return dimensions;
}

MemRefType collapsedType(MemRefType type, ArrayRef<ReassociationIndices> groups) {
  MemRefType collapsed = memref::CollapseShapeOp::computeCollapsedType(type, groups);
  SmallVector<int64_t> shape(collapsed.getShape());
  for (auto [extent, group] : llvm::zip(shape, groups))
    if (llvm::any_of(group, [&](int64_t dim) { return type.isDynamicDim(dim); }))
      extent = ShapedType::kDynamic;
  return MemRefType::Builder(collapsed).setShape(shape);
}

RankedTensorType squeezedType(RankedTensorType type) {
  SmallVector<int64_t> shape(
      llvm::make_filter_range(type.getShape(), [](int64_t extent) { return extent != 1; }));
  return RankedTensorType::get(shape, type.getElementType());
}

// Which dimensions of `type` make up each dimension of its squeezed type; extents of 1 join the one
// before them.
static SmallVector<ReassociationIndices> squeezedGroups(RankedTensorType type) {
  SmallVector<ReassociationIndices> groups(squeezedType(type).getRank());
  int64_t group = -1;
  for (auto [index, extent] : llvm::enumerate(type.getShape())) {
    if (extent != 1)
      ++group;
    if (!groups.empty())
      groups[std::max<int64_t>(group, 0)].push_back(index);
  }
  return groups;
}

Value squeeze(OpBuilder &builder, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  RankedTensorType squeezed = squeezedType(type);
  if (squeezed == type)
    return tensor;
  // Equal types mean that the expansion added nothing but extents of 1.
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>())
    if (expand.getSrcType() == squeezed)
      return expand.getSrc();
  return tensor::CollapseShapeOp::create(builder, loc, squeezed, tensor, squeezedGroups(type));
}

Value squeezeAs(OpBuilder &builder, Location loc, Value tensor, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> wanted(type.getShape());
  for (auto [index, extent] : llvm::enumerate(shape))
    if (extent == 1 || wanted[index] == 1)
      wanted[index] = extent;
  return squeeze(builder, loc, castTo(builder, loc, tensor, type.clone(wanted)));
}

Value unsqueeze(OpBuilder &builder, Location loc, Value tensor, RankedTensorType type) {
  if (tensor.getType() == type)
    return tensor;
  if (squeezedType(type) == type)
    return castTo(builder, loc, tensor, type);
  tensor = castTo(builder, loc, tensor, squeezedType(type));
  SmallVector<OpFoldResult> extents(type.getRank(), builder.getIndexAttr(1));
  for (auto [index, dimension] : llvm::enumerate(iteratedDimensions(type)))
    extents[dimension] = type.isDynamicDim(dimension)
                             ? extentOf(builder, loc, tensor, index)
                             : OpFoldResult(builder.getIndexAttr(type.getDimSize(dimension)));
  // A '?' of the result stays one, even where the extent is known by now.
  for (auto [index, extent] : llvm::enumerate(extents))
    if (type.isDynamicDim(index))
      extent = getValueOrCreateConstantIndexOp(builder, loc, extent);
  return tensor::ExpandShapeOp::create(builder, loc, type, tensor, squeezedGroups(type), extents);
}
} // namespace mpy
