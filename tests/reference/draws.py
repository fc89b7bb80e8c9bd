"""Random parameters in float64, ordinary and at the edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Draw = Callable[[tuple[int, ...]], np.ndarray]

BACKBONE = 4
"""Units of a backbone layer."""

RECIPES = ("normal", "saturated", "tiny", "zero", "mixed")


def drawer(recipe: str, seed: int) -> Draw:
    """Return a function of a shape that draws kernels and biases of one kind."""
    rng = np.random.default_rng(seed)
    scales = {"normal": 1.0, "saturated": 40.0, "tiny": 1e-9, "zero": 0.0}

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        scale = 10.0 ** rng.uniform(-6, 2, shape) if recipe == "mixed" else scales[recipe]
        return rng.normal(size=shape) * scale

    return draw


@dataclass(frozen=True)
class Case:
    """Parameters and one batch: x (batch, features), h (batch, units), t (batch, 1)."""

    p: dict[str, np.ndarray]
    x: np.ndarray
    h: np.ndarray
    t: np.ndarray

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.p, self.x, self.h, self.t


TIMES = (0.0, 1.0, 0.37, 1e6, 1e-3)


def case(shapes: Callable[..., dict[str, tuple[int, ...]]], recipe: str, seed: int, **kinds: Any) -> Case:
    """Return a batch of 3 samples with 2 features for a cell of 3 units, each with a time of its own."""
    rng, draw = np.random.default_rng(seed + 1000), drawer(recipe, seed)
    p = {name: draw(shape) for name, shape in shapes(2, 3, **kinds).items()}
    t = rng.choice(TIMES, size=(3, 1))
    return Case(p, rng.normal(size=(3, 2)), rng.normal(size=(3, 3)), t)


def backbone_shapes(features: int, units: int, layers: int) -> dict[str, tuple[int, ...]]:
    widths = [features + units, *[BACKBONE] * layers]
    kernels = {f"backbone_{i}/kernel": (widths[i], BACKBONE) for i in range(layers)}
    return kernels | {f"backbone_{i}/bias": (BACKBONE,) for i in range(layers)}


def cfc_shapes(features: int, units: int, *, mode: str, layers: int) -> dict[str, tuple[int, ...]]:
    """Return each path's shape, from the table "Parameters" of SPEC.md."""
    c = BACKBONE if layers else features + units
    heads = ["ff1_{}"] if mode == "pure" else ["ff1_{}", "ff2_{}", "time_a/{}", "time_b/{}"]
    shapes = backbone_shapes(features, units, layers)
    for head in heads:
        shapes |= {head.format("kernel"): (c, units), head.format("bias"): (units,)}
    return shapes | ({"w_tau": (1, units), "A": (1, units)} if mode == "pure" else {})


def ltc_shapes(features: int, units: int, *, layers: int) -> dict[str, tuple[int, ...]]:
    """Return each path's shape, from the table "Parameters" of SPEC.md."""
    c = BACKBONE if layers else features + units
    shapes = backbone_shapes(features, units, layers)
    for head in ("{}", "tau_kernel/{}"):
        shapes |= {head.format("kernel"): (c, units), head.format("bias"): (units,)}
    return shapes
