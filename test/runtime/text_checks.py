"""Scalars, formats and string methods against Python itself, errors included."""
import random
import struct

import numpy as np

from runtime_library import PythonError


def outcome(function):
    try:
        return function()
    except PythonError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Comparison:
    """Counts differences and shows the first few."""

    def __init__(self):
        self.different = 0
        self.compared = 0

    def __call__(self, what, found, expected):
        self.compared += 1
        if found == expected or (found != found and expected != expected):
            return
        self.different += 1
        if self.different <= 10:
            print(f"{what}\n  expected: {expected!r}\n  found:    {found!r}")


def random_float(rng):
    kind = rng.randrange(9)
    if kind == 0:
        return struct.unpack("d", rng.getrandbits(64).to_bytes(8, "little"))[0]
    if kind == 1:
        return rng.choice([0.0, -0.0, 1.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1e16,
                           1e-5, 1e-4, 123456789.0, 0.1, 1e22, 2.5, 0.5, 1.5, 1e100, 9.5, 99.95])
    if kind == 2:
        return rng.choice([-1, 1]) * 2.0 ** rng.randrange(-1074, 1023)
    if kind == 3:
        return round(rng.uniform(-1000, 1000), rng.randrange(6))
    if kind == 4:
        return float(rng.randrange(-10 ** 6, 10 ** 6))
    return rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 25)


def random_int(rng):
    return rng.choice([rng.randrange(-20, 20), rng.randrange(-2 ** 63, 2 ** 63),
                       rng.randrange(-10 ** 6, 10 ** 6), 0, 2 ** 63 - 1, -2 ** 63])


def random_spec(rng, letters):
    spec = ""
    if rng.random() < 0.3:
        spec += rng.choice(["", "*", "0", "é", " "]) + rng.choice("<>^=")
    if rng.random() < 0.3:
        spec += rng.choice("+- ")
    if rng.random() < 0.1:
        spec += "z"
    if rng.random() < 0.15:
        spec += "#"
    if rng.random() < 0.2:
        spec += "0"
    if rng.random() < 0.6:
        spec += str(rng.randrange(0, 25))
    if rng.random() < 0.2:
        spec += rng.choice(",_")
    if rng.random() < 0.4:
        spec += "." + str(rng.randrange(0, 20))
    if rng.random() < 0.8:
        spec += rng.choice(letters)
    return spec


def check_formats(runtime, same, rng, count):
    for _ in range(count):
        value, number, spec = random_float(rng), random_int(rng), random_spec(rng, "eEfFgG%nd")
        found = outcome(lambda: runtime.call("mpy_format_float", spec, value, kind="text", placed=True))
        same(f"format({value!r}, {spec!r})", found, outcome(lambda: format(value, spec)))
        spec = random_spec(rng, "bcdoxXneEfFgG%s")
        if not spec.endswith("c"):
            found = outcome(lambda: runtime.call("mpy_format_int", number, spec, kind="text", placed=True))
            same(f"format({number!r}, {spec!r})", found, outcome(lambda: format(number, spec)))
        text, spec = rng.choice(["", "abc", "häß", "long text here"]), random_spec(rng, "sd")
        found = outcome(lambda: runtime.call("mpy_format_string", text, spec, kind="text", placed=True))
        same(f"format({text!r}, {spec!r})", found, outcome(lambda: format(text, spec)))
        flags = "".join(c for c in "-+ #0" if rng.random() < 0.2)
        spec = flags + rng.choice(["", str(rng.randrange(0, 20))]) + rng.choice(["", "." + str(rng.randrange(0, 15))])
        letter = rng.choice("diuoxXeEfFgGrs")
        spec += letter
        found = outcome(lambda: runtime.call("mpy_percent_int", number, spec, kind="text", placed=True))
        same(f"'%{spec}' % {number!r}", found, outcome(lambda: ("%" + spec) % number))
        found = outcome(lambda: runtime.call("mpy_percent_float", spec, value, kind="text", placed=True))
        same(f"'%{spec}' % {value!r}", found, outcome(lambda: ("%" + spec) % value))
        found = outcome(lambda: runtime.call("mpy_percent_string", text, spec, kind="text", placed=True))
        same(f"'%{spec}' % {text!r}", found, outcome(lambda: ("%" + spec) % text))


def check_scalars(runtime, same, rng, count):
    for _ in range(count):
        value = random_float(rng)
        same(f"str({value!r})", runtime.call("mpy_str_float", value, kind="text"), str(value))
        same(f"repr(float64 {value!r})", runtime.call("mpy_repr_float64", value, kind="text"),
             repr(np.float64(value)))
        digits = rng.randrange(-20, 25)
        found = outcome(lambda: runtime.call("mpy_round_float", digits, value, kind="float", placed=True))
        same(f"round({value!r}, {digits})", repr(found), repr(outcome(lambda: round(value, digits))))
        number, digits = random_int(rng) // 16, rng.randrange(-18, 3)
        same(f"round({number}, {digits})", runtime.call("mpy_round_int", number, digits, placed=True),
             round(number, digits))
        bits = rng.getrandbits(32) if rng.random() < 0.7 else (rng.randrange(256) << 23)
        single = np.array([bits], dtype=np.uint32).view(np.float32)
        view = single.reshape(())
        same(f"str(float32 {single[0]!r})", runtime.call("mpy_array_str", view, kind="text"), str(single[0]))


