// Operators and ufuncs on arrays and NumPy scalars: operands are promoted and spread, then one mpy
// operation is emitted.
//
//   float32 array + 1   -> mpy.add %x, %one : tensor<?xf32>, f32
//   int64 array / 2     -> mpy.cast to f64, mpy.div
#include "frontend/arrays/ArrayElementwise.h"
#include "frontend/arrays/ArrayProducts.h"
#include "frontend/arrays/ArrayReductions.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/interpret/MixedNumbers.h"

namespace mpy {

/// The float type in which a function of such elements is computed.
static DType floatOf(Specializer &specializer, llvm::StringRef name, DType dtype) {
  if (isFloat(dtype))
    return dtype;
  if (bitsOf(dtype) <= 8)
    specializer.fail(ErrorId::UnsupportedDType,
                     {("'" + name + "' of " + nameOf(dtype)).str(), "float16"},
                     {.help = "convert with .astype(float) first"});
  return bitsOf(dtype) == 16 ? DType::Float32 : DType::Float64;
}

/// Of unsigned numbers, of which none is below 0.
static mlir::Value emitUnsignedUnary(Specializer &specializer, llvm::StringRef name,
                                     UnaryEmitter emitter, mlir::Value x, DType dtype) {
  if (name == "absolute" || name == "abs")
    return x;
  if (name != "sign" && name != "signbit")
    return emitter(specializer, x, dtype);
  mlir::Value zero = specializer.constant(dtype, 0);
  bool isSign = name == "sign";
  mlir::Value result = specializer
                           .create<CompareOp>(isSign ? ComparePredicate::ne : ComparePredicate::lt,
                                              isSign ? x : zero, zero)
                           .getResult();
  return isSign ? castTo(specializer, result, DType::Bool, dtype) : result;
}

Value applyUnary(Specializer &specializer, llvm::StringRef name, UnaryRule rule,
                 UnaryEmitter emitter, const Value &value, std::optional<DType> wanted) {
  ElementOperand operand = makeOperand(specializer, value);
  if (operand.isScalar && operand.scalar.isMixed())
    return eachKind(specializer, operand.scalar, [&](const Scalar &one) {
      return applyUnary(specializer, name, rule, emitter, one, wanted);
    });
  DType dtype = wanted ? *wanted : operand.dtype;
  switch (rule) {
  case UnaryRule::Float:
    dtype = floatOf(specializer, name, dtype);
    break;
  case UnaryRule::Number:
    if (dtype != DType::Bool)
      break;
    if (name == "negative")
      failCertain(specializer, "TypeError",
                  "The numpy boolean negative, the `-` operator, is not supported, use the `~` "
                  "operator or the "
                  "logical_not function instead.");
    if (name == "sign")
      failCertain(specializer, "TypeError",
                  "ufunc 'sign' did not contain a loop with signature matching types <class "
                  "'numpy.dtypes.BoolDType'> -> None");
    specializer.fail(ErrorId::UnsupportedDType, {"'" + name.str() + "' of bool", "int8"},
                     {.help = "convert with .astype(int) first"});
  case UnaryRule::Any:
  case UnaryRule::Rounding:
  case UnaryRule::Test:
    break;
  }
  mlir::Value x = convert(specializer, operand, dtype);
  if (rule == UnaryRule::Rounding && !isFloat(dtype))
    return wrap(specializer, dtype, operand.shape, x);
  mlir::Value result = isUnsigned(dtype) ? emitUnsignedUnary(specializer, name, emitter, x, dtype)
                                         : emitter(specializer, x, dtype);
  return wrap(specializer, rule == UnaryRule::Test ? DType::Bool : dtype, operand.shape, result);
}

llvm::StringRef nameOf(BinaryFunction function) {
  static constexpr const char *names[] = {
      "add",         "subtract",    "multiply",    "divide",     "floor_divide", "remainder",
      "power",       "arctan2",     "maximum",     "minimum",    "fmax",         "fmin",
      "logaddexp",   "hypot",       "bitwise_and", "bitwise_or", "bitwise_xor",  "left_shift",
      "right_shift", "logical_and", "logical_or",  "logical_xor"};
  return names[unsigned(function)];
}

/// The type in which a function computes, from the common type of its operands.
static DType computingType(Specializer &specializer, BinaryFunction function, DType common) {
  using F = BinaryFunction;
  bool isBool = common == DType::Bool;
  switch (function) {
  case F::Divide:
    return isFloat(common) ? common : DType::Float64;
  case F::Arctan2:
  case F::LogAddExp:
  case F::Hypot:
    return floatOf(specializer, nameOf(function), common);
  case F::Subtract:
    if (isBool)
      failCertain(specializer, "TypeError",
                  "numpy boolean subtract, the `-` operator, is not supported, use the "
                  "bitwise_xor, the `^` operator, or "
                  "the logical_xor function instead.");
    return common;
  case F::FloorDivide:
  case F::Remainder:
  case F::Power:
  case F::ShiftLeft:
  case F::ShiftRight:
    if (isBool)
      return DType::Int8;
    [[fallthrough]];
  case F::BitAnd:
  case F::BitOr:
  case F::BitXor:
    if (isFloat(common) && function != F::FloorDivide && function != F::Remainder &&
        function != F::Power)
      failCertain(specializer, "TypeError",
                  "ufunc '" + nameOf(function) +
                      "' not supported for the input types, and the inputs could not be safely "
                      "coerced to any supported "
                      "types according to the casting rule ''safe''");
    return common;
  case F::LogicalAnd:
  case F::LogicalOr:
  case F::LogicalXor:
    return DType::Bool;
  default:
    return common;
  }
}

/// The larger + log1p(exp(the smaller - the larger)), chosen by a comparison: both choices are one
/// smooth function, so that every derivative is right where x == y, too.
static mlir::Value emitLogAddExp(Specializer &specializer, mlir::Value x, mlir::Value y,
                                 DType dtype) {
  mlir::Value difference = specializer.create<SubOp>(x, y).getResult();
  mlir::Value zero = specializer.constant(dtype, 0);
  mlir::Value xIsLarger =
      specializer.create<CompareOp>(ComparePredicate::gt, difference, zero).getResult();
  mlir::Value down = specializer.create<NegOp>(difference).getResult();
  down = specializer.create<SelectOp>(xIsLarger, down, difference).getResult();
  mlir::Value tail =
      specializer.create<Log1pOp>(specializer.create<ExpOp>(down).getResult()).getResult();
  mlir::Value larger = specializer.create<SelectOp>(xIsLarger, x, y).getResult();
  mlir::Value sum = specializer.create<AddOp>(larger, tail).getResult();
  // Equal infinities, whose difference is no number, are themselves.
  mlir::Value isEqual = specializer.create<CompareOp>(ComparePredicate::eq, x, y).getResult();
  mlir::Value isInfinite =
      specializer.create<CompareOp>(ComparePredicate::ne, difference, difference).getResult();
  return specializer
      .create<SelectOp>(specializer.create<AndOp>(isEqual, isInfinite).getResult(),
                        specializer.create<MaximumOp>(x, y).getResult(), sum)
      .getResult();
}

/// The larger (or smaller) of two floats where NaN loses.
template <typename OpType>
static mlir::Value emitIgnoringNan(Specializer &specializer, mlir::Value x, mlir::Value y,
                                   DType dtype) {
  mlir::Value both = specializer.create<OpType>(x, y).getResult();
  if (!isFloat(dtype))
    return both;
  mlir::Value xIsNan = specializer.create<CompareOp>(ComparePredicate::ne, x, x).getResult();
  mlir::Value yIsNan = specializer.create<CompareOp>(ComparePredicate::ne, y, y).getResult();
  return specializer
      .create<SelectOp>(xIsNan, y, specializer.create<SelectOp>(yIsNan, x, both).getResult())
      .getResult();
}

/// Integers raise where an exponent is negative.
static void checkExponent(Specializer &specializer, const ElementOperand &exponent, mlir::Value y,
                          DType dtype) {
  if (isFloat(dtype) || isUnsigned(dtype))
    return;
  if (exponent.isScalar && exponent.scalar.expr && exponent.scalar.expr->isNonNegative())
    return;
  mlir::Value negative =
      specializer.create<CompareOp>(ComparePredicate::lt, y, specializer.constant(dtype, 0))
          .getResult();
  if (auto type = llvm::dyn_cast<mlir::RankedTensorType>(negative.getType())) {
    llvm::SmallVector<int64_t> axes = consecutive(0, type.getRank());
    negative = specializer.create<AnyOp>(negative, axes).getResult();
  }
  mlir::Value fits = specializer.create<NotOp>(negative).getResult();
  check(specializer, fits, "ValueError",
        CheckText{"Integers to negative integer powers are not allowed.", {}});
}

/// NumPy squares bools where the exponent is the int 2: the result would be of type int8.
static void refuseSquareOfBools(Specializer &specializer, const Value &base,
                                const Value &exponent) {
  const Scalar *scalar = exponent.get<Scalar>();
  std::optional<ObjectId> array = specializer.arrayObject(base);
  if (!array || !scalar || scalar->kind != ScalarKind::PyInt ||
      specializer.heap.get<ArrayState>(*array)->dtype != DType::Bool)
    return;
  if (scalar->knownInt().value_or(2) == 2)
    specializer.fail(ErrorId::UnsupportedDType, {"'power' of bools", "int8"},
                     {.help = "convert with .astype(int) first"});
}

static mlir::Value emitPower(Specializer &specializer, const ElementOperand &exponent,
                             mlir::Value x, mlir::Value y, DType dtype) {
  // What NumPy computes without pow for these exponents.
  if (exponent.isScalar && !exponent.scalar.isMixed()) {
    std::optional<double> known = exponent.scalar.knownFloat;
    if (std::optional<int64_t> whole = exponent.scalar.knownInt())
      known = double(*whole);
    if (known == 2)
      return specializer.create<SquareOp>(x).getResult();
    if (known == 0.5 && isFloat(dtype))
      return specializer.create<SqrtOp>(x).getResult();
    if (known == -1 && isFloat(dtype))
      return specializer.create<ReciprocalOp>(x).getResult();
  }
  checkExponent(specializer, exponent, y, dtype);
  return specializer.create<PowOp>(x, y).getResult();
}

static mlir::Value emitBinary(Specializer &specializer, BinaryFunction function,
                              llvm::ArrayRef<ElementOperand> operands, mlir::Value x, mlir::Value y,
                              DType dtype) {
  using F = BinaryFunction;
  bool isBool = dtype == DType::Bool;
  if (isUnsigned(dtype))
    if (mlir::Value result = emitUnsigned(specializer, function, x, y, dtype))
      return result;
  switch (function) {
  case F::Add:
    return isBool ? specializer.create<OrOp>(x, y).getResult()
                  : specializer.create<AddOp>(x, y).getResult();
  case F::Subtract:
    return specializer.create<SubOp>(x, y).getResult();
  case F::Multiply:
    return isBool ? specializer.create<AndOp>(x, y).getResult()
                  : specializer.create<MulOp>(x, y).getResult();
  case F::Divide:
    return specializer.create<DivOp>(x, y).getResult();
  case F::FloorDivide:
    return specializer.create<FloorDivOp>(x, y).getResult();
  case F::Remainder:
    return specializer.create<ModOp>(x, y).getResult();
  case F::Power:
    return emitPower(specializer, operands[1], x, y, dtype);
  case F::Arctan2:
    return specializer.create<Atan2Op>(x, y).getResult();
  case F::Maximum:
    return isBool ? specializer.create<OrOp>(x, y).getResult()
                  : specializer.create<MaximumOp>(x, y).getResult();
  case F::Minimum:
    return isBool ? specializer.create<AndOp>(x, y).getResult()
                  : specializer.create<MinimumOp>(x, y).getResult();
  case F::FMax:
    return isBool ? specializer.create<OrOp>(x, y).getResult()
                  : emitIgnoringNan<MaximumOp>(specializer, x, y, dtype);
  case F::FMin:
    return isBool ? specializer.create<AndOp>(x, y).getResult()
                  : emitIgnoringNan<MinimumOp>(specializer, x, y, dtype);
  case F::LogAddExp:
    return emitLogAddExp(specializer, x, y, dtype);
  case F::Hypot:
    return lengthOf(specializer, {x, y}, dtype);
  case F::BitAnd:
  case F::LogicalAnd:
    return specializer.create<AndOp>(x, y).getResult();
  case F::BitOr:
  case F::LogicalOr:
    return specializer.create<OrOp>(x, y).getResult();
  case F::BitXor:
  case F::LogicalXor:
    return specializer.create<XorOp>(x, y).getResult();
  case F::ShiftLeft:
    return specializer.create<ShiftLeftOp>(x, y).getResult();
  case F::ShiftRight:
    return specializer.create<ShiftRightOp>(x, y).getResult();
  }
  llvm_unreachable("every function is above");
}

/// A function of two numbers of which one is mixed, for each kind that it may have.
static std::optional<Value> ofMixed(Specializer &specializer,
                                    llvm::ArrayRef<ElementOperand> operands,
                                    llvm::function_ref<Value(const Value &, const Value &)> of) {
  const ElementOperand &x = operands[0], &y = operands[1];
  if (!x.isScalar || !y.isScalar || (!x.scalar.isMixed() && !y.scalar.isMixed()))
    return std::nullopt;
  return eachKind(specializer, x.scalar, [&](const Scalar &first) {
    return eachKind(specializer, y.scalar, [&](const Scalar &second) { return of(first, second); });
  });
}

Value applyBinary(Specializer &specializer, BinaryFunction function, const Value &lhs,
                  const Value &rhs, std::optional<DType> wanted) {
  ElementOperand operands[] = {makeOperand(specializer, lhs), makeOperand(specializer, rhs)};
  auto again = [&](const Value &x, const Value &y) {
    return applyBinary(specializer, function, x, y, wanted);
  };
  if (auto result = ofMixed(specializer, operands, again))
    return *result;
  DType dtype =
      computingType(specializer, function, wanted ? *wanted : commonType(specializer, operands));
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(specializer, operands, {dtype, dtype}, values);
  return wrap(specializer, dtype, shape,
              emitBinary(specializer, function, operands, values[0], values[1], dtype));
}

Value applyComparison(Specializer &specializer, ComparePredicate predicate, const Value &lhs,
                      const Value &rhs) {
  ElementOperand operands[] = {makeOperand(specializer, lhs), makeOperand(specializer, rhs)};
  auto again = [&](const Value &x, const Value &y) {
    return applyComparison(specializer, predicate, x, y);
  };
  if (auto result = ofMixed(specializer, operands, again))
    return *result;
  // Integers compare as numbers, whatever their types: Python's int may lie outside the other's.
  if (llvm::none_of(operands, [](auto &operand) { return isFloat(operand.dtype); }) &&
      llvm::any_of(operands, [](auto &operand) { return isInteger(operand.dtype); })) {
    DType types[2];
    for (auto [operand, type] : llvm::zip(operands, types))
      type = operand.dtype == DType::UInt64 ? DType::UInt64 : DType::Int64;
    if (operands[0].dtype == operands[1].dtype && !isUnsigned(operands[0].dtype))
      types[0] = types[1] = operands[0].dtype;
    llvm::SmallVector<mlir::Value> values;
    Shape shape = prepare(specializer, operands, types, values);
    mlir::Value result =
        compareIntegers(specializer, predicate, values[0], types[0], values[1], types[1]);
    return wrap(specializer, DType::Bool, shape, result);
  }
  DType dtype = commonType(specializer, operands);
  // Bools have no order of their own.
  if (dtype == DType::Bool && predicate != ComparePredicate::eq &&
      predicate != ComparePredicate::ne)
    dtype = DType::Int32;
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(specializer, operands, {dtype, dtype}, values);
  return wrap(specializer, DType::Bool, shape,
              specializer.create<CompareOp>(predicate, values[0], values[1]).getResult());
}

BinaryFunction functionOf(ast::BinaryOperator op) {
  using Op = ast::BinaryOperator;
  switch (op) {
  case Op::Add:
    return BinaryFunction::Add;
  case Op::Sub:
    return BinaryFunction::Subtract;
  case Op::Mult:
    return BinaryFunction::Multiply;
  case Op::Div:
    return BinaryFunction::Divide;
  case Op::Mod:
    return BinaryFunction::Remainder;
  case Op::Pow:
    return BinaryFunction::Power;
  case Op::LShift:
    return BinaryFunction::ShiftLeft;
  case Op::RShift:
    return BinaryFunction::ShiftRight;
  case Op::BitOr:
    return BinaryFunction::BitOr;
  case Op::BitXor:
    return BinaryFunction::BitXor;
  case Op::BitAnd:
    return BinaryFunction::BitAnd;
  case Op::FloorDiv:
    return BinaryFunction::FloorDivide;
  case Op::MatMult:
    break;
  }
  llvm_unreachable("matrix products have their own way");
}

Value arrayBinary(Specializer &specializer, ast::BinaryOperator op, const Value &lhs,
                  const Value &rhs) {
  if (op == ast::BinaryOperator::MatMult)
    return matmul(specializer, lhs, rhs);
  if (op == ast::BinaryOperator::Pow)
    refuseSquareOfBools(specializer, lhs, rhs);
  return applyBinary(specializer, functionOf(op), lhs, rhs);
}

Value arrayCompare(Specializer &specializer, ast::CompareOperator op, const Value &lhs,
                   const Value &rhs) {
  using Op = ast::CompareOperator;
  switch (op) {
  case Op::Eq:
    return applyComparison(specializer, ComparePredicate::eq, lhs, rhs);
  case Op::NotEq:
    return applyComparison(specializer, ComparePredicate::ne, lhs, rhs);
  case Op::Lt:
    return applyComparison(specializer, ComparePredicate::lt, lhs, rhs);
  case Op::LtE:
    return applyComparison(specializer, ComparePredicate::le, lhs, rhs);
  case Op::Gt:
    return applyComparison(specializer, ComparePredicate::gt, lhs, rhs);
  case Op::GtE:
    return applyComparison(specializer, ComparePredicate::ge, lhs, rhs);
  default:
    break;
  }
  // `v in array`: whether any element equals it.
  if (op == Op::In || op == Op::NotIn) {
    ArrayValue equal =
        toArray(specializer, applyComparison(specializer, ComparePredicate::eq, lhs, rhs));
    llvm::SmallVector<int64_t> axes = consecutive(0, equal.rank());
    mlir::Value found = axes.empty() ? elementOf(specializer, equal).value
                                     : specializer.create<AnyOp>(equal.tensor, axes).getResult();
    if (op == Op::NotIn)
      found = specializer.create<NotOp>(found).getResult();
    return specializer.makeScalar(ScalarKind::PyBool, found);
  }
  specializer.fail(ErrorId::NotNumeric, {specializer.describe(lhs)});
}

Value arrayUnary(Specializer &specializer, ast::UnaryOperator op, const Value &operand) {
  auto same = [](Specializer &, mlir::Value x, DType) { return x; };
  switch (op) {
  case ast::UnaryOperator::USub:
    return applyUnary(specializer, "negative", UnaryRule::Number, emitUnary<NegOp>, operand);
  case ast::UnaryOperator::UAdd:
    return applyUnary(specializer, "positive", UnaryRule::Number, same, operand);
  case ast::UnaryOperator::Invert:
    if (isFloat(makeOperand(specializer, operand).dtype))
      failCertain(specializer, "TypeError",
                  "ufunc 'invert' not supported for the input types, and the inputs could not be "
                  "safely coerced to any "
                  "supported types according to the casting rule ''safe''");
    return applyUnary(specializer, "invert", UnaryRule::Any, emitUnary<NotOp>, operand);
  case ast::UnaryOperator::Not:
    break;
  }
  return specializer.unary(op, specializer.truth(operand));
}

/// bool < unsigned < integers < floats: what `same_kind` casting may not lower.
static int kindRank(DType dtype) {
  if (!isInteger(dtype))
    return isFloat(dtype) ? 3 : 0;
  return isUnsigned(dtype) ? 1 : 2;
}

void storeResult(Specializer &specializer, ObjectId object, const Value &result,
                 llvm::StringRef function) {
  ArrayValue target = specializer.read(object);
  ArrayValue value = toArray(specializer, result);
  if (kindRank(value.dtype) > kindRank(target.dtype))
    failCertain(specializer, "numpy._core._exceptions._UFuncOutputCastingError",
                "Cannot cast ufunc '" + function + "' output from dtype('" + nameOf(value.dtype) +
                    "') to dtype('" + nameOf(target.dtype) + "') with casting rule 'same_kind'");
  CheckText text;
  text << "non-broadcastable output operand with shape " << target.shape
       << " doesn't match the broadcast shape " << value.shape;
  if (value.rank() > target.rank())
    failCertain(specializer, "ValueError", text.text);
  size_t lead = target.rank() - value.rank();
  for (size_t position = 0; position < value.rank(); ++position)
    if (!value.shape[position].isKnown(1))
      checkEqual(specializer, value.shape[position], target.shape[lead + position], "ValueError",
                 text);
  value = castArray(specializer, value, target.dtype);
  specializer.write(object, expandInto(specializer, value, target.shape),
                    "output array is read-only");
}

/// Raises where a real array would take complex elements.
static void refuseComplex(Specializer &specializer, ast::BinaryOperator op, ObjectId array,
                          const Value &value, llvm::StringRef function) {
  if (complexKindOf(specializer, value) == ComplexKind::None)
    return;
  DType target = specializer.read(array).dtype;
  Value result = specializer.binary(op, ObjectRef{array}, value);
  ElementOperand part = makeOperand(specializer, complexParts(specializer, result).first);
  failCertain(specializer, "numpy._core._exceptions._UFuncOutputCastingError",
              ("Cannot cast ufunc '" + function + "' output from dtype('").str() +
                  (part.dtype == DType::Float32 ? "complex64" : "complex128") + "') to dtype('" +
                  nameOf(target) + "') with casting rule 'same_kind'");
}

void arrayInPlace(Specializer &specializer, ast::BinaryOperator op, ObjectId array,
                  const Value &value) {
  llvm::StringRef function = op == ast::BinaryOperator::MatMult ? "matmul" : nameOf(functionOf(op));
  refuseComplex(specializer, op, array, value, function);
  storeResult(specializer, array, arrayBinary(specializer, op, ObjectRef{array}, value), function);
}

} // namespace mpy
