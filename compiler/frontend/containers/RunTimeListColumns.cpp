// Rows of columns. Numbers and arrays of one shape are rows of a tensor. Texts, and arrays that
// differ in extent, lie one after the other in one tensor, and a second one says where each ends.
// Lists in a list can grow: the second tensor has three numbers for each of them, where it begins,
// where it ends and how far it may grow where it is; behind that it moves to the end of the first
// tensor, with twice the room.
//
//   rows[i].append(v)   =>   %begin, %end, %limit = extract %ends[%i, 0 .. 2]
//                            pad_rows, if the row is the last one or moves;
//                            insert %v into %values[%end]; insert into %ends
#include "frontend/containers/RunTimeListColumns.h"
#include "frontend/arrays/ArrayOperands.h"
#include "frontend/arrays/IntegerTypes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mpy {

using Kind = ResultPattern::Kind;

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

static mlir::Type elementOf(Specializer &s, const ItemLeaf &leaf) {
  if (leaf.isText())
    return s.builder.getI32Type();
  if (leaf.type.isIndex())
    return s.builder.getI64Type();
  return getElementTypeOrSelf(leaf.type);
}

mlir::Type columnType(Specializer &s, const ItemLeaf &leaf) {
  llvm::SmallVector<int64_t> sizes{ShapedType::kDynamic};
  if (!leaf.hasEnds())
    for (auto &extent : leaf.shape)
      sizes.push_back(extent->known().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, elementOf(s, leaf));
}

/// What the second tensor of a list in a list says of a row.
enum Place : int64_t { Begin, End, Limit, PlaceCount };

