"""Whole sequences: cells in `keras.layers.RNN`, stacked, in both directions, in chunks, and as a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .adapter import Array, BadParams, Model
from .keras_layers import Built, Layers
from .keras_running import Runner

OPTIONS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "unroll",
    "stateful",
    "zero_output_for_mask",
)
WRAPPERS = (None, "bidirectional", "stacked")


@dataclass(frozen=True)
class Plan:
    """What is built for a sequence, and how it is called; all of it but the numbers."""

    models: tuple[Model, ...]
    options: dict[str, bool]
    wrapper: str | None
    batch: int | None
    """None, unless the layer is stateful, which fixes it."""
    length: int | None
    """None, unless the layer is unrolled, which fixes it."""
    chunks: tuple[int, ...]
    training: bool
    mask: bool
    states: int

    @property
    def dtype(self) -> str:
        return self.models[0].dtype

    @property
    def features(self) -> int:
        return self.models[0].input_dim

    def reseeded(self, seed: int | None) -> Plan:
        """The same with every model seeded by `seed`, where one is given."""
        return (
            self if seed is None else replace(self, models=tuple(replace(m, seed=seed) for m in self.models))
        )


@dataclass(frozen=True)
class Values:
    """The numbers of a sequence."""

    inputs: Array
    mask: Array | None
    initial_state: list[Array] | None

    def tensors(self) -> dict[str, Any]:
        return {"inputs": self.inputs, "mask": self.mask, "initial_state": self.initial_state}


def plan(
    models: list[Any], options: Any, wrapper: str | None, chunks: Any, training: bool, values: Values
) -> Plan:
    """Raises BadParams for an unknown option or wrapper, or chunks that do not add up to the sequence."""
    options = dict(options or {})
    if not options.keys() <= set(OPTIONS):
        raise BadParams(f"options: {sorted(options)}; allowed are {', '.join(OPTIONS)}")
    if wrapper not in WRAPPERS:
        raise BadParams(f"wrapper: {wrapper!r}; allowed are {WRAPPERS}")
    batch, length = values.inputs.shape[:2]
    chunks = tuple(chunks or [length])
    if sum(chunks) != length:
        raise BadParams(f"chunks: {list(chunks)} do not add up to the length {length}")
    return Plan(
        models=tuple(Model.parse(model) for model in models),
        options=options,
        wrapper=wrapper,
        batch=batch if options.get("stateful") else None,
        length=length if options.get("unroll") else None,
        chunks=chunks,
        training=training,
        mask=values.mask is not None,
        states=len(values.initial_state or []),
    )


def run_sequence(
    layers: Layers,
    runner: Runner,
    plan: Plan,
    given: list[Any],
    values: Values,
    seed: int | None,
    symbolic: bool,
) -> dict[str, Any]:
    """{"output"} and, with return_state, {"state"}."""
    if plan.training:
        return _answer(plan, _train_call(layers, runner, plan.reseeded(seed), given, values))
    if symbolic:
        return _answer(plan, _predict(layers, plan, given, values))
    built = _kept(layers, "sequence", plan, lambda: build(layers, plan))
    flags = (plan.chunks, plan.mask, plan.states)
    nest = runner.run(built, given, caller(plan), ("sequence", flags), values.tensors())
    return _answer(plan, runner.arrays(nest))


def build(layers: Layers, plan: Plan) -> Built:
    """The layer of a plan, built."""
    layer, cells = construct(layers, plan)
    shape = (plan.batch, None if len(plan.chunks) > 1 else plan.length, plan.features)
    layer.build(shape)
    return layers.built(layer, cells())


def construct(layers: Layers, plan: Plan) -> tuple[Any, Callable[[], list[Any]]]:
    """An unbuilt layer, and what gives its cells. All of it has the first cell's dtype: Keras would cast."""
    keras, options = layers.keras, {**plan.options, "dtype": plan.dtype}
    cells = [layers.construct(model) for model in plan.models]
    if plan.wrapper == "stacked":
        stacked = keras.layers.StackedRNNCells(cells, dtype=plan.dtype)
        return keras.layers.RNN(stacked, **options), lambda: cells
    if len(cells) != 1:
        raise BadParams(f"models: {len(cells)} cells need wrapper='stacked'")
    layer = keras.layers.RNN(cells[0], **options)
    if plan.wrapper != "bidirectional":
        return layer, lambda: cells
    both = keras.layers.Bidirectional(layer, merge_mode=None, dtype=plan.dtype)
    return both, lambda: [both.forward_layer.cell, both.backward_layer.cell]


