// An operation on the values of one example -> the same on the values of all, which stand along a
// new first dimension. Products with what all examples share become one product of matrices.
#include "adjoint/Batch.h"

#include "dialect/Differentiable.h"

using namespace mlir;
using namespace mpy;

/// The operation on arrays that an operation of MLIR on numbers is.
static std::optional<ComparePredicate> predicateOf(arith::CmpIOp op) {
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return ComparePredicate::eq;
  case arith::CmpIPredicate::ne:
    return ComparePredicate::ne;
  case arith::CmpIPredicate::slt:
    return ComparePredicate::lt;
  case arith::CmpIPredicate::sle:
    return ComparePredicate::le;
  case arith::CmpIPredicate::sgt:
    return ComparePredicate::gt;
  case arith::CmpIPredicate::sge:
    return ComparePredicate::ge;
  default:
    return std::nullopt;
  }
}

/// An integer that arrays of int64 stand for.
static bool isWide(Type type) { return type.isIndex() || type.isInteger(64); }

static bool isRepeated(OpFoldResult extent) { return getConstantIntValue(extent) == 1; }

static SmallVector<int64_t> shifted(ArrayRef<int64_t> axes) {
  return llvm::map_to_vector(axes, [](int64_t axis) { return axis + 1; });
}

/// Whether a slice reads the row of each example, of an array that all share.
static bool readsOwnRow(const VariedValues &varied, SliceOp op) {
  ValueRange offsets = op.getOffsets();
  if (offsets.empty() || varied.contains(op.getX()) || !varied.isNumber(offsets.front()) ||
      getConstantIntValue(op.getSizes().front()) != 1 || op.getDropped().empty() ||
      op.getDropped().front() != 0)
    return false;
  return llvm::none_of(offsets.drop_front(), [&](Value v) { return varied.contains(v); }) &&
         llvm::none_of(op.getStrides(), [&](Value v) { return varied.contains(v); });
}

template <typename OpT> static bool hasSharedBounds(const VariedValues &varied, OpT op) {
  return llvm::none_of(op.getOffsets(), [&](Value v) { return varied.contains(v); }) &&
         llvm::none_of(op.getStrides(), [&](Value v) { return varied.contains(v); });
}

bool mpy::hasBatchRule(const VariedValues &varied, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp, ArgMaxOp, ArgMinOp, CumsumOp, MatmulOp,
            FourierOp, ArgsortOp, BroadcastOp, StretchOp, UnstretchOp, ReshapeOp, TransposeOp,
            ConcatOp, FirstRowsOp, PadRowsOp, FromElementsOp, ExtractOp, InsertOp, GatherOp,
            ScatterOp, tensor::CastOp>([](auto) { return true; })
      .Case([&](SliceOp slice) {
        return hasSharedBounds(varied, slice) || readsOwnRow(varied, slice);
      })
      .Case([&](UpdateSliceOp update) { return hasSharedBounds(varied, update); })
      .Case([&](arith::IndexCastOp cast) {
        return isWide(cast.getIn().getType()) && isWide(cast.getType());
      })
      .Case([&](arith::CmpIOp compare) {
        return isWide(compare.getLhs().getType()) && predicateOf(compare);
      })
      .Case<arith::AddIOp, arith::SubIOp, arith::MulIOp>(
          [&](auto sum) { return isWide(sum.getType()); })
      .Case<arith::AndIOp, arith::OrIOp>([&](auto both) { return both.getType().isInteger(1); })
      .Default([](Operation *op) { return isa<ElementwiseOpInterface>(op); });
}

//===------------------------------------------------------------------------------------------===//
// Elements
//===------------------------------------------------------------------------------------------===//
static void applyElementwise(Batch &batch, Operation *op) {
  Value result = op->getResult(0);
  auto type = batch.stackedType(result.getType());
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(batch.element(operand, result));
  // Numbers of rows are integers already.
  bool isSame = isa<CastOp>(op) && operands[0].getType() == type;
  batch.set(result, isSame ? operands[0] : batch.again(op, operands, type));
}

