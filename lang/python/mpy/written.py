"""Functions of `lang/library` as compositions: for traced values where autograd has no derivative of NumPy's function."""

import ast
import builtins
import importlib
import pathlib
import types

from autograd.core import primitive_vjps

# Beside the package in the sources, in it where it is installed.
LIBRARY = next(path for path in (pathlib.Path(__file__).resolve().parent / "library", pathlib.Path(__file__).resolve().parents[2] / "library") if path.is_dir())
_files = {}
# Modules of mpy and MinPy that have all their names from files of the library.
MODULES = ("mpy.optim", "mpy.nn", "minpy.nn", "minpy.nn.layers", "minpy.nn.model", "minpy.nn.solver", "minpy.nn.io", "minpy.nn.optim", "minpy.nn.init")
# autograd leaves out what is 0 in the first order, the vectors that complete a basis, or what is no symmetric matrix.
_OURS = {"linalg.eigh", "linalg.cholesky", "linalg.svd"}


def load(module):
    """The names of a file of the library, over this package's arrays."""
    if module not in _files:
        path = LIBRARY / (module.replace(".", "/") + ".mpy")
        tree = ast.parse(path.read_text(), str(path))
        names = _files[module] = {"__name__": module}
        for node in tree.body:
            if isinstance(node, ast.Import):
                names.update((alias.asname or alias.name, _module(alias.name)) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                names.update((alias.asname or alias.name, _imported(node.module, alias.name)) for alias in node.names)
        tree.body = [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
        run = importlib.import_module("mpy.run")
        names[run._CALL] = run._converting
        names["__builtins__"] = dict(vars(builtins), __import__=_import_in_function)
        exec(compile(ast.fix_missing_locations(run._RouteCalls().visit(tree)), str(path), "exec"), names)
    return _files[module]


def _import_in_function(name, globals=None, locals=None, fromlist=(), level=0):
    """An import inside of a function of the library."""
    if fromlist and name.partition(".")[0] == "matplotlib":
        return types.SimpleNamespace(**{one: load(name)[one] for one in fromlist})
    return builtins.__import__(name, globals, locals, fromlist, level)


def _module(name):
    from . import library, mathematics

    known = {"numpy": library.library, "math": mathematics.library}.get(name)
    if known is None and name.partition(".")[0] == "minpy":
        known = importlib.import_module("mpy.run").layer[name]
    return known or (Module(name) if is_written(name) else importlib.import_module(name))


def is_written(name):
    """Whether a module of mpy or MinPy has all its names from files of the library."""
    return name in MODULES


def _imported(module, name):
    if module == "mpy" and name == "_primitives":
        return importlib.import_module("mpy._primitives")
    if module == "mpy._rules":
        return getattr(importlib.import_module(module), name)
    if is_written(module + "." + name):
        return Module(module + "." + name)
    # Python's own modules are there; what NumPy, SciPy and autograd have is ours where it is written.
    if module.partition(".")[0] not in ("numpy", "scipy", "autograd", "mpy", "minpy", "matplotlib"):
        return getattr(_module(module), name)
    if (LIBRARY / (module.replace(".", "/") + ".mpy")).exists():
        return load(module)[name]
    if (LIBRARY / module.replace(".", "/") / (name + ".mpy")).exists():
        return types.SimpleNamespace(**load(module + "." + name))
    return getattr(_module(module), name)


class Module(types.ModuleType):
    """A module whose names are those of the library's files, over this package's arrays."""

    def __init__(self, name):
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name):
        for file in files(self.__name__):
            if not name.startswith("_") and name in load(file):
                return load(file)[name]
        raise AttributeError("module '%s' has no attribute '%s'" % (self.__name__, name))


def files(module):
    """The files whose names are those of a module."""
    folder = LIBRARY / module.replace(".", "/")
    found = [module] if folder.with_suffix(".mpy").exists() else []
    return found + [module + "." + path.stem for path in sorted(folder.glob("_*.mpy"))]


def find(name, rule):
    """The library's function of a name of NumPy, or None if autograd differentiates `rule` itself."""
    if (rule in primitive_vjps or not hasattr(rule, "fun")) and name not in _OURS:
        return None
    folder, _, last = name.rpartition(".")
    for path in sorted((LIBRARY / "numpy").glob("_*.mpy")) if not folder else [LIBRARY / "numpy" / (folder + ".mpy")]:
        if path.exists() and "\ndef %s(" % last in path.read_text():
            return load("numpy." + path.stem)[last]
    return None
