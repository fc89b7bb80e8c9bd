"""The result of an adjoint, and the sums and products of which it is made.

Automatic differentiation takes the factors of a product and the terms of a sum in an order of its own;
`product` and `total` mark these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce, wraps
from typing import Any, NamedTuple

import numpy as np

from reference.activations import Array

PLAIN = np.ndarray | np.generic | float | int | complex


class Gradients(NamedTuple):
    """The gradients of Σ cotangent · result, each in the shape of its argument."""

    parameters: dict[str, Array]
    """The gradients by the paths of the parameters."""
    inputs: Array
    """(batch, features); of a sequence (batch, time, features)"""
    state: Array
    """(batch, state)"""
    timespans: Array
    """(batch, 1); of a sequence (batch, time)"""


def overridable(function: Callable[..., Array]) -> Callable[..., Array]:
    """Let an array type override `function` wherever it stands among the arguments (NEP 18)."""

    @wraps(function)
    def dispatched(*arrays: Array) -> Array:
        other: Any = next((a for a in arrays if not isinstance(a, PLAIN)), None)
        if other is None:
            return function(*arrays)
        return other.__array_function__(dispatched, (type(other),), arrays, {})

    return dispatched


@overridable
def product(*factors: Array) -> Array:
    """Return the product of the factors, which may be taken in any order."""
    return math.prod(factors[1:], start=factors[0])


@overridable
def total(*terms: Array) -> Array:
    """Return the sum of the terms, which may be taken in any order."""
    return reduce(np.add, terms)


def over_batch(a: Array) -> Array:
    """Return Σ over the samples, (batch, n) to (n)."""
    return np.sum(a, axis=0)


def per_sample(*terms: Array) -> Array:
    """Return Σ over the units of all terms, each (batch, n), to (batch, 1)."""
    return np.sum(np.concatenate(terms, axis=-1), axis=-1)[:, None]


def affine_adjoint(name: str, z: Array, da: Array) -> dict[str, Array]:
    """Return the gradients of a = z K + b by K and b; `name` has braces for "kernel" and "bias"."""
    return {name.format("kernel"): np.transpose(z) @ da, name.format("bias"): over_batch(da)}


def back_through(das: Sequence[Array], kernels: Sequence[Array]) -> Array:
    """Return Σ da Kᵀ, by the input of several dense layers; one sum over all of their outputs."""
    transposed = [np.transpose(kernel) for kernel in kernels]
    return np.concatenate(das, axis=-1) @ np.concatenate(transposed, axis=0)
