// Derivatives of the upstream operations that canonicalisation introduces.
#pragma once

namespace mlir {
class MLIRContext;
}

namespace mpy {
/// Makes tensor.cast and arith.select differentiable.
void attachUpstreamDerivatives(mlir::MLIRContext &context);
} // namespace mpy
