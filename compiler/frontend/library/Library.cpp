// Names of library modules to functions, constants, types and submodules; and the binding of
// arguments to parameters.
#include "frontend/library/Library.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/Builtins.h"
#include "frontend/functions/Transforms.h"
#include "frontend/library/PythonNames.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

namespace mpy {

static constexpr const char *unaryParameters =
    "x, out=None, *, where=True, dtype=None, casting=None";
static constexpr const char *binaryParameters =
    "x1, x2, out=None, *, where=True, dtype=None, casting=None";

#define MPY_FUNCTION(name, parameters, function)                                                   \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::function(specializer, Arguments(specializer, call, name, parameters));        \
   },                                                                                              \
   parameters},
#define MPY_UNARY(name, rule, operation)                                                           \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::unary(specializer, Arguments(specializer, call, name, unaryParameters),       \
                           UnaryRule::rule, emitUnary<operation>);                                 \
   },                                                                                              \
   unaryParameters},
#define MPY_COMPOSED(name, rule, emitter)                                                          \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::unary(specializer, Arguments(specializer, call, name, unaryParameters),       \
                           UnaryRule::rule, library::emitter);                                     \
   },                                                                                              \
   unaryParameters},
#define MPY_RUNTIME(name, parameters, callee, result, raises)                                      \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::callRuntime(specializer, Arguments(specializer, call, name, parameters),      \
                                 callee, library::RuntimeResult::result, raises);                  \
   },                                                                                              \
   parameters},
#define MPY_BINARY(name, function)                                                                 \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::binary(specializer, Arguments(specializer, call, name, binaryParameters),     \
                            BinaryFunction::function);                                             \
   },                                                                                              \
   binaryParameters},
#define MPY_COMPARISON(name, predicate)                                                            \
  {name,                                                                                           \
   [](Specializer &specializer, CallArguments &call) {                                             \
     return library::comparison(specializer, Arguments(specializer, call, name, binaryParameters), \
                                ComparePredicate::predicate);                                      \
   },                                                                                              \
   binaryParameters},

static Value refuseCall(Specializer &specializer, CallArguments &) {
  specializer.fail(ErrorId::UnsupportedName, {"a call of an abstract type of numpy"});
}

static const LibraryValue functions[] = {
#include "frontend/library/Library.def"
    // Types that isinstance asks for.
    {"numpy.generic", refuseCall, ""},         {"numpy.number", refuseCall, ""},
    {"numpy.integer", refuseCall, ""},         {"numpy.floating", refuseCall, ""},
    {"numpy.inexact", refuseCall, ""},         {"numpy.signedinteger", refuseCall, ""},
    {"numpy.unsignedinteger", refuseCall, ""},
};

const LibraryValue *findLibraryFunction(llvm::StringRef qualifiedName) {
  static const llvm::StringMap<const LibraryValue *> byName = [] {
    llvm::StringMap<const LibraryValue *> map;
    for (const LibraryValue &function : functions)
      map[function.name] = &function;
    return map;
  }();
  return byName.lookup(qualifiedName);
}

std::optional<Value> callWithMask(Specializer &specializer, const LibraryValue &function,
                                  const CallArguments &call) {
  llvm::StringRef name = function.name, parameters = function.parameters;
  auto where = llvm::find_if(call.keywords, [](auto &given) { return given.first == "where"; });
  if (where == call.keywords.end() || !parameters.contains("where=True") ||
      where->second.isNone() || specializer.knownBool(where->second) == true)
    return std::nullopt;
  bool isElementwise = parameters.starts_with("x");
  Value method = specializer.methodInLibrary(
      &function, "masked", isElementwise ? "_elementwise" : name.rsplit('.').second);
  if (method.isUnbound())
    return std::nullopt;
  return specializer.call(isElementwise ? method : method.as<BoundMethodValue>()->function, call);
}

//===--- Arguments ---===//

/// The pieces of a parameter list between commas that are not inside quotes.
static std::vector<std::string> splitParameters(llvm::StringRef list) {
  std::vector<std::string> pieces(1);
  bool quoted = false;
  for (char character : list) {
    if (character == '\'')
      quoted = !quoted;
    if (character == ',' && !quoted)
      pieces.emplace_back();
    else
      pieces.back() += character;
  }
  if (list.empty())
    pieces.clear();
  return pieces;
}

