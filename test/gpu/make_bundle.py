"""Makes a folder of programs that runs on a machine with a GPU and nothing but NVIDIA's driver.

    python make_bundle.py FOLDER --mpyc build/release/bin/mpyc

`FOLDER/run.sh` runs the programs of `programs.txt` and compares their output with CPython's, which is in the folder; then
it measures (bundle/figures), beside PyTorch and JAX where Python has them. Processors of the last ten years run it.
"""

import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, str(ROOT / "test/oracle"))
import compare

MOST = 40e6


def compiled(mpyc, program, binary):
    # Samples and figures bring machine code; the others have the driver compile them, which tests that too.
    chips = ["--gpu-arch=ptx"] if "test/run" in str(program) or "test/stress" in str(program) else []
    subprocess.run([mpyc, "--device=cuda", "-march=x86-64-v2", *chips, str(program), "-o", str(binary)], check=True)


def main():
    parser = argparse.ArgumentParser(description="make a folder that tests programs on a GPU")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--cache", default=str(ROOT / "build/oracle"))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    target = options.folder
    if target.exists():
        shutil.rmtree(target)
    for part in ("programs", "expected", "figures", "data"):
        (target / part).mkdir(parents=True)
    lines = (FOLDER / "programs.txt").read_text().splitlines()
    programs = [ROOT / line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    sys.path.insert(0, str(compare.PACKAGE))
    expected = compare.expected_results(programs, options)
    # Samples read their data from the folder that they run in.
    shutil.copytree(ROOT / "samples/data", target / "data/samples/data")
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        made = [pool.submit(compiled, options.mpyc, program, target / "programs" / program.stem) for program in programs]
        made += [pool.submit(compiled, options.mpyc, program, target / "figures" / program.stem) for program in sorted((FOLDER / "bundle/figures").glob("*.mpy"))]
        for one in made:
            one.result()
    for program in programs:
        marks = compare.header(program.read_text())
        write = lambda suffix, text: (target / "expected" / (program.stem + suffix)).write_text(text)
        write(".out", expected[program]["stdout"])
        write(".code", "%d\n" % expected[program]["code"])
        write(".arguments", marks.get("args", "") + "\n")
        write(".relative", "2e-5\n" if "float32" in marks else "1e-9\n")
    for name in ("run.sh", "compare.awk", "peers.py"):
        shutil.copy(FOLDER / "bundle" / name, target / name)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print("%s: %d programs, %.1f MB" % (target, len(programs), size / 1e6))
    return int(size > MOST)


if __name__ == "__main__":
    sys.exit(main())
