#ifndef MPY_CONTRACTIONS
#define MPY_CONTRACTIONS
include "Ops.td"

def MatmulOp : Op<MpyDialect, "matmul", !listconcat([Pure], differentiable)> {
  let summary = "Product of matrices, either of them transposed: x[n,k] y[k,m] -> [n,m]. One or both may be a stack of "
                "matrices, of rank 3; the other then takes part in each product. `summed`: the sum over a stack of products.";
  let arguments = (ins TensorLike:$x, TensorLike:$y, UnitAttr:$transpose_x, UnitAttr:$transpose_y, UnitAttr:$summed);
  let results = (outs TensorLike:$result);
  let assemblyFormat = [{
    $x (`transposed` $transpose_x^)? `,` $y (`transposed` $transpose_y^)? (`summed` $summed^)? attr-dict
    `:` type($x) `,` type($y) `->` type($result)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$y, CArg<"bool", "false">:$transposeX,
                                 CArg<"bool", "false">:$transposeY, CArg<"bool", "false">:$summed)>];
  let extraClassDeclaration = [{
    /// Where in the operands the extents of the result are: of its rows, of its columns.
    int64_t rowAxis() { return getX().getType().getRank() - (getTransposeX() ? 1 : 2); }
    int64_t columnAxis() { return getY().getType().getRank() - (getTransposeY() ? 2 : 1); }
    /// The axes that are summed over.
    int64_t innerAxisOfX() { return getX().getType().getRank() - (getTransposeX() ? 2 : 1); }
    int64_t innerAxisOfY() { return getY().getType().getRank() - (getTransposeY() ? 1 : 2); }
    /// A stack of matrices among the operands, or none.
    ::mlir::Value stack() {
      return getX().getType().getRank() == 3 ? getX() : getY().getType().getRank() == 3 ? getY() : ::mlir::Value();
    }
    /// The operand and the axis that a dimension of the result has its extent from.
    ::std::pair<::mlir::Value, int64_t> extentSource(int64_t dimension) {
      int64_t fromEnd = getResult().getType().getRank() - dimension;
      if (fromEnd == 3)
        return {stack(), 0};
      return fromEnd == 2 ? ::std::pair<::mlir::Value, int64_t>{getX(), rowAxis()}
                          : ::std::pair<::mlir::Value, int64_t>{getY(), columnAxis()};
    }
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
def FourierOp : Op<MpyDialect, "fourier", !listconcat([Pure, AllTypesMatch<["x", "result"]>], differentiable)> {
  let summary = "The discrete Fourier transform along the axis that `behind` others follow before the last; the last axis, of extent 2, has "
                "the real and the imaginary part. `inverse`: with the opposite sign of the exponent. Not scaled.";
  let arguments = (ins TensorLike:$x, UnitAttr:$inverse, DefaultValuedAttr<I64Attr, "0">:$behind);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x (`inverse` $inverse^)? (`behind` $behind^)? attr-dict `:` type($x)";
  let hasVerifier = 1;
}
#endif
