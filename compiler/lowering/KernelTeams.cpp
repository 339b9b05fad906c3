// Kernels that gather: a team of threads for each result, or for each part of one.
//
//   out(i) += x(i, j), a team of 8, in 2 parts      lane l of part p adds j = 8 p + l, + 16, + 32,
//   ..
//                                                   shuffles add the lanes, the parts go to memory,
//   kernel_parts                                    and a second kernel adds these
//
// The run time chooses the size of a team (a power of two up to a warp, or the block) and the
// number of parts by the extents alone, so the same input gives the same bits in every run.
// Neighbouring lanes read neighbouring elements: along the row where it is gathered, else of
// neighbouring results, which a block then has side by side, with several threads for each.
#include "lowering/KernelTeams.h"
#include "lowering/GroupKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

/// The value that the lane has whose number differs in one bit.
static Value shuffle(KernelBuilder &kernel, Value value, int64_t distance) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Type type = value.getType(), word = builder.getI32Type();
  auto exchange = [&](Value bits) -> Value {
    return NVVM::ShflOp::create(builder, loc, word, kernel.constant(-1), bits,
                                kernel.constant(distance), kernel.constant(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  };
  if (type.isIntOrFloat() && type.getIntOrFloatBitWidth() < 32) {
    Value bits = exchange(arith::ExtUIOp::create(builder, loc, word, value));
    return arith::TruncIOp::create(builder, loc, type, bits);
  }
  if (type.isInteger(32))
    return exchange(value);
  if (type.isF32())
    return arith::BitcastOp::create(builder, loc, type,
                                    exchange(arith::BitcastOp::create(builder, loc, word, value)));
  Type wide = builder.getI64Type();
  Value bits = value;
  if (type.isF64())
    bits = arith::BitcastOp::create(builder, loc, wide, value);
  else if (type.isIndex())
    bits = arith::IndexCastOp::create(builder, loc, wide, value);
  Value shift = kernel.constant(32, 64);
  Value low = exchange(arith::TruncIOp::create(builder, loc, word, bits));
  Value high = exchange(arith::TruncIOp::create(builder, loc, word,
                                                arith::ShRUIOp::create(builder, loc, bits, shift)));
  Value joined = arith::OrIOp::create(
      builder, loc, arith::ExtUIOp::create(builder, loc, wide, low),
      arith::ShLIOp::create(builder, loc, arith::ExtUIOp::create(builder, loc, wide, high), shift));
  if (type.isF64())
    return arith::BitcastOp::create(builder, loc, type, joined);
  return type.isIndex() ? arith::IndexCastOp::create(builder, loc, type, joined).getResult()
                        : joined;
}

/// `then(values)` where the condition holds, else the values.
static SmallVector<Value> changeIf(KernelBuilder &kernel, Value condition, ValueRange values,
                                   llvm::function_ref<SmallVector<Value>()> then) {
  auto branch = scf::IfOp::create(kernel.builder, kernel.loc, values.getTypes(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(kernel.builder, kernel.loc, then());
  kernel.builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(kernel.builder, kernel.loc, values);
  return SmallVector<Value>(branch.getResults());
}

static Type roomOf(Type element, int64_t count) {
  auto space = gpu::AddressSpaceAttr::get(element.getContext(), gpu::AddressSpace::Workgroup);
  return MemRefType::get({count}, element, AffineMap(), space);
}

Type roomOfWarps(Type element) { return roomOf(element, threadsOfBlock / lanesOfWarp); }
Type roomOfThreads(Type element) { return roomOf(element, threadsOfBlock); }

/// What the warps of a block have together.
static SmallVector<Value> gatherBlock(KernelBuilder &kernel, const Combiners &combiners,
                                      ValueRange shared, ValueRange values) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value warpSize = kernel.constant(lanesOfWarp), thread = kernel.thread();
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        kernel.remainder(thread, warpSize), kernel.constant(0));
  auto leads = scf::IfOp::create(builder, loc, isFirst, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(leads.thenBlock());
    Value warp = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                            kernel.divide(thread, warpSize));
    for (auto [value, room] : llvm::zip_equal(values, shared))
      memref::StoreOp::create(builder, loc, value, room, ValueRange{warp});
  }
  gpu::BarrierOp::create(builder, loc);
  auto ofWarp = [&](int64_t warp) {
    Value index = arith::ConstantIndexOp::create(builder, loc, warp);
    SmallVector<Value> loaded;
    for (Value room : shared)
      loaded.push_back(memref::LoadOp::create(builder, loc, room, index));
    return loaded;
  };
  SmallVector<Value> totals = ofWarp(0);
  for (int64_t warp = 1; warp < threadsOfBlock / lanesOfWarp; ++warp)
    totals = combiners.combine(builder, loc, totals, ofWarp(warp));
  // The next results must not overwrite these while they are read.
  gpu::BarrierOp::create(builder, loc);
  return totals;
}

