"""What library files reach of the compiler, for CPython: the module `mpy._primitives`."""

import inspect
import json as standard_json
import math
import os
import pathlib
import sys
from copy import copy, deepcopy  # noqa: F401

import numpy

import mpy

from . import dispatch, lapack


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


def run_again(function, args, keywords):
    return function(*args, **keywords)


def checkpointed_range(r, bytes):
    if not isinstance(r, range):
        raise TypeError("checkpointed() takes a range")
    return r


def grad(function, argnum=0):
    return mpy.grad(function, argnum)


grad_once = grad


def may_be_differentiated():
    """Whether rules of derivatives are asked for: here they are autograd's."""
    return False


def jvp(function, primals, tangents):
    return mpy.jvp(function, primals, tangents)


def for_examples(count, function):
    """Nothing: here a loop calls the function for each example."""
    return None


_sets = [()]  # what is in a set, by the number of the set


def _number_of(members):
    if members not in _sets:
        _sets.append(members)
    return float(_sets.index(members))


def sets(routine, x):
    """Sets of numbers, by numbers of their own."""
    if routine == "set_singletons":
        return dispatch.wrap(numpy.array([_number_of((k,)) for k in range(x)]))
    found = [_sets[int(number)] for number in dispatch.primal(x)]
    if routine == "set_sizes":
        return dispatch.wrap(numpy.array([len(members) for members in found], dtype=numpy.int64))
    return dispatch.wrap(numpy.array([k for members in found for k in members], dtype=numpy.int64))


def jvp_sets(function, primals, numbers):
    """What the elements of the value depend on: here what their slopes by all elements say, at a few points."""
    (x,), (given,) = primals, numbers
    slopes = 0.0
    for factor in (0.0, 0.3, -0.4):
        step = factor * numpy.cos(numpy.arange(x.size) + 1.0).reshape(x.shape)
        slopes = slopes + numpy.abs(dispatch.primal(mpy.jacobian(function)(x * (1.0 + step))))
    names = numpy.ravel(dispatch.primal(given))
    value = dispatch.primal(function(x))
    rows = numpy.reshape(slopes, (numpy.size(value), numpy.size(names)))
    found = [sum((_sets[int(number)] for number in names[row != 0]), ()) for row in rows]
    result = numpy.reshape([_number_of(members) for members in found], numpy.shape(value))
    return value, dispatch.wrap(result)


def known_number(value):
    return value


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


def rename(cls, name, like=None):
    cls.__name__ = cls.__qualname__ = name
    if like is not None:
        cls.__doc__ = like.__doc__
    return cls


def unsupported(what, help=""):
    raise NotImplementedError(what)


def factors(routine, a, flags=0, b=None):
    """The results of runtime/Lapack.cpp, by the same routines of LAPACK."""
    return dispatch.wrap(lapack.factors(routine, dispatch.primal(a), flags, dispatch.primal(b)))


def norm(x, ord=None, axis=None, keepdims=False):
    from . import library

    return library.library.linalg.norm(x, ord, axis, keepdims)


_python_stream = numpy.random.RandomState()
_pairs = {}  # the second number of a pair of normal ones, by the state


def python_stream():
    return _python_stream


def numpy_stream():
    return numpy.random.mtrand._rand


def seed_words(state, words):
    state.seed(list(words))
    _pairs.pop(id(state), None)


def gauss(state):
    number = _pairs.pop(id(state), None)
    if number is None:
        turn = state.random_sample() * 2.0 * math.pi
        radius = math.sqrt(-2.0 * math.log(1.0 - state.random_sample()))
        number, _pairs[id(state)] = math.cos(turn) * radius, math.sin(turn) * radius
    return number


def complex_kind(x):
    """What an operand is, as the compiler numbers them."""
    if isinstance(x, numpy.ndarray):
        return 5 if numpy.iscomplexobj(x) else 4
    if isinstance(x, numpy.generic):
        return 3 if numpy.iscomplexobj(x) else 2
    if isinstance(x, (list, tuple, range)):
        return 6
    return 1 if isinstance(x, complex) else 0 if isinstance(x, (int, float)) else -1


def complex_parts(x):
    if isinstance(x, (numpy.ndarray, numpy.generic)):
        return x.real, x.imag
    number = complex(x)
    return number.real, number.imag


def complex_of(re, im):
    if type(re) is float and type(im) is float:
        return complex(re, im)
    re, im = numpy.broadcast_arrays(re, im)
    result = numpy.empty(re.shape, numpy.result_type(re, im, numpy.complex64))
    result.real, result.imag = re, im
    return result[()]


def fourier(x, inverse=False, behind=0):
    whole = complex_of(x[..., 0], x[..., 1])
    axis = -1 - behind
    whole = numpy.fft.ifft(whole, axis=axis, norm="forward") if inverse else numpy.fft.fft(whole, axis=axis)
    return numpy.stack([whole.real, whole.imag], -1).astype(x.dtype)


