// Checks the form between mpy-to-linalg and own-buffers: what is left of the dialect calls the
// runtime or the tape.
#include "dialect/Dialect.h"
#include "dialect/Fence.h"
#include "lowering/Passes.h"

using namespace mlir;

namespace mpy {
#define GEN_PASS_DEF_VERIFYLOWERED
#include "lowering/Passes.h.inc"

namespace {
struct VerifyLowered : impl::VerifyLoweredBase<VerifyLowered> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (!isa_and_nonnull<MpyDialect>(op->getDialect()))
        return;
      if (isa<MatmulOp, RuntimeCallOp, RuntimeEffectOp, FenceOp, CheckOp, RaiseOp, CheckedIntOp,
              ScalarCallOp, StringConstantOp, TapeNewOp, PushOp, PopOp, TapeFreeOp, NonzeroOp,
              ArgsortOp, FourierOp, RetainOp, ReleaseOp, IsUniqueOp>(op))
        return;
      op->emitOpError("is not lowered to loops");
      signalPassFailure();
    });
  }
};
} // namespace
} // namespace mpy
