"""What the sequence layers share: a timed cell folded over a sequence, with elapsed time and mask."""

import keras
from keras import ops

from ncps import _arguments, _keywords, _pypi
from ncps._array import where
from ncps.cells import shapes
from ncps.cells.time import LARGEST_HALF
from ncps.layers import cells
from ncps.layers import timespans as spans
from ncps.layers.loop import fold, swapped

MASKED_TIMES = ("drop", "carry")


class TimedRNN(_pypi.Guided, keras.layers.RNN):
    """A `TimedCell` folded over a sequence; base of `CfC` and `LTC`, which describe the arguments.

    A subclass names its cells: `dense` for a number of units, `wired` for a wiring.
    """

    @_pypi.leading("units")
    def __init__(self, units, *, mixed_memory=False, time_feature=False, masked_time="drop", **kwargs):
        owner = type(self).__name__
        kinds = {"dense": self.dense, "wired": self.wired}
        cell = cells.choose(owner, units, kwargs, **kinds, mixed_memory=mixed_memory)
        with _keywords.suggesting(type(self), kwargs, also=cells.names(self.dense) | cells.names(self.wired)):
            super().__init__(cell, **kwargs)
        self.time_feature = _arguments.boolean(owner, "time_feature", time_feature)
        self.masked_time = _arguments.choice(owner, "masked_time", masked_time, MASKED_TIMES)

    def build(self, sequences_shape, initial_state_shape=None, timespans_shape=None):
        self._check_shapes(sequences_shape, timespans_shape)
        *leading, features = sequences_shape
        super().build((*leading, features - 1 if self.time_feature and features else features))

    def _check_shapes(self, sequences_shape, timespans_shape):
        owner, shape = type(self).__name__, tuple(sequences_shape)
        if len(shape) != 3 or shape[1] == 0:
            allowed = "(batch, time, features) with at least one step"
            raise ValueError(f"{owner}: sequences must have shape {allowed}, got {shape}")
        known = self.cell.input_dim
        if known is not None and shape[2] not in (known + self.time_feature, None):
            raise ValueError(
                f"{owner}: sequences must have {known + self.time_feature} features, as when built; "
                f"got shape {shape}"
            )
        if self.unroll and shape[1] is None:
            raise ValueError(f"{owner}(unroll=True): the number of steps must be known, got {shape}")
        if self.time_feature and shape[2] is not None and shape[2] < 2:
            raise ValueError(f"{owner}(time_feature=True): no feature is left beside t in {shape}")
        if timespans_shape is not None:
            if self.time_feature:
                raise ValueError(
                    f"{owner}(time_feature=True): t is the last feature; timespans is one too many"
                )
            spans.check_shape(owner, timespans_shape, shape)

    def _check_states(self, shape, batch):
        """Refuses a shape, or a list of shapes, of other states than the cell has."""
        several = shapes.is_nested(shape)
        shapes.check_states(
            type(self).__name__,
            shape if several else [shape],
            batch,
            self.cell.state_sizes,
            name="initial_state",
            hint="" if several else spans.BY_NAME,
        )

    @property
    def variables(self):
        """All variables: the weights, seeds, and the states of a stateful layer, which no file holds."""
        return super().variables + list(self.states or ())  # without, training on jax would forget them

    def compute_output_shape(self, sequences_shape, initial_state_shape=None, timespans_shape=None):
        self._check_shapes(sequences_shape, timespans_shape)
        if initial_state_shape is not None:
            self._check_states(initial_state_shape, sequences_shape[0])
        return super().compute_output_shape(sequences_shape)

    def __call__(self, sequences, *args, timespans=None, **kwargs):
        """Takes elapsed times as they are given, then goes the way of every Keras layer."""
        spans.check_call(type(self).__name__, sequences, args, kwargs)
        if timespans is not None:
            kwargs["timespans"] = spans.admit(type(self).__name__, timespans, self.compute_dtype)
        return super().__call__(sequences, *args, **kwargs)

    # With a second tensor beside the sequences, Keras fills in their mask as `sequences_mask` and no other.
    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=False,
        *,
        timespans=None,
        sequences_mask=None,
    ):
        self._check_shapes(sequences.shape, None if timespans is None else timespans.shape)
        mask = self._counted(sequences, sequences_mask if mask is None else mask)
        x, t = self._samples(sequences, timespans, mask)
        states = self._first_states(x, initial_state)
        (last, *states), outputs = self._fold(x, t, mask, states, training)
        if self.stateful:
            for variable, state in zip(self.states, states, strict=True):
                variable.assign(state)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _counted(self, sequences, mask):
        """`mask` as booleans `(batch, time, 1)`, or None."""
        if mask is None:
            return None
        shape, wanted = tuple(mask.shape), tuple(sequences.shape[:2])
        if shape not in (wanted, (*wanted, 1)) and None not in (*shape, *wanted):
            owner = type(self).__name__
            raise ValueError(f"{owner}: mask must have shape (batch, time), {wanted}, got {shape}")
        mask = ops.cast(mask, "bool")
        return mask if len(shape) == 3 else ops.expand_dims(mask, -1)

    def _samples(self, sequences, timespans, mask):
        """Samples `(batch, time, features)` and times `(batch, time, 1)` or None, in the compute dtype."""
        x = ops.cast(sequences, self.compute_dtype)
        if self.time_feature:
            x, timespans = x[:, :, :-1], x[:, :, -1:]
            if self.compute_dtype == "float16":  # Keras has cast it, a long time to infinity
                timespans = ops.minimum(timespans, LARGEST_HALF)
        if mask is not None:  # what does not count may be anything: NaN times 0 is a NaN in every gradient
            x = ops.where(mask, x, ops.zeros_like(x))
        return x, self._times(timespans, mask, like=x)

    def _times(self, timespans, mask, like):
        carries = mask is not None and self.masked_time == "carry"
        if timespans is None:
            if not carries:
                return None
            t = ops.ones_like(like[:, :, :1])
        else:
            t = timespans if len(timespans.shape) == 3 else ops.expand_dims(timespans, -1)
            spans.check_values(type(self).__name__, t, None if carries else mask)
            t = ops.cast(t, self.compute_dtype)
        if carries:
            return spans.carried(t, mask, reverse=self.go_backwards, unroll=self.unroll)
        return t if mask is None else ops.where(mask, t, ops.zeros_like(t))

    def _first_states(self, x, initial_state):
        if initial_state is None:
            if not self.stateful:
                return self.get_initial_state(batch_size=ops.shape(x)[0])
            self._check_batch(x.shape[0], self.states[0].shape[0])
            # A copy: what autograd on torch keeps of the state must outlive its next assignment.
            initial_state = [ops.copy(state.value) for state in self.states]
        self._check_states(shapes.of(initial_state), x.shape[0])
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        return [ops.cast(state, self.compute_dtype) for state in initial_state]

    def _check_batch(self, got, wanted):
        if got not in (None, wanted):
            raise ValueError(
                f"{type(self).__name__}(stateful=True): a batch must have {wanted} samples, as when "
                f"built, got {got}"
            )

    def _fold(self, x, t, mask, states, training):
        """The last output and states in one list, and all outputs in running order or None."""
        x, t, mask = swapped(x), swapped(t), swapped(mask)  # before anything wider is made of x
        features, step = self.cell.prepare(x, t is not None, training)
        nothing = ops.zeros((ops.shape(x)[1], self.cell.output_size), dtype=self.compute_dtype)

        def advance(inputs, carry):
            features, t, counts = inputs
            previous, *states = carry
            output, new = step(features, states, t)
            if counts is None:
                return [output, *new]
            held = nothing if self.zero_output_for_mask else previous
            return [where(counts, n, o) for n, o in zip([output, *new], [held, *states], strict=True)]

        carry, outputs = fold(
            advance,
            [nothing, *states],
            (features, t, mask),
            reverse=self.go_backwards,
            unroll=self.unroll,
            collect=self.return_sequences,
        )
        return carry, swapped(outputs)

    def compute_mask(self, sequences, mask):
        """The mask of the outputs, in their order; None for the last output and for states."""
        if mask is not None and self.return_sequences and self.go_backwards:
            mask = ops.flip(mask, axis=1)
        return super().compute_mask(sequences, mask)

    def get_config(self):
        return {**super().get_config(), "time_feature": self.time_feature, "masked_time": self.masked_time}
