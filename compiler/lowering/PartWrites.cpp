// Finds writes that could be done in place but for parts read before and used behind them:
//
//   %p = extract_slice %a          ->   %p = copy of extract_slice %a
//   %b = insert_slice %x into %a        %b = insert_slice %x into %a       in place
//   push %p                             push %p
#include "lowering/PartWrites.h"
#include "lowering/Extents.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {

static bool isView(Operation *op) {
  return isa_and_nonnull<tensor::ExtractSliceOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                         tensor::CastOp>(op);
}

Value storageOf(Value value) {
  while (isView(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

Value overwrittenBy(Operation *op) {
  if (auto write = dyn_cast<tensor::InsertSliceOp>(op))
    return write.getDest();
  if (auto write = dyn_cast<tensor::InsertOp>(op))
    return write.getDest();
  return {};
}

bool isUsedBehind(Value value, Operation *op) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    Operation *here = op->getBlock()->findAncestorOpInBlock(*user);
    return !here || op->isBeforeInBlock(here) ||
           (isView(user) && isUsedBehind(user->getResult(0), op));
  });
}

bool isOverwrittenBetween(Value value, Operation *from, Operation *to) {
  Block *block = from->getBlock();
  Value storage = storageOf(value);
  return block == to->getBlock() && llvm::any_of(storage.getUsers(), [&](Operation *user) {
           return user->getBlock() == block && overwrittenBy(user) == storage &&
                  from->isBeforeInBlock(user) && user->isBeforeInBlock(to);
         });
}

namespace {
enum class Order { Before, Same, Behind, Apart, Unknown };
} // namespace

/// When an operation runs, seen from another one; apart are those of which one runs only.
static Order orderOf(Operation *op, Operation *from) {
  for (Operation *around = from; around; around = around->getParentOp()) {
    Operation *here = around->getBlock() ? around->getBlock()->findAncestorOpInBlock(*op) : nullptr;
    if (!here)
      continue;
    if (here == around)
      return op == from ? Order::Same : isa<scf::IfOp>(here) ? Order::Apart : Order::Unknown;
    return around->isBeforeInBlock(here) ? Order::Behind : Order::Before;
  }
  return Order::Unknown;
}

/// Uses of parts of a value behind a write to it; false where the value itself is used there.
static bool collectLateUses(Value value, Operation *write, bool isPart,
                            SmallVectorImpl<OpOperand *> &late) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    Order order = orderOf(user, write);
    if (order == Order::Unknown)
      return false;
    if (order == Order::Behind) {
      if (!isPart)
        return false;
      late.push_back(&use);
    } else if (order == Order::Before && isView(user)) {
      bool smaller = isPart || isa<tensor::ExtractSliceOp>(user);
      if (!collectLateUses(user->getResult(0), write, smaller, late))
        return false;
    }
  }
  return true;
}

static Value copyOf(Value part) {
  OpBuilder builder(part.getContext());
  builder.setInsertionPointAfterValue(part);
  Location loc = part.getLoc();
  auto type = cast<RankedTensorType>(part.getType());
  Value fresh = emptyTensor(builder, loc, type, extentsOf(builder, loc, part));
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(), utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(
      builder, loc, TypeRange(type), ValueRange(part), ValueRange(fresh),
      ArrayRef<AffineMap>{identity, identity}, loops,
      [](OpBuilder &b, Location l, ValueRange in) { linalg::YieldOp::create(b, l, in.front()); });
  return copy.getResult(0);
}

/// Extents of an array that a part is written to are asked for before: they stay the same.
static void askBefore(Operation *write) {
  for (Operation *user : llvm::make_early_inc_range(overwrittenBy(write).getUsers())) {
    auto dim = dyn_cast<tensor::DimOp>(user);
    auto index = dim ? dim.getConstantIndex() : std::nullopt;
    if (!index || orderOf(dim, write) != Order::Behind ||
        !write->getBlock()->findAncestorOpInBlock(*dim))
      continue;
    OpBuilder builder(write);
    dim.replaceAllUsesWith(
        tensor::DimOp::create(builder, dim.getLoc(), dim.getSource(), *index).getResult());
    dim.erase();
  }
}

void copyOvertakenParts(ModuleOp module) {
  SmallVector<Operation *> writes;
  module.walk([&](Operation *op) {
    if (overwrittenBy(op))
      writes.push_back(op);
  });
  for (Operation *write : writes) {
    askBefore(write);
    SmallVector<OpOperand *> late;
    if (!collectLateUses(overwrittenBy(write), write, /*isPart=*/false, late))
      continue;
    llvm::DenseMap<Value, Value> copies;
    for (OpOperand *use : late) {
      Value &copy = copies[use->get()];
      if (!copy)
        copy = copyOf(use->get());
      use->set(copy);
    }
  }
}
} // namespace mpy
