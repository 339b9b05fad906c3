// Formatting: format(value, spec), f-strings and str.format, the % operator, and the methods of
// text. Patterns are taken apart at compile time; each piece becomes one call of the runtime.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

static Text runtimeFormat(Specializer &s, const char *function, mlir::ValueRange operands) {
  return Text{"", s.callRaising(StringType::get(s.context()), function, operands)[0]};
}

Text Specializer::format(const Value &given, const Text &specification) {
  bool plain = !specification.value && specification.known.empty();
  // A float32 is formatted as the Python float of its value, whose digits are others than str()
  // gives.
  auto *number = given.get<Scalar>();
  auto array = arrayObject(given);
  bool isSingle = (number && (kindsOf(*number) & bitOf(ScalarKind::Float32))) ||
                  (array && heap.get<ArrayState>(*array)->shape.empty() &&
                   heap.get<ArrayState>(*array)->dtype == DType::Float32);
  if (plain && !isSingle && !classOf(given))
    return str(given);
  Value value = present(given, "the value");
  mlir::Value spec = ssa(specification);
  if (auto *text = value.get<Text>())
    return runtimeFormat(*this, "mpy_format_string", {ssa(*text), spec});
  if (auto id = arrayObject(value)) {
    if (!heap.get<ArrayState>(*id)->shape.empty()) {
      raiseHere("TypeError", "unsupported format string passed to numpy.ndarray.__format__");
      return makeText("");
    }
    ArrayValue array = read(*id);
    return format(
        makeScalar(scalarKindOf(array.dtype), create<ExtractOp>(array.tensor, mlir::ValueRange())),
        specification);
  }
  if (auto *scalar = value.get<Scalar>()) {
    if (scalar->isMixed()) {
      Value text = eachKind(*this, *scalar,
                            [&](const Scalar &one) { return Value(format(one, specification)); });
      return text.get<Text>() ? *text.get<Text>() : makeText("");
    }
    switch (dtypeOf(scalar->kind)) {
    case DType::Bool:
      return runtimeFormat(*this, "mpy_format_bool", {ssa(*scalar), spec});
    case DType::Float32:
      return runtimeFormat(*this, "mpy_format_float32", {ssa(*scalar), spec});
    case DType::Float64:
      return runtimeFormat(*this, "mpy_format_float", {ssaAs(*scalar, DType::Float64), spec});
    default:
      checkFitsInt64(*this, *scalar);
      return runtimeFormat(*this, "mpy_format_int", {ssaAs(*scalar, DType::Int64), spec});
    }
  }
  if (auto result = callMethod(value, "__format__", {specification})) {
    if (auto *text = result->get<Text>())
      return *text;
    failCertain(*this, "TypeError", "__format__ must return a str, not " + typeName(*result));
  }
  if (plain)
    return str(value);
  raiseHere("TypeError", "unsupported format string passed to " + typeName(value) + ".__format__");
  return makeText("");
}

/// What `%d` and `%f` format: the number in an array of rank 0, or what the class of an object
/// converts it to.
static Value formattedNumber(Specializer &s, const Value &value, char conversion) {
  if (s.isArray(value)) {
    if (auto number = numberIn(s, value))
      return *number;
    if (llvm::StringRef("eEfFgG").contains(conversion))
      failCertain(s, "TypeError", onlyRankZero);
    return value;
  }
  auto cls = s.classOf(value);
  auto has = [&](const char *method) { return cls && !s.classAttribute(*cls, method).isUnbound(); };
  const char *function = nullptr;
  if (llvm::StringRef("eEfFgG").contains(conversion))
    function = has("__float__") || has("__index__") ? "float" : nullptr;
  else if (llvm::StringRef("diu").contains(conversion))
    function = has("__int__") || has("__index__") ? "int" : nullptr;
  else if (has("__index__"))
    return indexIn(s, value);
  return function ? s.call(findBuiltin(function), CallArguments{{value}, {}, s.span}) : value;
}

