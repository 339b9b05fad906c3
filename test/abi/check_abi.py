"""Compiles functions for other programs, and calls them from C, C++ and Python.

    python test/abi/check_abi.py --mpyc build/release/bin/mpyc [filter]
"""

import argparse
import ctypes
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = ROOT / "runtime/include"
SAMPLES = ROOT / "samples/library"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
LIMIT = 300
LLVM = pathlib.Path("/usr/lib/llvm-22/bin")


def run(words, **more):
    """Runs a command; an error says what it printed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=LIMIT, **more)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Missing(Exception):
    """What a test needs is not installed."""


class Workshop:
    """A folder with the model compiled once, in every form."""

    def __init__(self, mpyc, runtime, folder, seconds):
        self.mpyc, self.runtime, self.folder, self.seconds = mpyc, runtime, folder, seconds
        # A runtime that is built with a sanitizer needs a program that is.
        listed = run(["nm", runtime], errors="replace")
        self.sanitizer = next((kind for kind in ("address", "thread") if f"__{kind[0]}san_init" in listed), None)
        self.build(HERE / "model.mpy")

    def build(self, program, *options):
        for suffix in ("ll" if self.sanitizer else "o", "h"):
            run([self.mpyc, program, *options, "-o", self.folder / f"{program.stem}.{suffix}"])
        if self.sanitizer:
            self.instrument(self.folder / f"{program.stem}.ll")

    def instrument(self, code):
        """Compiled code is watched too: every function asks for it, and clang makes the object."""
        text = re.sub(r"^(attributes #\d+ = \{)", rf"\1 sanitize_{self.sanitizer}", code.read_text(), flags=re.MULTILINE)
        code.write_text(text)
        run(["clang-22", f"-fsanitize={self.sanitizer}", "-O1", "-fPIC", "-Wno-override-module", "-c", code, "-o", code.with_suffix(".o")])

    def compile(self, source, *objects, compiler="cc", standard="-std=c99", libraries=("-lmvec", "-lm", "-ldl")):
        """A C program with objects and the runtime; its path."""
        program = self.folder / source.stem
        if self.sanitizer:
            compiler, libraries = compiler.replace("cc", "clang-22").replace("c++", "clang++-22"), (f"-fsanitize={self.sanitizer}", "-DSANITIZED", *libraries)
        run([compiler, standard, "-D_GNU_SOURCE", "-g", *WARNINGS, "-I", INCLUDE, "-I", self.folder, "-I", HERE, source, *objects,
             *libraries, "-pthread", "-o", program])
        return program

    def check(self, name, *words):
        program = self.compile(HERE / f"{name}.c", self.folder / "model.o", self.runtime)
        return run([program, *words])


def calls(shop):
    shop.check("calls")


def bad_input(shop):
    shop.check("bad_input")


def threads(shop):
    print(shop.check("threads", shop.seconds).strip())


def costs(shop):
    print(shop.check("costs").strip())


def random_calls(shop):
    shop.check("random_calls")


def sanitized(shop, kind):
    """The same folder with compiled code and a runtime that a sanitizer watches."""
    build, folder = shop.mpyc.parent.parent / f"sanitized-{kind}", shop.folder / kind
    folder.mkdir()
    flags = f"-fsanitize={kind} -fno-omit-frame-pointer"
    run(["cmake", "-G", "Ninja", "-S", ROOT / "runtime", "-B", build, "-DCMAKE_CXX_COMPILER=clang++-22", "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_FLAGS={flags}",
         *(["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else [])])
    run(["cmake", "--build", build])
    return Workshop(shop.mpyc, build / "lib/libmpyrt.a", folder, shop.seconds)


def address_sanitizer(shop):
    """100,000 calls with random layouts, sizes and wrong arguments, and threads; no access outside, and no leak."""
    watched = sanitized(shop, "address")
    assert watched.sanitizer == "address" and "__asan_report" in run(["nm", watched.folder / "model.o"]), "the code is not watched"
    watched.check("random_calls", "100000")
    watched.check("bad_input")
    watched.check("threads", shop.seconds)


def thread_sanitizer(shop):
    """Threads with contexts of their own share nothing that one of them writes."""
    watched = sanitized(shop, "thread")
    assert watched.sanitizer == "thread" and "__tsan_" in run(["nm", watched.folder / "model.o"]), "the code is not watched"
    print(watched.check("threads", shop.seconds).strip())


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
        declared |= {part.split("(")[0].split(";")[0].split()[-1].lstrip("*") for part in flat.split("MPY_API ")[1:]}
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


def python_module(shop):
    """The Python module beside its library, with NumPy."""
    run([shop.mpyc, HERE / "model.mpy", "-o", shop.folder / "model.py"])
    printed = run([sys.executable, HERE / "python_calls.py", shop.folder])
    print(*(line for line in printed.splitlines() if line != "the statements of the module run"), sep="\n")


def signatures(shop):
    """Numbers, arrays and containers of every kind in and out, derivatives included."""
    run([shop.mpyc, HERE / "signatures.mpy", "-o", shop.folder / "signatures.py"])
    print(run([sys.executable, HERE / "signature_calls.py", shop.folder]).strip())


def python_build(shop):
    """The package compiles what it is asked for, and what is imported, once."""
    folder = shop.folder / "compiled on import"
    folder.mkdir()
    run([sys.executable, HERE / "python_build.py", folder],
        env={**os.environ, "PYTHONPATH": str(ROOT / "lang/python"), "MPYC": str(shop.mpyc), "MPY_CACHE": str(shop.folder / "cache")})


def call_from(shop, framework, python, paths):
    """A compiled function under a framework: that of `./dev frameworks`, or one that is installed."""
    run([shop.mpyc, HERE / "frameworks.mpy", "-o", shop.folder / "frameworks.py"])
    environment = os.environ | {name: ":".join(map(str, folders)) for name, folders in paths.items()}
    for one in (python, sys.executable):
        if subprocess.run([one, "-c", f"import numpy, {framework}"], capture_output=True, env=environment).returncode == 0:
            run([one, HERE / "framework_calls.py", framework, shop.folder, ROOT / "docs/python.md"], env=environment)
            return
    raise Missing(f"{framework} (./dev frameworks)")


def torch(shop):
    root = ROOT / ".frameworks/torch"
    call_from(shop, "torch", "/usr/bin/python3", {
        "PYTHONPATH": [root / "usr/lib/python3/dist-packages"],
        "LD_LIBRARY_PATH": [root / "usr/lib", root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu"]})


def jax(shop):
    call_from(shop, "jax", sys.executable, {"PYTHONPATH": [ROOT / ".frameworks/jax"]})


def metadata(shop):
    """The description in JSON has every function that the header declares, with types, names of extents and what derivatives are by."""
    library = shop.folder / "libmodel.so"
    run([shop.mpyc, "-shared", HERE / "model.mpy", "-o", library])
    loaded = ctypes.CDLL(str(library))
    loaded.model_metadata.restype = ctypes.c_char_p
    described = json.loads(loaded.model_metadata())
    assert described["module"] == "model" and described["abi_version"] == loaded.mpy_abi_version()
    assert hasattr(loaded, f"model_header_is_not_of_this_object_{described['signature']}")
    functions = {one["name"]: one for one in described["functions"]}
    declared = {line.split("(")[0].split()[-1] for line in (shop.folder / "model.h").read_text().splitlines() if line.startswith("MPY_API int ")}
    assert set(functions) == {name for name in declared if not name.endswith(("_init", "_shapes"))}, set(functions) ^ declared
    loss = functions["model_loss_value_and_grad"]
    assert loss["of"] == "loss" and loss["kind"] == "value_and_grad" and loss["wrt"] == [0, 1] and loss["line"] == functions["model_loss"]["line"]
    assert loss["parameters"][2] == {"name": "x", "dtype": "float64", "shape": ["n", "d"]} and loss["parameters"][1] == {"name": "b", "dtype": "float64"}
    assert [one["name"] for one in loss["results"]] == ["result", "grad_w", "grad_b"]
    assert functions["model_positive"]["results"][0]["shape"] == [None] and functions["model_scaled"]["parameters"][0]["shape"] == [3]


def versions(shop):
    """An object of a future version is refused by the runtime, and a header of one by the compiler of C."""
    source = shop.folder / "future.c"
    source.write_text("""#include "mpyrt.h"
