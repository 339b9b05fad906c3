"""Checks what no compiler checks: include arrows, the map of folders, file sizes, names, leftovers.

    python test/layout/check_layout.py
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The folders of this project that a folder may include, besides itself.
ARROWS = {
    "compiler/support": set(),
    "compiler/dialect": set(),
    "compiler/frontend": {"support", "dialect"},
    "compiler/adjoint": {"support", "dialect"},
    "compiler/source": {"support", "dialect"},
    "compiler/lowering": {"support", "dialect", "runtime header"},
    "compiler/backend": {"support", "runtime header"},
    "compiler/driver": {"support", "dialect", "frontend", "adjoint", "source", "lowering", "backend", "runtime header"},
    "runtime": {"runtime header"},
}
# The same among the folders of the front end. `interpret` holds the class that executes the program, which all but two of them extend.
WITHIN_FRONTEND = {
    "syntax": set(),
    "values": {"syntax"},
    "arrays": {"values", "interpret", "containers", "library"},
    "containers": {"syntax", "values", "interpret", "paths", "functions", "arrays", "library"},
    "library": {"syntax", "values", "interpret", "functions", "arrays", "containers"},
    "paths": {"syntax", "values", "interpret", "functions", "containers"},
    "functions": {"syntax", "values", "interpret", "paths", "arrays", "containers", "library"},
    "interpret": {"syntax", "values", "paths", "functions", "arrays", "containers", "library"},
}
STAGES = {name.split("/")[1] for name in ARROWS if "/" in name}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
FORBIDDEN_NAME = re.compile(r"(utils?|common|helpers?|misc)\b", re.IGNORECASE)
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
CODE = {".cpp", ".h", ".td", ".def", ".inc", ".py", ".g4", ".c", ".cmake", ".sh"}
MAXIMUM_LINES = 800
MAXIMUM_FILES = 30
MAXIMUM_FUNCTION = 80
# Functions that only dispatch: one case after the other, each of which is a line or a few.
DISPATCHERS = {"Printer::expression", "Printer::statement", "Specializer::execute", "OptionReader::readOption", "Warp::run", "evaluate", "main"}
# Functions that are still longer. They may shrink; no other may join them.
STILL_LONG = {
    "ReverseSweep::runLoop": 128, "Specializer::callTransform": 125, "BufferEmitter::emitDefault": 118, "Joiner::joinLists": 116,
    "planSelection": 116, "Specializer::outline": 100, "runTimeListMethod": 81, "ResultWalk::describe": 112, "Writer::writeShape": 110, "pushForward": 103, "Joiner::joinParts": 103, "reachable": 100,
    "Groups::build": 98, "extreme": 98, "Joiner::pairObjects": 95, "Specializer::knownItems": 95, "Specializer::compare": 94,
    "stepToSource": 88, "Specializer::takeNext": 88, "ResultBuilder::build": 87, "widen": 87, "Joiner::pairValues": 86,
    "Specializer::runTimeWalk": 83, "Specializer::initialiseBuiltins": 81,
}
MAXIMUM_PAGE = 50


def tracked():
    """Every file of the project that git knows or would take."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [pathlib.Path(name) for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def owner(path):
    """The row of the arrow table that a file belongs to."""
    text = path.as_posix()
    return next((name for name in ARROWS if text.startswith(name + "/")), None)


def target(name):
    """What of this project an include names, or nothing."""
    if name in ("mpy.h", "mpyrt.h"):
        return "runtime header"
    first = name.split("/")[0]
    return first if "/" in name and first in STAGES else None


def include_arrows(files):
    for path in files:
        row = owner(path)
        if not row or path.suffix not in {".cpp", ".h", ".inc", ".def"}:
            continue
        for name in INCLUDE.findall((ROOT / path).read_text()):
            wanted = target(name)
            if wanted and wanted != row.split("/")[-1] and wanted not in ARROWS[row]:
                yield f"{path}: {row} may not include {name}"
            if row == "runtime" and re.match(r"(llvm|mlir)/", name):
                yield f"{path}: the runtime builds without LLVM, but includes {name}"


def arrows_within_frontend(files):
    """A front-end folder includes those that its row names; a folder without a row is an error, too."""
    for path in files:
        if not path.as_posix().startswith("compiler/frontend/") or path.suffix not in {".cpp", ".h", ".def"}:
            continue
        folder = path.parts[2]
        if folder not in WITHIN_FRONTEND:
            yield f"{path}: lies in no folder of the front end"
            continue
        for wanted in re.findall(r'#include "frontend/(\w+)/', (ROOT / path).read_text()):
            if wanted != folder and wanted not in WITHIN_FRONTEND[folder]:
                yield f"{path}: {folder} may not include {wanted}"


def folder_pages(files):
    """Each folder of the front end has a page of at most a screen, and no more source files than one can overlook."""
    for folder in WITHIN_FRONTEND:
        page = ROOT / "compiler/frontend" / folder / "README.md"
        if not page.exists():
            yield f"compiler/frontend/{folder}: has no README.md"
        elif len(page.read_text().splitlines()) > MAXIMUM_PAGE:
            yield f"compiler/frontend/{folder}/README.md: more than {MAXIMUM_PAGE} lines"
        sources = [path for path in files if path.parent.as_posix() == f"compiler/frontend/{folder}" and path.suffix in {".cpp", ".h"}]
        if len(sources) > MAXIMUM_FILES:
            yield f"compiler/frontend/{folder}: {len(sources)} source files, more than {MAXIMUM_FILES}"


