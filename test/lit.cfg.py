# The text tests: passes on IR text and the phases of whole programs.
import os
import pathlib

import lit.formats
import lit.Test

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("MPY_BUILD", ROOT / "build/release"))
LLVM = pathlib.Path("/usr/lib/llvm-22/bin")


class CheckedTest(lit.formats.ShTest):
    """A test whose commands check nothing fails: it would pass whatever the compiler does."""

    def execute(self, test, lit_config):
        text = pathlib.Path(test.getSourcePath()).read_text(errors="replace")
        runs = [line for line in text.splitlines() if "RUN:" in line]
        if not any(word in line for line in runs for word in ("FileCheck", "not ", "cmp ", "diff ", "verify-diagnostics")):
            return lit.Test.FAIL, "no command of this test checks anything"
        return super().execute(test, lit_config)


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
