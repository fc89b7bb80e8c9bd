"""The adjoint of a sequence: the adjoint of its step, folded back from the last sample to the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array
from reference.adjoints.gradients import Gradients, total

StepAdjoint = Callable[[int, Array], Gradients]
"""(time index, the cotangent of the state after that step) -> the gradients of the step."""


def fold_adjoint(step: StepAdjoint, length: int, state_cotangent: Array) -> Gradients:
    """The gradients of a sequence without a mask, read from the first sample to the last.

    By the inputs (batch, time, features), the initial state (batch, state) and the timespans (batch, time).

    Args:
        step: the adjoint of the cell's step, for the cotangent of that step's output too.
        length: how many samples there are, at least 1.
        state_cotangent: of the last state, (batch, state).
    """
    found: list[Gradients] = []
    for k in reversed(range(length)):
        found.insert(0, step(k, found[0].state if found else state_cotangent))
    return Gradients(
        {path: total(*(at.parameters[path] for at in found)) for path in found[0].parameters},
        np.stack([at.inputs for at in found], axis=1),
        found[0].state,
        np.concatenate([at.timespans for at in found], axis=-1),
    )
