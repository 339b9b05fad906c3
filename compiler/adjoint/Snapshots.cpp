// Loops of which the reverse sweep keeps some states, those of Griewank and Walther's revolve. The
// tape is the stack of them: for the last iteration first, the sweep takes the state that was kept
// last, runs the loop from there, keeps states on the way as far as there is room, and so comes to
// the state that the iteration begins with.
//
//   for i { s = body(s) }    ->   for i { if keep { push s, i }; s = step(s) }
//                                 for k = n - 1 .. 0 {
//                                   s, i = pop
//                                   while i < k { push s, i; i' = next(i, k); s = step(s) till i' }
//                                   s_bar = step_rerun(s, s_bar)
//                                 }
#include "adjoint/GenerateAdjoint.h"

#include "dialect/Formula.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// Before the sweep
//===------------------------------------------------------------------------------------------===//
static Value makeInt(OpBuilder &builder, Location loc, int64_t number) {
  return arith::ConstantIntOp::create(builder, loc, number, 64);
}

static Value asInt(OpBuilder &builder, Location loc, Value index) {
  return index.getType().isIndex()
             ? arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index).getResult()
             : index;
}

/// What a state takes, in bytes: its arrays as they are where the loop begins.
static Value bytesOf(OpBuilder &builder, Location loc, ValueRange state) {
  int64_t known = 0;
  Value total;
  for (Value value : state) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !type.getElementType().isIntOrIndexOrFloat()) {
      known += 8;
      continue;
    }
    bool isIndex = type.getElementType().isIndex();
    int64_t bytes = isIndex ? 8 : std::max(8u, type.getElementTypeBitWidth()) / 8;
    if (type.hasStaticShape()) {
      known += bytes * type.getNumElements();
      continue;
    }
    Value size = makeInt(builder, loc, bytes);
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      Value extent = tensor::DimOp::create(builder, loc, value, dim);
      size = arith::MulIOp::create(builder, loc, size, asInt(builder, loc, extent));
    }
    total = total ? arith::AddIOp::create(builder, loc, total, size).getResult() : size;
  }
  Value base = makeInt(builder, loc, known);
  return total ? arith::AddIOp::create(builder, loc, total, base).getResult() : base;
}

/// How often a loop runs its body.
static Value countOf(OpBuilder &builder, Location loc, scf::ForOp loop) {
  Value lower = loop.getLowerBound(), upper = loop.getUpperBound(), step = loop.getStep();
  Value length = arith::SubIOp::create(builder, loc, upper, lower);
  if (getConstantIntValue(step) != 1)
    length = arith::CeilDivSIOp::create(builder, loc, length, step);
  return arith::MaxSIOp::create(builder, loc, asInt(builder, loc, length),
                                makeInt(builder, loc, 0));
}

/// The body of a loop as a function: of the index, the state, and what it reads from outside.
static func::FuncOp outlineBody(scf::ForOp loop, StringRef name, SmallVectorImpl<Value> &operands) {
  llvm::SetVector<Value> captures;
  getUsedValuesDefinedAbove(loop.getRegion(), captures);
  OpBuilder builder(loop.getContext());
  auto function =
      func::FuncOp::create(unnamed(loop.getLoc()), name, builder.getFunctionType({}, {}));
  function.setPrivate();
  Block *block = function.addEntryBlock(), *body = loop.getBody();
  for (BlockArgument argument : body->getArguments())
    argument.replaceAllUsesWith(block->addArgument(argument.getType(), argument.getLoc()));
  llvm::append_range(operands, body->getArguments());
  block->getOperations().splice(block->end(), body->getOperations());
  builder.setInsertionPointToStart(block);
  for (Value value : captures) {
    Operation *made = value.getDefiningOp();
    Value inner;
    if (made && made->hasTrait<OpTrait::ConstantLike>()) {
      inner = builder.clone(*made)->getResult(0);
    } else {
      inner = block->addArgument(value.getType(), value.getLoc());
      operands.push_back(value);
    }
    replaceAllUsesInRegionWith(value, inner, function.getBody());
  }
  Operation *yield = block->getTerminator();
  builder.setInsertionPoint(yield);
  auto end = func::ReturnOp::create(builder, yield->getLoc(), yield->getOperands());
  function.setFunctionType(
      builder.getFunctionType(block->getArgumentTypes(), end->getOperandTypes()));
  yield->erase();
  return function;
}

