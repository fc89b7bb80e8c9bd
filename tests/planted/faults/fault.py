"""What a mutant is: a fault of a few lines, mixed into one of our cells where that is imported.

A fault inherits from nothing of Keras, so that the driver may read which clause is to find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ncps import BaseCell
else:
    BaseCell = object


class Fault(BaseCell):  # type: ignore[misc]
    """A part of a CfCCell."""

    spoils = "CfCCell"
    registered = True
    """Whether Keras is told of the class, as `register_keras_serializable` tells it."""


class FaultOfLTC(Fault):
    """A part of an LTCCell."""

    spoils = "LTCCell"


class FaultOfWiredLTC(Fault):
    """A part of a WiredLTCCell."""

    spoils = "WiredLTCCell"


class FaultOfMixedMemory(Fault):
    """A part of a MixedMemoryCell."""

    spoils = "MixedMemoryCell"


class FaultOfLayer(Fault):
    """A part of a CfC layer, which takes a CfCCell."""


class FaultOfCall(FaultOfLayer):
    """A part of a CfC layer whose call gets its arguments, and what Keras fills in, as a dictionary."""

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
        *,
        timespans: Any = None,
        sequences_mask: Any = None,
    ) -> Any:
        given = {"sequences": sequences, "initial_state": initial_state, "mask": mask, "training": training}
        return self.run({**given, "timespans": timespans, "sequences_mask": sequences_mask})

    def run(self, given: dict[str, Any]) -> Any:
        """Answer a call with these arguments, as the sound layer does unless this is overridden."""
        return super().call(**given)


@dataclass(frozen=True)
class Mutant:
    """A fault, the clause that must find it, and a pattern of what is then said of it."""

    fault: type[Fault]
    clause: str
    says: str

    @property
    def what(self) -> str:
        """Return what is wrong, in one line."""
        return self.fault.__doc__ or ""


MUTANTS: dict[str, Mutant] = {}
"""Every mutant that has been imported, by name."""

SOUND: dict[str, type[Fault]] = {}
"""Cells without a fault: no clause may find one."""

F = TypeVar("F", bound=type[Fault])


def found_by(clause: str, says: str) -> Callable[[F], F]:
    """Make a fault a mutant that `clause` must find and of which a failure's summary `says` so much."""

    def register(fault: F) -> F:
        MUTANTS[fault.__name__] = Mutant(fault, clause, says)
        return fault

    return register


def sound(cell: F) -> F:
    """Make a part a cell that no clause may find."""
    SOUND[cell.__name__] = cell
    return cell


class _Operations:
    """`keras.ops`, imported where it is first used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("keras").ops, name)


ops: Any = _Operations()


def pair(inputs: Any) -> tuple[Any, Any]:
    """Return the input and the elapsed time that a cell is called with, None where there is no time."""
    x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
    return x, t


def unpair(x: Any, t: Any) -> Any:
    """Return the inverse of `pair`."""
    return x if t is None else (x, t)
