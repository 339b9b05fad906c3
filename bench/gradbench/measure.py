"""Times the programs of this folder at GradBench's sizes: the derivative, and the value alone.

    python bench/gradbench/measure.py --mpyc build/release/bin/mpyc [PROGRAM..]

Each program keeps its functions and inputs; what it prints gives way to a loop that times one expression. The lowest of the
repetitions counts.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
# Per program: where its output begins, the derivative, the value, and sizes with repetitions.
PROGRAMS = {
    "gmm": ("value, gradients", "value_and_grad(gmm_objective, (0, 1, 2))(alphas, means, icf, x, 1.0, 0)",
            "gmm_objective(alphas, means, icf, x, 1.0, 0)",
            [((2, 5, 1000), 20), ((20, 25, 1000), 7), ((64, 200, 1000), 3), ((64, 200, 10000), 2)]),
    "ba": ("errors = np.array", "np.sum(jacobian(cameras, points, weights, features, observed)[2])", None,
           [((49, 7776, 31843), 5), ((257, 65132, 225911), 2)]),
    "ht": ("print(objective", "np.sum(jacfwd(objective)(theta, model, correspondences, points))",
           "np.sum(objective(theta, model, correspondences, points))", [((25, 544, 100), 5), ((25, 10000, 10000), 3)]),
    "lstm": ("value, gradients", "value_and_grad(lstm_objective, (0, 1))(main, extra, state, sequence)",
             "lstm_objective(main, extra, state, sequence)", [((2, 1024), 5), ((4, 4096), 3)]),
    "ode": ("print(ode", "np.sum(grad(last)(x, s))", "np.sum(ode(x, s))", [((100, 1000), 5), ((2000, 10000), 2)]),
    "kmeans": ("print(cost", "np.sum(direction(points, centroids))", "cost(points, centroids)",
               [((10, 1000, 8), 9), ((1000, 10000, 16), 3)]),
    "llsq": ("value, gradient", "value_and_grad(llsq)(x, n)", "llsq(x, n)", [((128, 64), 50), ((4096, 1024), 5)]),
    "lse": ("value, gradient", "value_and_grad(logsumexp)(x)", "logsumexp(x)", [((1000,), 50), ((1000000,), 7)]),
    "det": ("value, gradient", "value_and_grad(det)(A)", "det(A)", [((5,), 20), ((8,), 7)]),
}
LOOP = """
import time

for repetition in range(int(sys.argv[-1])):
    start = time.perf_counter()
    result = {expression}
    print('time %.9f' % (time.perf_counter() - start))
    print('result', {shown})
"""
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MPY_NUM_THREADS")}


def shown(expression):
    """What is printed of a result: something of each array, so that all of it is computed."""
    if not expression.startswith("value_and_grad"):
        return "result"
    if "(0, 1" not in expression:
        return "result[0], np.sum(result[1])"
    return "result[0], [np.sum(gradient) for gradient in result[1]]"


def compiled(mpyc, folder, name, expression):
    source = (FOLDER / f"{name}.mpy").read_text()
    path = folder / f"{name}.mpy"
    path.write_text(source[:source.index("\n" + PROGRAMS[name][0])] + LOOP.format(expression=expression, shown=shown(expression)))
    subprocess.run([mpyc, path, "-o", path.with_suffix("")], check=True)
    return path.with_suffix("")


def lowest(program, sizes, repetitions):
    """Milliseconds; every word but the last is a size, as the programs read them."""
    words = [str(program), *map(str, sizes), str(repetitions)]
    text = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ | THREADS).stdout
    return 1e3 * min(float(line.split()[1]) for line in text.splitlines() if line.startswith("time"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("programs", nargs="*", default=list(PROGRAMS))
    arguments = parser.parse_args()
    print(f"{'':30} {'derivative':>14} {'value':>14} {'ratio':>7}")
    for name in arguments.programs:
        _, derivative, value, sizes = PROGRAMS[name]
        times = []
        with tempfile.TemporaryDirectory() as folder:
            for expression in filter(None, (derivative, value)):
                program = compiled(arguments.mpyc.resolve(), pathlib.Path(folder), name, expression)
                times.append([lowest(program, *size) for size in sizes])
        for (size, _), *both in zip(sizes, *times):
            ratio = f"{both[0] / both[1]:7.2f}" if len(both) == 2 else ""
            print(f"{name + ' ' + str(size):30}", *(f"{one:11.4f} ms" for one in both), ratio, flush=True)


if __name__ == "__main__":
    main()
