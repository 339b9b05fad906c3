"""Runs every name of the library that is written in the language: under CPython, and compiled.

    python test/library/check_library.py --mpyc build/release/bin/mpyc [filter]

`test/library/numpy._shapes.rows` has the arguments for `lang/library/numpy/_shapes.mpy`, one row a line: an
expression, or statements with `;` that end in one. A row belongs to each name of the file that it uses. It is computed
with the function of NumPy or the standard library, with ours under CPython, and by a compiled program with ours; all
three print the same, exceptions too. A name without a row fails. Rows of `_methods` call methods of Python's and NumPy's
types; only NumPy and the compiled program are compared.
A parameter that its function does not read would be ignored without a word: it fails, unless the documentation of the
function names it, `so`, as one that changes nothing.
Operators on functions, and plots, are rows of a program instead, which test/run compares with CPython: the file has its name alone,
`# program: test/run/grad-operators.mpy`.

    trace(np.arange(6).reshape(2, 3), offset=1)
    d = deque([1, 2]); d.appendleft(0); list(d)
    product('ab', repeat=5)            # refused: E0701: what the compiler says to it today
    @dataclass\\nclass P:\\n    x: int\\nP(1)
    P = namedtuple('P', 'x'); P(1)     # only compiled: why our source does not do it under CPython
"""

import argparse
import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lang/library"
TIME_LIMIT = 120
sys.path[:0] = [str(ROOT / "lang/python"), str(ROOT / "test/oracle")]

from compare import first_error, same_text  # noqa: E402
from mpy import modules, written  # noqa: E402

HEAD = """import math
import numpy as np
def show(x):
    if isinstance(x, np.ndarray):
        print(x.dtype, x.shape)
        print(x)
    else:
        print(repr(x))
"""


class Row:
    def __init__(self, line, place):
        text, _, self.refused = line.partition("# refused: ")
        text, self.only_compiled, _ = text.partition("# only compiled: ")
        text = text.strip()
        if text.startswith(("@", "class ")):
            text = text.replace("\\n", "\n")
        self.text, self.place = text, place
        self.tree = ast.parse(self.text)
        nodes = list(ast.walk(self.tree))
        self.names = {node.id for node in nodes if isinstance(node, ast.Name)}
        self.methods = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        self.last = ast.unparse(self.tree.body[-1])

    def statements(self):
        """The row as lines of a program that prints its value."""
        return [ast.unparse(s) for s in self.tree.body[:-1]] + [f"show({self.last})"]


class PrivateFiles(importlib.abc.MetaPathFinder):
    """Finds `numpy._calculus` for other files of the library."""

    def find_spec(self, name, path=None, target=None):
        file = LIBRARY / (name.replace(".", "/") + ".mpy")
        if name.rpartition(".")[2].startswith("_") and file.exists():
            return importlib.util.spec_from_loader(name, importlib.machinery.SourceFileLoader(name, str(file)))


sys.meta_path.append(PrivateFiles())


