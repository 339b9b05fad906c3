// Lists whose length is run-time data. A list of tuples (float, array of shape (n,)) is a float64
// tensor of its numbers and one of shape (items, n) of its arrays; so an append is a concat, which
// grows in place, and every operation has a derivative already:
//
//   l.append((s, x))   =>   %a1 = concat %a, [%s]      %b1 = concat %b, reshape %x
//   l[k]               =>   extract %a[%k], slice %b[%k, :]
//
// Arrays that differ in extent, and texts, lie one after the other in one tensor, and a second
// tensor holds where each one ends.
#include "frontend/RunTimeLists.h"
#include "frontend/ArrayOperands.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;
using Outward = std::function<std::optional<IntExpr>(const IntExpr &)>;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

namespace {
/// A run-time value of an item, as flattening gives it.
struct ItemLeaf {
  mlir::Type type;
  bool isArray = false;
  /// Arrays: extents that all items share; others differ.
  std::vector<std::optional<IntExpr>> shape;
  /// Arrays: which leaves hold the extents that differ; none where the size says it.
  std::vector<unsigned> extents;

  bool isText() const { return isa<StringType>(type); }
  bool hasEnds() const {
    return isText() ||
           llvm::any_of(shape, [](const std::optional<IntExpr> &extent) { return !extent; });
  }
};
} // namespace

static mlir::Type elementOf(Specializer &s, const ItemLeaf &leaf) {
  if (leaf.isText())
    return s.builder.getI32Type();
  if (leaf.type.isIndex())
    return s.builder.getI64Type();
  return getElementTypeOrSelf(leaf.type);
}

static mlir::Type columnType(Specializer &s, const ItemLeaf &leaf) {
  llvm::SmallVector<int64_t> sizes{ShapedType::kDynamic};
  if (!leaf.hasEnds())
    for (auto &extent : leaf.shape)
      sizes.push_back(extent->known().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, elementOf(s, leaf));
}

static void collectLeaves(Specializer &s, const ResultPattern &pattern,
                          std::vector<ItemLeaf> &leaves) {
  if (pattern.kind == Kind::RunTimeList) {
    // The columns of a list inside are arrays of as many rows as it has items.
    unsigned length = leaves.size();
    leaves.push_back({s.builder.getIndexType(), false, {}, {}});
    std::vector<ItemLeaf> inner;
    collectLeaves(s, pattern.parts[0], inner);
    auto add = [&](mlir::Type type, std::vector<std::optional<IntExpr>> shape,
                   std::vector<unsigned> extents) {
      leaves.push_back({type, true, std::move(shape), std::move(extents)});
    };
    for (ItemLeaf &leaf : inner) {
      std::vector<std::optional<IntExpr>> shape{std::nullopt};
      if (!leaf.hasEnds())
        shape.insert(shape.end(), leaf.shape.begin(), leaf.shape.end());
      add(columnType(s, leaf), shape,
          leaf.hasEnds() ? std::vector<unsigned>() : std::vector<unsigned>{length});
      if (leaf.hasEnds())
        add(RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI64Type()), {std::nullopt},
            {length});
    }
    return;
  }
  if (pattern.kind == Kind::Array) {
    ItemLeaf array{{}, true, pattern.shape, {}};
    for (auto &extent : pattern.shape)
      if (!extent) {
        array.extents.push_back(leaves.size());
        leaves.push_back({s.builder.getIndexType(), false, {}, {}});
      }
    llvm::SmallVector<int64_t> sizes;
    for (auto &extent : pattern.shape)
      sizes.push_back(extent && extent->known() ? *extent->known() : ShapedType::kDynamic);
    array.type = RankedTensorType::get(sizes, typeOf(pattern.dtype, s.context()));
    leaves.push_back(std::move(array));
    return;
  }
  ResultPattern alone = pattern;
  alone.parts.clear();
  llvm::SmallVector<mlir::Type> types;
  leafTypes(s, alone, types);
  for (mlir::Type type : types)
    leaves.push_back({type, false, {}, {}});
  for (const ResultPattern &part : pattern.parts)
    collectLeaves(s, part, leaves);
}

