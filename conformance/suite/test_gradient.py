"""Derivatives of a step, against the complex step of the reference."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance import judge
from conformance.cases import StepCase, Values, array
from conformance.checks import clause
from conformance.strategies import FEW, any_steps, seeds
from conformance.subject import Subject
from conformance.trial import FORMULA, Draw

KINDS = ((FEW[0], "tanh"), (FEW[1], "tanh"), (FEW[1], "silu"), (FEW[1], "leaky_relu"), (FEW[2], "elu"))
"""Sizes, and the activation of a CfC's backbone or of an LTC's state."""


def gradients(subject: Subject, draw: Draw) -> tuple[StepCase, dict[str, Any], Values, int]:
    """A case, its gradients, the cotangent, and a seed for directions."""
    sizes, activation = draw(st.sampled_from(KINDS))
    case = draw(any_steps(subject, time=("column",), buckets=[sizes], activation=activation))
    seed = draw(seeds)
    cotangent = array(case.state.shape, "normal", seed, "cotangent", subject.dtype)
    params = {"state": [case.state], "timespans": case.timespans, "cotangent": cotangent}
    return case, subject.request("gradients", **subject.about(case), **params), cotangent, seed


@clause("gradient.inputs", tiers=(FORMULA,), examples=50, smoke=4)
def test_inputs(subject: Subject, draw: Draw) -> None:
    case, found, cotangent, seed = gradients(subject, draw)
    judge.derivative(subject, case, {"inputs": found["inputs"]}, cotangent, seed)


@clause("gradient.state", tiers=(FORMULA,), examples=50, smoke=4)
def test_state(subject: Subject, draw: Draw) -> None:
    case, found, cotangent, seed = gradients(subject, draw)
    judge.derivative(subject, case, {"state": found["state"][0]}, cotangent, seed)


@clause("gradient.timespans", tiers=(FORMULA,), examples=50, smoke=4)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case, found, cotangent, seed = gradients(subject, draw)
    judge.derivative(subject, case, {"timespans": found["timespans"]}, cotangent, seed)


@clause("gradient.parameters", tiers=(FORMULA,), examples=50, smoke=4)
def test_parameters(subject: Subject, draw: Draw) -> None:
    case, found, cotangent, seed = gradients(subject, draw)
    for path in case.parameters:
        judge.derivative(subject, case, {path: found["parameters"].get(path)}, cotangent, seed)
