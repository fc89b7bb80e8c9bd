"""The interface of a cell family to the suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from conformance.spec.families.initial import Initial
from reference.adjoints import Gradients

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


class Reference(Protocol):
    """One step: output (batch, outputs), and the new state, its tensors side by side, (batch, state)."""

    def __call__(
        self,
        parameters: Parameters,
        inputs: Any,
        state: Any,
        timespans: Any,
        config: Config,
        variant: Variant,
    ) -> tuple[Any, Any]:
        """Compute one step; `timespans` is None if no time is given, and `config` is full."""


class Adjoint(Protocol):
    """The gradients of a step, for cotangents of its output and of its new state."""

    def __call__(
        self,
        parameters: Parameters,
        inputs: Any,
        state: Any,
        timespans: Any,
        cotangents: tuple[Any, Any],
        config: Config,
        variant: Variant,
    ) -> Gradients:
        """Compute the gradients; `timespans` is (batch, 1), and `config` is full."""


@dataclass(frozen=True)
class Family:
    """A cell family."""

    name: str
    defaults: Config
    """The defaults of the constructor arguments that have one in the specification."""
    forms: tuple[Config, ...]
    """The arguments that select a formula, one entry a formula."""
    variants: tuple[Variant, ...]
    """Documented departures, the nearest to the specification first."""
    bad_arguments: tuple[Config, ...]
    """Arguments to reject, each with the name of the wrong one last."""
    reference: Reference
    adjoint: Adjoint
    shapes: Callable[[Config, int], dict[str, tuple[int, ...]]]
    """(full config, input features) -> shape of each variable."""
    initial: Callable[[Config, int], dict[str, Initial]]
    """(full config, input features) -> initial value of each variable, by the default initializers."""
    arranged: Callable[[Sizes, int | None, Config], Config]
    """(sizes, backbone layers or None, the other arguments) -> a config at these sizes, without dropout."""
    state_sizes: Callable[[Config], list[int]]
    """(full config) -> the size of each tensor of the state."""
    output_size: Callable[[Config], int]
    """(full config) -> the size of the output."""
    choices: Mapping[str, Sequence[Any]]
    """Further arguments that a config may have, each with values away from its default, then (where it costs
    little) the default."""
    shown: Config
    """Arguments with which the output is the state, to the last bit, or its first tensor."""
    intermediates: Callable[[Config], Mapping[str, str]]
    """(full config) -> the table "Intermediates" of SPEC.md: the name by place in the source of the reference
    (see `conformance.search.intermediates.noting`); {i} counts the visits of a place, from 0."""
    unsteady: tuple[Config, ...] = ()
    """The forms whose step multiplies errors if t is 1 or more: float32 shows little of them."""
    pace: Callable[[Config], float] = lambda config: 1.0
    """(full config) -> the factor on the elapsed times of ordinary cases."""
    backbone_activation: str | None = None
    """The argument that names the backbone's activation; None if the family has no backbone."""
    synapses: Callable[[Config, int], dict[str, Any]] | None = None
    """(full config, input features) -> by path of a parameter, True where the wiring has the connection."""
    wirings: Callable[[Sizes], list[Config]] | None = None
    """Wirings of these sizes, as {"class_name", "config"}; None if the family has none."""
    admissible: Callable[[str, Any], Any] = lambda path, values: values
    """(path, values) -> the values that the parameter may have, if not every number is allowed."""

    def config(self, sizes: Sizes, *, layers: int | None = None, **arguments: Any) -> Config:
        """Return a config without dropout at these sizes; with a backbone of `layers`, or the typical one."""
        return self.full(self.arranged(sizes, layers, arguments))

    def full(self, config: Config) -> Config:
        """Return `config` completed by the specification's defaults."""
        return {**self.defaults, **config}

    def state_size(self, config: Config) -> int:
        """Return the size of the whole state, its tensors side by side."""
        return sum(self.state_sizes(self.full(config)))

    def steady(self, config: Config) -> bool:
        """Tell whether a step can be judged at any elapsed time."""
        full = self.full(config)
        return not any(form.items() <= full.items() for form in self.unsteady)

    def shows_state(self, config: Config) -> bool:
        """Tell whether the output is the whole state."""
        return len(self.state_sizes(self.full(config))) == 1 and self.shows_first_state(config)

    def shows_first_state(self, config: Config) -> bool:
        """Tell whether the output is the state's first tensor."""
        full = self.full(config)
        shown = all(full[name] == value for name, value in self.shown.items())
        return shown and self.state_sizes(full)[0] == self.output_size(full)

    def split(self, config: Config, state: Any) -> list[Any]:
        """Return the tensors of a state that is given side by side."""
        cuts = np.cumsum(self.state_sizes(self.full(config)))[:-1]
        return list(np.split(np.asarray(state), cuts, axis=-1))


def given(timespans: Any) -> tuple[Any, ...]:
    """Return elapsed time as the arguments of the reference's steps: none if it is not given."""
    return () if timespans is None else (timespans,)


BAD_UNITS: tuple[Config, ...] = ({"units": 0}, {"units": -3}, {"units": 2.5})
"""Arguments that every family with units rejects."""
