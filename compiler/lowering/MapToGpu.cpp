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

namespace {
struct MapToGpuPass : impl::MapToGpuBase<MapToGpuPass> {
  using MapToGpuBase::MapToGpuBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    OpBuilder builder(module.getBody(), module.getBody()->end());
    kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), "kernels");
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), builder.getUnitAttr());
    expandIntegerProducts();
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
    SmallVector<Value> values;
    SmallVector<linalg::FillOp> fills;
    for (Value output : op.getOutputs()) {
      linalg::FillOp fill = fillOf(op, output);
      // One fill may stand for one output alone.
      if (fill && llvm::is_contained(fills, fill))
        fill = {};
      values.push_back(fill ? fill.getInputs()[0] : Value());
      if (fill)
        fills.push_back(fill);
    }
    GroupKernel group(op, values);
    if (!group.exists())
      return;
    KernelOp kernel = group.emit(kernels, nextName("group"));
    SmallVector<Operation *> hostWork(fills.begin(), fills.end());
    hostWork.push_back(op);
    runElsewise(kernel, hostWork);
    taken.insert_range(hostWork);
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
