"""Built Keras layers, kept by what they were built from, and their variables by the specification's names."""

from __future__ import annotations

import inspect
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from .adapter import Array, BadParams, Model, NotSupported, Parameters, theirs
from .keras_names import arguments_of, canonical_names, family_of
from .mapping import check
from .packages import member_of_package
from .wirings import wiring

KEPT = 256
"""How many built layers are kept."""


@dataclass
class Built:
    """A layer, its cells' parameters by canonical name, and every other variable with its first value."""

    layer: Any
    cells: list[Any]
    parameters: list[dict[str, Any]]
    others: list[tuple[Any, Array]]
    initial: list[Parameters]
    compiled: dict[Any, Callable[..., Any]] = field(default_factory=dict)

    def values(self, given: list[Any]) -> list[tuple[Any, Array]]:
        """(variable, value) for every variable: the parameters as given, the rest as built."""
        if len(given) != len(self.parameters):
            raise BadParams(f"parameters: {len(self.parameters)} cells need as many sets, not {len(given)}")
        pairs = [pair for own, new in zip(self.parameters, given, strict=True) for pair in _matched(own, new)]
        return pairs + self.others

    def reset(self, given: list[Any]) -> None:
        """Assign `values`, so that nothing is left of earlier requests."""
        for variable, value in self.values(given):
            variable.assign(value)


def _matched(own: dict[str, Any], given: Any) -> list[tuple[Any, Array]]:
    check({name: tuple(variable.shape) for name, variable in own.items()}, given)
    return [
        (variable, np.asarray(given[name], _assignable(variable.dtype))) for name, variable in own.items()
    ]


def _assignable(dtype: str) -> str:
    """NumPy alone has no bfloat16; the variable casts by itself."""
    return "float32" if dtype == "bfloat16" else dtype


def _states(layer: Any) -> list[Any]:
    """The states that stateful layers keep between calls; Keras does not count them among the variables."""
    parts = [layer, *getattr(layer, "layers", [])]
    return [part.states for part in parts if getattr(part, "states", None) is not None]


LAYERS = {"cfc": "CfC", "ltc": "LTC", "wired_cfc": "CfC", "wired_ltc": "LTC", "mixed_memory": "CfC"}
"""By family, the name of the sequence layer that takes a cell and elapsed time."""


def layer_of(cell: Any) -> Any:
    """The sequence layer that takes a cell and elapsed time, None where there is none.

    It is what the cell names `sequence_layer`, or else the layer of its package that bears the usual name.
    """
    layer: Any = getattr(cell, "sequence_layer", None)
    if layer is None:
        try:
            layer = member_of_package(cell, "", LAYERS[str(family_of(cell))])
        except NotSupported:
            return None
    takes_time = hasattr(layer, "call") and "timespans" in inspect.signature(layer.call).parameters
    return layer if takes_time else None


