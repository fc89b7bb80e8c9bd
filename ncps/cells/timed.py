"""Base of all liquid cells: argument checks, elapsed time, and one step for calls and for sequences."""

from typing import Any

import keras
from keras import ops

from ncps import _keywords, _pypi
from ncps._array import cast
from ncps._keras_private import AutocastScope
from ncps.cells import shapes, time


def freeze_sublayers(layer):
    """Freeze the sublayers of a frozen `layer`.

    Keras freezes those that exist when `trainable` is set. Sublayers that are made later, in `build` or a
    constructor, are trainable: without this function a frozen layer would be trainable again after it is
    loaded, cloned or made from its config.
    """
    if not layer.trainable:
        keras.layers.Layer.trainable.fset(layer, False)  # TensorFlow skips `layer.x = v` where x is v already


@keras.saving.register_keras_serializable(package="ncps")
class TimedCell(_pypi.Guided, keras.layers.Layer):
    """Base of cells with elapsed time, for `keras.layers.RNN`, `ncps.layers` or to be called by hand.

    A subclass sets `state_size` and `output_size`, makes its weights in `build_cell` and computes in
    `prepare`, which does the work that a sequence needs only once and returns the remaining step. A subclass
    that overrides `call` is called for each step of a sequence, which is slower:

    >>> class Leaky(TimedCell):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = self.state_size = self.output_size = units
    ...     def build_cell(self, features):
    ...         self.kernel = self.add_weight(shape=(features, self.units), name="kernel")
    ...     def prepare(self, x, timed, training=False):
    ...         def step(target, states, t):
    ...             (h,) = states
    ...             t = 1.0 if t is None else t
    ...             h = h + (target - h) * t / (1.0 + t)
    ...             return h, [h]
    ...         return keras.ops.matmul(x, self.kernel), step

    Call arguments:
        inputs: Tensor `(batch, features)`, or a pair `(x, t)` of it and the time elapsed since the previous
            sample: a number, `(batch,)` or `(batch, 1)`, finite and not negative. Without it t is 1.
        states: List of the previous state's tensors, each `(batch, size)`.
        training: Whether dropout applies. Default False.

    Returns:
        A pair of the output `(batch, output_size)` and a list of the new state's tensors.

    Raises:
        TypeError, ValueError: for a shape or a time that is not allowed.
    """

    input_dim = None

    def __init__(self, **kwargs: Any) -> None:
        with _keywords.suggesting(type(self), kwargs):
            super().__init__(**kwargs)

    @property
    def state_sizes(self):
        """Return the sizes of the state's tensors, as a list even if `state_size` is one number."""
        size = self.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, input_shape):
        """Make the weights.

        Args:
            input_shape: `(batch, features)`, or a pair of it and the shape of t; lists after a reload.
        """
        x_shape, _ = shapes.split(input_shape)
        shapes.check_input(type(self).__name__, x_shape)
        self.input_dim = x_shape[-1]
        self.build_cell(self.input_dim)
        freeze_sublayers(self)

    def build_cell(self, features):
        """Make the weights for inputs of `features` features."""
        raise NotImplementedError(f"{type(self).__name__} does not define build_cell(features)")

    def prepare(self, x, timed, training=False):
        """Compute once what does not depend on the state, and return it with the remaining step.

        Args:
            x: Inputs `(batch, features)` or `(time, batch, features)`, in the compute dtype.
            timed: Whether the step will be given elapsed times; without them each is 1.
            training: Whether dropout applies. A mask that is drawn here holds for every step.

        Returns:
            `(features, step)`. `features` is a tensor or a tuple of tensors with the leading axes of `x`.
            `step(features, states, t)` takes the features of one sample, `(batch, ...)`, a list of states,
            and t: a number or `(batch, 1)`, or None if not `timed`. It returns `(output, states)` in the
            compute dtype, calls no layer and has no side effect.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define prepare(x, timed, training)")

    @property
    def overridden(self):
        """Return whether a step does more than the one from `prepare`.

        That is so if a subclass overrides `call`, or if the cell has an `activity_regularizer`, which Keras
        applies to the result of a call."""
        return type(self).call is not TimedCell.call or self.activity_regularizer is not None

    def in_sequence(self):
        """Return the cells that a sequence layer runs one after the other: this one, or those of a stack."""
        return [self]

    def prepare_sequence(self, x, timed, training=False):
        """Prepare the steps of a sequence: with `prepare`, or as calls of the cell if its step is overridden.

        Arguments and result are those of `prepare`. The step of an overridden cell is slower, and may add
        losses.
        """
        return (x, self._step_by_call) if self.overridden else self.prepare(x, timed, training)

    def _step_by_call(self, x, states, t):
        """Return the step as a call of this cell, with `training` as Keras resolves it."""
        output, new = self(x if t is None else (x, t), states)
        new = new if isinstance(new, (list, tuple)) else [new]
        return cast(output, self.compute_dtype), [cast(state, self.compute_dtype) for state in new]

    def __call__(self, inputs, states, *others, **kwargs):
        """Check elapsed time while its values can be read, then call the layer as Keras does."""
        time.check_call(type(self).__name__, others, kwargs)
        if isinstance(inputs, (list, tuple)):
            inputs = self._admit(inputs)
        return super().__call__(inputs, states, **kwargs)

    def _admit(self, inputs):
        owner = type(self).__name__
        if len(inputs) != 2:
            raise ValueError(
                f"{owner}: inputs must be a tensor x or a pair (x, t), got {len(inputs)} elements"
            )
        x, t = inputs
        return x, time.admit(owner, t, self.compute_dtype)

    def call(self, inputs, states, training=False):
        x, t, listed = self._arguments_of_a_step(inputs, states)
        features, step = self.prepare(x, t is not None, training)
        output, new = step(features, listed, t)
        return output, new if isinstance(states, (list, tuple)) else new[0]

    def _arguments_of_a_step(self, inputs, states):
        """Check a step's arguments; return x, t (a number, `(batch, 1)` or None) and a list of states."""
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        self._check_shapes(x.shape, None if t is None else t.shape, [s.shape for s in states])
        states = [ops.cast(s, self.compute_dtype) for s in states]
        return ops.cast(x, self.compute_dtype), None if t is None else time.as_column(t), states

    def time_constant(self, inputs: Any, states: Any) -> Any:
        """Return the effective time constant of each unit in one step: how fast it forgets, by the formula.

        | cell | time constant |
        | --- | --- |
        | `CfCCell`, "default" and "no_gate" | 1 / abs(z Ka + ba): in this time the gate's logit moves by 1 |
        | `CfCCell`, "pure" | 1 / (abs(w_tau) + abs(f1)): in this time the transient decays to 1 / e |
        | `LTCCell` | tau |
        | `WiredLTCCell` | cm / D, with D at the potentials before the step |
        | `WiredCfCCell` | those of its layers, in running order |
        | `MixedMemoryCell` | those of its `cell` |

        Args:
            inputs: Tensor or array `(batch, features)`, or a pair `(x, t)`, as in a call.
            states: List of the previous state's tensors, each `(batch, size)`.

        Returns:
            Tensor `(batch, units)`, in the unit of the elapsed time; infinite where a unit forgets nothing.

        Raises:
            NotImplementedError: for a cell that has no such constants.
            TypeError, ValueError: as in a call.
        """
        if not self.built:
            raise ValueError(f"{type(self).__name__}: the cell must be built, or called once, first")
        inputs = self._admit(inputs) if isinstance(inputs, (list, tuple)) else inputs
        x, t = inputs if isinstance(inputs, tuple) else (inputs, None)
        states = states if isinstance(states, (list, tuple)) else [states]
        x, states = ops.convert_to_tensor(x), [ops.convert_to_tensor(state) for state in states]
        with AutocastScope(self.compute_dtype):
            return self.find_time_constant(*self._arguments_of_a_step(x if t is None else (x, t), states))

    def find_time_constant(self, x, t, states):
        """Compute what `time_constant` returns; t is a number, `(batch, 1)`, or None for 1."""
        raise NotImplementedError(f"{type(self).__name__} has no time constants")

    def _check_shapes(self, x_shape, t_shape, states_shapes):
        owner = type(self).__name__
        shapes.check_input(owner, x_shape, self.input_dim)
        shapes.check_states(owner, states_shapes, x_shape[0], self.state_sizes)
        if t_shape is not None:
            time.check_shape(owner, tuple(t_shape), x_shape[0])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return a list of zero states, `(batch_size, size)` each, in the compute dtype."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_sizes]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        """Return the shapes `(output, [state, ...])` of a call, with the same checks as the call itself."""
        x_shape, t_shape = shapes.split(inputs_shape)
        own = [(x_shape[0], size) for size in self.state_sizes]
        states_shape = own if states_shape is None else states_shape
        nested = shapes.is_nested(states_shape)
        self._check_shapes(x_shape, t_shape, states_shape if nested else [states_shape])
        return (x_shape[0], self.output_size), own if nested else own[0]
