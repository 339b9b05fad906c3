"""Whole programs at n and at 2n steps: nothing is left at the end, and what a loop holds does not grow.

    python test/memory/check_memory.py --mpyc build/release/bin/mpyc

Comments at the head of a program:

    # steps: 100         n, its argument
    # constant: yes      the most memory in use is the same for n and 2n steps
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "oracle"))
from compare import MEMORY_REPORT, header  # noqa: E402

# Pages of the system that the runtime's own count does not see: what malloc and the C library keep.
RESIDENT_GROWTH = 1 << 20


def run(binary, steps, folder):
    """Bytes that the program's buffers took at most, and bytes that the process took; nothing may be left."""
    process = subprocess.Popen([binary, str(steps)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, "MPY_MEMORY_REPORT": "1"})
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    report = MEMORY_REPORT.search(errors)
    if process.returncode or not report:
        raise RuntimeError(f"{steps} steps end with {process.returncode}\n{errors}")
    _, _, peak, live = map(int, report.groups())
    if live:
        raise RuntimeError(f"{live} buffers are left after {steps} steps")
    return peak, usage.ru_maxrss * 1024


def check(mpyc, program, folder):
    marks = header(program.read_text())
    steps = int(marks["steps"])
    binary = pathlib.Path(folder) / program.stem
    subprocess.run([mpyc, program, "-o", binary], check=True, capture_output=True, text=True)
    (peak, resident), (peak_of_twice, resident_of_twice) = (run(binary, count, folder) for count in (steps, 2 * steps))
    if "constant" not in marks:
        return
    if peak != peak_of_twice:
        raise RuntimeError(f"{peak_of_twice} bytes at {2 * steps} steps, {peak} at {steps}")
    if resident_of_twice > resident + RESIDENT_GROWTH:
        raise RuntimeError(f"the process takes {resident_of_twice} bytes at {2 * steps} steps, {resident} at {steps}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    mpyc = options.mpyc.resolve()
    programs = [p for p in sorted(FOLDER.glob("*.mpy")) if options.filter in p.name]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for program in programs:
            try:
                check(mpyc, program, folder)
            except subprocess.CalledProcessError as error:
                failed += 1
                print(f"FAIL {program.name}: does not compile\n{error.stderr}")
            except RuntimeError as error:
                failed += 1
                print(f"FAIL {program.name}: {error}")
    print(f"{len(programs) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
