// A function -> the same function followed by its reverse sweep, which returns gradients.
#include "adjoint/GenerateAdjoint.h"

#include "dialect/Fence.h"
#include "dialect/Formula.h"
#include "support/Externs.h"

using namespace mlir;
using namespace mpy;

Location mpy::unnamed(Location location) {
  if (auto named = dyn_cast<NameLoc>(location))
    return unnamed(named.getChildLoc());
  return location;
}

/// What a program calls a function of the runtime: `mpy_math_gamma` is `math.gamma`.
static std::string sourceName(StringRef callee) {
  callee.consume_front("mpy_");
  auto [module, name] = callee.split('_');
  return name.empty() ? callee.str() : (module + "." + name).str();
}

void mpy::refuseUnknown(Operation *op) {
  auto callee = op->getAttrOfType<StringAttr>("callee");
  if (auto outside = callee ? externOf(callee.getValue()) : std::nullopt)
    op->emitError("E0503: ") << "no derivative: the extern function '" << outside->first
                             << "' has no rule; give it one: f.defvjp(fwd, bwd)";
  else if (callee)
    op->emitError("E0502: ") << "'" << sourceName(callee.getValue()) << "' has no derivative";
  else
    op->emitError("E0502: ") << "'" << op->getName() << "' has no derivative";
}

//===------------------------------------------------------------------------------------------===//
// The sweep
//===------------------------------------------------------------------------------------------===//
LogicalResult ReverseSweep::sweep(Scope &inner) {
  Scope *outer = std::exchange(scope, &inner);
  Operation *user = current;
  auto operations =
      llvm::map_to_vector(inner.forward->without_terminator(), [](Operation &op) { return &op; });
  for (Operation *op : llvm::reverse(operations)) {
    bool isTracked = undo.isTracked(op);
    if (!activity.isActive(op) && !isTracked)
      continue;
    current = op;
    if (isTracked && op->getNumRegions() == 0)
      undoUpdate(op);
    if (!activity.isActive(op) && op->getNumRegions() == 0)
      continue;
    LogicalResult done = failure();
    if (op->getNumRegions() != 0)
      done = sweepControlFlow(op);
    else if (auto call = dyn_cast<func::CallOp>(op))
      done = sweepCall(call);
    else if (auto call = dyn_cast<CheckpointOp>(op))
      done = sweepCheckpoint(call);
    else if (auto rule = dyn_cast<DifferentiableOpInterface>(op))
      done = rule.buildAdjoint(*this);
    else
      refuseUnknown(op);
    if (failed(done))
      return failure();
  }
  scope = outer;
  current = user;
  return success();
}

void ReverseSweep::undoUpdate(Operation *op) {
  Value after = scope->available.lookup(op->getResult(0));
  assert(after && "the sweep has the version that it comes from");
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return scope->provide(cast.getSource(), conform(after, cast.getSource().getType()));
  auto update = cast<PartialUpdateOpInterface>(op);
  OpBuilder forward(op);
  Value replaced = scope->store(update.buildReplaced(forward));
  scope->provide(update.changedArray(), update.buildUndone(*this, after, replaced));
}

//===------------------------------------------------------------------------------------------===//
// What rules see
//===------------------------------------------------------------------------------------------===//
Location ReverseSweep::loc() { return current ? unnamed(current->getLoc()) : outside; }

LogicalResult ReverseSweep::refuse(StringRef reason) {
  return current->emitError("E0503: ") << "no derivative: " << reason;
}

Value ReverseSweep::extent(Value tensor, unsigned dimension) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dimension))
    return arith::ConstantIndexOp::create(opBuilder, loc(), type.getDimSize(dimension));
  Value &known = extents[{tensor, dimension}];
  if (!known)
    known = findExtent(tensor, dimension);
  if (!known) {
    OpBuilder forward(tensor.getContext());
    forward.setInsertionPointAfterValue(tensor);
    known = tensor::DimOp::create(forward, unnamed(tensor.getLoc()), tensor, dimension);
  }
  return primal(known);
}

Value ReverseSweep::conform(Value value, Type type) {
  if (value.getType() == type)
    return value;
  return tensor::CastOp::create(opBuilder, loc(), type, value);
}

