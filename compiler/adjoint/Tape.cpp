// Scopes with stored values -> push and pop on one tape that runs through the control flow of both
// sweeps.
//
// A scope pushes once, at its end, and its reverse pops once, at its start; what control flow
// inside it pushes lies below. So the reverse sweep meets the elements in the opposite order, and
// each version of the tape is used once.
#include "adjoint/Tape.h"

#include "adjoint/Activity.h"

using namespace mlir;
using namespace mpy;

//===------------------------------------------------------------------------------------------===//
// Recompute or store
//===------------------------------------------------------------------------------------------===//
/// Operations whose result is cheaper to make again than to keep. Checks that held hold again.
static bool isCheap(Operation *op) {
  if (op->getNumRegions() != 0)
    return false;
  if (isa<NormalizeIndexOp, CheckedIntOp>(op))
    return true;
  if (!isMemoryEffectFree(op))
    return false;
  if (op->hasTrait<OpTrait::ConstantLike>() ||
      isa<tensor::DimOp, tensor::CastOp, ExtractOp, SliceOp, BroadcastOp, ReshapeOp, TransposeOp,
          StretchOp, IotaOp, FromElementsOp, StringConstantOp>(op))
    return true;
  if (isa<ElementwiseOpInterface>(op) && !isDifferentiable(op->getResult(0).getType()) &&
      !isa<RankedTensorType>(op->getResult(0).getType()))
    return true;
  if (isa<arith::ArithDialect>(op->getDialect()))
    return true;
  return isa<AddOp, SubOp, MulOp, ScaledOp, NegOp, AbsOp, SquareOp, MaximumOp, MinimumOp, CompareOp,
             SelectOp, CastOp, AndOp, OrOp, XorOp, NotOp, SignOp, FloorOp>(op);
}

/// Operations that only place elements: their operand is kept rather than their result, which
/// others may need too.
static bool onlyMoves(Operation *op) {
  return isa<BroadcastOp, ReshapeOp, TransposeOp, StretchOp, tensor::CastOp>(op);
}

/// The array that an operation changes a part of, or whose first rows it keeps; null for others.
/// `byRows`: only by an element or a row at a time.
static Value changedArray(Operation *op, bool byRows) {
  if (isa_and_nonnull<FirstRowsOp, PadRowsOp>(op))
    return op->getOperand(0);
  if (auto update = dyn_cast_or_null<PartialUpdateOpInterface>(op))
    if (Value array = update.changedArray())
      return array;
  if (auto write = dyn_cast_or_null<UpdateSliceOp>(op))
    return byRows ? Value() : write.getX();
  if (auto write = dyn_cast_or_null<ScatterOp>(op))
    return byRows ? Value() : write.getX();
  if (auto join = dyn_cast_or_null<ConcatOp>(op); join && join.getAxis() == 0)
    return join.getParts().front();
  return {};
}

/// Whether an array of a loop's body is what the loop changes in place: keeping it would copy all
/// of it in each iteration.
static bool isChangedInPlace(Value array, bool byRows) {
  if (changedArray(array.getDefiningOp(), byRows))
    return true;
  auto argument = dyn_cast<BlockArgument>(array);
  auto loop =
      argument ? dyn_cast<LoopLikeOpInterface>(argument.getOwner()->getParentOp()) : nullptr;
  if (!loop)
    return false;
  // What flows back to the argument, from changes, branches and loops.
  Operation *end = argument.getOwner()->getTerminator();
  auto forLoop = dyn_cast<scf::ForOp>(loop.getOperation());
  unsigned position = argument.getArgNumber() - (forLoop ? 1 : 0);
  if (position >= end->getNumOperands())
    return false;
  SmallVector<Value> open{end->getOperand(position)};
  for (unsigned steps = 0; !open.empty() && steps < 64; ++steps) {
    Value value = open.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (changedArray(op, byRows))
      return true;
    if (auto branch = dyn_cast_or_null<scf::IfOp>(op); branch && !branch.getElseRegion().empty()) {
      unsigned result = cast<OpResult>(value).getResultNumber();
      open.push_back(branch.thenYield().getOperand(result));
      open.push_back(branch.elseYield().getOperand(result));
    } else if (auto inner = dyn_cast_or_null<scf::ForOp>(op)) {
      open.push_back(inner.getYieldedValues()[cast<OpResult>(value).getResultNumber()]);
    } else if (auto inner = dyn_cast_or_null<scf::WhileOp>(op)) {
      unsigned result = cast<OpResult>(value).getResultNumber();
      if (result < inner.getYieldOp().getNumOperands())
        open.push_back(inner.getYieldOp().getOperand(result));
    }
  }
  return false;
}

