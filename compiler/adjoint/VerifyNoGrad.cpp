// mpy IR -> the same, or a failure: no request for a derivative is left.
#include "adjoint/Passes.h"

#include "dialect/Dialect.h"

namespace mpy {
#define GEN_PASS_DEF_VERIFYNOGRAD
#include "adjoint/Passes.h.inc"
} // namespace mpy

namespace {
struct VerifyNoGrad : mpy::impl::VerifyNoGradBase<VerifyNoGrad> {
  void runOnOperation() override {
    getOperation().walk([&](mlir::Operation *op) {
      if (!isa<mpy::GradientOp, mpy::TangentOp, mpy::BatchedOp>(op))
        return;
      op->emitOpError("should have been expanded");
      signalPassFailure();
    });
  }
};
} // namespace
