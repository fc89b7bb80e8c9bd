"""float64 that stays float64.

Newer Keras (3.15, not 3.8) takes float64 to be float32 wherever it works out a dtype itself, except on
tensorflow: `keras.ops.tanh` of a float64 array is float32 on jax, and so is nearly every function on numpy.
Where that would happen, the functions here are those of NumPy or `jax.numpy`; elsewhere, of `keras.ops`.
"""

import math

import keras
import numpy as np
from keras import ops


def _library():
    """The array library behind a backend whose float64 Keras loses, or None."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax.numpy

        return jax.numpy
    return np if backend == "numpy" else None


xp = _library()


def _lost(x):
    return xp is not None and x.dtype == np.float64


def exp(x):
    return xp.exp(x) if _lost(x) else ops.exp(x)


def tanh(x):
    return xp.tanh(x) if _lost(x) else ops.tanh(x)


def sigmoid(x):
    if xp is not np or not _lost(x):
        return ops.sigmoid(x)
    with np.errstate(over="ignore"):  # exp(-x) = infinity gives the 0 that is wanted
        return 1.0 / (1.0 + np.exp(-x))


def clip(x, low, high):
    return xp.clip(x, low, high) if _lost(x) else ops.clip(x, low, high)


def magnitude(x):
    """|x| with slope 1 at 0, where `keras.ops.abs` has slope 0 and gradient descent would not leave."""
    where = xp.where if _lost(x) else ops.where
    return where(x >= 0, x, -x)


_erf = np.vectorize(math.erf, otypes=[np.float64])

# By backend, the activations that lose float64 in Keras, and what stands in for them.
EXACT = {
    "jax": {keras.activations.tanh: tanh},
    # TensorFlow itself keeps the constants of these two in float32.
    "tensorflow": {
        keras.activations.leaky_relu: lambda x: ops.maximum(x, 0.2 * x),
        keras.activations.gelu: lambda x: 0.5 * x * (1.0 + ops.erf(x / math.sqrt(2.0))),
    },
    "numpy": {
        keras.activations.tanh: tanh,
        keras.activations.sigmoid: sigmoid,
        keras.activations.relu: lambda x: np.maximum(x, 0.0),
        keras.activations.silu: lambda x: x * sigmoid(x),
        keras.activations.softplus: lambda x: np.logaddexp(x, 0.0),
        keras.activations.elu: lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
        keras.activations.leaky_relu: lambda x: np.maximum(x, 0.2 * x),
        keras.activations.gelu: lambda x: 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0))),
    },
}.get(keras.backend.backend(), {})


def activate(activation, x):
    """`activation(x)`; with the activations listed above, in float64 where `x` is."""
    return EXACT.get(activation, activation)(x) if EXACT and x.dtype == np.float64 else activation(x)
