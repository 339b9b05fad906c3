// Inlines functions that are small or have one call; others stay functions.
//
//   func.func private @square(..)   called from @main   ->   its body inside @main
//
// Inlining everything grows exponentially with the depth of a chain of functions that call the next
// one twice; inlining nothing makes every call a boundary for fusion and for the gradient's tape.
#include "driver/Inline.h"

#include "mlir/Analysis/CallGraph.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Inliner.h"

using namespace mlir;

namespace {
struct InlinePass : PassWrapper<InlinePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(InlinePass)

  StringRef getArgument() const override { return "inline-small"; }
  StringRef getDescription() const override {
    return "Inlines functions that are small or called once.";
  }
  void runOnOperation() override;

  /// Operations in a function that is copied into each of its callers.
  static constexpr unsigned smallSize = 40;
};
} // namespace

static unsigned countOperations(Region &region) {
  unsigned count = 0;
  region.walk([&](Operation *) { ++count; });
  return count;
}

void InlinePass::runOnOperation() {
  llvm::StringMap<unsigned> uses;
  getOperation().walk([&](Operation *op) {
    for (NamedAttribute attribute : op->getAttrs())
      attribute.getValue().walk([&](SymbolRefAttr symbol) { ++uses[symbol.getRootReference()]; });
  });
  auto isProfitable = [&](const Inliner::ResolvedCall &call) {
    auto callee = call.targetNode->getCallableRegion()->getParentOfType<func::FuncOp>();
    return (callee && uses.lookup(callee.getName()) == 1) ||
           countOperations(*call.targetNode->getCallableRegion()) <= smallSize;
  };
  auto runPipeline = [this](Pass &, OpPassManager &pipeline, Operation *op) {
    return this->runPipeline(pipeline, op);
  };
  InlinerConfig config;
  Inliner inliner(getOperation(), getAnalysis<CallGraph>(), *this, getAnalysisManager(),
                  runPipeline, config, isProfitable);
  if (failed(inliner.doInlining()))
    signalPassFailure();
}

std::unique_ptr<Pass> mpy::createInlinePass() { return std::make_unique<InlinePass>(); }
