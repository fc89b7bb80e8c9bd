"""A cell that shows its dropout mask: each unit reads one feature of the backbone, kept or dropped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.bounds.arrays import ErrorBounded
from conformance.judging.assertions import assert_shape, ratio
from conformance.judging.subject import Subject
from conformance.spec.cases import StepCase, Values, array
from conformance.spec.families import Sizes

WIDE = Sizes(batch=8, features=2, units=32, backbone_units=32)
"""A size large enough that a mask of ones, or two equal masks, will not be drawn by chance."""

HEADS = {"cfc": "ff1_kernel", "ltc": "kernel"}
"""The kernel through which each unit reads one feature."""

SHARE = 0.25
"""The weight of a feature in its unit: so small that the unit's activation is not saturated."""

FEATURE = "backbone_0/bias"
"""The bias of the backbone, whose kernel is zero: every feature is the activation of this value."""

NOTHING_DROPPED = "training drops nothing: the output is that of inference"
ALTERED = "a feature is neither dropped nor scaled by 1 / (1 - backbone_dropout)"


def make_case(subject: Subject, rate: float, seed: int) -> StepCase:
    """Return one step, t = 1, of a cell whose output distinguishes dropped features from kept ones."""
    form = subject.forms[seed % len(subject.forms)]
    config = subject.config(WIDE, layers=1, backbone_dropout=rate, **form)
    shapes = subject.family.shapes(subject.family.full(config), WIDE.features)
    parameters = {path: np.zeros(shape, subject.dtype) for path, shape in shapes.items()}
    parameters[FEATURE] += 1.0
    parameters[HEADS[subject.family.name]] += SHARE * np.eye(WIDE.units, dtype=subject.dtype)
    if "A" in parameters:
        parameters["A"] += 1.0
    inputs = array((WIDE.batch, WIDE.features), "normal", seed, "inputs", subject.dtype)
    return StepCase(config, parameters, inputs, np.zeros((WIDE.batch, WIDE.units), subject.dtype))


def kept_features(subject: Subject, case: StepCase, output: Any, rate: float) -> Values:
    """Return the mask of the features that the step kept, (batch, units).

    A feature is dropped, or scaled by 1 / (1 - rate). Raises Nonconformance for any other.
    """
    kept = fits(subject, case, output, 1.0 / (1.0 - rate))
    unexplained = ~(kept | fits(subject, case, output, 0.0))
    if unexplained.any():
        if fits(subject, case, output, 1.0).all():
            raise subject.departure(NOTHING_DROPPED, symptom=NOTHING_DROPPED)
        wrong = np.asarray(output)[unexplained].tolist()
        raise subject.departure(ALTERED, got=wrong, symptom=ALTERED)
    return kept


def fits(subject: Subject, case: StepCase, output: Any, scale: float) -> Values:
    """Return the mask of outputs that agree with features times `scale`, (batch, units); 1.0 is inference.

    The scale is applied to the kernel that reads the features, which is equivalent for every activation.
    """
    assert_shape(subject, "output", np.asarray(output), case.state.shape)
    head = HEADS[subject.family.name]
    kernel = scale * case.parameters[head].astype(np.float64)
    bounded = ErrorBounded(kernel, subject.arithmetic, 4.0 * subject.arithmetic.u * kernel)
    want, _ = subject.reference(replace(case, parameters={**case.parameters, head: bounded}))
    return ratio(np.abs(np.asarray(output) - want.value), want.error) <= 1.0
