"""Built Keras layers, kept by their arguments, and their variables by the specification's names."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from ..adapter import BadParams, Model, NotSupported, theirs
from ..hints import names_of
from ..mapping import check
from ..packages import member_of_package
from ..requests import Array, Parameters
from ..wirings import wiring
from .names import arguments_of, canonical_names, family_of, is_open

KEPT = 256
"""The number of built layers that are kept."""


@dataclass
class Built:
    """A layer, its cells' parameters by canonical name, and every other variable with its first value."""

    layer: Any
    cells: list[Any]
    parameters: list[dict[str, Any]]
    others: list[tuple[Any, Array]]
    initial: list[Parameters]
    unnamed: list[str] = field(default_factory=list)
    """Paths of variables of the cells that have no name of the specification."""
    compiled: dict[Any, Callable[..., Any]] = field(default_factory=dict)

    def values(self, given: list[Any]) -> list[tuple[Any, Array]]:
        """Return (variable, value) for every variable: the parameters as given, the rest as built."""
        if len(given) != len(self.parameters):
            raise BadParams(f"parameters: {len(self.parameters)} cells need as many sets, not {len(given)}")
        both = zip(self.parameters, given, strict=True)
        pairs = [pair for own, new in both for pair in _matched(own, new, self.unnamed)]
        return pairs + self.others

    def reset(self, given: list[Any]) -> None:
        """Assign `values`, so that nothing is left of earlier requests."""
        for variable, value in self.values(given):
            variable.assign(value)


def _matched(own: dict[str, Any], given: Any, unnamed: list[str]) -> list[tuple[Any, Array]]:
    check({name: tuple(variable.shape) for name, variable in own.items()}, given, unnamed)
    return [
        (variable, np.asarray(given[name], _assignable(variable.dtype))) for name, variable in own.items()
    ]


def _inside(path: str, *prefixes: str) -> str:
    """Return a path without the first matching prefix; a constructor's variables are in no other layer."""
    prefix = next((prefix for prefix in prefixes if path.startswith(f"{prefix}/")), None)
    return path if prefix is None else path.removeprefix(f"{prefix}/")


def _assignable(dtype: str) -> str:
    """Return a dtype that NumPy has in place of bfloat16; the variable casts by itself."""
    return "float32" if dtype == "bfloat16" else dtype


def _states(layer: Any) -> list[Any]:
    """Return the states that stateful layers keep; they are not among the variables of Keras."""
    parts = [layer, *getattr(layer, "layers", [])]
    return [part.states for part in parts if getattr(part, "states", None) is not None]


LAYERS = {"cfc": "CfC", "ltc": "LTC", "wired_cfc": "CfC", "wired_ltc": "LTC", "mixed_memory": "CfC"}
"""By family, the name of the sequence layer that takes a cell and elapsed time."""


REFUSALS = (ValueError, TypeError, NotImplementedError)
"""The exceptions by which a constructor rejects a value."""

OWN_OPTIONS = ("masked_time", "time_feature", "backward_timespans")
"""Options of a sequence layer that Keras's layers lack."""

OFF = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
    "time_feature",
)
"""Options that a layer without them has not set: False is left out then."""

INPUTS = ("input_dim", "input_size", "in_features")
"""Constructor arguments that may be the number of input features."""


def features_of(taken: Mapping[str, inspect.Parameter], input_dim: int) -> dict[str, int]:
    """Return the number of input features, by the name of the argument that requires it; {} if none does."""
    return {
        name: input_dim for name in INPUTS if name in taken and taken[name].default is inspect.Parameter.empty
    }


