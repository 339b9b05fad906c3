// Softmax cross-entropy and its gradient walk the logits three times: for the largest, for the sums, for the rest.
// RUN: mpy-opt %s --mpy-to-linalg --fuse --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @softmax
// CHECK: linalg.generic
// CHECK: arith.maximumf
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK-NOT: math.exp
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic {{.*}}"parallel", "reduction"
func.func @softmax(%x: tensor<?x?xf64>, %onehot: tensor<?x?xf64>) -> (f64, tensor<?x?xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xf64>
  %k = tensor.dim %x, %c1 : tensor<?x?xf64>
  %max = mpy.max %x over [1] : tensor<?x?xf64> -> tensor<?xf64>
  %maxColumn = mpy.reshape %max[%n] : tensor<?xf64> -> tensor<?x1xf64>
  %maxWide = mpy.broadcast %maxColumn[%n, %k] : tensor<?x1xf64> -> tensor<?x?xf64>
  %shifted = mpy.sub %x, %maxWide : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  %exp = mpy.exp %shifted : tensor<?x?xf64>
  %sum = mpy.sum %exp over [1] : tensor<?x?xf64> -> tensor<?xf64>
  %sumColumn = mpy.reshape %sum[%n] : tensor<?xf64> -> tensor<?x1xf64>
  %log = mpy.log %sumColumn : tensor<?x1xf64>
  %logWide = mpy.broadcast %log[%n, %k] : tensor<?x1xf64> -> tensor<?x?xf64>
  %logits = mpy.sub %shifted, %logWide : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  %picked = mpy.mul %onehot, %logits : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  %total = mpy.sum %picked over [0, 1] : tensor<?x?xf64> -> f64
  // d total / d x = onehot - softmax * rowsum(onehot)
  %weights = mpy.sum %onehot over [1] : tensor<?x?xf64> -> tensor<?xf64>
  %weightsColumn = mpy.reshape %weights[%n] : tensor<?xf64> -> tensor<?x1xf64>
  %ratio = mpy.div %weightsColumn, %sumColumn : tensor<?x1xf64>, tensor<?x1xf64> -> tensor<?x1xf64>
  %ratioWide = mpy.broadcast %ratio[%n, %k] : tensor<?x1xf64> -> tensor<?x?xf64>
  %spread = mpy.mul %exp, %ratioWide : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  %grad = mpy.sub %onehot, %spread : tensor<?x?xf64>, tensor<?x?xf64> -> tensor<?x?xf64>
  return %total, %grad : f64, tensor<?x?xf64>
}
