"""The adapter of torch modules that follow the naming of PyPI `ncps`, or of the specification.

A class is served with nothing to write where

- it is a `torch.nn.Module` whose name has "cfc" or "ltc" in it,
- its constructor takes the number of features (`input_size`, `in_features` or `input_dim`) and, by the
  specification's names, what else is judged (`units` may be `hidden_size`, `wiring` is a wiring of the
  package's module `wirings`),
- a call is a step, `cell(inputs, state, timespans) -> (output, state)`, or, where the constructor takes
  `return_sequences`, a sequence, `module(inputs, state, timespans) -> (outputs, state)`, batch first,
- its parameters have the names of `torch_names`.

Arguments that the constructor does not take are judged by the specification's default; other classes need
an adapter of twenty lines, `own.Cell`.
"""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ..adapter import Model, NotSupported, RequestAdapter, theirs
from ..frameworks import Torch
from ..hints import NO_HINTS, Hints, names_of
from ..mapping import dtype_of, output_and_state
from ..packages import origin, regime
from ..requests import (
    Array,
    Build,
    Gradients,
    InitialParameters,
    Intermediates,
    Load,
    RoundTrip,
    Save,
    Sequence,
    SequenceGradients,
    Step,
    StepPoint,
    Train,
    Wiring,
)
from ..wirings import graphs
from .building import Builder, Built, array, as_kernel
from .names import kinds_of, time_of, transposed

LEARNING_RATE = 1e-2
SAVED = "nothing runs it over a sequence"


