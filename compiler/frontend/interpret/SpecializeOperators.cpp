// Which rule an operator follows: numbers, arrays, text, sequences, dicts and sets, or the operator
// method of a class.
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/Builtins.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "frontend/interpret/Prelude.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mpy {

using Op = ast::BinaryOperator;
using Compare = ast::CompareOperator;

static const char *methodName(Op op) {
  static const char *const names[] = {"add", "sub", "mul",     "matmul", "truediv",
                                      "mod", "pow", "lshift",  "rshift", "or",
                                      "xor", "and", "floordiv"};
  return names[static_cast<int>(op)];
}

/// Sequence * int, with the count known.
static ValueList repeat(Specializer &s, const ValueList &items, const Value &count) {
  auto times = s.knownInt(count);
  if (auto *scalar = count.get<Scalar>(); scalar && !times)
    s.intExpr(*scalar); // Reports what is not an integer.
  if (!times)
    s.fail(ErrorId::UnknownLength, {"a repeated sequence"},
           {.help = "repeat an array: np.tile, np.full"});
  ValueList result;
  for (int64_t i = 0; i < *times; ++i) {
    if (result.size() > Specializer::maximumUnrolled)
      s.fail(ErrorId::UnrollsTooFar, {"this sequence"}, {.help = "use an array"});
    result.insert(result.end(), items.begin(), items.end());
  }
  return result;
}

static ValueList joined(Specializer &s, const ValueList &a, const ValueList &b) {
  s.countCopies(a.size() + b.size());
  ValueList result = a;
  result.insert(result.end(), b.begin(), b.end());
  return result;
}

/// `|`, `&`, `-`, `^` of sets and views of dicts, `|` of dicts.
static std::optional<Value> dictBinary(Specializer &s, Op op, const Value &lhs, const Value &rhs) {
  auto *leftDict = s.object<DictState>(lhs), *rightDict = s.object<DictState>(rhs);
  DictState left, right;
  bool areDicts = leftDict && rightDict && !leftDict->isSet && !rightDict->isSet;
  auto *x = areDicts ? leftDict : setIn(s, lhs, left);
  if (!x)
    return std::nullopt;
  auto *y = areDicts ? rightDict : setIn(s, rhs, right);
  if (!y && lhs.as<IterableValue>()) {
    // A view takes any iterable.
    auto items = s.knownItems(s.iterated(rhs, /*isAnyOrder=*/true));
    if (!items)
      needRunTimeKeys(s, x, rhs);
    y = s.object<DictState>(s.makeSet(*items, Span()));
  }
  if (!y)
    return std::nullopt;
  s.knownItems(lhs); // Fails where the items are not certain.
  if (s.object<DictState>(rhs))
    s.knownItems(rhs);
  const DictState first = *x, second = *y;
  DictState result;
  result.isSet = first.isSet;
  result.origin = first.origin;
  if (op == Op::BitOr) {
    result.entries = first.entries;
    for (auto &entry : second.entries)
      s.setEntry(result, entry.first, entry.second);
  } else if (result.isSet && (op == Op::BitAnd || op == Op::Sub || op == Op::BitXor)) {
    for (auto &entry : first.entries)
      if (hasKey(s, second, entry.first) == (op == Op::BitAnd))
        result.entries.push_back(entry);
    if (op == Op::BitXor)
      for (auto &entry : second.entries)
        if (!hasKey(s, first, entry.first))
          result.entries.push_back(entry);
  } else {
    return std::nullopt;
  }
  return Value(ObjectRef{s.heap.add(std::move(result))});
}

