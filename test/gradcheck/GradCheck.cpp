// Compares generated gradients with finite differences.
//
//   gradcheck [--order N] [programs.mlir ..]      the files of this folder if none is named
//
// Every operation of the dialect that is elementwise and has a domain is checked by itself; every
// function of the files is checked; an operation with a derivative that occurs in neither is a
// failure. Order n + 1 differentiates what order n computes, by inputs and seeds, so that linearity
// in the seeds is checked too. Tangents of every order are compared with the gradients. Arguments
// of the functions say how they are drawn: `check.low`,
// `check.high` (floats), `check.value` (fixed), `check.shape` (open extents). `check.order` of a
// function limits its order.
//
// Every function has a twin in float32. Differences are too coarse there; the gradients of the
// twin, rounded after each operation, are compared with those in float64. `check.roundings` of a
// function says how many roundings they may differ by, where it cancels more than most do.
#include "Interpreter.h"
#include "adjoint/Passes.h"

#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <random>
#include <set>

using namespace mlir;
using namespace mpy;
using namespace mpy::check;

namespace {
/// How one argument of a checked function is drawn.
struct Argument {
  Type type;
  std::vector<int64_t> shape;
  double low = 0.4, high = 1.6;
  std::optional<Data> fixed;
};

struct Checked {
  std::string name;
  std::vector<Argument> arguments;
  /// How many roundings of float32 its gradients may be off.
  int64_t roundings = 32;
};
} // namespace

static bool isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

static Argument describe(func::FuncOp function, unsigned index) {
  Argument argument;
  argument.type = function.getArgumentTypes()[index];
  if (auto low = function.getArgAttrOfType<FloatAttr>(index, "check.low"))
    argument.low = low.getValueAsDouble();
  if (auto high = function.getArgAttrOfType<FloatAttr>(index, "check.high"))
    argument.high = high.getValueAsDouble();
  if (auto shape = function.getArgAttrOfType<DenseI64ArrayAttr>(index, "check.shape"))
    argument.shape = shape.asArrayRef().vec();
  else if (auto tensor = dyn_cast<RankedTensorType>(argument.type))
    argument.shape = tensor.getShape().vec();
  if (auto value = function.getArgAttrOfType<DenseF64ArrayAttr>(index, "check.value")) {
    argument.fixed = Data(argument.shape);
    argument.fixed->elements = value.asArrayRef().vec();
  }
  return argument;
}

static Data draw(const Argument &argument, std::mt19937_64 &random) {
  if (argument.fixed)
    return *argument.fixed;
  Data data(argument.shape);
  std::uniform_real_distribution<double> uniform(argument.low, argument.high);
  for (double &element : data.elements)
    element = uniform(random);
  return data;
}

//===------------------------------------------------------------------------------------------===//
// Building
//===------------------------------------------------------------------------------------------===//
/// Adds a function that computes the gradients of another by its float arguments, seeds being
/// further arguments.
static func::FuncOp addGradient(ModuleOp module, func::FuncOp primal) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = primal.getLoc();
  SmallVector<int64_t> of, wrt;
  SmallVector<Type> inputs(primal.getArgumentTypes()), outputs(primal.getResultTypes()), gradients;
  for (auto [index, type] : llvm::enumerate(primal.getResultTypes()))
    if (isFloat(type))
      of.push_back(index);
  for (auto [index, type] : llvm::enumerate(primal.getArgumentTypes()))
    if (isFloat(type)) {
      wrt.push_back(index);
      gradients.push_back(type);
    }
  for (int64_t index : of)
    inputs.push_back(primal.getResultTypes()[index]);
  llvm::append_range(outputs, gradients);
  auto function = func::FuncOp::create(builder, loc, (primal.getName() + "'").str(),
                                       builder.getFunctionType(inputs, gradients));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  ValueRange arguments = body->getArguments();
  auto request = GradientOp::create(builder, loc, outputs, primal.getName(), of, wrt,
                                    arguments.take_front(primal.getNumArguments()),
                                    arguments.drop_front(primal.getNumArguments()));
  func::ReturnOp::create(builder, loc, request.getOutputs().take_back(gradients.size()));
  return function;
}

