"""The reference as an implementation: it answers in the driver, without a process, what a harness is asked.

It has no training, no files and no symbolic shapes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.families import FAMILIES, Family
from conformance.implementation import ImplementationRaised, NotSupported
from conformance.mutants.cell import CELLS, Array, Cell, Given
from conformance.mutants.layer import Layer, Rows, bidirectional

METHODS = ("build", "parameters", "step", "sequence", "gradients", "initial_state")


class ReferenceCells:
    """A CfC and a dense LTC cell; `conformance.harness.adapter.Adapter` says what each method answers."""

    backend = "numpy"

    def __init__(self, target: str = "reference") -> None:
        self.target = target
        self.options: Mapping[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """What is judged and by which methods."""
        return {
            "target": self.target,
            "name": self.target,
            "host": "reference",
            "backend": self.backend,
            "cells": [_facts(name, FAMILIES[family]) for name, family in CELLS.items()],
            "capabilities": ["describe", *METHODS],
            "versions": {"numpy": np.__version__},
        }

    def request(self, method: str, **params: Any) -> Any:
        """The answer to `method`, computed on copies of the caller's arrays, as behind a wire."""
        if method == "describe":
            return self.describe()
        if method not in METHODS:
            raise NotSupported(f"the reference does not offer {method}")
        try:
            with np.errstate(all="ignore"):
                return getattr(self, method)(**copy.deepcopy(params))
        except NotSupported:
            raise
        except Exception as raised:
            raise ImplementationRaised(type(raised).__name__, str(raised)) from raised

    def restart(self) -> None:
        """Nothing: an answer depends on its request alone."""

    def close(self) -> None:
        """Nothing: there is no process."""

    def build(self, model: dict[str, Any]) -> dict[str, Any]:
        cell = Cell.of(model)
        variables = [
            {"path": path, "name": path, "shape": list(shape), "dtype": cell.dtype, "trainable": True}
            for path, shape in cell.shapes.items()
        ]
        return {"variables": variables, "state_size": [cell.units], "output_size": cell.units}

    def parameters(self, model: dict[str, Any]) -> dict[str, Any]:
        cell, rng = Cell.of(model), np.random.default_rng(model.get("seed", 0))
        values = {path: _initial(path, shape, rng) for path, shape in cell.shapes.items()}
        return {"parameters": {path: value.astype(cell.dtype) for path, value in values.items()}}

    def initial_state(self, model: dict[str, Any], batch: int) -> dict[str, Any]:
        cell = Cell.of(model)
        return {"state": [cell.zeros(batch)], "dtypes": [cell.state_dtype]}

    def step(
        self,
        model: dict[str, Any],
        parameters: Given,
        inputs: Array,
        state: list[Array],
        timespans: Array = None,
        training: bool = False,
        eager: bool = False,
        echo: bool = False,
        seed: int | None = None,
        repeat: int = 1,
    ) -> dict[str, Any]:
        _refuse_training(training)
        new = Cell.of(model).step(parameters, inputs, state[0], timespans)
        dtypes = {"output": new.dtype.name, "state": [new.dtype.name]}
        answer = {"output": new, "state": [new], "outputs": [new] * repeat, "dtypes": dtypes}
        after = {"inputs": inputs, "state": state, "parameters": parameters}
        return {**answer, "after": after} if echo else answer

    def sequence(
        self,
        model: Any = None,
        models: Any = None,
        parameters: Any = None,
        inputs: Array = None,
        mask: Array | None = None,
        initial_state: list[Array] | None = None,
        training: bool = False,
        options: Mapping[str, bool] | None = None,
        wrapper: str | None = None,
        chunks: Sequence[int] | None = None,
        seed: int | None = None,
        symbolic: bool = False,
    ) -> dict[str, Any]:
        _refuse_training(training)
        given = parameters if isinstance(parameters, list) else [parameters]
        cells = [Cell.of(one) for one in models or [model] * len(given)]
        rows = Rows(inputs, mask, initial_state, list(chunks or [inputs.shape[1]]))
        if wrapper == "bidirectional":
            return bidirectional(cells, given, options or {}, rows)
        return Layer(cells, given, options or {})(rows)

    def gradients(
        self,
        model: dict[str, Any],
        parameters: Given,
        inputs: Array,
        state: list[Array],
        cotangent: Array,
        timespans: Array = 1.0,
    ) -> dict[str, Any]:
        cell, times = Cell.of(model), np.asarray(timespans)
        point = {**parameters, "inputs": inputs, "state": state[0], "timespans": times}
        found = {name: cell.derivative(point, name, cotangent) for name in point}
        by_tensor = {name: found.pop(name) for name in ("inputs", "state", "timespans")}
        return {**by_tensor, "state": [by_tensor["state"]], "parameters": found}


def _refuse_training(training: bool) -> None:
    if training:
        raise NotSupported("the reference is a cell at inference")


def _initial(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """The initial value that SPEC.md gives: of a kernel, Glorot uniform."""
    if path.endswith("kernel"):
        return rng.uniform(-1.0, 1.0, shape) * np.sqrt(6.0 / sum(shape))
    return np.ones(shape) if path == "A" else np.zeros(shape)


def _facts(name: str, family: Family) -> dict[str, Any]:
    arguments = ["units", *family.defaults]
    return {"name": name, "family": family.name, "arguments": arguments, "defaults": dict(family.defaults)}
