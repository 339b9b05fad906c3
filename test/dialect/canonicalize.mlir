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

// An element of a part that is put back is written into the whole.
// CHECK-LABEL: func @element_of_row
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf64>, %[[V:.*]]: f64, %[[I:.*]]: index, %[[J:.*]]: index
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK: %[[STEP:.*]] = arith.muli %[[J]], %[[C2]]
// CHECK: %[[AT:.*]] = arith.addi %[[STEP]], %{{.*}}
// CHECK: %[[R:.*]] = mpy.insert %[[V]] into %[[X]][%[[I]], %[[AT]]]
// CHECK-NOT: update_slice
// CHECK: return %[[R]]
func.func @element_of_row(%x: tensor<?x4xf64>, %v: f64, %i: index, %j: index) -> tensor<?x4xf64> {
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %row = mpy.slice %x[%i, %one] [%one, %two] [%one, %two] drop [0] : tensor<?x4xf64> -> tensor<2xf64>
  %new = mpy.insert %v into %row[%j] : f64 into tensor<2xf64>
  %r = mpy.update_slice %new into %x[%i, %one] [%one, %two] [%one, %two] drop [0] : tensor<2xf64> into tensor<?x4xf64> -> tensor<?x4xf64>
  return %r : tensor<?x4xf64>
}

// A part of a part that is put back is written into the whole; one of another array is not.
// CHECK-LABEL: func @part_of_row
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf64>, %[[Y:.*]]: tensor<?x4xf64>, %[[V:.*]]: tensor<1xf64>
// CHECK-NOT: mpy.slice %[[X]]
// CHECK: mpy.update_slice %[[V]] into %[[X]]
// CHECK: mpy.slice %[[Y]]
// CHECK: mpy.update_slice
// CHECK: mpy.update_slice {{.*}} into %[[X]]
func.func @part_of_row(%x: tensor<?x4xf64>, %y: tensor<?x4xf64>, %v: tensor<1xf64>, %i: index) -> (tensor<?x4xf64>, tensor<?x4xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %row = mpy.slice %x[%i, %zero] [%one, %four] [%one, %one] drop [0] : tensor<?x4xf64> -> tensor<4xf64>
  %new = mpy.update_slice %v into %row[%one] [%one] [%one] drop [] : tensor<1xf64> into tensor<4xf64> -> tensor<4xf64>
  %r = mpy.update_slice %new into %x[%i, %zero] [%one, %four] [%one, %one] drop [0] : tensor<4xf64> into tensor<?x4xf64> -> tensor<?x4xf64>
  %other = mpy.slice %y[%i, %zero] [%one, %four] [%one, %one] drop [0] : tensor<?x4xf64> -> tensor<4xf64>
  %changed = mpy.update_slice %v into %other[%one] [%one] [%one] drop [] : tensor<1xf64> into tensor<4xf64> -> tensor<4xf64>
  %s = mpy.update_slice %changed into %x[%i, %zero] [%one, %four] [%one, %one] drop [0] : tensor<4xf64> into tensor<?x4xf64> -> tensor<?x4xf64>
  return %r, %s : tensor<?x4xf64>, tensor<?x4xf64>
}

// An element that is replaced twice is replaced once; not where the first version lives on beside the second.
// CHECK-LABEL: func @replaced_twice
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>, %[[A:.*]]: f64, %[[B:.*]]: f64
// CHECK: %[[ONCE:.*]] = mpy.insert %[[B]] into %[[X]]
// CHECK: %[[FIRST:.*]] = mpy.insert %[[A]] into
// CHECK: mpy.insert %[[B]] into %[[FIRST]]
func.func @replaced_twice(%x: tensor<?xf64>, %a: f64, %b: f64, %y: tensor<?xf64>, %c: i1) -> (tensor<?xf64>, tensor<?xf64>) {
  %zero = arith.constant 0 : index
  %p = mpy.insert %a into %x[%zero] : f64 into tensor<?xf64>
  %once = mpy.insert %b into %p[%zero] : f64 into tensor<?xf64>
  %first = mpy.insert %a into %y[%zero] : f64 into tensor<?xf64>
  %r = scf.if %c -> (tensor<?xf64>) {
    %second = mpy.insert %b into %first[%zero] : f64 into tensor<?xf64>
    scf.yield %second : tensor<?xf64>
  } else {
    scf.yield %first : tensor<?xf64>
  }
  return %once, %r : tensor<?xf64>, tensor<?xf64>
}

// -----

// A part that is put back as it was read changes nothing; another part of it does.
// CHECK-LABEL: @put_back
// CHECK-SAME: %[[X:.*]]: tensor<?xf64>
// CHECK: %[[R:.*]] = mpy.update_slice
// CHECK: return %[[X]], %[[R]]
func.func @put_back(%x: tensor<?xf64>) -> (tensor<?xf64>, tensor<?xf64>) {
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  %part = mpy.slice %x[%one] [%two] [%one] drop [] : tensor<?xf64> -> tensor<2xf64>
  %same = mpy.update_slice %part into %x[%one] [%two] [%one] drop [] : tensor<2xf64> into tensor<?xf64> -> tensor<?xf64>
  %other = mpy.update_slice %part into %x[%two] [%two] [%one] drop [] : tensor<2xf64> into tensor<?xf64> -> tensor<?xf64>
  return %same, %other : tensor<?xf64>, tensor<?xf64>
}
