"""Random programs about special points: arrays of zeros of both signs, ties, 1e-9 and large numbers,
with infinities and NaN where a choice leaves them out, go through functions that are singular where
a choice does not take them; the sums are differentiated to order 3, in both modes.

What a choice asks about is exact arithmetic of the elements, so that rounding decides nothing.
"""

import random

NUMBERS = ("0.0", "-0.0", "1.0", "1.0", "-1.0", "1e-9", "-1e-9", "0.5", "0.5", "2.0", "-2.0", "30.0")
EXACT = ("{0}", "{0}", "2.0 * {0}", "{0} - 1.0", "{0} * {0}", "-{0}", "np.abs({0})", "{0} + 0.5")
# A condition, and functions that are singular beside where it holds, or where it does not.
SINGULAR = {
    "{0} > 0": ("np.sqrt({0})", "np.log({0})", "{0} * np.log({0})", "{0} ** 0.5", "{0} ** -0.5",
                "{0} ** 1.5", "np.sqrt({0}) * np.sqrt({0})", "1.0 / np.sqrt({0})", "np.log2({0})"),
    "{0} != 0": ("1.0 / {0}", "np.cbrt({0})", "np.sin({0}) / {0}", "np.reciprocal({0})",
                 "np.arctan2({0}, 0.0 * {0})", "{0} ** -1.0", "np.log(np.abs({0}))",
                 "np.tanh({0}) / {0}", "np.hypot({0}, {0})"),
    "np.abs({0}) < 1": ("np.arcsin({0})", "np.arccos({0})", "np.arctanh({0})",
                        "np.sqrt(1.0 - {0} * {0})", "np.log1p({0})"),
    "{0} > 1": ("np.arccosh({0})", "np.log({0} - 1.0)", "np.sqrt({0} - 1.0)", "1.0 / ({0} - 1.0)"),
}
SMOOTH = ("np.sin({0})", "np.tanh({0})", "np.exp(-np.abs({0}))", "np.expm1(np.tanh({0}))",
          "np.arctan({0})", "np.abs({0})", "np.square({0})", "np.sinc({0})", "({0}) ** 2",
          "1.0 / (1.0 + np.exp(-{0}))", "np.logaddexp({0}, 0.0)", "np.maximum({0}, 0.0)",
          "np.clip({0}, -1.0, 1.0)", "np.arcsinh({0})", "np.cos({0}) * 0.5")
PAIRS = ("({0}) + ({1})", "({0}) - ({1})", "({0}) * ({1})", "np.maximum({0}, {1})",
         "np.minimum({0}, {1})", "np.fmax({0}, {1})", "np.logaddexp({0}, {1})", "np.fmin({0}, {1})",
         "np.where({0} > {1}, {0}, {1})")
HEAD = """# Random program %d.
import numpy as np
from mpy import grad, jvp
def show(g):
    known = np.isfinite(g)
    scale = 1.0 + np.max(np.abs(np.where(known, g, 0.0)))
    print(np.round(np.where(known, g / scale, g), 5) + 0.0)
def repeat(y, n):
    for k in range(n):
        y = y * 1.5
    return y"""


class PointWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.lines = []
        self.statements = []
        self.finite = self.random.random() < 0.8
        self.size = self.random.randint(2, 4)

    def exact(self):
        name = "x[::-1]" if self.finite and self.random.random() < 0.2 else "x"
        return "(%s)" % self.pick(EXACT).format(name)

    def way(self, text):
        """Moves and long products between a value and the choice."""
        for _ in range(self.random.randint(0, 3)):
            text = self.pick(
                (
                    "{0} * 2.0 * 3.0 * 0.25 * 5.0",
                    "({0}).reshape(%d, 1).T.reshape(%d)" % (self.size, self.size),
                    "repeat({0}, n)",
                    "repeat({0}, 3)",
                    "-({0})",
                    "({0})[::-1][::-1]",
                    "({0}) * ({0})",
                    "np.tanh({0})",
                    "({0} + 1.0)",
                    "np.sum(({0})[:, None] * np.ones((%d, 3)), axis=1)" % self.size,
                    "np.concatenate([{0}, {0}])[:%d]" % self.size,
                    "np.array([{0}, {0}])[1]",
                )
            ).format("(%s)" % text)
        return text

    def fresh(self):
        return "y%d" % len(self.statements)

    def masked(self):
        condition = self.pick(sorted(SINGULAR))
        inner = self.exact()
        function = self.pick(SINGULAR[condition])
        form = self.random.randint(0, 9)
        if form <= 5:
            value = self.way(function.format(inner))
            other = self.pick(("0.0", "0.0", "x * 0.5", "np.sin(x)"))
            if self.random.random() < 0.2:
                return "np.where(np.logical_not(%s), %s, %s)" % (condition.format(inner), other, value)
            if self.random.random() < 0.2:
                rows = "np.where((%s)[:, None], (%s)[:, None] * np.ones((%d, 2)), 0.0)"
                return "np.sum(%s, axis=1)" % (rows % (condition.format(inner), value, self.size))
            return "np.where(%s, %s, %s)" % (condition.format(inner), value, other)
        name = self.fresh()
        if form <= 7:
            self.statements.append(
                "%s = np.zeros(%d)\nkept = %s\n%s[kept] = %s"
                % (name, self.size, condition.format(inner), name, function.format("(%s)[kept]" % inner))
            )
        else:
            self.statements.append(
                "%s = x * 0.0\nfor i in range(%s):\n    e = (%s)[i]\n    if %s:\n        %s[i] = %s"
                % (name, self.pick((str(self.size), "len(x)")), inner, condition.format("e"), name,
                   function.format("e"))
            ) if self.finite else self.statements.append("%s = np.where(np.isfinite(x), x, 0.0)" % name)
        return name

    def expression(self, depth):
        choice = self.random.randint(0, 9)
        if depth == 0:
            return self.masked() if choice < 6 else self.exact()
        if choice < 4:
            return self.pick(SMOOTH).format("(%s)" % self.expression(depth - 1))
        if choice < 8:
            return "(%s)" % self.pick(PAIRS).format(
                "(%s)" % self.expression(depth - 1), "(%s)" % self.expression(depth - 1)
            )
        return self.masked()

    def program(self, seed):
        self.lines.append(HEAD % seed)
        self.lines.append("def f(x, n):")
        result = self.expression(self.random.randint(0, 2))
        for statement in self.statements:
            self.lines.extend("    " + line for line in statement.split("\n"))
        if not self.finite:
            result = "np.where(np.isfinite(x), %s, 0.0)" % result
        weights = "np.array([1.0, -0.5, 2.0, 0.25])[:%d]" % self.size
        self.lines.append("    return np.sum((%s) * %s)" % (result, weights))
        numbers = [self.pick(NUMBERS) for _ in range(self.size)]
        if not self.finite:
            numbers[self.random.randrange(self.size)] = self.pick(("np.inf", "-np.inf", "np.nan"))
        self.lines.append("x = np.array([%s])" % ", ".join(numbers))
        self.lines.append("d = np.array([1.0, 0.5, -1.0, 2.0])[:%d]" % self.size)
        self.lines.append("n = int(np.sum(np.ones(2)))")
        self.lines.append("g = lambda z: f(z, n)")
        self.lines.append("down = lambda h: grad(lambda z: np.sum(h(z) * d))")
        self.lines.append("along = lambda h: lambda z: jvp(h, (z,), (d,))[1]")
        self.lines.append("show(grad(g)(x))")
        self.lines.append("show(np.array([along(g)(x), along(along(g))(x)]))")
        self.lines.append("show(down(grad(g))(x))")
        third = ("down(down(grad(g)))(x)", "along(down(grad(g)))(x)", "down(along(grad(g)))(x)",
                 "np.array([along(along(along(g)))(x)])", "along(along(grad(g)))(x)",
                 "grad(along(along(g)))(x)")
        self.lines.append("show(%s)" % self.pick(third))
        return "\n".join(self.lines) + "\n"
