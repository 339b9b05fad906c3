// Text of values: str, repr, print. What is known is text at compile time; numbers become calls of
// the runtime, joined once.
//
//   print('loss', x)   =>   mpy_write(1, concat("loss ", str(%x), "\n"))
#include "dialect/RuntimeFunctions.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringExtras.h"
#include <charconv>
#include <cmath>

using namespace mlir;

namespace mpy {

mlir::Value Specializer::ssa(const Text &text) {
  return text.value ? text.value
                    : create<StringConstantOp>(builder.getStringAttr(text.known)).getResult();
}

/// Text that the runtime makes; where options say how, it is made at this point of the program.
static Text runtimeText(Specializer &s, const char *function, mlir::ValueRange operands) {
  mlir::Type type = StringType::get(s.context());
  mlir::TypeRange types(type);
  if (stateOf(function) == RuntimeState::Nothing)
    return Text{"", s.create<RuntimeCallOp>(types, function, operands, false).getResult(0)};
  return Text{"", s.create<RuntimeEffectOp>(types, function, operands, false).getResult(0)};
}

/// Compiled code knows the bits of unsigned elements alone: their type is said to the runtime.
static Text arrayText(Specializer &s, const ArrayValue &array, const char *function,
                      const char *ofUnsigned) {
  if (!isUnsigned(array.dtype))
    return runtimeText(s, function, array.tensor);
  mlir::Value type = s.constant(DType::Int64, double(unsigned(array.dtype)));
  return runtimeText(s, ofUnsigned, {array.tensor, type});
}

/// A NumPy integer of a type that has no functions of its own.
static Text integerText(Specializer &s, const Scalar &scalar, bool isRepr) {
  bool isLarge = scalar.kind == ScalarKind::UInt64;
  DType dtype = dtypeOf(scalar.kind);
  mlir::Value bits = s.ssaAs(scalar, isLarge ? DType::UInt64 : DType::Int64);
  if (isRepr)
    return runtimeText(s, "mpy_repr_integer",
                       {bits, s.constant(DType::Int64, double(unsigned(dtype)))});
  return runtimeText(s, isLarge ? "mpy_str_uint64" : "mpy_str_int", bits);
}

Text Specializer::concat(llvm::ArrayRef<Text> parts) {
  std::vector<Text> joined;
  for (auto &part : parts) {
    if (!part.value && part.known.empty())
      continue;
    if (!joined.empty() && !joined.back().value && !part.value)
      joined.back().known += part.known;
    else
      joined.push_back(part);
  }
  if (joined.empty())
    return makeText("");
  mlir::Value result;
  if (joined.size() == 1)
    return joined[0];
  for (auto &part : joined)
    result =
        result ? runtimeText(*this, "mpy_string_concat", {result, ssa(part)}).value : ssa(part);
  return Text{"", result};
}

/// Python's repr of a string that is known.
static std::string quoted(llvm::StringRef text) {
  char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  std::string result(1, quote);
  for (unsigned char c : text) {
    if (c == quote || c == '\\')
      result += '\\', result += c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (c == '\r')
      result += "\\r";
    else if (c < 32 || c == 127)
      result += "\\x" + llvm::toHex(llvm::StringRef(reinterpret_cast<char *>(&c), 1), true);
    else
      result += c;
  }
  return result + quote;
}

/// repr of a float that is known: the shortest digits, laid out as Python does.
static std::string floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[64];
  auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  llvm::StringRef digits(buffer, end - buffer);
  auto [mantissa, exponentText] = digits.split('e');
  int exponent = 0;
  if (exponentText.consume_front("+"))
    exponentText.getAsInteger(10, exponent);
  else
    exponentText.getAsInteger(10, exponent);
  if (exponent < -4 || exponent >= 16) {
    std::string text = mantissa.str() + "e" + (exponent < 0 ? "-" : "+");
    std::string size = std::to_string(std::abs(exponent));
    return text + (size.size() < 2 ? "0" : "") + size;
  }
  std::string sign = mantissa.consume_front("-") ? "-" : "";
  std::string plain;
  for (char c : mantissa)
    if (c != '.')
      plain += c;
  if (exponent < 0)
    return sign + "0." + std::string(-exponent - 1, '0') + plain;
  if (plain.size() <= size_t(exponent) + 1)
    return sign + plain + std::string(exponent + 1 - plain.size(), '0') + ".0";
  return sign + plain.substr(0, exponent + 1) + "." + plain.substr(exponent + 1);
}