static std::optional<Value> containerBinary(Specializer &s, Op op, const Value &lhs,
                                            const Value &rhs) {
  auto *leftText = lhs.get<Text>(), *rightText = rhs.get<Text>();
  if (leftText && op == Op::Mod)
    return Value(s.percentFormat(*leftText, rhs));
  if (leftText && rightText && op == Op::Add)
    return Value(s.concat({*leftText, *rightText}));
  if (op == Op::Mult && (leftText || rightText)) {
    const Value &count = leftText ? rhs : lhs;
    const Text &text = leftText ? *leftText : *rightText;
    auto *scalar = count.get<Scalar>();
    if (!scalar)
      return std::nullopt;
    s.intExpr(*scalar); // Reports what is not an integer.
    if (auto times = s.knownInt(count);
        times && !text.value && *times * int64_t(text.known.size()) < 100000) {
      std::string result;
      for (int64_t i = 0; i < *times; ++i)
        result += text.known;
      return Value(s.makeText(result));
    }
    mlir::Value result =
        s.create<RuntimeCallOp>(mlir::TypeRange(StringType::get(s.context())), "mpy_string_repeat",
                                mlir::ValueRange{s.ssa(text), s.ssaAs(*scalar, DType::Int64)}, true)
            .getResult(0);
    return Value(Text{"", result});
  }
  auto *leftList = s.object<ListState>(lhs), *rightList = s.object<ListState>(rhs);
  if (leftList && rightList && op == Op::Add)
    return s.newList(joined(s, leftList->items, rightList->items));
  if (auto result = runTimeListBinary(s, op, lhs, rhs))
    return *result;
  auto *leftTuple = lhs.as<TupleValue>(), *rightTuple = rhs.as<TupleValue>();
  if (leftTuple && rightTuple && op == Op::Add)
    return s.newTuple(joined(s, leftTuple->items, rightTuple->items));
  if (op == Op::Mult) {
    if ((leftList || rightList) && (lhs.get<Scalar>() || rhs.get<Scalar>()))
      return s.newList(leftList ? repeat(s, leftList->items, rhs)
                                : repeat(s, rightList->items, lhs));
    if ((leftTuple || rightTuple) && (lhs.get<Scalar>() || rhs.get<Scalar>()))
      return s.newTuple(leftTuple ? repeat(s, leftTuple->items, rhs)
                                  : repeat(s, rightTuple->items, lhs));
  }
  return dictBinary(s, op, lhs, rhs);
}

/// Values of Python's own types and of classes of the program: what operators do with them is all
/// known.
static bool isPlain(Specializer &s, const Value &value) {
  if (auto *scalar = value.get<Scalar>())
    return !scalar->isMixed() && isPython(scalar->kind);
  if (s.classOf(value))
    return runTimeDictKind(s, value).empty();
  return value.get<Text>() || value.isNone() || value.as<TupleValue>() ||
         s.object<ListState>(value) || runTimeListOf(s, value) || s.object<DictState>(value) ||
         value.as<RangeValue>() || value.as<SliceValue>() || value.as<ClosureValue>() ||
         value.as<BoundMethodValue>();
}

/// Operands that Python refuses: an error where the program certainly gets here, else its
/// exception.
[[noreturn]] static void failOperands(Specializer &s, llvm::StringRef op, const Value &lhs,
                                      const Value &rhs, const std::string &message) {
  if (s.isCertain() || !isPlain(s, lhs) || !isPlain(s, rhs))
    s.fail(ErrorId::OperandTypes, {op.str(), s.describe(lhs), s.describe(rhs)});
  s.raiseHere("TypeError", message);
  throw PathEnds();
}

/// What Python says of operands that it refuses; `isInPlace`: for `x += y`.
static std::string refusalOf(Specializer &s, Op op, const Value &lhs, const Value &rhs,
                             bool isInPlace) {
  std::string left = s.typeName(lhs), right = s.typeName(rhs);
  auto isSequence = [&](const Value &value) {
    return value.get<Text>() || value.as<TupleValue>() || s.object<ListState>(value) ||
           runTimeListOf(s, value);
  };
  // Text and tuples have no `+=` of their own.
  bool isImmutable = lhs.get<Text>() || lhs.as<TupleValue>();
  if (op == Op::Add && isSequence(lhs) && (isImmutable || !isInPlace))
    return "can only concatenate " + left + " (not \"" + right + "\") to " + left;
  if (op == Op::Mult && (isSequence(lhs) || isSequence(rhs)))
    return "can't multiply sequence by non-int of type '" + (isSequence(lhs) ? right : left) + "'";
  std::string text = ast::operatorText(op).str();
  if (op == Op::Pow)
    text = isInPlace ? "**=" : "** or pow()";
  else if (isInPlace)
    text += "=";
  return "unsupported operand type(s) for " + text + ": '" + left + "' and '" + right + "'";
}

