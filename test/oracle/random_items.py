"""Random programs about objects that lists of run-time length hold: the same object under several
names, in several lists and groups, read, found, changed, replaced, taken out and put back.

The compiler may refuse a program that shares an object in ways that it does not follow, with one of
the errors in REFUSED; a program that compiles prints what CPython prints.
"""

import random
from dataclasses import dataclass

# May be held elsewhere; may have changed; one of several arrays; two kinds of value where paths meet
# or in a loop; not known how many.
REFUSED = "E0217 E0211 E0210 E0201 E0207 E0209 E0213"


@dataclass(frozen=True)
class Item:
    """One kind of item: an expression that makes it from a number, what tells two apart, what is
    shown of it, statements that change it, and one that a function does."""

    new: str
    key: str
    shown: str
    changes: tuple
    touch: str
    declared: str = ""
    # An attribute that another object may hold too.
    part: str = ""


CLASS = """class P:
    def __init__(self, x):
        self.x = x
        self.h = %s
    def bump(self, d):
        self.x += d
        return self
"""
CHANGED = ("{0}.x += {1}", "{0}.bump({1})", "{0}.h[0] = {1}")
ITEMS = (
    Item(
        "[{0}, 1]",
        "c[0]",
        "str(c)",
        ("{0}[0] += {1}", "{0}.append({1})", "{0}[-1] = {1}", "{0}[0] = {1}"),
        "c[0] += d",
    ),
    Item(
        "P({0})",
        "c.x",
        "str(c.x) + str(c.h)",
        CHANGED + ("{0}.h.append({1})", "{0}.h = [{1}, 0]"),
        "c.x += d",
        CLASS % "[x]",
        ".h",
    ),
    Item(
        "P({0})",
        "c.x",
        "str(c.x) + str(c.h)",
        CHANGED + ("{0}.h += {1}", "{0}.h = np.array([1.0 * {1}, 0.5])"),
        "c.h += d",
        CLASS % "np.array([float(x), 1.0])",
        ".h",
    ),
    Item(
        "np.array([1.0 * ({0}), 2.0])",
        "c[0]",
        "str(c)",
        ("{0}[0] += {1}", "{0}[1] = {1}", "{0}[:] = {1}", "{0} *= {1}"),
        "c += d",
    ),
    Item(
        "({0}, [{0}])",
        "c[1][0]",
        "str(c)",
        ("{0}[1][0] += {1}", "{0}[1].append({1})", "{0}[1][-1] = {1}"),
        "c[1].append(d)",
    ),
)
FUNCTIONS = """def key(c):
    return {0.key}
def show(c):
    return {0.shown}
def touch(c, d):
    {0.touch}
    return c
def find(items, d):
    for c in items:
        if key(c) % 3 == d:
            return c
    return None
def first(items, d):
    for c in items:
        if key(c) % 4 == d:
            return c
    return items[-1]
"""
COPIES = (
    "{0}[:]",
    "[c for c in {0}]",
    "list({0})",
    "{0} + []",
    "[c for c in {0} if len(show(c)) > 1]",
    "[c for c in {0} if key(touch(c, 2)) > -100]",
    "[touch(c, 3) for c in {0}]",
    "{0}[0:2]",
    "[{0}[k] for k in [1, 0]]",
    "sorted({0}, key=lambda c: -len(show(c)))",
)


class ItemWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.count = 0
        self.counters = []  # of the loops that the line is in
        self.walks = 0  # lists are walked here: nothing is appended, or it would never end
        self.item = self.random.choice(ITEMS)
        self.hasGroups = self.random.random() < 0.5
        # Most programs share objects seldom: those that do are mostly refused.
        self.shares = 1.0 if self.random.random() < 0.3 else 0.2

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def fresh(self, prefix):
        self.count += 1
        return "%s%d" % (prefix, self.count)

    def number(self):
        if self.counters and self.random.random() < 0.4:
            return self.counters[-1]
        return str(self.random.randint(1, 9))

    def new(self, value):
        return self.item.new.format(value)

    def list(self):
        return self.random.choice("AB")

    def name(self):
        return self.random.choice("pqw")

    def place(self, items):
        choice = self.random.random()
        if choice < 0.3:
            return str(self.random.randint(0, 1))
        if choice < 0.4:
            return "-1"
        if self.counters and choice < 0.8:
            return "%s %% len(%s)" % (self.random.choice(self.counters), items)
        return "(n + %d) %% len(%s)" % (self.random.randint(0, 3), items)

    def entry(self, items=None):
        items = items or self.list()
        return "%s[%s]" % (items, self.place(items))

    def change(self, depth, what):
        self.line(depth, self.random.choice(self.item.changes).format(what, self.number()))

    def append(self, depth, items, what):
        form = "%s[-1] = %s" if self.walks else "%s.append(%s)"
        self.line(depth, form % (items, what))

    def group(self, depth):
        """Something done with the lists in G."""
        g = self.entry("G")
        choice = self.random.randint(0, 7)
        if choice == 0:
            added = (self.new("60"), self.new("61"), self.name(), self.entry())
            shared = self.random.random() < self.shares
            self.line(depth, "%s.append(%s)" % (g, self.random.choice(added[: 4 if shared else 2])))
        elif choice == 1:
            self.line(depth, "if len(%s) > 0:" % g)
            self.change(depth + 1, "%s[%s]" % (g, self.random.choice(("0", "-1"))))
        elif choice == 2:
            self.line(depth, "for g in G:")
            self.line(depth + 1, "for c in g:")
            self.change(depth + 2, "c")
        elif choice == 3:
            self.line(depth, "if len(%s) > 0:" % g)
            self.line(depth + 1, "%s = %s[0]" % (self.name(), g))
        elif choice == 4:
            self.line(depth, "%s = []" % g)
        elif choice == 5:
            self.line(depth, "for g in G:")
            self.line(depth + 1, "g.append(%s)" % self.new("70"))
        elif choice == 6:
            self.line(depth, "%s = %s" % (g, self.random.choice(("[c for c in %s]" % g, "[%s]" % self.new("80")))))
        else:
            self.line(depth, "if len(%s) > 1:" % g)
            self.line(depth + 1, "%s = %s.pop()" % (self.name(), g))

    def search(self, depth):
        """A name for the item that fits, which is then changed or kept."""
        items, x, c = self.list(), self.name(), self.fresh("c")
        if self.hasGroups and self.random.random() < 0.2:
            g = self.entry("G")
            self.line(depth, "if len(%s) > 0:" % g)
            depth, items = depth + 1, g
        choice = self.random.randint(0, 5)
        if choice == 0:
            self.line(depth, "%s = %s[0]" % (x, items))
            self.line(depth, "for %s in %s:" % (c, items))
            self.line(depth + 1, "if key(%s) %s key(%s):" % (c, self.random.choice("<>"), x))
            self.line(depth + 2, "%s = %s" % (x, c))
        elif choice == 1:
            self.line(depth, "for %s in %s:" % (c, items))
            self.line(depth + 1, "if key(%s) %% 3 == %d:" % (c, self.random.randint(0, 2)))
            self.line(depth + 2, "%s = %s" % (x, c))
            if self.random.random() < 0.5:
                self.line(depth + 2, "break")
        elif choice == 2:
            f = self.fresh("f")
            self.line(depth, "%s = find(%s, %d)" % (f, items, self.random.randint(0, 2)))
            self.line(depth, "if %s is not None:" % f)
            self.change(depth + 1, f)
            if self.random.random() < 0.3:
                self.line(depth + 1, "%s = %s" % (x, f))
            return
        elif choice == 3:
            self.line(depth, "%s = first(%s, %d)" % (x, items, self.random.randint(0, 3)))
        elif choice == 4:
            self.line(depth, "%s = %s(%s, key=key)" % (x, self.random.choice(("min", "max")), items))
        else:
            f = self.fresh("f")
            self.line(depth, "%s = None" % f)
            self.line(depth, "for %s in %s:" % (c, items))
            self.line(depth + 1, "if key(%s) %% 2 == %d:" % (c, self.random.randint(0, 1)))
            self.line(depth + 2, "%s = %s" % (f, c))
            if self.random.random() < 0.5:
                self.change(depth, self.entry())
            self.line(depth, "if %s is not None:" % f)
            self.change(depth + 1, f)
            return
        if self.random.random() < 0.7:
            self.change(depth, x)

    def share(self, depth):
        """One more place that holds an object."""
        items, x = self.list(), self.name()
        choice = self.random.randint(0, 4)
        if choice == 0:
            self.append(depth, items, x)
        elif choice == 1:
            self.line(depth, "%s = %s" % (items, self.random.choice(COPIES).format(self.list())))
        elif choice == 2 and self.item.part:
            part = self.item.part
            self.line(depth, "%s%s = %s%s" % (x, part, self.random.choice((self.name(), self.entry())), part))
        elif choice == 3:
            self.line(depth, "%s = %s" % (x, self.name()))
        else:
            test = self.random.randint(2, 6)
            self.line(depth, "%s = %s if n > %d else %s" % (x, self.entry(), test, self.name()))

    def statement(self, depth, nesting):
        items, x = self.list(), self.name()
        choice = self.random.random()
        if self.hasGroups and self.random.random() < 0.25:
            self.group(depth)
        elif choice < 0.12:
            self.line(depth, "%s = %s" % (x, self.entry()))
        elif choice < 0.24:
            self.change(depth, self.entry())
        elif choice < 0.34:
            self.change(depth, x)
        elif choice < 0.48:
            self.search(depth)
        elif choice < 0.53:
            self.append(depth, items, self.new(str(self.random.randint(20, 29))))
        elif choice < 0.56:
            self.line(depth, "%s = %s" % (x, self.new("30")))
            self.append(depth, items, x)
        elif choice < 0.59 and not self.counters:
            self.line(depth, "if len(%s) > 2:" % items)
            self.line(depth + 1, "%s = %s.pop(%s)" % (x, items, self.random.choice(("", "0", "-1"))))
        elif choice < 0.62:
            self.line(depth, "%s = %s" % (self.entry(items), self.random.choice((self.new("40"), x))))
        elif choice < 0.64:
            place = self.place(items)
            self.line(depth, "%s = %s[%s]" % (x, items, place))
            self.change(depth, self.entry(items))
            self.line(depth, "%s[%s] = %s" % (items, place, x))
        elif choice < 0.66:
            self.line(depth, "%s.reverse()" % items)
        elif choice < 0.69:
            i, j = self.place(items), self.place(items)
            self.line(depth, "%s[%s], %s[%s] = %s[%s], %s[%s]" % (items, i, items, j, items, j, items, i))
        elif choice < 0.72:
            touched = self.random.choice((self.name(), self.entry()))
            self.line(depth, "%s = touch(%s, %d)" % (x, touched, self.random.randint(1, 5)))
        elif choice < 0.75:
            shown = self.random.choice(("show(%s)" % x, "[show(c) for c in %s]" % items))
            self.line(depth, "print(%s)" % shown)
        elif choice < 0.82 and self.random.random() < self.shares:
            self.share(depth)
        elif nesting:
            self.block(depth, nesting, items, x)
        else:
            self.change(depth, x)

    def block(self, depth, nesting, items, x):
        choice = self.random.randint(0, 2)
        if choice == 0:
            counter = self.counters[-1] if self.counters else "0"
            divisor = self.random.randint(2, 3)
            self.line(depth, "if (n + %s) %% %d == %d:" % (counter, divisor, self.random.randint(0, 1)))
            for _ in range(self.random.randint(1, 2)):
                self.statement(depth + 1, nesting - 1)
            if self.random.random() < 0.4:
                self.line(depth, "else:")
                self.statement(depth + 1, nesting - 1)
        elif choice == 1:
            self.counters.append(self.fresh("k"))
            self.line(depth, "for %s in range(n):" % self.counters[-1])
            for _ in range(self.random.randint(1, 3)):
                self.statement(depth + 1, nesting - 1)
            self.counters.pop()
        else:
            c = self.random.choice(("c", x))
            form = self.random.choice(("for %s in %s:", "for j, %s in enumerate(%s):"))
            self.line(depth, form % (c, items))
            self.change(depth + 1, c)
            if self.random.random() < 0.3:
                self.walks += 1
                self.statement(depth + 1, nesting - 1)
                self.walks -= 1

    def program(self, seed):
        self.line(0, "# Random program %d about items of lists." % seed)
        self.line(0, "# refused: " + REFUSED)
        self.line(0, "import sys")
        self.line(0, "import numpy as np")
        self.line(0, "n = len(sys.argv) + %d" % self.random.randint(2, 4))
        for text in (self.item.declared + FUNCTIONS.format(self.item)).splitlines():
            self.line(0, text)
        if self.random.random() < 0.25:
            self.line(0, "A = [%s]" % ", ".join(self.new(i) for i in range(3)))
        else:
            self.line(0, "A = [%s for i in range(n)]" % self.new("i"))
        self.line(0, "B = []")
        self.line(0, "for i in range(n):")
        self.line(1, "B.append(%s)" % self.new("10 + i"))
        if self.hasGroups:
            group = self.random.choice(("[]", "[%s]" % self.new("50 + i")))
            self.line(0, "G = [%s for i in range(n)]" % group)
        self.line(0, "p = A[0]")
        self.line(0, "q = B[n - 1]")
        self.line(0, "w = A[n % 3]")
        for _ in range(self.random.randint(4, 10)):
            self.statement(0, 2)
        self.line(0, "print([show(c) for c in A])")
        self.line(0, "print([show(c) for c in B])")
        if self.hasGroups:
            self.line(0, "print([[show(c) for c in g] for g in G])")
        if self.random.random() < 0.3:
            self.line(0, "print(show(%s))" % self.name())
        return "\n".join(self.lines) + "\n"
