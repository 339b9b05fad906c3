"""What library files reach of the compiler, for CPython: the module `mpy._primitives`."""

import inspect
from copy import copy, deepcopy  # noqa: F401

import numpy

import mpy


def hash_of(key):
    return hash(key) & 0x3FFFFFFFFFFFFFFF


def in_any_order(iterable):
    return list(iterable)


def is_dict(value):
    return isinstance(value, dict)


def is_set(value):
    return isinstance(value, set)


def parameter_names(function):
    return list(inspect.signature(function).parameters)


def grad(function, argnum=0):
    return mpy.grad(function, argnum)


grad_once = grad


def jvp(function, primals, tangents):
    return mpy.jvp(function, primals, tangents)


class _Stream:
    """A state of random numbers by the names of RandomState, with the draws of a Generator."""

    def __init__(self, seeds):
        self.generator = numpy.random.Generator(numpy.random.PCG64(seeds))
        self.random_sample = self.generator.random
        self.randint = self.generator.integers

    def __getattr__(self, name):
        return getattr(self.generator, name)


def generator(seeds=None):
    return _Stream(None if seeds is None else [int(seed) for seed in seeds])


def annotations(cls):
    return tuple(cls.__dict__.get("__annotations__", ()))


def own_names(cls):
    return tuple(cls.__dict__)


def rename(cls, name):
    cls.__name__ = cls.__qualname__ = name
    return cls


def named_tuple(cls, fields, items):
    raise NotImplementedError("classes of tuples are made by the compiler")
