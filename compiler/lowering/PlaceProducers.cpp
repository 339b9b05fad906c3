// Before OwnBuffers: what computes a slice moves down to where the slice is inserted, so that no
// other reader of the destination lies between and the result can be computed in place.
//
//   %x = linalg.generic ..               %b1 = tensor.insert_slice %y into %b
//   %b1 = insert_slice %y into %b   ->   %x = linalg.generic ..
//   insert_slice %x into %b1             insert_slice %x into %b1
//
// A write to an array that is read later moves behind the readers, where it can be done in place.
// Extents move up to what they are computed from, so that a destination can be made before its
// first part.
//
// Not where something between consumes an operand of the producer: it could no longer be
// overwritten in place; and never across a fence.
#include "lowering/PlaceProducers.h"
#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "lowering/Ownership.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace mpy {

/// A choice between two counted values becomes a branch, which hands on one reference.
static void branchOnCountedSelects(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  module.walk([&](arith::SelectOp select) {
    if (!Ownership::isCounted(select.getType()) || isa<ShapedType>(select.getCondition().getType()))
      return;
    rewriter.setInsertionPoint(select);
    auto branch =
        scf::IfOp::create(rewriter, select.getLoc(), select.getType(), select.getCondition(), true);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(rewriter, select.getLoc(), select.getTrueValue());
    rewriter.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(rewriter, select.getLoc(), select.getFalseValue());
    rewriter.replaceOp(select, branch);
  });
}

/// From here on the only linalg operations are generic and fill.
static void generalizeNamedOps(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::LinalgOp> named;
  module.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp, linalg::FillOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}

/// What fences passed on has been put in order by now; an array goes on as what it is. Those that
/// nobody reads are kept by the fence, which still stands where it stood.
static void releaseFenced(ModuleOp module) {
  SmallVector<FenceOp> fences;
  module.walk([&](FenceOp fence) { fences.push_back(fence); });
  for (FenceOp fence : fences) {
    SmallVector<Value> values, kept;
    SmallVector<OpResult> results;
    for (auto [value, result] : llvm::zip(fence.getValues(), fence->getResults())) {
      if (Ownership::isCounted(value.getType())) {
        result.replaceAllUsesWith(value);
        continue;
      }
      values.push_back(value);
      results.push_back(result);
    }
    for (Value value : fence.getKept())
      if (value.hasOneUse() || !Ownership::isCounted(value.getType()))
        kept.push_back(value);
    OpBuilder builder(fence);
    auto scalars = FenceOp::create(builder, fence.getLoc(), values, kept);
    for (auto [result, passed] : llvm::zip(results, scalars.getResults()))
      result.replaceAllUsesWith(passed);
    fence.erase();
  }
}

