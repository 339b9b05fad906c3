#ifndef MPY_ENUMS
#define MPY_ENUMS
include "mlir/IR/EnumAttr.td"

def ComparePredicate : I32EnumAttr<"ComparePredicate", "Python's comparisons", [
    I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>,
    I32EnumAttrCase<"le", 3>, I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]> {
  let cppNamespace = "::mpy";
}
def IntegerKind : I32EnumAttr<"IntegerKind", "integer arithmetic whose overflow is an error", [
    I32EnumAttrCase<"add", 0>, I32EnumAttrCase<"sub", 1>, I32EnumAttrCase<"mul", 2>,
    I32EnumAttrCase<"pow", 3>]> {
  let cppNamespace = "::mpy";
}
#endif
