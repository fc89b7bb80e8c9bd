"""What all liquid cells share: the way in, elapsed time, and one step for a call and a sequence alike."""

import keras
from keras import ops

from ncps import _keywords, _pypi
from ncps.cells import shapes, time


@keras.saving.register_keras_serializable(package="ncps")
class TimedCell(_pypi.Guided, keras.layers.Layer):
    """Base of cells that know elapsed time, for `keras.layers.RNN`, `ncps.layers` or to be called by hand.

    A subclass sets `state_size` and `output_size`, makes its weights in `build_cell` and computes in
    `prepare`, which does once what a whole sequence needs once and returns the step that is left:

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

    def __init__(self, **kwargs):
        with _keywords.suggesting(type(self), kwargs):
            super().__init__(**kwargs)

    @property
    def state_sizes(self):
        """The sizes of the state's tensors, a list where `state_size` is one number."""
        size = self.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, input_shape):
        """Makes the weights.

        Args:
            input_shape: `(batch, features)`, or a pair of it and the shape of t; lists after a reload.
        """
        x_shape, _ = shapes.split(input_shape)
        shapes.check_input(type(self).__name__, x_shape)
        self.input_dim = x_shape[-1]
        self.build_cell(self.input_dim)

    def build_cell(self, features):
        """Makes the weights for inputs of `features` features."""
        raise NotImplementedError(f"{type(self).__name__} does not define build_cell(features)")

    def prepare(self, x, timed, training=False):
        """What depends on no state, done once, and the step that is left.

        Args:
            x: Inputs `(batch, features)` or `(time, batch, features)`, in the compute dtype.
            timed: Whether the step will be given elapsed times; without, each is 1.
            training: Whether dropout applies. What is drawn here holds for every step.

        Returns:
            `(features, step)`. `features` is a tensor or a tuple of tensors with the leading axes of `x`.
            `step(features, states, t)` takes those of one sample, `(batch, ...)`, a list of states and t, a
            number or `(batch, 1)`, None where not `timed`, and returns `(output, states)` in the compute
            dtype. It calls no layer and has no side effect.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define prepare(x, timed, training)")

    def __call__(self, inputs, states, *others, **kwargs):
        """Checks elapsed time while its values can be seen, then goes the way of every Keras layer."""
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
        x, t = inputs if isinstance(inputs, (list, tuple)) else (inputs, None)
        nested = isinstance(states, (list, tuple))
        states = list(states) if nested else [states]
        self._check_shapes(x.shape, None if t is None else t.shape, [s.shape for s in states])
        features, step = self.prepare(ops.cast(x, self.compute_dtype), t is not None, training)
        states = [ops.cast(s, self.compute_dtype) for s in states]
        output, new = step(features, states, None if t is None else time.as_column(t))
        return output, new if nested else new[0]

    def _check_shapes(self, x_shape, t_shape, states_shapes):
        owner = type(self).__name__
        shapes.check_input(owner, x_shape, self.input_dim)
        shapes.check_states(owner, states_shapes, x_shape[0], self.state_sizes)
        if t_shape is not None:
            time.check_shape(owner, tuple(t_shape), x_shape[0])

    def get_initial_state(self, batch_size=None):
        """A list of states of zeros, `(batch_size, size)` each, in the compute dtype."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_sizes]

    def compute_output_shape(self, inputs_shape, states_shape=None):
        """The shapes `(output, [state, ...])` of a call, which is checked as the call itself is."""
        x_shape, t_shape = shapes.split(inputs_shape)
        own = [(x_shape[0], size) for size in self.state_sizes]
        states_shape = own if states_shape is None else states_shape
        nested = shapes.is_nested(states_shape)
        self._check_shapes(x_shape, t_shape, states_shape if nested else [states_shape])
        return (x_shape[0], self.output_size), own if nested else own[0]
