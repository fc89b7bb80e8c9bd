"""The contract between the server and whatever adapts an implementation.

Keras cells and torch modules that follow the usual naming need nothing (`keras_cells`, `torch_modules`). For
any other, fill in `own.Cell`: twenty lines. An author who wants to answer every request by hand writes a
subclass of `Adapter` and names it as the target, `module:Class`; inside a harness process the base is
`from conformance_harness.adapter import Adapter`. What is left out is not offered, and never passed.
`requests` documents each request and its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from .requests import METHODS


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


class Adapter:
    """The base of adapters: add a method for each request that the implementation offers.

    `requests.REQUESTS` has the names, parameters and answers. The parameters that the driver sends are given
    by keyword; a method names those that it uses, and ends with `**rest` for the others:

        def step(self, model, parameters, inputs, state, timespans=None, **rest):

    Arguments and results are NumPy arrays and JSON values. `model` arrives as a JSON object; `Model.parse`
    checks it. Raise `NotSupported` for a request that is not offered under some condition; any other
    exception is reported as a finding.
    """

    host = "other"
    """"keras", which has several backends, or the name of the one backend that there is."""

    def __init__(self, target: str) -> None:
        self.target = target

    def cells(self) -> list[dict[str, Any]]:
        """Return [{"name", "family", "arguments": [...], "defaults": {...}}]; where they apply, also:

        "values" {argument: [...]}: the only values that an argument may have
        "fixed" {argument: value}: of arguments that it does not take, the values that are no defaults
        "timed": False where a step takes no elapsed time, with "untimed", what it raises if it is given some
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

    @property
    def programs(self) -> int:
        """Return the number of programs that were compiled so far, as far as it is known."""
        return 0

    def facts(self) -> dict[str, Any]:
        """Return the facts of `describe`: name, version, distribution, file, backend, regime, versions."""
        return {}

    def capabilities(self) -> list[str]:
        """Return the methods offered: those that the subclass has."""
        return [name for name in METHODS if hasattr(self, name)]


class RequestAdapter(Adapter):
    """The base of this harness's own adapters: each method takes its request, an object of `requests`."""

    def answering(self, request: Any) -> AbstractContextManager[None]:
        """Return the context in which a request is answered."""
        return nullcontext()