/// Adds a function that computes the tangents of another's float results, tangents of its float
/// arguments being further arguments.
static func::FuncOp addTangent(ModuleOp module, func::FuncOp primal) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = primal.getLoc();
  SmallVector<int64_t> of, wrt;
  SmallVector<Type> inputs(primal.getArgumentTypes()), outputs(primal.getResultTypes()), tangents;
  for (auto [index, type] : llvm::enumerate(primal.getArgumentTypes()))
    if (isFloat(type)) {
      wrt.push_back(index);
      inputs.push_back(type);
    }
  for (auto [index, type] : llvm::enumerate(primal.getResultTypes()))
    if (isFloat(type)) {
      of.push_back(index);
      tangents.push_back(type);
    }
  llvm::append_range(outputs, tangents);
  auto function = func::FuncOp::create(builder, loc, (primal.getName() + "^").str(),
                                       builder.getFunctionType(inputs, tangents));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  ValueRange arguments = body->getArguments();
  auto request = TangentOp::create(builder, loc, outputs, primal.getName(), of, wrt,
                                   arguments.take_front(primal.getNumArguments()),
                                   arguments.drop_front(primal.getNumArguments()));
  func::ReturnOp::create(builder, loc, request.getOutputs().take_back(tangents.size()));
  return function;
}

/// Adds a function that applies one elementwise operation to arguments of the types.
static func::FuncOp addElementwise(ModuleOp module, OperationName name, ArrayRef<Type> types,
                                   Type result, ArrayRef<std::pair<double, double>> domain,
                                   StringRef suffix) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = NameLoc::get(builder.getStringAttr(name.getStringRef()));
  auto function = func::FuncOp::create(builder, loc, (name.getStringRef() + suffix).str(),
                                       builder.getFunctionType(types, result));
  Block *body = function.addEntryBlock();
  for (auto [index, bounds] : llvm::enumerate(domain)) {
    function.setArgAttr(index, "check.low", builder.getF64FloatAttr(bounds.first));
    function.setArgAttr(index, "check.high", builder.getF64FloatAttr(bounds.second));
  }
  builder.setInsertionPointToStart(body);
  OperationState state(loc, name);
  state.addOperands(body->getArguments());
  state.addTypes(result);
  Operation *op = builder.create(state);
  func::ReturnOp::create(builder, loc, op->getResults());
  return function;
}

/// Adds functions for every elementwise operation that takes floats; returns their names.
static std::set<std::string> addElementwiseFunctions(ModuleOp module) {
  MLIRContext *context = module.getContext();
  std::set<std::string> covered;
  Type scalar = Float64Type::get(context), array = RankedTensorType::get({3}, scalar);
  for (RegisteredOperationName name : context->getRegisteredOperations()) {
    if (name.getDialectNamespace() != "mpy" || !name.hasInterface<ElementwiseOpInterface>() ||
        name.getStringRef() == CompareOp::getOperationName() ||
        name.getStringRef() == SelectOp::getOperationName() ||
        name.getStringRef() == CastOp::getOperationName())
      continue;
    OperationState state(UnknownLoc::get(context), name);
    Operation *probe = Operation::create(state);
    auto domain = cast<ElementwiseOpInterface>(probe).domain();
    probe->destroy();
    bool isFlat = llvm::all_of(domain, [](auto bounds) { return bounds.first == bounds.second; });
    covered.insert(name.getStringRef().str());
    if (isFlat)
      continue;
    if (domain.size() == 1) {
      addElementwise(module, name, {scalar}, scalar, domain, "");
      addElementwise(module, name, {array}, array, domain, "_array");
      continue;
    }
    addElementwise(module, name, {scalar, scalar}, scalar, domain, "");
    addElementwise(module, name, {array, array}, array, domain, "_array");
    addElementwise(module, name, {array, scalar}, array, domain, "_array_scalar");
    addElementwise(module, name, {scalar, array}, array, domain, "_scalar_array");
  }
  return covered;
}

