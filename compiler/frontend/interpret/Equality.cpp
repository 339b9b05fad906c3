// Equality as Python's containers ask for it, and hashes.
//
//   nan in [nan]   =>   one object: True            (1, nan) == (1, nan)   =>   True
//   a.keys() == b.keys()   =>   as sets             slice(1) == slice(1)   =>   by their bounds
#include "frontend/interpret/Equality.h"
#include "frontend/arrays/ComplexNumbers.h"
#include "frontend/containers/Ranges.h"
#include "frontend/containers/Rows.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace mlir;

namespace mpy {

using Compare = ast::CompareOperator;

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

/// Whether a number is a new object wherever its operation runs; others hand on what they are
/// given.
static bool isMadeAnew(mlir::Value number) {
  Operation *op = number.getDefiningOp();
  bool isPart = !op || op->getNumRegions() > 0 || isa<ExtractOp, SelectOp, arith::SelectOp>(op);
  return !isPart && op->getName().getDialectNamespace() == "mpy" &&
         llvm::none_of(op->getAttrs(),
                       [](NamedAttribute given) { return isa<SymbolRefAttr>(given.getValue()); });
}

/// Two floats: equal, or one nan. Whether two nan are one object is known where their operations
/// say so, else the program ends where both are nan.
static Scalar sameFloats(Specializer &s, const Scalar &x, const Scalar &y) {
  if (x.value
          ? x.value == y.value
          : !y.value && x.knownFloat && y.knownFloat &&
                llvm::bit_cast<uint64_t>(*x.knownFloat) == llvm::bit_cast<uint64_t>(*y.knownFloat))
    return s.makeBool(true);
  Scalar equal = s.scalarCompare(Compare::Eq, x, y);
  auto isNumber = [](const Scalar &scalar) {
    return scalar.knownInt() || (scalar.knownFloat && !std::isnan(*scalar.knownFloat));
  };
  auto isOwn = [](const Scalar &scalar) { return !scalar.value || isMadeAnew(scalar.value); };
  bool areApart = isOwn(x) && isOwn(y);
  if (equal.knownBool || areApart || isNumber(x) || isNumber(y))
    return equal;
  auto equalsItself = [&](const Scalar &scalar) {
    mlir::Value number = s.ssaAs(scalar, DType::Float64);
    return s.create<CompareOp>(ComparePredicate::eq, number, number).getResult();
  };
  mlir::Value isKnown = s.create<arith::OrIOp>(equalsItself(x), equalsItself(y));
  const char *message = "whether two nan are one object is not known here; ask with math.isnan";
  if (s.isInTry()) // Python raises nothing: `except Exception` does not see it either.
    s.check(isKnown, "BaseException", message);
  else
    s.require(isKnown, "ValueError", message);
  return equal;
}

Scalar sameItem(Specializer &s, const Value &item, const Value &wanted) {
  auto *x = item.get<Scalar>(), *y = wanted.get<Scalar>();
  if (x && y && isFloat(x->kind) && isFloat(y->kind) && !x->isMixed() && !y->isMixed())
    return sameFloats(s, *x, *y);
  if (isIdentical(item, wanted))
    return s.makeBool(true);
  return s.truth(s.compare(Compare::Eq, item, wanted));
}

Value compareItems(Specializer &s, const ValueList &x, const ValueList &y) {
  if (x.size() != y.size())
    return s.makeBool(false);
  Scalar result = s.makeBool(true);
  for (size_t i = 0; i < x.size(); ++i) {
    Scalar same = sameItem(s, x[i], y[i]);
    if (same.knownBool == false)
      return same; // Python asks no further.
    result = s.scalarBinary(ast::BinaryOperator::BitAnd, result, same);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Sets and views
//===----------------------------------------------------------------------===//

bool hasKey(Specializer &s, const DictState &set, const Value &key) {
  return llvm::any_of(set.entries, [&](auto &entry) { return s.sameKey(entry.first, key, &set); });
}

const DictState *setIn(Specializer &s, const Value &value, DictState &storage) {
  if (auto *set = s.object<DictState>(value))
    return set->isSet ? set : nullptr;
  auto *view = value.as<IterableValue>();
  if (!view ||
      (view->kind != IterableValue::Kind::Keys && view->kind != IterableValue::Kind::Items))
    return nullptr;
  storage.isSet = true;
  storage.origin = s.object<DictState>(view->parts[0])->origin;
  const ValueList items = *s.knownItems(value);
  for (const Value &item : items)
    storage.entries.push_back({item, NoneValue{}});
  return &storage;
}

static bool isViewOfItems(const Value &value) {
  auto *view = value.as<IterableValue>();
  return view && view->kind == IterableValue::Kind::Items;
}

/// Whether two dicts have the same keys, with the same values.
static Scalar sameEntries(Specializer &s, const DictState &x, const DictState &y) {
  if (x.entries.size() != y.entries.size())
    return s.makeBool(false);
  Scalar all = s.makeBool(true);
  for (auto &entry : x.entries) {
    Scalar found = s.makeBool(false);
    for (auto &other : y.entries)
      if (s.sameKey(other.first, entry.first, &y)) {
        found = x.isSet ? s.makeBool(true) : sameItem(s, entry.second, other.second);
        break;
      }
    if (found.knownBool == false)
      return found;
    all = s.scalarBinary(ast::BinaryOperator::BitAnd, all, found);
  }
  return all;
}

std::optional<Value> orderSets(Specializer &s, Compare op, const Value &lhs, const Value &rhs) {
  DictState left, right;
  auto *x = setIn(s, lhs, left), *y = setIn(s, rhs, right);
  if (!x || !y)
    return std::nullopt;
  DictState a = *x, b = *y;
  s.knownItems(lhs); // Fails where the items are not certain.
  s.knownItems(rhs);
  if (op == Compare::Gt || op == Compare::GtE)
    std::swap(a, b);
  bool isPart = llvm::all_of(a.entries, [&](auto &entry) { return hasKey(s, b, entry.first); });
  bool isProper = op == Compare::Lt || op == Compare::Gt;
  return Value(s.makeBool(isPart && (!isProper || a.entries.size() < b.entries.size())));
}

//===----------------------------------------------------------------------===//
// Equality by value
//===----------------------------------------------------------------------===//

static std::optional<Scalar> sameMethods(Specializer &s, const BoundMethodValue &x,
                                         const BoundMethodValue &y) {
  bool isOne =
      isIdentical(x.function, y.function) || s.sameObject(x.function, y.function).value_or(false);
  if (!isOne)
    return s.makeBool(false);
  return s.truth(s.compare(Compare::Is, x.self, y.self));
}

std::optional<Scalar> equalByValue(Specializer &s, const Value &lhs, const Value &rhs) {
  if (auto *x = lhs.as<RowValue>(), *y = rhs.as<RowValue>(); x && y)
    return isSameRow(s, *x, *y);
  if (auto *x = lhs.as<RangeValue>(), *y = rhs.as<RangeValue>(); x && y)
    return sameRanges(s, *x, *y);
  if (auto *x = lhs.as<SliceValue>(), *y = rhs.as<SliceValue>(); x && y)
    return s.truth(compareItems(s, {x->start, x->stop, x->step}, {y->start, y->stop, y->step}));
  if (auto *x = lhs.as<BoundMethodValue>(), *y = rhs.as<BoundMethodValue>(); x && y)
    return sameMethods(s, *x, *y);
  auto *leftDict = s.object<DictState>(lhs), *rightDict = s.object<DictState>(rhs);
  if (isViewOfItems(lhs) && isViewOfItems(rhs)) {
    Value left = lhs.as<IterableValue>()->parts[0], right = rhs.as<IterableValue>()->parts[0];
    leftDict = s.object<DictState>(left), rightDict = s.object<DictState>(right);
  } else if (!leftDict || !rightDict || leftDict->isSet != rightDict->isSet) {
    DictState left, right;
    auto *x = setIn(s, lhs, left), *y = setIn(s, rhs, right);
    if (x && y)
      return sameEntries(s, DictState(*x), DictState(*y));
    if (leftDict && rightDict)
      return s.makeBool(false);
    return std::nullopt;
  }
  for (const Value *side : {&lhs, &rhs})
    s.knownItems(*side); // Fails where the keys are not certain.
  return sameEntries(s, DictState(*leftDict), DictState(*rightDict));
}

//===----------------------------------------------------------------------===//
// Hashes
//===----------------------------------------------------------------------===//

/// What a class says of the hash of its instances: a method, None where there is none, or nothing
/// where the objects themselves are the keys.
static Value hashMethod(Specializer &s, ObjectId cls) {
  for (ObjectId id : s.heap.get<ClassState>(cls)->resolution) {
    bool hasEquality = false;
    for (auto &attribute : s.heap.get<ClassState>(id)->attributes) {
      if (attribute.first == "__hash__")
        return attribute.second;
      hasEquality |= attribute.first == "__eq__";
    }
    if (hasEquality)
      return NoneValue{};
  }
  return {};
}

bool hasOwnEquality(Specializer &s, const Value &value) {
  auto cls = s.classOf(value);
  return cls && !s.classAttribute(*cls, "__eq__").isUnbound();
}

std::string unhashableType(Specializer &s, const Value &key) {
  if (auto *tuple = key.as<TupleValue>()) {
    for (const Value &item : ValueList(tuple->items))
      if (std::string type = unhashableType(s, item); !type.empty())
        return type;
    return "";
  }
  bool isCounted = runTimeListOf(s, key) && !isRunTimeTuple(s, key);
  if (s.object<ListState>(key) || isCounted || s.object<DictState>(key) || s.isArray(key) ||
      key.as<SliceValue>())
    return s.typeName(key);
  auto cls = s.classOf(key);
  return cls && hashMethod(s, *cls).isNone() ? s.typeName(key) : "";
}

/// The parts of a number that is known, real or complex.
static std::optional<std::pair<double, double>> knownParts(Specializer &s, const Value &value) {
  auto known = [&](const Value &part) -> std::optional<double> {
    if (auto whole = s.knownInt(part))
      return static_cast<double>(*whole);
    auto *scalar = part.get<Scalar>();
    return scalar ? scalar->knownFloat : std::nullopt;
  };
  bool isComplex = complexKindOf(s, value) != ComplexKind::None;
  auto [real, imaginary] =
      isComplex ? complexParts(s, value) : std::pair(value, Value(s.makeInt(IntExpr(0))));
  auto re = known(real), im = known(imaginary);
  return re && im ? std::optional(std::pair(*re, *im)) : std::nullopt;
}

/// Python's text of a complex number that is known.
static std::string complexText(Specializer &s, std::pair<double, double> parts) {
  auto text = [&](double part) {
    std::string digits = s.repr(s.makeFloat(part)).known;
    return llvm::StringRef(digits).ends_with(".0") ? digits.substr(0, digits.size() - 2) : digits;
  };
  std::string imaginary = text(parts.second) + "j";
  if (parts.first == 0 && !std::signbit(parts.first))
    return imaginary;
  return "(" + text(parts.first) + (imaginary[0] == '-' ? "" : "+") + imaginary + ")";
}

Text missingText(Specializer &s, const Value &key) {
  if (complexKindOf(s, key) == ComplexKind::Python)
    if (auto parts = knownParts(s, key))
      return s.makeText(complexText(s, *parts));
  auto cls = s.classOf(key);
  bool hasText = !cls || !s.classAttribute(*cls, "__repr__").isUnbound();
  return hasText ? s.repr(key) : s.makeText("<__main__." + s.typeName(key) + " object>");
}

Value raiseMissing(Specializer &s, const Value &key) {
  return s.raiseHere("KeyError", missingText(s, key).known);
}

namespace {
/// A 64-bit number that is known, or computed by the program.
struct Word {
  std::optional<uint64_t> known;
  mlir::Value value;
};
} // namespace

template <typename OpType>
static Word combine(Specializer &s, const Word &x, const Word &y,
                    llvm::function_ref<uint64_t(uint64_t, uint64_t)> fold) {
  if (x.known && y.known)
    return {fold(*x.known, *y.known), {}};
  auto emitted = [&](const Word &word) {
    return word.known ? s.create<arith::ConstantOp>(
                             s.builder.getI64IntegerAttr(static_cast<int64_t>(*word.known)))
                            .getResult()
                      : word.value;
  };
  return {std::nullopt, s.create<OpType>(emitted(x), emitted(y)).getResult()};
}
static Word add(Specializer &s, const Word &x, const Word &y) {
  return combine<arith::AddIOp>(s, x, y, std::plus<uint64_t>());
}
static Word multiply(Specializer &s, const Word &x, uint64_t y) {
  return combine<arith::MulIOp>(s, x, Word{y, {}}, std::multiplies<uint64_t>());
}

static Word hashWord(Specializer &s, const Value &value);

/// CPython's hash of tuples: xxHash of those of the items.
static Word hashOfItems(Specializer &s, const ValueList &items) {
  constexpr uint64_t first = 11400714785074694791u, second = 14029467366897019727u,
                     third = 2870177450012600261u;
  Word hash{third, {}};
  for (const Value &item : items) {
    hash = add(s, hash, multiply(s, hashWord(s, item), second));
    Word left = combine<arith::ShLIOp>(s, hash, Word{31, {}},
                                       [](uint64_t x, uint64_t y) { return x << y; });
    Word right = combine<arith::ShRUIOp>(s, hash, Word{33, {}},
                                         [](uint64_t x, uint64_t y) { return x >> y; });
    hash = multiply(s, combine<arith::OrIOp>(s, left, right, std::bit_or<uint64_t>()), first);
  }
  return add(s, hash, Word{items.size() ^ (third ^ 3527539u), {}});
}

/// What a hash of -1, which means an error in CPython, is replaced by.
static Word replaceMinusOne(Specializer &s, const Word &hash, int64_t other) {
  if (hash.known)
    return *hash.known == ~uint64_t(0) ? Word{static_cast<uint64_t>(other), {}} : hash;
  auto constant = [&](int64_t number) {
    return s.create<arith::ConstantOp>(s.builder.getI64IntegerAttr(number)).getResult();
  };
  mlir::Value isError = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, hash.value, constant(-1));
  return {std::nullopt, s.create<arith::SelectOp>(isError, constant(other), hash.value)};
}

static Word hashWord(Specializer &s, const Value &value) {
  auto runtime = [&](const char *function, mlir::Value operand) {
    return Word{std::nullopt, s.create<RuntimeCallOp>(mlir::TypeRange(s.builder.getI64Type()),
                                                      function, mlir::ValueRange(operand), false)
                                  .getResult(0)};
  };
  constexpr int64_t modulus = (int64_t(1) << 61) - 1;
  auto *scalar = value.get<Scalar>();
  if (scalar && scalar->integer) {
    mlir::Value ofInt = runtime("mpy_hash_int", scalar->integer).value,
                ofFloat = runtime("mpy_hash_float", s.ssaAs(*scalar, DType::Float64)).value;
    return {std::nullopt,
            s.create<arith::SelectOp>(hasKind(s, *scalar, wholeKinds), ofInt, ofFloat)};
  }
  if (scalar && isFloat(scalar->kind))
    return runtime("mpy_hash_float", s.ssaAs(*scalar, DType::Float64));
  if (auto known = s.knownInt(value); known && *known > -modulus && *known < modulus)
    return {static_cast<uint64_t>(*known == -1 ? -2 : *known), {}};
  if (scalar)
    return runtime("mpy_hash_int", s.ssaAs(*scalar, DType::Int64));
  if (auto *text = value.get<Text>())
    return runtime("mpy_string_hash", s.ssa(*text));
  if (value.isNone())
    return {0xfca86420u, {}};
  if (auto *tuple = value.as<TupleValue>())
    return replaceMinusOne(s, hashOfItems(s, ValueList(tuple->items)), 1546275796);
  if (auto *range = value.as<RangeValue>()) {
    auto length = rangeLength(s, *range).known();
    if (!length)
      s.fail(ErrorId::NotKnownHere, {"the length of a range as a key"});
    Value none = NoneValue{};
    return replaceMinusOne(s,
                           hashOfItems(s, {s.makeInt(IntExpr(*length)),
                                           *length > 0 ? Value(s.makeInt(range->start)) : none,
                                           *length > 1 ? Value(s.makeInt(range->step)) : none}),
                           1546275796);
  }
  if (std::string type = unhashableType(s, value); !type.empty()) {
    s.raiseHere("TypeError", "unhashable type: '" + type + "'");
    throw PathEnds();
  }
  if (complexKindOf(s, value) != ComplexKind::None) {
    auto [real, imaginary] = complexParts(s, value);
    Word of = hashWord(s, real);
    return replaceMinusOne(s, add(s, of, multiply(s, hashWord(s, imaginary), 1000003)), -2);
  }
  if (auto result = s.callMethod(value, "__hash__", {})) {
    auto *number = result->get<Scalar>();
    if (!number || isFloat(number->kind)) {
      s.raiseHere("TypeError", "__hash__ method should return an integer");
      throw PathEnds();
    }
    if (auto known = s.knownInt(*result))
      return replaceMinusOne(s, {static_cast<uint64_t>(*known), {}}, -2);
    return replaceMinusOne(s, {std::nullopt, s.ssaAs(*number, DType::Int64)}, -2);
  }
  s.fail(ErrorId::NoText, {"the hash of " + s.describe(value)},
         {.help = "give its class a method __hash__"});
}

Value hashValue(Specializer &s, const Value &value) {
  Word hash = hashWord(s, s.bound(value, "the key"));
  return hash.known ? s.makeInt(IntExpr(static_cast<int64_t>(*hash.known))) : s.makeInt(hash.value);
}

Scalar sameInstanceKey(Specializer &s, const Value &key, const Value &wanted) {
  if (isIdentical(key, wanted))
    return s.makeBool(true);
  // A complex number may be equal to a real one, and to nothing else.
  if (complexKindOf(s, key) != ComplexKind::None || complexKindOf(s, wanted) != ComplexKind::None) {
    auto isNumber = [&](const Value &value) {
      return value.get<Scalar>() || complexKindOf(s, value) != ComplexKind::None;
    };
    if (!isNumber(key) || !isNumber(wanted))
      return s.makeBool(false);
    if (auto x = knownParts(s, key), y = knownParts(s, wanted); x && y)
      return s.makeBool(*x == *y);
    return s.truth(s.compare(Compare::Eq, key, wanted));
  }
  auto hashed = [&](const Value &value) -> std::optional<int64_t> {
    if (!s.classOf(value))
      return std::nullopt;
    auto result = s.callMethod(value, "__hash__", {});
    return result ? s.knownInt(*result) : std::nullopt;
  };
  auto x = hashed(key), y = hashed(wanted);
  if (x && y && *x != *y)
    return s.makeBool(false);
  // Two methods for hashes of which one is not known may differ for what is equal.
  auto method = [&](const Value &value) {
    return s.classOf(value) ? hashMethod(s, *s.classOf(value)) : Value();
  };
  if (!(x && y) && !isIdentical(method(key), method(wanted)))
    s.fail(ErrorId::RunTimeKey, {"an object whose hash is"},
           {.help = "give both classes one method __hash__"});
  return s.truth(s.compare(Compare::Eq, key, wanted));
}

} // namespace mpy
