"""Fits a curve from Python: NumPy's arrays, and SciPy's optimiser where it is installed.

    mpyc curve.mpy -o curve.py && python fit.py
"""

import numpy as np

import curve

truth = np.array([2.0, 0.3, 1.7, 0.5])
t = np.arange(60) * 0.1
y = curve.values(truth, t)


def value_and_gradient(p):
    return curve.loss_value_and_grad(p, t, y)


def gauss_newton(p):
    """Newton's method, the Hessian column by column."""
    for _ in range(20):
        hessian = np.stack([curve.loss_hvp(p, t, y, direction) for direction in np.eye(4)])
        p = p - np.linalg.solve(hessian, value_and_gradient(p)[1])
    return p


try:
    from scipy.optimize import minimize
except ImportError:
    found = gauss_newton(np.array([1.8, 0.25, 1.65, 0.3]))
else:
    found = minimize(value_and_gradient, np.array([1.5, 0.2, 1.6, 0.0]), jac=True, tol=1e-12).x
print("p =", *(f"{value:.3f}" for value in found))
try:
    curve.loss(truth, t, y[:-1])
except ValueError as error:
    print("ValueError:", error)
