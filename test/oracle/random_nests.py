"""Random programs about loops of known sizes over lists and lists of lists: tables that are filled,
changed, sliced, copied and summed in nests of loops, with conditions, appends and accumulations, at
the level of the module, in functions and under grad.

Sizes are 1 to 100, so that some nests are small enough to be run while compiling and others are not.
The compiler may refuse a program that shares a row in ways that it does not follow (REFUSED).
"""

import random

REFUSED = "E0217 E0211"
# How many iterations of its innermost loop a nest may have: CPython runs it, too.
MOST = 30000


class NestWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.count = 0
        self.smooth = False
        self.budget = MOST

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def fresh(self, prefix):
        self.count += 1
        return "%s%d" % (prefix, self.count)

    def size(self):
        pick = self.random.choice
        return pick((1, 2, 3, 3, 4, 5, 8, 9, 12, 18, pick((26, 40, 65, 100))))

    def number(self, names):
        """A number made of these."""
        pick = self.random.choice
        a, b = pick(names), pick(names)
        if self.smooth:
            return pick(("%s * 0.1 * x", "np.sin(x + %s)", "%s * 0.01", "np.cos(0.1 * %s) * x")) % a
        return pick(("%s + %s", "%s * %s %% 7", "%s - %s", "(%s + 2 * %s) %% 5", "max(%s, %s)")) % (a, b)

    def literal(self, count):
        values = [self.random.randint(-5, 9) for _ in range(count)]
        return str([v * 0.25 for v in values] if self.smooth else values)

    def table(self, depth):
        """A new table of rows, or a row."""
        rows, columns = self.size(), self.size()
        name = self.fresh("m")
        i, j = self.fresh("i"), self.fresh("j")
        form = self.random.randint(0, 3)
        zero = "0.0" if self.smooth else "0"
        if form == 0:
            self.line(depth, "%s = [[%s] * %d for _ in range(%d)]" % (name, zero, columns, rows))
        elif form == 1:
            item = self.number([i, j])
            self.line(
                depth,
                "%s = [[%s for %s in range(%d)] for %s in range(%d)]" % (name, item, j, columns, i, rows),
            )
        elif form == 2:
            rows, columns = min(rows, 5), min(columns, 6)
            literals = ", ".join(self.literal(columns) for _ in range(rows))
            self.line(depth, "%s = [%s]" % (name, literals))
        else:
            self.line(depth, "%s = []" % name)
            self.line(depth, "for %s in range(%d):" % (i, rows))
            self.line(depth + 1, "row = []")
            self.line(depth + 1, "for %s in range(%d):" % (j, columns))
            self.line(depth + 2, "row.append(%s)" % self.number([i, j]))
            self.line(depth + 1, "%s.append(row)" % name)
        return (name, rows, columns)

    def flat(self, depth):
        count, name, i = self.size(), self.fresh("v"), self.fresh("i")
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth, "%s = [%s] * %d" % (name, "1.5" if self.smooth else "1", count))
        elif form == 1:
            self.line(depth, "%s = [%s for %s in range(%d)]" % (name, self.number([i, i]), i, count))
        elif form == 2:
            count = min(count, 30)
            self.line(depth, "%s = %s" % (name, self.literal(count)))
        else:
            self.line(depth, "%s = []" % name)
            self.line(depth, "for %s in range(%d):" % (i, count))
            self.line(depth + 1, "%s.append(%s)" % (name, self.number([i, i])))
        return (name, count)

    def step(self, depth, indices, tables, lists):
        """One statement with the indices ((name, size), ..) of the loops around it."""
        pick = self.random.choice
        names = [name for name, _ in indices] or ["0"]
        m, rows, columns = pick(tables)
        v, count = pick(lists)
        r, c, k = ("%s %% %d" % (pick(names), n) for n in (rows, columns, count))
        if self.random.random() < 0.3:
            r = "(%s + 1) %% %d" % (pick(names), rows)
        item = "%s[%s][%s]" % (m, r, c)
        other, others, width = pick(tables)
        read = "%s[%s %% %d][%s %% %d]" % (other, pick(names), others, pick(names), width)
        value = self.number(names)
        small = "0.1 * " if self.smooth else ""
        choice = self.random.randint(0, 11)
        if choice <= 1:
            self.line(depth, "%s = %s" % (item, value))
        elif choice == 2 and self.smooth:
            self.line(depth, "%s += 0.1 * %s" % (item, read))
        elif choice == 2:
            self.line(depth, "%s = (%s + %s) %% 1009" % (item, item, read))
        elif choice == 3:
            self.line(depth, "t += %s%s" % (small, pick((read, "%s[%s]" % (v, k)))))
        elif choice == 4:
            self.line(depth, "%s[%s] = %s%s + 1" % (v, k, small, read))
        elif choice == 5:
            self.line(depth, "if %s > %s:" % (read, pick(("0", "1", "t"))))
            self.step(depth + 1, indices, tables, lists)
        elif choice == 6:
            self.line(depth, "if %s != %s:" % (pick(names), pick(names + ["0"])))
            self.line(depth + 1, "t += %s%s" % (small, read))
            self.line(depth, "else:")
            self.line(depth + 1, "t -= 1")
        elif choice == 7:
            self.line(depth, "%s = min(%s, %s)" % (item, item, read))
        elif choice == 8:
            self.line(depth, "t += %ssum(%s[%s])" % (small, m, r))
        elif choice == 9:
            self.line(depth, "for y in %s[%s:]:" % (v, pick(names)))
            self.line(depth + 1, "t += %sy" % small)
        elif choice == 10:
            self.line(depth, "for y in %s[%s][:%s]:" % (m, r, pick(names)))
            self.line(depth + 1, "t += %sy" % small)
        else:
            self.line(depth, "%s, %s[%s] = %s[%s], %s" % (item, v, k, v, k, item))
        if not self.smooth and self.random.random() < 0.3:
            self.line(depth, "t %= 1000003")

    def nest(self, depth, tables, lists):
        indices, work = [], 1
        for _ in range(self.random.randint(1, 4)):
            i, size = self.fresh("i"), self.size()
            if work * size > self.budget:
                break
            form = self.random.randint(0, 4)
            if form == 0 and indices:
                outer, most = self.random.choice(indices)
                self.line(depth, "for %s in range(%s, %d):" % (i, outer, max(size, most)))
                size = max(size, most)
            elif form == 1:
                m, size, _ = self.random.choice(tables)
                self.line(depth, "for %s in range(len(%s)):" % (i, m))
            elif form == 2 and not indices:
                v, size = self.random.choice(lists)
                self.line(depth, "for %s, z in enumerate(%s):" % (i, v))
                self.line(depth + 1, "t += z %s" % ("* 0.5" if self.smooth else "% 3"))
            elif form == 3:
                self.line(depth, "for %s in range(%d, -1, -1):" % (i, size - 1))
            else:
                self.line(depth, "for %s in range(%d):" % (i, size))
            depth += 1
            work *= size
            indices.append((i, size))
            if self.random.random() < 0.3:
                self.step(depth, indices, tables, lists)
        self.budget = max(1, self.budget - work)
        for _ in range(self.random.randint(1, 3)):
            self.step(depth, indices, tables, lists)

    def body(self, depth):
        self.line(depth, "t = 0.0 * x" if self.smooth else "t = 0")
        tables = [self.table(depth) for _ in range(self.random.randint(1, 3))]
        lists = [self.flat(depth) for _ in range(self.random.randint(1, 2))]
        for _ in range(self.random.randint(1, 3)):
            self.nest(depth, tables, lists)
            if self.random.random() < 0.3:
                m, rows, columns = self.random.choice(tables)
                copy = self.fresh("m")
                form = self.random.choice(("[r[:] for r in %s]", "[list(r) for r in %s]"))
                self.line(depth, "%s = %s" % (copy, form % m))
                tables.append((copy, rows, columns))
        return tables, lists

    def program(self, seed):
        self.line(0, "# Random program %d about nests of loops of known sizes." % seed)
        self.line(0, "# refused: " + REFUSED)
        self.line(0, "import numpy as np")
        self.line(0, "from mpy import grad")
        kind = self.random.randint(0, 2)
        if kind == 0:
            tables, lists = self.body(0)
            self.line(0, "print(t)")
            for m, rows, columns in tables:
                self.line(0, "print(%s[%d], sum(sum(r) for r in %s))" % (m, rows - 1, m))
            for v, _ in lists:
                self.line(0, "print(%s, len(%s))" % (v, v))
        elif kind == 1:
            self.line(0, "def f(x):")
            tables, lists = self.body(1)
            m, v = tables[0][0], lists[0][0]
            self.line(1, "return t, sum(%s), [sum(r) for r in %s]" % (v, m))
            self.line(0, "print(f(2))")
        else:
            self.smooth = True
            self.budget = MOST // 10
            self.line(0, "def f(x):")
            tables, lists = self.body(1)
            m, v = tables[0][0], lists[0][0]
            self.line(1, "for r in %s:" % m)
            self.line(2, "for y in r:")
            self.line(3, "t = t + np.tanh(y)")
            self.line(1, "return np.tanh(0.01 * t) + 0.001 * sum(%s)" % v)
            self.line(0, "print('%.6e' % f(0.7))")
            self.line(0, "print('%.6e' % grad(f)(0.7))")
        return "\n".join(self.lines) + "\n"
