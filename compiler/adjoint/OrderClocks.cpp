// Checks that calls of the runtime are shared only where its functions allow it, and orders clocks.
//
// A reading of a clock -> the same between two fences, through which every value passes that was
// computed before and is used behind.
//
//   %start = runtime_effect "mpy_perf_counter"()       %x1 = fence %x
//   %y = mpy.exp %x                                    %start = runtime_effect ..
//   %stop = runtime_effect "mpy_perf_counter"()   ->   %x2 = fence %x1
//   %z = mpy.sum %y                                    %y = mpy.exp %x2
//                                                      %y1 = fence %y
//                                                      %stop = runtime_effect ..
//                                                      %y2 = fence %y1
//                                                      %z = mpy.sum %y2
//
// So the order is that of the data, and no pass has to know of clocks: what is fused, shared,
// hoisted or placed elsewhere stays between the readings where the program has it.
//
// Two more things would be invisible to a program that reads no clock. What nobody uses is kept by
// a fence: Python computes it. What is made of constants alone has no value to wait for: one of its
// constants passes a fence of its own.
#include "adjoint/Passes.h"

#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "dialect/RuntimeFunctions.h"
#include "mlir/IR/Dominance.h"

using namespace mlir;
using namespace mpy;

namespace mpy {
#define GEN_PASS_DEF_ORDERCLOCKS
#include "adjoint/Passes.h.inc"
} // namespace mpy

//===------------------------------------------------------------------------------------------===//
// Where clocks are read
//===------------------------------------------------------------------------------------------===//
/// The function that an operation calls or differentiates.
static StringRef calleeOf(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return call.getCallee();
  if (auto call = dyn_cast<CheckpointOp>(op))
    return call.getCallee();
  if (auto request = dyn_cast<GradientOp>(op))
    return request.getCallee();
  if (auto request = dyn_cast<TangentOp>(op))
    return request.getCallee();
  if (auto request = dyn_cast<BatchedOp>(op))
    return request.getCallee();
  return {};
}

namespace {
/// The operations that read a clock, themselves, inside, or in what they call.
struct Clocks {
  explicit Clocks(ModuleOp module);
  bool isClock(Operation *op) const { return clocks.contains(op); }
  bool isEmpty() const { return clocks.empty(); }

private:
  void add(Operation *op) {
    for (; op && !isa<ModuleOp>(op); op = op->getParentOp())
      if (!clocks.insert(op).second)
        return;
  }
  llvm::SmallPtrSet<Operation *, 32> clocks;
};
} // namespace

Clocks::Clocks(ModuleOp module) {
  SmallVector<std::pair<Operation *, StringRef>> calls;
  module.walk([&](Operation *op) {
    auto effect = dyn_cast<RuntimeEffectOp>(op);
    if (effect && stateOf(effect.getCallee()) == RuntimeState::Clock)
      add(op);
    if (StringRef callee = calleeOf(op); !callee.empty())
      calls.push_back({op, callee});
  });
  if (clocks.empty())
    return;
  for (bool changed = true; changed;) {
    size_t before = clocks.size();
    for (auto [op, name] : calls)
      if (clocks.contains(module.lookupSymbol(name)))
        add(op);
    changed = clocks.size() != before;
  }
}

//===------------------------------------------------------------------------------------------===//
// What counts as work
//===------------------------------------------------------------------------------------------===//
static bool isFloatOrArray(Type type) { return isa<RankedTensorType, FloatType>(type); }

static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Operations that make what others are told by: an array of one number, positions, the same
/// elements under another shape.
static bool isSetting(Operation *op) {
  return op->hasTrait<OpTrait::ConstantLike>() ||
         isa<BroadcastOp, IotaOp, ReshapeOp, TransposeOp, StretchOp, SliceOp, ExtractOp, CastOp,
             FromElementsOp, StringConstantOp, tensor::CastOp, tensor::DimOp>(op);
}

/// Whether the operation does what takes time: arithmetic of floats and arrays, loops, calls.
static bool isWork(Operation *op) {
  if (isSetting(op) || op->hasTrait<OpTrait::IsTerminator>() || isa<FenceOp, RuntimeEffectOp>(op))
    return false;
  return op->getNumRegions() != 0 || !calleeOf(op).empty() ||
         llvm::any_of(op->getResultTypes(), isFloatOrArray);
}

