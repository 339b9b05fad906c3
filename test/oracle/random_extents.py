"""Random programs about arrays with extents of 0, 1 and more, equal and unequal, known or by run-time
data (`len(sys.argv)`), in every operation, in lists and dicts that loops change; printed, and
differentiated in both modes and to order 2.

The writer runs each statement as it writes it: what NumPy refuses, or warns of, is not in a program,
and shapes are those that arrays have.
"""

import random
import warnings

import numpy

# What the compiler may refuse: objects shared in ways that it does not follow, and arrays whose rank a
# loop changes, alone (E0208) or in a list (E0218).
REFUSED = "E0208 E0211 E0217 E0218"

# {a}, {b} are arrays, {k} is an extent or a position, {axis} an axis of {a}.
FORMS = (
    "np.sin({a}) * {b}",
    "{a} + {b}",
    "{a} * 0.5 - np.cos({b})",
    "np.where({a} > 0.25, {a}, {b} * 0.3)",
    "np.where({a} > {b}, np.sin({a}), 0.1)",
    "np.maximum({a}, {b} * 1.01 + 0.003)",
    "{a}[:{k}]",
    "{a}[{k}:]",
    "{a}[:, :{k}]",
    "{a}[:, {k}:]",
    "{a}[..., :1]",
    "{a}[..., 1:]",
    "{a}[:, :1] * {b}",
    "{a}[1:] * {b}[:-1]",
    "{a}[::-1]",
    "{a}[::2]",
    "{a}[1:-1]",
    "{a}[-1:]",
    "{a}[:-1]",
    "{a}[None]",
    "{a}[..., None]",
    "{a}[:, None] * {b}",
    "{a}.T",
    "{a}.reshape(-1)",
    "{a}.reshape(-1, 1)",
    "{a}.reshape(1, -1)",
    "{a}.reshape({a}.shape[::-1])",
    "{a}.reshape({k}, -1)",
    "{a}.reshape(-1, {k})",
    "{a}.reshape({k}, {l})",
    "np.concatenate([{a}, {b}])",
    "np.concatenate([{a}, {b}], axis={axis})",
    "np.concatenate([{a}, {a}[:1], {b}])",
    "np.stack([{a}, {b}])",
    "np.stack([{a}, {b}], axis={axis})",
    "np.hstack([{a}, {b}])",
    "np.vstack([{a}, {b}])",
    "{a} @ {b}",
    "{a}.T @ {b}",
    "np.dot({a}, {b})",
    "np.outer({a}.reshape(-1), {b}.reshape(-1))",
    "np.tensordot({a}, {b}, 1)",
    "np.einsum('ij,jk->ik', {a}, {b})",
    "np.einsum('ij,ij->i', {a}, {b})",
    "np.einsum('ij->j', {a})",
    "np.einsum('i,j->ij', {a}, {b})",
    "np.einsum('ij,i->j', {a}, {b})",
    "np.sum({a}, axis={axis})",
    "np.sum({a}, axis={axis}, keepdims=True)",
    "np.mean({a}, axis={axis})",
    "{a} - np.mean({a}, axis={axis}, keepdims=True)",
    "np.max({a}, axis={axis})",
    "np.min({a}, axis={axis}, keepdims=True)",
    "np.prod({a} + 1.5, axis={axis})",
    "np.std({a} + np.arange({a}.shape[0]), axis={axis})",
    "np.cumsum({a}, axis={axis})",
    "np.sort({a}, axis={axis})",
    "{a}[np.argsort({a}[:, 0])]",
    "{a}[np.argmax({a})]",
    "{a}[{a} > 0.2]",
    "{a}[np.arange({a}.shape[0])]",
    "{a}[np.array([0, -1, 0])]",
    "{a}[:, np.array([0, -1])]",
    "{a}[np.arange({k}), np.arange({k})]",
    "np.take({a}, np.arange({k}), axis={axis})",
    "np.repeat({a}, 2, axis={axis})",
    "np.tile({a}, 2)",
    "np.roll({a}, 1, axis={axis})",
    "np.flip({a}, axis={axis})",
    "np.diff({a}, axis={axis})",
    "np.clip({a}, -0.31, 0.47)",
    "np.squeeze({a}, axis={axis})",
    "np.expand_dims({a}, {axis})",
    "np.swapaxes({a}, 0, {axis})",
    "np.broadcast_to({a}, ({k}, {l}))",
    "np.tril({a}[:, :])",
    "np.triu({a}[:, :]) * {b}",
    "np.diag({a}[:, 0])",
    "np.trace({a}) * {b}",
    "np.zeros(({k}, {l})) + {a}",
    "np.ones(({k}, 1)) * {a}",
    "np.full(({k},), 0.7) * {a}",
    "np.linspace(0.1, 1.0, {k}) * {a}",
    "np.arange({k}) * {a}",
    "np.eye({k}) * {a}",
    "np.zeros_like({a}) + {b}",
    "np.tanh({a}) / (1.5 + np.sum({b} ** 2))",
    "np.exp(-{a} * {a})",
    "np.sum({a}) * {b}",
    "np.sum({a}[{a} > 0.1]) * {b}",
)
# Where NumPy and the oracle differ for arrays of no elements; einsum of autograd knows no extents of 1.
OF_ELEMENTS = ("np.prod", "np.take", "np.diff")
# Statements of several lines; {name} is new.
BLOCKS = (
    "{name} = {a} * 1.0\n{name}[:{k}] = np.sin({name}[:{k}])",
    "{name} = {a} * 1.0\n{name}[{k}:] += 0.1",
    "{name} = {a} * 1.0\n{name}[:, :1] *= {b}",
    "{name} = {a} * 1.0\n{name}[...] = {b}",
    "{name} = np.zeros(({k}, {l}))\n{name}[:, :] = {a}",
    "{name} = np.zeros(({k}, {l}))\nfor i in range({k}):\n    {name}[i] = {a} * i",
    "{name} = {a}\nfor i in range({k}):\n    {name} = np.sin({name}) * {b}",
    "{name} = {a}\nfor i in range({k}):\n    {name} = {name}[1:]",
    "{name} = {a}\nfor i in range({k}):\n    {name} = np.concatenate([{name}, {a}[:1]])",
    "{name} = {a}\nif np.sum({b}) > 0.3:\n    {name} = {a} * 0.5",
    "{name} = {a}\nif np.sum({b}) > 0.3:\n    {name} = {a}[:1]",
    "{name} = {a}\nif len(sys.argv) > {k}:\n    {name} = np.concatenate([{a}, {a}])",
    "rows = [{a} * i for i in range({k})]\n{name} = np.stack(rows)",
    "rows = [{a}[:1] + i for i in range({k})]\n{name} = np.concatenate(rows)",
    "rows = [{a}]\nfor i in range({k}):\n    rows.append(np.sin({a} + i))\n{name} = np.array(rows)",
    "rows = [{a} for i in range({k})]\nfor i in range({k}):\n    rows[i] = rows[i] * {b} + i\n{name} = sum(rows, {a} * 0.0)",
    "rows = [{a}, {b}]\nfor i in range({k}):\n    rows[0] = np.tanh(rows[0] * rows[1])\n{name} = rows[0]",
    "rows = [{a}, {b}]\nfor i in range({k}):\n    rows[i % 2] = rows[i % 2] * 0.5\n{name} = np.concatenate(rows)",
    "rows = []\nfor i in range({k}):\n    rows.append({a})\n    rows.append({a} * 2.0)\n{name} = rows[-1] * 0.5",
    "rows = [{a} + i for i in range({k})]\nrows.pop()\n{name} = {b}\nfor row in rows:\n    {name} = {name} + row",
    "rows = [{a}[i:] for i in range({k})]\n{name} = np.concatenate(rows)",
    "kept = {{'w': {a}, 'b': {b}}}\nfor i in range({k}):\n    kept['w'] = kept['w'] * 0.5 + kept['b']\n{name} = kept['w']",
    "kept = {{'w': {a}, 'b': {b}}}\nfor key in kept:\n    kept[key] = np.sin(kept[key])\n{name} = kept['b']",
    "kept = {{'rows': []}}\nfor i in range({k}):\n    kept['rows'].append({a} * i)\n{name} = np.stack(kept['rows'])",
    "kept = {{}}\nfor i in range({k}):\n    kept[i] = {a} + i\n{name} = {b}\nfor key in kept:\n    {name} = {name} + kept[key]",
    "pair = ({a}, {b})\nfor i in range({k}):\n    pair = (pair[0] * 0.5, pair[1] + pair[0])\n{name} = pair[1]",
)