static std::vector<ItemLeaf> itemLeaves(Specializer &s, const ResultPattern &item) {
  std::vector<ItemLeaf> leaves;
  collectLeaves(s, item, leaves);
  return leaves;
}

void columnTypes(Specializer &s, const ResultPattern &item,
                 llvm::SmallVectorImpl<mlir::Type> &types) {
  for (const ItemLeaf &leaf : itemLeaves(s, item)) {
    types.push_back(columnType(s, leaf));
    if (leaf.hasEnds())
      types.push_back(RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI64Type()));
  }
}

std::vector<bool> columnsWithEnds(Specializer &s, const ResultPattern &item) {
  std::vector<bool> result;
  for (const ItemLeaf &leaf : itemLeaves(s, item))
    result.push_back(leaf.hasEnds());
  return result;
}

ResultPattern describeItem(Specializer &s, const Value &value, const Outward &outward) {
  static const std::vector<ObjectId> none;
  ResultContext context{none, 0, none, outward ? outward : [](const IntExpr &expr) {
                          return std::optional<IntExpr>(expr);
                        }};
  return ResultWalk(s, context).describe(value);
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
// Columns
//===----------------------------------------------------------------------===//

static mlir::Value rowsOf(Specializer &s, mlir::Value tensor) {
  return s.create<tensor::DimOp>(tensor, int64_t(0));
}

static mlir::Value toI64(Specializer &s, mlir::Value index) {
  return s.create<arith::IndexCastOp>(s.builder.getI64Type(), index);
}

static mlir::Value join(Specializer &s, mlir::Value a, mlir::Value b) {
  return s.create<ConcatOp>(a.getType(), mlir::ValueRange{a, b}, int64_t(0));
}

static mlir::Value single(Specializer &s, mlir::Value element) {
  return s.create<FromElementsOp>(RankedTensorType::get({1}, element.getType()), element);
}

/// No rows of this type; `like` are the extents that it leaves open but the first.
static mlir::Value noRows(Specializer &s, mlir::Type type, const std::vector<IntExpr> &shape) {
  auto tensor = cast<RankedTensorType>(type);
  mlir::Type element = tensor.getElementType();
  mlir::Value zero = s.create<arith::ConstantOp>(
      isa<FloatType>(element) ? mlir::TypedAttr(s.builder.getFloatAttr(element, 0))
                              : mlir::TypedAttr(s.builder.getIntegerAttr(element, 0)));
  llvm::SmallVector<mlir::Value> sizes{s.create<arith::ConstantIndexOp>(0)};
  llvm::append_range(sizes, s.dynamicSizes(shape));
  return s.create<BroadcastOp>(tensor, zero, sizes);
}

static std::vector<IntExpr> commonShape(const ItemLeaf &leaf) {
  std::vector<IntExpr> shape;
  if (!leaf.hasEnds())
    for (auto &extent : leaf.shape)
      shape.push_back(*extent);
  return shape;
}

static ItemColumn emptyColumn(Specializer &s, const ItemLeaf &leaf) {
  ItemColumn column{noRows(s, columnType(s, leaf), commonShape(leaf)), {}};
  if (leaf.hasEnds())
    column.ends =
        noRows(s, RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI64Type()), {});
  return column;
}

