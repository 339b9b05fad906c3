// Structured control flow becomes branches between blocks.
//
//   %r = scf.for %i = %l to %u     ->   cond_br (%l < %u), ^enter, ^after(%init)
//       iter_args(%a = %init)           ^enter: br ^body(%l, %init)
//     { yield %b }                      ^body(%i, %a): .. %n = %i + step
//                                         cond_br (%n < %u), ^body(%n, %b), ^after(%b)
//                                       ^after(%r):
//
// A counted loop asks at its end whether it goes on, as LLVM's loop passes want it. Left to LLVM,
// the turning of each loop costs time in proportion to what comes behind it in the function, and a
// main program is one long function. For the same reason a block is taken apart from its end: each
// operation moves to its block once.
#include "backend/LoopsToBranches.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace {

/// One region's blocks, each without structured operations in the end.
class Flattening {
public:
  explicit Flattening(Region &region) : builder(region.getContext()) { flatten(region); }

private:
  void flatten(Region &region) {
    for (Block &block : llvm::make_early_inc_range(region))
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
        flatten(op);
  }
  void flatten(Operation &op) {
    if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
      for (Region &region : op.getRegions())
        flatten(region);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return counted(loop);
    if (auto choice = dyn_cast<scf::IfOp>(op))
      return branch(choice);
    if (auto loop = dyn_cast<scf::WhileOp>(op))
      return conditional(loop);
  }

  void counted(scf::ForOp loop);
  void branch(scf::IfOp choice);
  void conditional(scf::WhileOp loop);
  void open(Operation *op);
  Block *enter(Region &region);
  void leave(Block *end);

  OpBuilder builder;
  /// The blocks before and behind the operation that is taken apart.
  Block *before = nullptr, *after = nullptr;
};

} // namespace

/// What follows the operation becomes a block, whose arguments are the operation's results.
void Flattening::open(Operation *op) {
  before = op->getBlock();
  after = before->splitBlock(op->getNextNode());
  for (OpResult result : op->getResults())
    result.replaceAllUsesWith(after->addArgument(result.getType(), op->getLoc()));
  builder.setInsertionPointToEnd(before);
}

/// Moves a region's blocks between those before and behind; the first of them.
Block *Flattening::enter(Region &region) {
  Block *first = &region.front();
  before->getParent()->getBlocks().splice(after->getIterator(), region.getBlocks());
  return first;
}

/// A branch's end goes on behind it.
void Flattening::leave(Block *end) {
  Operation *yield = end->getTerminator();
  builder.setInsertionPoint(yield);
  cf::BranchOp::create(builder, yield->getLoc(), after, yield->getOperands());
  yield->erase();
}

void Flattening::counted(scf::ForOp loop) {
  open(loop);
  Location loc = loop.getLoc();
  Value begin = loop.getLowerBound(), end = loop.getUpperBound();
  auto order = loop.getUnsignedCmp() ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
  SmallVector<Value> starts{begin};
  llvm::append_range(starts, loop.getInitArgs());

  Block *last = &loop.getRegion().back();
  Block *body = enter(loop.getRegion());
  Operation *yield = last->getTerminator();
  builder.setInsertionPoint(yield);
  SmallVector<Value> next{
      arith::AddIOp::create(builder, loc, body->getArgument(0), loop.getStep())};
  llvm::append_range(next, yield->getOperands());
  Value goesOn = arith::CmpIOp::create(builder, loc, order, next[0], end);
  auto back = cf::CondBranchOp::create(builder, loc, goesOn, body, next, after,
                                       ValueRange(next).drop_front());
  if (Attribute mark = loop->getAttr("llvm.loop_annotation"))
    back->setAttr("llvm.loop_annotation", mark);
  yield->erase();

  builder.setInsertionPointToEnd(before);
  std::optional<int64_t> first = getConstantIntValue(begin), bound = getConstantIntValue(end);
  if (first && bound && !loop.getUnsignedCmp() && *first < *bound) {
    cf::BranchOp::create(builder, loc, body, starts);
  } else {
    Value goesIn = arith::CmpIOp::create(builder, loc, order, begin, end);
    Block *head = builder.createBlock(body);
    cf::BranchOp::create(builder, loc, body, starts);
    builder.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(builder, loc, goesIn, head, ValueRange(), after, loop.getInitArgs());
  }
  loop->erase();
}

void Flattening::branch(scf::IfOp choice) {
  open(choice);
  Location loc = choice.getLoc();
  leave(&choice.getThenRegion().back());
  Block *taken = enter(choice.getThenRegion()), *other = after;
  if (!choice.getElseRegion().empty()) {
    leave(&choice.getElseRegion().back());
    other = enter(choice.getElseRegion());
  }
  builder.setInsertionPointToEnd(before);
  cf::CondBranchOp::create(builder, loc, choice.getCondition(), taken, ValueRange(), other,
                           ValueRange());
  choice->erase();
}

void Flattening::conditional(scf::WhileOp loop) {
  open(loop);
  Location loc = loop.getLoc();
  Block *asks = &loop.getBefore().back(), *works = &loop.getAfter().back();
  auto condition = cast<scf::ConditionOp>(asks->getTerminator());
  auto yield = cast<scf::YieldOp>(works->getTerminator());
  // Nothing happens between the question and the next round: the loop asks at its end.
  bool asksLast = works == &loop.getAfter().front() && &works->front() == yield;
  Block *head = enter(loop.getBefore());
  builder.setInsertionPoint(condition);
  if (asksLast) {
    SmallVector<Value> next;
    for (Value value : yield.getOperands()) {
      auto argument = dyn_cast<BlockArgument>(value);
      bool isOwn = argument && argument.getOwner() == works;
      next.push_back(isOwn ? condition.getArgs()[argument.getArgNumber()] : value);
    }
    cf::CondBranchOp::create(builder, loc, condition.getCondition(), head, next, after,
                             condition.getArgs());
  } else {
    Block *body = enter(loop.getAfter());
    cf::CondBranchOp::create(builder, loc, condition.getCondition(), body, condition.getArgs(),
                             after, condition.getArgs());
    builder.setInsertionPoint(yield);
    cf::BranchOp::create(builder, loc, head, yield.getOperands());
    yield->erase();
  }
  condition->erase();
  builder.setInsertionPointToEnd(before);
  cf::BranchOp::create(builder, loc, head, loop.getInits());
  loop->erase();
}

namespace {
struct LoopsToBranches : PassWrapper<LoopsToBranches, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LoopsToBranches)

  StringRef getArgument() const override { return "loops-to-branches"; }
  StringRef getDescription() const override {
    return "Structured control flow becomes branches between blocks.";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<arith::ArithDialect, cf::ControlFlowDialect>();
  }
  void runOnOperation() override {
    getOperation()->walk([](FunctionOpInterface function) {
      if (!function.isExternal())
        Flattening(function.getFunctionBody());
    });
  }
};
} // namespace

std::unique_ptr<Pass> mpy::createLoopsToBranches() { return std::make_unique<LoopsToBranches>(); }
