"""Whole models, Sequential([Input((None, features)), RNN(cell)]): saved, loaded, copied and trained."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from dataclasses import replace
from typing import Any

import numpy as np

from ..adapter import BadParams, Model, theirs
from ..mapping import one_or_all
from ..requests import Array, Compile, RoundTrip, Save, Sequence, Train
from .layers import Built, Layers
from .running import COMPILING, Runner
from .sequences import functional, given_arrays, plan

KINDS = ("get_config", "config", "weights", "model", "clone", "deepcopy")
LEARNING_RATE = 1e-2


class Models:
    """Makes models, saves, copies and trains them."""

    def __init__(self, layers: Layers, runner: Runner) -> None:
        self.layers, self.runner, self.keras = layers, runner, layers.keras

    def roundtrip(self, model: Model, request: RoundTrip) -> dict[str, Any]:
        """Return the outputs before and after a round trip, and the cell's config before and after.

        The kind "get_config" makes no round trip: its config is the whole answer.
        """
        kind, inputs = request.kind, request.inputs
        if kind not in KINDS:
            raise BadParams(f"kind: {kind!r}; allowed are {', '.join(KINDS)}")
        if kind == "get_config":
            config = as_json(self.layers.construct(model))
            return {"before": None, "after": None, "config": config, "config_again": None}
        before = self.build(model, [inputs])
        before.reset([request.parameters])
        with tempfile.TemporaryDirectory() as folder:
            after = getattr(self, f"_by_{kind}")(before, model, inputs, folder)
        again = after.layers[-1].cell
        return {
            "before": self.output(before.layer, inputs),
            "after": self.output(after, inputs),
            "config": as_json(before.cells[0]) if kind == "config" else None,
            "config_again": as_json(again) if kind == "config" else None,
        }

    def save(self, model: Model, request: Save) -> dict[str, Any]:
        """Save a model, whose inputs are the sequences, and perhaps elapsed times."""
        inputs = timed(request.inputs, request.timespans)
        built = self.build(model, inputs, return_sequences=True, **(request.options or {}))
        built.reset([request.parameters])
        built.layer.save(request.path)
        return {"output": self.output(built.layer, *inputs)}

    def load(self, path: str, inputs: list[Array]) -> dict[str, Any]:
        return {"output": self.output(self.keras.models.load_model(path), *inputs)}

    def train(self, model: Model, request: Train) -> dict[str, Any]:
        """Train by `steps` steps of Adam on the mean squared error of the last output."""
        if not self.trains:
            raise self.runner.not_supported("Keras cannot train")
        inputs = timed(request.inputs, request.timespans)
        seeded = model if request.seed is None else replace(model, seed=request.seed)
        built = self.build(seeded, inputs, return_sequences=False)
        built.reset(built.initial if request.parameters is None else [request.parameters])
        self.layers.seed(seeded.seed)
        before = self._values(built)
        losses = self.fit(built.layer, inputs, request.targets, request.steps)
        return {"before": before, "after": self._values(built), "losses": losses}

    def compiled(self, request: Compile) -> dict[str, Any]:
        """Return a compiled (XLA) model's prediction, and its parameters round `steps` epochs of training.

        The last batch has one sample, as the last one of real data is smaller.
        """
        if self.runner.backend not in COMPILING:
            raise self.runner.not_supported("XLA compiles nothing")
        sequence = as_sequence(request)
        built = functional(self.layers, plan(sequence), sequence)
        built.reset([request.parameters])
        given, targets = given_arrays(sequence), request.targets
        built.layer.compile(jit_compile=True)
        batch = max(1, len(targets) - 1)
        output = built.layer.predict(one_or_all(given), batch_size=batch, verbose=0)
        before = self._values(built)
        self.fit(built.layer, given, targets, request.steps, jit_compile=True, batch_size=batch)
        return {"output": output, "before": before, "after": self._values(built)}

    @property
    def trains(self) -> bool:
        """Tell whether Keras can train on this backend."""
        return self.runner.backend not in ("numpy", "openvino")

    def fit(
        self,
        model: Any,
        inputs: list[Array],
        targets: Array,
        steps: int,
        jit_compile: bool | None = None,
        batch_size: int | None = None,
    ) -> Array:
        """Train a model by `steps` epochs, each one step unless `batch_size` is given; returns the losses."""
        adam = self.keras.optimizers.Adam(LEARNING_RATE)
        by_default = self.runner.backend == "jax"
        model.compile(adam, "mse", jit_compile=by_default if jit_compile is None else jit_compile)
        adam.build(model.trainable_variables)  # TensorFlow would trace the step once more for it
        options = {"batch_size": batch_size or len(targets), "epochs": steps, "shuffle": False, "verbose": 0}
        return np.array(model.fit(one_or_all(inputs), targets, **options).history["loss"])

    def build(self, model: Model, inputs: list[Array], **options: Any) -> Built:
        """Return a fresh model round a fresh cell.

        With elapsed times, in the sequence layer of its package.
        """
        cell = self.layers.construct(model)
        if len(inputs) == 1:
            return self._around(cell, model, inputs[0], **options)
        entries = [self.keras.Input((None, *a.shape[2:]), dtype=a.dtype.name) for a in inputs]
        layer = self.layers.own_layer(model, cell, **options)
        outputs = theirs(layer, entries[0], timespans=entries[1])
        return self.layers.built(self.keras.Model(entries, outputs), [cell])

    def output(self, model: Any, *inputs: Array) -> Array:
        """Return the output of a model, called by hand, with its current variables."""
        built = self.layers.built(model, [])

        def call(layer: Any, inputs: list[Any]) -> Any:
            return layer(one_or_all(inputs))

        output: Array = self.runner.arrays(
            self.runner.run(built, [], call, "model", {"inputs": list(inputs)}, eager=True)
        )
        return output

    def _around(self, cell: Any, model: Model, inputs: Array, return_sequences: bool = True) -> Built:
        layers = self.keras.layers
        entry = self.keras.Input((None, model.input_dim), dtype=inputs.dtype.name)
        rnn = layers.RNN(cell, return_sequences=return_sequences, dtype=model.dtype)
        return self.layers.built(self.keras.Sequential([entry, rnn]), [cell])

    def _values(self, built: Built) -> dict[str, Array]:
        return {name: self.layers.array(variable) for name, variable in built.parameters[0].items()}

    def _by_config(self, before: Built, model: Model, inputs: Array, folder: str) -> Any:
        cell = before.cells[0]
        again = theirs(type(cell).from_config, as_json(cell))
        after = self._around(again, model, inputs)
        after.layer.set_weights(before.layer.get_weights())
        return after.layer

    def _by_weights(self, before: Built, model: Model, inputs: Array, folder: str) -> Any:
        path = os.path.join(folder, "model.weights.h5")
        before.layer.save_weights(path)
        after = self.build(replace(model, seed=model.seed + 1), [inputs]).layer
        after.load_weights(path)
        return after

    def _by_model(self, before: Built, model: Model, inputs: Array, folder: str) -> Any:
        path = os.path.join(folder, "model.keras")
        before.layer.save(path)
        return self.keras.models.load_model(path)

    def _by_clone(self, before: Built, model: Model, inputs: Array, folder: str) -> Any:
        after = self.keras.models.clone_model(before.layer)
        after.set_weights(before.layer.get_weights())
        return after

    def _by_deepcopy(self, before: Built, model: Model, inputs: Array, folder: str) -> Any:
        return self._around(copy.deepcopy(before.cells[0]), model, inputs).layer


def as_json(cell: Any) -> Any:
    """Return a cell's config after a round trip through JSON."""
    return json.loads(json.dumps(theirs(cell.get_config)))


def timed(inputs: Array, timespans: Array | None) -> list[Array]:
    """Return the inputs of a model: the sequences and, if they are given, the elapsed times."""
    return [inputs] if timespans is None else [inputs, timespans]


def as_sequence(request: Compile) -> Sequence:
    """Return the sequence that a compiled model runs: through the implementation's own layer."""
    names = ("model", "inputs", "mask", "timespans", "options")
    return Sequence(wrapper="layer", **{name: getattr(request, name) for name in names})
