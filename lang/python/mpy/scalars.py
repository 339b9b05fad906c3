"""Python floats and NumPy scalars that carry a derivative.

Each is a subclass of the kind it stands for, so that formatting, comparison, division by zero and
promotion are the kind's own; arithmetic also runs on the box.
"""

import operator
import weakref

import autograd.numpy as anp
import numpy

from . import rules
from .trace import isbox, keep, settled

_ARITHMETIC = {
    "add": anp.add,
    "sub": anp.subtract,
    "mul": anp.multiply,
    "truediv": anp.true_divide,
    "floordiv": anp.floor_divide,
    "mod": anp.mod,
    "pow": anp.power,
    "matmul": anp.matmul,
}
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


class Traced:
    """What the scalar kinds share."""

    __slots__ = ()
    __array_ufunc__ = None

    def settle(self):
        self.box = settled(self.box)
        return self.box

    def __float__(self):
        return float(self.value)

    def __complex__(self):
        return complex(self.value)

    def __abs__(self):
        return _unary(abs, anp.absolute, self)

    def __neg__(self):
        return _unary(operator.neg, anp.negative, self)

    def __pos__(self):
        return self

    def __divmod__(self, other):
        return self // other, self % other

    def __rdivmod__(self, other):
        return other // self, other % self

    def __hash__(self):
        return hash(plain_scalar(self))


class TracedFloat(Traced, float):
    """A Python float."""

    __slots__ = ("box", "value", "__weakref__")
    __array_ufunc__ = None
    kind = float

    def conjugate(self):
        return self

    real = property(lambda self: self)


class TracedFloat64(Traced, numpy.float64):
    __array_ufunc__ = None
    kind = numpy.float64


class TracedFloat32(Traced, numpy.float32):
    __array_ufunc__ = None
    kind = numpy.float32


TracedFloat.__name__ = TracedFloat.__qualname__ = "float"
TracedFloat64.__name__ = TracedFloat64.__qualname__ = "float64"
TracedFloat32.__name__ = TracedFloat32.__qualname__ = "float32"
TracedFloat.__module__ = "builtins"
TracedFloat64.__module__ = TracedFloat32.__module__ = "numpy"

KINDS = {float: TracedFloat, numpy.float64: TracedFloat64, numpy.float32: TracedFloat32}
TRACED = frozenset(KINDS.values())


def make(value, box):
    """A plain scalar with a box; other kinds have no derivative and stay as they are."""
    kind = KINDS.get(type(value))
    if kind is None or not isbox(box):
        if isinstance(value, (complex, numpy.complexfloating)):
            raise NotImplementedError("derivatives of complex scalars are not supported")
        return value
    scalar = kind(value)
    scalar.box, scalar.value = box, value
    keep(weakref.ref(scalar))
    return scalar


def plain_scalar(value):
    return value.value if type(value) in TRACED else value


def python_float(scalar):
    """`float(x)` of a traced scalar: a Python float with the same derivative."""
    value = float(scalar.value)
    box = scalar.settle()
    return make(value, rules.python_number(box)) if isbox(box) else value


def _unary(compute, rule, x):
    value = compute(plain_scalar(x))
    box = x.settle()
    if not isbox(box):
        return value
    box = rule(box)
    return make(value, rules.python_number(box) if type(value) is float else box)


def _understood(other):
    return isinstance(other, (int, float, complex, numpy.generic))


def _number(value):
    return value.settle() if type(value) in TRACED else value


def combine(compute, rule, a, b):
    value = compute(plain_scalar(a), plain_scalar(b))
    a, b = _number(a), _number(b)
    if not (isbox(a) or isbox(b)):
        return value
    if isinstance(value, (bool, int, numpy.bool_, numpy.integer)):
        return value
    box = rule(a, b)
    return make(value, rules.python_number(box) if type(value) is float and isbox(box) else box)


def _define(name, rule):
    compute = getattr(operator, name)

    def forward(self, other, *modulo):
        if not _understood(other):
            return NotImplemented
        return combine(compute, rule, self, other)

    def reflected(self, other, *modulo):
        if not _understood(other):
            return NotImplemented
        return combine(compute, rule, other, self)

    for kind in TRACED:
        setattr(kind, "__%s__" % name, forward)
        setattr(kind, "__r%s__" % name, reflected)


def _define_comparison(name):
    compute = getattr(operator, name)

    def compare(self, other):
        if not (_understood(other) or other is None):
            return NotImplemented
        return compute(plain_scalar(self), plain_scalar(other))

    for kind in TRACED:
        setattr(kind, "__%s__" % name, compare)


def _delegate(name):
    def method(self, *args):
        return getattr(self.value, name)(*args)

    for kind in TRACED:
        setattr(kind, name, method)


# NumPy's own slots would take the subclass for an array again, without end for float32.
for (
    _name
) in (
    "__repr__ __str__ __format__ __int__ __bool__ __round__ __trunc__ is_integer __reduce__".split()
):
    _delegate(_name)
for _name, _rule in _ARITHMETIC.items():
    _define(_name, _rule)
for _name in _COMPARISONS:
    _define_comparison(_name)
for _kind in TRACED:
    _kind.__hash__ = Traced.__hash__
    _kind.__float__, _kind.__complex__ = Traced.__float__, Traced.__complex__
