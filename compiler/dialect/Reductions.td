// Reductions along axes, which disappear from the shape, and scans.
#ifndef MPY_REDUCTIONS
#define MPY_REDUCTIONS
include "Ops.td"

defvar differentiable = [DeclareOpInterfaceMethods<DifferentiableOpInterface>];

// All axes reduced gives a scalar. Axes are sorted, non-negative and distinct.
class Reduction<string mnemonic, string text> : Op<MpyDialect, mnemonic, !listconcat([Pure], differentiable)> {
  let summary = text;
  let arguments = (ins TensorLike:$x, DenseI64ArrayAttr:$axes);
  let results = (outs Elements:$result);
  let assemblyFormat = "$x `over` $axes attr-dict `:` type($x) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::llvm::ArrayRef<int64_t>":$axes), [{
    build($_builder, $_state, reducedType(x, axes), x, axes);
  }]>];
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return verifyReduction(getOperation(), getX(), getAxes(), getResult()); }
  }];
}
def SumOp : Reduction<"sum", "Sum; the order of additions is free. Of no elements: 0.">;
def ProdOp : Reduction<"prod", "Product; of no elements: 1. The derivative is exact where elements are 0.">;
def MaxOp : Reduction<"max", "Largest; NaN wins. Ties share the adjoint equally. At least one element (checked before).">;
def MinOp : Reduction<"min", "Smallest; NaN wins. Ties share the adjoint equally. At least one element (checked before).">;
def AnyOp : Reduction<"any", "Whether one truth value holds.">;
def AllOp : Reduction<"all", "Whether all truth values hold.">;

// The first index of the extreme element along one axis, as int64. NaN wins.
class ArgReduction<string mnemonic> : Op<MpyDialect, mnemonic, !listconcat([Pure], differentiable)> {
  let arguments = (ins TensorLike:$x, I64Attr:$axis);
  let results = (outs Elements:$result);
  let assemblyFormat = "$x `over` $axis attr-dict `:` type($x) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "int64_t":$axis), [{
    build($_builder, $_state, reducedType(x, {axis}, $_builder.getI64Type()), x, axis);
  }]>];
  let hasVerifier = 1;
}
def ArgMaxOp : ArgReduction<"argmax">;
def ArgMinOp : ArgReduction<"argmin">;

def CumsumOp : Op<MpyDialect, "cumsum", !listconcat([Pure], differentiable)> {
  let summary = "Running sums along an axis, from the end if `reverse`.";
  let arguments = (ins TensorLike:$x, I64Attr:$axis, UnitAttr:$reverse);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x `over` $axis (`reverse` $reverse^)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
#endif
