#!/usr/bin/env python3
"""Compares mpyc's parser with CPython's: both accept or both refuse, and the trees are the same.

usage: check_parser.py MPYC [--stdlib N] [PATH ...]

Without paths: all .mpy files of the repository, then N files (150) of the running Python's library.
CPython accepts a file if `compile` does, so scoping errors count as errors.
"""
import ast
import pathlib
import re
import subprocess
import sys
import sysconfig
import warnings

warnings.simplefilter("ignore")
SPAN = re.compile(r" @\d+:\d+-\d+:\d+$")
# What mpyc refuses by an id of its own although Python accepts it: \N escapes, letters that Python
# replaces, and depth.
REFUSED_BY_DESIGN = re.compile(r"error\[(E0115|E0134|E0901)\]")


def quote(data):
    return "'" + "".join(
        chr(b) if 32 <= b < 127 and b not in (39, 92) else "\\x%02x" % b for b in data) + "'"


def constant(value):
    if value is None or value is True or value is False:
        return str(value)
    if value is ...:
        return "..."
    if isinstance(value, int):
        return str(value) if value.bit_length() < 64 else "big:%x" % value
    if isinstance(value, float):
        return "float:%.17g" % value
    if isinstance(value, complex):
        return "complex:%.17g" % value.imag
    if isinstance(value, bytes):
        return "b" + quote(value)
    return quote(value.encode("utf-8", "surrogatepass"))


def dump(node, label, depth, out):
    """Python's tree in the form of `mpyc --emit=ast`, without spans and scopes."""
    kind = type(node).__name__
    inner = []
    flags = ""
    rename = {"AsyncFor": "For", "AsyncWith": "With", "TryStar": "Try"}
    if kind in rename:
        flags = " star=1" if kind == "TryStar" else " async=1"
        kind = rename[kind]
    line = "  " * depth + (label + ": " if label else "") + kind

    def child(name, value, extra=0):
        if value is not None:
            dump(value, name, depth + 1 + extra, inner)

    def arguments(args):
        def one(name, arg, default):
            if arg is None:
                return
            inner.append("  " * (depth + 1) + f"{name}: arg arg={arg.arg}")
            child("annotation", arg.annotation, 1)
            child("default", default)
        positional = args.posonlyargs + args.args
        missing = [None] * (len(positional) - len(args.defaults))
        for i, (arg, default) in enumerate(zip(positional, missing + args.defaults)):
            one("posonlyargs" if i < len(args.posonlyargs) else "args", arg, default)
        one("vararg", args.vararg, None)
        for arg, default in zip(args.kwonlyargs, args.kw_defaults):
            one("kwonlyargs", arg, default)
        one("kwarg", args.kwarg, None)

    if isinstance(node, ast.Constant):
        line += " value=" + constant(node.value)
    elif isinstance(node, ast.MatchSingleton):
        line += " value=" + str(node.value)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            child("key", key)
            child("value", value)
    else:
        for name, value in ast.iter_fields(node):
            if name in ("kind", "type_comment", "type_ignores", "is_async") or value is None:
                if name == "is_async" and value:
                    line += " async=1"
                continue
            if name == "conversion":
                line += f" conversion={chr(value)}" if value != -1 else ""
            elif isinstance(value, ast.arguments):
                arguments(value)
            elif isinstance(value, (ast.operator, ast.unaryop, ast.boolop, ast.expr_context)):
                line += f" {name}={type(value).__name__}"
            elif isinstance(value, ast.AST):
                child(name, value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.cmpop):
                        line += f" {name}={type(item).__name__}"
                    elif isinstance(item, (ast.withitem, ast.match_case)):
                        for field, part in ast.iter_fields(item):
                            for one in part if isinstance(part, list) else [part]:
                                child(field, one)
                    elif isinstance(item, ast.AST):
                        child(name, item)
                    else:
                        line += f" {name}={item}"
            else:
                line += f" {name}={value}"
    out.append(line + flags)
    out.extend(inner)


def normalise(text):
    lines = []
    for line in text.split("\n"):
        if not line or line.lstrip().startswith(("scope:", "live:")):
            continue
        line = SPAN.sub("", line)
        number = re.search(r"Constant value=(0[xXoObB]\w+|\d{19,})$", line)
        if number and int(number[1], 0).bit_length() >= 64:
            line = line[:number.start(1)] + "big:%x" % int(number[1], 0)
        lines.append(line)
    return lines


def check(mpyc, path):
    """Returns None if both agree on the file, else what differs."""
    data = path.read_bytes()
    try:
        compile(data, str(path), "exec", dont_inherit=True)
        tree = ast.parse(data)
        reason = None
    except (SyntaxError, ValueError, RecursionError) as error:
        tree, reason = None, str(error)
    result = subprocess.run([mpyc, "--emit=ast", str(path)], capture_output=True, timeout=60)
    message = result.stderr.decode("utf-8", "replace")
    if result.returncode not in (0, 1):
        return f"exit code {result.returncode}: {message[:300]}"
    if (result.returncode == 0) != (tree is not None):
        if tree is not None and REFUSED_BY_DESIGN.search(message):
            return None
        return f"Python: {reason or 'accepts'}; mpyc: {message[:300] or 'accepts'}"
    if tree is None:
        return None
    expected = []
    dump(tree, "", 0, expected)
    found = normalise(result.stdout.decode("utf-8"))
    for number, (left, right) in enumerate(zip(expected, found)):
        if left != right:
            return f"tree line {number}: Python {left.strip()!r}; mpyc {right.strip()!r}"
    if len(expected) != len(found):
        return f"tree has {len(found)} lines instead of {len(expected)}"
    return None


def standardLibrary(count):
    """Every n-th file, so that all parts of the library have a share."""
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in root.rglob("*.py")
                   if "site-packages" not in p.parts and "dist-packages" not in p.parts)
    files = [p for p in files if isUtf8(p)]
    return files[::max(1, len(files) // count)][:count]


def isUtf8(path):
    try:
        path.read_text("utf-8")
        return True
    except ValueError:
        return False


def main():
    arguments = sys.argv[1:]
    count = 150
    if "--stdlib" in arguments:
        at = arguments.index("--stdlib")
        count = int(arguments[at + 1])
        del arguments[at:at + 2]
    mpyc, paths = arguments[0], [pathlib.Path(p) for p in arguments[1:]]
    if not paths:
        repository = pathlib.Path(__file__).resolve().parents[2]
        paths = sorted(repository.rglob("*.mpy")) + standardLibrary(count)
    failures = 0
    for path in paths:
        difference = check(mpyc, path)
        if difference:
            failures += 1
            print(f"{path}: {difference}")
    print(f"{len(paths) - failures} agree, {failures} differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
