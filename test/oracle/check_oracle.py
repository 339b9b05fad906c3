"""Judges the oracle package itself: by known outputs, and its gradients by finite differences.

    python check_oracle.py [further folder of programs, as random_programs.py writes] ...

(1) Every program with an `.out` file beside it prints exactly that. (2) Every row of `EXPRESSIONS`
has the first and second derivatives that central differences give. (3) Every `grad` request of the
programs in `test/run`, `samples` and the folders is repeated at shifted arguments and compared. A
program with `# no-differences` in its head takes derivatives where the function is not smooth, or
changes from call to call, and is left out of (3). (4) A program without gradients prints the same
under plain Python.
"""

import concurrent.futures
import contextlib
import copy
import io
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lang" / "python"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import numpy  # noqa: E402
from compare import header, run_expected  # noqa: E402
from mpy import gradients, trace  # noqa: E402
from mpy.array import ndarray  # noqa: E402
from mpy.dispatch import primal  # noqa: E402
from mpy.library import library  # noqa: E402
from mpy.run import compile_program, prepare, run_program  # noqa: E402

# One expression of x (three rows, two columns) a line.
EXPRESSIONS = """
x + y
2 - x
x * y
y / x
x // 0.4 + x % 0.7
x ** 3
x ** y
2.0 ** x
-x
x @ y.T
np.abs(x - 0.9)
np.exp(x)
np.expm1(x)
np.log(x)
np.log1p(x)
np.log2(x)
np.log10(x)
np.sqrt(x)
np.square(x)
np.cbrt(x)
np.reciprocal(x)
np.sin(x)
np.cos(x)
np.tan(x)
np.tanh(x)
np.sinh(x)
np.cosh(x)
np.arcsin(x / 3)
np.arccos(x / 3)
np.arctan(x)
np.arcsinh(x)
np.arccosh(x + 1)
np.arctanh(x / 3)
np.arctan2(x, y)
np.hypot(x, y)
np.logaddexp(x, y)
np.maximum(x, y)
np.minimum(x, 1.0)
np.fmax(x, y)
np.where(x > 0.9, x * x, np.sin(x))
np.where(y > 1, x[0, 0], x[:, :1])
np.where(x[0] > 0.9, x[:, :1], x[1, 1])
np.clip(x, 0.5, 1.2)
np.sinc(x)
np.sign(x) * x + np.floor(x) + np.ceil(x)
np.sum(x, axis=0)
np.sum(x * x, axis=(0, -1), keepdims=True)
np.prod(x)
np.prod(x, axis=1)
np.mean(x, axis=-1, keepdims=True) * x
np.var(x, axis=0)
np.std(x)
np.std(x, axis=1, ddof=1)
np.max(x, axis=0)
np.min(x)
np.ptp(x, axis=0)
np.average(x, axis=0, weights=y[:, 0])
np.cumsum(x, axis=0)
np.cumsum(x)
np.cumprod(x, axis=1)
np.median(x, axis=0)
np.percentile(x, 30.0)
np.reshape(x * x, (2, 3))
x.ravel() ** 2
x.flatten() * 2
x.T @ x
np.transpose(x)[0] ** 2
np.swapaxes(x, 0, 1) * 3
np.moveaxis(x, 0, 1) ** 2
np.expand_dims(x, 1) * y
np.squeeze(x[:, :1]) ** 2
np.broadcast_to(x[:, :1], (3, 4)) ** 2
np.concatenate([x, y * x], axis=1)
np.stack([x, x * x])
np.vstack([x, x[0]]) ** 2
np.hstack([x, y]) ** 2
np.column_stack([x[:, 0], x]) ** 2
np.dstack([x, x]) ** 2
np.split(x, 3)[1] ** 2
np.array_split(x, 2)[0] ** 2
np.append(x, x ** 2)
np.repeat(x, 2, axis=0) ** 2
np.tile(x, (2, 1)) ** 2
np.flip(x, axis=0) ** 2
np.roll(x, 1, axis=0) * x
np.rot90(x) ** 2
np.pad(x, 1, mode='constant') ** 2
np.diag(x[:2]) ** 2
np.tril(x[:2]) ** 2
np.trace(x[:2] ** 2)
np.take(x, [0, 2, 0], axis=0) ** 2
np.sort(x, axis=0) ** 2
np.diff(x, axis=0) ** 2
np.diagonal(x) ** 2
np.dot(x, y.T) ** 2
np.dot(x[0], x[1])
np.inner(x, x)
np.outer(x[0], x[1])
np.tensordot(x, y, axes=([0], [0])) ** 2
np.einsum('ij,kj->ik', x, x)
np.kron(x[0], x[1])
np.matmul(x.T, y) ** 2
np.vdot(x, x)
np.cross(np.append(x[0], 1.0), np.append(x[1], 2.0)) ** 2
np.linalg.norm(x)
np.linalg.norm(x, axis=1)
np.linalg.norm(x, 1)
np.linalg.inv(x.T @ x + np.eye(2))
np.linalg.det(x.T @ x)
np.linalg.slogdet(x.T @ x)[1]
np.linalg.solve(x.T @ x + np.eye(2), x[0])
np.linalg.cholesky(x.T @ x + np.eye(2))
np.linalg.eigh(x.T @ x)[0]
np.linalg.pinv(x)
np.array([x[0, 0], x[1, 1] ** 2, 1.0])
np.array([[x[0, 0], 1.0], [2.0, x[2, 1]]]) ** 2
np.convolve(x[:, 0], y[:, 1])
np.add.outer(x[0], x[1] ** 2)
np.multiply.outer(x[0], x[1])
np.add.reduce(x ** 2, axis=0)
np.full(3, x[0, 0]) * x[:, 1]
np.full_like(x, x[0, 0]) * x
np.atleast_2d(x[0]) ** 2
np.nan_to_num(x) ** 2
np.real(x) ** 2
np.ones_like(x) * x + np.zeros_like(x)
x[::-1, 1] ** 2
x[np.array([0, 2, 0])] ** 2
x[np.array([0, 1]), np.array([1, 0])] ** 2
x[x > 0.9] ** 2
x[..., None] * x[:, None]
x.sum(axis=0) * x.mean() + x.max() + x.min(axis=1).prod()
x.dot(x.T).std() + x.var()
x.clip(0.5, 1.1).cumsum() * x.reshape(-1)
x.swapaxes(0, 1).repeat(2, axis=0) ** 2
x.astype(np.float64) ** 2
x[0].item() ** 2 if x[0].size == 1 else x[0, :1].item() ** 3
float(x[0, 0]) ** 2 * math.exp(x[1, 1]) + math.atan2(x[0, 1], 2.0)
math.log(x[0, 0], 3) + math.pow(x[0, 1], 3) + math.hypot(x[1, 0], x[1, 1])
sum([math.sqrt(v) for row in x.tolist() for v in row])
abs(x - 2.0) ** 1.5
max(x[0, 0], x[0, 1]) ** 2 + pow(x[1, 0], 2) + divmod(x[2, 0], 0.3)[1]
np.float64(x[0, 0]) ** 2 + np.float32(0.5) * x[1, 1]
"""


