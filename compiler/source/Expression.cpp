// One operation as a Python expression over NumPy.
//
//   %r = mpy.sum %x over [0]   =>   np.sum(x, axis=0)
//   %r = mpy.scaled %g, %y     =>   g * y
#include "source/Expression.h"

#include "dialect/Dialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <charconv>

using namespace mlir;
using namespace mpy;

namespace {
/// Writes the expression of one operation.
class Writer {
public:
  Writer(Operation *op, OperandText operand, SmallVectorImpl<std::string> &features)
      : op(op), operand(operand), features(features) {}
  std::optional<Expression> write();

private:
  using Maybe = std::optional<Expression>;
  std::string text(Value value, Precedence around = Precedence::Choice) {
    return operand(value).in(around);
  }
  /// What NumPy spreads by itself beside an operand of the whole shape.
  Value spread(unsigned index) {
    Value value = op->getOperand(index), other = op->getOperand(1 - index);
    auto broadcast = value.getDefiningOp<BroadcastOp>();
    bool isSpread = broadcast && value.hasOneUse() &&
                    isa<RankedTensorType>(broadcast.getX().getType()) &&
                    isa<RankedTensorType>(other.getType()) && !other.getDefiningOp<BroadcastOp>();
    // What has a name is spread already.
    isSpread = isSpread && StringRef(operand(value).text).starts_with("np.broadcast_to(");
    return isSpread ? broadcast.getX() : value;
  }
  Expression infix(StringRef sign, Precedence precedence) {
    auto above = static_cast<Precedence>(static_cast<int>(precedence) + 1);
    Expression left = operand(spread(0)), right = operand(spread(1));
    if (sign == "+" && right.precedence == Precedence::Sign &&
        StringRef(right.text).starts_with("-"))
      return {left.in(precedence) + " - " + right.text.substr(1), precedence};
    return {(left.in(precedence) + " " + sign + " " + right.in(above)).str(), precedence};
  }
  Expression prefix(StringRef sign, Precedence precedence) {
    return {(sign + text(op->getOperand(0), precedence)).str(), precedence};
  }
  Expression power(StringRef exponent) {
    return {(text(op->getOperand(0), Precedence::Atom) + " ** " + exponent).str(),
            Precedence::Power};
  }
  Expression call(StringRef function, std::vector<std::string> arguments) {
    return {(function + "(" + llvm::join(arguments, ", ") + ")").str()};
  }
  Expression callOfOperands(StringRef function) {
    std::vector<std::string> arguments;
    for (Value value : op->getOperands())
      arguments.push_back(text(value));
    return call(function, arguments);
  }
  Maybe writeArithmetic();
  Maybe writeElementwise();
  Maybe writeShape();
  Expression writeTransform(FourierOp transform);
  Maybe writeReduction(ArrayRef<int64_t> axes);
  Expression writeConstant(arith::ConstantOp constant);
  Expression writeUnordered(arith::CmpFOp compare);
  Expression writeCast(Value from, Type to);
  Expression writeMatmul(MatmulOp product);
  Maybe writeVectorProduct(ReshapeOp reshape);
  Maybe writeKept(ReshapeOp reshape);
  Expression writeBroadcast(BroadcastOp broadcast);
  Expression subscript(Value array, const std::string &inside) {
    return {text(array, Precedence::Atom) + "[" + inside + "]"};
  }

  Operation *op;
  OperandText operand;
  SmallVectorImpl<std::string> &features;
};
} // namespace

static bool isArray(Value value) { return isa<RankedTensorType>(value.getType()); }

