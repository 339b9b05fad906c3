// One function or more for every operation with structure; open extents where the rule has to find them.

func.func @select(%c: tensor<4xi1> {check.value = array<f64: 1.0, 0.0, 1.0, 1.0>}, %x: tensor<4xf64>, %y: tensor<4xf64>) -> tensor<4xf64> {
  %r = mpy.select %c, %x, %y : tensor<4xi1>, tensor<4xf64>, tensor<4xf64> -> tensor<4xf64>
  return %r : tensor<4xf64>
}
func.func @select_scalars(%c: tensor<4xi1> {check.value = array<f64: 1.0, 0.0, 1.0, 1.0>}, %x: f64, %y: f64) -> tensor<4xf64> {
  %s = mpy.square %x : f64
  %r = mpy.select %c, %s, %y : tensor<4xi1>, f64, f64 -> tensor<4xf64>
  return %r : tensor<4xf64>
}
func.func @compare(%x: tensor<3xf64>, %y: f64) -> tensor<3xf64> {
  %c = mpy.compare lt %x, %y : tensor<3xf64>, f64 -> tensor<3xi1>
  %s = mpy.sin %x : tensor<3xf64>
  %r = mpy.select %c, %s, %y : tensor<3xi1>, tensor<3xf64>, f64 -> tensor<3xf64>
  return %r : tensor<3xf64>
}
func.func @cast(%x: tensor<3xf64>) -> tensor<3xf64> {
  %n = mpy.cast %x : tensor<3xf64> -> tensor<3xi64>
  %f = mpy.cast %n : tensor<3xi64> -> tensor<3xf64>
  %y = mpy.cast %x : tensor<3xf64> -> tensor<3xf64>
  %r = mpy.mul %f, %y : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}
