// One linalg.generic on buffers as loops, in the order of its iterators.
//
//   out(i) += x(i, j)     ->   scf.for i { %s = load out; %t = scf.for j iter_args(%s) { addf };
//   store %t, out }
//
// - What is reduced by the innermost loops is accumulated in registers, all results at once; a
// reduction outside a parallel loop
//   accumulates in the output.
// - Inputs are read at the outermost level that has their indices.
// - Adjacent loops over memory without gaps become one.
// - Sums whose order is free (`reassoc`) are added in parts, each loop's and each block's by
// itself: a bound on rounding errors that does not grow with the length.
// - An innermost parallel loop says so: own-buffers computes in place only what is read at the
// position where it is written.
#include "lowering/LoopNest.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

static constexpr int64_t sumBlock = 1024;

LoopNest::LoopNest(linalg::GenericOp op, OpBuilder &builder)
    : op(op), builder(builder), loc(op.getLoc()), space(op), operands(space.operands),
      maps(space.maps), reductions(space.reductions) {
  builder.setInsertionPoint(op);
}

Value LoopNest::index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }

void LoopNest::emit() {
  space.collapse(builder, op);
  unsigned loops = reductions.size();
  for (unsigned dim = 0; dim < loops; ++dim)
    extents.push_back(space.extentOf(builder, loc, dim));
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output)
    accumulatedFrom.push_back(levelOf(maps[op.getNumDpsInputs() + output]));
  if (loops && !reductions.back())
    accessGroup = LLVM::AccessGroupAttr::get(builder.getContext(),
                                             DistinctAttr::create(builder.getUnitAttr()));
  emitLevel(0, {});
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The number of outer loops whose positions the map needs.
unsigned LoopNest::levelOf(AffineMap map) const {
  unsigned level = 0;
  for (unsigned dim = 0; dim < reductions.size(); ++dim)
    if (map.isFunctionOfDim(dim))
      level = dim + 1;
  return level;
}

SmallVector<Value> LoopNest::indices(unsigned operand) {
  SmallVector<Value> result, padded(positions);
  // Positions of inner loops do not occur in the map.
  while (padded.size() < reductions.size())
    padded.push_back(extents[padded.size()]);
  for (AffineExpr expression : maps[operand].getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expression))
      result.push_back(padded[dim.getPosition()]);
    else
      result.push_back(affine::expandAffineExpr(builder, loc, expression, padded, {}));
  }
  return result;
}

Value LoopNest::load(unsigned operand) {
  if (!isa<MemRefType>(operands[operand].getType()))
    return operands[operand];
  auto access = memref::LoadOp::create(builder, loc, operands[operand], indices(operand));
  if (accessGroup && positions.size() == reductions.size())
    access->setAttr("llvm.access_groups", builder.getArrayAttr(accessGroup));
  return access;
}