class TorchModules(RequestAdapter):
    """Serves one class, as each of its kinds of cells."""

    host = "torch"

    def __init__(self, target: str, name: str, module: type, hints: Hints = NO_HINTS) -> None:
        super().__init__(target)
        kinds = kinds_of(name, module, hints.family)
        if not kinds:
            raise NotSupported(
                f"{target}: {name} is no CfC or LTC module by its name, or takes no input_size; "
                "an adapter of your own tells how it is called"
            )
        self.module, self.framework = module, Torch()
        self.torch = self.framework.torch
        self.builder = Builder(kinds, names_of(module, hints.names))

    def cells(self) -> list[dict[str, Any]]:
        return [self.builder.facts(kind) for kind in self.builder.kinds.values()]

    def facts(self) -> dict[str, Any]:
        return {
            **origin(self.module),
            "backend": "torch",
            "regime": regime(),
            "dtypes": ["float64", "float32"],
            "versions": {"torch": self.torch.__version__},
        }

    def capabilities(self) -> list[str]:
        offered = super().capabilities()
        if not any(kind.sequence for kind in self.builder.kinds.values()):
            offered = [
                name
                for name in offered
                if name not in ("sequence", "sequence_gradients", "save", "load", "train", "roundtrip")
            ]
        return offered

    def build(self, request: Build) -> Any:
        built = self.builder.fresh(Model.parse(request.model))
        names = {id(parameter): name for name, (parameter, _) in built.named.items()}
        state = _size(built.module, "state_size", "hidden_size")
        output = _size(built.module, "output_size", "hidden_size")
        return {
            "variables": [
                _variable_facts(path, parameter, names.get(id(parameter)))
                for path, parameter in built.module.named_parameters()
            ],
            **({} if state is None else {"state_size": [state] * (1 + built.kind.memory)}),
            **({} if output is None else {"output_size": output}),
        }

    def parameters(self, request: InitialParameters) -> Any:
        return {"parameters": self.builder.fresh(Model.parse(request.model)).values()}

    def step(self, request: Step) -> Any:
        model = Model.parse(request.model)
        fresh = request.training or request.echo
        built = self.builder.fresh(model) if fresh else self.builder.ready(model)
        built.assign(request.parameters)
        built.module.train(request.training)
        self._seed(model, request.seed)
        x, h, t = self._point(request)
        with self.torch.no_grad():
            answers = [one_step(built, x, h, t) for _ in range(request.repeat)]
        output, new = answers[-1]
        answer: dict[str, Any] = {
            "output": array(output),
            "state": [array(tensor) for tensor in new],
            "dtypes": {"output": dtype_of(output), "state": [dtype_of(tensor) for tensor in new]},
        }
        if request.repeat > 1:
            answer["outputs"] = [array(output) for output, _ in answers]
        if request.echo:
            after = {"inputs": array(x), "state": [array(tensor) for tensor in h]}
            answer["after"] = {**after, "parameters": built.values()}
        return answer

    def intermediates(self, request: Intermediates) -> Any:
        """Return the inputs and outputs of a step's linear layers, because nothing else has a name."""
        built = self.builder.ready(Model.parse(request.model))
        built.assign(request.parameters)
        built.module.eval()
        told: dict[str, Any] = {}
        hooks = [layer.register_forward_hook(noting(told, name)) for name, layer in linear_layers(built)]
        try:
            with self.torch.no_grad():
                one_step(built, *self._point(request))
        finally:
            for hook in hooks:
                hook.remove()
        return {"intermediates": {name: array(tensor) for name, tensor in told.items()}}

    def gradients(self, request: Gradients) -> Any:
        built = self.builder.ready(Model.parse(request.model))
        x, h, t, kernels = self._differentiated(built, request, request.state, one_step)
        return {"inputs": x, "state": h, "timespans": t, "parameters": kernels}

    def sequence_gradients(self, request: SequenceGradients) -> Any:
        _refuse({"mask": request.mask is not None, **(request.options or {})})
        built = self._loop(Model.parse(request.model), "it has no loop over a sequence")
        x, h, t, kernels = self._differentiated(built, request, request.initial_state, call)
        return {"inputs": x, "initial_state": h, "timespans": t, "parameters": kernels}

    def sequence(self, request: Sequence) -> Any:
        wanted = {name for name, value in (request.options or {}).items() if value}
        own_layer = request.wrapper in (None, "layer")
        asked = {
            "mask": request.mask is not None,
            "symbolic call": request.symbolic,
            "layer before it": bool(request.before),
            **dict.fromkeys(sorted(wanted - {"return_sequences", "return_state"}), True),
            f"wrapper {request.wrapper!r}": not own_layer,
            "stacked cells": bool(request.models),
            "state of an earlier call": request.earlier is not None,
        }
        _refuse(asked)
        model = Model.parse(request.model)
        built = self._loop(model, "it has no loop over a sequence", "return_sequences" in wanted)
        built.assign(request.parameters)
        built.module.train(request.training)
        self._seed(model, request.seed)
        given = request.inputs, request.initial_state, request.timespans
        return self._run(built, *given, request.chunks, "return_state" in wanted)

    def save(self, request: Save) -> Any:
        """Save the state_dict, and the arguments that a user would have to remember."""
        if request.options:
            raise NotSupported(f"a torch module has no {', '.join(sorted(request.options))}")
        model = Model.parse(request.model)
        built = self._loop(model, SAVED)
        built.assign(request.parameters)
        self.torch.save({"model": asdict(model), "state": built.module.state_dict()}, request.path)
        return {"output": self._output(built, request.inputs, request.timespans)}

    def load(self, request: Load) -> Any:
        saved = self.torch.load(request.path, weights_only=True)
        built = self._loop(Model.parse(saved["model"]), SAVED)
        theirs(built.module.load_state_dict, saved["state"])
        return {"output": self._output(built, request.inputs, request.timespans)}

    def roundtrip(self, request: RoundTrip) -> Any:
        if request.kind not in ("weights", "deepcopy"):
            raise NotSupported(f"a torch module has no round trip by {request.kind!r}")
        model = Model.parse(request.model)
        before = self._loop(model, SAVED)
        before.assign(request.parameters)
        if request.kind == "deepcopy":
            after = replace(before, module=theirs(copy.deepcopy, before.module))
        else:
            after = self._loop(replace(model, seed=model.seed + 1), SAVED)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "weights.pt")
                self.torch.save(before.module.state_dict(), path)
                theirs(after.module.load_state_dict, self.torch.load(path, weights_only=True))
        return {
            "before": self._output(before, request.inputs),
            "after": self._output(after, request.inputs),
            "config": None,
            "config_again": None,
        }

    def train(self, request: Train) -> Any:
        """Train by `steps` steps of Adam on the mean squared error of the last output."""
        model = Model.parse(request.model)
        built = self._loop(model, "it has no loop over a sequence to train", return_sequences=False)
        if request.parameters is not None:
            built.assign(request.parameters)
        built.module.train()
        self._seed(model, request.seed)
        before, losses = built.values(), []
        adam = self.torch.optim.Adam(built.module.parameters(), lr=LEARNING_RATE)
        x, wanted = self.torch.as_tensor(request.inputs), self.torch.as_tensor(request.targets)
        times = [] if request.timespans is None else [None, self.torch.as_tensor(request.timespans)]
        for _ in range(request.steps):
            adam.zero_grad()
            output, _ = theirs(built.module, x, *times)
            loss = ((output - wanted) ** 2).mean()
            loss.backward()
            adam.step()
            losses.append(float(loss))
        return {"before": before, "after": built.values(), "losses": np.array(losses)}

    def wiring(self, request: Wiring) -> Any:
        return graphs(self.module, request)

    def _seed(self, model: Model, seed: int | None) -> None:
        self.torch.manual_seed(model.seed if seed is None else seed)

    def _point(self, request: StepPoint) -> Any:
        """Return the inputs, the state and the elapsed time of a step, as tensors."""
        return self.framework.tensors((request.inputs, request.state, request.timespans))

    def _differentiated(
        self,
        built: Built,
        request: Gradients | SequenceGradients,
        state: list[Array],
        function: Callable[..., Any],
    ) -> Any:
        """Differentiate `function(built, x, h, t)` by inputs, state, timespans and named kernels."""
        built.assign(request.parameters)
        built.module.eval()
        named = {name: parameter for name, (parameter, _) in built.named.items()}
        x, h, t, parameters = self.framework.gradients(
            lambda x, h, t, _: function(built, x, h, t),
            (*self.framework.tensors((request.inputs, state, request.timespans)), named),
            (request.cotangent, request.state_cotangent),
        )
        kernels = {name: as_kernel(parameters[name], turned) for name, (_, turned) in built.named.items()}
        return self.framework.numpy_all((x, h, t, kernels))

    def _run(
        self, built: Built, inputs: Any, state: Any, timespans: Any, chunks: Any, with_state: bool
    ) -> dict[str, Any]:
        """Run one call, or one for each chunk, with nothing shared."""
        x, h, t = self.framework.tensors((inputs, state or [], timespans))
        joined, start = [], 0
        last: list[Any] = []
        for size in chunks or [inputs.shape[1]]:
            part = slice(start, start + size)
            times = t if t is None or not chunks else t[:, part]
            with self.torch.no_grad():
                output, last = call(built, x[:, part], h or None, times)
            joined.append(array(output))
            start += size
        output = np.concatenate(joined, axis=1) if joined[0].ndim > 2 else joined[-1]
        return {"output": output, **({"state": [array(h) for h in last]} if with_state else {})}

    def _loop(self, model: Model, lacking: str, return_sequences: bool = True) -> Built:
        """Return a fresh module that runs sequences. Raises NotSupported, with `lacking`, if it does not."""
        built = self.builder.fresh(model, return_sequences=return_sequences)
        if not built.kind.sequence:
            raise NotSupported(f"{model.cell} takes one step; {lacking}")
        return built

    def _output(self, built: Built, inputs: Any, timespans: Any = None) -> Array:
        built.module.eval()
        output: Array = self._run(built, inputs, None, timespans, None, False)["output"]
        return output


