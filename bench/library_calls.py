"""Measures single calls of NumPy's functions in compiled programs beside NumPy's own, at two sizes, one thread.

    python bench/library_calls.py --mpyc build/release/bin/mpyc [--only NAME]

The same text runs on both sides. One element of the argument changes before each call, so that no call is invariant; the sum of
the result is compared. A call may take 1.2 times NumPy's time (2 where it sorts or calls LAPACK).
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MPY_NUM_THREADS"):
    ENVIRONMENT[variable] = "1"
SIZES = {1_000: 200, 1_000_000: 3}
GROUP = 10
TOLERANCE = 1e-9

# x, y: floats in [0.5, 1.5); s: floats of both signs; m: a square-like matrix of x's elements; i, j: integers in [0, n); b: bools.
CALLS = """
x + y
x * y - 0.5
np.sqrt(x)
np.exp(s)
np.log(x)
np.sin(s)
np.tanh(s)
x ** 2.5
np.arctan2(s, x)
np.hypot(x, y)
np.maximum(x, y)
np.where(s > 0, x, y)
np.clip(s, -0.5, 0.5)
np.abs(s)
np.floor(s * 10)
np.round(s, 2)
np.sign(s)
np.sum(x)
np.mean(x)
np.std(x)
np.var(m, axis=0)
np.max(s)
np.argmax(s)
np.sum(m, axis=0)
np.sum(m, axis=1)
np.min(m, axis=1)
np.prod(x * 1e-7 + 1.0)
np.cumsum(x)
np.cumprod(x * 1e-6 + 1.0)
np.diff(x)
np.dot(x, y)
m @ m.T
m.T.copy()
np.outer(x[:300], y[:300])
np.linalg.norm(x)
np.count_nonzero(b)
np.any(s > 2.0)
np.logical_and(b, s > 0)
x[i]
x[b]
np.concatenate([x, y])
np.stack([x, y], axis=1)
np.tile(x, 2)
np.repeat(x, 2)
np.roll(x, 7)
x[::-1] + y
np.flip(m, 1) + m
np.pad(m, 1)
np.sort(s)
np.argsort(s)
np.unique(i)
np.searchsorted(np.linspace(0.0, 2.0, 100), x)
np.histogram(x, 50)[0]
np.bincount(i % 100)
np.percentile(x, 37.0)
np.median(x)
np.interp(x, np.linspace(0.0, 2.0, 100), np.linspace(1.0, 3.0, 100) ** 2)
np.convolve(x[:2000], y[:50])
np.linspace(x[0], 2.0, n)
np.nansum(s)
np.isin(i[:500], j[:500])
np.trapezoid(x, dx=0.1)
np.gradient(x)
np.polyval(np.array([1.0, -2.0, 0.5]), x)
np.einsum('ij,ij->i', m, m)
np.triu(m)
np.meshgrid(x[:200], y[:200])[0]
np.corrcoef(x, y)
np.add.reduce(m, axis=1)
np.take(x, i)
""".strip().splitlines()
SORTING = ("np.sort", "np.argsort", "np.unique", "np.percentile", "np.median", "np.isin")

HEAD = """import sys
import time

import numpy as np

n = int(sys.argv[1])
repetitions = int(sys.argv[2])
side = int(n ** 0.5)
rng = np.random.default_rng(1)
x = rng.random(n) + 0.5
y = rng.random(n) + 0.5
s = rng.standard_normal(n)
m = rng.random((side, side)) + 0.5
i = rng.integers(0, n, n)
j = rng.integers(0, n, n)
b = s > 0.3
"""
BLOCK = """
seconds = []
for turn in range(7):
    start = time.perf_counter()
    for k in range(repetitions):
        x[3] = 0.5 + k * 1e-6
        s[3] = 0.5 - k * 1e-6
        m[1, 1] = 0.5 + k * 1e-6
        i[3] = k
        b[3] = k % 2 == 0
        value_{number} = {call}
    seconds.append((time.perf_counter() - start) / repetitions)
print(sorted(seconds)[3], float(np.sum(value_{number})))
"""


def results(words, count):
    """Pairs of seconds and the sum of the result, one for each call."""
    done = subprocess.run([str(word) for word in words], env=ENVIRONMENT, capture_output=True, text=True)
    lines = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    if done.returncode or len(lines) != count:
        raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
    return lines


def measure(mpyc, folder, calls):
    """Prints a row for each call and size; returns (ratio, whether it holds) of each."""
    source, program = folder / "calls.py", folder / "calls"
    source.write_text(HEAD + "".join(BLOCK.format(call=call, number=number) for number, call in enumerate(calls)))
    subprocess.run([mpyc, source, "-o", program], check=True, env=ENVIRONMENT)
    found = []
    for size, repetitions in SIZES.items():
        arguments = [size, repetitions]
        rounds = [(results([program, *arguments], len(calls)), results([sys.executable, source, *arguments], len(calls)))
                  for _ in range(3)]
        for number, call in enumerate(calls):
            ours = statistics.median(ours[number][0] for ours, _ in rounds)
            theirs = statistics.median(theirs[number][0] for _, theirs in rounds)
            left, right = rounds[0][0][number][1], rounds[0][1][number][1]
            agree = abs(left - right) <= TOLERANCE * max(1.0, abs(right))
            limit = 2.0 if call.startswith(SORTING) else 1.2
            good = agree and ours <= limit * theirs
            print(f"{call:66} {size:9,} {ours * 1e6:11.2f} us {theirs * 1e6:11.2f} us {ours / theirs:6.2f}x of at most {limit}  "
                  f"{'ok' if good else 'NO' if agree else f'RESULTS DIFFER: {left} {right}'}", flush=True)
            found.append((ours / theirs, good))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="", metavar="NAME", help="only calls that contain this text")
    options = parser.parse_args()
    return run(options.mpyc, options.only)


def run(mpyc, only=""):
    """Prints the table; 0 if every row holds."""
    calls = [call for call in CALLS if only in call]
    found = []
    with tempfile.TemporaryDirectory() as name:
        for first in range(0, len(calls), GROUP):
            found += measure(mpyc.resolve(), pathlib.Path(name), calls[first:first + GROUP])
    mean = statistics.geometric_mean(ratio for ratio, _ in found)
    print(f"geometric mean: {mean:.2f} of NumPy's time, at most 0.67: {'ok' if mean <= 0.67 else 'NO'}")
    good = [*(good for _, good in found), mean <= 0.67]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed, 0 skipped")
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
