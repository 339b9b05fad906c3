"""Loads libmpyrt.a through ctypes: arrays go in as views, texts and arrays come back as Python's."""
import ctypes as c
import os
import subprocess
import tempfile

import numpy as np

OBJCOPY = "/usr/lib/llvm-22/bin/llvm-objcopy"
DTYPES = {"bool": 0, "int32": 1, "int64": 2, "float32": 3, "float64": 4}
NAMES = {number: name for name, number in DTYPES.items()}


class Array(c.Structure):
    _fields_ = [("data", c.c_void_p), ("dtype", c.c_int32), ("rank", c.c_int32),
                ("sizes", c.c_void_p), ("strides", c.c_void_p)]


class PythonError(Exception):
    """What the runtime raised, as `Kind: message`."""


DRIVER = r"""
#include "mpyrt.h"
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
static jmp_buf target;
static char message[65536];
static void hook(void *, const char *, int64_t, const char *kind, const char *text) {
  snprintf(message, sizeof message, "%s: %s", kind, text);
  longjmp(target, 1);
}
extern "C" const char *driver_message() { return message; }
extern "C" int driver_call(void (*call)(void *), void *data) {
  mpy_set_error_hook(hook, nullptr);
  if (setjmp(target))
    return 1;
  call(data);
  return 0;
}
typedef int64_t i;
typedef double d;
typedef const char *s;
// Calls by shape of arguments: integers and pointers first, then doubles, as the ABI passes them.
struct Call { void *function; i integers[14]; d doubles[6]; i result; d doubleResult; int kind; };
static void perform(void *data) {
  Call *call = static_cast<Call *>(data);
  i *x = call->integers;
  d *y = call->doubles;
  if (call->kind == 1)
    call->doubleResult = reinterpret_cast<d (*)(i, i, i, i, i, i, i, i, i, i, i, i, i, i, d, d, d, d, d, d)>(call->function)(
        x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], y[0], y[1], y[2], y[3], y[4], y[5]);
  else
    call->result = reinterpret_cast<i (*)(i, i, i, i, i, i, i, i, i, i, i, i, i, i, d, d, d, d, d, d)>(call->function)(
        x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11], x[12], x[13], y[0], y[1], y[2], y[3], y[4], y[5]);
}
extern "C" int driver_perform(Call *call) { return driver_call(perform, call); }
"""


class Call(c.Structure):
    _fields_ = [("function", c.c_void_p), ("integers", c.c_int64 * 14), ("doubles", c.c_double * 6),
                ("result", c.c_int64), ("doubleResult", c.c_double), ("kind", c.c_int)]


class Runtime:
    """The functions of the runtime; a failure is a PythonError."""

    def __init__(self, library, compiler):
        include = os.path.join(os.path.dirname(__file__), "..", "..", "runtime", "include")
        self.folder = tempfile.TemporaryDirectory()
        source = os.path.join(self.folder.name, "driver.cpp")
        shared = os.path.join(self.folder.name, "driver.so")
        with open(source, "w") as file:
            file.write(DRIVER)
        library = self.with_all_names(library)
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wl,-Bsymbolic", "-I", include, source, "-o", shared,
                        "-Wl,--whole-archive", library, "-Wl,--no-whole-archive", "-ldl", "-lm"],
                       check=True)
        self.lib = c.CDLL(shared)
        self.lib.driver_message.restype = c.c_char_p
        self.lib.driver_perform.argtypes = [c.POINTER(Call)]
        for name in ("mpy_string_from", "mpy_alloc"):
            getattr(self.lib, name).restype = c.c_void_p
        self.lib.mpy_string_from.argtypes = [c.c_char_p, c.c_int64]
        self.lib.mpy_release.argtypes = [c.c_void_p]
        self.lib.mpy_live_buffers.restype = c.c_int64
        self.lib.mpy_begin(0, None, b"test.mpy")

    def with_all_names(self, library):
        """The archive with the functions that a shared library of it does not show."""
        listed = subprocess.run(["nm", "--defined-only", "-g", library], capture_output=True, text=True, check=True)
        names = os.path.join(self.folder.name, "names.txt")
        with open(names, "w") as file:
            file.write("\n".join({words[2] for words in map(str.split, listed.stdout.splitlines()) if len(words) == 3}))
        seen = os.path.join(self.folder.name, "libseen.a")
        subprocess.run([OBJCOPY, f"--set-symbols-visibility={names}=default", library, seen], check=True)
        return seen

    def call(self, name, *arguments, kind="int", placed=False, results=0):
        """Calls `name`; `results` is the rank of an array result, whose dtype `kind` names.
        str arguments become texts, arrays views, floats doubles. kind: int, float, text, void."""
        call = Call()
        call.function = c.cast(getattr(self.lib, name), c.c_void_p)
        keep, texts, integers, doubles = [], [], [], []
        file = c.create_string_buffer(b"test.mpy")
        if placed:
            integers += [c.addressof(file), 7]
        for argument in arguments:
            if isinstance(argument, str):
                encoded = argument.encode()
                texts.append(self.lib.mpy_string_from(encoded, len(encoded)))
                integers.append(texts[-1])
            elif isinstance(argument, float):
                doubles.append(argument)
            elif isinstance(argument, np.ndarray):
                keep.append(self.view(argument))
                integers.append(c.addressof(keep[-1][0]))
            elif argument is None:
                integers.append(0)
            else:
                integers.append(argument)
        data, sizes = c.c_void_p(), (c.c_int64 * 9)()
        if results:
            integers += [c.addressof(data), c.addressof(sizes)]
        for index, value in enumerate(integers):
            call.integers[index] = value
        for index, value in enumerate(doubles):
            call.doubles[index] = value
        call.kind = 1 if kind == "float" else 0
        failed = self.lib.driver_perform(c.byref(call))
        for text in texts:
            self.lib.mpy_release(text)
        if failed:
            raise PythonError(self.lib.driver_message().decode())
        if results:
            shape = tuple(sizes[:results])
            count = int(np.prod(shape))
            dtype = np.dtype(kind)
            array = np.frombuffer(c.string_at(data.value, count * dtype.itemsize), dtype).reshape(shape)
            self.lib.mpy_release(data)
            return array, call.result
        if kind == "text":
            length = c.c_int64.from_address(call.result).value
            text = c.string_at(call.result + 8, length).decode()
            self.lib.mpy_release(call.result)
            return text
        return call.doubleResult if kind == "float" else call.result if kind != "void" else None

    @staticmethod
    def view(array):
        rank = array.ndim
        sizes = (c.c_int64 * max(rank, 1))(*array.shape)
        strides = (c.c_int64 * max(rank, 1))(*[s // array.itemsize for s in array.strides])
        view = Array(array.ctypes.data, DTYPES[array.dtype.name], rank, c.addressof(sizes),
                     c.addressof(strides))
        return view, sizes, strides, array