static Text scalarText(Specializer &s, const Scalar &scalar, bool isRepr) {
  if (scalar.isMixed())
    return *eachKind(s, scalar, [&](const Scalar &one) {
              return Value(scalarText(s, one, isRepr));
            }).get<Text>();
  if (scalar.knownBool && scalar.kind == ScalarKind::PyBool)
    return s.makeText(*scalar.knownBool ? "True" : "False");
  if (auto known = scalar.knownInt(); known && scalar.kind == ScalarKind::PyInt)
    return s.makeText(std::to_string(*known));
  if (scalar.knownFloat && scalar.kind == ScalarKind::PyFloat)
    return s.makeText(floatText(*scalar.knownFloat));
  static const char *const plain[] = {"mpy_str_bool",    "mpy_str_int",    "mpy_str_float",
                                      "mpy_str_bool",    "mpy_str_int",    "mpy_str_int",
                                      "mpy_str_float32", "mpy_str_float64"};
  static const char *const shown[] = {"mpy_str_bool",     "mpy_str_int",     "mpy_str_float",
                                      "mpy_repr_bool_",   "mpy_repr_int32",  "mpy_repr_int64",
                                      "mpy_repr_float32", "mpy_repr_float64"};
  if (scalar.kind > ScalarKind::Float64)
    return integerText(s, scalar, isRepr);
  int kind = static_cast<int>(scalar.kind);
  mlir::Value value = s.ssa(scalar);
  if (!isRepr && scalar.kind == ScalarKind::Int32)
    value = s.create<CastOp>(value, s.builder.getI64Type());
  return runtimeText(s, isRepr ? shown[kind] : plain[kind], value);
}

Text Specializer::exceptionText(const ExceptionValue &exception) {
  if (exception.arguments.empty())
    return makeText("");
  if (exception.arguments.size() == 1) {
    auto cls = exceptionClass(exception.kind);
    bool isOfKey = cls && isSubclass(*cls, "KeyError") && !exception.isRendered;
    return isOfKey ? missingText(*this, exception.arguments[0]) : str(exception.arguments[0]);
  }
  return repr(newTuple(exception.arguments));
}

std::optional<ExceptionValue> Specializer::exceptionIn(const Value &value) {
  if (auto *exception = value.as<ExceptionValue>())
    return *exception;
  if (auto *instance = object<InstanceState>(value))
    for (auto &attribute : instance->attributes)
      if (attribute.first == exceptionArguments)
        if (auto *tuple = present(attribute.second, "args").as<TupleValue>())
          return ExceptionValue{typeName(value), tuple->items, false};
  return std::nullopt;
}

Text Specializer::str(const Value &given) {
  if (auto *optional = given.as<OptionalValue>(); optional && optional->orNone)
    return *branchValue(
                optional->present, [&] { return Value(str(optional->value)); },
                [&] { return Value(makeText("None")); })
                .get<Text>();
  Value value = present(given, "the value");
  if (auto *text = value.get<Text>())
    return *text;
  if (auto *scalar = value.get<Scalar>())
    return scalarText(*this, *scalar, false);
  if (auto id = arrayObject(value))
    return arrayText(*this, read(*id), "mpy_array_str", "mpy_unsigned_str");
  if (auto *dtype = value.get<DTypeObject>())
    return makeText(nameOf(dtype->type).str());
  if (isOfClass(value))
    if (auto result = callMethod(value, "__str__", {})) {
      if (auto *text = result->get<Text>())
        return *text;
      fail(ErrorId::ArgumentValue,
           {"__str__ returned non-string (type " + typeName(*result) + ")"});
    }
  if (auto exception = exceptionIn(value))
    return exceptionText(*exception);
  return repr(value);
}

/// Texts of items with commas between them.
static Text sequenceText(Specializer &s, const ValueList &items, const std::string &open,
                         const std::string &close) {
  std::vector<Text> parts{s.makeText(open)};
  for (size_t i = 0; i < items.size(); ++i) {
    if (i)
      parts.push_back(s.makeText(", "));
    parts.push_back(s.repr(items[i]));
  }
  parts.push_back(s.makeText(close));
  return s.concat(parts);
}

