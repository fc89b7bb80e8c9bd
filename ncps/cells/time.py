"""Elapsed time in a direct call of a cell: checks of known values, the cast, and the shape."""

import numbers

import keras
import numpy as np
from keras import ops

LARGEST_HALF = 65504.0
ALLOWED = "t must be a scalar, or a tensor of shape (batch,) or (batch, 1)"

NAMES = ("elapsed_time", "t", "time", "timespans", "ts")
"""Names of the elapsed time in other packages' calls of a cell."""


def check_call(owner, others, named):
    """Reject elapsed time that is not given as `(x, t)`; other packages take it in other places.

    Args:
        owner: Name of the cell, for the message.
        others: Arguments after the inputs and the states, without a name.
        named: Arguments by name.

    Raises:
        TypeError: with the right place.
    """
    if others or any(name in named for name in NAMES):
        raise TypeError(
            f"{owner}: elapsed time t must be given beside the inputs, cell((x, t), states); "
            "training must be given by name"
        )


def admit(owner, t, dtype):
    """Return `t` as a tensor of `dtype`; leave symbolic tensors unchanged.

    In float16 a time above 65504 becomes 65504, because infinity would make the result NaN.

    Args:
        owner: Name of the cell, for the message.
        t: Number, NumPy array, tensor or KerasTensor.
        dtype: Name of the cell's compute dtype.

    Raises:
        TypeError: if `t` is none of these.
        ValueError: if its values are known and one of them is negative, infinite or NaN.
    """
    if keras.backend.is_keras_tensor(t):
        return t
    values = known_values(owner, t)
    if values is not None and not np.all((values >= 0) & np.isfinite(values)):
        raise ValueError(f"{owner}: elapsed time t must be finite and not negative, got {values.tolist()}")
    if dtype == "float16":
        t = ops.minimum(ops.convert_to_tensor(t), LARGEST_HALF)
    return ops.convert_to_tensor(t, dtype=dtype)  # ops.cast would take a Python number through float32


def described(t):
    """Describe `t`, which is no tensor: for a list, give its shape and how to convert it to a tensor."""
    if not isinstance(t, (list, tuple)):
        return repr(t)
    kind = f"a {type(t).__name__}"
    try:
        return f"{kind} of shape {np.shape(t)}; numpy.asarray makes an array of it"
    except Exception:  # ragged, or what a tensor inside says of being looked at
        return f"{kind} of {len(t)} parts that make no array"


def known_values(owner, t):
    """Return the values of `t` as a NumPy array, or None while a program is being traced."""
    if isinstance(t, (np.ndarray, np.generic)) or (isinstance(t, numbers.Real) and not isinstance(t, bool)):
        return np.asarray(t)
    if not ops.is_tensor(t):
        raise TypeError(f"{owner}: {ALLOWED}, got {described(t)}")
    return seen(t)


def seen(tensor):
    """Return the values of `tensor` as a NumPy array, or None while a program is being traced."""
    if under_torch_compile():
        return None
    try:
        return ops.convert_to_numpy(tensor)
    except Exception:  # every backend has its own error for a value that is not there yet
        return None


def under_torch_compile():
    """Return whether torch.compile or torch.export traces the program; to read values breaks its graph."""
    if keras.backend.backend() != "torch":
        return False
    import torch

    return torch.compiler.is_compiling()


def check_shape(owner, shape, batch):
    """Reject a shape of `t` other than (), (batch,) and (batch, 1). None stands for a size not known yet.

    Raises:
        ValueError: with the shape, the batch size and what is allowed.
    """
    sizes_agree = not shape or shape[0] is None or batch is None or shape[0] == batch
    if len(shape) > 2 or (len(shape) == 2 and shape[1] not in (1, None)) or not sizes_agree:
        raise ValueError(f"{owner}: {ALLOWED}, got shape {shape} for a batch of {batch}")


def as_column(t):
    """Return `t` as a scalar or (batch, 1), so that it multiplies (batch, units) along the batch."""
    return ops.reshape(t, (-1, 1)) if len(t.shape) == 1 else t
