"""One step of a closed-form continuous-time cell (Hasani et al., Nature Machine Intelligence 4, 2022)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference import activations
from reference.activations import Array, absolute, sigmoid
from reference.backbone import backbone

Parameters = Mapping[str, Array]


def cfc_step(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array = 1.0,
    *,
    mode: str = "default",
    backbone_layers: int = 1,
    activation: str = "tanh",
    head_activation: str = "tanh",
) -> Array:
    """Return the new state h', which is the output too, (batch, units).

    Args:
        parameters: arrays by their canonical path; SPEC.md has the table.
        inputs: x, (batch, features).
        state: h, (batch, units).
        timespans: t, elapsed time since the previous sample, (batch, 1) or a number; 1 where none is given.
        mode: "default", "pure" or "no_gate".
        backbone_layers: number of backbone layers.
        activation: activation of the backbone.
        head_activation: activation of ff1 and ff2; "pure" has none.
    """
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=activation)
    if mode == "pure":
        return pure(parameters, z, timespans)
    if mode == "no_gate":
        return no_gate(parameters, z, timespans, head_activation)
    return gated(parameters, z, timespans, head_activation)


def pure(parameters: Parameters, z: Array, t: Array) -> Array:
    """Return h' = A - A f1 exp(-t (|w_tau| + |f1|)), the closed form of equation 2 with f1 left linear."""
    f1 = z @ parameters["ff1_kernel"] + parameters["ff1_bias"]
    rate = absolute(parameters["w_tau"]) + absolute(f1)
    return parameters["A"] - parameters["A"] * f1 * np.exp(-t * rate)


def gated(parameters: Parameters, z: Array, t: Array, head_activation: str) -> Array:
    """Return h' = head(f1) (1 - s) + head(f2) s, equation 5."""
    f1, f2 = heads(parameters, z, head_activation)
    s = gate(parameters, z, t)
    return f1 * (1.0 - s) + f2 * s


def no_gate(parameters: Parameters, z: Array, t: Array, head_activation: str) -> Array:
    """Return h' = head(f1) + s head(f2): the first head is not gated."""
    f1, f2 = heads(parameters, z, head_activation)
    return f1 + gate(parameters, z, t) * f2


def heads(parameters: Parameters, z: Array, head_activation: str) -> tuple[Array, Array]:
    """Return head(z K1 + b1) and head(z K2 + b2)."""
    head = activations.get(head_activation)
    f1 = z @ parameters["ff1_kernel"] + parameters["ff1_bias"]
    f2 = z @ parameters["ff2_kernel"] + parameters["ff2_bias"]
    return head(f1), head(f2)


def gate(parameters: Parameters, z: Array, t: Array) -> Array:
    """Return s = sigma(-(z Ka + ba) t + (z Kb + bb)), the time gate."""
    slope = z @ parameters["time_a/kernel"] + parameters["time_a/bias"]
    offset = z @ parameters["time_b/kernel"] + parameters["time_b/bias"]
    return sigmoid(-slope * t + offset)
