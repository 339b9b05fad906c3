// Reading and replacing parts of tensors. Bounds are checked before, by `check` and `normalize_index`.
#ifndef MPY_INDEXING
#define MPY_INDEXING
include "Ops.td"

// offsets, sizes, strides: one of each for every dimension of x, all index values (constants included); strides may be
// negative, never 0. `dropped` lists the dimensions of size 1 that the slice's shape leaves out (integer subscripts).
def SliceOp : Op<MpyDialect, "slice", !listconcat([Pure, AttrSizedOperandSegments], differentiable)> {
  let summary = "x[o0 : : s0, ..] of the given sizes.";
  let arguments = (ins TensorLike:$x, Variadic<Index>:$offsets, Variadic<Index>:$sizes, Variadic<Index>:$strides,
                       DenseI64ArrayAttr:$dropped);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x `[` $offsets `]` `[` $sizes `]` `[` $strides `]` `drop` $dropped attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
defvar undone = [DeclareOpInterfaceMethods<PartialUpdateOpInterface>];
def UpdateSliceOp : Op<MpyDialect, "update_slice", !listconcat([Pure, AttrSizedOperandSegments], differentiable, undone)> {
  let summary = "x with the part that `slice` would read replaced by value (a tensor of the slice's shape, or a scalar).";
  let arguments = (ins TensorLike:$x, Elements:$value, Variadic<Index>:$offsets, Variadic<Index>:$sizes,
                       Variadic<Index>:$strides, DenseI64ArrayAttr:$dropped);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$value `into` $x `[` $offsets `]` `[` $sizes `]` `[` $strides `]` `drop` $dropped attr-dict `:` type($value) `into` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
def ExtractOp : Op<MpyDialect, "extract", !listconcat([Pure], differentiable)> {
  let summary = "One element.";
  let arguments = (ins TensorLike:$x, Variadic<Index>:$indices);
  let results = (outs ScalarLike:$result);
  let assemblyFormat = "$x `[` $indices `]` attr-dict `:` type($x) `->` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::ValueRange":$indices), [{
    build($_builder, $_state, ::mlir::getElementTypeOrSelf(x), x, indices);
  }]>];
  let hasFolder = 1;
  let hasVerifier = 1;
}
def InsertOp : Op<MpyDialect, "insert", !listconcat([Pure, AllTypesMatch<["x", "result"]>], differentiable, undone)> {
  let summary = "x with one element replaced.";
  let arguments = (ins TensorLike:$x, ScalarLike:$value, Variadic<Index>:$indices);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$value `into` $x `[` $indices `]` attr-dict `:` type($value) `into` type($x)";
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$value, "::mlir::ValueRange":$indices), [{
    build($_builder, $_state, x.getType(), x, value, indices);
  }]>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}
// Index tensors (int64, one common shape B) subscript the leading dimensions of x; already non-negative and in bounds.
def GatherOp : Op<MpyDialect, "gather", !listconcat([Pure], differentiable)> {
  let summary = "result[b.., rest..] = x[i0[b], i1[b], .., rest..]: shape B + x.shape[k:].";
  let arguments = (ins TensorLike:$x, Variadic<TensorLike>:$indices);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x `[` $indices `]` attr-dict `:` type($x) `,` type($indices) `->` type($result)";
  let hasVerifier = 1;
}
def ScatterOp : Op<MpyDialect, "scatter", !listconcat([Pure], differentiable)> {
  let summary = "x with what gather would read replaced by value (shape of the gather); the last of equal indices wins. With "
                "`accumulate`, adds instead, every occurrence.";
  let arguments = (ins TensorLike:$x, TensorLike:$value, Variadic<TensorLike>:$indices, UnitAttr:$accumulate);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "(`accumulate` $accumulate^)? $value `into` $x `[` $indices `]` attr-dict `:` type($value) `into` type($x) `,` type($indices) `->` type($result)";
  let hasVerifier = 1;
}
def NormalizeIndexOp : Op<MpyDialect, "normalize_index", [MemoryEffects<[MemWrite]>, AllTypesMatch<["index", "result"]>]> {
  let summary = "Adds the extent to negative indices; IndexError with NumPy's words where one is out of bounds for the axis.";
  let arguments = (ins Elements:$index, Index:$extent, I64Attr:$axis);
  let results = (outs Elements:$result);
  let assemblyFormat = "$index `within` $extent `axis` $axis attr-dict `:` type($index)";
}
def NonzeroOp : Op<MpyDialect, "nonzero", [Pure]> {
  let summary = "Row-major positions where a mask of rank 1 holds, as int64 of rank 1.";
  let arguments = (ins TensorLike:$mask);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$mask attr-dict `:` type($mask) `->` type($result)";
}
def ArgsortOp : Op<MpyDialect, "argsort", [Pure]> {
  let summary = "Positions, along the last axis, that sort x stably; NaN last. int64.";
  let arguments = (ins TensorLike:$x);
  let results = (outs TensorLike:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
}
#endif
