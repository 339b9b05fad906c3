// Calls: arguments bound to parameters by Python's rules, then the body of the callee runs in
// place. Its names live in a frame of its own; arrays and containers are shared objects, so what it
// mutates its caller sees.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/functions/FunctionWatch.h"
#include "frontend/interpret/Prelude.h"
#include "frontend/library/Library.h"
#include "frontend/paths/Temporaries.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace mpy {

const ast::Arguments &ClosureValue::arguments() const {
  if (auto *function = dyn_cast<ast::FunctionDef>(node))
    return function->args;
  return cast<ast::Lambda>(node)->args;
}

const ast::Scope &ClosureValue::scope() const { return *ast::scopeOf(node); }

Value Specializer::makeClosure(const ast::Node &node, const ast::Arguments &arguments,
                               const ast::Scope &scope, llvm::StringRef name) {
  ClosureValue closure;
  closure.node = &node;
  closure.name = name.str();
  closure.globals = frame().globals;
  closure.library = frame().library;
  for (auto &freeName : scope.freeNames)
    if (auto it = frame().cells.find(freeName); it != frame().cells.end())
      closure.cells[freeName] = it->second;
  auto addDefault = [&](const ast::Parameter &parameter) {
    if (parameter.defaultValue)
      closure.defaults[parameter.name] =
          bound(evaluate(parameter.defaultValue), "the default value");
  };
  llvm::for_each(arguments.posonlyargs, addDefault);
  llvm::for_each(arguments.args, addDefault);
  llvm::for_each(arguments.kwonlyargs, addDefault);
  return std::make_shared<const ClosureValue>(std::move(closure));
}

/// Adds the items of a starred argument. Where their number is run-time data, print() gets the text
/// of each, in a list of run-time length; nobody else can be given them.
static void addStarred(Specializer &s, const ast::Call &node, const Value &given,
                       ValueList &positional, std::vector<DisplayPart> &printed) {
  Value value = s.inItsOrder(given);
  auto items = s.knownItems(value);
  Value list = value;
  if (!items) {
    list = s.call(findBuiltin("list"), CallArguments{{value}, {}, s.span});
    items = s.knownItems(list);
  }
  if (auto *counted = items ? nullptr : runTimeListOf(s, list); counted && counted->length.known())
    // What is sorted by run-time data has a known length.
    if (int64_t size = *counted->length.known(); size <= 64) {
      items.emplace();
      for (int64_t i = 0; i < size; ++i)
        items->push_back(runTimeListSubscript(s, list, s.makeInt(IntExpr(i))));
    }
  if (items) {
    positional.insert(positional.end(), items->begin(), items->end());
    return;
  }
  auto *name = dyn_cast<ast::Name>(node.func);
  Value callee = name ? s.lookup(name->id) : Value();
  auto *function = callee.get<const LibraryValue *>();
  bool isAlone = node.args.size() == 1 && positional.empty();
  if (function && *function == findBuiltin("zip") && isAlone && runTimeListOf(s, list)) {
    positional.push_back(std::make_shared<const IterableValue>(
        IterableValue{IterableValue::Kind::Columns, {list}, 1}));
    return;
  }
  if (!function || *function != findBuiltin("print"))
    s.fail(ErrorId::UnknownLength, {"a starred argument"},
           {.help = "give the list itself to the function: f(xs) and 'def f(xs)'"});
  Value texts = s.call(findBuiltin("map"), CallArguments{{findBuiltin("str"), list}, {}, s.span});
  for (const Value &item : positional)
    printed.push_back({s.str(item), false});
  positional.clear();
  printed.push_back({s.call(findBuiltin("list"), CallArguments{{texts}, {}, s.span}), true});
}