def map_of_folders(files):
    """The tables of compiler/README.md and of the front end's folders name each source file, or its stem, once and nothing else."""
    mapped = []
    for page in [ROOT / "compiler/README.md", *sorted((ROOT / "compiler/frontend").glob("*/README.md"))]:
        folder = page.parent.relative_to(ROOT / "compiler").as_posix()
        for row in re.findall(r"^\| (`.*?) \|", page.read_text(), re.MULTILINE):
            mapped += [name if folder == "." else f"{folder}/{name}" for name in re.findall(r"`([^`]+)`", row) if folder != "." or "/" in name]
    present = {path.relative_to("compiler") for path in files if path.as_posix().startswith("compiler/") and len(path.parts) > 2}
    stems = {path.with_suffix("").as_posix() for path in present if path.name not in ("CMakeLists.txt", "README.md")}
    for stem in sorted(stems - set(mapped)):
        yield f"compiler/README.md: {stem} is in no map"
    for stem in sorted(set(mapped) - stems):
        yield f"compiler/README.md: {stem} does not exist"
    for stem in sorted({stem for stem in mapped if mapped.count(stem) > 1}):
        yield f"compiler/README.md: {stem} stands twice in the maps"


def sizes(files):
    for path in files:
        if path.suffix in CODE:
            lines = (ROOT / path).read_bytes().count(b"\n")
            if lines > MAXIMUM_LINES:
                yield f"{path}: {lines} lines, more than {MAXIMUM_LINES}"


def functions(path):
    """(name, line, number of lines) of each function of a formatted file: its body ends where the indentation of its first line returns.

    A signature may have several lines, of which the last one opens the body; those behind the first are indented further.
    """
    lines = (ROOT / path).read_text().splitlines()
    at = 0
    while at < len(lines):
        first = at
        if not re.match(r" {0,2}(?!template <[^{]*>$)[A-Za-z~\[]", lines[at]) or re.match(r" *(inline )?(namespace|struct|class|enum|union|extern \"C\")\b", lines[at]):
            at += 1
            continue
        while not lines[at].endswith(("{", ";", "}", ":")) and at + 1 < len(lines) and lines[at + 1].strip():
            at += 1
        indentation = re.match(" *", lines[first])[0]
        signature = " ".join(line.strip() for line in lines[first:at + 1])
        if not lines[at].endswith("{") or re.search(r"(=|\]) \{$", signature) or "(" not in signature:
            at += 1
            continue
        last = at
        while last < len(lines) and not lines[last].startswith(indentation + "}"):
            last += 1
        named = re.search(r"([\w:~]+)\(", signature)
        yield named[1] if named else "?", first + 1, last - first + 1
        at = last + 1


def function_sizes(files):
    for path in files:
        if path.suffix in {".cpp", ".h"}:
            for name, line, count in functions(path):
                most = STILL_LONG.get(name, MAXIMUM_FUNCTION)
                if count > most and name not in DISPATCHERS:
                    yield f"{path}:{line}: {name} has {count} lines, more than {most}"


def names(files):
    for path in files:
        # Files of the library, and their rows, are named as what programs import.
        if path.as_posix().startswith(("lang/library/", "test/library/")):
            continue
        if FORBIDDEN_NAME.search(re.sub(r"([a-z])([A-Z])", r"\1_\2", path.stem).replace("_", " ")):
            yield f"{path}: says nothing of what is in it"


def leftovers(files):
    for path in files:
        if path.suffix not in CODE:
            continue
        for number, line in enumerate((ROOT / path).read_text(errors="replace").splitlines(), 1):
            if LEFTOVER.search(line):
                yield f"{path}:{number}: unfinished: {line.strip()}"


def opening_comments(files):
    """Every .cpp says in its first line what it turns into what."""
    for path in files:
        if path.suffix == ".cpp" and owner(path) and not (ROOT / path).read_text().startswith(("//", "/*")):
            yield f"{path}: does not open with a comment"


def one_type_a_name(files):
    """No two types of one name in one namespace: the linker would take the functions of either for both, silently."""
    found = {}
    for path in files:
        if not path.as_posix().startswith("compiler/") or path.suffix not in {".cpp", ".h"}:
            continue
        spaces = []
        for line in (ROOT / path).read_text().splitlines():
            if opened := re.match(r"(?:inline )?namespace ?([\w:]*) ?\{$", line):
                spaces.append(opened[1] or f"nameless in {path}")
            elif re.match(r"\} // namespace", line):
                spaces.pop()
            elif defined := re.match(r"(?:struct|class) (\w+)(?: final)?(?: :[^;]*)? ?\{", line):
                found.setdefault("::".join(spaces + [defined[1]]), []).append(path)
    for name, paths in found.items():
        if len(paths) > 1:
            yield f"{paths[0]}, {paths[1]}: both define {name}"


def runtime_functions(files):
    """Each function of the runtime that the front end names has a row that says what it reads and changes."""
    rows = set(re.findall(r"^MPY_RUNTIME_FUNCTION\((\w+),", (ROOT / "compiler/dialect/RuntimeFunctions.def").read_text(), re.MULTILINE))
    for path in files:
        if path.as_posix().startswith("compiler/frontend/") and path.suffix == ".cpp":
            for name in re.findall(r'(?<!starts_with\()"(mpy_\w+)"', (ROOT / path).read_text()):
                if name not in rows:
                    yield f"{path}: {name} has no row in compiler/dialect/RuntimeFunctions.def"


def main():
    files = tracked()
    checks = [include_arrows, arrows_within_frontend, folder_pages, map_of_folders, sizes, function_sizes, names, leftovers, opening_comments, one_type_a_name,
              runtime_functions]
    failed = 0
    for check in checks:
        found = list(check(files))
        failed += bool(found)
        for line in found:
            print(f"FAIL layout {check.__name__.replace('_', ' ')}: {line}")
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
