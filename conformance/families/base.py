"""What a cell family is to the suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Config = dict[str, Any]
"""Constructor arguments of a cell, as JSON."""

Parameters = Mapping[str, Any]
"""Arrays by canonical path."""

Variant = Mapping[str, Any]
"""A documented departure from the specification; {} is the specification itself."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of a case."""

    batch: int = 1
    features: int = 1
    units: int = 1
    backbone_units: int = 1


@dataclass(frozen=True)
class Family:
    """A cell family."""

    name: str
    defaults: Config
    """Constructor arguments that the specification gives a default, with it."""
    forms: tuple[Config, ...]
    """The arguments that choose a formula, one entry a formula."""
    layers: int
    """Backbone layers of a typical cell."""
    backbone_activation: str
    """The argument that names the backbone's activation."""
    variants: tuple[Variant, ...]
    """Documented departures, the nearest to the specification first."""
    bad_arguments: tuple[Config, ...]
    """Arguments to refuse, each with the name of the culprit last."""
    reference: Callable[[Parameters, Any, Any, Any, Config, Variant], Any]
    """(parameters, inputs, state, timespans, full config, variant) -> new state."""
    shapes: Callable[[Config, int], dict[str, tuple[int, ...]]]
    """(full config, input features) -> shape of each variable."""

    def config(self, sizes: Sizes, *, layers: int | None = None, **arguments: Any) -> Config:
        """A config without dropout at these sizes; a backbone of `layers`, or the typical one."""
        layers = self.layers if layers is None else layers
        kept = layers or self.defaults["backbone_units"] is not None
        return {
            **self.defaults,
            "units": sizes.units,
            "backbone_units": sizes.backbone_units if kept else None,
            "backbone_layers": layers,
            "backbone_dropout": 0.0,
            **arguments,
        }

    def full(self, config: Config) -> Config:
        """`config` with the specification's default for what it does not give."""
        return {**self.defaults, **config}


def backbone_shapes(config: Config, input_dim: int) -> tuple[dict[str, tuple[int, ...]], int]:
    """Shapes of the backbone's variables, and C, the number of features that reach the heads."""
    shapes: dict[str, tuple[int, ...]] = {}
    width = input_dim + config["units"]
    for i in range(config["backbone_layers"]):
        shapes[f"backbone_{i}/kernel"] = (width, config["backbone_units"])
        shapes[f"backbone_{i}/bias"] = (config["backbone_units"],)
        width = config["backbone_units"]
    return shapes, width


BAD_ARGUMENTS: tuple[Config, ...] = (
    {"units": 0},
    {"units": -3},
    {"units": 2.5},
    {"backbone_layers": -1},
    {"backbone_units": 4, "backbone_layers": 1, "backbone_dropout": 1.0},
    {"backbone_units": 4, "backbone_layers": 1, "backbone_dropout": -0.1},
    {"backbone_layers": 1, "backbone_units": 0},
    {"activation": "no_such_activation"},
)
"""What every family refuses."""
