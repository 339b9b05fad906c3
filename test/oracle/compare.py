"""Compares compiled programs with CPython: output token by token, exit code, kind of failure.

    python compare.py --mpyc build/release/bin/mpyc test/run samples

The expected side is `python -m mpy`; its results are kept by content (program, modules beside it,
package), so a second run only runs compiled programs. Without `--mpyc` only the expected side runs.
`--reduce` makes each failing program small (reduce.py), writes it beside the program and prints it.
Needs a Python with NumPy and autograd.

Comments at the head of a program:

    # args: a b          its arguments
    # exact              output is compared byte for byte
    # float32            tolerance of single precision
    # fails              ends with an uncaught exception or an exit code
    # exits              calls sys.exit where buffers are alive; elsewhere none may be left at the end
    # cwd: root          runs in the project's root, as samples do; others run in an empty folder
    # beyond: what       uses what the compiler may refuse: its located error counts as skipped
    # refused: E0217 ..  may be refused with one of these errors; counted apart
    # overflows          an int passes 64 bits: the program prints what CPython prints, all of it or
                         up to an OverflowError there
    # no-differences     for check_oracle.py
    # links: f.c         a C file with the extern functions that it calls
    # autograd           CPython runs it with NumPy and autograd alone: derivatives of complex numbers
"""

import argparse
import concurrent.futures
import difflib
import hashlib
import json
import multiprocessing
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lang" / "python"
NUMBER = re.compile(
    r"(?<![\w.])[-+]?"
    r"(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+|inf\b|nan\b)"
)
FAILURE = re.compile(r"^(?:.*/)?([^/:]+\.mpy):(\d+): (.*)$")
MEMORY_REPORT = re.compile(r"^mpy: (\d+) allocations, (\d+) frees, (\d+) bytes peak, (\d+) live$", re.M)
OVERFLOW = re.compile(r"^OverflowError: (integer overflow: .* 64 bits|Python int too large to convert to C long)")
TIME_LIMIT = 120
# Seconds of the processor that each program took to compile.
COMPILATIONS = {}
# What test/gpu adds to every compilation and run.
FLAGS, ENVIRONMENT = [], {}
# Ends the names of reduced programs, which stand beside those they were made from.
REDUCED = "-reduced"


def header(text):
    """The comments before the first line of code."""
    marks = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            break
        name, colon, value = line.lstrip("# ").partition(":")
        if colon or name.strip() in ("exact", "float32", "fails", "exits", "overflows", "no-differences", "autograd"):
            marks.setdefault(name.strip(), value.strip())
    return marks


def unfolded(text):
    """Line ends inside brackets made blanks: one digit more can fold an array elsewhere."""
    depth, characters = 0, []
    for character in text:
        depth += (character == "[") - (character == "]")
        characters.append(" " if character == "\n" and depth > 0 else character)
    return "".join(characters)


def pieces(text):
    """Text and numbers in turn, with runs of blanks and line ends made one."""
    text = unfolded(text)
    text = re.sub(r"[ \t]*\n\s*", "\n", text.rstrip())
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r"\[\s+", "[", text)
    text = re.sub(r"\s+\]", "]", text)
    found, place = [], 0
    for match in NUMBER.finditer(text):
        found.append(text[place : match.start()])
        found.append(match.group())
        place = match.end()
    found.append(text[place:])
    return found


def last_place(token):
    """The weight of a number's last printed digit."""
    mantissa, _, exponent = token.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def significant(token):
    return len(re.sub(r"[eE].*|[-+.]", "", token).lstrip("0"))


def is_float(token):
    return any(c in token for c in ".eEn")


def same_number(a, b, relative):
    if a == b:
        return True
    if not (is_float(a) and is_float(b)):
        return False
    x, y = float(a), float(b)
    if x != x or y != y:
        return x != x and y != y
    if x == y:
        return True
    if x in (float("inf"), float("-inf")) or y in (float("inf"), float("-inf")):
        return False
    allowed = relative * max(abs(x), abs(y)) + (1e-12 if relative < 1e-7 else 1e-6)
    if max(significant(a), significant(b)) <= 8:
        allowed += 1.000001 * max(last_place(a), last_place(b))
    return abs(x - y) <= allowed


