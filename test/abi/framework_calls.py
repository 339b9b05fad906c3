"""A compiled function under PyTorch or JAX: the arguments are which of them, a folder with frameworks.py, and the page whose
JAX example is run."""

import pathlib
import sys

import numpy as np

sys.path.insert(0, sys.argv[2])
import frameworks as model  # noqa: E402

rng = np.random.RandomState(0)
w, x, y = rng.randn(3), rng.randn(5, 3), rng.randn(5)
value, gradient = model.loss_value_and_grad(w, x, y)


def with_torch():
    import torch

    loss = model.torch_function("loss")
    tensors = [torch.as_tensor(part) for part in (w, x, y)]
    parameter = tensors[0].clone().requires_grad_()
    result = loss(parameter, *tensors[1:])
    (3.0 * result).backward()
    assert float(result) == value
    np.testing.assert_allclose(parameter.grad.numpy(), 3 * gradient, rtol=1e-12)
    assert torch.autograd.gradcheck(lambda v: loss(v, *tensors[1:]), parameter)
    single = tensors[0].float().requires_grad_()
    loss(single, *tensors[1:]).backward()
    assert single.grad.dtype is torch.float32
    rows = model.torch_function("residuals")
    both = [tensors[0].clone().requires_grad_(), tensors[1].clone().requires_grad_()]
    assert torch.autograd.gradcheck(lambda v, m: rows(v, m, tensors[2]), both)
    assert not loss(*tensors).requires_grad
    try:
        loss(parameter, *tensors[1:-1], tensors[2].clone().requires_grad_()).backward()
    except NotImplementedError as error:
        assert "by the parameters (0,) alone" in str(error)
    else:
        raise AssertionError("a derivative that was not exported")


def with_jax():
    text = pathlib.Path(sys.argv[3]).read_text()
    names = {"model": model}
    exec(text.split("```python jax\n", 1)[1].split("```", 1)[0], names)
    jax, loss = names["jax"], names["loss"]
    assert float(loss(w, x, y)) == value
    np.testing.assert_allclose(jax.grad(loss)(w, x, y), gradient, rtol=1e-12)
    both = jax.jit(jax.value_and_grad(lambda v: 2.0 * loss(v, x, y)))(w)
    np.testing.assert_allclose(both[0], 2 * value, rtol=1e-12)
    np.testing.assert_allclose(both[1], 2 * gradient, rtol=1e-12)


{"torch": with_torch, "jax": with_jax}[sys.argv[1]]()
