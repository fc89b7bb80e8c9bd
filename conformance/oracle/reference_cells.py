"""The reference as an implementation: it answers the requests to a harness in the driver, without a process.

It has no training, no files and no symbolic shapes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.driver.implementation import ImplementationRaised, NotSupported
from conformance.harness.requests import (
    OPTIONAL_PARAMS,
    REQUESTS,
    Build,
    Gradients,
    InitialParameters,
    InitialState,
    Sequence,
    SequenceGradients,
    Step,
    Wiring,
)
from conformance.oracle.cell import CELLS, Array, Cell, gradients
from conformance.oracle.layer import Layer, Rows, bidirectional
from conformance.spec.families import FAMILIES, Family, Sizes
from reference import graph

METHODS = (
    *("build", "parameters", "step", "sequence", "gradients", "sequence_gradients", "initial_state"),
    "wiring",
)

LONGEST = 16
"""The most steps of a sequence that is differentiated."""


class ReferenceCells:
    """A cell of each family; `conformance.harness.requests` documents the answer of each method."""

    backend = "numpy"

    def __init__(self, target: str = "reference") -> None:
        self.target = target
        self.options: Mapping[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """Return the description: the cells and methods."""
        return {
            "target": self.target,
            "name": self.target,
            "host": "reference",
            "backend": self.backend,
            "cells": [_facts(name, FAMILIES[family]) for name, family in CELLS.items()],
            "capabilities": ["describe", *METHODS],
            "optional_params": OPTIONAL_PARAMS,
            "versions": {"numpy": np.__version__},
        }

    def request(self, method: str, **params: Any) -> Any:
        """Return the answer to `method`, computed on copies of the caller's arrays, as behind a wire."""
        if method == "describe":
            return self.describe()
        if method not in METHODS:
            raise NotSupported(f"the reference does not offer {method}")
        try:
            with np.errstate(all="ignore"):
                return getattr(self, method)(REQUESTS[method](**copy.deepcopy(params)))
        except NotSupported:
            raise
        except Exception as raised:
            raise ImplementationRaised(type(raised).__name__, str(raised)) from raised

    def restart(self) -> None:
        """Do nothing: an answer depends on its request alone."""

    def close(self) -> None:
        """Do nothing: there is no process."""

    def build(self, request: Build) -> dict[str, Any]:
        cell = Cell.of(request.model)
        variables = [
            {"path": path, "name": path, "shape": list(shape), "dtype": cell.dtype, "trainable": True}
            for path, shape in cell.shapes.items()
        ]
        return {
            "variables": variables,
            "state_size": cell.sizes,
            "output_size": cell.family.output_size(cell.config),
        }

    def parameters(self, request: InitialParameters) -> dict[str, Any]:
        cell, rng = Cell.of(request.model), np.random.default_rng(request.model.get("seed", 0))
        initial = cell.family.initial(cell.config, cell.input_dim)
        values = {path: initial[path].draw(shape, rng) for path, shape in cell.shapes.items()}
        return {"parameters": {path: value.astype(cell.dtype) for path, value in values.items()}}

    def initial_state(self, request: InitialState) -> dict[str, Any]:
        cell = Cell.of(request.model)
        state = cell.family.split(cell.config, cell.zeros(request.batch))
        return {"state": state, "dtypes": [cell.state_dtype] * len(state)}

    def step(self, request: Step) -> dict[str, Any]:
        _refuse_training(request.training)
        cell, given = Cell.of(request.model), np.concatenate(request.state, axis=-1)
        output, new = cell.step(request.parameters, request.inputs, given, request.timespans)
        tensors = cell.family.split(cell.config, new)
        dtypes = {"output": output.dtype.name, "state": [tensor.dtype.name for tensor in tensors]}
        outputs = [output] * request.repeat
        answer = {"output": output, "state": tensors, "outputs": outputs, "dtypes": dtypes}
        after = {name: getattr(request, name) for name in ("inputs", "state", "parameters")}
        return {**answer, "after": after} if request.echo else answer

    def sequence(self, request: Sequence) -> dict[str, Any]:
        _refuse_training(request.training)
        options, given = request.options or {}, request.parameters
        inputs, mask, timespans = request.inputs, request.mask, request.timespans
        if request.before:
            inputs, mask = masked_by(request.before, inputs)
        if options.get("time_feature"):
            inputs, timespans = inputs[..., :-1], inputs[..., -1]
        given = given if isinstance(given, list) else [given]
        models: list[Any] = request.models or [request.model] * len(given)
        cells = [Cell.of(model) for model in models]
        state = None if request.initial_state is None else side_by_side(cells, request.initial_state)
        times = None if timespans is None else per_sample(timespans, inputs)
        mask = None if mask is None else checked(mask, inputs)
        chunks = list(request.chunks or [inputs.shape[1]])
        rows = Rows(inputs, mask, times, state, chunks, request.earlier)
        if request.wrapper in ("bidirectional", "layer_bidirectional"):
            return bidirectional(cells, given, options, rows)
        return Layer(cells, given, options)(rows)

    def gradients(self, request: Gradients) -> dict[str, Any]:
        cell, state = Cell.of(request.model), np.concatenate(request.state, axis=-1)
        times = np.asarray(1.0 if request.timespans is None else request.timespans)
        given = {"inputs": request.inputs, "state": state, "timespans": times}
        by_tensor, by_parameter = gradients(cell.at, request.parameters, given, _cotangents(request))
        tensors = cell.family.split(cell.config, by_tensor["state"])
        return {**by_tensor, "state": tensors, "parameters": by_parameter}

    def sequence_gradients(self, request: SequenceGradients) -> dict[str, Any]:
        if request.inputs.shape[1] > LONGEST:
            raise NotSupported(f"more than {LONGEST} steps, which it differentiates element by element")
        cell, parameters = Cell.of(request.model), request.parameters
        state = np.concatenate(request.initial_state, axis=-1)
        given = {"inputs": request.inputs, "initial_state": state}
        given |= {} if request.timespans is None else {"timespans": request.timespans}
        layer = Layer([cell], [parameters], request.options or {})
        by_tensor, slopes = gradients(
            lambda point: layer.at(point, request.mask), parameters, given, _cotangents(request)
        )
        first = cell.family.split(cell.config, by_tensor["initial_state"])
        return by_tensor | {"initial_state": first, "parameters": slopes}

    def wiring(self, request: Wiring) -> dict[str, Any]:
        built = graph(request.kind, request.arguments, request.input_dim)
        matrices = {"adjacency": built.adjacency, "sensory_adjacency": built.sensory_adjacency}
        once = {**matrices, "output_dim": built.output_dim}
        return dict.fromkeys(("once", "twice", "again"), once)


