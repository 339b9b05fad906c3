// Shapes that meet: broadcasting by NumPy's rule, and the run-time checks of what the compiler does
// not know.
//
//   (n, 3) with (3,)  -> (n, 3)               mpy.broadcast
//   (n,) with (m,)    -> (n == 1 ? m : n,)    mpy.check of n == m or one of them 1, then
//   mpy.stretch
#include "frontend/arrays/ArrayOperands.h"
#include "mlir/IR/Matchers.h"
#include <limits>

namespace mpy {

void failCertain(Specializer &specializer, llvm::StringRef kind, const llvm::Twine &message) {
  std::string text = message.str();
  // What is not known reads as in a type: `n`.
  for (size_t at; (at = text.find("{}")) != std::string::npos;)
    text.replace(at, 2, "n");
  specializer.raiseHere(kind, text);
  throw PathEnds();
}

void failArgument(Specializer &specializer, llvm::StringRef parameter, llvm::StringRef function,
                  const llvm::Twine &what, llvm::StringRef help) {
  specializer.fail(ErrorId::UnsupportedArgument, {parameter.str(), function.str(), what.str()},
                   {.help = help.str()});
}

CheckText &CheckText::operator<<(llvm::StringRef part) {
  text += part;
  return *this;
}

CheckText &CheckText::operator<<(const IntExpr &number) {
  if (std::optional<int64_t> known = number.known()) {
    text += std::to_string(*known);
    return *this;
  }
  text += "{}";
  values.push_back(number);
  return *this;
}

CheckText &CheckText::operator<<(const Shape &shape) {
  text += "(";
  for (auto [position, extent] : llvm::enumerate(shape)) {
    if (position)
      text += ",";
    *this << extent;
  }
  text += shape.size() == 1 ? ",)" : ")";
  return *this;
}

std::optional<bool> knownCondition(mlir::Value condition) {
  llvm::APInt value;
  if (mlir::matchPattern(condition, mlir::m_ConstantInt(&value)))
    return !value.isZero();
  return std::nullopt;
}

void check(Specializer &specializer, mlir::Value condition, llvm::StringRef kind,
           const CheckText &text) {
  if (std::optional<bool> known = knownCondition(condition)) {
    if (*known)
      return;
    if (text.values.empty())
      failCertain(specializer, kind, text.text);
  }
  specializer.check(condition, kind, text.text, indexValues(specializer, text.values));
}

mlir::Value compareInts(Specializer &specializer, mlir::arith::CmpIPredicate predicate,
                        const IntExpr &a, const IntExpr &b) {
  using Predicate = mlir::arith::CmpIPredicate;
  std::optional<int64_t> difference = (a - b).known();
  std::optional<bool> known;
  if (difference)
    known = mlir::arith::applyCmpPredicate(predicate, llvm::APInt(64, *difference, true),
                                           llvm::APInt(64, 0));
  else if (predicate == Predicate::sge && (a - b).isNonNegative())
    known = true;
  if (known)
    return specializer.create<mlir::arith::ConstantOp>(specializer.builder.getBoolAttr(*known))
        .getResult();
  return specializer
      .create<mlir::arith::CmpIOp>(predicate, specializer.index(a), specializer.index(b))
      .getResult();
}

void checkEqual(Specializer &specializer, const IntExpr &a, const IntExpr &b, llvm::StringRef kind,
                const CheckText &text) {
  if (a == b)
    return;
  if (std::optional<int64_t> difference = (a - b).known(); difference)
    failCertain(specializer, kind, text.text);
  check(specializer, compareInts(specializer, mlir::arith::CmpIPredicate::eq, a, b), kind, text);
}

void checkSize(Specializer &specializer, llvm::ArrayRef<IntExpr> shape) {
  const CheckText text = {"array is too big; `arr.size * arr.dtype.itemsize` is larger than the "
                          "maximum possible size.",
                          {}};
  // By division, which cannot overflow: n0 * n1 * n2 <= limit where n2 <= limit / n0 / n1.
  int64_t limit = std::numeric_limits<int64_t>::max() / 8;
  std::vector<IntExpr> unknown;
  for (const IntExpr &extent : shape) {
    if (std::optional<int64_t> known = extent.known())
      limit /= std::max<int64_t>(*known, 1);
    else
      unknown.push_back(extent);
  }
  if (limit == 0)
    failCertain(specializer, "ValueError", text.text);
  // What allocates one such extent finds by itself that there is no room.
  if (unknown.empty() || shape.size() < 2)
    return;
  IntExpr most = limit;
  for (const IntExpr &extent : llvm::drop_end(unknown))
    most = floorDivide(most, maximum(extent, 1));
  check(specializer,
        compareInts(specializer, mlir::arith::CmpIPredicate::sle, unknown.back(), most),
        "ValueError", text);
}

Shape broadcastShapes(Specializer &specializer, llvm::ArrayRef<Shape> shapes, llvm::StringRef kind,
                      llvm::StringRef words) {
  using Predicate = mlir::arith::CmpIPredicate;
  size_t rank = 0;
  for (const Shape &shape : shapes)
    rank = std::max(rank, shape.size());
  if (rank > 8)
    specializer.fail(ErrorId::TooManyDimensions, {"8"});
  CheckText text;
  text << words;
  for (const Shape &shape : shapes)
    text << shape << " ";

  Shape result(rank, IntExpr(1));
  for (const Shape &shape : shapes)
    for (size_t position = 0; position < shape.size(); ++position) {
      IntExpr &current = result[rank - shape.size() + position];
      const IntExpr &extent = shape[position];
      if (current == extent || extent.isKnown(1))
        continue;
      if (current.isKnown(1)) {
        current = extent;
        continue;
      }
      if (current.known() && extent.known())
        failCertain(specializer, kind, text.text);
      mlir::Value fits = compareInts(specializer, Predicate::eq, current, extent);
      if (!extent.known())
        fits = specializer.create<mlir::arith::OrIOp>(
            fits, compareInts(specializer, Predicate::eq, extent, 1));
      mlir::Value currentIsOne;
      if (!current.known()) {
        currentIsOne = compareInts(specializer, Predicate::eq, current, 1);
        fits = specializer.create<mlir::arith::OrIOp>(fits, currentIsOne);
      }
      check(specializer, fits, kind, text);
      if (current.known())
        continue;
      if (extent.known()) {
        current = extent;
        continue;
      }
      current = extentOf(specializer
                             .create<mlir::arith::SelectOp>(currentIsOne, specializer.index(extent),
                                                            specializer.index(current))
                             .getResult());
    }
  return result;
}

mlir::Value expand(Specializer &specializer, mlir::Value tensor, DType dtype, const Shape &from,
                   const Shape &to) {
  if (from == to)
    return tensor;
  size_t lead = to.size() - from.size();
  Shape middle = to;
  bool stretches = false;
  for (size_t position = 0; position < from.size(); ++position)
    if (!from[position].isKnown(1) && !(from[position] == to[lead + position])) {
      middle[lead + position] = from[position];
      stretches = true;
    }
  if (!(middle == from))
    tensor = specializer
                 .create<BroadcastOp>(specializer.tensorType(dtype, middle), tensor,
                                      specializer.dynamicSizes(middle))
                 .getResult();
  if (stretches)
    tensor = specializer
                 .create<StretchOp>(specializer.tensorType(dtype, to), tensor,
                                    specializer.dynamicSizes(to))
                 .getResult();
  return tensor;
}

mlir::Value expandInto(Specializer &specializer, const ArrayValue &value, const Shape &to) {
  using Predicate = mlir::arith::CmpIPredicate;
  CheckText text;
  text << "could not broadcast input array from shape " << value.shape << " into shape " << to;
  Shape from = value.shape;
  mlir::Value tensor = value.tensor;
  // Leading extents of 1 are dropped, as NumPy does for assignment.
  if (from.size() > to.size()) {
    size_t extra = from.size() - to.size();
    for (size_t position = 0; position < extra; ++position)
      checkEqual(specializer, from[position], 1, "ValueError", text);
    from.erase(from.begin(), from.begin() + extra);
    tensor = reshapeTo(specializer, tensor, value.dtype, from);
  }
  size_t lead = to.size() - from.size();
  for (size_t position = 0; position < from.size(); ++position) {
    const IntExpr &extent = from[position];
    const IntExpr &wanted = to[lead + position];
    if (extent == wanted || extent.isKnown(1))
      continue;
    mlir::Value fits = compareInts(specializer, Predicate::eq, extent, wanted);
    if (!extent.known())
      fits = specializer.create<mlir::arith::OrIOp>(
          fits, compareInts(specializer, Predicate::eq, extent, 1));
    check(specializer, fits, "ValueError", text);
  }
  if (from.empty() && to.empty())
    return tensor;
  if (from.empty())
    return fill(specializer, elementOf(specializer, {value.dtype, {}, tensor}).value, value.dtype,
                to);
  return expand(specializer, tensor, value.dtype, from, to);
}

Shape prepare(Specializer &specializer, llvm::MutableArrayRef<ElementOperand> operands,
              llvm::ArrayRef<DType> dtypes, llvm::SmallVectorImpl<mlir::Value> &values) {
  std::vector<Shape> shapes;
  for (const ElementOperand &operand : operands)
    if (!operand.isScalar)
      shapes.push_back(operand.shape);
  Shape shape = broadcastShapes(specializer, shapes);
  for (auto [position, operand] : llvm::enumerate(operands)) {
    mlir::Value value = convert(specializer, operand, dtypes[position]);
    if (!operand.isScalar)
      value = expand(specializer, value, dtypes[position], operand.shape, shape);
    values.push_back(value);
  }
  return shape;
}

} // namespace mpy
