// Passes from programs with requests for derivatives to programs without.
#pragma once

#include "mlir/Pass/Pass.h"

namespace mpy {
#define GEN_PASS_DECL
#include "adjoint/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "adjoint/Passes.h.inc"
} // namespace mpy