static Text runTimeListText(Specializer &s, const Value &value) {
  Value parts = s.newList({});
  s.forEachItem(value, [&](const Value &item) { s.appendTo(parts, s.repr(item)); });
  Text inside = joinTexts(s, s.makeText(", "), parts);
  if (!isRunTimeTuple(s, value))
    return s.concat({s.makeText("["), inside, s.makeText("]")});
  Scalar isSingle = s.scalarCompare(
      ast::CompareOperator::Eq, s.makeInt(runTimeListOf(s, value)->length), s.makeInt(IntExpr(1)));
  Value end = s.branchValue(
      s.ssa(isSingle), [&] { return Value(s.makeText(",)")); },
      [&] { return Value(s.makeText(")")); });
  return s.concat({s.makeText("("), inside, *end.get<Text>()});
}

static Text dictText(Specializer &s, const Value &value) {
  s.knownItems(value); // Fails where the keys are not certain.
  DictState copy = *s.object<DictState>(value);
  if (copy.isSet && copy.entries.empty())
    return s.makeText("set()");
  if (copy.isSet)
    return sequenceText(s, itemsOfSet(s, value, /*isAnyOrder=*/false), "{", "}");
  std::vector<Text> parts{s.makeText("{")};
  for (size_t i = 0; i < copy.entries.size(); ++i) {
    if (i)
      parts.push_back(s.makeText(", "));
    parts.push_back(s.repr(copy.entries[i].first));
    parts.push_back(s.makeText(": "));
    parts.push_back(s.repr(copy.entries[i].second));
  }
  parts.push_back(s.makeText("}"));
  return s.concat(parts);
}

static Text rangeText(Specializer &s, const RangeValue &range) {
  std::vector<Text> parts{s.makeText("range("), s.str(s.makeInt(range.start)), s.makeText(", "),
                          s.str(s.makeInt(range.stop))};
  if (!range.step.isKnown(1)) {
    // A step of 1 is not shown: the text is repeated as often as the step is another.
    IntExpr distance = maximum(range.step - IntExpr(1), IntExpr(1) - range.step);
    Value step = s.concat({s.makeText(", "), s.str(s.makeInt(range.step))});
    Value shown =
        s.binary(ast::BinaryOperator::Mult, step, s.makeInt(minimum(distance, IntExpr(1))));
    parts.push_back(*shown.get<Text>());
  }
  parts.push_back(s.makeText(")"));
  return s.concat(parts);
}

static Text classText(Specializer &s, ObjectId id, const ClassState &cls) {
  const char *module = !cls.node || cls.name == "complex" ? ""
                       : isComplexClass(s, id)            ? "numpy."
                                                          : "__main__.";
  return s.makeText("<class '" + std::string(module) + cls.name + "'>");
}

/// Of a builtin type; nothing for other functions.
static std::optional<Text> builtinTypeText(Specializer &s, const LibraryValue &library) {
  llvm::StringRef name = library.name;
  for (const char *type : {"int", "float", "bool", "str", "list", "dict", "tuple", "set"})
    if (name == std::string("builtins.") + type)
      return s.makeText("<class '" + std::string(type) + "'>");
  if (name == "numpy.ndarray")
    return s.makeText("<class 'numpy.ndarray'>");
  return std::nullopt;
}

/// Numbers, texts, arrays and names: what holds no other values.
static std::optional<Text> plainText(Specializer &s, const Value &value) {
  if (auto *text = value.get<Text>())
    return text->value ? runtimeText(s, "mpy_repr_string", text->value)
                       : s.makeText(quoted(text->known));
  if (auto *scalar = value.get<Scalar>())
    return scalarText(s, *scalar, true);
  if (auto id = s.arrayObject(value))
    return arrayText(s, s.read(*id), "mpy_array_repr", "mpy_unsigned_repr");
  if (value.isNone())
    return s.makeText("None");
  if (value.get<EllipsisValue>())
    return s.makeText("Ellipsis");
  if (value.get<NotImplementedValue>())
    return s.makeText("NotImplemented");
  if (auto *dtype = value.get<DType>())
    return s.makeText(("<class 'numpy." + nameOf(*dtype) + "'>").str());
  if (auto *dtype = value.get<DTypeObject>())
    return s.makeText(("dtype('" + nameOf(dtype->type) + "')").str());
  if (auto *range = value.as<RangeValue>())
    return rangeText(s, *range);
  if (auto *cls = s.object<ClassState>(value))
    return classText(s, value.get<ObjectRef>()->id, *cls);
  if (auto *library = value.get<const LibraryValue *>())
    return builtinTypeText(s, **library);
  return std::nullopt;
}

