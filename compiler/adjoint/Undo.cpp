// An array that a loop changes part by part -> its versions, from the end of the body to its
// beginning:
//
//   for i { %1 = insert %x into %0[%i]; %2 = if c { insert %y into %1[%j] } else { %1 } yield %2 }
//   =>  %2, %1, %0
//
// Going back over one of them costs what was replaced there, so the loop can be run backwards with
// the array in hand, and no copy of it is kept.
#include "adjoint/Undo.h"

using namespace mlir;
using namespace mpy;

SmallVector<LoopSlot> mpy::slotsOf(Operation *op) {
  SmallVector<LoopSlot> slots;
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    for (auto [init, inside, end, result] : llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(),
                                                      loop.getYieldedValues(), loop.getResults()))
      slots.push_back({init, inside, end, result});
  } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    for (auto [source, inside, result] :
         llvm::zip(loop.getConditionOp().getArgs(), loop.getAfterArguments(), loop.getResults())) {
      auto head = dyn_cast<BlockArgument>(source);
      if (head && head.getOwner() == loop.getBeforeBody())
        slots.push_back({loop.getInits()[head.getArgNumber()], inside,
                         loop.getYieldOp().getOperand(head.getArgNumber()), result});
    }
  }
  return slots;
}

/// The first version before `version` that is not made in `region`.
static Value leaveRegion(Region &region, Value version, SmallVectorImpl<Value> &inner) {
  while (version && region.isAncestor(version.getParentRegion())) {
    inner.push_back(version);
    version = isa<BlockArgument>(version) ? Value() : previousVersion(version, inner);
  }
  return version;
}

/// Whether a slot goes from the end of the body back to its beginning.
static bool closes(LoopSlot slot, SmallVectorImpl<Value> &inner) {
  Region *region = slot.inside.getParentRegion();
  Value version = slot.end;
  while (version && version != slot.inside && region->isAncestor(version.getParentRegion())) {
    inner.push_back(version);
    version = isa<BlockArgument>(version) ? Value() : previousVersion(version, inner);
  }
  inner.push_back(slot.inside);
  return version == slot.inside;
}

Value mpy::previousVersion(Value version, SmallVectorImpl<Value> &inner) {
  Operation *op = version.getDefiningOp();
  if (!op || !isa<RankedTensorType>(version.getType()))
    return {};
  if (auto update = dyn_cast<PartialUpdateOpInterface>(op))
    return update.changedArray();
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return cast.getSource();
  unsigned number = cast<OpResult>(version).getResultNumber();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Value first = leaveRegion(branch.getThenRegion(), branch.thenYield().getOperand(number), inner);
    Value second =
        leaveRegion(branch.getElseRegion(), branch.elseYield().getOperand(number), inner);
    return first == second ? first : Value();
  }
  for (const LoopSlot &slot : slotsOf(op))
    if (slot.result == version)
      return closes(slot, inner) ? slot.init : Value();
  return {};
}

void Undo::add(Operation *loop) {
  for (LoopSlot slot : slotsOf(loop)) {
    auto type = dyn_cast<RankedTensorType>(slot.inside.getType());
    if (!type || type.getRank() == 0 || slot.end == slot.inside || numbers.contains(slot.inside))
      continue;
    Array array;
    array.loop = loop;
    if (!closes(slot, array.versions))
      continue;
    for (Value version : array.versions)
      numbers[version] = arrays.size();
    // Whoever needs what the loop gives keeps that.
    array.versions.push_back(slot.result);
    arrays.push_back(std::move(array));
  }
}

void Undo::want(Value version) {
  if (auto number = numbers.find(version); number != numbers.end())
    arrays[number->second].isWanted = true;
}

bool Undo::trackWanted(Operation *loop) {
  bool isNew = false;
  for (Array &array : arrays) {
    if (array.loop != loop || !array.isWanted || array.isTracked)
      continue;
    array.isTracked = isNew = true;
    tracked.insert(array.versions.begin(), array.versions.end());
  }
  return isNew;
}
