"""Random programs about functions that take functions: helpers with loops, branches and recursion
inside, given functions that call the same helpers again, to depth 4, and read names of all the
functions around them; differentiated in both modes, and inside by helpers of their own.
"""

import random

# Name, parameters behind the function, body. Each returns a number of about the size of 1.
HELPERS = {
    "each": ("", ["t = 0.0", "for k in range(n):", "    t += f(0.3 * k)", "return np.tanh(t)"]),
    "fold": (
        "x",
        ["for v in data:", "    x = 0.6 * x + f(v * x)", "return np.sin(x)"],
    ),
    "rows": (
        "x",
        ["return sum([f(v) * x for v in data]) * 0.3"],
    ),
    "integrate": (
        "x",
        ["h = x / n", "return sum(f((i + 0.5) * h) for i in range(n)) * h"],
    ),
    "twice": ("x", ["return f(f(x))"]),
    "iterate": (
        "x",
        ["i = 0", "while i < n:", "    x = np.sin(f(x))", "    i += 1", "return x"],
    ),
    "bounded": (
        "x",
        ["if x > 0.2:", "    return f(x) * 0.5", "return f(x * x) - x"],
    ),
    "descend": (
        "x",
        ["return descend_to(f, x, n)"],
    ),
    "tree": (
        "x",
        ["return tree_to(f, x, n)"],
    ),
    "held": ("x", ["return Held(f, x).value()"]),
    "kept": (
        "x",
        ["calls = 0", "def g(v):", "    nonlocal calls", "    calls += 1", "    return f(v) * calls"]
        + ["return np.tanh(g(x) + g(0.5))"],
    ),
    "listed": (
        "x",
        ["fs = [f, lambda v: v * x, f]", "for g in fs:", "    x = np.cos(g(x))", "return x"],
    ),
    "composed": (
        "x",
        ["g = lambda v: f(np.sin(v)) + x", "return np.tanh(g(f(x)))"],
    ),
    "mapped": (
        "x",
        ["return sum(map(lambda v: f(v + x), [0.1, 0.4])) * 0.5"],
    ),
    "caught": (
        "x",
        ["try:", "    if x > 3.0:", "        raise ValueError('far')", "    return f(x)"]
        + ["except ValueError:", "    return 0.5 * x"],
    ),
    "slope": ("x", ["return np.tanh(grad(f)(x))"]),
    "push": ("x", ["return np.tanh(jvp(f, (x,), (0.5,))[1])"]),
    "both": ("x", ["a, b = value_and_grad(f)(x)", "return np.sin(a - 0.5 * b)"]),
    "slopes": (
        "x",
        ["return np.tanh(sum([grad(lambda v: f(v) * i)(x) for i in range(n)], 0.0))"],
    ),
}
TRANSFORMS = {"slope", "push", "both", "slopes"}
# What some helpers need.
BESIDE = {
    "descend": """def descend_to(f, x, k):
    if k == 0:
        return x
    return descend_to(f, 0.5 * f(x) + 0.2 * x, k - 1)
""",
    "tree": """def tree_to(f, x, k):
    if k <= 0:
        return f(x)
    return tree_to(f, 0.5 * x, k - 1) - 0.5 * f(tree_to(f, 0.3 * x, k - 2))
""",
    "held": """class Held:
    def __init__(self, f, x):
        self.f = f
        self.x = x
    def value(self):
        return self.f(self.x) + self.other()
    def other(self):
        return 0.3 * self.f(self.x * 0.5)
""",
}


class CallWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.count = 0
        self.calls = self.random.randint(3, 9)
        self.transforms = self.random.randint(0, 2)
        # One helper again and again is what these programs are about.
        self.helpers = self.random.sample(sorted(HELPERS), self.random.randint(1, 5))

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def fresh(self):
        self.count += 1
        return "v%d" % self.count

    def expression(self, depth, names, level=2):
        pick = self.random.choice
        choice = self.random.randint(0, 9)
        if depth and self.calls > 0 and choice <= 4:
            return self.call(depth, names)
        if level == 0 or choice <= 5:
            return pick(names) if self.random.random() < 0.8 else "%.2f" % self.random.uniform(-1, 1)
        inner = [self.expression(depth, names, level - 1) for _ in range(2)]
        if choice == 6:
            return "np.sin(%s)" % inner[0]
        return "(%s %s %s)" % (inner[0], pick("+-*"), inner[1])

    def call(self, depth, names):
        name = self.random.choice(self.helpers)
        if name in TRANSFORMS:
            self.transforms -= 1
            if self.transforms < 0:
                return "np.cos(%s)" % self.random.choice(names)
        self.calls -= 1
        parameter = self.fresh()
        # The function reads its own parameter, and mostly those of the ones around it.
        inner = self.expression(depth - 1, names + [parameter] * 2)
        form = self.random.random()
        if form < 0.75:
            function = "lambda %s: %s" % (parameter, inner)
        elif form < 0.85:
            function = "smooth(lambda %s: %s)" % (parameter, inner)
        else:
            function = "lambda %s, w0=%s: (%s) * w0" % (
                parameter,
                self.random.choice(names),
                inner,
            )
        if not HELPERS[name][0]:
            return "%s(%s)" % (name, function)
        return "%s(%s, %s)" % (name, function, self.expression(0, names, 1))

    def function(self, name):
        """A function of a number, with functions of its own inside."""
        self.line(0, "def %s(w):" % name)
        names = ["w"]
        for _ in range(self.random.randint(1, 3)):
            self.calls = max(self.calls, 2)
            text = self.expression(4, names, 1)
            while "(" not in text:
                text = self.expression(4, names, 1)
            new = self.fresh()
            self.line(1, "%s = %s" % (new, text))
            names.append(new)
        self.line(1, "return %s" % " + ".join(names))

    def program(self, seed):
        self.line(0, "# Random program %d about functions that take functions." % seed)
        self.line(0, "import sys")
        self.line(0, "import numpy as np")
        self.line(0, "from mpy import grad, jvp, value_and_grad")
        self.line(0, "n = len(sys.argv) + %d" % self.random.randint(0, 2))
        self.line(0, "data = np.linspace(0.2, 0.9, n + 1)")
        self.line(0, "def smooth(f):")
        self.line(1, "return lambda v: np.tanh(f(0.8 * v))")
        for name in self.helpers:
            self.lines += BESIDE.get(name, "").splitlines()
            parameters, body = HELPERS[name]
            self.line(0, "def %s(%s):" % (name, ", ".join(["f"] + parameters.split())))
            for text in body:
                self.line(1, text)
        self.function("main")
        self.line(0, "print('%.6f' % main(0.7))")
        form = self.random.randint(0, 3)
        if form != 0:
            self.line(0, "print('%.6f' % grad(main)(0.7))")
        if form == 2:
            self.line(0, "print('%.6f' % grad(grad(main))(0.7))")
        if form == 3:
            self.line(0, "print('%.6f' % jvp(main, (0.7,), (1.0,))[1])")
        return "\n".join(self.lines) + "\n"
