"""Random programs about dicts and sets whose keys are run-time data: filled, asked, changed, walked
and emptied in loops, branches and functions, with keys and values of several kinds; those of floats
are differentiated to order 2.

The compiler may refuse a program that shares an object in ways that it does not follow (REFUSED).
"""

import random

REFUSED = "E0217 E0211"

KEYS = {
    "int": ("{0}",),
    "str": ("'k%d' % {0}",),
    "tuple": ("({0}, 1)", "(0, {0})"),
    "float": ("({0} / 2)",),
}
# What a value is made of a number, and how one changes.
VALUES = {
    "int": ("{0}", "{0} += 1"),
    "float": ("({0}) * 0.5", "{0} *= 1.5"),
    "smooth": ("np.sin(x * ({0}))", "{0} = {0} * x + 0.1"),
    "list": ("[{0}]", "{0}.append(t)"),
    "object": ("P({0})", "{0}.v += 2"),
}
CLASS = """class P:
    def __init__(self, v):
        self.v = v
    def __repr__(self):
        return 'P(%s)' % self.v
    def __eq__(self, other):
        return self.v == other.v
"""


class KeyWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.keys = KEYS[self.random.choice(sorted(KEYS))]
        self.kind = self.random.choice(sorted(VALUES))
        self.new, self.change = VALUES[self.kind]

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def key(self, number):
        small = "((%s) %% %d)" % (number, self.random.randint(2, 6))
        return self.random.choice(self.keys).format(small)

    def statement(self, depth, counter):
        pick = self.random.choice
        table, other = pick("ab"), pick("ab")
        number = pick(("{0}", "{0} * 3", "{0} + n", "{0} * {0}", "7 - {0}")).format(counter)
        key = self.key(number)
        item = "%s[%s]" % (table, key)
        choice = self.random.randint(0, 12)
        if choice <= 2:
            self.line(depth, "%s = %s" % (item, self.new.format(number)))
        elif choice == 3:
            self.line(depth, "if %s in %s:" % (key, table))
            self.line(depth + 1, self.change.format(item))
        elif choice == 4:
            self.line(depth, "if %s not in %s:" % (key, table))
            self.line(depth + 1, "%s = %s" % (item, self.new.format("t")))
        elif choice == 5:
            self.line(depth, "if %s.get(%s) is not None:" % (table, key))
            self.line(depth + 1, "t += 1")
        elif choice == 6:
            self.line(depth, "%s.setdefault(%s, %s)" % (table, key, self.new.format("1")))
            if self.random.random() < 0.5:
                self.line(depth, self.change.format(item))
        elif choice == 7:
            self.line(depth, "if %s in %s:" % (key, table))
            self.line(depth + 1, pick(("del %s" % item, "%s.pop(%s)" % (table, key))))
        elif choice == 8:
            self.line(depth, pick(("s.add(%s)", "s.discard(%s)")) % key)
            self.line(depth, "t += len(s)")
        elif choice == 9:
            self.line(depth, "try:")
            self.line(depth + 1, "q = %s" % item)
            self.line(depth + 1, "t += 3")
            self.line(depth, "except KeyError:")
            self.line(depth + 1, "t -= 1")
        elif choice == 10:
            self.line(depth, "for k, v in %s.items():" % table)
            changes = self.kind in ("list", "object")
            self.line(depth + 1, self.change.format("v") if changes else "t += len(%s)" % other)
        elif choice == 11:
            self.line(depth, "if len(%s) > %d:" % (table, self.random.randint(3, 8)))
            self.line(depth + 1, "%s.clear()" % table)
        else:
            self.line(depth, "t += sum(1 for k in %s if k in s)" % table)

    def body(self, depth):
        self.line(depth, "a = {}")
        self.line(depth, "b = {}")
        self.line(depth, "s = set()")
        self.line(depth, "t = 0")
        for _ in range(self.random.randint(2, 4)):
            if self.random.random() < 0.8:
                self.line(depth, "for i in range(n):")
                for _ in range(self.random.randint(1, 4)):
                    self.statement(depth + 1, "i")
            else:
                self.statement(depth, "n")

    def program(self, seed):
        self.line(0, "# Random program %d about keys that are run-time data." % seed)
        self.line(0, "# refused: " + REFUSED)
        self.line(0, "import sys")
        self.line(0, "import numpy as np")
        self.line(0, "from mpy import grad")
        self.line(0, "n = len(sys.argv) + %d" % self.random.randint(3, 8))
        if self.kind == "object":
            for text in CLASS.splitlines():
                self.line(0, text)
        if self.kind != "smooth":
            self.body(0)
            self.line(0, "print(a, b, sorted(s), len(s), t)")
            self.line(0, "print(list(a), list(b.values()), a == b, a == a)")
            return "\n".join(self.lines) + "\n"
        self.line(0, "def f(x):")
        self.body(1)
        self.line(1, "total = 0.01 * t * x")
        self.line(1, "for v in a.values():")
        self.line(2, "total = total + v * v")
        self.line(1, "return total + sum(v for v in b.values())")
        self.line(0, "print('%.6f' % f(0.7))")
        self.line(0, "print('%.6f' % grad(f)(0.7))")
        self.line(0, "print('%.6f' % grad(grad(f))(0.7))")
        return "\n".join(self.lines) + "\n"
