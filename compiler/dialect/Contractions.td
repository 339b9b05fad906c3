#ifndef MPY_CONTRACTIONS
#define MPY_CONTRACTIONS
include "Ops.td"

def MatmulOp : Op<MpyDialect, "matmul", !listconcat([Pure], differentiable)> {
  let summary = "Product of two matrices, either of them transposed: x[n,k] y[k,m] -> [n,m].";
  let arguments = (ins TensorLike:$x, TensorLike:$y, UnitAttr:$transpose_x, UnitAttr:$transpose_y);
  let results = (outs TensorLike:$result);
  let assemblyFormat = [{
    $x (`transposed` $transpose_x^)? `,` $y (`transposed` $transpose_y^)? attr-dict
    `:` type($x) `,` type($y) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$y, CArg<"bool", "false">:$transposeX,
                                 CArg<"bool", "false">:$transposeY)>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
#endif