#include "checks.h"
static const mpy_module module = {MPY_ABI_VERSION + 1, "future.mpy", 0, NULL};
static const mpy_export function = {&module, "f", 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL};
int main(void) {
  mpy_ctx *ctx = mpy_ctx_new();
  int64_t none[1] = {0};
  char text[100];
  snprintf(text, sizeof text, "have ABI versions %d, %d and %d", MPY_ABI_VERSION, MPY_ABI_VERSION + 1, MPY_ABI_VERSION);
  CHECK_FAILS(ctx, mpy_enter(ctx, &function, none), MPY_ERROR_VERSION, text);
  CHECK_FAILS(ctx, mpy_enter_module(ctx, &module), MPY_ERROR_VERSION, text);
  mpy_ctx_free(ctx);
  return failures != 0;
}
""")
    run([shop.compile(source, shop.runtime, standard="-std=c11")])
    folder = shop.folder / "later header"
    folder.mkdir()
    text = (INCLUDE / "mpy.h").read_text()
    current = next(line for line in text.splitlines() if "define MPY_ABI_VERSION" in line)
    (folder / "mpy.h").write_text(text.replace(current, f"#define MPY_ABI_VERSION {int(current.split()[-1]) + 1}"))
    (folder / "user.c").write_text('#include "model.h"\n')
    refused = subprocess.run(["cc", "-c", folder / "user.c", "-I", folder, "-I", shop.folder, "-o", folder / "user.o"], capture_output=True, text=True)
    assert refused.returncode and "model.h was written for version" in refused.stderr, refused.stderr


def nested(shop):
    """Containers in containers go in and come out as they are, and so do their gradients; a command line asks for it all."""
    (shop.folder / "nested.mpy").write_text(
        "import numpy as np\nfrom mpy import f64\n"
        "def f(p: {'layers': [tuple[f64['n n'], f64['n']], tuple[f64['n n'], f64['n']]], 'scale': float}, x: f64['n'], flags: tuple[bool, int] = (True, 1)):\n"
        "    for w, b in p['layers']:\n        x = np.tanh(w @ x + b)\n    return p['scale'] * np.sum(x)\n"
        "def g(x: f64['n'], k: int):\n    return {'all': [(x, k), {'twice': 2 * x}], 'none': ()}\n")
    run([shop.mpyc, shop.folder / "nested.mpy", "--grad=f:wrt=0,1", "--export=g", "-o", shop.folder / "nested.py"])
    (shop.folder / "use_nested.py").write_text("""import numpy as np, nested
