// RUN: mpy-opt %s -split-input-file -own-buffers -canonicalize -cse | FileCheck %s

#map = affine_map<(d0) -> (d0)>

// Two arrays that change places: no copy and no allocation inside, the pointers swap.
// CHECK-LABEL: func.func private @pingpong
// CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = {{.*}}, %[[B:.*]] = {{.*}})
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: %[[INTO:.*]] = memref.subview %[[B]][1]
// CHECK: linalg.generic {{.*}} outs(%[[INTO]] :
// CHECK: scf.yield %[[B]], %[[A]]
func.func private @pingpong(%a0: tensor<?xf64>, %b0: tensor<?xf64>, %n: index, %m: index)
    -> (tensor<?xf64>, tensor<?xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %t = %c0 to %n step %c1 iter_args(%a = %a0, %b = %b0) -> (tensor<?xf64>, tensor<?xf64>) {
    %left = tensor.extract_slice %a[0][%m][1] : tensor<?xf64> to tensor<?xf64>
    %right = tensor.extract_slice %a[2][%m][1] : tensor<?xf64> to tensor<?xf64>
    %d = tensor.empty(%m) : tensor<?xf64>
    %x = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]}
        ins(%left, %right : tensor<?xf64>, tensor<?xf64>) outs(%d : tensor<?xf64>) {
      ^bb0(%p: f64, %q: f64, %o: f64):
        %s = arith.addf %p, %q : f64
        linalg.yield %s : f64
    } -> tensor<?xf64>
    %b2 = tensor.insert_slice %x into %b[1][%m][1] : tensor<?xf64> into tensor<?xf64>
    scf.yield %b2, %a : tensor<?xf64>, tensor<?xf64>
  }
  return %r#0, %r#1 : tensor<?xf64>, tensor<?xf64>
}

// -----

#map = affine_map<(d0) -> (d0)>

// A stencil that is written over the array it reads needs a temporary: computed first, copied then.
// CHECK-LABEL: func.func private @overlap
// CHECK: scf.for
// CHECK: %[[T:.*]] = memref.alloc
// CHECK: linalg.generic {{.*}} outs(%[[T]] :
// CHECK: memref.copy %[[T]]
// CHECK: memref.dealloc %[[T]]
func.func private @overlap(%a0: tensor<?xf64>, %n: index, %m: index) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %a0) -> tensor<?xf64> {
    %right = tensor.extract_slice %a[2][%m][1] : tensor<?xf64> to tensor<?xf64>
    %d = tensor.empty(%m) : tensor<?xf64>
    %x = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
        ins(%right : tensor<?xf64>) outs(%d : tensor<?xf64>) {
      ^bb0(%p: f64, %o: f64):
        %s = math.exp %p : f64
        linalg.yield %s : f64
    } -> tensor<?xf64>
    %b = tensor.insert_slice %x into %a[1][%m][1] : tensor<?xf64> into tensor<?xf64>
    scf.yield %b : tensor<?xf64>
  }
  return %r : tensor<?xf64>
}

// -----

#map = affine_map<(d0) -> (d0)>

// The same slice read and written: in place.
// CHECK-LABEL: func.func private @same_slice
// CHECK: scf.for
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: linalg.generic
func.func private @same_slice(%a0: tensor<?xf64>, %n: index, %m: index) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %a0) -> tensor<?xf64> {
    %middle = tensor.extract_slice %a[1][%m][1] : tensor<?xf64> to tensor<?xf64>
    %d = tensor.empty(%m) : tensor<?xf64>
    %x = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
        ins(%middle : tensor<?xf64>) outs(%d : tensor<?xf64>) {
      ^bb0(%p: f64, %o: f64):
        %s = math.exp %p : f64
        linalg.yield %s : f64
    } -> tensor<?xf64>
    %b = tensor.insert_slice %x into %a[1][%m][1] : tensor<?xf64> into tensor<?xf64>
    scf.yield %b : tensor<?xf64>
  }
  return %r : tensor<?xf64>
}

