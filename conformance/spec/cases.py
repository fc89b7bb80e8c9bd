"""Cases: the same inputs for an implementation and the reference."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.spec.families import Config, Family, Sizes
from reference import carried, elapsed_backwards

Values = np.ndarray[Any, np.dtype[Any]]

RECIPES = ("simple", "normal", "mixed", "saturated", "tiny", "zero")
"""The kinds of values, the plainest first, because a smallest case is the easiest to read."""

EVEN = "even"
"""A kernel divided by its rows: neither sums nor their bounds grow with its width, or over many steps."""


@dataclass(frozen=True)
class StepCase:
    """One step of one cell."""

    config: Config
    parameters: Mapping[str, Any]
    inputs: Any
    """(batch, features)"""
    state: Any
    """(batch, state): the tensors of the state side by side"""
    timespans: Values | None = None
    """(), (batch) or (batch, 1); None if no elapsed time is given."""

    @property
    def input_dim(self) -> int:
        return int(self.inputs.shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the sizes that distinguish two cases of one config."""
        return (*self.inputs.shape, *self.state.shape)

    @property
    def column(self) -> Values:
        """Return elapsed time as a column, (batch, 1), the meaning of every form of `timespans`."""
        given = np.ones(()) if self.timespans is None else self.timespans
        return np.broadcast_to(given.reshape(-1, 1), (len(self.inputs), 1))


@dataclass(frozen=True)
class SequenceCase:
    """A sequence through one cell."""

    config: Config
    parameters: Mapping[str, Values]
    inputs: Any
    """(batch, time, features)"""
    state: Values | None = None
    """(batch, state); None is the zero state."""
    mask: Values | None = None
    """(batch, time), True where a sample counts."""
    timespans: Values | None = None
    """(batch, time); None if no elapsed times are given."""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def input_dim(self) -> int:
        return int(self.inputs.shape[-1])

    @property
    def shape(self) -> tuple[int, ...]:
        return (*self.inputs.shape, sum(value.size for value in self.parameters.values()))

    @property
    def elapses(self) -> bool:
        """Tell whether samples count with the time that passes between them backwards."""
        backwards = bool(self.options.get("go_backwards"))
        return backwards and self.options.get("backward_timespans") == "elapsed"

    @property
    def carries(self) -> bool:
        """Tell whether time passes at masked samples."""
        return self.options.get("masked_time") == "carry" and self.mask is not None

    @property
    def counted(self) -> Values | None:
        """Return the elapsed time with which each sample counts, (batch, time); None is 1 for each."""
        if not (self.elapses or self.carries):
            return self.timespans
        shape = self.inputs.shape[:2]
        given = np.ones(shape, self.inputs.dtype) if self.timespans is None else self.timespans
        mask = np.ones(shape, bool) if self.mask is None else self.mask
        if self.elapses:
            return np.asarray(elapsed_backwards(given, mask, carry=self.carries))
        backwards = bool(self.options.get("go_backwards"))
        return np.asarray(carried(given, mask, go_backwards=backwards))

    def at(self, k: int, state: Any) -> StepCase:
        """Return the step at sample k, from `state`, which may carry a bound."""
        times = None if self.counted is None else self.counted[:, k, None]
        return StepCase(self.config, self.parameters, self.inputs[:, k, :], state, times)


Case = StepCase | SequenceCase


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a random stream of its own for each array, so that no array depends on another's shape."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def array(shape: tuple[int, ...], recipe: str, seed: int, name: str, dtype: str) -> Values:
    """Return values of `shape`, by one of `RECIPES`; not constant, because a constant hides a swap."""
    rng = generator(seed, name)
    if recipe == "mixed":
        recipe = str(rng.choice([r for r in RECIPES if r != "mixed"]))
    if recipe == "zero":
        return np.zeros(shape, dtype)
    if recipe == "simple":
        return (rng.integers(-12, 13, shape) / 8.0).astype(dtype)
    if recipe == EVEN:
        return (rng.standard_normal(shape) / (shape[0] if len(shape) == 2 else 1.0)).astype(dtype)
    scale = {"normal": 1.0, "saturated": 30.0, "tiny": 1e-3}[recipe]
    return (scale * rng.standard_normal(shape)).astype(dtype)


def parameters(
    family: Family, config: Config, input_dim: int, recipe: str, seed: int, dtype: str
) -> dict[str, Values]:
    """Return values for every variable of a cell; only the recipe "zero" may repeat initial values."""
    shapes = family.shapes(family.full(config), input_dim)
    values = {path: array(shape, recipe, seed, path, dtype) for path, shape in shapes.items()}
    return {path: family.admissible(path, value) for path, value in values.items()}


def timespans(form: str, batch: int, pace: float, seed: int, dtype: str) -> Values | None:
    """Return elapsed times; `form` is none, zero, scalar, flat, column or large."""
    rng = generator(seed, "timespans")
    if form == "none":
        return None
    if form == "scalar":
        return np.asarray(pace * rng.exponential(2.0), dtype)
    if form == "zero":
        return np.zeros((batch, 1), dtype)
    if form == "large":
        return (10.0 ** rng.uniform(2.0, 6.0, (batch, 1))).astype(dtype)
    times = pace * (rng.exponential(2.0, batch) + 0.01 * np.arange(batch))
    return times.astype(dtype).reshape((batch,) if form == "flat" else (batch, 1))


def step_case(
    family: Family, config: Config, sizes: Sizes, *, recipe: str, seed: int, time: str, dtype: str
) -> StepCase:
    """Return one step, every array of it made from `seed`."""
    plain = recipe if recipe in ("simple", "zero") else "normal"
    return StepCase(
        config=config,
        parameters=parameters(family, config, sizes.features, recipe, seed, dtype),
        inputs=array((sizes.batch, sizes.features), plain, seed, "inputs", dtype),
        state=array((sizes.batch, family.state_size(config)), plain, seed, "state", dtype),
        timespans=timespans(time, sizes.batch, family.pace(family.full(config)), seed, dtype),
    )


def sequence_case(
    family: Family, config: Config, sizes: Sizes, *, length: int, recipe: str, seed: int, dtype: str
) -> SequenceCase:
    """Return a sequence from the zero state, every array of it made from `seed`."""
    return SequenceCase(
        config=config,
        parameters=parameters(family, config, sizes.features, recipe, seed, dtype),
        inputs=array((sizes.batch, length, sizes.features), recipe, seed, "inputs", dtype),
    )


def with_state(family: Family, case: SequenceCase, seed: int) -> SequenceCase:
    """Return `case` with a given initial state instead of the zero state."""
    shape = (len(case.inputs), family.state_size(case.config))
    return replace(case, state=array(shape, "simple", seed, "state", str(case.inputs.dtype)))


def with_times(family: Family, case: SequenceCase, seed: int, *, pauses: bool = False) -> SequenceCase:
    """Return `case` with elapsed times, no two of them equal; with `pauses` some are zero."""
    batch, length = case.inputs.shape[:2]
    rng = generator(seed, "timespans")
    pace = family.pace(family.full(case.config))
    times = pace * rng.exponential(2.0, (batch, length))
    if pauses:
        times *= rng.choice([0.0, 1.0, 1.0, 1.0], (batch, length))
    return replace(case, timespans=times.astype(case.inputs.dtype))


def as_lists(value: Any) -> Any:
    """Return `value` as JSON: arrays as nested lists, dataclasses as objects."""
    if isinstance(value, Mapping):
        return {str(key): as_lists(item) for key, item in value.items()}
    if isinstance(value, StepCase | SequenceCase):
        return {name: as_lists(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [as_lists(item) for item in value]
    return value
