// Every product of arrays in terms of three operations: mpy.matmul of two matrices, and mpy.mul with mpy.sum for vectors and
// for stacks of matrices.
//
//   (n, k) @ (k,)       -> mpy.matmul with (k, 1), mpy.reshape to (n,)
//   (b, n, k) @ (k, m)  -> mpy.reshape to (b*n, k), mpy.matmul, mpy.reshape
#include "frontend/ArrayProducts.h"
#include "frontend/ArrayShapes.h"

namespace mpy {

/// Both as arrays of their common type.
static std::pair<ArrayValue, ArrayValue> commonOperands(Specializer &s, llvm::StringRef name, const Value &x,
                                                        const Value &y) {
  ArrayValue a = toArray(s, x), b = toArray(s, y);
  DType dtype = promote(a.dtype, b.dtype);
  if (dtype == DType::Bool)
    s.fail(ErrorId::UnsupportedArgument, {"x", name.str(), "an array of bool"}, {.help = "convert with .astype(int)"});
  return {castArray(s, a, dtype), castArray(s, b, dtype)};
}

ArrayValue sumOver(Specializer &s, const ArrayValue &x, llvm::ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  Shape kept;
  for (auto [axis, extent] : llvm::enumerate(x.shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      kept.push_back(extent);
  mlir::Value sum = s.create<SumOp>(x.tensor, axes).getResult();
  if (kept.empty())
    sum = fill(s, sum, x.dtype, {});
  return {x.dtype, kept, sum};
}

/// A matrix, or the matrix whose transpose it is with the flag set.
static mlir::Value untransposed(mlir::Value matrix, bool &flag) {
  auto transpose = matrix.getDefiningOp<TransposeOp>();
  if (!transpose || transpose.getPermutation() != llvm::ArrayRef<int64_t>{1, 0})
    return matrix;
  flag = true;
  return transpose.getX();
}

/// x of rank 2 times y of rank 2.
static ArrayValue multiplyMatrices(Specializer &s, const ArrayValue &x, const ArrayValue &y) {
  bool transposeX = false, transposeY = false;
  mlir::Value a = untransposed(x.tensor, transposeX), b = untransposed(y.tensor, transposeY);
  mlir::Value result = s.create<MatmulOp>(a, b, transposeX, transposeY).getResult();
  return {x.dtype, {x.shape[0], y.shape[1]}, result};
}

/// The sum of products of two vectors, as an array of rank 0.
static ArrayValue multiplyVectors(Specializer &s, const ArrayValue &x, const ArrayValue &y) {
  // Extents were checked to be equal, but one may be static.
  mlir::Value b = y.tensor;
  if (b.getType() != x.tensor.getType())
    b = reshapeTo(s, b, x.dtype, x.shape);
  mlir::Value products = s.create<MulOp>(x.tensor, b).getResult();
  return sumOver(s, {x.dtype, x.shape, products}, {0});
}

ArrayValue contract(Specializer &s, ArrayValue x, ArrayValue y, llvm::ArrayRef<int64_t> axesOfX,
                    llvm::ArrayRef<int64_t> axesOfY) {
  if (x.rank() == 1 && y.rank() == 1 && axesOfX.size() == 1)
    return multiplyVectors(s, x, y);
  llvm::SmallVector<int64_t> orderOfX, orderOfY(axesOfY);
  Shape rows, columns, inner, result;
  for (int64_t axis = 0; axis < int64_t(x.rank()); ++axis)
    if (!llvm::is_contained(axesOfX, axis)) {
      orderOfX.push_back(axis);
      rows.push_back(x.shape[axis]);
    }
  orderOfX.append(axesOfX.begin(), axesOfX.end());
  for (int64_t axis = 0; axis < int64_t(y.rank()); ++axis)
    if (!llvm::is_contained(axesOfY, axis)) {
      orderOfY.push_back(axis);
      columns.push_back(y.shape[axis]);
    }
  for (int64_t axis : axesOfX)
    inner.push_back(x.shape[axis]);
  result = rows;
  result.insert(result.end(), columns.begin(), columns.end());
  x = reshaped(s, permuted(s, x, orderOfX), {product(rows), product(inner)});
  y = reshaped(s, permuted(s, y, orderOfY), {product(inner), product(columns)});
  return reshaped(s, multiplyMatrices(s, x, y), result);
}

/// Stacks of matrices: products of elements spread over (.., n, k, m), summed over k.
static ArrayValue multiplyStacks(Specializer &s, ArrayValue x, ArrayValue y) {
  Shape spreadX = x.shape, spreadY = y.shape;
  spreadX.push_back(1);
  spreadY.insert(spreadY.end() - 2, IntExpr(1));
  // The inner extents were checked; give both the same.
  spreadY[spreadY.size() - 2] = x.shape.back();
  x = reshaped(s, x, spreadX);
  y = reshaped(s, y, spreadY);
  Shape shape = broadcastShapes(s, {spreadX, spreadY});
  mlir::Value a = expand(s, x.tensor, x.dtype, spreadX, shape), b = expand(s, y.tensor, y.dtype, spreadY, shape);
  mlir::Value products = s.create<MulOp>(a, b).getResult();
  return sumOver(s, {x.dtype, shape, products}, {int64_t(shape.size()) - 2});
}

Value matmul(Specializer &s, const Value &lhs, const Value &rhs) {
  auto [x, y] = commonOperands(s, "matmul", lhs, rhs);
  for (int position = 0; position < 2; ++position)
    if ((position ? y : x).rank() == 0)
      failCertain(s, "ValueError",
                  "matmul: Input operand " + llvm::Twine(position) +
                      " does not have enough dimensions (has 0, gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)");
  size_t innerOfY = y.rank() > 1 ? y.rank() - 2 : 0;
  CheckText text;
  text << "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
          "(n?,k),(k,m?)->(n?,m?) (size "
       << y.shape[innerOfY] << " is different from " << x.shape.back() << ")";
  checkEqual(s, x.shape.back(), y.shape[innerOfY], "ValueError", text);
  if (y.rank() <= 2)
    return wrap(s, contract(s, x, y, {int64_t(x.rank()) - 1}, {int64_t(innerOfY)}));
  // A vector on the left is a row that disappears again.
  bool isVector = x.rank() == 1;
  if (isVector)
    x = reshaped(s, x, {IntExpr(1), x.shape[0]});
  ArrayValue result = multiplyStacks(s, x, y);
  if (isVector) {
    Shape shape = result.shape;
    shape.erase(shape.end() - 2);
    result = reshaped(s, result, shape);
  }
  return wrap(s, result);
}

Value dot(Specializer &s, const Value &lhs, const Value &rhs) {
  auto [x, y] = commonOperands(s, "dot", lhs, rhs);
  if (x.rank() == 0 || y.rank() == 0)
    return arrayBinary(s, ast::BinaryOperator::Mult, lhs, rhs);
  int64_t axisOfX = x.rank() - 1, axisOfY = y.rank() > 1 ? y.rank() - 2 : 0;
  CheckText text;
  text << "shapes " << x.shape << " and " << y.shape << " not aligned: " << x.shape[axisOfX] << " (dim "
       << IntExpr(axisOfX) << ") != " << y.shape[axisOfY] << " (dim " << IntExpr(axisOfY) << ")";
  checkEqual(s, x.shape[axisOfX], y.shape[axisOfY], "ValueError", text);
  return wrap(s, contract(s, x, y, {axisOfX}, {axisOfY}));
}

//===--- einsum ---===//

namespace {
/// An operand with one letter for each axis.
struct Labelled {
  ArrayValue array;
  std::string labels;
};
} // namespace

/// The diagonal over a letter that stands twice: x[.., i, .., i, ..] by masking and summing.
static Labelled withoutRepeats(Specializer &s, Labelled operand) {
  for (size_t first = 0; first < operand.labels.size(); ++first) {
    size_t second = operand.labels.find(operand.labels[first], first + 1);
    if (second == std::string::npos)
      continue;
    ArrayValue &array = operand.array;
    auto numbersAlong = [&](size_t axis) {
      Shape line = {array.shape[axis]}, shape(array.rank(), IntExpr(1));
      shape[axis] = array.shape[axis];
      mlir::Value numbers = s.create<IotaOp>(s.tensorType(DType::Int64, line), s.dynamicSizes(line)).getResult();
      return expand(s, reshapeTo(s, numbers, DType::Int64, shape), DType::Int64, shape, array.shape);
    };
    mlir::Value same = s.create<CompareOp>(ComparePredicate::eq, numbersAlong(first), numbersAlong(second)).getResult();
    array.tensor = s.create<SelectOp>(same, array.tensor, s.constant(array.dtype, 0)).getResult();
    array = sumOver(s, array, {int64_t(second)});
    operand.labels.erase(second, 1);
    --first;
  }
  return operand;
}

/// Sums the letters that nobody else has.
static Labelled withoutPrivate(Specializer &s, Labelled operand, llvm::StringRef needed) {
  llvm::SmallVector<int64_t> axes;
  std::string labels;
  for (auto [axis, label] : llvm::enumerate(operand.labels))
    if (needed.contains(label))
      labels += label;
    else
      axes.push_back(axis);
  return {sumOver(s, operand.array, axes), labels};
}

static Labelled ordered(Specializer &s, const Labelled &operand, llvm::StringRef labels) {
  llvm::SmallVector<int64_t> permutation;
  for (char label : labels)
    permutation.push_back(operand.labels.find(label));
  return {permuted(s, operand.array, permutation), labels.str()};
}

static Labelled multiplyLabelled(Specializer &s, Labelled x, Labelled y, llvm::StringRef needed) {
  std::string shared, summed, onlyX, onlyY;
  for (char label : x.labels) {
    bool isShared = llvm::StringRef(y.labels).contains(label);
    if (isShared && !needed.contains(label))
      summed += label;
    else if (isShared)
      shared += label;
    else
      onlyX += label;
  }
  for (char label : y.labels)
    if (!llvm::StringRef(x.labels).contains(label))
      onlyY += label;
  if (shared.empty() && !summed.empty()) {
    x = ordered(s, x, onlyX + summed);
    y = ordered(s, y, summed + onlyY);
    llvm::SmallVector<int64_t> axesOfX, axesOfY;
    for (size_t position = 0; position < summed.size(); ++position) {
      axesOfX.push_back(onlyX.size() + position);
      axesOfY.push_back(position);
    }
    return {contract(s, x.array, y.array, axesOfX, axesOfY), onlyX + onlyY};
  }
  // Letters kept by both: spread over all letters, multiply, sum.
  std::string all = shared + onlyX + onlyY + summed;
  auto spread = [&](const Labelled &operand) {
    std::string own;
    for (char label : all)
      if (llvm::StringRef(operand.labels).contains(label))
        own += label;
    Labelled sorted = ordered(s, operand, own);
    Shape shape;
    for (size_t position = 0, next = 0; position < all.size(); ++position)
      shape.push_back(next < own.size() && own[next] == all[position] ? sorted.array.shape[next++] : IntExpr(1));
    return reshaped(s, sorted.array, shape);
  };
  ArrayValue a = spread(x), b = spread(y);
  Shape shape = broadcastShapes(s, {a.shape, b.shape});
  mlir::Value products = s.create<MulOp>(expand(s, a.tensor, a.dtype, a.shape, shape),
                                         expand(s, b.tensor, b.dtype, b.shape, shape))
                             .getResult();
  llvm::SmallVector<int64_t> axes(
      llvm::seq<int64_t>(all.size() - summed.size(), all.size()));
  return {sumOver(s, {a.dtype, shape, products}, axes), shared + onlyX + onlyY};
}

Value einsum(Specializer &s, llvm::StringRef pattern, llvm::ArrayRef<Value> values) {
  std::string text;
  for (char character : pattern)
    if (character != ' ')
      text += character;
  if (llvm::StringRef(text).contains('.'))
    failArgument(s, "subscripts", "numpy.einsum", "a pattern with '...'", "write a letter for each axis");
  auto [inputs, output] = llvm::StringRef(text).split("->");
  llvm::SmallVector<llvm::StringRef> parts;
  inputs.split(parts, ',');
  if (parts.size() != values.size())
    failCertain(s, "ValueError",
                parts.size() > values.size()
                    ? "more operands provided to einstein sum function than specified in the subscripts string"
                    : "fewer operands provided to einstein sum function than specified in the subscripts string");
  std::string result = output.str();
  if (!llvm::StringRef(text).contains("->")) {
    // Letters that stand once, in alphabetical order.
    for (char letter : inputs)
      if (letter != ',' && inputs.count(letter) == 1)
        result += letter;
    llvm::sort(result);
  }
  std::vector<Labelled> operands;
  std::map<char, IntExpr> extents;
  DType dtype = toArray(s, values.front()).dtype;
  for (const Value &value : values)
    dtype = promote(dtype, toArray(s, value).dtype);
  for (auto [part, value] : llvm::zip(parts, values)) {
    Labelled operand{castArray(s, toArray(s, value), dtype), part.str()};
    if (part.size() != operand.array.rank())
      failCertain(s, "ValueError",
                  "einstein sum subscripts string contains too many subscripts for operand or operand has more dimensions "
                  "than subscripts given in einstein sum");
    for (auto [label, extent] : llvm::zip(operand.labels, operand.array.shape)) {
      auto [entry, isNew] = extents.try_emplace(label, extent);
      CheckText mismatch;
      mismatch << "operands could not be broadcast together: extents " << entry->second << " and " << extent
               << " of one subscript differ";
      if (!isNew)
        checkEqual(s, entry->second, extent, "ValueError", mismatch);
    }
    // From here on equal letters have equal extents.
    Shape shape;
    for (char label : operand.labels)
      shape.push_back(extents.at(label));
    if (!(shape == operand.array.shape))
      operand.array = reshaped(s, operand.array, shape);
    operands.push_back(withoutRepeats(s, operand));
  }
  Labelled product = operands.front();
  for (size_t next = 1; next <= operands.size(); ++next) {
    std::string needed = result;
    for (size_t later = next; later < operands.size(); ++later)
      needed += operands[later].labels;
    product = withoutPrivate(s, product, needed);
    if (next == operands.size())
      break;
    std::string after = result;
    for (size_t later = next + 1; later < operands.size(); ++later)
      after += operands[later].labels;
    Labelled other = withoutPrivate(s, operands[next], after + product.labels);
    product = multiplyLabelled(s, product, other, after);
  }
  return wrap(s, ordered(s, product, result).array);
}

} // namespace mpy
