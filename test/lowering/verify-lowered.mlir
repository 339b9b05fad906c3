// RUN: not mpy-opt %s --verify-lowered 2>&1 | FileCheck %s
// CHECK: 'mpy.add' op is not lowered to loops
func.func @left(%x: tensor<?xf64>) -> tensor<?xf64> {
  %y = mpy.add %x, %x : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  return %y : tensor<?xf64>
}
