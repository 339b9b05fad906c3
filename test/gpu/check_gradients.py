"""True derivatives of every elementwise function on the device, to order 3: kernels run on the stand-in driver.

    python check_gradients.py --mpyc build/release/bin/mpyc --library build/release/standin/libcuda.so.1 [FILTER]

The programs are those of test/gradcheck/points that work on arrays (test/gradcheck/special_points.py writes them, and fails
where a differentiable function of the library has no row). Here their points are hidden from the compiler, which would compute the
derivatives of numbers that it knows by itself, and what differs is counted in whole arrays: loops over elements, and a few truth
values that decide what comes next, are the host's.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

POINTS = pathlib.Path(__file__).resolve().parents[1] / "gradcheck/points"
COMPARE, CHECK = "def compare(mode, order, found, points, wanted):\n", "def check(f, points, first, second, third):\n"
COMPARED = COMPARE + """    w = np.array(wanted)
    same = (found == w) | (w != w) | (np.abs(found - w) <= 1e-9 * np.abs(w) + 1e-12)
    if np.sum(np.where(same, 0.0, 1.0)) > 0:
        raise AssertionError('%s, order %d at %s: %s, not %s' % (mode, order, points, found, w))
"""
HIDDEN = "import sys\nhidden = float(len(sys.argv) - 1)\n" + CHECK + "    points = points + hidden\n"


def on_device(text):
    """The program with its points hidden and arrays compared as wholes."""
    before, compare, rest = text.partition(COMPARE)
    _, check, rest = rest.partition(CHECK)
    if not compare or not check:
        raise RuntimeError("the programs of %s have other functions now" % POINTS)
    return before + COMPARED + HIDDEN + rest


def check(program, options, folder):
    """What is wrong, or nothing; and how many kernels were launched."""
    text = program.read_text()
    checks = text.count("\ncheck(")
    hidden, binary, stats = (os.path.join(folder, program.stem + suffix) for suffix in (".mpy", "", ".json"))
    pathlib.Path(hidden).write_text(on_device(text))
    subprocess.run([options.mpyc, "-O0", "--device=cuda", "--gpu-arch=ptx", hidden, "-o", binary], check=True)
    environment = {**os.environ, "MPY_DEVICE": "cuda", "MPY_GPU_MIN": "0", "MPY_STANDIN": "stats=" + stats,
                   "LD_LIBRARY_PATH": str(pathlib.Path(options.library).resolve().parent)}
    run = subprocess.run([binary], capture_output=True, text=True, env=environment, timeout=120)
    launches = sum(kernel["launches"] for kernel in json.loads(pathlib.Path(stats).read_text())["kernels"])
    if run.returncode or run.stdout != "checked\n" * checks or run.stderr:
        return "exit code %d, prints %r, says %r" % (run.returncode, run.stdout, run.stderr[-2000:]), launches
    # Modes that come to the same formula are one kernel, and a derivative may be a constant.
    if launches < 2 * checks:
        return "%d launches for %d functions" % (launches, checks), launches
    return None, launches


def main():
    parser = argparse.ArgumentParser(description="check derivatives on the device at special points")
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--library", required=True, help="the stand-in driver")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    passed = failed = launched = 0
    with tempfile.TemporaryDirectory() as folder:
        for program in sorted(POINTS.glob("arrays-*.mpy")):
            if options.filter not in program.name:
                continue
            wrong, launches = check(program, options, folder)
            launched += launches
            passed += not wrong
            failed += bool(wrong)
            if wrong:
                print("FAILED: %s: %s" % (program.name, wrong))
    print("%d kernel launches" % launched)
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