void LoopNest::store(Value value, unsigned operand) {
  auto access = memref::StoreOp::create(builder, loc, value, operands[operand], indices(operand));
  if (accessGroup && positions.size() == reductions.size())
    access->setAttr("llvm.access_groups", builder.getArrayAttr(accessGroup));
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

SmallVector<Value> LoopNest::emitLevel(unsigned level, ArrayRef<Value> accumulators) {
  Block &body = op.getRegion().front();
  unsigned inputs = op.getNumDpsInputs(), loops = reductions.size();
  for (unsigned input = 0; input < inputs; ++input)
    if (levelOf(maps[input]) == level && !body.getArgument(input).use_empty())
      map.map(body.getArgument(input), load(input));
  if (level == loops)
    return emitBody(accumulators);

  SmallVector<Value> carried(accumulators);
  size_t alreadyOpen = open.size();
  for (auto [output, from] : llvm::enumerate(accumulatedFrom))
    if (from == level) {
      open.push_back(output);
      carried.push_back(load(inputs + output));
    }
  bool isInnermost = level + 1 == loops;
  bool sums = llvm::any_of(open, [&](unsigned output) { return isBlockedSum(output); });
  std::optional<int64_t> extent = getConstantIntValue(extents[level]);
  SmallVector<Value> results;
  if (sums && isInnermost && !(extent && *extent <= sumBlock))
    results = emitBlocks(level, carried);
  else if (sums && (isInnermost || alreadyOpen))
    results = emitPart(level, index(0), extents[level], carried);
  else
    results = emitLoop(level, index(0), extents[level], carried);
  while (open.size() > alreadyOpen)
    store(results.pop_back_val(), inputs + open.pop_back_val());
  return results;
}

SmallVector<Value> LoopNest::emitLoop(unsigned level, Value begin, Value end,
                                      ArrayRef<Value> accumulators) {
  auto loop = scf::ForOp::create(builder, loc, begin, end, index(1), accumulators);
  if (accessGroup && level + 1 == reductions.size()) {
    auto group = cast<LLVM::AccessGroupAttr>(accessGroup);
    auto annotation = LLVM::LoopAnnotationAttr::get(builder.getContext(), {}, {}, {}, {}, {}, {},
                                                    {}, {}, {}, {}, {}, {}, {}, {}, group);
    loop->setAttr("llvm.loop_annotation", annotation);
  }
  OpBuilder::InsertionGuard guard(builder);
  loop.getBody()->clear();
  builder.setInsertionPointToStart(loop.getBody());
  positions.push_back(loop.getInductionVar());
  SmallVector<Value> inner(loop.getRegionIterArgs());
  SmallVector<Value> next = emitLevel(level + 1, inner);
  positions.pop_back();
  scf::YieldOp::create(builder, loc, next);
  return SmallVector<Value>(loop.getResults());
}

/// Whether the output adds one value per iteration, in any order.
bool LoopNest::isBlockedSum(unsigned output) {
  Block &body = op.getRegion().front();
  BlockArgument argument = body.getArgument(op.getNumDpsInputs() + output);
  auto sum = body.getTerminator()->getOperand(output).getDefiningOp<arith::AddFOp>();
  return sum && argument.hasOneUse() && sum->hasOneUse() && sum->getBlock() == &body &&
         bitEnumContainsAll(sum.getFastmath(), arith::FastMathFlags::reassoc) &&
         (sum.getLhs() == argument) != (sum.getRhs() == argument);
}

/// One loop whose sums start from 0 and are added to what was there before.
SmallVector<Value> LoopNest::emitPart(unsigned level, Value begin, Value end,
                                      ArrayRef<Value> accumulators) {
  SmallVector<Value> starts;
  for (auto [value, output] : llvm::zip(accumulators, open))
    starts.push_back(
        isBlockedSum(output)
            ? arith::ConstantOp::create(builder, loc, builder.getFloatAttr(value.getType(), 0.0))
                  .getResult()
            : value);
  SmallVector<Value> results = emitLoop(level, begin, end, starts);
  for (auto [part, total, output] : llvm::zip(results, accumulators, open))
    if (isBlockedSum(output))
      part = arith::AddFOp::create(builder, loc, total, part);
  return results;
}

SmallVector<Value> LoopNest::emitBlocks(unsigned level, ArrayRef<Value> accumulators) {
  auto blocks =
      scf::ForOp::create(builder, loc, index(0), extents[level], index(sumBlock), accumulators);
  OpBuilder::InsertionGuard guard(builder);
  blocks.getBody()->clear();
  builder.setInsertionPointToStart(blocks.getBody());
  Value begin = blocks.getInductionVar();
  Value end = arith::MinSIOp::create(
      builder, loc, arith::AddIOp::create(builder, loc, begin, index(sumBlock)), extents[level]);
  SmallVector<Value> totals(blocks.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, emitPart(level, begin, end, totals));
  return SmallVector<Value>(blocks.getResults());
}

SmallVector<Value> LoopNest::emitBody(ArrayRef<Value> accumulators) {
  Block &body = op.getRegion().front();
  unsigned inputs = op.getNumDpsInputs();
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output) {
    BlockArgument argument = body.getArgument(inputs + output);
    if (argument.use_empty())
      continue;
    const auto *position = llvm::find(open, output);
    map.map(argument,
            position != open.end() ? accumulators[position - open.begin()] : load(inputs + output));
  }
  for (Operation &inner : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      map.map(index.getResult(), positions[index.getDim()]);
    else
      builder.clone(inner, map);
  }
  SmallVector<Value> next(accumulators);
  for (auto [output, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    const auto *position = llvm::find(open, output);
    if (position != open.end())
      next[position - open.begin()] = map.lookupOrDefault(value);
    else
      store(map.lookupOrDefault(value), inputs + output);
  }
  return next;
}

} // namespace mpy
