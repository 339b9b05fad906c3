"""Derivative rules on top of autograd's: moving elements, and the special points of the language.

Where the language decides a point that the textbook rule leaves as 0*inf (the inactive branch of a
`where`, `norm` at 0, a product with zeros) the rule here replaces autograd's. All are written with
traced operations, so each can be differentiated again.
"""

import math

import autograd.numpy as anp
import numpy
from autograd.extend import defvjp, primitive
from autograd.numpy.numpy_vjps import replace_zero, unbroadcast_f
from autograd.tracer import trace_primitives_map

from .trace import bare

_metadata_of_arrays = anp.metadata
_FLOAT = ((), 0, numpy.dtype(float), False)


def _metadata(value):
    """autograd asks every operand of every operation; NumPy is slow to answer for numbers."""
    value = bare(value)
    return _FLOAT if type(value) is float else _metadata_of_arrays(value)


anp.metadata = _metadata
anp.where = trace_primitives_map[numpy.where]  # without the wrapper, whose rules cannot be replaced

# Moving elements -------------------------------------------------------------------------------


@primitive
def take(x, numbers):
    """Elements of x by their number in C order."""
    return numpy.reshape(x, -1)[numbers]


@primitive
def scatter(g, numbers, shape):
    """Zeros of a shape with g added at the numbered elements."""
    result = numpy.zeros(math.prod(shape), numpy.result_type(g))
    numpy.add.at(
        result, numpy.ravel(numbers), numpy.ravel(numpy.broadcast_to(g, numpy.shape(numbers)))
    )
    return result.reshape(shape)


@primitive
def put(base, numbers, value):
    """A copy of base with other values at the numbered elements, which are all different."""
    result = numpy.array(base, order="C")
    result.reshape(-1)[numbers] = value
    return result


defvjp(take, lambda ans, x, numbers: lambda g: scatter(g, numbers, anp.shape(x)), None)
defvjp(
    scatter, lambda ans, g, numbers, shape: unbroadcast_f(g, lambda h: take(h, numbers)), None, None
)
defvjp(
    put,
    lambda ans, base, numbers, value: lambda g: put(g, numbers, 0.0),
    None,
    lambda ans, base, numbers, value: unbroadcast_f(value, lambda g: take(g, numbers)),
)


@primitive
def cast(x, dtype):
    return numpy.asarray(x).astype(dtype)[()]


@primitive
def python_number(x):
    """The value as a Python float, whose arithmetic is weak in promotion."""
    return float(numpy.reshape(x, ()))


defvjp(cast, lambda ans, x, dtype: lambda g: cast(g, anp.result_type(x)), None)
defvjp(python_number, lambda ans, x: lambda g: anp.reshape(g, anp.shape(x)))


@primitive
def spread(x, shape):
    return numpy.array(numpy.broadcast_to(x, shape))


defvjp(spread, lambda ans, x, shape: unbroadcast_f(x, lambda g: g), None)


def shaped(x, shape, dtype):
    """x broadcast to a shape, as a dtype."""
    if anp.shape(x) != tuple(shape):
        x = spread(x, tuple(shape))
    if anp.result_type(x) != dtype:
        x = cast(x, dtype)
    return x


# Products and quotients in which a zero wins over what it meets, infinity and NaN too --------------


def _zero_wins(result, zero):
    if numpy.isnan(result).any():
        return numpy.where(zero & numpy.isnan(result), numpy.zeros_like(result), result)[()]
    return result


@primitive
def scaled(g, factor):
    zero = numpy.equal(g, 0) | numpy.equal(factor, 0)
    return _zero_wins(numpy.multiply(g, factor), zero)


@primitive
def ratio(g, divisor):
    return _zero_wins(numpy.true_divide(g, divisor), numpy.equal(g, 0))


defvjp(
    scaled,
    lambda ans, g, factor: unbroadcast_f(g, lambda h: scaled(h, factor)),
    lambda ans, g, factor: unbroadcast_f(factor, lambda h: scaled(h, g)),
)
defvjp(
    ratio,
    lambda ans, g, divisor: unbroadcast_f(g, lambda h: ratio(h, divisor)),
    lambda ans, g, divisor: unbroadcast_f(divisor, lambda h: -ratio(scaled(h, ans), divisor)),
)

