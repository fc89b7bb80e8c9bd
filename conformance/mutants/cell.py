"""A cell that computes by the reference, in the dtype of the arrays that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.families import FAMILIES, Config, Family
from conformance.implementation import NotSupported
from reference import cfc_step, ltc_step
from reference.activations import ACTIVATIONS

Array = Any
Given = Mapping[str, Array]
"""Parameters by their canonical path."""

CELLS = {"CfCCell": "cfc", "LTCCell": "ltc"}
STEPS: dict[str, Any] = {"cfc": cfc_step, "ltc": ltc_step}
POLICIES = {
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
    "mixed_float16": ("float32", "float16"),
}
"""Policy: dtype of variables, dtype of states."""

COMPLEX_STEP = 1e-30
"""Small enough that its square vanishes."""


@dataclass(frozen=True)
class Cell:
    """One cell, built."""

    family: Family
    config: Config
    input_dim: int
    dtype: str
    """Of its variables."""
    state_dtype: str

    @classmethod
    def of(cls, model: dict[str, Any]) -> Cell:
        """Raises ValueError for a bad argument, NotSupported for a policy that NumPy has no numbers for."""
        family = FAMILIES[CELLS[model["cell"]]]
        config = family.full(model["config"])
        check(family, config)
        if model["dtype"] not in POLICIES:
            raise NotSupported(f"the reference knows {', '.join(POLICIES)}, not {model['dtype']}")
        return cls(family, config, model["input_dim"], *POLICIES[model["dtype"]])

    @property
    def units(self) -> int:
        return int(self.config["units"])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each variable, by path."""
        return self.family.shapes(self.config, self.input_dim)

    def zeros(self, batch: int) -> Array:
        """The initial state, (batch, units)."""
        return np.zeros((batch, self.units), self.state_dtype)

    def step(self, parameters: Given, inputs: Array, state: Array, timespans: Array = None) -> Array:
        """The new state, (batch, units); `timespans` is (), (batch) or (batch, 1)."""
        time = () if timespans is None else (column(timespans, len(inputs)),)
        return self.formula(parameters, inputs, state, *time)

    def formula(self, parameters: Given, inputs: Array, state: Array, *time: Array) -> Array:
        """The reference's step, with those arguments of the config that it takes."""
        if self.state_dtype != self.dtype:
            raise NotSupported(
                f"the reference computes in the dtype of its variables, not {self.state_dtype}"
            )
        step = STEPS[self.family.name]
        named = {name: self.config[name] for name in step.__kwdefaults__}
        return step(parameters, inputs, state, *time, **named)

    def derivative(self, point: Given, name: str, cotangent: Array) -> Array:
        """Of sum(h' cotangent) by the array `name` of `point`, by a complex step in all elements at once."""
        around = {**point, "timespans": column(point["timespans"], len(point["inputs"]))}
        size = around[name].size
        for tensor in ("inputs", "state"):
            around[tensor] = np.broadcast_to(around[tensor], (size, *around[tensor].shape))
        around[name] = moved(around[name] if name in ("inputs", "state") else around[name][None], size)
        new = self.formula(around, around["inputs"], around["state"], around["timespans"])
        slopes = (new.imag * cotangent).sum(axis=(1, 2)) / COMPLEX_STEP
        return slopes.reshape(point[name].shape)


def moved(value: Array, size: int) -> Array:
    """`size` copies of an array, (1 or size, *shape), each a complex step off in another element.

    A bias, (units), becomes (size, 1, units), so that it meets (size, batch, units).
    """
    shape = value.shape[1:]
    copies = value + 1j * COMPLEX_STEP * np.eye(size).reshape(size, *shape)
    return copies[:, None] if len(shape) == 1 else copies


def column(timespans: Array, batch: int) -> Array:
    """Elapsed time as (batch, 1), or (1, 1) for one number; ValueError for any other shape."""
    shape = np.shape(timespans)
    if shape not in ((), (batch,), (batch, 1)):
        raise ValueError(f"timespans of shape {shape}: must be (), ({batch},) or ({batch}, 1)")
    return np.reshape(timespans, (-1, 1))


def check(family: Family, config: Config) -> None:
    """Raises ValueError, which names the argument, unless a cell can be made of `config`."""
    for name, value in config.items():
        if not _allowed(family, name, value):
            raise ValueError(f"{name}={value!r} is outside the specification")
    layers, units = config["backbone_layers"], config["backbone_units"]
    if layers and units is None:
        raise ValueError(f"backbone_units=None, but there are backbone_layers={layers}")
    if family.name == "ltc" and units is not None and not layers:
        raise ValueError(f"backbone_units={units}, but there are no backbone_layers")


def _allowed(family: Family, name: str, value: Any) -> bool:
    if name.endswith("activation"):
        return value in ACTIVATIONS
    if name in ("mode", "solver"):
        return value in [form[name] for form in family.forms]
    if name == "backbone_dropout":
        return bool(0.0 <= value < 1.0)
    if name == "backbone_units" and value is None:
        return True
    return isinstance(value, int) and value >= (0 if name == "backbone_layers" else 1)