/// Whether a value that crosses a reading passes the fence. Extents and positions do not: they say
/// what arrays look like and cost nothing.
static bool isFenced(Value value) {
  if (isFloatOrArray(value.getType()))
    return !isConstant(value);
  Operation *op = value.getDefiningOp();
  return op && value.getType().isIntOrIndex() && (op->getNumRegions() || !calleeOf(op).empty());
}

//===------------------------------------------------------------------------------------------===//
// Fences
//===------------------------------------------------------------------------------------------===//
namespace {
/// One function that reads clocks, or what stands in it.
class ClockOrder {
public:
  ClockOrder(func::FuncOp function, const Clocks &clocks) : function(function), clocks(clocks) {}
  void run();

private:
  void keepUnused();
  void anchorConstants();
  bool anchor(Operation *op, unsigned depth = 0);
  void fence(Block &block);
  SmallVector<Value> crossing(Operation *clock);
  void passThrough(Operation *clock, ArrayRef<Value> values, ArrayRef<Value> kept, bool before);

  func::FuncOp function;
  const Clocks &clocks;
  /// Work that nobody uses, by the clock that keeps it.
  llvm::DenseMap<Operation *, SmallVector<Value>> unused;
  llvm::SmallPtrSet<Operation *, 32> anchored;
};
} // namespace

/// Calls `visit` for each operation that may stand between two readings of this function, in the
/// order of the program: behind its first one, or in a loop around one.
static void visitTimed(func::FuncOp function, const Clocks &clocks,
                       llvm::function_ref<void(Operation *)> visit) {
  bool begun = false;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    begun |= clocks.isClock(op) && op != function;
    if (begun)
      visit(op);
  });
}

/// The next operation of the block that reads a clock, or its terminator.
static Operation *nextReading(Operation *op, const Clocks &clocks) {
  do
    op = op->getNextNode();
  while (!clocks.isClock(op) && !op->hasTrait<OpTrait::IsTerminator>());
  return op;
}

void ClockOrder::keepUnused() {
  visitTimed(function, clocks, [&](Operation *op) {
    if (!isWork(op))
      return;
    ResultRange results = op->getResults();
    // Of a gradient its value is no more than a way there.
    if (auto request = dyn_cast<GradientOp>(op))
      results = results.take_back(request.getWrt().size());
    for (Value result : results)
      if (result.use_empty() && isFloatOrArray(result.getType()))
        unused[nextReading(op, clocks)].push_back(result);
  });
}

/// Gives an operation on constants alone one that passes a fence here; false if there is none.
bool ClockOrder::anchor(Operation *op, unsigned depth) {
  if (!anchored.insert(op).second)
    return true;
  auto pass = [&](OpOperand &operand) {
    OpBuilder builder(op);
    auto fence = FenceOp::create(builder, op->getLoc(), operand.get(), ValueRange());
    operand.set(fence.getResult(0));
    return true;
  };
  for (OpOperand &operand : op->getOpOperands())
    if (isConstant(operand.get()) && isFloatOrArray(operand.get().getType()))
      return pass(operand);
  // The bounds of a loop stay known; an int that it carries need not be.
  ValueRange carried;
  if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
    carried = loop.getInits();
  for (OpOperand &operand : op->getOpOperands())
    if (llvm::is_contained(carried, operand.get()) && isConstant(operand.get()) &&
        operand.getOperandNumber() >= op->getNumOperands() - carried.size())
      return pass(operand);
  constexpr unsigned deepest = 32;
  if (depth < deepest)
    for (Value operand : op->getOperands())
      if (Operation *definition = operand.getDefiningOp();
          definition && isMemoryEffectFree(definition) &&
          !definition->hasTrait<OpTrait::ConstantLike>() && anchor(definition, depth + 1))
        return true;
  return false;
}

/// Whether all that an operation reads, itself and inside, is constant.
static bool readsConstants(Operation *op, const llvm::SmallPtrSetImpl<Operation *> &constant) {
  return !op->walk([&](Operation *inner) {
              for (Value operand : inner->getOperands()) {
                Operation *definition = operand.getDefiningOp();
                if (!definition) {
                  Operation *owner = operand.getParentBlock()->getParentOp();
                  if (!op->isAncestor(owner))
                    return WalkResult::interrupt();
                } else if (!op->isProperAncestor(definition) && !constant.contains(definition)) {
                  return WalkResult::interrupt();
                }
              }
              return WalkResult::advance();
            }).wasInterrupted();
}