template <typename OpT> static void applyScalar(Batch &batch, Operation *op) {
  Value x = batch.element(op->getOperand(0), op->getResult(0)),
        y = batch.element(op->getOperand(1), op->getResult(0));
  batch.set(op->getResult(0), OpT::create(batch.builder, batch.loc(), x, y));
}

//===------------------------------------------------------------------------------------------===//
// Products
//===------------------------------------------------------------------------------------------===//
/// A stack of matrices, whatever the examples share of it: shape examples, stack, rows, columns.
static Value stackOfStacks(Batch &batch, Value operand, OpFoldResult depth) {
  Value all = batch.stacked(operand);
  Extents extents = batch.stackedExtents(operand);
  if (extents.size() == 3) {
    Extents column{extents[0], batch.builder.getIndexAttr(1), extents[1], extents[2]};
    all = batch.reshape(all, column);
    extents.insert(extents.begin() + 1, depth);
    all = batch.broadcast(all, extents);
  }
  return batch.reshape(all, {batch.product(extents[0], extents[1]), extents[2], extents[3]});
}

static void applyStackProduct(Batch &batch, MatmulOp op) {
  OpFoldResult depth = batch.extentsOf(op.stack())[0];
  Value product = MatmulOp::create(
      batch.builder, batch.loc(), stackOfStacks(batch, op.getX(), depth),
      stackOfStacks(batch, op.getY(), depth), op.getTransposeX(), op.getTransposeY());
  Extents x = batch.extentsOf(op.getX()), y = batch.extentsOf(op.getY());
  Extents extents{batch.number(), depth, x[op.rowAxis()], y[op.columnAxis()]};
  product = batch.reshape(product, extents);
  if (op.getSummed())
    product = SumOp::create(batch.builder, batch.loc(), product, ArrayRef<int64_t>{1});
  batch.set(op.getResult(), product);
}

/// The matrices of all examples, one under the other: `rows` by what is summed over.
static Value underEachOther(Batch &batch, Value operand, bool isTransposed, OpFoldResult rows,
                            OpFoldResult inner) {
  Value all = batch.stacked(operand);
  // A row is a column without moving anything.
  if (isTransposed && !isRepeated(rows) && !isRepeated(inner))
    all = batch.transpose(all, {0, 2, 1});
  return batch.reshape(all, {batch.product(batch.number(), rows), inner});
}

/// x @ y where x or y is 1 at one place: a row or column of the other for each example.
static bool applyChoice(Batch &batch, MatmulOp op, OpFoldResult rows, OpFoldResult columns) {
  bool ofRows = batch.isVaried(op.getX());
  Value chosen = ofRows ? op.getX() : op.getY(), matrix = ofRows ? op.getY() : op.getX();
  if (!isRepeated(ofRows ? rows : columns))
    return false;
  if (!isUnitVector(batch, chosen))
    return false;
  // Rows of what is summed over.
  Value lines = batch.shared(matrix);
  if (ofRows ? op.getTransposeY() : !op.getTransposeX())
    lines = batch.transpose(lines, {1, 0});
  OpFoldResult one = batch.builder.getIndexAttr(1), zero = batch.builder.getIndexAttr(0);
  int64_t lineCount = cast<RankedTensorType>(lines.getType()).getDimSize(0);
  bool isAll = getConstantIntValue(batch.number()) == lineCount;
  Value part = isAll ? lines
                     : batch.slice(lines, {zero, zero}, {batch.number(), ofRows ? columns : rows},
                                   {one, one}, {});
  batch.set(op.getResult(), batch.reshape(part, {batch.number(), rows, columns}));
  return true;
}

