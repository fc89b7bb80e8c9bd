"""Array functions for a cell's step, called directly in the backend's own library.

They replace `keras.ops` for two reasons. On torch, one call of `keras.ops` costs as much as a small matrix
product, and a sequence makes hundreds of calls. And newer Keras (3.15, not 3.8) uses float32 in place of
float64 wherever it infers a dtype, except on tensorflow: `keras.ops.tanh` of a float64 array is float32 on
jax, and so is nearly every function on numpy. Here the result has the dtype of the arguments. The functions
take tensors, never a KerasTensor.
"""

import math

import keras
import numpy as np
from keras import ops

BACKEND = keras.backend.backend()


def affine(z, kernel, bias):
    """Return `z @ kernel + bias` for z `(batch, n)` and a bias `(m,)` or `(batch, m)`."""
    return z @ kernel + bias


def split(x, sizes):
    """Split `x` into parts of `sizes` along its last axis."""
    ends = np.cumsum(sizes).tolist()
    return [x[..., end - size : end] for size, end in zip(sizes, ends, strict=True)]


def between(a, b, weight):
    """Return `a + weight (b - a)`."""
    return a + weight * (b - a)


def cast(x, dtype):
    """Cast `x` to the dtype of that name."""
    return x if x.dtype == dtype else ops.cast(x, dtype)


def take(x, indices):
    """Return the entries of `x` at `indices`, NumPy integers, of its last axis."""
    return x[..., indices]


def total(x, axis):
    """Return the sum of `x` along an axis."""
    return x.sum(axis)


if BACKEND == "torch":
    import torch

    exp, tanh, sigmoid, absolute, where = torch.exp, torch.tanh, torch.sigmoid, torch.abs, torch.where
    clip, relu, between = torch.clamp, torch.relu, torch.lerp

    def affine(z, kernel, bias):
        return torch.addmm(bias, z, kernel)

    def split(x, sizes):
        return torch.split(x, sizes, dim=-1)

    def concatenate(parts):
        return torch.cat(parts, dim=-1)

    def cast(x, dtype):
        return x.to(getattr(torch, dtype))

    def take(x, indices):  # what ops.take does has no match in ONNX
        return torch.index_select(x, -1, torch.as_tensor(indices, device=x.device))

elif BACKEND == "jax":
    import jax
    import jax.numpy as jnp

    exp, absolute, where, clip, relu = jnp.exp, jnp.abs, jnp.where, jnp.clip, jax.nn.relu

    def differentiated(function, slope):
        """Return `function` with the derivative `slope(y)` at its value y, so that a loop stores y alone."""
        late = jax.checkpoint(lambda y, dx: dx * slope(y), prevent_cse=False)
        function = jax.custom_jvp(function)

        @function.defjvp
        def derive(x, dx):
            y = function(*x)
            return y, late(y, *dx)

        return function

    tanh = differentiated(jnp.tanh, lambda y: 1 - y * y)
    sigmoid = differentiated(jax.nn.sigmoid, lambda y: y * (1 - y))

    def concatenate(parts):
        return jnp.concatenate(parts, axis=-1)

elif BACKEND == "tensorflow":
    import tensorflow as tf

    exp, tanh, sigmoid, absolute, where = tf.exp, tf.tanh, tf.sigmoid, tf.abs, tf.where
    clip, relu = tf.clip_by_value, tf.nn.relu

    def concatenate(parts):
        return tf.concat(parts, axis=-1)

    def take(x, indices):
        return tf.gather(x, indices, axis=-1)

    def total(x, axis):
        return tf.reduce_sum(x, axis)

    def split(x, sizes):
        return tf.split(x, sizes, axis=-1)

elif BACKEND == "numpy":
    exp, tanh, absolute, where, clip = np.exp, np.tanh, np.abs, np.where, np.clip

    def sigmoid(x):
        with np.errstate(over="ignore"):  # exp(-x) = infinity gives the 0 that is wanted
            return np.ones((), x.dtype) / (np.ones((), x.dtype) + np.exp(-x))

    def relu(x):
        return np.maximum(x, np.zeros((), x.dtype))

    def concatenate(parts):
        return np.concatenate(parts, axis=-1)

else:
    exp, tanh, sigmoid, absolute, where = ops.exp, ops.tanh, ops.sigmoid, ops.absolute, ops.where
    clip, relu = ops.clip, ops.relu

    def concatenate(parts):
        return ops.concatenate(parts, axis=-1)

    def take(x, indices):
        return ops.take(x, indices, axis=-1)

    def total(x, axis):
        return ops.sum(x, axis)


def magnitude(x):
    """Return |x| with slope 1 at 0; `absolute` has slope 0 there, so gradient descent would stay at 0."""
    return where(x >= 0, x, -x)


# Keras's activations as functions of above: the same values, sooner.
DIRECT = {
    keras.activations.linear: lambda x: x,
    keras.activations.relu: relu,
    keras.activations.sigmoid: sigmoid,
    keras.activations.tanh: tanh,
}

_erf = np.vectorize(math.erf, otypes=[np.float64])

# By backend, further activations that lose float64 in Keras, and what stands in for them.
EXACT = {
    # TensorFlow itself keeps the constants of these two in float32.
    "tensorflow": {
        keras.activations.leaky_relu: lambda x: ops.maximum(x, 0.2 * x),
        keras.activations.gelu: lambda x: 0.5 * x * (1.0 + ops.erf(x / math.sqrt(2.0))),
    },
    "numpy": {
        keras.activations.silu: lambda x: x * sigmoid(x),
        keras.activations.softplus: lambda x: np.logaddexp(x, 0.0),
        keras.activations.elu: lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
        keras.activations.leaky_relu: lambda x: np.maximum(x, 0.2 * x),
        keras.activations.gelu: lambda x: 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0))),
    },
}.get(BACKEND, {})


def activate(activation, x):
    """Return `activation(x)` in the dtype of `x`."""
    if activation in DIRECT:
        return DIRECT[activation](x)
    if activation in EXACT and x.dtype == np.float64:
        return EXACT[activation](x)
    return activation(x)
