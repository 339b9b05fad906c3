// A group of fused operations as a kernel.
//
//   out(i, j) = f(x(i, j), y(j))    ->   for point = thread; point < n; point += all threads
//   out(i) += f(x(i, j))            ->   a team of threads for each i, or for each part of one
//
// A group that gathers nothing is one thread's work at each point; inputs that lie across the
// outputs go through shared memory, a tile at a time. What gathers is done by teams
// (KernelTeams.cpp). Kernels keep the group's order of operations on each element, so that the
// results are those of the host's loop.
#include "lowering/GroupKernel.h"
#include "lowering/KernelTeams.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace mpy {

bool isOfKernels(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  if (!type || !isKernelElement(type.getElementType()) ||
      failed(type.getStridesAndOffset(strides, offset)))
    return false;
  Value root = rootOf(buffer);
  return !root.getDefiningOp<memref::AllocaOp>() &&
         cast<MemRefType>(root.getType()).getLayout().isIdentity();
}

bool GroupKernel::exists() {
  for (auto [operand, map] : llvm::zip(space.operands, space.maps)) {
    if (!map.isProjectedPermutation())
      return false;
    if (isa<MemRefType>(operand.getType()) && !isOfKernels(operand))
      return false;
  }
  for (Operation &inner : op.getRegion().front())
    if (!hasKernelForm(inner))
      return false;
  bool allKnown = true;
  visitUsedValuesDefinedAbove(op.getRegion(), [&](OpOperand *use) {
    Value value = use->get();
    if (isa<MemRefType>(value.getType()))
      allKnown &= isOfKernels(value);
    else
      allKnown &= isKernelElement(value.getType()) || matchPattern(value, m_Constant());
  });
  return allKnown && classifyOutputs();
}

bool GroupKernel::classifyOutputs() {
  unsigned inputs = op.getNumDpsInputs(), loops = space.reductions.size();
  gathered.clear();
  std::optional<llvm::SmallBitVector> kept;
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output) {
    AffineMap map = space.maps[inputs + output];
    if (map.getNumResults() == loops)
      continue;
    llvm::SmallBitVector dims(loops);
    for (unsigned dim = 0; dim < loops; ++dim)
      dims[dim] = map.isFunctionOfDim(dim);
    if (kept && *kept != dims)
      return false;
    kept = dims;
    gathered.push_back(output);
  }
  keptDims.clear();
  reducedDims.clear();
  for (unsigned dim = 0; dim < loops; ++dim)
    (!kept || kept->test(dim) ? keptDims : reducedDims).push_back(dim);
  anyOrder = combiners.find(op, gathered);
  // One thread for all elements, one after the other, is what the host does better.
  return anyOrder || !keptDims.empty();
}

Value GroupKernel::countOf(ArrayRef<unsigned> dims) {
  Value count = arith::ConstantIndexOp::create(host, loc, 1);
  for (unsigned dim : dims)
    count = host.createOrFold<arith::MulIOp>(loc, count, hostExtents[dim]);
  return count;
}

