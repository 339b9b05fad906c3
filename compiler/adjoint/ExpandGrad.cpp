// A module with requests for gradients -> the same without, each request a call of a generated
// function.
#include "adjoint/GenerateAdjoint.h"
#include "adjoint/GenerateBatch.h"
#include "adjoint/GenerateTangent.h"
#include "adjoint/Passes.h"
#include "adjoint/ZeroDerivatives.h"

#include "dialect/Canonical.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace mpy {
#define GEN_PASS_DEF_EXPANDGRAD
#include "adjoint/Passes.h.inc"
} // namespace mpy

using namespace mlir;
using namespace mpy;

/// Leaves the steps that made a value without the rules that stood for them.
static void forget(RuledOp ruled) {
  ruled.replaceAllUsesWith(ruled.getValues());
  ruled.erase();
}

/// A call whose steps need not be kept -> a call.
static void callPlainly(CheckpointOp op) {
  OpBuilder builder(op);
  auto call = func::CallOp::create(builder, op.getLoc(), op.getCalleeAttr(), op.getResultTypes(),
                                   op.getInputs());
  op->replaceAllUsesWith(call);
  op.erase();
}

namespace {
/// Expands the requests of one module.
class Expansion {
public:
  Expansion(ModuleOp module, bool marksSweeps,
            llvm::function_ref<LogicalResult(func::FuncOp)> cleanUp)
      : symbols(module), cleanUp(cleanUp) {
    partners.marksSweeps = marksSweeps;
    partners.twins = [this](func::CallOp call, const CallAdjoints &adjoints) {
      return findTwins(call, adjoints);
    };
    partners.rerun = [this](StringRef callee, const CallAdjoints &adjoints, bool fenced) {
      return findRerun(callee, adjoints, fenced);
    };
    partners.quiet = [this](StringRef callee) { return findQuiet(callee); };
    partners.declare = [this](func::FuncOp function) {
      symbols.insert(function);
      states[function] = State::Done;
    };
  }

  /// Expands the requests of a function and of all it calls; those it differentiates first.
  LogicalResult expand(func::FuncOp function);

private:
  LogicalResult expand(GradientOp request);
  LogicalResult expand(TangentOp request);
  LogicalResult expand(BatchedOp request);
  FailureOr<func::FuncOp> generate(GradientOp request, func::FuncOp callee);
  FailureOr<func::FuncOp> findTangent(StringRef callee, const CallTangents &tangents);
  FailureOr<Twins> findTwins(func::CallOp call, const CallAdjoints &adjoints);
  FailureOr<func::FuncOp> findRerun(StringRef callee, const CallAdjoints &adjoints, bool fenced);
  FailureOr<func::FuncOp> findQuiet(StringRef callee);
  func::FuncOp copyOf(func::FuncOp function, StringRef suffix);
  LogicalResult checkRules(func::FuncOp function, ArrayRef<int64_t> wrt);
  LogicalResult settleRules(func::FuncOp function);
  void inlineCalls(func::FuncOp function);
  bool isRecursive(func::FuncOp function);

  enum class State { Running, Done };
  Partners partners;
  SymbolTable symbols;
  llvm::function_ref<LogicalResult(func::FuncOp)> cleanUp;
  llvm::DenseMap<Operation *, State> states;
  llvm::StringMap<func::FuncOp> generated;
  llvm::StringMap<Twins> twins;
  llvm::StringMap<func::FuncOp> pushed, reruns, quiets;
  llvm::DenseMap<Operation *, bool> recursive;
};

struct ExpandGrad : mpy::impl::ExpandGradBase<ExpandGrad> {
  using ExpandGradBase::ExpandGradBase;
  void runOnOperation() override {
    OpPassManager cleanup("func.func");
    cleanup.addPass(createCanonicalForm());
    cleanup.addPass(createCSEPass());
    cleanup.addPass(createCanonicalForm());
    auto cleanUp = [&](func::FuncOp function) { return runPipeline(cleanup, function); };
    Expansion expansion(getOperation(), marksSweeps, cleanUp);
    for (auto function : llvm::to_vector(getOperation().getOps<func::FuncOp>()))
      if (failed(expansion.expand(function)))
        return signalPassFailure();
    // Nobody differentiates any more.
    getOperation().walk(forget);
    getOperation().walk([](CheckpointLoopOp mark) { mark.erase(); });
    getOperation().walk(callPlainly);
  }
};
} // namespace

