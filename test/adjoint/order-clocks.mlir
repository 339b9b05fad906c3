// RUN: mpy-opt %s --order-clocks --split-input-file | FileCheck %s

// What crosses a reading passes a fence on each side of it.
// CHECK-LABEL: @region
// CHECK: %[[X1:.*]] = mpy.fence %[[X:.*]] : tensor<4xf64>
// CHECK-NEXT: %[[START:.*]] = mpy.runtime_effect "mpy_perf_counter"
// CHECK-NEXT: %[[X2:.*]]:2 = mpy.fence %[[X1]], %[[START]]
// CHECK-NEXT: %[[Y:.*]] = mpy.exp %[[X2]]#0
// CHECK-NEXT: mpy.fence %[[Y]], %[[X2]]#1
// CHECK-NEXT: mpy.runtime_effect "mpy_perf_counter"
// CHECK: mpy.sum
func.func private @region(%x: tensor<4xf64>) -> (f64, f64) {
  %start = mpy.runtime_effect "mpy_perf_counter"() : () -> f64
  %y = mpy.exp %x : tensor<4xf64>
  %stop = mpy.runtime_effect "mpy_perf_counter"() : () -> f64
  %z = mpy.sum %y over [0] : tensor<4xf64> -> f64
  %taken = mpy.sub %stop, %start : f64, f64 -> f64
  return %z, %taken : f64, f64
}

// -----

// Work that nobody uses is kept, what is made of constants waits for a constant.
// CHECK-LABEL: @unused
// CHECK: mpy.runtime_effect "mpy_time"
// CHECK: %[[TWO:.*]] = mpy.fence %{{.*}} : f64
// CHECK-NEXT: %[[FULL:.*]] = mpy.broadcast %[[TWO]]
// CHECK-NEXT: %[[E:.*]] = mpy.exp %[[FULL]]
// CHECK-NEXT: mpy.fence{{ +}}keeps %[[E]] : tensor<4xf64>
// CHECK-NEXT: mpy.runtime_effect "mpy_time"
func.func private @unused() {
  %two = arith.constant 2.0 : f64
  %start = mpy.runtime_effect "mpy_time"() : () -> f64
  %full = mpy.broadcast %two : f64 -> tensor<4xf64>
  %e = mpy.exp %full : tensor<4xf64>
  %stop = mpy.runtime_effect "mpy_time"() : () -> f64
  return
}

// -----

// The value of a gradient that nobody uses is not kept; the gradient is.
// CHECK-LABEL: @gradient
// CHECK: %[[G:.*]]:2 = mpy.gradient @square
// CHECK-NEXT: mpy.fence %{{.*}} keeps %[[G]]#1 : tensor<4xf64>
// CHECK-NEXT: mpy.runtime_effect "mpy_time"
func.func private @square(%x: tensor<4xf64>) -> f64 {
  %y = mpy.mul %x, %x : tensor<4xf64>, tensor<4xf64> -> tensor<4xf64>
  %z = mpy.sum %y over [0] : tensor<4xf64> -> f64
  return %z : f64
}
func.func private @gradient(%x: tensor<4xf64>) -> (f64, f64) {
  %start = mpy.runtime_effect "mpy_time"() : () -> f64
  %g:2 = mpy.gradient @square of [0] wrt [0] (%x) : (tensor<4xf64>) -> (f64, tensor<4xf64>)
  %stop = mpy.runtime_effect "mpy_time"() : () -> f64
  return %start, %stop : f64, f64
}