/// Gives a loop whose body is one call a choice of the states that are kept.
static scf::ForOp chooseStates(scf::ForOp loop, func::FuncOp step, ValueRange operands,
                               SnapshotLoop &kept) {
  Location loc = unnamed(loop.getLoc());
  OpBuilder builder(loop);
  Value zero = makeInt(builder, loc, 0), one = makeInt(builder, loc, 1);
  kept.slots = loop.getInitArgs().size();
  SmallVector<Value> inits(loop.getInitArgs());
  inits.append(3, zero);
  auto grown = scf::ForOp::create(builder, loop.getLoc(), loop.getLowerBound(),
                                  loop.getUpperBound(), loop.getStep(), inits);
  Block *body = grown.getBody();
  IRMapping inside;
  inside.map(loop.getBody()->getArguments(), body->getArguments().drop_back(3));
  for (auto [from, to] : llvm::zip(loop.getBody()->getArguments(), body->getArguments()))
    to.setLoc(from.getLoc());
  builder.setInsertionPointToEnd(body);
  Value run = body->getArgument(kept.slots + 1), next = body->getArgument(kept.slots + 2),
        used = body->getArgument(kept.slots + 3);
  Value isNext = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, run, next);
  Value after = arith::AddIOp::create(builder, loc, run, one);
  // The state that the last iteration begins with is the one at hand when the sweep begins.
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, after, kept.count);
  kept.keep = arith::OrIOp::create(builder, loc, isNext, isLast);
  auto choice = scf::IfOp::create(builder, loc, TypeRange(builder.getI64Type()), isNext,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(choice.thenBlock());
    Value steps = arith::SubIOp::create(builder, loc, kept.count, run);
    Value room = arith::SubIOp::create(builder, loc, kept.limit, used);
    Value distance = RuntimeCallOp::create(builder, loc, TypeRange(builder.getI64Type()),
                                           "mpy_snapshot_distance", ValueRange{steps, room}, false)
                         .getResult(0);
    scf::YieldOp::create(builder, loc,
                         arith::AddIOp::create(builder, loc, run, distance).getResult());
    builder.setInsertionPointToEnd(choice.elseBlock());
    scf::YieldOp::create(builder, loc, next);
  }
  Value more = arith::ExtUIOp::create(builder, loc, builder.getI64Type(), kept.keep);
  Value nowUsed = arith::AddIOp::create(builder, loc, used, more);
  auto mapped =
      llvm::map_to_vector(operands, [&](Value value) { return inside.lookupOrDefault(value); });
  kept.step = callAgain(builder, loop.getLoc(), step, mapped);
  SmallVector<Value> yields(kept.step.getOutputs());
  yields.append({after, choice.getResult(0), nowUsed});
  scf::YieldOp::create(builder, loc, yields);
  loop->replaceAllUsesWith(grown.getResults().drop_back(3));
  loop.erase();
  return grown;
}

static LogicalResult outlineLoop(scf::ForOp loop, CheckpointLoopOp mark, const Partners &partners,
                                 SnapshotLoops &loops) {
  Location loc = unnamed(loop.getLoc());
  OpBuilder builder(loop);
  Value bytes = mark.getBytes();
  mark.erase();
  // The others in this body are those of loops that were one iteration, and are none any more.
  for (auto other : llvm::to_vector(loop.getBody()->getOps<CheckpointLoopOp>()))
    other.erase();
  Value state = bytesOf(builder, loc, loop.getInitArgs());
  std::optional<int64_t> room = getConstantIntValue(bytes), needed = getConstantIntValue(state);
  if (room && needed && *room < *needed)
    return loop.emitError("E0530: ")
           << "the memory of checkpointed(..) does not hold one state of the loop: " << *room
           << " bytes are given, a state has " << *needed;
  SnapshotLoop kept;
  kept.count = countOf(builder, loc, loop);
  kept.limit = RuntimeEffectOp::create(builder, loc, TypeRange(builder.getI64Type()),
                                       "mpy_snapshot_count", ValueRange{bytes, state}, true)
                   .getResult(0);
  auto outer = loop->getParentOfType<func::FuncOp>();
  SmallVector<Value> operands;
  func::FuncOp step = outlineBody(loop, (outer.getName() + "_step").str(), operands);
  partners.declare(step);
  scf::ForOp grown = chooseStates(loop, step, operands, kept);
  FailureOr<Streams> streams = findStreams(step);
  if (failed(streams))
    return failure();
  for (unsigned index : streams->arguments)
    if (index <= kept.slots)
      return grown.emitError("E0531: ") << "what the reverse sweep runs again draws from a random "
                                           "stream that the loop replaces; make it before the loop";
  kept.streams = *streams;
  loops[grown] = kept;
  return success();
}

