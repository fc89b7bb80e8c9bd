"""Whole sequences: cells in `keras.layers.RNN`, stacked, in both directions, in chunks, and as a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..adapter import BadParams, ContractBroken, Model, NotSupported, theirs
from ..mapping import one_or_all
from ..packages import member_of_package
from ..requests import Array, Sequence, SequenceGradients
from .layers import Built, Layers
from .names import arguments_of, is_open
from .running import Runner

OPTIONS = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "unroll",
    "stateful",
    "zero_output_for_mask",
    "masked_time",
    "time_feature",
    "backward_timespans",
    "bidirectional",
)
WRAPPERS = (None, "bidirectional", "stacked", "layer", "layer_bidirectional")
IN_FRONT = ("masking", "embedding")


@dataclass(frozen=True)
class Plan:
    """The plan of a sequence: the layers to build and the form of the call, without the numbers."""

    models: tuple[Model, ...]
    options: dict[str, Any]
    wrapper: str | None
    batch: int | None
    """The batch size of a stateful layer, which fixes it; otherwise None."""
    length: int | None
    """The length of an unrolled layer, which fixes it; otherwise None."""
    chunks: tuple[int, ...]
    training: bool
    mask: bool
    timespans: int
    """The number of axes of the elapsed times; 0 if there are none."""
    states: int
    before: tuple[str, ...]
    """The layer in front of the layer."""
    earlier: bool
    """True if the layer is called once before."""

    @property
    def dtype(self) -> str:
        return self.models[0].dtype

    @property
    def features(self) -> int:
        """Return the number of features of the layer's input; a time feature, the last, adds one."""
        return self.models[0].input_dim + bool(self.options.get("time_feature"))

    @property
    def steps(self) -> int:
        """Return the length of the sequence."""
        return sum(self.chunks)

    @property
    def both_ways(self) -> bool:
        return self.wrapper in ("bidirectional", "layer_bidirectional")

    def reseeded(self, seed: int | None) -> Plan:
        """Return the plan with every model seeded by `seed`, if one is given."""
        return (
            self if seed is None else replace(self, models=tuple(replace(m, seed=seed) for m in self.models))
        )


def plan(request: Sequence) -> Plan:
    """Return the plan. Raises BadParams for an unknown option or wrapper, or chunks of a wrong sum."""
    options, before = request.options or {}, request.before or {}
    models: list[Any] = request.models or [request.model]
    if not options.keys() <= set(OPTIONS):
        raise BadParams(f"options: {sorted(options)}; allowed are {', '.join(OPTIONS)}")
    if request.wrapper not in WRAPPERS:
        raise BadParams(f"wrapper: {request.wrapper!r}; allowed are {WRAPPERS}")
    if not before.keys() <= set(IN_FRONT):
        raise BadParams(f"before: {sorted(before)}; allowed are {', '.join(IN_FRONT)}")
    length = request.inputs.shape[1]
    batch = len(request.inputs if request.earlier is None else request.earlier)
    chunks = tuple(request.chunks or [length])
    if sum(chunks) != length:
        raise BadParams(f"chunks: {list(chunks)} do not add up to the length {length}")
    return Plan(
        models=tuple(map(Model.parse, models)),
        options=options,
        wrapper=request.wrapper,
        batch=batch if options.get("stateful") else None,
        length=length if options.get("unroll") else None,
        chunks=chunks,
        training=request.training,
        mask=request.mask is not None,
        timespans=0 if request.timespans is None else request.timespans.ndim,
        before=tuple(before),
        states=len(request.initial_state or []),
        earlier=request.earlier is not None,
    )


def given_arrays(request: Sequence) -> list[Array]:
    """Return the inputs of a functional model that are given."""
    arrays = [a for a in (request.inputs, request.mask, request.timespans) if a is not None]
    return arrays + (request.initial_state or [])


def _tensors(request: Sequence) -> dict[str, Any]:
    names = ("inputs", "mask", "timespans", "initial_state", "earlier")
    return {name: getattr(request, name) for name in names}


def _parameters(request: Sequence) -> list[Any]:
    """Return the parameters of each cell."""
    return request.parameters if isinstance(request.parameters, list) else [request.parameters]


def run_sequence(layers: Layers, runner: Runner, plan: Plan, request: Sequence) -> dict[str, Any]:
    """Return {"output"} and, with return_state, {"state"}."""
    if plan.training:
        return _answer(plan, _train_call(layers, runner, plan.reseeded(request.seed), request))
    if request.symbolic and plan.earlier:
        raise BadParams("earlier: a symbolic model is called once")
    if request.symbolic:
        return _answer(plan, _predict(layers, plan, request))
    built = _kept(layers, "sequence", plan, lambda: build(layers, plan))
    flags = (plan.chunks, plan.mask, plan.timespans, plan.states, plan.earlier)
    key, tensors = ("sequence", flags), _tensors(request)
    nest = runner.run(built, _parameters(request), caller(plan), key, tensors, request.eager)
    variables = [variable.dtype for variable in built.layer.weights]
    dtypes = {**_answer(plan, runner.dtypes(nest), join=False), "variables": variables}
    return {**_answer(plan, runner.arrays(nest)), "dtypes": {"state": [], **dtypes}}