void GroupKernel::collectArguments() {
  arguments.emplace(host);
  for (unsigned dim = 0; dim < space.reductions.size(); ++dim)
    hostExtents.push_back(space.extentOf(host, loc, dim));
  if (gathered.empty()) {
    arguments->words.push_back(countOf(keptDims));
  } else {
    arguments->words.push_back(countOf(keptDims));
    arguments->words.push_back(countOf(reducedDims));
  }
  unsigned inputs = op.getNumDpsInputs();
  Block &body = op.getRegion().front();
  for (auto [number, operand] : llvm::enumerate(space.operands)) {
    if (!isa<MemRefType>(operand.getType())) {
      buffers.push_back(0);
      if (!matchPattern(operand, m_Constant()))
        arguments->word(operand);
      continue;
    }
    int64_t how = kernelReads;
    if (number >= inputs) {
      bool isGathered = llvm::is_contained(gathered, number - inputs);
      bool isRead =
          (isGathered || !body.getArgument(number).use_empty()) && !fills[number - inputs];
      // All of a buffer that is no part of another one.
      bool isWhole = op->getOperand(number) == rootOf(operand);
      // One truth value of many elements, for the host to branch on.
      bool decides = isGathered && keptDims.empty() &&
                     cast<MemRefType>(operand.getType()).getElementType().isInteger(1);
      how = kernelWrites | (isRead ? kernelReads : 0) | (isWhole ? kernelOverwrites : 0) |
            (decides ? kernelDecides : 0);
    } else if (body.getArgument(number).use_empty()) {
      // Its extents say how far the loops go.
      buffers.push_back(0);
      continue;
    }
    buffers.push_back(arguments->buffer(operand, how));
    if (number >= inputs && fills[number - inputs] &&
        !matchPattern(fills[number - inputs], m_Constant()))
      arguments->word(fills[number - inputs]);
  }
  for (Value extent : hostExtents)
    extents.push_back(arguments->extent(extent));
  visitUsedValuesDefinedAbove(op.getRegion(), [&](OpOperand *use) {
    Value value = use->get();
    if (isa<MemRefType>(value.getType()))
      arguments->buffer(value, kernelReads);
    else if (!matchPattern(value, m_Constant()))
      arguments->word(value);
  });
}

/// A tile of a turned input; one column more, so that a column is in as many banks as a row.
static constexpr int64_t sideOfTile = 32;
static Type roomOfTile(Type element) {
  auto space = gpu::AddressSpaceAttr::get(element.getContext(), gpu::AddressSpace::Workgroup);
  return MemRefType::get({sideOfTile, sideOfTile + 1}, element, AffineMap(), space);
}

