"""Ctrl-C and full disks: the exit code, the words, and nothing left behind.

    python test/driver/check_endings.py --mpyc build/release/bin/mpyc
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ENDLESS = "print('started')\nx = 0\nwhile True:\n    x = x + 1\n"
NETWORK = pathlib.Path(__file__).resolve().parents[2] / "samples/tutorial_2.mpy"
LIMIT = 10
NO_SPACE = "No space left on device"


class Wrong(Exception):
    pass


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found!r} instead of {wanted!r}")


class Place:
    """A folder for sources and outputs, and one for temporary files."""

    def __init__(self, mpyc, folder):
        self.mpyc, self.folder, self.temporary = mpyc, folder / "work", folder / "temporary"
        self.folder.mkdir()
        self.temporary.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.program("endless.mpy", ENDLESS)

    def program(self, name, text):
        (self.folder / name).write_text(text)

    def start(self, *command, **options):
        return subprocess.Popen([str(part) for part in command], cwd=self.folder, env=self.environment, text=True,
                                stderr=subprocess.PIPE, **options)

    def run(self, *command, **options):
        process = self.start(*command, **options)
        return process, *process.communicate(timeout=LIMIT)

    def expect_clean(self, *known):
        left = sorted(path.name for path in (*self.folder.iterdir(), *self.temporary.iterdir()))
        expect("files that are left", left, sorted(("endless.mpy", *known)))


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
        int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)
        for child in (task / "children").read_text().split()]


def is_running(pid):
    """Whether a process is the compiled program and uses the processor: the endless loop has begun."""
    try:
        name = os.readlink(f"/proc/{pid}/exe")
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # a linker that has ended
        return False
    return name.endswith("/endless") and int(fields[11]) > 5


def wait_until(condition):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise Wrong("the program does not start")
        time.sleep(0.02)


def check_interrupted(process, code):
    start = time.monotonic()
    printed, errors = process.communicate(timeout=LIMIT)
    if time.monotonic() - start > 2:
        raise Wrong("the program does not stop at once")
    expect("exit code", process.returncode, code)
    expect("output", printed, "started\n")
    expect("errors", errors, "KeyboardInterrupt\n")


def executable(place):
    place.run(place.mpyc, "endless.mpy", "-o", "endless")
    process = place.start("./endless", stdout=subprocess.PIPE)
    wait_until(lambda: is_running(process.pid))
    process.send_signal(signal.SIGINT)
    # Dead of the signal, which shells count as 130.
    check_interrupted(process, -signal.SIGINT)


def run_command(place, send):
    process = place.start(place.mpyc, "run", "endless.mpy", stdout=subprocess.PIPE, start_new_session=True)
    wait_until(lambda: any(is_running(child) for child in children(process.pid)))
    send(process.pid, children(process.pid)[0])
    check_interrupted(process, 128 + signal.SIGINT)
    place.expect_clean()


def compilation(place):
    """Interrupted at many moments, alone and with all that it started."""
    start = time.monotonic()
    process, _, errors = place.run(place.mpyc, NETWORK, "-o", "made")
    expect("exit code", process.returncode, 0)
    whole = time.monotonic() - start
    made = place.folder / "made"
    complete = made.read_bytes()
    made.unlink()
    codes = set()
    for step in range(40):
        process = place.start(place.mpyc, NETWORK, "-o", "made", start_new_session=True)
        time.sleep(whole * step / 36)
        send = os.kill if step % 2 else os.killpg
        try:
            send(process.pid, signal.SIGINT)
        except ProcessLookupError:
            pass
        _, errors = process.communicate(timeout=LIMIT)
        codes.add(process.returncode)
        # Complete or absent; the signal may come when all is done.
        if made.exists():
            expect("the executable is complete", made.read_bytes() == complete, True)
            made.unlink()
        elif process.returncode != -signal.SIGINT:  # before the compiler's main
            expect("exit code", process.returncode, 128 + signal.SIGINT)
        expect("errors", errors, "")
        time.sleep(0.05)
        place.expect_clean()
    if 130 not in codes:
        raise Wrong("no compilation was interrupted")


def full_output(place):
    for command in (["--emit=mpy"], ["--emit=llvm-ir"], ["--emit=ast"]):
        with open("/dev/full", "w") as full:
            process, _, errors = place.run(place.mpyc, *command, "endless.mpy", stdout=full)
        if process.returncode != 1 or NO_SPACE not in errors or "error[E" not in errors:
            raise Wrong(f"{command}: {process.returncode} {errors!r}")
    for command in (["--help"], ["--emit=list"], ["--explain", "E0207"], ["--version"]):
        with open("/dev/full", "w") as full:
            process, _, errors = place.run(place.mpyc, *command, stdout=full)
        if process.returncode == 0 or NO_SPACE not in errors:
            raise Wrong(f"{command}: {process.returncode} {errors!r}")
    place.program("print.mpy", "for k in range(100000):\n    print(k)\n")
    with open("/dev/full", "w") as full:
        process, _, errors = place.run(place.mpyc, "run", "print.mpy", stdout=full)
    expect("exit code", process.returncode, 1)
    expect("errors", errors, "print.mpy: OSError: [Errno 28] No space left on device\n")
    place.expect_clean("print.mpy")


def full_disk(place, name, mounted):
    """The folder of the output, or of temporary files, holds 16 KiB."""
    command = f"mount -t tmpfs -o size=16k tmpfs {mounted} && '{place.mpyc}' '{NETWORK}' -o {name}; code=$?; ls {mounted}; exit $code"
    process, printed, errors = place.run("unshare", "-m", "sh", "-c", command, stdout=subprocess.PIPE)
    if process.returncode != 1 or "error[E" not in errors or "space" not in errors:
        raise Wrong(f"{process.returncode} {errors!r}")
    expect("files that are left", printed, "")
    place.expect_clean(*(["small"] if "small" in str(mounted) else []))


def full_disk_output(place):
    (place.folder / "small").mkdir()
    full_disk(place, "small/made", "small")


def full_disk_temporary(place):
    full_disk(place, "made", place.temporary)


def may_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


CHECKS = {
    "Ctrl-C in an executable": executable,
    "Ctrl-C for mpyc run alone": lambda place: run_command(place, lambda parent, _: os.kill(parent, signal.SIGINT)),
    "Ctrl-C for its program alone": lambda place: run_command(place, lambda _, child: os.kill(child, signal.SIGINT)),
    "Ctrl-C for both": lambda place: run_command(place, lambda parent, _: os.killpg(parent, signal.SIGINT)),
    "Ctrl-C in a compilation": compilation,
    "full standard output": full_output,
}
MOUNTING = {"full disk": full_disk_output, "full disk for temporary files": full_disk_temporary}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mpyc", required=True, type=pathlib.Path)
    mpyc = parser.parse_args().mpyc.resolve()
    checks = {**CHECKS, **MOUNTING} if may_mount() else CHECKS
    skipped = len(CHECKS) + len(MOUNTING) - len(checks)
    failed = 0
    for title, check in checks.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                check(Place(mpyc, pathlib.Path(folder)))
            except (Wrong, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAIL {title}: {error}")
    print(f"{len(checks) - failed} passed, {failed} failed, {skipped} skipped")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