/// The symbols that an operation calls, differentiates, or may call in a derivative.
static SmallVector<FlatSymbolRefAttr, 2> calleesOf(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return {call.getCalleeAttr()};
  if (auto call = dyn_cast<CheckpointOp>(op))
    return {call.getCalleeAttr()};
  if (auto request = dyn_cast<GradientOp>(op))
    return {request.getCalleeAttr()};
  if (auto request = dyn_cast<TangentOp>(op))
    return {request.getCalleeAttr()};
  if (auto request = dyn_cast<BatchedOp>(op))
    return {request.getCalleeAttr()};
  SmallVector<FlatSymbolRefAttr, 2> rules;
  if (auto ruled = dyn_cast<RuledOp>(op))
    for (FlatSymbolRefAttr rule : {ruled.getReverseAttr(), ruled.getForwardAttr()})
      if (rule)
        rules.push_back(rule);
  return rules;
}

LogicalResult Expansion::expand(func::FuncOp function) {
  if (!states.try_emplace(function, State::Running).second)
    return success();
  SmallVector<Operation *> users;
  function.walk([&](Operation *op) {
    if (!calleesOf(op).empty())
      users.push_back(op);
  });
  for (Operation *user : users)
    for (FlatSymbolRefAttr symbol : calleesOf(user)) {
      auto callee = symbols.lookup<func::FuncOp>(symbol.getValue());
      if (!callee || callee.isExternal())
        continue;
      if (isa<GradientOp, TangentOp>(user) && states.lookup(callee) == State::Running &&
          states.contains(callee))
        return user->emitError("E0501: ")
               << "'" << callee.getName()
               << "' differentiates itself; write the inner derivative by hand";
      if (failed(expand(callee)))
        return failure();
    }
  for (Operation *user : users) {
    LogicalResult done = success();
    if (auto request = dyn_cast<GradientOp>(user))
      done = expand(request);
    else if (auto request = dyn_cast<TangentOp>(user))
      done = expand(request);
    else if (auto request = dyn_cast<BatchedOp>(user))
      done = expand(request);
    if (failed(done))
      return failure();
  }
  states[function] = State::Done;
  return success();
}

LogicalResult Expansion::expand(GradientOp request) {
  auto callee = symbols.lookup<func::FuncOp>(request.getCallee());
  std::string key;
  llvm::raw_string_ostream(key) << request.getCallee() << " of " << request.getOfAttr() << " wrt "
                                << request.getWrtAttr()
                                << (request.getSeeds().empty() ? "" : " seeded");
  func::FuncOp &function = generated[key];
  if (!function) {
    FailureOr<func::FuncOp> made = generate(request, callee);
    if (failed(made))
      return failure();
    function = *made;
  }
  OpBuilder builder(request);
  SmallVector<Value> arguments(request.getInputs());
  llvm::append_range(arguments, request.getSeeds());
  auto call = func::CallOp::create(builder, request.getLoc(), function, arguments);
  request.replaceAllUsesWith(call.getResults());
  request.erase();
  return success();
}

LogicalResult Expansion::expand(TangentOp request) {
  CallTangents passing{llvm::to_vector(request.getWrt()), llvm::to_vector(request.getOf())};
  if (!request.getWrt().empty())
    passing.directions = request.getTangents().size() / request.getWrt().size();
  passing.dependences = request.getDependences();
  FailureOr<func::FuncOp> function = findTangent(request.getCallee(), passing);
  if (failed(function))
    return failure();
  OpBuilder builder(request);
  SmallVector<Value> arguments(request.getInputs());
  llvm::append_range(arguments, request.getTangents());
  auto call = func::CallOp::create(builder, request.getLoc(), *function, arguments);
  request.replaceAllUsesWith(call.getResults());
  request.erase();
  return success();
}

/// Each request has a function of its own, whose types say what is known of the examples.
LogicalResult Expansion::expand(BatchedOp request) {
  auto callee = symbols.lookup<func::FuncOp>(request.getCallee());
  inlineCalls(callee);
  if (failed(cleanUp(callee)))
    return failure();
  SmallVector<Value> arguments{request.getCount()};
  llvm::append_range(arguments, request.getInputs());
  OpBuilder builder(request);
  auto function = func::FuncOp::create(
      callee.getLoc(), (request.getCallee() + "_batched").str(),
      builder.getFunctionType(ValueRange(arguments).getTypes(), request.getResultTypes()));
  function.setPrivate();
  symbols.insert(function, std::next(callee->getIterator()));
  generateBatch(callee, function);
  states[function] = State::Done;
  if (failed(cleanUp(function)))
    return failure();
  auto call = func::CallOp::create(builder, request.getLoc(), function, arguments);
  request.replaceAllUsesWith(call.getResults());
  request.erase();
  return success();
}

