// Points where a function is not smooth: the derivative is that of symmetric differences. First order only.

func.func @square_of_zero(%x: f64 {check.value = array<f64: 0.0>}) -> f64 attributes {check.order = 1} {
  %two = arith.constant 2.0 : f64
  %r = mpy.pow %x, %two : f64, f64 -> f64
  return %r : f64
}
func.func @power_of_zero(%x: f64 {check.value = array<f64: 0.0>}, %y: f64 {check.value = array<f64: 2.0>}) -> f64 attributes {check.order = 1} {
  %r = mpy.pow %x, %y : f64, f64 -> f64
  return %r : f64
}
func.func @power_zero(%x: tensor<2xf64> {check.value = array<f64: 0.0, 1.5>}) -> tensor<2xf64> attributes {check.order = 1} {
  %zero = arith.constant 0.0 : f64
  %r = mpy.pow %x, %zero : tensor<2xf64>, f64 -> tensor<2xf64>
  return %r : tensor<2xf64>
}
func.func @constant_powers(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %0 = arith.constant 1.0 : f64
  %1 = arith.constant 3.0 : f64
  %2 = arith.constant 0.5 : f64
  %3 = arith.constant -1.0 : f64
  %4 = arith.constant 2.5 : f64
  %a = mpy.pow %x, %0 : tensor<3xf64>, f64 -> tensor<3xf64>
  %b = mpy.pow %x, %1 : tensor<3xf64>, f64 -> tensor<3xf64>
  %c = mpy.pow %x, %2 : tensor<3xf64>, f64 -> tensor<3xf64>
  %d = mpy.pow %x, %3 : tensor<3xf64>, f64 -> tensor<3xf64>
  %e = mpy.pow %x, %4 : tensor<3xf64>, f64 -> tensor<3xf64>
  return %a, %b, %c, %d, %e : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
func.func @powers_of_constant(%x: tensor<3xf64>) -> tensor<3xf64> {
  %two = arith.constant 2.0 : f64
  %r = mpy.pow %two, %x : f64, tensor<3xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}
func.func @abs_of_zero(%x: f64 {check.value = array<f64: 0.0>}) -> f64 attributes {check.order = 1} {
  %r = mpy.abs %x : f64
  return %r : f64
}
func.func @tie(%x: f64 {check.value = array<f64: 0.7>}, %y: f64 {check.value = array<f64: 0.7>}) -> (f64, f64) attributes {check.order = 1} {
  %r = mpy.maximum %x, %y : f64, f64 -> f64
  %s = mpy.minimum %x, %y : f64, f64 -> f64
  return %r, %s : f64, f64
}
func.func @masked_infinity(%x: tensor<3xf64> {check.value = array<f64: -1.0, 2.0, -0.5>}) -> tensor<3xf64> {
  %zero = arith.constant 0.0 : f64
  %c = mpy.compare gt %x, %zero : tensor<3xf64>, f64 -> tensor<3xi1>
  %l = mpy.log %x : tensor<3xf64>
  %q = mpy.sqrt %x : tensor<3xf64>
  %a = mpy.select %c, %l, %zero : tensor<3xi1>, tensor<3xf64>, f64 -> tensor<3xf64>
  %b = mpy.select %c, %q, %x : tensor<3xi1>, tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  %r = mpy.mul %a, %b : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}
// where(x > 0, x * log(x), 0) and a scalar choice before a sum.
func.func @masked_product(%x: tensor<2xf64> {check.value = array<f64: 1.5, -2.0>}, %c: i1 {check.value = array<f64: 0.0>}) -> (tensor<2xf64>, f64) {
  %zero = arith.constant 0.0 : f64
  %p = mpy.compare gt %x, %zero : tensor<2xf64>, f64 -> tensor<2xi1>
  %l = mpy.log %x : tensor<2xf64>
  %m = mpy.mul %x, %l : tensor<2xf64>, tensor<2xf64> -> tensor<2xf64>
  %a = mpy.select %p, %m, %zero : tensor<2xi1>, tensor<2xf64>, f64 -> tensor<2xf64>
  %q = mpy.sqrt %x : tensor<2xf64>
  %s = mpy.sum %q over [0] : tensor<2xf64> -> f64
  %b = mpy.select %c, %s, %zero : i1, f64, f64 -> f64
  return %a, %b : tensor<2xf64>, f64
}
// Families by an order: 0 is no special point of Bessel functions.
func.func @bessel(%x: tensor<3xf64> {check.value = array<f64: 0.0, 1.5, -2.5>}) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %a = mpy.special %x {family = "bessel_j", order = 0 : i64} : tensor<3xf64>
  %b = mpy.special %x {family = "bessel_j", order = 2 : i64} : tensor<3xf64>
  %c = mpy.special %x {family = "bessel_i", order = 0 : i64} : tensor<3xf64>
  %d = mpy.special %x {family = "bessel_i", order = 1 : i64} : tensor<3xf64>
  return %a, %b, %c, %d : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
func.func @bessel_of_positive(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
  %a = mpy.special %x {family = "bessel_y", order = 0 : i64} : tensor<3xf64>
  %b = mpy.special %x {family = "bessel_y", order = 1 : i64} : tensor<3xf64>
  %c = mpy.special %x {family = "bessel_ie", order = 1 : i64} : tensor<3xf64>
  return %a, %b, %c : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
}
func.func @polygamma(%x: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>) {
  %a = mpy.special %x {order = -1 : i64} : tensor<3xf64>
  %b = mpy.special %x {order = 2 : i64} : tensor<3xf64>
  return %a, %b : tensor<3xf64>, tensor<3xf64>
}
