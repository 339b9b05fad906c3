// map-to-gpu: operations on buffers get a second body, a kernel.
//
//   linalg.generic ins(%x) outs(%y)   ->   %ran = mpy.kernel "group_0"(%x, %y; %n)
//                                          scf.if (not %ran) { linalg.generic ins(%x) outs(%y) }
//
// Entry: linalg, copies and products on owned buffers. Exit: the same, and a gpu.module "kernels";
// what has no kernel is what it was. The run time takes the kernel where there is a device, the
// group is large or its data lie there already. A fill whose values a group starts with belongs to
// the group: the kernel knows the value, and the host fills where it runs.
#include "dialect/Device.h"
#include "lowering/Assignments.h"
#include "lowering/GroupKernel.h"
#include "lowering/Passes.h"
#include "lowering/ProductKernel.h"
#include "lowering/RowKernel.h"
#include "lowering/SerialKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_MAPTOGPU
#include "lowering/Passes.h.inc"

/// Whether the operation, or one inside it, has a view of the buffer among its operands.
static bool touches(Operation *op, Value root) {
  return op
      ->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (isa<MemRefType>(operand.getType()) && rootOf(operand) == root)
            return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

/// The fill that gives an output its values right before a group.
static linalg::FillOp fillOf(linalg::GenericOp op, Value output) {
  Value root = rootOf(output);
  for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before); fill && fill.getOutputs()[0] == output)
      return fill;
    if (touches(before, root))
      return {};
  }
  return {};
}

/// The fills that give an operation's outputs their values, null for the others.
static SmallVector<linalg::FillOp> fillsOf(linalg::GenericOp op) {
  SmallVector<linalg::FillOp> fills;
  for (Value output : op.getOutputs()) {
    linalg::FillOp fill = fillOf(op, output);
    // One fill may stand for one output alone.
    fills.push_back(llvm::is_contained(fills, fill) ? linalg::FillOp() : fill);
  }
  return fills;
}

static SmallVector<Value> valuesOf(ArrayRef<linalg::FillOp> fills) {
  return llvm::map_to_vector(
      fills, [](linalg::FillOp fill) { return fill ? fill.getInputs()[0] : Value(); });
}

namespace {
/// Operations of a block, one after the other, that may be one kernel on rows, and what is between
/// them.
class RowRun {
public:
  /// Goes on with the next operation of the block; false where the run ends before it.
  bool take(Operation *op) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      return takeGeneric(generic);
    if (isa<linalg::FillOp>(op)) {
      fills.push_back(op);
      return true;
    }
    if (isa<memref::DeallocOp, ReleaseOp>(op)) {
      later.push_back(op);
      return true;
    }
    // What chooses between buffers may hide which of them a member changes.
    bool choosesBuffer = isa<arith::SelectOp>(op) && isa<MemRefType>(op->getResult(0).getType());
    if (!isa<memref::AllocOp>(op) &&
        (choosesBuffer || op->getNumRegions() != 0 || !isMemoryEffectFree(op)))
      return false;
    earlier.push_back(op);
    return true;
  }

  /// A run that begins behind the members of this one.
  std::unique_ptr<RowRun> next() const {
    auto run = std::make_unique<RowRun>();
    run->fills = fills;
    run->earlier = earlier;
    run->later = later;
    return run;
  }

  /// Moves what is between the members out of their way.
  void clear() {
    for (Operation *op : before)
      op->moveBefore(work.front());
    for (Operation *op : llvm::reverse(behind))
      op->moveAfter(work.back());
  }

  RowGroup group;
  /// The members with their fills.
  SmallVector<Operation *> work;

private:
  bool takeGeneric(linalg::GenericOp generic) {
    SmallVector<linalg::FillOp> own = fillsOf(generic);
    bool takesAll = llvm::all_of(fills, [&](Operation *fill) {
      return llvm::is_contained(own, cast<linalg::FillOp>(fill));
    });
    if (!group.members.empty() && !takesAll)
      return false;
    for (linalg::FillOp &fill : own)
      if (fill && !llvm::is_contained(fills, fill.getOperation()))
        fill = {};
    if (!group.add(generic, valuesOf(own)))
      return false;
    for (Operation *fill : fills)
      if (llvm::is_contained(own, cast<linalg::FillOp>(fill)))
        work.push_back(fill);
    work.push_back(generic);
    // What is before the first member is in nobody's way.
    if (group.members.size() > 1) {
      before.append(earlier);
      behind.append(later);
    } else {
      before = ofFirst(earlier, work.front());
      behind = ofFirst(later, work.front());
    }
    fills.clear();
    earlier.clear();
    later.clear();
    return true;
  }