void Specializer::presentOperands(const std::string &op, Value &lhs, Value &rhs) {
  auto inside = [](const Value &value) {
    auto *optional = value.as<OptionalValue>();
    return optional && optional->orNone ? optional : nullptr;
  };
  auto *x = inside(lhs), *y = inside(rhs);
  if (!x && !y && !lhs.get<ConflictValue>() && !rhs.get<ConflictValue>())
    return;
  Value left = x ? x->value : lhs, right = y ? y->value : rhs;
  auto text = [&](const std::string &first, const std::string &second) {
    bool isOrder = op == "<" || op == ">" || op == "<=" || op == ">=";
    return typeError(isOrder
                         ? "'" + op + "' not supported between instances of '" + first + "' and '" +
                               second + "'"
                         : "unsupported operand type(s) for " + (op == "**" ? "** or pow()" : op) +
                               ": '" + first + "' and '" + second + "'");
  };
  auto isNumber = [](const Value &value) {
    auto *scalar = value.get<Scalar>();
    return scalar && !scalar->isMixed() && isPython(scalar->kind);
  };
  // Others have rules for None of their own.
  bool refusesLeft = isNumber(right) || ((op == "+" || op == "+=") && isPlain(*this, right));
  if (x && y) {
    WhenNone both = text("NoneType", "NoneType");
    check(create<arith::OrIOp>(x->present, y->present), both.kind, both.message);
  }
  lhs = present(lhs, "the left operand of '" + op + "'",
                refusesLeft ? text("NoneType", typeName(right)) : WhenNone());
  rhs = present(rhs, "the right operand of '" + op + "'",
                isNumber(left) ? text(typeName(left), "NoneType") : WhenNone());
}

/// The result of a method, unless there is none or it leaves the operation to others.
static std::optional<Value> implemented(Specializer &s, const Value &object,
                                        const std::string &method, const Value &argument) {
  auto result = s.callMethod(object, method, {argument});
  return result && !result->get<NotImplementedValue>() ? result : std::nullopt;
}

/// Whether the class of the right operand is one that is made from the class of the left.
static bool isOfSubclass(Specializer &s, const Value &lhs, const Value &rhs) {
  auto x = s.classOf(lhs), y = s.classOf(rhs);
  return x && y && *x != *y && llvm::is_contained(s.heap.get<ClassState>(*y)->resolution, *x);
}

/// `a + b` by `a.__add__(b)`, else `b.__radd__(a)`, which comes first where the class of b is made
/// from that of a and has another one.
static std::optional<Value> operatorMethod(Specializer &s, const std::string &name,
                                           const Value &lhs, const Value &rhs) {
  auto x = s.classOf(lhs), y = s.classOf(rhs);
  std::string plain = "__" + name + "__", reflected = "__r" + name + "__";
  bool isReflected = y && x != y;
  if (isReflected && isOfSubclass(s, lhs, rhs)) {
    Value own = s.classAttribute(*y, reflected);
    if (!own.isUnbound() && !isIdentical(own, s.classAttribute(*x, reflected))) {
      if (auto result = implemented(s, rhs, reflected, lhs))
        return result;
      isReflected = false;
    }
  }
  if (x)
    if (auto result = implemented(s, lhs, plain, rhs))
      return result;
  return isReflected ? implemented(s, rhs, reflected, lhs) : std::nullopt;
}