CallArguments Specializer::evaluateArguments(const ast::Call &node) {
  CallArguments arguments;
  arguments.span = node.span;
  std::vector<DisplayPart> printed;
  Temporaries temporaries(*this), named(*this);
  auto meets = [](auto &part) { return mayMeetPaths(part.value); };
  bool holds = llvm::any_of(node.keywords, meets) ||
               (node.args.size() > 1 && llvm::any_of(llvm::drop_begin(node.args), mayMeetPaths));
  for (auto *argument : node.args) {
    if (auto *star = dyn_cast<ast::Starred>(argument))
      addStarred(*this, node, present(evaluate(star->value), "the value after *"),
                 arguments.positional, printed);
    else
      arguments.positional.push_back(evaluate(argument));
    if (holds && printed.empty() && !isa<ast::Starred>(argument))
      temporaries.hold(arguments.positional.size() - 1, arguments.positional.back());
  }
  for (auto &keyword : node.keywords) {
    Value value = evaluate(keyword.value);
    if (keyword.name.empty())
      value = present(value, "the value after **");
    if (!keyword.name.empty()) {
      if (holds)
        named.hold(arguments.keywords.size(), value);
      arguments.keywords.push_back({keyword.name, value});
      continue;
    }
    auto *dict = object<DictState>(value);
    if (!dict)
      fail(ErrorId::NotIterable, {"the argument after **"});
    for (auto &[key, item] : dict->entries) {
      auto name = knownText(key);
      if (!name)
        fail(ErrorId::ArgumentValue, {"keywords must be strings"});
      arguments.keywords.push_back({*name, bound(item, *name)});
    }
  }
  if (!dead) {
    temporaries.settle([&](size_t place) -> Value & { return arguments.positional[place]; });
    named.settle([&](size_t place) -> Value & { return arguments.keywords[place].second; });
  }
  if (!printed.empty()) {
    // print(a, *xs, sep=s) prints one text: the texts of all with the separator between.
    Text separator = makeText(" ");
    for (auto &[name, value] : arguments.keywords)
      if (auto *text = value.get<Text>(); name == "sep" && text)
        separator = *text;
    for (const Value &item : arguments.positional)
      printed.push_back({str(item), false});
    arguments.positional = {joinTexts(*this, separator, displayOf(*this, printed))};
  }
  return arguments;
}

/// The call without a list in the middle that only passes items on: `sorted(list(x))` is
/// `sorted(x)`, which asks for no order where x is a set.
static std::unique_ptr<ast::Call> withoutCopy(Specializer &s, const Value &callee,
                                              const ast::Call &node) {
  auto *function = callee.get<const LibraryValue *>();
  auto isNamed = [](const LibraryValue *function, llvm::ArrayRef<llvm::StringRef> names) {
    return llvm::any_of(names, [&](llvm::StringRef name) {
      return function == findBuiltin(name) && function != nullptr;
    });
  };
  if (!function || node.args.empty() || !isNamed(*function, {"sorted", "set"}))
    return nullptr;
  auto *copy = dyn_cast<ast::Call>(node.args[0]);
  auto *name = copy ? dyn_cast<ast::Name>(copy->func) : nullptr;
  if (!name || copy->args.size() != 1 || isa<ast::Starred>(copy->args[0]) ||
      !copy->keywords.empty())
    return nullptr;
  Value made = s.evaluate(name);
  auto *maker = made.get<const LibraryValue *>();
  if (!maker || !isNamed(*maker, {"list", "tuple"}))
    return nullptr;
  auto shorter = std::make_unique<ast::Call>();
  shorter->span = node.span;
  shorter->func = node.func;
  shorter->args = node.args;
  shorter->args[0] = copy->args[0];
  shorter->keywords = node.keywords;
  return shorter;
}

