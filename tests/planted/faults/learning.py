"""Faults of gradients and of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from .fault import Fault, FaultOfLTC, found_by, ops, pair, unpair


@found_by("gradient.parameters", "derivative by w_tau .* is 0,")
class RateNotLearnt(Fault):
    """No gradient reaches `w_tau`."""

    def _decayed(self, f1: Any, t: Any) -> Any:
        rate = ops.abs(ops.stop_gradient(self.w_tau.value)) + ops.abs(f1)
        return self.A.value - self.A.value * f1 * ops.exp(-rate * (1.0 if t is None else t))


@found_by("gradient.state", "derivative by state")
class StateNotLearnt(Fault):
    """No gradient flows through the state: a sequence is learnt one step at a time."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, [ops.stop_gradient(h) for h in states], training=training)


@found_by("gradient.parameters", "derivative by")
class StateDetached(Fault):
    """The state that is handed on leads back to nothing: only the last step of a sequence is learnt."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        output, states = super().call(inputs, states, training=training)
        return output, [ops.stop_gradient(h) for h in states]


@found_by("gradient.inputs", "derivative by inputs .* is 0,")
class InputsNotLearnt(FaultOfLTC):
    """No gradient reaches the inputs."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, t = pair(inputs)
        return super().call(unpair(ops.stop_gradient(x), t), states, training=training)


@found_by("gradient.timespans", "derivative by timespans .* is 0,")
class TimeNotLearnt(Fault):
    """No gradient reaches elapsed time."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, None if t is None else ops.stop_gradient(t))


@found_by("gradient.parameters", "derivative by")
class GateNotLearnt(Fault):
    """No gradient flows through the time gate."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        states, gates = heads[:, : 2 * self.units], heads[:, 2 * self.units :]
        return super().advance(ops.concatenate([states, ops.stop_gradient(gates)], axis=-1), h, t)


@found_by("gradient.precision", "gradient by .* but should be")
class DigitsLostBackwards(Fault):
    """The gradient by the new state goes through a difference of large numbers, which loses half of it."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        new = super().advance(heads, h, t)
        nothing = 1e4 * (ops.softplus(new) - ops.softplus(-new) - new)
        return new + (nothing - ops.stop_gradient(nothing))


@found_by("gradient.parameters", "derivative by (tau_kernel|backbone)")
class ClippedStraightThrough(FaultOfLTC):
    """Where the time constant is held at a limit, the gradient passes as if it were not."""

    def _relax(self, h: Any, d: Any, log_tau: Any, t: Any) -> Any:
        held = ops.clip(log_tau, -9.0, 9.0)
        return super()._relax(h, d, ops.stop_gradient(held - log_tau) + log_tau, t)


@found_by("training.step", "tau_kernel/(kernel|bias) is not changed by a step")
class TauNotLearnt(FaultOfLTC):
    """The time constant is not trained."""

    def _relax(self, h: Any, d: Any, log_tau: Any, t: Any) -> Any:
        return super()._relax(h, d, ops.stop_gradient(log_tau), t)


@found_by("training.step", "is not finite after a step")
class SlopeOfARoot(FaultOfLTC):
    """The root of a number that is 0 is added: the sum is right, and its slope infinite times 0."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        new = super().advance(heads, h, t)
        return new + ops.sqrt(0.0 * new)


@found_by("training.reproducible", "but should be exactly")
class SeedOfItsOwn(Fault):
    """The masks are seeded from the system, whatever seed Keras has."""

    def __init__(self, units: int, **arguments: Any) -> None:
        entropy = int(np.random.SeedSequence().entropy) % 2**31  # type: ignore[arg-type]
        super().__init__(units, **{"seed": entropy, **arguments})


@found_by("training.reproducible", "but should be exactly")
class NoiseInTraining(FaultOfLTC):
    """While training, noise of the system's is added."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        if training:
            new = new + np.random.default_rng().normal(0.0, 1e-2)
        return new, [new]


@found_by("training.frozen", r"\d+ variables can be trained though the (cell|layer) is frozen")
class FreezingForgetsLayers(Fault):
    """What a frozen cell makes when it is built, its layers, can be trained."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for layer in self.backbone:
            layer.trainable = True


@found_by("training.frozen", r"\d+ variables can be trained though .* copied: (layer|model|clone)")
class FreezingNotSaved(FaultOfLTC):
    """The config of a frozen cell is that of one that trains."""

    def get_config(self) -> Any:
        return {**super().get_config(), "trainable": True}


@found_by("training.frozen", "is changed by a step though the (cell|layer) is frozen")
class MovesWhileFrozen(FaultOfLTC):
    """While training each step moves the bias by itself, whether it is to be trained or not."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, states = super().call(inputs, states, training=training)
        if training:
            self.bias.assign(0.9 * self.bias.value + 0.1 * ops.mean(new) + 0.1)
        return new, states
