"""The layer in place of `math`: its functions keep the derivative of a traced argument."""

import functools
import math
import operator
import types

import autograd.numpy as anp

from . import rules, scalars
from .dispatch import any_traced, is_traced, lift, primal
from .trace import bare, isbox

_RULES = {
    "acos": anp.arccos,
    "acosh": anp.arccosh,
    "asin": anp.arcsin,
    "asinh": anp.arcsinh,
    "atan": anp.arctan,
    "atan2": anp.arctan2,
    "atanh": anp.arctanh,
    "cbrt": anp.cbrt,
    "copysign": lambda x, y: x * math.copysign(1.0, bare(x)) * math.copysign(1.0, bare(y)),
    "cos": anp.cos,
    "cosh": anp.cosh,
    "degrees": anp.degrees,
    "dist": lambda p, q: rules.root(sum((a - b) ** 2 for a, b in zip(p, q))),
    "erf": rules.error_function,
    "erfc": lambda x: 1.0 - rules.error_function(x),
    "exp": anp.exp,
    "exp2": anp.exp2,
    "expm1": anp.expm1,
    "fabs": anp.absolute,
    "fmod": anp.fmod,
    "fsum": lambda parts: sum(parts[1:], parts[0]),
    "hypot": lambda *parts: rules.root(sum(p * p for p in parts)),
    "log": lambda x, base=None: anp.log(x) if base is None else anp.log(x) / anp.log(base),
    "log10": anp.log10,
    "log1p": anp.log1p,
    "log2": anp.log2,
    "pow": anp.power,
    "prod": lambda parts: functools.reduce(operator.mul, parts),
    "radians": anp.radians,
    "sin": anp.sin,
    "sinh": anp.sinh,
    "sqrt": anp.sqrt,
    "tan": anp.tan,
    "tanh": anp.tanh,
}
_CONSTANT = frozenset("ceil floor trunc isclose isfinite isinf isnan".split())


def _function(name, function):
    rule = _RULES.get(name)

    def mathematical(*args, **kwargs):
        if args and not isinstance(args[0], (int, float)) and hasattr(args[0], "__next__"):
            args = (list(args[0]),) + args[1:]
        value = function(*[plain(a) for a in args], **kwargs)
        if name in _CONSTANT or not any_traced(args, kwargs) or not isinstance(value, float):
            return value
        if rule is None:
            raise NotImplementedError("the derivative of math.%s is not known" % name)
        box = rule(*[lift_parts(a) for a in args])
        return scalars.make(value, rules.python_number(box)) if isbox(box) else value

    mathematical.__name__ = name
    mathematical.__doc__ = function.__doc__
    return mathematical


def plain(value):
    return primal(value)


def lift_parts(value):
    if isinstance(value, (list, tuple)):
        return [lift(v) for v in value]
    box = lift(value)
    return anp.reshape(box, ()) if is_traced(value) and anp.shape(box) else box


library = types.ModuleType("math", math.__doc__)
for _name in dir(math):
    _value = getattr(math, _name)
    if not _name.startswith("_"):
        setattr(library, _name, _function(_name, _value) if callable(_value) else _value)
