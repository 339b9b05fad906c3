"""Checks libmpyrt.a against CPython and NumPy: python3 check_runtime.py --library libmpyrt.a --cxx clang++-22"""
import argparse
import sys
import tempfile

import array_text
import file_checks
import number_checks
import process_checks
import random_checks
import runtime_library
import snapshot_checks
import text_checks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", required=True, help="libmpyrt.a")
    parser.add_argument("--cxx", default="clang++-22", help="the C++ compiler for the driver")
    parser.add_argument("--arrays", type=int, default=3000, help="random arrays to print")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random arrays")
    options = parser.parse_args()
    runtime = runtime_library.Runtime(options.library, options.cxx)
    live = runtime.lib.mpy_live_buffers()
    failures = array_text.check(runtime, options.arrays, options.seed)
    print(f"array text: {failures} differences")
    leaked = runtime.lib.mpy_live_buffers() - live
    if leaked:
        print(f"array text: {leaked} buffers leaked")
        failures += 1
    with tempfile.TemporaryDirectory() as folder:
        groups = {
            "text": lambda: text_checks.check(runtime, 1500),
            "random": lambda: random_checks.check(runtime, 20),
            "files": lambda: file_checks.check(runtime, folder),
            "numbers": lambda: number_checks.check(runtime, 200),
            "snapshots": lambda: snapshot_checks.check(runtime),
            "process": lambda: process_checks.check(options.library, options.cxx, folder),
        }
        for name, group in groups.items():
            result = group()
            print(f"{name}: {result.different} differences in {result.compared} comparisons")
            failures += result.different
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