Text Specializer::percentFormat(const Text &pattern, const Value &arguments) {
  if (pattern.value)
    fail(ErrorId::RunTimePattern, {}, {.help = "write the pattern as a constant"});
  llvm::StringRef rest = pattern.known;
  ValueList values;
  auto *dict = object<DictState>(arguments);
  if (auto *tuple = arguments.as<TupleValue>())
    values = tuple->items;
  else if (isRunTimeTuple(*this, arguments))
    fail(ErrorId::UnknownLength, {"the tuple of what is formatted"},
         {.help = "format item by item, or name them: (t[0], t[1])"});
  else
    values = {arguments};
  std::vector<Text> parts;
  size_t next = 0;
  while (!rest.empty()) {
    size_t position = rest.find('%');
    parts.push_back(makeText(rest.take_front(position).str()));
    if (position == llvm::StringRef::npos)
      break;
    rest = rest.drop_front(position + 1);
    if (rest.consume_front("%")) {
      parts.push_back(makeText("%"));
      continue;
    }
    Value value;
    bool named = false;
    if (rest.consume_front("(")) {
      auto [key, after] = rest.split(')');
      rest = after;
      if (!dict) {
        raiseHere("TypeError", "format requires a mapping");
        return makeText("");
      }
      value = subscript(arguments, makeText(key.str()));
      named = true;
    }
    auto take = [&]() -> Value {
      if (next >= values.size()) {
        raiseHere("TypeError", "not enough arguments for format string");
        return NoneValue{};
      }
      return values[next++];
    };
    std::string flags;
    size_t length = 0;
    auto star = [&] {
      auto width = knownInt(take());
      if (dead)
        return;
      if (!width)
        fail(ErrorId::RunTimePattern, {}, {.help = "write the width as a constant"});
      flags += std::to_string(*width);
    };
    while (length < rest.size() && llvm::StringRef("#0- +123456789.*lhL").contains(rest[length])) {
      char c = rest[length++];
      if (c == '*')
        star();
      else if (c != 'l' && c != 'h' && c != 'L')
        flags += c;
      if (dead)
        return makeText("");
    }
    if (length >= rest.size()) {
      raiseHere("ValueError", "incomplete format");
      return makeText("");
    }
    char conversion = rest[length];
    rest = rest.drop_front(length + 1);
    if (!named)
      value = take();
    if (dead)
      return makeText("");
    if (conversion == 's' || conversion == 'r' || conversion == 'a') {
      Text text = conversion == 's' ? str(value) : repr(value);
      parts.push_back(flags.empty() ? text
                                    : runtimeFormat(*this, "mpy_percent_string",
                                                    {ssa(text), ssa(makeText(flags + "s"))}));
      continue;
    }
    value = present(value, "the value");
    value = formattedNumber(*this, value, conversion);
    auto *scalar = value.get<Scalar>();
    // A known int is text at compile time, so that 'w%d' % i can be a key.
    if (auto known = knownInt(value);
        known && scalar && scalar->kind == ScalarKind::PyInt &&
        (conversion == 'd' || conversion == 'i') &&
        flags.find_first_not_of("0123456789-+ ") == std::string::npos) {
      char buffer[64];
      size_t width = 0;
      for (char c : flags)
        width = width * 10 + (isdigit(static_cast<unsigned char>(c)) ? c - '0' : 0);
      if (width < 40) {
        snprintf(buffer, sizeof buffer, ("%" + flags + "lld").c_str(),
                 static_cast<long long>(*known));
        parts.push_back(makeText(buffer));
        continue;
      }
    }
    mlir::Value spec = ssa(makeText(flags + conversion));
    if (llvm::StringRef("diuxXoc").contains(conversion)) {
      if (auto *text = value.get<Text>(); text && conversion == 'c') {
        parts.push_back(*text);
        continue;
      }
      if (!scalar) {
        raiseHere("TypeError", std::string("%") + conversion +
                                   " format: a real number is required, not " + typeName(value));
        return makeText("");
      }
      bool isFloat = isAlwaysFloat(*scalar);
      if (scalar->integer && conversion != 'd' && conversion != 'i' && conversion != 'u')
        check(hasKind(*this, *scalar, wholeKinds), "TypeError",
              std::string("%") + conversion + " format: an integer is required, not float");
      if (isFloat && conversion != 'd' && conversion != 'i' && conversion != 'u') {
        raiseHere("TypeError",
                  std::string("%") + conversion + " format: an integer is required, not float");
        return makeText("");
      }
      mlir::Value integer =
          scalar->integer
              ? ssa(*call(findBuiltin("int"), CallArguments{{value}, {}, span}).get<Scalar>())
          : isFloat
              ? create<RuntimeEffectOp>(mlir::TypeRange(builder.getI64Type()), "mpy_int_from_float",
                                        mlir::ValueRange(ssaAs(*scalar, DType::Float64)), true)
                    .getResult(0)
              : ssaAs(*scalar, DType::Int64);
      parts.push_back(runtimeFormat(*this, "mpy_percent_int", {integer, spec}));
    } else if (llvm::StringRef("eEfFgG").contains(conversion)) {
      if (!scalar) {
        raiseHere("TypeError", "must be real number, not " + typeName(value));
        return makeText("");
      }
      parts.push_back(
          runtimeFormat(*this, "mpy_percent_float", {ssaAs(*scalar, DType::Float64), spec}));
    } else {
      raiseHere("ValueError", std::string("unsupported format character '") + conversion + "'");
      return makeText("");
    }
  }
  if (!dict && next < values.size() &&
      !(object<ListState>(arguments) || runTimeListOf(*this, arguments))) {
    raiseHere("TypeError", "not all arguments converted during string formatting");
    return makeText("");
  }
  return concat(parts);
}