static std::string numberText(Attribute attribute, Type type) {
  if (auto number = dyn_cast<FloatAttr>(attribute)) {
    double value = number.getValueAsDouble();
    if (std::isnan(value))
      return "np.nan";
    if (std::isinf(value))
      return value > 0 ? "np.inf" : "-np.inf";

    // The shortest text that is this number again, in Python's form.
    double size = std::fabs(value);
    bool isPlain = size == 0 || (size >= 1e-4 && size < 1e16);
    char buffer[64];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                             isPlain ? std::chars_format::fixed : std::chars_format::scientific);
    std::string text(buffer, end.ptr);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  if (auto number = dyn_cast<IntegerAttr>(attribute)) {
    if (type.isInteger(1))
      return number.getValue().isZero() ? "False" : "True";
    return std::to_string(number.getValue().getSExtValue());
  }
  return "";
}

static StringRef typeName(Type type) {
  type = getElementTypeOrSelf(type);
  if (type.isF32())
    return "np.float32";
  if (isa<FloatType>(type))
    return "np.float64";
  if (type.isInteger(1))
    return "bool";
  if (type.isInteger(8))
    return "np.int8";
  if (type.isInteger(16))
    return "np.int16";
  return type.isInteger(32) ? "np.int32" : "np.int64";
}

static std::string shapeText(RankedTensorType type, ValueRange sizes, OperandText operand) {
  std::vector<std::string> extents;
  for (int64_t extent : type.getShape()) {
    if (!ShapedType::isDynamic(extent)) {
      extents.push_back(std::to_string(extent));
      continue;
    }
    extents.push_back(operand(sizes.front()).text);
    sizes = sizes.drop_front();
  }
  return extents.size() == 1 ? extents[0] : "(" + llvm::join(extents, ", ") + ")";
}

Expression Writer::writeConstant(arith::ConstantOp constant) {
  if (auto elements = dyn_cast<DenseElementsAttr>(constant.getValue())) {
    auto type = cast<RankedTensorType>(elements.getType());
    std::vector<std::string> texts;
    for (Attribute element : elements.getValues<Attribute>())
      texts.push_back(numberText(element, type.getElementType()));
    Expression array = call("np.array", {"[" + llvm::join(texts, ", ") + "]"});
    if (type.getElementType().isF32())
      array = call("np.array", {"[" + llvm::join(texts, ", ") + "]", "np.float32"});
    if (type.getRank() != 1)
      array.text += ".reshape(" + shapeText(type, {}, operand) + ")";
    return array;
  }
  std::string text = numberText(constant.getValue(), constant.getType());
  return {text, StringRef(text).starts_with("-") ? Precedence::Sign : Precedence::Atom};
}

Expression Writer::writeCast(Value from, Type to) {
  Type element = getElementTypeOrSelf(to);
  if (isArray(from))
    return {text(from, Precedence::Atom) + ".astype(" + typeName(element).str() + ")"};
  if (element.isF32())
    return call("np.float32", {text(from)});
  return call(isa<FloatType>(element) ? "float"
              : element.isInteger(1)  ? "bool"
                                      : "int",
              {text(from)});
}

//===----------------------------------------------------------------------===//
// Numbers and elements
//===----------------------------------------------------------------------===//

static StringRef sign(ComparePredicate predicate) {
  static constexpr const char *signs[] = {"==", "!=", "<", "<=", ">", ">="};
  return signs[static_cast<int>(predicate)];
}

static StringRef sign(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return "==";
  case arith::CmpIPredicate::ne:
    return "!=";
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return "<";
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return "<=";
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return ">";
  default:
    return ">=";
  }
}

static StringRef sign(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return "==";
  case arith::CmpFPredicate::UNE:
    return "!=";
  case arith::CmpFPredicate::OLT:
    return "<";
  case arith::CmpFPredicate::OLE:
    return "<=";
  case arith::CmpFPredicate::OGT:
    return ">";
  case arith::CmpFPredicate::OGE:
    return ">=";
  default:
    return "";
  }
}

