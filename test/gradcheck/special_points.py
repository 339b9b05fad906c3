"""True derivatives of every elementwise function at its special points, to order 3.

    python special_points.py --mpyc MPYC   runs the programs in `points`, compiled and by CPython
    python special_points.py --write       writes the programs; needs mpmath

A function of Library.def that is differentiable and in no row is a failure.

The points are ties, zeros, poles, ends of domains, removable singularities, and points 1e-9 beside
them. A row is a function of one number t, the same with mpmath's functions, and points; where the
derivative is not the limit of differences the row says what it is (decided in docs/language.md).
The programs compare reverse mode, forward mode and two mixed forms with the numbers, and fail where
one differs.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "test/gradcheck/points"
ROWS_OF_PROGRAM = 8
INF = float("inf")
NEAR = 1e-9
NONE = object()  # not decided: any number

# Program text, the same with mpmath (None: the same text), points, {point: decided derivatives}.
ROWS = [
    ("np.sin(t)", None, [0.0, NEAR, 3.0]),
    ("np.cos(t)", None, [0.0, NEAR, 3.0]),
    ("np.tan(t)", None, [0.0, NEAR, 1.5707963257948967, -1.0]),
    ("np.arcsin(t)", "asin(t)", [0.0, NEAR, 1 - NEAR, -1 + NEAR], {1.0: [INF, INF, INF]}),
    ("np.arccos(t)", "acos(t)", [0.0, NEAR, 1 - NEAR, -1 + NEAR], {1.0: [-INF, -INF, -INF]}),
    ("np.arctan(t)", "atan(t)", [0.0, NEAR, 1e6, -3.0]),
    ("np.sinh(t)", None, [0.0, NEAR, -2.0]),
    ("np.cosh(t)", None, [0.0, NEAR, -2.0]),
    ("np.tanh(t)", None, [0.0, NEAR, 20.0, -20.0, 800.0]),
    ("np.arcsinh(t)", "asinh(t)", [0.0, NEAR, 1e6, -2.0]),
    ("np.arccosh(t)", "acosh(t)", [1 + NEAR, 2.0], {1.0: [INF, -INF, NONE]}),
    ("np.arctanh(t)", "atanh(t)", [0.0, NEAR, 1 - NEAR, -1 + NEAR]),
    ("np.exp(t)", None, [0.0, NEAR, -40.0, -800.0]),
    ("np.exp2(t)", "mpf(2)**t", [0.0, NEAR, -40.0]),
    ("np.expm1(t)", None, [0.0, NEAR, -40.0]),
    ("np.log(t)", None, [1.0, 1 + NEAR, NEAR], {0.0: [INF, -INF, INF]}),
    ("np.log1p(t)", None, [0.0, NEAR, -1 + NEAR], {-1.0: [INF, -INF, INF]}),
    ("np.log2(t)", "log(t)/log(2)", [1.0, NEAR], {0.0: [INF, -INF, INF]}),
    ("np.log10(t)", None, [1.0, NEAR], {0.0: [INF, -INF, INF]}),
    ("np.sqrt(t)", None, [NEAR, 1.0], {0.0: [INF, -INF, INF]}),
    ("np.cbrt(t)", None, [NEAR, 8.0], {0.0: [INF, NONE, NONE]}),
    ("np.fabs(t)", "abs(t)", [NEAR, -NEAR], {0.0: [0, 0, 0]}),
    ("np.abs(t)", None, [NEAR, -NEAR], {0.0: [0, 0, 0], -0.0: [0, 0, 0]}),
    ("np.absolute(t) ** 3", "abs(t)**3", [NEAR, -2.0], {0.0: [0, 0, 0]}),
    ("np.square(t)", "t*t", [0.0, NEAR, -3.0]),
    ("np.negative(t)", "-t", [0.0, NEAR]),
    ("np.reciprocal(t)", "1/t", [NEAR, -NEAR, 2.0], {0.0: [-INF, NONE, -INF]}),
    ("np.positive(t)", "t", [0.0]),
    ("np.real(t)", "t", [0.0]),
    ("np.conj(t)", "t", [0.0]),
    ("np.radians(t)", "t*pi/180", [0.0]),
    ("np.degrees(t)", "t*180/pi", [0.0]),
    ("np.sinc(t)", "sinc(pi*t)", [0.0, NEAR, 1e-7, 1e-4, 0.01, 0.3, 1.0, 1 + NEAR, 1.27, 1.28, 4.5]),
    ("np.sign(t) + np.floor(t) + np.ceil(t) + np.trunc(t) + np.rint(t)", "0*t", [],
     {0.0: [0, 0, 0], 1.0: [0, 0, 0], 0.5: [0, 0, 0]}),
    # Two operands
    ("np.add(t, t) + np.subtract(t, 1.0)", "3*t", [0.0]),
    ("np.multiply(t, t)", "t*t", [0.0, NEAR]),
    ("np.multiply(t, np.multiply(t, t))", "t**3", [0.0, NEAR]),
    ("np.divide(1.0, t)", "1/t", [NEAR, -NEAR]),
    ("np.divide(t, t * t + 1.0)", "t/(t*t+1)", [0.0, NEAR]),
    ("np.power(t, 2)", "t*t", [0.0, NEAR, -1.0]),
    ("t ** 3", "t**3", [0.0, NEAR, -1.0]),
    ("t ** 4", "t**4", [0.0, NEAR, -1.0]),
    ("t ** 1", "t", [0.0, NEAR]),
    ("t ** 0", "0*t+1", [0.0, NEAR]),
    ("t ** 2.5", "t**mpf(2.5)", [NEAR, 2.0], {0.0: [0, 0, INF]}),
    ("t ** 1.5", "t**mpf(1.5)", [NEAR, 2.0], {0.0: [0, INF, -INF]}),
    ("t ** 0.5", "sqrt(t)", [NEAR, 2.0], {0.0: [INF, -INF, INF]}),
    ("t ** -1.0", "1/t", [NEAR, -2.0]),
    ("np.power(t, np.array(2.0))", "t*t", [0.0, NEAR, 3.0]),
    ("np.power(t, np.array(1.0))", "t", [0.0, NEAR, 3.0]),
    ("np.power(t, np.array(3.0))", "t**3", [0.0, NEAR, 3.0]),
    ("np.power(2.0, t)", "mpf(2)**t", [0.0, NEAR, -3.0]),
    ("np.power(0.0, t)", "0*t", [2.0, 1.0]),
    ("np.power(t, t)", "t**t", [1.0, 1 + NEAR, NEAR]),
    ("np.arctan2(t, 1.0)", "atan(t)", [0.0, NEAR, -1.0]),
    ("np.arctan2(t, -1.0)", "pi - atan(t)", [0.0, NEAR, 1.0]),
    ("np.arctan2(1.0, t)", "pi/2 - atan(t)", [0.0, NEAR, -1.0]),
    ("np.arctan2(-1.0, t)", "atan(t) - pi/2", [0.0, NEAR, -1.0]),
    ("np.arctan2(t, 0.0)", "0*t", [2.0, NEAR]),
    ("np.hypot(t, 1.0)", "sqrt(t*t+1)", [0.0, NEAR, 1.0, -1.0, 1e6]),
    ("np.hypot(t, 0.0)", "abs(t)", [NEAR, -1.0], {0.0: [0, 0, 0]}),
    ("np.hypot(t, 2.0 - t)", "sqrt(t*t+(2-t)**2)", [1.0, 1 + NEAR, 0.0, 2.0]),
    ("np.hypot(3.0 * t, 4.0 * t)", "5*abs(t)", [-1.0], {NEAR: [5, NONE, NONE], 0.0: [0, 0, 0]}),
    ("np.logaddexp(t, 0.0)", "log(exp(t)+1)", [0.0, NEAR, -NEAR, 1e-17, 30.0, -30.0, 800.0, -800.0],
     {INF: [1, 0, 0], -INF: [0, 0, 0]}),
    ("np.logaddexp(t, -t)", "log(exp(t)+exp(-t))", [0.0, NEAR, -NEAR, 3.0]),
    ("np.logaddexp(1.0, t * t)", "log(exp(1)+exp(t*t))", [1.0, -1.0, 1 + NEAR, 0.0]),
    ("np.logaddexp(t, -np.inf)", "t", [0.0, 3.0]),
    ("np.maximum(t, 0.0)", "(t+abs(t))/2", [NEAR, -NEAR], {0.0: [0.5, 0, 0], -0.0: [0.5, 0, 0]}),
    ("np.maximum(t * t, 2.0 * t)", "(t*t+2*t+abs(t*t-2*t))/2", [NEAR, -NEAR], {0.0: [1, 1, 0], 2.0: [3, 1, 0]}),
    ("np.minimum(t, 1.0)", "(t+1-abs(t-1))/2", [1 + NEAR, 1 - NEAR], {1.0: [0.5, 0, 0]}),
    ("np.fmax(t, 0.0)", "(t+abs(t))/2", [NEAR, -NEAR], {0.0: [0.5, 0, 0]}),
    ("np.fmin(t * t, t)", "(t*t+t-abs(t*t-t))/2", [0.5], {1.0: [1.5, 1, 0]}),
    ("np.fmax(t, np.nan) + np.fmin(np.nan, t * t)", "t+t*t", [0.0, 1.0]),
    ("np.mod(t, 1.0)", "t", [2.0, 0.25, -0.25, -3.0]),
    ("np.mod(t, 1.0) * np.floor_divide(t, 1.0)", "2*(t-2)", [2.0, 2.25]),
    # Choices and compositions
    ("np.clip(t, 0.0, 1.0)", "t", [0.5, NEAR], {0.0: [0, 0, 0], 1.0: [0, 0, 0], 2.0: [0, 0, 0]}),
    ("np.clip(t, 0.0, 1.0) ** 0.5", "sqrt(t)", [0.5, NEAR], {-1.0: [0, 0, 0], 0.0: [0, 0, 0]}),
    ("np.where(t > 0, np.sqrt(t), 0.0)", "sqrt(t)", [NEAR, 2.0], {0.0: [0, 0, 0], -1.0: [0, 0, 0]}),
    ("np.where(t > 0, 1.0 / t, t * t)", "t*t", [-NEAR, -1.0], {0.0: [0, 2, 0]}),
    ("np.where(t != 0, np.sin(t) / t, 1.0)", "sin(t)/t", [1.0], {0.0: [0, 0, 0]}),
    ("np.where(t > 0, t * np.log(t), 0.0)", "t*log(t)", [NEAR, 2.0], {0.0: [0, 0, 0], -1.0: [0, 0, 0]}),
    ("np.where(t > 0, np.sqrt(t) * np.sqrt(t), 0.0)", "t", [4.0], {0.0: [0, 0, 0]}),
    ("np.where(t < 1, np.arcsin(t), np.arccosh(t))", "asin(t)", [0.5], {1.0: [INF, -INF, NONE], 2.0: NONE}),
    ("np.where(np.isnan(t * np.nan), t * t, np.nan * t)", "t*t", [0.0, 1.0]),
    ("np.sqrt(np.maximum(t, 0.0))", "sqrt(t)", [NEAR, 2.0], {-1.0: [0, 0, 0]}),
    ("np.sqrt(t) * (t > 0)", "sqrt(t)", [NEAR], {0.0: [0, 0, 0]}),
    ("np.sqrt(t) ** 2", "t", [1.0], {NEAR: [1, NONE, NONE], 0.0: [0, NONE, NONE]}),
    ("np.sqrt(t * t)", "abs(t)", [-1.0], {NEAR: [1, NONE, NONE], 0.0: [0, NONE, NONE]}),
    ("1.0 / (1.0 + np.exp(-t))", "1/(1+exp(-t))", [0.0, NEAR, 30.0, -30.0, 800.0, -800.0]),
    ("np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0.0)", "log(1+exp(t))", [NEAR, -NEAR, 30.0, -30.0, 800.0]),
    ("np.log(np.exp(t) + np.exp(-t))", "log(exp(t)+exp(-t))", [0.0, NEAR, 30.0]),
    ("np.expm1(t) * np.log1p(t)", "expm1(t)*log1p(t)", [0.0, NEAR]),
    ("np.nan_to_num(t) * np.sign(t)", "abs(t)", [NEAR, -2.0], {0.0: [0, 0, 0]}),
    # Reductions over values made of each t: the last axis of t[:, None] * (..)
    ("np.prod(t[:, None] * np.array([1.0, 2.0]), axis=1)", "2*t*t", [0.0, NEAR, 3.0]),
    ("np.prod(t[:, None] * np.array([1.0, 2.0, 3.0]), axis=1)", "6*t**3", [0.0, NEAR, 3.0]),
    ("np.prod(t[:, None] + np.array([0.0, 1.0, 2.0]), axis=1)", "t*(t+1)*(t+2)", [0.0, -1.0, NEAR]),
    ("np.std(t[:, None] * np.array([1.0, 2.0]), axis=1)", "abs(t)/2", [-1.0], {NEAR: [0.5, NONE, NONE], 0.0: [0, 0, 0]}),
    ("np.var(t[:, None] * np.array([1.0, 2.0]), axis=1)", "t*t/4", [0.0, NEAR]),
    ("np.linalg.norm(t[:, None] * np.array([3.0, 4.0]), axis=1)", "5*abs(t)", [-1.0], {NEAR: [5, NONE, NONE], 0.0: [0, 0, 0]}),
    ("np.linalg.norm(t[:, None] * np.array([3.0, 4.0]), 1, axis=1)", "7*abs(t)", [NEAR, -1.0], {0.0: [0, 0, 0]}),
    ("np.max(t[:, None] * np.array([1.0, -1.0]), axis=1)", "abs(t)", [NEAR, -1.0], {0.0: [0, 0, 0]}),
    ("np.min(t[:, None] * np.array([1.0, 2.0, 1.0]), axis=1)", "t", [2.0], {0.0: [4 / 3, 0, 0]}),
    ("np.mean(np.abs(t[:, None] * np.array([1.0, 2.0])), axis=1)", "1.5*abs(t)", [NEAR], {0.0: [0, 0, 0]}),
    ("np.sum(np.exp(t[:, None] * np.array([1.0, 0.0])) * np.array([1.0, 3.0]), axis=1)", "exp(t)+3", [0.0, NEAR]),
    # SciPy's special functions
    ("special.erf(t)", "erf(t)", [0.0, NEAR, 3.0, -6.0]),
    ("special.erfc(t)", "erfc(t)", [0.0, NEAR, 3.0, 10.0]),
    ("special.erfinv(t)", "erfinv(t)", [0.0, NEAR, -0.5, 0.999]),
    ("special.erfcinv(t)", "erfinv(1-t)", [1.0, 0.5, 0.001]),
    ("special.ndtr(t)", "erfc(-t/sqrt(2))/2", [0.0, NEAR, -5.0, 8.0]),
    ("special.log_ndtr(t)", "log(erfc(-t/sqrt(2))/2)", [0.0, NEAR, -5.0, 5.0]),
    ("special.ndtri(t)", "sqrt(2)*erfinv(2*t-1)", [0.5, 0.25, 0.001]),
    ("special.gamma(t)", "gamma(t)", [1.0, 1 + NEAR, 2.0, 0.5, -0.5]),
]
# Python's math; its functions take single numbers and raise at poles.
MATH = [
    ("math.{0}(t)", name, points)
    for name, points in {
        "sin": [0.0, NEAR], "cos": [0.0, NEAR], "tan": [0.0, -1.0], "asin": [0.0, 1 - NEAR],
        "acos": [0.0, 1 - NEAR], "atan": [0.0, NEAR], "sinh": [0.0], "cosh": [0.0], "tanh": [0.0, 20.0],
        "asinh": [0.0, NEAR], "acosh": [1 + NEAR], "atanh": [0.0, 1 - NEAR], "exp": [0.0, -40.0],
        "expm1": [0.0, NEAR], "log": [1.0, NEAR], "log1p": [0.0, -1 + NEAR], "log10": [NEAR],
        "sqrt": [NEAR], "cbrt": [NEAR], "erf": [0.0, NEAR, 3.0], "fabs": [NEAR, -1.0],
    }.items()
]
NUMBERS = [
    ("math.log2(t)", "log(t)/log(2)", [NEAR, 1.0]),
    ("math.pow(t, 3.0)", "t**3", [0.0, NEAR, -1.0]),
    ("math.atan2(t, 1.0)", "atan(t)", [0.0, NEAR]),
    ("math.atan2(1.0, t)", "pi/2-atan(t)", [0.0, NEAR]),
    ("math.hypot(t, 1.0)", "sqrt(t*t+1)", [0.0, NEAR]),
    ("math.hypot(t, 0.0)", "abs(t)", [-1.0], {NEAR: [1, NONE, NONE], 0.0: [0, 0, 0]}),
    ("math.hypot(t, 2.0 * t, 3.0)", "sqrt(5*t*t+9)", [0.0, NEAR, -2.0]),
    ("math.hypot(t, 2.0, t * t)", "sqrt(t*t+4+t**4)", [0.0, NEAR]),
    ("math.hypot(t)", "abs(t)", [-1.0], {0.0: [0, 0, 0]}),
    ("math.fabs(t)", "abs(t)", [], {0.0: [0, 0, 0]}),
    ("math.radians(t)", "t*pi/180", [0.0]),
    ("math.degrees(t)", "t*180/pi", [0.0]),
    ("math.sqrt(t) if t > 0 else 0.0", "sqrt(t)", [NEAR], {0.0: [0, 0, 0]}),
    ("abs(t) + max(t, 0.0) + min(t, 0.0)", "abs(t)+t", [NEAR, -NEAR]),
]

HEAD = '''# Derivatives at special points against true values: %s.
# Written by test/gradcheck/special_points.py.
# no-differences
import math
import numpy as np
from mpy import grad, jvp
inf, nan = math.inf, math.nan
def along(f):
    return lambda t: jvp(f, (t,), (%s,))[1]
def down(f):
    return grad(lambda t: %s)
def compare(mode, order, found, points, wanted):
%s
def check(f, points, first, second, third):
    compare('reverse', 1, down(f)(points), points, first)
    compare('reverse', 2, down(down(f))(points), points, second)
    compare('reverse', 3, down(down(down(f)))(points), points, third)
    compare('forward', 1, along(f)(points), points, first)
    compare('forward', 2, along(along(f))(points), points, second)
    compare('forward', 3, along(along(along(f)))(points), points, third)
    compare('forward over reverse', 2, along(down(f))(points), points, second)
    compare('reverse over forward', 2, down(along(f))(points), points, second)
    compare('reverse over forward over reverse', 3, down(along(down(f)))(points), points, third)
    print('checked')
'''
ARRAYS = ("np.ones(len(t))", "np.sum(f(t))", '''    for t, x, w in zip(points, found, wanted):
        if not (x == w or w != w or abs(x - w) <= 1e-9 * abs(w) + 1e-12):
            raise AssertionError('%s, order %d at %r: %r, not %r' % (mode, order, t, x, w))''')
SCALARS = ("1.0", "f(t)", '''    if not (found == wanted or wanted != wanted or abs(found - wanted) <= 1e-9 * abs(wanted) + 1e-12):
        raise AssertionError('%s, order %d at %r: %r, not %r' % (mode, order, points, found, wanted))''')


def derivatives(formula, points):
    import mpmath

    mpmath.mp.dps = 120
    names = {name: getattr(mpmath, name) for name in dir(mpmath)}
    names["log10"] = mpmath.log10
    function = eval("lambda t: " + formula, names)
    rows = []
    for point in points:
        values = []
        for order in (1, 2, 3):
            value = mpmath.diff(function, mpmath.mpf(point), order, h=mpmath.mpf(10) ** -30)
            value = float(mpmath.re(value))
            values.append(0.0 if abs(value) < 1e-25 else value)
        rows.append(values)
    return rows


def number(value):
    return "nan" if value is NONE else repr(float(value))


def rows_of(row):
    text, formula, points = row[:3]
    decided = row[3] if len(row) > 3 else {}
    formula = formula or text.replace("np.", "").replace("math.", "")
    table = derivatives(formula, points) if points else []
    for point, values in decided.items():
        points = points + [point]
        table.append([NONE] * 3 if values is NONE else values)
    return text, points, table


def write():
    for old in FOLDER.glob("*.mpy"):
        old.unlink()
    math = [(t.format(n), n + "(t)" if n != "fabs" else "abs(t)", points) for t, n, points in MATH]
    for name, rows, form in (("arrays", ROWS, ARRAYS), ("numbers", math + NUMBERS, SCALARS)):
        for first in range(0, len(rows), ROWS_OF_PROGRAM):
            title = "%s-%02d" % (name, first // ROWS_OF_PROGRAM)
            lines = [HEAD % ((title,) + form)]
            if any("special." in row[0] for row in rows[first : first + ROWS_OF_PROGRAM]):
                lines.append("from scipy import special")
            for text, points, table in map(rows_of, rows[first : first + ROWS_OF_PROGRAM]):
                lines.extend(calls(text, points, table, form is ARRAYS))
            (FOLDER / (title + ".mpy")).write_text("\n".join(lines) + "\n")


def calls(text, points, table, together):
    if not together:
        for point, values in zip(points, table):
            yield "check(lambda t: %s, %s, %s)" % (text, number(point), ", ".join(map(number, values)))
        return
    columns = ["[%s]" % ", ".join(number(row[k]) for row in table) for k in range(3)]
    points = ", ".join(map(number, points))
    yield "check(lambda t: %s, np.array([%s]), %s)" % (text, points, ", ".join(columns))


# Results that are flat, of integers or truth values; ways to write a function that is checked.
EXEMPT = set(
    """numpy.invert numpy.bitwise_not numpy.isnan numpy.isinf numpy.isfinite numpy.signbit
    numpy.logical_not numpy.bitwise_and numpy.bitwise_or numpy.bitwise_xor numpy.left_shift
    numpy.right_shift numpy.logical_and numpy.logical_or numpy.logical_xor math.erfc math.gamma
    primitives.stop_gradient math.lgamma math.floor math.ceil math.trunc math.isnan math.isinf math.isfinite math.factorial""".split()
)
SAME = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "conjugate": "conj", "deg2rad": "radians", "rad2deg": "degrees",
    "true_divide": "divide", "remainder": "mod", "pow": "power", "atan2": "arctan2",
}


def missing():
    table = (ROOT / "compiler/frontend/library/Library.def").read_text()
    text = " ".join(row[0] for row in ROWS + NUMBERS) + " ".join(t.format(n) for t, n, _ in MATH)
    for macro, name in re.findall(r'MPY_(UNARY|COMPOSED|BINARY|MATH)\("([\w.]+)"', table):
        full = "math." + name if macro == "MATH" else name
        module, short = full.split(".")
        if module == "numpy":
            full = "np." + SAME.get(short, short)
        if module == "primitives":
            full = "special." + short
        if full + "(" not in text and module + "." + short not in EXEMPT:
            yield module + "." + short


def run(program, compiler):
    """What is wrong with one program; nothing if it is right."""
    with tempfile.TemporaryDirectory() as folder:
        built = os.path.join(folder, "program")
        environment = dict(os.environ, PYTHONPATH=str(ROOT / "lang/python"))
        for command in (
            [compiler, "-O0", str(program), "-o", built],
            [built],
            [sys.executable, "-W", "ignore", "-m", "mpy", str(program)],
        ):
            ended = subprocess.run(command, capture_output=True, text=True, env=environment)
            if ended.returncode != 0:
                return "FAIL %s\n%s" % (program, ended.stderr.strip())
    return ""


def main():
    if "--write" in sys.argv[1:]:
        write()
    wrong = ["%s is checked at no special point: add a row" % name for name in missing()]
    programs = sorted(FOLDER.glob("*.mpy"))
    if "--mpyc" in sys.argv[1:]:
        compiler = sys.argv[sys.argv.index("--mpyc") + 1]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = pool.map(lambda program: run(program, compiler), programs)
            wrong += [message for message in found if message]
    for message in wrong:
        print(message)
    print("%d passed, %d failed, 0 skipped" % (max(len(programs) - len(wrong), 0), len(wrong)))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
