"""Derivatives through a whole sequence, against the complex step of the reference folded over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.cases import SequenceCase, array
from conformance.checks import clause
from conformance.families import Config, Sizes
from conformance.gradients import Cotangents, derivatives
from conformance.strategies import seeds, sequences
from conformance.subject import Subject
from conformance.trial import FORMULA, Draw

SIZES = Sizes(batch=2, features=3, units=4, backbone_units=5)
LENGTH = 3
"""One shape, for each is a program of its own, and that of a gradient takes long to compile."""


def wrappers(subject: Subject) -> tuple[str | None, ...]:
    """What a sequence runs through: the host's layer and, where there is one, the implementation's own."""
    return ("layer", None) if subject.cell.get("layer") else (None,)


def gradients(
    subject: Subject, draw: Draw, wrapper: str | None
) -> tuple[SequenceCase, dict[str, Any], Cotangents, int]:
    """A case, its gradients, the cotangents of outputs and last state, and a seed for directions."""
    case = draw(
        sequences(
            subject,
            lengths=(LENGTH,),
            buckets=(SIZES,),
            given_state=True,
            timed=wrapper is not None,
            **some_shown(subject),
        )
    )
    seed = draw(seeds)
    outputs = (*case.inputs.shape[:2], subject.outputs(case.config))
    of_outputs = array(outputs, "normal", seed, "cotangent of the output", subject.dtype)
    of_state = array(case.state.shape, "normal", seed, "cotangent of the state", subject.dtype)
    params = {
        "initial_state": subject.tensors(case),
        "timespans": case.timespans,
        "cotangent": of_outputs,
        "state_cotangent": subject.family.split(case.config, of_state),
        "wrapper": wrapper,
    }
    found = subject.request("sequence_gradients", **subject.about(case), **params)
    return case, found, (of_outputs, of_state), seed


def some_shown(subject: Subject) -> Config:
    """Of a wired cell, the wiring: it has half of the synapses, and puts out half of the neurons."""
    if subject.family.wirings is None:
        return {}
    mapped = {"output_mapping": "affine"} if subject.accepts("output_mapping") else {}
    return {"wiring": subject.family.wirings(SIZES)[1], **mapped}


@clause("gradient.sequence.inputs", tiers=(FORMULA,), examples=12, smoke=1)
def test_inputs(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, found, cotangents, seed = gradients(subject, draw, wrapper)
    derivatives(subject, case, {"inputs": found["inputs"]}, cotangents, seed)


@clause("gradient.sequence.initial_state", tiers=(FORMULA,), examples=12, smoke=1)
def test_initial_state(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, found, cotangents, seed = gradients(subject, draw, wrapper)
    joined = np.concatenate([np.asarray(tensor) for tensor in found["initial_state"]], axis=-1)
    derivatives(subject, case, {"state": joined}, cotangents, seed)


@clause("gradient.sequence.timespans", tiers=(FORMULA,), examples=12, smoke=1)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case, found, cotangents, seed = gradients(subject, draw, "layer")
    derivatives(subject, case, {"timespans": found.get("timespans")}, cotangents, seed)


@clause("gradient.sequence.parameters", tiers=(FORMULA,), examples=12, smoke=1)
def test_parameters(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, found, cotangents, seed = gradients(subject, draw, wrapper)
    by_path = {path: found["parameters"].get(path) for path in case.parameters}
    derivatives(subject, case, by_path, cotangents, seed)