static void applyProduct(Batch &batch, MatmulOp op) {
  if (op.stack())
    return applyStackProduct(batch, op);
  bool variesX = batch.isVaried(op.getX()), variesY = batch.isVaried(op.getY());
  Extents x = batch.extentsOf(op.getX()), y = batch.extentsOf(op.getY());
  OpFoldResult rows = x[op.rowAxis()], inner = x[op.innerAxisOfX()], columns = y[op.columnAxis()];
  if (variesX && variesY) {
    batch.set(op.getResult(),
              MatmulOp::create(batch.builder, batch.loc(), batch.stacked(op.getX()),
                               batch.stacked(op.getY()), op.getTransposeX(), op.getTransposeY()));
    return;
  }
  if (applyChoice(batch, op, rows, columns))
    return;
  if (variesX) {
    Value left = underEachOther(batch, op.getX(), op.getTransposeX(), rows, inner);
    Value product = MatmulOp::create(batch.builder, batch.loc(), left, batch.shared(op.getY()),
                                     false, op.getTransposeY());
    batch.set(op.getResult(), batch.reshape(product, {batch.number(), rows, columns}));
    return;
  }
  // (x @ y).T = y.T @ x.T
  Value left = underEachOther(batch, op.getY(), !op.getTransposeY(), columns, inner);
  Value product = MatmulOp::create(batch.builder, batch.loc(), left, batch.shared(op.getX()), false,
                                   !op.getTransposeX());
  product =
      isRepeated(columns) || isRepeated(rows)
          ? product
          : batch.transpose(batch.reshape(product, {batch.number(), columns, rows}), {0, 2, 1});
  batch.set(op.getResult(), batch.reshape(product, {batch.number(), rows, columns}));
}

//===------------------------------------------------------------------------------------------===//
// Shapes
//===------------------------------------------------------------------------------------------===//
/// The extents of a result whose sizes are listed.
static Extents listedExtents(Batch &batch, Value result, ValueRange sizes) {
  Extents extents{batch.number()};
  if (auto type = dyn_cast<RankedTensorType>(result.getType()))
    for (int64_t extent : type.getShape()) {
      if (!ShapedType::isDynamic(extent)) {
        extents.push_back(batch.builder.getIndexAttr(extent));
        continue;
      }
      extents.push_back(batch.shared(sizes.front()));
      sizes = sizes.drop_front();
    }
  return extents;
}

static void applyBroadcast(Batch &batch, BroadcastOp op) {
  Extents extents = listedExtents(batch, op.getResult(), op.getSizes()),
          given = batch.stackedExtents(op.getX());
  // What is spread is aligned at the right, behind the examples.
  given.insert(given.begin() + 1, extents.size() - given.size(), batch.builder.getIndexAttr(1));
  batch.set(op.getResult(),
            batch.broadcast(batch.reshape(batch.stacked(op.getX()), given), extents));
}

template <typename OpT> static void applyStretch(Batch &batch, OpT op) {
  auto type = batch.stackedType(op.getResult().getType());
  SmallVector<Value> operands{batch.stacked(op.getX())};
  if (type.isDynamicDim(0))
    operands.push_back(batch.count);
  for (Value size : op.getSizes())
    operands.push_back(batch.shared(size));
  batch.set(op.getResult(), batch.again(op, operands, type));
}

static void applyConcat(Batch &batch, ConcatOp op) {
  SmallVector<Value> parts;
  for (Value part : op.getParts())
    parts.push_back(batch.stacked(part));
  batch.set(op.getResult(),
            ConcatOp::create(batch.builder, batch.loc(),
                             batch.stackedType(op.getResult().getType()), parts, op.getAxis() + 1));
}

static void applyElements(Batch &batch, FromElementsOp op) {
  OpFoldResult one = batch.builder.getIndexAttr(1);
  SmallVector<Value> parts;
  for (Value part : op.getElements())
    parts.push_back(batch.reshape(batch.stacked(part), {batch.number(), one}));
  Type element = getElementTypeOrSelf(parts.front());
  auto line = RankedTensorType::get(
      {batch.stackedType(element).getDimSize(0), int64_t(parts.size())}, element);
  Value joined = parts.size() == 1
                     ? parts.front()
                     : ConcatOp::create(batch.builder, batch.loc(), line, parts, 1).getResult();
  batch.set(op.getResult(), batch.reshape(joined, listedExtents(batch, op.getResult(), {})));
}