/// The first mark in a function: that of the outermost loop, where they nest.
static CheckpointLoopOp firstMark(func::FuncOp function) {
  CheckpointLoopOp found;
  function.walk<WalkOrder::PreOrder>([&](CheckpointLoopOp mark) {
    found = mark;
    return WalkResult::interrupt();
  });
  return found;
}

FailureOr<SnapshotLoops> mpy::outlineSteps(func::FuncOp function, const Partners &partners) {
  SnapshotLoops loops;
  while (CheckpointLoopOp mark = firstMark(function)) {
    Operation *around = mark->getParentOp();
    if (isa<scf::WhileOp>(around))
      return mark.emitError("E0504: ")
             << "no derivative of this control flow: a loop over checkpointed(..) that may end "
                "early; run all of it, and keep what the end would leave by a condition";
    // A loop of one iteration is none any more.
    auto loop = dyn_cast<scf::ForOp>(around);
    if (!loop)
      mark.erase();
    else if (failed(outlineLoop(loop, mark, partners, loops)))
      return failure();
  }
  return loops;
}

//===------------------------------------------------------------------------------------------===//
// In the sweep
//===------------------------------------------------------------------------------------------===//
namespace {
/// A loop of which some states are kept while it is reversed: the values of the forward sweep that
/// the reverse one reads, and the code that goes from one state to another.
class StateWalk {
public:
  StateWalk(OpBuilder &builder, Location loc, scf::ForOp loop, const SnapshotLoop &kept,
            llvm::function_ref<Value(Value)> primal);

  /// Takes the last state that was kept, and goes on to the one that a run begins with.
  void emit(Value tape, Value used, Value target, func::FuncOp quiet);
  /// What the step is called with at a run.
  SmallVector<Value> operandsAt(OpBuilder &builder, Value run, ValueRange state);

  Value count;
  /// After `emit`.
  SmallVector<Value> state;
  Value tape, used;

private:
  SmallVector<Value> goTo(Value from, Value to, ValueRange state, func::FuncOp quiet);
  SmallVector<Value> handles(ValueRange state);

  OpBuilder &builder;
  Location loc;
  SnapshotLoop kept;
  ValueRange heads;
  Type indexType;
  Value lower, stride, limit;
  SmallVector<Value> captures;
};
} // namespace

StateWalk::StateWalk(OpBuilder &builder, Location loc, scf::ForOp loop, const SnapshotLoop &kept,
                     llvm::function_ref<Value(Value)> primal)
    : count(primal(kept.count)), builder(builder), loc(loc), kept(kept),
      heads(loop.getRegionIterArgs().take_front(kept.slots)),
      indexType(loop.getInductionVar().getType()), lower(primal(loop.getLowerBound())),
      stride(primal(loop.getStep())), limit(primal(kept.limit)) {
  CheckpointOp step = kept.step;
  for (Value capture : step.getInputs().drop_front(1 + kept.slots))
    captures.push_back(primal(capture));
}

SmallVector<Value> StateWalk::operandsAt(OpBuilder &builder, Value run, ValueRange state) {
  Value index = run;
  if (indexType.isIndex())
    index = arith::IndexCastOp::create(builder, loc, indexType, run);
  if (getConstantIntValue(stride) != 1)
    index = arith::MulIOp::create(builder, loc, index, stride);
  if (getConstantIntValue(lower) != 0)
    index = arith::AddIOp::create(builder, loc, index, lower);
  SmallVector<Value> operands{index};
  llvm::append_range(operands, state);
  llvm::append_range(operands, captures);
  return operands;
}

SmallVector<Value> StateWalk::handles(ValueRange state) {
  return streamHandles(builder, loc, kept.streams, operandsAt(builder, count, state));
}

