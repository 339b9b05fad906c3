// What is computed for one example after the other: an operation in a loop over the examples, whose
// results are put together, or a whole function.
#include "adjoint/Batch.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// An operation
//===------------------------------------------------------------------------------------------===//
/// The value of one example, in its own type.
Value Batch::ofExample(Value original, Value example) {
  if (isNumber(original))
    return original.getType().isIndex() ? example : integer(example);
  Value stack = stacked(original);
  auto type = dyn_cast<RankedTensorType>(original.getType());
  if (!type) {
    Value number = ExtractOp::create(builder, location, stack, example);
    return original.getType().isIndex()
               ? arith::IndexCastOp::create(builder, location, original.getType(), number)
               : number;
  }
  Extents sizes = extentsOf(original), offsets(sizes.size() + 1, builder.getIndexAttr(0)),
          strides(sizes.size() + 1, builder.getIndexAttr(1));
  sizes.insert(sizes.begin(), builder.getIndexAttr(1));
  offsets[0] = example;
  return fit(slice(stack, offsets, sizes, strides, {0}), type);
}

/// Values from outside that an operation or one inside it reads.
static llvm::SetVector<Value> readFromOutside(Operation *op) {
  llvm::SetVector<Value> outside(op->operand_begin(), op->operand_end());
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (inner != op && !op->isAncestor(operand.getParentBlock()->getParentOp()))
        outside.insert(operand);
  });
  return outside;
}

void Batch::writeEach(Operation *op) {
  SmallVector<Value> begun;
  for (Value result : op->getResults()) {
    auto type = stackedType(result.getType());
    Extents extents{number()};
    if (auto tensor = dyn_cast<RankedTensorType>(result.getType()))
      for (int64_t dimension = 0; dimension < tensor.getRank(); ++dimension)
        extents.push_back(tensor.isDynamicDim(dimension)
                              ? OpFoldResult(shared(findExtent(result, dimension)))
                              : OpFoldResult(builder.getIndexAttr(tensor.getDimSize(dimension))));
    Value zero = arith::ConstantOp::create(
        builder, location, cast<TypedAttr>(builder.getZeroAttr(type.getElementType())));
    begun.push_back(fit(broadcast(zero, extents), type));
  }
  Value first = arith::ConstantIndexOp::create(builder, location, 0),
        step = arith::ConstantIndexOp::create(builder, location, 1);
  auto loop = scf::ForOp::create(builder, location, first, count, step, begun);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  IRMapping inside(plain);
  for (Value value : readFromOutside(op))
    if (isVaried(value))
      inside.map(value, ofExample(value, loop.getInductionVar()));
  Operation *copy = builder.clone(*op, inside);
  SmallVector<Value> grown;
  for (auto [old, result, stack] :
       llvm::zip(op->getResults(), copy->getResults(), loop.getRegionIterArgs())) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type) {
      grown.push_back(
          InsertOp::create(builder, location, stack, integer(result), loop.getInductionVar()));
      continue;
    }
    Extents offsets(type.getRank() + 1, builder.getIndexAttr(0)),
        strides(type.getRank() + 1, builder.getIndexAttr(1)), sizes{builder.getIndexAttr(1)};
    offsets[0] = loop.getInductionVar();
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      sizes.push_back(type.isDynamicDim(dimension)
                          ? OpFoldResult(shared(findExtent(old, dimension)))
                          : OpFoldResult(builder.getIndexAttr(type.getDimSize(dimension))));
    grown.push_back(update(stack, result, offsets, sizes, strides, {0}));
  }
  scf::YieldOp::create(builder, location, grown);
  for (auto [result, stack] : llvm::zip(op->getResults(), loop.getResults()))
    set(result, stack);
}

//===------------------------------------------------------------------------------------------===//
// A function
//===------------------------------------------------------------------------------------------===//
void mpy::generateExampleLoop(func::FuncOp function, func::FuncOp batched, OpBuilder &builder) {
  Location loc = function.getLoc();
  Block &entry = batched.getBody().front();
  Value count = entry.getArgument(0);
  auto callFor = [&](Value example) {
    SmallVector<Value> arguments{example};
    llvm::append_range(arguments, entry.getArguments().drop_front());
    return func::CallOp::create(builder, loc, function, arguments);
  };
  Value first = arith::ConstantIndexOp::create(builder, loc, 0),
        step = arith::ConstantIndexOp::create(builder, loc, 1);
  auto calledFirst = callFor(first);
  auto store = [&](Value stack, Value result, Value example) -> Value {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type) {
      if (result.getType().isIndex())
        result = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), result);
      return InsertOp::create(builder, loc, stack, result, example);
    }
    SmallVector<Value> offsets(type.getRank() + 1, first), strides(type.getRank() + 1, step),
        sizes{step};
    offsets[0] = example;
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension) {
      Value extent = builder.createOrFold<tensor::DimOp>(loc, result, dimension);
      Value wanted = builder.createOrFold<tensor::DimOp>(loc, stack, dimension + 1);
      if (extent != wanted && type.isDynamicDim(dimension))
        CheckOp::create(
            builder, loc,
            arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, extent, wanted),
            "ValueError", "vmap needs results of one shape", ValueRange());
      sizes.push_back(wanted);
    }
    auto part = slicedType(stack, sizes, {0});
    if (part != result.getType())
      result = tensor::CastOp::create(builder, loc, part, result);
    return UpdateSliceOp::create(builder, loc, stack.getType(), stack, result, offsets, sizes,
                                 strides, ArrayRef<int64_t>{0});
  };
  SmallVector<Value> begun;
  for (auto [result, wanted] : llvm::zip(calledFirst.getResults(), batched.getResultTypes())) {
    auto type = cast<RankedTensorType>(wanted);
    SmallVector<Value> sizes;
    for (int64_t dimension = 0; dimension < type.getRank(); ++dimension)
      if (type.isDynamicDim(dimension))
        sizes.push_back(dimension == 0
                            ? count
                            : builder.createOrFold<tensor::DimOp>(loc, result, dimension - 1));
    Value zero = arith::ConstantOp::create(
        builder, loc, cast<TypedAttr>(builder.getZeroAttr(type.getElementType())));
    begun.push_back(store(BroadcastOp::create(builder, loc, type, zero, sizes), result, first));
  }
  auto loop = scf::ForOp::create(builder, loc, step, count, step, begun);
  builder.setInsertionPointToStart(loop.getBody());
  auto called = callFor(loop.getInductionVar());
  SmallVector<Value> grown;
  for (auto [stack, result] : llvm::zip(loop.getRegionIterArgs(), called.getResults()))
    grown.push_back(store(stack, result, loop.getInductionVar()));
  if (!grown.empty())
    scf::YieldOp::create(builder, loc, grown);
  builder.setInsertionPointAfter(loop);
  func::ReturnOp::create(builder, loc, loop.getResults());
}
