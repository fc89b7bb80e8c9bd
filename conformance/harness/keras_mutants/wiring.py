"""Faults of wired cells that show in training."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfWiredLTC, found_by


@found_by("wired_ltc.constraints", "after training (gleak|w|sensory_w|cm) has a value of")
class ConstraintsLost(FaultOfWiredLTC):
    """Conductances and capacitance may become anything."""

    def add_weight(self, *arguments: Any, constraint: Any = None, **more: Any) -> Any:
        return super().add_weight(*arguments, **more)


@found_by("wiring.training", "w after training where there is nothing")
class AbsentSynapsesDecay(FaultOfWiredLTC):
    """After each step of training every w is a little smaller, also where there is no synapse."""

    def add_weight(self, *arguments: Any, name: str, constraint: Any = None, **more: Any) -> Any:
        if name == "w":
            constraint = _decay()
        return super().add_weight(*arguments, name=name, constraint=constraint, **more)


def _decay() -> Any:
    class Decay(import_module("keras").constraints.Constraint):  # type: ignore[misc]
        def __call__(self, w: Any) -> Any:
            return 0.99 * w

    return Decay()