/// Runs the loop from one run to another.
SmallVector<Value> StateWalk::goTo(Value from, Value to, ValueRange state, func::FuncOp quiet) {
  Value one = makeInt(builder, loc, 1);
  auto loop = scf::ForOp::create(builder, loc, from, to, one, state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  CheckpointOp step = callAgain(
      builder, loc, quiet, operandsAt(builder, loop.getInductionVar(), loop.getRegionIterArgs()));
  if (!state.empty())
    scf::YieldOp::create(builder, loc, step.getOutputs());
  return SmallVector<Value>(loop.getResults());
}

void StateWalk::emit(Value tapeBefore, Value usedBefore, Value target, func::FuncOp quiet) {
  Type integer = builder.getI64Type(), tapeType = tapeBefore.getType();
  Value one = makeInt(builder, loc, 1);
  // On the tape: the state, what the random streams were, and the run that it is the state of.
  SmallVector<Type> types(heads.getTypes());
  unsigned streams = handles(heads).size();
  types.append(streams, HandleType::get(builder.getContext()));
  types.push_back(integer);
  auto pop = PopOp::create(builder, loc, tapeType, types, tapeBefore);
  Value left = arith::SubIOp::create(builder, loc, usedBefore, one);
  auto saved = pop.getValues().drop_front(kept.slots).drop_back();
  restoreStreams(builder, loc, handles(pop.getValues().take_front(kept.slots)), saved);

  SmallVector<Value> inits{pop.getRest(), left};
  llvm::append_range(inits, pop.getValues());
  auto search = scf::WhileOp::create(builder, loc, ValueRange(inits).getTypes(), inits);
  SmallVector<Location> places(inits.size(), loc);
  for (auto [place, head] : llvm::zip(MutableArrayRef(places).drop_front(2), heads))
    place = head.getLoc();
  OpBuilder::InsertionGuard guard(builder);
  Block *before =
      builder.createBlock(&search.getBefore(), {}, ValueRange(inits).getTypes(), places);
  Value isBefore = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                         before->getArguments().back(), target);
  scf::ConditionOp::create(builder, loc, isBefore, before->getArguments());
  Block *after = builder.createBlock(&search.getAfter(), {}, ValueRange(inits).getTypes(), places);
  ValueRange begun = after->getArguments();
  Value run = begun.back();
  Value pushed = PushOp::create(builder, loc, tapeType, begun.front(), begun.drop_front(2));
  Value nowUsed = arith::AddIOp::create(builder, loc, begun[1], one);
  Value steps =
      arith::AddIOp::create(builder, loc, arith::SubIOp::create(builder, loc, target, run), one);
  Value room =
      arith::AddIOp::create(builder, loc, arith::SubIOp::create(builder, loc, limit, nowUsed), one);
  Value distance = RuntimeCallOp::create(builder, loc, TypeRange(integer), "mpy_snapshot_distance",
                                         ValueRange{steps, room}, false)
                       .getResult(0);
  Value to = arith::AddIOp::create(builder, loc, run, distance);
  SmallVector<Value> next = goTo(run, to, begun.drop_front(2).take_front(kept.slots), quiet);
  SmallVector<Value> yields{pushed, nowUsed};
  llvm::append_range(yields, next);
  llvm::append_range(yields, saveStreams(builder, loc, handles(next)));
  yields.push_back(to);
  scf::YieldOp::create(builder, loc, yields);
  tape = search.getResult(0);
  used = search.getResult(1);
  state = SmallVector<Value>(search.getResults().drop_front(2).take_front(kept.slots));
}

/// At the beginning of a body: keeps the state that it begins with, where it is one of those.
static Value pushState(const SnapshotLoop &kept, Value tape) {
  OpBuilder builder(tape.getContext());
  builder.setInsertionPointAfterValue(kept.keep);
  Location loc = unnamed(tape.getLoc());
  auto choice = scf::IfOp::create(builder, loc, TypeRange(tape.getType()), kept.keep, true);
  builder.setInsertionPointToEnd(choice.elseBlock());
  scf::YieldOp::create(builder, loc, tape);
  builder.setInsertionPointToEnd(choice.thenBlock());
  CheckpointOp step = kept.step;
  auto inputs = step.getInputs();
  SmallVector<Value> values(inputs.drop_front().take_front(kept.slots));
  llvm::append_range(values,
                     saveStreams(builder, loc, streamHandles(builder, loc, kept.streams, inputs)));
  values.push_back(choice->getBlock()->getArgument(kept.slots + 1));
  scf::YieldOp::create(builder, loc,
                       PushOp::create(builder, loc, tape.getType(), tape, values).getResult());
  return choice.getResult(0);
}

