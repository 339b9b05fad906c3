"""The derivative operators: `grad` and its relatives, for each module's convention.

A request runs the function once under a new trace. Numbers and arrays in the differentiated
arguments become leaves: under `minpy.core` the array object itself is traced, wherever the function
reaches it; under `autograd` and `mpy` a copy is, and what the function writes into it goes back to
the caller's.
"""

import inspect

import numpy

import autograd.numpy as anp
from autograd.core import VJPNode, add_outgrads
from autograd.tracer import new_box
from autograd.util import toposort

from . import memory, rules, scalars, trace, written
from .array import ndarray
from .dispatch import from_box, is_traced, lift, primal, wrap
from .trace import bare, isbox, settled


class Leaf:
    """A number or array that the derivative is taken with respect to."""

    def __init__(self, kind, shape, dtype, node, box):
        self.kind, self.shape, self.dtype, self.node, self.box = kind, shape, dtype, node, box

    def gradient(self, cotangent):
        """The cotangent in the form of the argument."""
        if cotangent is None:
            cotangent = numpy.zeros(self.shape, self.dtype)
        cotangent = rules.shaped(settled(cotangent), self.shape, self.dtype)
        if self.kind is float:
            return scalars.make(float(bare(cotangent)), rules.python_number(cotangent))
        if self.kind is ndarray:
            result = from_box(cotangent)
            if not isinstance(result, ndarray):  # a number stands for an array of rank 0
                result = numpy.array(primal(result)).view(ndarray)
                if isbox(cotangent):
                    memory.store(result, cotangent)
            return result
        return scalars.make(self.dtype.type(bare(cotangent)), cotangent)


class Run:
    """One execution of a function, with what its backward sweep needs."""

    def __init__(self, function, args, kwargs, positions, by_object):
        self.number = trace.start()
        self.by_object = by_object
        self.leaves, self.writebacks = [], []
        args = list(args)
        try:
            self.forms = []
            for position in positions:
                args[position], form = self.enter(args[position])
                self.forms.append(form)
            result = function(*args, **kwargs)
            self.result = result
            self.boxes = [box for box in flat_boxes(result)]
        finally:
            trace.stop(self.number)
            memory.settle_all()
        for writeback in self.writebacks:
            writeback()
        self.value = outcome(result)

    def leaf(self, kind, value):
        """A box around a plain value or around the box of an outer trace."""
        node = VJPNode.new_root()
        box = new_box(value, self.number, node)
        leaf = Leaf(kind, anp.shape(value), numpy.dtype(anp.result_type(value)), node, box)
        self.leaves.append(leaf)
        return leaf

    def enter(self, value):
        """The traced argument, and its form: leaves in the containers that held them."""
        if isinstance(value, numpy.ndarray):
            return self.enter_array(value)
        if isinstance(value, numpy.generic) and not isinstance(value, numpy.character):
            lifted = lift(value)
            if not numpy.issubdtype(numpy.asarray(primal(value)).dtype, numpy.inexact):
                lifted = numpy.float64(value)
            leaf = self.leaf(numpy.generic, lifted)
            return scalars.make(leaf.dtype.type(primal(value)), leaf.box), leaf
        if isinstance(value, (bool, int, float)):
            lifted = lift(value)
            leaf = self.leaf(float, lifted if isbox(lifted) else float(value))
            return scalars.make(float(value), leaf.box), leaf
        if isinstance(value, (list, tuple)):
            entered = [self.enter(v) for v in value]
            kind = type(value)
            rebuild = kind._make if hasattr(kind, "_make") else kind
            traced = rebuild([e[0] for e in entered])
            if all(a is b for a, b in zip(traced, value)):
                traced = value
            elif kind is list:
                self.writebacks.append(lambda: write_list(value, traced, [e[0] for e in entered]))
            return traced, rebuild([e[1] for e in entered])
        if isinstance(value, dict):
            entered = {k: self.enter(v) for k, v in value.items()}
            traced = type(value)((k, e[0]) for k, e in entered.items())
            if all(traced[k] is value[k] for k in value):
                traced = value
            else:
                self.writebacks.append(
                    lambda: write_dict(value, traced, {k: e[0] for k, e in entered.items()})
                )
            return traced, {k: e[1] for k, e in entered.items()}
        raise TypeError(
            "cannot differentiate with respect to an argument of type '%s'" % type(value).__name__
        )

    def enter_array(self, value):
        if not isinstance(value, ndarray):
            value = value.view(ndarray)
        if not numpy.issubdtype(value.dtype, numpy.inexact):
            value = wrap(numpy.array(primal(value), numpy.float64))
        elif not self.by_object:
            original, value = value, value.copy()
            leaf = self.leaf(ndarray, lift(value))
            memory.store(value, leaf.box)
            self.writebacks.append(lambda: write_array(original, value, leaf))
            return value, leaf
        lifted = lift(value)
        for leaf in self.leaves:  # one object passed twice is one leaf
            if leaf.box is lifted:
                return value, leaf
        leaf = self.leaf(ndarray, lifted)
        memory.store(value, leaf.box)
        return value, leaf

    def pull(self, cotangents):
        """The leaves' cotangents for those of the results; the run itself is not repeated."""
        totals = {}
        ends = []
        for box, cotangent in zip(self.boxes, cotangents):
            if isbox(box) and box._trace == self.number:
                totals[box._node] = add_outgrads(totals.get(box._node), cotangent)
                ends.append(box._node)
        found = {}
        wanted = {id(leaf.node) for leaf in self.leaves}
        for node in ordered(ends):
            total = totals.pop(node, None)
            if total is None:
                continue
            if id(node) in wanted:
                found[id(node)] = total[0]
                continue
            for parent, ingrad in zip(node.parents, node.vjp(total[0])):
                totals[parent] = add_outgrads(totals.get(parent), ingrad)
        return [found.get(id(leaf.node)) for leaf in self.leaves]

    def gradients(self, cotangents):
        """One gradient per differentiated argument, in its form."""
        found = dict(zip(map(id, self.leaves), self.pull(cotangents)))
        return [fill(form, found) for form in self.forms]

    def ones(self):
        return [numpy.ones(anp.shape(box), anp.result_type(box))[()] for box in self.boxes]