/// Whether an operation reads a small part of an array that its loop changes in place, or only an
/// extent: that is kept, not the array. A slice is small for an array that changes row by row.
static bool readsPart(Operation *op) {
  if (isa<tensor::DimOp>(op))
    return true;
  if (!isa<ExtractOp, SliceOp>(op))
    return false;
  auto slice = dyn_cast<SliceOp>(op);
  Value array = op->getOperand(0);
  while (isa_and_nonnull<SliceOp, ReshapeOp, tensor::CastOp>(array.getDefiningOp()))
    array = array.getDefiningOp()->getOperand(0);
  return isa<RankedTensorType>(array.getType()) &&
         isChangedInPlace(array, /*byRows=*/slice && slice.getDropped().empty());
}

Scope *Scope::ownerOf(Value value) {
  Scope *scope = this;
  while (scope && scope->forward != value.getParentBlock())
    scope = scope->parent;
  return scope;
}

bool Scope::isKept(Value value) {
  Scope *owner = ownerOf(value);
  return !owner || owner->isOneBlock() || owner->available.contains(value);
}

bool Scope::isFree(Value value, unsigned &budget) {
  if (isKept(value))
    return true;
  Scope *owner = ownerOf(value);
  Operation *op = value.getDefiningOp();
  if (!op || !isCheap(op) || budget == 0)
    return false;
  --budget;
  return llvm::all_of(op->getOperands(),
                      [&](Value operand) { return owner->isFree(operand, budget); });
}

bool Scope::restsOnOne(Value value, Value &leaf, unsigned &budget) {
  if (isKept(value))
    return true;
  Scope *owner = ownerOf(value);
  Operation *op = value.getDefiningOp();
  if (op && isCheap(op) && readsPart(op) && !owner->isKept(op->getOperand(0)))
    return false;
  if (op && isCheap(op) && budget > 0) {
    --budget;
    if (llvm::all_of(op->getOperands(),
                     [&](Value operand) { return owner->restsOnOne(operand, leaf, budget); }))
      return true;
  }
  // Only what an iteration starts from, or what costs to make, is worth being the one.
  if ((op && isCheap(op)) || (leaf && leaf != value))
    return false;
  leaf = value;
  return true;
}

Value Scope::store(Value value) {
  OpBuilder builder(marker);
  auto placeholder =
      UnrealizedConversionCastOp::create(builder, value.getLoc(), value.getType(), ValueRange{});
  stored.push_back(value);
  placeholders.push_back(placeholder.getResult(0));
  return placeholder.getResult(0);
}

Value Scope::fetch(Value value) {
  Scope *owner = ownerOf(value);
  if (!owner || owner->isOneBlock())
    return value;
  for (Scope *scope = this;; scope = scope->parent) {
    if (Value known = scope->available.lookup(value))
      return known;
    if (scope == owner)
      break;
  }
  Operation *op = value.getDefiningOp();
  unsigned budget = 16, depth = 16;
  Value result, leaf;
  // One stored value that several cheap ones rest on takes the place of all of them; not an array
  // the place of a number that the same block reads from it.
  auto restsOnOther = [&] {
    bool isNumber = !isa<RankedTensorType>(value.getType());
    return owner->restsOnOne(value, leaf, depth) &&
           !(isNumber && leaf && leaf != value && isa<RankedTensorType>(leaf.getType()) &&
             owner->ownerOf(leaf) == owner);
  };
  if (op && isCheap(op) && (onlyMoves(op) || owner->isFree(value, budget) || restsOnOther())) {
    IRMapping inputs;
    bool isLate = false;
    for (Value operand : op->getOperands()) {
      Value input = owner->fetch(operand);
      isLate |= owner->late.contains(input);
      inputs.map(operand, input);
    }
    OpBuilder builder = isLate ? now(owner) : OpBuilder(owner->marker);
    Operation *copy = builder.clone(*op, inputs);
    result = copy->getResult(cast<OpResult>(value).getResultNumber());
    if (isLate)
      owner->late.insert(result);
  } else {
    if (owner->undo)
      owner->undo->want(value);
    result = owner->store(value);
  }
  owner->available[value] = result;
  return result;
}

OpBuilder Scope::now(Scope *owner) {
  if (owner == this)
    return *builder;
  Scope *inner = this;
  while (inner->parent != owner)
    inner = inner->parent;
  return OpBuilder(inner->reverse->getParentOp());
}

void Scope::open(OpBuilder &builder, Location loc) {
  this->builder = &builder;
  if (parent)
    undo = parent->undo;
  marker = UnrealizedConversionCastOp::create(builder, loc, TypeRange(builder.getIndexType()),
                                              ValueRange{});
}

