// Operators and joins of lists of run-time length: `a + b`, `a * n`, `a == b`, ', '.join(a),
// np.concatenate(a).
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/Equality.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

static bool isTuple(Specializer &s, const Value &value) {
  return value.as<TupleValue>() || isRunTimeTuple(s, value);
}

static bool isList(Specializer &s, const Value &value) {
  return s.object<ListState>(value) || (runTimeListOf(s, value) && !isTuple(s, value));
}

/// A list of its own that begins with the items of another.
static Value copyOf(Specializer &s, const Value &list) {
  return s.call(findBuiltin("list"), CallArguments{{list}, {}, s.span});
}

/// Whether a list of known length is repeated by run-time data, or to one that is too long to know
/// each of its items, which are plain values of one kind.
static bool isRepeatedOften(Specializer &s, const ListState &list, std::optional<int64_t> times) {
  static constexpr int64_t longList = 64;
  if (!times)
    return true;
  if (*times <= longList / int64_t(list.items.size()))
    return false;
  try {
    auto item = describeItems(s, list);
    bool isKind = item && (item->kind == Kind::Number || item->kind == Kind::Text ||
                           item->kind == Kind::Tuple);
    return isKind && !holdsObjects(*item) && !(item->kinds & (item->kinds - 1));
  } catch (const CannotCross &) {
    return false;
  }
}

std::optional<Value> runTimeListBinary(Specializer &s, ast::BinaryOperator op, const Value &lhs,
                                       const Value &rhs) {
  using Op = ast::BinaryOperator;
  if (isTuple(s, lhs) || isTuple(s, rhs)) {
    // As with lists; the result is a tuple again.
    if (op == Op::Add ? !(isTuple(s, lhs) && isTuple(s, rhs) &&
                          (runTimeListOf(s, lhs) || runTimeListOf(s, rhs)))
                      : op != Op::Mult)
      return std::nullopt;
    auto asList = [&](const Value &value) { return isTuple(s, value) ? copyOf(s, value) : value; };
    auto result = runTimeListBinary(s, op, asList(lhs), asList(rhs));
    return result ? std::optional(asTuple(s, *result)) : std::nullopt;
  }
  if (op == Op::Add && isList(s, lhs) && isList(s, rhs)) {
    if (!runTimeListOf(s, lhs) && !runTimeListOf(s, rhs))
      return std::nullopt;
    Value result = copyOf(s, lhs);
    if (auto *known = s.object<ListState>(result); known && known->items.empty())
      return copyOf(s, rhs);
    ObjectId id = result.get<ObjectRef>()->id;
    makeRunTimeList(s, id);
    CallArguments more{{result, rhs}, {}, s.span};
    runTimeListMethod(s, "extend", more);
    return result;
  }
  if (op != Op::Mult || (!isList(s, lhs) && !isList(s, rhs)))
    return std::nullopt;
  const Value &list = isList(s, lhs) ? lhs : rhs, &count = isList(s, lhs) ? rhs : lhs;
  auto *times = count.get<Scalar>();
  if (!times || isAlwaysFloat(*times))
    return std::nullopt;
  auto *known = s.object<ListState>(list);
  if (known && (known->items.empty() || !isRepeatedOften(s, *known, s.knownInt(count))))
    return std::nullopt;
  // Item k of the result is item k % n.
  RunTimeListState items = asRunTimeList(s, list);
  IntExpr repeats = maximum(IntExpr(0), s.intExpr(*times));
  RunTimeListState result = repeatItems(s, items, s.compact(items.length * repeats));
  result.isItem = false;
  result.sharesWith.clear();
  ValueList repeated = s.object<ListState>(list) ? s.object<ListState>(list)->items : ValueList();
  ObjectId id = s.heap.add(std::move(result));
  for (const Value &item : repeated)
    freeze(s, item, id);
  return Value(ObjectRef{id});
}

/// A tuple of known length as a list.
static Value asList(Specializer &s, const Value &value) {
  return value.as<TupleValue>() ? copyOf(s, value) : value;
}

static IntExpr lengthOf(Specializer &s, const Value &list) {
  return listLength(s, list.get<ObjectRef>()->id);
}

/// Visits the items of both lists in pairs, as far as the shorter one goes.
static void forEachPair(Specializer &s, const Value &lhs, const Value &rhs,
                        llvm::function_ref<void(const Value &, const Value &)> visit) {
  Value a = ObjectRef{s.heap.add(asRunTimeList(s, lhs))},
        b = ObjectRef{s.heap.add(asRunTimeList(s, rhs))};
  Value pairs = s.call(findBuiltin("zip"), CallArguments{{a, b}, {}, s.span});
  s.forEachItem(pairs, [&](const Value &pair) {
    const ValueList parts = pair.as<TupleValue>()->items;
    visit(parts[0], parts[1]);
  });
}

