"""Folding a step over a sequence: order, direction, mask and state, as `keras.layers.RNN` defines them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array

Step = Callable[[Array, Array, int], Array]
"""(inputs (batch, features), state (batch, units), time index) -> new state and output (batch, units)."""


def fold(
    step: Step,
    inputs: Array,
    state: Array,
    *,
    go_backwards: bool = False,
    mask: Array | None = None,
    zero_output_for_mask: bool = False,
) -> tuple[list[Array], Array]:
    """Outputs in the order in which the steps ran, time of (batch, units), and the last state (batch, units).

    A masked step holds the state and puts out the previous output, which is zero before the first unmasked
    step, and always zero under `zero_output_for_mask`.

    Args:
        step: one step of a cell whose output is its new state.
        inputs: x, (batch, time, features).
        state: the initial state, (batch, units).
        go_backwards: run from the last sample to the first; the outputs stay in running order.
        mask: (batch, time), True where a sample counts; None where all do.
        zero_output_for_mask: put out zeros where a sample is masked.
    """
    order = range(inputs.shape[1])
    outputs: list[Array] = []
    previous = 0.0 * state
    for k in reversed(order) if go_backwards else order:
        new = step(inputs[:, k, :], state, k)
        if mask is None:
            state = previous = new
        else:
            keep = np.asarray(mask)[:, k, None]
            state = np.where(keep, new, state)
            previous = np.where(keep, new, previous)
        shown = (
            np.where(keep, previous, 0.0 * previous)
            if zero_output_for_mask and mask is not None
            else previous
        )
        outputs.append(shown)
    return outputs, state
