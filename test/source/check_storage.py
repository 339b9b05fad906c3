"""Checks what mpyc says of what reverse sweeps keep (check --memory, grad --explain), and derivatives in the forms of phases (--emit= --of).

    python test/source/check_storage.py --mpyc build/release/bin/mpyc
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = """import sys
import numpy as np
from mpy import checkpoint, checkpointed, grad


def linear(x, a, n):
    y = a @ x
    for i in range(n):
        y = y * 0.5 + x
    return np.sum(y)


def curve(x, n):
    s = x
    for i in range(n):
        s = np.sin(s) + 0.1 * s
    h = np.tanh(s)
    return np.sum(h**2)


def little(x, n):
    s = x
    for i in checkpointed(range(n), memory='1MiB'):
        s = np.sin(s) + 0.1 * s
    return np.sum(s)


def again(x, w):
    return np.sum(checkpoint(lambda x: np.sin(np.exp(np.tanh(x))))(x) * w)


def called(x):
    return np.sum(np.exp(x))


x, a = np.ones(100), np.ones((100, 100))
n = len(sys.argv[1])
print(grad(linear)(x, a, n)[0])
print(grad(curve)(x, 5)[0])
print(grad(little)(x, n)[0])
print(grad(again)(x, np.cos(x))[0])
print(called(x))
"""

SAID = {
    ("check", "--memory", "--of", "linear"): ["the gradient of linear, asked for in line 38, keeps nothing"],
    ("check", "--memory", "--of", "curve"): [
        "keeps 4800 bytes",
        "line 17    h            800 bytes, for the slope of square in line 18",
        "800 bytes in each of 5 rounds of the loop in line 15, for the slope of sin in line 16",
    ],
    ("check", "--memory", "--of", "little"): ["states       1048576 bytes, at most, of", "what runs again of little"],
    ("check", "--memory", "--of", "again"): ["the gradient of again, asked for in line 41, keeps nothing"],
    ("check", "--memory", "--of", "called"): ["the gradient of called"],
    ("grad", "--explain", "--of", "curve"): [
        "6 operations forward, 8 backward, together 2.3 times the function",
        "s = np.sin(s) + 0.1 * s\n             3 forward, 4 backward",
        "keeps h: 800 bytes, for the slope of square in line 18",
    ],
    ("--emit=mpy", "--of", "curve"): ["func.func @curve_1(%x"],
    ("--emit=adjoint", "--of", "curve"): ["func.func @curve_1_grad(%x", "mpy.cos"],
    ("--emit=tensor", "--of=curve"): ["func.func @curve_1_grad", "linalg.generic"],
    ("--emit=buffers", "--of=curve"): ["curve_1_grad"],
    ("--emit=llvm-ir", "--of=curve"): ["@curve_1_grad("],
    ("--emit=asm", "--of=curve"): ["curve_1_grad:"],
    ("--emit=adjoint", "--of=called"): ["_grad(", "mpy.exp"],
}
REFUSED = {
    ("--memory",): "it belongs to 'mpyc check'",
    ("--sizes=n=2",): "it belongs to 'mpyc check --memory' and 'mpyc grad --explain'",
    ("check", "--memory", "--sizes=n"): "names and numbers: --sizes=n=1000,x.shape[0]=20",
    ("check", "--memory", "--of=nothing"): "E0830",
    ("--emit=adjoint", "--of=nothing"): "E0830",
    ("-c", "--of=curve"): "--of",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", type=pathlib.Path, required=True)
    mpyc = parser.parse_args().mpyc.resolve()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "program.mpy").write_text(PROGRAM)

        def run(words):
            return subprocess.run([mpyc, *words, "program.mpy"], capture_output=True, text=True, cwd=folder)

        for words, texts in SAID.items():
            done = run(words)
            failed += [f"{words}: not said: {text}\n{done.stdout[:2000]}{done.stderr}" for text in texts if text not in done.stdout]
            if any("emit" in word for word in words) and ("@main" in done.stdout or "main:" in done.stdout):
                failed.append(f"{words}: shows the program around the derivative")
        for words, text in REFUSED.items():
            done = run(words)
            if text not in done.stderr or not done.returncode:
                failed.append(f"{words}: not said: {text}\n{done.stderr}")
    for failure in failed:
        print("FAILED:", failure)
    print(f"{len(SAID) + len(REFUSED)} tried, {len(failed)} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