defvjp(
    anp.multiply,
    lambda ans, x, y: unbroadcast_f(x, lambda g: scaled(g, y)),
    lambda ans, x, y: unbroadcast_f(y, lambda g: scaled(g, x)),
)
for _divide in {anp.divide, anp.true_divide}:
    defvjp(
        _divide,
        lambda ans, x, y: unbroadcast_f(x, lambda g: ratio(g, y)),
        lambda ans, x, y: unbroadcast_f(y, lambda g: -ratio(scaled(g, ans), y)),
    )


def _power_base(ans, x, y):
    def pull(g):
        if isinstance(y, (int, float)) and not isinstance(y, numpy.generic):
            if y == 0:
                return anp.zeros(anp.shape(g)) * g
            if y == 1:
                return g
            if y == 2:
                return scaled(g, 2 * x)
            return scaled(g, y * x ** (y - 1))
        return scaled(g, y * x ** anp.where(y, y - 1, 1.0))

    return unbroadcast_f(x, pull)


def _power_exponent(ans, x, y):
    return unbroadcast_f(y, lambda g: scaled(g, anp.log(replace_zero(x, 1.0)) * x**y))


defvjp(anp.power, _power_base, _power_exponent)
if hasattr(numpy, "float_power"):
    defvjp(anp.float_power, _power_base, _power_exponent)

# Elementwise -----------------------------------------------------------------------------------

_ELEMENTWISE = {
    "sqrt": lambda g, ans, x: ratio(g, 2 * ans),
    "exp": lambda g, ans, x: scaled(g, ans),
    "exp2": lambda g, ans, x: scaled(g, ans * math.log(2)),
    "expm1": lambda g, ans, x: scaled(g, ans + 1),
    "log": lambda g, ans, x: ratio(g, x),
    "log2": lambda g, ans, x: ratio(g, x * math.log(2)),
    "log10": lambda g, ans, x: ratio(g, x * math.log(10)),
    "log1p": lambda g, ans, x: ratio(g, x + 1),
    "reciprocal": lambda g, ans, x: -ratio(g, x * x),
    "square": lambda g, ans, x: scaled(g, 2 * x),
    "cbrt": lambda g, ans, x: ratio(g, 3 * ans * ans),
    "tan": lambda g, ans, x: scaled(g, 1 + ans * ans),
    "tanh": lambda g, ans, x: scaled(g, 1 - ans * ans),
    "sin": lambda g, ans, x: scaled(g, anp.cos(x)),
    "cos": lambda g, ans, x: -scaled(g, anp.sin(x)),
    "sinh": lambda g, ans, x: scaled(g, anp.cosh(x)),
    "cosh": lambda g, ans, x: scaled(g, anp.sinh(x)),
    "arcsin": lambda g, ans, x: ratio(g, anp.sqrt((1 - x) * (1 + x))),
    "arccos": lambda g, ans, x: -ratio(g, anp.sqrt((1 - x) * (1 + x))),
    "arctan": lambda g, ans, x: ratio(g, 1 + x * x),
    "arcsinh": lambda g, ans, x: ratio(g, anp.sqrt(x * x + 1)),
    "arccosh": lambda g, ans, x: ratio(g, anp.sqrt((x - 1) * (x + 1))),
    "arctanh": lambda g, ans, x: ratio(g, (1 - x) * (1 + x)),
    "absolute": lambda g, ans, x: scaled(g, anp.sign(x)),
    "fabs": lambda g, ans, x: scaled(g, anp.sign(x)),
    "sinc": lambda g, ans, x: scaled(g, sinc_slope(math.pi * x, 1) * math.pi),
}


def _elementwise(pull):
    return lambda ans, x: lambda g: pull(g, ans, x)


for _name, _pull in _ELEMENTWISE.items():
    defvjp(getattr(anp, _name), _elementwise(_pull))

def _binary(pull_x, pull_y):
    return (
        lambda ans, x, y: unbroadcast_f(x, lambda g: pull_x(g, ans, x, y)),
        lambda ans, x, y: unbroadcast_f(y, lambda g: pull_y(g, ans, x, y)),
    )


defvjp(
    anp.arctan2,
    *_binary(
        lambda g, ans, y, x: scaled(g, x / (x * x + y * y)),
        lambda g, ans, y, x: -scaled(g, y / (x * x + y * y)),
    )
)

