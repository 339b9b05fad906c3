// Every operation of the dialect, by family.
#ifndef MPY_OPS
#define MPY_OPS
include "Dialect.td"
include "Enums.td"
include "Differentiable.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "Primitives.td"
include "Reductions.td"
include "Contractions.td"
include "Shapes.td"
include "Indexing.td"
include "RuntimeOps.td"
include "Diff.td"
include "Buffers.td"
#endif