/// Adds a twin of a function in which float64 is float32; what it calls are twins, too.
static func::FuncOp addTwin(ModuleOp module, func::FuncOp function) {
  Type narrow = Float32Type::get(module.getContext());
  auto nameOf = [](StringRef name) { return (name + "_f32").str(); };
  func::FuncOp twin = function.clone();
  twin.setName(nameOf(function.getName()));
  twin.removeArgAttrsAttr();
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](Float64Type) { return narrow; });
  replacer.addReplacement([&](FlatSymbolRefAttr callee) {
    return std::make_pair<Attribute>(
        FlatSymbolRefAttr::get(callee.getContext(), nameOf(callee.getValue())), WalkResult::skip());
  });
  replacer.addReplacement([&](FloatAttr number) {
    return std::make_pair<Attribute>(FloatAttr::get(narrow, number.getValueAsDouble()),
                                     WalkResult::skip());
  });
  replacer.addReplacement([&](DenseFPElementsAttr numbers) {
    auto round = [&](const APFloat &number) {
      return cast<FloatAttr>(FloatAttr::get(narrow, number.convertToDouble()))
          .getValue()
          .bitcastToAPInt();
    };
    return std::make_pair<Attribute>(numbers.mapValues(narrow, round), WalkResult::skip());
  });
  replacer.recursivelyReplaceElementsIn(twin, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  module.push_back(twin);
  return twin;
}

//===------------------------------------------------------------------------------------------===//
// Comparing
//===------------------------------------------------------------------------------------------===//
/// Sum of the products of seeds and float results.
static double weigh(ArrayRef<Data> results, ArrayRef<Type> types, ArrayRef<Data> seeds) {
  double sum = 0;
  size_t position = 0;
  for (auto [result, type] : llvm::zip_equal(results, types)) {
    if (!isFloat(type))
      continue;
    for (auto [x, weight] : llvm::zip_equal(result.elements, seeds[position].elements))
      sum += weight == 0 ? 0 : x * weight;
    ++position;
  }
  return sum;
}

/// Checks the gradients that `derivative` computes against differences of `primal`; returns the
/// largest error.
static double compare(Interpreter &interpreter, func::FuncOp primal, func::FuncOp derivative,
                      std::vector<Data> inputs, std::mt19937_64 &random) {
  std::vector<Type> types = primal.getResultTypes().vec();
  std::vector<Data> seeds;
  std::vector<Data> values = interpreter.call(primal.getName(), inputs);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (auto [value, type] : llvm::zip_equal(values, types)) {
    if (!isFloat(type))
      continue;
    seeds.push_back(value);
    for (double &element : seeds.back().elements)
      element = uniform(random);
  }
  std::vector<Data> arguments = inputs;
  llvm::append_range(arguments, seeds);
  std::vector<Data> gradients = interpreter.call(derivative.getName(), arguments);
  double worst = 0;
  size_t position = 0;
  for (auto [index, type] : llvm::enumerate(primal.getArgumentTypes())) {
    if (!isFloat(type))
      continue;
    const Data &gradient = gradients.at(position++);
    if (gradient.shape != inputs[index].shape)
      llvm::report_fatal_error("a gradient has another shape than its input");
    for (size_t element = 0; element < gradient.elements.size(); ++element) {
      double &place = inputs[index].elements[element], saved = place;
      auto at = [&](double x) {
        place = x;
        return weigh(interpreter.call(primal.getName(), inputs), types, seeds);
      };
      double h = 2e-4;
      double difference =
          (8 * (at(saved + h) - at(saved - h)) - (at(saved + 2 * h) - at(saved - 2 * h))) /
          (12 * h);
      place = saved;
      double error =
          std::fabs(gradient.elements[element] - difference) / std::max(1.0, std::fabs(difference));
      if (!(error <= worst))
        worst = std::isnan(error) ? INFINITY : error;
    }
  }
  return worst;
}

/// Replaces the elements of results by random seeds; returns those of floats.
static std::vector<Data> drawSeeds(std::vector<Data> results, TypeRange types,
                                   std::mt19937_64 &random) {
  std::vector<Data> seeds;
  for (auto [result, type] : llvm::zip_equal(results, types))
    if (isFloat(type)) {
      for (double &element : result.elements)
        element = std::uniform_real_distribution<double>(-1, 1)(random);
      seeds.push_back(result);
    }
  return seeds;
}

/// Arguments of the function that an order differentiates.
static std::vector<Data> drawInputs(Interpreter &interpreter, const Checked &checked,
                                    ArrayRef<func::FuncOp> orders, unsigned order,
                                    std::mt19937_64 &random) {
  std::vector<Data> inputs;
  for (const Argument &argument : checked.arguments)
    inputs.push_back(draw(argument, random));
  // Seeds of the lower orders are inputs of this one.
  for (func::FuncOp lower : orders.take_front(order - 1))
    llvm::append_range(inputs, drawSeeds(interpreter.call(lower.getName(), inputs),
                                         lower.getResultTypes(), random));
  return inputs;
}

