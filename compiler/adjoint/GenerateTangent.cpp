// A function -> the same function that also pushes tangents from its arguments to its results.
//
//   func @f(%x) -> %y                 func @f_tangent(%x, %x_dot) -> (%y, %y_dot)
//     %y = mpy.sin %x          =>       %y = mpy.sin %x
//                                       %0 = mpy.cos %x
//                                       %y_dot = mpy.mul %x_dot, %0
//
// The sweep follows the program: after each operation stands what its rule makes of the tangents of
// its operands. Control flow carries tangents beside what it carries; nothing is stored. The
// tangent of a tape is a tape, so gradients can be pushed forward like any program. Several
// directions share the function: each operation has a tangent for each of them.
#include "adjoint/GenerateTangent.h"

#include "adjoint/Dependences.h"
#include "adjoint/GenerateAdjoint.h"
#include "dialect/Dialect.h"
#include "dialect/Differentiable.h"
#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

namespace {
class ForwardSweep : public TangentContext {
public:
  ForwardSweep(MLIRContext *context, const Activity &activity, const FindTangent &findTangent,
               const CallTangents &wanted)
      : opBuilder(context), activity(activity), findTangent(findTangent),
        tangents(wanted.directions), dependences(wanted.dependences) {}

  LogicalResult sweep(Block &block);
  Value tangent(Value operand) override { return tangents[direction].lookup(operand); }
  Value tangentOrZeros(Value operand) override {
    Value known = tangent(operand);
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
  /// Calls `visit` for one direction after the other.
  void eachDirection(llvm::function_ref<void()> visit) {
    for (direction = 0; direction < tangents.size(); ++direction)
      visit();
    direction = 0;
  }
  /// Appends the tangents of values in all directions.
  void collect(ArrayRef<Value> values, SmallVectorImpl<Value> &collected) {
    eachDirection([&] {
      for (Value value : values)
        collected.push_back(tangentOrZeros(value));
    });
  }

private:
  LogicalResult sweepBranches(scf::IfOp branch);
  LogicalResult sweepLoop(scf::ForOp loop);
  LogicalResult sweepLoop(scf::WhileOp loop);
  template <typename Call> LogicalResult sweepCall(Call call);
  LogicalResult applyRule(DifferentiableOpInterface rule);
  void addTangentArguments(Block &block, ArrayRef<Value> arguments);
  void takeTangents(ValueRange values, ValueRange found);
  void replaceWithTangents(Operation *old, Operation *grown, ArrayRef<unsigned> active);
  /// Appends the tangents of the listed operands to a terminator.
  void appendTangents(Operation *terminator, ArrayRef<Value> values);

  OpBuilder opBuilder;
  const Activity &activity;
  const FindTangent &findTangent;
  Operation *current = nullptr;
  /// Of each value, in each direction.
  SmallVector<llvm::DenseMap<Value, Value>, 1> tangents;
  /// The one that rules are asked for.
  unsigned direction = 0;
  /// Whether tangents are numbers of sets: what each element may depend on.
  bool dependences;
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

/// Where a tangent comes from: `x` -> `x_dot`.
static Location tangentOf(Location location) {
  auto name = dyn_cast<NameLoc>(location);
  if (!name)
    return location;
  return NameLoc::get(StringAttr::get(name.getContext(), name.getName().getValue() + "_dot"),
                      name.getChildLoc());
}

void ForwardSweep::set(Value result, Value tangent) {
  if (tangent.getType() != result.getType())
    tangent = tensor::CastOp::create(opBuilder, loc(), result.getType(), tangent);
  auto name = dyn_cast<NameLoc>(result.getLoc());
  Operation *op = tangent.getDefiningOp();
  if (name && op && op->getNumResults() == 1 && !isa<NameLoc>(op->getLoc()))
    op->setLoc(NameLoc::get(opBuilder.getStringAttr(name.getName().getValue() + "_dot"), loc()));
  tangents[direction][result] = tangent;
}

LogicalResult ForwardSweep::applyRule(DifferentiableOpInterface rule) {
  LogicalResult done = success();
  eachDirection([&] {
    if (succeeded(done))
      done = dependences ? buildDependences(*this, rule) : rule.buildTangent(*this);
  });
  return done;
}

/// The tangents of values, which stand one direction after the other.
void ForwardSweep::takeTangents(ValueRange values, ValueRange found) {
  for (auto [number, directional] : llvm::enumerate(tangents))
    for (auto [index, value] : llvm::enumerate(values))
      directional[value] = found[number * values.size() + index];
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
    LogicalResult done = llvm::TypeSwitch<Operation *, LogicalResult>(op)
                             .Case([&](scf::IfOp branch) { return sweepBranches(branch); })
                             .Case([&](scf::ForOp loop) { return sweepLoop(loop); })
                             .Case([&](scf::WhileOp loop) { return sweepLoop(loop); })
                             .Case([&](func::CallOp call) { return sweepCall(call); })
                             .Case([&](CheckpointOp call) { return sweepCall(call); })
                             .Case([&](DifferentiableOpInterface rule) { return applyRule(rule); })
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
  SmallVector<Value> appended;
  collect(values, appended);
  terminator->insertOperands(terminator->getNumOperands(), appended);
}

/// Gives a block the tangents of its arguments as further arguments.
void ForwardSweep::addTangentArguments(Block &block, ArrayRef<Value> arguments) {
  SmallVector<Value> added;
  for (unsigned number = 0; number < tangents.size(); ++number)
    for (Value argument : arguments)
      added.push_back(block.addArgument(argument.getType(), tangentOf(argument.getLoc())));
  takeTangents(arguments, added);
}

/// Replaces an operation by one with further results, and takes the tangents from these.
void ForwardSweep::replaceWithTangents(Operation *old, Operation *grown,
                                       ArrayRef<unsigned> active) {
  grown->setDiscardableAttrs(old->getDiscardableAttrDictionary());
  unsigned count = old->getNumResults();
  auto values =
      llvm::map_to_vector(active, [&](unsigned index) -> Value { return grown->getResult(index); });
  takeTangents(values, grown->getResults().drop_front(count));
  old->replaceAllUsesWith(grown->getResults().take_front(count));
  old->erase();
}

LogicalResult ForwardSweep::sweepBranches(scf::IfOp branch) {
  SmallVector<unsigned> active;
  for (OpResult result : branch.getResults())
    if (activity.isActive(result))
      active.push_back(result.getResultNumber());
  SmallVector<Type> types(branch.getResultTypes());
  for (unsigned number = 0; number < tangents.size(); ++number)
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
  replaceWithTangents(branch, grown, active);
  return success();
}

LogicalResult ForwardSweep::sweepLoop(scf::ForOp loop) {
  SmallVector<unsigned> active;
  emitBefore(loop);
  SmallVector<Value> inits(loop.getInitArgs()), begun;
  for (auto [index, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    if (activity.isActive(argument)) {
      active.push_back(index);
      begun.push_back(loop.getInitArgs()[index]);
    }
  collect(begun, inits);
  OpBuilder here(loop);
  auto grown = scf::ForOp::create(here, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(),
                                  loop.getStep(), inits);
  grown.getRegion().takeBody(loop.getRegion());
  addTangentArguments(*grown.getBody(), llvm::map_to_vector(active, [&](unsigned index) -> Value {
    return grown.getRegionIterArgs()[index];
  }));
  if (failed(sweep(*grown.getBody())))
    return failure();
  Operation *end = grown.getBody()->getTerminator();
  appendTangents(end, llvm::map_to_vector(active, [&](unsigned i) { return end->getOperand(i); }));
  replaceWithTangents(loop, grown, active);
  return success();
}

LogicalResult ForwardSweep::sweepLoop(scf::WhileOp loop) {
  // Slots at the head, and what the condition passes on.
  SmallVector<unsigned> heads, passed;
  emitBefore(loop);
  SmallVector<Value> inits(loop.getInits()), begun;
  for (auto [index, argument] : llvm::enumerate(loop.getBeforeArguments()))
    if (activity.isActive(argument)) {
      heads.push_back(index);
      begun.push_back(loop.getInits()[index]);
    }
  collect(begun, inits);
  SmallVector<Type> types(loop.getResultTypes());
  for (auto [index, value] : llvm::enumerate(loop.getConditionOp().getArgs()))
    if (activity.isActive(value))
      passed.push_back(index);
  for (unsigned number = 0; number < tangents.size(); ++number)
    for (unsigned index : passed)
      types.push_back(types[index]);
  OpBuilder here(loop);
  auto grown = scf::WhileOp::create(here, loop.getLoc(), types, inits);
  grown.getBefore().takeBody(loop.getBefore());
  grown.getAfter().takeBody(loop.getAfter());
  addTangentArguments(*grown.getBeforeBody(),
                      llvm::map_to_vector(heads, [&](unsigned index) -> Value {
                        return grown.getBeforeArguments()[index];
                      }));
  if (failed(sweep(*grown.getBeforeBody())))
    return failure();
  appendTangents(grown.getConditionOp(), llvm::map_to_vector(passed, [&](unsigned index) -> Value {
                   return grown.getConditionOp().getArgs()[index];
                 }));
  addTangentArguments(*grown.getAfterBody(),
                      llvm::map_to_vector(passed, [&](unsigned index) -> Value {
                        return grown.getAfterArguments()[index];
                      }));
  if (failed(sweep(*grown.getAfterBody())))
    return failure();
  Operation *end = grown.getYieldOp();
  appendTangents(end, llvm::map_to_vector(heads, [&](unsigned i) { return end->getOperand(i); }));
  replaceWithTangents(loop, grown, passed);
  return success();
}

template <typename Call> LogicalResult ForwardSweep::sweepCall(Call call) {
  CallTangents passing;
  SmallVector<Value> operands(call->getOperands());
  SmallVector<Type> types(call->getResultTypes());
  SmallVector<unsigned> active;
  SmallVector<Value> moving;
  for (auto [index, operand] : llvm::enumerate(call->getOperands()))
    if (llvm::any_of(tangents, [&](auto &directional) { return directional.contains(operand); })) {
      passing.arguments.push_back(index);
      moving.push_back(operand);
    }
  if (passing.arguments.empty())
    return success();
  emitBefore(call);
  collect(moving, operands);
  for (OpResult result : call->getResults())
    if (activity.isActive(result)) {
      passing.results.push_back(result.getResultNumber());
      active.push_back(result.getResultNumber());
    }
  passing.directions = tangents.size();
  passing.dependences = dependences;
  for (unsigned number = 0; number < tangents.size(); ++number)
    for (unsigned index : active)
      types.push_back(types[index]);
  FailureOr<func::FuncOp> found = findTangent(call.getCallee(), passing);
  if (failed(found))
    return failure();
  OpBuilder here(call);
  func::FuncOp function = *found;
  auto callee = FlatSymbolRefAttr::get(function.getSymNameAttr());
  Operation *grown;
  if constexpr (std::is_same_v<Call, CheckpointOp>)
    grown = CheckpointOp::create(here, call.getLoc(), types, callee, operands);
  else
    grown = func::CallOp::create(here, call.getLoc(), callee, types, operands);
  replaceWithTangents(call, grown, active);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// The function
//===------------------------------------------------------------------------------------------===//
FunctionType mpy::tangentType(func::FuncOp function, const CallTangents &tangents) {
  FunctionType type = function.getFunctionType();
  SmallVector<Type> inputs(type.getInputs()), results(type.getResults());
  for (unsigned number = 0; number < tangents.directions; ++number) {
    for (int64_t index : tangents.arguments)
      inputs.push_back(type.getInput(index));
    for (int64_t index : tangents.results)
      results.push_back(type.getResult(index));
  }
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
  ForwardSweep sweep(function.getContext(), activity, findTangent, tangents);
  sweep.eachDirection([&] {
    for (Value input : inputs)
      sweep.set(input, body.addArgument(input.getType(), tangentOf(input.getLoc())));
  });
  if (failed(sweep.sweep(body)))
    return failure();
  // What the sweep replaced is no output any more.
  SmallVector<Value> results(end->getOperands());
  sweep.emitBefore(end);
  outputs =
      llvm::map_to_vector(tangents.results, [&](int64_t index) { return end->getOperand(index); });
  sweep.collect(outputs, results);
  end->setOperands(results);
  function.setFunctionType(type);
  function.setAllArgAttrs(ArrayRef<DictionaryAttr>());
  function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  return success();
}
