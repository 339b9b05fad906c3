// Patterns: `pattern % values` and `pattern.format(..)`, taken apart while compiling.
//
//   '%5.2f of %s' % (x, name)   ->   mpy_percent_float(x, '5.2f'), ' of ', str(name)
//   '{0:>8} {k}'.format(x, k=y) ->   format(x, '>8'), ' ', format(y, '')
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"

using namespace mlir;

namespace mpy {

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

/// Whether Python takes this for something with subscripts, which `%(key)` reads and which may be
/// left unread: lists, dicts, ranges, arrays, objects with `__getitem__`; no tuple and no text.
static bool hasSubscripts(Specializer &s, const Value &value) {
  if (auto *dict = s.object<DictState>(value))
    return !dict->isSet;
  if (s.object<ListState>(value) || runTimeListOf(s, value) || value.as<RangeValue>() ||
      s.arrayObject(value))
    return true;
  auto cls = s.classOf(value);
  return cls && !value.as<TupleValue>() && !value.get<Text>() &&
         !s.classAttribute(*cls, "__getitem__").isUnbound();
}

/// A `%` pattern while it is taken apart. Where Python raises, the path is dead and the text empty.
class PercentPattern {
public:
  PercentPattern(Specializer &s, llvm::StringRef pattern, const Value &arguments)
      : s(s), rest(pattern), arguments(arguments), isMapping(hasSubscripts(s, arguments)) {
    if (auto *tuple = arguments.as<TupleValue>())
      values = tuple->items;
    else if (isRunTimeTuple(s, arguments))
      s.fail(ErrorId::UnknownLength, {"the tuple of what is formatted"},
             {.help = "format item by item, or name them: (t[0], t[1])"});
    else
      values = {arguments};
  }
  Text format();

private:
  /// `%[(key)][flags]conversion`
  void field();
  Value named();
  Value take();
  void readFlags();
  Text converted(Value value, char conversion);
  std::optional<Text> knownInteger(const Value &value, char conversion);
  Text integer(const Value &value, const Scalar *scalar, char conversion);
  Text raised(llvm::StringRef kind, const std::string &message) {
    s.raiseHere(kind, message);
    return s.makeText("");
  }