//===------------------------------------------------------------------------------------------===//
// Threading
//===------------------------------------------------------------------------------------------===//
bool Scope::usesTape() const {
  return !stored.empty() ||
         llvm::any_of(children, [](const Child &child) { return child.usesTape(); });
}

bool Scope::Child::usesTape() const {
  return twin || pushes || llvm::any_of(bodies, [](const auto &body) { return body->usesTape(); });
}

/// A location under the name that versions of the tape are printed with.
static Location tapeLocation(Operation *op) {
  Location where = op->getLoc();
  while (auto named = dyn_cast<NameLoc>(where))
    where = named.getChildLoc();
  return NameLoc::get(StringAttr::get(op->getContext(), "tape"), where);
}

/// Appends values to the operands of a terminator.
static void appendOperand(Operation *terminator, Value value) {
  terminator->insertOperands(terminator->getNumOperands(), value);
}

/// Replaces an operation by one with one more result.
static void replaceGrown(Operation *old, Operation *grown) {
  grown->setDiscardableAttrs(old->getDiscardableAttrDictionary());
  old->replaceAllUsesWith(grown->getResults().drop_back());
  old->erase();
}

using ThreadBody = llvm::function_ref<Value(unsigned body, Value tape)>;

static Operation *growFor(scf::ForOp loop, Value tape, ThreadBody thread) {
  OpBuilder builder(loop);
  SmallVector<Value> inits(loop.getInitArgs());
  inits.push_back(tape);
  auto grown = scf::ForOp::create(builder, loop.getLoc(), loop.getLowerBound(),
                                  loop.getUpperBound(), loop.getStep(), inits);
  grown.getRegion().takeBody(loop.getRegion());
  Value inside = grown.getBody()->addArgument(tape.getType(), tapeLocation(loop));
  appendOperand(grown.getBody()->getTerminator(), thread(0, inside));
  replaceGrown(loop, grown);
  return grown;
}

static Operation *growWhile(scf::WhileOp loop, Value tape, ThreadBody thread) {
  OpBuilder builder(loop);
  SmallVector<Value> inits(loop.getInits());
  inits.push_back(tape);
  SmallVector<Type> types(loop.getResultTypes());
  types.push_back(tape.getType());
  auto grown = scf::WhileOp::create(builder, loop.getLoc(), types, inits);
  grown.getBefore().takeBody(loop.getBefore());
  grown.getAfter().takeBody(loop.getAfter());
  appendOperand(grown.getConditionOp(),
                grown.getBeforeBody()->addArgument(tape.getType(), tapeLocation(loop)));
  Value inside = grown.getAfterBody()->addArgument(tape.getType(), tapeLocation(loop));
  appendOperand(grown.getYieldOp(), thread(0, inside));
  replaceGrown(loop, grown);
  return grown;
}

static Operation *growIf(scf::IfOp branch, Value tape, ThreadBody thread) {
  OpBuilder builder(branch);
  SmallVector<Type> types(branch.getResultTypes());
  types.push_back(tape.getType());
  auto grown = scf::IfOp::create(builder, branch.getLoc(), types, branch.getCondition(),
                                 /*withElseRegion=*/true);
  grown.getThenRegion().takeBody(branch.getThenRegion());
  if (!branch.getElseRegion().empty()) {
    grown.getElseRegion().takeBody(branch.getElseRegion());
  } else if (grown.getElseRegion().front().empty()) {
    builder.setInsertionPointToEnd(&grown.getElseRegion().front());
    scf::YieldOp::create(builder, branch.getLoc());
  }
  appendOperand(grown.thenYield(), thread(0, tape));
  appendOperand(grown.elseYield(), thread(1, tape));
  replaceGrown(branch, grown);
  return grown;
}

static Operation *growCall(func::CallOp call, FlatSymbolRefAttr callee, Value tape) {
  OpBuilder builder(call);
  SmallVector<Value> operands(call.getOperands());
  operands.push_back(tape);
  SmallVector<Type> types(call.getResultTypes());
  types.push_back(tape.getType());
  auto grown = func::CallOp::create(builder, call.getLoc(), callee, types, operands);
  replaceGrown(call, grown);
  return grown;
}

/// Gives control flow one more value to carry, and returns what it carries out.
static Value grow(Operation *op, Value tape, ThreadBody thread, FlatSymbolRefAttr callee) {
  Operation *grown = TypeSwitch<Operation *, Operation *>(op)
                         .Case([&](scf::ForOp loop) { return growFor(loop, tape, thread); })
                         .Case([&](scf::WhileOp loop) { return growWhile(loop, tape, thread); })
                         .Case([&](scf::IfOp branch) { return growIf(branch, tape, thread); })
                         .Case([&](func::CallOp call) { return growCall(call, callee, tape); });
  return grown->getResults().back();
}

