// A function -> the same function that also pushes tangents from its arguments to its results.
//
//   func @f(%x) -> %y                 func @f_tangent(%x, %x_dot) -> (%y, %y_dot)
//     %y = mpy.sin %x          =>       %y = mpy.sin %x
//                                       %0 = mpy.cos %x
//                                       %y_dot = mpy.mul %x_dot, %0
//
// The sweep follows the program: after each operation stands what its rule makes of the tangents of
// its operands. Control flow carries tangents beside what it carries; nothing is stored. The
// tangent of a tape is a tape, so gradients can be pushed forward like any program.
#include "adjoint/GenerateTangent.h"

#include "adjoint/GenerateAdjoint.h"
#include "dialect/Dialect.h"
#include "dialect/Differentiable.h"
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

namespace {
class ForwardSweep : public TangentContext {
public:
  ForwardSweep(MLIRContext *context, const Activity &activity, const FindTangent &findTangent)
      : opBuilder(context), activity(activity), findTangent(findTangent) {}

  LogicalResult sweep(Block &block);
  Value tangent(Value operand) override { return tangents.lookup(operand); }
  Value tangentOrZeros(Value operand) override {
    Value known = tangents.lookup(operand);
    return known ? known : makeZeros(*this, operand);
  }
  void set(Value result, Value tangent) override;

  OpBuilder &builder() override { return opBuilder; }
  Location loc() override {
    return current ? unnamed(current->getLoc()) : opBuilder.getUnknownLoc();
  }
  Value primal(Value value) override { return value; }
  Value extent(Value tensor, unsigned dimension) override;
  LogicalResult refuse(StringRef reason) override {
    return current->emitError("E0503: ") << "no derivative: " << reason;
  }

  /// Where tangents are emitted from here on.
  void emitBefore(Operation *op) {
    current = op;
    opBuilder.setInsertionPoint(op);
  }

private:
  LogicalResult sweepBranches(scf::IfOp branch);
  LogicalResult sweepLoop(scf::ForOp loop);
  LogicalResult sweepLoop(scf::WhileOp loop);
  LogicalResult sweepCall(func::CallOp call);
  /// Appends the tangents of the listed operands to a terminator.
  void appendTangents(Operation *terminator, ArrayRef<Value> values);

  OpBuilder opBuilder;
  const Activity &activity;
  const FindTangent &findTangent;
  Operation *current = nullptr;
  llvm::DenseMap<Value, Value> tangents;
};
} // namespace

Value ForwardSweep::extent(Value tensor, unsigned dimension) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dimension))
    return arith::ConstantIndexOp::create(opBuilder, loc(), type.getDimSize(dimension));
  if (Value known = findExtent(tensor, dimension))
    return known;
  return tensor::DimOp::create(opBuilder, loc(), tensor, dimension);
}

void ForwardSweep::set(Value result, Value tangent) {
  if (tangent.getType() != result.getType())
    tangent = tensor::CastOp::create(opBuilder, loc(), result.getType(), tangent);
  auto name = dyn_cast<NameLoc>(result.getLoc());
  Operation *op = tangent.getDefiningOp();
  if (name && op && op->getNumResults() == 1 && !isa<NameLoc>(op->getLoc()))
    op->setLoc(NameLoc::get(opBuilder.getStringAttr(name.getName().getValue() + "_dot"), loc()));
  tangents[result] = tangent;
}

LogicalResult ForwardSweep::sweep(Block &block) {
  // Asked before anything is replaced: what ends a tape is active through its operand.
  SmallVector<Operation *> operations;
  for (Operation &op : block.without_terminator())
    if (activity.isActive(&op))
      operations.push_back(&op);
  for (Operation *op : operations) {
    current = op;
    opBuilder.setInsertionPointAfter(op);
    LogicalResult done =
        llvm::TypeSwitch<Operation *, LogicalResult>(op)
            .Case([&](scf::IfOp branch) { return sweepBranches(branch); })
            .Case([&](scf::ForOp loop) { return sweepLoop(loop); })
            .Case([&](scf::WhileOp loop) { return sweepLoop(loop); })
            .Case([&](func::CallOp call) { return sweepCall(call); })
            .Case([&](DifferentiableOpInterface rule) { return rule.buildTangent(*this); })
            .Default([](Operation *op) {
              refuseUnknown(op);
              return failure();
            });
    if (failed(done))
      return failure();
  }
  return success();
}

