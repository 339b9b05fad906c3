// A function, inputs, results -> remarks where a derivative is 0 for a reason that stands in the
// program:
//
//   def f(x): return np.sum(np.floor(x))     ->   the derivative by 'x' is 0 on this path:
//                                                 np.floor is constant between integers
//
// Data flows through every operand; derivatives through fewer. An operation where data goes on to a
// result and derivatives do not is a place to speak of. Comparisons choose branches of most
// piecewise functions, so they, and casts of what they say, are spoken of only where the whole
// derivative is 0.
#include "adjoint/ZeroDerivatives.h"
#include "adjoint/Activity.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mpy;

namespace {
/// Why no derivative goes through an operation; empty text where it is not spoken of.
struct Reason {
  std::string text;
  /// Whether it is said only where the whole derivative is 0.
  bool isCommon = false;
};

/// One step of data.
struct Flow {
  Value from, to;
  Operation *through;
};
} // namespace

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

static Reason reasonOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Reason>(op)
      .Case([](FloorOp) { return Reason{"floor is constant between integers"}; })
      .Case([](CeilOp) { return Reason{"ceil is constant between integers"}; })
      .Case([](TruncOp) { return Reason{"trunc is constant between integers"}; })
      .Case([](RintOp) { return Reason{"round is constant between half integers"}; })
      .Case([](SignOp) { return Reason{"sign is constant but at 0"}; })
      .Case([](FloorDivOp) { return Reason{"a // b is constant between integers"}; })
      .Case<ArgMaxOp, ArgMinOp, ArgsortOp>(
          [](auto) { return Reason{"a position is an integer, which has no derivative"}; })
      .Case<CompareOp, arith::CmpFOp>([](auto) {
        return Reason{"a comparison is constant but where both sides are equal", true};
      })
      .Case<CastOp, arith::FPToSIOp>([](auto) { return Reason{"an integer has no derivative"}; })
      .Default([](Operation *) { return Reason{}; });
}

static bool isFlat(Operation *op) {
  return isa<FloorOp, CeilOp, TruncOp, RintOp, SignOp, FloorDivOp>(op);
}

static void flowOf(scf::ForOp loop, SmallVectorImpl<Flow> &flows) {
  for (auto [initial, argument, yielded, result] :
       llvm::zip(loop.getInitArgs(), loop.getRegionIterArgs(), loop.getYieldedValues(),
                 loop.getResults()))
    flows.append(
        {{initial, argument, nullptr}, {yielded, argument, nullptr}, {argument, result, nullptr}});
}

static void flowOf(scf::WhileOp loop, SmallVectorImpl<Flow> &flows) {
  for (auto [initial, argument, yielded] :
       llvm::zip(loop.getInits(), loop.getBeforeArguments(), loop.getYieldOp().getOperands()))
    flows.append({{initial, argument, nullptr}, {yielded, argument, nullptr}});
  for (auto [passed, argument, result] :
       llvm::zip(loop.getConditionOp().getArgs(), loop.getAfterArguments(), loop.getResults()))
    flows.append({{passed, argument, nullptr}, {passed, result, nullptr}});
}

/// Which branch is taken is no data here: a path has the derivative of what it computes.
static void flowOf(scf::IfOp branch, SmallVectorImpl<Flow> &flows) {
  for (auto [index, result] : llvm::enumerate(branch.getResults()))
    flows.append({{branch.thenYield().getOperand(index), result, nullptr},
                  {branch.elseYield().getOperand(index), result, nullptr}});
}

static SmallVector<Flow> flowsOf(func::FuncOp function) {
  SmallVector<Flow> flows;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return flowOf(loop, flows);
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return flowOf(loop, flows);
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return flowOf(branch, flows);
    // Extents say nothing of elements; a value that is held on purpose is no surprise.
    if (isa<tensor::DimOp, StopGradientOp>(op))
      return;
    for (Value operand : op->getOperands())
      for (Value result : op->getResults())
        flows.push_back({operand, result, op});
  });
  return flows;
}

/// Whether derivatives go along a step.
static bool carries(const Flow &flow) {
  if (!isFloat(flow.from) || !isFloat(flow.to))
    return false;
  if (!flow.through)
    return true;
  if (isFlat(flow.through))
    return false;
  auto rule = dyn_cast<DifferentiableOpInterface>(flow.through);
  if (!rule)
    return true;
  for (OpOperand &operand : flow.through->getOpOperands())
    if (operand.get() == flow.from && rule.passes(operand.getOperandNumber()))
      return true;
  return false;
}

static llvm::DenseSet<Value> reach(ArrayRef<Flow> flows, ArrayRef<Value> from, bool forwards,
                                   bool onlyDerivatives) {
  llvm::DenseSet<Value> reached(from.begin(), from.end());
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t index = 0; index < flows.size(); ++index) {
      const Flow &flow = flows[forwards ? index : flows.size() - 1 - index];
      if (reached.contains(forwards ? flow.from : flow.to) &&
          !reached.contains(forwards ? flow.to : flow.from) && (!onlyDerivatives || carries(flow)))
        changed |= reached.insert(forwards ? flow.to : flow.from).second;
    }
  }
  return reached;
}

static std::string nameOf(Value input) {
  if (auto named = dyn_cast<NameLoc>(input.getLoc()))
    return ("'" + named.getName().getValue() + "'").str();
  return "an argument";
}

void mpy::noteZeroDerivatives(func::FuncOp function, ArrayRef<int64_t> of, ArrayRef<int64_t> wrt,
                              Location request) {
  SmallVector<Flow> flows = flowsOf(function);
  SmallVector<Value> results;
  Operation *end = function.getBody().front().getTerminator();
  for (int64_t number : of)
    results.push_back(end->getOperand(number));
  llvm::DenseSet<Value> used = reach(flows, results, false, false);
  auto isResult = [&](const llvm::DenseSet<Value> &set) {
    return llvm::any_of(results, [&](Value result) { return set.contains(result); });
  };
  auto say = [&](Location where, const Twine &text, StringRef why) {
    InFlightDiagnostic note = emitRemark(where, "E0540: ");
    note << text;
    note.attachNote(request) << "found: " << why;
    note.attachNote(request) << "differentiated here";
  };
  for (int64_t number : wrt) {
    Value input = function.getArgument(number);
    llvm::DenseSet<Value> reached = reach(flows, input, true, false);
    std::string text = "the derivative by " + nameOf(input) + " is 0";
    if (!isResult(reached)) {
      say(function.getArgument(number).getLoc(), text + ", whatever the arguments are",
          "nothing that is differentiated depends on it");
      continue;
    }
    llvm::DenseSet<Value> varied = reach(flows, input, true, true);
    bool isAll = !isResult(varied);
    llvm::DenseSet<Operation *> said;
    for (const Flow &flow : flows) {
      if (!flow.through || !varied.contains(flow.from) || carries(flow) || !used.contains(flow.to))
        continue;
      Reason reason = reasonOf(flow.through);
      if (!reason.text.empty() && (isAll || !reason.isCommon) && said.insert(flow.through).second)
        say(flow.through->getLoc(),
            text + (isAll ? ", whatever the arguments are" : " on this path"), reason.text);
    }
  }
}
