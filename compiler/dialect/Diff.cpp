// Requests for derivatives, and the tape, whose operations are each other's adjoints.
#include "dialect/Formula.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// gradient
//===------------------------------------------------------------------------------------------===//
LogicalResult GradientOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("calls ") << getCallee() << ", which is not a function";
  FunctionType type = callee.getFunctionType();
  if (type.getInputs() != ArrayRef<Type>(llvm::to_vector(getInputs().getTypes())))
    return emitOpError("arguments are not those of ") << getCallee();
  SmallVector<Type> results(type.getResults());
  for (int64_t argument : getWrt()) {
    if (argument < 0 || argument >= int64_t(type.getNumInputs()) ||
        !isa<FloatType>(getElementTypeOrSelf(type.getInput(argument))))
      return emitOpError("differentiates by argument ") << argument << ", which is not of floats";
    results.push_back(type.getInput(argument));
  }
  for (int64_t result : getOf())
    if (result < 0 || result >= int64_t(type.getNumResults()) ||
        !isa<FloatType>(getElementTypeOrSelf(type.getResult(result))))
      return emitOpError("differentiates result ") << result << ", which is not of floats";
  if (results != llvm::to_vector(getOutputs().getTypes()))
    return emitOpError("results are not those of ") << getCallee() << " followed by the gradients";
  if (!getSeeds().empty() && getSeeds().size() != getOf().size())
    return emitOpError("takes one seed for each result, or none");
  return success();
}

//===------------------------------------------------------------------------------------------===//
// tangent
//===------------------------------------------------------------------------------------------===//
LogicalResult TangentOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("calls ") << getCallee() << ", which is not a function";
  FunctionType type = callee.getFunctionType();
  if (type.getInputs() != ArrayRef<Type>(llvm::to_vector(getInputs().getTypes())))
    return emitOpError("arguments are not those of ") << getCallee();
  size_t directions = getWrt().empty() ? 1 : getTangents().size() / getWrt().size();
  if (directions == 0 || getTangents().size() != directions * getWrt().size())
    return emitOpError("takes, for each direction, one tangent for each argument of `wrt`");
  for (auto [index, tangent] : llvm::enumerate(getTangents())) {
    int64_t argument = getWrt()[index % getWrt().size()];
    if (argument < 0 || argument >= int64_t(type.getNumInputs()) ||
        !isa<FloatType>(getElementTypeOrSelf(type.getInput(argument))) ||
        tangent.getType() != type.getInput(argument))
      return emitOpError("has a tangent of argument ") << argument << " that does not fit it";
  }
  SmallVector<Type> results(type.getResults());
  for (int64_t result : getOf())
    if (result < 0 || result >= int64_t(type.getNumResults()) ||
        !isa<FloatType>(getElementTypeOrSelf(type.getResult(result))))
      return emitOpError("differentiates result ") << result << ", which is not of floats";
  for (size_t direction = 0; direction < directions; ++direction)
    for (int64_t result : getOf())
      results.push_back(type.getResult(result));
  if (results != llvm::to_vector(getOutputs().getTypes()))
    return emitOpError("results are not those of ") << getCallee() << " followed by the tangents";
  return success();
}

//===------------------------------------------------------------------------------------------===//
// batched
//===------------------------------------------------------------------------------------------===//
LogicalResult BatchedOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("calls ") << getCallee() << ", which is not a function";
  FunctionType type = callee.getFunctionType();
  SmallVector<Type> given{IndexType::get(getContext())};
  llvm::append_range(given, getInputs().getTypes());
  if (type.getInputs() != ArrayRef<Type>(given))
    return emitOpError("arguments are not those of ") << getCallee();
  if (type.getNumResults() != getOutputs().size())
    return emitOpError("results are not those of ") << getCallee();
  for (auto [one, all] : llvm::zip(type.getResults(), getOutputs().getTypes())) {
    auto stacked = cast<RankedTensorType>(all);
    auto tensor = dyn_cast<RankedTensorType>(one);
    Type element = getElementTypeOrSelf(one);
    if (stacked.getElementType() !=
            (element.isIndex() ? IntegerType::get(getContext(), 64) : element) ||
        stacked.getShape().drop_front() != (tensor ? tensor.getShape() : ArrayRef<int64_t>()))
      return emitOpError("results are not those of ") << getCallee() << ", stacked";
  }
  return success();
}