Text Specializer::repr(const Value &given) {
  if (auto *optional = given.as<OptionalValue>(); optional && optional->orNone)
    return *branchValue(
                optional->present, [&] { return Value(repr(optional->value)); },
                [&] { return Value(makeText("None")); })
                .get<Text>();
  Value value = present(given, "the value");
  if (auto text = plainText(*this, value))
    return *text;
  if (auto *list = object<ListState>(value))
    return sequenceText(*this, ValueList(list->items), "[", "]");
  if (runTimeListOf(*this, value))
    return runTimeListText(*this, value);
  if (auto *tuple = value.as<TupleValue>()) {
    if (classOf(value))
      if (auto text = callMethod(value, "__repr__", {}))
        return str(*text);
    return sequenceText(*this, tuple->items, "(", tuple->items.size() == 1 ? ",)" : ")");
  }
  if (object<DictState>(value))
    return dictText(*this, value);
  if (auto *slice = value.as<SliceValue>())
    return sequenceText(*this, {slice->start, slice->stop, slice->step}, "slice(", ")");
  if (runTimeDictKind(*this, value) == "set")
    listedByPrelude(*this, value, /*isAnyOrder=*/false); // Fails.
  if (isOfClass(value))
    if (auto result = callMethod(value, "__repr__", {}); result && result->get<Text>())
      return *result->get<Text>();
  if (auto exception = exceptionIn(value)) {
    if (exception->isRendered)
      fail(ErrorId::Unsupported, {"repr() of this exception"}, {.help = "take its text: str(e)"});
    return sequenceText(*this, exception->arguments, exception->kind + "(", ")");
  }
  if (auto *iterable = value.as<IterableValue>()) {
    auto items = knownItems(value);
    using Kind = IterableValue::Kind;
    if (items && (iterable->kind == Kind::Keys || iterable->kind == Kind::Values ||
                  iterable->kind == Kind::Items))
      return sequenceText(*this, *items, typeName(value) + "([", "])");
  }
  // What remains would print an address.
  fail(ErrorId::NoText, {describe(value)},
       {.help = "print its attributes, or give its class a method __repr__"});
}

void Specializer::print(const CallArguments &given) {
  Text separator = makeText(" "), end = makeText("\n");
  int64_t descriptor = 1;
  Value file = NoneValue{}; // of the program
  bool flush = false;
  for (auto &[name, value] : given.keywords) {
    if ((name == "sep" || name == "end") && (value.get<Text>() || value.isNone())) {
      if (auto *text = value.get<Text>())
        (name == "sep" ? separator : end) = *text;
    } else if (name == "file") {
      auto *module = value.as<ModuleValue>();
      if (module && module->name == "sys.stderr")
        descriptor = 2;
      else if (!module || module->name != "sys.stdout")
        file = value;
    } else if (name == "flush") {
      flush = knownBool(value).value_or(true);
    } else {
      fail(ErrorId::CallArguments,
           {"print()", "got an unexpected keyword argument '" + name + "'"});
    }
  }
  std::vector<Text> parts;
  for (size_t i = 0; i < given.positional.size(); ++i) {
    if (i)
      parts.push_back(separator);
    parts.push_back(str(given.positional[i]));
  }
  parts.push_back(end);
  Text line = concat(parts);
  if (!file.isNone()) {
    call(attribute(file, "write"), CallArguments{{line}, {}, span});
    if (flush)
      call(attribute(file, "flush"), CallArguments{{}, {}, span});
    return;
  }
  mlir::Value fd = create<arith::ConstantOp>(builder.getI64IntegerAttr(descriptor));
  if (line.value || !line.known.empty())
    create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_write", mlir::ValueRange{fd, ssa(line)}, false);
  if (flush)
    create<RuntimeEffectOp>(mlir::TypeRange(), "mpy_flush", mlir::ValueRange(fd), false);
}

} // namespace mpy