def same_text(expected, found, marks):
    if "exact" in marks:
        return expected == found
    a, b = pieces(expected), pieces(found)
    relative = 2e-5 if "float32" in marks else 1e-9
    if len(a) != len(b):
        return False
    return all(
        same_number(x, y, relative) if k % 2 else x == y for k, (x, y) in enumerate(zip(a, b))
    )


def failure_line(stderr):
    """(program, line, message) of the last error line."""
    for line in reversed(stderr.strip().splitlines()):
        match = FAILURE.match(line.rstrip())
        if match:
            return match.groups()
    return None


def first_error(stderr, lines=6):
    """The compiler's first error, without a sanitiser's or LLVM's lines before it."""
    start = re.search(r"^.*(?:error\[E|internal error)", stderr, re.M)
    return "\n".join(stderr[start.start() if start else 0 :].strip().splitlines()[:lines])


def tail(text, lines=4):
    return "\n".join(text.strip().splitlines()[-lines:])


def package_digest():
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(program, digest):
    key = hashlib.sha256(digest.encode())
    key.update(str(program.name).encode())
    key.update(program.read_bytes())
    text = program.read_text(encoding="utf-8", errors="replace")
    names = set(re.findall(r"^\s*(?:from|import)\s+(\w+)", text, re.M))
    for module in sorted(program.parent.glob("*.mpy")):
        if module.stem in names:
            key.update(module.read_bytes())
    if links := header(text).get("links"):
        key.update((program.parent / links).read_bytes())
    for module in sorted(program.parent.glob("*/*.mpy")):
        if module.parent.name in names:
            key.update(module.read_bytes())
    return key.hexdigest()


def working_folder(program, marks):
    if marks.get("cwd") == "root" or program.parent == ROOT / "samples":
        return str(ROOT)
    return None


def run_expected(task, limit=TIME_LIMIT):
    """Runs one program in a child of this process."""
    program, marks, store = task
    from mpy.run import run_program

    with tempfile.TemporaryDirectory() as folder, open(
        os.path.join(folder, "o"), "w+b"
    ) as out, open(os.path.join(folder, "e"), "w+b") as err:
        inside = os.path.join(folder, "run")
        os.mkdir(inside)
        os.chdir(working_folder(program, marks) or inside)
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.stdout = os.fdopen(1, "w", encoding="utf-8")
            sys.stderr = os.fdopen(2, "w", encoding="utf-8")
            code = 70
            signal.alarm(limit)
            arguments = marks.get("args", "").split()
            if "links" in marks:
                os.environ["MPY_EXTERNS"] = compiled_externs(program, marks, folder, shared=True)
            if "autograd" in marks:
                os.execv(sys.executable, [sys.executable, "-W", "ignore", str(program), *arguments])
            try:
                code = run_program(str(program), arguments)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code & 255)
        _, status = os.waitpid(child, 0)
        os.chdir("/")
        out.seek(0)
        err.seek(0)
        result = {
            "code": os.waitstatus_to_exitcode(status),
            "stdout": out.read().decode("utf-8", "replace"),
            "stderr": err.read().decode("utf-8", "replace"),
        }
    if store:
        pathlib.Path(store).write_text(json.dumps(result))
    return result


def compiled_externs(program, marks, folder, shared):
    """The C file that a program links, as an object or a shared library in a folder."""
    made = os.path.join(folder, "externs.so" if shared else "externs.o")
    source = program.parent / marks["links"]
    how = ["-shared"] if shared else ["-c"]
    subprocess.run(["cc", "-O1", "-fPIC", *how, "-I", ROOT / "runtime/include", source, "-o", made], check=True)
    return made


