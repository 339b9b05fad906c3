// Lists whose length is run-time data. A list of tuples (float, array of shape (n,)) is a float64
// tensor of its numbers and one of shape (items, n) of its arrays; so an append is a concat, which
// grows in place, and every operation has a derivative already:
//
//   l.append((s, x))   =>   %a1 = concat %a, [%s]      %b1 = concat %b, reshape %x
//   l[k]               =>   extract %a[%k], slice %b[%k, :]
//
// How rows lie in the tensors: RunTimeListColumns.cpp.
#include "frontend/containers/RunTimeLists.h"
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/containers/RunTimeListColumns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;
using Outward = std::function<std::optional<IntExpr>(const IntExpr &)>;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

void columnTypes(Specializer &s, const ResultPattern &item,
                 llvm::SmallVectorImpl<mlir::Type> &types) {
  for (const ItemLeaf &leaf : itemLeaves(s, item)) {
    types.push_back(columnType(s, leaf));
    if (leaf.hasEnds())
      types.push_back(endsType(s, leaf));
  }
}

std::vector<bool> columnsWithEnds(Specializer &s, const ResultPattern &item) {
  std::vector<bool> result;
  for (const ItemLeaf &leaf : itemLeaves(s, item))
    result.push_back(leaf.hasEnds());
  return result;
}

/// Lists in items that are longer and of plain values of one kind are rows of one column, whatever
/// their length: not a column for each of their items.
static ResultPattern withCountedRows(Specializer &s, ResultPattern pattern) {
  static constexpr size_t longRow = 8;
  for (ResultPattern &part : pattern.parts)
    part = withCountedRows(s, std::move(part));
  if (pattern.kind != Kind::List || pattern.parts.size() <= longRow)
    return pattern;
  try {
    ResultPattern item = itemOfList(s, pattern);
    bool isPlain = (item.kind == Kind::Number && !(item.kinds & (item.kinds - 1))) ||
                   item.kind == Kind::Text || item.kind == Kind::RunTimeList;
    if (isPlain) {
      pattern.kind = Kind::RunTimeList;
      pattern.parts = {std::move(item)};
    }
  } catch (const CannotCross &) {
  }
  return pattern;
}

ResultPattern describeItem(Specializer &s, const Value &value, const Outward &outward) {
  static const std::vector<ObjectId> none;
  ResultContext context{none, 0, none, outward ? outward : [](const IntExpr &expr) {
                          return std::optional<IntExpr>(expr);
                        }};
  return withCountedRows(s, ResultWalk(s, context).describe(value));
}

std::optional<ResultPattern> describeItems(Specializer &s, const ObjectState &list,
                                           const Outward &outward) {
  std::optional<ResultPattern> item;
  auto add = [&](const ResultPattern &one) { item = item ? widen(s, *item, one) : one; };
  if (auto *known = std::get_if<ListState>(&list)) {
    for (const Value &value : known->items)
      add(describeItem(s, value, outward));
  } else if (auto *counted = std::get_if<RunTimeListState>(&list)) {
    add(outward ? outwardPattern(*counted->item, outward) : *counted->item);
  }
  return item;
}

//===----------------------------------------------------------------------===//
// Lists as values
//===----------------------------------------------------------------------===//

static llvm::SmallVector<mlir::Value> flatten(Specializer &s, const ResultPattern &item,
                                              const Value &value) {
  static const std::vector<ObjectId> none;
  ResultContext context{none, 0, none,
                        [](const IntExpr &expr) { return std::optional<IntExpr>(expr); }};
  llvm::SmallVector<mlir::Value> leaves;
  ResultWalk(s, context).flatten(item, value, leaves);
  return leaves;
}

static RunTimeListState emptyList(Specializer &s, const ResultPattern &item) {
  RunTimeListState list{IntExpr(0), std::make_shared<const ResultPattern>(item), {}};
  for (const ItemLeaf &leaf : itemLeaves(s, item))
    list.columns.push_back(emptyColumn(s, leaf));
  return list;
}

static void append(Specializer &s, RunTimeListState &list, const Value &item) {
  auto values = flatten(s, *list.item, item);
  auto leaves = itemLeaves(s, *list.item);
  for (size_t i = 0; i < leaves.size(); ++i)
    list.columns[i] = withRow(s, leaves[i], list.columns[i], values[i]);
  list.length = list.length + IntExpr(1);
}