def same_extents(text, shapes):
    """Whether each letter of einsum's subscripts stands for one extent."""
    if "einsum" not in text:
        return True
    parts = text.split("'")[1].split("->")[0].split(",")
    extents = [pair for part, shape in zip(parts, shapes) for pair in zip(part, shape)]
    return len(set(extents)) == len({letter for letter, _ in extents})


class ExtentWriter:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.names = ["x", "y"]
        self.count = 0
        self.values = {"np": numpy, "sys": self}
        # What the program sees as its arguments.
        self.argv = ["program"]
        for extent in range(5):
            self.values["e%d" % extent] = extent

    def extent(self):
        number = self.random.choice((0, 1, 1, 2, 3, 4))
        return self.random.choice(("%d", "e%d")) % number

    def shape(self):
        return [self.extent() for _ in range(self.random.choice((1, 2, 2)))]

    def filled(self):
        def number():
            return self.random.uniform(-1.5, 1.5)

        shape = self.shape()
        numbers = [int(text.lstrip("e")) for text in shape]
        count = int(numpy.prod(numbers))
        text = "np.cos(np.arange(%s) * %.2f + %.2f)" % (
            " * ".join(shape) if self.random.random() < 0.7 else str(count), number() + 2, number())
        return text + (".reshape(%s)" % ", ".join(shape) if len(shape) > 1 else "")

    def fits(self, text, name):
        """Runs a statement; whether NumPy took it, and what it made."""
        before = dict(self.values)
        try:
            with warnings.catch_warnings(), numpy.errstate(all="raise"):
                warnings.simplefilter("error")
                exec(text, self.values)
            made = self.values[name]
            if isinstance(made, numpy.ndarray) and made.ndim and made.ndim <= 3 and made.size <= 60:
                return made.size == 0 or numpy.max(numpy.abs(made)) < 50
        except Exception:
            pass
        self.values = before
        return False

    def statement(self):
        pick = self.random.choice
        for _ in range(200):
            name = "v%d" % self.count
            a = pick(self.names)
            parts = {
                "name": name,
                "a": a,
                "b": pick(self.names),
                "k": self.extent(),
                "l": self.extent(),
                "axis": self.random.choice((0, numpy.ndim(self.values[a]) - 1, -1)),
            }
            block = self.random.random() < 0.3
            text = pick(BLOCKS).format(**parts) if block else name + " = " + pick(FORMS).format(**parts)
            shapes = [numpy.shape(self.values[parts[each]]) for each in "ab"]
            if any(form in text for form in OF_ELEMENTS) and 0 in shapes[0]:
                continue
            if not same_extents(text, shapes):
                continue
            if self.fits(text, name):
                self.count += 1
                self.names.append(name)
                return text.splitlines()
        return []

    def program(self, seed):
        self.lines = [
            "# Random program %d about extents." % seed,
            "# refused: " + REFUSED,
            "import sys",
            "import numpy as np",
            "from mpy import grad, jvp",
        ]
        self.lines += ["e0 = len(sys.argv) - 1", "e1 = len(sys.argv)"]
        self.lines += ["e%d = len(sys.argv) + %d" % (extent, extent - 1) for extent in range(2, 5)]
        for name in "xy":
            text = "%s = %s" % (name, self.filled())
            exec(text, self.values)
            self.lines.append(text)
        self.lines.append("def f(x, y):")
        for _ in range(self.random.randint(2, 7)):
            self.lines += ["    " + line for line in self.statement()]
        made = self.names[2:] or self.names
        shown = self.random.sample(made, min(len(made), 4))
        total = " + ".join("np.sum(np.sin(%s + 0.1))" % name for name in shown)
        self.lines += ["    return %s, (%s,)" % (total, ", ".join(shown))]
        self.lines += [
            "value, made = f(x, y)",
            "print('%.6f' % value)",
            "for each in made:",
            "    print(each.shape, np.round(each, 6))",
            "def scalar(x, y):",
            "    return f(x, y)[0]",
            "print(np.round(grad(scalar)(x, y), 6))",
            "print(np.round(grad(scalar, 1)(x, y), 6))",
            "print(np.round(jvp(lambda z: scalar(z, y), (x,), (np.ones(x.shape) * 0.5,))[1], 6))",
        ]
        if self.random.random() < 0.5:
            self.lines.append("print(np.round(grad(lambda z: np.sum(np.sin(grad(scalar)(z, y))))(x), 5))")
        else:
            self.lines.append("print(np.round(jvp(lambda z: grad(scalar, 1)(x, z), (y,), (y * 0.5,))[1], 5))")
        return "\n".join(self.lines) + "\n"
