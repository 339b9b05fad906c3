"""mpy: derivatives of plain NumPy programs, under CPython.

`python -m mpy prog.mpy [args]` runs a program as the compiler would: this package's layer stands in
place of `numpy`, `autograd`, `minpy` and `math`, so that in-place writes, views and scalar kinds
follow NumPy while derivatives follow the program. A plain `import mpy` gives the operators and
types.
"""

from .annotations import Array, Bool, Float32, Float64, Int32, Int64, b1, export, f32, f64, i32, i64
from .custom import checkpoint, custom_jvp, custom_vjp, stop_gradient
from .gradients import Operators as _Operators
from .library import library as numpy

_operators = _Operators(by_object=False)
grad = _operators.grad
value_and_grad = _operators.value_and_grad
grad_and_loss = _operators.grad_and_loss
elementwise_grad = _operators.elementwise_grad
jacobian = _operators.jacobian
hessian = _operators.hessian
hvp = _operators.hvp
jacfwd = _operators.jacobian
jacrev = _operators.jacobian
linearize = _operators.linearize
vjp = _operators.vjp
jvp = _operators.jvp

__all__ = """grad value_and_grad grad_and_loss elementwise_grad jacobian jacfwd jacrev hessian hvp vjp jvp
linearize checkpoint custom_vjp custom_jvp stop_gradient export Array Bool Float32 Float64 Int32 Int64 b1 f32 f64 i32 i64
numpy""".split()