//===------------------------------------------------------------------------------------------===//
// checkpoint
//===------------------------------------------------------------------------------------------===//
LogicalResult CheckpointOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError("calls ") << getCallee() << ", which is not a function";
  if (callee.getFunctionType() !=
      FunctionType::get(getContext(), getInputs().getTypes(), getOutputs().getTypes()))
    return emitOpError("is not of the type of ") << getCallee();
  return success();
}

//===------------------------------------------------------------------------------------------===//
// ruled
//===------------------------------------------------------------------------------------------===//
/// Whether a rule takes and gives values of these types.
static LogicalResult verifyRule(RuledOp op, FlatSymbolRefAttr rule, TypeRange given,
                                ValueRange kept, TypeRange results,
                                SymbolTableCollection &symbols) {
  if (!rule)
    return success();
  auto callee = symbols.lookupNearestSymbolFrom<func::FuncOp>(op, rule);
  if (!callee)
    return op.emitOpError("has the rule ") << rule << ", which is not a function";
  SmallVector<Type> arguments(given);
  llvm::append_range(arguments, kept.getTypes());
  if (callee.getFunctionType() !=
      FunctionType::get(op.getContext(), arguments, SmallVector<Type>(results)))
    return op.emitOpError("has the rule ") << rule << ", which is of another type";
  return success();
}

LogicalResult RuledOp::verifySymbolUses(SymbolTableCollection &symbols) {
  TypeRange inputs = getInputs().getTypes(), values = getValues().getTypes();
  if (getOutputs().getTypes() != values)
    return emitOpError("results are not of the types of its values");
  if (failed(verifyRule(*this, getReverseAttr(), values, getKeptForReverse(), inputs, symbols)))
    return failure();
  return verifyRule(*this, getForwardAttr(), inputs, getKeptForForward(), values, symbols);
}

bool RuledOp::passes(unsigned operand) { return operand < getInputs().size(); }

/// The adjoints of the inputs by the rule for tangents, which is linear: its transpose.
static ValueRange transpose(RuledOp op, AdjointContext &context, ValueRange bars, ValueRange kept) {
  SmallVector<Value> arguments;
  SmallVector<int64_t> of, wrt;
  SmallVector<Type> types(op.getOutputs().getTypes());
  for (auto [index, input] : llvm::enumerate(op.getInputs())) {
    wrt.push_back(index);
    arguments.push_back(makeZeros(context, input));
    types.push_back(input.getType());
  }
  for (size_t index = 0; index < bars.size(); ++index)
    of.push_back(index);
  llvm::append_range(arguments, kept);
  auto request = GradientOp::create(context.builder(), context.loc(), types, op.getForwardAttr(),
                                    context.builder().getDenseI64ArrayAttr(of),
                                    context.builder().getDenseI64ArrayAttr(wrt), arguments, bars);
  return request.getOutputs().drop_front(bars.size());
}

static auto primals(RuleContext &context, ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return context.primal(value); });
}

LogicalResult RuledOp::buildAdjoint(AdjointContext &context) {
  bool asked = false;
  for (unsigned index = 0; index < getNumResults(); ++index)
    asked |= bool(context.bar(index));
  if (!asked || getInputs().empty())
    return success();
  if (!getReverse() && !getForward())
    return context.refuse(("'" + getName() + "' has no rule for a derivative of this order").str());
  SmallVector<Value> bars;
  for (unsigned index = 0; index < getNumResults(); ++index)
    bars.push_back(context.barOrZeros(index));
  ValueRange contributions;
  if (getReverse()) {
    SmallVector<Value> arguments(bars);
    llvm::append_range(arguments, primals(context, getKeptForReverse()));
    contributions = func::CallOp::create(context.builder(), context.loc(), getReverseAttr(),
                                         getInputs().getTypes(), arguments)
                        .getResults();
  } else {
    contributions = transpose(*this, context, bars, primals(context, getKeptForForward()));
  }
  for (auto [input, contribution] : llvm::zip(getInputs(), contributions))
    if (context.isActive(input))
      context.add(input, contribution);
  setSettled(true);
  return success();
}