/// A list that a loop of the program makes, one item in each iteration.
static RunTimeListState makeByLoop(Specializer &s, const ResultPattern &item, const IntExpr &count,
                                   llvm::function_ref<Value(const IntExpr &)> itemAtPosition) {
  RunTimeListState list = emptyList(s, item);
  llvm::SmallVector<mlir::Value> carried;
  for (ItemColumn &column : list.columns) {
    carried.push_back(column.values);
    if (column.ends)
      carried.push_back(column.ends);
  }
  auto loop = s.create<scf::ForOp>(s.create<arith::ConstantIndexOp>(0), s.index(count),
                                   s.create<arith::ConstantIndexOp>(1), carried);
  auto spread = [&](mlir::ValueRange values) {
    for (ItemColumn &column : list.columns) {
      column.values = values.front();
      values = values.drop_front();
      if (column.ends) {
        column.ends = values.front();
        values = values.drop_front();
      }
    }
  };
  {
    OpBuilder::InsertionGuard guard(s.builder);
    Block *body = loop.getBody();
    if (!body->empty() && body->mightHaveTerminator())
      body->getTerminator()->erase();
    s.builder.setInsertionPointToEnd(body);
    spread(loop.getRegionIterArgs());
    IntExpr position = symbolExpr(loop.getInductionVar(), true);
    list.length = position;
    // Nobody refers to what an item is made of here.
    size_t objects = s.heap.size();
    append(s, list, itemAtPosition(position));
    s.heap.resize(objects);
    llvm::SmallVector<mlir::Value> yielded;
    for (ItemColumn &column : list.columns) {
      yielded.push_back(column.values);
      if (column.ends)
        yielded.push_back(column.ends);
    }
    s.create<scf::YieldOp>(yielded);
  }
  spread(loop.getResults());
  list.length = count;
  return list;
}

Value itemOfLeaves(Specializer &s, const ResultPattern &item, mlir::ValueRange leaves) {
  static const std::vector<ObjectId> none;
  return ResultBuilder(s, none, leaves, [](const IntExpr &expr) { return expr; }).build(item);
}

/// Whether a column can hold what a leaf of the items is. A recursion that is given lists of
/// several structures may take one for the other.
static bool holdsLeaf(const ItemColumn &column, const ItemLeaf &leaf) {
  auto type =
      column.values ? dyn_cast<RankedTensorType>(column.values.getType()) : RankedTensorType();
  if (!type || leaf.hasEnds() != bool(column.ends))
    return false;
  if (leaf.hasEnds())
    return true;
  auto row = dyn_cast<RankedTensorType>(leaf.type);
  return type.getRank() == 1 + (row ? row.getRank() : 0);
}

Value buildItem(Specializer &s, const RunTimeListState &list, const IntExpr &position,
                llvm::SmallVectorImpl<mlir::Value> &values) {
  auto leaves = itemLeaves(s, *list.item);
  if (!std::equal(list.columns.begin(), list.columns.end(), leaves.begin(), leaves.end(),
                  holdsLeaf))
    s.fail(ErrorId::ItemsDiffer, {}, {.found = "items of several structures"});
  for (size_t i = 0; i < leaves.size(); ++i)
    values.push_back(rowAt(s, leaves[i], list.columns[i], position, values));
  return itemOfLeaves(s, *list.item, values);
}

/// For a list that is made of items: nothing but the list refers to the one that is built.
static Value buildItem(Specializer &s, const RunTimeListState &list, const IntExpr &position) {
  llvm::SmallVector<mlir::Value> values;
  return buildItem(s, list, position, values);
}

/// What a list made of another's items has of it; whether each is there once is not known.
static void carryOver(RunTimeListState &result, const RunTimeListState &from) {
  result.isItem = from.isItem;
  result.isTuple = from.isTuple;
  result.sharesWith = from.sharesWith;
  result.place = from.place;
  result.changes = from.changes;
  result.itemsOf = from.itemsOf;
  result.innerItemsOf = from.innerItemsOf;
}

