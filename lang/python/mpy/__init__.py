"""mpy: derivatives of plain NumPy programs, under CPython.

`python -m mpy prog.mpy [args]` runs a program as the compiler would: this package's layer stands in
place of `numpy`, `autograd`, `minpy` and `math`, so that in-place writes, views and scalar kinds
follow NumPy while derivatives follow the program. A plain `import mpy` gives the types of annotations;
the operators load NumPy and autograd when one of them is first used. `mpy.build` compiles.
"""

from . import annotations
from .annotations import *  # noqa: F403

_operators = """grad value_and_grad grad_and_loss elementwise_grad jacobian hessian hvp linearize vjp
jvp""".split()
_same = {"jacfwd": "jacobian", "jacrev": "jacobian"}
_written = {"checkpointed": "mpy._checkpoints", "vmap": "mpy._vectors"}
_written.update(dict.fromkeys(("sparse_hessian", "sparse_jacobian", "sparse_structure"), "mpy._sparse"))
_rules = ["checkpoint", "custom_jvp", "custom_vjp", "stop_gradient"]
_others = ["extern"]

__all__ = [*_operators, *_same, *_written, *_rules, *_others]
__all__ += [*annotations.__all__, "numpy"]


def __getattr__(name):
    if name in _operators or name in _same:
        from .gradients import Operators

        operators = Operators(by_object=False)
        globals().update({key: getattr(operators, key) for key in _operators})
        globals().update({key: getattr(operators, known) for key, known in _same.items()})
    elif name in _rules:
        from . import custom

        globals().update({key: getattr(custom, key) for key in _rules})
    elif name in _others:
        from .externs import extern

        globals()["extern"] = extern
    elif name in _written:
        from . import written

        globals()[name] = written.load(_written[name])[name]
    elif name == "numpy":
        from .library import library

        globals()["numpy"] = library
    else:
        raise AttributeError("module 'mpy' has no attribute %r" % name)
    return globals()[name]
