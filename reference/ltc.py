"""One step of a dense liquid time-constant cell (Hasani et al., AAAI 2021).

The cell is the leaky ODE dv/dt = (d - v) / tau, whose target d and time constant tau are functions of the
input and the state; one step advances it by t with d and tau held.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference import activations
from reference.activations import Array, clip
from reference.backbone import backbone

Parameters = Mapping[str, Array]

LOG_TAU_LIMIT = 9.0
"""log tau is held in [-9, 9], where tau and 1 / tau are normal numbers in every dtype."""


def ltc_step(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array = 1.0,
    *,
    solver: str = "semi_implicit",
    activation: str = "tanh",
    backbone_layers: int = 0,
    backbone_activation: str = "tanh",
) -> Array:
    """Return the new state h' = activation(v), which is the output too, (batch, units).

    Args:
        parameters: arrays by their canonical path; SPEC.md has the table.
        inputs: x, (batch, features).
        state: h, (batch, units).
        timespans: t, elapsed time since the previous sample, (batch, 1) or a number; 1 where none is given.
        solver: "semi_implicit" or "explicit".
        activation: activation of the new state.
        backbone_layers: number of backbone layers.
        backbone_activation: activation of the backbone.
    """
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=backbone_activation)
    advance = explicit if solver == "explicit" else semi_implicit
    v = advance(state, target(parameters, z), time_constant(parameters, z), timespans)
    return output(v, activation)


def target(parameters: Parameters, z: Array) -> Array:
    """Return d = z K + b."""
    return z @ parameters["kernel"] + parameters["bias"]


def time_constant(parameters: Parameters, z: Array) -> Array:
    """Return tau = exp(clip(z Ktau + btau, -9, 9))."""
    a = z @ parameters["tau_kernel/kernel"] + parameters["tau_kernel/bias"]
    return np.exp(clip(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))


def semi_implicit(h: Array, d: Array, tau: Array, t: Array) -> Array:
    """Return v = h + t / (t + tau) (d - h): backward Euler, which lies between h and d for every t."""
    return h + t / (t + tau) * (d - h)


def explicit(h: Array, d: Array, tau: Array, t: Array) -> Array:
    """Return v = h + t / tau (d - h): the forward Euler step, stable only while t < 2 tau."""
    return h + t / tau * (d - h)


def output(v: Array, name: str) -> Array:
    """Return h' = activation(v)."""
    return activations.get(name)(v)
