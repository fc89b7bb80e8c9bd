"""Elapsed times of a sequence: the conversion, the checks, and the carry over masked steps."""

import keras
import numpy as np
from keras import ops

from ncps._array import where
from ncps.cells import time
from ncps.layers.loop import fold, swapped

ALLOWED = "timespans must be a tensor of shape (batch, time) or (batch, time, 1)"
BY_NAME = "; if these are elapsed times, give them by name, timespans=..."  # in second place stand states


def check_call(owner, sequences, others, named):
    """Reject arguments that other packages take in a call, such as elapsed times that are not given by name.

    Args:
        owner: Name of the layer, for the message.
        sequences: The first argument of the call, which must not be a pair `(x, t)`.
        others: Arguments after the first, without a name; the second of them would be the mask.
        named: Arguments by name, apart from `timespans`.

    Raises:
        TypeError: with the right name of the argument.
    """
    if isinstance(sequences, (list, tuple)):
        raise TypeError(
            f"{owner}: sequences must be one tensor (batch, time, features), "
            f"got a {type(sequences).__name__} of {len(sequences)}; "
            "elapsed times must be given by name, layer(x, timespans=t)"
        )
    mask_dtype = getattr(others[1], "dtype", None) if len(others) > 1 else None
    if mask_dtype is not None and keras.backend.is_float_dtype(mask_dtype):
        raise TypeError(f"{owner}: mask, the third argument, must hold booleans, got {mask_dtype}{BY_NAME}")
    if "hx" in named:
        raise TypeError(f"{owner}: hx must be given as initial_state, a list of the states of the cell")


def named_arguments(layer, sequences, others, named, t):
    """Return the arguments by name of a layer's call, with the elapsed times `t`, if they are given.

    Raises:
        TypeError: as `check_call` and `admit`.
    """
    owner = type(layer).__name__
    check_call(owner, sequences, others, named)
    return named if t is None else {**named, "timespans": admit(owner, t, layer.compute_dtype)}


def admit(owner, t, dtype):
    """Return `t` so that it can be cast to `dtype`; leave symbolic tensors unchanged.

    In float16 a finite time above 65504 becomes 65504, because infinity would make the result NaN.

    Raises:
        TypeError: if `t` is no tensor and no array.
    """
    if keras.backend.is_keras_tensor(t):
        return t
    if not isinstance(t, np.ndarray) and not ops.is_tensor(t):
        raise TypeError(f"{owner}: {ALLOWED}, got {time.described(t)}")
    t = ops.convert_to_tensor(t)
    if dtype != "float16" or not keras.backend.is_float_dtype(t.dtype):
        return t
    return ops.where(ops.isfinite(t), ops.minimum(t, time.LARGEST_HALF), t)


def check_shape(owner, shape, sequences_shape):
    """Reject a shape other than (batch, time) and (batch, time, 1). None stands for a size not known yet.

    Raises:
        ValueError: with both shapes and what is allowed.
    """
    shape, wanted = tuple(shape), (*sequences_shape[:2], 1)
    agree = all(None in (got, want) or got == want for got, want in zip(shape, wanted, strict=False))
    if len(shape) not in (2, 3) or not agree:
        raise ValueError(
            f"{owner}: {ALLOWED}, got shape {shape} for sequences of shape {tuple(sequences_shape)}"
        )


def check_values(owner, t, mask):
    """Reject times that are negative, infinite or NaN at a step that counts, if values can be read.

    Args:
        t: Tensor `(batch, time, 1)`.
        mask: Tensor `(batch, time, 1)` of booleans, False where a step does not count; None where all do.

    Raises:
        ValueError: with the first such time and its place.
    """
    values = time.seen(t)
    counts = True if mask is None else time.seen(mask)
    if values is None or counts is None:
        return
    bad = ~((values >= 0) & np.isfinite(values)) & counts
    if bad.any():
        sample, step, _ = np.argwhere(bad)[0]
        raise ValueError(
            f"{owner}: timespans must be finite and not negative, got {values[sample, step, 0]} "
            f"at sample {sample}, step {step}"
        )


def carry(t, mask, *, reverse, unroll):
    """Return each step's time plus the times of the masked steps right before it, in running order.

    Args:
        t: Times, `(batch, time, 1)`.
        mask: Booleans `(batch, time, 1)`, False where a step does not count.
        reverse, unroll: Arguments of `fold`.

    Returns:
        Tensor like `t`.
    """

    def advance(inputs, carried):
        t, counts = inputs
        _, waiting = carried
        total = t + waiting
        return [total, where(counts, ops.zeros_like(total), total)]

    return _fold_times(advance, t, mask, reverse, unroll)


def elapse_backwards(t, mask, *, carries, unroll):
    """Return the time between each sample and the one read before it, from the last sample to the first.

    That is the given time of the sample read before it, and 0 for the sample that is read first. A masked
    sample is not read; if `carries` is True, its time is added to that of the next sample that is read.

    Args:
        t: Times since the previous sample, `(batch, time, 1)`.
        mask: Booleans `(batch, time, 1)`, False where a step does not count; None where all do.
        carries, unroll: Booleans.

    Returns:
        Tensor like `t`, in the order of the samples.
    """
    if mask is None:
        return ops.concatenate([t[:, 1:], ops.zeros_like(t[:, :1])], axis=1)

    def advance(inputs, carried):
        t, counts = inputs
        _, waiting = carried
        return [waiting, where(counts, t, t + waiting if carries else waiting)]

    return _fold_times(advance, t, mask, True, unroll)


def _fold_times(advance, t, mask, reverse, unroll):
    """Return the first tensor of the carry of `advance` at each step, in the order of the samples.

    The sum is computed in float32 if `t` is narrower.
    """
    t, mask = swapped(t), swapped(mask)
    wide = t if keras.backend.standardize_dtype(t.dtype) == "float64" else ops.cast(t, "float32")
    nothing = ops.zeros_like(wide[0])
    _, (totals,) = fold(advance, [nothing, nothing], (wide, mask), reverse=reverse, unroll=unroll)
    totals = ops.flip(totals, axis=0) if reverse else totals
    if keras.backend.standardize_dtype(t.dtype) == "float16":
        totals = ops.minimum(totals, time.LARGEST_HALF)
    return swapped(ops.cast(totals, t.dtype))
