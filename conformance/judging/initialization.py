"""Judgements of initial values that are drawn, each with a bound on how often it accuses a right cell.

With p the probability allowed to one comparison, of n independent numbers uniform on [0, 1]:

    distance from the uniform distribution    P(D > e) <= 2 exp(-2 n e^2)    e = sqrt(ln(2 / p) / (2 n))
    gap between the outermost and an end      P(gap > g) = (1 - g)^n         g = 1 - p^(1 / n)

The first is the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant: it holds for every n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.bounds.arrays import Arithmetic
from conformance.judging.assertions import assert_equal, assert_true
from conformance.judging.subject import Subject
from conformance.spec.cases import Values
from conformance.spec.families.initial import Constant, Initial, Orthogonal, Uniform

RATE = 1e-12
"""The probability allowed for one example: a thousand examples stay under 1e-9."""
COMPARISONS = 3
"""Comparisons of each uniform parameter that may reject a right cell: the distance, and the gap at either
end."""
GRID = 2.0**-21
"""The largest share of the range that one number stands for: generators of floats have few bits."""
EDGE = 4.0
"""Roundings of low + (high - low) r, by which a number may leave its range."""

Draws = Mapping[str, Values]
"""By path, the values of several seeds, (seeds, *shape)."""


def distance_allowed(n: int, p: float) -> float:
    """Return the distance from the uniform distribution that n numbers exceed with a probability under p."""
    return float(np.sqrt(np.log(2.0 / p) / (2.0 * n))) + GRID


def gap_allowed(n: int, p: float) -> float:
    """Return the gap between the outermost of n numbers and an end, exceeded with a probability under p."""
    return float(-np.expm1(np.log(p) / n)) + GRID


def distance(numbers: Values) -> float:
    """Return the largest distance between the distribution of numbers and the uniform one on [0, 1]."""
    below = np.arange(len(numbers) + 1) / len(numbers)
    ordered = np.sort(numbers)
    return float(max(np.max(below[1:] - ordered), np.max(ordered - below[:-1])))


def judge_values(subject: Subject, wanted: Mapping[str, Initial], draws: Draws) -> None:
    """Raise unless every parameter is initialized as the specification requires."""
    __tracebackhide__ = True
    drawn = [initial for initial in wanted.values() if isinstance(initial, Uniform)]
    p = RATE / (COMPARISONS * max(1, len(drawn)))
    for path, initial in wanted.items():
        values, what = draws[path], f"initial {path}"
        assert_true(subject, bool(np.isfinite(values).all()), f"{what} is not finite")
        match initial:
            case Constant(value):
                for one in values:
                    assert_equal(subject, what, one, np.broadcast_to(value, one.shape))
            case Uniform():
                _judge_uniform(subject, what, values, initial, p)
            case Orthogonal():
                _judge_orthogonal(subject, what, values)
    _judge_apart(subject, {path: draws[path] for path, i in wanted.items() if not isinstance(i, Constant)})


def _judge_uniform(subject: Subject, what: str, values: Values, wanted: Uniform, p: float) -> None:
    __tracebackhide__ = True
    low, high = wanted.low, wanted.high
    wide, numbers = high - low, values.astype(np.float64)
    slack = EDGE * subject.arithmetic.u * (abs(low) + abs(high))
    limits = f"the uniform distribution on [{low:.7g}, {high:.7g}]"
    least, most = float(numbers.min()), float(numbers.max())
    within = low - slack <= least and most <= high + slack
    assert_true(subject, within, f"{what} is in [{least:.7g}, {most:.7g}], but should be of {limits}")
    gap, allowed = max(least - low, high - most) / wide, gap_allowed(numbers.size, p)
    off = f"the ends stay free by {gap:.3g} of it, where {allowed:.3g} is allowed"
    said = (
        f"{what}, {numbers.size} numbers, is in [{least:.7g}, {most:.7g}], but should be of {limits}: {off}"
    )
    assert_true(subject, gap <= allowed, said)
    far, allowed = distance((numbers.ravel() - low) / wide), distance_allowed(numbers.size, p)
    off = f"its distribution is off by {far:.3g}, where {allowed:.3g} is allowed"
    assert_true(subject, far <= allowed, f"{what}, {numbers.size} numbers, should be of {limits}, but {off}")


def _judge_orthogonal(subject: Subject, what: str, values: Values) -> None:
    """Raise unless W W^T is I, within the bound of a Householder QR."""
    __tracebackhide__ = True
    rows, columns = values.shape[1:]
    bound = 2.0 * Arithmetic(subject.dtype).gamma(rows * columns)
    for one in values.astype(np.float64):
        off = float(np.abs(one @ one.T - np.eye(rows)).max())
        said = f"{what} should be orthogonal, but W W^T is off I by {off:.3g}, where {bound:.3g} is allowed"
        assert_true(subject, off <= bound, said)


def _judge_apart(subject: Subject, draws: Draws) -> None:
    """Raise if two drawn arrays are equal, of one seed or of two."""
    __tracebackhide__ = True
    seen: dict[tuple[Any, ...], str] = {}
    for path, values in draws.items():
        for i, one in enumerate(values):
            name = f"{path} of seed {i + 1}"
            other = seen.setdefault((one.shape, one.tobytes()), name)
            said = f"initial {name} has the very numbers of {other}, but should be drawn anew"
            assert_true(subject, other == name, said)
