"""The format of the text tests: lit's own, and a test must check something."""

import pathlib

import lit.formats
import lit.Test

CHECKS = ("FileCheck", "not ", "cmp ", "diff ", "verify-diagnostics")


class CheckedTest(lit.formats.ShTest):
    """A test whose commands check nothing fails: it would pass whatever the compiler does."""

    def execute(self, test, lit_config):
        text = pathlib.Path(test.getSourcePath()).read_text(errors="replace")
        runs = [line for line in text.splitlines() if "RUN:" in line]
        if not any(word in line for line in runs for word in CHECKS):
            return lit.Test.FAIL, "no command of this test checks anything"
        return super().execute(test, lit_config)
