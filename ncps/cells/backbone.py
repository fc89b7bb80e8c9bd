"""The dense layers in front of a cell's heads, and their dropout masks.

For each layer l, `z = dropout(activation(z Kb_l + bb_l))`: dropout after every one.
"""

import keras
from keras import ops

from ncps._array import activate, affine


class Affine(keras.layers.Layer):
    """A kernel and a bias, `z @ kernel + bias`: variables with a name of their own inside a cell.

    Not `keras.layers.Dense`: cells read the variables and call no layer in a step, while `Model.quantize` and
    LoRA replace the kernel of every Dense they find by one that only Dense's own `call` understands.

    Args:
        units: Integer, number of columns of the kernel.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")


def chain(layers, activation, z, masks=None):
    """Activates `z` (batch, features), drops by the mask and applies the affine layer, for each of `layers`.

    Args:
        layers: `(kernel, bias)` tensors of each affine layer behind the first.
        masks: One dropout mask a layer, or None.
    """
    for i, (kernel, bias) in enumerate(layers):
        z = activate(activation, z)
        if masks is not None:
            z = z * masks[i]
        z = affine(z, kernel, bias)
    return z


def dropout_masks(count, shape, rate, dtype, seed):
    """`count` masks of `shape`: 0 with probability `rate`, else `1 / (1 - rate)`.

    Args:
        seed: `keras.random.SeedGenerator`, advanced by each mask.
    """
    return [keras.random.dropout(ops.ones(shape, dtype=dtype), rate, seed=seed) for _ in range(count)]
