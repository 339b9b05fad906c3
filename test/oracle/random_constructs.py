"""The larger constructs of random programs: loops that leave early, views of views, masks,
scatters, containers, objects, closures, and gradients inside of functions.
`random_programs.Writer` mixes them in."""

from random_lists import ListConstructs

CLASSES = """class Box:
    def __init__(self, w):
        self.w = w
        self.last = None
        self.count = 0
    def step(self, g):
        self.w *= 0.8
        self.w += 0.1 * g
        self.count += 1
        return np.sum(self.w)
    def keep(self, g):
        if self.last is None:
            self.last = g * 0.5
        else:
            self.last = self.last + np.tanh(g)
        return self
    def replace(self, g):
        old, self.w = self.w, np.sin(g)
        return np.sum(old * self.w)
def leaves_early(z, t):
    for row in z:
        row += 0.1 * t
        if row[0] > 0.6:
            return np.sum(row) * t
        row[1] = np.sin(row[0])
    return np.mean(z)
def halves(z, lo, hi, t):
    if hi - lo == 1:
        return np.sin(z[lo, 1]) * t
    m = (lo + hi) // 2
    return halves(z, lo, m, t * 0.9) + halves(z, m, hi, z[lo, 0]) * 0.5
def spreads(out, z, k):
    if k < 0:
        return
    out[k] = 0.5 * out[k] + z[k] * z[k, 0]
    spreads(out, z, k - 1)
    out[k] += 0.1 * out[0]
def shrinks(v, t):
    if len(v) < 2 or t > 1.5:
        return np.tanh(v) * t, t
    w, u = shrinks(np.sin(v[1:]) * v[:-1] + 0.1, 0.5 * t + 0.2)
    return np.concatenate([w, v[:1] * np.cos(u)]), np.sin(u) * t
def pieces(v, t):
    k = 0
    while k < len(v):
        if v[k] > 1.0:
            return
        yield k, v[k:] * t
        k += 1
def squeezed(z, n):
    for k in range(n):
        yield np.tanh(z) * 0.5
        if z[0, 0] < -0.2:
            yield z.T * 0.1
def picks(z, k, t):
    row = z[k]
    if t > 0.8:
        raise ValueError('large')
    return np.sum(row * t)
def turns(k, t):
    return t if k == 0 else np.cos(returns(k - 1, t * 0.7))
def returns(k, t):
    return t * t if k == 0 else t - 0.3 * turns(k - 1, t)"""


