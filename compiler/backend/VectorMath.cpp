// Vector forms of the C library's elementary functions: glibc's libmvec has them at no more than 4
// units in the last place. Special functions of the runtime library have theirs (SpecialKernel.inc).
//
//   declare double @tanh(double)   ->   ..
//   "vector-function-abi-variant"="_ZGV_LLVM_N8v_tanh(_ZGVeN8v_tanh)"
//
// LLVM's own table knows six of them, at 256 bits. Only widths that the processor has are named: a
// vector wider than its registers would be passed otherwise than the library expects.
#include "backend/VectorMath.h"

#include "llvm/IR/DerivedTypes.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace {
struct Entry {
  const char *name;
  unsigned arguments;
};
} // namespace

/// glibc 2.35 and later, x86-64.
static constexpr Entry table[] = {
    {"acos", 1},  {"acosh", 1}, {"asin", 1},  {"asinh", 1}, {"atan", 1}, {"atanh", 1}, {"cbrt", 1},
    {"cos", 1},   {"cosh", 1},  {"erf", 1},   {"erfc", 1},  {"exp", 1},  {"exp10", 1}, {"exp2", 1},
    {"expm1", 1}, {"log", 1},   {"log10", 1}, {"log1p", 1}, {"log2", 1}, {"sin", 1},   {"sinh", 1},
    {"tan", 1},   {"tanh", 1},  {"atan2", 2}, {"hypot", 2}, {"pow", 2}};

/// Of doubles alone: float32 is rounded from them.
static constexpr Entry specialTable[] = {{"mpy_special_bessel_i", 2}, {"mpy_special_bessel_ie", 2},
                                         {"mpy_special_bessel_j", 2}, {"mpy_special_bessel_y", 2},
                                         {"mpy_special_erfinv", 1},   {"mpy_special_gamma", 1},
                                         {"mpy_special_log_ndtr", 1}, {"mpy_special_ndtr", 1},
                                         {"mpy_special_ndtri", 1},    {"mpy_special_polygamma", 2}};

void mpy::addVectorMath(Module &module, bool avx2, bool avx512) {
  if (!module.getTargetTriple().isX86() || !avx2)
    return;
  SmallVector<GlobalValue *> used;
  auto add = [&](const Entry &entry, bool isDouble) {
    std::string name = std::string(entry.name) + (isDouble ? "" : "f");
    Function *scalar = module.getFunction(name);
    if (!scalar || !scalar->isDeclaration())
      return;
    std::string variants;
    for (unsigned bits : {512u, 256u}) {
      if (bits == 512 && !avx512)
        continue;
      unsigned lanes = bits / (isDouble ? 64 : 32);
      std::string shape =
          "N" + std::to_string(lanes) + std::string(entry.arguments, 'v') + "_" + name;
      std::string symbol = std::string("_ZGV") + (bits == 512 ? "e" : "d") + shape;
      auto *vector = FixedVectorType::get(scalar->getReturnType(), lanes);
      SmallVector<Type *> inputs(entry.arguments, vector);
      FunctionCallee callee =
          module.getOrInsertFunction(symbol, FunctionType::get(vector, inputs, false));
      auto *function = cast<Function>(callee.getCallee());
      function->setAttributes(scalar->getAttributes());
      used.push_back(function);
      variants += (variants.empty() ? "" : ",") + ("_ZGV_LLVM_" + shape) + "(" + symbol + ")";
    }
    scalar->addFnAttr("vector-function-abi-variant", variants);
  };
  for (const Entry &entry : table)
    for (bool isDouble : {true, false})
      add(entry, isDouble);
  for (const Entry &entry : specialTable)
    add(entry, true);
  // The vectoriser finds them by name; nothing else refers to them before.
  appendToCompilerUsed(module, used);
}
