"""The legacy random stream against numpy.random.RandomState, bit for bit, errors included."""
import numpy as np

from text_checks import Comparison, outcome


class Pair:
    """One state of the runtime and one of NumPy with the same seed."""

    def __init__(self, runtime, seed):
        self.runtime = runtime
        self.state = runtime.call("mpy_random_new", seed, placed=True)
        self.numpy = np.random.RandomState(seed)

    def array(self, name, *arguments, kind="float64"):
        return self.runtime.call(name, self.state, *arguments, kind=kind, placed=True, results=1)[0]


def same_bits(same, what, found, expected):
    same(what, found.tobytes() if isinstance(found, np.ndarray) else found,
         expected.tobytes() if isinstance(expected, np.ndarray) else expected)


def draw(rng, pair, same):
    kind, n = rng.integers(0, 12), int(rng.integers(0, 700))
    numpy, array = pair.numpy, pair.array
    if kind == 0:
        same_bits(same, "rand", array("mpy_random_double_array", n), numpy.rand(n))
    elif kind == 1:
        same_bits(same, "randn", array("mpy_random_gauss_array", n), numpy.randn(n))
    elif kind == 2:
        low, high = sorted(rng.standard_normal(2) * 10)
        same_bits(same, "uniform", array("mpy_random_uniform_array", n, low, high), numpy.uniform(low, high, n))
    elif kind == 3:
        loc, scale = rng.standard_normal(), rng.random() * 5
        same_bits(same, "normal", array("mpy_random_normal_array", n, loc, scale), numpy.normal(loc, scale, n))
    elif kind == 4:
        low = int(rng.integers(-2 ** 40, 2 ** 40))
        high = low + int(rng.choice([1, 2, 3, 10, 1000, 2 ** 20 + 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 50]))
        same_bits(same, f"randint({low}, {high})", array("mpy_random_int_array", low, high, n, kind="int64"),
                  numpy.randint(low, high, n))
    elif kind == 5:
        same_bits(same, "permutation", array("mpy_random_permutation", n, kind="int64"), numpy.permutation(n))
    elif kind == 6:
        rows = np.arange(3 * n).reshape(n, 3)
        shuffled = rows.copy()
        numpy.shuffle(shuffled)
        same_bits(same, "shuffle", rows[array("mpy_random_permutation", n, kind="int64")], shuffled)
    elif kind == 7:
        same_bits(same, "choice", array("mpy_random_choice", n + 1, n, 1, kind="int64"), numpy.choice(n + 1, n))
        same_bits(same, "choice without", array("mpy_random_choice", n + 5, n, 0, kind="int64"),
                  numpy.choice(n + 5, n, replace=False))
    elif kind == 8:
        p = rng.random(int(rng.integers(1, 50)))
        p /= p.sum()
        count = len(p) // 2
        same_bits(same, "choice p", array("mpy_random_choice_weighted", len(p), n, 1, p, kind="int64"),
                  numpy.choice(len(p), n, p=p))
        same_bits(same, "choice p without",
                  array("mpy_random_choice_weighted", len(p), count, 0, p, kind="int64"),
                  numpy.choice(len(p), count, replace=False, p=p))
    elif kind == 9:
        same_bits(same, "exponential", array("mpy_random_exponential_array", n, 2.5), numpy.exponential(2.5, n))
    elif kind == 10:
        found = [pair.runtime.call("mpy_random_double", pair.state, kind="float"),
                 pair.runtime.call("mpy_random_gauss", pair.state, kind="float"),
                 pair.runtime.call("mpy_random_int", pair.state, -3, 12, placed=True),
                 pair.runtime.call("mpy_random_uniform", pair.state, -1.0, 3.0, kind="float", placed=True),
                 pair.runtime.call("mpy_random_normal", pair.state, 1.0, 3.0, kind="float", placed=True)]
        same("single draws", found, [numpy.random_sample(), numpy.standard_normal(), numpy.randint(-3, 12),
                                     numpy.uniform(-1, 3), numpy.normal(1, 3)])
    else:
        saved = pair.runtime.call("mpy_random_save", pair.state)
        first = array("mpy_random_gauss_array", n)
        pair.runtime.call("mpy_random_restore", pair.state, saved, kind="void")
        pair.runtime.call("mpy_release", saved, kind="void")
        same_bits(same, "restored", array("mpy_random_gauss_array", n), first)
        same_bits(same, "restored against numpy", first, numpy.randn(n))


def check_errors(pair, same):
    numpy, array = pair.numpy, pair.array
    third = np.array([0.1, 0.2])
    cases = [
        (lambda: pair.runtime.call("mpy_random_new", -1, placed=True), lambda: numpy.seed(-1)),
        (lambda: pair.runtime.call("mpy_random_new", 2 ** 32, placed=True), lambda: numpy.seed(2 ** 32)),
        (lambda: array("mpy_random_int_array", 5, 5, 3), lambda: numpy.randint(5, 5, 3)),
        (lambda: array("mpy_random_int_array", 0, 0, 3), lambda: numpy.randint(0, size=3)),
        (lambda: array("mpy_random_double_array", -1), lambda: numpy.rand(-1)),
        (lambda: array("mpy_random_uniform_array", 1, 0.0, float("inf")), lambda: numpy.uniform(0, np.inf, 1)),
        (lambda: array("mpy_random_normal_array", 1, 0.0, -1.0), lambda: numpy.normal(0, -1, 1)),
        (lambda: array("mpy_random_exponential_array", 1, -1.0), lambda: numpy.exponential(-1, 1)),
        (lambda: array("mpy_random_choice", 0, 1, 1), lambda: numpy.choice(0, 1)),
        (lambda: array("mpy_random_choice", 3, 4, 0), lambda: numpy.choice(3, 4, replace=False)),
        (lambda: array("mpy_random_choice_weighted", 3, 1, 1, third), lambda: numpy.choice(3, 1, p=third)),
        (lambda: array("mpy_random_choice_weighted", 2, 1, 1, third), lambda: numpy.choice(2, 1, p=third)),
        (lambda: array("mpy_random_choice_weighted", 2, 1, 1, -third), lambda: numpy.choice(2, 1, p=-third)),
        (lambda: array("mpy_random_choice_weighted", 2, 1, 1, third * np.nan),
         lambda: numpy.choice(2, 1, p=third * np.nan)),
        (lambda: array("mpy_random_choice_weighted", 2, 2, 0, np.array([1.0, 0.0])),
         lambda: numpy.choice(2, 2, replace=False, p=[1.0, 0.0])),
    ]
    for index, (found, expected) in enumerate(cases):
        same(f"error {index}", outcome(found), outcome(expected))


def check(runtime, count):
    rng, same = np.random.default_rng(3), Comparison()
    for seed in [0, 1, 42, 2 ** 32 - 1] + [int(s) for s in rng.integers(0, 2 ** 32, count)]:
        pair = Pair(runtime, seed)
        for _ in range(25):
            draw(rng, pair, same)
        runtime.call("mpy_release", pair.state, kind="void")
    check_errors(Pair(runtime, 0), same)
    return same
