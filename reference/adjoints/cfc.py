"""The adjoint of a step of a closed-form continuous-time cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reference import activations
from reference.activations import Array, absolute, sigmoid
from reference.adjoints.activations import SLOPES, sigmoid_slope, sign
from reference.adjoints.backbone import backbone_adjoint
from reference.adjoints.gradients import (
    Gradients,
    affine_adjoint,
    back_through,
    over_batch,
    per_sample,
    product,
    total,
)
from reference.backbone import backbone

Parameters = Mapping[str, Array]
Pulled = tuple[dict[str, Array], Array, Array]
"""Gradients by the parameters behind the backbone, by z (batch, C), and by t (batch, 1)."""

HEADS = ("ff1_{}", "ff2_{}", "time_a/{}", "time_b/{}")


def cfc_adjoint(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array,
    cotangent: Array,
    *,
    mode: str = "default",
    backbone_layers: int = 1,
    activation: str = "tanh",
    head_activation: str = "tanh",
) -> Gradients:
    """Return the gradients of Σ cotangent · h'; `cotangent` is (batch, units), the rest as for `cfc_step`."""
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=activation)
    if mode == "pure":
        of_heads, dz, dt = pure(parameters, z, timespans, cotangent)
    else:
        of_heads, dz, dt = gated(parameters, z, timespans, cotangent, mode, head_activation)
    below, dx, dh = backbone_adjoint(
        parameters, inputs, state, dz, layers=backbone_layers, backbone_activation=activation
    )
    return Gradients(of_heads | below, dx, dh, dt)


def pure(parameters: Parameters, z: Array, t: Array, g: Array) -> Pulled:
    """Differentiate h' = A - A f1 e with e = exp(-t rate), rate = |w_tau| + |f1|."""
    f1 = z @ parameters["ff1_kernel"] + parameters["ff1_bias"]
    rate = absolute(parameters["w_tau"]) + absolute(f1)
    e, A = np.exp(-t * rate), parameters["A"]
    decayed = product(g, A, f1, e)
    df1 = total(-product(g, A, e), product(sign(f1), t, decayed))
    dA = over_batch(np.concatenate([g, -product(g, f1, e)]))[None]
    dw = over_batch(product(sign(parameters["w_tau"]), t, decayed))[None]
    by_path = affine_adjoint("ff1_{}", z, df1) | {"A": dA, "w_tau": dw}
    return by_path, back_through([df1], [parameters["ff1_kernel"]]), per_sample(product(rate, decayed))


def gated(parameters: Parameters, z: Array, t: Array, g: Array, mode: str, head_activation: str) -> Pulled:
    """Differentiate h' = head(a1) (1 - s) + head(a2) s, s = σ(-slope t + offset); no_gate: without 1 - s."""
    a1, a2, slope, offset = (z @ parameters[n.format("kernel")] + parameters[n.format("bias")] for n in HEADS)
    head, head_slope = activations.get(head_activation), SLOPES[head_activation]
    gate = -slope * t + offset
    s = sigmoid(gate)
    shut = 1.0 if mode == "no_gate" else 1.0 - s
    ds = product(g, head(a2)) if mode == "no_gate" else total(product(g, head(a2)), -product(g, head(a1)))
    dgate = product(ds, sigmoid_slope(gate))
    das = (
        product(g, shut, head_slope(a1)),
        product(g, s, head_slope(a2)),
        -product(dgate, t),
        dgate,
    )
    by_path: dict[str, Array] = {}
    for name, da in zip(HEADS, das, strict=True):
        by_path |= affine_adjoint(name, z, da)
    dz = back_through(das, [parameters[name.format("kernel")] for name in HEADS])
    return by_path, dz, per_sample(-product(dgate, slope))
