"""The evidence for a cause: steps of a cell, beside what the specification and a law make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from conformance.bounds.arrays import ErrorBounded
from conformance.causes.laws import Inapplicable, Law
from conformance.driver.implementation import HarnessFault, NotSupported, RequestRefused
from conformance.judging.assertions import decided, joined, ratio
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import StepCase, Values, step_case
from conformance.spec.families import Config, Sizes

SEARCH_STEPS, PROOF_STEPS = 6, 24
"""Further steps by the formula of the failing step: the first find a cause, the others prove it."""

SIZES = (Sizes(2, 3, 4, 5), Sizes(3, 3, 3, 3), Sizes(1, 3, 4, 5))
"""Sizes of these steps; in the second all sizes are equal, the last has one sample."""

ACTIVATIONS = ("tanh", "relu", "lecun_tanh", "linear")
"""Activations that cells of other configs have: they distinguish faults that are one under the default."""

LARGE = 100.0
"""Elapsed time from which cases are of the form "large"."""

LOOSE = 1e-6
"""The share of the largest value by which a candidate may miss a step, before its bounds are computed."""

EXACT, EXACT_SHARE = 1e-12, 0.8
"""A law that only rounds must match at least `EXACT_SHARE` of the steps, to `EXACT` of the largest value."""


@dataclass(frozen=True)
class Observation:
    """A step that was asked of a cell, and its answer."""

    case: StepCase
    output: Values
    state: Values


def observe(subject: Subject, cases: Iterable[StepCase]) -> Iterator[Observation]:
    """Yield the steps that the cell answers with numbers; they are neither counted nor recorded."""
    apart = subject.apart()
    for case in cases:
        try:
            answer = apart.step(case)
            state = joined(apart, case.config, answer["state"])
        except (Nonconformance, NotSupported, RequestRefused):
            continue
        except HarnessFault:
            subject.implementation.restart()
            return
        yield Observation(case, np.asarray(answer["output"]), state)


def alike(subject: Subject, case: StepCase, seeds: range, **arguments: str) -> Iterator[StepCase]:
    """Yield other steps of the formula of a case, large enough to distinguish most faults."""
    for seed in seeds:
        sizes = SIZES[seed % len(SIZES)]
        own = form_of(case.timespans)
        time = "column" if subject.timed and seed // len(SIZES) % 2 else own
        config = {**resized(case.config, sizes), **arguments}
        yield _case(subject, config, sizes, seed, time)


def _case(subject: Subject, config: Config, sizes: Sizes, seed: int, time: str) -> StepCase:
    dtype = subject.dtype
    return step_case(subject.family, config, sizes, recipe="normal", seed=seed, time=time, dtype=dtype)


def form_of(timespans: Values | None) -> str:
    """Return the form of elapsed times, as `step_case` takes it."""
    if timespans is None:
        return "none"
    if np.ndim(timespans) == 0:
        return "scalar"
    if not np.any(timespans):
        return "zero"
    if np.max(timespans) >= LARGE:
        return "large"
    return "flat" if np.ndim(timespans) == 1 else "column"


def resized(config: Config, sizes: Sizes) -> Config:
    """Return the config with other sizes, where it has them as numbers and not as a graph."""
    numbers = {"units": sizes.units, "backbone_units": sizes.backbone_units}
    return {name: numbers[name] if name in numbers and value else value for name, value in config.items()}


def elsewhere(subject: Subject, case: StepCase) -> Iterator[StepCase]:
    """Yield steps of other formulas of the cell, and by other activations, two each.

    One of the two has elapsed times of the form of `case`, for some faults show at such times alone.
    """
    times = ("column", form_of(case.timespans))
    for form in subject.forms:
        for seed, (sizes, time) in enumerate(zip(SIZES, times, strict=False)):
            with suppress(NotSupported):
                config = subject.config(sizes, **form)
                yield _case(subject, config, sizes, seed, time)
    for name, value in case.config.items():
        if name.endswith("activation"):
            for other in ACTIVATIONS:
                if other != value and subject.offer.allows(name, other):
                    yield from alike(subject, case, range(2), **{name: other})


def is_near(subject: Subject, law: Law, seen: Observation, share: float = LOOSE) -> bool:
    """Tell whether a law gives nearly the same answer: a cheap test, without bounds."""
    try:
        wanted = law.value(subject, seen.case)
    except Inapplicable:
        return False
    most = share if subject.dtype == "float64" else 1e3 * share
    with np.errstate(all="ignore"):
        return all(
            _near(got, want, most) for got, want in zip((seen.output, seen.state), wanted, strict=True)
        )


def _near(got: Values, want: Values, most: float) -> bool:
    if np.shape(got) != np.shape(want):
        return False
    finite = np.isfinite(want)
    scale = np.max(np.abs(want[finite]), initial=0.0) or 1.0
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        return bool(np.all(same | (np.abs(got - want) <= most * scale)))


def alters(subject: Subject, law: Law, seen: Iterable[Observation]) -> bool:
    """Tell whether a law computes one of some steps otherwise than the specification."""
    return any(_alters(subject, law, one) for one in seen)


def _alters(subject: Subject, law: Law, seen: Observation) -> bool:
    try:
        pairs = zip(law.value(subject, seen.case), subject.computed(seen.case), strict=True)
        return not all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
    except Inapplicable:
        return False


def explains(subject: Subject, law: Law, seen: Sequence[Observation]) -> bool:
    """Tell whether a law gives the answers within its bounds, at least half of them narrow enough to tell."""
    agreements = [agreement(subject, _wanted(subject, law, one), one) for one in seen]
    return False not in agreements and 2 * agreements.count(True) >= len(agreements)


def needed(subject: Subject, law: Law, rest: Law, seen: Sequence[Observation]) -> bool:
    """Tell whether the cell surely computes by a law, and not by `rest`, which lacks one of its changes.

    Bounds cannot show a change of rounding alone; then the digits must be those of that rounding.
    """
    apart = [one for one in seen if agreement(subject, _wanted(subject, rest, one), one) is False]
    if any(_differ(subject, law, rest, one) for one in apart):
        return True
    return rounds_alike(subject, law, seen) and not rounds_alike(subject, rest, seen)


def _differ(subject: Subject, law: Law, rest: Law, seen: Observation) -> bool:
    first, second = _wanted(subject, law, seen), _wanted(subject, rest, seen)
    if first is None or second is None:
        return first is not None
    pairs = zip(first, second, strict=True)
    return any(
        bool(np.any(decided(one) & (np.abs(one.value - other.value) > one.error + other.error)))
        for one, other in pairs
    )


def rounds_alike(subject: Subject, law: Law, seen: Sequence[Observation]) -> bool:
    """Tell whether a law gives nearly all digits of the cell, as no other rounding would."""
    return EXACT_SHARE * len(seen) <= sum(is_near(subject, law, one, EXACT) for one in seen)


def departs(subject: Subject, seen: Observation) -> bool:
    """Tell whether an answer is not the specification's."""
    return agreement(subject, subject.reference(seen.case, {}), seen) is False


def agreement(
    subject: Subject, wanted: tuple[ErrorBounded, ErrorBounded] | None, seen: Observation
) -> bool | None:
    """Tell whether an answer is within the bounds; None if more than half of them decide nothing."""
    if wanted is None:
        return False
    sure, values = 0, 0
    for got, want in zip((seen.output, seen.state), wanted, strict=True):
        if got.shape != want.shape:
            return False
        tells = decided(want)
        with np.errstate(invalid="ignore"):
            excess = ratio(np.abs(got - want.value), want.error)
        if not bool(np.all(excess[tells] <= 1.0)):
            return False
        sure, values = sure + int(tells.sum()), values + tells.size
    return True if 2 * sure >= values else None


def _wanted(subject: Subject, law: Law, seen: Observation) -> tuple[ErrorBounded, ErrorBounded] | None:
    try:
        return law.step(subject, seen.case)
    except Inapplicable:
        return None
