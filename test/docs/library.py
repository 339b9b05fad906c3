"""The functions of compiler/frontend/library/Library.def, as the table of docs/language.md."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
GROUPS = [
    ("numpy.random.", "`numpy.random`, `RandomState`"),
    ("numpy.linalg.", "`numpy.linalg`"),
    ("numpy.", "`numpy`"),
    ("ndarray.", "methods of arrays"),
    ("math.", "`math`"),
    ("time.", "`time`"),
    ("sys.", "`sys`"),
]
ROW = re.compile(r'^MPY_(?:FUNCTION|UNARY|COMPOSED|BINARY|COMPARISON)\("([\w.]+)"', re.M)
SERIES = {"RANDOM": "numpy.random.", "MATH": "math."}


def functions():
    """Qualified names, in the order of the file."""
    text = (ROOT / "compiler/frontend/library/Library.def").read_text()
    found = [(match.start(), match.group(1)) for match in ROW.finditer(text)]
    for series, prefix in SERIES.items():
        found += [(match.start(), prefix + match.group(1)) for match in re.finditer(rf'^MPY_{series}\("(\w+)"', text, re.M)]
    return [name for _, name in sorted(found)]


def table():
    """One row for each module, its functions by name."""
    rows = ["| where | functions |", "| --- | --- |"]
    # What only library files can reach is no name of the language.
    rest = [name for name in functions() if "__" not in name and not name.startswith("primitives.")]
    for prefix, title in GROUPS:
        names = sorted({name.removeprefix(prefix) for name in rest if name.startswith(prefix)}, key=str.lower)
        rest = [name for name in rest if not name.startswith(prefix)]
        rows.append(f"| {title} | {', '.join(names)} |")
    if rest:
        raise ValueError(f"functions of no group: {rest}")
    return "\n".join(rows)
