import builtins as _builtins
import ctypes as _c
import os as _os
import struct as _struct
import sys as _sys
import threading as _threading

import numpy as _np

_library = _c.CDLL(_os.path.join(_os.path.dirname(_os.path.abspath(__file__)), _LIBRARY))
try:
    _c.c_char.in_dll(_library, _SIGNATURE)
except ValueError:
    raise ImportError(f"{_LIBRARY} and {__file__} were not written together: compile again", name=__name__, path=__file__) from None


class _Array(_c.Structure):
    _fields_ = [("data", _c.c_void_p), ("device", _c.c_int32), ("device_id", _c.c_int32), ("ndim", _c.c_int32),
                ("code", _c.c_uint8), ("bits", _c.c_uint8), ("lanes", _c.c_uint16), ("shape", _c.c_void_p),
                ("strides", _c.c_void_p), ("byte_offset", _c.c_uint64)]


_write_type = _c.CFUNCTYPE(None, _c.c_void_p, _c.c_void_p, _c.c_size_t)
for _name, _result, _parameters in (
        ("mpy_ctx_new_for", _c.c_void_p, [_c.c_int64]), ("mpy_ctx_free", None, [_c.c_void_p]),
        ("mpy_ctx_set_output", None, [_c.c_void_p, _write_type, _c.c_void_p]),
        ("mpy_error_kind", _c.c_char_p, [_c.c_void_p]), ("mpy_error_text", _c.c_char_p, [_c.c_void_p]),
        ("mpy_error_file", _c.c_char_p, [_c.c_void_p]), ("mpy_error_line", _c.c_int64, [_c.c_void_p]),
        ("mpy_array_free", None, [_c.POINTER(_Array)])):
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _parameters
_free_array, _free_context = _library.mpy_array_free, _library.mpy_ctx_free


@_write_type
def _write(_, data, count):
    # Compiled code prints whole characters, but not whole lines.
    try:
        _sys.stdout.write(_c.string_at(data, count).decode("utf-8", "replace"))
    except Exception:  # nobody is there to catch it
        pass


class _Context:
    """The state of compiled code; each thread has one."""

    def __init__(self):
        self.pointer = _library.mpy_ctx_new_for(_ABI_VERSION)
        if not self.pointer:
            raise MemoryError("no context of compiled code")
        _library.mpy_ctx_set_output(self.pointer, _write, None)

    def __del__(self, free=_free_context):
        if getattr(self, "pointer", None):
            free(self.pointer)


_contexts = _threading.local()


def _context():
    try:
        return _contexts.one.pointer
    except AttributeError:
        _contexts.one = _Context()
        return _contexts.one.pointer


class _Memory:
    """Memory of an array that a call has made; it is freed with the last array that looks at it."""

    def __init__(self, array, shape, leaf):
        self.array = array
        self.__array_interface__ = {"data": (array.data, False), "shape": shape, "typestr": leaf.dtype.str, "version": 3}

    def __del__(self, free=_free_array, pointer=_c.byref):
        free(pointer(self.array))


