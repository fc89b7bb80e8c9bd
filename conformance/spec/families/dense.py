"""The common parts of the dense families: units, a backbone, one state that is the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.spec.families.base import BAD_UNITS, Config, Sizes

BAD_ARGUMENTS: tuple[Config, ...] = (
    *BAD_UNITS,
    {"backbone_layers": -1},
    {"backbone_units": 4, "backbone_layers": 1, "backbone_dropout": 1.0},
    {"backbone_units": 4, "backbone_layers": 1, "backbone_dropout": -0.1},
    {"backbone_layers": 1, "backbone_units": 0},
    {"activation": "no_such_activation"},
)
"""Arguments that every dense family rejects."""


def arranged(typical: int, *, keeps_size: bool) -> Callable[[Sizes, int | None, Config], Config]:
    """Return a function that makes configs of `typical` backbone layers, unless their number is given.

    Without backbone layers, the size of the backbone is kept or None.
    """

    def at(sizes: Sizes, layers: int | None, arguments: Config) -> Config:
        layers = typical if layers is None else layers
        return {
            "units": sizes.units,
            "backbone_units": sizes.backbone_units if layers or keeps_size else None,
            "backbone_layers": layers,
            "backbone_dropout": 0.0,
            **arguments,
        }

    return at


def units(config: Config) -> int:
    """Return the size of the output."""
    return int(config["units"])


def state_sizes(config: Config) -> list[int]:
    """Return the size of the one state."""
    return [units(config)]


def backbone_shapes(config: Config, input_dim: int) -> tuple[dict[str, tuple[int, ...]], int]:
    """Return the shapes of the backbone's variables, and C, the number of features that reach the heads."""
    shapes: dict[str, tuple[int, ...]] = {}
    width = input_dim + config["units"]
    for i in range(config["backbone_layers"]):
        shapes[f"backbone_{i}/kernel"] = (width, config["backbone_units"])
        shapes[f"backbone_{i}/bias"] = (config["backbone_units"],)
        width = config["backbone_units"]
    return shapes, width


BACKBONE = {
    "backbone.z": "concat",
    "backbone.for.a": "backbone_{i}/affine",
    "backbone.for.z": "backbone_{i}",
}
"""Intermediates, by their place in the reference."""

DENSE: dict[str, Any] = {"output_size": units, "state_sizes": state_sizes, "shown": {}}
"""Fields of a dense family."""
