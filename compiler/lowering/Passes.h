// The passes from the mpy dialect to loops over owned buffers.
#ifndef MPY_LOWERING_PASSES_H
#define MPY_LOWERING_PASSES_H
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mpy {
#define GEN_PASS_DECL
#include "lowering/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lowering/Passes.h.inc"
} // namespace mpy
#endif