static Value applyOperator(Specializer &s, Op op, const Value &lhs, const Value &rhs,
                           bool isInPlace) {
  // Text on the left formats whatever stands on the right; it never leaves `%` to it.
  bool isFormat = op == Op::Mod && lhs.get<Text>();
  if (auto result = isFormat ? std::nullopt : operatorMethod(s, methodName(op), lhs, rhs))
    return *result;
  // A sequence is repeated by what has an __index__.
  auto isRepeated = [&](const Value &sequence, const Value &count) {
    bool isSequence =
        sequence.get<Text>() || sequence.as<TupleValue>() || s.object<ListState>(sequence);
    auto cls = s.classOf(count);
    return op == Op::Mult && isSequence && cls && !s.classAttribute(*cls, "__index__").isUnbound();
  };
  if (isRepeated(lhs, rhs))
    if (auto count = s.callMethod(rhs, "__index__", {}))
      return applyOperator(s, op, lhs, *count, isInPlace);
  if (isRepeated(rhs, lhs))
    if (auto count = s.callMethod(lhs, "__index__", {}))
      return applyOperator(s, op, *count, rhs, isInPlace);
  auto *x = lhs.get<Scalar>(), *y = rhs.get<Scalar>();
  if (x && y) {
    bool ofIntegers = op == Op::LShift || op == Op::RShift || op == Op::BitAnd || op == Op::BitOr ||
                      op == Op::BitXor;
    auto isReal = [](const Scalar &scalar) {
      return !scalar.isMixed() && isFloat(dtypeOf(scalar.kind));
    };
    if (ofIntegers && (isReal(*x) || isReal(*y)))
      s.fail(ErrorId::OperandTypes,
             {ast::operatorText(op).str(), s.describe(lhs), s.describe(rhs)});
    return s.scalarBinary(op, *x, *y);
  }
  auto isSequence = [&](const Value &value) {
    return s.object<ListState>(value) || runTimeListOf(s, value) || value.as<TupleValue>();
  };
  // NumPy's integers repeat a list as Python's do.
  bool repeats = op == Op::Mult && (isSequence(lhs) || isSequence(rhs));
  auto isNumpy = [&](const Value &value) {
    auto *scalar = value.get<Scalar>();
    bool isCount = repeats && scalar && !isFloat(dtypeOf(scalar->kind));
    return s.isArray(value) || (scalar && !isPython(scalar->kind) && !isCount);
  };
  if ((isNumpy(lhs) || isNumpy(rhs)) && (isNumpy(lhs) || x || isSequence(lhs)) &&
      (isNumpy(rhs) || y || isSequence(rhs)))
    return arrayBinary(s, op, lhs, rhs);
  if (auto result = containerBinary(s, op, lhs, rhs))
    return *result;
  failOperands(s, ast::operatorText(op), lhs, rhs, refusalOf(s, op, lhs, rhs, isInPlace));
}

Value Specializer::binary(Op op, const Value &left, const Value &right) {
  if (dead)
    return NoneValue{};
  Value lhs = left, rhs = right;
  presentOperands(ast::operatorText(op).str(), lhs, rhs);
  return applyOperator(*this, op, lhs, rhs, /*isInPlace=*/false);
}

Value binaryInPlace(Specializer &s, Op op, const Value &lhs, const Value &rhs) {
  return s.dead ? Value(NoneValue{}) : applyOperator(s, op, lhs, rhs, /*isInPlace=*/true);
}

Value Specializer::unary(ast::UnaryOperator op, const Value &operand) {
  if (dead)
    return NoneValue{};
  using Unary = ast::UnaryOperator;
  if (op == Unary::Not)
    return negate(truth(operand));
  if (operand.as<OptionalValue>() || operand.get<ConflictValue>())
    return unary(
        op,
        present(
            operand, "the operand",
            typeError(
                ("bad operand type for unary " + ast::operatorText(op) + ": 'NoneType'").str())));
  if (isArray(operand))
    return arrayUnary(*this, op, operand);
  if (isOfClass(operand)) {
    const char *name = op == Unary::USub ? "__neg__" : op == Unary::UAdd ? "__pos__" : "__invert__";
    if (auto result = callMethod(operand, name, {}))
      return *result;
  }
  auto *scalar = operand.get<Scalar>();
  if (!scalar && isPlain(*this, operand) && !isCertain())
    return raiseHere("TypeError", ("bad operand type for unary " + ast::operatorText(op) + ": '" +
                                   typeName(operand) + "'")
                                      .str());
  if (!scalar)
    fail(ErrorId::OperandType, {ast::operatorText(op).str(), describe(operand)});
  if (scalar->isMixed())
    return eachKind(*this, *scalar, [&](const Scalar &one) { return unary(op, one); });
  if (op == Unary::UAdd)
    return scalar->kind == ScalarKind::PyBool ? Value(makeInt(intExpr(*scalar))) : operand;
  if (op == Unary::Invert) {
    if (isFloat(scalar->kind) && !isCertain())
      return raiseHere("TypeError", "bad operand type for unary ~: '" + typeName(operand) + "'");
    if (isFloat(scalar->kind))
      fail(ErrorId::OperandType, {"~", describe(operand)});
    if (scalar->kind == ScalarKind::PyBool || scalar->kind == ScalarKind::PyInt)
      return scalarBinary(Op::Sub, makeInt(IntExpr(-1)), makeInt(intExpr(*scalar)));
    return makeScalar(scalar->kind, create<NotOp>(ssa(*scalar)));
  }
  if (isPython(scalar->kind) && !isFloat(scalar->kind))
    return scalarBinary(Op::Mult, *scalar, makeInt(IntExpr(-1)));
  if (scalar->kind == ScalarKind::Bool)
    fail(ErrorId::OperandType, {"-", describe(operand)}, {.help = "write ~x or not x"});
  Scalar result = makeScalar(scalar->kind, nullptr);
  if (scalar->knownFloat && !scalar->value) {
    result.knownFloat = -*scalar->knownFloat;
    return result;
  }
  result = makeScalar(scalar->kind, create<NegOp>(ssa(*scalar)));
  if (scalar->knownFloat)
    result.knownFloat = -*scalar->knownFloat;
  return result;
}

