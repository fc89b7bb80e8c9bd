"""The adapter of cells for Keras 2, `tf.keras.layers.AbstractRNNCell`, as PyPI `ncps.tf` and `kerasncp` have.

They run under TensorFlow with its legacy Keras, the package `tf-keras`: where that is installed, the harness
sets TF_USE_LEGACY_KERAS=1 unless it has a value. A cell is judged by its steps, in float32 and float64, and
their gradients; its naming is that of PyPI `ncps`.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from ..adapter import Model, NotSupported, theirs
from ..conventions import declared
from ..own import Cell, OwnCell
from ..packages import json_value
from ..requests import Build, Gradients, Wiring
from ..torch.names import ARGUMENTS
from ..wirings import graphs, wiring
from .names import arguments_of, family_of

SPELLINGS = {
    "backbone_units": "hidden_units",
    "backbone_layers": "hidden_layers",
    "backbone_dropout": "hidden_dropout",
}
"""The names of an argument in older packages."""
NAMES = (
    (r"backbone(\d+)/(kernel|bias)", r"backbone_\1/\2"),
    (r"(?:.*/)?ff([12])_(?:weight|kernel)", r"ff\1_kernel"),
    (r"(?:.*/)?(ff[12]_bias|w_tau|A)", r"\1"),
    (r"(?:.*/)?(time_[ab]/(?:kernel|bias))", r"\1"),
    (r"(?:.*/)?(gleak|vleak|cm|(?:sensory_)?(?:w|mu|sigma|erev)|(?:input|output)_[wb])", r"\1"),
)
"""By the end of a variable's name, the specification's name."""
KEPT = 64


class Keras2Cell(Cell):
    """One class of cells, in the form of `own.Cell`."""

    backend: ClassVar[str] = "tensorflow"
    differentiable: ClassVar[bool] = False

    def __init__(self, cell: type, given: str | None = None) -> None:
        family = given or family_of(cell)
        if family not in ("cfc", "wired_cfc", "wired_ltc"):
            raise NotSupported(f"{cell.__name__} is no CfC or wired LTC cell, by name or arguments")
        self.implements, self.family, self.name = cell, family, cell.__name__  # type: ignore[misc]
        taken = arguments_of(cell)
        known = {name: name if name in taken else SPELLINGS.get(name, "") for name in ARGUMENTS[family]}
        self.spelled = {name: spelling for name, spelling in known.items() if spelling in taken}
        self.arguments = dict.fromkeys(self.spelled)  # type: ignore[misc]
        self._kept: dict[str, Any] = {}

    def parameters(self, config: dict[str, Any], features: int) -> dict[str, Any]:
        return {name: v.numpy() for name, v in self.build(config, features).items()}

    def build(self, config: dict[str, Any], features: int, dtype: str = "") -> dict[str, Any]:
        """Return the named variables of the cell that `step` calls, in the dtype of Keras."""
        return self.named(self.built(config, features))

    def step(
        self, config: dict[str, Any], parameters: dict[str, Any], x: Any, state: Any, t: Any = None
    ) -> Any:
        cell = self.built(config, int(x.shape[-1]))
        for name, variable in self.named(cell).items():
            variable.assign(parameters[name])
        return theirs(cell, x if t is None else [x, t], [state])

    def built(self, config: dict[str, Any], features: int) -> Any:
        """Return a cell, called once to build its inner layers, and kept by its arguments."""
        keras = import_module("tensorflow").keras
        dtype = keras.backend.floatx()
        key = json.dumps([config, features, dtype], sort_keys=True)
        if key not in self._kept:
            if len(self._kept) == KEPT:
                self._kept.clear()
            given = {self.spelled[name]: self._made(name, value) for name, value in config.items()}
            cell = theirs(self.implements, **given)
            theirs(cell.build, (None, features))
            size = cell.state_size if isinstance(cell.state_size, int) else int(cell.state_size[0])
            theirs(cell, np.zeros((1, features), dtype), [np.zeros((1, size), dtype)])
            self._kept[key] = cell
        return self._kept[key]

    def named(self, cell: Any) -> dict[str, Any]:
        """Return the variables of a cell by the specification's names; wired layers in their order."""
        if self.family != "wired_cfc":
            return _named(cell.weights)
        layers = {i: _named(layer.weights) for i, layer in enumerate(cell._cfc_layers)}
        return {f"layer_{i}/{name}": v for i, named in layers.items() for name, v in named.items()}

    def _made(self, name: str, value: Any) -> Any:
        if name != "wiring":
            return value
        return wiring(self.implements, value["class_name"], value["config"])