FailureOr<func::FuncOp> Expansion::findTangent(StringRef name, const CallTangents &tangents) {
  std::string key;
  llvm::raw_string_ostream text(key);
  text << name;
  for (ArrayRef<int64_t> numbers : {ArrayRef(tangents.arguments), ArrayRef(tangents.results)}) {
    text << ':';
    llvm::interleaveComma(numbers, text);
  }
  text << " in " << tangents.directions << (tangents.dependences ? " dependences" : "");
  if (auto known = pushed.find(key); known != pushed.end())
    return known->second;
  auto callee = symbols.lookup<func::FuncOp>(name);
  func::FuncOp function = callee.clone();
  function.setPrivate();
  function.setName((name + "_tangent").str());
  symbols.insert(function, std::next(callee->getIterator()));
  inlineCalls(function);
  if (failed(checkRules(function, tangents.arguments)))
    return failure();
  // Known before its body is: it may call itself.
  pushed[key] = function;
  if (failed(generateTangent(function, tangents,
                             [this](StringRef callee, const CallTangents &passing) {
                               return findTangent(callee, passing);
                             })))
    return failure();
  states[function] = State::Done;
  if (failed(settleRules(function)) || failed(cleanUp(function)))
    return failure();
  return function;
}

FailureOr<func::FuncOp> Expansion::generate(GradientOp request, func::FuncOp callee) {
  func::FuncOp function = callee.clone();
  function.setPrivate();
  function.setName((callee.getName() + "_grad").str());
  symbols.insert(function, std::next(callee->getIterator()));
  inlineCalls(function);
  if (function->getParentOp()->hasAttr(notesAttribute))
    noteZeroDerivatives(function, request.getOf(), request.getWrt(), request.getLoc());
  if (failed(checkRules(function, request.getWrt())))
    return failure();
  bool seeded = !request.getSeeds().empty();
  if (seeded)
    function.setAllArgAttrs(ArrayRef<DictionaryAttr>());
  function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  if (failed(generateAdjoint(function, request.getOf(), request.getWrt(), seeded, partners)))
    return failure();
  states[function] = State::Done;
  if (failed(settleRules(function)) || failed(cleanUp(function)))
    return failure();
  return function;
}

/// What a function that passes adjoints is known by.
static std::string keyOf(StringRef callee, const CallAdjoints &adjoints) {
  std::string key;
  llvm::raw_string_ostream text(key);
  text << callee;
  for (ArrayRef<int64_t> numbers : {adjoints.results, adjoints.arguments, adjoints.begun}) {
    text << ':';
    llvm::interleaveComma(numbers, text);
  }
  return key;
}

FailureOr<Twins> Expansion::findTwins(func::CallOp call, const CallAdjoints &adjoints) {
  std::string key = keyOf(call.getCallee(), adjoints);
  if (auto known = twins.find(key); known != twins.end())
    return known->second;
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  func::FuncOp forward = callee.clone();
  forward.setPrivate();
  forward.setName((callee.getName() + "_fwd").str());
  symbols.insert(forward, std::next(callee->getIterator()));
  OpBuilder builder(callee.getContext());
  auto reverse = func::FuncOp::create(builder, callee.getLoc(), (callee.getName() + "_rev").str(),
                                      reverseType(callee, adjoints));
  reverse.setPrivate();
  symbols.insert(reverse, std::next(forward->getIterator()));
  inlineCalls(forward);
  if (failed(checkRules(forward, adjoints.arguments)))
    return failure();
  // Known before their bodies are: they call themselves.
  Twins made = twins[key] = {forward, reverse};
  if (failed(generateTwins(made, adjoints, partners)))
    return failure();
  states[forward] = states[reverse] = State::Done;
  if (failed(settleRules(forward)) || failed(settleRules(reverse)) || failed(cleanUp(forward)) ||
      failed(cleanUp(reverse)))
    return failure();
  return made;
}

//===------------------------------------------------------------------------------------------===//
// What runs again
//===------------------------------------------------------------------------------------------===//
/// A copy that stands behind a function, its calls inlined.
func::FuncOp Expansion::copyOf(func::FuncOp function, StringRef suffix) {
  func::FuncOp copy = function.clone();
  copy.setPrivate();
  copy.setName((function.getName() + suffix).str());
  symbols.insert(copy, std::next(function->getIterator()));
  states[copy] = State::Done;
  inlineCalls(copy);
  return copy;
}