PARSED = ["1", " 12 ", "1_000", "1__0", "_1", "1_", "+5", "-7", "0x1f", "0b11", "017", "", " ", "abc", "1.5",
          "1e5", "-1.5e-3", ".5", "5.", ".", "e5", "1e", "1e+", "inf", "-Infinity", "nan", "+nan", "infin",
          "1_0.0_1", "1._0", "9223372036854775807", "-9223372036854775808", "0_0", "00", "\t3\n", "1 2",
          "it's", 'say "hi"', "é", "0xg", "1e400", "z", "-", "--1"]

STRINGS = ["", "a", "hello", "  spaced out  ", "héllo wörld", "日本語", "aXbXc", "\t tab\n", "UPPER lower",
           "a,b,,c", "ß straße", "it's", 'q"q', "x" * 30, "-42", "+7", "12", "\\n \x01 \x7f"]


def check_strings(runtime, same, rng):
    text = dict(kind="text")
    for value in PARSED:
        same(f"float({value!r})", repr(outcome(lambda: runtime.call("mpy_parse_float", value, kind="float", placed=True))),
             repr(outcome(lambda: float(value))))
        for base in (10, 16, 2, 0):
            found = outcome(lambda: runtime.call("mpy_parse_int", value, base, placed=True))
            expected = outcome(lambda: int(value, base))
            # The one difference: an int has 64 bits.
            if isinstance(expected, int) and not -2 ** 63 <= expected < 2 ** 63:
                expected = "OverflowError: Python int too large to convert to C long"
            same(f"int({value!r}, {base})", found, expected)
    for value in STRINGS:
        same(f"repr({value!r})", runtime.call("mpy_repr_string", value, **text), repr(value))
        same(f"len({value!r})", runtime.call("mpy_string_length", value), len(value))
        for name in ("upper", "lower", "capitalize", "title"):
            same(f"{value!r}.{name}", runtime.call("mpy_string_" + name, value, **text), getattr(value, name)())
        for name in ("strip", "lstrip", "rstrip"):
            for characters in (None, " h", "é"):
                same(f"{value!r}.{name}({characters!r})",
                     runtime.call("mpy_string_" + name, value, characters, **text),
                     getattr(value, name)(characters))
        for name in ("isdigit", "isalpha", "isspace"):
            same(f"{value!r}.{name}", runtime.call("mpy_string_" + name, value) & 1, int(getattr(value, name)()))
        for width in (0, 3, 7, 12):
            same(f"{value!r}.zfill", runtime.call("mpy_string_zfill", value, width, **text), value.zfill(width))
            for name in ("ljust", "rjust", "center"):
                same(f"{value!r}.{name}({width})", runtime.call("mpy_string_" + name, value, width, "*", **text),
                     getattr(value, name)(width, "*"))
        for separator in (None, ",", "X", "l", "  "):
            count = runtime.call("mpy_string_split_count", value, separator, placed=True)
            pieces = [runtime.call("mpy_string_split_piece", value, separator, i, **text) for i in range(count)]
            same(f"{value!r}.split({separator!r})", pieces, value.split(separator))
        for part in ("", "l", "X", "ö", "  ", value):
            same(f"{value!r}.find({part!r})", runtime.call("mpy_string_find", value, part), value.find(part))
            same(f"{value!r}.rfind({part!r})", runtime.call("mpy_string_rfind", value, part), value.rfind(part))
            same(f"{value!r}.count({part!r})", runtime.call("mpy_string_count", value, part), value.count(part))
            same(f"{value!r}.replace({part!r})", runtime.call("mpy_string_replace", value, part, "<>", **text),
                 value.replace(part, "<>"))
            same("startswith", runtime.call("mpy_string_startswith", value, part) & 1, int(value.startswith(part)))
            same("endswith", runtime.call("mpy_string_endswith", value, part) & 1, int(value.endswith(part)))
        for _ in range(40):
            bounds = [rng.choice([None, rng.randrange(-12, 12)]) for _ in range(3)]
            found = outcome(lambda: runtime.call("mpy_string_slice", value, *[-2 ** 63 if b is None else b for b in bounds],
                                                 placed=True, **text))
            same(f"{value!r}[{bounds}]", found, outcome(lambda: value[slice(*bounds)]))
            index = rng.randrange(-8, 8)
            found = outcome(lambda: runtime.call("mpy_string_index", value, index, placed=True, **text))
            same(f"{value!r}[{index}]", found, outcome(lambda: value[index]))
        for other in STRINGS:
            order = (value > other) - (value < other)
            same(f"{value!r} < {other!r}", runtime.call("mpy_string_compare", value, other), order)


def check(runtime, count):
    rng, same = random.Random(1), Comparison()
    check_strings(runtime, same, rng)
    check_scalars(runtime, same, rng, count)
    check_formats(runtime, same, rng, count)
    return same
