// RUN: mpy-opt %s -split-input-file -pass-pipeline="builtin.module(mark-host-uses)" | FileCheck %s

// One mark before a loop in which no kernel writes; none before the second one, nor for what was just made.
// CHECK-LABEL: func.func @loops
// CHECK-NEXT: arith.constant
// CHECK-NEXT: arith.constant
// CHECK-NEXT: memref.alloc
// CHECK-NEXT: mpy.host_read %arg0
// CHECK-NEXT: scf.for
// CHECK-NOT: mpy.host
// CHECK: return
func.func @loops(%x: memref<?xf64>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = memref.alloc(%n) : memref<?xf64>
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %x[%i] : memref<?xf64>
    memref.store %v, %y[%i] : memref<?xf64>
  }
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.load %x[%i] : memref<?xf64>
    memref.store %v, %y[%i] : memref<?xf64>
  }
  return
}
gpu.module @kernels { gpu.func @k() kernel { gpu.return } }

// -----

// A kernel that writes ends what was known; its host's body is no reason to fetch before the loop.
// CHECK-LABEL: func.func @kernels
// CHECK: scf.for
// CHECK-NEXT: mpy.kernel
// CHECK: scf.if
// CHECK-NEXT: mpy.host_write %arg0
// CHECK-NEXT: linalg.fill
// CHECK: mpy.host_read %arg0
// CHECK-NEXT: memref.load
func.func @kernels(%x: memref<?xf64>, %n: index, %v: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %yes = arith.constant true
  scf.for %i = %c0 to %n step %c1 {
    %ran = mpy.kernel "k" buffers(%x) words(%n) form 0 access [3] partials [] inner false : (memref<?xf64>), (index)
    %host = arith.xori %ran, %yes : i1
    scf.if %host {
      linalg.fill ins(%v : f64) outs(%x : memref<?xf64>)
    }
  }
  %r = memref.load %x[%c0] : memref<?xf64>
  return %r : f64
}
gpu.module @kernels_of_it { gpu.func @k() kernel { gpu.return } }

// -----

// A change after a kernel has read is told again.
// CHECK-LABEL: func.func @changes
// CHECK: mpy.host_write %arg0
// CHECK-NEXT: memref.store
// CHECK-NEXT: memref.store
// CHECK-NEXT: mpy.kernel
// CHECK-NEXT: mpy.host_write %arg0
// CHECK-NEXT: memref.store
func.func @changes(%x: memref<?xf64>, %n: index, %v: f64) {
  %c0 = arith.constant 0 : index
  memref.store %v, %x[%c0] : memref<?xf64>
  memref.store %v, %x[%c0] : memref<?xf64>
  %ran = mpy.kernel "k" buffers(%x) words(%n) form 0 access [1] partials [] inner false : (memref<?xf64>), (index)
  memref.store %v, %x[%c0] : memref<?xf64>
  return
}
gpu.module @kernels { gpu.func @k() kernel { gpu.return } }
