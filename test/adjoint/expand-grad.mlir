// RUN: mpy-opt %s --expand-grad --verify-no-grad --mlir-use-nameloc-as-prefix | FileCheck %s

// Straight code: no tape, names of the source with _bar, each rule reads what the forward sweep has.
// CHECK-LABEL: func.func private @straight_grad(
// CHECK-SAME: %x: tensor<3xf64>, %w: f64
// CHECK-NOT: mpy.tape_new
// CHECK: %a = mpy.tanh %x
// CHECK: %b = mpy.mul %w, %a
// CHECK: %x_bar = mpy.sub %w
// CHECK: return %{{.+}}, %x_bar
func.func private @straight(%x: tensor<3xf64> loc("x"("a.mpy":1:1)), %w: f64 loc("w"("a.mpy":1:2))) -> f64 {
  %a = mpy.tanh %x : tensor<3xf64> loc("a"("a.mpy":2:1))
  %b = mpy.mul %w, %a : f64, tensor<3xf64> -> tensor<3xf64> loc("b"("a.mpy":3:1))
  %s = mpy.sum %b over [0] : tensor<3xf64> -> f64 loc("s"("a.mpy":4:1))
  return %s : f64
}

// Forward and reverse sweep of a branch meet: nothing is left on a tape.
// CHECK-LABEL: func.func private @branch_grad(
// CHECK-NOT: mpy.tape_new
// CHECK: scf.if
// CHECK: %[[EXP:.+]] = mpy.exp
// CHECK-NEXT: scf.yield %[[EXP]], %[[EXP]]
// CHECK: } else {
// CHECK: mpy.square
// CHECK: mpy.mul
// CHECK: return
func.func private @branch(%x: f64) -> f64 {
  %one = arith.constant 1.0 : f64
  %c = mpy.compare lt %x, %one : f64, f64 -> i1
  %r = scf.if %c -> f64 {
    %y = mpy.exp %x : f64
    scf.yield %y : f64
  } else {
    %y = mpy.square %x : f64
    scf.yield %y : f64
  }
  return %r : f64
}

// The index and the invariant element are computed again; the carried value is kept.
// CHECK-LABEL: func.func private @loop_grad(
// CHECK: scf.for
// CHECK: mpy.push %{{.+}}, %{{.+}} : f64
// CHECK: scf.for %[[K:.+]] = %{{.+}} to %{{.+}} step
// CHECK-DAG: mpy.pop %{{.+}} : f64
// CHECK-DAG: %[[I:.+]] = arith.subi %{{.+}}, %[[K]]
// CHECK: mpy.extract %w[%[[I]]]
// CHECK: mpy.cos
// CHECK: scf.yield
func.func private @loop(%x: f64 loc("x"("a.mpy":1:1)), %w: tensor<5xf64> loc("w"("a.mpy":1:2))) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %r = scf.for %i = %c0 to %c5 step %c1 iter_args(%y = %x) -> f64 {
    %e = mpy.extract %w[%i] : tensor<5xf64> -> f64
    %s = mpy.sin %y : f64
    %z = mpy.mul %s, %e : f64, f64 -> f64
    scf.yield %z : f64
  }
  return %r : f64
}

// A while loop counts; the count is how often its reverse runs.
// CHECK-LABEL: func.func private @while_grad(
// CHECK: %[[R:.+]]:3 = scf.while
// CHECK: arith.addi
// CHECK: scf.for %{{.+}} = %{{.+}} to %[[R]]#1 step
func.func private @while(%x: f64) -> f64 {
  %limit = arith.constant 9.0 : f64
  %c = mpy.compare lt %x, %limit : f64, f64 -> i1
  %r:2 = scf.while (%go = %c, %y = %x) : (i1, f64) -> (i1, f64) {
    scf.condition(%go) %go, %y : i1, f64
  } do {
  ^bb0(%go: i1, %y: f64):
    %z = mpy.square %y : f64
    %more = mpy.compare lt %z, %limit : f64, f64 -> i1
    scf.yield %more, %z : i1, f64
  }
  return %r#1 : f64
}

