// Answers, for a module in linalg form: whose buffer is this, who reads it, where is the last use.
//
// A tensor value is either the *root* of a buffer (a block argument, the result of an operation
// that computes), or a *view*: a slice, another shape or another static type of its source. A view
// that no stride can express (a slice flattened, say) is a root too: it will be copied. Reading an
// extent is not a use: a descriptor outlives its data.
#include "lowering/Ownership.h"
#include "dialect/Dialect.h"
#include "lowering/Extents.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;

namespace mpy {

/// Constants of at most this many equal elements are data rather than filled where they are used.
static constexpr int64_t constantFillLimit = 64;

bool ignoresInit(OpOperand &operand) {
  auto op = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!op || !op.isDpsInit(&operand))
    return false;
  if (isa<linalg::FillOp>(op))
    return true;
  // A loop that the result does not show may run no time, and leave what was there.
  return op.getMatchingBlockArgument(&operand).use_empty() &&
         op.getMatchingIndexingMap(&operand).getNumResults() == op.getNumLoops();
}

bool Ownership::isCounted(Type type) { return isa<RankedTensorType, StringType, HandleType>(type); }

Type Ownership::bufferType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  return type;
}

Ownership::Ownership(ModuleOp module) { inferBorrowedArguments(module); }

Use Ownership::useOf(OpOperand &operand) const {
  Operation *op = operand.getOwner();
  for (Value result : op->getResults()) {
    auto known = sources.find(result);
    if (known != sources.end() && known->second == operand.get())
      return Use::View;
  }
  if (isa<tensor::DimOp>(op) || ignoresInit(operand))
    return Use::Shape;
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return &operand == &insert.getDestMutable() ? Use::Consume : Use::Borrow;
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return &operand == &insert.getDestMutable() ? Use::Consume : Use::Borrow;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.isDpsInit(&operand) ? Use::Consume : Use::Borrow;
  if (auto call = dyn_cast<func::CallOp>(op))
    return borrows(call.getCallee(), operand.getOperandNumber()) ? Use::Borrow : Use::Consume;
  if (isa<scf::ForOp, scf::WhileOp, scf::YieldOp, scf::ConditionOp, func::ReturnOp, PushOp>(op))
    return Use::Consume;
  return Use::Borrow;
}

/// The source of a value that can be a view of it, else null.
Value Ownership::viewSource(Value value) {
  auto [known, isNew] = sources.try_emplace(value, Value());
  if (!isNew)
    return known->second;
  Value source;
  Operation *op = value.getDefiningOp();
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    source = slice.getSource();
  } else if (auto cast = dyn_cast_or_null<tensor::CastOp>(op)) {
    source = cast.getSource();
  } else if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op)) {
    if (succeeded(memref::ExpandShapeOp::computeExpandedType(viewType(expand.getSrc()),
                                                             expand.getResultType().getShape(),
                                                             expand.getReassociationIndices())))
      source = expand.getSrc();
  } else if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    if (memref::CollapseShapeOp::isGuaranteedCollapsible(viewType(collapse.getSrc()),
                                                         collapse.getReassociationIndices()))
      source = collapse.getSrc();
  } else if (auto reshape = dyn_cast_or_null<tensor::ReshapeOp>(op)) {
    if (viewType(reshape.getSource()).getLayout().isIdentity())
      source = reshape.getSource();
  }
  return sources[value] = source;
}

MemRefType Ownership::viewType(Value value) {
  auto tensor = cast<RankedTensorType>(value.getType());
  auto identity = cast<MemRefType>(bufferType(tensor));
  Value source = viewSource(value);
  if (!source)
    return identity;
  MemRefType from = viewType(source);
  Operation *op = value.getDefiningOp();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return memref::SubViewOp::inferRankReducedResultType(
        tensor.getShape(), from, slice.getMixedOffsets(), slice.getMixedSizes(),
        slice.getMixedStrides());
  if (isa<tensor::CastOp>(op))
    return from.getLayout().isIdentity()
               ? identity
               : MemRefType::get(tensor.getShape(), tensor.getElementType(), from.getLayout());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return *memref::ExpandShapeOp::computeExpandedType(from, tensor.getShape(),
                                                       expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return collapsedType(from, collapse.getReassociationIndices());
  return identity;
}

Value Ownership::root(Value value) {
  while (Value source = viewSource(value))
    value = source;
  return value;
}

bool Ownership::isWhole(Value value) {
  for (; Value source = viewSource(value); value = source)
    if (value.getDefiningOp<tensor::ExtractSliceOp>())
      return false;
  return true;
}

bool isRowsBox(Operation *op, RankedTensorType whole, OffsetSizeAndStrideOpInterface box) {
  auto isAll = [](ArrayRef<OpFoldResult> values, int64_t number) {
    return llvm::all_of(values,
                        [&](OpFoldResult value) { return isConstantIntValue(value, number); });
  };
  auto sizes = box.getMixedSizes();
  if (!isAll(box.getMixedOffsets(), 0) || !isAll(box.getMixedStrides(), 1) || sizes.empty())
    return false;
  if (op->hasAttr(rowsAttribute))
    return true;
  for (int64_t index = 1; index < whole.getRank(); ++index)
    if (whole.isDynamicDim(index) || getConstantIntValue(sizes[index]) != whole.getDimSize(index))
      return false;
  return true;
}

bool Ownership::isFirstRows(Value value) {
  for (; Value source = viewSource(value); value = source)
    if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
        slice && (slice.getType().getRank() != slice.getSourceType().getRank() ||
                  !isRowsBox(slice, slice.getSourceType(), slice)))
      return false;
  return true;
}

