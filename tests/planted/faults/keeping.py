"""Faults of a sequence layer: the states that it keeps between calls, and the dtypes of what it returns."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfCall, FaultOfLayer, found_by, ops


class _AnyBatch(FaultOfCall):
    """A stateful layer that takes a batch of any size."""

    def run(self, given: dict[str, Any]) -> Any:
        batch, state = given["sequences"].shape[0], given["initial_state"]
        if not self.stateful or self.states[0].shape[0] == batch:
            return super().run(given)
        states = self.states_for(batch) if state is None else state
        self.stateful: bool = False
        try:
            return super().run({**given, "initial_state": states})
        finally:
            self.stateful = True

    def states_for(self, batch: int) -> Any:
        """Return the states from which another batch goes on."""
        raise NotImplementedError


@found_by("layer.stateful.batch", "is accepted in silence")
class StateOfFirstForAll(_AnyBatch):
    """Another batch goes on from the state that was kept of the first sample."""

    def states_for(self, batch: int) -> Any:
        return [ops.broadcast_to(state.value[:1], (batch, state.shape[1])) for state in self.states]


@found_by("layer.stateful.batch", "is accepted in silence")
class StateForgottenInSilence(_AnyBatch):
    """Another batch begins from zeros, and nobody is told."""

    def states_for(self, batch: int) -> Any:
        return [ops.zeros((batch, state.shape[1]), state.dtype) for state in self.states]


@found_by("layer.stateful.batch", "with an initial state is accepted in silence")
class InitialStateOfAnyBatch(_AnyBatch):
    """Another batch is refused, unless it brings a state, and then its own is not kept."""

    def states_for(self, batch: int) -> Any:
        raise ValueError(f"a batch of {batch} for states of {self.states[0].shape[0]}")


class _Cast(FaultOfCall):
    """A layer that returns what it computed in halves in another dtype."""

    def run(self, given: dict[str, Any]) -> Any:
        answer = super().run(given)
        if self.compute_dtype == self.variable_dtype:
            return answer
        return self.cast(*answer) if isinstance(answer, tuple) else self.cast(answer)[0]

    def cast(self, output: Any, *states: Any) -> Any:
        """Return output and states in the dtypes of the answer."""
        raise NotImplementedError


@found_by("dtype.policy.layer", "under mixed_b?float16 the output of the layer is float32")
class OutputWidened(_Cast):
    """Under a policy of halves, outputs are float32."""

    def cast(self, output: Any, *states: Any) -> Any:
        return (ops.cast(output, "float32"), *states)


@found_by("dtype.policy.layer", "under mixed_b?float16 the state of the layer is float32")
class LastStateWidened(_Cast):
    """Under a policy of halves, the last state is float32."""

    def cast(self, output: Any, *states: Any) -> Any:
        return (output, *(ops.cast(state, "float32") for state in states))


@found_by("dtype.policy.layer", "under mixed_b?float16 the variable of the layer is b?float16")
class VariablesInHalves(FaultOfLayer):
    """A layer that computes in halves keeps the variables of its cell in them too."""

    def __init__(self, units: Any, **options: Any) -> None:
        if units.compute_dtype != units.variable_dtype:
            options["dtype"] = units.compute_dtype
            units.dtype_policy = import_module("keras").DTypePolicy(units.compute_dtype)
        super().__init__(units, **options)


@found_by("dtype.policy.layer", "the output of the layer_bidirectional is float32")
class PolicyNotCopied(FaultOfLayer):
    """The config of the layer and its cell says float32, so that the copies in Bidirectional are."""

    def get_config(self) -> Any:
        return in_float32(super().get_config())


def in_float32(config: Any) -> Any:
    """Return a config in which every dtype is float32."""
    if not isinstance(config, dict):
        return config
    return {name: "float32" if name == "dtype" else in_float32(value) for name, value in config.items()}