func.func @sum(%x: tensor<2x?x2xf64> {check.shape = array<i64: 2, 3, 2>}) -> (tensor<?xf64>, f64) {
  %q = mpy.exp %x : tensor<2x?x2xf64>
  %r = mpy.sum %q over [0, 2] : tensor<2x?x2xf64> -> tensor<?xf64>
  %s = mpy.sum %q over [0, 1, 2] : tensor<2x?x2xf64> -> f64
  return %r, %s : tensor<?xf64>, f64
}
func.func @extremes(%x: tensor<2x?xf64> {check.shape = array<i64: 2, 3>}) -> (tensor<2xf64>, f64) {
  %q = mpy.exp %x : tensor<2x?xf64>
  %r = mpy.max %q over [1] : tensor<2x?xf64> -> tensor<2xf64>
  %s = mpy.min %q over [0, 1] : tensor<2x?xf64> -> f64
  return %r, %s : tensor<2xf64>, f64
}
func.func @prod(%x: tensor<3x?x2xf64> {check.shape = array<i64: 3, 2, 2>}) -> tensor<?xf64> {
  %r = mpy.prod %x over [0, 2] : tensor<3x?x2xf64> -> tensor<?xf64>
  return %r : tensor<?xf64>
}
func.func @prod_zero(%x: tensor<3xf64> {check.value = array<f64: 0.0, 1.5, 0.7>}) -> f64 {
  %r = mpy.prod %x over [0] : tensor<3xf64> -> f64
  return %r : f64
}
func.func @prod_zeros(%x: tensor<2x2xf64> {check.value = array<f64: 0.0, 0.0, 0.7, 0.5>}) -> tensor<2xf64> {
  %r = mpy.prod %x over [1] : tensor<2x2xf64> -> tensor<2xf64>
  return %r : tensor<2xf64>
}
func.func @flat_reductions(%x: tensor<2x3xf64>) -> f64 {
  %c0 = arith.constant 0 : index
  %half = arith.constant 1.0 : f64
  %m = mpy.compare gt %x, %half : tensor<2x3xf64>, f64 -> tensor<2x3xi1>
  %a = mpy.any %m over [0, 1] : tensor<2x3xi1> -> i1
  %b = mpy.all %m over [0, 1] : tensor<2x3xi1> -> i1
  %h = mpy.argmax %x over 1 : tensor<2x3xf64> -> tensor<2xi64>
  %l = mpy.argmin %x over 0 : tensor<2x3xf64> -> tensor<3xi64>
  %s = mpy.sum %x over [0, 1] : tensor<2x3xf64> -> f64
  %af = mpy.cast %a : i1 -> f64
  %bf = mpy.cast %b : i1 -> f64
  %hs = mpy.sum %h over [0] : tensor<2xi64> -> i64
  %ls = mpy.sum %l over [0] : tensor<3xi64> -> i64
  %hf = mpy.cast %hs : i64 -> f64
  %lf = mpy.cast %ls : i64 -> f64
  %1 = mpy.mul %s, %af : f64, f64 -> f64
  %2 = mpy.mul %s, %hf : f64, f64 -> f64
  %3 = mpy.mul %s, %lf : f64, f64 -> f64
  %4 = mpy.sub %1, %bf : f64, f64 -> f64
  %5 = mpy.mul %2, %3 : f64, f64 -> f64
  %6 = mpy.mul %5, %4 : f64, f64 -> f64
  return %6 : f64
}
func.func @cumsum(%x: tensor<3x2xf64>) -> (tensor<3x2xf64>, tensor<3x2xf64>) {
  %q = mpy.square %x : tensor<3x2xf64>
  %a = mpy.cumsum %q over 0 : tensor<3x2xf64> -> tensor<3x2xf64>
  %b = mpy.cumsum %q over 1 reverse : tensor<3x2xf64> -> tensor<3x2xf64>
  return %a, %b : tensor<3x2xf64>, tensor<3x2xf64>
}
func.func @matmul(%x: tensor<2x?xf64> {check.shape = array<i64: 2, 3>}, %y: tensor<?x2xf64> {check.shape = array<i64: 3, 2>}) -> tensor<2x2xf64> {
  %r = mpy.matmul %x, %y : tensor<2x?xf64>, tensor<?x2xf64> -> tensor<2x2xf64>
  return %r : tensor<2x2xf64>
}
func.func @matmul_transposed(%x: tensor<3x2xf64>, %y: tensor<2x3xf64>) -> (tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x3xf64>) {
  %a = mpy.matmul %x transposed, %y transposed : tensor<3x2xf64>, tensor<2x3xf64> -> tensor<2x2xf64>
  %b = mpy.matmul %x transposed, %x : tensor<3x2xf64>, tensor<3x2xf64> -> tensor<2x2xf64>
  %c = mpy.matmul %x, %x transposed : tensor<3x2xf64>, tensor<3x2xf64> -> tensor<3x3xf64>
  return %a, %b, %c : tensor<2x2xf64>, tensor<2x2xf64>, tensor<3x3xf64>
}
func.func @matmul_stacks(%x: tensor<2x2x?xf64> {check.shape = array<i64: 2, 2, 3>}, %y: tensor<?x3x2xf64> {check.shape = array<i64: 2, 3, 2>}) -> (tensor<2x2x2xf64>, tensor<2x3x3xf64>, tensor<2x2xf64>, tensor<3x3xf64>) {
  %a = mpy.matmul %x, %y : tensor<2x2x?xf64>, tensor<?x3x2xf64> -> tensor<2x2x2xf64>
  %b = mpy.matmul %x transposed, %y transposed : tensor<2x2x?xf64>, tensor<?x3x2xf64> -> tensor<2x3x3xf64>
  %c = mpy.matmul %x, %y summed : tensor<2x2x?xf64>, tensor<?x3x2xf64> -> tensor<2x2xf64>
  %d = mpy.matmul %x transposed, %y transposed summed : tensor<2x2x?xf64>, tensor<?x3x2xf64> -> tensor<3x3xf64>
  return %a, %b, %c, %d : tensor<2x2x2xf64>, tensor<2x3x3xf64>, tensor<2x2xf64>, tensor<3x3xf64>
}
func.func @matmul_stack_and_matrix(%x: tensor<2x3xf64>, %y: tensor<2x3x2xf64>) -> (tensor<2x2x2xf64>, tensor<2x3x3xf64>, tensor<2x3x3xf64>, tensor<2x2x2xf64>) {
  %a = mpy.matmul %x, %y : tensor<2x3xf64>, tensor<2x3x2xf64> -> tensor<2x2x2xf64>
  %b = mpy.matmul %x transposed, %y transposed : tensor<2x3xf64>, tensor<2x3x2xf64> -> tensor<2x3x3xf64>
  %c = mpy.matmul %y, %x : tensor<2x3x2xf64>, tensor<2x3xf64> -> tensor<2x3x3xf64>
  %d = mpy.matmul %y transposed, %x transposed : tensor<2x3x2xf64>, tensor<2x3xf64> -> tensor<2x2x2xf64>
  return %a, %b, %c, %d : tensor<2x2x2xf64>, tensor<2x3x3xf64>, tensor<2x3x3xf64>, tensor<2x2x2xf64>
}
func.func @broadcast(%x: tensor<?x1xf64> {check.shape = array<i64: 2, 1>}, %s: f64) -> tensor<2x?x3xf64> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x1xf64>
  %q = mpy.exp %x : tensor<?x1xf64>
  %a = mpy.broadcast %q [%n] : tensor<?x1xf64> -> tensor<2x?x3xf64>
  %b = mpy.broadcast %s [%n] : f64 -> tensor<2x?x3xf64>
  %r = mpy.mul %a, %b : tensor<2x?x3xf64>, tensor<2x?x3xf64> -> tensor<2x?x3xf64>
  return %r : tensor<2x?x3xf64>
}
func.func @stretch(%x: tensor<?x?xf64> {check.shape = array<i64: 1, 3>}) -> tensor<?x3xf64> {
  %n = arith.constant 2 : index
  %q = mpy.exp %x : tensor<?x?xf64>
  %r = mpy.stretch %q [%n] : tensor<?x?xf64> -> tensor<?x3xf64>
  return %r : tensor<?x3xf64>
}
func.func @unstretch(%x: tensor<2x3xf64>) -> tensor<?x3xf64> {
  %n = arith.constant 1 : index
  %q = mpy.exp %x : tensor<2x3xf64>
  %r = mpy.unstretch %q [%n] : tensor<2x3xf64> -> tensor<?x3xf64>
  return %r : tensor<?x3xf64>
}
func.func @reshape(%x: tensor<2x?xf64> {check.shape = array<i64: 2, 3>}, %s: f64) -> (tensor<?xf64>, tensor<1x1xf64>, f64) {
  %n = arith.constant 6 : index
  %q = mpy.exp %x : tensor<2x?xf64>
  %r = mpy.reshape %q [%n] : tensor<2x?xf64> -> tensor<?xf64>
  %e = mpy.exp %s : f64
  %t = mpy.reshape %e : f64 -> tensor<1x1xf64>
  %p = mpy.square %t : tensor<1x1xf64>
  %u = mpy.reshape %p : tensor<1x1xf64> -> f64
  return %r, %t, %u : tensor<?xf64>, tensor<1x1xf64>, f64
}
func.func @transpose(%x: tensor<2x3x1xf64>) -> tensor<3x1x2xf64> {
  %q = mpy.exp %x : tensor<2x3x1xf64>
  %r = mpy.transpose %q by [1, 2, 0] : tensor<2x3x1xf64> -> tensor<3x1x2xf64>
  return %r : tensor<3x1x2xf64>
}
func.func @concat(%x: tensor<2x?xf64> {check.shape = array<i64: 2, 1>}, %y: tensor<2x2xf64>) -> tensor<2x?xf64> {
  %a = mpy.square %x : tensor<2x?xf64>
  %b = mpy.exp %y : tensor<2x2xf64>
  %r = mpy.concat %a, %b along 1 : tensor<2x?xf64>, tensor<2x2xf64> -> tensor<2x?xf64>
  return %r : tensor<2x?xf64>
}
func.func @first_rows(%x: tensor<3x2xf64>) -> tensor<?x2xf64> {
  %two = arith.constant 2 : index
  %a = mpy.exp %x : tensor<3x2xf64>
  %r = mpy.first_rows %two of %a : tensor<3x2xf64> -> tensor<?x2xf64>
  %s = mpy.square %r : tensor<?x2xf64>
  return %s : tensor<?x2xf64>
}
func.func @pad_rows(%x: tensor<2x2xf64>) -> tensor<?x2xf64> {
  %four = arith.constant 4 : index
  %a = mpy.square %x : tensor<2x2xf64>
  %r = mpy.pad_rows %a to %four : tensor<2x2xf64> -> tensor<?x2xf64>
  %s = mpy.exp %r : tensor<?x2xf64>
  return %s : tensor<?x2xf64>
}
func.func @from_elements(%x: f64, %y: f64) -> tensor<2x2xf64> {
  %z = mpy.mul %x, %y : f64, f64 -> f64
  %r = mpy.from_elements %x, %y, %z, %z : f64, f64, f64, f64 -> tensor<2x2xf64>
  %s = mpy.square %r : tensor<2x2xf64>
  return %s : tensor<2x2xf64>
}
func.func @iota(%x: tensor<3xf64>) -> tensor<3xf64> {
  %i = mpy.iota : tensor<3xi64>
  %f = mpy.cast %i : tensor<3xi64> -> tensor<3xf64>
  %r = mpy.mul %f, %x : tensor<3xf64>, tensor<3xf64> -> tensor<3xf64>
  return %r : tensor<3xf64>
}
func.func @slice(%x: tensor<4x3xf64>) -> tensor<2xf64> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %m2 = arith.constant -2 : index
  %q = mpy.exp %x : tensor<4x3xf64>
  %r = mpy.slice %q [%c3, %c1] [%c2, %c1] [%m2, %c1] drop [1] : tensor<4x3xf64> -> tensor<2xf64>
  return %r : tensor<2xf64>
}
func.func @update_slice(%x: tensor<4x3xf64>, %v: tensor<2xf64>, %s: f64) -> tensor<4x3xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %w = mpy.exp %v : tensor<2xf64>
  %a = mpy.update_slice %w into %x [%c0, %c1] [%c2, %c1] [%c2, %c1] drop [1] : tensor<2xf64> into tensor<4x3xf64> -> tensor<4x3xf64>
  %b = mpy.update_slice %s into %a [%c1, %c0] [%c2, %c2] [%c1, %c2] drop [] : f64 into tensor<4x3xf64> -> tensor<4x3xf64>
  %r = mpy.square %b : tensor<4x3xf64>
  return %r : tensor<4x3xf64>
}
func.func @extract_insert(%x: tensor<4xf64>, %s: f64) -> tensor<4xf64> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = mpy.insert %s into %x [%c0] : f64 into tensor<4xf64>
  %e = mpy.extract %a [%c1] : tensor<4xf64> -> f64
  %p = mpy.mul %e, %s : f64, f64 -> f64
  %b = mpy.insert %p into %a [%c1] : f64 into tensor<4xf64>
  %r = mpy.square %b : tensor<4xf64>
  return %r : tensor<4xf64>
}
func.func @gather(%x: tensor<3x2xf64>, %i: tensor<4xi64> {check.value = array<f64: 2.0, 0.0, 2.0, 1.0>}) -> tensor<4x2xf64> {
  %q = mpy.exp %x : tensor<3x2xf64>
  %r = mpy.gather %q [%i] : tensor<3x2xf64>, tensor<4xi64> -> tensor<4x2xf64>
  return %r : tensor<4x2xf64>
}
func.func @gather_pairs(%x: tensor<3x2xf64>, %i: tensor<?xi64> {check.shape = array<i64: 3>, check.value = array<f64: 2.0, 0.0, 2.0>},
                        %j: tensor<?xi64> {check.shape = array<i64: 3>, check.value = array<f64: 1.0, 1.0, 1.0>}) -> tensor<?xf64> {
  %q = mpy.exp %x : tensor<3x2xf64>
  %r = mpy.gather %q [%i, %j] : tensor<3x2xf64>, tensor<?xi64>, tensor<?xi64> -> tensor<?xf64>
  return %r : tensor<?xf64>
}
func.func @scatter(%x: tensor<3x2xf64>, %v: tensor<?x2xf64> {check.shape = array<i64: 4, 2>},
                   %i: tensor<?xi64> {check.shape = array<i64: 4>, check.value = array<f64: 2.0, 0.0, 2.0, 2.0>}) -> tensor<3x2xf64> {
  %w = mpy.exp %v : tensor<?x2xf64>
  %a = mpy.scatter %w into %x [%i] : tensor<?x2xf64> into tensor<3x2xf64>, tensor<?xi64> -> tensor<3x2xf64>
  %r = mpy.square %a : tensor<3x2xf64>
  return %r : tensor<3x2xf64>
}
func.func @scatter_accumulate(%x: tensor<3xf64>, %v: tensor<4xf64>, %i: tensor<4xi64> {check.value = array<f64: 2.0, 0.0, 2.0, 2.0>}) -> tensor<3xf64> {
  %a = mpy.scatter accumulate %v into %x [%i] : tensor<4xf64> into tensor<3xf64>, tensor<4xi64> -> tensor<3xf64>
  %r = mpy.square %a : tensor<3xf64>
  return %r : tensor<3xf64>
}
func.func @fence(%x: tensor<3xf64>, %s: f64) -> (tensor<3xf64>, f64) {
  %q = mpy.exp %x : tensor<3xf64>
  %p = mpy.square %s : f64
  %r:2 = mpy.fence %q, %p : tensor<3xf64>, f64 -> tensor<3xf64>, f64
  return %r#0, %r#1 : tensor<3xf64>, f64
}
func.func @fourier(%x: tensor<2x?x2xf64> {check.shape = array<i64: 2, 3, 2>}) -> tensor<2x?x2xf64> {
  %q = mpy.exp %x : tensor<2x?x2xf64>
  %r = mpy.fourier %q : tensor<2x?x2xf64>
  %s = mpy.mul %r, %q : tensor<2x?x2xf64>, tensor<2x?x2xf64> -> tensor<2x?x2xf64>
  %t = mpy.fourier %s inverse behind 1 : tensor<2x?x2xf64>
  return %t : tensor<2x?x2xf64>
}