Text Specializer::braceFormat(llvm::StringRef rest, const CallArguments &arguments) {
  std::vector<Text> parts;
  size_t automatic = 0;
  auto bad = [&](const char *message) {
    raiseHere("ValueError", message);
    return makeText("");
  };
  while (!rest.empty()) {
    size_t position = rest.find_first_of("{}");
    parts.push_back(makeText(rest.take_front(position).str()));
    if (position == llvm::StringRef::npos)
      break;
    char brace = rest[position];
    rest = rest.drop_front(position + 1);
    if (!rest.empty() && rest[0] == brace) {
      parts.push_back(makeText(std::string(1, brace)));
      rest = rest.drop_front(1);
      continue;
    }
    if (brace == '}')
      return bad("Single '}' encountered in format string");
    size_t depth = 1, end = 0;
    for (; end < rest.size(); ++end) {
      depth += rest[end] == '{' ? 1 : rest[end] == '}' ? -1 : 0;
      if (depth == 0)
        break;
    }
    if (end == rest.size())
      return bad("expected '}' before end of string");
    llvm::StringRef field = rest.take_front(end);
    rest = rest.drop_front(end + 1);
    auto [head, spec] = field.split(':');
    auto [name, conversion] = head.split('!');
    // The field: a name or number, then attributes and items.
    size_t length = std::min(name.find_first_of(".["), name.size());
    llvm::StringRef first = name.take_front(length), path = name.drop_front(length);
    Value value;
    unsigned number;
    if (first.empty() || !first.getAsInteger(10, number)) {
      size_t at = first.empty() ? automatic++ : number;
      if (at >= arguments.positional.size()) {
        raiseHere("IndexError", "Replacement index " + std::to_string(at) +
                                    " out of range for positional args tuple");
        return makeText("");
      }
      value = arguments.positional[at];
    } else {
      auto it =
          llvm::find_if(arguments.keywords, [&](auto &keyword) { return keyword.first == first; });
      if (it == arguments.keywords.end()) {
        raiseHere("KeyError", ("'" + first + "'").str());
        return makeText("");
      }
      value = it->second;
    }
    while (!path.empty()) {
      if (path.consume_front(".")) {
        size_t stop = std::min(path.find_first_of(".["), path.size());
        value = attribute(value, path.take_front(stop));
        path = path.drop_front(stop);
      } else {
        auto [key, after] = path.drop_front(1).split(']');
        path = after;
        unsigned index;
        value =
            subscript(value, key.getAsInteger(10, index) ? Value(makeText(key.str()))
                                                         : Value(makeInt(IntExpr(int64_t(index)))));
      }
    }
    if (conversion == "r")
      value = repr(value);
    else if (conversion == "s")
      value = str(value);
    Text specification =
        spec.contains('{')
            ? braceFormat(spec, CallArguments{ValueList(arguments.positional.begin() +
                                                            std::min(automatic,
                                                                     arguments.positional.size()),
                                                        arguments.positional.end()),
                                              arguments.keywords, span})
            : makeText(spec.str());
    parts.push_back(format(value, specification));
  }
  return concat(parts);
}

Value Specializer::textSubscript(const Text &text, const Value &key) {
  if (auto *slice = key.as<SliceValue>()) {
    auto characters = knownItems(text);
    auto start = slice->start.isNone() || knownInt(slice->start),
         stop = slice->stop.isNone() || knownInt(slice->stop),
         step = slice->step.isNone() || knownInt(slice->step);
    if (characters && start && stop && step) {
      Value part = subscript(newList(*characters), key);
      std::string result;
      ValueList letters = *knownItems(part);
      for (auto &item : letters)
        result += item.get<Text>()->known;
      return makeText(result);
    }
    auto bound = [&](const Value &value, int64_t absent) -> mlir::Value {
      if (value.isNone())
        return create<arith::ConstantOp>(builder.getI64IntegerAttr(absent));
      auto *scalar = value.get<Scalar>();
      if (!scalar)
        fail(ErrorId::IndexType, {describe(value)});
      return ssaAs(*scalar, DType::Int64);
    };
    return runtimeFormat(*this, "mpy_string_slice",
                         {ssa(text), bound(slice->start, INT64_MIN), bound(slice->stop, INT64_MIN),
                          bound(slice->step, 1)});
  }
  auto *scalar = key.get<Scalar>();
  if (!scalar)
    fail(ErrorId::IndexType, {describe(key)});
  auto characters = knownItems(text);
  if (characters && knownInt(key))
    return subscript(newTuple(*characters), key);
  return runtimeFormat(*this, "mpy_string_index", {ssa(text), ssaAs(*scalar, DType::Int64)});
}

} // namespace mpy
