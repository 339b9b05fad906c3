// Control flow, in-place updates, calls and nested requests.

// y = x; for i < 5: y = sin(y) * w[i] + y * y
func.func @loop(%x: f64, %w: tensor<5xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %r = scf.for %i = %c0 to %c5 step %c1 iter_args(%y = %x) -> f64 {
    %wi = mpy.extract %w [%i] : tensor<5xf64> -> f64
    %s = mpy.sin %y : f64
    %a = mpy.mul %s, %wi : f64, f64 -> f64
    %h = arith.constant 0.3 : f64
    %q = mpy.square %y : f64
    %b = mpy.mul %q, %h : f64, f64 -> f64
    %n = mpy.add %a, %b : f64, f64 -> f64
    scf.yield %n : f64
  }
  return %r : f64
}
// A loop with a stride; the result overwrites the carried value, so nothing flows from the start.
func.func @loop_overwrites(%x: f64, %w: tensor<7xf64>) -> f64 {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c7 = arith.constant 7 : index
  %r = scf.for %i = %c1 to %c7 step %c2 iter_args(%y = %x) -> f64 {
    %wi = mpy.extract %w [%i] : tensor<7xf64> -> f64
    %n = mpy.exp %wi : f64
    scf.yield %n : f64
  }
  return %r : f64
}
func.func @loop_never_runs(%x: f64, %w: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %c0 step %c1 iter_args(%y = %x) -> f64 {
    %n = mpy.mul %y, %w : f64, f64 -> f64
    scf.yield %n : f64
  }
  return %r : f64
}
// a[i + 1] = a[i] * sin(a[i + 2]), in place, open extent.
func.func @in_place(%x: tensor<?xf64> {check.shape = array<i64: 6>}) -> tensor<?xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?xf64>
  %m = arith.subi %n, %c2 : index
  %r = scf.for %i = %c0 to %m step %c1 iter_args(%a = %x) -> tensor<?xf64> {
    %j = arith.addi %i, %c1 : index
    %k = arith.addi %i, %c2 : index
    %p = mpy.extract %a [%i] : tensor<?xf64> -> f64
    %q = mpy.extract %a [%k] : tensor<?xf64> -> f64
    %s = mpy.sin %q : f64
    %v = mpy.mul %p, %s : f64, f64 -> f64
    %b = mpy.insert %v into %a [%j] : f64 into tensor<?xf64>
    scf.yield %b : tensor<?xf64>
  }
  return %r : tensor<?xf64>
}
// Heat equation: u[1:-1] += k * (u[2:] - 2 u[1:-1] + u[:-2])
func.func @heat(%u: tensor<6xf64>, %k: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %two = arith.constant 2.0 : f64
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %u) -> tensor<6xf64> {
    %right = mpy.slice %a [%c2] [%c4] [%c1] drop [] : tensor<6xf64> -> tensor<4xf64>
    %mid = mpy.slice %a [%c1] [%c4] [%c1] drop [] : tensor<6xf64> -> tensor<4xf64>
    %left = mpy.slice %a [%c0] [%c4] [%c1] drop [] : tensor<6xf64> -> tensor<4xf64>
    %d = mpy.mul %two, %mid : f64, tensor<4xf64> -> tensor<4xf64>
    %e = mpy.sub %right, %d : tensor<4xf64>, tensor<4xf64> -> tensor<4xf64>
    %f = mpy.add %e, %left : tensor<4xf64>, tensor<4xf64> -> tensor<4xf64>
    %g = mpy.mul %k, %f : f64, tensor<4xf64> -> tensor<4xf64>
    %h = mpy.add %mid, %g : tensor<4xf64>, tensor<4xf64> -> tensor<4xf64>
    %b = mpy.update_slice %h into %a [%c1] [%c4] [%c1] drop [] : tensor<4xf64> into tensor<6xf64> -> tensor<6xf64>
    scf.yield %b : tensor<6xf64>
  }
  %q = mpy.square %r : tensor<6xf64>
  %s = mpy.sum %q over [0] : tensor<6xf64> -> f64
  return %s : f64
}
func.func @branch(%x: f64, %y: f64, %v: tensor<3xf64>) -> (f64, tensor<3xf64>) {
  %c = mpy.compare lt %x, %y : f64, f64 -> i1
  %c1 = arith.constant 1 : index
  %r, %w = scf.if %c -> (f64, tensor<3xf64>) {
    %s = mpy.sin %x : f64
    %p = mpy.mul %s, %y : f64, f64 -> f64
    %e = mpy.exp %p : f64
    %u = mpy.insert %e into %v [%c1] : f64 into tensor<3xf64>
    scf.yield %e, %u : f64, tensor<3xf64>
  } else {
    %e = mpy.square %y : f64
    scf.yield %e, %v : f64, tensor<3xf64>
  }
  %t = mpy.square %w : tensor<3xf64>
  return %r, %t : f64, tensor<3xf64>
}
// Branches in a loop that read the carried array; nested loop with a trip count that depends on the outer one.
func.func @nested(%x: tensor<4xf64>, %w: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %one = arith.constant 1.0 : f64
  %r, %a = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %w, %b = %x) -> (f64, tensor<4xf64>) {
    %xi = mpy.extract %b [%i] : tensor<4xf64> -> f64
    %c = mpy.compare gt %xi, %one : f64, f64 -> i1
    %t, %d = scf.if %c -> (f64, tensor<4xf64>) {
      %e = mpy.sin %s : f64
      %f = mpy.mul %e, %xi : f64, f64 -> f64
      %g = mpy.insert %f into %b [%c2] : f64 into tensor<4xf64>
      scf.yield %f, %g : f64, tensor<4xf64>
    } else {
      %e = scf.for %j = %c0 to %i step %c1 iter_args(%z = %s) -> f64 {
        %f = mpy.cos %z : f64
        %xj = mpy.extract %b [%j] : tensor<4xf64> -> f64
        %g = mpy.mul %f, %xj : f64, f64 -> f64
        %h = mpy.add %g, %w : f64, f64 -> f64
        scf.yield %h : f64
      }
      scf.yield %e, %b : f64, tensor<4xf64>
    }
    scf.yield %t, %d : f64, tensor<4xf64>
  }
  %q = mpy.sum %a over [0] : tensor<4xf64> -> f64
  %p = mpy.mul %q, %r : f64, f64 -> f64
  return %p : f64
}
// while y < 20: y *= 1.3 + 0.1 x; s += sin(y). The terms of its derivatives grow and cancel.
func.func @while(%x: f64) -> f64 attributes {check.roundings = 512} {
  %zero = arith.constant 0.0 : f64
  %limit = arith.constant 20.0 : f64
  %a = arith.constant 1.3 : f64
  %b = arith.constant 0.1 : f64
  %start = mpy.compare lt %x, %limit : f64, f64 -> i1
  %r:3 = scf.while (%c = %start, %y = %x, %s = %zero) : (i1, f64, f64) -> (i1, f64, f64) {
    scf.condition(%c) %c, %y, %s : i1, f64, f64
  } do {
  ^bb0(%c: i1, %y: f64, %s: f64):
    %p = mpy.mul %b, %x : f64, f64 -> f64
    %q = mpy.add %a, %p : f64, f64 -> f64
    %y2 = mpy.mul %y, %q : f64, f64 -> f64
    %t = mpy.sin %y2 : f64
    %s2 = mpy.add %s, %t : f64, f64 -> f64
    %more = mpy.compare lt %y2, %limit : f64, f64 -> i1
    scf.yield %more, %y2, %s2 : i1, f64, f64
  }
  return %r#2 : f64
}
// A while loop in a for loop, over arrays; an array grows in between.
func.func @while_in_for(%x: tensor<3xf64>, %w: tensor<3x3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %limit = arith.constant 1.5 : f64
  %half = arith.constant 0.5 : f64
  %row = mpy.reshape %x : tensor<3xf64> -> tensor<1x3xf64>
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %row) -> tensor<1x3xf64> {
    %m = mpy.matmul %h, %w : tensor<1x3xf64>, tensor<3x3xf64> -> tensor<1x3xf64>
    %t = mpy.tanh %m : tensor<1x3xf64>
    %s0 = mpy.sum %t over [0, 1] : tensor<1x3xf64> -> f64
    %go = mpy.compare gt %s0, %limit : f64, f64 -> i1
    %v:2 = scf.while (%c = %go, %y = %t) : (i1, tensor<1x3xf64>) -> (i1, tensor<1x3xf64>) {
      scf.condition(%c) %c, %y : i1, tensor<1x3xf64>
    } do {
    ^bb0(%c: i1, %y: tensor<1x3xf64>):
      %q = mpy.square %y : tensor<1x3xf64>
      %y2 = mpy.mul %q, %half : tensor<1x3xf64>, f64 -> tensor<1x3xf64>
      %s = mpy.sum %y2 over [0, 1] : tensor<1x3xf64> -> f64
      %more = mpy.compare gt %s, %limit : f64, f64 -> i1
      scf.yield %more, %y2 : i1, tensor<1x3xf64>
    }
    scf.yield %v#1 : tensor<1x3xf64>
  }
  %q = mpy.exp %r : tensor<1x3xf64>
  %s = mpy.sum %q over [0, 1] : tensor<1x3xf64> -> f64
  return %s : f64
}
// The carried array gets longer: its extent is not the initial one.
func.func @growing(%x: tensor<?xf64> {check.shape = array<i64: 1>}, %s: f64) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> tensor<?xf64> {
    %b = mpy.mul %a, %s : tensor<?xf64>, f64 -> tensor<?xf64>
    %e = mpy.sin %b : tensor<?xf64>
    %c = mpy.concat %e, %a along 0 : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
    scf.yield %c : tensor<?xf64>
  }
  %q = mpy.square %r : tensor<?xf64>
  %t = mpy.sum %q over [0] : tensor<?xf64> -> f64
  return %t : f64
}
func.func @swap(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x, %b = %y) -> (tensor<2xf64>, tensor<2xf64>) {
    %s = mpy.sin %a : tensor<2xf64>
    %p = mpy.mul %s, %b : tensor<2xf64>, tensor<2xf64> -> tensor<2xf64>
    scf.yield %b, %p : tensor<2xf64>, tensor<2xf64>
  }
  return %r#0 : tensor<2xf64>
}
func.func private @inner(%x: f64, %n: i64) -> (f64, i64) {
  %s = mpy.sin %x : f64
  %c = mpy.mul %s, %x : f64, f64 -> f64
  return %c, %n : f64, i64
}
func.func @calls(%x: f64, %n: i64 {check.value = array<f64: 3.0>}) -> f64 {
  %a:2 = call @inner(%x, %n) : (f64, i64) -> (f64, i64)
  %b:2 = call @inner(%a#0, %a#1) : (f64, i64) -> (f64, i64)
  %c:3 = mpy.gradient @inner of [0] wrt [0] (%b#0, %b#1) : (f64, i64) -> (f64, i64, f64)
  %r = mpy.mul %c#2, %b#0 : f64, f64 -> f64
  return %r : f64
}
// A gradient taken in every round of a loop, of a function with a loop.
func.func @descent(%x: f64, %w: tensor<5xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %rate = arith.constant 0.1 : f64
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%y = %x) -> f64 {
    %g:2 = mpy.gradient @loop of [0] wrt [0] (%y, %w) : (f64, tensor<5xf64>) -> (f64, f64)
    %d = mpy.mul %g#1, %rate : f64, f64 -> f64
    %z = mpy.sub %y, %d : f64, f64 -> f64
    scf.yield %z : f64
  }
  return %r : f64
}
func.func @unused(%x: f64, %y: tensor<?xf64> {check.shape = array<i64: 2>}) -> f64 {
  %s = mpy.exp %x : f64
  return %s : f64
}
func.func @same_value_twice(%x: f64) -> (f64, f64) {
  %s = mpy.exp %x : f64
  return %s, %s : f64, f64
}
// Slices whose size depends on the round, normalised indices, products and gathers in a loop.
func.func @windows(%x: tensor<?xf64> {check.shape = array<i64: 4>}, %k: i64 {check.value = array<f64: -1.0>}) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f64
  %n = tensor.dim %x, %c0 : tensor<?xf64>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero, %a = %x) -> (f64, tensor<?xf64>) {
    %m = arith.addi %i, %c1 : index
    %w = mpy.slice %a [%c0] [%m] [%c1] drop [] : tensor<?xf64> -> tensor<?xf64>
    %p = mpy.prod %w over [0] : tensor<?xf64> -> f64
    %j = mpy.normalize_index %k within %n axis 0 : i64
    %jj = arith.index_cast %j : i64 to index
    %e = mpy.extract %a [%jj] : tensor<?xf64> -> f64
    %t = mpy.mul %p, %e : f64, f64 -> f64
    %u = mpy.add %s, %t : f64, f64 -> f64
    %q = mpy.sin %w : tensor<?xf64>
    %b = mpy.update_slice %q into %a [%c0] [%m] [%c1] drop [] : tensor<?xf64> into tensor<?xf64> -> tensor<?xf64>
    %h = mpy.argsort %b : tensor<?xf64> -> tensor<?xi64>
    %g = mpy.gather %b [%h] : tensor<?xf64>, tensor<?xi64> -> tensor<?xf64>
    scf.yield %u, %g : f64, tensor<?xf64>
  }
  return %r#0 : f64
}
// A while loop that may stop early by a flag set in a branch, inside another; integers and truth values are carried too.
func.func @early_exit(%x: f64, %w: tensor<3xf64>) -> (f64, tensor<3xf64>) {
  %true = arith.constant true
  %false = arith.constant false
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %five = arith.constant 5.0 : f64
  %r:3 = scf.for %k = %c0 to %c3 step %c1 iter_args(%y0 = %x, %w0 = %w, %done0 = %false) -> (f64, tensor<3xf64>, i1) {
    %a:4 = scf.while (%go = %true, %y = %y0, %v = %w0, %i = %c0) : (i1, f64, tensor<3xf64>, index) -> (i1, f64, tensor<3xf64>, index) {
      scf.condition(%go) %go, %y, %v, %i : i1, f64, tensor<3xf64>, index
    } do {
    ^bb0(%go: i1, %y: f64, %v: tensor<3xf64>, %i: index):
      %e = mpy.extract %v [%i] : tensor<3xf64> -> f64
      %big = mpy.compare gt %y, %five : f64, f64 -> i1
      %b:3 = scf.if %big -> (f64, tensor<3xf64>, i1) {
        %s = mpy.sqrt %y : f64
        %u = mpy.insert %s into %v [%i] : f64 into tensor<3xf64>
        scf.yield %s, %u, %false : f64, tensor<3xf64>, i1
      } else {
        %f = mpy.exp %e : f64
        %s = mpy.mul %y, %f : f64, f64 -> f64
        %t = mpy.mul %v, %y : tensor<3xf64>, f64 -> tensor<3xf64>
        %h = mpy.tanh %t : tensor<3xf64>
        scf.yield %s, %h, %true : f64, tensor<3xf64>, i1
      }
      %j = arith.addi %i, %c1 : index
      %inside = arith.cmpi slt, %j, %c3 : index
      %more = arith.andi %b#2, %inside : i1
      scf.yield %more, %b#0, %b#1, %j : i1, f64, tensor<3xf64>, index
    }
    scf.yield %a#1, %a#2, %a#0 : f64, tensor<3xf64>, i1
  }
  return %r#0, %r#1 : f64, tensor<3xf64>
}
// Both branches and the code after use the same arrays; a branch writes one in place.
func.func @branch_shares(%x: tensor<3xf64>, %y: tensor<3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %one = arith.constant 1.0 : f64
  %e = mpy.extract %x [%c0] : tensor<3xf64> -> f64
  %c = mpy.compare lt %e, %one : f64, f64 -> i1
  %a, %b = scf.if %c -> (tensor<3xf64>, tensor<3xf64>) {
    %p = mpy.extract %y [%c2] : tensor<3xf64> -> f64
    %q = mpy.insert %p into %x [%c0] : f64 into tensor<3xf64>
    scf.yield %q, %x : tensor<3xf64>, tensor<3xf64>
  } else {
    scf.yield %y, %y : tensor<3xf64>, tensor<3xf64>
  }
  %m = mpy.mul %a, %b : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  %n = mpy.mul %m, %x : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  %o = mpy.mul %n, %y : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  %s = mpy.sum %o over [0] : tensor<3xf64> -> f64
  return %s : f64
}

