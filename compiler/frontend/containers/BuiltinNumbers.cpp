// Python's builtin functions of numbers: conversions, `abs`, `round`, `divmod`, `pow`, `bin`, and
// the methods of ints. Arrays are numbers where NumPy says so: those of rank 0.
//
//   round(n, -2)   =>   mpy_round_int(%n, -2)        float(np.array([1.5]))   =>   TypeError
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/Builtins.h"
#include "frontend/interpret/MixedNumbers.h"
#include <cmath>

using namespace mlir;

namespace mpy {

std::optional<Scalar> numberIn(Specializer &s, const Value &value) {
  if (auto *scalar = value.get<Scalar>())
    return *scalar;
  auto id = s.arrayObject(value);
  if (!id || !s.heap.get<ArrayState>(*id)->shape.empty())
    return std::nullopt;
  return elementOf(s, s.read(*id));
}

Scalar indexIn(Specializer &s, const Value &value) {
  if (auto result = s.callMethod(value, "__index__", {})) {
    if (auto *scalar = result->get<Scalar>();
        scalar && (scalar->kind == ScalarKind::PyInt || scalar->kind == ScalarKind::PyBool))
      return *scalar;
    failCertain(s, "TypeError", "__index__ returned non-int (type " + s.typeName(*result) + ")");
  }
  auto scalar = numberIn(s, value);
  if (scalar && scalar->isMixed() && !isAlwaysFloat(*scalar))
    return s.makeInt(s.intExpr(*scalar));
  if (scalar && !isFloat(scalar->kind) && scalar->kind != ScalarKind::Bool)
    return *scalar;
  if (s.isArray(value))
    failCertain(s, "TypeError", "only integer scalar arrays can be converted to a scalar index");
  failCertain(s, "TypeError",
              "'" + s.typeName(value) + "' object cannot be interpreted as an integer");
}

/// The number that a conversion is asked for.
static Scalar wantNumber(Specializer &s, const Value &value, const llvm::Twine &refusal) {
  if (auto scalar = numberIn(s, value))
    return *scalar;
  if (s.isArray(value))
    failCertain(s, "TypeError", onlyRankZero);
  failCertain(s, "TypeError", refusal);
}

static mlir::Value raising(Specializer &s, const char *function, mlir::Type type,
                           mlir::ValueRange operands) {
  return s.callRaising(type, function, operands)[0];
}

/// What a conversion method of a class returned, which must be of that type.
static Value converted(Specializer &s, const Value &result, ScalarKind kind,
                       llvm::StringRef method) {
  auto *scalar = result.get<Scalar>();
  bool isBool = scalar && scalar->kind == ScalarKind::PyBool && kind == ScalarKind::PyInt;
  if (scalar && (scalar->kind == kind || isBool))
    return isBool ? Value(s.makeInt(s.intExpr(*scalar))) : result;
  failCertain(s, "TypeError",
              method + " returned non-" + nameOf(kind) + " (type " + s.typeName(result) + ")");
}

Value builtins::toFloat(Specializer &s, CallArguments &arguments) {
  Value value = s.present(
      s.bind(arguments, "x?=0.0", "float")[0], "the value",
      Specializer::typeError("float() argument must be a string or a real number, not 'NoneType'"));
  if (auto *text = value.get<Text>())
    return s.makeScalar(ScalarKind::PyFloat,
                        raising(s, "mpy_parse_float", s.builder.getF64Type(), s.ssa(*text)));
  if (auto result = s.callMethod(value, "__float__", {}))
    return converted(s, *result, ScalarKind::PyFloat, "__float__");
  if (s.classOf(value) && !s.classAttribute(*s.classOf(value), "__index__").isUnbound())
    value = indexIn(s, value);
  Scalar scalar = wantNumber(s, value,
                             "float() argument must be a string or a real number, not '" +
                                 s.typeName(value) + "'");
  std::optional<double> known = scalar.isMixed() ? std::nullopt : scalar.knownFloat;
  if (auto integer = scalar.knownInt(); integer && !scalar.isMixed())
    known = static_cast<double>(*integer);
  if (known && !scalar.value)
    return s.makeFloat(*known);
  Scalar result = s.makeScalar(ScalarKind::PyFloat, s.ssaAs(scalar, DType::Float64));
  result.knownFloat = known;
  return result;
}

Value builtins::toInt(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "x?=0, base=10", "int");
  Value value = s.present(given[0], "the value",
                          Specializer::typeError("int() argument must be a string, a bytes-like "
                                                 "object or a real number, not 'NoneType'"));
  if (auto *text = value.get<Text>()) {
    if (auto known = s.knownInt(given[1]) == 10 ? knownIntOfText(*text) : std::nullopt)
      return s.makeInt(IntExpr(*known));
    mlir::Value base = s.ssaAs(indexIn(s, given[1]), DType::Int64);
    return s.makeInt(raising(s, "mpy_parse_int", s.builder.getI64Type(), {s.ssa(*text), base}));
  }
  if (auto result = s.callMethod(value, "__int__", {}))
    return converted(s, *result, ScalarKind::PyInt, "__int__");
  if (s.classOf(value) && !s.classAttribute(*s.classOf(value), "__index__").isUnbound())
    value = indexIn(s, value);
  Scalar scalar = wantNumber(s, value,
                             "int() argument must be a string, a bytes-like object or a real "
                             "number, not '" +
                                 s.typeName(value) + "'");
  if (scalar.integer)
    return eachKind(s, scalar, [&](const Scalar &one) {
      CallArguments again{{one}, {}, s.span};
      return toInt(s, again);
    });
  if (!isFloat(scalar.kind))
    return s.makeInt(s.intExpr(scalar));
  if (scalar.knownFloat && std::abs(*scalar.knownFloat) < 0x1p62)
    return s.makeInt(IntExpr(static_cast<int64_t>(*scalar.knownFloat)));
  if (s.isInTry()) {
    // The runtime's own checks cannot be caught.
    mlir::Value number = s.ssaAs(scalar, DType::Float64);
    mlir::Value isNumber = s.create<CompareOp>(ComparePredicate::eq, number, number);
    s.check(isNumber, "ValueError", "cannot convert float NaN to integer");
    mlir::Value difference = s.create<SubOp>(number, number);
    mlir::Value isFinite = s.create<CompareOp>(ComparePredicate::eq, difference, difference);
    s.check(isFinite, "OverflowError", "cannot convert float infinity to integer");
  }
  return s.makeInt(
      raising(s, "mpy_int_from_float", s.builder.getI64Type(), s.ssaAs(scalar, DType::Float64)));
}

