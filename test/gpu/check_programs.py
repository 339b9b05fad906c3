"""Compares programs on the device path with CPython: kernels run on the stand-in driver.

    python check_programs.py --mpyc build/release/bin/mpyc --library build/release/standin/libcuda.so.1 [FILTER]
    ... --all              every program of test/run, test/stress and samples, not a choice of them
    ... --folder FOLDER    the programs of a folder (random ones)

Each is compiled with `--device=cuda` for PTX alone and run with MPY_GPU_MIN=0, so that whatever has a kernel
runs as one. Output and exit code are compared as test/oracle/compare.py does; what the stand-in finds
(test/gpu/driver/README.md) fails. A program of the choice that works on arrays and launches no kernel fails too.
"""

import argparse
import json
import pathlib
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "test/oracle"))
import compare


def chosen():
    """The programs of a plain run: `programs.txt` names them, one a line, with what they are there for."""
    lines = (FOLDER / "programs.txt").read_text().splitlines()
    return [str(ROOT / line.split("#")[0].strip()) for line in lines if line.split("#")[0].strip()]


def with_findings(difference):
    """compare.py's judgement, which also fails what the stand-in finds."""

    def judge(expected, found, marks):
        text = difference(expected, found, marks)
        said = [line for line in found["stderr"].splitlines() if line.startswith("stand-in:")]
        return "\n".join(([text] if text else []) + said[:5]) or None

    return judge


def main():
    parser = argparse.ArgumentParser(description="compare programs on the device path with CPython")
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--library", required=True, help="the stand-in driver")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--folder")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    programs = [options.folder] if options.folder else [str(ROOT / f) for f in ("test/run", "test/stress", "samples")] if options.all else chosen()
    counts = tempfile.mkdtemp()
    compare.difference = with_findings(compare.difference)
    compare.FLAGS += ["--device=cuda", "--gpu-arch=ptx"]
    compare.ENVIRONMENT.update(
        LD_LIBRARY_PATH=str(pathlib.Path(options.library).resolve().parent), MPY_DEVICE="cuda", MPY_GPU_MIN="0",
        MPY_STANDIN="stats=%s/{name}" % counts)
    sys.argv = [sys.argv[0], "--mpyc", options.mpyc, "--filter", options.filter, *programs] + ["--verbose"] * options.verbose
    status = compare.main()
    found = {path.name: json.loads(path.read_text()) for path in pathlib.Path(counts).iterdir()}
    launches = sum(kernel["launches"] for one in found.values() for kernel in one["kernels"])
    quiet = sorted(name for name, one in found.items() if not one["kernels"])
    print("%d kernel launches; without any: %d of %d programs" % (launches, len(quiet), len(found)))
    if options.verbose:
        print("\n".join(quiet))
    return status


if __name__ == "__main__":
    sys.exit(main())
