"""What library files reach of the compiler, for CPython: the module `mpy._primitives`."""

import inspect

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
