"""Bidirectional sequence layer with elapsed time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ncps import _keywords
from ncps.cells import shapes
from ncps.cells.timed import freeze_sublayers
from ncps.layers import timespans as spans
from ncps.layers.sequence import TimedRNN


@keras.saving.register_keras_serializable(package="ncps")
class Bidirectional(keras.layers.Bidirectional):
    """Bidirectional layer: a `CfC` or an `LTC` forwards and a second one backwards, both with elapsed times.

    Unlike `keras.layers.Bidirectional`, it passes `timespans` to both layers, and passes the mask too if
    timespans or an initial state are given. The backward layer reads samples and times from the last to the
    first. By default each sample keeps its own time, since the sample before it; `backward_timespans` can
    change that.

    Args:
        layer: `CfC` or `LTC`, copied for the forward direction.
        merge_mode: `"concat"`, `"sum"`, `"mul"`, `"ave"`, or None for a tuple of both outputs. Default
            `"concat"`.
        backward_layer: `CfC` or `LTC` with `go_backwards=True`. Default: a copy of `layer`, with weights of
            its own.
        backward_timespans: Times that the backward layer reads: `"as_given"`, each sample's own, or
            `"elapsed"`, the time between a sample and the one read before it; see `CfC`. Default None: the
            value of `layer`.
        **kwargs: `name`, `dtype` and the like, for `keras.layers.Layer`.

    Call arguments:
        sequences: Tensor `(batch, time, features)`.
        initial_state: List of the states of the forward layer and then of the backward layer. Default zeros.
        mask: Booleans `(batch, time)`. With `return_sequences` the output of a masked step is zeros.
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

    def __init__(
        self,
        layer: TimedRNN,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: TimedRNN | None = None,
        backward_timespans: str | None = None,
        **kwargs: Any,
    ) -> None:
        for name, given in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(given, (TimedRNN, type(None))):
                raise TypeError(
                    f"{type(self).__name__}: {name} must be a CfC or an LTC, got {given!r}; "
                    "keras.layers.Bidirectional takes other layers"
                )
        with _keywords.suggesting(type(self), kwargs):
            super().__init__(layer, merge_mode, weights, backward_layer, **kwargs)
        if backward_timespans is not None:
            for each in (self.forward_layer, self.backward_layer):
                each.set_backward_timespans(type(self).__name__, backward_timespans)
        forward, backward = (
            each.return_state_sequences for each in (self.forward_layer, self.backward_layer)
        )
        if forward != backward:
            raise ValueError(
                f"{type(self).__name__}: both layers must have the same return_state_sequences, "
                f"got {forward} for the forward and {backward} for the backward layer"
            )
        freeze_sublayers(self)

    def build(
        self, sequences_shape: Any, initial_state_shape: Any = None, timespans_shape: Any = None
    ) -> None:
        super().build(sequences_shape)

    def compute_output_shape(
        self, sequences_shape: Any, initial_state_shape: Any = None, timespans_shape: Any = None
    ) -> Any:
        if initial_state_shape is not None:
            self._check_states(initial_state_shape)
        shapes_of = {"timespans_shape": timespans_shape}
        ahead = self.forward_layer.compute_output_shape(sequences_shape, **shapes_of)
        back = self.backward_layer.compute_output_shape(sequences_shape, **shapes_of)
        several = shapes.is_nested(ahead)
        (ahead, *more), (back, *further) = (ahead, back) if several else ([ahead], [back])
        both = self.merge_mode == "concat"
        merged = (*ahead[:-1], ahead[-1] + back[-1]) if both else ahead
        outputs = (ahead, back) if self.merge_mode is None else (merged,)
        return (*outputs, *more, *further) if len(outputs) + len(more) > 1 else merged

    def __call__(self, sequences: Any, *args: Any, timespans: Any = None, **kwargs: Any) -> Any:
        named = spans.named_arguments(self, sequences, args, kwargs, timespans)
        return super().__call__(sequences, *args, **named)

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
        *,
        timespans: Any = None,
        sequences_mask: Any = None,
    ) -> Any:
        forward, backward = self._halves(initial_state)
        both = {
            "mask": sequences_mask if mask is None else mask,
            "training": training,
            "timespans": timespans,
        }
        ahead = self.forward_layer(sequences, initial_state=forward, **both)
        back = self.backward_layer(sequences, initial_state=backward, **both)
        if not isinstance(ahead, tuple):
            return self._merged(ahead, back)
        merged = self._merged(ahead[0], back[0])
        merged = merged if isinstance(merged, tuple) else (merged,)
        return (*merged, *ahead[1:], *(self._in_order(x) for x in back[1:]))

    def _in_order(self, x: Any) -> Any:
        """Return a state of the backward layer; states at every step are put in the order of the samples."""
        return ops.flip(x, axis=1) if len(x.shape) == 3 else x

    def _halves(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        self._check_states(shapes.of(initial_state))
        half = len(self.forward_layer.state_size)
        return initial_state[:half], initial_state[half:]

    def _check_states(self, shape: Any) -> None:
        """Reject a single shape, and a list whose number of shapes is not the number of states."""
        number = len(self.forward_layer.state_size) + len(self.backward_layer.state_size)
        several = shapes.is_nested(shape)
        if not several or len(shape) != number:
            got = len(shape) if several else f"one of shape {tuple(shape)}{spans.BY_NAME}"
            raise ValueError(
                f"{type(self).__name__}: initial_state must be a list of {number} tensors, the states of the "
                f"forward and then of the backward layer; got {got}"
            )

    def _merged(self, ahead: Any, back: Any) -> Any:
        back = ops.flip(back, axis=1) if self.return_sequences else back
        if self.merge_mode is None:
            return ahead, back
        if self.merge_mode == "concat":
            return ops.concatenate([ahead, back], axis=-1)
        if self.merge_mode == "mul":
            return ahead * back
        return (ahead + back) / 2 if self.merge_mode == "ave" else ahead + back

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """Return the masks of the results, in their order; None for last outputs and for last states."""
        outputs = [mask if self.return_sequences else None] * (2 if self.merge_mode is None else 1)
        for layer in (self.forward_layer, self.backward_layer):
            states = layer.cell.state_sizes
            outputs += [None] * len(states) * self.return_state
            outputs += [mask] * len(states) * layer.return_state_sequences
        return outputs