/// The part of an array of all examples that lies in the first rows.
static void applyRows(Batch &batch, Operation *op, Value x, Value count, bool isPadded) {
  OpBuilder &builder = batch.builder;
  Extents given = batch.stackedExtents(x), extents = given,
          offsets(given.size(), builder.getIndexAttr(0)),
          strides(given.size(), builder.getIndexAttr(1));
  extents[1] = batch.shared(count);
  if (!isPadded)
    return batch.set(op->getResult(0),
                     batch.slice(batch.stacked(x), offsets, extents, strides, {}));
  Value zero = arith::ConstantOp::create(
      builder, batch.loc(), cast<TypedAttr>(builder.getZeroAttr(getElementTypeOrSelf(x))));
  batch.set(op->getResult(0), batch.update(batch.broadcast(zero, extents), batch.stacked(x),
                                           offsets, given, strides, {}));
}

//===------------------------------------------------------------------------------------------===//
// Parts
//===------------------------------------------------------------------------------------------===//
static Extents sharedAll(Batch &batch, ValueRange values) {
  Extents result;
  for (Value value : values) {
    Value shared = batch.shared(value);
    std::optional<int64_t> known = getConstantIntValue(shared);
    result.push_back(known ? OpFoldResult(batch.builder.getIndexAttr(*known))
                           : OpFoldResult(shared));
  }
  return result;
}

namespace {
/// Where a slice of one example is among all.
struct Part {
  Extents offsets, sizes, strides;
  SmallVector<int64_t> dropped;

  template <typename OpT>
  Part(Batch &batch, OpT op)
      : offsets(sharedAll(batch, op.getOffsets())), sizes(sharedAll(batch, op.getSizes())),
        strides(sharedAll(batch, op.getStrides())), dropped(shifted(op.getDropped())) {
    offsets.insert(offsets.begin(), batch.builder.getIndexAttr(0));
    sizes.insert(sizes.begin(), batch.number());
    strides.insert(strides.begin(), batch.builder.getIndexAttr(1));
  }
};
} // namespace

static void applySlice(Batch &batch, SliceOp op) {
  if (!readsOwnRow(batch.varied, op)) {
    Part part(batch, op);
    batch.set(op.getResult(), batch.slice(batch.stacked(op.getX()), part.offsets, part.sizes,
                                          part.strides, part.dropped));
    return;
  }
  // The rows of all examples: the array itself, or its beginning.
  Extents offsets{batch.builder.getIndexAttr(0)}, sizes{batch.number()},
      strides{batch.builder.getIndexAttr(1)};
  llvm::append_range(offsets, sharedAll(batch, op.getOffsets().drop_front()));
  llvm::append_range(sizes, sharedAll(batch, op.getSizes().drop_front()));
  llvm::append_range(strides, sharedAll(batch, op.getStrides().drop_front()));
  batch.set(op.getResult(), batch.slice(batch.shared(op.getX()), offsets, sizes, strides,
                                        op.getDropped().drop_front()));
}

static void applyUpdate(Batch &batch, UpdateSliceOp op) {
  Part part(batch, op);
  Value value = batch.shared(op.getValue());
  if (isa<RankedTensorType>(op.getValue().getType())) {
    value = batch.stacked(op.getValue());
  } else if (batch.isVaried(op.getValue())) {
    Extents extents;
    for (auto [dimension, size] : llvm::enumerate(part.sizes))
      if (!llvm::is_contained(part.dropped, int64_t(dimension)))
        extents.push_back(size);
    value = batch.spread(op.getValue(), extents);
  }
  batch.set(op.getResult(), batch.update(batch.stacked(op.getX()), value, part.offsets, part.sizes,
                                         part.strides, part.dropped));
}

/// Positions as arrays of int64 with one number for each example, and their own numbers in front.
static SmallVector<Value> positions(Batch &batch, ValueRange indices, bool hasOwn) {
  SmallVector<Value> result;
  if (hasOwn)
    result.push_back(batch.numbers({batch.number()}));
  for (Value index : indices)
    result.push_back(batch.stacked(index));
  return result;
}

