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
// - The largest number is gathered in any order, so that a vector holds several; of zeros with
// different signs the order decides, and the loop runs again in order. A position is searched where
// the best block of elements is.
// - An innermost parallel loop says so: own-buffers computes in place only what is read at the
// position where it is written.
#include "lowering/LoopNest.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace mpy {

static constexpr int64_t sumBlock = 1024;
/// Elements whose best one is found before its position is; fewer than `shortLoop` are not worth it.
static constexpr int64_t positionBlock = 128, shortLoop = 32;

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
  bool isShort = extent && *extent <= shortLoop;
  bool gathers = isInnermost && !sums && !open.empty() && !isShort && combiners.find(op, open);
  bool onlyGathers = open.size() == size_t(op.getNumDpsInits());
  if (gathers && combiners.areExtremes() && (onlyGathers || findStored()))
    results = emitExtremes(level, carried);
  else if (gathers && onlyGathers && combiners.isBestWithPosition() &&
           combiners.isLargest(combiners.bestOutput()))
    results = emitPosition(level, carried);
  else if (sums && isInnermost && !(extent && *extent <= sumBlock))
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

//===----------------------------------------------------------------------===//
// Extremes
//===----------------------------------------------------------------------===//

/// Finds for each extreme an output that keeps its elements; a group that writes cannot run twice,
/// but what it has written can be read.
bool LoopNest::findStored() {
  stored.clear();
  Operation *yield = op.getRegion().front().getTerminator();
  for (unsigned number = 0; number < open.size(); ++number) {
    std::optional<unsigned> found;
    for (auto [output, value] : llvm::enumerate(yield->getOperands()))
      if (value == combiners.candidate(number) && !llvm::is_contained(open, output))
        found = output;
    if (!found)
      return false;
    stored.push_back(*found);
  }
  return true;
}

/// The extremes in the order of the program, of elements that the loop before has written.
SmallVector<Value> LoopNest::emitStoredBody(ArrayRef<Value> accumulators) {
  SmallVector<Value> elements;
  for (unsigned output : stored)
    elements.push_back(load(op.getNumDpsInputs() + output));
  return combiners.combine(builder, loc, accumulators, elements);
}

/// Extremes of a part, which starts anew: +-inf if it is empty, NaN if it has one. Numbers and the
/// mark that there was a NaN are gathered apart: both by vectors.
SmallVector<Value> LoopNest::gatherExtremes(unsigned level, Value begin, Value end) {
  SmallVector<Value> starts;
  for (unsigned number : extremes)
    starts.push_back(combiners.worst(builder, loc, number));
  for (unsigned number : extremes)
    if (auto real = dyn_cast<FloatType>(combiners.candidate(number).getType()))
      starts.push_back(arith::ConstantOp::create(
          builder, loc, builder.getIntegerAttr(builder.getIntegerType(real.getWidth()), 0)));
  SmallVector<Value> results = emitLoop(level, begin, end, starts);
  size_t mark = extremes.size();
  for (size_t place = 0; place < extremes.size(); ++place) {
    auto real = dyn_cast<FloatType>(results[place].getType());
    if (!real)
      continue;
    Value none =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(results[mark].getType()));
    Value hasNan =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, results[mark++], none);
    Value nan = arith::ConstantOp::create(
        builder, loc, builder.getFloatAttr(real, llvm::APFloat::getNaN(real.getFloatSemantics())));
    results[place] = arith::SelectOp::create(builder, loc, hasNan, nan, results[place]);
  }
  results.resize(extremes.size());
  return results;
}

/// A NaN makes poison of the extreme, which its mark then hides.
SmallVector<Value> LoopNest::gatherElements(ArrayRef<Value> accumulators) {
  SmallVector<Value> next, marks;
  auto numbersAlone = LLVM::FastmathFlags::nnan | LLVM::FastmathFlags::nsz;
  size_t mark = extremes.size();
  for (auto [place, number] : llvm::enumerate(extremes)) {
    Value element = map.lookupOrDefault(combiners.candidate(number)), best = accumulators[place];
    bool largest = *combiners.isLargest(number);
    if (!isa<FloatType>(element.getType())) {
      next.push_back(largest ? arith::MaxSIOp::create(builder, loc, best, element).getResult()
                             : arith::MinSIOp::create(builder, loc, best, element).getResult());
      continue;
    }
    next.push_back(
        largest ? LLVM::MaxNumOp::create(builder, loc, best, element, numbersAlone).getResult()
                : LLVM::MinNumOp::create(builder, loc, best, element, numbersAlone).getResult());
    Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, element, element);
    Value seen = accumulators[mark++];
    Value now = arith::ExtUIOp::create(builder, loc, seen.getType(), isNan);
    marks.push_back(arith::OrIOp::create(builder, loc, seen, now));
  }
  llvm::append_range(next, marks);
  return next;
}