LogicalResult RuledOp::buildTangent(TangentContext &context) {
  if (!getForward() && !getReverse())
    return context.refuse(("'" + getName() + "' has no rule for a derivative of this order").str());
  if (!getForward())
    return context.refuse(("'" + getName() + "' has a rule for reverse mode alone").str());
  SmallVector<Value> arguments;
  for (Value input : getInputs())
    arguments.push_back(context.tangentOrZeros(input));
  llvm::append_range(arguments, getKeptForForward());
  auto call = func::CallOp::create(context.builder(), context.loc(), getForwardAttr(),
                                   getOutputs().getTypes(), arguments);
  for (auto [output, tangent] : llvm::zip(getOutputs(), call.getResults()))
    context.set(output, tangent);
  setSettled(true);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// tape_new, tape_free
//===------------------------------------------------------------------------------------------===//
// A tape of adjoints begins empty where the tape ends, and is empty again where the tape began.
LogicalResult TapeNewOp::buildAdjoint(AdjointContext &context) {
  if (Value bar = context.bar(0))
    TapeFreeOp::create(context.builder(), context.loc(), bar);
  return success();
}

LogicalResult TapeNewOp::buildTangent(TangentContext &context) {
  context.set(getResult(), TapeNewOp::create(context.builder(), context.loc(), getType()));
  return success();
}

LogicalResult TapeFreeOp::buildAdjoint(AdjointContext &context) {
  if (context.isActive(getTape()))
    context.add(getTape(),
                TapeNewOp::create(context.builder(), context.loc(), getTape().getType()));
  return success();
}

LogicalResult TapeFreeOp::buildTangent(TangentContext &context) {
  if (Value tangent = context.tangent(getTape()))
    TapeFreeOp::create(context.builder(), context.loc(), tangent);
  return success();
}

LogicalResult TapeFreeOp::canonicalize(TapeFreeOp op, PatternRewriter &rewriter) {
  auto made = op.getTape().getDefiningOp<TapeNewOp>();
  if (!made || !made->hasOneUse())
    return failure();
  rewriter.eraseOp(op);
  rewriter.eraseOp(made);
  return success();
}

//===------------------------------------------------------------------------------------------===//
// push, pop
//===------------------------------------------------------------------------------------------===//
LogicalResult PopOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  auto push = getTape().getDefiningOp<PushOp>();
  if (!push || push.getValues().getTypes() != getValues().getTypes())
    return failure();
  results.push_back(push.getTape());
  llvm::append_range(results, push.getValues());
  return success();
}

/// Which elements have adjoints is a matter of type alone, so that both ends of the tape agree.
static bool isDifferentiable(Value value) { return isa<FloatType>(getElementTypeOrSelf(value)); }

LogicalResult PushOp::buildAdjoint(AdjointContext &context) {
  Value tape = context.bar(0);
  if (!tape)
    return success();
  SmallVector<Value> values(llvm::make_filter_range(getValues(), isDifferentiable));
  if (!values.empty()) {
    auto pop = PopOp::create(context.builder(), context.loc(), tape.getType(),
                             ValueRange(values).getTypes(), tape);
    for (auto [value, bar] : llvm::zip(values, pop.getValues()))
      if (context.isActive(value))
        context.add(value, bar);
    tape = pop.getRest();
  }
  context.add(getTape(), tape);
  return success();
}

LogicalResult PushOp::buildTangent(TangentContext &context) {
  Value tape = context.tangent(getTape());
  if (!tape)
    return success();
  SmallVector<Value> tangents;
  for (Value value : llvm::make_filter_range(getValues(), isDifferentiable))
    tangents.push_back(context.tangentOrZeros(value));
  context.set(getResult(), tangents.empty() ? tape
                                            : PushOp::create(context.builder(), context.loc(),
                                                             tape.getType(), tape, tangents)
                                                  .getResult());
  return success();
}

LogicalResult PopOp::buildAdjoint(AdjointContext &context) {
  Value tape = context.bar(0);
  if (!tape)
    return success();
  SmallVector<Value> bars;
  for (auto [index, value] : llvm::enumerate(getValues()))
    if (isDifferentiable(value))
      bars.push_back(context.barOrZeros(index + 1));
  if (!bars.empty())
    tape = PushOp::create(context.builder(), context.loc(), tape.getType(), tape, bars);
  context.add(getTape(), tape);
  return success();
}

LogicalResult PopOp::buildTangent(TangentContext &context) {
  Value tape = context.tangent(getTape());
  if (!tape)
    return success();
  SmallVector<Value> values(llvm::make_filter_range(getValues(), isDifferentiable));
  if (values.empty()) {
    context.set(getRest(), tape);
    return success();
  }
  auto pop = PopOp::create(context.builder(), context.loc(), tape.getType(),
                           ValueRange(values).getTypes(), tape);
  context.set(getRest(), pop.getRest());
  for (auto [value, tangent] : llvm::zip(values, pop.getValues()))
    context.set(value, tangent);
  return success();
}
