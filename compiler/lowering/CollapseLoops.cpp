// Loops over memory without gaps become one: those of a loop nest, and those of a kernel.
//
//   out(i, j) = x(i, j), both row-major   ->   out(k) = x(k)
#include "lowering/CollapseLoops.h"
#include "lowering/Extents.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mpy {

LoopSpace::LoopSpace(linalg::GenericOp op) {
  llvm::append_range(operands, op->getOperands());
  llvm::append_range(maps, op.getIndexingMapsArray());
  for (utils::IteratorType type : op.getIteratorTypesArray())
    reductions.push_back(type == utils::IteratorType::reduction);
}

/// Whether loops `dim` and `dim + 1` walk every operand's memory as one loop would.
bool LoopSpace::canCollapse(unsigned dim) const {
  Builder builder(maps.front().getContext());
  if (reductions[dim] != reductions[dim + 1])
    return false;
  for (auto [operand, map] : llvm::zip(operands, maps)) {
    std::optional<unsigned> position;
    for (auto [result, expression] : llvm::enumerate(map.getResults())) {
      bool first = expression.isFunctionOfDim(dim), second = expression.isFunctionOfDim(dim + 1);
      if (!first && !second)
        continue;
      if (first && expression == builder.getAffineDimExpr(dim) && !position) {
        position = result;
        continue;
      }
      if (second && position && result == *position + 1 &&
          expression == builder.getAffineDimExpr(dim + 1))
        continue;
      return false;
    }
    if (!position && map.isFunctionOfDim(dim + 1))
      return false;
    if (!position)
      continue;
    if (*position + 1 >= map.getNumResults() ||
        map.getResult(*position + 1) != builder.getAffineDimExpr(dim + 1))
      return false;
    auto type = cast<MemRefType>(operand.getType());
    SmallVector<ReassociationIndices> groups;
    for (int64_t each = 0; each < type.getRank(); ++each) {
      if (each == *position + 1)
        groups.back().push_back(each);
      else
        groups.push_back({each});
    }
    if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
      return false;
  }
  return true;
}

void LoopSpace::mergeWithNext(OpBuilder &builder, Location loc, unsigned dim) {
  SmallVector<AffineExpr> renamed;
  for (unsigned each = 0; each < reductions.size(); ++each)
    renamed.push_back(builder.getAffineDimExpr(each > dim ? each - 1 : each));
  for (auto [operand, map] : llvm::zip(operands, maps)) {
    SmallVector<AffineExpr> results;
    SmallVector<ReassociationIndices> groups;
    bool merged = false;
    for (auto [position, expression] : llvm::enumerate(map.getResults())) {
      if (expression == builder.getAffineDimExpr(dim + 1)) {
        groups.back().push_back(position);
        merged = true;
        continue;
      }
      groups.push_back({static_cast<int64_t>(position)});
      results.push_back(expression.replaceDims(renamed));
    }
    if (merged)
      operand = memref::CollapseShapeOp::create(
          builder, loc, collapsedType(cast<MemRefType>(operand.getType()), groups), operand,
          groups);
    map = AffineMap::get(reductions.size() - 1, 0, results, builder.getContext());
  }
  reductions.erase(reductions.begin() + dim);
}

void LoopSpace::collapse(OpBuilder &builder, linalg::GenericOp op) {
  bool asksForPosition =
      op.getRegion().walk([](linalg::IndexOp) { return WalkResult::interrupt(); }).wasInterrupted();
  if (asksForPosition)
    return;
  for (unsigned dim = 0; dim + 1 < reductions.size();) {
    if (canCollapse(dim))
      mergeWithNext(builder, op.getLoc(), dim);
    else
      ++dim;
  }
}

Value LoopSpace::extentOf(OpBuilder &builder, Location loc, unsigned dim) const {
  Value dynamic;
  for (auto [operand, map] : llvm::zip(operands, maps))
    for (auto [position, expression] : llvm::enumerate(map.getResults())) {
      if (expression != builder.getAffineDimExpr(dim))
        continue;
      auto type = cast<MemRefType>(operand.getType());
      if (!type.isDynamicDim(position))
        return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(position));
      if (!dynamic)
        dynamic = memref::DimOp::create(builder, loc, operand, position);
    }
  return dynamic;
}

} // namespace mpy
