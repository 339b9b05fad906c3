// Every product of arrays in terms of three operations: mpy.matmul of two matrices or stacks of
// them, and mpy.mul with mpy.sum for vectors and for matrices of a few numbers.
//
//   (n, k) @ (k,)             -> mpy.matmul with (k, 1), mpy.reshape to (n,)
//   (b, n, k) @ (k, m)        -> mpy.reshape to (b*n, k), mpy.matmul, mpy.reshape
//   (b, n, k) @ (b, k, m)     -> mpy.matmul
//   (a, 1, n, k) @ (b, k, m)  -> both spread to a*b matrices, mpy.matmul, mpy.reshape
#include "frontend/arrays/ArrayProducts.h"
#include "frontend/arrays/ArrayShapes.h"

namespace mpy {

/// Both as arrays of their common type.
static std::pair<ArrayValue, ArrayValue>
commonOperands(Specializer &specializer, llvm::StringRef name, const Value &x, const Value &y) {
  ArrayValue a = toArray(specializer, x), b = toArray(specializer, y);
  DType dtype = promote(a.dtype, b.dtype);
  if (dtype == DType::Bool)
    specializer.fail(ErrorId::UnsupportedArgument, {"x", name.str(), "an array of bool"},
                     {.help = "convert with .astype(int)"});
  return {castArray(specializer, a, dtype), castArray(specializer, b, dtype)};
}

ArrayValue sumOver(Specializer &specializer, const ArrayValue &x, llvm::ArrayRef<int64_t> axes) {
  if (axes.empty())
    return x;
  Shape kept;
  for (auto [axis, extent] : llvm::enumerate(x.shape))
    if (!llvm::is_contained(axes, int64_t(axis)))
      kept.push_back(extent);
  mlir::Value sum = specializer.create<SumOp>(x.tensor, axes).getResult();
  return {x.dtype, kept, sum};
}

/// A matrix, or the matrix whose transpose it is with the flag set.
static mlir::Value untransposed(mlir::Value matrix, bool &flag) {
  auto transpose = matrix.getDefiningOp<TransposeOp>();
  if (!transpose || !swapsMatrices(transpose.getPermutation()))
    return matrix;
  flag = true;
  return transpose.getX();
}

/// x times y, each of rank 2 or, as a stack, of rank 3.
static ArrayValue multiplyMatrices(Specializer &specializer, const ArrayValue &x,
                                   const ArrayValue &y) {
  bool transposeX = false, transposeY = false;
  mlir::Value a = untransposed(x.tensor, transposeX), b = untransposed(y.tensor, transposeY);
  mlir::Value result = specializer.create<MatmulOp>(a, b, transposeX, transposeY).getResult();
  Shape shape = {x.shape[x.rank() - 2], y.shape.back()};
  if (x.rank() == 3 || y.rank() == 3)
    shape.insert(shape.begin(), x.rank() == 3 ? x.shape[0] : y.shape[0]);
  return {x.dtype, shape, result};
}

/// The sum of products of two vectors, as an array of rank 0.
static ArrayValue multiplyVectors(Specializer &specializer, const ArrayValue &x,
                                  const ArrayValue &y) {
  // Extents were checked to be equal, but one may be static.
  mlir::Value b = y.tensor;
  if (b.getType() != x.tensor.getType())
    b = reshapeTo(specializer, b, x.dtype, x.shape);
  mlir::Value products = specializer.create<MulOp>(x.tensor, b).getResult();
  return sumOver(specializer, {x.dtype, x.shape, products}, {0});
}

ArrayValue contract(Specializer &specializer, ArrayValue x, ArrayValue y,
                    llvm::ArrayRef<int64_t> axesOfX, llvm::ArrayRef<int64_t> axesOfY) {
  if (x.rank() == 1 && y.rank() == 1 && axesOfX.size() == 1)
    return multiplyVectors(specializer, x, y);
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
  x = reshaped(specializer, permuted(specializer, x, orderOfX), {product(rows), product(inner)});
  y = reshaped(specializer, permuted(specializer, y, orderOfY), {product(inner), product(columns)});
  return reshaped(specializer, multiplyMatrices(specializer, x, y), result);
}

/// Whether a product of many matrices of these extents is one of elements: it fuses with what is
/// around it, where a call for each few numbers would cost more than the work.
static bool isByElements(DType dtype, llvm::ArrayRef<IntExpr> extents) {
  return !isFloat(dtype) || llvm::all_of(extents, [](const IntExpr &extent) {
    return extent.known() && *extent.known() <= 8;
  });
}

/// The last two axes of an array as a stack of matrices, spread over the leading axes `over`; as
/// one matrix where there is but one.
static ArrayValue stackOver(Specializer &specializer, const ArrayValue &x, const Shape &over) {
  Shape matrix(x.shape.end() - 2, x.shape.end());
  if (llvm::all_of(llvm::ArrayRef(x.shape).drop_back(2),
                   [](const IntExpr &extent) { return extent.isKnown(1); }))
    return reshaped(specializer, x, matrix);
  Shape whole = over;
  whole.insert(whole.end(), matrix.begin(), matrix.end());
  ArrayValue spread{x.dtype, whole, expand(specializer, x.tensor, x.dtype, x.shape, whole)};
  return reshaped(specializer, spread, {product(over), matrix[0], matrix[1]});
}

/// Products of elements spread over (.., n, k, m), summed over k.
static ArrayValue multiplyElements(Specializer &specializer, ArrayValue x, ArrayValue y) {
  Shape spreadX = x.shape, spreadY = y.shape;
  spreadX.push_back(1);
  spreadY.insert(spreadY.end() - 2, IntExpr(1));
  x = reshaped(specializer, x, spreadX);
  y = reshaped(specializer, y, spreadY);
  Shape shape = broadcastShapes(specializer, {spreadX, spreadY});
  mlir::Value a = expand(specializer, x.tensor, x.dtype, spreadX, shape),
              b = expand(specializer, y.tensor, y.dtype, spreadY, shape);
  mlir::Value products = specializer.create<MulOp>(a, b).getResult();
  return sumOver(specializer, {x.dtype, shape, products}, {int64_t(shape.size()) - 2});
}

/// (.., n, k) times (.., k, m), the leading axes broadcast.
static ArrayValue multiplyStacks(Specializer &specializer, ArrayValue x, ArrayValue y) {
  // The inner extents were checked; give both the same.
  Shape shapeOfY = y.shape;
  shapeOfY[y.rank() - 2] = x.shape.back();
  y = reshaped(specializer, y, shapeOfY);
  IntExpr rows = x.shape[x.rank() - 2], columns = y.shape.back();
  if (isByElements(x.dtype, {rows, x.shape.back(), columns}))
    return multiplyElements(specializer, x, y);
  auto leading = [](const ArrayValue &array) {
    return Shape(array.shape.begin(), array.shape.end() - 2);
  };
  Shape shape = broadcastShapes(specializer, {leading(x), leading(y)});
  ArrayValue result = multiplyMatrices(specializer, stackOver(specializer, x, shape),
                                       stackOver(specializer, y, shape));
  shape.push_back(rows);
  shape.push_back(columns);
  return reshaped(specializer, result, shape);
}

Value matmul(Specializer &specializer, const Value &lhs, const Value &rhs) {
  auto [x, y] = commonOperands(specializer, "matmul", lhs, rhs);
  for (int position = 0; position < 2; ++position)
    if ((position ? y : x).rank() == 0)
      failCertain(specializer, "ValueError",
                  "matmul: Input operand " + llvm::Twine(position) +
                      " does not have enough dimensions (has 0, gufunc core with signature "
                      "(n?,k),(k,m?)->(n?,m?) requires 1)");
  size_t innerOfY = y.rank() > 1 ? y.rank() - 2 : 0;
  CheckText text;
  text << "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
          "(n?,k),(k,m?)->(n?,m?) (size "
       << y.shape[innerOfY] << " is different from " << x.shape.back() << ")";
  checkEqual(specializer, x.shape.back(), y.shape[innerOfY], "ValueError", text);
  if (y.rank() <= 2)
    return wrap(specializer,
                contract(specializer, x, y, {int64_t(x.rank()) - 1}, {int64_t(innerOfY)}));
  // A vector on the left is a row that disappears again.
  bool isVector = x.rank() == 1;
  if (isVector)
    x = reshaped(specializer, x, {IntExpr(1), x.shape[0]});
  ArrayValue result = multiplyStacks(specializer, x, y);
  if (isVector) {
    Shape shape = result.shape;
    shape.erase(shape.end() - 2);
    result = reshaped(specializer, result, shape);
  }
  return wrap(specializer, result);
}

Value dot(Specializer &specializer, const Value &lhs, const Value &rhs) {
  auto [x, y] = commonOperands(specializer, "dot", lhs, rhs);
  if (x.rank() == 0 || y.rank() == 0)
    return arrayBinary(specializer, ast::BinaryOperator::Mult, lhs, rhs);
  int64_t axisOfX = x.rank() - 1, axisOfY = y.rank() > 1 ? y.rank() - 2 : 0;
  CheckText text;
  text << "shapes " << x.shape << " and " << y.shape << " not aligned: " << x.shape[axisOfX]
       << " (dim " << IntExpr(axisOfX) << ") != " << y.shape[axisOfY] << " (dim "
       << IntExpr(axisOfY) << ")";
  checkEqual(specializer, x.shape[axisOfX], y.shape[axisOfY], "ValueError", text);
  return wrap(specializer, contract(specializer, x, y, {axisOfX}, {axisOfY}));
}

//===--- einsum ---===//

namespace {
/// An operand with one letter for each axis.
struct Labelled {
  ArrayValue array;
  std::string labels;
};
} // namespace

/// The diagonal over each letter that stands twice, as a view: x[.., i, .., i, ..] becomes
/// x[.., .., i].
static Value withoutRepeats(Specializer &specializer, Value array, std::string &labels,
                            int64_t number) {
  for (size_t first = 0; first < labels.size(); ++first) {
    size_t second = labels.find(labels[first], first + 1);
    if (second == std::string::npos)
      continue;
    Shape shape = specializer.heap.get<ArrayState>(*specializer.arrayObject(array))->shape;
    CheckText mismatch;
    mismatch << "dimensions in operand " << IntExpr(number) << " for collapsing index '"
             << labels.substr(first, 1) << "' don't match (" << shape[first]
             << " != " << shape[second] << ")";
    checkEqual(specializer, shape[first], shape[second], "ValueError", mismatch);
    llvm::SmallVector<int64_t> order;
    std::string others;
    for (size_t axis = 0; axis < labels.size(); ++axis)
      if (axis != first && axis != second) {
        order.push_back(axis);
        others += labels[axis];
      }
    order.append({int64_t(first), int64_t(second)});
    labels = others + labels[first];
    array = diagonalView(specializer, transposeArray(specializer, array, order), 0);
    first = -1;
  }
  return array;
}

/// The axes of `labels` in the order of `wanted`.
static llvm::SmallVector<int64_t> orderOf(llvm::StringRef labels, llvm::StringRef wanted) {
  llvm::SmallVector<int64_t> permutation;
  for (char label : wanted)
    permutation.push_back(labels.find(label));
  return permutation;
}

/// Gives every letter one extent: an extent of 1 is repeated. An axis that is known to be one of
/// these disappears where another operand has the letter.
static void spreadLabels(Specializer &specializer, std::vector<Labelled> &operands) {
  std::map<char, std::vector<Shape>> lines;
  for (const Labelled &operand : operands)
    for (auto [label, extent] : llvm::zip(operand.labels, operand.array.shape))
      lines[label].push_back({extent});
  std::map<char, IntExpr> extents;
  for (const auto &[label, shapes] : lines)
    extents.try_emplace(label, broadcastShapes(specializer, shapes).front());
  for (Labelled &operand : operands) {
    Labelled kept{operand.array, ""};
    Shape full;
    kept.array.shape.clear();
    for (auto [label, extent] : llvm::zip(operand.labels, operand.array.shape)) {
      const IntExpr &wanted = extents.at(label);
      if (extent.isKnown(1) && !wanted.isKnown(1))
        continue;
      kept.labels += label;
      kept.array.shape.push_back(extent);
      full.push_back(wanted);
    }
    if (kept.labels != operand.labels)
      kept.array = reshaped(specializer, operand.array, kept.array.shape);
    kept.array.tensor =
        expand(specializer, kept.array.tensor, kept.array.dtype, kept.array.shape, full);
    kept.array.shape = full;
    operand = kept;
  }
}

/// Sums the letters that nobody else has.
static Labelled withoutPrivate(Specializer &specializer, Labelled operand, llvm::StringRef needed) {
  llvm::SmallVector<int64_t> axes;
  std::string labels;
  for (auto [axis, label] : llvm::enumerate(operand.labels))
    if (needed.contains(label))
      labels += label;
    else
      axes.push_back(axis);
  return {sumOver(specializer, operand.array, axes), labels};
}

static Labelled ordered(Specializer &specializer, const Labelled &operand, llvm::StringRef labels) {
  return {permuted(specializer, operand.array, orderOf(operand.labels, labels)), labels.str()};
}

static Labelled multiplyLabelled(Specializer &specializer, Labelled x, Labelled y,
                                 llvm::StringRef needed) {
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
    x = ordered(specializer, x, onlyX + summed);
    y = ordered(specializer, y, summed + onlyY);
    llvm::SmallVector<int64_t> axesOfX, axesOfY;
    for (size_t position = 0; position < summed.size(); ++position) {
      axesOfX.push_back(onlyX.size() + position);
      axesOfY.push_back(position);
    }
    return {contract(specializer, x.array, y.array, axesOfX, axesOfY), onlyX + onlyY};
  }
  auto extentsOf = [](const Labelled &operand, llvm::StringRef labels) {
    Shape extents;
    for (char label : labels)
      extents.push_back(operand.array.shape[operand.labels.find(label)]);
    return extents;
  };
  IntExpr rows = product(extentsOf(x, onlyX)), inner = product(extentsOf(x, summed)),
          columns = product(extentsOf(y, onlyY));
  if (!summed.empty() && !onlyX.empty() && !onlyY.empty() &&
      !isByElements(x.array.dtype, {rows, inner, columns})) {
    // Letters kept by both count the matrices.
    IntExpr count = product(extentsOf(x, shared));
    Shape shape = extentsOf(x, shared + onlyX);
    for (const IntExpr &extent : extentsOf(y, onlyY))
      shape.push_back(extent);
    ArrayValue a = ordered(specializer, x, shared + onlyX + summed).array,
               b = ordered(specializer, y, shared + summed + onlyY).array;
    ArrayValue result =
        multiplyMatrices(specializer, reshaped(specializer, a, {count, rows, inner}),
                         reshaped(specializer, b, {count, inner, columns}));
    return {reshaped(specializer, result, shape), shared + onlyX + onlyY};
  }
  // Spread over all letters, multiply, sum.
  std::string all = shared + onlyX + onlyY + summed;
  auto spread = [&](const Labelled &operand) {
    std::string own;
    for (char label : all)
      if (llvm::StringRef(operand.labels).contains(label))
        own += label;
    Labelled sorted = ordered(specializer, operand, own);
    Shape shape;
    for (size_t position = 0, next = 0; position < all.size(); ++position)
      shape.push_back(next < own.size() && own[next] == all[position] ? sorted.array.shape[next++]
                                                                      : IntExpr(1));
    return reshaped(specializer, sorted.array, shape);
  };
  ArrayValue a = spread(x), b = spread(y);
  Shape shape = broadcastShapes(specializer, {a.shape, b.shape});
  mlir::Value products = specializer
                             .create<MulOp>(expand(specializer, a.tensor, a.dtype, a.shape, shape),
                                            expand(specializer, b.tensor, b.dtype, b.shape, shape))
                             .getResult();
  llvm::SmallVector<int64_t> axes = consecutive(all.size() - summed.size(), all.size());
  return {sumOver(specializer, {a.dtype, shape, products}, axes), shared + onlyX + onlyY};
}

