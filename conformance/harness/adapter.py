"""The contract between the server and whatever adapts an implementation.

Keras cells and torch modules that follow the usual naming need nothing (`keras_cells`, `torch_modules`). For
any other, fill in `own.Cell`: twenty lines. An author who wants to answer every request by hand writes a
subclass of `Adapter` and names it as the target, `module:Class`; inside a harness process the base is
`from conformance_harness.adapter import Adapter`. What is left out is not offered, and never passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Parameters = dict[str, Array]


class NotSupported(Exception):
    """This implementation, or its host, does not offer the request; the message says why."""


class BadParams(Exception):
    """The request itself is wrong: the driver's fault."""


class ContractBroken(Exception):
    """The implementation returned a value that no cell may return; reported as if it had raised."""


def theirs(function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
    """Call the implementation. An error raised in this frame, as for a wrong signature, is its fault."""
    return function(*arguments, **named)


@dataclass(frozen=True)
class Model:
    """A cell to build: its name, constructor arguments, input features, dtype policy and seed."""

    cell: str
    config: dict[str, Any] = field(default_factory=dict)
    input_dim: int = 1
    dtype: str = "float32"
    seed: int = 0

    @classmethod
    def parse(cls, value: Any) -> Model:
        """Return the model. Raises BadParams unless `value` has these fields, of these types."""
        if not isinstance(value, dict) or not {"cell", "input_dim"} <= value.keys() <= FIELDS.keys():
            raise BadParams(f"model: an object with {', '.join(FIELDS)} is needed, not {value!r}")
        for name, item in value.items():
            if type(item) is not FIELDS[name]:
                raise BadParams(f"model.{name}: {item!r} must be of type {FIELDS[name].__name__}")
        return cls(**value)


FIELDS: dict[str, type] = {"cell": str, "config": dict, "input_dim": int, "dtype": str, "seed": int}

METHODS = (
    "build",
    "parameters",
    "step",
    "sequence",
    "gradients",
    "sequence_gradients",
    "intermediates",
    "initial_state",
    "shapes",
    "roundtrip",
    "save",
    "load",
    "train",
    "freeze",
    "override",
    "compile",
    "wiring",
)
"""An adapter's methods that are JSON-RPC methods; `describe` is the server's, from `cells` and `facts`."""

OPTIONAL_PARAMS = {"sequence": ("earlier",), "sequence_gradients": ("mask", "options")}
"""By method, parameters added within this version of the protocol: an adapter may not know them."""


class Adapter:
    """The base of adapters: override the methods that the implementation offers.

    Arguments and results are NumPy arrays and JSON values. `model` arrives as a JSON object; `Model.parse`
    checks it. Shapes: inputs `(batch, features)`, or `(batch, time, features)` for a sequence; each state
    `(batch, size)`; timespans `()`, `(batch,)` or `(batch, 1)`. Raise `NotSupported` for a request that is
    not offered under some condition; any other exception is reported as a finding.
    """

    host = "other"
    """"keras", which has several backends, or the name of the one backend that there is."""

    def __init__(self, target: str) -> None:
        self.target = target

    def cells(self) -> list[dict[str, Any]]:
        """Return [{"name", "family", "arguments": [...], "defaults": {...}}]; where they apply, also:

        "values" {argument: [...]}: the only values that an argument may have
        "fixed" {argument: value}: of arguments that it does not take, the values that are no defaults
        "timed": False where a step takes no elapsed time
        "policies": False where the constructor takes no dtype policy
        "unknown" [...]: constructor arguments that the specification does not know
        "behind" {cell: ...}: what the cells behind an LSTM offer
        "layer": the name of the sequence layer, if there is one
        "layer_options" [...]: "backward_timespans", where the layer takes it
        "bidirectional_options" [...]: the same of what runs the layer in both directions
        "draws": False where `parameters` answers values of the adapter's, not those of a constructor by seed
        "variant" {"values": {...}, "source"}: a documented convention, and the words or the file that say so;
            it is checked by use, and excuses nothing
        """
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Return the facts of `describe`: name, version, distribution, file, backend, regime, versions."""
        return {}

    def capabilities(self) -> list[str]:
        """Return the methods offered: those that the subclass overrides."""
        return [name for name in METHODS if getattr(type(self), name) is not getattr(Adapter, name)]

    def build(self, model: Any) -> Any:
        """Return {"variables": [{path, name, shape, dtype, trainable}], "state_size", "output_size"}."""
        raise NotSupported("build is not offered")

    def parameters(self, model: Any) -> Any:
        """Return {"parameters": {canonical name: initial value}}."""
        raise NotSupported("parameters is not offered")

    def step(
        self,
        model: Any,
        parameters: Any,
        inputs: Any,
        state: Any,
        timespans: Any = None,
        training: bool = False,
        eager: bool = False,
        echo: bool = False,
        seed: int | None = None,
        repeat: int = 1,
    ) -> Any:
        """Return {"output": (batch, size), "state": [(batch, size)], "dtypes": {"output", "state"}}.

        `repeat` equal calls one after another on one cell: also {"outputs": [...]}, if more than one.
        """
        raise NotSupported("step is not offered")

    def sequence(
        self,
        model: Any = None,
        models: Any = None,
        parameters: Any = None,
        inputs: Any = None,
        mask: Any = None,
        timespans: Any = None,
        initial_state: Any = None,
        training: bool = False,
        options: Any = None,
        wrapper: str | None = None,
        chunks: Any = None,
        seed: int | None = None,
        symbolic: bool = False,
        before: Any = None,
        earlier: Any = None,
    ) -> Any:
        """Return {"output": (batch, time, size) or (batch, size), "state": [(batch, size)] if return_state}

        and, if known, "dtypes": {"output", "state": [...], "variables": [...]}: those in which these were
        computed, and those of the variables.

        `wrapper` "layer" and "layer_bidirectional" ask for the implementation's own sequence layer, which
        takes timespans, (batch, time) or (batch, time, 1); options["bidirectional"] are those of the latter
        itself. `before` puts a Keras layer in front of a symbolic
        model, whose mask it then has: {"masking": value} or {"embedding": table (tokens, features)}.
        `earlier` are the inputs (another batch, time, features) of a call before this one on the same layer,
        which is built for their batch.
        """
        raise NotSupported("sequence is not offered")

    def gradients(
        self,
        model: Any,
        parameters: Any,
        inputs: Any,
        state: Any,
        cotangent: Any,
        state_cotangent: Any,
        timespans: Any = None,
    ) -> Any:
        """Return {"inputs", "state": [...], "timespans", "parameters": {...}}: the gradients of

        sum(output * cotangent) + sum(state[i] * state_cotangent[i]).
        """
        raise NotSupported("gradients is not offered")

    def sequence_gradients(
        self,
        model: Any,
        parameters: Any,
        inputs: Any,
        initial_state: Any,
        cotangent: Any,
        state_cotangent: Any,
        timespans: Any = None,
        wrapper: str | None = None,
        mask: Any = None,
        options: Any = None,
    ) -> Any:
        """Return {"inputs", "initial_state": [...], "timespans", "parameters": {...}}: the gradients of

        sum(output * cotangent) + sum(state[i] * state_cotangent[i]), for a sequence's outputs (batch, time,
        size) and its last state. `wrapper` is None or "layer", `mask` and `options` are as in `sequence`.
        """
        raise NotSupported("sequence_gradients is not offered")

    def intermediates(
        self, model: Any, parameters: Any, inputs: Any, state: Any, timespans: Any = None
    ) -> Any:
        """Return {"intermediates": {name: (batch, size)}}: the inner values of a step, by SPEC.md's table."""
        raise NotSupported("intermediates is not offered")

    def initial_state(self, model: Any, batch: int) -> Any:
        """Return {"state": [(batch, size)], "dtypes": [...]}."""
        raise NotSupported("initial_state is not offered")

    def shapes(self, model: Any, batch: int | None = None) -> Any:
        """Return {"symbolic_output", "symbolic_state": [...], "computed_output", "computed_state": [...]}."""
        raise NotSupported("shapes is not offered")

    def roundtrip(self, model: Any, parameters: Any, inputs: Any, kind: str) -> Any:
        """Return {"before", "after", "config", "config_again"} of a round trip.

        Its kind is config, weights, model, clone or deepcopy; kind get_config requests {"config"} of a cell
        alone.
        """
        raise NotSupported("roundtrip is not offered")

    def save(
        self, model: Any, parameters: Any, path: str, inputs: Any, timespans: Any = None, options: Any = None
    ) -> Any:
        """Save a whole model; return {"output"}, its result.

        With timespans it is made of the implementation's own sequence layer, with these options.
        """
        raise NotSupported("save is not offered")

    def load(self, path: str, inputs: Any, timespans: Any = None) -> Any:
        """Load a model that `save` saved, perhaps in another process; return {"output"}, its result."""
        raise NotSupported("load is not offered")

    def train(
        self,
        model: Any,
        inputs: Any,
        targets: Any,
        steps: int,
        parameters: Any = None,
        seed: int | None = None,
        timespans: Any = None,
    ) -> Any:
        """Return {"before": {name: array}, "after": {name: array}, "losses": (steps,)} of training."""
        raise NotSupported("train is not offered")

    def freeze(
        self,
        model: Any,
        inputs: Any,
        targets: Any,
        part: str,
        when: str,
        wrapper: str | None = None,
        copied: str | None = None,
        steps: int = 0,
    ) -> Any:
        """Return {"trainable": [path], "weights": [path], "before": [array], "after": [array]}.

        Freeze the `part`, "cell" or "layer", of a model whose last layer trains, by trainable=False
        "constructed", "before_build" or "after_build". `wrapper` is as in `sequence`; `copied` has the model
        made anew first: by the layer's config ("layer_config") or the model's ("model_config"), cloned
        ("clone"), or saved and loaded ("model"). `weights` are those of the layer, its cell's among them, and
        `trainable` the variables that would be trained; `before` and `after` are the weights' values round
        `steps` steps of training, null where there are none or the host cannot train.
        """
        raise NotSupported("freeze is not offered")

    def override(self, model: Any, parameters: Any, inputs: Any, added: float, timespans: Any = None) -> Any:
        """Return {"output": (batch, time, size)} of the implementation's own layer, with every output,

        round a cell of a subclass that overrides the step: its output is the cell's plus `added`, its state
        the cell's. The layer may reject such a cell with ValueError, TypeError or NotImplementedError.
        """
        raise NotSupported("override is not offered")

    def compile(
        self,
        model: Any,
        parameters: Any,
        inputs: Any,
        targets: Any,
        steps: int,
        mask: Any = None,
        timespans: Any = None,
        options: Any = None,
    ) -> Any:
        """Return {"output", "before": {name: array}, "after": {name: array}} of a model compiled by XLA

        round the implementation's own layer, with these options: what it predicts, and all parameters round
        `steps` epochs of training on `targets`, of the shape of the output. The last batch has one sample,
        the first all others.
        """
        raise NotSupported("compile is not offered")

    def wiring(self, kind: str, arguments: Any, input_dim: int) -> Any:
        """Return {"once", "twice", "again"}: a wiring built, built a second time, and made of its config;

        each {"adjacency": (units, units), "sensory_adjacency": (input_dim, units)} and, where it is known,
        "output_dim": the number of motor neurons, an integer.
        """
        raise NotSupported("wiring is not offered")
