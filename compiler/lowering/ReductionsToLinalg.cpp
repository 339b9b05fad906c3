// Turns reductions into linalg.generic with reduced dimensions, and running sums into loops.
#include "lowering/Extents.h"
#include "lowering/ToLinalg.h"

using namespace mlir;

namespace mpy {

// The element that changes nothing; what the result is where there are no elements.
static Value buildNeutral(OpBuilder &builder, Location loc, Operation *op, Type element) {
  if (isa<SumOp, AnyOp>(op))
    return buildConstant(builder, loc, element, 0);
  if (isa<ProdOp>(op))
    return buildConstant(builder, loc, element, 1);
  if (isa<AllOp>(op))
    return arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
  bool lowest = isa<MaxOp, ArgMaxOp>(op);
  if (auto type = dyn_cast<FloatType>(element))
    return arith::ConstantOp::create(
        builder, loc,
        builder.getFloatAttr(type, llvm::APFloat::getInf(type.getFloatSemantics(), lowest)));
  unsigned width = element.getIntOrFloatBitWidth();
  // Truth values are not signed.
  llvm::APInt extreme = width == 1 ? llvm::APInt(1, lowest ? 0 : 1)
                        : lowest   ? llvm::APInt::getSignedMinValue(width)
                                   : llvm::APInt::getSignedMaxValue(width);
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(element, extreme));
}

// The order in which a library sum or product combines elements is free; the attribute says so to
// the loop emission.
static Value buildCombined(OpBuilder &builder, Location loc, Operation *op, Value x, Value total) {
  bool floating = isa<FloatType>(x.getType()), truth = x.getType().isInteger(1);
  auto anyOrder =
      arith::FastMathFlagsAttr::get(builder.getContext(), arith::FastMathFlags::reassoc);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](SumOp) -> Value {
        if (floating && x.getType() != total.getType())
          x = arith::ExtFOp::create(builder, loc, total.getType(), x);
        if (floating)
          return arith::AddFOp::create(builder, loc, total, x, anyOrder);
        return arith::AddIOp::create(builder, loc, total, x);
      })
      .Case([&](ProdOp) -> Value {
        if (floating)
          return arith::MulFOp::create(builder, loc, total, x, anyOrder);
        return arith::MulIOp::create(builder, loc, total, x);
      })
      .Case([&](MaxOp) -> Value {
        if (floating)
          return arith::MaximumFOp::create(builder, loc, total, x);
        if (truth)
          return arith::OrIOp::create(builder, loc, total, x);
        return arith::MaxSIOp::create(builder, loc, total, x);
      })
      .Case([&](MinOp) -> Value {
        if (floating)
          return arith::MinimumFOp::create(builder, loc, total, x);
        if (truth)
          return arith::AndIOp::create(builder, loc, total, x);
        return arith::MinSIOp::create(builder, loc, total, x);
      })
      .Case([&](AnyOp) -> Value { return arith::OrIOp::create(builder, loc, total, x); })
      .Case([&](AllOp) -> Value { return arith::AndIOp::create(builder, loc, total, x); });
}

// A tensor without its constant extents of 1, and the loops over it that stay when `axes` are
// reduced.
namespace {
struct Reduced {
  Value tensor;
  AffineMap input, output;
  RankedTensorType type;
  SmallVector<OpFoldResult> extents;

  Reduced(OpBuilder &builder, Location loc, Value x, ArrayRef<int64_t> axes) {
    auto xType = cast<RankedTensorType>(x.getType());
    tensor = squeeze(builder, loc, x);
    int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
    SmallVector<AffineExpr> kept;
    SmallVector<int64_t> shape;
    for (auto [index, dimension] : llvm::enumerate(iteratedDimensions(xType))) {
      if (llvm::is_contained(axes, dimension))
        continue;
      kept.push_back(builder.getAffineDimExpr(index));
      shape.push_back(xType.getDimSize(dimension));
      extents.push_back(extentOf(builder, loc, tensor, index));
    }
    input = builder.getMultiDimIdentityMap(rank);
    output = AffineMap::get(rank, 0, kept, builder.getContext());
    type = RankedTensorType::get(shape, xType.getElementType());
  }
  int64_t loops() const { return input.getNumDims(); }
};
} // namespace

// Gives the result the type of the operation: a scalar, or a tensor with its constant extents of 1.
static void replaceWith(IRRewriter &rewriter, Operation *op, Value result) {
  Type type = op->getResult(0).getType();
  if (auto tensorType = dyn_cast<RankedTensorType>(type))
    rewriter.replaceOp(op, unsqueeze(rewriter, op->getLoc(), result, tensorType));
  else
    rewriter.replaceOp(
        op, tensor::ExtractOp::create(rewriter, op->getLoc(), result, ValueRange()).getResult());
}