def _refuse(asked: dict[str, Any]) -> None:
    """Raise NotSupported for the first of these, by name, that is requested."""
    for what, wanted in asked.items():
        if wanted:
            raise NotSupported(f"a torch module knows no {what}")


def call(built: Built, x: Any, state: list[Any] | None, t: Any) -> tuple[Any, list[Any]]:
    """Return (output, the tensors of the state) of one call. Raises ContractBroken for any other result."""
    given = state[0] if state and not built.kind.memory else tuple(state) if state else None
    answer = theirs(built.module, x, given, *([] if t is None else [t]))
    return output_and_state(answer, "a module")


def one_step(built: Built, x: Any, state: list[Any], t: Any) -> tuple[Any, list[Any]]:
    """Return one step; of a module that runs sequences, a sequence of one sample.

    Elapsed time that the specification allows for a step, (), (batch) or (batch, 1), is then (batch, time),
    the form of such a module; other shapes are passed on, for it to reject.
    """
    argument = time_of(built.module)
    if t is not None and argument is None:
        raise NotSupported(f"{built.kind.name} takes no elapsed time")
    if t is None and argument is not None and argument.default is argument.empty:
        raise NotSupported(f"{built.kind.name} has no step without elapsed time: {argument.name} is required")
    if not built.kind.sequence:
        return call(built, x, state, t)
    if t is not None and tuple(t.shape) in ((), (len(x),), (len(x), 1)):
        t = t.reshape(-1, 1).expand(len(x), 1)
    output, new = call(built, x[:, None], state, t)
    return output[:, 0] if output.ndim == 3 else output, new


def linear_layers(built: Built) -> list[tuple[str, Any]]:
    """Return the modules whose weight is a kernel of the specification, by its name."""
    names = {id(parameter): name for name, (parameter, turned) in built.named.items() if turned}
    owned = [(names.get(id(getattr(layer, "weight", None))), layer) for layer in built.module.modules()]
    return [(name, layer) for name, layer in owned if name]


def noting(told: dict[str, Any], kernel: str) -> Callable[..., None]:
    """Return a hook that records the input of a linear layer, once, and its output."""
    place, _, own = kernel.removesuffix("_kernel").removesuffix("/kernel").rpartition("/")
    prefix = f"{place}/" if place else ""

    def note(_: Any, given: tuple[Any, ...], output: Any) -> None:
        if own.startswith("backbone_"):
            read, after = int(own.removeprefix("backbone_")), f"{own}/affine"
        else:
            layers = [name for name in told if name.startswith(f"{prefix}backbone_") and "affine" in name]
            read, after = len(layers), {"kernel": "target"}.get(own, own)
        before = f"backbone_{read - 1}" if read else "concat"
        told.setdefault(prefix + before, given[0].clone())
        told.setdefault(prefix + after, output.clone())  # an activation may write over it

    return note


def _size(module: Any, *names: str) -> Any:
    return next((getattr(module, name) for name in names if hasattr(module, name)), None)


def _variable_facts(path: str, parameter: Any, name: str | None) -> dict[str, Any]:
    shape = list(as_kernel(parameter, transposed(path) and name is not None).shape)
    trainable = parameter.requires_grad
    return {"path": path, "name": name, "shape": shape, "dtype": dtype_of(parameter), "trainable": trainable}