namespace {
/// One element of each example's array, where all examples read the same.
struct Element {
  Extents offsets, sizes, strides;
  SmallVector<int64_t> dropped;

  Element(Batch &batch, ValueRange indices)
      : offsets(sharedAll(batch, indices)), sizes(indices.size(), batch.builder.getIndexAttr(1)),
        strides(indices.size() + 1, batch.builder.getIndexAttr(1)) {
    offsets.insert(offsets.begin(), batch.builder.getIndexAttr(0));
    sizes.insert(sizes.begin(), batch.number());
    for (size_t index = 1; index <= indices.size(); ++index)
      dropped.push_back(index);
  }
};
} // namespace

static bool haveShared(Batch &batch, ValueRange indices) {
  return llvm::none_of(indices, [&](Value index) { return batch.isVaried(index); });
}

static void applyExtract(Batch &batch, ExtractOp op) {
  bool varies = batch.isVaried(op.getX());
  if (haveShared(batch, op.getIndices())) {
    Element one(batch, op.getIndices());
    batch.set(op.getResult(), batch.slice(batch.stacked(op.getX()), one.offsets, one.sizes,
                                          one.strides, one.dropped));
    return;
  }
  if (!varies && op.getIndices().size() == 1 && batch.isNumber(op.getIndices()[0])) {
    OpBuilder &builder = batch.builder;
    batch.set(op.getResult(), batch.slice(batch.shared(op.getX()), {builder.getIndexAttr(0)},
                                          {batch.number()}, {builder.getIndexAttr(1)}, {}));
    return;
  }
  Value from = varies ? batch.stacked(op.getX()) : batch.shared(op.getX());
  batch.set(op.getResult(),
            GatherOp::create(batch.builder, batch.loc(), batch.stackedType(op.getType()), from,
                             positions(batch, op.getIndices(), varies)));
}

static void applyInsert(Batch &batch, InsertOp op) {
  Value all = batch.stacked(op.getX());
  if (haveShared(batch, op.getIndices())) {
    Element one(batch, op.getIndices());
    Value value =
        batch.isVaried(op.getValue()) ? batch.stacked(op.getValue()) : batch.shared(op.getValue());
    batch.set(op.getResult(), batch.update(all, batch.integer(value), one.offsets, one.sizes,
                                           one.strides, one.dropped));
    return;
  }
  batch.set(op.getResult(),
            ScatterOp::create(batch.builder, batch.loc(), all.getType(), all,
                              batch.stacked(op.getValue()), positions(batch, op.getIndices(), true),
                              /*accumulate=*/false));
}

/// Index arrays of each example, with the number of the example in front of them.
static SmallVector<Value> arraysOfPositions(Batch &batch, ValueRange indices) {
  SmallVector<Value> result{batch.numbers(batch.stackedExtents(indices.front()))};
  for (Value index : indices)
    result.push_back(batch.stacked(index));
  for (Value &index : result)
    index = batch.fit(index, result.back().getType());
  return result;
}

static void applyGather(Batch &batch, GatherOp op) {
  SmallVector<Value> indices = arraysOfPositions(batch, op.getIndices());
  bool varies = batch.isVaried(op.getX());
  Value from = varies ? batch.stacked(op.getX()) : batch.shared(op.getX());
  batch.set(op.getResult(), GatherOp::create(batch.builder, batch.loc(),
                                             batch.stackedType(op.getResult().getType()), from,
                                             ArrayRef(indices).drop_front(varies ? 0 : 1)));
}

static void applyScatter(Batch &batch, ScatterOp op) {
  Value all = batch.stacked(op.getX());
  batch.set(op.getResult(),
            ScatterOp::create(batch.builder, batch.loc(), all.getType(), all,
                              batch.stacked(op.getValue()),
                              arraysOfPositions(batch, op.getIndices()), op.getAccumulate()));
}