/// The location of an adjoint: here, under the name of the source variable with `_bar`.
Location ReverseSweep::barLocation(Value primal) {
  auto name = dyn_cast<NameLoc>(primal.getLoc());
  return name ? NameLoc::get(opBuilder.getStringAttr(name.getName().getValue() + "_bar"), loc())
              : loc();
}

Value ReverseSweep::nameBar(Value bar, Value primal) {
  Operation *op = bar.getDefiningOp();
  if (op && op->getNumResults() == 1 && !isa<NameLoc>(op->getLoc()))
    op->setLoc(barLocation(primal));
  return bar;
}

void ReverseSweep::setBar(Value value, Value bar) {
  scope->bars[value] = nameBar(conform(bar, value.getType()), value);
}

void ReverseSweep::add(Value operand, Value contribution) {
  Value before = scope->bars.lookup(operand);
  if (before && !isa<TapeType>(operand.getType()))
    contribution =
        AddOp::create(opBuilder, loc(), before, conform(contribution, operand.getType()));
  setBar(operand, contribution);
}

Value ReverseSweep::barOrZeros(Value value) {
  if (Value known = scope->bars.lookup(value))
    return known;
  return makeZeros(*this, value);
}

void ReverseSweep::update(Value operand, llvm::function_ref<Value(Value)> rewrite) {
  setBar(operand, rewrite(barOrZeros(operand)));
}

//===------------------------------------------------------------------------------------------===//
// The function
//===------------------------------------------------------------------------------------------===//
/// 1 for a scalar result, ones for an array.
static Value makeOnes(ReverseSweep &sweep, Value result) {
  Value one = makeNumber(sweep, getElementTypeOrSelf(result), 1);
  return isa<RankedTensorType>(result.getType()) ? spread(sweep, one, result) : one;
}

LogicalResult ReverseSweep::run(Scope &outermost, ArrayRef<Value> outputs,
                                llvm::function_ref<Value(Value)> seed) {
  scope = &outermost;
  outermost.builder = &opBuilder;
  outermost.undo = &undo;
  for (Value output : outputs) {
    Value adjoint = seed(output);
    if (isActive(output))
      add(output, adjoint);
  }
  return sweep(outermost);
}

Value ReverseSweep::finish(Scope &outermost, Value input) {
  scope = &outermost;
  return barOrZeros(input);
}

void mpy::markSweep(func::FuncOp function, const Partners &partners) {
  if (!partners.marksSweeps)
    return;
  // Those of functions that this one has in it are no marks any more.
  function.walk([](FenceOp fence) {
    if (fence.getValues().empty() && fence.getKept().empty())
      fence.erase();
  });
  OpBuilder builder(function.getBody().front().getTerminator());
  FenceOp::create(builder, unnamed(function.getLoc()), ValueRange(), ValueRange());
}

LogicalResult mpy::generateAdjoint(func::FuncOp function, ArrayRef<int64_t> of,
                                   ArrayRef<int64_t> wrt, bool seeded, const Partners &partners) {
  countWhileLoops(function);
  FailureOr<SnapshotLoops> loops = outlineSteps(function, partners);
  if (failed(loops))
    return failure();
  Block &body = function.getBody().front();
  Operation *end = body.getTerminator();
  auto inputs =
      llvm::map_to_vector(wrt, [&](int64_t index) -> Value { return body.getArgument(index); });
  auto outputs = llvm::map_to_vector(of, [&](int64_t index) { return end->getOperand(index); });
  Activity activity(function, inputs, outputs);

  markSweep(function, partners);
  OpBuilder builder(end);
  ReverseSweep sweep(builder, activity, unnamed(function.getLoc()), partners, *loops);
  Scope outermost;
  outermost.forward = outermost.reverse = &body;
  if (failed(sweep.run(outermost, outputs, [&](Value output) -> Value {
        return seeded ? Value(body.addArgument(output.getType(), output.getLoc()))
                      : makeOnes(sweep, output);
      })))
    return failure();
  SmallVector<Value> results(end->getOperands());
  for (Value input : inputs)
    results.push_back(sweep.finish(outermost, input));
  end->setOperands(results);
  threadTape(outermost, end);
  function.setFunctionType(
      builder.getFunctionType(body.getArgumentTypes(), end->getOperandTypes()));
  return success();
}
