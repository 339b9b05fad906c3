"""`scipy` for programs under CPython: SciPy's own functions over this package's arrays.

Under a gradient a function is autograd's where autograd has all of its derivatives, else the one of lang/library. Functions of
the program that SciPy calls get this package's arrays.
"""

import functools
import importlib
import types

import numpy

from . import trace, written
from .dispatch import any_traced, from_box, lift, primal, wrap

# Functions of scipy.special whose derivatives autograd has, in every argument.
_OF_AUTOGRAD = frozenset("erf erfc erfinv gamma gammaln digamma psi beta betaln j0 j1 y0 y1 i0 i1 expit".split())
_PARTS = "special stats optimize integrate linalg signal interpolate fft fftpack spatial.distance".split()


def _called_by_scipy(value):
    """A function of the program as SciPy calls it."""
    if callable(value) and not isinstance(value, type):
        # SciPy looks at the names of a callback's parameters.
        return functools.wraps(value)(lambda *args, **kwargs: primal(value(*wrap(args), **wrap(kwargs))))
    return primal(value)


def _result(value):
    """SciPy's result; records of results keep their class."""
    if isinstance(value, dict):
        for key in value:
            value[key] = _result(value[key])
        return value
    if type(value) in (numpy.ndarray, list, tuple):
        return wrap(value)
    return value


def _ours(module, name):
    for file in written.files(module):
        names = written.load(file)
        if name in names:
            return names[name]
    raise NotImplementedError("no derivative of %s.%s" % (module, name))


def _function(module, name, real):
    def function(*args, **kwargs):
        callbacks = [v for v in (*args, *kwargs.values()) if callable(v) and not isinstance(v, type)]
        if any_traced(args, kwargs) or callbacks and trace.live:
            if module == "scipy.special" and name in _OF_AUTOGRAD:
                rule = getattr(importlib.import_module("autograd.scipy.special"), name)
                return from_box(rule(*[lift(a) for a in args], **{k: lift(v) for k, v in kwargs.items()}))
            return _ours(module, name)(*args, **kwargs)
        given = [_called_by_scipy(a) for a in args]
        return _result(real(*given, **{k: _called_by_scipy(v) for k, v in kwargs.items()}))

    function.__name__ = name
    return function


class _Object:
    """A distribution, or one with its parameters: methods of SciPy's object, under a gradient of ours."""

    def __init__(self, real, ours):
        self._real, self._ours = real, ours

    def __call__(self, *args, **kwargs):
        if any_traced(args, kwargs):
            return self._ours()(*args, **kwargs)
        return _Object(self._real(*primal(args), **primal(kwargs)), lambda: self._ours()(*args, **kwargs))

    def __getattr__(self, name):
        value = getattr(self._real, name)
        if not callable(value):
            return _result(value)

        def method(*args, **kwargs):
            if any_traced(args, kwargs):
                return getattr(self._ours(), name)(*args, **kwargs)
            return _result(value(*[_called_by_scipy(a) for a in args], **{k: _called_by_scipy(v) for k, v in kwargs.items()}))

        return method


class _Part(types.ModuleType):
    def __getattr__(self, name):
        real = getattr(importlib.import_module(self.__name__), name)
        if isinstance(real, type) or isinstance(real, (int, float)):
            value = real
        elif isinstance(real, types.ModuleType):
            raise AttributeError(name)
        elif hasattr(real, "rvs"):
            value = _Object(real, lambda: _ours(self.__name__, name))
        else:
            value = _function(self.__name__, name, real)
        setattr(self, name, value)
        return value


def build():
    """name -> module of SciPy, also by the names under autograd."""
    modules = {}
    for prefix in ("", "autograd."):
        top = types.ModuleType(prefix + "scipy")
        top.__path__ = []
        modules[prefix + "scipy"] = top
        for name in _PARTS:
            part = modules.setdefault("scipy." + name, _Part("scipy." + name))
            parent, _, last = name.rpartition(".")
            if parent:
                modules[prefix + "scipy." + parent] = modules.setdefault("scipy." + parent, _Part("scipy." + parent))
                setattr(top, parent, modules["scipy." + parent])
            setattr(modules["scipy." + parent] if parent else top, last, part)
            modules[prefix + "scipy." + name] = part
    for name in ("norm", "t", "beta", "gamma", "chi2", "poisson", "dirichlet", "multivariate_normal"):
        modules["autograd.scipy.stats." + name] = _Lazy("scipy.stats", name)
    return modules


class _Lazy(types.ModuleType):
    """`import autograd.scipy.stats.norm`: autograd has a module for each distribution."""

    def __init__(self, module, name):
        super().__init__(module + "." + name)
        self._place = (module, name)

    def __getattr__(self, name):
        return getattr(getattr(_Part(self._place[0]), self._place[1]), name)
