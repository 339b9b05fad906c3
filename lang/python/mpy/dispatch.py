"""Calls of library functions: plain arguments go to NumPy, traced ones to a rule as well.

`call` is the one door. Without a traced argument NumPy computes on the memory of the arrays and its
results become this package's arrays. With one, the result's box comes from (1) the memory itself
where NumPy returned a view, (2) a composition in `composites` or `lang/library`, (3) numbering the elements and
asking NumPy where each one goes, or (4) autograd's function of the same name.
"""

import autograd.numpy as anp
import numpy

from . import memory, rules, scalars, trace, written
from .trace import bare, isbox, settled

# Results that are piecewise constant, or say nothing about values.
CONSTANT = frozenset(
    """all any argmax argmin argpartition argsort argwhere allclose array_equal array_equiv around
    bitwise_and bitwise_or bitwise_xor ceil count_nonzero digitize empty_like equal fix flatnonzero
    floor floor_divide greater greater_equal histogram invert isclose isfinite isin isinf isnan
    isneginf isposinf isreal iscomplex iscomplexobj isrealobj isscalar issubdtype less less_equal
    lexsort logical_and logical_not logical_or logical_xor ndim nonzero not_equal ones_like
    result_type rint round searchsorted shape sign signbit size trunc zeros_like array2string
    array_repr array_str array_split_sizes full_range unravel_index may_share_memory shares_memory
    can_cast min_scalar_type broadcast_shapes save savetxt savez savez_compressed get_printoptions
    linalg.matrix_rank einsum_path isfortran iterable bincount unique""".split()
)
# Functions that only move elements of their first argument.
MOVING = frozenset(
    """reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis expand_dims
    squeeze broadcast_to flip fliplr flipud rot90 roll repeat tile resize take take_along_axis
    delete compress extract split array_split hsplit vsplit dsplit diagonal atleast_1d atleast_2d
    atleast_3d trim_zeros array asarray asanyarray ascontiguousarray asfortranarray copy
    asarray_chkfinite unstack""".split()
)
# Functions that take sequences of arrays apart themselves.
SEQUENCES = frozenset(
    """concatenate concat stack vstack row_stack hstack column_stack dstack einsum append array
    linalg.multi_dot broadcast_arrays""".split()
)
INPLACE = frozenset("put place putmask put_along_axis".split())

array_type = None  # set by `array`, which needs this module
composites = {}  # name -> function of program values; filled by `composites`


def is_traced(value):
    kind = type(value)
    if kind in scalars.TRACED:
        return isbox(value.settle())
    if isinstance(value, numpy.ndarray):
        return memory.is_traced(value)
    if kind is list or kind is tuple:
        return any(is_traced(v) for v in value)
    if kind is dict:
        return any(is_traced(v) for v in value.values())
    return False


def any_traced(args, kwargs):
    return bool(trace.live) and (is_traced(args) or bool(kwargs) and is_traced(kwargs))


def primal(value):
    """The value as NumPy knows it: ordinary arrays on the same memory, ordinary scalars."""
    kind = type(value)
    if kind is array_type:
        return value.view(numpy.ndarray)
    if kind in scalars.TRACED:
        return scalars.plain_scalar(value)
    if kind is list or kind is tuple:
        return kind([primal(v) for v in value])
    if kind is dict:
        return {k: primal(v) for k, v in value.items()}
    if kind is slice:
        return slice(primal(value.start), primal(value.stop), primal(value.step))
    return numpy.ndarray if value is array_type else value


def wrap(value):
    """NumPy's result as this package's: every array is one that can hold traced values."""
    kind = type(value)
    if kind is numpy.ndarray:
        return value.view(array_type)
    if kind is list or kind is tuple:
        return kind([wrap(v) for v in value])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*[wrap(v) for v in value])
    return value


def lift(value, sequences=False):
    """The value for a rule: a box where it is traced, else a constant that no write changes."""
    kind = type(value)
    if kind in scalars.TRACED:
        return value.settle()
    if isinstance(value, numpy.ndarray):
        box = memory.box_of(value)
        return memory.constant(value) if box is None else box
    if kind is list or kind is tuple:
        if not is_traced(value):
            return primal(value)
        lifted = kind([lift(v, sequences) for v in value])
        return lifted if sequences else anp.array(list(lifted))
    if kind is dict:
        return {k: lift(v, sequences) for k, v in value.items()}
    return primal(value)


