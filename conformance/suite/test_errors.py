"""Rejection of bad input, with an error that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import ImplementationRaised, NotSupported
from conformance.driver.messages import one_line
from conformance.judging.assertions import assert_true
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import FEW, any_steps
from conformance.judging.subject import Subject


def works(subject: Subject, method: str, **params: Any) -> Any:
    """Return the answer to a call with good values.

    Raises NotSupported if it is rejected: its rejection then shows nothing.
    """
    try:
        return subject.attempt(method, **params)
    except ImplementationRaised as raised:
        said = f"{raised.type}: {one_line(raised.message)}"
        raise NotSupported(
            f"{method} raises with good values too, so that an error for bad ones shows nothing ({said})"
        ) from None


def refused(subject: Subject, what: str, method: str, **params: Any) -> ImplementationRaised:
    """Return the exception with which the implementation rejects `what`, of a call that `works` otherwise."""
    __tracebackhide__ = True
    try:
        subject.attempt(method, **params)
    except ImplementationRaised as raised:
        return raised
    raise subject.departure(f"{what} is accepted in silence")


@clause("errors.arguments", examples=4, smoke=1)
def test_arguments(subject: Subject, draw: Draw) -> None:
    known = [bad for bad in subject.family.bad_arguments if all(subject.accepts(name) for name in bad)]
    if not known:
        raise NotSupported("no argument of which the specification knows a bad value")
    refusals: list[NotSupported] = []
    sizes, form = draw(st.sampled_from(FEW)), draw(st.sampled_from(subject.forms))
    works(subject, "build", model=subject.model(subject.config(sizes, **form), sizes.features))
    for bad in draw(st.permutations(known)):
        model = subject.model(subject.config(sizes, **form) | bad, sizes.features)
        try:
            raised = refused(subject, f"the argument {bad}", "build", model=model)
        except NotSupported as lacks:
            refusals.append(lacks)
            continue
        kind, got = raised.type, f"{raised.type}: {raised.message}"
        summary = f"{bad} raises {kind}, not ValueError or TypeError"
        assert_true(subject, kind in ("ValueError", "TypeError"), summary, got=got)
        named = list(bad)[-1] in raised.message
        assert_true(subject, named, f"{bad} raises {kind}, which does not name {list(bad)[-1]!r}", got=got)
    if len(refusals) == len(known):
        raise refusals[0]


@clause("errors.inputs", examples=6, smoke=2)
def test_inputs(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=FEW))
    features = case.input_dim
    step = {**subject.case_params(case), "state": subject.tensors(case), "timespans": None, "eager": True}
    sequence = {
        **subject.case_params(case),
        "inputs": np.stack([case.inputs] * 2, axis=1),
        "wrapper": "layer",
    }
    calls = [("step", step), ("sequence", sequence)][: 2 if subject.cell.get("layer") else 1]
    for method, asked in calls:
        works(subject, method, **asked)
        for width in sorted({1, features - 1, features + 1, 2 * features} - {0, features}):
            inputs = np.resize(case.inputs, (*asked["inputs"].shape[:-1], width))
            what = f"an input of {width} features to a {method} of a cell that was built for {features}"
            refused(subject, what, method, **{**asked, "inputs": inputs})


@clause("errors.timespans", examples=4, smoke=1)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=FEW))
    batch, units = len(case.inputs), subject.outputs(case.config)
    flat = [(units,), (1,), (batch + 1,)]
    deep = [
        (batch, units),
        (1, units),
        (1, 1),
        (1, batch + 1),
        (batch, units + 1),
        (batch, 1, 1),
        (batch + 1, 1),
    ]
    good = ((batch,), (batch, 1))
    asked = {**subject.case_params(case), "state": subject.tensors(case), "eager": True}
    for shape in good:
        works(subject, "step", **asked, timespans=np.ones(shape, case.inputs.dtype))
    for shape in draw(st.permutations([shape for shape in flat + deep if shape not in good])):
        what = f"elapsed time of shape {shape} for a batch of {batch} and {units} units"
        refused(subject, what, "step", **asked, timespans=np.ones(shape, case.inputs.dtype))