/// Checks that tangents and gradients are the same derivative: the tangents weighed by seeds are
/// the gradients for these seeds weighed by the inputs' tangents. Returns the error.
static double compareModes(Interpreter &interpreter, func::FuncOp primal, func::FuncOp derivative,
                           func::FuncOp tangent, const std::vector<Data> &inputs,
                           std::mt19937_64 &random) {
  std::vector<Data> values = interpreter.call(primal.getName(), inputs);
  std::vector<Data> seeds = drawSeeds(values, primal.getResultTypes(), random);
  std::vector<Data> directions = drawSeeds(inputs, primal.getArgumentTypes(), random);
  std::vector<Data> forward = inputs, backward = inputs;
  llvm::append_range(forward, directions);
  llvm::append_range(backward, seeds);
  double pushed =
      weigh(interpreter.call(tangent.getName(), forward), tangent.getResultTypes(), seeds);
  double pulled = weigh(interpreter.call(derivative.getName(), backward),
                        derivative.getResultTypes(), directions);
  return std::fabs(pushed - pulled) / std::max(1.0, std::fabs(pulled));
}

static bool checkOrders(Interpreter &interpreter, const Checked &checked,
                        ArrayRef<func::FuncOp> orders, ArrayRef<func::FuncOp> tangents) {
  bool passed = true;
  for (unsigned order = 1; order < orders.size(); ++order) {
    double worst = 0, apart = 0;
    for (unsigned sample = 0; sample < 3; ++sample) {
      std::mt19937_64 random(sample * 977 + order);
      std::vector<Data> inputs = drawInputs(interpreter, checked, orders, order, random);
      double error = compareModes(interpreter, orders[order - 1], orders[order],
                                  tangents[order - 1], inputs, random);
      if (!(error <= apart))
        apart = std::isnan(error) ? INFINITY : error;
      worst =
          std::max(worst, compare(interpreter, orders[order - 1], orders[order], inputs, random));
    }
    if (apart >= 1e-9) {
      passed = false;
      llvm::outs() << "FAIL " << checked.name << " order " << order
                   << ": tangents differ from gradients by " << apart << "\n";
    }
    bool isClose = worst < 1e-6;
    passed &= isClose;
    if (!isClose)
      llvm::outs() << "FAIL " << checked.name << " order " << order << ": error " << worst << "\n";
  }
  return passed;
}

/// Checks that the gradients of the twins are those of the functions, up to what float32 rounds.
static bool checkTwins(Interpreter &interpreter, const Checked &checked,
                       ArrayRef<func::FuncOp> orders, ArrayRef<func::FuncOp> twins) {
  bool passed = true;
  for (unsigned order = 1; order < orders.size(); ++order) {
    double worst = 0;
    for (unsigned sample = 0; sample < 3; ++sample) {
      std::mt19937_64 random(sample * 977 + order);
      func::FuncOp primal = orders[order - 1];
      std::vector<Data> inputs = drawInputs(interpreter, checked, orders, order, random);
      llvm::append_range(inputs, drawSeeds(interpreter.call(primal.getName(), inputs),
                                           primal.getResultTypes(), random));
      // Both start from the same numbers.
      func::FuncOp function = orders[order], twin = twins[order];
      for (auto [input, type] : llvm::zip_equal(inputs, function.getArgumentTypes()))
        if (isFloat(type))
          for (double &element : input.elements)
            element = float(element);
      std::vector<Data> wide = interpreter.call(function.getName(), inputs);
      std::vector<Data> narrow = interpreter.call(twin.getName(), inputs);
      for (auto [gradient, expected] : llvm::zip_equal(narrow, wide)) {
        double scale = 1;
        for (double element : expected.elements)
          scale = std::max(scale, std::fabs(element));
        for (auto [x, y] : llvm::zip_equal(gradient.elements, expected.elements)) {
          bool isSame = x == y || (std::isnan(x) && std::isnan(y));
          double error = isSame ? 0 : std::fabs(x - y) / scale;
          worst = std::max(worst, std::isnan(error) ? INFINITY : error);
        }
      }
    }
    bool isClose = worst < checked.roundings * std::numeric_limits<float>::epsilon();
    passed &= isClose;
    if (!isClose)
      llvm::outs() << "FAIL " << checked.name << " in float32, order " << order << ": error "
                   << worst << "\n";
  }
  return passed;
}

