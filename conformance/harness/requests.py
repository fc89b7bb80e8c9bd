"""The requests to an implementation: the parameters of each, and the form of its answer.

A parameter without a default is required; names and defaults are those of the protocol, `docs/protocol.md`.
Arrays are NumPy's, all else is JSON. `model` is an object that `adapter.Model.parse` checks; `parameters` are
arrays by canonical name.

Shapes: inputs `(batch, features)`, or `(batch, time, features)` for a sequence; each tensor of a state
`(batch, size)`; timespans `()`, `(batch,)` or `(batch, 1)`, or `(batch, time)` or `(batch, time, 1)` for a
sequence; a mask `(batch, time)`; a cotangent as what it weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Parameters = dict[str, Array]
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Build:
    """Build a cell, and list its variables.

    Answer: {"variables": [{path, name, shape, dtype, trainable}], "state_size", "output_size"}.
    """

    model: Json


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialParameters:
    """Draw initial values. Answer: {"parameters": {canonical name: initial value}}."""

    model: Json


@dataclass(frozen=True, kw_only=True, eq=False)
class StepPoint:
    """Hold what a step depends on."""

    model: Json
    parameters: Parameters
    inputs: Array
    state: list[Array]
    timespans: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Step(StepPoint):
    """Take `repeat` equal steps one after another on one cell.

    `eager` asks a host that compiles to run without compilation.

    Answer: {"output": (batch, size), "state": [(batch, size)], "dtypes": {"output", "state"}}; also
    {"outputs": [...]} of more than one step, and with `echo` {"after": {"inputs", "state", "parameters"}},
    which are these after the step.
    """

    training: bool = False
    eager: bool = False
    echo: bool = False
    seed: int | None = None
    repeat: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Intermediates(StepPoint):
    """Compute the inner values of a step, by the table of SPEC.md.

    Answer: {"intermediates": {name: (batch, size)}}.
    """


@dataclass(frozen=True, kw_only=True, eq=False)
class Gradients(StepPoint):
    """Differentiate sum(output * cotangent) + sum(state[i] * state_cotangent[i]) of a step.

    Answer: {"inputs", "state": [...], "timespans", "parameters": {...}}.
    """

    cotangent: Array
    state_cotangent: list[Array]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sequence:
    """Run a cell, or `models` stacked with a list of `parameters`, over a sequence.

    `wrapper` "layer" and "layer_bidirectional" ask for the implementation's own sequence layer, which takes
    timespans; options["bidirectional"] are those of the latter itself. `chunks` are the lengths of the parts
    in which the sequence is given. `before` puts a Keras layer in front of a `symbolic` model, whose mask it
    then has: {"masking": value} or {"embedding": table (tokens, features)}. `earlier` are the inputs (another
    batch, time, features) of a call before this one on the same layer, which is built for their batch.
    `eager` asks a host that compiles to run without compilation.

    Answer: {"output": (batch, time, size) or (batch, size)}; with return_state {"state": [(batch, size)]};
    and, if known, {"dtypes": {"output", "state": [...], "variables": [...]}}: those in which these were
    computed, and those of the variables.
    """

    inputs: Array
    model: Json | None = None
    models: list[Json] | None = None
    parameters: Any = None
    mask: Array | None = None
    timespans: Array | None = None
    initial_state: list[Array] | None = None
    training: bool = False
    options: Json | None = None
    wrapper: str | None = None
    chunks: list[int] | None = None
    seed: int | None = None
    symbolic: bool = False
    eager: bool = False
    before: Json | None = None
    earlier: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceGradients:
    """Differentiate sum(output * cotangent) + sum(state[i] * state_cotangent[i]) of a sequence.

    Its outputs are `(batch, time, size)`, its state the last. `wrapper` is None or "layer"; `mask` and
    `options` are as in `Sequence`.

    Answer: {"inputs", "initial_state": [...], "timespans", "parameters": {...}}.
    """

    model: Json
    parameters: Parameters
    inputs: Array
    initial_state: list[Array]
    cotangent: Array
    state_cotangent: list[Array]
    timespans: Array | None = None
    wrapper: str | None = None
    mask: Array | None = None
    options: Json | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialState:
    """Return the state before the first step. Answer: {"state": [(batch, size)], "dtypes": [...]}."""

    model: Json
    batch: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Shapes:
    """Return the shapes of a step by symbolic tensors, and those that the cell computes.

    Answer: {"symbolic_output", "symbolic_state": [...], "computed_output", "computed_state": [...]}.
    """

    model: Json
    batch: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class RoundTrip:
    """Save or copy a model, and load it again.

    `kind` is "config", "weights", "model", "clone" or "deepcopy"; "get_config" requests the {"config"} of a
    cell alone. Answer: {"before", "after", "config", "config_again"}: outputs and configs on both sides.
    """

    model: Json
    parameters: Parameters
    inputs: Array
    kind: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Save:
    """Save a whole model to the file `path`; with timespans, of the own sequence layer with these options.

    Answer: {"output"}, its result.
    """

    model: Json
    parameters: Parameters
    path: str
    inputs: Array
    timespans: Array | None = None
    options: Json | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Load:
    """Load a model that `Save` saved, perhaps in another process. Answer: {"output"}, its result."""

    path: str
    inputs: Array
    timespans: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Train:
    """Train by `steps` steps on `targets`, `(batch, size)`.

    Answer: {"before": {name: array}, "after": {name: array}, "losses": (steps,)}.
    """

    model: Json
    inputs: Array
    targets: Array
    steps: int
    parameters: Parameters | None = None
    seed: int | None = None
    timespans: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Freeze:
    """Freeze the `part`, "cell" or "layer", of a model whose last layer trains.

    By trainable=False, `when` it is "constructed", "before_build" or "after_build". `wrapper` is as in
    `Sequence`; `copied` has the model made anew first: by the layer's config ("layer_config") or the model's
    ("model_config"), cloned ("clone"), or saved and loaded ("model").

    Answer: {"trainable": [path], "weights": [path], "before": [array], "after": [array]}. `weights` are those
    of the layer, its cell's among them, and `trainable` the variables that would be trained; `before` and
    `after` are the weights' values round `steps` steps of training, null where there are none or the host
    cannot train.
    """

    model: Json
    inputs: Array
    targets: Array
    part: str
    when: str
    wrapper: str | None = None
    copied: str | None = None
    steps: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Override:
    """Run the own layer round a cell of a subclass that overrides the step.

    The output of that step is the cell's plus `added`, its state the cell's. The layer may reject such a cell
    with ValueError, TypeError or NotImplementedError. Answer: {"output": (batch, time, size)}: every output.
    """

    model: Json
    parameters: Parameters
    inputs: Array
    added: float
    timespans: Array | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Compile:
    """Compile a model by XLA round the implementation's own layer, with these options.

    Answer: {"output", "before": {name: array}, "after": {name: array}}: what it predicts, and all parameters
    round `steps` epochs of training on `targets`, of the shape of the output. The last batch has one sample,
    the first all others.
    """

    model: Json
    parameters: Parameters
    inputs: Array
    targets: Array
    steps: int
    mask: Array | None = None
    timespans: Array | None = None
    options: Json | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Wiring:
    """Build a wiring, build it a second time, and make it of its config.

    Answer: {"once", "twice", "again"}, each {"adjacency": (units, units), "sensory_adjacency": (input_dim,
    units)} and, where it is known, "output_dim": the number of motor neurons, an integer.
    """

    kind: str
    arguments: Json
    input_dim: int


REQUESTS: dict[str, type] = {
    "build": Build,
    "parameters": InitialParameters,
    "step": Step,
    "sequence": Sequence,
    "gradients": Gradients,
    "sequence_gradients": SequenceGradients,
    "intermediates": Intermediates,
    "initial_state": InitialState,
    "shapes": Shapes,
    "roundtrip": RoundTrip,
    "save": Save,
    "load": Load,
    "train": Train,
    "freeze": Freeze,
    "override": Override,
    "compile": Compile,
    "wiring": Wiring,
}
"""By JSON-RPC method, its request; `describe` has no parameters, and the server answers it."""

METHODS = tuple(REQUESTS)

OPTIONAL_PARAMS = {"sequence": ["earlier", "eager"], "sequence_gradients": ["mask", "options"]}
"""By method, parameters added within this version of the protocol: an implementation may not know them."""