std::optional<bool> Specializer::sameObject(const Value &lhs, const Value &rhs) {
  if (lhs.data.index() != rhs.data.index()) {
    // Numbers of different types can be equal; nothing else can.
    return false;
  }
  if (lhs.isNone() || lhs.get<EllipsisValue>() || lhs.get<NotImplementedValue>())
    return true;
  if (auto *x = lhs.get<Text>()) {
    auto *y = rhs.get<Text>();
    return x->value || y->value ? std::nullopt : std::optional<bool>(x->known == y->known);
  }
  if (auto *x = lhs.get<Scalar>()) {
    auto *y = rhs.get<Scalar>();
    if (x->isMixed() || y->isMixed())
      return std::nullopt;
    Scalar result = scalarCompare(Compare::Eq, *x, *y);
    return result.knownBool;
  }
  if (auto *x = lhs.get<DType>())
    return *x == *rhs.get<DType>();
  if (auto *x = lhs.get<DTypeObject>())
    return x->type == rhs.get<DTypeObject>()->type;
  if (auto *x = lhs.get<ObjectRef>())
    return *x == *rhs.get<ObjectRef>();
  if (auto *x = lhs.get<const LibraryValue *>())
    return *x == *rhs.get<const LibraryValue *>();
  if (auto *x = lhs.as<TupleValue>()) {
    auto *y = rhs.as<TupleValue>();
    if (x->items.size() != y->items.size())
      return false;
    for (size_t i = 0; i < x->items.size(); ++i) {
      auto same = sameObject(x->items[i], y->items[i]);
      if (!same || !*same)
        return same;
    }
    return true;
  }
  if (auto *x = lhs.as<ClosureValue>()) {
    auto *y = rhs.as<ClosureValue>();
    return x == y;
  }
  if (auto *x = lhs.as<RowValue>()) {
    auto *y = rhs.as<RowValue>();
    return x->cls != y->cls ? std::optional(false) : isSameRow(*this, *x, *y).knownBool;
  }
  if (auto *x = lhs.as<ModuleValue>())
    return x->name == rhs.as<ModuleValue>()->name;
  return std::nullopt;
}

static Value compareText(Specializer &s, Compare op, const Text &x, const Text &y) {
  if (!x.value && !y.value) {
    int order = x.known.compare(y.known);
    return s.scalarCompare(op, s.makeInt(IntExpr(order < 0 ? -1 : order > 0)),
                           s.makeInt(IntExpr(0)));
  }
  mlir::Value order =
      s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI64Type()), "mpy_string_compare",
                              mlir::ValueRange{s.ssa(x), s.ssa(y)}, false)
          .getResult(0);
  return s.scalarCompare(op, s.makeInt(order), s.makeInt(IntExpr(0)));
}

/// The order of lists and tuples: the first difference, from a position on, decides.
static Value orderOf(Specializer &s, Compare op, const ValueList &a, const ValueList &b,
                     size_t from = 0) {
  if (from == std::min(a.size(), b.size()))
    return s.scalarCompare(op, s.makeInt(IntExpr(int64_t(a.size()))),
                           s.makeInt(IntExpr(int64_t(b.size()))));
  Value x = a[from], y = b[from];
  Scalar same = sameItem(s, x, y);
  if (same.knownBool)
    return *same.knownBool ? orderOf(s, op, a, b, from + 1) : s.compare(op, x, y);
  return s.branchValue(
      s.ssa(same), [&] { return Value(s.truth(orderOf(s, op, a, b, from + 1))); },
      [&] { return Value(s.truth(s.compare(op, x, y))); });
}