// Sums of float32 are added in double, whatever the layout and the order of the loops, and rounded
// once: the error of a sum in float32 along an axis that is not the innermost would grow with the
// extent.
static void lowerToGeneric(IRRewriter &rewriter, Operation *op, ArrayRef<int64_t> axes) {
  Location loc = op->getLoc();
  Reduced reduced(rewriter, loc, op->getOperand(0), axes);
  if (reduced.type.getRank() == reduced.loops())
    return replaceWith(rewriter, op, reduced.tensor); // only extents of 1 are reduced
  Type element = reduced.type.getElementType();
  bool widens = isa<SumOp>(op) && element.isF32();
  RankedTensorType type = widens ? reduced.type.clone(rewriter.getF64Type()) : reduced.type;
  Value neutral = buildNeutral(rewriter, loc, op, type.getElementType());
  Value start = buildFilled(rewriter, loc, type, reduced.extents, neutral);
  auto generic = buildGeneric(
      rewriter, loc, reduced.loops(), Mapped{reduced.tensor, reduced.input},
      Mapped{start, reduced.output},
      [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
        return {buildCombined(inner, innerLoc, op, elements[0], elements[1])};
      });
  Value result = generic.getResult(0);
  if (widens) {
    AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
    Value narrow = emptyTensor(rewriter, loc, reduced.type, reduced.extents);
    result =
        buildGeneric(
            rewriter, loc, type.getRank(), Mapped{result, identity}, Mapped{narrow, identity},
            [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
              return {arith::TruncFOp::create(inner, innerLoc, element, elements[0])};
            })
            .getResult(0);
  }
  replaceWith(rewriter, op, result);
}

// Whether x comes before the best so far: NaN beats every number, the first of equals stays.
static Value buildBetter(OpBuilder &builder, Location loc, bool largest, Value x, Value best) {
  if (isa<FloatType>(x.getType())) {
    auto predicate = largest ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    Value better = arith::CmpFOp::create(builder, loc, predicate, x, best);
    Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, x, x);
    Value bestIsNumber = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, best, best);
    Value firstNan = arith::AndIOp::create(builder, loc, isNan, bestIsNumber);
    return arith::OrIOp::create(builder, loc, better, firstNan);
  }
  bool truth = x.getType().isInteger(1);
  auto predicate = largest ? (truth ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt)
                           : (truth ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt);
  return arith::CmpIOp::create(builder, loc, predicate, x, best);
}

static void lowerArgReduction(IRRewriter &rewriter, Operation *op, Value x, int64_t axis) {
  Location loc = op->getLoc();
  Reduced reduced(rewriter, loc, x, axis);
  auto indexType = RankedTensorType::get(reduced.type.getShape(), rewriter.getI64Type());
  // Starting from the worst value at position 0 is right even if all elements are that value.
  Value zero = buildConstant(rewriter, loc, rewriter.getI64Type(), 0);
  Value firstIndex = buildFilled(rewriter, loc, indexType, reduced.extents, zero);
  if (reduced.type.getRank() == reduced.loops())
    return replaceWith(rewriter, op, firstIndex);
  int64_t loop = 0;
  while (reduced.output.isFunctionOfDim(loop))
    ++loop;
  Value worst = buildNeutral(rewriter, loc, op, reduced.type.getElementType());
  Value firstBest = buildFilled(rewriter, loc, reduced.type, reduced.extents, worst);
  auto generic = buildGeneric(
      rewriter, loc, reduced.loops(), Mapped{reduced.tensor, reduced.input},
      {Mapped{firstBest, reduced.output}, Mapped{firstIndex, reduced.output}},
      [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
        Value position = linalg::IndexOp::create(inner, innerLoc, loop);
        position = arith::IndexCastOp::create(inner, innerLoc, inner.getI64Type(), position);
        Value better = buildBetter(inner, innerLoc, isa<ArgMaxOp>(op), elements[0], elements[1]);
        Value best = arith::SelectOp::create(inner, innerLoc, better, elements[0], elements[1]);
        Value index = arith::SelectOp::create(inner, innerLoc, better, position, elements[2]);
        return {best, index};
      });
  replaceWith(rewriter, op, generic.getResult(1));
}

