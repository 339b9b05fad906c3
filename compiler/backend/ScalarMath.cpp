// Calls of exp and tanh that the vectoriser left inside loops -> code in line.
//
//   loop: %h1 = call double @tanh(double %x)   ->   loop: %h1 = 1 - 2 / (exp(2 |x|) + 1), ..
//
// In a chain, where each step waits for the last, the call itself and the C library's care for all
// arguments are most of the time. The code in line holds where nothing special happens; other
// arguments (overflow, infinities, NaN) still go to the library, on a cold path.
//
// exp(x), |x| < 708: x = k ln 2 + r with |r| <= ln(2) / 2, exp(r) by its Taylor polynomial of
// degree 13 (the rest is below 2^-57), then k is added to the exponent. Error below 1 unit in the
// last place. tanh(x), |x| < 20: from 0.625 on 1 - 2 / (exp(2 |x|) + 1); below x + x z P(z) / Q(z)
// with z = x x, the rational function of W. J. Cody and W. Waite (Software Manual for the
// Elementary Functions, 1980) with the coefficients of S. Moshier's Cephes. One division serves
// both. Error below 2 units.
#include "backend/ScalarMath.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <cmath>

using namespace llvm;

namespace {
/// Emits formulas over doubles.
class Emitter {
public:
  Emitter(BasicBlock *block, GlobalVariable *table, bool fma)
      : builder(block), table(table), fma(fma) {}

  Value *exp(Value *x);
  Value *tanh(Value *x);

  IRBuilder<> builder;

private:
  Value *number(double value) { return ConstantFP::get(builder.getDoubleTy(), value); }
  Value *multiplyAdd(Value *x, Value *y, Value *z) {
    if (fma)
      return builder.CreateIntrinsic(Intrinsic::fma, builder.getDoubleTy(), {x, y, z});
    return builder.CreateFAdd(builder.CreateFMul(x, y), z);
  }

  GlobalVariable *table;
  bool fma;
};
} // namespace

/// Into how many steps the table divides a power of two.
static constexpr int64_t stepBits = 7, steps = 1 << stepBits;

/// The bits of 2^(i / steps), and what that number lacks, relative to it.
static GlobalVariable *powersOfTwo(Module &module) {
  LLVMContext &context = module.getContext();
  SmallVector<uint64_t> entries;
  for (int64_t i = 0; i < steps; ++i) {
    long double exact = exp2l(static_cast<long double>(i) / steps);
    double rounded = exact, rest = (exact - rounded) / exact;
    entries.push_back(bit_cast<uint64_t>(rounded));
    entries.push_back(bit_cast<uint64_t>(rest));
  }
  Constant *data = ConstantDataArray::get(context, entries);
  auto *table = new GlobalVariable(module, data->getType(), /*isConstant=*/true,
                                   GlobalValue::PrivateLinkage, data, "mpy.powers_of_two");
  table->setAlignment(Align(64));
  return table;
}

Value *Emitter::exp(Value *x) {
  // Adding 1.5 * 2^52 rounds to an integer, which then stands in the lowest bits.
  Value *shift = number(0x1.8p52);
  Value *shifted = multiplyAdd(x, number(steps * 0x1.71547652b82fep0), shift);
  Value *k = builder.CreateFSub(shifted, shift);
  // ln 2 in two parts; the first has zeros enough for its product with k to be exact.
  Value *r = multiplyAdd(k, number(-0x1.62e42feep-1 / steps), x);
  r = multiplyAdd(k, number(-0x1.a39ef35793c76p-33 / steps), r);
  Value *bits = builder.CreateBitCast(shifted, builder.getInt64Ty());
  Value *step = builder.CreateAnd(bits, steps - 1);
  Value *entry = builder.CreateGEP(builder.getInt64Ty(), table, builder.CreateShl(step, 1));
  Value *rest = builder.CreateLoad(
      builder.getDoubleTy(), builder.CreateGEP(builder.getInt64Ty(), entry, builder.getInt64(1)));
  Value *power = builder.CreateBitCast(
      builder.CreateAdd(builder.CreateLoad(builder.getInt64Ty(), entry),
                        builder.CreateShl(builder.CreateSub(bits, step), 52 - stepBits)),
      builder.getDoubleTy());
  // exp(r) - 1 = r + r^2 (1/2 + r/6 + r^2 (1/24 + r/120)), pairs first: they do not wait.
  Value *square = builder.CreateFMul(r, r);
  Value *low = multiplyAdd(r, number(1.0 / 6), number(1.0 / 2));
  Value *high = multiplyAdd(r, number(1.0 / 120), number(1.0 / 24));
  Value *sum = multiplyAdd(square, multiplyAdd(square, high, low), builder.CreateFAdd(r, rest));
  return multiplyAdd(power, sum, power);
}

