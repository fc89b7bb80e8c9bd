"""The adapter of Keras cells that follow the naming of the specification, or of PyPI's `ncps`."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from ..adapter import BadParams, ContractBroken, Model, NotSupported, RequestAdapter, theirs
from ..conventions import declared
from ..hints import NO_HINTS, REQUIRED, Hints
from ..mapping import output_and_state
from ..packages import json_value, origin, regime
from ..requests import (
    Build,
    Compile,
    Freeze,
    Gradients,
    InitialParameters,
    InitialState,
    Load,
    Override,
    RoundTrip,
    Save,
    Sequence,
    SequenceGradients,
    Shapes,
    Step,
    StepPoint,
    Train,
    Wiring,
)
from ..wirings import graphs
from .cpu import stay_on_cpu
from .float64 import keep_float64
from .freezing import Freezer
from .gradients import gradients
from .initial import values_of_numpy
from .kinds import Kind
from .layers import Built, Layers, layer_of
from .models import Models, timed
from .openvino import keep_float32
from .running import Runner
from .sequences import bidirectional_of, built_for_gradients, call_layer, plan, run_sequence
from .subclasses import run_overridden

OPTIONAL = ("backward_timespans",)
"""Options of a sequence layer, and of its Bidirectional, that are reported if they exist."""


class KerasCells(RequestAdapter):
    """Serves one or several classes of cells; see `requests` for the methods."""

    host = "keras"

    def __init__(self, target: str, classes: dict[str, Any], hints: Hints = NO_HINTS) -> None:
        super().__init__(target)
        for name, cell in classes.items():
            if hasattr(cell, "inner_loop"):  # a layer of the kind of keras.layers.RNN
                raise NotSupported(
                    f"{target}: {name} is a sequence layer; it is judged with the cell it takes"
                )
        self.layers = Layers(classes)
        self.keras = self.layers.keras
        if regime() == "x64":
            keep_float64()
        self.runner = Runner(self.keras)
        if self.runner.backend == "openvino":
            keep_float32()
        if self.runner.backend == "torch":
            stay_on_cpu()
        self.models = Models(self.layers, self.runner)
        self.freezer = Freezer(self.models)
        self.hints = hints
        self._kinds: dict[str, Kind] = {}

    @property
    def programs(self) -> int:
        """Return the number of programs that were compiled since the process began."""
        return self.runner.programs.count

    def kind(self, name: str) -> Kind:
        """Return the kind of a class; its cell is built on the first call.

        Raises NotSupported for no cell.
        """
        if name not in self._kinds:
            cell = self.layers.classes[name]
            if isinstance(cell, type) and not issubclass(cell, self.keras.Layer):
                raise NotSupported(f"{self.target}: {name} is no Keras cell: it does not extend keras.Layer")
            kind = Kind(self.layers, name, self.hints)
            if kind.family is None:
                raise NotSupported(
                    f"{self.target}: {name} is no CfC or LTC cell by its variables, name or arguments; "
                    "say which with --family"
                )
            needed = REQUIRED[kind.family]
            if needed not in kind.arguments and needed not in kind.fixed():
                raise NotSupported(
                    f"{self.target}: {name} takes no {needed}, which every {kind.family} cell has"
                )
            self._kinds[name] = kind
        return self._kinds[name]

    def answering(self, request: Any) -> AbstractContextManager[None]:
        """Let first values come from NumPy, but for a request that is about them."""
        drawn = isinstance(request, Train) and request.parameters is None
        if drawn or isinstance(request, InitialParameters):
            return nullcontext()
        return values_of_numpy(self.keras)

    def cells(self) -> list[dict[str, Any]]:
        with values_of_numpy(self.keras):
            return [_cell_facts(self.kind(name)) for name in self.layers.classes]

    def facts(self) -> dict[str, Any]:
        return {
            **origin(next(iter(self.layers.classes.values()))),
            "backend": self.runner.backend,
            "regime": regime(),
            "float64": self.layers.float64,
            "dtypes": self.layers.dtypes,
            "versions": {"keras": self.keras.__version__, **_backend_version(self.runner.backend)},
        }

    def build(self, request: Build) -> Any:
        built = self.layers.cell(self._model(request.model))
        cell = built.layer
        names = self.layers.names(cell)
        return {
            "variables": [_variable_facts(v, name) for v, name in zip(cell.weights, names, strict=True)],
            "state_size": _listed(cell.state_size),
            "output_size": getattr(cell, "output_size", None),
            "compute_dtype": cell.compute_dtype,
            "variable_dtype": cell.variable_dtype,
        }

    def parameters(self, request: InitialParameters) -> Any:
        model = self._model(request.model)
        return {"parameters": self.layers.fresh_cell(model).initial[0]}

    def step(self, request: Step) -> Any:
        model = self._timed(request)
        if request.training or request.echo or request.repeat > 1:
            return self._step_by_hand(model, request)
        built, tensors = self.layers.cell(model), _tensors(request)
        nest = self.runner.run(built, [request.parameters], call_cell, "step", tensors, request.eager)
        return self._step_answer(nest)

    def initial_state(self, request: InitialState) -> Any:
        cell = self.layers.cell(self._model(request.model)).layer
        if not hasattr(cell, "get_initial_state"):
            raise NotSupported(f"{type(cell).__name__} has no get_initial_state")
        state = theirs(cell.get_initial_state, batch_size=request.batch)
        state = _listed(state)
        return {"state": self.runner.arrays(state), "dtypes": self.runner.dtypes(state)}

    def sequence(self, request: Sequence) -> Any:
        if not isinstance(request.inputs, np.ndarray) or request.inputs.ndim < 2:
            raise BadParams("inputs: an array (batch, time, features) is needed")
        wanted = plan(request)
        self._model(vars(wanted.models[0]))
        return run_sequence(self.layers, self.runner, wanted, request)

    def gradients(self, request: Gradients) -> Any:
        built = self.layers.cell(self._timed(request))
        return self._gradients(built, request, call_cell, _tensors(request))

    def sequence_gradients(self, request: SequenceGradients) -> Any:
        built = built_for_gradients(self.layers, self._model(request.model), request)
        names = ("inputs", "timespans", "initial_state")
        tensors = {name: getattr(request, name) for name in names}
        return self._gradients(built, request, call_layer, tensors, {"mask": request.mask})

    def shapes(self, request: Shapes) -> Any:
        parsed, batch = self._model(request.model), request.batch
        cell = self.layers.cell(parsed).layer
        sizes = [(batch, size) for size in _listed(cell.state_size)]
        computed_output, computed_state = _computed_shapes(cell, (batch, parsed.input_dim), sizes)
        x = self.keras.KerasTensor((batch, parsed.input_dim), dtype=cell.compute_dtype)
        states = [self.keras.KerasTensor(size, dtype=cell.compute_dtype) for size in sizes]
        output, state = call_cell(cell, x, states)
        return {
            "symbolic_output": list(output.shape),
            "symbolic_state": [list(tensor.shape) for tensor in state],
            "computed_output": computed_output,
            "computed_state": computed_state,
        }

    def roundtrip(self, request: RoundTrip) -> Any:
        return self.models.roundtrip(self._model(request.model), request)

    def save(self, request: Save) -> Any:
        return self.models.save(self._model(request.model), request)

    def load(self, request: Load) -> Any:
        self.layers.use_floatx(request.inputs.dtype.name)
        return self.models.load(request.path, timed(request.inputs, request.timespans))

    def wiring(self, request: Wiring) -> Any:
        return graphs(next(iter(self.layers.classes.values())), request)

    def train(self, request: Train) -> Any:
        return self.models.train(self._model(request.model), request)

    def freeze(self, request: Freeze) -> Any:
        return self.freezer.freeze(self._model(request.model), request)

    def override(self, request: Override) -> Any:
        return run_overridden(self.layers, self.runner, self._model(request.model), request)

    def compile(self, request: Compile) -> Any:
        self._model(request.model)
        return self.models.compiled(request)

    def _model(self, value: Any) -> Model:
        model = Model.parse(value)
        if model.cell in self.layers.classes:
            self.kind(model.cell)
        self.layers.use_floatx(model.dtype)
        return model

    def _timed(self, request: StepPoint) -> Model:
        """Return a model; raise NotSupported if it is given time, and its cell takes none."""
        model = self._model(request.model)
        if request.timespans is not None and not self.kind(model.cell).timed:
            raise NotSupported(f"{model.cell} takes no elapsed time")
        return model

    def _gradients(
        self,
        built: Built,
        request: Gradients | SequenceGradients,
        function: Any,
        tensors: dict[str, Any],
        fixed: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Differentiate `function(layer, **tensors, **fixed)` by each tensor and named parameter."""
        cotangents = [request.cotangent, *request.state_cotangent]
        given = [request.parameters], function, tensors, fixed or {}, cotangents
        by_value, by_tensor = gradients(self.runner, built, *given)
        return {**by_tensor, "parameters": dict(zip(built.parameters[0], by_value, strict=True))}

    def _step_by_hand(self, model: Model, request: Step) -> Any:
        """Take a step eagerly, on a cell of its own, because a training call may change the cell."""
        seeded = model if request.seed is None else replace(model, seed=request.seed)
        built = self.layers.fresh_cell(seeded)
        built.reset([request.parameters])
        self.layers.seed(seeded.seed)
        tensors = self.keras.tree.map_structure(self.runner.tensor, _tensors(request))
        with self.runner.without_gradients():
            calls = range(request.repeat)
            nests = [call_cell(built.layer, **tensors, training=request.training) for _ in calls]
        answer = self._step_answer(nests[-1])
        if request.repeat > 1:
            answer["outputs"] = [self.runner.arrays(output) for output, _ in nests]
        if request.echo:
            after = self.runner.arrays({"inputs": tensors["inputs"], "state": tensors["state"]})
            values = {name: self.layers.array(variable) for name, variable in built.parameters[0].items()}
            answer["after"] = {**after, "parameters": values}
        return answer

    def _step_answer(self, nest: Any) -> dict[str, Any]:
        output, state = nest
        dtypes = {"output": self.runner.dtypes(output), "state": self.runner.dtypes(state)}
        return {"output": self.runner.arrays(output), "state": self.runner.arrays(state), "dtypes": dtypes}