def load(path):
    """A file of the library as a module of CPython."""
    loader = importlib.machinery.SourceFileLoader("mpy_library_" + path.stem.lstrip("_"), str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def printed(row, names):
    """What a row prints under CPython, with the exception that ends it."""
    out = io.StringIO()
    space = dict(names)
    with contextlib.redirect_stdout(out):
        exec(HEAD, space)
        space.update(names)
        try:
            exec("\n".join(row.statements()), space)
        except Exception as error:
            print("%s: %s" % (type(error).__name__, error))
            return out.getvalue(), True
    return out.getvalue(), False


def original(name):
    """The module that a file of the library stands for; MinPy, which no NumPy of today runs, is in our layer."""
    if name == "numpy.ndarray" or name.partition(".")[0] == "matplotlib":
        return None
    return modules.build()[name] if name.startswith("minpy.") or written.is_written(name) else importlib.import_module(name)


class Part:
    """One file of the library with its rows."""

    def __init__(self, path):
        self.path = path
        self.module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__")
        first, _, last = self.module.rpartition(".")
        self.public = first if first and last.startswith("_") else self.module
        self.is_methods = first == "_methods"
        tree = ast.parse(path.read_text())
        kinds = (ast.FunctionDef, ast.ClassDef)
        self.names = [s.name for s in tree.body if isinstance(s, kinds) and not s.name.startswith("_")]
        # Objects of the module; those of typing say nothing.
        self.names += [
            s.targets[0].id
            for s in tree.body
            if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call) and not s.targets[0].id.startswith("_") and self.module != "typing"
        ]
        self.constants = [s.targets[0].id for s in tree.body if isinstance(s, ast.Assign)]
        self.undocumented = [s.name for s in tree.body if isinstance(s, kinds) and s.name in self.names and not ast.get_docstring(s)]
        # What says at once that it is not supported.
        self.left_out = [s.name for s in tree.body if isinstance(s, kinds) and "unsupported(" in ast.unparse(s)]
        table = ROOT / "test/library" / (self.module + ".rows")
        lines = table.read_text().splitlines() if table.exists() else []
        self.program_names = set()
        for line in lines:
            if line.startswith("# program: "):
                tree = ast.parse((ROOT / line.removeprefix("# program: ")).read_text())
                self.program_names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                if self.is_methods or self.public.partition(".")[0] == "matplotlib":
                    self.program_names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        self.rows = [
            Row(line, f"{table.name}:{number}")
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.startswith("#")
        ]
        self.compiled = None if self.is_methods else original(self.public)

    def check(self, name, mpyc):
        """Sentences about what is wrong with a name."""
        if name in self.undocumented:
            yield "has no docstring"
        if name in self.program_names:
            return
        rows = [row for row in self.rows if name in (row.methods if self.is_methods else row.names)]
        if not rows or (all(row.refused for row in rows) and name not in self.left_out):
            yield "no row of arguments"
            return
        known = self.names + self.constants
        real = {n: getattr(self.compiled, n) for n in known if hasattr(self.compiled, n)}
        ours = {}
        if not self.is_methods:
            module = load(self.path)
            ours = {n: getattr(module, n) for n in known}
        expected = []
        for row in rows:
            wanted, fails = printed(row, real)
            found = wanted if row.only_compiled or self.is_methods else printed(row, ours)[0]
            if row.refused and (name in self.left_out or found.startswith("NotImplementedError")):
                continue
            if not same_text(wanted, found, {}):
                yield f"{row.place}: under CPython\n{found}instead of\n{wanted}"
            if not row.refused:
                expected.append((row, wanted, fails))
        if not expected:
            return
        program = self.program(expected)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / (name + "_rows.mpy")
            file.write_text(program)
            run = subprocess.run([mpyc, "run", "-O0", str(file)], capture_output=True, text=True, timeout=TIME_LIMIT)
        if run.returncode != 0:
            yield f"compiled:\n{first_error(run.stderr, 12)}"
            return
        pieces = run.stdout.split("--row--\n")[1:]
        for (row, wanted, _), found in zip(expected, pieces):
            if not same_text(wanted, found, {}):
                yield f"{row.place}: compiled\n{found}instead of\n{wanted}"

    def program(self, expected):
        used = sorted(set(self.names + self.constants) & set().union(*[row.names for row, _, _ in expected]))
        lines = [HEAD] if self.is_methods else [HEAD + f"from {self.public} import {', '.join(used)}"]
        for row, _, fails in expected:
            body = row.statements()
            lines.append("print('--row--')")
            if fails:
                body = ["try:"] + ["    " + s.replace("\n", "\n    ") for s in body]
                body += ["except Exception as error:", "    print('%s: %s' % (type(error).__name__, error))"]
            lines += body
        return "\n".join(lines) + "\n"


SIGNATURES_OF_PYTHON = re.compile("__(?!init__|call__)\\w+__")


def unread_parameters(path):
    """Parameters that programs give and that change nothing, although the documentation does not say so. What a file has for
    itself, and functions that it passes on, have the parameters that they are called with."""
    tree = ast.parse(path.read_text())
    inside = [s for cls in tree.body if isinstance(cls, ast.ClassDef) for s in cls.body]
    for function in tree.body + inside:
        if not isinstance(function, ast.FunctionDef) or SIGNATURES_OF_PYTHON.fullmatch(function.name):
            continue
        if function.name.startswith("_") and not function.name.startswith("__"):
            continue
        if ast.unparse(function.body[-1]).startswith("unsupported("):
            continue
        given = function.args
        parameters = given.posonlyargs + given.args + given.kwonlyargs + [a for a in (given.vararg, given.kwarg) if a]
        read = {node.id for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Name)}
        said = ast.get_docstring(function) or ""
        for parameter in parameters:
            name = parameter.arg
            if name not in read and name not in ("self", "cls") and not ("`" + name + "`" in said and "nothing" in said):
                yield f"{path.relative_to(LIBRARY)}:{function.lineno}: '{function.name}' does not read its parameter '{name}'"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    mpyc = os.path.abspath(options.mpyc)
    passed = failed = 0
    tasks = []
    for path in sorted(LIBRARY.rglob("*.mpy")):
        if path.parent in (LIBRARY, LIBRARY / "matplotlib") and path.stem.startswith("_") and path.stem != "__init__":
            continue  # Tested by what is made of it.
        part = Part(path)
        tasks += [(part, name) for name in part.names if options.filter in part.module + "." + name]
    for part, name in tasks:
        wrong = list(part.check(name, mpyc))
        for sentence in wrong:
            print(f"{part.module}.{name}: {sentence}")
        failed += bool(wrong)
        passed += not wrong
    for path in sorted(LIBRARY.rglob("*.mpy")):
        for sentence in unread_parameters(path):
            print(sentence)
            failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
