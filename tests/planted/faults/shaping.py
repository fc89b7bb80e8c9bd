"""Faults of shapes, sizes, variables and arguments."""

from __future__ import annotations

from typing import Any

from .fault import Fault, FaultOfLTC, found_by, ops, pair, unpair


@found_by("shape.variables", "variables that the specification does not know")
class OtherPath(Fault):
    """The heads have names of their own."""

    def add_weight(self, *arguments: Any, name: str, **more: Any) -> Any:
        return super().add_weight(*arguments, name=name.replace("ff", "head"), **more)


@found_by("shape.variables", "variables that the specification does not know")
class ExtraVariable(FaultOfLTC):
    """The cell has a counter among its variables."""

    def build_heads(self, features: int) -> None:
        super().build_heads(features)
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")


@found_by("cfc.step.pure", "with mode='pure' the cell's variables cannot be mapped: no variable is A, w_tau;")
class PureInSilence(Fault):
    """The mode pure is accepted, and computes what the default does."""

    def __init__(self, units: int, mode: str = "default", **arguments: Any) -> None:
        super().__init__(units, mode="default" if mode == "pure" else mode, **arguments)


@found_by("shape.variables", "variables that cannot be trained")
class FrozenBias(FaultOfLTC):
    """The bias cannot be trained."""

    def build_heads(self, features: int) -> None:
        super().build_heads(features)
        self.bias.trainable = False


@found_by("shape.variables", "variables are not those of the table")
class FlatRates(Fault):
    """`w_tau` and `A` have the shape (units) instead of (1, units)."""

    def add_weight(self, shape: Any, **more: Any) -> Any:
        flat = more["name"] in ("w_tau", "A")
        return super().add_weight(shape=shape[-1:] if flat else shape, **more)


@found_by("state.sizes", "state_size is .* but should be")
class StateSizeOfInputs(Fault):
    """`state_size` counts the input features too, once they are known."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.state_size = self.units + self.input_dim


@found_by("state.sizes", "output_size is .* but should be")
class OutputSizeOfBackbone(Fault):
    """`output_size` is the backbone's."""

    def __init__(self, units: int, **arguments: Any) -> None:
        super().__init__(units, **arguments)
        self.output_size = self.backbone_units + 1


@found_by("state.initial", "initial state.* is 1.0, but should be exactly 0.0")
class InitialOnes(FaultOfLTC):
    """The initial state is ones."""

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [ops.ones((batch_size, self.units), dtype=self.compute_dtype)]


@found_by("state.initial", r"initial state has shape \(1, \d\), but should have")
class InitialOfOneRow(Fault):
    """The initial state is one row, left to broadcasting."""

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return super().get_initial_state(1)


@found_by("state.initial", "the initial state is float32, but should be float16")
class InitialOfVariables(Fault):
    """The initial state has the dtype of the variables."""

    def get_initial_state(self, batch_size: Any = None) -> Any:
        return [ops.zeros((batch_size, self.units), dtype=self.variable_dtype)]


@found_by("shape.computed", "compute_output_shape of the output has shape")
class ComputedIsInput(Fault):
    """`compute_output_shape` gives the shape of the input."""

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        return inputs_shape, [inputs_shape]


@found_by("shape.computed", "compute_output_shape returns")
class ComputedWithoutState(FaultOfLTC):
    """`compute_output_shape` gives the shape of the output alone."""

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        return super().compute_output_shape(inputs_shape, states_shape)[0]


@found_by("shape.symbolic", r"symbolic output has shape \(1, \d\), but should have")
class SymbolicBatchOfOne(Fault):
    """A symbolic call has a batch of one."""

    def compute_output_spec(self, inputs: Any, states: Any, training: bool = False) -> Any:
        from keras import KerasTensor

        new = KerasTensor((1, self.units), dtype=self.compute_dtype)
        return new, [new]


@found_by("shape.dynamic", "sequence raises .*(reshape|shape)")
class BatchBaked(Fault):
    """The batch of the first call is that of every call."""

    batch = None

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        self.batch = self.batch or new.shape[0]
        new = ops.reshape(new, (self.batch, self.units))
        return new, [new]


@found_by("shape.smallest", r"output has shape \(\), but should have \(1, 1\)")
class Squeezed(FaultOfLTC):
    """Axes of size 1 are squeezed out."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        return ops.squeeze(new), [ops.squeeze(new)]


@found_by("shape.step", "a step has 2 states, but should have 1")
class TwoStates(Fault):
    """A step returns the new state twice."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        new, _ = super().call(inputs, states, training=training)
        return new, [new, new]


@found_by("shape.step", r"a cell returns \(output, state\)")
class NoState(FaultOfLTC):
    """A step returns its output alone."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, states, training=training)[0]


@found_by("errors.inputs", r"an input of \d+ features to a step of a cell that was built for \d+ is accepted")
class FeaturesCut(Fault):
    """Features beyond those of the build are cut off."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, t = pair(inputs)
        return super().call(unpair(x[:, : self.input_dim], t), states, training=training)


@found_by("errors.inputs", r"an input of \d+ features to a step of a cell that was built for \d+ is accepted")
class FeaturesPadded(FaultOfLTC):
    """Features that are missing are zero."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, t = pair(inputs)
        missing = max(0, self.input_dim - x.shape[1])
        return super().call(unpair(ops.pad(x, ((0, 0), (0, missing))), t), states, training=training)


@found_by("errors.timespans", "elapsed time of shape .* is accepted in silence")
class TimeOfAnyShape(Fault):
    """Elapsed time of a shape that does not fit is cut to its first value."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, t = pair(inputs)
        if t is not None and tuple(t.shape) not in ((), (x.shape[0],), (x.shape[0], 1)):
            t = ops.reshape(t, (-1,))[0]
        return super().call(unpair(x, t), states, training=training)


@found_by("errors.timespans", "elapsed time of shape .* is accepted in silence")
class TimeBroadcast(FaultOfLTC):
    """Elapsed time of any shape is broadcast to that of the state, so (units) is a time for each unit."""

    given: Any = None

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        x, self.given = pair(inputs)
        if self.given is not None and tuple(self.given.shape) == (x.shape[0],):
            self.given = ops.reshape(self.given, (-1, 1))
        return super().call(x, states, training=training)

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        new = super().advance(heads, h, self.given)
        if new.shape != h.shape:
            raise ValueError(f"shape {new.shape}")
        return new


@found_by("errors.arguments", "the argument {'units': 2.5} is accepted in silence|'units': (0|-3)")
class UnitsMended(Fault):
    """`units` that cannot be are made an integer of at least 1."""

    def __init__(self, units: Any, **arguments: Any) -> None:
        super().__init__(max(1, int(units)), **arguments)


@found_by("errors.arguments", "the argument {'mode': 'prue'} is accepted in silence")
class ModeFallsBack(Fault):
    """An unknown mode is the default one."""

    def __init__(self, units: Any, mode: str = "default", **arguments: Any) -> None:
        super().__init__(units, mode if mode in ("pure", "no_gate") else "default", **arguments)


@found_by("errors.arguments", "raises ValueError, which does not name")
class ErrorNamesNothing(FaultOfLTC):
    """A bad argument is refused without its name."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        try:
            super().__init__(*arguments, **named)
        except (TypeError, ValueError):
            raise ValueError("this cannot be") from None


@found_by("errors.arguments", "raises AssertionError, not ValueError or TypeError")
class ErrorIsAssertion(Fault):
    """A bad argument is refused by an assertion."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        try:
            super().__init__(*arguments, **named)
        except (TypeError, ValueError) as error:
            raise AssertionError(str(error)) from None
