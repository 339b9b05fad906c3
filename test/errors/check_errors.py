"""Checks that every error id has a program here and that mpyc says for it what the program's head expects.

    python test/errors/check_errors.py --mpyc build/release/bin/mpyc [filter]

An id without a program, another id, another text or another exit code fails.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import programs

TIME_LIMIT = 60


def marked(said):
    """The source text above the carets of the first message."""
    lines = said.splitlines()
    for first, source, carets in zip(lines, lines[1:], lines[2:]):
        if "error[" in first and carets.strip().startswith("^"):
            return source[len(carets) - len(carets.lstrip()):len(carets.rstrip())]
    return None


def check(mpyc, program):
    """A sentence about what is wrong with a program, or nothing."""
    if not program.expect or not program.id:
        return "its head expects no error[..]"
    if not program.path.name.startswith(program.id):
        return f"its name does not begin with {program.id}"
    with tempfile.TemporaryDirectory() as folder:
        words = shlex.split(program.command.format(file=program.path.name, folder=folder))
        if program.alone:
            mpyc = shutil.copy(mpyc, folder)
        try:
            done = subprocess.run([mpyc, *words], cwd=program.path.parent, capture_output=True, timeout=TIME_LIMIT,
                                  stdin=subprocess.DEVNULL, env=os.environ | program.environment)
        except subprocess.TimeoutExpired:
            return f"no answer within {TIME_LIMIT} s"
    said = done.stderr.decode("utf-8", errors="replace")
    if done.returncode != program.code:
        return f"exit code {done.returncode}, not {program.code}\n{said}"
    missing = [part for part in program.expect if part not in said]
    if missing:
        return f"not said: {missing[0]}\n{said}"
    if program.marks and marked(said) != program.marks:
        return f"marked: {marked(said)}, not {program.marks}\n{said}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    mpyc = str(options.mpyc.resolve())
    found = [program for program in programs.programs() if options.filter in program.path.name]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for program, wrong in zip(found, pool.map(lambda program: check(mpyc, program), found)):
            passed += not wrong
            failed += bool(wrong)
            if wrong:
                print(f"FAIL errors/{program.path.name}: {wrong.rstrip()}")
    if not options.filter:
        # Passes refuse some forms that the front end never makes; text tests show those.
        text = "".join(path.read_text() for path in (programs.ROOT / "test/adjoint").glob("*.mlir"))
        shown = {program.id for program in found} | set(re.findall(r"expected-error.*(E\d{4}): ", text))
        for code, name, _ in programs.errors():
            if code not in shown:
                failed += 1
                print(f"FAIL errors: {code} ({name}) has no program")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
