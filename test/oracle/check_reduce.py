"""Checks reduce.py with compilers that fail where a program has a certain construct.

    python test/oracle/check_reduce.py
"""

import argparse
import pathlib
import sys
import tempfile

import reduce

PROGRAM = """# exact
import numpy as np
class Box:
    def __init__(self, w):
        self.w = w
    def step(self, g):
        self.w += 0.1 * g
        return self
def f(x, n):
    s = 0.0
    for i in range(n):
        box = Box(x * 2.0)
        if s < 10.0:
            y = np.sin(x) + np.cumsum(box.step(x).w * s) - 1.0
            s = s + np.sum(y)
        else:
            s = s - 1.0
    return s
print('%.3f' % f(np.arange(3.0), 4))
print('end')
"""
# How a compiler fails, what it says or prints, and how that is called.
FAILURES = {
    "crash": ("""echo "mpyc: internal error in phase 'adjoint'" >&2; exit 70""",
              "mpyc ends with 70: internal error in phase 'adjoint'"),
    "refusal": ("""echo "$1:3:1: error[E0701]: 'cumsum' is not supported yet" >&2; exit 1""",
                "mpyc ends with 1: error[E0701]: '' is not supported yet"),
    "difference": (r"""printf '#!/bin/sh\necho other\n' >$3; chmod +x $3; exit 0""", "prints otherwise"),
}
MOST_LINES = 3


def check(folder, name):
    """A sentence about what is wrong with the reduction of one kind of failure, or nothing."""
    action, manner = FAILURES[name]
    mpyc = folder / "mpyc"
    mpyc.write_text(f"#!/bin/sh\nif grep -q cumsum $1; then {action}; fi\nexit 1\n")
    mpyc.chmod(0o755)
    program = folder / "program.mpy"
    program.write_text(PROGRAM)
    options = argparse.Namespace(mpyc=str(mpyc), optimize="", reduction_seconds=60)
    text, how = reduce.Reducer(program, options).reduce()
    if how != manner:
        return f"it fails as '{how}', not '{manner}'"
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    if "cumsum" not in text or len(lines) > MOST_LINES:
        return f"reduced to\n{text}"
    return None


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in FAILURES:
            if wrong := check(pathlib.Path(folder), name):
                failed += 1
                print(f"FAIL reduction of a {name}: {wrong}")
    print(f"{len(FAILURES) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
