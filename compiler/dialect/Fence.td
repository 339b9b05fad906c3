// What orders pure operations: a value that passes a fence.
#ifndef MPY_FENCE
#define MPY_FENCE
include "Dialect.td"
include "Differentiable.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def AnyFenced : AnyTypeOf<[AnyMpy, AnyMemRef]>;

def FenceOp : Op<MpyDialect, "fence", [MemoryEffects<[MemRead, MemWrite]>, AttrSizedOperandSegments,
                                       DeclareOpInterfaceMethods<DifferentiableOpInterface>]> {
  let summary = "The values themselves. What they are computed from is done before, and what is computed from the results after; what "
                "is `kept` is done before although nobody reads it.";
  let arguments = (ins Variadic<AnyFenced>:$values, Variadic<AnyFenced>:$kept);
  let results = (outs Variadic<AnyFenced>:$results);
  let builders = [OpBuilder<(ins "mlir::ValueRange":$values, "mlir::ValueRange":$kept), [{
    build($_builder, $_state, mlir::TypeRange(values), values, kept);
  }]>];
  let hasVerifier = 1;
  let assemblyFormat = "$values (`keeps` $kept^ `:` type($kept))? attr-dict `:` type($values) `->` type($results)";
}
#endif