void ForwardSweep::appendTangents(Operation *terminator, ArrayRef<Value> values) {
  emitBefore(terminator);
  SmallVector<Value> appended =
      llvm::map_to_vector(values, [&](Value value) { return tangentOrZeros(value); });
  terminator->insertOperands(terminator->getNumOperands(), appended);
}

/// Replaces an operation by one with further results, and takes the tangents from these.
static void replaceWithTangents(Operation *old, Operation *grown, ArrayRef<unsigned> active,
                                llvm::DenseMap<Value, Value> &tangents) {
  grown->setDiscardableAttrs(old->getDiscardableAttrDictionary());
  unsigned count = old->getNumResults();
  for (auto [position, index] : llvm::enumerate(active))
    tangents[grown->getResult(index)] = grown->getResult(count + position);
  old->replaceAllUsesWith(grown->getResults().take_front(count));
  old->erase();
}

LogicalResult ForwardSweep::sweepBranches(scf::IfOp branch) {
  SmallVector<unsigned> active;
  for (OpResult result : branch.getResults())
    if (activity.isActive(result))
      active.push_back(result.getResultNumber());
  SmallVector<Type> types(branch.getResultTypes());
  for (unsigned index : active)
    types.push_back(types[index]);
  for (Region *region : {&branch.getThenRegion(), &branch.getElseRegion()}) {
    if (region->empty())
      continue;
    Operation *end = region->front().getTerminator();
    if (failed(sweep(region->front())))
      return failure();
    appendTangents(end,
                   llvm::map_to_vector(active, [&](unsigned i) { return end->getOperand(i); }));
  }
  OpBuilder here(branch);
  auto grown = scf::IfOp::create(here, branch.getLoc(), types, branch.getCondition(),
                                 /*addThenBlock=*/false, /*addElseBlock=*/false);
  grown.getThenRegion().takeBody(branch.getThenRegion());
  grown.getElseRegion().takeBody(branch.getElseRegion());
  replaceWithTangents(branch, grown, active, tangents);
  return success();
}

