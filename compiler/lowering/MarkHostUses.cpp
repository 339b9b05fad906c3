// mark-host-uses: before the host looks at a buffer or changes it, it says so.
//
//   scf.for %i { memref.load %x[%i] }   ->   mpy.host_read %x;  scf.for %i { memref.load %x[%i] }
//   memref.store %v, %x[%i]             ->   mpy.host_write %x; memref.store %v, %x[%i]
//
// Entry: kernels and the host's bodies on owned buffers. Exit: each access of the host finds its
// copy right, and each change of it is known before a kernel asks for the buffer.
//
// A mark is left out where it is certain to do nothing: two facts of each buffer flow through the
// program, that the host's copy is right and that the device's is not. A buffer has one owner while
// it is written (OwnBuffers.cpp), so only kernels on the same value end the first; a kernel that
// reads, and whatever may let another value share the buffer, end the second. Marks leave loops in
// which nothing ends what they establish; those of a body that a kernel stands for do not, since
// they would bring home what the kernel works on.
#include "dialect/Device.h"
#include "lowering/KernelBuilder.h"
#include "lowering/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_MARKHOSTUSES
#include "lowering/Passes.h.inc"

namespace {
enum Use : unsigned {
  Reads = 1,
  Writes = 2,
  Overwrites = 4,
  KernelReads = 8,
  KernelWrites = 16,
  Shares = 32
};

struct Facts {
  bool hostIsRight = false, deviceIsStale = false;
};
using State = llvm::DenseMap<Value, Facts>;

/// What an operation does with a view, and its root.
struct BufferUse {
  Value root;
  unsigned how;
};
} // namespace

/// The kernel whose work a branch does on the host, or null.
static KernelOp kernelOf(scf::IfOp branch) {
  auto negation = branch.getCondition().getDefiningOp<arith::XOrIOp>();
  return negation ? negation.getLhs().getDefiningOp<KernelOp>() : KernelOp();
}

static void usesOfHostWork(Operation *op, llvm::function_ref<void(Value, unsigned)> add) {
  auto written = [&](Value view, bool isRead) {
    add(view, view == rootOf(view) && !isRead ? Overwrites : Writes);
  };
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    for (Value input : generic.getInputs())
      add(input, Reads);
    for (auto [number, output] : llvm::enumerate(generic.getOutputs())) {
      unsigned operand = generic.getNumDpsInputs() + number;
      // Where nothing is gathered, what was there before stays.
      bool isGathered =
          generic.getIndexingMapsArray()[operand].getNumResults() != generic.getNumLoops();
      bool isRead = !generic.getRegion().front().getArgument(operand).use_empty();
      written(output, isGathered || isRead);
    }
    generic.getRegion().walk([&](memref::LoadOp load) { add(load.getMemref(), Reads); });
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    written(fill.getOutputs()[0], false);
  } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    add(copy.getSource(), Reads);
    written(copy.getTarget(), false);
  } else if (auto product = dyn_cast<GemmOp>(op)) {
    add(product.getX(), Reads);
    add(product.getY(), Reads);
    written(product.getOut(), false);
  } else if (auto sort = dyn_cast<ArgsortRowsOp>(op)) {
    add(sort.getX(), Reads);
    written(sort.getOut(), false);
  } else if (auto transform = dyn_cast<FourierRowsOp>(op)) {
    add(transform.getX(), Reads);
    written(transform.getOut(), false);
  }
}