class _Leaf:
    """A number or array that goes in or comes out."""

    def __init__(self, name, dtype, shape):
        self.name, self.dtype, self.shape = name, _np.dtype(dtype), shape
        self.is_number = shape is None
        self.number = _np.ctypeslib.as_ctypes_type(self.dtype)
        self.python = {"f": float, "i": int, "u": int, "b": bool}[self.dtype.kind]
        if not self.is_number:
            self.rank = len(shape)
            self.code = {"f": 2, "i": 0, "u": 1, "b": 6}[self.dtype.kind]
            self.bits = 8 * self.dtype.itemsize
            # An _Array with its shape and strides behind it.
            self.pack = _struct.Struct(f"=QiiiBBHQQQ{2 * self.rank}q").pack_into
            self.memory = _c.c_char * (_c.sizeof(_Array) + 16 * self.rank)
            self.zeros = (0,) * self.rank

    def take(self, value):
        """A number as C gets it."""
        if type(value) is not self.python:
            value = self.convert(value)
        if self.python is int and not -1 << 63 <= value < 1 << 63:
            raise OverflowError(f"{self.name} does not fit in 64 bits")
        return value

    def convert(self, value):
        if isinstance(value, (bool, int, float, _np.generic)) or (isinstance(value, _np.ndarray) and value.ndim == 0):
            if _np.can_cast(_np.asarray(value).dtype, self.dtype, "safe") or (self.python is float and isinstance(value, int)):
                return self.python(value)
        raise TypeError(f"{self.name} must be of type {self.python.__name__}, not {type(value).__name__}")

    def array(self, value):
        """The value as an array of the type of the parameter, without a copy where it is one."""
        if hasattr(value, "__dlpack__") and not isinstance(value, _np.ndarray):
            value = _np.from_dlpack(value)
        value = _np.asarray(value)
        if value.dtype == self.dtype and value.dtype.isnative:
            return value.astype(self.dtype, copy=False)
        if value.size == 0 or _np.can_cast(value.dtype, self.dtype, "safe"):
            return value.astype(self.dtype)
        raise TypeError(f"{self.name} must be an array of {self.dtype}, not of {value.dtype}")

    def lend(self, value, kept):
        """An array as C sees it, for the time of a call."""
        if type(value) is not _np.ndarray or value.dtype is not self.dtype:
            value = self.array(value)
        rank, strides, steps = value.ndim, 0, self.zeros
        if rank != self.rank:
            # Compiled code says what is wrong.
            shape = (_c.c_int64 * (rank or 1))(*value.shape)
            made = _Array(None, 1, 0, rank, self.code, self.bits, 1, _c.addressof(shape), None, 0)
            kept.append((shape, made))
            return _c.byref(made)
        memory = self.memory()
        at = _c.addressof(memory) + 48
        if not value.flags.c_contiguous:
            itemsize = self.dtype.itemsize
            if any(step % itemsize for step in value.strides):
                value = value.copy()
            else:
                strides, steps = at + 8 * rank, [step // itemsize for step in value.strides]
        self.pack(memory, 0, value.ctypes.data, 1, 0, rank, self.code, self.bits, 1, at, strides, 0, *value.shape, *steps)
        kept.append(value)
        return memory


def _fail(context):
    """Raises what the compiled code raised, at its line."""
    kind = _library.mpy_error_kind(context).decode()
    text = _library.mpy_error_text(context).decode("utf-8", "replace")
    file, line = _library.mpy_error_file(context).decode("utf-8", "replace"), _library.mpy_error_line(context)
    known = getattr(_builtins, kind, None)
    if kind == "LinAlgError":
        known = _np.linalg.LinAlgError
    if not (isinstance(known, type) and issubclass(known, BaseException)):
        known, text = RuntimeError, f"{kind}: {text}" if text else kind
    error = known(text) if text else known()
    error.mpy_file, error.mpy_line = file, line
    if hasattr(error, "add_note"):
        error.add_note(f"at {file}:{line}" if line else f"in {file}")
    # The traceback ends at the line of the program.
    exec(compile("\n" * (max(line, 1) - 1) + "raise error", file, "exec"), {"error": error})


class _Function:
    """A compiled function: values of its leaves in, values of the leaves of its result out."""

    def __init__(self, name, parameters, results):
        self.function = getattr(_library, name)
        self.parameters = [_Leaf(*leaf) for leaf in parameters]
        self.results = [_Leaf(*leaf) for leaf in results]
        types = [_c.c_void_p]
        types += [leaf.number if leaf.is_number else _c.c_void_p for leaf in self.parameters]
        types += [_c.c_void_p] * len(self.results)
        self.function.argtypes, self.function.restype = types, _c.c_int

    def __call__(self, *values):
        context, kept = _context(), []
        words = [leaf.take(value) if leaf.is_number else leaf.lend(value, kept)
                 for leaf, value in zip(self.parameters, values)]
        outs = [leaf.number() if leaf.is_number else _Array() for leaf in self.results]
        status = self.function(context, *words, *map(_c.byref, outs))
        if status:
            if status == _BUSY:
                raise RuntimeError("compiled code calls itself through Python in one thread")
            _fail(context)
        return [out.value if leaf.is_number else self.wrap(out, leaf) for leaf, out in zip(self.results, outs)]

    @staticmethod
    def wrap(out, leaf):
        shape = tuple((_c.c_int64 * leaf.rank).from_address(out.shape)) if leaf.rank else ()
        return _np.asarray(_Memory(out, shape, leaf))


_hidden = {}


def _hide(name, function):
    """A function whose name this file has for something else: who asks the module for it finds it."""
    function.__name__ = function.__qualname__ = name
    _hidden[name] = function


def __getattr__(name):
    try:
        return _hidden[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def _find(name):
    return _hidden.get(name) or globals().get(name)


def torch_function(name):
    """A function of this module for PyTorch, with its derivative if the module has `_vjp` or `_value_and_grad` of it.

    Its arguments are tensors and numbers, its result a tensor or a tuple of them. On other devices it copies.
    """
    import torch
    from torch.autograd.function import once_differentiable

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no function {name!r}")
    plain, product, both = _find(name), _find(name + "_vjp"), _find(name + "_value_and_grad")
    wrt = getattr(product or both, "wrt", ())
    places = wrt if isinstance(wrt, tuple) else (wrt,)

    def given(value):
        return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value

    def tensor(value):
        # A float of Python is one of 64 bits, which PyTorch would round.
        return torch.as_tensor(_np.asarray(value))

    def tensors(result):
        return tuple(map(tensor, result)) if isinstance(result, (tuple, list)) else tensor(result)

    class Compiled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *values):
            is_tensor = [isinstance(value, torch.Tensor) for value in values]
            ctx.save_for_backward(*(value for value, one in zip(values, is_tensor) if one))
            ctx.numbers = [None if one else value for value, one in zip(values, is_tensor)]
            ctx.grads = None
            if product is None and both is not None and any(ctx.needs_input_grad[place] for place in places):
                result, grads = both(*map(given, values))
                ctx.grads = grads if isinstance(wrt, tuple) else (grads,)
            else:
                result = plain(*map(given, values))
            return tensors(result)

        @staticmethod
        @once_differentiable
        def backward(ctx, *cotangents):
            saved = iter(ctx.saved_tensors)
            values = [next(saved) if number is None else number for number in ctx.numbers]
            if any(needed and place not in places for place, needed in enumerate(ctx.needs_input_grad)):
                raise NotImplementedError(f"{name} was exported with derivatives by the parameters {places} alone")
            if ctx.grads is not None:
                grads = [tensor(grad) * cotangents[0].cpu() for grad in ctx.grads]
            else:
                grads = product(*map(given, values), given(cotangents[0]) if len(cotangents) == 1 else tuple(map(given, cotangents)))
                grads = [tensor(grad) for grad in (grads if isinstance(wrt, tuple) else (grads,))]
            result = [None] * len(values)
            for place, grad in zip(places, grads):
                if ctx.needs_input_grad[place]:
                    result[place] = grad.to(values[place].device, values[place].dtype)
            return tuple(result)

    Compiled.__name__ = Compiled.__qualname__ = name
    return Compiled.apply

