// Extents and numbers of iterations of a module -> text, and numbers where they are known.
#include "source/Sizes.h"

#include "dialect/Dialect.h"
#include "support/Places.h"

using namespace mlir;

namespace mpy {

Size operator*(const Size &x, const Size &y) {
  std::optional<int64_t> number;
  if (x.number && y.number)
    number = *x.number * *y.number;
  auto isPlain = [](const Size &size) {
    return size.number && size.text == std::to_string(*size.number);
  };
  if (isPlain(x) && isPlain(y))
    return Size::of(*number);
  if (isPlain(x) && *x.number == 1)
    return y;
  if (isPlain(y) && *y.number == 1)
    return x;
  auto factor = [](const Size &size) { return size.isSum ? "(" + size.text + ")" : size.text; };
  return {factor(x) + " * " + factor(y), number};
}

Size operator+(const Size &x, const Size &y) {
  std::optional<int64_t> number;
  if (x.number && y.number)
    number = *x.number + *y.number;
  bool isPlain =
      number && x.text == std::to_string(*x.number) && y.text == std::to_string(*y.number);
  if (isPlain)
    return Size::of(*number);
  if (x.number == 0)
    return y;
  if (y.number == 0)
    return x;
  return {x.text + " + " + y.text, number, true};
}

std::string nameInProgram(mlir::Value value) {
  auto named = dyn_cast<NameLoc>(value.getLoc());
  return named ? named.getName().str() : "";
}

unsigned lineOf(Location location) {
  FileLineColLoc place = placeOf(location);
  return place ? place.getLine() : 0;
}

Size SizeWriter::named(const std::string &name) const {
  auto it = given.find(name);
  return {name, it == given.end() ? std::nullopt : std::optional<int64_t>(it->second)};
}

Size SizeWriter::write(mlir::Value value) const { return write(value, 12); }

Size SizeWriter::write(mlir::Value value, unsigned depth) const {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return Size::of(*known);
  std::string name = nameInProgram(value);
  if (!name.empty() && given.contains(name))
    return named(name);
  Operation *op = depth ? value.getDefiningOp() : nullptr;
  auto operand = [&](unsigned index) { return write(op->getOperand(index), depth - 1); };
  if (isa_and_nonnull<arith::IndexCastOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp>(op))
    return operand(0);
  // range() of a negative length is empty.
  if (auto most = dyn_cast_or_null<arith::MaxSIOp>(op)) {
    if (getConstantIntValue(most.getLhs()) == 0)
      return operand(1);
    if (getConstantIntValue(most.getRhs()) == 0)
      return operand(0);
  }
  if (auto extent = dyn_cast_or_null<tensor::DimOp>(op))
    if (std::optional<int64_t> dim = extent.getConstantIndex()) {
      mlir::Value known = findExtent(extent.getSource(), *dim);
      if (known && known != value)
        return write(known, depth - 1);
      std::string array = nameInProgram(extent.getSource());
      if (!array.empty())
        return named(array + ".shape[" + std::to_string(*dim) + "]");
    }
  auto checked = dyn_cast_or_null<CheckedIntOp>(op);
  // What the program has no names for is one size, not a formula of several.
  auto isFormula = [&](const Size &x, const Size &y) {
    return !StringRef(x.text).contains("size_of_line") &&
           !StringRef(y.text).contains("size_of_line");
  };
  if (name.empty() && op && op->getNumOperands() == 2 &&
      isa<IntegerType, IndexType>(value.getType()) && depth > 1 &&
      !isFormula(operand(0), operand(1)))
    op = nullptr;
  if (isa_and_nonnull<arith::AddIOp, AddOp>(op) ||
      (checked && checked.getKind() == IntegerKind::add))
    return operand(0) + operand(1);
  if (isa_and_nonnull<arith::MulIOp, MulOp>(op) ||
      (checked && checked.getKind() == IntegerKind::mul))
    return operand(0) * operand(1);
  bool isDifference = isa_and_nonnull<arith::SubIOp, SubOp>(op) ||
                      (checked && checked.getKind() == IntegerKind::sub);
  if (isDifference) {
    Size x = operand(0), y = operand(1);
    std::optional<int64_t> number;
    if (x.number && y.number)
      number = *x.number - *y.number;
    return {x.text + " - " + (y.isSum ? "(" + y.text + ")" : y.text), number, true};
  }
  if (!name.empty())
    return named(name);
  unsigned line = lineOf(value.getLoc());
  return named(line ? "size_of_line_" + std::to_string(line) : "size");
}

Size SizeWriter::bytesOf(mlir::Value value) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return Size::of(8);
  bool isNumber = type.getElementType().isIntOrFloat();
  Size size = Size::of(isNumber ? std::max(8u, type.getElementTypeBitWidth()) / 8 : 8);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim)) {
      size = size * Size::of(type.getDimSize(dim));
      continue;
    }
    mlir::Value extent = findExtent(value, dim);
    std::string name = nameInProgram(value);
    size = size * (extent         ? write(extent)
                   : name.empty() ? named("size_of_line_" + std::to_string(lineOf(value.getLoc())))
                                  : named(name + ".shape[" + std::to_string(dim) + "]"));
  }
  return size;
}

} // namespace mpy