LogicalResult ReverseSweep::sweepSnapshots(scf::ForOp loop, const SnapshotLoop &kept) {
  CheckpointOp step = kept.step;
  CallAdjoints adjoints;
  SmallVector<Value> carried, captures;
  for (unsigned slot = 0; slot < kept.slots; ++slot) {
    if (!isActive(loop.getRegionIterArgs()[slot]))
      continue;
    adjoints.results.push_back(slot);
    adjoints.arguments.push_back(slot + 1);
    carried.push_back(conform(barOrZeros(loop.getResult(slot)), step.getResult(slot).getType()));
  }
  for (auto [index, operand] : llvm::enumerate(step.getInputs())) {
    if (index <= kept.slots || !isActive(operand))
      continue;
    adjoints.arguments.push_back(index);
    adjoints.begun.push_back(index);
    captures.push_back(operand);
    carried.push_back(barOrZeros(operand));
  }
  FailureOr<func::FuncOp> rerun = partners.rerun(step.getCallee(), adjoints, /*fenced=*/false);
  FailureOr<func::FuncOp> quiet = partners.quiet(step.getCallee());
  if (failed(rerun) || failed(quiet))
    return failure();
  StateWalk walk(opBuilder, loc(), loop, kept, [&](Value value) { return primal(value); });
  SmallVector<Value> handles = streamHandles(
      opBuilder, loc(), kept.streams,
      walk.operandsAt(opBuilder, walk.count, loop.getInitArgs().take_front(kept.slots)));
  SmallVector<Value> present = saveStreams(opBuilder, loc(), handles);
  carried.push_back(primal(loop.getResults().back()));

  Value zero = makeInt(opBuilder, loc(), 0), one = makeInt(opBuilder, loc(), 1);
  auto reverse = scf::ForOp::create(opBuilder, loc(), zero, walk.count, one, carried);
  Value popped;
  UnrealizedConversionCastOp tape;
  {
    OpBuilder::InsertionGuard guard(opBuilder);
    opBuilder.setInsertionPointToStart(reverse.getBody());
    auto state = reverse.getRegionIterArgs();
    for (auto [bar, slot] : llvm::zip(state, adjoints.results))
      bar.setLoc(barLocation(loop.getRegionIterArgs()[slot]));
    for (auto [bar, capture] : llvm::zip(state.drop_front(adjoints.results.size()), captures))
      bar.setLoc(barLocation(capture));
    tape = UnrealizedConversionCastOp::create(
        opBuilder, loc(), TypeRange(TapeType::get(opBuilder.getContext())), ValueRange());
    Value last = arith::SubIOp::create(opBuilder, loc(), walk.count, one);
    Value target = arith::SubIOp::create(opBuilder, loc(), last, reverse.getInductionVar());
    walk.emit(tape.getResult(0), state.back(), target, *quiet);
    popped = walk.tape;
    SmallVector<Value> operands = walk.operandsAt(opBuilder, target, walk.state);
    llvm::append_range(operands, state.drop_back());
    CheckpointOp back = callAgain(opBuilder, loc(), *rerun, operands);
    SmallVector<Value> next(back.getOutputs());
    next.push_back(walk.used);
    scf::YieldOp::create(opBuilder, loc(), next);
  }
  restoreStreams(opBuilder, loc(), handles, present);

  size_t slots = adjoints.results.size();
  for (auto [position, capture] : llvm::enumerate(captures))
    setBar(capture, reverse.getResult(slots + position));
  for (auto [position, slot] : llvm::enumerate(adjoints.results))
    if (Value init = loop.getInitArgs()[slot]; isActive(init))
      add(init, conform(reverse.getResult(position), init.getType()));
  Scope::Child child{loop, reverse, {}};
  child.pushes = [kept](Value tape) { return pushState(kept, tape); };
  child.pops = [tape, popped](Value inside) mutable -> Value {
    tape.getResult(0).replaceAllUsesWith(inside);
    tape.erase();
    return popped;
  };
  scope->children.push_back(std::move(child));
  return success();
}
