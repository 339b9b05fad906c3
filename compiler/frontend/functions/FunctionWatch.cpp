// Where a program asks for a derivative, or calls the function that a command names, what the
// command asks is asked first, with the arguments of the program:
//
//   g = grad(loss)(w)   =>   compare(loss, w) where it is run for the first time; g = grad(loss)(w)
//
// What is compared, and how, is written in the language (lang/library/mpy/_watch.mpy). Inside of
// functions that are differentiated themselves nothing is added: that would be part of them.
#include "frontend/functions/FunctionWatch.h"
#include "dialect/Dialect.h"
#include "frontend/functions/Transforms.h"
#include "frontend/library/Library.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/SaveAndRestore.h"

namespace mpy {

static constexpr const char *watchModule = "mpy._watch";
/// As many as mpy_first_time tells apart.
static constexpr size_t mostFound = 64;

static Value helper(Specializer &s, llvm::StringRef name) {
  return s.libraryValue(*findLibraryEntry(watchModule, name), name);
}

/// How the operators take the point: all arguments of what they return, all but the last one, or
/// with the function.
static llvm::StringRef helperOf(llvm::StringRef name) {
  static constexpr llvm::StringRef atPoint[] = {"grad",
                                                "value_and_grad",
                                                "grad_and_loss",
                                                "elementwise_grad",
                                                "jacobian",
                                                "jacfwd",
                                                "jacrev",
                                                "hessian",
                                                "grad_named",
                                                "grad_and_aux",
                                                "multigrad_dict",
                                                "deriv",
                                                "make_vjp",
                                                "make_jvp",
                                                "make_jvp_reversemode",
                                                "make_hvp"};
  static constexpr llvm::StringRef withVector[] = {
      "hvp", "hessian_vector_product", "hessian_tensor_product", "vector_jacobian_product",
      "tensor_jacobian_product"};
  if (llvm::is_contained(atPoint, name))
    return "_at_point";
  if (llvm::is_contained(withVector, name))
    return "_with_vector";
  return name == "jvp" ? "_with_tangents" : name == "vjp" || name == "linearize" ? "_at_once" : "";
}

Value watchedOperator(Specializer &s, llvm::StringRef module, llvm::StringRef name) {
  bool isOfProgram = !s.frame().library;
  llvm::StringRef made = helperOf(name);
  if (!s.watch || s.watch->isBusy || !isOfProgram || made.empty() ||
      (module != "mpy" && module != "autograd" && !module.starts_with("minpy")))
    return {};
  const LibraryValue *transform = findTransform(module, name);
  Value known = transform ? Value(transform) : findLibraryAttribute(s, module, name);
  if (known.isUnbound())
    return {};
  return s.call(helper(s, made), CallArguments{{known, s.makeText(name.str())}, {}, s.span});
}

namespace {
/// What stands behind a function that the program differentiates.
struct Origin {
  const ClosureValue *closure = nullptr; // of the program
  std::string name;                      // `grad(loss)`
};
} // namespace

static Origin originOf(Specializer &s, const Value &function) {
  if (auto *method = function.as<BoundMethodValue>())
    return originOf(s, Value(method->function));
  auto *closure = function.as<ClosureValue>();
  if (!closure && s.object<InstanceState>(function)) {
    Value inner = s.findAttribute(function, "fun");
    return inner.isUnbound() ? Origin() : originOf(s, inner);
  }
  if (!closure)
    return {};
  if (!closure->library)
    return {closure, nameOfFunction(function)};
  auto captured = [&](const char *name) {
    auto it = closure->cells.find(name);
    return it == closure->cells.end() ? Value() : s.heap.get<CellState>(it->second)->value;
  };
  Value inner = captured("fun"), title = captured("title");
  if (inner.isUnbound())
    return {};
  Origin origin = originOf(s, inner);
  if (title.get<Text>())
    origin.name = *s.knownText(title) + "(" + origin.name + ")";
  return origin;
}

/// The names of the parameters as far as they can be given by position.
static Value namesOf(Specializer &s, const Value &function, const ClosureValue *closure) {
  bool isMethod = function.as<BoundMethodValue>();
  ValueList names;
  for (const auto *group : {&closure->arguments().posonlyargs, &closure->arguments().args})
    for (const ast::Parameter &parameter : *group)
      names.push_back(s.makeText(parameter.name));
  if (isMethod && !names.empty())
    names.erase(names.begin());
  return s.newList(names);
}

static bool isAsked(Specializer &s) {
  return s.watch && !s.watch->isBusy && !s.mayBeDifferentiated() && !s.dead;
}

/// Which of the found functions this is; nothing for one too many.
static std::optional<int64_t> numberOf(FunctionWatch &watch, const FunctionWatch::Found &found) {
  auto it = llvm::find_if(watch.found, [&](const FunctionWatch::Found &other) {
    return other.title == found.title && other.place == found.place;
  });
  if (it == watch.found.end()) {
    if (watch.found.size() == mostFound) {
      ++watch.left;
      return std::nullopt;
    }
    it = watch.found.insert(it, found);
  }
  return it - watch.found.begin();
}

/// Asks for the derivative, once, and notes which functions were made for it.
static void askDerivative(Specializer &s, const CallArguments &arguments,
                          FunctionWatch::Found &found, const std::string &name) {
  llvm::StringSet<> before;
  for (auto function : s.module.getOps<mlir::func::FuncOp>())
    before.insert(function.getName());
  s.call(helper(s, "_ask"), arguments);
  found.symbols.clear();
  for (auto function : s.module.getOps<mlir::func::FuncOp>())
    if (!before.contains(function.getName()))
      found.symbols.push_back(function.getName().str());
  bool isSecond = s.watch->order == 2;
  found.shownName = (name == "<lambda>" ? "lambda_" : name) + (!isSecond            ? ""
                                                               : s.watch->isForward ? "_tangent"
                                                                                    : "_grad");
}

static void ask(Specializer &s, const Value &function, const Value &argnums, const Value &args,
                const Value &keywords) {
  FunctionWatch &watch = *s.watch;
  Origin origin = originOf(s, function);
  if (!origin.closure || (!watch.function.empty() && origin.closure->name != watch.function))
    return;
  Span place = origin.closure->node->span;
  unsigned line = s.sources.lineColumn(place.file, place.begin).line;
  std::optional<int64_t> number =
      numberOf(watch, {origin.name + ", line " + std::to_string(line), place.begin});
  if (!number)
    return;
  llvm::SaveAndRestore<bool> busy(watch.isBusy, true);
  CallArguments call{
      {function, argnums, args, keywords, namesOf(s, function, origin.closure)}, {}, s.span};
  if (watch.kind == FunctionWatch::Kind::Ask) {
    ValueList wrt;
    for (llvm::StringRef name : watch.wrt) {
      int64_t position;
      bool isName = name.getAsInteger(10, position);
      wrt.push_back(isName ? Value(s.makeText(name.str())) : Value(s.makeInt(IntExpr(position))));
    }
    call.positional.push_back(s.newTuple(wrt));
    call.positional.push_back(s.makeBool(watch.isForward));
    call.positional.push_back(s.makeInt(IntExpr(watch.order)));
    askDerivative(s, call, watch.found[*number], origin.closure->name);
    return;
  }
  call.positional.push_back(s.makeInt(IntExpr(*number)));
  call.positional.push_back(s.makeBool(watch.drawsInputs));
  // Not everything may stand in `try`; what the function cannot do outside of it, the program's own
  // call says again.
  std::vector<Diagnostic> errors;
  for (bool catches : {true, false}) {
    CallArguments one = call;
    one.positional.push_back(s.makeBool(catches));
    errors.clear();
    if (s.attempt([&] { s.call(helper(s, "_check"), one); }, errors))
      break;
  }
  if (!errors.empty())
    watch.found[*number].refusal =
        (errorCode(errors.front().id) + ": " + errors.front().message).str();
}

void watchCall(Specializer &s, const Value &function, const CallArguments &arguments) {
  auto *closure = function.as<ClosureValue>();
  if (!isAsked(s) || closure->library || s.watch->function.empty() ||
      closure->name != s.watch->function)
    return;
  DictState keywords;
  for (auto &[name, value] : arguments.keywords)
    keywords.entries.push_back({s.makeText(name), value});
  ask(s, function, NoneValue{}, s.newTuple(arguments.positional),
      ObjectRef{s.heap.add(std::move(keywords))});
}

namespace library {

/// A point where the program asks for a derivative.
Value primitiveWatch(Specializer &s, const Arguments &arguments) {
  if (isAsked(s))
    ask(s, arguments["function"], arguments["argnums"], arguments["args"], arguments["keywords"]);
  return NoneValue{};
}

} // namespace library

} // namespace mpy
