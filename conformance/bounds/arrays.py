"""Arrays that carry a proven bound on their rounding error.

A reference step, called with `ErrorBounded` arrays, returns each value with a bound: how far from it an
implementation may be whose arithmetic is as accurate as SPEC.md demands. Bounds are propagated by suprema
over the whole error interval, never by first-order derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from conformance.harness.wire import HALVES
from reference import activations, solvers

Values = np.ndarray[Any, np.dtype[np.float64]]

REFERENCE_ROUNDOFF = 2.0**-53
"""Unit roundoff of the reference itself, which computes in float64."""

SLACK = 1.0 + 2.0**-30
"""The factor that covers the rounding of the bound's own computation."""


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of one dtype, as SPEC.md promises it."""

    dtype: str

    @cached_property
    def u(self) -> float:
        """Return the unit roundoff, with the reference's own added."""
        eps = 2.0**-7 if self.dtype == "bfloat16" else float(np.finfo(self.dtype).eps)
        return eps / 2 + REFERENCE_ROUNDOFF

    @cached_property
    def floor(self) -> float:
        """Return the error of one operation whose subnormal result is flushed to zero."""
        return float(np.finfo("float32" if self.dtype == "bfloat16" else self.dtype).tiny)

    @cached_property
    def largest(self) -> float:
        """Return the largest finite number."""
        return float((2 - 2.0**-7) * 2.0**127 if self.dtype == "bfloat16" else np.finfo(self.dtype).max)

    @property
    def half(self) -> bool:
        """Tell whether functions and dot products are computed in float32, and then rounded."""
        return self.dtype in HALVES

    @cached_property
    def function(self) -> float:
        """Return the roundings of exp and tanh."""
        return 2.0 if self.half else 8.0

    @cached_property
    def logistic(self) -> float:
        """Return the roundings of σ, which are absolute and hold for 1 - σ(a), σ(-a), f1 + s (f2 - f1)."""
        return 3.0 if self.half else 10.0

    @cached_property
    def products(self) -> Arithmetic:
        """Return the arithmetic of sums of products: float32 for halves, otherwise its own."""
        return Arithmetic("float32") if self.half else self

    def nearest(self, values: Any) -> Values:
        """Return the numbers of the dtype that are nearest to `values`, ties to even, as float64."""
        if self.dtype != "bfloat16":
            return np.asarray(values).astype(self.dtype).astype(np.float64)
        bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
        kept = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
        return kept.astype(np.uint32).view(np.float32).astype(np.float64)

    def holds(self, constant: float) -> bool:
        """Tell whether the dtype represents `constant`, as written in decimals, exactly: 0.5, not 0.2."""
        return is_exact(self, constant)

    def gamma(self, terms: Any) -> Any:
        """Return gamma(n) = n u / (1 - n u) for each n (Higham, "Accuracy and Stability", section 3.1)."""
        return terms * self.u / (1.0 - terms * self.u)


@lru_cache(maxsize=4096)
def is_exact(arithmetic: Arithmetic, constant: float) -> bool:
    """Tell whether a constant is a number of an arithmetic; formulas have few, and use them at every step."""
    stored = float(arithmetic.nearest(constant))
    return math.isfinite(stored) and Fraction(stored) == Fraction(repr(float(constant)))


