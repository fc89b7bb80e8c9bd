"""Activations that the specification covers, each a function of one array.

Every function is generic: it takes real or complex arrays, and array types that implement NumPy's
`__array_ufunc__` and `__array_function__`. Where a function has a kink, the real part of a complex argument
selects the branch, so that the complex step differentiates it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

Array = Any
"""An ndarray, or anything that takes part in NumPy's dispatch."""

Activation = Callable[[Array], Array]


def primitive(function: Callable[..., Array]) -> Callable[..., Array]:
    """Let other array types override `function` as they override NumPy's own (NEP 18)."""

    @wraps(function)
    def dispatched(a: Array, *constants: float) -> Array:
        if isinstance(a, np.ndarray | np.generic | float | complex):
            return function(a, *constants)
        result = a.__array_function__(dispatched, (type(a),), (a, *constants), {})
        if result is NotImplemented:
            raise TypeError(f"{function.__name__} is not implemented for {type(a).__name__}")
        return result

    return dispatched


@primitive
def sigmoid(a: Array) -> Array:
    """Return the logistic function 1 / (1 + exp(-a)), which overflows for no argument."""
    decay = np.exp(np.where(a.real < 0, a, -a))
    return np.where(a.real < 0, decay, 1.0) / (1.0 + decay)


@primitive
def erf(a: Array) -> Array:
    """Return the error function; for a complex argument to first order in its imaginary part."""
    value = np.vectorize(math.erf, otypes=[np.result_type(a.real)])(a.real)
    if not np.iscomplexobj(a):
        return value
    return value + 1j * a.imag * (2.0 / math.sqrt(math.pi)) * np.exp(-(a.real**2))


@primitive
def softplus(a: Array) -> Array:
    """Return log(1 + exp(a)), which overflows for no argument."""
    return np.where(a.real > 0, a, 0.0) + np.log1p(np.exp(np.where(a.real > 0, -a, a)))


@primitive
def absolute(a: Array) -> Array:
    """Return |a| by the sign of the real part."""
    return np.where(a.real < 0, -a, a)


@primitive
def relu(a: Array) -> Array:
    """Return max(a, 0)."""
    return np.where(a.real > 0, a, 0.0 * a)


@primitive
def expm1_below_zero(a: Array) -> Array:
    """Return exp(a) - 1 where a < 0, and 0 elsewhere."""
    return np.where(a.real < 0, np.expm1(np.where(a.real < 0, a, 0.0 * a)), 0.0 * a)


@primitive
def clip(a: Array, low: float, high: float) -> Array:
    """Return a held between `low` and `high`."""
    return np.where(a.real < low, low, np.where(a.real > high, high, a))


def linear(a: Array) -> Array:
    """Return a itself."""
    return a


def tanh(a: Array) -> Array:
    """Return the hyperbolic tangent."""
    return np.tanh(a)


def lecun_tanh(a: Array) -> Array:
    """Return 1.7159 tanh(0.666 a) (LeCun et al., "Efficient BackProp", 1998; 0.666 as in all CfC code)."""
    return 1.7159 * np.tanh(0.666 * a)


def silu(a: Array) -> Array:
    """Return a sigmoid(a), also called swish."""
    return a * sigmoid(a)


def elu(a: Array) -> Array:
    """Return a where a > 0, exp(a) - 1 elsewhere."""
    return relu(a) + expm1_below_zero(a)


def gelu(a: Array) -> Array:
    """Return a Phi(a), with Phi the distribution function of the normal distribution."""
    return 0.5 * a * (1.0 + erf(math.sqrt(0.5) * a))


def gelu_tanh(a: Array) -> Array:
    """Return the tanh approximation of gelu (Hendrycks and Gimpel, 2016)."""
    return 0.5 * a * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (a + 0.044715 * a * a * a)))


def leaky_relu(a: Array) -> Array:
    """Return a where a > 0, 0.2 a elsewhere: Keras's default slope."""
    return relu(a) - 0.2 * relu(-a)


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear,
    "tanh": tanh,
    "lecun_tanh": lecun_tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "silu": silu,
    "softplus": softplus,
    "elu": elu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "leaky_relu": leaky_relu,
}


def get(name: str) -> Activation:
    """Return the activation called `name`; KeyError names those that the specification covers."""
    if name not in ACTIVATIONS:
        raise KeyError(
            f"activation {name!r} is outside the specification; it covers {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]
