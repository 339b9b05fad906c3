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
// neighbouring results.
#include "lowering/GroupKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

static constexpr int64_t threadsOfBlock = 256, lanesOfWarp = 32;

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

/// What all lanes of a team have together, in its first lane.
SmallVector<Value> GroupKernel::gatherTeam(KernelBuilder &kernel, ValueRange values) {
  SmallVector<Value> totals(values);
  Value team = kernel.extra(0);
  for (int64_t distance = lanesOfWarp / 2; distance > 0; distance /= 2)
    totals = changeIf(kernel, kernel.less(kernel.constant(distance), team), totals, [&] {
      SmallVector<Value> others;
      for (Value total : totals)
        others.push_back(shuffle(kernel, total, distance));
      return combiners.combine(kernel.builder, loc, totals, others);
    });
  return changeIf(kernel, kernel.less(kernel.constant(lanesOfWarp), team), totals,
                  [&] { return gatherBlock(kernel, totals); });
}

/// What the warps of a block have together.
SmallVector<Value> GroupKernel::gatherBlock(KernelBuilder &kernel, ValueRange values) {
  OpBuilder &builder = kernel.builder;
  Value warpSize = kernel.constant(lanesOfWarp), thread = kernel.thread();
  Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        kernel.remainder(thread, warpSize), kernel.constant(0));
  auto leads = scf::IfOp::create(builder, loc, isFirst, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(leads.thenBlock());
    Value warp = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                            kernel.divide(thread, warpSize));
    for (auto [number, value] : llvm::enumerate(values))
      memref::StoreOp::create(builder, loc, value, kernel.sharedMemory(number), ValueRange{warp});
  }
  gpu::BarrierOp::create(builder, loc);
  auto ofWarp = [&](int64_t warp) {
    Value index = arith::ConstantIndexOp::create(builder, loc, warp);
    SmallVector<Value> loaded;
    for (size_t number = 0; number < values.size(); ++number)
      loaded.push_back(memref::LoadOp::create(builder, loc, kernel.sharedMemory(number), index));
    return loaded;
  };
  SmallVector<Value> totals = ofWarp(0);
  for (int64_t warp = 1; warp < threadsOfBlock / lanesOfWarp; ++warp)
    totals = combiners.combine(builder, loc, totals, ofWarp(warp));
  // The next results must not overwrite these while they are read.
  gpu::BarrierOp::create(builder, loc);
  return totals;
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

namespace {
/// The results, or parts of them, that one team works on after the other.
struct TeamLoop {
  /// Every thread of a block makes the same rounds, so that all meet at barriers.
  TeamLoop(KernelBuilder &kernel, Value teams) {
    Value size = kernel.extra(0), thread = kernel.thread();
    Value perBlock = kernel.divide(kernel.constant(threadsOfBlock), size);
    lane = kernel.remainder(thread, size);
    Value own = kernel.divide(thread, size);
    Value grid = kernel.divide(kernel.threadsOfGrid(), size);
    loop = scf::ForOp::create(kernel.builder, kernel.loc, kernel.mul(kernel.block(), perBlock),
                              teams, grid);
    kernel.builder.setInsertionPointToStart(loop.getBody());
    number = kernel.add(loop.getInductionVar(), own);
    exists = kernel.less(number, teams);
    Value isLane = arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::eq, lane,
                                         kernel.constant(0));
    leads = arith::AndIOp::create(kernel.builder, kernel.loc, exists, isLane);
  }
  scf::ForOp loop;
  Value lane, number, exists, leads;
};
} // namespace

void GroupKernel::emitTeams(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  Value results = kernel.small(OpFoldResult(arguments->words[0]));
  Value count = kernel.small(OpFoldResult(arguments->words[1]));
  Value size = kernel.extra(0), parts = kernel.extra(1);
  TeamLoop teams(kernel, kernel.mul(results, parts));
  Value result = kernel.remainder(teams.number, results),
        part = kernel.divide(teams.number, results);
  SmallVector<Value> kept = kernel.positionsOf(result, extentsOf(keptDims));
  SmallVector<Value> positions(space.reductions.size());
  for (auto [dim, position] : llvm::zip_equal(keptDims, kept))
    positions[dim] = position;
  Value end = arith::SelectOp::create(builder, loc, teams.exists, count, kernel.constant(0));
  // What starts a result is read where there is one: teams behind the last read the last's.
  SmallVector<Value> starts;
  for (unsigned output : gathered)
    starts.push_back(initOf(kernel, output, positions));
  if (anyOrder)
    starts = combiners.neutral(builder, loc, starts);
  auto loop = scf::ForOp::create(builder, loc, kernel.add(kernel.mul(part, size), teams.lane), end,
                                 kernel.mul(parts, size), starts);
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
    storeResults(kernel, teams.leads, kept, loop.getResults());
    return;
  }
  SmallVector<Value> totals = gatherTeam(kernel, loop.getResults());
  Value isOne =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, parts, kernel.constant(1));
  storeResults(kernel, arith::AndIOp::create(builder, loc, teams.leads, isOne), kept, totals);
  Value isPart =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ugt, parts, kernel.constant(1));
  auto branch =
      scf::IfOp::create(builder, loc, arith::AndIOp::create(builder, loc, teams.leads, isPart),
                        /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  for (auto [number, total] : llvm::enumerate(totals))
    kernel.storeAt(total, kernel.extra(2 + number), kernel.widen(teams.number));
}

void GroupKernel::emitParts(KernelBuilder &kernel) {
  OpBuilder &builder = kernel.builder;
  OpBuilder::InsertionGuard guard(builder);
  Value results = kernel.small(OpFoldResult(arguments->words[0]));
  Value size = kernel.extra(0), parts = kernel.extra(1);
  TeamLoop teams(kernel, results);
  Value result = kernel.remainder(teams.number, results);
  SmallVector<Value> kept = kernel.positionsOf(result, extentsOf(keptDims));
  SmallVector<Value> positions(space.reductions.size());
  for (auto [dim, position] : llvm::zip_equal(keptDims, kept))
    positions[dim] = position;
  SmallVector<Value> starts;
  for (unsigned output : gathered)
    starts.push_back(initOf(kernel, output, positions));
  starts = combiners.neutral(builder, loc, starts);
  Value end = arith::SelectOp::create(builder, loc, teams.exists, parts, kernel.constant(0));
  auto loop = scf::ForOp::create(builder, loc, teams.lane, end, size, starts);
  {
    OpBuilder::InsertionGuard inside(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value at = kernel.widen(kernel.add(kernel.mul(loop.getInductionVar(), results), result));
    SmallVector<Value> loaded;
    for (auto [number, start] : llvm::enumerate(starts))
      loaded.push_back(kernel.loadAt(start.getType(), kernel.extra(2 + number), at));
    scf::YieldOp::create(
        builder, loc,
        combiners.combine(builder, loc, ValueRange(loop.getRegionIterArgs()), loaded));
  }
  storeResults(kernel, teams.leads, kept, gatherTeam(kernel, loop.getResults()));
}

} // namespace mpy