  static SmallVector<Operation *> ofFirst(ArrayRef<Operation *> ops, Operation *first) {
    return llvm::filter_to_vector(ops, [&](Operation *op) { return first->isBeforeInBlock(op); });
  }

  SmallVector<Operation *> fills, earlier, later, before, behind;
};

struct MapToGpuPass : impl::MapToGpuBase<MapToGpuPass> {
  using MapToGpuBase::MapToGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(module.getBody(), module.getBody()->end());
    kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), builder.getUnitAttr());
    expandIntegerProducts();
    module.walk([&](Block *block) { mapRows(*block); });
    SmallVector<Operation *> groups, others;
    module.walk([&](Operation *op) {
      if (isa<linalg::GenericOp>(op))
        groups.push_back(op);
      else if (isa<linalg::FillOp, memref::CopyOp, GemmOp>(op))
        others.push_back(op);
    });
    if (!groups.empty() || !others.empty())
      mapLoops();
    for (Operation *op : groups)
      mapGroup(cast<linalg::GenericOp>(op));
    for (Operation *op : others) {
      if (taken.contains(op))
        continue;
      if (auto product = dyn_cast<GemmOp>(op))
        mapProduct(product);
      else
        mapAssignment(op);
    }
  }

  /// Loops over single elements, for the case that what they change lies on the device.
  void mapLoops() {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (hasSerialKernel(loop))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      runElsewise(emitSerialKernel(loop, kernels, nextName("loop")), loop.getOperation());
  }

  /// Products of integers have no library: they are sums of products for host and device.
  void expandIntegerProducts() {
    SmallVector<GemmOp> products;
    getOperation().walk([&](GemmOp op) {
      if (!isa<FloatType>(cast<MemRefType>(op.getOut().getType()).getElementType()))
        products.push_back(op);
    });
    for (GemmOp op : products) {
      OpBuilder builder(op);
      expandProduct(builder, op);
      op.erase();
    }
  }

  void mapGroup(linalg::GenericOp op) {
    SmallVector<linalg::FillOp> fills = fillsOf(op);
    SmallVector<Value> values = valuesOf(fills);
    GroupKernel group(op, values);
    if (!group.exists())
      return;
    KernelOp kernel = group.emit(kernels, nextName("group"));
    SmallVector<Operation *> hostWork;
    for (linalg::FillOp fill : fills)
      if (fill)
        hostWork.push_back(fill);
    hostWork.push_back(op);
    runElsewise(kernel, hostWork);
    taken.insert_range(hostWork);
  }

  /// Operations on the same rows, one after the other, as one kernel; each keeps its own for rows
  /// that this one does not take.
  void mapRows(Block &block) {
    auto run = std::make_unique<RowRun>();
    auto finish = [&] {
      if (run->group.isWorthwhile())
        mapRun(*run);
      run = run->next();
    };
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (run->take(&op))
        continue;
      finish();
      run->take(&op);
    }
    finish();
  }

  void mapRun(RowRun &run) {
    run.clear();
    OpBuilder builder(run.work.front());
    runElsewise(emitRowKernel(run.group, builder, kernels, nextName("rows")), run.work);
  }

  void mapProduct(GemmOp op) {
    if (hasProductKernel(op))
      runElsewise(emitProductKernel(op, kernels, nextName("product")), op.getOperation());
  }

  /// Fills and copies.
  void mapAssignment(Operation *op) {
    OpBuilder builder(op);
    auto fill = dyn_cast<linalg::FillOp>(op);
    Value from = fill ? fill.getInputs()[0] : cast<memref::CopyOp>(op).getSource(),
          to = fill ? fill.getOutputs()[0] : cast<memref::CopyOp>(op).getTarget();
    linalg::GenericOp generic = assignAll(builder, op->getLoc(), from, to);
    Value none;
    GroupKernel group(generic, none);
    if (group.exists())
      runElsewise(group.emit(kernels, nextName(fill ? "fill" : "copy")), op);
    generic.erase();
  }

  std::string nextName(StringRef kind) { return (kind + "_" + Twine(count++)).str(); }

  /// The host does the work where the kernel did not run.
  static void runElsewise(KernelOp kernel, ArrayRef<Operation *> hostWork) {
    OpBuilder builder(hostWork.back());
    Location loc = kernel.getLoc();
    Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
    Value hostRuns = arith::XOrIOp::create(builder, loc, kernel.getRan(), yes);
    auto branch = scf::IfOp::create(builder, loc, hostRuns, /*withElseRegion=*/false);
    for (Operation *op : hostWork)
      op->moveBefore(branch.thenBlock()->getTerminator());
  }

  gpu::GPUModuleOp kernels;
  unsigned count = 0;
  llvm::SmallPtrSet<Operation *, 16> taken;
};
} // namespace

} // namespace mpy
