"""The kind of a cell, found by building and calling it: its family, its form, its use of elapsed time."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from ..adapter import Model, NotSupported
from ..hints import NO_HINTS, Hints, names_of
from ..mapping import shown_form
from ..packages import member_of_package
from .layers import REFUSALS, Layers
from .names import arguments_of, family_of, family_of_variables

BEHIND = ("CfCCell", "LTCCell", "WiredCfCCell", "WiredLTCCell")
"""The cells that may stand behind an LSTM."""

_MODES = {"mode": ("default", "no_gate", "pure")}
_ACTIVATIONS = (
    *("linear", "tanh", "lecun_tanh", "sigmoid", "relu"),
    *("silu", "softplus", "elu", "gelu", "leaky_relu"),
)
_DEPTHS = {"backbone_layers": (0, 1, 2, 3)}
_MAPPINGS = ("affine", "linear", None)
_HEADS = {"head_activation": ("tanh", "lecun_tanh", "linear")}

CHOICES: dict[str, dict[str, tuple[Any, ...]]] = {
    "cfc": {**_MODES, **_DEPTHS, **_HEADS, "activation": _ACTIVATIONS},
    "ltc": {
        "solver": ("semi_implicit", "explicit"),
        **_DEPTHS,
        "activation": _ACTIVATIONS,
        "backbone_activation": _ACTIVATIONS,
    },
    "wired_cfc": {
        **_MODES,
        **_HEADS,
        "fully_recurrent": (True, False),
        "sparse_time_heads": (True, False),
    },
    "wired_ltc": {
        "solver": ("semi_implicit", "explicit", "rk4"),
        "input_mapping": _MAPPINGS,
        "output_mapping": _MAPPINGS,
        "implicit_param_constraints": (False, True),
    },
    "mixed_memory": {},
}
"""By family, arguments of which a cell may support some of these values only."""

FEATURES, UNITS = 3, 2
TIMES = (np.full((2, 1), 0.25, "float32"), np.full((2,), 0.25, "float32"), np.float32(0.25))
"""Every form in which a step may be given elapsed time."""


class Kind:
    """The kind of one class, by which it is judged."""

    def __init__(self, layers: Layers, name: str, hints: Hints) -> None:
        self.layers, self.name, self.cell = layers, name, layers.classes[name]
        self.names = names_of(self.cell, hints.names)
        self.arguments = arguments_of(self.cell)
        self.built = self._built({})
        by_variables = self._by_variables()
        self.family = hints.family or by_variables or family_of(self.cell)
        self.layers.families[self.cell] = str(self.family), self.names

    def values(self) -> dict[str, list[Any]]:
        """Return the values that arguments may have, if the constructor rejects some of them."""
        if self.family == "mixed_memory":
            return self._cells_behind()
        choices = {n: values for n, values in CHOICES[str(self.family)].items() if n in self.arguments}
        accepted_values = {n: [v for v in values if self._takes(n, v)] for n, values in choices.items()}
        return {name: kept for name, kept in accepted_values.items() if 0 < len(kept) < len(choices[name])}

    def fixed(self) -> dict[str, Any]:
        """Return the arguments that the constructor lacks, with the values that the variables show."""
        if self.built is None:
            return {}
        shown = self._shown(self.built)
        if "backbone_layers" in self.arguments:
            shown |= self._width(shown)
        return {name: value for name, value in shown.items() if name not in self.arguments}

    @property
    def timed(self) -> bool:
        """Tell whether a step takes elapsed time: not if it raises for every form, and not without."""
        return not self.untimed

    @cached_property
    def untimed(self) -> str:
        """Return what a step raises if it takes no elapsed time, "" if it takes some."""
        cell = self.built
        if cell is None or self._raised(cell, None):
            return ""
        raised = [self._raised(cell, time) for time in TIMES]
        return f"{raised[0]}{self._other_way()}" if all(raised) else ""

    def _other_way(self) -> str:
        """Return a note on an argument of `call` that may be the elapsed time, "" if there is none."""
        _, _, *others = inspect.signature(self.built.call).parameters.values()
        named = [p.name for p in others if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        extra = [name for name in named if name not in ("training", "mask")]
        if not extra:
            return ""
        return f" (time is given with the inputs, as (x, t), and not by an argument of call, as {extra[0]!r})"

    def behind(self) -> dict[str, Any]:
        """Return, by name, the offers of the cells that may stand behind an LSTM; {} for another family."""
        if self.family != "mixed_memory":
            return {}
        cells = {name: member_of_package(self.cell, "", name) for name in BEHIND if self._has(name)}
        kinds = [Kind(Layers({name: cell}), name, NO_HINTS) for name, cell in cells.items()]
        return {k.name: {"arguments": list(k.arguments), "values": k.values()} for k in kinds}

    def _cells_behind(self) -> dict[str, list[Any]]:
        names = [name for name in BEHIND if self._has(name)]
        return {"cell": names} if 0 < len(names) < len(BEHIND) else {}

    def _has(self, member: str) -> bool:
        try:
            member_of_package(self.cell, "", member)
        except NotSupported:
            return False
        return True

    def _takes(self, argument: str, value: Any) -> bool:
        sized = {"backbone_units": 4} if argument == "backbone_layers" and value else {}
        given = {argument: value, **{n: v for n, v in sized.items() if n in self.arguments}}
        try:
            self.layers.construct(self._model(given))
        except REFUSALS:
            return False
        except Exception:  # no refusal, but what a clause has to find
            return True
        return True

    def _shown(self, cell: Any) -> dict[str, Any]:
        named = self.layers.named(cell)
        return shown_form(str(self.family), {name: tuple(v.shape) for name, v in named.items()})

    def _width(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Return the size of a backbone of which only the number of layers can be chosen."""
        if "backbone_units" in self.arguments or "backbone_units" in shown:
            return {}
        deeper = self._built({"backbone_layers": 1})
        return {} if deeper is None else self._shown(deeper)

    def _built(self, config: dict[str, Any]) -> Any:
        """Return a cell built by this config and defaults, None if it cannot be built."""
        try:
            return self.layers.fresh_layer(self._model(config))
        except Exception:  # what is wrong with it, the clauses find
            return None

    def _model(self, config: dict[str, Any]) -> Model:
        return Model(self.name, {**self._smallest(), **config}, input_dim=FEATURES)

    def _smallest(self) -> dict[str, Any]:
        if "wiring" in self.arguments:
            return {"wiring": {"class_name": "FullyConnected", "config": {"units": UNITS}}}
        if "cell" in self.arguments:
            behind = next((name for name in BEHIND[:2] if self._has(name)), BEHIND[0])
            return {"cell": {"class_name": behind, "config": {"units": UNITS}}}
        return {"units": UNITS}

    def _by_variables(self) -> str | None:
        """Return the family whose variables the cell has; None if its arguments are another's."""
        if self.built is None:
            return None
        family = family_of_variables(self.layers.paths(self.built), self.names)
        wired = "wiring" in self.arguments
        return None if family in (("cfc", "ltc") if wired else ("wired_cfc", "wired_ltc")) else family

    def _raised(self, cell: Any, time: Any) -> str:
        """Return what a step with this elapsed time raises, "" if it returns."""
        tensor = self.layers.keras.ops.convert_to_tensor
        sizes = cell.state_size if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]
        states = [tensor(np.zeros((2, size), "float32")) for size in sizes]
        inputs = tensor(np.ones((2, FEATURES), "float32"))
        given = inputs if time is None else (inputs, tensor(time))
        return "" if self._traces(cell, given, states) else _raised_by(cell, given, states)

    def _traces(self, cell: Any, *given: Any) -> bool:
        """Tell whether jax can trace a call: it compiles nothing, and a call would compile each operation."""
        keras = self.layers.keras
        if keras.backend.backend() != "jax":
            return False
        with keras.StatelessScope():
            return not _raised_by(import_module("jax").eval_shape, cell, *given)


def _raised_by(function: Any, *given: Any) -> str:
    """Return the type and the message of what a call raises, "" if it returns."""
    try:
        function(*given)
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}"
    return ""
