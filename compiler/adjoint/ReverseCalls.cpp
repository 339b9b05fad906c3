// A call of a function that calls itself -> calls of two others, which share one tape.
//
//   %y = call @f(%x)     ->   %y, %tape1 = call @f_fwd(%x, %tape)
//                             %x_bar, %tape2 = call @f_rev(%y_bar, %x_bar_so_far, %tape1)
//
// f_fwd is f and pushes what f_rev needs; f_rev is the reverse sweep over it. There is a pair for
// each choice of adjoints that pass the call. The sum so far of an argument's adjoint goes in and
// comes out, so that what a call deep down adds to one element costs one element.
#include "adjoint/GenerateAdjoint.h"

#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

FunctionType mpy::reverseType(func::FuncOp callee, const CallAdjoints &adjoints) {
  FunctionType type = callee.getFunctionType();
  auto tape = TapeType::get(callee.getContext());
  SmallVector<Type> inputs, results;
  for (int64_t index : adjoints.results)
    inputs.push_back(type.getResult(index));
  for (int64_t index : adjoints.begun)
    inputs.push_back(type.getInput(index));
  inputs.push_back(tape);
  for (int64_t index : adjoints.arguments)
    results.push_back(type.getInput(index));
  results.push_back(tape);
  return FunctionType::get(callee.getContext(), inputs, results);
}

CallAdjoints ReverseSweep::passAdjoints(Operation *call, SmallVectorImpl<Value> &operands) {
  CallAdjoints adjoints;
  for (OpResult result : call->getResults())
    if (Value bar = scope->bars.lookup(result); bar && isActive(result)) {
      adjoints.results.push_back(result.getResultNumber());
      operands.push_back(bar);
    }
  if (adjoints.results.empty())
    return adjoints;
  llvm::SmallPtrSet<Value, 4> begun;
  for (auto [index, operand] : llvm::enumerate(call->getOperands())) {
    if (!isActive(operand))
      continue;
    adjoints.arguments.push_back(index);
    Value bar = scope->bars.lookup(operand);
    // One that is passed twice hands its sum on once.
    if (bar && !isa<TapeType>(operand.getType()) && begun.insert(operand).second) {
      adjoints.begun.push_back(index);
      operands.push_back(bar);
    }
  }
  return adjoints;
}

void ReverseSweep::takeAdjoints(Operation *call, const CallAdjoints &adjoints, ValueRange bars) {
  // Sums that went in come out whole; all others are added to what is there by then.
  for (bool whole : {true, false})
    for (auto [index, bar] : llvm::zip(adjoints.arguments, bars)) {
      if (llvm::is_contained(adjoints.begun, index) != whole)
        continue;
      Value operand = call->getOperand(index);
      if (whole)
        setBar(operand, bar);
      else
        add(operand, bar);
    }
}

LogicalResult ReverseSweep::sweepCall(func::CallOp call) {
  SmallVector<Value> operands;
  CallAdjoints adjoints = passAdjoints(call, operands);
  if (operands.empty())
    return success();
  FailureOr<Twins> twins = partners.twins(call, adjoints);
  if (failed(twins))
    return failure();
  func::FuncOp reverseFunction = twins->reverse;
  auto reverse = func::CallOp::create(
      opBuilder, loc(), FlatSymbolRefAttr::get(reverseFunction.getSymNameAttr()),
      reverseFunction.getFunctionType().getResults().drop_back(), operands);
  takeAdjoints(call, adjoints, reverse.getResults());
  func::FuncOp forwardFunction = twins->forward;
  scope->children.push_back(
      {call, reverse, {}, FlatSymbolRefAttr::get(forwardFunction.getSymNameAttr())});
  return success();
}

LogicalResult mpy::generateTwins(Twins twins, const CallAdjoints &adjoints,
                                 const Partners &partners) {
  auto [forward, reverse] = twins;
  countWhileLoops(forward);
  FailureOr<SnapshotLoops> loops = outlineSteps(forward, partners);
  if (failed(loops))
    return failure();
  Block &body = forward.getBody().front(), &back = *reverse.addEntryBlock();
  Operation *end = body.getTerminator();
  auto inputs = llvm::map_to_vector(
      adjoints.arguments, [&](int64_t index) -> Value { return body.getArgument(index); });
  auto outputs =
      llvm::map_to_vector(adjoints.results, [&](int64_t index) { return end->getOperand(index); });
  Activity activity(forward, inputs, outputs);

  Location loc = unnamed(forward.getLoc());
  OpBuilder builder(forward.getContext());
  builder.setInsertionPointToStart(&back);
  auto backEnd = func::ReturnOp::create(builder, loc);
  builder.setInsertionPoint(backEnd);
  // The reverse sweep goes as deep as the forward one, and looks at the stack for itself.
  if (auto guard = dyn_cast<RuntimeEffectOp>(body.front());
      guard && (guard.getCallee() == "mpy_check_stack" || guard.getCallee() == "mpy_stack_is_low"))
    RuntimeEffectOp::create(builder, guard.getLoc(), TypeRange(), "mpy_check_stack", ValueRange(),
                            true);
  Scope outermost;
  outermost.forward = &body;
  outermost.reverse = &back;
  outermost.open(builder, loc);
  for (auto [index, sum] :
       llvm::zip(adjoints.begun, back.getArguments().drop_front(outputs.size())))
    outermost.bars[body.getArgument(index)] = sum;
  ReverseSweep sweep(builder, activity, loc, partners, *loops);
  auto seeds = back.getArguments().begin();
  if (failed(sweep.run(outermost, outputs, [&](Value) -> Value { return *seeds++; })))
    return failure();
  SmallVector<Value> results;
  for (Value input : inputs)
    results.push_back(sweep.finish(outermost, input));
  backEnd->setOperands(results);
  Value forwardTape = body.addArgument(TapeType::get(forward.getContext()), loc);
  threadTape(outermost, forwardTape, back.getArguments().back());
  forward.setAllArgAttrs(ArrayRef<DictionaryAttr>());
  forward.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  forward.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), end->getOperandTypes()));
  return success();
}
