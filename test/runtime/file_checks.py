"""loadtxt, genfromtxt, savetxt, .npy and .npz against NumPy, on the same files."""
import gzip
import os
import warnings

import numpy as np

from text_checks import Comparison, outcome

TEXTS = ["1,2\n3,4\n", "# c\n1,2 # x\n\n 3 , 4\n", "5\n", "5,6\n", "5\n6\n", "1,2\r\n3,4\r\n", "nan,inf\n-Infinity,1e3\n",
         "1,,2\n", "1,x\n", "1;2\n", "", "#a\n#b\n", "1,2\n3\n", "1,2\n3,4,5\n", "1_0,2\n", "0x10,1\n", "1,2,\n", ",\n",
         "a,b\n1,2\n", "1,2,3\n4,5,6\n7,8,9\n", "it's,1\n", "  1.5,2\n", "1,2\n3,\n5,6\n", "1,2\n\n\n3,4", "x\n1,2\n", "1,2\n3,4,5\n6\n"]
SPACED = ["1 2\n3 4\n", " 1  2\t3\n4 5 6 \n", "7\n", "1 2\n3 4 5\n", "a b\n1 2\n", " \n1 2\n", "# h\n1 2 # t\n", "1 2\n 3 \n"]


def check_tables(runtime, same, folder):
    path = os.path.join(folder, "table.csv")
    for text, delimiter in [(t, ",") for t in TEXTS] + [(t, None) for t in SPACED]:
        with open(path, "w", newline="") as file:
            file.write(text)
        with gzip.open(path + "2.gz", "wt", newline="") as file:
            file.write(text)
        for skip in (0, 1):
            for columns in (None, [0], [1, 0], [-1], [2]):
                for name in (path, path + "2.gz"):
                    index = None if columns is None else np.array(columns)
                    compare(same, f"loadtxt({text!r}, skip={skip}, usecols={columns})",
                            lambda: runtime.call("mpy_loadtxt", name, delimiter, "#", skip, -1, index,
                                                 kind="float64", placed=True, results=2),
                            lambda: np.loadtxt(name, delimiter=delimiter, skiprows=skip, usecols=columns))
                    compare(same, f"genfromtxt({text!r}, skip={skip}, usecols={columns})",
                            lambda: runtime.call("mpy_genfromtxt", name, delimiter, "#", skip, 0, index,
                                                 kind="float64", placed=True, results=2),
                            lambda: np.genfromtxt(name, delimiter=delimiter, skip_header=skip, usecols=columns))
    for rows in (1, 2):
        with open(path, "w") as file:
            file.write("1,2\n3,4\n5,6\n")
        compare(same, "max_rows", lambda: runtime.call("mpy_loadtxt", path, ",", "#", 0, rows, None,
                                                       kind="float64", placed=True, results=2),
                lambda: np.loadtxt(path, delimiter=",", max_rows=rows))
        compare(same, "skip_footer", lambda: runtime.call("mpy_genfromtxt", path, ",", "#", 0, rows, None,
                                                          kind="float64", placed=True, results=2),
                lambda: np.genfromtxt(path, delimiter=",", skip_footer=rows))
    missing = os.path.join(folder, "nope.csv")
    compare(same, "missing", lambda: runtime.call("mpy_loadtxt", missing, ",", "#", 0, -1, None, kind="float64",
                                                  placed=True, results=2), lambda: np.loadtxt(missing))


def compare(same, what, found, expected):
    found = outcome(found)
    expected = outcome(expected)
    if isinstance(expected, np.ndarray):
        if isinstance(found, tuple):
            matrix, rank = found
            shape = () if rank == 0 else (matrix.size,) if rank == 1 else matrix.shape
            found = matrix.reshape(shape)
            found, expected = (found.shape, repr(found.tolist())), (expected.shape, repr(expected.tolist()))
    same(what, found, expected)


def check_saved_text(runtime, same, folder):
    ours, theirs = os.path.join(folder, "ours.txt"), os.path.join(folder, "theirs.txt")
    rng = np.random.default_rng(5)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal(5), rng.integers(-9, 9, (2, 3)),
              rng.standard_normal((4, 3)).T, rng.standard_normal((2, 2)).astype(np.float32), np.zeros((0, 3))]
    for array in arrays:
        columns = 1 if array.ndim == 1 else array.shape[1]
        for form in ("%.18e", "%d", "%8.3f", "<%g>", ";".join(["%.2f"] * columns)):
            for header in ("", "two\nlines"):
                runtime.call("mpy_savetxt", ours, array, form, ",", "\n", header, "end", "# ", kind="void", placed=True)
                np.savetxt(theirs, array, form, ",", header=header, footer="end")
                same(f"savetxt {form} {array.shape}", open(ours).read(), open(theirs).read())


def check_binary(runtime, same, folder):
    path = os.path.join(folder, "array.npy")
    archive = os.path.join(folder, "arrays.npz")
    rng = np.random.default_rng(6)
    codes = {"bool": 0, "int32": 1, "int64": 2, "float32": 3, "float64": 4}
    for dtype, code in codes.items():
        for shape in ((), (5,), (0, 3), (2, 3), (2, 3, 4)):
            array = (rng.standard_normal(shape) * 3).astype(dtype)
            for form in (array, np.asfortranarray(array), array.T):
                form = np.asarray(form)
                np.save(path, form)
                load = lambda name, *more: runtime.call(name, *more, code, form.ndim, kind=dtype, placed=True,
                                                        results=form.ndim)[0] if form.ndim else form
                same(f"load {dtype} {shape}", load("mpy_load_npy", path).tolist(), form.tolist())
                for save in (np.savez, np.savez_compressed):
                    save(archive, x=form, other=np.arange(3))
                    same(f"load npz {dtype} {shape}", load("mpy_load_npz", archive, "x").tolist(), form.tolist())
                runtime.call("mpy_save_npy", path, form, kind="void", placed=True)
                back = np.load(path)
                same(f"save {dtype} {shape}", (back.dtype.name, back.shape, back.tolist()),
                     (form.dtype.name, form.shape, form.tolist()))
                np.save(path + "2.npy", np.ascontiguousarray(form).reshape(form.shape))
                same("the same file", open(path, "rb").read(), open(path + "2.npy", "rb").read())
    check_archive(runtime, same, archive)
    missing = os.path.join(folder, "nope.npy")
    same("missing", outcome(lambda: runtime.call("mpy_load_npy", missing, 4, 1, kind="float64", placed=True, results=1)),
         outcome(lambda: np.load(missing)))


def check_archive(runtime, same, archive):
    import ctypes as c
    arrays = {"first": np.arange(6.0).reshape(2, 3), "second": np.arange(4, dtype=np.int32)}
    views = [runtime.view(array) for array in arrays.values()]
    names = [runtime.lib.mpy_string_from(name.encode(), len(name)) for name in arrays]
    view_list = (c.c_void_p * 2)(*[c.addressof(view[0]) for view in views])
    name_list = (c.c_void_p * 2)(*names)
    runtime.call("mpy_save_npz", archive, c.addressof(name_list), c.addressof(view_list), 2, kind="void", placed=True)
    for name in names:
        runtime.lib.mpy_release(name)
    with np.load(archive) as back:
        same("save npz", {k: v.tolist() for k, v in back.items()}, {k: v.tolist() for k, v in arrays.items()})


def check(runtime, folder):
    same = Comparison()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_tables(runtime, same, folder)
        check_saved_text(runtime, same, folder)
        check_binary(runtime, same, folder)
    return same