Value builtins::absolute(Specializer &s, CallArguments &arguments) {
  Value value = s.present(s.bind(arguments, "x?", "abs")[0], "the value",
                          Specializer::typeError("bad operand type for abs(): 'NoneType'"));
  if (s.isArray(value))
    return s.call(findLibraryFunction("numpy.abs"), CallArguments{{value}, {}, s.span});
  if (auto result = s.callMethod(value, "__abs__", {}))
    return *result;
  auto *scalar = value.get<Scalar>();
  if (!scalar)
    return s.raiseHere("TypeError", "bad operand type for abs(): '" + s.typeName(value) + "'");
  if (auto known = s.knownInt(value); known && *known != INT64_MIN && isPython(scalar->kind))
    return s.makeInt(IntExpr(std::abs(*known)));
  if (scalar->kind == ScalarKind::PyInt && scalar->expr && scalar->expr->isNonNegative())
    return value;
  if (scalar->isMixed())
    return eachKind(s, *scalar, [&](const Scalar &one) {
      CallArguments again{{one}, {}, s.span};
      return absolute(s, again);
    });
  if (scalar->knownFloat && !scalar->value)
    return s.makeFloat(std::abs(*scalar->knownFloat));
  if (scalar->kind == ScalarKind::PyInt)
    s.check(
        s.create<CompareOp>(ComparePredicate::ne, s.ssa(*scalar),
                            s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(INT64_MIN))),
        "OverflowError", integerOverflow);
  Scalar result = s.makeScalar(
      scalar->kind == ScalarKind::PyBool ? ScalarKind::PyInt : scalar->kind,
      s.create<AbsOp>(scalar->kind == ScalarKind::PyBool ? s.ssaAs(*scalar, DType::Int64)
                                                         : s.ssa(*scalar)));
  return result;
}

