// RUN: mpy-opt %s --expand-grad --split-input-file --verify-diagnostics

// The specialiser computes what a loop carries in its body; a condition that passes on more is refused.
func.func private @condition(%x: f64) -> f64 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %limit = arith.constant 9.0 : f64
  %r:2 = scf.while (%y = %x, %n = %zero) : (f64, index) -> (f64, index) {
    // expected-error @below {{E0504: no derivative of this control flow: a condition that computes what is differentiated}}
    %z = mpy.mul %y, %y : f64, f64 -> f64
    %go = arith.cmpf olt, %z, %limit : f64
    scf.condition(%go) %z, %n : f64, index
  } do {
  ^bb0(%y: f64, %n: index):
    %next = arith.addi %n, %one : index
    scf.yield %y, %next : f64, index
  }
  return %r#0 : f64
}
func.func @main(%x: f64) -> f64 {
  %r:2 = mpy.gradient @condition of [0] wrt [0] (%x) : (f64) -> (f64, f64)
  return %r#1 : f64
}

// -----

func.func private @choice(%x: f64, %c: i1) -> f64 {
  %empty = mpy.tape_new
  %square = mpy.mul %x, %x : f64, f64 -> f64
  %a = mpy.push %empty, %x : f64
  %b = mpy.push %empty, %square : f64
  // expected-error @below {{E0503: no derivative: a choice between two tapes}}
  %t = arith.select %c, %a, %b : !mpy.tape
  %rest, %v = mpy.pop %t : f64
  mpy.tape_free %rest
  return %v : f64
}
func.func @main(%x: f64, %c: i1) -> f64 {
  %r:2 = mpy.gradient @choice of [0] wrt [0] (%x, %c) : (f64, i1) -> (f64, f64)
  return %r#1 : f64
}
