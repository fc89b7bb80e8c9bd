"""Steps of a sequence that are computed in batches are those that are computed one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.judging import assertions
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.spec.cases import SequenceCase, sequence_case, with_times
from conformance.spec.families import Sizes
from reference.sequence import running_order

CELLS = {cell["name"]: cell for cell in ReferenceCells().describe()["cells"]}


def drawn(subject: Subject, batch: int, length: int, *, masked: bool, **options: Any) -> SequenceCase:
    sizes = Sizes(batch, 3, 4, 5)
    config = subject.config(sizes, **{**subject.family.shown, **subject.forms[0]})
    case = sequence_case(
        subject.family, config, sizes, length=length, recipe="normal", seed=1, dtype=subject.dtype
    )
    case = replace(with_times(subject.family, case, 2, pauses=False), options=options)
    keep = np.random.default_rng(3).random((batch, length)) < 0.7
    return replace(case, mask=keep) if masked else case


@pytest.mark.parametrize("name", ["CfCCell", "LTCCell", "WiredCfCCell", "WiredLTCCell"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("batch", "length"), [(1, 1), (3, 5), (100, 7), (assertions.ROWS + 9, 2), (0, 2)], ids=str
)
def test_steps_in_batches_are_steps(
    name: str, batch: int, length: int, masked: bool, backwards: bool
) -> None:
    subject = Subject(ReferenceCells(), CELLS[name], "float32")
    case = drawn(subject, batch, length, masked=masked, go_backwards=backwards)
    got = np.random.default_rng(4).normal(size=(batch, length, subject.outputs(case.config)))
    state = assertions.initial_state(subject, case)
    for i, k in enumerate(running_order(length, backwards)):
        want, _ = subject.reference(case.at(k, state))
        step = assertions.steps_of(subject, case, got)[i]
        np.testing.assert_allclose(step.value, want.value, rtol=1e-14, atol=1e-14)
        np.testing.assert_allclose(step.error, want.error, rtol=1e-9)
        state = got[:, i] if case.mask is None else np.where(case.mask[:, k, None], got[:, i], state)
