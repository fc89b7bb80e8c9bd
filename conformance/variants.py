"""Which documented variant of the specification an implementation follows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from conformance.cases import StepCase, Values, step_case
from conformance.families import Sizes
from conformance.families.base import Variant
from conformance.judge import ratio
from conformance.subject import Departure, Subject

TRIALS = 8
"""Cases a formula."""


def find(subject: Subject) -> Variant:
    """The variant nearest to the specification that fits every case; {} where none does."""
    try:
        answered = [(case, np.asarray(subject.step(case)["output"])) for case in _cases(subject)]
    except Departure:
        return {}
    for variant in subject.family.variants:
        if all(_fits(subject, case, got, variant) for case, got in answered):
            return variant
    return {}


def _cases(subject: Subject) -> Iterator[StepCase]:
    sizes = Sizes(2, 3, 4, 5)
    for form in subject.forms:
        for seed in range(TRIALS):
            config = subject.config(sizes, **form)
            yield step_case(
                subject.family, config, sizes, recipe="normal", seed=seed, time="column", dtype=subject.dtype
            )


def _fits(subject: Subject, case: StepCase, got: Values, variant: Variant) -> bool:
    want = subject.reference(case, variant)
    return got.shape == want.shape and bool(np.all(ratio(np.abs(got - want.value), want.error) <= 1.0))
