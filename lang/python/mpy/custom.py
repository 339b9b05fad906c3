"""Functions with their own derivative rules: JAX's, autograd's and MinPy's ways of saying it."""

import numpy
from autograd.core import VJPNode
from autograd.tracer import new_box

from .dispatch import any_traced, from_box, is_traced, lift, primal, wrap
from .gradients import Run, flat_boxes


def _leaves(value):
    """The numbers and arrays inside, in order."""
    if isinstance(value, (list, tuple)):
        return [leaf for part in value for leaf in _leaves(part)]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    return [value]


def _rebuilt(value, leaves):
    """The same structure with other leaves, taken from an iterator."""
    if isinstance(value, (list, tuple)):
        return type(value)([_rebuilt(part, leaves) for part in value])
    if isinstance(value, dict):
        return {key: _rebuilt(part, leaves) for key, part in value.items()}
    return next(leaves)


def _matched(value, cotangent):
    """The cotangent of each leaf; None is a zero."""
    if cotangent is None:
        return [numpy.zeros(numpy.shape(primal(leaf))) for leaf in _leaves(value)]
    if isinstance(value, (list, tuple)):
        return [leaf for pair in zip(value, cotangent) for leaf in _matched(*pair)]
    if isinstance(value, dict):
        return [leaf for key in value for leaf in _matched(value[key], cotangent[key])]
    return [cotangent]


def _apply(forward, backward, args):
    """Calls `forward(*args)` as one step of the innermost trace, with `backward(kept, ans, g)` as
    its rule.

    Only that trace's boxes come off: what the rule does is itself traced by the outer ones.
    """
    leaves = _leaves(args)
    lifted = [lift(a) if is_traced(a) else None for a in leaves]
    top = max(box._trace for box in lifted if box is not None)
    places = [k for k, box in enumerate(lifted) if box is not None and box._trace == top]
    for place in places:
        leaves[place] = from_box(lifted[place]._value)
    inner = _rebuilt(args, iter(leaves))
    result, kept = forward(*inner)
    node = VJPNode.new_root()
    node.parents = [lifted[place]._node for place in places]

    def pull(g):
        cotangents = _matched(inner, backward(kept, result, from_box(g)))
        return [lift(cotangents[place]) for place in places]

    node.vjp = pull
    value = tuple([lift(part) for part in result]) if isinstance(result, tuple) else lift(result)
    return from_box(new_box(float(value) if isinstance(value, int) else value, top, node))


def _any_traced(args):
    return any_traced(_leaves(args), None)


def stop_gradient(value):
    """The value, whose derivative is 0 by everything."""

    def constant(leaf):
        return wrap(primal(leaf).copy()) if isinstance(leaf, numpy.ndarray) else primal(leaf)

    return _rebuilt(value, map(constant, _leaves(value)))


class custom_vjp:
    """`f.defvjp(fwd, bwd)`: fwd gives (value, kept), bwd(kept, g) a tuple of cotangents."""

    def __init__(self, function, nondiff_argnums=()):
        self.function, self.fixed = function, tuple(nondiff_argnums)
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def defvjp(self, forward, backward):
        self.forward, self.backward = forward, backward

    def __call__(self, *args):
        if not _any_traced(args):
            return self.function(*args)

        def backward(kept, ans, g):
            pulled = iter(self.backward(*[args[k] for k in self.fixed], kept, g))
            return [None if k in self.fixed else next(pulled) for k in range(len(args))]

        return _apply(self.forward, backward, args)


class custom_jvp:
    """`f.defjvp(rule)`: rule(primals, tangents) gives (value, tangent)."""

    def __init__(self, function):
        self.function = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def defjvp(self, rule):
        self.rule = rule
        return rule

    def defjvps(self, *rules):
        def rule(primals, tangents):
            value = self.function(*primals)
            pushed = [r(t, value, *primals) for r, t in zip(rules, tangents) if r]
            return value, sum(pushed[1:], pushed[0])

        self.rule = rule

    def __call__(self, *args):
        if not _any_traced(args):
            return self.function(*args)

        def backward(primals, ans, g):
            def push(*tangents):
                return self.rule(primals, tangents)[1]

            zeros = tuple(wrap(numpy.zeros_like(primal(p), dtype=float))[()] for p in primals)
            run = Run(push, zeros, {}, range(len(zeros)), False)
            return run.gradients(list(flat_boxes(g)))

        return _apply(lambda *values: (self.function(*values), values), backward, args)


class primitive:
    """autograd's `@primitive`; its rules come from `defvjp`, `defjvp` and their relatives."""

    def __init__(self, function):
        self.function, self.makers, self.pushes = function, {}, {}
        self.maker_of_all = None
        self.__name__, self.__doc__ = getattr(function, "__name__", "primitive"), function.__doc__

    def __call__(self, *args, **kwargs):
        if not any_traced(args, kwargs):
            return self.function(*args, **kwargs)

        def backward(values, ans, g):
            pulled = dict.fromkeys(range(len(args)))
            if self.maker_of_all:
                pulled.update(zip(traced, self.maker_of_all(traced, ans, values, kwargs)(g)))
                return list(pulled.values())
            for place in traced:
                if place in self.makers:
                    pulled[place] = self.makers[place](ans, *values, **kwargs)(g)
                elif place in self.pushes:
                    pulled[place] = self.transposed(place, ans, values, kwargs, g)
                else:
                    raise NotImplementedError(
                        "VJP of %s wrt argnums (%d,) not defined" % (self.__name__, place)
                    )
            return list(pulled.values())

        traced = [k for k, a in enumerate(args) if is_traced(a)]

        return _apply(lambda *values: (self.function(*values, **kwargs), values), backward, args)

    def transposed(self, place, ans, values, kwargs, g):
        """The rule of forward mode, which is linear, the other way round."""
        zeros = wrap(numpy.zeros_like(primal(values[place]), dtype=float))[()]
        run = Run(lambda t: self.pushes[place](t, ans, *values, **kwargs), (zeros,), {}, [0], False)
        return run.gradients(list(flat_boxes(g)))[0]

    def def_grad(self, maker, argnum=0):
        self.makers[argnum] = maker


def _no_cotangent(*args, **kwargs):
    return lambda g: None


def defvjp(step, *makers, argnums=None):
    for place, maker in zip(argnums if argnums is not None else range(len(makers)), makers):
        step.makers[place] = maker or _no_cotangent


def defvjp_argnums(step, maker):
    step.maker_of_all = maker


def defvjp_argnum(step, maker):
    def of_several(places, ans, args, kwargs):
        return lambda g: [maker(place, ans, args, kwargs)(g) for place in places]

    step.maker_of_all = of_several


def defjvp(step, *pushes, argnums=None):
    for place, push in zip(argnums if argnums is not None else range(len(pushes)), pushes):
        step.pushes[place] = _linear(step, place) if push == "same" else push


def defjvp_argnum(step, maker):
    for place in range(9):
        step.pushes[place] = _of_place(maker, place)


def _of_place(maker, place):
    return lambda g, ans, *args, **kwargs: maker(place, g, ans, args, kwargs)


def _linear(step, place):
    def push(g, ans, *args, **kwargs):
        return step.function(*args[:place], g, *args[place + 1 :], **kwargs)

    return push


def def_linear(step):
    for place in range(9):
        step.pushes[place] = _linear(step, place)


def customop(kind="numpy"):
    """MinPy's decorator; the rule comes with `f.def_grad(maker)`."""
    return primitive


def checkpoint(function):
    """Recomputes in the backward sweep where that saves memory; the values are the same."""
    return function