Value einsum(Specializer &specializer, llvm::StringRef pattern, llvm::ArrayRef<Value> values) {
  std::string text;
  for (char character : pattern)
    if (character != ' ')
      text += character;
  if (llvm::StringRef(text).contains('.'))
    failArgument(specializer, "subscripts", "numpy.einsum", "a pattern with '...'",
                 "write a letter for each axis");
  auto [inputs, output] = llvm::StringRef(text).split("->");
  llvm::SmallVector<llvm::StringRef> parts;
  inputs.split(parts, ',');
  if (parts.size() != values.size())
    failCertain(specializer, "ValueError",
                parts.size() > values.size() ? "more operands provided to einstein sum function "
                                               "than specified in the subscripts string"
                                             : "fewer operands provided to einstein sum function "
                                               "than specified in the subscripts string");
  std::string result = output.str();
  if (!llvm::StringRef(text).contains("->")) {
    // Letters that stand once, in alphabetical order.
    for (char letter : inputs)
      if (letter != ',' && inputs.count(letter) == 1)
        result += letter;
    llvm::sort(result);
  }
  std::vector<Labelled> operands;
  DType dtype = toArray(specializer, values.front()).dtype;
  for (const Value &value : values)
    dtype = promote(dtype, toArray(specializer, value).dtype);
  for (auto [part, value] : llvm::zip(parts, values)) {
    Value array = ObjectRef{objectOf(specializer, value)};
    if (part.size() != specializer.read(*specializer.arrayObject(array)).rank())
      failCertain(specializer, "ValueError",
                  "einstein sum subscripts string contains too many subscripts for operand or "
                  "operand has more dimensions "
                  "than subscripts given in einstein sum");
    std::string labels = part.str();
    array = withoutRepeats(specializer, array, labels, operands.size());
    // Axes in another order alone: NumPy gives a view.
    if (values.size() == 1 &&
        std::is_permutation(labels.begin(), labels.end(), result.begin(), result.end()))
      return transposeArray(specializer, array, orderOf(labels, result));
    operands.push_back({castArray(specializer, toArray(specializer, array), dtype), labels});
  }
  spreadLabels(specializer, operands);
  Labelled product = operands.front();
  for (size_t next = 1; next <= operands.size(); ++next) {
    std::string needed = result;
    for (size_t later = next; later < operands.size(); ++later)
      needed += operands[later].labels;
    product = withoutPrivate(specializer, product, needed);
    if (next == operands.size())
      break;
    std::string after = result;
    for (size_t later = next + 1; later < operands.size(); ++later)
      after += operands[later].labels;
    Labelled other = withoutPrivate(specializer, operands[next], after + product.labels);
    product = multiplyLabelled(specializer, product, other, after);
  }
  return wrap(specializer, ordered(specializer, product, result).array);
}

} // namespace mpy
