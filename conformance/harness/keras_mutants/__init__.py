"""Wrong cells that the suite must find, served as `mutant:NAME`, and all of them as `mutant:*`.

Each is one of our cells with one fault. Importing this package imports neither Keras nor the cells.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import crashing, dropping, learning, saving, shaping, sound, stepping
from .fault import MUTANTS, SOUND, Fault, Mutant

__all__ = ["MUTANTS", "SOUND", "Mutant", "cells"]

_ = (crashing, dropping, learning, saving, shaping, sound, stepping)


def cells() -> dict[str, Any]:
    """Every mutant, and every cell without a fault, as a Keras class by its name."""
    faults = {name: mutant.fault for name, mutant in MUTANTS.items()} | SOUND
    return {name: _spoiled(fault) for name, fault in faults.items()}


def _spoiled(fault: type[Fault]) -> Any:
    """The cell with the fault, registered with Keras unless that is the fault."""
    keras, ours = import_module("keras"), getattr(import_module("ncps"), fault.cell)
    named = {"__doc__": fault.__doc__, "__module__": fault.__module__}
    cell = type(fault.__name__, (fault, ours), named)
    return keras.saving.register_keras_serializable(package="mutants")(cell) if fault.registered else cell