FailureOr<func::FuncOp> Expansion::findQuiet(StringRef name) {
  if (auto known = quiets.find(name); known != quiets.end())
    return known->second;
  func::FuncOp function = copyOf(symbols.lookup<func::FuncOp>(name), "_again");
  // Known before its body is: it may call itself.
  quiets[name] = function;
  if (failed(removeEffects(function, partners.quiet)) || failed(cleanUp(function)))
    return failure();
  return function;
}

FailureOr<func::FuncOp> Expansion::findRerun(StringRef name, const CallAdjoints &adjoints,
                                             bool fenced) {
  std::string key = keyOf(name, adjoints) + (fenced ? " fenced" : "");
  if (auto known = reruns.find(key); known != reruns.end())
    return known->second;
  FailureOr<func::FuncOp> quiet = findQuiet(name);
  if (failed(quiet))
    return failure();
  func::FuncOp function = copyOf(*quiet, "_rerun");
  reruns[key] = function;
  if (failed(checkRules(function, adjoints.arguments)) ||
      failed(generateRerun(function, adjoints, fenced, partners)) ||
      failed(settleRules(function)) || failed(cleanUp(function)))
    return failure();
  return function;
}

//===------------------------------------------------------------------------------------------===//
// Rules of the program
//===------------------------------------------------------------------------------------------===//
/// A rule says nothing of what the value depends on beside the arguments.
LogicalResult Expansion::checkRules(func::FuncOp function, ArrayRef<int64_t> wrt) {
  SmallVector<Value> inputs;
  for (int64_t index : wrt)
    inputs.push_back(function.getArgument(index));
  WalkResult result = function.walk([&](RuledOp ruled) {
    if (ruled.getInputs().empty() || !dependsAround(function, inputs, ruled))
      return WalkResult::advance();
    ruled.emitError("E0503: ") << "no derivative: '" << ruled.getName()
                               << "' has a derivative rule that says nothing of some of what it "
                                  "depends on here: make it an argument, with a rule";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// A rule that was used is ordinary code from here on, and what it asked for is differentiated.
LogicalResult Expansion::settleRules(func::FuncOp function) {
  SmallVector<GradientOp> requests;
  function.walk([&](Operation *op) {
    auto ruled = dyn_cast<RuledOp>(op);
    if (ruled && ruled.getSettled())
      forget(ruled);
    else if (auto request = dyn_cast<GradientOp>(op))
      requests.push_back(request);
  });
  for (GradientOp request : requests)
    if (failed(expand(symbols.lookup<func::FuncOp>(request.getCallee()))) ||
        failed(expand(request)))
      return failure();
  return success();
}

//===------------------------------------------------------------------------------------------===//
// Inlining
//===------------------------------------------------------------------------------------------===//
bool Expansion::isRecursive(func::FuncOp function) {
  if (auto known = recursive.find(function); known != recursive.end())
    return known->second;
  llvm::SmallPtrSet<Operation *, 8> reached;
  SmallVector<func::FuncOp> pending{function};
  bool found = false;
  while (!pending.empty() && !found) {
    pending.pop_back_val().walk([&](func::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      found |= callee == function;
      if (callee && reached.insert(callee).second)
        pending.push_back(callee);
    });
  }
  return recursive[function] = found;
}

/// The location of an inlined operation: its own name, and the chain of calls.
static Location calledFrom(Location location, Location call) {
  if (auto named = dyn_cast<NameLoc>(location))
    return NameLoc::get(named.getName(), CallSiteLoc::get(unnamed(location), unnamed(call)));
  return CallSiteLoc::get(location, unnamed(call));
}

/// Replaces a call by the body of the function, which is one block.
static void inlineCall(func::CallOp call, func::FuncOp callee) {
  OpBuilder builder(call);
  Block &body = callee.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), call.getOperands());
  for (Operation &op : body.without_terminator()) {
    builder.clone(op, mapping)->walk([&](Operation *inside) {
      inside->setLoc(calledFrom(inside->getLoc(), call.getLoc()));
      for (Region &region : inside->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setLoc(calledFrom(argument.getLoc(), call.getLoc()));
    });
  }
  for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands()))
    result.replaceAllUsesWith(mapping.lookupOrDefault(value));
  call.erase();
}

void Expansion::inlineCalls(func::FuncOp function) {
  auto next = [&]() -> func::CallOp {
    func::CallOp found;
    function.walk([&](func::CallOp call) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || callee.isExternal() || isRecursive(callee))
        return WalkResult::advance();
      found = call;
      return WalkResult::interrupt();
    });
    return found;
  };
  while (func::CallOp call = next())
    inlineCall(call, symbols.lookup<func::FuncOp>(call.getCallee()));
}
