"""Faults of wired cells that show in gradients and in training."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfWiredLTC, found_by, ops


@found_by("gradient.state", "derivative by state")
class SynapsesDetached(FaultOfWiredLTC):
    """No gradient flows through a synapse to the neuron before it."""

    def _synapses(self, kind: str, adjacency: Any) -> Any:
        currents = super()._synapses(kind, adjacency)
        return currents if kind else lambda v: currents(ops.stop_gradient(v))


@found_by("gradient.parameters", "derivative by erev .* is 0,")
class ReversalNotLearnt(FaultOfWiredLTC):
    """The polarity of a synapse is not learnt."""

    def _parameter(self, name: str) -> Any:
        value = super()._parameter(name)
        return ops.stop_gradient(value) if name == "erev" else value


@found_by("wired_ltc.constraints", "after training (gleak|w|sensory_w|cm) has a value of")
class ConstraintsLost(FaultOfWiredLTC):
    """Conductances and capacitance may become anything."""

    def add_weight(self, *arguments: Any, constraint: Any = None, **more: Any) -> Any:
        return super().add_weight(*arguments, **more)


@found_by("wiring.training", "w after training where there is no synapse")
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