def call_cell(cell: Any, inputs: Any, state: Any, timespans: Any = None, training: bool | None = None) -> Any:
    """Return (output, [states]) of one call. Raises ContractBroken if a cell returns something else."""
    given = inputs if timespans is None else (inputs, timespans)
    named = {} if training is None else {"training": training}
    answer = theirs(cell, given, state, **named)
    return output_and_state(answer, "a cell")


def _tensors(request: StepPoint) -> dict[str, Any]:
    return {"inputs": request.inputs, "state": request.state, "timespans": request.timespans}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _computed_shapes(cell: Any, inputs: Any, states: Any) -> tuple[Any, Any]:
    """Return the shapes of `compute_output_shape`; (None, None) if the cell has none."""
    try:
        shapes = theirs(cell.compute_output_shape, inputs, states)
    except NotImplementedError:
        return None, None
    if len(shapes) != 2 or not all(isinstance(part, (list, tuple)) for part in shapes):
        raise ContractBroken(f"compute_output_shape returns the shapes (output, states), not {shapes}")
    output, state = shapes
    nested = isinstance(state, (list, tuple)) and bool(state) and isinstance(state[0], (list, tuple))
    return list(output), [list(shape) for shape in state] if nested else [list(state)]


def _cell_facts(kind: Kind) -> dict[str, Any]:
    given = {key: p.default for key, p in kind.arguments.items() if p.default is not p.empty}
    return {
        "name": kind.name,
        "family": kind.family,
        **_layer_facts(layer_of(kind.cell, str(kind.family))),
        "arguments": list(kind.arguments),
        "defaults": {key: json_value(value) for key, value in given.items()},
        "values": kind.values(),
        "behind": kind.behind(),
        "fixed": kind.fixed(),
        "timed": kind.timed,
        **({} if kind.timed else {"untimed": kind.untimed}),
        "policies": kind.layers.takes_of_keras(kind.name, "dtype"),
        "variant": declared(kind.cell, kind.family),
    }


def _layer_facts(layer: Any) -> dict[str, Any]:
    """Return the cell's sequence layer, if there is one, and the optional options that it has."""
    if layer is None:
        return {"layer": None}
    try:
        both = bidirectional_of(layer)
    except NotSupported:
        both = None
    return {
        "layer": layer.__name__,
        "layer_options": _optional(layer),
        "bidirectional_options": [] if both is None else _optional(both),
    }


def _optional(kind: Any) -> list[str]:
    return [name for name in OPTIONAL if name in inspect.signature(kind.__init__).parameters]


def _variable_facts(variable: Any, name: str | None) -> dict[str, Any]:
    shape, dtype = list(variable.shape), variable.dtype
    return {
        "path": variable.path,
        "name": name,
        "shape": shape,
        "dtype": dtype,
        "trainable": variable.trainable,
    }


def _backend_version(backend: str) -> dict[str, str]:
    return {} if backend == "numpy" else {backend: import_module(backend).__version__}
