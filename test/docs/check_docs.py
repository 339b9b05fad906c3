"""Runs the examples of README.md and docs/*.md, and checks that the table of library functions is up to date.

    python test/docs/check_docs.py --mpyc build/release/bin/mpyc [--write]

An example is a block of `python`, then a paragraph that begins with "It prints" or "It fails", then a block of what it
says. What it prints is compared with what CPython prints too. In docs/gradients a program is followed by what `mpyc grad`
writes for it. `--write` writes the table anew.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import library

ROOT = library.ROOT
sys.path.insert(0, str(ROOT / "test/oracle"))
from compare import same_text  # noqa: E402  (beside the oracle's other programs)

TIME_LIMIT = 60
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n(It prints|It fails)[^`]*?```\n(.*?)```", re.S)
GRADIENT = re.compile(r"```python\n(.*?)```.*?```python written\n(.*?)```", re.S)
TABLE = re.compile(r"(<!-- functions: .*? -->\n).*?(<!-- end -->)", re.S)
PAGE = ROOT / "docs/language.md"


def run(command, folder=None, environment=None):
    """What a command prints on both streams, and its exit code."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, stdin=subprocess.DEVNULL,
                          cwd=folder, env=os.environ | (environment or {}))
    return done.stdout, done.stderr, done.returncode


def check(mpyc, program, kind, expected):
    """A sentence about what is wrong with an example, or nothing."""
    output, errors, code = run([mpyc, "run", program])
    if kind == "It fails":
        missing = [line for line in expected.splitlines() if line.strip() not in errors]
        return f"not said: {missing[0]}\n{errors}" if missing or code != 1 else None
    if code or not same_text(expected, output, {}):
        return f"exit code {code}, prints\n{output}{errors}"
    output, errors, code = run([sys.executable, "-m", "mpy", program], environment={"PYTHONPATH": str(ROOT / "lang/python")})
    return f"CPython ends with {code} and prints\n{output}{errors}" if code or not same_text(expected, output, {}) else None


def check_table(write):
    """Whether the table in the page is what Library.def says."""
    text = PAGE.read_text()
    new = TABLE.sub(lambda match: match.group(1) + library.table() + "\n" + match.group(2), text)
    if write:
        PAGE.write_text(new)
        return True
    return new == text and TABLE.search(text) is not None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    mpyc = str(options.mpyc.resolve())
    fresh = check_table(options.write)
    passed, failed = int(fresh), int(not fresh)
    if failed:
        print("FAIL docs/language.md: its table of functions is stale: run test/docs/check_docs.py --write")
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "prog.mpy"
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
            text = page.read_text()
            for example in EXAMPLE.finditer(text):
                source, kind, expected = example.groups()
                program.write_text(source)
                wrong = check(mpyc, program, kind, expected)
                passed += not wrong
                failed += bool(wrong)
                if wrong:
                    line = text.count("\n", 0, example.start()) + 1
                    print(f"FAIL {page.relative_to(ROOT)}:{line}: {wrong.rstrip()}")
        for page in sorted((ROOT / "docs/gradients").glob("*.md")):
            for source, written in GRADIENT.findall(page.read_text()):
                program = pathlib.Path(folder) / (page.stem + ".mpy")
                program.write_text(source)
                output, errors, code = run([mpyc, "grad", program.name], folder)
                good = code == 0 and output == written
                passed, failed = passed + good, failed + (not good)
                if not good:
                    print(f"FAIL {page.relative_to(ROOT)}: mpyc grad writes\n{output}{errors}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
