"""Runs a program under CPython with the layer in place of the libraries it imports.

Only `.mpy` modules see the layer: their `import` statements go through `program_import`, while
Python's own modules keep the real NumPy. Calls of one argument are routed through `_converting`, so
that `float(x)` and `np.float64(x)` keep the derivative of a traced value. An uncaught exception is
one line, `prog.mpy:12: Kind: message`, and exit code 1, as in a compiled program.
"""

import ast
import builtins
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import traceback
import types
import warnings

import numpy

from . import dispatch, modules, written
from .library import cast

layer = modules.build()
_CALL = "__mpy_call__"


def program_import(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and name in layer:
        return layer[name] if fromlist else layer[name.partition(".")[0]]
    # NumPy's own C code imports its private modules under the program's builtins.
    if level == 0 and name.partition(".")[0] in ("autograd", "minpy"):
        raise ModuleNotFoundError("No module named %r" % name, name=name)
    return builtins.__import__(name, globals, locals, fromlist, level)


def _converting(function):
    """The conversion itself, or for `float` and its NumPy kinds one that keeps derivatives."""
    if function is float or function is numpy.float64 or function is numpy.float32:
        return lambda value: cast(function, value) if dispatch.is_traced(value) else function(value)
    return function


class _RouteCalls(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        routed = isinstance(node.func, (ast.Name, ast.Attribute))
        if (
            routed
            and len(node.args) == 1
            and not node.keywords
            and not isinstance(node.args[0], ast.Starred)
        ):
            node.func = self.route(node.func)
        elif isinstance(node.func, ast.Name) and node.func.id == "map" and len(node.args) == 2:
            node.args[0] = self.route(node.args[0])
        return node

    def route(self, function):
        if isinstance(function, ast.Name) and function.id in (
            "super",
            "print",
            "len",
            "range",
            "int",
            "str",
        ):
            return function
        name = ast.copy_location(ast.Name(_CALL, ast.Load()), function)
        return ast.copy_location(ast.Call(name, [function], []), function)


def compile_program(source, path):
    tree = ast.fix_missing_locations(_RouteCalls().visit(ast.parse(source, path)))
    return compile(tree, path, "exec", dont_inherit=True)


def prepare(namespace):
    """The builtins of a program module: Python's, with the program's import."""
    names = dict(vars(builtins))
    names["__import__"] = program_import
    names[_CALL] = _converting
    namespace["__builtins__"] = names


class _Loader(importlib.abc.Loader):
    def __init__(self, path):
        self.path = path

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        with open(self.path, encoding="utf-8") as file:
            code = compile_program(file.read(), self.path)
        prepare(vars(module))
        exec(code, vars(module))


class Finder(importlib.abc.MetaPathFinder):
    """Finds `.mpy` modules and packages beside the program."""

    def __init__(self, folders):
        self.folders = folders

    def find_spec(self, name, path=None, target=None):
        last = name.rpartition(".")[2]
        for folder in path if path is not None else self.folders:
            package = os.path.join(folder, last)
            if os.path.isfile(os.path.join(package, "__init__.mpy")):
                spec = importlib.machinery.ModuleSpec(
                    name, _Loader(os.path.join(package, "__init__.mpy")), is_package=True
                )
                spec.submodule_search_locations = [package]
                return spec
            if os.path.isfile(package + ".mpy"):
                spec = importlib.util.spec_from_loader(name, _Loader(package + ".mpy"))
                spec.origin, spec.has_location = package + ".mpy", True
                return spec
        return None


def failure(error, path):
    """`prog.mpy:12: Kind: message` for an uncaught exception."""
    name = os.path.basename(path)
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno
    else:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".mpy")
        ]
        # What the library raises, the program has raised by calling it.
        library = (str(written.LIBRARY), str(written.LIBRARY.parent / "drawing"))
        frames = [f for f in frames if not os.path.abspath(f.filename).startswith(library)] or frames
        line = frames[-1].lineno if frames else 0
        name = os.path.basename(frames[-1].filename) if frames else name
    message = str(error)
    kind = type(error)
    shown = kind.__name__ if not kind.__module__.startswith("numpy") else kind.__module__ + "." + kind.__qualname__
    return "%s:%s: %s%s" % (name, line, shown, ": " + message if message else "")


def run_program(path, arguments=()):
    """Runs a program as `__main__`; the exit code is returned."""
    warnings.simplefilter("ignore")
    gc.set_threshold(200000, 20, 50)  # a long trace is many objects and no garbage
    folder = os.path.dirname(os.path.abspath(path))
    sys.meta_path.insert(0, Finder([folder]))
    sys.argv = [path, *arguments]
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    prepare(vars(module))
    try:
        with open(path, encoding="utf-8") as file:
            source = file.read()
    except OSError as error:
        print("%s: %s" % (path, error.strerror), file=sys.stderr)
        return 2
    try:
        exec(compile_program(source, path), vars(module))
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException as error:
        sys.stdout.flush()
        print(failure(error, path), file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        sys.stdout.flush()
    return 0
