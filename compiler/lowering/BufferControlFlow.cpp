// How OwnBuffers rewrites branches, loops, calls and terminators.
//
// A loop is emitted under the assumption that each carried buffer is unique when an iteration
// starts. If the body relied on that for a position, the buffer yielded there must be unique too,
// which may rest on the same assumption for other positions
// (`a, b = b, a` permutes them). Where it is not, the position loses the assumption, and the loop
// is emitted again.
#include "lowering/BufferEmitter.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

using namespace mlir;

namespace mpy {

static SmallVector<Type> bufferTypes(TypeRange types) {
  SmallVector<Type> result;
  for (Type type : types)
    result.push_back(Ownership::bufferType(type));
  return result;
}

LogicalResult BufferEmitter::emitTerminator(Operation &op) {
  SmallVector<Taken> &taken = frames.back()->results;
  taken.clear();
  SmallVector<Value> values;
  for (OpOperand &operand : op.getOpOperands()) {
    taken.push_back(consume(operand));
    values.push_back(taken.back().buffer);
  }
  releaseDying(&op);
  if (isa<scf::ConditionOp>(op)) {
    taken.erase(taken.begin());
    scf::ConditionOp::create(builder, op.getLoc(), values[0], ValueRange(values).drop_front());
  } else if (isa<scf::YieldOp>(op)) {
    scf::YieldOp::create(builder, op.getLoc(), values);
  } else {
    func::ReturnOp::create(builder, op.getLoc(), values);
  }
  return success();
}

void BufferEmitter::addResults(ResultRange results, ValueRange buffers,
                               ArrayRef<Uniqueness> unique) {
  for (auto [result, buffer, known] : llvm::zip(results, buffers, unique)) {
    map.map(result, buffer);
    if (Ownership::isCounted(result.getType()))
      addOwner(result, known);
  }
}

LogicalResult BufferEmitter::emitIf(scf::IfOp op) {
  bool hasElse = !op.getElseRegion().empty();
  // What dies here dies in each branch, at its own last use there.
  SmallVector<Value> inherited;
  if (hasElse)
    for (Value root : frames.back()->dying[op])
      if (owners[root].alive)
        inherited.push_back(root);
  SmallVector<Owner> states;
  for (Value root : inherited)
    states.push_back(owners[root]);

  auto created = scf::IfOp::create(builder, op.getLoc(), bufferTypes(op.getResultTypes()),
                                   get(op.getCondition()),
                                   /*addThenBlock=*/true, /*addElseBlock=*/hasElse);
  SmallVector<Uniqueness> unique(op.getNumResults());
  for (auto [old, block] :
       {std::pair(&op.getThenRegion(), created.thenBlock()),
        std::pair(&op.getElseRegion(), hasElse ? created.elseBlock() : nullptr)}) {
    if (!block)
      continue;
    OpBuilder::InsertionGuard guard(builder);
    block->clear();
    builder.setInsertionPointToStart(block);
    for (auto [root, state] : llvm::zip(inherited, states))
      owners[root] = state;
    Frame frame(&old->front());
    if (failed(emitBlock(old->front(), inherited, frame)))
      return failure();
    for (auto [result, taken] : llvm::zip(unique, frame.results)) {
      bool isFirst = block == created.thenBlock();
      result.known = taken.unique.known && (isFirst || result.known);
      llvm::append_range(result.promises, taken.unique.promises);
    }
  }
  for (Value root : inherited)
    owners[root].alive = false;
  addResults(op.getResults(), created.getResults(), unique);
  return success();
}

LogicalResult BufferEmitter::emitCall(func::CallOp op) {
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    if (ownership.borrows(op.getCallee(), operand.getOperandNumber()))
      operands.push_back(contiguous(op.getLoc(), operand.get()));
    else
      operands.push_back(consume(operand).buffer);
  }
  auto created = func::CallOp::create(builder, op.getLoc(), op.getCallee(),
                                      bufferTypes(op.getResultTypes()), operands);
  created->setDiscardableAttrs(SmallVector<NamedAttribute>(op->getDiscardableAttrs()));
  SmallVector<Uniqueness> unique(op.getNumResults());
  if (auto known = uniqueResults.find(op.getCallee()); known != uniqueResults.end())
    for (auto [result, isUnique] : llvm::zip(unique, known->second))
      result.known = isUnique;
  addResults(op.getResults(), created.getResults(), unique);
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

BufferEmitter::LoopPromises &BufferEmitter::startPromises(Operation *loop, ValueRange carried) {
  LoopPromises &promise = promises[loop];
  if (promise.assumed.empty())
    for (Value value : carried)
      promise.assumed.push_back(isa<RankedTensorType>(value.getType()));
  promise.used.assign(carried.size(), false);
  return promise;
}

/// Stands for the initial values until the body says what it needs of them.
SmallVector<Value> BufferEmitter::placeholders(ValueRange inits) {
  SmallVector<Value> values;
  for (Value init : inits)
    values.push_back(
        Ownership::isCounted(init.getType())
            ? ub::PoisonOp::create(builder, init.getLoc(), Ownership::bufferType(init.getType()))
                  .getResult()
            : get(init));
  return values;
}

/// Only what placeholders() made: an init that the program leaves undefined is its own.
static void erasePlaceholders(ValueRange inits, ValueRange standIns) {
  for (auto [init, standIn] : llvm::zip_equal(inits, standIns))
    if (Ownership::isCounted(init.getType()))
      standIn.getDefiningOp()->erase();
}

void BufferEmitter::addCarried(Operation *loop, ValueRange arguments, ValueRange buffers,
                               SmallVectorImpl<Value> &owned) {
  for (auto [position, argument, buffer] : llvm::enumerate(arguments, buffers)) {
    map.map(argument, buffer);
    if (!Ownership::isCounted(argument.getType()))
      continue;
    Uniqueness unique;
    if (promises[loop].assumed[position])
      unique = {true, {{loop, static_cast<unsigned>(position)}}};
    addOwner(argument, unique);
    owned.push_back(argument);
  }
}

/// Whether every position relied upon is unique again at the end of an iteration; drops the
/// assumptions that fail.
bool BufferEmitter::keepPromises(Operation *loop, ArrayRef<Taken> yielded) {
  bool kept = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (auto [position, taken] : llvm::enumerate(yielded)) {
      LoopPromises &promise = promises[loop];
      if (!promise.used[position] || !promise.assumed[position])
        continue;
      SmallVector<bool> before = promise.used;
      if (!relyOn(taken.unique)) {
        promise.assumed[position] = false;
        kept = false;
      }
      changed |= before != promises[loop].used;
    }
  }
  return kept;
}

