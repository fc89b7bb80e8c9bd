"""One real request of each kind: each offered method is confirmed by use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.cli.doctor.examination import Answer
from conformance.driver.implementation import HarnessFault, ImplementationRaised, NotSupported, RequestRefused
from conformance.driver.messages import one_line
from conformance.judging.subject import Nonconformance, Subject
from conformance.spec.cases import SequenceCase, StepCase, sequence_case, with_state
from conformance.spec.families import Sizes
from conformance.spec.families.wired import wiring

ONE = Sizes(1, 3, 4, 5)
SEED = 1


def send(subject: Subject, case: StepCase, method: str) -> Answer:
    """Send one real request, and return its outcome."""
    try:
        REQUESTS[method](subject, case)
    except NotSupported as refused:
        return Answer(method, "not offered", refused.reason)
    except (Nonconformance, ImplementationRaised, RequestRefused, HarnessFault) as fault:
        if isinstance(fault, HarnessFault):
            subject.implementation.restart()
        return Answer(method, "raises", one_line(str(fault)))
    return Answer(method, "answers")


Request = Callable[[Subject, StepCase], Any]


def _gradients(subject: Subject, case: StepCase) -> Any:
    output = np.ones((len(case.inputs), subject.outputs(case.config)), subject.dtype)
    state = subject.tensors(case) or []
    given: dict[str, Any] = {"state": state, "timespans": case.timespans, "cotangent": output}
    given["state_cotangent"] = [np.ones_like(tensor) for tensor in state]
    return subject.attempt("gradients", **subject.case_params(case), **given)


def _sequence(subject: Subject, case: StepCase) -> SequenceCase:
    return sequence_case(
        subject.family, case.config, ONE, length=3, recipe="normal", seed=SEED, dtype=subject.dtype
    )


def _sequence_gradients(subject: Subject, case: StepCase) -> Any:
    sequence = with_state(subject.family, _sequence(subject, case), SEED)
    first = subject.tensors(sequence) or []
    given: dict[str, Any] = {"initial_state": first, "state_cotangent": [np.ones_like(h) for h in first]}
    outputs = (*sequence.inputs.shape[:2], subject.outputs(case.config))
    given["cotangent"] = np.ones(outputs, subject.dtype)
    return subject.attempt("sequence_gradients", **subject.case_params(sequence), **given)


def _over_time(subject: Subject, case: StepCase) -> Any:
    options = {"return_sequences": True}
    return subject.attempt("sequence", **subject.case_params(_sequence(subject, case)), options=options)


def _roundtrip(subject: Subject, case: StepCase) -> Any:
    return subject.attempt("roundtrip", **subject.case_params(_sequence(subject, case)), kind="weights")


def _train(subject: Subject, case: StepCase) -> Any:
    targets = np.zeros((1, subject.outputs(case.config)), subject.dtype)
    return subject.attempt("train", **subject.case_params(_sequence(subject, case)), targets=targets, steps=1)


def _freeze(subject: Subject, case: StepCase) -> Any:
    asked = {"model": subject.model(case.config, case.input_dim), "inputs": _sequence(subject, case).inputs}
    targets = np.zeros((1, 1), subject.dtype)
    return subject.attempt("freeze", **asked, targets=targets, part="cell", when="after_build", steps=1)


REQUESTS: dict[str, Request] = {
    "build": lambda s, c: s.attempt("build", model=s.model(c.config, c.input_dim)),
    "parameters": lambda s, c: s.attempt("parameters", model=s.model(c.config, c.input_dim)),
    "step": lambda s, c: s.step(c),
    "gradients": _gradients,
    "intermediates": lambda s, c: s.attempt(
        "intermediates", **s.case_params(c), state=s.tensors(c), timespans=c.timespans
    ),
    "sequence_gradients": _sequence_gradients,
    "initial_state": lambda s, c: s.attempt("initial_state", model=s.model(c.config, c.input_dim), batch=2),
    "shapes": lambda s, c: s.attempt("shapes", model=s.model(c.config, c.input_dim), batch=2),
    "sequence": _over_time,
    "roundtrip": _roundtrip,
    "train": _train,
    "freeze": _freeze,
    "wiring": lambda s, c: s.attempt(
        "wiring", **_named(wiring("FullyConnected", units=3, output_dim=2)), input_dim=2
    ),
}
"""By method, a request that every cell with this method can answer."""


def _named(made: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": made["class_name"], "arguments": made["config"]}
