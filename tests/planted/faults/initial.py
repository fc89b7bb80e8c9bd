"""Faults of the values with which a cell begins."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from .fault import Fault, FaultOfLTC, FaultOfMixedMemory, FaultOfWiredLTC, found_by, ops

VALUES = "initialization.values"
OUTSIDE, FREE = "initial .* is in .*, but should be of the uniform", "initial .*: the ends stay free"
ELSE, AGAIN = "initial .* but should be exactly", "initial .* has the very numbers of"


def drawn(name: str, *arguments: Any, **named: Any) -> Any:
    """Return an initializer of Keras."""
    return getattr(import_module("keras").initializers, name)(*arguments, **named)


@found_by(VALUES, OUTSIDE)
class KernelsTwiceAsWide(Fault):
    """Kernels begin in twice the range of Glorot's."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name.endswith("kernel"):
            more["initializer"] = drawn("VarianceScaling", 4.0, "fan_avg", "uniform")
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, OUTSIDE)
class KernelsNormal(FaultOfLTC):
    """The kernel begins Glorot normal."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name == "kernel":
            more["initializer"] = "glorot_normal"
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, "initial kernel, .* but its distribution is off by")
class KernelsCrowded(FaultOfLTC):
    """The kernel begins in Glorot's range, and most of its numbers near 0."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        kernel, limit = self.kernel.value, (6.0 / sum(self.kernel.shape)) ** 0.5
        self.kernel.assign(kernel * ops.abs(kernel) / limit)


@found_by(VALUES, FREE)
class KernelsNarrower(Fault):
    """`ff1_kernel` begins in a range that is narrower by a tenth."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name == "ff1_kernel":
            more["initializer"] = drawn("VarianceScaling", 0.81, "fan_avg", "uniform")
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, OUTSIDE)
class KernelsByInputs(FaultOfLTC):
    """Kernels begin in the range that their inputs alone give."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name.endswith("kernel"):
            more["initializer"] = "lecun_uniform"
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, ELSE)
class BiasesOfOnes(Fault):
    """Biases of the heads begin as ones."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name in ("ff1_bias", "ff2_bias"):
            more["initializer"] = "ones"
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, ELSE)
class RateDrawn(Fault):
    """`w_tau` and `A` of the pure mode are drawn."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name in ("w_tau", "A"):
            more["initializer"] = "glorot_uniform"
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, AGAIN)
class HeadsBeginAlike(Fault):
    """Both heads begin with the same kernel."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.mode != "pure":
            self.ff2_kernel.assign(self.ff1_kernel.value)


@found_by(VALUES, AGAIN)
class BeginsAlike(FaultOfLTC):
    """Each cell begins with the same numbers, whatever the seed."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name.endswith("kernel"):
            more["initializer"] = drawn("GlorotUniform", seed=1)
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, "initial (sensory_)?erev.* but should be exactly")
class PolarityDrawn(FaultOfWiredLTC):
    """The sign of a synapse is drawn anew by each cell."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        signs = np.random.choice([-1.0, 1.0], self.erev.shape)
        self.erev.assign(signs * ops.convert_to_numpy(self.erev))


@found_by(VALUES, "initial (sensory_)?erev.* but should be exactly")
class PolarityUnsigned(FaultOfWiredLTC):
    """Every synapse begins excitatory."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        for erev in (self.erev, self.sensory_erev):
            erev.assign(erev.value * erev.value)


@found_by(VALUES, "initial cm, .*: the ends stay free")
class CapacitanceNarrower(FaultOfWiredLTC):
    """`cm` begins in (0.41, 0.59)."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name == "cm":
            more["initializer"] = drawn("RandomUniform", 0.41, 0.59)
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, "initial sensory_(mu|sigma) .* but should be of the uniform")
class SensoryAsNeurons(FaultOfWiredLTC):
    """The sensory `mu` and `sigma` begin in each other's range."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        ranges = {"sensory_mu": (3.0, 8.0), "sensory_sigma": (0.3, 0.8)}
        if name in ranges:
            more["initializer"] = drawn("RandomUniform", *ranges[name])
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, "initial recurrent_kernel should be orthogonal")
class RecurrentNotOrthogonal(FaultOfMixedMemory):
    """The recurrent kernel of the memory begins Glorot uniform."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        if name == "recurrent_kernel":
            more["initializer"] = "glorot_uniform"
        return super().add_weight(*arguments, name=name, **more)


@found_by(VALUES, "initial bias.* but should be exactly")
class ForgetBiasOfOnes(FaultOfMixedMemory):
    """The bias of the forget gate begins as 1, which the formula adds already."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.bias.assign(np.repeat([0.0, 0.0, 1.0, 0.0], self.units).astype("float32"))