  Specializer &s;
  llvm::StringRef rest;
  const Value &arguments;
  bool isMapping;
  ValueList values;
  size_t next = 0;
  std::string flags; // of the current field
  std::vector<Text> parts;
};

/// The value of `%(key)`.
Value PercentPattern::named() {
  auto [key, after] = rest.split(')');
  rest = after;
  if (isMapping)
    return s.subscript(arguments, s.makeText(key.str()));
  s.raiseHere("TypeError", "format requires a mapping");
  return NoneValue{};
}

Value PercentPattern::take() {
  if (next < values.size())
    return values[next++];
  s.raiseHere("TypeError", "not enough arguments for format string");
  return NoneValue{};
}

void PercentPattern::readFlags() {
  flags.clear();
  while (!rest.empty() && llvm::StringRef("#0- +123456789.*lhL").contains(rest[0]) && !s.dead) {
    char c = rest[0];
    rest = rest.drop_front();
    if (c == '*') {
      auto width = s.knownInt(take());
      if (!s.dead && !width)
        s.fail(ErrorId::RunTimePattern, {}, {.help = "write the width as a constant"});
      flags += s.dead ? "" : std::to_string(*width);
    } else if (c != 'l' && c != 'h' && c != 'L') {
      flags += c;
    }
  }
}

void PercentPattern::field() {
  if (rest.consume_front("%")) {
    parts.push_back(s.makeText("%"));
    return;
  }
  std::optional<Value> value;
  if (rest.consume_front("("))
    value = named();
  if (!s.dead)
    readFlags();
  if (!s.dead && rest.empty())
    raised("ValueError", "incomplete format");
  if (s.dead)
    return;
  char conversion = rest[0];
  rest = rest.drop_front();
  if (!value)
    value = take();
  if (!s.dead)
    parts.push_back(converted(*value, conversion));
}

/// A known int is text at compile time, so that 'w%d' % i can be a key.
std::optional<Text> PercentPattern::knownInteger(const Value &value, char conversion) {
  auto known = s.knownInt(value);
  auto *scalar = value.get<Scalar>();
  if (!known || !scalar || scalar->kind != ScalarKind::PyInt ||
      (conversion != 'd' && conversion != 'i') ||
      flags.find_first_not_of("0123456789-+ ") != std::string::npos)
    return std::nullopt;
  char buffer[64];
  size_t width = 0;
  for (char c : flags)
    width = width * 10 + (isdigit(static_cast<unsigned char>(c)) ? c - '0' : 0);
  if (width >= 40)
    return std::nullopt;
  snprintf(buffer, sizeof buffer, ("%" + flags + "lld").c_str(), static_cast<long long>(*known));
  return s.makeText(buffer);
}

Text PercentPattern::integer(const Value &value, const Scalar *scalar, char conversion) {
  if (auto *text = value.get<Text>(); text && conversion == 'c')
    return *text;
  std::string what = std::string("%") + conversion + " format: ";
  if (!scalar)
    return raised("TypeError", what + "a real number is required, not " + s.typeName(value));
  bool isFloat = isAlwaysFloat(*scalar);
  bool takesFloats = conversion == 'd' || conversion == 'i' || conversion == 'u';
  if (scalar->integer && !takesFloats)
    s.check(hasKind(s, *scalar, wholeKinds), "TypeError",
            what + "an integer is required, not float");
  if (isFloat && !takesFloats)
    return raised("TypeError", what + "an integer is required, not float");
  mlir::Value number;
  if (scalar->integer)
    number = s.ssa(*s.call(findBuiltin("int"), CallArguments{{value}, {}, s.span}).get<Scalar>());
  else if (isFloat)
    number =
        s.create<RuntimeEffectOp>(mlir::TypeRange(s.builder.getI64Type()), "mpy_int_from_float",
                                  mlir::ValueRange(s.ssaAs(*scalar, DType::Float64)), true)
            .getResult(0);
  else
    number = s.ssaAs(*scalar, DType::Int64);
  return runtimeFormat(s, "mpy_percent_int", {number, s.ssa(s.makeText(flags + conversion))});
}

Text PercentPattern::converted(Value value, char conversion) {
  if (conversion == 's' || conversion == 'r' || conversion == 'a') {
    Text text = conversion == 's' ? s.str(value) : s.repr(value);
    return flags.empty() ? text
                         : runtimeFormat(s, "mpy_percent_string",
                                         {s.ssa(text), s.ssa(s.makeText(flags + "s"))});
  }
  value = formattedNumber(s, s.present(value, "the value"), conversion);
  auto *scalar = value.get<Scalar>();
  if (auto text = knownInteger(value, conversion))
    return *text;
  if (llvm::StringRef("diuxXoc").contains(conversion))
    return integer(value, scalar, conversion);
  if (!llvm::StringRef("eEfFgG").contains(conversion))
    return raised("ValueError", std::string("unsupported format character '") + conversion + "'");
  if (!scalar)
    return raised("TypeError", "must be real number, not " + s.typeName(value));
  mlir::Value number = s.ssaAs(*scalar, DType::Float64);
  return runtimeFormat(s, "mpy_percent_float", {number, s.ssa(s.makeText(flags + conversion))});
}

Text PercentPattern::format() {
  while (!rest.empty()) {
    size_t position = rest.find('%');
    parts.push_back(s.makeText(rest.take_front(position).str()));
    if (position == llvm::StringRef::npos)
      break;
    rest = rest.drop_front(position + 1);
    field();
    if (s.dead)
      return s.makeText("");
  }
  if (!isMapping && next < values.size())
    return raised("TypeError", "not all arguments converted during string formatting");
  return s.concat(parts);
}

Text Specializer::percentFormat(const Text &pattern, const Value &arguments) {
  if (pattern.value)
    fail(ErrorId::RunTimePattern, {}, {.help = "write the pattern as a constant"});
  return PercentPattern(*this, pattern.known, arguments).format();
}

/// The value of a field of `str.format`: a name or number, then attributes and items; nothing where
/// Python raises.
static std::optional<Value> fieldOf(Specializer &s, llvm::StringRef name,
                                    const CallArguments &arguments, size_t &automatic) {
  size_t length = std::min(name.find_first_of(".["), name.size());
  llvm::StringRef first = name.take_front(length), path = name.drop_front(length);
  Value value;
  unsigned number;
  if (first.empty() || !first.getAsInteger(10, number)) {
    size_t at = first.empty() ? automatic++ : number;
    if (at >= arguments.positional.size()) {
      s.raiseHere("IndexError", "Replacement index " + std::to_string(at) +
                                    " out of range for positional args tuple");
      return std::nullopt;
    }
    value = arguments.positional[at];
  } else {
    auto it =
        llvm::find_if(arguments.keywords, [&](auto &keyword) { return keyword.first == first; });
    if (it == arguments.keywords.end()) {
      s.raiseHere("KeyError", ("'" + first + "'").str());
      return std::nullopt;
    }
    value = it->second;
  }
  while (!path.empty()) {
    if (path.consume_front(".")) {
      size_t stop = std::min(path.find_first_of(".["), path.size());
      value = s.attribute(value, path.take_front(stop));
      path = path.drop_front(stop);
      continue;
    }
    auto [key, after] = path.drop_front(1).split(']');
    path = after;
    unsigned index;
    bool isName = key.getAsInteger(10, index);
    value = s.subscript(value, isName ? Value(s.makeText(key.str()))
                                      : Value(s.makeInt(IntExpr(int64_t(index)))));
  }
  return value;
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
    auto value = fieldOf(*this, name, arguments, automatic);
    if (!value)
      return makeText("");
    if (conversion == "r")
      value = repr(*value);
    else if (conversion == "s")
      value = str(*value);
    Text specification =
        spec.contains('{')
            ? braceFormat(spec, CallArguments{ValueList(arguments.positional.begin() +
                                                            std::min(automatic,
                                                                     arguments.positional.size()),
                                                        arguments.positional.end()),
                                              arguments.keywords, span})
            : makeText(spec.str());
    parts.push_back(format(*value, specification));
  }
  return concat(parts);
}

} // namespace mpy
