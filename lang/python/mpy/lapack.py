"""LAPACK's routines for CPython, as runtime/Lapack.cpp calls them; SciPy is imported when one is used."""

import numpy


def _lu(routines, a, flags):
    lu, pivots, _ = routines.dgetrf(a)
    order = numpy.arange(a.shape[0])
    for k, p in enumerate(pivots):
        order[[k, p]] = order[[p, k]]
    return lu, pivots.astype(numpy.int64), order


def _cholesky(routines, a, flags):
    lower, info = routines.dpotrf(a, lower=1, clean=1)
    return lower, numpy.array([int(info != 0)])


def _qr(routines, a, flags):
    q, r = numpy.linalg.qr(a, "complete" if flags else "reduced")
    return q, r


def _eigh(routines, a, flags):
    if flags & 2:
        w, v, _, _, info = routines.dsyevr(a, lower=not flags & 1)
    else:
        w, v, info = routines.dsyevd(a, lower=not flags & 1)
    return w, v, numpy.array([int(info != 0)])


def _svd(routines, a, flags):
    u, s, vt, info = routines.dgesdd(a, full_matrices=int(bool(flags)))
    return u, s, vt, numpy.array([int(info != 0)])


def _eig(routines, a, flags):
    real, imaginary, _, v, info = routines.dgeev(a, compute_vl=0)
    return real, imaginary, v, numpy.array([int(info != 0)])


_ROUTINES = {"lu": _lu, "cholesky": _cholesky, "qr": _qr, "eigh": _eigh, "svd": _svd, "eig": _eig}


def _solved_triangle(routines, t, b, flags):
    if b.size == 0:
        return b.copy()
    return routines.dtrtrs(t, b, lower=flags & 1, trans=flags >> 1 & 1, unitdiag=flags >> 2 & 1)[0]


def factors(routine, a, flags, b):
    from scipy.linalg import lapack as routines

    if routine == "triangular":
        if b.ndim == 2:
            return (_solved_triangle(routines, a, b, flags),)
        triangles = numpy.broadcast_to(a, b.shape[:-2] + a.shape[-2:])
        return (numpy.array([factors(routine, t, flags, x)[0] for t, x in zip(triangles, b)]).reshape(b.shape),)
    if a.ndim == 2:
        return tuple(numpy.ascontiguousarray(part) for part in _ROUTINES[routine](routines, a, flags))
    parts = [factors(routine, matrix, flags, None) for matrix in a]
    return tuple(numpy.array(part) for part in zip(*parts))
