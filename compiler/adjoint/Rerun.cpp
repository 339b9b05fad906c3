// A function -> the same without its effects, to be run again:
//
//   %g = runtime_effect "mpy_random_global"        %g = runtime_effect "mpy_random_global"
//   %x = runtime_effect "mpy_random_gauss"(%g)     %x = runtime_effect "mpy_random_gauss"(%g)
//   runtime_effect "mpy_write"(..)            ->
//
// Draws stay, for the values rest on them: who runs the function again sets the streams back first.
// Checks held the first time, and hold again.
#include "adjoint/Rerun.h"

#include "dialect/Fence.h"
#include "dialect/RuntimeFunctions.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// Random streams
//===------------------------------------------------------------------------------------------===//
static func::FuncOp calleeOf(Operation *op) {
  FlatSymbolRefAttr symbol;
  if (auto call = dyn_cast<func::CallOp>(op))
    symbol = call.getCalleeAttr();
  else if (auto call = dyn_cast<CheckpointOp>(op))
    symbol = call.getCalleeAttr();
  return symbol ? SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, symbol) : func::FuncOp();
}

static bool isOf(Operation *op, RuntimeState state) {
  auto effect = dyn_cast_or_null<RuntimeEffectOp>(op);
  return effect && stateOf(effect.getCallee()) == state;
}

namespace {
/// Follows streams back to where a function has them from.
class StreamSearch {
public:
  LogicalResult run(func::FuncOp function, Streams &streams);

private:
  LogicalResult follow(func::FuncOp function, Operation *user, Value handle, Streams &streams);
  bool push(func::FuncOp function, Value handle, SmallVectorImpl<Value> &open);
  llvm::DenseMap<Operation *, Streams> known;
};
} // namespace

/// Where a value of control flow comes from; false if it is none.
static bool pushSources(Value value, SmallVectorImpl<Value> &open) {
  Operation *op = value.getDefiningOp();
  unsigned number;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    op = argument.getOwner()->getParentOp();
    number = argument.getArgNumber();
    if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      if (argument.getOwner() == loop.getAfterBody())
        open.push_back(loop.getConditionOp().getArgs()[number]);
      else
        open.append({loop.getInits()[number], loop.getYieldOp().getOperand(number)});
      return true;
    }
    if (!isa<scf::ForOp>(op))
      return false;
    --number;
  } else {
    number = cast<OpResult>(value).getResultNumber();
  }
  if (auto loop = dyn_cast<scf::ForOp>(op))
    open.append({loop.getInitArgs()[number], loop.getYieldedValues()[number]});
  else if (auto loop = dyn_cast<scf::WhileOp>(op))
    open.push_back(loop.getConditionOp().getArgs()[number]);
  else if (auto branch = dyn_cast<scf::IfOp>(op))
    open.append({branch.thenYield().getOperand(number), branch.elseYield().getOperand(number)});
  else if (auto select = dyn_cast<arith::SelectOp>(op))
    open.append({select.getTrueValue(), select.getFalseValue()});
  else if (auto fence = dyn_cast<FenceOp>(op))
    open.push_back(fence.getValues()[number]);
  else
    return false;
  return true;
}

LogicalResult StreamSearch::follow(func::FuncOp function, Operation *user, Value handle,
                                   Streams &streams) {
  SmallVector<Value> open{handle};
  llvm::SmallPtrSet<Value, 8> seen;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    auto argument = dyn_cast<BlockArgument>(value);
    auto made = value.getDefiningOp<RuntimeEffectOp>();
    if (argument && argument.getOwner()->getParentOp() == function) {
      if (!llvm::is_contained(streams.arguments, argument.getArgNumber()))
        streams.arguments.push_back(argument.getArgNumber());
    } else if (made && made.getCallee() == "mpy_random_global") {
      APInt ofNumpy;
      bool isKnown = matchPattern(made.getInputs().front(), m_ConstantInt(&ofNumpy));
      streams.ofNumpy |= !isKnown || !ofNumpy.isZero();
      streams.ofPython |= !isKnown || ofNumpy.isZero();
    } else if (!isOf(made, RuntimeState::Random) && !pushSources(value, open)) {
      return user->emitError("E0531: ")
             << "what the reverse sweep runs again draws from a random stream that data choose; "
                "draw the numbers before, and pass them";
    }
  }
  return success();
}

LogicalResult StreamSearch::run(func::FuncOp function, Streams &streams) {
  if (auto it = known.find(function); it != known.end()) {
    streams = it->second;
    return success();
  }
  // A call of itself draws from what it draws from itself.
  known[function] = {};
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    if (isOf(op, RuntimeState::Random)) {
      auto effect = cast<RuntimeEffectOp>(op);
      // What is put back is no stream.
      for (Value input : effect.getInputs().take_front(1))
        if (isa<HandleType>(input.getType()))
          if (failed(follow(function, op, input, streams)))
            return WalkResult::interrupt();
      return WalkResult::advance();
    }
    func::FuncOp callee = calleeOf(op);
    if (!callee || callee.isExternal())
      return WalkResult::advance();
    Streams inner;
    if (failed(run(callee, inner)))
      return WalkResult::interrupt();
    streams.ofNumpy |= inner.ofNumpy;
    streams.ofPython |= inner.ofPython;
    for (unsigned index : inner.arguments)
      if (failed(follow(function, op, op->getOperand(index), streams)))
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  known[function] = streams;
  return failure(result.wasInterrupted());
}

