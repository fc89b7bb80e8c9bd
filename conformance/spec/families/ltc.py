"""Liquid time-constant cells, dense."""

from __future__ import annotations

from typing import Any

from conformance.spec.families.base import Config, Family, Parameters, Variant, given
from conformance.spec.families.dense import BACKBONE, BAD_ARGUMENTS, DENSE, arranged, backbone_shapes
from conformance.spec.families.initial import Initial, usual
from reference import ltc_step
from reference.adjoints import Gradients, ltc_adjoint

DEFAULTS: Config = {
    "activation": "tanh",
    "solver": "semi_implicit",
    "backbone_activation": "tanh",
    "backbone_units": None,
    "backbone_layers": 0,
    "backbone_dropout": 0.0,
}


def shapes(config: Config, input_dim: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the table "Parameters" of SPEC.md."""
    table, width = backbone_shapes(config, input_dim)
    units = config["units"]
    for prefix in ("", "tau_kernel/"):
        table |= {f"{prefix}kernel": (width, units), f"{prefix}bias": (units,)}
    return table


def initial(config: Config, input_dim: int) -> dict[str, Initial]:
    """Return the initial values of the table "Parameters" of SPEC.md."""
    return usual(shapes(config, input_dim), {})


def step(
    parameters: Parameters, inputs: Any, state: Any, timespans: Any, config: Config, variant: Variant
) -> tuple[Any, Any]:
    """Compute the reference step, under a variant of the specification."""
    new = ltc_step(parameters, inputs, state, *given(timespans), **options(config, variant))
    return new, new


def options(config: Config, variant: Variant) -> dict[str, Any]:
    """Return the reference's arguments for the config."""
    return {
        "solver": variant.get("solver", config["solver"]),
        "activation": config["activation"],
        "backbone_layers": config["backbone_layers"],
        "backbone_activation": config["backbone_activation"],
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
    return ltc_adjoint(parameters, inputs, state, timespans, sum(cotangents), **options(config, variant))


DYNAMICS = {
    "target": "target",
    "time_constant.a": "tau_kernel",
    "time_constant": "time_constant",
    "ltc_step.v": "v",
}
"""Intermediates behind the backbone, by their place in the reference."""

LTC = Family(
    name="ltc",
    defaults=DEFAULTS,
    forms=({"solver": "semi_implicit"}, {"solver": "explicit"}),
    backbone_activation="backbone_activation",
    variants=({"solver": "explicit"},),
    bad_arguments=(*BAD_ARGUMENTS, {"solver": "euler"}, {"backbone_units": 4, "backbone_layers": 0}),
    reference=step,
    adjoint=adjoint,
    shapes=shapes,
    initial=initial,
    arranged=arranged(0, keeps_size=False),
    intermediates=lambda config: BACKBONE | DYNAMICS,
    choices={},
    **DENSE,
)