//===------------------------------------------------------------------------------------------===//
// All rules
//===------------------------------------------------------------------------------------------===//
LogicalResult mpy::applyBatchRule(Batch &batch, Operation *op) {
  if (applySingles(batch, op))
    return success();
  OpBuilder &builder = batch.builder;
  auto stackedResult = [&] { return batch.stackedType(op->getResult(0).getType()); };
  llvm::TypeSwitch<Operation *>(op)
      .Case<SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp>([&](auto reduction) {
        using OpT = decltype(reduction);
        batch.set(reduction.getResult(),
                  OpT::create(builder, batch.loc(), batch.stacked(reduction.getX()),
                              shifted(reduction.getAxes())));
      })
      .Case<ArgMaxOp, ArgMinOp>([&](auto reduction) {
        using OpT = decltype(reduction);
        batch.set(reduction.getResult(),
                  OpT::create(builder, batch.loc(), batch.stacked(reduction.getX()),
                              int64_t(reduction.getAxis()) + 1));
      })
      .Case([&](CumsumOp scan) {
        batch.set(scan.getResult(), CumsumOp::create(builder, batch.loc(), stackedResult(),
                                                     batch.stacked(scan.getX()), scan.getAxis() + 1,
                                                     scan.getReverse()));
      })
      .Case<FourierOp, ArgsortOp, tensor::CastOp>([&](auto same) {
        batch.set(same->getResult(0),
                  batch.again(same, batch.stacked(same->getOperand(0)), stackedResult()));
      })
      .Case([&](TransposeOp transpose) {
        SmallVector<int64_t> permutation = shifted(transpose.getPermutation());
        permutation.insert(permutation.begin(), 0);
        batch.set(transpose.getResult(),
                  batch.transpose(batch.stacked(transpose.getX()), permutation));
      })
      .Case([&](ReshapeOp reshape) {
        batch.set(reshape.getResult(),
                  batch.reshape(batch.stacked(reshape.getX()),
                                listedExtents(batch, reshape.getResult(), reshape.getSizes())));
      })
      .Case<StretchOp, UnstretchOp>([&](auto stretch) { applyStretch(batch, stretch); })
      .Case([&](FirstRowsOp rows) {
        applyRows(batch, rows, rows.getX(), rows.getCount(), /*isPadded=*/false);
      })
      .Case([&](PadRowsOp rows) {
        applyRows(batch, rows, rows.getX(), rows.getCount(), /*isPadded=*/true);
      })
      .Case([&](MatmulOp product) { applyProduct(batch, product); })
      .Case([&](BroadcastOp broadcast) { applyBroadcast(batch, broadcast); })
      .Case([&](ConcatOp join) { applyConcat(batch, join); })
      .Case([&](FromElementsOp elements) { applyElements(batch, elements); })
      .Case([&](SliceOp slice) { applySlice(batch, slice); })
      .Case([&](UpdateSliceOp update) { applyUpdate(batch, update); })
      .Case([&](ExtractOp extract) { applyExtract(batch, extract); })
      .Case([&](InsertOp insert) { applyInsert(batch, insert); })
      .Case([&](GatherOp gather) { applyGather(batch, gather); })
      .Case([&](ScatterOp scatter) { applyScatter(batch, scatter); })
      .Case([&](arith::IndexCastOp cast) {
        batch.set(cast.getResult(), batch.stacked(cast.getIn()));
      })
      .Case([&](arith::CmpIOp compare) {
        batch.set(compare.getResult(),
                  CompareOp::create(builder, batch.loc(), *predicateOf(compare),
                                    batch.element(compare.getLhs(), compare.getResult()),
                                    batch.element(compare.getRhs(), compare.getResult())));
      })
      .Case([&](arith::AddIOp) { applyScalar<AddOp>(batch, op); })
      .Case([&](arith::SubIOp) { applyScalar<SubOp>(batch, op); })
      .Case([&](arith::MulIOp) { applyScalar<MulOp>(batch, op); })
      .Case([&](arith::AndIOp) { applyScalar<AndOp>(batch, op); })
      .Case([&](arith::OrIOp) { applyScalar<OrOp>(batch, op); })
      .Default([&](Operation *) {
        if (!applyMultiple(batch, op))
          applyElementwise(batch, op);
      });
  return success();
}
