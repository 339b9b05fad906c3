// Selects that the vectoriser left inside loops and that only a NaN decides -> cold branches.
//
//   %p = fmul %g, %y                              %p = fmul %g, %y
//   %n = fcmp uno %p, 0                           br (fcmp uno %p, 0), %cold, %rest
//   %z = or (fcmp oeq %g, 0), (fcmp oeq %y, 0)    cold: %z = or ..
//   %r = select (and %n, %z), 0, %p        ->           %s = select %z, 0, %p
//                                                 rest: %r = phi %p, %s
//
// A product of slopes is one (mpy.scaled): 0 where a factor is 0, also where the other one is
// infinite or NaN. In a chain, where each product waits for the last, comparisons and select are
// most of the time; a branch that is guessed right costs none of it.
#include "backend/RareNan.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace {
/// A select, and the two parts of its condition.
struct Choice {
  SelectInst *select;
  Value *isNan, *rest;
};
} // namespace

static std::optional<Choice> matchChoice(Instruction &instruction) {
  auto *select = dyn_cast<SelectInst>(&instruction);
  if (!select || !select->getType()->isFloatingPointTy())
    return std::nullopt;
  auto isNan = m_SpecificFCmp(FCmpInst::FCMP_UNO, m_Value(), m_Value());
  Value *first, *second;
  if (!match(select->getCondition(), m_OneUse(m_And(m_Value(first), m_Value(second)))))
    return std::nullopt;
  if (match(first, isNan))
    return Choice{select, first, second};
  if (match(second, isNan))
    return Choice{select, second, first};
  return std::nullopt;
}

/// Computes a condition again where it is needed: comparisons, and what is made of them.
static Value *computeAgain(IRBuilder<> &builder, Value *condition) {
  auto *made = dyn_cast<Instruction>(condition);
  if (!made || !(isa<FCmpInst>(made) || made->isBitwiseLogicOp()))
    return condition;
  Instruction *copy = made->clone();
  if (made->isBitwiseLogicOp())
    for (Use &operand : copy->operands())
      operand.set(computeAgain(builder, operand));
  return builder.Insert(copy);
}

static void makeBranch(const Choice &choice) {
  SelectInst *select = choice.select;
  MDNode *weights = MDBuilder(select->getContext()).createUnlikelyBranchWeights();
  BasicBlock *before = select->getParent();
  Instruction *coldEnd = SplitBlockAndInsertIfThen(choice.isNan, select->getIterator(),
                                                   /*Unreachable=*/false, weights);
  IRBuilder<> builder(coldEnd);
  Value *rare = builder.CreateSelect(computeAgain(builder, choice.rest), select->getTrueValue(),
                                     select->getFalseValue());
  builder.SetInsertPoint(select->getParent(), select->getParent()->begin());
  PHINode *result = builder.CreatePHI(select->getType(), 2);
  result->addIncoming(select->getFalseValue(), before);
  result->addIncoming(rare, coldEnd->getParent());
  select->replaceAllUsesWith(result);
  RecursivelyDeleteTriviallyDeadInstructions(select);
}

void mpy::branchOnRareNan(Module &module) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    DominatorTree dominators(function);
    LoopInfo loops(dominators);
    SmallVector<Choice> choices;
    for (BasicBlock &block : function)
      if (loops.getLoopFor(&block))
        for (Instruction &instruction : block)
          if (std::optional<Choice> choice = matchChoice(instruction))
            choices.push_back(*choice);
    for (const Choice &choice : choices)
      makeBranch(choice);
  }
}
