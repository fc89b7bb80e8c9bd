"""Subclasses of a cell with an overridden `call`, in the sequence layer of its package, which must run it."""

from __future__ import annotations

import inspect
from typing import Any

from ..adapter import Model, theirs
from ..requests import Override
from .layers import Built, Layers
from .running import Runner


def run_overridden(layers: Layers, runner: Runner, model: Model, request: Override) -> dict[str, Any]:
    """Return every output of the layer round a cell whose `call` adds a number to its output."""
    added = request.added
    built = layers.kept("overridden", [model], added, lambda: _built(layers, model, added))
    tensors = {"inputs": request.inputs, "timespans": request.timespans}
    key = ("overridden", request.timespans is None)
    return {"output": runner.arrays(runner.run(built, [request.parameters], _call, key, tensors))}


def _call(layer: Any, inputs: Any, timespans: Any) -> Any:
    times = {} if timespans is None else {"timespans": timespans}
    return theirs(layer, inputs, **times)


def _built(layers: Layers, model: Model, added: float) -> Built:
    cell = layers.construct(model, overriding(layers.classes[model.cell], added))
    layer = layers.own_layer(model, cell, return_sequences=True, dtype=model.dtype)
    theirs(layer.build, (None, None, model.input_dim))
    return layers.built(layer, [cell])


def overriding(cell: Any, added: float) -> Any:
    """Return a subclass of a cell whose outputs are larger by a number, with unchanged states."""

    def call(self: Any, *given: Any, **named: Any) -> Any:
        output, states = cell.call(self, *given, **named)
        return output + added, states

    call.__signature__ = inspect.signature(cell.call)  # type: ignore[attr-defined]
    return type(cell.__name__, (cell,), {"call": call, "__module__": cell.__module__})
