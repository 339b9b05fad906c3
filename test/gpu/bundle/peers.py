"""The figures of this folder's programs with another library: python peers.py torch|jax."""

import sys
import time

import numpy as np

N, ROWS, COLUMNS = 100_000_000, 100_000, 1000


def report(name, seconds, moved=0):
    print("%s %.3f ms %s" % (name, seconds * 1e3, "%.0f GB/s" % (moved / seconds / 1e9) if moved else "-"), flush=True)


def best(run, wait, repeats=10):
    run()
    wait()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        wait()
        found.append(time.perf_counter() - start)
    return min(found)


def arrays():
    x = (np.cos(np.arange(8192 * 784)) * 0.5).astype("f").reshape(8192, 784)
    y = np.eye(10, dtype="f")[np.arange(8192) % 10]
    weights = [(np.sin(np.arange(a * b)) * 0.05).astype("f").reshape(a, b) for a, b in ((784, 512), (512, 512), (512, 10))]
    return x, y, weights


def with_jax():
    import jax
    import jax.numpy as jnp

    last = [None]

    def keep(value):
        last[0] = value

    def wait():
        jax.block_until_ready(last[0])

    def chain(x):
        return jnp.tanh(x) * 0.5 + jnp.exp(-x)

    def softmax(x):
        e = jnp.exp(x - jnp.max(x, axis=1, keepdims=True))
        return e / jnp.sum(e, axis=1, keepdims=True)

    def loss(weights, x, y):
        w1, w2, w3 = weights
        z = jnp.dot(jnp.tanh(jnp.dot(jnp.tanh(jnp.dot(x, w1)), w2)), w3)
        z = z - jnp.max(z, axis=1, keepdims=True)
        return jnp.mean(jnp.log(jnp.sum(jnp.exp(z), axis=1)) - jnp.sum(z * y, axis=1))

    x = jnp.full(N, 0.5, dtype=jnp.float32)
    for name, function, moved in (("elementwise", jax.jit(chain), 8 * N), ("sum", jax.jit(jnp.sum), 4 * N)):
        report(name, best(lambda: keep(function(x)), wait), moved)
    x = jnp.full((ROWS, COLUMNS), 0.5, dtype=jnp.float32)
    for name, function, moved in (("softmax", jax.jit(softmax), 8 * N), ("softmax-gradient", jax.jit(jax.grad(lambda x: jnp.sum(x * softmax(x)))), 12 * N)):
        report(name, best(lambda: keep(function(x)), wait), moved)
    x, y, weights = arrays()
    step = jax.jit(lambda w, x, y: [a - 0.1 * g for a, g in zip(w, jax.grad(loss)(w, x, y))])
    x, y = jnp.asarray(x), jnp.asarray(y)
    report("training", best(lambda: keep(step(weights, x, y)), wait))


def with_torch():
    import torch

    def wait():
        torch.cuda.synchronize()

    def on_device(array):
        return torch.from_numpy(array).cuda()

    x = torch.full((N,), 0.5, device="cuda")
    report("elementwise", best(lambda: torch.tanh(x) * 0.5 + torch.exp(-x), wait), 8 * N)
    report("sum", best(lambda: torch.sum(x), wait), 4 * N)
    x = torch.full((ROWS, COLUMNS), 0.5, device="cuda", requires_grad=True)
    c = torch.ones((ROWS, COLUMNS), device="cuda")
    report("softmax", best(lambda: torch.softmax(x.detach(), 1), wait), 8 * N)
    report("softmax-gradient", best(lambda: torch.autograd.grad(torch.sum(c * torch.softmax(x, 1)), x), wait), 12 * N)
    x, y, weights = arrays()
    x, y = on_device(x), on_device(y)
    weights = [on_device(w).requires_grad_() for w in weights]

    def step():
        w1, w2, w3 = weights
        z = torch.tanh(torch.tanh(x @ w1) @ w2) @ w3
        value = torch.mean(torch.logsumexp(z, 1) - torch.sum(z * y, 1))
        with torch.no_grad():
            for w, g in zip(weights, torch.autograd.grad(value, weights)):
                w -= 0.1 * g

    report("training", best(step, wait))


if __name__ == "__main__":
    {"jax": with_jax, "torch": with_torch}[sys.argv[1]]()
