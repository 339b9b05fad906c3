"""Calls the functions of signatures.mpy, compiled, in layouts of every kind: they compute what CPython does, and their
derivatives are those of finite differences.

    signature_calls.py FOLDER [SEED]
"""

import copy
import ctypes
import inspect
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [sys.argv[1], str(HERE.parents[1] / "lang/python")]
import signatures as compiled  # noqa: E402

plain = {"__name__": "plain"}
exec(compile((HERE / "signatures.mpy").read_text(), "signatures.mpy", "exec"), plain)
rng = np.random.RandomState(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
SINGLE = ("single", "single_sum", "cast")
# Those that take arrays without elements.
EMPTY = ("ranks", "branches", "masked", "single", "joined", "aliases", "sorted_down", "counted")


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def rebuilt(like, given):
    """The same structure with other leaves, taken one by one."""
    if isinstance(like, dict):
        return {key: rebuilt(part, given) for key, part in like.items()}
    if isinstance(like, (list, tuple)):
        return type(like)([rebuilt(part, given) for part in like])
    return next(given)


def mapped(function, value, *more):
    return rebuilt(value, iter([function(*each) for each in zip(leaves(value), *map(leaves, more))]))


def is_float(leaf):
    return np.asarray(leaf).dtype.kind == "f"


def other_layout(x):
    """Equal values in memory that is laid out otherwise."""
    if not isinstance(x, np.ndarray) or x.ndim == 0:
        return x
    kind = rng.randint(6)
    if kind == 0:
        return np.asfortranarray(x)
    if kind == 1:
        return x[::-1].copy()[::-1]
    if kind == 2:
        view = np.zeros([2 * n + 1 for n in x.shape], x.dtype)[tuple(slice(1, 2 * n + 1, 2) for n in x.shape)]
        view[...] = x
        return view
    if kind == 3:
        view = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
        view[...] = x
        return view
    return x.astype(x.dtype.newbyteorder(">")) if kind == 4 else x


def number_or_array(leaf, sizes):
    dtype = np.dtype(leaf["dtype"])
    if leaf.get("shape") is None:
        return {"f": float(rng.randn()), "i": int(rng.randint(1, 5)), "b": bool(rng.randint(2))}[dtype.kind]
    shape = [extent if isinstance(extent, int) else sizes.setdefault(extent, rng.randint(1, 5)) for extent in leaf["shape"]]
    return np.asarray(rng.randn(*shape) if dtype.kind == "f" else rng.randint(0, 2 if dtype.kind == "b" else 100, shape)).astype(dtype)


def form_of(annotation):
    if isinstance(annotation, dict):
        return {key: form_of(part) for key, part in annotation.items()}
    if isinstance(annotation, list) or getattr(annotation, "__origin__", None) is tuple:
        parts = [form_of(part) for part in (annotation if isinstance(annotation, list) else annotation.__args__)]
        return parts if isinstance(annotation, list) else tuple(parts)
    return None


def direction(value):
    """A float for each number, also of an integer."""
    def one(leaf):
        made = rng.randn(*np.shape(leaf))
        return np.asarray(made).astype(leaf.dtype if is_float(leaf) else float) if isinstance(leaf, np.ndarray) else float(made)
    return mapped(one, value)


def moved(arguments, wrt, directions, step):
    result = list(copy.deepcopy(arguments))
    for place, one in zip(wrt, directions):
        result[place] = mapped(lambda x, d: x + step * d if is_float(x) else x, arguments[place], one)
    return result


def dot(a, b):
    return sum(float(np.sum(np.asarray(x, float) * np.asarray(y, float))) for x, y in zip(leaves(a), leaves(b)))


def near(got, wanted, tolerance, what):
    got, wanted = leaves(got), leaves(wanted)
    assert len(got) == len(wanted), what
    for a, b in zip(got, wanted):
        assert np.shape(a) == np.shape(b), (what, np.shape(a), np.shape(b))
        np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=tolerance, atol=tolerance, err_msg=what)


