// RUN: mpy-opt %s -split-input-file -pass-pipeline="builtin.module(func.func(buffers-to-loops,canonicalize,cse))" | FileCheck %s

#map = affine_map<(d0, d1) -> (d0, d1)>

// Memory without gaps is one loop, and its iterations are independent.
// CHECK-LABEL: func.func @elementwise
// CHECK: memref.collapse_shape
// CHECK: scf.for
// CHECK-NOT: scf.for
// CHECK: memref.load {{.*}}llvm.access_groups
// CHECK: math.exp
// CHECK: llvm.loop_annotation
func.func @elementwise(%x: memref<?x8xf64>, %y: memref<?x8xf64>) {
  linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x8xf64>) outs(%y : memref<?x8xf64>) {
    ^bb0(%a: f64, %o: f64):
      %e = math.exp %a : f64
      linalg.yield %e : f64
  }
  return
}

// -----

#map = affine_map<(d0, d1) -> (d0, d1)>
#rows = affine_map<(d0, d1) -> (d0)>

// Two results of one pass over memory: rows are summed in a register.
// CHECK-LABEL: func.func @rows
// CHECK: scf.for
// CHECK: memref.load
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args
// CHECK: arith.addf
// CHECK: memref.store
// CHECK: scf.yield
// CHECK: memref.store %[[SUM]]
func.func @rows(%x: memref<4x8xf64>, %y: memref<4x8xf64>, %s: memref<4xf64>) {
  linalg.generic {indexing_maps = [#map, #map, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<4x8xf64>) outs(%y, %s : memref<4x8xf64>, memref<4xf64>) {
    ^bb0(%a: f64, %o: f64, %acc: f64):
      %e = math.exp %a : f64
      %t = arith.addf %acc, %e : f64
      linalg.yield %e, %t : f64, f64
  }
  return
}

// -----

#map = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// A long sum in free order: blocks of 1024, each added by itself.
// CHECK-LABEL: func.func @long_sum
// CHECK: scf.for {{.*}} step %c1024 iter_args(%[[TOTAL:.+]] = %{{.*}}) -> (f64)
// CHECK: %[[BLOCK:.+]] = scf.for {{.*}} iter_args(%{{.+}} = %cst) -> (f64)
// CHECK: arith.addf {{.*}} fastmath<reassoc> : f64
// CHECK: arith.addf %[[TOTAL]], %[[BLOCK]] : f64
func.func @long_sum(%x: memref<?xf64>, %s: memref<f64>) {
  linalg.generic {indexing_maps = [#map, #none], iterator_types = ["reduction"]}
      ins(%x : memref<?xf64>) outs(%s : memref<f64>) {
    ^bb0(%a: f64, %acc: f64):
      %t = arith.addf %acc, %a fastmath<reassoc> : f64
      linalg.yield %t : f64
  }
  return
}

// -----

#map = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>

// Sums of columns walk the rows: the inner loop is contiguous and accumulates in the output.
// CHECK-LABEL: func.func @columns
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.addf
// CHECK: memref.store
func.func @columns(%x: memref<?x?xf64>, %s: memref<?xf64>) {
  linalg.generic {indexing_maps = [#map, #columns], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x?xf64>) outs(%s : memref<?xf64>) {
    ^bb0(%a: f64, %acc: f64):
      %t = arith.addf %acc, %a : f64
      linalg.yield %t : f64
  }
  return
}
