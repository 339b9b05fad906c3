// Values of the program as operands of array operations: what is an array, what a number, which element type they share.
//
//   np.float32 array + 1.5      -> float32 (Python's numbers are weak)
//   int32 array + float32 array -> float64 (no information is lost)
#include "frontend/ArrayOperands.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

namespace mpy {

Operand makeOperand(Specializer &s, const Value &value) {
  Operand operand;
  if (const Scalar *scalar = value.get<Scalar>()) {
    operand.isScalar = true;
    operand.scalar = *scalar;
    operand.dtype = dtypeOf(scalar->kind);
    return operand;
  }
  operand = makeOperand(toArray(s, value));
  if (std::optional<ObjectId> object = s.arrayObject(value))
    operand.object = object;
  if (operand.shape.empty()) {
    operand.scalar = elementOf(s, {operand.dtype, {}, operand.tensor});
    operand.isScalar = true;
  }
  return operand;
}

Operand makeOperand(const ArrayValue &array) {
  Operand operand;
  operand.dtype = array.dtype;
  operand.shape = array.shape;
  operand.tensor = array.tensor;
  return operand;
}

ArrayValue toArray(Specializer &s, const Value &value) {
  if (std::optional<ObjectId> object = s.arrayObject(value))
    return s.read(*object);
  if (const Scalar *scalar = value.get<Scalar>())
    return rankZero(s, *scalar, dtypeOf(scalar->kind));
  if (const RangeValue *range = value.as<RangeValue>()) {
    IntExpr count = floorDivide(range->stop - range->start + range->step - IntExpr(1), range->step);
    if (range->step.known() && *range->step.known() < 0)
      count = floorDivide(range->start - range->stop - range->step - IntExpr(1), IntExpr(0) - range->step);
    Shape shape = {maximum(count, 0)};
    mlir::Value numbers =
        s.create<IotaOp>(s.tensorType(DType::Int64, shape), s.dynamicSizes(shape)).getResult();
    mlir::Value step = s.ssaAs(s.makeInt(range->step), DType::Int64);
    mlir::Value start = s.ssaAs(s.makeInt(range->start), DType::Int64);
    numbers = s.create<MulOp>(numbers, step).getResult();
    return {DType::Int64, shape, s.create<AddOp>(numbers, start).getResult()};
  }
  if (std::optional<ValueList> items = s.knownItems(value))
    return arrayOfNested(s, *items, std::nullopt);
  s.fail(ErrorId::NotNumeric, {s.describe(value)});
}

ArrayValue rankZero(Specializer &s, const Scalar &scalar, DType dtype) {
  mlir::Value number = s.ssaAs(scalar, dtype);
  mlir::RankedTensorType type = s.tensorType(dtype, {});
  return {dtype, {}, s.create<FromElementsOp>(type, mlir::ValueRange{number}).getResult()};
}

Scalar elementOf(Specializer &s, const ArrayValue &array) {
  mlir::Value element = s.create<ExtractOp>(array.tensor, mlir::ValueRange{}).getResult();
  return s.makeScalar(scalarKindOf(array.dtype), element);
}

DType promote(DType a, DType b) {
  if (a == b)
    return a;
  if (a > b)
    std::swap(a, b);
  if (a == DType::Bool)
    return b;
  // Integers do not fit a float32.
  if (b == DType::Float32)
    return DType::Float64;
  return b;
}

/// The common type where the kind of one operand is taken as `kind`.
static DType commonTypeOf(llvm::ArrayRef<std::pair<DType, bool>> operands) {
  std::optional<DType> strong;
  std::optional<DType> weak;
  for (auto [dtype, isWeak] : operands) {
    std::optional<DType> &slot = isWeak ? weak : strong;
    slot = slot ? promote(*slot, dtype) : dtype;
  }
  if (!strong)
    return *weak;
  if (!weak || *weak == DType::Bool)
    return *strong;
  if (*weak == DType::Int64)
    return *strong == DType::Bool ? DType::Int64 : *strong;
  return isFloat(*strong) ? *strong : DType::Float64;
}

DType commonType(Specializer &s, llvm::ArrayRef<Operand> operands) {
  // A number whose kind depends on the path must lead to one type on every path.
  llvm::SmallVector<std::pair<DType, bool>> types;
  for (const Operand &operand : operands)
    types.push_back({operand.dtype, operand.isWeak()});
  DType result = commonTypeOf(types);
  for (auto [position, operand] : llvm::enumerate(operands)) {
    if (!operand.isScalar || !operand.scalar.isMixed())
      continue;
    std::pair<DType, bool> kept = types[position];
    for (unsigned kind = 0; kind <= unsigned(ScalarKind::Float64); ++kind) {
      if (!(operand.scalar.kinds >> kind & 1))
        continue;
      types[position] = {dtypeOf(ScalarKind(kind)), isPython(ScalarKind(kind))};
      if (commonTypeOf(types) != result)
        s.fail(ErrorId::DTypeDependsOnPath, {},
               {.found = "a number that is an int on one path and a float on another",
                .help = "write float literals (`0.0`) or convert with float() where the number is first set"});
    }
    types[position] = kept;
  }
  return result;
}

mlir::Value castTo(Specializer &s, mlir::Value value, DType from, DType to) {
  if (from == to)
    return value;
  return s.create<CastOp>(value, typeOf(to, s.context())).getResult();
}

ArrayValue castArray(Specializer &s, ArrayValue array, DType dtype) {
  array.tensor = castTo(s, array.tensor, array.dtype, dtype);
  array.dtype = dtype;
  return array;
}

/// Python's int must fit an int32 that it is combined with.
static void checkFitsInt32(Specializer &s, const Scalar &scalar) {
  constexpr int64_t low = INT32_MIN, high = INT32_MAX;
  if (std::optional<int64_t> number = scalar.knownInt()) {
    if (*number < low || *number > high)
      failCertain(s, "OverflowError", "Python integer " + llvm::Twine(*number) + " out of bounds for int32");
    return;
  }
  IntExpr number = s.intExpr(scalar);
  mlir::Value fits = s.create<mlir::arith::AndIOp>(
      compareInts(s, mlir::arith::CmpIPredicate::sge, number, low),
      compareInts(s, mlir::arith::CmpIPredicate::sle, number, high));
  CheckText text;
  text << "Python integer " << number << " out of bounds for int32";
  check(s, fits, "OverflowError", text);
}

mlir::Value convert(Specializer &s, const Operand &operand, DType dtype) {
  if (!operand.isScalar)
    return castTo(s, operand.tensor, operand.dtype, dtype);
  if (operand.scalar.kind == ScalarKind::PyInt && dtype == DType::Int32)
    checkFitsInt32(s, operand.scalar);
  return s.ssaAs(operand.scalar, dtype);
}

Value wrap(Specializer &s, DType dtype, Shape shape, mlir::Value value) {
  if (auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(value.getType())) {
    if (tensor.getRank() > 0)
      return s.newArray({dtype, std::move(shape), value});
    return elementOf(s, {dtype, {}, value});
  }
  return s.makeScalar(scalarKindOf(dtype), value);
}

Value wrap(Specializer &s, ArrayValue array) {
  return wrap(s, array.dtype, std::move(array.shape), array.tensor);
}

IntExpr product(llvm::ArrayRef<IntExpr> extents) {
  IntExpr result = 1;
  for (const IntExpr &extent : extents)
    result = result * extent;
  return result;
}

mlir::Value reshapeTo(Specializer &s, mlir::Value tensor, DType dtype, const Shape &shape) {
  mlir::RankedTensorType type = s.tensorType(dtype, shape);
  // A static type says it all; two dynamic ones of equal type may still differ in extents.
  if (tensor.getType() == type && type.hasStaticShape())
    return tensor;
  return s.create<ReshapeOp>(type, tensor, s.dynamicSizes(shape)).getResult();
}

mlir::Value transposeTo(Specializer &s, mlir::Value tensor, llvm::ArrayRef<int64_t> permutation) {
  bool moves = false;
  for (auto [position, source] : llvm::enumerate(permutation))
    moves |= int64_t(position) != source;
  return moves ? s.create<TransposeOp>(tensor, permutation).getResult() : tensor;
}

mlir::Value fill(Specializer &s, mlir::Value number, DType dtype, const Shape &shape) {
  if (shape.empty())
    return s.create<FromElementsOp>(s.tensorType(dtype, shape), mlir::ValueRange{number}).getResult();
  return s.create<BroadcastOp>(s.tensorType(dtype, shape), number, s.dynamicSizes(shape)).getResult();
}

IntExpr extentOf(mlir::Value value) { return symbolExpr(value, /*nonNegative=*/true); }

llvm::SmallVector<mlir::Value> indexValues(Specializer &s, llvm::ArrayRef<IntExpr> extents) {
  llvm::SmallVector<mlir::Value> values;
  for (const IntExpr &extent : extents)
    values.push_back(s.index(extent));
  return values;
}

std::optional<DType> toDType(Specializer &s, const Value &value) {
  if (value.isNone() || value.isUnbound())
    return std::nullopt;
  if (const DType *dtype = value.get<DType>())
    return *dtype;
  std::string name;
  if (auto function = value.get<const LibraryValue *>())
    name = (*function)->name;
  else if (std::optional<std::string> text = s.knownText(value))
    name = *text;
  std::optional<DType> dtype =
      llvm::StringSwitch<std::optional<DType>>(name)
          .Cases({"float64", "double", "float", "builtins.float", "f8", "d", "<f8"}, DType::Float64)
          .Cases({"float32", "single", "f4", "f", "<f4"}, DType::Float32)
          .Cases({"int64", "int", "builtins.int", "i8", "l", "<i8"}, DType::Int64)
          .Cases({"int32", "i4", "i", "<i4"}, DType::Int32)
          .Cases({"bool", "bool_", "builtins.bool", "?"}, DType::Bool)
          .Default(std::nullopt);
  if (!dtype)
    s.fail(ErrorId::UnsupportedArgument, {"dtype", "an array", s.describe(value)},
           {.expected = "float64, float32, int64, int32 or bool"});
  return dtype;
}

int64_t normalizeAxis(Specializer &s, const Value &value, int64_t rank) {
  std::optional<int64_t> axis = s.knownInt(value);
  if (!axis)
    s.fail(ErrorId::NotKnownHere, {"an axis"}, {.found = s.describe(value)});
  if (*axis < -rank || *axis >= rank)
    failCertain(s, "numpy.exceptions.AxisError",
                "axis " + llvm::Twine(*axis) + " is out of bounds for array of dimension " + llvm::Twine(rank));
  return *axis < 0 ? *axis + rank : *axis;
}

std::vector<IntExpr> toExtents(Specializer &s, const Value &value) {
  auto one = [&](const Value &item) -> IntExpr {
    const Scalar *scalar = item.get<Scalar>();
    std::optional<Scalar> element;
    if (!scalar && s.isArray(item)) {
      ArrayValue array = toArray(s, item);
      if (array.rank() == 0) {
        element = elementOf(s, array);
        scalar = &*element;
      }
    }
    if (!scalar || isFloat(scalar->kind))
      failCertain(s, "TypeError",
                  (scalar ? "'float' object" : "'" + s.describe(item) + "' object") +
                      llvm::Twine(" cannot be interpreted as an integer"));
    return s.intExpr(*scalar);
  };
  if (value.get<Scalar>())
    return {one(value)};
  std::optional<ValueList> items = s.knownItems(value);
  if (!items)
    return {one(value)};
  std::vector<IntExpr> extents;
  for (const Value &item : *items)
    extents.push_back(one(item));
  return extents;
}

std::vector<int64_t> toKnownInts(Specializer &s, const Value &value, llvm::StringRef what) {
  std::vector<int64_t> numbers;
  for (const IntExpr &expr : toExtents(s, value)) {
    if (!expr.known())
      s.fail(ErrorId::NotKnownHere, {what.str()}, {.found = s.describe(value)});
    numbers.push_back(*expr.known());
  }
  return numbers;
}

} // namespace mpy
