// RUN: mpy-opt %s -pass-pipeline="builtin.module(func.func(verify-allocations))" -o /dev/null | FileCheck %s

// CHECK: allocation of memref<?xf64> in a loop
// CHECK-NOT: in a loop
func.func @loop(%n: index, %v: f64) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %outside = memref.alloc(%n) : memref<?xf64>
  memref.dealloc %outside : memref<?xf64>
  scf.for %i = %c0 to %n step %c1 {
    %t = memref.alloc(%n) : memref<?xf64>
    memref.store %v, %t[%i] : memref<?xf64>
    memref.dealloc %t : memref<?xf64>
  }
  return
}