defvjp(
    anp.fmod,
    *_binary(
        lambda g, ans, x, y: g,
        lambda g, ans, x, y: -scaled(g, numpy.trunc(bare(x) / bare(y))),
    )
)


def _direction(x, length):
    """x / length, 0 where the length is 0."""
    return anp.where(length, x, 0.0) / anp.where(length, length, 1.0)


defvjp(
    anp.hypot,
    *_binary(
        lambda g, ans, x, y: scaled(g, _direction(x, ans)),
        lambda g, ans, x, y: scaled(g, _direction(y, ans)),
    )
)


def _share(x, y, ans):
    """How much of the cotangent of max or min goes to x: all, nothing, or half at a tie."""
    x, y, ans = bare(x), bare(y), bare(ans)
    return numpy.where(numpy.equal(x, y), 0.5, numpy.where(numpy.equal(x, ans), 1.0, 0.0))


for _choice in (anp.maximum, anp.minimum):
    defvjp(
        _choice,
        *_binary(
            lambda g, ans, x, y: scaled(g, _share(x, y, ans)),
            lambda g, ans, x, y: scaled(g, _share(y, x, ans)),
        )
    )


def _weight(x, y, ans):
    """exp(x - logaddexp(x, y)); infinities as maximum shares."""
    infinite = numpy.isinf(bare(ans))
    return anp.where(infinite, _share(x, y, ans), anp.exp(x - ans))


defvjp(
    anp.logaddexp,
    *_binary(
        lambda g, ans, x, y: scaled(g, _weight(x, y, ans)),
        lambda g, ans, x, y: scaled(g, _weight(y, x, ans)),
    )
)


@primitive
def sinc_slope(x, order):
    """The derivative of sin(x) / x of an order: by its series beside 0."""
    small = numpy.abs(x) < order + 1
    far = numpy.where(small, order + 1.0, x)
    result = numpy.sin(far) / far
    for n in range(1, order + 1):
        result = (numpy.sin(far + n * math.pi / 2) - n * result) / far
    near, series = numpy.where(small, x, 0.0), 0.0
    for k in range((order + 1) // 2, (order + 1) // 2 + 20):
        power = 2 * k - order
        series = series + (-1) ** k * near**power / (math.factorial(power) * (2 * k + 1))
    return numpy.where(small, series, result)[()]


defvjp(sinc_slope, lambda ans, x, order: lambda g: scaled(g, sinc_slope(x, order + 1)), None)


def _extreme(ans, x, axis=None, keepdims=False):
    def pull(g):
        kept = bare(ans)
        if not keepdims:
            axes = tuple(range(numpy.ndim(bare(x)))) if axis is None else axis
            kept = numpy.expand_dims(kept, axes)
            g = anp.expand_dims(g, axes)
        chosen = numpy.equal(bare(x), kept)
        count = numpy.sum(chosen, axis=axis, keepdims=True)
        return anp.where(chosen, ratio(g, numpy.where(count, count, 1)), 0.0)

    return pull


for _extremum in {anp.max, anp.min, anp.amax, anp.amin}:
    defvjp(_extremum, _extreme)

defvjp(
    anp.clip,
    lambda ans, x, a_min, a_max: unbroadcast_f(
        x, lambda g: anp.where((bare(ans) != bare(a_min)) & (bare(ans) != bare(a_max)), g, 0.0)
    ),
)
defvjp(
    anp.where,
    None,
    lambda ans, c, x, y: unbroadcast_f(x, lambda g: anp.where(c, g, 0.0)),
    lambda ans, c, x, y: unbroadcast_f(y, lambda g: anp.where(c, 0.0, g)),
)


@primitive
def root(x):
    """The square root with derivative 0 at 0, for norms and standard deviations."""
    return numpy.sqrt(x)


defvjp(
    root,
    lambda ans, x: lambda g: scaled(g, anp.where(ans, 0.5, 0.0) / anp.where(ans, ans, 1.0)),
)


@primitive
def error_function(x):
    return numpy.vectorize(math.erf, otypes=[float])(x)[()]


defvjp(error_function, lambda ans, x: lambda g: scaled(g, (2 / math.sqrt(math.pi)) * anp.exp(-x * x)))