def same_form(a, b, what):
    if isinstance(b, (list, tuple, dict)):
        assert type(a) is type(b) and len(a) == len(b) and (not isinstance(b, dict) or list(a) == list(b)), (what, a, b)
        for one, other in zip(a.values() if isinstance(a, dict) else a, b.values() if isinstance(b, dict) else b):
            same_form(one, other, what)
    elif isinstance(b, np.ndarray):
        assert a.dtype == b.dtype, (what, a.dtype, b.dtype)


def differences(function, arguments, wrt, directions, step):
    ahead, behind = (function(*moved(arguments, wrt, directions, signed)) for signed in (step, -step))
    return [(np.asarray(a, float) - np.asarray(b, float)) / (2 * step) if is_float(a) else 0.0 * np.asarray(a, float)
            for a, b in zip(leaves(ahead), leaves(behind))]


def check_derivative(name, described, arguments, value):
    kind, wrt, what = described["kind"], described["wrt"], f"{name}_{described['kind']}"
    function, step, tolerance = getattr(compiled, what), *((1e-2, 2e-2) if name in SINGLE else (1e-5, 2e-4))
    many = isinstance(function.wrt, tuple)
    directions = [direction(arguments[place]) for place in wrt]
    packed = mapped(other_layout, tuple(directions) if many else directions[0])
    changes = differences(lambda *given: plain[name](*copy.deepcopy(given)), arguments, wrt, directions, step)
    given = [mapped(other_layout, argument) for argument in arguments]
    if kind in ("grad", "value_and_grad"):
        grads = function(*given)
        if kind == "value_and_grad":
            near(grads[0], value, 1e-5, what)
            grads = grads[1]
        near(dot(grads, directions), float(changes[0]), tolerance, what)
        same_form(grads if many else (grads,), tuple(directions), what)
    elif kind == "jvp":
        result, tangent = function(*given, packed)
        near(result, value, 1e-5, what)
        near(tangent, changes, tolerance, what)
    elif kind == "vjp":
        cotangent = mapped(lambda x: direction(x) if is_float(x) else x, value)
        near(dot(function(*given, mapped(other_layout, cotangent)), directions),
             sum(dot(a, b) for a, b, leaf in zip(changes, leaves(cotangent), leaves(value)) if is_float(leaf)), tolerance, what)
    else:
        products = differences(getattr(compiled, name + "_grad"), arguments, wrt, directions, step)
        near(function(*given, packed), products, tolerance, what)


def check(name, kinds, empty):
    sizes = {"n": 100} if name == "taken" else {}
    given = iter([number_or_array(leaf, sizes) for leaf in kinds["value"]["parameters"]])
    annotated = [one.annotation for one in inspect.signature(plain[name]).parameters.values() if one.annotation is not one.empty]
    arguments = [rebuilt(form_of(annotation), given) for annotation in annotated]
    if empty:
        arguments = [mapped(lambda x: x[:0] if np.ndim(x) == 1 else x, argument) for argument in arguments]
    value = plain[name](*copy.deepcopy(arguments))
    lent = [mapped(other_layout, argument) for argument in arguments]
    before = copy.deepcopy(lent)
    result = getattr(compiled, name)(*lent)
    near(result, value, 1e-5 if name in SINGLE else 1e-10, name)
    same_form(result, value, name)
    for a, b in zip(leaves(lent), leaves(before)):
        np.testing.assert_array_equal(a, b, err_msg=f"{name} has changed its argument")
    for kind, described in kinds.items():
        if kind != "value":
            check_derivative(name, described, arguments, value)
    return len(kinds)


def main():
    compiled._library.signatures_metadata.restype = ctypes.c_char_p
    functions = {}
    for one in json.loads(compiled._library.signatures_metadata())["functions"]:
        functions.setdefault(one["of"], {})[one["kind"]] = one
    calls = sum(check(name, kinds, empty=trial == 5 and name in EMPTY) for name, kinds in functions.items() for trial in range(6))
    print(f"{calls} calls of {len(functions)} functions and their derivatives agree with CPython and finite differences")


main()
