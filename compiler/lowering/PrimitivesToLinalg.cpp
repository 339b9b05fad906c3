// Turns mpy operations on tensors into linalg.generic, tensor operations and scf loops, and those
// on scalars into arith and math: mpy IR -> linalg form. What only the runtime can do (products of
// matrices, text, checks, the tape) stays.
#include "dialect/Canonical.h"
#include "dialect/Dialect.h"
#include "lowering/Extents.h"
#include "lowering/Passes.h"
#include "lowering/ToLinalg.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_PRIMITIVESTOLINALG
#include "lowering/Passes.h.inc"

linalg::GenericOp buildGeneric(OpBuilder &builder, Location loc, int64_t loops,
                               ArrayRef<Mapped> inputs, ArrayRef<Mapped> outputs,
                               BodyBuilder body) {
  SmallVector<Value> inputValues, outputValues;
  SmallVector<AffineMap> maps;
  SmallVector<Type> types;
  SmallVector<utils::IteratorType> iterators(loops, utils::IteratorType::reduction);
  for (const Mapped &input : inputs) {
    inputValues.push_back(input.tensor);
    maps.push_back(input.map);
  }
  for (const Mapped &output : outputs) {
    outputValues.push_back(output.tensor);
    maps.push_back(output.map);
    types.push_back(output.tensor.getType());
    for (int64_t loop = 0; loop < loops; ++loop)
      if (output.map.isFunctionOfDim(loop))
        iterators[loop] = utils::IteratorType::parallel;
  }
  return linalg::GenericOp::create(builder, loc, types, inputValues, outputValues, maps, iterators,
                                   [&](OpBuilder &inner, Location innerLoc, ValueRange arguments) {
                                     linalg::YieldOp::create(inner, innerLoc,
                                                             body(inner, innerLoc, arguments));
                                   });
}

Value buildFromPosition(OpBuilder &builder, Location loc, RankedTensorType type,
                        ArrayRef<OpFoldResult> extents,
                        llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> element) {
  int64_t rank = type.getRank();
  Mapped output{emptyTensor(builder, loc, type, extents), builder.getMultiDimIdentityMap(rank)};
  return buildGeneric(builder, loc, rank, {}, output,
                      [&](OpBuilder &inner, Location innerLoc, ValueRange) -> SmallVector<Value> {
                        SmallVector<Value> position;
                        for (int64_t index = 0; index < rank; ++index)
                          position.push_back(linalg::IndexOp::create(inner, innerLoc, index));
                        return {element(inner, innerLoc, position)};
                      })
      .getResult(0);
}

Value buildFilled(OpBuilder &builder, Location loc, RankedTensorType type,
                  ArrayRef<OpFoldResult> extents, Value scalar) {
  Value empty = emptyTensor(builder, loc, type, extents);
  return linalg::FillOp::create(builder, loc, scalar, empty).getResult(0);
}

Value buildConstant(OpBuilder &builder, Location loc, Type type, double value) {
  TypedAttr attribute;
  if (isa<FloatType>(type))
    attribute = builder.getFloatAttr(type, value);
  else
    attribute = builder.getIntegerAttr(type, static_cast<int64_t>(value));
  return arith::ConstantOp::create(builder, loc, attribute);
}

Value buildSum(OpBuilder &builder, Location loc, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::AddFOp::create(builder, loc, x, y);
  return arith::AddIOp::create(builder, loc, x, y);
}

Value buildLoops(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> extents, Value carried,
                 llvm::function_ref<Value(OpBuilder &, Location, ValueRange, Value)> body) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0),
        one = arith::ConstantIndexOp::create(builder, loc, 1);
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> position;
  scf::ForOp outermost;
  for (OpFoldResult extent : extents) {
    Value end = getValueOrCreateConstantIndexOp(builder, loc, extent);
    auto loop = scf::ForOp::create(builder, loc, zero, end, one, carried);
    position.push_back(loop.getInductionVar());
    if (outermost)
      scf::YieldOp::create(builder, loc, loop.getResults());
    else
      outermost = loop;
    carried = loop.getRegionIterArg(0);
    builder.setInsertionPointToStart(loop.getBody());
  }
  Value result = body(builder, loc, position, carried);
  if (!outermost)
    return result;
  scf::YieldOp::create(builder, loc, result);
  return outermost.getResult(0);
}

