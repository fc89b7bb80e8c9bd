"""Finds the documented variant of the specification that an implementation follows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.driver.implementation import HarnessFault, NotSupported, RequestRefused
from conformance.judging.assertions import ratio
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import StepCase, Values, step_case
from conformance.spec.families import Sizes
from conformance.spec.families.base import Config, Variant
from conformance.spec.families.wired import sparse

TRIALS = 8
"""Cases for each formula."""


def find(subject: Subject) -> Variant:
    """Return the variant nearest to the specification that fits every case; {} is the specification, or none.

    The search runs once for each cell, backend and precision; `subject.variants` keeps its result.
    """
    key = (subject.implementation.target, subject.cell["name"], subject.backend, subject.dtype)
    if key not in subject.variants:
        subject.variants[key] = _find(subject)
    return subject.variants[key]


def _find(subject: Subject) -> Variant:
    apart = subject.apart()
    try:
        answered = [(case, np.asarray(apart.step(case)["output"])) for case in _cases(apart)]
    except (Nonconformance, NotSupported, RequestRefused):  # as for a cell whose parameters have other names
        return {}
    except HarnessFault:
        subject.implementation.restart()
        return {}
    for variant in ({}, *_declared(subject), *subject.family.variants):
        if all(_fits(subject, case, got, variant) for case, got in answered):
            return variant
    return {}


def _declared(subject: Subject) -> list[Variant]:
    """Return the variant that the target declares, if it is one of the family's."""
    said = subject.cell.get("variant")
    return [variant for variant in subject.family.variants if said and variant == said["values"]]


def _cases(subject: Subject) -> Iterator[StepCase]:
    """Yield cases of one sample each: a cell's effect on the times of other samples is another clause."""
    sizes = Sizes(1, 3, 4, 5)
    lacking: Config = {"wiring": sparse(sizes.units)} if subject.family.wirings else {}
    for form in subject.forms:
        for seed in range(TRIALS):
            config = subject.config(sizes, **{**form, **lacking})
            yield step_case(
                subject.family, config, sizes, recipe="normal", seed=seed, time="column", dtype=subject.dtype
            )


def _fits(subject: Subject, case: StepCase, got: Values, variant: Variant) -> bool:
    want, _ = subject.reference(case, variant)
    return got.shape == want.shape and bool(np.all(ratio(np.abs(got - want.value), want.error) <= 1.0))
