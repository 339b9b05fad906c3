"""Calls the Python module that mpyc writes for model.mpy: its folder is the argument."""

import gc
import inspect
import resource
import sys
import threading
import time
import tracemalloc

import numpy as np

sys.path.insert(0, sys.argv[1])
import model  # noqa: E402

rng = np.random.RandomState(0)
w, x, y = rng.randn(3), rng.randn(5, 3), rng.randn(5)


def reference(w, b):
    r = x @ w + b - y
    return np.mean(r * r)


def near(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def derivatives():
    near(model.loss(w, 0.5, x, y), reference(w, 0.5))
    value, (gw, gb) = model.loss_value_and_grad(w, 0.5, x, y)
    r = x @ w + 0.5 - y
    near(value, reference(w, 0.5))
    near(gw, 2 * x.T @ r / 5)
    near(gb, 2 * r.mean())
    near(model.loss_grad(w, 0.5, x, y)[0], gw)
    near(model.loss_vjp(w, 0.5, x, y, 3.0)[0], 3 * gw)
    v = (np.ones(3), 2.0)
    value, tangent = model.loss_jvp(w, 0.5, x, y, v)
    near(tangent, gw.sum() + 2 * gb)
    hw, hb = model.loss_hvp(w, 0.5, x, y, v)
    s = x @ v[0] + v[1]
    near(hw, 2 * x.T @ s / 5)
    near(hb, 2 * s.mean())


def layouts():
    big = rng.randn(20, 30)
    for view in (big, big[::-1], big.T[3:9], big[::3, ::-2], big[:0], np.broadcast_to(big[0], (4, 30)), np.asfortranarray(big),
                 big.astype(">f8"), big.astype(np.float32)):
        near(model.total(view, view), 3 * view.astype(float))
    odd = np.frombuffer(bytes(1) + np.arange(6.0).tobytes(), dtype=np.uint8)[1:].view(float).reshape(2, 3)
    near(model.total(odd, [[1, 2, 3], [4, 5, 6]]), odd + 2 * np.array([[1, 2, 3], [4, 5, 6]]))
    record = np.zeros(4, dtype=[("a", "i1"), ("b", "f8")])["b"]
    near(model.positive(record), [])

    class Capsule:
        def __dlpack__(self, **more):
            return big.__dlpack__(**more)

        def __dlpack_device__(self):
            return big.__dlpack_device__()

    near(model.total(Capsule(), big), 3 * big)


def structure():
    result = model.structure({"w": np.array([1.0, 2.0]), "b": 0.5}, (np.eye(2), 4), True)
    near(result["sum"], [2.5, 4.5])
    assert result["more"][1] == [7, True] and type(result["more"][1][0]) is int and type(result["more"][1][1]) is bool
    a, b, c, d, e = model.every_type(np.ones(2), np.ones(2, np.float32), np.ones(2, np.int64), np.ones(2, np.int32), np.array([True, False]))
    assert [part.dtype.name for part in (a, b, c, d, e)] == ["float64", "float32", "int64", "int32", "bool"]
    assert e.tolist() == [False, True]
    types = np.int8, np.int16, np.uint8, np.uint16, np.uint32, np.uint64
    arrays = [np.array([np.iinfo(kind).max, 1], kind) for kind in types]
    with np.errstate(over="ignore"):
        for array, doubled in zip(arrays, model.integers(*arrays)):
            assert doubled.dtype == array.dtype and doubled.tolist() == (array + array).tolist()
    assert model.integers(*arrays)[6:] == (255, 2 ** 64 - 1, 256) and type(model.integers(*arrays)[7]) is int
    signature = inspect.signature(model.loss)
    assert list(signature.parameters) == ["w", "b", "x", "y"] and signature.return_annotation is float
    assert "Mean squared error" in model.loss.__doc__ and "x: float64[n, d]" in model.loss.__doc__
    assert "loss_hvp" in model.__all__


def raises(kind, text, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        assert text in str(error), f"{error!r} does not say {text!r}"
        return error
    raise AssertionError(f"no {kind.__name__}: {text}")


def errors():
    error = raises(ValueError, "x is -2.0, below 0", model.checked, -2.0)
    assert error.mpy_line > 0 and error.mpy_file.endswith("model.mpy")
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    assert frames[-1][0].endswith("model.mpy") and frames[-1][1] == error.mpy_line
    raises(TypeError, "x has rank 1", model.total, np.ones(3), np.ones((3, 1)))
    raises(ValueError, "extent d of y is 2, but 1 in x", model.total, np.ones((3, 1)), np.ones((3, 2)))
    raises(TypeError, "x must be an array of float64, not of complex128", model.total, np.ones((1, 1), complex), np.ones((1, 1)))
    raises(TypeError, "x must be of type float, not str", model.cube, "1")
    raises(TypeError, "n must be of type int, not float", model.depth, 1.5)
    raises(OverflowError, "", model.depth, 1 << 70)
    raises(RecursionError, "maximum recursion depth", model.depth, 10 ** 8)
    raises(MemoryError, "Unable to allocate", model.filled, 1 << 50)
    raises(KeyError, "b", model.structure, {"w": np.ones(2)}, (np.eye(2), 1), False)
    assert model.cube(2) == 8.0 and model.cube(np.float64(2)) == 8.0


def no_copies():
    """An array of 100 million elements, 800 MB, goes in and comes out without a copy; of 20 million where memory is short."""
    free = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    n = 100_000_000 if free > 4_000_000 else 20_000_000
    kilobytes = n * 8 / 1024
    big = np.ones(n)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert model.energy(big) == n
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 0.1 * kilobytes, "the argument was copied"
    made = model.filled(n)
    assert made[-1] == 1.0 and made.flags.writeable
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 1.1 * kilobytes, "the result was copied"
    print(f"{n} elements in and out without a copy")


def memory():
    tracemalloc.start()
    for step in range(3000):
        if step == 1000:
            gc.collect()
            before, peak = tracemalloc.get_traced_memory()[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model.filled(30_000)
        model.total(x, x)
        try:
            model.divided(np.ones(5000), np.ones(5000), 200)
        except AssertionError:
            pass
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] - before < 50_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 20_000
    tracemalloc.stop()


def threads():
    results = []

    def work():
        results.append([model.loss(w + k, 0.5, x, y) for k in range(300)])

    started = [threading.Thread(target=work) for _ in range(8)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert len(results) == 8 and all(one == results[0] for one in results)


def minimise():
    try:
        from scipy.optimize import minimize
    except ImportError:
        print("scipy is not installed: minimize(jac=True) was not tried")
        return
    found = minimize(lambda v: (lambda value, grads: (value, grads[0]))(*model.loss_value_and_grad(v, 0.5, x, y)), np.zeros(3), jac=True)
    best = np.linalg.lstsq(x, y - 0.5, rcond=None)[0]
    np.testing.assert_allclose(found.x, best, atol=1e-5)


def speed():
    def cost(call, *arguments):
        best = 1.0
        for _ in range(5):
            start = time.process_time()
            for _ in range(2000):
                call(*arguments)
            best = min(best, (time.process_time() - start) / 2000)
        return best * 1e6

    number, arrays = cost(model.cube, 1.5), cost(model.loss, w, 0.5, x, y)
    print(f"through Python: {number:.2f} us for a number, {arrays:.2f} us for three arrays and a number")
    # Twice what it takes on a quiet machine.
    assert number < 12


for check in (derivatives, layouts, structure, errors, no_copies, memory, threads, minimise, speed):
    check()