def built_for_gradients(layers: Layers, model: Model, request: SequenceGradients) -> Built:
    """Return a cell in the layer of a wrapper, which returns every output and the last state."""
    wrapper, length = request.wrapper, request.inputs.shape[1]
    if wrapper not in (None, "layer"):
        raise BadParams(f"wrapper: {wrapper!r}; a sequence is differentiated through None or 'layer'")
    options = {**(request.options or {}), "return_sequences": True, "return_state": True}
    unrolled = length if options.get("unroll") else None
    wanted = Plan((model,), options, wrapper, None, unrolled, (), False, False, 0, 0, (), False)
    return _kept(layers, "sequence", wanted, lambda: build(layers, wanted))


def call_layer(
    layer: Any, inputs: Any, timespans: Any, initial_state: Any, mask: Any
) -> tuple[Any, list[Any]]:
    """Return (outputs, [the last state's tensors])."""
    named = {"timespans": timespans, "mask": mask}
    given = {name: value for name, value in named.items() if value is not None}
    output, *states = theirs(layer, inputs, initial_state=initial_state, **given)
    return output, states


def build(layers: Layers, plan: Plan) -> Built:
    """Return the layer of a plan, built."""
    layer, cells = construct(layers, plan)
    shape = (plan.batch, None if len(plan.chunks) > 1 else plan.length, plan.features)
    layer.build(shape)
    return layers.built(layer, cells())


def construct(layers: Layers, plan: Plan) -> tuple[Any, Callable[[], list[Any]]]:
    """Return an unbuilt layer, and a function that gives its cells.

    All parts have the first cell's dtype, because Keras would cast.
    """
    keras, cells = layers.keras, [layers.construct(model) for model in plan.models]
    follows = layers.takes_of_keras(plan.models[0].cell, "dtype")
    dtype = plan.dtype if follows else cells[0].dtype_policy
    options = {**plan.options, "dtype": dtype}
    of_wrapper = options.pop("bidirectional", {})
    if plan.wrapper == "stacked":
        stacked = keras.layers.StackedRNNCells(cells, dtype=dtype)
        return keras.layers.RNN(stacked, **options), lambda: cells
    if len(cells) != 1:
        raise BadParams(f"models: {len(cells)} cells need wrapper='stacked'")
    own = plan.wrapper in ("layer", "layer_bidirectional")
    if own:
        layer = layers.own_layer(plan.models[0], cells[0], **options)
    else:
        layer = keras.layers.RNN(cells[0], **options)
    if not plan.both_ways:
        return layer, lambda: cells
    if own:
        both = in_both_directions(layer, merge_mode=None, dtype=dtype, **of_wrapper)
    else:
        both = theirs(keras.layers.Bidirectional, layer, merge_mode=None, dtype=dtype)
    return both, lambda: [half(both, "forward_layer").cell, half(both, "backward_layer").cell]


def half(both: Any, name: str) -> Any:
    """Return one of the two layers of a Bidirectional. Raises NotSupported if it does not show them."""
    if not hasattr(both, name):
        raise NotSupported(f"{type(both).__name__} has no attribute {name}, as Keras's has")
    return getattr(both, name)


def in_both_directions(layer: Any, **options: Any) -> Any:
    """Return the layer in the Bidirectional of its package. Raises NotSupported if it lacks an option."""
    both = bidirectional_of(type(layer))
    lacking = [n for n in options if n not in arguments_of(both, beyond=("builtins",)) and not is_open(both)]
    for name in lacking:
        if name != "dtype":
            raise NotSupported(f"{both.__name__} takes no {name}")
    return theirs(both, layer, **{n: v for n, v in options.items() if n not in lacking})


def bidirectional_of(layer: type) -> Any:
    """Return the Bidirectional of a layer's package. Raises NotSupported if there is none."""
    return member_of_package(layer, ".layers", "Bidirectional")


