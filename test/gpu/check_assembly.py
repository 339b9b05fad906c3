"""Assembles the kernels of programs for every chip that programs are compiled for.

    python check_assembly.py --mpyc build/release/bin/mpyc --cuda .cuda/nvidia/cu13 [FILTER]

Files of test/gpu/ptx, which the stand-in takes, are assembled too, so that it takes nothing that NVIDIA's assembler
does not; but those that are wrong on purpose.
"""

import argparse
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
CHIPS = ("sm_80", "sm_90", "sm_100", "sm_120")


def assemble(text, chip, assembler):
    """What ptxas says against a text, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kernels.ptx"
        path.write_text(text)
        # Whether it is taken does not depend on how hard it is optimised.
        run = subprocess.run([assembler, "-O0", "-arch=" + chip, str(path), "-o", str(path.with_suffix(".cubin"))],
                             capture_output=True, text=True)
        return None if run.returncode == 0 else "%s: %s" % (chip, run.stderr[-800:])


def check(path, options):
    if path.suffix == ".ptx":
        text, chips = path.read_text(), ("sm_90",)
        if "error CUDA_ERROR_INVALID_PTX" in text or "finds unknown instruction" in text or ": unknown instruction" in text:
            return None
    else:
        run = subprocess.run([options.mpyc, "--device=cuda", "--gpu-arch=ptx", "--emit=ptx", str(path), "-o", "-"], capture_output=True, text=True)
        if run.returncode:
            return run.stderr[-800:]
        text, chips = run.stdout, CHIPS
    return next((wrong for chip in chips if (wrong := assemble(text, chip, options.cuda + "/bin/ptxas"))), None)


def main():
    parser = argparse.ArgumentParser(description="assemble the kernels of programs for every chip")
    parser.add_argument("--mpyc", required=True)
    parser.add_argument("--cuda", required=True, help="the toolkit's folder")
    parser.add_argument("filter", nargs="?", default="")
    options = parser.parse_args()
    programs = [ROOT / name for name in (FOLDER / "assembled.txt").read_text().split()]
    paths = [path for path in programs + sorted((FOLDER / "ptx").glob("*.ptx")) if options.filter in path.name]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, wrong in zip(paths, pool.map(lambda path: check(path, options), paths)):
            if wrong is not None:
                failed += 1
                print("FAILED: %s\n    %s" % (path.name, wrong.strip().replace("\n", "\n    ")))
    print("%d passed, %d failed, 0 skipped" % (len(paths) - failed, failed))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
