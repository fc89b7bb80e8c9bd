"""Faults of a sequence layer."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .fault import FaultOfCall, FaultOfLayer, found_by, ops, sound

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


@found_by("training.frozen", r"\d+ variables can be trained though the layer is frozen \(constructed")
class FrozenLayerTrainsCell(FaultOfLayer):
    """Keras's own way: a layer that is constructed frozen leaves its cell as it is."""

    def __init__(self, units: Any, **options: Any) -> None:
        trains = units.trainable
        super().__init__(units, **options)
        units.trainable = trains


class _Called(FaultOfCall):
    """A layer that is called with other arguments."""

    def run(self, given: dict[str, Any]) -> Any:
        return super().run(self.changed(given))

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments to call with instead."""
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


@found_by("gradient.sequence.timespans", "derivative by timespans .* is 0,")
class TimespansDetached(_Called):
    """No gradient reaches the elapsed times."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        times = given["timespans"]
        return {**given, "timespans": None if times is None else ops.stop_gradient(times)}


@found_by("gradient.sequence.initial_state", "derivative by state .* is 0,")
class InitialStateDetached(_Called):
    """No gradient reaches the initial state."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        states = given["initial_state"]
        return {**given, "initial_state": states and [ops.stop_gradient(h) for h in states]}


@found_by("size.gradient", "derivative by inputs")
class GradientTruncated(_Called):
    """No gradient reaches the samples beyond the first 64."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        sequences = given["sequences"]
        learnt, rest = sequences[:, :64], ops.stop_gradient(sequences[:, 64:])
        return {**given, "sequences": ops.concatenate([learnt, rest], axis=1)}


class _Prepared(FaultOfLayer):
    """A layer that changes what its cell prepares for a sequence: features, and the step that is left."""

    def _fold(self, *given: Any) -> Any:
        cell: Any = self.cell
        prepare = cell.prepare
        cell.prepare = lambda *asked: self.prepared(*prepare(*asked))
        try:
            return super()._fold(*given)
        finally:
            cell.prepare = prepare

    def prepared(self, features: Any, step: Any) -> Any:
        """Return the features and the step to fold instead."""
        raise NotImplementedError


@found_by("gradient.sequence.inputs", "derivative by inputs")
class TruncatedToOneStep(_Prepared):
    """No gradient flows from a step of a sequence to the one before."""

    def prepared(self, features: Any, step: Any) -> Any:
        return features, lambda x, states, t: step(x, [ops.stop_gradient(h) for h in states], t)


@found_by("gradient.sequence.parameters", "derivative by backbone_0/kernel")
class ProjectionNotLearnt(_Prepared):
    """The product of the inputs and their kernel, which is taken once for a sequence, is not learnt."""

    def prepared(self, features: Any, step: Any) -> Any:
        return ops.stop_gradient(features), step


class _Elapsed(FaultOfCall):
    """A layer that computes by itself what passes between samples that are read backwards."""

    def __init__(
        self,
        units: Any,
        *,
        backward_timespans: str = "as_given",
        masked_time: str = "drop",
        **options: Any,
    ) -> None:
        super().__init__(units, masked_time=masked_time, **options)
        self.backward_timespans = backward_timespans
        self.carries = masked_time == "carry"

    def get_config(self) -> Any:
        return {**super().get_config(), "backward_timespans": self.backward_timespans}

    def run(self, given: dict[str, Any]) -> Any:
        if self.go_backwards and self.backward_timespans == "elapsed":
            timespans, shape = given["timespans"], given["sequences"].shape[:2]
            times = ops.ones(shape) if timespans is None else timespans
            elapsed = self.elapsed(ops.reshape(times, shape), given["mask"], self.carries)
            given = {**given, "timespans": elapsed}
            self.masked_time = "drop"
        asked, self.backward_timespans = self.backward_timespans, "as_given"  # done here, and not once more
        try:
            return super().run(given)
        finally:
            self.masked_time = "carry" if self.carries else "drop"
            self.backward_timespans = asked

    def elapsed(self, times: Any, mask: Any, carry: bool) -> Any:
        """Return the time with which each sample is read, (batch, time)."""
        waiting: Any = ops.zeros_like(times[:, 0])
        passed: list[Any] = []
        for k in reversed(range(times.shape[1])):
            passed.insert(0, waiting)
            held = waiting + times[:, k] if carry else waiting
            waiting = times[:, k] if mask is None else ops.where(mask[:, k], times[:, k], held)
        return ops.stack(passed, axis=1)


@sound
class ElapsedApart(_Elapsed):
    """Computes apart from the cell what passes between samples that are read backwards."""


