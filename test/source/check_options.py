"""Checks which derivative `mpyc grad` writes: --of, --wrt, --mode, --order, and what it says in comments.

    python test/source/check_options.py --mpyc build/release/bin/mpyc

What is written is run by CPython and compared with differences.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

PROGRAM = """import numpy as np


def loss(w, x, b):
    # how far the prediction is away
    error = np.tanh(x @ w) + b
    return np.sum(error ** 2)


print(loss(np.array([0.5, -0.25]), np.arange(6.0).reshape(3, 2) / 5, 0.5))
"""
W, B, V = np.array([0.5, -0.25]), 0.5, np.array([1.0, 2.0])
X = np.arange(6.0).reshape(3, 2) / 5
STEP = 1e-5
FAILED = []


def loss(w, b):
    return np.sum((np.tanh(X @ w) + b) ** 2)


def by_w(w, b=B):
    return np.array([(loss(w + e, b) - loss(w - e, b)) / (2 * STEP) for e in STEP * np.eye(2)])


def expect(what, found, wanted, tolerance=1e-7):
    if not np.allclose(found, wanted, tolerance, tolerance):
        FAILED.append(f"{what}: {found} instead of {wanted}")


def written(mpyc, folder, *options):
    """The text of what mpyc writes, and its one function."""
    # A suffix that other results have is only the name of a file here.
    result = folder / "written.py"
    done = subprocess.run([mpyc, "grad", *options, folder / "program.mpy", "-o", result], capture_output=True, text=True)
    if done.returncode:
        FAILED.append(f"{options}: {done.stderr}")
        return "", lambda **arguments: np.nan
    text, names = result.read_text(), {}
    exec(text, names)
    functions = [name for name in names if name.startswith("loss")]
    expect(f"functions of {options}", len(functions), 1)
    function = names[functions[0]]
    parameters = function.__code__.co_varnames[:function.__code__.co_argcount]
    known = {"w": W, "b": B, "w_dot": V, "b_dot": 1.0}
    # What has no name in the program is the data.
    values = [known.get(name, known.get(name.rsplit("_", 1)[0], X) if name[-1].isdigit() else X) for name in parameters]
    return text, lambda: function(*values)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", type=pathlib.Path, required=True)
    mpyc = parser.parse_args().mpyc.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "program.mpy").write_text(PROGRAM)
        slope_b = (loss(W, B + STEP) - loss(W, B - STEP)) / (2 * STEP)
        text, gradient = written(mpyc, folder, "--of", "loss", "--wrt=0")
        expect("the gradient by w", gradient(), by_w(W))
        if "    # how far the prediction is away\n    # line 6: error" not in text:
            FAILED.append("the program's comment is missing:\n" + text)
        gradient = written(mpyc, folder, "--of", "loss", "--wrt=w,b")[1]
        both = gradient()
        expect("the gradient by w of both", both[0], by_w(W))
        expect("the gradient by b of both", both[1], slope_b)
        expect("the tangent", written(mpyc, folder, "--of=loss", "--wrt=w", "--mode=forward")[1](), by_w(W) @ V)
        second = (by_w(W + STEP * V) - by_w(W - STEP * V)) / (2 * STEP)
        expect("the second derivative", written(mpyc, folder, "--of=loss", "--wrt=w", "--order=2")[1](), second, 1e-3)
    for failure in FAILED:
        print("FAILED:", failure)
    print(f"{not FAILED:d} passed, {len(FAILED)} failed, 0 skipped")
    return bool(FAILED)


if __name__ == "__main__":
    sys.exit(main())
