// RUN: mpy-opt %s --expand-grad --split-input-file --verify-diagnostics

func.func private @recursive(%x: f64) -> f64 {
  // expected-error @below {{E0501: 'recursive' differentiates itself; write the inner derivative by hand}}
  %r:2 = mpy.gradient @recursive of [0] wrt [0] (%x) : (f64) -> (f64, f64)
  return %r#1 : f64
}

// -----

func.func private @opaque(%x: f64) -> f64 {
  // expected-error @below {{E0502: 'gamma' has no derivative}}
  %r = mpy.runtime_call "mpy_gamma"(%x) : (f64) -> f64
  return %r : f64
}
func.func @main(%x: f64) -> f64 {
  %r:2 = mpy.gradient @opaque of [0] wrt [0] (%x) : (f64) -> (f64, f64)
  return %r#1 : f64
}

// -----

// What is called without floats that matter is no obstacle.
func.func private @drawn(%x: f64, %n: i64) -> f64 {
  %u = mpy.runtime_effect "mpy_uniform"(%n) : (i64) -> f64
  %r = mpy.mul %u, %x : f64, f64 -> f64
  return %r : f64
}
func.func @main(%x: f64, %n: i64) -> f64 {
  %r:2 = mpy.gradient @drawn of [0] wrt [0] (%x, %n) : (f64, i64) -> (f64, f64)
  return %r#1 : f64
}