Value toIndex(OpBuilder &builder, Location loc, Value integer) {
  if (integer.getType().isIndex())
    return integer;
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), integer);
}

void lowerElementwise(IRRewriter &rewriter, ElementwiseOpInterface op) {
  Location loc = op->getLoc();
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type) {
    rewriter.replaceOp(op, op.buildScalar(rewriter, loc, op->getOperands()));
    return;
  }
  // Scalars are used from inside the body; tensors are read at every position.
  RankedTensorType squeezed = squeezedType(type);
  int64_t loops = squeezed.getRank();
  SmallVector<int64_t> iterated = iteratedDimensions(type);
  AffineMap identity = rewriter.getMultiDimIdentityMap(loops);
  SmallVector<Mapped> inputs;
  SmallVector<OpFoldResult> extents(loops);
  for (auto [index, dimension] : llvm::enumerate(iterated))
    if (!type.isDynamicDim(dimension))
      extents[index] = rewriter.getIndexAttr(type.getDimSize(dimension));
  for (Value operand : op->getOperands()) {
    auto operandType = dyn_cast<RankedTensorType>(operand.getType());
    if (!operandType)
      continue;
    // The same extents must vanish from all operands: those that are 1 in the result.
    operand = squeezeAs(rewriter, loc, operand, type.getShape());
    inputs.push_back({operand, identity});
    for (auto [index, extent] : llvm::enumerate(extents))
      if (!extent)
        extent = extentOf(rewriter, loc, inputs.back().tensor, index);
  }
  Mapped output{emptyTensor(rewriter, loc, squeezed, extents), identity};
  auto generic = buildGeneric(
      rewriter, loc, loops, inputs, output,
      [&](OpBuilder &inner, Location innerLoc, ValueRange elements) -> SmallVector<Value> {
        SmallVector<Value> arguments;
        for (Value operand : op->getOperands()) {
          bool scalar = !isa<RankedTensorType>(operand.getType());
          arguments.push_back(scalar ? operand : elements.front());
          if (!scalar)
            elements = elements.drop_front();
        }
        return {op.buildScalar(inner, innerLoc, arguments)};
      });
  rewriter.replaceOp(op, unsqueeze(rewriter, loc, generic.getResult(0), type));
}

namespace {
struct PrimitivesToLinalg : impl::PrimitivesToLinalgBase<PrimitivesToLinalg> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    simplifyArrays(rewriter, getOperation());
    eraseDead(rewriter);
    // Producers first, so that extents are found without asking arrays for them.
    SmallVector<Operation *> operations;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<tensor::DimOp>(op) || isa_and_nonnull<MpyDialect>(op->getDialect()))
        operations.push_back(op);
    });
    for (Operation *op : operations) {
      rewriter.setInsertionPoint(op);
      if (auto dim = dyn_cast<tensor::DimOp>(op)) {
        replaceExtent(rewriter, dim);
      } else if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op)) {
        lowerElementwise(rewriter, elementwise);
      } else if (!lowerReduction(rewriter, op) && !lowerShape(rewriter, op)) {
        lowerIndexing(rewriter, op);
      }
    }
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
    hideImpossibleBounds(getOperation());
  }

  void eraseDead(IRRewriter &rewriter) {
    SmallVector<Operation *> operations;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) { operations.push_back(op); });
    for (Operation *op : llvm::reverse(operations))
      if (op->getNumRegions() == 0 && isOpTriviallyDead(op))
        rewriter.eraseOp(op);
  }

  void replaceExtent(IRRewriter &rewriter, tensor::DimOp dim) {
    if (std::optional<int64_t> index = dim.getConstantIndex())
      rewriter.replaceOp(dim, extentValue(rewriter, dim.getLoc(), dim.getSource(), *index));
  }
};
} // namespace
} // namespace mpy