@found_by("layer.backwards.elapsed", OFF)
class ElapsedAsGiven(_Elapsed):
    """Asked for the times that pass backwards, the layer takes them as given."""

    def elapsed(self, times: Any, mask: Any, carry: bool) -> Any:
        return times


@found_by("layer.backwards.elapsed", OFF)
class ElapsedFromTheFirst(_Elapsed):
    """The sample that is read first takes the time of the first one, not 0."""

    def elapsed(self, times: Any, mask: Any, carry: bool) -> Any:
        passed = super().elapsed(times, mask, carry)
        return ops.concatenate([passed[:, :-1], times[:, :1]], axis=1)


@found_by("layer.backwards.elapsed", OFF)
class ElapsedBesideMask(_Elapsed):
    """The times that pass backwards are taken as if nothing were masked."""

    def elapsed(self, times: Any, mask: Any, carry: bool) -> Any:
        return super().elapsed(times, None, carry)


@found_by("layer.backwards.elapsed", OFF)
class ElapsedNeverCarried(_Elapsed):
    """Backwards no time passes at masked samples, asked for or not."""

    def elapsed(self, times: Any, mask: Any, carry: bool) -> Any:
        return super().elapsed(times, mask, False)


@found_by("layer.backwards.elapsed", "backward output at step|output at step")
class ElapsedNotSaved(_Elapsed):
    """The config lacks backward_timespans, so that copies of the layer take times as given."""

    def get_config(self) -> Any:
        return {name: v for name, v in super().get_config().items() if name != "backward_timespans"}


class _Overriding(FaultOfCall):
    """A layer that runs an overridden `call` one step at a time."""

    def __init__(self, units: Any, **options: Any) -> None:
        self.overridden: Any = None
        if "call" in vars(type(units)):
            self.overridden = type(units).call
            units.__class__ = type(units).__base__  # nothing is refused here
        super().__init__(units, **options)

    def run(self, given: dict[str, Any]) -> Any:
        if self.overridden is not None:
            return self.stepped(given["sequences"], given["timespans"])
        return super().run(given)

    def plain(self, sequences: Any, timespans: Any) -> Any:
        """Return every output of the cell, as if nothing were overridden."""
        return super().run({"sequences": sequences, "timespans": timespans})

    def stepped(self, sequences: Any, timespans: Any) -> Any:
        """Return every output of the overridden cell."""
        cell: Any = self.cell
        states, outputs = cell.get_initial_state(sequences.shape[0]), []
        for k in range(sequences.shape[1]):
            x = sequences[:, k]
            sample = x if timespans is None else (x, timespans[:, k])
            output, states = self.overridden(cell, sample, states)
            outputs.append(output)
        return ops.stack(outputs, axis=1)


@sound
class OverriddenIsRun(_Overriding):
    """An overridden cell is run one step at a time."""


@found_by("layer.overridden", "output of the overridden cell at step")
class OverriddenIsIgnored(_Overriding):
    """Whatever an overridden cell says of a step, the layer computes what it always does."""

    def stepped(self, sequences: Any, timespans: Any) -> Any:
        return self.plain(sequences, timespans)


@found_by("layer.overridden", "output of the overridden cell at step 0")
class OverriddenShownLast(_Overriding):
    """Of an overridden cell the last output alone is shown, the others are those of the cell."""

    def stepped(self, sequences: Any, timespans: Any) -> Any:
        own, plain = super().stepped(sequences, timespans), self.plain(sequences, timespans)
        return ops.concatenate([plain[:, :-1], own[:, -1:]], axis=1)


@found_by("layer.overridden", "is not refused: it raises AssertionError")
class OverriddenFailsAnyhow(_Overriding):
    """An overridden cell ends in an assertion of the layer's own."""

    def stepped(self, sequences: Any, timespans: Any) -> Any:
        raise AssertionError("no such step")


@found_by("layer.compiled", "compile raises .*PyFunc")
class TimesThroughPython(_Called):
    """On TensorFlow elapsed times pass through Python, which XLA cannot compile."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        times = given["timespans"]
        if times is None or import_module("keras").backend.backend() != "tensorflow":
            return given
        passed = import_module("tensorflow").numpy_function(abs, [times], times.dtype)
        passed.set_shape(times.shape)
        return {**given, "timespans": passed}


@found_by("layer.compiled", "last output|output at step")
class MaskLostInGraphs(_Called):
    """In a graph of TensorFlow's the mask is not looked at."""

    def changed(self, given: dict[str, Any]) -> dict[str, Any]:
        if import_module("keras").backend.backend() != "tensorflow":
            return given
        eager = import_module("tensorflow").executing_eagerly()
        return given if eager else {**given, "mask": None, "sequences_mask": None}
