"""Products, sorting, Python's arithmetic and the tape against NumPy and Python."""
import ctypes as c
import math
import random

import numpy as np

from text_checks import Comparison, outcome, random_float, random_int


def check_products(runtime, same, count):
    rng = np.random.default_rng(7)
    for index in range(count):
        m, n, k = (int(x) for x in rng.integers(0 if index % 10 == 0 else 1, [9, 40, 200][index % 3], 3))
        if index % 7 == 0:
            m = 1
        if index % 11 == 0:
            n = 1
        dtype, name, scalar = [(np.float64, "mpy_gemm_f64", c.c_double), (np.float32, "mpy_gemm_f32", c.c_float)][index % 2]
        ta, tb = (int(x) for x in rng.integers(0, 2, 2))
        extra = int(rng.integers(0, 3))
        a = rng.standard_normal((k, m + extra) if ta else (m, k + extra)).astype(dtype)
        b = rng.standard_normal((n, k + extra) if tb else (k, n + extra)).astype(dtype)
        result = rng.standard_normal((m, n + extra)).astype(dtype)
        alpha, beta = [(1.0, 0.0), (1.0, 1.0), (0.5, -2.0)][index % 3]
        if index % 13 == 0 and a.size and b.size:
            a.flat[rng.integers(a.size)] = np.nan
            b.flat[rng.integers(b.size)] = np.inf
            b.flat[rng.integers(b.size)] = 0
        left = (a[:k, :m].T if ta else a[:m, :k]).astype(np.float64)
        right = (b[:n, :k].T if tb else b[:k, :n]).astype(np.float64)
        with np.errstate(invalid="ignore"):
            expected = alpha * (left @ right) + (beta * result[:, :n] if beta else 0)
            size = np.abs(left) @ np.abs(right) + np.abs(result[:, :n]) + 1
        if beta == 0:
            result[:, :n] = np.nan
        function = getattr(runtime.lib, name)
        function.restype = None
        i = c.c_int64
        function(i(ta), i(tb), i(m), i(n), i(k), scalar(alpha), c.c_void_p(a.ctypes.data), i(a.shape[1]),
                 c.c_void_p(b.ctypes.data), i(b.shape[1]), scalar(beta), c.c_void_p(result.ctypes.data), i(result.shape[1]))
        found, tolerance = result[:, :n].astype(np.float64), 1e-13 if dtype == np.float64 else 3e-5
        with np.errstate(invalid="ignore"):
            close = (np.abs(found - expected) <= tolerance * size) | (np.isnan(found) & np.isnan(expected)) | (found == expected)
        same(f"{name} {m} {n} {k} {ta}{tb} {alpha} {beta}", bool(np.all(close)), True)


def check_sorting(runtime, same, count):
    rng = np.random.default_rng(8)
    codes = [np.bool_, np.int32, np.int64, np.float32, np.float64]
    for index in range(count):
        code = index % 5
        rows, length = int(rng.integers(1, 4)), int(rng.integers(0, [5, 40, 700][index % 3]))
        values = (rng.standard_normal((rows, length)) * [2, 1000][index % 2]).astype(codes[code])
        if code >= 3 and values.size and index % 4 == 0:
            values.flat[rng.integers(0, values.size, 3)] = np.nan
        order = np.zeros((rows, length), np.int64)
        runtime.call("mpy_argsort_rows", code, values.ctypes.data, rows, length, order.ctypes.data, kind="void")
        same("argsort", order.tolist(), np.argsort(values, kind="stable").tolist())
        expected = np.sort(values)
        runtime.call("mpy_sort_rows", code, values.ctypes.data, rows, length, kind="void")
        same("sort", repr(values.tolist()), repr(expected.tolist()))


def check_arrays(runtime, same, count):
    rng = np.random.default_rng(11)
    for index in range(count):
        shape = tuple(int(n) for n in rng.integers(0 if index % 9 == 0 else 1, 9, index % 4 + 1))
        array = rng.integers(-2, 3, shape).astype([np.bool_, np.int32, np.int64, np.float32, np.float64][index % 5])
        if index % 3 == 0:
            array = array.T[::-1]
        call = lambda name, kind, rank: runtime.call(name, array, kind=kind, results=rank)[0].tolist()
        same("copy", call("mpy_array_copy", array.dtype.name, array.ndim), array.tolist())
        same("sort", call("mpy_sort", array.dtype.name, array.ndim), np.sort(array).tolist())
        same("argsort", call("mpy_argsort", "int64", array.ndim), np.argsort(array, kind="stable").tolist())
        same("nonzero", call("mpy_nonzero", "int64", 1), np.flatnonzero(array).tolist())


def in_range(value):
    if isinstance(value, int) and not -2 ** 63 <= value < 2 ** 63:
        return "overflow"
    if isinstance(value, complex) or value == "OverflowError: complex exponentiation":
        return "complex"
    return repr(value)


