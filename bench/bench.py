"""Measures compiled programs against NumPy + autograd and hand-written code, side by side, one thread.

    python bench/bench.py --mpyc build/release/bin/mpyc [programs | library | calls]

`programs` are those of this folder; `library` measures linear algebra, transforms and special functions against NumPy, SciPy and
autograd; `calls` single calls of NumPy's functions (library_calls.py).
Every program prints `time SECONDS` and `result NUMBERS` for each repetition; a time counts only if the results agree.
"""

import argparse
import gzip
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import library_calls
import numpy

FOLDER = pathlib.Path(__file__).resolve().parent
DATA = FOLDER.parent / "samples/data/digits.csv.gz"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MPY_NUM_THREADS"):
    ENVIRONMENT[variable] = "1"
TOLERANCE = 1e-5
ROUNDS = 3


def run(words, cwd=None):
    """The times of a program's repetitions, and all its results."""
    done = subprocess.run([str(word) for word in words], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    times, results = [], []
    for line in done.stdout.splitlines():
        kind, *values = line.split()
        if kind == "time":
            times.append(float(values[0]))
        elif kind == "result":
            results += map(float, values)
    return times, results


def side_by_side(ours, other):
    """Median times and results of two programs that take turns, so that what else the machine does slows both."""
    rounds = [(run(ours), run(other)) for _ in range(ROUNDS)]
    return [(statistics.median(sum((times for times, _ in each), [])), each[0][1]) for each in zip(*rounds)]


def row(name, ours, other, limit, faster):
    """One line of the table: how much faster, or how much of the other's time, and the figure wanted."""
    agree = len(ours[1]) == len(other[1]) and numpy.allclose(ours[1], other[1], rtol=TOLERANCE)
    ratio = other[0] / ours[0] if faster else ours[0] / other[0]
    good = agree and (ratio >= limit if faster else ratio <= limit)
    wanted = f"at least {limit}x faster" if faster else f"at most {limit}x its time"
    print(f"{name:58} {ours[0] * 1e3:10.3f} ms {other[0] * 1e3:10.3f} ms {ratio:6.2f}x  {wanted:22} "
          f"{'ok' if good else 'NO' if agree else 'RESULTS DIFFER'}", flush=True)
    return good


def limit_row(name, value, unit, limit):
    good = value <= limit
    print(f"{name:58} {value:10.3f} {unit} {'':20} at most {limit:<12} {'ok' if good else 'NO'}", flush=True)
    return good


def write_step_input(path):
    """The data and first weights that the program with a seed would draw."""
    rows = numpy.loadtxt(gzip.open(DATA), delimiter=",")
    random = numpy.random.RandomState(0)
    sizes = [64, 128, 64, 10]
    parts = [[float(len(rows))], rows[:, :64] / 16.0, rows[:, 64]]
    parts += [random.randn(n, m) / numpy.sqrt(n) for n, m in zip(sizes, sizes[1:])]
    path.write_bytes(b"".join(numpy.ascontiguousarray(part, dtype=float).tobytes() for part in parts))


def smallest_time(words, repetitions):
    """The median wall time of a whole process."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        subprocess.run([str(word) for word in words], check=True, capture_output=True, env=ENVIRONMENT)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


SPECIAL = ("expit logit log_expit erf erfc erfinv gamma gammaln digamma j0 j1 y0 y1 i0 i0e i1 i1e ndtr log_ndtr ndtri xlogy entr "
           "rel_entr").split()


def library_rows(mpyc, folder):
    """Functions of the library against NumPy's and SciPy's, and gradients against their own values."""
    good = []

    def attempt(title, ours, other, limit, faster):
        try:
            good.append(row(title, *side_by_side(ours, other), limit, faster))
        except RuntimeError as error:
            print(f"{title:58} FAILED: {error}")
            good.append(False)

    for source in (FOLDER / "library").glob("*.mpy"):
        shutil.copy(source, folder / (source.stem + ".py"))
        subprocess.run([mpyc, source, "-o", folder / source.stem], check=True, env=ENVIRONMENT)

    def against_python(stem, title, limit, faster, *arguments):
        attempt(title, [folder / stem, *arguments], [sys.executable, folder / f"{stem}.py", *arguments], limit, faster)

    def gradient(stem, title, limit, *arguments):
        ours, value = ([folder / stem, *arguments, *more] for more in (["gradient"], ["value"]))
        attempt(title, ours, value, limit, False)

    for n in ("10", "100", "1000"):
        for name in ("solve", "cholesky", "svd", "eigh"):
            against_python("linear_algebra", f"{name}, n {n}: NumPy", 3 if n == "10" else 1.1, n == "10", name, n)
            gradient("linear_algebra", f"{name}, n {n}, gradient: its own value", 3, name, n)
    for size in ("1024", "1048576", "1000x1000", "10007"):
        against_python("fourier", f"fft, {size}: NumPy", 1.0, False, size)
        gradient("fourier", f"fft, {size}, gradient: its own value", 2.2, size)
    for name in SPECIAL:
        against_python("special", f"{name}, a million numbers: SciPy", 2, True, name)
    against_python("gaussian_process", "marginal likelihood, 1,000 points, gradient: autograd", 2, True)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("table", nargs="?", choices=("programs", "library", "calls"), default="programs")
    options = parser.parse_args()
    mpyc = options.mpyc.resolve()
    if options.table == "calls":
        return library_calls.run(mpyc)
    if options.table == "library":
        with tempfile.TemporaryDirectory() as name:
            good = library_rows(mpyc, pathlib.Path(name))
        print(f"{sum(map(bool, good))} passed, {len(good) - sum(map(bool, good))} failed, 0 skipped")
        return int(not all(good))
    compiler = next(filter(shutil.which, ("gcc", "clang-22")))
    wide = ["-O3", "-march=native", "-ffast-math"] + (["-mprefer-vector-width=512"] if compiler == "gcc" else ["-fveclib=libmvec"])
    good = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for source in FOLDER.glob("*.mpy"):
            shutil.copy(source, folder / (source.stem + ".py"))

        def compiled(stem):
            subprocess.run([mpyc, FOLDER / f"{stem}.mpy", "-o", folder / stem], check=True, env=ENVIRONMENT)
            return folder / stem

        def attempt(title, measure):
            try:
                good.append(measure())
            except (RuntimeError, subprocess.CalledProcessError) as error:
                print(f"{title:58} FAILED: {error}")
                good.append(False)

        def against_python(stem, title, limit, *arguments):
            attempt(title, lambda: row(title, *side_by_side([compiled(stem), *arguments],
                                                            [sys.executable, folder / f"{stem}.py", *arguments]), limit, True))

        print(f"{'':58} {'mpyc':>13} {'other':>13} {'ratio':>7}")
        against_python("digits_small", "digits 64-32-10, batch 32: NumPy + autograd", 12, DATA)
        against_python("digits_deep", "digits 64-100-50-10, batch 100: NumPy + autograd", 4, DATA)

        def hand_written_step():
            write_step_input(folder / "input")
            subprocess.run(["g++" if compiler == "gcc" else "clang++-22", *wide, FOLDER / "digits_step.cpp", "-o", folder / "by_hand",
                            "-lopenblas"], check=True)
            return row("digits 64-128-64-10, batch 64: C++ by hand",
                       *side_by_side([compiled("digits_step"), DATA], [folder / "by_hand", folder / "input"]), 1.5, False)

        attempt("digits 64-128-64-10, batch 64: C++ by hand", hand_written_step)
        against_python("sum_exp_tanh", "sum(exp(-x*x) * tanh(x)), 10M: NumPy + autograd", 7)

        def fused_pass():
            subprocess.run([compiler, *wide, FOLDER / "fused.c", "-o", folder / "fused", "-lm"], check=True)
            return row("sum(exp(-x*x) * tanh(x)), 10M: one C pass by hand",
                       *side_by_side([compiled("sum_exp_tanh")], [folder / "fused"]), 1.3, False)

        attempt("sum(exp(-x*x) * tanh(x)), 10M: one C pass by hand", fused_pass)

        def against_c(title, stem, source, limit, *arguments):
            """A loop against the same loop in C; both keep the order of their operations."""

            def measure():
                subprocess.run(["clang-22", "-O3", "-march=native", "-ffp-contract=off", FOLDER / f"{source}.c", "-o",
                                folder / f"{source}_c", "-lm"], check=True)
                return row(title, *side_by_side([compiled(stem)], [folder / f"{source}_c", *arguments]), limit, False)

            attempt(title, measure)

        against_c("logistic map, 10M steps: C", "logistic", "logistic", 1.15)
        against_c("logistic map, 10M steps, gradient: C with a tape", "logistic_gradient", "logistic", 1.3, "gradient")
        against_c("Jacobi 1000x1000, 100 steps: C", "jacobi", "jacobi", 1.15)
        against_python("jacobi", "Jacobi 1000x1000, 100 steps: NumPy", 3)
        attempt("Jacobi 1000x1000, 100 steps, gradient: its own value", lambda: row(
            "Jacobi 1000x1000, 100 steps, gradient: its own value",
            *side_by_side([compiled("jacobi_gradient")], [compiled("jacobi")]), 3, False))

        def directions():
            """Ratios that a program measures itself, side by side: the median of its runs."""
            program = compiled("directions")
            runs = [subprocess.run([program], env=ENVIRONMENT, capture_output=True, text=True, check=True) for _ in range(ROUNDS)]
            lines = zip(*[[line.split(maxsplit=3) for line in done.stdout.splitlines()] for done in runs])
            return all([limit_row(same[0][3].rpartition(" ")[0], statistics.median(float(ratio) for _, ratio, _, _ in same), "x ", float(same[0][2]))
                        for same in lines])

        attempt("many directions at once", directions)

        def processes():
            tutorial = FOLDER.parent / "samples/tutorial_2.mpy"
            ok = limit_row("tutorial 2: source to executable", smallest_time([mpyc, tutorial, "-o", folder / "tutorial"], 5), "s ", 1)
            hello = compiled("hello")
            ok &= limit_row("hello: start to end", smallest_time([hello], 50) * 1e3, "ms", 5)
            subprocess.run(["strip", hello], check=True)
            return ok & limit_row("hello: stripped", hello.stat().st_size / 1e6, "MB", 2)

        attempt("processes", processes)
    print(f"{sum(map(bool, good))} passed, {len(good) - sum(map(bool, good))} failed, 0 skipped")
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
