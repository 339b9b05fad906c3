"""Library functions whose derivative comes from composing others.

They run only on traced arguments. What is special about their derivative at special points (`norm`
and `std` at 0, products with zeros) follows from the parts.
"""

import autograd.numpy as anp
import numpy

from . import memory, rules
from .dispatch import call, composites, from_box, lift, move, primal, wrap


def _np(name):
    function = numpy
    for part in name.split("."):
        function = getattr(function, part)
    return lambda *args, **kwargs: call(function, name, args, kwargs)


_array, _sum, _where, _reshape = _np("array"), _np("sum"), _np("where"), _np("reshape")
_moveaxis, _expand, _max, _min = _np("moveaxis"), _np("expand_dims"), _np("max"), _np("min")
_absolute, _concatenate, _stack, _sort = (
    _np("absolute"),
    _np("concatenate"),
    _np("stack"),
    _np("sort"),
)


def composite(function):
    composites[function.__name__.rstrip("_").replace("__", ".")] = function
    return function


def _root(value):
    return from_box(rules.root(lift(value)))


def _constant(function, a, **options):
    """The value alone, of a copy: a view would be found to be traced."""
    return wrap(function(numpy.array(primal(a)), **options))


def _as_array(a):
    return a if isinstance(a, numpy.ndarray) else _array(a)


@composite
def mean(a, axis=None, dtype=None, out=None, keepdims=False):
    a = _as_array(a)
    total = _sum(a, axis=axis, keepdims=keepdims)
    return total / _count(a, axis, a.dtype)


def _count(a, axis, dtype=None):
    if axis is None:
        count = a.size
    else:
        axes = axis if isinstance(axis, tuple) else (axis,)
        count = int(numpy.prod([a.shape[k] for k in axes], dtype=int))
    return count


@composite
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    a = _as_array(a)
    centred = a - mean(a, axis=axis, keepdims=True)
    return _sum(centred * centred, axis=axis, keepdims=keepdims) / max(_count(a, axis) - ddof, 0)


@composite
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return _root(var(a, axis=axis, ddof=ddof, keepdims=keepdims))


@composite
def average(a, axis=None, weights=None, keepdims=False):
    if weights is None:
        return mean(a, axis=axis, keepdims=keepdims)
    a, weights = _as_array(a), _as_array(weights)
    if weights.ndim != a.ndim and axis is not None:
        weights = weights.reshape([a.shape[k] if k == axis % a.ndim else 1 for k in range(a.ndim)])
    return _sum(a * weights, axis=axis, keepdims=keepdims) / _sum(
        weights + numpy.zeros(a.shape), axis=axis, keepdims=keepdims
    )


@composite
def prod(a, axis=None, dtype=None, out=None, keepdims=False):
    """Halves multiplied element by element: exact where elements are zero."""
    a = _as_array(a)
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(k % a.ndim for k in axes)
    kept = [1 if k in axes else a.shape[k] for k in range(a.ndim)]
    rest = [a.shape[k] for k in range(a.ndim) if k not in axes]
    factors = _reshape(_moveaxis(a, axes, tuple(range(len(axes)))), [-1] + rest)
    if len(factors) == 0:
        return _constant(numpy.prod, a, axis=axis, keepdims=keepdims)
    while len(factors) > 1:
        half = len(factors) // 2
        product = factors[:half] * factors[half : 2 * half]
        factors = _concatenate([product, factors[2 * half :]])
    result = factors[0]
    return _reshape(result, kept) if keepdims else result