/// All elements of an array of any rank in order, or the characters of a text.
static mlir::Value flattened(Specializer &s, const ItemLeaf &leaf, mlir::Value value) {
  if (leaf.isText())
    return s
        .create<RuntimeCallOp>(
            mlir::TypeRange(RankedTensorType::get({ShapedType::kDynamic}, s.builder.getI32Type())),
            "mpy_string_codes", value, false)
        .getResult(0);
  auto type = cast<RankedTensorType>(value.getType());
  auto flat = RankedTensorType::get({ShapedType::kDynamic}, type.getElementType());
  if (type.getRank() == 1)
    return s.castTensor(value, flat);
  mlir::Value size = s.create<arith::ConstantIndexOp>(1);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    size = s.create<arith::MulIOp>(size, s.create<tensor::DimOp>(value, dim));
  return s.create<ReshapeOp>(flat, value, size);
}

/// Where the row at a position begins among the elements.
static mlir::Value startOf(Specializer &s, const ItemColumn &column, const IntExpr &position) {
  mlir::Value zero = s.create<arith::ConstantIndexOp>(0);
  if (position.isKnown(0))
    return zero;
  mlir::Value index = s.index(position), one = s.create<arith::ConstantIndexOp>(1);
  mlir::Value before = s.create<arith::MaxSIOp>(s.create<arith::SubIOp>(index, one), zero);
  mlir::Value end = s.create<arith::IndexCastOp>(
      s.builder.getIndexType(), s.create<ExtractOp>(column.ends, mlir::ValueRange(before)));
  mlir::Value isFirst = s.create<arith::CmpIOp>(arith::CmpIPredicate::eq, index, zero);
  return s.create<arith::SelectOp>(isFirst, zero, end);
}

/// Rows [start, start + count * step) of a tensor.
static mlir::Value rows(Specializer &s, mlir::Value tensor, mlir::Value start, mlir::Value count,
                        mlir::Value step = {}) {
  auto type = cast<RankedTensorType>(tensor.getType());
  mlir::Value zero = s.create<arith::ConstantIndexOp>(0), one = s.create<arith::ConstantIndexOp>(1);
  llvm::SmallVector<mlir::Value> offsets(type.getRank(), zero), sizes, strides(type.getRank(), one);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    sizes.push_back(dim == 0 ? count : s.create<tensor::DimOp>(tensor, dim).getResult());
  offsets[0] = start;
  if (step)
    strides[0] = step;
  return s.create<SliceOp>(type, tensor, offsets, sizes, strides, llvm::ArrayRef<int64_t>{});
}

static ItemColumn withRow(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                          mlir::Value value) {
  if (leaf.hasEnds()) {
    mlir::Value row = flattened(s, leaf, value);
    mlir::Value end = s.create<arith::AddIOp>(rowsOf(s, column.values), rowsOf(s, row));
    return {join(s, column.values, row), join(s, column.ends, single(s, toI64(s, end)))};
  }
  if (!leaf.isArray)
    return {join(s, column.values, single(s, leaf.type.isIndex() ? toI64(s, value) : value)), {}};
  auto type = cast<RankedTensorType>(columnType(s, leaf));
  llvm::SmallVector<int64_t> sizes(type.getShape());
  sizes[0] = 1;
  auto rowType = RankedTensorType::get(sizes, type.getElementType());
  mlir::Value row = s.create<ReshapeOp>(rowType, value, s.dynamicSizes(commonShape(leaf)));
  return {join(s, column.values, row), {}};
}

