"""Rules by which an adjoint of the reference carries its bound: the promises of SPEC.md about a gradient.

A framework differentiates by rules of its own: factors and terms come in another order, slopes are taken of
rounded values. Importing this module adds rules to `ErrorBounded` that allow these roundings.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from conformance.bounds import arrays as tolerance
from conformance.bounds.arrays import ErrorBounded, Values, at_kink, lift, reach, rounded, zero
from reference.adjoints import activations as slopes
from reference.adjoints import gradients

SLOPE_ROUNDING = 4.0
"""In u: the error of a slope that lies within [0, 1], besides the error of its activation."""


def product(*factors: Any) -> ErrorBounded:
    """Bound a product of n factors in any order by γ(n + 2); parts of it may be flushed to zero."""
    arithmetic = _arithmetic(factors)
    parts = [lift(factor, arithmetic) for factor in factors]
    value, error, grown = parts[0].value, parts[0].error, np.maximum(reach(parts[0]), 1.0)
    for part in parts[1:]:
        error = error * reach(part) + np.abs(value) * part.error
        value, grown = value * part.value, grown * np.maximum(reach(part), 1.0)
    rounding = arithmetic.gamma(len(parts) + 2) * (np.abs(value) + error) + arithmetic.floor * grown
    result = rounded(value, error, rounding, *parts)
    nothing = reduce(np.logical_or, (zero(part) for part in parts)) & ~np.isinf(grown)
    return ErrorBounded(value, arithmetic, np.where(nothing, 0.0, result.error), result.kink)


def total(*terms: Any) -> ErrorBounded:
    """Bound a sum of n terms in any order by γ(n + 2) of their magnitudes."""
    arithmetic = _arithmetic(terms)
    parts = [lift(term, arithmetic) for term in terms]
    sizes = reduce(np.add, (reach(part) for part in parts))
    rounding = arithmetic.gamma(len(parts) + 2) * sizes + len(parts) * arithmetic.floor
    error = reduce(np.add, (part.error for part in parts))
    return rounded(reduce(np.add, (part.value for part in parts)), error, rounding, *parts)


def _arithmetic(arrays: Any) -> tolerance.Arithmetic:
    return next(a.arithmetic for a in arrays if isinstance(a, ErrorBounded))


def tanh_slope(a: ErrorBounded) -> ErrorBounded:
    """Bound the slope as 1 - y², (1 - y) (1 + y) or y (1 - y) of the rounded y."""
    y = tolerance.tanh(a)
    return _slope(1.0 - y.value**2, 2.0 * np.abs(y.value) * y.error + y.error**2, a)


def sigmoid_slope(a: ErrorBounded) -> ErrorBounded:
    """Bound the slope as y (1 - y) of the rounded y."""
    y = tolerance.sigmoid(a)
    return _slope(y.value * (1.0 - y.value), np.abs(1.0 - 2.0 * y.value) * y.error + y.error**2, a)


def softplus_slope(a: ErrorBounded) -> ErrorBounded:
    """Bound the slope as σ(a), or as exp(a - softplus(a)) of the rounded softplus."""
    y, whole = tolerance.sigmoid(a), tolerance.softplus(a)
    of_difference = whole.error + a.error + a.arithmetic.u * (reach(a) + reach(whole))
    return _slope(y.value, y.error + reach(y) * np.expm1(of_difference), a)


def _slope(value: Values, error: Values, a: ErrorBounded) -> ErrorBounded:
    return rounded(value, error, np.full(a.shape, SLOPE_ROUNDING * a.arithmetic.u), a)


def positive(a: ErrorBounded) -> ErrorBounded:
    return at_kink(_chosen(slopes.positive(a.value), a), a, 0.0)


def sign(a: ErrorBounded) -> ErrorBounded:
    return at_kink(_chosen(slopes.sign(a.value), a), a, 0.0)


def within(a: ErrorBounded, low: float, high: float) -> ErrorBounded:
    return at_kink(at_kink(_chosen(slopes.within(a.value, low, high), a), a, low), a, high)


def _chosen(value: Values, a: ErrorBounded) -> ErrorBounded:
    return ErrorBounded(value, a.arithmetic, kink=a.kink)


RULES: dict[Any, Any] = {
    gradients.product: product,
    gradients.total: total,
    slopes.tanh_slope: tanh_slope,
    slopes.sigmoid_slope: sigmoid_slope,
    slopes.softplus_slope: softplus_slope,
    slopes.positive: positive,
    slopes.sign: sign,
    slopes.within: within,
}
tolerance.FUNCTIONS.update(RULES)