class Constructs(ListConstructs):
    def condition(self):
        choice = self.random.randint(0, 3)
        if choice == 0:
            return "n > %d" % self.random.randint(0, 3)
        if choice == 1:
            return "n %% 2 == %d and %s < %.2f" % (
                self.random.randint(0, 1),
                self.scalar(1),
                self.random.uniform(-0.5, 0.5),
            )
        return "%s > %.2f" % (self.scalar(1), self.random.uniform(-0.5, 0.5))

    def body(self, depth, nesting, most=2):
        outer = list(self.names)
        for _ in range(self.random.randint(1, most)):
            self.statement(depth, nesting)
        self.names = outer

    def construct(self, depth, nesting):
        forms = [
            self.while_loop,
            self.leaving_loop,
            self.rows_loop,
            self.mask,
            self.pairs,
            self.integers,
            self.negative,
            self.view_of_view,
            self.list_of_arrays,
            self.dict_of_arrays,
            self.box,
            self.closure,
            self.inner_gradient,
            self.swap,
            self.none_or_value,
            self.call_leaving,
            self.recursion,
            self.generator,
            self.caught,
            self.grown_list,
            self.grown_list,
            self.grown_list,
            self.array_list,
            self.array_list,
            self.ragged_list,
        ]
        if depth == 1:
            forms.append(self.early_return)
        self.random.choice(forms)(depth, nesting)

    def while_loop(self, depth, nesting):
        k = self.fresh("k")
        self.line(depth, "%s = 0" % k)
        self.line(depth, "while %s < n + %d:" % (k, self.random.randint(0, 1)))
        self.line(depth + 1, "%s += 1" % k)
        if self.random.random() < 0.6:
            self.line(depth + 1, "if %s:" % self.condition())
            if self.random.random() < 0.5:
                self.body(depth + 2, 0)
            self.line(depth + 2, self.random.choice(("break", "continue")))
        self.body(depth + 1, nesting - 1)
        if self.random.random() < 0.3:
            self.line(depth, "else:")
            self.body(depth + 1, 0)
        if self.random.random() < 0.3:
            self.line(depth, "s = s + 0.1 * %s" % k)

    def leaving_loop(self, depth, nesting):
        i = self.fresh("i")
        forms = ("range(n)", "range(3)", "range(2, -1, -1)", "range(0, 2 * n, 2)")
        form = self.random.choice(forms)
        self.line(depth, "for %s in %s:" % (i, form))
        self.body(depth + 1, nesting - 1)
        self.line(depth + 1, "if %s:" % self.condition())
        self.line(depth + 2, self.random.choice(("break", "continue")))
        found = self.pick((3, 3))
        if found:
            self.line(depth + 1, "%s[%s %% 3] *= 0.9" % (found[0], i))
        self.body(depth + 1, 0)

    def rows_loop(self, depth, nesting):
        first, second = self.pick((3, 3)), self.pick((3, 3))
        if not first:
            return self.mask(depth, nesting)
        row, other, k = self.fresh("r"), self.fresh("r"), self.fresh("k")
        form = self.random.randint(0, 3)
        outer = list(self.names)
        if form == 0:
            self.line(depth, "for %s in %s:" % (row, first[0]))
        elif form == 1:
            self.line(depth, "for %s, %s in enumerate(%s):" % (k, row, first[0]))
            self.line(depth + 1, "%s[%s] += 0.2" % (row, k))
        elif form == 2:
            self.line(depth, "for %s, %s in zip(%s, %s):" % (row, other, first[0], second[0]))
            self.line(depth + 1, "%s[1:] += 0.3 * %s[:-1]" % (row, other))
        else:
            self.line(depth, "for %s in %s.T[::-1]:" % (row, first[0]))
        self.names.append((row, (3,)))
        self.body(depth + 1, nesting - 1)
        self.names = outer

    def mask(self, depth, nesting):
        name, shape = self.pick()
        other = self.pick(shape)[0]
        bound = self.random.uniform(-0.3, 0.5)
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth, "%s[%s > %.2f] = %s" % (name, other, bound, self.scalar(1)))
        elif form == 1:
            self.line(depth, "%s[%s > %.2f] *= 0.5" % (name, other, bound))
        elif form == 2:
            mask = self.fresh("m")
            self.line(depth, "%s = %s > %.2f" % (mask, other, bound))
            self.line(depth, "%s[%s] = np.sin(%s[%s])" % (name, mask, other, mask))
        else:
            self.line(depth, "s = s + 0.2 * np.sum(%s[%s < %.2f])" % (name, other, bound))

    def pairs(self, depth, nesting):
        found = self.pick((3, 3))
        if not found:
            return self.negative(depth, nesting)
        name = found[0]
        rows = [self.random.randrange(-3, 3) for _ in range(3)]
        columns = [self.random.randrange(3) for _ in range(3)]
        value = self.pick((3,))
        value = "np.tanh(%s)" % value[0] if value else "0.5 * s"
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth, "%s[np.array(%s), np.array(%s)] = %s" % (name, rows, columns, value))
        elif form == 1:
            self.line(depth, "%s[np.array(%s), np.array(%s)] += %s" % (name, rows, columns, value))
        elif form == 2:
            self.line(depth, "np.add.at(%s, np.array(%s), 0.1 * s)" % (name, rows))
        else:
            self.line(depth, "%s[1, np.array(%s)] -= %s" % (name, columns, value))

    def integers(self, depth, nesting):
        q = self.fresh("q")
        name, shape = self.pick()
        self.line(depth, "%s = np.array([1, 0, 2])" % q)
        self.line(depth, "for %s in range(n):" % self.fresh("i"))
        self.line(depth + 1, "%s[%d] += 1" % (q, self.random.randrange(3)))
        self.line(depth + 1, "%s[...] = %s[::-1]" % (q, q))
        self.line(
            depth,
            "%s[%s %% %d] = np.sin(%s[(%s + 1) %% %d])" % (name, q, shape[0], name, q, shape[0]),
        )
        self.line(depth, "s = s + 0.01 * np.sum(%s) * %s[-1]" % (q, q))

    def negative(self, depth, nesting):
        name, shape = self.pick()
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth, "%s[::-1] = np.tanh(%s)" % (name, name))
        elif form == 1:
            self.line(depth, "%s[...] = %s[::-1]" % (name, name))
        elif form == 2:
            self.line(depth, "%s[::-1][:1] += np.sin(%s[:1])" % (name, name))
        else:
            self.line(depth, "%s[-1:0:-1] = 0.7 * %s[:-1]" % (name, name))

    def view_of_view(self, depth, nesting):
        text, shape = self.view()
        first, second = self.fresh("v"), self.fresh("v")
        self.line(depth, "%s = %s" % (first, text))
        self.names.append((first, shape))
        self.line(depth, "%s = %s[::-1]" % (second, first))
        self.names.append((second, shape))
        self.line(depth, "%s[0] = %s[0] * 0.5 + s" % (second, first))

    def list_of_arrays(self, depth, nesting):
        shape = self.pick()[1]
        items = [self.pick(shape) for _ in range(3)]
        l, w = self.fresh("l"), self.fresh("w")
        self.line(depth, "%s = [%s]" % (l, ", ".join(item[0] for item in items)))
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth, "for %s in %s:" % (w, l))
            self.line(depth + 1, "%s *= 0.9" % w)
            self.line(depth + 1, "%s[0] += np.cos(s)" % w)
        elif form == 1:
            self.line(depth, "%s[1] = np.tanh(%s[1])" % (l, l))
            self.line(depth, "%s[0] += 0.3" % l)
            self.line(depth, "s = s + sum([np.sum(z * z) for z in %s]) * 0.1" % l)
        elif form == 2:
            self.line(depth, "for %s in range(n):" % self.fresh("i"))
            self.line(depth + 1, "%s[2] = %s[2] * 0.5 + 0.1" % (l, l))
            self.line(depth + 1, "%s[0] -= 0.1 * s" % l)
            self.line(depth, "s = s + np.sum(%s[2])" % l)
        else:
            self.line(depth, "s = s + np.sum(%s[n %% 3]) * 0.2" % l)

    def dict_of_arrays(self, depth, nesting):
        d = self.fresh("d")
        first, second = self.pick(), self.pick()
        self.line(depth, "%s = {'w': %s, 'k': %s * 1.0}" % (d, first[0], second[0]))
        self.line(depth, "for %s in range(n):" % self.fresh("i"))
        self.line(depth + 1, "for key in %s:" % d)
        self.line(depth + 2, "%s[key] %s" % (d, self.random.choice(("*= 0.9", "+= 0.1 * s"))))
        self.line(depth + 1, "%s['k'] = np.sin(%s['k'])" % (d, d))
        self.line(depth, "s = s + np.sum(%s['k']) * np.mean(%s['w'])" % (d, d))

    def box(self, depth, nesting):
        name, shape = self.pick()
        other = self.pick(shape)[0]
        b = self.fresh("o")
        self.line(depth, "%s = Box(%s)" % (b, name))
        self.line(depth, "for %s in range(%s):" % (self.fresh("i"), self.random.choice("n3")))
        self.line(depth + 1, "s = s + 0.1 * %s.step(%s)" % (b, other))
        if self.random.random() < 0.5:
            self.line(depth + 1, "%s.keep(%s).count += 1" % (b, name))
        if self.random.random() < 0.3:
            self.line(depth, "if %s:" % self.condition())
            self.line(depth + 1, "s = s + %s.replace(%s)" % (b, other))
        self.line(depth, "if %s.last is not None:" % b)
        self.line(depth + 1, "s = s + np.sum(%s.last) * 0.1" % b)
        self.line(depth, "s = s + 0.01 * %s.count + np.sum(%s.w)" % (b, b))

    def closure(self, depth, nesting):
        name, shape = self.pick()
        g, total = self.fresh("g"), self.fresh("t")
        self.line(depth, "%s = 0.0" % total)
        self.line(depth, "def %s(z, scale=%.2f):" % (g, self.random.uniform(0.1, 1)))
        self.line(depth + 1, "nonlocal %s" % total)
        self.line(depth + 1, "%s[0] += 0.1 * z" % name)
        self.line(depth + 1, "%s = %s + scale * np.sum(%s)" % (total, total, name))
        self.line(depth + 1, "return np.sin(z) * %s" % name)
        self.line(depth, "for %s in range(n):" % self.fresh("i"))
        self.line(depth + 1, "s = s + 0.1 * np.sum(%s(s))" % g)
        self.line(depth, "s = np.tanh(s + %s)" % total)

    def inner_gradient(self, depth, nesting):
        name, shape = self.pick()
        other = self.pick(shape)[0]
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(
                depth,
                "%s += 0.1 * grad(lambda z: np.sum(np.tanh(z) * %s * s))(%s)"
                % (name, other, other),
            )
        elif form == 1:
            self.line(depth, "s = s + 0.1 * grad(lambda z: np.sum(np.sin(z * %s)))(s)" % name)
        elif form == 2:
            h = self.fresh("h")
            self.line(depth, "def %s(z):" % h)
            self.line(depth + 1, "y = z * 1.0")
            self.line(depth + 1, "for i in range(n):")
            self.line(depth + 2, "y[0] = np.sin(y[-1]) * s")
            self.line(depth + 2, "y[...] = y[::-1] * 0.9")
            self.line(depth + 1, "return np.sum(y * %s)" % other)
            self.line(depth, "s = s + 0.1 * np.sum(grad(%s)(%s) ** 2)" % (h, name))
        else:
            self.line(depth, "for %s in range(2):" % self.fresh("i"))
            self.line(
                depth + 1, "%s -= 0.1 * grad(lambda z: np.sum(np.cos(z) ** 2))(%s)" % (name, name)
            )

    def swap(self, depth, nesting):
        name, shape = self.pick()
        first, second = self.fresh("p"), self.fresh("p")
        self.line(depth, "%s, %s = %s * 1.0, %s + 0.5" % (first, second, name, name))
        self.line(depth, "for %s in range(%s):" % (self.fresh("i"), self.random.choice("n3")))
        self.line(depth + 1, "%s[0] = np.sin(%s[-1])" % (second, first))
        if self.random.random() < 0.5:
            self.line(depth + 1, "%s += 0.2 * s" % first)
        self.line(depth + 1, "%s, %s = %s, %s" % (first, second, second, first))
        self.line(depth, "s = s + np.sum(%s) - 0.5 * np.sum(%s ** 2)" % (first, second))

    def none_or_value(self, depth, nesting):
        name, shape = self.pick()
        m = self.fresh("m")
        self.line(depth, "%s = None" % m)
        bound = self.random.choice(("n", "n - 1"))
        self.line(depth, "for %s in range(%s):" % (self.fresh("i"), bound))
        self.line(depth + 1, "if %s is None:" % m)
        self.line(depth + 2, "%s = %s * %s" % (m, name, name))
        self.line(depth + 1, "else:")
        self.line(depth + 2, "%s += 0.1 * np.tanh(%s)" % (m, name))
        self.line(depth + 1, "%s[0] += 0.1 * s" % name)
        self.line(depth, "if %s is not None:" % m)
        self.line(depth + 1, "s = s + np.mean(%s)" % m)
        if self.random.random() < 0.5:
            self.line(depth + 1, "%s[...] = %s" % (name, m))

    def call_leaving(self, depth, nesting):
        found = self.pick((3, 3))
        if found:
            text = self.random.choice(("%s", "%s.T", "%s[::-1]", "%s[1:]")) % found[0]
            self.line(depth, "s = s + 0.3 * leaves_early(%s, s)" % text)

    def early_return(self, depth, nesting):
        self.line(depth, "if %s:" % self.condition())
        self.body(depth + 1, 0)
        name, shape = self.pick()
        self.line(depth + 1, "return s + np.sum(np.sin(%s))" % name)

    def recursion(self, depth, nesting):
        matrix, vector = self.pick((3, 3)), self.pick((3,))
        form = self.random.randint(0, 3)
        if form == 0 and matrix:
            low = self.random.randint(0, 1)
            self.line(depth, "s = s + 0.2 * halves(%s, %d, 2 + (n > 1), s)" % (matrix[0], low))
        elif form == 1 and matrix:
            source = self.pick((3, 3))
            k = self.random.choice(("n % 3", "2", "n - 2"))
            self.line(depth, "spreads(%s, np.tanh(%s), min(2, %s))" % (matrix[0], source[0], k))
        elif form == 2 and vector:
            name, scale = self.fresh("v"), self.fresh("t")
            self.line(depth, "%s, %s = shrinks(%s, %s)" % (name, scale, vector[0], self.scalar(1)))
            self.line(depth, "s = s + 0.1 * np.sum(np.tanh(%s)) * np.tanh(%s)" % (name, scale))
        else:
            name = self.random.choice(("turns", "returns"))
            self.line(depth, "s = s + %s(n, np.tanh(%s))" % (name, self.scalar(1)))

    def generator(self, depth, nesting):
        matrix, vector = self.pick((3, 3)), self.pick((3,))
        if self.random.random() < 0.5 and vector:
            k, part = self.fresh("k"), self.fresh("p")
            self.line(depth, "for %s, %s in pieces(%s, s):" % (k, part, vector[0]))
            self.line(depth + 1, "s = s + 0.1 * np.sum(np.sin(%s)) * %s" % (part, k))
        elif matrix:
            part = self.fresh("p")
            self.line(depth, "for %s in squeezed(%s, n):" % (part, matrix[0]))
            self.line(depth + 1, "s = s + 0.1 * np.tanh(np.sum(%s))" % part)
            if self.random.random() < 0.5:
                self.line(depth + 1, "%s[1] += 0.1 * %s[0]" % (matrix[0], part))
        else:
            return self.mask(depth, nesting)
        if self.random.random() < 0.6:
            self.line(depth + 1, "if %s:" % self.condition())
            self.line(depth + 2, self.random.choice(("break", "continue")))
        self.body(depth + 1, 0)
        if self.random.random() < 0.3:
            self.line(depth, "else:")
            self.body(depth + 1, 0)

    def caught(self, depth, nesting):
        matrix = self.pick((3, 3))
        if not matrix:
            return self.mask(depth, nesting)
        index = self.random.choice(("n", "n - 2", "-n", "1"))
        self.line(depth, "try:")
        for _ in range(self.random.randint(0, 1)):
            self.write(depth + 1)
        self.line(depth + 1, "s = s + 0.1 * picks(%s, %s, s)" % (matrix[0], index))
        for _ in range(self.random.randint(0, 1)):
            self.write(depth + 1)
        self.line(depth, "except IndexError:")
        self.line(depth + 1, "s = s * 0.9")
        if self.random.random() < 0.5:
            self.write(depth + 1)
        self.line(depth, "except ValueError:")
        self.line(depth + 1, "s = np.sin(s)")
        if self.random.random() < 0.4:
            self.line(depth, "else:")
            self.line(depth + 1, "s = s + 0.2")
        if self.random.random() < 0.4:
            self.line(depth, "finally:")
            self.write(depth + 1)