// -----

// One test before the loop, plain stores inside; the array is not carried any more.
// CHECK-LABEL: func.func private @stores
// CHECK: mpy.is_unique
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{[^ ]*}} {
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[I]]]
// CHECK-NEXT: }
func.func private @stores(%a0: tensor<?xf64>, %n: index, %v: f64) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %a0) -> tensor<?xf64> {
    %b = tensor.insert %v into %a[%i] : tensor<?xf64>
    scf.yield %b : tensor<?xf64>
  }
  return %r : tensor<?xf64>
}

// -----

// What is only read is lent: no count changes on the way down a recursion.
// CHECK-LABEL: func.func private @sum(%{{.*}}: memref<?xf64> {mpy.borrowed}
// CHECK-NOT: mpy.retain
// CHECK-NOT: mpy.release
// CHECK-LABEL: func.func private @keeps
// CHECK: call @sum(%arg0
// CHECK: mpy.is_unique %arg0
func.func private @sum(%a: tensor<?xf64>, %low: index, %high: index) -> f64 {
  %c1 = arith.constant 1 : index
  %next = arith.addi %low, %c1 : index
  %stop = arith.cmpi sge, %next, %high : index
  %r = scf.if %stop -> f64 {
    %v = tensor.extract %a[%low] : tensor<?xf64>
    scf.yield %v : f64
  } else {
    %x = func.call @sum(%a, %next, %high) : (tensor<?xf64>, index, index) -> f64
    %v = tensor.extract %a[%low] : tensor<?xf64>
    %s = arith.addf %x, %v : f64
    scf.yield %s : f64
  }
  return %r : f64
}
func.func private @keeps(%a: tensor<?xf64>, %n: index) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %s = func.call @sum(%a, %c0, %n) : (tensor<?xf64>, index, index) -> f64
  %b = tensor.insert %s into %a[%c0] : tensor<?xf64>
  return %b : tensor<?xf64>
}

// -----

// An array that is read after the write is copied; one that dies in one branch only is released in the other.
// CHECK-LABEL: func.func private @choose
// CHECK-SAME: (%[[A:.*]]: memref<?xf64>, %[[B:.*]]: memref<?xf64>,
// CHECK: scf.if
// CHECK: mpy.is_unique %[[A]]
// CHECK: memref.store
// CHECK: else
// CHECK: mpy.release %[[A]]
// CHECK: mpy.retain %[[B]]
func.func private @choose(%a: tensor<?xf64>, %b: tensor<?xf64>, %c: i1, %v: f64) -> (tensor<?xf64>, tensor<?xf64>) {
  %c0 = arith.constant 0 : index
  %r = scf.if %c -> tensor<?xf64> {
    %x = tensor.insert %v into %a[%c0] : tensor<?xf64>
    scf.yield %x : tensor<?xf64>
  } else {
    scf.yield %b : tensor<?xf64>
  }
  return %r, %b : tensor<?xf64>, tensor<?xf64>
}

// -----

#map = affine_map<(d0) -> (d0)>

// In a while loop the result replaces the array that dies: no second buffer.
// CHECK-LABEL: func.func private @relax
// CHECK: scf.while
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic
func.func private @relax(%w0: tensor<?xf64>, %n: index, %tolerance: f64) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %r:2 = scf.while (%w = %w0, %go = %true) : (tensor<?xf64>, i1) -> (tensor<?xf64>, i1) {
    scf.condition(%go) %w, %go : tensor<?xf64>, i1
  } do {
  ^bb0(%w: tensor<?xf64>, %go: i1):
    %e = tensor.empty(%n) : tensor<?xf64>
    %x = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
        ins(%w : tensor<?xf64>) outs(%e : tensor<?xf64>) {
      ^bb0(%p: f64, %o: f64):
        %t = math.tanh %p : f64
        linalg.yield %t : f64
    } -> tensor<?xf64>
    %v = tensor.extract %x[%c0] : tensor<?xf64>
    %more = arith.cmpf ogt, %v, %tolerance : f64
    scf.yield %x, %more : tensor<?xf64>, i1
  }
  return %r#0 : tensor<?xf64>
}

