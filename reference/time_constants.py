"""The effective time constants of a step: the speed at which each unit forgets its state."""

from __future__ import annotations

from collections.abc import Mapping

from reference import ltc
from reference.activations import Array, absolute
from reference.backbone import backbone
from reference.wired_ltc import mapped, positive, synapses

Parameters = Mapping[str, Array]


def cfc_time_constant(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    *,
    mode: str = "default",
    backbone_layers: int = 1,
    activation: str = "tanh",
) -> Array:
    """Return 1 / |z Ka + ba| of the time gate, of "pure" 1 / (|w_tau| + |f1|), (batch, units).

    Args:
        parameters, inputs, state, mode, backbone_layers, activation: as of `cfc_step`.
    """
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=activation)
    if mode == "pure":
        f1 = z @ parameters["ff1_kernel"] + parameters["ff1_bias"]
        return 1.0 / (absolute(parameters["w_tau"]) + absolute(f1))
    return 1.0 / absolute(z @ parameters["time_a/kernel"] + parameters["time_a/bias"])


def ltc_time_constant(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    *,
    backbone_layers: int = 0,
    backbone_activation: str = "tanh",
) -> Array:
    """Return tau, (batch, units).

    Args:
        parameters, inputs, state, backbone_layers, backbone_activation: as of `ltc_step`.
    """
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=backbone_activation)
    return ltc.time_constant(parameters, z)


def wired_ltc_time_constant(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    *,
    adjacency: Array,
    sensory_adjacency: Array,
    input_mapping: str | None = "affine",
    implicit_param_constraints: bool = False,
) -> Array:
    """Return cm / D at the potentials before the step, (batch, units); D = gleak + Σ_k R + Σ_i S.

    Args:
        parameters, inputs, state and the rest: as of `wired_ltc_step`.
    """
    p = positive(parameters) if implicit_param_constraints else parameters
    x = mapped(inputs, parameters, "input", input_mapping)
    sensory = synapses(p, "sensory_", sensory_adjacency, x).sum(axis=0)
    return p["cm"] / (p["gleak"] + synapses(p, "", adjacency, state).sum(axis=0) + sensory)