def caller(plan: Plan) -> Callable[..., Any]:
    """Calls the layer on one chunk after another; the initial state goes to the first."""

    def call(layer: Any, inputs: Any, mask: Any, initial_state: Any) -> list[Any]:
        answers, start = [], 0
        for size in plan.chunks:
            part = slice(start, start + size)
            masked = {} if mask is None else {"mask": mask[:, part]}
            begun = {} if initial_state is None or start else {"initial_state": initial_state}
            answer = layer(inputs[:, part], training=plan.training, **masked, **begun)
            answers.append(list(answer) if isinstance(answer, (list, tuple)) else [answer])
            start += size
        return answers

    return call


def _kept(layers: Layers, purpose: str, plan: Plan, make: Callable[[], Built]) -> Built:
    parts = {
        name: value for name, value in asdict(plan).items() if name not in ("models", "chunks", "training")
    }
    if purpose == "sequence":
        parts = {**parts, "mask": None, "states": None}
    return layers.kept(purpose, list(plan.models), parts, make)


def _train_call(layers: Layers, runner: Runner, plan: Plan, given: list[Any], values: Values) -> Any:
    """Eager, on layers built for this request alone."""
    built = build(layers, plan)
    built.reset(given)
    layers.seed(plan.models[0].seed)
    tensors = layers.keras.tree.map_structure(runner.tensor, values.tensors())
    with runner.without_gradients():
        return runner.arrays(caller(plan)(built.layer, **tensors))


def _predict(layers: Layers, plan: Plan, given: list[Any], values: Values) -> Any:
    """Through a functional model and `predict_on_batch`, as one batch."""
    built = _kept(layers, "symbolic", plan, lambda: _functional(layers, plan, values))
    built.reset(given)
    arrays = [values.inputs, *([] if values.mask is None else [values.mask]), *(values.initial_state or [])]
    answer = built.layer.predict_on_batch(arrays if len(arrays) > 1 else arrays[0])
    return [list(answer) if isinstance(answer, (list, tuple)) else [answer]]


def _functional(layers: Layers, plan: Plan, values: Values) -> Built:
    keras = layers.keras
    layer, cells = construct(layers, plan)
    dtype = values.inputs.dtype.name
    inputs = [keras.Input((plan.length, plan.features), batch_size=plan.batch, dtype=dtype)]
    named: dict[str, Any] = {}
    if values.mask is not None:
        named["mask"] = keras.Input((plan.length,), batch_size=plan.batch, dtype="bool")
    if values.initial_state is not None:
        sizes = [state.shape[1:] for state in values.initial_state]
        named["initial_state"] = [keras.Input(s, batch_size=plan.batch, dtype=dtype) for s in sizes]
    outputs = layer(inputs[0], **named)
    model = keras.Model([*inputs, *keras.tree.flatten(list(named.values()))], outputs)
    return layers.built(model, cells())


def _answer(plan: Plan, answers: list[list[Any]]) -> dict[str, Any]:
    """Joins the chunks' outputs on time; the state is that of the last."""

    outputs = 2 if plan.wrapper == "bidirectional" else 1
    joined = plan.options.get("return_sequences", False)
    parts = [
        np.concatenate([answer[k] for answer in answers], axis=1) if joined else answers[-1][k]
        for k in range(outputs)
    ]
    result: dict[str, Any] = {"output": parts if outputs == 2 else parts[0]}
    if plan.options.get("return_state"):
        result["state"] = answers[-1][outputs:]
    return result