def layer_of(cell: Any, family: str) -> Any:
    """Return the sequence layer that takes a cell and elapsed time, None if there is none.

    It is the cell's attribute `sequence_layer`, or else the layer of its package with the usual name.
    """
    layer: Any = getattr(cell, "sequence_layer", None)
    if layer is None:
        try:
            layer = member_of_package(cell, "", LAYERS[family])
        except NotSupported:
            return None
    takes_time = hasattr(layer, "call") and "timespans" in inspect.signature(layer.call).parameters
    return layer if takes_time else None


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Make an import of `module` fail, as it does where it is not installed."""
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


class Layers:
    """Builds cells and the layers round them; keeps the latest of them."""

    def __init__(self, classes: dict[str, Any]) -> None:
        self.keras: Any = import_module("keras")
        self.classes = classes
        self.families: dict[type, tuple[str, Mapping[str, str]]] = {}
        """The family of a class, and its mapping of paths to names, if both are known."""
        self._kept: OrderedDict[str, Built] = OrderedDict()
        self._taken: dict[Any, bool] = {}

    def cell(self, model: Model) -> Built:
        """Return a cell by itself, built as `keras.layers.RNN` builds it."""
        return self._keep("cell", [model], {}, lambda: self.fresh_cell(model))

    def kept(self, purpose: str, models: list[Model], options: Any, make: Callable[[], Built]) -> Built:
        """Return the result of `make`, kept for equal arguments."""
        return self._keep(purpose, models, options, make)

    def fresh_cell(self, model: Model) -> Built:
        """Return a cell as `cell` does, but never a kept one."""
        cell = self.fresh_layer(model)
        return self.built(cell, [cell])

    def fresh_layer(self, model: Model) -> Any:
        """Return the built cell of `fresh_cell` alone."""
        cell = self.construct(model)
        theirs(cell.build, (None, model.input_dim))
        return cell

    def construct(self, model: Model, kind: Any = None, **more: Any) -> Any:
        """Return an unbuilt cell, after seeding Keras; `more` are arguments that any Keras layer takes.

        `kind` is a subclass to make instead.

        Raises:
            NotSupported: the constructor takes none of `more`.
        """
        if model.cell not in self.classes:
            raise BadParams(f"model.cell: there is no {model.cell!r} among {', '.join(sorted(self.classes))}")
        self.seed(model.seed)
        if model.dtype not in ("float32", "float64"):
            more["dtype"] = model.dtype
        cell = self.classes[model.cell]
        taken = arguments_of(cell)
        for name in more:
            if not self.takes_of_keras(model.cell, name):
                raise NotSupported(f"the constructor of {model.cell} takes no {name}")
        given = {**self.arguments(model.cell, model.config), **features_of(taken, model.input_dim), **more}
        first = [
            given.pop(name) for name, p in taken.items() if p.kind is p.POSITIONAL_ONLY and name in given
        ]
        return theirs(kind or cell, *first, **given)

    def takes_of_keras(self, cell: str, name: str) -> bool:
        """Tell whether a constructor takes an argument that any Keras layer takes."""
        kind = self.classes[cell]
        return name in arguments_of(kind) or is_open(kind)

    def arguments(self, cell: str, config: dict[str, Any]) -> dict[str, Any]:
        """Return the constructor's arguments; a wiring, and the cell behind an LSTM, are made of configs."""
        made: dict[str, Any] = json.loads(json.dumps(config))
        for name, value in made.items():
            if name in ("wiring", "cell") and isinstance(value, dict):
                made[name] = self._made(cell, name, value)
        return made

    def _made(self, cell: str, name: str, value: dict[str, Any]) -> Any:
        """Make {"class_name", "config"} an object of the package that the cell comes from."""
        if name == "wiring":
            return wiring(self.classes[cell], value["class_name"], value["config"])
        inner = member_of_package(self.classes[cell], "", value["class_name"])
        return theirs(inner, **self.arguments(cell, value["config"]))

    def own_layer(self, model: Model, cell: Any, **options: Any) -> Any:
        """Return the cell in the sequence layer of its own package, or of its cell's behind an LSTM.

        Raises:
            NotSupported: there is none, or it takes no such option, and is to do what the option asks for.
        """
        inner = type(getattr(cell, "cell", cell))
        layer = layer_of(inner, self.family(inner)[0])
        if layer is None:
            raise NotSupported(f"{model.cell} has no sequence layer of its own that takes elapsed time")
        taken = {n: v for n, v in options.items() if self.takes(model, layer, n, v)}
        if model.dtype in ("float32", "float64"):
            options.pop("dtype", None)
        if lacking := [n for n, v in options.items() if n not in taken and (v or n not in OFF)]:
            said = ", ".join(f"{name}={options[name]!r}" for name in lacking)
            raise NotSupported(f"the sequence layer {layer.__name__} takes no {said}")
        return theirs(layer, cell, **taken)

    def takes(self, model: Model, layer: Any, option: str, value: Any) -> bool:
        """Tell whether a sequence layer takes an option: by its signature, or else by a call."""
        known = arguments_of(layer, beyond=("builtins",))
        if option in known and option not in OWN_OPTIONS:
            return True
        if option not in known and not is_open(layer):
            return False
        key = (layer, option, repr(value))
        if key not in self._taken:
            try:
                layer(self.construct(Model(model.cell, model.config, model.input_dim)), **{option: value})
                self._taken[key] = True
            except REFUSALS:
                self._taken[key] = False
        return self._taken[key]

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and the backend. Keras would import TensorFlow for it, on any backend."""
        hidden = self.keras.backend.backend() != "tensorflow" and "tensorflow" not in sys.modules
        with _hidden("tensorflow") if hidden else nullcontext():
            self.keras.utils.set_random_seed(seed)

    def built(self, layer: Any, cells: list[Any]) -> Built:
        """Return the record of a layer that has been built."""
        parameters = [self.named(cell) for cell in cells]
        named = {id(variable) for own in parameters for variable in own.values()}
        every = [*layer.variables, *self.keras.tree.flatten(_states(layer))]
        others = [(variable, self.array(variable)) for variable in every if id(variable) not in named]
        initial = [{name: self.array(v) for name, v in own.items()} for own in parameters]
        unnamed = [
            path
            for cell in cells
            for path, name in zip(self.paths(cell), self.names(cell), strict=True)
            if name is None
        ]
        return Built(layer, cells, parameters, others, initial, unnamed)

    def named(self, cell: Any) -> dict[str, Any]:
        """Return the variables of a built cell that the specification names."""
        names = self.names(cell)
        return {name: variable for name, variable in zip(names, cell.weights, strict=True) if name}

    def names(self, cell: Any) -> list[str | None]:
        """Return the specification's name of each of `cell.weights`, None if it has none."""
        family, names = self.family(type(cell))
        behind = names_of(type(cell.cell), {}) if family == "mixed_memory" else {}
        names = {**{f"cell/{path}": f"cell/{name}" for path, name in behind.items()}, **names}
        return canonical_names(family, self.paths(cell), names)

    def paths(self, cell: Any) -> list[str]:
        """Return the path of each of `cell.weights` inside the cell."""
        own = [_inside(variable.path, cell.path, cell.name) for variable in cell.weights]
        behind = getattr(getattr(cell, "cell", None), "name", "cell")  # that behind an LSTM, by any name
        return [re.sub(rf"^{re.escape(behind)}/", "cell/", path) for path in own]

    def family(self, kind: type) -> tuple[str, Mapping[str, str]]:
        """Return the family of a class of cells, or of the judged base, and its mapping of paths."""
        known = next((self.families[base] for base in kind.__mro__ if base in self.families), None)
        return known or (str(family_of(kind)), names_of(kind, {}))

    def array(self, variable: Any) -> Array:
        """Return a copy of a variable's value."""
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
        """Make float64, or else float32, Keras's default, as a user who wants it everywhere does.

        A cell whose inner layers do not inherit its dtype can then be judged in float64.
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
        """Tell whether this backend computes in float64 on request: some only report the name."""
        third = self.keras.ops.convert_to_tensor(np.float64(1) / 3, dtype="float64")
        square = self.keras.ops.convert_to_numpy(third * third)
        return bool(abs(float(square) - 1 / 9) < 1e-15)

    @property
    def dtypes(self) -> list[str]:
        """Return the dtypes of this backend; jax has float64 in another process, if not in this one."""
        holds = self.float64 or self.keras.backend.backend() == "jax"
        return ["float64", "float32"] if holds else ["float32"]
