"""Checks of whole compilations: levels agree, time and memory grow with the work, gradients are short, no new
allocations in loops.

    python test/driver/check_driver.py --mpyc build/release/bin/mpyc [--update]

`--update` rewrites the listings of allocations, which stand in `allocations/`.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.mpy"))
LEVELS = ["-O0", "-O3"]
GROWTH = {ROOT / "samples/heat.mpy": 8000, FOLDER / "growth-updated-array.mpy": 400000,
          FOLDER / "growth-updated-array-twice.mpy": 400000, FOLDER / "growth-heat.mpy": 200000,
          FOLDER / "growth-concatenate.mpy": 1000000, FOLDER / "growth-list.mpy": 400000,
          FOLDER / "growth-recursion-alone.mpy": 8000000, FOLDER / "growth-recursion.mpy": 2000000,
          FOLDER / "growth-recursion-twice.mpy": 1000000, FOLDER / "growth-changing-extent.mpy": 2 ** 23,
          FOLDER / "growth-changing-extent-gradient.mpy": 2 ** 22, FOLDER / "growth-while.mpy": 400000,
          FOLDER / "growth-nonlinear-reads.mpy": 800000, FOLDER / "growth-nonlinear-reads-twice.mpy": 400000,
          FOLDER / "growth-rows.mpy": 100000, FOLDER / "growth-parts.mpy": 100000,
          FOLDER / "growth-recursion-lists.mpy": 1000, FOLDER / "growth-changed-items.mpy": 640000,
          FOLDER / "growth-rows-of-lists.mpy": 100000, FOLDER / "growth-run-time-keys.mpy": 500}
MAXIMUM_GROWTH = 2.3
MAXIMUM_ADJOINT = 3
MAXIMUM_COMPILATION = 1
# Programs with a line `n = ..`: ten times that takes no longer to compile, but for what is measured badly.
LENGTHS = sorted((FOLDER / "lengths").glob("*.mpy"))
MAXIMUM_LENGTH_GROWTH, MEASURED_BADLY = 1.25, 0.15
REPETITIONS = 5
# Other work on the machine only ever makes a run longer.
ATTEMPTS = 3


def compile_program(mpyc, program, output, *options):
    """A sentence if the program does not compile."""
    done = subprocess.run([mpyc, *options, program, "-o", output], capture_output=True, text=True)
    return f"mpyc {' '.join(options)}: {done.stderr.strip()}" if done.returncode else None


def levels_agree(mpyc, folder, program):
    """-O0 and -O3 accept the same program, and it prints the same."""
    printed = []
    data = folder / "samples"
    if not data.exists():
        data.symlink_to(ROOT / "samples")
    for level in LEVELS:
        output = folder / f"program{level}"
        if wrong := compile_program(mpyc, program, output, level):
            return wrong
        # What it draws lies beside it.
        done = subprocess.run([output], cwd=folder, capture_output=True, text=True, timeout=300)
        printed.append((done.returncode, done.stdout))
    return None if printed[0] == printed[1] else f"-O0 prints\n{printed[0][1]}-O3 prints\n{printed[1][1]}"


def without_openblas(mpyc, folder, program):
    """Own code finds the same factors as LAPACK."""
    output = folder / "factors"
    if wrong := compile_program(mpyc, program, output):
        return wrong
    printed = [subprocess.run([output], env={**os.environ, "MPY_BLAS": choice}, capture_output=True, text=True, timeout=300)
               for choice in ("", "none")]
    if any(done.returncode for done in printed):
        return printed[1].stderr
    return None if printed[0].stdout == printed[1].stdout else f"without OpenBLAS\n{printed[1].stdout}"


def measure(command):
    """Least seconds of the processor, whatever else it does, and bytes at most in memory, of some runs."""
    seconds, memory = [], 0
    for _ in range(REPETITIONS):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        if status:
            raise RuntimeError(f"{command} ended with status {status}")
        seconds.append(usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss)
    return min(seconds), memory


def growth(mpyc, folder, program, steps):
    """Twice the steps take at most 2.3 times the time and the memory."""
    output = folder / program.stem
    if wrong := compile_program(mpyc, program, output):
        return wrong
    for _ in range(ATTEMPTS):
        once, twice = (measure([output, str(count)]) for count in (steps, 2 * steps))
        ratios = {what: after / before for what, before, after in zip(("time", "memory"), once, twice)}
        wrong = [what for what, ratio in ratios.items() if ratio > MAXIMUM_GROWTH]
        if not wrong:
            return None
    return f"{wrong[0]} at {2 * steps} steps is {ratios[wrong[0]]:.2f} times that at {steps}"


def compilation(mpyc, folder, program):
    """It takes at most a second of the processor, linking included."""
    seconds, _ = measure([mpyc, program, "-o", folder / program.stem])
    return None if seconds <= MAXIMUM_COMPILATION else f"compiling takes {seconds:.2f} s"


def compilation_of_lengths(mpyc, folder, program):
    """It does not depend on how long lists, texts and loops are, and is at most a second."""
    text = program.read_text()
    short = int(re.search(r"^n = (\d+)$", text, re.M)[1])
    longer = folder / f"longer-{program.name}"
    longer.write_text(re.sub(r"^n = \d+$", f"n = {10 * short}", text, flags=re.M))
    seconds = [measure([mpyc, path, "-o", folder / "lengths"])[0] for path in (program, longer)]
    if max(seconds) > MAXIMUM_COMPILATION:
        return f"compiling takes {max(seconds):.2f} s"
    if seconds[1] > seconds[0] * MAXIMUM_LENGTH_GROWTH + MEASURED_BADLY:
        return f"compiling takes {seconds[1]:.2f} s for n = {10 * short}, {seconds[0]:.2f} s for {short}"
    return None


def adjoint_size(mpyc, program):
    """Gradients take at most three operations for each operation of what they differentiate, sums of uses included."""
    passes = [mpyc.parent / "mpy-opt", "--canonicalize", "--cse", "--expand-grad"]
    text = subprocess.run([mpyc, "--emit=mpy", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text = subprocess.run(passes, input=text, capture_output=True, text=True, check=True).stdout
    sizes, function = {}, None
    for line in text.splitlines():
        if found := re.search(r"func\.func.*?@(\w+)", line):
            function = found[1]
            sizes[function] = 0
        elif re.search(r"= mpy\.\w+", line):
            sizes[function] += 1
    gradients = [name for name in sizes if name.endswith("_grad")]
    if not gradients:
        return "no gradient is generated"
    primal = sum(sizes[name.removesuffix("_grad")] for name in gradients)
    ratio = (sum(sizes[name] for name in gradients) - primal) / primal
    return None if 0 < ratio <= MAXIMUM_ADJOINT else f"{ratio:.2f} adjoint operations for each operation"


def allocations(mpyc, program, update):
    """The allocations and copies inside loops are those listed."""
    done = subprocess.run([mpyc, "--emit=allocations", program.relative_to(ROOT)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip()
    listing = FOLDER / "allocations" / f"{program.stem}.txt"
    if update:
        listing.parent.mkdir(exist_ok=True)
        listing.write_text(done.stdout)
    if not listing.exists():
        return f"{listing.relative_to(ROOT)} is missing"
    return None if listing.read_text() == done.stdout else f"other allocations than listed:\n{done.stdout}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    mpyc = options.mpyc.resolve()
    outcomes = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for program in SAMPLES:
            outcomes[f"levels {program.name}"] = lambda program=program: levels_agree(mpyc, folder, program)
            outcomes[f"allocations {program.name}"] = lambda program=program: allocations(mpyc, program, options.update)
            if "grad" in program.read_text():
                outcomes[f"adjoint size {program.name}"] = lambda program=program: adjoint_size(mpyc, program)
        undone = FOLDER / "undone-updates.mpy"
        outcomes[f"allocations {undone.name}"] = lambda: allocations(mpyc, undone, options.update)
        for program, steps in GROWTH.items():
            outcomes[f"growth {program.name}"] = lambda program=program, steps=steps: growth(mpyc, folder, program, steps)
        nested = FOLDER / "nested-loops.mpy"
        outcomes[f"compilation {nested.name}"] = lambda: compilation(mpyc, folder, nested)
        for program in LENGTHS:
            outcomes[f"lengths {program.name}"] = lambda program=program: compilation_of_lengths(mpyc, folder, program)
        factors = ROOT / "test/run/linalg-factors-hold.mpy"
        outcomes[f"without OpenBLAS {factors.name}"] = lambda: without_openblas(mpyc, folder, factors)
        failed = 0
        for title, check in outcomes.items():
            try:
                wrong = check()
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                wrong = str(error)
            if wrong:
                failed += 1
                print(f"FAIL {title}: {wrong}")
    print(f"{len(outcomes) - failed} passed, {failed} failed, 0 skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
