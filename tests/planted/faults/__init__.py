"""Wrong cells that the suite must find, judged as `faults:NAME`; `faults.every:Every` serves all of them.

Each is one of our cells with one fault. Importing this package imports neither Keras nor the cells.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import (  # noqa: F401
    crashing,
    dropping,
    initial,
    keeping,
    layering,
    learning,
    masking,
    saving,
    shaping,
    sound,
    stepping,
    wiring,
)
from .fault import MUTANTS, SOUND, Fault, FaultOfLayer

FAULTS = {name: mutant.fault for name, mutant in MUTANTS.items()} | SOUND


def cells() -> dict[str, Any]:
    """Return every mutant, and every cell without a fault, as a Keras class by its name."""
    return {name: _spoiled(fault) for name, fault in FAULTS.items()}


def __getattr__(name: str) -> Any:
    """Make the cell of this name, when it is asked for."""
    if name in FAULTS:
        return _spoiled(FAULTS[name])
    raise AttributeError(f"no fault {name!r}; there are {', '.join(__dir__())}")


def __dir__() -> list[str]:
    return sorted(FAULTS)


def _spoiled(fault: type[Fault]) -> Any:
    """Return the cell with the fault, or with a layer that has it; register it unless that is the fault."""
    ours = import_module("ncps")
    if issubclass(fault, FaultOfLayer):
        layer = _made(fault, f"{fault.__name__}Layer", fault, ours.CfC)
        return _made(fault, fault.__name__, getattr(ours, fault.spoils), sequence_layer=layer)
    return _made(fault, fault.__name__, fault, getattr(ours, fault.spoils))


def _made(fault: type[Fault], name: str, *bases: Any, **attributes: Any) -> Any:
    named = {"__doc__": fault.__doc__, "__module__": fault.__module__, **attributes}
    made, keras = type(name, bases, named), import_module("keras")
    return keras.saving.register_keras_serializable(package="mutants")(made) if fault.registered else made
