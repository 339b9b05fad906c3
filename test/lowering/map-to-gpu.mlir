// RUN: mpy-opt %s -split-input-file -pass-pipeline="builtin.module(map-to-gpu)" | FileCheck %s

// An operation keeps its loop; the kernel runs where the run time says so.
// CHECK-LABEL: func.func @each
// CHECK: %[[N:.*]] = memref.dim
// CHECK: %[[RAN:.*]] = mpy.kernel "group_0" buffers(%{{.*}}, %{{.*}}) words(%[[N]]) form 0 access [1, 6]
// CHECK: %[[HOST:.*]] = arith.xori %[[RAN]]
// CHECK: scf.if %[[HOST]] {
// CHECK-NEXT: linalg.generic
// CHECK: gpu.func @group_0(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64) kernel
// CHECK: scf.for
// CHECK: llvm.load {{.*}} : !llvm.ptr<1> -> f64
// CHECK: math.tanh
// CHECK: llvm.store {{.*}} : f64, !llvm.ptr<1>
func.func @each(%x: memref<?xf64>, %y: memref<?xf64>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<?xf64>) outs(%y : memref<?xf64>) {
  ^bb0(%in: f64, %out: f64):
    %t = math.tanh %in : f64
    linalg.yield %t : f64
  }
  return
}

// -----

// The fill belongs to the sum: the kernel knows its value. Parts are joined by a second kernel.
// CHECK-LABEL: func.func @sum
// CHECK-NOT: linalg.fill
// CHECK: mpy.kernel "group_0" {{.*}} form 1 access [1, 6] partials [8] inner true
// CHECK: scf.if
// CHECK-NEXT: linalg.fill
// CHECK-NEXT: linalg.generic
// CHECK: gpu.func @group_0
// CHECK: nvvm.shfl.sync bfly
// CHECK: gpu.barrier
// CHECK: gpu.func @group_0_parts
func.func @sum(%x: memref<8x100xf64>, %y: memref<8xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%y : memref<8xf64>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x100xf64>) outs(%y : memref<8xf64>) {
  ^bb0(%in: f64, %out: f64):
    %t = arith.addf %out, %in fastmath<reassoc> : f64
    linalg.yield %t : f64
  }
  return
}

// -----

// Steps on the same rows are one kernel, each step its own where that one does not run. The row stays in shared memory between
// two walks.
// CHECK-LABEL: func.func @rows
// CHECK: %[[ROWS:.*]] = mpy.kernel "rows_0" {{.*}} form 4 access [1, 6, 6] partials [8]
// CHECK: %[[NOT:.*]] = arith.xori %[[ROWS]]
// CHECK: scf.if %[[NOT]] {
// CHECK: mpy.kernel "group_1" {{.*}} form 1
// CHECK: mpy.kernel "group_2" {{.*}} form 0
// CHECK: gpu.func @rows_0
// CHECK: math.exp
// CHECK: llvm.store {{.*}} : f64, !llvm.ptr<3>
// CHECK: nvvm.shfl.sync bfly
// CHECK: llvm.load {{.*}} : !llvm.ptr<3> -> f64
// CHECK: arith.divf
func.func @rows(%x: memref<8x100xf64>, %y: memref<8x100xf64>, %s: memref<8xf64>) {
  %zero = arith.constant 0.0 : f64
  linalg.fill ins(%zero : f64) outs(%s : memref<8xf64>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
                  iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<8x100xf64>) outs(%y, %s : memref<8x100xf64>, memref<8xf64>) {
  ^bb0(%in: f64, %out: f64, %sum: f64):
    %e = math.exp %in : f64
    %t = arith.addf %sum, %e fastmath<reassoc> : f64
    linalg.yield %e, %t : f64, f64
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%y, %s : memref<8x100xf64>, memref<8xf64>) outs(%y : memref<8x100xf64>) {
  ^bb0(%e: f64, %sum: f64, %out: f64):
    %q = arith.divf %e, %sum : f64
    linalg.yield %q : f64
  }
  return
}

// -----

// What lies across the result goes through shared memory.
// CHECK-LABEL: func.func @turned
// CHECK: gpu.func @group_0{{.*}} workgroup({{.*}} : memref<32x33xf64, #gpu.address_space<workgroup>>)
// CHECK: memref.store
// CHECK: gpu.barrier
// CHECK: memref.load
// CHECK: llvm.store
func.func @turned(%x: memref<40x50xf64>, %y: memref<50x40xf64>) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<40x50xf64>) outs(%y : memref<50x40xf64>) {
  ^bb0(%in: f64, %out: f64):
    linalg.yield %in : f64
  }
  return
}

// -----

// What the runtime computes, and what lies on the stack, stays with the host.
// CHECK-LABEL: func.func @host
// CHECK-NOT: mpy.kernel
// CHECK: return
func.func @host(%x: memref<4xf64>) {
  %y = memref.alloca() : memref<4xf64>
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<4xf64>) outs(%y : memref<4xf64>) {
  ^bb0(%in: f64, %out: f64):
    linalg.yield %in : f64
  }
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : memref<4xf64>) outs(%x : memref<4xf64>) {
  ^bb0(%in: f64, %out: f64):
    %t = mpy.scalar_call "mpy_special_erfinv"(%in) : f64
    linalg.yield %t : f64
  }
  return
}

// -----

// CHECK-LABEL: func.func @product
// CHECK: mpy.kernel "product_0" {{.*}} form 2 access [1, 1, 6]
// CHECK: scf.if
// CHECK-NEXT: mpy.gemm
// CHECK: gpu.func @product_0
// CHECK: gpu.barrier
// CHECK: math.fma
func.func @product(%x: memref<?x?xf32>, %y: memref<?x?xf32>, %z: memref<?x?xf32>) {
  mpy.gemm %x transposed, %y into %z : memref<?x?xf32>, memref<?x?xf32> into memref<?x?xf32>
  return
}
