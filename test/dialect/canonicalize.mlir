// RUN: mpy-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @transposes
// CHECK-NEXT: mpy.matmul %{{.+}} transposed, %{{.+}}
// CHECK-NEXT: return
func.func @transposes(%x: tensor<3x2xf64>, %y: tensor<3x2xf64>) -> tensor<2x2xf64> {
  %t = mpy.transpose %x by [1, 0] : tensor<3x2xf64> -> tensor<2x3xf64>
  %u = mpy.transpose %y by [1, 0] : tensor<3x2xf64> -> tensor<2x3xf64>
  %v = mpy.transpose %u by [1, 0] : tensor<2x3xf64> -> tensor<3x2xf64>
  %r = mpy.matmul %t, %v : tensor<2x3xf64>, tensor<3x2xf64> -> tensor<2x2xf64>
  return %r : tensor<2x2xf64>
}

// CHECK-LABEL: func.func @shapes
// CHECK-SAME: %[[X:.+]]: tensor<2x3xf64>, %[[S:.+]]: f64
// CHECK-NEXT: %[[R:.+]] = mpy.mul %[[S]], %[[X]]
// CHECK-NEXT: return %[[R]], %[[S]]
func.func @shapes(%x: tensor<2x3xf64>, %s: f64) -> (tensor<2x3xf64>, f64) {
  %c0 = arith.constant 0 : index
  %f = mpy.reshape %x : tensor<2x3xf64> -> tensor<6xf64>
  %b = mpy.reshape %f : tensor<6xf64> -> tensor<2x3xf64>
  %a = mpy.broadcast %s : f64 -> tensor<2x3xf64>
  %r = mpy.mul %a, %b : tensor<2x3xf64>, tensor<2x3xf64> -> tensor<2x3xf64>
  %e = mpy.extract %a [%c0, %c0] : tensor<2x3xf64> -> f64
  return %r, %e : tensor<2x3xf64>, f64
}

// The extent of what a loop carries is known from outside, if the loop keeps it.
// CHECK-LABEL: func.func @extent
// CHECK-SAME: %[[N:.+]]: index
// CHECK-NOT: tensor.dim
// CHECK: return %{{.+}}, %[[N]]
func.func @extent(%n: index, %s: f64) -> (tensor<?xf64>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = mpy.broadcast %s [%n] : f64 -> tensor<?xf64>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<?xf64>) {
    %b = mpy.insert %s into %a [%i] : f64 into tensor<?xf64>
    %c = mpy.sin %b : tensor<?xf64>
    scf.yield %c : tensor<?xf64>
  }
  %d = tensor.dim %r, %c0 : tensor<?xf64>
  return %r, %d : tensor<?xf64>, index
}