def numbers(value):
    """All numbers of a value, in order."""
    if isinstance(value, dict):
        return numpy.concatenate([numbers(v) for v in value.values()] or [numpy.zeros(0)])
    if isinstance(value, (list, tuple)):
        return numpy.concatenate([numbers(v) for v in value] or [numpy.zeros(0)])
    return numpy.asarray(primal(value), float).ravel()


def close(found, expected, scale=1.0):
    size = numpy.max(numpy.abs(expected), initial=0.0) + scale
    return numpy.allclose(found, expected, rtol=2e-5, atol=3e-6 * size, equal_nan=True)


def check_expressions():
    failures = []
    namespace = {}
    prepare(namespace)
    exec(compile_program("import numpy as np, math", "head"), namespace)
    start = numpy.array([[0.63, 1.37], [1.61, 0.41], [0.87, 1.13]]).view(ndarray)
    namespace["y"] = numpy.array([[1.2, 0.7], [0.35, 1.9], [1.45, 0.55]]).view(ndarray)
    operators = gradients.Operators(False)
    for expression in EXPRESSIONS.strip().splitlines():
        code = compile_program("f = lambda x: np.sum((%s) * 0.7)" % expression, expression)
        exec(code, namespace)
        function = namespace["f"]
        first = operators.grad(function)

        def second(x):
            return numpy_sum(first(x) * numpy.arange(1.0, 7.0).reshape(3, 2))

        try:
            for order, (f, derivative) in enumerate(
                [(function, first), (second, operators.grad(second))], 1
            ):
                found = numbers(derivative(start.copy()))
                expected = numpy.zeros(6)
                for k in range(6):
                    step = numpy.zeros(6)
                    step[k] = 1e-5
                    step = step.reshape(3, 2).view(ndarray)
                    expected[k] = (numbers(f(start + step))[0] - numbers(f(start - step))[0]) / 2e-5
                if not close(found, expected):
                    failures.append(
                        "%s, order %d: %s, by differences %s" % (expression, order, found, expected)
                    )
        except Exception as error:
            failures.append("%s: %s: %s" % (expression, type(error).__name__, error))
    return len(EXPRESSIONS.strip().splitlines()), failures


def numpy_sum(value):
    import mpy

    return mpy.numpy.sum(value)