class ErrorBounded(np.lib.mixins.NDArrayOperatorsMixin):
    """A float64 array and, for each element, a bound on |implementation - reference|.

    A subnormal number may be read as zero, so its bound is never below its magnitude.
    """

    def __init__(
        self, value: Any, arithmetic: Arithmetic, error: Any = 0.0, kink: bool = False, terms: Any = None
    ) -> None:
        self.value: Values = np.asarray(value).astype(np.float64, casting="safe", copy=False)
        size = np.abs(self.value)
        flushed = np.where(size < arithmetic.floor, size, 0.0)
        self.error: Values = np.maximum(error, flushed)
        self.arithmetic = arithmetic
        self.kink = kink
        """True if a function with a kink was evaluated within the bound of its kink."""
        self.terms = terms
        """The number of products summed to each element; None if it is not a dot product."""

    @classmethod
    def with_bound(
        cls, value: Values, arithmetic: Arithmetic, error: Values, kink: bool = False, terms: Any = None
    ) -> ErrorBounded:
        """Return an array of a float64 value whose bound, of its shape, covers a flush to zero already."""
        made = cls.__new__(cls)
        made.value, made.error, made.arithmetic, made.kink, made.terms = value, error, arithmetic, kink, terms
        return made

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return int(self.value.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype in which an implementation computes; float64 for bfloat16, which NumPy lacks."""
        known = self.arithmetic.dtype != "bfloat16"
        return np.dtype(self.arithmetic.dtype) if known else self.value.dtype

    @property
    def real(self) -> ErrorBounded:
        return self

    @property
    def T(self) -> ErrorBounded:
        return transpose(self)

    def mean(self, axis: int | None = None, keepdims: bool = False) -> ErrorBounded:
        return average(self, axis, keepdims)

    def astype(self, dtype: Any) -> ErrorBounded:
        """Round to `dtype`; what is computed of the result is computed in that dtype.

        An array of bfloat16 stays as it is: to leave it would be to come back to it.
        """
        if self.arithmetic.dtype == "bfloat16":
            return self
        arithmetic = Arithmetic(np.dtype(dtype).name)
        moved = ErrorBounded(self.value, arithmetic, self.error, self.kink, self.terms)
        if arithmetic.u <= self.arithmetic.u:
            return moved
        result = rounded(self.value, self.error, arithmetic.u * reach(self), moved)
        return ErrorBounded(self.value, arithmetic, np.where(zero(self), 0.0, result.error), result.kink)

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        raise TypeError("a number with a bound is neither true nor false")

    def __repr__(self) -> str:
        return f"ErrorBounded({self.value!r} ± {self.error!r})"

    def __getitem__(self, index: Any) -> ErrorBounded:
        return self.with_bound(self.value[index], self.arithmetic, self.error[index], self.kink)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **kwargs: Any) -> Any:
        rule = UFUNCS.get(ufunc)
        if rule is None or method != "__call__" or kwargs:
            return NotImplemented
        with np.errstate(all="ignore"):
            return rule(*lifted(*operands))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        rule = FUNCTIONS.get(function)
        if rule is None:
            return NotImplemented
        with np.errstate(all="ignore"):
            return rule(*args, **kwargs)


def lift(operand: Any, arithmetic: Arithmetic) -> ErrorBounded:
    """Return `operand` with a bound: an array is exact, a constant has the error of storing it.

    One that has a bound keeps its arithmetic, unless the other is the coarser.
    """
    if isinstance(operand, ErrorBounded):
        if operand.arithmetic is arithmetic or operand.arithmetic.u >= arithmetic.u:
            return operand
        return ErrorBounded(operand.value, arithmetic, operand.error, operand.kink, operand.terms)
    if isinstance(operand, float | int) and not arithmetic.holds(float(operand)):
        return ErrorBounded(operand, arithmetic, arithmetic.u * abs(operand))
    return ErrorBounded(operand, arithmetic)


def lifted(*operands: Any) -> list[ErrorBounded]:
    """Return all with bounds, in the coarsest of their arithmetics: a framework may cast to either."""
    bounded = [a.arithmetic for a in operands if isinstance(a, ErrorBounded)]
    coarsest = bounded[0]
    for other in bounded[1:]:
        if other is not coarsest and other.u > coarsest.u:
            coarsest = other
    return [lift(operand, coarsest) for operand in operands]


def rounded(value: Values, error: Values, rounding: Values, *sources: ErrorBounded) -> ErrorBounded:
    """Return the result of an operation, with `error` of its operands and its own `rounding`."""
    arithmetic = sources[0].arithmetic
    bound = (error + rounding + arithmetic.floor) * SLACK
    bound = np.where(np.abs(value) + bound <= arithmetic.largest, bound, np.inf)
    return ErrorBounded.with_bound(value, arithmetic, bound, any(source.kink for source in sources))


def reach(a: ErrorBounded) -> Values:
    """Return the largest magnitude within the bound."""
    return np.abs(a.value) + a.error


def nearest_to_zero(a: ErrorBounded) -> Values:
    """Return the smallest magnitude within the bound."""
    return np.maximum(np.abs(a.value) - a.error, 0.0)


def zero(a: ErrorBounded) -> Any:
    """Tell for each element whether it is exactly 0."""
    return reach(a) == 0.0


def capped(error: Values, range_: float) -> Values:
    """Limit `error` to the range of a bounded function; an overflow may be NaN and stays unbounded."""
    return np.where(np.isinf(error), np.inf, np.minimum(error, range_))


def add(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Add. A bias may be the first term of its dot product (PyTorch's addmm) and rounded with each term."""
    value, error = a.value + b.value, a.error + b.error
    rounding = a.arithmetic.u * (np.abs(value) + error)
    for product, other in ((a, b), (b, a)):
        if product.terms is not None:
            rounding = rounding + a.arithmetic.products.gamma(product.terms) * reach(other)
    return rounded(value, error, rounding, a, b)


def subtract(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    return add(a, negative(b))


def negative(a: ErrorBounded) -> ErrorBounded:
    return ErrorBounded.with_bound(-a.value, a.arithmetic, a.error, a.kink, a.terms)


def multiply(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Multiply. A product with an exact 0, as under a mask, is exactly 0 and not rounded."""
    value, of_a, of_b = a.value * b.value, np.abs(a.value), np.abs(b.value)
    error = of_a * b.error + a.error * of_b + a.error * b.error
    product = rounded(value, error, a.arithmetic.u * (np.abs(value) + error), a, b)
    of_a, of_b = of_a + a.error, of_b + b.error
    exact = (np.minimum(of_a, of_b) == 0.0) & (np.maximum(of_a, of_b) < np.inf)
    product.error = np.where(exact, 0.0, product.error)
    return product


def divide(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    value = a.value / b.value
    return quotient(value, a.error + np.abs(value) * b.error, reach(a), nearest_to_zero(b), a, b)


def quotient(
    value: Values, moved: Values, numerator: Values, denominator: Values, *sources: ErrorBounded
) -> ErrorBounded:
    """Return a quotient, whose error before rounding is `moved` over the smallest `denominator`.

    The reciprocal that an implementation may multiply by may itself be flushed to zero. It does not overflow:
    a denominator so small is subnormal, and may be 0.
    """
    arithmetic = sources[0].arithmetic
    error = np.where(denominator > 0.0, moved / denominator, np.inf)
    flushed = arithmetic.floor * numerator
    return rounded(value, error, 2.0 * arithmetic.u * (np.abs(value) + error) + flushed, *sources)


def matmul(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Multiply matrices. Exact zeros in a column of `b`, as under a mask, are no terms of its dot products.

    A dot product of halves is summed in float32 and then rounded, in one or in two parts.
    """
    terms = np.count_nonzero(~zero(b), axis=max(-2, -b.ndim))
    error = np.abs(a.value) @ b.error + a.error @ np.abs(b.value) + a.error @ b.error
    products, parts = a.arithmetic.products, 3.0 if a.arithmetic.half else 0.0
    share = products.gamma(terms + 2) + parts * a.arithmetic.u
    rounding = share * (reach(a) @ reach(b)) + terms * products.floor
    product = rounded(a.value @ b.value, error, rounding, a, b)
    product.terms = terms
    return product


def total(a: ErrorBounded, axis: int) -> ErrorBounded:
    return rounded(np.sum(a.value, axis=axis), np.sum(a.error, axis=axis), summing(a, reach(a), axis), a)


def summing(a: ErrorBounded, sizes: Values, axis: int = 0) -> Values:
    """Return the rounding of a sum of terms of these sizes, one for each of `a`, in any order and grouping.

    It is gamma(n + 2), as of a dot product. Where `a` is exactly 0, as under a mask, there is no term.
    """
    terms = np.count_nonzero(~zero(a), axis=axis)
    cost: Values = a.arithmetic.gamma(terms + 2) * np.sum(sizes, axis=axis) + 2 * terms * a.arithmetic.floor
    return cost


def current(g: ErrorBounded, reversals: Any, v: Any) -> ErrorBounded:
    """Return Σ g (E - v). For errors δ of g and ε of v, its error is Σ δ (E - v - ε) - ε Σ g, and roundings.

    It may be computed as Σ g E - (Σ g) v or as it stands: no term is rounded more than n + 1 times.
    """
    e, v = lift(reversals, g.arithmetic), lift(v, g.arithmetic)
    error = pulled(g, e, v) + np.abs(np.sum(g.value, axis=0)) * v.error
    rounding = summing(g, reach(g) * reach(e)) + summing(g, reach(g)) * reach(v)
    return rounded(np.sum(g.value * (e.value - v.value), axis=0), error, rounding, g, e, v)


def ahead(g: ErrorBounded, reversals: Any, v: Any, rate: Any) -> ErrorBounded:
    """Return v + rate Σ g (E - v), which keeps 1 - rate Σ g of the error of v: v and current move apart."""
    e, v, rate = (lift(a, g.arithmetic) for a in (reversals, v, rate))
    flow = current(g, e, v)
    value = v.value + rate.value * flow.value
    left = np.abs(1.0 - rate.value * np.sum(g.value, axis=0)) * v.error
    error = left + np.abs(rate.value) * pulled(g, e, v) + rate.error * reach(flow)
    rounding = summing(g, reach(g) * reach(e)) + summing(g, reach(g)) * reach(v)
    rounding = reach(rate) * rounding + g.arithmetic.u * (np.abs(value) + error + v.error)
    return rounded(value, error, rounding, g, e, v, rate)


def mean(weights: ErrorBounded, potentials: Any) -> ErrorBounded:
    """Return the mean. An error δ of a weight moves it by δ times its potential's distance, over all weights.

    Each term has room for the two roundings of a factor that is divided out of its weight, instead of
    multiplied into the others.
    """
    e, whole = lift(potentials, weights.arithmetic), np.sum(weights.value, axis=0)
    sizes, rounding = reach(weights) * reach(e), summing(weights, reach(weights))
    m = ErrorBounded(np.sum(weights.value * e.value, axis=0) / whole, weights.arithmetic)
    moved = pulled(weights, e, m) + summing(weights, sizes) + rounding * reach(m)
    least = np.abs(whole) - np.sum(weights.error, axis=0) - rounding
    return quotient(m.value, moved, np.sum(sizes, axis=0), least, weights, e)


def pulled(g: ErrorBounded, e: ErrorBounded, v: ErrorBounded) -> Values:
    """Return the error of Σ g (E - v) by those of g, times E - v (one g serves both sums), and of E."""
    distance = np.abs(e.value - v.value) + e.error + v.error
    moved: Values = np.sum(g.error * distance + np.abs(g.value) * e.error, axis=0)
    return moved


def exp(a: ErrorBounded) -> ErrorBounded:
    """Bound exp. If the error is above 1, the upper end alone bounds: there exp(a) may have underflowed."""
    value = np.exp(a.value)
    error = np.where(a.error < 1.0, value * np.expm1(a.error), np.exp(a.value + a.error))
    return rounded(value, error, a.arithmetic.function * a.arithmetic.u * (value + error), a)


def tanh(a: ErrorBounded) -> ErrorBounded:
    value = np.tanh(a.value)
    decay = np.exp(-2.0 * nearest_to_zero(a))
    error = capped(a.error * 4.0 * decay / (1.0 + decay) ** 2, 2.0)
    rounding = a.arithmetic.function * a.arithmetic.u * np.minimum(np.abs(value) + error, 1.0)
    return rounded(value, error, rounding, a)


def sigmoid(a: ErrorBounded) -> ErrorBounded:
    decay = np.exp(-nearest_to_zero(a))
    error = capped(a.error * decay / (1.0 + decay) ** 2, 1.0)
    rounding = np.full(a.shape, a.arithmetic.logistic * a.arithmetic.u)
    return rounded(activations.sigmoid(a.value), error, rounding, a)


def erf(a: ErrorBounded) -> ErrorBounded:
    """Bound erf by 16 u, because the gelu of oneDNN, which PyTorch calls, errs by 12.5 u of 1 + erf(a)."""
    value = activations.erf(a.value)
    error = capped(a.error * 2.0 / np.sqrt(np.pi) * np.exp(-(nearest_to_zero(a) ** 2)), 2.0)
    return rounded(value, error, 16.0 * a.arithmetic.u * np.minimum(np.abs(value) + error, 1.0), a)


def softplus(a: ErrorBounded) -> ErrorBounded:
    """Bound softplus. Above 20 an implementation may return a (PyTorch does): exp(-a) is added there."""
    value = activations.softplus(a.value)
    top = a.value + a.error
    error = a.error * activations.sigmoid(top)
    shortcut = np.where(top > 20.0, np.exp(-np.maximum(a.value - a.error, 20.0)), 0.0)
    return rounded(value, error + shortcut, 18.0 * a.arithmetic.u * (value + error), a)


def expm1_below_zero(a: ErrorBounded) -> ErrorBounded:
    """Bound exp(a) - 1, also in two operations: 8 u of exp(a), the most, and one u of the difference."""
    slope = np.exp(np.minimum(a.value + a.error, 0.0))
    below = np.where(a.value - a.error < 0.0, 1.0, 0.0)
    error, rounding = a.error * slope * below, 9.0 * a.arithmetic.u * below
    return at_kink(rounded(activations.expm1_below_zero(a.value), error, rounding, a), a, 0.0)


def absolute(a: ErrorBounded) -> ErrorBounded:
    return at_kink(ErrorBounded(np.abs(a.value), a.arithmetic, a.error, a.kink), a, 0.0)


def relu(a: ErrorBounded) -> ErrorBounded:
    error = np.where(a.value + a.error < 0.0, 0.0, a.error)
    return at_kink(ErrorBounded(np.maximum(a.value, 0.0), a.arithmetic, error, a.kink), a, 0.0)


def clip(a: ErrorBounded, low: float, high: float) -> ErrorBounded:
    outside = (a.value + a.error < low) | (a.value - a.error > high)
    held = ErrorBounded(np.clip(a.value, low, high), a.arithmetic, np.where(outside, 0.0, a.error), a.kink)
    return at_kink(at_kink(held, a, low), a, high)


def at_kink(result: ErrorBounded, a: ErrorBounded, where: float) -> ErrorBounded:
    """Return `result`, marked if `a` is within its bound of a kink at `where`."""
    kink = result.kink or bool(np.any(np.abs(a.value - where) <= a.error))
    return ErrorBounded(result.value, result.arithmetic, result.error, kink)


def maximum(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Return the larger, with its own error where it is certain which; they may be equal at a kink."""
    error = np.maximum(a.error, b.error)
    error = np.where(a.value - a.error > b.value + b.error, a.error, error)
    error = np.where(b.value - b.error > a.value + a.error, b.error, error)
    close = np.abs(a.value - b.value) <= a.error + b.error
    kink = a.kink or b.kink or bool(np.any(close))
    return ErrorBounded(np.maximum(a.value, b.value), a.arithmetic, error, kink)


def minimum(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    return negative(maximum(negative(a), negative(b)))


def log(a: ErrorBounded) -> ErrorBounded:
    """Bound log: its error is largest at the lower end, and has no bound where that may be 0."""
    value, low = np.log(a.value), a.value - a.error
    error = np.where(low > 0.0, np.log1p(a.error / np.where(low > 0.0, low, 1.0)), np.inf)
    return rounded(value, error, a.arithmetic.function * a.arithmetic.u * (np.abs(value) + error), a)


def log1p(a: ErrorBounded) -> ErrorBounded:
    """Bound log(1 + a), also in two operations: the rounding of 1 + a moves its logarithm by u."""
    value, low = np.log1p(a.value), 1.0 + (a.value - a.error)
    error = np.where(low > 0.0, np.log1p(a.error / np.where(low > 0.0, low, 1.0)), np.inf)
    u = a.arithmetic.u
    return rounded(value, error, a.arithmetic.function * u * (np.abs(value) + error) + 2.0 * u, a)


def expm1(a: ErrorBounded) -> ErrorBounded:
    """Bound exp(a) - 1, also in two operations: the roundings of exp(a), and one of the difference."""
    value, power = np.expm1(a.value), np.exp(a.value)
    error = np.where(a.error < 1.0, power * np.expm1(a.error), np.exp(a.value + a.error))
    return rounded(value, error, (a.arithmetic.function + 1.0) * a.arithmetic.u * (power + error + 1.0), a)


def sqrt(a: ErrorBounded) -> ErrorBounded:
    """Bound the root: its error is largest at the lower end, and has no bound where that may be below 0."""
    value, low = np.sqrt(a.value), a.value - a.error
    span = value + np.sqrt(np.maximum(low, 0.0))
    error = np.where(low >= 0.0, a.error / np.where(span > 0.0, span, 1.0), np.inf)
    return rounded(value, error, a.arithmetic.function * a.arithmetic.u * (np.abs(value) + error), a)


def less(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    """Return 1 where a < b, else 0; with an error of 1 where the bounds leave it open."""
    return ErrorBounded(a.value < b.value, a.arithmetic, _open(a, b))


def greater(a: ErrorBounded, b: ErrorBounded) -> ErrorBounded:
    return less(b, a)


def _open(a: ErrorBounded, b: ErrorBounded) -> Values:
    margin = a.error + b.error
    return np.where((np.abs(a.value - b.value) > margin) | (margin == 0.0), 0.0, 1.0)


def concatenate(arrays: list[Any], axis: int = 0) -> ErrorBounded:
    return _joined(np.concatenate, arrays, axis)


def stack(arrays: list[Any], axis: int = 0) -> ErrorBounded:
    return _joined(np.stack, arrays, axis)


def _joined(join: Callable[..., Values], arrays: list[Any], axis: int) -> ErrorBounded:
    parts = lifted(*arrays)
    value, error = join([a.value for a in parts], axis=axis), join([a.error for a in parts], axis=axis)
    return ErrorBounded.with_bound(value, parts[0].arithmetic, error, any(a.kink for a in parts))


def where(condition: Any, a: Any, b: Any) -> ErrorBounded:
    """Select; where the condition is open it may be either, so the distance of the two is added."""
    chosen, a, b = lifted(condition, a, b)
    value = np.where(chosen.value, a.value, b.value)
    error = np.where(chosen.value, a.error, b.error)
    either = np.abs(a.value - b.value) + np.maximum(a.error, b.error)
    error = np.where(chosen.error > 0.0, np.where(np.isnan(either), np.inf, either), error)
    kink = a.kink or b.kink or bool(np.any(chosen.error > 0.0))
    return ErrorBounded(value, a.arithmetic, error, kink)


def rearranged(function: Callable[..., Any]) -> Callable[..., ErrorBounded]:
    """Return the rule of a function that only moves or repeats the numbers."""

    def rule(a: ErrorBounded, *args: Any, **kwargs: Any) -> ErrorBounded:
        value, error = function(a.value, *args, **kwargs), function(a.error, *args, **kwargs)
        return ErrorBounded.with_bound(value, a.arithmetic, error, a.kink)

    return rule


transpose = rearranged(np.transpose)
reshape = rearranged(np.reshape)
expand_dims = rearranged(np.expand_dims)


def average(a: ErrorBounded, axis: int | None = None, keepdims: bool = False) -> ErrorBounded:
    """Return the mean along an axis, or of all: the sum over the number of terms."""
    if axis is None:
        return reshape(average(reshape(a, (-1,)), 0), (1,) * a.ndim if keepdims else ())
    means = total(a, axis) / float(a.shape[axis])
    return expand_dims(means, axis) if keepdims else means


def ones_like(a: ErrorBounded) -> ErrorBounded:
    return ErrorBounded(np.ones(a.shape), a.arithmetic)


UFUNCS: dict[np.ufunc, Callable[..., ErrorBounded]] = {
    np.add: add,
    np.subtract: subtract,
    np.negative: negative,
    np.multiply: multiply,
    np.divide: divide,
    np.matmul: matmul,
    np.exp: exp,
    np.tanh: tanh,
    np.log: log,
    np.log1p: log1p,
    np.expm1: expm1,
    np.sqrt: sqrt,
    np.maximum: maximum,
    np.minimum: minimum,
    np.less: less,
    np.greater: greater,
}

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.concatenate: concatenate,
    np.stack: stack,
    np.where: where,
    np.sum: total,
    np.mean: average,
    np.ones_like: ones_like,
    np.any: lambda a: bool(np.any(a.value)),
    np.iscomplexobj: lambda a: False,
    np.shape: lambda a: a.shape,
    np.broadcast_to: rearranged(np.broadcast_to),
    np.expand_dims: expand_dims,
    np.reshape: reshape,
    np.roll: rearranged(np.roll),
    np.swapaxes: rearranged(np.swapaxes),
    np.transpose: transpose,
    activations.sigmoid: sigmoid,
    activations.erf: erf,
    activations.softplus: softplus,
    activations.expm1_below_zero: expm1_below_zero,
    activations.absolute: absolute,
    activations.relu: relu,
    activations.clip: clip,
    solvers.mean: mean,
    solvers.current: current,
    solvers.ahead: ahead,
}
