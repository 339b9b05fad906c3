"""Writes random programs: arrays, views, in-place writes, loops, branches, containers, objects and
closures, differentiated to order 2, in both modes.

    python random_programs.py FOLDER COUNT [FIRST SEED [KIND]]

Equal seeds give equal programs. `compare.py --mpyc ... FOLDER` then runs them. The programs stay
within what the language allows: a name bound in a loop or branch is used there only, and no rank or
dtype changes. Other programs: `items`, about objects that lists hold (random_items.py); `keys`, about
dicts and sets whose keys are run-time data (random_keys.py); `extents`, about arrays with extents of
0, 1 and more, known or not (random_extents.py); `points`, about choices and derivatives at ties,
zeros and ends of domains (random_points.py); `calls`, about functions that take functions
(random_calls.py); `classes`, about what objects, ranges and containers say of
themselves (random_classes.py); `nests`, about loops of known sizes over lists of lists
(random_nests.py); `walks`, about comprehensions, generators and iterators
(random_walks.py).
"""

import pathlib
import random
import sys

from random_calls import CallWriter
from random_classes import ClassWriter
from random_constructs import CLASSES, Constructs
from random_extents import ExtentWriter
from random_ints import NumberWriter
from random_items import ItemWriter
from random_keys import KeyWriter
from random_nests import NestWriter
from random_points import PointWriter
from random_walks import WalkWriter

SMOOTH = ("np.sin(%s)", "np.tanh(%s)", "np.cos(%s)", "np.exp(-%s * %s)", "np.arctan(%s)")


