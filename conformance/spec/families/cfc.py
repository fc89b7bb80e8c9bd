"""Closed-form continuous-time cells."""

from __future__ import annotations

from typing import Any

from conformance.spec.families.base import Config, Family, Parameters, Variant, given
from conformance.spec.families.dense import BACKBONE, BAD_ARGUMENTS, DENSE, arranged, backbone_shapes
from conformance.spec.families.initial import ONES, Initial, usual
from reference import cfc_step
from reference.adjoints import Gradients, cfc_adjoint

DEFAULTS: Config = {
    "mode": "default",
    "activation": "tanh",
    "head_activation": "tanh",
    "backbone_units": 128,
    "backbone_layers": 1,
    "backbone_dropout": 0.1,
}


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the table "Parameters" of SPEC.md."""
    table, width = backbone_shapes(config, input_dim)
    return table | head_shapes(config["mode"], width, config["units"])


def initial(config: Config, input_dim: int) -> dict[str, Initial]:
    """Return the initial values of the table "Parameters" of SPEC.md."""
    return usual(shapes(config, input_dim), {"A": ONES})


def head_shapes(mode: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the variables behind the backbone, whose output is `width` features."""
    table: dict[str, tuple[int, ...]] = {"ff1_kernel": (width, units), "ff1_bias": (units,)}
    if mode == "pure":
        return table | {"w_tau": (1, units), "A": (1, units)}
    table |= {"ff2_kernel": (width, units), "ff2_bias": (units,)}
    for head in ("time_a", "time_b"):
        table |= {f"{head}/kernel": (width, units), f"{head}/bias": (units,)}
    return table


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> tuple[Any, Any]:
    """Compute the reference step, under a variant of the specification."""
    new = cfc_step(signed(parameters, variant), inputs, state, *given(timespans), **options(config, variant))
    return new, new


def options(config: Config, variant: Variant) -> dict[str, Any]:
    """Return the reference's arguments for the config."""
    return {
        "mode": config["mode"],
        "backbone_layers": config["backbone_layers"],
        "activation": config["activation"],
        "head_activation": variant.get("head_activation", config["head_activation"]),
    }


def adjoint(
    parameters: Parameters,
    inputs: Any,
    state: Any,
    timespans: Any,
    cotangents: tuple[Any, Any],
    config: Config,
    variant: Variant,
) -> Gradients:
    """Compute the gradients of the reference step, under a variant of the specification."""
    gradients = cfc_adjoint(
        signed(parameters, variant), inputs, state, timespans, sum(cotangents), **options(config, variant)
    )
    return gradients._replace(parameters=dict(signed(gradients.parameters, variant)))


def signed(parameters: Parameters, variant: Variant) -> Parameters:
    """Return parameters or intermediates, with `time_a` negated if the variant has the other sign of time."""
    if variant.get("time_sign", -1) == -1:
        return parameters
    return {path: -value if "time_a" in path else value for path, value in parameters.items()}


VARIANTS: tuple[Variant, ...] = (
    {"time_sign": +1},
    {"head_activation": "linear"},
    {"head_activation": "lecun_tanh"},
    {"head_activation": "linear", "time_sign": +1},
    {"head_activation": "lecun_tanh", "time_sign": +1},
)

HEADS = {
    "pure.f1": "ff1",
    "pure.rate": "rate",
    "heads.f1": "ff1",
    "heads.f2": "ff2",
    "gate.slope": "time_a",
    "gate.offset": "time_b",
    "gate": "gate",
}
"""Intermediates behind the backbone, by their place in the reference."""

CFC = Family(
    name="cfc",
    defaults=DEFAULTS,
    forms=({"mode": "default"}, {"mode": "no_gate"}, {"mode": "pure"}),
    backbone_activation="activation",
    variants=VARIANTS,
    bad_arguments=(*BAD_ARGUMENTS, {"mode": "prue"}, {"head_activation": "no_such_activation"}),
    reference=step,
    adjoint=adjoint,
    shapes=shapes,
    initial=initial,
    arranged=arranged(1, keeps_size=True),
    intermediates=lambda config: BACKBONE | HEADS,
    choices={"head_activation": ("linear", "lecun_tanh", "tanh")},
    **DENSE,
)
