// RUN: mpy-opt %s --mpy-to-linalg --fuse --canonicalize --split-input-file | FileCheck %s

// A value and its gradient: one pass, each call once.
// CHECK-LABEL: func.func @value_and_gradient
// CHECK: linalg.generic
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
// CHECK-COUNT-1: math.tanh
// CHECK-NOT: math.tanh
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @value_and_gradient(%x: tensor<?xf64>) -> (f64, tensor<?xf64>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f64
  %square = mpy.mul %x, %x : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %negative = mpy.negative %square : tensor<?xf64>
  %exp = mpy.exp %negative : tensor<?xf64>
  %tanh = mpy.tanh %x : tensor<?xf64>
  %product = mpy.mul %exp, %tanh : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %value = mpy.sum %product over [0] : tensor<?xf64> -> f64
  %n = tensor.dim %product, %c0 : tensor<?xf64>
  %seed = mpy.broadcast %one[%n] : f64 -> tensor<?xf64>
  %expBar = mpy.mul %seed, %tanh : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %tanhBar = mpy.mul %seed, %exp : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %t1 = mpy.mul %tanhBar, %tanh : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %t2 = mpy.mul %t1, %tanh : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %xBar1 = mpy.sub %tanhBar, %t2 : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %negativeBar = mpy.mul %expBar, %exp : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %squareBar = mpy.negative %negativeBar : tensor<?xf64>
  %a = mpy.mul %squareBar, %x : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %b = mpy.add %a, %a : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %xBar = mpy.add %xBar1, %b : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  return %value, %xBar : f64, tensor<?xf64>
}

// -----

// Three shifted slices meet in one generic.
// CHECK-LABEL: func.func @stencil
// CHECK-COUNT-3: tensor.extract_slice
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: tensor.insert_slice
func.func @stencil(%a: tensor<?xf64>, %b: tensor<?xf64>) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %quarter = arith.constant 0.25 : f64
  %half = arith.constant 0.5 : f64
  %n = tensor.dim %a, %c0 : tensor<?xf64>
  %inner = arith.subi %n, %c2 : index
  %left = mpy.slice %a[%c0][%inner][%c1] drop [] : tensor<?xf64> -> tensor<?xf64>
  %middle = mpy.slice %a[%c1][%inner][%c1] drop [] : tensor<?xf64> -> tensor<?xf64>
  %right = mpy.slice %a[%c2][%inner][%c1] drop [] : tensor<?xf64> -> tensor<?xf64>
  %l = mpy.mul %quarter, %left : f64, tensor<?xf64> -> tensor<?xf64>
  %m = mpy.mul %half, %middle : f64, tensor<?xf64> -> tensor<?xf64>
  %r = mpy.mul %quarter, %right : f64, tensor<?xf64> -> tensor<?xf64>
  %s = mpy.add %l, %m : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %t = mpy.add %s, %r : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %result = mpy.update_slice %t into %b[%c1][%inner][%c1] drop [] : tensor<?xf64> into tensor<?xf64> -> tensor<?xf64>
  return %result : tensor<?xf64>
}

// -----