SmallVector<Uniqueness> BufferEmitter::giveInits(Operation *loop, MutableArrayRef<OpOperand> inits,
                                                 MutableArrayRef<OpOperand> created) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(created.front().getOwner());
  SmallVector<Uniqueness> unique;
  SmallVector<bool> used = promises[loop].used;
  for (auto [position, init] : llvm::enumerate(inits)) {
    Taken taken{get(init.get()), {}};
    if (Ownership::isCounted(init.get().getType())) {
      taken = used[position] ? takeUnique(init, loop) : consume(init);
      Operation *placeholder = created[position].get().getDefiningOp();
      created[position].set(taken.buffer);
      placeholder->erase();
    }
    unique.push_back(taken.unique);
  }
  return unique;
}

/// What is known of a loop's carried buffers after any number of iterations.
static Uniqueness carriedUniqueness(ArrayRef<Uniqueness> inits, ArrayRef<bool> assumed,
                                    ArrayRef<bool> used, const Uniqueness &last, Operation *loop) {
  if (!last.known)
    return {};
  Uniqueness result = Uniqueness::fresh();
  for (auto promise : last.promises) {
    if (promise.first != loop) {
      result.promises.push_back(promise);
      continue;
    }
    // Relied on positions are unique on entry and stay so; others may hold what any initial value
    // was.
    if (!used[promise.second])
      return {};
  }
  return result;
}