Arguments::Arguments(Specializer &specializer, const CallArguments &given, const char *name,
                     const char *list)
    : name(name) {
  CallArguments call = given;
  std::string plain;
  std::vector<bool> required;
  for (const std::string &piece : splitParameters(list)) {
    llvm::StringRef parameter = llvm::StringRef(piece).ltrim();
    if (!plain.empty())
      plain += ", ";
    // `*shape` takes the remaining positional arguments as one tuple.
    if (parameter.starts_with("*") && parameter != "*") {
      size_t before = parameters.size();
      ValueList rest;
      if (call.positional.size() > before) {
        rest.assign(call.positional.begin() + before, call.positional.end());
        call.positional.resize(before);
      }
      if (call.positional.size() == before)
        call.positional.push_back(specializer.newTuple(rest));
      parameter = parameter.drop_front();
    }
    plain += parameter;
    if (parameter == "*")
      continue;
    auto [word, defaultText] = parameter.split('=');
    parameters.push_back(word.rtrim('?').str());
    required.push_back(!parameter.contains('='));
  }
  values = specializer.bind(call, plain.c_str(), name);
  for (auto [position, value] : llvm::enumerate(values))
    if (value.isUnbound() && required[position])
      failCertain(specializer, "TypeError",
                  llvm::StringRef(name).rsplit('.').second + "() missing required argument '" +
                      parameters[position] + "' (pos " + llvm::Twine(position + 1) + ")");
  // A path may be an object that says its text.
  for (auto [parameter, value] : llvm::zip_equal(parameters, values))
    if ((parameter == "fname" || parameter == "file") && specializer.isOfClass(value))
      if (auto text = specializer.callMethod(value, "__fspath__", {}))
        value = *text;
}

const Value &Arguments::operator[](llvm::StringRef parameter) const {
  static const Value none = NoneValue{};
  for (auto [position, known] : llvm::enumerate(parameters))
    if (parameter == known)
      return values[position].isUnbound() ? none : values[position];
  return none;
}

namespace library {

bool flag(Specializer &specializer, const Arguments &arguments, llvm::StringRef parameter,
          bool otherwise) {
  const Value &value = arguments[parameter];
  if (value.isNone())
    return otherwise;
  if (std::optional<bool> known = specializer.knownBool(value))
    return *known;
  if (std::optional<int64_t> number = specializer.knownInt(value))
    return *number != 0;
  specializer.fail(ErrorId::NotKnownHere,
                   {"argument '" + parameter.str() + "' of '" + arguments.name + "'"});
}

Value finish(Specializer &specializer, const Arguments &arguments, Value result) {
  Value out = arguments["out"];
  if (out.isNone())
    return result;
  if (const TupleValue *tuple = out.as<TupleValue>(); tuple && tuple->items.size() == 1)
    out = Value(tuple->items.front());
  std::optional<ObjectId> object = specializer.arrayObject(out);
  if (!object)
    failCertain(specializer, "TypeError", "return arrays must be of ArrayType");
  storeResult(specializer, *object, result, llvm::StringRef(arguments.name).rsplit('.').second);
  return out;
}

void refuse(Specializer &specializer, const Arguments &arguments, llvm::StringRef parameter) {
  const Value &value = arguments[parameter];
  if (value.isNone() || specializer.knownBool(value) == (parameter == "where"))
    return;
  failArgument(specializer, parameter, arguments.name, specializer.describe(value));
}

mlir::Value toDouble(Specializer &specializer, const Value &value) {
  if (std::optional<Scalar> number = numberIn(specializer, value))
    return specializer.ssaAs(*number, DType::Float64);
  if (specializer.isArray(value))
    failCertain(specializer, "TypeError", onlyRankZero);
  std::optional<ObjectId> cls = specializer.classOf(value);
  if (cls && (!specializer.classAttribute(*cls, "__float__").isUnbound() ||
              !specializer.classAttribute(*cls, "__index__").isUnbound())) {
    Value number =
        specializer.call(findBuiltin("float"), CallArguments{{value}, {}, specializer.span});
    return specializer.ssaAs(*number.get<Scalar>(), DType::Float64);
  }
  failCertain(specializer, "TypeError", "must be real number, not " + specializer.typeName(value));
}

mlir::Value toText(Specializer &specializer, const Value &value, llvm::StringRef parameter,
                   llvm::StringRef function) {
  const Text *text = value.get<Text>();
  if (!text)
    failArgument(specializer, parameter, function, specializer.describe(value));
  return specializer.ssa(*text);
}

} // namespace library

//===--- Attributes of modules ---===//

static std::optional<DType> dtypeByName(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Cases({"float64", "double"}, DType::Float64)
      .Cases({"float32", "single"}, DType::Float32)
      .Cases({"int64", "int_", "intp", "longlong", "long"}, DType::Int64)
      .Cases({"int32", "intc"}, DType::Int32)
      .Cases({"bool_", "bool"}, DType::Bool)
      .Cases({"int8", "byte"}, DType::Int8)
      .Cases({"int16", "short"}, DType::Int16)
      .Cases({"uint8", "ubyte"}, DType::UInt8)
      .Cases({"uint16", "ushort"}, DType::UInt16)
      .Cases({"uint32", "uintc"}, DType::UInt32)
      .Cases({"uint64", "uint", "uintp", "ulonglong", "ulong"}, DType::UInt64)
      .Default(std::nullopt);
}

/// The known name that is closest to one that does not exist.
std::string closestLibraryName(llvm::StringRef module, llvm::StringRef name) {
  std::string best;
  unsigned distance = std::max<size_t>(2, name.size() / 3) + 1;
  auto compare = [&](llvm::StringRef known) {
    unsigned here = name.edit_distance(known, true, distance);
    if (here < distance) {
      distance = here;
      best = known.str();
    }
  };
  for (const LibraryValue &function : functions) {
    llvm::StringRef known = function.name;
    if (known.consume_front(module) && known.consume_front(".") && !known.contains('.'))
      compare(known);
  }
  for (const std::string &known : libraryNames(module))
    compare(known);
  return best;
}

