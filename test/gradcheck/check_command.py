"""Checks `mpyc gradcheck`: what it says about the programs of `command/`, and how it ends.

    python test/gradcheck/check_command.py --mpyc build/release/bin/mpyc [filter]

Comments at the head of a program:

    # options: --of f           options of the command
    # code: 1                   its exit code, 0 if left out
    # says: w [0, 1] 2 2 ok     a line that it prints, spaces aside; `..` stands for any numbers
    # lines: 4                  how many rows its tables have
"""

import argparse
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent / "command"
HEAD = re.compile(r"# (options|code|says|lines): (.*)$")
NUMBER = r"[-+.\w]+"


def pattern(line):
    """A line as it is expected, as a regular expression."""
    words = [NUMBER if word == ".." else re.escape(word) for word in line.split()]
    return re.compile(r"\s*" + r"\s+".join(words) + r"\s*$")


def check(mpyc, program):
    """A sentence about what is wrong, or nothing."""
    wanted = {"options": [], "code": ["0"], "says": [], "lines": []}
    for line in program.read_text().splitlines():
        found = HEAD.match(line)
        if not found:
            break
        key, value = found.groups()
        wanted[key] = [value] if key in ("code", "lines") else [*wanted[key], value]
    if not wanted["says"]:
        return "its head says nothing"
    words = [word for options in wanted["options"] for word in options.split()]
    done = subprocess.run([mpyc, "gradcheck", *words, program], capture_output=True, text=True, timeout=60, cwd=FOLDER)
    said = done.stdout + done.stderr
    if done.returncode != int(wanted["code"][0]):
        return f"exit code {done.returncode}, not {wanted['code'][0]}\n{said}"
    lines = said.splitlines()
    for line in wanted["says"]:
        if not any(pattern(line).match(other) for other in lines):
            return f"not said: {line}\n{said}"
    rows = sum(line.startswith("  ") and not line.startswith("  argument ") for line in done.stdout.splitlines())
    if wanted["lines"] and rows != int(wanted["lines"][0]):
        return f"{rows} rows, not {wanted['lines'][0]}\n{said}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", type=pathlib.Path, required=True)
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    failed = 0
    programs = [path for path in sorted(FOLDER.glob("*.mpy")) if options.filter in path.name]
    for program in programs:
        if wrong := check(options.mpyc.resolve(), program):
            failed += 1
            print(f"FAILED: {program.name}: {wrong}")
    print(f"{len(programs) - failed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
