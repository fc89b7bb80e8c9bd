"""Differences in names between PyPI's `ncps` and this package, for the errors that users see when they move.

Both packages have the import name `ncps`, and much published code is written for the one on PyPI. The
documentation has the full list: "Moving from PyPI's ncps".
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from ncps._arguments import shown

Constructor = TypeVar("Constructor", bound=Callable[..., None])

THIS = "this ncps is ncps-keras, liquid cells for Keras 3, and not PyPI's ncps"
SEE = 'see "Moving from PyPI\'s ncps" in its documentation'
CLASSES = "CfC, LTC and the cells are in ncps itself"

# Modules, and names that could be modules.
MODULES = {
    "ncps.torch": f"{CLASSES}, and run on torch with KERAS_BACKEND=torch",
    "ncps.tf": f"{CLASSES}, and run on TensorFlow with KERAS_BACKEND=tensorflow",
    "ncps.keras": CLASSES,
    "ncps.mini_keras": CLASSES,
    "ncps.paddle": f"Keras does not run on Paddle; {CLASSES}, its LTCCell is WiredLTCCell",
    "ncps.datasets": "it holds no data",
    "ncps.MixedMemoryRNN": "MixedMemoryCell has an LSTM in front of a cell",
    "ncps.wirings.wirings": "the wirings are in ncps.wirings itself",
}

NO_INPUTS = "the first call, or build, gives the number of inputs"
BATCH_FIRST = (
    "must be left out: sequences are (batch, time, features); keras.ops.swapaxes(x, 0, 1) turns others round"
)
GRAPH = 'must be under "graph": from_config({"units": units, "graph": the rest of PyPI\'s config})'
SPARSITY = "must be left out: a wiring says which neurons are joined, WiredCfCCell(wiring)"

# Arguments of constructors, consulted where there is none of that name.
ARGUMENTS = {
    "activation": "must be left out: a wired cell has no backbone",
    "adjacency_matrix": GRAPH,
    "backbone_activation": "must be given as activation",
    "batch_first": BATCH_FIRST,
    "forget_gate_bias": "must be left out: it is 1",
    "hidden_size": "must be given as units, the first argument",
    "in_features": f"must be left out: {NO_INPUTS}",
    "input_size": f"must be left out: {NO_INPUTS}",
    "input_sparsity": SPARSITY,
    "minimal": 'must be given as mode="pure"',
    "no_gate": 'must be given as mode="no_gate"',
    "proj_size": "must be left out: a keras.layers.Dense behind the layer projects its output",
    "recurrent_sparsity": SPARSITY,
    "rnn_cell": "must be given as cell, the first argument",
    "sparsity_mask": SPARSITY,
    "time_major": BATCH_FIRST,
    "wiring": "must be given as units, the first argument",
}
NEEDED = {
    "activation": "wiring",
    "backbone_activation": "activation",
    "hidden_size": "units",
    "minimal": "mode",
    "no_gate": "mode",
    "rnn_cell": "cell",
    "wiring": "units",
}
"""The argument that a class must have for its entry in `ARGUMENTS` to be true of it."""
FIRST = ("hidden_size", "in_features", "input_size", "rnn_cell", "wiring")
"""Names of arguments that are given in place of a missing first argument."""


class Signpost:
    """An import finder, after all others, whose error gives the place here of a module of PyPI's `ncps`."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        """Raise ModuleNotFoundError for a module of PyPI's `ncps`; find no other module."""
        if name in MODULES:
            # Without `name=`: an error that has it is replaced where the import is `from ncps import torch`.
            raise ModuleNotFoundError(f"No module named {name!r}: {THIS}; {MODULES[name]}; {SEE}")


def put_up_signpost() -> None:
    """Install the finder, so that an import of a module of PyPI's `ncps` fails with its place here."""
    if Signpost not in sys.meta_path:
        sys.meta_path.append(Signpost)


def no_attribute(name: str) -> str:
    """Return the message for an attribute that the package `ncps` does not have."""
    message = f"module 'ncps' has no attribute {name!r}"
    place = MODULES.get(f"ncps.{name}")
    return f"{message}: {THIS}; {place}; {SEE}" if place else message


def leading(
    name: str, wired: str | None = None, renamed: Sequence[str] = ()
) -> Callable[[Constructor], Constructor]:
    """Mark a constructor, so that its `Guided` class explains first arguments written for PyPI's `ncps`.

    Args:
        name: Name of the first argument, such as `"units"`.
        wired: The class that takes a wiring, where the marked class takes none.
        renamed: Arguments of a base that the constructor takes under the name given in `ARGUMENTS`.
    """

    def mark(constructor: Constructor) -> Constructor:
        _, *parameters = inspect.signature(constructor).parameters.values()
        most = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        constructor.leading = name, wired, renamed, most  # type: ignore[attr-defined]
        return constructor

    return mark


class Guided:
    """Base of layers whose constructor may be marked by `leading`; that of a subclass is not marked.

    The checks are in `__new__`: Keras reads the signature of `__init__`, so `__init__` cannot be a wrapper.
    """

    def __new__(cls, *given: Any, **named: Any) -> Self:
        if marked := getattr(cls.__init__, "leading", None):
            name, wired, renamed, most = marked
            _check_first(cls.__name__, name, wired, given, named)
            _check_names(cls.__name__, named, renamed if given or name in named else FIRST)
            _check_number(cls.__name__, name, given, most)
        return super().__new__(cls, *given, **named)


def _check_first(
    owner: str, name: str, wired: str | None, given: tuple[Any, ...], named: Mapping[str, Any]
) -> None:
    """Reject a wiring as the first argument of a class that takes none; `wired` is the class that does."""
    first = given[0] if given else named.get(name, named.get("wiring"))
    if wired and _is_wiring(first):
        short = _short(first)
        raise TypeError(f"{owner}({short}): {name} must be an integer; a wiring goes into {wired}({short})")


def _check_names(owner: str, named: Mapping[str, Any], others: Iterable[str]) -> None:
    """Reject the arguments in `named` whose names are in `others`, names of PyPI's `ncps`."""
    for name in sorted(named.keys() & set(others)):
        raise TypeError(f"{owner}({name}={_short(named[name])}): {name} {ARGUMENTS[name]}")


def _check_number(owner: str, name: str, given: tuple[Any, ...], most: int) -> None:
    """Reject `CfC(3, 4)`, which begins with a number of inputs, and more than `most` positional arguments."""
    call = f"{owner}({', '.join(map(_short, given))})"
    if len(given) > 1 and (_is_count(given[1]) or _is_wiring(given[1])):
        own = given[0] if _is_wiring(given[0]) else given[1]
        raise TypeError(
            f"{call}: the number of inputs must be left out, and {name} is the first argument: "
            f"{owner}({_short(own)}); {NO_INPUTS}"
        )
    if len(given) > most:
        raise TypeError(f"{call}: all arguments after {name} must be given by name")


def _is_count(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool) and not hasattr(value, "shape")


def _is_wiring(value: Any) -> bool:
    return hasattr(value, "adjacency_matrix")


def _short(value: Any) -> str:
    return f"{type(value).__name__}(...)" if _is_wiring(value) else shown(value)