def own_values(cls):
    skipped = (type(own_values), property, staticmethod, classmethod, type)
    return tuple(name for name, value in vars(cls).items() if not name.startswith("_") and not isinstance(value, skipped))


def new_object(cls):
    return object.__new__(cls)


def named_tuple(cls, fields, items):
    raise NotImplementedError("classes of tuples are made by the compiler")


_files = {0: None}


def _file(number):
    return sys.stdin if number == 0 else _files[number]


def file_open(path, mode):
    letters = mode.replace("wx", "x").replace("w+x", "x+")
    file = open(path, letters, encoding="utf-8", newline="")
    number = max(_files) + 1
    _files[number] = file
    return number


def file_close(number):
    _file(number).close()


def file_flush(number):
    _file(number).flush()


def _translated(text, translates):
    return text.replace("\r\n", "\n").replace("\r", "\n") if translates else text


def file_line(number, translates):
    return _translated(_file(number).readline(), translates)


def file_read(number, count, translates):
    return _translated(_file(number).read(count), translates)


def file_write(number, text):
    _file(number).write(text)


def file_tell(number):
    return _file(number).tell()


def file_seek(number, offset, whence):
    return _file(number).seek(offset, whence)


def path_kind(path):
    return 1 if os.path.isfile(path) else 2 if os.path.isdir(path) else 3 if os.path.exists(path) else 0


def path_size(path):
    return os.path.getsize(path)


def path_make(path):
    os.mkdir(path)


def path_remove(path, is_folder):
    if is_folder:
        os.rmdir(path)
    else:
        os.remove(path)


def path_rename(path, new):
    os.rename(path, new)


def path_list(path):
    return "/".join(os.listdir(path))


def path_here():
    return os.getcwd()


def environment_has(name):
    return name in os.environ


def environment(name):
    return os.environ.get(name, "")


def json(text):
    try:
        return standard_json.loads(text), None
    except standard_json.JSONDecodeError as error:
        return None, str(error)


def seen_text(path):
    return pathlib.Path(path).read_text() if os.path.exists(path) else None


_print_options = []
_device = [-1]


def choose_device(device):
    _device[0] = device


def chosen_device():
    return _device[0]


def push_print_options():
    _print_options.append(numpy.get_printoptions())


def pop_print_options():
    numpy.set_printoptions(**_print_options.pop())


_plots = []  # what calls of matplotlib.pyplot say: records of numbers
_newest_plot = [0]


def _finish_plots():
    if _plots:
        _plots[_newest_plot[0] + 1] = len(_plots) - _newest_plot[0]


def plots_begin(kind):
    _finish_plots()
    _newest_plot[0] = len(_plots)
    _plots.extend((kind, 0))
    return _newest_plot[0]


def plots_number(value):
    _plots.append(float(value))


def plots_list(values):
    values = [float(value) for value in numpy.asarray(values)]
    _plots.append(len(values))
    _plots.extend(values)


def plots_text(text):
    _plots.append(len(text))
    _plots.extend(ord(letter) for letter in text)


def plots_draw():
    """By the program of lang/drawing, as compiled programs do."""
    _finish_plots()
    sys.stdout.flush()
    import importlib

    if _Drawing not in sys.meta_path:
        sys.meta_path.append(_Drawing)
    _draw(importlib.import_module("drawing"), numpy.array(_plots))


def _draw(drawing, log):
    """Repeats the steps of a drawing, as runtime/plots/DrawPlots.cpp does."""
    tables = drawing.tables(log)
    last = at = 0
    while at < len(log):
        last, at = at, at + int(log[at + 1])
        record, *tables = drawing.scan_record(log, *tables, last)
        log[last:at] = record
    figures, axes, handles, numbers = tables
    ticks = texts = numpy.zeros(0)
    for paints, kind, figure, k, other, number in drawing.plan(log, *tables, last).astype(int):
        if paints:
            turn = 0
            while True:
                texts, turn = drawing.paint_step(log, figures, axes, handles, numbers, ticks, texts, kind, figure, k, other, number, turn, last)
                if turn == 0:
                    break
        else:
            figures, axes, ticks = drawing.arrange(log, figures, axes, handles, numbers, ticks, kind, figure, k, other)


class _Drawing:
    """Finds the modules of lang/drawing, which need no derivatives."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        import importlib.machinery
        import importlib.util

        from .written import LIBRARY

        for file in (LIBRARY.parent / "drawing" / (name + ".mpy"), LIBRARY / "matplotlib" / (name + ".mpy")):
            if path is None and file.exists():
                return importlib.util.spec_from_loader(name, importlib.machinery.SourceFileLoader(name, str(file)))
        return None


def __getattr__(name):
    """Special functions: `erf`, `ndtr` .. and families by an order."""
    from . import special

    if name in ("special", "stop_gradient"):
        return getattr(special, name)
    if name.startswith("__"):
        raise AttributeError(name)
    return special.elementary(name)