Value Specializer::evaluateCall(const ast::Call &node) {
  // `super()` needs the frame it stands in.
  if (auto *name = dyn_cast<ast::Name>(node.func);
      name && name->id == "super" && node.args.empty()) {
    for (auto it = frames.rbegin(); it != frames.rend(); ++it) {
      Frame &method = **it;
      if (!method.closure || isa<ast::GeneratorExp>(method.closure->node))
        continue;
      if (!method.closure->ownerClass)
        break;
      auto &parameters = method.closure->arguments();
      if (parameters.args.empty() && parameters.posonlyargs.empty())
        break;
      std::string self =
          parameters.posonlyargs.empty() ? parameters.args[0].name : parameters.posonlyargs[0].name;
      Value value = method.cells.count(self) ? heap.get<CellState>(method.cells[self])->value
                                             : method.locals[self];
      return std::make_shared<const SuperValue>(SuperValue{value, *method.closure->ownerClass});
    }
    fail(ErrorId::ArgumentValue, {"super(): no arguments"});
  }
  Value callee = evaluate(node.func);
  std::unique_ptr<ast::Call> shorter = withoutCopy(*this, callee, node);
  // A method of what another call gave: get(k).append(get(j)).
  std::optional<InProgress> held;
  if (mayMeetPaths(node.func) && refersToObjects(callee))
    held.emplace(*this, callee);
  CallArguments arguments = evaluateArguments(shorter ? *shorter : node);
  if (dead)
    return NoneValue{};
  if (held)
    callee = held->get();
  span = node.span;
  return call(callee, std::move(arguments));
}

void failCall(Specializer &s, const std::string &function, const std::string &message) {
  if (s.isCertain())
    s.fail(ErrorId::CallArguments, {function, message});
  s.raiseHere("TypeError", function + " " + message);
  throw PathEnds();
}

static std::string quotedNames(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + ("'" + names[i] + "'");
  return text;
}

Locals Specializer::bindParameters(const ClosureValue &closure, const CallArguments &given) {
  const ast::Arguments &parameters = closure.arguments();
  Locals bound;
  std::vector<std::string> positional;
  for (auto &parameter : parameters.posonlyargs)
    positional.push_back(parameter.name);
  for (auto &parameter : parameters.args)
    positional.push_back(parameter.name);
  std::string shown = closure.name + "()";
  if (closure.ownerClass)
    shown = heap.get<ClassState>(*closure.ownerClass)->name + "." + shown;
  auto wrong = [&](const std::string &message) { failCall(*this, shown, message); };
  ValueList rest;
  for (size_t i = 0; i < given.positional.size(); ++i) {
    if (i < positional.size())
      bound[positional[i]] = given.positional[i];
    else if (parameters.vararg)
      rest.push_back(given.positional[i]);
    else
      wrong("takes " + std::to_string(positional.size()) + " positional argument" +
            (positional.size() == 1 ? "" : "s") + " but " +
            std::to_string(given.positional.size()) +
            (given.positional.size() == 1 ? " was given" : " were given"));
  }
  if (parameters.vararg)
    bound[parameters.vararg->name] = newTuple(std::move(rest));
  DictState extra;
  for (auto &[name, value] : given.keywords) {
    bool known =
        llvm::any_of(parameters.args, [&](auto &parameter) { return parameter.name == name; }) ||
        llvm::any_of(parameters.kwonlyargs,
                     [&](auto &parameter) { return parameter.name == name; });
    if (!known) {
      if (!parameters.kwarg)
        wrong("got an unexpected keyword argument '" + name + "'");
      extra.entries.push_back({makeText(name), value});
      continue;
    }
    if (bound.count(name))
      wrong("got multiple values for argument '" + name + "'");
    bound[name] = value;
  }
  if (parameters.kwarg)
    bound[parameters.kwarg->name] = ObjectRef{heap.add(std::move(extra))};
  std::vector<std::string> missing;
  auto complete = [&](const std::string &name) {
    if (bound.count(name))
      return;
    if (auto it = closure.defaults.find(name); it != closure.defaults.end())
      bound[name] = it->second;
    else
      missing.push_back(name);
  };
  llvm::for_each(positional, complete);
  if (!missing.empty())
    wrong("missing " + std::to_string(missing.size()) + " required positional argument" +
          (missing.size() == 1 ? "" : "s") + ": " + quotedNames(missing));
  for (auto &parameter : parameters.kwonlyargs)
    complete(parameter.name);
  if (!missing.empty())
    wrong("missing " + std::to_string(missing.size()) + " required keyword-only argument" +
          (missing.size() == 1 ? "" : "s") + ": " + quotedNames(missing));
  return bound;
}

