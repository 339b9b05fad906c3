// Calls that the reverse sweep runs again instead of keeping their steps.
//
// The arguments of a call are kept, and one function runs it again and sweeps back over it.
//
//   %y = checkpoint @f(%x)   ->   %y = checkpoint @f(%x)
//                                 ..
//                                 %x_bar = checkpoint @f_rerun(%x, %y_bar)
#include "adjoint/GenerateAdjoint.h"

#include "dialect/Fence.h"

using namespace mlir;
using namespace mpy;

static func::FuncOp calleeOf(CheckpointOp op) {
  return SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
}

CheckpointOp mpy::callAgain(OpBuilder &builder, Location loc, func::FuncOp callee,
                            ValueRange operands) {
  return CheckpointOp::create(builder, loc, callee.getFunctionType().getResults(),
                              FlatSymbolRefAttr::get(callee.getSymNameAttr()), operands);
}

LogicalResult ReverseSweep::sweepCheckpoint(CheckpointOp op) {
  SmallVector<Value> bars;
  CallAdjoints adjoints = passAdjoints(op, bars);
  if (bars.empty() || adjoints.arguments.empty())
    return success();
  FailureOr<Streams> streams = findStreams(calleeOf(op));
  if (failed(streams))
    return failure();
  FailureOr<func::FuncOp> rerun = partners.rerun(op.getCallee(), adjoints, /*fenced=*/true);
  if (failed(rerun))
    return failure();
  SmallVector<Value> &saved = savedStreams[op];
  if (saved.empty() && !streams->isEmpty()) {
    OpBuilder forward(op);
    saved = saveStreams(forward, loc(), streamHandles(forward, loc(), *streams, op.getInputs()));
  }
  auto operands = llvm::map_to_vector(op.getInputs(), [&](Value input) { return primal(input); });
  auto before = llvm::map_to_vector(saved, [&](Value state) { return primal(state); });
  SmallVector<Value> handles = streamHandles(opBuilder, loc(), *streams, operands);
  SmallVector<Value> present = saveStreams(opBuilder, loc(), handles);
  restoreStreams(opBuilder, loc(), handles, before);
  llvm::append_range(operands, bars);
  CheckpointOp reverse = callAgain(opBuilder, loc(), *rerun, operands);
  restoreStreams(opBuilder, loc(), handles, present);
  takeAdjoints(op, adjoints, reverse.getOutputs());
  return success();
}

/// A function's arguments pass a fence: what it computes is not what was computed before.
static void fenceArguments(func::FuncOp function) {
  Block &body = function.getBody().front();
  auto values = llvm::to_vector_of<Value>(llvm::make_filter_range(
      body.getArguments(), [](Value value) { return isDifferentiable(value.getType()); }));
  OpBuilder builder(&body, body.begin());
  auto fence = FenceOp::create(builder, unnamed(function.getLoc()), values, ValueRange());
  for (auto [value, passed] : llvm::zip(values, fence.getResults()))
    value.replaceAllUsesExcept(passed, fence);
}

LogicalResult mpy::generateRerun(func::FuncOp function, const CallAdjoints &adjoints, bool fenced,
                                 const Partners &partners) {
  countWhileLoops(function);
  FailureOr<SnapshotLoops> loops = outlineSteps(function, partners);
  if (failed(loops))
    return failure();
  Block &body = function.getBody().front();
  Operation *end = body.getTerminator();
  auto inputs = llvm::map_to_vector(
      adjoints.arguments, [&](int64_t index) -> Value { return body.getArgument(index); });
  auto outputs =
      llvm::map_to_vector(adjoints.results, [&](int64_t index) { return end->getOperand(index); });
  Activity activity(function, inputs, outputs);
  Location loc = unnamed(function.getLoc());
  markSweep(function, partners);
  OpBuilder builder(end);
  ReverseSweep sweep(builder, activity, loc, partners, *loops);
  Scope outermost;
  outermost.forward = outermost.reverse = &body;
  auto seeds = llvm::map_to_vector(outputs, [&](Value output) -> Value {
    return body.addArgument(output.getType(), output.getLoc());
  });
  for (int64_t index : adjoints.begun)
    outermost.bars[body.getArgument(index)] =
        body.addArgument(body.getArgument(index).getType(), loc);
  auto next = seeds.begin();
  if (failed(sweep.run(outermost, outputs, [&](Value) -> Value { return *next++; })))
    return failure();
  SmallVector<Value> results;
  for (Value input : inputs)
    results.push_back(sweep.finish(outermost, input));
  end->setOperands(results);
  threadTape(outermost, end);
  if (fenced)
    fenceArguments(function);
  function.setAllArgAttrs(ArrayRef<DictionaryAttr>());
  function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  function.setFunctionType(
      builder.getFunctionType(body.getArgumentTypes(), end->getOperandTypes()));
  return success();
}