rng = np.random.RandomState(0)
p = {'layers': [(rng.randn(3, 3), rng.randn(3)), (rng.randn(3, 3), rng.randn(3))], 'scale': 0.5}
x = rng.randn(3)
def plain(p, x):
    for w, b in p['layers']:
        x = np.tanh(w @ x + b)
    return p['scale'] * x.sum()
value, (gp, gx) = nested.f_value_and_grad(p, x, (True, 1))
assert abs(value - plain(p, x)) < 1e-12 and abs(nested.f(p, x, (False, 3)) - value) < 1e-12
assert isinstance(gp['layers'], list) and isinstance(gp['layers'][1], tuple) and abs(gp['scale'] - value / 0.5) < 1e-12
for at in range(3):
    moved = {'layers': [p['layers'][0], (p['layers'][1][0], p['layers'][1][1] + 1e-6 * np.eye(3)[at])], 'scale': 0.5}
    assert abs((plain(moved, x) - value) / 1e-6 - gp['layers'][1][1][at]) < 1e-5
    assert abs((plain(p, x + 1e-6 * np.eye(3)[at]) - value) / 1e-6 - gx[at]) < 1e-5
g = nested.g(x, 7)
assert g['none'] == () and g['all'][0][1] == 7 and (g['all'][1]['twice'] == 2 * x).all() and isinstance(g['all'], list)
""")
    run([sys.executable, shop.folder / "use_nested.py"])


def older_header(shop):
    """What was compiled with a header of other signatures does not link; nor does a Python module find its library."""
    folder = shop.folder / "older"
    folder.mkdir()
    program, source = folder / "changing.mpy", folder / "caller.c"
    source.write_text('#include "changing.h"\nint main(void) { mpy_ctx *ctx = mpy_ctx_new(); double r; return changing_f(ctx, 1.0, 2.0, &r); }\n')
    head = "from mpy import export\n@export\n"
    program.write_text(head + "def f(x: float, y: float):\n    return x - y\n")
    for suffix in ("h", "o", "py"):
        run([shop.mpyc, program, "-o", folder / f"changing.{suffix}"])
    build = ["cc", "-fdata-sections", "-Wl,--gc-sections", *WARNINGS, "-I", INCLUDE, "-I", folder, source, folder / "changing.o", shop.runtime, "-lmvec", "-lm", "-ldl", "-o", folder / "caller"]
    run(build)
    run([sys.executable, "-c", "import changing"], cwd=folder)
    program.write_text(head + "def f(y: float, x: float):\n    return x - y\n")
    run([shop.mpyc, program, "-o", folder / "changing.o"])
    run([shop.mpyc, program, "-o", folder / "libchanging.so"])
    for linker in ("bfd", "lld"):
        refused = subprocess.run([*map(str, build), "-B/usr/lib/llvm-22/bin", f"-fuse-ld={linker}"], capture_output=True, text=True)
        assert refused.returncode and "changing_header_is_not_of_this_object_" in refused.stderr, (linker, refused)
    refused = subprocess.run([sys.executable, "-c", "import changing"], cwd=folder, capture_output=True, text=True)
    assert "ImportError: libchanging.so and" in refused.stderr and "compile again" in refused.stderr, refused.stderr


def imported(shop):
    """What an imported module exports, it exports where it is compiled itself."""
    (shop.folder / "part.mpy").write_text("from mpy import export\n@export(grad=True)\ndef square(x: float):\n    return x * x\n")
    for start, call in (("import part", "part.square"), ("from part import square", "square")):
        (shop.folder / "whole.mpy").write_text(f"{start}\nfrom mpy import export\n@export\ndef f(x: float):\n    return {call}(x) + 1.0\n")
        header = run([shop.mpyc, "--emit=header", shop.folder / "whole.mpy"])
        assert "int whole_f(" in header and "square" not in header, header
    run([shop.mpyc, "-c", shop.folder / "whole.mpy", "--grad=square", "-o", shop.folder / "whole.o"])
    assert "whole_square_grad" in defined(shop.folder / "whole.o")


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
    # Two modules of one name do not link.
    other = shop.folder / "other"
    other.mkdir()
    (other / "first.mpy").write_text("from mpy import export\n@export\ndef f(x: float):\n    return x + 2.0\n")
    run([shop.mpyc, other / "first.mpy", "-o", other / "first.o"])
    refused = subprocess.run(["cc", source, "-I", INCLUDE, "-I", shop.folder, shop.folder / "first.o", shop.folder / "second.o", other / "first.o", shop.runtime,
                              "-lmvec", "-lm", "-ldl", "-o", shop.folder / "both"], capture_output=True, text=True)
    assert refused.returncode and "multiple definition of `first_f'" in refused.stderr, refused.stderr
    # Shared libraries would: their headers do not go together.
    (other / "first.mpy").write_text("from mpy import export\n@export\ndef f(x: float, y: float):\n    return x + y\n")
    run([shop.mpyc, other / "first.mpy", "-o", other / "first.h"])
    source.write_text('#include "first.h"\n#include "first.h"\n#include "other/first.h"\n')
    refused = subprocess.run(["cc", "-fsyntax-only", source, "-I", INCLUDE, "-I", shop.folder], capture_output=True, text=True)
    assert refused.returncode and "two modules are named first" in refused.stderr and refused.stderr.count(" error: ") == 1, refused.stderr


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


def debug_lines(shop):
    """With -g, objects, libraries and executables have the lines of the program, and functions their names."""
    program, source = HERE / "debug_lines.mpy", shop.folder / "debug.c"
    for made in ("debug_lines.o", "debug_lines.so", "debug_lines"):
        run([shop.mpyc, "-g", program, "-o", shop.folder / made])
        listed = run([LLVM / "llvm-dwarfdump", "--debug-line", shop.folder / made])
        lines = {int(words[1]) for words in map(str.split, listed.splitlines()) if len(words) > 5 and words[0].startswith("0x")}
        assert {21, 23} <= lines and not lines & {2, 4, 16}, f"{made}: {sorted(lines)}"
        names = run([LLVM / "llvm-dwarfdump", "--debug-info", shop.folder / made])
        wanted = '"<module>"' if made == "debug_lines" else '"energy"'
        assert f"DW_AT_name\t({wanted})" in names, names
    run([LLVM / "llvm-dwarfdump", "--verify", shop.folder / "debug_lines"])
    run([shop.mpyc, program, "-o", shop.folder / "plain_lines.o"])
    assert " .debug_line " not in run(["readelf", "-SW", shop.folder / "plain_lines.o"])
    if not shutil.which("gdb"):
        return
    run([shop.mpyc, program, "-o", shop.folder / "debug_lines.h"])
    source.write_text('#include "debug_lines.h"\n#include <stdio.h>\nint main(void) {\n  double x[] = {0.1, 0.2, 0.3, 0.4}, r = 0;\n'
                      "  int64_t n[] = {4};\n  mpy_array X = mpy_f64(x, 1, n);\n  mpy_ctx *ctx = mpy_ctx_new();\n"
                      '  int status = debug_lines_energy(ctx, &X, 4, &r);\n  printf("%d %.3f\\n", status, r);\n  mpy_ctx_free(ctx);\n  return status;\n}\n')
    caller = shop.compile(source, shop.folder / "debug_lines.o", shop.runtime)
    for executable, outer in ((shop.folder / "debug_lines", "main"), (caller, "debug_lines_energy")):
        said = run(["gdb", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "break debug_lines.mpy:23", "-ex", "run", "-ex", "bt", executable])
        assert "debug_lines.mpy:23" in said and "23\t        total = total + y[i] * scale[i % 3]" in said, said
        assert f" {outer} (" in said or f" {outer}.body (" in said, said
    if shutil.which("valgrind"):
        check_valgrind(shop, program)


def check_valgrind(shop, program):
    """Valgrind names the line that reads behind an array. It knows no AVX-512."""
    source = shop.folder / "behind.c"
    source.write_text('#include "debug_lines.h"\n#include <stdlib.h>\nint main(void) {\n  double *x = calloc(3, 8), r = 0;\n  int64_t n[] = {8};\n'
                      "  mpy_array X = mpy_f64(x, 1, n);\n  mpy_ctx *ctx = mpy_ctx_new();\n  int status = debug_lines_energy(ctx, &X, 2, &r);\n"
                      "  mpy_ctx_free(ctx);\n  free(x);\n  return status;\n}\n")
    run([shop.mpyc, "-g", "-march=x86-64-v3", program, "-o", shop.folder / "debug_lines.o"])
    said = subprocess.run(["valgrind", "-q", shop.compile(source, shop.folder / "debug_lines.o", shop.runtime)], capture_output=True, text=True, timeout=LIMIT).stderr
    assert "Invalid read" in said and "energy (debug_lines.mpy:18)" in said, said


CMAKE = """cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES C)
find_package(mpy REQUIRED)
mpy_add_library(curve ${SAMPLES}/curve.mpy JVP loss:wrt=0)
mpy_add_library(curve_shared ${SAMPLES}/curve.mpy SHARED)
add_executable(fit ${SAMPLES}/fit.c)
target_link_libraries(fit PRIVATE curve)
add_executable(newton ${SAMPLES}/newton.c)
target_link_libraries(newton PRIVATE curve_shared)
"""


def installed(shop):
    """An installed tree, moved, serves CMake and pkg-config in an empty folder; the samples run there."""
    prefix, folder = shop.folder / "prefix", shop.folder / "elsewhere"
    run(["cmake", "--install", shop.mpyc.parent.parent, "--prefix", shop.folder / "first"])
    (shop.folder / "first").rename(prefix)
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(CMAKE)
    run(["cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build", f"-Dmpy_DIR={prefix}/lib/cmake/mpy", f"-DSAMPLES={SAMPLES}"])
    run(["cmake", "--build", folder / "build"])
    assert "loss_jvp" in (folder / "build/curve.mpy/curve.h").read_text()
    for program in ("fit", "newton"):
        check_fit(run([folder / "build" / program]))
    if not shutil.which("pkg-config"):
        return
    for suffix in ("o", "h"):
        run([prefix / "bin/mpyc", SAMPLES / "curve.mpy", "-o", folder / f"curve.{suffix}"])
    flags = run(["pkg-config", "--cflags", "--libs", "mpy"], env={**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}).split()
    run(["cc", SAMPLES / "fit.c", folder / "curve.o", "-I", folder, *flags, "-o", folder / "fit"])
    check_fit(run([folder / "fit"]))


def check_fit(printed):
    """Each sample finds the curve that the points are on."""
    found = [float(word) for word in printed.rsplit("p = ", 1)[1].split()[:4]]
    assert all(abs(a - b) < 1e-3 for a, b in zip(found, (2.0, 0.3, 1.7, 0.5))), printed


def python_sample(shop):
    run([shop.mpyc, SAMPLES / "curve.mpy", "-o", shop.folder / "curve.py"])
    printed = run([sys.executable, SAMPLES / "fit.py"], env={**os.environ, "PYTHONPATH": str(shop.folder)})
    check_fit(printed)
    assert "ValueError: loss(): extent n of y is 59, but 60 in t" in printed, printed


def cpp_sample(shop):
    """C++ with the optimiser of NLopt."""
    if not pathlib.Path("/usr/include/nlopt.hpp").exists():
        raise Missing("libnlopt-cxx-dev")
    shop.build(SAMPLES / "curve.mpy")
    program = shop.compile(SAMPLES / "fit.cpp", shop.folder / "curve.o", shop.runtime, compiler="c++", standard="-std=c++17", libraries=("-lnlopt_cxx", "-lmvec", "-lm", "-ldl"))
    check_sample(run([program]))


def fortran_sample(shop):
    """Fortran, through iso_c_binding."""
    if not shutil.which("gfortran"):
        raise Missing("gfortran")
    shop.build(SAMPLES / "curve.mpy")
    program = shop.folder / "fit_fortran"
    run(["gfortran", "-Wall", "-Wextra", "-Werror", SAMPLES / "fit.f90", shop.folder / "curve.o", shop.runtime, "-lmvec", "-lm", "-ldl", "-o", program], cwd=shop.folder)
    check_sample(run([program]))
    version = next(line for line in (INCLUDE / "mpy.h").read_text().splitlines() if "define MPY_ABI_VERSION" in line).split()[-1]
    assert f"abi_version = {version}\n" in (SAMPLES / "fit.f90").read_text(), "the version of the interface in fit.f90"


def check_sample(printed):
    """It finds the curve, and says what is wrong with a call."""
    check_fit(printed.rsplit("\n", 2)[0])
    assert "extent n of y is 59, but 60 in t" in printed, printed


def sizes(shop):
    """A small function with its gradient is a small object, made quickly."""
    source = shop.folder / "small.mpy"
    source.write_text("import numpy as np\nfrom mpy import export, f64\n@export(grad=True)\n"
                      "def loss(w: f64['d'], x: f64['n d'], y: f64['n']):\n    return np.mean((np.dot(x, w) - y) ** 2)\n")
    made = shop.folder / "small.o"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run([shop.mpyc, "-c", source, "-o", made])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"small.o: {made.stat().st_size} bytes in {seconds:.2f} s")
    # Twice what it may take on a quiet machine.
    assert seconds < 0.5
    assert made.stat().st_size < 20_000
    library = shop.folder / "libnetwork.so"
    run([shop.mpyc, HERE / "network.mpy", "-o", library])
    print(f"libnetwork.so: {library.stat().st_size} bytes")
    assert library.stat().st_size < 100_000


def quoted_annotations(shop):
    """Annotations in quotes, and those that nobody evaluates, are the same types."""
    plain, quoted = shop.folder / "spoken.mpy", shop.folder / "quoted.mpy"
    body = "    return np.sum(x) * np.sum(p[0] @ y) + q['b']\n"
    head = "import numpy as np\nfrom mpy import Array, Float64, export, f64\n@export(grad=True)\n"
    plain.write_text(head + "def f(x: f64['n'], y: Float64[Array, 'm'], p: tuple[f64['n m'], int], q: {'w': f64['m'], 'b': float}) -> float:\n" + body)
    quoted.write_text("from __future__ import annotations\n" + head + "def f(x: \"f64['n']\", y: 'Float64[Array, \"m\"]', p: 'tuple[f64[\"n m\"], int]',"
                      " q: {'w': \"f64['m']\", 'b': 'float'}) -> r\"float\":\n" + body)
    headers = [run([shop.mpyc, "--emit=header", program]).replace("quoted", "spoken").replace("QUOTED", "SPOKEN") for program in (plain, quoted)]
    assert headers[0].replace("mpy:4", "mpy:5") == headers[1], headers[1]
    # In pieces, with escapes, on two lines.
    quoted.write_text("\n" + head + "def f(x: \"f64[\" '\\'n\\']', y: 'Float64[Array, \\'\\x6d\\']', p: \"\"\"tuple[\n f64['n m'],\n int]\"\"\","
                      " q: \"{'w': f64['m'], '\\u0062': float}\") -> 'fl' 'oat':\n" + body)
    said = run([shop.mpyc, "--emit=header", quoted]).replace("quoted", "spoken").replace("QUOTED", "SPOKEN")
    assert headers[1] == said, said


def names(shop):
    """Functions and parameters may have names that the headers and the Python module have for something else."""
    (shop.folder / "named.mpy").write_text(
        "from mpy import export\n" + "".join(f"@export(grad=True)\ndef {name}(linux: float, mpy_array: float, int64_t: float):\n    return linux * mpy_array + int64_t * {k}\n"
                                            for k, name in enumerate(("c", "map", "_np", "tuple", "torch_function", "call_c", "größe"))))
    for suffix in ("h", "o", "py"):
        run([shop.mpyc, shop.folder / "named.mpy", "-o", shop.folder / f"named.{suffix}"])
    source = shop.folder / "use_named.c"
    source.write_text('#include "named.h"\nint main(void) { mpy_ctx *ctx = mpy_ctx_new(); double r = 0, g = 0; int status = named_map(ctx, 2.0, 3.0, 4.0, &r) + '
                      "named_größe_grad(ctx, 2.0, 3.0, 4.0, &g); mpy_ctx_free(ctx); return status || r != 10.0 || g != 3.0; }\n")
    run([shop.compile(source, shop.folder / "named.o", shop.runtime, standard="-std=gnu11")])
    run([sys.executable, "-c", "import named\nfrom named import *\nfor k, one in enumerate((c, map, named.tuple, named.torch_function, call_c, größe)):\n"
         "    assert one(2.0, 3.0, 4.0) == 6 + 4 * (k + (k > 1)), one\nassert named.map.__name__ == 'map' and named.map_grad(2.0, 3.0, 4.0) == 3.0"], cwd=shop.folder)
    # The prefix of mpy.h.
    (shop.folder / "mpy_own.mpy").write_text("from mpy import export\n@export\ndef f(x: float):\n    return x\n")
    refused = subprocess.run([str(shop.mpyc), "-c", shop.folder / "mpy_own.mpy", "-o", shop.folder / "own.o"], capture_output=True, text=True)
    assert refused.returncode == 1 and "error[E0604]: 'f' cannot be exported: names that begin with 'mpy_' are those of mpy.h" in refused.stderr, refused.stderr


TESTS = [calls, bad_input, random_calls, threads, header_in_cpp, shared_library, symbols, python_module, signatures, python_build, torch, jax, metadata, versions, nested, older_header, imported, two_modules, python_sample, cpp_sample, fortran_sample, installed, page, sizes, quoted_annotations, names, debug_lines, address_sanitizer, thread_sanitizer, costs]
# With a sanitizer: what links the runtime itself.
SANITIZED = [calls, bad_input, random_calls, threads, two_modules]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", type=pathlib.Path, default=ROOT / "build/release/bin/mpyc")
    parser.add_argument("--runtime", type=pathlib.Path, help="another build of libmpyrt.a")
    parser.add_argument("--seconds", type=int, default=2, help="how long threads call functions at the same time")
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
                if not shop:
                    mpyc = options.mpyc.resolve()
                    runtime = options.runtime or mpyc.parent.parent / "lib/libmpyrt.a"
                    shop = Workshop(mpyc, runtime.resolve(), pathlib.Path(folder), options.seconds)
                if shop.sanitizer and test not in SANITIZED:
                    skipped += 1
                    continue
                test(shop)
                passed += 1
            except Missing as error:
                skipped += 1
                print(f"abi-{test.__name__}: {error} is not installed")
            except Exception as error:
                failed += 1
                print(f"abi-{test.__name__}: {error if isinstance(error, AssertionError) else traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