SmallVector<Value> gatherTeam(KernelBuilder &kernel, const Combiners &combiners, Value team,
                              ValueRange shared, ValueRange values) {
  SmallVector<Value> totals(values);
  for (int64_t distance = lanesOfWarp / 2; distance > 0; distance /= 2)
    totals = changeIf(kernel, kernel.less(kernel.constant(distance), team), totals, [&] {
      SmallVector<Value> others;
      for (Value total : totals)
        others.push_back(shuffle(kernel, total, distance));
      return combiners.combine(kernel.builder, kernel.loc, totals, others);
    });
  return changeIf(kernel, kernel.less(kernel.constant(lanesOfWarp), team), totals,
                  [&] { return gatherBlock(kernel, combiners, shared, totals); });
}

TeamLoop::TeamLoop(KernelBuilder &kernel, Value size, Value pieces) {
  Value thread = kernel.thread();
  Value perBlock = kernel.divide(kernel.constant(threadsOfBlock), size);
  lane = kernel.remainder(thread, size);
  own = kernel.divide(thread, size);
  Value grid = kernel.divide(kernel.threadsOfGrid(), size);
  loop = scf::ForOp::create(kernel.builder, kernel.loc, kernel.mul(kernel.block(), perBlock),
                            pieces, grid);
  kernel.builder.setInsertionPointToStart(loop.getBody());
  number = kernel.add(loop.getInductionVar(), own);
  exists = kernel.less(number, pieces);
  Value isLane = arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::eq, lane,
                                       kernel.constant(0));
  leads = arith::AndIOp::create(kernel.builder, kernel.loc, exists, isLane);
}

namespace {
/// What one thread has to do with a result of a reduction, or with a part of one.
struct Share {
  Value result, part, lane, lanes, exists, leads;
};
} // namespace

/// Results side by side: a block has `width` of them, and gathers each by as many threads as that
/// leaves.
static Share emitColumns(KernelBuilder &kernel, Value width, Value results, Value parts) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  Value thread = kernel.thread(), block = kernel.constant(threadsOfBlock);
  Value lanes = kernel.divide(block, width), lane = kernel.divide(thread, width);
  Value groups = kernel.divide(kernel.add(results, kernel.sub(width, kernel.constant(1))), width);
  auto loop = scf::ForOp::create(builder, loc, kernel.block(), kernel.mul(groups, parts),
                                 kernel.divide(kernel.threadsOfGrid(), block));
  builder.setInsertionPointToStart(loop.getBody());
  Value group = kernel.remainder(loop.getInductionVar(), groups),
        part = kernel.divide(loop.getInductionVar(), groups);
  Value number = kernel.add(kernel.mul(group, width), kernel.remainder(thread, width));
  Value exists = kernel.less(number, results);
  Value last = kernel.sub(results, kernel.constant(1));
  Value isLane =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, lane, kernel.constant(0));
  return {arith::MinUIOp::create(builder, loc, number, last), part, lane, lanes, exists,
          arith::AndIOp::create(builder, loc, exists, isLane)};
}