LogicalResult BufferEmitter::emitFor(scf::ForOp op) {
  Operation *loop = op;
  auto ownersBefore = owners;
  for (;;) {
    startPromises(loop, op.getRegionIterArgs());
    auto created =
        scf::ForOp::create(builder, op.getLoc(), get(op.getLowerBound()), get(op.getUpperBound()),
                           get(op.getStep()), placeholders(op.getInitArgs()));
    created->setDiscardableAttrs(SmallVector<NamedAttribute>(op->getDiscardableAttrs()));
    Block *body = created.getBody();
    body->clear();
    map.map(op.getInductionVar(), created.getInductionVar());
    SmallVector<Value> owned;
    addCarried(loop, ValueRange(op.getRegionIterArgs()), ValueRange(created.getRegionIterArgs()),
               owned);
    Frame frame(op.getBody());
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(body);
      if (failed(emitBlock(*op.getBody(), owned, frame)))
        return failure();
    }
    if (!keepPromises(loop, frame.results)) {
      SmallVector<Value> standIns(created.getInitArgs());
      created.erase();
      erasePlaceholders(op.getInitArgs(), standIns);
      owners = ownersBefore;
      continue;
    }
    if (op.getInitArgs().empty())
      return success();
    SmallVector<Uniqueness> inits =
        giveInits(loop, op.getInitArgsMutable(), created.getInitArgsMutable());
    SmallVector<Uniqueness> unique;
    LoopPromises &promise = promises[loop];
    for (auto [position, init] : llvm::enumerate(inits)) {
      Uniqueness last = carriedUniqueness(inits, promise.assumed, promise.used,
                                          frame.results[position].unique, loop);
      // No iteration at all leaves the initial value.
      if (!init.known)
        last = {};
      else
        llvm::append_range(last.promises, init.promises);
      unique.push_back(last);
    }
    addResults(op.getResults(), created.getResults(), unique);
    return success();
  }
}

LogicalResult BufferEmitter::emitWhile(scf::WhileOp op) {
  Operation *loop = op;
  auto ownersBefore = owners;
  for (;;) {
    startPromises(loop, op.getBeforeArguments());
    auto created = scf::WhileOp::create(builder, op.getLoc(), bufferTypes(op.getResultTypes()),
                                        placeholders(op.getInits()));
    created->setDiscardableAttrs(SmallVector<NamedAttribute>(op->getDiscardableAttrs()));
    SmallVector<Type> beforeTypes = bufferTypes(ValueRange(op.getBeforeArguments()).getTypes());
    SmallVector<Type> afterTypes = bufferTypes(ValueRange(op.getAfterArguments()).getTypes());
    // Blocks are written from front to back, so that "the end of this block" stays the place to go
    // on.
    Block *outer = builder.getInsertionBlock();
    Block *before = builder.createBlock(&created.getBefore(), {}, beforeTypes,
                                        SmallVector<Location>(beforeTypes.size(), op.getLoc()));
    SmallVector<Value> owned;
    addCarried(loop, ValueRange(op.getBeforeArguments()), before->getArguments(), owned);
    Frame beforeFrame(op.getBeforeBody());
    if (failed(emitBlock(*op.getBeforeBody(), owned, beforeFrame)))
      return failure();

    Block *after = builder.createBlock(&created.getAfter(), {}, afterTypes,
                                       SmallVector<Location>(afterTypes.size(), op.getLoc()));
    owned.clear();
    for (auto [argument, buffer, taken] :
         llvm::zip(op.getAfterArguments(), after->getArguments(), beforeFrame.results)) {
      map.map(argument, buffer);
      if (!Ownership::isCounted(argument.getType()))
        continue;
      addOwner(argument, taken.unique);
      owned.push_back(argument);
    }
    Frame afterFrame(op.getAfterBody());
    if (failed(emitBlock(*op.getAfterBody(), owned, afterFrame)))
      return failure();
    builder.setInsertionPointToEnd(outer);

    if (!keepPromises(loop, afterFrame.results)) {
      SmallVector<Value> standIns(created.getInits());
      created.erase();
      erasePlaceholders(op.getInits(), standIns);
      owners = ownersBefore;
      continue;
    }
    SmallVector<Uniqueness> inits;
    if (!op.getInits().empty())
      inits = giveInits(loop, op.getInitsMutable(), created.getInitsMutable());
    SmallVector<Uniqueness> unique;
    LoopPromises &promise = promises[loop];
    for (Taken &taken : beforeFrame.results)
      unique.push_back(carriedUniqueness(inits, promise.assumed, promise.used, taken.unique, loop));
    addResults(op.getResults(), created.getResults(), unique);
    return success();
  }
}

} // namespace mpy
