"""Derivatives of a step, against the complex step of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.cases import StepCase, array
from conformance.checks import clause
from conformance.families import Sizes
from conformance.gradients import Cotangents, derivative
from conformance.strategies import FEW, any_steps, seeds
from conformance.subject import Subject
from conformance.trial import FORMULA, Draw

KINDS = ((FEW[0], "tanh"), (FEW[1], "tanh"), (FEW[1], "silu"), (FEW[1], "leaky_relu"), (FEW[2], "elu"))
"""Sizes, and the activation of a CfC's backbone or of an LTC's state, where the family has one."""


def kinds_of_its_own(subject: Subject) -> list[tuple[Sizes, str]]:
    """The same for a cell that has none of these activations."""
    return [(sizes, name) for sizes in FEW for name in subject.offer.values["activation"]] or list(KINDS)


def gradients(subject: Subject, draw: Draw) -> tuple[StepCase, dict[str, Any], Cotangents, int]:
    """A case, its gradients, the cotangents of output and state, and a seed for directions."""
    allowed = [kind for kind in KINDS if subject.offer.allows("activation", kind[1])]
    sizes, activation = draw(st.sampled_from(allowed or kinds_of_its_own(subject)))
    chosen = {"activation": activation} if subject.accepts("activation") else {}
    case = draw(any_steps(subject, time=("column",), buckets=[sizes], **chosen))
    seed = draw(seeds)
    outputs = (len(case.inputs), subject.outputs(case.config))
    of_output = array(outputs, "normal", seed, "cotangent of the output", subject.dtype)
    of_state = array(case.state.shape, "normal", seed, "cotangent of the state", subject.dtype)
    params = {
        "state": subject.tensors(case),
        "timespans": case.timespans,
        "cotangent": of_output,
        "state_cotangent": subject.family.split(case.config, of_state),
    }
    return case, subject.request("gradients", **subject.about(case), **params), (of_output, of_state), seed


@clause("gradient.inputs", tiers=(FORMULA,), examples=50, smoke=4)
def test_inputs(subject: Subject, draw: Draw) -> None:
    case, found, cotangents, seed = gradients(subject, draw)
    derivative(subject, case, "inputs", found["inputs"], cotangents, seed)


@clause("gradient.state", tiers=(FORMULA,), examples=50, smoke=4)
def test_state(subject: Subject, draw: Draw) -> None:
    case, found, cotangents, seed = gradients(subject, draw)
    joined = np.concatenate([np.asarray(tensor) for tensor in found["state"]], axis=-1)
    derivative(subject, case, "state", joined, cotangents, seed)


@clause("gradient.timespans", tiers=(FORMULA,), examples=50, smoke=4)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case, found, cotangents, seed = gradients(subject, draw)
    derivative(subject, case, "timespans", found["timespans"], cotangents, seed)


@clause("gradient.parameters", tiers=(FORMULA,), examples=50, smoke=4)
def test_parameters(subject: Subject, draw: Draw) -> None:
    case, found, cotangents, seed = gradients(subject, draw)
    for path in case.parameters:
        derivative(subject, case, path, found["parameters"].get(path), cotangents, seed)