/// Whether the order of what stands before and behind is the program's.
static bool holdsFence(Operation *op) {
  return op->walk([](FenceOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Whether the operation only reads arrays, or makes views of them.
static bool onlyReads(Operation &op) {
  return isa<tensor::ExtractOp, tensor::ExtractSliceOp, tensor::CollapseShapeOp,
             tensor::ExpandShapeOp, tensor::CastOp, tensor::DimOp, tensor::EmptyOp,
             linalg::GenericOp, linalg::FillOp, MatmulOp, RuntimeCallOp>(op);
}

static void sinkTo(Operation *producer, tensor::InsertSliceOp insert) {
  llvm::SmallPtrSet<Value, 8> read;
  for (Value operand : producer->getOperands())
    if (isa<RankedTensorType>(operand.getType())) {
      while (Operation *view = operand.getDefiningOp()) {
        if (!isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                 tensor::CastOp>(view))
          break;
        operand = view->getOperand(0);
      }
      read.insert(operand);
    }
  for (Operation *op = producer->getNextNode(); op != insert; op = op->getNextNode()) {
    if (onlyReads(*op))
      continue;
    if (holdsFence(op))
      return;
    bool touches = op->walk([&](Operation *inner) {
                       for (Value operand : inner->getOperands()) {
                         while (Operation *view = operand.getDefiningOp()) {
                           if (!isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp,
                                    tensor::ExpandShapeOp, tensor::CastOp>(view))
                             break;
                           operand = view->getOperand(0);
                         }
                         if (read.contains(operand))
                           return WalkResult::interrupt();
                       }
                       return WalkResult::advance();
                     }).wasInterrupted();
    if (touches)
      return;
  }
  producer->moveBefore(insert);
}

static void sinkProducers(ModuleOp module) {
  SmallVector<tensor::InsertSliceOp> inserts;
  module.walk([&](tensor::InsertSliceOp insert) { inserts.push_back(insert); });
  for (tensor::InsertSliceOp insert : inserts) {
    Operation *producer = insert.getSource().getDefiningOp();
    if (isa_and_nonnull<linalg::GenericOp, linalg::FillOp, MatmulOp>(producer) &&
        producer->hasOneUse() && producer->getNumResults() == 1 &&
        producer->getBlock() == insert->getBlock())
      sinkTo(producer, insert);
  }
}

/// Extents and the arrays made of them stand right after what they are computed from, so that a
/// destination is there when the first of its parts is computed.
static void raiseExtents(ModuleOp module) {
  module.walk([&](Operation *op) {
    // A loop or branch that computes one uses more than its operands.
    bool isExtent = isa<tensor::EmptyOp>(op) ||
                    (op->getNumResults() == 1 && op->getResult(0).getType().isIndex() &&
                     op->getNumRegions() == 0 && isPure(op) && !isa<tensor::DimOp>(op));
    if (!isExtent)
      return;
    Operation *last = nullptr;
    for (Value operand : op->getOperands())
      if (Operation *definition = operand.getDefiningOp();
          definition && definition->getBlock() == op->getBlock() &&
          (!last || last->isBeforeInBlock(definition)))
        last = definition;
    if (last && last->getNextNode() != op)
      op->moveAfter(last);
  });
}

/// The last operation of the block that reads a value or a view of it, itself or what it holds;
/// `except` is the write that is asked about.
static Operation *lastReader(Value value, Block *block, Operation *except) {
  Operation *last = nullptr;
  for (Operation *user : value.getUsers()) {
    Operation *here = block->findAncestorOpInBlock(*user);
    if (!here || user == except)
      continue;
    if (!last || last->isBeforeInBlock(here))
      last = here;
    if (here == user &&
        isa<tensor::ExtractSliceOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
            user))
      if (Operation *further = lastReader(user->getResult(0), block, except);
          further && last->isBeforeInBlock(further))
        last = further;
  }
  return last;
}

/// A write to an array that others read later moves behind them, so that it can be done in place.
static void delayWrites(ModuleOp module) {
  bool hasFences = holdsFence(module);
  SmallVector<Operation *> writes;
  module.walk([&](Operation *op) {
    if (isa<tensor::InsertSliceOp, tensor::InsertOp>(op))
      writes.push_back(op);
  });
  for (Operation *write : llvm::reverse(writes)) {
    Block *block = write->getBlock();
    Value destination = isa<tensor::InsertOp>(write) ? cast<tensor::InsertOp>(write).getDest()
                                                     : cast<tensor::InsertSliceOp>(write).getDest();
    Operation *last = lastReader(destination, block, write);
    if (!last || !write->isBeforeInBlock(last) || last->hasTrait<OpTrait::IsTerminator>())
      continue;
    bool isFree = llvm::all_of(write->getUsers(), [&](Operation *user) {
      Operation *here = block->findAncestorOpInBlock(*user);
      return here && last->isBeforeInBlock(here);
    });
    for (Operation *op = write; hasFences && isFree && op != last; op = op->getNextNode())
      isFree = !holdsFence(op);
    if (isFree)
      write->moveAfter(last);
  }
}

void prepareForBuffers(ModuleOp module) {
  releaseFenced(module);
  branchOnCountedSelects(module);
  generalizeNamedOps(module);
  raiseExtents(module);
  delayWrites(module);
  sinkProducers(module);
}

} // namespace mpy
