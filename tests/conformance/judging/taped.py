"""A framework that differentiates the reference by rules, as careless as SPEC.md allows.

Arrays that take part in NumPy's dispatch remember what they were made of, so that any step of the reference,
called with them, can be gone through backwards, rule by rule: the chain, the order of sums and where a slope
is taken are those of a framework and not of `reference.adjoints`. Every operation, forwards and backwards,
errs by as much as `Sloppy` lets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.bounds.arrays import Arithmetic
from reference import activations, solvers
from tests.conformance.bounds.sloppy import Sloppy, wide

Pull = tuple["Taped", Callable[[Any], Any]]
"""What an array was made of, and the gradient by it of the gradient by the array."""


class Taped:
    """An array in extended precision, with its way back."""

    def __init__(self, value: Any, arithmetic: Sloppy, pulls: tuple[Pull, ...] = ()) -> None:
        self.value, self.s, self.pulls = wide(value), arithmetic, pulls
        self.shape, self.ndim, self.dtype = self.value.shape, self.value.ndim, np.dtype(np.float64)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Taped:
        def back(g: Any) -> Any:
            whole = np.zeros(self.shape, np.longdouble)
            np.add.at(whole, index, g)
            return whole

        return Taped(self.value[index], self.s, ((self, back),))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any) -> Any:
        return UFUNCS[ufunc](self.s, *(lifted(operand, self.s) for operand in operands))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (solvers.mean, solvers.current, solvers.ahead):
            return function.__wrapped__(*args)
        return FUNCTIONS[function](self.s, *args, **kwargs)

    def __add__(self, other: Any) -> Any:
        return np.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return np.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return np.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return np.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return np.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return np.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return np.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return np.divide(other, self)

    def __matmul__(self, other: Any) -> Any:
        return np.matmul(self, other)

    def __neg__(self) -> Any:
        return np.negative(self)


def gradients(results: list[Taped], cotangents: list[Any], leaves: list[Taped]) -> list[Any]:
    """Return the gradients of Σ cotangent · result by each of the leaves, an array each."""
    s, order, seen = leaves[0].s, [], set()

    def visit(node: Taped) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for below, _ in node.pulls:
                visit(below)
            order.append(node)

    for result in results:
        visit(result)
    found: dict[int, Any] = {}
    for result, cotangent in zip(results, cotangents, strict=True):
        _reach(s, found, result, wide(cotangent))
    for node in reversed(order):
        if id(node) in found:
            for below, back in node.pulls:
                _reach(s, found, below, back(found[id(node)]))
    return [found.get(id(leaf), np.zeros(leaf.shape)) for leaf in leaves]


def _reach(s: Sloppy, found: dict[int, Any], node: Taped, g: Any) -> None:
    found[id(node)] = s.add(found[id(node)], g) if id(node) in found else g


def lifted(a: Any, s: Sloppy) -> Taped:
    """Return a constant as it can be stored."""
    if isinstance(a, Taped):
        return a
    rounded = isinstance(a, float) and not Arithmetic(s.dtype).holds(a)
    return Taped(s.near(wide(a)) if rounded else a, s)


def summed(s: Sloppy, a: Any, axis: int) -> Any:
    """Sum in order."""
    terms = np.moveaxis(a, axis, 0)
    start = terms[0]
    for term in terms[1:]:
        start = np.where(term == 0, start, s.add(start, term))
    return start


def shrunk(s: Sloppy, g: Any, shape: tuple[int, ...]) -> Any:
    """Return the gradient by what was broadcast from `shape`."""
    while g.ndim > len(shape):
        g = summed(s, g, 0)
    for axis, size in enumerate(shape):
        if size == 1 and g.shape[axis] != 1:
            g = np.expand_dims(summed(s, g, axis), axis)
    return g


def _add(s: Sloppy, a: Taped, b: Taped) -> Taped:
    pulls = ((a, lambda g: shrunk(s, g, a.shape)), (b, lambda g: shrunk(s, g, b.shape)))
    return Taped(s.add(a.value, b.value), s, pulls)


def _negative(s: Sloppy, a: Taped) -> Taped:
    return Taped(-a.value, s, ((a, lambda g: -g),))


def _subtract(s: Sloppy, a: Taped, b: Taped) -> Taped:
    return _add(s, a, _negative(s, b))


def _multiply(s: Sloppy, a: Taped, b: Taped) -> Taped:
    def by(one: Taped, other: Taped) -> Pull:
        return one, lambda g: shrunk(s, s.multiply(g, other.value), one.shape)

    return Taped(s.multiply(a.value, b.value), s, (by(a, b), by(b, a)))


def _divide(s: Sloppy, a: Taped, b: Taped) -> Taped:
    """Return the gradient by the denominator, in one of the ways of frameworks."""
    y = s.divide(a.value, b.value)

    def by_denominator(g: Any) -> Any:
        if s.rng.random() < 0.5:
            slope = s.divide(s.divide(-a.value, b.value), b.value)
            return shrunk(s, s.multiply(g, slope), b.shape)
        square = s.near(1 / s.multiply(b.value, b.value), 1)
        return shrunk(s, s.multiply(s.multiply(-g, a.value), square), b.shape)

    return Taped(y, s, ((a, lambda g: shrunk(s, s.divide(g, b.value), a.shape)), (b, by_denominator)))


def _matmul(s: Sloppy, a: Taped, b: Taped) -> Taped:
    pulls = ((a, lambda g: s.total(g, b.value.T)), (b, lambda g: s.total(a.value.T, g)))
    return Taped(s.total(a.value, b.value), s, pulls)


def _through(a: Taped, y: Any, slope: Callable[[], Any]) -> Taped:
    return Taped(y, a.s, ((a, lambda g: a.s.multiply(g, slope())),))


def _exp(s: Sloppy, a: Taped) -> Taped:
    y = s.exp(a.value)
    return _through(a, y, lambda: y)


def _tanh(s: Sloppy, a: Taped) -> Taped:
    """Return the gradient of tanh, as torch, g (1 - y²), or as jax, (g + g y) (1 - y)."""
    y = s.tanh(a.value)

    def back(g: Any) -> Any:
        if s.rng.random() < 0.5:
            return s.multiply(g, s.subtract(1, s.multiply(y, y)))
        return s.multiply(s.add(g, s.multiply(g, y)), s.subtract(1, y))

    return Taped(y, s, ((a, back),))


def _sigmoid(s: Sloppy, a: Taped) -> Taped:
    y = s.sigmoid(a.value)
    return Taped(y, s, ((a, lambda g: s.multiply(s.multiply(g, y), s.subtract(1, y))),))


def _softplus(s: Sloppy, a: Taped) -> Taped:
    y = s.near(np.logaddexp(a.value, 0), 18)
    return _through(
        a, y, lambda: s.exp(s.subtract(a.value, y)) if s.rng.random() < 0.5 else s.sigmoid(a.value)
    )


def _erf(s: Sloppy, a: Taped) -> Taped:
    y = s.near(wide(activations.erf(a.value.astype(np.float64))), 14)
    factor = s.near(2 / np.sqrt(np.longdouble(np.pi)))
    return _through(a, y, lambda: s.multiply(factor, s.exp(-s.multiply(a.value, a.value))))


def _expm1_below_zero(s: Sloppy, a: Taped) -> Taped:
    y = np.where(a.value < 0, s.subtract(s.exp(np.minimum(a.value, 0)), 1), 0)
    return _through(a, y, lambda: np.where(a.value < 0, s.add(y, 1), 0))


def _clip(s: Sloppy, a: Taped, low: float, high: float) -> Taped:
    return _through(a, np.clip(a.value, low, high), lambda: (a.value >= low) & (a.value <= high))


def _concatenate(s: Sloppy, arrays: Any, axis: int = 0) -> Taped:
    parts = [lifted(a, s) for a in arrays]
    cuts = np.cumsum([0, *(part.shape[axis] for part in parts)])

    def by(i: int) -> Pull:
        return parts[i], lambda g: np.take(g, range(cuts[i], cuts[i + 1]), axis)

    value = np.concatenate([part.value for part in parts], axis)
    return Taped(value, s, tuple(by(i) for i in range(len(parts))))


def _stack(s: Sloppy, arrays: Any, axis: int = 0) -> Taped:
    return _concatenate(s, [lifted(a, s)[None] for a in arrays])


def _where(s: Sloppy, condition: Any, a: Any, b: Any) -> Taped:
    a, b = lifted(a, s), lifted(b, s)
    pulls = (
        (a, lambda g: shrunk(s, np.where(condition, g, 0), a.shape)),
        (b, lambda g: shrunk(s, np.where(condition, 0, g), b.shape)),
    )
    return Taped(np.where(condition, a.value, b.value), s, pulls)


def _sum(s: Sloppy, a: Taped, axis: int) -> Taped:
    def back(g: Any) -> Any:
        return np.broadcast_to(np.expand_dims(g, axis), a.shape)

    return Taped(summed(s, a.value, axis), s, ((a, back),))


def _broadcast_to(s: Sloppy, a: Taped, shape: tuple[int, ...]) -> Taped:
    return Taped(np.broadcast_to(a.value, shape), s, ((a, lambda g: shrunk(s, g, a.shape)),))


def _transpose(s: Sloppy, a: Taped) -> Taped:
    return Taped(a.value.T, s, ((a, lambda g: g.T),))


UFUNCS: dict[Any, Callable[..., Taped]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.negative: _negative,
    np.matmul: _matmul,
    np.exp: _exp,
    np.tanh: _tanh,
}

FUNCTIONS: dict[Any, Callable[..., Taped]] = {
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.where: _where,
    np.sum: _sum,
    np.broadcast_to: _broadcast_to,
    np.transpose: _transpose,
    activations.sigmoid: _sigmoid,
    activations.softplus: _softplus,
    activations.erf: _erf,
    activations.expm1_below_zero: _expm1_below_zero,
    activations.absolute: lambda s, a: _through(a, np.abs(a.value), lambda: np.sign(a.value)),
    activations.relu: lambda s, a: _through(a, np.maximum(a.value, 0), lambda: a.value > 0),
    activations.clip: _clip,
}
