// A function over arrays as values -> which updates may be done in place, as a person would.
//
//   %b = mpy.insert %v into %a[%i]      a is not used any more     =>   a[i] = v
//   push %a; %b = mpy.insert ..         the tape refers to a       =>   b = a.copy(); b[i] = v
//
// An array is owned where an operation made it and nothing else refers to it: no argument, no tape,
// no second name. A loop owns what it carries if each round owns what it yields; it begins with a
// copy where it does not own the initial array.
#include "source/Storage.h"

#include "dialect/Dialect.h"

using namespace mlir;
using namespace mpy;

bool mpy::isUpdate(Operation *op) { return isa<InsertOp, UpdateSliceOp, ScatterOp>(op); }

bool mpy::isView(Operation *op) {
  return op && isa<SliceOp, ReshapeOp, TransposeOp, FirstRowsOp, StretchOp, tensor::CastOp>(op);
}

static bool isTensor(Value value) { return isa<RankedTensorType>(value.getType()); }

static bool isPushed(Value value) {
  return llvm::any_of(value.getUsers(),
                      [](Operation *user) { return isa<PushOp, func::CallOp>(user); });
}

bool mpy::runsAfter(Operation *use, Operation *op) {
  for (Operation *outer = op; outer; outer = outer->getParentOp()) {
    Block *block = outer->getBlock();
    Operation *other = block ? block->findAncestorOpInBlock(*use) : nullptr;
    if (!other)
      continue;
    if (other != outer)
      return outer->isBeforeInBlock(other);
    // Both stand inside one operation, in different regions; or one is inside of the other.
    if (other == use || outer == op)
      return false;
    return !isa<scf::IfOp>(outer);
  }
  return true;
}

Storage::Storage(func::FuncOp function) {
  function.walk([&](Operation *op) {
    if (!isUpdate(op))
      return;
    Value array = op->getOperand(0);
    bool isRepeated = false;
    for (Operation *outer = op->getParentOp();
         outer && !outer->isAncestor(array.getParentBlock()->getParentOp());
         outer = outer->getParentOp())
      isRepeated |= isa<LoopLikeOpInterface>(outer);
    bool isUsed = llvm::any_of(array.getUses(), [&](OpOperand &use) {
      return use.getOwner() == op ? use.getOperandNumber() != 0 : runsAfter(use.getOwner(), op);
    });
    if (!isRepeated && !isUsed && !isPushed(array) && isOwned(array))
      inPlace.insert(op);
  });
  noteClasses(function);
}

bool Storage::isOwned(Value array) {
  auto [it, isNew] = owned.try_emplace(array, true);
  if (!isNew)
    return it->second;
  bool result = decideOwned(array);
  owned[array] = result;
  return result;
}

bool Storage::decideOwned(Value array) {
  auto isGiven = [&](Value yielded, Operation *end) {
    return isOwned(yielded) && !isPushed(yielded) && llvm::count(end->getOperands(), yielded) == 1;
  };
  if (auto argument = dyn_cast<BlockArgument>(array)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (!loop || argument.getArgNumber() == 0)
      return false;
    Value yielded = loop.getYieldedValues()[argument.getArgNumber() - 1];
    return yielded == array || (yielded.getParentBlock() == loop.getBody() &&
                                isGiven(yielded, loop.getBody()->getTerminator()));
  }
  auto result = cast<OpResult>(array);
  Operation *op = result.getOwner();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return isOwned(loop.getRegionIterArg(result.getResultNumber()));
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return llvm::all_of(
        ArrayRef<Operation *>{branch.thenYield(), branch.elseYield()}, [&](Operation *end) {
          Value yielded = end->getOperand(result.getResultNumber());
          return isGiven(yielded, end) && llvm::none_of(yielded.getUsers(), [&](Operation *user) {
                   return user != end && runsAfter(user, end);
                 });
        });
  return !isView(op) && !op->hasTrait<OpTrait::ConstantLike>() && op->getNumRegions() == 0 &&
         !isa<PopOp, func::CallOp>(op) && !(isa<BroadcastOp>(op) && isTensor(op->getOperand(0)));
}

void Storage::noteClasses(func::FuncOp function) {
  auto join = [&](Value a, Value b) {
    memory.unionSets(a.getAsOpaquePointer(), b.getAsOpaquePointer());
  };
  auto carries = [&](scf::ForOp loop, unsigned index) {
    bool found = false;
    Value carried = loop.getRegionIterArg(index);
    loop.walk([&](Operation *op) {
      found |= inPlace.contains(op) && memory.isEquivalent(op->getOperand(0).getAsOpaquePointer(),
                                                           carried.getAsOpaquePointer());
    });
    return found;
  };
  function.walk([&](Operation *op) {
    if (inPlace.contains(op) || isView(op))
      join(op->getResult(0), op->getOperand(0));
    if (auto loop = dyn_cast<scf::ForOp>(op))
      for (unsigned index = 0; index < loop.getNumRegionIterArgs(); ++index) {
        join(loop.getRegionIterArg(index), loop.getResult(index));
        join(loop.getRegionIterArg(index), loop.getYieldedValues()[index]);
      }
    if (auto branch = dyn_cast<scf::IfOp>(op))
      for (unsigned index = 0; index < branch.getNumResults(); ++index)
        for (Operation *end :
             {branch.thenYield().getOperation(), branch.elseYield().getOperation()})
          join(branch.getResult(index), end->getOperand(index));
  });
  function.walk([&](scf::ForOp loop) {
    for (auto [index, initial] : llvm::enumerate(loop.getInitArgs())) {
      if (!isTensor(initial) || !carries(loop, index))
        continue;
      if (isOwned(initial) && initial.hasOneUse() && initial.getParentBlock() == loop->getBlock())
        continue;
      copied.insert({loop, index});
    }
  });
  function.walk([&](scf::ForOp loop) {
    for (auto [index, initial] : llvm::enumerate(loop.getInitArgs()))
      if (!copied.contains({loop, index}))
        join(initial, loop.getRegionIterArg(index));
  });
  for (Operation *op : inPlace)
    changed.insert(memory.getLeaderValue(op->getOperand(0).getAsOpaquePointer()));
}

bool Storage::isChanged(Value value) const {
  auto leader = memory.findLeader(value.getAsOpaquePointer());
  return leader != memory.member_end() && changed.contains(*leader);
}