bool Ownership::isRemade(Value value) {
  auto known = remade.find(value);
  if (known != remade.end())
    return known->second;
  Operation *op = value.getDefiningOp();
  bool candidate = isa_and_nonnull<tensor::EmptyOp>(op);
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op))
    candidate = isa<RankedTensorType>(value.getType());
  else if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op))
    candidate =
        isa<SplatElementsAttr>(constant.getValue()) && isa<RankedTensorType>(value.getType());
  if (candidate)
    for (OpOperand &use : value.getUses()) {
      viewSource(use.getOwner()->getNumResults() ? use.getOwner()->getResult(0) : value);
      Use kind = useOf(use);
      candidate &= kind == Use::Shape || kind == Use::Consume;
    }
  return remade[value] = candidate;
}

bool Ownership::isUnowned(Value value) {
  if (isRemade(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<ub::PoisonOp, StringConstantOp>(op))
    return true;
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    return elements && (!elements.isSplat() || elements.getNumElements() <= constantFillLimit);
  }
  return false;
}

void Ownership::collectUses(Value value, SmallVectorImpl<OpOperand *> &found) {
  for (OpOperand &operand : value.getUses()) {
    for (Value result : operand.getOwner()->getResults())
      viewSource(result);
    switch (useOf(operand)) {
    case Use::View:
      collectUses(operand.getOwner()->getResult(0), found);
      break;
    case Use::Shape:
      break;
    case Use::Borrow:
    case Use::Consume:
      found.push_back(&operand);
      break;
    }
  }
}

ArrayRef<OpOperand *> Ownership::uses(Value root) {
  auto &list = useLists[root];
  if (!list) {
    list = std::make_unique<SmallVector<OpOperand *>>();
    // The list must not move while views are looked up.
    SmallVector<OpOperand *> found;
    collectUses(root, found);
    *useLists[root] = std::move(found);
  }
  return *useLists[root];
}

Operation *Ownership::lastUse(Value root, Block *block) {
  Operation *last = nullptr;
  for (OpOperand *use : uses(root)) {
    Operation *op = block->findAncestorOpInBlock(*use->getOwner());
    if (op && (!last || last->isBeforeInBlock(op)))
      last = op;
  }
  return last;
}

SmallVector<OpOperand *> Ownership::usesAt(Value root, Operation *op) {
  SmallVector<OpOperand *> found;
  for (OpOperand *use : uses(root))
    if (op->isAncestor(use->getOwner()))
      found.push_back(use);
  return found;
}

bool Ownership::borrows(StringRef function, unsigned argument) const {
  auto known = borrowedArguments.find(function);
  return known != borrowedArguments.end() && known->second[argument];
}

// Starts from "every private function only reads its arguments" and takes back what turns out
// consumed, until nothing changes: recursion that passes an array on unchanged stays a reader.
void Ownership::inferBorrowedArguments(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPrivate() && !function.isDeclaration())
      for (Type type : function.getArgumentTypes())
        borrowedArguments[function.getSymName()].push_back(isCounted(type));
  for (bool changed = true; changed;) {
    changed = false;
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!borrowedArguments.contains(function.getSymName()))
        continue;
      auto &borrowed = borrowedArguments[function.getSymName()];
      for (BlockArgument argument : function.getArguments()) {
        if (!borrowed[argument.getArgNumber()])
          continue;
        SmallVector<OpOperand *> found;
        collectUses(argument, found);
        // Taking a slice copies it, which only reads.
        if (llvm::any_of(found, [&](OpOperand *use) {
              return useOf(*use) == Use::Consume && isWhole(use->get());
            })) {
          borrowed[argument.getArgNumber()] = false;
          changed = true;
        }
      }
    }
  }
}

} // namespace mpy
