// Text, checks, errors, and calls of the runtime library. What has an effect is ordered and happens once.
#ifndef MPY_RUNTIME_OPS
#define MPY_RUNTIME_OPS
include "Ops.td"

def StringConstantOp : Op<MpyDialect, "string_constant", [Pure]> {
  let arguments = (ins StrAttr:$value);
  let results = (outs StringType:$result);
  let assemblyFormat = "$value attr-dict";
}
// Scalars pass by value (i1 as i8, index as i64), text and handles as pointers, tensors as `const mpy_view *`. A scalar, text or
// handle result is returned; each tensor result appends out-parameters `void **data, int64_t *sizes`. With `raises` the function
// takes two leading arguments: the source file name and the line of this operation.
def RuntimeCallOp : Op<MpyDialect, "runtime_call", [Pure]> {
  let summary = "A function of the runtime without effects: may be dropped, shared or repeated.";
  let arguments = (ins StrAttr:$callee, Variadic<AnyMpy>:$inputs, UnitAttr:$raises);
  let results = (outs Variadic<AnyMpy>:$outputs);
  let assemblyFormat = "$callee `(` $inputs `)` (`raises` $raises^)? attr-dict `:` functional-type($inputs, $outputs)";
}
// With `catches`, exceptions of these kinds, each followed by a blank, do not end the program: two more results say which of them
// it was (-1: none) and its text; the others hold nothing then.
def RuntimeEffectOp : Op<MpyDialect, "runtime_effect", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "A function of the runtime with effects: output, random draws, files, the clock.";
  let arguments = (ins StrAttr:$callee, Variadic<AnyMpy>:$inputs, UnitAttr:$raises, OptionalAttr<StrAttr>:$catches);
  let results = (outs Variadic<AnyMpy>:$outputs);
  let builders = [OpBuilder<(ins "mlir::TypeRange":$outputs, "llvm::StringRef":$callee, "mlir::ValueRange":$inputs,
                                 "bool":$raises), [{
    build($_builder, $_state, outputs, callee, inputs, raises, mlir::StringAttr());
  }]>];
  let assemblyFormat = "$callee `(` $inputs `)` (`raises` $raises^)? (`catches` $catches^)? attr-dict `:` functional-type($inputs, $outputs)";
}
def ScalarCallOp : Op<MpyDialect, "scalar_call", [Pure]> {
  let summary = "A function of numbers of the runtime, called for each element of a loop.";
  let arguments = (ins StrAttr:$callee, Variadic<F64>:$inputs);
  let results = (outs F64:$output);
  let assemblyFormat = "$callee `(` $inputs `)` attr-dict `:` type($inputs)";
}
def CheckOp : Op<MpyDialect, "check", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the program with a Python error unless the condition holds; `{}` in the message are the integer arguments.";
  let arguments = (ins I1:$condition, StrAttr:$kind, StrAttr:$message, Variadic<AnyTypeOf<[Index, I64]>>:$values);
  let hasVerifier = 1;
  let assemblyFormat = "$condition `else` $kind $message (`(` $values^ `:` type($values) `)`)? attr-dict";
}
def RaiseOp : Op<MpyDialect, "raise", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the program with an uncaught Python exception, raised here or at `place` (file:line).";
  let arguments = (ins StrAttr:$kind, StringType:$message, Optional<StringType>:$place);
  let assemblyFormat = "$kind `(` $message `)` (`at` $place^)? attr-dict";
}
def CheckedIntOp : Op<MpyDialect, "checked_int", [MemoryEffects<[MemWrite]>, SameOperandsAndResultType]> {
  let summary = "Arithmetic of Python's int (int64); overflow is an OverflowError. pow: the exponent is non-negative.";
  let arguments = (ins IntegerKind:$kind, I64:$x, I64:$y);
  let results = (outs I64:$result);
  let assemblyFormat = "$kind $x `,` $y attr-dict";
}
#endif
