// An operation -> what each element of its result may depend on, as numbers of sets:
//
//   %y = mpy.mul %x, %z     =>   %y_dot = mpy.set_union %x_dot, %z_dot
//
// What moves elements moves their sets. Choices have the dependences of both branches. Never less
// than there is, and more only where the result of an operation mixes whole rows: products of
// matrices, whatever zeros they hold, and transforms.
#include "adjoint/Dependences.h"

#include "dialect/Formula.h"

using namespace mlir;
using namespace mpy;

namespace {
/// Emits the sets of one operation.
struct Emitter {
  TangentContext &context;
  OpBuilder &builder = context.builder();
  Location loc = context.loc();

  SmallVector<OpFoldResult> extentsOf(Value original) {
    SmallVector<OpFoldResult> extents;
    auto type = cast<RankedTensorType>(original.getType());
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      extents.push_back(type.isDynamicDim(dimension)
                            ? OpFoldResult(context.extent(original, dimension))
                            : OpFoldResult(builder.getIndexAttr(type.getDimSize(dimension))));
    return extents;
  }
  Value index(OpFoldResult extent) {
    if (auto value = dyn_cast<Value>(extent))
      return value;
    return arith::ConstantIndexOp::create(builder, loc, *getConstantIntValue(extent));
  }
  OpFoldResult product(ArrayRef<OpFoldResult> extents) {
    int64_t known = 1;
    Value open;
    for (OpFoldResult extent : extents) {
      if (std::optional<int64_t> constant = getConstantIntValue(extent)) {
        known *= *constant;
        continue;
      }
      Value next = cast<Value>(extent);
      open = open ? arith::MulIOp::create(builder, loc, open, next).getResult() : next;
    }
    if (!open)
      return builder.getIndexAttr(known);
    return known == 1
               ? open
               : arith::MulIOp::create(builder, loc, open, index(builder.getIndexAttr(known)))
                     .getResult();
  }
  std::pair<RankedTensorType, SmallVector<Value>> typed(Type element,
                                                        ArrayRef<OpFoldResult> extents) {
    SmallVector<int64_t> shape;
    SmallVector<Value> sizes;
    for (OpFoldResult extent : extents) {
      shape.push_back(getConstantIntValue(extent).value_or(ShapedType::kDynamic));
      if (ShapedType::isDynamic(shape.back()))
        sizes.push_back(cast<Value>(extent));
    }
    return {RankedTensorType::get(shape, element), sizes};
  }
  Value reshape(Value x, ArrayRef<OpFoldResult> extents) {
    auto [type, sizes] = typed(getElementTypeOrSelf(x), extents);
    return ReshapeOp::create(builder, loc, type, x, sizes);
  }
  Value wide(Value x) {
    return getElementTypeOrSelf(x).isF64() ? x
                                           : CastOp::create(builder, loc, x, builder.getF64Type());
  }
  /// In the element type of a value.
  Value like(Value x, Value original) {
    Type element = getElementTypeOrSelf(original);
    return getElementTypeOrSelf(x) == element ? x : CastOp::create(builder, loc, x, element);
  }
  Value unite(Value a, Value b) {
    return !a ? b : !b ? a : SetUnionOp::create(builder, loc, a, b).getResult();
  }
  /// The unions along some axes, which disappear from the extents.
  Value reduce(Value x, SmallVector<OpFoldResult> extents, ArrayRef<int64_t> axes);
  /// A value spread over the extents of a result; `axes` are those that it has.
  Value spread(Value x, ArrayRef<OpFoldResult> extents, ArrayRef<int64_t> axes, Value result);
};
} // namespace

Value Emitter::reduce(Value x, SmallVector<OpFoldResult> extents, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> kept, permutation;
  for (int64_t axis = 0; axis < int64_t(extents.size()); ++axis)
    if (!llvm::is_contained(axes, axis))
      kept.push_back(axis);
  llvm::append_range(permutation, kept);
  llvm::append_range(permutation, axes);
  if (!llvm::is_sorted(permutation))
    x = TransposeOp::create(builder, loc, x, permutation);
  auto pick = [&](ArrayRef<int64_t> some) {
    return llvm::map_to_vector(some, [&](int64_t axis) { return extents[axis]; });
  };
  SmallVector<OpFoldResult> left = pick(kept);
  OpFoldResult rows = product(left);
  Value matrix = reshape(wide(x), {rows, product(pick(axes))});
  auto line = RankedTensorType::get({getConstantIntValue(rows).value_or(ShapedType::kDynamic)},
                                    builder.getF64Type());
  Value united = RuntimeCallOp::create(builder, loc, TypeRange(line), "mpy_set_union_rows",
                                       ValueRange(matrix), false)
                     .getResult(0);
  if (!left.empty())
    return reshape(united, left);
  return ReshapeOp::create(builder, loc, builder.getF64Type(), united, ValueRange());
}

