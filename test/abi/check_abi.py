"""Compiles functions for other programs, and calls them from C, C++ and Python.

    python test/abi/check_abi.py --mpyc build/release/bin/mpyc [filter]
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = ROOT / "runtime/include"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
LIMIT = 100


def run(words, **more):
    """Runs a command; an error says what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=LIMIT, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Workshop:
    """A folder with the model compiled once, in every form."""

    def __init__(self, mpyc, folder):
        self.mpyc, self.folder = mpyc, folder
        self.runtime = mpyc.parent.parent / "lib/libmpyrt.a"
        self.build(HERE / "model.mpy")

    def build(self, program, *options):
        for suffix in ("o", "h"):
            run([self.mpyc, program, *options, "-o", self.folder / f"{program.stem}.{suffix}"])

    def compile(self, source, *objects, compiler="cc", standard="-std=c99", libraries=("-lmvec", "-lm", "-ldl")):
        """A C program with objects and the runtime; its path."""
        program = self.folder / source.stem
        run([compiler, standard, "-D_GNU_SOURCE", "-g", *WARNINGS, "-I", INCLUDE, "-I", self.folder, "-I", HERE, source, *objects,
             *libraries, "-pthread", "-o", program])
        return program

    def check(self, name):
        program = self.compile(HERE / f"{name}.c", self.folder / "model.o", self.runtime)
        run([program])


def calls(shop):
    shop.check("calls")


def bad_input(shop):
    shop.check("bad_input")


def threads(shop):
    shop.check("threads")


def random_calls(shop):
    shop.check("random_calls")


def header_in_cpp(shop):
    """The header is valid C++ too, and a C++ program links the static library alone."""
    library = shop.folder / "libmodel.a"
    run([shop.mpyc, HERE / "model.mpy", "-o", library])
    source = shop.folder / "user.cpp"
    source.write_text('#include "model.h"\nint main() {\n  mpy_ctx *ctx = mpy_ctx_new();\n  double y = 0;\n'
                      "  int status = model_cube(ctx, 2.0, &y);\n  mpy_ctx_free(ctx);\n  return status != MPY_OK || y != 8.0;\n}\n")
    run([shop.compile(source, library, compiler="c++", standard="-std=c++11")])


def shared_library(shop):
    """A shared library carries its runtime, and shows what the headers declare."""
    library = shop.folder / "libmodel.so"
    run([shop.mpyc, "-shared", HERE / "model.mpy", "-o", library])
    source = HERE / "calls.c"
    program = shop.compile(source, library, f"-Wl,-rpath,{shop.folder}")
    run([program])


def symbols(shop):
    """Objects and libraries define what the headers declare, and nothing else that others can see."""
    declared = set()
    for header in (INCLUDE / "mpy.h", shop.folder / "model.h"):
        flat = header.read_text().replace("\n", " ")
        declared |= {part.split("(")[0].split()[-1].lstrip("*") for part in flat.split("MPY_API ")[1:] if "(" in part}
    declared.discard("__attribute__")
    library = shop.folder / "libmodel.so"
    run([shop.mpyc, "-shared", HERE / "model.mpy", "-o", library])
    in_object = defined(shop.folder / "model.o")
    in_library = defined(library, "-D")
    assert in_object <= declared, f"more than is declared: {sorted(in_object - declared)}"
    assert in_library == declared, f"declared and defined differ: {sorted(in_library ^ declared)}"
    for place in (shop.folder / "model.o", shop.runtime):
        sections = run(["readelf", "-SW", place])
        assert ".init_array" not in sections and ".ctors" not in sections, f"{place} has constructors"


def defined(path, *options):
    listed = run(["nm", "--defined-only", "-g", *options, path])
    return {words[-1] for words in map(str.split, listed.splitlines()) if words}


def two_modules(shop):
    """Two objects in one program, with one context; modules without statements have no state."""
    (shop.folder / "first.mpy").write_text("from mpy import export\n@export\ndef f(x: float):\n    return x + 1.0\n")
    (shop.folder / "second.mpy").write_text("def f(x: float):\n    return x * 2.0\n")
    shop.build(shop.folder / "first.mpy")
    shop.build(shop.folder / "second.mpy", "--grad=f")
    source = shop.folder / "both.c"
    source.write_text('#include "first.h"\n#include "second.h"\nint main(void) {\n  mpy_ctx *ctx = mpy_ctx_new();\n'
                      "  double a = 0, b = 0, c = 0;\n  int status = first_f(ctx, 1.0, &a) + second_f(ctx, a, &b) +\n"
                      "               second_f_grad(ctx, a, &c);\n  mpy_ctx_free(ctx);\n"
                      "  return status || a != 2.0 || b != 4.0 || c != 2.0;\n}\n")
    run([shop.compile(source, shop.folder / "first.o", shop.folder / "second.o", shop.runtime)])


def page(shop):
    """The example of docs/abi.md, as it stands there."""
    text = (ROOT / "docs/abi.md").read_text()
    folder = shop.folder / "page"
    folder.mkdir()
    for name, language in (("model.mpy", "python"), ("fit.c", "c")):
        block = text.split(f"```{language}\n", 1)[1].split("```", 1)[0]
        (folder / name).write_text(block)
    for suffix in ("o", "h"):
        run([shop.mpyc, "model.mpy", "-o", f"model.{suffix}"], cwd=folder)
    program = folder / "fit"
    run(["cc", *WARNINGS, "-I", INCLUDE, folder / "fit.c", folder / "model.o", shop.runtime, "-lmvec", "-lm", "-ldl", "-o", program])
    printed = run([program])
    expected = text.split("```text\n", 1)[1].split("```", 1)[0]
    assert printed == expected, f"printed {printed!r}, the page says {expected!r}"


def sizes(shop):
    """A small function with its gradient is a small object, made quickly."""
    source = shop.folder / "small.mpy"
    source.write_text("import numpy as np\nfrom mpy import export, f64\n@export(grad=True)\n"
                      "def loss(w: f64['d'], x: f64['n d'], y: f64['n']):\n    return np.mean((np.dot(x, w) - y) ** 2)\n")
    made = shop.folder / "small.o"
    start = time.monotonic()
    run([shop.mpyc, "-c", source, "-o", made])
    print(f"small.o: {made.stat().st_size} bytes in {time.monotonic() - start:.2f} s")
    assert made.stat().st_size < 32 << 10


TESTS = [calls, bad_input, threads, header_in_cpp, shared_library, symbols, two_modules, page, sizes]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", type=pathlib.Path, default=ROOT / "build/release/bin/mpyc")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        shop = None
        for test in TESTS:
            if options.filter and options.filter not in f"abi-{test.__name__}":
                continue
            if not shutil.which("cc"):
                skipped += 1
                continue
            try:
                shop = shop or Workshop(options.mpyc.resolve(), pathlib.Path(folder))
                test(shop)
                passed += 1
            except Exception as error:
                failed += 1
                print(f"abi-{test.__name__}: {error if isinstance(error, AssertionError) else traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