/// math.nan and np.nan are two objects, which their bits tell apart.
static double nanOf(llvm::StringRef module) { return std::nan(module == "math" ? "1" : ""); }

static std::optional<double> constantOf(llvm::StringRef module, llvm::StringRef name) {
  if (module != "numpy" && module != "math")
    return std::nullopt;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::optional<double> number = llvm::StringSwitch<std::optional<double>>(name)
                                     .Case("pi", 3.141592653589793)
                                     .Case("e", 2.718281828459045)
                                     .Case("inf", infinity)
                                     .Case("nan", nanOf(module))
                                     .Default(std::nullopt);
  if (name == "tau" && module == "math")
    number = 6.283185307179586;
  if (name == "euler_gamma" && module == "numpy")
    number = 0.5772156649015329;
  return number;
}

/// A name of a module that is a module, or an object that only the compiler knows.
static bool isModuleLike(llvm::StringRef full) {
  return !libraryModule(full).empty() || full == "sys.stdout" || full == "sys.stderr" ||
         full == "sys.argv";
}

bool hasLibraryAttribute(llvm::StringRef module, llvm::StringRef name) {
  std::string full = (module + "." + name).str();
  static constexpr llvm::StringRef complexNames[] = {"complex128", "cdouble", "complex64",
                                                     "csingle", "complexfloating"};
  bool isOfNumpy = module == "numpy" && (name == "newaxis" || dtypeByName(name) ||
                                         llvm::is_contained(complexNames, name));
  return constantOf(module, name) || isOfNumpy || isModuleLike(full) ||
         full == "numpy.linalg.LinAlgError" || findLibraryFunction(full) ||
         findLibraryEntry(module, name) || findTransform(module, name) ||
         full == "minpy.core.minpy_to_numpy" || full == "minpy.core.numpy_to_minpy";
}

Value findLibraryAttribute(Specializer &specializer, llvm::StringRef module, llvm::StringRef name) {
  if (std::optional<double> constant = constantOf(module, name))
    return specializer.makeFloat(*constant);
  if (module == "numpy" && name == "newaxis")
    return NoneValue{};
  if (module == "numpy")
    if (std::optional<DType> dtype = dtypeByName(name))
      return *dtype;
  if (Value complex = complexName(specializer, module, name); !complex.isUnbound())
    return complex;
  std::string full = (module + "." + name).str();
  // A function of a module's name wins: autograd.misc.flatten.
  const LibraryEntry *entry = findLibraryEntry(module, name);
  if (!entry && isModuleLike(full))
    return std::make_shared<const ModuleValue>(ModuleValue{full, std::nullopt});
  if (full == "numpy.linalg.LinAlgError")
    return ObjectRef{*specializer.exceptionClass(full)};
  if (const LibraryValue *function = findLibraryFunction(full))
    return function;
  return entry ? specializer.libraryValue(*entry, name) : Value();
}

Value libraryAttribute(Specializer &specializer, llvm::StringRef module, llvm::StringRef name) {
  static const llvm::StringSet<> mine = {"numpy", "numpy.random", "numpy.linalg", "math",
                                         "time",  "sys",          "sys.stdout",   "sys.stderr"};
  if (!mine.contains(module) && !isLibraryModule(module))
    return {};
  if (Value found = findLibraryAttribute(specializer, module, name); !found.isUnbound())
    return found;
  if (isLibraryName(module, name))
    specializer.fail(ErrorId::UnsupportedName, {(module + "." + name).str()});
  std::string best = closestLibraryName(module, name);
  std::string help = best.empty() ? "" : "did you mean '" + best + "'?";
  // Of other modules it is not known what else they have.
  if (isLibraryModule(module) && !isListedModule(module))
    specializer.fail(ErrorId::UnsupportedName, {(module + "." + name).str()}, {.help = help});
  specializer.fail(ErrorId::UnknownLibraryName, {module.str(), name.str()}, {.help = help});
}

Value callDType(Specializer &specializer, DType dtype, CallArguments &call) {
  Arguments arguments(specializer, call, nameOf(dtype).data(), "x=None");
  const Value &x = arguments["x"];
  ScalarKind kind = scalarKindOf(dtype);
  if (x.isNone())
    return specializer.makeScalar(kind, specializer.constant(dtype, 0));
  if (const Scalar *scalar = x.get<Scalar>()) {
    ElementOperand operand;
    operand.isScalar = true;
    operand.scalar = *scalar;
    operand.dtype = dtypeOf(scalar->kind);
    Scalar result = specializer.makeScalar(kind, convert(specializer, operand, dtype));
    // An extent stays one: `np.int64(x.shape[0])`.
    if (dtype == DType::Int64 && !isFloat(scalar->kind))
      result.expr = scalar->expr;
    return result;
  }
  return wrap(specializer, castArray(specializer, toArray(specializer, x), dtype));
}

} // namespace mpy