def masked_by(before: Mapping[str, Any], inputs: Array) -> tuple[Array, Array]:
    """Return the output and the mask of a Masking or an Embedding layer for its inputs."""
    if "masking" in before:
        return inputs, (inputs != before["masking"]).any(axis=-1)
    return before["embedding"][inputs], inputs != 0


def side_by_side(cells: list[Cell], tensors: list[Array]) -> list[Array]:
    """Return the state of each cell, its tensors side by side, from all tensors in order."""
    rest = iter(tensors)
    return [np.concatenate([next(rest) for _ in cell.sizes], axis=-1) for cell in cells]


def per_sample(timespans: Array, inputs: Array) -> Array:
    """Return times as (batch, time); ValueError for a shape that is not that or (batch, time, 1)."""
    shape = inputs.shape[:2]
    if timespans.shape not in (shape, (*shape, 1)):
        raise ValueError(f"timespans of shape {timespans.shape}: must be {shape} or {(*shape, 1)}")
    return np.reshape(timespans, shape)


def checked(mask: Array, inputs: Array) -> Array:
    """Return the mask, (batch, time); ValueError for another shape."""
    if mask.shape != inputs.shape[:2]:
        raise ValueError(f"mask of shape {mask.shape}: must be {inputs.shape[:2]}")
    return mask


def _cotangents(request: Gradients | SequenceGradients) -> tuple[Array, Array]:
    return request.cotangent, np.concatenate(request.state_cotangent, axis=-1)


def _refuse_training(training: bool) -> None:
    if training:
        raise NotSupported("the reference is a cell at inference")


def _facts(name: str, family: Family) -> dict[str, Any]:
    defaults = dict(family.defaults)
    arguments = [*family.config(Sizes()), *defaults]
    return {
        "name": name,
        "family": family.name,
        "arguments": list(dict.fromkeys(arguments)),
        "defaults": defaults,
        "layer": "Layer",
        "layer_options": ["backward_timespans"],
        "bidirectional_options": ["backward_timespans"],
    }