static Value contains(Specializer &s, const Value &item, const Value &container) {
  if (auto *text = container.get<Text>()) {
    auto *part = item.get<Text>();
    if (!part)
      s.fail(ErrorId::OperandTypes, {"in", s.describe(item), "str"});
    if (!text->value && !part->value)
      return s.makeBool(text->known.find(part->known) != std::string::npos);
    mlir::Value found =
        s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI1Type()), "mpy_string_contains",
                                mlir::ValueRange{s.ssa(*text), s.ssa(*part)}, false)
            .getResult(0);
    return s.makeScalar(ScalarKind::PyBool, found);
  }
  if (auto result = s.callMethod(container, "__contains__", {item}))
    return s.truth(*result);
  if (auto *range = container.as<RangeValue>())
    return rangeContains(s, *range, item);
  ValueList items;
  if (auto *dict = s.object<DictState>(container)) {
    if (std::string type = unhashableType(s, item); !type.empty())
      return s.raiseHere("TypeError", "unhashable type: '" + type + "'");
    for (auto &entry : dict->entries) {
      auto *optional = entry.second.as<OptionalValue>();
      bool isCertain = !optional || optional->orNone;
      if (isCertain ? s.classOf(entry.first) && s.sameKey(entry.first, item, dict)
                    : s.sameKey(entry.first, item, dict))
        return isCertain ? Value(s.makeBool(true))
                         : Value(s.makeScalar(ScalarKind::PyBool, optional->present));
      if (isCertain && !s.classOf(entry.first))
        items.push_back(entry.first);
    }
  } else if (s.isArray(container)) {
    Value equal = arrayCompare(s, Compare::Eq, container, item);
    const LibraryValue *any = findLibraryFunction("numpy.any");
    return s.truth(s.call(any, CallArguments{{equal}, {}, s.span}));
  } else if (auto known = s.knownItems(container)) {
    items = *known;
  } else if (runTimeListOf(s, container)) {
    CallArguments search{{container, item}, {}, s.span};
    Value count = *runTimeListMethod(s, "count", search);
    return s.scalarCompare(Compare::Gt, *count.get<Scalar>(), s.makeInt(IntExpr(0)));
  } else if (s.isOfClass(container) && !s.isIterator(container) &&
             s.classAttribute(*s.classOf(container), "__iter__").isUnbound() &&
             s.classAttribute(*s.classOf(container), "__getitem__").isUnbound()) {
    return s.raiseHere("TypeError",
                       "argument of type '" + s.typeName(container) + "' is not iterable");
  } else if (container.as<IterableValue>() || s.isOfClass(container)) {
    return anyItem(s, container,
                   [&](const Value &candidate) { return sameItem(s, candidate, item); });
  } else {
    s.fail(ErrorId::NotIterable, {s.describe(container)});
  }
  Scalar result = s.makeBool(false);
  for (auto &candidate : items) {
    Scalar same = sameItem(s, candidate, item);
    if (same.knownBool == true && result.knownBool == false)
      return same;
    result = s.scalarBinary(Op::BitOr, result, same);
  }
  return result;
}

/// Which function or object was chosen by run-time data is not compared.
static void refuseChoice(Specializer &s, const Value &lhs, const Value &rhs) {
  if (lhs.as<ChoiceValue>() || rhs.as<ChoiceValue>())
    s.fail(ErrorId::Unsupported, {"comparing a function that is one of several"},
           {.help = "compare what it was chosen by"});
}

/// `is`: identity of objects; None and truth values are single.
/// A method that a class of the library has for the compiler alone, bound to an instance.
static std::optional<Value> ofLibraryClass(Specializer &s, const Value &value, const char *name) {
  auto *instance = s.object<InstanceState>(value);
  if (!instance)
    return std::nullopt;
  Value method = s.classAttribute(instance->cls, name);
  if (!method.as<ClosureValue>() || !method.as<ClosureValue>()->library)
    return std::nullopt;
  return std::make_shared<const BoundMethodValue>(BoundMethodValue{value, method});
}

