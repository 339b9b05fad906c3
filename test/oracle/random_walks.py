"""Random programs about comprehensions, generators and iterators: nested in each other, held by names
and taken from little by little, in loops, branches, functions and `try`, of known and of run-time
length, with items that print when they are made and may raise; sums of them are differentiated.

The compiler may refuse a program whose walks it cannot follow (REFUSED).
"""

import random

REFUSED = "E0217 E0211 E0701"

HELPERS = """def noted(name, v):
    print(name, v, end='; ')
    return v
def risky(v):
    if v == 3:
        raise ValueError('three')
    return v
def up(name, m):
    for k in range(m):
        noted(name, k)
        yield k
    print(name, 'ends', end='; ')
def count(k):
    while True:
        yield k
        k += 1
def first(m, items):
    for _ in range(m):
        yield next(items)
def small(items, most):
    for v in items:
        if v > most:
            return
        yield v
def even(items):
    for v in items:
        if v % 2 == 0:
            yield v
def both(a, b):
    yield from a
    yield -1
    yield from b
class Down:
    def __init__(self, m):
        self.m = m
    def __iter__(self):
        return self
    def __next__(self):
        if self.m <= 0:
            raise StopIteration
        self.m -= 1
        return self.m
class Squares:
    def __init__(self, m):
        self.m = m
    def __getitem__(self, k):
        if k >= self.m:
            raise IndexError
        return k * k
    def __len__(self):
        return self.m
class Bag:
    def __init__(self, *items):
        self.items = items
    def __iter__(self):
        for v in self.items:
            yield v
"""


class WalkWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.count = 0

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def fresh(self, prefix):
        self.count += 1
        return "%s%d" % (prefix, self.count)

    def length(self):
        return self.random.choice(("2", "3", "4", "n", "n - 1", "n + 1", "0"))

    def source(self):
        """What ints come from."""
        r, m = self.random, self.length()
        tag = self.fresh("g")
        return r.choice(
            (
                "range(%s)" % m,
                "[5, 1, 4]",
                "(2, 7)",
                "xs",
                "ys",
                "up('%s', %s)" % (tag, m),
                "up('%s', %s)" % (tag, m),
                "Down(%s)" % m,
                "Squares(%s)" % m,
                "Bag(3, 1, 2)",
                "first(%s, count(%d))" % (m, r.randint(0, 4)),
                "even(up('%s', %s))" % (tag, m),
                "small(count(1), %s)" % m,
                "reversed(xs)",
                "reversed([1, 2, 3])",
                "iter(ys)",
                "set([1, 2])",
                "{1: 2, 4: 5}",
            )
        )

    def item(self, name):
        r = self.random
        return r.choice(
            ("%s", "%s * 2", "%s + n", "noted('i', %s)", "risky(%s)", "xs[%s]", "12 // (3 - %s)", "-%s")
        ) % name

    def test(self, name):
        return self.random.choice(("%s %% 2", "%s > 1", "noted('t', %s)", "%s < n", "risky(%s) > 0")) % name

    def ints(self, level):
        """An iterable of ints."""
        r = self.random
        if level == 0:
            return self.source()
        inner = self.ints(level - 1)
        v = self.fresh("v")
        choice = r.randint(0, 9)
        if choice == 0:
            return "(%s for %s in %s)" % (self.item(v), v, inner)
        if choice == 1:
            return "(%s for %s in %s if %s)" % (self.item(v), v, inner, self.test(v))
        if choice == 2:
            w = self.fresh("v")
            return "(%s + %s for %s in %s for %s in range(%s))" % (v, w, v, inner, w, r.choice(("2", v)))
        if choice == 3:
            return "map(lambda %s: %s, %s)" % (v, self.item(v), inner)
        if choice == 4:
            return "filter(lambda %s: %s, %s)" % (v, self.test(v), inner)
        if choice == 5:
            a, b = self.fresh("v"), self.fresh("v")
            return "(%s - %s for %s, %s in zip(%s, %s))" % (a, b, a, b, inner, self.source())
        if choice == 6:
            a, b = self.fresh("v"), self.fresh("v")
            return "(%s * %s for %s, %s in enumerate(%s, 1))" % (a, b, a, b, inner)
        if choice == 7:
            return "both(%s, %s)" % (inner, self.source())
        if choice == 8:
            return "map(lambda a, b: noted('m', a + b), %s, %s)" % (inner, self.source())
        return "[%s for %s in %s]" % (self.item(v), v, inner)

    def folded(self, ints):
        """A number, text or list made of an iterable of ints."""
        r = self.random
        v = self.fresh("v")
        return r.choice(
            (
                "sum(%s)",
                "list(%s)",
                "list(%s)",
                "tuple(%s)",
                "any(%s > 2 for %s in %%s)" % (v, v),
                "all(%s < 2 for %s in %%s)" % (v, v),
                "any(%s)",
                "max(%s, default=-1)",
                "min(%s, key=lambda v: noted('k', -v), default=-1)",
                "sorted(%s)",
                "4 in %s",
                "len(set(%s))",
                "','.join(str(v) for v in %s)",
                "next(iter(%s), -5)",
                "[*%s]",
                "dict(zip(%s, count(1)))",
                "list(enumerate(%s))",
                "list(zip(%s, up('z', 2)))",
            )
        ) % ints

    def walk(self, depth, ints):
        """A loop over an iterable of ints."""
        r = self.random
        v = self.fresh("v")
        self.line(depth, "for %s in %s:" % (v, ints))
        choice = r.randint(0, 3)
        if choice == 0:
            self.line(depth + 1, "t += %s" % v)
        elif choice == 1:
            self.line(depth + 1, "if %s > %s:" % (v, r.choice(("2", "n"))))
            self.line(depth + 2, "break")
            self.line(depth + 1, "t += %s" % v)
            self.line(depth, "else:")
            self.line(depth + 1, "t += 100")
        elif choice == 2:
            self.line(depth + 1, "if %s %% 2:" % v)
            self.line(depth + 2, "continue")
            self.line(depth + 1, "t -= noted('l', %s)" % v)
        else:
            self.line(depth + 1, "print(%s, t)" % v)

    def held(self, depth):
        """An iterator with a name, taken from little by little."""
        r = self.random
        name = self.fresh("it")
        self.line(depth, "%s = iter(%s)" % (name, self.ints(r.randint(0, 2))))
        for _ in range(r.randint(1, 3)):
            choice = r.randint(0, 4)
            if choice <= 1:
                self.line(depth, "print(next(%s, -5))" % name)
            elif choice == 2:
                self.walk(depth, name)
            elif choice == 3:
                self.line(depth, "print(%s)" % self.folded(name))
            else:
                self.line(depth, "for q in range(%s):" % r.choice(("2", "n")))
                self.line(depth + 1, "t += next(%s, 7)" % name)
        self.line(depth, "print(t)")

    def statement(self, depth, nesting):
        r = self.random
        choice = r.randint(0, 6)
        if nesting and choice == 0:
            self.line(depth, "for q in range(%s):" % r.choice(("2", "n")))
            self.statement(depth + 1, nesting - 1)
        elif nesting and choice == 1:
            self.line(depth, "if t %% 3 == %d:" % r.randint(0, 2))
            self.statement(depth + 1, nesting - 1)
        elif choice <= 3:
            self.line(depth, "print(%s)" % self.folded(self.ints(r.randint(0, 2))))
        elif choice == 4:
            self.walk(depth, self.ints(r.randint(0, 2)))
        else:
            self.held(depth)

    def guarded(self, depth):
        self.line(depth, "try:")
        self.statement(depth + 1, 2)
        self.line(depth, "except (ValueError, LookupError, ZeroDivisionError) as e:")
        self.line(depth + 1, "print('caught', type(e).__name__)")
        if self.random.random() < 0.3:
            self.line(depth, "finally:")
            self.line(depth + 1, "t += 1")

    def program(self, seed):
        r = self.random
        self.line(0, "# Random program %d about comprehensions, generators and iterators." % seed)
        self.line(0, "# refused: " + REFUSED)
        self.line(0, "import sys")
        self.line(0, "import numpy as np")
        self.line(0, "from mpy import grad")
        self.lines += HELPERS.splitlines()
        self.line(0, "n = %s" % r.choice(("3", "len(sys.argv) + 2")))
        self.line(0, "xs = [4, 0, 3, 2]")
        self.line(0, "ys = [k + 1 for k in range(n)]")
        for number in range(r.randint(1, 2)):
            self.line(0, "def f%d(t):" % number)
            for _ in range(r.randint(2, 3)):
                self.guarded(1)
            self.line(1, "return t")
            self.line(0, "print(f%d(%d))" % (number, r.randint(0, 5)))
        self.line(0, "t = 0")
        self.guarded(0)
        self.line(0, "print(t)")
        if r.random() < 0.5:
            v = self.fresh("v")
            self.line(0, "def h(x):")
            self.line(1, "try:")
            self.line(2, "return sum(np.sin(x * %s) for %s in %s)" % (v, v, self.ints(r.randint(0, 2))))
            self.line(1, "except (ValueError, LookupError, ZeroDivisionError):")
            self.line(2, "return x * x")
            self.line(0, "print(grad(h)(0.7))")
        return "\n".join(self.lines) + "\n"