/// The items of a list of known length as columns.
static RunTimeListState listOf(Specializer &s, const ResultPattern &item, const ValueList &items) {
  RunTimeListState list{
      IntExpr(int64_t(items.size())), std::make_shared<const ResultPattern>(item), {}};
  if (item.kind == Kind::Number)
    if (ItemColumn numbers = columnOfNumbers(s, item, items); numbers.values) {
      list.columns.push_back(numbers);
      return list;
    }
  auto leaves = itemLeaves(s, item);
  std::vector<std::vector<mlir::Value>> rows(leaves.size());
  for (const Value &value : items)
    for (const auto &[leaf, row] : llvm::enumerate(flatten(s, item, value)))
      rows[leaf].push_back(row);
  for (const auto &[leaf, row] : llvm::zip(leaves, rows))
    list.columns.push_back(columnOf(s, leaf, row));
  return list;
}

RunTimeListState runTimeList(Specializer &s, const ObjectState &state, const ResultPattern &item) {
  if (auto *list = std::get_if<RunTimeListState>(&state)) {
    if (*list->item == item)
      return *list;
    RunTimeListState from = *list;
    RunTimeListState result = makeByLoop(s, item, from.length, [&](const IntExpr &position) {
      return buildItem(s, from, position);
    });
    carryOver(result, from);
    result.generation = from.generation;
    return result;
  }
  auto &known = std::get<ListState>(state);
  RunTimeListState result = listOf(s, item, ValueList(known.items));
  result.isItem = known.isItem;
  result.sharesWith = known.sharesWith;
  result.place = known.place;
  return result;
}

RunTimeListState withItem(Specializer &s, RunTimeListState list, const Value &item) {
  ResultPattern wider = widen(s, *list.item, describeItem(s, item));
  list = runTimeList(s, list, wider);
  append(s, list, item);
  return list;
}

RunTimeListState pickItems(Specializer &s, const RunTimeListState &list, const IntExpr &count,
                           llvm::function_ref<IntExpr(const IntExpr &)> source) {
  RunTimeListState result = makeByLoop(s, *list.item, count, [&](const IntExpr &position) {
    return buildItem(s, list, source(position));
  });
  carryOver(result, list);
  return result;
}

RunTimeListState packed(Specializer &s, const RunTimeListState &list) {
  if (llvm::none_of(itemLeaves(s, *list.item), [](const ItemLeaf &leaf) { return leaf.hasRoom; }))
    return list;
  RunTimeListState result =
      pickItems(s, list, list.length, [](const IntExpr &position) { return position; });
  result.generation = list.generation;
  return result;
}

RunTimeListState firstItems(Specializer &s, RunTimeListState list, const IntExpr &count) {
  if (count == list.length)
    return list;
  auto leaves = itemLeaves(s, *list.item);
  bool isLast = list.length - count == IntExpr(1);
  if (!isLast && llvm::any_of(leaves, [](const ItemLeaf &leaf) { return leaf.hasRoom; })) {
    RunTimeListState picked =
        pickItems(s, list, count, [](const IntExpr &position) { return position; });
    picked.generation = list.generation;
    return picked;
  }
  for (auto [leaf, column] : llvm::zip(leaves, list.columns))
    column = isLast ? withoutLastRow(s, leaf, column, count) : firstRowsOf(s, column, count);
  list.length = count;
  return list;
}

RunTimeListState selectItems(Specializer &s, const RunTimeListState &list, const IntExpr &start,
                             const IntExpr &count, const IntExpr &step) {
  if (start.isKnown(0) && step.isKnown(1))
    return firstItems(s, list, count);
  if (llvm::any_of(list.columns, [](const ItemColumn &column) { return !!column.ends; })) {
    RunTimeListState picked =
        pickItems(s, list, count, [&](const IntExpr &position) { return start + position * step; });
    picked.generation = list.generation;
    return picked;
  }
  RunTimeListState result = list;
  for (ItemColumn &column : result.columns)
    column.values = rowsOfTensor(s, column.values, s.index(start), s.index(count), s.index(step));
  result.length = count;
  return result;
}