// Along the last axis, elements one by one into an accumulator.
static Value runAlongRows(OpBuilder &builder, Location loc, Value x, Value result, bool reverse) {
  SmallVector<OpFoldResult> extents = extentsOf(builder, loc, x);
  Value length = getValueOrCreateConstantIndexOp(builder, loc, extents.pop_back_val());
  Value zero = buildConstant(builder, loc, getElementTypeOrSelf(x.getType()), 0);
  Value first = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  return buildLoops(
      builder, loc, extents, result,
      [&](OpBuilder &inner, Location innerLoc, ValueRange row, Value carried) -> Value {
        auto loop =
            scf::ForOp::create(inner, innerLoc, first, length, one, ValueRange{carried, zero});
        OpBuilder body = OpBuilder::atBlockBegin(loop.getBody());
        Value step = loop.getInductionVar();
        if (reverse) {
          Value left = arith::SubIOp::create(body, innerLoc, length, step);
          step = arith::SubIOp::create(body, innerLoc, left, one);
        }
        SmallVector<Value> position(row);
        position.push_back(step);
        Value element = tensor::ExtractOp::create(body, innerLoc, x, position);
        Value total = buildSum(body, innerLoc, loop.getRegionIterArg(1), element);
        Value next =
            tensor::InsertOp::create(body, innerLoc, total, loop.getRegionIterArg(0), position);
        scf::YieldOp::create(body, innerLoc, ValueRange{next, total});
        return loop.getResult(0);
      });
}

// Along another axis, whole slices into a slice that accumulates.
static Value runAlongSlices(OpBuilder &builder, Location loc, Value x, Value result, int64_t axis,
                            bool reverse) {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<OpFoldResult> sizes = extentsOf(builder, loc, x);
  // Extents must be constants exactly where the types say so.
  for (auto [index, size] : llvm::enumerate(sizes))
    if (type.isDynamicDim(index))
      size = getValueOrCreateConstantIndexOp(builder, loc, size);
  Value length = getValueOrCreateConstantIndexOp(builder, loc, sizes[axis]);
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + axis);
  SmallVector<OpFoldResult> sliceExtents(sizes), offsets(type.getRank(), builder.getIndexAttr(0)),
      strides(type.getRank(), builder.getIndexAttr(1));
  sliceExtents.erase(sliceExtents.begin() + axis);
  sizes[axis] = builder.getIndexAttr(1);
  auto sliceType = RankedTensorType::get(shape, type.getElementType());
  Value zero = buildConstant(builder, loc, type.getElementType(), 0);
  Value start = buildFilled(builder, loc, sliceType, sliceExtents, zero);
  Value first = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto loop = scf::ForOp::create(builder, loc, first, length, one, ValueRange{result, start});
  OpBuilder body = OpBuilder::atBlockBegin(loop.getBody());
  Value step = loop.getInductionVar();
  if (reverse) {
    Value left = arith::SubIOp::create(body, loc, length, step);
    step = arith::SubIOp::create(body, loc, left, one);
  }
  offsets[axis] = step;
  Value slice = tensor::ExtractSliceOp::create(body, loc, sliceType, x, offsets, sizes, strides);
  AffineMap identity = builder.getMultiDimIdentityMap(sliceType.getRank());
  Value total = loop.getRegionIterArg(1);
  total = buildGeneric(
              body, loc, sliceType.getRank(), Mapped{slice, identity}, Mapped{total, identity},
              [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
                return {buildSum(inner, innerLoc, elements[1], elements[0])};
              })
              .getResult(0);
  Value next = tensor::InsertSliceOp::create(body, loc, total, loop.getRegionIterArg(0), offsets,
                                             sizes, strides);
  scf::YieldOp::create(body, loc, ValueRange{next, total});
  return loop.getResult(0);
}

static void lowerCumsum(IRRewriter &rewriter, CumsumOp op) {
  Location loc = op.getLoc();
  Value x = op.getX();
  auto type = cast<RankedTensorType>(x.getType());
  int64_t axis = op.getAxis();
  Value result = emptyTensor(rewriter, loc, type, extentsOf(rewriter, loc, x));
  result = axis == type.getRank() - 1
               ? runAlongRows(rewriter, loc, x, result, op.getReverse())
               : runAlongSlices(rewriter, loc, x, result, axis, op.getReverse());
  rewriter.replaceOp(op, castTo(rewriter, loc, result, op.getResult().getType()));
}

bool lowerReduction(IRRewriter &rewriter, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<SumOp, ProdOp, MaxOp, MinOp, AnyOp, AllOp>([&](auto reduction) {
        lowerToGeneric(rewriter, op, reduction.getAxes());
        return true;
      })
      .Case<ArgMaxOp, ArgMinOp>([&](auto reduction) {
        lowerArgReduction(rewriter, op, reduction.getX(), reduction.getAxis());
        return true;
      })
      .Case([&](CumsumOp cumsum) {
        lowerCumsum(rewriter, cumsum);
        return true;
      })
      .Default(false);
}
} // namespace mpy
