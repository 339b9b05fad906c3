// A group of operations on rows as one kernel: a team of threads has a row and does all of it.
//
//   for row = team; row < rows; row += all teams
//     for each phase
//       for column = lane; column < columns; column += lanes    every member of the phase, in order
//       shuffles gather what the lanes have; every lane knows the values of the row
//
// What one phase computes for each element and a later one reads again stays in shared memory, at a
// place of the lane's own; only the last writer of a buffer stores to it. Where rows are too long
// for that, or too few to fill a device, the run time says so and the members run one by one.
#include "lowering/RowKernel.h"
#include "lowering/KernelTeams.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace mpy {
namespace {

/// Elements of 4 bytes in a sector of memory.
constexpr int64_t elementsOfSector = 8;

class RowKernel {
public:
  RowKernel(const RowGroup &group, OpBuilder &host)
      : group(group), host(host), loc(group.members.front().generic().getLoc()), arguments(host) {}

  KernelOp emit(gpu::GPUModuleOp kernels, StringRef name) {
    collectArguments();
    chooseStaged();
    SmallVector<Type> shared;
    for (const RowMember &member : group.members)
      for (unsigned output : member.gathered)
        shared.push_back(
            roomOfWarps(bodyOf(member).getArgument(operandOf(member, output)).getType()));
    KernelBuilder builder(kernels, name, loc, arguments, {host.getI32Type()}, shared);
    kernel = &builder;
    emitRows();
    builder.finish();
    SmallVector<int64_t> partials;
    if (stagedBytes)
      partials.push_back(stagedBytes);
    return KernelOp::create(host, loc, host.getI1Type(), host.getStringAttr(name),
                            arguments.buffers, arguments.words,
                            host.getI64IntegerAttr(static_cast<int64_t>(KernelForm::Rows)),
                            host.getDenseI64ArrayAttr(arguments.access),
                            host.getDenseI64ArrayAttr(partials), host.getBoolAttr(true));
  }

private:
  static Block &bodyOf(const RowMember &member) { return member.generic().getRegion().front(); }
  static unsigned operandOf(const RowMember &member, unsigned output) {
    return member.generic().getNumDpsInputs() + output;
  }
  static Value rootOfOperand(const RowMember &member, unsigned operand) {
    return rootOf(member.space.operands[operand]);
  }

  void addWord(Value value) {
    if (!matchPattern(value, m_Constant()))
      arguments.word(value);
  }

  void collectArguments() {
    const RowMember &first = group.members.front();
    SmallVector<Value> counts(2, arith::ConstantIndexOp::create(host, loc, 1));
    for (unsigned dim = 0; dim < group.allDims; ++dim) {
      Value extent = first.space.extentOf(host, loc, dim);
      hostExtents.push_back(extent);
      Value &count = counts[dim >= group.rowDims];
      count = host.createOrFold<arith::MulIOp>(loc, count, extent);
    }
    llvm::append_range(arguments.words, counts);
    for (const RowMember &member : group.members)
      collectArguments(member);
    for (Value extent : hostExtents)
      extents.push_back(arguments.extent(extent));
  }

  void collectArguments(const RowMember &member) {
    SmallVector<unsigned> &numbers = buffers.emplace_back();
    for (auto [number, operand] : llvm::enumerate(member.space.operands)) {
      numbers.push_back(0);
      bool isBuffer = isa<MemRefType>(operand.getType());
      if (!isBuffer)
        addWord(operand);
      if (!isBuffer || !member.accesses[number])
        continue;
      int64_t how = 0;
      Value root = rootOf(operand);
      if (member.reads(number) && !written.contains(root))
        how |= kernelReads;
      if (member.isOutput(number)) {
        how |= kernelWrites | (operand == root ? kernelOverwrites : 0);
        if (Value fill = member.fills[number - operandOf(member, 0)])
          addWord(fill);
        lastWriter[root] = &member;
        written.insert(root);
      }
      numbers.back() = arguments.buffer(operand, how);
    }
    visitUsedValuesDefinedAbove(*bodyOf(member).getParent(), [&](OpOperand *use) {
      if (isa<MemRefType>(use->get().getType()))
        arguments.buffer(use->get(), kernelReads);
      else
        addWord(use->get());
    });
  }

