"""Modules that Python compiles by itself: the argument is a folder; MPYC and MPY_CACHE are set."""

import os
import pathlib
import subprocess
import sys

import numpy as np

import mpy.build

folder = pathlib.Path(sys.argv[1])
cache = pathlib.Path(os.environ["MPY_CACHE"])


def write(name, text):
    (folder / name).write_text("from mpy import export, f64\n" + text)


def made():
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


write("scaled.mpy", "from factors import factor\n@export(grad=True)\ndef f(x: f64['n']):\n    return (factor * x).sum()\n")
(folder / "factors.mpy").write_text("factor = 2.0\n")
first = mpy.build.load(folder / "scaled.mpy")
assert first.f(np.ones(3)) == 6.0 and first.f_grad(np.ones(3)).tolist() == [2.0] * 3
assert len(made()) == 1

# Nothing is compiled twice: without a compiler that works, what is there is used.
assert mpy.build.build(folder / "scaled.mpy") == mpy.build.build(str(folder / "scaled.mpy")) and len(made()) == 1
real = os.environ["MPYC"]

# Options, the program and what it imports decide.
assert mpy.build.load(folder / "scaled.mpy", "--hvp=f").f_hvp(np.ones(3), np.ones(3)).tolist() == [0.0] * 3
assert len(made()) == 2
(folder / "factors.mpy").write_text("factor = 3.0\n")
assert mpy.build.load(folder / "scaled.mpy").f(np.ones(3)) == 9.0
assert len(made()) == 3
(folder / "factors.mpy").write_text("factor = 2.0\n")
assert mpy.build.load(folder / "scaled.mpy").f(np.ones(3)) == 6.0
assert len(made()) == 3

# On import; Python's own modules come first.
mpy.build.install()
mpy.build.install()
sys.path.insert(0, str(folder))
import scaled  # noqa: E402

assert scaled.f(np.arange(3.0)) == 6.0 and scaled.__file__.endswith("scaled.py")
write("json.mpy", "@export\ndef f(x: float):\n    return x\n")
import json  # noqa: E402

assert not json.__file__.endswith(".mpy")

# What the compiler says is what Python raises; half a module is never there.
write("wrong.mpy", "@export\ndef f(x):\n    return x\n")
for attempt in (lambda: mpy.build.load(folder / "wrong.mpy"), lambda: __import__("wrong")):
    try:
        attempt()
    except mpy.build.CompileError as error:
        assert "wrong.mpy:3:7: error[E0605]" in str(error), error
    else:
        raise AssertionError("a wrong program was compiled")
assert len(made()) == 3
try:
    mpy.build.load(folder / "nothing.mpy")
except FileNotFoundError as error:
    assert "nothing.mpy" in str(error)

# The command.
said = subprocess.run([sys.executable, "-m", "mpy.build", "--hvp=f", folder / "scaled.mpy"], capture_output=True, text=True)
assert said.returncode == 0 and pathlib.Path(said.stdout.strip()).is_file(), said
said = subprocess.run([sys.executable, "-m", "mpy.build", folder / "wrong.mpy"], capture_output=True, text=True)
assert said.returncode == 1 and "error[E0605]" in said.stderr, said
said = subprocess.run([sys.executable, "-m", "mpy.build"], capture_output=True, text=True)
assert said.returncode == 2 and "usage" in said.stderr, said
