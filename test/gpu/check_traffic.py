"""Compares what programs move on the device with what they must: test/gpu/traffic.

    python check_traffic.py --mpyc build/release/bin/mpyc --library build/release/standin/libcuda.so.1 [--write] [FILTER]

Each program runs as many steps as its argument says; one step is the difference between a run of three and a run of
two. `# needed: N` is the number of bytes that a step must read and write once. The sectors that its launches touch are
at most 1.1 times these bytes, and of the sectors that accesses ask for at least 90% is used (not where the program says
`scattered`: whose places are data). Launches and transfers of a step are those of `expected.txt`, which `--write` writes.
A line there that ends in `not yet: ..` says which bound does not hold today.

`digits-epoch` is samples/digits.mpy with as many epochs as the argument says. Home come the loss of each step, which the
program adds up, one truth value that its labels are inside the scores, and two shares of an epoch; to the device goes the order
of the examples.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
EXPECTED = FOLDER / "traffic/expected.txt"
DIRECTIONS = {"to": "hostToDevice", "from": "deviceToHost"}


class Step:
    """What a step of a program does."""

    def __init__(self, program, options, folder):
        binary = os.path.join(folder, program.stem)
        subprocess.run([options.mpyc, "--device=cuda", "--gpu-arch=ptx", str(program), "-o", binary], check=True)
        two, three = (self.counts(binary, steps, options.library, folder) for steps in (2, 3))
        self.figures = {name: three[name] - two[name] for name in three}

    def counts(self, binary, steps, library, folder):
        stats = os.path.join(folder, "stats")
        environment = {**os.environ, "LD_LIBRARY_PATH": str(pathlib.Path(library).resolve().parent), "MPY_DEVICE": "cuda",
                       "MPY_GPU_MIN": "0", "MPY_STANDIN": "stats=" + stats}
        run = subprocess.run([binary, str(steps)], capture_output=True, text=True, env=environment, timeout=120)
        if run.returncode:
            raise RuntimeError(run.stderr[-2000:])
        found = json.loads(pathlib.Path(stats).read_text())
        kernels = found["kernels"]
        total = {name: sum(kernel[name] for kernel in kernels) for name in kernels[0] if name != "name"} if kernels else {"launches": 0}
        for short, name in DIRECTIONS.items():
            total[short] = found["transfers"][name]["count"]
            total[short + "Bytes"] = found["transfers"][name]["bytes"]
        return total

    def line(self):
        return "launches %(launches)d, transfers to the device %(to)d, from it %(from)d" % self.figures + (
            " of %(fromBytes)d bytes" % self.figures if self.figures["from"] else "")

    def moved(self):
        return 32 * (self.figures["distinctReadSectors"] + self.figures["distinctWrittenSectors"])

    def used(self):
        f = self.figures
        return (f["readBytes"] + f["writtenBytes"]) / (32 * max(f["readSectors"] + f["writtenSectors"], 1))


def epochs_of_digits(folder):
    """The sample, which takes the number of its epochs as a program of this folder does its steps."""
    text = (ROOT / "samples/digits.mpy").read_text()
    for old, new in (
        ("sys.argv[1] if len(sys.argv) > 1 else 'samples/data/digits.csv.gz'", "'%s'" % (ROOT / "samples/data/digits.csv.gz")),
        ("epochs=10", "epochs=int(sys.argv[1])"),
    ):
        if old not in text:
            raise RuntimeError("samples/digits.mpy has no %s" % old)
        text = text.replace(old, new)
    program = pathlib.Path(folder, "digits-epoch.mpy")
    program.write_text(text)
    return program


def bounds(program, step):
    """The bounds that a step does not keep."""
    if not step.figures["launches"]:
        return "runs on the host"
    text = program.read_text()
    wrong = []
    needed = re.search(r"^# needed: (.*)$", text, re.M)
    if needed:
        times = step.moved() / eval(needed[1])
        if times > 1.1:
            wrong.append("moves %.2f times the needed bytes" % times)
        if "# scattered" not in text and step.used() < 0.9:
            wrong.append("uses %.0f%% of its sectors" % (100 * step.used()))
    return ", ".join(wrong)


def main():
    parser = argparse.ArgumentParser(description="compare what programs move on the device with what they must")
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--library", required=True, help="the stand-in driver")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    expected = dict(line.split(": ", 1) for line in EXPECTED.read_text().splitlines()) if EXPECTED.exists() else {}
    passed = failed = 0
    made = tempfile.TemporaryDirectory()
    for program in [*sorted((FOLDER / "traffic").glob("*.mpy")), epochs_of_digits(made.name)]:
        if options.filter not in program.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                step = Step(program, options, folder)
                wrong = bounds(program, step)
                line = step.line() + ("; not yet: " + wrong if wrong else "")
            except (RuntimeError, subprocess.SubprocessError) as error:
                line = str(error)
        if options.write:
            expected[program.stem] = line
        same = expected.get(program.stem) == line
        passed += same
        failed += not same
        if not same:
            print("FAILED: %s: %s\n    expected %s" % (program.stem, line, expected.get(program.stem)))
    if options.write:
        EXPECTED.write_text("".join("%s: %s\n" % item for item in sorted(expected.items())))
    print("%d passed, %d failed, 0 skipped" % (passed, failed))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