// Functions with derivative rules of their own.
func.func private @sine_adjoint(%g: f64, %x: f64) -> f64 {
  %c = mpy.cos %x : f64
  %r = mpy.mul %g, %c : f64, f64 -> f64
  return %r : f64
}
func.func @ruled(%x: f64, %w: tensor<3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%y = %x) -> f64 {
    %wi = mpy.extract %w [%i] : tensor<3xf64> -> f64
    %a = mpy.mul %y, %wi : f64, f64 -> f64
    %s = mpy.sin %a : f64
    %n = mpy.ruled "sine" reverse @sine_adjoint keeps(%a : f64) forward @sine_adjoint with(%a : f64) of %a : f64 values %s : f64 -> f64
    %m = mpy.add %n, %y : f64, f64 -> f64
    scf.yield %m : f64
  }
  return %r : f64
}
func.func private @affine_tangent(%x_dot: tensor<?xf64>, %w_dot: tensor<?xf64>, %x: tensor<?xf64>, %w: tensor<?xf64>) -> tensor<?xf64> {
  %a = mpy.mul %x_dot, %w : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %b = mpy.mul %x, %w_dot : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %r = mpy.add %a, %b : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  return %r : tensor<?xf64>
}
func.func @ruled_forward(%x: tensor<?xf64> {check.shape = array<i64: 3>}, %w: tensor<?xf64> {check.shape = array<i64: 3>}) -> tensor<?xf64> {
  %p = mpy.mul %x, %w : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  %r = mpy.ruled "product" forward @affine_tangent with(%x, %w : tensor<?xf64>, tensor<?xf64>) of %x, %w : tensor<?xf64>, tensor<?xf64> values %p : tensor<?xf64> -> tensor<?xf64>
  %q = mpy.mul %r, %x : tensor<?xf64>, tensor<?xf64> -> tensor<?xf64>
  return %q : tensor<?xf64>
}
