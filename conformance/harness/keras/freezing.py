"""Frozen cells and layers: finds the variables that a model would still train, as made and as copied."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ..adapter import BadParams, Model, NotSupported, theirs
from ..requests import Freeze
from .models import Models
from .sequences import in_both_directions

PARTS = ("cell", "layer")
MOMENTS = ("constructed", "before_build", "after_build")
WRAPPERS = (None, "layer", "layer_bidirectional")
COPIES = (None, "layer_config", "model_config", "clone", "model")
FROZEN = {"trainable": False}


class Freezer:
    """Freezes a cell, or the layer round it, in front of a Dense layer that trains."""

    def __init__(self, models: Models) -> None:
        self.models, self.layers, self.keras = models, models.layers, models.keras

    def freeze(self, model: Model, request: Freeze) -> dict[str, Any]:
        """Return the variables that would be trained, and the weights round `steps` steps of training.

        The seeds of dropout, which each step changes, are not among the weights.
        """
        check(request)
        if request.copied and not self.layers.takes_of_keras(model.cell, "trainable"):
            raise NotSupported(f"the constructor of {model.cell} takes no trainable, nor does a copy")
        whole = self._copy(self._frozen(model, request), model, request.copied)
        layer = whole.layers[0]
        own = {id(variable) for variable in layer.variables}
        answer: dict[str, Any] = {
            "trainable": [v.path for v in whole.trainable_variables if id(v) in own],
            "weights": [v.path for v in layer.weights],
            "before": None,
            "after": None,
        }
        if request.steps and self.models.trains:
            answer["before"] = [self.layers.array(v) for v in layer.weights]
            self.models.fit(whole, [request.inputs], request.targets, request.steps)
            answer["after"] = [self.layers.array(v) for v in layer.weights]
        return answer

    def _frozen(self, model: Model, request: Freeze) -> Any:
        """Return Sequential([Input, layer, Dense]) whose cell or layer is frozen."""
        moment = (request.part, request.when)
        cell = self.layers.construct(model, **(FROZEN if moment == ("cell", "constructed") else {}))
        if moment == ("cell", "before_build"):
            cell.trainable = False
        options = {"dtype": model.dtype, **(FROZEN if moment == ("layer", "constructed") else {})}
        layer = self._around(cell, model, request.wrapper, options)
        if moment == ("layer", "before_build"):
            layer.trainable = False
        whole = self._model(layer, model, request.targets.shape[-1])
        if request.when == "after_build":
            for frozen in [layer] if request.part == "layer" else cells_of(layer):
                frozen.trainable = False
        return whole

    def _around(self, cell: Any, model: Model, wrapper: str | None, options: dict[str, Any]) -> Any:
        if wrapper is None:
            return self.keras.layers.RNN(cell, **options)
        layer = self.layers.own_layer(model, cell, **options)
        return layer if wrapper == "layer" else in_both_directions(layer, merge_mode="concat")

    def _model(self, layer: Any, model: Model, outputs: int) -> Any:
        entry = self.keras.Input((None, model.input_dim), dtype=model.dtype)
        dense = self.keras.layers.Dense(outputs, dtype=model.dtype)
        return self.keras.Sequential([entry, layer, dense])

    def _copy(self, whole: Any, model: Model, copied: str | None) -> Any:
        if copied is None:
            return whole
        if copied == "layer_config":
            layer, dense = whole.layers
            again = theirs(type(layer).from_config, layer.get_config())
            return self._model(again, model, dense.units)
        if copied == "model_config":
            return type(whole).from_config(whole.get_config())
        if copied == "clone":
            return self.keras.models.clone_model(whole)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            whole.save(path)
            return self.keras.models.load_model(path)


def check(request: Freeze) -> None:
    """Raise BadParams for an unknown value, or if the host's own layer would be at fault.

    `keras.layers.RNN(cell, trainable=False)` trains its cell, for any cell.
    """
    for name, values in {"part": PARTS, "when": MOMENTS, "wrapper": WRAPPERS, "copied": COPIES}.items():
        if (value := getattr(request, name)) not in values:
            raise BadParams(f"{name}: {value!r}; allowed are {values}")
    if (request.part, request.when, request.wrapper) == ("layer", "constructed", None):
        raise BadParams("part: the layer of the host is not constructed frozen, for it leaves its cell alone")


def cells_of(layer: Any) -> list[Any]:
    """Return the cell of a layer, or those of both directions."""
    both = [getattr(layer, name, None) for name in ("forward_layer", "backward_layer")]
    return [half.cell for half in both if half is not None] or [layer.cell]
