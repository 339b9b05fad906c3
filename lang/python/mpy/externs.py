"""C functions that a program declares with `extern`, called through ctypes.

They are looked for in the shared libraries that the variable MPY_EXTERNS lists, separated by colons.
"""

import ctypes
import os
import re

import numpy

from .custom import _any_traced, _apply
from .dispatch import primal, wrap
from .gradients import Run, flat_boxes

_TYPES = {"i32": "int32", "i64": "int64", "int": "int64", "f32": "float32", "f64": "float64", "float": "float64", "i8": "int8",
          "i16": "int16", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64"}
_CODES = {"i": 0, "u": 1, "f": 2}


class _Array(ctypes.Structure):
    """mpy_array of mpy.h."""

    _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32), ("device_id", ctypes.c_int32), ("ndim", ctypes.c_int32),
                ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p),
                ("strides", ctypes.c_void_p), ("byte_offset", ctypes.c_uint64)]


def _described(array):
    shape = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
    dtype = array.dtype
    made = _Array(array.ctypes.data, 1, 0, array.ndim, _CODES[dtype.kind], 8 * dtype.itemsize, 1, ctypes.addressof(shape), None, 0)
    made.kept = shape, array
    return made


def _parts(text):
    """(NumPy's type, extents or None for a number) for each part of one side of a signature."""
    found = []
    for part in re.findall(r"(\w+)\s*(\[[^\]]*\])?", text):
        extents = re.split(r"[\s,]+", part[1].strip("[] ")) if part[1] else None
        found.append((numpy.dtype(_TYPES[part[0]]), extents))
    return found


def _function(name):
    for path in filter(None, os.environ.get("MPY_EXTERNS", "").split(":")):
        library = ctypes.CDLL(os.path.abspath(path))
        if hasattr(library, name):
            return getattr(library, name)
    raise NameError("the extern function %r is in no library that MPY_EXTERNS names" % name)


class extern:
    """`f.defvjp(fwd, bwd)` and `f.defjvp(rule)` give its derivatives."""

    def __init__(self, name, signature):
        self.__name__, self.signature = name, signature
        before, after = signature.split("->")
        self.parameters, self.results = _parts(before), _parts(after)
        self.forward = self.rule = None

    def defvjp(self, forward, backward):
        self.forward, self.backward = forward, backward

    def defjvp(self, rule):
        self.rule = rule
        return rule

    def __call__(self, *args):
        if not _any_traced(args):
            return self.call(*args)
        if self.forward:
            return _apply(self.forward, lambda kept, ans, g: self.backward(kept, g), args)
        if not self.rule:
            raise NotImplementedError("the extern function %r has no rule" % self.__name__)

        def backward(primals, ans, g):
            zeros = tuple(wrap(numpy.zeros_like(primal(p), dtype=float))[()] for p in primals)
            run = Run(lambda *tangents: self.rule(primals, tangents)[1], zeros, {}, range(len(zeros)), False)
            return run.gradients(list(flat_boxes(g)))

        return _apply(lambda *values: (self(*values), values), backward, args)

    def call(self, *args):
        name = self.__name__
        if len(args) != len(self.parameters):
            raise TypeError("%s() takes %d arguments, not %d" % (name, len(self.parameters), len(args)))
        given, extents = [], {}
        for number, ((dtype, names), value) in enumerate(zip(self.parameters, args)):
            which = "%s(): argument %d" % (name, number)
            array = numpy.asarray(value)
            if array.ndim != len(names or []):
                raise ValueError("%s has %d dimensions, not %d" % (which, array.ndim, len(names or [])))
            if not numpy.can_cast(array.dtype, dtype, "same_kind") and not isinstance(value, int):
                raise TypeError("%s is %s, not %s" % (which, array.dtype, dtype))
            for extent, size in zip(names or [], array.shape):
                wanted = extents.setdefault(extent, int(extent) if extent.isdigit() else size)
                if wanted != size:
                    raise ValueError("%s: extent %s is %d, not %d" % (which, extent, size, wanted))
            array = numpy.array(array, dtype, order="C", copy=True, subok=False)
            given.append(numpy.ctypeslib.as_ctypes_type(dtype)(array[()]) if names is None else ctypes.byref(_described(array)))
        results = [numpy.zeros([int(e) if e.isdigit() else extents[e] for e in names or []], dtype) for dtype, names in self.results]
        for (_, names), array in zip(self.results, results):
            given.append(ctypes.c_void_p(array.ctypes.data) if names is None else ctypes.byref(_described(array)))
        status = _function(name)(*given)
        if status != 0:
            raise RuntimeError("the extern function '%s' returned status %d" % (name, status))
        values = [self.value(*pair) for pair in zip(self.results, results)]
        return values[0] if len(values) == 1 else tuple(values)

    def value(self, part, array):
        if part[1] is not None:
            return wrap(array)
        return array.item() if array.dtype in (numpy.float64, numpy.int64) else array[()]
