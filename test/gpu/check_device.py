"""Checks what programs do on devices that are missing, old, small or faulty: messages, never silence.

    python check_device.py --mpyc build/release/bin/mpyc --library build/release/standin/libcuda.so.1 [FILTER]
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SUM = """import numpy as np
x = np.arange(100000.0)
print('before')
y = np.tanh(x / 1e5) + x
print(np.round(np.sum(y), 3), y[3])
"""
SUMMED = "before\n4999993377.702 3.000029999999991\n"
# Arrays of 800,000 bytes, more of them than the device has room for.
MANY = """import numpy as np
a = np.arange(100000.0) + 1
print(a[7])
b = np.arange(100000.0) * 2
print(b[7])
c = np.arange(100000.0) * 3
print(c[7])
d = np.arange(100000.0) * 4
print(d[7])
print(np.sum(a + b), np.sum(c - d))
"""
CONTEXTS = """import minpy.numpy as np
from minpy.context import cpu, gpu
x = np.arange(100000.0)
total = np.sum(x)
with cpu():
    for step in range(7):
        x = np.sqrt(x + step)
with gpu(0):
    total = total + np.sum(x)
print(total > 0)
"""
# name, program, options of mpyc, MPY_STANDIN, MPY_DEVICE, exit code, output, message
CASES = [
    ("works", SUM, ["--gpu-arch=ptx"], "", "cuda", 0, SUMMED, "$"),
    ("machine-code-for-other-chips", SUM, [], "", "cuda", 0, SUMMED, "$"),
    ("no-device", SUM, ["--gpu-arch=ptx"], "devices=0", "cuda", 1, "before\n", r"no-device.mpy:\d: RuntimeError: .*CUDA_ERROR_NO_DEVICE"),
    ("no-device-auto", SUM, ["--gpu-arch=ptx"], "devices=0", "auto", 0, SUMMED, r"mpy: runs on the CPU: .*CUDA_ERROR_NO_DEVICE.*\n$"),
    ("no-driver", SUM, ["--gpu-arch=ptx"], None, "cuda", 1, "before\n", r"no-driver.mpy:\d: RuntimeError: .*libcuda.so.1 cannot be opened"),
    ("no-driver-auto", SUM, ["--gpu-arch=ptx"], None, "auto", 0, SUMMED, r"mpy: runs on the CPU: .*libcuda.so.1 cannot be opened.*\n$"),
    ("cpu", SUM, ["--gpu-arch=ptx"], "devices=0", "cpu", 0, SUMMED, "$"),
    ("old-driver", SUM, ["--gpu-arch=ptx"], "driver=11080", "cuda", 1, "before\n", r"the driver \(CUDA 11.8\) is too old"),
    ("old-driver-auto", SUM, ["--gpu-arch=ptx"], "driver=11080", "auto", 0, SUMMED, r"the driver \(CUDA 11.8\) is too old.*\n$"),
    ("old-device", SUM, ["--gpu-arch=ptx"], "chip=75", "auto", 0, SUMMED, r"the device \(sm_75\) cannot load"),
    ("no-memory", SUM, ["--gpu-arch=ptx"], "memory=100000", "cuda", 1, ".*", r"MemoryError: Unable to allocate \d+ bytes on the device"),
    ("little-memory", MANY, ["--gpu-arch=ptx"], "memory=3000000", "cuda", 0, "8.0\n14.0\n21.0\n28.0\n14999950000.0 -4999950000.0\n", "$"),
    ("no-such-choice", SUM, ["--gpu-arch=ptx"], "", "gpu", 1, "before\n", r"MPY_DEVICE is 'gpu'"),
    ("contexts", CONTEXTS, ["--gpu-arch=ptx"], "", "cuda", 0, "True\n", "$"),
]
# Launches of programs where they say something.
LAUNCHES = {"works": range(1, 4), "cpu": range(1), "contexts": range(1, 8)}


def check(case, options, folder):
    name, text, flags, standin, device, code, output, message = case
    program, binary, stats = (os.path.join(folder, name + suffix) for suffix in (".mpy", "", ".json"))
    pathlib.Path(program).write_text(text)
    subprocess.run([options.mpyc, "--device=cuda", *flags, program, "-o", binary], check=True)
    environment = {**os.environ, "MPY_DEVICE": device, "MPY_GPU_MIN": "0"}
    if standin is not None:
        environment["LD_LIBRARY_PATH"] = str(pathlib.Path(options.library).resolve().parent)
        environment["MPY_STANDIN"] = "stats=%s,%s" % (stats, standin)
    run = subprocess.run([binary], capture_output=True, text=True, env=environment, timeout=60)
    launches = 0
    if os.path.exists(stats):
        launches = sum(kernel["launches"] for kernel in json.loads(pathlib.Path(stats).read_text())["kernels"])
    wrong = []
    if run.returncode != code:
        wrong.append("exit code %d, expected %d" % (run.returncode, code))
    if not re.fullmatch(output, run.stdout, re.S):
        wrong.append("prints %r" % run.stdout)
    if not re.search(message if message != "$" else r"\A\Z", run.stderr):
        wrong.append("says %r" % run.stderr)
    if name in LAUNCHES and launches not in LAUNCHES[name]:
        wrong.append("%d launches" % launches)
    return wrong


def main():
    parser = argparse.ArgumentParser(description="check what programs do on devices that are missing, old, small or faulty")
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--library", required=True, help="the stand-in driver")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    cases = [case for case in CASES if options.filter in case[0]]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            wrong = check(case, options, folder)
            failed += bool(wrong)
            if wrong:
                print("FAILED: %s: %s" % (case[0], "; ".join(wrong)))
    print("%d passed, %d failed, 0 skipped" % (len(cases) - failed, failed))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
