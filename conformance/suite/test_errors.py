"""Bad input is refused, and by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance import judge
from conformance.checks import clause
from conformance.implementation import ImplementationRaised
from conformance.strategies import FEW, any_steps
from conformance.subject import Subject
from conformance.trial import Draw


def refused(subject: Subject, what: str, method: str, **params: Any) -> ImplementationRaised:
    """The exception with which the implementation refuses `what`."""
    __tracebackhide__ = True
    try:
        subject.attempt(method, **params)
    except ImplementationRaised as raised:
        return raised
    raise subject.departure(f"{what} is accepted in silence")


@clause("errors.arguments", examples=24, smoke=6)
def test_arguments(subject: Subject, draw: Draw) -> None:
    known = [bad for bad in subject.family.bad_arguments if all(subject.accepts(name) for name in bad)]
    bad = draw(st.sampled_from(known))
    sizes = draw(st.sampled_from(FEW))
    config = subject.config(sizes, **draw(st.sampled_from(subject.forms))) | bad
    raised = refused(subject, f"the argument {bad}", "build", model=subject.model(config, sizes.features))
    clear = raised.type in ("ValueError", "TypeError") and list(bad)[-1] in raised.message
    summary = f"{bad} raises {raised.type}, which does not name {list(bad)[-1]!r}"
    judge.holds(subject, clear, summary, got=f"{raised.type}: {raised.message}")


@clause("errors.inputs", examples=10)
def test_inputs(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=FEW))
    about = subject.about(case) | {"inputs": np.concatenate([case.inputs, case.inputs], axis=-1)}
    what = f"an input of {2 * case.input_dim} features where the cell was built for {case.input_dim}"
    refused(subject, what, "step", **about, state=[case.state], timespans=None, eager=True)


@clause("errors.timespans", examples=10)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=FEW))
    batch, units = case.state.shape
    shapes = [(batch + 1,), (1, batch + 1), (batch, units + 1), (batch, 1, 1), (batch + 1, 1)]
    times = np.ones(draw(st.sampled_from(shapes)), case.inputs.dtype)
    what = f"elapsed time of shape {times.shape} for a batch of {batch}"
    params = {"state": [case.state], "timespans": times, "eager": True}
    refused(subject, what, "step", **subject.about(case), **params)
