// RUN: mpy-opt %s -handles-to-runtime -canonicalize | FileCheck %s

// What an allocation that fails says of the array stands beside the code.
// CHECK: llvm.mlir.global internal constant @site

// CHECK-LABEL: func.func @release
// CHECK: llvm.load
// CHECK: scf.if
// CHECK: llvm.call @mpy_free
func.func @release(%a: memref<?xf64>) {
  mpy.release %a : memref<?xf64>
  return
}

// What runs once calls, and a constant is not counted.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: llvm.call @mpy_release
// CHECK-NEXT: return
func.func @main(%a: !mpy.str) {
  %c = mpy.string_constant "x"
  mpy.retain %c : !mpy.str
  mpy.release %a : !mpy.str
  mpy.release %c : !mpy.str
  return
}

// A product of extents that does not fit must not wrap.
// CHECK-LABEL: func.func @alloc
// CHECK: llvm.intr.smul.with.overflow
// CHECK: llvm.call @mpy_alloc_for
func.func @alloc(%n: index) -> memref<?x3xf64> {
  %a = memref.alloc(%n) : memref<?x3xf64>
  return %a : memref<?x3xf64>
}

// CHECK-LABEL: func.func @check
// CHECK: scf.if
// CHECK: llvm.call @mpy_raise_message
func.func @check(%c: i1) {
  mpy.check %c else "ValueError" "wrong"
  return
}

// CHECK-LABEL: func.func @add
// CHECK: llvm.intr.sadd.with.overflow
func.func @add(%x: i64, %y: i64) -> i64 {
  %r = mpy.checked_int add %x, %y
  return %r : i64
}

// CHECK-LABEL: func.func @push
// CHECK-SAME: !llvm.ptr
// CHECK: llvm.call @mpy_tape_push_bytes
func.func @push(%t: !mpy.tape, %x: f64) {
  mpy.tape_push %t, %x : f64
  return
}

// CHECK-LABEL: func.func @product
// CHECK: llvm.call @mpy_gemm_f64
func.func @product(%x: memref<?x?xf64>, %y: memref<?x?xf64>, %z: memref<?x?xf64>) {
  mpy.gemm %x, %y transposed into %z : memref<?x?xf64>, memref<?x?xf64> into memref<?x?xf64>
  return
}
