# The text tests: passes on IR text and the phases of whole programs.
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("MPY_BUILD", ROOT / "build/release"))
LLVM = pathlib.Path("/usr/lib/llvm-22/bin")

# Tests run in other processes, which find the format by its module's name.
sys.path.insert(0, str(ROOT / "test"))
from checked_format import CheckedTest

config.name = "mpy"
config.test_format = CheckedTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["run", "stress", "oracle", "errors", "gradcheck", "layout", "runtime"]
config.test_source_root = str(ROOT / "test")
config.test_exec_root = str(BUILD / "test")
config.environment["PATH"] = os.pathsep.join([str(BUILD / "bin"), str(LLVM), os.environ["PATH"]])
config.substitutions += [("%samples", str(ROOT / "samples")), ("%root", str(ROOT))]
if "asan" in BUILD.name:
    config.available_features.add("asan")
    config.environment["ASAN_OPTIONS"] = "detect_leaks=0"
if " avx512f " in pathlib.Path("/proc/cpuinfo").read_text():
    config.available_features.add("avx512")
