"""One step of a cell with mixed memory: an LSTM stands in front of it.

Lechner and Hasani, "Learning long-term dependencies in irregularly-sampled time series", 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from reference.activations import Array, sigmoid

Parameters = Mapping[str, Array]
Step = Callable[[Array, Array, Array], tuple[Array, Array]]
"""(inputs (batch, features), state (batch, units), timespans) -> output and new state of the cell behind."""


def mixed_memory_step(
    parameters: Parameters, inputs: Array, state: Array, memory: Array, timespans: Array, *, step: Step
) -> tuple[Array, Array, Array]:
    """Return the output, the new state h (batch, units) and the new memory c (batch, units).

    c' = c σ(f + 1) + tanh(a) σ(i);  m = tanh(c') σ(o);  output, h' = step(x, m, t)

    Args:
        parameters: `input_kernel` (features, 4 units), `recurrent_kernel` (units, 4 units), `bias` (4 units).
        inputs: x, (batch, features).
        state: h, (batch, units).
        memory: c, (batch, units).
        timespans: t, elapsed time since the previous sample, (batch, 1) or a number; for the cell alone.
        step: the cell behind the LSTM.
    """
    a, i, f, o = gates(parameters, inputs, state)
    memory = memory * sigmoid(f) + np.tanh(a) * sigmoid(i)
    output, new = step(inputs, np.tanh(memory) * sigmoid(o), timespans)
    return output, new, memory


def gates(parameters: Parameters, inputs: Array, state: Array) -> tuple[Array, Array, Array, Array]:
    """Return a, i, f + 1 and o, the quarters of x Wx + h Wh + b.

    Bias and forget bias are rows of the kernel, read by ones: so it is all one sum, which may be taken in any
    order.
    """
    units = state.shape[-1]
    ones = np.ones((len(inputs), 2), parameters["bias"].dtype)
    forget = np.repeat([0.0, 0.0, 1.0, 0.0], units)[None].astype(parameters["bias"].dtype)
    kernels = parameters["input_kernel"], parameters["recurrent_kernel"], parameters["bias"][None]
    z = np.concatenate([inputs, state, ones], axis=-1) @ np.concatenate([*kernels, forget])
    a, i, f, o = (z[:, k * units : (k + 1) * units] for k in range(4))
    return a, i, f, o
