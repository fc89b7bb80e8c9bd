"""What an adjoint returns, and the sums and products of which it is made.

Who differentiates a formula by rules meets the factors of a product and the terms of a sum in an order of his
own; `product` and `total` say where that is so.
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
    """Of Σ cotangent · result, each in the shape of what it is a gradient by."""

    parameters: dict[str, Array]
    """By the paths of the parameters."""
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
    """The product of the factors, which may be taken in any order."""
    return math.prod(factors[1:], start=factors[0])


@overridable
def total(*terms: Array) -> Array:
    """The sum of the terms, which may be taken in any order."""
    return reduce(np.add, terms)


def over_batch(a: Array) -> Array:
    """Σ over the samples, (batch, n) to (n)."""
    return np.sum(a, axis=0)


def per_sample(*terms: Array) -> Array:
    """Σ over the units of all terms, each (batch, n), to (batch, 1)."""
    return np.sum(np.concatenate(terms, axis=-1), axis=-1)[:, None]


def affine_adjoint(name: str, z: Array, da: Array) -> dict[str, Array]:
    """Of a = z K + b by K and b, whose paths are `name` with "kernel" and "bias" for its braces."""
    return {name.format("kernel"): np.transpose(z) @ da, name.format("bias"): over_batch(da)}


def back_through(das: Sequence[Array], kernels: Sequence[Array]) -> Array:
    """Σ da Kᵀ, by what several dense layers read; one sum over all of their outputs."""
    transposed = [np.transpose(kernel) for kernel in kernels]
    return np.concatenate(das, axis=-1) @ np.concatenate(transposed, axis=0)
