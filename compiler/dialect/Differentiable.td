// What an operation says about its derivative and its meaning on scalars.
#ifndef MPY_DIFFERENTIABLE
#define MPY_DIFFERENTIABLE
include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::mpy";
  let description = "An operation that knows its derivative. There is no default: unknown is an error.";
  let methods = [
    InterfaceMethod<"Adds this operation's contributions to the adjoints of its operands. Fails, after "
                    "`context.refuse(reason)`, where the operation has no derivative.",
                    "::llvm::LogicalResult", "buildAdjoint", (ins "::mpy::AdjointContext &":$context)>,
    InterfaceMethod<"Sets the tangents of this operation's results from those of its operands.",
                    "::llvm::LogicalResult", "buildTangent", (ins "::mpy::TangentContext &":$context)>,
    InterfaceMethod<"Whether derivatives pass through the operand of this number.",
                    "bool", "passes", (ins "unsigned":$operand), /*methodBody=*/"", /*defaultImplementation=*/"return true;">,
  ];
}

def PartialUpdateOpInterface : OpInterface<"PartialUpdateOpInterface"> {
  let cppNamespace = "::mpy";
  let description = "A copy of an array with a small part replaced, which the reverse sweep can undo.";
  let methods = [
    InterfaceMethod<"The array; null where the part may be most of it.", "::mlir::Value", "changedArray">,
    InterfaceMethod<"Emits the part that is replaced, as it is before.",
                    "::mlir::Value", "buildReplaced", (ins "::mlir::OpBuilder &":$builder)>,
    InterfaceMethod<"Emits the array as it was, from the result and the part that was replaced.",
                    "::mlir::Value", "buildUndone",
                    (ins "::mpy::RuleContext &":$context, "::mlir::Value":$result, "::mlir::Value":$replaced)>,
  ];
}

// One scalar in, one scalar out, applied to every element.
def ElementwiseOpInterface : OpInterface<"ElementwiseOpInterface"> {
  let cppNamespace = "::mpy";
  let methods = [
    InterfaceMethod<"Emits the operation on scalars of the operands' element types.",
                    "::mlir::Value", "buildScalar",
                    (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
                         "::mlir::ValueRange":$arguments)>,
    InterfaceMethod<"The intervals the gradient check draws operands from, as pairs low, high; empty where "
                    "the operation is not differentiable.",
                    "::llvm::SmallVector<std::pair<double, double>>", "domain">,
  ];
}
#endif
