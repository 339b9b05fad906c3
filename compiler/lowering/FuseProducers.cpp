// Copies cheap computations into the operations that read their results, so that they need no
// memory: casts, transposes, repeated rows, comparisons, a few additions. Loops may be more than
// the producer has.
#include "lowering/Fusion.h"
#include "lowering/PartWrites.h"

using namespace mlir;

namespace mpy {

// What computing an operation again costs, in additions; never worth it for calls and divisions.
static unsigned costOf(Operation *op) {
  constexpr unsigned tooMuch = 100;
  if (isa<arith::ConstantOp, linalg::IndexOp>(op))
    return 0;
  if (isa<arith::DivFOp, arith::DivSIOp, arith::RemFOp, arith::RemSIOp, arith::FloorDivSIOp,
          arith::DivUIOp, arith::RemUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return tooMuch;
  if (isa<math::AbsFOp, math::AbsIOp, math::CopySignOp>(op) ||
      isa<arith::ArithDialect>(op->getDialect()))
    return 1;
  return tooMuch;
}

static unsigned costOf(linalg::GenericOp generic) {
  unsigned cost = 0;
  for (Operation &op : generic.getBody()->without_terminator())
    cost += costOf(&op);
  return cost;
}

// A producer whose element can be computed where it is used.
static bool isCheap(linalg::GenericOp producer, Block *consumerBlock) {
  constexpr unsigned highestCost = 3;
  if (producer.getNumResults() != 1 || !tensorDimensions(producer.getIndexingMapsArray().back()) ||
      !producer.getRegionOutputArgs()[0].use_empty())
    return false;
  unsigned cost = costOf(producer);
  // Loops repeat what is inside them.
  if (cost > (producer->getBlock() == consumerBlock ? highestCost : 0))
    return false;
  // Reading two arrays again costs more than reading the one that they make.
  Value whole;
  for (OpOperand *input : producer.getDpsInputOperands()) {
    if (!producer.getMatchingIndexingMap(input).isPermutation())
      continue;
    if (whole && whole != input->get())
      return false;
    whole = input->get();
  }
  return true;
}

// The consumer with one input replaced by the inputs of its producer, and by the producer's body.
static linalg::GenericOp inlineProducer(IRRewriter &rewriter, linalg::GenericOp consumer,
                                        OpOperand *read, linalg::GenericOp producer) {
  // From the iterations of the consumer to those of the producer.
  AffineMap toProducer = inversePermutation(producer.getIndexingMapsArray().back())
                             .compose(consumer.getMatchingIndexingMap(read));
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (OpOperand *input : consumer.getDpsInputOperands()) {
    if (input == read)
      continue;
    inputs.push_back(input->get());
    maps.push_back(consumer.getMatchingIndexingMap(input));
  }
  for (OpOperand *input : producer.getDpsInputOperands()) {
    inputs.push_back(input->get());
    maps.push_back(producer.getMatchingIndexingMap(input).compose(toProducer));
  }
  for (OpOperand &output : consumer.getDpsInitsMutable())
    maps.push_back(consumer.getMatchingIndexingMap(&output));
  if (!inversePermutation(concatAffineMaps(maps, rewriter.getContext())))
    return {}; // the producer alone showed the bound of some loop
  rewriter.setInsertionPoint(consumer);
  auto fused =
      linalg::GenericOp::create(rewriter, consumer.getLoc(), consumer.getResultTypes(), inputs,
                                consumer.getDpsInits(), maps, consumer.getIteratorTypesArray());
  Block *body = rewriter.createBlock(&fused.getRegion());
  for (Value operand : fused->getOperands())
    body->addArgument(getElementTypeOrSelf(operand.getType()), consumer.getLoc());
  IRMapping mapping;
  unsigned next = 0;
  for (OpOperand *input : consumer.getDpsInputOperands())
    if (input != read)
      mapping.map(consumer.getMatchingBlockArgument(input), body->getArgument(next++));
  for (OpOperand *input : producer.getDpsInputOperands())
    mapping.map(producer.getMatchingBlockArgument(input), body->getArgument(next++));
  for (OpOperand &output : consumer.getDpsInitsMutable())
    mapping.map(consumer.getMatchingBlockArgument(&output), body->getArgument(next++));
  rewriter.setInsertionPointToStart(body);
  for (Operation &op : producer.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      auto position = cast<AffineDimExpr>(toProducer.getResult(index.getDim())).getPosition();
      mapping.map(index.getResult(),
                  linalg::IndexOp::create(rewriter, index.getLoc(), position).getResult());
      continue;
    }
    rewriter.clone(op, mapping);
  }
  Value element = producer.getBody()->getTerminator()->getOperand(0);
  mapping.map(consumer.getMatchingBlockArgument(read), mapping.lookupOrDefault(element));
  for (Operation &op : *consumer.getBody())
    rewriter.clone(op, mapping);
  rewriter.replaceOp(consumer, fused.getResults());
  return fused;
}

// The scalar that a tensor repeats everywhere, usable before `consumer`; null if there is none.
static Value repeatedScalar(IRRewriter &rewriter, linalg::GenericOp consumer, Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return fill.getInputs()[0];
  auto constant = tensor.getDefiningOp<arith::ConstantOp>();
  auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : SplatElementsAttr();
  if (!splat)
    return {};
  rewriter.setInsertionPoint(consumer);
  return arith::ConstantOp::create(rewriter, constant.getLoc(), splat.getSplatValue<TypedAttr>());
}

// Scalars that were spread over an array are used as they are.
static bool inlineScalar(IRRewriter &rewriter, linalg::GenericOp consumer, OpOperand *read) {
  BlockArgument element = consumer.getMatchingBlockArgument(read);
  Value scalar = element.use_empty() ? Value() : repeatedScalar(rewriter, consumer, read->get());
  if (scalar)
    rewriter.replaceAllUsesWith(element, scalar);
  return static_cast<bool>(scalar);
}

// One step at one operand; the generic that stands there afterwards, if anything changed.
static linalg::GenericOp inlineOne(IRRewriter &rewriter, linalg::GenericOp consumer) {
  for (OpOperand *read : consumer.getDpsInputOperands()) {
    if (auto cast = read->get().getDefiningOp<tensor::CastOp>())
      if (isa_and_nonnull<linalg::GenericOp, linalg::FillOp>(cast.getSource().getDefiningOp()))
        rewriter.modifyOpInPlace(consumer, [&] { read->set(cast.getSource()); });
    if (inlineScalar(rewriter, consumer, read))
      return consumer;
    auto producer = read->get().getDefiningOp<linalg::GenericOp>();
    if (producer && isCheap(producer, consumer->getBlock()) &&
        consumer.getMatchingIndexingMap(read).isProjectedPermutation() &&
        llvm::none_of(producer.getInputs(),
                      [&](Value input) { return isOverwrittenBetween(input, producer, consumer); }))
      if (linalg::GenericOp fused = inlineProducer(rewriter, consumer, read, producer))
        return fused;
  }
  return {};
}

void inlineCheapProducers(IRRewriter &rewriter, func::FuncOp function) {
  SmallVector<linalg::GenericOp> generics;
  function.walk<WalkOrder::PreOrder>(
      [&](linalg::GenericOp generic) { generics.push_back(generic); });
  for (linalg::GenericOp &generic : generics)
    while (linalg::GenericOp changed = inlineOne(rewriter, generic))
      generic = changed;
  // Consumers first: a producer may be dead once they are.
  for (linalg::GenericOp generic : llvm::reverse(generics))
    dropUnused(rewriter, generic);
}
} // namespace mpy
