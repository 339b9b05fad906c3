"""Every name, keyword and construct that the language promises is used by a program that is compiled and compared.

    python test/coverage/check_coverage.py

`surface.txt` lists them. Programs are those of test/run, test/stress and samples, and the rows of test/library. What is
not there yet is `name=E0701` in the list, and a program of test/errors must give that error with the name in it.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def programs():
    """The trees of all programs, rows of the library among them."""
    for folder in ("test/run", "test/stress", "samples"):
        for path in sorted((ROOT / folder).rglob("*.mpy")):
            yield ast.parse(path.read_text())
    for path in sorted((ROOT / "test/library").glob("*.rows")):
        for line in path.read_text().splitlines():
            text, _, refused = line.partition("# refused: ")
            if text.strip() and not line.startswith("#") and not refused:
                text = text.partition("# only compiled: ")[0].strip()
                yield ast.parse(text.replace("\\n", "\n") if text.startswith(("@", "class ")) else text)


class Uses(ast.NodeVisitor):
    """What programs use."""

    def __init__(self):
        self.names, self.constructs, self.keywords = set(), set(), set()

    def visit(self, node):
        self.constructs.add(type(node).__name__)
        if isinstance(node, ast.Name):
            self.names.add(node.id)
        elif isinstance(node, ast.Attribute):
            self.names.add(node.attr)
        elif isinstance(node, ast.FunctionDef):
            self.names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            self.names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            self.keywords |= {f"{function}({keyword.arg})" for keyword in node.keywords}
        self.generic_visit(node)


def promised():
    """Kind and word, with the error of what is not there yet."""
    for line in (ROOT / "test/coverage/surface.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            kind, _, words = line.partition(": ")
            for word in words.split():
                name, _, error = word.partition("=")
                yield kind, name, error


def gives_error(name, error):
    """Whether a program of test/errors gives the error for the name."""
    return any(re.search(rf"\b{re.escape(name)}\b", path.read_text()) for path in (ROOT / "test/errors").glob(error + "*.mpy"))


def main():
    uses = Uses()
    for tree in programs():
        uses.visit(tree)
    passed = failed = 0
    for kind, name, error in promised():
        known = uses.constructs if kind == "constructs" else uses.keywords if kind == "keywords" else uses.names
        if error and name in known:
            print(f"{kind}: '{name}' is there: take away '={error}'")
        elif error and not gives_error(name, error):
            print(f"{kind}: no program of test/errors gives {error} for '{name}'")
        elif not error and name not in known:
            print(f"{kind}: no compiled program uses '{name}'")
        else:
            passed += 1
            continue
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