  /// Elements that a phase computes and a later one reads.
  void chooseStaged() {
    llvm::DenseMap<Value, unsigned> phaseOfValue;
    SmallVector<std::pair<int64_t, Value>> found;
    for (const RowMember &member : group.members) {
      for (auto [number, access] : llvm::enumerate(member.accesses)) {
        if (access != RowAccess::Elements || !member.reads(number))
          continue;
        Value root = rootOfOperand(member, number);
        auto computed = phaseOfValue.find(root);
        if (computed == phaseOfValue.end() || computed->second == member.phase ||
            !staged.try_emplace(root, 0).second)
          continue;
        found.push_back({bytesOfElement(cast<MemRefType>(root.getType()).getElementType()), root});
      }
      for (auto [number, access] : llvm::enumerate(member.accesses))
        if (access == RowAccess::Elements && member.isOutput(number))
          phaseOfValue[rootOfOperand(member, number)] = member.phase;
    }
    // The largest first, so that each is aligned.
    for (int64_t size : {8, 4, 2, 1})
      for (auto [bytes, root] : found)
        if (bytes == size) {
          staged[root] = stagedBytes;
          stagedBytes += bytes;
        }
  }

  void emitRows() {
    OpBuilder &builder = kernel->builder;
    OpBuilder::InsertionGuard guard(builder);
    ArrayRef<OpFoldResult> all(extents);
    Value rows = kernel->small(OpFoldResult(arguments.words[0])),
          columns = kernel->small(OpFoldResult(arguments.words[1]));
    team = kernel->extra(0);
    Value room, dynamic;
    if (stagedBytes) {
      // A multiple of 8, so that every row and array begins at one.
      Value more = kernel->add(team, kernel->constant(7));
      room = arith::AndIOp::create(builder, loc, kernel->add(columns, more), kernel->constant(-8));
      dynamic = kernel->dynamicMemory();
    }
    TeamLoop teams(*kernel, team, rows);
    leads = teams.leads;
    Value row = kernel->remainder(teams.number, rows);
    rowPositions = kernel->positionsOf(row, all.take_front(group.rowDims));
    // A row that begins within a sector is walked from where the sector begins, so that a warp
    // reads whole ones; its first lanes wait for the next round.
    Value mask = arith::MinUIOp::create(builder, loc, kernel->sub(team, kernel->constant(1)),
                                        kernel->constant(elementsOfSector - 1));
    shift = arith::AndIOp::create(builder, loc, kernel->mul(row, columns), mask);
    if (stagedBytes)
      for (auto &[root, offset] : staged) {
        Value place =
            kernel->mul(room, kernel->add(kernel->mul(teams.own, kernel->constant(stagedBytes)),
                                          kernel->constant(offset)));
        stages[root] = LLVM::GEPOp::create(builder, loc, dynamic.getType(), builder.getI8Type(),
                                           dynamic, ArrayRef<LLVM::GEPArg>{kernel->widen(place)});
      }
    Value end = arith::SelectOp::create(builder, loc, teams.exists, kernel->add(columns, shift),
                                        kernel->constant(0));
    for (unsigned phase = 0; phase <= group.members.back().phase; ++phase)
      emitPhase(phase, teams.lane, end);
  }

  /// The value of the row in a buffer; every lane reads what no member has computed.
  Value valueOfRow(const RowMember &member, unsigned number, unsigned operand) {
    Value &value = rowValues[member.space.operands[operand]];
    if (!value)
      value = kernel->load(buffers[number][operand], rowPositions);
    return value;
  }

  /// What an operand is at one element.
  Value elementOf(const RowMember &member, unsigned number, unsigned operand,
                  ValueRange positions) {
    Value buffer = member.space.operands[operand];
    if (!isa<MemRefType>(buffer.getType()))
      return kernel->valueOf(buffer);
    if (*member.accesses[operand] == RowAccess::Value)
      return valueOfRow(member, number, operand);
    if (*member.accesses[operand] == RowAccess::Elements) {
      Value root = rootOf(buffer);
      Value &value = elements[buffer];
      if (!value && computed.contains(root))
        value = kernel->loadAt(cast<MemRefType>(root.getType()).getElementType(), stages[root],
                               kernel->widen(slot));
      if (!value)
        value = kernel->load(buffers[number][operand], positions);
      return value;
    }
    SmallVector<Value> at;
    for (AffineExpr expression : member.space.maps[operand].getResults())
      at.push_back(positions[cast<AffineDimExpr>(expression).getPosition()]);
    return kernel->load(buffers[number][operand], at);
  }