KernelOp GroupKernel::emit(gpu::GPUModuleOp kernels, StringRef name) {
  space.collapse(host, op);
  classifyOutputs();
  collectArguments();
  SmallVector<Type> extras, shared;
  SmallVector<int64_t> partials;
  bool isInParts = anyOrder && !gathered.empty();
  if (!gathered.empty()) {
    extras.assign(2, host.getI32Type());
    for (unsigned output : gathered) {
      Type element = op.getRegion().front().getArgument(op.getNumDpsInputs() + output).getType();
      if (!isInParts)
        continue;
      extras.push_back(LLVM::LLVMPointerType::get(host.getContext(), 1));
      shared.push_back(isInner() ? roomOfWarps(element) : roomOfThreads(element));
      partials.push_back(bytesOfElement(element));
    }
  }
  findTurned();
  for (unsigned input : turned)
    shared.push_back(
        roomOfTile(cast<MemRefType>(space.operands[input].getType()).getElementType()));
  KernelBuilder kernel(kernels, name, loc, *arguments, extras, shared);
  if (!turned.empty())
    emitTiles(kernel);
  else if (gathered.empty())
    emitPoints(kernel);
  else
    emitTeams(kernel);
  kernel.finish();
  if (isInParts) {
    KernelBuilder parts(kernels, (name + "_parts").str(), loc, *arguments, extras, shared);
    emitParts(parts);
    parts.finish();
  }
  KernelForm form = gathered.empty() ? KernelForm::Points : KernelForm::Reduction;
  return KernelOp::create(host, loc, host.getI1Type(), host.getStringAttr(name), arguments->buffers,
                          arguments->words, host.getI64IntegerAttr(static_cast<int64_t>(form)),
                          host.getDenseI64ArrayAttr(arguments->access),
                          host.getDenseI64ArrayAttr(partials), host.getBoolAttr(isInner()));
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

SmallVector<OpFoldResult> GroupKernel::extentsOf(ArrayRef<unsigned> dims) const {
  return llvm::map_to_vector(dims, [&](unsigned dim) { return extents[dim]; });
}

SmallVector<Value> GroupKernel::positionsIn(unsigned operand, ValueRange positions) const {
  SmallVector<Value> result;
  for (AffineExpr expression : space.maps[operand].getResults())
    result.push_back(positions[cast<AffineDimExpr>(expression).getPosition()]);
  return result;
}

Value GroupKernel::loadOperand(KernelBuilder &kernel, unsigned operand, ValueRange positions) {
  if (!isa<MemRefType>(space.operands[operand].getType()))
    return kernel.valueOf(space.operands[operand]);
  if (Value element = turnedElements.lookup(operand))
    return element;
  return kernel.load(buffers[operand], positionsIn(operand, positions));
}

Value GroupKernel::initOf(KernelBuilder &kernel, unsigned output, ValueRange positions) {
  if (fills[output])
    return kernel.valueOf(fills[output]);
  return loadOperand(kernel, op.getNumDpsInputs() + output, positions);
}

SmallVector<Value> GroupKernel::emitPoint(KernelBuilder &kernel, ValueRange positions,
                                          ValueRange accumulators) {
  Block &body = op.getRegion().front();
  unsigned inputs = op.getNumDpsInputs();
  IRMapping map;
  for (unsigned input = 0; input < inputs; ++input)
    if (!body.getArgument(input).use_empty())
      map.map(body.getArgument(input), loadOperand(kernel, input, positions));
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output) {
    BlockArgument argument = body.getArgument(inputs + output);
    if (argument.use_empty())
      continue;
    const auto *place = llvm::find(gathered, output);
    map.map(argument, place != gathered.end() ? accumulators[place - gathered.begin()]
                                              : initOf(kernel, output, positions));
  }
  for (Operation &inner : body.without_terminator())
    kernel.clone(inner, map, positions);
  SmallVector<Value> next(accumulators);
  for (auto [output, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    if (!map.contains(value))
      map.map(value, kernel.valueOf(value));
    const auto *place = llvm::find(gathered, output);
    if (place != gathered.end())
      next[place - gathered.begin()] = map.lookup(value);
    else
      kernel.store(map.lookup(value), buffers[inputs + output],
                   positionsIn(inputs + output, positions));
  }
  return next;
}

void GroupKernel::emitPoints(KernelBuilder &kernel) {
  Value count = kernel.small(OpFoldResult(arguments->words[0]));
  Value threads =
      arith::IndexCastOp::create(kernel.builder, loc, kernel.builder.getI32Type(),
                                 gpu::BlockDimOp::create(kernel.builder, loc, gpu::Dimension::x));
  Value first = kernel.add(kernel.mul(kernel.block(), threads), kernel.thread());
  auto loop = scf::ForOp::create(kernel.builder, loc, first, count, kernel.threadsOfGrid());
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> positions = kernel.positionsOf(loop.getInductionVar(), extentsOf(keptDims));
  emitPoint(kernel, positions, {});
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void GroupKernel::findTurned() {
  constexpr int64_t smallest = 16;
  constexpr unsigned mostTiles = 4;
  if (!gathered.empty())
    return;
  /// The dimension along which an operand's elements lie side by side.
  auto alongWhat = [&](unsigned operand) -> std::optional<unsigned> {
    auto type = dyn_cast<MemRefType>(space.operands[operand].getType());
    SmallVector<int64_t> strides;
    int64_t offset;
    if (!type || type.getRank() == 0 || failed(type.getStridesAndOffset(strides, offset)) ||
        strides.back() != 1)
      return std::nullopt;
    return cast<AffineDimExpr>(space.maps[operand].getResults().back()).getPosition();
  };
  auto isSmall = [&](unsigned dim) {
    std::optional<int64_t> extent = getConstantIntValue(extents[dim]);
    return extent && *extent < smallest;
  };
  unsigned inputs = op.getNumDpsInputs();
  std::optional<unsigned> ofOutputs = alongWhat(inputs);
  for (unsigned operand = inputs; operand < space.operands.size(); ++operand)
    if (!ofOutputs || alongWhat(operand) != ofOutputs)
      return;
  fast = *ofOutputs;
  for (unsigned input = 0; input < inputs; ++input) {
    std::optional<unsigned> dim = alongWhat(input);
    if (!dim || *dim == fast || !space.maps[input].isFunctionOfDim(fast) || isSmall(*dim) ||
        isSmall(fast) || op.getRegion().front().getArgument(input).use_empty() ||
        turned.size() == mostTiles || (!turned.empty() && *dim != slow))
      continue;
    slow = *dim;
    turned.push_back(input);
  }
}

/// Reads an element of each turned input into its tile, where there is one.
void GroupKernel::readTile(KernelBuilder &kernel, Value inside, ValueRange positions, Value down,
                           Value across) {
  auto branch = scf::IfOp::create(kernel.builder, loc, inside, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  for (auto [number, input] : llvm::enumerate(turned))
    memref::StoreOp::create(kernel.builder, loc, loadOperand(kernel, input, positions),
                            kernel.sharedMemory(number), ValueRange{down, across});
}

void GroupKernel::emitTiles(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  Value side = kernel.constant(sideOfTile), thread = kernel.thread();
  Value column = kernel.remainder(thread, side), row = kernel.divide(thread, side);
  auto tilesOf = [&](unsigned dim) {
    Value rounded = kernel.add(kernel.small(extents[dim]), kernel.constant(sideOfTile - 1));
    return kernel.divide(rounded, side);
  };
  SmallVector<unsigned> others;
  Value tilesAcross = tilesOf(fast), tilesDown = tilesOf(slow);
  Value tiles = kernel.mul(tilesAcross, tilesDown);
  for (unsigned dim : keptDims)
    if (dim != slow && dim != fast) {
      others.push_back(dim);
      tiles = kernel.mul(tiles, kernel.small(extents[dim]));
    }
  Value blocks = kernel.divide(kernel.threadsOfGrid(), kernel.constant(threadsOfBlock));
  auto loop = scf::ForOp::create(builder, loc, kernel.block(), tiles, blocks);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value across = kernel.remainder(loop.getInductionVar(), tilesAcross);
  Value rest = kernel.divide(loop.getInductionVar(), tilesAcross);
  Value down = kernel.remainder(rest, tilesDown);
  SmallVector<Value> positions(space.reductions.size());
  for (auto [dim, position] : llvm::zip_equal(
           others, kernel.positionsOf(kernel.divide(rest, tilesDown), extentsOf(others))))
    positions[dim] = position;
  auto toIndex = [&](Value number) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number);
  };
  /// Calls `emit` at each point of the thread: `slowIsRow` says along what its warp lies.
  auto forPoints = [&](bool slowIsRow, auto emit) {
    for (int64_t step = 0; step < sideOfTile; step += threadsOfBlock / sideOfTile) {
      Value line = kernel.add(row, kernel.constant(step));
      Value downAt = slowIsRow ? line : column, acrossAt = slowIsRow ? column : line;
      Value slowAt = kernel.add(kernel.mul(down, side), downAt),
            fastAt = kernel.add(kernel.mul(across, side), acrossAt);
      positions[slow] = kernel.widen(slowAt);
      positions[fast] = kernel.widen(fastAt);
      Value inside =
          arith::AndIOp::create(builder, loc, kernel.less(slowAt, kernel.small(extents[slow])),
                                kernel.less(fastAt, kernel.small(extents[fast])));
      emit(inside, toIndex(acrossAt), toIndex(downAt));
    }
  };
  forPoints(/*slowIsRow=*/false, [&](Value inside, Value acrossAt, Value downAt) {
    readTile(kernel, inside, positions, acrossAt, downAt);
  });
  gpu::BarrierOp::create(builder, loc);
  forPoints(/*slowIsRow=*/true, [&](Value inside, Value acrossAt, Value downAt) {
    auto branch = scf::IfOp::create(builder, loc, inside, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard inBranch(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    for (auto [number, input] : llvm::enumerate(turned))
      turnedElements[input] = memref::LoadOp::create(builder, loc, kernel.sharedMemory(number),
                                                     ValueRange{acrossAt, downAt});
    emitPoint(kernel, positions, {});
    turnedElements.clear();
  });
  // The next tile must not overwrite this one while it is read.
  gpu::BarrierOp::create(builder, loc);
}

} // namespace mpy
