"""Checks that what `mpyc grad` writes is the gradient: runs it under CPython and NumPy.

    python test/source/check_source.py --mpyc build/release/bin/mpyc [filter]

A program is run by CPython, where `grad`, `value_and_grad` and their relatives note which function they were asked for, with
what, and what came out. The written functions are then called with the same: the parts of the differentiated arguments,
then whatever else a written function has as parameters, found by its name in the call. Both must agree. A parameter that is
no name of the call (a length that the program computed) leaves the function out; how many were compared is printed, and
must not be fewer than FEWEST. The written file is also compiled, with the same calls behind it, and prints the same.
"""

import argparse
import contextlib
import inspect
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

FEWEST = 250
# Programs whose written file is Python and no program of the language, and what the compiler says of it: a tape whose items differ in
# structure, a mask that is built path by path. No other may join them.
NOT_COMPILED = {
    "grad-compositions-chosen.mpy: E0201", "grad-compositions-exceptions.mpy: E0218", "grad-early-return.mpy: E0218",
    "grad-generators.mpy: E0207", "grad-mask-assignment.mpy: E0408", "grad-mask-changed-later.mpy: E0408",
    "grad-products-with-zeros.mpy: E0201", "grad-recursion-lists.mpy: E0905", "grad-return-inside-row-loop.mpy: E0218",
    "grad-zero-factors.mpy: E0408", "neural_ode.mpy: E0408",
}
REFUSED = []
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lang/python"))


def leaves(value):
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    return [value]


def plain(value):
    """A copy of a number or an array without what the layer adds."""
    if isinstance(value, np.ndarray):
        return np.array(value, subok=False)
    if isinstance(value, np.generic):
        return np.array(value)[()]
    return type(value).__mro__[-2](value) if isinstance(value, (int, float)) and type(value) not in (bool, int, float) else value


class Recorder:
    """Operators that note their outermost calls."""

    def __init__(self):
        self.calls, self.depth = [], 0

    def watch(self, operator, kind):
        def made(function, argnum=0, *more, **options):
            derivative = operator(function, argnum, *more, **options)

            def called(*args, **keywords):
                before = [plain(leaf) for leaf in leaves(args)]
                self.depth += 1
                try:
                    result = derivative(*args, **keywords)
                finally:
                    self.depth -= 1
                if self.depth == 0 and not keywords:
                    self.calls.append((function, argnum, args, before, result, kind))
                return result

            return called

        return made


def record(path):
    """The calls of operators in a program that CPython runs."""
    from mpy import run

    recorder = Recorder()
    kinds = {"grad": "gradient", "value_and_grad": "value first", "grad_and_loss": "value last"}
    replaced = []
    for module in (run.layer[name] for name in ("mpy", "autograd", "minpy.core")):
        for name, kind in kinds.items():
            operator = getattr(module, name, None)
            if operator:
                replaced.append((module, name, operator))
                setattr(module, name, recorder.watch(operator, kind))
    finders = list(sys.meta_path)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run.run_program(str(path))
    finally:
        sys.meta_path[:] = finders
        for module, name, operator in replaced:
            setattr(module, name, operator)
    return recorder.calls


def expected(result, kind):
    """Value and gradients in the order in which a written function returns them."""
    if kind == "value last":
        result = [result[1], result[0]]
    return [plain(leaf) for leaf in leaves(result)]


def arguments(written, function, argnum, args, before):
    """What the written function is called with, or nothing."""
    signature = inspect.signature(written)
    argnums = [argnum] if isinstance(argnum, (int, str, np.integer)) else list(argnum)
    try:
        parameters = list(inspect.signature(function).parameters)
        argnums = [parameters.index(k) if isinstance(k, str) else k for k in argnums]
    except ValueError:
        return None
    copies = iter(before)
    given = [[next(copies) for _ in leaves(argument)] for argument in args]
    positional = [leaf for k in argnums for leaf in given[k]]
    names = list(signature.parameters)
    if len(names) < len(positional):
        return None
    try:
        bound = inspect.signature(function).bind(*args).arguments
    except (TypeError, ValueError):
        return None
    by_name = {}
    code = inspect.unwrap(function)
    outside = dict(getattr(code, "__globals__", {}))
    outside.update(zip(getattr(getattr(code, "__code__", None), "co_freevars", ()), [c.cell_contents for c in code.__closure__ or ()] if getattr(code, "__closure__", None) else ()))
    for name, value in outside.items():
        if isinstance(value, (int, float, np.ndarray, np.generic)) and not isinstance(value, bool):
            by_name[name] = plain(value)
    for (name, value), copy in zip(bound.items(), given):
        if isinstance(value, (int, float, np.ndarray, np.generic)):
            by_name[name] = copy[0]
    for name in names[len(positional):]:
        if name not in by_name:
            return None
        positional.append(by_name[name])
    return positional


def outcome(written, given, want):
    """Empty if the written function gives what is wanted, else what it does; nothing if it is another function."""
    try:
        with np.errstate(all="ignore"):
            got = leaves(written(*[plain(x).copy() if isinstance(x, np.ndarray) else x for x in given]))
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    if len(got) != len(want):
        return None
    for a, b in zip(got, want):
        if np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
            return f"{a} is not {b}"
    return ""


