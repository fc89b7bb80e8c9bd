"""Faults of a sequence layer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfLayer, found_by

OFF = "output at step"


@found_by("layer.model", OFF)
class DirectionNotSaved(FaultOfLayer):
    """`get_config` of the layer lacks go_backwards."""

    def get_config(self) -> Any:
        return {name: value for name, value in super().get_config().items() if name != "go_backwards"}


@found_by("layer.training", "ff1_bias is not changed by a step")
class BiasFixedBesideTime(FaultOfLayer):
    """Beside timespans a bias is not trained."""

    def build(
        self, sequences_shape: Any, initial_state_shape: Any = None, timespans_shape: Any = None
    ) -> None:
        super().build(sequences_shape, initial_state_shape, timespans_shape)
        cell: Any = self.cell
        cell.ff1_bias.trainable = timespans_shape is None


class _Called(FaultOfLayer):
    """A layer whose call gets its arguments, and what Keras fills in, as a dictionary."""

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
        given = {"initial_state": initial_state, "mask": mask, "timespans": timespans}
        changed = self.changed({**given, "sequences_mask": sequences_mask})
        return super().call(sequences, training=training, **changed)

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        """What is called with instead."""
        raise NotImplementedError


@found_by("layer.backends", OFF)
class TimeDoubledOnTorch(_Called):
    """On torch elapsed time counts twice."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        factor = 2.0 if import_module("keras").backend.backend() == "torch" else 1.0
        times = given["timespans"]
        return {**given, "timespans": None if times is None else factor * times}


@found_by("layer.mask.implicit", OFF)
class ImplicitMaskDropped(_Called):
    """Keras's own way: the mask of a layer in front is lost beside timespans."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "sequences_mask": None}


@found_by("layer.unroll", OFF)
class UnrolledWithoutTime(_Called):
    """An unrolled layer drops the timespans."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "timespans": None if self.unroll else given["timespans"]}


@found_by("layer.mask.unroll", OFF)
class UnrolledWithoutMask(_Called):
    """An unrolled layer drops the mask."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "mask": None if self.unroll else given["mask"]}