def found_value(function):
    value = outcome(function)
    if isinstance(value, str):
        if "64 bits" in value:
            return "overflow"
        if "is complex" in value:
            return "complex"
    return repr(value)


def check_arithmetic(runtime, same, count):
    rng = random.Random(9)
    integer = {"mpy_int_floordiv": lambda x, y: x // y, "mpy_int_mod": lambda x, y: x % y}
    real = {"mpy_py_float_div": lambda x, y: x / y, "mpy_py_float_floordiv": lambda x, y: x // y,
            "mpy_py_float_mod": lambda x, y: x % y, "mpy_py_float_pow": lambda x, y: x ** y,
            "mpy_math_pow": math.pow, "mpy_math_fmod": math.fmod}
    array = {"mpy_float_floordiv": np.floor_divide, "mpy_float_mod": np.remainder}
    single = ["exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atanh",
              "acosh", "sinh", "cosh"]
    for _ in range(count):
        x, y = random_int(rng), random_int(rng)
        for name, function in integer.items():
            same(f"{name}({x}, {y})", found_value(lambda: runtime.call(name, x, y, placed=True)),
                 in_range(outcome(lambda: function(x, y))))
        same(f"{x} / {y}", found_value(lambda: runtime.call("mpy_int_truediv", x, y, kind="float", placed=True)),
             in_range(outcome(lambda: x / y)))
        base, power, shift = rng.randrange(-30, 30), rng.randrange(0, 70), rng.randrange(-1, 70)
        same(f"{base} ** {power}", found_value(lambda: runtime.call("mpy_int_pow", base, power, placed=True)), in_range(base ** power))
        same(f"{x} << {shift}", found_value(lambda: runtime.call("mpy_int_shl", base, shift, placed=True)),
             in_range(outcome(lambda: base << shift)))
        same(f"{x} >> {shift}", found_value(lambda: runtime.call("mpy_int_shr", x, shift, placed=True)),
             in_range(outcome(lambda: x >> shift)))
        u, v = random_float(rng), random_float(rng)
        for name, function in real.items():
            same(f"{name}({u!r}, {v!r})", found_value(lambda: runtime.call(name, u, v, kind="float", placed=True)),
                 in_range(outcome(lambda: function(u, v))))
        with np.errstate(all="ignore"):
            for name, function in array.items():
                same(f"{name}({u!r}, {v!r})", repr(runtime.call(name, u, v, kind="float")), repr(float(function(u, v))))
        for name in single:
            found = found_value(lambda: runtime.call("mpy_math_" + name, u, kind="float", placed=True))
            expected = in_range(outcome(lambda: getattr(math, name)(u)))
            # log2 of CPython works on fractions; the last digit may differ.
            if found != expected and "rror" not in found + expected and math.isclose(float(found), float(expected), rel_tol=4e-16):
                continue
            same(f"math.{name}({u!r})", found, expected)
        for name, function in (("mpy_int_from_float", int), ("mpy_round_to_int", round), ("mpy_floor_to_int", math.floor),
                               ("mpy_ceil_to_int", math.ceil)):
            same(f"{name}({u!r})", found_value(lambda: runtime.call(name, u, placed=True)), in_range(outcome(lambda: function(u))))


def check_tape(runtime, same):
    rng = random.Random(10)
    library = runtime.lib
    for name in ("mpy_tape_new", "mpy_tape_push_bytes", "mpy_tape_pop_bytes"):
        getattr(library, name).restype = c.c_void_p
    library.mpy_tape_push_bytes.argtypes = [c.c_char_p, c.c_int64, c.c_void_p, c.c_int64]
    library.mpy_tape_pop_bytes.argtypes = [c.c_void_p, c.c_int64]
    library.mpy_tape_size.argtypes = [c.c_void_p]
    tape, model = library.mpy_tape_new(), []
    for step in range(6000):
        if rng.random() < (0.7 if step % 2000 < 1000 else 0.3) or not model:
            size = rng.choice([8, 24, 1000, 5, 40000, 300000 if rng.random() < 0.05 else 16])
            value = rng.getrandbits(40)
            c.c_int64.from_address(library.mpy_tape_push_bytes(b"p.mpy", 1, tape, max(size, 8))).value = value
            model.append((max(size, 8), value))
        else:
            size, value = model.pop()
            same("tape", c.c_int64.from_address(library.mpy_tape_pop_bytes(tape, size)).value, value)
    same("tape size", library.mpy_tape_size(tape), sum((size + 7) // 8 * 8 for size, _ in model))
    live = library.mpy_live_buffers()
    library.mpy_release(tape)
    same("tape freed", library.mpy_live_buffers() < live, True)


def check(runtime, count):
    same = Comparison()
    check_products(runtime, same, count)
    check_sorting(runtime, same, count)
    check_arrays(runtime, same, count)
    check_arithmetic(runtime, same, count * 4)
    check_tape(runtime, same)
    return same
