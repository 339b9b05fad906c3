"""Constructs of random programs with lists whose length is run-time data: filled by loops and
conditions, emptied, reordered, sliced, summed, joined to arrays."""


class ListConstructs:
    def grown_list(self, depth, nesting):
        """A list of numbers that a loop fills, and what is done with it."""
        l, i = self.fresh("l"), self.fresh("i")
        self.line(depth, "%s = [s * %.2f]" % (l, self.random.uniform(0.2, 1)))
        bound = self.random.choice(("n", "n + 1", "2 * n"))
        self.line(depth, "for %s in range(%s):" % (i, bound))
        form = self.random.randint(0, 4)
        if form == 0:
            self.line(depth + 1, "%s.append(np.sin(%s[-1]) + 0.1 * %s)" % (l, l, i))
        elif form == 1:
            self.line(depth + 1, "if %s:" % self.condition())
            self.line(depth + 2, "%s.append(np.tanh(%s) * %s[0])" % (l, self.scalar(1), l))
            self.line(depth + 1, "else:")
            self.line(depth + 2, "%s.insert(%d, s * 0.3 + %s)" % (l, self.random.randint(-2, 2), i))
        elif form == 2:
            self.line(depth + 1, "%s.append(%s * 0.5)" % (l, self.scalar(1)))
            self.line(depth + 1, "if %s %% 2 == 1 and len(%s) > 1:" % (i, l))
            self.line(depth + 2, "s = s + np.sin(%s.pop() * %s.pop(%s))" % (l, l, self.random.choice(("", "0", "-1"))))
            self.line(depth + 2, "%s.append(s * 0.2)" % l)
        elif form == 3:
            self.line(depth + 1, "%s.append(s * 0.1 * %s)" % (l, i))
            self.line(depth + 1, "%s[%s // 2] = np.cos(%s[-1]) * %s[%s // 2]" % (l, i, l, l, i))
        else:
            self.line(depth + 1, "%s += [0.2 * s, np.sin(%s[0])]" % (l, l))
            self.line(depth + 1, "if len(%s) > 4:" % l)
            self.line(depth + 2, self.random.choice(("break", "continue", "del %s[0]" % l)))
        for _ in range(self.random.randint(1, 2)):
            self.list_use(depth, l)

    def list_use(self, depth, l):
        k, v = self.fresh("k"), self.fresh("v")
        choice = self.random.randint(0, 9)
        if choice == 0:
            self.line(depth, "s = s + 0.1 * sum(%s) / len(%s)" % (l, l))
        elif choice == 1:
            self.line(depth, "s = s + 0.1 * max(%s) * min(%s)" % (l, l))
        elif choice == 2:
            self.line(depth, "for %s, %s in enumerate(%s):" % (k, v, l))
            self.line(depth + 1, "s = np.sin(s) + 0.1 * %s * %s" % (k, v))
        elif choice == 3:
            self.line(depth, "%s.reverse()" % l)
            self.line(depth, "s = s + 0.1 * np.sum(np.array(%s) ** 2 * np.arange(len(%s)))" % (l, l))
        elif choice == 4:
            self.line(depth, "s = s + 0.1 * sum([%s * %s for %s in %s if %s > %.2f])"
                      % (v, v, v, l, v, self.random.uniform(-0.5, 0.5)))
        elif choice == 5:
            self.line(depth, "s = s + 0.2 * np.sin(%s[len(%s) // 2] * %s[-1])" % (l, l, l))
        elif choice == 6:
            part = self.random.choice(("[::2]", "[1:]", "[::-1]", "[:n]", "[-2:]"))
            self.line(depth, "for %s, %s in zip(%s%s, %s):" % (k, v, l, part, l))
            self.line(depth + 1, "s = s + 0.1 * %s * np.cos(%s)" % (k, v))
        elif choice == 7:
            self.line(depth, "while len(%s) > 1:" % l)
            self.line(depth + 1, "s = s + 0.1 * np.tanh(%s.pop() * %s[0])" % (l, l))
        elif choice == 8:
            m = self.fresh("l")
            self.line(depth, "%s = %s[:] + [s]" % (m, l))
            self.line(depth, "%s[0] = %s[-1] * 0.5" % (m, m))
            self.line(depth, "s = s + 0.1 * (%s[0] * %s[0] + len(%s))" % (m, l, m))
        else:
            a = self.fresh("a")
            self.line(depth, "%s = np.array((%s * 3)[:3])" % (a, l))
            self.names.append((a, (3,)))

    def array_list(self, depth, nesting):
        """A list of arrays that a loop fills; the arrays are new ones, or copies."""
        l, i = self.fresh("h"), self.fresh("i")
        name, shape = self.pick()
        self.line(depth, "%s = [%s * 0.5]" % (l, name))
        self.line(depth, "for %s in range(n):" % i)
        form = self.random.randint(0, 3)
        if form == 0:
            self.line(depth + 1, "%s.append(np.tanh(%s[-1] * 0.9 + 0.1 * %s))" % (l, l, self.expression(shape, 1)))
        elif form == 1:
            self.line(depth + 1, "if %s:" % self.condition())
            self.line(depth + 2, "%s.append(%s.copy())" % (l, name))
            self.line(depth + 1, "%s *= 0.9" % name)
        elif form == 2:
            self.line(depth + 1, "%s.append(np.sin(%s) + %s)" % (l, name, i))
            self.line(depth + 1, "%s[0] = %s[0] * %s[-1]" % (l, l, l))
        else:
            self.line(depth + 1, "%s.insert(0, %s * %s)" % (l, name, i))
            self.line(depth + 1, "if len(%s) > 3:" % l)
            self.line(depth + 2, "s = s + 0.1 * np.sum(%s.pop())" % l)
        choice = self.random.randint(0, 4)
        if choice == 0:
            self.line(depth, "s = s + 0.1 * np.sum(np.stack(%s) ** 2)" % l)
        elif choice == 1:
            a = self.fresh("a")
            self.line(depth, "%s = %s[len(%s) - 1] + %s[0]" % (a, l, l, l))
            self.names.append((a, shape))
        elif choice == 2:
            v = self.fresh("v")
            self.line(depth, "for %s in reversed(%s):" % (v, l))
            self.line(depth + 1, "s = np.sin(s) + 0.1 * np.sum(%s * %s)" % (v, v))
        elif choice == 3:
            a = self.fresh("a")
            self.line(depth, "%s = np.mean(%s, axis=0)" % (a, l))
            self.names.append((a, shape))
        else:
            self.line(depth, "s = s + 0.1 * np.sum(np.concatenate(%s)[1:] ** 2)" % l)

    def ragged_list(self, depth, nesting):
        """A list of arrays of several extents, and of tuples with them."""
        l, i, v, k = self.fresh("r"), self.fresh("i"), self.fresh("v"), self.fresh("k")
        name, shape = self.pick()
        self.line(depth, "%s = []" % l)
        self.line(depth, "for %s in range(n + 1):" % i)
        if self.random.random() < 0.5:
            self.line(depth + 1, "%s.append(np.sin(%s[%s %% %d:]) * (%s + 1))" % (l, name, i, shape[0], i))
            self.line(depth, "s = s + 0.1 * np.sum(np.concatenate(%s[::-1]) ** 2) / len(%s)" % (l, l))
            self.line(depth, "s = s + 0.1 * sum([np.sum(%s) for %s in %s])" % (v, v, l))
        else:
            self.line(depth + 1, "%s.append((s * %s, np.cos(%s[:%s %% %d + 1])))" % (l, i, name, i, shape[0]))
            self.line(depth, "for %s, %s in %s:" % (k, v, l))
            self.line(depth + 1, "s = s + 0.1 * %s * np.sum(%s)" % (k, v))