namespace {
/// The pushes and pops of all scopes. They are made before any operation is replaced, so that
/// replacing updates their operands.
struct Threading {
  llvm::DenseMap<Scope *, PushOp> pushes;
  llvm::DenseMap<Scope *, PopOp> pops;

  void place(Scope &scope, Value anyTape);
  Value forward(Scope &scope, Value tape);
  Value reverse(Scope &scope, Value tape);
};
} // namespace

void Threading::place(Scope &scope, Value anyTape) {
  if (!scope.stored.empty()) {
    Operation *end = scope.forward->getTerminator();
    OpBuilder builder(end);
    pushes[&scope] =
        PushOp::create(builder, tapeLocation(end), anyTape.getType(), anyTape, scope.stored);
    builder.setInsertionPointToStart(scope.reverse);
    auto pop = PopOp::create(builder, end->getLoc(), anyTape.getType(),
                             ValueRange(scope.stored).getTypes(), anyTape);
    pops[&scope] = pop;
    for (auto [placeholder, value] : llvm::zip(scope.placeholders, pop.getValues())) {
      placeholder.replaceAllUsesWith(value);
      placeholder.getDefiningOp()->erase();
    }
  }
  for (Scope::Child &child : scope.children)
    for (auto &body : child.bodies)
      place(*body, anyTape);
}

Value Threading::forward(Scope &scope, Value tape) {
  for (Scope::Child &child : llvm::reverse(scope.children))
    if (child.usesTape())
      tape = grow(
          child.forward, tape,
          [&](unsigned body, Value inside) {
            return child.pushes ? child.pushes(inside) : forward(*child.bodies[body], inside);
          },
          child.twin);
  if (PushOp push = pushes.lookup(&scope)) {
    push.getTapeMutable().assign(tape);
    tape = push.getResult();
  }
  return tape;
}

Value Threading::reverse(Scope &scope, Value tape) {
  if (PopOp pop = pops.lookup(&scope)) {
    pop.getTapeMutable().assign(tape);
    tape = pop.getRest();
  }
  for (Scope::Child &child : scope.children)
    if (child.usesTape())
      tape = grow(
          child.reverse, tape,
          [&](unsigned body, Value inside) {
            return child.pops ? child.pops(inside) : reverse(*child.bodies[body], inside);
          },
          child.twin ? cast<func::CallOp>(child.reverse).getCalleeAttr() : child.twin);
  return tape;
}

/// Removes what marked the starts of reverse blocks, and what was kept for nothing: the sweep of a
/// loop that was made again.
static void removeMarkers(Scope &scope) {
  if (scope.marker)
    scope.marker->erase();
  SmallVector<Value> stored, placeholders;
  for (auto [value, placeholder] : llvm::zip(scope.stored, scope.placeholders)) {
    if (placeholder.use_empty()) {
      placeholder.getDefiningOp()->erase();
      continue;
    }
    stored.push_back(value);
    placeholders.push_back(placeholder);
  }
  scope.stored = std::move(stored);
  scope.placeholders = std::move(placeholders);
  for (Scope::Child &child : scope.children)
    for (auto &body : child.bodies)
      removeMarkers(*body);
}

void mpy::threadTape(Scope &outermost, Operation *end) {
  removeMarkers(outermost);
  if (!outermost.usesTape())
    return;
  auto first = llvm::find_if(llvm::reverse(outermost.children),
                             [](const Scope::Child &child) { return child.usesTape(); });
  OpBuilder builder(first->forward);
  Value tape =
      TapeNewOp::create(builder, tapeLocation(first->forward), TapeType::get(builder.getContext()));
  Threading threading;
  threading.place(outermost, tape);
  tape = threading.forward(outermost, tape);
  tape = threading.reverse(outermost, tape);
  builder.setInsertionPoint(end);
  TapeFreeOp::create(builder, end->getLoc(), tape);
}

void mpy::threadTape(Scope &outermost, Value forwardTape, Value reverseTape) {
  removeMarkers(outermost);
  Operation *ends[] = {outermost.forward->getTerminator(), outermost.reverse->getTerminator()};
  Threading threading;
  threading.place(outermost, forwardTape);
  appendOperand(ends[0], threading.forward(outermost, forwardTape));
  appendOperand(ends[1], threading.reverse(outermost, reverseTape));
}