def from_box(box):
    """A program value for a rule's result: memory of its own with the box beside it."""
    box = settled(box)
    if isinstance(box, (list, tuple)):
        return type(box)([from_box(b) for b in box])
    if not isbox(box):
        return wrap(box)
    value = bare(box)
    if isinstance(value, tuple):
        parts = [from_box(box[k]) for k in range(len(value))]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, numpy.ndarray):
        if not numpy.issubdtype(value.dtype, numpy.inexact):
            return wrap(numpy.array(value))
        array = numpy.array(value, order="K", subok=False).view(array_type)
        memory.store(array, box)
        return array
    return scalars.make(value, box)


def call(function, name, args, kwargs):
    if not any_traced(args, kwargs):
        return wrap(function(*primal(args), **primal(kwargs)))
    if name in CONSTANT:
        return wrap(function(*primal(args), **primal(kwargs)))
    if name != "where" and kwargs.get("where", True) is not True:
        return masked(function, name, args, dict(kwargs))
    if name in composites:
        return composites[name](*args, **kwargs)
    if name in INPLACE:
        raise NotImplementedError("numpy.%s of traced values is not supported" % name)
    if name in MOVING and args and type(args[0]) not in (list, tuple):
        return move(function, args, kwargs)
    if kwargs.get("out") is not None:
        raise NotImplementedError("numpy.%s with out= under a gradient is not supported" % name)
    rule = anp
    for part in name.split("."):
        rule = getattr(rule, part)
    if composition := written.find(name, rule):
        return composition(*args, **kwargs)
    sequences = name in SEQUENCES
    if name == "array" and sequences:
        return build(function, args, kwargs)
    return from_box(
        rule(
            *[lift(a, sequences) for a in args],
            **{k: lift(v, sequences) for k, v in kwargs.items()}
        )
    )


def masked(function, name, args, kwargs):
    """A reduction of the elements that a mask chooses: the others count as what changes nothing."""
    mask = kwargs.pop("where")
    if name not in ("sum", "prod"):
        raise NotImplementedError("numpy.%s with where= under a gradient is not supported" % name)
    chosen = call(numpy.where, "where", (mask, args[0], 0.0 if name == "sum" else 1.0), {})
    return call(function, name, (chosen,) + tuple(args[1:]), kwargs)


def build(function, args, kwargs):
    """`np.array` of nested lists that hold traced values."""
    value = function(*primal(args), **primal(kwargs))
    if not numpy.issubdtype(value.dtype, numpy.inexact):
        return wrap(value)
    box = anp.array(lift(args[0], True))
    array = wrap(value)
    memory.store(array, box if anp.shape(box) == value.shape else anp.reshape(box, value.shape))
    return array


def move(function, args, kwargs):
    source = args[0]
    if not is_traced(source):
        raise NotImplementedError("a traced index or shape")
    rest = primal(args[1:])
    options = primal(kwargs)
    value = function(primal(source), *rest, **options)
    results = value if isinstance(value, (list, tuple)) else [value]
    if isinstance(source, numpy.ndarray):
        owner = memory.owner_of(source)
        if all(isinstance(r, numpy.ndarray) and memory.owner_of(r) is owner for r in results):
            return wrap(value)
    box = lift(source)
    numbers = numpy.arange(numpy.size(primal(source))).reshape(numpy.shape(primal(source)))
    options.pop("dtype", None)
    if function in (numpy.array, numpy.asarray, numpy.asanyarray):
        rest = ()
    places = function(numbers, *rest, **options)
    if isinstance(value, (list, tuple)):
        return type(value)([moved(v, box, p) for v, p in zip(value, places)])
    return moved(value, box, places)


def moved(value, box, places):
    if not isinstance(value, numpy.ndarray):
        return scalars.make(value, rules.take(box, places))
    if not numpy.issubdtype(value.dtype, numpy.inexact):
        return wrap(value)
    array = numpy.array(value, order="K").view(array_type)
    memory.store(array, rules.take(box, places))
    return array


def call_ufunc(function, name, args, kwargs):
    out = kwargs.pop("out", None)
    if len(args) > function.nin:
        out, args = args[function.nin :], args[: function.nin]
    if out is None or isinstance(out, tuple) and all(o is None for o in out):
        return call(function, name, args, kwargs)
    outs = out if isinstance(out, tuple) else (out,)
    traced = any_traced((args, outs), kwargs)
    if traced and kwargs:
        raise NotImplementedError(
            "numpy.%s with out= and %s under a gradient" % (name, ", ".join(kwargs))
        )
    lifted = [lift(a) for a in args] if traced else None
    function(*primal(args), out=tuple(primal(o) for o in outs), **primal(kwargs))
    if traced:
        if name in CONSTANT:
            memory.store(outs[0], memory.constant(outs[0]))
        else:
            memory.store(outs[0], getattr(anp, name)(*lifted))
    return outs[0] if len(outs) == 1 else outs
