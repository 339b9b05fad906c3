"""The layer in place of `numpy`, `autograd.numpy`, `minpy.numpy`: their names, over our arrays."""

import types

import numpy

from . import composites as _composites  # noqa: F401  fills the table of composed functions
from . import scalars
from .array import ndarray
from .dispatch import call, call_ufunc, is_traced, primal, wrap

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(numpy.sum), type(numpy.dot))


class Ufunc:
    """A universal function with `at`, `outer`, `reduce` and `accumulate`."""

    def __init__(self, ufunc):
        self.ufunc = ufunc
        self.__name__, self.__doc__ = ufunc.__name__, ufunc.__doc__

    def __call__(self, *args, **kwargs):
        return call_ufunc(self.ufunc, self.__name__, args, kwargs)

    def __getattr__(self, name):
        attribute = getattr(self.ufunc, name)
        if not callable(attribute):
            return attribute
        return _function(attribute, "%s.%s" % (self.__name__, name))

    def __repr__(self):
        return repr(self.ufunc)


class Indexed:
    """`np.r_`, `np.c_`, `np.mgrid`, ...: results of an index expression."""

    def __init__(self, helper):
        self.helper = helper

    def __getitem__(self, index):
        if is_traced(index):
            raise NotImplementedError("r_ and c_ of traced values are not supported")
        return wrap(self.helper[primal(index)])


class Archive:
    """What `np.load` gives for an `.npz` file."""

    def __init__(self, file):
        self.file, self.files = file, file.files

    def __getitem__(self, name):
        return wrap(self.file[name])

    def __contains__(self, name):
        return name in self.file

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)

    def keys(self):
        return list(self.files)

    def items(self):
        return [(name, self[name]) for name in self.files]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def close(self):
        self.file.close()


def _function(function, name):
    def library_function(*args, **kwargs):
        return call(function, name, args, kwargs)

    library_function.__name__ = name.rpartition(".")[2]
    library_function.__doc__ = function.__doc__
    return library_function


def _same_object(function):
    """`asarray` and its like give back an array that needs no change."""

    def convert(a, dtype=None, *args, **kwargs):
        if (
            isinstance(a, ndarray)
            and (dtype is None or a.dtype == numpy.dtype(primal(dtype)))
            and not kwargs
        ):
            return a
        if dtype is not None:
            kwargs["dtype"] = dtype
        return call(function, function.__name__, (a,) + args, kwargs)

    return convert


def _load(*args, **kwargs):
    result = numpy.load(*primal(args), **kwargs)
    return wrap(result) if isinstance(result, numpy.ndarray) else Archive(result)


def _array(a, dtype=None, **kwargs):
    if dtype is not None:
        kwargs["dtype"] = dtype
    result = call(numpy.array, "array", (a,), primal(kwargs))
    return result


def cast(kind, value):
    """`float(x)`, `np.float64(x)`, `np.float32(x)` of a traced value keep its derivative."""
    if isinstance(value, numpy.ndarray):
        value = value.item() if kind is float else value.astype(kind)[()]
        return value
    if kind is float:
        return scalars.python_float(value)
    return call(numpy.array, "array", (value,), {}).astype(kind)[()]


class Library(types.ModuleType):
    """A module whose names are looked up in NumPy's on first use."""

    def __init__(self, name, module, prefix=""):
        super().__init__(name, module.__doc__)
        self.__path__ = []
        self._module, self._prefix = module, prefix

    def __getattr__(self, name):
        value = getattr(self._module, name)
        if isinstance(value, numpy.ufunc):
            value = Ufunc(value)
        elif isinstance(value, types.ModuleType):
            raise AttributeError("module '%s' has no attribute '%s'" % (self.__name__, name))
        elif isinstance(value, type):
            pass
        elif isinstance(value, _FUNCTIONS):
            value = _function(value, self._prefix + name)
        elif hasattr(value, "__getitem__") and not isinstance(value, (str, dict, list, tuple)):
            value = Indexed(value)
        setattr(self, name, value)
        return value

    def __dir__(self):
        return dir(self._module)


def _drawing(method):
    def draw(self, *args, **kwargs):
        if is_traced(args) or is_traced(kwargs):
            raise NotImplementedError("random draws with traced parameters are not supported")
        return wrap(method(self, *primal(args), **primal(kwargs)))

    draw.__name__ = method.__name__
    return draw


def _shuffling(method):
    def shuffle(self, x, *args, **kwargs):
        if is_traced(x):
            order = numpy.arange(len(x))
            method(self, order, *args, **kwargs)
            x[...] = x[order]
        else:
            method(self, primal(x) if isinstance(x, numpy.ndarray) else x, *args, **kwargs)

    return shuffle


def _generator_class(base):
    names = {}
    for name in dir(base):
        method = getattr(base, name)
        if not name.startswith("_") and callable(method):
            names[name] = _shuffling(method) if name == "shuffle" else _drawing(method)
    return type(base.__name__, (base,), dict(names, __module__="numpy.random"))


RandomState = _generator_class(numpy.random.RandomState)
Generator = _generator_class(numpy.random.Generator)


def _default_rng(seed=None):
    return Generator(numpy.random.default_rng(primal(seed)).bit_generator)


def _random_library():
    library = Library("numpy.random", numpy.random)
    state = RandomState(numpy.random.mtrand._rand._bit_generator)
    for name in dir(numpy.random.RandomState):
        if not name.startswith("_") and hasattr(numpy.random, name):
            setattr(library, name, getattr(state, name))
    library.ranf = library.sample = library.random_sample
    library.random = state.random_sample
    library.RandomState, library.Generator, library.default_rng = (
        RandomState,
        Generator,
        _default_rng,
    )
    return library


def _numpy_library():
    library = Library("numpy", numpy)
    library.ndarray = ndarray
    library.random = _random_library()
    library.linalg = Library("numpy.linalg", numpy.linalg, "linalg.")
    library.fft = Library("numpy.fft", numpy.fft, "fft.")
    for name in ("asarray", "asanyarray"):
        setattr(library, name, _same_object(getattr(numpy, name)))
    library.array, library.load = _array, _load
    for name in (
        "set_printoptions",
        "get_printoptions",
        "seterr",
        "errstate",
        "printoptions",
        "dtype",
        "finfo",
        "iinfo",
    ):
        setattr(library, name, getattr(numpy, name))
    return library


library = _numpy_library()