void Specializer::enter(Frame &callee, const ClosureValue &closure, const Locals &parameters) {
  const ast::Scope &scope = closure.scope();
  callee.scope = &scope;
  callee.closure = &closure;
  callee.parameters = parameters;
  callee.globals = closure.globals;
  callee.library = closure.library;
  callee.name = closure.name;
  callee.callSpan = span;
  callee.entryBlock = builder.getInsertionBlock();
  callee.ruleDepth = ruleDepth;
  callee.cells = closure.cells;
  for (auto &[name, value] : parameters) {
    if (!closure.library && mayBeDifferentiated())
      label(value, name);
    if (scope.captured.contains(name))
      callee.cells[name] = heap.add(CellState{value});
    else
      callee.locals[name] = value;
  }
  for (auto &name : scope.captured)
    if (!parameters.count(name))
      callee.cells[name] = heap.add(CellState{Unbound{}});
}

Value Specializer::callInline(const ClosureValue &closure, Locals parameters) {
  if (frames.size() > maximumDepth)
    failRecursion(closure);
  if (closure.scope().hasYield)
    return makeGenerator(closure, parameters);
  // Functions that each call another one twice double the work with every one.
  if (++unrolled > maximumUnrolled)
    fail(ErrorId::UnrollsTooFar, {"the call of '" + closure.name + "'"},
         {.found = "more than " + std::to_string(maximumUnrolled) + " calls and loop iterations",
          .help = "call it once and keep the result, or call it in a loop"});
  Frame callee;
  enter(callee, closure, parameters);
  callee.locals["%return"] = makeBool(false);
  Span place = span;
  enter(callee);
  struct Pop {
    Specializer &s;
    size_t depth;
    ~Pop() { s.frames.resize(depth); }
  } pop{*this, frames.size() - 1};
  // Of a function that the library differentiates too, which names nothing itself.
  if (!closure.library && mayBeDifferentiated())
    for (auto &[name, value] : parameters)
      label(value, name);
  if (auto *function = dyn_cast<ast::FunctionDef>(closure.node)) {
    callee.locals["%value"] = NoneValue{};
    execute(function->body);
  } else {
    callee.locals["%value"] = evaluate(cast<ast::Lambda>(closure.node)->body);
    callee.locals["%return"] = makeBool(true);
  }
  span = place;
  if (dead)
    return NoneValue{};
  Scalar returned = truth(callee.locals["%return"]);
  auto it = callee.locals.find("%value");
  if (it == callee.locals.end() || returned.knownBool == false)
    return NoneValue{};
  Value value = it->second;
  auto *optional = value.as<OptionalValue>();
  bool mayBeUnset = optional && !optional->orNone;
  if (returned.knownBool == true)
    return mayBeUnset ? optional->value : value;
  // Paths that reach the end of the body return None.
  Value inner = mayBeUnset ? optional->value : value;
  if (inner.isNone())
    return inner;
  // What was returned may be None itself.
  if (auto *again = inner.as<OptionalValue>(); again && again->orNone)
    return std::make_shared<const OptionalValue>(
        OptionalValue{create<arith::AndIOp>(ssa(returned), again->present), again->value, true});
  return std::make_shared<const OptionalValue>(OptionalValue{ssa(returned), inner, true});
}

/// Calls the one of the functions that the run-time number says.
Value Specializer::callChoice(const ChoiceValue &choice, size_t from,
                              const CallArguments &arguments) {
  if (from + 1 == choice.options.size())
    return call(choice.options[from], arguments);
  mlir::Value isThis =
      create<arith::CmpIOp>(arith::CmpIPredicate::eq, choice.which,
                            create<arith::ConstantOp>(builder.getI64IntegerAttr(from)).getResult());
  return branchValue(
      isThis, [&] { return call(choice.options[from], arguments); },
      [&] { return callChoice(choice, from + 1, arguments); });
}

