"""The adjoint of a step of a cell with mixed memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reference.activations import Array, sigmoid
from reference.adjoints.activations import sigmoid_slope, tanh_slope
from reference.adjoints.gradients import Gradients, back_through, over_batch, product, total
from reference.mixed_memory import gates

Parameters = Mapping[str, Array]
Adjoint = Callable[[Array, Array, Array, Array, Array], Gradients]
"""(inputs, state, timespans, the cotangents of output and new state) -> those of the cell behind."""


def mixed_memory_adjoint(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    memory: Array,
    timespans: Array,
    cotangent: Array,
    state_cotangent: Array,
    memory_cotangent: Array,
    *,
    adjoint: Adjoint,
) -> tuple[Gradients, dict[str, Array]]:
    """Return the gradients of the LSTM and, apart, by the parameters of the cell behind.

    Its `state` is that of h and c side by side, (batch, 2 units).

    Args:
        cotangent: of the output, (batch, outputs).
        state_cotangent, memory_cotangent: of the new h and the new c, (batch, units).
        parameters, inputs, state, memory, timespans: as for `mixed_memory_step`.
        adjoint: that of its `step`.
    """
    a, i, f, o = gates(parameters, inputs, state)
    c = memory * sigmoid(f) + np.tanh(a) * sigmoid(i)
    behind = adjoint(inputs, np.tanh(c) * sigmoid(o), timespans, cotangent, state_cotangent)
    dm = behind.state
    dc = total(memory_cotangent, product(dm, sigmoid(o), tanh_slope(c)))
    das = (
        product(dc, sigmoid(i), tanh_slope(a)),
        product(dc, np.tanh(a), sigmoid_slope(i)),
        product(dc, memory, sigmoid_slope(f)),
        product(dm, np.tanh(c), sigmoid_slope(o)),
    )
    dz = np.concatenate(das, axis=-1)
    by_path = {
        "input_kernel": np.transpose(inputs) @ dz,
        "recurrent_kernel": np.transpose(state) @ dz,
        "bias": over_batch(dz),
    }
    dx = total(behind.inputs, back_through([dz], [parameters["input_kernel"]]))
    dh = back_through([dz], [parameters["recurrent_kernel"]])
    of_state = np.concatenate([dh, product(dc, sigmoid(f))], axis=-1)
    return Gradients(by_path, dx, of_state, behind.timespans), behind.parameters
