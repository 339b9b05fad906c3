// Finds operations, one after the other, that work on the same rows, as those of a softmax do.
//
//   m(i) max= x(i, j)                        ->   one group of two phases: a team that has row i
//   e(i, j) = exp(x(i, j) - m(i)), s(i) += e      gathers m(i), then walks the row again and
//   y(i, j) = e(i, j) / s(i)                      gathers s(i), then once more
//
// What members write is accessed by the others in their own row alone, at the element that the
// member is at or as the value of the row, so no team waits for another one.
#include "lowering/RowGroup.h"
#include "dialect/Device.h"
#include "lowering/GroupKernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mpy {

bool RowMember::reads(unsigned operand) const {
  if (!isOutput(operand))
    return true;
  unsigned output = operand - generic().getNumDpsInputs();
  if (fills[output])
    return false;
  return llvm::is_contained(gathered, output) ||
         !generic().getRegion().front().getArgument(operand).use_empty();
}

bool RowGroup::classify(RowMember &member) {
  linalg::GenericOp op = member.op;
  unsigned inputs = op.getNumDpsInputs(), loops = member.space.reductions.size();
  for (unsigned output = 0; output < op.getNumDpsInits(); ++output)
    if (member.space.maps[inputs + output].getNumResults() != loops)
      member.gathered.push_back(output);
  if (members.empty()) {
    rowDims = llvm::count(member.space.reductions, false);
    allDims = loops;
    if (rowDims == 0 || rowDims == allDims || member.gathered.empty())
      return false;
  }
  member.isPerRow = loops == rowDims;
  if (!member.isPerRow && loops != allDims)
    return false;
  for (unsigned dim = 0; dim < loops; ++dim)
    if (member.space.reductions[dim] != (dim >= rowDims && !member.gathered.empty()))
      return false;
  for (auto [number, map] : llvm::enumerate(member.space.maps)) {
    bool isUsed =
        isa<MemRefType>(member.space.operands[number].getType()) &&
        (member.isOutput(number) || !op.getRegion().front().getArgument(number).use_empty());
    bool inOrder = map == AffineMap::getMultiDimIdentityMap(loops, op.getContext())
                              .getMajorSubMap(map.getNumResults());
    std::optional<RowAccess> access;
    if (isUsed)
      access = inOrder && map.getNumResults() == rowDims   ? RowAccess::Value
               : inOrder && map.getNumResults() == allDims ? RowAccess::Elements
                                                           : RowAccess::Other;
    member.accesses.push_back(access);
  }
  return member.combiners.find(op, member.gathered);
}

bool RowGroup::hasExtentsOfGroup(const RowMember &member) {
  SmallVector<SmallVector<Extent>> found(member.space.reductions.size());
  for (auto [operand, map] : llvm::zip(member.space.operands, member.space.maps))
    for (auto [position, expression] : llvm::enumerate(map.getResults())) {
      auto type = cast<MemRefType>(operand.getType());
      unsigned dim = cast<AffineDimExpr>(expression).getPosition();
      int64_t place = static_cast<int64_t>(position);
      if (!type.isDynamicDim(position)) {
        found[dim].push_back({nullptr, type.getDimSize(position)});
        continue;
      }
      found[dim].push_back({operand.getAsOpaquePointer(), place});
      if (auto alloc = operand.getDefiningOp<memref::AllocOp>())
        found[dim].push_back(
            {alloc.getDynamicSizes()[type.getDynamicDimIndex(position)].getAsOpaquePointer(), -1});
    }
  if (members.empty())
    extents.resize(allDims);
  for (auto [known, mine] : llvm::zip(extents, found))
    if (!members.empty() &&
        llvm::none_of(mine, [&](Extent extent) { return known.contains(extent); }))
      return false;
  for (auto [known, mine] : llvm::zip(extents, found))
    known.insert_range(mine);
  return true;
}

bool RowGroup::isInRows(const RowMember &member, Buffers &known) {
  auto note = [&](Value view, RowAccess access, bool reads, bool writes) {
    auto [entry, isNew] = known.try_emplace(rootOf(view), Buffer{view, access});
    Buffer &buffer = entry->second;
    buffer.isOfRows &= access != RowAccess::Other && access == buffer.access && view == buffer.view;
    // A lane that reads a row's value and one that changes it are not in step.
    buffer.isReadBefore |= reads && !buffer.isWritten;
    buffer.isWritten |= writes;
    return !buffer.isWritten ||
           (buffer.isOfRows && !(access == RowAccess::Value && buffer.isReadBefore));
  };
  bool fits = true;
  for (auto [number, access] : llvm::enumerate(member.accesses))
    if (access && member.reads(number))
      fits &= note(member.space.operands[number], *access, /*reads=*/true, /*writes=*/false);
  member.generic().getRegion().walk([&](memref::LoadOp load) {
    fits &= note(load.getMemref(), RowAccess::Other, /*reads=*/true, /*writes=*/false);
  });
  for (auto [number, access] : llvm::enumerate(member.accesses))
    if (access && member.isOutput(number))
      fits &= note(member.space.operands[number], *access, /*reads=*/false, /*writes=*/true);
  return fits;
}

void RowGroup::placeInPhase(RowMember &member) {
  SmallVector<Value> reads, writes;
  for (auto [number, access] : llvm::enumerate(member.accesses)) {
    if (!access)
      continue;
    Value root = rootOf(member.space.operands[number]);
    (member.isOutput(number) ? writes : reads).push_back(root);
  }
  member.phase = members.empty() ? 0 : members.back().phase;
  if (member.isPerRow) {
    pending.insert_range(writes);
    behind.insert_range(reads);
    behind.insert_range(writes);
    return;
  }
  auto isIn = [](const auto &set) { return [&set](Value root) { return set.contains(root); }; };
  if (llvm::any_of(reads, isIn(pending)) || llvm::any_of(writes, isIn(pending)) ||
      llvm::any_of(writes, isIn(behind))) {
    ++member.phase;
    pending.clear();
    behind.clear();
  }
  for (unsigned output : member.gathered)
    pending.insert(rootOf(member.space.operands[member.op.getNumDpsInputs() + output]));
}

bool RowGroup::add(linalg::GenericOp op, ArrayRef<Value> fills) {
  RowMember member(op);
  member.fills.assign(fills.begin(), fills.end());
  if (!GroupKernel(op, fills).exists() || !classify(member))
    return false;
  Buffers known = buffers;
  if (!isInRows(member, known) || !hasExtentsOfGroup(member))
    return false;
  buffers = std::move(known);
  placeInPhase(member);
  members.push_back(std::move(member));
  return true;
}

} // namespace mpy