def literal(value):
    """The value as source that compiles."""
    if isinstance(value, np.ndarray):
        flat = "np.array(%s, np.%s)" % (value.ravel().tolist(), "bool_" if value.dtype == bool else value.dtype)
        text = flat if value.ndim == 1 else "%s.reshape(%s)" % (flat, tuple(value.shape))
    else:
        text = "np.%s(%r)" % (value.dtype, value.item()) if isinstance(value, np.generic) else repr(value)
    return text.replace("inf", "np.inf").replace("nan", "np.nan")


def compiled(name, text, calls, mpyc):
    """Empty if the written file, with calls at its end, prints the same compiled as under CPython."""
    lines = [text, "def show(x):", "    for v in np.ravel(x):", "        print('%.9e' % v)"]
    for function, given, count in calls:
        parts = ", ".join("r%d" % k for k in range(count))
        lines.append("%s = %s(%s)" % (parts, function, ", ".join(map(literal, given))))
        lines += ["show(r%d)" % k for k in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "written.mpy"
        program.write_text("\n".join(lines) + "\n")
        ours = subprocess.run([mpyc, "run", program], capture_output=True, text=True, timeout=120)
        refused = re.search(r"error\[(E\d+)\]", ours.stderr)
        if refused and ours.returncode == 1:
            REFUSED.append(f"{name}: {refused[1]}")
            return ""
        if ours.returncode:
            return "compiled: " + ours.stderr
        space = {}
        out = io.StringIO()
        with contextlib.redirect_stdout(out), np.errstate(all="ignore"):
            exec(program.read_text(), space)
    wanted, got = out.getvalue().split(), ours.stdout.split()
    if len(wanted) != len(got) or not np.allclose([float(x) for x in wanted], [float(x) for x in got], rtol=1e-5 if "float32" in text else 1e-8, atol=1e-12, equal_nan=True):
        return f"compiled it prints {ours.stdout}, under CPython {out.getvalue()}"
    return ""


def compare(path, mpyc):
    """(compared, left out, sentences about what is wrong)."""
    done = subprocess.run([mpyc, "grad", path], capture_output=True, text=True, timeout=120)
    if done.returncode:
        refused = re.search(r"error\[(E\d+)\]", done.stderr)
        wrong = [] if refused else [f"{path.name}: exit code {done.returncode}\n{done.stderr}"]
        return 0, 1, wrong, done.stderr.splitlines()[0] if done.stderr else ""
    space = {}
    try:
        exec(compile(done.stdout, str(path) + " (written)", "exec"), space)
    except SyntaxError as error:
        return 0, 0, [f"{path.name}: {error}\n{done.stdout}"], ""
    compared = left = 0
    wrong = []
    seen = set()
    calls = []
    for function, argnum, args, before, result, kind in record(path):
        name = getattr(function, "__name__", "") + "_grad"
        name = name.replace("<lambda>", "lambda")
        # Of one function that is called in several ways there are several written ones: one of them is this one's.
        variants = [space[n] for n in [name] + [f"{name}_{k}" for k in range(2, 40)] if n in space]
        want = expected(result, kind)
        outcomes = []
        for written in variants:
            given = arguments(written, function, argnum, args, before)
            if given is not None:
                outcomes.append(outcome(written, given, want))
                if outcomes[-1] == "" and sum(np.size(x) for x in given) < 400 and written.__name__ not in [c[0] for c in calls]:
                    calls.append((written.__name__, [plain(x) for x in given], len(want)))
        outcomes = [o for o in outcomes if o is not None]
        if name in seen or not outcomes:
            left += 1
        elif "" in outcomes or (len(variants) == 1 and "lambda" not in name):
            compared += 1
            seen |= {name} if len(variants) == 1 else set()
            if "" not in outcomes:
                wrong.append(f"{path.name}: {name}: {outcomes[0]}\n{done.stdout}")
        else:
            left += 1
    if calls:
        problem = compiled(path.name, done.stdout, calls, mpyc)
        if problem:
            wrong.append(f"{path.name}: {problem}")
    return compared, left, wrong, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--random", type=int, default=0, help="so many random programs instead of those of the tests")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    options.mpyc = str(pathlib.Path(options.mpyc).resolve())
    # Programs write files where they run.
    folder = tempfile.TemporaryDirectory()
    os.chdir(folder.name)
    if options.random:
        subprocess.run([sys.executable, ROOT / "test/oracle/random_programs.py", "random", str(options.random), "4000", "random"], check=True)
        paths = sorted(pathlib.Path("random").resolve().glob("*.mpy"))
    else:
        paths = sorted(ROOT.glob("test/source/*.mpy")) + sorted(ROOT.glob("test/run/grad-*.mpy")) + sorted(ROOT.glob("samples/*.mpy"))
    compared = left = 0
    wrong = []
    for path in paths:
        if options.filter in str(path):
            counts = compare(path, options.mpyc)
            compared += counts[0]
            left += counts[1]
            wrong += counts[2]
            if options.verbose:
                print(path.name, counts[0], counts[1], len(counts[2]), counts[3], flush=True)
    for sentence in wrong:
        print("FAILED:", sentence)
    print(f"{compared} written functions compared, {left} left out")
    if options.random:
        # Most of their tapes hold items of several structures.
        REFUSED.clear()
    elif not options.filter and compared < FEWEST:
        wrong.append("")
        print(f"FAILED: fewer than {FEWEST} written functions were compared")
    others = sorted(set(REFUSED) - NOT_COMPILED)
    if others:
        wrong.append("")
        print(f"FAILED: written files do not compile: {others}")
    print(f"{len(REFUSED)} written files are not in the language")
    print(f"{compared} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