def ordered(ends):
    """Nodes from the results to the leaves; several results hang under one root."""
    if len(ends) == 1:
        return toposort(ends[0])
    top = VJPNode.new_root()
    top.parents = list(dict.fromkeys(ends))
    return (node for node in toposort(top) if node is not top)


def flat_boxes(result):
    if isinstance(result, (list, tuple)):
        for part in result:
            yield from flat_boxes(part)
    elif isinstance(result, dict):
        for part in result.values():
            yield from flat_boxes(part)
    elif isinstance(result, (numpy.ndarray, numpy.generic, bool, int, float)):
        box = lift(result)
        yield box if isbox(box) else numpy.asarray(box, float)[()]
    elif result is not None:
        raise TypeError("cannot differentiate a result of type '%s'" % type(result).__name__)


def outcome(result):
    """The value after the trace: scalars without a derivative are ordinary ones again."""
    if type(result) in scalars.TRACED:
        return result if isbox(result.settle()) else scalars.plain_scalar(result)
    if type(result) in (list, tuple):
        return type(result)([outcome(r) for r in result])
    if type(result) is dict:
        return {key: outcome(r) for key, r in result.items()}
    return result


def fill(form, found):
    if isinstance(form, Leaf):
        return form.gradient(found.get(id(form)))
    if isinstance(form, dict):
        return {k: fill(f, found) for k, f in form.items()}
    parts = [fill(f, found) for f in form]
    return type(form)._make(parts) if hasattr(form, "_make") else type(form)(parts)


def write_array(original, copy, leaf):
    """What the function wrote into the copy of its argument goes to the caller's array, once."""
    untouched = numpy.array_equal(primal(copy), bare(leaf.box), equal_nan=True)
    if not (untouched and lift(copy) is settled(leaf.box)) and not (
        untouched and not is_traced(copy)
    ):
        original[...] = copy


def write_list(original, traced, entered):
    if len(traced) != len(original) or any(a is not b for a, b in zip(traced, entered)):
        kept = {id(e): v for e, v in zip(entered, original)}
        original[:] = [kept.get(id(v), outcome(v)) for v in traced]


def write_dict(original, traced, entered):
    if list(traced) != list(original) or any(traced[k] is not entered.get(k) for k in traced):
        kept = {id(e): original[k] for k, e in entered.items()}
        changed = {k: kept.get(id(v), outcome(v)) for k, v in traced.items()}
        original.clear()
        original.update(changed)