static Value identity(Specializer &s, const Value &lhs, const Value &rhs) {
  auto mayBeNone = [](const Value &value) {
    return value.as<OptionalValue>() && value.as<OptionalValue>()->orNone;
  };
  for (auto *side : {&lhs, &rhs}) {
    const Value &other = side == &lhs ? rhs : lhs;
    auto *optional = side->as<OptionalValue>();
    if (optional && optional->orNone && other.isNone())
      return s.negate(s.makeScalar(ScalarKind::PyBool, optional->present));
  }
  if (mayBeNone(lhs))
    return s.eitherWay(lhs, [&](const Value &value) { return identity(s, value, rhs); });
  if (mayBeNone(rhs))
    return s.eitherWay(rhs, [&](const Value &value) { return identity(s, lhs, value); });
  if (lhs.isNone() || rhs.isNone())
    return s.makeBool(lhs.isNone() && rhs.isNone());
  if (lhs.get<Scalar>() && rhs.get<Scalar>()) {
    if (lhs.get<Scalar>()->kind == ScalarKind::PyBool &&
        rhs.get<Scalar>()->kind == ScalarKind::PyBool)
      return s.scalarCompare(Compare::Eq, *lhs.get<Scalar>(), *rhs.get<Scalar>());
    s.fail(ErrorId::IdentityOfNumbers, {}, {.help = "write =="});
  }
  if (auto same = ofLibraryClass(s, lhs, "_is"))
    return s.call(*same, CallArguments{{rhs}, {}, s.span});
  refuseChoice(s, lhs, rhs);
  if (auto *x = lhs.as<RowValue>(), *y = rhs.as<RowValue>(); x && y)
    return isSameRow(s, *x, *y);
  if (auto one = itemIdentity(s, lhs, rhs))
    return *one;
  auto same = s.sameObject(lhs, rhs);
  if (!same)
    return s.makeBool(isIdentical(lhs, rhs));
  return s.makeBool(*same);
}

