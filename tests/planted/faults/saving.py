"""Faults of configs, saved files and copies."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from .fault import Fault, FaultOfLTC, found_by, ops


@found_by("serialization.config.complete", "get_config lacks 'solver'")
class ConfigKeyLost(FaultOfLTC):
    """`solver` is not in the config."""

    def get_config(self) -> Any:
        config = super().get_config()
        del config["solver"]
        return config


@found_by("serialization.config.complete", "get_config has another 'backbone_units'")
class ConfigHoldsDefault(Fault):
    """The config holds the default of `backbone_units`, whatever was given."""

    def get_config(self) -> Any:
        return {**super().get_config(), "backbone_units": 128}


@found_by("serialization.config.complete", "get_config (lacks|has another) 'dtype'")
class ConfigWithoutBase(Fault):
    """The config lacks what every layer of Keras has: name and dtype."""

    def get_config(self) -> Any:
        config = super().get_config()
        return {key: value for key, value in config.items() if key not in ("name", "trainable", "dtype")}


@found_by("serialization.config.json", "function is not JSON serializable")
class ConfigHoldsFunction(Fault):
    """The config holds the activation itself instead of its name."""

    def get_config(self) -> Any:
        return {**super().get_config(), "activation": self.activation}


@found_by("serialization.config.json", "float32 is not JSON serializable")
class ConfigHoldsNumpy(FaultOfLTC):
    """The config holds a number of NumPy's."""

    def get_config(self) -> Any:
        return {**super().get_config(), "backbone_dropout": np.float32(self.backbone_dropout)}


@found_by("serialization.config.round_trip", "another head_activation in its config|after the round trip")
class FromConfigDropsArgument(Fault):
    """`from_config` drops `head_activation`."""

    @classmethod
    def from_config(cls, config: Any) -> Any:
        return super().from_config({key: config[key] for key in config if key != "head_activation"})


@found_by("serialization.config.round_trip", "another name in its config")
class ConfigGrows(Fault):
    """Each config has a longer name than the one before."""

    def get_config(self) -> Any:
        return {**super().get_config(), "name": f"{self.name}_copy"}


@found_by("size.serialization", "after the round trip")
class WideKernelCut(Fault):
    """What is loaded of a kernel ends at its column 32."""

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        self.ff1_kernel.assign(self.ff1_kernel * ops.cast(ops.arange(self.units) < 32, "float32"))


@found_by("serialization.clone", "after the round trip")
class CloneForgetsActivations(Fault):
    """`from_config` leaves the activations at their defaults."""

    @classmethod
    def from_config(cls, config: Any) -> Any:
        lost = ("activation", "head_activation")
        return super().from_config({key: config[key] for key in config if key not in lost})


@found_by("sequence.bidirectional", "forward output.* but should be")
class CopyIsTheSame(FaultOfLTC):
    """`from_config` gives back the cell that the config is of, so that copies share their weights."""

    made: ClassVar[dict[str, Any]] = {}

    def get_config(self) -> Any:
        self.made[self.name] = self
        return super().get_config()

    @classmethod
    def from_config(cls, config: Any) -> Any:
        return cls.made.get(config["name"]) or super().from_config(config)


@found_by("serialization.weights", "after the round trip")
class WeightNotRestored(Fault):
    """`ff1_bias` is saved and not loaded."""

    def load_own_variables(self, store: Any) -> None:
        before = ops.copy(self.ff1_bias.value)
        super().load_own_variables(store)
        self.ff1_bias.assign(before)


@found_by("serialization.model", "after the round trip")
class WeightsSwapped(Fault):
    """Two variables of one shape change places when they are loaded."""

    def load_own_variables(self, store: Any) -> None:
        super().load_own_variables(store)
        one, other = (self.w_tau, self.A) if self.mode == "pure" else (self.ff1_bias, self.ff2_bias)
        value = ops.copy(one.value)
        one.assign(other.value)
        other.assign(value)


@found_by("serialization.backends", "load raises ValueError: .* objects could not be loaded")
class WeightsOfTheBackend(FaultOfLTC):
    """Kernels are saved (out, in) on torch, as torch keeps its own, and (in, out) elsewhere."""

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self._transposes:
            kernel = np.array(store["0"]).T
            del store["0"]
            store["0"] = kernel

    def load_own_variables(self, store: Any) -> None:
        if self._transposes:
            store = {key: np.array(store[key]) for key in list(store.keys())}
            store["0"] = store["0"].T
        super().load_own_variables(store)

    @property
    def _transposes(self) -> bool:
        return bool(import_module("keras").backend.backend() == "torch")


@found_by("serialization.deepcopy", "after the round trip")
class CopyStartsAnew(Fault):
    """A deep copy has the config and not the weights."""

    def __deepcopy__(self, memo: Any) -> Any:
        return type(self).from_config(self.get_config())


@found_by("serialization.fresh_process", "load raises TypeError: Could not locate class 'RegisteredLate'")
class RegisteredLate(Fault):
    """The class is registered with Keras when the first cell is made, not when the package is imported."""

    registered = False

    def __init__(self, units: int, **arguments: Any) -> None:
        super().__init__(units, **arguments)
        type(self).__module__ = "__main__"  # where Keras does not look by itself
        import_module("keras").saving.register_keras_serializable(package="mutants")(type(self))
