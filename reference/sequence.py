"""Folding a step over a sequence: order, direction, mask, elapsed time and state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reference.activations import Array

Step = Callable[[Array, Array, int], tuple[Array, Array]]
"""(inputs (batch, features), state (batch, units), time index) -> output (batch, outputs), new state."""


def fold(
    step: Step,
    inputs: Array,
    state: Array,
    *,
    go_backwards: bool = False,
    mask: Array | None = None,
    zero_output_for_mask: bool = False,
) -> tuple[list[Array], Array]:
    """Return outputs in the order in which the steps ran, time of (batch, outputs), and the last state.

    A masked step holds the state and repeats the previous output, which is zero before the first unmasked
    step, and always zero under `zero_output_for_mask`. Its inputs may be anything, NaN too.

    Args:
        step: one step of a cell.
        inputs: x, (batch, time, features).
        state: the initial state, (batch, units).
        go_backwards: run from the last sample to the first; the outputs stay in running order.
        mask: (batch, time), True where a sample counts; None where all do.
        zero_output_for_mask: return zeros where a sample is masked.
    """
    outputs: list[Array] = []
    previous = None
    for k in running_order(inputs.shape[1], go_backwards):
        output, new = step(inputs[:, k, :], state, k)
        if mask is None:
            state, shown = new, output
        else:
            keep = np.asarray(mask)[:, k, None]
            state = np.where(keep, new, state)
            previous = np.where(keep, output, 0.0 if previous is None else previous)
            shown = np.where(keep, previous, 0.0 * previous) if zero_output_for_mask else previous
        outputs.append(shown)
    return outputs, state


def carried(timespans: Array, mask: Array, *, go_backwards: bool = False) -> Array:
    """Return the elapsed time of each counted sample under `masked_time` "carry", (batch, time).

    The time of a masked sample is added to that of the next one that counts, in running order; at the end of
    the sequence it is lost.

    Args:
        timespans: t, (batch, time), in the order of the samples.
        mask: (batch, time), True where a sample counts.
        go_backwards: the sequence runs from the last sample to the first.
    """
    total = np.zeros_like(timespans)
    waiting: Array = 0.0
    for k in running_order(timespans.shape[1], go_backwards):
        total[:, k] = waiting + timespans[:, k]
        waiting = np.where(mask[:, k], 0.0, total[:, k])
    return total


def elapsed_backwards(timespans: Array, mask: Array, *, carry: bool = False) -> Array:
    """Return the times between samples that are read from the last to the first, (batch, time).

    A sample that counts takes the timespan of the next one that counts in time, and the last of them 0: a
    masked sample is ignored. With `carry` the timespans of the masked samples after it are added.

    Args:
        timespans: t, (batch, time), each since the sample before, in the order of the samples.
        mask: (batch, time), True where a sample counts.
        carry: whether time passes at masked samples, as under `masked_time` "carry".
    """
    passed = np.zeros_like(timespans)
    waiting: Array = 0.0
    for k in running_order(timespans.shape[1], True):
        passed[:, k] = waiting
        held = waiting + timespans[:, k] if carry else waiting
        waiting = np.where(mask[:, k], timespans[:, k], held)
    return passed


def running_order(length: int, go_backwards: bool) -> range:
    """Return the indices of the samples in the order in which they are read."""
    return range(length - 1, -1, -1) if go_backwards else range(length)