/// Comparisons that ask for NaN, too.
Expression Writer::writeUnordered(arith::CmpFOp compare) {
  using Kind = arith::CmpFPredicate;
  std::string x = text(compare.getLhs(), Precedence::BitOr),
              y = text(compare.getRhs(), Precedence::BitOr);
  switch (compare.getPredicate()) {
  case Kind::ONE:
    return {x + " < " + y + " or " + x + " > " + y, Precedence::Or};
  case Kind::ORD:
    return {x + " == " + x + " and " + y + " == " + y, Precedence::And};
  case Kind::UNO:
    return {x + " != " + x + " or " + y + " != " + y, Precedence::Or};
  case Kind::UEQ:
    return {"not (" + x + " < " + y + " or " + x + " > " + y + ")", Precedence::Not};
  case Kind::UGT:
    return {"not " + x + " <= " + y, Precedence::Not};
  case Kind::UGE:
    return {"not " + x + " < " + y, Precedence::Not};
  case Kind::ULT:
    return {"not " + x + " >= " + y, Precedence::Not};
  case Kind::ULE:
    return {"not " + x + " > " + y, Precedence::Not};
  default:
    return {compare.getPredicate() == Kind::AlwaysTrue ? "True" : "False"};
  }
}

std::optional<Expression> Writer::writeArithmetic() {
  using P = Precedence;
  auto logical = [&](StringRef word, StringRef bits, P precedence, P bitPrecedence) {
    return op->getResult(0).getType().isInteger(1) ? infix(word, precedence)
                                                   : infix(bits, bitPrecedence);
  };
  return llvm::TypeSwitch<Operation *, Maybe>(op)
      .Case([&](arith::ConstantOp constant) { return writeConstant(constant); })
      .Case<arith::AddIOp, arith::AddFOp>([&](auto) { return infix("+", P::Sum); })
      .Case<arith::SubIOp, arith::SubFOp>([&](auto) { return infix("-", P::Sum); })
      .Case<arith::MulIOp, arith::MulFOp>([&](auto) { return infix("*", P::Product); })
      .Case([&](arith::DivFOp) { return infix("/", P::Product); })
      .Case<arith::RemSIOp>([&](auto) {
        features.push_back("import math");
        return Expression{"int(math.fmod(" + text(op->getOperand(0)) + ", " +
                          text(op->getOperand(1)) + "))"};
      })
      .Case<arith::FloorDivSIOp>([&](auto) { return infix("//", P::Product); })
      .Case<arith::MaxSIOp>([&](auto) { return callOfOperands("max"); })
      .Case<arith::MinSIOp>([&](auto) { return callOfOperands("min"); })
      .Case([&](arith::NegFOp) { return prefix("-", P::Sign); })
      .Case([&](arith::AndIOp) { return logical("and", "&", P::And, P::BitAnd); })
      .Case([&](arith::OrIOp) { return logical("or", "|", P::Or, P::BitOr); })
      .Case([&](arith::XOrIOp) { return logical("!=", "^", P::Compare, P::BitXor); })
      .Case([&](arith::CmpIOp compare) { return infix(sign(compare.getPredicate()), P::Compare); })
      .Case([&](arith::CmpFOp compare) -> Maybe {
        if (StringRef text = sign(compare.getPredicate()); !text.empty())
          return infix(text, P::Compare);
        return writeUnordered(compare);
      })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::TruncIOp,
            tensor::CastOp>([&](auto) { return operand(op->getOperand(0)); })
      .Case<arith::SIToFPOp>([&](auto) { return callOfOperands("float"); })
      .Case<arith::ExtUIOp>([&](auto) { return callOfOperands("int"); })
      .Case<ub::PoisonOp>([&](auto) { return Expression{"None"}; })
      .Case([&](arith::SelectOp choice) -> Maybe {
        return Expression{text(choice.getTrueValue(), P::Or) + " if " +
                              text(choice.getCondition(), P::Or) + " else " +
                              text(choice.getFalseValue()),
                          P::Choice};
      })
      .Case([&](CheckedIntOp checked) {
        switch (checked.getKind()) {
        case IntegerKind::add:
          return infix("+", P::Sum);
        case IntegerKind::sub:
          return infix("-", P::Sum);
        case IntegerKind::mul:
          return infix("*", P::Product);
        case IntegerKind::pow:
          return power(text(op->getOperand(1), P::Sign));
        }
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Expression> Writer::writeElementwise() {
  using P = Precedence;
  bool ofArrays = isArray(op->getResult(0));
  return llvm::TypeSwitch<Operation *, Maybe>(op)
      .Case([&](AddOp) { return infix("+", P::Sum); })
      .Case([&](SubOp) { return infix("-", P::Sum); })
      .Case<MulOp, ScaledOp>([&](auto) { return infix("*", P::Product); })
      .Case<DivOp, RatioOp>([&](auto) { return infix("/", P::Product); })
      .Case([&](ModOp) { return infix("%", P::Product); })
      .Case([&](FloorDivOp) { return infix("//", P::Product); })
      .Case([&](PowOp) { return power(text(op->getOperand(1), P::Sign)); })
      .Case([&](SquareOp) { return power("2"); })
      .Case([&](ReciprocalOp) {
        return Expression{"1.0 / " + text(op->getOperand(0), P::Sign), P::Product};
      })
      .Case([&](NegOp) { return prefix("-", P::Sign); })
      .Case([&](NotOp) { return ofArrays ? prefix("~", P::Sign) : prefix("not ", P::Not); })
      .Case([&](AndOp) { return ofArrays ? infix("&", P::BitAnd) : infix("and", P::And); })
      .Case([&](OrOp) { return ofArrays ? infix("|", P::BitOr) : infix("or", P::Or); })
      .Case([&](XorOp) { return infix("^", P::BitXor); })
      .Case([&](ShiftLeftOp) { return infix("<<", P::Shift); })
      .Case([&](ShiftRightOp) { return infix(">>", P::Shift); })
      .Case([&](CompareOp compare) { return infix(sign(compare.getPredicate()), P::Compare); })
      .Case([&](SelectOp choice) {
        if (ofArrays)
          return callOfOperands("np.where");
        return Expression{text(choice.getX(), P::Or) + " if " + text(choice.getCondition(), P::Or) +
                              " else " + text(choice.getY()),
                          P::Choice};
      })
      // In what is written nothing is differentiated any more.
      .Case([&](StopGradientOp stop) { return Expression{text(stop.getX(), P::Atom), P::Atom}; })
      .Case([&](CastOp cast) { return writeCast(cast.getX(), cast.getResult().getType()); })
      .Case([&](SincOp sinc) -> Maybe {
        if (sinc.getOrder() != 0)
          return std::nullopt;
        return call("np.sinc", {text(sinc.getX(), P::Product) + " / np.pi"});
      })
      .Case([&](ErfOp) -> Maybe {
        if (ofArrays)
          return std::nullopt;
        features.push_back("import math");
        return callOfOperands("math.erf");
      })
      // The rest has NumPy's names.
      .Case([&](ElementwiseOpInterface) {
        return callOfOperands(("np." + op->getName().stripDialect()).str());
      })
      .Default([](Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Shapes, parts, reductions, products
//===----------------------------------------------------------------------===//

Expression Writer::writeBroadcast(BroadcastOp broadcast) {
  auto type = cast<RankedTensorType>(broadcast.getResult().getType());
  std::string shape = shapeText(type, broadcast.getSizes(), operand);
  Value x = broadcast.getX();
  if (isArray(x))
    return call("np.broadcast_to", {text(x), shape});
  FloatAttr number;
  bool isWide = !getElementTypeOrSelf(type).isF32();
  auto made = [&](StringRef function, std::vector<std::string> arguments) {
    if (!isWide)
      arguments.push_back("np.float32");
    return call(function, arguments);
  };
  if (matchPattern(x, m_Constant(&number)) && number.getValue().isPosZero())
    return made("np.zeros", {shape});
  if (matchPattern(x, m_Constant(&number)) && number.getValue().isExactlyValue(1.0))
    return made("np.ones", {shape});
  return made("np.full", {shape, text(x)});
}

/// The sum of a number and an extent that may be a sum with a number itself.
static std::string shiftedText(int64_t number, Value extent, OperandText operand) {
  APInt addend;
  Value variable = extent;
  if (auto sum = extent.getDefiningOp<arith::AddIOp>();
      sum && matchPattern(sum.getRhs(), m_ConstantInt(&addend))) {
    number += addend.getSExtValue();
    variable = sum.getLhs();
  }
  std::string text = operand(variable).in(Precedence::Sum);
  if (number == 0)
    return text;
  return text + (number < 0 ? " - " : " + ") + std::to_string(std::abs(number));
}

static bool isConstant(Value value, int64_t wanted) {
  APInt number;
  return matchPattern(value, m_ConstantInt(&number)) && number == wanted;
}

/// Whether a position is the extent less 1.
static bool isLastOf(Value position, Value extent) {
  auto parts = [](Value value) -> std::pair<Value, int64_t> {
    APInt number;
    if (matchPattern(value, m_ConstantInt(&number)))
      return {Value(), number.getSExtValue()};
    if (auto sum = value.getDefiningOp<arith::AddIOp>();
        sum && matchPattern(sum.getRhs(), m_ConstantInt(&number)))
      return {sum.getLhs(), number.getSExtValue()};
    if (auto less = value.getDefiningOp<arith::SubIOp>();
        less && matchPattern(less.getRhs(), m_ConstantInt(&number)))
      return {less.getLhs(), -number.getSExtValue()};
    return {value, 0};
  };
  auto [base, shift] = parts(position);
  auto [whole, extra] = parts(extent);
  return base == whole && shift + 1 == extra;
}

std::string mpy::subscriptOf(Operation *op, OperandText operand) {
  auto list = [&](ValueRange indices) {
    std::vector<std::string> texts;
    for (Value index : indices)
      texts.push_back(operand(index).text);
    return llvm::join(texts, ", ");
  };
  if (auto extract = dyn_cast<ExtractOp>(op))
    return extract.getIndices().empty() ? "()" : list(extract.getIndices());
  if (auto insert = dyn_cast<InsertOp>(op))
    return insert.getIndices().empty() ? "()" : list(insert.getIndices());
  if (auto gather = dyn_cast<GatherOp>(op))
    return list(gather.getIndices());
  if (auto scatter = dyn_cast<ScatterOp>(op))
    return list(scatter.getIndices());
  auto write = [&](Value x, ValueRange offsets, ValueRange sizes, ValueRange strides,
                   ArrayRef<int64_t> dropped) {
    std::vector<std::string> texts;
    auto type = cast<RankedTensorType>(x.getType());
    for (int64_t axis = 0; axis < type.getRank(); ++axis) {
      if (llvm::is_contained(dropped, axis)) {
        texts.push_back(operand(offsets[axis]).text);
        continue;
      }
      bool isUnit = isConstant(strides[axis], 1), isFirst = isConstant(offsets[axis], 0);
      if (isUnit && isFirst && !type.isDynamicDim(axis) &&
          isConstant(sizes[axis], type.getDimSize(axis))) {
        texts.push_back(":");
        continue;
      }
      Expression size = operand(sizes[axis]), offset = operand(offsets[axis]),
                 stride = operand(strides[axis]);
      std::string from = isFirst ? "" : offset.text, to = size.text;
      APInt first, count, step;
      // From the last one to the first.
      if (isConstant(strides[axis], -1) && isLastOf(offsets[axis], sizes[axis])) {
        texts.push_back("::-1");
        continue;
      }
      bool isKnown = matchPattern(offsets[axis], m_ConstantInt(&first)) &&
                     matchPattern(sizes[axis], m_ConstantInt(&count)) &&
                     matchPattern(strides[axis], m_ConstantInt(&step));
      if (isKnown) {
        // The last element is part of it; below 0 there is none to name.
        int64_t last = first.getSExtValue() + (count.getSExtValue() - 1) * step.getSExtValue();
        int64_t end = count.isZero() ? first.getSExtValue() : last + (step.isNegative() ? -1 : 1);
        to = end < 0 ? "" : std::to_string(end);
      } else if (isUnit) {
        to = isFirst ? size.text
             : matchPattern(offsets[axis], m_ConstantInt(&first))
                 ? shiftedText(first.getSExtValue(), sizes[axis], operand)
                 : offset.in(Precedence::Sum) + " + " + size.in(Precedence::Product);
      } else {
        to = offset.in(Precedence::Sum) + " + " + size.in(Precedence::Product) + " * " +
             stride.in(Precedence::Sign);
        if (!matchPattern(strides[axis], m_ConstantInt(&step)) || step.isNegative())
          return std::string();
      }
      texts.push_back(from + ":" + to + (isUnit ? "" : ":" + stride.text));
    }
    return llvm::join(texts, ", ");
  };
  if (auto slice = dyn_cast<SliceOp>(op))
    return write(slice.getX(), slice.getOffsets(), slice.getSizes(), slice.getStrides(),
                 slice.getDropped());
  auto update = cast<UpdateSliceOp>(op);
  return write(update.getX(), update.getOffsets(), update.getSizes(), update.getStrides(),
               update.getDropped());
}

/// The vector that stands in a product as a matrix with one column, or one row.
static Value vectorIn(Value matrix, bool isColumn) {
  auto reshape = matrix.getDefiningOp<ReshapeOp>();
  auto type = dyn_cast<RankedTensorType>(matrix.getType());
  auto from = reshape ? dyn_cast<RankedTensorType>(reshape.getX().getType()) : RankedTensorType();
  bool isVector = from && from.getRank() == 1 && type.getRank() == 2 && matrix.hasOneUse() &&
                  type.getDimSize(isColumn ? 1 : 0) == 1;
  return isVector ? Value(reshape.getX()) : Value();
}

/// A product of a matrix and a vector, whose result is a vector again.
std::optional<Expression> Writer::writeVectorProduct(ReshapeOp reshape) {
  auto product = reshape.getX().getDefiningOp<MatmulOp>();
  auto type = dyn_cast<RankedTensorType>(reshape.getResult().getType());
  if (!product || !type || type.getRank() != 1 || !product->hasOneUse() || product.stack() ||
      product.getSummed())
    return std::nullopt;
  auto matrix = [&](Value value, bool isTransposed, Precedence around) {
    return isTransposed ? text(value, Precedence::Atom) + ".T" : text(value, around);
  };
  if (Value column = vectorIn(product.getY(), !product.getTransposeY()))
    return Expression{matrix(product.getX(), product.getTransposeX(), Precedence::Product) + " @ " +
                          text(column, Precedence::Sign),
                      Precedence::Product};
  if (Value row = vectorIn(product.getX(), product.getTransposeX()))
    return Expression{text(row, Precedence::Product) + " @ " +
                          matrix(product.getY(), product.getTransposeY(), Precedence::Sign),
                      Precedence::Product};
  return std::nullopt;
}

/// A reduction whose axes stay, with extent 1.
std::optional<Expression> Writer::writeKept(ReshapeOp reshape) {
  Operation *reduction = reshape.getX().getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(reshape.getResult().getType());
  if (!type || !isa_and_nonnull<SumOp, ProdOp, MaxOp, MinOp>(reduction) ||
      !reshape.getX().hasOneUse() || !StringRef(operand(reshape.getX()).text).starts_with("np."))
    return std::nullopt;
  auto from = cast<RankedTensorType>(reduction->getOperand(0).getType());
  ArrayRef<int64_t> axes = reduction->getAttrOfType<DenseI64ArrayAttr>("axes").asArrayRef();
  if (type.getRank() != from.getRank() || axes.size() != 1)
    return std::nullopt;
  for (int64_t axis = 0; axis < from.getRank(); ++axis)
    if (axis == axes[0]
            ? type.getDimSize(axis) != 1
            : type.getDimSize(axis) == 1 || type.getDimSize(axis) != from.getDimSize(axis))
      return std::nullopt;
  return call(("np." + reduction->getName().stripDialect()).str(),
              {text(reduction->getOperand(0)), "axis=" + std::to_string(axes[0]), "keepdims=True"});
}

Expression Writer::writeMatmul(MatmulOp product) {
  Value column = vectorIn(product.getX(), !product.getTransposeX());
  if (Value row = vectorIn(product.getY(), product.getTransposeY());
      row && column && !product.getSummed())
    return call("np.outer", {text(column), text(row)});
  auto side = [&](Value value, bool isTransposed, Precedence around) {
    if (!isTransposed)
      return text(value, around);
    bool isStack = cast<RankedTensorType>(value.getType()).getRank() == 3;
    return isStack ? "np.swapaxes(" + text(value) + ", 1, 2)"
                   : text(value, Precedence::Atom) + ".T";
  };
  Expression result{side(product.getX(), product.getTransposeX(), Precedence::Product) + " @ " +
                        side(product.getY(), product.getTransposeY(), Precedence::Sign),
                    Precedence::Product};
  return product.getSummed() ? call("np.sum", {result.text, "axis=0"}) : result;
}

std::optional<Expression> Writer::writeReduction(ArrayRef<int64_t> axes) {
  std::string function = ("np." + op->getName().stripDialect()).str();
  Value x = op->getOperand(0);
  if (axes.size() == size_t(cast<RankedTensorType>(x.getType()).getRank()))
    return call(function, {text(x)});
  std::vector<std::string> numbers;
  for (int64_t axis : axes)
    numbers.push_back(std::to_string(axis));
  std::string list = llvm::join(numbers, ", ");
  return call(function, {text(x), "axis=" + (axes.size() == 1 ? list : "(" + list + ")")});
}

Expression Writer::writeTransform(FourierOp transform) {
  std::string x = text(transform.getX());
  std::string whole = transform.getInverse() ? "np.fft.ifft(" : "np.fft.fft(";
  whole += x + "[..., 0] + 1j * " + x + "[..., 1]";
  whole += transform.getInverse() ? ", norm='forward'" : "";
  if (transform.getBehind())
    whole += ", axis=" + std::to_string(-1 - static_cast<int64_t>(transform.getBehind()));
  return Expression{"np.stack([np.real(" + whole + ")), np.imag(" + whole + "))], axis=-1)"};
}

std::optional<Expression> Writer::writeShape() {
  return llvm::TypeSwitch<Operation *, Maybe>(op)
      .Case([&](tensor::DimOp dim) -> Maybe {
        std::optional<int64_t> axis = dim.getConstantIndex();
        if (!axis)
          return std::nullopt;
        if (*axis == 0)
          return call("len", {text(dim.getSource())});
        return Expression{text(dim.getSource(), Precedence::Atom) + ".shape[" +
                          std::to_string(*axis) + "]"};
      })
      .Case([&](BroadcastOp broadcast) { return writeBroadcast(broadcast); })
      .Case([&](StretchOp stretch) {
        return call(
            "np.broadcast_to",
            {text(stretch.getX()), shapeText(cast<RankedTensorType>(stretch.getResult().getType()),
                                             stretch.getSizes(), operand)});
      })
      .Case([&](UnstretchOp unstretch) {
        features.push_back("unstretch");
        return call("_summed_to",
                    {text(unstretch.getX()),
                     shapeText(cast<RankedTensorType>(unstretch.getResult().getType()),
                               unstretch.getSizes(), operand)});
      })
      .Case([&](ReshapeOp reshape) {
        if (Maybe product = writeVectorProduct(reshape))
          return *product;
        if (Maybe reduction = writeKept(reshape))
          return *reduction;
        auto type = dyn_cast<RankedTensorType>(reshape.getResult().getType());
        if (!type)
          return Expression{text(reshape.getX(), Precedence::Atom) + ".reshape(-1)[0]"};
        return call("np.reshape",
                    {text(reshape.getX()), shapeText(type, reshape.getSizes(), operand)});
      })
      .Case([&](TransposeOp transpose) {
        ArrayRef<int64_t> order = transpose.getPermutation();
        if (order == ArrayRef<int64_t>{1, 0})
          return Expression{text(transpose.getX(), Precedence::Atom) + ".T"};
        std::vector<std::string> numbers;
        for (int64_t axis : order)
          numbers.push_back(std::to_string(axis));
        return call("np.transpose",
                    {text(transpose.getX()), "(" + llvm::join(numbers, ", ") + ")"});
      })
      .Case([&](ConcatOp concat) {
        std::vector<std::string> parts;
        for (Value part : concat.getParts())
          parts.push_back(text(part));
        return call("np.concatenate", {"[" + llvm::join(parts, ", ") + "]",
                                       "axis=" + std::to_string(concat.getAxis())});
      })
      .Case([&](FirstRowsOp rows) { return subscript(rows.getX(), ":" + text(rows.getCount())); })
      .Case([&](PadRowsOp rows) {
        features.push_back("pad_rows");
        return call("_padded", {text(rows.getX()), text(rows.getCount())});
      })
      .Case([&](FromElementsOp elements) {
        std::vector<std::string> texts;
        for (Value element : elements.getElements())
          texts.push_back(text(element));
        auto type = cast<RankedTensorType>(elements.getResult().getType());
        Expression array = call("np.array", {"[" + llvm::join(texts, ", ") + "]"});
        if (getElementTypeOrSelf(type).isF32())
          array = call("np.array", {"[" + llvm::join(texts, ", ") + "]", "np.float32"});
        if (type.getRank() != 1)
          array.text += ".reshape(" + shapeText(type, {}, operand) + ")";
        return array;
      })
      .Case([&](IotaOp iota) {
        return call("np.arange", {shapeText(cast<RankedTensorType>(iota.getResult().getType()),
                                            iota.getSizes(), operand)});
      })
      .Case<SliceOp, ExtractOp, GatherOp>([&](auto part) -> Maybe {
        std::string inside = subscriptOf(op, operand);
        return inside.empty() ? Maybe() : subscript(op->getOperand(0), inside);
      })
      .Case([&](NormalizeIndexOp index) { return operand(index.getIndex()); })
      .Case([&](NonzeroOp) { return callOfOperands("np.flatnonzero"); })
      .Case([&](FourierOp transform) { return writeTransform(transform); })
      .Case([&](ArgsortOp sort) {
        return call("np.argsort", {text(sort.getX()), "axis=-1", "kind='stable'"});
      })
      .Case<SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp>(
          [&](auto reduction) { return writeReduction(reduction.getAxes()); })
      .Case<ArgMaxOp, ArgMinOp>(
          [&](auto reduction) { return writeReduction({int64_t(reduction.getAxis())}); })
      .Case([&](CumsumOp sums) {
        std::string axis = "axis=" + std::to_string(sums.getAxis()), x = text(sums.getX());
        if (!sums.getReverse())
          return call("np.cumsum", {x, axis});
        return call("np.flip", {"np.cumsum(np.flip(" + x + ", " + axis + "), " + axis + ")", axis});
      })
      .Case([&](MatmulOp product) { return writeMatmul(product); })
      .Case([&](RuntimeCallOp call) -> Maybe {
        StringRef name = call.getCallee();
        if (!name.consume_front("mpy_math_"))
          return std::nullopt;
        features.push_back("import math");
        return callOfOperands(("math." + name).str());
      })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Expression> Writer::write() {
  Maybe result = writeArithmetic();
  if (!result)
    result = writeElementwise();
  if (!result)
    result = writeShape();
  if (!result)
    return result;
  for (Value value : op->getOperands())
    result->reads |= isArray(value) || operand(value).reads;
  return result;
}

std::optional<Expression> mpy::expressionOf(Operation *op, OperandText operand,
                                            SmallVectorImpl<std::string> &features) {
  return Writer(op, operand, features).write();
}
