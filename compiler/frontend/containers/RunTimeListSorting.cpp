// The order of lists of run-time length. Sorting by texts and tuples is sorting by numbers: a text
// becomes its rank among all texts, a tuple is sorted by its last part first, stably:
//
//   sorted(l, key=lambda p: (p.name, -p.age))   =>   %o = argsort (-ages)
//                                                    %p = argsort (gather ranks(names), %o)
//                                                    items in the order gather %o, %p
//
// Objects become their places, which code of the library finds by their `<`.
#include "frontend/arrays/IntegerTypes.h"
#include "frontend/containers/RunTimeLists.h"
#include "frontend/interpret/MixedNumbers.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

static RankedTensorType positionsType(Specializer &s) {
  return RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI64Type());
}

/// Numbers that are ordered as the keys are, most significant first; `columns` are what is left of
/// the keys' columns.
static void collectNumbers(Specializer &s, const ResultPattern &key,
                           llvm::ArrayRef<ItemColumn> &columns,
                           llvm::SmallVectorImpl<mlir::Value> &numbers) {
  if (key.kind == Kind::Tuple || key.kind == Kind::List) {
    for (const ResultPattern &part : key.parts)
      collectNumbers(s, part, columns, numbers);
    return;
  }
  // Python's numbers and NumPy's are in one order.
  if (key.kind != Kind::Text && (key.kind != Kind::Number || mixesIntsAndFloats(key.kinds)))
    s.fail(ErrorId::Unsupported,
           {"sorting of a list of run-time length by what is no number, text or tuple of these"},
           {.help = "give a key that says the order: sorted(items, key=lambda item: item[0])"});
  ItemColumn column = columns.front();
  columns = columns.drop_front(key.kind == Kind::Text ? 1 : countLeaves(key.kinds));
  if (key.kind == Kind::Text) {
    numbers.push_back(s.create<RuntimeCallOp>(mlir::TypeRange(positionsType(s)), "mpy_string_ranks",
                                              mlir::ValueRange{column.values, column.ends}, false)
                          .getResult(0));
    return;
  }
  mlir::Type element = getElementTypeOrSelf(column.values.getType());
  if (element.isInteger(1))
    column.values = s.create<CastOp>(column.values, s.builder.getI64Type());
  if (!isMixed(key.kinds))
    column.values = inOrder(s, column.values, dtypeOf(key.number));
  if (isa<FloatType>(element)) {
    // Python's order of NaN is that of its algorithm.
    mlir::Value same = s.create<CompareOp>(ComparePredicate::eq, column.values, column.values);
    mlir::Value all = s.create<AllOp>(same, llvm::ArrayRef<int64_t>{0});
    s.create<CheckOp>(all, "ValueError", "a list with nan in it has no order", ValueRange());
  }
  numbers.push_back(column.values);
}

/// Numbers whose order is the other way round, ties as they were.
static mlir::Value reversed(Specializer &s, mlir::Value numbers) {
  mlir::Type element = getElementTypeOrSelf(numbers.getType());
  if (isa<FloatType>(element))
    return s.create<NegOp>(numbers);
  mlir::Value minusOne = s.create<arith::ConstantOp>(s.builder.getIntegerAttr(element, -1));
  mlir::Value size = s.create<tensor::DimOp>(numbers, int64_t(0));
  mlir::Value spread = s.create<BroadcastOp>(cast<RankedTensorType>(numbers.getType()), minusOne,
                                             mlir::ValueRange(size));
  return s.create<SubOp>(numbers.getType(), spread, numbers);
}

RunTimeListState sortedItems(Specializer &s, const RunTimeListState &given, const Value &key,
                             bool reverse) {
  if (key.isNone() || key.isUnbound())
    return sortedByKeys(s, given, given, reverse);
  Value self = ObjectRef{s.heap.add(given)};
  Value all = s.call(findBuiltin("map"), CallArguments{{key, self}, {}, s.span});
  Value made = s.call(findBuiltin("list"), CallArguments{{all}, {}, s.span});
  return sortedByKeys(s, given, asRunTimeList(s, made), reverse);
}

/// Whether the order of such keys is that of numbers.
static bool isOfNumbers(const ResultPattern &key) {
  if (key.kind == Kind::Tuple || key.kind == Kind::List)
    return llvm::all_of(key.parts, isOfNumbers);
  return key.kind != Kind::Instance && key.kind != Kind::Row;
}

/// The place of each key among all, as `<` of their class says.
static RunTimeListState placesOf(Specializer &s, const RunTimeListState &keys, bool reverse) {
  Value given = ObjectRef{s.heap.add(keys)};
  const LibraryEntry &entry = findLibraryFile("_orders")->entries.at("places");
  Value places = s.call(s.libraryValue(entry, "places"),
                        CallArguments{{given, s.makeBool(reverse)}, {}, s.span});
  return asRunTimeList(s, places);
}

RunTimeListState sortedByKeys(Specializer &s, const RunTimeListState &list,
                              const RunTimeListState &keys, bool reverse) {
  if (!isOfNumbers(*keys.item))
    return sortedByKeys(s, list, placesOf(s, keys, reverse), /*reverse=*/false);
  llvm::SmallVector<mlir::Value> numbers;
  llvm::ArrayRef<ItemColumn> columns = keys.columns;
  collectNumbers(s, *keys.item, columns, numbers);
  mlir::Value order;
  auto inOrder = [&](mlir::Value column) {
    return order ? s.create<GatherOp>(column.getType(), column, mlir::ValueRange(order)).getResult()
                 : column;
  };
  for (mlir::Value column : llvm::reverse(numbers)) {
    mlir::Value sortable = inOrder(reverse ? reversed(s, column) : column);
    mlir::Value next = s.create<ArgsortOp>(positionsType(s), sortable);
    order = order ? s.create<GatherOp>(next.getType(), order, mlir::ValueRange(next)).getResult()
                  : next;
  }
  // Empty tuples are all equal.
  return order ? reorderItems(s, list, order) : list;
}

} // namespace mpy