// The backward step of a layer: the adjoint of the product and the bias gradient in one pass, no transpose copied.
// CHECK-LABEL: func.func @layer
// CHECK: mpy.matmul
// CHECK: %[[R:.*]] = linalg.generic
// CHECK: math.tanh
// CHECK: %[[BACK:.*]]:2 = linalg.generic
// CHECK-NOT: math.tanh
// CHECK-NOT: linalg.generic
// CHECK: mpy.matmul %{{.*}} transposed, %[[BACK]]#0
func.func @layer(%x: tensor<?x64xf64>, %w: tensor<64x32xf64>, %bias: tensor<32xf64>, %g: tensor<?x32xf64>)
    -> (tensor<?x32xf64>, tensor<32xf64>, tensor<64x32xf64>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f64
  %n = tensor.dim %x, %c0 : tensor<?x64xf64>
  %z = mpy.matmul %x, %w : tensor<?x64xf64>, tensor<64x32xf64> -> tensor<?x32xf64>
  %wide = mpy.broadcast %bias[%n] : tensor<32xf64> -> tensor<?x32xf64>
  %s = mpy.add %z, %wide : tensor<?x32xf64>, tensor<?x32xf64> -> tensor<?x32xf64>
  %r = mpy.tanh %s : tensor<?x32xf64>
  %gg = mpy.matmul %r, %g transposed : tensor<?x32xf64>, tensor<?x32xf64> -> tensor<?x?xf64>
  %g1 = mpy.matmul %gg, %g : tensor<?x?xf64>, tensor<?x32xf64> -> tensor<?x32xf64>
  %rr = mpy.mul %r, %r : tensor<?x32xf64>, tensor<?x32xf64> -> tensor<?x32xf64>
  %slope = mpy.sub %one, %rr : f64, tensor<?x32xf64> -> tensor<?x32xf64>
  %sBar = mpy.mul %g1, %slope : tensor<?x32xf64>, tensor<?x32xf64> -> tensor<?x32xf64>
  %biasBar = mpy.sum %sBar over [0] : tensor<?x32xf64> -> tensor<32xf64>
  %xT = mpy.transpose %x by [1, 0] : tensor<?x64xf64> -> tensor<64x?xf64>
  %wBar = mpy.matmul %xT, %sBar : tensor<64x?xf64>, tensor<?x32xf64> -> tensor<64x32xf64>
  return %r, %biasBar, %wBar : tensor<?x32xf64>, tensor<32xf64>, tensor<64x32xf64>
}

// -----

// What depends on a finished sum cannot join the pass that computes it, and a check keeps its place.
// CHECK-LABEL: func.func @mean
// CHECK: linalg.generic
// CHECK: mpy.check
// CHECK: linalg.generic
func.func @mean(%x: tensor<?xf64>, %ok: i1) -> tensor<?xf64> {
  %s = mpy.sum %x over [0] : tensor<?xf64> -> f64
  mpy.check %ok else "ValueError" "no"
  %e = mpy.exp %x : tensor<?xf64>
  %r = mpy.div %e, %s : tensor<?xf64>, f64 -> tensor<?xf64>
  return %r : tensor<?xf64>
}

// -----

// The search for a position runs one element at a time: it stays away from loops that run many at once.
// CHECK-LABEL: func.func @position
// CHECK: %[[BOTH:.*]]:2 = linalg.generic
// CHECK: math.exp
// CHECK: linalg.generic {{.*}} ins(%[[BOTH]]#0
// CHECK: linalg.yield %{{.*}}, %{{.*}} : f64, i64
// CHECK-NOT: linalg.generic
func.func @position(%x: tensor<?x?xf64>) -> (tensor<?xi64>, tensor<?xf64>) {
  %y = mpy.exp %x : tensor<?x?xf64>
  %p = mpy.argmax %y over 1 : tensor<?x?xf64> -> tensor<?xi64>
  %s = mpy.sum %y over [1] : tensor<?x?xf64> -> tensor<?xf64>
  return %p, %s : tensor<?xi64>, tensor<?xf64>
}

// -----

// What reads transposed arrays alone walks them as they lie in memory.
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[COLUMNS:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @order
// CHECK: linalg.generic {indexing_maps = [#[[ROWS]], #[[ROWS]], #[[COLUMNS]]]
// CHECK-SAME: iterator_types = ["reduction", "parallel"]
func.func @order(%x: tensor<?x?xf64>, %y: tensor<?x?xf64>) -> tensor<?xf64> {
  %xT = mpy.transpose %x by [1, 0] : tensor<?x?xf64> -> tensor<?x?xf64>
  %yT = mpy.transpose %y by [1, 0] : tensor<?x?xf64> -> tensor<?x?xf64>
  %p = mpy.mul %xT, %yT : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  %s = mpy.sum %p over [1] : tensor<?x?xf64> -> tensor<?xf64>
  return %s : tensor<?xf64>
}
