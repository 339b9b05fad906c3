"""docs/library.md: what the library has that is written in the language, from its files.

    python test/library/make_docs.py            writes the page
    python test/library/make_docs.py --check    says whether it is up to date
"""

import argparse
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lang/library"
PAGE = ROOT / "docs/library.md"

HEAD = """# The library

Written by `test/library/make_docs.py` from the files of `lang/library`: what is written in the language. Functions of NumPy that the compiler
knows itself are listed in [language.md](language.md). Signatures are those of Python and NumPy. `refused` are values of parameters that
are an error (E0701) at the call. Derivatives follow the steps of a function, to any order; `own rule` marks those that have one of their own.
"""


def rendered(text):
    """A text that is put together, as it is read: what only the call knows is `..`."""
    if isinstance(text, ast.Constant):
        return str(text.value)
    if isinstance(text, ast.BinOp):
        return rendered(text.left) + rendered(text.right)
    if isinstance(text, ast.JoinedStr):
        return "".join(map(rendered, text.values))
    return ".."


def refusals(node):
    """What a definition refuses while compiling."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "unsupported":
            yield rendered(call.args[0])


def signature(node):
    if isinstance(node, ast.FunctionDef):
        return f"{node.name}({ast.unparse(node.args)})"
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            given = ast.unparse(method.args)
            return f"{node.name}({given.removeprefix('self').removeprefix(', ')})"
    return node.name


def entry(node):
    first = (ast.get_docstring(node) or "").split("\n")[0].replace("|", "\\|")
    refused = list(dict.fromkeys(refusals(node)))
    rule = "; own rule" if any("jvp" in ast.unparse(d) or "rules" in ast.unparse(d) for d in node.decorator_list) else ""
    note = rule + "; refused: " + ", ".join(f"`{what}`" for what in refused) if refused else rule
    return f"| `{signature(node)}` | {first}{note} |".replace("| `", "| `", 1)


def methods(node):
    names = [m.name for m in node.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("_")]
    return f"| | methods: {', '.join(f'`{name}`' for name in names)} |" if names else None


def page():
    modules = {}
    for path in sorted(LIBRARY.rglob("*.mpy")):
        module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__")
        first, _, last = module.rpartition(".")
        if first == "_methods":
            public = "methods of " + last
        elif last.startswith("_"):
            public = first
        else:
            public = module
        if public:
            body = ast.parse(path.read_text()).body
            if public == "matplotlib" and last.startswith("_"):
                # Not names of the module: what its functions return.
                body = [node for node in body if isinstance(node, ast.ClassDef) and ast.get_docstring(node) and methods(node)]
            modules.setdefault(public, []).extend(body)
    lines = [HEAD]
    for module in sorted(modules, key=lambda name: (name.startswith("methods"), name)):
        nodes = [n for n in modules[module] if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]
        constants = [
            target.id
            for n in modules[module]
            if isinstance(n, ast.Assign)
            for target in n.targets
            if isinstance(target, ast.Name) and not target.id.startswith("_")
        ]
        lines += [f"## {module}", ""]
        if nodes:
            lines += ["| name | |", "| --- | --- |"]
        for node in sorted(nodes, key=lambda n: n.name.lower()):
            lines.append(entry(node))
            if isinstance(node, ast.ClassDef) and methods(node):
                lines.append(methods(node))
        if constants:
            lines += ([""] if nodes else []) + ["Values: " + ", ".join(f"`{name}`" for name in sorted(constants)) + "."]
        lines.append("")
    return re.sub(r"\n+\Z", "\n", "\n".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = page()
    if not options.check:
        PAGE.write_text(text)
        return 0
    if PAGE.exists() and PAGE.read_text() == text:
        print("1 passed, 0 failed, 0 skipped")
        return 0
    print("docs/library.md is not what the files of the library say: run test/library/make_docs.py")
    print("0 passed, 1 failed, 0 skipped")
    return 1


if __name__ == "__main__":
    sys.exit(main())