/// The module that programs know a file of the library by: `numpy` for `numpy._shapes`.
static llvm::StringRef publicModule(const LibraryFile &file) {
  return llvm::StringRef(file.module).split("._").first;
}

Value Specializer::call(const Value &given, CallArguments arguments) {
  if (dead)
    return NoneValue{};
  Value callee = present(given, "the function", typeError("'NoneType' object is not callable"));
  span = arguments.span;
  if (auto *closure = callee.as<ClosureValue>()) {
    Shared<ClosureValue> keep = *callee.get<Shared<ClosureValue>>();
    if (closure->library && !closure->ownerClass)
      if (auto result = callWithComplex(*this, publicModule(*closure->library), closure->name,
                                        arguments, closure))
        return *result;
    watchCall(*this, callee, arguments);
    Locals parameters = bindParameters(*closure, arguments);
    if (auto result = callRecursive(*closure, parameters))
      return *result;
    return callInline(*closure, std::move(parameters));
  }
  if (auto *library = callee.get<const LibraryValue *>())
    return callLibrary(**library, std::move(arguments));
  if (auto *choice = callee.as<ChoiceValue>()) {
    Shared<ChoiceValue> keep = *callee.get<Shared<ChoiceValue>>();
    return callChoice(*choice, 0, arguments);
  }
  if (auto *method = callee.as<BoundMethodValue>()) {
    Shared<BoundMethodValue> keep = *callee.get<Shared<BoundMethodValue>>();
    arguments.positional.insert(arguments.positional.begin(), method->self);
    return call(method->function, std::move(arguments));
  }
  if (auto *dtype = callee.get<DType>())
    return callDType(*this, *dtype, arguments);
  if (auto *transform = callee.as<TransformValue>()) {
    Shared<TransformValue> keep = *callee.get<Shared<TransformValue>>();
    return callTransform(*transform, std::move(arguments));
  }
  if (auto *ref = callee.get<ObjectRef>(); ref && heap.get<ClassState>(ref->id))
    return instantiate(ref->id, std::move(arguments));
  if (isOfClass(callee)) {
    Value method = findAttribute(callee, "__call__");
    if (!method.isUnbound())
      return call(method, std::move(arguments));
  }
  if (auto *property = callee.as<PropertyValue>();
      property && property->kind != PropertyValue::Kind::Property)
    return call(property->getter, std::move(arguments));
  // Only what certainly is no function for Python is that path's exception.
  bool isData = callee.get<Scalar>() || callee.get<Text>() || callee.as<TupleValue>() ||
                object<ListState>(callee) || object<DictState>(callee) || isOfClass(callee);
  if (isData && !isCertain() && runTimeDictKind(*this, callee).empty())
    return raiseHere("TypeError", "'" + typeName(callee) + "' object is not callable");
  fail(ErrorId::NotCallable, {describe(callee)});
}

//===----------------------------------------------------------------------===//
// Parameter lists of library functions
//===----------------------------------------------------------------------===//

static Value defaultValue(Specializer &s, llvm::StringRef text) {
  if (text == "None")
    return NoneValue{};
  if (text == "True" || text == "False")
    return s.makeBool(text == "True");
  if (text.starts_with("'"))
    return s.makeText(text.drop_front().drop_back().str());
  int64_t integer;
  if (!text.getAsInteger(10, integer))
    return s.makeInt(IntExpr(integer));
  double number;
  if (!text.getAsDouble(number))
    return s.makeFloat(number);
  llvm_unreachable("a default in a library signature");
}

namespace {
/// A library function was called with a value that may be None, where None chooses what it does.
struct CalledWithOptional {
  const OptionalValue *argument;
};
} // namespace

