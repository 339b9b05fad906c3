"""Arrays print as NumPy prints them: fixed corner cases and random arrays, str and repr."""
import numpy as np


def random_values(rng, shape, dtype):
    kind = rng.integers(0, 14)
    size = int(np.prod(shape))
    if dtype == np.bool_:
        return rng.random(shape) < rng.random()
    if dtype in (np.int32, np.int64):
        info = np.iinfo(dtype)
        if kind < 3:
            return rng.integers(-5, 10, shape).astype(dtype)
        if kind < 5:
            return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
        limit = 10 ** int(rng.integers(1, 9))
        return rng.integers(-limit if kind % 2 else 0, limit, shape).astype(dtype)
    if kind == 0:
        values = rng.standard_normal(size)
    elif kind == 1:
        values = rng.random(size)
    elif kind == 2:
        values = np.round(rng.standard_normal(size) * 10, int(rng.integers(0, 5)))
    elif kind == 3:
        values = rng.integers(-20, 20, size).astype(float)
    elif kind == 4:
        values = 10.0 ** rng.uniform(-12, 12, size)
    elif kind == 5:
        values = 10.0 ** rng.uniform(-300, 300, size)
    elif kind == 6:
        values = rng.standard_normal(size) * 10.0 ** int(rng.integers(-8, 10))
    elif kind == 7:
        bits = rng.integers(0, 2 ** 63, size, dtype=np.int64)
        values = bits.view(np.float64)
        if dtype == np.float32:
            values = bits.astype(np.uint32).view(np.float32)
    elif kind == 8:
        values = 2.0 ** rng.integers(-160, 130, size)
    elif kind == 9:
        values = rng.choice([0.0, -0.0, 1.0, 0.5, 1e8, 1e-4, 99999999.0, 1e6, 999999.0, 1e-5], size)
    elif kind == 10:
        values = rng.choice([5e-324, 1e-310, 1.7976931348623157e308, 2.2250738585072014e-308,
                             1e16, 123456789.123456789, 0.1, 1 / 3], size)
    elif kind == 11:
        values = 1 + rng.standard_normal(size) * 10.0 ** int(rng.integers(-12, 0))
    elif kind == 12:
        values = np.full(size, rng.standard_normal() * 1000)
    else:
        values = np.arange(size) * rng.choice([0.5, 0.125, 0.1, 1e-3, 100.0, 12345.678])
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        values = np.array(values, dtype=dtype)
    if rng.random() < 0.25 and size:
        for special in (np.nan, np.inf, -np.inf):
            if rng.random() < 0.5:
                values[rng.integers(0, size, rng.integers(1, 3))] = special
    return values.reshape(shape)


def random_array(rng):
    rank = int(rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8]))
    if rng.random() < 0.04 and rank:
        shape = tuple(int(n) for n in rng.integers(0, 40, min(rank, 3)))
        shape = shape[:-1] + (int(rng.integers(300, 1400)) // max(1, int(np.prod(shape[:-1]))) + 1,)
    else:
        most = {0: 1, 1: 40, 2: 12, 3: 5}.get(rank, 3)
        shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.05 else 1, most + 1, rank))
    dtype = rng.choice([np.bool_, np.int32, np.int64, np.float32, np.float64, np.float64])
    array = random_values(rng, shape, dtype)
    if array.ndim >= 2 and rng.random() < 0.2:
        array = array.T
    if array.ndim >= 1 and rng.random() < 0.2:
        array = array[::-1]
    return np.asarray(array)


def fixed_arrays():
    for dtype in (np.bool_, np.int32, np.int64, np.float32, np.float64):
        for shape in ((), (0,), (0, 2), (2, 0, 3), (1,), (1, 1), (1000,), (1001,), (1100,), (2, 600),
                      (600, 2), (11, 11, 11), (1, 1001), (1001, 1), (3, 1, 2)):
            count = int(np.prod(shape))
            yield np.arange(count).reshape(shape).astype(dtype)
            yield (np.arange(count) / 7 - 3).reshape(shape).astype(dtype)
    for values in ([np.nan], [np.inf], [-np.inf], [np.nan, -np.inf], [-0.0], [0.0], [1e8], [99999999.9],
                   [0.0001], [0.00009999], [1, 1001.0], [1, 1000.0], [1e100, 1], [1e-100, np.nan],
                   [np.nan, 1.5, np.inf], [-1.5, np.inf], [1e8, -np.inf], [0.1 + 0.2], [2.0 ** -44]):
        for dtype in (np.float32, np.float64):
            with np.errstate(over="ignore"):
                yield np.array(values).astype(dtype)
                yield np.array(values[0]).astype(dtype)


def check(runtime, count, seed=0):
    rng = np.random.default_rng(seed)
    different = 0
    arrays = list(fixed_arrays())
    for index in range(count + len(arrays)):
        array = arrays[index] if index < len(arrays) else random_array(rng)
        for function, name in ((str, "mpy_array_str"), (repr, "mpy_array_repr")):
            found, expected = runtime.call(name, array, kind="text"), function(array)
            if found != expected:
                different += 1
                if different <= 3:
                    print(f"{name} of {array.dtype} {array.shape}\nexpected:\n{expected}\nfound:\n{found}")
    return different