class Checked(gradients.Run):
    """A run whose gradients are compared with differences of the same function."""

    failures = []
    requests = 0
    busy = False

    def __init__(self, function, args, kwargs, positions, by_object):
        self.request = None
        if not trace.live and not Checked.busy:
            state = library.random.get_state()
            before = copy.deepcopy(args)
            self.request = (function, before, kwargs, list(positions), by_object, state, args)
        super().__init__(function, args, kwargs, positions, by_object)

    def gradients(self, cotangents):
        results = super().gradients(cotangents)
        if self.request is not None and not Checked.busy:
            request, self.request = self.request, None
            Checked.busy = True
            try:
                self.judge(request, results, cotangents)
            finally:
                Checked.busy = False
        return results

    def judge(self, request, results, cotangents):
        function, before, kwargs, positions, by_object, state, args = request
        after = library.random.get_state()
        weights = numpy.concatenate([numpy.ravel(c) for c in cotangents])
        generator = numpy.random.RandomState(7)
        for position, result in zip(positions, results):
            direction = generator.randn(numbers(before[position]).size)
            values = []
            for sign in (1e-6, -1e-6):
                library.random.set_state(state)
                shifted = [copy.deepcopy(a) for a in before]
                place = iter(sign * direction)
                shifted[position] = moved(before[position], place)
                values.append(self.value_at(function, shifted, args, kwargs, by_object) @ weights)
            library.random.set_state(after)
            expected = (values[0] - values[1]) / 2e-6
            found = numbers(result) @ direction
            size = numpy.abs(numbers(result)) @ numpy.abs(direction) + abs(values[0]) * 1e-4 + 1e-3
            Checked.requests += 1
            if not abs(found - expected) <= 1e-4 * size:
                Checked.failures.append("%s: %r, by differences %r" % (function, found, expected))

    def value_at(self, function, shifted, originals, kwargs, by_object):
        """The result for shifted arguments; where objects count, in the objects themselves."""
        passed = list(shifted)
        kept = []
        if by_object:
            for k, original in enumerate(originals):
                if isinstance(original, numpy.ndarray) and numpy.issubdtype(
                    original.dtype, numpy.inexact
                ):
                    kept.append((original, numpy.array(original)))
                    primal(original)[...] = primal(shifted[k])
                    passed[k] = original
        try:
            return numbers(function(*passed, **kwargs))
        finally:
            for original, value in kept:
                primal(original)[...] = value


def moved(value, steps):
    if isinstance(value, dict):
        return {k: moved(v, steps) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([moved(v, steps) for v in value])
    if isinstance(value, numpy.ndarray):
        step = numpy.array([next(steps) for _ in range(value.size)]).reshape(value.shape)
        return (numpy.asarray(primal(value), float) + step).view(ndarray)
    if isinstance(value, numpy.generic):
        return numpy.float64(value) + next(steps)
    return float(value) + next(steps)


def check_program(program):
    """The failures of one program's gradients; run in a process of its own."""
    gradients.Run = Checked
    import mpy.custom

    mpy.custom.Run = gradients.Run
    marks = header(program.read_text())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(str(ROOT) if program.parent == ROOT / "samples" else folder)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run_program(str(program), marks.get("args", "").split())
        os.chdir("/")
    return Checked.requests, Checked.failures


def in_a_process(work, *args):
    """Calls in a fork, so that no program sees what another left behind."""
    import multiprocessing

    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(work, args)


def runs_plainly(program):
    text = program.read_text()
    return "grad" not in text and "minpy" not in text and "module_" not in text + program.stem


def plain_output(program):
    """What an ordinary Python without this package prints for the program."""
    marks = header(program.read_text())
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", str(program), *marks.get("args", "").split()]
        where = str(ROOT) if marks.get("cwd") == "root" else folder
        return subprocess.run(command, capture_output=True, text=True, cwd=where).stdout


def main():
    warnings.simplefilter("ignore")
    failed = passed = 0
    folders = [ROOT / "test" / "run", ROOT / "test" / "stress", ROOT / "samples"]
    folders += [pathlib.Path(folder) for folder in sys.argv[1:]]
    for folder in folders:
        for program in sorted(folder.resolve().glob("*.mpy")):
            wanted = program.with_suffix(".out")
            if wanted.exists():
                found = in_a_process(run_expected, (program, {}, None))
                if found["stdout"] == wanted.read_text() and found["code"] == 0:
                    passed += 1
                else:
                    failed += 1
                    print("FAILED: %s\n%s%s" % (program.name, found["stdout"], found["stderr"]))
    count, failures = check_expressions()
    passed, failed = passed + count - len({f.split(",")[0] for f in failures}), failed + len(
        failures
    )
    for failure in failures:
        print("FAILED: " + failure)
    requests = 0
    for folder in folders:
        for program in sorted(folder.resolve().glob("*.mpy")):
            text = program.read_text()
            if "no-differences" in header(text) or "grad" not in text and "jacobian" not in text:
                continue
            if program.name == "digits.mpy":
                continue
            seen, failures = in_a_process(check_program, program)
            requests += seen
            for failure in failures[:2]:
                failed += 1
                print("FAILED: %s: %s" % (program.name, failure))
            passed += not failures
    plain = [p for p in sorted((ROOT / "test" / "run").glob("*.mpy")) if runs_plainly(p)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(plain_output, plain))
    for program, output in zip(plain, outputs):
        marks = header(program.read_text())
        if output == in_a_process(run_expected, (program, marks, None))["stdout"]:
            passed += 1
        else:
            failed += 1
            print(
                "FAILED: %s prints something else under plain Python\n%s" % (program.name, output)
            )
    print("%d gradients judged by differences" % requests)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
