// RUN: mpy-opt %s -loops-to-branches | FileCheck %s

// A counted loop asks at its end, and its mark stands on the way back.
// CHECK-LABEL: func.func @counted
// CHECK: %[[IN:.*]] = arith.cmpi slt, %[[L:.*]], %[[U:.*]] : index
// CHECK: cf.cond_br %[[IN]], ^[[HEAD:.*]], ^[[AFTER:.*]](%[[S:.*]] : f64)
// CHECK: ^[[HEAD]]:
// CHECK: cf.br ^[[BODY:.*]](%[[L]], %[[S]] : index, f64)
// CHECK: ^[[BODY]](%[[I:.*]]: index, %[[A:.*]]: f64):
// CHECK: %[[B:.*]] = arith.addf
// CHECK: %[[N:.*]] = arith.addi %[[I]]
// CHECK: %[[ON:.*]] = arith.cmpi slt, %[[N]], %[[U]] : index
// CHECK: cf.cond_br %[[ON]], ^[[BODY]](%[[N]], %[[B]] : index, f64), ^[[AFTER]](%[[B]] : f64) {llvm.loop_annotation
// CHECK: ^[[AFTER]](%[[R:.*]]: f64):
// CHECK: return %[[R]]
func.func @counted(%l: index, %u: index, %s: f64) -> f64 {
  %one = arith.constant 1 : index
  %r = scf.for %i = %l to %u step %one iter_args(%a = %s) -> f64 {
    %b = arith.addf %a, %a : f64
    scf.yield %b : f64
  } {llvm.loop_annotation = "mark"}
  return %r : f64
}

// A loop that certainly runs is entered without a question, and loops nest.
// CHECK-LABEL: func.func @nested
// CHECK-NOT: arith.cmpi
// CHECK: cf.br ^[[OUTER:.*]](%{{.*}} : index)
// CHECK: ^[[OUTER]](%{{.*}}: index):
// CHECK: cf.cond_br %{{.*}}, ^[[WORK:.*]], ^[[REST:.*]]
// CHECK: ^[[WORK]]:
// CHECK: memref.store
// CHECK: cf.br ^[[REST]]
// CHECK: ^[[REST]]:
// CHECK: cf.cond_br %{{.*}}, ^[[OUTER]]
// CHECK: return
func.func @nested(%x: memref<?xf64>, %c: i1, %v: f64) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %three = arith.constant 3 : index
  scf.for %i = %zero to %three step %one {
    scf.if %c {
      memref.store %v, %x[%i] : memref<?xf64>
    }
  }
  return
}

// Where nothing happens after the question, the results are what it hands on, in the order of the yield.
// CHECK-LABEL: func.func @asks_last
// CHECK: cf.br ^[[HEAD:.*]](%{{.*}}, %{{.*}} : i64, i64)
// CHECK: ^[[HEAD]](%[[A:.*]]: i64, %[[B:.*]]: i64):
// CHECK: %[[S:.*]] = arith.addi %[[A]], %[[B]]
// CHECK: cf.cond_br %{{.*}}, ^[[HEAD]](%[[A]], %[[S]] : i64, i64), ^[[AFTER:.*]](%[[S]], %[[A]] : i64, i64)
// CHECK: ^[[AFTER]](%[[R:.*]]: i64, %{{.*}}: i64):
// CHECK: return %[[R]]
func.func @asks_last(%x: i64, %y: i64) -> i64 {
  %r:2 = scf.while (%a = %x, %b = %y) : (i64, i64) -> (i64, i64) {
    %s = arith.addi %a, %b : i64
    %c = arith.cmpi slt, %s, %x : i64
    scf.condition(%c) %s, %a : i64, i64
  } do {
  ^bb0(%p: i64, %q: i64):
    scf.yield %q, %p : i64, i64
  }
  return %r#0 : i64
}

// CHECK-LABEL: func.func @asks_first
// CHECK: cf.br ^[[HEAD:.*]](%{{.*}} : i64)
// CHECK: ^[[HEAD]](%[[A:.*]]: i64):
// CHECK: cf.cond_br %{{.*}}, ^[[BODY:.*]](%[[A]] : i64), ^[[AFTER:.*]](%[[A]] : i64)
// CHECK: ^[[BODY]](%[[P:.*]]: i64):
// CHECK: %[[D:.*]] = arith.addi %[[P]]
// CHECK: cf.br ^[[HEAD]](%[[D]] : i64)
func.func @asks_first(%x: i64, %limit: i64) -> i64 {
  %r = scf.while (%a = %x) : (i64) -> i64 {
    %c = arith.cmpi slt, %a, %limit : i64
    scf.condition(%c) %a : i64
  } do {
  ^bb0(%p: i64):
    %d = arith.addi %p, %limit : i64
    scf.yield %d : i64
  }
  return %r : i64
}