mlir::Type endsType(Specializer &s, const ItemLeaf &leaf) {
  llvm::SmallVector<int64_t> sizes{ShapedType::kDynamic};
  if (leaf.hasRoom)
    sizes.push_back(PlaceCount);
  return RankedTensorType::get(sizes, s.builder.getI64Type());
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
      leaves.push_back({type, true, std::move(shape), std::move(extents), /*hasRoom=*/true});
    };
    for (ItemLeaf &leaf : inner) {
      std::vector<std::optional<IntExpr>> shape{std::nullopt};
      if (!leaf.hasEnds())
        shape.insert(shape.end(), leaf.shape.begin(), leaf.shape.end());
      add(columnType(s, leaf), shape,
          leaf.hasEnds() ? std::vector<unsigned>() : std::vector<unsigned>{length});
      if (!leaf.hasEnds())
        continue;
      std::vector<std::optional<IntExpr>> places{std::nullopt};
      if (leaf.hasRoom)
        places.push_back(IntExpr(PlaceCount));
      add(endsType(s, leaf), places, {length});
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

std::vector<ItemLeaf> itemLeaves(Specializer &s, const ResultPattern &item) {
  std::vector<ItemLeaf> leaves;
  collectLeaves(s, item, leaves);
  return leaves;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

mlir::Value rowsOf(Specializer &s, mlir::Value tensor) {
  return s.create<tensor::DimOp>(tensor, int64_t(0));
}

static mlir::Value number(Specializer &s, int64_t value) {
  return s.create<arith::ConstantIndexOp>(value);
}

static mlir::Value toI64(Specializer &s, mlir::Value index) {
  return s.create<arith::IndexCastOp>(s.builder.getI64Type(), index);
}

static mlir::Value add(Specializer &s, mlir::Value a, mlir::Value b) {
  return s.create<arith::AddIOp>(a, b);
}

static mlir::Value subtract(Specializer &s, mlir::Value a, mlir::Value b) {
  return s.create<arith::SubIOp>(a, b);
}

static mlir::Value compare(Specializer &s, arith::CmpIPredicate predicate, mlir::Value a,
                           mlir::Value b) {
  return s.create<arith::CmpIOp>(predicate, a, b);
}

static mlir::Value isEqual(Specializer &s, mlir::Value a, mlir::Value b) {
  return compare(s, arith::CmpIPredicate::eq, a, b);
}

static mlir::Value choose(Specializer &s, mlir::Value condition, mlir::Value a, mlir::Value b) {
  return s.create<arith::SelectOp>(condition, a, b);
}

static mlir::Value join(Specializer &s, mlir::Value a, mlir::Value b) {
  return s.create<ConcatOp>(a.getType(), mlir::ValueRange{a, b}, int64_t(0));
}

static mlir::Value single(Specializer &s, mlir::Value element) {
  return s.create<FromElementsOp>(RankedTensorType::get({1}, element.getType()), element);
}

static mlir::Value firstRows(Specializer &s, mlir::Value tensor, mlir::Value count) {
  return s.create<FirstRowsOp>(tensor.getType(), tensor, count);
}

/// No rows of this type; `like` are the extents that it leaves open but the first.
static mlir::Value noRows(Specializer &s, mlir::Type type, const std::vector<IntExpr> &shape) {
  auto tensor = cast<RankedTensorType>(type);
  mlir::Type element = tensor.getElementType();
  mlir::Value zero = s.create<arith::ConstantOp>(
      isa<FloatType>(element) ? mlir::TypedAttr(s.builder.getFloatAttr(element, 0))
                              : mlir::TypedAttr(s.builder.getIntegerAttr(element, 0)));
  llvm::SmallVector<mlir::Value> sizes{number(s, 0)};
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
  mlir::Value size = number(s, 1);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    size = s.create<arith::MulIOp>(size, s.create<tensor::DimOp>(value, dim));
  return s.create<ReshapeOp>(flat, value, size);
}

mlir::Value rowsOfTensor(Specializer &s, mlir::Value tensor, mlir::Value start, mlir::Value count,
                         mlir::Value step) {
  auto type = cast<RankedTensorType>(tensor.getType());
  mlir::Value zero = number(s, 0), one = number(s, 1);
  llvm::SmallVector<mlir::Value> offsets(type.getRank(), zero), sizes, strides(type.getRank(), one);
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    sizes.push_back(dim == 0 ? count : s.create<tensor::DimOp>(tensor, dim).getResult());
  offsets[0] = start;
  if (step)
    strides[0] = step;
  return s.create<SliceOp>(type, tensor, offsets, sizes, strides, llvm::ArrayRef<int64_t>{});
}

/// A flat part replaced by as many elements, from `start`.
static mlir::Value overwrite(Specializer &s, mlir::Value values, mlir::Value part,
                             mlir::Value start, mlir::Value count) {
  return s.create<UpdateSliceOp>(values.getType(), values, part, mlir::ValueRange{start},
                                 mlir::ValueRange{count}, mlir::ValueRange{number(s, 1)},
                                 llvm::ArrayRef<int64_t>{});
}

//===----------------------------------------------------------------------===//
// Where rows lie
//===----------------------------------------------------------------------===//

static mlir::Value placeAt(Specializer &s, const ItemColumn &column, mlir::Value row, Place place) {
  mlir::Value value = s.create<ExtractOp>(column.ends, mlir::ValueRange{row, number(s, place)});
  return s.create<arith::IndexCastOp>(s.builder.getIndexType(), value);
}

static mlir::Value withPlace(Specializer &s, mlir::Value ends, mlir::Value row, Place place,
                             mlir::Value value) {
  return s.create<InsertOp>(ends, toI64(s, value), mlir::ValueRange{row, number(s, place)});
}

/// Where the row at a position begins among the elements.
static mlir::Value beginOf(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                           const IntExpr &position) {
  if (leaf.hasRoom)
    return placeAt(s, column, s.index(position), Begin);
  mlir::Value zero = number(s, 0);
  if (position.isKnown(0))
    return zero;
  mlir::Value index = s.index(position);
  mlir::Value before = s.create<arith::MaxSIOp>(subtract(s, index, number(s, 1)), zero);
  mlir::Value end = s.create<arith::IndexCastOp>(
      s.builder.getIndexType(), s.create<ExtractOp>(column.ends, mlir::ValueRange(before)));
  return choose(s, isEqual(s, index, zero), zero, end);
}

static mlir::Value endOf(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                         const IntExpr &position) {
  if (leaf.hasRoom)
    return placeAt(s, column, s.index(position), End);
  return s.create<arith::IndexCastOp>(
      s.builder.getIndexType(),
      s.create<ExtractOp>(column.ends, mlir::ValueRange(s.index(position))));
}

/// Ends of rows that lie behind others.
static mlir::Value movedEnds(Specializer &s, mlir::Value ends, mlir::Value by) {
  mlir::Value spread = s.create<BroadcastOp>(cast<RankedTensorType>(ends.getType()), toI64(s, by),
                                             mlir::ValueRange(rowsOf(s, ends)));
  return s.create<AddOp>(ends.getType(), ends, spread);
}

/// The same column with room for so many elements in the row at a position, of which the first
/// `kept` stay; behind them the values are zeros or what was there.
static ItemColumn withRoom(Specializer &s, ItemColumn column, mlir::Value row, mlir::Value wanted,
                           mlir::Value kept) {
  mlir::Value begin = placeAt(s, column, row, Begin), limit = placeAt(s, column, row, Limit),
              room = subtract(s, limit, begin), size = rowsOf(s, column.values);
  mlir::Value isShort = compare(s, arith::CmpIPredicate::sgt, wanted, room);
  // The last row grows where it is.
  mlir::Value moves =
      s.create<arith::AndIOp>(isShort, compare(s, arith::CmpIPredicate::ne, limit, size));
  // The room doubles, so that what moves is no more than a few times what was ever put in.
  mlir::Value twice = s.create<arith::MaxSIOp>(add(s, room, room), number(s, 4)),
              grown = s.create<arith::MaxSIOp>(wanted, twice);
  mlir::Value newBegin = choose(s, moves, size, begin),
              newLimit = choose(s, isShort, add(s, newBegin, grown), limit),
              newSize = choose(s, isShort, newLimit, size);
  ItemColumn result;
  result.values = s.create<PadRowsOp>(column.values.getType(), column.values, newSize);
  if (kept) {
    mlir::Value count = choose(s, moves, kept, number(s, 0));
    mlir::Value part = rowsOfTensor(s, result.values, begin, count);
    result.values = overwrite(s, result.values, part, newBegin, count);
  }
  result.ends = withPlace(s, column.ends, row, Begin, newBegin);
  result.ends = withPlace(s, result.ends, row, Limit, newLimit);
  return result;
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

ItemColumn emptyColumn(Specializer &s, const ItemLeaf &leaf) {
  ItemColumn column{noRows(s, columnType(s, leaf), commonShape(leaf)), {}};
  if (leaf.hasEnds())
    column.ends = noRows(s, endsType(s, leaf), {});
  return column;
}

/// Equal or different elements as one tensor: a constant if each of them is.
static mlir::Value elementsOf(Specializer &s, mlir::Type type, llvm::ArrayRef<mlir::Value> values) {
  auto shape = RankedTensorType::get({int64_t(values.size())}, values.front().getType());
  std::vector<mlir::Attribute> known;
  for (mlir::Value value : values) {
    auto constant = value.getDefiningOp<arith::ConstantOp>();
    if (!constant)
      break;
    known.push_back(constant.getValue());
  }
  mlir::Value tensor =
      known.size() == values.size()
          ? s.create<arith::ConstantOp>(DenseElementsAttr::get(shape, known)).getResult()
          : s.create<FromElementsOp>(shape, values).getResult();
  return s.castTensor(tensor, type);
}

ItemColumn columnOf(Specializer &s, const ItemLeaf &leaf, llvm::ArrayRef<mlir::Value> rows) {
  if (rows.empty())
    return emptyColumn(s, leaf);
  auto type = cast<RankedTensorType>(columnType(s, leaf));
  std::vector<mlir::Value> parts;
  if (!leaf.hasEnds() && !leaf.isArray) {
    for (mlir::Value row : rows)
      parts.push_back(leaf.type.isIndex() ? toI64(s, row) : row);
    return {elementsOf(s, type, parts), {}};
  }
  if (!leaf.hasEnds()) {
    llvm::SmallVector<int64_t> sizes(type.getShape());
    sizes[0] = 1;
    auto rowType = RankedTensorType::get(sizes, type.getElementType());
    for (mlir::Value row : rows)
      parts.push_back(s.create<ReshapeOp>(rowType, row, s.dynamicSizes(commonShape(leaf))));
    return {s.create<ConcatOp>(type, parts, int64_t(0)), {}};
  }
  std::vector<mlir::Value> places;
  mlir::Value begin = number(s, 0);
  for (mlir::Value row : rows) {
    parts.push_back(flattened(s, leaf, row));
    mlir::Value end = add(s, begin, rowsOf(s, parts.back()));
    if (leaf.hasRoom)
      places.insert(places.end(), {toI64(s, begin), toI64(s, end), toI64(s, end)});
    else
      places.push_back(toI64(s, end));
    begin = end;
  }
  llvm::SmallVector<int64_t> sizes{int64_t(rows.size())};
  if (leaf.hasRoom)
    sizes.push_back(PlaceCount);
  mlir::Value ends =
      s.create<FromElementsOp>(RankedTensorType::get(sizes, s.builder.getI64Type()), places);
  return {s.create<ConcatOp>(type, parts, int64_t(0)), s.castTensor(ends, endsType(s, leaf))};
}

ItemColumn columnOfNumbers(Specializer &s, const ResultPattern &number, const ValueList &items) {
  if (items.empty() || (number.kinds & (number.kinds - 1)))
    return {};
  mlir::Type element = typeOf(number.number, s.context());
  std::vector<mlir::Attribute> known;
  for (const Value &item : items) {
    auto &scalar = *item.get<Scalar>();
    std::optional<int64_t> whole = scalar.knownInt();
    if (scalar.knownBool)
      whole = *scalar.knownBool;
    if (isa<FloatType>(element) && scalar.knownFloat)
      known.push_back(FloatAttr::get(element, *scalar.knownFloat));
    else if (isa<IntegerType>(element) && whole)
      known.push_back(integerAttribute(dtypeOf(number.number), *whole, s.context()));
    else
      return {};
  }
  auto type = RankedTensorType::get({int64_t(items.size())}, element);
  mlir::Value tensor = s.create<arith::ConstantOp>(DenseElementsAttr::get(type, known));
  return {s.castTensor(tensor, RankedTensorType::get({ShapedType::kDynamic}, element)), {}};
}

ItemColumn columnOfOne(Specializer &s, const ItemLeaf &leaf, mlir::Value row,
                       const IntExpr &count) {
  auto type = cast<RankedTensorType>(columnType(s, leaf));
  return {s.create<BroadcastOp>(type, leaf.type.isIndex() ? toI64(s, row) : row, s.index(count)),
          {}};
}

ItemColumn withRow(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                   mlir::Value value) {
  if (leaf.hasEnds()) {
    mlir::Value row = flattened(s, leaf, value), begin = rowsOf(s, column.values),
                end = toI64(s, add(s, begin, rowsOf(s, row)));
    mlir::Value places = leaf.hasRoom
                             ? s.create<FromElementsOp>(
                                    RankedTensorType::get({1, PlaceCount}, s.builder.getI64Type()),
                                    mlir::ValueRange{toI64(s, begin), end, end})
                                   .getResult()
                             : single(s, end);
    return {join(s, column.values, row), join(s, column.ends, places)};
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

mlir::Value rowAt(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                  const IntExpr &position, llvm::ArrayRef<mlir::Value> before) {
  mlir::Value one = number(s, 1), zero = number(s, 0);
  if (leaf.hasEnds()) {
    mlir::Value start = beginOf(s, leaf, column, position);
    mlir::Value size = subtract(s, endOf(s, leaf, column, position), start);
    mlir::Value flat = rowsOfTensor(s, column.values, start, size);
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

ItemColumn firstRowsOf(Specializer &s, const ItemColumn &column, const IntExpr &count) {
  mlir::Value end = s.index(count);
  if (!column.ends)
    return {firstRows(s, column.values, end), {}};
  mlir::Value size = beginOf(s, ItemLeaf(), column, count);
  return {firstRows(s, column.values, size), firstRows(s, column.ends, end)};
}

ItemColumn withoutLastRow(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                          const IntExpr &count) {
  if (!leaf.hasRoom)
    return firstRowsOf(s, column, count);
  // A row that moved away from the end stays there as a hole, unless no row is left.
  mlir::Value last = s.index(count), size = rowsOf(s, column.values), zero = number(s, 0);
  mlir::Value isAtEnd = isEqual(s, placeAt(s, column, last, Limit), size);
  mlir::Value rest = choose(s, isAtEnd, placeAt(s, column, last, Begin), size);
  rest = choose(s, isEqual(s, last, zero), zero, rest);
  return {firstRows(s, column.values, rest), firstRows(s, column.ends, last)};
}

ItemColumn joinColumns(Specializer &s, const ItemColumn &a, const ItemColumn &b) {
  ItemColumn result{join(s, a.values, b.values), {}};
  if (a.ends)
    result.ends = join(s, a.ends, movedEnds(s, b.ends, rowsOf(s, a.values)));
  return result;
}

/// One row of a column whose rows lie one after the other is replaced by one of another size: what
/// is behind it moves.
static ItemColumn resizedRow(Specializer &s, const ItemLeaf &leaf, const ItemColumn &column,
                             const IntExpr &position, mlir::Value row) {
  mlir::Value size = rowsOf(s, row);
  mlir::Value at = s.index(position), next = s.index(position + IntExpr(1)),
              count = rowsOf(s, column.ends);
  mlir::Value start = beginOf(s, leaf, column, position), end = endOf(s, leaf, column, position);
  mlir::Value rest = subtract(s, rowsOf(s, column.values), end);
  mlir::Value grown = subtract(s, size, subtract(s, end, start));
  mlir::Value behind = rowsOfTensor(s, column.values, end, rest);
  mlir::Value before = firstRows(s, column.values, start);
  mlir::Value endsBehind = rowsOfTensor(s, column.ends, next, subtract(s, count, next));
  mlir::Value endsBefore = firstRows(s, column.ends, at);
  mlir::Value newEnd = single(s, toI64(s, add(s, start, size)));
  return {join(s, join(s, before, row), behind),
          join(s, join(s, endsBefore, newEnd), movedEnds(s, endsBehind, grown))};
}

/// A value without casts that only say less, or more, of a shape.
static mlir::Value withoutCasts(mlir::Value value) {
  while (auto cast = value ? value.getDefiningOp<tensor::CastOp>() : tensor::CastOp())
    value = cast.getSource();
  return value;
}

/// What a row got at its end; nothing if it is another row.
static mlir::Value addedAtEnd(Specializer &s, mlir::Value row, mlir::Value before) {
  auto join = withoutCasts(row).getDefiningOp<ConcatOp>();
  if (!before || !join || join.getAxis() != 0 || join.getParts().size() != 2 ||
      withoutCasts(join.getParts().front()) != withoutCasts(before))
    return {};
  return join.getParts().back();
}

/// Whether a row is the beginning of what it was.
static bool isBeginning(mlir::Value row, mlir::Value before) {
  auto first = withoutCasts(row).getDefiningOp<FirstRowsOp>();
  return first && before && withoutCasts(first.getX()) == withoutCasts(before);
}

/// A row with room behind it.
static ItemColumn withOtherList(Specializer &s, const ItemLeaf &leaf, ItemColumn column,
                                mlir::Value at, mlir::Value value, mlir::Value before) {
  auto elements = [&](mlir::Value rows) { return rowsOf(s, flattened(s, leaf, rows)); };
  if (isBeginning(value, before)) {
    mlir::Value end = add(s, placeAt(s, column, at, Begin), elements(value));
    return {column.values, withPlace(s, column.ends, at, End, end)};
  }
  mlir::Value added = addedAtEnd(s, value, before);
  mlir::Value part = flattened(s, leaf, added ? added : value), size = rowsOf(s, part),
              kept = added ? elements(before) : mlir::Value();
  mlir::Value wanted = added ? add(s, kept, size) : size;
  column = withRoom(s, column, at, wanted, kept);
  mlir::Value begin = placeAt(s, column, at, Begin);
  mlir::Value start = added ? add(s, begin, kept) : begin;
  auto one = withoutCasts(part).getDefiningOp<FromElementsOp>();
  if (one && one.getElements().size() == 1)
    column.values =
        s.create<InsertOp>(column.values, one.getElements()[0], mlir::ValueRange{start});
  else
    column.values = overwrite(s, column.values, part, start, size);
  column.ends = withPlace(s, column.ends, at, End, add(s, begin, wanted));
  return column;
}

ItemColumn withOtherRow(Specializer &s, const ItemLeaf &leaf, ItemColumn column,
                        const IntExpr &position, mlir::Value value, mlir::Value before,
                        bool isSameSize) {
  if (leaf.hasEnds() && isSameSize) {
    mlir::Value row = flattened(s, leaf, value);
    column.values =
        overwrite(s, column.values, row, beginOf(s, leaf, column, position), rowsOf(s, row));
    return column;
  }
  if (leaf.hasRoom)
    return withOtherList(s, leaf, column, s.index(position), value, before);
  if (leaf.hasEnds())
    return resizedRow(s, leaf, column, position, flattened(s, leaf, value));
  if (!leaf.isArray) {
    value = leaf.type.isIndex() ? toI64(s, value) : value;
    column.values = s.create<InsertOp>(column.values, value, mlir::ValueRange(s.index(position)));
    return column;
  }
  int64_t rank = cast<RankedTensorType>(column.values.getType()).getRank();
  llvm::SmallVector<mlir::Value> offsets(rank, number(s, 0)), sizes{number(s, 1)},
      strides(rank, number(s, 1));
  for (auto &extent : leaf.shape)
    sizes.push_back(s.index(*extent));
  offsets[0] = s.index(position);
  llvm::SmallVector<int64_t> dropped{0};
  column.values = s.create<UpdateSliceOp>(column.values.getType(), column.values, value, offsets,
                                          sizes, strides, dropped);
  return column;
}

} // namespace mpy
