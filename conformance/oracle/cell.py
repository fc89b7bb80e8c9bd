"""A cell that computes by the reference, in the dtype of the arrays that it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from conformance.driver.implementation import NotSupported
from conformance.oracle.perturbed import Perturbed, perturbed_in_each
from conformance.spec.families import FAMILIES, Config, Family
from reference.activations import ACTIVATIONS

Array = Any
Given = Mapping[str, Array]
"""Parameters by their canonical path."""

CELLS = {
    "CfCCell": "cfc",
    "LTCCell": "ltc",
    "WiredCfCCell": "wired_cfc",
    "WiredLTCCell": "wired_ltc",
    "MixedMemoryCell": "mixed_memory",
}
POLICIES = {
    "float32": ("float32", "float32"),
    "float64": ("float64", "float64"),
    "mixed_float16": ("float32", "float16"),
}
"""By policy: dtype of variables, dtype of states."""

COMPLEX_STEP = 1e-30
"""The complex step, small enough that its square vanishes."""

MOST_COPIES = 128
"""The elements that are differentiated by side by side: larger arrays leave the cache."""

MAY_BE_ZERO = ("backbone_layers", "implicit_param_constraints", "fully_recurrent", "sparse_time_heads")


class Cell:
    """One cell, built; its variables have `dtype`. It is a plain class, for thousands of copies are made."""

    def __init__(self, family: Family, config: Config, input_dim: int, dtype: str, state_dtype: str) -> None:
        self.family, self.config, self.input_dim = family, config, input_dim
        self.dtype, self.state_dtype = dtype, state_dtype

    @classmethod
    def of(cls, model: dict[str, Any]) -> Cell:
        """Return a cell. Raises ValueError for a bad argument, NotSupported for an unknown policy."""
        family = FAMILIES[CELLS[model["cell"]]]
        config = family.full(model["config"])
        check(family, config)
        if model["dtype"] not in POLICIES:
            raise NotSupported(f"the reference knows {', '.join(POLICIES)}, not {model['dtype']}")
        return cls(family, config, model["input_dim"], *POLICIES[model["dtype"]])

    @property
    def sizes(self) -> list[int]:
        """Return the size of each tensor of the state."""
        return self.family.state_sizes(self.config)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each variable, by path."""
        return self.family.shapes(self.config, self.input_dim)

    def zeros(self, batch: int) -> Array:
        """Return the initial state, its tensors side by side, (batch, state)."""
        return np.zeros((batch, sum(self.sizes)), self.state_dtype)

    def step(
        self, parameters: Given, inputs: Array, state: Array, timespans: Array = None
    ) -> tuple[Array, Array]:
        """Return the output and the new state, side by side; `timespans` is (), (batch) or (batch, 1)."""
        if inputs.shape[-1] != self.input_dim:
            raise ValueError(f"inputs of {inputs.shape[-1]} features: there must be {self.input_dim}")
        time = None if timespans is None else column(timespans, len(inputs))
        return self.formula(parameters, inputs, state, time)

    def formula(self, parameters: Given, inputs: Array, state: Array, time: Array) -> tuple[Array, Array]:
        """Compute the reference's step; `time` is (batch, 1), (1, 1) or None."""
        if self.state_dtype != self.dtype:
            raise NotSupported(
                f"the reference computes in the dtype of its variables, not {self.state_dtype}"
            )
        return self.family.reference(parameters, inputs, state, time, self.config, {})

    def at(self, point: Given) -> tuple[Array, Array]:
        """Compute the step at a point, which is parameters, inputs, state and timespans by name."""
        time = column(point["timespans"], len(point["inputs"]))
        return self.formula(point, point["inputs"], point["state"], time)


Run = Callable[[Given], tuple[Array, Array]]
"""A function from a point, which is arrays by name, to an output and a state."""


class Slopes(Mapping[str, Array]):
    """The derivatives by some arrays, each computed on first use, because clauses need few of them."""

    def __init__(self, names: Iterable[str], compute: Callable[[str], Array]) -> None:
        self._names, self._compute = tuple(names), cache(compute)

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return self._compute(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def gradients(
    run: Run, parameters: Given, given: Given, cotangents: tuple[Array, Array]
) -> tuple[dict[str, Array], Slopes]:
    """Differentiate sum(output cotangent) + sum(state cotangent) by each given array and each parameter."""
    point = {**parameters, **given}

    def compute(name: str) -> Array:
        return derivative(run, point, name, cotangents)

    return {name: compute(name) for name in given}, Slopes(parameters, compute)


def derivative(run: Run, point: Given, name: str, cotangents: tuple[Array, Array]) -> Array:
    """Differentiate by the array `name`, element by element, many elements side by side."""
    value = point[name]
    slopes = np.zeros(value.size)
    with np.errstate(all="ignore"):
        for begin in range(0, value.size, MOST_COPIES):
            elements = np.arange(begin, min(begin + MOST_COPIES, value.size))
            slopes[elements] = slopes_by(run, point, name, elements, cotangents)
    return slopes.reshape(value.shape)


def slopes_by(
    run: Run, point: Given, name: str, elements: Array, cotangents: tuple[Array, Array]
) -> Array | list[Array]:
    """Return the slopes by some elements of an array; one by one if they cannot be computed side by side."""
    moved = perturbed_in_each(point[name], elements, 1j * COMPLEX_STEP)
    try:
        slopes = slope(run({**point, name: moved}), cotangents)
    except Exception:  # a formula that is wrong, or takes of NumPy what copies do not have
        return [slope(run({**point, name: one}), cotangents) for one in moved.values]
    return slopes.values if isinstance(slopes, Perturbed) else slopes


def slope(answer: tuple[Array, Array], cotangents: tuple[Array, Array]) -> Array:
    """Return the slope by the complex step that was taken, of each copy of the answer if it has any."""
    (output, state), (output_cotangent, state_cotangent) = answer, cotangents
    total = np.sum(output.imag * output_cotangent) + np.sum(state.imag * state_cotangent)
    return total / COMPLEX_STEP


def column(timespans: Array, batch: int) -> Array:
    """Return elapsed time as (batch, 1), or (1, 1) for one number; ValueError for any other shape."""
    shape = np.shape(timespans)
    if shape not in ((), (batch,), (batch, 1)):
        raise ValueError(f"timespans of shape {shape}: must be (), ({batch},) or ({batch}, 1)")
    return np.reshape(timespans, (-1, 1))


def check(family: Family, config: Config) -> None:
    """Raise ValueError, which names the argument, unless a cell can be made of `config`."""
    for name, value in config.items():
        if not _allowed(family, name, value):
            raise ValueError(f"{name}={value!r} is outside the specification")
    if family.backbone_activation:
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
    if name.endswith("mapping"):
        return value in ("affine", "linear", None)
    if name in ("wiring", "cell"):
        return isinstance(value, dict)
    if name == "backbone_dropout":
        return bool(0.0 <= value < 1.0)
    if name == "epsilon":
        return bool(value >= 0.0)
    if name == "backbone_units" and value is None:
        return True
    return isinstance(value, int) and value >= (0 if name in MAY_BE_ZERO else 1)
