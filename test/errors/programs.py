"""The error programs of this folder, and the list of errors, as Python values.

A program's head says what mpyc must print and return:

    # expect: error[E0104]: string is never closed       text of the message; several lines are several parts of the output
    # code: 2                                            exit code, 1 if left out
    # command: --emit=nothing {file}                     arguments of mpyc, `check {file}` if left out
    # marks: 'abc                                        the source text above the carets
    # repair: close the string on its line               the cure, for docs/errors.md
    # environment: TMPDIR=/nowhere                       a variable that differs
    # compiler: alone                                    mpyc is copied to an empty folder first
"""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
LINE = re.compile(r'MPY_ERROR\((E\d{4}), (\w+), "((?:[^"\\]|\\.)*)"\)')
HEAD = re.compile(r"#\s*(expect|marks|code|command|repair|environment|compiler):\s?(.*)$")


@dataclasses.dataclass
class Program:
    path: pathlib.Path
    expect: list
    marks: str
    code: int
    command: str
    repair: str
    environment: dict
    alone: bool
    body: str

    @property
    def id(self):
        """The id of the first expected message."""
        found = re.search(r"error\[(E\d{4})\]", " ".join(self.expect))
        return found.group(1) if found else None


def errors():
    """(id, name, text) of each line of Errors.def."""
    text = (ROOT / "compiler/support/Errors.def").read_text()
    return [(code, name, message.replace('\\"', '"').replace("\\\\", "\\")) for code, name, message in LINE.findall(text)]


def read(path):
    """One program; the head ends at the first line that says none of these things."""
    text = path.read_bytes().decode("utf-8", errors="replace")
    marks = {name: [] for name in ("expect", "marks", "code", "command", "repair", "environment", "compiler")}
    lines = text.splitlines()
    while lines and (match := HEAD.match(lines[0])):
        marks[match.group(1)].append(match.group(2).rstrip())
        lines.pop(0)
    return Program(
        path,
        marks["expect"],
        " ".join(marks["marks"]),
        int(marks["code"][0]) if marks["code"] else 1,
        marks["command"][0] if marks["command"] else "check {file}",
        " ".join(marks["repair"]),
        dict(line.split("=", 1) for line in marks["environment"]),
        marks["compiler"] == ["alone"],
        "\n".join(lines).strip("\n"),
    )


def programs():
    """Every program of this folder, by name."""
    return [read(path) for path in sorted(FOLDER.glob("E*.mpy"))]
