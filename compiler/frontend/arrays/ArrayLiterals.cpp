// Nested lists and tuples as arrays: known numbers become one constant, others a tensor of their
// elements, and arrays inside lists are joined along a new first axis.
//
//   [[1, 2], [3, 4]] -> arith.constant dense<..> : tensor<2x2xi64>
//   [x, y] of scalars -> mpy.from_elements; of arrays -> mpy.concat of reshapes
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace mpy {

namespace {
/// The leaves of a nested literal in row-major order.
struct Leaves {
  std::vector<int64_t> shape;
  std::vector<Scalar> numbers;
};
} // namespace

/// Collects a literal made of numbers alone; nothing if arrays are inside or it is ragged.
static std::optional<Leaves> collectLeaves(Specializer &specializer, const Value &value) {
  if (const Scalar *scalar = value.get<Scalar>())
    return Leaves{{}, {*scalar}};
  if (specializer.isArray(value) || value.as<RangeValue>() || value.get<Text>())
    return std::nullopt;
  std::optional<ValueList> items = specializer.knownItems(value);
  if (!items)
    return std::nullopt;
  Leaves all;
  for (const Value &item : *items) {
    std::optional<Leaves> part = collectLeaves(specializer, item);
    if (!part)
      return std::nullopt;
    if (all.shape.empty()) {
      all.shape = {int64_t(items->size())};
      all.shape.insert(all.shape.end(), part->shape.begin(), part->shape.end());
    } else if (!std::equal(part->shape.begin(), part->shape.end(), all.shape.begin() + 1,
                           all.shape.end())) {
      return std::nullopt;
    }
    all.numbers.insert(all.numbers.end(), part->numbers.begin(), part->numbers.end());
  }
  if (items->empty())
    all.shape = {0};
  return all;
}

/// The type NumPy gives to these numbers; Python's count as int64 and float64 here.
static DType typeOfNumbers(Specializer &specializer, const std::vector<Scalar> &numbers) {
  if (numbers.empty())
    return DType::Float64;
  // The type if every mixed number is of its first kind, and whether another would change it.
  auto firstOf = [](const Scalar &number) { return dtypeOf(kindsIn(kindsOf(number)).front()); };
  DType common = firstOf(numbers.front());
  std::optional<DType> certain;
  for (const Scalar &number : numbers) {
    common = promote(common, firstOf(number));
    if (!number.isMixed())
      certain = certain ? promote(*certain, dtypeOf(number.kind)) : dtypeOf(number.kind);
  }
  for (const Scalar &number : numbers)
    for (ScalarKind kind : kindsIn(number.isMixed() ? number.kinds : uint16_t(0))) {
      DType one = dtypeOf(kind);
      if ((certain ? promote(*certain, one) : one) != common)
        specializer.fail(
            ErrorId::DTypeDependsOnPath, {},
            {.help = "convert the numbers with float() before they are put in an array"});
    }
  return common;
}

/// The elements as a constant if every one is known.
static mlir::Value denseConstant(Specializer &specializer, const std::vector<Scalar> &numbers,
                                 DType dtype, mlir::RankedTensorType type) {
  mlir::Type element = type.getElementType();
  std::vector<mlir::Attribute> attributes;
  for (const Scalar &number : numbers) {
    if (number.isMixed())
      return {};
    std::optional<double> real = number.knownFloat;
    std::optional<int64_t> whole = number.knownInt();
    if (number.knownBool)
      whole = *number.knownBool;
    if (!real && !whole)
      return {};
    if (isFloat(dtype))
      attributes.push_back(
          mlir::FloatAttr::get(element, real ? (dtype == DType::Float32 ? float(*real) : *real)
                                        : dtype == DType::Float32 ? double(float(*whole))
                                                                  : double(*whole)));
    else if (!whole)
      return {};
    else
      attributes.push_back(integerAttribute(dtype, dtype == DType::Bool ? *whole != 0 : *whole,
                                            specializer.context()));
  }
  auto dense = mlir::DenseElementsAttr::get(type, attributes);
  return specializer.create<mlir::arith::ConstantOp>(dense).getResult();
}

static ArrayValue arrayOfLeaves(Specializer &specializer, const Leaves &leaves,
                                std::optional<DType> wanted) {
  DType dtype = wanted ? *wanted : typeOfNumbers(specializer, leaves.numbers);
  Shape shape(leaves.shape.begin(), leaves.shape.end());
  mlir::RankedTensorType type = specializer.tensorType(dtype, shape);
  std::vector<mlir::Value> elements;
  for (const Scalar &number : leaves.numbers) {
    ElementOperand operand;
    operand.isScalar = true;
    operand.scalar = number;
    operand.dtype = dtypeOf(number.kind);
    if (number.knownInt())
      checkFits(specializer, number, dtype); // fails with NumPy's words
  }
  if (mlir::Value constant = denseConstant(specializer, leaves.numbers, dtype, type))
    return {dtype, shape, constant};
  for (const Scalar &number : leaves.numbers) {
    ElementOperand operand;
    operand.isScalar = true;
    operand.scalar = number;
    operand.dtype = dtypeOf(number.kind);
    elements.push_back(convert(specializer, operand, dtype));
  }
  return {dtype, shape, specializer.create<FromElementsOp>(type, elements).getResult()};
}

ArrayValue arrayOfNested(Specializer &specializer, const ValueList &items,
                         std::optional<DType> wanted) {
  if (std::optional<Leaves> leaves = collectLeaves(specializer, specializer.newTuple(items)))
    return arrayOfLeaves(specializer, *leaves, wanted);

  std::vector<ArrayValue> parts;
  for (const Value &item : items)
    parts.push_back(toArray(specializer, item));
  DType dtype = wanted ? *wanted : parts.front().dtype;
  for (const ArrayValue &part : parts) {
    if (!wanted)
      dtype = promote(dtype, part.dtype);
    CheckText text;
    text << "setting an array element with a sequence. The requested array has an inhomogeneous "
            "shape after "
         << IntExpr(1) << " dimensions. The detected shape was (" << IntExpr(int64_t(items.size()))
         << ",) + inhomogeneous part.";
    if (part.rank() != parts.front().rank())
      failCertain(specializer, "ValueError", text.text);
    for (auto [one, other] : llvm::zip(part.shape, parts.front().shape))
      checkEqual(specializer, one, other, "ValueError", text);
  }
  Shape shape = parts.front().shape;
  shape.insert(shape.begin(), IntExpr(1));
  std::vector<mlir::Value> rows;
  for (ArrayValue &part : parts) {
    ArrayValue converted = castArray(specializer, part, dtype);
    rows.push_back(reshapeTo(specializer, converted.tensor, dtype, shape));
  }
  shape.front() = IntExpr(int64_t(items.size()));
  return {dtype, shape,
          specializer.create<ConcatOp>(specializer.tensorType(dtype, shape), rows, int64_t(0))
              .getResult()};
}

} // namespace mpy