// Second order: what pushes pops adjoints, what pops pushes them, on a tape of their own.
// CHECK-LABEL: func.func private @first_grad(
// CHECK-COUNT-2: mpy.tape_new
// CHECK-COUNT-2: mpy.tape_free
// CHECK: return
func.func private @first(%x: f64, %w: tensor<5xf64>) -> f64 {
  %r:2 = mpy.gradient @loop of [0] wrt [0] (%x, %w) : (f64, tensor<5xf64>) -> (f64, f64)
  return %r#1 : f64
}

// CHECK-LABEL: func.func @requests(
// CHECK-COUNT-2: call @straight_grad(
// CHECK-NOT: mpy.gradient
func.func @requests(%x: tensor<3xf64>, %w: f64, %v: tensor<5xf64>) -> (f64, tensor<3xf64>, f64, f64, f64, f64) {
  %a:2 = mpy.gradient @straight of [0] wrt [0] (%x, %w) : (tensor<3xf64>, f64) -> (f64, tensor<3xf64>)
  %e:2 = mpy.gradient @straight of [0] wrt [0] (%x, %a#0) : (tensor<3xf64>, f64) -> (f64, tensor<3xf64>)
  %b:2 = mpy.gradient @branch of [0] wrt [0] (%w) : (f64) -> (f64, f64)
  %c:2 = mpy.gradient @while of [0] wrt [0] (%w) : (f64) -> (f64, f64)
  %d:2 = mpy.gradient @first of [0] wrt [0] (%w, %v) : (f64, tensor<5xf64>) -> (f64, f64)
  return %e#0, %a#1, %b#1, %c#1, %d#1, %d#0 : f64, tensor<3xf64>, f64, f64, f64, f64
}

// Forward mode: what an operation's rule makes stands after it; a loop carries tangents beside what it carries.
// CHECK-LABEL: func.func private @power_tangent
// CHECK-SAME: (%[[X:.+]]: f64, %[[N:.+]]: index, %[[DOT:.+]]: f64) -> (f64, f64)
// CHECK: %[[R:.+]]:2 = scf.for {{.*}} iter_args(%[[P:.+]] = %{{.+}}, %[[P_DOT:.+]] = %{{.+}}) -> (f64, f64)
// CHECK-DAG: %[[NEXT:.+]] = mpy.mul %[[P]], %[[X]]
// CHECK-DAG: %[[LEFT:.+]] = mpy.scaled %[[P_DOT]], %[[X]]
// CHECK-DAG: %[[RIGHT:.+]] = mpy.scaled %[[DOT]], %[[P]]
// CHECK: %[[SUM:.+]] = mpy.add %[[LEFT]], %[[RIGHT]]
// CHECK: scf.yield %[[NEXT]], %[[SUM]]
// CHECK: return %[[R]]#0, %[[R]]#1
func.func private @power(%x: f64, %n: index) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f64
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %one) -> (f64) {
    %q = mpy.mul %p, %x : f64, f64 -> f64
    scf.yield %q : f64
  }
  return %r : f64
}
func.func @main(%x: f64, %n: index, %dot: f64) -> f64 {
  %r:2 = mpy.tangent @power of [0] wrt [0] (%x, %n) tangents (%dot : f64) : (f64, index) -> (f64, f64)
  return %r#1 : f64
}

// Two directions share the function: a loop carries the value once, and a tangent for each of them.
// CHECK-LABEL: func.func private @curve_tangent
// CHECK-SAME: (%[[X:.+]]: f64, %{{.+}}: index, %[[FIRST:.+]]: f64, %[[SECOND:.+]]: f64) -> (f64, f64, f64)
// CHECK: %[[R:.+]]:3 = scf.for {{.*}} iter_args(%[[P:.+]] = %[[X]], %[[P_FIRST:.+]] = %[[FIRST]], %[[P_SECOND:.+]] = %[[SECOND]])
// CHECK: mpy.cos %[[P]]
// CHECK-NOT: mpy.cos
// CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#2
func.func private @curve(%x: f64, %n: index) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x) -> (f64) {
    %q = mpy.sin %p : f64
    scf.yield %q : f64
  }
  return %r : f64
}
func.func @directions(%x: f64, %n: index, %first: f64, %second: f64) -> (f64, f64) {
  %r:3 = mpy.tangent @curve of [0] wrt [0] (%x, %n) tangents (%first, %second : f64, f64) : (f64, index) -> (f64, f64, f64)
  return %r#1, %r#2 : f64, f64
}