class Keras2Cells(OwnCell):
    """Serves one class of cells of Keras 2."""

    def __init__(self, target: str, cell: type, family: str | None = None) -> None:
        self.legacy = Keras2Cell(cell, family)
        super().__init__(target, self.legacy)
        self.tf: Any = import_module("tensorflow")

    def cells(self) -> list[dict[str, Any]]:
        (facts,) = super().cells()
        constructor = arguments_of(self.legacy.implements)
        known = set(self.legacy.spelled.values())
        return [
            {
                **facts,
                "defaults": {n: json_value(constructor[s].default) for n, s in self.legacy.spelled.items()},
                "unknown": [name for name in constructor if name not in known],
                "variant": declared(self.legacy.implements, self.legacy.family),
            }
        ]

    def facts(self) -> dict[str, Any]:
        facts = super().facts()
        version = import_module("tf_keras").__version__
        return {**facts, "adapter": None, "versions": {**facts["versions"], "tf_keras": version}}

    def capabilities(self) -> list[str]:
        wired = ["wiring"] if self.legacy.family.startswith("wired") else []
        return [*super().capabilities(), "gradients", *wired]

    def build(self, request: Build) -> Any:
        parsed = self._model(request.model)
        cell = self.legacy.built(parsed.config, parsed.input_dim)
        size = cell.state_size
        sizes: dict[str, Any] = {"state_size": list(size) if isinstance(size, (list, tuple)) else [size]}
        with suppress(NotImplementedError):  # what Keras 2 raises for a cell that says none
            sizes["output_size"] = cell.output_size
        trained = {id(variable) for variable in cell.trainable_weights}  # a frozen layer's say that they are
        listed = [
            {**told, "trainable": id(variable) in trained}
            for told, variable in zip(super().build(request)["variables"], cell.weights, strict=True)
        ]
        return {"variables": listed, **sizes}

    def variables(self, model: Model) -> list[tuple[str, str | None, Any]]:
        """Return all of the cell's weights, also those without a name of the specification."""
        cell = self.legacy.built(model.config, model.input_dim)
        names = {id(variable): name for name, variable in self.legacy.named(cell).items()}
        return [(v.name.partition(":")[0], names.get(id(v)), v) for v in cell.weights]

    def wiring(self, request: Wiring) -> Any:
        return graphs(self.legacy.implements, request)

    def gradients(self, request: Gradients) -> Any:
        """Differentiate by the variables themselves: the cell reads them, and not the given tensors."""
        run, (values, x, h, t) = self._prepared(request, request.state)
        run(values, x, h, t)
        variables = self.legacy.build(self._model(request.model).config, request.inputs.shape[-1])
        x, h, t, parameters = self._slopes(
            lambda x, h, t, _: run(values, x, h, t), (x, h, t, variables), request
        )
        return {"inputs": x, "state": h, "timespans": t, "parameters": parameters}

    def _model(self, value: Any) -> Any:
        model = super()._model(value)
        self.tf.keras.backend.set_floatx(model.dtype)
        return model


def _named(weights: list[Any]) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for variable in weights:
        path = variable.name.partition(":")[0]
        for pattern, name in NAMES:
            if match := re.fullmatch(pattern, path):
                canonical = match.expand(name)
                if canonical in variables:
                    raise NotSupported(f"two of the cell's variables are {canonical} by their paths")
                variables[canonical] = variable
                break
    return variables
