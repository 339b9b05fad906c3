// Requests for derivatives, which ExpandGrad replaces by calls of generated functions, and the tape those use.
#ifndef MPY_DIFF
#define MPY_DIFF
include "Ops.td"

def GradientOp : Op<MpyDialect, "gradient", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                             MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Calls `callee` and differentiates its results `of` (floats, scalar or tensor; seeds default to 1) by the arguments "
                "`wrt`. Results: all results of the callee, then one gradient, of the argument's type, for each of `wrt`.";
  let arguments = (ins FlatSymbolRefAttr:$callee, DenseI64ArrayAttr:$of, DenseI64ArrayAttr:$wrt, Variadic<AnyMpy>:$inputs,
                       Variadic<Elements>:$seeds);
  let results = (outs Variadic<AnyMpy>:$outputs);
  let assemblyFormat = "$callee `of` $of `wrt` $wrt `(` $inputs `)` (`seeds` `(` $seeds^ `:` type($seeds) `)`)? attr-dict `:` functional-type($inputs, $outputs)";
}
// In several directions: tangents of all of `wrt` for one direction after the other, and so the tangents among the results.
// With `dependences`, tangents are numbers of sets (see `set_union`): what each element may depend on.
def TangentOp : Op<MpyDialect, "tangent", [AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                           MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Calls `callee` and pushes tangents of its arguments `wrt` (floats, scalar or tensor) forward. Results: all results of the "
                "callee, then one tangent, of the result's type, for each of `of`.";
  let arguments = (ins FlatSymbolRefAttr:$callee, DenseI64ArrayAttr:$of, DenseI64ArrayAttr:$wrt, Variadic<AnyMpy>:$inputs,
                       Variadic<Elements>:$tangents, UnitAttr:$dependences);
  let results = (outs Variadic<AnyMpy>:$outputs);
  let assemblyFormat = "$callee `of` $of `wrt` $wrt `(` $inputs `)` `tangents` `(` $tangents `:` type($tangents) `)` (`dependences` $dependences^)? attr-dict `:` functional-type($inputs, $outputs)";
}
def BatchedOp : Op<MpyDialect, "batched", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Calls `callee` for each of `count` examples, at least one: with the number of the example as its first argument and the "
                "inputs as the others. Results: those of the callee, scalars and tensors, with one more leading dimension of extent `count`.";
  let arguments = (ins FlatSymbolRefAttr:$callee, Index:$count, Variadic<AnyMpy>:$inputs);
  let results = (outs Variadic<TensorLike>:$outputs);
  let assemblyFormat = "$callee `of` $count `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)";
}
def RuledOp : Op<MpyDialect, "ruled", [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                       DeclareOpInterfaceMethods<DifferentiableOpInterface, ["passes"]>]> {
  let summary = "The values, which a function of the program called `name` has computed from the inputs and which have the derivative that "
                "its rules give, whatever steps they were made in. `reverse` gets adjoints of the values and what it keeps, and returns "
                "adjoints of the inputs; `forward` gets tangents of the inputs and what it keeps, is linear in the tangents, and returns "
                "tangents of the values. The first derivative uses a rule, which is code as any other for the second.";
  let arguments = (ins StrAttr:$name, OptionalAttr<FlatSymbolRefAttr>:$reverse, OptionalAttr<FlatSymbolRefAttr>:$forward,
                       UnitAttr:$settled, Variadic<Elements>:$inputs, Variadic<Elements>:$values,
                       Variadic<AnyMpy>:$keptForReverse, Variadic<AnyMpy>:$keptForForward);
  let results = (outs Variadic<Elements>:$outputs);
  let assemblyFormat = "$name (`reverse` $reverse^)? (`keeps` `(` $keptForReverse^ `:` type($keptForReverse) `)`)? "
                       "(`forward` $forward^)? (`with` `(` $keptForForward^ `:` type($keptForForward) `)`)? "
                       "(`settled` $settled^)? (`of` $inputs^ `:` type($inputs))? `values` $values `:` type($values) attr-dict `->` type($outputs)";
}
def CheckpointOp : Op<MpyDialect, "checkpoint", [DeclareOpInterfaceMethods<SymbolUserOpInterface>, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "A call of `callee` whose steps the reverse sweep does not keep: it keeps the arguments and runs the callee again, without its "
                "effects and with the same random numbers. Where nobody differentiates it is a call.";
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyMpy>:$inputs);
  let results = (outs Variadic<AnyMpy>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)";
}
def CheckpointLoopOp : Op<MpyDialect, "checkpoint_loop", [MemoryEffects<[MemWrite]>]> {
  let summary = "Says of the loop around it that the reverse sweep keeps some of its states, in so many bytes, and runs the others again.";
  let arguments = (ins I64:$bytes);
  let assemblyFormat = "$bytes attr-dict";
}
def TapeNewOp : Op<MpyDialect, "tape_new", !listconcat([MemoryEffects<[MemAlloc]>], differentiable)> {
  let summary = "An empty tape.";
  let results = (outs TapeType:$result);
  let assemblyFormat = "attr-dict";
}
def PushOp : Op<MpyDialect, "push", !listconcat([Pure], differentiable)> {
  let summary = "The tape with the values on top. A tensor is kept by reference.";
  let arguments = (ins TapeType:$tape, Variadic<AnyMpy>:$values);
  let results = (outs TapeType:$result);
  let assemblyFormat = "$tape `,` $values attr-dict `:` type($values)";
}
def PopOp : Op<MpyDialect, "pop", !listconcat([Pure], differentiable)> {
  let summary = "The tape without its top values, and these, in the order they were pushed.";
  let arguments = (ins TapeType:$tape);
  let results = (outs TapeType:$rest, Variadic<AnyMpy>:$values);
  let assemblyFormat = "$tape attr-dict `:` type($values)";
  let hasFolder = 1;
}
def TapeFreeOp : Op<MpyDialect, "tape_free", !listconcat([MemoryEffects<[MemFree]>], differentiable)> {
  let summary = "Ends a tape.";
  let arguments = (ins TapeType:$tape);
  let assemblyFormat = "$tape attr-dict";
  let hasCanonicalizeMethod = 1;
}
#endif
