"""How tight bounds are: random operations in real arithmetic, against mpmath at 50 digits and their bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
from scipy.special import erf

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from reference import activations

DTYPES = {
    "float32": np.dtype("float32"),
    "float16": np.dtype("float16"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
"""Each with the type that computes in it: NumPy's own, and that of ml_dtypes for bfloat16."""
TERMS = 8
mp = mpmath.MPContext()
mp.dps = 50


@dataclass(frozen=True)
class Operation:
    """One operation: as it is bounded, as real arithmetic does it, and exactly."""

    bounded: Callable[..., ErrorBounded]
    real: Callable[..., Any]
    exact: Callable[..., Any]
    operands: int = 1


def rounded_after(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Compute a function of a half as frameworks do: in float32."""
    return lambda a: function(a.astype(np.float32)).astype(a.dtype)


def dot(a: Any, b: Any) -> Any:
    """Multiply and sum in float32."""
    return np.einsum("nk,nk->n", a.astype(np.float32), b.astype(np.float32)).astype(a.dtype)


def bounded_dot(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Multiply row by row, for a kernel has two axes and no batch."""
    return np.stack([x @ y for x, y in zip(a, b, strict=True)])


OPERATIONS = {
    "+": Operation(np.add, np.add, lambda a, b: a + b, 2),
    "-": Operation(np.subtract, np.subtract, lambda a, b: a - b, 2),
    "*": Operation(np.multiply, np.multiply, lambda a, b: a * b, 2),
    "/": Operation(np.divide, np.divide, lambda a, b: a / b, 2),
    f"dot product of {TERMS}": Operation(bounded_dot, dot, mp.fdot, 2),
    "exp": Operation(np.exp, np.exp, mp.exp),
    "tanh": Operation(np.tanh, np.tanh, mp.tanh),
    "σ": Operation(activations.sigmoid, lambda a: 1 / (1 + np.exp(-a)), lambda a: 1 / (1 + mp.exp(-a))),
    "erf": Operation(activations.erf, rounded_after(erf), mp.erf),
    "softplus": Operation(
        activations.softplus, rounded_after(lambda a: np.logaddexp(a, 0)), lambda a: mp.log1p(mp.exp(a))
    ),
    "expm1 below 0": Operation(
        activations.expm1_below_zero,
        lambda a: np.where(a < 0, np.exp(a) - 1, a.dtype.type(0)),
        lambda a: mp.expm1(min(a, 0)),
    ),
}


def drawn(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Draw numbers of many sizes, between 1e-3 and 10."""
    size = 10.0 ** rng.uniform(-3, 1, shape)
    return np.asarray(rng.choice([-1, 1], shape) * size).astype(DTYPES[dtype])


def ratios(operation: Operation, name: str, dtype: str, count: int) -> np.ndarray[Any, Any]:
    """Return |got - exact| / bound of each."""
    rng = np.random.default_rng(list(f"{name}, {dtype}".encode()))
    shape = (count, TERMS) if operation.exact == mp.fdot else (count,)
    given = [drawn(rng, dtype, shape) for _ in range(operation.operands)]
    with np.errstate(all="ignore"):
        got = operation.real(*given).astype(np.float64)
    numbers = [a.astype(np.float64) for a in given]
    judged = operation.bounded(*(ErrorBounded(a, Arithmetic(dtype)) for a in numbers))
    exact = (operation.exact(*map(mp_of, row)) for row in zip(*numbers, strict=True))
    off = np.array([float(abs(mp.mpf(float(g)) - e)) for g, e in zip(got, exact, strict=True)])
    return np.where(off == 0.0, 0.0, off / judged.error)


def mp_of(value: Any) -> Any:
    """Return a number, or a row of them."""
    return [mp.mpf(float(x)) for x in value] if np.ndim(value) else mp.mpf(float(value))


def table(operations: int) -> tuple[list[str], Iterator[list[str]]]:
    """Return head and rows: of each operation and dtype, how much of the bound real arithmetic uses."""
    count = -(-operations // (len(OPERATIONS) * len(DTYPES)))
    head = ["operation", *(f"{dtype}: {what}" for dtype in DTYPES for what in ("median", "99 %", "worst"))]
    return head, (
        [name, *(cell for dtype in DTYPES for cell in used(ratios(operation, name, dtype, count)))]
        for name, operation in OPERATIONS.items()
    )


def used(shares: np.ndarray[Any, Any]) -> list[str]:
    """Return the median, the 99th percentile and the worst."""
    assert shares.max() <= 1.0, f"a bound is broken, by {shares.max()}"
    return [f"{share:.2f}" for share in (*np.quantile(shares, [0.5, 0.99]), shares.max())]