static mlir::Value rowAt(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                         const IntExpr &position, llvm::ArrayRef<mlir::Value> before) {
  mlir::Value one = s.create<arith::ConstantIndexOp>(1), zero = s.create<arith::ConstantIndexOp>(0);
  if (leaf.hasEnds()) {
    mlir::Value start = startOf(s, column, position);
    mlir::Value end = s.create<arith::IndexCastOp>(
        s.builder.getIndexType(),
        s.create<ExtractOp>(column.ends, mlir::ValueRange(s.index(position))));
    mlir::Value size = s.create<arith::SubIOp>(end, start);
    mlir::Value flat = rows(s, column.values, start, size);
    if (leaf.isText())
      return s
          .create<RuntimeCallOp>(mlir::TypeRange(leaf.type), "mpy_string_from_codes", flat, false)
          .getResult(0);
    auto type = cast<RankedTensorType>(leaf.type);
    if (type.getRank() == 1)
      return s.castTensor(flat, type);
    llvm::SmallVector<mlir::Value> sizes;
    size_t next = 0;
    for (auto [dim, extent] : llvm::enumerate(leaf.shape)) {
      if (extent && extent->known())
        continue;
      if (extent) {
        sizes.push_back(s.index(*extent));
      } else if (next < leaf.extents.size()) {
        sizes.push_back(before[leaf.extents[next++]]);
      } else {
        // The one extent that nothing says follows from the size.
        mlir::Value rest = one;
        for (auto [other, factor] : llvm::enumerate(leaf.shape))
          if (other != dim)
            rest = s.create<arith::MulIOp>(rest, s.index(*factor));
        sizes.push_back(s.create<arith::DivSIOp>(size, s.create<arith::MaxSIOp>(rest, one)));
      }
    }
    return s.create<ReshapeOp>(type, flat, sizes);
  }
  if (!leaf.isArray) {
    mlir::Value value = s.create<ExtractOp>(column.values, mlir::ValueRange(s.index(position)));
    return leaf.type.isIndex()
               ? s.create<arith::IndexCastOp>(s.builder.getIndexType(), value).getResult()
               : value;
  }
  auto type = cast<RankedTensorType>(column.values.getType());
  llvm::SmallVector<mlir::Value> offsets(type.getRank(), zero), sizes{one},
      strides(type.getRank(), one);
  for (auto &extent : leaf.shape)
    sizes.push_back(s.index(*extent));
  offsets[0] = s.index(position);
  llvm::SmallVector<int64_t> dropped{0};
  return s.create<SliceOp>(leaf.type, column.values, offsets, sizes, strides, dropped);
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
    append(s, list, itemAtPosition(position));
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

Value buildItem(Specializer &s, const RunTimeListState &list, const IntExpr &position,
                llvm::SmallVectorImpl<mlir::Value> &values) {
  auto leaves = itemLeaves(s, *list.item);
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
  RunTimeListState result = emptyList(s, item);
  result.isItem = known.isItem;
  result.sharesWith = known.sharesWith;
  result.place = known.place;
  for (const Value &value : ValueList(known.items))
    append(s, result, value);
  return result;
}

RunTimeListState withItem(Specializer &s, RunTimeListState list, const Value &item) {
  ResultPattern wider = widen(s, *list.item, describeItem(s, item));
  list = runTimeList(s, list, wider);
  append(s, list, item);
  return list;
}

RunTimeListState firstItems(Specializer &s, RunTimeListState list, const IntExpr &count) {
  for (ItemColumn &column : list.columns) {
    mlir::Value end = s.index(count);
    if (column.ends) {
      mlir::Value start = startOf(s, column, count);
      column.ends = s.create<FirstRowsOp>(column.ends.getType(), column.ends, end);
      end = start;
    }
    column.values = s.create<FirstRowsOp>(column.values.getType(), column.values, end);
  }
  list.length = count;
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
    column.values = rows(s, column.values, s.index(start), s.index(count), s.index(step));
  result.length = count;
  return result;
}

RunTimeListState repeatItems(Specializer &s, const RunTimeListState &list, const IntExpr &count) {
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

/// Ends of rows that lie behind others.
static mlir::Value movedEnds(Specializer &s, mlir::Value ends, mlir::Value by) {
  mlir::Value spread = s.create<BroadcastOp>(cast<RankedTensorType>(ends.getType()), toI64(s, by),
                                             mlir::ValueRange(rowsOf(s, ends)));
  return s.create<AddOp>(ends.getType(), ends, spread);
}

RunTimeListState concatenate(Specializer &s, RunTimeListState a, RunTimeListState b) {
  ResultPattern wider = widen(s, *a.item, *b.item);
  a = runTimeList(s, a, wider);
  b = runTimeList(s, b, wider);
  for (auto [column, other] : llvm::zip(a.columns, b.columns)) {
    if (column.ends)
      column.ends = join(s, column.ends, movedEnds(s, other.ends, rowsOf(s, column.values)));
    column.values = join(s, column.values, other.values);
  }
  a.length = a.length + b.length;
  bool areApart =
      llvm::none_of(b.itemsOf, [&](ObjectId list) { return llvm::is_contained(a.itemsOf, list); });
  a.generation = areApart && b.generation ? a.generation : 0;
  addHolders(a.itemsOf, b.itemsOf);
  addHolders(a.innerItemsOf, b.innerItemsOf);
  return a;
}

/// One row of a column whose rows may differ in extent is replaced by one of another size: what is
/// behind it moves.
static ItemColumn resizedRow(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                             const IntExpr &position, mlir::Value value) {
  mlir::Value row = flattened(s, leaf, value), size = rowsOf(s, row);
  mlir::Value at = s.index(position), next = s.index(position + IntExpr(1)),
              count = rowsOf(s, column.ends);
  mlir::Value start = startOf(s, column, position);
  mlir::Value end = s.create<arith::IndexCastOp>(
      s.builder.getIndexType(), s.create<ExtractOp>(column.ends, mlir::ValueRange(at)));
  mlir::Value rest = s.create<arith::SubIOp>(rowsOf(s, column.values), end);
  mlir::Value grown = s.create<arith::SubIOp>(size, s.create<arith::SubIOp>(end, start));
  mlir::Value behind = rows(s, column.values, end, rest);
  mlir::Value before = s.create<FirstRowsOp>(column.values.getType(), column.values, start);
  mlir::Value endsBehind =
      rows(s, column.ends, next, s.create<arith::SubIOp>(count, next).getResult());
  mlir::Value endsBefore = s.create<FirstRowsOp>(column.ends.getType(), column.ends, at);
  mlir::Value newEnd = single(s, toI64(s, s.create<arith::AddIOp>(start, size)));
  return {join(s, join(s, before, row), behind),
          join(s, join(s, endsBefore, newEnd), movedEnds(s, endsBehind, grown))};
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
  mlir::Value zero = s.create<arith::ConstantIndexOp>(0), one = s.create<arith::ConstantIndexOp>(1);
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (isSame(i))
      continue;
    ItemColumn &column = list.columns[i];
    const ItemLeaf &leaf = leaves[i];
    if (leaf.hasEnds()) {
      // The same extents as before: the row stays where it is.
      if (leaf.isArray && !leaf.extents.empty() && llvm::all_of(leaf.extents, isSame)) {
        mlir::Value row = flattened(s, leaf, values[i]);
        column.values = s.create<UpdateSliceOp>(column.values.getType(), column.values, row,
                                                mlir::ValueRange{startOf(s, column, position)},
                                                mlir::ValueRange{rowsOf(s, row)},
                                                mlir::ValueRange{one}, llvm::ArrayRef<int64_t>{});
        continue;
      }
      column = resizedRow(s, leaf, column, position, values[i]);
      continue;
    }
    if (!leaf.isArray) {
      mlir::Value value = leaf.type.isIndex() ? toI64(s, values[i]) : values[i];
      column.values = s.create<InsertOp>(column.values, value, mlir::ValueRange(s.index(position)));
      continue;
    }
    int64_t rank = cast<RankedTensorType>(column.values.getType()).getRank();
    llvm::SmallVector<mlir::Value> offsets(rank, zero), sizes{one}, strides(rank, one);
    for (auto &extent : leaf.shape)
      sizes.push_back(s.index(*extent));
    offsets[0] = s.index(position);
    llvm::SmallVector<int64_t> dropped{0};
    column.values = s.create<UpdateSliceOp>(column.values.getType(), column.values, values[i],
                                            offsets, sizes, strides, dropped);
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
