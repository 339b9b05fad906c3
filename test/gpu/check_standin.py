"""Checks the stand-in driver itself: each file of test/gpu/ptx says what it must compute or find.

    python check_standin.py --library build/release/standin/libcuda.so.1 [FILTER]
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
# What the stand-in ends a process with that it found something in.
FINDING = 97


def directives(text, word):
    return [line[3:].strip().partition(" ")[2] for line in text.splitlines() if line.startswith("//! " + word + " ")]


def check(path, library):
    """What is wrong with one file's run, or nothing."""
    text = path.read_text()
    with tempfile.TemporaryDirectory() as folder:
        stats = os.path.join(folder, "stats")
        options = directives(text, "options")
        environment = {**os.environ, "MPY_STANDIN": ",".join(["stats=" + stats] + options)}
        run = subprocess.run([sys.executable, str(FOLDER / "run_ptx.py"), library, str(path)], capture_output=True, text=True,
                             env=environment, timeout=60)
        found = directives(text, "finds")
        wrong = [line for line in found if line not in run.stderr]
        said = sum(line.startswith("stand-in:") for line in run.stderr.splitlines())
        if wrong:
            return "not found: %s\n%s" % (wrong, run.stderr[-2000:])
        if said != len(found):
            return "%d findings, expected %d\n%s" % (said, len(found), run.stderr[-2000:])
        if run.stdout:
            return run.stdout[-2000:]
        if run.returncode != (FINDING if found else 0):
            return "ends with %d\n%s" % (run.returncode, run.stderr[-2000:])
        counts = directives(text, "counts")
        if counts:
            kernels = {k["name"]: k for k in json.loads(pathlib.Path(stats).read_text())["kernels"]}
            for line in counts:
                kernel, name, value = line.split()
                if kernels[kernel][name] != int(value):
                    return "%s of %s is %d, expected %s" % (name, kernel, kernels[kernel][name], value)
    return None


def main():
    parser = argparse.ArgumentParser(description="check the stand-in for NVIDIA's driver")
    parser.add_argument("--library", required=True)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    library = os.path.abspath(options.library)
    paths = [path for path in sorted((FOLDER / "ptx").glob("*.ptx")) if options.filter in path.name]
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, wrong in zip(paths, pool.map(lambda path: check(path, library), paths)):
            passed += wrong is None
            if wrong is not None:
                print("FAILED: %s\n    %s" % (path.name, wrong.strip().replace("\n", "\n    ")))
    print("%d passed, %d failed, 0 skipped" % (passed, len(paths) - passed))
    return int(passed != len(paths))


if __name__ == "__main__":
    sys.exit(main())