/// Emits the loop over the results, or their parts, and the thread's share in each.
static Share emitShares(KernelBuilder &kernel, bool isColumns, Value size, Value results,
                        Value parts) {
  if (isColumns)
    return emitColumns(kernel, size, results, parts);
  TeamLoop teams(kernel, size, kernel.mul(results, parts));
  Value result = kernel.remainder(teams.number, results),
        part = kernel.divide(teams.number, results);
  return {result, part, teams.lane, size, teams.exists, teams.leads};
}

/// What all lanes of each result of a block have together, in its first lane.
static SmallVector<Value> gatherColumns(KernelBuilder &kernel, const Combiners &combiners,
                                        Value width, Value lanes, ValueRange shared,
                                        ValueRange values) {
  OpBuilder &builder = kernel.builder;
  Location loc = kernel.loc;
  SmallVector<Value> totals(values);
  auto toIndex = [&](Value number) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number);
  };
  for (int64_t distance = threadsOfBlock / 2; distance > 0; distance /= 2)
    totals = changeIf(kernel, kernel.less(kernel.constant(distance), lanes), totals, [&] {
      Value thread = kernel.thread();
      for (auto [total, room] : llvm::zip_equal(totals, shared))
        memref::StoreOp::create(builder, loc, total, room, toIndex(thread));
      gpu::BarrierOp::create(builder, loc);
      // What a lane without a partner finds is used by nobody.
      Value partner =
          kernel.remainder(kernel.add(thread, kernel.mul(width, kernel.constant(distance))),
                           kernel.constant(threadsOfBlock));
      SmallVector<Value> others;
      for (Value room : shared)
        others.push_back(memref::LoadOp::create(builder, loc, room, toIndex(partner)));
      gpu::BarrierOp::create(builder, loc);
      return combiners.combine(builder, loc, totals, others);
    });
  return totals;
}

bool GroupKernel::isInner() const {
  return !reducedDims.empty() && reducedDims.back() + 1 == space.reductions.size();
}

SmallVector<Value> GroupKernel::sharedRooms(KernelBuilder &kernel) {
  return llvm::map_to_vector(llvm::seq<unsigned>(0, gathered.size()),
                             [&](unsigned number) { return kernel.sharedMemory(number); });
}