class Writer(Constructs):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.names = []  # (name, shape), innermost scope last
        self.count = 0

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def fresh(self, prefix):
        self.count += 1
        return "%s%d" % (prefix, self.count)

    def pick(self, shape=None):
        fitting = [n for n in self.names if shape is None or n[1] == shape]
        return self.random.choice(fitting) if fitting else None

    def expression(self, shape, level=2):
        """An expression whose value has the shape, or broadcasts to it."""
        choice = self.random.randint(0, 6) if level else 0
        if choice <= 1 or level == 0:
            found = self.pick(shape)
            if found is not None and self.random.random() < 0.8:
                return found[0]
            return self.scalar(level)
        if choice == 2:
            form = self.random.choice(SMOOTH)
            inner = self.expression(shape, level - 1)
            return form % ((inner,) * form.count("%s"))
        if choice == 3:
            return "(%s * %s)" % (
                self.expression(shape, level - 1),
                self.expression(shape, level - 1),
            )
        if choice == 4:
            return "(%s %s %s)" % (
                self.expression(shape, level - 1),
                self.random.choice("+-"),
                self.expression(shape, level - 1),
            )
        if choice == 5:
            return "np.where(%s > 0.1, %s, %s)" % (
                (self.pick(shape) or ("s", ()))[0],
                self.expression(shape, level - 1),
                self.expression(shape, level - 1),
            )
        return "%s / (2.0 + %s)" % (self.expression(shape, level - 1), self.squared(shape))

    def squared(self, shape):
        found = self.pick(shape)
        return "%s ** 2" % found[0] if found else "s * s"

    def scalar(self, level):
        found = self.pick()
        choice = self.random.randint(0, 4)
        if choice == 0 or found is None:
            return "s"
        if choice == 1:
            return "np.mean(%s)" % found[0]
        if choice == 2:
            return "np.sum(%s * %s)" % (found[0], found[0])
        if choice == 3:
            return "%s[%s]" % (found[0], ", ".join(str(self.random.randrange(n)) for n in found[1]))
        return "%.2f" % self.random.uniform(-1, 1)

    def view(self):
        """(text, shape) of a view of a name."""
        name, shape = self.pick()
        text = name
        for _ in range(self.random.randint(1, 2)):
            choice = self.random.randint(0, 6)
            if choice == 0 and len(shape) == 2:
                text, shape = text + ".T", shape[::-1]
            elif choice == 1:
                text += "[::-1]"
            elif choice == 2 and len(shape) == 2:
                k = self.random.randrange(shape[0])
                text, shape = text + "[%d]" % k, shape[1:]
            elif choice == 3 and len(shape) == 2:
                k = self.random.randrange(shape[1])
                text, shape = text + "[:, %d]" % k, shape[:1]
            elif choice == 4 and shape[0] > 1:
                text, shape = text + "[1:]", (shape[0] - 1,) + shape[1:]
            elif choice == 5 and shape[0] > 2:
                text, shape = text + "[::2]", ((shape[0] + 1) // 2,) + shape[1:]
            elif choice == 6 and len(shape) == 2:
                text, shape = "np.swapaxes(%s, 0, 1)" % text, shape[::-1]
        return text, shape

    def write(self, depth):
        """An in-place write to a name or to a part of it."""
        choice = self.random.randint(0, 5)
        name, shape = self.pick()
        if choice == 0:
            operator = self.random.choice(("+=", "-=", "*="))
            self.line(depth, "%s %s np.tanh(%s)" % (name, operator, self.expression(shape)))
        elif choice == 1:
            place = ", ".join(str(self.random.randrange(n)) for n in shape)
            self.line(
                depth,
                "%s[%s] %s np.sin(%s)"
                % (name, place, self.random.choice(("=", "+=")), self.scalar(1)),
            )
        elif choice == 2:
            text, part = self.view()
            if text.endswith("]"):
                self.line(depth, "%s = np.cos(%s)" % (text, self.expression(part)))
            else:
                self.line(depth, "%s[...] = np.cos(%s)" % (text, self.expression(part)))
        elif choice == 3 and shape[0] > 1:
            self.line(depth, "%s[1:] = %s[:-1] * %.2f" % (name, name, self.random.uniform(-1, 1)))
        elif choice == 4 and shape[0] > 1:
            self.line(depth, "%s[:-1] += np.tanh(%s[1:])" % (name, name))
        else:
            rows = [self.random.randrange(shape[0]) for _ in range(2)]
            self.line(
                depth, "%s[np.array(%s)] = %s[np.array(%s)] * 0.5" % (name, rows, name, rows[::-1])
            )

    def statement(self, depth, nesting):
        choice = self.random.randint(0, 9)
        if nesting and self.random.random() < 0.5:
            self.construct(depth, nesting)
        elif choice <= 4:
            self.write(depth)
        elif choice == 5:
            text, shape = self.view()
            name = self.fresh("v")
            self.line(depth, "%s = %s" % (name, text))
            self.names.append((name, shape))
        elif choice == 6:
            found = self.pick()
            name = self.fresh("a")
            self.line(depth, "%s = np.tanh(%s + %s)" % (name, found[0], self.expression(found[1])))
            self.names.append((name, found[1]))
        elif choice == 7:
            self.line(depth, "s = np.sin(s) + 0.3 * np.tanh(%s)" % self.scalar(1))
        elif nesting:
            self.block(depth, nesting)
        else:
            self.write(depth)

    def block(self, depth, nesting):
        outer = list(self.names)
        if self.random.random() < 0.5:
            bound = self.random.choice(("2", "3", "n"))
            index = self.fresh("i")
            self.line(depth, "for %s in range(%s):" % (index, bound))
            found = self.pick((3, 3))
            if found:
                self.line(depth + 1, "%s[%s %% 3, 1] += 0.1 * %s" % (found[0], index, index))
            for _ in range(self.random.randint(1, 3)):
                self.statement(depth + 1, nesting - 1)
            self.names = outer
        else:
            self.line(depth, "if %s > %.2f:" % (self.scalar(1), self.random.uniform(-0.5, 0.5)))
            for _ in range(self.random.randint(1, 2)):
                self.statement(depth + 1, nesting - 1)
            self.names = list(outer)
            if self.random.random() < 0.6:
                self.line(depth, "else:")
                for _ in range(self.random.randint(1, 2)):
                    self.statement(depth + 1, nesting - 1)
            self.names = outer

    def program(self, seed):
        self.line(0, "# Random program %d." % seed)
        self.line(0, "import numpy as np")
        self.line(0, "from mpy import grad, jvp, value_and_grad")
        self.line(0, "def helper(out, y):")
        self.line(1, "out *= 0.5")
        self.line(1, "out += np.sin(y)")
        self.line(1, "return np.sum(out * y)")
        for text in CLASSES.splitlines():
            self.line(0, text)
        self.line(0, "def f(x, n):")
        self.line(1, "a = x * 1.0")
        self.line(1, "b = np.zeros((3, 3))")
        self.line(1, "c = x[0] + 0.5")
        self.line(1, "s = x[1, 1]")
        self.names = [("x", (3, 3)), ("a", (3, 3)), ("b", (3, 3)), ("c", (3,))]
        self.names.pop(0)
        for _ in range(self.random.randint(4, 12)):
            self.statement(1, 2)
        first, second = self.pick((3, 3))[0], self.pick((3, 3))[0]
        self.line(1, "s = s + helper(%s, %s)" % (first, second))
        self.line(1, "return s + np.sum(a * a) + np.sum(b) * 0.5 + np.sum(np.sin(c))")
        self.line(0, "n = int(np.sum(np.ones(%d)))" % self.random.randint(1, 4))
        self.line(
            0,
            "x = np.linspace(%.2f, %.2f, 9).reshape(3, 3)"
            % (self.random.uniform(-2, 0), self.random.uniform(0.2, 2)),
        )
        self.line(0, "value, gradient = value_and_grad(f)(x, n)")
        self.line(0, "print('%.6f' % value)")
        self.line(0, "print(np.round(gradient / (1.0 + np.max(np.abs(gradient))), 6))")
        self.line(0, "d = np.cos(np.arange(9.0)).reshape(3, 3)")
        form = self.random.randint(0, 2)
        if form == 0:
            self.line(0, "print('%.5g' % jvp(lambda z: f(z, n), (x,), (d,))[1])")
        elif form == 1:
            self.line(0, "third = jvp(lambda z: grad(f)(z, n), (x,), (d,))[1]")
            self.line(0, "print(np.round(third / (1.0 + np.max(np.abs(third))), 5))")
        self.line(0, "second = grad(lambda z: np.sum(grad(f)(z, n) * d))(x)")
        self.line(0, "print(np.round(second / (1.0 + np.max(np.abs(second))), 5))")
        return "\n".join(self.lines) + "\n"


def main():
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    kind = sys.argv[4] if len(sys.argv) > 4 else "random"
    writers = {
        "random": Writer,
        "items": ItemWriter,
        "ints": NumberWriter,
        "keys": KeyWriter,
        "nests": NestWriter,
        "extents": ExtentWriter,
        "points": PointWriter,
        "calls": CallWriter,
        "classes": ClassWriter,
        "walks": WalkWriter,
    }
    writer = writers[kind]
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        (folder / ("%s%04d.mpy" % (kind, seed))).write_text(writer(seed).program(seed))


if __name__ == "__main__":
    main()
