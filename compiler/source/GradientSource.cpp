// A module whose requests for derivatives are expanded -> a Python file with the functions that
// they became.
//
//   call @loss_0_grad(%w, %x) in @main   =>   def loss_grad(w, x): .. return w_bar
//
// What the program uses of the results is returned, in their order; what only the rest needs is not
// printed.
#include "source/GradientSource.h"

#include "dialect/Canonical.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "source/FunctionPrinter.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mpy;

namespace {
/// One derivative, and which of its results the program uses.
struct Wanted {
  func::FuncOp function;
  llvm::SetVector<unsigned> results;
};
} // namespace

/// `loss_0_grad` -> `loss_0`, `_grad`: what was differentiated, and how.
static std::pair<StringRef, StringRef> splitSymbol(StringRef symbol) {
  size_t end = StringRef::npos;
  for (StringRef suffix : {"_grad", "_tangent", "_fwd", "_rev", "_again", "_step"})
    if (size_t at = symbol.find(suffix); at != StringRef::npos)
      end = std::min(end, at);
  if (end == StringRef::npos)
    return {symbol, ""};
  return {symbol.take_front(end), symbol.drop_front(end)};
}

/// `loss_0` -> `loss`.
static StringRef sourceFunction(StringRef symbol) {
  auto [name, number] = symbol.rsplit('_');
  bool isNumbered = !number.empty() && llvm::all_of(number, llvm::isDigit);
  return isNumbered ? name : symbol;
}

std::pair<StringRef, StringRef> mpy::splitName(StringRef symbol) {
  auto [base, kind] = splitSymbol(symbol);
  return {kind.empty() ? symbol : sourceFunction(base), kind};
}

/// The derivatives that functions of the program call, in the order of the calls.
static std::vector<Wanted> findWanted(ModuleOp module, const GradientSourceOptions &options) {
  StringRef only = options.function;
  std::vector<Wanted> all;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!splitName(function.getName()).second.empty() ||
        options.shownNames.contains(function.getName()))
      continue;
    function.walk([&](func::CallOp call) {
      auto [name, kind] = splitName(call.getCallee());
      bool isShown = options.shownNames.empty()
                         ? only.empty() || name == only
                         : options.shownNames.contains(splitSymbol(call.getCallee()).first);
      if (kind.empty() || !isShown)
        return;
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      auto it = llvm::find_if(all, [&](Wanted &wanted) { return wanted.function == callee; });
      if (it == all.end())
        it = all.insert(all.end(), {callee, {}});
      for (OpResult result : call.getResults())
        if (!result.use_empty() && !isa<TapeType>(result.getType()))
          it->results.insert(result.getResultNumber());
    });
  }
  return all;
}

void mpy::spreadNames(ModuleOp module) {
  auto give = [](Value value, Value from) {
    auto name = dyn_cast<NameLoc>(from.getLoc());
    if (name && !isa<NameLoc>(value.getLoc()))
      value.setLoc(NameLoc::get(name.getName(), value.getLoc()));
  };
  // What is handed on to a function that is differentiated in it is called as there.
  auto giveArguments = [&](StringRef callee, ValueRange inputs) {
    auto function = module.lookupSymbol<func::FuncOp>(callee);
    if (!function || function.isExternal())
      return;
    for (auto [input, argument] : llvm::zip(inputs, function.getArguments()))
      if (isa<BlockArgument>(input))
        give(input, argument);
  };
  module.walk([&](Operation *op) {
    if (auto request = dyn_cast<GradientOp>(op))
      giveArguments(request.getCallee(), request.getInputs());
    if (auto request = dyn_cast<TangentOp>(op))
      giveArguments(request.getCallee(), request.getInputs());
    if (auto branch = dyn_cast<scf::IfOp>(op); branch && branch.getNumResults() == 1)
      for (Operation *end : {branch.thenYield().getOperation(), branch.elseYield().getOperation()})
        give(branch.getResult(0), end->getOperand(0));
    if (auto loop = dyn_cast<scf::ForOp>(op))
      for (auto [argument, yielded, initial] :
           llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues(), loop.getInitArgs())) {
        give(argument, yielded);
        if (initial.hasOneUse() && isa<OpResult>(initial) &&
            initial.getDefiningOp()->getNumResults() == 1)
          give(initial, argument);
      }
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      for (auto [argument, yielded] :
           llvm::zip(loop.getBeforeArguments(), loop.getYieldOp().getOperands()))
        give(argument, yielded);
  });
}

/// Calls and functions have the results that the program uses, and no others.
static void keepResults(ModuleOp module, Wanted &wanted) {
  SmallVector<unsigned> kept(wanted.results.begin(), wanted.results.end());
  llvm::sort(kept);
  module.walk([&](func::CallOp call) {
    if (call.getCallee() != wanted.function.getName())
      return;
    OpBuilder builder(call);
    SmallVector<Type> types;
    for (unsigned result : kept)
      types.push_back(call.getResult(result).getType());
    auto smaller =
        func::CallOp::create(builder, call.getLoc(), call.getCallee(), types, call.getOperands());
    for (auto [index, result] : llvm::enumerate(kept))
      call.getResult(result).replaceAllUsesWith(smaller.getResult(index));
    call.erase();
  });
  Operation *end = wanted.function.getBody().front().getTerminator();
  SmallVector<Value> values;
  for (unsigned result : kept)
    values.push_back(end->getOperand(result));
  end->setOperands(values);
  wanted.function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
  wanted.function.setFunctionType(FunctionType::get(
      module.getContext(), wanted.function.getArgumentTypes(), ValueRange(values).getTypes()));
  wanted.results.clear();
  for (unsigned index = 0; index < kept.size(); ++index)
    wanted.results.insert(index);
}

