"""Sequence layers of others, with a loop of their own."""

import keras
from keras import ops


def run(layer, sequences, timespans, mask, initial_state):
    """Fold a layer's cell over sequences; returns what the layer returns."""
    if len(sequences.shape) != 3 or sequences.shape[1] == 0:
        raise ValueError(f"sequences must be (batch, time, features), got shape {tuple(sequences.shape)}")
    if mask is not None and tuple(mask.shape) != tuple(sequences.shape[:2]):
        raise ValueError(f"the mask must be {tuple(sequences.shape[:2])}, got shape {tuple(mask.shape)}")
    batch, time = ops.shape(sequences)[:2]
    times = ops.ones((batch, time, 1), sequences.dtype) if timespans is None else spans(timespans, sequences)
    counts = ops.ones((batch, time, 1), "bool") if mask is None else ops.reshape(mask, (batch, time, 1))
    states = list(initial_state or layer.cell.get_initial_state(batch_size=batch))
    states = [ops.cast(state, layer.compute_dtype) for state in states]

    units = layer.cell.units

    def step(carry, sample):
        x, t, counted = sample[:, :-2], sample[:, -2:-1], sample[:, -1:] > 0.5
        output, (new,) = layer.cell((x, t), [carry[:, units:]])
        carry = ops.where(counted, ops.concatenate([output, new], axis=-1), carry)
        return carry, carry  # on tensorflow a scan puts out what has the shape of its carry

    counts = ops.cast(counts, sequences.dtype)
    major = ops.swapaxes(
        ops.concatenate([sequences, ops.cast(times, sequences.dtype), counts], axis=-1), 0, 1
    )
    if layer.go_backwards:
        major = ops.flip(major, axis=0)
    nothing = ops.zeros((batch, units), layer.compute_dtype)
    last, outputs = ops.scan(step, ops.concatenate([nothing, states[0]], axis=-1), major)
    outputs = outputs[..., :units]
    if getattr(layer, "zero_output_for_mask", False):
        outputs = ops.where(major[..., -1:] > 0.5, outputs, 0.0)
    result = ops.swapaxes(outputs, 0, 1) if layer.return_sequences else outputs[-1]
    return (result, last[:, units:]) if layer.return_state else result


def spans(timespans, sequences):
    """Return elapsed times as (batch, time, 1). Raises ValueError for another shape."""
    shape, samples = tuple(timespans.shape), tuple(sequences.shape[:2])
    known = len(shape) in (2, 3) and shape[2:] in ((), (1,))
    if not known or any(n != m for n, m in zip(shape, samples, strict=False) if None not in (n, m)):
        raise ValueError(f"timespans must be {samples} or {(*samples, 1)}, got shape {shape}")
    return ops.reshape(timespans, (*ops.shape(sequences)[:2], 1))


class Loop(keras.layers.Layer):
    """A layer of its own kind, which is no keras.layers.RNN."""

    def __init__(self, cell, return_sequences=False, return_state=False, go_backwards=False, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.return_sequences, self.return_state = cell, return_sequences, return_state
        self.go_backwards = go_backwards
        self.supports_masking = True

    def build(self, shape, *others):
        if not self.cell.built:
            self.cell.build((shape[0], shape[-1]))
        self.built = True

    def call(self, sequences, timespans=None, mask=None, initial_state=None):
        return run(self, sequences, timespans, mask, initial_state)

    def get_config(self):
        names = ("return_sequences", "return_state", "go_backwards")
        own = {"cell": keras.saving.serialize_keras_object(self.cell)}
        return {**super().get_config(), **own, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)


class RnnLoop(keras.layers.RNN):
    """A keras.layers.RNN that takes few of its options."""

    def __init__(
        self, cell, return_sequences=False, return_state=False, go_backwards=False, zero_output_for_mask=False
    ):
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            zero_output_for_mask=zero_output_for_mask,
        )

    def build(self, shape, *others):
        super().build(shape)

    def call(self, sequences, initial_state=None, mask=None, training=False, timespans=None):
        return run(self, sequences, timespans, mask, initial_state)

    def get_config(self):
        names = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
        own = {"cell": keras.saving.serialize_keras_object(self.cell)}
        return {**own, **{name: getattr(self, name) for name in names}}
