"""Makes the packages, installs each where nothing else of this project is, and compiles there.

    python test/package/check_package.py --build build/release [filter]
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT = 300
# Nothing of the checkout, nor of an environment around it.
CLEAN = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")} | {"PATH": "/usr/bin:/bin"}

PROGRAM = """import numpy as np
from mpy import grad
print(grad(lambda x: np.sum(np.sin(x)))(np.zeros(3)))
"""
MODEL = """from mpy import export, f64
@export(grad=True)
def loss(x: f64['n']):
    return (x * x).sum()
"""

CALLER = """#include "model.h"
int main(void) {
  mpy_ctx *ctx = mpy_ctx_new();
  double x[] = {1, 2}, r = 0;
  int64_t n[] = {2};
  mpy_array X = mpy_f64(x, 1, n);
  int status = model_loss(ctx, &X, &r);
  mpy_ctx_free(ctx);
  return status || r != 5.0;
}
"""


def run(words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=LIMIT, **({"env": CLEAN} | more))
    assert done.returncode == 0, f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def compiles(mpyc, folder):
    """A program runs, and a shared library is made, with what is installed."""
    folder.mkdir()
    (folder / "prog.mpy").write_text(PROGRAM)
    (folder / "model.mpy").write_text(MODEL)
    assert run([mpyc, "run", folder / "prog.mpy"]).strip() == "[1. 1. 1.]"
    run([mpyc, "-shared", folder / "model.mpy", "-o", folder / "libmodel.so"])


def deb(build, folder):
    """The package of Debian: what it needs, what it holds, and the compiler from the unpacked tree."""
    run(["cpack", "--config", build / "CPackConfig.cmake", "-B", folder / "made"], env=os.environ)
    package = next((folder / "made").glob("*.deb"))
    needs = run(["dpkg-deb", "-f", package, "Depends"])
    assert all(name in needs for name in ("libc6", "libllvm22", "libmlir-22", "libantlr4-runtime4.9", "gcc | clang")), needs
    tree = folder / "tree"
    run(["dpkg-deb", "-x", package, tree])
    for name in ("bin/mpyc", "lib/mpy/libmpyrt.a", "lib/mpy/libmpyplots.a", "include/mpy.h", "lib/cmake/mpy/mpyConfig.cmake", "lib/pkgconfig/mpy.pc", "share/man/man1/mpyc.1",
                 "share/bash-completion/completions/mpyc", "lib/python3/dist-packages/mpy/build.py", "lib/python3/dist-packages/mpy/library/itertools.mpy", "lib/python3/dist-packages/mpy/drawing/drawing.mpy"):
        assert (tree / "usr" / name).is_file(), name
    compiles(tree / "usr/bin/mpyc", folder / "work")
    (folder / "caller.c").write_text(CALLER)
    for suffix in ("o", "h"):
        run([tree / "usr/bin/mpyc", folder / "work/model.mpy", "-o", folder / f"model.{suffix}"])
    run(["cc", folder / "caller.c", folder / "model.o", "-I", folder, "-I", tree / "usr/include", "-L", tree / "usr/lib/mpy", "-lmpyrt", "-lmvec", "-lm", "-ldl",
         "-o", folder / "caller"])
    run([folder / "caller"])
    print(f"{package.name}: {package.stat().st_size / 1e6:.1f} MB")
    bare(package, folder)


def bare(package, folder):
    """Debian 12 with this package, what apt installs for it, and nothing else: not even a shell."""
    if not all(map(shutil.which, ("apt-get", "unshare"))) or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        print(f"{package.name}: not tried without all else, which needs apt and namespaces")
        return
    root, nothing = folder / "root", folder / "no packages"
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("tmp", "dev", "work"):
        (root / name).mkdir()
    nothing.touch()
    planned = run(["apt-get", "install", "-s", "-qq", "-o", f"Dir::State::status={nothing}", "--no-install-recommends", package])
    names = [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]
    assert {"mpyc", "gcc", "libllvm22", "libmlir-22"} <= set(names), names
    names.remove("mpyc")
    here = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"]).splitlines()
    here = [name for name in names if f"{name} installed" in here]
    # From this machine, where it has them.
    files = {path for path in run(["dpkg-query", "-L", *here]).splitlines() if path.startswith("/") and (os.path.islink(path) or not os.path.isdir(path))}
    listed = folder / "files"
    listed.write_text("\n".join(path[1:] for path in sorted(files) if os.path.lexists(path)))
    run(["tar", "-C", "/", "-cf", folder / "files.tar", "--no-recursion", "-T", listed])
    run(["tar", "-C", root, "-xf", folder / "files.tar", "--keep-directory-symlink"])
    if more := sorted(set(names) - set(here)):
        run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *more], cwd=root / "tmp")
    for one in (*(root / "tmp").glob("*.deb"), package):
        run(["dpkg-deb", "-x", one, root])
    (root / "work/prog.mpy").write_text(PROGRAM)
    (root / "work/model.mpy").write_text(MODEL)
    (root / "work/caller.c").write_text(CALLER)

    def inside(*words):
        return run(["unshare", "-rm", "sh", "-c", 'mount --rbind /dev "$0/dev" && exec /usr/sbin/chroot "$0" "$@"', root, *words])

    assert inside("/usr/bin/mpyc", "run", "/work/prog.mpy").strip() == "[1. 1. 1.]"
    inside("/usr/bin/mpyc", "/work/prog.mpy", "-o", "/work/prog")
    assert inside("/work/prog").strip() == "[1. 1. 1.]"
    for made in ("model.o", "model.h", "libmodel.so", "libmodel.a", "model.py"):
        inside("/usr/bin/mpyc", "/work/model.mpy", "-o", f"/work/{made}")
    inside("/usr/bin/gcc", "/work/caller.c", "/work/model.o", "-I/work", "-L/usr/lib/mpy", "-lmpyrt", "-lmvec", "-lm", "-ldl", "-o", "/work/caller")
    inside("/work/caller")
    print(f"{package.name}: compiles and links with itself and {len(names)} packages that apt installs for it alone")


def wheel(build, folder):
    """The wheel in an empty environment: the package, the compiler without shared LLVM, and both together."""
    run(["cmake", "--build", build, "--target", "mpyc-static"], env=os.environ)
    print(run([sys.executable, ROOT / "cmake/wheel.py", build, folder], env=os.environ).strip())
    venv = folder / "venv"
    run([sys.executable, "-m", "venv", venv])
    python = venv / "bin/python"
    run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", next(folder.glob("*.whl"))])
    assert run([python, "-c", "import mpy, mpy.build; print(mpy.f64['n'], mpy.build.compiler())"]).split() == ["f64['n']", str(venv / "bin/mpyc")]
    linked = run(["ldd", venv / "bin/mpyc"])
    assert "LLVM" not in linked and "MLIR" not in linked and "not found" not in linked, linked
    compiles(venv / "bin/mpyc", folder / "work")
    numpy = subprocess.run([sys.executable, "-c", "import numpy, pathlib; print(pathlib.Path(numpy.__file__).parents[1])"], capture_output=True, text=True).stdout.strip()
    if numpy:
        code = "import mpy.build, numpy; print(mpy.build.load('model.mpy').loss_grad(numpy.ones(2)))"
        said = run([python, "-c", code], cwd=folder / "work", env=CLEAN | {"PYTHONPATH": numpy, "MPY_CACHE": str(folder / "cache")})
        assert said.strip() == "[2. 2.]", said
        assert run([python, "-m", "mpy", folder / "work/prog.mpy"], env=CLEAN | {"PYTHONPATH": numpy}).strip() == "[1. 1. 1.]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    passed = failed = skipped = 0
    for test, needed in ((deb, ("cpack", "dpkg-deb", "cc")), (wheel, ("cmake", "cc"))):
        if options.filter not in f"package-{test.__name__}":
            continue
        if not all(map(shutil.which, needed)):
            skipped += 1
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(options.build.resolve(), pathlib.Path(folder))
                passed += 1
            except Exception as error:
                failed += 1
                print(f"package-{test.__name__}: {error if isinstance(error, AssertionError) else traceback.format_exc()}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