//===------------------------------------------------------------------------------------------===//
// Command line
//===------------------------------------------------------------------------------------------===//
int main(int count, char **words) {
  MLIRContext context;
  context.allowUnregisteredDialects();
  context.loadDialect<MpyDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect,
                      scf::SCFDialect, tensor::TensorDialect>();
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, UnknownLoc::get(&context));
  unsigned highest = 2;
  std::set<std::string> covered = addElementwiseFunctions(*module);
  std::vector<std::string> paths;
  for (int index = 1; index < count; ++index) {
    if (StringRef(words[index]) == "--order" && index + 1 < count)
      highest = std::atoi(words[++index]);
    else
      paths.push_back(words[index]);
  }
  if (paths.empty())
    for (const char *name : {"structural", "special", "programs"})
      paths.push_back(std::string(MPY_GRADCHECK_FOLDER "/") + name + ".mlir");
  for (const std::string &path : paths) {
    OwningOpRef<ModuleOp> file = parseSourceFile<ModuleOp>(path, &context);
    if (!file)
      return 1;
    file->walk([&](Operation *op) { covered.insert(op->getName().getStringRef().str()); });
    for (Operation &op : llvm::make_early_inc_range(*file->getBody())) {
      op.remove();
      module->getBody()->push_back(&op);
    }
  }

  bool passed = true;
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.getDialectNamespace() == "mpy" && name.hasInterface<DifferentiableOpInterface>() &&
        !covered.contains(name.getStringRef().str()) && !name.getStringRef().contains("tape") &&
        name.getStringRef() != "mpy.push" && name.getStringRef() != "mpy.pop") {
      llvm::outs() << "FAIL " << name.getStringRef() << " has a derivative but no sample\n";
      passed = false;
    }

  std::vector<Checked> checks;
  std::vector<SmallVector<func::FuncOp>> orders, tangents, twins;
  for (auto function : llvm::to_vector(module->getOps<func::FuncOp>())) {
    func::FuncOp twin = addTwin(*module, function);
    if (function.isPrivate())
      continue;
    Checked checked{function.getName().str(), {}};
    if (auto roundings = function->getAttrOfType<IntegerAttr>("check.roundings"))
      checked.roundings = roundings.getInt();
    for (unsigned index = 0; index < function.getNumArguments(); ++index)
      checked.arguments.push_back(describe(function, index));
    SmallVector<func::FuncOp> chain{function}, twinChain{twin};
    unsigned wanted = highest;
    if (auto limit = function->getAttrOfType<IntegerAttr>("check.order"))
      wanted = std::min<unsigned>(wanted, limit.getInt());
    for (unsigned order = 0; order < wanted; ++order) {
      chain.push_back(addGradient(*module, chain.back()));
      twinChain.push_back(addGradient(*module, twinChain.back()));
    }
    tangents.emplace_back();
    for (unsigned order = 0; order < wanted; ++order)
      tangents.back().push_back(addTangent(*module, chain[order]));
    checks.push_back(checked);
    orders.push_back(chain);
    twins.push_back(twinChain);
  }
  if (failed(verify(*module)))
    return 1;
  PassManager passes(&context);
  passes.addPass(createExpandGrad());
  passes.addPass(createVerifyNoGrad());
  if (failed(passes.run(*module)))
    return 1;
  if (std::getenv("GRADCHECK_PRINT"))
    module->print(llvm::outs(), OpPrintingFlags().printNameLocAsPrefix());

  Interpreter interpreter(*module);
  for (auto [checked, chain, pushed, twinChain] :
       llvm::zip_equal(checks, orders, tangents, twins)) {
    passed &= checkOrders(interpreter, checked, chain, pushed);
    passed &= checkTwins(interpreter, checked, chain, twinChain);
  }
  llvm::outs() << (passed ? "passed " : "failed ") << checks.size() << " functions to order "
               << highest << ", each in float64 and float32\n";
  return passed ? 0 : 1;
}