/// Of equal numbers only zeros can be told apart: then, and only then, the order counts.
SmallVector<Value> LoopNest::emitExtremes(unsigned level, ArrayRef<Value> accumulators) {
  llvm::SmallVector<Value> gathered;
  {
    llvm::SaveAndRestore scope(extremes, llvm::to_vector(llvm::seq<unsigned>(0, open.size())));
    gathered = gatherExtremes(level, index(0), extents[level]);
  }
  gathered = combiners.combine(builder, loc, accumulators, gathered);
  Value isZero;
  for (Value value : gathered) {
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getFloatAttr(value.getType(), 0.0));
    Value one = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, value, zero);
    isZero = isZero ? arith::OrIOp::create(builder, loc, isZero, one).getResult() : one;
  }
  auto choose = scf::IfOp::create(builder, loc, ValueRange(gathered).getTypes(), isZero,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(choose.thenBlock());
  {
    llvm::SaveAndRestore scope(readsStored, open.size() != size_t(op.getNumDpsInits()));
    scf::YieldOp::create(builder, loc, emitLoop(level, index(0), extents[level], accumulators));
  }
  builder.setInsertionPointToStart(choose.elseBlock());
  scf::YieldOp::create(builder, loc, gathered);
  return SmallVector<Value>(choose.getResults());
}

/// The best of each block, without positions, tells which block is the first with the best element:
/// only that one is walked element by element.
SmallVector<Value> LoopNest::emitPosition(unsigned level, ArrayRef<Value> accumulators) {
  unsigned number = combiners.bestOutput();
  Value end = extents[level];
  auto endOf = [&](Value begin) -> Value {
    Value next = arith::AddIOp::create(builder, loc, begin, index(positionBlock));
    return arith::MinSIOp::create(builder, loc, next, end);
  };
  Value from;
  {
    auto blocks = scf::ForOp::create(builder, loc, index(0), end, index(positionBlock),
                                     ValueRange{accumulators[number], index(0)});
    OpBuilder::InsertionGuard guard(builder);
    blocks.getBody()->clear();
    builder.setInsertionPointToStart(blocks.getBody());
    Value begin = blocks.getInductionVar(), best = blocks.getRegionIterArg(0);
    llvm::SaveAndRestore scope(extremes, SmallVector<unsigned>{number});
    Value candidate = gatherExtremes(level, begin, endOf(begin)).front();
    Value better = combiners.isBetter(builder, candidate, best);
    Value nextBest = arith::SelectOp::create(builder, loc, better, candidate, best);
    Value nextFrom =
        arith::SelectOp::create(builder, loc, better, begin, blocks.getRegionIterArg(1));
    scf::YieldOp::create(builder, loc, ValueRange{nextBest, nextFrom});
    from = blocks.getResult(1);
  }
  return emitLoop(level, from, endOf(from), accumulators);
}

SmallVector<Value> LoopNest::emitBody(ArrayRef<Value> accumulators) {
  if (readsStored)
    return emitStoredBody(accumulators);
  Block &body = op.getRegion().front();
  unsigned inputs = op.getNumDpsInputs();
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output) {
    BlockArgument argument = body.getArgument(inputs + output);
    if (argument.use_empty())
      continue;
    const auto *position = llvm::find(open, output);
    map.map(argument, position == open.end() ? load(inputs + output)
                      : extremes.empty() ? accumulators[position - open.begin()]
                                         : combiners.worst(builder, loc, position - open.begin()));
  }
  for (Operation &inner : body.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      map.map(index.getResult(), positions[index.getDim()]);
    else
      builder.clone(inner, map);
  }
  SmallVector<Value> next =
      extremes.empty() ? SmallVector<Value>(accumulators) : gatherElements(accumulators);
  for (auto [output, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    const auto *position = llvm::find(open, output);
    if (position != open.end() && !extremes.empty())
      continue;
    if (position != open.end())
      next[position - open.begin()] = map.lookupOrDefault(value);
    else
      store(map.lookupOrDefault(value), inputs + output);
  }
  return next;
}

} // namespace mpy