FailureOr<Streams> mpy::findStreams(func::FuncOp function) {
  Streams streams;
  if (failed(StreamSearch().run(function, streams)))
    return failure();
  return streams;
}

SmallVector<Value> mpy::streamHandles(OpBuilder &builder, Location loc, const Streams &streams,
                                      ValueRange arguments) {
  SmallVector<Value> handles;
  for (unsigned index : streams.arguments)
    handles.push_back(arguments[index]);
  auto handle = HandleType::get(builder.getContext());
  for (auto [isAsked, ofNumpy] : {std::pair(streams.ofNumpy, 1), std::pair(streams.ofPython, 0)}) {
    if (!isAsked)
      continue;
    Value which = arith::ConstantIntOp::create(builder, loc, ofNumpy, 1);
    handles.push_back(RuntimeEffectOp::create(builder, loc, TypeRange(handle), "mpy_random_global",
                                              ValueRange(which), false)
                          .getResult(0));
  }
  return handles;
}

SmallVector<Value> mpy::saveStreams(OpBuilder &builder, Location loc, ValueRange handles) {
  return llvm::map_to_vector(handles, [&](Value handle) -> Value {
    return RuntimeEffectOp::create(builder, loc, TypeRange(handle.getType()), "mpy_random_save",
                                   ValueRange(handle), false)
        .getResult(0);
  });
}

void mpy::restoreStreams(OpBuilder &builder, Location loc, ValueRange handles, ValueRange saved) {
  for (auto [handle, state] : llvm::zip(handles, saved))
    RuntimeEffectOp::create(builder, loc, TypeRange(), "mpy_random_restore",
                            ValueRange{handle, state}, false);
}

//===------------------------------------------------------------------------------------------===//
// Effects
//===------------------------------------------------------------------------------------------===//
/// What cannot be asked for again, for the error.
static StringRef describe(RuntimeState state) {
  switch (state) {
  case RuntimeState::Files:
    return "reads files";
  case RuntimeState::Clock:
    return "reads a clock";
  case RuntimeState::Random:
    return "begins a random stream without a seed";
  default:
    return "asks for what happens outside of the program";
  }
}

/// Whether an effect is part of how values are computed.
static bool isPartOfValue(RuntimeEffectOp effect) {
  std::optional<RuntimeState> state = stateOf(effect.getCallee());
  return !state || *state == RuntimeState::Nothing || *state == RuntimeState::Random ||
         effect.getCallee() == "mpy_check_stack" || effect.getCallee() == "mpy_stack_is_low";
}

LogicalResult mpy::removeEffects(func::FuncOp function, const FindQuiet &findQuiet) {
  // From the end, so that what an effect alone has used is gone before what has made it.
  SmallVector<Operation *> operations;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op != function)
      operations.push_back(op);
  });
  SmallVector<Operation *> left;
  for (Operation *op : llvm::reverse(operations)) {
    if (auto fence = dyn_cast<FenceOp>(op)) {
      fence.replaceAllUsesWith(fence.getValues());
      fence.erase();
    } else if (isa<CheckOp>(op) || isOpTriviallyDead(op)) {
      op->erase();
    } else if (auto effect = dyn_cast<RuntimeEffectOp>(op); effect && !isPartOfValue(effect)) {
      if (effect.use_empty())
        effect.erase();
      else if (stateOf(effect.getCallee()) != RuntimeState::Options)
        left.push_back(effect);
    } else if (effect && effect.getCallee().ends_with("_entropy")) {
      left.push_back(effect);
    }
  }
  if (!left.empty()) {
    // In the order of the program.
    auto first = cast<RuntimeEffectOp>(left.back());
    return first.emitError("E0531: ")
           << "what the reverse sweep runs again " << describe(*stateOf(first.getCallee()))
           << "; do it outside, and pass the result to the function";
  }
  WalkResult result = function.walk([&](Operation *op) -> WalkResult {
    func::FuncOp callee = calleeOf(op);
    if (!callee || callee.isExternal())
      return WalkResult::advance();
    FailureOr<func::FuncOp> quiet = findQuiet(callee.getName());
    if (failed(quiet))
      return WalkResult::interrupt();
    auto symbol = FlatSymbolRefAttr::get((*quiet).getSymNameAttr());
    if (auto call = dyn_cast<func::CallOp>(op))
      call.setCalleeAttr(symbol);
    else
      cast<CheckpointOp>(op).setCalleeAttr(symbol);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
