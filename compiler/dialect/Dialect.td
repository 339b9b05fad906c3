// The mpy dialect: array programs as pure values. Tensors and scalars are MLIR's own; control flow is scf, functions are func.
#ifndef MPY_DIALECT
#define MPY_DIALECT
include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def MpyDialect : Dialect {
  let name = "mpy";
  let cppNamespace = "::mpy";
  let summary = "NumPy programs with value semantics, and requests for their derivatives";
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasCanonicalizer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

class MpyType<string name, string typeMnemonic> : TypeDef<MpyDialect, name> {
  let mnemonic = typeMnemonic;
}

def StringType : MpyType<"String", "str"> { let summary = "Text known at run time only."; }
def TapeType : MpyType<"Tape", "tape"> {
  let summary = "A stack of values that the reverse sweep reads; each version is used once.";
}
def HandleType : MpyType<"Handle", "handle"> {
  let summary = "A reference counted object of the runtime, such as a random generator.";
}

def ScalarLike : AnyTypeOf<[AnyFloat, AnySignlessInteger, Index]>;
def TensorLike : RankedTensorOf<[AnyType]>;
// Elementwise operands: tensors of one shape, or scalars that stand for every element.
def Elements : AnyTypeOf<[AnyFloat, AnySignlessInteger, Index, TensorLike]>;
def AnyMpy : AnyTypeOf<[AnyFloat, AnySignlessInteger, Index, TensorLike, StringType, HandleType,
                        TapeType]>;
#endif
