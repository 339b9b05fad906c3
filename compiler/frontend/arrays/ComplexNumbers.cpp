// Complex numbers and arrays. They are objects of classes that are written in the language
// (lang/library/_complex.mpy), each a pair of real numbers or arrays: joins, loops, recursion,
// gradients and fusion see real ones alone, and no pass knows of them.
//
//   z * w      =>   complex.__mul__(z, w)      of _complex.mpy
//   np.exp(z)  =>   exp(z)                     of _complex_elementary.mpy
//
// A function of NumPy or SciPy that is called with complex numbers, or with their element type, is
// the one of its name in those files; where there is none the call is an error, so that no
// imaginary part is lost.
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/library/Library.h"
#include "llvm/ADT/StringSwitch.h"

namespace mpy {

static constexpr const char *classNames[] = {"", "complex", "complex128", "complex64", "ndarray"};

static const LibraryEntry &classEntry(llvm::StringRef name) {
  return findLibraryFile("_complex")->entries.at(name);
}

static ObjectId classNamed(Specializer &s, llvm::StringRef name) {
  return s.libraryClass(classEntry(name));
}

static ComplexKind kindOfClass(Specializer &s, ObjectId cls) {
  for (int kind = 1; kind < 5; ++kind)
    if (classNamed(s, classNames[kind]) == cls)
      return static_cast<ComplexKind>(kind);
  return ComplexKind::None;
}

bool isComplexClass(Specializer &s, ObjectId cls) {
  return kindOfClass(s, cls) != ComplexKind::None || classNamed(s, "dtype") == cls ||
         classNamed(s, "complexfloating") == cls;
}

bool usesComplex(Specializer &s) {
  return llvm::any_of(llvm::ArrayRef(classNames).drop_front(), [&](const char *name) {
    auto *cls = s.heap.get<ClassState>(classNamed(s, name));
    return cls && cls->node;
  });
}

ComplexKind complexKindOf(Specializer &s, const Value &value) {
  auto *ref = value.get<ObjectRef>();
  auto *instance = ref ? s.heap.get<InstanceState>(ref->id) : nullptr;
  return instance ? kindOfClass(s, instance->cls) : ComplexKind::None;
}

std::pair<Value, Value> complexParts(Specializer &s, const Value &value) {
  auto *instance = s.object<InstanceState>(value);
  return {s.present(instance->attributes[0].second, "the real part"),
          s.present(s.object<InstanceState>(value)->attributes[1].second, "the imaginary part")};
}

Value complexOf(Specializer &s, const Value &real, const Value &imaginary) {
  ComplexKind kind = ComplexKind::Array;
  if (auto *scalar = real.get<Scalar>())
    kind = isPython(scalar->kind)                ? ComplexKind::Python
           : scalar->kind == ScalarKind::Float32 ? ComplexKind::Complex64
                                                 : ComplexKind::Complex128;
  const char *name = classNames[static_cast<int>(kind)];
  s.libraryValue(classEntry(name), name);
  return ObjectRef{
      s.heap.add(InstanceState{classNamed(s, name), {{"_re", real}, {"_im", imaginary}}})};
}

/// An operand as a number or an array of a type.
static Value asType(Specializer &s, const ElementOperand &operand, DType dtype) {
  if (operand.object && !operand.isScalar && operand.dtype == dtype)
    return ObjectRef{*operand.object};
  mlir::Value value = convert(s, operand, dtype);
  if (operand.isScalar)
    return s.makeScalar(scalarKindOf(dtype), value);
  return s.newArray({dtype, operand.shape, value});
}

static DType commonFloat(Specializer &s, llvm::ArrayRef<ElementOperand> operands) {
  DType dtype = commonType(s, operands);
  return isFloat(dtype) ? dtype : DType::Float64;
}

static Scalar asPythonFloat(Specializer &s, const Scalar &scalar) {
  if (scalar.kind == ScalarKind::PyFloat && !scalar.isMixed())
    return scalar;
  if (auto known = scalar.knownInt(); known && std::abs(*known) < int64_t(1) << 53)
    return s.makeFloat(double(*known));
  return s.makeScalar(ScalarKind::PyFloat, s.ssaAs(scalar, DType::Float64));
}

Value complexOfAny(Specializer &s, const Value &real, const Value &imaginary) {
  ElementOperand parts[] = {makeOperand(s, real), makeOperand(s, imaginary)};
  bool isArray = s.isArray(real) || s.isArray(imaginary);
  if (!isArray && parts[0].isWeak() && parts[1].isWeak())
    return complexOf(s, asPythonFloat(s, parts[0].scalar), asPythonFloat(s, parts[1].scalar));
  DType dtype = commonFloat(s, parts);
  if (!isArray)
    return complexOf(s, asType(s, parts[0], dtype), asType(s, parts[1], dtype));
  // Arrays of one shape: rank 0 stays an array.
  Shape shape = broadcastShapes(s, {parts[0].shape, parts[1].shape});
  Value made[2];
  for (int i : {0, 1}) {
    const Value &given = i ? imaginary : real;
    auto id = s.arrayObject(given);
    auto *state = id ? s.heap.get<ArrayState>(*id) : nullptr;
    if (state && state->dtype == dtype && state->shape == shape) {
      made[i] = given;
      continue;
    }
    mlir::Value value = convert(s, parts[i], dtype);
    made[i] = parts[i].isScalar
                  ? newArrayOf(s, {dtype, shape, value})
                  : s.newArray({dtype, shape, expand(s, value, dtype, parts[i].shape, shape)});
  }
  return complexOf(s, made[0], made[1]);
}

Value complexName(Specializer &s, llvm::StringRef module, llvm::StringRef name) {
  llvm::StringRef cls = llvm::StringSwitch<llvm::StringRef>((module + "." + name).str())
                            .Case("builtins.complex", "complex")
                            .Cases({"numpy.complex128", "numpy.cdouble"}, "complex128")
                            .Cases({"numpy.complex64", "numpy.csingle"}, "complex64")
                            .Case("numpy.complexfloating", "complexfloating")
                            .Default("");
  return cls.empty() ? Value() : s.libraryValue(classEntry(cls), cls);
}

bool isComplexInstance(ComplexKind kind, llvm::StringRef type) {
  if (kind == ComplexKind::None || kind == ComplexKind::Python)
    return false;
  if (kind == ComplexKind::Array)
    return type == "numpy.ndarray";
  return type == "numpy.generic" || type == "numpy.number" || type == "numpy.inexact";
}

//===--- Calls ---===//

static bool isComplexPattern(Specializer &s, const ResultPattern &pattern) {
  auto *cls =
      pattern.kind == ResultPattern::Kind::Instance ? pattern.fixed.get<ObjectRef>() : nullptr;
  return (cls && isComplexClass(s, cls->id)) ||
         llvm::any_of(pattern.parts,
                      [&](const ResultPattern &part) { return isComplexPattern(s, part); });
}

bool isAboutComplex(Specializer &s, const Value &value) {
  auto anyOf = [&](const ValueList &items) {
    return llvm::any_of(items, [&](const Value &item) { return isAboutComplex(s, item); });
  };
  if (auto *tuple = value.as<TupleValue>())
    return anyOf(tuple->items);
  if (auto *optional = value.as<OptionalValue>())
    return isAboutComplex(s, optional->value);
  auto *ref = value.get<ObjectRef>();
  if (!ref)
    return false;
  if (auto *instance = s.heap.get<InstanceState>(ref->id))
    return isComplexClass(s, instance->cls);
  if (auto *list = s.heap.get<ListState>(ref->id))
    return anyOf(list->items);
  if (auto *list = s.heap.get<RunTimeListState>(ref->id))
    return list->item && isComplexPattern(s, *list->item);
  return s.heap.get<ClassState>(ref->id) && isComplexClass(s, ref->id);
}

/// The name of a complex type as text, which is no name of anything else.
static bool namesComplexType(const Value &value) {
  auto *text = value.get<Text>();
  return text && !text->value &&
         llvm::is_contained({"complex", "complex128", "complex64", "c16", "c8", "D", "F"},
                            text->known);
}

std::optional<Value> callWithComplex(Specializer &s, llvm::StringRef module, llvm::StringRef name,
                                     const CallArguments &call, const ClosureValue *itself) {
  bool isNumpys = module == "numpy" || module.starts_with("numpy.") || module == "ndarray" ||
                  module == "scipy" || module.starts_with("scipy.");
  if (!isNumpys)
    return std::nullopt;
  bool uses = usesComplex(s);
  auto isAbout = [&](const Value &value) { return uses && isAboutComplex(s, value); };
  bool isComplex =
      llvm::any_of(call.positional, isAbout) || llvm::any_of(call.keywords, [&](auto &keyword) {
        return isAbout(keyword.second) ||
               (keyword.first == "dtype" && namesComplexType(keyword.second));
      });
  bool takesType =
      llvm::is_contained({"zeros", "ones", "empty", "array", "asarray", "astype", "full", "dtype",
                          "zeros_like", "ones_like", "eye", "identity"},
                         name);
  if (!isComplex && takesType)
    isComplex = llvm::any_of(call.positional, namesComplexType);
  if (!isComplex)
    return std::nullopt;
  llvm::SmallVector<const char *> files;
  if (module == "numpy" || module == "ndarray")
    files = {"_complex_elementary", "_complex_numpy", "_complex_shapes", "_complex_products"};
  else if (module == "numpy.linalg" || module == "scipy.linalg")
    files = {"_complex_linalg"};
  else if (llvm::is_contained({"numpy.fft", "scipy.fft", "scipy.fftpack", "scipy.signal"}, module))
    return std::nullopt; // Written for both.
  for (const char *file : files) {
    auto *found = findLibraryFile(file);
    auto it = found->entries.find(name);
    if (it == found->entries.end() || it->second.kind == LibraryEntry::Kind::Import)
      continue;
    Value function = s.libraryValue(it->second, name);
    auto *closure = function.as<ClosureValue>();
    if (itself && closure && closure->node == itself->node)
      return std::nullopt; // The one function serves both.
    return s.call(function, call);
  }
  // What functions of the library use of each other may work for both.
  if (itself && s.frame().library)
    return std::nullopt;
  s.fail(ErrorId::Unsupported, {("'" + module + "." + name + "' of complex numbers").str()},
         {.help = "work with the parts, z.real and z.imag"});
}

namespace library {

/// What an operand is: 0 a number of Python, 1 its complex, 2 a number of NumPy, 3 a complex one,
/// 4 an array, 5 a complex one, 6 a sequence, or -1.
Value primitiveComplexKind(Specializer &s, const Arguments &arguments) {
  Value x = s.present(arguments["x"], "the operand");
  int64_t kind = -1;
  ComplexKind complex = complexKindOf(s, x);
  if (complex != ComplexKind::None)
    kind = complex == ComplexKind::Python ? 1 : complex == ComplexKind::Array ? 5 : 3;
  else if (auto *scalar = x.get<Scalar>())
    kind = scalar->isMixed() || isPython(scalar->kind) ? 0 : 2;
  else if (s.isArray(x))
    kind = 4;
  else if (x.as<TupleValue>() || s.object<ListState>(x) || runTimeListOf(s, x) ||
           x.as<RangeValue>())
    kind = 6;
  return s.makeInt(IntExpr(kind));
}

/// The parts of a real number or array, or of a complex one; `isCopy`: of another's memory.
static std::pair<Value, Value> partsOfOperand(Specializer &s, const Value &x) {
  if (complexKindOf(s, x) != ComplexKind::None)
    return complexParts(s, x);
  ElementOperand real = makeOperand(s, x);
  if (!s.isArray(x) && real.isWeak())
    return {asPythonFloat(s, real.scalar), s.makeFloat(0)};
  DType dtype = isFloat(real.dtype) ? real.dtype : DType::Float64;
  real.object = std::nullopt;
  Value zero = s.makeScalar(scalarKindOf(dtype), s.constant(dtype, 0));
  return {asType(s, real, dtype), zero};
}

Value primitiveComplexParts(Specializer &s, const Arguments &arguments) {
  auto [real, imaginary] = partsOfOperand(s, s.present(arguments["x"], "the operand"));
  return s.newTuple({real, imaginary});
}

/// The parts of two operands in the type that NumPy converts both to.
Value primitiveComplexOperands(Specializer &s, const Arguments &arguments) {
  ValueList parts;
  std::vector<ElementOperand> operands;
  for (const char *name : {"x", "y"}) {
    Value x = s.present(arguments[name], "the operand");
    bool isReal = complexKindOf(s, x) == ComplexKind::None;
    auto [real, imaginary] = isReal ? std::pair(x, Value(s.makeFloat(0))) : complexParts(s, x);
    for (const Value &part : {real, imaginary}) {
      parts.push_back(part);
      operands.push_back(makeOperand(s, part));
      operands.back().object = isReal ? std::nullopt : operands.back().object;
    }
  }
  if (llvm::all_of(operands, [](const ElementOperand &operand) { return operand.isWeak(); })) {
    for (Value &part : parts)
      part = asPythonFloat(s, *part.get<Scalar>());
    return s.newTuple(parts);
  }
  DType dtype = commonFloat(s, operands);
  for (auto [part, operand] : llvm::zip(parts, operands))
    part = asType(s, operand, dtype);
  return s.newTuple(parts);
}

Value primitiveComplexOf(Specializer &s, const Arguments &arguments) {
  return complexOfAny(s, s.present(arguments["re"], "the real part"),
                      s.present(arguments["im"], "the imaginary part"));
}

/// The part of an array: a view, whose elements do not lie side by side.
Value primitiveComplexView(Specializer &s, const Arguments &arguments) {
  ObjectId id = *s.arrayObject(arguments["x"]);
  Shape shape = s.heap.get<ArrayState>(id)->shape;
  ViewStep step{ViewStep::Kind::Slice, {}, {}, {}, {}, {}};
  for (const IntExpr &extent : shape) {
    step.offsets.push_back(0);
    step.sizes.push_back(extent);
    step.strides.push_back(1);
  }
  return shape.empty() ? Value(ObjectRef{id}) : s.newView(id, step, shape, false);
}

/// The Fourier transform of pairs along the axis that some others follow before the last; not
/// scaled.
Value primitiveFourier(Specializer &s, const Arguments &arguments) {
  ArrayValue x = toArray(s, arguments["x"]);
  std::optional<int64_t> behind = s.knownInt(arguments["behind"]);
  if (!behind)
    s.fail(ErrorId::NotKnownHere, {"the axis of a transform"});
  x.tensor = s.create<FourierOp>(x.tensor, flag(s, arguments, "inverse"), *behind).getResult();
  return s.newArray(x);
}

/// The text of a number: `(1+2j)`.
Value primitiveComplexText(Specializer &s, const Arguments &arguments) {
  auto part = [&](const char *name) {
    return s.ssaAs(*arguments[name].get<Scalar>(), DType::Float64);
  };
  bool isSingle = arguments["re"].get<Scalar>()->kind == ScalarKind::Float32;
  mlir::Value text =
      s.create<RuntimeCallOp>(mlir::TypeRange(StringType::get(s.context())), "mpy_str_complex",
                              mlir::ValueRange{part("re"), part("im"), s.ssa(s.makeBool(isSingle))},
                              false)
          .getResult(0);
  return Text{"", text};
}

/// The text of an array, as NumPy prints it now.
Value primitiveComplexArrayText(Specializer &s, const Arguments &arguments) {
  mlir::Value text =
      s.create<RuntimeEffectOp>(
           mlir::TypeRange(StringType::get(s.context())), "mpy_complex_array_text",
           mlir::ValueRange{toArray(s, arguments["re"]).tensor, toArray(s, arguments["im"]).tensor,
                            s.ssa(s.makeBool(flag(s, arguments, "is_repr")))},
           false)
          .getResult(0);
  return Text{"", text};
}

/// The parts of a number that a text says.
Value primitiveParseComplex(Specializer &s, const Arguments &arguments) {
  mlir::Value text = toText(s, arguments["text"], "text", "complex");
  ValueList parts;
  for (bool isImaginary : {false, true})
    parts.push_back(s.makeScalar(ScalarKind::PyFloat,
                                 s.callRaising(s.builder.getF64Type(), "mpy_parse_complex",
                                               {text, s.ssa(s.makeBool(isImaginary))})[0]));
  return s.newTuple(parts);
}

} // namespace library
} // namespace mpy
