"""Random programs about what objects say of themselves: classes with operator, comparison and
container methods, inheritance, equality and hashes; objects as keys; ranges as values; nan in
containers. Each question is asked in `try`, with known and with run-time data.
"""

import random

# E0701: the order of a set, what hasattr asks; E0201: values that differ in type.
REFUSED = "E0701 E0201 E0215 E0217 E0218"

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "matmul": "@", "and": "&", "or": "|",
             "xor": "^", "lshift": "<<", "rshift": ">>", "truediv": "/", "pow": "**"}
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
UNARY = {"neg": "-", "pos": "+", "invert": "~"}


class ClassWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.number = 0

    def line(self, depth, text):
        self.lines.append("    " * depth + text)

    def chance(self, share):
        return self.random.random() < share

    def define(self, name, bases):
        pick = self.random.choice
        self.line(0, "class %s%s:" % (name, "(%s)" % bases if bases else ""))
        if not bases:
            self.line(1, "def __init__(self, v):")
            self.line(2, "self.v = v")
            self.line(1, "def __repr__(self):")
            self.line(2, "return '%s(%s)' % (type(self).__name__, self.v)")
        for method in self.random.sample(sorted(OPERATORS), self.random.randint(1, 5)):
            for prefix in self.random.sample(("", "r", "i"), self.random.randint(1, 2)):
                self.line(1, "def __%s%s__(self, other):" % (prefix, method))
                self.line(2, "return %s" % ("NotImplemented" if self.chance(0.3) else
                                           "'%s.%s%s'" % (name, prefix, method)))
        for method in self.random.sample(sorted(UNARY), self.random.randint(0, 2)):
            self.line(1, "def __%s__(self):" % method)
            self.line(2, "return '%s.%s'" % (name, method))
        for method in self.random.sample(("lt", "le", "gt", "ge", "ne"), self.random.randint(0, 3)):
            self.line(1, "def __%s__(self, other):" % method)
            self.line(2, "return %s" % ("NotImplemented" if self.chance(0.4) else "'%s.%s'" % (name, method)))
        if self.chance(0.7):
            self.line(1, "def __eq__(self, other):")
            self.line(2, "return isinstance(other, %s) and self.v == other.v" % name)
            if self.chance(0.8):
                self.line(1, "def __hash__(self):")
                self.line(2, "return hash(%s)" % pick(("self.v", "(self.v, 1)", "('%s', self.v)" % name, "self.v % 2")))
        if self.chance(0.4):
            self.line(1, "def __len__(self):")
            self.line(2, "return self.v")
        if self.chance(0.3):
            self.line(1, "def __bool__(self):")
            self.line(2, "return self.v > 1")
        if self.chance(0.4):
            self.line(1, "def __getitem__(self, k):")
            self.line(2, "return (self.v, k)")
        if self.chance(0.3):
            self.line(1, "def __contains__(self, k):")
            self.line(2, "return k == self.v")
        if self.chance(0.3):
            self.line(1, "def __%s__(self):" % pick(("index", "int", "float")))
            self.line(2, "return self.v" if "float" not in self.lines[-1] else "return self.v + 0.5")
        if self.chance(0.2):
            self.line(1, "def __format__(self, spec):")
            self.line(2, "return '%s<' + spec + '>'" % name)
        if self.chance(0.2):
            self.line(1, "def __call__(self, *rest):")
            self.line(2, "return (self.v, rest)")
        if self.chance(0.2):
            self.line(1, "def __getattr__(self, name):")
            self.line(2, "return name.upper()")
        if self.chance(0.2):
            self.line(1, "def __setattr__(self, name, value):")
            self.line(2, "object.__setattr__(self, name, value %s)" % pick(("+ 1", "* 2", "- 1")))

    def object(self):
        return self.random.choice(("a", "b", "c", "d"))

    def whole(self):
        return self.random.choice(("0", "1", "2", "3", "-1", "n", "n + 1", "-n", "7", "2 * n", "4 - n"))

    def range(self):
        parts = [self.whole() for _ in range(self.random.randint(1, 3))]
        if len(parts) == 3:
            parts[2] = self.random.choice(("1", "2", "-1", "-2", "n", "-n", "3", "n + 1"))
        return "range(%s)" % ", ".join(parts)

    def item(self):
        return self.random.choice(("nan", "other", "1.0", "n", "2", "'x'", "(nan, 1)", "[nan]", "None", "n * 0.5", "x"))

    def container(self):
        items = ", ".join(self.item() for _ in range(self.random.randint(1, 3)))
        return self.random.choice(("[%s]", "(%s,)")) % items

    def question(self):
        pick, choice = self.random.choice, self.random.randint(0, 15)
        x, y = self.object(), pick((self.object(), self.object(), "1", "n", "'t'", "None"))
        if self.chance(0.3):
            x, y = y, x
        if choice <= 2:
            return "%s %s %s" % (x, pick(sorted(OPERATORS.values())), y)
        if choice <= 4:
            return "%s %s %s" % (x, pick(sorted(COMPARISONS.values())), y)
        if choice == 5:
            return pick(("len(%s)", "bool(%s)", "not %s", "%s[2]", "%s[n]", "2 in %s", "float(%s)", "int(%s)", "-%s",
                         "+%s", "~%s", "f'{%s:>4}'", "%s(1)", "%s.missing", "[10, 20, 30, 40][%s]", "%s.v", "repr(%s)",
                         "'%%d' %% %s", "divmod(%s, 2)", "round(%s)")) % self.object()
        if choice == 6:
            o = [self.object() for _ in range(4)]
            return pick(("len({%s: 1, %s: 2, %s: 3})", "{%s: 1, %s: 2}.get(%s, 0)", "%s in {%s: 1, %s: 2}",
                         "len({%s, %s, %s})", "{(%s, 1): 'k'}.get((%s, 1), %s.v)", "%s in [%s, %s]",
                         "[%s, %s].count(%s)", "[%s] == [%s], %s", "(%s, 1) == (%s, 1), %s.v")) % tuple(o[:3])
        if choice <= 9:
            r, s = self.range(), self.range()
            return pick(("len(%s)", "list(%s)", "%s[{0}]".format(self.whole()), "list(%s[{0}:{1}])".format(self.whole(), self.whole()),
                         "list(%s[::{0}])".format(pick(("-1", "2", "-2"))), "{0} in %s".format(self.whole()), "2.0 in %s",
                         "sum(%s)", "max(%s)", "list(reversed(%s))", "sorted(%s)[:2]", "bool(%s)", "%s.index({0})".format(self.whole()),
                         "%s.count(2)", "%s == {0}".format(s), "(%s).step", "{0} not in %s".format(self.whole()),
                         "repr(%s)", "[k * 2 for k in %s]", "list(zip(%s, 'ab'))", "tuple(enumerate(%s))[:2]", "%s != {0}".format(s))) % r
        if choice <= 12:
            u, v = self.container(), self.container()
            return pick(("%s == %s" % (u, v), "%s == %s" % (u, u), "%s in %s" % (self.item(), u), "%s.count(%s)" % (u, self.item()),
                         "%s.index(%s)" % (u, self.item()), "{'k': %s} == {'k': %s}" % (u, u), "keep == %s" % u, "keep == keep"))
        if choice == 13:
            return pick(("round({0}, -1)", "pow({0}, 3, 7)", "bin({0})", "hex({0})", "divmod({0}, 3)", "({0}).bit_length()",
                         "math.gcd({0}, 6)", "hash({0}) == {0}", "hash(({0}, 2)) == hash(({0}, 2.0))", "round({0} * 5, -1)")).format(self.whole())
        if choice == 14:
            k, j = (pick(("{'p': 1, 'q': n}", "{'q': 1, 'p': 1}", "{'p': 1}")) for _ in range(2))
            return pick(("{0}.keys() == {1}.keys()", "{0}.items() == {1}.items()", "{0} == {1}", "sorted({0}.keys() & {1}.keys())",
                         "{0}.keys() <= {1}.keys()", "sorted({0}.keys() - {1}.keys())", "{0}.values() == {1}.values()",
                         "{0}.keys() == set({1})", "set({0}) < set({1})")).format(k, j)
        return pick(("a.v == b.v", "type(%s) is type(%s)" % (self.object(), self.object()), "isinstance(%s, B)" % self.object(),
                     "%s is %s" % (self.object(), self.object()), "slice(n, 2) == slice(1, 2)", "[0, 1, 2, 3][slice(n, 3)]"))

    def statement(self, depth):
        self.number += 1
        self.line(depth, "try:")
        if self.chance(0.12):
            name = self.random.choice("abcd")
            self.line(depth + 1, "t = %s" % name)
            self.line(depth + 1, "t %s= %s" % (self.random.choice(sorted(OPERATORS.values())), self.random.choice(("1", "n", self.object()))))
            self.line(depth + 1, "print(%d, t)" % self.number)
        else:
            self.line(depth + 1, "print(%d, %s)" % (self.number, self.question()))
        self.line(depth, "except (TypeError, ValueError, IndexError, AttributeError, KeyError, ZeroDivisionError) as error:")
        self.line(depth + 1, "print(%d, type(error).__name__)" % self.number)

    def program(self, seed):
        self.line(0, "# Random program about classes %d." % seed)
        self.line(0, "# refused: %s" % REFUSED)
        self.line(0, "import math")
        self.line(0, "import sys")
        self.define("A", "")
        self.define("B", "A")
        self.define("C", self.random.choice(("A", "B", "")))
        self.line(0, "n = len(sys.argv)")
        self.line(0, "nan = float('nan')")
        self.line(0, "other = n * nan")
        self.line(0, "x = n / 2")
        self.line(0, "keep = %s" % self.container())
        first = self.random.choice(("2", "n + 1", "3"))
        self.line(0, "a, b, c, d = A(2), B(2), C(%s), A(%s)" % (self.random.choice(("1", "2")), first))
        for _ in range(self.random.randint(6, 14)):
            self.statement(0)
        return "\n".join(self.lines) + "\n"