/// round() of an int: to tens, hundreds .. where the digits are negative.
static Value roundWhole(Specializer &s, const Scalar &number, const Scalar &digits) {
  IntExpr places = s.intExpr(digits);
  if (places.isNonNegative())
    return s.makeInt(s.intExpr(number));
  return s.makeInt(
      raising(s, "mpy_round_int", s.builder.getI64Type(),
              {s.ssaAs(number, DType::Int64), s.ssaAs(s.makeInt(places), DType::Int64)}));
}

Value builtins::roundOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "number?, ndigits=None", "round");
  Value value = s.present(given[0], "the number",
                          Specializer::typeError("type NoneType doesn't define __round__ method"));
  if (auto result =
          s.callMethod(value, "__round__", given[1].isNone() ? ValueList{} : ValueList{given[1]}))
    return *result;
  auto *scalar = value.get<Scalar>();
  if (!scalar || scalar->kind == ScalarKind::Bool)
    failCertain(s, "TypeError", "type " + s.typeName(value) + " doesn't define __round__ method");
  if (scalar->isMixed())
    return eachKind(s, *scalar, [&](const Scalar &one) {
      CallArguments again{{one, given[1]}, {}, s.span};
      return roundOf(s, again);
    });
  bool isWhole = !isFloat(scalar->kind);
  if (given[1].isNone())
    return isWhole ? s.makeInt(s.intExpr(*scalar))
                   : s.makeInt(raising(s, "mpy_round_to_int", s.builder.getI64Type(),
                                       s.ssaAs(*scalar, DType::Float64)));
  Scalar digits = indexIn(s, given[1]);
  if (!isPython(scalar->kind))
    return s.call(findLibraryFunction("numpy.round"), CallArguments{{value, digits}, {}, s.span});
  if (isWhole)
    return roundWhole(s, *scalar, digits);
  return s.makeScalar(ScalarKind::PyFloat,
                      raising(s, "mpy_round_float", s.builder.getF64Type(),
                              {s.ssaAs(*scalar, DType::Float64), s.ssaAs(digits, DType::Int64)}));
}

Value builtins::divmodOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "x, y", "divmod");
  if (auto result = s.callMethod(given[0], "__divmod__", {given[1]});
      result && !result->get<NotImplementedValue>())
    return *result;
  if (auto result = s.callMethod(given[1], "__rdivmod__", {given[0]});
      result && !result->get<NotImplementedValue>())
    return *result;
  auto isNumber = [&](const Value &value) { return value.get<Scalar>() || s.isArray(value); };
  if (!isNumber(given[0]) || !isNumber(given[1]))
    failCertain(s, "TypeError",
                "unsupported operand type(s) for divmod(): '" + s.typeName(given[0]) + "' and '" +
                    s.typeName(given[1]) + "'");
  Value quotient = s.binary(ast::BinaryOperator::FloorDiv, given[0], given[1]);
  return s.newTuple({quotient, s.binary(ast::BinaryOperator::Mod, given[0], given[1])});
}

