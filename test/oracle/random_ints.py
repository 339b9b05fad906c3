"""Random programs about numbers: ints of all sizes, near 2**31, 2**53 and 2**63 too, and numbers whose
kind (Python's or NumPy's, int or float) depends on the path, joined in branches, loops, lists, dicts,
attributes and results of functions.

Each program is run here once, its arithmetic watched: where an int needs more than 64 bits the compiled
program may end in OverflowError there (`# overflows`), elsewhere it may not.
"""

import ast
import contextlib
import io
import random
import sys
import types

SIZES = (0, 1, 2, 3, 7, 10, 31, 255, 1000)
LARGE = ("2**31 - 1", "2**31", "2**31 + 5", "2**53 - 1", "2**53", "2**53 + 1", "2**61", "2**62", "2**62 - 1 + 2**62")
SCALARS = {
    "int": ("%s",),
    "i64": ("np.int64(%s)",),
    "i32": ("np.int32(%s)",),
    "float": ("float(%s)", "(%s) * 0.5"),
    "f64": ("np.float64(%s)",),
    "f32": ("np.float32(%s)",),
    "bool": ("(%s > 3)",),
}
WHOLE = ("int", "int", "int", "i64", "bool")
MIXTURES = (WHOLE, WHOLE, ("int", "float"), ("int", "f64"), ("float", "f32"), ("int", "i64", "float"), tuple(SCALARS))


class NumberWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.kinds = self.random.choice(MIXTURES)
        self.isWhole = all(kind in ("int", "i64", "i32", "bool") for kind in self.kinds)
        self.counter = "n"

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def constant(self, largest=True):
        if largest and self.random.random() < 0.25:
            return self.random.choice(LARGE)
        return str(self.random.choice(SIZES) * self.random.choice((1, 1, -1)))

    def fresh(self):
        """A number of one of the kinds, by run-time data mostly."""
        kind = self.random.choice(self.kinds)
        number = self.constant(kind != "i32")
        if self.random.random() < 0.7:
            number = "(%s) %s %s" % (number, self.random.choice("*+-" if "2**" not in number else "*"),
                                     self.counter if "2**" not in number else "n")
        return self.random.choice(SCALARS[kind]) % ("(%s)" % number)

    def operand(self):
        return self.random.choice(("x", "y", "z", "xs[%s %% len(xs)]" % self.counter, "o.v", self.fresh()))

    def expression(self, level=1):
        a, b = self.operand(), self.operand()
        if level and self.random.random() < 0.4:
            a = "(%s)" % self.expression(level - 1)
        choice = self.random.randint(0, 11)
        if choice <= 4:
            return "%s %s %s" % (a, self.random.choice(("+", "-", "*", "+")), b)
        if choice == 5:
            return "%s %s %d" % (a, self.random.choice(("//", "%")), self.random.choice((-7, -1, 2, 3, 10, 97)))
        if choice == 6:
            return self.random.choice(("abs(%s)", "-(%s)", "+(%s)")) % a if "bool" not in self.kinds else a
        if choice == 7:
            return "%s(%s, %s)" % (self.random.choice(("min", "max")), a, b)
        if choice == 8 and self.isWhole:
            return "%s %s %s" % (a, self.random.choice("&|^"), b)
        if choice == 9 and self.isWhole and "i64" not in self.kinds:
            return "(%s) %s %d" % (a, self.random.choice(("<<", ">>")), self.random.choice((0, 1, 5, 31)))
        if choice == 10:
            return "f(%s, %s)" % (a, b)
        return "%s if %s else %s" % (a, self.condition(), b)

    def condition(self):
        compare = self.random.choice(("<", "<=", ">", ">=", "==", "!="))
        return self.random.choice((
            "%s %s %s" % (self.operand(), compare, self.operand()),
            "%s %% 2 == %d" % (self.counter, self.random.randint(0, 1)),
            self.random.choice("xyz")))

    def statement(self, depth, level=2):
        target = self.random.choice(("x", "y", "z", "o.v", "xs[0]"))
        choice = self.random.randint(0, 12 if level else 7)
        if choice <= 2:
            self.line(depth, "%s = %s" % (target, self.expression()))
        elif choice <= 4:
            self.line(depth, "%s = %s %s %s" % (target, target, self.random.choice("+-*"), self.operand()))
        elif choice == 5:
            self.line(depth, "xs.append(%s)" % self.expression())
        elif choice == 6:
            key = "%s %% 3" % self.counter
            self.line(depth, "d[%s] = d.get(%s, %s) + %s" % (key, key, self.fresh(), self.operand()))
        elif choice == 7:
            self.line(depth, "x, y = y, %s" % self.expression())
        elif choice <= 9:
            self.line(depth, "if %s:" % self.condition())
            self.statement(depth + 1, level - 1)
            if self.random.random() < 0.6:
                self.line(depth, "else:")
                self.statement(depth + 1, level - 1)
        elif choice <= 11:
            outer, self.counter = self.counter, "ij"[depth % 2]
            bounds = self.random.choice(("n + %d", "%d * n", "1, n + %d", "n + %d, 0, -1"))
            self.line(depth, "for %s in range(%s):" % (self.counter, bounds % self.random.randint(2, 12)))
            for _ in range(self.random.randint(1, 3)):
                self.statement(depth + 1, level - 1)
            self.counter = outer
        else:
            self.line(depth, "k = n")
            self.line(depth, "while k < %d:" % self.random.randint(3, 9))
            self.statement(depth + 1, 0)
            self.line(depth + 1, "k += 1")

    def program(self, seed):
        self.line(0, "import sys")
        self.line(0, "import numpy as np")
        self.line(0, "n = len(sys.argv)")
        self.line(0, "class Box:")
        self.line(1, "def __init__(self, v):")
        self.line(2, "self.v = v")
        self.line(0, "def f(a, b):")
        self.line(1, "if a %s b:" % self.random.choice(("<", ">", "==")))
        self.line(2, "return %s" % self.random.choice(("b", "a + 1", "b * 3", "0", "1.5" if not self.isWhole else "1")))
        self.line(1, "return %s" % self.random.choice(("a", "a - b", "b")))
        for name in "xyz":
            self.line(0, "%s = %s" % (name, self.fresh()))
        self.line(0, "o = Box(%s)" % self.fresh())
        self.line(0, "xs = [%s]" % ", ".join(self.fresh() for _ in range(self.random.randint(1, 3))))
        self.line(0, "d = {}")
        for _ in range(self.random.randint(2, 5)):
            self.statement(0)
            if self.random.random() < 0.4:
                self.line(0, "print(x, [y], z)")
        self.line(0, "print([x, y, z, o.v])")
        self.line(0, "print(xs, sorted(d.items(), key=lambda item: item[0]))")
        self.line(0, "print(sum(xs), x < y, y == z, bool(x))")
        text = "\n".join(self.lines) + "\n"
        overflows, fails = watch(text)
        marks = ["# Random program %d about numbers." % seed, "# exact"]
        marks += ["# overflows"] * overflows + ["# fails"] * fails
        return "\n".join(marks) + "\n" + text


class Watch(ast.NodeTransformer):
    """Passes each result of arithmetic and each result of a call through `watched`."""

    def wrap(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("watched", ast.Load()), [node], [])

    visit_BinOp = visit_UnaryOp = visit_Call = wrap


def watch(text):
    """Whether an int of the program passes 64 bits, and whether it ends in an exception."""
    overflows = False

    def watched(value):
        nonlocal overflows
        if type(value) is int and not -(2**63) <= value < 2**63:
            overflows = True
        return value

    tree = ast.fix_missing_locations(Watch().visit(ast.parse(text)))
    module = types.ModuleType("watched")
    module.watched = watched
    module.sum = lambda items: watched_sum(items, watched)
    fails = False
    given, sys.argv = sys.argv, ["program"]
    try:
        import numpy

        with contextlib.redirect_stdout(io.StringIO()), numpy.errstate(all="ignore"):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(tree, "watched", "exec"), module.__dict__)
    except Exception:
        fails = True
    finally:
        sys.argv = given
    return overflows, fails


def watched_sum(items, watched):
    total = 0
    for item in items:
        total = watched(total + item)
    return total
