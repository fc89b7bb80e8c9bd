"""The adjoint of a sequence: the adjoint of its step, folded back from the last step to the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array
from reference.adjoints.gradients import Gradients, total
from reference.sequence import running_order

StepAdjoint = Callable[[int, Array, Array], Gradients]
"""(time index, the cotangents of the output of that step and of the state after it) -> its gradients."""


def fold_adjoint(
    step: StepAdjoint,
    output_cotangent: Array,
    state_cotangent: Array,
    *,
    go_backwards: bool = False,
    mask: Array | None = None,
    zero_output_for_mask: bool = False,
) -> Gradients:
    """Return the gradients of `fold`.

    By the inputs (batch, time, features), the initial state (batch, state) and the elapsed time with which
    each sample counts (batch, time). Those of a masked sample are 0.

    Args:
        step: the adjoint of the cell's step.
        output_cotangent: of the outputs in running order, (batch, time, outputs).
        state_cotangent: of the last state, (batch, state).
        go_backwards, mask, zero_output_for_mask: as of `fold`.
    """
    length = output_cotangent.shape[1]
    at_sample: dict[int, Gradients] = {}
    of_state, of_held = state_cotangent, 0.0 * output_cotangent[:, 0]
    for i, k in reversed(list(enumerate(running_order(length, go_backwards)))):
        of_shown = output_cotangent[:, i]
        if mask is None:
            at_sample[k] = step(k, of_shown, of_state)
            of_state = at_sample[k].state
            continue
        keep = np.asarray(mask)[:, k, None]
        of_output = total(of_held, np.where(keep, of_shown, 0.0) if zero_output_for_mask else of_shown)
        at = step(k, np.where(keep, of_output, 0.0), np.where(keep, of_state, 0.0))
        of_state, of_held = np.where(keep, at.state, of_state), np.where(keep, 0.0, of_output)
        by_inputs, by_time = (np.where(keep, a, 0.0) for a in (at.inputs, at.timespans))
        at_sample[k] = at._replace(inputs=by_inputs, timespans=by_time)
    samples = [at_sample[k] for k in range(length)]
    return Gradients(
        {path: total(*(at.parameters[path] for at in samples)) for path in samples[0].parameters},
        np.stack([at.inputs for at in samples], axis=1),
        of_state,
        np.concatenate([at.timespans for at in samples], axis=-1),
    )


def carried_adjoint(cotangent: Array, mask: Array, *, go_backwards: bool = False) -> Array:
    """Return the gradients of `carried` by the timespans, (batch, time)."""
    length = cotangent.shape[1]
    by_time: dict[int, Array] = {}
    of_waiting = 0.0 * cotangent[:, 0]
    for k in reversed(running_order(length, go_backwards)):
        of_waiting = total(cotangent[:, k], np.where(mask[:, k], 0.0, of_waiting))
        by_time[k] = of_waiting
    return np.stack([by_time[k] for k in range(length)], axis=1)


def elapsed_backwards_adjoint(cotangent: Array, mask: Array, *, carry: bool = False) -> Array:
    """Return the gradients of `elapsed_backwards` by the timespans, (batch, time)."""
    length = cotangent.shape[1]
    by_time: dict[int, Array] = {}
    of_waiting = 0.0 * cotangent[:, 0]
    for k in range(length):  # the first sample is read last
        by_time[k] = of_waiting if carry else np.where(mask[:, k], of_waiting, 0.0)
        of_waiting = total(cotangent[:, k], np.where(mask[:, k], 0.0, of_waiting))
    return np.stack([by_time[k] for k in range(length)], axis=1)
