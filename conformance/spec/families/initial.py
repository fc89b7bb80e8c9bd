"""Initial values of parameters: the last column of the table "Parameters" of SPEC.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Constant:
    """One value for all numbers, or an array of the parameter's shape."""

    value: Any

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return the values, float64."""
        return np.broadcast_to(np.asarray(self.value, np.float64), shape)


@dataclass(frozen=True)
class Uniform:
    """Independent numbers, uniform between two ends."""

    low: float
    high: float

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return a draw, float64."""
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Orthogonal:
    """A kernel (rows, columns), no more rows than columns, with rows of length 1 at right angles."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> Any:
        """Return a draw, float64, of the uniform distribution over such kernels."""
        q, r = np.linalg.qr(rng.normal(size=shape[::-1]))
        return (q * np.sign(np.diag(r))).T


Initial = Constant | Uniform | Orthogonal

ZEROS, ONES = Constant(0.0), Constant(1.0)


def glorot(shape: Shape) -> Uniform:
    """Return the Glorot uniform distribution of a kernel (in, out)."""
    limit = float(np.sqrt(6.0 / sum(shape)))
    return Uniform(-limit, limit)


def usual(shapes: Mapping[str, Shape], named: Mapping[str, Initial]) -> dict[str, Initial]:
    """Return the initial value by path: `named` by its last word, Glorot's for a kernel, or 0."""

    def of(path: str, shape: Shape) -> Initial:
        name = path.rpartition("/")[2]
        return named.get(name, glorot(shape) if name.endswith("kernel") else ZEROS)

    return {path: of(path, shape) for path, shape in shapes.items()}
