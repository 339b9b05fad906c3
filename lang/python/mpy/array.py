"""The array of a program: a NumPy array whose memory may also hold traced values."""

import operator

import autograd.numpy as anp
import numpy

from . import dispatch, memory, scalars
from .dispatch import any_traced, call, call_ufunc, is_traced, lift, primal, wrap
from .memory import plain

# Methods that compute what the function of the same name computes.
_METHODS = """all any argmax argmin argpartition argsort clip compress cumprod cumsum
    diagonal dot max mean min nonzero prod ravel repeat round searchsorted squeeze std sum swapaxes
    take trace var""".split()

_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "true_divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "power",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "left_shift",
    "rshift": "right_shift",
}


def _kept(index):
    """An index whose arrays are copies: the program may change them before the derivative asks."""
    if isinstance(index, tuple):
        return tuple(map(_kept, index))
    return index.copy() if isinstance(index, numpy.ndarray) else index


class ndarray(numpy.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method == "__call__":
            return call_ufunc(ufunc, ufunc.__name__, inputs, kwargs)
        return call(getattr(ufunc, method), "%s.%s" % (ufunc.__name__, method), inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        name = function.__name__
        if function.__module__ == "numpy.linalg":
            name = "linalg." + name
        return call(function, name, args, kwargs)

    # Reading and writing elements

    def __getitem__(self, index):
        index = primal(index)
        value = plain(self)[index]
        if not isinstance(value, numpy.ndarray):
            box = memory.box_of(self)
            return value if box is None else scalars.make(value, box[_kept(index)])
        array = value.view(ndarray)
        if memory.is_traced(self) and memory.owner_of(value) is not memory.owner_of(self):
            memory.store(array, memory.box_of(self)[_kept(index)])
        return array

    def __setitem__(self, index, value):
        index = primal(index)
        if not any_traced((self, value), None):
            plain(self)[index] = primal(value)
            return
        lifted = lift(value)
        plain(self)[index] = primal(value)
        owner = memory.owner_of(self)
        memory.store_at(owner, memory.numbers_of(self, owner)[index], lifted)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __contains__(self, value):
        return primal(value) in plain(self)

    def item(self, *index):
        value = plain(self).item(*index)
        box = memory.box_of(self)
        if box is None or type(value) is not float:
            return value
        flat = anp.ravel(box)
        if not index:
            place = 0
        elif len(index) == 1 and not isinstance(index[0], tuple):
            place = primal(index[0])
        else:
            place = numpy.ravel_multi_index(
                index[0] if len(index) == 1 else index, self.shape, mode="wrap"
            )
        return scalars.python_float(scalars.make(numpy.float64(value), flat[place]))

    def tolist(self):
        if not is_traced(self):
            return plain(self).tolist()
        return self.item() if self.ndim == 0 else [row.tolist() for row in map(wrap_row, self)]

    def fill(self, value):
        self[...] = value

    def sort(self, axis=-1, kind=None):
        if not is_traced(self):
            plain(self).sort(axis=axis, kind=kind)
        else:
            self[...] = call(numpy.sort, "sort", (self,), {"axis": axis})

    def copy(self, order="C"):
        return call(numpy.copy, "copy", (self,), {"order": order})

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def flatten(self, order="C"):
        return call(numpy.ravel, "ravel", (self,), {"order": order}).copy()

    def astype(self, dtype, *args, **kwargs):
        value = plain(self).astype(primal(dtype), *args, **kwargs)
        array = value.view(ndarray)
        if is_traced(self) and memory.owner_of(value) is not memory.owner_of(self):
            memory.store(array, memory.box_of(self))
        return array

    def reshape(self, *shape, **kwargs):
        if len(shape) == 1:
            shape = shape[0]
        return call(numpy.reshape, "reshape", (self, shape), kwargs)

    def transpose(self, *axes):
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = axes[0]
        return call(numpy.transpose, "transpose", (self, axes or None), {})

    def conj(self):
        return call(numpy.conjugate, "conjugate", (self,), {}) if numpy.iscomplexobj(self) else self

    conjugate = conj

    def asnumpy(self):
        return self

    @property
    def flat(self):
        return Flat(self)

    # Text and conversions are NumPy's

    def __str__(self):
        return str(plain(self))

    def __repr__(self):
        return repr(plain(self))

    def __format__(self, specification):
        return format(plain(self), specification)

    def __reduce__(self):
        return plain(self).__reduce__()

    def __abs__(self):
        return call(numpy.absolute, "absolute", (self,), {})

    def __neg__(self):
        return call(numpy.negative, "negative", (self,), {})

    def __pos__(self):
        return call(numpy.positive, "positive", (self,), {})

    def __invert__(self):
        return call(numpy.invert, "invert", (self,), {})

    def __divmod__(self, other):
        return self // other, self % other

    def __rdivmod__(self, other):
        return other // self, other % self


ndarray.__module__ = "numpy"
dispatch.array_type = ndarray


def wrap_row(value):
    return value if hasattr(value, "tolist") else numpy.asarray(value)


class Flat:
    """`a.flat`: the elements in C order, readable and writable."""

    def __init__(self, array):
        self.array = array

    def __len__(self):
        return self.array.size

    def __iter__(self):
        return iter(self.array.ravel())

    def __getitem__(self, index):
        return self.array.ravel()[index].copy()

    def __setitem__(self, index, value):
        places = numpy.arange(self.array.size)[primal(index)]
        self.array[numpy.unravel_index(places, self.array.shape)] = value


_FOREIGN = (str, bytes, dict, set)


def _declines(other):
    """Whether the operator is the other operand's affair (an object with its own method)."""
    if isinstance(other, (int, float, complex, numpy.ndarray, numpy.generic, list, tuple)):
        return False
    return True


def _operator(name, ufunc_name):
    ufunc = getattr(numpy, ufunc_name)
    compute = getattr(operator, "__%s__" % name)
    update = getattr(operator, "__i%s__" % name)
    rule = getattr(anp, ufunc_name)

    def forward(self, other):
        if _declines(other):
            return NotImplemented
        if any_traced((self, other), None):
            return call(ufunc, ufunc_name, (self, other), {})
        return wrap(compute(plain(self), primal(other)))

    def reflected(self, other):
        if _declines(other):
            return NotImplemented
        if any_traced((self, other), None):
            return call(ufunc, ufunc_name, (other, self), {})
        return wrap(compute(primal(other), plain(self)))

    def inplace(self, other):
        if _declines(other):
            return NotImplemented
        if not any_traced((self, other), None):
            update(plain(self), primal(other))
            return self
        a, b = lift(self), lift(other)
        update(plain(self), primal(other))
        if ufunc_name in dispatch.CONSTANT:
            memory.store(self, memory.constant(self))
        else:
            memory.store(self, rule(a, b))
        return self

    setattr(ndarray, "__%s__" % name, forward)
    setattr(ndarray, "__r%s__" % name, reflected)
    setattr(ndarray, "__i%s__" % name, inplace)


def _comparison(name):
    compute = getattr(operator, name)

    def compare(self, other):
        if other is not None and not isinstance(other, _FOREIGN) and _declines(other):
            return NotImplemented
        return wrap(compute(plain(self), primal(other)))

    setattr(ndarray, "__%s__" % name, compare)


def _method(name):
    function = getattr(numpy, name)
    own = getattr(numpy.ndarray, name)

    def method(self, *args, **kwargs):
        if any_traced((self, args), kwargs):
            return call(function, name, (self,) + args, kwargs)
        return wrap(own(plain(self), *primal(args), **primal(kwargs)))

    method.__name__ = name
    setattr(ndarray, name, method)
    if name not in ("compress", "diagonal", "dot", "nonzero"):
        _scalar_method(name, function)


def _scalar_method(name, function):
    def method(self, *args, **kwargs):
        return call(function, name, (self,) + args, kwargs)

    for kind in (scalars.TracedFloat64, scalars.TracedFloat32):
        setattr(kind, name, method)


for _name, _ufunc in _OPERATORS.items():
    _operator(_name, _ufunc)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _comparison(_name)
for _name in _METHODS:
    _method(_name)
ndarray.__hash__ = None

for _kind in (scalars.TracedFloat64, scalars.TracedFloat32):
    _kind.item = lambda self: scalars.python_float(self)
    _kind.tolist = _kind.item
    _kind.T = property(lambda self: self)
    _kind.copy = lambda self: self
    _kind.astype = lambda self, dtype: call(numpy.array, "array", (self,), {}).astype(dtype)[()]
    _kind.reshape = lambda self, *shape: call(numpy.array, "array", (self,), {}).reshape(*shape)
    _kind.__getitem__ = lambda self, index: call(numpy.array, "array", (self,), {})[index]