LogicalResult ForwardSweep::sweepLoop(scf::ForOp loop) {
  SmallVector<unsigned> active;
  emitBefore(loop);
  SmallVector<Value> inits(loop.getInitArgs());
  for (auto [index, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    if (activity.isActive(argument)) {
      active.push_back(index);
      inits.push_back(tangentOrZeros(loop.getInitArgs()[index]));
    }
  OpBuilder here(loop);
  auto grown = scf::ForOp::create(here, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(),
                                  loop.getStep(), inits);
  grown.getRegion().takeBody(loop.getRegion());
  for (unsigned index : active) {
    Value argument = grown.getRegionIterArgs()[index];
    tangents[argument] = grown.getBody()->addArgument(argument.getType(), argument.getLoc());
  }
  if (failed(sweep(*grown.getBody())))
    return failure();
  Operation *end = grown.getBody()->getTerminator();
  appendTangents(end, llvm::map_to_vector(active, [&](unsigned i) { return end->getOperand(i); }));
  replaceWithTangents(loop, grown, active, tangents);
  return success();
}

LogicalResult ForwardSweep::sweepLoop(scf::WhileOp loop) {
  // Slots at the head, and what the condition passes on.
  SmallVector<unsigned> heads, passed;
  emitBefore(loop);
  SmallVector<Value> inits(loop.getInits());
  for (auto [index, argument] : llvm::enumerate(loop.getBeforeArguments()))
    if (activity.isActive(argument)) {
      heads.push_back(index);
      inits.push_back(tangentOrZeros(loop.getInits()[index]));
    }
  SmallVector<Type> types(loop.getResultTypes());
  for (OpResult result : loop.getResults()) {
    unsigned index = result.getResultNumber();
    if (activity.isActive(loop.getConditionOp().getArgs()[index])) {
      passed.push_back(index);
      types.push_back(result.getType());
    }
  }
  OpBuilder here(loop);
  auto grown = scf::WhileOp::create(here, loop.getLoc(), types, inits);
  grown.getBefore().takeBody(loop.getBefore());
  grown.getAfter().takeBody(loop.getAfter());
  for (unsigned index : heads) {
    Value argument = grown.getBeforeArguments()[index];
    tangents[argument] = grown.getBeforeBody()->addArgument(argument.getType(), argument.getLoc());
  }
  if (failed(sweep(*grown.getBeforeBody())))
    return failure();
  appendTangents(grown.getConditionOp(), llvm::map_to_vector(passed, [&](unsigned index) -> Value {
                   return grown.getConditionOp().getArgs()[index];
                 }));
  for (unsigned index : passed) {
    Value argument = grown.getAfterArguments()[index];
    tangents[argument] = grown.getAfterBody()->addArgument(argument.getType(), argument.getLoc());
  }
  if (failed(sweep(*grown.getAfterBody())))
    return failure();
  Operation *end = grown.getYieldOp();
  appendTangents(end, llvm::map_to_vector(heads, [&](unsigned i) { return end->getOperand(i); }));
  replaceWithTangents(loop, grown, passed, tangents);
  return success();
}

LogicalResult ForwardSweep::sweepCall(func::CallOp call) {
  CallTangents passing;
  SmallVector<Value> operands(call.getOperands());
  SmallVector<Type> types(call.getResultTypes());
  SmallVector<unsigned> active;
  for (auto [index, operand] : llvm::enumerate(call.getOperands()))
    if (Value known = tangents.lookup(operand)) {
      passing.arguments.push_back(index);
      operands.push_back(known);
    }
  if (passing.arguments.empty())
    return success();
  for (OpResult result : call.getResults())
    if (activity.isActive(result)) {
      passing.results.push_back(result.getResultNumber());
      active.push_back(result.getResultNumber());
      types.push_back(result.getType());
    }
  FailureOr<func::FuncOp> callee = findTangent(call, passing);
  if (failed(callee))
    return failure();
  OpBuilder here(call);
  func::FuncOp function = *callee;
  auto grown = func::CallOp::create(
      here, call.getLoc(), FlatSymbolRefAttr::get(function.getSymNameAttr()), types, operands);
  replaceWithTangents(call, grown, active, tangents);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// The function
//===------------------------------------------------------------------------------------------===//
FunctionType mpy::tangentType(func::FuncOp function, const CallTangents &tangents) {
  FunctionType type = function.getFunctionType();
  SmallVector<Type> inputs(type.getInputs()), results(type.getResults());
  for (int64_t index : tangents.arguments)
    inputs.push_back(type.getInput(index));
  for (int64_t index : tangents.results)
    results.push_back(type.getResult(index));
  return FunctionType::get(function.getContext(), inputs, results);
}

LogicalResult mpy::generateTangent(func::FuncOp function, const CallTangents &tangents,
                                   const FindTangent &findTangent) {
  FunctionType type = tangentType(function, tangents);
  Block &body = function.getBody().front();
  Operation *end = body.getTerminator();
  auto inputs = llvm::map_to_vector(
      tangents.arguments, [&](int64_t index) -> Value { return body.getArgument(index); });
  auto outputs =
      llvm::map_to_vector(tangents.results, [&](int64_t index) { return end->getOperand(index); });
  Activity activity(function, inputs, outputs);
  ForwardSweep sweep(function.getContext(), activity, findTangent);
  for (Value input : inputs)
    sweep.set(input, body.addArgument(input.getType(), input.getLoc()));
  if (failed(sweep.sweep(body)))
    return failure();
  // What the sweep replaced is no output any more.
  SmallVector<Value> results(end->getOperands());
  sweep.emitBefore(end);
  for (int64_t index : tangents.results)
    results.push_back(sweep.tangentOrZeros(end->getOperand(index)));
  end->setOperands(results);
  function.setFunctionType(type);
  function.setAllArgAttrs(ArrayRef<DictionaryAttr>());
  function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  return success();
}