RunTimeListState repeatItems(Specializer &s, const RunTimeListState &list, const IntExpr &count) {
  auto leaves = itemLeaves(s, *list.item);
  bool areNumbers =
      llvm::none_of(leaves, [](const ItemLeaf &leaf) { return leaf.isArray || leaf.hasEnds(); });
  if (areNumbers && list.length.isKnown(1)) {
    llvm::SmallVector<mlir::Value> values;
    buildItem(s, list, IntExpr(0), values);
    RunTimeListState result = list;
    for (size_t i = 0; i < leaves.size(); ++i)
      result.columns[i] = columnOfOne(s, leaves[i], values[i], count);
    result.length = count;
    return result;
  }
  return pickItems(s, list, count, [&](const IntExpr &position) {
    mlir::Value rest = s.create<arith::RemSIOp>(s.index(position), s.index(list.length));
    return symbolExpr(rest, true);
  });
}

RunTimeListState reorderItems(Specializer &s, const RunTimeListState &list, mlir::Value order) {
  if (llvm::any_of(list.columns, [](const ItemColumn &column) { return !!column.ends; })) {
    RunTimeListState picked = pickItems(s, list, list.length, [&](const IntExpr &position) {
      mlir::Value from = s.create<ExtractOp>(order, mlir::ValueRange(s.index(position)));
      return symbolExpr(s.create<arith::IndexCastOp>(s.builder.getIndexType(), from), true);
    });
    picked.generation = list.generation;
    return picked;
  }
  RunTimeListState result = list;
  for (ItemColumn &column : result.columns)
    column.values =
        s.create<GatherOp>(column.values.getType(), column.values, mlir::ValueRange(order));
  return result;
}

RunTimeListState concatenate(Specializer &s, RunTimeListState a, RunTimeListState b) {
  ResultPattern wider = widen(s, *a.item, *b.item);
  a = runTimeList(s, a, wider);
  b = runTimeList(s, b, wider);
  for (auto [column, other] : llvm::zip(a.columns, b.columns))
    column = joinColumns(s, column, other);
  a.length = a.length + b.length;
  bool areApart =
      llvm::none_of(b.itemsOf, [&](ObjectId list) { return llvm::is_contained(a.itemsOf, list); });
  a.generation = areApart && b.generation ? a.generation : 0;
  addHolders(a.itemsOf, b.itemsOf);
  addHolders(a.innerItemsOf, b.innerItemsOf);
  return a;
}

RunTimeListState replaceItem(Specializer &s, RunTimeListState list, const IntExpr &position,
                             const Value &item, llvm::ArrayRef<mlir::Value> given) {
  ResultPattern wider = widen(s, *list.item, describeItem(s, item));
  llvm::SmallVector<mlir::Value> before(given);
  if (!(wider == *list.item))
    before.clear();
  list = runTimeList(s, list, wider);
  auto leaves = itemLeaves(s, *list.item);
  auto values = flatten(s, *list.item, item);
  auto isSame = [&](size_t leaf) { return leaf < before.size() && before[leaf] == values[leaf]; };
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (isSame(i))
      continue;
    const ItemLeaf &leaf = leaves[i];
    bool isSameSize = leaf.isArray && !leaf.extents.empty() && llvm::all_of(leaf.extents, isSame);
    list.columns[i] = withOtherRow(s, leaf, list.columns[i], position, values[i],
                                   i < before.size() ? before[i] : mlir::Value(), isSameSize);
  }
  return list;
}

Value charactersOf(Specializer &s, const Text &text) {
  ResultPattern item;
  item.kind = Kind::Text;
  auto tensorOf = [&](mlir::Type element, const char *function) {
    mlir::Type type = RankedTensorType::get({ShapedType::kDynamic}, element);
    return s.create<RuntimeCallOp>(mlir::TypeRange(type), function, s.ssa(text), false)
        .getResult(0);
  };
  RunTimeListState list;
  list.columns = {{tensorOf(s.builder.getI32Type(), "mpy_string_codes"),
                   tensorOf(s.builder.getI64Type(), "mpy_string_ends")}};
  list.length = symbolExpr(rowsOf(s, list.columns[0].ends), true);
  list.item = std::make_shared<const ResultPattern>(std::move(item));
  return ObjectRef{s.heap.add(std::move(list))};
}

} // namespace mpy
