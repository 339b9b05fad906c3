"""The modules that a program sees by name: which import gives what."""

import builtins
import types

import mpy

from . import custom, library, mathematics, scientific, written
from .gradients import Operators

_AUTOGRAD = Operators(by_object=False)
_MINPY = Operators(by_object=True)


def _module(name, **names):
    module = types.ModuleType(name)
    module.__path__ = []
    for key, value in names.items():
        setattr(module, key, value)
    return module


def _make_vjp(function, argnum=0):
    def made(*args):
        run = _AUTOGRAD.run(function, args, {}, argnum)
        from .gradients import flat_boxes

        return (lambda g: run.gradients(list(flat_boxes(g)))[0]), run.value

    return made


def _make_jvp(function, argnum=0):
    def made(*args):
        def push(tangent):
            def of_one(x):
                return function(*args[:argnum], x, *args[argnum + 1 :])

            return _AUTOGRAD.jvp(of_one, (args[argnum],), (tangent,))

        return push

    return made


def _make_hvp(function, argnum=0):
    def made(*args):
        return _make_vjp(_AUTOGRAD.grad(function, argnum), argnum)(*args)

    return made


def _make_jvp_reversemode(function, argnum=0):
    return lambda *args: lambda tangent: _make_jvp(function, argnum)(*args)(tangent)[1]


def _jacobian_product(function, argnum=0):
    """A tensor of the result's shape times the Jacobian."""
    return lambda *args: _make_vjp(function, argnum)(*args[:-1])[0](args[-1])


def _half_square(x):
    return 1.0 / 2.0 * library.library.sum(x**2, axis=-1)


def _make_ggnvp(f, g=_half_square, f_argnum=0):
    def made(*args):
        pull, value = _make_vjp(f, f_argnum)(*args)
        curved, _ = _make_hvp(g)(value)
        return lambda v: pull(curved(_make_jvp(f, f_argnum)(*args)(v)[1]))

    return made


def _deriv(function, argnum=0):
    def derivative(*args):
        x = args[argnum]
        one = library.library.ones_like(x) if hasattr(x, "shape") else 1.0
        return _make_jvp(function, argnum)(*args)(one)[1]

    return derivative


def _multigrad_dict(function):
    import inspect

    names = list(inspect.signature(function).parameters)
    return lambda *args: dict(zip(names, _AUTOGRAD.grad(function, range(len(args)))(*args)))


def _grad_and_aux(function, argnum=0):
    def both(*args):
        kept = []

        def first(*inner):
            value, more = function(*inner)
            kept.append(more)
            return value

        return _AUTOGRAD.grad(first, argnum)(*args), kept[0]

    return both


def _grad_named(function, name):
    import inspect

    return _AUTOGRAD.grad(function, list(inspect.signature(function).parameters).index(name))


def _same(value):
    return value


def build():
    """name -> module, for every module of the layer."""
    numpy = library.library
    autograd = _module(
        "autograd",
        grad=_AUTOGRAD.grad,
        value_and_grad=_AUTOGRAD.value_and_grad,
        grad_and_aux=_grad_and_aux,
        elementwise_grad=_AUTOGRAD.elementwise_grad,
        jacobian=_AUTOGRAD.jacobian,
        hessian=_AUTOGRAD.hessian,
        hessian_vector_product=_AUTOGRAD.hvp,
        hessian_tensor_product=_AUTOGRAD.hvp,
        vector_jacobian_product=_jacobian_product,
        tensor_jacobian_product=_jacobian_product,
        make_jvp_reversemode=_make_jvp_reversemode,
        make_ggnvp=_make_ggnvp,
        deriv=_deriv,
        multigrad_dict=_multigrad_dict,
        make_vjp=_make_vjp,
        make_jvp=_make_jvp,
        make_hvp=_make_hvp,
        grad_named=_grad_named,
        checkpoint=custom.checkpoint,
        numpy=numpy,
    )
    autograd.extend = _module(
        "autograd.extend",
        primitive=custom.primitive,
        defvjp=custom.defvjp,
        defvjp_argnum=custom.defvjp_argnum,
        defvjp_argnums=custom.defvjp_argnums,
        defjvp=custom.defjvp,
        defjvp_argnum=custom.defjvp_argnum,
        def_linear=custom.def_linear,
    )
    core = _module(
        "minpy.core",
        grad=_MINPY.grad,
        grad_and_loss=_MINPY.grad_and_loss,
        minpy_to_numpy=_same,
        numpy_to_minpy=_same,
    )
    context = written.Module("minpy.context")
    primitive = _module("minpy.primitive", customop=custom.customop)
    minpy = _module("minpy", numpy=numpy, core=core, context=context, primitive=primitive)
    modules = scientific.build()
    for name in ("autograd.misc", "autograd.misc.flatten", "autograd.misc.optimizers", "autograd.misc.fixed_points", "autograd.test_util"):
        modules[name] = written.Module(name)
    autograd.misc, autograd.test_util = modules["autograd.misc"], modules["autograd.test_util"]
    autograd.misc.optimizers = modules["autograd.misc.optimizers"]
    autograd.misc.fixed_points = modules["autograd.misc.fixed_points"]
    for name in written.MODULES:
        modules[name] = written.Module(name)
        package, _, last = name.rpartition(".")
        setattr({"mpy": mpy, "minpy": minpy}.get(package) or modules[package], last, modules[name])
    modules["autograd.builtins"] = builtins
    for name in ("matplotlib", "matplotlib.pyplot", "matplotlib.cm", "matplotlib.colors", "matplotlib.gridspec"):
        modules[name] = written.Module(name)
        if name != "matplotlib":
            setattr(modules["matplotlib"], name.partition(".")[2], modules[name])
    autograd.scipy = modules["autograd.scipy"]
    return modules | {
        "numpy": numpy,
        "numpy.random": numpy.random,
        "numpy.linalg": numpy.linalg,
        "numpy.fft": numpy.fft,
        "autograd": autograd,
        "autograd.numpy": numpy,
        "autograd.numpy.random": numpy.random,
        "autograd.numpy.linalg": numpy.linalg,
        "autograd.extend": autograd.extend,
        "minpy": minpy,
        "minpy.numpy": numpy,
        "minpy.numpy.random": numpy.random,
        "minpy.numpy.linalg": numpy.linalg,
        "minpy.core": core,
        "minpy.context": context,
        "minpy.primitive": primitive,
        "math": mathematics.library,
        "mpy": mpy,
    }