/// Calls `found` with every buffer that one operation uses, nested ones of other operations left
/// out.
static void forEachUse(Operation *op, llvm::function_ref<void(Value, unsigned)> found) {
  auto add = [&](Value view, unsigned how) {
    if (isa<MemRefType>(view.getType()))
      found(view, how);
  };
  if (isa<linalg::GenericOp, linalg::FillOp, memref::CopyOp, GemmOp, ArgsortRowsOp, FourierRowsOp>(
          op))
    return usesOfHostWork(op, add);
  if (auto kernel = dyn_cast<KernelOp>(op)) {
    for (auto [view, access] : llvm::zip(kernel.getBuffers(), kernel.getAccess()))
      add(view, access & kernelWrites ? KernelWrites : KernelReads);
    return;
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return add(load.getMemref(), Reads);
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return add(store.getMemref(), Writes);
  if (isa<memref::DimOp, memref::SubViewOp, memref::CastOp, memref::CollapseShapeOp,
          memref::ExpandShapeOp, memref::ReinterpretCastOp, memref::TransposeOp,
          memref::ExtractStridedMetadataOp, UnrealizedConversionCastOp, memref::DeallocOp,
          ReleaseOp, IsUniqueOp>(op))
    return;
  // What is handed on may be shared; what the runtime is given is read; all else may be changed.
  unsigned how = isa<BufferCallOp>(op) ? Reads
                 : isa<RetainOp, func::CallOp, func::ReturnOp, scf::ForOp, scf::WhileOp,
                       scf::YieldOp, scf::ConditionOp, TapePushOp, arith::SelectOp>(op)
                     ? Shares
                     : Writes;
  for (Value operand : op->getOperands())
    add(operand, how);
}

namespace {
class Marker {
public:
  explicit Marker(func::FuncOp function) : builder(function.getContext()) {
    function.walk([&](arith::SelectOp select) {
      if (!isa<MemRefType>(select.getType()))
        return;
      for (Value value : {select.getResult(), select.getTrueValue(), select.getFalseValue()})
        mixed.insert(rootOf(value));
    });
    State state;
    visitBlock(function.getBody().front(), state);
  }

private:
  static bool isOnDevices(Value root) {
    return isKernelElement(cast<MemRefType>(root.getType()).getElementType()) &&
           !root.getDefiningOp<memref::AllocaOp>() && !root.getDefiningOp<ConstantBufferOp>();
  }

  /// Values that may be one of two buffers, and those buffers: nothing is known of them.
  bool isMixed(Value root) const { return mixed.contains(root); }

  void use(Operation *before, Value view, unsigned how, State &state) {
    Value root = rootOf(view);
    if (!isOnDevices(root))
      return;
    Facts &facts = state[root];
    if (isMixed(root))
      facts = {};
    if (how & (KernelReads | KernelWrites | Shares)) {
      facts.deviceIsStale = false;
      if (how & KernelWrites)
        facts.hostIsRight = false;
      return;
    }
    bool writes = how & (Writes | Overwrites), overwrites = !(how & (Reads | Writes));
    if ((facts.hostIsRight || overwrites) && (facts.deviceIsStale || !writes)) {
      facts.hostIsRight = true;
      return;
    }
    builder.setInsertionPoint(before);
    if (writes)
      HostWriteOp::create(builder, before->getLoc(), root, overwrites);
    else
      HostReadOp::create(builder, before->getLoc(), root);
    facts.hostIsRight = true;
    facts.deviceIsStale |= writes;
  }

  void visitBlock(Block &block, State &state) {
    for (Operation &op : llvm::make_early_inc_range(block))
      visit(&op, state);
  }

  void visit(Operation *op, State &state) {
    if (isa<HostReadOp, HostWriteOp>(op))
      return;
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return visitIf(branch, state);
    if (isa<scf::ForOp, scf::WhileOp>(op))
      return visitLoop(op, state);
    if (auto kernel = dyn_cast<KernelOp>(op))
      beforeKernel[kernel] = state;
    // All uses of one operation at once: what it reads may be what it writes.
    llvm::MapVector<Value, unsigned> uses;
    forEachUse(op, [&](Value view, unsigned how) { uses[rootOf(view)] |= how; });
    for (auto [root, how] : uses)
      use(op, root, how, state);
    if (auto grown = dyn_cast<GrowOp>(op))
      state[grown.getResult()] = {true, true};
    // Nothing has looked at what was just made.
    if (isa<memref::AllocOp, BufferCallOp>(op))
      for (Value result : op->getResults())
        if (isa<MemRefType>(result.getType()))
          state[result] = {true, true};
  }

  static void meet(State &state, const State &other) {
    for (auto &[root, facts] : state) {
      Facts there = other.lookup(root);
      facts.hostIsRight &= there.hostIsRight;
      facts.deviceIsStale &= there.deviceIsStale;
    }
  }

  void visitIf(scf::IfOp branch, State &state) {
    KernelOp kernel = kernelOf(branch);
    State taken = kernel ? beforeKernel.lookup(kernel) : state, other = state;
    visitBlock(*branch.thenBlock(), taken);
    if (branch.elseBlock())
      visitBlock(*branch.elseBlock(), other);
    meet(taken, other);
    state = std::move(taken);
  }

  /// What happens to each buffer in a loop. `certain` are uses by the host that no kernel stands
  /// for.
  struct LoopUses {
    llvm::MapVector<Value, unsigned> all, certain;
  };

  static void collect(Operation *op, bool isForKernel, LoopUses &uses) {
    forEachUse(op, [&](Value view, unsigned how) {
      Value root = rootOf(view);
      uses.all[root] |= how;
      if (!isForKernel)
        uses.certain[root] |= how;
    });
    if (isa<linalg::GenericOp>(op))
      return;
    auto branch = dyn_cast<scf::IfOp>(op);
    bool inside = isForKernel || (branch && kernelOf(branch));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Operation &inner : block)
          collect(&inner, inside, uses);
  }

  void visitLoop(Operation *loop, State &state) {
    for (Value init : loop->getOperands())
      if (isa<MemRefType>(init.getType()))
        use(loop, init, Shares, state);
    LoopUses uses;
    for (Region &region : loop->getRegions())
      for (Operation &op : region.front())
        collect(&op, /*isForKernel=*/false, uses);
    for (auto [root, how] : uses.certain) {
      unsigned all = uses.all[root];
      bool isOutside = !loop->isAncestor(root.getParentBlock()->getParentOp());
      if (!isOutside || isMixed(root))
        continue;
      if (how & (Writes | Overwrites) && !(all & (KernelReads | KernelWrites | Shares)))
        use(loop, root, Writes, state);
      else if (how & Reads && !(all & KernelWrites))
        use(loop, root, Reads, state);
    }
    for (auto [root, how] : uses.all) {
      auto known = state.find(root);
      if (known == state.end())
        continue;
      if (how & KernelWrites)
        known->second.hostIsRight = false;
      if (how & (KernelReads | KernelWrites | Shares))
        known->second.deviceIsStale = false;
    }
    State inside = state;
    for (Region &region : loop->getRegions())
      visitBlock(region.front(), inside);
  }

  OpBuilder builder;
  llvm::DenseSet<Value> mixed;
  llvm::DenseMap<Operation *, State> beforeKernel;
};

struct MarkHostUsesPass : impl::MarkHostUsesBase<MarkHostUsesPass> {
  using MarkHostUsesBase::MarkHostUsesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    // Where nothing runs on a device, nothing lies there.
    for (auto kernels : module.getOps<gpu::GPUModuleOp>())
      if (kernels.getBody()->empty())
        return;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isDeclaration())
        Marker marker(function);
  }
};
} // namespace

} // namespace mpy