void ClockOrder::anchorConstants() {
  llvm::SmallPtrSet<Operation *, 32> constant;
  SmallVector<Operation *> work;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != function && isMemoryEffectFree(op) && readsConstants(op, constant))
      constant.insert(op);
  });
  visitTimed(function, clocks, [&](Operation *op) {
    bool isCall = !calleeOf(op).empty();
    if (isWork(op) && (constant.contains(op) || (isCall && readsConstants(op, constant))))
      work.push_back(op);
  });
  for (Operation *op : work) {
    // What was made of an anchored value waits with it.
    if (llvm::any_of(op->getOperands(), [&](Value operand) {
          Operation *definition = operand.getDefiningOp();
          return isa_and_nonnull<FenceOp>(definition) || anchored.contains(definition);
        })) {
      anchored.insert(op);
      continue;
    }
    anchor(op);
  }
}

/// The values that are known before a reading and used by it or behind it, in its block.
SmallVector<Value> ClockOrder::crossing(Operation *clock) {
  Block *block = clock->getBlock();
  llvm::SetVector<Value> values;
  for (Operation *op = clock; op; op = op->getNextNode())
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        if (!isFenced(operand) || values.contains(operand))
          continue;
        // Defined before: in an outer block, or in this one.
        Operation *definition = operand.getDefiningOp();
        Block *defined = operand.getParentBlock();
        bool isBefore = defined == block ? !definition || definition->isBeforeInBlock(clock)
                                         : !block->findAncestorOpInBlock(*defined->getParentOp());
        if (isBefore)
          values.insert(operand);
      }
    });
  return values.takeVector();
}

void ClockOrder::passThrough(Operation *clock, ArrayRef<Value> values, ArrayRef<Value> kept,
                             bool before) {
  OpBuilder builder(clock);
  if (!before)
    builder.setInsertionPointAfter(clock);
  auto fence = FenceOp::create(builder, clock->getLoc(), values, kept);
  Block *block = clock->getBlock();
  for (auto [value, result] : llvm::zip(values, fence.getResults()))
    Value(value).replaceUsesWithIf(result, [&](OpOperand &use) {
      Operation *here = block->findAncestorOpInBlock(*use.getOwner());
      return here && here != fence && fence->isBeforeInBlock(here);
    });
}

void ClockOrder::fence(Block &block) {
  SmallVector<Operation *> readings;
  for (Operation &op : block)
    if (clocks.isClock(&op))
      readings.push_back(&op);
  for (Operation *clock : readings) {
    passThrough(clock, crossing(clock), unused.lookup(clock), /*before=*/true);
    if (Operation *next = clock->getNextNode())
      passThrough(clock, crossing(next), {}, /*before=*/false);
  }
  for (Operation *clock : readings)
    for (Region &region : clock->getRegions())
      for (Block &inner : region)
        fence(inner);
}

void ClockOrder::run() {
  keepUnused();
  anchorConstants();
  // What is kept at the end of a block, where no clock follows.
  for (auto &[place, values] : unused)
    if (!clocks.isClock(place)) {
      OpBuilder builder(place);
      FenceOp::create(builder, place->getLoc(), ValueRange(), values);
    }
  for (Block &block : function.getBody())
    fence(block);
}

/// A function without a row, or whose row says that it reads or changes anything, could be shared
/// or moved across what it reads.
static LogicalResult verifyRow(Operation *op) {
  auto call = dyn_cast<RuntimeCallOp>(op);
  auto effect = dyn_cast<RuntimeEffectOp>(op);
  if (!call && !effect)
    return success();
  StringRef callee = call ? call.getCallee() : effect.getCallee();
  std::optional<RuntimeState> state = stateOf(callee);
  if (!state)
    return op->emitError("'") << callee << "' has no row in dialect/RuntimeFunctions.def";
  if (call && *state != RuntimeState::Nothing)
    return op->emitError("'") << callee << "' has an effect, but stands where calls are shared";
  return success();
}

namespace {
struct OrderClocks : mpy::impl::OrderClocksBase<OrderClocks> {
  void runOnOperation() override {
    WalkResult rows = getOperation().walk([](Operation *op) {
      return failed(verifyRow(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (rows.wasInterrupted())
      return signalPassFailure();
    Clocks clocks(getOperation());
    if (clocks.isEmpty())
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (clocks.isClock(function))
        ClockOrder(function, clocks).run();
  }
};
} // namespace
