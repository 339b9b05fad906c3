// What a program with kernels does besides computing: it runs them, and says where the host is about to look at a buffer or to
// change it. See lowering/MapToGpu.cpp and lowering/MarkHostUses.cpp.
#ifndef MPY_DEVICE
#define MPY_DEVICE
include "Dialect.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def KernelOp : Op<MpyDialect, "kernel", [MemoryEffects<[MemRead, MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "Runs a kernel, unless the run time says that the host does it as well or better; whether it ran.";
  let description = [{
    `access` says of each buffer whether the kernel reads it (1), writes it (2), and overwrites all of its root (4). The first words
    are the counts that the form of the kernel asks for (runtime/Cuda.h); all of them are its parameters. `partials` are the bytes
    of one value of each accumulator of a reduction.
  }];
  let arguments = (ins StrAttr:$callee, Variadic<AnyMemRef>:$buffers, Variadic<AnyType>:$words, I64Attr:$form,
                       DenseI64ArrayAttr:$access, DenseI64ArrayAttr:$partials, BoolAttr:$inner);
  let results = (outs I1:$ran);
  let assemblyFormat = [{
    $callee `buffers` `(` $buffers `)` `words` `(` $words `)` `form` $form `access` $access `partials` $partials
    `inner` $inner attr-dict `:` `(` type($buffers) `)` `,` `(` type($words) `)`
  }];
}
def HostReadOp : Op<MpyDialect, "host_read", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The host is about to read the buffer: what a kernel wrote is fetched.";
  let arguments = (ins AnyMemRef:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}
def HostWriteOp : Op<MpyDialect, "host_write", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The host is about to change the buffer: what a kernel wrote is fetched, unless the host overwrites `all`, and the "
                "device's copy is no longer right.";
  let arguments = (ins AnyMemRef:$buffer, UnitAttr:$all);
  let assemblyFormat = "$buffer (`all` $all^)? attr-dict `:` type($buffer)";
}
#endif
