"""Faults of a step: what it reads, returns, remembers and changes."""

from __future__ import annotations

from typing import Any

from .fault import Fault, FaultOfLTC, found_by, ops, pair

OFF = "output.* but should be"


@found_by("step.output_is_state", "state.* but should be exactly")
class StateIsOld(Fault):
    """The state returned is the one that was given."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, states, training=training)[0], states


@found_by("step.output_is_state", "state.* but should be exactly")
class StateInHalf(FaultOfLTC):
    """The state returned is the output rounded to float16."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        return new, [ops.cast(ops.cast(new, "float16"), self.compute_dtype)]


@found_by("state.repeatable", "output of the same call.* but should be exactly")
class CountsCalls(Fault):
    """Every call adds a little to the answer of the next."""

    calls = 0

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        self.calls += 1
        return super().advance(heads, h, t) + 1e-3 * self.calls


@found_by("state.repeatable", "output of the same call.* but should be exactly")
class Remembers(FaultOfLTC):
    """A step adds some of the answer before, of whatever sequence, to the state that it is given."""

    last: Any = None

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        leaks = self.last is not None and self.last.shape == h.shape
        self.last = super().advance(heads, h + 0.1 * self.last if leaks else h, t)
        return self.last


@found_by("state.pure", "state after the step.* but should be exactly")
class WritesState(Fault):
    """The new state is written over the one that was given."""

    def __call__(self, inputs: Any, states: Any, **named: Any) -> Any:
        answer = super().__call__(inputs, states, **named)
        states[0][...] = answer[0]
        return answer


@found_by("state.pure", "inputs after the step.* but should be exactly")
class WritesInputs(FaultOfLTC):
    """The inputs are centred in place."""

    def __call__(self, inputs: Any, states: Any, **named: Any) -> Any:
        x, _ = pair(inputs)
        x -= ops.mean(x) + 0.5
        return super().__call__(inputs, states, **named)


@found_by("state.pure", "ff1_bias after the step.* but should be exactly")
class WritesParameter(Fault):
    """Each step moves `ff1_bias` towards its answer."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        new = super().advance(heads, h, t)
        self.ff1_bias.assign(0.9 * self.ff1_bias.value + 0.1 * ops.mean(new) + 0.1)
        return new


@found_by("state.rows", "rows .* of the batch: output")
class BatchMean(Fault):
    """The mean of the batch is taken off the features."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads - ops.mean(heads, axis=0, keepdims=True), h, t)


@found_by("state.rows", "rows .* of the batch: output")
class NeighbourState(FaultOfLTC):
    """Each sample goes on from the state of the one before."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, ops.roll(h, 1, axis=0), t)


@found_by("time.per_sample", OFF)
class TimeIgnored(FaultOfLTC):
    """Elapsed time is always 1."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, None)


@found_by("time.per_sample", OFF)
class TimeOfFirstSample(Fault):
    """The time of the first sample is that of all."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, t if t is None or len(t.shape) == 0 else t[:1])


@found_by("time.per_sample", OFF)
class TimeAlongUnits(Fault):
    """Where there are as many samples as units, time runs along the units."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        along = t is not None and tuple(t.shape) == (self.units, 1)
        return super().advance(heads, h, ops.transpose(t) if along else t)


@found_by("time.scalar", "step raises IndexError")
class ScalarTimeRefused(Fault):
    """A time that is one number for all samples cannot be taken."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, t if t is None else t[:, :])


@found_by("time.default", OFF)
class NoTimeIsZero(FaultOfLTC):
    """Where no time is given it is 0."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, ops.zeros_like(h[:, :1]) if t is None else t)


@found_by("time.zero", "output.* is nan, but should be")
class DividesByTime(FaultOfLTC):
    """The new state is divided by elapsed time and multiplied again."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        new = super().advance(heads, h, t)
        return new if t is None else new / t * t


@found_by("time.large", "output.* is nan, but should be")
class ExponentialOfTime(Fault):
    """The time is computed from exp(t), which leaves every dtype."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(heads, h, None if t is None else t * ops.exp(t) / ops.exp(t))


@found_by("dtype.float64", OFF)
class Float32Inside(FaultOfLTC):
    """The features pass through float32."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        return super().advance(ops.cast(ops.cast(heads, "float32"), self.compute_dtype), h, t)


@found_by("dtype.policy", "the output is float32, but should be b?float16")
class OutputInFloat32(Fault):
    """The output is float32 under every policy."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, states = super().call(inputs, states, training=training)
        return ops.cast(new, "float32"), states


@found_by("dtype.policy", "under mixed_.* a variable is not float32")
class VariablesInHalf(Fault):
    """Variables have the dtype of the computation."""

    def add_weight(self, *arguments: Any, **named: Any) -> Any:
        return super().add_weight(*arguments, **{"dtype": self.compute_dtype, **named})


HALVES = ("float16", "bfloat16")


@found_by("dtype.half", "under mixed_.*the output.* but should be")
class WholeTimeInHalf(Fault):
    """In half precision elapsed times are rounded to whole numbers."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        whole = t is not None and self.compute_dtype in HALVES
        return super().advance(heads, h, ops.round(t) if whole else t)


@found_by("dtype.half", "under mixed_.*the output.* but should be")
class SafeTimeInHalf(FaultOfLTC):
    """In half precision an eighth is added to each time, lest something be divided by 0."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        safe = t is not None and self.compute_dtype in HALVES
        return super().advance(heads, h, t + 0.125 if safe else t)


@found_by("sequence.steps", "output.* but should be")
class OutputReused(Fault):
    """Every answer is written to one buffer, over the one before."""

    buffer: Any = None

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        if self.buffer is None or self.buffer.shape != new.shape:
            self.buffer = ops.copy(new)
        self.buffer[...] = new
        return self.buffer, [self.buffer]


@found_by("sequence.initial_state", "output.* but should be")
class SequenceStartsFromZero(Fault):
    """The first step of a sequence goes on from zeros, whatever state was given."""

    begins = False

    def get_dropout_mask(self, step_input: Any) -> Any:
        self.begins = True
        return super().get_dropout_mask(step_input)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        states = [0.0 * h if self.begins else h for h in states]
        self.begins = False
        return super().call(inputs, states, training=training)
