"""Special functions for CPython: SciPy's values, with derivatives as the compiler's operations have them.

What the library's files reach as `mpy._primitives.erf` and so on; SciPy is imported when one is used.
"""

import math

import autograd.numpy as anp
import numpy
from autograd.extend import defvjp, primitive

from .dispatch import any_traced, from_box, lift, primal, wrap
from .rules import scaled

_FAMILIES = {
    "polygamma": lambda s, n, x: s.gammaln(x) if n < 0 else s.digamma(x) if n == 0 else s.polygamma(n, x),
    "bessel_j": lambda s, n, x: s.jv(n, x),
    "bessel_y": lambda s, n, x: s.yn(n, x),
    "bessel_i": lambda s, n, x: s.iv(n, x),
    "bessel_ie": lambda s, n, x: s.ive(n, x),
}


@primitive
def family(x, name, order):
    import scipy.special

    own = {0: name[-1:] + "0", 1: name[-1:] + "1"} if name != "bessel_ie" else {0: "i0e", 1: "i1e"}
    if name.startswith("bessel") and order in own:
        return getattr(scipy.special, own[order])(x)
    return _FAMILIES[name](scipy.special, order, x)


def _slope(x, name, n):
    if name == "polygamma":
        return family(x, name, n + 1)
    if n == 0:
        slope = family(x, name, 1) * (-1.0 if name in ("bessel_j", "bessel_y") else 1.0)
    else:
        after = family(x, name, n + 1)
        slope = (family(x, name, n - 1) + (-after if name in ("bessel_j", "bessel_y") else after)) * 0.5
    return slope - anp.sign(x) * family(x, name, n) if name == "bessel_ie" else slope


defvjp(family, lambda ans, x, name, n: lambda g: scaled(g, _slope(x, name, n)))


def _plain(name):
    def function(x):
        import scipy.special

        return getattr(scipy.special, name)(x)

    function.__name__ = name
    return primitive(function)


_ROOT = math.sqrt(math.pi)
_SLOPES = {
    "erf": lambda ans, x: anp.exp(-x * x) * (2 / _ROOT),
    "erfc": lambda ans, x: anp.exp(-x * x) * (-2 / _ROOT),
    "erfinv": lambda ans, x: anp.exp(ans * ans) * (_ROOT / 2),
    "erfcinv": lambda ans, x: anp.exp(ans * ans) * (-_ROOT / 2),
    "ndtr": lambda ans, x: anp.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    "log_ndtr": lambda ans, x: anp.exp(-0.5 * x * x - ans) / math.sqrt(2 * math.pi),
    "ndtri": lambda ans, x: anp.exp(0.5 * ans * ans) * math.sqrt(2 * math.pi),
    "gamma": lambda ans, x: ans * family(x, "polygamma", 0),
}
_functions = {}
for _name, _rule in _SLOPES.items():
    _functions[_name] = _plain(_name)
    defvjp(_functions[_name], lambda ans, x, _rule=_rule: lambda g: scaled(g, _rule(ans, x)))


def _call(function, x, *rest):
    if any_traced((x,), None):
        return from_box(function(lift(x), *rest))
    x = primal(x)
    return wrap(numpy.asarray(function(numpy.asarray(x), *rest)))[()]


def elementary(name):
    return lambda x: _call(_functions[name], x)


def special(name, order, x):
    return _call(family, x, name, int(order))


def stop_gradient(x):
    """The value alone: in every trace a constant."""
    return wrap(numpy.array(primal(x)))[()]