def positions_of(argnum):
    return [int(argnum)] if isinstance(argnum, (int, numpy.integer)) else [int(k) for k in argnum]


def named(function, operator):
    """The derivative keeps the function's name and text, as autograd's does."""

    def decorate(derivative):
        name = getattr(function, "__name__", "function")
        derivative.__name__ = "%s_of_%s" % (operator, name)
        derivative.__doc__ = getattr(function, "__doc__", None)
        return derivative

    return decorate


class Operators:
    """The operators of one module: how it returns several gradients, what `argnum` refers to."""

    def __init__(self, by_object):
        self.by_object = by_object

    def run(self, function, args, kwargs, argnum):
        return Run(function, args, kwargs, positions_of(argnum), self.by_object)

    def shape_result(self, results, argnum):
        if isinstance(argnum, (int, numpy.integer)):
            return results[0]
        if self.by_object:
            return results[0] if len(results) == 1 else list(results)
        return tuple(results)

    def grad(self, function, argnum=0, has_aux=False, *, argnums=None):
        """The gradient; of a result that is not a scalar, the gradient of its sum."""
        argnum = numbers(function, argnum if argnums is None else argnums)
        if has_aux:
            return with_aux(function, lambda first: self.value_and_grad(first, argnum), False)

        @named(function, "grad")
        def derivative(*args, **kwargs):
            run = self.run(function, args, kwargs, argnum)
            return self.shape_result(run.gradients(run.ones()), argnum)

        return derivative

    def value_and_grad(self, function, argnum=0, has_aux=False, *, argnums=None):
        argnum = numbers(function, argnum if argnums is None else argnums)
        if has_aux:
            return with_aux(function, lambda first: self.value_and_grad(first, argnum), True)

        @named(function, "value_and_grad")
        def derivative(*args, **kwargs):
            run = self.run(function, args, kwargs, argnum)
            return run.value, self.shape_result(run.gradients(run.ones()), argnum)

        return derivative

    def grad_and_loss(self, function, argnum=0):
        @named(function, "grad_and_loss")
        def derivative(*args, **kwargs):
            run = self.run(function, args, kwargs, argnum)
            return self.shape_result(run.gradients(run.ones()), argnum), run.value

        return derivative

    def elementwise_grad(self, function, argnum=0):
        return self.grad(function, argnum)

    def jacobian(self, function, argnum=0, has_aux=False, *, argnums=None):
        """All first derivatives: the result's shape, then the argument's."""
        argnum = numbers(function, argnum if argnums is None else argnums)
        if has_aux:
            return written.load("mpy._derivatives")["jacobian"](function, argnum, True)

        @named(function, "jacobian")
        def derivative(*args, **kwargs):
            run = self.run(function, args, kwargs, argnum)
            if any(not isinstance(form, Leaf) for form in run.forms) or isinstance(run.result, (list, tuple, dict)):
                return written.load("mpy._derivatives")["jacobian"](function, argnum)(*args, **kwargs)
            shape = anp.shape(run.boxes[0])
            if shape == ():
                return self.shape_result(run.gradients(run.ones()), argnum)
            rows = [run.gradients([unit]) for unit in units(run.boxes[0])]
            results = [
                stacked([row[k] for row in rows], shape, run.forms[k])
                for k in range(len(run.forms))
            ]
            return self.shape_result(results, argnum)

        return derivative

    def hessian(self, function, argnum=0, has_aux=False, *, argnums=None):
        argnum = numbers(function, argnum if argnums is None else argnums)
        return self.jacobian(self.jacobian(function, argnum, has_aux), argnum, has_aux)

    def linearize(self, function, *primals, has_aux=False):
        if has_aux:
            value, push = self.linearize(lambda *x: function(*x)[0], *primals)
            return value, push, function(*primals)[1]
        primals = [x.copy() if isinstance(x, numpy.ndarray) else x for x in primals]
        value = self.jvp(function, primals, primals)[0]
        return value, lambda *tangents: self.jvp(function, primals, tangents)[1]

    def hvp(self, function, argnum=0, *, argnums=None):
        """`hvp(f)(*args, v)`: the Hessian times v."""
        argnum = numbers(function, argnum if argnums is None else argnums)

        @named(function, "hvp")
        def derivative(*args, **kwargs):
            *args, vector = args

            def slope(*inner, **options):
                gradients = flat_boxes(self.grad(function, argnum)(*inner, **options))
                return total(gradients, list(flat_boxes(vector)))

            return self.grad(slope, argnum)(*args, **kwargs)

        return derivative

    def vjp(self, function, *primals, has_aux=False):
        if has_aux:
            value, pull = self.vjp(lambda *x: function(*x)[0], *primals)
            return value, pull, function(*primals)[1]
        run = Run(function, primals, {}, range(len(primals)), self.by_object)

        def pullback(cotangent):
            return tuple(run.gradients(list(flat_boxes(cotangent))))

        return run.value, pullback

    def jvp(self, function, primals, tangents):
        """(value, tangent): the pullback is linear, and its own pullback is the pushforward."""
        run = Run(function, primals, {}, range(len(primals)), self.by_object)
        return run.value, pushed(run, list(flat_boxes(tuple(tangents))), run.result)


