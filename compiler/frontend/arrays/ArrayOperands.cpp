// Values of the program as operands of array operations: what is an array, what a number, which
// element type they share.
//
//   np.float32 array + 1.5      -> float32 (Python's numbers are weak)
//   int32 array + float32 array -> float64 (no information is lost)
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

namespace mpy {

ElementOperand makeOperand(Specializer &specializer, const Value &value) {
  ElementOperand operand;
  if (const Scalar *scalar = value.get<Scalar>()) {
    operand.isScalar = true;
    operand.scalar = *scalar;
    operand.dtype = dtypeOf(scalar->kind);
    return operand;
  }
  operand = makeOperand(toArray(specializer, value));
  if (std::optional<ObjectId> object = specializer.arrayObject(value))
    operand.object = object;
  if (operand.shape.empty()) {
    operand.scalar = elementOf(specializer, {operand.dtype, {}, operand.tensor});
    operand.isScalar = true;
  }
  return operand;
}

ElementOperand makeOperand(const ArrayValue &array) {
  ElementOperand operand;
  operand.dtype = array.dtype;
  operand.shape = array.shape;
  operand.tensor = array.tensor;
  return operand;
}

ArrayValue toArray(Specializer &specializer, const Value &value) {
  if (value.as<OptionalValue>())
    return toArray(specializer, specializer.present(value, "the operand"));
  if (std::optional<ObjectId> object = specializer.arrayObject(value))
    return specializer.read(*object);
  if (const Scalar *scalar = value.get<Scalar>()) {
    ElementOperand number;
    number.isScalar = true;
    number.scalar = *scalar;
    return rankZero(specializer, *scalar,
                    scalar->isMixed() ? commonType(specializer, {number}) : dtypeOf(scalar->kind));
  }
  if (const RangeValue *range = value.as<RangeValue>()) {
    Shape shape = {rangeLength(specializer, *range)};
    mlir::Value numbers = specializer
                              .create<IotaOp>(specializer.tensorType(DType::Int64, shape),
                                              specializer.dynamicSizes(shape))
                              .getResult();
    mlir::Value step = specializer.ssaAs(specializer.makeInt(range->step), DType::Int64);
    mlir::Value start = specializer.ssaAs(specializer.makeInt(range->start), DType::Int64);
    numbers = specializer.create<MulOp>(numbers, step).getResult();
    return {DType::Int64, shape, specializer.create<AddOp>(numbers, start).getResult()};
  }
  if (runTimeListOf(specializer, value))
    return arrayOfRunTimeList(specializer, value, std::nullopt);
  // The items of a text are texts again.
  bool isNumeric = !value.get<Text>() && !specializer.object<DictState>(value);
  if (std::optional<ValueList> items = isNumeric ? specializer.knownItems(value) : std::nullopt)
    return arrayOfNested(specializer, *items, std::nullopt);
  specializer.fail(ErrorId::NotNumeric, {specializer.describe(value)});
}

ArrayValue rankZero(Specializer &specializer, const Scalar &scalar, DType dtype) {
  mlir::Value number = specializer.ssaAs(scalar, dtype);
  mlir::RankedTensorType type = specializer.tensorType(dtype, {});
  return {
      dtype, {}, specializer.create<FromElementsOp>(type, mlir::ValueRange{number}).getResult()};
}

Scalar elementOf(Specializer &specializer, const ArrayValue &array) {
  ScalarKind kind = scalarKindOf(array.dtype);
  if (!llvm::isa<mlir::RankedTensorType>(array.tensor.getType()))
    return specializer.makeScalar(kind, array.tensor);
  if (auto elements = array.tensor.getDefiningOp<FromElementsOp>())
    return specializer.makeScalar(kind, elements.getElements().front());
  mlir::Value element = specializer.create<ExtractOp>(array.tensor, mlir::ValueRange{}).getResult();
  return specializer.makeScalar(kind, element);
}

DType promote(DType a, DType b) {
  if (a == b)
    return a;
  if (a == DType::Bool || b == DType::Bool)
    return a == DType::Bool ? b : a;
  if (isFloat(a) || isFloat(b)) {
    // A float32 holds integers of 16 bits, not of 32.
    auto fitsFloat32 = [](DType dtype) {
      return dtype == DType::Float32 || (!isFloat(dtype) && bitsOf(dtype) <= 16);
    };
    return fitsFloat32(a) && fitsFloat32(b) ? DType::Float32 : DType::Float64;
  }
  if (isUnsigned(a) == isUnsigned(b))
    return bitsOf(a) > bitsOf(b) ? a : b;
  if (isUnsigned(a))
    std::swap(a, b);
  if (bitsOf(a) > bitsOf(b))
    return a;
  // The signed type that holds the unsigned one.
  return b == DType::UInt8    ? DType::Int16
         : b == DType::UInt16 ? DType::Int32
         : b == DType::UInt32 ? DType::Int64
                              : DType::Float64;
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

DType commonType(Specializer &specializer, llvm::ArrayRef<ElementOperand> operands) {
  // A number whose kind depends on the path must lead to one type on every path.
  llvm::SmallVector<std::pair<DType, bool>> types;
  for (const ElementOperand &operand : operands) {
    if (!operand.isScalar || !operand.scalar.isMixed()) {
      types.push_back({operand.dtype, operand.isWeak()});
      continue;
    }
    ScalarKind kind = kindsIn(operand.scalar.kinds).front();
    types.push_back({dtypeOf(kind), isPython(kind)});
  }
  DType result = commonTypeOf(types);
  for (auto [position, operand] : llvm::enumerate(operands)) {
    if (!operand.isScalar || !operand.scalar.isMixed())
      continue;
    std::pair<DType, bool> kept = types[position];
    for (ScalarKind kind : kindsIn(operand.scalar.kinds)) {
      types[position] = {dtypeOf(kind), isPython(kind)};
      if (commonTypeOf(types) != result)
        specializer.fail(ErrorId::DTypeDependsOnPath, {},
                         {.found = "a number that is an int on one path and a float on another",
                          .help = "write float literals (`0.0`) or convert with float() where the "
                                  "number is first set"});
    }
    types[position] = kept;
  }
  return result;
}

ArrayValue castArray(Specializer &specializer, ArrayValue array, DType dtype) {
  array.tensor = castTo(specializer, array.tensor, array.dtype, dtype);
  array.dtype = dtype;
  return array;
}

mlir::Value convert(Specializer &specializer, const ElementOperand &operand, DType dtype) {
  if (!operand.isScalar)
    return castTo(specializer, operand.tensor, operand.dtype, dtype);
  checkFits(specializer, operand.scalar, dtype);
  return specializer.ssaAs(operand.scalar, dtype);
}

Value wrap(Specializer &specializer, DType dtype, Shape shape, mlir::Value value) {
  if (auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(value.getType())) {
    if (tensor.getRank() > 0)
      return specializer.newArray({dtype, std::move(shape), value});
    return elementOf(specializer, {dtype, {}, value});
  }
  return specializer.makeScalar(scalarKindOf(dtype), value);
}

Value wrap(Specializer &specializer, ArrayValue array) {
  return wrap(specializer, array.dtype, std::move(array.shape), array.tensor);
}

Value newArrayOf(Specializer &specializer, ArrayValue array) {
  if (!llvm::isa<mlir::RankedTensorType>(array.tensor.getType()))
    array.tensor = fill(specializer, array.tensor, array.dtype, array.shape);
  return specializer.newArray(std::move(array));
}

llvm::SmallVector<int64_t> consecutive(int64_t first, int64_t last) {
  return llvm::to_vector(llvm::seq<int64_t>(first, last));
}

IntExpr product(llvm::ArrayRef<IntExpr> extents) {
  IntExpr result = 1;
  for (const IntExpr &extent : extents)
    result = result * extent;
  return result;
}

mlir::Value reshapeTo(Specializer &specializer, mlir::Value tensor, DType dtype,
                      const Shape &shape) {
  mlir::RankedTensorType type = specializer.tensorType(dtype, shape);
  // A static type says it all; two dynamic ones of equal type may still differ in extents.
  if (tensor.getType() == type && type.hasStaticShape())
    return tensor;
  return specializer.create<ReshapeOp>(type, tensor, specializer.dynamicSizes(shape)).getResult();
}

mlir::Value transposeTo(Specializer &specializer, mlir::Value tensor,
                        llvm::ArrayRef<int64_t> permutation) {
  bool moves = false;
  for (auto [position, source] : llvm::enumerate(permutation))
    moves |= int64_t(position) != source;
  return moves ? specializer.create<TransposeOp>(tensor, permutation).getResult() : tensor;
}

mlir::Value fill(Specializer &specializer, mlir::Value number, DType dtype, const Shape &shape) {
  if (shape.empty())
    return specializer
        .create<FromElementsOp>(specializer.tensorType(dtype, shape), mlir::ValueRange{number})
        .getResult();
  return specializer
      .create<BroadcastOp>(specializer.tensorType(dtype, shape), number,
                           specializer.dynamicSizes(shape))
      .getResult();
}

IntExpr extentOf(mlir::Value value) { return symbolExpr(value, /*nonNegative=*/true); }

llvm::SmallVector<mlir::Value> indexValues(Specializer &specializer,
                                           llvm::ArrayRef<IntExpr> extents) {
  llvm::SmallVector<mlir::Value> values;
  for (const IntExpr &extent : extents)
    values.push_back(specializer.index(extent));
  return values;
}

std::optional<DType> toDType(Specializer &specializer, const Value &value) {
  if (value.isNone() || value.isUnbound())
    return std::nullopt;
  std::optional<DType> dtype = dtypeNamedBy(specializer, value);
  if (!dtype)
    specializer.fail(ErrorId::UnsupportedArgument,
                     {"dtype", "an array", specializer.describe(value)},
                     {.expected = "float64, float32, bool or an integer type"});
  return dtype;
}

std::optional<DType> dtypeNamedBy(Specializer &specializer, const Value &value) {
  if (const DType *dtype = value.get<DType>())
    return *dtype;
  if (const DTypeObject *object = value.get<DTypeObject>())
    return object->type;
  std::string name;
  if (auto function = value.get<const LibraryValue *>())
    name = (*function)->name;
  else if (std::optional<std::string> text = specializer.knownText(value))
    name = *text;
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Cases({"float64", "double", "float", "builtins.float", "f8", "d", "<f8"}, DType::Float64)
      .Cases({"float32", "single", "f4", "f", "<f4"}, DType::Float32)
      .Cases({"int64", "int", "builtins.int", "i8", "l", "<i8"}, DType::Int64)
      .Cases({"int32", "i4", "i", "<i4"}, DType::Int32)
      .Cases({"bool", "bool_", "builtins.bool", "?"}, DType::Bool)
      .Cases({"int8", "i1", "b"}, DType::Int8)
      .Cases({"int16", "i2", "h", "<i2"}, DType::Int16)
      .Cases({"uint8", "u1", "B", "ubyte"}, DType::UInt8)
      .Cases({"uint16", "u2", "H", "<u2"}, DType::UInt16)
      .Cases({"uint32", "u4", "I", "<u4"}, DType::UInt32)
      .Cases({"uint64", "u8", "L", "<u8", "uint"}, DType::UInt64)
      .Default(std::nullopt);
}

int64_t normalizeAxis(Specializer &specializer, const Value &value, int64_t rank) {
  std::optional<int64_t> axis = specializer.knownInt(value);
  if (!axis)
    specializer.fail(ErrorId::NotKnownHere, {"an axis"}, {.found = specializer.describe(value)});
  if (*axis < -rank || *axis >= rank)
    failCertain(specializer, "numpy.exceptions.AxisError",
                "axis " + llvm::Twine(*axis) + " is out of bounds for array of dimension " +
                    llvm::Twine(rank));
  return *axis < 0 ? *axis + rank : *axis;
}

std::vector<IntExpr> toExtents(Specializer &specializer, const Value &value) {
  if (runTimeListOf(specializer, value))
    specializer.fail(ErrorId::NotKnownHere, {"the number of extents of a shape"},
                     {.found = specializer.describe(value), .help = "write them out: (n, m)"});
  auto one = [&](const Value &item) -> IntExpr {
    const Scalar *scalar = item.get<Scalar>();
    std::optional<Scalar> element;
    if (!scalar && specializer.isArray(item)) {
      ArrayValue array = toArray(specializer, item);
      if (array.rank() == 0) {
        element = elementOf(specializer, array);
        scalar = &*element;
      }
    }
    if (!scalar || isAlwaysFloat(*scalar))
      failCertain(specializer, "TypeError",
                  (scalar ? "'float' object" : "'" + specializer.describe(item) + "' object") +
                      llvm::Twine(" cannot be interpreted as an integer"));
    return specializer.intExpr(*scalar);
  };
  if (value.get<Scalar>())
    return {one(value)};
  std::optional<ValueList> items = specializer.knownItems(value);
  if (!items)
    return {one(value)};
  std::vector<IntExpr> extents;
  for (const Value &item : *items)
    extents.push_back(one(item));
  return extents;
}

std::vector<int64_t> toKnownInts(Specializer &specializer, const Value &value,
                                 llvm::StringRef what) {
  std::vector<int64_t> numbers;
  for (const IntExpr &expr : toExtents(specializer, value)) {
    if (!expr.known())
      specializer.fail(ErrorId::NotKnownHere, {what.str()}, {.found = specializer.describe(value)});
    numbers.push_back(*expr.known());
  }
  return numbers;
}

} // namespace mpy
