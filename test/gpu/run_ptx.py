"""Launches the kernels of one PTX file through the stand-in, as the comments at its head say.

    //! buffer a f64 1 2 3          an array of the device with these values
    //! buffer o f64 *4             one of 4 elements that nobody wrote
    //! launch k 2 64 a o 5:i64     blocks and threads (x, or x,y,z), then arguments
    //! shared 256                  bytes of dynamic shared memory of the next launches
    //! expect o 1 2 3 *            what an array holds (`*`: anything)
    //! expect-all o 7              the same for each element
    //! reuse a 16               the block begins another life of so many bytes, 0: none
    //! free a | keep               `keep` leaves the arrays allocated at the end
    //! error NAME                  the calls end with this error of the driver
    //! finds TEXT                  what the stand-in says (check_standin.py looks for it)
    //! counts TEXT                 a part of what the stand-in counts
"""

import ctypes
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from device import Driver, DriverError

KINDS = {"f64": "f8", "f32": "f4", "s64": "i8", "s32": "i4", "u64": "u8", "u32": "u4", "s16": "i2", "u16": "u2", "s8": "i1", "u8": "u1"}


def number(text, kind):
    """A value, or the bits of one as `0x..`."""
    kind = numpy.dtype(kind)
    if kind.kind == "f" and text.startswith("0x"):
        return numpy.frombuffer(int(text, 16).to_bytes(kind.itemsize, "little"), kind)[0]
    return kind.type(float(text) if kind.kind == "f" else int(text, 0))


def dimensions(text):
    found = [int(n) for n in text.split(",")]
    return tuple(found + [1] * (3 - len(found)))


class Run:
    def __init__(self, path, library):
        self.text = pathlib.Path(path).read_text()
        self.lines = [line[3:].split() for line in self.text.splitlines() if line.startswith("//!")]
        self.wanted = next((words[1] for words in self.lines if words[0] == "error"), None)
        self.library = library
        self.arrays, self.dynamic, self.keeps, self.module = {}, 0, False, None
        self.wrong = []

    def run(self):
        found = None
        try:
            self.driver = Driver(self.library)
            self.module = self.driver.load(self.text)
            for words in self.lines:
                getattr(self, words[0].replace("-", "_"))(*words[1:])
            if not self.keeps:
                for array in self.arrays.values():
                    array.free()
        except DriverError as error:
            found = error.name
        if found != self.wanted:
            self.wrong.append("error %s, expected %s" % (found, self.wanted))
        return self.wrong

    def buffer(self, name, kind, *values):
        if values[0].startswith("*"):
            self.arrays[name] = self.driver.empty(int(values[0][1:]), KINDS[kind])
        elif values[0] == "range":
            self.arrays[name] = self.driver.array(numpy.arange(int(values[1])).astype(KINDS[kind]))
        else:
            self.arrays[name] = self.driver.array(numpy.array([number(v, KINDS[kind]) for v in values], KINDS[kind]))

    def launch(self, name, grid, block, *arguments):
        values = []
        for argument in arguments:
            if argument in self.arrays:
                values.append(self.arrays[argument])
                continue
            value, kind = argument.split(":")
            # `a+8:ptr` is an address in an array.
            if kind == "ptr":
                base, offset = value.split("+")
                values.append(numpy.uint64(self.arrays[base].address.value + int(offset)))
            else:
                values.append(number(value, KINDS[kind]))
        self.module.launch(name, dimensions(grid), dimensions(block), *values, shared=self.dynamic)

    def expect(self, name, *values):
        array = self.arrays[name].read()
        bits = "u%d" % array.itemsize
        for place, (got, text) in enumerate(zip(array, values, strict=True)):
            if text == "*":
                continue
            want = number(text, array.dtype)
            same = got.view(bits) == want.view(bits) or (got != got and want != want and not text.startswith("0x"))
            if not same:
                self.wrong.append("%s[%d] is %r (0x%x), expected %s" % (name, place, got, got.view(bits), text))

    def expect_all(self, name, value):
        self.expect(name, *[value] * self.arrays[name].shape[0])

    def free(self, name):
        self.arrays[name].free()

    def shared(self, number):
        self.dynamic = int(number)

    def reuse(self, name, number):
        self.driver.call("standInReuse", self.arrays[name].address, ctypes.c_size_t(int(number)), None)

    def keep(self):
        self.keeps = True

    def error(self, *_):
        pass

    finds = counts = options = error


def main():
    wrong = Run(sys.argv[2], sys.argv[1]).run()
    for line in wrong:
        print(line)
    sys.stdout.flush()
    sys.exit(int(bool(wrong)))


if __name__ == "__main__":
    main()