def numbers(function, argnum):
    """argnum with the numbers of parameters for their names."""
    if isinstance(argnum, str):
        return list(inspect.signature(function).parameters).index(argnum)
    if isinstance(argnum, (list, tuple)):
        return tuple(numbers(function, k) for k in argnum)
    return argnum


def with_aux(function, operator, has_value):
    """The derivative of a function that returns (value, more)."""

    def derivative(*args, **kwargs):
        kept = []

        def first(*inner, **options):
            value, more = function(*inner, **options)
            kept.append(more)
            return value

        value, gradient = operator(first)(*args, **kwargs)
        more = outcome(kept[0])
        return ((value, more), gradient) if has_value else (gradient, more)

    return derivative


def units(box):
    shape, dtype = anp.shape(box), anp.result_type(box)
    for k in range(int(numpy.prod(shape))):
        unit = numpy.zeros(shape, dtype)
        unit.flat[k] = 1
        yield unit


def stacked(rows, shape, form):
    if not isinstance(form, Leaf):
        raise TypeError("jacobian with respect to a container is not supported")
    box = anp.array([lift(row) for row in rows])
    return from_box(anp.reshape(box, tuple(shape) + form.shape))


def total(parts, weights):
    result = 0.0
    for part, weight in zip(parts, weights):
        result = anp.sum(part * weight) + result
    return from_box(result)


def pushed(run, tangents, result):
    number = trace.start()
    nodes, boxes = [], []
    try:
        for box in run.boxes:
            nodes.append(VJPNode.new_root())
            boxes.append(
                new_box(numpy.zeros(anp.shape(box), anp.result_type(box))[()], number, nodes[-1])
            )
        slope = 0.0
        for pulled, tangent in zip(run.pull(boxes), tangents):
            if pulled is not None:
                slope = anp.sum(pulled * tangent) + slope
    finally:
        trace.stop(number)
    found = {}
    if isbox(slope) and slope._trace == number:
        totals = {slope._node: (1.0, False)}
        for node in toposort(slope._node):
            outgrad = totals.pop(node)
            if node in nodes:
                found[id(node)] = outgrad[0]
                continue
            for parent, ingrad in zip(node.parents, node.vjp(outgrad[0])):
                totals[parent] = add_outgrads(totals.get(parent), ingrad)
    tangents_out = []
    for node, box, part in zip(nodes, run.boxes, flat_parts(result)):
        value = settled(box)
        leaf = Leaf(
            kind_of(part if type(part) is float else bare(value)), anp.shape(value), numpy.dtype(anp.result_type(value)), node, None
        )
        tangents_out.append(leaf.gradient(found.get(id(node))))
    tangents_out = iter(tangents_out)
    return like(result, tangents_out)


def flat_parts(result):
    if isinstance(result, (list, tuple)):
        for part in result:
            yield from flat_parts(part)
    elif isinstance(result, dict):
        for part in result.values():
            yield from flat_parts(part)
    elif result is not None:
        yield result


def kind_of(value):
    if isinstance(value, numpy.ndarray):
        return ndarray
    return float if type(value) is float else numpy.generic


def like(result, parts):
    if isinstance(result, (list, tuple)):
        made = [like(r, parts) for r in result]
        return type(result)._make(made) if hasattr(type(result), "_make") else type(result)(made)
    if isinstance(result, dict):
        return {key: like(r, parts) for key, r in result.items()}
    return next(parts)