Value builtins::powOf(Specializer &s, CallArguments &arguments) {
  ValueList given = s.bind(arguments, "base, exp, mod=None", "pow");
  if (given[2].isNone())
    return s.binary(ast::BinaryOperator::Pow, given[0], given[1]);
  if (auto result = s.callMethod(given[0], "__pow__", {given[1], given[2]});
      result && !result->get<NotImplementedValue>())
    return *result;
  llvm::SmallVector<mlir::Value> operands;
  for (const Value &part : given) {
    auto *scalar = part.get<Scalar>();
    if (scalar && scalar->isMixed())
      s.intExpr(*scalar); // Says what to write.
    if (!scalar || isAlwaysFloat(*scalar))
      failCertain(s, "TypeError",
                  scalar ? "pow() 3rd argument not allowed unless all arguments are integers"
                         : "unsupported operand type(s) for ** or pow(): '" + s.typeName(given[0]) +
                               "', '" + s.typeName(given[1]) + "', '" + s.typeName(given[2]) + "'");
    operands.push_back(s.ssaAs(*scalar, DType::Int64));
  }
  return s.makeInt(raising(s, "mpy_int_pow_modulo", s.builder.getI64Type(), operands));
}

/// bin(), oct(), hex(): format(n, '#b') and so on.
static Value inBase(Specializer &s, CallArguments &arguments, const char *function,
                    const char *format) {
  Scalar number = indexIn(s, s.bind(arguments, "number", function)[0]);
  return s.format(s.makeInt(s.intExpr(number)), s.makeText(format));
}
Value builtins::binaryText(Specializer &s, CallArguments &arguments) {
  return inBase(s, arguments, "bin", "#b");
}
Value builtins::octalText(Specializer &s, CallArguments &arguments) {
  return inBase(s, arguments, "oct", "#o");
}
Value builtins::hexText(Specializer &s, CallArguments &arguments) {
  return inBase(s, arguments, "hex", "#x");
}

/// A method of ints without arguments, by a function of the runtime.
static Value wholeMethod(Specializer &s, CallArguments &arguments, const char *method,
                         const char *function) {
  Value self = s.bind(arguments, "self", method)[0];
  mlir::Value number = s.ssaAs(*self.get<Scalar>(), DType::Int64);
  return s.makeInt(s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI64Type()), function,
                                           mlir::ValueRange(number), false)
                       .getResult(0));
}
Value builtins::bitLength(Specializer &s, CallArguments &arguments) {
  return wholeMethod(s, arguments, "bit_length", "mpy_int_bit_length");
}
Value builtins::bitCount(Specializer &s, CallArguments &arguments) {
  return wholeMethod(s, arguments, "bit_count", "mpy_int_bit_count");
}
Value builtins::conjugateOf(Specializer &s, CallArguments &arguments) {
  Value self = s.bind(arguments, "self", "conjugate")[0];
  auto *scalar = self.get<Scalar>();
  return scalar->kind == ScalarKind::PyBool ? Value(s.makeInt(s.intExpr(*scalar))) : self;
}
Value builtins::isWhole(Specializer &s, CallArguments &arguments) {
  Value self = s.bind(arguments, "self", "is_integer")[0];
  auto *scalar = self.get<Scalar>();
  if (!isFloat(scalar->kind))
    return s.makeBool(true);
  mlir::Value number = s.ssaAs(*scalar, DType::Float64);
  mlir::Value rest = s.create<SubOp>(number, s.create<FloorOp>(number).getResult());
  mlir::Value isWhole =
      s.create<CompareOp>(ComparePredicate::eq, rest, s.constant(DType::Float64, 0));
  return s.makeScalar(ScalarKind::PyBool, isWhole);
}

Value builtins::attributeOfNumber(Specializer &s, const Value &number, llvm::StringRef name) {
  auto *scalar = number.get<Scalar>();
  bool isFloat = mpy::isFloat(scalar->kind);
  if (name == "imag")
    return isFloat ? Value(s.makeFloat(0)) : Value(s.makeInt(IntExpr(0)));
  if (name == "real" || (name == "numerator" && !isFloat))
    return isFloat ? number : Value(s.makeInt(s.intExpr(*scalar)));
  if (name == "denominator" && !isFloat)
    return s.makeInt(IntExpr(1));
  bool isOfInt = name == "bit_length" || name == "bit_count";
  if ((isOfInt && !isFloat) || name == "conjugate" || name == "is_integer")
    return std::make_shared<const BoundMethodValue>(
        BoundMethodValue{number, findBuiltin(("number." + name).str())});
  return {};
}

} // namespace mpy