/// Erases all functions but these and what they call or differentiate.
static void keepReached(ModuleOp module, llvm::SetVector<Operation *> reached) {
  for (Operation *function : reached)
    cast<func::FuncOp>(function).setPublic();
  for (size_t index = 0; index < reached.size(); ++index)
    reached[index]->walk([&](Operation *op) {
      for (NamedAttribute attribute : op->getAttrs())
        attribute.getValue().walk([&](FlatSymbolRefAttr symbol) {
          if (Operation *callee = module.lookupSymbol(symbol.getValue()))
            reached.insert(callee);
        });
    });
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
    if (!reached.contains(function))
      function.erase();
}

bool mpy::keepDerivatives(ModuleOp module, const GradientSourceOptions &options) {
  llvm::SetVector<Operation *> kept;
  for (Wanted &each : findWanted(module, options)) {
    if (each.results.empty())
      continue;
    keepResults(module, each);
    kept.insert(each.function);
  }
  if (kept.empty())
    return false;
  keepReached(module, kept);
  return true;
}

bool mpy::keepFunction(ModuleOp module, StringRef name) {
  llvm::SetVector<Operation *> kept;
  for (auto function : module.getOps<func::FuncOp>())
    if (sourceFunction(function.getName()) == name)
      kept.insert(function);
  if (kept.empty())
    return false;
  keepReached(module, kept);
  return true;
}

LogicalResult mpy::printGradients(ModuleOp module, const GradientSourceOptions &options,
                                  llvm::raw_ostream &out) {
  std::vector<Wanted> wanted = findWanted(module, options);
  llvm::erase_if(wanted, [](const Wanted &each) { return each.results.empty(); });
  if (wanted.empty())
    return failure();
  for (Wanted &each : wanted)
    keepResults(module, each);
  PassManager cleanup(module.getContext());
  cleanup.addPass(createCanonicalForm());
  cleanup.addPass(createCSEPass());
  cleanup.addPass(createCanonicalForm());
  if (failed(cleanup.run(module)))
    return failure();
  llvm::StringMap<std::string> names;
  llvm::StringSet<> taken;
  auto name = [&](func::FuncOp function) {
    auto [base, kind] = splitName(function.getName());
    auto shown = options.shownNames.find(splitSymbol(function.getName()).first);
    if (shown != options.shownNames.end())
      base = shown->second;
    std::string chosen = (base + kind).str();
    for (unsigned number = 2; !taken.insert(chosen).second; ++number)
      chosen = (base + kind + "_" + std::to_string(number)).str();
    names[function.getName()] = chosen;
  };
  for (Wanted &each : wanted)
    name(each.function);
  // What they call: recursions.
  for (size_t index = 0; index < wanted.size(); ++index) {
    SmallVector<func::FuncOp> callees;
    wanted[index].function.walk([&](func::CallOp call) {
      callees.push_back(module.lookupSymbol<func::FuncOp>(call.getCallee()));
    });
    for (func::FuncOp callee : callees) {
      if (!callee || callee.isExternal() || names.contains(callee.getName()))
        continue;
      name(callee);
      Wanted made{callee, {}};
      for (unsigned result = 0; result < callee.getNumResults(); ++result)
        made.results.insert(result);
      wanted.push_back(made);
    }
  }
  SmallVector<std::string> features;
  std::vector<std::string> functions;
  for (Wanted &each : wanted) {
    SmallVector<unsigned> results(each.results.begin(), each.results.end());
    llvm::sort(results);
    std::string text;
    if (failed(FunctionPrinter(each.function, options, names, features).print(results, text)))
      return failure();
    functions.push_back(text);
  }
  out << "# Derivatives of " << options.program << ", written by mpyc grad.\n";
  if (llvm::is_contained(features, "import math"))
    out << "import math\n";
  out << "import numpy as np\n";
  if (llvm::is_contained(features, "unstretch"))
    out << "\n\ndef _summed_to(x, shape):\n    \"\"\"The sum over what broadcasting "
           "repeated.\"\"\"\n"
           "    shape = shape if isinstance(shape, tuple) else (shape,)\n"
           "    axes = tuple([k for k in range(x.ndim) if shape[k] == 1 and x.shape[k] != 1])\n"
           "    return np.sum(x, axis=axes, keepdims=True)\n";
  if (llvm::is_contained(features, "pad_rows"))
    out << "\n\ndef _padded(x, count):\n    \"\"\"x with rows of zeros behind it.\"\"\"\n"
           "    return np.concatenate([x, np.zeros((count - len(x),) + x.shape[1:])])\n";
  for (const std::string &text : functions)
    out << "\n\n" << text;
  return success();
}
