// RUN: mpy-opt %s -split-input-file -pass-pipeline="builtin.module(func.func(promote-buffers))" | FileCheck %s

// A buffer of one iteration, of a size that does not change, is allocated once.
// CHECK-LABEL: func.func @hoisted
// CHECK: memref.alloc
// CHECK: scf.for
// CHECK-NOT: memref.alloc
// CHECK: memref.dealloc
func.func @hoisted(%n: index, %v: f64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.alloc(%n) : memref<?xf64>
    memref.store %v, %t[%i] : memref<?xf64>
    memref.dealloc %t : memref<?xf64>
  }
  return
}

// -----

// CHECK-LABEL: func.func @small
// CHECK: memref.alloca
// CHECK-NOT: memref.dealloc
func.func @small(%v: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %t = memref.alloc() : memref<4xf64>
  memref.store %v, %t[%c0] : memref<4xf64>
  %r = memref.load %t[%c0] : memref<4xf64>
  memref.dealloc %t : memref<4xf64>
  return %r : f64
}

// -----

// What is handed on stays on the heap.
// CHECK-LABEL: func.func @escapes
// CHECK: memref.alloc()
func.func @escapes() -> memref<4xf64> {
  %t = memref.alloc() : memref<4xf64>
  return %t : memref<4xf64>
}

// -----

// A view may be what is freed; outside the loop it is the buffer.
// CHECK-LABEL: func.func @freed_view
// CHECK: %[[T:.*]] = memref.alloc
// CHECK: scf.for
// CHECK: memref.dealloc %[[T]] : memref<?xf64>
func.func @freed_view(%n: index, %v: f64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.alloc(%n) : memref<?xf64>
    %c = memref.cast %t : memref<?xf64> to memref<9xf64>
    memref.store %v, %c[%i] : memref<9xf64>
    memref.dealloc %c : memref<9xf64>
  }
  return
}