Value *Emitter::tanh(Value *x) {
  Value *size = builder.CreateUnaryIntrinsic(Intrinsic::fabs, x);
  auto polynomial = [&](Value *z, ArrayRef<double> coefficients) {
    Value *sum = number(coefficients[0]);
    for (double next : coefficients.drop_front())
      sum = multiplyAdd(sum, z, number(next));
    return sum;
  };
  Value *z = builder.CreateFMul(x, x);
  Value *p = polynomial(
      z, {-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3});
  Value *q = polynomial(
      z, {1, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3});
  Value *isSmall = builder.CreateFCmpOLT(size, number(0.625));
  Value *above = builder.CreateSelect(isSmall, builder.CreateFMul(z, p), number(-2));
  Value *grown = exp(builder.CreateFAdd(size, size));
  Value *below = builder.CreateSelect(isSmall, q, builder.CreateFAdd(grown, number(1)));
  Value *ratio = builder.CreateFDiv(above, below);
  Value *result = builder.CreateSelect(isSmall, multiplyAdd(size, ratio, size),
                                       builder.CreateFAdd(number(1), ratio));
  return builder.CreateBinaryIntrinsic(Intrinsic::copysign, result, x);
}

/// A function that computes in line what `library` computes where |x| is below the bound.
static Function *makeInline(Function &library, double bound, GlobalVariable *table, bool fma,
                            function_ref<Value *(Emitter &, Value *)> formula) {
  LLVMContext &context = library.getContext();
  Function *function = Function::Create(library.getFunctionType(), GlobalValue::PrivateLinkage,
                                        "mpy." + library.getName(), library.getParent());
  auto *entry = BasicBlock::Create(context, "", function);
  auto *common = BasicBlock::Create(context, "", function);
  auto *rest = BasicBlock::Create(context, "", function);
  Value *x = function->getArg(0);
  IRBuilder<> builder(entry);
  Value *isCommon = builder.CreateFCmpOLT(builder.CreateUnaryIntrinsic(Intrinsic::fabs, x),
                                          ConstantFP::get(builder.getDoubleTy(), bound));
  builder.CreateCondBr(isCommon, common, rest, MDBuilder(context).createLikelyBranchWeights());
  Emitter emitter(common, table, fma);
  emitter.builder.CreateRet(formula(emitter, x));
  builder.SetInsertPoint(rest);
  builder.CreateRet(builder.CreateCall(&library, {x}));
  return function;
}

void mpy::inlineScalarMath(Module &module, bool fma) {
  struct Entry {
    const char *name;
    double bound;
    Value *(*formula)(Emitter &, Value *);
  };
  static constexpr Entry entries[] = {
      {"exp", 708, [](Emitter &emitter, Value *x) { return emitter.exp(x); }},
      {"tanh", 20, [](Emitter &emitter, Value *x) { return emitter.tanh(x); }}};
  GlobalVariable *powers = nullptr;
  for (const Entry &entry : entries) {
    Function *library = module.getFunction(entry.name);
    if (!library || !library->isDeclaration() || !library->getReturnType()->isDoubleTy())
      continue;
    SmallVector<CallInst *> calls;
    for (Function &function : module) {
      if (function.isDeclaration())
        continue;
      DominatorTree dominators(function);
      LoopInfo loops(dominators);
      for (BasicBlock &block : function)
        if (loops.getLoopFor(&block))
          for (Instruction &instruction : block)
            if (auto *call = dyn_cast<CallInst>(&instruction);
                call && call->getCalledFunction() == library)
              calls.push_back(call);
    }
    if (calls.empty())
      continue;
    if (!powers)
      powers = powersOfTwo(module);
    Function *made = makeInline(*library, entry.bound, powers, fma, entry.formula);
    for (CallInst *call : calls) {
      call->setCalledFunction(made);
      InlineFunctionInfo info;
      InlineFunction(*call, info);
    }
    made->eraseFromParent();
  }
}
