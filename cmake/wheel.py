"""Makes a wheel of an installed tree: the Python package, and compiler, runtime, header and CMake files beside it.

    python3 cmake/wheel.py build/release build/wheel

The compiler in it is mpyc-static, with LLVM and MLIR inside: pip cannot ask Debian for their libraries, which have 260 MB
where what mpyc uses of them has 60, a third of that when packed. It needs glibc 2.36, as the tag says, and for executables
and shared libraries a compiler of C that links.
"""

import base64
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

NAME = "mpy_compiler"
TAG = "py3-none-manylinux_2_36_x86_64"
PACKAGES = pathlib.Path("lib/python3/dist-packages")
METADATA = """Metadata-Version: 2.1
Name: mpy-compiler
Version: {version}
Summary: Compiles NumPy programs and their gradients ahead of time
Requires-Python: >=3.11
Requires-Dist: numpy>=1.24
Provides-Extra: run
Requires-Dist: numpy==2.4.*; extra == "run"
Requires-Dist: autograd==1.9.*; extra == "run"
Requires-Dist: scipy==1.17.*; extra == "run"
Description-Content-Type: text/markdown

`mpyc` compiles `.mpy` programs, plain Python 3 with NumPy arrays and gradients, to executables and libraries;
`mpy.build` compiles them from Python and on import. The extra `run` is what `python -m mpy` needs, which runs programs
under CPython.
"""


def place(path):
    """Where a file of the tree goes in the wheel; `data` is installed into the prefix of the environment."""
    if path.is_relative_to(PACKAGES):
        return path.relative_to(PACKAGES).as_posix()
    if path.parts[0] == "bin":
        return f"{NAME}-{{version}}.data/scripts/{path.name}"
    return f"{NAME}-{{version}}.data/data/{path.as_posix()}"


def main(build, folder):
    version = re.search(r"CMAKE_PROJECT_VERSION:STATIC=(.*)", (build / "CMakeCache.txt").read_text()).group(1)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{NAME}-{version}-{TAG}.whl"
    record = []
    with tempfile.TemporaryDirectory() as prefix, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as wheel:
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        prefix = pathlib.Path(prefix)
        shutil.copy(build / "bin/mpyc-static", prefix / "bin/mpyc")

        def add(name, data, mode=0o644):
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.external_attr, info.compress_type = (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(info, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}")

        for path in sorted(path for path in prefix.rglob("*") if path.is_file()):
            relative = path.relative_to(prefix)
            add(place(relative).format(version=version), path.read_bytes(), 0o755 if relative.parts[0] == "bin" else 0o644)
        info = f"{NAME}-{version}.dist-info"
        add(f"{info}/METADATA", METADATA.format(version=version).encode())
        add(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: mpy\nRoot-Is-Purelib: false\nTag: {TAG}\n".encode())
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