// -----

// The tape keeps the array itself; the write after it asks whether it is alone.
// CHECK-LABEL: func.func private @remember
// CHECK: mpy.retain %[[A:.*]] :
// CHECK: mpy.tape_push %{{.*}}, %[[A]]
// CHECK: mpy.is_unique %[[A]]
func.func private @remember(%a: tensor<?xf64>, %t: !mpy.tape, %v: f64) -> (tensor<?xf64>, !mpy.tape) {
  %c0 = arith.constant 0 : index
  %t2 = mpy.push %t, %a : tensor<?xf64>
  %b = tensor.insert %v into %a[%c0] : tensor<?xf64>
  return %b, %t2 : tensor<?xf64>, !mpy.tape
}

// A carried array that an append copies to the front of a longer one grows in place; the first rows of one that nobody
// needs any more are the same buffer.
// CHECK-LABEL: func.func @grow
// CHECK: scf.for
// CHECK-NOT: memref.alloc
// CHECK: mpy.grow
// CHECK-NOT: memref.alloc
// CHECK: scf.yield
// CHECK: scf.for
// CHECK-NOT: memref.copy
// CHECK: memref.reinterpret_cast
// CHECK-NOT: memref.copy
// CHECK: scf.yield
func.func @grow(%x: tensor<?xf64>, %row: tensor<1xf64>, %n: index) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %long = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<?xf64>) {
    %d = tensor.dim %a, %c0 : tensor<?xf64>
    %m = arith.addi %d, %c1 : index
    %e = tensor.empty(%m) : tensor<?xf64>
    %b = tensor.insert_slice %a into %e[0] [%d] [1] : tensor<?xf64> into tensor<?xf64>
    %c = tensor.insert_slice %row into %b[%d] [1] [1] : tensor<1xf64> into tensor<?xf64>
    scf.yield %c : tensor<?xf64>
  }
  %short = scf.for %i = %c0 to %n step %c1 iter_args(%a = %long) -> (tensor<?xf64>) {
    %d = tensor.dim %a, %c0 : tensor<?xf64>
    %m = arith.subi %d, %c1 : index
    %b = tensor.extract_slice %a[0] [%m] [1] : tensor<?xf64> to tensor<?xf64>
    scf.yield %b : tensor<?xf64>
  }
  return %short : tensor<?xf64>
}

// -----

// A part and the extent of an array are asked for behind a write to it, in one branch of two: the write is in place.
// CHECK-LABEL: func.func private @take_part
// CHECK: scf.for
// CHECK: scf.if
// CHECK-NOT: memref.copy
// CHECK: memref.store
// CHECK-NOT: memref.copy
// CHECK: return
func.func private @take_part(%a0: tensor<?xf64>, %n: index, %m: index, %v: f64, %c: i1) -> (tensor<?xf64>, index, f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %none = arith.constant 0.0 : f64
  %result:3 = scf.for %i = %zero to %n step %one iter_args(%a = %a0, %size = %zero, %s = %none) -> (tensor<?xf64>, index, f64) {
    %now:3 = scf.if %c -> (tensor<?xf64>, index, f64) {
      %part = tensor.extract_slice %a[%i] [%m] [1] : tensor<?xf64> to tensor<?xf64>
      %b = tensor.insert %v into %a[%i] : tensor<?xf64>
      %extent = tensor.dim %a, %zero : tensor<?xf64>
      %old = tensor.extract %part[%i] : tensor<?xf64>
      scf.yield %b, %extent, %old : tensor<?xf64>, index, f64
    } else {
      scf.yield %a, %size, %s : tensor<?xf64>, index, f64
    }
    scf.yield %now#0, %now#1, %now#2 : tensor<?xf64>, index, f64
  }
  return %result#0, %result#1, %result#2 : tensor<?xf64>, index, f64
}