Value orderRunTimeLists(Specializer &s, ast::CompareOperator op, const Value &left,
                        const Value &right) {
  Value lhs = asList(s, left), rhs = asList(s, right);
  IntExpr sizes[] = {lengthOf(s, lhs), lengthOf(s, rhs)};
  Value byLength = s.scalarCompare(op, s.makeInt(sizes[0]), s.makeInt(sizes[1]));
  if (sizes[0].isKnown(0) || sizes[1].isKnown(0))
    return byLength;
  std::string order = "%order" + std::to_string(s.frame().locals.size()), found = order + "found";
  s.frame().locals[order] = byLength;
  s.frame().locals[found] = s.makeBool(false);
  forEachPair(s, lhs, rhs, [&](const Value &a, const Value &b) {
    Scalar before = s.truth(s.frame().locals[found]);
    Scalar differ = s.negate(sameItem(s, a, b));
    Scalar isFirst = s.scalarBinary(ast::BinaryOperator::BitAnd, s.negate(before), differ);
    Value old = s.frame().locals[order];
    auto decide = [&] { return Value(s.truth(s.compare(op, a, b))); };
    Value now = isFirst.knownBool ? *isFirst.knownBool ? decide() : old
                                  : s.branchValue(s.ssa(isFirst), decide, [&] { return old; });
    s.frame().locals[order] = now;
    s.frame().locals[found] = s.scalarBinary(ast::BinaryOperator::BitOr, before, differ);
  });
  if (s.dead)
    return NoneValue{};
  Value result = s.frame().locals[order];
  s.frame().locals.erase(order);
  s.frame().locals.erase(found);
  return result;
}

Value sameRunTimeLists(Specializer &s, const Value &left, const Value &right) {
  if (isIdentical(left, right))
    return s.makeBool(true);
  Value lhs = asList(s, left), rhs = asList(s, right);
  mlir::Value same = compareInts(s, arith::CmpIPredicate::eq, lengthOf(s, lhs), lengthOf(s, rhs));
  auto *known = s.object<ListState>(runTimeListOf(s, lhs) ? rhs : lhs);
  if (known && known->items.empty())
    return s.makeScalar(ScalarKind::PyBool, same);
  return s.branchValue(
      same,
      [&]() -> Value {
        std::string name = "%same" + std::to_string(s.frame().locals.size());
        s.frame().locals[name] = s.makeBool(true);
        forEachPair(s, lhs, rhs, [&](const Value &a, const Value &b) {
          Scalar equal = sameItem(s, a, b);
          Value &all = s.frame().locals[name];
          all = s.scalarBinary(ast::BinaryOperator::BitAnd, s.truth(all), equal);
        });
        Value result = s.frame().locals[name];
        s.frame().locals.erase(name);
        return result;
      },
      [&] { return Value(s.makeBool(false)); });
}

Text joinTexts(Specializer &s, const Text &separator, const Value &value) {
  if (auto *known = s.object<ListState>(value)) {
    std::vector<Text> parts;
    for (const auto &[position, given] : llvm::enumerate(ValueList(known->items))) {
      if (!parts.empty())
        parts.push_back(separator);
      std::string refused =
          "sequence item " + std::to_string(position) + ": expected str instance, ";
      Value item = s.present(given, "an item", Specializer::typeError(refused + "NoneType found"));
      if (!item.get<Text>()) {
        s.raiseHere("TypeError", refused + s.typeName(item) + " found");
        return s.makeText("");
      }
      parts.push_back(*item.get<Text>());
    }
    return parts.empty() ? s.makeText("") : s.concat(parts);
  }
  RunTimeListState list = *runTimeListOf(s, value);
  if (list.item->kind != Kind::Text) {
    mlir::Value isEmpty = compareInts(s, arith::CmpIPredicate::eq, list.length, IntExpr(0));
    Value first = list.item->kind == Kind::Number && list.columns.size() == 1
                      ? Value(s.makeScalar(list.item->number, list.columns[0].values))
                      : Value();
    if (first.isUnbound())
      s.fail(ErrorId::ArgumentType, {"join()", s.describe(value)}, {.expected = "a list of texts"});
    s.check(isEmpty, "TypeError",
            "sequence item 0: expected str instance, " + s.typeName(first) + " found");
    return s.makeText("");
  }
  return Text{"",
              s.create<RuntimeCallOp>(
                   mlir::TypeRange(StringType::get(s.context())), "mpy_string_join_list",
                   mlir::ValueRange{s.ssa(separator), list.columns[0].values, list.columns[0].ends},
                   false)
                  .getResult(0)};
}

