"""Both directions of a sequence layer, elapsed time included."""

import keras
from keras import ops

from ncps import _keywords
from ncps.cells import shapes
from ncps.layers import timespans as spans
from ncps.layers.sequence import TimedRNN


@keras.saving.register_keras_serializable(package="ncps")
class Bidirectional(keras.layers.Bidirectional):
    """Runs a `CfC` or an `LTC` forwards and a second one backwards, both given the elapsed times.

    It differs from `keras.layers.Bidirectional` in that `timespans` reach both layers, and a mask too where
    timespans or an initial state are given. The backward layer reads samples and times from the last to the
    first: each sample keeps its own time, that since the sample before it.

    Args:
        layer: `CfC` or `LTC`, copied for the forward direction.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None for a tuple of both outputs. Default
            `"concat"`.
        backward_layer: `CfC` or `LTC` with `go_backwards=True`. Default: a copy of `layer`, with weights of
            its own.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        sequences: Tensor `(batch, time, features)`.
        initial_state: List of the states of the forward layer and then of the backward layer. Default zeros.
        mask: Booleans `(batch, time)`. With `return_sequences` a masked step puts out zeros.
        training: Whether dropout applies. Default False.
        timespans: Time elapsed since the previous sample, `(batch, time)` or `(batch, time, 1)`.

    Raises:
        TypeError: for a layer of another kind, which `keras.layers.Bidirectional` takes.
        ValueError: for an argument that is not allowed.

    Example:

    >>> import keras
    >>> from ncps.layers import Bidirectional, CfC
    >>> layer = Bidirectional(CfC(16, return_sequences=True))
    >>> samples, elapsed = keras.random.normal((4, 10, 3)), keras.random.uniform((4, 10))
    >>> layer(samples, timespans=elapsed).shape        # (4, 10, 32)
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, (TimedRNN, type(None))):
                raise TypeError(
                    f"{type(self).__name__}: {name} must be a CfC or an LTC, got {given!r}; "
                    "keras.layers.Bidirectional takes other layers"
                )
        with _keywords.suggesting(type(self), kwargs):
            super().__init__(layer, merge_mode, weights, backward_layer, **kwargs)

    def build(self, sequences_shape, initial_state_shape=None, timespans_shape=None):
        super().build(sequences_shape)

    def compute_output_shape(self, sequences_shape, initial_state_shape=None, timespans_shape=None):
        self.forward_layer.compute_output_shape(sequences_shape, timespans_shape=timespans_shape)
        if initial_state_shape is not None:
            self._check_states(initial_state_shape)
        return super().compute_output_shape(sequences_shape)

    def __call__(self, sequences, *args, timespans=None, **kwargs):
        spans.check_call(type(self).__name__, sequences, args, kwargs)
        if timespans is not None:
            kwargs["timespans"] = spans.admit(type(self).__name__, timespans, self.compute_dtype)
        return super().__call__(sequences, *args, **kwargs)

    def call(
        self,
        sequences,
        initial_state=None,
        mask=None,
        training=None,
        *,
        timespans=None,
        sequences_mask=None,
    ):
        forward, backward = self._halves(initial_state)
        both = {
            "mask": sequences_mask if mask is None else mask,
            "training": training,
            "timespans": timespans,
        }
        ahead = self.forward_layer(sequences, initial_state=forward, **both)
        back = self.backward_layer(sequences, initial_state=backward, **both)
        if not self.return_state:
            return self._merged(ahead, back)
        merged = self._merged(ahead[0], back[0])
        merged = merged if isinstance(merged, tuple) else (merged,)
        return (*merged, *ahead[1:], *back[1:])

    def _halves(self, initial_state):
        if initial_state is None:
            return None, None
        self._check_states(shapes.of(initial_state))
        half = len(self.forward_layer.state_size)
        return initial_state[:half], initial_state[half:]

    def _check_states(self, shape):
        """Refuses a shape alone, and a list of another number of shapes than there are states."""
        number = len(self.forward_layer.state_size) + len(self.backward_layer.state_size)
        several = shapes.is_nested(shape)
        if not several or len(shape) != number:
            got = len(shape) if several else f"one of shape {tuple(shape)}{spans.BY_NAME}"
            raise ValueError(
                f"{type(self).__name__}: initial_state must be a list of {number} tensors, the states of the "
                f"forward and then of the backward layer; got {got}"
            )

    def _merged(self, ahead, back):
        back = ops.flip(back, axis=1) if self.return_sequences else back
        if self.merge_mode is None:
            return ahead, back
        if self.merge_mode == "concat":
            return ops.concatenate([ahead, back], axis=-1)
        if self.merge_mode == "mul":
            return ahead * back
        return (ahead + back) / 2 if self.merge_mode == "ave" else ahead + back

    def compute_mask(self, sequences, mask):
        """The mask of each output; None for last outputs and for states."""
        outputs = [mask if self.return_sequences else None] * (2 if self.merge_mode is None else 1)
        states = self.forward_layer.state_size + self.backward_layer.state_size
        return [*outputs, *(None for _ in states)] if self.return_state else outputs