void GroupKernel::storeResults(KernelBuilder &kernel, Value isFirst, ValueRange kept,
                               ValueRange totals) {
  auto branch = scf::IfOp::create(kernel.builder, loc, isFirst, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(kernel.builder);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> positions(space.reductions.size());
  for (auto [dim, position] : llvm::zip_equal(keptDims, kept))
    positions[dim] = position;
  SmallVector<Value> results(totals);
  if (anyOrder) {
    SmallVector<Value> inits;
    for (unsigned output : gathered)
      inits.push_back(initOf(kernel, output, positions));
    results = combiners.combine(kernel.builder, loc, inits, totals);
  }
  for (auto [output, value] : llvm::zip_equal(gathered, results)) {
    unsigned operand = op.getNumDpsInputs() + output;
    kernel.store(value, buffers[operand], positionsIn(operand, positions));
  }
}

SmallVector<Value> GroupKernel::positionsOfResult(KernelBuilder &kernel, Value result,
                                                  SmallVector<Value> &positions) {
  SmallVector<Value> kept = kernel.positionsOf(result, extentsOf(keptDims));
  positions.resize(space.reductions.size());
  for (auto [dim, position] : llvm::zip_equal(keptDims, kept))
    positions[dim] = position;
  return kept;
}

/// What starts a result is read where there is one: shares behind the last read the last's.
SmallVector<Value> GroupKernel::startsOf(KernelBuilder &kernel, ValueRange positions) {
  SmallVector<Value> starts;
  for (unsigned output : gathered)
    starts.push_back(initOf(kernel, output, positions));
  return anyOrder ? combiners.neutral(kernel.builder, loc, starts) : starts;
}

SmallVector<Value> GroupKernel::gather(KernelBuilder &kernel, Value lanes, ValueRange values) {
  Value size = kernel.extra(0);
  SmallVector<Value> rooms = sharedRooms(kernel);
  return isInner() ? gatherTeam(kernel, combiners, size, rooms, values)
                   : gatherColumns(kernel, combiners, size, lanes, rooms, values);
}

void GroupKernel::emitTeams(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  Value results = kernel.small(OpFoldResult(arguments->words[0]));
  Value count = kernel.small(OpFoldResult(arguments->words[1]));
  Value parts = kernel.extra(1);
  Share share = emitShares(kernel, anyOrder && !isInner(), kernel.extra(0), results, parts);
  SmallVector<Value> positions;
  SmallVector<Value> kept = positionsOfResult(kernel, share.result, positions);
  Value end = arith::SelectOp::create(builder, loc, share.exists, count, kernel.constant(0));
  Value first = kernel.add(kernel.mul(share.part, share.lanes), share.lane);
  auto loop = scf::ForOp::create(builder, loc, first, end, kernel.mul(parts, share.lanes),
                                 startsOf(kernel, positions));
  {
    OpBuilder::InsertionGuard inside(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> reduced = kernel.positionsOf(loop.getInductionVar(), extentsOf(reducedDims));
    for (auto [dim, position] : llvm::zip_equal(reducedDims, reduced))
      positions[dim] = position;
    scf::YieldOp::create(builder, loc,
                         emitPoint(kernel, positions, ValueRange(loop.getRegionIterArgs())));
  }
  if (!anyOrder) {
    storeResults(kernel, share.leads, kept, loop.getResults());
    return;
  }
  SmallVector<Value> totals = gather(kernel, share.lanes, loop.getResults());
  Value isOne =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, parts, kernel.constant(1));
  storeResults(kernel, arith::AndIOp::create(builder, loc, share.leads, isOne), kept, totals);
  Value isPart =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, parts, kernel.constant(1));
  auto branch =
      scf::IfOp::create(builder, loc, arith::AndIOp::create(builder, loc, share.leads, isPart),
                        /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  Value at = kernel.widen(kernel.add(kernel.mul(share.part, results), share.result));
  for (auto [number, total] : llvm::enumerate(totals))
    kernel.storeAt(total, kernel.extra(2 + number), at);
}

void GroupKernel::emitParts(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  Value results = kernel.small(OpFoldResult(arguments->words[0]));
  Value parts = kernel.extra(1);
  Share share = emitShares(kernel, !isInner(), kernel.extra(0), results, kernel.constant(1));
  SmallVector<Value> positions;
  SmallVector<Value> kept = positionsOfResult(kernel, share.result, positions);
  SmallVector<Value> starts = startsOf(kernel, positions);
  Value end = arith::SelectOp::create(builder, loc, share.exists, parts, kernel.constant(0));
  auto loop = scf::ForOp::create(builder, loc, share.lane, end, share.lanes, starts);
  {
    OpBuilder::InsertionGuard inside(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value at = kernel.widen(kernel.add(kernel.mul(loop.getInductionVar(), results), share.result));
    SmallVector<Value> loaded;
    for (auto [number, start] : llvm::enumerate(starts))
      loaded.push_back(kernel.loadAt(start.getType(), kernel.extra(2 + number), at));
    scf::YieldOp::create(
        builder, loc,
        combiners.combine(builder, loc, ValueRange(loop.getRegionIterArgs()), loaded));
  }
  storeResults(kernel, share.leads, kept, gather(kernel, share.lanes, loop.getResults()));
}

} // namespace mpy
