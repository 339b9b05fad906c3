// Passes of this stage, with what holds after each.
#ifndef MPY_ADJOINT_PASSES
#define MPY_ADJOINT_PASSES
include "mlir/Pass/PassBase.td"

def OrderClocks : Pass<"order-clocks", "::mlir::ModuleOp"> {
  let summary = "Puts readings of clocks between fences, so that what a program measures is what it does in between";
}

def ExpandGrad : Pass<"expand-grad", "::mlir::ModuleOp"> {
  let summary = "Replaces each mpy.gradient by a call to a generated function";
  let description = [{
    For each request, innermost callee first: copies the callee with its calls inlined, finds what depends on the inputs and
    matters to the outputs, walks the copy backwards asking each operation for its rule, and calls the result. Requests for the same
    (function, outputs, inputs) share one function. Afterwards no mpy.gradient is left; derivatives consist of the same
    operations as programs, so that they can be differentiated again.
  }];
  let options = [Option<"marksSweeps", "marks-sweeps", "bool", "false", "Puts a fence of nothing between the sweeps of each gradient">];
}

def VerifyNoGrad : Pass<"verify-no-grad", "::mlir::ModuleOp"> {
  let summary = "Fails where a request for a derivative is left";
}
#endif
