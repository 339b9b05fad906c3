"""The names of Python and NumPy in compiler/frontend/library/PythonNames.def.

    python python_names.py --write    writes the file anew from this Python and its NumPy
    python python_names.py --check    says which names of these are missing there

Messages ask these lists: what is a name of Python is not "undefined" but not supported.
"""

import builtins
import importlib
import pathlib
import sys
import textwrap

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "compiler" / "frontend" / "library" / "PythonNames.def"
MODULES = ["math", "numpy", "numpy.linalg", "numpy.random", "scipy.integrate", "scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats", "sys", "time"]
TYPES = {kind.__name__: kind for kind in (bool, dict, float, int, list, range, set, slice, str, tuple)}
TYPES |= {"numpy.ndarray": np.ndarray, "numpy.float64": np.float64, "RandomState": np.random.RandomState}
HEAD = """// Names of Python {}.{} and its NumPy, written by test/frontend/python_names.py: what a program may
// mean although this compiler does not know it.
"""


def public(names):
    return sorted(name for name in names if not name.startswith("_"))


def tables():
    yield "builtins", public(name for name in dir(builtins) if name not in ("copyright", "credits", "license"))
    yield "modules", public(sys.stdlib_module_names)
    for module in MODULES:
        yield module, public(dir(importlib.import_module(module)))
    for name, kind in TYPES.items():
        yield name + ".", public(dir(kind))


def written():
    parts = [HEAD.format(*sys.version_info[:2])]
    for table, names in tables():
        lines = textwrap.wrap(" ".join(names), 110)
        text = "\n".join(f'          "{line}{" " if line is not lines[-1] else ""}"' for line in lines)
        parts.append(f'MPY_NAMES("{table}",\n{text})\n')
    return "".join(parts) + "\n#undef MPY_NAMES\n"


def missing():
    text = FILE.read_text()
    for table, names in tables():
        start = text.find(f'MPY_NAMES("{table}",')
        part = text[start : text.find('")', start)] if start >= 0 else ""
        known = set(part.replace('"', " ").split())
        yield from (f"{table}: {name}" for name in names if name not in known)


def main():
    if "--write" in sys.argv:
        FILE.write_text(written())
        return 0
    absent = list(missing())
    print(*absent, sep="\n")
    print(f"{int(not absent)} passed, {int(bool(absent))} failed, 0 skipped")
    return int(bool(absent))


if __name__ == "__main__":
    sys.exit(main())
