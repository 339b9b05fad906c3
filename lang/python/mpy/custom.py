"""Functions with their own derivative rules: JAX's, autograd's and MinPy's ways of saying it."""

import numpy
from autograd.extend import defvjp_argnums as _set_rule
from autograd.extend import primitive as _primitive

from . import scalars, trace
from .dispatch import any_traced, from_box, is_traced, lift, primal, wrap
from .gradients import Run, flat_boxes, outcome


def _program(value):
    return from_box(value) if not isinstance(value, (bool, int, float)) or isinstance(value, numpy.generic) else value


def _apply(forward, backward, args):
    """Calls `forward(*args)` as one step of the trace, with `backward(kept, ans, g)` as its rule."""
    kept = {}

    def compute(*values):
        rebuilt = list(args)
        for place, value in zip(places, values):
            rebuilt[place] = _program(value)
        result, kept["state"] = forward(*rebuilt)
        kept["result"] = result
        return lift(result)

    places = [k for k, a in enumerate(args) if is_traced(a)]
    step = _primitive(compute)

    def rule(argnums, ans, values, options):
        def pull(g):
            cotangents = backward(kept["state"], kept["result"], _program(g))
            return [lift(cotangents[places[k]]) for k in argnums]

        return pull

    _set_rule(step, rule)
    result = from_box(step(*[lift(args[k]) for k in places]))
    if type(kept["result"]) is float or type(kept["result"]) is scalars.TracedFloat:
        return scalars.python_float(result) if type(result) in scalars.TRACED else result
    return result


class custom_vjp:
    """`f.defvjp(fwd, bwd)`: fwd gives (value, kept), bwd(kept, g) a tuple of cotangents."""

    def __init__(self, function):
        self.function = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def defvjp(self, forward, backward):
        self.forward, self.backward = forward, backward

    def __call__(self, *args):
        if not any_traced(args, None):
            return self.function(*args)
        return _apply(self.forward, lambda state, ans, g: self.backward(state, g), args)


class custom_jvp:
    """`f.defjvp(rule)`: rule(primals, tangents) gives (value, tangent)."""

    def __init__(self, function):
        self.function = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def defjvp(self, rule):
        self.rule = rule
        return rule

    def __call__(self, *args):
        if not any_traced(args, None):
            return self.function(*args)

        def backward(primals, ans, g):
            def push(*tangents):
                return self.rule(primals, tangents)[1]

            zeros = tuple(wrap(numpy.zeros_like(primal(p), dtype=float))[()] for p in primals)
            run = Run(push, zeros, {}, range(len(zeros)), False)
            return run.gradients(list(flat_boxes(g)))

        return _apply(lambda *values: (self.function(*values), values), backward, args)


class primitive:
    """autograd's `@primitive`; its rules come from `defvjp`."""

    def __init__(self, function):
        self.function, self.makers = function, {}
        self.__name__, self.__doc__ = getattr(function, "__name__", "primitive"), function.__doc__

    def __call__(self, *args, **kwargs):
        if not any_traced(args, kwargs):
            return self.function(*args, **kwargs)

        def backward(values, ans, g):
            places = [k for k, a in enumerate(args) if is_traced(a) or k in self.makers]
            pulled = [None] * len(args)
            for place in places:
                maker = self.makers.get(place)
                if maker is not None:
                    pulled[place] = maker(ans, *values, **kwargs)(g)
            for place, argument in enumerate(args):
                if pulled[place] is None:
                    pulled[place] = 0.0 * _zeros(values[place])
            return pulled

        return _apply(lambda *values: (self.function(*values, **kwargs), values), backward, args)

    def def_grad(self, maker, argnum=0):
        self.makers[argnum] = maker


def _zeros(value):
    return numpy.zeros(numpy.shape(primal(value)))


def defvjp(step, *makers, argnums=None):
    for place, maker in zip(argnums if argnums is not None else range(len(makers)), makers):
        if maker is not None:
            step.makers[place] = maker


def customop(kind="numpy"):
    """MinPy's decorator; the rule comes with `f.def_grad(maker)`."""
    return primitive


def checkpoint(function):
    """Recomputes in the backward sweep where that saves memory; the values are the same."""
    return function


__all__ = ["custom_vjp", "custom_jvp", "primitive", "defvjp", "customop", "checkpoint", "outcome", "trace"]
