"""Reduces a failing program to a small one that fails in the same manner.

    python reduce.py --mpyc build/release/bin/mpyc FILE.mpy [-o SMALL.mpy]

    for t in range(n):                      a = np.zeros(3)
        a[1:] += np.tanh(b) * s     ->      a[1:] += 1
        s = s + np.sum(a)                   print(a)
    print(a, '%.3f' % s)

Delta debugging over Python's AST: statements go, in halves, quarters and so on down to single ones;
compound statements become one of their bodies; expressions become constants or parts of
themselves. An edit stays if CPython still runs the program and `compare.check` still says what it
said of the whole one: another output, a crash of the compiler or of the program, the same refusal.
"""

import argparse
import ast
import copy
import os
import pathlib
import re
import sys
import tempfile
import time

import compare

TRY_LIMIT = 20
TOTAL_LIMIT = 600
# Deeper parts of an expression are reached through what lies between.
PARTS_TRIED = 6


def manner(outcome, text):
    """How a program fails, in words that stay the same while it shrinks, or nothing."""
    if outcome == "passed":
        return None
    text = re.sub(r"^O\d: ", "", text)
    first = text.splitlines()[0] if text else ""
    if first.startswith("mpyc ends"):
        reasons = re.findall(r"error\[E\d+\]: .*|internal error in phase '\S+'", text)
        # Names change while the program shrinks; what is said about them does not.
        return first + (": " + re.sub(r"'(?!\S+'$)[^']*'", "''", reasons[0]) if reasons else "")
    if first.startswith(("under CPython", "exit code")) or first.endswith("does not end"):
        return first
    if re.match(r"ends with .*, expected ", first):
        return "ends otherwise"
    return "prints otherwise"


def weight(tree):
    """Each accepted edit makes it less, so the reduction ends. A constant is less than a name."""
    total = 0
    for node in ast.walk(tree):
        if not isinstance(node, (ast.expr_context, ast.Pass)):
            total += 1 if isinstance(node, ast.Constant) else 2
    return total


def statement_lists(tree):
    """(node, field) of each block, the outermost first."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield node, field


def item_lists(tree):
    """(node, fields) of the lists that lose single items: fields of one length lose them together."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield node, ("keys", "values")
        elif isinstance(node, ast.Compare):
            yield node, ("ops", "comparators")
        else:
            for field in ("elts", "args", "keywords", "values", "targets", "names", "generators",
                          "ifs", "handlers", "cases", "defaults", "decorator_list", "bases"):
                if isinstance(getattr(node, field, None), list):
                    yield node, (field,)


def expressions(tree):
    """(node, field, position) of each expression that is read; no position where it is no list."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.JoinedStr, ast.pattern, ast.match_case)):
            continue
        for field, value in ast.iter_fields(node):
            for position, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(item, ast.expr) and isinstance(getattr(item, "ctx", None) or ast.Load(), ast.Load):
                    yield node, field, position


def get(node, field, position):
    value = getattr(node, field)
    return value if position is None else value[position]


def put(node, field, position, value):
    if position is None:
        setattr(node, field, value)
    else:
        getattr(node, field)[position] = value


def bodies(statement):
    """What a compound statement can become."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if block and isinstance(block, list):
            yield block
            if isinstance(statement, ast.For) and field == "body":
                # The first round alone.
                yield [ast.Assign([statement.target], ast.Constant(0), lineno=0), *block]
    for part in [*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())]:
        yield part.body