/// What a class says of `a op b`. Where it has no `__ne__` that is the opposite of its `__eq__`.
static std::optional<Value> ownComparison(Specializer &s, Compare op, const Value &lhs,
                                          const Value &rhs) {
  static const char *const methods[] = {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"};
  if (!s.classOf(lhs))
    return std::nullopt;
  bool isOwn = !s.classAttribute(*s.classOf(lhs), methods[static_cast<int>(op)]).isUnbound();
  if (isOwn || op != Compare::NotEq)
    return implemented(s, lhs, methods[static_cast<int>(op)], rhs);
  auto equal = implemented(s, lhs, "__eq__", rhs);
  return equal ? std::optional(Value(s.negate(s.truth(*equal)))) : std::nullopt;
}

/// `a < b` by `a.__lt__(b)`, else `b.__gt__(a)`, which comes first where the class of b is made
/// from that of a.
static std::optional<Value> comparisonMethod(Specializer &s, Compare op, const Value &lhs,
                                             const Value &rhs) {
  static const Compare mirrored[] = {Compare::Eq,  Compare::NotEq, Compare::Gt,
                                     Compare::GtE, Compare::Lt,    Compare::LtE};
  Compare reflected = mirrored[static_cast<int>(op)];
  bool isFirst = isOfSubclass(s, lhs, rhs);
  if (isFirst)
    if (auto result = ownComparison(s, reflected, rhs, lhs))
      return result;
  if (auto result = ownComparison(s, op, lhs, rhs))
    return result;
  return isFirst ? std::nullopt : ownComparison(s, reflected, rhs, lhs);
}

Value Specializer::compare(Compare op, const Value &left, const Value &right) {
  if (dead)
    return NoneValue{};
  if (op == Compare::Is || op == Compare::IsNot) {
    Value same = identity(
        *this, left.get<ConflictValue>() ? present(left, "the left operand") : left, right);
    return op == Compare::Is ? same : Value(negate(truth(same)));
  }
  if (op == Compare::In || op == Compare::NotIn) {
    Value container =
        present(right, "the container", typeError("argument of type 'NoneType' is not iterable"));
    if (container.as<ModuleValue>())
      container = iterated(container);
    Value given = container.get<Text>()
                      ? present(left, "the item",
                                typeError("'in <string>' requires string as left operand, not "
                                          "NoneType"))
                      : bound(left, "the item");
    Value found =
        eitherWay(given, [&](const Value &item) { return contains(*this, item, container); });
    return op == Compare::In ? found : Value(negate(truth(found)));
  }
  if (op == Compare::Eq || op == Compare::NotEq) {
    if (left.as<OptionalValue>() || left.get<ConflictValue>())
      return eitherWay(bound(left, "the left operand"),
                       [&](const Value &value) { return compare(op, value, right); });
    if (right.as<OptionalValue>() || right.get<ConflictValue>())
      return eitherWay(bound(right, "the right operand"),
                       [&](const Value &value) { return compare(op, left, value); });
  }
  Value lhs = left, rhs = right;
  presentOperands(ast::operatorText(op).str(), lhs, rhs);
  if (auto result = comparisonMethod(*this, op, lhs, rhs))
    return *result;
  auto *x = lhs.get<Scalar>(), *y = rhs.get<Scalar>();
  if (x && y)
    return scalarCompare(op, *x, *y);
  bool equality = op == Compare::Eq || op == Compare::NotEq;
  auto isText = [](const Value &value) { return value.get<Text>() != nullptr; };
  if (isArray(lhs) || isArray(rhs)) {
    if (isText(lhs) || isText(rhs) || lhs.isNone() || rhs.isNone())
      fail(ErrorId::OperandTypes, {ast::operatorText(op).str(), describe(lhs), describe(rhs)},
           {.help = "write 'is None'"});
    return arrayCompare(*this, op, lhs, rhs);
  }
  if (isText(lhs) && isText(rhs))
    return compareText(*this, op, *lhs.get<Text>(), *rhs.get<Text>());
  auto *leftList = object<ListState>(lhs), *rightList = object<ListState>(rhs);
  auto *leftTuple = lhs.as<TupleValue>(), *rightTuple = rhs.as<TupleValue>();
  // Lists and tuples, of which one at least has a length that is run-time data.
  bool isCounted =
      (runTimeListOf(*this, lhs) && (rightList || rightTuple || runTimeListOf(*this, rhs))) ||
      ((leftList || leftTuple) && runTimeListOf(*this, rhs));
  auto isTuple = [&](const Value &value) {
    return value.as<TupleValue>() || isRunTimeTuple(*this, value);
  };
  if (isCounted && !equality && isTuple(lhs) == isTuple(rhs))
    return orderRunTimeLists(*this, op, lhs, rhs);
  if (equality) {
    Value same = makeBool(false);
    if (isCounted && isTuple(lhs) == isTuple(rhs))
      same = sameRunTimeLists(*this, lhs, rhs);
    else if (isCounted)
      same = makeBool(false);
    else if (leftList && rightList)
      same = compareItems(*this, leftList->items, rightList->items);
    else if (leftTuple && rightTuple)
      same = compareItems(*this, leftTuple->items, rightTuple->items);
    else if (auto equal = equalByValue(*this, lhs, rhs))
      same = *equal;
    else if (lhs.get<DTypeObject>() || rhs.get<DTypeObject>()) {
      // Whatever names the element type is equal to it: its class, Python's type, its name.
      auto left = dtypeNamedBy(*this, lhs), right = dtypeNamedBy(*this, rhs);
      same = makeBool(left && right && *left == *right);
    } else {
      refuseChoice(*this, lhs, rhs);
      auto one = itemIdentity(*this, lhs, rhs);
      same = one ? *one : makeBool(sameObject(lhs, rhs).value_or(isIdentical(lhs, rhs)));
    }
    return op == Compare::Eq ? same : Value(negate(truth(same)));
  }
  if ((leftTuple && rightTuple) || (leftList && rightList)) {
    // Lexicographic order: the first difference decides.
    const ValueList &a = leftTuple ? leftTuple->items : leftList->items,
                    &b = rightTuple ? rightTuple->items : rightList->items;
    return orderOf(*this, op, ValueList(a), ValueList(b));
  }
  if (auto order = orderSets(*this, op, lhs, rhs))
    return *order;
  std::string text = ast::operatorText(op).str();
  failOperands(*this, text, lhs, rhs,
               "'" + text + "' not supported between instances of '" + typeName(lhs) + "' and '" +
                   typeName(rhs) + "'");
}

} // namespace mpy