def caller(plan: Plan) -> Callable[..., Any]:
    """Return a function that calls the layer on chunks in turn; the first gets the initial state."""

    def call(
        layer: Any, inputs: Any, mask: Any, timespans: Any, initial_state: Any, earlier: Any
    ) -> list[Any]:
        if earlier is not None:
            theirs(layer, earlier, training=plan.training)
        answers, start = [], 0
        along_time = {"mask": mask, "timespans": timespans}
        for size in plan.chunks:
            part = slice(start, start + size)
            given = {  # of any shape, where there are no chunks: the layer is to refuse some
                name: value if size == plan.steps else value[:, part]
                for name, value in along_time.items()
                if value is not None
            }
            if initial_state is not None and not start:
                given["initial_state"] = initial_state
            for name in given:
                if not call_takes(layer, name):
                    raise NotSupported(f"a call of {type(layer).__name__} takes no {name}")
            if call_takes(layer, "training"):
                given["training"] = plan.training
            answer = theirs(layer, inputs[:, part], **given)
            answers.append(list(answer) if isinstance(answer, (list, tuple)) else [answer])
            start += size
        return answers

    return call


def call_takes(layer: Any, name: str) -> bool:
    """Tell whether a call of a layer takes an argument of this name."""
    parameters = inspect.signature(layer.call).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _kept(layers: Layers, purpose: str, plan: Plan, make: Callable[[], Built]) -> Built:
    parts = {
        name: value for name, value in asdict(plan).items() if name not in ("models", "chunks", "training")
    }
    if purpose == "sequence":
        parts = {**parts, "mask": None, "timespans": None, "states": None, "earlier": None}
    return layers.kept(purpose, list(plan.models), parts, make)


def _train_call(layers: Layers, runner: Runner, plan: Plan, request: Sequence) -> Any:
    """Call a layer in training, eagerly, on layers built for this request alone."""
    built = build(layers, plan)
    built.reset(_parameters(request))
    layers.seed(plan.models[0].seed)
    tensors = layers.keras.tree.map_structure(runner.tensor, _tensors(request))
    with runner.without_gradients():
        return runner.arrays(caller(plan)(built.layer, **tensors))


def _predict(layers: Layers, plan: Plan, request: Sequence) -> Any:
    """Run a functional model by `predict_on_batch`, as one batch."""
    built = _kept(layers, "symbolic", plan, lambda: functional(layers, plan, request))
    built.reset(_parameters(request))
    for layer in built.layer.layers:
        if isinstance(layer, layers.keras.layers.Embedding):
            layer.set_weights([(request.before or {})["embedding"]])
    answer = built.layer.predict_on_batch(one_or_all(given_arrays(request)))
    return [list(answer) if isinstance(answer, (list, tuple)) else [answer]]


def functional(layers: Layers, plan: Plan, request: Sequence) -> Built:
    """Return a functional model of the plan's layer, whose inputs are the given ones."""
    keras = layers.keras
    layer, cells = construct(layers, plan)
    entry = keras.Input(
        (plan.length, *request.inputs.shape[2:]), batch_size=plan.batch, dtype=request.inputs.dtype.name
    )
    named: dict[str, Any] = {}
    if request.mask is not None:
        named["mask"] = keras.Input((plan.length,), batch_size=plan.batch, dtype="bool")
    if request.timespans is not None:
        shape = (plan.length, *request.timespans.shape[2:])
        named["timespans"] = keras.Input(shape, batch_size=plan.batch, dtype=request.timespans.dtype.name)
    if request.initial_state is not None:
        sizes = [state.shape[1:] for state in request.initial_state]
        named["initial_state"] = [keras.Input(s, batch_size=plan.batch, dtype=plan.dtype) for s in sizes]
    outputs = theirs(layer, in_front(keras, plan, request.before or {}, entry), **named)
    model = keras.Model([entry, *keras.tree.flatten(list(named.values()))], outputs)
    return layers.built(model, cells())


def in_front(keras: Any, plan: Plan, before: dict[str, Any], entry: Any) -> Any:
    """Return the layer's input: the entry itself, or the output of a layer that adds a mask to it."""
    if "masking" in before:
        return keras.layers.Masking(before["masking"], dtype=plan.dtype)(entry)
    if "embedding" in before:
        tokens, features = before["embedding"].shape
        return keras.layers.Embedding(tokens, features, mask_zero=True, dtype=plan.dtype)(entry)
    return entry


def _answer(plan: Plan, answers: list[list[Any]], join: bool = True) -> dict[str, Any]:
    """Return the answer of the chunks: outputs joined on time, or without `join` the last one's.

    Its state.
    """

    outputs = 2 if plan.both_ways else 1
    for answer in answers:
        if len(answer) < outputs + bool(plan.options.get("return_state")):
            asked = " with merge_mode=None" if plan.both_ways else ""
            raise ContractBroken(f"the layer returns {len(answer)} tensors{asked}, but should return more")
    joined = join and plan.options.get("return_sequences", False)
    parts = [
        np.concatenate([answer[k] for answer in answers], axis=1) if joined else answers[-1][k]
        for k in range(outputs)
    ]
    result: dict[str, Any] = {"output": parts if outputs == 2 else parts[0]}
    if plan.options.get("return_state"):
        result["state"] = answers[-1][outputs:]
    return result
