// The forms that operations take once tensors are buffers: reference counts, and the calls that read and write memrefs. See
// lowering/OwnBuffers.cpp for the rules.
#ifndef MPY_BUFFERS
#define MPY_BUFFERS
include "Ops.td"

def AnyBuffer : MemRefOf<[AnyType]>;
def Counted : AnyTypeOf<[AnyBuffer, StringType, HandleType, TapeType]>;
def AnyLowered : AnyTypeOf<[AnyFloat, AnySignlessInteger, Index, AnyBuffer, StringType, HandleType, TapeType]>;

def RetainOp : Op<MpyDialect, "retain", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "One more owner.";
  let arguments = (ins Counted:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}
def ReleaseOp : Op<MpyDialect, "release", [MemoryEffects<[MemRead, MemWrite, MemFree]>]> {
  let summary = "One owner less; the last one frees.";
  let arguments = (ins Counted:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}
def IsUniqueOp : Op<MpyDialect, "is_unique", [MemoryEffects<[MemRead]>]> {
  let summary = "Whether there is exactly one owner, so that it may write.";
  let arguments = (ins Counted:$buffer);
  let results = (outs I1:$result);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}
def GrowOp : Op<MpyDialect, "grow", [MemoryEffects<[MemRead, MemWrite, MemAlloc, MemFree]>]> {
  let summary = "Takes over a reference to a row-major buffer and gives one to a buffer of more rows that begins with its elements: "
                "itself where nobody else holds it and it has room.";
  let arguments = (ins AnyBuffer:$buffer, Variadic<Index>:$sizes);
  let results = (outs AnyBuffer:$result);
  let assemblyFormat = "$buffer `[` $sizes `]` attr-dict `:` type($buffer) `->` type($result)";
}
def AbsentOp : Op<MpyDialect, "absent", [Pure]> {
  let summary = "A value that nobody reads; it may be retained and released.";
  let results = (outs Counted:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}
def ConstantBufferOp : Op<MpyDialect, "constant_buffer", [Pure]> {
  let summary = "Constant data: never unique, never freed.";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyBuffer:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}
def BufferCallOp : Op<MpyDialect, "buffer_call", [MemoryEffects<[MemRead, MemWrite, MemAlloc]>]> {
  let summary = "runtime_call or runtime_effect on buffers: arguments are borrowed, results owned.";
  let arguments = (ins StrAttr:$callee, Variadic<AnyLowered>:$inputs, UnitAttr:$raises, OptionalAttr<StrAttr>:$catches);
  let results = (outs Variadic<AnyLowered>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` (`raises` $raises^)? (`catches` $catches^)? attr-dict `:` functional-type($inputs, $outputs)";
}
def GemmOp : Op<MpyDialect, "gemm", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "matmul into a buffer. Every operand has unit stride in its last dimension.";
  let arguments = (ins AnyBuffer:$x, AnyBuffer:$y, AnyBuffer:$out, UnitAttr:$transpose_x, UnitAttr:$transpose_y,
                       UnitAttr:$summed);
  let assemblyFormat = [{
    $x (`transposed` $transpose_x^)? `,` $y (`transposed` $transpose_y^)? (`summed` $summed^)? `into` $out attr-dict
    `:` type($x) `,` type($y) `into` type($out)
  }];
}
def FourierRowsOp : Op<MpyDialect, "fourier_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "fourier of a contiguous buffer into another.";
  let arguments = (ins AnyMemRef:$x, AnyMemRef:$out, UnitAttr:$inverse, DefaultValuedAttr<I64Attr, "0">:$behind);
  let assemblyFormat = "$x `into` $out (`inverse` $inverse^)? (`behind` $behind^)? attr-dict `:` type($x) `,` type($out)";
}
def ArgsortRowsOp : Op<MpyDialect, "argsort_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "argsort of a contiguous buffer into another.";
  let arguments = (ins AnyBuffer:$x, AnyBuffer:$out);
  let assemblyFormat = "$x `into` $out attr-dict `:` type($x) `into` type($out)";
}
def TapePushOp : Op<MpyDialect, "tape_push", [MemoryEffects<[MemRead, MemWrite, MemAlloc]>]> {
  let summary = "push; takes over the references to the values.";
  let arguments = (ins TapeType:$tape, Variadic<AnyLowered>:$values);
  let assemblyFormat = "$tape `,` $values attr-dict `:` type($values)";
}
def TapePopOp : Op<MpyDialect, "tape_pop", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "pop; gives the references to the values.";
  let arguments = (ins TapeType:$tape);
  let results = (outs Variadic<AnyLowered>:$values);
  let assemblyFormat = "$tape attr-dict `:` type($values)";
}
#endif
