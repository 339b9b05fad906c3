// RUN: mpy-opt %s --split-input-file --verify-diagnostics

func.func @add(%x: tensor<3xf64>, %y: tensor<4xf64>) -> tensor<3xf64> {
  // expected-error @below {{'tensor<4xf64>' does not have the shape of the result}}
  %r = mpy.add %x, %y : tensor<3xf64>, tensor<4xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}

// -----

func.func @sum(%x: tensor<3x4xf64>) -> tensor<3xf64> {
  // expected-error @below {{result should have the shape of 'tensor<4xf64>'}}
  %r = mpy.sum %x over [0] : tensor<3x4xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}

// -----

func.func @matmul(%x: tensor<3x4xf64>, %y: tensor<3x4xf64>) -> tensor<3x4xf64> {
  // expected-error @below {{extents do not agree}}
  %r = mpy.matmul %x, %y : tensor<3x4xf64>, tensor<3x4xf64> -> tensor<3x4xf64>
  return %r : tensor<3x4xf64>
}

// -----

func.func @broadcast(%x: f64) -> tensor<?xf64> {
  // expected-error @below {{takes one size for each open extent of the result}}
  %r = mpy.broadcast %x : f64 -> tensor<?xf64>
  return %r : tensor<?xf64>
}

// -----

func.func @extract(%x: tensor<3x3xf64>, %i: index) -> f64 {
  // expected-error @below {{takes an index for each dimension}}
  %r = mpy.extract %x [%i] : tensor<3x3xf64> -> f64
  return %r : f64
}

// -----

func.func private @f(i64) -> f64
func.func @gradient(%x: i64) -> (f64, i64) {
  // expected-error @below {{differentiates by argument 0, which is not of floats}}
  %r:2 = mpy.gradient @f of [0] wrt [0] (%x) : (i64) -> (f64, i64)
  return %r#0, %r#1 : f64, i64
}