Value Emitter::spread(Value x, ArrayRef<OpFoldResult> extents, ArrayRef<int64_t> axes,
                      Value result) {
  if (isa<RankedTensorType>(x.getType())) {
    SmallVector<OpFoldResult> column(extents.size(), builder.getIndexAttr(1));
    for (int64_t axis : axes)
      column[axis] = extents[axis];
    x = reshape(x, column);
  }
  auto [type, sizes] = typed(getElementTypeOrSelf(result), extents);
  return BroadcastOp::create(builder, loc, type, like(x, result), sizes);
}

/// Constant between the places where it jumps, or no number that anything depends on.
static bool isFlat(Operation *op) {
  return isa<SignOp, FloorOp, CeilOp, RintOp, TruncOp, StopGradientOp, NotOp, FloorDivOp,
             CompareOp>(op);
}

static LogicalResult buildElementwise(Emitter &emit, Operation *op) {
  Value united;
  for (Value operand : op->getOperands())
    if (isa<FloatType>(getElementTypeOrSelf(operand)))
      united = emit.unite(united, emit.context.tangent(operand));
  if (!united || isFlat(op))
    return success();
  Value result = op->getResult(0);
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (type && !isa<RankedTensorType>(united.getType()))
    united = emit.spread(united, emit.extentsOf(result), {}, result);
  emit.context.set(result, emit.like(united, result));
  return success();
}

/// All along some axes of the operand for each element along them, or for a result without them.
static LogicalResult buildMixed(Emitter &emit, Value x, Value result, ArrayRef<int64_t> axes,
                                bool isReduced) {
  Value sets = emit.context.tangent(x);
  if (!sets)
    return success();
  SmallVector<OpFoldResult> extents = emit.extentsOf(x);
  Value united = emit.reduce(sets, extents, axes);
  if (!isReduced) {
    SmallVector<int64_t> kept;
    for (int64_t axis = 0; axis < int64_t(extents.size()); ++axis)
      if (!llvm::is_contained(axes, axis))
        kept.push_back(axis);
    united = emit.spread(united, emit.extentsOf(result), kept, result);
  }
  emit.context.set(result, emit.like(united, result));
  return success();
}

static LogicalResult buildProduct(Emitter &emit, MatmulOp op) {
  Value result = op.getResult();
  SmallVector<OpFoldResult> extents = emit.extentsOf(result);
  int64_t rank = extents.size();
  auto ofOperand = [&](Value operand, int64_t inner, int64_t kept) -> Value {
    Value sets = emit.context.tangent(operand);
    if (!sets)
      return {};
    bool isStack = cast<RankedTensorType>(operand.getType()).getRank() == 3;
    SmallVector<int64_t> axes{inner}, left;
    if (isStack && op.getSummed())
      axes.insert(axes.begin(), 0);
    else if (isStack)
      left.push_back(0);
    left.push_back(kept);
    return emit.spread(emit.reduce(sets, emit.extentsOf(operand), axes), extents, left, result);
  };
  Value x = ofOperand(op.getX(), op.innerAxisOfX(), rank - 2),
        y = ofOperand(op.getY(), op.innerAxisOfY(), rank - 1);
  if (Value united = emit.unite(x, y))
    emit.context.set(result, united);
  return success();
}