  /// A member at one element, or at one row; returns what it yields.
  SmallVector<Value> emitBody(const RowMember &member, unsigned number, ValueRange positions,
                              ValueRange accumulators) {
    Block &body = bodyOf(member);
    IRMapping map;
    for (BlockArgument argument : body.getArguments()) {
      unsigned operand = argument.getArgNumber();
      if (argument.use_empty())
        continue;
      if (!member.isOutput(operand)) {
        map.map(argument, elementOf(member, number, operand, positions));
        continue;
      }
      unsigned output = operand - operandOf(member, 0);
      const auto *place = llvm::find(member.gathered, output);
      if (place != member.gathered.end())
        map.map(argument, accumulators[place - member.gathered.begin()]);
      else if (member.fills[output])
        map.map(argument, kernel->valueOf(member.fills[output]));
      else
        map.map(argument, elementOf(member, number, operand, positions));
    }
    for (Operation &inner : body.without_terminator())
      kernel->clone(inner, map, positions);
    return llvm::map_to_vector(body.getTerminator()->getOperands(), [&](Value value) {
      return map.contains(value) ? map.lookup(value) : kernel->valueOf(value);
    });
  }

  /// Members of a phase with their numbers.
  SmallVector<unsigned> membersOf(unsigned phase, bool perRow) const {
    SmallVector<unsigned> found;
    for (auto [number, member] : llvm::enumerate(group.members))
      if (member.phase == phase && member.isPerRow == perRow)
        found.push_back(number);
    return found;
  }

  /// What the members' accumulators start with.
  SmallVector<Value> startsOf(const RowMember &member, unsigned number) {
    SmallVector<Value> starts;
    for (unsigned output : member.gathered) {
      Value fill = member.fills[output];
      starts.push_back(fill ? kernel->valueOf(fill)
                            : valueOfRow(member, number, operandOf(member, output)));
    }
    return starts;
  }

  void emitPhase(unsigned phase, Value lane, Value end) {
    OpBuilder &builder = kernel->builder;
    SmallVector<unsigned> walking = membersOf(phase, /*perRow=*/false);
    SmallVector<SmallVector<Value>> starts;
    SmallVector<Value> neutral;
    for (unsigned number : walking) {
      const RowMember &member = group.members[number];
      // Before the walk, and once for all of it.
      for (auto [operand, access] : llvm::enumerate(member.accesses))
        if (access == RowAccess::Value && !member.isOutput(operand))
          valueOfRow(member, number, operand);
      starts.push_back(startsOf(member, number));
      llvm::append_range(neutral, member.combiners.neutral(builder, loc, starts.back()));
    }
    auto walk = scf::ForOp::create(builder, loc, lane, end, team, neutral);
    {
      OpBuilder::InsertionGuard inside(builder);
      builder.setInsertionPointToStart(walk.getBody());
      emitRound(walking, walk.getInductionVar(), walk.getRegionIterArgs());
    }
    for (unsigned number : walking)
      for (auto [operand, access] : llvm::enumerate(group.members[number].accesses))
        if (access == RowAccess::Elements && group.members[number].isOutput(operand))
          computed.insert(rootOfOperand(group.members[number], operand));
    ValueRange results = walk.getResults();
    for (auto [number, start] : llvm::zip_equal(walking, starts)) {
      gatherRow(group.members[number], number, start, results.take_front(start.size()));
      results = results.drop_front(start.size());
    }
    for (unsigned number : membersOf(phase, /*perRow=*/true)) {
      const RowMember &member = group.members[number];
      for (auto [output, value] : llvm::enumerate(emitBody(member, number, rowPositions, {})))
        keepRow(member, number, operandOf(member, output), value);
    }
  }

