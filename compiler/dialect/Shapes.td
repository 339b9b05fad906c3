// Operations that move elements without computing. Result types carry the constant extents; `sizes` holds one index
// operand for each dynamic ('?') extent of the result, in order.
#ifndef MPY_SHAPES
#define MPY_SHAPES
include "Ops.td"

class ShapeChange<string mnemonic, string text> : Op<MpyDialect, mnemonic, !listconcat([Pure], differentiable)> {
  let summary = text;
}

def BroadcastOp : ShapeChange<"broadcast", "A scalar or tensor spread over a larger shape, aligned at the right.  An operand extent "
                        "that is statically 1 is repeated, every other equals the result's."> {
  let arguments = (ins Elements:$x, Variadic<Index>:$sizes);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x (`[` $sizes^ `]`)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}
def StretchOp : ShapeChange<"stretch", "Same rank; each extent of x equals that of the result or is 1 at run time (checked before)."> {
  let arguments = (ins TensorLike:$x, Variadic<Index>:$sizes);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x (`[` $sizes^ `]`)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
def UnstretchOp : ShapeChange<"unstretch", "The adjoint of stretch: sums what was repeated; `sizes` are the extents of the smaller shape."> {
  let arguments = (ins TensorLike:$x, Variadic<Index>:$sizes);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x (`[` $sizes^ `]`)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
def ReshapeOp : ShapeChange<"reshape", "The same elements in row-major order under another shape of equal size. A scalar and a tensor of one element convert into each other too."> {
  let arguments = (ins Elements:$x, Variadic<Index>:$sizes);
  let results = (outs Elements:$result);
  let assemblyFormat = "$x (`[` $sizes^ `]`)? attr-dict `:` type($x) `->` type($result)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}
def TransposeOp : ShapeChange<"transpose", "result.shape[i] = x.shape[permutation[i]]"> {
  let arguments = (ins TensorLike:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x `by` $permutation attr-dict `:` type($x) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::llvm::ArrayRef<int64_t>":$permutation)>];
  let hasVerifier = 1;
  let hasFolder = 1;
}
def ConcatOp : ShapeChange<"concat", "Tensors of one rank joined along an axis."> {
  let arguments = (ins Variadic<TensorLike>:$parts, I64Attr:$axis);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$parts `along` $axis attr-dict `:` type($parts) `->` type($result)";
  let hasVerifier = 1;
}
// A run-time list is a tensor with one row for each item: `concat` appends, these shorten and are each other's adjoints.
def FirstRowsOp : ShapeChange<"first_rows", "The first `count` rows of x, which has at least as many."> {
  let arguments = (ins TensorLike:$x, Index:$count);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$count `of` $x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
def PadRowsOp : ShapeChange<"pad_rows", "x with rows of zeros behind it, `count` rows in all."> {
  let arguments = (ins TensorLike:$x, Index:$count);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x `to` $count attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
def FromElementsOp : ShapeChange<"from_elements", "A tensor of static shape from its scalars in row-major order."> {
  let arguments = (ins Variadic<ScalarLike>:$elements);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$elements attr-dict `:` type($elements) `->` type($result)";
  let hasVerifier = 1;
}
def IotaOp : Op<MpyDialect, "iota", !listconcat([Pure], differentiable)> {
  let summary = "0, 1, 2, ... as int64 of rank 1.";
  let arguments = (ins Variadic<Index>:$sizes);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "(`[` $sizes^ `]`)? attr-dict `:` type($result)";
  let hasVerifier = 1;
}
#endif