def compiled(command, limit):
    """The compiler's result with the seconds that it took of the processor, whatever else that does."""
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        killer = threading.Timer(limit, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        errors.seek(0)
        return process.returncode, errors.read(), usage.ru_utime + usage.ru_stime


def environment(program):
    """Variables of one run; `{name}` is that of the program."""
    return {name: value.replace("{name}", program.stem) for name, value in ENVIRONMENT.items()}


def run_compiled(program, marks, mpyc, level, folder, limit, most=None):
    """The compiled program's result, or the compiler's failure. `most`: seconds to compile it."""
    binary = os.path.join(folder, program.stem + level)
    build = [mpyc, str(program), "-o", binary, *FLAGS] + ([level] if level else [])
    if "links" in marks:
        build.append(compiled_externs(program, marks, folder, shared=False))
    code, errors, seconds = compiled(build, limit)
    # Other work on the machine only ever makes it longer.
    for _ in range(2):
        if most and seconds > most and code == 0:
            seconds = min(seconds, compiled(build, limit)[2])
    if code == -signal.SIGKILL:
        return {"failed": "mpyc does not end"}
    if code != 0:
        return {"failed": "mpyc ends with %d\n%s" % (code, first_error(errors)), "errors": errors}
    inside = tempfile.mkdtemp(dir=folder)
    try:
        run = subprocess.run(
            [binary, *marks.get("args", "").split()],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            cwd=working_folder(program, marks) or inside,
            env={**os.environ, "MPY_MEMORY_REPORT": "1", **environment(program)},
        )
    except subprocess.TimeoutExpired:
        return {"failed": "the program does not end"}
    finally:
        if os.path.exists(binary):
            os.remove(binary)
    return {
        "code": run.returncode,
        "stdout": run.stdout,
        "stderr": run.stderr,
        "compilation": seconds,
    }


def difference(expected, found, marks):
    """None where both agree, else what differs."""
    if not same_text(expected["stdout"], found["stdout"], marks):
        lines = difflib.unified_diff(
            expected["stdout"].splitlines(),
            found["stdout"].splitlines(),
            "expected",
            "compiled",
            lineterm="",
            n=1,
        )
        return "\n".join(list(lines)[:14])
    if expected["code"] != found["code"]:
        return "exit code %d, expected %d\n%s" % (
            found["code"],
            expected["code"],
            tail(found["stderr"]),
        )
    if expected["code"] != 0:
        wanted, got = failure_line(expected["stderr"]), failure_line(found["stderr"])
        if wanted != got and wanted is not None:
            return "ends with %s, expected %s" % (got or tail(found["stderr"]), wanted)
    return None


def is_overflow(expected, found, marks):
    """Whether a program ended where an int passed 64 bits, having printed what CPython prints."""
    failure = failure_line(found["stderr"])
    if "overflows" not in marks or failure is None or not OVERFLOW.search(failure[2]):
        return False
    lines = found["stdout"].splitlines(keepends=True)
    begin = "".join(expected["stdout"].splitlines(keepends=True)[: len(lines)])
    return same_text(begin, found["stdout"], marks)


def buffers_left(found):
    """How many buffers were alive at the end of a program that came to its end."""
    report = MEMORY_REPORT.search(found["stderr"])
    return int(report[4]) if report and found["code"] == 0 else 0


def check(program, expected, marks, options, limit=TIME_LIMIT):
    """(outcome, text) for one program."""
    if ("fails" in marks) != (expected["code"] != 0):
        return "failed", "under CPython: exit code %d\n%s" % (
            expected["code"],
            tail(expected["stderr"]),
        )
    if not options.mpyc:
        return "passed", ""
    with tempfile.TemporaryDirectory() as folder:
        for level in options.optimize.split(",") if options.optimize else [""]:
            flag = "-" + level if level else ""
            most = getattr(options, "compile_seconds", None)
            found = run_compiled(program, marks, options.mpyc, flag, folder, limit, most)
            if "failed" in found:
                error = re.search(r"error\[(E\d+)\]", found.get("errors", ""))
                if error and error[1] == "E0319" and "overflows" in marks:
                    continue
                if error and error[1] in marks.get("refused", ""):
                    return "refused", ""
                unsupported = error and (options.skip_unsupported or "beyond" in marks)
                return "skipped" if unsupported else "failed", found["failed"]
            text = difference(expected, found, marks)
            if text is not None and is_overflow(expected, found, marks):
                continue
            if text is not None:
                return "failed", (level + ": " if level else "") + text
            COMPILATIONS[program] = max(COMPILATIONS.get(program, 0), found["compilation"])
            if most and found["compilation"] > most:
                return "failed", "%.1f s to compile, more than %g" % (found["compilation"], most)
            if (left := buffers_left(found)) and "exits" not in marks:
                return "failed", "%d buffers are alive at the end" % left
    return "passed", ""


def collect(paths):
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            found = sorted(p.resolve() for p in path.glob("*.mpy"))
            yield from (p for p in found if not p.stem.endswith(REDUCED))
        else:
            yield path.resolve()


def is_module(program):
    return program.stem.startswith("module_")


def expected_results(programs, options):
    cache = pathlib.Path(options.cache)
    cache.mkdir(parents=True, exist_ok=True)
    digest = package_digest()
    results, missing = {}, []
    for program in programs:
        marks = header(program.read_text(encoding="utf-8", errors="replace"))
        kept = cache / key_of(program, digest)
        if kept.exists():
            results[program] = json.loads(kept.read_text())
        else:
            missing.append((program, marks, str(kept)))
    if missing:
        import mpy.run  # noqa: F401  loaded once, before the processes part

        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            for task, result in zip(missing, pool.imap(run_expected, missing)):
                results[task[0]] = result
    return results


def reduced(program, options):
    """The text of a failing program made small, which is then written beside it."""
    import reduce

    text, how = reduce.Reducer(program, options).reduce()
    if text is None:
        return "it is not reduced, as it " + (how or "passes once it is written anew")
    reduce.reduced_path(program).write_text(text, encoding="utf-8")
    return "reduced (%s):\n%s" % (how, text.rstrip())


def main():
    parser = argparse.ArgumentParser(description="compare compiled programs with CPython")
    parser.add_argument("programs", nargs="+", help="programs or folders of programs")
    parser.add_argument("--mpyc", help="the compiler; without it only CPython runs")
    parser.add_argument(
        "--optimize", default="", help="levels to compile at, as O0,O3; all must agree"
    )
    parser.add_argument(
        "--cache", default=str(ROOT / "build" / "oracle"), help="where expected results are kept"
    )
    parser.add_argument(
        "--compile-seconds",
        type=float,
        help="a program fails that takes more seconds of the processor to compile",
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--filter", default="", help="only programs whose name contains this")
    parser.add_argument(
        "--skip-unsupported", action="store_true", help="count located compile errors as skipped"
    )
    parser.add_argument("--reduce", action="store_true", help="make failing programs small")
    parser.add_argument(
        "--reduction-seconds", type=float, default=300, help="time to reduce one program"
    )
    parser.add_argument("--verbose", action="store_true", help="name the programs that pass, too")
    options = parser.parse_args()
    options.mpyc = options.mpyc and os.path.abspath(options.mpyc)
    sys.path.insert(0, str(PACKAGE))
    programs = [
        p for p in collect(options.programs) if options.filter in p.name and not is_module(p)
    ]
    expected = expected_results(programs, options)
    counts, failures = {"passed": 0, "failed": 0, "skipped": 0, "refused": 0}, []

    def one(program):
        marks = header(program.read_text(encoding="utf-8", errors="replace"))
        return check(program, expected[program], marks, options)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for program, (outcome, text) in zip(programs, pool.map(one, programs)):
            counts[outcome] += 1
            name = os.path.relpath(program, ROOT) if ROOT in program.parents else str(program)
            if outcome not in ("passed", "refused") or options.verbose:
                print("%s: %s" % (outcome.upper(), name))
                if text:
                    print("    " + text.replace("\n", "\n    "))
            if outcome == "failed":
                failures.append(program)
            sys.stdout.flush()
    # Alone, for it changes this process's folder.
    for program in failures if options.reduce and options.mpyc else []:
        print("%s\n    %s" % (program.name, reduced(program, options).replace("\n", "\n    ")))
        sys.stdout.flush()
    slowest = sorted(COMPILATIONS, key=COMPILATIONS.get)[-5:]
    if slowest and options.compile_seconds:
        times = ("%s %.2f s" % (p.stem, COMPILATIONS[p]) for p in reversed(slowest))
        print("longest to compile, of %.0f s: %s" % (sum(COMPILATIONS.values()), ", ".join(times)))
    if counts["refused"]:
        print("%d of %d refused, as they may be" % (counts["refused"], len(programs)))
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
