"""Functions with their own derivative rules: JAX's, autograd's and MinPy's ways of saying it."""

import numpy
from autograd.core import VJPNode
from autograd.tracer import new_box

from .dispatch import any_traced, from_box, is_traced, lift, primal, wrap
from .gradients import Run, flat_boxes


def _apply(forward, backward, args):
    """Calls `forward(*args)` as one step of the innermost trace, with `backward(kept, ans, g)` as
    its rule.

    Only that trace's boxes come off: what the rule does is itself traced by the outer ones.
    """
    lifted = [lift(a) if is_traced(a) else None for a in args]
    top = max(box._trace for box in lifted if box is not None)
    places = [k for k, box in enumerate(lifted) if box is not None and box._trace == top]
    inner = list(args)
    for place in places:
        inner[place] = from_box(lifted[place]._value)
    result, kept = forward(*inner)
    node = VJPNode.new_root()
    node.parents = [lifted[place]._node for place in places]

    def pull(g):
        cotangents = backward(kept, result, from_box(g))
        return [lift(cotangents[place]) for place in places]

    node.vjp = pull
    value = lift(result)
    return from_box(new_box(float(value) if isinstance(value, int) else value, top, node))


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
            pulled = {}
            for place in traced:
                if place not in self.makers:
                    raise NotImplementedError(
                        "VJP of %s wrt argnums (%d,) not defined" % (self.__name__, place)
                    )
                pulled[place] = self.makers[place](ans, *values, **kwargs)(g)
            return pulled

        traced = [k for k, a in enumerate(args) if is_traced(a)]

        return _apply(lambda *values: (self.function(*values, **kwargs), values), backward, args)

    def def_grad(self, maker, argnum=0):
        self.makers[argnum] = maker


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
