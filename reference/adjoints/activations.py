"""The slopes of the activations, each a function of the argument."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from reference.activations import Array, erf, expm1_below_zero, primitive, sigmoid
from reference.adjoints.gradients import product, total

TANH_CUBIC = 0.044715
"""The cubic coefficient in the tanh approximation of gelu."""


@primitive
def tanh_slope(a: Array) -> Array:
    """Return 1 - tanh(a)²."""
    y = np.tanh(a)
    return 1.0 - y * y


@primitive
def sigmoid_slope(a: Array) -> Array:
    """Return σ(a) (1 - σ(a))."""
    return sigmoid(a) * sigmoid(-a)


@primitive
def softplus_slope(a: Array) -> Array:
    """Return σ(a)."""
    return sigmoid(a)


@primitive
def positive(a: Array) -> Array:
    """Return 1 where a > 0, 0 elsewhere: the slope of relu."""
    return np.where(a > 0.0, 1.0, 0.0)


@primitive
def sign(a: Array) -> Array:
    """Return 1 where a >= 0, -1 elsewhere: the slope of |a|."""
    return np.where(a < 0.0, -1.0, 1.0)


@primitive
def within(a: Array, low: float, high: float) -> Array:
    """Return 1 where low <= a <= high, 0 elsewhere: the slope of clip."""
    return np.where((a < low) | (a > high), 0.0, 1.0)


def lecun_tanh_slope(a: Array) -> Array:
    """Return the slope of 1.7159 tanh(0.666 a)."""
    return product(1.7159, 0.666, tanh_slope(0.666 * a))


def silu_slope(a: Array) -> Array:
    """Return σ(a) + a σ'(a)."""
    return total(sigmoid(a), product(a, sigmoid_slope(a)))


def elu_slope(a: Array) -> Array:
    """Return 1 where a > 0, exp(a) elsewhere."""
    return expm1_below_zero(a) + 1.0


def gelu_slope(a: Array) -> Array:
    """Return Φ(a) + a φ(a)."""
    density = product(1.0 / math.sqrt(2.0 * math.pi), np.exp(-0.5 * (a * a)))
    return total(0.5 * (1.0 + erf(math.sqrt(0.5) * a)), product(a, density))


def gelu_tanh_slope(a: Array) -> Array:
    """Return the slope of a (1 + tanh(b)) / 2 with b = √(2/π) (a + 0.044715 a³)."""
    scale = math.sqrt(2.0 / math.pi)
    b = scale * (a + TANH_CUBIC * a * a * a)
    inner = product(scale, total(1.0, product(3.0, TANH_CUBIC, a, a)))
    return total(0.5 * (1.0 + np.tanh(b)), product(0.5, a, tanh_slope(b), inner))


def leaky_relu_slope(a: Array) -> Array:
    """Return 1 where a > 0, 0.2 elsewhere."""
    return total(positive(a), product(0.2, positive(-a)))


SLOPES: dict[str, Callable[[Array], Array]] = {
    "linear": lambda a: 1.0,
    "tanh": tanh_slope,
    "lecun_tanh": lecun_tanh_slope,
    "sigmoid": sigmoid_slope,
    "relu": positive,
    "silu": silu_slope,
    "softplus": softplus_slope,
    "elu": elu_slope,
    "gelu": gelu_slope,
    "gelu_tanh": gelu_tanh_slope,
    "leaky_relu": leaky_relu_slope,
}
"""The slopes by the names of `reference.activations.ACTIVATIONS`."""
