"""Base of the sequence layers: a timed cell folded over a sequence, with elapsed time and mask."""

from functools import partial

import keras
from keras import ops

from ncps import _arguments, _keywords, _pypi
from ncps._array import where
from ncps._keras_private import DropoutRNNCell, collecting_losses
from ncps.cells import shapes
from ncps.cells.mixed_memory import MixedMemoryCell
from ncps.cells.time import LARGEST_HALF
from ncps.cells.timed import freeze_sublayers
from ncps.layers import cells
from ncps.layers import timespans as spans
from ncps.layers.loop import fold, swapped

MASKED_TIMES = ("drop", "carry")
BOOLEAN = {
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
}
"""Arguments of `keras.layers.RNN` that it does not check."""
BACKWARD_TIMESPANS = ("as_given", "elapsed")


def of_cell(name):
    """Return a property that reads the attribute `name` of the layer's cell, within mixed memory too."""

    def read(self):
        behind = self.cell.cell if isinstance(self.cell, MixedMemoryCell) else self.cell
        return getattr(behind, name)

    return property(read, doc=f"`{name}` of the cell.")


class TimedRNN(_pypi.Guided, keras.layers.RNN):
    """A `TimedCell` folded over a sequence; base of `CfC` and `LTC`, which describe the arguments.

    A subclass defines the classes of its cells: `dense` for a number of units, `wired` for a wiring.
    """

    def __init__(
        self,
        units,
        *,
        mixed_memory=False,
        time_feature=False,
        masked_time="drop",
        backward_timespans="as_given",
        return_state_sequences=False,
        **kwargs,
    ):
        owner = type(self).__name__
        kinds = {"dense": self.dense, "wired": self.wired}
        for name in BOOLEAN & kwargs.keys():
            kwargs[name] = _arguments.boolean(owner, name, kwargs[name])
        cell = cells.choose(owner, units, kwargs, **kinds, mixed_memory=mixed_memory)
        with _keywords.suggesting(type(self), kwargs):
            super().__init__(cell, **kwargs)
        self.time_feature = _arguments.boolean(owner, "time_feature", time_feature)
        self.masked_time = _arguments.choice(owner, "masked_time", masked_time, MASKED_TIMES)
        self.set_backward_timespans(owner, backward_timespans)
        self.return_state_sequences = _arguments.boolean(
            owner, "return_state_sequences", return_state_sequences
        )
        freeze_sublayers(self)

    def set_backward_timespans(self, owner, value):
        """Set which times the layer reads backwards; an error for `value` names `owner`."""
        self.backward_timespans = _arguments.choice(owner, "backward_timespans", value, BACKWARD_TIMESPANS)

    units, seed, wiring = of_cell("units"), of_cell("seed"), of_cell("wiring")
    activation = of_cell("activation")
    backbone_units, backbone_layers = of_cell("backbone_units"), of_cell("backbone_layers")
    backbone_dropout = of_cell("backbone_dropout")

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
        """Reject a shape, or a list of shapes, that differs from the cell's states."""
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
        """Return all variables: weights, seeds, and the states of a stateful layer, which are not saved."""
        return super().variables + list(self.states or ())  # without, training on jax would forget them

    def compute_output_shape(self, sequences_shape, initial_state_shape=None, timespans_shape=None):
        self._check_shapes(sequences_shape, timespans_shape)
        if initial_state_shape is not None:
            self._check_states(initial_state_shape, sequences_shape[0])
        shape = super().compute_output_shape(sequences_shape)
        if not self.return_state_sequences:
            return shape
        first = shape if self.return_state else (shape,)
        return (*first, *((*sequences_shape[:2], size) for size in self.cell.state_sizes))

    def __call__(self, sequences, *args, timespans=None, **kwargs):
        """Convert the elapsed times in their given precision, then call the layer as Keras does."""
        named = spans.named_arguments(self, sequences, args, kwargs, timespans)
        return super().__call__(sequences, *args, **named)

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
        output, states, state_sequences = self._fold(x, t, mask, states, training)
        if self.stateful:
            for variable, state in zip(self.states, states, strict=True):
                variable.assign(state)
        more = (*(states if self.return_state else ()), *state_sequences)
        return (output, *more) if more else output

    def _counted(self, sequences, mask):
        """Return `mask` as booleans `(batch, time, 1)`, or None."""
        if mask is None:
            return None
        shape, wanted = tuple(mask.shape), tuple(sequences.shape[:2])
        if shape not in (wanted, (*wanted, 1)) and None not in (*shape, *wanted):
            owner = type(self).__name__
            raise ValueError(f"{owner}: mask must have shape (batch, time), {wanted}, got {shape}")
        mask = ops.cast(mask, "bool")
        return mask if len(shape) == 3 else ops.expand_dims(mask, -1)

    def _samples(self, sequences, timespans, mask):
        """Return samples `(batch, time, features)` and times `(batch, time, 1)` or None, in compute dtype."""
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
        elapsed = self.go_backwards and self.backward_timespans == "elapsed"
        if timespans is None:
            if not carries and not elapsed:
                return None
            t = ops.ones_like(like[:, :, :1])
        else:
            t = timespans if len(timespans.shape) == 3 else ops.expand_dims(timespans, -1)
            spans.check_values(type(self).__name__, t, None if carries else mask)
            t = ops.cast(t, self.compute_dtype)
        if elapsed:
            return spans.elapse_backwards(t, mask, carries=carries, unroll=self.unroll)
        if carries:
            return spans.carry(t, mask, reverse=self.go_backwards, unroll=self.unroll)
        return t if mask is None else ops.where(mask, t, ops.zeros_like(t))

    def _first_states(self, x, initial_state):
        if self.stateful:
            self._check_batch(x.shape[0], self.states[0].shape[0])
        if initial_state is None:
            if not self.stateful:
                return self.get_initial_state(batch_size=ops.shape(x)[0])
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
        """Return the output, a list of the last states, and a list of all steps' states, empty by default.

        The cells of a stack are folded one after the other: each reads the outputs of the one before.
        """
        x, t, mask = swapped(x), swapped(t), swapped(mask)  # before anything wider is made of x
        cells, left, last, sequences = self.cell.in_sequence(), iter(states), [], []
        for cell in cells:
            own = [next(left) for _ in cell.state_sizes]
            outputs_kept = self.return_sequences or cell is not cells[-1]
            collect = 1 + len(own) if self.return_state_sequences else int(outputs_kept)
            (output, *new), kept = self._fold_cell(cell, x, t, mask, own, training, collect)
            last += new
            sequences += [swapped(steps) for steps in kept[1:]]
            if outputs_kept:
                x = ops.flip(kept[0], axis=0) if self.go_backwards else kept[0]
        return swapped(kept[0]) if self.return_sequences else output, last, sequences

    def _fold_cell(self, cell, x, t, mask, states, training, collect):
        """Fold one cell; return the last output and states, and the first `collect` of them at every step."""
        features, step = cell.prepare_sequence(x, t is not None, training)
        nothing = ops.zeros((ops.shape(x)[1], cell.output_size), dtype=self.compute_dtype)

        def advance(inputs, carry):
            features, t, counts = inputs
            previous, *states = carry
            output, new = step(features, states, t)
            if counts is None:
                return [output, *new]
            held = nothing if self.zero_output_for_mask else previous
            return [where(counts, n, o) for n, o in zip([output, *new], [held, *states], strict=True)]

        loop = partial(self._fold_calls, cell) if cell.overridden else fold
        options = {"reverse": self.go_backwards, "unroll": self.unroll, "collect": collect}
        return loop(advance, [nothing, *states], (features, t, mask), **options)

    def _fold_calls(self, cell, advance, carry, inputs, **options):
        """Fold steps that call the cell, all with one dropout mask, and add their losses to the layer."""
        dtype, added = self.compute_dtype if self.compute_dtype == "float64" else "float32", False

        def advance_and_add(inputs, carry):
            nonlocal added
            *carry, total = carry
            with collecting_losses(cell) as losses:
                carry = advance(inputs, carry)
            added = added or bool(losses)
            return [*carry, sum((ops.cast(ops.sum(loss), dtype) for loss in losses), total)]

        drops = isinstance(cell, DropoutRNNCell)
        if drops:
            cell.get_dropout_mask(inputs[0][0])
            cell.get_recurrent_dropout_mask(carry[1])
        (*carry, total), kept = fold(advance_and_add, [*carry, ops.zeros((), dtype)], inputs, **options)
        if drops:
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()
        if added:
            self.add_loss(total)
        return carry, kept

    def compute_mask(self, sequences, mask):
        """Return the masks of the results, in their order; None for the last output and the last states."""
        mask = None if mask is None else keras.tree.flatten(mask)[0]
        if mask is not None and self.go_backwards:
            mask = ops.flip(mask, axis=1)
        last = [None] * len(self.cell.state_sizes)
        every = [mask] * len(last)
        masks = [mask if self.return_sequences else None]
        masks += (last if self.return_state else []) + (every if self.return_state_sequences else [])
        return masks if len(masks) > 1 else masks[0]

    def get_config(self):
        return {
            **super().get_config(),
            "time_feature": self.time_feature,
            "masked_time": self.masked_time,
            "backward_timespans": self.backward_timespans,
            "return_state_sequences": self.return_state_sequences,
        }