@composite
def cumprod(a, axis=None, dtype=None, out=None):
    a = _as_array(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    rows, product = [], None
    for row in _moveaxis(a, axis, 0):
        product = row if product is None else product * row
        rows.append(product)
    return _stack(rows, axis=axis)


@composite
def ptp(a, axis=None, out=None, keepdims=False):
    return _max(a, axis=axis, keepdims=keepdims) - _min(a, axis=axis, keepdims=keepdims)


@composite
def linalg__norm(x, ord=None, axis=None, keepdims=False):
    x = _as_array(x)
    matrix = (axis is None and x.ndim == 2) or (isinstance(axis, tuple) and len(axis) == 2)
    if ord is None or (ord == "fro" and matrix) or (ord == 2 and not matrix):
        return _root(_sum(x * x, axis=axis, keepdims=keepdims))
    if matrix:
        rows, columns = axis if axis is not None else (0, 1)
        rows, columns = rows % x.ndim, columns % x.ndim
        if ord in (1, -1):
            sums, along = _sum(_absolute(x), axis=rows, keepdims=True), columns
        elif ord in (numpy.inf, -numpy.inf):
            sums, along = _sum(_absolute(x), axis=columns, keepdims=True), rows
        else:
            values = _np("linalg.svd")(x, compute_uv=False)
            return {2: _max, -2: _min, "nuc": _sum}[ord](values, axis=-1)
        result = (_max if ord > 0 else _min)(sums, axis=along, keepdims=True)
        return result if keepdims else _np("squeeze")(result, axis=(rows, columns))
    if ord == numpy.inf:
        return _max(_absolute(x), axis=axis, keepdims=keepdims)
    if ord == -numpy.inf:
        return _min(_absolute(x), axis=axis, keepdims=keepdims)
    if ord == 1:
        return _sum(_absolute(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return _constant(numpy.linalg.norm, x, ord=0, axis=axis, keepdims=keepdims)
    total = _sum(_absolute(x) ** ord, axis=axis, keepdims=keepdims)
    return total ** (1.0 / ord)


@composite
def einsum(subscripts, *operands, out=None, optimize=False):
    """autograd's, whose rule wants extents of 1 to be spread."""
    operands = [_as_array(x) for x in operands]
    labels = subscripts.replace(" ", "").split("->")[0].split(",")
    if "." not in subscripts:
        letters, _, result = subscripts.replace(" ", "").partition("->")
        if len(set(letters)) == len(letters) and sorted(letters) == sorted(result):
            # Axes in another order alone: NumPy gives a view.
            return operands[0].transpose([letters.index(letter) for letter in result])
        extents = {}
        for letters, x in zip(labels, operands):
            for letter, extent in zip(letters, x.shape):
                extents[letter] = max(extents.get(letter, extent), extent)
        for k, (letters, x) in enumerate(zip(labels, operands)):
            shape = tuple(extents[letter] for letter in letters)
            if shape != x.shape and len(shape) == x.ndim:
                operands[k] = x + numpy.zeros(shape, x.dtype)
    return from_box(anp.einsum(subscripts, *[lift(x) for x in operands]))


@composite
def positive(x):
    return x if not isinstance(x, numpy.ndarray) else x.copy()


@composite
def take_(a, indices, axis=None, **kwargs):
    a = _as_array(a)
    if axis is None:
        return a.reshape(-1)[primal(indices)]
    return a[(slice(None),) * (axis % a.ndim) + (primal(indices),)]


@composite
def sort(a, axis=-1, kind=None, **kwargs):
    a = _as_array(a)
    order = numpy.argsort(primal(a), axis=axis, kind="stable")
    return move(numpy.take_along_axis, (a.reshape(-1) if axis is None else a, order, axis), {})


@composite
def vdot(a, b):
    return _sum(_as_array(a).reshape(-1) * _as_array(b).reshape(-1))


@composite
def dstack(arrays):
    parts = []
    for a in arrays:
        a = _as_array(a)
        parts.append(a if a.ndim > 2 else a[:, :, None] if a.ndim == 2 else a.reshape(1, -1, 1))
    return _concatenate(parts, axis=2)


@composite
def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    return _quantile(a, 0.5, axis, keepdims)


@composite
def percentile(a, q, axis=None, keepdims=False, **kwargs):
    return _quantile(a, primal(q) / 100, axis, keepdims)


@composite
def quantile(a, q, axis=None, keepdims=False, **kwargs):
    return _quantile(a, primal(q), axis, keepdims)


def _quantile(a, q, axis, keepdims):
    a = _as_array(a)
    shape = (
        [1] * a.ndim
        if axis is None
        else [1 if k == axis % a.ndim else n for k, n in enumerate(a.shape)]
    )
    rows = _sort(a.reshape(-1) if axis is None else _moveaxis(a, axis, 0), axis=0)
    place = q * (len(rows) - 1)
    low = int(numpy.floor(place))
    high = min(low + 1, len(rows) - 1)
    result = rows[low] + (rows[high] - rows[low]) * (place - low)
    return _reshape(result, shape) if keepdims else result


@composite
def fmax(x, y):
    return _where(
        primal(numpy.isnan(primal(y))), x, _where(numpy.isnan(primal(x)), y, _np("maximum")(x, y))
    )


@composite
def fmin(x, y):
    return _where(
        primal(numpy.isnan(primal(y))), x, _where(numpy.isnan(primal(x)), y, _np("minimum")(x, y))
    )


@composite
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    return _where(
        numpy.isfinite(primal(x)),
        x,
        numpy.nan_to_num(primal(x), nan=nan, posinf=posinf, neginf=neginf),
    )


@composite
def convolve(a, v, mode="full"):
    a, v = _as_array(a), _as_array(v)
    if len(v) > len(a):
        a, v = v, a
    rows = []
    for k in range(len(v)):
        rows.append(_concatenate([numpy.zeros(k), a * v[k], numpy.zeros(len(v) - 1 - k)]))
    full = _sum(_stack(rows), axis=0)
    if mode == "full":
        return full
    length = len(a) if mode == "same" else len(a) - len(v) + 1
    start = (len(full) - length) // 2
    return full[start : start + length]


@composite
def full_like(a, fill_value, dtype=None, **kwargs):
    result = _array(numpy.zeros_like(primal(a), dtype=dtype))
    result[...] = fill_value
    return result


@composite
def full(shape, fill_value, dtype=None, **kwargs):
    result = _array(numpy.full(primal(shape), primal(fill_value), dtype=dtype))
    result[...] = fill_value
    return result


@composite
def copyto(dst, src, casting="same_kind", where=True):
    if where is True:
        dst[...] = src
    else:
        mask = numpy.broadcast_to(primal(where), dst.shape)
        dst[...] = _where(mask, src, dst)


@composite
def fill_diagonal(a, val, wrap=False):
    n = min(a.shape)
    a[(numpy.arange(n),) * a.ndim] = val


def _at(sign):
    def at(a, indices, b=None):
        if sign is None:
            raise NotImplementedError("this ufunc.at under a gradient is not supported")
        before, addend = lift(a), lift(b)
        (numpy.add if sign > 0 else numpy.subtract).at(primal(a), primal(indices), primal(b))
        numbers = numpy.arange(a.size).reshape(a.shape)[primal(indices)]
        addend = rules.shaped(addend, numpy.shape(numbers), a.dtype)
        memory.store(a, before + sign * rules.scatter(addend, numbers, a.shape))

    return at


composites["add.at"] = _at(1.0)
composites["subtract.at"] = _at(-1.0)


def _outer(name):
    def outer(a, b):
        a, b = _as_array(a), _as_array(b)
        return _np(name)(a.reshape(a.shape + (1,) * b.ndim), b)

    return outer


for _name in "add subtract multiply divide true_divide maximum minimum power".split():
    composites[_name + ".outer"] = _outer(_name)


def _reduction(name):
    def reduce(a, axis=0, dtype=None, out=None, keepdims=False):
        return _np(name)(a, axis=axis, keepdims=keepdims)

    return reduce


for _ufunc, _name in {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}.items():
    composites[_ufunc + ".reduce"] = _reduction(_name)
composites["add.accumulate"] = lambda a, axis=0: _np("cumsum")(a, axis=axis)
composites["multiply.accumulate"] = lambda a, axis=0: cumprod(a, axis=axis)
