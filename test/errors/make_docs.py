"""Writes docs/errors.md from Errors.def and the programs of this folder; `--check` only says whether it is up to date.

    python test/errors/make_docs.py [--check]
"""

import re
import sys

import programs

PAGE = programs.ROOT / "docs/errors.md"
OPENING = """# Errors

Every error of `mpyc` with a program that has it. `mpyc --explain E0104` prints one entry.
This page is written by `test/errors/make_docs.py`.
"""
RANGES = {
    "E01": "Characters, tokens, syntax",
    "E02": "Joins, loops, branches, mutation",
    "E03": "Names, attributes, calls",
    "E04": "Shapes, dtypes, indices, library",
    "E05": "Differentiation",
    "E06": "Imports, files, modules",
    "E07": "Constructs outside the language",
    "E08": "Command line and output files",
    "E09": "Limits of size and depth",
}


def readable(text):
    """Bytes that a page cannot show, as their numbers; long lines and long programs cut."""
    lines = [re.sub(r"[\x00-\x08\x0b-\x1f\ufffd]", "\N{REPLACEMENT CHARACTER}", line) for line in text.splitlines()]
    lines = [line if len(line) <= 100 else line[:97] + "..." for line in lines]
    return "\n".join(lines if len(lines) <= 20 else lines[:17] + ["..."])


def entry(code, text, found):
    """The section of one error."""
    parts = [f"## {code}: {re.sub('{[0-9]}', '..', text)}", ""]
    for program in found[:1]:
        if program.body:
            parts += ["```python", readable(program.body), "```", ""]
        if program.command != "check {file}":
            parts += [f"    mpyc {program.command.format(file='prog.mpy', folder='folder')}", ""]
        parts += ["```", *program.expect, "```", ""]
        if program.repair:
            parts += [f"Repair: {program.repair}", ""]
    return "\n".join(parts)


def page():
    """The whole text."""
    found = {}
    for program in programs.programs():
        found.setdefault(program.id, []).append(program)
    parts, group = [OPENING], None
    for code, _, text in sorted(programs.errors()):
        if code[:3] != group:
            group = code[:3]
            parts.append(f"# {RANGES[group]}\n")
        parts.append(entry(code, text, found.get(code, [])))
    return "\n".join(parts).rstrip() + "\n"


def main():
    text = page()
    stale = not PAGE.exists() or PAGE.read_text() != text
    if "--check" in sys.argv[1:]:
        if stale:
            print("FAIL docs/errors.md is stale: run test/errors/make_docs.py")
        print(f"{int(not stale)} passed, {int(stale)} failed, 0 skipped")
        return int(stale)
    if stale:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
