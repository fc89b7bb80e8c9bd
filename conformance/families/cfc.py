"""Closed-form continuous-time cells."""

from __future__ import annotations

from typing import Any

from conformance.families.base import BAD_ARGUMENTS, Config, Family, Parameters, Variant, backbone_shapes
from reference import cfc_step

DEFAULTS: Config = {
    "mode": "default",
    "activation": "tanh",
    "head_activation": "tanh",
    "backbone_units": 128,
    "backbone_layers": 1,
    "backbone_dropout": 0.1,
}


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """The table "Parameters" of SPEC.md."""
    found, width = backbone_shapes(config, input_dim)
    units = config["units"]
    found |= {"ff1_kernel": (width, units), "ff1_bias": (units,)}
    if config["mode"] == "pure":
        return found | {"w_tau": (1, units), "A": (1, units)}
    found |= {"ff2_kernel": (width, units), "ff2_bias": (units,)}
    for head in ("time_a", "time_b"):
        found |= {f"{head}/kernel": (width, units), f"{head}/bias": (units,)}
    return found


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> Any:
    """The reference step, under a variant of the specification."""
    if variant.get("time_sign", -1) == +1 and config["mode"] != "pure":
        negated = {path: -parameters[path] for path in ("time_a/kernel", "time_a/bias")}
        parameters = {**parameters, **negated}
    return cfc_step(
        parameters,
        inputs,
        state,
        timespans,
        mode=config["mode"],
        backbone_layers=config["backbone_layers"],
        activation=config["activation"],
        head_activation=variant.get("head_activation", config["head_activation"]),
    )


CFC = Family(
    name="cfc",
    defaults=DEFAULTS,
    forms=({"mode": "default"}, {"mode": "no_gate"}, {"mode": "pure"}),
    layers=1,
    backbone_activation="activation",
    variants=(
        {"time_sign": +1},
        {"head_activation": "linear"},
        {"head_activation": "lecun_tanh"},
        {"head_activation": "linear", "time_sign": +1},
        {"head_activation": "lecun_tanh", "time_sign": +1},
    ),
    bad_arguments=(*BAD_ARGUMENTS, {"mode": "prue"}, {"head_activation": "no_such_activation"}),
    reference=step,
    shapes=shapes,
)
