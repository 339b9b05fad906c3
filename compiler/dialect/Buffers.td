// Reference counts of buffers: what OwnBuffers adds when tensors become memrefs. See lowering/OwnBuffers.cpp for the rules.
#ifndef MPY_BUFFERS
#define MPY_BUFFERS
include "Ops.td"

def Counted : AnyTypeOf<[MemRefRankOf<[AnyType], [0, 1, 2, 3, 4, 5, 6, 7, 8]>, StringType, HandleType, TapeType]>;

def RetainOp : Op<MpyDialect, "retain", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "One more owner.";
  let arguments = (ins Counted:$buffer);
  let assemblyFormat = "$buffer attr-dict `:` type($buffer)";
}
def ReleaseOp : Op<MpyDialect, "release", [MemoryEffects<[MemRead, MemWrite]>]> {
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
#endif