  /// One round of the walk, where the lane has an element in it.
  void emitRound(ArrayRef<unsigned> walking, Value place, ValueRange accumulators) {
    OpBuilder &builder = kernel->builder;
    Value isInside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::uge, place, shift);
    slot = place;
    auto branch = scf::IfOp::create(builder, loc, accumulators.getTypes(), isInside,
                                    /*withElseRegion=*/!accumulators.empty());
    {
      OpBuilder::InsertionGuard inside(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Value> next = emitElements(walking, kernel->sub(place, shift), accumulators);
      // What has no results has its end already.
      if (accumulators.empty())
        return;
      scf::YieldOp::create(builder, loc, next);
      builder.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(builder, loc, accumulators);
    }
    scf::YieldOp::create(builder, loc, branch.getResults());
  }

  /// All members that walk, at one element; returns the accumulators behind it.
  SmallVector<Value> emitElements(ArrayRef<unsigned> walking, Value column,
                                  ValueRange accumulators) {
    elements.clear();
    SmallVector<Value> positions(rowPositions), next;
    llvm::append_range(positions,
                       kernel->positionsOf(column, ArrayRef(extents).drop_front(group.rowDims)));
    for (unsigned number : walking) {
      const RowMember &member = group.members[number];
      SmallVector<Value> yielded =
          emitBody(member, number, positions, accumulators.take_front(member.gathered.size()));
      accumulators = accumulators.drop_front(member.gathered.size());
      for (auto [output, value] : llvm::enumerate(yielded)) {
        if (llvm::is_contained(member.gathered, output)) {
          next.push_back(value);
          continue;
        }
        unsigned operand = operandOf(member, output);
        Value root = rootOfOperand(member, operand);
        elements[member.space.operands[operand]] = value;
        if (staged.contains(root))
          kernel->storeAt(value, stages[root], kernel->widen(slot));
        if (lastWriter[root] == &member)
          kernel->store(value, buffers[number][operand], positions);
      }
    }
    elements.clear();
    return next;
  }

  void gatherRow(const RowMember &member, unsigned number, ValueRange starts, ValueRange values) {
    if (values.empty())
      return;
    SmallVector<Value> rooms;
    for (size_t each = 0; each < values.size(); ++each)
      rooms.push_back(kernel->sharedMemory(firstRoom++));
    SmallVector<Value> totals = gatherTeam(*kernel, member.combiners, team, rooms, values);
    totals = member.combiners.combine(kernel->builder, loc, starts, totals);
    for (auto [output, total] : llvm::zip_equal(member.gathered, totals))
      keepRow(member, number, operandOf(member, output), total);
  }

  /// A value of the row: all lanes know it, one stores it.
  void keepRow(const RowMember &member, unsigned number, unsigned operand, Value value) {
    Value root = rootOfOperand(member, operand);
    rowValues[member.space.operands[operand]] = value;
    if (lastWriter[root] != &member)
      return;
    auto branch = scf::IfOp::create(kernel->builder, loc, leads, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(kernel->builder);
    kernel->builder.setInsertionPointToStart(branch.thenBlock());
    kernel->store(value, buffers[number][operand], rowPositions);
  }

  const RowGroup &group;
  OpBuilder &host;
  Location loc;
  KernelArguments arguments;
  KernelBuilder *kernel = nullptr;
  SmallVector<Value> hostExtents;
  SmallVector<OpFoldResult> extents;
  /// The number of each operand's buffer, for each member.
  SmallVector<SmallVector<unsigned>> buffers;
  llvm::DenseSet<Value> written;
  llvm::DenseMap<Value, const RowMember *> lastWriter;
  /// Where the elements of a buffer are among the bytes of a column in shared memory.
  llvm::MapVector<Value, int64_t> staged;
  int64_t stagedBytes = 0;

  /// Of the walk: the columns by which it begins before its row, and where a lane keeps what it
  /// has in this round; no other lane uses the place, in any row.
  Value team, leads, shift, slot;
  SmallVector<Value> rowPositions;
  unsigned firstRoom = 0;
  llvm::DenseMap<Value, Value> stages;
  /// What is known of each view: members may read several views of one buffer, unless one of them
  /// writes to it.
  llvm::DenseMap<Value, Value> rowValues, elements;
  /// Buffers whose elements a phase before has computed.
  llvm::DenseSet<Value> computed;
};

} // namespace

KernelOp emitRowKernel(const RowGroup &group, OpBuilder &host, gpu::GPUModuleOp kernels,
                       StringRef name) {
  return RowKernel(group, host).emit(kernels, name);
}

} // namespace mpy