FORMULAS: dict[str, dict[str, tuple[str, ...]]] = {
    "cfc": {"mode": ("default", "no_gate", "pure")},
    "ltc": {"solver": ("semi_implicit", "explicit")},
    "wired_cfc": {"mode": ("default", "no_gate", "pure")},
    "wired_ltc": {"solver": ("semi_implicit", "explicit", "rk4")},
}
"""By family, the argument that chooses a formula, and its values."""


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let an import of `module` fail, as it does where it is not installed."""
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


class Layers:
    """Builds cells and what stands round them; keeps the latest of them."""

    def __init__(self, classes: dict[str, Any]) -> None:
        self.keras: Any = import_module("keras")
        self.classes = classes
        self._kept: OrderedDict[str, Built] = OrderedDict()

    def cell(self, model: Model) -> Built:
        """A cell by itself, built as `keras.layers.RNN` builds it."""
        return self._keep("cell", [model], {}, lambda: self.fresh_cell(model))

    def kept(self, purpose: str, models: list[Model], options: Any, make: Callable[[], Built]) -> Built:
        """What `make` makes, or what it made before for equal arguments."""
        return self._keep(purpose, models, options, make)

    def fresh_cell(self, model: Model) -> Built:
        """As `cell`, and never a kept one."""
        cell = self.construct(model)
        theirs(cell.build, (None, model.input_dim))
        return self.built(cell, [cell])

    def construct(self, model: Model, kind: Any = None, **more: Any) -> Any:
        """An unbuilt cell, after seeding Keras; `more` are arguments that any Keras layer takes.

        `kind` is a subclass to be made of in its place.
        """
        if model.cell not in self.classes:
            raise BadParams(f"model.cell: there is no {model.cell!r} among {', '.join(sorted(self.classes))}")
        self.seed(model.seed)
        if model.dtype not in ("float32", "float64"):
            more["dtype"] = model.dtype
        return theirs(kind or self.classes[model.cell], **self.arguments(model.cell, model.config), **more)

    def values(self, cell: str) -> dict[str, list[str]]:
        """The formulas that a cell has, by argument, where its constructor refuses some of them."""
        choices = FORMULAS.get(str(family_of(self.classes[cell])), {})
        found = {
            name: [value for value in values if self._takes(cell, name, value)]
            for name, values in choices.items()
            if name in arguments_of(self.classes[cell])
        }
        return {name: kept for name, kept in found.items() if 0 < len(kept) < len(choices[name])}

    def _takes(self, cell: str, argument: str, value: str) -> bool:
        wired = "wiring" in arguments_of(self.classes[cell])
        smallest = {"class_name": "FullyConnected", "config": {"units": 1}}
        config = {"wiring": smallest} if wired else {"units": 1}
        try:
            self.construct(Model(cell, {**config, argument: value}))
        except (ValueError, TypeError, NotImplementedError):
            return False
        except Exception:  # no refusal, but what a clause has to find
            return True
        return True

    def arguments(self, cell: str, config: dict[str, Any]) -> dict[str, Any]:
        """The constructor's arguments: a wiring, and the cell behind an LSTM, are made of their config."""
        made: dict[str, Any] = json.loads(json.dumps(config))
        for name, value in made.items():
            if name in ("wiring", "cell") and isinstance(value, dict):
                made[name] = self._made(cell, name, value)
        return made

    def _made(self, cell: str, name: str, value: dict[str, Any]) -> Any:
        """{"class_name", "config"} as an object of the package that the cell comes from."""
        if name == "wiring":
            return wiring(self.classes[cell], value["class_name"], value["config"])
        inner = member_of_package(self.classes[cell], "", value["class_name"])
        return theirs(inner, **self.arguments(cell, value["config"]))

    def own_layer(self, model: Model, cell: Any, **options: Any) -> Any:
        """The cell in the sequence layer of its own package, which is that of the cell behind an LSTM."""
        layer = layer_of(type(getattr(cell, "cell", cell)))
        if layer is None:
            raise NotSupported(f"{model.cell} has no sequence layer of its own that takes elapsed time")
        return theirs(layer, cell, **options)

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and the backend. Keras would import TensorFlow for it, on any backend."""
        hidden = self.keras.backend.backend() != "tensorflow" and "tensorflow" not in sys.modules
        with _hidden("tensorflow") if hidden else nullcontext():
            self.keras.utils.set_random_seed(seed)

    def built(self, layer: Any, cells: list[Any]) -> Built:
        """The record of a layer that has been built."""
        parameters = [self.named(cell) for cell in cells]
        named = {id(variable) for own in parameters for variable in own.values()}
        every = [*layer.variables, *self.keras.tree.flatten(_states(layer))]
        others = [(variable, self.array(variable)) for variable in every if id(variable) not in named]
        initial = [{name: self.array(v) for name, v in own.items()} for own in parameters]
        return Built(layer, cells, parameters, others, initial)

    def named(self, cell: Any) -> dict[str, Any]:
        """The variables of a built cell that the specification names."""
        names = self.names(cell)
        return {name: variable for name, variable in zip(names, cell.weights, strict=True) if name}

    def names(self, cell: Any) -> list[str | None]:
        """The specification's name of each of `cell.weights`, None where it has none."""
        family = family_of(type(cell))
        assert family is not None
        return canonical_names(family, cell.path, [variable.path for variable in cell.weights])

    def array(self, variable: Any) -> Array:
        """A copy of a variable's value."""
        return np.array(self.keras.ops.convert_to_numpy(variable.value))

    def _keep(self, purpose: str, models: list[Model], options: Any, make: Callable[[], Built]) -> Built:
        key = json.dumps([purpose, [vars(model) for model in models], options], sort_keys=True)
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def use_floatx(self, dtype: str) -> None:
        """Make float64, or else float32, Keras's default, as who wants it everywhere does.

        A cell whose inner layers do not hand on its own dtype can so be judged in float64 all the same.
        """
        if dtype == "float64" and not self.float64:
            how = "start it with JAX_ENABLE_X64=1" if self.keras.backend.backend() == "jax" else "none here"
            raise NotSupported(f"float64 is not available on this backend: {how}")
        floatx = "float64" if dtype == "float64" else "float32"
        if self.keras.config.floatx() != floatx:
            self.keras.config.set_floatx(floatx)
            self.keras.config.set_dtype_policy(floatx)

    @cached_property
    def float64(self) -> bool:
        """Whether this backend computes in float64 what is asked for in it: some only carry the name."""
        third = self.keras.ops.convert_to_tensor(np.float64(1) / 3, dtype="float64")
        square = self.keras.ops.convert_to_numpy(third * third)
        return bool(abs(float(square) - 1 / 9) < 1e-15)

    @property
    def dtypes(self) -> list[str]:
        """Those that this backend computes in; jax has float64 in another process, if not in this one."""
        holds = self.float64 or self.keras.backend.backend() == "jax"
        return ["float64", "float32"] if holds else ["float32"]