class Reducer:
    """Holds the smallest program found so far and tries smaller ones."""

    def __init__(self, program, options):
        sys.path.insert(0, str(compare.PACKAGE))
        import mpy.run  # noqa: F401  once, not in the process of each try

        self.program = program
        self.options = argparse.Namespace(**{**vars(options), "skip_unsupported": False})
        text = program.read_text(encoding="utf-8")
        self.marks = {k: v for k, v in compare.header(text).items() if k != "beyond"}
        if compare.working_folder(program, self.marks):
            self.marks["cwd"] = "root"
        self.head = "".join("# %s: %s\n" % mark if mark[1] else "# %s\n" % mark[0] for mark in self.marks.items()
                            if mark[0] in ("args", "exact", "float32", "fails", "cwd"))
        self.end = time.monotonic() + self.options.reduction_seconds
        self.tried = set()
        self.tree = ast.parse(text)
        self.manner = None

    def fails(self, text):
        """How the program of this text fails."""
        candidate = self.folder / self.program.name
        candidate.write_text(text, encoding="utf-8")
        expected = compare.run_expected((candidate, self.marks, None), TRY_LIMIT)
        if ("fails" in self.marks) != (expected["code"] != 0):
            return "under CPython: exit code %d" % expected["code"]
        return manner(*compare.check(candidate, expected, self.marks, self.options, TRY_LIMIT))

    def accept(self, tree):
        """Goes on from this tree if it is a smaller one that fails in the same manner."""
        if weight(tree) >= weight(self.tree) or time.monotonic() > self.end:
            return False
        try:
            text = ast.unparse(ast.fix_missing_locations(tree))
        except Exception:  # An edit can leave what has no text, such as a dict without its values.
            return False
        if text in self.tried:
            return False
        self.tried.add(text)
        if self.fails(self.head + text + "\n") != self.manner:
            return False
        # Constants that were folded into the text, such as signs, become nodes of their own.
        self.tree = ast.parse(text)
        return True

    def edited(self, sites, index, change):
        """A copy of the tree after `change` of the site at this index, or nothing."""
        tree = copy.deepcopy(self.tree)
        found = list(sites(tree))
        return tree if index < len(found) and change(*found[index]) is not False else None

    def attempt(self, sites, index, change):
        tree = self.edited(sites, index, change)
        return tree is not None and self.accept(tree)

    def remove_statements(self):
        index = 0
        while index < len(list(statement_lists(self.tree))):
            size = len(getattr(*list(statement_lists(self.tree))[index]))
            while size:
                start = len(getattr(*list(statement_lists(self.tree))[index])) - size
                # From the end: what comes later uses what comes before.
                while start > -size:
                    first = max(start, 0)

                    def cut(node, field):
                        block = getattr(node, field)
                        del block[first : start + size]
                        if not block and field == "body" and not isinstance(node, ast.Module):
                            block.append(ast.Pass())

                    self.attempt(statement_lists, index, cut)
                    if index >= len(list(statement_lists(self.tree))):
                        return
                    start -= size
                size //= 2
            index += 1

    def replace_compounds(self):
        index = 0
        while index < len(list(statement_lists(self.tree))):
            position = 0
            while index < len(blocks := list(statement_lists(self.tree))):
                block = getattr(*blocks[index])
                if position >= len(block):
                    break
                for choice in range(len(list(bodies(block[position])))):

                    def flatten(node, field):
                        here = getattr(node, field)
                        here[position : position + 1] = list(bodies(here[position]))[choice]

                    if self.attempt(statement_lists, index, flatten):
                        break
                else:
                    position += 1
            index += 1

    def remove_items(self):
        index = 0
        while index < len(sites := list(item_lists(self.tree))):
            node, fields = sites[index]
            for position in reversed(range(len(getattr(node, fields[0])))):

                def drop(node, fields):
                    if position >= len(getattr(node, fields[0])):
                        return False
                    for field in fields:
                        del getattr(node, field)[position]

                self.attempt(item_lists, index, drop)
                if index >= len(list(item_lists(self.tree))):
                    return
            index += 1

    def simplify_expressions(self):
        index = 0
        while index < len(sites := list(expressions(self.tree))):
            old = get(*sites[index])
            parts = [node for node in ast.walk(old) if isinstance(node, ast.expr) and node is not old]
            smaller = [ast.Constant(1.0), ast.Constant(0), ast.Constant(None)]
            smaller += [part for part in parts if isinstance(getattr(part, "ctx", None) or ast.Load(), ast.Load)][:PARTS_TRIED]
            for new in smaller:
                if self.attempt(expressions, index, lambda *site: put(*site, copy.deepcopy(new))):
                    break
            else:
                index += 1

    def reduce(self):
        """The text of the smallest program found, and how it fails; no text where it does not."""
        with tempfile.TemporaryDirectory() as folder:
            self.folder = pathlib.Path(folder)
            for beside in self.program.parent.iterdir():
                if beside != self.program:
                    (self.folder / beside.name).symlink_to(beside)
            text = self.head + ast.unparse(self.tree) + "\n"
            self.manner = self.fails(text)
            if self.manner is None or self.manner.startswith("under CPython"):
                return None, self.manner
            before = None
            while before != weight(self.tree) and time.monotonic() < self.end:
                before = weight(self.tree)
                self.remove_statements()
                self.replace_compounds()
                self.remove_items()
                self.simplify_expressions()
            return self.head + ast.unparse(self.tree) + "\n", self.manner


def reduced_path(program):
    """Where `compare.py --reduce` writes; folders of programs are read without these."""
    return program.with_name(program.stem + compare.REDUCED + ".mpy")


def main():
    parser = argparse.ArgumentParser(description="reduce a failing program")
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--optimize", default="", help="levels to compile at, as for compare.py")
    parser.add_argument("--reduction-seconds", type=float, default=TOTAL_LIMIT, help="time for all tries")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="where it is written, besides standard output")
    options = parser.parse_args()
    options.mpyc = os.path.abspath(options.mpyc)
    text, how = Reducer(options.program.resolve(), options).reduce()
    if text is None:
        print(how or "it does not fail", file=sys.stderr)
        return 1
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    print("# %s\n%s" % (how, text), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
