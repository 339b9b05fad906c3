// Operators and ufuncs on arrays and NumPy scalars: operands are promoted and spread, then one mpy operation is emitted.
//
//   float32 array + 1   -> mpy.add %x, %one : tensor<?xf32>, f32
//   int64 array / 2     -> mpy.cast to f64, mpy.div
#include "frontend/ArrayElementwise.h"
#include "frontend/ArrayProducts.h"

namespace mpy {

Value applyUnary(Specializer &s, llvm::StringRef name, UnaryRule rule, UnaryEmitter emitter, const Value &value,
                 std::optional<DType> wanted) {
  Operand operand = makeOperand(s, value);
  if (operand.isScalar && operand.scalar.isMixed())
    commonType(s, {operand});
  DType dtype = wanted ? *wanted : operand.dtype;
  switch (rule) {
  case UnaryRule::Float:
    if (dtype == DType::Bool)
      s.fail(ErrorId::UnsupportedDType, {"'" + name.str() + "' of bool", "float16"},
             {.help = "convert with .astype(float) first"});
    if (!isFloat(dtype))
      dtype = DType::Float64;
    break;
  case UnaryRule::Number:
    if (dtype != DType::Bool)
      break;
    if (name == "negative")
      failCertain(s, "TypeError",
                  "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator or the "
                  "logical_not function instead.");
    if (name == "sign")
      failCertain(s, "TypeError", "ufunc 'sign' did not contain a loop with signature matching types <class "
                                  "'numpy.dtypes.BoolDType'> -> None");
    s.fail(ErrorId::UnsupportedDType, {"'" + name.str() + "' of bool", "int8"}, {.help = "convert with .astype(int) first"});
  case UnaryRule::Any:
  case UnaryRule::Rounding:
  case UnaryRule::Test:
    break;
  }
  mlir::Value x = convert(s, operand, dtype);
  if (rule == UnaryRule::Rounding && !isFloat(dtype))
    return wrap(s, dtype, operand.shape, x);
  mlir::Value result = emitter(s, x, dtype);
  return wrap(s, rule == UnaryRule::Test ? DType::Bool : dtype, operand.shape, result);
}

llvm::StringRef nameOf(BinaryFunction function) {
  static constexpr const char *names[] = {"add",         "subtract",    "multiply",   "divide",      "floor_divide",
                                          "remainder",   "power",       "arctan2",    "maximum",     "minimum",
                                          "fmax",        "fmin",        "logaddexp",  "hypot",       "bitwise_and",
                                          "bitwise_or",  "bitwise_xor", "left_shift", "right_shift", "logical_and",
                                          "logical_or",  "logical_xor"};
  return names[unsigned(function)];
}

/// The type in which a function computes, from the common type of its operands.
static DType computingType(Specializer &s, BinaryFunction function, DType common) {
  using F = BinaryFunction;
  bool isBool = common == DType::Bool;
  switch (function) {
  case F::Divide:
    return isFloat(common) ? common : DType::Float64;
  case F::Arctan2:
  case F::LogAddExp:
  case F::Hypot:
    if (isBool)
      s.fail(ErrorId::UnsupportedDType, {"'" + nameOf(function).str() + "' of bool", "float16"});
    return isFloat(common) ? common : DType::Float64;
  case F::Subtract:
    if (isBool)
      failCertain(s, "TypeError",
                  "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the `^` operator, or "
                  "the logical_xor function instead.");
    return common;
  case F::FloorDivide:
  case F::Remainder:
  case F::Power:
  case F::ShiftLeft:
  case F::ShiftRight:
    if (isBool)
      s.fail(ErrorId::UnsupportedDType, {"'" + nameOf(function).str() + "' of bools", "int8"},
             {.help = "convert with .astype(int) first"});
    [[fallthrough]];
  case F::BitAnd:
  case F::BitOr:
  case F::BitXor:
    if (isFloat(common) && function != F::FloorDivide && function != F::Remainder && function != F::Power)
      failCertain(s, "TypeError",
                  "ufunc '" + nameOf(function) +
                      "' not supported for the input types, and the inputs could not be safely coerced to any supported "
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

/// max + log1p(exp(-|x - y|)); equal infinities are themselves.
static mlir::Value emitLogAddExp(Specializer &s, mlir::Value x, mlir::Value y, DType dtype) {
  mlir::Value larger = s.create<MaximumOp>(x, y).getResult();
  mlir::Value difference = s.create<SubOp>(x, y).getResult();
  mlir::Value isEqual = s.create<CompareOp>(ComparePredicate::eq, x, y).getResult();
  // Where x == y the difference is 0, also for infinities; the derivative passes through it all the same.
  mlir::Value infinite = s.create<CompareOp>(ComparePredicate::ne, difference, difference).getResult();
  infinite = s.create<AndOp>(infinite, isEqual).getResult();
  difference = s.create<SelectOp>(infinite, s.constant(dtype, 0), difference).getResult();
  mlir::Value distance = s.create<AbsOp>(difference).getResult();
  mlir::Value tail = s.create<Log1pOp>(s.create<ExpOp>(s.create<NegOp>(distance).getResult()).getResult()).getResult();
  return s.create<AddOp>(larger, tail).getResult();
}

/// m * sqrt((x/m)**2 + (y/m)**2) with m the larger magnitude; 0 where both are 0.
static mlir::Value emitHypot(Specializer &s, mlir::Value x, mlir::Value y, DType dtype) {
  mlir::Value larger =
      s.create<MaximumOp>(s.create<AbsOp>(x).getResult(), s.create<AbsOp>(y).getResult()).getResult();
  mlir::Value zero = s.constant(dtype, 0), infinity = s.constant(dtype, std::numeric_limits<double>::infinity());
  mlir::Value isZero = s.create<CompareOp>(ComparePredicate::eq, larger, zero).getResult();
  mlir::Value isInfinite = s.create<CompareOp>(ComparePredicate::eq, larger, infinity).getResult();
  mlir::Value plain = s.create<OrOp>(isZero, isInfinite).getResult();
  mlir::Value scale = s.create<SelectOp>(plain, s.constant(dtype, 1), larger).getResult();
  mlir::Value a = s.create<SquareOp>(s.create<DivOp>(x, scale).getResult()).getResult();
  mlir::Value b = s.create<SquareOp>(s.create<DivOp>(y, scale).getResult()).getResult();
  mlir::Value sum = s.create<AddOp>(a, b).getResult();
  sum = s.create<SelectOp>(isZero, s.constant(dtype, 1), sum).getResult();
  mlir::Value length = s.create<MulOp>(scale, s.create<SqrtOp>(sum).getResult()).getResult();
  return s.create<SelectOp>(plain, larger, length).getResult();
}

/// The larger (or smaller) of two floats where NaN loses.
template <typename OpType> static mlir::Value emitIgnoringNan(Specializer &s, mlir::Value x, mlir::Value y, DType dtype) {
  mlir::Value both = s.create<OpType>(x, y).getResult();
  if (!isFloat(dtype))
    return both;
  mlir::Value xIsNan = s.create<CompareOp>(ComparePredicate::ne, x, x).getResult();
  mlir::Value yIsNan = s.create<CompareOp>(ComparePredicate::ne, y, y).getResult();
  return s.create<SelectOp>(xIsNan, y, s.create<SelectOp>(yIsNan, x, both).getResult()).getResult();
}

/// Integers raise where an exponent is negative.
static void checkExponent(Specializer &s, const Operand &exponent, mlir::Value y, DType dtype) {
  if (isFloat(dtype))
    return;
  if (exponent.isScalar && exponent.scalar.expr && exponent.scalar.expr->isNonNegative())
    return;
  mlir::Value negative = s.create<CompareOp>(ComparePredicate::lt, y, s.constant(dtype, 0)).getResult();
  if (auto type = llvm::dyn_cast<mlir::RankedTensorType>(negative.getType())) {
    llvm::SmallVector<int64_t> axes(llvm::seq<int64_t>(0, type.getRank()));
    negative = s.create<AnyOp>(negative, axes).getResult();
  }
  mlir::Value fits = s.create<NotOp>(negative).getResult();
  check(s, fits, "ValueError", CheckText{"Integers to negative integer powers are not allowed.", {}});
}

static mlir::Value emitPower(Specializer &s, const Operand &exponent, mlir::Value x, mlir::Value y, DType dtype) {
  // What NumPy computes without pow for these exponents.
  if (exponent.isScalar && !exponent.scalar.isMixed()) {
    std::optional<double> known = exponent.scalar.knownFloat;
    if (std::optional<int64_t> whole = exponent.scalar.knownInt())
      known = double(*whole);
    if (known == 2)
      return s.create<SquareOp>(x).getResult();
    if (known == 0.5 && isFloat(dtype))
      return s.create<SqrtOp>(x).getResult();
    if (known == -1 && isFloat(dtype))
      return s.create<ReciprocalOp>(x).getResult();
  }
  checkExponent(s, exponent, y, dtype);
  return s.create<PowOp>(x, y).getResult();
}

static mlir::Value emitBinary(Specializer &s, BinaryFunction function, llvm::ArrayRef<Operand> operands, mlir::Value x,
                              mlir::Value y, DType dtype) {
  using F = BinaryFunction;
  bool isBool = dtype == DType::Bool;
  switch (function) {
  case F::Add:
    return isBool ? s.create<OrOp>(x, y).getResult() : s.create<AddOp>(x, y).getResult();
  case F::Subtract:
    return s.create<SubOp>(x, y).getResult();
  case F::Multiply:
    return isBool ? s.create<AndOp>(x, y).getResult() : s.create<MulOp>(x, y).getResult();
  case F::Divide:
    return s.create<DivOp>(x, y).getResult();
  case F::FloorDivide:
    return s.create<FloorDivOp>(x, y).getResult();
  case F::Remainder:
    return s.create<ModOp>(x, y).getResult();
  case F::Power:
    return emitPower(s, operands[1], x, y, dtype);
  case F::Arctan2:
    return s.create<Atan2Op>(x, y).getResult();
  case F::Maximum:
    return isBool ? s.create<OrOp>(x, y).getResult() : s.create<MaximumOp>(x, y).getResult();
  case F::Minimum:
    return isBool ? s.create<AndOp>(x, y).getResult() : s.create<MinimumOp>(x, y).getResult();
  case F::FMax:
    return isBool ? s.create<OrOp>(x, y).getResult() : emitIgnoringNan<MaximumOp>(s, x, y, dtype);
  case F::FMin:
    return isBool ? s.create<AndOp>(x, y).getResult() : emitIgnoringNan<MinimumOp>(s, x, y, dtype);
  case F::LogAddExp:
    return emitLogAddExp(s, x, y, dtype);
  case F::Hypot:
    return emitHypot(s, x, y, dtype);
  case F::BitAnd:
  case F::LogicalAnd:
    return s.create<AndOp>(x, y).getResult();
  case F::BitOr:
  case F::LogicalOr:
    return s.create<OrOp>(x, y).getResult();
  case F::BitXor:
  case F::LogicalXor:
    return s.create<XorOp>(x, y).getResult();
  case F::ShiftLeft:
    return s.create<ShiftLeftOp>(x, y).getResult();
  case F::ShiftRight:
    return s.create<ShiftRightOp>(x, y).getResult();
  }
  llvm_unreachable("every function is above");
}

Value applyBinary(Specializer &s, BinaryFunction function, const Value &lhs, const Value &rhs,
                  std::optional<DType> wanted) {
  Operand operands[] = {makeOperand(s, lhs), makeOperand(s, rhs)};
  DType dtype = computingType(s, function, wanted ? *wanted : commonType(s, operands));
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, {dtype, dtype}, values);
  return wrap(s, dtype, shape, emitBinary(s, function, operands, values[0], values[1], dtype));
}

Value applyComparison(Specializer &s, ComparePredicate predicate, const Value &lhs, const Value &rhs) {
  Operand operands[] = {makeOperand(s, lhs), makeOperand(s, rhs)};
  DType dtype = commonType(s, operands);
  // Python's int may lie outside int32 here; and bools have no order of their own.
  bool hasPythonInt = llvm::any_of(operands, [](const Operand &operand) {
    return operand.isScalar && operand.scalar.kind == ScalarKind::PyInt;
  });
  if (dtype == DType::Int32 && hasPythonInt)
    dtype = DType::Int64;
  if (dtype == DType::Bool && predicate != ComparePredicate::eq && predicate != ComparePredicate::ne)
    dtype = DType::Int32;
  llvm::SmallVector<mlir::Value> values;
  Shape shape = prepare(s, operands, {dtype, dtype}, values);
  return wrap(s, DType::Bool, shape, s.create<CompareOp>(predicate, values[0], values[1]).getResult());
}

static BinaryFunction functionOf(ast::BinaryOperator op) {
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

Value arrayBinary(Specializer &s, ast::BinaryOperator op, const Value &lhs, const Value &rhs) {
  if (op == ast::BinaryOperator::MatMult)
    return matmul(s, lhs, rhs);
  return applyBinary(s, functionOf(op), lhs, rhs);
}

Value arrayCompare(Specializer &s, ast::CompareOperator op, const Value &lhs, const Value &rhs) {
  using Op = ast::CompareOperator;
  switch (op) {
  case Op::Eq:
    return applyComparison(s, ComparePredicate::eq, lhs, rhs);
  case Op::NotEq:
    return applyComparison(s, ComparePredicate::ne, lhs, rhs);
  case Op::Lt:
    return applyComparison(s, ComparePredicate::lt, lhs, rhs);
  case Op::LtE:
    return applyComparison(s, ComparePredicate::le, lhs, rhs);
  case Op::Gt:
    return applyComparison(s, ComparePredicate::gt, lhs, rhs);
  case Op::GtE:
    return applyComparison(s, ComparePredicate::ge, lhs, rhs);
  default:
    break;
  }
  // `v in array`: whether any element equals it.
  if (op == Op::In || op == Op::NotIn) {
    ArrayValue equal = toArray(s, applyComparison(s, ComparePredicate::eq, lhs, rhs));
    llvm::SmallVector<int64_t> axes(llvm::seq<int64_t>(0, equal.rank()));
    mlir::Value found = axes.empty() ? elementOf(s, equal).value : s.create<AnyOp>(equal.tensor, axes).getResult();
    if (op == Op::NotIn)
      found = s.create<NotOp>(found).getResult();
    return s.makeScalar(ScalarKind::PyBool, found);
  }
  s.fail(ErrorId::NotNumeric, {s.describe(lhs)});
}

Value arrayUnary(Specializer &s, ast::UnaryOperator op, const Value &operand) {
  auto same = [](Specializer &, mlir::Value x, DType) { return x; };
  switch (op) {
  case ast::UnaryOperator::USub:
    return applyUnary(s, "negative", UnaryRule::Number, emitUnary<NegOp>, operand);
  case ast::UnaryOperator::UAdd:
    return applyUnary(s, "positive", UnaryRule::Number, same, operand);
  case ast::UnaryOperator::Invert:
    if (isFloat(makeOperand(s, operand).dtype))
      failCertain(s, "TypeError",
                  "ufunc 'invert' not supported for the input types, and the inputs could not be safely coerced to any "
                  "supported types according to the casting rule ''safe''");
    return applyUnary(s, "invert", UnaryRule::Any, emitUnary<NotOp>, operand);
  case ast::UnaryOperator::Not:
    break;
  }
  return s.unary(op, s.truth(operand));
}

/// bool < integers < floats: what `same_kind` casting may not lower.
static int kindRank(DType dtype) { return dtype == DType::Bool ? 0 : isFloat(dtype) ? 2 : 1; }

void storeResult(Specializer &s, ObjectId object, const Value &result, llvm::StringRef function) {
  ArrayValue target = s.read(object);
  ArrayValue value = toArray(s, result);
  if (kindRank(value.dtype) > kindRank(target.dtype))
    failCertain(s, "numpy._core._exceptions._UFuncOutputCastingError",
                "Cannot cast ufunc '" + function + "' output from dtype('" + nameOf(value.dtype) + "') to dtype('" +
                    nameOf(target.dtype) + "') with casting rule 'same_kind'");
  CheckText text;
  text << "non-broadcastable output operand with shape " << target.shape << " doesn't match the broadcast shape "
       << value.shape;
  if (value.rank() > target.rank())
    failCertain(s, "ValueError", text.text);
  size_t lead = target.rank() - value.rank();
  for (size_t position = 0; position < value.rank(); ++position)
    if (!value.shape[position].isKnown(1))
      checkEqual(s, value.shape[position], target.shape[lead + position], "ValueError", text);
  value = castArray(s, value, target.dtype);
  s.write(object, expandInto(s, value, target.shape));
}

void arrayInPlace(Specializer &s, ast::BinaryOperator op, ObjectId array, const Value &value) {
  Value result = arrayBinary(s, op, ObjectRef{array}, value);
  storeResult(s, array, result, op == ast::BinaryOperator::MatMult ? "matmul" : nameOf(functionOf(op)));
}

} // namespace mpy