static LogicalResult buildScatter(Emitter &emit, ScatterOp op) {
  TangentContext &context = emit.context;
  Value x = context.tangent(op.getX()), value = context.tangent(op.getValue());
  if (!x && !value)
    return success();
  x = context.tangentOrZeros(op.getX());
  value = context.tangentOrZeros(op.getValue());
  SmallVector<OpFoldResult> extents = emit.extentsOf(op.getX());
  size_t indexed = op.getIndices().size();
  SmallVector<OpFoldResult> places = emit.extentsOf(op.getIndices().front());
  OpFoldResult rows = emit.product(ArrayRef(extents).take_front(indexed)),
               columns = emit.product(ArrayRef(extents).drop_front(indexed)),
               count = emit.product(places);
  // Row-major positions.
  Value position;
  for (auto [index, extent] : llvm::zip(op.getIndices(), extents)) {
    Value next = context.primal(index);
    if (!position) {
      position = next;
      continue;
    }
    Value width = arith::IndexCastOp::create(emit.builder, emit.loc, emit.builder.getI64Type(),
                                             emit.index(extent));
    position = MulOp::create(emit.builder, emit.loc, position, width);
    position = AddOp::create(emit.builder, emit.loc, position, next);
  }
  Value united = emit.reshape(emit.wide(x), {rows, columns});
  SmallVector<Value> inputs{united, emit.reshape(emit.wide(value), {count, columns}),
                            emit.reshape(position, {count})};
  united = RuntimeCallOp::create(emit.builder, emit.loc, TypeRange(united.getType()),
                                 "mpy_set_union_scatter", inputs, false)
               .getResult(0);
  context.set(op.getResult(), emit.like(emit.reshape(united, extents), op.getResult()));
  return success();
}

/// Everything in any result depends on everything in any input.
static LogicalResult buildAll(Emitter &emit, ValueRange inputs, ValueRange results) {
  Value united;
  for (Value input : inputs)
    if (Value sets = emit.context.tangent(input)) {
      auto type = dyn_cast<RankedTensorType>(input.getType());
      SmallVector<int64_t> axes;
      for (int64_t axis = 0; type && axis < type.getRank(); ++axis)
        axes.push_back(axis);
      united = emit.unite(united,
                          type ? emit.reduce(sets, emit.extentsOf(input), axes) : emit.wide(sets));
    }
  for (Value result : results) {
    if (!united || !isa<FloatType>(getElementTypeOrSelf(result)))
      continue;
    emit.context.set(result, isa<RankedTensorType>(result.getType())
                                 ? emit.spread(united, emit.extentsOf(result), {}, result)
                                 : emit.like(united, result));
  }
  return success();
}

LogicalResult mpy::buildDependences(TangentContext &context, Operation *op) {
  Emitter emit{context};
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<SumOp, ProdOp, MaxOp, MinOp>([&](auto reduction) {
        return buildMixed(emit, reduction.getX(), reduction.getResult(), reduction.getAxes(), true);
      })
      .Case([&](CumsumOp scan) {
        return buildMixed(emit, scan.getX(), scan.getResult(), {int64_t(scan.getAxis())}, false);
      })
      .Case([&](FourierOp transform) {
        int64_t rank = transform.getX().getType().getRank();
        int64_t axis = rank - 2 - static_cast<int64_t>(transform.getBehind());
        return buildMixed(emit, transform.getX(), transform.getResult(), {axis, rank - 1}, false);
      })
      .Case([&](MatmulOp product) { return buildProduct(emit, product); })
      .Case([&](ScatterOp scatter) {
        return scatter.getAccumulate() ? buildScatter(emit, scatter)
                                       : scatter.buildTangent(context);
      })
      .Case([&](UnstretchOp sum) { return buildAll(emit, sum.getX(), sum.getResult()); })
      .Case([&](RuledOp ruled) { return buildAll(emit, ruled.getInputs(), ruled.getOutputs()); })
      .Case<CastOp, BroadcastOp, StretchOp, ReshapeOp, TransposeOp, ConcatOp, FirstRowsOp,
            PadRowsOp, FromElementsOp, IotaOp, SliceOp, UpdateSliceOp, ExtractOp, InsertOp,
            GatherOp, TapeNewOp, PushOp, PopOp, TapeFreeOp>(
          [&](auto moved) { return moved.buildTangent(context); })
      .Default([&](Operation *op) -> LogicalResult {
        if (isa<ElementwiseOpInterface, arith::SelectOp>(op))
          return buildElementwise(emit, op);
        // Upstream operations and fences move what they are given.
        if (isa<tensor::CastOp>(op) || op->getName().getStringRef() == "mpy.fence")
          return cast<DifferentiableOpInterface>(op).buildTangent(context);
        return context.refuse(
            "what the elements of a result depend on is not known of this operation");
      });
}
