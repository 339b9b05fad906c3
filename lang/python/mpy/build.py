"""Compiles `.mpy` files from Python: on the command line, by a call, or when they are imported.

    python -m mpy.build model.mpy --grad=loss      prints the path of the Python module
    model = mpy.build.load("model.mpy")            the module itself
    mpy.build.install(); import model              model.mpy beside the importing program, or on sys.path

What is compiled lies in a cache (MPY_CACHE, else ~/.cache/mpy) under a name made from all that decides
it: the text of the program and of the modules that it imports, the options, the compiler, the
processor. So nothing is compiled twice, and nothing old is used. MPYC names another compiler.
"""

import ast
import functools
import hashlib
import importlib.abc
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class CompileError(ImportError):
    """What the compiler says of a program; `message` is all of it."""

    def __init__(self, message, path):
        super().__init__(message, name=pathlib.Path(path).stem, path=str(path))
        self.message = message


def compiler():
    """The mpyc that is used: of MPYC, beside this Python, or on the search path."""
    beside = pathlib.Path(sys.prefix, "bin", "mpyc")
    found = os.environ.get("MPYC") or (str(beside) if beside.exists() else shutil.which("mpyc"))
    if not found:
        raise FileNotFoundError("mpyc is neither in %s nor on the search path; MPYC may name it" % beside.parent)
    return found


def cache_folder():
    chosen = os.environ.get("MPY_CACHE")
    if chosen:
        return pathlib.Path(chosen)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "mpy"


@functools.cache
def _machine():
    """What `-march=native` depends on."""
    try:
        with open("/proc/cpuinfo") as file:
            return next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return ""


def _imported(path, seen):
    """The .mpy files that a file consists of: itself, and those that it imports."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""] + ["%s.%s" % (node.module, alias.name) for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".") if name else []
            for count in range(1, len(parts) + 1):
                place = path.parent.joinpath(*parts[:count])
                _imported(place.with_suffix(".mpy"), seen)
                _imported(place / "__init__.mpy", seen)


def _key(path, options, mpyc):
    stat = os.stat(shutil.which(mpyc) or mpyc)
    digest = hashlib.sha256(repr((options, os.path.realpath(mpyc), stat.st_size, stat.st_mtime_ns, _machine())).encode())
    files = set()
    _imported(path, files)
    for file in sorted(files):
        text = file.read_bytes()
        digest.update(b"%s %d\n" % (str(file).encode(), len(text)) + text)
    return digest.hexdigest()[:24]


def build(path, *options):
    """The path of the Python module of a program; it is compiled if it has not been. Options are mpyc's."""
    path, mpyc = pathlib.Path(path).resolve(), compiler()
    if not path.is_file():
        raise FileNotFoundError("there is no program %s" % path)
    name = "".join(c if c.isalnum() else "_" for c in path.stem)
    folder = cache_folder() / ("%s-%s" % (name, _key(path, options, mpyc)))
    module = folder / (name + ".py")
    if module.is_file():
        return module
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        made = pathlib.Path(made) / "module"
        made.mkdir()
        done = subprocess.run([mpyc, *options, "--emit=python", str(path), "-o", str(made / module.name)],
                              capture_output=True, text=True)
        if done.returncode:
            raise CompileError(done.stderr.rstrip() or "mpyc ended with code %d" % done.returncode, path)
        try:
            made.rename(folder)
        except OSError:
            if not module.is_file():  # somebody else was first, or nothing can be written here
                raise
    return module


def load(path, *options, name=None):
    """The Python module of a program."""
    module = build(path, *options)
    spec = importlib.util.spec_from_file_location(name or module.stem, module)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `.mpy` files where Python finds modules, after Python's own."""

    def find_spec(self, name, path=None, target=None):
        last = name.rpartition(".")[2]
        for folder in sys.path if path is None else path:
            program = pathlib.Path(folder or ".", last + ".mpy")
            if program.is_file():
                return importlib.util.spec_from_file_location(name, build(program))
        return None


def install():
    """From here on, `import model` compiles a model.mpy that Python's search path has."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def main(words):
    programs = [word for word in words if word.endswith(".mpy") and not word.startswith("-")]
    if len(programs) != 1:
        print("usage: python -m mpy.build [options of mpyc] PROGRAM.mpy", file=sys.stderr)
        return 2
    try:
        print(build(programs[0], *(word for word in words if word != programs[0])))
    except CompileError as error:
        print(error.message, file=sys.stderr)
        return 1
    except OSError as error:
        print("mpy.build: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
