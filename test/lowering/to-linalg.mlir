// RUN: mpy-opt %s --mpy-to-linalg --verify-lowered --split-input-file | FileCheck %s

// Extents of 1 take no part in loops; a column repeated along rows is read, not made.
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @keepdims
// CHECK: linalg.generic {indexing_maps = [#[[ROWS]]
// CHECK-NOT: affine_map<(d0, d1, d2)
func.func @keepdims(%x: tensor<?x4xf64>, %column: tensor<?xf64>, %n: index) -> tensor<?x4xf64> {
  %wide = mpy.reshape %column[%n] : tensor<?xf64> -> tensor<?x1xf64>
  %repeated = mpy.broadcast %wide[%n] : tensor<?x1xf64> -> tensor<?x4xf64>
  %result = mpy.sub %x, %repeated : tensor<?x4xf64>, tensor<?x4xf64> -> tensor<?x4xf64>
  return %result : tensor<?x4xf64>
}

// -----

// A full sum is a scalar, its additions may be reordered; other additions may not.
// CHECK-LABEL: func.func @sum
// CHECK: arith.addf %{{.*}}, %{{.*}} : f64
// CHECK: arith.addf %{{.*}}, %{{.*}} fastmath<reassoc> : f64
// CHECK: tensor.extract %{{.*}}[] : tensor<f64>
func.func @sum(%x: tensor<?xf64>) -> f64 {
  %y = mpy.add %x, %x : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %s = mpy.sum %y over [0] : tensor<?xf64> -> f64
  return %s : f64
}

// -----

// The adjoint of a subscript adds to the part it read, in place of adding a padded array.
// CHECK-LABEL: func.func @padded
// CHECK-NOT: linalg.generic
// CHECK: %[[OLD:.*]] = tensor.extract %arg0
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]], %arg1
// CHECK: tensor.insert %[[NEW]] into %arg0
func.func @padded(%total: tensor<?xf64>, %g: f64, %i: index) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f64
  %n = tensor.dim %total, %c0 : tensor<?xf64>
  %zeros = mpy.broadcast %zero[%n] : f64 -> tensor<?xf64>
  %pad = mpy.insert %g into %zeros[%i] : f64 into tensor<?xf64>
  %sum = mpy.add %total, %pad : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  return %sum : tensor<?xf64>
}

// -----

// Positive strides are slices of memory, negative ones are reads at computed positions.
// CHECK-LABEL: func.func @slices
// CHECK: tensor.extract_slice %arg0[0] [%{{.*}}] [2]
// CHECK: linalg.generic
// CHECK: tensor.extract %arg0
func.func @slices(%x: tensor<?xf64>, %n: index) -> (tensor<?xf64>, tensor<?xf64>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %back = arith.constant -1 : index
  %every = mpy.slice %x[%c0][%n][%c2] drop [] : tensor<?xf64> -> tensor<?xf64>
  %reversed = mpy.slice %x[%n][%n][%back] drop [] : tensor<?xf64> -> tensor<?xf64>
  return %every, %reversed : tensor<?xf64>, tensor<?xf64>
}

// -----

// One pass over the indices decides; the first bad one is looked for only then.
// CHECK-LABEL: func.func @indices
// CHECK: linalg.generic
// CHECK: scf.if
// CHECK: scf.for
// CHECK: mpy.check {{.*}} else "IndexError" "index {} is out of bounds for axis 1 with size {}"
func.func @indices(%i: tensor<?xi64>, %n: index) -> tensor<?xi64> {
  %r = mpy.normalize_index %i within %n axis 1 : tensor<?xi64>
  return %r : tensor<?xi64>
}

// -----

// The runtime keeps what it alone can do.
// CHECK-LABEL: func.func @opaque
// CHECK: mpy.matmul %arg0 transposed, %arg1
// CHECK: mpy.argsort
func.func @opaque(%x: tensor<?x3xf64>, %y: tensor<?x4xf64>) -> (tensor<3x4xf64>, tensor<3x4xi64>) {
  %t = mpy.transpose %x by [1, 0] : tensor<?x3xf64> -> tensor<3x?xf64>
  %p = mpy.matmul %t, %y : tensor<3x?xf64>, tensor<?x4xf64> -> tensor<3x4xf64>
  %a = mpy.argsort %p : tensor<3x4xf64> -> tensor<3x4xi64>
  return %p, %a : tensor<3x4xf64>, tensor<3x4xi64>
}