Value Specializer::callLibrary(const LibraryValue &function, CallArguments arguments) {
  if (auto known = foldTextMethod(*this, function.name, arguments))
    return *known;
  CallArguments given = arguments;
  try {
    auto [module, name] = llvm::StringRef(function.name).rsplit('.');
    if (auto result = callWithComplex(*this, module, name, arguments, nullptr))
      return *result;
    if (auto result = callWithMask(*this, function, arguments))
      return *result;
    return function.call(*this, arguments);
  } catch (const CalledWithOptional &call) {
    auto slotIn = [&](CallArguments &all) -> Value * {
      for (Value &value : all.positional)
        if (value.as<OptionalValue>() == call.argument)
          return &value;
      for (auto &keyword : all.keywords)
        if (keyword.second.as<OptionalValue>() == call.argument)
          return &keyword.second;
      return nullptr;
    };
    Value *slot = slotIn(given);
    if (!slot)
      fail(ErrorId::RunTimeType, {},
           {.found = std::string("a value or None inside ") + function.name,
            .help = "choose with 'if x is None' before the call"});
    return eitherWay(Value(*slot), [&](const Value &value) {
      CallArguments chosen = given;
      *slotIn(chosen) = value;
      return callLibrary(function, chosen);
    });
  }
}

/// Whether the order in which a function walks what it is given makes no difference.
static bool asksForNoOrder(llvm::StringRef function, const std::vector<std::string> &names,
                           const ValueList &bound) {
  for (auto [name, value] : llvm::zip(names, bound))
    if (name == "key" && !value.isUnbound() && !value.isNone())
      return false; // Ties stay in their order.
  return llvm::is_contained({"all", "any", "set", "sorted", "sum"}, function);
}

ValueList Specializer::bind(const CallArguments &given, const char *parameters,
                            llvm::StringRef functionName) {
  llvm::SmallVector<llvm::StringRef> parts;
  llvm::StringRef(parameters).split(parts, ',', -1, false);
  std::vector<std::string> names;
  ValueList bound;
  std::vector<bool> keywordOnly;
  enum class Rule { Refused, Taken, BothPaths };
  std::vector<Rule> whenNone;
  bool afterStar = false;
  for (llvm::StringRef part : parts) {
    auto [name, text] = part.trim().split('=');
    if (name == "*") {
      afterStar = true;
      continue;
    }
    whenNone.push_back(name.consume_back("?")  ? Rule::Taken
                       : text.trim() == "None" ? Rule::BothPaths
                                               : Rule::Refused);
    names.push_back(name.str());
    bound.push_back(text.empty() ? Value() : defaultValue(*this, text.trim()));
    keywordOnly.push_back(afterStar);
  }
  std::string shown = functionName.str() + "()";
  std::vector<bool> isGiven(names.size());
  size_t limit = std::count(keywordOnly.begin(), keywordOnly.end(), false);
  if (given.positional.size() > limit)
    failCall(*this, shown,
             "takes " + std::to_string(limit) + " positional argument" + (limit == 1 ? "" : "s") +
                 " but " + std::to_string(given.positional.size()) + " were given");
  for (size_t i = 0; i < given.positional.size(); ++i) {
    bound[i] = given.positional[i];
    isGiven[i] = true;
  }
  for (auto &[name, value] : given.keywords) {
    size_t i = std::find(names.begin(), names.end(), name) - names.begin();
    if (i == names.size())
      failCall(*this, shown, "got an unexpected keyword argument '" + name + "'");
    if (isGiven[i])
      failCall(*this, shown, "got multiple values for argument '" + name + "'");
    bound[i] = value;
    isGiven[i] = true;
  }
  for (auto [name, value, rule] : llvm::zip(names, bound, whenNone)) {
    auto *optional = value.as<OptionalValue>();
    if (rule == Rule::BothPaths && optional && optional->orNone)
      throw CalledWithOptional{optional};
    value = rule != Rule::Refused ? this->bound(value, name)
            : name == "iterable"  ? iterated(value, asksForNoOrder(functionName, names, bound))
                                  : present(value, "'" + name + "' of " + shown);
  }
  return bound;
}

} // namespace mpy
