"""`python -m mpy prog.mpy [args]`."""

import sys

from .run import run_program

if len(sys.argv) < 2:
    print("usage: python -m mpy prog.mpy [args]", file=sys.stderr)
    sys.exit(2)
sys.exit(run_program(sys.argv[1], sys.argv[2:]))
