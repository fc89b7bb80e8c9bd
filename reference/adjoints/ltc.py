"""The adjoint of a step of a dense liquid time-constant cell."""

from __future__ import annotations

from collections.abc import Mapping

from reference.activations import Array
from reference.adjoints.activations import SLOPES, within
from reference.adjoints.backbone import backbone_adjoint
from reference.adjoints.gradients import (
    Gradients,
    affine_adjoint,
    back_through,
    per_sample,
    product,
    total,
)
from reference.backbone import backbone
from reference.ltc import LOG_TAU_LIMIT, explicit, semi_implicit, target, time_constant

Parameters = Mapping[str, Array]


def ltc_adjoint(
    parameters: Parameters,
    inputs: Array,
    state: Array,
    timespans: Array,
    cotangent: Array,
    *,
    solver: str = "semi_implicit",
    activation: str = "tanh",
    backbone_layers: int = 0,
    backbone_activation: str = "tanh",
) -> Gradients:
    """Return the gradients of Σ cotangent · h'; `cotangent` is (batch, units), the rest as for `ltc_step`.

    v = h + r (d - h), where r = t / (t + tau), or t / tau for the explicit solver.
    """
    t = timespans
    z = backbone(parameters, inputs, state, layers=backbone_layers, backbone_activation=backbone_activation)
    d, tau = target(parameters, z), time_constant(parameters, z)
    v = (explicit if solver == "explicit" else semi_implicit)(state, d, tau, t)
    dv = product(cotangent, SLOPES[activation](v))
    whole = tau if solver == "explicit" else t + tau
    r = t / whole
    dd = product(dv, r)
    by_whole = total(product(dv, d), -product(dv, state)) / whole
    shared = -product(by_whole, r)  # r falls with the denominator, of which t is a part but for the explicit
    moved = [by_whole] if solver == "explicit" else [by_whole, shared]
    a = z @ parameters["tau_kernel/kernel"] + parameters["tau_kernel/bias"]
    dlog_tau = product(shared, tau, within(a, -LOG_TAU_LIMIT, LOG_TAU_LIMIT))
    by_path = affine_adjoint("{}", z, dd) | affine_adjoint("tau_kernel/{}", z, dlog_tau)
    dz = back_through([dd, dlog_tau], [parameters["kernel"], parameters["tau_kernel/kernel"]])
    below, dx, dh = backbone_adjoint(
        parameters, inputs, state, dz, layers=backbone_layers, backbone_activation=backbone_activation
    )
    return Gradients(by_path | below, dx, total(dh, dv, -dd), per_sample(*moved))