Value splitTexts(Specializer &s, const Text &text, const Value &separator) {
  Type codes = RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI32Type()),
       ends = RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI64Type());
  llvm::SmallVector<mlir::Value> operands{s.ssa(text)};
  if (auto *between = separator.get<Text>())
    operands.push_back(s.ssa(*between));
  auto parts =
      s.callRaising(TypeRange{codes, ends},
                    operands.size() == 1 ? "mpy_string_words" : "mpy_string_split", operands);
  RunTimeListState list;
  ResultPattern item;
  item.kind = Kind::Text;
  list.length = symbolExpr(s.create<tensor::DimOp>(parts[1], int64_t(0)), true);
  list.item = std::make_shared<const ResultPattern>(item);
  list.columns.push_back({parts[0], parts[1]});
  return ObjectRef{s.heap.add(std::move(list))};
}

/// The items one after the other along their first axis.
static ArrayValue concatenateItems(Specializer &s, const Value &value) {
  RunTimeListState list = *runTimeListOf(s, value);
  const ResultPattern &item = *list.item;
  s.check(compareInts(s, arith::CmpIPredicate::sgt, list.length, IntExpr(0)), "ValueError",
          "need at least one array to concatenate");
  if (item.kind != Kind::Array || item.shape.empty())
    failCertain(s, "ValueError", "zero-dimensional arrays cannot be concatenated");
  if (!list.columns.back().ends) {
    // Rows of rows become rows.
    Shape shape;
    for (auto &extent : item.shape)
      shape.push_back(*extent);
    shape[0] = symbolExpr(s.index(list.length * shape[0]), true);
    return {item.dtype, shape, reshapeTo(s, list.columns[0].values, item.dtype, shape)};
  }
  // All extents but the first must agree.
  Shape shape{IntExpr(0)};
  size_t column = 0;
  mlir::Value rows;
  for (auto [dim, extent] : llvm::enumerate(item.shape)) {
    if (extent) {
      if (dim > 0)
        shape.push_back(*extent);
      continue;
    }
    mlir::Value extents = list.columns[column++].values;
    if (dim == 0) {
      rows = s.create<SumOp>(extents, llvm::ArrayRef<int64_t>{0});
      continue;
    }
    shape.push_back(commonExtent(
        s, {extents, {}},
        "all the input array dimensions except for the concatenation axis must match exactly"));
  }
  if (item.shape[0])
    shape[0] = symbolExpr(s.index(list.length * *item.shape[0]), true);
  else
    shape[0] = symbolExpr(s.create<arith::IndexCastOp>(s.builder.getIndexType(), rows), true);
  return {item.dtype, shape, reshapeTo(s, list.columns.back().values, item.dtype, shape)};
}

ArrayValue joinItems(Specializer &s, const Value &value, ItemJoin join, int64_t axis) {
  const ResultPattern &item = *runTimeListOf(s, value)->item;
  size_t rank = item.kind == Kind::Array ? item.shape.size() : 0;
  auto refuse = [&] {
    s.fail(
        ErrorId::NotKnownHere, {"the number of arrays to join"},
        {.found = s.describe(value), .help = "join along the first axis, or make an array first"});
  };
  auto stacked = [&] {
    s.check(compareInts(s, arith::CmpIPredicate::sgt, runTimeListOf(s, value)->length, IntExpr(0)),
            "ValueError", "need at least one array to stack");
    return arrayOfRunTimeList(s, value, std::nullopt);
  };
  switch (join) {
  case ItemJoin::Rows:
    if (axis != 0 && axis != -int64_t(rank))
      refuse();
    return concatenateItems(s, value);
  case ItemJoin::Flat: {
    if (rank == 0)
      return stacked();
    ArrayValue all = rank == 1 ? concatenateItems(s, value) : stacked();
    Shape flat{symbolExpr(s.index(product(all.shape)), true)};
    return {all.dtype, flat, reshapeTo(s, all.tensor, all.dtype, flat)};
  }
  case ItemJoin::Stack: {
    ArrayValue all = stacked();
    int64_t last = all.rank();
    if (axis < -last || axis >= last)
      failCertain(s, "AxisError",
                  "axis " + llvm::Twine(axis) + " is out of bounds for array of dimension " +
                      llvm::Twine(last));
    llvm::SmallVector<int64_t> permutation;
    for (int64_t dim = 1; dim < last; ++dim)
      permutation.push_back(dim);
    permutation.insert(permutation.begin() + (axis < 0 ? axis + last : axis), 0);
    Shape shape;
    for (int64_t dim : permutation)
      shape.push_back(all.shape[dim]);
    return {all.dtype, shape, transposeTo(s, all.tensor, permutation)};
  }
  case ItemJoin::Vertical: {
    if (rank > 1)
      return concatenateItems(s, value);
    ArrayValue all = stacked();
    if (rank == 1)
      return all;
    Shape shape{all.shape[0], IntExpr(1)};
    return {all.dtype, shape, reshapeTo(s, all.tensor, all.dtype, shape)};
  }
  case ItemJoin::Horizontal:
    if (rank > 1)
      refuse();
    return rank == 1 ? concatenateItems(s, value) : stacked();
  }
  llvm_unreachable("a join");
}

} // namespace mpy
